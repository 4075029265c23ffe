/* SPDX-License-Identifier: Apache-2.0 */
/* The helper and the fork server that makes it, when they or the program are not as they should be. */
#include <dirent.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "archive/content_private.h"
#include "harness.h"

#define NONE \
        { 0 }

static const struct zip_entry hello[] = { { "app.py", FILE_MODE(0644), "print('hello')" }, NONE };

static void a_broken_helper_is_an_error_not_a_hang(void **state) {
        struct bench *b = *state;
        const char *helpers[] = { "/nonexistent", "/bin/true", "/bin/false" };

        for (size_t i = 0; i < ARRAY_SIZE(helpers); ++i) {
                const struct content_options options = { .helper = helpers[i] };
                struct content_blob blob;
                struct tree_answer answer;

                content_close(TAKE(b->store));
                assert_int_equal(content_open(b->loop, b->dir, &options, &b->store), 0);
                blob = bench_upload_zip(b, hello);
                bench_unpack(b, blob.hex, &aws_limits, &answer);
                assert_int_equal(answer.tree.outcome, ARCHIVE_BROKE_OFF);
                assert_int_equal(answer.tree.error, i ? -EIO : -ENOENT);
                assert_false(content_has_tree(b->store, blob.hex));
        }
        bench_reopen(b);
        bench_settle(b);
}

static void a_fork_server_that_died_is_replaced(void **state) {
        struct bench *b = *state;
        struct content_blob first = bench_upload_zip(b, hello);
        struct content_blob second =
                bench_upload_zip(b, (struct zip_entry[]){ { "other", FILE_MODE(0644), "another" }, NONE });
        struct tree_answer answer;
        siginfo_t info;
        pid_t before;

        bench_unpack(b, first.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        before = b->store->root->server.pid;
        assert_int_equal(kill(before, SIGKILL), 0);
        assert_int_equal(waitid(P_PID, (id_t)before, &info, WEXITED | WNOWAIT), 0);
        bench_unpack(b, second.hex, &aws_limits, &answer);
        assert_int_equal(answer.tree.outcome, ARCHIVE_FINE);
        assert_int_not_equal(b->store->root->server.pid, before);
        bench_settle(b);
}

/* A program that uses us may have descriptors that are not closed at exec; the fork server lives as long as it does. */
static void a_fork_server_keeps_nothing_of_the_programs(void **state) {
        struct bench *b = *state;
        struct content_blob blob = bench_upload_zip(b, hello);
        struct tree_answer answer;
        int ends[2];
        char byte;

        assert_int_equal(pipe2(ends, O_NONBLOCK), 0);
        bench_unpack(b, blob.hex, &aws_limits, &answer);
        bench_settle(b);
        close(ends[1]);
        assert_int_equal(read(ends[0], &byte, 1), 0);
        close(ends[0]);
}

/* A program that uses us may have forked: then there is another one that holds what we close. */
static void a_fork_server_ends_whoever_else_has_its_socket(void **state) {
        const char *argv[] = { helper_path(), "no-such-verb", NULL };
        struct helper_server server = HELPER_SERVER_NULL;
        AUTO(fd) int target = memfd_create("target", MFD_CLOEXEC);
        struct helper_process process = HELPER_PROCESS_NULL;
        AUTO(fd) int elsewhere = -1;
        siginfo_t info;

        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, NULL, 0 }, &process),
                         0);
        helper_end(&process);
        elsewhere = fcntl(server.socket, F_DUPFD_CLOEXEC, 0);
        assert_true(elsewhere >= 0);
        alarm(60);
        helper_server_end(&server);
        alarm(0);
        assert_int_equal(waitid(P_PID, (id_t)server.pid, &info, WEXITED | WNOHANG), -1);
}

static unsigned count_own_descriptors(void) {
        DIR *dir = opendir("/proc/self/fd");
        unsigned count = 0;

        assert_non_null(dir);
        while (readdir(dir))
                ++count;
        closedir(dir);
        return count;
}

static int spawn_with_room_for(rlim_t more, struct helper_server *server, int target,
                               struct helper_process *ret_process) {
        const char *argv[] = { helper_path(), "no-such-verb", NULL };
        struct rlimit before, less;
        int r, next = fcntl(target, F_DUPFD_CLOEXEC, 0);

        close(next);
        assert_int_equal(getrlimit(RLIMIT_NOFILE, &before), 0);
        less = (struct rlimit){ (rlim_t)next + more, before.rlim_max };
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &less), 0);
        r = helper_spawn(server, argv, &(struct helper_fds){ target, target, NULL, 0 }, ret_process);
        assert_int_equal(setrlimit(RLIMIT_NOFILE, &before), 0);
        return r;
}

/* Here or in the fork server: nothing stays open, and nobody is left. */
static void any_descriptor_may_be_missing(void **state) {
        AUTO(fd) int target = memfd_create("target", MFD_CLOEXEC);
        const unsigned before = count_own_descriptors();
        struct helper_server server = HELPER_SERVER_NULL;
        struct helper_process process = HELPER_PROCESS_NULL;
        siginfo_t info;
        rlim_t more = 0;
        int r;

        while ((r = spawn_with_room_for(more, &server, target, &process))) {
                assert_true(r == -EMFILE || r == -EIO);
                helper_server_end(&server);
                assert_int_equal(count_own_descriptors(), before);
                assert_int_equal(waitid(P_ALL, 0, &info, WEXITED | WNOHANG), -1);
                assert_true(++more < 20);
        }
        assert_true(more > 2);
        helper_end(&process);
        helper_server_end(&server);
        assert_int_equal(count_own_descriptors(), before);
}

static void a_helper_is_not_told_more_than_it_can_hear(void **state) {
        static char word[sizeof(struct helper_request)];
        const char *argv[] = { helper_path(), "pack", word, NULL };
        struct helper_server server = HELPER_SERVER_NULL;
        AUTO(fd) int target = memfd_create("zip", MFD_CLOEXEC);
        struct helper_process process = HELPER_PROCESS_NULL;

        memset(word, 'x', sizeof(word) - 1);
        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, NULL, 0 }, &process),
                         -E2BIG);
        assert_int_equal(process.pid, 0);
        argv[1] = "no-such-verb";
        argv[2] = NULL;
        assert_int_equal(helper_spawn(&server, argv, &(struct helper_fds){ -1, target, NULL, 0 }, &process),
                         0);
        assert_false(helper_reap(&process));
        helper_end(&process);
        helper_server_end(&server);
}

#define WITH_BENCH(test) cmocka_unit_test_setup_teardown(test, bench_setup, bench_teardown)

int main(void) {
        const struct CMUnitTest tests[] = {
                WITH_BENCH(a_broken_helper_is_an_error_not_a_hang),
                WITH_BENCH(a_fork_server_that_died_is_replaced),
                WITH_BENCH(a_fork_server_keeps_nothing_of_the_programs),
                cmocka_unit_test(a_fork_server_ends_whoever_else_has_its_socket),
                cmocka_unit_test(any_descriptor_may_be_missing),
                cmocka_unit_test(a_helper_is_not_told_more_than_it_can_hear),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
