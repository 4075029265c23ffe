/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/tar.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <sys/sendfile.h>
#include <sys/stat.h>

#include "base/buf.h"

#define BLOCK 512
#define DEPTH_MAX 256
#define OCTAL_SIZE_MAX 077777777777ll /* what fits the eleven digits of a ustar size */

struct ustar { /* POSIX.1-2001, pax, "ustar Interchange Format" */
        char name[100], mode[8], uid[8], gid[8], size[12], mtime[12], checksum[8], type, link[100];
        char magic[6], version[2], user[32], group[32], major[8], minor[8], prefix[155], pad[12];
};
_Static_assert(sizeof(struct ustar) == BLOCK, "a header is a block");

static int write_all(int out, const void *data, size_t len) {
        for (const char *at = data; len;) {
                ssize_t n = write(out, at, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                at += n;
                len -= (size_t)n;
        }
        return 0;
}

static int pad(int out, uint64_t size) {
        static const char zeros[BLOCK];
        size_t over = size % BLOCK;

        return over ? write_all(out, zeros, BLOCK - over) : 0;
}

static void seal(struct ustar *h) {
        unsigned sum = 0;

        memset(h->checksum, ' ', sizeof(h->checksum));
        for (size_t i = 0; i < sizeof(*h); ++i)
                sum += ((const unsigned char *)h)[i];
        snprintf(h->checksum, sizeof(h->checksum), "%06o", sum & 0777777);
}

static void fill(struct ustar *h, const char *name, char type, mode_t mode, uint64_t size, int64_t mtime) {
        *h = (struct ustar){ .type = type, .magic = "ustar", .version = { '0', '0' } };
        memcpy(h->name, name, strnlen(name, sizeof(h->name)));
        snprintf(h->mode, sizeof(h->mode), "%07o", mode & 07777u);
        snprintf(h->uid, sizeof(h->uid), "%07o", 0u);
        snprintf(h->gid, sizeof(h->gid), "%07o", 0u);
        snprintf(h->size, sizeof(h->size), "%011llo", (unsigned long long)size & 077777777777ull);
        snprintf(h->mtime, sizeof(h->mtime), "%011llo",
                 (unsigned long long)MAX(mtime, (int64_t)0) & 077777777777ull);
}

/* "LEN key=value\n", where LEN counts itself. */
static void add_record(struct buf *records, const char *key, const char *value) {
        size_t bare = strlen(key) + strlen(value) + 3, len = bare + 1;
        char digits[U64_TEXT];

        while (bare + strlen(u64_text(len, digits)) != len)
                len = bare + strlen(digits);
        must(buf_printf(records, "%zu %s=%s\n", len, key, value) == 0);
}

static int write_records(int out, const struct buf *records) {
        struct ustar h;
        int r;

        fill(&h, "pax", 'x', 0644, records->len, 0);
        seal(&h);
        r = write_all(out, &h, sizeof(h));
        r = r ?: write_all(out, buf_data(records), records->len);
        return r ?: pad(out, records->len);
}

static int write_head(int out, const char *name, const char *link, char type, mode_t mode, uint64_t size,
                      int64_t mtime) {
        AUTO(buf) struct buf records = BUF_NULL(4L * PATH_MAX);
        char digits[U64_TEXT];
        struct ustar h;
        int r = 0;

        if (strlen(name) > sizeof(h.name))
                add_record(&records, "path", name);
        if (link && strlen(link) > sizeof(h.link))
                add_record(&records, "linkpath", link);
        if (size > OCTAL_SIZE_MAX)
                add_record(&records, "size", u64_text(size, digits));
        if (records.len)
                r = write_records(out, &records);
        fill(&h, name, type, mode, size, mtime);
        if (link)
                memcpy(h.link, link, strnlen(link, sizeof(h.link)));
        seal(&h);
        return r ?: write_all(out, &h, sizeof(h));
}

/* As many bytes as the head said, whatever happened to the file meanwhile. */
static int write_content(int out, int in, uint64_t size) {
        for (uint64_t left = size; left;) {
                ssize_t n = sendfile(out, in, NULL, (size_t)MIN(left, (uint64_t)MIB));

                if (n < 0 && errno == EINTR)
                        continue;
                if (n < 0)
                        return -errno;
                if (n == 0)
                        return -EIO; /* it has become shorter */
                left -= (uint64_t)n;
        }
        return pad(out, size);
}

static int write_fd(int out, int in, const char *name, mode_t mode) {
        struct stat st;
        int r;

        if (fstat(in, &st) < 0)
                return -errno;
        r = write_head(out, name, NULL, '0', mode ?: st.st_mode, (uint64_t)st.st_size, st.st_mtime);
        return r ?: write_content(out, in, (uint64_t)st.st_size);
}

static int write_folder(int out, int folder, const char *prefix, unsigned depth);

static int write_entry(int out, int folder, const char *prefix, const char *entry, unsigned depth) {
        AUTO(str) char *name = xasprintf("%s%s", prefix, entry);
        char link[PATH_MAX];
        struct stat st;
        ssize_t n;
        int r, fd;

        if (fstatat(folder, entry, &st, AT_SYMLINK_NOFOLLOW) < 0)
                return -errno;
        if (S_ISLNK(st.st_mode)) {
                n = readlinkat(folder, entry, link, sizeof(link) - 1);
                if (n < 0)
                        return -errno;
                link[n] = 0;
                return write_head(out, name, link, '2', 0777, 0, st.st_mtime);
        }
        if (!S_ISREG(st.st_mode) && !S_ISDIR(st.st_mode))
                return 0;
        fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
        if (fd < 0)
                return -errno;
        if (S_ISREG(st.st_mode)) {
                r = write_fd(out, fd, name, 0);
        } else {
                AUTO(str) char *below = xasprintf("%s/", name);

                r = write_head(out, below, NULL, '5', st.st_mode, 0, st.st_mtime);
                if (!r)
                        return write_folder(out, fd, below, depth + 1);
        }
        fd_close(fd);
        return r;
}

/* Takes folder over. */
static int write_folder(int out, int folder, const char *prefix, unsigned depth) {
        DIR *dir = depth > DEPTH_MAX ? NULL : fdopendir(folder);
        struct dirent *entry;
        int r = 0;

        if (!dir) {
                r = depth > DEPTH_MAX ? -ELOOP : -errno;
                fd_close(folder);
                return r;
        }
        while (!r && (errno = 0, entry = readdir(dir)))
                if (!streq(entry->d_name, ".") && !streq(entry->d_name, ".."))
                        r = write_entry(out, dirfd(dir), prefix, entry->d_name, depth);
        if (!r)
                r = -errno;
        closedir(dir);
        return r;
}

int tar_write_folder(int out, const char *path, const char *prefix) {
        int folder = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

        return folder < 0 ? -errno : write_folder(out, folder, prefix, 0);
}

int tar_write_file(int out, const char *path, const char *name, mode_t mode) {
        int in = open(path, O_RDONLY | O_CLOEXEC), r;

        if (in < 0)
                return -errno;
        r = write_fd(out, in, name, mode);
        fd_close(in);
        return r;
}

int tar_write_end(int out) {
        static const char zeros[2 * BLOCK];

        return write_all(out, zeros, sizeof(zeros));
}
