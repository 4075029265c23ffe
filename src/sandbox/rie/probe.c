/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Whether the emulator answers. That somebody begins to listen inside a container is no event for anybody outside, and
 * an engine's own proxy accepts connections before: so a request is sent, again after a growing pause when it fails, and at
 * once when the container has said something, as the emulator does right before it listens.
 */
#include "sandbox/rie/rie_private.h"

#define FIRST_PAUSE (5 * MILLISECOND)
#define LONGEST_PAUSE (250 * MILLISECOND)
#define PATIENCE SECOND /* of one attempt */

static void try_next_way(struct rie *r);

static void on_end(void *owner, int error) {
        struct rie *r = owner;
        nsec_t now = loop_clock(r->loop);

        if (error) {
                ++r->way;
                try_next_way(r);
                return;
        }
        timer_disarm(&r->again);
        rie_enter(r, RIE_IDLE);
        r->base->events->ready(r->base, r->running - r->started, now - r->running, false);
}

static const struct http_client_ops ops = { .on_end = on_end };

/* GET /: the emulator knows no such path and says so, which is an answer. */
static void try_next_way(struct rie *r) {
        const char *address = guest_address(r->container, r->way);

        http_client_free(TAKE(r->client));
        if (!address) {
                r->pause = MIN(MAX(r->pause * 2, FIRST_PAUSE), LONGEST_PAUSE);
                timer_arm(&r->again, loop_now(r->loop) + r->pause);
                return;
        }
        r->client = http_client_new(r->loop, address);
        must(http_client_call(r->client, HTTP_GET_, "/", NULL, NULL, 0, PATIENCE, &ops, r) == 0);
}

void rie_probe(struct rie *r) {
        r->way = 0;
        try_next_way(r);
}

void rie_probe_again(struct timer *timer) {
        rie_probe(container_of(timer, struct rie, again));
}

void rie_probe_hears(struct rie *r) {
        r->pause = 0;
        if (timer_is_armed(&r->again))
                timer_arm(&r->again, loop_now(r->loop));
}
