/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Two machines: the environment as its owner sees it (enum env_state), here, and its generation of processes
 * (enum gen_state, generation.c). A generation that fails in any way is killed (failures.c): from then on
 * nothing that it says counts, and when nothing of it is left `settle` decides what comes next, by the
 * environment's state. So there is one way out for crashes, timeouts and stops.
 */
#include "runtime/supervisor_private.h"

#include "base/log.h"

static const char *env_state_name(enum env_state state) {
        static const char *const names[] = {
                [ENV_NEW] = "new",       [ENV_STARTING] = "starting", [ENV_IDLE] = "idle",
                [ENV_FROZEN] = "frozen", [ENV_BUSY] = "busy",         [ENV_STOPPING] = "stopping",
                [ENV_DEAD] = "dead",
        };

        return names[state];
}

/* The one setter: a state cannot keep the timer of the state before. */
void supervisor_enter(struct supervisor *s, enum env_state state) {
        log_debug("environment=%s function=%s state=%s from=%s", s->base.id, s->function,
                  env_state_name(state), env_state_name(s->state));
        s->state = state;
        timer_disarm(&s->timer);
        if (state == ENV_STARTING)
                timer_arm(&s->timer, loop_now(s->loop) + s->init_limit);
        else if (state == ENV_BUSY)
                timer_arm(&s->timer, s->now.began + s->now.order.timeout);
}

static void forget_generation(struct supervisor *s) {
        runtime_api_drop(s);
        extensions_api_drop(s);
        generation_enter(s, GEN_NONE);
}

static void end_of_life(struct supervisor *s, const char *why) {
        supervisor_enter(s, ENV_DEAD);
        s->base.events->gone(&s->base, why); /* may free s */
}

static void abandon_stopped(struct supervisor *s) {
        supervisor_abandon(s, OUTCOME_SANDBOX_FAILURE, "Sandbox.Failure",
                           "the execution environment was stopped");
}

/* What is left to do when a failed invocation's processes are gone, or when there were none. */
static void settle(struct supervisor *s) {
        struct invocation_report report;

        switch (s->state) {
        case ENV_STARTING:
                s->pending_init = 0;
                supervisor_enter(s, ENV_IDLE);
                s->base.events->ready(&s->base, s->start_time, loop_clock(s->loop) - s->spawned, true);
                break;
        case ENV_BUSY:
                if (!s->now.answered) {
                        generation_start(s); /* given an invocation while the old one was dying */
                        break;
                }
                supervisor_conclude(s, &report);
                supervisor_become_idle(s, &report);
                if (s->base.ending)
                        end_of_life(s, "what it keeps leaves too little memory to start in");
                break;
        case ENV_STOPPING:
                abandon_stopped(s);
                end_of_life(s, "stopped");
                break;
        case ENV_NEW:
        case ENV_IDLE:
        case ENV_FROZEN:
        case ENV_DEAD:
                break;
        }
}

void supervisor_lose(struct supervisor *s, enum invocation_outcome outcome, const char *error_type,
                     const char *text, const char *why) {
        AUTO(str) char *sentence = xstrdup(why);

        if (s->state == ENV_DEAD)
                return;
        forget_generation(s);
        s->base.ending = true;
        if (s->now.active && outcome != OUTCOME_SANDBOX_FAILURE)
                answer_log_crash(s, error_type, text);
        supervisor_abandon(s, outcome, error_type, text);
        end_of_life(s, sentence);
}

static void lose(struct supervisor *s, const char *why) {
        supervisor_lose(s, OUTCOME_SANDBOX_FAILURE, "Sandbox.Failure", why, why);
}

static void stop_now(struct supervisor *s) {
        abandon_stopped(s);
        supervisor_enter(s, ENV_STOPPING);
        if (s->gen == GEN_NONE)
                end_of_life(s, "stopped");
        else
                generation_end(s, SHUTDOWN_SPINDOWN);
}

void supervisor_on_soon(struct defer *defer) {
        struct supervisor *s = container_of(defer, struct supervisor, soon);

        if (s->gen == GEN_KILLING && s->last_words.emptied) {
                supervisor_place_events.on_emptied(s->place);
        } else if (s->state == ENV_STOPPING) {
                stop_now(s);
        } else if (s->lost) {
                lose(s, s->lost_why);
        } else if (s->last_words.waiting) {
                failure_process_ended(s, PROCESS_RUNTIME, s->last_words.end, s->last_words.detail);
        } else if (gen_is_starting(s->gen) && s->spawn_error) {
                failure_process_ended(s, s->spawn_failed, PLACE_EXEC_FAILED, s->spawn_error);
        }
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
                defer_call(s->loop, &s->soon, supervisor_on_soon);
                return;
        }
        environ_set_api(s, api_address);
        s->start_time = loop_clock(s->loop) - s->started;
        if (s->state == ENV_STARTING) {
                /* INIT's limit runs from here: opening the place is not the function's time. */
                supervisor_enter(s, ENV_STARTING);
                generation_start(s);
        }
        s->base.events->started(&s->base);
}

static void place_output(struct place *place, const char *data, size_t len) {
        struct supervisor *s = place->owner;

        if (s->state != ENV_DEAD)
                journal_output(s, data, len);
}

static void place_exit(struct place *place, unsigned process, enum place_end end, int detail) {
        struct supervisor *s = place->owner;

        if (s->gen != GEN_NONE && s->gen != GEN_KILLING)
                generation_process_ended(s, process, end, detail);
}

static void place_emptied(struct place *place) {
        struct supervisor *s = place->owner;

        s->last_words.emptied = true;
        if (s->gen != GEN_KILLING || s->state == ENV_DEAD)
                return;
        s->place->ops->drain_output(s->place);
        journal_flush_partial(s);
        forget_generation(s);
        settle(s);
}

static void place_lost(struct place *place, const char *why) {
        struct supervisor *s = place->owner;

        /* What INIT has done by then another one may do again: it is repeated after a failure too. */
        s->base.accident = place->accident && s->state == ENV_STARTING;
        lose(s, why);
}

const struct place_events supervisor_place_events = {
        .on_opened = place_opened,
        .on_output = place_output,
        .on_exit = place_exit,
        .on_emptied = place_emptied,
        .on_lost = place_lost,
};
