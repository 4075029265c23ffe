/* SPDX-License-Identifier: Apache-2.0 */
#include "trial.h"

#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/syscall.h>

#include <cmocka.h>

/* ---- the place's events ---- */

static struct guest *guest_of(struct place *place) {
        return place->owner;
}

static void on_opened(struct place *place, int api_fd, const char *api_address) {
        struct guest *guest = guest_of(place);

        assert_false(guest->opened);
        guest->opened = true;
        guest->api_fd = api_fd;
        snprintf(guest->api_address, sizeof(guest->api_address), "%s", api_address);
}

static void on_output(struct place *place, const char *data, size_t len) {
        struct guest *guest = guest_of(place);

        len = MIN(len, sizeof(guest->output) - 1 - guest->output_len);
        memcpy(guest->output + guest->output_len, data, len);
        guest->output_len += len;
        guest->output[guest->output_len] = '\0';
}

static void on_exit_event(struct place *place, unsigned process, enum place_end end, int detail) {
        struct guest *guest = guest_of(place);

        assert_true(guest->exit_count < TRIAL_EXITS);
        guest->exits[guest->exit_count++] = (struct trial_exit){ process, end, detail };
        guest->output_at_exit = guest->output_len;
}

static void on_emptied(struct place *place) {
        ++guest_of(place)->emptied;
}

static void on_lost(struct place *place, const char *why) {
        struct guest *guest = guest_of(place);

        guest->lost = true;
        snprintf(guest->why, sizeof(guest->why), "%s", why);
}

static const struct place_events events = { on_opened, on_output, on_exit_event, on_emptied, on_lost };

/* ---- the trial ---- */

static void copy_program(const char *from, const char *to) {
        int source = open(from, O_RDONLY | O_CLOEXEC),
            target = open(to, O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
        char chunk[64 * KIB];
        ssize_t n;

        assert_true(source >= 0 && target >= 0);
        while ((n = read(source, chunk, sizeof(chunk))) > 0)
                assert_int_equal(write(target, chunk, (size_t)n), n);
        fd_close(source);
        fd_close(target);
}

static void make_folder(struct trial *trial) {
        char path[160];

        snprintf(trial->folder, sizeof(trial->folder), "/tmp/lambent-trial-XXXXXX");
        assert_non_null(mkdtemp(trial->folder));
        assert_int_equal(chmod(trial->folder, 0755), 0);
        snprintf(path, sizeof(path), "%s/data", trial->folder);
        assert_int_equal(mkdir(path, 0700), 0);
        snprintf(trial->state, sizeof(trial->state), "%s/data/state", trial->folder);
        assert_int_equal(mkdir(trial->state, 0700), 0);
        snprintf(trial->task, sizeof(trial->task), "%s/task", trial->folder);
        assert_int_equal(mkdir(trial->task, 0755), 0);
        snprintf(path, sizeof(path), "%s/guest", trial->task);
        copy_program(getenv("LAMBENT_GUEST"), path);
        snprintf(path, sizeof(path), "%s/launcher", trial->folder);
        copy_program(getenv("LAMBENT_LAUNCHER"), path);
}

uid_t trial_user;

static int give_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
        return lchown(path, trial_user, trial_user);
}

static int open_native(struct trial *trial, char **ret_problem) {
        mode_t mask;
        int r;

        if (trial_user)
                assert_int_equal(nftw(trial->folder, give_entry, 16, FTW_PHYS), 0);
        /* As a careful user has it, under nohup, and as the daemon has it: none of it is for the function. */
        mask = umask(077);
        signal(SIGHUP, SIG_IGN);
        signal(SIGPIPE, SIG_IGN);
        r = native_begin(trial->loop, &trial->options, &trial->native, ret_problem);
        umask(mask);
        if (!r && trial_user) {
                assert_int_equal(setresgid(trial_user, trial_user, trial_user), 0);
                assert_int_equal(setresuid(trial_user, trial_user, trial_user), 0);
        }
        r = r ?: native_finish(trial->native, ret_problem);
        if (r)
                native_free(TAKE(trial->native));
        return r;
}

static pid_t only_child(pid_t pid) {
        pid_t family[FAMILY_MAX];

        assert_int_equal(family_add_children(pid, family, 0), 1);
        return family[0];
}

pid_t trial_guard(void) {
        return only_child(getpid());
}

pid_t trial_launcher(void) {
        return only_child(trial_guard());
}

int trial_open(struct trial *trial, enum native_tier tier, const struct native_options *options) {
        char launcher[96], hidden[96];
        char *problem = NULL;
        int r;

        *trial = (struct trial){ .options = options ? *options
                                                    : (struct native_options){ .limit_memory = true } };
        make_folder(trial);
        assert_int_equal(loop_new(&trial->loop), 0);
        snprintf(launcher, sizeof(launcher), "%s/launcher", trial->folder);
        snprintf(hidden, sizeof(hidden), "%s/data", trial->folder);
        trial->options.launcher_path = launcher;
        trial->options.best_tier = tier;
        trial->options.state_dir = trial->state;
        trial->options.hidden_dir = hidden;
        r = open_native(trial, &problem);
        if (r)
                print_message("# %s\n", problem);
        free(problem);
        if (!r && native_report(trial->native)->tier != tier) {
                print_message("# %s\n", native_report(trial->native)->why_not_better);
                r = -EOPNOTSUPP;
        }
        return r;
}

void trial_end_native(struct trial *trial) {
        native_free(TAKE(trial->native));
}

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
        return remove(path);
}

void trial_close(struct trial *trial) {
        trial_end_native(trial);
        loop_free(TAKE(trial->loop));
        nftw(trial->folder, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

/* ---- one environment ---- */

void guest_watch(struct guest *guest) {
        guest->place->owner = guest;
        guest->place->events = &events;
}

void guest_open(struct trial *trial, struct guest *guest, const struct native_place_spec *spec) {
        struct native_place_spec plain = { .id = "0123456789abcdef0123456789abcdef",
                                           .memory_mb = 128,
                                           .tmp_mb = 512 };

        plain.task_dir = trial->task;
        *guest = (struct guest){ .trial = trial, .api_fd = -1 };
        guest->place = native_place_new(trial->native, spec ?: &plain);
        guest_watch(guest);
        assert_int_equal(guest->place->ops->open(guest->place), 0);
        trial_until(trial, guest->opened || guest->lost);
}

void guest_close(struct guest *guest) {
        guest->place->ops->free(guest->place);
        guest->api_fd = fd_close(guest->api_fd);
}

void guest_start(struct guest *guest, unsigned process, const char *word, const char *arg) {
        char program[200], api[64];
        const char *const argv[] = { program, word, arg, NULL };
        const char *const envp[] = { "PATH=/usr/bin:/bin", api, NULL };
        const struct process_spec spec = {
                .process = process, .argv = argv, .envp = envp, .cwd = guest->place->task_root
        };

        snprintf(program, sizeof(program), "%s/guest", guest->place->task_root);
        snprintf(api, sizeof(api), "AWS_LAMBDA_RUNTIME_API=%s", guest->api_address);
        assert_int_equal(guest->place->ops->spawn(guest->place, &spec), 0);
}

void guest_clear(struct guest *guest) {
        guest->output_len = 0;
        guest->output[0] = '\0';
        guest->exit_count = 0;
}

const char *guest_run(struct guest *guest, const char *word, const char *arg) {
        guest_clear(guest);
        guest_start(guest, PROCESS_RUNTIME, word, arg);
        trial_until(guest->trial, guest->exit_count || guest->lost);
        if (guest->lost)
                fail_msg("the environment was lost: %s", guest->why);
        return guest->output;
}

void guest_await_lines(struct guest *guest, size_t count) {
        trial_until(guest->trial, guest->output_len == count * strlen("left: ok\n"));
}

/* It may not have been started yet. */
pid_t guest_runtime(struct guest *guest) {
        pid_t pid = 0;

        trial_until(guest->trial, (pid = guest->place->ops->pid(guest->place)));
        return pid;
}

pid_t guest_cell(struct guest *guest) {
        char path[64];
        pid_t cell = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/stat", guest_runtime(guest));
        file = fopen(path, "re");
        assert_non_null(file);
        assert_int_equal(fscanf(file, "%*d (%*[^)]) %*c %d", &cell), 1);
        fclose(file);
        return cell;
}

static int open_process(pid_t pid) {
        return (int)syscall(SYS_pidfd_open, pid, 0);
}

static void await_end_of(int pidfd) {
        struct pollfd poll_fd = { .fd = pidfd, .events = POLLIN };

        if (pidfd < 0)
                return;
        assert_int_equal(poll(&poll_fd, 1, 10000), 1);
        fd_close(pidfd);
}

void await_death(pid_t pid) {
        await_end_of(open_process(pid));
}

void guest_close_and_wait(struct guest *guest) {
        int cell = open_process(guest_cell(guest));

        guest_close(guest);
        await_end_of(cell);
}

/* ---- traces ---- */

static size_t count_processes(void) {
        pid_t family[FAMILY_MAX];

        return family_find(getpid(), family);
}

static size_t count_mounts(const char *folder) {
        FILE *file = fopen("/proc/self/mountinfo", "re");
        char line[4096];
        size_t count = 0;

        while (file && fgets(line, sizeof(line), file))
                count += strstr(line, folder) != NULL;
        if (file)
                fclose(file);
        return count;
}

void trial_mark(pid_t cell, char *mark, size_t size) {
        char path[64], line[1024];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/cgroup", cell);
        file = fopen(path, "re");
        *mark = '\0';
        while (file && !*mark && fgets(line, sizeof(line), file)) {
                const char *name = strstr(line, "lambent-");

                if (name)
                        snprintf(mark, size, "%.*s", (int)strcspn(name, "/\n"), name);
        }
        if (file)
                fclose(file);
}

static size_t counted;
static const char *counted_mark;

static int count_group(const char *path, const struct stat *st, int type, struct FTW *where) {
        counted += type == FTW_D && strstr(path, counted_mark);
        return 0;
}

static int count_entry(const char *path, const struct stat *st, int type, struct FTW *where) {
        ++counted;
        return 0;
}

static size_t count_below(const char *path,
                          int (*count)(const char *, const struct stat *, int, struct FTW *)) {
        counted = 0;
        nftw(path, count, 16, FTW_PHYS);
        return counted;
}

struct traces traces_count(const struct trial *trial, const char *mark) {
        counted_mark = mark;
        return (struct traces){
                .processes = count_processes(),
                .mounts = count_mounts(trial->folder),
                .cgroups = *mark ? count_below("/sys/fs/cgroup", count_group) : 0,
                .files = count_below(trial->state, count_entry),
        };
}
