/* SPDX-License-Identifier: Apache-2.0 */
/*
 * broker - connections to sockets of engines that only root may open
 *
 * Who may open an engine's socket has root's power, so a daemon that gives root up is in no group that may: everything it
 * starts would be, too. A process that stays root, lambent-broker, makes the connections instead, and hands them over. What
 * can be asked of it is decided before root is given up: a list of sockets, asked for by number; and it opens none of them
 * unless nobody but root can have put there what answers (roots_own.h). It has root's name, no capability, no descriptor but its
 * end of a socketpair, and ends with the daemon. When it is killed only root could start another one: connections that
 * were made live on, new ones fail and say so.
 *
 * The daemon's end is here: a dialer (http/transport.h) of such connections. Loop thread only.
 */
#pragma once
#include "http/client.h"

#define BROKER_PLACES_MAX 16

/* A socket that can be asked for, and what is known of it. */
struct broker_place {
        char *address;    /* "unix:/run/docker.sock" */
        char *found_by;   /* a few words */
        const char *kind; /* static: "docker", "podman"; NULL: anything */
        bool guessed;     /* nobody has named it: it need not be there */
};

struct broker;

/* While we are root, and before anything runs that must not reach it. program: lambent-broker; the places are copied, at most
 * BROKER_PLACES_MAX. 0 or -errno. */
int broker_start(struct loop *loop, const char *program, const struct broker_place *places, size_t count,
                 struct broker **ret_broker);
/* Clients must have been freed. Waits for the process, a second at most. NULL is legal. */
void broker_free(struct broker *b);
const struct broker_place *broker_places(const struct broker *b, size_t *ret_count); /* NULL is legal: none */
/* Whether this address is one of the places. NULL is legal: no. */
bool broker_has(const struct broker *b, const char *address);

/* Why nothing can be opened any more, a sentence; NULL: it can, or b is NULL. */
const char *broker_problem(const struct broker *b);

/* A client (http/client.h) to one of the places. Errors are those of connect(2), -EAGAIN when nobody takes connections there;
 * -EPERM: somebody else than root could have put there what answers; -EPIPE: the process has ended. */
struct http_client *broker_client_new(struct broker *b, const char *address);
