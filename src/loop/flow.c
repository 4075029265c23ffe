/* SPDX-License-Identifier: Apache-2.0 */
#include "loop/flow.h"

static void flow_unwind(struct flow *flow) {
        for (const struct flow_step *step = flow->step;; --step) {
                if (step->undo)
                        step->undo(flow);
                if (step == flow->steps)
                        return;
        }
}

static void flow_on_finished(struct defer *defer) {
        struct flow *flow = container_of(defer, struct flow, finished);

        flow->active = false;
        flow->done(flow, flow->outcome);
}

static void flow_finish(struct flow *flow, int outcome) {
        timer_disarm(&flow->timer);
        flow->waiting = false;
        if (outcome < 0)
                flow_unwind(flow);
        flow->outcome = outcome;
        defer_call(flow->loop, &flow->finished, flow_on_finished);
}

/* Begin steps until one waits, one fails, or none is left. */
static void flow_run(struct flow *flow) {
        for (; flow->step->begin; ++flow->step) {
                const struct flow_step *step = flow->step;
                int r;

                /* Before begin, so that an answer given inside it is not lost. */
                flow->waiting = true;
                if (flow->step->budget)
                        timer_arm(&flow->timer, loop_now(flow->loop) + flow->step->budget);
                r = step->begin(flow);
                if (!flow->active || !flow->waiting || flow->step != step)
                        return; /* answered or cancelled inside begin: that counts */
                if (r < 0) {
                        flow_finish(flow, r);
                        return;
                }
                if (r == FLOW_WAIT)
                        return;
                timer_disarm(&flow->timer);
        }
        flow_finish(flow, 0);
}

static void flow_on_budget_spent(struct timer *timer) {
        flow_finish(container_of(timer, struct flow, timer), -ETIMEDOUT);
}

void flow_start(struct flow *flow, struct loop *loop, const struct flow_step *steps, flow_done_fn done) {
        must(steps->begin && done);
        *flow = (struct flow){ .step = steps, .steps = steps, .loop = loop, .done = done, .active = true };
        timer_init(&flow->timer, loop, flow_on_budget_spent);
        flow_run(flow);
}

void flow_go_on(struct flow *flow, int r) {
        if (!flow->active || !flow->waiting)
                return;
        flow->waiting = false;
        timer_disarm(&flow->timer);
        if (r < 0) {
                flow_finish(flow, r);
                return;
        }
        ++flow->step;
        flow_run(flow);
}

void flow_cancel(struct flow *flow) {
        bool ended = list_is_linked(&flow->finished.link);

        if (!flow->active)
                return; /* done has been called; what was built is the owner's */
        flow->active = flow->waiting = false;
        timer_disarm(&flow->timer);
        defer_cancel(&flow->finished);
        if (ended && flow->outcome < 0)
                return; /* unwound already */
        if (!flow->step->begin)
                --flow->step; /* ended well: take the last step back too */
        flow_unwind(flow);
}
