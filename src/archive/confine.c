/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/confine.h"

#include <fcntl.h>
#include <linux/landlock.h>
#include <poll.h>
#include <sched.h>
#include <seccomp.h>
#include <signal.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/syscall.h>

#include "archive/helper.h"
#include "base/rights.h"

/* Sanitizers map terabytes and need system calls of their own: such builds run unconfined in these two
 * respects. */
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED true
#else
#define SANITIZED false
#endif

#define MEMORY_MAX (512 * MIB)
#define CPU_SECONDS_MAX 300
#define IOPRIO_IDLE (3 << 13)

static int limit(int what, uint64_t value) {
        struct rlimit r = { value, value };

        return setrlimit(what, &r) < 0 ? -errno : 0;
}

/* Warm invocations come first: half the machine may be one core. */
static void step_back(void) {
        struct sched_param none = {};

        setpriority(PRIO_PROCESS, 0, 10);
        sched_setscheduler(0, SCHED_BATCH, &none);
        syscall(SYS_ioprio_set, 1, 0, IOPRIO_IDLE);
}

static int limit_resources(const struct confinement *c) {
        int r = limit(RLIMIT_CPU, CPU_SECONDS_MAX);

        if (!r)
                r = limit(RLIMIT_CORE, 0);
        if (!r && c->file_size)
                r = limit(RLIMIT_FSIZE, c->file_size);
        if (!r && !SANITIZED)
                r = limit(RLIMIT_AS, MEMORY_MAX);
        step_back();
        return r;
}

/* As root the tree itself becomes the whole world. Who may not do this has Landlock, or at least beneath.c.
 */
static int enter_target(const struct confinement *c) {
        if (c->target_fd < 0 || c->verb == CONFINE_PACK || c->verb == CONFINE_COMPILE ||
            fchdir(c->target_fd) < 0 || chroot(".") < 0)
                return 0;
        return chdir("/") < 0 ? -errno : 0;
}

#define READ (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define EVERYTHING ((uint64_t)(LANDLOCK_ACCESS_FS_MAKE_SYM << 1) - 1)

static void allow_below(int ruleset, int fd, uint64_t rights) {
        struct landlock_path_beneath_attr rule = { .allowed_access = rights, .parent_fd = fd };

        if (fd >= 0)
                syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
}

static void allow_path(int ruleset, const char *path, uint64_t rights) {
        AUTO(fd) int fd = open(path, O_PATH | O_CLOEXEC);

        allow_below(ruleset, fd, rights);
}

static void allow_interpreter(int ruleset, const struct confinement *c) {
        static const char *const folders[] = {
                "/usr", "/bin", "/lib", "/lib32", "/lib64", "/libx32", "/proc"
        };
        static const char *const files[] = { "/etc/ld.so.cache", "/dev/null", "/dev/urandom" };

        for (size_t i = 0; i < ARRAY_SIZE(folders); ++i)
                allow_path(ruleset, folders[i], READ);
        for (size_t i = 0; i < ARRAY_SIZE(files); ++i)
                allow_path(ruleset, files[i], LANDLOCK_ACCESS_FS_READ_FILE);
        allow_below(ruleset, c->tree_fd, READ);
        allow_below(ruleset, c->prefix_fd, READ);
}

/* Merging links from trees elsewhere, which is what Landlock forbids; packing reads the user's own folder. */
static int forbid_paths(const struct confinement *c) {
        struct landlock_ruleset_attr attr = { .handled_access_fs = EVERYTHING };
        bool compiles = c->verb == CONFINE_COMPILE;
        AUTO(fd) int fd = -1;

        if ((c->verb != CONFINE_UNPACK && !compiles) || c->target_fd < 0)
                return 0;
        fd = (int)syscall(SYS_landlock_create_ruleset, &attr, sizeof(attr), 0);
        if (fd >= 0) {
                allow_below(fd, c->target_fd, EVERYTHING);
                if (compiles)
                        allow_interpreter(fd, c);
                if (syscall(SYS_landlock_restrict_self, fd, 0) == 0)
                        return 0;
        }
        /* Root's files are root's, with or without capabilities. */
        return compiles && geteuid() == 0 ? -EPERM : 0;
}

static int drop_rights(void) {
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
                return -errno;
        return rights_keep(0);
}

/* The parent may have died before prctl: then nobody holds the other end of the report pipe, and poll says
 * so. */
static int die_with_parent(void) {
        struct pollfd peer = { .fd = HELPER_REPORT_FD };

        if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
                return -errno;
        if (poll(&peer, 1, 0) > 0 && (peer.revents & POLLERR))
                return -EPIPE;
        return 0;
}

static const int always_allowed[] = {
        SCMP_SYS(read),      SCMP_SYS(pread64),       SCMP_SYS(write),        SCMP_SYS(lseek),
        SCMP_SYS(fstat),     SCMP_SYS(newfstatat),    SCMP_SYS(statx),        SCMP_SYS(close),
        SCMP_SYS(brk),       SCMP_SYS(mmap),          SCMP_SYS(munmap),       SCMP_SYS(mremap),
        SCMP_SYS(madvise),   SCMP_SYS(fcntl),         SCMP_SYS(openat),       SCMP_SYS(futex),
        SCMP_SYS(getrandom), SCMP_SYS(clock_gettime), SCMP_SYS(rt_sigreturn), SCMP_SYS(exit_group),
};
static const int unpack_allowed[] = {
        SCMP_SYS(openat2),  SCMP_SYS(mkdirat),   SCMP_SYS(symlinkat), SCMP_SYS(unlinkat),
        SCMP_SYS(pwrite64), SCMP_SYS(utimensat), SCMP_SYS(syncfs),
};
static const int trees_allowed[] = {
        SCMP_SYS(mkdirat),  SCMP_SYS(symlinkat),  SCMP_SYS(unlinkat),
        SCMP_SYS(linkat),   SCMP_SYS(readlinkat), SCMP_SYS(getdents64),
        SCMP_SYS(sendfile), SCMP_SYS(syncfs),     SCMP_SYS(utimensat),
};
static const int pack_allowed[] = { SCMP_SYS(getdents64), SCMP_SYS(readlinkat) };

/* An interpreter needs most of the rest. */
static const int compile_forbidden[] = {
        SCMP_SYS(socket),
        SCMP_SYS(socketpair),
        SCMP_SYS(fork),
        SCMP_SYS(vfork),
        SCMP_SYS(clone),
        SCMP_SYS(clone3),
        SCMP_SYS(unshare),
        SCMP_SYS(setns),
        SCMP_SYS(mount),
        SCMP_SYS(ptrace),
        SCMP_SYS(process_vm_readv),
        SCMP_SYS(process_vm_writev),
        SCMP_SYS(kill),
        SCMP_SYS(tkill),
        SCMP_SYS(tgkill),
        SCMP_SYS(bpf),
        SCMP_SYS(pidfd_send_signal),
        SCMP_SYS(pidfd_getfd),
        SCMP_SYS(add_key),
        SCMP_SYS(request_key),
        SCMP_SYS(keyctl),
        SCMP_SYS(io_uring_setup),
        SCMP_SYS(userfaultfd),
        SCMP_SYS(perf_event_open),
};

static int allow(scmp_filter_ctx filter, const int *calls, size_t count) {
        int r = 0;

        for (size_t i = 0; !r && i < count; ++i)
                r = seccomp_rule_add(filter, SCMP_ACT_ALLOW, calls[i], 0);
        return r;
}

static int forbid(scmp_filter_ctx filter) {
        int r = 0;

        for (size_t i = 0; !r && i < ARRAY_SIZE(compile_forbidden); ++i)
                r = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), compile_forbidden[i], 0);
        return r;
}

/* mmap and mprotect with PROT_EXEC stay out: foreign bytes never become code. */
static int forbid_calls(enum confine_verb verb) {
        bool compiles = verb == CONFINE_COMPILE;
        scmp_filter_ctx filter = seccomp_init(compiles ? SCMP_ACT_ALLOW : SCMP_ACT_KILL_PROCESS);
        int r = 0;

        if (!filter)
                return -ENOMEM;
        if (compiles)
                r = forbid(filter);
        else
                r = allow(filter, always_allowed, ARRAY_SIZE(always_allowed));
        if (!r && verb == CONFINE_UNPACK)
                r = allow(filter, unpack_allowed, ARRAY_SIZE(unpack_allowed));
        if (!r && verb == CONFINE_TREES)
                r = allow(filter, trees_allowed, ARRAY_SIZE(trees_allowed));
        if (!r && verb == CONFINE_PACK)
                r = allow(filter, pack_allowed, ARRAY_SIZE(pack_allowed));
        if (!r)
                r = seccomp_load(filter);
        seccomp_release(filter);
        /* A kernel without seccomp, or a container that forbids it: the rest has to do. */
        return r == -EINVAL || r == -ENOSYS || r == -EPERM || r == -EACCES ? 0 : r;
}

int confine(const struct confinement *c) {
        int r;

        if (close_range((unsigned)c->descriptors, ~0u, 0) < 0 && errno != ENOSYS)
                return -errno;
        r = limit_resources(c);
        if (!r)
                r = enter_target(c);
        if (r)
                return r;
        r = drop_rights();
        if (!r)
                r = die_with_parent();
        if (r)
                return r;
        r = forbid_paths(c);
        return r || SANITIZED ? r : forbid_calls(c->verb);
}
