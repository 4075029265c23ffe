/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the helper. It runs on the worker thread (posix_spawn blocks its caller until the exec), which
 * lives as long as the loop: the helper's PDEATHSIG is tied to that thread.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "archive/content_private.h"

/* Out of the range of the numbers the helper is given, so that no dup2 can hit a descriptor that is still to
 * come. */
#define HIGH_FD (HELPER_LAYER_FD + HELPER_LAYERS_MAX)

struct mapping {
        posix_spawn_file_actions_t actions;
        int copies[HELPER_LAYER_FD + HELPER_LAYERS_MAX];
        unsigned count;
};

static int map_fd(struct mapping *m, int fd, int number) {
        int copy = fcntl(fd, F_DUPFD_CLOEXEC, HIGH_FD);

        if (copy < 0)
                return -errno;
        m->copies[m->count++] = copy;
        return -posix_spawn_file_actions_adddup2(&m->actions, copy, number);
}

static int map_all(struct mapping *m, const struct helper_fds *fds, int report) {
        int r = map_fd(m, report, HELPER_REPORT_FD);

        if (!r && fds->source >= 0)
                r = map_fd(m, fds->source, HELPER_SOURCE_FD);
        else if (!r)
                r = -posix_spawn_file_actions_addopen(&m->actions, HELPER_SOURCE_FD, "/dev/null", O_RDONLY,
                                                      0);
        if (!r)
                r = map_fd(m, fds->target, HELPER_TARGET_FD);
        for (unsigned i = 0; !r && i < fds->layer_count; ++i)
                r = map_fd(m, fds->layers[i], HELPER_LAYER_FD + (int)i);
        return r;
}

/* A group of its own: the terminal's ^C is for the daemon, which decides what ends when. */
static int start(const char *const *argv, struct mapping *m, pid_t *ret_pid) {
        static char *const environment[] = { NULL };
        posix_spawnattr_t attr;
        sigset_t none, all;
        int r;

        sigemptyset(&none);
        sigfillset(&all);
        posix_spawnattr_init(&attr);
        posix_spawnattr_setsigmask(&attr, &none);
        posix_spawnattr_setsigdefault(&attr, &all);
        posix_spawnattr_setpgroup(&attr, 0);
        posix_spawnattr_setflags(&attr,
                                 POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
        r = -posix_spawn(ret_pid, argv[0], &m->actions, &attr, (char *const *)argv, environment);
        posix_spawnattr_destroy(&attr);
        return r;
}

static int spawn_mapped(const char *const *argv, const struct helper_fds *fds, int report, pid_t *ret_pid) {
        struct mapping m = {};
        int r;

        posix_spawn_file_actions_init(&m.actions);
        r = map_all(&m, fds, report);
        if (!r)
                r = start(argv, &m, ret_pid);
        posix_spawn_file_actions_destroy(&m.actions);
        for (unsigned i = 0; i < m.count; ++i)
                fd_close(m.copies[i]);
        return r;
}

int helper_spawn(const char *const *argv, const struct helper_fds *fds, struct helper_process *ret_process) {
        struct helper_process process = HELPER_PROCESS_NULL;
        int ends[2], r;

        if (pipe2(ends, O_CLOEXEC) < 0)
                return fault(-errno);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        r = spawn_mapped(argv, fds, ends[1], &process.pid);
        fd_close(ends[1]);
        process.report_fd = ends[0];
        if (!r) {
                process.pid_fd = (int)syscall(SYS_pidfd_open, process.pid, 0);
                r = process.pid_fd < 0 ? -errno : 0;
        }
        if (r) {
                helper_end(&process);
                return fault(r);
        }
        *ret_process = process;
        return 0;
}

bool helper_reap(struct helper_process *process) {
        siginfo_t info = {};
        pid_t pid = process->pid;

        process->pid = 0;
        while (waitid(P_PID, (id_t)pid, &info, WEXITED) < 0)
                if (errno != EINTR)
                        return false;
        return info.si_code == CLD_EXITED && info.si_status == 0;
}

void helper_end(struct helper_process *process) {
        if (process->pid > 0) {
                kill(process->pid, SIGKILL); /* not reaped yet: the pid is still its own */
                helper_reap(process);
        }
        process->report_fd = fd_close(process->report_fd);
        process->pid_fd = fd_close(process->pid_fd);
}
