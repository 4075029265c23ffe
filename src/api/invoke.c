/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Invoke and InvokeWithResponseStream: the hot path's two ends.
 *
 * The request's body is read straight into the invocation's payload, validated, and handed to the domain; the answer
 * goes out from the buffer it was read into. A streamed answer becomes event-stream frames as it comes; what the
 * client's socket does not take holds the runtime back (invocation_credit only when the socket has drained).
 */
#include <ctype.h>
#include <stdio.h>
#include <strings.h>

#include "api/api.h"
#include "api/payload.h"
#include "api/request.h"
#include "base/base64.h"
#include "base/json.h"
#include "engine/engine.h"
#include "http/eventstream.h"

#define STATE_TEXT \
        "The operation cannot be performed at this time. The function is currently in the following state: %s"

enum call_kind { CALL_WAIT, CALL_DRY_RUN };

struct call {
        struct api_request *request;
        struct invocation *invocation; /* while its events may come */
        struct version *version;
        struct function_ref ref;
        struct buf payload;
        char *trace_id, *client_context;
        const char *tenant; /* the header's; NULL */
        size_t unsettled;   /* streamed bytes that wait for the client's socket */
        enum call_kind kind;
        bool stream, want_tail, begun;
};

static void call_free(struct call *call) {
        if (call->invocation)
                invocation_abandon(call->invocation);
        version_unref(call->version);
        function_ref_clear(&call->ref);
        buf_deinit(&call->payload);
        free(call->trace_id), free(call->client_context);
        free(call);
}

static void discard_body(struct http_exchange *x, const char *data, size_t len) {
}

static void refused_end(struct http_exchange *x) {
}

static void call_done(struct http_exchange *x, bool complete) {
        struct api_request *r = x->owner;

        call_free(TAKE(r->state));
        api_request_free(r);
}

/* For requests that were answered before their body was read. */
static const struct http_ops refused_ops = { .on_body = discard_body,
                                             .on_end = refused_end,
                                             .on_done = call_done };

/* ---- answers ---- */

static void add_log_tail(struct buf *fields, const struct invocation_report *report) {
        if (!report)
                return;
        buf_append_str(fields, "X-Amz-Log-Result: ");
        base64_append(fields, report->log_tail, report->log_tail_len);
        buf_append_str(fields, "\r\n");
}

static void common_fields(struct call *call, struct buf *fields) {
        api_common_fields(call->request, fields);
        buf_append_str(fields, "X-Amz-Executed-Version: ");
        buf_append_str(fields, call->version->number);
        buf_append_str(fields, "\r\nX-Amzn-Trace-Id: ");
        buf_append_str(fields, call->trace_id);
        buf_append_str(fields, "\r\n");
}

static void answer_whole(struct call *call, struct invocation_answer *answer,
                         const struct invocation_report *report) {
        char room[KIB];
        AUTO(buf) struct buf fields = BUF_LENT(room, 16 * KIB);

        buf_append_str(&fields, "Content-Type: application/json\r\nx-amzn-Remapped-Content-Length: 0\r\n");
        common_fields(call, &fields);
        if (answer->is_error)
                buf_append_str(&fields, "X-Amz-Function-Error: Unhandled\r\n");
        add_log_tail(&fields, report);
        buf_append(&fields, "", 1);
        call->request->answered = true;
        http_respond_buf_consume(call->request->exchange, 200, buf_data(&fields), answer->payload);
}

/* ---- streams ---- */

static void begin_stream(struct call *call) {
        AUTO(buf) struct buf fields = BUF_NULL(4 * KIB);

        if (call->begun)
                return;
        call->begun = true;
        call->request->answered = true;
        buf_append_str(&fields, "Content-Type: application/vnd.amazon.eventstream\r\n");
        common_fields(call, &fields);
        buf_append(&fields, "", 1);
        http_respond_begin(call->request->exchange, 200, buf_data(&fields), -1);
}

/* InvokeComplete tells how it ended: the status line has long gone out (docs/aws.md, streams). */
static void end_stream(struct call *call, struct invocation_answer *answer,
                       const struct invocation_report *report) {
        AUTO(buf) struct buf body = BUF_NULL(2 * ANSWER_MAX);
        AUTO(buf) struct buf tail = BUF_NULL(2 * LOG_TAIL_MAX);
        struct json_writer w = JSON_WRITER(&body);

        begin_stream(call);
        if (!answer->is_error && answer->payload->len)
                eventstream_send(call->request->exchange, "PayloadChunk", "application/octet-stream",
                                 buf_data(answer->payload), answer->payload->len);
        json_open_object(&w, NULL);
        if (answer->is_error) {
                json_str(&w, "ErrorCode", "Unhandled");
                json_strn(&w, "ErrorDetails", buf_data(answer->payload), answer->payload->len);
        }
        if (report && base64_append(&tail, report->log_tail, report->log_tail_len) == 0)
                json_strn(&w, "LogResult", buf_data(&tail), tail.len);
        json_close_object(&w);
        if (json_writer_end(&w)) {
                /* Details too large to tell: a cut stream says that it failed. */
                http_abort(call->request->exchange);
                return;
        }
        eventstream_send(call->request->exchange, "InvokeComplete", "application/json", buf_data(&body),
                         body.len);
        http_respond_end(call->request->exchange);
}

/* ---- events of the invocation ---- */

static void on_refused(void *owner, enum refusal why, const char *detail) {
        struct call *call = owner;
        struct api_request *r = call->request;

        call->invocation = NULL;
        switch (why) {
        case REFUSED_THROTTLED:
                api_throttle(r, "ConcurrentInvocationLimitExceeded");
                break;
        case REFUSED_RESERVED:
                api_throttle(r, "ReservedFunctionConcurrentInvocationLimitExceeded");
                break;
        case REFUSED_PENDING:
        case REFUSED_FAILED:
                api_fail(r, PROBLEM_CONFLICT, STATE_TEXT, detail);
                break;
        case REFUSED_SHUTDOWN:
                api_fail(r, PROBLEM_SERVICE, "lambent is shutting down");
                break;
        }
}

static void on_head(void *owner, const char *content_type) {
        begin_stream(owner);
}

static void on_chunk(void *owner, const char *data, size_t len) {
        struct call *call = owner;

        begin_stream(call);
        eventstream_send(call->request->exchange, "PayloadChunk", "application/octet-stream", data, len);
        if (http_queued(call->request->exchange))
                call->unsettled += len;
        else
                invocation_credit(call->invocation, len);
}

static void on_answered(void *owner, struct invocation_answer *answer,
                        const struct invocation_report *report) {
        struct call *call = owner;

        call->invocation = NULL;
        if (call->stream)
                end_stream(call, answer, report);
        else
                answer_whole(call, answer, report);
}

static const struct invocation_events call_events = {
        .refused = on_refused,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
};

/* ---- the request ---- */

static void call_drained(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct call *call = r->state;
        size_t len = call->unsettled;

        call->unsettled = 0;
        if (call->invocation && len)
                invocation_credit(call->invocation, len);
}

static void refuse_size(struct api_request *r) {
        api_fail(r, PROBLEM_ENTITY_TOO_LARGE,
                 "Request must be smaller than %zu bytes for the InvokeFunction operation", PAYLOAD_MAX);
}

/* Called when the payload has outgrown its buffer. */
static void call_body(struct http_exchange *x, const char *data, size_t len) {
        struct api_request *r = x->owner;

        x->ops = &refused_ops;
        x->sink = NULL;
        refuse_size(r);
}

static void call_end(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct call *call = r->state;
        struct invocation_request request;

        if (!payload_check(r, buf_data(&call->payload), call->payload.len))
                return;
        if (call->kind == CALL_DRY_RUN) {
                api_reply(r, 204, NULL, "x-amzn-Remapped-Content-Length: 0\r\n", NULL, 0);
                return;
        }
        request = (struct invocation_request){
                .version = call->version,
                .request_id = r->request_id,
                .qualifier = call->ref.qualifier,
                .trace_id = call->trace_id,
                .client_context = call->client_context,
                .tenant_id = call->tenant,
                .payload_consume = &call->payload,
                .stream = call->stream,
                .want_tail = call->want_tail,
        };
        call->invocation = invocation_start(engine_pools(r->engine), &request, &call_events, call);
}

static const struct http_ops call_ops = {
        .on_body = call_body,
        .on_end = call_end,
        .on_drain = call_drained,
        .on_done = call_done,
};

static bool read_kind(struct api_request *r, struct call *call) {
        const char *type = http_header(r->exchange, "x-amz-invocation-type");
        const char *log_type = http_header(r->exchange, "x-amz-log-type");

        call->want_tail = log_type && streq(log_type, "Tail");
        if (log_type && !call->want_tail && !streq(log_type, "None")) {
                api_fail(
                        r, PROBLEM_VALIDATION,
                        "1 validation error detected: Value '%.200s' at 'logType' failed to satisfy constraint: Member "
                        "must satisfy enum value set: [None, Tail]",
                        log_type);
                return false;
        }
        if (!type || streq(type, "RequestResponse"))
                return true;
        if (streq(type, "DryRun")) {
                call->kind = CALL_DRY_RUN;
                return true;
        }
        if (streq(type, "Event") && !call->stream)
                api_fail(r, PROBLEM_NOT_IMPLEMENTED,
                         "lambent does not implement %s with InvocationType Event.", r->operation);
        else
                api_fail(r, PROBLEM_VALIDATION,
                         "1 validation error detected: Value '%.200s' at 'invocationType' failed to satisfy "
                         "constraint: Member must satisfy enum value set: [%sRequestResponse, DryRun]",
                         type, call->stream ? "" : "Event, ");
        return false;
}

/* Of a function on instances nothing runs that is not published. */
static void fail_no_version(struct api_request *r, const struct function_ref *ref) {
        const struct function *f =
                registry_find(engine_registry(r->engine), ref->account, ref->region, ref->name);

        if (f && !ref->qualifier)
                api_fail(r, PROBLEM_NOTHING_PUBLISHED, "The function has no published version.");
        else
                api_fail_no_function(r, ref, ref->qualifier ? ref->qualifier : "$LATEST");
}

/* docs/aws.md, tenants */
#define TENANT_MAX 256

static bool tenant_is_valid(const char *tenant) {
        static const char marks[] = "._:/=+-@ ";
        size_t len = strlen(tenant);

        for (size_t i = 0; i < len; i++)
                if (!isalnum((unsigned char)tenant[i]) && !strchr(marks, tenant[i]))
                        return false;
        return len > 0 && len <= TENANT_MAX;
}

static bool check_tenant(struct api_request *r, struct call *call) {
        call->tenant = http_header(r->exchange, "x-amz-tenant-id");
        if (call->tenant && !tenant_is_valid(call->tenant)) {
                if (api_validate(r)) /* it knows AWS's words */
                        api_fail(r, PROBLEM_VALIDATION, "The tenant id cannot be understood.");
                return false;
        }
        if (call->version->config.per_tenant == (call->tenant != NULL))
                return true;
        api_fail(
                r, PROBLEM_INVALID_PARAMETER,
                call->tenant
                        ? "The invoked function is not enabled with tenancy configuration."
                        : "The invoked function is enabled with tenancy configuration. Add a valid tenant ID "
                          "in your request and try again.");
        return false;
}

static bool check_kind(struct api_request *r, const struct version *v) {
        if (!v->config.durable && http_header(r->exchange, "x-amz-durable-execution-name")) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "The invoked function is not enabled with durable configuration.");
                return false;
        }
        if (!v->config.kind_json)
                return true;
        if (v->config.durable)
                api_fail(r, PROBLEM_NOT_IMPLEMENTED, "lambent does not implement %s of durable functions.",
                         r->operation);
        else if (v->config.on_instances && version_is_latest(v))
                api_fail(r, PROBLEM_CONFLICT, STATE_TEXT, "ActiveNonInvocable");
        else
                return true;
        return false;
}

/* Everything that can be said before the body is there. */
static bool prepare(struct api_request *r, struct call *call) {
        struct version *v;

        if (!api_function_ref(r, REF_QUALIFIER, &call->ref) || !read_kind(r, call) ||
            !payload_client_context(r, &call->client_context))
                return false;
        v = registry_resolve(engine_registry(r->engine), call->ref.account, call->ref.region, call->ref.name,
                             call->ref.qualifier);
        if (!v) {
                fail_no_version(r, &call->ref);
                return false;
        }
        call->version = version_ref(v);
        if (!check_tenant(r, call) || !check_kind(r, v))
                return false;
        if (r->exchange->content_length > (int64_t)PAYLOAD_MAX) {
                refuse_size(r);
                return false;
        }
        return true;
}

static void begin(struct api_request *r, bool stream) {
        struct http_exchange *x = r->exchange;
        struct call *call = xcalloc(1, sizeof(*call));

        call->request = r;
        call->stream = stream;
        call->payload = BUF_NULL(PAYLOAD_MAX);
        r->state = call;
        x->ops = &refused_ops;
        if (!prepare(r, call))
                return;
        call->trace_id = payload_trace_id(r);
        x->sink = &call->payload;
        x->ops = &call_ops;
}

void api_invoke(struct api_request *r) {
        begin(r, false);
}

void api_invoke_stream(struct api_request *r) {
        begin(r, true);
}
