/* SPDX-License-Identifier: Apache-2.0 */
/* A man in the middle cuts the connection after every byte of the handshake and of the answer, of either side. */
#include "tls_rig.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

struct middle {
        struct loop *loop;
        struct source listener, near, far;
        unsigned port;
        struct sockaddr_in server;
        size_t from_client, from_server;           /* bytes that have passed */
        size_t most_from_client, most_from_server; /* then it is cut */
};

static void cut(struct middle *m) {
        struct source *both[] = { &m->near, &m->far };

        for (size_t i = 0; i < ARRAY_SIZE(both); ++i)
                if (both[i]->loop) {
                        source_remove(both[i]);
                        fd_close(both[i]->fd);
                }
}

static bool pump(int from, int to, size_t *passed, size_t most) {
        char room[4096];

        for (;;) {
                ssize_t n = recv(from, room, MIN(sizeof(room), most - *passed), MSG_DONTWAIT);

                if (n < 0 && errno == EAGAIN)
                        return true;
                if (n <= 0 || send(to, room, (size_t)n, MSG_NOSIGNAL) != n)
                        return false;
                *passed += (size_t)n;
                if (*passed == most)
                        return false;
        }
}

static void on_side(struct middle *m) {
        if (!pump(m->near.fd, m->far.fd, &m->from_client, m->most_from_client) ||
            !pump(m->far.fd, m->near.fd, &m->from_server, m->most_from_server))
                cut(m);
}

static void on_near(struct source *source, uint32_t events) {
        on_side(container_of(source, struct middle, near));
}

static void on_far(struct source *source, uint32_t events) {
        on_side(container_of(source, struct middle, far));
}

static void on_arrival(struct source *source, uint32_t events) {
        struct middle *m = container_of(source, struct middle, listener);
        int near = accept4(source->fd, NULL, NULL, SOCK_CLOEXEC), far;

        if (near < 0)
                return;
        far = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
        assert_int_equal(connect(far, (struct sockaddr *)&m->server, sizeof(m->server)), 0);
        setsockopt(far, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        setsockopt(near, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        m->near = m->far = (struct source){};
        assert_int_equal(source_add(m->loop, &m->near, near, EPOLLIN, RANK_NORMAL, on_near), 0);
        assert_int_equal(source_add(m->loop, &m->far, far, EPOLLIN, RANK_NORMAL, on_far), 0);
        if (!m->most_from_client || !m->most_from_server)
                cut(m);
}

static void middle_open(struct middle *m, struct loop *loop, unsigned port) {
        struct sockaddr_in at = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        socklen_t len = sizeof(at);
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);

        *m = (struct middle){ .loop = loop, .server = at };
        m->server.sin_port = htons((uint16_t)port);
        m->most_from_client = m->most_from_server = SIZE_MAX;
        assert_int_equal(bind(fd, (struct sockaddr *)&at, sizeof(at)), 0);
        assert_int_equal(listen(fd, 8), 0);
        assert_int_equal(getsockname(fd, (struct sockaddr *)&at, &len), 0);
        m->port = ntohs(at.sin_port);
        assert_int_equal(source_add(loop, &m->listener, fd, EPOLLIN, RANK_NORMAL, on_arrival), 0);
}

static void middle_close(struct middle *m) {
        cut(m);
        source_remove(&m->listener);
        fd_close(m->listener.fd);
}

/* The call over a connection of its own; its result. */
static int call(const struct rig *rig, const char *server, size_t most_from_client, size_t most_from_server,
                struct middle *ret_middle, struct caller *ret_caller) {
        struct tls_settings settings = { .ca_file = rig_file(rig, "ca.pem") };
        AUTO(str) char *address = NULL;
        struct caller *c = ret_caller;

        caller_open(c, &settings, "localhost", 1);
        middle_open(ret_middle, c->loop, rig_port(rig, server));
        ret_middle->most_from_client = most_from_client;
        ret_middle->most_from_server = most_from_server;
        address = xasprintf("127.0.0.1:%u", ret_middle->port);
        http_client_free(c->client);
        c->client = tls_client_new(c->tls, address);
        caller_get(c, "/bytes/20");
        middle_close(ret_middle);
        caller_close(c);
        return c->result;
}

static void cut_everywhere(const struct rig *rig, const char *server) {
        struct middle whole, m;
        struct caller c;

        assert_int_equal(call(rig, server, SIZE_MAX, SIZE_MAX, &whole, &c), 0);
        /* A signature is some bytes longer or shorter each time, so the last cuts are left out. */
        assert_true(whole.from_server > 500 && whole.from_client > 300);
        for (size_t n = 0; n + 8 < whole.from_server; ++n) {
                int r = call(rig, server, SIZE_MAX, n, &m, &c);

                if (r != -ECONNRESET && r != -EPROTO)
                        fail_msg("%zu bytes of the server's: %d, %s", n, r, c.problem);
                assert_true(*c.problem);
                assert_int_equal(m.from_server, n);
        }
        for (size_t n = 0; n + 8 < whole.from_client; ++n) {
                int r = call(rig, server, n, SIZE_MAX, &m, &c);

                if (r != -ECONNRESET && r != -EPROTO)
                        fail_msg("%zu bytes of the client's: %d, %s", n, r, c.problem);
                assert_int_equal(c.status, 0);
        }
}

static void test_cut_everywhere(void **state) {
        cut_everywhere(*state, "good");
}

static void test_cut_everywhere_in_tls_1_2(void **state) {
        cut_everywhere(*state, "tls12");
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_cut_everywhere),
                cmocka_unit_test(test_cut_everywhere_in_tls_1_2),
        };

        return cmocka_run_group_tests_name("cut", tests, rig_start, rig_stop);
}
