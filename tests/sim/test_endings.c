/* SPDX-License-Identifier: Apache-2.0 */
/* How environments and pools end: retired, evicted, drained, lost; at exact times. */
#include "pair.h"

static void a_retired_version_drains(void **state) {
        struct pair p;
        struct caller *busy, *waiting;

        open_pair(&p, roomy);
        warm(&p, p.a, 2);
        busy = sim_invoke(&p.sim, p.a);
        sim_invoke(&p.sim, p.a);
        waiting = sim_invoke(&p.sim, p.a);
        pools_retire(p.sim.pools, p.a);
        sim_check(&p.sim);
        assert_int_equal(p.sim.stops, 0);
        sim_pass(&p.sim, 30 * MS);
        assert_int_equal(busy->answered + waiting->answered, 2);
        assert_int_equal(sim_live(&p.sim), 0);
        assert_null(p.a->pool);
        assert_int_equal(p.a->refs, 1);
        pools_retire(p.sim.pools, p.a); /* nothing there: nothing happens */
        close_pair(&p);
}

static void eviction_waits_for_the_busy_unless_now(void **state) {
        struct pair p;
        struct caller *c;
        const char *id;

        open_pair(&p, roomy);
        warm(&p, p.a, 2);
        warm(&p, p.b, 1);
        c = sim_invoke(&p.sim, p.a);
        assert_int_equal(pools_evict(p.sim.pools, NULL, "eu-west-1", "a", NULL, false), 0);
        assert_int_equal(pools_evict(p.sim.pools, "000000000000", "us-east-1", "a", NULL, false), 2);
        sim_pass(&p.sim, 1 * MS);
        assert_int_equal(p.sim.stops, 1);
        sim_pass(&p.sim, 5 * MS);
        assert_int_equal(p.sim.stops, 2);
        assert_int_equal(c->outcome, OUTCOME_OK);
        id = sim_newest(&p.sim)->base.id;
        c = sim_invoke(&p.sim, p.b);
        assert_int_equal(pools_evict(p.sim.pools, NULL, NULL, NULL, id, true), 1);
        assert_int_equal(pools_evict(p.sim.pools, NULL, NULL, NULL, id, true), 0); /* stopping already */
        sim_pass(&p.sim, 0);
        assert_int_equal(c->answered, 1);
        assert_int_equal(c->outcome, OUTCOME_SANDBOX_FAILURE);
        assert_int_equal(sim_live(&p.sim), 0);
        close_pair(&p);
}

/* Who relied on a start that is evicted gets another one. */
static void an_evicted_start_is_begun_again(void **state) {
        struct pair p;
        struct caller *c;

        for (int now = 0; now < 2; ++now) {
                open_pair(&p, at_most(1));
                p.sim.plan.stop = 3 * MS;
                c = sim_invoke(&p.sim, p.a);
                sim_pass(&p.sim, 5 * MS);
                assert_int_equal(pools_evict(p.sim.pools, NULL, NULL, NULL, NULL, now), 1);
                sim_check(&p.sim);
                sim_pass(&p.sim, 3 * MS + 15 * MS);
                assert_int_equal(c->answered, 1);
                assert_int_equal(c->outcome, OUTCOME_OK);
                close_pair(&p);
        }
}

static void draining_tells_once_when_all_is_answered(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, at_most(2));
        c = sim_invoke(&p.sim, p.a);
        sim_invoke(&p.sim, p.b);
        sim_pass(&p.sim, 12 * MS);
        p.sim.plan.stop = 50 * MS;
        sim_newest(&p.sim)->plan.stop = 50 * MS;
        p.sim.pools->draining = true;
        assert_int_equal(sim_invoke(&p.sim, p.a)->refusal, REFUSED_SHUTDOWN);
        /* One that is being stopped with its invocation under way counts as long as that is not answered. */
        pools_evict(p.sim.pools, NULL, NULL, "b", NULL, true);
        sim_pass(&p.sim, 40 * MS);
        assert_int_equal(c->answered, 1);
        close_pair(&p); /* drains, and proves the order and the count */
}

static void draining_waits_for_extensions(void **state) {
        struct pair p;

        open_pair(&p, roomy);
        p.sim.plan.has_extensions = true, p.sim.plan.stop = 2000 * MS;
        warm(&p, p.b, 1);
        sim_invoke(&p.sim, p.c); /* still starting */
        sim_pass(&p.sim, 2 * MS);
        pools_evict(p.sim.pools, NULL, NULL, "b", NULL, true);
        close_pair(&p); /* proves that nobody with extensions is left when it tells */
}

static void a_lost_start_fails_one_waiter(void **state) {
        struct pair p;
        struct caller *c[3];
        unsigned failed = 0;

        open_pair(&p, roomy);
        for (unsigned i = 0; i < 3; ++i)
                c[i] = sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 2 * MS);
        fake_perish(sim_fake(&p.sim, 2));
        sim_check(&p.sim);
        sim_pass(&p.sim, 20 * MS);
        for (unsigned i = 0; i < 3; ++i)
                failed += c[i]->outcome == OUTCOME_SANDBOX_FAILURE;
        assert_int_equal(failed, 1);
        assert_int_equal(p.sim.made, 3);
        close_pair(&p);
}

/* Whoever relied on it is tried for again, once. */
static void a_start_lost_by_accident_costs_nobody_anything(void **state) {
        struct pair p;
        struct caller *c[3];

        open_pair(&p, roomy);
        p.sim.plan.accident = true;
        for (unsigned i = 0; i < 3; ++i)
                c[i] = sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 2 * MS);
        p.sim.plan.accident = false;
        for (unsigned i = 1; i <= 3; ++i)
                fake_perish(sim_fake(&p.sim, i));
        sim_check(&p.sim);
        sim_pass(&p.sim, 20 * MS);
        for (unsigned i = 0; i < 3; ++i)
                assert_int_equal(c[i]->outcome, OUTCOME_OK);
        assert_int_equal(p.sim.made, 6);
        close_pair(&p);
}

static void a_second_accident_is_told(void **state) {
        struct caller *c;
        struct pair p;

        open_pair(&p, roomy);
        p.sim.plan.accident = true;
        c = sim_invoke(&p.sim, p.a);
        for (unsigned i = 1; i <= 2; ++i) {
                sim_pass(&p.sim, 2 * MS);
                fake_perish(sim_fake(&p.sim, i));
                sim_check(&p.sim);
        }
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(c->outcome, OUTCOME_SANDBOX_FAILURE);
        assert_int_equal(p.sim.made, 2);
        close_pair(&p);
}

/* A start that nobody needs any more may be lost without anybody noticing. */
static void a_lost_surplus_start_fails_nobody(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, roomy);
        c = sim_invoke(&p.sim, p.a);
        sim_abandon(sim_invoke(&p.sim, p.a));
        sim_pass(&p.sim, 2 * MS);
        fake_perish(sim_fake(&p.sim, 2));
        sim_check(&p.sim);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(c->outcome, OUTCOME_OK);
        close_pair(&p);
}

/* The environment that breaks under an invocation answers it and takes no other; who waited gets a new one.
 */
static void a_broken_environment_takes_no_waiter_with_it(void **state) {
        struct pair p;
        struct caller *busy, *waiting;

        open_pair(&p, roomy);
        busy = sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 12 * MS);
        waiting = sim_invoke(&p.sim, p.a);
        fake_perish(sim_fake(&p.sim, 1));
        sim_check(&p.sim);
        assert_int_equal(busy->outcome, OUTCOME_SANDBOX_FAILURE);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(waiting->answered, 1);
        assert_int_equal(waiting->outcome, OUTCOME_OK);
        close_pair(&p);
}

static void a_failed_init_is_paid_by_the_waiter(void **state) {
        struct pair p;
        struct caller *c;

        open_pair(&p, roomy);
        p.sim.plan.init_fails = true;
        p.sim.plan.outcome = OUTCOME_INIT_ERROR;
        c = sim_invoke(&p.sim, p.a);
        sim_pass(&p.sim, 15 * MS);
        assert_int_equal(c->outcome, OUTCOME_INIT_ERROR);
        assert_int_equal(p.sim.pools->totals.errors, 1);
        assert_int_equal(sim_live(&p.sim), 1); /* kept: its next invocation repeats INIT */
        close_pair(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(a_retired_version_drains),
                cmocka_unit_test(eviction_waits_for_the_busy_unless_now),
                cmocka_unit_test(an_evicted_start_is_begun_again),
                cmocka_unit_test(draining_tells_once_when_all_is_answered),
                cmocka_unit_test(draining_waits_for_extensions),
                cmocka_unit_test(a_lost_start_fails_one_waiter),
                cmocka_unit_test(a_start_lost_by_accident_costs_nobody_anything),
                cmocka_unit_test(a_second_accident_is_told),
                cmocka_unit_test(a_lost_surplus_start_fails_nobody),
                cmocka_unit_test(a_broken_environment_takes_no_waiter_with_it),
                cmocka_unit_test(a_failed_init_is_paid_by_the_waiter),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
