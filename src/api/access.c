/* SPDX-License-Identifier: Apache-2.0 */
#include "api/access.h"

#include "api/neighbours/iam.h"
#include "api/session.h"
#include "engine/engine.h"
#include "function/layers.h"
#include "function/policy.h"
#include "function/policy_decision.h"

/* What IAM calls an operation, where the names differ. */
static const char *permission_of(const char *operation) {
        static const struct {
                const char *operation, *permission;
        } others[] = {
                { "Invoke", "InvokeFunction" },
                { "InvokeWithResponseStream", "InvokeFunction" },
                { "GetLayerVersionByArn", "GetLayerVersion" },
        };

        for (size_t i = 0; i < ARRAY_SIZE(others); i++)
                if (streq(others[i].operation, operation))
                        return others[i].permission;
        return operation;
}

/* ---- who asks ---- */

struct caller {
        char *arn;  /* as answers call it */
        char *role; /* of a session: the role's ARN; NULL */
};

static void caller_freep(struct caller *c) {
        free(c->arn);
        free(c->role);
}

/* "arn:aws:sts::ACCOUNT:assumed-role/NAME/SESSION"; the role's own ARN has a path besides, if there is such a role still. */
static char *role_of(const struct api_request *r) {
        const char *name = strchr(r->session->arn, '/') + 1;
        AUTO(str) char *role_name = xstrndup(name, strcspn(name, "/"));
        AUTO(json_tree) json_t *role = NULL;
        const char *arn;

        if (iam_find_role(r, r->account, role_name, &role) == 0 && (arn = json_tree_str(role, "Arn")))
                return xstrdup(arn);
        return xstrcat("arn:aws:iam::", r->account, ":role/", role_name, NULL);
}

static void find_caller(const struct api_request *r, struct caller *ret_caller) {
        if (r->session) {
                ret_caller->arn = xstrdup(r->session->arn);
                ret_caller->role = role_of(r);
        } else {
                ret_caller->arn =
                        xstrcat("arn:", region_partition(r->region), ":iam::", r->account, ":root", NULL);
        }
}

/* ---- the question ---- */

static enum policy_decision decide(const struct api_request *r, const struct caller *caller,
                                   const char *action, const char *resource, const json_t *statements) {
        const char *const names[] = { caller->arn, caller->role };
        const struct policy_fact facts[] = {
                { "aws:PrincipalAccount", r->account },
                { "aws:PrincipalArn", caller->role ? caller->role : caller->arn },
                { "aws:PrincipalType", caller->role ? "AssumedRole" : "Account" },
                { "aws:PrincipalIsAWSService", "false" },
                { "aws:RequestedRegion", r->region },
                { "aws:SecureTransport", "false" },
                { "aws:userid", r->session ? r->session->id : r->account },
        };
        const struct policy_question question = {
                .action = action,
                .resource = resource,
                .account = r->account,
                .names = names,
                .name_count = caller->role ? 2 : 1,
                .facts = facts,
                .fact_count = ARRAY_SIZE(facts),
        };

        return policy_decide(statements, &question);
}

/* False: *ret_problem is AWS's refusal. */
static bool may(const struct api_request *r, const char *permission, const char *resource,
                const json_t *statements, struct problem *ret_problem) {
        AUTO(str) char *action = xstrcat("lambda:", permission, NULL);
        AUTO(caller) struct caller caller = {};
        enum policy_decision decision;

        find_caller(r, &caller);
        decision = decide(r, &caller, action, resource, statements);
        if (decision == POLICY_ALLOWS)
                return true;
        if (decision == POLICY_DENIES)
                return problem_set(
                        ret_problem, PROBLEM_FORBIDDEN,
                        "User: %s is not authorized to perform: %s on resource: %s with an explicit deny "
                        "in a resource-based policy",
                        caller.arn, action, resource);
        return problem_set(
                ret_problem, PROBLEM_FORBIDDEN,
                "User: %s is not authorized to perform: %s on resource: %s because no resource-based "
                "policy allows the %s action",
                caller.arn, action, resource, action);
}

static bool answer(struct api_request *r, bool allowed, struct problem *problem) {
        if (!allowed)
                api_fail_with(r, problem);
        return allowed;
}

/* ---- functions ---- */

bool access_function(struct api_request *r, const struct function_ref *ref) {
        AUTO(str) char *arn = NULL;
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        AUTO(json_tree) json_t *statements = NULL;
        struct function *f;
        int result = DOCUMENT_ABSENT;

        if (streq(ref->account, r->account) || r->route->internal)
                return true;
        f = registry_find(engine_registry(r->engine), ref->account, ref->region, ref->name);
        if (f)
                result = policy_get(engine_registry(r->engine), f,
                                    ref->qualifier ? ref->qualifier : "$LATEST", &statements);
        if (!api_stored(r, result))
                return false;
        arn = function_arn(ref->region, ref->account, ref->name, ref->qualifier);
        return answer(r, may(r, permission_of(r->operation), arn, statements, &problem), &problem);
}

/* ---- layers ---- */

/* The statements of a version's policy: a new reference, NULL without. 0 or -errno. */
static int layer_policy(const struct api_request *r, const char *account, const char *region,
                        const char *name, uint64_t number, json_t **ret_statements) {
        char part[U64_TEXT];
        const struct document_name document = { account, region, DOCUMENT_LAYER_POLICY, name,
                                                u64_text(number, part) };
        AUTO(json_tree) json_t *policy = NULL;
        int result = number ? document_get(engine_registry(r->engine), &document, &policy) : DOCUMENT_ABSENT;

        if (result < 0)
                return result;
        *ret_statements = json_incref(json_tree_get(policy, "statements"));
        return 0;
}

/* A copy that somebody of this machine has brought is for everybody here: whether AWS lets them have it was settled there. */
static bool is_copy(const struct api_request *r, const char *permission, const char *region,
                    const char *arn) {
        return (streq(permission, "GetLayerVersion") || streq(permission, "DeleteLayerVersion")) &&
               layers_is_imported(engine_registry(r->engine), region, arn);
}

static bool may_layer(const struct api_request *r, const char *permission, const char *account,
                      const char *region, const char *name, uint64_t number, struct problem *ret_problem) {
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(str) char *arn = NULL;
        int result;

        /* AWS's own are for everybody. */
        if (!*account || streq(account, r->account))
                return true;
        arn = layer_arn(region, account, name, number);
        if (number && is_copy(r, permission, region, arn))
                return true;
        result = layer_policy(r, account, region, name, number, &statements);
        if (result)
                return problem_set(ret_problem, PROBLEM_SERVICE, "The layer's policy could not be read: %s.",
                                   strerror(-result));
        return may(r, permission, arn, statements, ret_problem);
}

bool access_layer(struct api_request *r, const char *account, const char *region, const char *name,
                  uint64_t number) {
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        return answer(r, may_layer(r, permission_of(r->operation), account, region, name, number, &problem),
                      &problem);
}

bool access_layer_use(struct api_request *r, const char *account, const char *region, const char *name,
                      uint64_t number, struct problem *ret_problem) {
        return may_layer(r, "GetLayerVersion", account, region, name, number, ret_problem);
}

bool access_own(struct api_request *r, const char *account, const char *arn) {
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        return streq(account, r->account) ||
               answer(r, may(r, permission_of(r->operation), arn, NULL, &problem), &problem);
}
