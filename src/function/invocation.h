/* SPDX-License-Identifier: Apache-2.0 */
/*
 * invocation - one call of a function, from admission to REPORT
 *
 * The caller fills a struct invocation_request and hands it to invoke_start with its events. The invocation
 * object owns the payload; it waits in the version's pool, is delivered to an environment once, and ends by
 * exactly one `answered` and then one `ended` (or only one of `refused`). A caller that goes away calls
 * invocation_abandon: what was not delivered is dropped, what was delivered runs on and its output is
 * dropped.
 */
#pragma once
#include "function/function.h"
#include "runtime/environment.h"

struct invocation;
struct pools;

enum refusal {
        REFUSED_THROTTLED =
                1, /* every environment is busy and no more may start, or the account's share is spent: 429 */
        REFUSED_RESERVED, /* the function's reservation is spent: 429 */
        REFUSED_PENDING,  /* the function is not Active yet: 409 */
        REFUSED_FAILED,   /* its state is Failed: 409 */
        REFUSED_SHUTDOWN, /* lambent is stopping: 500 */
};

struct invocation_events {
        void (*refused)(void *owner, enum refusal why, const char *detail);
        void (*head)(void *owner, const char *content_type); /* streams only */
        void (*chunk)(void *owner, const char *data, size_t len);
        /* With want_tail it comes after REPORT and report is set; otherwise report is NULL. */
        void (*answered)(void *owner, struct invocation_answer *answer,
                         const struct invocation_report *report);
};

struct invocation_request {
        struct version *version;
        const char *request_id; /* copied, like all strings here */
        const char *qualifier;  /* as invoked; NULL: without */
        const char *trace_id, *client_context, *cognito_identity, *tenant_id; /* NULL */
        struct buf *payload_consume; /* taken over; an empty one is delivered as {} */
        bool stream, want_tail;
};

/* NULL when it was refused at once (the event has been called by then). */
struct invocation *invocation_start(struct pools *pools, struct invocation_request *request,
                                    const struct invocation_events *events, void *owner);
void invocation_credit(struct invocation *i, size_t len);
/* The caller is gone; no event comes any more. */
void invocation_abandon(struct invocation *i);
