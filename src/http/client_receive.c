/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the client receives. As in the server, llhttp only notes what it saw and pauses, so that callbacks run outside of
 * it.
 */
#include "http/client_private.h"

#define HEAD_MAX (256 * KIB)

/* ---- the parser ---- */

static int note(struct http_client *c, int r) {
        return r ? HPE_USER : 0;
}

static int on_field(llhttp_t *parser, const char *at, size_t len) {
        struct http_client *c = parser->data;

        /* Trailers of a response tell nobody here anything. */
        return c->answered ? 0 : note(c, head_add_name(&c->head, at, len));
}

static int on_field_complete(llhttp_t *parser) {
        struct http_client *c = parser->data;

        return c->answered ? 0 : note(c, head_end_name(&c->head));
}

static int on_value(llhttp_t *parser, const char *at, size_t len) {
        struct http_client *c = parser->data;

        return c->answered ? 0 : note(c, head_add_value(&c->head, at, len));
}

static int on_headers_complete(llhttp_t *parser) {
        struct http_client *c = parser->data;

        c->parsed = PARSED_HEAD;
        /* llhttp would wait for the length that a 304 tells of the body it does not have. */
        if (c->skip_body || parser->status_code == 204 || parser->status_code == 304)
                parser->flags |= F_SKIPBODY;
        return HPE_PAUSED;
}

static int on_body_span(llhttp_t *parser, const char *at, size_t len) {
        struct http_client *c = parser->data;

        c->parsed = PARSED_BODY;
        c->span = at;
        c->span_len = len;
        return HPE_PAUSED;
}

static int on_message_complete(llhttp_t *parser) {
        struct http_client *c = parser->data;

        c->parsed = PARSED_END;
        return HPE_PAUSED;
}

static const llhttp_settings_t settings = {
        .on_header_field = on_field,
        .on_header_field_complete = on_field_complete,
        .on_header_value = on_value,
        .on_headers_complete = on_headers_complete,
        .on_body = on_body_span,
        .on_message_complete = on_message_complete,
};

void client_expect_response(struct http_client *c) {
        llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
        c->parser.data = c;
        head_deinit(&c->head);
        head_init(&c->head, c->room, sizeof(c->room));
        c->head_len = 0;
        c->answered = false;
}

/* ---- from bytes to callbacks ---- */

static void on_response_head(struct http_client *c) {
        int status = c->parser.status_code;

        if (status >= 100 && status < 200 && status != 101) {
                client_expect_response(c);
                return;
        }
        if (head_finish(&c->head)) {
                c->failure = -ENOMEM;
                return;
        }
        c->answered = true;
        /* Upgraded, or without a length: nothing behind this head is HTTP any more. */
        c->raw = status == 101 || (!c->skip_body && llhttp_message_needs_eof(&c->parser));
        if (c->ops->on_head)
                c->ops->on_head(c->owner, status, head_fields(&c->head), c->head.count);
}

static void deliver(struct http_client *c, const char *data, size_t len) {
        if (len && c->ops->on_body)
                c->ops->on_body(c->owner, data, len);
}

/* What one step of the parser took. */
static size_t parse(struct http_client *c, const char *data, size_t len) {
        size_t used = len;
        llhttp_errno_t error;
        const char *at;

        c->parsed = PARSED_NOTHING;
        error = llhttp_execute(&c->parser, data, len);
        if (error) {
                at = llhttp_get_error_pos(&c->parser);
                used = at >= data && at <= data + len ? (size_t)(at - data) : len;
        }
        if (error == HPE_PAUSED) {
                llhttp_resume(&c->parser);
        } else if (error) {
                c->failure = -EBADMSG;
                return len;
        }
        if (!c->answered) {
                c->head_len += used;
                if (c->head_len > HEAD_MAX) {
                        c->failure = -EBADMSG;
                        return len;
                }
        }
        if (c->parsed == PARSED_HEAD)
                on_response_head(c);
        else if (c->parsed == PARSED_BODY)
                deliver(c, c->span, c->span_len);
        return used;
}

static bool goes_on(const struct http_client *c, unsigned generation) {
        return !c->freed && c->in_call && c->generation == generation && !c->failure;
}

/* Everything of the response has come; what lies behind it was not asked for. */
static void on_complete(struct http_client *c, bool anything_behind) {
        if (anything_behind || !llhttp_should_keep_alive(&c->parser) || client_unsent(c) || c->streaming)
                client_disconnect(c);
        client_end_call(c, 0);
}

/* Whether the message ended with the bytes that the parser has seen; it only tells when it is run again. */
static bool is_complete(struct http_client *c, const char *end) {
        if (c->parsed != PARSED_END) {
                c->parsed = PARSED_NOTHING;
                if (llhttp_execute(&c->parser, end, 0) == HPE_PAUSED)
                        llhttp_resume(&c->parser);
        }
        return c->parsed == PARSED_END;
}

/* Returns what was taken: less than all only when a callback paused. */
static size_t feed(struct http_client *c, const char *data, size_t len) {
        unsigned generation = c->generation;
        size_t used = 0;

        while (used < len && !c->paused) {
                if (c->raw) {
                        deliver(c, data + used, len - used);
                        return len;
                }
                used += parse(c, data + used, len - used);
                if (!goes_on(c, generation))
                        return len;
                if (c->answered && !c->raw && (c->parsed == PARSED_END || used == len) &&
                    is_complete(c, data + used)) {
                        on_complete(c, used < len);
                        return len;
                }
        }
        return used;
}

static ssize_t read_some(struct http_client *c, char *room, size_t len) {
        ssize_t n;

        if (c->transport)
                return c->transport->ops->read(c->transport, room, len);
        n = read(c->source.fd, room, len);
        /* A socket's short read has emptied it. */
        if (n > 0 && (size_t)n < len && !c->peer_ended)
                c->readable = false;
        return n < 0 ? -errno : n;
}

static void feed_pending(struct http_client *c) {
        struct buf data = c->pending;
        size_t used;

        /* Taken out first: the callbacks may end all of this. */
        c->pending = BUF_NULL(LOOP_SCRATCH);
        used = feed(c, buf_data(&data), data.len);
        if (used < data.len) {
                buf_consume(&data, used);
                c->pending = data;
        } else {
                buf_deinit(&data);
        }
}

bool client_receive_some(struct http_client *c) {
        char *scratch;
        size_t used;
        ssize_t n;

        if (!buf_is_empty(&c->pending)) {
                feed_pending(c);
                return true;
        }
        if (!c->readable)
                return false;
        scratch = loop_scratch(c->loop);
        n = read_some(c, scratch, LOOP_SCRATCH);
        if (n < 0) {
                if (n == -EAGAIN)
                        c->readable = false;
                else if (n != -EINTR)
                        client_on_peer_gone(c, (int)-n);
                return true;
        }
        if (n == 0) {
                client_on_peer_gone(c, 0);
                return true;
        }
        used = feed(c, scratch, (size_t)n);
        if (used < (size_t)n && buf_append(&c->pending, scratch + used, (size_t)n - used))
                c->failure = -ENOMEM;
        return true;
}
