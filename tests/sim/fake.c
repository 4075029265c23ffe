/* SPDX-License-Identifier: Apache-2.0 */
/* An environment that follows its plan, and holds its owner to the contract of runtime/environment.h. */
#include "sim.h"

#include <stdio.h>

static struct fake *fake_of(struct environment *e) {
        return container_of(e, struct fake, base);
}

static void after(struct fake *f, nsec_t time) {
        timer_arm(&f->timer, loop_now(f->sim->loop) + time);
}

static bool is_resting(const struct fake *f) {
        return f->state == FAKE_IDLE || f->state == FAKE_FROZEN;
}

static void tell_answered(struct fake *f, enum invocation_outcome outcome) {
        struct buf payload = BUF_NULL(64);
        struct invocation_answer answer = {
                .outcome = outcome,
                .is_error = outcome != OUTCOME_OK,
                .payload = &payload,
                .error_type = outcome == OUTCOME_OK ? NULL : "Runtime.Fake",
        };

        f->answered = true;
        assert_int_equal(buf_append_str(&payload, f->request_id), 0);
        f->base.events->answered(&f->base, &answer);
        buf_deinit(&payload);
}

static void tell_idle(struct fake *f, enum invocation_outcome outcome) {
        struct invocation_report report = { .outcome = outcome,
                                            .duration = MILLISECOND,
                                            .billed = MILLISECOND };

        f->under_way = false;
        ++f->served;
        f->base.events->idle(&f->base, &report);
}

void fake_perish(struct fake *f) {
        enum fake_state was = f->state;

        sim_claim(f->sim, was != FAKE_GONE);
        f->base.ending = true;
        f->base.accident = f->plan.accident && was <= FAKE_STARTED;
        timer_disarm(&f->timer);
        timer_disarm(&f->doom);
        if (f->under_way) {
                f->state = was == FAKE_STOPPING ? was : FAKE_ANSWERED;
                if (!f->answered)
                        tell_answered(f, OUTCOME_SANDBOX_FAILURE);
                tell_idle(f, OUTCOME_SANDBOX_FAILURE);
        }
        f->state = FAKE_GONE;
        snprintf(f->why, sizeof(f->why), "%s", was == FAKE_STOPPING ? "stopped" : "its time had come");
        f->base.events->gone(&f->base, f->why);
}

static void on_doom(struct timer *timer) {
        fake_perish(container_of(timer, struct fake, doom));
}

/* Chunks go out while there is credit, as a driver would let them. */
static void go_on_answering(struct fake *f) {
        static const char chunk[64 * 1024];

        while (f->chunks_left && f->credit) {
                size_t len = MIN((size_t)f->credit, sizeof(chunk));

                --f->chunks_left;
                f->credit -= len;
                f->base.events->chunk(&f->base, chunk, len);
        }
        if (f->chunks_left)
                return; /* credit goes on */
        f->state = FAKE_ANSWERED;
        after(f, f->plan.idle);
        tell_answered(f, f->plan.outcome);
}

static void on_timer(struct timer *timer) {
        struct fake *f = container_of(timer, struct fake, timer);

        switch (f->state) {
        case FAKE_STARTING:
                f->state = FAKE_STARTED;
                f->base.has_extensions = f->plan.has_extensions;
                after(f, f->plan.ready);
                if (!f->plan.never_started)
                        f->base.events->started(&f->base);
                break;
        case FAKE_STARTED:
                f->state = FAKE_IDLE;
                f->base.events->ready(&f->base, f->plan.started, f->plan.ready, f->plan.init_fails);
                break;
        case FAKE_BUSY:
                if (f->stream && f->plan.chunks && !f->begun) {
                        f->begun = true;
                        f->chunks_left = f->plan.chunks;
                        f->credit = ENVIRONMENT_WINDOW;
                        f->base.events->head(&f->base, NULL);
                }
                go_on_answering(f);
                break;
        case FAKE_ANSWERED:
                f->state = FAKE_IDLE;
                tell_idle(f, f->plan.outcome);
                break;
        case FAKE_STOPPING:
                fake_perish(f);
                break;
        case FAKE_NEW:
        case FAKE_IDLE:
        case FAKE_FROZEN:
        case FAKE_GONE:
                sim_claim(f->sim, !"the fake's timer outlived its state");
        }
}

static int fake_start(struct environment *e) {
        struct fake *f = fake_of(e);

        sim_claim(f->sim, f->state == FAKE_NEW);
        f->state = FAKE_STARTING;
        if (++f->sim->starts == f->sim->fail_start_at)
                return -EMFILE;
        if (f->plan.start_error)
                return -f->plan.start_error;
        after(f, f->plan.started);
        if (f->plan.doom != NEVER)
                timer_arm(&f->doom, loop_now(f->sim->loop) + f->plan.doom);
        return 0;
}

static void fake_invoke(struct environment *e, const struct invocation_order *order) {
        struct fake *f = fake_of(e);

        sim_claim(f->sim, f->state == FAKE_IDLE && !f->under_way && !e->ending);
        sim_claim(f->sim, order->event_parts == 1 && order->event->iov_len >= 2 && order->timeout);
        /* It never sees another tenant. */
        if (!f->has_tenant)
                str_fit(f->tenant, sizeof(f->tenant), order->tenant_id ? order->tenant_id : "");
        f->has_tenant = true;
        sim_claim(f->sim, streq(f->tenant, order->tenant_id ? order->tenant_id : ""));
        f->state = FAKE_BUSY;
        f->under_way = true;
        f->answered = false;
        f->stream = order->stream;
        f->chunks_left = 0;
        f->begun = false;
        snprintf(f->request_id, sizeof(f->request_id), "%s", order->request_id);
        after(f, f->plan.answer);
}

static void fake_credit(struct environment *e, size_t len) {
        struct fake *f = fake_of(e);
        bool blocked = !f->credit && f->chunks_left;

        if (f->state != FAKE_BUSY)
                return;
        f->credit += MIN(len, (size_t)ENVIRONMENT_WINDOW - (size_t)f->credit);
        if (blocked && f->credit && !timer_is_armed(&f->timer))
                after(f, 0);
}

static void fake_freeze(struct environment *e) {
        struct fake *f = fake_of(e);

        sim_claim(f->sim, f->state == FAKE_IDLE);
        f->state = FAKE_FROZEN;
}

static void fake_thaw(struct environment *e) {
        struct fake *f = fake_of(e);

        sim_claim(f->sim, f->state == FAKE_FROZEN);
        f->state = FAKE_IDLE;
}

static void fake_stop(struct environment *e) {
        struct fake *f = fake_of(e);

        sim_claim(f->sim, f->state != FAKE_STOPPING && f->state != FAKE_GONE);
        sim_claim(f->sim, !f->under_way || !is_resting(f));
        ++f->sim->stops;
        f->state = FAKE_STOPPING;
        after(f, f->plan.stop);
}

static void fake_stats(struct environment *e, struct environment_stats *ret_stats) {
        *ret_stats = (struct environment_stats){ .memory = fake_of(e)->number };
}

static void fake_free(struct environment *e) {
        struct fake *f = fake_of(e);

        ++f->sim->freed;
        timer_disarm(&f->timer);
        timer_disarm(&f->doom);
        list_unlink(&f->link);
        free(f);
}

static const struct environment_ops fake_ops = {
        .start = fake_start,
        .invoke = fake_invoke,
        .credit = fake_credit,
        .freeze = fake_freeze,
        .thaw = fake_thaw,
        .stop = fake_stop,
        .stats = fake_stats,
        .free = fake_free,
};

void fake_new(struct sim *s, struct version *v, const char *id, struct fake **ret_fake) {
        struct fake *f = xcalloc(1, sizeof(*f));

        f->base.ops = &fake_ops;
        snprintf(f->base.id, sizeof(f->base.id), "%s", id);
        f->sim = s;
        f->version = v;
        f->number = s->made;
        f->plan = s->plan;
        if (s->plan_next)
                s->plan_next(s, &f->plan);
        timer_init(&f->timer, s->loop, on_timer);
        timer_init(&f->doom, s->loop, on_doom);
        list_push_back(&s->fakes, &f->link);
        *ret_fake = f;
}
