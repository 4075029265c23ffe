/* SPDX-License-Identifier: Apache-2.0 */
/* What function.c, registry.c, load.c and layers.c share; nobody else includes it. */
#pragma once
#include "function/registry.h"
#include "loop/loop.h"
#include "store/store.h"

struct checkpoint;

struct registry {
        struct loop *loop;
        struct store *store;
        struct registry_ports ports;
        struct map functions; /* "account/region/name" */
        struct map digests;   /* how many use what */
        struct map accounts;  /* concurrency.h */
        struct list alive;    /* every struct version there is */
        struct list waiting;  /* versions whose preparation has not begun */
        struct defer prepare_some;
        struct checkpoint *checkpoint; /* under way */
};

/* A version that counts as a user of its digests; refs is 1. Takes the configuration's contents. */
struct version *version_new(struct registry *r, struct function *f, const char *number,
                            struct version_config *config_consume);
/* A new revision id. */
void version_touch(struct version *v);
void version_set_state(struct version *v, enum function_state state, const char *code, const char *reason);
void version_set_update(struct version *v, enum update_status update, const char *code, const char *reason);
/* Of its configuration; malloc'ed. */
char *version_fingerprint(const struct version *v);
/* The store's number for it: a published one's own, 0, STORE_SERVING or STORE_LATEST_PUBLISHED. */
int64_t version_stored_number(const struct version *v);
/* Between store_begin and store_commit. */
int version_save(struct version *v, int64_t number);

struct function *function_new(struct registry *r, const char *account, const char *region, const char *name);
/* Out of the registry's map, with its versions. */
void function_free(struct registry *r, struct function *f);
void registry_want_prepared(struct registry *r, struct version *v);
/* Commits; on failure rolls back. Starts a checkpoint when it is time. */
int registry_commit(struct registry *r);
