/* SPDX-License-Identifier: Apache-2.0 */
/* Slicing-by-8 (Kounavis and Berry 2005): eight bytes a step, each through a table of its own distance to the
 * end. */
#include "base/crc32.h"

#include <endian.h>
#include <string.h>
#include <threads.h>

static uint32_t tables[8][256];
static once_flag tables_made = ONCE_FLAG_INIT;

static void make_tables(void) {
        for (uint32_t i = 0; i < 256; ++i) {
                uint32_t crc = i;

                for (int bit = 0; bit < 8; ++bit)
                        crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
                tables[0][i] = crc;
        }
        for (size_t t = 1; t < 8; ++t)
                for (size_t i = 0; i < 256; ++i)
                        tables[t][i] = tables[t - 1][i] >> 8 ^ tables[0][tables[t - 1][i] & 0xff];
}

uint32_t crc32_update(uint32_t crc, const void *data, size_t len) {
        const unsigned char *at = data;

        call_once(&tables_made, make_tables);
        crc = ~crc;
        for (; len >= 8; at += 8, len -= 8) {
                uint64_t word;

                memcpy(&word, at, 8);
                word = le64toh(word) ^ crc;
                crc = tables[7][word & 0xff] ^ tables[6][word >> 8 & 0xff] ^ tables[5][word >> 16 & 0xff] ^
                      tables[4][word >> 24 & 0xff] ^ tables[3][word >> 32 & 0xff] ^
                      tables[2][word >> 40 & 0xff] ^ tables[1][word >> 48 & 0xff] ^ tables[0][word >> 56];
        }
        while (len--)
                crc = crc >> 8 ^ tables[0][(crc ^ *at++) & 0xff];
        return ~crc;
}
