/* SPDX-License-Identifier: Apache-2.0 */
#include "pair.h"

#include "function/concurrency.h"

const struct pools_options roomy = {
        .environments_max = 100,
        .builders = 100,
        .idle_ttl = 60 * SECOND,
        .freeze_after = 50 * MILLISECOND,
};

struct pools_options at_most(size_t environments) {
        struct pools_options o = roomy;

        o.environments_max = environments;
        return o;
}

void open_pair(struct pair *p, struct pools_options options) {
        p->sim.seed = 0;
        sim_open(&p->sim, &options);
        p->a = sim_version("a");
        p->b = sim_version("b");
        p->c = sim_version("c");
}

void close_pair(struct pair *p) {
        sim_close(&p->sim);
        assert_int_equal(p->a->concurrency->running, 0);
        assert_int_equal(p->a->refs, 1);
        assert_int_equal(p->b->refs, 1);
        assert_int_equal(p->c->refs, 1);
        version_unref(p->a);
        version_unref(p->b);
        version_unref(p->c);
}

void warm(struct pair *p, struct version *v, size_t count) {
        for (size_t i = 0; i < count; ++i)
                sim_invoke(&p->sim, v);
        sim_pass(&p->sim, 16 * MS);
}
