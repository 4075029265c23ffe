/* SPDX-License-Identifier: Apache-2.0 */
/*
 * family - the descendants of a process, parents before children, as /proc/<pid>/task/<tid>/children tells
 *
 * A look, not a lock: who forks meanwhile is missed, so whoever wants all of them looks again.
 */
#pragma once
#include <sys/types.h>

#include "base/util.h"

#define FAMILY_MAX 2048

/* Appends the children of pid to family; the new count, FAMILY_MAX at most. */
size_t family_add_children(pid_t pid, pid_t *family, size_t count);
/* Appends the descendants of the first count; the new count. */
size_t family_add_descendants(pid_t *family, size_t count);
/* All descendants; their number. */
size_t family_find(pid_t pid, pid_t family[static FAMILY_MAX]);
