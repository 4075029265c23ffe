/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - all functions and layers that exist, in memory, with the store behind them
 *
 * Every change is one transaction of the store, made before the call returns (memory first, then store, then the
 * answer; a failed commit takes the change in memory back). Preparing code (unpacking, merging layers) takes
 * time: a new version is Pending, an update InProgress, until registry_ports.prepare has called back.
 * Loop thread only.
 */
#pragma once
#include "function/function.h"

struct loop;
struct store;

struct registry_ports {
        /* Unpacks v's code and merges its layers, sets v->task_dir and v->opt_dir, then calls registry_prepared. */
        void (*prepare)(void *owner, struct version *v);
        /* No environment of this version may take a new invocation; they end when idle. */
        void (*retire)(void *owner, struct version *v);
        /* A digest that nothing refers to any more. */
        void (*forget_code)(void *owner, const char *sha256);
        void *owner;
};

struct registry *registry_new(struct loop *loop, struct store *store, const struct registry_ports *ports);
/* Reads everything from the store; prepares what is not prepared. 0 or -errno. */
int registry_load(struct registry *r);
void registry_free(struct registry *r);

/* The outcome of a preparation: ok, or the AWS reason code and sentence. */
void registry_prepared(struct registry *r, struct version *v, const char *reason_code, const char *reason);

struct function *registry_find(const struct registry *r, const char *account, const char *region, const char *name);
/* The version that an invocation with this qualifier runs on (NULL or "$LATEST": serving); NULL: no such one. */
struct version *registry_resolve(const struct registry *r, const char *account, const char *region, const char *name,
                                 const char *qualifier);
