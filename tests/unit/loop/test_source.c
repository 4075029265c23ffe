/* SPDX-License-Identifier: Apache-2.0 */
/* Descriptors, their ranks, and deferred calls on a real loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include <stdio.h>
#include <sys/eventfd.h>

#include "loop/loop.h"

#define MANY 300 /* more than one batch of events */

struct watch {
        struct source source;
        struct world *world;
        char name;
        int fd;
        unsigned calls;
        uint32_t events;
        void (*act)(struct watch *w);
};

struct world {
        struct loop *loop;
        struct watch w[6];
        char order[64];
        size_t len;
};

static void on_event(struct source *source, uint32_t events) {
        struct watch *w = container_of(source, struct watch, source);

        ++w->calls;
        w->events = events;
        if (w->world->len + 1 < sizeof(w->world->order))
                w->world->order[w->world->len++] = w->name;
        if (w->act)
                w->act(w);
}

static void watch(struct world *world, size_t i, enum rank rank) {
        struct watch *w = &world->w[i];

        w->world = world;
        w->name = (char)('a' + i);
        w->fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
        assert_true(w->fd >= 0);
        assert_int_equal(source_add(world->loop, &w->source, w->fd, EPOLLIN | EPOLLET, rank, on_event), 0);
}

static void ring(struct watch *w) {
        assert_int_equal(eventfd_write(w->fd, 1), 0);
}

static void open_world(struct world *world) {
        static const enum rank ranks[] = { RANK_EXIT, RANK_NORMAL, RANK_OUTPUT,
                                           RANK_EXIT, RANK_NORMAL, RANK_OUTPUT };

        *world = (struct world){};
        assert_int_equal(loop_new(&world->loop), 0);
        for (size_t i = 0; i < ARRAY_SIZE(ranks); ++i)
                watch(world, i, ranks[i]);
}

static void close_world(struct world *world) {
        for (size_t i = 0; i < ARRAY_SIZE(world->w); ++i) {
                source_remove(&world->w[i].source);
                source_remove(&world->w[i].source); /* twice is legal */
                fd_close(world->w[i].fd);
        }
        loop_free(world->loop);
}

static void turn(struct world *world) {
        assert_int_equal(loop_turn(world->loop, 0), 0);
        world->order[world->len] = 0;
}

static void a_batch_is_sorted_by_rank(void **state) {
        struct world world;

        open_world(&world);
        for (size_t i = 0; i < ARRAY_SIZE(world.w); ++i)
                ring(&world.w[i]);
        turn(&world);
        assert_string_equal(world.order, "cfbead");
        assert_true(loop_batch_was_whole(world.loop));
        turn(&world);
        assert_string_equal(world.order, "cfbead"); /* edges: nothing new */
        close_world(&world);
}

static void remove_the_others(struct watch *w) {
        for (size_t i = 0; i < ARRAY_SIZE(w->world->w); ++i)
                source_remove(&w->world->w[i].source);
}

static void removal_is_final(void **state) {
        struct world world;

        open_world(&world);
        world.w[2].act = remove_the_others; /* the first to be called removes all, itself too */
        for (size_t i = 0; i < ARRAY_SIZE(world.w); ++i)
                ring(&world.w[i]);
        turn(&world);
        turn(&world);
        assert_string_equal(world.order, "c");
        source_again(&world.w[0].source, EPOLLIN); /* not registered: nothing */
        turn(&world);
        assert_string_equal(world.order, "c");
        close_world(&world);
}

static void again_twice(struct watch *w) {
        if (w->calls < 3)
                source_again(&w->source, EPOLLHUP);
}

static void again_means_the_next_turn(void **state) {
        struct world world;

        open_world(&world);
        world.w[0].act = again_twice;
        ring(&world.w[0]);
        ring(&world.w[1]);
        turn(&world);
        assert_string_equal(world.order, "ba");
        assert_int_equal(world.w[0].events, EPOLLIN);
        assert_int_equal(loop_next_due(world.loop), loop_now(world.loop));
        assert_int_equal(loop_turn(world.loop, NSEC_NEVER), 0); /* does not wait */
        assert_int_equal(world.w[0].events, EPOLLHUP);
        turn(&world);
        turn(&world);
        assert_int_equal(world.w[0].calls, 3);
        close_world(&world);
}

static void again_and_removed(struct watch *w) {
        source_again(&w->source, EPOLLIN);
        source_again(&w->world->w[1].source, EPOLLIN);
        source_remove(&w->source);
        source_remove(&w->world->w[1].source);
}

static void removal_takes_again_back(void **state) {
        struct world world;

        open_world(&world);
        world.w[5].act = again_and_removed;
        ring(&world.w[5]);
        turn(&world);
        turn(&world);
        assert_string_equal(world.order, "f");
        close_world(&world);
}

static void a_full_batch_is_not_whole(void **state) {
        static struct watch many[MANY];
        struct world world = {};
        unsigned calls = 0;

        assert_int_equal(loop_new(&world.loop), 0);
        for (size_t i = 0; i < MANY; ++i) {
                many[i] = (struct watch){ .world = &world,
                                          .name = 'm',
                                          .fd = eventfd(1, EFD_CLOEXEC | EFD_NONBLOCK) };
                assert_int_equal(source_add(world.loop, &many[i].source, many[i].fd, EPOLLIN | EPOLLET,
                                            RANK_NORMAL, on_event),
                                 0);
        }
        assert_int_equal(loop_turn(world.loop, 0), 0);
        assert_false(loop_batch_was_whole(world.loop));
        assert_int_equal(loop_turn(world.loop, 0), 0);
        assert_true(loop_batch_was_whole(world.loop));
        for (size_t i = 0; i < MANY; ++i) {
                calls += many[i].calls;
                source_remove(&many[i].source);
                fd_close(many[i].fd);
        }
        assert_int_equal(calls, MANY);
        loop_free(world.loop);
}

static void what_cannot_be_registered(void **state) {
        struct source source = {};
        struct loop *loop;

        assert_int_equal(loop_new(&loop), 0);
        assert_int_equal(source_add(loop, &source, -1, 0, RANK_NORMAL, on_event), -EBADF);
        source_remove(&source);
        loop_free(loop);
}

/* ---- deferred calls ---- */

struct call {
        struct defer defer;
        struct loop *loop;
        unsigned calls;
        struct call *other;
        void (*act)(struct call *c);
};

static void on_call(struct defer *defer) {
        struct call *c = container_of(defer, struct call, defer);

        ++c->calls;
        if (c->act)
                c->act(c);
}

static void cancel_other(struct call *c) {
        defer_cancel(&c->other->defer);
}

static void call_other(struct call *c) {
        defer_call(c->loop, &c->other->defer, on_call);
}

static void free_self(struct call *c) {
        *c->other = (struct call){ .calls = 77 };
        free(c);
}

static void deferred_calls(void **state) {
        struct loop *loop = loop_new_manual();
        struct call a = { .loop = loop }, b = { .loop = loop }, *heap = xcalloc(1, sizeof(*heap));

        defer_call(loop, &a.defer, on_call);
        defer_call(loop, &a.defer, on_call); /* asked twice, called once */
        loop_advance(loop, 0);
        assert_int_equal(a.calls, 1);
        defer_cancel(&b.defer); /* never asked */

        a.other = &b;
        a.act = cancel_other; /* of the same batch */
        defer_call(loop, &a.defer, on_call);
        defer_call(loop, &b.defer, on_call);
        loop_advance(loop, 0);
        assert_int_equal(a.calls, 2);
        assert_int_equal(b.calls, 0);

        a.act = call_other;
        defer_call(loop, &a.defer, on_call);
        loop_advance(loop, 0);
        assert_int_equal(b.calls, 1);

        *heap = (struct call){ .loop = loop, .other = &a, .act = free_self };
        defer_call(loop, &heap->defer, on_call);
        loop_advance(loop, 0);
        assert_int_equal(a.calls, 77);
        loop_free(loop);
}

/* Two that defer each other forever leave every turn its end. */
static void deferring_to_each_other(void **state) {
        struct call a = { .act = call_other }, b = { .act = call_other };
        struct loop *loop;

        assert_int_equal(loop_new(&loop), 0);
        a.loop = b.loop = loop;
        a.other = &b;
        b.other = &a;
        defer_call(loop, &a.defer, on_call);
        for (unsigned i = 0; i < 10; ++i)
                assert_int_equal(loop_turn(loop, NSEC_NEVER), 0);
        assert_int_equal(a.calls + b.calls, 10);
        assert_int_equal(loop_turns(loop), 10);
        defer_cancel(&a.defer);
        defer_cancel(&b.defer);
        assert_int_equal(loop_next_due(loop), NSEC_NEVER);
        loop_free(loop);
}

static void quit(struct call *c) {
        loop_quit(c->loop);
}

static void run_until_quit(void **state) {
        struct call a = { .act = quit };
        struct loop *loop;

        assert_int_equal(loop_new(&loop), 0);
        a.loop = loop;
        defer_call(loop, &a.defer, on_call);
        assert_int_equal(loop_run(loop), 0);
        assert_int_equal(a.calls, 1);
        loop_free(loop);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_batch_is_sorted_by_rank),
                cmocka_unit_test(removal_is_final),
                cmocka_unit_test(again_means_the_next_turn),
                cmocka_unit_test(removal_takes_again_back),
                cmocka_unit_test(a_full_batch_is_not_whole),
                cmocka_unit_test(what_cannot_be_registered),
                cmocka_unit_test(deferred_calls),
                cmocka_unit_test(deferring_to_each_other),
                cmocka_unit_test(run_until_quit),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
