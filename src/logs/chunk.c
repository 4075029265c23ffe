/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A chunk is submitted as a job when it is full or 100 ms old. Until the job takes it (chunk->state) the loop
 * may take it back, to drop it when memory runs out or to write it itself at the end. What is lost is counted
 * at the stream; the stream says so with the first chunk that can be written again.
 */
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "logs/logs_private.h"

#define FLUSH_AFTER (100 * MILLISECOND)

static uint64_t ms_of(nsec_t wall) {
        return wall / MILLISECOND;
}

/* ---- groups and streams ---- */

struct logs_group *group_ref(struct logs *logs, const char *name) {
        struct logs_group *group = map_entry(map_find(&logs->groups, name), struct logs_group, node);

        if (!group) {
                size_t scope = (size_t)(group_bare(name) - name);
                size_t len = scope + MIN(strlen(name + scope), (size_t)LOGS_NAME_MAX);

                group = xcalloc(1, sizeof(*group) + len + 1);
                memcpy(group->name, name, len);
                group->logs = logs;
                list_init(&group->followers);
                map_add(&logs->groups, &group->node, group->name);
        }
        ++group->refs;
        return group;
}

void group_unref(struct logs_group *group) {
        if (--group->refs)
                return;
        map_remove(&group->logs->groups, &group->node);
        free(group);
}

struct logs_stream *logs_stream_open(struct logs *logs, const char *group, const char *stream) {
        size_t len = MIN(strlen(stream), (size_t)LOGS_NAME_MAX);
        struct logs_stream *s = xcalloc(1, sizeof(*s) + len + 1);

        memcpy(s->name, stream, len);
        s->group = group_ref(logs, group);
        list_init(&s->loser);
        return s;
}

static void stream_free_if_done(struct logs_stream *stream) {
        if (!stream->closed || stream->pending || list_is_linked(&stream->loser))
                return;
        group_unref(stream->group);
        free(stream);
}

void logs_stream_close(struct logs_stream *stream) {
        if (!stream)
                return;
        stream->closed = true;
        stream_free_if_done(stream);
}

/* ---- chunks ---- */

static struct pending *pending_at(const struct chunk *chunk, size_t at) {
        return at < chunk->len ? (struct pending *)(chunk->data + at) : NULL;
}

#define each_pending(p, at, chunk) \
        for (size_t at = 0; (p = pending_at(chunk, at)); at += pending_size(p->len))

static void lose(struct logs_stream *stream) {
        struct logs *logs = stream->group->logs;

        ++logs->lost;
        ++stream->lost;
        if (!list_is_linked(&stream->loser))
                list_push_back(&logs->losers, &stream->loser);
}

static void chunk_forget_data(struct logs *logs, struct chunk *chunk) {
        if (chunk->size == CHUNK_SIZE && !logs->spare)
                logs->spare = chunk->data;
        else
                free(chunk->data);
        logs->pending -= chunk->size;
        chunk->data = NULL;
        chunk->len = chunk->size = 0;
}

static void release_records(struct chunk *chunk, bool all_lost) {
        struct pending *p;

        each_pending(p, at, chunk) {
                struct logs_stream *stream = p->stream;

                --stream->pending;
                if (all_lost || p->lost)
                        lose(stream);
                stream_free_if_done(stream);
        }
}

static bool chunk_take(struct chunk *chunk) {
        return atomic_exchange(&chunk->state, CHUNK_TAKEN) == CHUNK_WAITS;
}

static bool drop_oldest(struct logs *logs) {
        struct chunk *chunk;

        if (logs->delivering)
                return false;
        logs_deliver(logs); /* who follows still gets it */
        list_each(chunk, &logs->chunks, link) {
                if (!chunk->data || !chunk_take(chunk))
                        continue;
                release_records(chunk, true);
                chunk_forget_data(logs, chunk);
                return true;
        }
        return false;
}

static void say_whatwas_lost(struct logs *logs) {
        struct logs_stream *stream;
        struct list losers;

        list_init(&losers);
        if (list_is_empty(&logs->losers))
                return;
        list_link_after(&logs->losers, &losers);
        list_unlink(&logs->losers);
        while ((stream = list_first(&losers, struct logs_stream, loser))) {
                char text[80];
                int len = snprintf(text, sizeof(text), "lambent: %llu log records were lost here\n",
                                   (unsigned long long)stream->lost);

                list_unlink(&stream->loser);
                stream->lost = 0;
                ++stream->pending; /* a follower that is told meanwhile may close it */
                logs_append(stream, loop_wall(logs->loop), text, (size_t)len);
                --stream->pending;
                stream_free_if_done(stream);
        }
}

static void chunk_free(struct job *job) {
        struct chunk *chunk = container_of(job, struct chunk, job);

        disk_unref(chunk->disk);
        free(chunk->data);
        free(chunk);
}

static void chunk_done(struct job *job) {
        struct chunk *chunk = container_of(job, struct chunk, job);
        struct logs *logs = chunk->logs;
        bool written = chunk->data && !chunk->failed;

        if (chunk->data) {
                logs_deliver(logs);
                release_records(chunk, false);
                chunk_forget_data(logs, chunk);
        }
        list_unlink(&chunk->link);
        chunk_free(job);
        if (written)
                say_whatwas_lost(logs);
}

static void chunk_run(struct job *job) {
        struct chunk *chunk = container_of(job, struct chunk, job);

        pthread_mutex_lock(&chunk->disk->lock);
        if (chunk_take(chunk))
                chunk_write(chunk->disk, chunk);
        pthread_mutex_unlock(&chunk->disk->lock);
}

/* NULL when there is no room for it. */
static struct chunk *chunk_new(struct logs *logs, size_t size) {
        struct chunk *chunk;

        while (logs->pending + size > logs->pending_max)
                if (!drop_oldest(logs))
                        return NULL;
        chunk = xcalloc(1, sizeof(*chunk));
        chunk->data = size == CHUNK_SIZE && logs->spare ? TAKE(logs->spare) : malloc(size);
        if (!chunk->data) {
                free(chunk);
                return NULL;
        }
        chunk->job = (struct job){ .run = chunk_run, .done = chunk_done, .discard = chunk_free };
        chunk->logs = logs;
        chunk->disk = disk_ref(logs->disk);
        chunk->size = size;
        logs->pending += size;
        return chunk;
}

void logs_flush(struct logs *logs) {
        struct chunk *chunk = TAKE(logs->open);

        timer_disarm(&logs->flush);
        if (!chunk)
                return;
        list_push_back(&logs->chunks, &chunk->link);
        job_submit(logs->loop, &chunk->job);
}

static void on_flush(struct timer *timer) {
        struct logs *logs = container_of(timer, struct logs, flush);

        /* While the disk is busy with older ones a chunk may as well fill up. */
        if (list_is_empty(&logs->chunks))
                logs_flush(logs);
        else
                timer_arm(timer, loop_now(logs->loop) + FLUSH_AFTER);
}

static void on_deliver(struct defer *defer) {
        logs_deliver(container_of(defer, struct logs, deliver));
}

void logs_append(struct logs_stream *stream, nsec_t wall, const void *data, size_t len) {
        struct logs *logs = stream->group->logs;
        struct pending *p;
        size_t size;

        len = MIN(len, LOGS_RECORD_MAX);
        size = pending_size(len);
        if (logs->open && logs->open->size - logs->open->len < size)
                logs_flush(logs);
        if (!logs->open) {
                logs->open = chunk_new(logs, MAX(size, CHUNK_SIZE));
                if (!logs->open) {
                        lose(stream);
                        return;
                }
                timer_arm(&logs->flush, loop_now(logs->loop) + FLUSH_AFTER);
        }
        p = (struct pending *)(logs->open->data + logs->open->len);
        p->stream = stream;
        p->ms = ms_of(wall);
        p->len = (uint32_t)len;
        p->lost = false;
        if (len)
                memcpy(p->data, data, len);
        logs->open->len += size;
        ++stream->pending;
        if (logs->followers)
                defer_call(logs->loop, &logs->deliver, on_deliver);
}

/* ---- the worker's part ---- */

static void mark_lost(struct chunk *chunk, const struct disk_group *group, size_t end) {
        for (size_t at = group->out_from; at < end;) {
                struct pending *p = pending_at(chunk, at);

                p->lost |= p->group == group;
                at += pending_size(p->len);
        }
        chunk->failed = true;
}

static void flush_group(struct disk *disk, struct disk_group *group, struct chunk *chunk, size_t end,
                        uint64_t ms) {
        if (group->out.len && disk_flush(disk, group, ms))
                mark_lost(chunk, group, end);
        group->out_from = end;
}

static int put_record(struct disk *disk, struct disk_group *group, struct pending *p) {
        struct logs_stream *stream = p->stream;
        int r = 0;

        if (stream->serial != group->serial) {
                stream->serial = group->serial;
                stream->number = group->next_stream++;
                r = segment_put(&group->out, &(struct segment_record){ SEGMENT_STREAM, stream->number, p->ms,
                                                                       stream->name, strlen(stream->name) });
        }
        if (!r)
                r = segment_put(&group->out, &(struct segment_record){ SEGMENT_EVENT, stream->number, p->ms,
                                                                       p->data, p->len });
        group->out_events += !r;
        return r;
}

void chunk_write(struct disk *disk, struct chunk *chunk) {
        struct disk_group *group = NULL;
        struct logs_group *before = NULL;
        struct list touched;
        struct pending *p;
        uint64_t ms = 0;

        list_init(&touched);
        each_pending(p, at, chunk) {
                if (p->stream->group != before)
                        group = disk_get(disk, p->stream->group->name, p->ms);
                before = p->stream->group;
                p->group = group;
                ms = p->ms;
                if (!list_is_linked(&group->touched)) {
                        list_push_back(&touched, &group->touched);
                        group->out_from = at;
                } else if (group->ready && group->segment_count &&
                           group->segments[group->segment_count - 1].bytes + group->out.len >=
                                   disk->options.segment_bytes) {
                        flush_group(disk, group, chunk, at, ms);
                }
                if (group->out.len == 0 && disk_prepare(disk, group, ms)) {
                        p->lost = chunk->failed = true;
                        continue;
                }
                if (put_record(disk, group, p))
                        p->lost = chunk->failed = true;
        }
        list_each(group, &touched, touched)
                flush_group(disk, group, chunk, chunk->len, ms);
        /* Only now: trimming one may take the segment that another would have written to. */
        while ((group = list_first(&touched, struct disk_group, touched))) {
                list_unlink(&group->touched);
                disk_trim(disk, group);
        }
}

/* ---- life ---- */

static void set_options(struct logs_options *o, const struct logs_options *given) {
        *o = given ? *given : (struct logs_options){};
        o->group_bytes_max = o->group_bytes_max ? o->group_bytes_max : 64 * MIB;
        o->total_bytes_max = o->total_bytes_max ? o->total_bytes_max : 1024 * MIB;
        o->segment_bytes = o->segment_bytes ? o->segment_bytes : 4 * MIB;
        o->segment_bytes = MIN(o->segment_bytes, o->group_bytes_max / 4);
        o->pending_bytes_max = o->pending_bytes_max ? o->pending_bytes_max : 8 * MIB;
}

int logs_open(struct loop *loop, const char *dir, const struct logs_options *options,
              struct logs **ret_logs) {
        struct logs *logs;
        int fd;

        if (mkdir(dir, 0700) < 0 && errno != EEXIST)
                return fault(-errno);
        fd = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
        if (fd < 0)
                return fault(-errno);
        logs = xcalloc(1, sizeof(*logs));
        logs->loop = loop;
        logs->disk = disk_ref(xcalloc(1, sizeof(*logs->disk)));
        logs->disk->fd = fd;
        set_options(&logs->disk->options, options);
        logs->pending_max = logs->disk->options.pending_bytes_max;
        pthread_mutex_init(&logs->disk->lock, NULL);
        map_init(&logs->disk->groups);
        map_init(&logs->groups);
        list_init(&logs->chunks);
        list_init(&logs->losers);
        list_init(&logs->requests);
        timer_init(&logs->flush, loop, on_flush);
        *ret_logs = logs;
        return 0;
}

/* The worker may be in the middle of an older chunk: the lock is free when it is done, and order is kept. */
static void write_the_rest(struct logs *logs) {
        struct chunk *chunk;

        logs_flush(logs);
        list_each(chunk, &logs->chunks, link) {
                pthread_mutex_lock(&logs->disk->lock);
                if (chunk->data && chunk_take(chunk))
                        chunk_write(logs->disk, chunk);
                pthread_mutex_unlock(&logs->disk->lock);
                if (chunk->data)
                        release_records(chunk, false);
                list_unlink(&chunk->link);
                job_disown(&chunk->job);
        }
}

void logs_close(struct logs *logs) {
        struct logs_stream *stream;

        if (!logs)
                return;
        defer_cancel(&logs->deliver);
        write_the_rest(logs);
        while ((stream = list_first(&logs->losers, struct logs_stream, loser))) {
                list_unlink(&stream->loser);
                stream_free_if_done(stream);
        }
        must(logs->groups.count == 0); /* somebody still holds a stream or follows */
        must(list_is_empty(&logs->requests));
        map_deinit(&logs->groups);
        disk_unref(logs->disk);
        free(logs->spare);
        free(logs);
}

uint64_t logs_lost(const struct logs *logs) {
        return logs->lost;
}

size_t logs_pending(const struct logs *logs) {
        return logs->pending;
}
