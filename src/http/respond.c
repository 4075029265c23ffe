/* SPDX-License-Identifier: Apache-2.0 */
/* Heads and framing of responses. One response is one system call when the socket takes it. */
#include <stdio.h>

#include "http/conn.h"

/* Up to this much of a refused body is awaited, so that the connection lives on. */
#define DROP_MAX (64 * KIB)
#define HEAD_ROOM 256

struct text {
        size_t len;
        char at[HEAD_ROOM];
};

static void put(struct text *text, const char *s, size_t len) {
        must(len <= sizeof(text->at) - text->len);
        memcpy(text->at + text->len, s, len);
        text->len += len;
}

static void put_str(struct text *text, const char *s) {
        put(text, s, strlen(s));
}

static void put_number(struct text *text, uint64_t value, unsigned base) {
        char digits[24];
        size_t at = sizeof(digits);

        do
                digits[--at] = "0123456789abcdef"[value % base];
        while (value /= base);
        put(text, digits + at, sizeof(digits) - at);
}

static bool has_no_body(const struct http_exchange *x, int status) {
        return x->method == HTTP_HEAD_ || status < 200 || status == 204 || status == 304;
}

/* An answer before the whole request has come ends the connection, unless the rest is known to be small. */
static bool can_go_on(const struct conn *c) {
        if (!c->keep_alive || c->listener->stopped)
                return false;
        if (c->phase != PHASE_BODY)
                return true;
        return c->x.content_length >= 0 && c->body_left <= DROP_MAX && !c->expects_continue;
}

static void put_head(struct conn *c, struct text *text, int status, int64_t length) {
        const char *date;
        size_t date_len;

        put_str(text, "HTTP/1.1 ");
        put_number(text, (uint64_t)status, 10);
        put_str(text, " ");
        put_str(text, http_reason(status));
        put_str(text, "\r\n");
        date = http_date_line(loop_wall(c->loop), &date_len);
        put(text, date, date_len);
        c->chunked = false;
        if (length < 0 && !has_no_body(&c->x, status)) {
                c->chunked = !c->old_peer;
                if (c->chunked)
                        put_str(text, "Transfer-Encoding: chunked\r\n");
                else
                        c->keep_alive = false;
        } else if (length >= 0 && status >= 200 && status != 204 && status != 304) {
                put_str(text, "Content-Length: ");
                put_number(text, (uint64_t)length, 10);
                put_str(text, "\r\n");
        }
        c->keep_alive = can_go_on(c);
        if (!c->keep_alive)
                put_str(text, "Connection: close\r\n");
        else if (c->old_peer)
                put_str(text, "Connection: keep-alive\r\n");
}

/* False when nobody waits for a response. */
static bool begin(struct conn *c, int status) {
        if (!c->active)
                return false;
        must(c->response == RESPONSE_NONE);
        must(status >= 200 && status <= 999);
        c->no_body = has_no_body(&c->x, status);
        return true;
}

static void end(struct conn *c) {
        c->response = RESPONSE_ENDED;
        c->x.sink = NULL;
        conn_kick(c);
}

static size_t head_parts(struct iovec *parts, struct text *text, const char *fields) {
        parts[0] = (struct iovec){ text->at, text->len };
        parts[1] = (struct iovec){ (void *)(fields ? fields : ""), fields ? strlen(fields) : 0 };
        parts[2] = (struct iovec){ (void *)"\r\n", 2 };
        return 3;
}

void http_respond(struct http_exchange *x, int status, const char *fields, const void *body, size_t len) {
        struct conn *c = conn_of(x);
        struct text text = {};
        struct iovec parts[4];
        size_t count;

        if (!begin(c, status))
                return;
        put_head(c, &text, status, (int64_t)len);
        count = head_parts(parts, &text, fields);
        if (len && !c->no_body)
                parts[count++] = (struct iovec){ (void *)body, len };
        out_send(c, parts, count, NULL);
        end(c);
}

void http_respond_buf_consume(struct http_exchange *x, int status, const char *fields, struct buf *body) {
        struct conn *c = conn_of(x);
        struct text text = {};
        struct iovec parts[3];
        size_t count;

        if (!begin(c, status)) {
                buf_deinit(body);
                return;
        }
        put_head(c, &text, status, (int64_t)body->len);
        count = head_parts(parts, &text, fields);
        if (c->no_body)
                buf_clear(body);
        out_send(c, parts, count, body);
        end(c);
}

void http_respond_begin(struct http_exchange *x, int status, const char *fields, int64_t length) {
        struct conn *c = conn_of(x);
        struct text text = {};
        struct iovec parts[3];
        size_t count;

        if (!begin(c, status))
                return;
        put_head(c, &text, status, length);
        count = head_parts(parts, &text, fields);
        c->response = RESPONSE_BEGUN;
        c->answer_left = length;
        /* Held back until the first bytes of the body, or the end of this turn. */
        for (size_t i = 0; i < count; ++i)
                out_queue(c, parts[i].iov_base, parts[i].iov_len);
        conn_kick(c);
}

static void send_chunk(struct conn *c, const struct iovec *parts, size_t count, size_t total) {
        struct iovec all[8];
        struct text text = {};

        put_number(&text, total, 16);
        put_str(&text, "\r\n");
        if (count + 2 > ARRAY_SIZE(all)) {
                out_queue(c, text.at, text.len);
                for (size_t i = 0; i < count; ++i)
                        out_queue(c, parts[i].iov_base, parts[i].iov_len);
                out_send(c, &(struct iovec){ (void *)"\r\n", 2 }, 1, NULL);
                return;
        }
        all[0] = (struct iovec){ text.at, text.len };
        memcpy(all + 1, parts, count * sizeof(*parts));
        all[count + 1] = (struct iovec){ (void *)"\r\n", 2 };
        out_send(c, all, count + 2, NULL);
}

void http_respond_some(struct http_exchange *x, const struct iovec *parts, size_t count) {
        struct conn *c = conn_of(x);
        size_t total = 0;

        if (!c->active)
                return;
        must(c->response == RESPONSE_BEGUN);
        for (size_t i = 0; i < count; ++i)
                total += parts[i].iov_len;
        if (c->answer_left >= 0) {
                must(total <= (uint64_t)c->answer_left);
                c->answer_left -= (int64_t)total;
        }
        if (!total || c->no_body)
                return;
        if (c->chunked)
                send_chunk(c, parts, count, total);
        else
                out_send(c, parts, count, NULL);
        if (c->broken)
                conn_kick(c);
}

void http_respond_end(struct http_exchange *x) {
        struct conn *c = conn_of(x);

        if (!c->active)
                return;
        must(c->response == RESPONSE_BEGUN);
        if (c->chunked)
                out_send(c, &(struct iovec){ (void *)"0\r\n\r\n", 5 }, 1, NULL);
        else if (c->answer_left > 0 && !c->no_body)
                c->broken = true; /* promised more than it gave: the peer must not take it for whole */
        end(c);
}

size_t http_queued(const struct http_exchange *x) {
        const struct conn *c = conn_of(x);

        return c->active ? c->queued : 0;
}

void respond_continue(struct conn *c) {
        static const char text[] = "HTTP/1.1 100 Continue\r\n\r\n";

        c->expects_continue = false;
        out_send(c, &(struct iovec){ (void *)text, sizeof(text) - 1 }, 1, NULL);
}

void respond_refusal(struct conn *c, int status) {
        const char *reason = http_reason(status);
        struct text text = {};
        char body[80];
        size_t len = (size_t)snprintf(body, sizeof(body), "{\"message\":\"%s\"}\n", reason);

        c->keep_alive = false;
        c->old_peer = false;
        c->x.method = HTTP_OTHER_;
        put_head(c, &text, status, (int64_t)len);
        put_str(&text, "Content-Type: application/json\r\n\r\n");
        out_send(c, (struct iovec[]){ { text.at, text.len }, { body, len } }, 2, NULL);
}
