/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configuration - the members that CreateFunction and UpdateFunctionConfiguration share
 *
 * By now the constraints of the model have been checked, all violations at once (constraints.h); here come
 * Lambda's own checks, the first violation only. What means nothing on one machine (VPC, dead letters, file
 * systems, keys) is checked lightly, kept and shown.
 */
#pragma once
#include "api/request.h"

/* What a function has that says nothing else. */
void configuration_default(struct version_config *ret_config);
/* Changes *c by what the body says. region: the function's. */
bool configuration_apply(struct api_request *r, const char *region, const json_t *body,
                         struct version_config *c, struct problem *ret_problem);
/* Code and layers together must fit (docs/aws.md, limits). */
bool configuration_fits(const struct version_config *c, struct problem *ret_problem);

/* environment_rules.c: Environment.Variables as Lambda checks them (docs/aws.md, variables). */
bool environment_apply(const json_t *variables, struct version_config *c, struct problem *ret_problem);
