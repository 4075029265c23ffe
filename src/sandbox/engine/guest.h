/* SPDX-License-Identifier: Apache-2.0 */
/*
 * guest - a container of ours in which nothing of ours runs: what the image brings, its output, and one port
 *
 * Made, followed and removed as every container (containers.h): the same limits, labels and code, but the image's own
 * program is PID 1, and what it is to know stands in the container's configuration. Its port is published on loopback
 * alone. Ops come from the loop and from the engine's events, never from inside these calls. Loop thread only.
 */
#pragma once
#include "sandbox/engine/containers.h"

struct container;

struct guest_spec {
        const struct environment_spec
                *environment;    /* task_dir, opt_dir: host paths; its vars are not looked at */
        struct image *image;     /* its own reference is taken */
        const char *const *argv; /* the whole command line, NULL-terminated; copied */
        const char *working_dir; /* copied */
        const char *const *vars; /* "NAME=VALUE", NULL-terminated; copied */
        bool runtime_is_task;    /* the code is /var/runtime too */
        uint16_t port;           /* what it will listen on */
};

struct guest_ops {
        void (*running)(void *owner); /* it was started, and its addresses are known */
        void (*output)(void *owner, bool is_error, const char *data, size_t len);
        void (*output_ended)(void *owner);
        /* It could not be made, or is no more. Nothing comes after it but the end of its output. */
        void (*lost)(void *owner, enum remote_loss loss, const char *why);
};

/* NULL: there is no engine. */
struct container *guest_new(struct containers *c, const struct guest_spec *spec, const struct guest_ops *ops,
                            void *owner);
void guest_begin(struct container *container); /* the cold start */
/* The n-th way to its port, "host:port": the published one, and the container's own address where that is on a network of
 * ours. NULL: there are no more. */
const char *guest_address(const struct container *container, size_t n);
/* Whether the kernel has killed a process in it for lack of memory; false also where that cannot be known, and once it has ended. */
bool guest_has_starved(const struct container *container);
/* Whether the end of its output is still to come. */
bool guest_has_output(const struct container *container);
/* Ends its processes: its output ends, and it is lost. */
void guest_kill(struct container *container);
void guest_free(struct container *container); /* gives the engine's container to be removed */
