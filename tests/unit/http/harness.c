/* SPDX-License-Identifier: Apache-2.0 */
#include "harness.h"

#include <arpa/inet.h>
#include <sys/socket.h>

static struct harness *harness_of(struct http_exchange *x) {
        return x->listener_owner;
}

/* True when the test wanted everything destroyed at this point, and it is. */
static bool destroyed(struct harness *h, struct http_exchange *x, const char *where) {
        if (!h->kill_in || !streq(h->kill_in, where))
                return false;
        h->kill_in = NULL;
        if (h->kill_listener)
                http_listener_free(TAKE(h->listener));
        else
                http_abort(x);
        return true;
}

static void tell(struct harness *h, const char *what) {
        assert_int_equal(buf_printf(&h->transcript, "%s\n", what), 0);
}

static void tell_body(struct harness *h, const char *name, const struct buf *body) {
        if (!body->len)
                return;
        assert_int_equal(buf_printf(&h->transcript, "%s %zu: ", name, body->len), 0);
        assert_int_equal(buf_append(&h->transcript, buf_data(body), MIN(body->len, (size_t)64)), 0);
        tell(h, "");
}

static void on_body(struct http_exchange *x, const char *data, size_t len) {
        struct harness *h = harness_of(x);

        assert_int_equal(buf_append(&h->body, data, len), 0);
        if (destroyed(h, x, "body"))
                return;
        if (str_starts(x->path, "/pause"))
                http_pause(x);
        if (str_starts(x->path, "/cut"))
                http_respond(x, 413, NULL, "cut", 3);
}

static void on_end(struct http_exchange *x) {
        struct harness *h = harness_of(x);
        const char *trailer = http_trailer(x, "x-check");

        tell_body(h, "body", &h->body);
        tell_body(h, "sink", &h->sink);
        assert_true(x->request_done);
        if (trailer)
                assert_int_equal(buf_printf(&h->transcript, "trailer %s\n", trailer), 0);
        tell(h, "end");
        if (destroyed(h, x, "end"))
                return;
        if (str_starts(x->path, "/echo") || str_starts(x->path, "/pause"))
                http_respond(x, 200, "X-Kind: echo\r\n", h->body.len ? buf_data(&h->body) : NULL,
                             h->body.len);
        else if (str_starts(x->path, "/sink"))
                http_respond_buf_consume(x, 200, NULL, &h->sink);
}

static void on_done(struct http_exchange *x, bool complete) {
        struct harness *h = harness_of(x);

        ++h->done;
        assert_int_equal(buf_printf(&h->transcript, "done%s%s\n", complete ? "" : " incomplete",
                                    x->truncated ? " truncated" : ""),
                         0);
        buf_clear(&h->body);
        buf_clear(&h->sink);
        if (h->parked == x)
                h->parked = NULL;
        destroyed(h, x, "done");
}

static void on_half_close(struct http_exchange *x) {
        struct harness *h = harness_of(x);

        tell(h, "half closed");
        destroyed(h, x, "half close");
}

static void on_drain(struct http_exchange *x) {
        tell(harness_of(x), "drained");
}

static const struct http_ops ops = {
        .on_body = on_body,
        .on_end = on_end,
        .on_done = on_done,
        .on_half_close = on_half_close,
        .on_drain = on_drain,
};

static const struct http_ops quiet_ops = { .on_body = on_body, .on_end = on_end, .on_done = on_done };

static void stream(struct http_exchange *x, int64_t length) {
        struct iovec two[] = { { (void *)"one ", 4 }, { (void *)"two ", 4 } }, one = { (void *)"three", 5 };

        http_respond_begin(x, 200, "X-Kind: stream\r\n", length);
        http_respond_some(x, two, 2);
        http_respond_some(x, NULL, 0);
        http_respond_some(x, &one, 1);
        http_respond_end(x);
}

static void on_request(struct http_exchange *x) {
        struct harness *h = harness_of(x);

        ++h->requests;
        assert_int_equal(buf_printf(&h->transcript, "%s %s", x->method_name, x->path), 0);
        if (*x->query)
                assert_int_equal(buf_printf(&h->transcript, " ?%s", x->query), 0);
        if (http_header(x, "x-show"))
                assert_int_equal(buf_printf(&h->transcript, " [%s]", http_header(x, "x-show")), 0);
        tell(h, "");
        x->ops = str_starts(x->path, "/quiet") ? &quiet_ops : &ops;
        h->parked = x;
        if (destroyed(h, x, "request"))
                return;
        if (str_starts(x->path, "/now"))
                http_respond(x, 200, "X-Kind: now\r\n", "hello", 5);
        else if (str_starts(x->path, "/none"))
                http_respond(x, 204, NULL, NULL, 0);
        else if (str_starts(x->path, "/unchanged"))
                http_respond(x, 304, "ETag: \"1\"\r\n", NULL, 0);
        else if (str_starts(x->path, "/early"))
                http_respond(x, 413, NULL, "too much", 8);
        else if (str_starts(x->path, "/stream-known"))
                stream(x, 13);
        else if (str_starts(x->path, "/stream"))
                stream(x, -1);
        else if (str_starts(x->path, "/sink") || str_starts(x->path, "/hold"))
                x->sink = &h->sink;
}

static bool on_accept(void *owner, int fd, const struct sockaddr_storage *peer) {
        struct harness *h = owner;

        assert_int_equal(peer->ss_family, AF_INET);
        return !h->refuse_accept;
}

static const struct http_handler handler = { .on_request = on_request, .on_accept = on_accept };

void harness_open(struct harness *h, const struct http_limits *limits) {
        *h = (struct harness){};
        buf_init(&h->transcript, 64 * MIB);
        buf_init(&h->body, 64 * MIB);
        buf_init(&h->sink, 8 * MIB);
        assert_int_equal(loop_new(&h->loop), 0);
        assert_int_equal(http_listen(h->loop, -1, &handler, limits, h, &h->listener), 0);
}

void harness_close(struct harness *h) {
        http_listener_free(h->listener);
        assert_int_equal(h->requests, h->done);
        loop_free(h->loop);
        buf_deinit(&h->transcript);
        buf_deinit(&h->body);
        buf_deinit(&h->sink);
}

int harness_connect(struct harness *h) {
        int pair[2];

        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0, pair), 0);
        assert_int_equal(http_listener_adopt(h->listener, pair[1]), 0);
        return pair[0];
}

void harness_listen_tcp(struct harness *h, const struct http_limits *limits) {
        struct sockaddr_in address = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(address);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&address, sizeof(address)), 0);
        assert_int_equal(listen(fd, 64), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&address, &len), 0);
        h->port = ntohs(address.sin_port);
        http_listener_free(h->listener);
        assert_int_equal(http_listen(h->loop, fd, &handler, limits, h, &h->listener), 0);
}

int harness_connect_tcp(struct harness *h) {
        struct sockaddr_in address = { .sin_family = AF_INET,
                                       .sin_port = htons((uint16_t)h->port),
                                       .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        if (connect(fd, (struct sockaddr *)&address, sizeof(address)) < 0)
                assert_int_equal(errno, EINPROGRESS);
        return fd;
}

void turns(struct harness *h) {
        for (int i = 0; i < 4; ++i)
                assert_int_equal(loop_turn(h->loop, 0), 0);
}

void client_write(int fd, const void *data, size_t len) {
        assert_int_equal(send(fd, data, len, MSG_NOSIGNAL), len);
}

void client_text(int fd, const char *text) {
        client_write(fd, text, strlen(text));
}

bool client_read(int fd, struct buf *buf) {
        for (;;) {
                char *tail;
                ssize_t n;

                assert_int_equal(buf_reserve(buf, 64 * KIB, &tail), 0);
                n = read(fd, tail, 64 * KIB);
                if (n <= 0)
                        return n == 0 || errno != EAGAIN;
                buf_commit(buf, (size_t)n);
        }
}

const char *text_of(struct buf *buf) {
        char *tail;

        assert_int_equal(buf_reserve(buf, 1, &tail), 0);
        *tail = 0;
        return buf_data(buf);
}

void forget_dates(struct buf *buf) {
        size_t from = 0;
        char *at, *next;

        while ((at = memmem(text_of(buf) + from, buf->len - from, "Date: ", 6))) {
                next = strstr(at, "\r\n") + 2;
                memmove(at, next, (size_t)(buf_data(buf) + buf->len - next));
                buf->len -= (size_t)(next - at);
                from = (size_t)(at - buf_data(buf));
        }
}
