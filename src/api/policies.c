/* SPDX-License-Identifier: Apache-2.0 */
/* policies - AddPermission, RemovePermission, GetPolicy, and the same of layer versions */
#include "function/policy.h"

#include "api/access.h"
#include "api/names.h"
#include "api/operations.h"
#include "base/json.h"
#include "engine/engine.h"
#include "function/alias.h"
#include "function/layers.h"

/* A policy and what escapes make of it inside a string. */
#define ANSWER_MAX_BYTES (8 * POLICY_MAX)

static void answer(struct api_request *r, int status, const char *member, const char *text,
                   const char *revision) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);

        json_open_object(&w, NULL);
        json_str(&w, member, text);
        if (revision)
                json_str(&w, "RevisionId", revision);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, status, &body);
}

/* Adds the statement, as text in *ret_text, if it may be. False: answered. */
static bool add_statement(struct api_request *r, const struct policy_grant *grant, json_t *statements,
                          char **ret_text) {
        json_t *statement;
        AUTO(str) char *policy = NULL;

        if (policy_has(statements, grant->sid)) {
                api_fail(
                        r, PROBLEM_CONFLICT,
                        "The statement id (%s) provided already exists. Please provide a new statement id, or remove the "
                        "existing statement.",
                        grant->sid);
                return false;
        }
        statement = policy_statement(grant);
        if (!statement) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "The provided principal was invalid. Please check the principal and try again.");
                return false;
        }
        *ret_text = json_tree_text(statement);
        json_array_append_new(statements, statement);
        policy = policy_text(statements);
        if (strlen(policy) <= POLICY_MAX)
                return true;
        api_fail(r, PROBLEM_POLICY_LENGTH, "The final policy size (%zu) is bigger than the limit (%d).",
                 strlen(policy), POLICY_MAX);
        return false;
}

static void fail_no_statement(struct api_request *r, const char *sid) {
        api_fail(r, PROBLEM_NOT_FOUND, "Statement %s is not found in resource policy.", sid);
}

static void fail_no_policy(struct api_request *r) {
        api_fail(r, PROBLEM_NOT_FOUND, "No policy is associated with the given resource.");
}

/* ---- functions ---- */

static const char *revision_of(const struct subject *s) {
        struct alias *a = function_alias(s->function, s->qualifier);

        return a ? a->revision_id : s->version->status.revision_id;
}

/* The function and what the qualifier names exist. False: answered. */
static bool check_subject(struct api_request *r, const struct subject *s) {
        if (!s->function)
                api_fail_no_function(r, &s->ref, NULL);
        else if (s->version)
                return true;
        else if (qualifier_is_alias(s->qualifier))
                api_fail_no_alias(r, &s->ref, s->qualifier);
        else
                api_fail_no_function(r, &s->ref, s->qualifier);
        return false;
}

static bool check_revision(struct api_request *r, const struct subject *s, const char *revision) {
        if (!revision || streq(revision, revision_of(s)))
                return true;
        api_fail_revision(r, "GetFunction/GetAlias");
        return false;
}

static struct policy_grant read_grant(const json_t *body, const char *arn) {
        return (struct policy_grant){
                .sid = json_tree_str(body, "StatementId"),
                .action = json_tree_str(body, "Action"),
                .principal = json_tree_str(body, "Principal"),
                .resource = arn,
                .source_arn = json_tree_str(body, "SourceArn"),
                .source_account = json_tree_str(body, "SourceAccount"),
                .event_source_token = json_tree_str(body, "EventSourceToken"),
                .url_auth_type = json_tree_str(body, "FunctionUrlAuthType"),
                .organization = json_tree_str(body, "PrincipalOrgID"),
        };
}

void api_add_permission(struct api_request *r) {
        bool via_url = json_tree_bool(r->body, "InvokedViaFunctionUrl", false);
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(subject) struct subject s = {};
        AUTO(str) char *arn = NULL;
        AUTO(str) char *text = NULL;
        struct policy_grant grant;
        int result;

        if (!api_subject(r, &s))
                return;
        if (s.ref.qualifier && streq(s.ref.qualifier, "$LATEST")) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "We currently do not support adding policies for $LATEST.");
                return;
        }
        if (!check_subject(r, &s) || !check_revision(r, &s, json_tree_str(r->body, "RevisionId")))
                return;
        result = policy_get(engine_registry(r->engine), s.function, s.qualifier, &statements);
        if (!api_stored(r, result))
                return;
        if (result == DOCUMENT_ABSENT)
                statements = json_array();
        arn = function_arn(s.ref.region, s.ref.account, s.ref.name, s.ref.qualifier);
        grant = read_grant(r->body, arn);
        if (json_tree_get(r->body, "InvokedViaFunctionUrl"))
                grant.via_url = &via_url;
        if (add_statement(r, &grant, statements, &text) &&
            api_stored(r, policy_put(engine_registry(r->engine), s.function, s.qualifier, statements)))
                answer(r, 201, "Statement", text, NULL);
}

void api_remove_permission(struct api_request *r) {
        AUTO(str) char *revision = http_query_param(r->exchange, "RevisionId");
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(subject) struct subject s = {};
        int result;

        if (!api_subject(r, &s))
                return;
        if (!s.function) {
                AUTO(str) char *arn = function_arn(s.ref.region, s.ref.account, s.ref.name, NULL);

                api_fail(r, PROBLEM_NOT_FOUND, "No policy found for: %s", arn);
                return;
        }
        result = policy_get(engine_registry(r->engine), s.function, s.qualifier, &statements);
        if (!api_stored(r, result))
                return;
        if (result == DOCUMENT_ABSENT)
                fail_no_policy(r);
        else if (!policy_has(statements, r->labels[1]))
                fail_no_statement(r, r->labels[1]);
        else if (check_revision(r, &s, revision)) {
                policy_drop(statements, r->labels[1]);
                if (api_stored(r,
                               policy_put(engine_registry(r->engine), s.function, s.qualifier, statements)))
                        api_reply(r, 204, NULL, NULL, NULL, 0);
        }
}

void api_get_policy(struct api_request *r) {
        AUTO(json_tree) json_t *statements = NULL;
        AUTO(subject) struct subject s = {};
        int result = DOCUMENT_ABSENT;

        if (!api_subject(r, &s))
                return;
        if (s.function)
                result = policy_get(engine_registry(r->engine), s.function, s.qualifier, &statements);
        if (!api_stored(r, result))
                return;
        if (result == DOCUMENT_ABSENT) {
                api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
        } else {
                AUTO(str) char *text = policy_text(statements);

                answer(r, 200, "Policy", text, revision_of(&s));
        }
}

/* ---- layers ---- */

struct layer_policy {
        char *account, *region, *name, *number, *arn;
        json_t *document; /* {"revision", "statements"}; NULL: there is none yet */
};

static void layer_policy_freep(struct layer_policy *p) {
        free(p->account), free(p->region), free(p->name), free(p->number), free(p->arn);
        json_decref(p->document);
}

static struct document_name layer_document(const struct layer_policy *p) {
        return (struct document_name){ p->account, p->region, DOCUMENT_LAYER_POLICY, p->name, p->number };
}

static char *part_or(struct name_part part, const char *otherwise) {
        return part.start ? xstrndup(part.start, part.len) : xstrdup(otherwise);
}

/* Finds the layer version and its policy. False: answered. */
static bool read_layer_policy(struct api_request *r, struct layer_policy *ret_policy) {
        AUTO(layer_version) struct layer_version layer = {};
        struct layer_policy *p = ret_policy;
        struct document_name document;
        struct layer_name name;
        uint64_t number;
        int result;

        if (!layer_name_parse(r->labels[0], &name) || str_to_u64(r->labels[1], INT64_MAX, &number) ||
            number == 0) {
                api_fail(r, PROBLEM_INVALID_PARAMETER, "Layer Version Cannot be less than 1");
                return false;
        }
        p->account = part_or(name.account, r->account);
        p->region = part_or(name.region, r->region);
        p->name = part_or(name.name, "");
        p->number = xasprintf("%llu", (unsigned long long)number);
        p->arn = layer_arn(p->region, p->account, p->name, number);
        if (!access_layer(r, p->account, p->region, p->name, number))
                return false;
        result = layers_get(engine_registry(r->engine), p->account, p->region, p->name, number, &layer);
        if (result == LAYERS_NOT_FOUND) {
                api_fail(r, PROBLEM_NOT_FOUND, "Layer version %s does not exist.", p->arn);
                return false;
        }
        if (result == 0) {
                document = layer_document(p);
                result = document_get(engine_registry(r->engine), &document, &p->document);
        }
        return api_stored(r, result);
}

static const char *layer_revision(const struct layer_policy *p) {
        const char *revision = json_tree_str(p->document, "revision");

        return revision ? revision : "";
}

/* With a new revision, or away when nothing is left. False: answered. */
static bool save_layer_policy(struct api_request *r, struct layer_policy *p, json_t *statements) {
        const struct document_name name = layer_document(p);
        char revision[UUID_LEN + 1];

        if (json_array_size(statements) == 0)
                return api_stored(r, document_delete(engine_registry(r->engine), &name));
        random_uuid(revision);
        json_object_set_new(p->document, "revision", json_string(revision));
        return api_stored(r, document_put(engine_registry(r->engine), &name, p->document));
}

static bool check_layer_revision(struct api_request *r, const struct layer_policy *p) {
        AUTO(str) char *revision = http_query_param(r->exchange, "RevisionId");

        if (!revision || streq(revision, layer_revision(p)))
                return true;
        api_fail_revision(r, "GetLayerPolicy");
        return false;
}

void api_add_layer_version_permission(struct api_request *r) {
        AUTO(layer_policy) struct layer_policy p = {};
        AUTO(str) char *text = NULL;
        struct policy_grant grant;
        json_t *statements;

        if (!read_layer_policy(r, &p))
                return;
        grant = (struct policy_grant){
                .sid = json_tree_str(r->body, "StatementId"),
                .action = json_tree_str(r->body, "Action"),
                .principal = json_tree_str(r->body, "Principal"),
                .resource = p.arn,
                .organization = json_tree_str(r->body, "OrganizationId"),
        };
        statements = json_tree_get(p.document, "statements");
        if ((!statements || !policy_has(statements, grant.sid)) && !check_layer_revision(r, &p))
                return;
        if (!p.document)
                p.document = json_pack("{s:o}", "statements", statements = json_array());
        if (add_statement(r, &grant, statements, &text) && save_layer_policy(r, &p, statements))
                answer(r, 201, "Statement", text, layer_revision(&p));
}

void api_remove_layer_version_permission(struct api_request *r) {
        AUTO(layer_policy) struct layer_policy p = {};
        json_t *statements;

        if (!read_layer_policy(r, &p))
                return;
        statements = json_tree_get(p.document, "statements");
        if (!statements)
                fail_no_policy(r);
        else if (check_layer_revision(r, &p) && !policy_drop(statements, r->labels[2]))
                fail_no_statement(r, r->labels[2]);
        else if (!r->answered && save_layer_policy(r, &p, statements))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

void api_get_layer_version_policy(struct api_request *r) {
        AUTO(layer_policy) struct layer_policy p = {};
        AUTO(str) char *text = NULL;

        if (!read_layer_policy(r, &p))
                return;
        if (!p.document) {
                fail_no_policy(r);
                return;
        }
        text = policy_text(json_tree_get(p.document, "statements"));
        answer(r, 200, "Policy", text, layer_revision(&p));
}
