/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/fork_server.h"

#include <fcntl.h>
#include <linux/sched.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>

#include "archive/helper.h"
#include "base/util.h"

/* Where the requests come from. */
#define SOCKET_FD HELPER_SOURCE_FD

/* Out of the range of the numbers that the helper is given, so that no dup2 can hit a descriptor that is still to come. */
#define HIGH_FD (HELPER_LAYER_FD + HELPER_LAYERS_MAX)

#define ARGUMENTS_MAX 8

struct order {
        struct helper_request request;
        char *argv[ARGUMENTS_MAX + 1];
        int argc;
        int fds[HELPER_FDS_MAX];
        int fd_count;
};

/* Asked for by the daemon alone; what is not as it sends it is its end. */
static bool split_arguments(struct order *order, size_t len) {
        char *at = order->request.arguments, *end = at + len;

        order->argv[order->argc++] = (char *)"lambent-archive";
        for (; at < end; at += strlen(at) + 1) {
                if (order->argc == ARGUMENTS_MAX || end[-1])
                        return false;
                order->argv[order->argc++] = at;
        }
        order->argv[order->argc] = NULL;
        return (unsigned)order->fd_count == 2 + order->request.layer_count + order->request.has_source;
}

static bool receive(struct order *order) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * HELPER_FDS_MAX)];
        struct iovec part = { &order->request, sizeof(order->request) };
        struct msghdr message = {
                .msg_iov = &part, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)
        };
        struct cmsghdr *head;
        ssize_t n;

        *order = (struct order){};
        while ((n = recvmsg(SOCKET_FD, &message, MSG_CMSG_CLOEXEC)) < 0 && errno == EINTR)
                continue;
        if (n < (ssize_t)offsetof(struct helper_request, arguments) ||
            (message.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
                return false;
        head = CMSG_FIRSTHDR(&message);
        if (!head || head->cmsg_type != SCM_RIGHTS)
                return false;
        order->fd_count = (int)((head->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(order->fds, CMSG_DATA(head), (size_t)order->fd_count * sizeof(int));
        return split_arguments(order, (size_t)n - offsetof(struct helper_request, arguments));
}

/* In the helper: every descriptor to its number. Its own copies are closed when it confines itself. */
static int arrange(const struct order *order) {
        int numbers[HELPER_FDS_MAX] = { HELPER_REPORT_FD, HELPER_TARGET_FD }, copies[HELPER_FDS_MAX], nothing;

        for (unsigned i = 0; i < order->request.layer_count; ++i)
                numbers[2 + i] = HELPER_LAYER_FD + (int)i;
        numbers[2 + order->request.layer_count] = HELPER_SOURCE_FD;
        for (int i = 0; i < order->fd_count; ++i) {
                copies[i] = fcntl(order->fds[i], F_DUPFD_CLOEXEC, HIGH_FD);
                if (copies[i] < 0)
                        return -errno;
        }
        nothing = open("/dev/null", O_RDONLY | O_CLOEXEC);
        if (nothing < 0 || dup2(nothing, HELPER_SOURCE_FD) < 0)
                return -errno;
        for (int i = 0; i < order->fd_count; ++i)
                if (dup2(copies[i], numbers[i]) < 0)
                        return -errno;
        return 0;
}

static int become_helper(struct order *order, int (*run)(int argc, char **argv)) {
        if (setpgid(0, 0) < 0 || arrange(order))
                return 1;
        return run(order->argc, order->argv);
}

/* A child of the daemon, like this process: who is told by PDEATHSIG is the thread that started both. */
static int32_t fork_helper(struct order *order, int (*run)(int argc, char **argv)) {
        long pid = syscall(SYS_clone, CLONE_PARENT, 0, 0, 0, 0);

        if (pid == 0)
                _exit(become_helper(order, run));
        return pid < 0 ? -errno : (int32_t)pid;
}

int fork_server(int (*run)(int argc, char **argv)) {
        struct order order;

        /* What exec has not closed would be kept open here for good. */
        syscall(SYS_close_range, STDERR_FILENO + 1, ~0u, 0);
        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return 1;
        while (receive(&order)) {
                int32_t answer = fork_helper(&order, run);

                for (int i = 0; i < order.fd_count; ++i)
                        fd_close(order.fds[i]);
                if (send(SOCKET_FD, &answer, sizeof(answer), MSG_NOSIGNAL) < 0)
                        break;
        }
        return 0;
}
