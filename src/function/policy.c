/* SPDX-License-Identifier: Apache-2.0 */
#include "function/policy.h"

#include "function/alias.h"
#include "function/registry_private.h"

/* ---- statements ---- */

static bool is_account(const char *s) {
        return strlen(s) == 12 && strspn(s, "0123456789") == 12;
}

/* Most are below amazonaws.com, in China with another end; those of Alexa are below amazon.com. */
static bool is_service(const char *s) {
        const char *dot = strchr(s, '.');

        return dot && dot > s && (strstr(dot, ".amazonaws.com") || streq(dot, ".amazon.com"));
}

/* docs/aws.md, policies */
static json_t *principal_of(const char *principal, const char *resource) {
        size_t partition = strcspn(resource + strlen("arn:"), ":");

        if (streq(principal, "*"))
                return json_string("*");
        if (is_account(principal))
                return json_pack("{s:o}", "AWS",
                                 json_sprintf("arn:%.*s:iam::%s:root", (int)partition,
                                              resource + strlen("arn:"), principal));
        if (str_starts(principal, "arn:"))
                return json_pack("{s:s}", "AWS", principal);
        if (is_service(principal))
                return json_pack("{s:s}", "Service", principal);
        return NULL;
}

static void add_condition(json_t *conditions, const char *comparison, const char *key, json_t *value) {
        json_t *group = json_object_get(conditions, comparison);

        if (!group) {
                group = json_object();
                json_object_set_new(conditions, comparison, group);
        }
        json_object_set_new(group, key, value);
}

static void add_text(json_t *conditions, const char *comparison, const char *key, const char *value) {
        if (value)
                add_condition(conditions, comparison, key, json_string(value));
}

json_t *policy_statement(const struct policy_grant *g) {
        AUTO(json_tree) json_t *conditions = json_object();
        json_t *principal = principal_of(g->principal, g->resource), *statement;

        if (!principal)
                return NULL;
        statement = json_pack("{s:s, s:s, s:o, s:s, s:s}", "Sid", g->sid, "Effect", "Allow", "Principal",
                              principal, "Action", g->action, "Resource", g->resource);
        add_text(conditions, "StringEquals", "lambda:EventSourceToken", g->event_source_token);
        add_text(conditions, "StringEquals", "lambda:FunctionUrlAuthType", g->url_auth_type);
        add_text(conditions, "StringEquals", "aws:PrincipalOrgID", g->organization);
        add_text(conditions, "StringEquals", "AWS:SourceAccount", g->source_account);
        add_text(conditions, "ArnLike", "AWS:SourceArn", g->source_arn);
        if (g->via_url)
                add_condition(conditions, "Bool", "lambda:InvokedViaFunctionUrl",
                              json_string(*g->via_url ? "true" : "false"));
        if (json_object_size(conditions))
                json_object_set(statement, "Condition", conditions);
        return statement;
}

static size_t find(const json_t *statements, const char *sid) {
        size_t i = 0;

        for (; i < json_array_size(statements); i++) {
                const char *own = json_tree_str(json_array_get(statements, i),
                                                "Sid"); /* a whole policy may have none */

                if (own && streq(own, sid))
                        break;
        }
        return i;
}

bool policy_has(const json_t *statements, const char *sid) {
        return find(statements, sid) < json_array_size(statements);
}

bool policy_drop(json_t *statements, const char *sid) {
        return json_array_remove(statements, find(statements, sid)) == 0;
}

char *policy_text(const json_t *statements) {
        AUTO(json_tree) json_t *policy = json_pack("{s:s, s:s, s:O}", "Version", "2012-10-17", "Id",
                                                   "default", "Statement", statements);

        return json_tree_text(policy);
}

/* ---- of functions ---- */

int policy_get(struct registry *r, const struct function *f, const char *qualifier, json_t **ret_statements) {
        const struct document_name name = document_of(f, DOCUMENT_POLICY, qualifier);

        return document_get(r, &name, ret_statements);
}

static int save_target(struct version *v, struct function *f, struct alias *a) {
        return a ? alias_save(v->registry, f, a) : version_save(v, version_stored_number(v));
}

int policy_put(struct registry *r, struct function *f, const char *qualifier, const json_t *statements) {
        AUTO(str) char *text = json_array_size(statements) ? json_tree_text(statements) : NULL;
        const struct document_row row = { f->account, f->region, DOCUMENT_POLICY, f->name, qualifier, text };
        struct alias *a = function_alias(f, qualifier);
        struct version *v = function_version(f, qualifier);
        char *revision = a ? a->revision_id : v->status.revision_id, before[UUID_LEN + 1];
        int result = store_begin(r->store);

        memcpy(before, revision, sizeof(before));
        random_uuid(revision);
        if (result == 0)
                result = text ? store_put_document(r->store, &row) : store_delete_document(r->store, &row);
        if (result == 0)
                result = save_target(v, f, a);
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                memcpy(revision, before, sizeof(before));
                return fault(result);
        }
        return 0;
}
