/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "api/model.h"
#include "api/operations.h"

/* What lambent does of the model's operations. */
static const struct {
        const char *operation;
        void (*run)(struct api_request *r);
} handlers[] = {
        { "AddLayerVersionPermission", api_add_layer_version_permission },
        { "AddPermission", api_add_permission },
        { "CheckpointDurableExecution", api_no_durable_checkpoint },
        { "CreateAlias", api_create_alias },
        { "CreateCapacityProvider", api_create_capacity_provider },
        { "CreateCodeSigningConfig", api_create_code_signing_config },
        { "CreateEventSourceMapping", api_create_event_source_mapping },
        { "CreateFunction", api_create_function },
        { "CreateFunctionUrlConfig", api_create_function_url_config },
        { "DeleteAlias", api_delete_alias },
        { "DeleteCapacityProvider", api_delete_capacity_provider },
        { "DeleteCodeSigningConfig", api_delete_code_signing_config },
        { "DeleteDurableExecution", api_no_durable_execution },
        { "DeleteEventSourceMapping", api_delete_event_source_mapping },
        { "DeleteFunction", api_delete_function },
        { "DeleteFunctionCodeSigningConfig", api_delete_function_code_signing_config },
        { "DeleteFunctionConcurrency", api_delete_function_concurrency },
        { "DeleteFunctionEventInvokeConfig", api_delete_function_event_invoke_config },
        { "DeleteFunctionUrlConfig", api_delete_function_url_config },
        { "DeleteLayerVersion", api_delete_layer_version },
        { "DeleteProvisionedConcurrencyConfig", api_delete_provisioned_concurrency_config },
        { "DeleteResourcePolicy", api_delete_resource_policy },
        { "GetAccountSettings", api_get_account_settings },
        { "GetAlias", api_get_alias },
        { "GetCapacityProvider", api_get_capacity_provider },
        { "GetCodeSigningConfig", api_get_code_signing_config },
        { "GetDurableExecution", api_no_durable_execution },
        { "GetDurableExecutionHistory", api_no_durable_execution },
        { "GetDurableExecutionState", api_no_durable_checkpoint },
        { "GetEventSourceMapping", api_get_event_source_mapping },
        { "GetFunction", api_get_function },
        { "GetFunctionCodeSigningConfig", api_get_function_code_signing_config },
        { "GetFunctionConcurrency", api_get_function_concurrency },
        { "GetFunctionConfiguration", api_get_function_configuration },
        { "GetFunctionEventInvokeConfig", api_get_function_event_invoke_config },
        { "GetFunctionRecursionConfig", api_get_function_recursion_config },
        { "GetFunctionScalingConfig", api_get_function_scaling_config },
        { "GetFunctionUrlConfig", api_get_function_url_config },
        { "GetLayerVersion", api_get_layer_version },
        { "GetLayerVersionByArn", api_get_layer_version_by_arn },
        { "GetLayerVersionPolicy", api_get_layer_version_policy },
        { "GetPolicy", api_get_policy },
        { "GetProvisionedConcurrencyConfig", api_get_provisioned_concurrency_config },
        { "GetResourcePolicy", api_get_resource_policy },
        { "GetRuntimeManagementConfig", api_get_runtime_management_config },
        { "Invoke", api_invoke },
        { "InvokeWithResponseStream", api_invoke_stream },
        { "ListAliases", api_list_aliases },
        { "ListCapacityProviders", api_list_capacity_providers },
        { "ListCodeSigningConfigs", api_list_code_signing_configs },
        { "ListDurableExecutionsByFunction", api_list_durable_executions_by_function },
        { "ListEventSourceMappings", api_list_event_source_mappings },
        { "ListFunctionEventInvokeConfigs", api_list_function_event_invoke_configs },
        { "ListFunctionUrlConfigs", api_list_function_url_configs },
        { "ListFunctionVersionsByCapacityProvider", api_list_function_versions_by_capacity_provider },
        { "ListFunctions", api_list_functions },
        { "ListFunctionsByCodeSigningConfig", api_list_functions_by_code_signing_config },
        { "ListLayerVersions", api_list_layer_versions },
        { "ListLayers", api_list_layers },
        { "ListProvisionedConcurrencyConfigs", api_list_provisioned_concurrency_configs },
        { "ListTags", api_list_tags },
        { "ListVersionsByFunction", api_list_versions_by_function },
        { "PauseDurableExecution", api_no_durable_execution },
        { "PublishLayerVersion", api_publish_layer_version },
        { "PublishVersion", api_publish_version },
        { "PutFunctionCodeSigningConfig", api_put_function_code_signing_config },
        { "PutFunctionConcurrency", api_put_function_concurrency },
        { "PutFunctionEventInvokeConfig", api_put_function_event_invoke_config },
        { "PutFunctionRecursionConfig", api_put_function_recursion_config },
        { "PutFunctionScalingConfig", api_put_function_scaling_config },
        { "PutProvisionedConcurrencyConfig", api_put_provisioned_concurrency_config },
        { "PutResourcePolicy", api_put_resource_policy },
        { "PutRuntimeManagementConfig", api_put_runtime_management_config },
        { "RemoveLayerVersionPermission", api_remove_layer_version_permission },
        { "RemovePermission", api_remove_permission },
        { "ResumeDurableExecution", api_no_durable_execution },
        { "SendDurableExecutionCallbackFailure", api_no_durable_callback },
        { "SendDurableExecutionCallbackHeartbeat", api_no_durable_callback },
        { "SendDurableExecutionCallbackSuccess", api_no_durable_callback },
        { "StopDurableExecution", api_no_durable_execution },
        { "TagResource", api_tag_resource },
        { "UntagResource", api_untag_resource },
        { "UpdateAlias", api_update_alias },
        { "UpdateCapacityProvider", api_update_capacity_provider },
        { "UpdateCodeSigningConfig", api_update_code_signing_config },
        { "UpdateEventSourceMapping", api_update_event_source_mapping },
        { "UpdateFunctionCode", api_update_function_code },
        { "UpdateFunctionConfiguration", api_update_function_configuration },
        { "UpdateFunctionEventInvokeConfig", api_update_function_event_invoke_config },
        { "UpdateFunctionUrlConfig", api_update_function_url_config },
};

/* lambent's own. */
static const struct api_route internal[] = {
        { HTTP_GET_, "/_lambent/health", "Health", api_health, ROUTE_PLAIN },
        { HTTP_GET_, "/_lambent/environments", "ListEnvironments", api_list_environments, ROUTE_PLAIN },
        { HTTP_GET_, "/_lambent/invocations", "ListInvocations", api_list_invocations, ROUTE_PLAIN },
        { HTTP_GET_, "/_lambent/doctor", "Doctor", api_doctor, ROUTE_PLAIN },
        { HTTP_GET_, "/metrics", "Metrics", api_metrics, ROUTE_PLAIN },
        { HTTP_GET_, "/_lambent/code/{}", "Download", api_download, ROUTE_PLAIN },
        { HTTP_POST_, "/_lambent/environments/evict", "EvictEnvironments", api_evict, ROUTE_JSON },
        { HTTP_POST_, "/_lambent/environments/{}/evict", "EvictEnvironment", api_evict, ROUTE_JSON },
        { HTTP_GET_, "/_lambent/layers", "ListAllLayers", api_list_all_layers, ROUTE_PLAIN },
        { HTTP_POST_, "/_lambent/layers", "ImportLayer", api_import_layer, ROUTE_RAW },
        { HTTP_DELETE_, "/_lambent/layers", "ForgetLayer", api_forget_layer, ROUTE_PLAIN },
        { HTTP_GET_, "/_lambent/logs", "ReadLogs", api_logs, ROUTE_PLAIN },
};

/* Longer than any segment of a pattern: what is longer is a label. */
#define SEGMENT_MAX 64

struct node {
        struct map_node node; /* in the children of the one above */
        char *segment;
        struct map children;
        struct node *label;              /* where "{}" leads */
        const struct api_route **routes; /* that end here; those that demand a parameter first */
        size_t route_count;
};

struct routes {
        struct api_route *all;
        size_t count;
        struct node root;
        const struct api_route *invoke;
};

/* ---- making ---- */

static void node_clear(struct node *n) {
        struct map_node *child;

        while ((child = map_next(&n->children, NULL))) {
                struct node *c = map_entry(child, struct node, node);

                map_remove(&n->children, child);
                node_clear(c);
                free(c);
        }
        map_deinit(&n->children);
        if (n->label)
                node_clear(n->label);
        free(n->label);
        free(n->routes);
        free(n->segment);
}

static struct node *node_new(void) {
        struct node *n = xcalloc(1, sizeof(*n));

        map_init(&n->children);
        return n;
}

static struct node *node_below(struct node *n, const char *segment, size_t len) {
        char name[SEGMENT_MAX];
        struct node *child;

        if (len == 2 && segment[0] == '{') {
                if (!n->label)
                        n->label = node_new();
                return n->label;
        }
        must(len < sizeof(name));
        memcpy(name, segment, len);
        name[len] = '\0';
        child = map_entry(map_find(&n->children, name), struct node, node);
        if (child)
                return child;
        child = node_new();
        child->segment = xstrdup(name);
        map_add(&n->children, &child->node, child->segment);
        return child;
}

static const char *demanded(const struct api_route *route) {
        return strchr(route->pattern, '?');
}

static void add(struct routes *routes, const struct api_route *route) {
        struct node *n = &routes->root;
        size_t at;

        for (const char *s = route->pattern; *s == '/';) {
                size_t len = strcspn(++s, "/?");

                if (len) /* older models end some paths with a slash */
                        n = node_below(n, s, len);
                s += len;
        }
        n->routes = xrealloc(n->routes, (n->route_count + 1) * sizeof(*n->routes));
        at = demanded(route) ? 0 : n->route_count;
        memmove(&n->routes[at + 1], &n->routes[at], (n->route_count - at) * sizeof(*n->routes));
        n->routes[at] = route;
        n->route_count++;
}

static void (*handler_of(const char *operation))(struct api_request *r) {
        for (size_t i = 0; i < ARRAY_SIZE(handlers); i++)
                if (streq(handlers[i].operation, operation))
                        return handlers[i].run;
        return NULL;
}

/* How the body is read follows from where the members are. */
static enum route_kind kind_of(const struct model_operation *o) {
        enum route_kind kind = ROUTE_PLAIN;

        for (size_t i = 0; i < o->member_count; i++) {
                if (o->members[i].place == AT_PAYLOAD)
                        return ROUTE_RAW;
                if (o->members[i].place == AT_BODY)
                        kind = ROUTE_JSON;
        }
        return kind;
}

static bool has_zip(const struct model_member *members, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (members[i].place == AT_BODY && streq(members[i].name, "ZipFile"))
                        return true;
        return false;
}

static const char *zip_parent_of(const struct model_operation *o) {
        if (has_zip(o->members, o->member_count))
                return "";
        for (size_t i = 0; i < o->member_count; i++)
                if (has_zip(o->members[i].shape->members, o->members[i].shape->member_count))
                        return o->members[i].name;
        return NULL;
}

struct routes *routes_new(void) {
        struct routes *routes = xcalloc(1, sizeof(*routes));

        map_init(&routes->root.children);
        routes->all = xcalloc(model_operation_count + ARRAY_SIZE(internal), sizeof(*routes->all));
        for (size_t i = 0; i < model_operation_count; i++) {
                const struct model_operation *o = &model_operations[i];

                routes->all[routes->count++] =
                        (struct api_route){ o->method,  o->path,          o->name,   handler_of(o->name),
                                            kind_of(o), zip_parent_of(o), .model = o };
        }
        for (size_t i = 0; i < ARRAY_SIZE(internal); i++) {
                routes->all[routes->count] = internal[i];
                routes->all[routes->count++].internal = true;
        }
        for (size_t i = 0; i < routes->count; i++) {
                add(routes, &routes->all[i]);
                if (streq(routes->all[i].operation, "Invoke"))
                        routes->invoke = &routes->all[i];
        }
        return routes;
}

void routes_free(struct routes *routes) {
        if (!routes)
                return;
        node_clear(&routes->root);
        free(routes->all);
        free(routes);
}

const struct api_route *routes_all(const struct routes *routes, size_t *ret_count) {
        *ret_count = routes->count;
        return routes->all;
}

/* ---- finding ---- */

/* "name=value" as one of the parameters, unescaped: the only ones that decide are plain words. */
static bool query_has(const char *query, const char *pair) {
        size_t len = strlen(pair);

        for (const char *at = query; at; at = strchr(at, '&')) {
                if (*at == '&')
                        at++;
                if (strncmp(at, pair, len) == 0 && (at[len] == '&' || at[len] == '\0'))
                        return true;
        }
        return false;
}

static const struct api_route *pick(const struct node *n, enum http_method method, const char *query) {
        for (size_t i = 0; i < n->route_count; i++) {
                const char *pair = demanded(n->routes[i]);

                if (n->routes[i]->method == method && (!pair || query_has(query, pair + 1)))
                        return n->routes[i];
        }
        return NULL;
}

static const struct node *child_named(const struct node *n, const char *segment, size_t len) {
        char name[SEGMENT_MAX];

        if (len >= sizeof(name))
                return NULL;
        memcpy(name, segment, len);
        name[len] = '\0';
        return map_entry(map_find(&n->children, name), struct node, node);
}

/* s: the rest of the path, "" or from a slash on. A segment that is named goes before one that is a label. */
static const struct api_route *find_below(const struct node *n, enum http_method method, const char *s,
                                          const char *query, struct route_labels *labels) {
        const struct api_route *route = NULL;
        const struct node *child;
        size_t len;

        if (*s == '\0' || streq(s, "/"))
                return pick(n, method, query);
        len = strcspn(++s, "/");
        child = child_named(n, s, len);
        if (child)
                route = find_below(child, method, s + len, query, labels);
        if (route || !n->label || len == 0)
                return route;
        must(labels->count < API_LABELS_MAX);
        labels->label[labels->count].start = s;
        labels->label[labels->count++].len = len;
        route = find_below(n->label, method, s + len, query, labels);
        if (!route)
                labels->count--;
        return route;
}

/* Most requests are invocations: they have a way of their own. */
static bool is_invoke(const char *path, struct route_labels *labels) {
        static const char before[] = "/2015-03-31/functions/", behind[] = "/invocations";
        const char *name = path + sizeof(before) - 1;
        size_t len;

        if (strncmp(path, before, sizeof(before) - 1) != 0)
                return false;
        len = strcspn(name, "/");
        if (len == 0 || !streq(name + len, behind))
                return false;
        labels->label[0].start = name;
        labels->label[0].len = len;
        labels->count = 1;
        return true;
}

int route_find(const struct routes *routes, enum http_method method, const char *path, const char *query,
               const struct api_route **ret_route, struct route_labels *ret_labels) {
        ret_labels->count = 0;
        if (method == HTTP_POST_ && routes->invoke && is_invoke(path, ret_labels)) {
                *ret_route = routes->invoke;
                return 0;
        }
        *ret_route = *path == '/' ? find_below(&routes->root, method, path, query, ret_labels) : NULL;
        return *ret_route ? 0 : ROUTE_NO_PATH;
}
