/* SPDX-License-Identifier: Apache-2.0 */
#include "archive/glance.h"

#include <sys/stat.h>

#include "base/util.h"

#define END_SIZE 22
#define END64_LOCATOR_SIZE 20
#define END64_SIZE 56
#define CENTRAL_SIZE 46
#define COMMENT_MAX 65535

struct directory {
        uint64_t entries, offset, size, end; /* end: where the end records begin */
};

static uint16_t le16(const unsigned char *p) {
        return (uint16_t)(p[0] | p[1] << 8);
}

static uint32_t le32(const unsigned char *p) {
        return le16(p) | (uint32_t)le16(p + 2) << 16;
}

static uint64_t le64(const unsigned char *p) {
        return le32(p) | (uint64_t)le32(p + 4) << 32;
}

/* False when the bytes are not all there. */
static bool take(const struct zip_bytes *z, uint64_t offset, void *to, size_t len) {
        if (offset > z->size || len > z->size - offset)
                return false;
        if (z->memory) {
                memcpy(to, (const char *)z->memory + offset, len);
                return true;
        }
        while (len) {
                ssize_t n = pread(z->fd, to, len, (off_t)offset);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return false;
                to = (char *)to + n;
                offset += (uint64_t)n;
                len -= (size_t)n;
        }
        return true;
}

void zip_bytes_of_file(int fd, struct zip_bytes *ret_bytes) {
        struct stat st;

        *ret_bytes = (struct zip_bytes){ .fd = fd };
        if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
                ret_bytes->size = (uint64_t)st.st_size;
}

static bool read_end64(const struct zip_bytes *z, struct directory *d) {
        unsigned char locator[END64_LOCATOR_SIZE], end[END64_SIZE];
        uint64_t at;

        if (d->end < sizeof(locator) || !take(z, d->end - sizeof(locator), locator, sizeof(locator)) ||
            le32(locator) != 0x07064b50)
                return true; /* the small record was meant literally */
        at = le64(locator + 8);
        if (!take(z, at, end, sizeof(end)) || le32(end) != 0x06064b50)
                return false;
        *d = (struct directory){ le64(end + 32), le64(end + 48), le64(end + 40), at };
        return true;
}

static bool find_end(const struct zip_bytes *z, struct directory *ret) {
        size_t len = (size_t)MIN(z->size, (uint64_t)(COMMENT_MAX + END_SIZE));
        AUTO(str) char *tail = xmalloc(len);

        if (len < END_SIZE || !take(z, z->size - len, tail, len))
                return false;
        for (size_t i = len - END_SIZE + 1; i-- > 0;) {
                const unsigned char *p = (const unsigned char *)tail + i;

                if (le32(p) != 0x06054b50 || le16(p + 20) > len - i - END_SIZE)
                        continue;
                *ret = (struct directory){ le16(p + 10), le32(p + 16), le32(p + 12), z->size - len + i };
                return read_end64(z, ret);
        }
        return false;
}

enum zip_look zip_glance(const struct zip_bytes *z) {
        struct directory d;
        uint64_t at;

        if (!find_end(z, &d))
                return ZIP_IMPLAUSIBLE;
        if (d.entries == 0 && d.size == 0)
                return ZIP_WITHOUT_ENTRIES;
        if (d.size > d.end)
                return ZIP_IMPLAUSIBLE;
        /* Bytes in front of the zip (a self-extractor) shift every offset; the directory ends where the end
         * begins. */
        at = d.end - d.size;
        while (at < d.end) {
                unsigned char head[CENTRAL_SIZE];
                char name[UINT16_MAX];

                if (!take(z, at, head, sizeof(head)) || le32(head) != 0x02014b50 ||
                    !take(z, at + sizeof(head), name, le16(head + 28)))
                        return ZIP_IMPLAUSIBLE;
                if (memchr(name, 0, le16(head + 28)))
                        return ZIP_NUL_IN_NAME;
                at += sizeof(head) + le16(head + 28) + le16(head + 30) + le16(head + 32);
        }
        return ZIP_PLAUSIBLE;
}
