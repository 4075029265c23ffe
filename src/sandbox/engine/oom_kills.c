/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/oom_kills.h"

#include <fcntl.h>
#include <stdio.h>

#define ROOT "/sys/fs/cgroup"
#define TEXT_MAX (16 * KIB)

static ssize_t read_text(const char *path, char text[static TEXT_MAX]) {
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_MAX - 1);

        text[MAX(n, (ssize_t)0)] = '\0';
        return fd < 0 ? -errno : n;
}

/* "4:memory:/docker/ID" of version 1, "0::/…/libpod-ID.scope" of version 2. NULL: this line is of something else. */
static char *path_of(const char *line) {
        const char *controllers = strchr(line, ':');
        const char *path = controllers ? strchr(controllers + 1, ':') : NULL;

        if (!path)
                return NULL;
        if (str_starts(controllers, ":memory:"))
                return xasprintf(ROOT "/memory%s/memory.oom_control", path + 1);
        return str_starts(line, "0::") ? xasprintf(ROOT "%s/memory.events", path + 1) : NULL;
}

int oom_kills_open(int64_t pid, const char *id) {
        AUTO(str) char *where = pid > 0 ? xasprintf("/proc/%lld/cgroup", (long long)pid) : NULL;
        char text[TEXT_MAX], *rest = text, *line;

        if (!where || !*id || read_text(where, text) <= 0)
                return -ENOENT;
        while ((line = strsep(&rest, "\n"))) {
                AUTO(str) char *path = strstr(line, id) ? path_of(line) : NULL;
                int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;

                if (fd >= 0)
                        return fd;
        }
        return -ENOENT;
}

uint64_t oom_kills(int fd) {
        char text[1024];
        ssize_t n = fd < 0 ? -1 : pread(fd, text, sizeof(text) - 1, 0);
        const char *at;

        text[MAX(n, (ssize_t)0)] = '\0';
        at = strstr(text, "oom_kill ");
        return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}
