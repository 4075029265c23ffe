/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The life of an environment with an emulator. Whatever ends it comes through RIE_FAILING or through the engine's word
 * that the container is no more; `finish` then answers what is under way. Events are told from the loop only.
 */
#include "sandbox/rie/rie.h"

#include <stdio.h>

#include "base/log.h"
#include "runtime/journal.h"
#include "runtime/verdict.h"
#include "sandbox/engine/localhost.h"
#include "sandbox/rie/rie_private.h"

#define END_PATIENCE (5 * SECOND) /* from a container's kill to its end and that of its output */
#define FIELDS_MAX (64 * KIB)
#define VARS_OF_OURS 20

static void on_soon(struct defer *defer);

static const char *state_name(enum rie_state state) {
        static const char *const names[] = {
                [RIE_NEW] = "new",
                [RIE_STARTING] = "starting",
                [RIE_PROBING] = "probing",
                [RIE_IDLE] = "idle",
                [RIE_CALLING] = "calling",
                [RIE_DOUBTING] = "doubting",
                [RIE_CONCLUDING] = "concluding",
                [RIE_FAILING] = "failing",
                [RIE_STOPPING] = "stopping",
                [RIE_DEAD] = "dead",
        };

        return names[state];
}

/* The one setter: a state cannot keep the timers of the state before. */
void rie_enter(struct rie *r, enum rie_state state) {
        log_debug("environment=%s emulator=%s from=%s", r->base->id, state_name(state), state_name(r->state));
        r->state = state;
        timer_disarm(&r->timer);
        timer_disarm(&r->again);
}

void rie_conclude(struct rie *r) {
        const struct scribe_measures measures = r->report.measures;

        r->base->ending |= r->lost;
        rie_enter(r, RIE_IDLE);
        scribe_conclude(r->base, &measures); /* the next may begin inside */
}

static void keep_reason(struct rie *r, const char *why) {
        if (!r->why)
                r->why = xstrdup(why);
}

void rie_give_up(struct rie *r, const char *why) {
        keep_reason(r, why);
        if (r->client)
                http_client_cancel(r->client);
        r->starved = !r->lost && guest_has_starved(r->container);
        r->base->ending = true;
        rie_enter(r, RIE_FAILING);
        timer_arm(&r->timer, loop_now(r->loop) + END_PATIENCE);
        if (r->lost)
                defer_call(r->loop, &r->soon, on_soon);
        else
                guest_kill(r->container);
}

/* ---- the end ---- */

static void fail_by_loss(struct rie *r) {
        AUTO(str) char *killed = NULL;

        switch (r->loss) {
        case REMOTE_BROKEN:
                scribe_fail(r->base, OUTCOME_SANDBOX_FAILURE, "Sandbox.Failure", NULL, r->why);
                break;
        case REMOTE_EXITED:
                scribe_fail(r->base, OUTCOME_EXIT, "Runtime.ExitError", NULL, r->why);
                break;
        case REMOTE_OUT_OF_MEMORY:
                killed = verdict_exit_text(PLACE_OOM_KILLED, 0, "");
                scribe_fail(r->base, OUTCOME_OUT_OF_MEMORY, verdict_exit_type(PLACE_OOM_KILLED), NULL,
                            killed);
                break;
        }
}

/* What is told of the invocation under way. The emulator knows of signals, not of memory: that the engine tells, or the
 * container's cgroup. A broken connection explains nothing, so the engine's word goes before it. */
static void fail_call(struct rie *r) {
        struct rie_verdict *v = &r->verdict;
        bool was_killed = v->outcome == OUTCOME_EXIT && v->text && strstr(v->text, "signal: killed");
        bool starved = (r->starved && was_killed) ||
                       (r->lost && r->loss == REMOTE_OUT_OF_MEMORY && v->outcome == OUTCOME_EXIT);

        if (starved)
                r->loss = REMOTE_OUT_OF_MEMORY;
        if (r->state == RIE_STOPPING)
                scribe_fail(r->base, OUTCOME_SANDBOX_FAILURE, "Sandbox.Failure", NULL,
                            "the execution environment was stopped");
        else if (!v->outcome || starved || (r->lost && (r->state == RIE_CALLING || r->state == RIE_DOUBTING)))
                fail_by_loss(r);
        else
                scribe_fail(r->base, v->outcome, v->error_type, v->payload.len ? &v->payload : NULL, v->text);
}

static void finish(struct rie *r) {
        AUTO(str) char *why = r->state == RIE_STOPPING ? xstrdup("stopped") : xstrdup(r->why);

        http_client_free(TAKE(r->client));
        rie_flush_output(r);
        r->base->ending = true;
        if (scribe_is_busy(r->base)) {
                if (!scribe_is_answered(r->base) && r->response.whole && r->response.received)
                        rie_answer(r);
                else if (!scribe_is_answered(r->base))
                        fail_call(r);
                scribe_conclude(r->base, &r->report.measures);
        }
        rie_enter(r, RIE_DEAD);
        r->base->events->gone(r->base, why); /* may free r */
}

/* After a loss what the container has said is still on its way. */
static void on_soon(struct defer *defer) {
        struct rie *r = container_of(defer, struct rie, soon);

        if (r->state == RIE_DEAD)
                return;
        if (r->state == RIE_STOPPING || (r->lost && !guest_has_output(r->container)))
                finish(r);
        else if (!timer_is_armed(&r->timer) || r->state != RIE_FAILING)
                timer_arm(&r->timer, loop_now(r->loop) + END_PATIENCE);
}

static void on_timer(struct timer *timer) {
        struct rie *r = container_of(timer, struct rie, timer);
        AUTO(str) char *slow = NULL;

        if (r->lost || r->state == RIE_FAILING) {
                finish(r);
        } else if (r->state == RIE_PROBING) {
                slow = xasprintf(
                        "the emulator in the image did not answer on port %d within %.0f seconds of its "
                        "container's start",
                        RIE_PORT, (double)r->ready_time / 1e9);
                rie_give_up(r, slow);
        } else if (r->state == RIE_CONCLUDING) {
                r->silent = true;
                rie_settle(r);
        } else if (r->verdict.outcome) {
                rie_give_up(r, r->verdict.text ?: r->verdict.error_type);
        } else {
                rie_call_timed_out(r);
        }
}

/* ---- events of the container ---- */

static void on_running(void *owner) {
        struct rie *r = owner;

        if (r->state != RIE_STARTING)
                return;
        r->running = loop_clock(r->loop);
        rie_enter(r, RIE_PROBING);
        timer_arm(&r->timer, loop_now(r->loop) + r->ready_time);
        r->base->events->started(r->base);
        rie_probe(r);
}

static void on_output(void *owner, bool is_error, const char *data, size_t len) {
        struct rie *r = owner;

        if (r->state == RIE_DEAD)
                return;
        if (r->state == RIE_PROBING)
                rie_probe_hears(r);
        rie_hear(r, is_error, data, len);
}

static void on_output_ended(void *owner) {
        struct rie *r = owner;

        defer_call(r->loop, &r->soon, on_soon);
}

static void on_lost(void *owner, enum remote_loss loss, const char *why) {
        struct rie *r = owner;

        r->lost = true;
        r->loss = loss;
        keep_reason(r, why);
        defer_call(r->loop, &r->soon, on_soon);
}

static const struct guest_ops guest_ops = { on_running, on_output, on_output_ended, on_lost };

/* ---- the owner's calls ---- */

static struct rie *rie_of(const struct environment *e) {
        return scribe_driver(e);
}

static int rie_start(struct environment *e) {
        struct rie *r = rie_of(e);

        must(r->state == RIE_NEW);
        r->started = loop_clock(r->loop);
        rie_enter(r, RIE_STARTING);
        if (r->missing_command)
                on_lost(r, REMOTE_BROKEN, "the image has neither an entrypoint nor a command");
        else
                guest_begin(r->container);
        return 0;
}

static void rie_invoke(struct environment *e, const struct invocation_order *order) {
        struct rie *r = rie_of(e);

        must(r->state == RIE_IDLE);
        scribe_begin(e, order);
        rie_call(r);
}

static void rie_credit(struct environment *e, size_t len) {
        struct rie *r = rie_of(e);
        struct rie_response *in = &r->response;

        in->unsettled -= MIN((uint64_t)len, in->unsettled);
        if (in->paused && in->unsettled < ENVIRONMENT_WINDOW && r->state == RIE_CALLING) {
                in->paused = false;
                http_client_resume(r->client);
        }
}

/* An engine's pause would stop the emulator too, and takes longer than most invocations. */
static void rie_freeze(struct environment *e) {
}

static void rie_thaw(struct environment *e) {
}

static void rie_stop(struct environment *e) {
        struct rie *r = rie_of(e);

        if (r->state == RIE_STOPPING || r->state == RIE_DEAD)
                return;
        if (r->client)
                http_client_cancel(r->client);
        rie_enter(r, RIE_STOPPING);
        defer_call(r->loop, &r->soon, on_soon);
}

static void rie_stats(struct environment *e, struct environment_stats *ret_stats) {
        *ret_stats = (struct environment_stats){};
}

static void rie_free(struct environment *e) {
        struct rie *r = rie_of(e);

        timer_disarm(&r->timer);
        timer_disarm(&r->again);
        defer_cancel(&r->soon);
        http_client_free(r->client);
        guest_free(r->container);
        rie_response_clear(&r->response);
        rie_verdict_clear(&r->verdict);
        buf_deinit(&r->event);
        buf_deinit(&r->fields);
        buf_deinit(&r->partial[0]);
        buf_deinit(&r->partial[1]);
        free(r->why);
        free(r);
        scribe_free(e);
}

static const struct environment_ops ops = {
        .start = rie_start,
        .invoke = rie_invoke,
        .credit = rie_credit,
        .freeze = rie_freeze,
        .thaw = rie_thaw,
        .stop = rie_stop,
        .stats = rie_stats,
        .free = rie_free,
};

/* ---- making ---- */

bool rie_is_started_by(const char *const *argv) {
        for (; argv && *argv; ++argv)
                if (strstr(*argv, "aws-lambda-rie"))
                        return true;
        return false;
}

static void add(char **vars, size_t *count, const char *name, const char *value) {
        if (value)
                vars[(*count)++] = xasprintf("%s=%s", name, value);
}

/* The emulator takes whole seconds; it hands its own variables on to the function. */
static char **make_vars(const struct rie_spec *spec) {
        const struct environment_spec *e = spec->environment;
        char **vars = xcalloc(e->var_count + VARS_OF_OURS, sizeof(*vars));
        char memory[U64_TEXT], timeout[U64_TEXT];
        size_t n = 0;

        for (size_t i = 0; i < e->var_count; ++i) {
                AUTO(str) char *value =
                        localhost_rewrite(e->vars, e->var_count, &e->vars[i], "host.docker.internal");

                add(vars, &n, e->vars[i].name, value);
        }
        add(vars, &n, "AWS_LAMBDA_FUNCTION_NAME", e->function);
        add(vars, &n, "AWS_LAMBDA_FUNCTION_VERSION", e->version);
        add(vars, &n, "AWS_LAMBDA_FUNCTION_MEMORY_SIZE", u64_text(e->memory_mb, memory));
        add(vars, &n, "AWS_LAMBDA_FUNCTION_TIMEOUT", u64_text(e->timeout / SECOND, timeout));
        add(vars, &n, "AWS_LAMBDA_INITIALIZATION_TYPE",
            e->provisioned ? "provisioned-concurrency" : "on-demand");
        add(vars, &n, "AWS_LAMBDA_LOG_GROUP_NAME", e->log_group);
        add(vars, &n, "AWS_LAMBDA_LOG_STREAM_NAME", e->log_stream);
        add(vars, &n, "AWS_LAMBDA_LOG_FORMAT", e->log_json ? "JSON" : NULL);
        add(vars, &n, "AWS_LAMBDA_LOG_LEVEL", e->log_json ? e->log_level : NULL);
        add(vars, &n, "AWS_REGION", e->region);
        add(vars, &n, "AWS_DEFAULT_REGION", e->region);
        add(vars, &n, "AWS_ACCESS_KEY_ID", e->access_key_id);
        add(vars, &n, "AWS_SECRET_ACCESS_KEY", e->secret_access_key);
        add(vars, &n, "AWS_SESSION_TOKEN", e->session_token);
        add(vars, &n, "AWS_EXECUTION_ENV", spec->execution_env);
        return vars;
}

struct environment *rie_environment_new(struct loop *loop, struct containers *c,
                                        const struct rie_spec *spec) {
        static const char *const nothing[] = { NULL };
        struct rie *r = xcalloc(1, sizeof(*r));
        char **vars = make_vars(spec);

        r->loop = loop;
        r->missing_command = !spec->argv;
        r->ready_time = spec->ready_time ?: RIE_READY_TIME;
        r->container = guest_new(c,
                                 &(struct guest_spec){
                                         .environment = spec->environment,
                                         .image = spec->image,
                                         .argv = spec->argv ?: nothing,
                                         .working_dir = spec->working_dir,
                                         .vars = (const char *const *)vars,
                                         .runtime_is_task = spec->runtime_is_task,
                                         .port = RIE_PORT,
                                 },
                                 &guest_ops, r);
        for (char **at = vars; *at; ++at)
                free(*at);
        free(vars);
        if (!r->container) {
                free(r);
                return NULL;
        }
        timer_init(&r->timer, loop, on_timer);
        timer_init(&r->again, loop, rie_probe_again);
        r->event = BUF_NULL(PAYLOAD_MAX);
        r->fields = BUF_NULL(FIELDS_MAX);
        r->partial[0] = r->partial[1] = BUF_NULL(JOURNAL_LINE_MAX);
        r->response.body = BUF_NULL(ANSWER_MAX);
        r->verdict.payload = BUF_NULL(ANSWER_MAX);
        r->base = scribe_new(loop, spec->environment, &ops, r);
        return r->base;
}
