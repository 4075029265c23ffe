/* SPDX-License-Identifier: Apache-2.0 */
#include "base/base64.h"

#define BAD 0x80

static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

/* Values of the letters; everything else, '=' too, has the high bit. */
/* clang-format off */
static const uint8_t values[256] = {
#define X BAD
#define X16 X, X, X, X, X, X, X, X, X, X, X, X, X, X, X, X
        X16, X16,
        X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  X,  62, X,  X,  X,  63,
        52, 53, 54, 55, 56, 57, 58, 59, 60, 61, X,  X,  X,  X,  X,  X,
        X,  0,  1,  2,  3,  4,  5,  6,  7,  8,  9,  10, 11, 12, 13, 14,
        15, 16, 17, 18, 19, 20, 21, 22, 23, 24, 25, X,  X,  X,  X,  X,
        X,  26, 27, 28, 29, 30, 31, 32, 33, 34, 35, 36, 37, 38, 39, 40,
        41, 42, 43, 44, 45, 46, 47, 48, 49, 50, 51, X,  X,  X,  X,  X,
        X16, X16, X16, X16, X16, X16, X16, X16,
#undef X16
#undef X
};
/* clang-format on */

void base64_encode(const void *data, size_t len, char *ret_text) {
        const unsigned char *in = data;
        char *out = ret_text;

        for (; len >= 3; in += 3, out += 4, len -= 3) {
                uint32_t bits = (uint32_t)in[0] << 16 | (uint32_t)in[1] << 8 | in[2];

                out[0] = letters[bits >> 18];
                out[1] = letters[bits >> 12 & 63];
                out[2] = letters[bits >> 6 & 63];
                out[3] = letters[bits & 63];
        }
        if (len) {
                uint32_t bits = (uint32_t)in[0] << 16 | (len == 2 ? (uint32_t)in[1] << 8 : 0);

                out[0] = letters[bits >> 18];
                out[1] = letters[bits >> 12 & 63];
                out[2] = len == 2 ? letters[bits >> 6 & 63] : '=';
                out[3] = '=';
        }
}

int base64_append(struct buf *buf, const void *data, size_t len) {
        char *tail;
        int r;

        if (len > SIZE_MAX / 2)
                return -E2BIG;
        r = buf_reserve(buf, base64_encoded_len(len), &tail);
        if (r)
                return r;
        base64_encode(data, len, tail);
        buf_commit(buf, base64_encoded_len(len));
        return 0;
}

/* Whole groups without padding, as many as come in a row; returns the characters taken. */
static size_t decode_groups(const unsigned char *text, size_t len, unsigned char *out) {
        size_t taken = 0;

        for (; len - taken >= 4; taken += 4, out += 3) {
                uint32_t a = values[text[taken]], b = values[text[taken + 1]], c = values[text[taken + 2]],
                         d = values[text[taken + 3]], bits;

                if ((a | b | c | d) & BAD)
                        break;
                bits = a << 18 | b << 12 | c << 6 | d;
                out[0] = (unsigned char)(bits >> 16);
                out[1] = (unsigned char)(bits >> 8);
                out[2] = (unsigned char)bits;
        }
        return taken;
}

/* One character of a group that is cut or padded; returns the bytes that it completed, or -EINVAL. */
static int decode_one(struct base64_decoder *d, unsigned char c, unsigned char *out) {
        int bytes = 0;

        if (c == '=') {
                if (d->held + ++d->padded > 4 || d->held < 2)
                        return -EINVAL;
        } else {
                if (d->padded || values[c] & BAD)
                        return -EINVAL;
                d->bits = d->bits << 6 | values[c];
                ++d->held;
        }
        if (d->held + d->padded < 4)
                return 0;
        d->bits <<= 6 * d->padded;
        for (; bytes < (int)d->held - 1; ++bytes)
                out[bytes] = (unsigned char)(d->bits >> (16 - 8 * bytes));
        d->held = 0;
        d->bits = 0;
        return bytes;
}

int base64_decode_some(struct base64_decoder *d, const char *text, size_t len, void *out, size_t *ret_len) {
        const unsigned char *in = (const unsigned char *)text;
        unsigned char *to = out;

        while (len) {
                size_t taken = d->held || d->padded ? 0 : decode_groups(in, len, to);
                int bytes;

                in += taken;
                len -= taken;
                to += taken / 4 * 3;
                if (!len)
                        break;
                bytes = decode_one(d, *in++, to);
                if (bytes < 0)
                        return bytes;
                --len;
                to += bytes;
        }
        *ret_len = (size_t)(to - (unsigned char *)out);
        return 0;
}

int base64_decode_end(const struct base64_decoder *d) {
        return d->held ? -EINVAL : 0;
}

int base64_decode(const char *text, size_t len, struct buf *buf) {
        struct base64_decoder d = BASE64_DECODER_NULL;
        size_t bytes = len / 4 * 3;
        char *tail;
        int r;

        if (len % 4)
                return -EINVAL;
        if (len && text[len - 1] == '=')
                bytes -= text[len - 2] == '=' ? 2 : 1;
        r = buf_reserve(buf, bytes, &tail);
        if (r)
                return r;
        r = base64_decode_some(&d, text, len, tail, &bytes);
        if (!r)
                r = base64_decode_end(&d);
        if (!r)
                buf_commit(buf, bytes);
        return r;
}
