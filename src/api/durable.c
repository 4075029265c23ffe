/* SPDX-License-Identifier: Apache-2.0 */
/*
 * durable - the operations on durable executions, of which there are none
 *
 * Durable functions can be created, and cannot be invoked (docs/settings.md): so every question about an execution is
 * answered as for one that is not there. An execution that ended long ago looks the same on AWS.
 */
#include "api/operations.h"
#include "engine/engine.h"

/* Some are raw, because their payload is what a function is told: nobody reads it here. */
static bool is_valid(struct api_request *r) {
        return r->route->kind != ROUTE_RAW || api_validate(r);
}

void api_no_durable_execution(struct api_request *r) {
        if (is_valid(r))
                api_fail(r, PROBLEM_NOT_FOUND, "Durable execution not found: %s", r->labels[0]);
}

void api_no_durable_callback(struct api_request *r) {
        if (is_valid(r))
                api_fail(r, PROBLEM_NOT_FOUND, "Callback not found: %s", r->labels[0]);
}

/* A token is looked at before the execution: docs/aws.md, durable. */
void api_no_durable_checkpoint(struct api_request *r) {
        api_fail(r, PROBLEM_INVALID_PARAMETER, "Invalid checkpoint token");
}

void api_list_durable_executions_by_function(struct api_request *r) {
        AUTO(subject) struct subject s = {};

        if (!api_subject(r, &s))
                return;
        if (s.version)
                api_reply_tree(r, 200, json_pack("{s:[]}", "DurableExecutions"));
        else
                api_fail_no_function(r, &s.ref, s.ref.qualifier);
}
