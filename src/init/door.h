/* SPDX-License-Identifier: Apache-2.0 */
/*
 * door - listeners on the loopback inside whose connections go through the link to the daemon
 *
 * The API door leads to the daemon's AWS API; a port's door leads to the same port of the daemon's own loopback, so that
 * the function's localhost is the developer's. Loop thread only.
 */
#pragma once
#include "runtime/place.h"
#include "runtime/tunnel.h"

struct door;

struct doors {
        struct loop *loop;
        struct tunnels *tunnels;
        struct place *place; /* asked whose a connection is; NULL where nobody else can come */
        struct list all;
};

void doors_init(struct doors *doors, struct loop *loop, struct tunnels *tunnels, struct place *place);
void doors_close(struct doors *doors);
/* On any free port of 127.0.0.1. 0 or -errno. */
int doors_open_api(struct doors *doors, uint16_t *ret_port);
/* On this port of 127.0.0.1 and [::1]; where it is taken, what is there stays reachable instead. */
void doors_open_port(struct doors *doors, uint16_t port);
