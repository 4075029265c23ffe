/* SPDX-License-Identifier: Apache-2.0 */
/* IAM's rules, as its documentation tells them, over one caller: a session of a role of account 111122223333. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "base/util.h"
#include "function/policy_decision.h"

#define FUNCTION "arn:aws:lambda:us-east-1:444455556666:function:fn"

static const char *const names[] = { "arn:aws:sts::111122223333:assumed-role/worker/session",
                                     "arn:aws:iam::111122223333:role/worker" };
static const struct policy_fact facts[] = {
        { "aws:PrincipalAccount", "111122223333" },
        { "aws:PrincipalArn", "arn:aws:iam::111122223333:role/worker" },
        { "aws:SecureTransport", "false" },
        { "test:Number", "7" },
};

static enum policy_decision ask(const char *statements) {
        const struct policy_question question = {
                .action = "lambda:InvokeFunction",
                .resource = FUNCTION,
                .account = "111122223333",
                .names = names,
                .name_count = ARRAY_SIZE(names),
                .facts = facts,
                .fact_count = ARRAY_SIZE(facts),
        };
        AUTO(json_tree) json_t *tree = NULL;
        AUTO(str) char *reason = NULL;

        if (json_tree_parse(statements, strlen(statements), &tree, &reason))
                fail_msg("%s: %s", statements, reason);
        return policy_decide(tree, &question);
}

/* One statement, with quotes as apostrophes. */
static enum policy_decision ask_one(const char *text) {
        AUTO(str) char *statement = xasprintf("[%s]", text);

        for (char *c = statement; *c; c++)
                if (*c == '\'')
                        *c = '"';
        return ask(statement);
}

struct row {
        const char *text;
        enum policy_decision decision;
};

static void check_rows(const char *format, const struct row *rows, size_t count) {
        for (size_t i = 0; i < count; i++) {
                size_t at = strcspn(format, "%");
                AUTO(str) char *before = xstrndup(format, at);
                AUTO(str) char *statement = xstrcat(before, rows[i].text, format + at + 1, NULL);

                if (ask_one(statement) != rows[i].decision)
                        fail_msg("%s: %d", statement, ask_one(statement));
        }
}

static void principals(void **state) {
        static const struct row rows[] = {
                { "'Principal': '*'", POLICY_ALLOWS },
                { "'Principal': {'AWS': '*'}", POLICY_ALLOWS },
                { "'Principal': {'AWS': '111122223333'}", POLICY_ALLOWS },
                { "'Principal': {'AWS': 'arn:aws:iam::111122223333:root'}", POLICY_ALLOWS },
                { "'Principal': {'AWS': 'arn:aws:iam::111122223333:role/worker'}", POLICY_ALLOWS },
                { "'Principal': {'AWS': 'arn:aws:sts::111122223333:assumed-role/worker/session'}",
                  POLICY_ALLOWS },
                { "'Principal': {'AWS': ['arn:aws:iam::999999999999:root', '111122223333']}", POLICY_ALLOWS },
                { "'Principal': {'AWS': '444455556666'}", POLICY_SILENT },
                { "'Principal': {'AWS': 'arn:aws:iam::1111222233334:root'}", POLICY_SILENT },
                { "'Principal': {'AWS': 'arn:aws:iam::0111122223333:root'}", POLICY_SILENT },
                { "'Principal': {'AWS': 'arn:aws:sqs::111122223333:root'}", POLICY_SILENT },
                { "'Principal': {'AWS': 'root'}", POLICY_SILENT },
                { "'Principal': {'AWS': 'arn:aws:iam::111122223333:role/*'}", POLICY_SILENT },
                { "'Principal': {'AWS': 'arn:aws:iam::111122223333:user/worker'}", POLICY_SILENT },
                { "'Principal': {'AWS': 7}", POLICY_SILENT },
                { "'Principal': {'Service': 's3.amazonaws.com'}", POLICY_SILENT },
                { "'Principal': {'Service': '*'}", POLICY_SILENT },
                { "'Sid': 'nobody'", POLICY_SILENT },
                { "'NotPrincipal': {'AWS': '444455556666'}", POLICY_ALLOWS },
                { "'NotPrincipal': {'AWS': '111122223333'}", POLICY_SILENT },
        };

        check_rows("{'Effect': 'Allow', 'Action': 'lambda:*', %}", rows, ARRAY_SIZE(rows));
}

static void actions_and_resources(void **state) {
        static const struct row rows[] = {
                { "'Action': 'lambda:InvokeFunction'", POLICY_ALLOWS },
                { "'Action': 'LAMBDA:invokefunction'", POLICY_ALLOWS },
                { "'Action': ['lambda:GetFunction', 'lambda:Inv?ke*']", POLICY_ALLOWS },
                { "'Action': '*'", POLICY_ALLOWS },
                { "'Action': 'lambda:InvokeFunctionUrl'", POLICY_SILENT },
                { "'Action': 'lambda:Invoke'", POLICY_SILENT },
                { "'Action': {}", POLICY_SILENT },
                { "'NotAction': 'lambda:Delete*'", POLICY_ALLOWS },
                { "'NotAction': 'lambda:Invoke*'", POLICY_SILENT },
                { "'Action': '*', 'Resource': '" FUNCTION "'", POLICY_ALLOWS },
                { "'Action': '*', 'Resource': 'arn:aws:lambda:*:*:function:f?'", POLICY_ALLOWS },
                { "'Action': '*', 'Resource': '" FUNCTION ":*'", POLICY_SILENT },
                { "'Action': '*', 'Resource': '" FUNCTION ":live'", POLICY_SILENT },
                { "'Action': '*', 'Resource': []", POLICY_SILENT },
                { "'Action': '*', 'NotResource': '" FUNCTION "'", POLICY_SILENT },
                { "'Action': '*', 'NotResource': 'arn:aws:lambda:*:*:function:other'", POLICY_ALLOWS },
        };

        check_rows("{'Effect': 'Allow', 'Principal': '*', %}", rows, ARRAY_SIZE(rows));
}

/* A key that is not there: only IfExists, ForAllValues and what is negated let it pass. */
static const struct row conditions[] = {
        { "{}", POLICY_ALLOWS },
        { "{'StringEquals': {'aws:principalaccount': '111122223333'}}", POLICY_ALLOWS },
        { "{'StringEquals': {'aws:PrincipalAccount': ['1', '111122223333']}}", POLICY_ALLOWS },
        { "{'StringEquals': {'aws:PrincipalAccount': '1111*'}}", POLICY_SILENT },
        { "{'StringEquals': {'aws:PrincipalAccount': []}}", POLICY_SILENT },
        { "{'StringLike': {'aws:PrincipalAccount': '1111*'}}", POLICY_ALLOWS },
        { "{'StringNotLike': {'aws:PrincipalAccount': '1111*'}}", POLICY_SILENT },
        { "{'StringNotEquals': {'aws:PrincipalAccount': '4'}}", POLICY_ALLOWS },
        { "{'StringEqualsIgnoreCase': {'aws:SecureTransport': 'FALSE'}}", POLICY_ALLOWS },
        { "{'StringNotEqualsIgnoreCase': {'aws:SecureTransport': 'FALSE'}}", POLICY_SILENT },
        { "{'ArnLike': {'aws:PrincipalArn': 'arn:aws:iam::*:role/w*'}}", POLICY_ALLOWS },
        { "{'ArnEquals': {'aws:PrincipalArn': 'arn:aws:iam::*:role/w*'}}", POLICY_ALLOWS },
        { "{'ArnLike': {'aws:PrincipalArn': 'arn:*:role/worker'}}", POLICY_SILENT },
        { "{'ArnLike': {'aws:PrincipalArn': 'arn'}}", POLICY_SILENT },
        { "{'ArnNotLike': {'aws:PrincipalArn': 'arn:aws:iam::*:role/w*'}}", POLICY_SILENT },
        { "{'Bool': {'aws:SecureTransport': false}}", POLICY_ALLOWS },
        { "{'Bool': {'aws:SecureTransport': 'true'}}", POLICY_SILENT },
        { "{'NumericEquals': {'test:Number': 7}}", POLICY_ALLOWS },
        { "{'NumericNotEquals': {'test:Number': 7}}", POLICY_SILENT },
        { "{'NumericLessThan': {'test:Number': '7.5'}}", POLICY_ALLOWS },
        { "{'NumericLessThanEquals': {'test:Number': 6}}", POLICY_SILENT },
        { "{'NumericGreaterThan': {'test:Number': 7}}", POLICY_SILENT },
        { "{'NumericGreaterThanEquals': {'test:Number': 7}}", POLICY_ALLOWS },
        { "{'NumericEquals': {'aws:SecureTransport': 7}}", POLICY_SILENT },
        { "{'NumericEquals': {'test:Number': ''}}", POLICY_SILENT },
        { "{'StringEquals': {'aws:PrincipalOrgID': 'o-1'}}", POLICY_SILENT },
        { "{'StringEqualsIfExists': {'aws:PrincipalOrgID': 'o-1'}}", POLICY_ALLOWS },
        { "{'StringEqualsIfExists': {'aws:PrincipalAccount': '4'}}", POLICY_SILENT },
        { "{'StringNotEquals': {'aws:PrincipalOrgID': 'o-1'}}", POLICY_ALLOWS },
        { "{'ForAnyValue:StringEquals': {'aws:PrincipalAccount': '111122223333'}}", POLICY_ALLOWS },
        { "{'ForAnyValue:StringNotEquals': {'aws:PrincipalOrgID': 'o-1'}}", POLICY_SILENT },
        { "{'ForAllValues:StringEquals': {'aws:PrincipalOrgID': 'o-1'}}", POLICY_ALLOWS },
        { "{'Null': {'aws:PrincipalOrgID': 'true'}}", POLICY_ALLOWS },
        { "{'Null': {'aws:PrincipalOrgID': false}}", POLICY_SILENT },
        { "{'Null': {'aws:PrincipalAccount': 'false'}}", POLICY_ALLOWS },
        { "{'StringEquals': {'aws:PrincipalAccount': '111122223333', 'aws:SecureTransport': 'true'}}",
          POLICY_SILENT },
        { "{'StringEquals': {'aws:PrincipalAccount': '111122223333'}, 'Bool': {'aws:SecureTransport': 'false'}}",
          POLICY_ALLOWS },
};

static void what_conditions_allow(void **state) {
        check_rows("{'Effect': 'Allow', 'Principal': '*', 'Action': '*', 'Condition': %}", conditions,
                   ARRAY_SIZE(conditions));
}

/* The same conditions forbid where they allowed. */
static void what_conditions_forbid(void **state) {
        struct row rows[ARRAY_SIZE(conditions)];

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                rows[i] = (struct row){ conditions[i].text, conditions[i].decision == POLICY_ALLOWS
                                                                    ? POLICY_DENIES
                                                                    : POLICY_SILENT };
        check_rows("{'Effect': 'Deny', 'Principal': '*', 'Action': '*', 'Condition': %}", rows,
                   ARRAY_SIZE(rows));
}

/* Neither yes nor no: it is decided against the caller. */
static void what_cannot_be_judged(void **state) {
        static const char *const texts[] = {
                "{'DateLessThan': {'aws:CurrentTime': '2030-01-01T00:00:00Z'}}",
                "{'IpAddress': {'aws:SourceIp': '10.0.0.0/8'}}",
                "{'stringequals': {'aws:PrincipalAccount': '111122223333'}}",
                "{'StringEquals': 'x'}",
                "['StringEquals']",
        };

        for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
                const struct row allow = { texts[i], POLICY_SILENT }, deny = { texts[i], POLICY_DENIES };

                check_rows("{'Effect': 'Allow', 'Principal': '*', 'Action': '*', 'Condition': %}", &allow, 1);
                check_rows("{'Effect': 'Deny', 'Principal': '*', 'Action': '*', 'Condition': %}", &deny, 1);
        }
        /* What is not fulfilled anyway forbids nothing. */
        assert_int_equal(
                ask_one("{'Effect': 'Deny', 'Principal': '*', 'Action': '*', 'Condition': "
                        "{'Bool': {'aws:SecureTransport': 'true'}, 'IpAddress': {'aws:SourceIp': '::1'}}}"),
                POLICY_SILENT);
        assert_int_equal(
                ask_one("{'Effect': 'Deny', 'Principal': '*', 'Action': '*', 'Condition': "
                        "{'IpAddress': {'aws:SourceIp': '::1'}, 'Bool': {'aws:SecureTransport': 'true'}}}"),
                POLICY_SILENT);
}

static void a_deny_wins(void **state) {
        static const char allow[] = "{'Effect': 'Allow', 'Principal': '*', 'Action': '*'}",
                          deny[] = "{'Effect': 'Deny', 'Principal': {'AWS': '111122223333'}, 'Action': '*'}";
        AUTO(str) char *first = xstrcat(allow, ",", deny, NULL), *last = xstrcat(deny, ",", allow, NULL);

        assert_int_equal(ask_one(first), POLICY_DENIES);
        assert_int_equal(ask_one(last), POLICY_DENIES);
        assert_int_equal(ask("[]"), POLICY_SILENT);
        assert_int_equal(ask("{}"), POLICY_SILENT);
        assert_int_equal(ask("[7, null, {}, []]"), POLICY_SILENT);
        assert_int_equal(ask_one("{'Effect': 'allow', 'Principal': '*', 'Action': '*'}"), POLICY_SILENT);
}

static void wildcards(void **state) {
        static const struct {
                const char *pattern, *text;
                bool matches;
        } rows[] = {
                { "", "", true },           { "", "a", false },       { "*", "", true },
                { "**", "abc", true },      { "a*c", "abbbc", true }, { "a*c", "abbbd", false },
                { "?", "", false },         { "?b", "ab", true },     { "*ab", "aab", true },
                { "*a*b", "xaxbxb", true }, { "a", "A", false },      { "*a?", "aaab", true },
        };

        for (size_t i = 0; i < ARRAY_SIZE(rows); i++)
                assert_int_equal(policy_matches(rows[i].pattern, rows[i].text, false), rows[i].matches);
        assert_true(policy_matches("aB*", "Abc", true));
}

int main(void) {
        const struct CMUnitTest tests[] = {
                cmocka_unit_test(principals),
                cmocka_unit_test(actions_and_resources),
                cmocka_unit_test(what_conditions_allow),
                cmocka_unit_test(what_conditions_forbid),
                cmocka_unit_test(what_cannot_be_judged),
                cmocka_unit_test(a_deny_wins),
                cmocka_unit_test(wildcards),
        };

        return cmocka_run_group_tests(tests, NULL, NULL);
}
