/* SPDX-License-Identifier: Apache-2.0 */
#include "base/crc32.h"
#include "logs/logs_private.h"

static void put32(char *p, uint32_t value) {
        for (int i = 0; i < 4; ++i, value >>= 8)
                p[i] = (char)value;
}

static uint32_t get32(const char *text) {
        const unsigned char *p = (const unsigned char *)text;

        return p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 | (uint32_t)p[3] << 24;
}

static uint32_t checksum(const char *head, const char *data, size_t len) {
        uint32_t crc = crc32_update(0, head, 4);

        crc = crc32_update(crc, head + 8, SEGMENT_HEAD - 8);
        return crc32_update(crc, data, len);
}

int segment_put(struct buf *out, const struct segment_record *record) {
        char *head;
        int r = buf_reserve(out, SEGMENT_HEAD + record->len, &head);

        if (r)
                return r;
        put32(head, (uint32_t)record->type << 24 | (uint32_t)record->len);
        put32(head + 8, (uint32_t)record->ms);
        put32(head + 12, (uint32_t)(record->ms >> 32));
        put32(head + 16, record->stream);
        if (record->len)
                memcpy(head + SEGMENT_HEAD, record->data, record->len);
        put32(head + 4, checksum(head, record->data, record->len));
        buf_commit(out, SEGMENT_HEAD + record->len);
        return 0;
}

size_t segment_get(const char *text, size_t len, struct segment_record *ret_record) {
        uint32_t word;

        if (len < SEGMENT_HEAD)
                return 0;
        word = get32(text);
        *ret_record = (struct segment_record){
                .type = word >> 24,
                .len = word & 0xffffff,
                .ms = get32(text + 8) | (uint64_t)get32(text + 12) << 32,
                .stream = get32(text + 16),
                .data = text + SEGMENT_HEAD,
        };
        if (ret_record->type < SEGMENT_GROUP || ret_record->type > SEGMENT_EVENT ||
            ret_record->len > len - SEGMENT_HEAD)
                return 0;
        if (checksum(text, ret_record->data, ret_record->len) != get32(text + 4))
                return 0;
        return SEGMENT_HEAD + ret_record->len;
}
