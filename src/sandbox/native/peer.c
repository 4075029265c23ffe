/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose connection is this? Asked once per connection that an environment's listener accepts.
 *
 * An own network namespace: nobody else can reach the listener. T1 on the host's network: sock_diag tells the
 * uid of the socket at the other end, and that uid is the environment's own. T2 and T3: all uids are the
 * caller's, so sock_diag tells the socket's inode, and one of the cell's processes must have it open.
 */
#include <arpa/inet.h>
#include <dirent.h>
#include <fcntl.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <sys/socket.h>

#include "sandbox/native/family.h"
#include "sandbox/native/native_private.h"

int peer_open_diag(void) {
        int fd = socket(AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);

        return fd < 0 ? -errno : fd;
}

/* The kernel answers within the send. */
static int ask(int diag, int fd, struct inet_diag_msg *ret_socket) {
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
        struct sockaddr_in peer, own;
        socklen_t peer_len = sizeof(peer), own_len = sizeof(own);
        _Alignas(struct nlmsghdr) char answer[1024];
        struct nlmsghdr *head = (struct nlmsghdr *)answer;
        ssize_t n;

        if (getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0 ||
            getsockname(fd, (struct sockaddr *)&own, &own_len) < 0)
                return -errno;
        if (peer.sin_family != AF_INET)
                return -EAFNOSUPPORT;
        /* The other end: its source is our peer. */
        question.req.id.idiag_sport = peer.sin_port;
        question.req.id.idiag_dport = own.sin_port;
        question.req.id.idiag_src[0] = peer.sin_addr.s_addr;
        question.req.id.idiag_dst[0] = own.sin_addr.s_addr;
        if (send(diag, &question, sizeof(question), 0) < 0)
                return -errno;
        n = recv(diag, answer, sizeof(answer), 0);
        if (n < 0)
                return -errno;
        if (!NLMSG_OK(head, (size_t)n) || head->nlmsg_type != SOCK_DIAG_BY_FAMILY ||
            head->nlmsg_len < NLMSG_LENGTH(sizeof(*ret_socket)))
                return -ENOENT;
        memcpy(ret_socket, NLMSG_DATA(head), sizeof(*ret_socket));
        return 0;
}

/* ---- the cell's processes ---- */

static bool has_socket(pid_t pid, const char *link) {
        char path[300], target[64];
        struct dirent *entry;
        bool found = false;
        DIR *fds;

        snprintf(path, sizeof(path), "/proc/%d/fd", pid);
        fds = opendir(path);
        while (fds && !found && (entry = readdir(fds))) {
                ssize_t n = readlinkat(dirfd(fds), entry->d_name, target, sizeof(target) - 1);

                target[MAX(n, (ssize_t)0)] = '\0';
                found = streq(target, link);
        }
        if (fds)
                closedir(fds);
        return found;
}

/* Parents before children: the runtime is nearly always the first. */
static bool family_has_socket(const struct remote_cell *cell, uint32_t inode) {
        pid_t family[FAMILY_MAX];
        char link[32];
        size_t count;

        snprintf(link, sizeof(link), "socket:[%u]", inode);
        count = family_add_children(cell->pid, family, 0);
        for (size_t i = 0; i < count; ++i) {
                if (has_socket(family[i], link))
                        return true;
                count = family_add_children(family[i], family, count);
        }
        return false;
}

bool peer_is_of_cell(const struct remote_cell *cell, int fd) {
        const struct native *native = cell->native;
        struct inet_diag_msg other;

        if (native->flags & WIRE_PRIVATE_NETWORK && native->tier != NATIVE_T3)
                return true;
        if (native->diag_fd < 0 || ask(native->diag_fd, fd, &other))
                return false;
        if (native->tier == NATIVE_T1)
                return other.idiag_uid == cell->uid;
        return family_has_socket(cell, other.idiag_inode);
}

/* The last number on the NSpid line is the one in the innermost namespace. */
static pid_t inner_pid(pid_t pid) {
        char path[64], line[256], *last;
        uint64_t inner = 0;
        FILE *file;

        snprintf(path, sizeof(path), "/proc/%d/status", pid);
        file = fopen(path, "re");
        while (file && !inner && fgets(line, sizeof(line), file))
                if (str_starts(line, "NSpid:")) {
                        line[strcspn(line, "\n")] = '\0';
                        last = strrchr(line, '\t');
                        if (!last || str_to_u64(last + 1, INT32_MAX, &inner))
                                break;
                }
        if (file)
                fclose(file);
        return (pid_t)inner;
}

pid_t peer_find_process(const struct remote_cell *cell, pid_t inner) {
        pid_t children[FAMILY_MAX];
        size_t count = family_add_children(cell->pid, children, 0);

        if (!inner)
                return count ? children[count - 1] : 0; /* the kernel lists them by age */
        for (size_t i = 0; i < count; ++i)
                if ((cell->native->tier == NATIVE_T3 ? children[i] : inner_pid(children[i])) == inner)
                        return children[i];
        return 0;
}
