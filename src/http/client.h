/* SPDX-License-Identifier: Apache-2.0 */
/*
 * client - HTTP/1.1 requests over TCP or a unix socket, one connection each or kept alive, on the loop
 *
 * The response flows through callbacks; on_end is the last one. Plain HTTP only: TLS is lib/'s.
 */
#pragma once
#include "http/http.h"

struct http_client; /* one connection, reused while the server keeps it alive */
struct http_call;   /* one request under way */

struct http_client_ops {
        void (*on_head)(void *owner, int status, const struct http_field *fields, size_t count);
        void (*on_body)(void *owner, const char *data, size_t len);
        void (*on_end)(void *owner,
                       int r); /* 0, or -errno: -ECONNREFUSED, -ECONNRESET, -EBADMSG, -ETIMEDOUT… */
};

/* address: "host:port", "[::1]:port" or "unix:/path". Host names are resolved through /etc/hosts and literals
 * only (getaddrinfo, at connect time). */
struct http_client *http_client_new(struct loop *loop, const char *address);
void http_client_free(struct http_client *c); /* cancels what is under way, silently */
DEFINE_FREEP(http_client)
/* fields: header lines ended by \r\n, without Host and framing. The body is borrowed until on_end. budget:
 * NSEC_NEVER for none. One call at a time per client. */
int http_client_call(struct http_client *c, enum http_method method, const char *target, const char *fields,
                     const void *body, size_t len, nsec_t budget, const struct http_client_ops *ops,
                     void *owner);
/* Stops reading for a while (a slow consumer), and goes on. */
void http_client_pause(struct http_client *c);
void http_client_resume(struct http_client *c);
