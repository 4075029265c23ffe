/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The Runtime API (2018-06-01) as HTTP: routes, headers, refusals. What an answer means is the business
 * of generation.c and answers.c.
 *
 * The two calls of a warm invocation are `next`, which is parked until there is an event, and `response`,
 * whose body goes to the caller while it arrives or is held until it is complete.
 */
#include <stdio.h>

#include "base/base64.h"
#include "base/json.h"
#include "http/guard.h"
#include "runtime/supervisor_private.h"

#define RUNTIME_ROOT "/2018-06-01/"
#define EXTENSION_ROOT "/2020-01-01/extension/"
#define LOGS_ROOT "/2020-08-15/"
#define TELEMETRY_ROOT "/2022-07-01/"
#define JSON_FIELDS "Content-Type: application/json\r\n"
#define STATUS_OK "{\"status\":\"OK\"}\n"

static const char *const api_state_names[] = {
        [API_STARTED] = "Started",
        [API_INIT_ERROR] = "InitError",
        [API_READY] = "Ready",
        [API_RUNNING] = "Running",
        [API_RESPONSE] = "InvocationResponse",
        [API_ERROR_RESPONSE] = "InvocationErrorResponse",
        [API_RESPONSE_SENT] = "RuntimeResponseSentState",
};

const char *api_state_name(enum api_state state) {
        return api_state_names[state];
}

static struct supervisor *owner_of(struct http_exchange *x) {
        return x->owner;
}

/* ---- plain answers ---- */

void api_quiet_body(struct http_exchange *x, const char *data, size_t len) {
}

void api_quiet_end(struct http_exchange *x) {
}

static void quiet_done(struct http_exchange *x, bool complete) {
}

static const struct http_ops quiet_ops = { .on_body = api_quiet_body,
                                           .on_end = api_quiet_end,
                                           .on_done = quiet_done };

/* Messages quote at most 1 KiB of what the peer said, which escapes make six times as long. */
void api_refuse(struct http_exchange *x, int status, const char *type, const char *message) {
        AUTO(buf) struct buf body = BUF_NULL(16 * KIB);
        struct json_writer w = JSON_WRITER(&body);

        w.html = true; /* Go's encoder escapes < > & */
        json_open_object(&w, NULL);
        json_str(&w, "errorMessage", message);
        json_str(&w, "errorType", type);
        json_close_object(&w);
        must(json_writer_end(&w) == 0 && buf_append(&body, "\n", 1) == 0);
        http_respond(x, status, JSON_FIELDS, buf_data(&body), body.len);
}

static void refuse_transition(struct http_exchange *x, enum api_state from, enum api_state to) {
        AUTO(str)
        char *text = xasprintf("State transition from %s to %s failed for runtime. Error: State "
                               "transition is not allowed",
                               api_state_name(from), api_state_name(to));

        api_refuse(x, 403, "InvalidStateTransition", text);
}

void api_accept(struct http_exchange *x) {
        http_respond(x, 202, JSON_FIELDS, STATUS_OK, strlen(STATUS_OK));
}

void api_not_found(struct http_exchange *x) {
        http_respond(x, 404, NULL, "404 page not found\n", 19);
}

/* ---- next ---- */

static void poll_done(struct http_exchange *x, bool complete) {
        struct supervisor *s = owner_of(x);

        if (s->poll == x)
                s->poll = NULL; /* the runtime hung up; it may ask again */
}

/* Nobody waits for the answer any more: give the connection back. */
static void poll_half_close(struct http_exchange *x) {
        if (owner_of(x)->poll == x)
                http_abort(x);
}

static const struct http_ops poll_ops = {
        .on_body = api_quiet_body,
        .on_end = api_quiet_end,
        .on_half_close = poll_half_close,
        .on_done = poll_done,
};

static void on_next(struct supervisor *s, struct http_exchange *x) {
        if (s->api == API_INIT_ERROR || s->api == API_RESPONSE || s->api == API_ERROR_RESPONSE) {
                refuse_transition(x, s->api, API_READY);
                return;
        }
        if (s->poll) {
                /* A second poll replaces the first: its connection is most likely dead. */
                struct http_exchange *old = TAKE(s->poll);

                http_abort(old);
        }
        x->ops = &poll_ops;
        x->owner = s;
        s->poll = x;
        generation_asked(s);
}

static inline void add_field(struct buf *fields, const char *name, const char *value) {
        if (!value || !*value)
                return;
        buf_append_str(fields, name);
        buf_append_str(fields, ": ");
        buf_append_str(fields, value);
        buf_append_str(fields, "\r\n");
}

/* The deadline is told in Unix time, as the clients compute the remaining time from their own clock. */
void runtime_api_deliver(struct supervisor *s) {
        const struct invocation_order *o = &s->now.order;
        struct http_exchange *x = TAKE(s->poll);
        char room[KIB];
        AUTO(buf) struct buf fields = BUF_LENT(room, 16 * KIB);
        nsec_t spent = loop_now(s->loop) - s->now.began;
        nsec_t deadline = loop_wall(s->loop) + s->now.order.timeout - MIN(spent, s->now.order.timeout);
        char milliseconds[U64_TEXT];
        size_t len = 0;

        for (size_t i = 0; i < o->event_parts; ++i)
                len += o->event[i].iov_len;
        s->api = API_RUNNING;
        add_field(&fields, "Content-Type", o->content_type ? o->content_type : "application/json");
        add_field(&fields, "Lambda-Runtime-Aws-Request-Id", s->now.request_id);
        add_field(&fields, "Lambda-Runtime-Deadline-Ms", u64_text(deadline / MILLISECOND, milliseconds));
        add_field(&fields, "Lambda-Runtime-Invoked-Function-Arn", o->arn);
        add_field(&fields, "Lambda-Runtime-Trace-Id", o->trace_id);
        add_field(&fields, "Lambda-Runtime-Client-Context", o->client_context);
        add_field(&fields, "Lambda-Runtime-Cognito-Identity", o->cognito_identity);
        add_field(&fields, "Lambda-Runtime-Aws-Tenant-Id", o->tenant_id);
        buf_append(&fields, "", 1);
        ++s->deliveries;
        if (o->event_parts == 1) {
                http_respond(x, 200, buf_data(&fields), o->event[0].iov_base, len);
                return;
        }
        http_respond_begin(x, 200, buf_data(&fields), (int64_t)len);
        http_respond_some(x, o->event, o->event_parts);
        http_respond_end(x);
}

/* ---- response, error, init/error: a body comes in ---- */

void incoming_clear(struct incoming *in) {
        buf_deinit(&in->payload);
        free(in->error_type);
        free(in->content_type);
        *in = (struct incoming){ .payload = BUF_NULL(ANSWER_MAX) };
}

static bool is_incoming(const struct supervisor *s, const struct http_exchange *x) {
        return s->incoming.x == x;
}

static void too_large(struct supervisor *s, struct http_exchange *x) {
        AUTO(str)
        char *runtime_text = xasprintf("Exceeded maximum allowed payload size (%zu bytes).", ANSWER_MAX);
        AUTO(str)
        char *caller_text = xasprintf(
                "Response payload size exceeded maximum allowed payload size (%zu bytes).", ANSWER_MAX);

        s->incoming.x = NULL;
        s->incoming.too_large = true;
        s->api = API_RESPONSE_SENT;
        answer_refused(s, "Function.ResponseSizeTooLarge", caller_text);
        generation_answer_over(s);
        x->ops = &quiet_ops;
        x->sink = NULL;
        api_refuse(x, 413, "RequestEntityTooLarge", runtime_text);
}

/* Streamed bytes go on at once; past the window the runtime has to wait for the caller. */
static void forward(struct supervisor *s, struct http_exchange *x, const char *data, size_t len) {
        struct incoming *in = &s->incoming;

        in->received += len;
        if (in->received > (in->streaming ? STREAM_ANSWER_MAX : ANSWER_MAX)) {
                too_large(s, x);
                return;
        }
        in->unsettled += len;
        if (in->unsettled >= ENVIRONMENT_WINDOW)
                http_pause(x);
        s->base.events->chunk(&s->base, data, len);
}

static void answer_body(struct http_exchange *x, const char *data, size_t len) {
        struct supervisor *s = owner_of(x);

        if (!is_incoming(s, x))
                return;
        if (s->incoming.forward)
                forward(s, x, data, len);
        else
                too_large(s, x); /* the sink is full */
}

/* A mid-stream error travels in the trailers (docs/aws.md, streams); Go sends them always, mostly empty. */
static void read_trailers(struct supervisor *s, struct http_exchange *x) {
        const char *type = http_trailer(x, "lambda-runtime-function-error-type");
        const char *body = http_trailer(x, "lambda-runtime-function-error-body");
        struct incoming *in = &s->incoming;

        if (!type || !*type)
                return;
        in->error = true;
        free(in->error_type);
        in->error_type = xstrdup(type);
        if (!body || !*body)
                return;
        buf_clear(&in->payload);
        if (base64_decode(body, strlen(body), &in->payload))
                buf_clear(&in->payload);
}

static void answer_end(struct http_exchange *x) {
        struct supervisor *s = owner_of(x);

        if (!is_incoming(s, x))
                return;
        read_trailers(s, x);
        s->incoming.x = NULL;
        /* The caller first: it waits, the runtime's 202 is a formality. */
        if (s->incoming.init_error)
                failure_init_error(s);
        else
                answer_from_runtime(s);
        generation_answer_over(s);
        x->ops = &quiet_ops;
        x->sink = NULL;
        api_accept(x);
}

static void answer_done(struct http_exchange *x, bool complete) {
        struct supervisor *s = owner_of(x);

        if (!is_incoming(s, x))
                return;
        s->incoming.x = NULL;
        generation_answer_over(s);
        if (s->incoming.init_error || s->last_words.exited)
                return; /* its exit will tell, or has told */
        s->api = API_RESPONSE_SENT;
        answer_refused(s, "Runtime.TruncatedResponse", NULL);
}

static const struct http_ops answer_ops = { .on_body = answer_body,
                                            .on_end = answer_end,
                                            .on_done = answer_done };

static void begin_answer(struct supervisor *s, struct http_exchange *x, bool error, bool init_error) {
        const char *type = http_header(x, "content-type");
        const char *error_type = http_header(x, "lambda-runtime-function-error-type");
        struct incoming *in = &s->incoming;

        incoming_clear(in);
        in->x = x;
        in->error = error;
        in->init_error = init_error;
        in->content_type = type ? xstrdup(type) : NULL;
        in->error_type = error && error_type ? xstrdup(error_type) : NULL;
        x->ops = &answer_ops;
        x->owner = s;
}

/* 0: go on; otherwise the request was refused. The id is checked before the state (docs/aws.md, runtime-api). */
static int refuse_foreign_id(struct supervisor *s, struct http_exchange *x, const char *id, size_t len,
                             enum api_state to) {
        bool known =
                s->now.active && strlen(s->now.request_id) == len && memcmp(id, s->now.request_id, len) == 0;

        if (!known || gen_is_ending(s->gen)) {
                api_refuse(x, 400, "InvalidRequestID", "Invalid request ID");
                return -1;
        }
        if (s->api != API_RUNNING) {
                refuse_transition(x, s->api, to);
                return -1;
        }
        return 0;
}

static void on_response(struct supervisor *s, struct http_exchange *x, const char *id, size_t len) {
        const char *mode = http_header(x, "lambda-runtime-function-response-mode");

        if (refuse_foreign_id(s, x, id, len, API_RESPONSE))
                return;
        if (mode && strcasecmp(mode, "streaming") != 0) {
                s->api = API_RESPONSE_SENT;
                answer_refused(s, "Runtime.InvalidResponseModeHeader", NULL);
                api_refuse(x, 400, "InvalidFunctionResponseMode", "Invalid function response mode");
                return;
        }
        begin_answer(s, x, false, false);
        s->api = API_RESPONSE;
        s->incoming.streaming = mode != NULL;
        s->incoming.forward = s->now.order.stream;
        if (!s->incoming.forward)
                x->sink = &s->incoming.payload;
        else
                s->base.events->head(&s->base, s->incoming.content_type);
}

static void on_error(struct supervisor *s, struct http_exchange *x, const char *id, size_t len) {
        if (refuse_foreign_id(s, x, id, len, API_ERROR_RESPONSE))
                return;
        begin_answer(s, x, true, false);
        s->api = API_ERROR_RESPONSE;
        x->sink = &s->incoming.payload;
}

static void on_init_error(struct supervisor *s, struct http_exchange *x) {
        if (s->api != API_STARTED ||
            s->gen != GEN_INIT) { /* the latter: said by a generation that is being killed */
                refuse_transition(x, s->api, API_INIT_ERROR);
                return;
        }
        begin_answer(s, x, true, true);
        s->api = API_INIT_ERROR;
        x->sink = &s->incoming.payload;
}

/* Its sender is being killed: whatever part of it is still on its way must not count as an answer. */
void runtime_api_drop_answer(struct supervisor *s) {
        struct http_exchange *answer = TAKE(s->incoming.x);

        if (answer)
                http_abort(answer);
        incoming_clear(&s->incoming);
}

void runtime_api_drop(struct supervisor *s) {
        struct http_exchange *poll = TAKE(s->poll);

        if (poll)
                http_abort(poll);
        runtime_api_drop_answer(s);
}

/* ---- routing ---- */

static void route_invocation(struct supervisor *s, struct http_exchange *x, const char *rest) {
        const char *slash = strchr(rest, '/');
        const char *verb = slash ? slash + 1 : NULL;
        size_t len = slash ? (size_t)(slash - rest) : 0;

        if (streq(rest, "next") && x->method == HTTP_GET_)
                on_next(s, x);
        else if (verb && streq(verb, "response") && x->method == HTTP_POST_)
                on_response(s, x, rest, len);
        else if (verb && streq(verb, "error") && x->method == HTTP_POST_)
                on_error(s, x, rest, len);
        else
                api_not_found(x);
}

static void route_runtime(struct supervisor *s, struct http_exchange *x, const char *rest) {
        if (str_starts(rest, "runtime/invocation/"))
                route_invocation(s, x, rest + strlen("runtime/invocation/"));
        else if (streq(rest, "runtime/init/error") && x->method == HTTP_POST_)
                on_init_error(s, x);
        else if (streq(rest, "ping") && x->method == HTTP_GET_)
                http_respond(x, 200, NULL, "pong", 4);
        else
                api_not_found(x);
}

/* Behind a root of ours; everything else is the AWS API. */
static void route(struct supervisor *s, struct http_exchange *x) {
        const char *path = x->path;

        if (str_starts(path, RUNTIME_ROOT))
                route_runtime(s, x, path + strlen(RUNTIME_ROOT));
        else if (str_starts(path, EXTENSION_ROOT))
                extensions_api_route(s, x, path + strlen(EXTENSION_ROOT));
        else if (streq(path, LOGS_ROOT "logs") && x->method == HTTP_PUT_)
                extensions_api_no_telemetry(x, true);
        else if (streq(path, TELEMETRY_ROOT "telemetry") && x->method == HTTP_PUT_)
                extensions_api_no_telemetry(x, false);
        else
                api_not_found(x);
}

static bool is_ours(const char *path) {
        static const char *const roots[] = { RUNTIME_ROOT, "/2020-01-01/", LOGS_ROOT, TELEMETRY_ROOT };

        for (size_t i = 0; i < ARRAY_SIZE(roots); ++i)
                if (str_starts(path, roots[i]))
                        return true;
        return false;
}

static void on_request(struct http_exchange *x) {
        struct supervisor *s = x->listener_owner;

        x->ops = &quiet_ops;
        x->owner = s;
        if (!is_ours(x->path) && s->on_foreign_request)
                s->on_foreign_request(x, s->owner);
        else if (is_ours(x->path) && guard_check(x, NULL, 0) != GUARD_OK)
                api_refuse(x, 403, "AccessDenied",
                           "The Runtime API is for this environment's processes only");
        else
                route(s, x);
}

static bool on_accept(void *owner, int fd, const struct sockaddr_storage *peer) {
        struct supervisor *s = owner;

        return s->place->ops->peer_is_ours(s->place, fd);
}

const struct http_handler runtime_api_handler = { .on_request = on_request, .on_accept = on_accept };
