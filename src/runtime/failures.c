/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What can go wrong with a generation, and what is told of it: a process ends, INIT or the invocation takes too
 * long, somebody says that it cannot go on. Each ends the generation.
 */
#include "base/date.h"
#include "runtime/supervisor_private.h"

/* The end of a process, as caller and log see it. */
struct failure {
        const char *type;
        char *text;
        bool out_of_memory;
};

static struct failure failure_of_runtime(struct supervisor *s, enum place_end end, int detail) {
        return (struct failure){
                .type = s->argv ? verdict_exit_type(end) : "Runtime.InvalidEntrypoint",
                .text = s->argv ? verdict_exit_text(end, detail, s->argv[0]) : xstrdup(s->missing_entry),
                .out_of_memory = end == PLACE_OOM_KILLED,
        };
}

static struct failure failure_of_extension(struct supervisor *s, struct extension *e, enum place_end end,
                                           int detail) {
        AUTO(str) char *path = extension_path(s, e);

        if (end == PLACE_EXEC_FAILED && e->state == EXTENSION_STARTED) {
                e->state = EXTENSION_LAUNCH_ERROR;
                e->error_type = xstrdup(detail == EACCES ? "PermissionDenied" : "UnknownError");
        }
        return (struct failure){
                .type = end == PLACE_EXEC_FAILED ? "Extension.LaunchError" : "Extension.Crash",
                .text = e == &s->extensions.all[EXTENSIONS_MAX] ? xstrdup("ErrTooManyExtensions")
                                                                : verdict_extension_text(end, detail, path),
                .out_of_memory = end == PLACE_OOM_KILLED,
        };
}

static void journal_crash(struct supervisor *s, const struct failure *f) {
        if (s->now.active)
                journal_platform(s, "RequestId: %s Error: %s", s->now.request_id, f->text);
        else
                journal_platform(s, "Error: %s", f->text);
        journal_platform(s, "%s", f->type);
}

static void journal_failed_init(struct supervisor *s, nsec_t took, const char *status,
                                const char *error_type) {
        journal_extensions(s);
        journal_init_report(s, took, s->now.active ? "invoke" : "init", status, error_type);
}

/* INIT ended badly before anybody asked for work. */
static void fail_init(struct supervisor *s, const struct failure *f) {
        bool posted = s->api == API_INIT_ERROR && s->init_error_type;
        const char *reported = posted ? s->init_error_type : f->type;

        if (!posted)
                journal_crash(s, f);
        journal_failed_init(s, loop_clock(s->loop) - s->spawned, "error", reported);
        generation_end(s, SHUTDOWN_FAILURE);
        if (!s->now.active)
                return;
        /* It once had room to start: what fills the memory now has outlived a reset, as files in /tmp do, and
         * would outlive this one. */
        s->base.ending |= f->out_of_memory && s->has_been_ready;
        answer_log_start(s);
        if (s->init_error_body) {
                AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX);

                buf_append(&body, s->init_error_body, s->init_error_len);
                answer_give(s, OUTCOME_INIT_ERROR, &body, NULL, reported);
                return;
        }
        answer_failure(s, f->out_of_memory ? OUTCOME_OUT_OF_MEMORY : OUTCOME_INIT_ERROR, f->type, f->text);
}

static void fail_invocation(struct supervisor *s, const struct failure *f) {
        journal_crash(s, f);
        generation_end(s, SHUTDOWN_FAILURE);
        if (!s->now.answered)
                answer_failure(s, f->out_of_memory ? OUTCOME_OUT_OF_MEMORY : OUTCOME_EXIT, f->type, f->text);
        else if (s->now.outcome == OUTCOME_OK)
                s->now.outcome = OUTCOME_EXIT; /* the caller keeps its answer, REPORT tells */
        if (!s->now.error_type)
                s->now.error_type = xstrdup(f->type);
}

/* One of the living generation has ended, or could not be started. */
void failure_process_ended(struct supervisor *s, unsigned process, enum place_end end, int detail) {
        struct failure f = process == PROCESS_RUNTIME
                                   ? failure_of_runtime(s, end, detail)
                                   : failure_of_extension(s, &s->extensions.all[process - PROCESS_EXTENSION],
                                                          end, detail);

        if (s->extensions.fatal)
                f.type = s->extensions.fatal;
        journal_flush_partial(s);
        if (gen_is_starting(s->gen))
                fail_init(s, &f);
        else if (s->gen != GEN_READY && s->now.active)
                fail_invocation(s, &f);
        else
                /* It died idle. An invocation that has just been given to it was not seen by it: the next
                 * generation gets that. */
                generation_end(s, SHUTDOWN_FAILURE);
        free(f.text);
}

/* ---- too late ---- */

static void init_timed_out(struct supervisor *s) {
        s->place->ops->drain_output(s->place);
        journal_flush_partial(s);
        journal_failed_init(s, s->init_limit, "timeout", NULL);
        generation_end(s, SHUTDOWN_TIMEOUT);
}

static void invocation_timed_out(struct supervisor *s) {
        AUTO(str)
        char *text = xasprintf("Task timed out after %.2f seconds", (double)s->now.order.timeout / 1e9);
        char stamp[DATE_TEXT];

        s->place->ops->drain_output(s->place);
        journal_flush_partial(s);
        if (gen_is_starting(s->gen))
                journal_failed_init(s, loop_clock(s->loop) - s->spawned, "timeout", NULL);
        answer_log_start(s);
        journal_platform(s, "%s %s %s", date_text(loop_wall(s->loop), stamp), s->now.request_id, text);
        s->now.timed_out = true;
        generation_end(s, SHUTDOWN_TIMEOUT);
        if (!s->now.answered)
                answer_failure(s, OUTCOME_TIMEOUT, "Sandbox.Timedout", text);
        s->now.outcome = OUTCOME_TIMEOUT; /* also when the answer was in time and only `next` never came */
}

void failure_on_timer(struct timer *timer) {
        struct supervisor *s = container_of(timer, struct supervisor, timer);

        switch (s->state) {
        case ENV_STARTING:
                if (gen_is_starting(s->gen) && timer_is_armed(&s->gen_timer))
                        failure_process_ended(s, s->leaving, PLACE_EXITED, 1);
                else if (gen_is_starting(s->gen))
                        init_timed_out(s);
                break;
        case ENV_BUSY:
                if (!gen_is_ending(s->gen) || !s->now.answered) /* else it is on its way out already */
                        invocation_timed_out(s);
                break;
        case ENV_NEW:
        case ENV_IDLE:
        case ENV_FROZEN:
        case ENV_STOPPING:
        case ENV_DEAD:
                must(!"a timer outlived its state");
        }
}

/* ---- errors that are posted ---- */

void failure_on_gen_timer(struct timer *timer) {
        struct supervisor *s = container_of(timer, struct supervisor, gen_timer);

        if (s->gen == GEN_SHUTDOWN)
                shutdown_on_timer(s);
        else if (s->last_words.waiting)
                failure_process_ended(s, PROCESS_RUNTIME, s->last_words.end, s->last_words.detail);
        else
                failure_process_ended(s, s->leaving, PLACE_EXITED, 1);
}

/* It should exit now, and usually prints something before it does. */
static void await_exit(struct supervisor *s, unsigned process) {
        if (timer_is_armed(&s->gen_timer))
                return;
        s->leaving = process;
        timer_arm(&s->gen_timer, loop_now(s->loop) + EXIT_PATIENCE);
}

/* The runtime says why it cannot start. */
void failure_init_error(struct supervisor *s) {
        struct incoming *in = &s->incoming;

        s->init_error_type = xstrdup(verdict_reported_type(in->error_type));
        if (s->now.active)
                s->init_error_body = buf_take_str(&in->payload, &s->init_error_len);
        incoming_clear(in);
        await_exit(s, PROCESS_RUNTIME);
}

/* An extension says so. The first such error names the failure, whoever ends then. */
void failure_extension_error(struct supervisor *s, const struct extension *e) {
        struct extensions *x = &s->extensions;

        if (s->gen == GEN_NONE || gen_is_ending(s->gen))
                return;
        if (!x->fatal)
                x->fatal = e->state == EXTENSION_INIT_ERROR ? "Extension.InitError" : "Extension.ExitError";
        await_exit(s, e->external ? PROCESS_EXTENSION + (unsigned)(e - x->all) : PROCESS_RUNTIME);
}
