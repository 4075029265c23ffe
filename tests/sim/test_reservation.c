/* SPDX-License-Identifier: Apache-2.0 */
/* Reserved concurrency at exact times. */
#include "pair.h"

#include "function/concurrency.h"

static void it_counts_until_the_answer(void **state) {
        struct version *own, *other;
        struct caller *first, *second, *third;
        struct sim s = {};

        sim_open(&s, &roomy);
        own = sim_version("a");
        other = sim_version("b");
        s.plan.idle = 5 * MS; /* between its answer and its next poll */
        concurrency_reserve(own->concurrency, 1);
        first = sim_invoke(&s, own);
        second = sim_invoke(&s, own);
        assert_int_equal(second->refusal, REFUSED_RESERVED);
        assert_int_equal(sim_invoke(&s, other)->refused, 0);
        sim_pass(&s, 15 * MS);
        assert_int_equal(first->answered, 1);
        third = sim_invoke(&s, own);
        assert_int_equal(third->refused, 0);
        sim_abandon(third); /* it waits for the environment that is about to poll */
        third = sim_invoke(&s, own);
        assert_int_equal(third->refused, 0);
        sim_pass(&s, 20 * MS);
        assert_int_equal(third->answered, 1);
        concurrency_reserve(own->concurrency, 0);
        assert_int_equal(sim_invoke(&s, own)->refusal, REFUSED_RESERVED);
        sim_close(&s);
        assert_int_equal(own->concurrency->running, 0);
        assert_int_equal(other->concurrency->running, 0);
        version_unref(own);
        version_unref(other);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(it_counts_until_the_answer),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
