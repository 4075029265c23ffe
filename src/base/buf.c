/* SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include <stdarg.h>
#include <stdio.h>

void buf_init(struct buf *buf, size_t cap) {
        *buf = BUF_NULL(cap);
}

static void free_base(struct buf *buf) {
        if (!buf->lent)
                free(buf->base);
}

void buf_deinit(struct buf *buf) {
        free_base(buf);
        *buf = BUF_NULL(buf->cap);
}

int buf_reserve(struct buf *buf, size_t len, char **ret_tail) {
        size_t capacity;
        char *base;

        if (len > buf->cap || buf->len > buf->cap - len)
                return -E2BIG;
        if (buf_spare(buf) < len || !buf->base) {
                if (buf->start && buf->capacity - buf->len >= len && buf->start >= buf->len) {
                        memmove(buf->base, buf->base + buf->start, buf->len);
                        buf->start = 0;
                } else {
                        /* Doubles, but never past what the cap could ever need. */
                        capacity = MAX(buf->len + len, MIN(buf->capacity * 2, buf->cap));
                        capacity = MAX(capacity, MIN((size_t)256, buf->cap));
                        /* The C library's writers add a NUL behind what they were asked for. */
                        base = malloc(capacity + 1);
                        if (!base)
                                return -ENOMEM;
                        if (buf->len)
                                memcpy(base, buf->base + buf->start, buf->len);
                        free_base(buf);
                        buf->base = base;
                        buf->lent = false;
                        buf->start = 0;
                        buf->capacity = capacity;
                }
        }
        *ret_tail = buf->base + buf->start + buf->len;
        return 0;
}

void buf_commit(struct buf *buf, size_t len) {
        must(len <= buf_spare(buf));
        buf->len += len;
}

int buf_append_slowly(struct buf *buf, const void *data, size_t len) {
        char *tail;
        int r;

        if (!len)
                return 0;
        r = buf_reserve(buf, len, &tail);
        if (r)
                return r;
        memcpy(tail, data, len);
        buf->len += len;
        return 0;
}

int buf_append_strs(struct buf *buf, ...) {
        size_t lens[STRS_MAX], len = 0, count = 0;
        va_list args;
        const char *s;
        char *tail;
        int r;

        va_start(args, buf);
        while ((s = va_arg(args, const char *))) {
                must(count < STRS_MAX);
                len += lens[count++] = strlen(s);
        }
        va_end(args);
        r = buf_reserve(buf, len, &tail);
        if (r)
                return r;
        va_start(args, buf);
        for (size_t i = 0; i < count; ++i)
                tail = mempcpy(tail, va_arg(args, const char *), lens[i]);
        va_end(args);
        buf->len += len;
        return 0;
}

int buf_printf(struct buf *buf, const char *format, ...) {
        va_list args, again;
        size_t spare = buf->base ? buf_spare(buf) + 1 : 0;
        char *tail = spare ? buf_data(buf) + buf->len : NULL;
        int n, r;

        va_start(args, format);
        va_copy(again, args);
        n = vsnprintf(tail, spare, format, args);
        va_end(args);
        must(n >= 0);
        if ((size_t)n < spare) {
                va_end(again);
                buf->len += (size_t)n;
                return 0;
        }
        r = buf_reserve(buf, (size_t)n, &tail);
        if (!r) {
                vsnprintf(tail, (size_t)n + 1, format, again);
                buf->len += (size_t)n;
        }
        va_end(again);
        return r;
}

void buf_consume(struct buf *buf, size_t len) {
        must(len <= buf->len);
        buf->start += len;
        buf->len -= len;
        if (!buf->len)
                buf->start = 0;
}

void buf_clear(struct buf *buf) {
        buf->start = buf->len = 0;
}

char *buf_take_str(struct buf *buf, size_t *ret_len) {
        char *s = malloc(buf->len + 1);

        if (!s)
                return NULL;
        if (buf->len)
                memcpy(s, buf_data(buf), buf->len);
        s[buf->len] = 0;
        if (ret_len)
                *ret_len = buf->len;
        buf_deinit(buf);
        return s;
}
