/* SPDX-License-Identifier: Apache-2.0 */
/* The client against bytes that a bare socket sends, whole and cut at every place, and against our own
 * server. */
#include "harness.h"

#include <arpa/inet.h>
#include <poll.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/un.h>

#include "http/client.h"

struct guest {
        struct loop *loop;
        struct http_client *client;
        struct buf transcript, body;
        const char *free_in, *again_in; /* callback in which to free the client, or to replace the call */
        bool pause;
        int ended, result;
};

/* A listening socket of the test's own. */
static int listen_somewhere(char ret_address[static 32]) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_true(fd >= 0);
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        snprintf(ret_address, 32, "127.0.0.1:%u", ntohs(at.sin_port));
        return fd;
}

static void guest_open(struct guest *g, const char *address) {
        *g = (struct guest){};
        buf_init(&g->transcript, MIB);
        buf_init(&g->body, 64 * MIB);
        assert_int_equal(loop_new(&g->loop), 0);
        g->client = http_client_new(g->loop, address);
}

static void guest_close(struct guest *g) {
        http_client_free(g->client);
        loop_free(g->loop);
        buf_deinit(&g->transcript);
        buf_deinit(&g->body);
}

static const struct http_client_ops guest_ops;

static bool interfered(struct guest *g, const char *where) {
        if (g->free_in && streq(g->free_in, where)) {
                http_client_free(TAKE(g->client));
                return true;
        }
        if (g->again_in && streq(g->again_in, where)) {
                g->again_in = NULL;
                http_client_cancel(g->client);
                assert_int_equal(http_client_call(g->client, HTTP_GET_, "/again", NULL, NULL, 0, NSEC_NEVER,
                                                  &guest_ops, g),
                                 0);
                return true;
        }
        return false;
}

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct guest *g = owner;

        assert_int_equal(buf_printf(&g->transcript, "%d", status), 0);
        for (size_t i = 0; i < count; ++i)
                assert_int_equal(buf_printf(&g->transcript, " %s=%s", fields[i].name, fields[i].value), 0);
        assert_int_equal(buf_append_str(&g->transcript, "\n"), 0);
        interfered(g, "head");
}

static void on_body(void *owner, const char *data, size_t len) {
        struct guest *g = owner;

        assert_int_equal(buf_append(&g->body, data, len), 0);
        if (interfered(g, "body"))
                return;
        if (g->pause)
                http_client_pause(g->client);
}

static void on_end(void *owner, int r) {
        struct guest *g = owner;

        if (g->body.len)
                assert_int_equal(buf_printf(&g->transcript, "%.*s\n", (int)MIN(g->body.len, (size_t)100),
                                            buf_data(&g->body)),
                                 0);
        assert_int_equal(buf_printf(&g->transcript, "end %s\n", r ? strerrorname_np(-r) : "well"), 0);
        ++g->ended;
        g->result = r;
        interfered(g, "end");
}

static const struct http_client_ops guest_ops = { on_head, on_body, on_end };

static void call(struct guest *g, enum http_method method, const char *target) {
        assert_int_equal(
                http_client_call(g->client, method, target, NULL, NULL, 0, NSEC_NEVER, &guest_ops, g), 0);
}

/* Lets the guest connect and send, and returns the server's end with the request read up to its empty line.
 */
static int answer_call(struct guest *g, int listener, struct buf *ret_request) {
        struct pollfd waiting = { .fd = listener, .events = POLLIN };
        char *tail;
        int fd;

        while (poll(&waiting, 1, 0) == 0)
                assert_int_equal(loop_turn(g->loop, 10 * MILLISECOND), 0);
        fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
        assert_true(fd >= 0);
        while (!ret_request->len || !strstr(text_of(ret_request), "\r\n\r\n")) {
                ssize_t n;

                assert_int_equal(loop_turn(g->loop, 10 * MILLISECOND), 0);
                assert_int_equal(buf_reserve(ret_request, 64 * KIB, &tail), 0);
                n = read(fd, tail, 64 * KIB);
                assert_true(n > 0 || errno == EAGAIN);
                buf_commit(ret_request, n > 0 ? (size_t)n : 0);
        }
        return fd;
}

static void spin(struct guest *g) {
        for (int i = 0; i < 4; ++i)
                assert_int_equal(loop_turn(g->loop, 0), 0);
}

struct response {
        const char *name;
        enum http_method method;
        const char *bytes, *transcript; /* behind the bytes the server closes */
};

static const struct response responses[] = {
        { "length", HTTP_GET_, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nX-A: b\r\n\r\nhello",
          "200 content-length=5 x-a=b\nhello\nend well\n" },
        { "no body", HTTP_GET_, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n",
          "200 content-length=0\nend well\n" },
        { "204", HTTP_GET_, "HTTP/1.1 204 No Content\r\n\r\n", "204\nend well\n" },
        { "304", HTTP_GET_, "HTTP/1.1 304 Not Modified\r\nContent-Length: 7\r\n\r\n",
          "304 content-length=7\nend well\n" },
        { "HEAD", HTTP_HEAD_, "HTTP/1.1 200 OK\r\nContent-Length: 7\r\n\r\n",
          "200 content-length=7\nend well\n" },
        { "chunked", HTTP_GET_,
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nT: x\r\n\r\n",
          "200 transfer-encoding=chunked\nabcde\nend well\n" },
        { "until close", HTTP_GET_, "HTTP/1.1 200 OK\r\n\r\nall of it", "200\nall of it\nend well\n" },
        { "1.0", HTTP_GET_, "HTTP/1.0 200 OK\r\n\r\nold", "200\nold\nend well\n" },
        { "interim", HTTP_GET_,
          "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\nHTTP/1.1 201 "
          "Created\r\nContent-Length: 1\r\n\r\nx",
          "201 content-length=1\nx\nend well\n" },
        { "upgraded", HTTP_GET_,
          "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nraw \r\n\r\nHTTP/1.1 bytes",
          "101 connection=Upgrade upgrade=tcp\nraw \r\n\r\nHTTP/1.1 bytes\nend well\n" },
        { "nothing", HTTP_POST_, "", "end ECONNRESET\n" },
        { "half a head", HTTP_GET_, "HTTP/1.1 200 OK\r\nConte", "end ECONNRESET\n" },
        { "half a body", HTTP_GET_, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel",
          "200 content-length=5\nhel\nend ECONNRESET\n" },
        { "half a chunk", HTTP_GET_, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nab",
          "200 transfer-encoding=chunked\nab\nend ECONNRESET\n" },
        { "no last chunk", HTTP_GET_, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n1\r\na\r\n",
          "200 transfer-encoding=chunked\na\nend ECONNRESET\n" },
        { "no HTTP", HTTP_GET_, "SSH-2.0-OpenSSH\r\n", "end EBADMSG\n" },
        { "bad length", HTTP_GET_, "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n", "end EBADMSG\n" },
        { "bad chunk", HTTP_GET_, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
          "200 transfer-encoding=chunked\nend EBADMSG\n" },
};

static void receive(const struct response *t, int listener, const char *address, size_t cut, size_t step) {
        size_t len = strlen(t->bytes), at = 0;
        struct buf request = BUF_NULL(MIB);
        struct guest g;
        int fd;

        guest_open(&g, address);
        call(&g, t->method, "/x?y");
        fd = answer_call(&g, listener, &request);
        while (at < len) {
                size_t n = MIN(at < cut ? cut - at : step, len - at);

                if (send(fd, t->bytes + at, n, MSG_NOSIGNAL) < 0)
                        break;
                at += n;
                assert_int_equal(loop_turn(g.loop, 0), 0);
        }
        shutdown(fd, SHUT_WR);
        turn_until(&g, g.ended);
        if (!streq(text_of(&g.transcript), t->transcript))
                fail_msg("%s, cut %zu step %zu: <%s>", t->name, cut, step, text_of(&g.transcript));
        spin(&g);
        assert_int_equal(g.ended, 1);
        close(fd);
        guest_close(&g);
        buf_deinit(&request);
}

static void all_responses(void **state) {
        char address[32];
        int listener = listen_somewhere(address);

        for (size_t i = 0; i < ARRAY_SIZE(responses); ++i) {
                receive(&responses[i], listener, address, 0, 1);
                for (size_t cut = 0; cut < strlen(responses[i].bytes); ++cut)
                        receive(&responses[i], listener, address, cut, 1000);
        }
        close(listener);
}

static void requests(void **state) {
        struct buf request = BUF_NULL(MIB);
        char address[32], expected[200];
        int listener = listen_somewhere(address), fd;
        struct guest g;

        guest_open(&g, address);
        assert_int_equal(http_client_call(g.client, HTTP_PUT_, "/a?b=c", "X-One: 1\r\nX-Two: 2\r\n", "body",
                                          4, NSEC_NEVER, &guest_ops, &g),
                         0);
        fd = answer_call(&g, listener, &request);
        snprintf(expected, sizeof(expected),
                 "PUT /a?b=c HTTP/1.1\r\nHost: %s\r\nContent-Length: 4\r\nX-One: 1\r\nX-Two: 2\r\n\r\nbody",
                 address);
        assert_string_equal(text_of(&request), expected);
        client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        turn_until(&g, g.ended == 1);
        /* The same connection serves the next call, and an empty POST says that it is empty. */
        buf_clear(&request);
        call(&g, HTTP_POST_, "/");
        turn_until(&g, (client_read(fd, &request), request.len));
        snprintf(expected, sizeof(expected), "POST / HTTP/1.1\r\nHost: %s\r\nContent-Length: 0\r\n\r\n",
                 address);
        assert_string_equal(text_of(&request), expected);
        client_text(fd, "HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n");
        turn_until(&g, g.ended == 2);
        assert_true(client_read(fd, &request)); /* closed by the client */
        close(fd);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
}

/* Behind an answer nothing may come: who knows whose answer that would be. */
static void what_was_not_asked_for(void **state) {
        struct buf request = BUF_NULL(MIB);
        char address[32];
        int listener = listen_somewhere(address), fd;
        struct guest g;

        guest_open(&g, address);
        call(&g, HTTP_GET_, "/1");
        fd = answer_call(&g, listener, &request);
        client_text(
                fd,
                "HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\naHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nb");
        turn_until(&g, g.ended == 1);
        assert_string_equal(text_of(&g.transcript), "200 content-length=1\na\nend well\n");
        assert_true(client_read(fd, &request));
        close(fd);
        buf_clear(&request);
        call(&g, HTTP_GET_, "/2");
        fd = answer_call(&g, listener, &request);
        client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
        turn_until(&g, g.ended == 2);
        client_text(fd, "x");
        turn_until(&g, client_read(fd, &request));
        close(fd);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
}

static void a_kept_connection_that_went(void **state) {
        struct buf request = BUF_NULL(MIB);
        char address[32];
        int listener = listen_somewhere(address), fd;
        struct guest g;

        guest_open(&g, address);
        for (int i = 0; i < 2; ++i) {
                call(&g, HTTP_GET_, "/1");
                buf_clear(&request);
                fd = answer_call(&g, listener, &request);
                client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                turn_until(&g, g.ended == 1 + 2 * i);
                /* Closed, but the client has had no turn to notice. */
                close(fd);
                buf_clear(&request);
                if (i == 0) {
                        call(&g, HTTP_GET_, "/again");
                        fd = answer_call(&g, listener, &request);
                        assert_memory_equal(buf_data(&request), "GET /again ", 11);
                        client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
                        turn_until(&g, g.ended == 2);
                        assert_int_equal(g.result, 0);
                        close(fd);
                        spin(&g);
                } else {
                        call(&g, HTTP_POST_, "/once");
                        turn_until(&g, g.ended == 4);
                        assert_true(g.result == -ECONNRESET || g.result == -EPIPE);
                }
        }
        /* Noticed in time, it is no trouble for anybody. */
        call(&g, HTTP_POST_, "/1");
        fd = answer_call(&g, listener, &request);
        close(fd);
        turn_until(&g, g.ended == 5);
        assert_int_equal(g.result, -ECONNRESET);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
}

static void failures(void **state) {
        static const char *const malformed[] = { "",           "host",    "host:", "host:0",
                                                 "host:65536", "host:x",  ":80",   "a:b:80",
                                                 "[::1]",      "[::1:80", "[]:80", "[localhost]:80",
                                                 "unix:" };
        char address[32];
        int listener = listen_somewhere(address);
        struct guest g;

        for (size_t i = 0; i < ARRAY_SIZE(malformed); ++i) {
                guest_open(&g, malformed[i]);
                assert_int_equal(
                        http_client_call(g.client, HTTP_GET_, "/", NULL, NULL, 0, NSEC_NEVER, &guest_ops, &g),
                        -EINVAL);
                guest_close(&g);
        }
        guest_open(&g, "no-such-host.invalid:80");
        call(&g, HTTP_GET_, "/");
        assert_int_equal(g.ended, 0);
        turn_until(&g, g.ended);
        assert_int_equal(g.result, -EHOSTUNREACH);
        guest_close(&g);

        guest_open(&g, "unix:/nonexistent/socket");
        call(&g, HTTP_GET_, "/");
        assert_int_equal(g.ended, 0);
        turn_until(&g, g.ended);
        assert_int_equal(g.result, -ENOENT);
        guest_close(&g);

        close(listener);
        guest_open(&g, address);
        call(&g, HTTP_GET_, "/");
        turn_until(&g, g.ended);
        assert_int_equal(g.result, -ECONNREFUSED);
        /* And it may be tried again. */
        call(&g, HTTP_GET_, "/");
        turn_until(&g, g.ended == 2);
        guest_close(&g);
}

static void budgets(void **state) {
        struct buf request = BUF_NULL(MIB);
        char address[32];
        int listener = listen_somewhere(address), fd;
        struct guest g;

        guest_open(&g, address);
        assert_int_equal(
                http_client_call(g.client, HTTP_GET_, "/", NULL, NULL, 0, 50 * MILLISECOND, &guest_ops, &g),
                0);
        fd = answer_call(&g, listener, &request);
        client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhel");
        turn_until(&g, g.ended);
        assert_int_equal(g.result, -ETIMEDOUT);
        assert_true(client_read(fd, &request));
        close(fd);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
}

static void callbacks_interfere(void **state) {
        static const char *const places[] = { "head", "body", "end" };
        static const char bytes[] =
                "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
        char address[32];
        int listener = listen_somewhere(address);

        for (size_t i = 0; i < 2 * ARRAY_SIZE(places); ++i)
                for (size_t step = 1; step <= sizeof(bytes); step += 6) {
                        struct buf request = BUF_NULL(MIB);
                        struct guest g;
                        int fd;

                        guest_open(&g, address);
                        if (i % 2)
                                g.free_in = places[i / 2];
                        else
                                g.again_in = places[i / 2];
                        call(&g, HTTP_GET_, "/");
                        fd = answer_call(&g, listener, &request);
                        for (size_t at = 0; at < sizeof(bytes) - 1; at += step) {
                                if (send(fd, bytes + at, MIN(step, sizeof(bytes) - 1 - at), MSG_NOSIGNAL) < 0)
                                        break;
                                spin(&g);
                        }
                        if (i % 2) {
                                assert_null(g.client);
                        } else {
                                int again;

                                assert_null(g.again_in);
                                buf_clear(&g.body);
                                buf_clear(&request);
                                if (i / 2 == 2) {
                                        again = dup(fd);
                                        turn_until(&g, (client_read(again, &request), request.len) ||
                                                               client_read(fd, &request));
                                        if (!request.len) {
                                                close(again);
                                                again = answer_call(&g, listener, &request);
                                        }
                                } else {
                                        again = answer_call(&g, listener, &request);
                                }
                                assert_memory_equal(buf_data(&request), "GET /again ", 11);
                                client_text(again, "HTTP/1.1 204 No Content\r\n\r\n");
                                turn_until(&g, g.ended == (i / 2 == 2 ? 2 : 1));
                                close(again);
                        }
                        close(fd);
                        guest_close(&g);
                        buf_deinit(&request);
                }
        close(listener);
}

static void pausing(void **state) {
        size_t len = 500 * KIB, sent = 0;
        char *data = malloc(len), address[32];
        struct buf request = BUF_NULL(MIB);
        int listener = listen_somewhere(address), fd;
        struct guest g;

        assert_non_null(data);
        memset(data, 'x', len);
        guest_open(&g, address);
        g.pause = true;
        call(&g, HTTP_GET_, "/");
        fd = answer_call(&g, listener, &request);
        client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 512000\r\n\r\n");
        while (!g.ended) {
                size_t before = g.body.len;
                ssize_t n = send(fd, data + sent, len - sent, MSG_NOSIGNAL);

                sent += n > 0 ? (size_t)n : 0;
                spin(&g);
                assert_true(g.body.len - before <= LOOP_SCRATCH);
                before = g.body.len;
                spin(&g);
                assert_int_equal(g.body.len, before);
                if (!g.ended)
                        http_client_resume(g.client);
                assert_int_equal(g.body.len, before);
        }
        assert_int_equal(g.result, 0);
        assert_int_equal(g.body.len, len);
        free(data);
        close(fd);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
}

static void a_raw_stream(void **state) {
        struct buf request = BUF_NULL(MIB), heard = BUF_NULL(MIB);
        char address[32];
        int listener = listen_somewhere(address), fd;
        struct guest g;

        guest_open(&g, address);
        assert_int_equal(http_client_call(g.client, HTTP_POST_, "/attach",
                                          "Connection: Upgrade\r\nUpgrade: tcp\r\n", "{}", 2, NSEC_NEVER,
                                          &guest_ops, &g),
                         0);
        assert_int_equal(http_client_send(g.client, "x", 1), -ENOTCONN);
        fd = answer_call(&g, listener, &request);
        client_text(fd, "HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\nhello");
        turn_until(&g, g.body.len == 5);
        assert_int_equal(http_client_send(g.client, "to ", 3), 0);
        assert_int_equal(http_client_send(g.client, "you", 3), 0);
        http_client_shutdown(g.client);
        turn_until(&g, client_read(fd, &heard));
        assert_string_equal(text_of(&heard), "to you");
        client_text(fd, " again");
        close(fd);
        turn_until(&g, g.ended);
        assert_int_equal(g.result, 0);
        assert_memory_equal(buf_data(&g.body), "hello again", 11);
        assert_int_equal(http_client_send(g.client, "x", 1), -ENOTCONN);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
        buf_deinit(&heard);
}

static void large_bodies(void **state) {
        size_t len = 7 * MIB;
        char *data = malloc(len), address[32];
        struct harness h;
        struct guest g;

        assert_non_null(data);
        for (size_t i = 0; i < len; ++i)
                data[i] = (char)('a' + i % 23);
        harness_open(&h, &http_limits_api);
        harness_listen_tcp(&h, &http_limits_api);
        snprintf(address, sizeof(address), "127.0.0.1:%d", h.port);
        guest_open(&g, address);
        loop_free(g.loop);
        http_client_free(g.client);
        g.loop = h.loop;
        g.client = http_client_new(h.loop, address);
        assert_int_equal(
                http_client_call(g.client, HTTP_POST_, "/sink", NULL, data, len, NSEC_NEVER, &guest_ops, &g),
                0);
        turn_until(&g, g.ended);
        assert_int_equal(g.result, 0);
        assert_int_equal(g.body.len, len);
        assert_memory_equal(buf_data(&g.body), data, len);
        /* Refused early: the answer arrives although not all was sent. */
        buf_clear(&g.body);
        assert_int_equal(
                http_client_call(g.client, HTTP_POST_, "/early", NULL, data, len, NSEC_NEVER, &guest_ops, &g),
                0);
        turn_until(&g, g.ended == 2);
        assert_int_equal(g.result, 0);
        assert_memory_equal(buf_data(&g.body), "too much", 8);
        free(data);
        http_client_free(TAKE(g.client));
        g.loop = NULL;
        guest_close(&g);
        turn_until(&h, http_listener_connections(h.listener) == 0);
        harness_close(&h);
}

static void unix_sockets(void **state) {
        char path[] = "/tmp/lambent-test-XXXXXX", name[64];
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        struct buf request = BUF_NULL(MIB);
        struct guest g;
        int listener, fd;

        assert_non_null(mkdtemp(path));
        snprintf(at.sun_path, sizeof(at.sun_path), "%s/socket", path);
        snprintf(name, sizeof(name), "unix:%s/socket", path);
        listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(bind(listener, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(listener, 1), 0);
        guest_open(&g, name);
        call(&g, HTTP_GET_, "/_ping");
        fd = answer_call(&g, listener, &request);
        assert_string_equal(text_of(&request), "GET /_ping HTTP/1.1\r\nHost: localhost\r\n\r\n");
        client_text(fd, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK");
        turn_until(&g, g.ended);
        assert_int_equal(g.result, 0);
        close(fd);
        close(listener);
        unlink(at.sun_path);
        rmdir(path);
        guest_close(&g);
        buf_deinit(&request);
}

/* The first address refuses, the second one serves. */
static void the_next_address(void **state) {
        struct sockaddr_in6 at = { .sin6_family = AF_INET6, .sin6_addr = IN6ADDR_LOOPBACK_INIT };
        socklen_t len = sizeof(at);
        struct buf request = BUF_NULL(MIB);
        char address[32];
        struct guest g;
        int listener = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0), fd;

        if (listener < 0 || bind(listener, (struct sockaddr *)&at, sizeof(at)) < 0) {
                fd_close(listener);
                skip(); /* a machine without IPv6 */
        }
        assert_int_equal(listen(listener, 1), 0);
        assert_int_equal(getsockname(listener, (struct sockaddr *)&at, &len), 0);
        snprintf(address, sizeof(address), "localhost:%u", ntohs(at.sin6_port));
        guest_open(&g, address);
        call(&g, HTTP_GET_, "/");
        fd = answer_call(&g, listener, &request);
        client_text(fd, "HTTP/1.1 204 No Content\r\n\r\n");
        turn_until(&g, g.ended);
        assert_int_equal(g.result, 0);
        close(fd);
        close(listener);
        guest_close(&g);
        buf_deinit(&request);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(all_responses),
                cmocka_unit_test(requests),
                cmocka_unit_test(what_was_not_asked_for),
                cmocka_unit_test(a_kept_connection_that_went),
                cmocka_unit_test(failures),
                cmocka_unit_test(budgets),
                cmocka_unit_test(callbacks_interfere),
                cmocka_unit_test(pausing),
                cmocka_unit_test(a_raw_stream),
                cmocka_unit_test(large_bodies),
                cmocka_unit_test(unix_sockets),
                cmocka_unit_test(the_next_address),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
