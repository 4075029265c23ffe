/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request of any operation against AWS's model, and any text against any of its patterns: what the input is, an answer
 * comes, and a count that belongs to it. Patterns are matched in time that is linear in the text, so no input hangs.
 */
#include <stdio.h>

#include "api/constraints.h"

static const char *text_of;

/* Everything outside the body is the same text. */
static json_t *outside(void *owner, const struct model_member *member) {
        if (member->shape->type != SHAPE_LIST)
                return json_string(text_of);
        return json_pack("[s, s]", text_of, text_of);
}

static void check_request(struct pattern_cache *patterns, const struct model_operation *operation,
                          const json_t *body) {
        const struct request_values values = { body, outside, NULL };
        AUTO(checker) struct checker checker = CHECKER(patterns);
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        char head[48];

        if (!constraints_check(operation, &values, &checker, &problem)) {
                must(problem.kind == PROBLEM_SERIALIZATION && problem.message[0]);
                return;
        }
        if (checker_end(&checker, &problem))
                return;
        snprintf(head, sizeof(head), "%u validation error%s detected: ", checker.count,
                 checker.count == 1 ? "" : "s");
        must(problem.kind == PROBLEM_VALIDATION && str_starts(problem.message, head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
        static struct pattern_cache patterns;
        AUTO(json_tree) json_t *body = NULL;
        AUTO(str) char *text = NULL;

        if (size < 2)
                return 0;
        if (!patterns.map.slots)
                pattern_cache_init(&patterns);
        text = xmemdup(data + 1, size - 1);
        json_tree_parse(text, size - 1, &body, NULL);
        text_of = body ? "x" : text;
        if (!body) {
                AUTO(json_tree) json_t *is_utf8 = json_string(text);

                if (!is_utf8)
                        return 0;
        } else if (!json_is_object(body)) {
                return 0;
        }
        check_request(&patterns, &model_operations[data[0] % model_operation_count], body);
        return 0;
}
