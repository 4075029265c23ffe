/* SPDX-License-Identifier: Apache-2.0 */
/*
 * flow - a finite piece of work told as a table of steps
 *
 * A flow runs its steps in order. A step finishes at once (FLOW_NEXT), or starts something and waits (FLOW_WAIT) until
 * somebody calls flow_go_on. Whatever goes wrong - a step fails, its budget runs out, the owner cancels -
 * every step that has begun is undone, last one first. Undo copes with a half-done begin, cannot fail, does not wait.
 *
 * done is called from the loop, exactly once, never inside flow_start, and may free the flow. After flow_cancel no
 * callback of the flow ever runs: before done it takes everything back, after done it does nothing.
 * A flow is embedded in the object it works for; it allocates nothing.
 */
#pragma once
#include "loop/loop.h"

struct flow;

enum { FLOW_NEXT = 0, FLOW_WAIT = 1 };

struct flow_step {
        const char *name;
        int (*begin)(struct flow *flow); /* FLOW_NEXT, FLOW_WAIT, or -errno */
        void (*undo)(struct flow *flow); /* may be NULL */
        nsec_t budget;                   /* for the wait; 0 for none; spent: -ETIMEDOUT */
};

typedef void (*flow_done_fn)(struct flow *flow, int outcome); /* 0 or -errno */

struct flow {
        const struct flow_step *step, *steps; /* the table ends with a step without begin */
        struct loop *loop;
        struct timer timer;
        struct defer finished;
        flow_done_fn done;
        int outcome;
        bool active, waiting;
};

void flow_start(struct flow *flow, struct loop *loop, const struct flow_step *steps, flow_done_fn done);
/* The wait of the current step is over: 0 goes on, -errno fails the flow. Legal only while it waits (ignored otherwise). */
void flow_go_on(struct flow *flow, int r);
void flow_cancel(struct flow *flow); /* legal on a zeroed flow */
static inline bool flow_is_active(const struct flow *flow) {
        return flow->active;
}
