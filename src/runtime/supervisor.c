/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two machines: the environment as its owner sees it (enum env_state) and its generation of processes (enum
 * gen_state). A generation that fails in any way goes to GEN_KILLING at once: from then on nothing that it
 * says counts, and on_emptied decides what comes next by the environment's state. So there is one way out for
 * crashes, timeouts and stops.
 *
 *      NONE --spawn--> INIT --next--> READY --event--> RUNNING --answer--> ANSWERED --next--> READY
 *        ^------------- emptied --------------- KILLING <--- anything that goes wrong, from any of these
 */
#include "runtime/supervisor_private.h"

#include <stdio.h>
#include <time.h>

#include "base/json.h"
#include "base/log.h"

#define INIT_ERROR_PATIENCE SECOND /* between init/error and the exit that should follow it */

static const char *env_state_name(enum env_state state) {
        static const char *const names[] = {
                [ENV_NEW] = "new",       [ENV_STARTING] = "starting", [ENV_IDLE] = "idle",
                [ENV_FROZEN] = "frozen", [ENV_BUSY] = "busy",         [ENV_STOPPING] = "stopping",
                [ENV_DEAD] = "dead",
        };

        return names[state];
}

/* The one setter: a state cannot keep the timer of the state before. */
static void enter(struct supervisor *s, enum env_state state) {
        log_debug("environment=%s function=%s state=%s from=%s", s->base.id, s->function,
                  env_state_name(state), env_state_name(s->state));
        s->state = state;
        timer_disarm(&s->timer);
        if (state == ENV_STARTING)
                timer_arm(&s->timer, loop_now(s->loop) + s->init_limit);
        else if (state == ENV_BUSY)
                timer_arm(&s->timer, s->now.began + s->now.order.timeout);
}

static void begin_kill(struct supervisor *s) {
        if (s->gen == GEN_NONE || s->gen == GEN_KILLING)
                return;
        s->gen = GEN_KILLING;
        runtime_api_drop_answer(s);
        s->place->ops->kill(s->place);
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

static nsec_t round_up_ms(nsec_t t) {
        return MAX((t + MILLISECOND - 1) / MILLISECOND, (nsec_t)1) * MILLISECOND;
}

/* END and REPORT, and what they say. The environment may still have to be emptied before it is idle. */
static void conclude(struct supervisor *s, struct invocation_report *ret_report) {
        nsec_t duration = loop_now(s->loop) - s->now.began;
        nsec_t init = s->pending_init;

        if (s->now.timed_out)
                duration = s->now.order.timeout;
        s->pending_init = 0;
        *ret_report = (struct invocation_report){
                .outcome = s->now.outcome,
                .duration = duration,
                .billed = round_up_ms(duration + init),
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

static void become_idle(struct supervisor *s, const struct invocation_report *report) {
        char *error_type = TAKE(s->now.error_type);
        struct buf tail = s->journal.tail;

        /* The owner may invoke again from inside the event: everything of this invocation is put aside
         * before. */
        s->journal.tail = BUF_NULL(LOG_TAIL_MAX);
        s->journal.keep_tail = false;
        s->now.active = false;
        if (s->state != ENV_STOPPING) /* it was asked to stop and will, in on_soon */
                enter(s, ENV_IDLE);
        s->base.events->idle(&s->base, report);
        buf_deinit(&tail);
        free(error_type);
}

/* ---- answers ---- */

/* Once for each invocation, however it begins, and before its answer: the order's strings are the owner's
 * again then. */
static void log_start(struct supervisor *s) {
        if (s->now.start_logged)
                return;
        s->now.start_logged = true;
        journal_start(s);
}

static void answer(struct supervisor *s, enum invocation_outcome outcome, struct buf *payload,
                   const char *content_type, const char *error_type) {
        struct invocation_answer a = {
                .outcome = outcome,
                .is_error = outcome != OUTCOME_OK,
                .payload = payload,
                .content_type = content_type,
                .error_type = error_type,
        };

        must(s->now.active && !s->now.answered);
        log_start(s);
        s->now.answered = true;
        s->now.outcome = outcome;
        if (error_type)
                s->now.error_type = xstrdup(error_type);
        s->base.events->answered(&s->base, &a);
}

static void answer_failure(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                           const char *text) {
        AUTO(buf) struct buf body = BUF_NULL(64 * KIB);

        verdict_write(&body, error_type, s->now.request_id, text);
        answer(s, outcome, &body, NULL, error_type);
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

void supervisor_runtime_answered(struct supervisor *s) {
        struct incoming *in = &s->incoming;
        const char *type = in->content_type;

        s->api = API_RESPONSE_SENT;
        s->gen = GEN_ANSWERED;
        if (in->error && type && str_starts(type, "application/vnd.aws.lambda.error.cause+json"))
                strip_error_cause(&in->payload);
        answer(s, in->error ? OUTCOME_HANDLER_ERROR : OUTCOME_OK, &in->payload, type,
               in->error ? verdict_reported_type(in->error_type) : NULL);
        incoming_clear(in);
}

/* The runtime answered, but so that the caller gets an error; it may go on and ask for more. */
void supervisor_runtime_failed_answer(struct supervisor *s, const char *error_type, const char *message) {
        AUTO(buf) struct buf body = BUF_NULL(4 * KIB);

        s->gen = GEN_ANSWERED;
        if (message)
                verdict_plain(&body, error_type, message);
        else
                verdict_write(&body, error_type, s->now.request_id, error_type);
        answer(s, OUTCOME_BAD_ANSWER, &body, NULL, error_type);
        incoming_clear(&s->incoming);
}

/* ---- delivering ---- */

static void deliver(struct supervisor *s) {
        log_start(s);
        s->gen = GEN_RUNNING;
        runtime_api_deliver(s);
}

static void fail_generation(struct supervisor *s, enum place_end end, int detail);

static void on_soon(struct defer *defer);

/* A new generation: INIT, inside an invocation (suppressed) or before one. */
static void spawn(struct supervisor *s) {
        struct process_spec spec = {
                .kind = PROCESS_RUNTIME,
                .argv = (const char *const *)s->argv,
                .envp = (const char *const *)s->envp,
                .cwd = s->cwd,
        };

        int r;

        must(s->gen == GEN_NONE);
        ++s->base.generation;
        s->gen = GEN_INIT;
        s->api = API_STARTED;
        s->spawned = loop_clock(s->loop);
        free(TAKE(s->init_error_body));
        free(TAKE(s->init_error_type));
        s->spawn_error = ENOENT;
        journal_init_start(s);
        if (s->argv) {
                r = s->place->ops->spawn(s->place, &spec);
                if (!r)
                        return;
                s->spawn_error = -r;
        }
        defer_call(s->loop, &s->soon, on_soon); /* never fail inside the owner's call */
}

void supervisor_runtime_asked(struct supervisor *s) {
        nsec_t now = loop_clock(s->loop);
        struct invocation_report report;

        switch (s->gen) {
        case GEN_INIT:
                s->gen = GEN_READY;
                s->api = API_READY;
                s->has_been_ready = true;
                s->init_time = now - s->spawned;
                if (s->state == ENV_BUSY) {
                        deliver(s);
                } else if (s->state == ENV_STARTING) {
                        s->pending_init = s->init_time;
                        enter(s, ENV_IDLE);
                        s->base.events->ready(&s->base, s->start_time, s->init_time, false);
                }
                break;
        case GEN_READY:
                if (s->state == ENV_BUSY)
                        deliver(s); /* it had hung up; the event waited for it */
                break;
        case GEN_RUNNING:
                runtime_api_deliver(s); /* asked again without an answer: the same event again */
                break;
        case GEN_ANSWERED:
                s->gen = GEN_READY;
                s->api = API_READY;
                s->place->ops->drain_output(s->place);
                conclude(s, &report);
                become_idle(s, &report);
                break;
        case GEN_KILLING:
        case GEN_NONE:
                break; /* it will not live to see an answer */
        }
}

/* ---- failures ---- */

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
        log_start(s);
        if (s->init_error_body) {
                AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX);

                buf_append(&body, s->init_error_body, s->init_error_len);
                answer(s, OUTCOME_INIT_ERROR, &body, NULL, reported);
                return;
        }
        answer_failure(s, end == PLACE_OOM_KILLED ? OUTCOME_OUT_OF_MEMORY : OUTCOME_INIT_ERROR, type, text);
}

/* The runtime of the living generation has ended. */
static void fail_generation(struct supervisor *s, enum place_end end, int detail) {
        AUTO(str)
        char *text = s->argv ? verdict_exit_text(end, detail, s->argv[0]) : xstrdup(s->missing_entry);
        const char *type = s->argv ? verdict_exit_type(end) : "Runtime.InvalidEntrypoint";
        enum gen_state was = s->gen;

        journal_flush_partial(s);
        begin_kill(s);
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
        time_t seconds = (time_t)(loop_wall(s->loop) / SECOND);
        char stamp[32];
        struct tm utc;
        enum gen_state was = s->gen;

        gmtime_r(&seconds, &utc);
        strftime(stamp, sizeof(stamp), "%Y-%m-%dT%H:%M:%S", &utc);
        s->place->ops->drain_output(s->place);
        journal_flush_partial(s);
        if (was == GEN_INIT)
                journal_init_report(s, loop_clock(s->loop) - s->spawned, "invoke", "timeout", NULL);
        log_start(s);
        journal_platform(s, "%s.%03uZ %s %s", stamp, (unsigned)(loop_wall(s->loop) % SECOND / MILLISECOND),
                         s->now.request_id, text);
        s->now.timed_out = true;
        begin_kill(s);
        if (!s->now.answered)
                answer_failure(s, OUTCOME_TIMEOUT, "Sandbox.Timedout", text);
        s->now.outcome = OUTCOME_TIMEOUT; /* also when the answer was in time and only `next` never came */
}

static void on_timer(struct timer *timer) {
        struct supervisor *s = container_of(timer, struct supervisor, timer);

        switch (s->state) {
        case ENV_STARTING:
                if (s->gen == GEN_INIT && s->api == API_INIT_ERROR) {
                        fail_generation(s, PLACE_EXITED, 1);
                } else if (s->gen == GEN_INIT) {
                        s->place->ops->drain_output(s->place);
                        journal_flush_partial(s);
                        journal_init_report(s, s->init_limit, "init", "timeout", NULL);
                        begin_kill(s);
                }
                break;
        case ENV_BUSY:
                if (loop_now(s->loop) < s->now.began + s->now.order.timeout && s->gen == GEN_INIT)
                        fail_generation(s, PLACE_EXITED, 1);
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
void supervisor_init_error(struct supervisor *s) {
        struct incoming *in = &s->incoming;
        nsec_t patience = loop_now(s->loop) + INIT_ERROR_PATIENCE;

        s->init_error_type = xstrdup(verdict_reported_type(in->error_type));
        if (s->now.active)
                s->init_error_body = buf_take_str(&in->payload, &s->init_error_len);
        incoming_clear(in);
        if (!timer_is_armed(&s->timer) || s->timer.due > patience)
                timer_arm(&s->timer, patience);
}

/* ---- events of the place ---- */

static void place_opened(struct place *place, int api_fd, const char *api_address) {
        struct supervisor *s = place->owner;

        if (s->state == ENV_DEAD) {
                fd_close(api_fd);
                return;
        }
        if (http_listen(s->loop, api_fd, &runtime_api_handler, &http_limits_runtime, s, &s->listener)) {
                s->lost = true;
                s->lost_why = xstrdup("its Runtime API listener could not be registered");
                defer_call(s->loop, &s->soon, on_soon);
                return;
        }
        environ_set_api(s, api_address);
        s->start_time = loop_clock(s->loop) - s->started;
        if (s->state == ENV_STARTING) {
                enter(s, ENV_STARTING); /* INIT's limit runs from here: opening the place is not the
                                           function's time */
                spawn(s);
        }
        s->base.events->started(&s->base);
}

static void place_output(struct place *place, const char *data, size_t len) {
        struct supervisor *s = place->owner;

        if (s->state != ENV_DEAD)
                journal_output(s, data, len);
}

static void place_exit(struct place *place, enum process_kind kind, enum place_end end, int detail) {
        struct supervisor *s = place->owner;

        if (s->gen == GEN_NONE || s->gen == GEN_KILLING)
                return;
        fail_generation(s, end, detail);
}

static void end_of_life(struct supervisor *s, const char *why) {
        enter(s, ENV_DEAD);
        s->base.events->gone(&s->base, why); /* may free s */
}

/* Answers and closes what is under way; the environment cannot go on. */
static void abandon_invocation(struct supervisor *s, const char *text) {
        struct invocation_report report;

        if (!s->now.active)
                return;
        journal_flush_partial(s);
        if (!s->now.answered)
                answer_failure(s, OUTCOME_SANDBOX_FAILURE, "Sandbox.Failure", text);
        conclude(s, &report);
        become_idle(s, &report);
}

/* What is left to do when a failed invocation's processes are gone, or when there were none. */
static void settle(struct supervisor *s) {
        struct invocation_report report;

        switch (s->state) {
        case ENV_STARTING:
                s->pending_init = 0;
                enter(s, ENV_IDLE);
                s->base.events->ready(&s->base, s->start_time, loop_clock(s->loop) - s->spawned, true);
                break;
        case ENV_BUSY:
                if (!s->now.answered) {
                        spawn(s); /* it was given an invocation while the old generation was dying */
                        break;
                }
                conclude(s, &report);
                become_idle(s, &report);
                if (s->base.ending)
                        end_of_life(s, "what it keeps leaves too little memory to start in");
                break;
        case ENV_STOPPING:
                abandon_invocation(s, "the execution environment was stopped");
                end_of_life(s, "stopped");
                break;
        case ENV_NEW:
        case ENV_IDLE:
        case ENV_FROZEN:
        case ENV_DEAD:
                break;
        }
}

static void place_emptied(struct place *place) {
        struct supervisor *s = place->owner;

        if (s->gen != GEN_KILLING || s->state == ENV_DEAD)
                return;
        s->place->ops->drain_output(s->place);
        journal_flush_partial(s);
        runtime_api_drop(s);
        s->gen = GEN_NONE;
        settle(s);
}

static void place_lost(struct place *place, const char *why) {
        struct supervisor *s = place->owner;

        if (s->state == ENV_DEAD)
                return;
        runtime_api_drop(s);
        s->gen = GEN_NONE;
        s->base.ending = true;
        abandon_invocation(s, why);
        end_of_life(s, why);
}

static const struct place_events place_events = {
        .on_opened = place_opened,
        .on_output = place_output,
        .on_exit = place_exit,
        .on_emptied = place_emptied,
        .on_lost = place_lost,
};

/* ---- the owner's calls ---- */

static int supervisor_start(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        must(s->state == ENV_NEW);
        s->started = loop_clock(s->loop);
        enter(s, ENV_STARTING);
        return s->place->ops->open(s->place);
}

static void supervisor_invoke(struct environment *e, const struct invocation_order *order) {
        struct supervisor *s = supervisor_of(e);

        must(s->state == ENV_IDLE && !s->now.active);
        s->now = (struct current){ .active = true, .order = *order, .began = loop_now(s->loop) };
        str_fit(s->now.request_id, sizeof(s->now.request_id), order->request_id);
        s->journal.keep_tail = order->want_tail;
        enter(s, ENV_BUSY);
        if (s->gen == GEN_NONE)
                spawn(s);
        else if (s->gen == GEN_READY && s->poll)
                deliver(s);
        /* else: the old generation is dying, or the runtime will ask again */
}

static void supervisor_credit(struct environment *e, size_t len) {
        struct supervisor *s = supervisor_of(e);
        struct incoming *in = &s->incoming;

        if (!in->x)
                return;
        in->unsettled -= MIN((uint64_t)len, in->unsettled);
        if (in->unsettled < ENVIRONMENT_WINDOW)
                http_resume(in->x);
}

static void supervisor_freeze(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        if (s->state == ENV_IDLE && s->gen == GEN_READY && s->place->ops->freeze(s->place) == 0)
                enter(s, ENV_FROZEN);
}

static void supervisor_thaw(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        if (s->state != ENV_FROZEN)
                return;
        s->place->ops->thaw(s->place);
        enter(s, ENV_IDLE);
}

/* With no extension registered SHUTDOWN has no time of its own: SIGKILL (facts/runtime-api.md section 5). */
static void stop_now(struct supervisor *s) {
        abandon_invocation(s, "the execution environment was stopped");
        enter(s, ENV_STOPPING);
        if (s->gen == GEN_NONE)
                end_of_life(s, "stopped");
        else
                begin_kill(s);
}

static void on_soon(struct defer *defer) {
        struct supervisor *s = container_of(defer, struct supervisor, soon);

        if (s->state == ENV_STOPPING) {
                stop_now(s);
        } else if (s->lost) {
                place_lost(s->place, s->lost_why);
        } else if (s->gen == GEN_INIT) { /* spawn started nothing */
                fail_generation(s, PLACE_EXEC_FAILED, s->spawn_error);
        }
}

static void supervisor_stop(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        if (s->state == ENV_STOPPING || s->state == ENV_DEAD)
                return;
        if (s->state == ENV_FROZEN)
                s->place->ops->thaw(s->place);
        if (!s->now.active)
                enter(s, ENV_STOPPING);
        else
                s->state = ENV_STOPPING, timer_disarm(&s->timer);
        defer_call(s->loop, &s->soon, on_soon);
}

static void supervisor_stats(struct environment *e, struct environment_stats *ret_stats) {
        struct supervisor *s = supervisor_of(e);

        *ret_stats = (struct environment_stats){
                .pid = s->place->ops->pid(s->place),
                .memory = s->place->ops->current_memory(s->place),
                .memory_peak = s->place->ops->peak_memory(s->place),
        };
}

static void free_strings(char **strings) {
        for (char **at = strings; at && *at; ++at)
                free(*at);
        free(strings);
}

static void supervisor_free(struct environment *e) {
        struct supervisor *s = supervisor_of(e);

        timer_disarm(&s->timer);
        defer_cancel(&s->soon);
        s->now.active = false;
        s->gen = GEN_KILLING; /* nothing that still comes counts */
        runtime_api_drop(s);
        http_listener_free(s->listener);
        s->place->ops->free(s->place);
        journal_deinit(&s->journal);
        free_strings(s->argv);
        free_strings(s->envp);
        free(s->function), free(s->version), free(s->region), free(s->handler);
        free(s->log_level), free(s->system_log_level);
        free(s->notice), free(s->missing_entry), free(s->version_name), free(s->version_arn), free(s->cwd);
        free(s->init_error_body), free(s->init_error_type), free(s->now.error_type), free(s->lost_why);
        free(s);
}

static const struct environment_ops supervisor_ops = {
        .start = supervisor_start,
        .invoke = supervisor_invoke,
        .credit = supervisor_credit,
        .freeze = supervisor_freeze,
        .thaw = supervisor_thaw,
        .stop = supervisor_stop,
        .stats = supervisor_stats,
        .free = supervisor_free,
};

static char *copy(const char *s) {
        return s ? xstrdup(s) : NULL;
}

static char **copy_strings(const char *const *strings) {
        size_t count = 0;
        char **out;

        if (!strings)
                return NULL;
        while (strings[count])
                ++count;
        out = xcalloc(count + 1, sizeof(*out));
        for (size_t i = 0; i < count; ++i)
                out[i] = xstrdup(strings[i]);
        return out;
}

struct environment *supervisor_new(const struct supervisor_options *options) {
        const struct environment_spec *spec = options->spec;
        const struct runtime_command *command = options->command;
        struct supervisor *s = xcalloc(1, sizeof(*s));

        s->base.ops = &supervisor_ops;
        memcpy(s->base.id, spec->id, sizeof(s->base.id));
        s->loop = options->loop;
        s->place = options->place_consume;
        s->place->events = &place_events;
        s->place->owner = s;
        s->init_limit = options->init_limit ? options->init_limit : INIT_LIMIT;
        s->on_foreign_request = options->on_foreign_request;
        s->owner = options->owner;
        s->function = copy(spec->function);
        s->version = copy(spec->version);
        s->region = copy(spec->region);
        s->handler = copy(spec->handler);
        s->log_json = spec->log_json;
        s->log_level = copy(spec->log_level);
        s->system_log_level = copy(spec->system_log_level);
        s->memory_mb = spec->memory_mb;
        s->timeout = spec->timeout;
        s->argv = copy_strings(command->argv);
        s->cwd = copy(command->cwd);
        s->notice = copy(command->notice);
        s->missing_entry = copy(command->missing_entry ? command->missing_entry : "no runtime");
        s->version_name = copy(command->version_name);
        s->version_arn = copy(command->version_arn);
        timer_init(&s->timer, s->loop, on_timer);
        s->journal =
                (struct journal){ .partial = BUF_NULL(JOURNAL_LINE_MAX + 1), .tail = BUF_NULL(LOG_TAIL_MAX) };
        s->incoming.payload = BUF_NULL(ANSWER_MAX);
        environ_build(s, spec, command);
        return &s->base;
}
