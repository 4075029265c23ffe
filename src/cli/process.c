/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/process.h"

#include <dirent.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>

/* Moves the wanted descriptors to 0, 1, 2, ...: first above all targets, so that none is overwritten before
 * it was taken. */
static int arrange(const struct child_plan *plan, int *report_fd) {
        int high[8], least = (int)plan->descriptor_count;

        must(plan->descriptor_count <= ARRAY_SIZE(high));
        for (size_t i = 0; i < plan->descriptor_count; i++) {
                high[i] = plan->descriptors[i] < 0 ? -1 : fcntl(plan->descriptors[i], F_DUPFD_CLOEXEC, least);
                if (plan->descriptors[i] >= 0 && high[i] < 0)
                        return -errno;
        }
        *report_fd = fcntl(*report_fd, F_DUPFD_CLOEXEC, least);
        if (*report_fd < 0)
                return -errno;
        for (size_t i = 0; i < plan->descriptor_count; i++) {
                if (high[i] < 0)
                        close((int)i);
                else if (dup2(high[i], (int)i) < 0)
                        return -errno;
        }
        return 0;
}

_Noreturn static void become(const struct child_plan *plan, pid_t parent, int report_fd) {
        int r = 0;

        if (plan->own_group)
                setpgid(0, 0);
        if (plan->clear_mask) {
                sigset_t none;

                sigemptyset(&none);
                sigprocmask(SIG_SETMASK, &none, NULL);
        }
        if (plan->death_signal) {
                prctl(PR_SET_PDEATHSIG, plan->death_signal);
                /* It may have happened before we asked to be told. */
                if (getppid() != parent)
                        _exit(127);
        }
        if (plan->descriptors)
                r = arrange(plan, &report_fd);
        if (!r) {
                execvp(plan->argv[0], (char *const *)plan->argv);
                r = -errno;
        }
        _exit(write(report_fd, &r, sizeof(r)) < 0 ? 126 : 127);
}

int child_start(struct child *child, const struct child_plan *plan) {
        int report[2], failure = 0;
        pid_t parent = getpid();
        ssize_t len;

        *child = CHILD_NULL;
        if (pipe2(report, O_CLOEXEC))
                return -errno;
        child->pid = fork();
        if (child->pid == 0)
                become(plan, parent, report[1]);
        close(report[1]);
        if (child->pid < 0) {
                int r = -errno;

                close(report[0]);
                return r;
        }
        /* A successful exec closes the pipe. */
        do
                len = read(report[0], &failure, sizeof(failure));
        while (len < 0 && errno == EINTR);
        close(report[0]);
        child->pidfd = (int)syscall(SYS_pidfd_open, child->pid, 0);
        if (len == sizeof(failure)) {
                child_wait(child);
                child_release(child);
                return failure;
        }
        return child->pidfd < 0 ? -errno : 0;
}

int child_wait(struct child *child) {
        int status;
        pid_t r;

        do
                r = waitpid(child->pid, &status, 0);
        while (r < 0 && errno == EINTR);
        if (r < 0)
                return 127;
        return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

bool child_has_ended(const struct child *child, nsec_t most) {
        struct pollfd poll_fd = { .fd = child->pidfd, .events = POLLIN };

        return poll(&poll_fd, 1, most == NSEC_NEVER ? -1 : (int)(most / MILLISECOND)) == 1;
}

void child_signal(const struct child *child, int signal) {
        syscall(SYS_pidfd_send_signal, child->pidfd, signal, NULL, 0);
}

void child_release(struct child *child) {
        fd_close(child->pidfd);
        *child = CHILD_NULL;
}

int process_ask(const char *const *argv, int source, int target, void *ret_report, size_t size) {
        int ends[2], r;
        struct child child;
        size_t got = 0;

        if (pipe2(ends, O_CLOEXEC))
                return -errno;
        r = child_start(&child,
                        &(struct child_plan){
                                .argv = argv,
                                .descriptors = (const int[]){ source, ends[1], STDERR_FILENO, target },
                                .descriptor_count = 4,
                                .death_signal = SIGKILL,
                        });
        close(ends[1]);
        while (!r && got < size) {
                ssize_t len = read(ends[0], (char *)ret_report + got, size - got);

                if (len < 0 && errno == EINTR)
                        continue;
                if (len <= 0)
                        r = len < 0 ? -errno : -EPIPE;
                else
                        got += (size_t)len;
        }
        close(ends[0]);
        if (child.pidfd >= 0) {
                child_wait(&child);
                child_release(&child);
        }
        return r;
}

/* Opened for reading and made writable: unpacked code may hold folders that are not. */
static DIR *open_folder(int parent, const char *name) {
        int fd = openat(parent, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
        DIR *dir = NULL;

        if (fd >= 0 && (fchmod(fd, 0700) == 0 || errno == EPERM))
                dir = fdopendir(fd);
        if (!dir)
                fd_close(fd);
        return dir;
}

static int empty_folder(int parent, const char *name) {
        DIR *dir = open_folder(parent, name);
        int r = 0;

        if (!dir)
                return -errno;
        for (struct dirent *entry; (entry = readdir(dir));) {
                if (streq(entry->d_name, ".") || streq(entry->d_name, ".."))
                        continue;
                if (unlinkat(dirfd(dir), entry->d_name, 0) == 0)
                        continue;
                if (errno == EISDIR || errno == EPERM) {
                        int failure = empty_folder(dirfd(dir), entry->d_name);

                        if (!failure && unlinkat(dirfd(dir), entry->d_name, AT_REMOVEDIR))
                                failure = -errno;
                        r = r ? r : failure;
                } else {
                        r = r ? r : -errno;
                }
        }
        closedir(dir);
        return r;
}

int folder_remove(const char *path) {
        int r = empty_folder(AT_FDCWD, path);

        if (r == -ENOENT)
                return 0;
        return !r && rmdir(path) ? -errno : r;
}
