/* SPDX-License-Identifier: Apache-2.0 */
/* json_bytes - the innermost loops of json.c: runs of plain bytes, and UTF-8; nobody else includes it. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#if defined(__SSE2__)
#include <immintrin.h>
#elif defined(__aarch64__)
#include <arm_neon.h>
#endif

static inline bool json_is_plain(char c, bool html) {
        return (unsigned char)c >= 0x20 && (unsigned char)c < 0x80 && c != '"' && c != '\\' &&
               !(html && (c == '<' || c == '>' || c == '&'));
}

#if defined(__SSE2__)
/* Behind this much plain text more of it is to be expected. */
#define JSON_LONG 64

/* Goes on over plain text, so many bytes at a time, on processors that have the instructions; most x86-64 ones do. */
__attribute__((target("avx2"))) static inline const char *json_skip_long(const char *at, const char *end) {
        const __m256i space = _mm256_set1_epi8(0x20), quote = _mm256_set1_epi8('"'),
                      backslash = _mm256_set1_epi8('\\');

        for (; end - at >= JSON_LONG; at += JSON_LONG) {
                __m256i x = _mm256_loadu_si256((const __m256i *)at);
                __m256i y = _mm256_loadu_si256((const __m256i *)(at + 32));
                __m256i hit = _mm256_or_si256(_mm256_cmpgt_epi8(space, x), _mm256_cmpgt_epi8(space, y));

                hit = _mm256_or_si256(
                        hit, _mm256_or_si256(_mm256_cmpeq_epi8(x, quote), _mm256_cmpeq_epi8(x, backslash)));
                hit = _mm256_or_si256(
                        hit, _mm256_or_si256(_mm256_cmpeq_epi8(y, quote), _mm256_cmpeq_epi8(y, backslash)));
                if (!_mm256_testz_si256(hit, hit))
                        break;
        }
        return at;
}
#endif

/* The first byte that is not plain ASCII text: a quote, a backslash, a control character, the start of a
 * longer character; with html also < > &. Returns end when there is none. */
static inline const char *json_skip_plain(const char *at, const char *end, bool html) {
#if defined(__SSE2__)
        const char *from = at;

        for (; end - at >= 16; at += 16) {
                __m128i x = _mm_loadu_si128((const __m128i *)at);
                /* Compared as signed, everything from 0x80 is below a space too. */
                __m128i hit = _mm_or_si128(_mm_cmplt_epi8(x, _mm_set1_epi8(0x20)),
                                           _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('"')),
                                                        _mm_cmpeq_epi8(x, _mm_set1_epi8('\\'))));
                int mask;

                if (html)
                        hit = _mm_or_si128(hit,
                                           _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('&')),
                                                        _mm_or_si128(_mm_cmpeq_epi8(x, _mm_set1_epi8('<')),
                                                                     _mm_cmpeq_epi8(x, _mm_set1_epi8('>')))));
                mask = _mm_movemask_epi8(hit);
                if (mask)
                        return at + __builtin_ctz((unsigned)mask);
                if (at - from == JSON_LONG && !html && __builtin_cpu_supports("avx2"))
                        at = json_skip_long(at + 16, end) - 16;
        }
#elif defined(__aarch64__)
        for (; end - at >= 16; at += 16) {
                int8x16_t x = vld1q_s8((const int8_t *)at);
                uint8x16_t hit =
                        vorrq_u8(vcltq_s8(x, vdupq_n_s8(0x20)),
                                 vorrq_u8(vceqq_s8(x, vdupq_n_s8('"')), vceqq_s8(x, vdupq_n_s8('\\'))));

                if (html)
                        hit = vorrq_u8(hit, vorrq_u8(vceqq_s8(x, vdupq_n_s8('&')),
                                                     vorrq_u8(vceqq_s8(x, vdupq_n_s8('<')),
                                                              vceqq_s8(x, vdupq_n_s8('>')))));
                if (vmaxvq_u8(hit))
                        break;
        }
#endif
        while (at < end && json_is_plain(*at, html))
                ++at;
        return at;
}

/* The length of the well-formed character that starts here with a byte above 0x7f; 0 when it is not
 * well-formed (RFC 3629: nothing overlong, no surrogates, nothing past U+10FFFF). */
static inline size_t json_utf8_len(const char *at, const char *end) {
        const unsigned char *s = (const unsigned char *)at;
        size_t left = (size_t)(end - at);
        unsigned char low = 0x80, high = 0xbf;

        if (s[0] >= 0xc2 && s[0] <= 0xdf)
                return left >= 2 && (s[1] & 0xc0) == 0x80 ? 2 : 0;
        if (s[0] >= 0xe0 && s[0] <= 0xef) {
                if (s[0] == 0xe0)
                        low = 0xa0;
                else if (s[0] == 0xed)
                        high = 0x9f;
                return left >= 3 && s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 ? 3 : 0;
        }
        if (s[0] >= 0xf0 && s[0] <= 0xf4) {
                if (s[0] == 0xf0)
                        low = 0x90;
                else if (s[0] == 0xf4)
                        high = 0x8f;
                return left >= 4 && s[1] >= low && s[1] <= high && (s[2] & 0xc0) == 0x80 &&
                                       (s[3] & 0xc0) == 0x80
                               ? 4
                               : 0;
        }
        return 0;
}

/* Writes at most four bytes and returns how many. */
static inline size_t json_utf8_encode(uint32_t c, char *to) {
        if (c < 0x80) {
                to[0] = (char)c;
                return 1;
        }
        if (c < 0x800) {
                to[0] = (char)(0xc0 | c >> 6);
                to[1] = (char)(0x80 | (c & 63));
                return 2;
        }
        if (c < 0x10000) {
                to[0] = (char)(0xe0 | c >> 12);
                to[1] = (char)(0x80 | (c >> 6 & 63));
                to[2] = (char)(0x80 | (c & 63));
                return 3;
        }
        to[0] = (char)(0xf0 | c >> 18);
        to[1] = (char)(0x80 | (c >> 12 & 63));
        to[2] = (char)(0x80 | (c >> 6 & 63));
        to[3] = (char)(0x80 | (c & 63));
        return 4;
}
