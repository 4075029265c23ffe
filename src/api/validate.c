/* SPDX-License-Identifier: Apache-2.0 */
/* validate - a request against the model of its operation */
#include "api/api_private.h"
#include "api/constraints.h"
#include "api/names.h"
#include "engine/engine.h"

/* The values of a query parameter that may come several times. */
static json_t *query_list(const struct http_exchange *x, const char *name) {
        json_t *list = NULL;
        char *value;

        for (size_t i = 0; (value = http_query_param_at(x, name, i)); i++) {
                if (!list)
                        list = json_array();
                json_array_append_new(list, json_string(value));
                free(value);
        }
        return list;
}

/* Text that is no UTF-8 becomes a value that no constraint takes. */
static json_t *text_value(const char *text) {
        json_t *value = text ? json_string(text) : NULL;

        return text && !value ? json_string("\xef\xbf\xbd") : value;
}

static json_t *outside(void *owner, const struct model_member *member) {
        struct api_request *r = owner;
        AUTO(str) char *parameter = NULL;

        switch (member->place) {
        case AT_LABEL:
                must(member->label < r->label_count);
                return text_value(r->labels[member->label]);
        case AT_QUERY:
                if (member->shape->type == SHAPE_LIST)
                        return query_list(r->exchange, member->name);
                parameter = http_query_param(r->exchange, member->name);
                return text_value(parameter);
        case AT_HEADER:
                return text_value(http_header(r->exchange, member->name));
        case AT_BODY:
        case AT_PAYLOAD:
                break;
        }
        return NULL;
}

/* Only they may be larger and run longer; asked only when that matters. */
static bool is_on_instances(const struct api_request *r) {
        AUTO(function_place) struct function_place at = {};
        const struct function *f;

        if (!json_tree_get(r->body, "MemorySize") && !json_tree_get(r->body, "Timeout"))
                return false;
        if (json_tree_get(r->body, "CapacityProviderConfig") || r->label_count == 0)
                return json_tree_get(r->body, "CapacityProviderConfig") != NULL;
        function_place_read(r->labels[0], r->account, r->region, &at);
        f = registry_find(engine_registry(r->engine), at.account, at.region, at.name);
        return f && f->latest->config.on_instances;
}

bool api_validate(struct api_request *r) {
        const struct request_values values = { r->body, outside, r };
        AUTO(checker) struct checker checker = CHECKER(&r->api->patterns);
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        checker.wide = is_on_instances(r);
        if (!r->route->model || (constraints_check(r->route->model, &values, &checker, &problem) &&
                                 checker_end(&checker, &problem)))
                return true;
        api_fail_with(r, &problem);
        return false;
}
