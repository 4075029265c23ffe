/* SPDX-License-Identifier: Apache-2.0 */
/*
 * registry - all functions and layers that exist, with the store behind them
 *
 * Functions are in memory; layers are read from the store (no invocation needs them: a version has copies of
 * what it names). Every change is one transaction of the store, made before the call returns; a transaction
 * that fails leaves memory as it was. Preparing code (unpacking, merging layers) takes time: a new version is
 * Pending, an update InProgress, until registry_ports.prepare has called back. The port is never called
 * inside the call that made the version, but from the loop, so the answer to CreateFunction says Pending, as
 * AWS's does. After a restart versions that were Active are Active at once; they are prepared a few per turn,
 * and the one that registry_resolve is asked for before all others.
 *
 * Digests in use: each live struct version and each layer version of the store counts as a user of the
 * digests it names; when the last user goes, registry_ports.forget_code is called. registry_hold keeps a
 * digest while an upload has not become a function yet.
 *
 * Outcomes are positive (enum registry_outcome); negative is an errno: the store failed and nothing was
 * changed. Loop thread only.
 */
#pragma once
#include "function/function.h"

struct account_concurrency;
struct loop;
struct store;

struct registry_ports {
        /* Unpacks v's code and merges its layers, sets v->task_dir and v->opt_dir, or sees to it that its image is
         * there; then calls registry_prepared (at once is legal). The port takes a reference to v until then. */
        void (*prepare)(void *owner, struct version *v);
        /* No environment of this version may take a new invocation; they end when idle. */
        void (*retire)(void *owner, struct version *v);
        /* A digest of code, a layer or an image that nothing refers to any more. */
        void (*forget_code)(void *owner, const char *sha256);
        void *owner;
        /* So many environments of v are to be started beforehand (provisioned.h); NULL: nobody does. */
        void (*provision)(void *owner, struct version *v, size_t wanted);
};

/* Life. */
struct registry *registry_new(struct loop *loop, struct store *store, const struct registry_ports *ports);
/* Reads everything from the store; prepares what is not prepared. 0 or -errno. */
int registry_load(struct registry *r);
/* Versions that others still hold stay valid, without a registry. */
void registry_free(struct registry *r);

/* The outcome of a preparation: ok (both NULL), or the AWS reason code and sentence. */
void registry_prepared(struct registry *r, struct version *v, const char *reason_code, const char *reason);

/* Asking. */
struct function *registry_find(const struct registry *r, const char *account, const char *region,
                               const char *name);
/* The version that an invocation with this qualifier runs on (NULL or "$LATEST": serving; NULL of a function on
 * instances: LATEST_PUBLISHED; an alias: one of its versions); NULL: none. */
struct version *registry_resolve(struct registry *r, const char *account, const char *region,
                                 const char *name, const char *qualifier);
/* The version as the API shows it (NULL or "$LATEST": latest; an alias: its first version). */
struct version *function_version(const struct function *f, const char *qualifier);
/* What an account's functions share; NULL: it has none. */
const struct account_concurrency *registry_account(const struct registry *r, const char *account,
                                                   const char *region);
/* Where a log group of this name is used: by a function, or because somebody made it. *ret_account stays NULL when it is
 * nowhere. 0 or -errno. */
int registry_log_home(struct registry *r, const char *group, char **ret_account, char **ret_region);
size_t registry_function_count(const struct registry *r);
/* Functions of an account and region in the order of their names, behind `after` (NULL: from the first),
 * until visit says false. 0 or -errno. */
int registry_each(struct registry *r, const char *account, const char *region, const char *after,
                  bool (*visit)(void *owner, struct function *f), void *owner);

/* Changing. */
enum registry_outcome {
        REGISTRY_EXISTS = 1, /* the name is taken */
        REGISTRY_BUSY,       /* Pending, or an update is in progress */
        REGISTRY_ALIASED,    /* an alias points to the version */
};

/* What becomes of a change beside $LATEST. */
enum publication {
        PUBLISH_NOTHING,
        PUBLISH_VERSION, /* under the next number */
        PUBLISH_LATEST,  /* as LATEST_PUBLISHED, in the place of what was that */
};

/* publish: version 1 as well. *ret_version (borrowed) is what the answer shows. The configuration's contents
 * are taken in any case. */
int registry_create(struct registry *r, const char *account, const char *region, const char *name,
                    struct version_config *config_consume, const char *tags_json, enum publication publish,
                    struct version **ret_version);
/* A new snapshot of $LATEST. */
int registry_update(struct registry *r, struct function *f, struct version_config *config_consume,
                    enum publication publish, struct version **ret_version);
/* Answers the newest published version when nothing has changed since it was made. description NULL: that of
 * $LATEST. */
int registry_publish(struct registry *r, struct function *f, const char *description, enum publication to,
                     struct version **ret_version);
/* tags_json NULL: none. */
int registry_set_tags(struct registry *r, struct function *f, const char *tags_json);
/* So many invocations at once from now on, or NOT_RESERVED (concurrency.h). 0 or -errno. */
int registry_reserve(struct registry *r, struct function *f, int64_t reserved);
int registry_delete(struct registry *r, struct function *f);
int registry_delete_version(struct registry *r, struct function *f, struct version *v);

/* Digests in use. */
void registry_hold(struct registry *r, const char *sha256);
void registry_release(struct registry *r, const char *sha256);
bool registry_uses(const struct registry *r, const char *sha256);
