/* SPDX-License-Identifier: Apache-2.0 */
/* log_events - CloudWatch Logs' streams and events, read from what lambent keeps */
#include <stdio.h>

#include "api/neighbours/cloudwatch.h"
#include "api/neighbours/log_filter.h"
#include "base/json.h"
#include "engine/engine.h"

#define PAGE_STREAMS 50
#define PAGE_EVENTS 10000

/* Messages are UTF-8 for CloudWatch; a function may print anything. */
static json_t *text_of(const char *data, size_t len) {
        AUTO(buf) struct buf quoted = BUF_NULL(8 * LOGS_RECORD_MAX);
        json_t *text = json_stringn(data, len);

        if (!text && json_quote(&quoted, data, len, false) == 0)
                text = json_loadb(buf_data(&quoted), quoted.len, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
        return text ? text : json_string("");
}

static json_t *event_of(const struct logs_record *record) {
        return json_pack("{s:I, s:o, s:I}", "timestamp", (json_int_t)record->ms, "message",
                         text_of(record->data, record->len), "ingestionTime", (json_int_t)record->ms);
}

static void fail_token(struct api_request *r) {
        service_refuse(r, 400, "InvalidParameterException", "The specified nextToken is invalid.");
}

/* ---- streams ---- */

static int by_name(const void *a, const void *b) {
        const struct logs_stream_info *s = a, *t = b;

        return strcmp(s->name, t->name);
}

static int by_time(const void *a, const void *b) {
        const struct logs_stream_info *s = a, *t = b;

        return s->last_ms == t->last_ms ? by_name(a, b) : s->last_ms < t->last_ms ? -1 : 1;
}

static json_t *shown_stream(const struct group_call *call, const struct logs_stream_info *s) {
        AUTO(str) char *group = group_arn(call->request, call->group);
        AUTO(str) char *arn = xstrcat(group, ":log-stream:", s->name, NULL);
        json_t *out = json_pack("{s:s, s:I, s:s, s:i}", "logStreamName", s->name, "creationTime",
                                (json_int_t)s->created_ms, "arn", arn, "storedBytes", 0);

        if (s->events) {
                json_object_set_new(out, "firstEventTimestamp", json_integer((json_int_t)s->first_ms));
                json_object_set_new(out, "lastEventTimestamp", json_integer((json_int_t)s->last_ms));
                json_object_set_new(out, "lastIngestionTime", json_integer((json_int_t)s->last_ms));
        }
        return out;
}

/* Behind the stream that the token names; false: there is none of that name. */
static bool find_start(const struct logs_stream_info *streams, size_t count, const char *token,
                       size_t *ret_start) {
        *ret_start = 0;
        for (size_t i = 0; token && i < count; i++)
                if (streq(streams[i].name, token))
                        *ret_start = i + 1;
        return !token || *ret_start;
}

static void reply_streams(struct group_call *call, struct logs_stream_info *streams, size_t count) {
        struct api_request *r = call->request;
        const char *order = neighbour_str(r, "orderBy"), *prefix = neighbour_str(r, "logStreamNamePrefix"),
                   *token = NULL;
        const bool descending = json_tree_bool(r->body, "descending", false);
        size_t most = (size_t)json_tree_int(r->body, "limit", PAGE_STREAMS), i;
        AUTO(json_tree) json_t *list = json_array();

        qsort(streams, count, sizeof(*streams), order && streq(order, "LastEventTime") ? by_time : by_name);
        for (i = 0; descending && i < count / 2; i++) {
                struct logs_stream_info other = streams[i];

                streams[i] = streams[count - 1 - i];
                streams[count - 1 - i] = other;
        }
        if (!find_start(streams, count, neighbour_str(r, "nextToken"), &i)) {
                fail_token(r);
                return;
        }
        for (; i < count; i++) {
                if (prefix && !str_starts(streams[i].name, prefix))
                        continue;
                if (json_array_size(list) == most)
                        break;
                json_array_append_new(list, shown_stream(call, &streams[i]));
                token = streams[i].name;
        }
        neighbour_reply(r,
                        json_pack("{s:O, s:s*}", "logStreams", list, "nextToken", i < count ? token : NULL));
}

static void on_described(struct logs_request *asking, int result, const struct logs_stream_info *streams,
                         size_t count) {
        struct group_call *call = container_of(asking, struct group_call, asking);
        struct logs_stream_info *sorted;

        if (result && result != -ENOENT) {
                api_stored(call->request, result);
                return;
        }
        sorted = xcalloc(count + 1, sizeof(*sorted));
        if (count)
                memcpy(sorted, streams, count * sizeof(*sorted));
        reply_streams(call, sorted, count);
        free(sorted);
}

static void describe_streams(struct group_call *call) {
        logs_list_streams(engine_logs(call->request->engine), call->log, &call->asking, on_described);
}

void logs_describe_log_streams(struct api_request *r) {
        const char *order = neighbour_str(r, "orderBy");

        if (order && streq(order, "LastEventTime") && neighbour_str(r, "logStreamNamePrefix"))
                service_refuse(r, 400, "InvalidParameterException",
                               "Cannot order by LastEventTime with a logStreamNamePrefix.");
        else
                group_find(r, describe_streams);
}

/* ---- the events of one stream ---- */

/* "f/N" goes on with event N, "b/N" goes back from it. */
static bool read_token(const struct api_request *r, bool *ret_back, uint64_t *ret_number) {
        const char *token = neighbour_str(r, "nextToken");

        *ret_back = token && token[0] == 'b';
        *ret_number = 0;
        return !token || (strchr("fb", token[0]) && token[1] == '/' &&
                          str_to_u64(token + 2, INT64_MAX, ret_number) == 0);
}

/* A token that leads nowhere new is the one that was given: so clients know the end. */
static void on_events(struct logs_request *asking, const struct logs_page *page) {
        struct group_call *call = container_of(asking, struct group_call, asking);
        struct api_request *r = call->request;
        AUTO(json_tree) json_t *list = json_array();
        char forward[U64_TEXT + 2], back[U64_TEXT + 2];
        uint64_t first, next;
        bool is_back;

        if (page->error && page->error != -ENOENT) {
                api_stored(r, page->error);
                return;
        }
        read_token(r, &is_back, &next);
        if (!neighbour_str(r, "nextToken"))
                next = page->next;
        first = next;
        if (page->count) {
                first = page->records[0].seq;
                next = page->records[page->count - 1].seq + 1;
        }
        for (size_t i = 0; i < page->count; i++)
                json_array_append_new(list, event_of(&page->records[i]));
        snprintf(forward, sizeof(forward), "f/%020llu", (unsigned long long)next);
        snprintf(back, sizeof(back), "b/%020llu", (unsigned long long)first);
        neighbour_reply(r, json_pack("{s:O, s:s, s:s}", "events", list, "nextForwardToken", forward,
                                     "nextBackwardToken", back));
}

static void on_stream_found(struct logs_request *asking, int result, const struct logs_stream_info *streams,
                            size_t count) {
        struct group_call *call = container_of(asking, struct group_call, asking);
        struct api_request *r = call->request;
        const char *stream = neighbour_str(r, "logStreamName");
        struct logs_query query = { .group = call->log, .stream = stream };
        bool found = false, back;
        uint64_t number;

        for (size_t i = 0; i < count && !found; i++)
                found = streq(streams[i].name, stream);
        if (!found) {
                service_refuse(r, 404, "ResourceNotFoundException",
                               "The specified log stream does not exist.");
                return;
        }
        if (!read_token(r, &back, &number)) {
                fail_token(r);
                return;
        }
        query.last =
                back || (!neighbour_str(r, "nextToken") && !json_tree_bool(r->body, "startFromHead", false));
        query.from = back ? 0 : number;
        query.before = back ? MAX(number, (uint64_t)1) : 0; /* 0 would be no end */
        query.from_ms = (uint64_t)json_tree_int(r->body, "startTime", 0);
        query.end_ms = (uint64_t)json_tree_int(r->body, "endTime", 0);
        query.max_records = (size_t)json_tree_int(r->body, "limit", PAGE_EVENTS);
        logs_read(engine_logs(r->engine), &query, &call->asking, on_events);
}

static void get_events(struct group_call *call) {
        logs_list_streams(engine_logs(call->request->engine), call->log, &call->asking, on_stream_found);
}

void logs_get_log_events(struct api_request *r) {
        group_find(r, get_events);
}

/* ---- the events of a group ---- */

static bool matches(const struct logs_record *record, void *arg) {
        return log_filter_takes(arg, record);
}

static void drop_filter(void *arg) {
        log_filter_free(arg);
}

static void on_filtered(struct logs_request *asking, const struct logs_page *page) {
        struct group_call *call = container_of(asking, struct group_call, asking);
        AUTO(json_tree) json_t *list = json_array();
        char token[U64_TEXT], id[64];

        if (page->error && page->error != -ENOENT) {
                api_stored(call->request, page->error);
                return;
        }
        for (size_t i = 0; i < page->count; i++) {
                json_t *event = event_of(&page->records[i]);

                snprintf(id, sizeof(id), "%056llu", (unsigned long long)page->records[i].seq);
                json_object_set_new(event, "logStreamName", json_string(page->records[i].stream));
                json_object_set_new(event, "eventId", json_string(id));
                json_array_append_new(list, event);
        }
        neighbour_reply(call->request,
                        json_pack("{s:O, s:[], s:s*}", "events", list, "searchedLogStreams", "nextToken",
                                  page->more ? u64_text(page->next, token) : NULL));
}

static bool make_filter(struct api_request *r, struct log_filter **ret_filter) {
        const char *pattern = neighbour_str(r, "filterPattern");
        int result = log_filter_new(json_tree_get(r->body, "logStreamNames"),
                                    neighbour_str(r, "logStreamNamePrefix"), pattern, ret_filter);

        if (result == LOG_FILTER_UNKNOWN)
                service_refuse(
                        r, 501, "NotImplementedException",
                        "lambent knows filter patterns of terms only: words, \"phrases\", -word and ?word.");
        else if (result == LOG_FILTER_BROKEN)
                service_refuse(r, 400, "InvalidParameterException", "Invalid filter pattern");
        return !result;
}

static void filter_events(struct group_call *call) {
        struct api_request *r = call->request;
        const char *token = neighbour_str(r, "nextToken");
        const int64_t end = json_tree_int(r->body, "endTime", -1);
        struct log_filter *filter = NULL;
        struct logs_query query = { .group = call->log, .match = matches, .drop = drop_filter };

        if (token && str_to_u64(token, INT64_MAX, &query.from)) {
                fail_token(r);
                return;
        }
        if (!make_filter(r, &filter))
                return;
        query.arg = filter;
        query.from_ms = (uint64_t)json_tree_int(r->body, "startTime", 0);
        query.end_ms = end >= 0 && end < INT64_MAX ? (uint64_t)end + 1 : 0;
        query.max_records = (size_t)json_tree_int(r->body, "limit", PAGE_EVENTS);
        logs_read(engine_logs(r->engine), &query, &call->asking, on_filtered);
}

void logs_filter_log_events(struct api_request *r) {
        if (json_tree_get(r->body, "logStreamNames") && neighbour_str(r, "logStreamNamePrefix"))
                service_refuse(r, 400, "InvalidParameterException",
                               "logStreamNamePrefix and logStreamNames are mutually exclusive parameters.");
        else
                group_find(r, filter_events);
}
