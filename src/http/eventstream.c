/* SPDX-License-Identifier: Apache-2.0 */
#include "http/eventstream.h"

#include <endian.h>

#include "base/crc32.h"

#define PRELUDE 12 /* total length, length of the headers, checksum of both */
#define CHECKSUM 4
#define TYPE_STRING 7
#define HEADERS_MAX (128 * KIB)
#define PAYLOAD_MAX (16 * MIB)

static void put_u32(char *to, uint32_t value) {
        value = htobe32(value);
        memcpy(to, &value, 4);
}

static uint32_t get_u32(const char *from) {
        uint32_t value;

        memcpy(&value, from, 4);
        return be32toh(value);
}

static size_t get_u16(const char *from) {
        return (size_t)(unsigned char)from[0] << 8 | (unsigned char)from[1];
}

void eventstream_frame(struct eventstream_frame *frame, const struct eventstream_header *headers,
                       size_t count, const void *payload, size_t len) {
        char *at = frame->head + PRELUDE;
        uint32_t crc;

        must(len <= PAYLOAD_MAX);
        for (size_t i = 0; i < count; ++i) {
                size_t name_len = strlen(headers[i].name), value_len = strlen(headers[i].value);

                must(name_len && name_len <= UINT8_MAX);
                must(1 + name_len + 3 + value_len <= (size_t)(frame->head + sizeof(frame->head) - at));
                *at++ = (char)name_len;
                memcpy(at, headers[i].name, name_len);
                at += name_len;
                *at++ = TYPE_STRING;
                *at++ = (char)(value_len >> 8);
                *at++ = (char)value_len;
                memcpy(at, headers[i].value, value_len);
                at += value_len;
        }
        frame->head_len = (size_t)(at - frame->head);
        put_u32(frame->head, (uint32_t)(frame->head_len + len + CHECKSUM));
        put_u32(frame->head + 4, (uint32_t)(frame->head_len - PRELUDE));
        put_u32(frame->head + 8, crc32_update(0, frame->head, 8));
        crc = crc32_update(0, frame->head, frame->head_len);
        put_u32(frame->tail, crc32_update(crc, payload, len));
}

void eventstream_send(struct http_exchange *x, const char *event, const char *content_type,
                      const void *payload, size_t len) {
        const struct eventstream_header headers[] = {
                { ":event-type", event },
                { ":content-type", content_type },
                { ":message-type", "event" },
        };
        struct eventstream_frame frame;

        eventstream_frame(&frame, headers, ARRAY_SIZE(headers), payload, len);
        http_respond_some(x,
                          (const struct iovec[]){ { frame.head, frame.head_len },
                                                  { (void *)(uintptr_t)payload, len },
                                                  { frame.tail, sizeof(frame.tail) } },
                          3);
}

int eventstream_parse(const char *data, size_t len, struct eventstream_message *ret_message) {
        size_t total, headers;

        if (len < PRELUDE)
                return EVENTSTREAM_MORE;
        total = get_u32(data);
        headers = get_u32(data + 4);
        if (crc32_update(0, data, 8) != get_u32(data + 8) || headers > HEADERS_MAX ||
            total < PRELUDE + headers + CHECKSUM || total > PRELUDE + headers + PAYLOAD_MAX + CHECKSUM)
                return -EBADMSG;
        if (len < total)
                return EVENTSTREAM_MORE;
        if (crc32_update(0, data, total - CHECKSUM) != get_u32(data + total - CHECKSUM))
                return -EBADMSG;
        *ret_message = (struct eventstream_message){
                .headers = data + PRELUDE,
                .payload = data + PRELUDE + headers,
                .headers_len = headers,
                .payload_len = total - PRELUDE - headers - CHECKSUM,
                .total_len = total,
        };
        return EVENTSTREAM_MESSAGE;
}

/* The length of a value that lies at `at`, or -EBADMSG; *ret_prefix: the bytes before it that tell its
 * length. */
static ssize_t value_len(unsigned char type, const char *at, size_t left, size_t *ret_prefix) {
        static const signed char fixed[] = { 0, 0, 1, 2, 4, 8, -1, -1, 8, 16 };
        size_t len;

        if (type >= sizeof(fixed))
                return -EBADMSG;
        *ret_prefix = fixed[type] < 0 ? 2 : 0;
        if (left < *ret_prefix)
                return -EBADMSG;
        len = *ret_prefix ? get_u16(at) : (size_t)fixed[type];
        return left - *ret_prefix < len ? -EBADMSG : (ssize_t)len;
}

int eventstream_header_value(const struct eventstream_message *m, const char *name, const char **ret_value,
                             size_t *ret_len) {
        const char *at = m->headers, *end = m->headers + m->headers_len;

        while (at < end) {
                size_t name_len = (unsigned char)*at++, prefix;
                const char *this_name = at;
                unsigned char type;
                ssize_t len;

                if (!name_len || (size_t)(end - at) < name_len + 1)
                        return -EBADMSG;
                at += name_len;
                type = (unsigned char)*at++;
                len = value_len(type, at, (size_t)(end - at), &prefix);
                if (len < 0)
                        return -EBADMSG;
                at += prefix;
                if (strlen(name) == name_len && memcmp(this_name, name, name_len) == 0) {
                        if (type != TYPE_STRING)
                                return -EBADMSG;
                        *ret_value = at;
                        *ret_len = (size_t)len;
                        return 0;
                }
                at += len;
        }
        return -ENOENT;
}
