/* SPDX-License-Identifier: Apache-2.0 */
/* sha256 - FIPS 180-4, whole and in pieces; uses the CPU's SHA instructions where it has them. */
#pragma once
#include <stddef.h>
#include <stdint.h>

#define SHA256_LEN 32
#define SHA256_HEX_LEN 64

struct sha256 {
        uint32_t state[8];
        uint64_t len;
        unsigned char block[64];
};

void sha256_init(struct sha256 *ctx);
void sha256_update(struct sha256 *ctx, const void *data, size_t len);
void sha256_final(struct sha256 *ctx, unsigned char ret_digest[static SHA256_LEN]);
