/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The daemon's end of a link. What decodes encodes to the same bytes; and a remote environment under an init that says
 * anything, at any time, keeps to runtime/environment.h: every invocation is answered once and then idle once, gone is the
 * last word, no timer and no byte is left.
 */
#include "link_words.h"
#include "runtime/remote.h"

#define ID "8476a536-e9f4-11e8-9739-2dfe598c3fcd"

struct world {
        struct words words;
        struct loop *loop;
        struct environment *e;
        struct iovec event;
        struct invocation_order order;
        bool attached, over; /* the transport; its end */
        bool started, idle, frozen, busy, answered, headed, stopping, gone;
};

/* ---- there and back ---- */

static void decode_all(const char *data, size_t len, enum link_side from) {
        struct buf again = BUF_NULL(2 * LINK_FRAME_MAX);
        struct link_message m;
        size_t size;

        while (link_decode(data, len, from, &m, &size) == LINK_WHOLE) {
                must(size <= len && m.type < LINK_TYPES && link_type_name(m.type));
                buf_clear(&again);
                must(link_encode(&again, &m) == 0);
                must(again.len == size && memcmp(buf_data(&again), data, size) == 0);
                data += size;
                len -= size;
        }
        buf_deinit(&again);
}

/* ---- the place's maker ---- */

static int ports_open(void *owner) {
        return 0;
}

static void ports_link_lost(void *owner) {
        struct world *w = owner;

        if (next_byte(&w->words) % 2)
                remote_lost(w->e, REMOTE_OUT_OF_MEMORY, "lost");
}

static void ports_remove(void *owner) {
}

/* Tunnels have sockets, which a hand-turned loop has not: here none leads anywhere. */
static const struct remote_ports ports = { .open = ports_open,
                                           .link_lost = ports_link_lost,
                                           .remove = ports_remove };
static const struct remote_ports plain_ports = { .open = ports_open, .remove = ports_remove };

static ssize_t transport_write(void *owner, const void *data, size_t len) {
        struct world *w = owner;

        must(!w->over);
        return (ssize_t)MIN(len, (size_t)next_byte(&w->words) * 64);
}

static void transport_close(void *owner) {
        struct world *w = owner;

        must(w->attached && !w->over);
        w->over = true;
}

static const struct line_transport transport = { transport_write, transport_close };

/* ---- the owner ---- */

static void on_started(struct environment *e) {
        struct world *w = e->owner;

        must(!w->gone && !w->started);
        w->started = true;
}

static void on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        struct world *w = e->owner;

        must(!w->gone && w->started && !w->idle && !w->busy && !w->frozen);
        w->idle = true;
}

static void on_head(struct environment *e, const char *content_type) {
        struct world *w = e->owner;

        must(w->busy && !w->answered && !w->headed && w->order.stream);
        w->headed = true;
}

static void on_chunk(struct environment *e, const char *data, size_t len) {
        struct world *w = e->owner;

        must(w->busy && !w->answered && w->headed && len);
        if (next_byte(&w->words) % 2)
                e->ops->credit(e, len);
}

static void on_answered(struct environment *e, struct invocation_answer *answer) {
        struct world *w = e->owner;

        must(w->busy && !w->answered && !w->gone && answer->payload);
        must(answer->is_error == (answer->outcome != OUTCOME_OK));
        w->answered = true;
}

static void invoke(struct world *w) {
        static char event[] = "{\"key\":1}";
        uint8_t how = next_byte(&w->words);

        if (!w->idle || w->stopping || w->gone || w->e->ending)
                return;
        w->event = (struct iovec){ event, how & 8 ? 0 : sizeof(event) - 1 };
        w->order = (struct invocation_order){
                .request_id = ID,
                .arn = "arn",
                .event = &w->event,
                .event_parts = 1,
                .timeout = how & 1 ? SECOND : MICROSECOND,
                .stream = how & 2,
                .want_tail = how & 4,
        };
        w->idle = w->answered = w->headed = false;
        w->busy = true;
        w->e->ops->invoke(w->e, &w->order);
}

static void on_idle(struct environment *e, const struct invocation_report *report) {
        struct world *w = e->owner;

        must(w->busy && w->answered && !w->gone && report->log_tail_len <= LOG_TAIL_MAX);
        w->busy = false;
        w->idle = true;
        if (next_byte(&w->words) % 4 == 3)
                invoke(w);
}

static void on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        struct world *w = e->owner;

        must(!w->gone && len && line[len - 1] == '\n');
}

static void on_gone(struct environment *e, const char *why) {
        struct world *w = e->owner;

        must(!w->gone && !w->busy && why);
        w->gone = true;
        if (next_byte(&w->words) % 2)
                TAKE(w->e)->ops->free(e);
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

/* ---- what happens ---- */

static void feed(struct world *w, const struct link_message *m) {
        struct buf frame = BUF_NULL(2 * LINK_FRAME_MAX);
        size_t cut;

        must(link_encode(&frame, m) == 0);
        cut = MIN((size_t)next_byte(&w->words), frame.len);
        if (w->e && w->attached)
                remote_feed(w->e, buf_data(&frame), cut);
        if (w->e && w->attached)
                remote_feed(w->e, buf_data(&frame) + cut, frame.len - cut);
        buf_deinit(&frame);
}

static void freeze_or_thaw(struct world *w) {
        if (w->stopping || w->gone)
                return;
        if (w->frozen) {
                w->frozen = false;
                w->idle = true;
                w->e->ops->thaw(w->e);
        } else if (w->idle) {
                w->frozen = true;
                w->idle = false;
                w->e->ops->freeze(w->e);
        }
}

static void attach(struct world *w) {
        const struct link_message hello = { .type = LINK_HELLO, .hello = { LINK_MAGIC, LINK_VERSION } };

        if (w->attached || w->gone)
                return;
        w->attached = true;
        remote_attach(w->e, &transport, w);
        if (next_byte(&w->words) % 8)
                feed(w, &hello);
}

static void one_event(struct world *w) {
        struct link_message m;
        struct link_bytes raw;
        struct environment_stats stats;

        switch (next_byte(&w->words) % 16) {
        case 0:
                attach(w);
                break;
        case 1:
                raw = next_bytes(&w->words);
                if (w->attached)
                        remote_feed(w->e, raw.data, raw.len);
                break;
        case 2:
                if (w->attached)
                        remote_writable(w->e);
                break;
        case 3:
        case 4:
                invoke(w);
                break;
        case 5:
                freeze_or_thaw(w);
                break;
        case 6:
                if (w->busy)
                        w->e->ops->credit(w->e, next_byte(&w->words));
                break;
        case 7:
                if (next_byte(&w->words) % 4 == 0) {
                        w->stopping = true;
                        w->e->ops->stop(w->e);
                }
                break;
        case 8:
                if (next_byte(&w->words) % 8 == 0)
                        remote_lost(w->e, (enum remote_loss)(next_byte(&w->words) % 3), "lost");
                break;
        case 9:
                if (next_byte(&w->words) % 8 == 0 && w->attached)
                        remote_ended(w->e);
                break;
        case 10:
                w->e->ops->stats(w->e, &stats);
                loop_advance(w->loop, (nsec_t)next_byte(&w->words) * 50 * MILLISECOND);
                break;
        default:
                m = say_init(&w->words);
                feed(w, &m);
        }
}

static void open_world(struct world *w) {
        static const char *const argv[] = { "/bootstrap", NULL };
        uint8_t how = next_byte(&w->words);
        const struct environment_spec spec = { .id = "00112233445566778899aabbccddeeff",
                                               .account = "a",
                                               .region = "r",
                                               .function = "f",
                                               .version = "1",
                                               .runtime = "provided.al2023",
                                               .memory_mb = 128,
                                               .log_group = "g",
                                               .log_stream = "s",
                                               .log_json = how & 1 };
        const struct runtime_command command = {
                .argv = argv, .cwd = "/", .version_name = "v", .version_arn = "a"
        };
        struct remote_options options = { .spec = &spec, .command = &command, .owner = w };

        w->loop = options.loop = loop_new_manual();
        options.ports = how & 2 ? &ports : &plain_ports;
        w->e = remote_new(&options);
        w->e->events = &events;
        w->e->owner = w;
        must(w->e->ops->start(w->e) == 0);
}

/* Stopped, everything ends, in time. */
static void end_world(struct world *w) {
        if (w->e && !w->gone) {
                w->stopping = true;
                w->e->ops->stop(w->e);
                loop_advance(w->loop, 2 * REMOTE_GRACE);
                must(w->gone);
        }
        if (w->e)
                w->e->ops->free(w->e);
        must(w->over == w->attached);
        must(loop_next_due(w->loop) == NSEC_NEVER);
        loop_free(w->loop);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        struct world w = { .words = { data, size } };

        decode_all((const char *)data, size, LINK_DAEMON);
        decode_all((const char *)data, size, LINK_INIT);
        open_world(&w);
        for (unsigned steps = 0; w.words.left && w.e && !w.gone && steps < 300; ++steps) {
                one_event(&w);
                loop_advance(w.loop, 0);
        }
        end_world(&w);
        return 0;
}
