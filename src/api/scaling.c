/* SPDX-License-Identifier: Apache-2.0 */
/* scaling - how many environments a version on instances is to have: kept and shown (docs/settings.md) */
#include "api/operations.h"
#include "engine/engine.h"
#include "function/document.h"

/* A published version on instances. False: answered. */
static bool read_version(struct api_request *r, struct subject *ret_subject) {
        struct subject *s = ret_subject;

        if (!api_subject(r, s))
                return false;
        if (!s->version)
                api_fail_no_function(r, &s->ref, s->ref.qualifier);
        else if (!s->version->config.on_instances)
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "FunctionScalingConfig isn't supported for Lambda Default functions.");
        else
                return true;
        return false;
}

void api_put_function_scaling_config(struct api_request *r) {
        const json_t *given = json_tree_get(r->body, "FunctionScalingConfig");
        int64_t least = json_tree_int(given, "MinExecutionEnvironments", 0);
        AUTO(subject) struct subject s = {};
        struct document_name name;
        int result;

        if (!read_version(r, &s))
                return;
        if (least > json_tree_int(given, "MaxExecutionEnvironments", least)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "MinExecutionEnvironments must not be greater than MaxExecutionEnvironments.");
                return;
        }
        name = document_of(s.function, DOCUMENT_SCALING, s.qualifier);
        result = given ? document_put(engine_registry(r->engine), &name, given)
                       : document_delete(engine_registry(r->engine), &name);
        if (api_stored(r, result))
                api_reply_tree(
                        r, 202,
                        json_pack("{s:s}", "FunctionState", function_state_name(s.version->status.state)));
}

void api_get_function_scaling_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        AUTO(str) char *arn = NULL;
        struct document_name name;
        int result;

        if (!read_version(r, &s))
                return;
        name = document_of(s.function, DOCUMENT_SCALING, s.qualifier);
        result = document_get(engine_registry(r->engine), &name, &document);
        if (!api_stored(r, result))
                return;
        arn = subject_arn(&s);
        api_reply_tree(r, 200,
                       json_pack("{s:s, s:O*, s:O*}", "FunctionArn", arn, "AppliedFunctionScalingConfig",
                                 document, "RequestedFunctionScalingConfig", document));
}
