/* SPDX-License-Identifier: Apache-2.0 */
/*
 * http - an HTTP/1.1 server for one loop, parsing with llhttp
 *
 * A listener accepts connections; a connection carries one exchange at a time (a pipelined request waits in
 * the connection's buffer until the response before it is complete); an exchange is a request and its
 * response.
 *
 * Life of an exchange: when the head is complete, listener->handler->on_request(exchange) is called once. It
 * sets exchange->ops and exchange->owner, or responds at once. Then the body flows (ops->on_body, or straight
 * into exchange->sink), ops->on_end says the request is complete. The response may be given at any time, also
 * before the body has arrived: a complete response ends the body's delivery (no on_body, no on_end, the sink
 * is left alone). A rest of at most 64 KiB is then read and dropped; otherwise `Connection: close` is said,
 * and what still comes is dropped, bounded in bytes and time, so that the client can receive the refusal (RFC
 * 9112 section 9.6). A request with `Expect: 100-continue` gets its 100 when on_request returns without a
 * response. ops->on_done is the last call of every exchange, whatever happened; after it the exchange is
 * gone. A peer that closes only its sending side still gets its answer; ops->on_half_close (may be NULL)
 * tells.
 *
 * Calling back: responding never does, on_done follows later in the turn. http_abort and http_listener_free
 * call on_done before they return, and nothing after. Callbacks run while the loop's scratch buffer holds
 * their data.
 *
 * Memory: an idle connection holds no buffers. Bodies are read through the loop's scratch buffer; with a
 * sink and a known length they are read straight into it. Output is written at once; only what the socket
 * does not take is queued. All caps are in struct http_limits. Loop thread only; any callback may respond or
 * abort.
 */
#pragma once
#include <sys/socket.h>
#include <sys/uio.h>

#include "base/buf.h"
#include "base/list.h"
#include "loop/loop.h"

struct http_exchange;

enum http_method {
        HTTP_GET_,
        HTTP_HEAD_,
        HTTP_POST_,
        HTTP_PUT_,
        HTTP_DELETE_,
        HTTP_PATCH_,
        HTTP_OPTIONS_,
        HTTP_OTHER_
};
const char *http_method_name(enum http_method method);

struct http_limits {
        size_t head;        /* request line and headers, or trailers; past it: 431 and close */
        nsec_t head_time;   /* from the first byte of a head to its end; 408 and close */
        nsec_t idle_time;   /* between requests, and without progress inside one; NSEC_NEVER for runtimes */
        size_t connections; /* at once on this listener; the oldest idle one makes room, else the new one
                               waits in the backlog */
};
extern const struct http_limits http_limits_api; /* 64 KiB of head, 30 s, 10 min, 4096 */
extern const struct http_limits
        http_limits_runtime; /* 2 MiB of head: error causes of 1 MiB travel in one header; 256 */

struct http_ops {
        void (*on_body)(struct http_exchange *x, const char *data,
                        size_t len);                    /* not called when there is a sink */
        void (*on_end)(struct http_exchange *x);        /* the request is complete, trailers included */
        void (*on_drain)(struct http_exchange *x);      /* queued output fell to nothing; may be NULL */
        void (*on_half_close)(struct http_exchange *x); /* may be NULL */
        /* complete: the whole response was handed to the kernel. Otherwise the peer vanished, broke the
         * protocol in mid-body (truncated says so), or we aborted. */
        void (*on_done)(struct http_exchange *x, bool complete);
};

struct http_handler {
        void (*on_request)(struct http_exchange *x);
        /* Called once per connection before anything is read; false closes it. May be NULL. */
        bool (*on_accept)(void *owner, int fd, const struct sockaddr_storage *peer);
};

struct http_field {
        const char *name, *value; /* NUL-terminated, the name in lower case; valid until the exchange ends */
        size_t name_len, value_len;
};

struct http_exchange {
        /* The request; read only. Strings live until on_done. */
        enum http_method method;
        const char *method_name;
        const char
                *path; /* as sent, up to '?', not decoded; absolute-form targets are reduced to their path */
        const char *query; /* behind '?'; "" without */
        const struct http_field *fields;
        size_t field_count;
        int64_t content_length; /* -1: chunked; 0: none */
        bool has_body;
        bool follows;   /* another on its connection: its client knows that such a one may find it closed */
        bool truncated; /* the peer vanished inside the body */
        bool request_done; /* on_end was called, or is being called */
        struct sockaddr_storage peer;
        void *listener_owner; /* what http_listen was given */

        /* Set by the handler. */
        const struct http_ops *ops;
        void *owner;
        struct buf *sink; /* body bytes go here; reaching its cap answers through on_body with the bytes that
                             did not fit */
};

/* Listening. */
struct http_listener;
/* Takes over fd, a bound and listening non-blocking stream socket (TCP or unix), also when it fails. -1 makes
 * a listener that only serves what it is given by http_listener_adopt. */
int http_listen(struct loop *loop, int fd, const struct http_handler *handler,
                const struct http_limits *limits, void *owner, struct http_listener **ret_listener);
/* Serves a connected, non-blocking stream socket; takes it over, also when it fails. on_accept is not asked.
 */
int http_listener_adopt(struct http_listener *l, int fd);
void http_listener_stop(struct http_listener *l); /* accepts no more; idle connections close, running
                                                     exchanges end with Connection: close */
/* After stop: calls back once, never from inside this call, when no exchange is left, so every answer is with the
 * kernel. */
void http_listener_await_quiet(struct http_listener *l, void (*on_quiet)(void *owner), void *owner);
void http_listener_free(struct http_listener *l); /* aborts all exchanges (on_done is called) */
DEFINE_FREEP(http_listener)
/* Accepts and reads what the kernel holds for it now, as if the events had come: every request whose head is there
 * has been told (on_request) when this returns. */
void http_listener_catch_up(struct http_listener *l);
size_t http_listener_connections(const struct http_listener *l);
size_t http_listener_exchanges(const struct http_listener *l);

/* Asking. Header names in lower case. */
const char *http_header(const struct http_exchange *x, const char *lower_name);  /* NULL when absent */
const char *http_trailer(const struct http_exchange *x, const char *lower_name); /* after on_end */
/* Appends the text with percent escapes (and '+' when form) decoded. 0, -EINVAL (bad escape, NUL), -E2BIG. */
int http_percent_decode(const char *s, size_t len, bool form, struct buf *buf);
/* Whether all of the query can be decoded: what cannot is absent to the calls below. */
bool http_query_is_sound(const struct http_exchange *x);
/* The decoded value of a query parameter as a malloc'ed string; NULL when absent. */
char *http_query_param(const struct http_exchange *x, const char *name);
/* Of a parameter that may be given several times, the one that comes nth, from 0. */
char *http_query_param_at(const struct http_exchange *x, const char *name, size_t nth);

/* Responding. `fields` are complete header lines each ended by \r\n, or NULL. Content-Length or chunked
 * framing, Date and Connection are ours. Every call is legal on an exchange whose peer has gone: it does
 * nothing. */
void http_respond(struct http_exchange *x, int status, const char *fields, const void *body, size_t len);
/* As above, takes the bytes out of body (which is empty afterwards) without copying them. */
void http_respond_buf_consume(struct http_exchange *x, int status, const char *fields, struct buf *body);
/* Streams: length -1 means chunked (or, to an HTTP/1.0 client, until close). */
void http_respond_begin(struct http_exchange *x, int status, const char *fields, int64_t length);
void http_respond_some(struct http_exchange *x, const struct iovec *parts, size_t count);
void http_respond_end(struct http_exchange *x);
/* Bytes that the kernel has not taken yet. */
size_t http_queued(const struct http_exchange *x);
/* Ends the connection without completing the response (a stream that failed half-way). on_done follows. */
void http_abort(struct http_exchange *x);

/* Back-pressure on the request's body. Paused, at most one read buffer overruns; the peer's end is noticed
 * all the same. */
void http_pause(struct http_exchange *x);
void http_resume(struct http_exchange *x);
