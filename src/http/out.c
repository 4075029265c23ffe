/* SPDX-License-Identifier: Apache-2.0 */
/* What the socket did not take waits here, in pieces of which the large ones were handed over and never
 * copied. */
#include <sys/socket.h>

#include "http/conn.h"

#define PARTS_AT_ONCE 32
#define PIECE_ROOM (4 * KIB)
#define FLAT_MAX (2 * KIB)

struct out_piece {
        struct list link;
        struct buf buf;
};

static void piece_free(struct out_piece *piece) {
        list_unlink(&piece->link);
        buf_deinit(&piece->buf);
        free(piece);
}

void out_drop(struct conn *c) {
        struct out_piece *piece;

        while ((piece = list_first(&c->out, struct out_piece, link)))
                piece_free(piece);
        c->queued = 0;
}

static struct out_piece *piece_new(struct conn *c) {
        struct out_piece *piece = xcalloc(1, sizeof(*piece));

        buf_init(&piece->buf, SIZE_MAX / 4);
        list_push_back(&c->out, &piece->link);
        return piece;
}

void out_queue(struct conn *c, const void *data, size_t len) {
        struct out_piece *piece = list_last(&c->out, struct out_piece, link);
        char *tail;

        if (!len || c->killed || c->broken)
                return;
        if (!piece || !piece->buf.base || buf_spare(&piece->buf) < len) {
                piece = piece_new(c);
                if (buf_reserve(&piece->buf, MAX(len, PIECE_ROOM), &tail)) {
                        c->broken = true;
                        return;
                }
        }
        buf_append(&piece->buf, data, len);
        c->queued += len;
}

static void queue_buf_consume(struct conn *c, struct buf *body, size_t skip) {
        struct out_piece *piece;

        buf_consume(body, skip);
        if (!buf_is_empty(body)) {
                piece = piece_new(c);
                piece->buf = *body;
                c->queued += body->len;
                *body = BUF_NULL(body->cap);
        }
}

/* Small parts are put together here: that is cheaper than to have the kernel gather them. */
static ssize_t send_flat(struct conn *c, const struct iovec *parts, size_t count, size_t total) {
        char flat[FLAT_MAX], *at = flat;

        for (size_t i = 0; i < count; ++i)
                at = mempcpy(at, parts[i].iov_base, parts[i].iov_len);
        return send(c->source.fd, flat, total, MSG_NOSIGNAL);
}

/* How much the kernel took; broken connections take nothing and say so in c->broken. */
static size_t send_parts(struct conn *c, struct iovec *parts, size_t count, size_t total) {
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = count };
        ssize_t n;

        do
                n = total <= FLAT_MAX ? send_flat(c, parts, count, total)
                                      : sendmsg(c->source.fd, &message, MSG_NOSIGNAL);
        while (n < 0 && errno == EINTR);
        if (n < 0) {
                if (errno != EAGAIN)
                        c->broken = true;
                c->blocked = true;
                return 0;
        }
        c->blocked = (size_t)n < total;
        return (size_t)n;
}

static size_t gather_queue(struct conn *c, struct iovec *parts, size_t most, size_t *ret_total) {
        struct out_piece *piece;
        size_t n = 0;

        *ret_total = 0;
        list_each(piece, &c->out, link) {
                if (n == most)
                        break;
                parts[n++] = (struct iovec){ buf_data(&piece->buf), piece->buf.len };
                *ret_total += piece->buf.len;
        }
        return n;
}

static void consume_queue(struct conn *c, size_t sent) {
        struct out_piece *piece;

        c->queued -= sent;
        while (sent) {
                piece = list_first(&c->out, struct out_piece, link);
                if (sent < piece->buf.len) {
                        buf_consume(&piece->buf, sent);
                        return;
                }
                sent -= piece->buf.len;
                piece_free(piece);
        }
}

void out_flush(struct conn *c) {
        struct iovec parts[PARTS_AT_ONCE];

        while (c->queued && !c->blocked && !c->broken && !c->killed) {
                size_t total, count = gather_queue(c, parts, PARTS_AT_ONCE, &total);

                consume_queue(c, send_parts(c, parts, count, total));
        }
}

static void queue_all(struct conn *c, const struct iovec *parts, size_t count, struct buf *body,
                      size_t skip) {
        for (size_t i = 0; i < count; ++i) {
                size_t over = MIN(skip, parts[i].iov_len);

                skip -= over;
                out_queue(c, (const char *)parts[i].iov_base + over, parts[i].iov_len - over);
        }
        if (body)
                queue_buf_consume(c, body, skip);
        c->had_queue = c->had_queue || c->queued;
}

void out_send(struct conn *c, const struct iovec *parts, size_t count, struct buf *body) {
        struct iovec all[PARTS_AT_ONCE];
        size_t before, total, n, sent;

        if (c->killed || c->broken) {
                if (body)
                        buf_deinit(body);
                return;
        }
        if (c->blocked || count + 2 > PARTS_AT_ONCE) {
                queue_all(c, parts, count, body, 0);
                out_flush(c);
                return;
        }
        /* At most the head of a response waits unblocked, so the first slots hold all of the queue. */
        n = gather_queue(c, all, PARTS_AT_ONCE - count - 1, &before);
        if (before < c->queued) {
                queue_all(c, parts, count, body, 0);
                out_flush(c);
                return;
        }
        total = before;
        for (size_t i = 0; i < count; ++i) {
                all[n++] = parts[i];
                total += parts[i].iov_len;
        }
        if (body && !buf_is_empty(body)) {
                all[n++] = (struct iovec){ buf_data(body), body->len };
                total += body->len;
        }
        if (!total)
                return;
        sent = send_parts(c, all, n, total);
        consume_queue(c, MIN(sent, before));
        if (sent < total || body)
                queue_all(c, parts, count, body, sent - MIN(sent, before));
        if (body)
                buf_deinit(body);
}
