/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of the daemon, of the launcher, of everybody, idle and in the middle of 50 cold starts: afterwards
 * there is no process, no mount, no cgroup and no file more than before. The first argument is the tier.
 *
 * The "daemon" is a child of this test, which makes itself subreaper: whoever is left over turns up among its
 * descendants.
 */
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "trial.h"

#define STARTS 50

enum moment { IDLE, BUSY, FROZEN, AMID_STARTS };

static enum native_tier tier;

struct daemon {
        pid_t pid, launcher;
        char mark[64];
        struct trial trial; /* the folder's names, as the daemon told them */
};

static void start_many(struct trial *trial, struct guest *guests) {
        for (size_t i = 0; i < STARTS; ++i) {
                struct native_place_spec spec = { .task_dir = trial->task, .memory_mb = 128, .tmp_mb = 512 };

                guests[i] = (struct guest){ .trial = trial, .api_fd = -1 };
                guests[i].place = native_place_new(trial->native, &spec);
                guest_watch(&guests[i]);
                assert_int_equal(guests[i].place->ops->open(guests[i].place), 0);
        }
}

static _Noreturn void be_daemon(enum moment moment, int tell) {
        static struct guest guests[STARTS];
        struct daemon self = { .pid = getpid() };
        struct native_options options = { .limit_memory = true, .spare_cells = 3 };
        pid_t family[FAMILY_MAX];

        if (trial_open(&self.trial, tier, &options))
                _exit(77);
        guest_open(&self.trial, &guests[0], NULL);
        guest_start(&guests[0], PROCESS_RUNTIME, "leave-children", "5");
        guest_await_lines(&guests[0], 11);
        trial_mark(guest_cell(&guests[0]), self.mark, sizeof(self.mark));
        must(family_add_children(getpid(), family, 0) == 1);
        self.launcher = family[0];
        if (moment == FROZEN)
                must(guests[0].place->ops->freeze(guests[0].place) == 0);
        if (moment == AMID_STARTS)
                start_many(&self.trial, guests);
        must(write(tell, &self, sizeof(self)) == sizeof(self));
        for (;;)
                loop_turn(self.trial.loop, NSEC_NEVER);
}

static struct daemon start_daemon(enum moment moment) {
        struct daemon daemon;
        int pipe_fds[2];
        pid_t pid;

        assert_int_equal(pipe(pipe_fds), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                be_daemon(moment, pipe_fds[1]);
        fd_close(pipe_fds[1]);
        assert_int_equal(read(pipe_fds[0], &daemon, sizeof(daemon)), sizeof(daemon));
        fd_close(pipe_fds[0]);
        return daemon;
}

/* Everything that came from the daemon ends up as a child of ours. */
static void reap_all(void) {
        while (wait(NULL) > 0 || errno == EINTR)
                ;
}

static void expect_nothing_left(const struct daemon *daemon, bool cgroups_too) {
        struct traces after = traces_count(&daemon->trial, daemon->mark);
        struct trial rest = daemon->trial;

        assert_int_equal(after.processes, 0);
        assert_int_equal(after.mounts, 0);
        if (cgroups_too)
                assert_int_equal(after.cgroups, 0);
        /* The state folder and the two empty folders that roots are mounted on. */
        assert_int_equal(after.files, cgroups_too && tier == NATIVE_T3 ? 1 : after.files);
        if (tier != NATIVE_T3)
                assert_int_equal(after.files, 3);
        rest.native = NULL;
        rest.loop = NULL;
        trial_close(&rest);
}

static void kill_daemon_at(enum moment moment) {
        struct daemon daemon = start_daemon(moment);

        assert_int_equal(kill(daemon.pid, SIGKILL), 0);
        reap_all();
        expect_nothing_left(&daemon, true);
}

static void the_daemon_is_killed_while_idle(void **state) {
        kill_daemon_at(IDLE);
}

static void the_daemon_is_killed_while_frozen(void **state) {
        kill_daemon_at(FROZEN);
}

static void the_daemon_is_killed_amid_starts(void **state) {
        for (int i = 0; i < 3; ++i)
                kill_daemon_at(AMID_STARTS);
}

/* What the launcher could not take away, the next one sweeps. */
static void sweep_by_a_new_sandbox(void) {
        struct trial trial;

        assert_int_equal(trial_open(&trial, tier, NULL), 0);
        trial_close(&trial);
}

static void launcher_and_daemon_are_killed_amid_starts(void **state) {
        struct daemon daemon = start_daemon(AMID_STARTS);

        assert_int_equal(kill(daemon.launcher, SIGKILL), 0);
        assert_int_equal(kill(daemon.pid, SIGKILL), 0);
        reap_all();
        sweep_by_a_new_sandbox();
        expect_nothing_left(&daemon, tier != NATIVE_T3);
}

static void a_killed_launcher_is_replaced(void **state) {
        char old_mark[64], new_mark[64];
        struct guest guest, next;
        pid_t family[FAMILY_MAX];
        struct trial trial;

        assert_int_equal(trial_open(&trial, tier, NULL), 0);
        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "5");
        guest_await_lines(&guest, 11);
        trial_mark(guest_cell(&guest), old_mark, sizeof(old_mark));
        assert_int_equal(family_add_children(getpid(), family, 0), 1);
        assert_int_equal(kill(family[0], SIGKILL), 0);
        trial_until(&trial, guest.lost);
        guest_close(&guest);
        guest_open(&trial, &next, NULL);
        guest_run(&next, "exit", "4");
        assert_int_equal(next.exits[0].detail, 4);
        guest_start(&next, PROCESS_RUNTIME, "leave-children", "0");
        trial_mark(guest_cell(&next), new_mark, sizeof(new_mark));
        guest_close(&next);
        trial_end_native(&trial);
        reap_all();
        assert_int_equal(traces_count(&trial, old_mark).processes, 0);
        assert_int_equal(traces_count(&trial, old_mark).cgroups, 0);
        assert_int_equal(traces_count(&trial, new_mark).cgroups, 0);
        trial_close(&trial);
}

static void an_orderly_end_takes_everything_away(void **state) {
        static struct guest guests[STARTS];
        struct trial trial;
        char mark[64];

        assert_int_equal(trial_open(&trial, tier, NULL), 0);
        guest_open(&trial, &guests[0], NULL);
        guest_start(&guests[0], PROCESS_RUNTIME, "leave-children", "5");
        guest_await_lines(&guests[0], 11);
        trial_mark(guest_cell(&guests[0]), mark, sizeof(mark));
        guest_close(&guests[0]);
        start_many(&trial, guests);
        trial_end_native(&trial);
        assert_int_equal(traces_count(&trial, mark).processes, 0);
        assert_int_equal(traces_count(&trial, mark).mounts, 0);
        assert_int_equal(traces_count(&trial, mark).cgroups, 0);
        for (size_t i = 0; i < STARTS; ++i)
                guest_close(&guests[i]);
        trial_close(&trial);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(an_orderly_end_takes_everything_away),
                cmocka_unit_test(the_daemon_is_killed_while_idle),
                cmocka_unit_test(the_daemon_is_killed_while_frozen),
                cmocka_unit_test(the_daemon_is_killed_amid_starts),
                cmocka_unit_test(launcher_and_daemon_are_killed_amid_starts),
                cmocka_unit_test(a_killed_launcher_is_replaced),
        };
        struct trial trial;
        int r;

        tier = argc > 1 ? (enum native_tier)atoi(argv[1]) : NATIVE_T1;
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        r = trial_open(&trial, tier, NULL);
        trial_close(&trial);
        return r ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
