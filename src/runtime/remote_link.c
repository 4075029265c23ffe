/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What init says, checked against the state in which it may say it, and told to the owner as events. A message out of its
 * turn is the end of the environment: nothing that follows could be believed.
 */
#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include "runtime/remote_private.h"

/* A paused connection of the runtime may still hold a read buffer on either side of the window. */
#define WINDOW_SLACK (4 * LOOP_SCRATCH)

static const char out_of_turn[] = "lambent-init said something out of its turn";

static struct remote *remote_of_line(struct line *line) {
        return container_of(line, struct remote, line);
}

/* ---- life ---- */

static const char *on_started(struct remote *r) {
        if (r->said_started)
                return out_of_turn;
        r->said_started = true;
        r->start_time = loop_clock(r->loop) - r->started;
        if (r->state == ENV_STARTING)
                timer_arm(&r->timer, loop_now(r->loop) + r->start.start.init_limit + REMOTE_GRACE);
        r->base.events->started(&r->base);
        return NULL;
}

static const char *on_ready(struct remote *r, const struct link_message *m) {
        if (r->state == ENV_STOPPING)
                return NULL; /* it had not heard of that yet */
        if (r->state != ENV_STARTING || !r->said_started)
                return out_of_turn;
        timer_disarm(&r->timer);
        r->state = ENV_IDLE;
        r->base.generation = m->ready.generation;
        r->base.has_extensions = m->ready.has_extensions;
        /* Both messages may have been late, and together: what was not INIT was the start. */
        r->start_time = MIN(r->start_time, loop_clock(r->loop) - r->started - m->ready.init);
        r->base.events->ready(&r->base, r->start_time, m->ready.init, m->ready.failed);
        return NULL;
}

/* ---- an invocation ---- */

static bool is_awaited(const struct remote *r, uint32_t number) {
        return r->now.active && !r->now.answered && r->now.number == number && !r->line.bulk.count;
}

static const char *on_head(struct remote *r, const struct link_message *m) {
        if (!is_awaited(r, m->head.number) || !r->now.order.stream || r->now.headed)
                return out_of_turn;
        r->now.headed = true;
        r->base.events->head(&r->base, m->head.content_type);
        return NULL;
}

static const char *on_chunk(struct remote *r, const struct link_message *m) {
        const struct link_bytes *bytes = &m->part.bytes;

        if (!is_awaited(r, m->part.number) || !r->now.headed)
                return out_of_turn;
        r->now.received += bytes->len;
        r->now.unsettled += bytes->len;
        if (r->now.unsettled > ENVIRONMENT_WINDOW + WINDOW_SLACK || r->now.received > STREAM_ANSWER_MAX)
                return "lambent-init sent more of a streamed answer than it may";
        r->base.events->chunk(&r->base, bytes->data, bytes->len);
        return NULL;
}

static const char *on_payload(struct remote *r, const struct link_message *m) {
        if (!is_awaited(r, m->part.number))
                return out_of_turn;
        if (buf_append(&r->now.payload, m->part.bytes.data, m->part.bytes.len))
                return "lambent-init sent an answer that is too large";
        return NULL;
}

static const char *on_answered(struct remote *r, const struct link_message *m) {
        struct invocation_answer answer = {
                .outcome = (enum invocation_outcome)m->answered.outcome,
                .is_error = m->answered.is_error,
                .payload = &r->now.payload,
                .content_type = m->answered.content_type,
                .error_type = m->answered.error_type,
        };

        if (!is_awaited(r, m->answered.number))
                return out_of_turn;
        r->now.answered = true;
        r->now.outcome = answer.outcome;
        if (answer.error_type)
                r->now.error_type = xstrdup(answer.error_type);
        r->base.events->answered(&r->base, &answer);
        return NULL;
}

static const char *on_idle(struct remote *r, const struct link_message *m) {
        struct buf tail = r->journal.tail;
        struct invocation_report report = {
                .outcome = (enum invocation_outcome)m->idle.outcome,
                .duration = m->idle.duration,
                .billed = m->idle.billed,
                .init = m->idle.init,
                .memory_mb = m->idle.memory_mb,
                .max_memory_mb = m->idle.max_memory_mb,
                .error_type = m->idle.error_type,
                .log_tail = buf_data(&tail),
                .log_tail_len = tail.len,
        };

        if (!r->now.active || !r->now.answered || r->now.number != m->idle.number)
                return out_of_turn;
        /* The owner may invoke again from inside the event: everything of this invocation is put aside before. */
        r->journal.tail = BUF_NULL(LOG_TAIL_MAX);
        r->journal.keep_tail = false;
        remote_forget_invocation(r);
        r->base.generation = m->idle.generation;
        r->base.has_extensions = m->idle.has_extensions;
        r->base.ending |= m->idle.ending;
        r->stats.memory_peak = MAX(r->stats.memory_peak, m->idle.max_memory_mb * (uint64_t)MIB);
        if (r->state == ENV_BUSY) {
                timer_disarm(&r->timer);
                r->state = ENV_IDLE;
        }
        r->base.events->idle(&r->base, &report);
        buf_deinit(&tail);
        return NULL;
}

/* Whether START is in the log decides who writes it, should init die. */
static bool is_start(const struct remote *r, const struct link_bytes *line) {
        static const char text[] = "START RequestId: ", json[] = "\"type\":\"platform.start\"";

        if (r->start.start.spec.log_json)
                return memmem(line->data, MIN(line->len, (size_t)96), json, sizeof(json) - 1);
        return line->len > sizeof(text) && memcmp(line->data, text, sizeof(text) - 1) == 0;
}

static const char *on_log(struct remote *r, const struct link_message *m) {
        const struct link_bytes *line = &m->log.line;

        if (r->now.active) {
                r->now.start_logged = r->now.start_logged || is_start(r, line);
                journal_keep_tail(&r->journal, line->data, line->len);
        }
        r->base.events->log(&r->base, m->log.wall, line->data, line->len);
        return NULL;
}

/* ---- tunnels ---- */

static int serve_api(struct remote *r) {
        int ends[2];

        if (!r->ports->serve || socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0)
                return -1;
        r->ports->serve(r->owner, ends[1]);
        return ends[0];
}

static int dial(const struct sockaddr *address, socklen_t len) {
        int fd = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), on = 1;

        if (fd < 0)
                return -1;
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
        if (connect(fd, address, len) < 0 && errno != EINPROGRESS)
                fd = fd_close(fd);
        return fd;
}

/* Loopback refuses at once, so the second address is tried only where nobody listens on the first. */
static int dial_localhost(uint16_t port) {
        const struct sockaddr_in v4 = { .sin_family = AF_INET,
                                        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
                                        .sin_port = htons(port) };
        const struct sockaddr_in6 v6 = { .sin6_family = AF_INET6,
                                         .sin6_addr = IN6ADDR_LOOPBACK_INIT,
                                         .sin6_port = htons(port) };
        int fd = dial((const struct sockaddr *)&v4, sizeof(v4));

        return fd >= 0 ? fd : dial((const struct sockaddr *)&v6, sizeof(v6));
}

/* Only where it was told that it may. */
static bool may_dial(const struct remote *r, uint32_t port) {
        for (size_t i = 0; i < r->localhost_port_count; ++i)
                if (r->localhost_ports[i] == port)
                        return true;
        return false;
}

static const char *on_tunnel_open(struct remote *r, const struct link_message *m) {
        uint32_t port = m->tunnel_open.port;
        int fd = -1;

        if (m->tunnel_open.kind == TUNNEL_API)
                fd = serve_api(r);
        else if (may_dial(r, port))
                fd = dial_localhost((uint16_t)port);
        tunnels_accept(&r->tunnels, m->tunnel_open.id, fd);
        return NULL;
}

/* ---- all of it ---- */

static const char *on_gone(struct remote *r, const struct link_message *m) {
        AUTO(str) char *why = xstrdup(m->gone.why);

        remote_end(r, REMOTE_BROKEN, why);
        return NULL;
}

static const char *on_message(struct line *line, const struct link_message *m) {
        struct remote *r = remote_of_line(line);

        if (r->open_said && m->type >= LINK_STARTED && m->type <= LINK_STATS)
                return out_of_turn; /* a supervisor's words, and there is none over there */
        switch (m->type) {
        case LINK_STARTED:
                return on_started(r);
        case LINK_READY:
                return on_ready(r, m);
        case LINK_HEAD:
                return on_head(r, m);
        case LINK_CHUNK:
                return on_chunk(r, m);
        case LINK_PAYLOAD:
                return on_payload(r, m);
        case LINK_ANSWERED:
                return on_answered(r, m);
        case LINK_IDLE:
                return on_idle(r, m);
        case LINK_LOG:
                return on_log(r, m);
        case LINK_STATS:
                r->stats.memory = m->stats.memory;
                r->stats.memory_peak = MAX(r->stats.memory_peak, m->stats.memory_peak);
                return NULL;
        case LINK_OPENED:
        case LINK_KEPT:
        case LINK_EXIT:
        case LINK_EMPTIED:
        case LINK_STOP:
                return near_on_message(r, m);
        case LINK_GONE:
                return on_gone(r, m);
        case LINK_TUNNEL_OPEN:
                return on_tunnel_open(r, m);
        case LINK_TUNNEL_DATA:
        case LINK_TUNNEL_CREDIT:
        case LINK_TUNNEL_END:
        case LINK_TUNNEL_CLOSE:
                return tunnels_on_message(&r->tunnels, m);
        case LINK_HELLO:
        case LINK_START:
        case LINK_OPEN:
        case LINK_SPAWN:
        case LINK_SIGNAL:
        case LINK_KILL:
        case LINK_INVOKE:
        case LINK_EVENT:
        case LINK_CREDIT:
        case LINK_FREEZE:
        case LINK_THAW:
        case LINK_ASK_STATS:
        case LINK_TYPES:
                break;
        }
        return out_of_turn;
}

static void on_end(struct line *line, const char *why) {
        struct remote *r = remote_of_line(line);
        /* Of an accident nobody hears: there is no reason to wait for. */
        bool wants_reason = (remote_is_starting(r) && !r->waited) || remote_is_asked(r);

        tunnels_deinit(&r->tunnels);
        if (r->lost)
                return; /* why is known, and told in a moment */
        if (r->state == ENV_STOPPING) {
                remote_end(r, REMOTE_BROKEN, "stopped");
        } else if (!r->ports->link_lost || !wants_reason) {
                remote_end(r, REMOTE_BROKEN, why);
        } else {
                r->link_lost = true;
                free(r->lost_why);
                r->lost_why = xstrdup(why);
                timer_arm(&r->timer, loop_now(r->loop) + REMOTE_PATIENCE);
                r->ports->link_lost(r->owner);
        }
}

static void on_drain(struct line *line) {
        tunnels_on_drain(&remote_of_line(line)->tunnels);
}

const struct line_ops remote_line_ops = { .on_message = on_message, .on_end = on_end, .on_drain = on_drain };
