/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random callers, evictions and retirements against environments that do anything their contract allows; then
 * every single making and starting fails once. SIM_SEED repeats one random run, SIM_RUNS says how many there
 * are.
 */
#include "sim.h"

#include "function/concurrency.h"

#define VERSIONS 4
#define STEPS 400

static nsec_t draw_time(struct sim *s, nsec_t most) {
        return sim_draw(s, 4) ? sim_draw(s, most) : 0;
}

static void draw_plan(struct sim *s, struct plan *ret_plan) {
        *ret_plan = (struct plan){
                .started = draw_time(s, 5 * MILLISECOND),
                .ready = draw_time(s, 40 * MILLISECOND),
                .answer = draw_time(s, 30 * MILLISECOND),
                .idle = draw_time(s, 5 * MILLISECOND),
                .stop = draw_time(s, 20 * MILLISECOND),
                .accident = sim_draw(s, 2),
                .doom = sim_draw(s, 6) ? NEVER : draw_time(s, 200 * MILLISECOND),
                .start_error = sim_draw(s, 12) ? 0 : EMFILE,
                .init_fails = sim_draw(s, 8) == 0,
                .never_started = sim_draw(s, 16) == 0,
                .has_extensions = sim_draw(s, 3) == 0,
                .chunks = (unsigned)sim_draw(s, 20),
                .outcome = sim_draw(s, 3) ? OUTCOME_OK
                                          : (enum invocation_outcome)sim_draw(s, OUTCOME_BAD_ANSWER + 1),
        };
        if (sim_draw(s, 30) == 0)
                s->fail_make_at = s->made + 2;
}

static struct caller *any_caller(struct sim *s) {
        struct caller *c, *found = NULL;
        uint64_t seen = 0;

        list_each(c, &s->callers, link)
                if (c->invocation && sim_draw(s, ++seen) == 0)
                        found = c;
        return found;
}

static struct fake *any_fake(struct sim *s) {
        struct fake *f, *found = NULL;
        uint64_t seen = 0;

        list_each(f, &s->fakes, link)
                if (sim_draw(s, ++seen) == 0)
                        found = f;
        return found;
}

/* The preparation of its code ends, well or not; the end of a run lets none wait for it. */
static void prepare(struct sim *s, struct version *v) {
        if (v->prepared)
                return;
        v->prepared = sim_draw(s, 2);
        pools_prepared(s->pools, v, v->prepared ? NULL : "its code cannot be read");
        sim_check(s);
}

/* An update: the version is retired and a new one takes its place. */
static void replace(struct sim *s, struct version **v) {
        static const char *const names[] = { "a", "b", "c" };

        pools_retire(s->pools, *v);
        sim_check(s);
        prepare(s, *v);
        version_unref(*v);
        *v = sim_version(names[sim_draw(s, ARRAY_SIZE(names))]);
        (*v)->prepared = sim_draw(s, 2);
        (*v)->config.per_tenant = sim_draw(s, 3) == 0;
}

static void evict(struct sim *s) {
        static const char *const names[] = { "a", "b", "c", NULL };
        struct fake *f = sim_draw(s, 2) ? any_fake(s) : NULL;

        pools_evict(s->pools, NULL, NULL, names[sim_draw(s, ARRAY_SIZE(names))], f ? f->base.id : NULL,
                    sim_draw(s, 2));
}

static void step(struct sim *s, struct version **versions) {
        struct version **v = &versions[sim_draw(s, VERSIONS)];
        struct caller *c;
        struct fake *f;

        switch (sim_draw(s, 17)) {
        default:
                sim_call(s, *v, sim_draw(s, 2), sim_draw(s, 2));
                break;
        case 8:
        case 9:
        case 10:
                sim_pass(s, draw_time(s, 30 * MILLISECOND));
                break;
        case 11:
                sim_pass(s, draw_time(s, 2 * SECOND));
                break;
        case 12:
                c = any_caller(s);
                if (c)
                        sim_abandon(c);
                break;
        case 13:
                if (sim_draw(s, 4) == 0)
                        replace(s, v);
                else
                        prepare(s, *v);
                break;
        case 14:
                if (sim_draw(s, 4) == 0)
                        evict(s);
                break;
        case 15:
                f = any_fake(s);
                if (f && sim_draw(s, 4) == 0 && f->state != FAKE_NEW)
                        fake_perish(f);
                break;
        case 16:
                if (sim_draw(s, 4) == 0)
                        pools_provision(s->pools, *v, sim_draw(s, 3));
                break;
        }
        sim_check(s);
}

static void random_run(uint64_t seed, uint64_t *ret_calls) {
        struct sim s = { .seed = seed };
        struct pools_options options;
        struct version *versions[VERSIONS];

        s.random = seed;
        options = (struct pools_options){
                .environments_max = 1 + sim_draw(&s, 8),
                .builders = 1 + sim_draw(&s, 3),
                .idle_ttl = sim_draw(&s, 3) ? SECOND : 30 * MILLISECOND,
                .freeze_after = 50 * MILLISECOND,
        };
        sim_open(&s, &options);
        s.plan_next = draw_plan;
        for (size_t i = 0; i < VERSIONS; ++i)
                versions[i] = sim_version(i % 2 ? "a" : "b");
        for (unsigned i = 0; i < STEPS; ++i)
                step(&s, versions);
        *ret_calls += s.calls;
        for (size_t i = 0; i < VERSIONS; ++i)
                prepare(&s, versions[i]);
        for (size_t i = 0; i < VERSIONS; ++i)
                pools_provision(s.pools, versions[i], 0);
        sim_close(&s);
        for (size_t i = 0; i < VERSIONS; ++i) {
                assert_int_equal(versions[i]->concurrency->running, 0);
                assert_int_equal(versions[i]->refs, 1);
                version_unref(versions[i]);
        }
}

static uint64_t number_from(const char *name, uint64_t otherwise) {
        const char *text = getenv(name);
        uint64_t value = otherwise;

        if (text)
                assert_int_equal(str_to_u64(text, UINT64_MAX, &value), 0);
        return value;
}

static void random_runs(void **state) {
        uint64_t only = number_from("SIM_SEED", 0), runs = number_from("SIM_RUNS", 100), calls = 0;

        for (uint64_t seed = only ? only : 1; seed <= (only ? only : runs); ++seed)
                random_run(seed, &calls);
        print_message("# %llu invocations\n", (unsigned long long)calls);
        assert_true(calls > 100);
}

/* The same busy half second each time. */
static void fixed_run(struct sim *s, uint64_t fail_make_at, uint64_t fail_start_at) {
        struct pools_options options = {
                .environments_max = 2,
                .builders = 1,
                .idle_ttl = SECOND,
                .freeze_after = 50 * MILLISECOND,
        };
        struct version *versions[] = { sim_version("a"), sim_version("b"), sim_version("c") };

        s->seed = 0;
        sim_open(s, &options);
        s->plan.stop = 4 * MILLISECOND;
        s->fail_make_at = fail_make_at;
        s->fail_start_at = fail_start_at;
        for (unsigned i = 0; i < 30; ++i) {
                sim_call(s, versions[i / 2 % 3], i % 2, i % 5 == 0);
                sim_check(s);
                sim_pass(s, (i * 7 % 23) * MILLISECOND);
        }
        sim_pass(s, SECOND);
        sim_close(s);
        for (size_t i = 0; i < ARRAY_SIZE(versions); ++i) {
                assert_int_equal(versions[i]->concurrency->running, 0);
                assert_int_equal(versions[i]->refs, 1);
                version_unref(versions[i]);
        }
}

static void every_making_fails_once(void **state) {
        struct sim s;
        uint64_t n = 1;

        for (;; ++n) {
                fixed_run(&s, n, 0);
                if (s.fail_make_at)
                        break; /* there was no n-th */
        }
        assert_true(n > 5);
}

static void every_start_fails_once(void **state) {
        struct sim s;
        uint64_t n = 1;

        do
                fixed_run(&s, 0, n);
        while (s.starts >= n++);
        assert_true(n > 6);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(random_runs),
                cmocka_unit_test(every_making_fails_once),
                cmocka_unit_test(every_start_fails_once),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
