/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GET /_lambent/logs?function=NAME[&since=MS][&last=N][&stream=NAME][&follow=1]: one JSON object a line,
 * {"time": Unix ms, "stream": …, "message": …}. group=NAME instead of function names a log group. Account and region are the
 * caller's, or those of an ARN as NAME. Pages are read by the worker; the next one is asked for when the client has taken the one before.
 */
#include "api/api_private.h"
#include "api/names.h"
#include "api/operations.h"
#include "base/json.h"
#include "engine/engine.h"
#include "logs/logs.h"

/* A follower that does not read loses its connection rather than our memory. */
#define FOLLOWER_QUEUE_MAX (8 * MIB)

struct reading {
        struct list link; /* on the API's followers */
        struct api_request *request;
        struct logs_request pages;
        struct logs_follower *follower;
        struct logs_query query;
        char *group, *stream;
        bool begun, more, following;
};

static void reading_free(struct reading *reading) {
        list_unlink(&reading->link);
        logs_request_cancel(&reading->pages);
        logs_unfollow(reading->follower);
        free(reading->group);
        free(reading->stream);
        free(reading);
}

static void begin(struct reading *reading) {
        AUTO(buf) struct buf fields = BUF_NULL(KIB);
        struct api_request *r = reading->request;

        if (reading->begun)
                return;
        reading->begun = true;
        r->answered = true;
        api_common_fields(r, &fields);
        buf_append(&fields, "Content-Type: application/x-ndjson\r\n",
                   sizeof("Content-Type: application/x-ndjson\r\n"));
        http_respond_begin(r->exchange, 200, buf_data(&fields), -1);
}

static void write_record(struct buf *out, const struct logs_record *record) {
        struct json_writer w = JSON_WRITER(out);

        json_open_object(&w, NULL);
        json_uint(&w, "time", record->ms);
        json_str(&w, "stream", record->stream);
        json_strn(&w, "message", record->data, record->len);
        json_close_object(&w);
        if (json_writer_end(&w) == 0)
                buf_append(out, "\n", 1);
}

static void pass_on(struct reading *reading, const struct buf *out) {
        struct iovec part = { buf_data(out), out->len };

        if (out->len)
                http_respond_some(reading->request->exchange, &part, 1);
}

/* ---- pages ---- */

static void ask(struct reading *reading);

static void on_page(struct logs_request *request, const struct logs_page *page) {
        struct reading *reading = container_of(request, struct reading, pages);
        struct api_request *r = reading->request;
        AUTO(buf) struct buf out = BUF_NULL(64 * MIB);

        if (page->error && page->error != -ENOENT && !reading->begun) {
                api_fail(r, PROBLEM_SERVICE, "the log cannot be read: %s", strerror(-page->error));
                return;
        }
        begin(reading);
        for (size_t i = 0; i < page->count; ++i)
                write_record(&out, &page->records[i]);
        pass_on(reading, &out);
        reading->query.from = page->next;
        reading->more = page->more && !page->error && !reading->query.last;
        if (!reading->more)
                http_respond_end(r->exchange);
        else if (!http_queued(r->exchange))
                ask(reading);
}

static void ask(struct reading *reading) {
        reading->more = false;
        logs_read(engine_logs(reading->request->engine), &reading->query, &reading->pages, on_page);
}

/* ---- following ---- */

static void on_record(struct logs_follower *follower, const struct logs_record *record) {
        struct reading *reading = logs_follower_owner(follower);
        AUTO(buf) struct buf out = BUF_NULL(4 * MIB);

        write_record(&out, record);
        if (http_queued(reading->request->exchange) > FOLLOWER_QUEUE_MAX)
                http_abort(reading->request->exchange);
        else
                pass_on(reading, &out);
}

void api_end_followers(struct api *api) {
        struct reading *reading;

        while ((reading = list_first(&api->followers, struct reading, link))) {
                list_unlink(&reading->link);
                logs_unfollow(TAKE(reading->follower));
                http_respond_end(reading->request->exchange);
        }
}

/* ---- the exchange ---- */

static void follow_on(struct reading *reading) {
        struct api_request *r = reading->request;

        begin(reading);
        list_push_back(&r->api->followers, &reading->link);
        reading->follower = logs_follow(engine_logs(r->engine), reading->group, reading->stream,
                                        &reading->query, on_record, reading);
}

static void on_drain(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct reading *reading = r->state;

        if (reading && reading->more)
                ask(reading);
}

/* A follower that has closed its sending side has gone: nobody else would ever end the stream. */
static void on_half_close(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct reading *reading = r->state;

        if (reading && reading->following)
                http_abort(x);
}

static void on_done(struct http_exchange *x, bool complete) {
        struct api_request *r = x->owner;

        if (r->state)
                reading_free(TAKE(r->state));
        api_request_free(r);
}

static const struct http_ops reading_ops = {
        .on_drain = on_drain,
        .on_half_close = on_half_close,
        .on_done = on_done,
};

static uint64_t number(struct api_request *r, const char *name) {
        AUTO(str) char *text = http_query_param(r->exchange, name);
        uint64_t value;

        return text && str_to_u64(text, UINT64_MAX / 2, &value) == 0 ? value : 0;
}

/* Of one that is not there (any more) the group it would have. */
static char *group_of(struct api_request *r, const char *function) {
        AUTO(function_place) struct function_place at = {};
        AUTO(str) char *group = NULL;
        struct function *f;

        function_place_read(function, r->account, r->region, &at);
        f = registry_find(engine_registry(r->engine), at.account, at.region, at.name);
        group = f && f->latest->config.log_group ? xstrdup(f->latest->config.log_group)
                                                 : xasprintf("/aws/lambda/%s", at.name);
        return engine_log_group(at.account, at.region, group);
}

void api_logs(struct api_request *r) {
        AUTO(str) char *function = http_query_param(r->exchange, "function");
        AUTO(str) char *group = http_query_param(r->exchange, "group");
        AUTO(str) char *follow = http_query_param(r->exchange, "follow");
        struct reading *reading;

        r->exchange->ops = &reading_ops;
        reading = xcalloc(1, sizeof(*reading));
        r->state = reading;
        reading->request = r;
        reading->stream = http_query_param(r->exchange, "stream");
        if (group)
                reading->group = engine_log_group(r->account, r->region, group);
        else if (function)
                reading->group = group_of(r, function);
        if (!reading->group) {
                api_fail(r, PROBLEM_INVALID_PARAMETER, "name a function or a log group: ?function=NAME");
                return;
        }
        reading->following = follow && streq(follow, "1");
        reading->query = (struct logs_query){
                .group = reading->group,
                .stream = reading->stream,
                .from_ms = number(r, "since"),
                .max_records = number(r, "last"),
        };
        reading->query.last = reading->query.max_records > 0;
        if (reading->following)
                follow_on(reading);
        else
                ask(reading);
}
