/* SPDX-License-Identifier: Apache-2.0 */
/*
 * function_kind - settings that make a function one of a kind of its own
 *
 * CapacityProviderConfig (Lambda Managed Instances), DurableConfig, TenancyConfig, RuntimeConfig and AcceleratorConfig
 * of CreateFunction and UpdateFunctionConfiguration. A function is of its kind from the beginning: what it was created
 * without cannot be added (docs/aws.md, durable, capacity, tenants). What has an effect here: docs/settings.md.
 */
#pragma once
#include "api/request.h"
#include "function/registry.h"

/* Changes *c by what the body says; after the members that every function has. */
bool function_kind_apply(struct api_request *r, const json_t *body, struct version_config *c,
                         struct problem *ret_problem);
/* What Publish and PublishTo of a body ask for. */
bool function_kind_publication(const json_t *body, const struct version_config *c,
                               enum publication *ret_publication, struct problem *ret_problem);

/* capacity_providers.c: whether the ARN's exists, where the caller is. */
bool capacity_provider_check(struct api_request *r, const char *arn, struct problem *ret_problem);
