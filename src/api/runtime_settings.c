/* SPDX-License-Identifier: Apache-2.0 */
/* runtime_settings - recursive loops and updates of the runtime: kept and shown (docs/settings.md) */
#include "api/names.h"
#include "api/operations.h"
#include "engine/engine.h"
#include "function/document.h"

/* ---- recursion ---- */

void api_put_function_recursion_config(struct api_request *r) {
        const char *loop = json_tree_str(r->body, "RecursiveLoop");
        AUTO(json_tree) json_t *document = json_pack("{s:s}", "RecursiveLoop", loop);
        struct function *f = api_function(r, NULL);
        struct document_name name;

        if (!f)
                return;
        name = document_of(f, DOCUMENT_RECURSION, NULL);
        if (api_stored(r, document_put(engine_registry(r->engine), &name, document)))
                api_reply_tree(r, 200, json_incref(document));
}

void api_get_function_recursion_config(struct api_request *r) {
        struct function *f = api_function(r, NULL);
        AUTO(json_tree) json_t *document = NULL;
        struct document_name name;
        int result;

        if (!f)
                return;
        name = document_of(f, DOCUMENT_RECURSION, NULL);
        result = document_get(engine_registry(r->engine), &name, &document);
        if (result == DOCUMENT_ABSENT)
                document = json_pack("{s:s}", "RecursiveLoop", "Terminate");
        if (api_stored(r, result))
                api_reply_tree(r, 200, json_incref(document));
}

/* ---- runtime management ---- */

/* A function or a version of it. False: answered. */
static bool read_version(struct api_request *r, struct subject *ret_subject) {
        struct subject *s = ret_subject;

        if (!api_subject(r, s))
                return false;
        if (s->version && !qualifier_is_alias(s->qualifier))
                return true;
        if (s->version)
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Runtime management is of functions and versions, not of aliases.");
        else
                api_fail_no_function(r, &s->ref, s->ref.qualifier);
        return false;
}

static json_t *shown(const struct subject *s, const char *update_on, const char *version_arn) {
        AUTO(str) char *arn = function_arn(s->ref.region, s->ref.account, s->ref.name, s->qualifier);

        return json_pack("{s:s, s:s, s:s?}", "UpdateRuntimeOn", update_on, "FunctionArn", arn,
                         "RuntimeVersionArn", version_arn);
}

void api_put_runtime_management_config(struct api_request *r) {
        const char *update_on = json_tree_str(r->body, "UpdateRuntimeOn");
        const char *version_arn = json_tree_str(r->body, "RuntimeVersionArn");
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        struct document_name name;

        if (!read_version(r, &s))
                return;
        if (streq(update_on, "Manual") != (version_arn != NULL)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         version_arn ? "RuntimeVersionArn is for UpdateRuntimeOn Manual only."
                                     : "UpdateRuntimeOn Manual needs a RuntimeVersionArn.");
                return;
        }
        name = document_of(s.function, DOCUMENT_RUNTIME, s.qualifier);
        document = shown(&s, update_on, version_arn);
        if (api_stored(r, document_put(engine_registry(r->engine), &name, document)))
                api_reply_tree(r, 200, json_incref(document));
}

void api_get_runtime_management_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        struct document_name name;
        int result;

        if (!read_version(r, &s))
                return;
        name = document_of(s.function, DOCUMENT_RUNTIME, s.qualifier);
        result = document_get(engine_registry(r->engine), &name, &document);
        if (result == DOCUMENT_ABSENT)
                document = shown(&s, "Auto", NULL);
        if (api_stored(r, result))
                api_reply_tree(r, 200, json_incref(document));
}
