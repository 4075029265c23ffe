/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/upstream.h"

#include "api/api_private.h"
#include "http/client.h"

#define FIELDS_MAX (256 * KIB)
/* An answer that the client does not take waits at the upstream. */
#define QUEUE_MAX MIB

struct forwarding {
        struct api_request *request;
        struct http_client *client;
        struct buf *body;
        bool begun, held;
};

bool upstream_exists(const struct api *api) {
        return api->options.upstream != NULL;
}

static void forwarding_free(struct api_request *r) {
        struct forwarding *f = r->state;

        http_client_free(f->client);
        buf_deinit(f->body);
        free(f->body);
        free(f);
        r->state = NULL;
}

/* What holds for one connection, and what http/ writes itself. */
static bool stays_here(const char *name) {
        static const char *const names[] = {
                "connection", "content-length",    "expect", "host",
                "keep-alive", "proxy-connection",  "te",     "trailer",
                "upgrade",    "transfer-encoding", "date",
        };

        for (size_t i = 0; i < ARRAY_SIZE(names); i++)
                if (streq(name, names[i]))
                        return true;
        return false;
}

static int append_fields(const struct http_field *fields, size_t count, bool answer, struct buf *out) {
        int r = 0;

        for (size_t i = 0; i < count && !r; i++)
                if (!stays_here(fields[i].name) || (streq(fields[i].name, "date") && !answer))
                        r = buf_append_strs(out, fields[i].name, ": ", fields[i].value, "\r\n", NULL);
        return r ?: buf_append(out, "", 1);
}

/* ---- the answer ---- */

static void on_head(void *owner, int status, const struct http_field *fields, size_t count) {
        struct forwarding *f = owner;
        AUTO(buf) struct buf kept = BUF_NULL(FIELDS_MAX);
        int64_t length = -1;
        uint64_t given;

        for (size_t i = 0; i < count; i++)
                if (streq(fields[i].name, "content-length") &&
                    str_to_u64(fields[i].value, INT64_MAX, &given) == 0)
                        length = (int64_t)given;
        f->begun = f->request->answered = true;
        if (append_fields(fields, count, true, &kept))
                http_abort(f->request->exchange);
        else
                http_respond_begin(f->request->exchange, status, buf_data(&kept), length);
}

static void on_body(void *owner, const char *data, size_t len) {
        struct forwarding *f = owner;
        struct iovec part = { (char *)data, len };

        http_respond_some(f->request->exchange, &part, 1);
        f->held = http_queued(f->request->exchange) > QUEUE_MAX;
        if (f->held)
                http_client_pause(f->client);
}

static void on_end(void *owner, int r) {
        struct forwarding *f = owner;

        if (r && f->begun)
                http_abort(f->request->exchange);
        else if (r)
                service_refuse(f->request, 502, "BadGateway", "The upstream %s does not answer: %s.",
                               f->request->api->options.upstream, strerror(-r));
        else
                http_respond_end(f->request->exchange);
}

void upstream_drained(struct http_exchange *x) {
        struct api_request *r = x->owner;
        struct forwarding *f = r->cancel == forwarding_free ? r->state : NULL;

        if (!f || !f->held)
                return;
        f->held = false;
        http_client_resume(f->client);
}

/* ---- the request ---- */

void upstream_forward(struct api_request *r, struct buf *body_consume) {
        static const struct http_client_ops ops = { on_head, on_body, on_end };
        const struct http_exchange *x = r->exchange;
        const char *host = http_header(x, "host");
        AUTO(str) char *target = xstrcat(x->path, *x->query ? "?" : "", x->query, NULL);
        AUTO(buf) struct buf fields = BUF_NULL(FIELDS_MAX);
        struct forwarding *f = xcalloc(1, sizeof(*f));
        int result = 0;

        f->request = r;
        f->body = body_consume;
        f->client = http_client_new(r->api->loop, r->api->options.upstream);
        r->state = f;
        r->cancel = forwarding_free;
        r->exchange->sink = NULL;
        if (host)
                result = buf_append_strs(&fields, "Host: ", host, "\r\n", NULL);
        result = result ?: append_fields(x->fields, x->field_count, false, &fields);
        if (result || x->method == HTTP_OTHER_)
                service_refuse(r, 501, "NotImplemented", "lambent cannot pass on a request of this form.");
        else
                http_client_call(f->client, x->method, target, buf_data(&fields), buf_data(f->body),
                                 f->body->len, NSEC_NEVER, &ops, f);
}
