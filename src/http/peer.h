/* SPDX-License-Identifier: Apache-2.0 */
/*
 * peer - whose socket is at the other end of a loopback connection, as the kernel's sock_diag tells
 */
#pragma once
#include "base/util.h"

struct peer {
        uint32_t uid;
        uint32_t inode; /* as in /proc/PID/fd: "socket:[inode]" */
};

/* A descriptor to ask with, or -errno. */
int peer_open_diag(void);
/* fd: an accepted IPv4 connection. 0, -ENOENT (it has gone) or another -errno. */
int peer_find(int diag, int fd, struct peer *ret_peer);
