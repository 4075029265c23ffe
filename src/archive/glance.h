/* SPDX-License-Identifier: Apache-2.0 */
/* glance - a first look at a zip's end record and central directory (APPNOTE.TXT 4.3.12 to 4.3.16), before a
 * library sees it */
#pragma once
#include <stddef.h>
#include <stdint.h>

struct zip_bytes {
        const void *memory; /* or NULL, then fd */
        uint64_t size;
        int fd;
};

enum zip_look { ZIP_PLAUSIBLE, ZIP_WITHOUT_ENTRIES, ZIP_NUL_IN_NAME, ZIP_IMPLAUSIBLE };

void zip_bytes_of_file(int fd, struct zip_bytes *ret_bytes);
enum zip_look zip_glance(const struct zip_bytes *bytes);
