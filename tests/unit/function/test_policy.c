/* SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "function/policy.h"

#define FUNCTION "arn:aws-cn:lambda:cn-north-1:111111111111:function:f"

static void grants_become_statements(void **state) {
        static const bool yes = true;
        static const struct {
                struct policy_grant grant;
                const char *statement; /* NULL: refused */
        } cases[] = {
                { { "s", "lambda:*", "*", FUNCTION },
                  "{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Principal\":\"*\",\"Action\":\"lambda:*\",\"Resource\":\"" FUNCTION
                  "\"}" },
                { { "s", "a", "123456789012", FUNCTION, .source_account = "1", .source_arn = "x" },
                  "{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Principal\":{\"AWS\":\"arn:aws-cn:iam::123456789012:root\"},"
                  "\"Action\":\"a\",\"Resource\":\"" FUNCTION
                  "\",\"Condition\":{\"StringEquals\":{\"AWS:SourceAccount\":\"1\"},"
                  "\"ArnLike\":{\"AWS:SourceArn\":\"x\"}}}" },
                { { "s", "a", "s3.amazonaws.com", FUNCTION, .via_url = &yes },
                  "{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"s3.amazonaws.com\"},\"Action\":\"a\","
                  "\"Resource\":\"" FUNCTION
                  "\",\"Condition\":{\"Bool\":{\"lambda:InvokedViaFunctionUrl\":\"true\"}}}" },
                /* Alexa's services are below another domain than the rest. */
                { { "s", "a", "alexa-appkit.amazon.com", FUNCTION },
                  "{\"Sid\":\"s\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"alexa-appkit.amazon.com\"},"
                  "\"Action\":\"a\",\"Resource\":\"" FUNCTION "\"}" },
                { { "s", "a", "alexa-appkit.amazon.com.example", FUNCTION } },
                { { "s", "a", "12345678901", FUNCTION } },
                { { "s", "a", ".amazonaws.com", FUNCTION } },
                { { "s", "a", "nobody", FUNCTION } },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(json_tree) json_t *statement = policy_statement(&cases[i].grant);
                AUTO(str) char *text = statement ? json_tree_text(statement) : NULL;

                assert_int_equal(text != NULL, cases[i].statement != NULL);
                if (text)
                        assert_string_equal(text, cases[i].statement);
        }
}

static void statements_are_found_by_their_id(void **state) {
        AUTO(json_tree) json_t *list = json_array();
        AUTO(str) char *text = NULL;

        json_array_append_new(list, policy_statement(&(struct policy_grant){ "a", "x", "*", FUNCTION }));
        json_array_append_new(list, policy_statement(&(struct policy_grant){ "b", "x", "*", FUNCTION }));
        assert_true(policy_has(list, "a") && policy_has(list, "b") && !policy_has(list, "c"));
        assert_false(policy_drop(list, "c"));
        assert_true(policy_drop(list, "a"));
        assert_false(policy_has(list, "a"));
        /* Statements of a whole policy need no id. */
        json_array_insert_new(list, 0, json_pack("{s:s}", "Effect", "Deny"));
        assert_true(policy_has(list, "b"));
        json_array_remove(list, 0);
        text = policy_text(list);
        assert_true(str_starts(
                text, "{\"Version\":\"2012-10-17\",\"Id\":\"default\",\"Statement\":[{\"Sid\":\"b\""));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(grants_become_statements),
                cmocka_unit_test(statements_are_found_by_their_id),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
