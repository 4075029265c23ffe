/* SPDX-License-Identifier: Apache-2.0 */
/*
 * kernel - system calls that the C library of a supported distribution may lack, by number
 *
 * Debian 12 has glibc 2.36, Ubuntu 22.04 has 2.35 without the mount calls; <sys/mount.h> and <linux/mount.h>
 * cannot be included together there, so their few constants stand here. Each answers 0 or more, or -errno.
 *
 * The launcher loads the system call filter once, and every cell inherits it (loading it costs 0.1 ms, too
 * much for each start). The calls below that the filter refuses carry a random number in their unused sixth
 * argument: the filter lets exactly those through. The number is in the memory of launcher and cells only,
 * which nobody can read, and without capabilities it would open nothing.
 */
#pragma once
#include <fcntl.h>
#include <signal.h>
#include <sys/syscall.h>

#include "base/util.h"

#define K_OPEN_TREE_CLONE 1u
#define K_AT_RECURSIVE 0x8000u
#define K_MOVE_F_EMPTY_PATH 0x4u
#define K_ATTR_RDONLY 0x1u
#define K_ATTR_NOSUID 0x2u
#define K_ATTR_NODEV 0x4u
#define K_ATTR_NOEXEC 0x8u
#define K_MS_NOSUID 2ul
#define K_MS_NODEV 4ul
#define K_MS_NOEXEC 8ul
#define K_MS_BIND 4096ul
#define K_MS_REC 16384ul
#define K_MS_PRIVATE (1ul << 18)
#define K_MS_SLAVE (1ul << 19)
#define K_MNT_DETACH 2

struct k_mount_attr {
        uint64_t attr_set, attr_clr, propagation, userns_fd;
};

struct k_clone_args {
        uint64_t flags, pidfd, child_tid, parent_tid, exit_signal, stack, stack_size, tls, set_tid,
                set_tid_size, cgroup;
};
#define K_CLONE_INTO_CGROUP 0x200000000ull

extern uint64_t k_pass; /* launcher.c */

#define K_RESULT(call) \
        ({ \
                long k_result_ = (call); \
                k_result_ < 0 ? -errno : (int)k_result_; \
        })

static inline int k_mount(const char *source, const char *target, const char *type, unsigned long flags,
                          const char *data) {
        return K_RESULT(syscall(SYS_mount, source, target, type, flags, data, k_pass));
}
static inline int k_umount(const char *target, int flags) {
        return K_RESULT(syscall(SYS_umount2, target, flags, 0, 0, 0, k_pass));
}
static inline int k_pivot_root(const char *root, const char *old) {
        return K_RESULT(syscall(SYS_pivot_root, root, old, 0, 0, 0, k_pass));
}
static inline int k_open_tree(int dir, const char *path, unsigned int flags) {
        return K_RESULT(syscall(SYS_open_tree, dir, path, flags | O_CLOEXEC, 0, 0, k_pass));
}
static inline int k_move_mount(int tree, int dir, const char *path) {
        return K_RESULT(syscall(SYS_move_mount, tree, "", dir, path, K_MOVE_F_EMPTY_PATH, k_pass));
}
static inline int k_mount_setattr(int dir, const char *path, unsigned int flags,
                                  const struct k_mount_attr *attr) {
        return K_RESULT(syscall(SYS_mount_setattr, dir, path, flags, attr, sizeof(*attr), k_pass));
}
static inline int k_close_range(unsigned int first, unsigned int last) {
        return K_RESULT(syscall(SYS_close_range, first, last, 0));
}
static inline int k_sethostname(const char *name) {
        return K_RESULT(syscall(SYS_sethostname, name, strlen(name), 0, 0, 0, k_pass));
}
static inline int k_clone3(const struct k_clone_args *args) {
        return K_RESULT(syscall(SYS_clone3, args, sizeof(*args), 0, 0, 0, k_pass));
}
/* Like fork, with namespaces. */
static inline int k_clone(unsigned long flags) {
        return K_RESULT(syscall(SYS_clone, flags | SIGCHLD, 0, 0, 0, 0, k_pass));
}
