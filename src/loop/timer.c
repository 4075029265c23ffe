/* SPDX-License-Identifier: Apache-2.0 */
/* Timers in a binary heap; each knows its own place, so moving and removing one costs O(log n). */
#include "loop/loop_private.h"

static void put(struct loop *loop, size_t i, struct timer *timer) {
        loop->heap[i] = timer;
        timer->slot = i + 1;
}

static void sift_up(struct loop *loop, size_t i, struct timer *timer) {
        while (i && loop->heap[(i - 1) / 2]->due > timer->due) {
                put(loop, i, loop->heap[(i - 1) / 2]);
                i = (i - 1) / 2;
        }
        put(loop, i, timer);
}

static void sift_down(struct loop *loop, size_t i, struct timer *timer) {
        for (;;) {
                size_t child = 2 * i + 1;

                if (child + 1 < loop->heap_len && loop->heap[child + 1]->due < loop->heap[child]->due)
                        ++child;
                if (child >= loop->heap_len || loop->heap[child]->due >= timer->due)
                        break;
                put(loop, i, loop->heap[child]);
                i = child;
        }
        put(loop, i, timer);
}

void timer_init(struct timer *timer, struct loop *loop, timer_fn fn) {
        *timer = (struct timer){ .loop = loop, .fn = fn };
}

void timer_arm(struct timer *timer, nsec_t due) {
        struct loop *loop = timer->loop;
        nsec_t was = timer->due;

        timer->due = due;
        if (timer->slot) {
                if (due < was)
                        sift_up(loop, timer->slot - 1, timer);
                else
                        sift_down(loop, timer->slot - 1, timer);
                return;
        }
        if (loop->heap_len == loop->heap_room) {
                loop->heap_room = MAX(loop->heap_room * 2, (size_t)16);
                loop->heap = xrealloc(loop->heap, loop->heap_room * sizeof(*loop->heap));
        }
        sift_up(loop, loop->heap_len++, timer);
}

void timer_disarm(struct timer *timer) {
        struct loop *loop = timer->loop;
        size_t i = timer->slot - 1;
        struct timer *last;

        if (!timer->slot)
                return;
        timer->slot = 0;
        last = loop->heap[--loop->heap_len];
        if (last == timer)
                return;
        if (i && loop->heap[(i - 1) / 2]->due > last->due)
                sift_up(loop, i, last);
        else
                sift_down(loop, i, last);
}

/* No more calls than there were timers when the turn began: one that re-arms itself for now cannot hold up the loop. */
void timers_run(struct loop *loop) {
        size_t most = loop->heap_len;

        while (most-- && loop->heap_len && loop->heap[0]->due <= loop->now) {
                struct timer *timer = loop->heap[0];

                timer_disarm(timer);
                timer->fn(timer);
        }
}
