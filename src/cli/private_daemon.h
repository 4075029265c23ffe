/* SPDX-License-Identifier: Apache-2.0 */
/*
 * private_daemon - a `lambent serve` of our own: a free port, a temporary data dir, gone when we are
 *
 * For run, exec and doctor. A life-line pipe tells it that we have ended, however we did, and it removes its
 * data dir itself, so nothing stays even when we are killed.
 */
#pragma once
#include "cli/client.h"
#include "cli/process.h"

struct private_daemon {
        struct child child;
        int life_line; /* closing it stops the daemon */
        char *endpoint, *data_dir;
};

/* arguments: more options for serve, NULL-terminated; may be NULL. 0, or -errno after a complaint. */
int private_daemon_start(struct private_daemon *daemon, const char *const *arguments);
/* Lets it drain (abrupt: not), waits, and makes sure that the data dir is gone. Exit code of the daemon. */
int private_daemon_stop(struct private_daemon *daemon, bool abrupt);
