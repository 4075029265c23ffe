/* SPDX-License-Identifier: Apache-2.0 */
#include "cli/zip_names.h"

#define END_LEN 22
#define ENTRY_LEN 46

static uint32_t number(const char *at, unsigned bytes) {
        uint32_t value = 0;

        for (unsigned i = 0; i < bytes; i++)
                value |= (uint32_t)(unsigned char)at[i] << (8 * i);
        return value;
}

/* The end record is the last thing in the file but for a comment of at most 64 KiB. */
static const char *find_end(const char *data, size_t len) {
        size_t least = len > END_LEN + 65535 ? len - END_LEN - 65535 : 0;

        for (size_t at = len < END_LEN ? 0 : len - END_LEN + 1; at-- > least;) {
                if (memcmp(data + at, "PK\5\6", 4) == 0)
                        return data + at;
        }
        return NULL;
}

int zip_names(const char *data, size_t len, struct strings *ret_names) {
        const char *end = find_end(data, len);
        size_t at, directory_end;

        if (!end)
                return -EBADMSG;
        /* Counted back from the end record, because some zips have a program in front that offsets do not
         * know of. */
        directory_end = (size_t)(end - data);
        if (number(end + 12, 4) > directory_end)
                return -EBADMSG;
        at = directory_end - number(end + 12, 4);
        while (directory_end - at >= ENTRY_LEN) {
                size_t name_len = number(data + at + 28, 2);
                size_t entry_len =
                        ENTRY_LEN + name_len + number(data + at + 30, 2) + number(data + at + 32, 2);
                const char *name = data + at + ENTRY_LEN;

                if (memcmp(data + at, "PK\1\2", 4) != 0 || entry_len > directory_end - at)
                        return -EBADMSG;
                if (name_len && !memchr(name, '/', name_len) && !memchr(name, '\0', name_len)) {
                        AUTO(str) char *copy = xstrndup(name, name_len);

                        strings_add(ret_names, copy);
                }
                at += entry_len;
        }
        return 0;
}
