/* SPDX-License-Identifier: Apache-2.0 */
/* detect_places - where engines may be: what the worker thread finds out for detect.c; nobody else includes it. */
#pragma once
#include "sandbox/engine/detect.h"

struct places {
        struct endpoint endpoints[DETECT_ENDPOINTS_MAX];
        size_t count;
        struct buf problems; /* "; "-separated */
        pid_t service;       /* of a podman service of our own; 0: none */
        nsec_t patience;     /* with each command; 0: ten seconds */
        bool for_broker;     /* what is not there yet counts, what others than root have a say in does not */
};

/* Of files and variables, as root, what a broker is to open later (unix sockets; what else is found is of no use to it). */
void places_look_for_broker(struct places *p);
/* A broker's list is the beginning of what places_look will find, but for guesses that are surely not there. On the loop thread. */
void places_begin_with(struct places *p, const struct broker *broker);
/* The files and variables; or, when LAMBENT_CONTAINER_CLI is set, what that command leads to. */
void places_look(struct places *p, const char *choice, const char *state_dir);
/* The commands docker, podman, nerdctl, finch, when no socket has answered. */
void places_ask_commands(struct places *p, const char *choice, const char *state_dir);
