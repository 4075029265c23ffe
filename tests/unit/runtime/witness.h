/* SPDX-License-Identifier: Apache-2.0 */
/*
 * witness - an owner of an environment at the far end of a link, who writes down what he hears
 *
 * `events` has a line for each event ("started", "ready", "answered ok - {}"), `log` the log. What has gone is freed.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "runtime/remote.h"

struct witness {
        struct environment *e; /* NULL once it has gone */
        struct buf events, log;
        size_t chunks;  /* bytes of them */
        nsec_t start;   /* as `ready` told it */
        bool want_tail; /* and it must be the log */
};

/* Makes the environment: with these options, but for spec and command, which are the same for all. */
void witness_make(struct witness *w, const struct remote_options *options, bool log_json);
/* What was written down, as a string; it stays there. */
const char *witness_text_of(struct buf *buf);
void witness_end(struct witness *w);
