/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The client's calls, and the one place in which they make progress: client_run. `holds` counts its frames; a client freed
 * meanwhile goes with the last.
 */
#include "http/client_private.h"

#define READS_PER_TURN 16

/* ---- progress ---- */

static void client_free(struct http_client *c) {
        head_deinit(&c->head);
        buf_deinit(&c->request);
        buf_deinit(&c->pending);
        free(c->address);
        free(c->problem);
        free(c);
}

void client_end_call(struct http_client *c, int r) {
        const struct http_client_ops *ops = c->ops;

        timer_disarm(&c->timer);
        defer_cancel(&c->defer);
        c->in_call = c->streaming = c->draining = false;
        ++c->generation;
        if (r)
                client_disconnect(c);
        buf_deinit(&c->request);
        ops->on_end(c->owner, r);
}

static void go_on_next_turn(struct http_client *c) {
        if (c->transport)
                c->transport->ops->again(c->transport);
        else
                source_again(&c->source, EPOLLIN);
}

void client_run(struct http_client *c) {
        unsigned reads = 0;

        ++c->holds;
        while (c->in_call && !c->freed) {
                if (c->failure) {
                        client_end_call(c, c->failure);
                        break;
                }
                if (!c->connected)
                        break;
                client_send_some(c);
                if (client_tell_drain(c))
                        continue;
                if (c->paused)
                        break;
                if (reads++ == READS_PER_TURN) {
                        go_on_next_turn(c);
                        break;
                }
                if (!client_receive_some(c) && !c->failure)
                        break;
        }
        if (--c->holds == 0 && c->freed)
                client_free(c);
}

static void on_deferred(struct defer *defer) {
        client_run(container_of(defer, struct http_client, defer));
}

void client_run_soon(struct http_client *c) {
        defer_call(c->loop, &c->defer, on_deferred);
}

static void on_budget_spent(struct timer *timer) {
        struct http_client *c = container_of(timer, struct http_client, timer);

        c->failure = -ETIMEDOUT;
        client_run(c);
}

/* ---- life ---- */

struct http_client *http_client_new(struct loop *loop, const char *address) {
        struct http_client *c = xcalloc(1, sizeof(*c));

        c->loop = loop;
        c->address = xstrdup(address);
        buf_init(&c->request, CLIENT_SEND_MAX);
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
        client_disconnect(c);
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

/* ---- calls ---- */

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
        c->failure = r ? r : client_write_head(c, method, target, fields, length);
        c->in_call = true;
        c->raw = c->paused = c->send_failed = c->shut = c->streaming = c->draining = false;
        c->skip_body = method == HTTP_HEAD_;
        c->repeatable = method != HTTP_POST_ && method != HTTP_PATCH_;
        c->reused = c->connected;
        client_expect_response(c);
        if (budget != NSEC_NEVER)
                timer_arm(&c->timer, loop_now(c->loop) + budget);
        if (!c->connected && !c->failure)
                client_connect(c);
        client_run_soon(c);
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
                client_run_soon(c);
}
