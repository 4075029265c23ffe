/* SPDX-License-Identifier: Apache-2.0 */
/*
 * containers - execution environments that are containers of Docker or Podman
 *
 * One struct containers per daemon. Nothing is looked for until somebody wants it: then the engine is found
 * (detect.h), containers of lambents that have died are removed, its events are followed. Each environment is a container
 * with our init as PID 1, joined to the daemon by a link (runtime/remote.h): a unix socket in a folder bound into the
 * container where the engine shares our file system and kernel (found out by a trial, not assumed), else the container's own
 * standard streams through the engine's attach; code is bound from there or put in as archives.
 *
 * A container ends when its daemon does, however that ends (init sees the link break), and the engine removes it then. Loop
 * thread only.
 */
#pragma once
#include "runtime/remote.h"
#include "sandbox/engine/image.h"

struct broker;
struct containers;

struct containers_options {
        const char *choice;    /* "auto", "docker", "podman" */
        const char *init_dir;  /* where lambent-init is */
        const char *state_dir; /* ours alone; made when needed */
        const char *home;      /* what this data dir is called in labels: 32 hex digits */
        const char *network;   /* a network of the engine; NULL: its default one */
        struct broker *broker; /* opens what only root may (sandbox/broker/broker.h), borrowed; NULL: none */
        enum image_policy pull;
        size_t spares;    /* containers that are started before they are wanted, at most; 0: none */
        nsec_t spare_ttl; /* and how long one waits */
        bool cpu_share;
        bool writable_root, keep_capabilities;
        void (*note)(void *owner, const char *text); /* a line for the log; may be NULL */
        void (*serve)(void *owner, int fd);          /* as in struct remote_ports */
        void *owner;
};

struct containers *containers_new(struct loop *loop, const struct containers_options *options);
/* Removes every container, and waits for the engine to have done so, a few seconds at most. Environments must be gone.
 * NULL is legal. */
void containers_close(struct containers *c);

/* The engine that was found. */
struct containers_engine {
        const char *kind;     /* "docker", "podman" */
        const char *address;  /* "unix:/run/docker.sock" */
        const char *found_by; /* a few words: "DOCKER_HOST", "the rootless socket of Podman" */
        const char *version;
        const char *architecture; /* "x86_64", "arm64" */
};
/* NULL: not looked for yet, or there is none. *ret_problem, where one is given, says why there is none, or why one that there is cannot
 * be reached any more; it may be NULL. */
const struct containers_engine *containers_engine(const struct containers *c, const char **ret_problem);

/* "files and sockets", "files", "nothing"; "" while it is not known. */
const char *containers_shares(const struct containers *c);

/* Embedded in whoever waits. */
struct containers_wait {
        struct list link;
        void (*fn)(struct containers_wait *wait, const struct containers_engine *engine, const char *problem);
};
/* Looks for an engine unless one is known. fn comes from the loop: engine NULL and a sentence when there is none. */
void containers_want(struct containers *c, struct containers_wait *wait,
                     void (*fn)(struct containers_wait *wait, const struct containers_engine *engine,
                                const char *problem));
/* The same, for nobody: to remove what a daemon before us has left. */
void containers_look(struct containers *c);
void containers_wait_cancel(struct containers_wait *wait); /* legal on a zeroed one */
/* There is no init for this image's architecture, or it has been seen not to run in this image. */
bool containers_init_is_impossible(const struct containers *c, const struct image *image);
/* Of the engine; NULL without one. */
struct images *containers_images(struct containers *c);

/* The engine is to know the image as name ("REGISTRY/REPOSITORY:TAG") too, until containers_untag of the same digest (hex; of whatever
 * is named by it) or our end; a name that it has already is left alone (tags.h). */
void containers_tag(struct containers *c, const char *name, const struct image *image, const char *sha256);
void containers_untag(struct containers *c, const char *sha256);

/* Finds out what the engine shares with us, so that the first cold start need not wait for that. */
void containers_learn(struct containers *c, const struct image *image);

struct container_spec {
        const struct environment_spec *environment; /* task_dir, opt_dir: host paths */
        const struct runtime_command *command;      /* paths are those inside */
        struct image *image;                        /* its own reference is taken */
        bool runtime_is_task;                       /* provided.*: the code is /var/runtime too */
};
/* An environment like this one is soon to be wanted: a spare container is started for it. */
void containers_expect(struct containers *c, const struct container_spec *spec);
/* Not started. NULL when there is no engine. */
struct environment *containers_environment_new(struct containers *c, const struct container_spec *spec);
/* The container of an environment: its id, malloc'ed. NULL: none (yet). */
char *containers_find(const struct containers *c, const char *environment);
