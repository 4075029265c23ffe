/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong with a generation, and what is told of it: a process ends, INIT or the invocation takes too
 * long, the runtime says that it cannot start. Each ends the generation.
 */
#include "base/date.h"
#include "runtime/supervisor_private.h"

#define INIT_ERROR_PATIENCE SECOND /* between init/error and the exit that should follow it */

static void journal_crash(struct supervisor *s, const char *text, const char *type) {
        if (s->now.active)
                journal_platform(s, "RequestId: %s Error: %s", s->now.request_id, text);
        else
                journal_platform(s, "Error: %s", text);
        journal_platform(s, "%s", type);
}

/* INIT ended badly before anybody asked for work. */
static void fail_init(struct supervisor *s, enum place_end end, const char *text, const char *type) {
        bool posted = s->api == API_INIT_ERROR && s->init_error_type;
        const char *reported = posted ? s->init_error_type : type;
        const char *phase = s->now.active ? "invoke" : "init";

        if (!posted)
                journal_crash(s, text, type);
        journal_init_report(s, loop_clock(s->loop) - s->spawned, phase, "error", reported);
        if (!s->now.active)
                return;
        /* It once had room to start: what fills the memory now has outlived a reset, as files in /tmp do, and
         * would outlive this one. */
        s->base.ending |= end == PLACE_OOM_KILLED && s->has_been_ready;
        answer_log_start(s);
        if (s->init_error_body) {
                AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX);

                buf_append(&body, s->init_error_body, s->init_error_len);
                answer_give(s, OUTCOME_INIT_ERROR, &body, NULL, reported);
                return;
        }
        answer_failure(s, end == PLACE_OOM_KILLED ? OUTCOME_OUT_OF_MEMORY : OUTCOME_INIT_ERROR, type, text);
}

/* The runtime of the living generation has ended. */
void generation_fail(struct supervisor *s, enum place_end end, int detail) {
        AUTO(str)
        char *text = s->argv ? verdict_exit_text(end, detail, s->argv[0]) : xstrdup(s->missing_entry);
        const char *type = s->argv ? verdict_exit_type(end) : "Runtime.InvalidEntrypoint";
        enum gen_state was = s->gen;

        journal_flush_partial(s);
        generation_kill(s);
        if (was == GEN_INIT) {
                fail_init(s, end, text, type);
        } else if (was == GEN_READY) {
                /* It died idle. An invocation that has just been given to it was not seen by it: the next
                 * generation gets that. */
        } else if (s->now.active) {
                journal_crash(s, text, type);
                if (!s->now.answered)
                        answer_failure(s, end == PLACE_OOM_KILLED ? OUTCOME_OUT_OF_MEMORY : OUTCOME_EXIT,
                                       type, text);
                else if (s->now.outcome == OUTCOME_OK)
                        s->now.outcome = OUTCOME_EXIT; /* the caller keeps its answer, REPORT tells */
                if (!s->now.error_type)
                        s->now.error_type = xstrdup(type);
        }
}

static void on_timeout(struct supervisor *s) {
        AUTO(str)
        char *text = xasprintf("Task timed out after %.2f seconds", (double)s->now.order.timeout / 1e9);
        char stamp[DATE_TEXT];
        enum gen_state was = s->gen;

        s->place->ops->drain_output(s->place);
        journal_flush_partial(s);
        if (was == GEN_INIT)
                journal_init_report(s, loop_clock(s->loop) - s->spawned, "invoke", "timeout", NULL);
        answer_log_start(s);
        journal_platform(s, "%s %s %s", date_text(loop_wall(s->loop), stamp), s->now.request_id, text);
        s->now.timed_out = true;
        generation_kill(s);
        if (!s->now.answered)
                answer_failure(s, OUTCOME_TIMEOUT, "Sandbox.Timedout", text);
        s->now.outcome = OUTCOME_TIMEOUT; /* also when the answer was in time and only `next` never came */
}

void failure_on_timer(struct timer *timer) {
        struct supervisor *s = container_of(timer, struct supervisor, timer);

        switch (s->state) {
        case ENV_STARTING:
                if (s->gen == GEN_INIT && s->api == API_INIT_ERROR) {
                        generation_fail(s, PLACE_EXITED, 1);
                } else if (s->gen == GEN_INIT) {
                        s->place->ops->drain_output(s->place);
                        journal_flush_partial(s);
                        journal_init_report(s, s->init_limit, "init", "timeout", NULL);
                        generation_kill(s);
                }
                break;
        case ENV_BUSY:
                if (loop_now(s->loop) < s->now.began + s->now.order.timeout && s->gen == GEN_INIT)
                        generation_fail(s, PLACE_EXITED, 1);
                else if (s->gen == GEN_KILLING && s->now.answered)
                        break; /* on its way out already */
                else
                        on_timeout(s);
                break;
        case ENV_NEW:
        case ENV_IDLE:
        case ENV_FROZEN:
        case ENV_STOPPING:
        case ENV_DEAD:
                must(!"a timer outlived its state");
        }
}

/* The runtime says why it cannot start. It should exit now, and usually prints something before it does. */
void failure_init_error(struct supervisor *s) {
        struct incoming *in = &s->incoming;
        nsec_t patience = loop_now(s->loop) + INIT_ERROR_PATIENCE;

        s->init_error_type = xstrdup(verdict_reported_type(in->error_type));
        if (s->now.active)
                s->init_error_body = buf_take_str(&in->payload, &s->init_error_len);
        incoming_clear(in);
        if (!timer_is_armed(&s->timer) || s->timer.due > patience)
                timer_arm(&s->timer, patience);
}
