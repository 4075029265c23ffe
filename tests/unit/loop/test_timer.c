/* SPDX-License-Identifier: Apache-2.0 */
/* Timers against a model that is too simple to be wrong, and the manual clock. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"

#define TIMERS 64

struct clock {
        struct timer timer;
        nsec_t due; /* NSEC_NEVER: not armed, by the model */
        unsigned calls;
        nsec_t called_at;
        void (*act)(struct clock *c);
        struct clock *other;
};

static nsec_t last_call;
static uint64_t seed;

static uint64_t draw(uint64_t below) {
        seed = seed * 6364136223846793005 + 1442695040888963407;
        return (seed >> 33) % below;
}

static void on_timer(struct timer *timer) {
        struct clock *c = container_of(timer, struct clock, timer);

        assert_false(timer_is_armed(timer));
        ++c->calls;
        c->called_at = loop_now(timer->loop);
        if (c->act)
                c->act(c);
}

static void model_call(struct timer *timer) {
        struct clock *c = container_of(timer, struct clock, timer);

        /* At its exact time, and in order. */
        assert_int_equal(loop_now(timer->loop), MAX(c->due, last_call));
        assert_true(loop_now(timer->loop) >= last_call);
        last_call = loop_now(timer->loop);
        c->due = NSEC_NEVER;
        ++c->calls;
}

static nsec_t model_next(const struct clock *clocks) {
        nsec_t next = NSEC_NEVER;

        for (size_t i = 0; i < TIMERS; ++i)
                next = MIN(next, clocks[i].due);
        return next;
}

static void random_timers(void **state) {
        static struct clock clocks[TIMERS];

        for (uint64_t run = 1; run <= 30; ++run) {
                struct loop *loop = loop_new_manual();

                seed = run;
                last_call = 0;
                for (size_t i = 0; i < TIMERS; ++i) {
                        clocks[i] = (struct clock){ .due = NSEC_NEVER };
                        timer_init(&clocks[i].timer, loop, model_call);
                }
                for (unsigned step = 0; step < 2000; ++step) {
                        struct clock *c = &clocks[draw(TIMERS)];
                        nsec_t by = draw(50), until = loop_now(loop) + by;

                        switch (draw(4)) {
                        default:
                                c->due = loop_now(loop) + draw(1000);
                                timer_arm(&c->timer, c->due);
                                break;
                        case 2:
                                c->due = NSEC_NEVER;
                                timer_disarm(&c->timer);
                                break;
                        case 3:
                                last_call = loop_now(loop);
                                loop_advance(loop, by);
                                assert_int_equal(loop_now(loop), until);
                                assert_true(model_next(clocks) > until);
                                break;
                        }
                        assert_int_equal(loop_next_due(loop), model_next(clocks));
                        for (size_t i = 0; i < TIMERS; ++i)
                                assert_int_equal(timer_is_armed(&clocks[i].timer),
                                                 clocks[i].due != NSEC_NEVER);
                }
                loop_free(loop);
        }
}

static void disarm_other(struct clock *c) {
        timer_disarm(&c->other->timer);
}

static void arm_other(struct clock *c) {
        timer_arm(&c->other->timer, loop_now(c->timer.loop) + 10);
}

static void repeat(struct clock *c) {
        timer_arm(&c->timer, loop_now(c->timer.loop) + 100);
}

static void timers_act_on_timers(void **state) {
        struct loop *loop = loop_new_manual();
        struct clock a = {}, b = {};
        nsec_t start = loop_now(loop);

        timer_init(&a.timer, loop, on_timer);
        timer_init(&b.timer, loop, on_timer);
        a.other = &b;
        timer_disarm(&a.timer); /* not armed: nothing */

        a.act = disarm_other; /* due in the same turn */
        timer_arm(&a.timer, start + 5);
        timer_arm(&b.timer, start + 6);
        timer_arm(&b.timer, start + 5);
        loop_advance(loop, 50);
        assert_int_equal(a.calls, 1);
        assert_true(b.calls <= 1); /* equals may come in any order */
        b.calls = 0;
        timer_arm(&a.timer, start + 60);
        timer_arm(&b.timer, start + 61);
        loop_advance(loop, 50);
        assert_int_equal(b.calls, 0);

        a.act = arm_other;
        timer_arm(&a.timer, start + 150);
        loop_advance(loop, 100);
        assert_int_equal(b.called_at, start + 160);

        b.act = repeat;
        b.calls = 0;
        timer_arm(&b.timer, start + 300);
        loop_advance(loop, 1000);
        assert_int_equal(b.calls, 10);
        assert_int_equal(b.called_at, start + 1200);
        timer_disarm(&b.timer);
        loop_free(loop);
}

static void at_once_always(struct clock *c) {
        timer_arm(&c->timer, loop_now(c->timer.loop));
}

/* One that is always due cannot keep the others, or the turn, from their end. */
static void a_greedy_timer(void **state) {
        struct clock greedy = { .act = at_once_always }, late = {};
        struct loop *loop;

        assert_int_equal(loop_new(&loop), 0);
        timer_init(&greedy.timer, loop, on_timer);
        timer_init(&late.timer, loop, on_timer);
        timer_arm(&greedy.timer, loop_now(loop));
        timer_arm(&late.timer, loop_now(loop) + MILLISECOND);
        while (!late.calls)
                assert_int_equal(loop_turn(loop, NSEC_NEVER), 0);
        assert_true(greedy.calls >= 1);
        timer_disarm(&greedy.timer);
        loop_free(loop);
}

/* The kernel's own timer is not moved each time: it must still fire for the earliest, and for nothing too early. */
static void earlier_and_later_than_before(void **state) {
        struct clock far = {}, near = {}, put_off = {};
        struct loop *loop;
        nsec_t due;

        assert_int_equal(loop_new(&loop), 0);
        timer_init(&far.timer, loop, on_timer);
        timer_init(&near.timer, loop, on_timer);
        timer_init(&put_off.timer, loop, on_timer);
        timer_arm(&far.timer, loop_now(loop) + 3600 * SECOND);
        assert_int_equal(loop_turn(loop, MILLISECOND), 0);
        timer_arm(&near.timer, loop_now(loop) + MILLISECOND);
        while (!near.calls)
                assert_int_equal(loop_turn(loop, NSEC_NEVER), 0);

        timer_arm(&put_off.timer, loop_now(loop) + 2 * MILLISECOND);
        assert_int_equal(loop_turn(loop, 1), 0);
        put_off.calls = 0; /* on a busy machine its first time may have come within that turn */
        due = loop_now(loop) + 20 * MILLISECOND;
        timer_arm(&put_off.timer, due);
        while (!put_off.calls)
                assert_int_equal(loop_turn(loop, NSEC_NEVER), 0);
        assert_true(put_off.called_at >= due);
        assert_int_equal(far.calls, 0);
        timer_disarm(&far.timer);
        loop_free(loop);
}

static void the_wall_moves_with_the_clock(void **state) {
        struct loop *loop = loop_new_manual();
        nsec_t now = loop_now(loop), wall = loop_wall(loop);

        loop_advance(loop, 90 * SECOND);
        assert_int_equal(loop_now(loop) - now, 90 * SECOND);
        assert_int_equal(loop_wall(loop) - wall, 90 * SECOND);
        assert_int_equal(loop_clock(loop), loop_now(loop));
        loop_free(loop);
}

static void burn(struct clock *c) {
        nsec_t until = loop_clock(c->timer.loop) + 30 * MILLISECOND;

        while (loop_clock(c->timer.loop) < until)
                ;
        timer_arm(&c->other->timer, loop_now(c->timer.loop) + 20 * MILLISECOND);
}

/* What a long turn took is not waited for again: a timer that has come due meanwhile is called at once. */
static void a_long_turn_delays_no_timer_twice(void **state) {
        struct clock busy = { .act = burn }, next = {};
        struct loop *loop;
        nsec_t began;

        assert_int_equal(loop_new(&loop), 0);
        timer_init(&busy.timer, loop, on_timer);
        timer_init(&next.timer, loop, on_timer);
        busy.other = &next;
        timer_arm(&busy.timer, loop_now(loop));
        assert_int_equal(loop_turn(loop, 0), 0);
        began = loop_clock(loop);
        assert_int_equal(loop_turn(loop, SECOND), 0);
        assert_int_equal(next.calls, 1);
        assert_true(next.called_at - began < 15 * MILLISECOND);
        assert_true(loop_longest_stall(loop) >= 30 * MILLISECOND);
        loop_free(loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_timers),
                cmocka_unit_test(timers_act_on_timers),
                cmocka_unit_test(a_greedy_timer),
                cmocka_unit_test(earlier_and_later_than_before),
                cmocka_unit_test(the_wall_moves_with_the_clock),
                cmocka_unit_test(a_long_turn_delays_no_timer_twice),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
