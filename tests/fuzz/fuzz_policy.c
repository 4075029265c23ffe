/* SPDX-License-Identifier: Apache-2.0 */
/* Policies that anybody may put: a decision in any case, the same each time, and a Deny for everybody always wins. */
#include "function/policy_decision.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static const char *const names[] = { "arn:aws:iam::111122223333:role/worker" };
        static const struct policy_fact facts[] = {
                { "aws:PrincipalAccount", "111122223333" },
                { "aws:PrincipalArn", "arn:aws:iam::111122223333:role/worker" },
        };
        const struct policy_question question = {
                .action = "lambda:InvokeFunction",
                .resource = "arn:aws:lambda:us-east-1:444455556666:function:fn",
                .account = "111122223333",
                .names = names,
                .name_count = ARRAY_SIZE(names),
                .facts = facts,
                .fact_count = ARRAY_SIZE(facts),
        };
        AUTO(json_tree) json_t *tree = NULL;
        enum policy_decision decision;

        if (json_tree_parse((const char *)data, size, &tree, NULL))
                return 0;
        decision = policy_decide(tree, &question);
        must(decision == POLICY_SILENT || decision == POLICY_ALLOWS || decision == POLICY_DENIES);
        must(policy_decide(tree, &question) == decision);
        if (!json_is_array(tree))
                return 0;
        json_array_append_new(
                tree, json_pack("{s:s, s:s, s:s}", "Effect", "Deny", "Principal", "*", "Action", "*"));
        must(policy_decide(tree, &question) == POLICY_DENIES);
        return 0;
}
