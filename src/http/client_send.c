/* SPDX-License-Identifier: Apache-2.0 */
/* What the client sends: the head, a body that is there or comes by and by, raw bytes. */
#include <stdio.h>

#include "http/client_private.h"

/* ---- what is to go ---- */

int client_write_head(struct http_client *c, enum http_method method, const char *target, const char *fields,
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

static int queue(struct http_client *c, const void *data, size_t len) {
        char size[24] = "";
        int r;

        if (c->streaming && c->body_left < 0)
                snprintf(size, sizeof(size), "%zx\r\n", len);
        if (c->request.len + len + sizeof(size) > CLIENT_SEND_MAX)
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
        client_run_soon(c);
        return 0;
}

void http_client_end_body(struct http_client *c) {
        if (!c->in_call || !c->streaming)
                return;
        must(c->body_left <= 0);
        if (c->body_left < 0 && buf_append_str(&c->request, "0\r\n\r\n"))
                c->failure = -ENOMEM;
        c->streaming = c->draining = false;
        client_run_soon(c);
}

void http_client_shutdown(struct http_client *c) {
        if (!c->in_call)
                return;
        c->shut = true;
        client_run_soon(c);
}

size_t http_client_queued(const struct http_client *c) {
        return c->in_call ? client_unsent(c) : 0;
}

/* ---- going ---- */

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

/* A failure to send is not the end: the server may have answered, and then closed, before it read everything. */
void client_send_some(struct http_client *c) {
        while (client_unsent(c) && c->writable && !c->send_failed) {
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
        if (c->shut && !client_unsent(c) && !c->send_failed) {
                c->shut = false;
                if (c->transport)
                        c->transport->ops->shutdown(c->transport);
                else
                        shutdown(c->source.fd, SHUT_WR);
        }
}

bool client_tell_drain(struct http_client *c) {
        if (!c->draining || !c->connected || client_unsent(c))
                return false;
        c->draining = false;
        if (!c->ops->on_drain)
                return false;
        c->ops->on_drain(c->owner);
        return true;
}
