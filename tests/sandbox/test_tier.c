/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What an environment must be, on the tier that the first argument names; "as-user" after it runs everything
 * as an ordinary user. Exits 77 where the tier does not hold.
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>

#include <cmocka.h>

#include "trial.h"

#define ORDINARY_UID 12345

static struct trial trial;
static enum native_tier tier;

static struct native_place_spec plain_spec(void) {
        return (struct native_place_spec){ .task_dir = trial.task, .memory_mb = 128, .tmp_mb = 512 };
}

static void a_program_runs_and_its_exit_comes_after_its_output(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "many-lines", "2000");
        assert_int_equal(guest.exits[0].end, PLACE_EXITED);
        assert_int_equal(guest.exits[0].detail, 7);
        assert_non_null(strstr(guest.output, "line 1999\n"));
        assert_int_equal(guest.output_at_exit, guest.output_len);
        guest_close(&guest);
}

static void processes_have_no_privileges(void **state) {
        unsigned int uid = 0, gid = 0;
        struct guest guest;
        int groups, pid;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "identity", "");
        assert_int_equal(sscanf(guest.output, "uid=%u gid=%u groups=%d pid=%d", &uid, &gid, &groups, &pid),
                         4);
        if (tier == NATIVE_T1)
                assert_true(uid >= 1980000000 && gid == uid && groups == 1);
        if (tier == NATIVE_T2)
                assert_true(uid == 993 && gid == 990);
        if (tier != NATIVE_T3) {
                assert_true(pid >= 2 && pid < 10);
                assert_non_null(strstr(guest.output, "host=lambda\n"));
        }
        assert_non_null(strstr(guest.output, "CapEff:\t0000000000000000\n"));
        if (tier != NATIVE_T3 || geteuid() == 0)
                assert_non_null(strstr(guest.output, "CapBnd:\t0000000000000000\n"));
        assert_non_null(strstr(guest.output, "NoNewPrivs:\t1\n"));
        assert_non_null(strstr(guest.output, "Seccomp:\t2\n"));
        guest_close(&guest);
}

static void habits_of_the_caller_are_not_handed_on(void **state) {
        const unsigned long long asked = 1ull << (SIGHUP - 1) | 1ull << (SIGPIPE - 1) | 1ull << (SIGTERM - 1);
        unsigned long long ignored = 0, blocked = 0;
        struct guest guest;
        const char *line;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "read", "/proc/self/status");
        assert_non_null(strstr(guest.output, "Umask:\t0022\n"));
        line = strstr(guest.output, "SigBlk:");
        assert_true(line && sscanf(line, "SigBlk: %llx SigIgn: %llx", &blocked, &ignored) == 2);
        assert_int_equal((ignored | blocked) & asked, 0);
        guest_close(&guest);
}

static void limits_are_those_recorded_on_aws(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "limits", "");
        assert_non_null(strstr(guest.output, "NOFILE=1024\n"));
        assert_non_null(strstr(guest.output, "STACK=8388608\n"));
        assert_non_null(strstr(guest.output, "MEMLOCK=65536\n"));
        if (tier != NATIVE_T3)
                assert_non_null(strstr(guest.output, "NPROC=742\n"));
        guest_close(&guest);
}

static void what_the_kernel_guards_stays_shut(void **state) {
        static const char *const refused[] = { "mount",  "unshare", "chroot", "bpf",
                                               "keyctl", "trace-1", "mem-1",  "environ-1" };
        struct guest guest;
        char line[64];

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "forbidden", "");
        for (size_t i = 0; i < ARRAY_SIZE(refused); ++i) {
                snprintf(line, sizeof(line), "%s: ok", refused[i]);
                if (strstr(guest.output, line))
                        fail_msg("%s", line);
        }
        assert_non_null(strstr(guest.output, "clone3: Function not implemented"));
        assert_non_null(strstr(guest.output, "newest: Function not implemented"));
        assert_int_equal(guest.exits[0].end, PLACE_EXITED);
        guest_close(&guest);
}

static void ends_are_told_apart(void **state) {
        const char *const argv[] = { "/var/task/absent", NULL }, *const envp[] = { NULL };
        const struct process_spec absent = { PROCESS_EXTENSION, argv, envp, "/" };
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "abort", "");
        assert_int_equal(guest.exits[0].end, PLACE_SIGNALED);
        assert_int_equal(guest.exits[0].detail, SIGABRT);
        guest_run(&guest, "raise", "11");
        assert_int_equal(guest.exits[0].detail, SIGSEGV);
        guest_run(&guest, "raise", "9");
        assert_int_equal(guest.exits[0].end, PLACE_SIGNALED);
        assert_int_equal(guest.exits[0].detail, SIGKILL);
        guest_run(&guest, "exit", "3");
        assert_int_equal(guest.exits[0].end, PLACE_EXITED);
        assert_int_equal(guest.exits[0].detail, 3);
        guest_clear(&guest);
        assert_int_equal(guest.place->ops->spawn(guest.place, &absent), 0);
        trial_until(&trial, guest.exit_count);
        assert_int_equal(guest.exits[0].process, PROCESS_EXTENSION);
        assert_int_equal(guest.exits[0].end, PLACE_EXEC_FAILED);
        assert_int_equal(guest.exits[0].detail, ENOENT);
        guest_close(&guest);
}

static void too_much_memory_is_told_as_such(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "eat-memory", "64");
        assert_int_equal(guest.exits[0].end, PLACE_EXITED);
        guest_run(&guest, "eat-memory", "4096");
        assert_int_equal(guest.exits[0].end, PLACE_OOM_KILLED);
        guest_run(&guest, "raise", "9");
        assert_int_equal(guest.exits[0].end, PLACE_SIGNALED);
        guest_close(&guest);
}

static void memory_is_measured(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "eat-memory", "64");
        guest_clear(&guest);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "0");
        guest_await_lines(&guest, 1);
        guest_runtime(&guest);
        assert_true(guest.place->ops->current_memory(guest.place) > 0);
        if (!str_starts(native_report(trial.native)->memory_limit, "RLIMIT"))
                assert_in_range(guest.place->ops->peak_memory(guest.place), 64 * MIB, 80 * MIB);
        else
                assert_true(guest.place->ops->peak_memory(guest.place) > 0);
        guest_close(&guest);
}

static void the_runtime_can_be_found(void **state) {
        char path[64], target[300];
        struct guest guest;
        ssize_t n;

        guest_open(&trial, &guest, NULL);
        assert_int_equal(guest.place->ops->pid(guest.place), 0);
        guest_start(&guest, PROCESS_EXTENSION, "leave-children", "0");
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "0");
        guest_await_lines(&guest, 2);
        snprintf(path, sizeof(path), "/proc/%d/exe", guest_runtime(&guest));
        n = readlink(path, target, sizeof(target) - 1);
        assert_true(n > 0);
        target[n] = '\0';
        assert_non_null(strstr(target, "/guest"));
        guest_close(&guest);
}

/* Its first words may be read before PID 1 has come back from starting it. */
static void a_runtime_that_speaks_has_a_number(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        for (int i = 0; i < 200; ++i) {
                guest_clear(&guest);
                guest_start(&guest, PROCESS_RUNTIME, "leave-children", "0");
                trial_until(&trial, guest.output_len);
                assert_int_not_equal(guest.place->ops->pid(guest.place), 0);
                guest.emptied = 0;
                guest.place->ops->kill(guest.place);
                trial_until(&trial, guest.emptied);
                assert_int_equal(guest.place->ops->pid(guest.place), 0);
        }
        guest_close(&guest);
}

static void killing_leaves_nobody_and_tmp_stays(void **state) {
        pid_t family[FAMILY_MAX];
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        if (tier != NATIVE_T3)
                guest_run(&guest, "write", "/tmp/kept");
        guest_clear(&guest);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "20");
        guest_await_lines(&guest, 41);
        assert_int_equal(family_find(guest_cell(&guest), family), 41);
        guest.place->ops->kill(guest.place);
        trial_until(&trial, guest.emptied);
        assert_int_equal(guest.exit_count, 1);
        assert_int_equal(guest.exits[0].end, PLACE_SIGNALED);
        assert_int_equal(guest.exits[0].detail, SIGKILL);
        for (size_t i = 0; i < 41; ++i)
                assert_int_equal(kill(family[i], 0), -1);
        if (tier != NATIVE_T3)
                assert_non_null(strstr(guest_run(&guest, "list", "/tmp"), "kept\n"));
        guest_close(&guest);
}

static void nobody_runs_away_from_being_killed(void **state) {
        const size_t runners = 6;
        pid_t family[FAMILY_MAX], cell;
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "run-away", "6");
        guest_await_lines(&guest, runners);
        cell = guest_cell(&guest);
        guest.place->ops->kill(guest.place);
        trial_until(&trial, guest.emptied);
        assert_int_equal(family_find(cell, family), 0);
        guest_clear(&guest);
        guest_start(&guest, PROCESS_RUNTIME, "run-away", "6");
        guest_await_lines(&guest, runners);
        guest_close_and_wait(&guest);
}

static void a_multitude_is_killed(void **state) {
        pid_t family[FAMILY_MAX], cell;
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "multiply", "600");
        trial_until(&trial, guest.output_len);
        cell = guest_cell(&guest);
        guest.place->ops->kill(guest.place);
        trial_until(&trial, guest.emptied);
        assert_int_equal(family_find(cell, family), 0);
        guest_close(&guest);
}

static unsigned long ticks_of(struct guest *guest) {
        char path[128];
        unsigned long ticks = 0;
        int fd;

        snprintf(path, sizeof(path), "/proc/%d/root/tmp/ticks", guest_runtime(guest));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        assert_true(fd >= 0);
        assert_int_equal(read(fd, &ticks, sizeof(ticks)), sizeof(ticks));
        fd_close(fd);
        return ticks;
}

/* Stopped is stopped: two readings a whole child's life apart are equal. */
static void frozen_stands_still_and_thawed_goes_on(void **state) {
        struct guest guest, other;
        unsigned long ticks;
        size_t len;

        if (tier == NATIVE_T3 || native_report(trial.native)->freezer[0] == 'S')
                skip();
        guest_open(&trial, &guest, NULL);
        guest_open(&trial, &other, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "tick", "");
        trial_until(&trial, guest.output_len);
        guest_runtime(&guest);
        assert_int_equal(guest.place->ops->freeze(guest.place), 0);
        guest_run(&other, "exit", "0");
        ticks = ticks_of(&guest);
        guest_run(&other, "many-lines", "1000");
        assert_int_equal(ticks_of(&guest), ticks);
        len = guest.output_len;
        guest.place->ops->thaw(guest.place);
        trial_until(&trial, guest.output_len > len);
        assert_int_equal(guest.place->ops->freeze(guest.place), 0);
        guest.place->ops->kill(guest.place);
        trial_until(&trial, guest.emptied);
        guest_close(&guest);
        guest_close(&other);
}

static char state_of(pid_t pid) {
        char path[64], letter = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", pid);
        file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d (%*[^)]) %c", &letter), 1);
        fclose(file);
        return letter;
}

/* Without a freezer in a cgroup the processes are stopped one by one, in T3, too. */
static void without_a_freezer_they_are_stopped(void **state) {
        struct guest guest;
        pid_t runtime;

        if (native_report(trial.native)->freezer[0] != 'S')
                skip();
        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "2");
        guest_await_lines(&guest, 5);
        runtime = guest_runtime(&guest);
        assert_int_equal(guest.place->ops->freeze(guest.place), 0);
        trial_until(&trial, state_of(runtime) == 'T');
        guest.place->ops->thaw(guest.place);
        trial_until(&trial, state_of(runtime) == 'S');
        guest_close(&guest);
}

/* One process is told to end, and the others of its generation live. */
static void one_of_several_is_signalled(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "0");
        guest_start(&guest, PROCESS_EXTENSION, "leave-children", "0");
        guest_start(&guest, PROCESS_EXTENSION + 9, "leave-children", "0");
        guest_await_lines(&guest, 3);
        guest_start(&guest, PROCESS_EXTENSION, "leave-children", "0"); /* its number is taken */
        trial_until(&trial, guest.exit_count == 1);
        assert_int_equal(guest.exits[0].end, PLACE_EXEC_FAILED);
        guest.place->ops->signal(guest.place, PROCESS_EXTENSION + 9, SIGTERM);
        trial_until(&trial, guest.exit_count == 2);
        assert_int_equal(guest.exits[1].process, PROCESS_EXTENSION + 9);
        assert_int_equal(guest.exits[1].end, PLACE_SIGNALED);
        assert_int_equal(guest.exits[1].detail, SIGTERM);
        guest.place->ops->signal(guest.place, PROCESS_EXTENSION + 9, SIGTERM); /* nobody any more */
        guest.place->ops->signal(guest.place, PROCESS_RUNTIME, SIGKILL);
        trial_until(&trial, guest.exit_count == 3);
        assert_int_equal(guest.exits[2].process, PROCESS_RUNTIME);
        guest.place->ops->kill(guest.place);
        trial_until(&trial, guest.emptied);
        assert_int_equal(guest.exit_count, 4);
        assert_int_equal(guest.exits[3].process, PROCESS_EXTENSION);
        guest_close(&guest);
}

static void a_frozen_environment_can_be_freed(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "2");
        guest_await_lines(&guest, 5);
        guest_runtime(&guest);
        assert_int_equal(guest.place->ops->freeze(guest.place), 0);
        guest_close_and_wait(&guest);
}

/* ---- the Runtime API's listener ---- */

static int connect_to(const char *address) {
        struct sockaddr_in in = { .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
        int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

        in.sin_port = htons((uint16_t)atoi(strchr(address, ':') + 1));
        assert_int_equal(connect(fd, (struct sockaddr *)&in, sizeof(in)), 0);
        return fd;
}

static int accept_one(struct guest *guest) {
        int fd;

        trial_until(&trial, (fd = accept4(guest->api_fd, NULL, NULL, SOCK_CLOEXEC)) >= 0 ||
                                    loop_turn(trial.loop, MILLISECOND));
        return fd;
}

static void only_its_own_processes_may_speak_to_the_api(void **state) {
        struct guest guest, other;
        int mine, conn;

        guest_open(&trial, &guest, NULL);
        guest_open(&trial, &other, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "connect-api", guest.api_address);
        conn = accept_one(&guest);
        assert_true(guest.place->ops->peer_is_ours(guest.place, conn));
        assert_false(other.place->ops->peer_is_ours(other.place, conn));
        fd_close(conn);

        mine = connect_to(guest.api_address);
        conn = accept_one(&guest);
        assert_false(guest.place->ops->peer_is_ours(guest.place, conn));
        fd_close(mine);
        fd_close(conn);

        guest_start(&other, PROCESS_RUNTIME, "connect-api", guest.api_address);
        conn = accept_one(&guest);
        assert_false(guest.place->ops->peer_is_ours(guest.place, conn));
        fd_close(conn);
        guest_close(&guest);
        guest_close(&other);
}

/* ---- what it sees ---- */

static void the_root_holds_what_is_on_the_list(void **state) {
        static const char *const allowed[] = { "bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr",
                                               "etc", "proc", "dev", "tmp",   "mnt",   "opt",    "var" };
        struct guest guest;
        char *save;

        if (tier == NATIVE_T3)
                skip();
        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "list", "/");
        for (char *word = strtok_r(guest.output, "\n", &save); word; word = strtok_r(NULL, "\n", &save)) {
                bool known = false;

                for (size_t i = 0; i < ARRAY_SIZE(allowed); ++i)
                        known = known || streq(word, allowed[i]);
                if (!known)
                        fail_msg("/%s is inside", word);
        }
        assert_string_equal(guest_run(&guest, "list", "/var/task"), "guest\n");
        assert_string_equal(guest_run(&guest, "list", "/opt"), "");
        assert_non_null(strstr(guest_run(&guest, "read", "/etc/passwd"), "sbx_user1051:x:"));
        assert_null(strstr(guest_run(&guest, "list", "/dev"), "shm"));
        guest_run(&guest, "write", "/dev/null");
        assert_string_equal(guest.output, "/dev/null: ok\n");
        assert_null(strstr(guest_run(&guest, "list", "/proc"), "\n100\n"));
        guest_close(&guest);
}

static void expect_refused(struct guest *guest, const char *word, const char *path) {
        const char *output = guest_run(guest, word, path);

        if (!strstr(output, "No such file") && !strstr(output, "denied") &&
            !strstr(output, "not permitted") && !strstr(output, "Read-only") && !strstr(output, "refused"))
                fail_msg("%s %s: %s", word, path, output);
}

static int listen_unix(struct sockaddr_un *address, size_t len) {
        int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

        assert_int_equal(bind(fd, (struct sockaddr *)address,
                              (socklen_t)(offsetof(struct sockaddr_un, sun_path) + len)),
                         0);
        assert_int_equal(listen(fd, 1), 0);
        return fd;
}

static int landlock_abi(void) {
        return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static void the_host_is_out_of_reach(void **state) {
        static const char *const paths[] = { "/root/.bashrc", "/home",
                                             "/etc/shadow",   "/etc/hostname.d",
                                             "/run",          "/sys/kernel",
                                             "/boot",         "/proc/1/root/root" };
        struct sockaddr_un named = { .sun_family = AF_UNIX }, abstract = { .sun_family = AF_UNIX };
        char path[160], secret[160], name[64];
        int socket_fd, abstract_fd;
        struct guest guest;

        if (tier == NATIVE_T3 && !native_report(trial.native)->landlock)
                skip();
        snprintf(secret, sizeof(secret), "%s/data/secret", trial.folder);
        fd_close(open(secret, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        snprintf(named.sun_path, sizeof(named.sun_path), "%s/socket", trial.folder);
        socket_fd = listen_unix(&named, strlen(named.sun_path) + 1);
        snprintf(name, sizeof(name), "@lambent-trial-%d", getpid());
        memcpy(abstract.sun_path + 1, name + 1, strlen(name) - 1);
        abstract_fd = listen_unix(&abstract, strlen(name));

        guest_open(&trial, &guest, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(paths); ++i)
                expect_refused(&guest, "read", paths[i]);
        expect_refused(&guest, "read", secret);
        expect_refused(&guest, "list", trial.folder);
        if (tier != NATIVE_T3 ||
            landlock_abi() >= 9) /* before, Landlock does not govern connecting by path */
                expect_refused(&guest, "connect-unix", named.sun_path);
        if (native_report(trial.native)->landlock)
                expect_refused(&guest, "connect-unix", name);
        expect_refused(&guest, "write", "/var/task/new");
        expect_refused(&guest, "write", "/usr/new");
        expect_refused(&guest, "write", "/etc/passwd");
        snprintf(path, sizeof(path), "%s/new", trial.task);
        expect_refused(&guest, "write", path);
        guest_close(&guest);
        fd_close(socket_fd);
        fd_close(abstract_fd);
        assert_int_equal(unlink(named.sun_path), 0);
        assert_int_equal(unlink(secret), 0);
}

static void environments_do_not_see_each_other(void **state) {
        struct guest guest, other;

        if (tier == NATIVE_T3)
                skip();
        guest_open(&trial, &guest, NULL);
        guest_open(&trial, &other, NULL);
        guest_run(&guest, "write", "/tmp/mine");
        assert_string_equal(guest.output, "/tmp/mine: ok\n");
        assert_string_equal(guest_run(&other, "list", "/tmp"), "");
        guest_start(&guest, PROCESS_RUNTIME, "hold-abstract", "between");
        trial_until(&trial, strstr(guest.output, "holding"));
        if (native_report(trial.native)->landlock)
                expect_refused(&other, "connect-unix", "@between");
        guest_close(&guest);
        guest_close(&other);
}

static void tmp_has_its_size(void **state) {
        struct native_place_spec spec = plain_spec();
        struct guest guest;
        char line[64];

        if (tier == NATIVE_T3)
                skip();
        spec.tmp_mb = 700;
        guest_open(&trial, &guest, &spec);
        snprintf(line, sizeof(line), "size=%zu\n", 700 * MIB);
        assert_string_equal(guest_run(&guest, "size-of", "/tmp"), line);
        guest_close(&guest);
}

static void code_from_elsewhere_is_bound(void **state) {
        struct native_place_spec spec = plain_spec();
        char opt[128], lang[128], file[160];
        struct guest guest;

        snprintf(opt, sizeof(opt), "%s/opt", trial.folder);
        snprintf(lang, sizeof(lang), "%s/lang", trial.folder);
        assert_int_equal(mkdir(opt, 0755) | mkdir(lang, 0755), 0);
        snprintf(file, sizeof(file), "%s/layer-file", opt);
        fd_close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        snprintf(file, sizeof(file), "%s/interpreter", lang);
        fd_close(open(file, O_WRONLY | O_CREAT | O_CLOEXEC, 0644));
        spec.opt_dir = opt;
        spec.runtime_dir = trial.task;
        spec.lang_dir = lang;
        guest_open(&trial, &guest, &spec);
        assert_string_equal(guest_run(&guest, "list", guest.place->opt_root), "layer-file\n");
        assert_string_equal(guest_run(&guest, "list", guest.place->runtime_dir), "guest\n");
        assert_string_equal(guest_run(&guest, "list", lang), "interpreter\n");
        guest_close(&guest);
}

static void processes_are_limited(void **state) {
        struct guest guest;
        int forks = 0;

        /* The kernel exempts real root from RLIMIT_NPROC, and in T2 that may be who we are. */
        if ((tier == NATIVE_T2 && geteuid() == 0) ||
            streq(native_report(trial.native)->process_limit, "none"))
                skip();
        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "count-forks", "");
        assert_int_equal(sscanf(guest.output, "forks=%d", &forks), 1);
        assert_in_range(forks, 700, 1024);
        guest_close(&guest);
}

static void the_environment_variables_arrive(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_run(&guest, "environment", "");
        assert_non_null(strstr(guest.output, guest.api_address));
        if (tier == NATIVE_T3)
                assert_non_null(strstr(guest.output, "\nTMPDIR="));
        else
                assert_null(strstr(guest.output, "TMPDIR="));
        guest_close(&guest);
}

/* ---- what goes wrong ---- */

static void missing_code_is_refused_at_once(void **state) {
        struct native_place_spec spec = plain_spec();
        struct place *place;

        spec.task_dir = "/tmp/lambent-no-such-folder";
        place = native_place_new(trial.native, &spec);
        assert_int_equal(place->ops->open(place), -ENOENT);
        place->ops->free(place);
}

static void no_folder_may_show_the_data_directory(void **state) {
        struct native_place_spec spec = plain_spec();
        struct place *place;

        spec.lang_dir = trial.folder;
        place = native_place_new(trial.native, &spec);
        assert_int_equal(place->ops->open(place), -EACCES);
        place->ops->free(place);
}

static void a_killed_first_process_is_a_lost_place(void **state) {
        struct guest guest;

        guest_open(&trial, &guest, NULL);
        guest_start(&guest, PROCESS_RUNTIME, "leave-children", "1");
        guest_await_lines(&guest, 3);
        assert_int_equal(kill(guest_cell(&guest), SIGKILL), 0);
        trial_until(&trial, guest.lost);
        assert_non_null(strstr(guest.why, "first process"));
        guest_close(&guest);
}

static void be_an_ordinary_user(void) {
        assert_int_equal(setgroups(0, NULL), 0);
        assert_int_equal(setresgid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID), 0);
        assert_int_equal(setresuid(ORDINARY_UID, ORDINARY_UID, ORDINARY_UID), 0);
}

/* Docker's default filter does this, and Linux before 5.3. */
static void be_without_clone3(void) {
        struct sock_filter code[] = {
                BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
                BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, SYS_clone3, 0, 1),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | ENOSYS),
                BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
        };
        const struct sock_fprog program = { ARRAY_SIZE(code), code };

        assert_int_equal(prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program), 0);
}

int main(int argc, char **argv) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_program_runs_and_its_exit_comes_after_its_output),
                cmocka_unit_test(processes_have_no_privileges),
                cmocka_unit_test(habits_of_the_caller_are_not_handed_on),
                cmocka_unit_test(limits_are_those_recorded_on_aws),
                cmocka_unit_test(what_the_kernel_guards_stays_shut),
                cmocka_unit_test(ends_are_told_apart),
                cmocka_unit_test(too_much_memory_is_told_as_such),
                cmocka_unit_test(memory_is_measured),
                cmocka_unit_test(the_runtime_can_be_found),
                cmocka_unit_test(a_runtime_that_speaks_has_a_number),
                cmocka_unit_test(killing_leaves_nobody_and_tmp_stays),
                cmocka_unit_test(nobody_runs_away_from_being_killed),
                cmocka_unit_test(a_multitude_is_killed),
                cmocka_unit_test(frozen_stands_still_and_thawed_goes_on),
                cmocka_unit_test(without_a_freezer_they_are_stopped),
                cmocka_unit_test(one_of_several_is_signalled),
                cmocka_unit_test(a_frozen_environment_can_be_freed),
                cmocka_unit_test(only_its_own_processes_may_speak_to_the_api),
                cmocka_unit_test(the_root_holds_what_is_on_the_list),
                cmocka_unit_test(the_host_is_out_of_reach),
                cmocka_unit_test(environments_do_not_see_each_other),
                cmocka_unit_test(tmp_has_its_size),
                cmocka_unit_test(code_from_elsewhere_is_bound),
                cmocka_unit_test(processes_are_limited),
                cmocka_unit_test(the_environment_variables_arrive),
                cmocka_unit_test(missing_code_is_refused_at_once),
                cmocka_unit_test(no_folder_may_show_the_data_directory),
                cmocka_unit_test(a_killed_first_process_is_a_lost_place),
        };
        const struct native_options options = {
                .limit_memory = true
        }; /* no spares: they would come and go while processes are counted */
        int r;

        tier = argc > 1 ? (enum native_tier)atoi(argv[1]) : NATIVE_T1;
        if (argc > 2 && streq(argv[2], "as-user") && geteuid() == 0)
                be_an_ordinary_user();
        if (argc > 2 && streq(argv[2], "without-clone3") && geteuid() == 0)
                be_without_clone3();
        r = trial_open(&trial, tier, &options);
        if (!r)
                r = cmocka_run_group_tests(tests, NULL, NULL);
        else
                r = 77;
        trial_close(&trial);
        return r;
}
