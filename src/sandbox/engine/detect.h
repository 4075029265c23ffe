/* SPDX-License-Identifier: Apache-2.0 */
/*
 * detect - which container engine there is
 *
 * In this order, the first that answers within its time: what LAMBENT_CONTAINER_CLI names (nothing else is tried then);
 * DOCKER_HOST; the current docker context; the sockets of Docker, Docker Desktop, Colima, rootless Docker, Podman
 * (root's, then the user's); then what the commands docker, podman, nerdctl and finch lead to, of those that are installed and
 * whose info works: the socket they know of, for podman a service of our own, which ends when nobody has used it for a
 * few seconds, else the command itself (command_line.h). A wanted kind ("docker", which nerdctl and finch are taken for, or
 * "podman") leaves the others out. Nothing here blocks the loop: files are read and commands run on the worker thread, each
 * for a bounded time.
 *
 * A daemon that has given root up has a broker (sandbox/broker/broker.h) for the sockets that it may not open itself. What root saw
 * of the variables, contexts and sockets then comes first, for much of it nobody else may see.
 */
#pragma once
#include "sandbox/engine/docker.h"

#define DETECT_ENDPOINTS_MAX 16

struct endpoint {
        char *address;         /* as docker_new takes it */
        char *found_by;        /* a few words */
        const char *kind;      /* what it must be: "docker", "podman"; NULL: anything */
        struct docker_tls tls; /* owned */
        bool guessed;          /* one of the usual places: that it is absent says nothing */
        bool by_broker;        /* may be opened by root only */
};

struct engine_facts {
        struct endpoint endpoint;
        const char *kind; /* "docker", "podman" */
        char *version, *architecture, *kernel;
};

struct detect {
        struct loop *loop;
        const char *choice, *state_dir;
        struct broker *broker; /* NULL: none */
        struct detect_job *job;
        struct endpoint endpoints[DETECT_ENDPOINTS_MAX];
        size_t count, at;
        bool commands_tried;
        struct docker *docker;
        struct docker_call call;
        struct buf problems; /* why each of them was not taken */
        pid_t service;       /* a podman service of our own; 0: none */
        struct engine_facts facts;
        /* facts (valid until the next detection), or NULL and a sentence. */
        void (*done)(struct detect *detect, const struct engine_facts *facts, const char *problem);
};

/* Before root is given up: starts the broker (program) for the sockets that are, or may come to be, where detect_begin will look.
 * *ret_broker is NULL where none comes into question. 0 or -errno. */
int detect_start_broker(struct loop *loop, const char *program, const char *choice,
                        struct broker **ret_broker);

/* choice: "auto", "docker", "podman"; state_dir: for the socket of a service of our own; broker: NULL where we may open whatever
 * we may use. All borrowed. */
void detect_begin(struct detect *detect, struct loop *loop, const char *choice, const char *state_dir,
                  struct broker *broker,
                  void (*done)(struct detect *detect, const struct engine_facts *facts, const char *problem));
static inline bool detect_is_under_way(const struct detect *detect) {
        return detect->done != NULL;
}
void detect_clear(struct detect *detect); /* cancels; legal on a zeroed one */

/* What DOCKER_HOST and contexts say: "unix:///run/docker.sock", "tcp://host:2375". The address for docker_new, malloc'ed;
 * NULL with a sentence (malloc'ed) for what is not spoken here (ssh://). *wanted: whether over TLS, which https:// decides by
 * itself; no socket is. */
char *detect_address(const char *host, bool *wanted, char **ret_problem);
/* The host of the context that a Docker configuration folder has as its current one, and what it says of TLS (to be
 * cleared). 0, -ENOENT (none, or the default), -EINVAL. */
int detect_context(const char *folder, const char *name, char **ret_host, struct docker_tls *ret_tls);
