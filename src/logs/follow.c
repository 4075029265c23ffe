/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A follower that wants the past first reads it in rounds. Each round begins with a flush, so it sees
 * everything up to its beginning; what is appended during the round is held in memory and delivered after it.
 * If that is too much, it is thrown away and one more round reads it from the disk.
 */
#include "logs/logs_private.h"

#define HELD_MAX MIB

struct logs_follower {
        struct list link; /* on group->followers */
        struct logs *logs;
        struct logs_group *group;
        char *stream;
        logs_follow_fn fn;
        void *owner;
        struct logs_request request;
        struct logs_query query; /* of the next round */
        bool catching_up, missed;
        struct buf held; /* struct held, stream name, data; one after another */
        struct defer begin;
        bool *gone; /* tells hand_over that the callback has freed it */
};

struct held {
        uint64_t ms;
        uint32_t stream_len, len; /* stream_len with its NUL */
};

static void start_round(struct logs_follower *f);

void *logs_follower_owner(const struct logs_follower *follower) {
        return follower->owner;
}

/* False when the follower is gone. */
static bool hand_over(struct logs_follower *f, const struct logs_record *record) {
        bool gone = false, *outer = f->gone;

        f->gone = &gone;
        f->fn(f, record);
        if (gone) {
                if (outer)
                        *outer = true;
                return false;
        }
        f->gone = outer;
        return true;
}

static void hold(struct logs_follower *f, const struct logs_record *record) {
        struct held head = { record->ms, (uint32_t)strlen(record->stream) + 1, (uint32_t)record->len };
        size_t size = sizeof(head) + head.stream_len + record->len;
        char *at;

        if (f->missed)
                return;
        /* Whole or not at all: when the past cannot be read, what is held is delivered nevertheless. */
        if (buf_reserve(&f->held, size, &at)) {
                f->missed = true;
                return;
        }
        at = mempcpy(at, &head, sizeof(head));
        at = mempcpy(at, record->stream, head.stream_len);
        memcpy(at, record->data, record->len);
        buf_commit(&f->held, size);
}

/* False when the follower is gone. */
static bool hand_over_held(struct logs_follower *f) {
        AUTO(buf) struct buf held = f->held;

        f->held = BUF_NULL(HELD_MAX);
        while (held.len) {
                struct logs_record record = {};
                struct held head;

                memcpy(&head, buf_data(&held), sizeof(head));
                buf_consume(&held, sizeof(head));
                record.ms = head.ms;
                record.stream = buf_data(&held);
                record.data = buf_data(&held) + head.stream_len;
                record.len = head.len;
                if (!hand_over(f, &record))
                        return false;
                buf_consume(&held, head.stream_len + head.len);
        }
        return true;
}

static void go_live(struct logs_follower *f) {
        while (f->held.len)
                if (!hand_over_held(f))
                        return;
        f->catching_up = false;
}

static void on_round(struct logs_request *request, const struct logs_page *page) {
        struct logs_follower *f = container_of(request, struct logs_follower, request);

        for (size_t i = 0; i < page->count; ++i)
                if (!hand_over(f, &page->records[i]))
                        return;
        if (page->error && page->error != -ENOENT) {
                go_live(f); /* a past that cannot be read must not hide the present */
                return;
        }
        logs_deliver(f->logs);
        f->query.last = false;
        f->query.max_records = 0;
        f->query.from = MAX(f->query.from, page->next);
        if (page->more || f->missed)
                start_round(f);
        else
                go_live(f);
}

static void begin(struct defer *defer) {
        start_round(container_of(defer, struct logs_follower, begin));
}

static void start_round(struct logs_follower *f) {
        logs_deliver(f->logs);
        buf_clear(&f->held);
        f->missed = false;
        logs_read(f->logs, &f->query, &f->request, on_round);
}

struct logs_follower *logs_follow(struct logs *logs, const char *group, const char *stream,
                                  const struct logs_query *query, logs_follow_fn fn, void *owner) {
        struct logs_follower *f = xcalloc(1, sizeof(*f));

        /* Only what comes from here on is live: the others get theirs now. */
        logs_deliver(logs);
        f->logs = logs;
        f->group = group_ref(logs, group);
        f->stream = stream ? xstrdup(stream) : NULL;
        f->fn = fn;
        f->owner = owner;
        f->held = BUF_NULL(HELD_MAX);
        list_push_back(&f->group->followers, &f->link);
        ++logs->followers;
        if (query) {
                f->query = (struct logs_query){
                        .from = query->from,
                        .from_ms = query->from_ms,
                        .last = query->last,
                        .max_records = query->max_records,
                };
                f->query.group = f->group->name;
                f->query.stream = f->stream;
                f->catching_up = true;
                /* Perhaps another follower's callback asks: a round must not begin in the middle of a
                 * delivery. */
                defer_call(logs->loop, &f->begin, begin);
        }
        return f;
}

void logs_unfollow(struct logs_follower *f) {
        if (!f)
                return;
        if (f->gone)
                *f->gone = true;
        defer_cancel(&f->begin);
        logs_request_cancel(&f->request);
        list_unlink(&f->link);
        --f->logs->followers;
        group_unref(f->group);
        buf_deinit(&f->held);
        free(f->stream);
        free(f);
}

/* Every follower of the group once, though a callback may remove any of them. */
static void deliver_record(struct logs_group *group, const struct logs_record *record) {
        struct logs_follower *f;
        struct list batch;

        list_init(&batch);
        list_link_after(&group->followers, &batch);
        list_unlink(&group->followers);
        while ((f = list_first(&batch, struct logs_follower, link))) {
                list_unlink(&f->link);
                list_push_back(&group->followers, &f->link);
                if (f->stream && !streq(f->stream, record->stream))
                        continue;
                if (f->catching_up)
                        hold(f, record);
                else
                        hand_over(f, record);
        }
}

static void deliver_chunk(struct logs *logs, struct chunk *chunk) {
        while (chunk->seen < chunk->len) {
                struct pending *p = (struct pending *)(chunk->data + chunk->seen);
                struct logs_group *group = p->stream->group;
                const struct logs_record record = {
                        .ms = p->ms,
                        .stream = p->stream->name,
                        .data = p->data,
                        .len = p->len,
                };

                chunk->seen += pending_size(p->len);
                if (list_is_empty(&group->followers))
                        continue;
                ++group->refs;
                deliver_record(group, &record);
                group_unref(group);
        }
}

void logs_deliver(struct logs *logs) {
        struct chunk *chunk;

        if (logs->delivering)
                return;
        defer_cancel(&logs->deliver);
        logs->delivering = true;
        list_each(chunk, &logs->chunks, link)
                if (logs->followers)
                        deliver_chunk(logs, chunk);
                else
                        chunk->seen = chunk->len;
        while (logs->open && logs->open->seen < logs->open->len)
                deliver_chunk(logs, logs->open);
        logs->delivering = false;
}
