/* SPDX-License-Identifier: Apache-2.0 */
/*
 * content - code packages and layers, kept under the SHA-256 of the zip they came in
 *
 *   blobs/<hex>        the zip as uploaded (what GetFunction lets a client download)
 *   trees/<hex>/root   its files, unpacked once, bound into environments at /var/task or /opt
 *   trees/<hex>/info   sizes and warnings of the unpacking
 *   trees/<hex>/bytecode-<key>  what a Python has compiled of it (archive/compile.h), if one was asked to
 *   opt/<hex>/…        the same for several layers laid over each other; hex is of their ordered list
 *   unsynced/<hex>     marks a blob that the disk may not have yet
 *   tmp/, trash/       work that is not finished; what waits for removal. Both are cleared at open
 *
 * Everything appears by one rename, so kill -9 leaves nothing half-made and loses nothing. Neither a blob nor a tree is
 * on the disk when it gets its name (waiting for the disk would take longer than all the rest); the helper that has made
 * a tree brings both there, and then they are known to be. After a power cut open throws away what the disk does not have:
 * a marked blob (one that was not unpacked still has its mark) that is not what its digest says, and a tree of an earlier
 * boot whose info does not say that it was synced.
 *
 * All calls and callbacks belong to the loop thread and none of them blocks: files are written and hashed by
 * loop jobs, archives are opened by helper processes (helper.h). Callbacks never come from inside the call
 * that asked. Who owns functions and layers calls content_remove when the last of them that refers to a
 * digest is gone.
 */
#pragma once
#include "archive/helper.h"
#include "base/base64.h"
#include "base/sha256.h"
#include "loop/loop.h"

struct content_store;

struct content_options {
        const char *helper; /* path of lambent-archive */
        unsigned helpers;   /* most archives opened at the same time; 0: 2 */
};

/* Opens, or makes, the store in dir (0700). 0 or -errno. */
int content_open(struct loop *loop, const char *dir, const struct content_options *options,
                 struct content_store **ret_store);
/* Kills the helpers. Uploads must be over; waits are forgotten: no callback comes any more. */
void content_close(struct content_store *store);
static inline void content_store_freep(struct content_store **store) {
        content_close(*store);
}

/* ---- uploads: decoded bytes as they arrive ---- */

struct content_blob {
        char hex[SHA256_HEX_LEN + 1];
        char base64[45]; /* CodeSha256 */
        uint64_t size;
};

struct content_upload_events {
        /* Fewer than CONTENT_UPLOAD_LOW bytes wait for the disk: a paused sender may go on. */
        void (*drained)(void *owner);
        /* After content_upload_finish, once; r is 0 or -errno. The upload is gone. */
        void (*done)(void *owner, int r, const struct content_blob *blob);
};

#define CONTENT_UPLOAD_HIGH (1 * MIB) /* pause the sender from here on */
#define CONTENT_UPLOAD_LOW (512 * KIB)

struct content_upload *content_upload_new(struct content_store *store, uint64_t most,
                                          const struct content_upload_events *events, void *owner);
/* Takes all of it. 0, -E2BIG above `most`, -ENOMEM, or what the disk said earlier. */
int content_upload_write(struct content_upload *u, const void *data, size_t len);
/* Bytes taken that the disk has not. */
size_t content_upload_pending(const struct content_upload *u);
void content_upload_finish(struct content_upload *u);
/* Instead of finish, or while its answer is awaited: no callback comes; u is gone. NULL is legal. */
void content_upload_abort(struct content_upload *u);

/* ---- unpacked trees ---- */

struct content_tree {
        enum archive_outcome outcome;
        int error;      /* for ARCHIVE_BROKE_OFF; -ENOENT when there is no such blob */
        uint64_t bytes; /* of all files */
        uint32_t entries;
        uint32_t unreadable; /* files that AWS would not let the function read; reason names the first */
        const char *reason;  /* why not, for the log; "" */
        const char *path;    /* absolute; NULL unless ARCHIVE_FINE */
};

/* Embedded in whoever waits. Zeroed when idle. */
struct content_wait {
        struct list link;
        void (*fn)(struct content_wait *wait, const struct content_tree *tree);
};

/* Unpacked at most once, however many wait; a tree that exists is answered in this turn. */
void content_unpack(struct content_store *store, const char *hex, const struct archive_limits *limits,
                    struct content_wait *wait,
                    void (*fn)(struct content_wait *wait, const struct content_tree *tree));
/* Layers, first to last (1 … HELPER_LAYERS_MAX), as one directory; later ones win. Unpacks what is not
 * unpacked yet. */
void content_merge(struct content_store *store, const char *const *hexes, unsigned count,
                   const struct archive_limits *limits, struct content_wait *wait,
                   void (*fn)(struct content_wait *wait, const struct content_tree *tree));
void content_wait_cancel(struct content_wait *wait); /* legal on an idle one */

bool content_has_blob(const struct content_store *store, const char *hex, uint64_t *ret_size);
bool content_has_tree(const struct content_store *store, const char *hex);
char *content_tree_path(const struct content_store *store,
                        const char *hex); /* malloc'ed; NULL without a tree */
/* For reading; -ENOENT. */
int content_open_blob(const struct content_store *store, const char *hex);

/* ---- bytecode of unpacked trees ---- */

struct content_python {
        const char *path, *prefix; /* prefix NULL: the system's */
        int prefix_fd;             /* of prefix, when its path is closed to us; -1 otherwise */
};
/*
 * Where this interpreter finds what it would else compile of a tree (content_tree.path) at every start; malloc'ed. NULL:
 * not there, or not yet: then it is being made, once for each interpreter, one tree at a time, by a helper of low priority
 * that ends after BYTECODE_PATIENCE at the latest; or, while too many wait, it will be when somebody asks again. What
 * cannot be compiled is not tried again by this daemon. It goes with the tree, like everything that lies beside it.
 *
 * A digest stands for the sources and the key for the interpreter, so nothing in it can be out of date; but it is not on
 * the disk before the kernel likes, so its reader checks the hash of every file.
 */
#define BYTECODE_PATIENCE (600 * SECOND)
char *content_bytecode(struct content_store *store, const char *tree, const char *inside,
                       const struct content_python *python);

/* Removes blob, tree, and merges that contain it. No environment may run from them any more: their files
 * vanish under it. Who waits for the tree is answered with -ENOENT. */
void content_remove(struct content_store *store, const char *hex);
/* Removes every digest that keep() does not claim: at start, once the owner has read what it refers to. */
void content_sweep(struct content_store *store, bool (*keep)(const char *hex, void *owner), void *owner);
