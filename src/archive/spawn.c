/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting the helper. Loading it with its libraries takes longer than most archives do, so that happens once: the process
 * that is started (posix_spawn) is a fork server, which forks a helper whenever it is sent one's arguments and
 * descriptors. The helper is a child of this process nevertheless (CLONE_PARENT): waited for and killed like any other.
 *
 * All of it runs on the worker thread, which may wait, and which lives as long as the loop: PDEATHSIG, of the fork server
 * and of the helpers, is tied to that thread.
 */
#include <fcntl.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "archive/content_private.h"

/* ---- the fork server ---- */

static int map_fds(posix_spawn_file_actions_t *actions, int socket) {
        int r = -posix_spawn_file_actions_adddup2(actions, socket, HELPER_SOURCE_FD);

        return r ?: -posix_spawn_file_actions_addopen(actions, HELPER_REPORT_FD, "/dev/null", O_WRONLY, 0);
}

/* A group of its own: the terminal's ^C is for the daemon, which decides what ends when. */
static int exec_server(const char *path, int socket, pid_t *ret_pid) {
        static char *const environment[] = { NULL };
        char *const argv[] = { (char *)path, (char *)"serve", NULL };
        posix_spawn_file_actions_t actions;
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
        posix_spawn_file_actions_init(&actions);
        r = map_fds(&actions, socket);
        if (!r)
                r = -posix_spawn(ret_pid, path, &actions, &attr, argv, environment);
        posix_spawn_file_actions_destroy(&actions);
        posix_spawnattr_destroy(&attr);
        return r;
}

static int server_start(struct helper_server *server, const char *path) {
        int ends[2], r;

        if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends) < 0)
                return -errno;
        r = exec_server(path, ends[1], &server->pid);
        fd_close(ends[1]);
        if (r)
                fd_close(ends[0]);
        else
                server->socket = ends[0];
        return r;
}

static void wait_for(pid_t pid, siginfo_t *info) {
        while (waitid(P_PID, (id_t)pid, info, WEXITED) < 0 && errno == EINTR)
                continue;
}

void helper_server_end(struct helper_server *server) {
        siginfo_t info;

        if (server->socket < 0)
                return;
        server->socket = fd_hang_up(server->socket);
        wait_for(server->pid, &info);
}

/* ---- asking it ---- */

static void put_fds(struct msghdr *message, const struct helper_fds *fds, int report) {
        struct cmsghdr *head = message->msg_control;
        int list[HELPER_FDS_MAX], count = 0;

        list[count++] = report;
        list[count++] = fds->target;
        for (unsigned i = 0; i < fds->layer_count; ++i)
                list[count++] = fds->layers[i];
        if (fds->source >= 0)
                list[count++] = fds->source;
        head->cmsg_level = SOL_SOCKET;
        head->cmsg_type = SCM_RIGHTS;
        head->cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
        memcpy(CMSG_DATA(head), list, (size_t)count * sizeof(int));
        message->msg_controllen = CMSG_SPACE((size_t)count * sizeof(int));
}

/* The arguments behind the path, each with its end. */
static int put_arguments(const char *const *argv, struct helper_request *request, size_t *ret_len) {
        char *at = request->arguments;

        for (++argv; *argv; ++argv) {
                size_t size = strlen(*argv) + 1;

                if (size > (size_t)(request->arguments + sizeof(request->arguments) - at))
                        return -E2BIG;
                at = (char *)memcpy(at, *argv, size) + size;
        }
        *ret_len = (size_t)(at - (char *)request);
        return 0;
}

static int send_request(int socket, const char *const *argv, const struct helper_fds *fds, int report) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * HELPER_FDS_MAX)] = {};
        struct helper_request request = { .layer_count = fds->layer_count, .has_source = fds->source >= 0 };
        struct iovec part = { .iov_base = &request };
        struct msghdr message = { .msg_iov = &part, .msg_iovlen = 1, .msg_control = control };
        int r = put_arguments(argv, &request, &part.iov_len);
        ssize_t n;

        if (r)
                return r;
        put_fds(&message, fds, report);
        while ((n = sendmsg(socket, &message, MSG_NOSIGNAL)) < 0 && errno == EINTR)
                continue;
        return n < 0 ? -errno : 0;
}

static bool is_dead(int r) {
        return r == -EPIPE || r == -ECONNRESET;
}

/* One that has died is started anew, once. */
static int ask(struct helper_server *server, const char *const *argv, const struct helper_fds *fds,
               int report) {
        int r = server->socket < 0 ? -EPIPE : send_request(server->socket, argv, fds, report);

        if (!is_dead(r))
                return r;
        helper_server_end(server);
        r = server_start(server, argv[0]);
        if (!r)
                r = send_request(server->socket, argv, fds, report);
        return is_dead(r) ? -EIO : r;
}

static int hear(struct helper_server *server, pid_t *ret_pid) {
        int32_t answer;
        ssize_t n;

        while ((n = recv(server->socket, &answer, sizeof(answer), 0)) < 0 && errno == EINTR)
                continue;
        if (n != sizeof(answer)) {
                /* It has died with the request in its hands; who knows how far it came. */
                helper_server_end(server);
                return -EIO;
        }
        if (answer < 0)
                return answer;
        *ret_pid = answer;
        return 0;
}

int helper_spawn(struct helper_server *server, const char *const *argv, const struct helper_fds *fds,
                 struct helper_process *ret_process) {
        struct helper_process process = HELPER_PROCESS_NULL;
        int ends[2], r;

        must(fds->target >= 0 && fds->layer_count <= HELPER_LAYERS_MAX);
        if (pipe2(ends, O_CLOEXEC) < 0)
                return fault(-errno);
        fcntl(ends[0], F_SETFL, O_NONBLOCK);
        r = ask(server, argv, fds, ends[1]);
        fd_close(ends[1]);
        process.report_fd = ends[0];
        if (!r)
                r = hear(server, &process.pid);
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

/* ---- the helper's end ---- */

bool helper_reap(struct helper_process *process) {
        siginfo_t info = {};

        wait_for(process->pid, &info);
        process->pid = 0;
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
