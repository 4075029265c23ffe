/* SPDX-License-Identifier: Apache-2.0 */
#include "init/carrier_private.h"
#include "init/image_vars.h"
#include "runtime/assembly.h"
#include "runtime/extensions.h"

#define BACKLOG_HIGH MIB /* of log lines, mostly */
#define VARS_MAX 2000    /* the function's own; the API allows 4 KB of them */
#define STATS_EVERY (100 * MILLISECOND)

const char carrier_out_of_turn[] = "the daemon said something out of its turn";

static struct carrier *carrier_of(struct environment *e) {
        return e->owner;
}

/* ---- what the supervisor tells ---- */

static void on_started(struct environment *e) {
        const struct link_message m = { .type = LINK_STARTED };

        line_send(&carrier_of(e)->line, &m);
}

static void send_stats(struct carrier *c) {
        struct link_message m = { .type = LINK_STATS };
        struct environment_stats stats;

        if (!c->e)
                return;
        c->e->ops->stats(c->e, &stats);
        c->stats_sent = loop_now(c->loop);
        m.stats.memory = stats.memory;
        m.stats.memory_peak = stats.memory_peak;
        line_send(&c->line, &m);
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        const struct link_message m = { .type = LINK_READY,
                                        .ready = { e->generation, init, failed, e->has_extensions } };
        struct carrier *c = carrier_of(e);

        c->state = CARRIER_IDLE;
        line_send(&c->line, &m);
        send_stats(c);
}

static void on_head(struct environment *e, const char *content_type) {
        struct carrier *c = carrier_of(e);
        const struct link_message m = { .type = LINK_HEAD, .head = { c->number, content_type } };

        line_send(&c->line, &m);
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        struct carrier *c = carrier_of(e);

        while (len) {
                size_t part = MIN(len, LINK_CHUNK_MAX);
                const struct link_message m = { .type = LINK_CHUNK, .part = { c->number, { data, part } } };

                line_send(&c->line, &m);
                data += part;
                len -= part;
        }
}

/* The caller waits: this does not wait for the end of the turn. */
static void on_answered(struct environment *e, struct invocation_answer *answer) {
        struct carrier *c = carrier_of(e);
        const struct link_message m = {
                .type = LINK_ANSWERED,
                .answered = { c->number, answer->outcome, answer->is_error, answer->content_type,
                              answer->error_type },
        };

        line_send_bulk_consume(&c->line, LINK_PAYLOAD, c->number, answer->payload);
        line_send_behind(&c->line, &m);
        line_flush(&c->line);
        buf_deinit(&c->event);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct carrier *c = carrier_of(e);
        const struct link_message m = {
                .type = LINK_IDLE,
                .idle = { c->number, e->generation, report->outcome, e->ending, e->has_extensions,
                          report->duration, report->billed, report->init, report->memory_mb,
                          report->max_memory_mb, report->error_type },
        };

        c->state = CARRIER_IDLE;
        line_send_behind(&c->line, &m);
        if (loop_now(c->loop) - c->stats_sent > STATS_EVERY)
                send_stats(c);
}

static void hold_output(struct carrier *c, bool hold) {
        if (c->holding == hold)
                return;
        c->holding = hold;
        if (hold)
                line_await_drain(&c->line);
        if (c->ports->hold_output)
                c->ports->hold_output(c->owner, hold);
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        const struct link_message m = { .type = LINK_LOG, .log = { wall, { line, len } } };
        struct carrier *c = carrier_of(e);

        line_send_late(&c->line, &m);
        if (line_backlog(&c->line) > BACKLOG_HIGH)
                hold_output(c, true);
}

void carrier_say_gone(struct carrier *c, const char *why) {
        const struct link_message m = { .type = LINK_GONE, .gone.why = why };

        c->state = CARRIER_GONE;
        line_send_behind(&c->line, &m);
        line_await_drain(&c->line);
}

static void on_gone(struct environment *e, const char *why) {
        struct carrier *c = carrier_of(e);

        carrier_say_gone(c, *why ? why : "gone");
        c->e = NULL;
        doors_close(&c->doors);
        e->ops->free(e);
}

static const struct environment_events events = {
        .started = on_started,
        .ready = on_ready,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
        .idle = on_idle,
        .log = on_log,
        .gone = on_gone,
};

/* ---- START ---- */

void carrier_open_doors(struct carrier *c, const struct link_site *site, struct place *place) {
        uint64_t port;

        doors_init(&c->doors, c->loop, &c->tunnels, site->shared_network ? place : NULL);
        for (const char *at = NULL; (at = link_list_next(&site->ports, at));)
                if (!site->shared_network && str_to_u64(at, UINT16_MAX, &port) == 0 && port)
                        doors_open_port(&c->doors, (uint16_t)port);
}

/* Calls of the Lambda API lead to the daemon through a door of their own, unless image or function chose an endpoint. */
static uint16_t open_endpoint(struct carrier *c, const struct link_start *start,
                              const struct image_vars *image) {
        size_t own_count;
        struct env_var *own = link_list_vars(&start->vars, &own_count);
        bool chosen =
                assembly_has_endpoint(own, own_count) || assembly_has_endpoint(image->vars, image->count);
        uint16_t port = 0;

        if (start->site.serves_api && !chosen)
                doors_open_api(&c->doors, &port);
        free(own);
        return port;
}

static void make_supervisor(struct carrier *c, const struct link_start *start) {
        struct assembly assembly = { .loop = c->loop, .start = start };
        struct image_vars image;
        char **extensions = NULL;

        assembly.place_consume = c->ports->make_place(c->owner, &start->site, -1);
        carrier_open_doors(c, &start->site, assembly.place_consume);
        image_vars_read(&image, c->ports->environ, NULL, 0);
        assembly.image_vars = image.vars;
        assembly.image_var_count = image.count;
        assembly.endpoint_port = open_endpoint(c, start, &image);
        if (c->ports->find_extensions)
                extensions = c->ports->find_extensions(c->owner, &assembly.extensions_disabled);
        assembly.extensions = (const char *const *)extensions;
        c->e = assembly_supervisor(&assembly);
        extension_files_free(extensions);
        image_vars_clear(&image);
}

static const char *on_start(struct carrier *c, const struct link_message *m) {
        int r;

        loan_take_back(c);
        if (c->state != CARRIER_NEW)
                return carrier_out_of_turn;
        if (link_list_count(&m->start.vars) > 2 * VARS_MAX ||
            link_list_count(&m->start.command_vars) > 2 * VARS_MAX)
                return "the daemon gave more variables than a process can have";
        c->state = CARRIER_STARTING;
        line_expect_fds(&c->line, 0);
        make_supervisor(c, &m->start);
        c->e->events = &events;
        c->e->owner = c;
        r = c->e->ops->start(c->e);
        if (r)
                on_gone(c->e, strerror(-r));
        return NULL;
}

/* ---- what the daemon asks ---- */

static void deliver(struct carrier *c) {
        struct invocation_order *order = &c->order.invoke.order;

        c->event_part = (struct iovec){ buf_data(&c->event), c->event.len };
        order->event = &c->event_part;
        order->event_parts = 1;
        c->e->ops->invoke(c->e, order);
}

/* Encoded once more, what was said of it is a copy that stays. */
static const char *on_invoke(struct carrier *c, const struct link_message *m) {
        size_t size;

        if (c->state != CARRIER_IDLE || m->invoke.number != c->number + 1)
                return carrier_out_of_turn;
        if (c->stopping)
                return NULL;
        ++c->number;
        c->state = CARRIER_BUSY;
        buf_clear(&c->order_bytes);
        if (link_encode(&c->order_bytes, m) || link_decode(buf_data(&c->order_bytes), c->order_bytes.len,
                                                           LINK_DAEMON, &c->order, &size) != LINK_WHOLE)
                return "no memory for an invocation";
        if (!m->invoke.event_len)
                deliver(c);
        return NULL;
}

static const char *on_event(struct carrier *c, const struct link_message *m) {
        size_t want = c->order.invoke.event_len;

        if (c->stopping)
                return NULL;
        if (c->state != CARRIER_BUSY || m->part.number != c->number || c->event.len >= want)
                return carrier_out_of_turn;
        if (m->part.bytes.len > want - c->event.len ||
            buf_append(&c->event, m->part.bytes.data, m->part.bytes.len))
                return "the daemon sent more of an event than it may";
        if (c->event.len == want)
                deliver(c);
        return NULL;
}

static const char *on_freeze(struct carrier *c, bool freeze) {
        if (c->stopping)
                return NULL;
        if (c->state != (freeze ? CARRIER_IDLE : CARRIER_FROZEN))
                return carrier_out_of_turn;
        c->state = freeze ? CARRIER_FROZEN : CARRIER_IDLE;
        if (freeze)
                c->e->ops->freeze(c->e);
        else
                c->e->ops->thaw(c->e);
        return NULL;
}

void carrier_stop(struct carrier *c) {
        const struct link_message m = { .type = LINK_STOP };

        if (c->stopping)
                return;
        c->stopping = true;
        if (c->e)
                c->e->ops->stop(c->e);
        else if (c->state == CARRIER_LENT)
                line_send(&c->line, &m); /* the supervisor is the daemon's */
        else if (c->state != CARRIER_GONE)
                carrier_say_gone(c, "stopped");
}

static void on_stop(struct carrier *c) {
        if (c->state == CARRIER_LENT)
                carrier_say_gone(c, "stopped"); /* it was said before that was known */
        else
                carrier_stop(c);
}

static const char *on_credit(struct carrier *c, const struct link_message *m) {
        if (c->e && c->state == CARRIER_BUSY && m->credit.number == c->number)
                c->e->ops->credit(c->e, m->credit.len);
        return NULL; /* else it is late, which is normal */
}

static const char *on_message(struct line *line, const struct link_message *m) {
        struct carrier *c = container_of(line, struct carrier, line);

        if (c->state == CARRIER_GONE)
                return NULL;
        switch (m->type) {
        case LINK_START:
                return on_start(c, m);
        case LINK_INVOKE:
                return on_invoke(c, m);
        case LINK_EVENT:
                return on_event(c, m);
        case LINK_CREDIT:
                return on_credit(c, m);
        case LINK_OPEN:
        case LINK_SPAWN:
        case LINK_SIGNAL:
        case LINK_KILL:
                return loan_on_message(c, m);
        case LINK_FREEZE:
        case LINK_THAW:
                return c->e ? on_freeze(c, m->type == LINK_FREEZE) : loan_on_message(c, m);
        case LINK_ASK_STATS:
                send_stats(c);
                return NULL;
        case LINK_STOP:
                on_stop(c);
                return NULL;
        case LINK_TUNNEL_DATA:
        case LINK_TUNNEL_CREDIT:
        case LINK_TUNNEL_END:
        case LINK_TUNNEL_CLOSE:
                return tunnels_on_message(&c->tunnels, m);
        case LINK_HELLO:
        case LINK_STARTED:
        case LINK_READY:
        case LINK_HEAD:
        case LINK_CHUNK:
        case LINK_PAYLOAD:
        case LINK_ANSWERED:
        case LINK_IDLE:
        case LINK_LOG:
        case LINK_STATS:
        case LINK_OPENED:
        case LINK_KEPT:
        case LINK_EXIT:
        case LINK_EMPTIED:
        case LINK_GONE:
        case LINK_TUNNEL_OPEN:
        case LINK_TYPES:
                break;
        }
        return carrier_out_of_turn;
}

static void on_end(struct line *line, const char *why) {
        struct carrier *c = container_of(line, struct carrier, line);

        c->ports->on_end(c->owner, why);
}

static void on_drain(struct line *line) {
        struct carrier *c = container_of(line, struct carrier, line);

        if (c->state == CARRIER_GONE) {
                c->ports->on_end(c->owner, "done");
                return;
        }
        hold_output(c, false);
        tunnels_on_drain(&c->tunnels);
}

static const struct line_ops line_ops = { .on_message = on_message, .on_end = on_end, .on_drain = on_drain };

/* ---- life ---- */

struct carrier *carrier_new(struct loop *loop, const struct carrier_ports *ports, void *owner) {
        struct carrier *c = xcalloc(1, sizeof(*c));

        c->loop = loop;
        c->ports = ports;
        c->owner = owner;
        c->order_bytes = BUF_NULL(LINK_FRAME_MAX + KIB);
        c->event = BUF_NULL(PAYLOAD_MAX);
        line_init(&c->line, loop, LINK_INIT, &line_ops, c);
        tunnels_init(&c->tunnels, loop, &c->line);
        doors_init(&c->doors, loop, &c->tunnels, NULL);
        return c;
}

void carrier_free(struct carrier *c) {
        if (!c)
                return;
        doors_close(&c->doors);
        tunnels_deinit(&c->tunnels);
        line_deinit(&c->line);
        if (c->e)
                c->e->ops->free(c->e);
        loan_end(c);
        buf_deinit(&c->order_bytes);
        buf_deinit(&c->event);
        free(c);
}

int carrier_open(struct carrier *c, int in_fd, int out_fd) {
        int r = line_open(&c->line, in_fd, out_fd);

        if (!r && in_fd == out_fd)
                line_expect_fds(&c->line, 1); /* that of OPEN */
        return r;
}
