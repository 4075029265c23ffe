/* SPDX-License-Identifier: Apache-2.0 */
/* runtimes - which runtime identifiers the API takes, and what it says of the others (docs/aws.md, runtimes) */
#pragma once
#include "api/problem.h"

/* The set as AWS prints it in errors. */
extern const char runtimes_creatable[];
/* The long set that the filters of the layer lists take. */
extern const char runtimes_known[];
/* Newer than the recorded sets: AWS takes them too, and does not print them. */
extern const char runtimes_newer[];

/* May a function be created with it? */
bool runtime_check(const char *runtime, struct problem *ret_problem);
bool runtime_is_creatable(const char *runtime);
bool runtime_has_snap_start(const char *runtime);
/* An id per identifier and region that never changes: arn:aws:lambda:REGION::runtime:<64 hex>; malloc'ed. */
char *runtime_version_arn(const char *region, const char *runtime);
