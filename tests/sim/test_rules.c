/* SPDX-License-Identifier: Apache-2.0 */
/* The pools' rules, one at a time, at exact times. */
#include "pair.h"

static void cold_then_warm(void **state) {
        struct pair p;
        struct caller *first, *second;

        open_pair(&p, roomy);
        first = sim_invoke(&p.sim, p.a);
        assert_int_equal(p.sim.starts, 0); /* nothing starts inside the call */
        sim_pass(&p.sim, 15 * MS - 1);
        assert_int_equal(first->answered, 0);
        sim_pass(&p.sim, 1);
        assert_int_equal(first->answered, 1);
        assert_true(pools_record(p.sim.pools, 0)->cold);
        assert_int_equal(pools_record(p.sim.pools, 0)->start, 1 * MS);
        assert_int_equal(pools_record(p.sim.pools, 0)->init, 9 * MS);
        second = sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 5 * MS);
        assert_int_equal(second->answered, 1);
        assert_false(pools_record(p.sim.pools, 0)->cold);
        assert_int_equal(pools_record(p.sim.pools, 0)->invoke, 5 * MS);
        assert_int_equal(p.sim.made, 1);
        close_pair(&p);
}

static void the_newest_idle_is_taken_first(void **state) {
        struct pair p;

        open_pair(&p, roomy);
        warm(&p, p.a, 2);
        sim_fake(&p.sim, 1)->plan.answer = 20 * MS;
        sim_invoke(&p.sim, p.a);
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 30 * MS);
        sim_invoke(&p.sim, p.a);
        assert_int_equal(sim_fake(&p.sim, 1)->state, FAKE_BUSY);
        assert_int_equal(sim_fake(&p.sim, 2)->state, FAKE_IDLE);
        sim_fake(&p.sim, 2)->plan.answer = 30 * MS;
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 40 * MS);
        sim_invoke(&p.sim, p.a);
        assert_int_equal(sim_fake(&p.sim, 2)->state, FAKE_BUSY);
        close_pair(&p);
}

/* A caller is faster than the runtime's next poll: it waits a moment for the environment that has just answered. */
static void who_comes_before_the_poll_waits_for_it(void **state) {
        struct pair p;

        open_pair(&p, roomy);
        warm(&p, p.a, 1);
        sim_fake(&p.sim, 1)->plan.answer = 1 * MS;
        sim_fake(&p.sim, 1)->plan.idle = 4 * MS;
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 2 * MS); /* answered, not idle yet */
        sim_invoke(&p.sim, p.a);
        assert_int_equal(p.sim.made, 1);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(p.sim.made, 1);
        /* One that works on after its answer is not waited for any longer than the grace. */
        sim_fake(&p.sim, 1)->plan.idle = 500 * MS;
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 2 * MS);
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, FINISH_GRACE - 2 * MS);
        assert_int_equal(p.sim.made, 1);
        sim_pass(&p.sim, 2 * MS);
        assert_int_equal(p.sim.made, 2);
        close_pair(&p);
}

static void as_many_starts_as_waiters_and_no_more(void **state) {
        struct pair p;

        open_pair(&p, roomy);
        for (unsigned i = 0; i < 7; ++i)
                sim_invoke(&p.sim, p.a);
        assert_int_equal(p.sim.made, 7);
        sim_pass(&p.sim, 15 * MS);
        for (unsigned i = 0; i < 7; ++i)
                sim_invoke(&p.sim, p.a);
        assert_int_equal(p.sim.made, 7);
        close_pair(&p);
}

static void builders_bound_what_starts_at_once(void **state) {
        struct pools_options o = roomy;
        struct pair p;

        o.builders = 2;
        open_pair(&p, o);
        for (unsigned i = 0; i < 6; ++i)
                sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 0);
        assert_int_equal(p.sim.starts, 2);
        sim_pass(&p.sim, 1 * MS); /* they have started: INIT holds no builder */
        assert_int_equal(p.sim.starts, 4);
        sim_pass(&p.sim, 1 * MS);
        assert_int_equal(p.sim.starts, 6);
        close_pair(&p);
}

/* A builder's slot comes free with the start that was stopped, not only when its environment has gone. */
static void a_stopped_start_frees_its_builder(void **state) {
        struct pools_options o = roomy;
        struct pair p;

        o.builders = 1;
        open_pair(&p, o);
        p.sim.plan.started = 1000 * SECOND;
        p.sim.plan.stop = 1000 * SECOND;
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 0);
        p.sim.plan = PLAN;
        sim_invoke(&p.sim, p.b);
        assert_int_equal(pools_evict(p.sim.pools, NULL, NULL, "a", NULL, true), 1);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(p.sim.pools->totals.invocations, 2);
        close_pair(&p);
}

static void freezing_and_the_end_of_idling_are_exact(void **state) {
        struct pair p;

        open_pair(&p, roomy);
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 15 * MS);
        sim_pass(&p.sim, 50 * MS - 1);
        assert_int_equal(sim_newest(&p.sim)->state, FAKE_IDLE);
        sim_pass(&p.sim, 1);
        assert_int_equal(sim_newest(&p.sim)->state, FAKE_FROZEN);
        sim_invoke(&p.sim, p.a); /* thawed, and not frozen while busy */
        sim_pass(&p.sim, 5 * MS);
        sim_pass(&p.sim, 60 * SECOND - 1);
        assert_int_equal(p.sim.stops, 0);
        sim_pass(&p.sim, 1);
        assert_int_equal(p.sim.stops, 1);
        assert_int_equal(sim_live(&p.sim), 0);
        close_pair(&p);
}

static void never_means_never(void **state) {
        struct pools_options o = roomy;
        struct pair p;

        o.idle_ttl = o.freeze_after = NSEC_NEVER;
        open_pair(&p, o);
        warm(&p, p.a, 1);
        sim_pass(&p.sim, (nsec_t)1000000 * SECOND);
        assert_int_equal(sim_newest(&p.sim)->state, FAKE_IDLE);
        pools_evict(p.sim.pools, NULL, NULL, NULL, NULL, false);
        close_pair(&p);
}

static void an_idle_time_before_the_freeze(void **state) {
        struct pools_options o = roomy;
        struct pair p;

        o.idle_ttl = 20 * MS;
        open_pair(&p, o);
        sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 15 * MS + 20 * MS - 1);
        assert_int_equal(p.sim.stops, 0);
        sim_pass(&p.sim, 1);
        assert_int_equal(p.sim.stops, 1);
        close_pair(&p);
}

static void only_when_all_are_busy_is_it_refused(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, at_most(2));
        sim_invoke(&p.sim, p.a);
        sim_invoke(&p.sim, p.b);
        sim_pass(&p.sim, 12 * MS);
        c = sim_invoke(&p.sim, p.a);
        assert_int_equal(c->refused, 1);
        assert_int_equal(c->refusal, REFUSED_THROTTLED);
        c = sim_invoke(&p.sim, p.c);
        assert_int_equal(c->refused, 1);
        sim_check(&p.sim);
        assert_int_equal(p.sim.pools->totals.throttles, 2);
        sim_pass(&p.sim, 10 * MS);
        c = sim_invoke(&p.sim, p.c); /* one that idles makes room */
        sim_pass(&p.sim, 15 * MS);
        assert_int_equal(c->answered, 1);
        close_pair(&p);
}

static void the_longest_idle_of_another_version_makes_room(void **state) {
        struct pair p;

        open_pair(&p, at_most(3));
        warm(&p, p.a, 1);
        warm(&p, p.b, 1);
        warm(&p, p.a, 1); /* the same one again: now b has idled longest */
        warm(&p, p.a, 2);
        assert_int_equal(p.sim.made, 3);
        sim_invoke(&p.sim, p.c);
        assert_int_equal(sim_fake(&p.sim, 2)->state, FAKE_STOPPING);
        sim_pass(&p.sim, 20 * MS);
        assert_null(sim_fake(&p.sim, 2));
        assert_non_null(sim_fake(&p.sim, 1));
        assert_non_null(sim_fake(&p.sim, 3));
        close_pair(&p);
}

/* Two versions may not both rely on the one environment that is stopping. */
static void one_that_stops_makes_room_for_one(void **state) {
        struct pair p;
        struct caller *b, *c;

        open_pair(&p, at_most(2));
        p.sim.plan.stop = 10 * MS;
        warm(&p, p.a, 2);
        b = sim_invoke(&p.sim, p.b);
        assert_int_equal(p.sim.stops, 1);
        c = sim_invoke(&p.sim, p.c);
        assert_int_equal(p.sim.stops, 2);
        sim_check(&p.sim);
        sim_pass(&p.sim, 30 * MS);
        assert_int_equal(b->answered + c->answered, 2);
        c = sim_invoke(&p.sim, p.a);
        b = sim_invoke(&p.sim, p.a);
        assert_int_equal(sim_invoke(&p.sim, p.c)->refused, 1); /* both are on their way out for a */
        sim_pass(&p.sim, 60 * MS);
        assert_int_equal(b->answered + c->answered, 2);
        close_pair(&p);
}

/* Starts that nobody waits for any more are room to come, but not twice. */
static void starts_that_lost_their_waiters_are_room_to_come(void **state) {
        struct pair p;
        struct caller *a[2], *b[3];

        open_pair(&p, at_most(2));
        for (unsigned i = 0; i < 2; ++i)
                a[i] = sim_invoke(&p.sim, p.a);
        sim_abandon(a[0]);
        sim_abandon(a[1]);
        sim_check(&p.sim);
        for (unsigned i = 0; i < 3; ++i)
                b[i] = sim_invoke(&p.sim, p.b);
        sim_check(&p.sim);
        assert_int_equal(b[2]->refused, 1);
        assert_int_equal(p.sim.made, 2);
        sim_pass(&p.sim, 40 * MS);
        assert_int_equal(b[0]->answered + b[1]->answered, 2);
        close_pair(&p);
}

/* Somebody else's surplus starts do not let a refused caller wait in vain, nor make an idle one go
 * needlessly. */
static void surplus_does_not_hide_a_need(void **state) {
        struct pair p;
        struct caller *a[2], *c;

        open_pair(&p, at_most(3));
        warm(&p, p.c, 1);
        a[0] = sim_invoke(&p.sim, p.a);
        a[1] = sim_invoke(&p.sim, p.a);
        sim_abandon(a[0]);
        sim_abandon(a[1]);
        c = sim_invoke(&p.sim, p.b);
        sim_check(&p.sim);
        assert_int_equal(p.sim.stops, 1); /* c's makes room at once */
        sim_pass(&p.sim, 16 * MS);
        assert_int_equal(c->answered, 1);
        close_pair(&p);
}

static void the_tail_comes_with_the_report(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, roomy);
        p.sim.plan.idle = 7 * MS;
        c = sim_call(&p.sim, p.a, false, true);
        sim_pass(&p.sim, 22 * MS - 1);
        assert_int_equal(c->answered, 0);
        sim_pass(&p.sim, 1);
        assert_int_equal(c->answered, 1);
        c = sim_call(&p.sim, p.a, false, true);
        sim_pass(&p.sim, 6 * MS);
        sim_abandon(c); /* between the answer and the report */
        sim_pass(&p.sim, 10 * MS);
        close_pair(&p);
}

static void an_abandoned_stream_flows_to_its_end(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, roomy);
        p.sim.plan.chunks = 40;
        c = sim_call(&p.sim, p.a, true, false);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(c->answered, 1);
        assert_int_equal(c->bytes, 40 * 64 * KIB);
        c = sim_call(&p.sim, p.a, true, false);
        sim_pass(&p.sim, 2 * MS);
        sim_abandon(c);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(c->bytes, 0);
        assert_int_equal(p.sim.pools->totals.invocations, 2);
        close_pair(&p);
}

/* A version whose last waiter has left is not kept by an empty pool. */
static void an_abandoned_waiter_leaves_no_pool_behind(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, at_most(1));
        p.sim.plan.stop = 10 * MS;
        warm(&p, p.a, 1);
        c = sim_invoke(&p.sim, p.b);
        assert_non_null(p.b->pool);
        sim_abandon(c);
        assert_null(p.b->pool);
        assert_int_equal(p.b->refs, 1);
        sim_pass(&p.sim, 20 * MS);
        close_pair(&p);
}

static struct version *next_version;
static unsigned encores;

static void invoke_again(struct caller *c) {
        if (encores && encores--)
                sim_invoke(c->sim, next_version)->then = invoke_again;
}

static struct caller *to_abandon;

static void abandon_another(struct caller *c) {
        if (to_abandon)
                sim_abandon(TAKE(to_abandon));
}

/* A caller that is told of a failure may call again, or take its other calls back, in the same breath. */
static void callers_act_while_they_are_told(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, at_most(1));
        next_version = p.a;
        encores = 3;
        p.sim.plan.start_error = EMFILE;
        sim_invoke(&p.sim, p.a)->then = invoke_again;
        sim_pass(&p.sim, MS);
        assert_int_equal(p.sim.made, 4);
        next_version = p.b;
        encores = 1;
        p.sim.plan.start_error = 0;
        p.sim.plan.started = 5 * MS;
        sim_invoke(&p.sim, p.a)->then = invoke_again;
        sim_pass(&p.sim, MS);
        fake_perish(sim_newest(&p.sim));
        sim_pass(&p.sim, 30 * MS);
        sim_check(&p.sim);
        close_pair(&p);

        open_pair(&p, roomy);
        p.sim.fail_make_at = 1;
        c = sim_invoke(&p.sim, p.a); /* has no start */
        c->then = abandon_another;
        p.sim.fail_make_at = 1;
        to_abandon = sim_invoke(&p.sim, p.b);
        sim_pass(&p.sim, MS);
        assert_null(to_abandon);
        assert_int_equal(c->outcome, OUTCOME_SANDBOX_FAILURE);
        assert_null(p.b->pool);
        close_pair(&p);
}

static void what_may_not_be_invoked_is_refused(void **state) {
        struct pair p;

        open_pair(&p, roomy);
        p.a->prepared = false;
        p.a->status.state = STATE_PENDING;
        assert_int_equal(sim_invoke(&p.sim, p.a)->refusal, REFUSED_PENDING);
        p.b->status.state = STATE_FAILED;
        assert_int_equal(sim_invoke(&p.sim, p.b)->refusal, REFUSED_FAILED);
        assert_null(p.a->pool);
        assert_int_equal(p.sim.pools->totals.throttles, 0);
        close_pair(&p);
}

/* A version that was Active before a restart: its callers wait for its code, and take nobody's room
 * meanwhile. */
static void code_that_is_being_prepared(void **state) {
        for (int fails = 0; fails < 2; ++fails) {
                struct pair p;
                struct caller *a[3], *b;

                open_pair(&p, at_most(2));
                warm(&p, p.b, 1);
                p.a->prepared = false;
                for (unsigned i = 0; i < 3; ++i)
                        a[i] = sim_invoke(&p.sim, p.a);
                sim_check(&p.sim);
                b = sim_invoke(&p.sim, p.b);
                sim_invoke(&p.sim, p.c);
                sim_pass(&p.sim, 16 * MS);
                assert_int_equal(b->answered, 1);
                assert_int_equal(p.sim.stops, 0);
                assert_int_equal(p.sim.made, 2);
                p.a->prepared = !fails;
                pools_prepared(p.sim.pools, p.a, fails ? "its code cannot be read" : NULL);
                pools_prepared(p.sim.pools, p.a, fails ? "its code cannot be read" : NULL);
                sim_check(&p.sim);
                assert_int_equal(a[0]->answered, 0); /* from the loop */
                sim_pass(&p.sim, 60 * MS);
                for (unsigned i = 0; i < 3; ++i) {
                        assert_int_equal(a[i]->answered, 1);
                        assert_int_equal(a[i]->outcome, fails ? OUTCOME_SANDBOX_FAILURE : OUTCOME_OK);
                }
                assert_int_equal(p.sim.stops, fails ? 0 : 2);
                pools_prepared(p.sim.pools, p.c, NULL); /* nobody waits: nothing happens */
                close_pair(&p);
        }
}

/* pools_free in the midst of everything: each caller hears once, also one that calls again when it hears. */
static void freed_in_the_midst(void **state) {
        for (nsec_t when = 0; when < 40 * MS; when += MS / 2) {
                struct pair p;
                struct caller *c;

                open_pair(&p, at_most(4));
                next_version = p.b;
                encores = 100;
                p.sim.plan.stop = 4 * MS;
                p.sim.plan.idle = 2 * MS;
                warm(&p, p.c, 1);
                for (unsigned i = 0; i < 3; ++i)
                        sim_call(&p.sim, p.a, false, i % 2)->then = invoke_again;
                for (unsigned i = 0; i < 3; ++i)
                        sim_call(&p.sim, p.b, false, i % 2);
                sim_abandon(sim_invoke(&p.sim, p.c));
                loop_advance(p.sim.loop, when);
                pools_free(p.sim.pools);
                list_each(c, &p.sim.callers, link) {
                        assert_true(c->abandoned || c->answered + c->refused == 1);
                        free(c);
                }
                assert_int_equal(p.sim.made, p.sim.unmade);
                assert_int_equal(loop_next_due(p.sim.loop), NSEC_NEVER);
                loop_free(p.sim.loop);
                assert_int_equal(p.a->refs + p.b->refs + p.c->refs, 3);
                version_unref(p.a);
                version_unref(p.b);
                version_unref(p.c);
        }
}

static void view_one(void *ctx, const struct member_view *view) {
        size_t *states = ctx;

        ++states[view->state];
        assert_true(view->stats.memory > 0);
        assert_true(view->idle == 0 || view->state == MEMBER_IDLE || view->state == MEMBER_FROZEN);
}

static void what_can_be_looked_at(void **state) {
        size_t states[MEMBER_STOPPING + 1] = {};
        struct pools_totals totals;
        struct pair p;

        open_pair(&p, roomy);
        warm(&p, p.a, 3);
        sim_invoke(&p.sim, p.a);
        sim_invoke(&p.sim, p.b);
        pools_each(p.sim.pools, true, view_one, states);
        assert_int_equal(states[MEMBER_IDLE], 2);
        assert_int_equal(states[MEMBER_BUSY], 1);
        assert_int_equal(states[MEMBER_QUEUED], 1);
        pools_totals(p.sim.pools, &totals);
        assert_int_equal(totals.environments, 4);
        assert_int_equal(totals.idle, 2);
        assert_int_equal(totals.busy, 1);
        assert_int_equal(totals.starting, 1);
        assert_int_equal(totals.waiting, 1);
        assert_int_equal(totals.cold_starts, 4);
        for (unsigned i = 0; i < 2 * RECORDS_MAX; ++i) {
                sim_invoke(&p.sim, p.a);
                sim_pass(&p.sim, 15 * MS);
        }
        assert_non_null(pools_record(p.sim.pools, RECORDS_MAX - 1));
        assert_null(pools_record(p.sim.pools, RECORDS_MAX));
        for (size_t n = 1; n < RECORDS_MAX; ++n)
                assert_true(pools_record(p.sim.pools, n - 1)->wall > pools_record(p.sim.pools, n)->wall);
        close_pair(&p);
}

static void tenants_share_nothing(void **state) {
        struct caller *ann, *bob;
        struct pair p;

        open_pair(&p, roomy);
        p.a->config.per_tenant = true;
        ann = sim_call_for(&p.sim, p.a, "ann", false, false);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(ann->answered, 1);
        bob = sim_call_for(&p.sim, p.a, "bob", false, false);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(bob->answered, 1);
        assert_int_equal(p.sim.made, 2); /* ann's idles, and is not his */
        sim_call_for(&p.sim, p.a, "ann", false, false);
        sim_call_for(&p.sim, p.a, "bob", false, false);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(p.sim.made, 2);
        pools_retire(p.sim.pools, p.a);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(sim_live(&p.sim), 0);
        close_pair(&p);
}

/* At the limit one tenant's idle environment makes room for another's. */
static void tenants_make_room_for_each_other(void **state) {
        struct caller *bob;
        struct pair p;

        open_pair(&p, at_most(1));
        p.a->config.per_tenant = true;
        sim_call_for(&p.sim, p.a, "ann", false, false);
        sim_pass(&p.sim, 20 * MS);
        bob = sim_call_for(&p.sim, p.a, "bob", false, false);
        sim_pass(&p.sim, 40 * MS);
        assert_int_equal(bob->answered, 1);
        assert_int_equal(sim_live(&p.sim), 1);
        close_pair(&p);
}

/* Whose code is awaited are all tenants of a version. */
static void tenants_wait_for_code_together(void **state) {
        struct caller *ann, *bob;
        struct pair p;

        open_pair(&p, roomy);
        p.a->config.per_tenant = true;
        p.a->prepared = false;
        ann = sim_call_for(&p.sim, p.a, "ann", false, false);
        bob = sim_call_for(&p.sim, p.a, "bob", false, false);
        p.a->prepared = true;
        pools_prepared(p.sim.pools, p.a, NULL);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(ann->answered + bob->answered, 2);
        assert_int_equal(p.sim.made, 2);
        close_pair(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(cold_then_warm),
                cmocka_unit_test(the_newest_idle_is_taken_first),
                cmocka_unit_test(who_comes_before_the_poll_waits_for_it),
                cmocka_unit_test(as_many_starts_as_waiters_and_no_more),
                cmocka_unit_test(builders_bound_what_starts_at_once),
                cmocka_unit_test(a_stopped_start_frees_its_builder),
                cmocka_unit_test(freezing_and_the_end_of_idling_are_exact),
                cmocka_unit_test(never_means_never),
                cmocka_unit_test(an_idle_time_before_the_freeze),
                cmocka_unit_test(only_when_all_are_busy_is_it_refused),
                cmocka_unit_test(the_longest_idle_of_another_version_makes_room),
                cmocka_unit_test(one_that_stops_makes_room_for_one),
                cmocka_unit_test(starts_that_lost_their_waiters_are_room_to_come),
                cmocka_unit_test(surplus_does_not_hide_a_need),
                cmocka_unit_test(the_tail_comes_with_the_report),
                cmocka_unit_test(an_abandoned_stream_flows_to_its_end),
                cmocka_unit_test(an_abandoned_waiter_leaves_no_pool_behind),
                cmocka_unit_test(callers_act_while_they_are_told),
                cmocka_unit_test(what_may_not_be_invoked_is_refused),
                cmocka_unit_test(code_that_is_being_prepared),
                cmocka_unit_test(freed_in_the_midst),
                cmocka_unit_test(what_can_be_looked_at),
                cmocka_unit_test(tenants_share_nothing),
                cmocka_unit_test(tenants_make_room_for_each_other),
                cmocka_unit_test(tenants_wait_for_code_together),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
