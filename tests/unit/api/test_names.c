/* SPDX-License-Identifier: Apache-2.0 */
/* Forms of names: what AWS's patterns take, which parts they capture, and what they refuse
 * (docs/aws.md, names). */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "api/credential.h"
#include "api/names.h"
#include "base/util.h"

#define A "111111111111"

static const struct {
        const char *text;
        bool plain, namespaced;
        const char *region, *account, *name, *qualifier; /* of the namespaced form */
} names[] = {
        { "f", true, true, NULL, NULL, "f", NULL },
        { "f:1", true, true, NULL, NULL, "f", "1" },
        { "f:$LATEST", true, true, NULL, NULL, "f", "$LATEST" },
        { "f:$LATEST.PUBLISHED", false, true, NULL, NULL, "f", "$LATEST.PUBLISHED" },
        { "a.b", false, true, NULL, NULL, "a.b", NULL },
        { "function:f", true, true, NULL, NULL, "f", NULL },
        { "function:f:alias", true, true, NULL, NULL, "f", "alias" },
        { "function", true, true, NULL, NULL, "function", NULL },
        { "function:function", true, true, NULL, NULL, "function", NULL },
        { "function:$LATEST", true, true, NULL, NULL, "function", "$LATEST" },
        { A ":function:f", true, true, NULL, A, "f", NULL },
        { A ":f", true, true, NULL, A, "f", NULL },
        { A ":function:f:1", true, true, NULL, A, "f", "1" },
        { "us-east-1:" A ":function:f", true, true, "us-east-1", A, "f", NULL },
        { "us-east-1:$LATEST", true, true, NULL, NULL, "us-east-1", "$LATEST" },
        { "arn:aws:lambda:us-east-1:" A ":function:f", true, true, "us-east-1", A, "f", NULL },
        { "arn:aws:lambda:us-east-1:" A ":function:f:$LATEST", true, true, "us-east-1", A, "f", "$LATEST" },
        { "arn:aws:lambda:us-east-1:" A ":function", true, true, "us-east-1", A, "function", NULL },
        { "arn:aws-us-gov:lambda:us-gov-west-1:" A ":function:f", true, true, "us-gov-west-1", A, "f", NULL },
        { "arn:aws-iso-b:lambda:us-isob-east-1:" A ":function:f", true, true, "us-isob-east-1", A, "f",
          NULL },
        { "arn:aws-eusc:lambda:eusc-de-east-1:" A ":function:f", true, true, "eusc-de-east-1", A, "f", NULL },
        { "arn:aws", true, true, NULL, NULL, "arn", "aws" },
        { "", false, false },
        { "*", false, false },
        { "f!", false, false },
        { "f:1:2", false, false },
        { "f:", false, false },
        { ":f", false, false },
        { "f:$LATES", false, false },
        { "f:$latest", false, false },
        { "arn:aws:lambda", false, false },
        { "arn:aws:ec2:us-east-1:" A ":instance:i-1", false, false },
        { "arn:aws:lambda:invalid-region:" A ":function:f", false, false },
        { "arn:aws:lambda:us-east-1::function:f", false, false },
        { "arn:aws:lambda::" A ":function:f", false, false },
        { "arn:aws:lambda:us-east-1:" A ":function:f:1:2", false, false },
        { "arn:aws:lambda:us-east-1:" A "@function:f", false, false },
        { "invalid-account:function:f", false, false },
        { "1:2:3:4:5:6:7:8:9:10:11:12", false, false },
};

static void assert_part(struct name_part part, const char *expected) {
        assert_int_equal(part.start != NULL, expected != NULL);
        if (!expected)
                return;
        assert_int_equal(part.len, strlen(expected));
        assert_memory_equal(part.start, expected, part.len);
}

static void functions(void **state) {
        for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
                struct function_name parsed;

                if (function_name_parse(names[i].text, false, &parsed) != names[i].plain)
                        fail_msg("plain: %s", names[i].text);
                if (function_name_parse(names[i].text, true, &parsed) != names[i].namespaced)
                        fail_msg("namespaced: %s", names[i].text);
                if (!names[i].namespaced)
                        continue;
                assert_part(parsed.region, names[i].region);
                assert_part(parsed.account, names[i].account);
                assert_part(parsed.name, names[i].name);
                assert_part(parsed.qualifier, names[i].qualifier);
        }
}

static void qualifiers(void **state) {
        assert_true(qualifier_is_valid("$LATEST") && qualifier_is_valid("1") && qualifier_is_valid("a-b_C") &&
                    qualifier_is_valid("$latest"));
        assert_false(qualifier_is_valid("invalid!") || qualifier_is_valid("") || qualifier_is_valid("a.b"));
        assert_true(qualifier_is_alias("a1") && qualifier_is_alias("1a"));
        assert_false(qualifier_is_alias("1") || qualifier_is_alias("$LATEST") ||
                     qualifier_is_alias("$latest") || qualifier_is_alias(""));
}

static void layers(void **state) {
        unsigned long long number = 0;
        struct layer_name name;

        assert_true(layer_name_parse("my-layer_1", &name));
        assert_part(name.name, "my-layer_1");
        assert_part(name.account, NULL);
        assert_true(layer_name_parse("arn:aws:lambda:us-east-1:" A ":layer:l", &name));
        assert_part(name.region, "us-east-1");
        assert_part(name.account, A);
        assert_part(name.name, "l");
        assert_false(layer_name_parse("arn:aws:lambda:us-east-1:" A ":layer:l:1", &name));
        assert_false(layer_name_parse("a b", &name) || layer_name_parse("", &name) ||
                     layer_name_parse("a:b", &name));

        assert_true(layer_version_arn_parse("arn:aws:lambda:us-east-1:" A ":layer:l:17", &name, &number));
        assert_int_equal(number, 17);
        assert_false(layer_name_is_awslayer(&name));
        assert_part(name.name, "l");
        assert_true(layer_version_arn_parse("arn:aws:lambda:us-east-1:" A ":layer:l:99999999999999999999",
                                            &name, &number));
        assert_int_equal(number, 0);
        assert_true(layer_version_arn_parse("arn:aws:lambda:::awslayer:AmazonLinux1803", &name, &number));
        assert_true(layer_name_is_awslayer(&name));
        assert_int_equal(number, 0);
        assert_part(name.name, "AmazonLinux1803");
        assert_part(name.region, "");
        static const char *const bad[] = { "arn:aws:lambda:us-east-1:" A ":layer:l",
                                           "arn:aws:lambda:us-east-1:" A ":layer:l:",
                                           "arn:aws:lambda:us-east-1:" A ":layer:l:x",
                                           "l:1",
                                           "",
                                           "arn:aws:lambda:us-east-1::layer:l:1",
                                           "arn:aws:lambda:::layer:l:1",
                                           "arn:aws:lambda:::awslayer:l:1",
                                           "arn:aws:lambda:us-east-1::awslayer:l",
                                           "arn:aws:lambda:::awslayer:" };
        for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
                assert_false(layer_version_arn_parse(bad[i], &name, &number));
}

static void credentials(void **state) {
        static const struct {
                const char *header, *account, *region;
        } cases[] = {
                { "AWS4-HMAC-SHA256 Credential=" A
                  "/20260101/eu-west-1/lambda/aws4_request, SignedHeaders=host, Signature=0",
                  A, "eu-west-1" },
                { "AWS4-HMAC-SHA256 "
                  "Credential=AKIA/20260101/eu-west-1/lambda/aws4_request,SignedHeaders=host",
                  "", "eu-west-1" },
                { "AWS4-HMAC-SHA256 Credential=1111111111111/20260101/eu-west-1/lambda/aws4_request", "",
                  "eu-west-1" },
                { "AWS4-HMAC-SHA256 Credential=" A "/20260101/../lambda/aws4_request", A, "" },
                { "AWS4-HMAC-SHA256 Credential=" A "/20260101/eu-west-1", A, "" },
                { "AWS4-HMAC-SHA256 Credential=" A "/20260101", A, "" },
                { "AWS4-HMAC-SHA256 Credential=" A, "", "" },
                { "AWS4-HMAC-SHA256 Credential=", "", "" },
                { "Basic xyz", "", "" },
                { "", "", "" },
                { NULL, "", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                struct credential c;

                credential_from_header(cases[i].header, &c);
                assert_string_equal(c.account, cases[i].account);
                assert_string_equal(c.region, cases[i].region);
        }
}

static void places(void **state) {
        static const struct {
                const char *text, *account, *region, *name;
        } cases[] = {
                { "f", "222222222222", "eu-west-1", "f" },
                { "f:1", "222222222222", "eu-west-1", "f" },
                { A ":function:f", A, "eu-west-1", "f" },
                { "arn:aws:lambda:us-east-1:" A ":function:f:live", A, "us-east-1", "f" },
                { "no name!", "222222222222", "eu-west-1", "no name!" },
                { "", "222222222222", "eu-west-1", "" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
                AUTO(function_place) struct function_place at = {};

                function_place_read(cases[i].text, "222222222222", "eu-west-1", &at);
                assert_string_equal(at.account, cases[i].account);
                assert_string_equal(at.region, cases[i].region);
                assert_string_equal(at.name, cases[i].name);
        }
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(functions), cmocka_unit_test(qualifiers),  cmocka_unit_test(layers),
                cmocka_unit_test(places),    cmocka_unit_test(credentials),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
