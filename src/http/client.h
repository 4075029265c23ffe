/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - HTTP/1.1 requests over TCP or a unix socket, one connection each or kept alive, on the loop
 *
 * The response flows through callbacks; on_end is the last one, and it never comes from inside
 * http_client_call. Callbacks may free the client; on_end may begin the next call. A kept connection that the
 * server closed meanwhile is replaced once, unseen, for methods that may be repeated. Interim responses are
 * skipped, except 101: from then on the connection is a raw stream, which on_body delivers until its end and
 * http_client_send writes to; the same holds for a final response without a length, as the container engines
 * answer an attach. A client of a dialer speaks over the connections that this makes: so TLS comes from lib/tls.h.
 */
#pragma once
#include "http/http.h"
#include "http/transport.h"

struct http_client;

struct http_client_ops {
        /* The strings live until on_end. May be NULL. */
        void (*on_head)(void *owner, int status, const struct http_field *fields, size_t count);
        void (*on_body)(void *owner, const char *data, size_t len); /* may be NULL */
        /* 0, or -errno: -ECONNREFUSED, -ECONNRESET (also: ended too early), -EBADMSG, -ETIMEDOUT,
         * -EHOSTUNREACH…, and what the dialer has of its own. */
        void (*on_end)(void *owner, int r);
        /* What http_client_send queued has gone. May be NULL. */
        void (*on_drain)(void *owner);
};

/* address: "host:port", "[::1]:port" or "unix:/path". Hosts are literals or names found in /etc/hosts. */
struct http_client *http_client_new(struct loop *loop, const char *address);
/* As above, over connections of the dialer (borrowed), which knows what an address may be. */
struct http_client *http_client_new_over(struct loop *loop, const char *address, struct dialer *dialer);
/* What became of the call that failed, as on_end may print it: the dialer's sentence, else that of the errno. Lives until the next call. */
const char *http_client_problem(const struct http_client *c, int r);
void http_client_free(struct http_client *c); /* cancels what is under way, silently */
DEFINE_FREEP(http_client)
/* fields: header lines ended by \r\n, without framing; a Host may be the first, else it is the address. The body is borrowed until on_end. budget:
 * for the whole call; NSEC_NEVER for none. One call at a time per client (must). 0, or -EINVAL for a
 * malformed address. */
int http_client_call(struct http_client *c, enum http_method method, const char *target, const char *fields,
                     const void *body, size_t len, nsec_t budget, const struct http_client_ops *ops,
                     void *owner);
/* As above, with a body that comes by and by: length bytes of it, or -1, which sends it in chunks. http_client_send takes it,
 * at once or when on_drain asks for more, and http_client_end_body ends it. Nothing is sent twice, so a kept connection that has
 * closed meanwhile fails. The answer may come before the body has gone, and its end then ends the call. */
int http_client_begin(struct http_client *c, enum http_method method, const char *target, const char *fields,
                      int64_t length, nsec_t budget, const struct http_client_ops *ops, void *owner);
void http_client_end_body(struct http_client *c);
/* Ends the call without on_end, and its connection. Legal without a call. */
void http_client_cancel(struct http_client *c);
/* Stops reading for a while (a slow consumer), and goes on. At most one read buffer overruns. */
void http_client_pause(struct http_client *c);
void http_client_resume(struct http_client *c);
/* Writes (copied) to the body that http_client_begin announced, or raw bytes on a connection that has become a raw stream:
 * 0, -ENOTCONN, -E2BIG past 16 MiB unsent. What was not sent of a body when the stream became raw never is; bytes for a
 * server that takes no more are dropped until it answers, or the connection breaks. */
int http_client_send(struct http_client *c, const void *data, size_t len);
size_t http_client_queued(const struct http_client *c); /* bytes that have not gone yet */
/* Says that no more will be sent, once what was queued has gone. */
void http_client_shutdown(struct http_client *c);
