/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the processes of an environment may not do: limits, capabilities, system calls, and reaching for each
 * other.
 *
 * All of it is put on PID 1 itself and inherited, so that starting a process costs none of it again.
 */
#include <dirent.h>
#include <fcntl.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/landlock.h>
#include <linux/seccomp.h>
#include <stdio.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "base/random.h"
#include "base/rights.h"
#include "sandbox/native/kernel.h"
#include "sandbox/native/launcher.h"
#include "seccomp_filter.h"

/* ---- limits ---- */

/* A pattern that begins with | or @ hands the dump to somebody outside, and does so whatever the limit is,
 * except 1, which the kernel takes as "never" (core(5), "Piping core dumps to a program"). */
static bool dumps_leave_us(void) {
        int fd = open("/proc/sys/kernel/core_pattern", O_RDONLY | O_CLOEXEC);
        char first = '|';

        if (fd >= 0 && read(fd, &first, 1) != 1)
                first = '|';
        fd_close(fd);
        return first == '|' || first == '@';
}

/* What RLIMIT_NPROC counts: the user's threads. The links of a task folder are its threads and two. */
static rlim_t threads_of_user(uid_t uid) {
        struct dirent *entry;
        DIR *proc = opendir("/proc");
        rlim_t threads = 0;

        while (proc && (entry = readdir(proc))) {
                char path[32];
                struct stat st;

                if (entry->d_name[0] < '0' || entry->d_name[0] > '9')
                        continue;
                snprintf(path, sizeof(path), "%.10s/task", entry->d_name);
                if (fstatat(dirfd(proc), path, &st, 0) == 0 && st.st_uid == uid && st.st_nlink > 2)
                        threads += st.st_nlink - 2;
        }
        if (proc)
                closedir(proc);
        return threads;
}

/* Counted per uid: as recorded where the uid, or its user namespace, is the environment's own. Elsewhere the count has
 * everything else of the user in it; what is left to the environment then is what AWS documents. */
static rlim_t process_limit(const struct launcher *launcher) {
        if (launcher->flags & WIRE_NPROC)
                return 742;
        if (launcher->flags & WIRE_NPROC_ABOVE)
                return threads_of_user(launcher->caller_uid) + 1024;
        return 0;
}

/* As recorded on AWS (test_runtime_ulimits). Core files: a file pattern is opened inside, where only /tmp can
 * be written, so the recorded limit is harmless there; the filter keeps such a file tiny. */
int confine_limits(const struct cell *cell) {
        bool no_dump = cell->launcher->tier == 3 || dumps_leave_us();
        const rlim_t core = no_dump ? 1 : 10737418240u, processes = process_limit(cell->launcher);
        const struct {
                int what;
                rlim_t soft, hard;
        } limits[] = {
                { RLIMIT_NOFILE, 1024, 1024 },
                { RLIMIT_MEMLOCK, 65536, 65536 },
                { RLIMIT_CORE, core, core },
                { RLIMIT_NPROC, processes, processes },
                { RLIMIT_STACK, 8388608, RLIM_INFINITY },
        };

        write_file("/proc/self/coredump_filter", "0");
        for (size_t i = 0; i < ARRAY_SIZE(limits); ++i) {
                struct rlimit limit = { limits[i].soft, limits[i].hard }, now;

                if (!limits[i].hard)
                        continue;
                if (getrlimit(limits[i].what, &now) < 0)
                        return -errno;
                if (now.rlim_max < limit.rlim_max && geteuid() != 0)
                        limit.rlim_max = now.rlim_max;
                limit.rlim_cur = MIN(limit.rlim_cur, limit.rlim_max);
                if (setrlimit(limits[i].what, &limit) < 0)
                        return -errno;
        }
        return 0;
}

/* ---- capabilities ---- */

int confine_keep_few(void) {
        return rights_keep(1u << CAP_KILL | 1u << CAP_SETUID | 1u << CAP_SETGID);
}

/* ---- system calls ---- */

bool confine_has_seccomp(void) {
        uint32_t action = SECCOMP_RET_ERRNO;

        return syscall(SYS_seccomp, SECCOMP_GET_ACTION_AVAIL, 0, &action) == 0;
}

/* The generated filter has a placeholder where the pass belongs. */
int confine_seccomp(uint64_t *ret_pass) {
        struct sock_filter filter[ARRAY_SIZE(seccomp_filter)];
        struct sock_fprog program = { .len = ARRAY_SIZE(filter), .filter = filter };
        uint64_t pass;
        int r;

        random_bytes(&pass, sizeof(pass));
        memcpy(filter, seccomp_filter, sizeof(filter));
        for (size_t i = 0; i < ARRAY_SIZE(filter); ++i) {
                if (filter[i].k == (uint32_t)SECCOMP_PASS)
                        filter[i].k = (uint32_t)pass;
                else if (filter[i].k == SECCOMP_PASS >> 32)
                        filter[i].k = pass >> 32;
        }
        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
                return -errno;
        r = K_RESULT(syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &program));
        if (!r)
                *ret_pass = pass;
        return r;
}

/* ---- Landlock ---- */

/* Linux 6.12 has the third member; older headers lack it, older kernels accept the shorter struct. */
struct ruleset {
        uint64_t handled_access_fs, handled_access_net, scoped;
};
#define SCOPE_ABSTRACT_UNIX_SOCKET 1u
#define SCOPE_SIGNAL 2u
#define SCOPE_SINCE_ABI 6
/* Connecting to a unix socket by its path; those of the environment itself are always allowed. */
#define RESOLVE_UNIX (1u << 16)
#define RESOLVE_UNIX_SINCE_ABI 9

static int landlock_abi(void) {
        return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

bool confine_has_landlock(void) {
        return landlock_abi() >= 1;
}

static int restrict_by(int ruleset) {
        int r = 0;

        if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 || syscall(SYS_landlock_restrict_self, ruleset, 0) < 0)
                r = -errno;
        fd_close(ruleset);
        return r;
}

int confine_landlock_scope(void) {
        struct ruleset set = { .scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL };
        int fd;

        if (landlock_abi() < SCOPE_SINCE_ABI)
                return 0;
        fd = (int)syscall(SYS_landlock_create_ruleset, &set, sizeof(set), 0);
        return fd < 0 ? -errno : restrict_by(fd);
}

#define LOOK (LANDLOCK_ACCESS_FS_EXECUTE | LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_READ_DIR)
#define CHANGE_FILE (LANDLOCK_ACCESS_FS_READ_FILE | LANDLOCK_ACCESS_FS_WRITE_FILE)

/* Everything that the first version knows; REFER, TRUNCATE and RESOLVE_UNIX came later. */
static uint64_t all_rights(int abi) {
        uint64_t rights = (1u << 13) - 1;

        if (abi >= 2)
                rights |= 1u << 13;
        if (abi >= 3)
                rights |= 1u << 14;
        if (abi >= RESOLVE_UNIX_SINCE_ABI)
                rights |= RESOLVE_UNIX;
        return rights;
}

static void allow(int ruleset, const char *path, uint64_t rights) {
        struct landlock_path_beneath_attr rule = { .allowed_access = rights };
        struct stat st;

        rule.parent_fd = *path ? open(path, O_PATH | O_CLOEXEC) : -1;
        if (rule.parent_fd < 0)
                return;
        if (fstat(rule.parent_fd, &st) == 0 && !S_ISDIR(st.st_mode))
                rule.allowed_access &= LANDLOCK_ACCESS_FS_EXECUTE | CHANGE_FILE | 1u << 14;
        syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
        fd_close(rule.parent_fd);
}

int confine_landlock_paths(const struct cell *cell, const struct wire_in *in) {
        /* Beside etc_shown: four files that the other tiers make themselves. */
        static const char *const readable[] = { "/usr",        "/bin",        "/sbin",   "/lib",
                                                "/lib32",      "/lib64",      "/libx32", "/etc/passwd",
                                                "/etc/group",  "/etc/hosts",  "/proc",   "/etc/resolv.conf",
                                                "/dev/random", "/dev/urandom" };
        static const char *const writable[] = { "/dev/null", "/dev/zero", "/dev/full" };
        int abi = landlock_abi(), fd;
        uint64_t all = all_rights(abi);
        struct ruleset set = { .handled_access_fs = all };

        if (abi < 1)
                return 0;
        if (abi >= SCOPE_SINCE_ABI)
                set.scoped = SCOPE_ABSTRACT_UNIX_SOCKET | SCOPE_SIGNAL;
        fd = (int)syscall(SYS_landlock_create_ruleset, &set,
                          abi >= SCOPE_SINCE_ABI ? sizeof(set) : sizeof(uint64_t), 0);
        if (fd < 0)
                return -errno;
        for (size_t i = 0; i < ARRAY_SIZE(readable); ++i)
                allow(fd, readable[i], LOOK);
        for (size_t i = 0; etc_shown[i]; ++i)
                allow(fd, etc_shown[i], LOOK);
        for (size_t i = 0; i < ARRAY_SIZE(writable); ++i)
                allow(fd, writable[i], CHANGE_FILE);
        for (uint32_t i = 0; i < in->head.strings; ++i)
                allow(fd, in->strings[i], LOOK);
        allow(fd, cell->tmp_dir, all);
        return restrict_by(fd);
}
