/* SPDX-License-Identifier: Apache-2.0 */
/*
 * configuration - the members that CreateFunction and UpdateFunctionConfiguration share: checked, then
 * applied
 *
 * Two passes, because AWS has two: the constraints of the model, all violations at once (rules.h), then
 * Lambda's own checks, the first violation only. What means nothing on one machine (VPC, dead letters, file
 * systems, keys) is checked lightly, kept and shown.
 */
#pragma once
#include "api/request.h"
#include "api/rules.h"

/* The first pass, over the shared members. */
bool configuration_check(const json_t *body, struct checker *c, struct problem *ret_problem);
/* What a function has that says nothing else. */
void configuration_default(struct version_config *ret_config);
/* The second pass: changes *c by what the body says. region: the function's. */
bool configuration_apply(struct api_request *r, const char *region, const json_t *body,
                         struct version_config *c, struct problem *ret_problem);
/* Code and layers together must fit (facts/control-plane.md section 8). */
bool configuration_fits(const struct version_config *c, struct problem *ret_problem);

extern const struct rule role_rule, architectures_rule;

/* environment_rules.c: Environment.Variables as Lambda checks them (facts/environment.md section 1.4). */
bool environment_name_is_valid(const char *name);
bool environment_apply(const json_t *variables, struct version_config *c, struct problem *ret_problem);
