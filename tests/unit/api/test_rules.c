/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/rules.h"

static bool is_small(const char *text) {
        return strspn(text, "abcdefghijklmnopqrstuvwxyz") == strlen(text);
}

static const struct rule rules[] = {
        { "Name", RULE_STRING, .required = true, .bounded = true, .min = 2, .max = 4, .pattern = "[a-z]*",
          .matches = is_small },
        { "Size", RULE_INTEGER, .bounded = true, .min = 1, .max = 9 },
        { "Flag", RULE_BOOLEAN },
        { "Vpc", RULE_OBJECT },
        { "Vpc.Mode", RULE_STRING, .required = true, .enumeration = "One, Two" },
        { "Vpc.Ids", RULE_LIST, .bounded = true, .min = 0, .max = 2, .item_ok = is_small,
          .item_constraint = "Member must be small" },
        { "Tags", RULE_MAP, .item_ok = is_small, .item_constraint = "Map keys must be small" },
};

#define AT(value, path, constraint) \
        "Value " value " at '" path "' failed to satisfy constraint: Member must " constraint

static const struct {
        const char *body, *problem; /* NULL: fine */
        enum problem_kind kind;
} cases[] = {
        { "{\"Name\":\"abc\"}", NULL },
        { "{\"Name\":\"abc\",\"Size\":null,\"Vpc\":null,\"Unknown\":{\"Vpc\":7}}", NULL },
        { "{\"Name\":\"abc\",\"Vpc\":{\"Mode\":\"Two\",\"Ids\":[]},\"Tags\":{\"a\":\"b\"},\"Flag\":true,"
          "\"Size\":9}",
          NULL },
        /* Two characters for AWS: a letter outside the BMP counts twice in UTF-16. */
        { "{\"Name\":\"\xf0\x9f\x98\x80\"}",
          "1 validation error detected: " AT("'\xf0\x9f\x98\x80'", "name",
                                             "satisfy regular expression pattern: [a-z]*") },
        { "{}", "1 validation error detected: " AT("null", "name", "not be null") },
        { "{\"Name\":\"abcde\",\"Size\":0}",
          "2 validation errors detected: " AT(
                  "'abcde'", "name",
                  "have length less than or equal to 4") "; " AT("'0'", "size",
                                                                 "have value greater than or equal to 1") },
        { "{\"Name\":\"A\"}",
          "2 validation errors detected: " AT(
                  "'A'", "name",
                  "have length greater than or equal to 2") "; " AT("'A'", "name",
                                                                    "satisfy regular expression pattern: "
                                                                    "[a-z]*") },
        { "{\"Name\":\"abc\",\"Vpc\":{}}",
          "1 validation error detected: " AT("null", "vpc.mode", "not be null") },
        { "{\"Name\":\"abc\",\"Vpc\":{\"Mode\":\"Three\"}}",
          "1 validation error detected: " AT("'Three'", "vpc.mode", "satisfy enum value set: [One, Two]") },
        { "{\"Name\":\"abc\",\"Vpc\":{\"Mode\":\"One\",\"Ids\":[\"a\",null,\"B\"]}}",
          "2 validation errors detected: " AT(
                  "'[a, null, B]'", "vpc.ids",
                  "have length less than or equal to 2") "; " AT("'[a, null, B]'", "vpc.ids", "be small") },
        { "{\"Name\":\"abc\",\"Tags\":{\"a\":\"\",\"B\":\"secret\"}}",
          "1 validation error detected: Value at 'tags' failed to satisfy constraint: Map keys must be "
          "small" },
        { "{\"Name\":7}", "NUMBER_VALUE can not be converted to a String", PROBLEM_SERIALIZATION },
        { "{\"Name\":\"abc\",\"Size\":\"1\"}", "STRING_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "{\"Name\":\"abc\",\"Size\":1.5}", "DECIMAL_VALUE can not be converted to an Integer",
          PROBLEM_SERIALIZATION },
        { "{\"Name\":\"abc\",\"Vpc\":[]}", "START_ARRAY can not be converted to a structure",
          PROBLEM_SERIALIZATION },
        { "{\"Name\":\"abc\",\"Tags\":{\"a\":1}}", "Tags must hold Strings only", PROBLEM_SERIALIZATION },
};

static void every_violation_is_told(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(checker) struct checker checker = CHECKER_NULL;
                AUTO(problem) struct problem problem = PROBLEM_NULL;
                AUTO(json_tree) json_t *body = NULL;
                bool fine;

                assert_int_equal(json_tree_parse(cases[i].body, strlen(cases[i].body), &body, NULL), 0);
                fine = rules_check(rules, ARRAY_SIZE(rules), body, &checker, &problem) &&
                       checker_end(&checker, &problem);
                assert_int_equal(fine, cases[i].problem == NULL);
                if (fine)
                        continue;
                assert_string_equal(problem.message, cases[i].problem);
                assert_int_equal(problem.kind, cases[i].kind);
        }
}

static void a_body_that_is_absent_is_empty(void **state) {
        AUTO(checker) struct checker checker = CHECKER_NULL;
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        assert_true(rules_check(rules, ARRAY_SIZE(rules), NULL, &checker, &problem));
        assert_false(checker_end(&checker, &problem));
        assert_non_null(strstr(problem.message, "'name'"));
}

static void enumerations_hold_whole_words(void **state) {
        assert_true(enumeration_has("a, bc, d", "a") && enumeration_has("a, bc, d", "bc") &&
                    enumeration_has("a, bc, d", "d"));
        assert_false(enumeration_has("a, bc, d", "b") || enumeration_has("a, bc, d", "") ||
                     enumeration_has("a, bc, d", "a, bc") || enumeration_has("", "a"));
}

static void problems_have_aws_bodies(void **state) {
        static const struct {
                enum problem_kind kind;
                const char *reason, *body;
        } bodies[] = {
                { PROBLEM_VALIDATION, NULL, "{\"message\":\"m\"}" },
                { PROBLEM_INVALID_PARAMETER, NULL, "{\"Type\":\"User\",\"message\":\"m\"}" },
                { PROBLEM_NOT_FOUND, NULL, "{\"Type\":\"User\",\"Message\":\"m\"}" },
                { PROBLEM_ENTITY_TOO_LARGE, NULL, "{\"Message\":\"m\"}" },
                { PROBLEM_SERVICE, NULL, "{\"Type\":\"Service\",\"Message\":\"m\"}" },
                { PROBLEM_TOO_MANY_REQUESTS, "R", "{\"Reason\":\"R\",\"Type\":\"User\",\"message\":\"m\"}" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(bodies); i++) {
                AUTO(buf) struct buf body = BUF_NULL(KIB);
                AUTO(problem) struct problem problem = PROBLEM_NULL;

                problem_set(&problem, bodies[i].kind, "m");
                problem.reason = bodies[i].reason;
                problem_write(&problem, &body);
                assert_int_equal(body.len, strlen(bodies[i].body));
                assert_memory_equal(buf_data(&body), bodies[i].body, body.len);
        }
        for (enum problem_kind kind = 0; kind < PROBLEM_KINDS; kind++) {
                assert_non_null(problem_exception(kind));
                assert_true(problem_status(kind) >= 400);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(every_violation_is_told),
                cmocka_unit_test(a_body_that_is_absent_is_empty),
                cmocka_unit_test(enumerations_hold_whole_words),
                cmocka_unit_test(problems_have_aws_bodies),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
