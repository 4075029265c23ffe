/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/extract.h"

#include <archive.h>
#include <archive_entry.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>

#include "archive/beneath.h"
#include "archive/glance.h"
#include "base/util.h"

#define NAME_LEN_MAX 2048
#define DEPTH_MAX 100
#define LINKS_BYTES_MAX (8 * MIB)

struct link {
        char *name, *target;
};

struct extraction {
        struct archive *archive;
        int root;
        const struct archive_limits *limits;
        struct archive_report *report;
        struct link *links;
        size_t link_count, link_room, link_bytes;
        char name[NAME_LEN_MAX + 1]; /* of the current entry, checked: no "", ".", ".." components */
};

static bool PRINTF_LIKE(4, 5)
        refuse(struct extraction *x, enum archive_outcome outcome, int error, const char *format, ...) {
        va_list args;

        x->report->outcome = outcome;
        x->report->error = error;
        va_start(args, format);
        vsnprintf(x->report->reason, sizeof(x->report->reason), format, args);
        va_end(args);
        return false;
}

static bool broke_off(struct extraction *x, int error) {
        return refuse(x, ARCHIVE_BROKE_OFF, error, "%s: %s", x->name, strerror(-error));
}

static bool not_a_zip(struct extraction *x) {
        const char *reason = archive_error_string(x->archive);

        return refuse(x, ARCHIVE_NOT_A_ZIP, 0, "%s", reason ? reason : "the zip is broken");
}

/* Copies the entry's name component by component into x->name; "." and empty components fall away. */
static bool check_name(struct extraction *x, const char *raw) {
        size_t len = 0, depth = 0;

        x->name[0] = 0;
        if (!raw || !*raw)
                return refuse(x, ARCHIVE_UNSAFE, 0, "an entry has no name");
        if (*raw == '/')
                return refuse(x, ARCHIVE_UNSAFE, 0, "absolute name: %s", raw);
        if (strchr(raw, '\\'))
                return refuse(x, ARCHIVE_UNSAFE, 0, "backslash in a name: %s", raw);
        while (*raw) {
                size_t n = strcspn(raw, "/");

                if (n == 2 && raw[0] == '.' && raw[1] == '.')
                        return refuse(x, ARCHIVE_UNSAFE, 0, "name leads out of the package: %s", raw);
                if (n > 255 || len + n + 1 > NAME_LEN_MAX || depth == DEPTH_MAX)
                        return refuse(x, ARCHIVE_UNSAFE, 0, "name too long or too deep: %.60s…", raw);
                if (n && !(n == 1 && raw[0] == '.')) {
                        if (len)
                                x->name[len++] = '/';
                        memcpy(x->name + len, raw, n);
                        len += n;
                        x->name[len] = 0;
                        ++depth;
                }
                raw += n;
                raw += *raw == '/';
        }
        return true;
}

/* What a failed call on x->name means: names that get in each other's way are the archive's fault. */
static bool name_failed(struct extraction *x, int r) {
        if (r == -ENOTDIR || r == -EISDIR || r == -EEXIST || r == -ELOOP || r == -EXDEV)
                return refuse(x, ARCHIVE_UNSAFE, 0, "two entries contradict each other: %s", x->name);
        if (r == -ENAMETOOLONG || r == -EILSEQ || r == -EINVAL)
                return refuse(x, ARCHIVE_UNSAFE, 0, "impossible name: %s", x->name);
        return broke_off(x, r);
}

static bool make_directory(struct extraction *x) {
        int r = x->name[0] ? beneath_mkdirs(x->root, x->name) : 0;

        return r ? name_failed(x, r) : true;
}

static int create_file(struct extraction *x, mode_t mode) {
        int fd = beneath_create(x->root, x->name, mode);

        if (fd == -ENOENT) {
                int r = beneath_make_parents(x->root, x->name);

                if (r)
                        return r;
                fd = beneath_create(x->root, x->name, mode);
        }
        if (fd == -EEXIST) {
                if (unlinkat(x->root, x->name, 0) < 0)
                        return -errno;
                fd = beneath_create(x->root, x->name, mode);
        }
        return fd;
}

static bool write_block(struct extraction *x, int fd, const char *data, size_t len, int64_t offset) {
        while (len) {
                ssize_t n = pwrite(fd, data, len, offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return broke_off(x, n ? -errno : -EIO);
                data += n;
                len -= (size_t)n;
                offset += n;
        }
        return true;
}

static bool copy_data(struct extraction *x, int fd) {
        for (;;) {
                const void *block;
                int64_t offset;
                size_t len;
                int r = archive_read_data_block(x->archive, &block, &len, &offset);

                if (r == ARCHIVE_EOF)
                        return true;
                if (r != ARCHIVE_OK)
                        return not_a_zip(x);
                if (len > x->limits->bytes - x->report->bytes)
                        return refuse(x, ARCHIVE_TOO_LARGE, 0, "the files are larger than %llu bytes",
                                      (unsigned long long)x->limits->bytes);
                x->report->bytes += len;
                if (!write_block(x, fd, block, len, offset))
                        return false;
        }
}

/* The stored time matters to Python: it tells whether a packaged .pyc is still good for its source. */
static void keep_time(int fd, struct archive_entry *entry) {
        struct timespec times[2] = { { .tv_nsec = UTIME_OMIT }, { .tv_sec = archive_entry_mtime(entry) } };

        if (archive_entry_mtime_is_set(entry))
                futimens(fd, times);
}

static bool make_file(struct extraction *x, struct archive_entry *entry) {
        mode_t stored = archive_entry_perm(entry) & 0777;
        AUTO(fd) int fd = -1;

        if (!x->name[0])
                return refuse(x, ARCHIVE_UNSAFE, 0, "a file has no name");
        if (archive_entry_size_is_set(entry) &&
            (uint64_t)archive_entry_size(entry) > x->limits->bytes - x->report->bytes)
                return refuse(x, ARCHIVE_TOO_LARGE, 0, "the files are larger than %llu bytes",
                              (unsigned long long)x->limits->bytes);
        /* docs/aws.md, files: AWS answers EACCES for what is not world-readable; here it is
         * readable and a warning says what AWS would do. */
        if (!(stored & 0004) && x->report->unreadable++ == 0)
                snprintf(x->report->reason, sizeof(x->report->reason), "%.150s", x->name);
        fd = create_file(x, stored | 0444);
        if (fd < 0)
                return name_failed(x, fd);
        if (!copy_data(x, fd))
                return false;
        keep_time(fd, entry);
        return true;
}

static bool remember_link(struct extraction *x, struct archive_entry *entry) {
        const char *target = archive_entry_symlink(entry);
        size_t len = target ? strlen(target) : 0;

        if (!x->name[0] || !len || len > NAME_LEN_MAX)
                return refuse(x, ARCHIVE_UNSAFE, 0, "a link without a usable target: %s", x->name);
        x->link_bytes += len + strlen(x->name) + sizeof(struct link);
        if (x->link_bytes > LINKS_BYTES_MAX)
                return refuse(x, ARCHIVE_TOO_LARGE, 0, "too many links");
        if (x->link_count == x->link_room) {
                x->link_room = MAX(x->link_room * 2, (size_t)16);
                x->links = xrealloc(x->links, x->link_room * sizeof(*x->links));
        }
        x->links[x->link_count++] = (struct link){ xstrdup(x->name), xstrdup(target) };
        return true;
}

static bool take_entry(struct extraction *x, struct archive_entry *entry) {
        if (++x->report->entries > x->limits->entries)
                return refuse(x, ARCHIVE_TOO_LARGE, 0, "more than %u entries", x->limits->entries);
        if (!check_name(x, archive_entry_pathname(entry)))
                return false;
        if (archive_entry_is_encrypted(entry))
                return refuse(x, ARCHIVE_NOT_A_ZIP, 0, "encrypted: %s", x->name);
        switch (archive_entry_filetype(entry)) {
        case AE_IFREG:
                return make_file(x, entry);
        case AE_IFDIR:
                return make_directory(x);
        case AE_IFLNK:
                return remember_link(x, entry);
        default:
                return refuse(x, ARCHIVE_UNSAFE, 0, "neither file, directory nor link: %s", x->name);
        }
}

/* Two passes: while the parents are made there is not one link in the tree that could be passed through. */
static bool make_links(struct extraction *x) {
        int r;

        for (size_t i = 0; i < x->link_count; ++i) {
                snprintf(x->name, sizeof(x->name), "%s", x->links[i].name);
                r = beneath_make_parents(x->root, x->name);
                if (r)
                        return name_failed(x, r);
        }
        for (size_t i = 0; i < x->link_count; ++i) {
                snprintf(x->name, sizeof(x->name), "%s", x->links[i].name);
                r = beneath_symlink(x->root, x->name, x->links[i].target);
                if (r)
                        return name_failed(x, r);
        }
        return true;
}

static bool take_all(struct extraction *x) {
        struct archive_entry *entry;

        for (;;) {
                int r = archive_read_next_header(x->archive, &entry);

                if (r == ARCHIVE_EOF)
                        return make_links(x);
                /* A warning is about a character that does not fit the locale; the name may still be usable.
                 */
                if (r != ARCHIVE_OK && r != ARCHIVE_WARN)
                        return not_a_zip(x);
                if (!take_entry(x, entry))
                        return false;
        }
}

static void extract(struct archive *archive, int opened, int root, const struct archive_limits *limits,
                    struct archive_report *report) {
        struct extraction x = { .archive = archive, .root = root, .limits = limits, .report = report };

        if (opened != ARCHIVE_OK)
                not_a_zip(&x);
        else if (take_all(&x))
                report->outcome = ARCHIVE_FINE;
        for (size_t i = 0; i < x.link_count; ++i) {
                free(x.links[i].name);
                free(x.links[i].target);
        }
        free(x.links);
        archive_read_free(archive);
}

static struct archive *zip_reader(void) {
        struct archive *archive = archive_read_new();

        must(archive);
        /* Only what has a central directory: a truncated zip is a broken zip. */
        must(archive_read_support_format_zip_seekable(archive) == ARCHIVE_OK);
        return archive;
}

/* The library knows neither the empty zip (AWS has words of its own for it) nor a NUL within a name. */
static bool looks_wrong(const struct zip_bytes *bytes, struct archive_report *report) {
        struct extraction x = { .report = report };

        *report = (struct archive_report){};
        switch (zip_glance(bytes)) {
        case ZIP_PLAUSIBLE:
                return false;
        case ZIP_WITHOUT_ENTRIES:
                return !refuse(&x, ARCHIVE_EMPTY, 0, "the zip has no entries");
        case ZIP_NUL_IN_NAME:
                return !refuse(&x, ARCHIVE_UNSAFE, 0, "NUL in a name");
        case ZIP_IMPLAUSIBLE:
                break;
        }
        return !refuse(&x, ARCHIVE_NOT_A_ZIP, 0, "no central directory");
}

void extract_zip(int fd, int root, const struct archive_limits *limits, struct archive_report *ret_report) {
        struct zip_bytes bytes;
        struct archive *archive;

        zip_bytes_of_file(fd, &bytes);
        if (looks_wrong(&bytes, ret_report))
                return;
        archive = zip_reader();
        extract(archive, archive_read_open_fd(archive, fd, 64 * KIB), root, limits, ret_report);
}

void extract_zip_memory(const void *data, size_t len, int root, const struct archive_limits *limits,
                        struct archive_report *ret_report) {
        struct zip_bytes bytes = { .memory = data, .size = len, .fd = -1 };
        struct archive *archive;

        if (looks_wrong(&bytes, ret_report))
                return;
        archive = zip_reader();
        extract(archive, archive_read_open_memory(archive, data, len), root, limits, ret_report);
}
