/* SPDX-License-Identifier: Apache-2.0 */
/* Sizes at their caps and one beside them, and what a connection may cost. */
#include "harness.h"

#include <malloc.h>
#include <stdio.h>
#include <sys/socket.h>

/* A request whose head, up to and with the empty line, is exactly so long. */
static char *head_of(size_t len) {
        static const char before[] = "GET /now HTTP/1.1\r\nHost: a\r\nX-Long: ", after[] = "\r\n\r\n";
        char *head = malloc(len + 1);

        assert_non_null(head);
        memset(head, 'v', len);
        memcpy(head, before, sizeof(before) - 1);
        memcpy(head + len - (sizeof(after) - 1), after, sizeof(after));
        return head;
}

static void send_in_pieces(struct harness *h, int fd, const char *data, size_t len, size_t piece) {
        size_t at = 0;

        while (at < len) {
                ssize_t n = send(fd, data + at, MIN(piece, len - at), MSG_NOSIGNAL);

                if (n < 0 && errno == EPIPE)
                        break;
                at += n > 0 ? (size_t)n : 0;
                assert_int_equal(loop_turn(h->loop, 0), 0);
        }
        turns(h);
}

static void answer_is(const struct http_limits *limits, const char *data, size_t len, size_t piece,
                      int status) {
        struct buf output = BUF_NULL(64 * MIB);
        struct harness h;
        char expected[16];
        int fd;

        harness_open(&h, limits);
        fd = harness_connect(&h);
        send_in_pieces(&h, fd, data, len, piece);
        client_read(fd, &output);
        snprintf(expected, sizeof(expected), "HTTP/1.1 %d ", status);
        if (strncmp(text_of(&output), expected, strlen(expected)) != 0)
                fail_msg("%zu in %zu: %s instead of %d", len, piece, text_of(&output), status);
        close(fd);
        turns(&h);
        harness_close(&h);
        buf_deinit(&output);
}

static void heads_at_their_cap(void **state) {
        static const size_t pieces[] = { 1000, 65536, 1 << 20 };
        const struct http_limits *both[] = { &http_limits_api, &http_limits_runtime };

        for (size_t i = 0; i < ARRAY_SIZE(both); ++i)
                for (size_t p = 0; p < ARRAY_SIZE(pieces); ++p)
                        for (int off = -1; off <= 1; ++off) {
                                size_t len = both[i]->head + (size_t)off;
                                char *head = head_of(len);

                                answer_is(both[i], head, len, pieces[p], off > 0 ? 431 : 200);
                                free(head);
                        }
}

static void a_head_of_small_pieces(void **state) {
        struct http_limits limits = http_limits_api;

        limits.head = 2000;
        for (size_t len = 1999; len <= 2001; ++len) {
                char *head = head_of(len);

                answer_is(&limits, head, len, 1, len > 2000 ? 431 : 200);
                answer_is(&limits, head, len, 7, len > 2000 ? 431 : 200);
                free(head);
        }
}

static void a_megabyte_in_one_field(void **state) {
        size_t value_len = MIB + 100, len;
        struct buf request = BUF_NULL(4 * MIB);
        struct harness h;
        const char *value;
        char *tail;
        int fd;

        assert_int_equal(buf_append_str(&request, "POST /park HTTP/1.1\r\nHost: a\r\nX-Cause: "), 0);
        assert_int_equal(buf_reserve(&request, value_len, &tail), 0);
        for (size_t i = 0; i < value_len; ++i)
                tail[i] = (char)('a' + i % 26);
        buf_commit(&request, value_len);
        assert_int_equal(buf_append_str(&request, "\r\nX-After: 1\r\n\r\n"), 0);
        harness_open(&h, &http_limits_runtime);
        fd = harness_connect(&h);
        send_in_pieces(&h, fd, buf_data(&request), request.len, 10007);
        assert_int_equal(h.requests, 1);
        value = http_header(h.parked, "x-cause");
        len = strlen("POST /park HTTP/1.1\r\nHost: a\r\nX-Cause: ");
        assert_int_equal(h.parked->fields[1].value_len, value_len);
        assert_memory_equal(value, buf_data(&request) + len, value_len);
        assert_string_equal(http_header(h.parked, "x-after"), "1");
        assert_string_equal(http_header(h.parked, "host"), "a");
        assert_string_equal(h.parked->path, "/park");
        http_abort(h.parked);
        close(fd);
        harness_close(&h);
        buf_deinit(&request);
}

static void number_of_fields(void **state) {
        for (size_t count = 255; count <= 257; ++count) {
                struct buf head = BUF_NULL(64 * KIB);

                assert_int_equal(buf_append_str(&head, "GET /now HTTP/1.1\r\nHost: a\r\n"), 0);
                for (size_t i = 1; i < count; ++i)
                        assert_int_equal(buf_printf(&head, "N%zu: %zu\r\n", i, i), 0);
                assert_int_equal(buf_append_str(&head, "\r\n"), 0);
                answer_is(&http_limits_api, buf_data(&head), head.len, 1 << 20, count > 256 ? 431 : 200);
                answer_is(&http_limits_api, buf_data(&head), head.len, 100, count > 256 ? 431 : 200);
                buf_deinit(&head);
        }
}

static void framing_is_capped_too(void **state) {
        static const char start[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n";
        struct http_limits limits = http_limits_api;

        limits.head = 1000;
        for (int trailers = 0; trailers < 2; ++trailers)
                for (size_t len = 900; len <= 1100; len += 200) {
                        struct buf request = BUF_NULL(64 * KIB);
                        char *tail;

                        assert_int_equal(buf_append_str(&request, start), 0);
                        assert_int_equal(buf_append_str(&request, trailers ? "0\r\nX: " : "1;x="), 0);
                        assert_int_equal(buf_reserve(&request, len, &tail), 0);
                        memset(tail, 'v', len);
                        buf_commit(&request, len);
                        assert_int_equal(
                                buf_append_str(&request, trailers ? "\r\n\r\n" : "\r\na\r\n0\r\n\r\n"), 0);
                        answer_is(&limits, buf_data(&request), request.len, 1 << 20, len > 1000 ? 431 : 200);
                        answer_is(&limits, buf_data(&request), request.len, 10, len > 1000 ? 431 : 200);
                        buf_deinit(&request);
                }
}

/* Many small chunks have much framing in all, and that is no offence. */
static void many_small_chunks(void **state) {
        struct http_limits limits = http_limits_api;
        struct buf request = BUF_NULL(MIB);

        limits.head = 1000;
        assert_int_equal(
                buf_append_str(&request,
                               "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"),
                0);
        for (int i = 0; i < 3000; ++i)
                assert_int_equal(buf_append_str(&request, "1\r\nx\r\n"), 0);
        assert_int_equal(buf_append_str(&request, "0\r\n\r\n"), 0);
        answer_is(&limits, buf_data(&request), request.len, 1 << 20, 200);
        answer_is(&limits, buf_data(&request), request.len, 5, 200);
        buf_deinit(&request);
}

static void sinks_at_their_cap(void **state) {
        size_t cap = 8 * MIB;
        char *body = malloc(cap + 1);

        assert_non_null(body);
        for (size_t i = 0; i <= cap; ++i)
                body[i] = (char)('a' + i % 23);
        for (int chunked = 0; chunked < 2; ++chunked)
                for (size_t len = cap - 1; len <= cap + 1; ++len) {
                        struct harness h;
                        char head[128];
                        int fd;

                        harness_open(&h, &http_limits_api);
                        fd = harness_connect(&h);
                        if (chunked)
                                snprintf(head, sizeof(head),
                                         "POST /hold HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: "
                                         "chunked\r\n\r\n%zx\r\n",
                                         len);
                        else
                                snprintf(head, sizeof(head),
                                         "POST /hold HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                                         len);
                        client_text(fd, head);
                        send_in_pieces(&h, fd, body, len - 1, 1 << 20);
                        assert_int_equal(h.sink.len, MIN(cap, len - 1));
                        assert_memory_equal(buf_data(&h.sink), body, h.sink.len);
                        assert_true(h.sink.capacity <= cap);
                        assert_int_equal(h.body.len, 0);
                        client_write(fd, body + len - 1, 1);
                        turns(&h);
                        assert_int_equal(h.sink.len, MIN(cap, len));
                        assert_int_equal(h.body.len, len > cap);
                        assert_int_equal(h.done, 0);
                        close(fd);
                        turns(&h);
                        harness_close(&h);
                }
        free(body);
}

/* A sink that already holds something, and bodies that begin with the head or come later. */
static void sinks_are_appended_to(void **state) {
        static const size_t sizes[] = { 1, 100, 65000, 65536, 70000, 200000 };
        char *body = malloc(200000);

        assert_non_null(body);
        for (size_t i = 0; i < 200000; ++i)
                body[i] = (char)('a' + i % 23);
        for (size_t i = 0; i < ARRAY_SIZE(sizes); ++i)
                for (size_t first = 0; first <= sizes[i]; first += (sizes[i] + 2) / 3) {
                        struct buf request = BUF_NULL(MIB), output = BUF_NULL(MIB);
                        struct harness h;
                        int fd;

                        harness_open(&h, &http_limits_api);
                        assert_int_equal(buf_append(&h.sink, "had ", 4), 0);
                        fd = harness_connect(&h);
                        assert_int_equal(
                                buf_printf(&request,
                                           "POST /sink HTTP/1.1\r\nHost: a\r\nContent-Length: %zu\r\n\r\n",
                                           sizes[i]),
                                0);
                        assert_int_equal(buf_append(&request, body, first), 0);
                        send_in_pieces(&h, fd, buf_data(&request), request.len, 1 << 20);
                        buf_clear(&request);
                        assert_int_equal(buf_append(&request, body + first, sizes[i] - first), 0);
                        assert_int_equal(buf_append_str(&request, "GET /none HTTP/1.1\r\nHost: a\r\n\r\n"),
                                         0);
                        send_in_pieces(&h, fd, buf_data(&request), request.len, 1 << 20);
                        turn_until(&h, (client_read(fd, &output), h.done == 2));
                        forget_dates(&output);
                        buf_consume(&output,
                                    (size_t)(strstr(text_of(&output), "\r\n\r\n") + 4 - buf_data(&output)));
                        assert_memory_equal(buf_data(&output), "had ", 4);
                        assert_memory_equal(buf_data(&output) + 4, body, sizes[i]);
                        close(fd);
                        harness_close(&h);
                        buf_deinit(&request);
                        buf_deinit(&output);
                }
        free(body);
}

/* What a runtime that waits for work costs: an exchange without answer, opened by a head as AWS's clients
 * send it. */
static void a_parked_connection_is_small(void **state) {
        static const char poll[] =
                "GET /park/2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1:9001\r\n"
                "User-Agent: aws-lambda-python/3.12-1.0\r\nAccept: */*\r\nConnection: keep-alive\r\n\r\n";
        enum { COUNT = 200 };
        struct harness h;
        size_t before, each;
        int fds[COUNT];

        harness_open(&h, &http_limits_runtime);
        fds[0] = harness_connect(&h);
        client_text(fds[0], poll);
        turns(&h);
        assert_int_equal(buf_append(&h.transcript, "", 1), 0);
        before = mallinfo2().uordblks - h.transcript.capacity;
        for (int i = 1; i < COUNT; ++i) {
                fds[i] = harness_connect(&h);
                client_text(fds[i], poll);
        }
        turns(&h);
        assert_int_equal(h.requests, COUNT);
        each = (mallinfo2().uordblks - h.transcript.capacity - before) / (COUNT - 1);
        /* A sanitizer's allocator does not count. */
        if (mallinfo2().uordblks) {
                assert_true(each > 500);
                assert_true(each <= 2048);
                print_message("# %zu bytes per parked connection\n", each);
        }
        for (int i = 0; i < COUNT; ++i)
                close(fds[i]);
        turns(&h);
        harness_close(&h);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(heads_at_their_cap),           cmocka_unit_test(a_head_of_small_pieces),
                cmocka_unit_test(a_megabyte_in_one_field),      cmocka_unit_test(number_of_fields),
                cmocka_unit_test(framing_is_capped_too),        cmocka_unit_test(many_small_chunks),
                cmocka_unit_test(sinks_at_their_cap),           cmocka_unit_test(sinks_are_appended_to),
                cmocka_unit_test(a_parked_connection_is_small),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
