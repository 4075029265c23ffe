/* SPDX-License-Identifier: Apache-2.0 */
#include "http/conn.h"

#include <sys/socket.h>

/* A connection that always has more to read yields after so many bytes, for the others' sake: 64 KiB of an upload are 60 µs of
 * work, and a warm invocation that comes meanwhile waits for them twice. */
#define BYTES_PER_TURN LOOP_SCRATCH

static void conn_free(struct conn *c) {
        out_drop(c);
        buf_deinit(&c->pending);
        head_deinit(&c->head);
        head_deinit(&c->trailers);
        free(c);
}

static void drop_hold(struct conn *c) {
        if (--c->holds == 0 && c->killed)
                conn_free(c);
}

/* Only with a hold on the connection: on_done may destroy it. */
void conn_finish(struct conn *c, bool complete) {
        if (!c->active)
                return;
        c->active = false;
        if (c->listener)
                listener_exchange_gone(c->listener);
        if (c->x.ops && c->x.ops->on_done)
                c->x.ops->on_done(&c->x, complete);
        head_deinit(&c->head);
        head_deinit(&c->trailers);
        c->x.ops = NULL;
        c->x.sink = NULL;
}

void conn_kill(struct conn *c) {
        struct http_listener *l = c->listener;

        if (c->killed)
                return;
        c->killed = true;
        source_remove(&c->source);
        timer_disarm(&c->timer);
        defer_cancel(&c->defer);
        fd_close(c->source.fd);
        list_unlink(&c->link);
        list_unlink(&c->idle_link);
        out_drop(c);
        if (c->active)
                listener_exchange_gone(l);
        c->listener = NULL;
        ++c->holds;
        listener_conn_gone(l);
        conn_finish(c, false);
        drop_hold(c);
}

bool conn_wants_input(const struct conn *c) {
        switch (c->phase) {
        case PHASE_BODY:
                return !c->paused || c->response == RESPONSE_ENDED;
        case PHASE_ANSWER:
                return false;
        case PHASE_IDLE:
        case PHASE_HEAD:
        case PHASE_DROP:
        case PHASE_LINGER:
                return true;
        }
        return false;
}

void conn_idle(struct conn *c) {
        nsec_t patience = c->listener->limits->idle_time;

        head_deinit(&c->head);
        head_deinit(&c->trailers);
        c->phase = PHASE_IDLE;
        c->response = RESPONSE_NONE;
        c->deadline = patience == NSEC_NEVER ? NSEC_NEVER : loop_now(c->loop) + patience;
        c->idle_since = loop_now(c->loop);
        list_push_back(&c->listener->idle, &c->idle_link);
        if (c->used)
                listener_room_made(c->listener);
}

/* Closing with bytes unread sends a reset, which may overtake our answer and erase it at the peer (RFC
 * 9112, 9.6). */
static void close_gently(struct conn *c) {
        bool whole = c->phase == PHASE_ANSWER && buf_is_empty(&c->pending) && !c->readable;

        if (whole || c->eof || shutdown(c->source.fd, SHUT_WR) < 0) {
                conn_kill(c);
                return;
        }
        c->phase = PHASE_LINGER;
        c->overhead = 0;
        c->deadline = loop_now(c->loop) + LINGER_TIME;
}

void conn_refuse(struct conn *c, int status) {
        bool answered = c->active && c->response != RESPONSE_NONE;

        conn_finish(c, false);
        if (c->killed)
                return;
        if (answered) {
                conn_kill(c);
                return;
        }
        respond_refusal(c, status);
        close_gently(c);
}

/* Ends the exchange whose answer is with the kernel, and decides what becomes of the connection. */
void conn_settle(struct conn *c) {
        if (!c->active || c->response != RESPONSE_ENDED || c->queued || c->broken)
                return;
        conn_finish(c, true);
        if (c->killed)
                return;
        if (!c->keep_alive || c->listener->stopped) {
                close_gently(c);
        } else if (c->phase == PHASE_BODY) {
                c->phase = PHASE_DROP;
                c->deadline = loop_now(c->loop) + LINGER_TIME;
        } else {
                conn_idle(c);
        }
}

static void tell_half_close(struct conn *c) {
        if (!c->half_close_seen || c->half_close_told || !c->active || conn_wants_input(c))
                return;
        c->half_close_told = true;
        if (c->x.ops && c->x.ops->on_half_close)
                c->x.ops->on_half_close(&c->x);
}

static void tell_drain(struct conn *c) {
        if (!c->had_queue || c->queued)
                return;
        c->had_queue = false;
        if (c->active && c->response == RESPONSE_BEGUN && c->x.ops && c->x.ops->on_drain)
                c->x.ops->on_drain(&c->x);
}

/* While an exchange runs, only a peer that neither sends nor takes bytes is on the clock. */
static void set_timer(struct conn *c) {
        nsec_t patience = c->listener->limits->idle_time;

        if (c->active) {
                bool waits = c->blocked || (c->phase == PHASE_BODY && conn_wants_input(c));

                c->deadline = waits && patience != NSEC_NEVER ? loop_now(c->loop) + patience : NSEC_NEVER;
        }
        /* A timer that is early re-arms itself: cheaper than moving it with every request. */
        if (c->deadline != NSEC_NEVER && (!timer_is_armed(&c->timer) || c->timer.due > c->deadline))
                timer_arm(&c->timer, c->deadline);
}

void conn_run(struct conn *c) {
        bool more = true;

        c->taken = 0;
        ++c->holds;
        while (more && !c->killed) {
                if (c->broken) {
                        conn_kill(c);
                        break;
                }
                out_flush(c);
                tell_drain(c);
                if (!c->killed)
                        tell_half_close(c);
                if (!c->killed)
                        conn_settle(c);
                if (c->taken >= BYTES_PER_TURN && (c->readable || !buf_is_empty(&c->pending))) {
                        source_again(&c->source, EPOLLIN);
                        break;
                }
                more = receive_some(c) || c->broken;
        }
        /* Reset, or closed on both sides: nobody is left to answer. What had arrived before was read above.
         */
        if (!c->killed && c->gone && !(c->readable && conn_wants_input(c))) {
                c->x.truncated = c->active && c->phase == PHASE_BODY;
                conn_kill(c);
        }
        if (!c->killed)
                set_timer(c);
        drop_hold(c);
}

/* Bounded by the longest head: a peer that never stops asking is nobody to wait for. */
void conn_catch_up(struct conn *c) {
        size_t left = c->listener->limits->head / LOOP_SCRATCH + 1;

        ++c->holds;
        c->readable = !c->eof;
        do
                conn_run(c);
        while (left-- && !c->killed && c->readable && (c->phase == PHASE_IDLE || c->phase == PHASE_HEAD));
        drop_hold(c);
}

static void on_deferred(struct defer *defer) {
        conn_run(container_of(defer, struct conn, defer));
}

void conn_kick(struct conn *c) {
        if (!c->killed && !c->holds)
                defer_call(c->loop, &c->defer, on_deferred);
}

static void on_event(struct source *source, uint32_t events) {
        struct conn *c = container_of(source, struct conn, source);

        if (events & (EPOLLIN | EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                c->readable = !c->eof;
        if (events & (EPOLLRDHUP | EPOLLHUP | EPOLLERR))
                c->half_close_seen = true;
        if (events & (EPOLLHUP | EPOLLERR))
                c->gone = true;
        if (events & EPOLLOUT)
                c->blocked = false;
        conn_run(c);
}

static void on_timer(struct timer *timer) {
        struct conn *c = container_of(timer, struct conn, timer);

        if (c->deadline == NSEC_NEVER)
                return;
        if (loop_now(c->loop) < c->deadline) {
                timer_arm(&c->timer, c->deadline);
                return;
        }
        c->deadline = NSEC_NEVER;
        ++c->holds;
        if (c->phase == PHASE_HEAD) {
                conn_refuse(c, 408);
        } else if (c->active && c->phase == PHASE_BODY && !c->blocked) {
                c->x.truncated = true;
                conn_refuse(c, 408);
        } else {
                conn_kill(c);
        }
        if (!c->killed)
                set_timer(c);
        drop_hold(c);
}

int conn_new(struct http_listener *l, int fd, const struct sockaddr_storage *peer) {
        struct conn *c = xcalloc(1, sizeof(*c));
        int r;

        c->listener = l;
        c->loop = l->loop;
        if (peer)
                c->x.peer = *peer;
        list_init(&c->out);
        buf_init(&c->pending, LOOP_SCRATCH);
        timer_init(&c->timer, l->loop, on_timer);
        r = source_add(l->loop, &c->source, fd, 0, RANK_NORMAL, on_event);
        if (r) {
                free(c);
                return r;
        }
        list_push_back(&l->conns, &c->link);
        ++l->conn_count;
        conn_idle(c);
        set_timer(c);
        return 0;
}

void http_abort(struct http_exchange *x) {
        struct conn *c = conn_of(x);

        if (c->active)
                conn_kill(c);
}

void http_pause(struct http_exchange *x) {
        conn_of(x)->paused = true;
}

void http_resume(struct http_exchange *x) {
        struct conn *c = conn_of(x);

        c->paused = false;
        if (c->active)
                conn_kick(c);
}
