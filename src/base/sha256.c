/* SPDX-License-Identifier: Apache-2.0 */
#include "base/sha256.h"

#include <endian.h>
#include <stdbool.h>
#include <string.h>
#if defined(__x86_64__)
#include <cpuid.h>
#include <immintrin.h>
#endif

static const uint32_t k[64] __attribute__((aligned(16))) = {
        0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
        0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
        0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
        0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
        0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
        0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
        0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
        0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t ror(uint32_t x, unsigned n) {
        return x >> n | x << (32 - n);
}

static void blocks_plain(uint32_t state[static 8], const unsigned char *data, size_t count) {
        uint32_t w[64];

        for (; count--; data += 64) {
                uint32_t s[8];

                for (size_t i = 0; i < 16; ++i) {
                        memcpy(&w[i], data + 4 * i, 4);
                        w[i] = be32toh(w[i]);
                }
                for (size_t i = 16; i < 64; ++i)
                        w[i] = w[i - 16] + w[i - 7] +
                               (ror(w[i - 15], 7) ^ ror(w[i - 15], 18) ^ w[i - 15] >> 3) +
                               (ror(w[i - 2], 17) ^ ror(w[i - 2], 19) ^ w[i - 2] >> 10);
                memcpy(s, state, sizeof(s));
                for (size_t i = 0; i < 64; ++i) {
                        uint32_t e = s[4], a = s[0];
                        uint32_t one = s[7] + (ror(e, 6) ^ ror(e, 11) ^ ror(e, 25)) +
                                       ((e & s[5]) ^ (~e & s[6])) + k[i] + w[i];
                        uint32_t two = (ror(a, 2) ^ ror(a, 13) ^ ror(a, 22)) +
                                       ((a & s[1]) ^ (a & s[2]) ^ (s[1] & s[2]));

                        memmove(s + 1, s, 7 * sizeof(*s));
                        s[4] += one;
                        s[0] = one + two;
                }
                for (size_t i = 0; i < 8; ++i)
                        state[i] += s[i];
        }
}

#if defined(__x86_64__)
/* The instructions keep the state as ABEF and CDGH; each sha256rnds2 does two rounds (Intel SHA Extensions,
 * 2013). */
__attribute__((target("sha,sse4.1,ssse3"))) static void
blocks_sha_ni(uint32_t state[static 8], const unsigned char *data, size_t count) {
        const __m128i swap = _mm_set_epi64x(0x0c0d0e0f08090a0b, 0x0405060700010203);
        __m128i dcba = _mm_loadu_si128((const __m128i *)state),
                hgfe = _mm_loadu_si128((const __m128i *)(state + 4));
        __m128i cdab = _mm_shuffle_epi32(dcba, 0xb1), efgh = _mm_shuffle_epi32(hgfe, 0x1b);
        __m128i abef = _mm_alignr_epi8(cdab, efgh, 8), cdgh = _mm_blend_epi16(efgh, cdab, 0xf0);

        for (; count--; data += 64) {
                const __m128i abef_was = abef, cdgh_was = cdgh;
                __m128i w[4], x;

                for (size_t i = 0; i < 4; ++i)
                        w[i] = _mm_shuffle_epi8(_mm_loadu_si128((const __m128i *)(data + 16 * i)), swap);
#pragma GCC unroll 16
                for (size_t i = 0; i < 16; ++i) {
                        x = _mm_add_epi32(w[i % 4], _mm_load_si128((const __m128i *)(k + 4 * i)));
                        cdgh = _mm_sha256rnds2_epu32(cdgh, abef, x);
                        abef = _mm_sha256rnds2_epu32(abef, cdgh, _mm_shuffle_epi32(x, 0x0e));
                        if (i < 12) {
                                x = _mm_add_epi32(_mm_sha256msg1_epu32(w[i % 4], w[(i + 1) % 4]),
                                                  _mm_alignr_epi8(w[(i + 3) % 4], w[(i + 2) % 4], 4));
                                w[i % 4] = _mm_sha256msg2_epu32(x, w[(i + 3) % 4]);
                        }
                }
                abef = _mm_add_epi32(abef, abef_was);
                cdgh = _mm_add_epi32(cdgh, cdgh_was);
        }
        {
                __m128i feba = _mm_shuffle_epi32(abef, 0x1b), dchg = _mm_shuffle_epi32(cdgh, 0xb1);

                _mm_storeu_si128((__m128i *)state, _mm_blend_epi16(feba, dchg, 0xf0));
                _mm_storeu_si128((__m128i *)(state + 4), _mm_alignr_epi8(dchg, feba, 8));
        }
}

/* clang 14's __builtin_cpu_supports does not know "sha", so CPUID leaf 7 is asked. */
static bool has_sha_ni(void) {
        unsigned a, b, c, d;

        __builtin_cpu_init();
        return __builtin_cpu_supports("sse4.1") && __builtin_cpu_supports("ssse3") &&
               __get_cpuid_count(7, 0, &a, &b, &c, &d) && b & bit_SHA;
}
#endif

static void (*blocks)(uint32_t state[static 8], const unsigned char *data, size_t count) = blocks_plain;

__attribute__((constructor)) static void choose(void) {
#if defined(__x86_64__)
        if (has_sha_ni())
                blocks = blocks_sha_ni;
#endif
}

void sha256_init(struct sha256 *ctx) {
        *ctx = (struct sha256){ .state = { 0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a, 0x510e527f,
                                           0x9b05688c, 0x1f83d9ab, 0x5be0cd19 } };
}

void sha256_update(struct sha256 *ctx, const void *data, size_t len) {
        const unsigned char *at = data;
        size_t held = ctx->len % 64;

        ctx->len += len;
        if (held) {
                size_t n = len < 64 - held ? len : 64 - held;

                if (n)
                        memcpy(ctx->block + held, at, n);
                at += n;
                len -= n;
                if (held + n < 64)
                        return;
                blocks(ctx->state, ctx->block, 1);
        }
        if (len >= 64)
                blocks(ctx->state, at, len / 64);
        if (len % 64)
                memcpy(ctx->block, at + len / 64 * 64, len % 64);
}

void sha256_final(struct sha256 *ctx, unsigned char ret_digest[static SHA256_LEN]) {
        static const unsigned char padding[64] = { 0x80 };
        uint64_t bits = htobe64(ctx->len * 8);

        sha256_update(ctx, padding, 64 - (ctx->len + 8) % 64);
        sha256_update(ctx, &bits, 8);
        for (size_t i = 0; i < 8; ++i) {
                uint32_t word = htobe32(ctx->state[i]);

                memcpy(ret_digest + 4 * i, &word, 4);
        }
}
