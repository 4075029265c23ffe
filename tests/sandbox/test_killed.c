/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kill -9 of the daemon, of the launcher, of its guard, of everybody, idle and in the middle of 50 cold starts:
 * afterwards there is no process, no mount, no cgroup and no file more than before. The first argument is the
 * tier.
 *
 * The "daemon" is a child of this test, which makes itself subreaper: whoever is left over turns up among its
 * descendants.
 */
#include <fcntl.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <cmocka.h>

#include "sandbox/native/native_private.h"
#include "sandbox/native/uids.h"
#include "trial.h"

#define STARTS 50

enum moment { IDLE, BUSY, FROZEN, AMID_STARTS };

static enum native_tier tier;

struct daemon {
        pid_t pid, guard, launcher;
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

        if (trial_open(&self.trial, tier, &options))
                _exit(77);
        guest_open(&self.trial, &guests[0], NULL);
        guest_start(&guests[0], PROCESS_RUNTIME, "leave-children", "5");
        guest_await_lines(&guests[0], 11);
        trial_mark(guest_cell(&guests[0]), self.mark, sizeof(self.mark));
        self.guard = trial_guard();
        self.launcher = trial_launcher();
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
        /* The state folder and the tier's in it. */
        assert_int_equal(after.files, 2);
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

/* What nobody was left to take away, the next one sweeps. */
static void sweep_by_a_new_sandbox(const struct daemon *daemon) {
        struct native_options options = daemon->trial.options;
        char launcher[96], hidden[96];
        struct native *native;
        struct loop *loop;
        char *problem;

        snprintf(launcher, sizeof(launcher), "%s/launcher", daemon->trial.folder);
        snprintf(hidden, sizeof(hidden), "%s/data", daemon->trial.folder);
        options.launcher_path = launcher;
        options.state_dir = daemon->trial.state;
        options.hidden_dir = hidden;
        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(native_new(loop, &options, &native, &problem), 0);
        native_free(native);
        loop_free(loop);
}

static void launcher_and_daemon_are_killed_amid_starts(void **state) {
        struct daemon daemon = start_daemon(AMID_STARTS);

        assert_int_equal(kill(daemon.launcher, SIGKILL), 0);
        assert_int_equal(kill(daemon.pid, SIGKILL), 0);
        reap_all();
        sweep_by_a_new_sandbox(&daemon);
        expect_nothing_left(&daemon, tier != NATIVE_T3);
}

static void guard_and_daemon_are_killed_amid_starts(void **state) {
        struct daemon daemon = start_daemon(AMID_STARTS);

        assert_int_equal(kill(daemon.guard, SIGKILL), 0);
        assert_int_equal(kill(daemon.pid, SIGKILL), 0);
        reap_all();
        sweep_by_a_new_sandbox(&daemon);
        expect_nothing_left(&daemon, true);
}

static void all_three_are_killed_amid_starts(void **state) {
        struct daemon daemon = start_daemon(AMID_STARTS);

        assert_int_equal(kill(daemon.guard, SIGKILL), 0);
        assert_int_equal(kill(daemon.launcher, SIGKILL), 0);
        assert_int_equal(kill(daemon.pid, SIGKILL), 0);
        reap_all();
        sweep_by_a_new_sandbox(&daemon);
        expect_nothing_left(&daemon, tier != NATIVE_T3);
}

/* Who may not kill the privileged writes their numbers here; -1: kill them. */
static int killer = -1;

static void kill_hard(pid_t pid) {
        if (killer >= 0)
                assert_int_equal(write(killer, &pid, sizeof(pid)), sizeof(pid));
        else
                assert_int_equal(kill(pid, SIGKILL), 0);
}

static void use_until_killed(struct trial *trial, pid_t (*victim)(void), char *mark, size_t size) {
        pid_t launcher = trial_launcher();
        struct guest guest;

        guest_open(trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "5");
        guest_await_lines(&guest, 11);
        trial_mark(guest_cell(&guest), mark, size);
        kill_hard(victim());
        trial_until(trial, guest.lost);
        guest_close(&guest);
        if (victim == trial_guard) {
                trial_until(trial, trial->native->guard < 0);
                await_death(launcher);
                waitpid(launcher, NULL, 0); /* it has become ours */
        } else {
                trial_until(trial, trial->native->control < 0);
        }
}

static void use_after(struct trial *trial, char *mark, size_t size) {
        struct guest guest;

        guest_open(trial, &guest, NULL);
        guest_run(&guest, "exit", "4");
        assert_int_equal(guest.exits[0].detail, 4);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "0");
        trial_mark(guest_cell(&guest), mark, size);
        guest_close(&guest);
}

static void expect_replaced(pid_t (*victim)(void)) {
        struct native_options options = { .limit_memory = true, .spare_cells = 3 };
        char old_mark[64], new_mark[64];
        struct trial trial;

        assert_int_equal(trial_open(&trial, tier, &options), 0);
        for (int i = 0; i < 3; ++i) {
                use_until_killed(&trial, victim, old_mark, sizeof(old_mark));
                use_after(&trial, new_mark, sizeof(new_mark));
        }
        trial_end_native(&trial);
        reap_all();
        assert_int_equal(traces_count(&trial, old_mark).processes, 0);
        assert_int_equal(traces_count(&trial, old_mark).cgroups, 0);
        assert_int_equal(traces_count(&trial, new_mark).cgroups, 0);
        trial_close(&trial);
}

/* Nobody knows of the death yet: the start is lost by accident, whatever it meets first, and the next one is not. */
static void start_amid(struct trial *trial, pid_t (*victim)(void)) {
        struct native_place_spec spec = { .task_dir = trial->task, .memory_mb = 128, .tmp_mb = 512 };
        struct guest guest = { .trial = trial, .api_fd = -1 };
        pid_t dying = victim(), launcher = trial_launcher();

        kill_hard(dying);
        await_death(victim == trial_guard ? launcher : dying);
        guest.place = native_place_new(trial->native, &spec);
        guest_watch(&guest);
        assert_int_equal(guest.place->ops->open(guest.place), 0);
        trial_until(trial, guest.lost);
        assert_true(guest.place->accident);
        guest_close(&guest);
        guest_open(trial, &guest, NULL);
        guest_run(&guest, "exit", "4");
        assert_int_equal(guest.exits[0].detail, 4);
        assert_false(guest.lost);
        guest_close(&guest);
}

static void a_start_amid_a_launchers_death_is_lost_by_accident(void **state) {
        for (unsigned spares = 0; spares <= 3; spares += 3) {
                struct native_options options = { .limit_memory = true, .spare_cells = spares };
                struct trial trial;

                assert_int_equal(trial_open(&trial, tier, &options), 0);
                for (int i = 0; i < 3; ++i)
                        start_amid(&trial, trial_launcher);
                trial_close(&trial);
        }
        reap_all();
}

static void a_killed_launcher_is_replaced(void **state) {
        expect_replaced(trial_launcher);
}

static void a_killed_guard_is_replaced(void **state) {
        expect_replaced(trial_guard);
}

/* In a process of its own: there is no way back. cmocka's asserts end it with a status of their own. */
static void live_without_privileges(int kill_for_us) {
        char mark[64];
        struct trial trial;
        struct guest guest;

        killer = kill_for_us;
        trial_user = UID_OF_DAEMON;
        assert_int_equal(trial_open(&trial, tier, NULL), 0);
        assert_int_equal(geteuid(), UID_OF_DAEMON);
        for (int i = 0; i < 3; ++i) {
                use_until_killed(&trial, trial_launcher, mark, sizeof(mark));
                use_after(&trial, mark, sizeof(mark));
        }
        use_until_killed(&trial, trial_guard, mark, sizeof(mark));
        guest_open(&trial, &guest, NULL);
        assert_true(guest.lost);
        assert_non_null(strstr(guest.why, "only root can start it again"));
        assert_non_null(strstr(native_report(trial.native)->why_not_better, "only root"));
        guest_close(&guest);
        trial_close(&trial);
        _exit(access(trial.folder, F_OK) == 0);
}

static void a_daemon_without_privileges_has_new_launchers_but_no_new_guard(void **state) {
        int status, ends[2];
        pid_t pid, victim;

        if (tier != NATIVE_T1)
                skip();
        assert_int_equal(pipe2(ends, O_CLOEXEC), 0);
        pid = fork();
        assert_true(pid >= 0);
        if (pid == 0)
                live_without_privileges(ends[1]);
        fd_close(ends[1]);
        while (read(ends[0], &victim, sizeof(victim)) == sizeof(victim))
                assert_int_equal(kill(victim, SIGKILL), 0);
        fd_close(ends[0]);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_int_equal(status, 0);
        reap_all();
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
                cmocka_unit_test(guard_and_daemon_are_killed_amid_starts),
                cmocka_unit_test(all_three_are_killed_amid_starts),
                cmocka_unit_test(a_start_amid_a_launchers_death_is_lost_by_accident),
                cmocka_unit_test(a_killed_launcher_is_replaced),
                cmocka_unit_test(a_killed_guard_is_replaced),
                cmocka_unit_test(a_daemon_without_privileges_has_new_launchers_but_no_new_guard),
        };
        struct trial trial;
        int r;

        tier = argc > 1 ? (enum native_tier)atoi(argv[1]) : NATIVE_T1;
        prctl(PR_SET_CHILD_SUBREAPER, 1);
        r = trial_open(&trial, tier, NULL);
        trial_close(&trial);
        return r ? 77 : cmocka_run_group_tests(tests, NULL, NULL);
}
