/* SPDX-License-Identifier: Apache-2.0 */
/*
 * owner - who owns a fuzzed environment: it keeps to runtime/environment.h, and sees to it that the environment does
 *
 * Every invocation is answered once and then idle once, and gone is the last word. What an owner may do besides, inside an
 * event too (credit, the next invocation, freeing what has gone), the input says.
 */
#pragma once
#include "link_words.h"
#include "runtime/environment.h"

struct owner {
        struct words *words;
        struct environment *e; /* NULL when it has been freed */
        bool started, idle, frozen, busy, answered, headed, stopping, gone;
        struct iovec event;
        struct invocation_order order;
};

static inline void owner_invoke(struct owner *o) {
        static char event[] = "{\"key\":1}";
        uint8_t how = next_byte(o->words);

        if (!o->idle || o->stopping || o->gone || o->e->ending)
                return;
        o->event = (struct iovec){ event, how & 8 ? 0 : sizeof(event) - 1 };
        o->order = (struct invocation_order){
                .request_id = REQUEST_ID,
                .arn = "arn",
                .event = &o->event,
                .event_parts = 1,
                .timeout = how & 1 ? SECOND : MICROSECOND,
                .stream = how & 2,
                .want_tail = how & 4,
        };
        o->idle = o->answered = o->headed = false;
        o->busy = true;
        o->e->ops->invoke(o->e, &o->order);
}

static inline void owner_freeze_or_thaw(struct owner *o) {
        if (o->stopping || o->gone)
                return;
        if (o->frozen) {
                o->frozen = false;
                o->idle = true;
                o->e->ops->thaw(o->e);
        } else if (o->idle) {
                o->frozen = true;
                o->idle = false;
                o->e->ops->freeze(o->e);
        }
}

static inline void owner_credit(struct owner *o) {
        if (o->busy)
                o->e->ops->credit(o->e, next_byte(o->words));
}

static inline void owner_stop(struct owner *o) {
        o->stopping = true;
        o->e->ops->stop(o->e);
}

static void owner_on_started(struct environment *e) {
        struct owner *o = e->owner;

        must(!o->gone && !o->started);
        o->started = true;
}

static void owner_on_ready(struct environment *e, nsec_t start, nsec_t init, bool failed) {
        struct owner *o = e->owner;

        must(!o->gone && o->started && !o->idle && !o->busy && !o->frozen);
        o->idle = true;
}

static void owner_on_head(struct environment *e, const char *content_type) {
        struct owner *o = e->owner;

        must(o->busy && !o->answered && !o->headed && o->order.stream);
        o->headed = true;
}

static void owner_on_chunk(struct environment *e, const char *data, size_t len) {
        struct owner *o = e->owner;

        must(o->busy && !o->answered && o->headed && len);
        if (next_byte(o->words) % 2)
                e->ops->credit(e, len);
}

static void owner_on_answered(struct environment *e, struct invocation_answer *answer) {
        struct owner *o = e->owner;

        must(o->busy && !o->answered && !o->gone && answer->payload);
        must(answer->is_error == (answer->outcome != OUTCOME_OK));
        o->answered = true;
}

static void owner_on_idle(struct environment *e, const struct invocation_report *report) {
        struct owner *o = e->owner;

        must(o->busy && o->answered && !o->gone && report->log_tail_len <= LOG_TAIL_MAX);
        o->busy = false;
        o->idle = true;
        if (next_byte(o->words) % 4 == 3)
                owner_invoke(o);
}

static void owner_on_log(struct environment *e, nsec_t wall, const char *line, size_t len) {
        struct owner *o = e->owner;

        must(!o->gone && len && line[len - 1] == '\n');
}

static void owner_on_gone(struct environment *e, const char *why) {
        struct owner *o = e->owner;

        must(!o->gone && !o->busy && why);
        o->gone = true;
        if (next_byte(o->words) % 2)
                TAKE(o->e)->ops->free(e);
}

/* Takes the environment, and starts it. */
static inline void owner_begin(struct owner *o, struct words *words, struct environment *e) {
        static const struct environment_events events = {
                .started = owner_on_started,
                .ready = owner_on_ready,
                .head = owner_on_head,
                .chunk = owner_on_chunk,
                .answered = owner_on_answered,
                .idle = owner_on_idle,
                .log = owner_on_log,
                .gone = owner_on_gone,
        };

        o->words = words;
        o->e = e;
        e->events = &events;
        e->owner = o;
        must(e->ops->start(e) == 0);
}

static inline void owner_end(struct owner *o) {
        if (o->e)
                o->e->ops->free(o->e);
}
