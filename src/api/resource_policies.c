/* SPDX-License-Identifier: Apache-2.0 */
/* resource_policies - PutResourcePolicy, GetResourcePolicy, DeleteResourcePolicy: a function's policy as one document */
#include "api/operations.h"
#include "engine/engine.h"
#include "function/alias.h"
#include "function/policy.h"

struct target {
        struct function_ref ref;
        struct function *function;
        const char *qualifier;
};

static void target_freep(struct target *t) {
        function_ref_clear(&t->ref);
}

/* What the ARN in the path names. False: answered. */
static bool read_target(struct api_request *r, struct target *ret_target) {
        struct target *t = ret_target;

        if (!api_name_ref(r, r->labels[0], NULL, &t->ref))
                return false;
        t->function = registry_find(engine_registry(r->engine), t->ref.account, t->ref.region, t->ref.name);
        t->qualifier = t->ref.qualifier ? t->ref.qualifier : "$LATEST";
        if (t->function && function_version(t->function, t->qualifier))
                return true;
        api_fail_no_function(r, &t->ref, t->ref.qualifier);
        return false;
}

static const char *revision_of(const struct target *t) {
        struct alias *a = function_alias(t->function, t->qualifier);

        return a ? a->revision_id : function_version(t->function, t->qualifier)->status.revision_id;
}

static bool check_revision(struct api_request *r, const struct target *t, const char *revision) {
        if (!revision || streq(revision, revision_of(t)))
                return true;
        api_fail_revision(r, "GetResourcePolicy");
        return false;
}

static void answer(struct api_request *r, const struct target *t, const json_t *statements) {
        AUTO(str) char *text = policy_text(statements);

        api_reply_tree(r, 200, json_pack("{s:s, s:s}", "Policy", text, "RevisionId", revision_of(t)));
}

/* The statements of a document: a list, or one alone. NULL: answered. */
static json_t *read_statements(struct api_request *r, const char *text) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(str) char *reason = NULL;
        json_t *given, *statement, *list;
        size_t i;

        if (json_tree_parse(text, strlen(text), &document, &reason)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER, "The policy is no JSON: %s", reason);
                return NULL;
        }
        given = json_tree_get(document, "Statement");
        list = json_is_object(given) ? json_pack("[O]", given) : json_incref(given);
        json_array_foreach(list, i, statement) {
                if (json_tree_str(statement, "Effect") && json_tree_get(statement, "Principal") &&
                    json_tree_get(statement, "Action"))
                        continue;
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Statement %zu of the policy lacks Effect, Principal or Action.", i + 1);
                json_decref(list);
                return NULL;
        }
        if (json_array_size(list) > 0)
                return list;
        api_fail(r, PROBLEM_INVALID_PARAMETER, "The policy has no statements.");
        json_decref(list);
        return NULL;
}

void api_put_resource_policy(struct api_request *r) {
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(target) struct target t = {};

        if (!read_target(r, &t) || !check_revision(r, &t, json_tree_str(r->body, "RevisionId")))
                return;
        statements = read_statements(r, json_tree_str(r->body, "Policy"));
        if (statements &&
            api_stored(r, policy_put(engine_registry(r->engine), t.function, t.qualifier, statements)))
                answer(r, &t, statements);
}

/* False: answered. */
static bool read_policy(struct api_request *r, struct target *ret_target, json_t **ret_statements) {
        int result;

        if (!read_target(r, ret_target))
                return false;
        result = policy_get(engine_registry(r->engine), ret_target->function, ret_target->qualifier,
                            ret_statements);
        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT)
                api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
        return result == 0;
}

void api_get_resource_policy(struct api_request *r) {
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(target) struct target t = {};

        if (read_policy(r, &t, &statements))
                answer(r, &t, statements);
}

void api_delete_resource_policy(struct api_request *r) {
        AUTO(str) char *revision = http_query_param(r->exchange, "RevisionId");
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(target) struct target t = {};

        if (read_policy(r, &t, &statements) && check_revision(r, &t, revision) &&
            api_stored(r, policy_put(engine_registry(r->engine), t.function, t.qualifier, NULL)))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}
