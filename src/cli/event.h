/* SPDX-License-Identifier: Apache-2.0 */
/* event - the payload of --event: JSON as it stands, @FILE, or - for standard input. */
#pragma once
#include "base/buf.h"

/* What AWS takes at most for a synchronous invocation, and some, so that its refusal is what the user reads.
 */
#define EVENT_BYTES_MAX (8 * MIB)

/* NULL is no event at all. 0, or -errno after a complaint; also for what is no JSON, with line and column. */
int event_read(const char *argument, struct buf *ret_event);
/* The bytes on standard output, and a newline where they do not end with one. */
void print_payload(const char *data, size_t len);
