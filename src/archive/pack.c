/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/pack.h"

#include <archive.h>
#include <archive_entry.h>
#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/util.h"

#define DEPTH_MAX 100
#define TIME_1980 315532800

struct packing {
        struct archive *archive;
        struct archive_report *report;
        char path[4096];
        char block[64 * KIB];
        unsigned depth;
};

static int zip_failed(struct packing *p) {
        int error = archive_errno(p->archive);

        return error > 0 ? -error : -EIO;
}

static int copy_content(struct packing *p, int fd, uint64_t size) {
        while (size) {
                ssize_t n = read(fd, p->block, MIN(size, (uint64_t)sizeof(p->block)));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -ESTALE; /* the file shrank while it was read */
                if (archive_write_data(p->archive, p->block, (size_t)n) != n)
                        return zip_failed(p);
                size -= (uint64_t)n;
        }
        return 0;
}

static int write_entry(struct packing *p, const struct stat *st, const char *link, int fd) {
        struct archive_entry *entry = archive_entry_new();
        int r = 0;

        archive_entry_set_pathname(entry, p->path);
        archive_entry_set_mode(entry,
                               (st->st_mode & S_IFMT) | (S_ISLNK(st->st_mode) ? 0777 : st->st_mode & 0777));
        archive_entry_set_mtime(entry, TIME_1980, 0);
        archive_entry_set_size(entry, S_ISREG(st->st_mode) ? st->st_size : 0);
        if (link)
                archive_entry_set_symlink(entry, link);
        if (archive_write_header(p->archive, entry) != ARCHIVE_OK)
                r = zip_failed(p);
        archive_entry_free(entry);
        if (!r && fd >= 0)
                r = copy_content(p, fd, (uint64_t)st->st_size);
        ++p->report->entries;
        p->report->bytes += S_ISREG(st->st_mode) ? (uint64_t)st->st_size : 0;
        return r;
}

static int pack_directory(struct packing *p, int fd);

static int pack_link(struct packing *p, int at, const char *name, const struct stat *st) {
        char target[4096];
        ssize_t n = readlinkat(at, name, target, sizeof(target) - 1);

        if (n < 0)
                return -errno;
        target[n] = 0;
        return write_entry(p, st, target, -1);
}

static int pack_child(struct packing *p, int at, const char *name) {
        AUTO(fd) int fd = -1;
        struct stat st;
        int r;

        if (fstatat(at, name, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode))
                return pack_link(p, at, name, &st);
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return 0;
        fd = openat(at, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
        if (fd < 0 || fstat(fd, &st) < 0)
                return -errno;
        if (S_ISREG(st.st_mode))
                return write_entry(p, &st, NULL, fd);
        r = write_entry(p, &st, NULL, -1);
        return r ? r : pack_directory(p, fd);
}

static int by_name(const struct dirent **a, const struct dirent **b) {
        return strcmp((*a)->d_name, (*b)->d_name);
}

static int no_dots(const struct dirent *entry) {
        return !streq(entry->d_name, ".") && !streq(entry->d_name, "..");
}

static int pack_directory(struct packing *p, int fd) {
        size_t len = strlen(p->path);
        struct dirent **names = NULL;
        int n, r = 0;

        if (p->depth == DEPTH_MAX)
                return -ELOOP;
        n = scandirat(fd, ".", &names, no_dots, by_name);
        if (n < 0)
                return -errno;
        ++p->depth;
        for (int i = 0; i < n; ++i) {
                int added = snprintf(p->path + len, sizeof(p->path) - len, "%s%s", len ? "/" : "",
                                     names[i]->d_name);

                if (!r)
                        r = (size_t)added < sizeof(p->path) - len ? pack_child(p, fd, names[i]->d_name)
                                                                  : -ENAMETOOLONG;
                if (!r)
                        p->path[len] = 0; /* after a failure it still names the culprit */
                free(names[i]);
        }
        free(names);
        --p->depth;
        return r;
}

static int pack_all(struct packing *p, int source, const char *name) {
        struct stat st;

        if (fstat(source, &st) < 0)
                return -errno;
        if (S_ISDIR(st.st_mode))
                return pack_directory(p, source);
        snprintf(p->path, sizeof(p->path), "%s", name);
        return S_ISREG(st.st_mode) ? write_entry(p, &st, NULL, source) : -EINVAL;
}

void pack_zip(int source, const char *name, int level, int zip_fd, struct archive_report *ret_report) {
        struct packing *p = xcalloc(1, sizeof(*p));
        char digit[2] = { (char)('0' + level), 0 };
        int r;

        *ret_report = (struct archive_report){};
        p->report = ret_report;
        p->archive = archive_write_new();
        must(p->archive && archive_write_set_format_zip(p->archive) == ARCHIVE_OK);
        archive_write_set_format_option(p->archive, "zip", "compression", level ? "deflate" : "store");
        if (level)
                archive_write_set_format_option(p->archive, "zip", "compression-level", digit);
        archive_write_set_bytes_in_last_block(p->archive, 1);
        r = archive_write_open_fd(p->archive, zip_fd) == ARCHIVE_OK ? pack_all(p, source, name)
                                                                    : zip_failed(p);
        if (archive_write_close(p->archive) != ARCHIVE_OK && !r)
                r = zip_failed(p);
        archive_write_free(p->archive);
        ret_report->outcome = r ? ARCHIVE_BROKE_OFF : ARCHIVE_FINE;
        ret_report->error = r;
        if (r)
                snprintf(ret_report->reason, sizeof(ret_report->reason), "%.100s: %s", p->path, strerror(-r));
        free(p);
}
