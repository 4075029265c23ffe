/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation: the processes that one INIT starts, from their start until nothing of them is left. An
 * environment lives through several of them.
 *
 *      NONE --start--> EXTENSIONS --all registered--> INIT --next, all ready--> READY
 *        ^                                                                        | event
 *        |                         READY <--next, all done-- ANSWERED <--answer-- RUNNING
 *      emptied
 *        |
 *      KILLING <-- SHUTDOWN <--- anything that goes wrong, from any of these, and the environment's stop
 *
 * Without extensions EXTENSIONS takes no time, and SHUTDOWN is skipped (shutdown.c).
 */
#include "runtime/supervisor_private.h"

#include "base/log.h"

static const char *gen_state_name(enum gen_state state) {
        static const char *const names[] = {
                [GEN_NONE] = "none",         [GEN_EXTENSIONS] = "extensions", [GEN_INIT] = "init",
                [GEN_READY] = "ready",       [GEN_RUNNING] = "running",       [GEN_ANSWERED] = "answered",
                [GEN_SHUTDOWN] = "shutdown", [GEN_KILLING] = "killing",
        };

        return names[state];
}

/* The one setter. What a process was given to leave by itself ends with its generation's life. */
void generation_enter(struct supervisor *s, enum gen_state state) {
        log_debug("environment=%s generation=%u state=%s from=%s", s->base.id, s->base.generation,
                  gen_state_name(state), gen_state_name(s->gen));
        s->gen = state;
        if (state == GEN_NONE || gen_is_ending(state))
                timer_disarm(&s->gen_timer);
}

void generation_kill(struct supervisor *s) {
        if (s->gen == GEN_NONE || s->gen == GEN_KILLING)
                return;
        generation_enter(s, GEN_KILLING);
        s->last_words.waiting = false;
        runtime_api_drop_answer(s);
        if (!s->last_words.killed)
                s->place->ops->kill(s->place);
        else if (s->last_words.emptied)
                defer_call(s->loop, &s->soon, supervisor_on_soon);
}

/* ---- start ---- */

/* A failure is told later: never inside a call of the owner. */
static void spawn(struct supervisor *s, const struct process_spec *spec) {
        int r = s->place->ops->spawn(s->place, spec);

        if (r)
                generation_cannot_start(s, spec->process, -r);
        else if (spec->process == PROCESS_RUNTIME)
                s->runtime_alive = true;
        else
                s->extensions.all[spec->process - PROCESS_EXTENSION].alive = true;
}

void generation_cannot_start(struct supervisor *s, unsigned process, int error) {
        if (s->spawn_error)
                return;
        s->spawn_error = error;
        s->spawn_failed = process;
        defer_call(s->loop, &s->soon, supervisor_on_soon);
}

static void start_runtime(struct supervisor *s) {
        const struct process_spec spec = {
                .process = PROCESS_RUNTIME,
                .argv = (const char *const *)s->argv,
                .envp = (const char *const *)s->envp,
                .cwd = s->cwd,
        };

        generation_enter(s, GEN_INIT);
        if (s->argv)
                spawn(s, &spec);
        else
                generation_cannot_start(s, PROCESS_RUNTIME, ENOENT);
}

char *extension_path(const struct supervisor *s, const struct extension *e) {
        return xstrcat(s->place->opt_root, "/extensions/", e->name, NULL);
}

static void start_extensions(struct supervisor *s) {
        struct extensions *x = &s->extensions;
        const char **envp = x->externals ? environ_for_extensions(s) : NULL;

        for (size_t i = 0; i < x->externals; ++i) {
                AUTO(str) char *path = extension_path(s, &x->all[i]);
                const char *const argv[] = { path, NULL };
                const struct process_spec spec = {
                        .process = PROCESS_EXTENSION + (unsigned)i, .argv = argv, .envp = envp, .cwd = "/"
                };

                if (i < EXTENSIONS_MAX)
                        spawn(s, &spec);
                else
                        generation_cannot_start(s, spec.process, EUSERS);
        }
        free(envp);
}

/* INIT, inside an invocation (suppressed) or before one. */
void generation_start(struct supervisor *s) {
        must(s->gen == GEN_NONE);
        ++s->base.generation;
        generation_enter(s, GEN_EXTENSIONS);
        s->last_words = (struct last_words){};
        s->api = API_STARTED;
        s->spawned = loop_clock(s->loop);
        s->spawn_error = 0;
        s->runtime_alive = false;
        free(TAKE(s->init_error_body));
        free(TAKE(s->init_error_type));
        extensions_begin(&s->extensions, (const char *const *)s->extension_names);
        s->base.has_extensions = s->extensions.count;
        journal_init_start(s);
        start_extensions(s);
        generation_advance(s);
}

/* ---- work ---- */

static void deliver(struct supervisor *s) {
        answer_log_start(s);
        generation_enter(s, GEN_RUNNING);
        extensions_api_invoke(s);
        runtime_api_deliver(s);
}

void generation_deliver(struct supervisor *s) {
        if (s->gen == GEN_READY && s->poll && !s->last_words.exited)
                deliver(s);
}

/* INIT is over. */
static void become_ready(struct supervisor *s) {
        generation_enter(s, GEN_READY);
        s->has_been_ready = true;
        s->init_time = loop_clock(s->loop) - s->spawned;
        journal_extensions(s);
        if (s->state == ENV_BUSY) {
                generation_deliver(s);
        } else if (s->state == ENV_STARTING) {
                s->pending_init = s->init_time;
                supervisor_enter(s, ENV_IDLE);
                s->base.events->ready(&s->base, s->start_time, s->init_time, false);
        }
}

/* The invocation is over. */
static void finish(struct supervisor *s) {
        struct invocation_report report;

        generation_enter(s, GEN_READY);
        s->place->ops->drain_output(s->place);
        supervisor_conclude(s, &report);
        supervisor_become_idle(s, &report);
}

/* Somebody has done what the generation may have waited for. */
void generation_advance(struct supervisor *s) {
        switch (s->gen) {
        case GEN_EXTENSIONS:
                if (extensions_have_registered(&s->extensions))
                        start_runtime(s);
                break;
        case GEN_INIT:
                if (s->api == API_READY && extensions_are_ready(&s->extensions))
                        become_ready(s);
                break;
        case GEN_READY:
                if (s->state == ENV_BUSY)
                        generation_deliver(s); /* the runtime had hung up; the event waited for it */
                break;
        case GEN_ANSWERED:
                if (s->api == API_READY && extensions_are_done(&s->extensions))
                        finish(s);
                break;
        case GEN_RUNNING:
        case GEN_SHUTDOWN:
        case GEN_KILLING:
        case GEN_NONE:
                break;
        }
}

void generation_asked(struct supervisor *s) {
        if (s->gen == GEN_RUNNING) {
                runtime_api_deliver(s); /* asked again without an answer: the same event again */
                return;
        }
        if (s->gen == GEN_INIT || s->gen == GEN_ANSWERED)
                s->api = API_READY;
        if (s->gen == GEN_INIT)
                s->extensions.closed = true;
        generation_advance(s);
}

/* ---- the end of a process ---- */

/* Without extensions the rest is killed meanwhile; with some it is waited for no longer than for an exit. */
static void await_answer(struct supervisor *s) {
        s->last_words.waiting = true;
        if (s->extensions.count) {
                timer_arm(&s->gen_timer, loop_now(s->loop) + EXIT_PATIENCE);
                return;
        }
        s->last_words.killed = true;
        s->place->ops->kill(s->place);
}

void generation_answer_over(struct supervisor *s) {
        if (s->last_words.waiting)
                defer_call(s->loop, &s->soon, supervisor_on_soon);
}

static void note_end(struct supervisor *s, unsigned process, enum place_end end, int detail) {
        if (process != PROCESS_RUNTIME) {
                s->extensions.all[process - PROCESS_EXTENSION].alive = false;
                return;
        }
        s->runtime_alive = false;
        s->last_words = (struct last_words){ .exited = true, .end = end, .detail = detail };
}

void generation_process_ended(struct supervisor *s, unsigned process, enum place_end end, int detail) {
        if (process == PROCESS_RUNTIME && s->last_words.exited)
                return;
        note_end(s, process, end, detail);
        if (!gen_is_ending(s->gen))
                http_listener_catch_up(s->listener);
        if (s->gen == GEN_SHUTDOWN)
                shutdown_process_ended(s);
        else if (s->gen == GEN_NONE || s->gen == GEN_KILLING)
                return;
        else if (process == PROCESS_RUNTIME && s->incoming.x)
                await_answer(s);
        else
                failure_process_ended(s, process, end, detail);
}
