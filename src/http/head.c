/* SPDX-License-Identifier: Apache-2.0 */
#include "http/head.h"

static struct http_field *records(const struct head *head) {
        return (struct http_field *)(head->block + head->room) - head->count;
}

void head_init(struct head *head, char *room, size_t size) {
        size_t skip = -(uintptr_t)room % _Alignof(struct http_field);

        /* Records sit at the back, so the end of the block has to be aligned as well as its start. */
        size = size > skip ? (size - skip) / _Alignof(struct http_field) * _Alignof(struct http_field) : 0;
        *head = (struct head){ .block = room ? room + skip : NULL, .room = (uint32_t)size };
}

void head_deinit(struct head *head) {
        if (head->owned)
                free(head->block);
        *head = (struct head){};
}

static int grow(struct head *head, size_t more) {
        size_t records_size = head->count * sizeof(struct http_field);
        size_t room = MAX((size_t)head->room * 2, (head->text + records_size + more + 1023) / 1024 * 1024);
        char *block;

        if (room > UINT32_MAX)
                return -E2BIG;
        block = malloc(room);
        if (!block)
                return -ENOMEM;
        if (head->text)
                memcpy(block, head->block, head->text);
        for (size_t i = 0; i < head->count; ++i) {
                struct http_field *to = (struct http_field *)(block + room) - head->count + i;

                *to = records(head)[i];
                to->name = block + (to->name - head->block);
                if (to->value)
                        to->value = block + (to->value - head->block);
        }
        if (head->owned)
                free(head->block);
        head->block = block;
        head->room = (uint32_t)room;
        head->owned = true;
        return 0;
}

static inline int need(struct head *head, size_t more) {
        if (head->room - head->text - head->count * sizeof(struct http_field) >= more)
                return 0;
        return grow(head, more);
}

int head_add_text(struct head *head, const char *s, size_t len) {
        int r = need(head, len);

        if (r || !len)
                return r;
        memcpy(head->block + head->text, s, len);
        head->text += (uint32_t)len;
        return 0;
}

int head_end_text(struct head *head) {
        return head_add_text(head, "", 1);
}

/* Ends the value (or the missing value) of the newest field. White space behind a value is not part of it. */
static int end_field(struct head *head) {
        struct http_field *field;
        int r;

        if (!head->count)
                return 0;
        if (!head->in_value) {
                r = head_add_value(head, "", 0);
                if (r)
                        return r;
        }
        r = need(head, 1);
        if (r)
                return r;
        field = records(head);
        while (field->value_len &&
               (field->value[field->value_len - 1] == ' ' || field->value[field->value_len - 1] == '\t'))
                --field->value_len;
        head->text = (uint32_t)(field->value + field->value_len - head->block);
        head->block[head->text++] = 0;
        return 0;
}

static int begin_field(struct head *head) {
        struct http_field *field;
        int r = end_field(head);

        if (r)
                return r;
        if (head->count == HEAD_FIELDS_MAX)
                return -E2BIG;
        r = need(head, sizeof(*field));
        if (r)
                return r;
        ++head->count;
        field = records(head);
        *field = (struct http_field){ .name = head->block + head->text };
        head->in_value = head->name_ended = false;
        return 0;
}

static void copy_eight_lower(char *to, const char *s) {
        const uint64_t ones = 0x0101010101010101;
        uint64_t word, low, upper;

        memcpy(&word, s, sizeof(word));
        low = word & 0x7f * ones;
        /* The top bit of each byte that is at least 'A' and not past 'Z'. */
        upper = (low + (0x80 - 'A') * ones) & ~(low + (0x7f - 'Z') * ones) & ~word & 0x80 * ones;
        word |= upper >> 2;
        memcpy(to, &word, sizeof(word));
}

/* Names are a good part of what a request consists of. The last eight letters may overlap those before. */
static void copy_lower(char *to, const char *s, size_t len) {
        size_t i = 0;

        for (; len - i >= 8; i += 8)
                copy_eight_lower(to + i, s + i);
        if (i && i < len)
                copy_eight_lower(to + len - 8, s + len - 8);
        else
                for (; i < len; ++i)
                        to[i] = (char)(s[i] | ((unsigned)(s[i] - 'A') < 26) << 5);
}

int head_add_name(struct head *head, const char *s, size_t len) {
        int r;

        if (!head->count || head->name_ended || head->in_value) {
                r = begin_field(head);
                if (r)
                        return r;
        }
        r = need(head, len);
        if (r)
                return r;
        copy_lower(head->block + head->text, s, len);
        head->text += (uint32_t)len;
        records(head)->name_len += len;
        return 0;
}

int head_end_name(struct head *head) {
        if (!head->count || head->name_ended || head->in_value || !records(head)->name_len)
                return -EBADMSG;
        head->name_ended = true;
        return 0;
}

int head_add_value(struct head *head, const char *s, size_t len) {
        struct http_field *field;
        int r = need(head, len + 1);

        if (r)
                return r;
        must(head->count);
        field = records(head);
        if (!head->in_value) {
                head->block[head->text++] = 0;
                field->value = head->block + head->text;
                head->in_value = true;
        }
        if (len)
                memcpy(head->block + head->text, s, len);
        head->text += (uint32_t)len;
        field->value_len += len;
        return 0;
}

int head_finish(struct head *head) {
        struct http_field *first;
        int r = end_field(head);

        if (r || !head->count)
                return r;
        first = records(head);
        for (size_t i = 0; i < head->count / 2u; ++i) {
                struct http_field swap = first[i];

                first[i] = first[head->count - 1 - i];
                first[head->count - 1 - i] = swap;
        }
        return 0;
}

struct http_field *head_fields(const struct head *head) {
        return head->count ? records(head) : NULL;
}

const char *head_find(const struct http_field *fields, size_t count, const char *lower_name) {
        size_t len = strlen(lower_name);

        for (size_t i = 0; i < count; ++i)
                if (fields[i].name_len == len && memcmp(fields[i].name, lower_name, len) == 0)
                        return fields[i].value;
        return NULL;
}

size_t head_leftover(const struct head *head, char **ret_room) {
        *ret_room = head->block + head->text;
        return head->owned ? 0 : head->room - head->text - head->count * sizeof(struct http_field);
}
