/* SPDX-License-Identifier: Apache-2.0 */
/* Connections through a link: both ends in this process, a socketpair between them, the test at both outer ends. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <sys/socket.h>

#include "runtime/tunnel.h"

struct end {
        struct line line;
        struct tunnels tunnels;
        struct pair *pair;
        char *why; /* the line ended */
};

struct pair {
        struct loop *loop;
        struct end init, daemon;
        int out[TUNNELS_MAX + 2]; /* the daemon's side of each tunnel that was opened, in order */
        size_t opened;
        bool refuse;
};

static void socket_pair(int ends[static 2]) {
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
}

static const char *on_message(struct line *line, const struct link_message *m) {
        struct end *end = line->owner;
        int ends[2] = { -1, -1 };

        if (m->type != LINK_TUNNEL_OPEN)
                return tunnels_on_message(&end->tunnels, m);
        if (!end->pair->refuse) {
                socket_pair(ends);
                end->pair->out[end->pair->opened++] = ends[1];
        }
        tunnels_accept(&end->tunnels, m->tunnel_open.id, ends[0]);
        return NULL;
}

static void on_end(struct line *line, const char *why) {
        struct end *end = line->owner;

        end->why = xstrdup(why);
        tunnels_deinit(&end->tunnels);
}

static void on_drain(struct line *line) {
        tunnels_on_drain(&((struct end *)line->owner)->tunnels);
}

static const struct line_ops line_ops = { .on_message = on_message, .on_end = on_end, .on_drain = on_drain };

static void end_init(struct pair *p, struct end *end, enum link_side side, int fd) {
        end->pair = p;
        line_init(&end->line, p->loop, side, &line_ops, end);
        tunnels_init(&end->tunnels, p->loop, &end->line);
        assert_int_equal(line_open(&end->line, fd, fd), 0);
}

static void set(struct pair *p) {
        int ends[2];

        *p = (struct pair){};
        assert_int_equal(loop_new(&p->loop), 0);
        socket_pair(ends);
        end_init(p, &p->init, LINK_INIT, ends[0]);
        end_init(p, &p->daemon, LINK_DAEMON, ends[1]);
}

static void turn(struct pair *p) {
        for (unsigned i = 0; i < 4; ++i)
                assert_int_equal(loop_turn(p->loop, 0), 0);
}

static void finish(struct pair *p) {
        tunnels_deinit(&p->init.tunnels), tunnels_deinit(&p->daemon.tunnels);
        line_deinit(&p->init.line), line_deinit(&p->daemon.line);
        free(p->init.why), free(p->daemon.why);
        loop_free(p->loop);
        for (size_t i = 0; i < p->opened; ++i)
                fd_close(p->out[i]);
}

/* The function's side of a new tunnel. */
static int open_tunnel(struct pair *p) {
        int ends[2];

        socket_pair(ends);
        tunnels_open(&p->init.tunnels, ends[0], TUNNEL_API, 0);
        turn(p);
        return ends[1];
}

static size_t write_some(int fd, size_t most) {
        static char data[LINK_CHUNK_MAX];
        ssize_t n = send(fd, data, MIN(most, sizeof(data)), MSG_NOSIGNAL);

        return (size_t)MAX(n, (ssize_t)0);
}

static size_t read_some(int fd) {
        static char data[LINK_CHUNK_MAX];
        ssize_t n = recv(fd, data, sizeof(data), 0);

        return (size_t)MAX(n, (ssize_t)0);
}

/* What goes in comes out, in order, in both directions at once, until each side has closed. */
static void bytes_go_through(void **state) {
        static const size_t total = 4 * 1024 * 1024;
        size_t sent[2] = {}, got[2] = {};
        struct pair p;
        int ends[2];
        char byte;

        set(&p);
        ends[0] = open_tunnel(&p);
        assert_int_equal(p.opened, 1);
        ends[1] = p.out[0];
        while (got[0] < total || got[1] < total) {
                for (unsigned i = 0; i < 2; ++i) {
                        sent[i] += write_some(ends[i], total - sent[i]);
                        got[i] += read_some(ends[i]);
                }
                turn(&p);
        }
        assert_int_equal(got[0], total);
        assert_int_equal(send(ends[0], "end", 3, 0), 3);
        assert_int_equal(shutdown(ends[0], SHUT_WR), 0);
        turn(&p);
        assert_int_equal(read_some(ends[1]), 3);
        assert_int_equal(recv(ends[1], &byte, 1, 0), 0); /* half closed: the other half goes on */
        assert_int_equal(send(ends[1], "more", 4, 0), 4);
        turn(&p);
        assert_int_equal(read_some(ends[0]), 4);
        assert_int_equal(p.init.tunnels.count, 1);
        assert_int_equal(shutdown(ends[1], SHUT_WR), 0);
        turn(&p);
        assert_int_equal(recv(ends[0], &byte, 1, 0), 0);
        assert_int_equal(p.init.tunnels.count + p.daemon.tunnels.count, 0);
        close(ends[0]);
        finish(&p);
}

/* Nobody reads at the far end: a window is under way, no more, and another tunnel is not held up. */
static void a_reader_that_does_not_read(void **state) {
        struct pair p;
        size_t sent = 0, more;
        int slow, quick;

        set(&p);
        slow = open_tunnel(&p);
        quick = open_tunnel(&p);
        do {
                more = write_some(slow, SIZE_MAX);
                sent += more;
                for (unsigned i = 0; i < 8; ++i)
                        turn(&p);
        } while (more || write_some(slow, 1));
        assert_true(line_backlog(&p.init.line) < LINK_CHUNK_MAX);
        assert_true(sent >= TUNNEL_WINDOW && sent < 8 * TUNNEL_WINDOW); /* and what the kernel holds */
        assert_int_equal(send(quick, "hello", 5, 0), 5);
        turn(&p);
        assert_int_equal(read_some(p.out[1]), 5);
        close(slow), close(quick);
        finish(&p);
}

static void refused_and_broken(void **state) {
        struct pair p;
        char byte;
        int fd;

        set(&p);
        p.refuse = true;
        fd = open_tunnel(&p);
        turn(&p);
        assert_int_equal(p.init.tunnels.count, 0);
        assert_true(recv(fd, &byte, 1, 0) <= 0);
        close(fd);

        p.refuse = false;
        fd = open_tunnel(&p);
        close(p.out[0]);
        p.out[0] = -1;
        turn(&p);
        assert_int_equal(recv(fd, &byte, 1, 0), 0);
        assert_int_equal(send(fd, "x", 1, MSG_NOSIGNAL), 1); /* nobody is there: the tunnel breaks */
        turn(&p);
        turn(&p);
        assert_int_equal(p.init.tunnels.count + p.daemon.tunnels.count, 0);
        close(fd);
        finish(&p);
}

static void only_so_many(void **state) {
        static int fds[TUNNELS_MAX + 1];
        struct pair p;
        char byte;

        set(&p);
        for (size_t i = 0; i <= TUNNELS_MAX; ++i)
                fds[i] = open_tunnel(&p);
        assert_int_equal(p.init.tunnels.count, TUNNELS_MAX);
        assert_int_equal(p.opened, TUNNELS_MAX);
        assert_true(recv(fds[TUNNELS_MAX], &byte, 1, 0) <= 0);
        for (size_t i = 0; i <= TUNNELS_MAX; ++i)
                close(fds[i]);
        finish(&p);
}

static const struct lie {
        const char *why;
        struct link_message message;
} lies[] = {
        { "a tunnel of the link was credited with more than it carried",
          { .type = LINK_TUNNEL_CREDIT, .tunnel = { 1, 1 } } },
        { "a tunnel of the link carries more than it may", { .type = LINK_TUNNEL_DATA } },
};

static void lies_end_the_line(void **state) {
        static char data[LINK_CHUNK_MAX];

        for (size_t i = 0; i < ARRAY_SIZE(lies); ++i) {
                struct link_message m = lies[i].message;
                struct pair p;
                const struct link_message open = { .type = LINK_TUNNEL_OPEN,
                                                   .tunnel_open = { 1, TUNNEL_API, 0 } };

                set(&p);
                line_send(&p.init.line, &open); /* its own end knows nothing of it */
                if (m.type == LINK_TUNNEL_DATA)
                        m.tunnel_data.id = 1, m.tunnel_data.bytes = (struct link_bytes){ data, sizeof(data) };
                for (unsigned k = 0; k < 64; ++k) {
                        line_send(&p.init.line, &m);
                        turn(&p);
                }
                assert_non_null(p.daemon.why);
                assert_string_equal(p.daemon.why, lies[i].why);
                finish(&p);
        }
}

/* A message that crosses the end of its tunnel, or that was made up. */
static void strangers_are_ignored(void **state) {
        const struct link_message messages[] = {
                { .type = LINK_TUNNEL_DATA, .tunnel_data = { 77, { "x", 1 } } },
                { .type = LINK_TUNNEL_CREDIT, .tunnel = { 77, UINT32_MAX } },
                { .type = LINK_TUNNEL_END, .tunnel = { 77 } },
                { .type = LINK_TUNNEL_CLOSE, .tunnel = { 77 } },
        };
        struct pair p;

        set(&p);
        for (size_t i = 0; i < ARRAY_SIZE(messages); ++i) {
                line_send(&p.init.line, &messages[i]);
                line_send(&p.daemon.line, &messages[i]);
        }
        turn(&p);
        turn(&p);
        assert_null(p.init.why);
        assert_null(p.daemon.why);
        finish(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(bytes_go_through),   cmocka_unit_test(a_reader_that_does_not_read),
                cmocka_unit_test(refused_and_broken), cmocka_unit_test(only_so_many),
                cmocka_unit_test(lies_end_the_line),  cmocka_unit_test(strangers_are_ignored),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
