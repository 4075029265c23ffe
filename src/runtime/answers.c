/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the owner hears of an invocation: its answer, once, and then what the log's END and REPORT say.
 */
#include "base/json.h"
#include "runtime/supervisor_private.h"

/* Once for each invocation, however it begins, and before its answer: the order's strings are the owner's
 * again then. */
void answer_log_start(struct supervisor *s) {
        if (s->now.start_logged)
                return;
        s->now.start_logged = true;
        journal_start(s);
}

void answer_give(struct supervisor *s, enum invocation_outcome outcome, struct buf *payload,
                 const char *content_type, const char *error_type) {
        struct invocation_answer a = {
                .outcome = outcome,
                .is_error = outcome != OUTCOME_OK,
                .payload = payload,
                .content_type = content_type,
                .error_type = error_type,
        };

        must(s->now.active && !s->now.answered);
        answer_log_start(s);
        s->now.answered = true;
        s->now.outcome = outcome;
        if (error_type)
                s->now.error_type = xstrdup(error_type);
        s->base.events->answered(&s->base, &a);
}

void answer_failure(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                    const char *text) {
        AUTO(buf) struct buf body = BUF_NULL(64 * KIB);

        verdict_write(&body, error_type, s->now.request_id, text);
        answer_give(s, outcome, &body, NULL, error_type);
}

/* application/vnd.aws.lambda.error.cause+json carries an errorCause that is not for the caller. */
static void strip_error_cause(struct buf *payload) {
        static const char *const kept[] = { "errorMessage", "errorType", "stackTrace" };
        AUTO(buf) struct buf out = BUF_NULL(ANSWER_MAX);
        struct json_writer w = JSON_WRITER(&out);
        struct json_error unused;

        if (buf_is_empty(payload) || json_validate(buf_data(payload), payload->len, &unused)) {
                buf_clear(payload);
                buf_append_str(payload, "\"Invalid error body\"");
                return;
        }
        json_open_object(&w, NULL);
        for (size_t i = 0; i < ARRAY_SIZE(kept); ++i) {
                const char *value;
                size_t len;

                if (json_member(buf_data(payload), payload->len, kept[i], &value, &len) == 0)
                        json_raw(&w, kept[i], value, len);
        }
        json_close_object(&w);
        if (json_writer_end(&w) == 0) {
                buf_clear(payload);
                buf_append(payload, buf_data(&out), out.len);
        }
}

void answer_from_runtime(struct supervisor *s) {
        struct incoming *in = &s->incoming;
        const char *type = in->content_type;

        s->api = API_RESPONSE_SENT;
        generation_enter(s, GEN_ANSWERED);
        if (in->error && type && str_starts(type, "application/vnd.aws.lambda.error.cause+json"))
                strip_error_cause(&in->payload);
        answer_give(s, in->error ? OUTCOME_HANDLER_ERROR : OUTCOME_OK, &in->payload, type,
                    in->error ? verdict_reported_type(in->error_type) : NULL);
        incoming_clear(in);
}

/* The runtime is gone, for this reason. */
void answer_log_crash(struct supervisor *s, const char *error_type, const char *text) {
        journal_flush_partial(s);
        if (!s->now.answered)
                answer_log_start(s);
        journal_platform(s, "RequestId: %s Error: %s", s->now.request_id, text);
        journal_platform(s, "%s", error_type);
}

/* The runtime answered, but so that the caller gets an error; it may go on and ask for more. */
void answer_refused(struct supervisor *s, const char *error_type, const char *message) {
        AUTO(buf) struct buf body = BUF_NULL(4 * KIB);

        generation_enter(s, GEN_ANSWERED);
        if (message)
                verdict_plain(&body, error_type, message);
        else
                verdict_write(&body, error_type, s->now.request_id, error_type);
        answer_give(s, OUTCOME_BAD_ANSWER, &body, NULL, error_type);
        incoming_clear(&s->incoming);
}

/* ---- reports ---- */

/*
 * The peak only rises, so a reading may be old: after an invocation of less than STALE_DURATION one that is
 * at most STALE_PEAK old will do. It spares the warm path a system call on a file.
 */
#define STALE_DURATION (2 * MILLISECOND)
#define STALE_PEAK (100 * MILLISECOND)

static uint32_t peak_mb(struct supervisor *s, nsec_t duration) {
        nsec_t now = loop_now(s->loop);
        uint64_t mb;

        if (!s->peak || duration > STALE_DURATION || now - s->memory_read_at > STALE_PEAK) {
                s->peak = MAX(s->peak, s->place->ops->peak_memory(s->place));
                s->memory_read_at = now;
        }
        mb = (s->peak + MIB - 1) / MIB;
        return (uint32_t)MIN(mb, (uint64_t)s->memory_mb);
}

nsec_t answer_billed(nsec_t duration, nsec_t init) {
        return MAX((duration + init + MILLISECOND - 1) / MILLISECOND, (nsec_t)1) * MILLISECOND;
}

/* END and REPORT, and what they say. The environment may still have to be emptied before it is idle. */
void supervisor_conclude(struct supervisor *s, struct invocation_report *ret_report) {
        nsec_t duration = (s->now.ended ? s->now.ended : loop_now(s->loop)) - s->now.began;
        nsec_t init = s->pending_init;

        if (s->now.timed_out)
                duration = s->now.order.timeout;
        s->pending_init = 0;
        *ret_report = (struct invocation_report){
                .outcome = s->now.outcome,
                .duration = duration,
                .billed = answer_billed(duration, init),
                .init = init,
                .memory_mb = s->memory_mb,
                .max_memory_mb = peak_mb(s, duration),
                .error_type = s->now.error_type,
        };
        journal_end(s);
        journal_report(s, ret_report);
        ret_report->log_tail = buf_data(&s->journal.tail);
        ret_report->log_tail_len = s->journal.tail.len;
}

void supervisor_become_idle(struct supervisor *s, const struct invocation_report *report) {
        char *error_type = TAKE(s->now.error_type);
        struct buf tail = s->journal.tail;

        /* The owner may invoke again from inside the event: everything of this invocation is put aside
         * before. */
        s->journal.tail = BUF_NULL(LOG_TAIL_MAX);
        s->journal.keep_tail = false;
        s->now.active = false;
        if (s->state != ENV_STOPPING) /* it was asked to stop and will, in supervisor_on_soon */
                supervisor_enter(s, ENV_IDLE);
        s->base.events->idle(&s->base, report);
        buf_deinit(&tail);
        free(error_type);
}

void supervisor_abandon(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                        const char *text) {
        struct invocation_report report;

        if (!s->now.active)
                return;
        journal_flush_partial(s);
        if (!s->now.answered)
                answer_failure(s, outcome, error_type, text);
        else if (outcome != OUTCOME_SANDBOX_FAILURE && s->now.outcome == OUTCOME_OK)
                s->now.outcome = outcome; /* the caller keeps its answer, REPORT tells */
        if (outcome != OUTCOME_SANDBOX_FAILURE && !s->now.error_type)
                s->now.error_type = xstrdup(error_type);
        supervisor_conclude(s, &report);
        supervisor_become_idle(s, &report);
}
