/* SPDX-License-Identifier: Apache-2.0 */
/* Bodies that come by and by, against bare sockets. */
#include "harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>

#include "http/client.h"

struct sender {
        struct loop *loop;
        struct http_client *client;
        int listener, fd; /* fd: the server's end */
        struct buf received;
        size_t left; /* bytes that on_drain still sends, in pieces */
        bool free_in_drain, end_when_sent;
        unsigned drained, ended;
        int status, result;
};

static char piece[64 * KIB];

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        ((struct sender *)owner)->status = status;
}

static void on_end(void *owner, int r) {
        struct sender *s = owner;

        ++s->ended;
        s->result = r;
}

static void on_drain(void *owner) {
        struct sender *s = owner;
        size_t n = MIN(s->left, sizeof(piece));

        ++s->drained;
        assert_int_equal(http_client_queued(s->client), 0);
        if (s->free_in_drain) {
                http_client_free(TAKE(s->client));
                return;
        }
        s->left -= n;
        if (n)
                assert_int_equal(http_client_send(s->client, piece, n), 0);
        else if (s->end_when_sent)
                http_client_end_body(s->client);
}

static const struct http_client_ops ops = { on_head, NULL, on_end, on_drain };

static void sender_open(struct sender *s) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        char address[32];

        *s = (struct sender){ .fd = -1, .received = BUF_NULL(64 * MIB) };
        memset(piece, 'p', sizeof(piece));
        assert_int_equal(loop_new(&s->loop), 0);
        s->listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
        assert_int_equal(bind(s->listener, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(s->listener, 8), 0);
        assert_int_equal(getsockname(s->listener, (struct sockaddr *)&at, &len), 0);
        snprintf(address, sizeof(address), "127.0.0.1:%u", ntohs(at.sin_port));
        s->client = http_client_new(s->loop, address);
}

static void sender_close(struct sender *s) {
        http_client_free(s->client);
        loop_free(s->loop);
        fd_close(s->fd);
        fd_close(s->listener);
        buf_deinit(&s->received);
}

static void begin(struct sender *s, enum http_method method, int64_t length) {
        s->ended = 0;
        s->status = 0;
        assert_int_equal(http_client_begin(s->client, method, "/b", "X: y\r\n", length, NSEC_NEVER, &ops, s),
                         0);
}

static void take(struct sender *s) {
        while (s->fd < 0) {
                assert_int_equal(loop_turn(s->loop, 10 * MILLISECOND), 0);
                s->fd = accept4(s->listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        }
}

/* Until the server has got the text at the end of what it has. */
static void receive_until(struct sender *s, const char *end) {
        size_t len = strlen(end);

        take(s);
        while (s->received.len < len ||
               memcmp(buf_data(&s->received) + s->received.len - len, end, len) != 0) {
                assert_int_equal(loop_turn(s->loop, 10 * MILLISECOND), 0);
                assert_false(client_read(s->fd, &s->received));
        }
}

static const char *head_of(struct sender *s) {
        return text_of(&s->received);
}

static void a_known_length(void **state) {
        struct sender s;

        sender_open(&s);
        begin(&s, HTTP_PUT_, 10);
        assert_int_equal(http_client_send(s.client, "0123", 4), 0);
        receive_until(&s, "0123");
        assert_non_null(strstr(head_of(&s), "PUT /b HTTP/1.1\r\n"));
        assert_non_null(strstr(head_of(&s), "Content-Length: 10\r\nX: y\r\n\r\n0123"));
        turn_until(&s, s.drained == 1);
        assert_int_equal(http_client_send(s.client, "456", 3), 0);
        assert_int_equal(http_client_send(s.client, "", 0), 0);
        assert_int_equal(http_client_send(s.client, "789", 3), 0);
        http_client_end_body(s.client);
        receive_until(&s, "0123456789");
        client_text(s.fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        turn_until(&s, s.ended);
        assert_int_equal(s.result, 0);
        /* The connection is kept. */
        begin(&s, HTTP_PUT_, 1);
        assert_int_equal(http_client_send(s.client, "z", 1), 0);
        http_client_end_body(s.client);
        receive_until(&s, "Content-Length: 1\r\nX: y\r\n\r\nz");
        sender_close(&s);
}

static void in_chunks(void **state) {
        struct sender s;

        sender_open(&s);
        begin(&s, HTTP_POST_, -1);
        receive_until(&s, "Transfer-Encoding: chunked\r\nX: y\r\n\r\n");
        assert_null(strstr(head_of(&s), "Content-Length"));
        assert_int_equal(http_client_send(s.client, "0123456789abcdefg", 17), 0);
        receive_until(&s, "\r\n\r\n11\r\n0123456789abcdefg\r\n");
        assert_int_equal(http_client_send(s.client, "", 0), 0);
        assert_int_equal(http_client_send(s.client, "h", 1), 0);
        http_client_end_body(s.client);
        receive_until(&s, "defg\r\n1\r\nh\r\n0\r\n\r\n");
        client_text(s.fd, "HTTP/1.1 204 No Content\r\n\r\n");
        turn_until(&s, s.ended);
        assert_int_equal(s.result, 0);
        sender_close(&s);
        /* Without a single byte. */
        sender_open(&s);
        begin(&s, HTTP_POST_, -1);
        http_client_end_body(s.client);
        receive_until(&s, "\r\n\r\n0\r\n\r\n");
        sender_close(&s);
}

/* Nothing more is asked for while the server takes nothing. */
static void no_faster_than_the_server(void **state) {
        const size_t all = 32 * MIB;
        struct sender s;
        unsigned before;
        size_t body;

        sender_open(&s);
        s.left = all - 1;
        s.end_when_sent = true;
        begin(&s, HTTP_PUT_, (int64_t)all);
        assert_int_equal(http_client_send(s.client, piece, 1), 0);
        take(&s);
        do {
                before = s.drained;
                assert_int_equal(loop_turn(s.loop, 50 * MILLISECOND), 0);
        } while (s.drained != before);
        assert_true(s.left > 0);
        assert_in_range(http_client_queued(s.client), 1, sizeof(piece));
        while (s.received.len < all ||
               !(body = s.received.len -
                        (size_t)(strstr(head_of(&s), "\r\n\r\n") + 4 - buf_data(&s.received))) ||
               body < all) {
                assert_int_equal(loop_turn(s.loop, 10 * MILLISECOND), 0);
                assert_false(client_read(s.fd, &s.received));
        }
        assert_int_equal(body, all);
        assert_int_equal(s.left, 0);
        sender_close(&s);
}

static void a_limit(void **state) {
        struct sender s;
        int r = 0;
        size_t queued = 0;

        sender_open(&s);
        begin(&s, HTTP_PUT_, -1);
        for (; !r; queued += sizeof(piece))
                r = http_client_send(s.client, piece, sizeof(piece));
        assert_int_equal(r, -E2BIG);
        assert_in_range(queued, 15 * MIB, 16 * MIB);
        sender_close(&s);
        /* Without a body that is announced there is nothing to write to. */
        sender_open(&s);
        assert_int_equal(http_client_send(s.client, "x", 1), -ENOTCONN);
        assert_int_equal(http_client_call(s.client, HTTP_POST_, "/", NULL, "b", 1, NSEC_NEVER, &ops, &s), 0);
        assert_int_equal(http_client_send(s.client, "x", 1), -ENOTCONN);
        http_client_end_body(s.client);
        sender_close(&s);
}

static void answered_early(void **state) {
        struct sender s;

        sender_open(&s);
        begin(&s, HTTP_PUT_, 1000);
        assert_int_equal(http_client_send(s.client, "0123", 4), 0);
        receive_until(&s, "0123");
        client_text(s.fd, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
        turn_until(&s, s.ended);
        assert_int_equal(s.result, 0);
        assert_int_equal(s.status, 403);
        assert_int_equal(http_client_send(s.client, "x", 1), -ENOTCONN);
        /* Half a body lies on that connection: it cannot be used again. */
        assert_true(client_read(s.fd, &s.received));
        s.fd = fd_close(s.fd);
        begin(&s, HTTP_PUT_, 0);
        http_client_end_body(s.client);
        receive_until(&s, "Content-Length: 0\r\nX: y\r\n\r\n");
        sender_close(&s);
}

static void the_server_goes(void **state) {
        struct sender s;

        for (int answered = 0; answered < 2; ++answered) {
                sender_open(&s);
                s.left = 1 * MIB;
                begin(&s, HTTP_PUT_, 2 * MIB);
                assert_int_equal(http_client_send(s.client, "0123", 4), 0);
                take(&s);
                if (answered) {
                        client_text(s.fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n");
                        turn_until(&s, s.status == 200);
                }
                s.fd = fd_close(s.fd); /* with bytes unread: a reset */
                turn_until(&s, s.ended);
                assert_true(s.result == -ECONNRESET || s.result == -EPIPE);
                sender_close(&s);
        }
}

/* A kept connection that went cannot be replaced unseen: what was sent is no longer here. */
static void a_kept_connection_that_went(void **state) {
        struct sender s;

        sender_open(&s);
        begin(&s, HTTP_GET_, 0);
        http_client_end_body(s.client);
        receive_until(&s, "\r\n\r\n");
        client_text(s.fd, "HTTP/1.1 204 No Content\r\n\r\n");
        turn_until(&s, s.ended);
        begin(&s, HTTP_PUT_, 8);
        assert_int_equal(http_client_send(s.client, "0123", 4), 0);
        buf_clear(&s.received);
        receive_until(&s, "0123");
        s.fd = fd_close(s.fd);
        turn_until(&s, s.ended);
        assert_int_equal(s.result, -ECONNRESET);
        /* Without a body it can. */
        begin(&s, HTTP_GET_, 0);
        http_client_end_body(s.client);
        take(&s);
        s.received.len = 0;
        receive_until(&s, "\r\n\r\n");
        client_text(s.fd, "HTTP/1.1 204 No Content\r\n\r\n");
        turn_until(&s, s.ended);
        begin(&s, HTTP_GET_, 0);
        http_client_end_body(s.client);
        buf_clear(&s.received);
        receive_until(&s, "\r\n\r\n");
        s.fd = fd_close(s.fd);
        buf_clear(&s.received);
        receive_until(&s, "\r\n\r\n");
        client_text(s.fd, "HTTP/1.1 204 No Content\r\n\r\n");
        turn_until(&s, s.ended);
        assert_int_equal(s.result, 0);
        sender_close(&s);
}

static void callbacks_interfere(void **state) {
        struct sender s;

        sender_open(&s);
        s.free_in_drain = true;
        begin(&s, HTTP_PUT_, 10);
        assert_int_equal(http_client_send(s.client, "0123", 4), 0);
        turn_until(&s, !s.client);
        assert_int_equal(s.ended, 0);
        sender_close(&s);
        /* Cancelled with bytes queued, and begun again at once. */
        sender_open(&s);
        begin(&s, HTTP_PUT_, 10);
        assert_int_equal(http_client_send(s.client, "0123", 4), 0);
        http_client_cancel(s.client);
        assert_int_equal(http_client_queued(s.client), 0);
        begin(&s, HTTP_PUT_, 2);
        assert_int_equal(http_client_send(s.client, "45", 2), 0);
        http_client_end_body(s.client);
        take(&s);
        while (client_read(s.fd, &s.received)) {
                s.fd = fd_close(s.fd);
                buf_clear(&s.received);
                take(&s);
        }
        receive_until(&s, "\r\n\r\n45");
        sender_close(&s);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_known_length),
                cmocka_unit_test(in_chunks),
                cmocka_unit_test(no_faster_than_the_server),
                cmocka_unit_test(a_limit),
                cmocka_unit_test(answered_early),
                cmocka_unit_test(the_server_goes),
                cmocka_unit_test(a_kept_connection_that_went),
                cmocka_unit_test(callbacks_interfere),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
