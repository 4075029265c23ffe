/* SPDX-License-Identifier: Apache-2.0 */
/* One invocation: a POST to the emulator, its answer, and what that means. */
#include "base/base64.h"
#include "base/log.h"
#include "runtime/verdict.h"
#include "sandbox/rie/rie_private.h"

#define GRACE (5 * SECOND)         /* beyond the function's timeout, which the emulator is to keep itself */
#define REPORT_PATIENCE SECOND     /* from the answer to the REPORT that the emulator has printed before it */
#define LOSS_PATIENCE (2 * SECOND) /* from a broken connection to the engine's word on why */

void rie_response_clear(struct rie_response *response) {
        buf_deinit(&response->body);
        *response = (struct rie_response){ .body = BUF_NULL(ANSWER_MAX) };
}

void rie_verdict_clear(struct rie_verdict *v) {
        free(v->error_type);
        free(v->text);
        buf_deinit(&v->payload);
        *v = (struct rie_verdict){ .payload = BUF_NULL(ANSWER_MAX) };
}

/* ---- the answer as it comes ---- */

static void forward(struct rie *r, const char *data, size_t len) {
        struct rie_response *in = &r->response;

        if (!in->headed) {
                in->headed = true;
                r->base->events->head(r->base, NULL); /* of the content type the emulator keeps quiet */
        }
        in->unsettled += len;
        if (len)
                r->base->events->chunk(r->base, data, len);
        if (in->unsettled > ENVIRONMENT_WINDOW && !in->paused) {
                in->paused = true;
                http_client_pause(r->client);
        }
}

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct rie *r = owner;

        r->response.status = status;
}

/* Of a stream the beginning is held back for as long as it may be a failure's. */
static void on_body(void *owner, const char *data, size_t len) {
        struct rie *r = owner;
        struct rie_response *in = &r->response;

        in->received += len;
        if (in->forward) {
                forward(r, data, len);
                return;
        }
        if (in->too_large || buf_append(&in->body, data, len)) {
                in->too_large = true;
                return;
        }
        if (scribe_order(r->base)->stream && in->status == 200 &&
            !rie_may_be_failure(buf_data(&in->body), in->body.len)) {
                AUTO(buf) struct buf body = in->body;

                in->body = BUF_NULL(0);
                in->forward = true;
                forward(r, buf_data(&body), body.len);
        }
}

/* ---- what it means ---- */

void rie_answer(struct rie *r) {
        struct buf *body = &r->response.body;
        AUTO(str) char *error_type = rie_error_type(buf_data(body), body->len);

        if (scribe_order(r->base)->stream && !error_type && !r->response.headed) {
                AUTO(buf) struct buf held = *body;

                *body = BUF_NULL(ANSWER_MAX);
                forward(r, buf_data(&held), held.len);
        }
        scribe_answer(r->base, body, error_type ? verdict_reported_type(error_type) : NULL);
}

/*
 * The emulator prints its REPORT before it answers, but the two come by different ways. The caller is answered when both are
 * there: who asks again at once finds the container idle. An emulator that prints none is not waited for again. Nothing at
 * all and no REPORT is what comes of a runtime that died before the event reached it.
 */
void rie_settle(struct rie *r) {
        if (!r->report.complete && !r->response.received) {
                rie_judge(502, "", 0, &r->verdict);
                rie_give_up(r, r->verdict.text);
        } else {
                rie_answer(r);
                rie_conclude(r);
        }
}

static void await_report(struct rie *r) {
        r->response.whole = true;
        rie_enter(r, RIE_CONCLUDING);
        if (r->report.complete || (r->silent && r->response.received))
                rie_settle(r);
        else
                timer_arm(&r->timer, loop_now(r->loop) + REPORT_PATIENCE);
}

void rie_report_came(struct rie *r) {
        if (r->state == RIE_CONCLUDING)
                rie_settle(r);
}

/* The caller need not wait for the container's end: nothing that comes can change this. */
void rie_call_timed_out(struct rie *r) {
        AUTO(str) char *text =
                xasprintf("Task timed out after %.2f seconds", (double)scribe_order(r->base)->timeout / 1e9);

        http_client_cancel(r->client);
        rie_flush_output(r);
        scribe_fail(r->base, OUTCOME_TIMEOUT, "Sandbox.Timedout", NULL, text);
        rie_give_up(r, text);
}

static void post(struct rie *r);

/* Too late for the caller of a stream, whom an answer of an error reaches as such all the same. */
static void fail_too_large(struct rie *r) {
        r->verdict.outcome = OUTCOME_BAD_ANSWER;
        r->verdict.error_type = xstrdup("Function.ResponseSizeTooLarge");
        r->verdict.text = xasprintf(
                "Response payload size exceeded maximum allowed payload size (%zu bytes).", ANSWER_MAX);
        verdict_plain(&r->verdict.payload, r->verdict.error_type, r->verdict.text);
        rie_give_up(r, r->verdict.text);
}

/*
 * The emulator starts the runtime before it listens for it, and one that gives up then dies in INIT. AWS would begin INIT once more
 * for the invocation. The emulator does so for the second one: the first it answers with 502 and no word, and has shown its event to
 * nobody. So does it answer when the runtime has taken the event, answered it with nothing, and died; only its chatter tells the
 * two apart. Where that says that INIT has failed the emulator is asked again, for the time that is left.
 */
static void doubt(struct rie *r) {
        rie_judge(r->response.status, "", 0, &r->verdict);
        rie_enter(r, RIE_DOUBTING);
        if (r->init)
                rie_init_ended(r);
        else
                timer_arm(&r->timer, loop_now(r->loop) + REPORT_PATIENCE);
}

void rie_init_ended(struct rie *r) {
        if (r->state != RIE_DOUBTING)
                return;
        if (r->init != RIE_INIT_FAILED || r->lost) {
                rie_give_up(r, r->verdict.text);
                return;
        }
        log_debug("environment=%s emulator has failed in INIT, and is asked again", r->base->id);
        r->report = (struct rie_report){ .one_more = !*r->report.id };
        post(r);
}

static void judge(struct rie *r) {
        const struct rie_response *in = &r->response;
        const char *data = buf_data(&in->body);
        bool is_first = !r->called;

        r->called = true;
        if (is_first && in->status == 502 && !in->received) {
                doubt(r);
        } else if (in->too_large) {
                fail_too_large(r);
        } else if (in->status != 200) {
                rie_judge(in->status, data, in->body.len, &r->verdict);
                rie_give_up(r, r->verdict.text ?: r->verdict.error_type);
        } else if (rie_is_timeout(data, in->body.len)) {
                rie_call_timed_out(r);
        } else {
                await_report(r);
        }
}

/* The engine's events know better why, in a moment. */
static void on_end(void *owner, int error) {
        struct rie *r = owner;

        if (!error) {
                judge(r);
                return;
        }
        r->verdict.outcome = OUTCOME_SANDBOX_FAILURE;
        r->verdict.error_type = xstrdup("Sandbox.Failure");
        r->verdict.text = xasprintf("the emulator in the image broke off: %s", strerror(-error));
        timer_arm(&r->timer, loop_now(r->loop) + LOSS_PATIENCE);
}

static const struct http_client_ops ops = { on_head, on_body, on_end };

/* ---- the request ---- */

static void add_field(struct buf *fields, const char *name, const char *value) {
        if (value)
                must(buf_printf(fields, "%s: %s\r\n", name, value) == 0);
}

static void write_fields(struct rie *r) {
        const struct invocation_order *order = scribe_order(r->base);
        AUTO(buf) struct buf context = BUF_NULL(16 * KIB);

        buf_clear(&r->fields);
        add_field(&r->fields, "Content-Type", order->content_type ?: "application/json");
        add_field(&r->fields, "X-Amzn-RequestId", order->request_id);
        add_field(&r->fields, "X-Amzn-Trace-Id", order->trace_id);
        add_field(&r->fields, "X-Amz-Tenant-Id", order->tenant_id);
        add_field(&r->fields, "X-Amz-Cognito-Identity", order->cognito_identity);
        if (order->client_context) {
                must(base64_append(&context, order->client_context, strlen(order->client_context)) == 0 &&
                     buf_append(&context, "", 1) == 0);
                add_field(&r->fields, "X-Amz-Client-Context", buf_data(&context));
        }
        must(buf_append(&r->fields, "", 1) == 0);
}

static struct iovec whole_event(struct rie *r) {
        const struct invocation_order *order = scribe_order(r->base);

        if (order->event_parts == 1)
                return order->event[0];
        buf_clear(&r->event);
        for (size_t i = 0; i < order->event_parts; ++i)
                must(buf_append(&r->event, order->event[i].iov_base, order->event[i].iov_len) == 0);
        return (struct iovec){ buf_data(&r->event), r->event.len };
}

/* Until the deadline. */
static void post(struct rie *r) {
        struct iovec event = whole_event(r);

        rie_response_clear(&r->response);
        rie_verdict_clear(&r->verdict);
        rie_enter(r, RIE_CALLING);
        timer_arm(&r->timer, r->deadline);
        must(http_client_call(r->client, HTTP_POST_, RIE_PATH, buf_data(&r->fields), event.iov_base,
                              event.iov_len, NSEC_NEVER, &ops, r) == 0);
}

void rie_call(struct rie *r) {
        r->report = (struct rie_report){};
        r->deadline = loop_now(r->loop) + scribe_order(r->base)->timeout + GRACE;
        write_fields(r);
        post(r);
}
