/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "function/concurrency.h"

static struct map accounts;

static int setup(void **state) {
        map_init(&accounts);
        return 0;
}

static int teardown(void **state) {
        assert_int_equal(accounts.count, 0);
        map_deinit(&accounts);
        return 0;
}

static void a_reservation_is_a_limit_and_a_promise(void **state) {
        struct concurrency *own = concurrency_new(&accounts, "1", "r"),
                           *other = concurrency_new(&accounts, "1", "r");

        concurrency_reserve(own, 2);
        for (int i = 0; i < ACCOUNT_CONCURRENCY - 2; i++)
                assert_int_equal(concurrency_enter(other, false), 0);
        assert_int_equal(concurrency_enter(other, false), CONCURRENCY_ACCOUNT_SPENT);
        assert_int_equal(concurrency_enter(own, false), 0);
        assert_int_equal(concurrency_enter(own, false), 0);
        assert_int_equal(concurrency_enter(own, false), CONCURRENCY_RESERVED_SPENT);
        concurrency_leave(own, false);
        assert_int_equal(concurrency_enter(own, false), 0);
        concurrency_reserve(own, 0);
        assert_int_equal(concurrency_enter(own, false), CONCURRENCY_RESERVED_SPENT);
        assert_int_equal(concurrency_enter(other, false), 0);
        concurrency_unref(own);
        concurrency_unref(other);
}

static void what_runs_moves_with_the_reservation(void **state) {
        struct concurrency *c = concurrency_new(&accounts, "1", "r");

        assert_int_equal(concurrency_enter(c, false), 0);
        assert_int_equal(c->account->running, 1);
        concurrency_reserve(c, 5);
        assert_int_equal(c->account->running, 0);
        assert_int_equal(c->account->apart, 5);
        concurrency_leave(c, false);
        assert_int_equal(concurrency_enter(c, false), 0);
        concurrency_reserve(c, NOT_RESERVED);
        assert_int_equal(c->account->running, 1);
        assert_int_equal(c->account->apart, 0);
        concurrency_unref(c); /* with one still running */
}

static void provisioned_places_are_set_apart(void **state) {
        struct concurrency *c = concurrency_new(&accounts, "1", "r");

        concurrency_reserve(c, 3);
        concurrency_provision(c, 2);
        assert_int_equal(c->account->apart, 3);
        assert_int_equal(concurrency_enter(c, false), 0);
        assert_int_equal(concurrency_enter(c, false), CONCURRENCY_RESERVED_SPENT);
        assert_int_equal(concurrency_enter(c, true), 0);
        assert_int_equal(concurrency_enter(c, true), 0);
        concurrency_leave(c, false);
        assert_int_equal(concurrency_enter(c, false), 0);
        concurrency_leave(c, true);
        assert_int_equal(concurrency_enter(c, false), CONCURRENCY_RESERVED_SPENT);
        concurrency_leave(c, true);
        concurrency_leave(c, false);
        concurrency_reserve(c, 0);
        assert_int_equal(concurrency_enter(c, true), CONCURRENCY_RESERVED_SPENT);
        concurrency_unref(c);
}

/* Without a reservation they are taken from what all share, and given back. */
static void provisioned_places_are_taken_from_the_rest(void **state) {
        struct concurrency *own = concurrency_new(&accounts, "1", "r"),
                           *other = concurrency_new(&accounts, "1", "r");

        concurrency_provision(own, 2);
        assert_int_equal(own->account->apart, 2);
        for (int i = 0; i < ACCOUNT_CONCURRENCY - 2; i++)
                assert_int_equal(concurrency_enter(other, false), 0);
        assert_int_equal(concurrency_enter(other, false), CONCURRENCY_ACCOUNT_SPENT);
        assert_int_equal(concurrency_enter(own, false), CONCURRENCY_ACCOUNT_SPENT);
        assert_int_equal(concurrency_enter(own, true), 0);
        assert_int_equal(concurrency_enter(own, true), 0);
        concurrency_leave(other, false);
        assert_int_equal(concurrency_enter(own, false), 0);
        assert_int_equal(concurrency_enter(own, false), CONCURRENCY_ACCOUNT_SPENT);
        /* A reservation covers them, and lets the rest have them back. */
        concurrency_reserve(own, 3);
        assert_int_equal(own->account->apart, 3);
        assert_int_equal(own->account->running, ACCOUNT_CONCURRENCY - 3);
        concurrency_reserve(own, NOT_RESERVED);
        assert_int_equal(own->account->apart, 2);
        assert_true(concurrency_may_reserve(own, 900));
        assert_false(concurrency_may_reserve(other, 899));
        assert_true(concurrency_may_reserve(other, 898));
        concurrency_provision(own, 0);
        assert_int_equal(own->account->apart, 0);
        concurrency_unref(own); /* with three still running */
        assert_int_equal(other->account->running, ACCOUNT_CONCURRENCY - 3);
        concurrency_unref(other);
}

static void enough_stays_unreserved(void **state) {
        struct concurrency *a = concurrency_new(&accounts, "1", "r"),
                           *b = concurrency_new(&accounts, "1", "r");
        struct concurrency *elsewhere = concurrency_new(&accounts, "1", "s");

        assert_true(concurrency_may_reserve(a, 900));
        assert_false(concurrency_may_reserve(a, 901));
        assert_false(concurrency_may_reserve(a, INT32_MAX));
        concurrency_reserve(a, 900);
        assert_true(concurrency_may_reserve(a, 900));
        assert_true(concurrency_may_reserve(b, 0));
        assert_false(concurrency_may_reserve(b, 1));
        assert_true(concurrency_may_reserve(elsewhere, 900));
        assert_int_equal(accounts_find(&accounts, "1", "r")->apart, 900);
        assert_null(accounts_find(&accounts, "2", "r"));
        concurrency_unref(a);
        assert_int_equal(accounts_find(&accounts, "1", "r")->apart, 0);
        concurrency_unref(b);
        concurrency_unref(elsewhere);
}

static void counters_outlive_the_accounts(void **state) {
        struct concurrency *c = concurrency_ref(concurrency_new(&accounts, "1", "r"));

        assert_int_equal(concurrency_enter(c, false), 0);
        concurrency_unref(c);
        accounts_forget(&accounts);
        concurrency_leave(c, false);
        concurrency_unref(c);
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test_setup_teardown(a_reservation_is_a_limit_and_a_promise, setup, teardown),
                cmocka_unit_test_setup_teardown(what_runs_moves_with_the_reservation, setup, teardown),
                cmocka_unit_test_setup_teardown(provisioned_places_are_set_apart, setup, teardown),
                cmocka_unit_test_setup_teardown(provisioned_places_are_taken_from_the_rest, setup, teardown),
                cmocka_unit_test_setup_teardown(enough_stays_unreserved, setup, teardown),
                cmocka_unit_test_setup_teardown(counters_outlive_the_accounts, setup, teardown),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
