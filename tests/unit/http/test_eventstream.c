/* SPDX-License-Identifier: Apache-2.0 */
#include "http/eventstream.h"

#include <setjmp.h>
#include <stdarg.h>

#include <cmocka.h>

#include "base/crc32.h"

static const struct eventstream_header chunk[] = {
        { ":event-type", "PayloadChunk" },
        { ":content-type", "application/octet-stream" },
        { ":message-type", "event" },
};

/* One frame with these bytes, checksummed anew, so that only what is inside can be wrong. */
static size_t raw_frame(char *to, const char *headers, size_t headers_len) {
        size_t total = 12 + headers_len + 4;
        uint32_t crc;

        memset(to, 0, 12);
        to[2] = (char)(total >> 8);
        to[3] = (char)total;
        to[7] = (char)headers_len;
        crc = crc32_update(0, to, 8);
        for (int i = 0; i < 4; ++i)
                to[8 + i] = (char)(crc >> (24 - 8 * i));
        memcpy(to + 12, headers, headers_len);
        crc = crc32_update(0, to, total - 4);
        for (int i = 0; i < 4; ++i)
                to[total - 4 + (size_t)i] = (char)(crc >> (24 - 8 * i));
        return total;
}

/* Computed with Python's struct and zlib.crc32. */
static void known_frame(void **state) {
        static const unsigned char expected[] = {
                0x00, 0x00, 0x00, 0x2f, 0x00, 0x00, 0x00, 0x1d, 0x45, 0xb5, 0x0b, 0x65,
                0x0b, 0x3a, 0x65, 0x76, 0x65, 0x6e, 0x74, 0x2d, 0x74, 0x79, 0x70, 0x65,
                0x07, 0x00, 0x0e, 0x49, 0x6e, 0x76, 0x6f, 0x6b, 0x65, 0x43, 0x6f, 0x6d,
                0x70, 0x6c, 0x65, 0x74, 0x65, 0x7b, 0x7d, 0x77, 0x5a, 0x32, 0x61,
        };
        static const struct eventstream_header headers[] = { { ":event-type", "InvokeComplete" } };
        struct eventstream_frame frame;

        eventstream_frame(&frame, headers, 1, "{}", 2);
        assert_int_equal(frame.head_len + 2 + 4, sizeof(expected));
        assert_memory_equal(frame.head, expected, frame.head_len);
        assert_memory_equal("{}", expected + frame.head_len, 2);
        assert_memory_equal(frame.tail, expected + frame.head_len + 2, 4);
}

static size_t write_frame(struct buf *buf, const char *payload, size_t len) {
        struct eventstream_frame frame;

        eventstream_frame(&frame, chunk, ARRAY_SIZE(chunk), payload, len);
        assert_int_equal(buf_append(buf, frame.head, frame.head_len), 0);
        assert_int_equal(buf_append(buf, payload, len), 0);
        assert_int_equal(buf_append(buf, frame.tail, 4), 0);
        return frame.head_len + len + 4;
}

static void value_is(const struct eventstream_message *m, const char *name, const char *expected) {
        const char *value;
        size_t len;

        assert_int_equal(eventstream_header_value(m, name, &value, &len), 0);
        assert_int_equal(len, strlen(expected));
        assert_memory_equal(value, expected, len);
}

static void round_trip(void **state) {
        static const size_t sizes[] = { 0, 1, 7, 100, 70000 };
        char *payload = calloc(1, 70000);

        assert_non_null(payload);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i) {
                struct buf buf = BUF_NULL(MIB);
                struct eventstream_message m;
                size_t total = write_frame(&buf, payload, sizes[i]), len;
                const char *value;

                for (size_t cut = 0; cut < MIN(total, (size_t)300); ++cut)
                        assert_int_equal(eventstream_parse(buf_data(&buf), cut, &m), EVENTSTREAM_MORE);
                assert_int_equal(eventstream_parse(buf_data(&buf), total - 1, &m), EVENTSTREAM_MORE);
                write_frame(&buf, "next", 4);
                assert_int_equal(eventstream_parse(buf_data(&buf), buf.len, &m), EVENTSTREAM_MESSAGE);
                assert_int_equal(m.total_len, total);
                assert_int_equal(m.payload_len, sizes[i]);
                value_is(&m, ":event-type", "PayloadChunk");
                value_is(&m, ":content-type", "application/octet-stream");
                value_is(&m, ":message-type", "event");
                assert_int_equal(eventstream_header_value(&m, ":event", &value, &len), -ENOENT);
                buf_deinit(&buf);
        }
        free(payload);
}

static void any_flipped_bit_is_seen(void **state) {
        struct buf buf = BUF_NULL(MIB);
        struct eventstream_message m;
        size_t total = write_frame(&buf, "payload", 7);

        for (size_t bit = 0; bit < total * 8; ++bit) {
                buf_data(&buf)[bit / 8] ^= (char)(1 << bit % 8);
                assert_int_equal(eventstream_parse(buf_data(&buf), total, &m), -EBADMSG);
                buf_data(&buf)[bit / 8] ^= (char)(1 << bit % 8);
        }
        assert_int_equal(eventstream_parse(buf_data(&buf), total, &m), EVENTSTREAM_MESSAGE);
        buf_deinit(&buf);
}

static void lengths_that_lie(void **state) {
        static const unsigned char lies[][8] = {
                { 0, 0, 0, 15, 0, 0, 0, 0 },            /* shorter than its own frame */
                { 0, 0, 0, 16, 0, 0, 0, 1 },            /* headers longer than the message */
                { 0, 0, 0, 0, 0, 0, 0, 0 },             /* nothing at all */
                { 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0 }, /* past the service's limit */
                { 0, 2, 0, 17, 0, 2, 0, 1 },            /* headers past theirs */
        };
        struct eventstream_message m;

        for (size_t i = 0; i < ARRAY_SIZE(lies); ++i) {
                char prelude[12];
                uint32_t crc = crc32_update(0, lies[i], 8);

                memcpy(prelude, lies[i], 8);
                for (int b = 0; b < 4; ++b)
                        prelude[8 + b] = (char)(crc >> (24 - 8 * b));
                assert_int_equal(eventstream_parse(prelude, 12, &m), -EBADMSG);
        }
}

static void other_types_are_stepped_over(void **state) {
        static const char headers[] = "\1a\0"
                                      "\1b\1"
                                      "\1c\2x"
                                      "\1d\3xx"
                                      "\1e\4xxxx"
                                      "\1f\5xxxxxxxx"
                                      "\1g\6\0\3xyz"
                                      "\1h\10xxxxxxxx"
                                      "\1i\11xxxxxxxxxxxxxxxx"
                                      "\1z\7\0\2ok";
        char frame[300];
        struct eventstream_message m;
        const char *value;
        size_t len, total = raw_frame(frame, headers, sizeof(headers) - 1);

        assert_int_equal(eventstream_parse(frame, total, &m), EVENTSTREAM_MESSAGE);
        value_is(&m, "z", "ok");
        assert_int_equal(eventstream_header_value(&m, "g", &value, &len), -EBADMSG);
}

static void broken_headers(void **state) {
        static const struct {
                const char *bytes;
                size_t len;
        } table[] = {
                { "\0\7\0\1x", 5 },  { "\1", 1 },     { "\1a", 2 },      { "\1a\7", 3 },  { "\1a\7\0", 4 },
                { "\1a\7\0\2x", 6 }, { "\1a\12", 3 }, { "\1a\5xxx", 6 }, { "\5ab\7", 4 },
        };
        char frame[300];
        struct eventstream_message m;
        const char *value;
        size_t len;

        for (size_t i = 0; i < ARRAY_SIZE(table); ++i) {
                size_t total = raw_frame(frame, table[i].bytes, table[i].len);

                assert_int_equal(eventstream_parse(frame, total, &m), EVENTSTREAM_MESSAGE);
                assert_int_equal(eventstream_header_value(&m, "name", &value, &len), -EBADMSG);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(known_frame),
                cmocka_unit_test(round_trip),
                cmocka_unit_test(any_flipped_bit_is_seen),
                cmocka_unit_test(lengths_that_lie),
                cmocka_unit_test(other_types_are_stepped_over),
                cmocka_unit_test(broken_headers),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
