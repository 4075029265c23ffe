/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/lease.h"

#include <fcntl.h>
#include <stdio.h>

#define BOOT_LEN 36    /* of a UUID */
#define START_FIELD 22 /* of /proc/PID/stat (proc(5)) */

/* Of a file in /proc: 0 or -errno. */
static int read_some(const char *path, char *text, size_t size) {
        int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read(fd, text, size - 1);
        fd_close(fd);
        if (n < 0)
                return -EIO;
        text[n] = 0;
        return 0;
}

static void read_boot(char boot[static BOOT_LEN + 1]) {
        if (read_some("/proc/sys/kernel/random/boot_id", boot, BOOT_LEN + 1))
                boot[0] = 0;
}

static uint64_t read_namespace(void) {
        char link[64];
        ssize_t n = readlink("/proc/self/ns/pid", link, sizeof(link) - 1);
        unsigned long long inode = 0;

        if (n > 0) {
                link[n] = 0;
                if (sscanf(link, "pid:[%llu]", &inode) != 1)
                        inode = 0;
        }
        return inode;
}

/* Since boot, in ticks; 0: there is no such process. */
static uint64_t read_start(uint64_t pid) {
        char path[64], text[1024];
        unsigned long long start;
        const char *at;

        snprintf(path, sizeof(path), "/proc/%llu/stat", (unsigned long long)pid);
        if (read_some(path, text, sizeof(text)))
                return 0;
        at = strrchr(text, ')'); /* the name may hold anything, parentheses too */
        for (int field = 2; at && field < START_FIELD; ++field)
                at = strchr(at + 1, ' ');
        return at && sscanf(at, " %llu", &start) == 1 ? start : 0;
}

char *lease_make(void) {
        char boot[BOOT_LEN + 1];
        uint64_t pid = (uint64_t)getpid();

        read_boot(boot);
        return xasprintf("%s/%llu/%llu/%llu", boot, (unsigned long long)read_namespace(),
                         (unsigned long long)pid, (unsigned long long)read_start(pid));
}

bool lease_is_dead(const char *lease, bool local) {
        char boot[BOOT_LEN + 1], theirs[BOOT_LEN + 1], rest;
        unsigned long long space, pid, start;

        read_boot(boot);
        if (sscanf(lease, "%36[0-9a-f-]/%llu/%llu/%llu%c", theirs, &space, &pid, &start, &rest) != 4)
                return false;
        if (!streq(theirs, boot))
                return local && *boot;
        if (space != read_namespace())
                return false;
        return read_start(pid) != start;
}
