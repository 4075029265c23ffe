/* SPDX-License-Identifier: Apache-2.0 */
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>

#include "http/conn.h"

#define ACCEPTS_PER_TURN 64
#define RETRY_TIME (100 * MILLISECOND)

const struct http_limits http_limits_api = {
        .head = 64 * KIB,
        .head_time = 30 * SECOND,
        .idle_time = 600 * SECOND,
        .connections = 4096,
};

const struct http_limits http_limits_runtime = {
        .head = 2 * MIB,
        .head_time = 30 * SECOND,
        .idle_time = NSEC_NEVER,
        .connections = 256,
};

/* The connection that has been idle for longest makes room. One that has only just been accepted is left a
 * moment to say what it came for. */
static bool evict(struct http_listener *l) {
        struct conn *c;

        list_each(c, &l->idle, idle_link)
                if (c->used || loop_now(l->loop) - c->idle_since >= RETRY_TIME) {
                        conn_kill(c);
                        return true;
                }
        return false;
}

static void take(struct http_listener *l, int fd, const struct sockaddr_storage *peer) {
        if (l->handler->on_accept && !l->handler->on_accept(l->owner, fd, peer)) {
                fd_close(fd);
                return;
        }
        if (l->freed || l->stopped || conn_new(l, fd, peer))
                fd_close(fd);
}

/* What stays in the backlog is tried again when a connection has gone or become idle, and, because others may
 * hold the descriptors that are missing, when some time has passed. */
static bool wait_for_room(struct http_listener *l) {
        l->full = true;
        timer_arm(&l->retry, loop_now(l->loop) + RETRY_TIME);
        return false;
}

static bool somebody_waits(const struct http_listener *l) {
        return poll(&(struct pollfd){ .fd = l->fd, .events = POLLIN }, 1, 0) > 0;
}

/* True when another try makes sense now. */
static bool accept_one(struct http_listener *l) {
        struct sockaddr_storage peer = {};
        socklen_t peer_len = sizeof(peer);
        int fd;

        if (l->conn_count >= l->limits->connections) {
                if (!somebody_waits(l))
                        return false;
                if (!evict(l))
                        return wait_for_room(l);
        }
        fd = accept4(l->fd, (struct sockaddr *)&peer, &peer_len, SOCK_NONBLOCK | SOCK_CLOEXEC);
        if (fd >= 0) {
                take(l, fd, &peer);
                return true;
        }
        switch (errno) {
        case EAGAIN:
                return false;
        case EMFILE:
        case ENFILE:
        case ENOBUFS:
        case ENOMEM:
                return evict(l) || wait_for_room(l);
        default:
                return true; /* that one connection failed before it began: ECONNABORTED, EPROTO, EPERM… */
        }
}

static void listener_drop_hold(struct http_listener *l) {
        if (--l->holds == 0 && l->freed)
                free(l);
}

static void on_connections(struct source *source, uint32_t events) {
        struct http_listener *l = container_of(source, struct http_listener, source);
        unsigned most = ACCEPTS_PER_TURN;

        ++l->holds;
        while (!l->stopped && accept_one(l))
                if (!--most) {
                        source_again(&l->source, EPOLLIN);
                        break;
                }
        listener_drop_hold(l);
}

void listener_room_made(struct http_listener *l) {
        if (l->full) {
                l->full = false;
                source_again(&l->source, EPOLLIN);
        }
}

static void on_retry(struct timer *timer) {
        listener_room_made(container_of(timer, struct http_listener, retry));
}

void listener_conn_gone(struct http_listener *l) {
        --l->conn_count;
        listener_room_made(l);
}

static void tell_quiet(struct defer *defer) {
        struct http_listener *l = container_of(defer, struct http_listener, quiet);
        void (*on_quiet)(void *owner) = TAKE(l->on_quiet);

        on_quiet(l->quiet_owner);
}

static void check_quiet(struct http_listener *l) {
        if (l->on_quiet && !l->exchange_count)
                defer_call(l->loop, &l->quiet, tell_quiet);
}

void listener_exchange_gone(struct http_listener *l) {
        --l->exchange_count;
        check_quiet(l);
}

void http_listener_await_quiet(struct http_listener *l, void (*on_quiet)(void *owner), void *owner) {
        must(l->stopped);
        l->on_quiet = on_quiet;
        l->quiet_owner = owner;
        check_quiet(l);
}

int http_listen(struct loop *loop, int fd, const struct http_handler *handler,
                const struct http_limits *limits, void *owner, struct http_listener **ret_listener) {
        struct http_listener *l = xcalloc(1, sizeof(*l));
        int r = 0;

        *l = (struct http_listener){
                .loop = loop, .handler = handler, .limits = limits, .owner = owner, .fd = fd
        };
        list_init(&l->conns);
        list_init(&l->idle);
        timer_init(&l->retry, loop, on_retry);
        if (fd >= 0) {
                /* Accepted sockets inherit it. Fails on unix sockets, which do not wait. */
                setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
                r = source_add(loop, &l->source, fd, EPOLLIN | EPOLLET, RANK_NORMAL, on_connections);
        }
        if (r) {
                fd_close(fd);
                free(l);
                return r;
        }
        *ret_listener = l;
        return 0;
}

int http_listener_adopt(struct http_listener *l, int fd) {
        struct sockaddr_storage peer = {};
        socklen_t peer_len = sizeof(peer);
        int r;

        getpeername(fd, (struct sockaddr *)&peer, &peer_len);
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &(int){ 1 }, sizeof(int));
        r = l->stopped ? -ESHUTDOWN : conn_new(l, fd, &peer);
        if (r)
                fd_close(fd);
        return r;
}

void http_listener_stop(struct http_listener *l) {
        struct conn *c;

        if (l->stopped)
                return;
        l->stopped = true;
        l->full = false;
        timer_disarm(&l->retry);
        source_remove(&l->source);
        l->fd = fd_close(l->fd);
        while ((c = list_first(&l->idle, struct conn, idle_link)))
                conn_kill(c);
}

void http_listener_free(struct http_listener *l) {
        struct conn *c;

        if (!l || l->freed)
                return;
        l->freed = true;
        l->on_quiet = NULL;
        defer_cancel(&l->quiet);
        ++l->holds;
        http_listener_stop(l);
        while ((c = list_first(&l->conns, struct conn, link)))
                conn_kill(c);
        listener_drop_hold(l);
}

/* A callback may end any connection, so the walk keeps no place in the list: it moves what it has seen to the back. */
void http_listener_catch_up(struct http_listener *l) {
        ++l->holds;
        for (unsigned most = ACCEPTS_PER_TURN; most && !l->stopped && l->fd >= 0 && accept_one(l);)
                --most;
        for (size_t left = l->conn_count; left && !list_is_empty(&l->conns); --left) {
                struct conn *c = list_first(&l->conns, struct conn, link);

                list_unlink(&c->link);
                list_push_back(&l->conns, &c->link);
                conn_catch_up(c);
        }
        listener_drop_hold(l);
}

size_t http_listener_connections(const struct http_listener *l) {
        return l->conn_count;
}

size_t http_listener_exchanges(const struct http_listener *l) {
        return l->exchange_count;
}
