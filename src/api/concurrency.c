/* SPDX-License-Identifier: Apache-2.0 */
/* concurrency - PutFunctionConcurrency, GetFunctionConcurrency, DeleteFunctionConcurrency, GetAccountSettings */
#include "function/concurrency.h"

#include "api/operations.h"
#include "base/json.h"
#include "engine/engine.h"
#include "function/layers.h"

#define ANSWER_MAX_BYTES (4 * KIB)
/* docs/aws.md, limits */
#define CODE_TOTAL_MAX 322122547200
#define CODE_UNZIPPED_MAX 262144000
#define CODE_ZIPPED_MAX 52428800

static void reply(struct api_request *r, struct json_writer *w) {
        json_close_object(w);
        must(json_writer_end(w) == 0);
        api_reply_json(r, 200, w->buf);
}

/* ---- reservations ---- */

/* The whole function: no qualifier but $LATEST. missing: the qualifier that the refusal names. False: answered. */
static struct function *find_function(struct api_request *r, struct function_ref *ret_ref,
                                      const char *missing) {
        struct function *f;

        if (!api_function_ref(r, 0, ret_ref))
                return NULL;
        if (ret_ref->qualifier && !streq(ret_ref->qualifier, "$LATEST")) {
                api_fail(
                        r, PROBLEM_INVALID_PARAMETER,
                        "This operation is permitted on Lambda functions only. Aliases and versions do not support this "
                        "operation. Please specify either a function name or an unqualified function ARN.");
                return NULL;
        }
        f = registry_find(engine_registry(r->engine), ret_ref->account, ret_ref->region, ret_ref->name);
        if (!f)
                api_fail_no_function(r, ret_ref, missing);
        return f;
}

static void answer_reserved(struct api_request *r, const struct function *f) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);

        json_open_object(&w, NULL);
        if (f->concurrency->reserved != NOT_RESERVED)
                json_int(&w, "ReservedConcurrentExecutions", f->concurrency->reserved);
        reply(r, &w);
}

static bool reserve(struct api_request *r, struct function *f, int64_t reserved) {
        int result = registry_reserve(engine_registry(r->engine), f, reserved);

        if (result)
                api_fail(r, PROBLEM_SERVICE, "The reservation could not be stored: %s.", strerror(-result));
        return result == 0;
}

void api_put_function_concurrency(struct api_request *r) {
        int64_t reserved = json_tree_int(r->body, "ReservedConcurrentExecutions", 0);
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f = find_function(r, &ref, "$LATEST");

        if (!f)
                return;
        if ((uint64_t)reserved < f->concurrency->provisioned)
                api_fail(
                        r, PROBLEM_LIMIT,
                        " ReservedConcurrentExecutions  %lld should not be lower than function's total provisioned "
                        "concurrency [%llu].",
                        (long long)reserved, (unsigned long long)f->concurrency->provisioned);
        else if (!concurrency_may_reserve(f->concurrency, reserved))
                api_fail(r, PROBLEM_LIMIT,
                         "Specified ReservedConcurrentExecutions for function decreases account's "
                         "UnreservedConcurrentExecution below its minimum value of [%d].",
                         UNRESERVED_MIN);
        else if (reserve(r, f, reserved))
                answer_reserved(r, f);
}

void api_get_function_concurrency(struct api_request *r) {
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f = find_function(r, &ref, NULL);

        if (f)
                answer_reserved(r, f);
}

void api_delete_function_concurrency(struct api_request *r) {
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f = find_function(r, &ref, NULL);

        if (f && reserve(r, f, NOT_RESERVED))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

/* ---- GetAccountSettings ---- */

struct usage {
        uint64_t functions, bytes;
};

/* What is kept elsewhere is not counted. */
static uint64_t kept_bytes(const struct version_config *c) {
        return c->s3_object_json ? 0 : c->code_size;
}

static bool add_function(void *owner, struct function *f) {
        struct usage *usage = owner;
        struct version *v;

        usage->functions++;
        usage->bytes += kept_bytes(&f->latest->config);
        list_each(v, &f->versions, link)
                usage->bytes += kept_bytes(&v->config);
        if (f->latest_published)
                usage->bytes += kept_bytes(&f->latest_published->config);
        return true;
}

static bool add_layer(void *owner, const struct layer_version *layer) {
        ((struct usage *)owner)->bytes += layer->s3_object_json ? 0 : layer->code_size;
        return true;
}

void api_get_account_settings(struct api_request *r) {
        struct registry *registry = engine_registry(r->engine);
        const struct account_concurrency *account = registry_account(registry, r->account, r->region);
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        struct usage usage = {};
        int result = registry_each(registry, r->account, r->region, NULL, add_function, &usage);

        if (result == 0)
                result = layers_each(registry, r->account, r->region, NULL, NULL, add_layer, &usage);
        if (result) {
                api_fail(r, PROBLEM_SERVICE, "The account's functions could not be read: %s.",
                         strerror(-result));
                return;
        }
        json_open_object(&w, NULL);
        json_open_object(&w, "AccountLimit");
        json_uint(&w, "TotalCodeSize", CODE_TOTAL_MAX);
        json_uint(&w, "CodeSizeUnzipped", CODE_UNZIPPED_MAX);
        json_uint(&w, "CodeSizeZipped", CODE_ZIPPED_MAX);
        json_uint(&w, "ConcurrentExecutions", ACCOUNT_CONCURRENCY);
        json_uint(&w, "UnreservedConcurrentExecutions", ACCOUNT_CONCURRENCY - (account ? account->apart : 0));
        json_close_object(&w);
        json_open_object(&w, "AccountUsage");
        json_uint(&w, "TotalCodeSize", usage.bytes);
        json_uint(&w, "FunctionCount", usage.functions);
        json_close_object(&w);
        reply(r, &w);
}
