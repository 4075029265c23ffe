/* SPDX-License-Identifier: Apache-2.0 */
/*
 * container - an environment in a real lambent-init, the first process of pid, mount and network namespaces of its own
 *
 * $LAMBENT_INIT is the program, $LAMBENT_GUEST the runtime (tests/guests/c-bootstrap). What the environment tells is
 * written into `events`, a line each. Needs root and unshare(1); container_can_run says whether they are there.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "loop/loop.h"
#include "runtime/remote.h"

enum transport { OVER_SOCKET, OVER_STDIO };

struct container {
        enum transport transport;
        /* To be set before container_start. */
        const char *word; /* the guest's handler */
        uint32_t uid;
        uint16_t ports[2];
        size_t port_count;
        bool hold_credit;
        const char *extension; /* a script that lies in its /opt/extensions; NULL: none */

        struct loop *loop;
        struct environment *e;
        pid_t pid; /* of unshare */
        int listen_fd;
        struct source listener, in;
        int stdio[2]; /* what init's stdout says comes here, its stdin from there */
        char dir[64], guest[128], socket[128];
        struct buf events, log, chunks;
        struct invocation_order order;
        struct iovec event;
        struct buf event_text;
        unsigned served;
        bool gone;
};

bool container_can_run(void);
void container_set(struct container *c, enum transport transport);
void container_start(struct container *c); /* until ready */
void container_begin(struct container *c); /* without waiting */
/* Ends it, and says that nothing of it is left. */
void container_end(struct container *c);

void container_invoke(struct container *c, const char *event);
/* Waits for a line of events that begins so; forgets it and those before. Returns it. */
const char *container_await(struct container *c, const char *event);
/* Invokes and answers the line "answered …" once it is idle. */
const char *container_ask(struct container *c, const char *event);
