/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors beside the frames of a line: they arrive in order and before their message, or not at all. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>
#include <fcntl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "runtime/line.h"

struct end {
        struct line line;
        int fds[8]; /* what line_take_fd gave as GONE came */
        size_t count, messages, take;
        char *why;
};

static const char *on_message(struct line *line, const struct link_message *m) {
        struct end *e = container_of(line, struct end, line);

        ++e->messages;
        if (m->type == LINK_GONE)
                for (size_t i = 0; i < e->take; ++i)
                        e->fds[e->count++] = line_take_fd(line);
        return NULL;
}

static void on_end(struct line *line, const char *why) {
        container_of(line, struct end, line)->why = xstrdup(why);
}

static const struct line_ops ops = { .on_message = on_message, .on_end = on_end };

struct pair {
        struct loop *loop;
        struct end near, far;
};

static void set(struct pair *p, size_t expected) {
        int ends[2];

        *p = (struct pair){};
        assert_int_equal(loop_new(&p->loop), 0);
        assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends), 0);
        line_init(&p->near.line, p->loop, LINK_DAEMON, &ops, &p->near);
        line_init(&p->far.line, p->loop, LINK_INIT, &ops, &p->far);
        assert_int_equal(line_open(&p->near.line, ends[0], ends[0]), 0);
        assert_int_equal(line_open(&p->far.line, ends[1], ends[1]), 0);
        line_expect_fds(&p->near.line, expected);
}

static void turn(struct pair *p) {
        for (unsigned i = 0; i < 8; ++i)
                assert_int_equal(loop_turn(p->loop, 0), 0);
}

static void end(struct pair *p) {
        line_deinit(&p->near.line);
        line_deinit(&p->far.line);
        for (size_t i = 0; i < p->near.count; ++i)
                fd_close(p->near.fds[i]);
        assert_int_equal(loop_next_due(p->loop), NSEC_NEVER);
        loop_free(p->loop);
        free(p->near.why), free(p->far.why);
}

/* The write end of a pipe: where the read end sees the end of file, nobody holds it any more. */
static int new_pipe(int *ret_read_end) {
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC | O_NONBLOCK), 0);
        *ret_read_end = ends[0];
        return ends[1];
}

static bool is_held(int read_end) {
        char byte;
        ssize_t n = read(read_end, &byte, 1);

        assert_true(n <= 0);
        return n < 0 && errno == EAGAIN;
}

static void send_pipes(struct pair *p, int *read_ends, size_t count) {
        const struct link_message m = { .type = LINK_GONE, .gone.why = "x" };
        int fds[LINE_FDS_MAX];

        for (size_t i = 0; i < count; ++i)
                fds[i] = new_pipe(&read_ends[i]);
        line_send_fds(&p->far.line, &m, fds, count);
}

static void close_all(const int *fds, size_t count) {
        for (size_t i = 0; i < count; ++i)
                fd_close(fds[i]);
}

static void they_arrive_in_order(void **state) {
        const struct link_message later = { .type = LINK_STARTED };
        struct pair p;
        int reads[LINE_FDS_MAX];

        set(&p, LINE_FDS_MAX);
        p.near.take = LINE_FDS_MAX;
        send_pipes(&p, reads, LINE_FDS_MAX);
        line_send(&p.far.line, &later);
        turn(&p);
        assert_int_equal(p.near.count, LINE_FDS_MAX);
        assert_int_equal(p.near.messages, 2);
        for (size_t i = 0; i < LINE_FDS_MAX; ++i) {
                char byte;

                assert_true(p.near.fds[i] >= 0);
                assert_true(fcntl(p.near.fds[i], F_GETFD) & FD_CLOEXEC);
                assert_int_equal(write(p.near.fds[i], "x", 1), 1);
                assert_int_equal(read(reads[i], &byte, 1), 1);
                assert_true(is_held(reads[i]));
        }
        assert_int_equal(line_take_fd(&p.near.line), -1);
        end(&p);
        for (size_t i = 0; i < LINE_FDS_MAX; ++i)
                assert_false(is_held(reads[i])); /* the sender kept none */
        close_all(reads, LINE_FDS_MAX);
}

/* Frames before and behind them, in as many reads as it takes. */
static void they_come_between_other_frames(void **state) {
        const struct link_message before = { .type = LINK_STARTED };
        struct pair p;
        int reads[2];

        set(&p, 2);
        p.near.take = 1;
        for (size_t i = 0; i < 2; ++i) {
                line_send(&p.far.line, &before);
                send_pipes(&p, &reads[i], 1);
                line_flush(&p.far.line);
                line_send(&p.far.line, &before);
        }
        turn(&p);
        assert_int_equal(p.near.messages, 6);
        assert_int_equal(p.near.count, 2);
        assert_true(p.near.fds[0] >= 0 && p.near.fds[1] >= 0);
        end(&p);
        close_all(reads, 2);
}

static void nobody_asked_for_them(void **state) {
        struct pair p;
        int reads[2];

        set(&p, 0); /* none at all: they are dropped on the way, the message comes */
        p.near.take = 1;
        send_pipes(&p, reads, 1);
        turn(&p);
        assert_null(p.near.why);
        assert_int_equal(p.near.fds[0], -1);
        assert_false(is_held(reads[0]));
        end(&p);
        close_all(reads, 1);

        set(&p, 1); /* more than were asked for */
        send_pipes(&p, reads, 2);
        turn(&p);
        assert_non_null(p.near.why);
        assert_string_equal(p.near.why, "the other end of the link sent descriptors that nobody asked for");
        assert_int_equal(p.near.messages, 0);
        assert_false(is_held(reads[0]) || is_held(reads[1]));
        end(&p);
        close_all(reads, 2);
}

static void nobody_takes_them(void **state) {
        struct pair p;
        int reads[2];

        set(&p, 2);
        send_pipes(&p, reads, 2);
        turn(&p);
        assert_true(is_held(reads[0]) && is_held(reads[1]));
        line_expect_fds(&p.near.line, 0);
        assert_false(is_held(reads[0]) || is_held(reads[1]));
        close_all(reads, 2);

        line_expect_fds(&p.near.line, 1); /* and with the line */
        send_pipes(&p, reads, 1);
        turn(&p);
        assert_true(is_held(reads[0]));
        end(&p);
        assert_false(is_held(reads[0]));
        close_all(reads, 1);
}

static void they_never_left(void **state) {
        const struct link_message m = { .type = LINK_GONE, .gone.why = "x" };
        struct pair p;
        int reads[1], fd;

        set(&p, 1); /* the line ends first */
        send_pipes(&p, reads, 1);
        line_deinit(&p.far.line);
        assert_false(is_held(reads[0]));
        close_all(reads, 1);
        end(&p);

        set(&p, 1); /* nothing is sent on a line that has ended */
        line_deinit(&p.far.line);
        send_pipes(&p, reads, 1);
        assert_false(is_held(reads[0]));
        close_all(reads, 1);
        end(&p);

        set(&p, 1); /* what the kernel refuses stays behind, and the message comes without it */
        p.near.take = 1;
        fd = new_pipe(&reads[0]);
        line_send_fds(&p.far.line, &m, &fd, 1);
        fd_close(fd);
        turn(&p);
        assert_int_equal(p.near.messages, 1);
        assert_int_equal(p.near.fds[0], -1);
        end(&p);
        close_all(reads, 1);
}

/* Pipes carry none. */
static void a_stream_that_is_no_socket(void **state) {
        int to_near[2], to_far[2], reads[1];
        struct pair p = {};

        assert_int_equal(loop_new(&p.loop), 0);
        assert_int_equal(pipe2(to_near, O_CLOEXEC | O_NONBLOCK), 0);
        assert_int_equal(pipe2(to_far, O_CLOEXEC | O_NONBLOCK), 0);
        line_init(&p.near.line, p.loop, LINK_DAEMON, &ops, &p.near);
        line_init(&p.far.line, p.loop, LINK_INIT, &ops, &p.far);
        assert_int_equal(line_open(&p.near.line, to_near[0], to_far[1]), 0);
        assert_int_equal(line_open(&p.far.line, to_far[0], to_near[1]), 0);
        p.near.take = 1;
        send_pipes(&p, reads, 1);
        assert_false(is_held(reads[0]));
        turn(&p);
        assert_int_equal(p.near.messages, 1);
        assert_int_equal(p.near.fds[0], -1);
        end(&p);
        close_all(reads, 1);
}

/* The socket is full: they wait with the bytes. */
static void they_wait_for_room(void **state) {
        static char block[LINK_CHUNK_MAX];
        const struct link_message bulk = { .type = LINK_CHUNK, .part = { 1, { block, sizeof(block) } } };
        struct pair p;
        int reads[1];

        set(&p, 1);
        p.near.take = 1;
        turn(&p);
        while (!p.far.line.blocked) {
                line_send(&p.far.line, &bulk);
                line_flush(&p.far.line);
        }
        send_pipes(&p, reads, 1);
        assert_int_equal(p.near.count, 0);
        assert_true(is_held(reads[0]));
        for (unsigned i = 0; i < 1000 && !p.near.count; ++i)
                turn(&p);
        assert_int_equal(p.near.count, 1);
        assert_true(p.near.fds[0] >= 0);
        end(&p);
        close_all(reads, 1);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(they_arrive_in_order),  cmocka_unit_test(they_come_between_other_frames),
                cmocka_unit_test(nobody_asked_for_them), cmocka_unit_test(nobody_takes_them),
                cmocka_unit_test(they_never_left),       cmocka_unit_test(a_stream_that_is_no_socket),
                cmocka_unit_test(they_wait_for_room),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
