/* SPDX-License-Identifier: Apache-2.0 */
/*
 * tunnel - connections of the function that a link carries to the daemon
 *
 * Both ends are the same: a socket whose bytes become TUNNEL_DATA and the other way round, under credit both ways, each
 * direction closed on its own. init accepts a connection inside and opens a tunnel; the daemon decides where it leads
 * and answers with a socket of its own, or closes it. Sockets are read only while the line keeps up.
 * Messages for a tunnel that has ended meanwhile are normal and ignored.
 */
#pragma once
#include "runtime/line.h"

struct tunnels {
        struct loop *loop;
        struct line *line;
        struct list all;
        size_t count;
        uint32_t last_id; /* of the end that opens */
};

void tunnels_init(struct tunnels *tunnels, struct loop *loop, struct line *line);
void tunnels_deinit(struct tunnels *tunnels); /* resets all connections; legal on a zeroed one */
/* fd: a non-blocking stream socket, taken over in any case. Beyond TUNNELS_MAX it is reset. */
void tunnels_open(struct tunnels *tunnels, int fd, enum tunnel_kind kind, uint16_t port);
/* The answer to the other end's TUNNEL_OPEN; fd may still be connecting; -1 refuses. */
void tunnels_accept(struct tunnels *tunnels, uint32_t id, int fd);
/* TUNNEL_DATA, _CREDIT, _END, _CLOSE. NULL, or what is wrong with it. */
const char *tunnels_on_message(struct tunnels *tunnels, const struct link_message *message);
/* The line has taken all that it had refused. */
void tunnels_on_drain(struct tunnels *tunnels);
