/* SPDX-License-Identifier: Apache-2.0 */
/* The client's connection: over a socket, to the next of its addresses, or as a transport that the dialer makes. */
#include <netinet/in.h>
#include <netinet/tcp.h>

#include "http/client_private.h"

void client_disconnect(struct http_client *c) {
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

/* ---- over a socket ---- */

static void on_connected(struct http_client *c) {
        int error = 0;
        socklen_t len = sizeof(error);

        if (getsockopt(c->source.fd, SOL_SOCKET, SO_ERROR, &error, &len) < 0)
                error = errno;
        if (error) {
                c->failure = -error;
                client_connect(c);
                return;
        }
        c->connected = c->writable = true;
}

static void on_event(struct source *source, uint32_t events) {
        struct http_client *c = container_of(source, struct http_client, source);

        if (!c->in_call) {
                /* The server ended a kept connection, or says something that nobody asked for. */
                if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                        client_disconnect(c);
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

/* What cannot even begin to connect is passed over. */
static void connect_socket(struct http_client *c) {
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

/* ---- over a transport ---- */

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
                        client_disconnect(c);
                return;
        }
        c->readable = c->writable = true;
        client_run(c);
}

static void dial(struct http_client *c) {
        static const struct transport_user user = { on_transport_connected, on_transport_ready };

        free(TAKE(c->problem));
        c->transport = c->dialer->dial(c->dialer, c->address, &user, c);
}

/* ---- either ---- */

void client_connect(struct http_client *c) {
        client_disconnect(c);
        if (c->dialer)
                dial(c);
        else
                connect_socket(c);
}

/* True when a fresh connection may do what this one could not. */
static bool start_over(struct http_client *c) {
        if (!c->reused || !c->repeatable || c->answered || c->head_len)
                return false;
        c->sent = c->tried = 0;
        c->send_failed = false;
        c->failure = 0;
        client_expect_response(c);
        client_connect(c);
        return true;
}

void client_on_peer_gone(struct http_client *c, int error) {
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
        client_disconnect(c);
        client_end_call(c, 0);
}
