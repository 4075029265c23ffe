/* SPDX-License-Identifier: Apache-2.0 */
/*
 * store - what outlives the daemon: functions, versions, aliases, layers and what
 * belongs to them, in one SQLite file
 *
 * One connection, used on the loop thread only; statements are prepared once. The journal is a WAL with
 * synchronous=NORMAL: a commit survives kill -9, a power cut may lose the last ones but never consistency.
 * Checkpoints are not made by commits (they would stall the loop): store_checkpoint_job is run by a worker on
 * a connection of its own when store_wants_checkpoint says so. Account and region are in every key.
 * Migrations are a list that only grows; a file written by a newer lambent is refused with a sentence that
 * says so.
 *
 * Rows are borrowed for the time of the visit. Every call answers 0 or -errno; writes belong between
 * store_begin and store_commit. After a failed write or commit call store_rollback: nothing of the
 * transaction is left.
 */
#pragma once
#include "base/util.h"

struct store;

/* Life. */
/* 0, or -errno with a sentence for the user (malloc'ed). */
int store_open(const char *path, struct store **ret_store, char **ret_problem);
void store_free(struct store *s);
DEFINE_FREEP(store)

int store_begin(struct store *s);
int store_commit(struct store *s);
void store_rollback(struct store *s);

/* Checkpoints. */
bool store_wants_checkpoint(const struct store *s);
const char *store_path(const struct store *s);
/* On a worker thread: copies the WAL into the file. 0 or -errno. */
int store_checkpoint(const char *path);

/* Functions. */
struct function_row {
        const char *account, *region, *name;
        uint64_t last_number;
        const char *tags; /* JSON or NULL */
};

/* number: 0 is $LATEST; STORE_SERVING what $LATEST is served from while that differs; else a published
 * version. */
#define STORE_SERVING (-1)
#define STORE_LATEST_PUBLISHED (-2) /* documents call it "$LATEST.PUBLISHED" */

struct version_row {
        const char *account, *region, *name;
        int64_t number;
        const char *config; /* the document of version_config_write */
        size_t config_len;
        int state, update;
        const char *state_reason, *state_reason_code, *update_reason, *update_reason_code; /* NULL */
        const char *revision_id;
        uint64_t last_modified;
        const char *fingerprint; /* NULL */
};

int store_put_function(struct store *s, const struct function_row *row);
int store_put_version(struct store *s, const struct version_row *row);
int store_delete_version(struct store *s, const char *account, const char *region, const char *name,
                         int64_t number);
/* With its versions and all that belongs to it. */
int store_delete_function(struct store *s, const char *account, const char *region, const char *name);
int store_each_function(struct store *s, int (*visit)(void *owner, const struct function_row *row),
                        void *owner);
int store_each_version(struct store *s, int (*visit)(void *owner, const struct version_row *row),
                       void *owner);
/* Names behind `after` in order, until visit says false. */
int store_each_name(struct store *s, const char *account, const char *region, const char *after,
                    bool (*visit)(void *owner, const char *name), void *owner);

/* Aliases. */
struct alias_row {
        const char *account, *region, *name, *alias;
        const char *version, *description, *other; /* other NULL: no second version */
        double weight;                             /* of other */
        const char *revision_id;
};

int store_put_alias(struct store *s, const struct alias_row *row);
/* With what belongs to it. */
int store_delete_alias(struct store *s, const char *account, const char *region, const char *name,
                       const char *alias);
/* By function, then by name. */
int store_each_alias(struct store *s, int (*visit)(void *owner, const struct alias_row *row), void *owner);

/*
 * Documents: what belongs to something and is asked for by nothing but its name. kind says what it is; those below
 * STORE_OWNED belong to the function that is their owner and go with it, part is then a qualifier.
 */
#define STORE_OWNED 100

struct document_row {
        const char *account, *region;
        int kind;
        const char *owner, *part; /* part "": the owner itself */
        const char *text;         /* JSON */
};

int store_put_document(struct store *s, const struct document_row *row);
/* The row without its text. 0 also when there is none. */
int store_delete_document(struct store *s, const struct document_row *row);
/* 0 with the text visited, -ENOENT. */
int store_get_document(struct store *s, const struct document_row *row,
                       void (*visit)(void *owner, const char *text), void *owner);
/* Of one account, region and kind, until visit says false: those of an owner behind `part`, by part; or, with row->owner
 * NULL, of all owners behind `after`, by owner. */
int store_each_document(struct store *s, const struct document_row *row, const char *after,
                        bool (*visit)(void *owner, const struct document_row *row), void *owner);
/* Everybody's of one kind. */
int store_each_document_of(struct store *s, int kind,
                           bool (*visit)(void *owner, const struct document_row *row), void *owner);

/* Layers. */
struct layer_row {
        const char *account, *region, *name;
        uint64_t number;
        const char *description, *license, *runtimes,
                *architectures; /* license NULL; the last two JSON arrays */
        const char *sha256;
        uint64_t size, unzipped, created;
};

/* The number the next version of this layer gets, remembered for ever. */
int store_next_layer_number(struct store *s, const char *account, const char *region, const char *name,
                            uint64_t *ret_number);
/* That one is taken: the next is behind it. */
int store_reserve_layer_number(struct store *s, const char *account, const char *region, const char *name,
                               uint64_t number);
int store_put_layer(struct store *s, const struct layer_row *row);
int store_delete_layer(struct store *s, const char *account, const char *region, const char *name,
                       uint64_t number);
/* Newest version first within a layer, layers by name; name NULL: all layers behind `after` (NULL: from the
 * first). */
int store_each_layer(struct store *s, const char *account, const char *region, const char *name,
                     const char *after, bool (*visit)(void *owner, const struct layer_row *row), void *owner);
/* All there are, for counting digests. */
int store_each_layer_digest(struct store *s, int (*visit)(void *owner, const char *sha256), void *owner);
/* 0 with the row visited, -ENOENT. */
int store_get_layer(struct store *s, const char *account, const char *region, const char *name,
                    uint64_t number, void (*visit)(void *owner, const struct layer_row *row), void *owner);
