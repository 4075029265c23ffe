/* SPDX-License-Identifier: Apache-2.0 */
/*
 * operations - what the route table names: one function an operation
 *
 * Each answers its request once, now or later (request.h).
 */
#pragma once
#include "api/api.h"
#include "api/request.h"

/* functions.c */
void api_create_function(struct api_request *r);
void api_get_function(struct api_request *r);
void api_get_function_configuration(struct api_request *r);
void api_delete_function(struct api_request *r);

/* aliases.c */
void api_create_alias(struct api_request *r);
void api_get_alias(struct api_request *r);
void api_update_alias(struct api_request *r);
void api_delete_alias(struct api_request *r);
void api_list_aliases(struct api_request *r);

/* concurrency.c */
void api_put_function_concurrency(struct api_request *r);
void api_get_function_concurrency(struct api_request *r);
void api_delete_function_concurrency(struct api_request *r);
void api_get_account_settings(struct api_request *r);

/* policies.c */
void api_add_permission(struct api_request *r);
void api_remove_permission(struct api_request *r);
void api_get_policy(struct api_request *r);
void api_add_layer_version_permission(struct api_request *r);
void api_remove_layer_version_permission(struct api_request *r);
void api_get_layer_version_policy(struct api_request *r);

/* tags.c */
void api_tag_resource(struct api_request *r);
void api_untag_resource(struct api_request *r);
void api_list_tags(struct api_request *r);

/* urls.c */
void api_create_function_url_config(struct api_request *r);
void api_get_function_url_config(struct api_request *r);
void api_update_function_url_config(struct api_request *r);
void api_delete_function_url_config(struct api_request *r);
void api_list_function_url_configs(struct api_request *r);

/* event_invoke.c */
void api_put_function_event_invoke_config(struct api_request *r);
void api_update_function_event_invoke_config(struct api_request *r);
void api_get_function_event_invoke_config(struct api_request *r);
void api_delete_function_event_invoke_config(struct api_request *r);
void api_list_function_event_invoke_configs(struct api_request *r);

/* runtime_settings.c */
void api_put_function_recursion_config(struct api_request *r);
void api_get_function_recursion_config(struct api_request *r);
void api_put_runtime_management_config(struct api_request *r);
void api_get_runtime_management_config(struct api_request *r);

/* code_signing.c */
void api_create_code_signing_config(struct api_request *r);
void api_get_code_signing_config(struct api_request *r);
void api_update_code_signing_config(struct api_request *r);
void api_delete_code_signing_config(struct api_request *r);
void api_list_code_signing_configs(struct api_request *r);
void api_list_functions_by_code_signing_config(struct api_request *r);
void api_put_function_code_signing_config(struct api_request *r);
void api_get_function_code_signing_config(struct api_request *r);
void api_delete_function_code_signing_config(struct api_request *r);

/* event_sources.c */
void api_create_event_source_mapping(struct api_request *r);
void api_get_event_source_mapping(struct api_request *r);
void api_update_event_source_mapping(struct api_request *r);
void api_delete_event_source_mapping(struct api_request *r);
void api_list_event_source_mappings(struct api_request *r);

/* capacity_providers.c */
void api_create_capacity_provider(struct api_request *r);
void api_get_capacity_provider(struct api_request *r);
void api_update_capacity_provider(struct api_request *r);
void api_delete_capacity_provider(struct api_request *r);
void api_list_capacity_providers(struct api_request *r);
void api_list_function_versions_by_capacity_provider(struct api_request *r);

/* scaling.c */
void api_put_function_scaling_config(struct api_request *r);
void api_get_function_scaling_config(struct api_request *r);

/* durable.c: requests about an execution, a callback, and a checkpoint; and the list of a function's */
void api_no_durable_execution(struct api_request *r);
void api_no_durable_callback(struct api_request *r);
void api_no_durable_checkpoint(struct api_request *r);
void api_list_durable_executions_by_function(struct api_request *r);

/* provisioned.c */
void api_put_provisioned_concurrency_config(struct api_request *r);
void api_get_provisioned_concurrency_config(struct api_request *r);
void api_delete_provisioned_concurrency_config(struct api_request *r);
void api_list_provisioned_concurrency_configs(struct api_request *r);

/* resource_policies.c */
void api_put_resource_policy(struct api_request *r);
void api_get_resource_policy(struct api_request *r);
void api_delete_resource_policy(struct api_request *r);

/* lists.c */
void api_list_functions(struct api_request *r);
void api_list_versions_by_function(struct api_request *r);

/* updates.c */
void api_update_function_code(struct api_request *r);
void api_update_function_configuration(struct api_request *r);
void api_publish_version(struct api_request *r);

/* layers.c */
void api_publish_layer_version(struct api_request *r);
void api_get_layer_version(struct api_request *r);
void api_get_layer_version_by_arn(struct api_request *r);
void api_delete_layer_version(struct api_request *r);
void api_list_layers(struct api_request *r);
void api_list_layer_versions(struct api_request *r);

/* foreign_layers.c */
void api_import_layer(struct api_request *r);
void api_forget_layer(struct api_request *r);
void api_list_all_layers(struct api_request *r);

/* download.c */
void api_download(struct api_request *r);

/* health.c */
void api_health(struct api_request *r);

/* introspect.c */
void api_list_environments(struct api_request *r);
void api_evict(struct api_request *r);
void api_list_invocations(struct api_request *r);
void api_doctor(struct api_request *r);
void api_metrics(struct api_request *r);

/* read_logs.c */
void api_logs(struct api_request *r);
