/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The owner's calls, and how a remote environment comes to its link. What was said before there is a link is said
 * when there is one: OPEN or START goes first, and nothing but stop can come before ready. Which of the two it is, and so
 * where the supervisor is, is decided here: a unix socket can carry what the place hands over.
 */
#include "runtime/remote.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/socket.h>

#include "base/log.h"
#include "runtime/remote_private.h"

#define CREDIT_LEAST (ENVIRONMENT_WINDOW / 8) /* smaller ones are gathered */
#define STATS_EVERY SECOND
#define DEFAULT_ID 993 /* sbx_user1051 of AWS's environments */

void remote_forget_invocation(struct remote *r) {
        free(r->now.error_type);
        buf_deinit(&r->now.payload);
        r->now = (struct remote_invocation){ .number = r->now.number, .payload = BUF_NULL(ANSWER_MAX) };
}

static void say(struct remote *r, enum link_type type) {
        const struct link_message m = { .type = type };

        line_send(&r->line, &m);
}

static bool is_over(const struct remote *r) {
        return r->state == ENV_DEAD || r->lost;
}

bool remote_is_starting(const struct remote *r) {
        return r->near ? near_is_starting(r) : r->state == ENV_NEW || r->state == ENV_STARTING;
}

bool remote_is_asked(const struct remote *r) {
        return r->near ? near_is_asked(r) : r->now.active && !r->now.answered;
}

/* ---- the link ---- */

void remote_say_start(struct remote *r) {
        line_send(&r->line, &r->start);
        timer_arm(&r->timer, loop_now(r->loop) + REMOTE_GRACE);
}

/* A link that did not come to be is one that was lost. */
static void begin_link(struct remote *r, bool carries_fds) {
        timer_arm(&r->timer, loop_now(r->loop) + REMOTE_GRACE);
        if (r->state == ENV_STOPPING)
                say(r, LINK_STOP);
        else if (!carries_fds || r->supervise_there || !near_begin(r))
                remote_say_start(r);
}

static bool is_unix(int fd) {
        int domain = 0;
        socklen_t len = sizeof(domain);

        return getsockopt(fd, SOL_SOCKET, SO_DOMAIN, &domain, &len) == 0 && domain == AF_UNIX;
}

static bool may_link(const struct remote *r) {
        return !is_over(r) && !line_is_open(&r->line) && !r->link_lost;
}

void remote_connected(struct environment *e, int fd) {
        struct remote *r = remote_of(e);
        struct ucred peer = {};
        socklen_t len = sizeof(peer);
        int flags = fcntl(fd, F_GETFL);

        if (!may_link(r)) {
                fd_close(fd);
                return;
        }
        if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &len) == 0)
                r->stats.pid = peer.pid;
        fcntl(fd, F_SETFL, flags | O_NONBLOCK);
        if (line_open(&r->line, fd, fd))
                remote_lost(e, REMOTE_BROKEN, "its link could not be registered");
        else
                begin_link(r, is_unix(fd));
}

void remote_attach(struct environment *e, const struct line_transport *transport, void *owner) {
        struct remote *r = remote_of(e);

        if (!may_link(r)) {
                transport->close(owner);
                return;
        }
        line_open_transport(&r->line, transport, owner);
        begin_link(r, false);
}

void remote_writable(struct environment *e) {
        line_writable(&remote_of(e)->line);
}

void remote_feed(struct environment *e, const char *data, size_t len) {
        line_feed(&remote_of(e)->line, data, len);
}

void remote_ended(struct environment *e) {
        line_ended(&remote_of(e)->line);
}

static void on_soon(struct defer *defer) {
        struct remote *r = container_of(defer, struct remote, soon);

        if (r->lost)
                remote_end(r, r->loss, r->lost_why);
        else
                remote_end(r, REMOTE_BROKEN, "stopped"); /* before there was a link */
}

void remote_lost(struct environment *e, enum remote_loss loss, const char *why) {
        struct remote *r = remote_of(e);

        if (is_over(r))
                return;
        r->lost = true;
        r->loss = loss;
        free(r->lost_why);
        r->lost_why = xstrdup(r->state == ENV_STOPPING ? "stopped" : why);
        defer_call(r->loop, &r->soon, on_soon);
}

static void on_timer(struct timer *timer) {
        struct remote *r = container_of(timer, struct remote, timer);

        if (r->link_lost)
                remote_end(r, REMOTE_BROKEN, r->lost_why); /* nobody knew better */
        else if (r->state == ENV_STOPPING)
                remote_end(r, REMOTE_BROKEN, "stopped");
        else
                remote_end(r, REMOTE_BROKEN, "lambent-init did not answer in time");
}

/* ---- the owner's calls ---- */

static int remote_start(struct environment *e) {
        struct remote *r = remote_of(e);
        int error;

        must(r->state == ENV_NEW);
        if (r->start_error)
                return r->start_error;
        r->started = loop_clock(r->loop);
        r->state = ENV_STARTING;
        error = r->ports->open(r->owner);
        if (error)
                r->state = ENV_NEW;
        return error;
}

static void remote_invoke(struct environment *e, const struct invocation_order *order) {
        struct remote *r = remote_of(e);
        struct link_message m = { .type = LINK_INVOKE, .invoke = { r->now.number + 1, *order } };
        size_t len = 0;

        if (r->near) {
                r->near->ops->invoke(r->near, order);
                return;
        }
        must(r->state == ENV_IDLE && !r->now.active);
        for (size_t i = 0; i < order->event_parts; ++i)
                len += order->event[i].iov_len;
        must(len <= PAYLOAD_MAX);
        m.invoke.event_len = (uint32_t)len;
        r->now.number += 1;
        r->now.active = true;
        r->now.order = *order;
        r->now.began = loop_now(r->loop);
        str_fit(r->now.request_id, sizeof(r->now.request_id), order->request_id);
        r->journal.keep_tail = order->want_tail;
        r->state = ENV_BUSY;
        timer_arm(&r->timer, r->now.began + order->timeout + REMOTE_GRACE);
        line_send(&r->line, &m);
        if (len)
                line_send_bulk(&r->line, LINK_EVENT, r->now.number, order->event, order->event_parts);
        line_flush(&r->line);
}

static void remote_credit(struct environment *e, size_t len) {
        struct remote *r = remote_of(e);
        struct remote_invocation *now = &r->now;
        size_t settled = MIN((uint64_t)len, now->unsettled);
        struct link_message m = { .type = LINK_CREDIT, .credit.number = now->number };

        if (r->near) {
                r->near->ops->credit(r->near, len);
                return;
        }
        now->unsettled -= settled;
        now->owed += settled;
        if (!now->active || now->answered || now->owed < CREDIT_LEAST)
                return;
        m.credit.len = (uint32_t)now->owed;
        now->owed = 0;
        line_send(&r->line, &m);
}

static void remote_freeze(struct environment *e) {
        struct remote *r = remote_of(e);

        if (r->near)
                r->near->ops->freeze(r->near);
        if (r->near || r->state != ENV_IDLE)
                return;
        r->state = ENV_FROZEN;
        say(r, LINK_FREEZE);
}

static void remote_thaw(struct environment *e) {
        struct remote *r = remote_of(e);

        if (r->near)
                r->near->ops->thaw(r->near);
        if (r->near || r->state != ENV_FROZEN)
                return;
        r->state = ENV_IDLE;
        say(r, LINK_THAW);
}

static void remote_stop(struct environment *e) {
        struct remote *r = remote_of(e);

        if (r->state == ENV_STOPPING || is_over(r))
                return;
        r->state = ENV_STOPPING;
        if (r->near) {
                r->near->ops->stop(r->near);
        } else if (line_is_open(&r->line)) {
                say(r, LINK_STOP);
                timer_arm(&r->timer, loop_now(r->loop) + REMOTE_GRACE);
        } else {
                defer_call(r->loop, &r->soon, on_soon);
        }
}

static void remote_stats(struct environment *e, struct environment_stats *ret_stats) {
        struct remote *r = remote_of(e);
        nsec_t now = loop_now(r->loop);

        if (r->near) {
                r->near->ops->stats(r->near, ret_stats);
                return;
        }
        *ret_stats = r->stats;
        if (r->state == ENV_NEW || is_over(r) || now - r->stats_asked < STATS_EVERY)
                return;
        r->stats_asked = now;
        say(r, LINK_ASK_STATS);
}

static void remote_free(struct environment *e) {
        struct remote *r = remote_of(e);

        timer_disarm(&r->timer);
        defer_cancel(&r->soon);
        if (r->near)
                r->near->ops->free(r->near);
        tunnels_deinit(&r->tunnels);
        line_deinit(&r->line);
        fd_close(r->output_fd);
        remote_forget_invocation(r);
        journal_deinit(&r->journal);
        buf_deinit(&r->start_bytes);
        free(r->lost_why);
        r->ports->remove(r->owner);
        free(r);
}

static const struct environment_ops remote_ops = {
        .start = remote_start,
        .invoke = remote_invoke,
        .credit = remote_credit,
        .freeze = remote_freeze,
        .thaw = remote_thaw,
        .stop = remote_stop,
        .stats = remote_stats,
        .free = remote_free,
};

/* ---- making ---- */

struct lists {
        struct buf vars, command_vars, argv, ports;
};

static int list_vars(struct buf *list, const struct env_var *vars, size_t count) {
        int r = 0;

        for (size_t i = 0; i < count && !r; ++i) {
                r = link_list_add(list, vars[i].name);
                r = r ?: link_list_add(list, vars[i].value);
        }
        return r;
}

static int fill_lists(struct lists *lists, const struct remote_options *options) {
        const struct runtime_command *command = options->command;
        char text[U64_TEXT];
        int r = list_vars(&lists->vars, options->spec->vars, options->spec->var_count);

        r = r ?: list_vars(&lists->command_vars, command->vars, command->var_count);
        for (const char *const *arg = command->argv; arg && *arg && !r; ++arg)
                r = link_list_add(&lists->argv, *arg);
        for (size_t i = 0; i < options->localhost_port_count && !r; ++i)
                r = link_list_add(&lists->ports, u64_text(options->localhost_ports[i], text));
        return r;
}

static struct link_bytes bytes_of(const struct buf *buf) {
        return (struct link_bytes){ buf_data(buf), buf->len };
}

/* Encoding is the copy: what START says points into start_bytes. */
static int keep_start(struct remote *r, const struct remote_options *options) {
        struct lists lists = { BUF_NULL(MIB), BUF_NULL(MIB), BUF_NULL(MIB), BUF_NULL(KIB) };
        struct link_message m = { .type = LINK_START,
                                  .start = { .spec = *options->spec, .command = *options->command } };
        struct link_start *start = &m.start;
        int error = fill_lists(&lists, options);
        size_t size;

        start->vars = bytes_of(&lists.vars);
        start->command_vars = bytes_of(&lists.command_vars);
        start->argv = bytes_of(&lists.argv);
        start->has_command = start->argv.len > 0;
        start->init_limit = options->init_limit ?: INIT_LIMIT;
        start->site = (struct link_site){
                .api_port = options->shared_network ? 0 : REMOTE_API_PORT,
                .shared_network = options->shared_network,
                .serves_api = options->ports->serve != NULL,
                .uid = options->uid ?: DEFAULT_ID,
                .gid = options->gid ?: DEFAULT_ID,
                .ports = bytes_of(&lists.ports),
        };
        error = error ?: link_encode(&r->start_bytes, &m);
        if (!error && link_decode(buf_data(&r->start_bytes), r->start_bytes.len, LINK_DAEMON, &r->start,
                                  &size) != LINK_WHOLE)
                error = -EINVAL;
        buf_deinit(&lists.vars), buf_deinit(&lists.command_vars);
        buf_deinit(&lists.argv), buf_deinit(&lists.ports);
        return error;
}

struct environment *remote_new(const struct remote_options *options) {
        struct remote *r = xcalloc(1, sizeof(*r));

        must(options->localhost_port_count <= TUNNEL_PORTS_MAX);
        r->base.ops = &remote_ops;
        memcpy(r->base.id, options->spec->id, sizeof(r->base.id));
        r->loop = options->loop;
        r->ports = options->ports;
        r->owner = options->owner;
        r->waited = options->waited;
        r->supervise_there = options->supervise_there;
        r->output_fd = -1;
        r->localhost_port_count = options->localhost_port_count;
        for (size_t i = 0; i < options->localhost_port_count; ++i)
                r->localhost_ports[i] = options->localhost_ports[i];
        r->start_bytes = BUF_NULL(LINK_FRAME_MAX + KIB);
        r->now.payload = BUF_NULL(ANSWER_MAX);
        r->journal =
                (struct journal){ .partial = BUF_NULL(JOURNAL_LINE_MAX + 1), .tail = BUF_NULL(LOG_TAIL_MAX) };
        timer_init(&r->timer, r->loop, on_timer);
        line_init(&r->line, r->loop, LINK_DAEMON, &remote_line_ops, r);
        tunnels_init(&r->tunnels, r->loop, &r->line);
        r->start_error = keep_start(r, options);
        return &r->base;
}
