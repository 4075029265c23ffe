/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What a lambent-init hands over, or says, to a supervisor at the daemon's end: too little, too much, the wrong things,
 * lies. What it does well is tested with a real far end (stage_lent.c), how it ends in test_loan_ends.c.
 */
#include "lender.h"

#include <fcntl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <arpa/inet.h>

/* ---- what is handed over ---- */

static void it_is_taken_and_used(void **state) {
        struct environment_stats stats;
        struct near n = {};
        struct stat st;

        lender_begin(&n);
        assert_int_equal(fstat(n.output, &st), 0);
        assert_true(S_ISFIFO(st.st_mode) && (st.st_mode & 0666) == 0666); /* also by its name in /proc */
        lender_opened(&n);
        lender_await_said(&n, LINK_SPAWN);
        lender_connect_runtime(&n);
        lender_runtime_says(&n, NEXT);
        lender_await(&n, "started\nready\n");
        n.witness.e->ops->stats(n.witness.e, &stats);
        assert_int_equal(stats.memory, 5 * MIB);
        assert_int_equal(stats.memory_peak, 10 * MIB);
        assert_int_equal(stats.pid, getpid());
        assert_int_equal(write(n.output, "a line\n", 7), 7);
        lender_turn(&n);
        assert_non_null(strstr(witness_text_of(&n.witness.log), "a line\n"));
        lender_invoke(&n);
        lender_runtime_says(&n, ANSWER);
        lender_runtime_says(&n, NEXT);
        lender_await(&n, "answered success - {}\nidle success\n");
        assert_non_null(strstr(witness_text_of(&n.witness.log), "Max Memory Used: 10 MB"));
        lender_end(&n);
}

/* Where the kernel keeps no peak, it is the most that was seen. */
static void without_a_peak(void **state) {
        struct environment_stats stats;
        struct near n = {};
        int memory;

        lender_begin(&n);
        lender_replace(&n.fds[HANDED_PEAK], -1);
        memory = fcntl(n.fds[HANDED_MEMORY], F_DUPFD_CLOEXEC, 0);
        lender_opened(&n);
        lender_await_said(&n, LINK_SPAWN);
        n.witness.e->ops->stats(n.witness.e, &stats);
        assert_int_equal(stats.memory_peak, 5 * MIB);
        assert_int_equal(pwrite(memory, "1048576\n", 8, 0), 8);
        n.witness.e->ops->stats(n.witness.e, &stats);
        assert_int_equal(stats.memory, MIB);
        assert_int_equal(stats.memory_peak, 5 * MIB);
        fd_close(memory);
        lender_end(&n);
}

#define NO_LISTENER "its Runtime API listener could not be registered"
#define NO_MEMORY "lambent-init handed over what does not tell the memory"
#define NO_DIAG "lambent-init handed over what does not tell whose a connection is"

static int wrong_null(struct near *n) {
        return open("/dev/null", O_RDWR | O_CLOEXEC);
}

static int wrong_pipe(struct near *n) {
        int ends[2];

        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        fd_close(ends[1]);
        return ends[0];
}

static int wrong_disk_file(struct near *n) {
        return open("/proc/self/exe", O_RDONLY | O_CLOEXEC);
}

static int wrong_datagrams(struct near *n) {
        return lender_new_socket(n, AF_INET, SOCK_DGRAM, INADDR_LOOPBACK);
}

static int wrong_unix(struct near *n) {
        const struct sockaddr_un any = { .sun_family = AF_UNIX };
        int fd = lender_new_socket(n, AF_UNIX, SOCK_STREAM, 0);

        assert_int_equal(bind(fd, (const struct sockaddr *)&any, sizeof(sa_family_t)), 0);
        assert_int_equal(listen(fd, 8), 0);
        return fd;
}

static int wrong_deaf(struct near *n) {
        return lender_new_socket(n, AF_INET, SOCK_STREAM, INADDR_LOOPBACK);
}

static int wrong_everywhere(struct near *n) {
        return lender_new_listener(n, INADDR_ANY);
}

static const struct wrong {
        enum link_handed which;
        int (*make)(struct near *n);
        const char *why;
} wrongs[] = {
        { HANDED_LISTENER, wrong_null, NO_LISTENER },
        { HANDED_LISTENER, wrong_pipe, NO_LISTENER },
        { HANDED_LISTENER, wrong_datagrams, NO_LISTENER },
        { HANDED_LISTENER, wrong_unix, NO_LISTENER },
        { HANDED_LISTENER, wrong_deaf, NO_LISTENER },
        { HANDED_LISTENER, wrong_everywhere, NO_LISTENER },
        { HANDED_MEMORY, wrong_null, NO_MEMORY },
        { HANDED_MEMORY, wrong_pipe, NO_MEMORY },
        { HANDED_MEMORY, wrong_deaf, NO_MEMORY },
        { HANDED_PEAK, wrong_null, NO_MEMORY },
        { HANDED_PEAK, wrong_pipe, NO_MEMORY },
        { HANDED_DIAG, wrong_null, NO_DIAG },
        { HANDED_DIAG, wrong_pipe, NO_DIAG },
        { HANDED_DIAG, wrong_deaf, NO_DIAG },
};

static void what_it_is_not(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(wrongs); ++i) {
                struct near n = {};
                AUTO(str) char *gone = xasprintf("gone %s\n", wrongs[i].why);

                lender_begin(&n);
                lender_replace(&n.fds[wrongs[i].which], wrongs[i].make(&n));
                lender_opened(&n);
                lender_await(&n, "gone ");
                assert_string_equal(witness_text_of(&n.witness.events), gone);
                assert_int_equal(n.said[LINK_START], 0);
                lender_end(&n);
        }
}

/* A file of a disk may lie anywhere, also on a server that does not answer. */
static void a_file_that_may_wait(void **state) {
        struct near n = {};

        lender_begin(&n);
        lender_replace(&n.fds[HANDED_MEMORY], wrong_disk_file(&n));
        lender_opened(&n);
        lender_await(&n, "gone " NO_MEMORY "\n");
        lender_end(&n);
}

/* Nothing came, or not all: the supervisor shall be over there, as over any other stream. */
static void too_little(void **state) {
        for (size_t missing = 0; missing <= HANDED_PEAK + 1; ++missing) {
                struct near n = {};

                lender_begin(&n);
                for (size_t i = 0; i <= HANDED_PEAK; ++i)
                        if (missing == i || missing > HANDED_PEAK)
                                lender_replace(&n.fds[i], -1);
                lender_opened_saying(&n, 7);
                lender_await_said(&n, LINK_START);
                SAY(&n, LINK_STARTED);
                SAY(&n, LINK_READY, .ready = { 1, MILLISECOND, false });
                lender_await(&n, "started\nready\n");
                lender_invoke(&n);
                assert_int_equal(n.said[LINK_INVOKE], 1);
                lender_end(&n);
        }
}

static void too_much(void **state) {
        struct near n = {};
        int surplus[2];

        lender_begin(&n);
        for (size_t i = 0; i < ARRAY_SIZE(surplus); ++i)
                surplus[i] = wrong_null(&n);
        line_send_fds(&n.init, &(const struct link_message){ .type = LINK_TUNNEL_CLOSE }, surplus,
                      ARRAY_SIZE(surplus));
        lender_turn(&n);
        lender_opened(&n);
        lender_await(&n, "gone the other end of the link sent descriptors that nobody asked for\n");
        lender_end(&n);
}

static void it_is_kept(void **state) {
        struct near n = {};

        lender_begin(&n);
        SAY(&n, LINK_KEPT, .gone = { "no memory file" });
        lender_await_said(&n, LINK_START);
        SAY(&n, LINK_STARTED);
        lender_await(&n, "started\n");
        lender_end(&n);
}

/* ---- whose a connection is ---- */

static void connections_of_others(void **state) {
        for (unsigned ours = 0; ours < 2; ++ours) {
                struct near n = { .shared_network = true };
                char byte;

                lender_begin(&n);
                n.peer_uid += !ours;
                lender_opened(&n);
                lender_await_said(&n, LINK_SPAWN);
                lender_connect_runtime(&n);
                lender_runtime_says(&n, NEXT);
                if (ours)
                        lender_await(&n, "ready\n");
                else
                        assert_true(recv(n.runtime_fd, &byte, 1, 0) <= 0); /* closed without a word */
                lender_end(&n);
        }
}

static void nobody_can_tell_whose(void **state) {
        struct near n = { .shared_network = true };

        lender_begin(&n);
        lender_replace(&n.fds[HANDED_DIAG], -1);
        lender_opened(&n);
        lender_await(&n, "gone lambent-init cannot tell whose a connection is\n");
        lender_end(&n);
}

/* ---- lies ---- */

#define TURN "gone lambent-init said something out of its turn\n"

static const struct lie {
        enum scene scene;
        struct link_message m;
} lies[] = {
        { OPENING, { .type = LINK_EXIT } },
        { OPENING, { .type = LINK_EMPTIED } },
        { OPENING, { .type = LINK_STOP } },
        { OPENING, { .type = LINK_STARTED } },
        { OPENING, { .type = LINK_READY } },
        { INIT, { .type = LINK_KEPT } },
        { INIT, { .type = LINK_OPENED, .opened.handed = 3 } },
        { INIT, { .type = LINK_STARTED } },
        { INIT, { .type = LINK_READY } },
        { INIT, { .type = LINK_LOG, .log = { 1, { "line\n", 5 } } } },
        { INIT, { .type = LINK_STATS } },
        { INIT, { .type = LINK_EMPTIED } },
        { IDLE, { .type = LINK_EMPTIED } },
        { IDLE, { .type = LINK_EXIT, .exit = { PROCESS_EXTENSION, PLACE_EXITED, 0 } } },
        { RUNNING, { .type = LINK_EXIT, .exit = { PROCESS_EXTENSION + 9, PLACE_EXITED, 0 } } },
        { RUNNING, { .type = LINK_ANSWERED, .answered = { 1, OUTCOME_OK } } },
        { RUNNING, { .type = LINK_PAYLOAD, .part = { 1, { "x", 1 } } } },
        { ANSWERED, { .type = LINK_IDLE, .idle.number = 1 } },
};

static void lies_end_it(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(lies); ++i) {
                struct near n = {};

                lender_enter(&n, lies[i].scene);
                line_send(&n.init, &lies[i].m);
                lender_await(&n, TURN);
                lender_end(&n);
        }
}

/* The same process ends once. */
static void an_end_that_is_told_twice(void **state) {
        struct near n = {};

        lender_warm(&n);
        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_EXITED, 1 });
        SAY(&n, LINK_EXIT, .exit = { PROCESS_RUNTIME, PLACE_EXITED, 1 });
        lender_await(&n, TURN);
        lender_end(&n);
}
int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_is_taken_and_used),
                cmocka_unit_test(without_a_peak),
                cmocka_unit_test(what_it_is_not),
                cmocka_unit_test(a_file_that_may_wait),
                cmocka_unit_test(too_little),
                cmocka_unit_test(too_much),
                cmocka_unit_test(it_is_kept),
                cmocka_unit_test(connections_of_others),
                cmocka_unit_test(nobody_can_tell_whose),
                cmocka_unit_test(lies_end_it),
                cmocka_unit_test(an_end_that_is_told_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
