/* SPDX-License-Identifier: Apache-2.0 */
#include "api/body_scanner.h"

void body_scanner_init(struct body_scanner *s, const char *parent, size_t kept_max,
                       int (*on_zip)(void *owner, const char *text, size_t len), void *owner) {
        *s = (struct body_scanner){
                .parent = parent, .on_zip = on_zip, .owner = owner, .kept = BUF_NULL(kept_max)
        };
}

void body_scanner_deinit(struct body_scanner *s) {
        buf_deinit(&s->kept);
}

static bool at_target_depth(const struct body_scanner *s) {
        if (!s->parent || s->depth == 0 || s->depth > 2 || !s->is_object[s->depth])
                return false;
        return s->parent[0] == '\0' ? s->depth == 1 : s->depth == 2 && s->parent_here;
}

static bool key_is(const struct body_scanner *s, const char *name) {
        return strlen(name) == s->key_len && s->key_len <= sizeof(s->key) &&
               memcmp(s->key, name, s->key_len) == 0;
}

static void add_to_key(struct body_scanner *s, char c) {
        if (s->key_len < sizeof(s->key))
                s->key[s->key_len] = c;
        s->key_len++;
}

static int begin_string(struct body_scanner *s) {
        s->state = SCAN_STRING;
        if (s->expect_key && s->depth <= 2) {
                s->reading_key = true;
                s->key_len = 0;
                return 0;
        }
        if (s->zip_here && at_target_depth(s)) {
                if (s->zip_seen)
                        return -EEXIST;
                s->in_zip = s->zip_seen = true;
        }
        return 0;
}

static void end_string(struct body_scanner *s) {
        s->state = SCAN_OUTSIDE;
        s->in_zip = false;
        if (!s->reading_key)
                return;
        s->reading_key = s->expect_key = false;
        s->zip_here = key_is(s, "ZipFile");
        if (s->depth == 1)
                s->parent_here = s->parent && s->parent[0] && key_is(s, s->parent);
}

static void open_container(struct body_scanner *s, bool is_object) {
        s->depth++;
        s->expect_key = is_object;
        if (s->depth <= 2)
                s->is_object[s->depth] = is_object;
}

static int structural(struct body_scanner *s, char c) {
        switch (c) {
        case '"':
                return begin_string(s);
        case '{':
                open_container(s, true);
                break;
        case '[':
                open_container(s, false);
                break;
        case '}':
        case ']':
                if (s->depth > 0)
                        s->depth--;
                s->expect_key = false;
                break;
        case ',':
                s->expect_key = s->depth > 0 && s->depth <= 2 && s->is_object[s->depth];
                s->zip_here = false;
                break;
        default:
                break;
        }
        return 0;
}

/* One character of a string, escapes undone. What is not ASCII can be in no name and no Base64 that we look
 * for. */
static int character(struct body_scanner *s, unsigned c) {
        char byte = c < 0x80 ? (char)c : '\x7f';

        if (s->in_zip)
                return s->on_zip(s->owner, &byte, 1);
        if (s->reading_key)
                add_to_key(s, byte);
        return 0;
}

static unsigned unescape(char c) {
        switch (c) {
        case 'b':
                return '\b';
        case 'f':
                return '\f';
        case 'n':
                return '\n';
        case 'r':
                return '\r';
        case 't':
                return '\t';
        default:
                return (unsigned char)c;
        }
}

static int hex_digit(struct body_scanner *s, char c) {
        unsigned value;

        if (c >= '0' && c <= '9')
                value = (unsigned)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
                value = (unsigned)((c | 0x20) - 'a' + 10);
        else
                value = 0xff;
        s->hex = s->hex * 16 + value;
        if (++s->hex_digits < 4)
                return 0;
        s->state = SCAN_STRING;
        return character(s, s->hex);
}

static int one(struct body_scanner *s, char c) {
        switch (s->state) {
        case SCAN_OUTSIDE:
                return structural(s, c);
        case SCAN_STRING:
                if (c == '"')
                        end_string(s);
                else if (c == '\\')
                        s->state = SCAN_ESCAPE;
                else
                        return character(s, (unsigned char)c);
                return 0;
        case SCAN_ESCAPE:
                if (c == 'u') {
                        s->state = SCAN_HEX;
                        s->hex = s->hex_digits = 0;
                        return 0;
                }
                s->state = SCAN_STRING;
                return character(s, unescape(c));
        case SCAN_HEX:
                return hex_digit(s, c);
        }
        must(!"a state");
        return 0;
}

/* The plain characters of the ZipFile at the front of data, in one piece. */
static size_t plain_zip(const char *data, size_t len) {
        const char *quote = memchr(data, '"', len), *escape;

        if (quote)
                len = (size_t)(quote - data);
        escape = memchr(data, '\\', len);
        return escape ? (size_t)(escape - data) : len;
}

int body_scanner_feed(struct body_scanner *s, const char *data, size_t len) {
        size_t i = 0, run = 0; /* data[run..i) waits to be kept */
        int r = 0;

        while (i < len && r == 0) {
                bool was_in_zip = s->in_zip;
                size_t plain;

                if (s->in_zip && s->state == SCAN_STRING && (plain = plain_zip(data + i, len - i)) > 0) {
                        r = s->on_zip(s->owner, data + i, plain);
                        run = i += plain;
                        continue;
                }
                r = one(s, data[i++]);
                if (!was_in_zip && s->in_zip) {
                        /* The opening quote is kept; the closing one will be. */
                        if (r == 0)
                                r = buf_append(&s->kept, data + run, i - run);
                        run = i;
                } else if (was_in_zip) {
                        run = s->in_zip ? i : i - 1;
                }
        }
        if (r == 0 && i > run)
                r = buf_append(&s->kept, data + run, i - run);
        return r;
}
