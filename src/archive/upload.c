/* SPDX-License-Identifier: Apache-2.0 */
/*
 * An upload has two halves: struct content_upload belongs to the loop, struct upload_file to the worker. Jobs
 * run in the order they were submitted, so blocks, end and removal need no lock between them. An aborted
 * upload disowns its blocks and sends the removal after them.
 */
#include <fcntl.h>
#include <stdio.h>

#include "archive/content_private.h"

#define BLOCK_SIZE (256 * KIB)

struct upload_file {
        struct content_root *root;
        char name[sizeof("tmp/") + HEX_ID_LEN];
        struct sha256 hash;
        int fd; /* -1 until the first block comes */
        int error;
        uint64_t size;
};

struct upload_block {
        struct job job;
        struct list link; /* on the upload's list of blocks in flight */
        struct content_upload *upload;
        struct upload_file *file;
        size_t len;
        int error; /* the file's, after this block */
        char data[];
};

/* The end of a file: the name it deserves, or none. */
struct upload_end {
        struct job job;
        struct content_upload *upload;
        struct upload_file *file;
        struct content_blob blob;
        int r;
};

struct content_upload {
        struct content_store *store;
        const struct content_upload_events *events;
        void *owner;
        struct upload_file *file;
        struct upload_block *open; /* being filled */
        struct list in_flight;
        struct upload_end *end;
        uint64_t size, most;
        size_t pending;
        int error;
        bool above; /* pending has been high since the last drained */
};

struct content_upload *content_upload_new(struct content_store *store, uint64_t most,
                                          const struct content_upload_events *events, void *owner) {
        struct content_upload *u = xcalloc(1, sizeof(*u));
        char id[HEX_ID_LEN + 1];

        u->store = store;
        u->events = events;
        u->owner = owner;
        u->most = most;
        list_init(&u->in_flight);
        u->file = xcalloc(1, sizeof(*u->file));
        u->file->root = content_root_ref(store->root);
        u->file->fd = -1;
        random_hex_id(id);
        snprintf(u->file->name, sizeof(u->file->name), "tmp/%s", id);
        sha256_init(&u->file->hash);
        return u;
}

static void file_free(struct upload_file *file) {
        fd_close(file->fd);
        content_root_unref(file->root);
        free(file);
}

/* ---- worker ---- */

static int file_open(struct upload_file *file) {
        if (file->fd < 0)
                file->fd = openat(file->root->fd, file->name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        return file->fd < 0 ? -errno : 0;
}

static int file_write(struct upload_file *file, const char *data, size_t len) {
        while (len) {
                ssize_t n = write(file->fd, data, len);

                if (n < 0 && errno == EINTR)
                        continue;
                if (n <= 0)
                        return n ? -errno : -ENOSPC;
                data += n;
                len -= (size_t)n;
        }
        return 0;
}

static int block_append(struct upload_file *file, const struct upload_block *block) {
        int r = file_open(file);

        if (!r)
                r = file_write(file, block->data, block->len);
        if (r)
                return r;
        /* The disk starts now on what is large, so that it has not all of it to do later. */
        if (block->len == BLOCK_SIZE)
                sync_file_range(file->fd, (off_t)file->size, (off_t)block->len, SYNC_FILE_RANGE_WRITE);
        sha256_update(&file->hash, block->data, block->len);
        file->size += block->len;
        return 0;
}

static void block_run(struct job *job) {
        struct upload_block *block = container_of(job, struct upload_block, job);

        if (!block->file->error)
                block->file->error = block_append(block->file, block);
        block->error = block->file->error;
}

static void name_blob(struct upload_file *file, struct content_blob *ret_blob) {
        unsigned char digest[SHA256_LEN];

        sha256_final(&file->hash, digest);
        hex_encode(digest, sizeof(digest), ret_blob->hex);
        base64_encode(digest, sizeof(digest), ret_blob->base64);
        ret_blob->base64[base64_encoded_len(sizeof(digest))] = 0;
        ret_blob->size = file->size;
}

static void finish_run(struct job *job) {
        struct upload_end *end = container_of(job, struct upload_end, job);
        struct upload_file *file = end->file;

        end->r = file->error ? file->error : file_open(file);
        if (!end->r)
                name_blob(file, &end->blob);
        if (end->r && file->fd >= 0)
                unlinkat(file->root->fd, file->name, 0);
}

static void remove_run(struct job *job) {
        struct upload_end *end = container_of(job, struct upload_end, job);

        if (end->file->fd >= 0)
                unlinkat(end->file->root->fd, end->file->name, 0);
}

/* ---- loop ---- */

static void block_discard(struct job *job) {
        free(container_of(job, struct upload_block, job));
}

static void block_done(struct job *job) {
        struct upload_block *block = container_of(job, struct upload_block, job);
        struct content_upload *u = block->upload;

        u->pending -= block->len;
        if (!u->error)
                u->error = block->error;
        list_unlink(&block->link);
        free(block);
        if (u->above && u->pending <= CONTENT_UPLOAD_LOW) {
                u->above = false;
                if (!u->end && u->events->drained)
                        u->events->drained(u->owner);
        }
}

static void send_block(struct content_upload *u) {
        struct upload_block *block = TAKE(u->open);

        if (!block)
                return;
        list_push_back(&u->in_flight, &block->link);
        job_submit(u->store->loop, &block->job);
}

static struct upload_block *block_new(struct content_upload *u) {
        struct upload_block *block =
                malloc(sizeof(*block) + BLOCK_SIZE); /* as many as a client makes us take */

        if (!block)
                return NULL;
        memset(block, 0, sizeof(*block));
        block->job = (struct job){ .run = block_run, .done = block_done, .discard = block_discard };
        block->upload = u;
        block->file = u->file;
        return block;
}

int content_upload_write(struct content_upload *u, const void *data, size_t len) {
        const char *from = data;

        if (len > u->most - u->size)
                return -E2BIG;
        u->size += len;
        while (len && !u->error) {
                size_t n;

                if (!u->open)
                        u->open = block_new(u);
                if (!u->open) {
                        u->error = -ENOMEM;
                        break;
                }
                n = MIN(len, BLOCK_SIZE - u->open->len);
                memcpy(u->open->data + u->open->len, from, n);
                u->open->len += n;
                u->pending += n;
                from += n;
                len -= n;
                if (u->open->len == BLOCK_SIZE)
                        send_block(u);
        }
        u->above |= u->pending > CONTENT_UPLOAD_LOW;
        return u->error;
}

size_t content_upload_pending(const struct content_upload *u) {
        return u->pending;
}

/* Disowned at its end: what the worker had made complete is not wanted any more. */
static void end_discard(struct job *job) {
        struct upload_end *end = container_of(job, struct upload_end, job);

        if (end->job.disowned && end->file->fd >= 0)
                unlinkat(end->file->root->fd, end->file->name, 0);
        file_free(end->file);
        free(end);
}

/*
 * On the loop, not by the worker: content_remove works there too, so between the blob's appearance and the callback, in
 * which the owner lays claim to it, nobody can take the same digest away.
 */
static int publish(struct content_store *store, struct upload_file *file, const struct content_blob *blob) {
        char path[sizeof("blobs/") + SHA256_HEX_LEN];
        struct item *item;
        int r;

        if (content_has_blob(store, blob->hex, NULL)) {
                unlinkat(file->root->fd, file->name, 0);
                return 0;
        }
        snprintf(path, sizeof(path), "blobs/%s", blob->hex);
        r = unsynced_mark(file->root->fd, blob->hex, store->boot);
        if (!r && renameat(file->root->fd, file->name, file->root->fd, path) < 0)
                r = -errno;
        if (r) {
                unlinkat(file->root->fd, file->name, 0);
                unsynced_clear(file->root->fd, blob->hex);
                return r;
        }
        item = item_get(store, ITEM_PACKAGE, blob->hex);
        item->has_blob = item->unsynced = true;
        item->blob_size = blob->size;
        return 0;
}

static void upload_done(struct job *job) {
        struct upload_end *end = container_of(job, struct upload_end, job);
        struct content_upload *u = end->upload;
        const struct content_upload_events *events = u->events;
        struct content_blob blob = end->blob;
        void *owner = u->owner;
        int r = end->r;

        if (!r)
                r = publish(u->store, end->file, &blob);
        free(u);
        end_discard(job);
        events->done(owner, r, &blob);
}

static struct upload_end *submit_end(struct content_upload *u, void (*run)(struct job *job),
                                     void (*done)(struct job *job)) {
        struct upload_end *end = xcalloc(1, sizeof(*end));

        end->job = (struct job){ .run = run, .done = done, .discard = end_discard };
        end->upload = u;
        end->file = u->file;
        job_submit(u->store->loop, &end->job);
        return end;
}

void content_upload_finish(struct content_upload *u) {
        must(!u->end);
        send_block(u);
        u->end = submit_end(u, finish_run, upload_done);
}

void content_upload_abort(struct content_upload *u) {
        struct upload_block *block;

        if (!u)
                return;
        free(u->open);
        list_each(block, &u->in_flight, link) {
                job_disown(&block->job);
                list_unlink(&block->link);
        }
        if (u->end)
                job_disown(&u->end->job);
        else
                submit_end(u, remove_run, end_discard);
        free(u);
}
