/* SPDX-License-Identifier: Apache-2.0 */
/* The decoder on foreign bytes, and on frames of our own making whose headers and payload are the input. */
#include "http/eventstream.h"

static void check_spans(const struct eventstream_message *m, const char *data, size_t len) {
        const char *value;
        size_t value_len;

        must(m->total_len <= len && m->headers >= data && m->headers + m->headers_len == m->payload);
        must(m->payload + m->payload_len + 4 == data + m->total_len);
        if (eventstream_header_value(m, ":event-type", &value, &value_len) == 0)
                must(value >= m->headers && value + value_len <= m->payload);
}

/* A C string of the input's first bytes; returns what it took. */
static size_t take_string(const uint8_t *data, size_t size, char *to, size_t most) {
        size_t n = size ? MIN((size_t)data[0] % most, size - 1) : 0;

        if (n)
                memcpy(to, data + 1, n);
        to[n] = 0;
        return MIN(n + 1, size);
}

static void round_trip(const uint8_t *data, size_t size) {
        char name[64], value[128];
        struct eventstream_header header = { name, value };
        struct eventstream_frame frame;
        struct eventstream_message m;
        struct buf buf = BUF_NULL(size + KIB);
        const char *found;
        size_t used, len;

        used = take_string(data, size, name, sizeof(name));
        used += take_string(data + used, size - used, value, sizeof(value));
        if (!*name)
                return;
        eventstream_frame(&frame, &header, 1, data + used, size - used);
        must(buf_append(&buf, frame.head, frame.head_len) == 0);
        must(buf_append(&buf, data + used, size - used) == 0);
        must(buf_append(&buf, frame.tail, sizeof(frame.tail)) == 0);
        must(eventstream_parse(buf_data(&buf), buf.len, &m) == EVENTSTREAM_MESSAGE && m.total_len == buf.len);
        must(m.payload_len == size - used &&
             (!m.payload_len || memcmp(m.payload, data + used, m.payload_len) == 0));
        must(eventstream_header_value(&m, name, &found, &len) == 0);
        must(len == strlen(value) && memcmp(found, value, len) == 0);
        must(eventstream_parse(buf_data(&buf), buf.len - 1, &m) == EVENTSTREAM_MORE);
        buf_deinit(&buf);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct eventstream_message m;

        if (eventstream_parse((const char *)data, size, &m) == EVENTSTREAM_MESSAGE)
                check_spans(&m, (const char *)data, size);
        /* The same bytes as headers, behind checksums that hold: the fuzzer would hardly find those. */
        m = (struct eventstream_message){ .headers = (const char *)data, .headers_len = size };
        m.payload = m.headers + size;
        eventstream_header_value(&m, "a", &(const char *){ NULL }, &(size_t){ 0 });
        if (size)
                round_trip(data, size);
        return 0;
}
