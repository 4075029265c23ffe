/* SPDX-License-Identifier: Apache-2.0 */
/*
 * compiled - our Python client together with its bytecode
 *
 * Functions see the client on a read-only mount, so Python would compile it anew at every cold start, which
 * takes longer than the rest of its own start. Once per data dir and interpreter that interpreter copies and
 * compiles the client on the worker thread, into <data dir>/runtimes/<digest of the sources and of the
 * interpreter's path>. Until then, and whenever that fails, the client is used as it is installed. Bytecode
 * of another Python is never read: Python looks at its version, and the digest at the sources.
 */
#pragma once
#include "engine/interpreters.h"

struct compiled;
struct compiled *compiled_new(struct loop *loop, const char *runtimes_dir, const char *data_dir);
void compiled_free(struct compiled *c);

/* Has it made if it is a Python and not there. */
void compiled_want(struct compiled *c, const struct interpreter *in);
/* NULL: not there, or not yet. */
const char *compiled_dir(const struct compiled *c, const struct interpreter *in);
