/* SPDX-License-Identifier: Apache-2.0 */
/*
 * neighbour - the services beside Lambda of which tools need a little: IAM, STS, CloudWatch Logs
 *
 * A neighbour is a table of operations from AWS's model (made by tools/make_model.py) with a handler for each, and the
 * protocol in which its clients speak. Whatever the protocol, the members of a request come to the handler as a tree of
 * JSON in request->body, read and checked by the model, and its result is a tree that neighbour_reply writes. A request
 * for a service that is none of them, or for an operation that it does not have, goes on to the upstream (upstream.h),
 * or is refused by name.
 */
#pragma once
#include "api/constraints.h"
#include "api/request.h"

struct neighbour_handler {
        const char *operation;
        void (*run)(struct api_request *r);
};

struct neighbour {
        const char *name;  /* as in signatures */
        const char *title; /* as people say */
        enum protocol protocol;
        const char *version, *xmlns; /* PROTOCOL_QUERY */
        const char *invalid;         /* the error that tells of violations of the model */
        const struct model_operation *operations;
        const size_t *operation_count;
        const struct neighbour_handler *handlers; /* up to one without a name */
};

extern const struct neighbour neighbour_iam, neighbour_sts, neighbour_logs;
extern const struct model_operation iam_operations[], sts_operations[], logs_operations[];
extern const size_t iam_operation_count, sts_operation_count, logs_operation_count;

/* For a request that is not Lambda's: reads, checks, runs, answers. */
void neighbour_begin(struct api_request *r);
/* The result of an operation, or NULL for one that has none. */
void neighbour_reply(struct api_request *r, json_t *result_consume);
/* A member of the request: NULL when absent. */
static inline const char *neighbour_str(const struct api_request *r, const char *member) {
        return json_tree_str(r->body, member);
}
