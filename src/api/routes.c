/* SPDX-License-Identifier: Apache-2.0 */
#include "api/routes.h"

#include "api/operations.h"

/* facts/control-plane.md section 1. Rows that demand a query parameter come before those that share their
 * path; the busiest is the first. */
static const struct api_route table[] = {
        { HTTP_POST_, "/2015-03-31/functions/{}/invocations", "Invoke", api_invoke, ROUTE_RAW },
        { HTTP_GET_, "/2019-09-30/functions/{}/provisioned-concurrency?List=ALL",
          "ListProvisionedConcurrencyConfigs" },
        { HTTP_GET_, "/2018-10-31/layers?find=LayerVersion", "GetLayerVersionByArn",
          api_get_layer_version_by_arn, ROUTE_PLAIN },
        { HTTP_POST_, "/2015-03-31/functions", "CreateFunction", api_create_function, ROUTE_JSON,
          .zip_parent = "Code" },
        { HTTP_GET_, "/2015-03-31/functions/{}", "GetFunction", api_get_function, ROUTE_PLAIN },
        { HTTP_GET_, "/2015-03-31/functions/{}/configuration", "GetFunctionConfiguration",
          api_get_function_configuration, ROUTE_PLAIN },
        { HTTP_GET_, "/2015-03-31/functions", "ListFunctions", api_list_functions, ROUTE_PLAIN },
        { HTTP_PUT_, "/2015-03-31/functions/{}/code", "UpdateFunctionCode", api_update_function_code,
          ROUTE_JSON, .zip_parent = "" },
        { HTTP_PUT_, "/2015-03-31/functions/{}/configuration", "UpdateFunctionConfiguration",
          api_update_function_configuration, ROUTE_JSON },
        { HTTP_DELETE_, "/2015-03-31/functions/{}", "DeleteFunction", api_delete_function, ROUTE_PLAIN },
        { HTTP_POST_, "/2015-03-31/functions/{}/versions", "PublishVersion", api_publish_version,
          ROUTE_JSON },
        { HTTP_GET_, "/2015-03-31/functions/{}/versions", "ListVersionsByFunction",
          api_list_versions_by_function, ROUTE_PLAIN },
        { HTTP_POST_, "/2014-11-13/functions/{}/invoke-async", "InvokeAsync" },
        { HTTP_POST_, "/2021-11-15/functions/{}/response-streaming-invocations", "InvokeWithResponseStream",
          api_invoke_stream, ROUTE_RAW },
        { HTTP_POST_, "/2015-03-31/functions/{}/aliases", "CreateAlias" },
        { HTTP_GET_, "/2015-03-31/functions/{}/aliases/{}", "GetAlias" },
        { HTTP_PUT_, "/2015-03-31/functions/{}/aliases/{}", "UpdateAlias" },
        { HTTP_DELETE_, "/2015-03-31/functions/{}/aliases/{}", "DeleteAlias" },
        { HTTP_GET_, "/2015-03-31/functions/{}/aliases", "ListAliases" },
        { HTTP_POST_, "/2015-03-31/functions/{}/policy", "AddPermission" },
        { HTTP_DELETE_, "/2015-03-31/functions/{}/policy/{}", "RemovePermission" },
        { HTTP_GET_, "/2015-03-31/functions/{}/policy", "GetPolicy" },
        { HTTP_GET_, "/2026-07-09/resource-policy/{}", "GetResourcePolicy" },
        { HTTP_PUT_, "/2026-07-09/resource-policy/{}", "PutResourcePolicy" },
        { HTTP_DELETE_, "/2026-07-09/resource-policy/{}", "DeleteResourcePolicy" },
        { HTTP_PUT_, "/2017-10-31/functions/{}/concurrency", "PutFunctionConcurrency" },
        { HTTP_GET_, "/2019-09-30/functions/{}/concurrency", "GetFunctionConcurrency" },
        { HTTP_DELETE_, "/2017-10-31/functions/{}/concurrency", "DeleteFunctionConcurrency" },
        { HTTP_PUT_, "/2019-09-30/functions/{}/provisioned-concurrency", "PutProvisionedConcurrencyConfig" },
        { HTTP_GET_, "/2019-09-30/functions/{}/provisioned-concurrency", "GetProvisionedConcurrencyConfig" },
        { HTTP_DELETE_, "/2019-09-30/functions/{}/provisioned-concurrency",
          "DeleteProvisionedConcurrencyConfig" },
        { HTTP_PUT_, "/2019-09-25/functions/{}/event-invoke-config", "PutFunctionEventInvokeConfig" },
        { HTTP_POST_, "/2019-09-25/functions/{}/event-invoke-config", "UpdateFunctionEventInvokeConfig" },
        { HTTP_GET_, "/2019-09-25/functions/{}/event-invoke-config", "GetFunctionEventInvokeConfig" },
        { HTTP_DELETE_, "/2019-09-25/functions/{}/event-invoke-config", "DeleteFunctionEventInvokeConfig" },
        { HTTP_GET_, "/2019-09-25/functions/{}/event-invoke-config/list", "ListFunctionEventInvokeConfigs" },
        { HTTP_POST_, "/2021-10-31/functions/{}/url", "CreateFunctionUrlConfig" },
        { HTTP_GET_, "/2021-10-31/functions/{}/url", "GetFunctionUrlConfig" },
        { HTTP_PUT_, "/2021-10-31/functions/{}/url", "UpdateFunctionUrlConfig" },
        { HTTP_DELETE_, "/2021-10-31/functions/{}/url", "DeleteFunctionUrlConfig" },
        { HTTP_GET_, "/2021-10-31/functions/{}/urls", "ListFunctionUrlConfigs" },
        { HTTP_POST_, "/2015-03-31/event-source-mappings", "CreateEventSourceMapping" },
        { HTTP_GET_, "/2015-03-31/event-source-mappings/{}", "GetEventSourceMapping" },
        { HTTP_PUT_, "/2015-03-31/event-source-mappings/{}", "UpdateEventSourceMapping" },
        { HTTP_DELETE_, "/2015-03-31/event-source-mappings/{}", "DeleteEventSourceMapping" },
        { HTTP_GET_, "/2015-03-31/event-source-mappings", "ListEventSourceMappings" },
        { HTTP_POST_, "/2018-10-31/layers/{}/versions", "PublishLayerVersion", api_publish_layer_version,
          ROUTE_JSON, .zip_parent = "Content" },
        { HTTP_GET_, "/2018-10-31/layers/{}/versions/{}", "GetLayerVersion", api_get_layer_version,
          ROUTE_PLAIN },
        { HTTP_DELETE_, "/2018-10-31/layers/{}/versions/{}", "DeleteLayerVersion", api_delete_layer_version,
          ROUTE_PLAIN },
        { HTTP_GET_, "/2018-10-31/layers", "ListLayers", api_list_layers, ROUTE_PLAIN },
        { HTTP_GET_, "/2018-10-31/layers/{}/versions", "ListLayerVersions", api_list_layer_versions,
          ROUTE_PLAIN },
        { HTTP_POST_, "/2018-10-31/layers/{}/versions/{}/policy", "AddLayerVersionPermission" },
        { HTTP_DELETE_, "/2018-10-31/layers/{}/versions/{}/policy/{}", "RemoveLayerVersionPermission" },
        { HTTP_GET_, "/2018-10-31/layers/{}/versions/{}/policy", "GetLayerVersionPolicy" },
        { HTTP_POST_, "/2020-04-22/code-signing-configs", "CreateCodeSigningConfig" },
        { HTTP_GET_, "/2020-04-22/code-signing-configs/{}", "GetCodeSigningConfig" },
        { HTTP_PUT_, "/2020-04-22/code-signing-configs/{}", "UpdateCodeSigningConfig" },
        { HTTP_DELETE_, "/2020-04-22/code-signing-configs/{}", "DeleteCodeSigningConfig" },
        { HTTP_GET_, "/2020-04-22/code-signing-configs", "ListCodeSigningConfigs" },
        { HTTP_GET_, "/2020-04-22/code-signing-configs/{}/functions", "ListFunctionsByCodeSigningConfig" },
        { HTTP_PUT_, "/2020-06-30/functions/{}/code-signing-config", "PutFunctionCodeSigningConfig" },
        { HTTP_GET_, "/2020-06-30/functions/{}/code-signing-config", "GetFunctionCodeSigningConfig" },
        { HTTP_DELETE_, "/2020-06-30/functions/{}/code-signing-config", "DeleteFunctionCodeSigningConfig" },
        { HTTP_PUT_, "/2021-07-20/functions/{}/runtime-management-config", "PutRuntimeManagementConfig" },
        { HTTP_GET_, "/2021-07-20/functions/{}/runtime-management-config", "GetRuntimeManagementConfig" },
        { HTTP_PUT_, "/2024-08-31/functions/{}/recursion-config", "PutFunctionRecursionConfig" },
        { HTTP_GET_, "/2024-08-31/functions/{}/recursion-config", "GetFunctionRecursionConfig" },
        { HTTP_PUT_, "/2025-11-30/functions/{}/function-scaling-config", "PutFunctionScalingConfig" },
        { HTTP_GET_, "/2025-11-30/functions/{}/function-scaling-config", "GetFunctionScalingConfig" },
        { HTTP_POST_, "/2025-11-30/capacity-providers", "CreateCapacityProvider" },
        { HTTP_GET_, "/2025-11-30/capacity-providers/{}", "GetCapacityProvider" },
        { HTTP_PUT_, "/2025-11-30/capacity-providers/{}", "UpdateCapacityProvider" },
        { HTTP_DELETE_, "/2025-11-30/capacity-providers/{}", "DeleteCapacityProvider" },
        { HTTP_GET_, "/2025-11-30/capacity-providers", "ListCapacityProviders" },
        { HTTP_GET_, "/2025-11-30/capacity-providers/{}/function-versions",
          "ListFunctionVersionsByCapacityProvider" },
        { HTTP_POST_, "/2025-12-01/durable-executions/{}/checkpoint", "CheckpointDurableExecution" },
        { HTTP_GET_, "/2025-12-01/durable-executions/{}", "GetDurableExecution" },
        { HTTP_GET_, "/2025-12-01/durable-executions/{}/history", "GetDurableExecutionHistory" },
        { HTTP_GET_, "/2025-12-01/durable-executions/{}/state", "GetDurableExecutionState" },
        { HTTP_GET_, "/2025-12-01/functions/{}/durable-executions", "ListDurableExecutionsByFunction" },
        { HTTP_POST_, "/2025-12-01/durable-executions/{}/stop", "StopDurableExecution" },
        { HTTP_POST_, "/2025-12-01/durable-executions/{}/pause", "PauseDurableExecution" },
        { HTTP_POST_, "/2025-12-01/durable-executions/{}/resume", "ResumeDurableExecution" },
        { HTTP_DELETE_, "/2025-12-01/durable-executions/{}", "DeleteDurableExecution" },
        { HTTP_POST_, "/2025-12-01/durable-execution-callbacks/{}/succeed",
          "SendDurableExecutionCallbackSuccess" },
        { HTTP_POST_, "/2025-12-01/durable-execution-callbacks/{}/fail",
          "SendDurableExecutionCallbackFailure" },
        { HTTP_POST_, "/2025-12-01/durable-execution-callbacks/{}/heartbeat",
          "SendDurableExecutionCallbackHeartbeat" },
        { HTTP_GET_, "/2016-08-19/account-settings", "GetAccountSettings" },
        { HTTP_POST_, "/2017-03-31/tags/{}", "TagResource" },
        { HTTP_DELETE_, "/2017-03-31/tags/{}", "UntagResource" },
        { HTTP_GET_, "/2017-03-31/tags/{}", "ListTags" },
        { HTTP_GET_, "/_lambent/health", "Health", api_health, ROUTE_PLAIN, .internal = true },
        { HTTP_GET_, "/_lambent/environments", "ListEnvironments", api_list_environments, ROUTE_PLAIN,
          .internal = true },
        { HTTP_GET_, "/_lambent/invocations", "ListInvocations", api_list_invocations, ROUTE_PLAIN,
          .internal = true },
        { HTTP_GET_, "/_lambent/doctor", "Doctor", api_doctor, ROUTE_PLAIN, .internal = true },
        { HTTP_GET_, "/metrics", "Metrics", api_metrics, ROUTE_PLAIN, .internal = true },
        { HTTP_GET_, "/_lambent/code/{}", "Download", api_download, ROUTE_PLAIN, .internal = true },
        { HTTP_POST_, "/_lambent/environments/evict", "EvictEnvironments", api_evict, ROUTE_JSON,
          .internal = true },
        { HTTP_POST_, "/_lambent/environments/{}/evict", "EvictEnvironment", api_evict, ROUTE_JSON,
          .internal = true },
        { HTTP_GET_, "/_lambent/logs", "ReadLogs", api_logs, ROUTE_RAW, .internal = true },
};

const struct api_route *route_table(size_t *ret_count) {
        *ret_count = ARRAY_SIZE(table);
        return table;
}

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

static bool matches(const char *pattern, const char *path, const char *query,
                    struct route_labels *ret_labels) {
        const char *p = pattern, *s = path;

        ret_labels->count = 0;
        while (*p && *p != '?') {
                if (p[0] == '{') {
                        size_t len = strcspn(s, "/");

                        if (len == 0)
                                return false;
                        must(ret_labels->count < API_LABELS_MAX);
                        ret_labels->label[ret_labels->count].start = s;
                        ret_labels->label[ret_labels->count++].len = len;
                        s += len;
                        p += 2;
                } else if (*p++ != *s++) {
                        return false;
                }
        }
        if (s[0] == '/' && s[1] == '\0')
                s++;
        return *s == '\0' && (*p == '\0' || query_has(query, p + 1));
}

int route_find(enum http_method method, const char *path, const char *query,
               const struct api_route **ret_route, struct route_labels *ret_labels) {
        for (size_t i = 0; i < ARRAY_SIZE(table); i++) {
                if (table[i].method == method && matches(table[i].pattern, path, query, ret_labels)) {
                        *ret_route = &table[i];
                        return 0;
                }
        }
        return ROUTE_NO_PATH;
}
