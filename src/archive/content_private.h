/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What content.c, upload.c, unsynced.c, task.c, bytecode.c and spawn.c share; nobody else includes it.
 *
 * An item is one digest (or one merge), known from the scan at open and kept up to date: the loop never asks
 * the disk what there is. A task is a piece of work that needs a helper process.
 */
#pragma once
#include "archive/content.h"
#include "base/map.h"
#include "base/random.h"

struct helper_server { /* spawn.c's; the worker's */
        int socket;
        pid_t pid;
};

#define HELPER_SERVER_NULL ((struct helper_server){ .socket = -1 })

/* What jobs need outlives the store until the last of them is back. Counted on the loop thread only. */
struct content_root {
        int fd;
        char *helper;
        struct helper_server server;
        unsigned refs;
};

struct content_root *content_root_ref(struct content_root *root);
void content_root_unref(struct content_root *root);

enum item_kind { ITEM_PACKAGE, ITEM_MERGE };

struct tree_info {
        uint64_t bytes;
        uint32_t entries, unreadable;
        bool synced;
        char boot[UUID_LEN + 1];
        char note[ARCHIVE_REASON_SIZE];
};

struct item {
        struct map_node node;
        char hex[SHA256_HEX_LEN + 1];
        enum item_kind kind;
        bool has_blob, has_tree, answering;
        bool unsynced; /* the blob has a mark (unsynced.c) */
        uint64_t blob_size;
        /* Of the tree, as its info has it. */
        uint64_t bytes;
        uint32_t entries, unreadable;
        char *note;        /* NULL: none */
        char *layers;      /* merges: the digests it is made of, one a line */
        struct task *task; /* makes its tree, or brings it to the disk */
        struct content_store *store;
        struct list waiters;            /* struct content_wait */
        struct defer answer;            /* to those whose tree was there already */
        struct archive_report *failure; /* why there is no tree, for the next answer; NULL */
};

struct content_store {
        struct loop *loop;
        struct content_root *root;
        char *dir;
        char boot[UUID_LEN + 1];
        struct map packages, merges;
        struct list tasks; /* all of them */
        struct list queue; /* those that wait for a helper's turn */
        unsigned helpers, helpers_most;
        struct map bytecodes;
        struct list compiling; /* those that are to be made; the first one is being made */
        size_t compiling_count;
        struct task *clearing;
        bool clear_again;
};

/* ---- content.c ---- */

struct item *item_get(struct content_store *store, enum item_kind kind, const char *hex); /* makes it */
void item_drop_if_empty(struct item *item);
void item_take_tree(struct item *item, const struct tree_info *info); /* there is one */
const char *item_folder(enum item_kind kind);                         /* "trees", "opt" */
void item_answer(struct item *item);                                  /* to all who wait */
void item_answer_failure(struct item *item, enum archive_outcome outcome, int error, const char *reason);

/* Sends <folder>/<name> to the trash, in its turn among the jobs, and has the trash emptied. */
void content_discard(struct content_store *store, const char *folder, const char *name);

/* ---- info.c: tree_info on the disk, <folder>/info; any thread ---- */

/* Before the folder is where it is looked for. */
int info_write(int root, const char *folder, const struct tree_info *info, const char *layers);
int info_set_synced(int root, const char *folder);
int info_read(int root, const char *folder, struct tree_info *ret_info, char **ret_layers);

/* ---- unsynced.c: marks of blobs that the disk may not have yet ---- */

/* 0 or -errno. */
int unsynced_mark(int root, const char *hex, const char *boot);
void unsynced_clear(int root, const char *hex); /* any thread; legal without a mark */

enum unsynced_found { UNSYNCED_STILL, UNSYNCED_SOUND, UNSYNCED_SPOILT };
/* What a mark that was found means for its blob; reads all of it if the mark is of another boot. */
enum unsynced_found unsynced_check(int root, const char *hex, const char *boot);

/* ---- task.c ---- */

void task_unpack(struct item *item, const struct archive_limits *limits);
void task_merge(struct item *item, const struct archive_limits *limits);
/* The item's tree is not wanted any more. */
void task_forget_tree(struct task *task);
void task_clear_trash(struct content_store *store);
void task_end_all(struct content_store *store);

/* ---- bytecode.c ---- */

/* The tree <folder>/<hex> has gone. */
void bytecode_forget(struct content_store *store, const char *folder, const char *hex);
void bytecode_end_all(struct content_store *store);

/* ---- spawn.c ---- */

struct helper_fds {
        int source, target;
        const int *layers;
        unsigned layer_count;
};

struct helper_process {
        pid_t pid;
        int report_fd, pid_fd;
};

#define HELPER_PROCESS_NULL ((struct helper_process){ .report_fd = -1, .pid_fd = -1 })

/* Blocks for the time of a fork, the first time of an exec. argv[0] is the helper's path. 0 or -errno. */
int helper_spawn(struct helper_server *server, const char *const *argv, const struct helper_fds *fds,
                 struct helper_process *ret_process);
/* When no helper is wanted any more; those that run are not touched. Legal on a null one. */
void helper_server_end(struct helper_server *server);
/* Kills it if it still runs, reaps it, closes. */
void helper_end(struct helper_process *process);
/* Waits for its end; whether that was with status 0. */
bool helper_reap(struct helper_process *process);
