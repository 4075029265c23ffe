/* SPDX-License-Identifier: Apache-2.0 */
/*
 * SHUTDOWN: how a generation ends (docs/aws.md, lifecycle).
 *
 * Without a registered extension it is killed at once. With one the runtime gets SIGTERM and a share of the
 * time; then each external extension that subscribed to it gets the SHUTDOWN event, the others SIGKILL; what
 * lives at the deadline is killed. The time is counted from the beginning, whatever has ended earlier.
 */
#include <signal.h>

#include "runtime/supervisor_private.h"

#define BUDGET (2000 * MILLISECOND)         /* with an external extension */
#define RUNTIME_SHARE (300 * MILLISECOND)   /* of it */
#define BUDGET_INTERNAL (500 * MILLISECOND) /* with internal ones only: all of it is the runtime's */

static bool anyone_lives(const struct supervisor *s) {
        return s->runtime_alive || extensions_any_alive(&s->extensions);
}

static void kill_the_uninterested(struct supervisor *s) {
        const struct extensions *x = &s->extensions;

        for (size_t i = 0; i < x->externals; ++i)
                if (x->all[i].alive && !(x->all[i].events & EXTENSION_SHUTDOWN))
                        s->place->ops->signal(s->place, PROCESS_EXTENSION + (unsigned)i, SIGKILL);
}

/* The runtime has ended, or had its share. */
static void tell_extensions(struct supervisor *s) {
        static const char *const reasons[] = {
                [SHUTDOWN_SPINDOWN] = "spindown",
                [SHUTDOWN_TIMEOUT] = "timeout",
                [SHUTDOWN_FAILURE] = "failure",
        };

        s->shutdown.extensions_told = true;
        timer_arm(&s->gen_timer, s->shutdown.deadline);
        extensions_api_shutdown(s, s->shutdown.deadline, reasons[s->shutdown.why]);
        kill_the_uninterested(s);
        if (!anyone_lives(s))
                generation_kill(s);
}

void generation_end(struct supervisor *s, enum shutdown_reason why) {
        nsec_t now = loop_clock(s->loop);
        bool external = s->extensions.externals;

        if (s->gen == GEN_NONE || gen_is_ending(s->gen))
                return;
        if (s->now.active && !s->now.ended)
                s->now.ended = loop_now(s->loop);
        if (!s->extensions.count || !anyone_lives(s)) {
                generation_kill(s);
                return;
        }
        generation_enter(s, GEN_SHUTDOWN);
        s->last_words.waiting = false;
        runtime_api_drop_answer(s);
        s->place->ops->thaw(s->place); /* the frozen cannot take leave */
        s->shutdown =
                (struct shutdown){ .why = why, .deadline = now + (external ? BUDGET : BUDGET_INTERNAL) };
        if (!s->runtime_alive) {
                tell_extensions(s);
                return;
        }
        timer_arm(&s->gen_timer, external ? now + RUNTIME_SHARE : s->shutdown.deadline);
        s->place->ops->signal(s->place, PROCESS_RUNTIME, SIGTERM);
}

void shutdown_process_ended(struct supervisor *s) {
        if (!anyone_lives(s))
                generation_kill(s);
        else if (!s->shutdown.extensions_told && !s->runtime_alive)
                tell_extensions(s);
}

void shutdown_on_timer(struct supervisor *s) {
        if (s->shutdown.extensions_told || !s->extensions.externals) {
                generation_kill(s);
                return;
        }
        s->place->ops->signal(s->place, PROCESS_RUNTIME, SIGKILL);
        tell_extensions(s);
}
