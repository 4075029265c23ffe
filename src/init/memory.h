/* SPDX-License-Identifier: Apache-2.0 */
/*
 * memory - what the container uses, by its cgroup (v2, else v1) where that can be seen, else by its processes
 *
 * A cgroup is taken for the container's only when it has a limit: the machine's own root has none.
 */
#pragma once
#include "base/util.h"

struct memory {
        int peak_fd, current_fd, events_fd; /* -1: not to be seen */
        uint64_t highest;                   /* without a cgroup */
};

void memory_init(struct memory *memory);
void memory_deinit(struct memory *memory);
uint64_t memory_peak(struct memory *memory);
uint64_t memory_current(struct memory *memory);
/* How often the kernel has killed for want of memory; 0 when nobody says. */
uint64_t memory_oom_kills(const struct memory *memory);
