/* SPDX-License-Identifier: Apache-2.0 */
/*
 * oom_kills - how many processes of a container the kernel has killed for lack of memory, by the container's cgroup
 *
 * For engines that tell nobody. Only where the container runs on this machine and its cgroup can be seen from here.
 */
#pragma once
#include "base/util.h"

/* Of the container whose first process this is, in the engine's numbering; id: what the engine calls it, which its cgroup must be named
 * after. A descriptor, or -errno: it cannot be known. */
int oom_kills_open(int64_t pid, const char *id);
uint64_t oom_kills(int fd); /* 0 also when the container is gone, or fd is negative */
