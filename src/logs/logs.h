/* SPDX-License-Identifier: Apache-2.0 */
/*
 * logs - what functions print: log groups, log streams, records; bounded, and readable after any crash
 *
 * Appending copies into memory and makes no system call; a worker job writes what has gathered, after 100 ms
 * or 64 KB. When the disk does not keep up, the oldest records that still wait are dropped and the stream
 * says how many, once the disk is back. Every group is bounded in size, and so are all together: oldest
 * segments go first.
 *
 * A group may be in a scope, which keeps apart groups of one name: its name is then SCOPE:NAME, wherever a group is
 * named, and a NAME has no colon.
 *
 * On the disk a group is a directory with segments, files that only grow; all streams of the group share
 * them, so a thousand environments cost no descriptor between two writes and one file write for what they
 * said meanwhile:
 *
 *   <dir>/[@<scope, percent-encoded>/]<group, percent-encoded>/<sequence number of its first event, 16 hex digits>.log
 *   segment: records, each 20 bytes, little-endian, then the payload
 *     u32 type << 24 | payload length    u32 CRC-32 of the other 16 bytes and the payload
 *     u64 milliseconds of Unix time      u32 stream number, valid within the segment
 *   types: 1 the group's name (first in every segment), 2 a stream's number and name, 3 an event
 *
 * After kill -9 the last segment may end in half a record: it is cut off before the first new write. Events
 * are numbered from 1 up per group, without gaps in a segment; a number is the cursor that a reader comes
 * back with. Loop thread only; callbacks never come from inside the call that asked.
 */
#pragma once
#include "loop/loop.h"

#define LOGS_RECORD_MAX (256 * KIB) /* as CloudWatch; what is longer is cut */
#define LOGS_NAME_MAX 512
#define LOGS_SCOPE_MAX 100

struct logs;
struct logs_stream;

struct logs_options {               /* 0: the default */
        uint64_t group_bytes_max;   /* 64 MiB */
        uint64_t total_bytes_max;   /* 1 GiB */
        uint64_t segment_bytes;     /* 4 MiB, at most a quarter of a group */
        uint64_t pending_bytes_max; /* 8 MiB of memory for what the disk has not */
};

int logs_open(struct loop *loop, const char *dir, const struct logs_options *options, struct logs **ret_logs);
/* Writes what has gathered, and waits for that. Streams, followers and requests must be gone. */
void logs_close(struct logs *logs);
static inline void logs_freep(struct logs **logs) {
        logs_close(*logs);
}

/* Before there are scopes in a directory: moves its groups, which are in none, to the scope that scope_of names
 * (malloc'ed; NULL: stays). Before logs_open; costs one look when there is nothing to move. 0 or -errno. */
int logs_move_to_scopes(const char *dir, char *(*scope_of)(void *owner, const char *group), void *owner);

/* ---- writing ---- */

struct logs_stream *logs_stream_open(struct logs *logs, const char *group, const char *stream);
void logs_stream_close(struct logs_stream *stream); /* what it said stays; NULL is legal */
void logs_append(struct logs_stream *stream, nsec_t wall, const void *data, size_t len);

/* ---- reading ---- */

struct logs_record {
        uint64_t seq; /* 0 when it comes live, before it has a number */
        uint64_t ms;
        const char *stream, *data;
        size_t len;
};

struct logs_query {
        const char *group;
        const char *stream;       /* NULL: all of them, in the order of arrival */
        uint64_t from, before;    /* sequence numbers, from ≤ seq < before; before 0: no end */
        uint64_t from_ms, end_ms; /* from_ms ≤ ms < end_ms; end_ms 0: no end */
        bool last; /* the last max_records of them instead of the first; oldest of them first all the same */
        size_t max_records; /* 0: 10,000 */
        size_t max_bytes;   /* of payload; 0: 1 MiB; one record comes in any case */
        bool (*match)(const struct logs_record *record,
                      void *arg); /* may be NULL; runs on the worker thread… */
        void *arg;
        void (*drop)(void *arg); /* …so the request owns arg, and drops it on the loop; may be NULL */
};

struct logs_page {
        int error; /* 0, -ENOENT without such a group, or what the disk said */
        const struct logs_record *records;
        size_t count;
        uint64_t next; /* `from` of the following page */
        bool more;     /* stopped by max_records or max_bytes */
};

struct logs_stream_info {
        const char *name;
        uint64_t created_ms, first_ms, last_ms, bytes, events; /* of what is still kept */
};

struct logs_group_info {
        const char *name;
        uint64_t created_ms, bytes;
};

/* Embedded in whoever asks; zeroed when idle. One answer each, valid during the callback. */
struct logs_request {
        struct logs_job *job;
};

typedef void (*logs_page_fn)(struct logs_request *request, const struct logs_page *page);
typedef void (*logs_streams_fn)(struct logs_request *request, int r, const struct logs_stream_info *streams,
                                size_t count);
typedef void (*logs_groups_fn)(struct logs_request *request, const struct logs_group_info *groups,
                               size_t count);
typedef void (*logs_deleted_fn)(struct logs_request *request, int r); /* 0, -ENOENT, -errno */

/* All see everything appended before the call. Names in the answers are sorted, those of groups without their scope. */
void logs_read(struct logs *logs, const struct logs_query *query, struct logs_request *request,
               logs_page_fn fn);
void logs_list_streams(struct logs *logs, const char *group, struct logs_request *request,
                       logs_streams_fn fn);
/* Of one scope; NULL: those that are in none. */
void logs_list_groups(struct logs *logs, const char *scope, struct logs_request *request, logs_groups_fn fn);
/* Streams that are open may go on: their next record makes the group anew. */
void logs_delete_group(struct logs *logs, const char *group, struct logs_request *request,
                       logs_deleted_fn fn);
void logs_request_cancel(struct logs_request *request); /* no callback any more; legal on an idle one */

/* ---- following ---- */

struct logs_follower;
typedef void (*logs_follow_fn)(struct logs_follower *follower, const struct logs_record *record);

/* First what the query finds (NULL: nothing), then every record as it arrives, none twice, none left out. Of
 * the query only group, stream, from, from_ms, last and max_records count. */
struct logs_follower *logs_follow(struct logs *logs, const char *group, const char *stream,
                                  const struct logs_query *query, logs_follow_fn fn, void *owner);
void *logs_follower_owner(const struct logs_follower *follower);
void logs_unfollow(struct logs_follower *follower); /* NULL is legal; also from its own callback */

/* ---- for metrics ---- */

uint64_t logs_lost(const struct logs *logs); /* records dropped since open */
size_t logs_pending(const struct logs *logs);
