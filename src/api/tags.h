/* SPDX-License-Identifier: Apache-2.0 */
/* tags - what functions, event source mappings and code signing configurations are tagged with */
#pragma once
#include "api/request.h"

#define TAGS_MAX 50

/* Not too many. */
bool tags_check(const json_t *tags, struct problem *ret_problem);
/* The tags of what is no function, from now on. 0 or -errno. */
int tags_put(struct api_request *r, const char *arn, const json_t *tags);
