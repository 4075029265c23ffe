/* SPDX-License-Identifier: Apache-2.0 */
#include "init/memory.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>

#include "init/process.h"

#define ROOT "/sys/fs/cgroup"
#define UNLIMITED ((uint64_t)1 << 60) /* v1 says so with a number near the highest */

static const struct layout {
        const char *dir, *limit, *peak, *current, *events;
} layouts[] = {
        { ROOT, "memory.max", "memory.peak", "memory.current", "memory.events" },
        { ROOT "/memory", "memory.limit_in_bytes", "memory.max_usage_in_bytes", "memory.usage_in_bytes",
          "memory.oom_control" },
};

static int open_file(const char *dir, const char *name) {
        AUTO(str) char *path = xasprintf("%s/%s", dir, name);

        return open(path, O_RDONLY | O_CLOEXEC);
}

static ssize_t read_text(int fd, char *text, size_t size) {
        ssize_t n = fd < 0 ? -1 : pread(fd, text, size - 1, 0);

        text[MAX(n, (ssize_t)0)] = '\0';
        return n;
}

static bool has_limit(const struct layout *layout) {
        AUTO(fd) int fd = open_file(layout->dir, layout->limit);
        uint64_t limit = fd_read_number(fd); /* "max" is 0 */

        return limit > 0 && limit < UNLIMITED;
}

void memory_init(struct memory *m) {
        *m = (struct memory){ -1, -1, -1, 0 };
        for (size_t i = 0; i < ARRAY_SIZE(layouts); ++i) {
                const struct layout *layout = &layouts[i];

                if (!has_limit(layout))
                        continue;
                m->peak_fd = open_file(layout->dir, layout->peak);
                m->current_fd = open_file(layout->dir, layout->current);
                m->events_fd = open_file(layout->dir, layout->events);
                return;
        }
}

void memory_deinit(struct memory *m) {
        m->peak_fd = fd_close(m->peak_fd);
        m->current_fd = fd_close(m->current_fd);
        m->events_fd = fd_close(m->events_fd);
}

/* ---- by the processes ---- */

static uint64_t field_kb(const char *status, const char *name) {
        const char *at = strstr(status, name);

        return at ? strtoull(at + strlen(name), NULL, 10) * KIB : 0;
}

static void measure(pid_t pid, uint64_t *sum, uint64_t *highest) {
        AUTO(str) char *path = xasprintf("/proc/%d/status", pid);
        AUTO(fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
        char status[4096];

        if (read_text(fd, status, sizeof(status)) <= 0)
                return;
        *sum += field_kb(status, "\nVmRSS:");
        *highest = MAX(*highest, field_kb(status, "\nVmHWM:"));
}

/* All that there are where we are PID 1; else our children, for the rest is not ours. */
static size_t find_processes(pid_t *ret_pids) {
        DIR *proc = getpid() == 1 ? opendir("/proc") : NULL;
        struct dirent *entry;
        size_t count = 0;
        uint64_t pid;

        if (!proc)
                return own_children(ret_pids, CHILDREN_MAX);
        while ((entry = readdir(proc)) && count < CHILDREN_MAX)
                if (str_to_u64(entry->d_name, INT32_MAX, &pid) == 0 && pid > 1)
                        ret_pids[count++] = (pid_t)pid;
        closedir(proc);
        return count;
}

/* What they have in memory now; the highest so far is kept. */
static uint64_t look_at_processes(struct memory *m) {
        static pid_t pids[CHILDREN_MAX];
        size_t count = find_processes(pids);
        uint64_t sum = 0, highest = 0;

        for (size_t i = 0; i < count; ++i)
                measure(pids[i], &sum, &highest);
        highest = MAX(highest, sum);
        m->highest = MAX(m->highest, highest);
        return sum;
}

uint64_t memory_current(struct memory *m) {
        return m->current_fd >= 0 ? fd_read_number(m->current_fd) : look_at_processes(m);
}

/* Before Linux 5.19 version 2 keeps no peak: there what was seen is the best that can be said. */
uint64_t memory_peak(struct memory *m) {
        if (m->peak_fd >= 0)
                return fd_read_number(m->peak_fd);
        m->highest = MAX(m->highest, memory_current(m));
        return m->highest;
}

uint64_t memory_oom_kills(const struct memory *m) {
        char text[512];
        const char *at;

        if (read_text(m->events_fd, text, sizeof(text)) <= 0)
                return 0;
        at = strstr(text, "oom_kill ");
        return at ? strtoull(at + strlen("oom_kill "), NULL, 10) : 0;
}
