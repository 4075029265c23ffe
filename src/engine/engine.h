/* SPDX-License-Identifier: Apache-2.0 */
/*
 * engine - the whole Lambda without its front door: what the API room and liblambent share
 *
 * Owns the store, the content store, the logs, the registry, the pools and the sandbox; everything on one loop.
 */
#pragma once
#include "function/function.h"
#include "function/invocation.h"
#include "function/registry.h"
#include "loop/loop.h"

struct containers;
struct content_store;
struct image_source;
struct logs;
struct interpreters;
struct native;
struct store;

/* How a daemon that root has started stops being root while it opens; the steps may say a sentence why it cannot. */
struct engine_user {
        /* Before anything is written but the lock and the sandbox's folder: gives the data dir to its user. */
        int (*prepare)(void *owner, char **ret_problem);
        /* Whether that is somebody else than root, who is us. */
        bool (*leaves_root)(void *owner);
        /* The launcher has been started, which needs the privileges, and the broker: nobody else may keep them. */
        int (*become)(void *owner, char **ret_problem);
        void *owner;
};

struct engine_options {
        const char *data_dir;
        const char *libexec_dir;  /* lambent-launcher, lambent-archive, lambent-broker */
        const char *runtimes_dir; /* our runtime clients: python/, nodejs/ */
        const char *sandbox;      /* "auto", "native", "docker", "podman" */
        int sandbox_tier;         /* 0: the best that holds; 1..3 */
        const char *region, *account;
        nsec_t idle_ttl, freeze_after; /* freeze_after NSEC_NEVER: never */
        size_t environments_max;       /* 0: what descriptors allow */
        bool private_network, cpu_share, strict_runtimes;
        bool temporary; /* the data dir will be thrown away: nothing is worth preparing for later */
        /* Of containers. NULL or "": the default. */
        const char *pull;              /* "missing", "always", "never" */
        const char *image_mirror;      /* instead of public.ecr.aws/lambda */
        const char *private_registry;  /* HOST:PORT that stands for AWS's private ones */
        const char *container_network; /* of the engine */
        const char *container_mode;    /* "auto", "init", "rie" */
        nsec_t rie_ready_time;         /* for an emulator to answer; 0: the default */
        size_t container_spares;       /* started before they are wanted */
        bool container_writable, container_privileges;
        uint64_t log_bytes_max;         /* per log group */
        const char *endpoint;           /* "http://127.0.0.1:4566": for download Locations */
        const struct engine_user *user; /* NULL: whoever we are; used by engine_open only */
};

struct engine;
/* Opens (and locks) the data dir. 0, or -errno with a sentence that says what to do (malloc'ed). -EBUSY: locked by another daemon. */
int engine_open(struct loop *loop, const struct engine_options *options, struct engine **ret_engine,
                char **ret_problem);
/* No new invocations; on_drained once none is under way. */
void engine_drain(struct engine *e, void (*on_drained)(void *owner), void *owner);
void engine_close(struct engine *e);

/* Who answers what a function sends to its environment's listener beside the Runtime API (AWS_ENDPOINT_URL_LAMBDA). */
struct http_exchange;
void engine_serve_functions(struct engine *e, void (*serve)(struct http_exchange *x, void *owner),
                            void *owner);

/* Who knows images; borrowed until engine_close. Call it between engine_open and the first turn of the loop. */
void engine_set_images(struct engine *e, const struct image_source *source);
const struct image_source *engine_images(const struct engine *e); /* NULL: no function can be an image */
/* What to say then. */
#define IMAGES_ABSENT "lambent has no container engine here, and images run in containers only."

const struct engine_options *engine_options(const struct engine *e);
struct loop *engine_loop(const struct engine *e);
struct registry *engine_registry(const struct engine *e);
struct pools *engine_pools(const struct engine *e);
struct content_store *engine_content(const struct engine *e);
struct logs *engine_logs(const struct engine *e);
/* What the logs call the groups of an account in a region, and one of them (logs.h, scopes); malloc'ed. */
char *engine_log_scope(const char *account, const char *region);
char *engine_log_group(const char *account, const char *region, const char *group);
struct store *engine_store(const struct engine *e);
/* Who runs the function inside: "init", ours; "rie", the emulator that the image brings. NULL: not in a container. */
const char *engine_container_mode(const struct engine *e, const struct version *v);
struct containers *engine_containers(const struct engine *e); /* NULL: --sandbox native */
struct native *engine_native(const struct engine *e,
                             const char **ret_problem); /* NULL and why: containers only */
struct interpreters *engine_interpreters(const struct engine *e);
