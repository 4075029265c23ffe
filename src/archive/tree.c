/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Both walks hold one descriptor a level and bound the depth. The merge goes from the last tree to the first
 * and leaves alone what is there already: so nothing ever has to be removed, and a file of a later layer
 * hides a whole directory of an earlier one, and the other way round.
 */
#include "archive/tree.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/util.h"

#define DEPTH_MAX 110 /* above what extract.c lets in */

struct merge {
        struct archive_report *report;
        unsigned depth;
};

static bool is_dots(const char *name) {
        return name[0] == '.' && (!name[1] || (name[1] == '.' && !name[2]));
}

static int open_directory(int at, const char *name) {
        int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);

        return fd < 0 ? -errno : fd;
}

static DIR *list_directory(int fd) {
        int own = fcntl(fd, F_DUPFD_CLOEXEC, 3);
        DIR *dir = own < 0 ? NULL : fdopendir(own);

        if (!dir)
                fd_close(own);
        else
                rewinddir(dir);
        return dir;
}

static int copy_bytes(int from, int to) {
        for (;;) {
                ssize_t n = sendfile(to, from, NULL, 1 << 20);

                if (n == 0)
                        return 0;
                if (n < 0 && errno != EINTR)
                        return -errno;
        }
}

static int copy_file(int from, const char *name, const struct stat *st, int to) {
        const struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, st->st_mtim };
        AUTO(fd) int source = openat(from, name, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        AUTO(fd) int copy = -1;
        int r;

        if (source < 0)
                return -errno;
        copy = openat(to, name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, st->st_mode & 0777);
        if (copy < 0)
                return -errno;
        r = copy_bytes(source, copy);
        if (!r)
                futimens(copy, times);
        return r;
}

static int copy_link(int from, const char *name, int to) {
        char target[4096];
        ssize_t n = readlinkat(from, name, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = 0;
        return symlinkat(target, to, name) < 0 ? -errno : 0;
}

/* A hard link costs no space; EMLINK (65,000 on ext4) and file systems without links are met with a copy. */
static int place_file(int from, const char *name, const struct stat *st, int to) {
        if (linkat(from, name, to, name, 0) == 0)
                return 0;
        if (errno != EMLINK && errno != EPERM && errno != EXDEV && errno != EOPNOTSUPP)
                return -errno;
        return S_ISLNK(st->st_mode) ? copy_link(from, name, to) : copy_file(from, name, st, to);
}

static int merge_directory(struct merge *m, int from, int to);

static int merge_child(struct merge *m, int from, const char *name, int to) {
        AUTO(fd) int below = -1;
        AUTO(fd) int there = -1;
        struct stat st;
        int r;

        if (fstatat(from, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        ++m->report->entries;
        if (!S_ISDIR(st.st_mode)) {
                r = place_file(from, name, &st, to);
                if (r == 0 && S_ISREG(st.st_mode))
                        m->report->bytes += (uint64_t)st.st_size;
                return r == -EEXIST ? 0 : r;
        }
        if (mkdirat(to, name, 0755) < 0 && errno != EEXIST)
                return -errno;
        there = open_directory(to, name);
        if (there == -ENOTDIR || there == -ELOOP)
                return 0; /* a later layer has a file or a link of this name */
        if (there < 0)
                return there;
        below = open_directory(from, name);
        return below < 0 ? below : merge_directory(m, below, there);
}

static int merge_directory(struct merge *m, int from, int to) {
        struct dirent *entry;
        DIR *dir;
        int r = 0;

        if (m->depth == DEPTH_MAX)
                return -ELOOP;
        dir = list_directory(from);
        if (!dir)
                return -errno;
        ++m->depth;
        while (!r && (errno = 0, entry = readdir(dir)))
                if (!is_dots(entry->d_name))
                        r = merge_child(m, from, entry->d_name, to);
        if (!r && errno)
                r = -errno;
        --m->depth;
        closedir(dir);
        return r;
}

static void conclude(struct archive_report *report, int r) {
        report->outcome = r ? ARCHIVE_BROKE_OFF : ARCHIVE_FINE;
        report->error = r;
        if (r)
                snprintf(report->reason, sizeof(report->reason), "%s", strerror(-r));
}

void tree_merge(int target, const int *trees, int count, struct archive_report *ret_report) {
        struct merge m = { .report = ret_report };
        int r = 0;

        *ret_report = (struct archive_report){};
        for (int i = count; !r && i-- > 0;)
                r = merge_directory(&m, trees[i], target);
        conclude(ret_report, r);
}

static int clear_directory(int directory, unsigned depth, struct archive_report *report);

static int clear_child(int directory, const char *name, unsigned depth, struct archive_report *report) {
        AUTO(fd) int below = -1;
        int r;

        ++report->entries;
        if (unlinkat(directory, name, 0) == 0)
                return 0;
        if (errno != EISDIR && errno != EPERM)
                return -errno;
        below = open_directory(directory, name);
        if (below < 0)
                return below;
        r = clear_directory(below, depth + 1, report);
        if (r)
                return r;
        return unlinkat(directory, name, AT_REMOVEDIR) < 0 ? -errno : 0;
}

static int clear_directory(int directory, unsigned depth, struct archive_report *report) {
        struct dirent *entry;
        DIR *dir;
        int r = 0;

        if (depth == DEPTH_MAX + 8)
                return -ELOOP;
        dir = list_directory(directory);
        if (!dir)
                return -errno;
        while (!r && (errno = 0, entry = readdir(dir)))
                if (!is_dots(entry->d_name))
                        r = clear_child(directory, entry->d_name, depth, report);
        if (!r && errno)
                r = -errno;
        closedir(dir);
        return r;
}

void tree_clear(int directory, struct archive_report *ret_report) {
        *ret_report = (struct archive_report){};
        conclude(ret_report, clear_directory(directory, 0, ret_report));
}
