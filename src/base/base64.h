/* SPDX-License-Identifier: Apache-2.0 */
/*
 * base64 - RFC 4648 section 4, whole and in pieces
 *
 * The decoder is strict: padding is required, and no character is foreign to the alphabet. Left-over bits of
 * the last character are ignored, as most decoders do.
 */
#pragma once
#include "base/buf.h"

static inline size_t base64_encoded_len(size_t len) {
        return (len + 2) / 3 * 4;
}
/* Writes base64_encoded_len(len) characters and no NUL. */
void base64_encode(const void *data, size_t len, char *ret_text);
int base64_append(struct buf *buf, const void *data, size_t len);
/* Appends the decoded bytes to buf: 0, -EINVAL, -E2BIG. */
int base64_decode(const char *text, size_t len, struct buf *buf);

/* Decodes text that arrives in pieces cut anywhere. */
struct base64_decoder {
        uint32_t bits;
        unsigned held;   /* characters in bits, 0..3 */
        unsigned padded; /* '=' seen so far */
};

#define BASE64_DECODER_NULL ((struct base64_decoder){})

/* out has room for len / 4 * 3 + 3 bytes. 0 or -EINVAL. */
int base64_decode_some(struct base64_decoder *d, const char *text, size_t len, void *out, size_t *ret_len);
/* 0 when the text was complete, else -EINVAL. */
int base64_decode_end(const struct base64_decoder *d);
