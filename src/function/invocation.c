/* SPDX-License-Identifier: Apache-2.0 */
#include "base/json.h"
#include "base/log.h"
#include "function/concurrency.h"
#include "function/pool_private.h"

#define WHY_MAX ((size_t)KIB) /* of why there is no environment, in an answer */

static char *copy(const char *s) {
        return s ? xstrdup(s) : NULL;
}

static void invocation_free(struct invocation *i) {
        list_unlink(&i->link);
        buf_deinit(&i->payload);
        buf_deinit(&i->held_payload);
        free(i->arn), free(i->trace_id), free(i->client_context), free(i->cognito_identity),
                free(i->tenant_id);
        free(i->held_content_type), free(i->held_error_type);
        free(i);
}

/* It counts until its answer: who has that may invoke again at once. */
static void leave(struct invocation *i) {
        struct version *v = TAKE(i->counted);

        if (!v)
                return;
        concurrency_leave(v->concurrency, i->placed);
        v->placed -= i->placed;
}

static int enter(struct invocation *i, struct version *v) {
        bool placed = v->placed < v->provisioned;
        int spent = v->concurrency ? concurrency_enter(v->concurrency, placed) : 0;

        if (spent)
                return spent == CONCURRENCY_RESERVED_SPENT ? REFUSED_RESERVED : REFUSED_THROTTLED;
        if (!v->concurrency)
                return 0;
        i->counted = v;
        i->placed = placed;
        v->placed += placed;
        return 0;
}

static int admit(struct pool *pool, struct invocation *i) {
        if (pool->version->prepared)
                return pool_admit(pool, i);
        pool_await_code(pool, i);
        return 0;
}

struct invocation *invocation_start(struct pools *pools, struct invocation_request *request,
                                    const struct invocation_events *events, void *owner) {
        struct invocation *i = xcalloc(1, sizeof(*i));
        struct version *v = request->version;
        int refusal;

        i->pools = pools;
        i->events = events;
        i->owner = owner;
        i->stream = request->stream;
        i->want_tail = request->want_tail;
        i->arn = request->qualifier ? xstrcat(v->arn, ":", request->qualifier, NULL) : xstrdup(v->arn);
        i->trace_id = copy(request->trace_id);
        i->client_context = copy(request->client_context);
        i->cognito_identity = copy(request->cognito_identity);
        i->tenant_id = copy(request->tenant_id);
        i->payload = *request->payload_consume;
        *request->payload_consume = BUF_NULL(i->payload.cap);
        i->held_payload = BUF_NULL(STREAM_ANSWER_MAX);
        i->arrived = loop_now(pools->loop);
        i->wall = loop_wall(pools->loop);
        str_fit(i->request_id, sizeof(i->request_id), request->request_id);
        list_init(&i->link);
        if (pools->draining)
                refusal = REFUSED_SHUTDOWN;
        else if (v->status.state == STATE_FAILED)
                refusal = REFUSED_FAILED;
        else if (!v->prepared && v->status.state == STATE_PENDING)
                refusal = REFUSED_PENDING;
        else if (!(refusal = enter(i, v)))
                refusal = admit(pool_of(pools, v, i->tenant_id), i);
        if (refusal) {
                if (refusal == REFUSED_THROTTLED || refusal == REFUSED_RESERVED)
                        ++pools->totals.throttles;
                invocation_refuse(i, (enum refusal)refusal, function_state_name(v->status.state));
                return NULL;
        }
        return i;
}

void invocation_refuse(struct invocation *i, enum refusal why, const char *detail) {
        leave(i);
        if (!i->abandoned)
                i->events->refused(i->owner, why, detail);
        invocation_free(i);
}

/* The event as the driver wants it: an empty payload is delivered as an empty object. */
void invocation_deliver(struct invocation *i, struct member *m) {
        static char empty[] = "{}";
        struct invocation_order order = {
                .request_id = i->request_id,
                .arn = i->arn,
                .trace_id = i->trace_id,
                .client_context = i->client_context,
                .cognito_identity = i->cognito_identity,
                .tenant_id = i->tenant_id,
                .event = &i->event,
                .event_parts = 1,
                .timeout = m->pool->version->config.timeout_s * SECOND,
                .stream = i->stream,
                .want_tail = i->want_tail,
        };

        i->event = (struct iovec){ buf_data(&i->payload), i->payload.len };
        if (buf_is_empty(&i->payload))
                i->event = (struct iovec){ empty, 2 };
        i->member = m;
        i->state = INVOCATION_DELIVERED;
        i->delivered = loop_now(i->pools->loop);
        i->record.cold = m->fresh;
        if (m->fresh) {
                i->record.start = m->start;
                i->record.init = m->init;
        }
        m->environment->ops->invoke(m->environment, &order);
}

void invocation_on_head(struct invocation *i, const char *content_type) {
        i->first_byte = loop_now(i->pools->loop);
        if (!i->abandoned)
                i->events->head(i->owner, content_type);
}

void invocation_on_chunk(struct invocation *i, const char *data, size_t len) {
        if (i->abandoned)
                invocation_credit(i, len); /* drained and dropped */
        else
                i->events->chunk(i->owner, data, len);
}

void invocation_credit(struct invocation *i, size_t len) {
        if (i->member && i->state == INVOCATION_DELIVERED)
                i->member->environment->ops->credit(i->member->environment, len);
}

void invocation_on_answered(struct invocation *i, struct invocation_answer *answer) {
        leave(i);
        i->state = INVOCATION_ANSWERED;
        i->answered = loop_now(i->pools->loop);
        buf_deinit(&i->payload);
        if (i->abandoned)
                return;
        if (!i->want_tail) {
                i->abandoned = true; /* that was the caller's last event */
                i->events->answered(i->owner, answer, NULL);
                return;
        }
        i->held = *answer;
        i->held_payload = *answer->payload;
        *answer->payload = BUF_NULL(answer->payload->cap);
        i->held_content_type = copy(answer->content_type);
        i->held_error_type = copy(answer->error_type);
        i->held.payload = &i->held_payload;
        i->held.content_type = i->held_content_type;
        i->held.error_type = i->held_error_type;
}

static nsec_t span(nsec_t from, nsec_t to) {
        return to > from ? to - from : 0;
}

static void record(struct invocation *i, const struct invocation_report *report) {
        struct invocation_record *r = &i->record;
        nsec_t now = loop_now(i->pools->loop);
        nsec_t first = i->first_byte ? i->first_byte : i->answered;

        memcpy(r->request_id, i->request_id, sizeof(r->request_id));
        memcpy(r->environment, i->member->environment->id, sizeof(r->environment));
        str_fit(r->account, sizeof(r->account), i->pool->version->account);
        str_fit(r->region, sizeof(r->region), i->pool->version->region);
        str_fit(r->function, sizeof(r->function), i->pool->version->name);
        str_fit(r->version, sizeof(r->version), i->pool->version->number);
        r->wall = i->wall;
        /* What the start took overlaps the wait: queue is the rest of it. */
        r->queue = span(r->start + r->init, span(i->arrived, i->delivered));
        r->invoke = span(i->delivered, first);
        r->response = span(first, now);
        r->outcome = report->outcome;
        r->max_memory_mb = report->max_memory_mb;
        ++i->pools->totals.invocations;
        if (report->outcome != OUTCOME_OK)
                ++i->pools->totals.errors;
        pools_record_add(i->pools, r);
}

void invocation_on_idle(struct invocation *i, const struct invocation_report *report) {
        record(i, report);
        if (!i->abandoned)
                i->events->answered(i->owner, &i->held, report);
        invocation_free(i);
}

/* Of what is told at length the beginning says who failed at what, and the end why. */
static char *shorten(const char *why) {
        size_t len = strlen(why), half = WHY_MAX / 2;

        return len <= WHY_MAX ? xstrdup(why) : xasprintf("%.*s ... %s", (int)half, why, why + len - half);
}

/* No environment could be had at all: ours to blame, and said so in AWS's form. */
void invocation_fail(struct invocation *i, const char *why) {
        AUTO(buf) struct buf body = BUF_NULL(16 * KIB);
        AUTO(str) char *cause = shorten(why);
        AUTO(str) char *message = xasprintf("RequestId: %s Error: %s", i->request_id, cause);
        struct json_writer w = JSON_WRITER(&body);
        struct invocation_answer answer = {
                .outcome = OUTCOME_SANDBOX_FAILURE,
                .is_error = true,
                .undelivered = i->state == INVOCATION_WAITING,
                .payload = &body,
                .error_type = "Sandbox.Failure",
        };
        struct invocation_report report = { .outcome = OUTCOME_SANDBOX_FAILURE,
                                            .error_type = "Sandbox.Failure" };

        leave(i);
        if (i->state == INVOCATION_ANSWERED) {
                /* Only its REPORT is missing. */
                if (!i->abandoned)
                        i->events->answered(i->owner, &i->held, &report);
                invocation_free(i);
                return;
        }
        json_open_object(&w, NULL);
        json_str(&w, "errorType", answer.error_type);
        json_str(&w, "errorMessage", message);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        log_error("function=%s request=%s no environment: %s", i->pool->version->name, i->request_id, why);
        if (!i->abandoned)
                i->events->answered(i->owner, &answer, i->want_tail ? &report : NULL);
        invocation_free(i);
}

void invocation_abandon(struct invocation *i) {
        if (i->state == INVOCATION_WAITING) {
                leave(i);
                pool_withdraw(i);
                invocation_free(i);
                return;
        }
        if (i->abandoned)
                return;
        i->abandoned = true;
        /* What had been sent and not settled will never be: let the rest flow. */
        if (i->state == INVOCATION_DELIVERED)
                invocation_credit(i, SIZE_MAX / 2);
}
