/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Removing a container takes the engine its time, and nobody waits for it. It is tried again with growing pauses;
 * what is not gone then goes at the next start, by its labels.
 */
#include "sandbox/broker/broker.h"
#include "sandbox/engine/containers_private.h"

#define TRIES 6
#define FIRST_PAUSE (500 * MILLISECOND)
#define AT_ONCE 8 /* more of them only make the engine slower */

struct removal {
        struct containers *containers;
        struct list link;
        struct docker_call call;
        struct timer again;
        char *id;
        unsigned tries;
};

static void begin_next(struct containers *c);

static void removal_free(struct removal *r) {
        list_unlink(&r->link);
        docker_call_clear(&r->call);
        timer_disarm(&r->again);
        free(r->id);
        free(r);
}

static void removal_end(struct removal *r) {
        struct containers *c = r->containers;

        removal_free(r);
        begin_next(c);
}

static void on_removed(struct docker_call *call, int r) {
        struct removal *removal = container_of(call, struct removal, call);
        struct containers *c = removal->containers;
        /* Nobody comes to the engine any more. */
        bool cut_off = c->by_broker && broker_problem(c->options.broker);

        /* -EEXIST: the engine is about to do so itself. */
        if (!r || r == -ENOENT || r == -EEXIST) {
                removal_end(removal);
        } else if (removal->tries == TRIES || cut_off) {
                containers_note(c, "container=%.12s is not removed: %s", removal->id, call->problem);
                removal_end(removal);
        } else {
                timer_arm(&removal->again, loop_now(c->loop) + (FIRST_PAUSE << (removal->tries - 1)));
        }
}

static void begin(struct timer *timer) {
        struct removal *r = container_of(timer, struct removal, again);
        AUTO(str) char *target = xasprintf("/containers/%s?force=1&v=1", r->id);

        ++r->tries;
        docker_begin(
                r->containers->docker, &r->call,
                &(struct docker_request){ .method = HTTP_DELETE_, .target = target, .done = on_removed });
}

static void begin_next(struct containers *c) {
        struct removal *r;
        unsigned under_way = 0;

        list_each(r, &c->removals, link) {
                if (!r->tries && under_way < AT_ONCE)
                        begin(&r->again);
                under_way += r->tries != 0;
        }
}

void removal_add(struct containers *c, const char *id) {
        struct removal *r;

        list_each(r, &c->removals, link)
                if (streq(r->id, id))
                        return;
        r = xcalloc(1, sizeof(*r));
        r->containers = c;
        r->id = xstrdup(id);
        timer_init(&r->again, c->loop, begin);
        list_push_back(&c->removals, &r->link);
        begin_next(c);
}

void removals_cancel(struct containers *c) {
        struct removal *r;

        while ((r = list_first(&c->removals, struct removal, link)))
                removal_free(r);
}
