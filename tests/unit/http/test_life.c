/* SPDX-License-Identifier: Apache-2.0 */
/* What ends when: handlers that destroy, peers that vanish, fall silent or do not listen, listeners that
 * stop. */
#include "harness.h"

#include <sys/resource.h>
#include <sys/socket.h>

#define GET(path) "GET " path " HTTP/1.1\r\nHost: a\r\n\r\n"
#define POST(path, len) "POST " path " HTTP/1.1\r\nHost: a\r\nContent-Length: " len "\r\n\r\n"

static void transcript_is(struct harness *h, const char *expected) {
        if (!streq(text_of(&h->transcript), expected))
                fail_msg("<%s> instead of <%s>", text_of(&h->transcript), expected);
}

static void output_is(struct buf *output, const char *expected) {
        forget_dates(output);
        if (!streq(text_of(output), expected))
                fail_msg("<%s> instead of <%s>", text_of(output), expected);
}

static void destroy_at(const char *where, bool listener, size_t step) {
        static const char input[] = "POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
                                    "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n" GET("/park");
        struct harness h;
        size_t len;
        int fd;

        harness_open(&h, &http_limits_api);
        h.kill_in = where;
        h.kill_listener = listener;
        fd = harness_connect(&h);
        for (size_t at = 0; at < sizeof(input) - 1; at += step) {
                send(fd, input + at, MIN(step, sizeof(input) - 1 - at), MSG_NOSIGNAL);
                assert_int_equal(loop_turn(h.loop, 0), 0);
        }
        shutdown(fd, SHUT_WR);
        turns(&h);
        assert_null(h.kill_in); /* it came to pass */
        if (listener)
                assert_int_equal(h.requests, h.done);
        len = h.transcript.len;
        close(fd);
        turns(&h);
        if (listener)
                assert_int_equal(h.transcript.len, len);
        harness_close(&h);
}

static void handlers_destroy_everything(void **state) {
        static const char *const places[] = { "request", "body", "end", "done", "half close" };

        for (size_t i = 0; i < ARRAY_SIZE(places); ++i)
                for (int listener = 0; listener < 2; ++listener) {
                        destroy_at(places[i], listener, 1);
                        destroy_at(places[i], listener, 7);
                        destroy_at(places[i], listener, 1000);
                }
}

static void abort_tells_done_before_it_returns(void **state) {
        struct harness h;
        struct buf output = BUF_NULL(MIB);
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        http_abort(h.parked);
        transcript_is(&h, "GET /park\nend\ndone incomplete\n");
        assert_int_equal(http_listener_connections(h.listener), 0);
        assert_int_equal(http_listener_exchanges(h.listener), 0);
        turns(&h);
        assert_true(client_read(fd, &output));
        assert_int_equal(output.len, 0);
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void a_half_closed_peer_gets_its_answer(void **state) {
        struct harness h;
        struct buf output = BUF_NULL(MIB);
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        shutdown(fd, SHUT_WR);
        turns(&h);
        transcript_is(&h, "GET /park\nend\nhalf closed\n");
        http_respond(h.parked, 200, NULL, "late", 4);
        transcript_is(&h, "GET /park\nend\nhalf closed\n"); /* responding never calls back */
        turns(&h);
        transcript_is(&h, "GET /park\nend\nhalf closed\ndone\n");
        assert_true(client_read(fd, &output));
        output_is(&output, "HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlate");
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void all_at_once_and_half_closed(void **state) {
        struct harness h;
        struct buf output = BUF_NULL(MIB);
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/now") POST("/sink", "2") "hi" GET("/none"));
        shutdown(fd, SHUT_WR);
        turns(&h);
        transcript_is(&h, "GET /now\ndone\nPOST /sink\nsink 2: hi\nend\ndone\nGET /none\ndone\n");
        assert_true(client_read(fd, &output));
        output_is(&output, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-Kind: now\r\n\r\nhello"
                           "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"
                           "HTTP/1.1 204 No Content\r\n\r\n");
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void a_pipelined_request_waits(void **state) {
        struct harness h;
        struct buf output = BUF_NULL(MIB);
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park") GET("/now"));
        turns(&h);
        client_text(fd, GET("/now?2"));
        turns(&h);
        transcript_is(&h, "GET /park\nend\n");
        http_respond(h.parked, 202, NULL, NULL, 0);
        turns(&h);
        transcript_is(&h, "GET /park\nend\ndone\nGET /now\ndone\nGET /now ?2\ndone\n");
        assert_false(client_read(fd, &output));
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void vanish(bool tcp, bool reset, const char *input, const char *transcript) {
        struct linger now = { .l_onoff = 1 };
        struct harness h;
        int fd;

        harness_open(&h, &http_limits_api);
        if (tcp)
                harness_listen_tcp(&h, &http_limits_api);
        fd = tcp ? harness_connect_tcp(&h) : harness_connect(&h);
        client_text(fd, input);
        turn_until(&h, h.requests == 1);
        turns(&h);
        if (reset)
                assert_int_equal(setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now)), 0);
        close(fd);
        turn_until(&h, h.done == 1);
        transcript_is(&h, transcript);
        turn_until(&h, http_listener_connections(h.listener) == 0);
        harness_close(&h);
}

static void peers_vanish(void **state) {
        vanish(false, false, GET("/park"), "GET /park\nend\nhalf closed\ndone incomplete\n");
        vanish(true, true, GET("/park"), "GET /park\nend\nhalf closed\ndone incomplete\n");
        vanish(false, false, POST("/echo", "9") "abc", "POST /echo\ndone incomplete truncated\n");
        vanish(true, false, POST("/echo", "9") "abc", "POST /echo\ndone incomplete truncated\n");
        vanish(true, true, POST("/sink", "9") "abc", "POST /sink\ndone incomplete truncated\n");
        vanish(true, true, POST("/pause", "9") "abc",
               "POST /pause\nhalf closed\ndone incomplete truncated\n");
        vanish(false, false, POST("/quiet", "9") "abc", "POST /quiet\ndone incomplete truncated\n");
}

static void a_paused_body_waits(void **state) {
        size_t len = 300 * KIB, sent = 0;
        char *body = calloc(1, len);
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int fd;

        assert_non_null(body);
        memset(body, 'x', len);
        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, "POST /pause HTTP/1.1\r\nHost: a\r\nContent-Length: 307200\r\n\r\n");
        while (h.done == 0) {
                ssize_t n = send(fd, body + sent, len - sent, MSG_NOSIGNAL);
                size_t before = h.body.len;

                if (n > 0)
                        sent += (size_t)n;
                turns(&h);
                client_read(fd, &output);
                turns(&h);
                if (h.done)
                        break;
                assert_true(h.body.len - before <= LOOP_SCRATCH);
                before = h.body.len;
                turns(&h);
                assert_int_equal(h.body.len, before);
                http_resume(h.parked);
                assert_int_equal(h.body.len, before);
        }
        assert_int_equal(sent, len);
        assert_non_null(strstr(text_of(&h.transcript), "end\ndone\n"));
        free(body);
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void fill(char *data, size_t len) {
        for (size_t i = 0; i < len; ++i)
                data[i] = (char)(i * 31 + i / 251);
}

static void read_all(struct harness *h, int fd, struct buf *output, size_t len) {
        while (output->len < len) {
                size_t before = output->len;

                client_read(fd, output);
                turns(h);
                client_read(fd, output);
                assert_true(output->len > before);
        }
}

/* Three ways to answer more than a socket takes, each with a pipelined request behind. */
static void answers_larger_than_the_socket(void **state) {
        size_t len = 9 * MIB + 3;
        char *data = malloc(len);

        assert_non_null(data);
        fill(data, len);
        for (int way = 0; way < 3; ++way) {
                struct buf output = BUF_NULL(20 * MIB), body = BUF_NULL(20 * MIB);
                struct harness h;
                const char *at;
                int fd;

                harness_open(&h, &http_limits_api);
                fd = harness_connect(&h);
                client_text(fd, GET("/park") GET("/now"));
                turns(&h);
                assert_int_equal(buf_append(&body, data, len), 0);
                if (way == 0) {
                        http_respond(h.parked, 200, NULL, data, len);
                } else if (way == 1) {
                        http_respond_buf_consume(h.parked, 200, NULL, &body);
                        assert_null(body.base);
                } else {
                        http_respond_begin(h.parked, 200, NULL, (int64_t)len);
                        http_respond_some(h.parked, &(struct iovec){ data, len / 2 }, 1);
                        assert_true(http_queued(h.parked) > 0);
                        http_respond_some(h.parked, &(struct iovec){ data + len / 2, len - len / 2 }, 1);
                        http_respond_end(h.parked);
                }
                turns(&h);
                transcript_is(&h, "GET /park\nend\n");
                read_all(&h, fd, &output, len + 100);
                turn_until(&h, h.done == 2);
                client_read(fd, &output);
                forget_dates(&output);
                at = memmem(buf_data(&output), output.len, "\r\n\r\n", 4);
                assert_non_null(at);
                assert_memory_equal(at + 4, data, len);
                assert_memory_equal(at + 4 + len, "HTTP/1.1 200 OK\r\n", 17);
                close(fd);
                harness_close(&h);
                buf_deinit(&output);
                buf_deinit(&body);
        }
        free(data);
}

static void drain_is_told(void **state) {
        size_t len = 2 * MIB;
        char *data = calloc(1, len);
        struct buf output = BUF_NULL(20 * MIB);
        struct harness h;
        int fd;

        assert_non_null(data);
        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        http_respond_begin(h.parked, 200, NULL, -1);
        turns(&h);
        transcript_is(&h, "GET /park\nend\n");
        client_read(fd, &output);
        assert_true(output.len > 0); /* the head does not wait for the body for ever */
        http_respond_some(h.parked, &(struct iovec){ data, len }, 1);
        read_all(&h, fd, &output, len);
        turns(&h);
        transcript_is(&h, "GET /park\nend\ndrained\n");
        assert_int_equal(http_queued(h.parked), 0);
        http_respond_end(h.parked);
        turns(&h);
        transcript_is(&h, "GET /park\nend\ndrained\ndone\n");
        free(data);
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void promised_more_than_given(void **state) {
        struct harness h;
        struct buf output = BUF_NULL(MIB);
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        http_respond_begin(h.parked, 200, NULL, 10);
        http_respond_some(h.parked, &(struct iovec){ (void *)"short", 5 }, 1);
        http_respond_end(h.parked);
        turns(&h);
        transcript_is(&h, "GET /park\nend\ndone incomplete\n");
        assert_true(client_read(fd, &output));
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

/* The client writes all of its body before it reads a byte, and still receives the refusal. */
static void a_refused_upload(void **state) {
        size_t len = 4 * MIB, sent = 0;
        char *body = calloc(1, len);
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int fd;

        assert_non_null(body);
        harness_open(&h, &http_limits_api);
        harness_listen_tcp(&h, &http_limits_api);
        fd = harness_connect_tcp(&h);
        client_text(fd, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n");
        while (sent < len) {
                ssize_t n = send(fd, body + sent, len - sent, MSG_NOSIGNAL);

                if (n > 0)
                        sent += (size_t)n;
                else
                        assert_int_equal(errno, EAGAIN);
                assert_int_equal(loop_turn(h.loop, 20 * MILLISECOND), 0);
        }
        transcript_is(&h, "POST /early\ndone\n");
        shutdown(fd, SHUT_WR);
        turn_until(&h, http_listener_connections(h.listener) == 0);
        turn_until(&h, client_read(fd, &output));
        output_is(&output,
                  "HTTP/1.1 413 Content Too Large\r\nContent-Length: 8\r\nConnection: close\r\n\r\ntoo much");
        free(body);
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

/* Refused in the middle of the body, and by a handler that was told of it already. */
static void a_body_cut_off(void **state) {
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int fd;

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, POST("/cut", "100000") "abc");
        turns(&h);
        transcript_is(&h, "POST /cut\ndone\n");
        assert_true(client_read(fd, &output));
        output_is(&output,
                  "HTTP/1.1 413 Content Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\ncut");
        assert_int_equal(http_listener_connections(h.listener), 1);
        close(fd);
        turns(&h);
        assert_int_equal(http_listener_connections(h.listener), 0);
        harness_close(&h);
        buf_deinit(&output);
}

static void lingering_is_bounded(void **state) {
        size_t len = MIB, dropped = 0;
        char *body = calloc(1, len);
        struct harness h;
        int fd;

        assert_non_null(body);
        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, "POST /early HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000000\r\n\r\n");
        for (;;) {
                ssize_t n = send(fd, body, len, MSG_NOSIGNAL);

                if (n < 0 && errno != EAGAIN)
                        break;
                dropped += n > 0 ? (size_t)n : 0;
                assert_true(dropped < 200 * MIB);
                turns(&h);
        }
        assert_true(dropped >= 60 * MIB);
        assert_int_equal(http_listener_connections(h.listener), 0);
        free(body);
        close(fd);
        harness_close(&h);
}

static void silent(const struct http_limits *limits, const char *input, const char *transcript,
                   const char *status) {
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int fd;

        harness_open(&h, limits);
        fd = harness_connect(&h);
        client_text(fd, input);
        turn_until(&h, client_read(fd, &output));
        transcript_is(&h, transcript);
        if (*status)
                assert_memory_equal(text_of(&output), status, strlen(status));
        else
                assert_int_equal(output.len, 0);
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void silent_peers(void **state) {
        struct http_limits head = http_limits_api, idle = http_limits_api;

        head.head_time = 30 * MILLISECOND;
        idle.idle_time = 30 * MILLISECOND;
        silent(&head, "GET /now HTT", "", "HTTP/1.1 408 Request Timeout\r\n");
        silent(&idle, "", "", "");
        silent(&idle, GET("/now"), "GET /now\ndone\n", "HTTP/1.1 200 OK\r\n");
        silent(&idle, POST("/echo", "5") "ab", "POST /echo\ndone incomplete truncated\n",
               "HTTP/1.1 408 Request Timeout\r\n");
}

/* A timer armed for the head must not end an exchange that is merely long. */
static void time_stands_still_for_an_exchange(void **state) {
        struct http_limits limits = http_limits_api;
        struct harness h;
        nsec_t from;
        int fd;

        limits.head_time = limits.idle_time = 20 * MILLISECOND;
        harness_open(&h, &limits);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        from = loop_now(h.loop);
        turn_until(&h, loop_now(h.loop) - from > 60 * MILLISECOND);
        transcript_is(&h, "GET /park\nend\n");
        close(fd);
        turns(&h);
        harness_close(&h);
}

static void a_peer_that_does_not_read(void **state) {
        struct http_limits limits = http_limits_api;
        size_t len = 8 * MIB;
        char *data = calloc(1, len);
        struct harness h;
        int fd;

        assert_non_null(data);
        limits.idle_time = 30 * MILLISECOND;
        harness_open(&h, &limits);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        http_respond(h.parked, 200, NULL, data, len);
        turn_until(&h, h.done);
        transcript_is(&h, "GET /park\nend\ndone incomplete\n");
        free(data);
        close(fd);
        harness_close(&h);
}

static void count_quiet(void *owner) {
        ++*(unsigned *)owner;
}

/* A stopped listener tells when the last answer is with the kernel: not before, not twice, and not when it is freed. */
static void quiet_is_told(void **state) {
        const size_t len = 8 * MIB;
        struct buf output = BUF_NULL(16 * MIB);
        char *data = xcalloc(1, len);
        unsigned quiet = 0;
        struct harness h;
        int fd;

        harness_open(&h, &http_limits_api);
        http_listener_stop(h.listener);
        http_listener_await_quiet(h.listener, count_quiet, &quiet);
        assert_int_equal(quiet, 0);
        turns(&h);
        assert_int_equal(quiet, 1);
        harness_close(&h);

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        http_listener_stop(h.listener);
        http_listener_await_quiet(h.listener, count_quiet, &quiet);
        http_respond(h.parked, 200, NULL, data, len);
        turns(&h);
        assert_int_equal(quiet, 1);
        turn_until(&h, client_read(fd, &output));
        turns(&h);
        assert_true(output.len > len);
        assert_int_equal(quiet, 2);
        close(fd);
        harness_close(&h);

        harness_open(&h, &http_limits_api);
        fd = harness_connect(&h);
        client_text(fd, GET("/park"));
        turns(&h);
        http_listener_stop(h.listener);
        http_listener_await_quiet(h.listener, count_quiet, &quiet);
        harness_close(&h);
        assert_int_equal(quiet, 2);
        close(fd);
        buf_deinit(&output);
        free(data);
}

/* What has come before counts, although its event has not been fetched, the connection itself included. */
static void catching_up(void **state) {
        struct harness h;
        int old, fresh;

        harness_open(&h, &http_limits_api);
        harness_listen_tcp(&h, &http_limits_api);
        old = harness_connect_tcp(&h);
        client_text(old, GET("/park"));
        turn_until(&h, h.parked);
        http_respond(h.parked, 200, NULL, "", 0);
        turns(&h);
        client_text(old, POST("/echo", "9") "half");
        fresh = harness_connect_tcp(&h);
        client_text(fresh, GET("/park"));
        buf_clear(&h.transcript);
        http_listener_catch_up(h.listener);
        assert_int_equal(h.requests, 3);
        assert_non_null(strstr(text_of(&h.transcript), "POST /echo"));
        assert_int_equal(http_listener_exchanges(h.listener), 2);
        close(old);
        close(fresh);
        harness_close(&h);
}

/* Each connection's handler ends all of them. */
static void catching_up_with_handlers_that_destroy(void **state) {
        for (int listener = 0; listener < 2; ++listener) {
                struct harness h;
                int fds[3];

                harness_open(&h, &http_limits_api);
                for (size_t i = 0; i < ARRAY_SIZE(fds); ++i) {
                        fds[i] = harness_connect(&h);
                        client_text(fds[i], GET("/park"));
                }
                h.kill_in = "request";
                h.kill_listener = listener;
                http_listener_catch_up(h.listener);
                assert_int_equal(h.requests, listener ? 1 : 3);
                turns(&h);
                for (size_t i = 0; i < ARRAY_SIZE(fds); ++i)
                        close(fds[i]);
                harness_close(&h);
        }
}

static void stopping(void **state) {
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int idle, busy, late;

        harness_open(&h, &http_limits_api);
        harness_listen_tcp(&h, &http_limits_api);
        idle = harness_connect_tcp(&h);
        busy = harness_connect_tcp(&h);
        client_text(busy, GET("/park"));
        turn_until(&h, h.parked && http_listener_connections(h.listener) == 2);
        http_listener_stop(h.listener);
        assert_int_equal(http_listener_connections(h.listener), 1);
        turn_until(&h, client_read(idle, &output));
        assert_int_equal(output.len, 0);
        late = harness_connect_tcp(&h);
        turns(&h);
        assert_int_equal(send(late, "x", 1, MSG_NOSIGNAL), -1);
        assert_int_equal(http_listener_adopt(h.listener, dup(late)), -ESHUTDOWN);
        http_respond(h.parked, 200, NULL, "bye", 3);
        turn_until(&h, client_read(busy, &output));
        output_is(&output, "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye");
        assert_int_equal(http_listener_connections(h.listener), 0);
        close(idle);
        close(busy);
        close(late);
        harness_close(&h);
        buf_deinit(&output);
}

static void refused_at_the_door(void **state) {
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int fd;

        harness_open(&h, &http_limits_api);
        harness_listen_tcp(&h, &http_limits_api);
        h.refuse_accept = true;
        fd = harness_connect_tcp(&h);
        turn_until(&h, client_read(fd, &output));
        assert_int_equal(http_listener_connections(h.listener), 0);
        close(fd);
        harness_close(&h);
        buf_deinit(&output);
}

static void the_oldest_idle_connection_makes_room(void **state) {
        struct http_limits limits = http_limits_api;
        struct buf output = BUF_NULL(MIB);
        struct harness h;
        int fds[3];

        limits.connections = 2;
        harness_open(&h, &limits);
        harness_listen_tcp(&h, &limits);
        for (unsigned i = 0; i < 2; ++i) {
                fds[i] = harness_connect_tcp(&h);
                client_text(fds[i], GET("/now"));
                turn_until(&h, h.done == i + 1);
                assert_false(client_read(fds[i], &output));
        }
        fds[2] = harness_connect_tcp(&h);
        client_text(fds[2], GET("/now"));
        turn_until(&h, h.done == 3);
        assert_int_equal(http_listener_connections(h.listener), 2);
        assert_true(client_read(fds[0], &output));
        assert_false(client_read(fds[1], &output));
        assert_false(client_read(fds[2], &output));
        for (int i = 0; i < 3; ++i)
                close(fds[i]);
        harness_close(&h);
        buf_deinit(&output);
}

static void without_room_one_waits(void **state) {
        struct http_limits limits = http_limits_api;
        struct harness h;
        int first, second;

        limits.connections = 1;
        harness_open(&h, &limits);
        harness_listen_tcp(&h, &limits);
        first = harness_connect_tcp(&h);
        client_text(first, GET("/park"));
        turn_until(&h, h.requests == 1);
        second = harness_connect_tcp(&h);
        client_text(second, GET("/now"));
        turns(&h);
        assert_int_equal(h.requests, 1);
        http_respond(h.parked, 200, NULL, NULL, 0);
        turn_until(&h, h.done == 2);
        close(first);
        close(second);
        harness_close(&h);
}

static void without_descriptors_nothing_spins(void **state) {
        struct rlimit old, tight;
        struct harness h;
        uint64_t turned;
        nsec_t from;
        int fd;

        harness_open(&h, &http_limits_api);
        harness_listen_tcp(&h, &http_limits_api);
        fd = harness_connect_tcp(&h);
        client_text(fd, GET("/now"));
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &old), 0);
        tight = (struct rlimit){ (rlim_t)fd + 1, old.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &tight), 0);
        from = loop_now(h.loop);
        turned = loop_turns(h.loop);
        turn_until(&h, loop_now(h.loop) - from > 250 * MILLISECOND);
        assert_true(loop_turns(h.loop) - turned < 40);
        assert_int_equal(h.requests, 0);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &old), 0);
        turn_until(&h, h.done == 1);
        close(fd);
        harness_close(&h);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(handlers_destroy_everything),
                cmocka_unit_test(abort_tells_done_before_it_returns),
                cmocka_unit_test(a_half_closed_peer_gets_its_answer),
                cmocka_unit_test(all_at_once_and_half_closed),
                cmocka_unit_test(a_pipelined_request_waits),
                cmocka_unit_test(peers_vanish),
                cmocka_unit_test(a_paused_body_waits),
                cmocka_unit_test(answers_larger_than_the_socket),
                cmocka_unit_test(drain_is_told),
                cmocka_unit_test(promised_more_than_given),
                cmocka_unit_test(a_refused_upload),
                cmocka_unit_test(a_body_cut_off),
                cmocka_unit_test(lingering_is_bounded),
                cmocka_unit_test(silent_peers),
                cmocka_unit_test(time_stands_still_for_an_exchange),
                cmocka_unit_test(a_peer_that_does_not_read),
                cmocka_unit_test(stopping),
                cmocka_unit_test(quiet_is_told),
                cmocka_unit_test(catching_up),
                cmocka_unit_test(catching_up_with_handlers_that_destroy),
                cmocka_unit_test(refused_at_the_door),
                cmocka_unit_test(the_oldest_idle_connection_makes_room),
                cmocka_unit_test(without_room_one_waits),
                cmocka_unit_test(without_descriptors_nothing_spins),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
