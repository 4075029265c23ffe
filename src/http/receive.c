/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From bytes to events. Bytes are read into the loop's scratch buffer, or, when a body of known length has a
 * sink, into the sink with the scratch buffer behind it: one system call takes the rest of the body and what
 * follows. The first read of a request is small, so that most of a large body is not copied. A read that came
 * back short has drained the socket and is not repeated, unless the peer is known to have closed.
 */
#include <sys/socket.h>

#include "http/conn.h"

/* A head with a small body behind it in one read. Of a larger body the rest costs a read of its own, which is less than to
 * copy it into the sink. */
#define FIRST_READ (8 * KIB)

static void on_sink_bytes(struct conn *c, const char *data, size_t len) {
        struct buf *sink = c->x.sink;
        size_t room = sink->cap - sink->len, fit = MIN(len, room);
        char *tail;

        if (fit) {
                if (sink->base && data == buf_data(sink) + sink->len) {
                        buf_commit(sink, fit);
                } else {
                        /* Grows once for the whole of a known length. */
                        if (buf_reserve(sink, MAX((size_t)MIN(c->body_left, (uint64_t)room), fit), &tail)) {
                                c->x.truncated = true;
                                conn_kill(c);
                                return;
                        }
                        memcpy(tail, data, fit);
                        buf_commit(sink, fit);
                }
        }
        if (len > fit && c->x.ops->on_body)
                c->x.ops->on_body(&c->x, data + fit, len - fit);
}

static void on_end(struct conn *c) {
        if (c->phase == PHASE_DROP) {
                conn_idle(c);
                return;
        }
        if (head_finish(&c->trailers)) {
                conn_kill(c);
                return;
        }
        c->phase = PHASE_ANSWER;
        c->x.request_done = true;
        if (c->response != RESPONSE_ENDED && c->x.ops && c->x.ops->on_end)
                c->x.ops->on_end(&c->x);
}

static void on_body_bytes(struct conn *c, const char *data, size_t len) {
        c->overhead = 0;
        c->last = 0;
        if (c->active && c->response != RESPONSE_ENDED) {
                if (c->x.sink)
                        on_sink_bytes(c, data, len);
                else if (c->x.ops->on_body)
                        c->x.ops->on_body(&c->x, data, len);
        }
        c->body_left -= MIN(c->body_left, (uint64_t)len);
        /* The last byte of a known length is the end; the parser would tell only with the byte after it. */
        if (!c->body_left && c->x.content_length > 0 && !c->killed)
                on_end(c);
}

static void on_head(struct conn *c) {
        struct http_listener *l = c->listener;
        int status = request_accept(c);
        char *room;
        size_t size;

        if (status) {
                conn_refuse(c, status);
                return;
        }
        size = head_leftover(&c->head, &room);
        head_init(&c->trailers, room, size);
        c->phase = PHASE_BODY;
        c->response = RESPONSE_NONE;
        c->x.follows = c->used;
        c->active = c->used = true;
        c->paused = c->half_close_told = c->had_queue = false;
        c->overhead = 0;
        ++l->exchange_count;
        l->handler->on_request(&c->x);
        if (c->killed)
                return;
        must(c->x.ops || c->response == RESPONSE_ENDED);
        if (!c->x.has_body)
                on_end(c);
        else if (c->expects_continue && c->response == RESPONSE_NONE)
                respond_continue(c);
}

/* 0, or the status for framing that is too long or malformed. Where several things are wrong, the first byte
 * that is decides, so that the answer does not depend on how the bytes were cut. */
static int judge_framing(struct conn *c, const char *data, size_t len, llhttp_errno_t error) {
        uint64_t limit = c->listener->limits->head;

        if (!request_lines_ok(c, data, (size_t)MIN((uint64_t)len, limit - c->overhead)))
                return 400;
        c->overhead += len;
        if (c->overhead > limit)
                return 431;
        return error && error != HPE_PAUSED ? request_status_of_error(c, error) : 0;
}

static void on_violation(struct conn *c, int status) {
        if (c->active)
                c->x.truncated = c->phase == PHASE_BODY;
        conn_refuse(c, status);
}

/* One step of the parser; returns the bytes it took. */
static size_t parse(struct conn *c, const char *data, size_t len) {
        size_t used = len, body = 0;
        llhttp_errno_t error;
        int status;

        c->parsed = PARSED_NOTHING;
        error = llhttp_execute(&c->parser, data, len);
        if (error) {
                const char *at = llhttp_get_error_pos(&c->parser);

                used = at >= data && at <= data + len ? (size_t)(at - data) : len;
        }
        if (error == HPE_PAUSED)
                llhttp_resume(&c->parser);
        if (c->parsed == PARSED_BODY)
                body = c->span_len;
        /* A body's bytes end where the step ends. */
        status = judge_framing(c, data, used - body, error);
        if (status) {
                on_violation(c, status);
                return len;
        }
        switch (c->parsed) {
        case PARSED_NOTHING:
                break;
        case PARSED_HEAD:
                on_head(c);
                break;
        case PARSED_BODY:
                on_body_bytes(c, c->span, c->span_len);
                break;
        case PARSED_END:
                on_end(c);
                break;
        }
        return used;
}

static size_t feed(struct conn *c, const char *data, size_t len) {
        size_t used = 0;

        while (used < len && !c->killed && c->phase != PHASE_LINGER && conn_wants_input(c)) {
                if (c->phase == PHASE_IDLE) {
                        list_unlink(&c->idle_link);
                        request_begin(c);
                        c->phase = PHASE_HEAD;
                        if (c->listener->limits->head_time != NSEC_NEVER)
                                c->deadline = loop_now(c->loop) + c->listener->limits->head_time;
                }
                used += parse(c, data + used, len - used);
                if (!c->killed)
                        conn_settle(c);
        }
        return used;
}

static void feed_scratch(struct conn *c, const char *data, size_t len) {
        size_t used = feed(c, data, len);

        if (used < len && !c->killed && c->phase != PHASE_LINGER &&
            buf_append(&c->pending, data + used, len - used))
                conn_kill(c);
}

static void feed_pending(struct conn *c) {
        size_t used = feed(c, buf_data(&c->pending), c->pending.len);

        if (c->killed)
                return;
        buf_consume(&c->pending, used);
        if (buf_is_empty(&c->pending) || c->phase == PHASE_LINGER)
                buf_deinit(&c->pending);
}

/* The peer has closed its side: in the middle of a request that is the end of it. */
static void on_eof(struct conn *c) {
        c->eof = true;
        c->readable = false;
        if (c->phase == PHASE_BODY && c->active) {
                c->x.truncated = true;
                if (c->gone)
                        conn_kill(c);
                else
                        conn_refuse(c, 400);
                return;
        }
        if (c->phase != PHASE_ANSWER)
                conn_kill(c);
}

/* 0 bytes: nothing came, or the end did. */
static size_t read_into(struct conn *c, struct iovec *parts, size_t count) {
        size_t asked = 0;
        ssize_t n;

        for (size_t i = 0; i < count; ++i)
                asked += parts[i].iov_len;
        n = count == 1 ? recv(c->source.fd, parts->iov_base, asked, 0)
                       : readv(c->source.fd, parts, (int)count);
        if (n < 0) {
                int error = errno;

                if (error == EINTR)
                        return 0;
                c->readable = false;
                if (error != EAGAIN) {
                        c->gone = true;
                        on_eof(c);
                }
                return 0;
        }
        c->taken += (size_t)n;
        if (n == 0)
                on_eof(c);
        else if ((size_t)n < asked && !c->half_close_seen)
                c->readable = false;
        return (size_t)n;
}

static void read_linger(struct conn *c) {
        struct iovec part = { loop_scratch(c->loop), LOOP_SCRATCH };
        size_t n = read_into(c, &part, 1);

        if (c->killed)
                return;
        c->overhead += n;
        if (c->overhead > LINGER_BYTES)
                conn_kill(c);
}

static void read_into_sink(struct conn *c) {
        struct buf *sink = c->x.sink;
        size_t want = (size_t)MIN(c->body_left, (uint64_t)(sink->cap - sink->len)), n;
        struct iovec parts[2] = { { NULL, want }, { loop_scratch(c->loop), LOOP_SCRATCH } };
        char *tail;

        if (buf_reserve(sink, want, &tail)) {
                c->x.truncated = true;
                conn_kill(c);
                return;
        }
        parts[0].iov_base = tail;
        n = read_into(c, parts, 2);
        if (n && !c->killed)
                feed(c, tail, MIN(n, want));
        if (n > want && !c->killed)
                feed_scratch(c, parts[1].iov_base, n - want);
}

bool receive_some(struct conn *c) {
        struct iovec part;
        size_t n;

        if (c->killed || !conn_wants_input(c))
                return false;
        if (!buf_is_empty(&c->pending)) {
                feed_pending(c);
                return true;
        }
        if (!c->readable)
                return false;
        if (c->phase == PHASE_LINGER) {
                read_linger(c);
                return true;
        }
        if (c->phase == PHASE_BODY && c->x.sink && c->body_left && c->x.sink->len < c->x.sink->cap) {
                read_into_sink(c);
                return true;
        }
        part = (struct iovec){ loop_scratch(c->loop), c->phase == PHASE_IDLE ? FIRST_READ : LOOP_SCRATCH };
        n = read_into(c, &part, 1);
        if (n && !c->killed)
                feed_scratch(c, part.iov_base, n);
        return true;
}
