/* SPDX-License-Identifier: Apache-2.0 */
#include "http/peer.h"

#include <arpa/inet.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

int peer_open_diag(void) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

        return fd < 0 ? -errno : fd;
}

/* The kernel answers within the send: nothing waits, whatever else is done with this descriptor. */
int peer_find(int diag, int fd, struct peer *ret_peer) {
        struct {
                struct nlmsghdr head;
                struct inet_diag_req_v2 req;
        } question = {
                .head = { .nlmsg_len = sizeof(question),
                          .nlmsg_type = SOCK_DIAG_BY_FAMILY,
                          .nlmsg_flags = NLM_F_REQUEST },
                .req = { .sdiag_family = AF_INET,
                         .sdiag_protocol = IPPROTO_TCP,
                         .idiag_states = ~0u,
                         .id.idiag_cookie = { INET_DIAG_NOCOOKIE, INET_DIAG_NOCOOKIE } },
        };
        struct sockaddr_in other, own;
        socklen_t other_len = sizeof(other), own_len = sizeof(own);
        struct inet_diag_msg found;
        _Alignas(struct nlmsghdr) char answer[1024];
        struct nlmsghdr *head = (struct nlmsghdr *)answer;
        ssize_t n;

        if (getpeername(fd, (struct sockaddr *)&other, &other_len) < 0 ||
            getsockname(fd, (struct sockaddr *)&own, &own_len) < 0)
                return -errno;
        if (other.sin_family != AF_INET)
                return -EAFNOSUPPORT;
        /* The other end: its source is our peer. */
        question.req.id.idiag_sport = other.sin_port;
        question.req.id.idiag_dport = own.sin_port;
        question.req.id.idiag_src[0] = other.sin_addr.s_addr;
        question.req.id.idiag_dst[0] = own.sin_addr.s_addr;
        if (send(diag, &question, sizeof(question), MSG_DONTWAIT) < 0)
                return -errno;
        n = recv(diag, answer, sizeof(answer), MSG_DONTWAIT);
        if (n < 0)
                return -errno;
        if (!NLMSG_OK(head, (size_t)n) || head->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
            head->nlmsg_len < NLMSG_LENGTH(sizeof(found)))
                return -ENOENT;
        memcpy(&found, NLMSG_DATA(head), sizeof(found));
        *ret_peer = (struct peer){ .uid = found.idiag_uid, .inode = found.idiag_inode };
        return 0;
}
