/* SPDX-License-Identifier: Apache-2.0 */
/*
 * buf - a growable run of bytes that is born with a cap
 *
 * Bytes are taken from the front (buf_consume) and put at the back (buf_append, or buf_reserve + buf_commit to
 * read straight into it). Growing past the cap answers -E2BIG and changes nothing; without memory -ENOMEM, so a
 * buffer whose size a peer chooses can never end the daemon. The memory is kept when it runs empty; buf_deinit
 * gives it back. BUF_NULL(cap) is a legal static initialiser, and buf_deinit of it is legal.
 *
 * BUF_LENT(room, cap) begins in an array of the caller's and moves to memory of its own when that is full: what is mostly
 * small and soon gone allocates nothing. Such a buffer is never handed over by assignment.
 */
#pragma once
#include "base/util.h"

struct buf {
        char *base;      /* the allocation */
        size_t start;    /* first live byte */
        size_t len;      /* live bytes */
        size_t capacity; /* of the allocation */
        size_t cap;      /* most live bytes allowed */
        bool lent;       /* base is the caller's */
};

#define BUF_NULL(most) ((struct buf){ .cap = (most) })
/* room: a char array; one byte of it stays free, as in every allocation, for the NUL that C's writers add. */
#define BUF_LENT(room, most) \
        ((struct buf){ .base = (room), .capacity = sizeof(room) - 1, .cap = (most), .lent = true })

void buf_init(struct buf *buf, size_t cap);
void buf_deinit(struct buf *buf);
static inline void buf_freep(struct buf *buf) {
        buf_deinit(buf);
}

static inline char *buf_data(const struct buf *buf) {
        return buf->base ? buf->base + buf->start : NULL; /* NULL + 0 is undefined in C */
}
static inline bool buf_is_empty(const struct buf *buf) {
        return buf->len == 0;
}
/* Room behind the live bytes that needs no allocation. */
static inline size_t buf_spare(const struct buf *buf) {
        return buf->capacity - buf->start - buf->len;
}

int buf_append_slowly(struct buf *buf, const void *data, size_t len);
/* Both are inlined, so that the text of every invocation, which is mostly literals, is put together by plain moves. */
static inline int buf_append(struct buf *buf, const void *data, size_t len) {
        if (!buf->base || len > buf_spare(buf) || len > buf->cap - buf->len)
                return buf_append_slowly(buf, data, len);
        if (len)
                memcpy(buf->base + buf->start + buf->len, data, len);
        buf->len += len;
        return 0;
}
static inline int buf_append_str(struct buf *buf, const char *s) {
        return buf_append(buf, s, strlen(s));
}
/* All of them (at most STRS_MAX) up to a NULL, or nothing. */
int buf_append_strs(struct buf *buf, ...) __attribute__((sentinel));
int buf_printf(struct buf *buf, const char *format, ...) PRINTF_LIKE(2, 3);
/* Makes room for len more bytes and returns where they go; buf_commit says how many came. */
int buf_reserve(struct buf *buf, size_t len, char **ret_tail);
void buf_commit(struct buf *buf, size_t len);
void buf_consume(struct buf *buf, size_t len);
void buf_clear(struct buf *buf);
/* Hands the bytes over as a malloc'ed, NUL-terminated string (NULL without memory); the buffer is empty then. */
char *buf_take_str(struct buf *buf, size_t *ret_len);
