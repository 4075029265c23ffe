/* SPDX-License-Identifier: Apache-2.0 */
/*
 * listen - from "127.0.0.1:4566" to listening sockets
 *
 * An address of loopback (127.0.0.1, localhost, or none before the colon) means both families, because
 * "localhost" is ::1 to some clients and 127.0.0.1 to others; a machine without IPv6 does without. Port 0
 * takes a free port, the same in both.
 */
#pragma once
#include "base/util.h"

#define LISTEN_SOCKETS_MAX 16

struct listen_sockets {
        int fds[LISTEN_SOCKETS_MAX];
        size_t count;
        bool foreign;   /* one of them can be reached from other machines */
        char *endpoint; /* "http://127.0.0.1:4566": how a client here reaches the first one */
};

/* Adds the sockets of one address. 0, or -errno with a sentence; what was opened before stays in the struct.
 */
int listen_open(struct listen_sockets *sockets, const char *address, char **ret_problem);
void listen_close(struct listen_sockets *sockets);
