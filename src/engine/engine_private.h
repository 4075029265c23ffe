/* SPDX-License-Identifier: Apache-2.0 */
/* What the files of engine/ share; nobody else includes it. */
#pragma once
#include "engine/command.h"
#include "engine/compiled.h"
#include "engine/engine.h"
#include "engine/interpreters.h"
#include "function/images.h"
#include "function/pool.h"
#include "sandbox/engine/containers.h"
#include "sandbox/native/native.h"

struct engine {
        struct loop *loop;
        struct engine_options options; /* strings are copies, freed with `strings` */
        char *strings[16];
        size_t string_count;
        int lock_fd;
        struct store *store;
        struct content_store *content;
        struct logs *logs;
        struct native *native; /* NULL: it does not work here, and there are containers */
        char *native_problem;  /* why */
        struct interpreters *interpreters;
        struct compiled *compiled;
        struct registry *registry;
        struct pools *pools;
        struct broker *broker;         /* opens engines' sockets for one who was root; NULL: nobody does */
        struct containers *containers; /* NULL: --sandbox native */
        struct image_source image_source;
        const struct image_source *images; /* NULL: none */
        struct list image_questions;
        struct http_listener
                *tunnelled; /* what functions in containers send to the AWS API; NULL: nothing serves it */
        struct list preparations, watches;
        void (*serve)(struct http_exchange *x, void *owner);
        void *serve_owner;
};

/* Tells when a version's preparation has ended: code (AWS's) and reason are NULL when it can serve. For one who has just made it. */
struct prepared_watch {
        struct list link;
        struct version *version; /* a reference */
        void (*fn)(struct prepared_watch *watch, const struct version *v, const char *code,
                   const char *reason);
};
void engine_watch(struct engine *e, struct prepared_watch *watch, struct version *v,
                  void (*fn)(struct prepared_watch *watch, const struct version *v, const char *code,
                             const char *reason));
void engine_unwatch(struct prepared_watch *watch); /* legal on a zeroed one */

/* prepare.c: unpacks code, merges layers, finds the interpreter. */
void engine_prepare(void *owner, struct version *v);
/* Has a Python's bytecode of code and layers made where it is not there, or in the making. malloc'ed; NULL: none (yet). */
void engine_bytecode(struct engine *e, const struct version *v, const struct interpreter *in, char **ret_task,
                     char **ret_opt);
void engine_preparations_cancel(struct engine *e);

/* image_source.c: images as the engine has them. */
void image_source_open(struct engine *e);
void image_source_close(struct engine *e);
/* What the engine is asked for: pinned where a digest is known, in the registry that stands for AWS's. malloc'ed. */
char *engine_image_name(const struct engine *e, const char *uri, const char *sha256);

/* environments.c: what the pools ask for. */
/* Environments of v are soon to be wanted. */
void engine_expect(struct engine *e, const struct version *v);
extern const struct pools_ports engine_pools_ports; /* owner is filled in by engine_open */
