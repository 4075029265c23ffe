/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/broker/answer.h"

#include <sys/socket.h>
#include <sys/un.h>

#include "sandbox/broker/protocol.h"
#include "sandbox/broker/roots_own.h"

/* A connection to a unix socket is there at once or not at all: where nobody takes any that is -EAGAIN. */
static int connect_to(const char *path, int *ret_fd) {
        struct sockaddr_un at = { .sun_family = AF_UNIX };
        char real[PATH_MAX];
        int fd, r = roots_own(path, real);

        if (r)
                return r;
        if (strlen(real) >= sizeof(at.sun_path))
                return -ENAMETOOLONG;
        str_fit(at.sun_path, sizeof(at.sun_path), real);
        fd = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
        if (fd < 0)
                return -errno;
        if (connect(fd, (const struct sockaddr *)&at, sizeof(at)) < 0) {
                r = -errno;
                fd_close(fd);
                return r;
        }
        *ret_fd = fd;
        return 0;
}

/* fd -1: none comes along. */
static int say(int daemon, const struct broker_answer *answer, int fd) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int))] = {};
        struct iovec iov = { .iov_base = (void *)(uintptr_t)answer, .iov_len = sizeof(*answer) };
        struct msghdr msg = { .msg_iov = &iov, .msg_iovlen = 1 };
        struct cmsghdr *cmsg;
        ssize_t n;

        if (fd >= 0) {
                msg.msg_control = control;
                msg.msg_controllen = sizeof(control);
                cmsg = CMSG_FIRSTHDR(&msg);
                cmsg->cmsg_level = SOL_SOCKET;
                cmsg->cmsg_type = SCM_RIGHTS;
                cmsg->cmsg_len = CMSG_LEN(sizeof(int));
                memcpy(CMSG_DATA(cmsg), &fd, sizeof(int));
        }
        do
                n = sendmsg(daemon, &msg, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        return n < 0 ? -errno : 0;
}

static int answer_one(int daemon, const struct broker_question *question, const char *const *paths,
                      size_t count) {
        struct broker_answer answer = { .id = question->id, .error = -EINVAL };
        int fd = -1, r;

        if (question->place < count)
                answer.error = connect_to(paths[question->place], &fd);
        r = say(daemon, &answer, fd);
        fd_close(fd);
        /* Of root's processes together only so many descriptors may be on their way. */
        if (r != -ETOOMANYREFS)
                return r;
        answer.error = r;
        return say(daemon, &answer, -1);
}

int broker_answer_all(int daemon, const char *const *paths, size_t count) {
        struct broker_question question;

        for (;;) {
                ssize_t n = recv(daemon, &question, sizeof(question), MSG_TRUNC);
                int r = n < 0 ? -errno : 0;

                if (r == -EINTR)
                        continue;
                if (n <= 0)
                        return r == -ECONNRESET ? 0 : r;
                if (n != sizeof(question))
                        return -EPROTO;
                r = answer_one(daemon, &question, paths, count);
                if (r)
                        return r == -EPIPE ? 0 : r;
        }
}
