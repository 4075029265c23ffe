/* SPDX-License-Identifier: Apache-2.0 */
/* The emulator's front: requests come, wait for their turn, and are answered as AWS's Invoke answers. */
#include <stdio.h>

#include "base/base64.h"
#include "base/json.h"
#include "base/random.h"
#include "http/eventstream.h"
#include "http/guard.h"
#include "init/emulator_private.h"

#define JSON_TYPE "Content-Type: application/json\r\n"

struct request {
        struct emulator *emulator;
        struct http_exchange *x; /* NULL: the client has gone */
        struct list link;        /* while it waits */
        struct buf payload, client_context;
        char *trace_id, *tenant_id, *identity; /* copies: the client may go; NULL: none */
        struct iovec event;
        char request_id[UUID_LEN + 1];
        size_t unsettled; /* streamed bytes that wait for the client's socket */
        bool stream, begun, waiting;
};

static void request_free(struct request *r) {
        list_unlink(&r->link);
        buf_deinit(&r->payload);
        buf_deinit(&r->client_context);
        free(r->trace_id);
        free(r->tenant_id);
        free(r->identity);
        free(r);
}

/* ---- answers ---- */

static void refuse(struct http_exchange *x, int status, const char *type, const char *message) {
        AUTO(buf) struct buf body = BUF_NULL(4 * KIB);
        AUTO(str) char *fields = xasprintf(JSON_TYPE "X-Amzn-ErrorType: %s\r\n", type);
        struct json_writer w = JSON_WRITER(&body);

        json_open_object(&w, NULL);
        json_str(&w, "Type", "User");
        json_str(&w, "message", message);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        http_respond(x, status, fields, buf_data(&body), body.len);
}

static char *common_fields(const struct request *r, const char *type, bool is_error) {
        return xasprintf("Content-Type: %s\r\nx-amzn-RequestId: %s\r\nX-Amz-Executed-Version: %s\r\n%s", type,
                         r->request_id, r->emulator->settings->version,
                         is_error ? "X-Amz-Function-Error: Unhandled\r\n" : "");
}

static void begin_stream(struct request *r) {
        AUTO(str) char *fields = common_fields(r, "application/vnd.amazon.eventstream", false);

        if (r->begun)
                return;
        r->begun = true;
        http_respond_begin(r->x, 200, fields, -1);
}

void request_head(struct request *r, const char *content_type) {
        if (r->x)
                begin_stream(r);
}

/* What a slow client's socket does not take holds the runtime back; a client that has gone does not. */
void request_chunk(struct request *r, const char *data, size_t len) {
        struct environment *e = r->emulator->e;

        if (r->x)
                eventstream_send(r->x, "PayloadChunk", "application/octet-stream", data, len);
        if (r->x && http_queued(r->x))
                r->unsettled += len;
        else
                e->ops->credit(e, len);
}

static void end_stream(struct request *r, struct invocation_answer *answer) {
        AUTO(buf) struct buf body = BUF_NULL(2 * ANSWER_MAX);
        struct json_writer w = JSON_WRITER(&body);

        begin_stream(r);
        if (!answer->is_error && answer->payload->len)
                eventstream_send(r->x, "PayloadChunk", "application/octet-stream", buf_data(answer->payload),
                                 answer->payload->len);
        json_open_object(&w, NULL);
        if (answer->is_error) {
                json_str(&w, "ErrorCode", "Unhandled");
                json_strn(&w, "ErrorDetails", buf_data(answer->payload), answer->payload->len);
        }
        json_close_object(&w);
        if (json_writer_end(&w)) {
                http_abort(r->x); /* details too large to tell: a cut stream says that it failed */
                return;
        }
        eventstream_send(r->x, "InvokeComplete", "application/json", buf_data(&body), body.len);
        http_respond_end(r->x);
}

static void answer_whole(struct request *r, struct invocation_answer *answer) {
        AUTO(str) char *fields = common_fields(r, "application/json", answer->is_error);

        http_respond_buf_consume(r->x, 200, fields, answer->payload);
}

/* The request lives on until its response is out (on_done), or ends here when the client has gone. */
void request_answered(struct request *r, struct invocation_answer *answer) {
        r->emulator->now = NULL;
        if (!r->x)
                request_free(r);
        else if (r->stream)
                end_stream(r, answer);
        else
                answer_whole(r, answer);
}

void request_drop(struct request *r) {
        if (r)
                request_free(r);
}

/* ---- one after the other ---- */

void emulator_next(struct emulator *emulator) {
        struct request *r = list_first(&emulator->waiting, struct request, link);
        struct invocation_order order;

        if (!r || emulator->now || !emulator->idle)
                return;
        list_unlink(&r->link);
        r->waiting = false;
        emulator->now = r;
        emulator->idle = false;
        r->event = (struct iovec){ buf_data(&r->payload), r->payload.len };
        order = (struct invocation_order){
                .request_id = r->request_id,
                .arn = emulator->arn,
                .trace_id = r->trace_id,
                .client_context = r->client_context.len ? buf_data(&r->client_context) : NULL,
                .cognito_identity = r->identity,
                .tenant_id = r->tenant_id,
                .event = &r->event,
                .event_parts = 1,
                .timeout = emulator->settings->timeout,
                .stream = r->stream,
        };
        emulator->e->ops->invoke(emulator->e, &order);
}

/* ---- the request comes ---- */

static void too_large(struct http_exchange *x) {
        AUTO(str)
        char *text = xasprintf("Request must be smaller than %zu bytes for the InvokeFunction operation",
                               PAYLOAD_MAX);

        refuse(x, 413, "RequestEntityTooLargeException", text);
}

/* The payload has outgrown its buffer. */
static void on_body(struct http_exchange *x, const char *data, size_t len) {
        too_large(x);
}

static void on_end(struct http_exchange *x) {
        struct request *r = x->owner;

        if (r->payload.len && json_validate(buf_data(&r->payload), r->payload.len, NULL)) {
                refuse(x, 400, "InvalidRequestContentException", "Could not parse request body into json");
                return;
        }
        r->waiting = true;
        list_push_back(&r->emulator->waiting, &r->link);
        emulator_next(r->emulator);
}

static void on_drain(struct http_exchange *x) {
        struct request *r = x->owner;
        struct environment *e = r->emulator->e;
        size_t len = r->unsettled;

        r->unsettled = 0;
        if (r->emulator->now == r && len)
                e->ops->credit(e, len);
}

/* A client that goes away cancels only what has not begun; its function runs on to its end. */
static void on_done(struct http_exchange *x, bool complete) {
        struct request *r = x->owner;
        struct environment *e = r->emulator->e;
        size_t len = r->unsettled;

        if (r->emulator->now != r) {
                request_free(r);
                return;
        }
        r->x = NULL;
        r->unsettled = 0;
        if (len)
                e->ops->credit(e, len);
}

static const struct http_ops request_ops = {
        .on_body = on_body,
        .on_end = on_end,
        .on_drain = on_drain,
        .on_done = on_done,
};

static void refused_body(struct http_exchange *x, const char *data, size_t len) {
}

static void refused_end(struct http_exchange *x) {
}

static void refused_done(struct http_exchange *x, bool complete) {
}

static const struct http_ops refused_ops = { .on_body = refused_body,
                                             .on_end = refused_end,
                                             .on_done = refused_done };

/* "/DATE/functions/NAME/leaf" */
static bool is_call(const char *path, const char *root, const char *leaf) {
        const char *name = str_starts(path, root) ? path + strlen(root) : NULL, *slash;

        slash = name ? strchr(name, '/') : NULL;
        return slash && slash > name && streq(slash + 1, leaf);
}

static int read_client_context(struct http_exchange *x, struct buf *ret_json) {
        const char *header = http_header(x, "x-amz-client-context");

        if (!header || !*header)
                return 0;
        if (base64_decode(header, strlen(header), ret_json) ||
            json_validate(buf_data(ret_json), ret_json->len, NULL) ||
            memchr(buf_data(ret_json), '\n', ret_json->len) ||
            memchr(buf_data(ret_json), '\r', ret_json->len))
                return -EINVAL;
        return buf_append(ret_json, "", 1);
}

static char *copy_header(const struct http_exchange *x, const char *name) {
        const char *value = http_header(x, name);

        return value ? xstrdup(value) : NULL;
}

/* The caller may call the invocation as he likes, as long as it is a UUID. */
static void read_fields(struct request *r, const struct http_exchange *x) {
        const char *id = http_header(x, "x-amzn-requestid");

        if (id && uuid_is_one(id))
                memcpy(r->request_id, id, UUID_LEN + 1);
        else
                random_uuid(r->request_id);
        r->trace_id = copy_header(x, "x-amzn-trace-id");
        r->tenant_id = copy_header(x, "x-amz-tenant-id");
        r->identity = copy_header(x, "x-amz-cognito-identity");
}

static void on_request(struct http_exchange *x) {
        struct emulator *emulator = x->listener_owner;
        bool stream = is_call(x->path, "/2021-11-15/functions/", "response-streaming-invocations");
        AUTO(buf) struct buf client_context = BUF_NULL(64 * KIB);
        struct request *r;

        x->ops = &refused_ops;
        if (guard_check(x, NULL, 0) == GUARD_FROM_PAGE) { /* any Host: containers have many names */
                refuse(x, 403, "AccessDeniedException", "Functions are not for web pages to call");
                return;
        }
        if (x->method != HTTP_POST_ ||
            (!stream && !is_call(x->path, "/2015-03-31/functions/", "invocations"))) {
                http_respond(x, 404, NULL, "404 page not found\n", 19);
                return;
        }
        if (x->content_length > (int64_t)PAYLOAD_MAX) {
                too_large(x);
                return;
        }
        if (read_client_context(x, &client_context)) {
                refuse(x, 400, "InvalidRequestContentException",
                       "Client context must be a valid Base64-encoded JSON object.");
                return;
        }
        r = xcalloc(1, sizeof(*r));
        r->emulator = emulator;
        r->x = x;
        r->stream = stream;
        r->payload = BUF_NULL(PAYLOAD_MAX);
        r->client_context = client_context;
        client_context = BUF_NULL(0);
        read_fields(r, x);
        list_init(&r->link);
        x->ops = &request_ops;
        x->owner = r;
        x->sink = &r->payload;
}

const struct http_handler emulator_handler = { .on_request = on_request };
