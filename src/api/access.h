/* SPDX-License-Identifier: Apache-2.0 */
/*
 * access - what one account may do with what belongs to another
 *
 * Within an account everything is allowed: nobody is authenticated here, and the policies of users and roles are not
 * looked at. Between accounts the resource's own policy decides, as on AWS (function/policy_decision.h): that of the
 * function, version or alias that the request names, or of the version of a layer. Silence is a refusal, also when there
 * is no such resource.
 */
#pragma once
#include "api/request.h"

/* Whether the caller may do what the request asks with a function, of its own account or another. False: answered. */
bool access_function(struct api_request *r, const struct function_ref *ref);
/* The same with a layer (number 0) or a version of it. */
bool access_layer(struct api_request *r, const char *account, const char *region, const char *name,
                  uint64_t number);
/* Whether the caller's functions may have it in their Layers. */
bool access_layer_use(struct api_request *r, const char *account, const char *region, const char *name,
                      uint64_t number, struct problem *ret_problem);
/* With what an ARN names and only its owner may touch: false, answered, unless the caller is that. */
bool access_own(struct api_request *r, const char *account, const char *arn);
