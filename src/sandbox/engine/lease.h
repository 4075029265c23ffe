/* SPDX-License-Identifier: Apache-2.0 */
/*
 * lease - whether the lambent that made a container still lives, told by a label and without asking it
 *
 * BOOT/PIDNS/PID/START: the machine's boot, the process namespace, the process and when it started. A lease is dead
 * when it is of an earlier boot of this machine, or names a process of our own namespace that is no more. One of
 * another namespace (a lambent in a container) nobody here can judge: it is left alone, and its containers end by
 * themselves when it does.
 */
#pragma once
#include "base/util.h"

/* Of this process; malloc'ed. */
char *lease_make(void);
/* local: the engine runs on this machine's kernel, so that another boot's id is an earlier boot. */
bool lease_is_dead(const char *lease, bool local);
