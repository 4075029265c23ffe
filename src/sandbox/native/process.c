/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The processes of one environment, seen from its PID 1: started by vfork, reaped, told about, killed as a
 * whole.
 *
 * With a pid namespace "all" is kill(-1); without (T3) it is every descendant, found by parent links, and
 * because the cell is a subreaper nobody can leave the family by being orphaned.
 */
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "sandbox/native/family.h"
#include "sandbox/native/launcher.h"

/* ---- start ---- */

struct start {
        char *argv[WIRE_STRINGS_MAX + 1];
        char *envp[WIRE_STRINGS_MAX + 2];
        const char *cwd;
        volatile int error; /* the child shares our memory until it executes */
};

static _Noreturn void start_failed(struct start *start) {
        start->error = errno;
        _exit(127);
}

/* Runs in the vfork child: system calls only. The raw ones, because the C library's setresuid would want to
 * tell threads. */
static _Noreturn void become(const struct cell *cell, struct start *start) {
        gid_t gid = cell->gid;
        sigset_t none;

        setsid();
        if (dup2(cell->null_fd, STDIN_FILENO) < 0 || dup2(cell->output_write, STDOUT_FILENO) < 0 ||
            dup2(cell->output_write, STDERR_FILENO) < 0)
                start_failed(start);
        if (cell->launcher->tier == 1 &&
            (syscall(SYS_setgroups, 1, &gid) < 0 || syscall(SYS_setresgid, gid, gid, gid) < 0 ||
             syscall(SYS_setresuid, cell->uid, cell->uid, cell->uid) < 0))
                start_failed(start);
        if (cell->launcher->tier == 3)
                prctl(PR_SET_PDEATHSIG, SIGKILL);
        if (chdir(start->cwd) < 0)
                start_failed(start);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(start->argv[0], start->argv, start->envp);
        start_failed(start);
}

static int unpack(struct cell *cell, const struct wire_in *in, struct start *start) {
        static char tmpdir[sizeof(cell->tmp_dir) + 8];
        uint32_t argc = in->head.spawn.argc, envc;

        if (in->head.spawn.process >= PROCESS_NUMBERS || argc < 1 || in->head.strings < 1 ||
            argc > in->head.strings - 1)
                return -EPROTO;
        envc = in->head.strings - 1 - argc;
        start->cwd = in->strings[0];
        memcpy(start->argv, in->strings + 1, argc * sizeof(char *));
        start->argv[argc] = NULL;
        memcpy(start->envp, in->strings + 1 + argc, envc * sizeof(char *));
        if (cell->tmp_dir[0]) {
                snprintf(tmpdir, sizeof(tmpdir), "TMPDIR=%s", cell->tmp_dir);
                start->envp[envc++] = tmpdir;
        }
        start->envp[envc] = NULL;
        return 0;
}

/* The daemon looks for the runtime's number only when somebody asks for it: it reads PID 1's name. 0: the runtime is
 * being started; the new process may have spoken before we run again and can say its number. */
static void tell_runtime_pid(pid_t pid) {
        char name[16];

        snprintf(name, sizeof(name), "cell:%d", pid);
        prctl(PR_SET_NAME, name);
}

/* A function of its own: the child runs on the parent's stack, so nothing of the caller's may live in this
 * frame. */
static __attribute__((noinline)) pid_t start_child(const struct cell *cell, struct start *start) {
        pid_t pid = vfork();

        if (pid == 0)
                become(cell, start);
        return pid < 0 ? -errno : pid;
}

int process_spawn(struct cell *cell, const struct wire_in *in) {
        static struct start start;
        int r = unpack(cell, in, &start);
        struct process *process;
        pid_t pid;

        if (r)
                return r;
        process = &cell->processes[in->head.spawn.process];
        if (process->pid)
                return -EEXIST;
        start.error = 0;
        if (in->head.spawn.process == PROCESS_RUNTIME)
                tell_runtime_pid(0);
        pid = start_child(cell, &start);
        if (pid < 0)
                return pid;
        if (start.error) {
                waitpid(pid, NULL, 0);
                return -start.error;
        }
        process->pid = pid;
        if (in->head.spawn.process == PROCESS_RUNTIME)
                tell_runtime_pid(pid);
        return 0;
}

/* ---- end ---- */

static void report(struct cell *cell, struct process *process, int status) {
        struct wire head = { .type = WIRE_EXIT, .exit.process = (uint32_t)(process - cell->processes) };
        uint64_t kills = cgroup_leaf_oom_kills(&cell->leaf);

        if (WIFEXITED(status)) {
                head.exit.end = PLACE_EXITED;
                head.exit.detail = (uint32_t)WEXITSTATUS(status);
        } else {
                bool oom = WTERMSIG(status) == SIGKILL &&
                           (kills > cell->oom_kills || process->pid == cell->watchdog_kill);

                head.exit.end = oom ? PLACE_OOM_KILLED : PLACE_SIGNALED;
                head.exit.detail = (uint32_t)WTERMSIG(status);
        }
        cell->oom_kills = kills;
        process->pid = 0;
        wire_send(cell->daemon, &head, NULL, NULL, 0);
}

static void reaped(struct cell *cell, pid_t pid, int status) {
        for (size_t i = 0; i < PROCESS_NUMBERS; ++i)
                if (cell->processes[i].pid == pid)
                        report(cell, &cell->processes[i], status);
}

/* Not reaped yet, so the number is still its own; every process that we start leads a group. */
void process_signal(struct cell *cell, uint32_t process, int number) {
        if (process < PROCESS_NUMBERS && cell->processes[process].pid)
                kill(-cell->processes[process].pid, number);
}

void process_reap(struct cell *cell) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0)
                reaped(cell, pid, status);
}

/* ---- a tree without a pid namespace ---- */

/* Of the launcher: what a cell that was killed has left behind has become its own. */
static size_t find_orphans(const struct launcher *launcher, pid_t *family) {
        size_t children = family_add_children(getpid(), family, 0), count = 0;

        for (size_t i = 0; i < children; ++i) {
                bool cell = false;

                for (size_t k = 0; k < launcher->slot_count && !cell; ++k)
                        cell = launcher->slots[k].pid == family[i];
                if (!cell)
                        family[count++] = family[i];
        }
        return family_add_descendants(family, count);
}

static size_t find_tree(const struct launcher *launcher, const struct cell *cell, pid_t *family) {
        return cell ? family_find(getpid(), family) : find_orphans(launcher, family);
}

/* Looks again until nobody new is found. Who is stopped does not fork; the limit, which root alone can escape, holds
 * for a process that another one wakes, and for those that it has forked meanwhile. */
static size_t hold_tree(const struct launcher *launcher, const struct cell *cell, pid_t *family) {
        const struct rlimit none = {};
        size_t count = 0, before;

        do {
                before = count;
                count = find_tree(launcher, cell, family);
                for (size_t i = 0; i < count; ++i) {
                        prlimit(family[i], RLIMIT_NPROC, &none, NULL);
                        kill(family[i], SIGSTOP);
                }
        } while (count > before);
        return count;
}

/* Somebody may slip through, who forked and ended between two looks. He is an orphan then, and found the next time. */
static void kill_tree(const struct launcher *launcher, struct cell *cell) {
        static pid_t family[FAMILY_MAX];
        size_t count;
        int status;

        while ((count = hold_tree(launcher, cell, family))) {
                for (size_t i = 0; i < count; ++i)
                        kill(family[i], SIGKILL);
                /* The others are not our children yet: they become so as their parents end. */
                for (size_t i = 0; i < count; ++i)
                        if (waitpid(family[i], &status, 0) > 0 && cell)
                                reaped(cell, family[i], status);
        }
}

void process_kill_orphans(const struct launcher *launcher) {
        kill_tree(launcher, NULL);
}

/* ---- all of them ---- */

static void kill_namespace(struct cell *cell) {
        int status;
        pid_t pid;

        kill(-1, SIGKILL);
        while ((pid = waitpid(-1, &status, 0)) > 0 || (pid < 0 && errno == EINTR))
                if (pid > 0)
                        reaped(cell, pid, status);
}

void process_kill_all(struct cell *cell) {
        process_reap(cell);
        cell->oom_kills =
                cgroup_leaf_oom_kills(&cell->leaf); /* what dies now was not killed for its memory */
        if (cell->launcher->tier == 3)
                kill_tree(cell->launcher, cell);
        else
                kill_namespace(cell);
        cell->stopped = false;
        cell->watchdog_kill = 0;
}

static void signal_all(const struct cell *cell, int signal_number) {
        static pid_t family[FAMILY_MAX];
        size_t count;

        if (cell->launcher->tier != 3) {
                kill(-1, signal_number);
                return;
        }
        count = family_find(getpid(), family);
        for (size_t i = 0; i < count; ++i)
                kill(family[i], signal_number);
}

void process_stop_all(struct cell *cell, bool stop) {
        signal_all(cell, stop ? SIGSTOP : SIGCONT);
        cell->stopped = stop;
}

/* ---- the watchdog ---- */

static uint64_t resident(pid_t pid) {
        unsigned long long pages = 0;
        char path[64];
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/statm", pid);
        file = fopen(path, "re");
        if (!file)
                return 0;
        if (fscanf(file, "%*s %llu", &pages) != 1)
                pages = 0;
        fclose(file);
        return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

/* Sums the environment's resident memory; above the limit the largest process of it is killed, as the kernel
 * would. */
void process_watch(struct cell *cell) {
        static pid_t family[FAMILY_MAX];
        size_t count = family_find(getpid(), family);
        uint64_t sum = 0, most = 0;
        pid_t largest = 0;

        for (size_t i = 0; i < count; ++i) {
                uint64_t size = resident(family[i]);

                sum += size;
                if (size > most) {
                        most = size;
                        largest = family[i];
                }
        }
        if (sum <= cell->memory || !largest)
                return;
        cell->watchdog_kill = largest;
        kill(largest, SIGKILL);
}
