/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the files of logs/ share; nobody else includes it.
 *
 * Two halves: struct logs belongs to the loop; struct disk, with all that is known about files, is touched
 * only under its lock, which worker jobs hold for their whole run (they come one after another) and
 * logs_close takes at the end. Between the halves go chunks, blocks of records on their way to the disk.
 */
#pragma once
#include <dirent.h>
#include <pthread.h>
#include <stdatomic.h>

#include "base/buf.h"
#include "base/map.h"
#include "logs/logs.h"

#define CHUNK_SIZE (64 * KIB)

/* ---- segment.c: the format ---- */

enum segment_type { SEGMENT_GROUP = 1, SEGMENT_STREAM, SEGMENT_EVENT };

#define SEGMENT_HEAD 20

struct segment_record {
        enum segment_type type;
        uint32_t stream;
        uint64_t ms;
        const char *data;
        size_t len;
};

/* Appends one record: 0, -E2BIG, -ENOMEM. */
int segment_put(struct buf *out, const struct segment_record *record);
/* The record at text; its whole length, or 0 when there is no whole and sound one. */
size_t segment_get(const char *text, size_t len, struct segment_record *ret_record);

/* ---- disk.c: groups and segments ---- */

struct disk_segment {
        uint64_t first; /* sequence number */
        uint64_t bytes;
        uint64_t age_ms; /* of its youngest event, or of the file as found */
};

struct disk_group {
        struct map_node node;
        char *name, *folder;           /* name: with the scope; folder: below disk->fd */
        struct disk_segment *segments; /* oldest first; the last one is written to */
        size_t segment_count, segment_room;
        uint64_t bytes, created_ms, next; /* next: sequence number, valid once ready */
        uint64_t serial;                  /* of the segment being written; no other ever has it */
        uint32_t next_stream;
        bool ready;     /* the last segment has been looked through */
        struct buf out; /* records of the current chunk */
        uint64_t out_events;
        size_t out_from; /* where in the chunk they begin */
        struct list touched;
};

struct disk {
        pthread_mutex_t lock;
        struct logs_options options;
        struct map groups;
        uint64_t bytes, serials;
        int fd;
        bool scanned;
        unsigned refs; /* loop thread only */
};

/* The name without its scope. */
static inline const char *group_bare(const char *name) {
        const char *colon = strchr(name, ':');

        return colon ? colon + 1 : name;
}
/* In the scope; NULL: in none. */
bool group_is_in(const char *name, const char *scope);
/* Where a group lies; malloc'ed. */
char *disk_folder(const char *name);
/* The group's true name and birth, which stand in its segments. False: it has none. */
bool disk_read_name(DIR *dir, char ret_name[static LOGS_NAME_MAX + 1], uint64_t *ret_created);
struct disk_group *disk_find(struct disk *disk, const char *name);
struct disk_group *disk_get(struct disk *disk, const char *name, uint64_t now_ms); /* makes it */
int disk_delete(struct disk *disk, struct disk_group *group);
/* The whole segment; the caller frees. */
int disk_load(struct disk *disk, const struct disk_group *group, size_t index, char **ret_text,
              size_t *ret_len);
void disk_scan(struct disk *disk);
/* Makes the last segment fit for writing; a new one where there is none or it is full. */
int disk_prepare(struct disk *disk, struct disk_group *group, uint64_t now_ms);
/* Writes group->out behind the last segment, all or nothing. */
int disk_flush(struct disk *disk, struct disk_group *group, uint64_t now_ms);
void disk_trim(struct disk *disk, struct disk_group *group);
struct disk *disk_ref(struct disk *disk);
void disk_unref(struct disk *disk);

/* ---- chunk.c: what waits for the disk ---- */

struct logs_group {
        struct map_node node;
        struct logs *logs;
        struct list followers;
        unsigned refs; /* streams, followers, and whoever walks the followers */
        char name[];
};

struct logs_stream {
        struct logs_group *group;
        struct list loser; /* on logs->losers while records of it were lost and it has not said so */
        uint64_t lost;
        uint64_t serial;  /* worker: the segment that knows it… */
        uint32_t number;  /* …by this number */
        uint32_t pending; /* records in chunks */
        bool closed;
        char name[];
};

struct pending {
        struct logs_stream *stream;
        struct disk_group *group; /* worker */
        uint64_t ms;
        uint32_t len;
        bool lost; /* worker: could not be written */
        char data[];
};

enum chunk_state { CHUNK_WAITS, CHUNK_TAKEN };

struct chunk {
        struct job job;
        struct list link;
        struct logs *logs;
        struct disk *disk;
        char *data;
        size_t len, size, seen; /* seen: by the followers */
        _Atomic(int) state;     /* whoever turns it to TAKEN has the data */
        bool failed;            /* worker */
};

struct logs {
        struct loop *loop;
        struct disk *disk;
        struct map groups;  /* with a stream or a follower */
        struct list chunks; /* submitted, oldest first */
        struct list losers;
        struct list requests;
        struct chunk *open; /* being filled */
        char *spare;        /* CHUNK_SIZE bytes, or NULL */
        struct timer flush;
        struct defer deliver;
        size_t pending, pending_max, followers;
        uint64_t lost;
        bool delivering;
};

struct logs_group *group_ref(struct logs *logs, const char *name);
void group_unref(struct logs_group *group);
static inline size_t pending_size(size_t len) {
        return (sizeof(struct pending) + len + 7) & ~(size_t)7;
}
/* Everything appended so far is on its way, before any job submitted from now on. */
void logs_flush(struct logs *logs);
void chunk_write(struct disk *disk, struct chunk *chunk); /* under the lock */

/* ---- follow.c ---- */

void logs_deliver(struct logs *logs);
