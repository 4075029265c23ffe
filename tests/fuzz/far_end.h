/* SPDX-License-Identifier: Apache-2.0 */
/* far_end - what a fuzzer that plays one end of a link over sockets says there, and what its runtime says */
#pragma once
#include <sys/socket.h>

#include "link_words.h"

#define FDS_MOST 8

/* What the other end takes no more is lost. */
static inline void send_message(int fd, const struct link_message *m, const int *fds, size_t count) {
        struct buf frame = BUF_NULL(2 * LINK_FRAME_MAX);
        union {
                char bytes[CMSG_SPACE(FDS_MOST * sizeof(int))];
                struct cmsghdr align;
        } control = {};
        struct iovec part;
        struct msghdr head = { .msg_iov = &part, .msg_iovlen = 1 };

        must(count <= FDS_MOST && link_encode(&frame, m) == 0);
        part = (struct iovec){ buf_data(&frame), frame.len };
        if (count) {
                head.msg_control = &control;
                head.msg_controllen = CMSG_SPACE(count * sizeof(int));
                control.align = (struct cmsghdr){ .cmsg_len = CMSG_LEN(count * sizeof(int)),
                                                  .cmsg_level = SOL_SOCKET,
                                                  .cmsg_type = SCM_RIGHTS };
                memcpy(CMSG_DATA(&control.align), fds, count * sizeof(int));
        }
        if (sendmsg(fd, &head, MSG_NOSIGNAL) < 0)
                must(errno == EPIPE || errno == EAGAIN || errno == ECONNRESET);
        buf_deinit(&frame);
}

static inline void send_hello(int fd) {
        const struct link_message hello = { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } };

        send_message(fd, &hello, NULL, 0);
}

/* Descriptors that come along are dropped. */
static inline void drain(int fd) {
        char sink[4096];

        while (fd >= 0 && recv(fd, sink, sizeof(sink), MSG_DONTWAIT) > 0)
                ;
}

/* fd: the runtime's connection; -1: it has none yet. */
static inline void runtime_says(struct words *w, int *fd, const void *address, socklen_t len) {
        static const char *const texts[] = {
                "GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n",
                "POST /2018-06-01/runtime/invocation/" REQUEST_ID "/response HTTP/1.1\r\n"
                "Host: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}",
                "POST /2018-06-01/runtime/invocation/" REQUEST_ID "/response HTTP/1.1\r\n"
                "Host: 127.0.0.1\r\nContent-Length: 9\r\n\r\n{}",
                "POST /2018-06-01/runtime/invocation/" REQUEST_ID "/error HTTP/1.1\r\n"
                "Host: 127.0.0.1\r\nContent-Length: 2\r\n\r\n{}",
        };
        const char *text = texts[next_byte(w) % ARRAY_SIZE(texts)];

        if (*fd < 0) {
                *fd = socket(((const struct sockaddr *)address)->sa_family,
                             SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
                if (connect(*fd, address, len) < 0 && errno != EINPROGRESS)
                        *fd = fd_close(*fd);
        }
        if (*fd < 0)
                return;
        drain(*fd);
        if (send(*fd, text, strlen(text), MSG_NOSIGNAL) < 0)
                *fd = fd_close(*fd);
}
