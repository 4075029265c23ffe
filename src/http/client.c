/* SPDX-License-Identifier: Apache-2.0 */
/*
 * As in the server, llhttp only notes what it saw and pauses; callbacks run outside of it, and all progress
 * is made in one place, client_run. `holds` counts its frames; a client freed meanwhile goes with the last.
 */
#include "http/client.h"

#include <llhttp.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>

#include "http/address.h"
#include "http/head.h"

#define HEAD_MAX (256 * KIB)
#define RAW_MAX (16 * MIB)
#define READS_PER_TURN 16

enum parsed { PARSED_NOTHING, PARSED_HEAD, PARSED_BODY, PARSED_END };

struct http_client {
        struct loop *loop;
        char *address;
        struct address list[ADDRESSES_MAX];
        size_t count, tried;
        struct source source; /* one of the two while there is a connection */
        struct transport *transport;
        struct dialer *dialer; /* NULL: sockets */
        char *problem;         /* of the dialer */
        struct timer timer;
        struct defer defer;

        const struct http_client_ops *ops;
        void *owner;
        struct buf request; /* head, then raw bytes */
        const char *body;
        size_t body_len, sent;
        int64_t body_left; /* of a body that comes by and by; -1: chunked */

        llhttp_t parser;
        struct head head;
        size_t head_len;
        struct buf pending;
        const char *span;
        size_t span_len;
        enum parsed parsed;
        int failure;
        unsigned holds, generation; /* of the call: one that a callback replaced is not gone on with */
        bool freed, in_call, connected, reused, repeatable, skip_body, raw, answered;
        bool readable, writable, peer_ended, send_failed, paused, shut;
        bool streaming, draining; /* more of the body will come; on_drain is owed */
        char room[KIB] __attribute__((aligned(8)));
};

static void client_run(struct http_client *c);

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

static void expect_response(struct http_client *c) {
        llhttp_init(&c->parser, HTTP_RESPONSE, &settings);
        c->parser.data = c;
        head_deinit(&c->head);
        head_init(&c->head, c->room, sizeof(c->room));
        c->head_len = 0;
        c->answered = false;
}

/* ---- connecting and ending ---- */

static void disconnect(struct http_client *c) {
        struct transport *transport = TAKE(c->transport);

        if (transport)
                transport->ops->free(transport);
        if (c->source.loop) {
                source_remove(&c->source);
                fd_close(c->source.fd);
        }
        c->connected = c->reused = c->readable = c->writable = c->peer_ended = false;
        buf_deinit(&c->pending);
}

static void end_call(struct http_client *c, int r) {
        const struct http_client_ops *ops = c->ops;

        timer_disarm(&c->timer);
        defer_cancel(&c->defer);
        c->in_call = c->streaming = c->draining = false;
        ++c->generation;
        if (r)
                disconnect(c);
        buf_deinit(&c->request);
        ops->on_end(c->owner, r);
}

static void on_event(struct source *source, uint32_t events);
static const struct transport_user transport_user;

static void dial(struct http_client *c) {
        disconnect(c);
        free(TAKE(c->problem));
        c->transport = c->dialer->dial(c->dialer, c->address, &transport_user, c);
}

/* The next of the addresses; what cannot even begin to connect is passed over. */
static void connect_next(struct http_client *c) {
        if (c->dialer) {
                dial(c);
                return;
        }
        disconnect(c);
        while (c->tried < c->count) {
                const struct address *a = &c->list[c->tried++];
                int fd = socket(a->at.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);

                if (fd < 0) {
                        c->failure = -errno;
                        continue;
                }
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
                if (connect(fd, (const struct sockaddr *)&a->at, a->len) < 0 && errno != EINPROGRESS) {
                        c->failure = -errno;
                        fd_close(fd);
                        continue;
                }
                c->failure = source_add(c->loop, &c->source, fd, 0, RANK_NORMAL, on_event);
                if (!c->failure)
                        return;
                fd_close(fd);
        }
        if (!c->failure)
                c->failure = -ECONNREFUSED;
}

static void on_connected(struct http_client *c) {
        int error = 0;
        socklen_t len = sizeof(error);

        if (getsockopt(c->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                error = errno;
        if (error) {
                c->failure = -error;
                connect_next(c);
                return;
        }
        c->connected = c->writable = true;
}

/* True when a fresh connection may do what this one could not. */
static bool start_over(struct http_client *c) {
        if (!c->reused || !c->repeatable || c->answered || c->head_len)
                return false;
        c->sent = c->tried = 0;
        c->send_failed = false;
        c->failure = 0;
        expect_response(c);
        connect_next(c);
        return true;
}

static void on_peer_gone(struct http_client *c, int error) {
        const char *words = error && c->transport ? c->transport->ops->problem(c->transport) : "";

        c->readable = false;
        if (start_over(c))
                return;
        if (*words) {
                free(c->problem);
                c->problem = xstrdup(words);
        }
        if (error || !c->raw) {
                c->failure = error ? -error : -ECONNRESET;
                return;
        }
        disconnect(c);
        end_call(c, 0);
}

/* ---- sending ---- */

static size_t unsent(const struct http_client *c) {
        return c->request.len + c->body_len - c->sent;
}

static size_t parts_left(const struct http_client *c, struct iovec parts[static 2]) {
        size_t n = 0, head = c->request.len, body = c->sent > head ? c->sent - head : 0;

        if (c->sent < head)
                parts[n++] = (struct iovec){ buf_data(&c->request) + c->sent, head - c->sent };
        if (c->body_len > body)
                parts[n++] = (struct iovec){ (char *)c->body + body, c->body_len - body };
        return n;
}

static ssize_t write_parts(struct http_client *c) {
        struct iovec parts[2];
        struct msghdr message = { .msg_iov = parts, .msg_iovlen = parts_left(c, parts) };
        ssize_t n;

        if (c->transport)
                return c->transport->ops->write(c->transport, parts->iov_base, parts->iov_len);
        n = sendmsg(c->source.fd, &message, MSG_NOSIGNAL);
        return n < 0 ? -errno : n;
}

/* A failure to send is not the end: the server may have answered, and then closed, before it read everything.
 */
static void send_some(struct http_client *c) {
        while (unsent(c) && c->writable && !c->send_failed) {
                ssize_t n = write_parts(c);

                if (n == -EINTR)
                        continue;
                if (n < 0) {
                        c->writable = false;
                        c->send_failed = n != -EAGAIN;
                        return;
                }
                c->sent += (size_t)n;
        }
        if (c->shut && !unsent(c) && !c->send_failed) {
                c->shut = false;
                if (c->transport)
                        c->transport->ops->shutdown(c->transport);
                else
                        shutdown(c->source.fd, SHUT_WR);
        }
}

/* True when it called back. */
static bool tell_drain(struct http_client *c) {
        if (!c->draining || !c->connected || unsent(c))
                return false;
        c->draining = false;
        if (!c->ops->on_drain)
                return false;
        c->ops->on_drain(c->owner);
        return true;
}

/* ---- receiving ---- */

static void on_response_head(struct http_client *c) {
        int status = c->parser.status_code;

        if (status >= 100 && status < 200 && status != 101) {
                expect_response(c);
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
        if (anything_behind || !llhttp_should_keep_alive(&c->parser) || unsent(c) || c->streaming)
                disconnect(c);
        end_call(c, 0);
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

static bool receive_some(struct http_client *c) {
        char *scratch;
        size_t used;
        ssize_t n;

        if (!buf_is_empty(&c->pending)) {
                struct buf data = c->pending;

                /* Taken out first: the callbacks may end all of this. */
                c->pending = BUF_NULL(LOOP_SCRATCH);
                used = feed(c, buf_data(&data), data.len);
                if (used < data.len) {
                        buf_consume(&data, used);
                        c->pending = data;
                } else {
                        buf_deinit(&data);
                }
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
                        on_peer_gone(c, (int)-n);
                return true;
        }
        if (n == 0) {
                on_peer_gone(c, 0);
                return true;
        }
        used = feed(c, scratch, (size_t)n);
        if (used < (size_t)n && buf_append(&c->pending, scratch + used, (size_t)n - used))
                c->failure = -ENOMEM;
        return true;
}

static void client_free(struct http_client *c) {
        head_deinit(&c->head);
        buf_deinit(&c->request);
        buf_deinit(&c->pending);
        free(c->address);
        free(c->problem);
        free(c);
}

static void go_on_next_turn(struct http_client *c) {
        if (c->transport)
                c->transport->ops->again(c->transport);
        else
                source_again(&c->source, EPOLLIN);
}

static void client_run(struct http_client *c) {
        unsigned reads = 0;

        ++c->holds;
        while (c->in_call && !c->freed) {
                if (c->failure) {
                        end_call(c, c->failure);
                        break;
                }
                if (!c->connected)
                        break;
                send_some(c);
                if (tell_drain(c))
                        continue;
                if (c->paused)
                        break;
                if (reads++ == READS_PER_TURN) {
                        go_on_next_turn(c);
                        break;
                }
                if (!receive_some(c) && !c->failure)
                        break;
        }
        if (--c->holds == 0 && c->freed)
                client_free(c);
}

static void on_deferred(struct defer *defer) {
        client_run(container_of(defer, struct http_client, defer));
}

static void on_event(struct source *source, uint32_t events) {
        struct http_client *c = container_of(source, struct http_client, source);

        if (!c->in_call) {
                /* The server ended a kept connection, or says something that nobody asked for. */
                if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                        disconnect(c);
                return;
        }
        if (!c->connected && events & (EPOLLOUT | EPOLLHUP | EPOLLERR))
                on_connected(c);
        if (c->connected) {
                c->readable = c->readable || events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR);
                c->writable = c->writable || events & EPOLLOUT;
                c->peer_ended = c->peer_ended || events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR);
        }
        client_run(c);
}

static void on_transport_connected(void *owner, int r, const char *problem) {
        struct http_client *c = owner;

        c->failure = r;
        c->connected = c->readable = c->writable = !r;
        if (r)
                c->problem = xstrdup(problem);
        client_run(c);
}

static void on_transport_ready(void *owner) {
        struct http_client *c = owner;
        char byte;

        /* Not every byte of TLS is one for us; one that is, or the end, closes a kept connection. */
        if (!c->in_call) {
                if (c->transport->ops->read(c->transport, &byte, 1) != -EAGAIN)
                        disconnect(c);
                return;
        }
        c->readable = c->writable = true;
        client_run(c);
}

static const struct transport_user transport_user = { on_transport_connected, on_transport_ready };

static void on_budget_spent(struct timer *timer) {
        struct http_client *c = container_of(timer, struct http_client, timer);

        c->failure = -ETIMEDOUT;
        client_run(c);
}

/* ---- the calls ---- */

struct http_client *http_client_new(struct loop *loop, const char *address) {
        struct http_client *c = xcalloc(1, sizeof(*c));

        c->loop = loop;
        c->address = xstrdup(address);
        buf_init(&c->request, RAW_MAX);
        buf_init(&c->pending, LOOP_SCRATCH);
        timer_init(&c->timer, loop, on_budget_spent);
        return c;
}

struct http_client *http_client_new_over(struct loop *loop, const char *address, struct dialer *dialer) {
        struct http_client *c = http_client_new(loop, address);

        c->dialer = dialer;
        return c;
}

const char *http_client_problem(const struct http_client *c, int r) {
        return c->problem ?: strerror(-r);
}

void http_client_cancel(struct http_client *c) {
        timer_disarm(&c->timer);
        defer_cancel(&c->defer);
        disconnect(c);
        buf_deinit(&c->request);
        c->in_call = c->streaming = c->draining = false;
        ++c->generation;
}

void http_client_free(struct http_client *c) {
        if (!c)
                return;
        http_client_cancel(c);
        c->freed = true;
        if (!c->holds)
                client_free(c);
}

/* length: of the body; -1: in chunks. */
static int write_head(struct http_client *c, enum http_method method, const char *target, const char *fields,
                      int64_t length) {
        const char *host = str_starts(c->address, "unix:") ? "localhost" : c->address;
        int r;

        buf_clear(&c->request);
        r = buf_append_strs(&c->request, http_method_name(method), " ", target, " HTTP/1.1\r\n", NULL);
        if (!r && !(fields && str_starts(fields, "Host: ")))
                r = buf_append_strs(&c->request, "Host: ", host, "\r\n", NULL);
        if (!r && length < 0)
                r = buf_append_str(&c->request, "Transfer-Encoding: chunked\r\n");
        else if (!r && (length || method == HTTP_POST_ || method == HTTP_PUT_ || method == HTTP_PATCH_))
                r = buf_printf(&c->request, "Content-Length: %lld\r\n", (long long)length);
        if (!r && fields)
                r = buf_append_str(&c->request, fields);
        return r ? r : buf_append_str(&c->request, "\r\n");
}

static int begin(struct http_client *c, enum http_method method, const char *target, const char *fields,
                 int64_t length, nsec_t budget, const struct http_client_ops *ops, void *owner) {
        int r = 0;

        must(!c->in_call && !c->freed && method != HTTP_OTHER_);
        if (!c->dialer)
                r = address_find(c->address, c->list, &c->count);
        if (r == -EINVAL)
                return r;
        free(TAKE(c->problem));
        c->ops = ops;
        c->owner = owner;
        c->body = NULL;
        c->body_len = c->sent = c->tried = 0;
        c->failure = r ? r : write_head(c, method, target, fields, length);
        c->in_call = true;
        c->raw = c->paused = c->send_failed = c->shut = c->streaming = c->draining = false;
        c->skip_body = method == HTTP_HEAD_;
        c->repeatable = method != HTTP_POST_ && method != HTTP_PATCH_;
        c->reused = c->connected;
        expect_response(c);
        if (budget != NSEC_NEVER)
                timer_arm(&c->timer, loop_now(c->loop) + budget);
        if (!c->connected && !c->failure)
                connect_next(c);
        defer_call(c->loop, &c->defer, on_deferred);
        return 0;
}

int http_client_call(struct http_client *c, enum http_method method, const char *target, const char *fields,
                     const void *body, size_t len, nsec_t budget, const struct http_client_ops *ops,
                     void *owner) {
        int r = begin(c, method, target, fields, (int64_t)len, budget, ops, owner);

        if (!r) {
                c->body = body;
                c->body_len = len;
        }
        return r;
}

int http_client_begin(struct http_client *c, enum http_method method, const char *target, const char *fields,
                      int64_t length, nsec_t budget, const struct http_client_ops *ops, void *owner) {
        int r = begin(c, method, target, fields, length, budget, ops, owner);

        if (!r) {
                c->streaming = true;
                c->body_left = length;
                c->repeatable = c->repeatable && !length;
        }
        return r;
}

void http_client_pause(struct http_client *c) {
        c->paused = true;
}

void http_client_resume(struct http_client *c) {
        c->paused = false;
        if (c->in_call)
                defer_call(c->loop, &c->defer, on_deferred);
}

static int queue(struct http_client *c, const void *data, size_t len) {
        char size[24] = "";
        int r;

        if (c->streaming && c->body_left < 0)
                snprintf(size, sizeof(size), "%zx\r\n", len);
        if (c->request.len + len + sizeof(size) > RAW_MAX)
                return -E2BIG;
        r = buf_append_str(&c->request, size);
        r = r ?: buf_append(&c->request, data, len);
        return r ?: buf_append_str(&c->request, *size ? "\r\n" : "");
}

int http_client_send(struct http_client *c, const void *data, size_t len) {
        int r;

        if (!c->in_call || !(c->streaming || (c->answered && c->raw)))
                return -ENOTCONN;
        if (c->send_failed)
                return c->streaming ? 0 : -ENOTCONN;
        if (!len)
                return 0;
        must(!c->streaming || c->body_left < 0 || len <= (uint64_t)c->body_left);
        /* Never again needed for a second try. */
        buf_consume(&c->request, MIN(c->sent, c->request.len));
        c->sent = c->body_len = 0;
        r = queue(c, data, len);
        if (r)
                return r;
        if (c->streaming && c->body_left > 0)
                c->body_left -= (int64_t)len;
        c->draining = true;
        defer_call(c->loop, &c->defer, on_deferred);
        return 0;
}

size_t http_client_queued(const struct http_client *c) {
        return c->in_call ? unsent(c) : 0;
}

void http_client_end_body(struct http_client *c) {
        if (!c->in_call || !c->streaming)
                return;
        must(c->body_left <= 0);
        if (c->body_left < 0 && buf_append_str(&c->request, "0\r\n\r\n"))
                c->failure = -ENOMEM;
        c->streaming = c->draining = false;
        defer_call(c->loop, &c->defer, on_deferred);
}

void http_client_shutdown(struct http_client *c) {
        if (!c->in_call)
                return;
        c->shut = true;
        defer_call(c->loop, &c->defer, on_deferred);
}
