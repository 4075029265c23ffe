/* SPDX-License-Identifier: Apache-2.0 */
/* Requests: each is a job that reads segments on the worker thread and brings its answer back. */
#include <stdio.h>

#include "logs/logs_private.h"

#define RECORDS_MOST 10000
#define BYTES_MOST MIB
#define STREAMS_PER_SEGMENT_MOST 1000000

enum request_kind { REQUEST_READ, REQUEST_STREAMS, REQUEST_GROUPS, REQUEST_DELETE };

/* A stream's name, once per answer, and what is known of it. */
struct name {
        struct map_node node;
        struct logs_stream_info info;
        bool wanted;
        char text[];
};

struct logs_job {
        struct job job;
        struct list link; /* on logs->requests */
        struct disk *disk;
        struct logs_request *request;
        enum request_kind kind;
        struct logs_query query;
        char *group, *stream; /* group: of REQUEST_GROUPS the scope */
        union {
                logs_page_fn page;
                logs_streams_fn streams;
                logs_groups_fn groups;
                logs_deleted_fn deleted;
        } fn;
        /* The answer. */
        int r;
        struct map names;
        struct logs_record *records; /* records[head … count-1] */
        size_t head, count, room, bytes;
        uint64_t next;
        bool more;
        struct logs_stream_info *streams;
        struct logs_group_info *groups;
        size_t list_count;
};

/* A walk through one segment. */
struct walk {
        struct logs_job *j;
        struct name **names; /* by stream number */
        size_t name_count;
        uint64_t seq;
        bool (*event)(struct walk *walk, const struct logs_record *record); /* false: enough */
        size_t matched, matched_bytes;
};

/* ---- walking ---- */

static struct name *intern(struct logs_job *j, const struct segment_record *record) {
        char text[LOGS_NAME_MAX + 1];
        size_t len = MIN(record->len, (size_t)LOGS_NAME_MAX);
        struct name *name;

        memcpy(text, record->data, len);
        text[len] = 0;
        name = map_entry(map_find(&j->names, text), struct name, node);
        if (!name) {
                name = xcalloc(1, sizeof(*name) + len + 1);
                memcpy(name->text, text, len + 1);
                name->info.name = name->text;
                name->info.created_ms = record->ms;
                name->wanted = !j->stream || streq(j->stream, name->text);
                map_add(&j->names, &name->node, name->text);
        }
        name->info.created_ms = MIN(name->info.created_ms, record->ms);
        return name;
}

static void learn_stream(struct walk *w, const struct segment_record *record) {
        if (record->stream >= STREAMS_PER_SEGMENT_MOST)
                return;
        if (record->stream >= w->name_count) {
                size_t count = MAX((size_t)record->stream + 1, w->name_count * 2);

                w->names = xrealloc(w->names, count * sizeof(*w->names));
                memset(w->names + w->name_count, 0, (count - w->name_count) * sizeof(*w->names));
                w->name_count = count;
        }
        w->names[record->stream] = intern(w->j, record);
}

static bool is_asked_for(const struct logs_query *q, const struct logs_record *record) {
        return record->seq >= q->from && (!q->before || record->seq < q->before) &&
               record->ms >= q->from_ms && (!q->end_ms || record->ms < q->end_ms) &&
               (!q->match || q->match(record, q->arg));
}

static bool walk_event(struct walk *w, const struct segment_record *found) {
        struct name *name = found->stream < w->name_count ? w->names[found->stream] : NULL;
        const struct logs_record record = {
                .seq = w->seq++,
                .ms = found->ms,
                .stream = name ? name->text : "",
                .data = found->data,
                .len = found->len,
        };

        if (!name || !name->wanted || !is_asked_for(&w->j->query, &record))
                return true;
        return w->event(w, &record);
}

/* 1: enough, 0: the segment is through, or -errno. */
static int walk_segment(struct walk *w, const struct disk_group *group, size_t index) {
        AUTO(str) char *text = NULL;
        struct segment_record record;
        size_t len, at = 0, n;
        int r = disk_load(w->j->disk, group, index, &text, &len);

        if (r)
                return r;
        w->seq = group->segments[index].first;
        w->name_count = 0;
        while (!r && (n = segment_get(text + at, len - at, &record))) {
                if (record.type == SEGMENT_STREAM)
                        learn_stream(w, &record);
                else if (record.type == SEGMENT_EVENT)
                        r = !walk_event(w, &record);
                at += n;
        }
        free(w->names);
        w->names = NULL;
        return r;
}

static bool may_hold(const struct logs_query *q, const struct disk_group *group, size_t index) {
        const struct disk_segment *segment = &group->segments[index];

        if (index + 1 < group->segment_count && segment[1].first <= q->from)
                return false;
        return (!q->before || segment->first < q->before) && segment->age_ms >= q->from_ms;
}

/* ---- reading ---- */

static void take_record(struct logs_job *j, const struct logs_record *record) {
        struct logs_record *copy;

        if (j->count == j->room) {
                j->room = MAX(j->room * 2, (size_t)64);
                j->records = xrealloc(j->records, j->room * sizeof(*j->records));
        }
        copy = &j->records[j->count++];
        *copy = *record;
        copy->data = xmemdup(record->data, record->len);
        j->bytes += record->len;
}

static bool is_full(const struct logs_job *j, size_t len) {
        return j->count - j->head >= j->query.max_records ||
               (j->count > j->head && j->bytes + len > j->query.max_bytes);
}

static bool take_first(struct walk *w, const struct logs_record *record) {
        if (is_full(w->j, record->len)) {
                w->j->more = true;
                w->j->next = record->seq;
                return false;
        }
        take_record(w->j, record);
        return true;
}

static bool take_last(struct walk *w, const struct logs_record *record) {
        struct logs_job *j = w->j;

        while (is_full(j, record->len)) {
                j->bytes -= j->records[j->head].len;
                free((char *)j->records[j->head++].data);
        }
        take_record(j, record);
        return true;
}

static bool count_only(struct walk *w, const struct logs_record *record) {
        ++w->matched;
        w->matched_bytes += record->len;
        return true;
}

/* From the newest segment back until enough is in sight. */
static int find_start(struct logs_job *j, const struct disk_group *group, size_t *ret_start) {
        struct walk w = { .j = j, .event = count_only };
        size_t i = group->segment_count;
        int r = 0;

        while (!r && i-- > 0) {
                *ret_start = i;
                if (may_hold(&j->query, group, i))
                        r = walk_segment(&w, group, i);
                if (w.matched >= j->query.max_records || w.matched_bytes >= j->query.max_bytes)
                        break;
        }
        return r;
}

static int read_records(struct logs_job *j, const struct disk_group *group) {
        struct walk w = { .j = j, .event = j->query.last ? take_last : take_first };
        size_t start = 0;
        int r = j->query.last ? find_start(j, group, &start) : 0;

        j->next = j->query.from;
        for (size_t i = start; !r && i < group->segment_count; ++i) {
                if (!may_hold(&j->query, group, i))
                        continue;
                r = walk_segment(&w, group, i);
                if (!r)
                        j->next = MAX(j->next, w.seq);
        }
        return MIN(r, 0);
}

/* ---- listing ---- */

static bool note_event(struct walk *w, const struct logs_record *record) {
        struct name *name = container_of(record->stream, struct name, text[0]);
        struct logs_stream_info *info = &name->info;

        info->first_ms = info->events ? MIN(info->first_ms, record->ms) : record->ms;
        info->last_ms = MAX(info->last_ms, record->ms);
        info->bytes += record->len;
        ++info->events;
        return true;
}

static int stream_order(const void *a, const void *b) {
        return strcmp(((const struct logs_stream_info *)a)->name, ((const struct logs_stream_info *)b)->name);
}

static int list_streams(struct logs_job *j, const struct disk_group *group) {
        struct walk w = { .j = j, .event = note_event };
        int r = 0;

        for (size_t i = 0; !r && i < group->segment_count; ++i)
                r = walk_segment(&w, group, i);
        if (r)
                return r;
        j->streams = xcalloc(j->names.count, sizeof(*j->streams));
        for (struct map_node *node = map_next(&j->names, NULL); node; node = map_next(&j->names, node))
                j->streams[j->list_count++] = container_of(node, struct name, node)->info;
        if (j->list_count)
                qsort(j->streams, j->list_count, sizeof(*j->streams), stream_order);
        return 0;
}

static int group_order(const void *a, const void *b) {
        return strcmp(((const struct logs_group_info *)a)->name, ((const struct logs_group_info *)b)->name);
}

static void list_groups(struct logs_job *j) {
        struct disk *disk = j->disk;

        disk_scan(disk);
        j->groups = xcalloc(disk->groups.count, sizeof(*j->groups));
        for (struct map_node *node = map_next(&disk->groups, NULL); node;
             node = map_next(&disk->groups, node)) {
                const struct disk_group *group = container_of(node, struct disk_group, node);

                if (group_is_in(group->name, j->group))
                        j->groups[j->list_count++] =
                                (struct logs_group_info){ xstrdup(group_bare(group->name)), group->created_ms,
                                                          group->bytes };
        }
        if (j->list_count)
                qsort(j->groups, j->list_count, sizeof(*j->groups), group_order);
}

/* ---- jobs ---- */

static int run_on_group(struct logs_job *j) {
        struct disk_group *group = disk_find(j->disk, j->group);

        j->next = j->query.from;
        if (!group)
                return -ENOENT;
        switch (j->kind) {
        case REQUEST_READ:
                return read_records(j, group);
        case REQUEST_STREAMS:
                return list_streams(j, group);
        case REQUEST_DELETE:
                return disk_delete(j->disk, group);
        case REQUEST_GROUPS:
                break;
        }
        return 0;
}

static void request_run(struct job *job) {
        struct logs_job *j = container_of(job, struct logs_job, job);

        pthread_mutex_lock(&j->disk->lock);
        if (j->kind == REQUEST_GROUPS)
                list_groups(j);
        else
                j->r = run_on_group(j);
        pthread_mutex_unlock(&j->disk->lock);
}

static void request_free(struct job *job) {
        struct logs_job *j = container_of(job, struct logs_job, job);
        struct map_node *node;

        list_unlink(&j->link);
        if (j->query.drop)
                j->query.drop(j->query.arg);
        while ((node = map_next(&j->names, NULL))) {
                map_remove(&j->names, node);
                free(container_of(node, struct name, node));
        }
        map_deinit(&j->names);
        for (size_t i = j->head; i < j->count; ++i)
                free((char *)j->records[i].data);
        for (size_t i = 0; j->groups && i < j->list_count; ++i)
                free((char *)j->groups[i].name);
        free(j->records);
        free(j->streams);
        free(j->groups);
        free(j->group);
        free(j->stream);
        disk_unref(j->disk);
        free(j);
}

static void request_done(struct job *job) {
        struct logs_job *j = container_of(job, struct logs_job, job);
        struct logs_request *request = j->request;
        const struct logs_page page = { j->r, j->records + j->head, j->count - j->head, j->next, j->more };

        list_unlink(&j->link);
        request->job = NULL;
        switch (j->kind) {
        case REQUEST_READ:
                j->fn.page(request, &page);
                break;
        case REQUEST_STREAMS:
                j->fn.streams(request, j->r, j->streams, j->list_count);
                break;
        case REQUEST_GROUPS:
                j->fn.groups(request, j->groups, j->list_count);
                break;
        case REQUEST_DELETE:
                j->fn.deleted(request, j->r);
                break;
        }
        request_free(job);
}

static struct logs_job *request_new(struct logs *logs, enum request_kind kind, const char *group,
                                    struct logs_request *request) {
        struct logs_job *j = xcalloc(1, sizeof(*j));

        must(!request->job);
        j->job = (struct job){ .run = request_run, .done = request_done, .discard = request_free };
        j->disk = disk_ref(logs->disk);
        j->request = request;
        j->kind = kind;
        j->group = group ? xstrdup(group) : NULL;
        map_init(&j->names);
        list_push_back(&logs->requests, &j->link);
        request->job = j;
        return j;
}

static void submit(struct logs *logs, struct logs_job *j) {
        logs_flush(logs);
        job_submit(logs->loop, &j->job);
}

void logs_read(struct logs *logs, const struct logs_query *query, struct logs_request *request,
               logs_page_fn fn) {
        struct logs_job *j = request_new(logs, REQUEST_READ, query->group, request);

        j->query = *query;
        j->stream = query->stream ? xstrdup(query->stream) : NULL;
        j->query.group = j->group;
        j->query.stream = j->stream;
        if (!j->query.max_records)
                j->query.max_records = RECORDS_MOST;
        if (!j->query.max_bytes)
                j->query.max_bytes = BYTES_MOST;
        j->fn.page = fn;
        submit(logs, j);
}

void logs_list_streams(struct logs *logs, const char *group, struct logs_request *request,
                       logs_streams_fn fn) {
        struct logs_job *j = request_new(logs, REQUEST_STREAMS, group, request);

        j->fn.streams = fn;
        submit(logs, j);
}

void logs_list_groups(struct logs *logs, const char *scope, struct logs_request *request, logs_groups_fn fn) {
        struct logs_job *j = request_new(logs, REQUEST_GROUPS, scope, request);

        j->fn.groups = fn;
        submit(logs, j);
}

void logs_delete_group(struct logs *logs, const char *group, struct logs_request *request,
                       logs_deleted_fn fn) {
        struct logs_job *j = request_new(logs, REQUEST_DELETE, group, request);

        j->fn.deleted = fn;
        submit(logs, j);
}

void logs_request_cancel(struct logs_request *request) {
        struct logs_job *j = TAKE(request->job);

        if (!j)
                return;
        list_unlink(&j->link);
        job_disown(&j->job);
}
