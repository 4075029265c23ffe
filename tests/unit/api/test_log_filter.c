/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/neighbours/log_filter.h"

/* "Filter pattern syntax": terms of unstructured events, in the CloudWatch Logs documentation. */
static const struct {
        const char *pattern, *message;
        bool taken;
} cases[] = {
        { "", "anything", true },
        { "ERROR", "[ERROR 400] BAD REQUEST", true },
        { "ERROR", "[error 400] bad request", false },
        { "ERROR ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", true },
        { "ERROR ARGUMENTS", "[ERROR 400] BAD REQUEST", false },
        { "?ERROR ?ARGUMENTS", "[WARN 420] INVALID ARGUMENTS", true },
        { "?ERROR ?ARGUMENTS", "[WARN 420]", false },
        { "?ERROR REQUEST", "[INFO] REQUEST FAILED", true }, /* the question mark counts for nothing then */
        { "\"INTERNAL SERVER ERROR\"", "[ERROR 500] INTERNAL SERVER ERROR", true },
        { "\"INTERNAL SERVER ERROR\"", "[ERROR 500] INTERNAL ERROR", false },
        { "ERROR -ARGUMENTS", "[ERROR 400] BAD REQUEST", true },
        { "ERROR -ARGUMENTS", "[ERROR 419] MISSING ARGUMENTS", false },
        { "-\"a b\"", "x a b y", false },
        { "-\"a b\"", "a x b", true },
        { "\"a \\\"b\\\"\"", "say a \"b\"", true },
};

static void test_terms(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                const struct logs_record record = { .stream = "s",
                                                    .data = cases[i].message,
                                                    .len = strlen(cases[i].message) };
                AUTO(log_filter) struct log_filter *filter = NULL;

                assert_int_equal(log_filter_new(NULL, NULL, cases[i].pattern, &filter), 0);
                if (log_filter_takes(filter, &record) != cases[i].taken)
                        fail_msg("%s on %s", cases[i].pattern, cases[i].message);
        }
}

static void test_streams(void **state) {
        const struct logs_record one = { .stream = "2020/one", .data = "x", .len = 1 },
                                 two = { .stream = "two", .data = "x", .len = 1 };
        AUTO(json_tree) json_t *names = json_pack("[s, s]", "two", "three");
        AUTO(log_filter) struct log_filter *named = NULL, *prefixed = NULL;

        assert_int_equal(log_filter_new(names, NULL, NULL, &named), 0);
        assert_false(log_filter_takes(named, &one));
        assert_true(log_filter_takes(named, &two));
        assert_int_equal(log_filter_new(NULL, "2020/", NULL, &prefixed), 0);
        assert_true(log_filter_takes(prefixed, &one));
        assert_false(log_filter_takes(prefixed, &two));
}

static void test_what_is_no_pattern(void **state) {
        static const struct {
                const char *pattern;
                int outcome;
        } bad[] = {
                { "{ $.a = 1 }", LOG_FILTER_UNKNOWN },
                { " [a, b]", LOG_FILTER_UNKNOWN },
                { "%x%", LOG_FILTER_UNKNOWN },
                { "\"open", LOG_FILTER_BROKEN },
                { "-", LOG_FILTER_BROKEN },
                { "\"\"", LOG_FILTER_BROKEN },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
                struct log_filter *filter = NULL;

                assert_int_equal(log_filter_new(NULL, NULL, bad[i].pattern, &filter), bad[i].outcome);
                assert_null(filter);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(test_terms),
                cmocka_unit_test(test_streams),
                cmocka_unit_test(test_what_is_no_pattern),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
