/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/native/wire.h"

#include <sys/socket.h>
#include <sys/uio.h>

static size_t count_strings(uint32_t said) {
        return MIN((size_t)said, (size_t)WIRE_STRINGS_MAX);
}

static void attach_fds(struct msghdr *msg, char *control, const int *fds, size_t fd_count) {
        struct cmsghdr *cmsg;

        msg->msg_control = control;
        msg->msg_controllen = CMSG_SPACE(sizeof(int) * fd_count);
        cmsg = CMSG_FIRSTHDR(msg);
        cmsg->cmsg_level = SOL_SOCKET;
        cmsg->cmsg_type = SCM_RIGHTS;
        cmsg->cmsg_len = CMSG_LEN(sizeof(int) * fd_count);
        memcpy(CMSG_DATA(cmsg), fds, sizeof(int) * fd_count);
}

int wire_send(int fd, const struct wire *head, const char *const *strings, const int *fds, size_t fd_count) {
        _Alignas(struct cmsghdr) char control[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX)] = {};
        char packed[WIRE_MAX];
        struct iovec iov[2] = { { .iov_base = (void *)(uintptr_t)head, .iov_len = sizeof(*head) },
                                { .iov_base = packed } };
        struct msghdr msg = { .msg_iov = iov, .msg_iovlen = 2 };

        must(fd_count <= WIRE_FDS_MAX);
        if (head->strings > WIRE_STRINGS_MAX)
                return -E2BIG;
        for (uint32_t i = 0; i < head->strings; ++i) {
                size_t size = strlen(strings[i]) + 1;

                if (size > sizeof(packed) - iov[1].iov_len)
                        return -E2BIG;
                memcpy(packed + iov[1].iov_len, strings[i], size);
                iov[1].iov_len += size;
        }
        if (fd_count)
                attach_fds(&msg, control, fds, fd_count);
        if (sendmsg(fd, &msg, MSG_NOSIGNAL) < 0)
                return -errno;
        return 0;
}

int wire_send_failed(int fd, int error, const char *sentence) {
        struct wire head = { .type = WIRE_FAILED, .strings = 1, .failed.error = error };

        return wire_send(fd, &head, &sentence, NULL, 0);
}

static void take_ancillary(struct msghdr *msg, struct wire_in *in) {
        for (struct cmsghdr *cmsg = CMSG_FIRSTHDR(msg); cmsg; cmsg = CMSG_NXTHDR(msg, cmsg)) {
                if (cmsg->cmsg_level != SOL_SOCKET)
                        continue;
                if (cmsg->cmsg_type == SCM_CREDENTIALS) {
                        struct ucred cred;

                        memcpy(&cred, CMSG_DATA(cmsg), sizeof(cred));
                        in->sender = cred.pid;
                } else if (cmsg->cmsg_type == SCM_RIGHTS) {
                        in->fd_count = (cmsg->cmsg_len - CMSG_LEN(0)) / sizeof(int);
                        memcpy(in->fds, CMSG_DATA(cmsg), in->fd_count * sizeof(int));
                }
        }
}

int wire_check(struct wire_in *in, size_t len) {
        char *p = in->bytes, *end = in->bytes + len;

        if (in->head.type == 0 || in->head.type >= WIRE_TYPES || in->head.strings > WIRE_STRINGS_MAX)
                return -EPROTO;
        for (uint32_t i = 0; i < in->head.strings; ++i) {
                char *nul = memchr(p, '\0', (size_t)(end - p));

                if (!nul)
                        return -EPROTO;
                in->strings[i] = p;
                p = nul + 1;
        }
        in->strings[count_strings(in->head.strings)] = NULL;
        return p == end ? 0 : -EPROTO;
}

int wire_receive(int fd, struct wire_in *in) {
        _Alignas(struct cmsghdr) char
                control[CMSG_SPACE(sizeof(int) * WIRE_FDS_MAX) + CMSG_SPACE(sizeof(struct ucred))];
        struct iovec iov[2] = { { .iov_base = &in->head, .iov_len = sizeof(in->head) },
                                { .iov_base = in->bytes, .iov_len = sizeof(in->bytes) } };
        struct msghdr msg = {
                .msg_iov = iov, .msg_iovlen = 2, .msg_control = control, .msg_controllen = sizeof(control)
        };
        ssize_t n;
        int r;

        in->fd_count = 0;
        in->sender = 0;
        /* A peer that ends with our messages unread leaves this error in front of its last words; it is told
         * once. */
        do
                n = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
        while (n < 0 && errno == ECONNRESET);
        if (n < 0)
                return -errno;
        take_ancillary(&msg, in);
        if (n == 0)
                return -ENOTCONN;
        r = (size_t)n < sizeof(in->head) || (msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) ? -EPROTO : 0;
        if (!r)
                r = wire_check(in, (size_t)n - sizeof(in->head));
        if (r)
                wire_clear(in);
        return r;
}

int wire_take_fd(struct wire_in *in) {
        int fd;

        if (!in->fd_count)
                return -1;
        fd = in->fds[0];
        memmove(in->fds, in->fds + 1, --in->fd_count * sizeof(int));
        return fd;
}

void wire_clear(struct wire_in *in) {
        while (in->fd_count)
                fd_close(in->fds[--in->fd_count]);
}
