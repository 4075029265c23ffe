/* SPDX-License-Identifier: Apache-2.0 */
#include "runtime/scribe.h"

#include "base/date.h"
#include "runtime/supervisor_private.h"

/* Journal and answers write for a supervisor; this one exists to be written for. */
struct scribe {
        struct supervisor s;
        void *driver;
};

static struct scribe *scribe_of(const struct environment *e) {
        return (struct scribe *)(uintptr_t)container_of(e, const struct scribe, s.base);
}

static char *copy(const char *text) {
        return text ? xstrdup(text) : NULL;
}

struct environment *scribe_new(struct loop *loop, const struct environment_spec *spec,
                               const struct environment_ops *ops, void *driver) {
        struct scribe *scribe = xcalloc(1, sizeof(*scribe));
        struct supervisor *s = &scribe->s;

        scribe->driver = driver;
        s->base.ops = ops;
        memcpy(s->base.id, spec->id, sizeof(s->base.id));
        s->loop = loop;
        s->function = xstrdup(spec->function);
        s->version = xstrdup(spec->version);
        s->system_log_level = copy(spec->system_log_level);
        s->log_json = spec->log_json;
        s->memory_mb = spec->memory_mb;
        s->provisioned = spec->provisioned;
        s->journal =
                (struct journal){ .partial = BUF_NULL(JOURNAL_LINE_MAX + 1), .tail = BUF_NULL(LOG_TAIL_MAX) };
        return &s->base;
}

void scribe_free(struct environment *e) {
        struct scribe *scribe = scribe_of(e);

        journal_deinit(&scribe->s.journal);
        free(scribe->s.function);
        free(scribe->s.version);
        free(scribe->s.system_log_level);
        free(scribe->s.now.error_type);
        free(scribe);
}

void *scribe_driver(const struct environment *e) {
        return scribe_of(e)->driver;
}

void scribe_begin(struct environment *e, const struct invocation_order *order) {
        struct supervisor *s = &scribe_of(e)->s;

        must(!s->now.active);
        s->now = (struct current){ .active = true, .order = *order, .began = loop_now(s->loop) };
        str_fit(s->now.request_id, sizeof(s->now.request_id), order->request_id);
        s->journal.keep_tail = order->want_tail;
}

const struct invocation_order *scribe_order(const struct environment *e) {
        return &scribe_of(e)->s.now.order;
}

bool scribe_is_busy(const struct environment *e) {
        return scribe_of(e)->s.now.active;
}

bool scribe_is_answered(const struct environment *e) {
        return scribe_of(e)->s.now.answered;
}

void scribe_start(struct environment *e) {
        answer_log_start(&scribe_of(e)->s);
}

void scribe_output(struct environment *e, const char *data, size_t len) {
        journal_output(&scribe_of(e)->s, data, len);
}

void scribe_answer(struct environment *e, struct buf *payload, const char *error_type) {
        answer_give(&scribe_of(e)->s, error_type ? OUTCOME_HANDLER_ERROR : OUTCOME_OK, payload, NULL,
                    error_type);
}

/* As the supervisor tells it (failures.c). */
static void log_failure(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                        const char *text) {
        char stamp[DATE_TEXT];

        switch (outcome) {
        case OUTCOME_TIMEOUT:
                journal_platform(s, "%s %s %s", date_text(loop_wall(s->loop), stamp), s->now.request_id,
                                 text);
                break;
        case OUTCOME_EXIT:
        case OUTCOME_OUT_OF_MEMORY:
                journal_platform(s, "RequestId: %s Error: %s", s->now.request_id, text);
                journal_platform(s, "%s", error_type);
                break;
        case OUTCOME_OK:
        case OUTCOME_HANDLER_ERROR:
        case OUTCOME_INIT_ERROR:
        case OUTCOME_BAD_ANSWER:
        case OUTCOME_SANDBOX_FAILURE:
                break;
        }
}

void scribe_fail(struct environment *e, enum invocation_outcome outcome, const char *error_type,
                 struct buf *payload, const char *text) {
        struct supervisor *s = &scribe_of(e)->s;

        answer_log_start(s);
        if (text)
                log_failure(s, outcome, error_type, text);
        s->now.timed_out = outcome == OUTCOME_TIMEOUT;
        if (!s->now.answered && payload)
                answer_give(s, outcome, payload, NULL, error_type);
        else if (!s->now.answered)
                answer_failure(s, outcome, error_type, text);
        else
                s->now.outcome = outcome; /* the caller keeps its answer */
        if (!s->now.error_type)
                s->now.error_type = xstrdup(error_type);
}

void scribe_conclude(struct environment *e, const struct scribe_measures *measures) {
        struct supervisor *s = &scribe_of(e)->s;
        struct buf tail;
        char *error_type;
        struct invocation_report report = {
                .outcome = s->now.outcome,
                .duration = s->now.timed_out     ? s->now.order.timeout
                            : measures->duration ? measures->duration
                                                 : loop_now(s->loop) - s->now.began,
                .init = measures->init,
                .memory_mb = s->memory_mb,
                .max_memory_mb = MIN(measures->max_memory_mb, s->memory_mb),
                .error_type = s->now.error_type,
        };

        report.billed = answer_billed(report.duration, report.init);
        journal_end(s);
        journal_report(s, &report);
        error_type = TAKE(s->now.error_type);
        tail = s->journal.tail;
        report.log_tail = buf_data(&tail);
        report.log_tail_len = tail.len;
        s->journal.tail = BUF_NULL(LOG_TAIL_MAX);
        s->journal.keep_tail = false;
        s->now.active = false;
        s->base.events->idle(&s->base, &report);
        buf_deinit(&tail);
        free(error_type);
}
