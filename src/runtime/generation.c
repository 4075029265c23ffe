/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A generation: the processes that one INIT starts, from their start until nothing of them is left. An
 * environment lives through several of them.
 *
 *      NONE --spawn--> INIT --next--> READY --event--> RUNNING --answer--> ANSWERED --next--> READY
 *        ^------------- emptied --------------- KILLING <--- anything that goes wrong, from any of these
 */
#include "runtime/supervisor_private.h"

void generation_kill(struct supervisor *s) {
        if (s->gen == GEN_NONE || s->gen == GEN_KILLING)
                return;
        s->gen = GEN_KILLING;
        s->last_words.waiting = false;
        runtime_api_drop_answer(s);
        if (!s->last_words.killed)
                s->place->ops->kill(s->place);
        else if (s->last_words.emptied)
                defer_call(s->loop, &s->soon, supervisor_on_soon);
}

void generation_exited(struct supervisor *s, enum place_end end, int detail) {
        s->last_words = (struct last_words){ .exited = true, .end = end, .detail = detail };
        http_listener_catch_up(s->listener);
        if (s->gen == GEN_NONE || s->gen == GEN_KILLING)
                return;
        if (!s->incoming.x) {
                generation_fail(s, end, detail);
                return;
        }
        s->last_words.waiting = s->last_words.killed = true;
        s->place->ops->kill(s->place);
}

void generation_answer_over(struct supervisor *s) {
        if (s->last_words.waiting)
                defer_call(s->loop, &s->soon, supervisor_on_soon);
}

void generation_deliver(struct supervisor *s) {
        answer_log_start(s);
        s->gen = GEN_RUNNING;
        runtime_api_deliver(s);
}

/* A new generation: INIT, inside an invocation (suppressed) or before one. */
void generation_spawn(struct supervisor *s) {
        struct process_spec spec = {
                .process = PROCESS_RUNTIME,
                .argv = (const char *const *)s->argv,
                .envp = (const char *const *)s->envp,
                .cwd = s->cwd,
        };
        int r;

        must(s->gen == GEN_NONE);
        ++s->base.generation;
        s->gen = GEN_INIT;
        s->last_words = (struct last_words){};
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
        defer_call(s->loop, &s->soon, supervisor_on_soon); /* never fail inside the owner's call */
}

void generation_asked(struct supervisor *s) {
        nsec_t now = loop_clock(s->loop);
        struct invocation_report report;

        switch (s->gen) {
        case GEN_INIT:
                s->gen = GEN_READY;
                s->api = API_READY;
                s->has_been_ready = true;
                s->init_time = now - s->spawned;
                if (s->state == ENV_BUSY) {
                        generation_deliver(s);
                } else if (s->state == ENV_STARTING) {
                        s->pending_init = s->init_time;
                        supervisor_enter(s, ENV_IDLE);
                        s->base.events->ready(&s->base, s->start_time, s->init_time, false);
                }
                break;
        case GEN_READY:
                if (s->state == ENV_BUSY)
                        generation_deliver(s); /* it had hung up; the event waited for it */
                break;
        case GEN_RUNNING:
                runtime_api_deliver(s); /* asked again without an answer: the same event again */
                break;
        case GEN_ANSWERED:
                s->gen = GEN_READY;
                s->api = API_READY;
                s->place->ops->drain_output(s->place);
                supervisor_conclude(s, &report);
                supervisor_become_idle(s, &report);
                break;
        case GEN_KILLING:
        case GEN_NONE:
                break; /* it will not live to see an answer */
        }
}
