/* SPDX-License-Identifier: Apache-2.0 */
/*
 * schedule - the daemon's claim to the processor
 *
 * The loop works for microseconds at a time and everybody waits for it, but on a busy machine the one that has the processor
 * keeps it for a slice of some milliseconds. Since Linux 6.12 a thread may ask for shorter slices: it then gets its share in
 * smaller portions and sooner. It gets no more than before, and what it starts (threads, functions) has ordinary slices.
 */
#pragma once

/* For the calling thread. Without effect where the kernel cannot. */
void schedule_short_slices(void);
