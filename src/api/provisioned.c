/* SPDX-License-Identifier: Apache-2.0 */
/* provisioned - the four operations on provisioned concurrency */
#include "function/provisioned.h"

#include "api/names.h"
#include "api/operations.h"
#include "api/paging.h"
#include "api/view.h"
#include "engine/engine.h"
#include "function/concurrency.h"
#include "function/pool.h"

/* fresh: as it has just been asked for. */
static json_t *shown(const struct version *v, const struct provisioned *provisioned, bool fresh) {
        struct pools_provision view = {};
        char modified[32];
        size_t allocated;
        const char *status;

        if (!fresh)
                pools_provisioned(v, &view);
        allocated = MIN(view.allocated, (size_t)provisioned->requested);
        status = view.problem ? "FAILED" : allocated >= provisioned->requested ? "READY" : "IN_PROGRESS";
        view_time(provisioned->modified, modified);
        return json_pack("{s:I, s:I, s:I, s:s, s:s*, s:s}", "RequestedProvisionedConcurrentExecutions",
                         (json_int_t)provisioned->requested, "AvailableProvisionedConcurrentExecutions",
                         (json_int_t)MIN(view.available, allocated),
                         "AllocatedProvisionedConcurrentExecutions", (json_int_t)allocated, "Status", status,
                         "StatusReason", view.problem, "LastModified", modified);
}

/* A version or an alias that exists. missing_latest: how $LATEST is refused. False: answered. */
static bool read_subject(struct api_request *r, const char *latest, struct subject *ret_subject) {
        struct subject *s = ret_subject;

        if (!api_subject(r, s))
                return false;
        if (s->qualifier[0] == '$')
                api_fail(r, PROBLEM_INVALID_PARAMETER, "%s", latest);
        else if (s->version)
                return true;
        else if (s->function && qualifier_is_alias(s->qualifier))
                api_fail_no_alias(r, &s->ref, s->qualifier);
        else
                api_fail_no_function(r, &s->ref, s->qualifier);
        return false;
}

/* What nothing is set apart of, were it not for what this qualifier has already. */
static uint64_t unreserved(struct api_request *r, const struct subject *s) {
        const struct account_concurrency *account =
                registry_account(engine_registry(r->engine), s->ref.account, s->ref.region);
        struct provisioned before = {};

        provisioned_get(engine_registry(r->engine), s->function, s->qualifier, &before);
        return ACCOUNT_CONCURRENCY + before.requested - account->apart;
}

static void fail(struct api_request *r, const struct subject *s, int result) {
        const uint64_t left = unreserved(r, s);

        if (result == PROVISIONED_VERSION)
                api_fail(
                        r, PROBLEM_CONFLICT,
                        "Alias can't be used for Provisioned Concurrency configuration on an already Provisioned version");
        else if (result == PROVISIONED_ALIAS_OF)
                api_fail(r, PROBLEM_CONFLICT, "Version is pointed by a Provisioned Concurrency alias");
        else if (result == PROVISIONED_RESERVED)
                api_fail(
                        r, PROBLEM_INVALID_PARAMETER,
                        "Requested Provisioned Concurrency should not be greater than the reservedConcurrentExecution for "
                        "function");
        else if ((uint64_t)json_tree_int(r->body, "ProvisionedConcurrentExecutions", 0) > left)
                api_fail(
                        r, PROBLEM_INVALID_PARAMETER,
                        "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency "
                        "[%llu].",
                        (unsigned long long)left);
        else
                api_fail(
                        r, PROBLEM_INVALID_PARAMETER,
                        "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution "
                        "below its minimum value of [%d].",
                        UNRESERVED_MIN);
}

void api_put_provisioned_concurrency_config(struct api_request *r) {
        int64_t requested = json_tree_int(r->body, "ProvisionedConcurrentExecutions", 0);
        struct registry *registry = engine_registry(r->engine);
        struct provisioned provisioned;
        AUTO(subject) struct subject s = {};
        int result;

        if (!read_subject(
                    r, "Provisioned Concurrency Configs cannot be applied to unpublished function versions.",
                    &s))
                return;
        if (s.version->config.kind_json && (s.version->config.per_tenant || s.version->config.on_instances)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Provisioned Concurrency is not supported for functions with %s.",
                         s.version->config.per_tenant ? "TenancyConfig" : "a capacity provider");
                return;
        }
        result = provisioned_put(registry, s.function, s.qualifier, (uint64_t)requested);
        if (!api_stored(r, result))
                return;
        if (result)
                fail(r, &s, result);
        else if (api_stored(r, provisioned_get(registry, s.function, s.qualifier, &provisioned)))
                api_reply_tree(r, 202, shown(s.version, &provisioned, true));
}

/* What there is. False: answered. */
static bool read_config(struct api_request *r, struct subject *ret_subject,
                        struct provisioned *ret_provisioned) {
        int result;

        if (!read_subject(r, "The function resource provided must be an alias or a published version.",
                          ret_subject))
                return false;
        result = provisioned_get(engine_registry(r->engine), ret_subject->function, ret_subject->qualifier,
                                 ret_provisioned);
        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT)
                api_fail(r, PROBLEM_NO_PROVISIONED,
                         "No Provisioned Concurrency Config found for this function");
        return result == 0;
}

void api_get_provisioned_concurrency_config(struct api_request *r) {
        struct provisioned provisioned;
        AUTO(subject) struct subject s = {};

        if (read_config(r, &s, &provisioned))
                api_reply_tree(r, 200, shown(s.version, &provisioned, false));
}

void api_delete_provisioned_concurrency_config(struct api_request *r) {
        AUTO(subject) struct subject s = {};

        if (read_subject(r, "The function resource provided must be an alias or a published version.", &s) &&
            api_stored(r, provisioned_delete(engine_registry(r->engine), s.function, s.qualifier)))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

struct listing {
        struct page page;
        struct function *function;
        json_t *items;
};

static bool list_one(void *owner, const struct document_name *name, json_t *document) {
        struct listing *l = owner;
        struct version *v = function_version(l->function, name->part);
        struct provisioned provisioned;
        AUTO(str) char *arn = NULL;
        json_t *item;

        if (!v || !provisioned_read(document, &provisioned))
                return true;
        if (!page_take(&l->page, name->part, 0))
                return false;
        arn = function_arn(name->region, name->account, name->owner, name->part);
        item = shown(v, &provisioned, false);
        json_object_set_new(item, "FunctionArn", json_string(arn));
        return json_array_append_new(l->items, item) == 0;
}

void api_list_provisioned_concurrency_configs(struct api_request *r) {
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;
        AUTO(subject) struct subject s = {};
        struct document_name name;

        if (!api_subject(r, &s))
                return;
        if (!s.function) {
                api_fail_no_function(r, &s.ref, NULL);
                return;
        }
        l.function = s.function;
        name = document_of(s.function, DOCUMENT_PROVISIONED, NULL);
        if (page_begin(r, &l.page) &&
            api_stored(r, document_each(engine_registry(r->engine), &name, l.page.after_name, list_one, &l)))
                api_reply_tree(r, 200, page_tree(&l.page, "ProvisionedConcurrencyConfigs", items));
        page_clear(&l.page);
}
