/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whose connection is this? Asked once per connection that an environment's listener accepts.
 *
 * An own network namespace: nobody else can reach the listener. T1 on the host's network: sock_diag tells the
 * uid of the socket at the other end, and that uid is the environment's own. T2 and T3: all uids are the
 * caller's, so sock_diag tells the socket's inode, and one of the cell's processes must have it open.
 */
#include <dirent.h>
#include <stdio.h>

#include "http/peer.h"
#include "sandbox/native/family.h"
#include "sandbox/native/native_private.h"

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
        struct peer other;

        if (native->flags & WIRE_PRIVATE_NETWORK && native->tier != NATIVE_T3)
                return true;
        if (native->diag_fd < 0 || peer_find(native->diag_fd, fd, &other))
                return false;
        if (native->tier == NATIVE_T1)
                return other.uid == cell->uid;
        return family_has_socket(cell, other.inode);
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
