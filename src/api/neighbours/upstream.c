/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/upstream.h"

#include "api/api_private.h"
#include "api/signature.h"
#include "lib/endpoint.h"
#include "lib/tls.h"

#define FIELDS_MAX (256 * KIB)
/* What one side does not take waits at the other. */
#define ANSWER_QUEUE_MAX MIB
#define BODY_QUEUE_MAX (256 * KIB)
/* Connections are kept for so long; servers mostly keep theirs for five seconds at least. */
#define IDLE_TIME (4 * SECOND)
#define IDLE_MAX 16

struct upstream {
        struct loop *loop;
        char *url;
        struct endpoint at;
        struct tls *tls;  /* NULL: plain */
        struct list idle; /* struct line; the one used last is first */
        size_t idle_count;
};

struct line {
        struct upstream *upstream;
        struct http_client *client;
        struct timer timer;
        struct list link;
        bool used;
};

struct forwarding {
        struct api_request *request;
        struct line *line;
        struct buf held; /* the last piece of a body that is still to be judged */
        bool begun;      /* the answer */
        bool kept;       /* the line was not made for it */
        bool answer_held, body_held;
};

/* ---- where it is ---- */

struct upstream *upstream_new(struct loop *loop, const char *url) {
        struct upstream *u = xcalloc(1, sizeof(*u));

        u->loop = loop;
        u->url = xstrdup(url);
        must(endpoint_parse(url, &u->at) == 0);
        u->tls = u->at.tls ? tls_new(loop, NULL) : NULL;
        list_init(&u->idle);
        return u;
}

bool upstream_exists(const struct api *api) {
        return api->upstream != NULL;
}

/* ---- its connections ---- */

static void line_free(struct line *line) {
        if (list_is_linked(&line->link))
                --line->upstream->idle_count;
        list_unlink(&line->link);
        timer_disarm(&line->timer);
        http_client_free(line->client);
        free(line);
}

static void on_idle_long(struct timer *timer) {
        line_free(container_of(timer, struct line, timer));
}

static struct line *line_take(struct upstream *u, bool may_be_kept) {
        struct line *line = may_be_kept ? list_first(&u->idle, struct line, link) : NULL;

        if (line) {
                --u->idle_count;
                list_unlink(&line->link);
                timer_disarm(&line->timer);
                return line;
        }
        line = xcalloc(1, sizeof(*line));
        line->upstream = u;
        line->client = endpoint_client(&u->at, u->loop, u->tls);
        timer_init(&line->timer, u->loop, on_idle_long);
        return line;
}

static void line_give_back(struct line *line) {
        struct upstream *u = line->upstream;

        list_push_front(&u->idle, &line->link);
        timer_arm(&line->timer, loop_now(u->loop) + IDLE_TIME);
        if (++u->idle_count > IDLE_MAX)
                line_free(list_last(&u->idle, struct line, link));
}

void upstream_free(struct upstream *u) {
        struct line *line;

        if (!u)
                return;
        while ((line = list_first(&u->idle, struct line, link)))
                line_free(line);
        tls_free(u->tls);
        free(u->url);
        endpoint_clear(&u->at);
        free(u);
}

/* ---- the head ---- */

static void forwarding_free(struct api_request *r) {
        struct forwarding *f = r->state;

        if (f->line)
                line_free(f->line);
        buf_deinit(&f->held);
        free(f);
        r->state = NULL;
}

bool upstream_has(const struct api_request *r) {
        return r->cancel == forwarding_free;
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
        f->answer_held = http_queued(f->request->exchange) > ANSWER_QUEUE_MAX;
        if (f->answer_held)
                http_client_pause(f->line->client);
}

/* A kept line may close as a request goes out, and only the client can know whether to send it again: it is told in the
 * same way. */
static bool is_stale(const struct forwarding *f, int r) {
        return f->kept && f->request->exchange->follows && (r == -ECONNRESET || r == -EPIPE);
}

static void on_end(void *owner, int r) {
        struct forwarding *f = owner;
        struct api_request *request = f->request;
        struct line *line = f->line;

        if (r && (f->begun || is_stale(f, r))) {
                http_abort(request->exchange);
        } else if (r) {
                service_refuse(request, 502, "BadGateway", "The upstream %s does not answer: %s.",
                               line->upstream->url, http_client_problem(line->client, r));
        } else {
                f->line = NULL;
                line_give_back(line);
                http_respond_end(request->exchange);
        }
}

void upstream_drained(struct api_request *r) {
        struct forwarding *f = r->state;

        if (!f->answer_held)
                return;
        f->answer_held = false;
        http_client_resume(f->line->client);
}

/* ---- the request ---- */

static void on_drain(void *owner) {
        struct forwarding *f = owner;

        if (!f->body_held)
                return;
        f->body_held = false;
        http_resume(f->request->exchange);
}

/* http/client.h replaces a line that went before such a request, unseen. */
static bool is_repeatable(const struct http_exchange *x) {
        return !x->has_body && x->method != HTTP_POST_ && x->method != HTTP_PATCH_;
}

static void begin(struct api_request *r, int64_t length) {
        static const struct http_client_ops ops = { on_head, on_body, on_end, on_drain };
        const struct http_exchange *x = r->exchange;
        const char *host = http_header(x, "host");
        AUTO(str) char *target = xstrcat(x->path, *x->query ? "?" : "", x->query, NULL);
        AUTO(buf) struct buf fields = BUF_NULL(FIELDS_MAX);
        struct forwarding *f = r->state;
        int result = 0;

        if (host)
                result = buf_append_strs(&fields, "Host: ", host, "\r\n", NULL);
        result = result ?: append_fields(x->fields, x->field_count, false, &fields);
        if (!result && x->method != HTTP_OTHER_) {
                f->line = line_take(r->api->upstream, x->follows || is_repeatable(x));
                f->kept = f->line->used;
                f->line->used = true;
                result = http_client_begin(f->line->client, x->method, target, buf_data(&fields), length,
                                           NSEC_NEVER, &ops, f);
        }
        if (result && f->line)
                line_free(TAKE(f->line));
        if (result || x->method == HTTP_OTHER_)
                service_refuse(r, 501, "NotImplemented", "lambent cannot pass on a request of this form.");
}

static void send_some(struct api_request *r, const char *data, size_t len) {
        struct forwarding *f = r->state;

        if (!f->line)
                return;
        /* A connection that has failed says so itself. */
        if (http_client_send(f->line->client, data, len))
                return;
        if (http_client_queued(f->line->client) <= BODY_QUEUE_MAX || f->body_held)
                return;
        f->body_held = true;
        http_pause(r->exchange);
}

void upstream_begin(struct api_request *r, const struct buf *body) {
        struct forwarding *f = xcalloc(1, sizeof(*f));

        f->request = r;
        f->held = BUF_NULL(SIZE_MAX / 4);
        r->state = f;
        r->cancel = forwarding_free;
        r->exchange->sink = NULL;
        /* Without a body, not before its signature has been judged, which is at the end. */
        if (!r->exchange->has_body)
                return;
        begin(r, r->exchange->content_length);
        if (!r->answered && body)
                upstream_body(r, buf_data(body), body->len);
}

/* Of a body whose signature is judged when it is there, the last piece goes only then: a wrong one never arrives whole. */
void upstream_body(struct api_request *r, const char *data, size_t len) {
        struct forwarding *f = r->state;

        if (!signature_awaits_body(r)) {
                send_some(r, data, len);
                return;
        }
        send_some(r, buf_data(&f->held), f->held.len);
        buf_clear(&f->held);
        if (buf_append(&f->held, data, len))
                http_abort(r->exchange);
}

void upstream_end(struct api_request *r) {
        struct forwarding *f = r->state;

        if (!r->exchange->has_body)
                begin(r, 0);
        send_some(r, buf_data(&f->held), f->held.len);
        if (f->line)
                http_client_end_body(f->line->client);
}
