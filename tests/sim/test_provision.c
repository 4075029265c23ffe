/* SPDX-License-Identifier: Apache-2.0 */
/* Environments that are started before anybody asks. */
#include "sim.h"

#define MS MILLISECOND

static struct pools_options options_for(size_t environments) {
        return (struct pools_options){
                .environments_max = environments,
                .builders = environments,
                .idle_ttl = SECOND,
                .freeze_after = 50 * MILLISECOND,
        };
}

static struct pools_provision look(const struct version *v) {
        struct pools_provision view;

        pools_provisioned(v, &view);
        return view;
}

struct pair {
        struct sim sim;
        struct version *kept, *other;
};

static void open_pair(struct pair *p, size_t environments) {
        struct pools_options options = options_for(environments);

        p->sim.seed = 0;
        sim_open(&p->sim, &options);
        p->kept = sim_version("kept");
        p->other = sim_version("other");
}

static void close_pair(struct pair *p) {
        pools_provision(p->sim.pools, p->kept, 0);
        sim_close(&p->sim);
        assert_int_equal(p->kept->refs, 1);
        assert_int_equal(p->other->refs, 1);
        version_unref(p->kept);
        version_unref(p->other);
}

static void they_start_at_once_and_stay(void **state) {
        struct caller *c;
        struct pair p;

        open_pair(&p, 10);
        pools_provision(p.sim.pools, p.kept, 2);
        assert_int_equal(look(p.kept).allocated, 0);
        sim_pass(&p.sim, 10 * MS);
        assert_int_equal(p.sim.starts, 2);
        assert_int_equal(look(p.kept).allocated, 2);
        assert_int_equal(look(p.kept).available, 2);
        sim_pass(&p.sim, 100 * SECOND);
        assert_int_equal(sim_live(&p.sim), 2);
        c = sim_invoke(&p.sim, p.kept);
        assert_int_equal(look(p.kept).available, 1);
        sim_pass(&p.sim, 5 * MS);
        assert_int_equal(c->answered, 1);
        assert_int_equal(p.sim.starts, 2);
        /* Fewer are wanted: one of them ends when its idle time is over. */
        pools_provision(p.sim.pools, p.kept, 1);
        sim_pass(&p.sim, 10 * SECOND);
        assert_int_equal(sim_live(&p.sim), 1);
        pools_provision(p.sim.pools, p.kept, 0);
        sim_pass(&p.sim, 10 * SECOND);
        assert_int_equal(sim_live(&p.sim), 0);
        close_pair(&p);
}

static void they_make_room_for_nobody(void **state) {
        struct caller *refused;
        struct pair p;

        open_pair(&p, 1);
        pools_provision(p.sim.pools, p.kept, 1);
        sim_pass(&p.sim, 20 * MS);
        refused = sim_invoke(&p.sim, p.other);
        assert_int_equal(refused->refusal, REFUSED_THROTTLED);
        sim_pass(&p.sim, SECOND);
        assert_int_equal(look(p.kept).available, 1);
        close_pair(&p);
}

static void more_than_there_is_room_for(void **state) {
        struct pair p;

        open_pair(&p, 2);
        pools_provision(p.sim.pools, p.kept, 3);
        sim_pass(&p.sim, 20 * MS);
        assert_non_null(look(p.kept).problem);
        assert_int_equal(look(p.kept).allocated, 0);
        pools_provision(p.sim.pools, p.kept, 2);
        sim_pass(&p.sim, 20 * MS);
        assert_null(look(p.kept).problem);
        assert_int_equal(look(p.kept).allocated, 2);
        close_pair(&p);
}

static void who_ends_is_replaced(void **state) {
        struct pair p;

        open_pair(&p, 10);
        pools_provision(p.sim.pools, p.kept, 1);
        sim_pass(&p.sim, 20 * MS);
        sim_invoke(&p.sim, p.kept);
        sim_pass(&p.sim, 20 * MS);
        fake_perish(sim_newest(&p.sim));
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(p.sim.starts, 2);
        assert_int_equal(look(p.kept).available, 1);
        assert_int_equal(pools_evict(p.sim.pools, NULL, NULL, "kept", NULL, true), 1);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(p.sim.starts, 3);
        assert_int_equal(look(p.kept).available, 1);
        close_pair(&p);
}

static void who_never_did_anything_is_not(void **state) {
        struct pair p;

        open_pair(&p, 10);
        p.sim.plan.start_error = EMFILE;
        pools_provision(p.sim.pools, p.kept, 2);
        sim_pass(&p.sim, 20 * MS);
        assert_true(p.sim.starts <= 2);
        assert_non_null(look(p.kept).problem);
        p.sim.plan = PLAN;
        p.sim.plan.init_fails = true;
        pools_provision(p.sim.pools, p.kept, 1);
        sim_pass(&p.sim, 20 * MS);
        assert_string_equal(look(p.kept).problem, "FUNCTION_ERROR_INIT_FAILURE");
        assert_int_equal(look(p.kept).allocated, 0);
        close_pair(&p);
}

/* Each may have one; then they would only end again. */
static void who_ends_by_accident_is_replaced_once(void **state) {
        struct pair p;

        open_pair(&p, 10);
        p.sim.plan.accident = true;
        pools_provision(p.sim.pools, p.kept, 2);
        for (unsigned i = 1; i <= 2; ++i) {
                sim_pass(&p.sim, 2 * MS);
                fake_perish(sim_fake(&p.sim, i));
                sim_check(&p.sim);
        }
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(look(p.kept).available, 2);
        pools_provision(p.sim.pools, p.kept, 0);
        pools_provision(p.sim.pools, p.kept, 1);
        for (unsigned i = 5; i <= 6; ++i) {
                assert_null(look(p.kept).problem);
                sim_pass(&p.sim, 2 * MS);
                fake_perish(sim_fake(&p.sim, i));
                sim_check(&p.sim);
        }
        assert_non_null(look(p.kept).problem);
        close_pair(&p);
}

static void code_comes_first(void **state) {
        struct pair p;

        open_pair(&p, 10);
        p.kept->prepared = false;
        pools_provision(p.sim.pools, p.kept, 1);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(p.sim.starts, 0);
        p.kept->prepared = true;
        pools_prepared(p.sim.pools, p.kept, NULL);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(look(p.kept).available, 1);
        /* A version that is retired has none. */
        pools_retire(p.sim.pools, p.kept);
        sim_pass(&p.sim, 20 * MS);
        assert_int_equal(sim_live(&p.sim), 0);
        close_pair(&p);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(they_start_at_once_and_stay),
                cmocka_unit_test(they_make_room_for_nobody),
                cmocka_unit_test(more_than_there_is_room_for),
                cmocka_unit_test(who_ends_is_replaced),
                cmocka_unit_test(who_never_did_anything_is_not),
                cmocka_unit_test(code_comes_first),
                cmocka_unit_test(who_ends_by_accident_is_replaced_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
