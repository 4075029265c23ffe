/* SPDX-License-Identifier: Apache-2.0 */
/* rights - giving up what the kernel lets a privileged thread do; what comes from the thread later has no more. */
#pragma once
#include <linux/capability.h>

#include "base/util.h"

/* No program can bring capabilities, or another identity, any more: the bounding and the ambient set are emptied, and
 * no_new_privs is set. What the thread has now it keeps. 0 or -errno; -EPERM when only the bounding set could not be
 * emptied, for lack of CAP_SETPCAP. */
int rights_never_more(void);
/* The capabilities of a set (1u << CAP_KILL | …) and no others. 0 or -errno. */
int rights_keep(uint32_t capabilities);
