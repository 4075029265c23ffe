/* SPDX-License-Identifier: Apache-2.0 */
/*
 * policy_decision - what the statements of a resource's policy say to one request
 *
 * The rules are IAM's for policies of resources: Principal, Action, Resource with their Not-forms and wildcards, and
 * Condition over what is known of the request (docs/aws.md, policies). A Deny wins over every Allow; where
 * nothing speaks of the request the policy is silent, and silence of a resource in another account is a refusal.
 *
 * What cannot be judged here, as a comparison of dates or addresses, counts against the caller: an Allow with it does not
 * apply, a Deny does. A statement that is broken allows nothing either.
 */
#pragma once
#include "lib/json.h"

/* What a condition may ask for. A key without a value is not there at all. */
struct policy_fact {
        const char *key, *value; /* keys: case does not matter */
};

struct policy_question {
        const char *action;       /* "lambda:InvokeFunction" */
        const char *resource;     /* its ARN, as the request names it */
        const char *account;      /* the principal's, 12 digits */
        const char *const *names; /* its ARNs: its own, and of an assumed role's session the role's */
        size_t name_count;
        const struct policy_fact *facts;
        size_t fact_count;
};

enum policy_decision { POLICY_SILENT, POLICY_ALLOWS, POLICY_DENIES };

/* statements: a list; NULL or anything else is silent. */
enum policy_decision policy_decide(const json_t *statements, const struct policy_question *question);
/* '*' is any text, '?' any one byte. */
bool policy_matches(const char *pattern, const char *text, bool any_case);
