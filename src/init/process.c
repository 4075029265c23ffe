/* SPDX-License-Identifier: Apache-2.0 */
#include "init/process.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#define CHILDREN_TEXT (64 * KIB)
#define CORE_LIMIT ((rlim_t)10737418240) /* bytes */

/* ---- start ---- */

struct start {
        const char *path;
        const struct process_spec *spec;
        volatile int error; /* the child shares our memory until it executes */
};

static _Noreturn void start_failed(struct start *start) {
        start->error = errno;
        _exit(127);
}

/* As natively, and as recorded on AWS (test_runtime_ulimits); what an engine has set lower stays. Not how many processes: the kernel counts
 * those by user, and all containers have the same one. Of them the engine counts, by container. */
static void set_limits(const struct family *f) {
        const struct {
                int what;
                rlim_t soft, hard;
        } limits[] = {
                { RLIMIT_NOFILE, 1024, 1024 },
                { RLIMIT_MEMLOCK, 65536, 65536 },
                { RLIMIT_CORE, f->core_limit, f->core_limit },
                { RLIMIT_STACK, 8388608, RLIM_INFINITY },
        };

        for (size_t i = 0; i < ARRAY_SIZE(limits); ++i) {
                struct rlimit limit = { limits[i].soft, limits[i].hard }, now;

                if (syscall(SYS_prlimit64, 0, limits[i].what, NULL, &now) < 0)
                        continue;
                limit.rlim_max = MIN(limit.rlim_max, now.rlim_max);
                limit.rlim_cur = MIN(limit.rlim_cur, limit.rlim_max);
                syscall(SYS_prlimit64, 0, limits[i].what, &limit, NULL);
        }
}

/* Runs in the vfork child: system calls only. The raw ones, because the C library's setresuid would want to
 * tell threads. */
static _Noreturn void become(const struct family *f, struct start *start) {
        sigset_t none;

        setsid();
        if (dup2(f->null_fd, STDIN_FILENO) < 0 || dup2(f->output_fd, STDOUT_FILENO) < 0 ||
            dup2(f->output_fd, STDERR_FILENO) < 0)
                start_failed(start);
        set_limits(f);
        if (f->change_ids &&
            (syscall(SYS_setgroups, 1, &f->gid) < 0 || syscall(SYS_setresgid, f->gid, f->gid, f->gid) < 0 ||
             syscall(SYS_setresuid, f->uid, f->uid, f->uid) < 0))
                start_failed(start);
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
        if (chdir(start->spec->cwd) < 0)
                start_failed(start);
        sigemptyset(&none);
        sigprocmask(SIG_SETMASK, &none, NULL);
        execve(start->path, (char *const *)(uintptr_t)start->spec->argv,
               (char *const *)(uintptr_t)start->spec->envp);
        start_failed(start);
}

/* A function of its own: the child runs on the parent's stack, so nothing of the caller's may live in this
 * frame. */
static __attribute__((noinline)) pid_t start_child(const struct family *f, struct start *start) {
        pid_t pid = vfork();

        if (pid == 0)
                become(f, start);
        return pid < 0 ? -errno : pid;
}

static const char *path_of(const char *const *envp) {
        for (; *envp; ++envp)
                if (str_starts(*envp, "PATH="))
                        return *envp + strlen("PATH=");
        return "/usr/local/bin:/usr/bin:/bin";
}

static bool is_program(const char *path) {
        struct stat st;

        return stat(path, &st) == 0 && S_ISREG(st.st_mode) && st.st_mode & 0111;
}

/* As a shell finds it, and as the engines do for an image's entrypoint. malloc'ed; NULL: nowhere. */
static char *find_program(const char *name, const char *const *envp) {
        const char *dir = path_of(envp);

        if (strchr(name, '/'))
                return xstrdup(name);
        while (*dir) {
                size_t len = strcspn(dir, ":");
                char *path = xasprintf("%.*s/%s", (int)len, dir, name);

                if (len && is_program(path))
                        return path;
                free(path);
                dir += len + (dir[len] == ':');
        }
        return NULL;
}

static struct family_process *find_slot(struct family *f) {
        for (size_t i = 0; i < FAMILY_PROCESSES; ++i)
                if (!f->processes[i].pid)
                        return &f->processes[i];
        return NULL;
}

int family_spawn(struct family *f, unsigned number, const struct process_spec *spec) {
        AUTO(str) char *path = find_program(spec->argv[0], spec->envp);
        struct start start = { .path = path, .spec = spec };
        struct family_process *slot = find_slot(f);
        pid_t pid;

        if (!path)
                return -ENOENT;
        if (!slot)
                return -EAGAIN;
        pid = start_child(f, &start);
        if (pid < 0)
                return pid;
        if (start.error) {
                waitpid(pid, NULL, 0);
                return -start.error;
        }
        *slot = (struct family_process){ pid, number };
        return 0;
}

pid_t family_pid(const struct family *f, unsigned number) {
        for (size_t i = 0; i < FAMILY_PROCESSES; ++i)
                if (f->processes[i].pid && f->processes[i].number == number)
                        return f->processes[i].pid;
        return 0;
}

/* ---- all of them ---- */

size_t own_children(pid_t *ret_pids, size_t most) {
        static char text[CHILDREN_TEXT];
        char path[64], *at = text, *end;
        size_t count = 0;
        ssize_t n;
        int fd;

        snprintf(path, sizeof(path), "/proc/self/task/%d/children", (int)syscall(SYS_gettid));
        fd = open(path, O_RDONLY | O_CLOEXEC);
        n = fd < 0 ? -1 : read(fd, text, sizeof(text) - 1);
        fd_close(fd);
        text[MAX(n, (ssize_t)0)] = '\0';
        for (long pid; count < most && (pid = strtol(at, &end, 10), end != at); at = end)
                ret_pids[count++] = (pid_t)pid;
        return count;
}

static void signal_group(pid_t leader, int signal_number) {
        if (kill(-leader, signal_number) < 0)
                kill(leader, signal_number); /* it leads no group, or not yet */
}

static void signal_children(int signal_number) {
        static pid_t pids[CHILDREN_MAX];
        size_t count = own_children(pids, CHILDREN_MAX);

        for (size_t i = 0; i < count; ++i)
                signal_group(pids[i], signal_number);
}

static void signal_all(int signal_number) {
        if (getpid() == 1)
                kill(-1, signal_number);
        else
                signal_children(signal_number);
}

void family_stop(struct family *f, bool stop) {
        signal_all(stop ? SIGSTOP : SIGCONT);
}

static void reaped(struct family *f, pid_t pid, int status) {
        for (size_t i = 0; i < FAMILY_PROCESSES; ++i)
                if (f->processes[i].pid == pid) {
                        f->processes[i].pid = 0;
                        f->events->on_exit(f, f->processes[i].number, status);
                        return;
                }
}

void family_signal(const struct family *f, unsigned number, int signal_number) {
        pid_t pid = family_pid(f, number);

        if (pid)
                signal_group(pid, signal_number);
}

/* What on_emptied tells may be the end of the family. */
static void reap(struct family *f) {
        int status;
        pid_t pid;

        while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
                reaped(f, pid, status);
                if (f->killing && getpid() != 1)
                        signal_children(SIGKILL); /* whom that one has left to us */
        }
        if (pid < 0 && errno == ECHILD && f->killing) {
                f->killing = false;
                f->events->on_emptied(f);
        }
}

static void on_signal(struct source *source, uint32_t events) {
        struct family *f = container_of(source, struct family, signals);
        struct signalfd_siginfo info;

        while (read(f->signal_fd, &info, sizeof(info)) > 0)
                ;
        reap(f);
}

static void on_look(struct defer *defer) {
        reap(container_of(defer, struct family, look));
}

/* Where nobody is left no SIGCHLD will come: it is looked for once in any case. */
void family_kill(struct family *f) {
        f->killing = true;
        signal_all(SIGKILL);
        defer_call(f->loop, &f->look, on_look);
}

/* ---- life ---- */

/* A dump that a program of the machine takes would leave the container; one byte is less than a dump. A file of it
 * can lie in /tmp alone, and has nothing in it. */
static void limit_dumps(struct family *f) {
        int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
        char first = '|';

        if (fd >= 0 && read(fd, &first, 1) != 1)
                first = '|';
        fd_close(fd);
        f->core_limit = first == '|' || first == '@' ? 1 : CORE_LIMIT;
        prctl(PR_SET_DUMPABLE, 1); /* else what is ours in /proc is root's */
        fd = open("/proc/self/coredump_filter", O_WRONLY | O_CLOEXEC);
        if (fd < 0 || write(fd, "0", 1) != 1)
                f->core_limit = 1;
        fd_close(fd);
}

static int watch_children(struct family *f) {
        /* Of a child that only stops there is nothing to hear. */
        const struct sigaction action = { .sa_handler = SIG_DFL, .sa_flags = SA_NOCLDSTOP };
        sigset_t mask;

        sigemptyset(&mask);
        sigaddset(&mask, SIGCHLD);
        sigaction(SIGCHLD, &action, NULL);
        sigprocmask(SIG_BLOCK, &mask, NULL);
        f->signal_fd = signalfd(-1, &mask, SFD_NONBLOCK | SFD_CLOEXEC);
        if (f->signal_fd < 0)
                return -errno;
        return source_add(f->loop, &f->signals, f->signal_fd, EPOLLIN | EPOLLET, RANK_EXIT, on_signal);
}

int family_init(struct family *f, struct loop *loop, const struct family_events *events) {
        *f = (struct family){ .loop = loop, .events = events, .output_fd = -1, .signal_fd = -1 };
        f->null_fd = open("/dev/null", O_RDWR | O_CLOEXEC);
        if (f->null_fd < 0)
                return -errno;
        limit_dumps(f);
        /* Nobody may look into us or trace us, also where the function has our uid. */
        prctl(PR_SET_DUMPABLE, 0);
        if (getpid() != 1)
                prctl(PR_SET_CHILD_SUBREAPER, 1);
        return watch_children(f);
}

void family_deinit(struct family *f) {
        defer_cancel(&f->look);
        source_remove(&f->signals);
        fd_close(f->signal_fd);
        signal_all(SIGKILL);
        f->null_fd = fd_close(f->null_fd);
}
