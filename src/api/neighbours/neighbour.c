/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/neighbour.h"

#include "api/api_private.h"
#include "api/neighbours/form.h"
#include "api/neighbours/upstream.h"
#include "api/xml.h"

/* Of what is for a neighbour: AWS's policies are at most 128 KiB, and a form writes three bytes for one. */
#define BODY_MAX MIB
#define ANSWER_MAX_BYTES (64 * MIB)

static const struct neighbour *const neighbours[] = { &neighbour_iam, &neighbour_sts, &neighbour_logs };

static const struct neighbour *find(const struct service *service) {
        for (size_t i = 0; i < ARRAY_SIZE(neighbours); i++)
                if (streq(service->name, neighbours[i]->name))
                        return neighbours[i];
        return NULL;
}

static const struct neighbour_handler *find_handler(const struct neighbour *n, const char *operation) {
        for (const struct neighbour_handler *h = n->handlers; h->operation; h++)
                if (streq(h->operation, operation))
                        return h;
        return NULL;
}

/* ---- answers ---- */

static void reply_xml(struct api_request *r, const json_t *result) {
        AUTO(str) char *answer = xstrcat(r->operation, "Response", NULL);
        AUTO(str) char *inner = xstrcat(r->operation, "Result", NULL);
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct xml_writer w = XML_WRITER(&body);

        xml_open(&w, answer, r->xmlns);
        xml_tree(&w, inner, result);
        xml_open(&w, "ResponseMetadata", NULL);
        xml_text(&w, "RequestId", r->request_id);
        xml_close(&w, "ResponseMetadata");
        xml_close(&w, answer);
        if (xml_writer_end(&w))
                api_fail(r, PROBLEM_SERVICE, "The answer is too large.");
        else
                api_reply(r, 200, "text/xml", NULL, buf_data(&body), body.len);
}

static void reply_json(struct api_request *r, const json_t *result) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);

        if (result && json_tree_append(result, &body))
                api_fail(r, PROBLEM_SERVICE, "The answer is too large.");
        else
                api_reply(r, 200, "application/x-amz-json-1.1", NULL, buf_data(&body), body.len);
}

void neighbour_reply(struct api_request *r, json_t *result_consume) {
        AUTO(json_tree) json_t *result = result_consume;

        if (r->service.protocol == PROTOCOL_QUERY)
                reply_xml(r, result);
        else
                reply_json(r, result);
}

/* ---- requests ---- */

static void gathered_free(struct api_request *r) {
        struct buf *body = r->state;

        buf_deinit(body);
        free(body);
        r->state = NULL;
}

/* The handler may have a state of its own. */
static void let_body_go(struct api_request *r) {
        gathered_free(r);
        r->cancel = NULL;
        r->exchange->sink = NULL;
}

static json_t *nothing_outside(void *owner, const struct model_member *member) {
        return NULL;
}

static bool check(struct api_request *r, const struct neighbour *n, const struct model_operation *operation) {
        const struct request_values values = { r->body, nothing_outside, r };
        AUTO(checker) struct checker c = CHECKER(&r->api->patterns);
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        if (!constraints_check(operation, &values, &c, &problem)) {
                service_refuse(r, 400,
                               n->protocol == PROTOCOL_QUERY ? "MalformedInput" : "SerializationException",
                               "%s", problem.message);
                return false;
        }
        if (!checker_end(&c, &problem)) {
                service_refuse(r, 400, n->invalid, "%s", problem.message);
                return false;
        }
        return true;
}

static void run(struct api_request *r, const struct neighbour *n) {
        const struct model_operation *operation =
                model_find(n->operations, *n->operation_count, r->operation);

        let_body_go(r);
        if (check(r, n, operation))
                find_handler(n, operation->name)->run(r);
}

static void run_form(struct api_request *r, const struct form *form, const struct neighbour *n) {
        const struct model_operation *operation =
                model_find(n->operations, *n->operation_count, r->operation);

        r->body = form_members(form, operation->members, operation->member_count);
        if (r->body)
                run(r, n);
        else
                service_refuse(r, 400, "MalformedInput", "A member has a value of the wrong type.");
}

static void run_json(struct api_request *r, const struct buf *body, const struct neighbour *n) {
        if (body->len && json_tree_parse(buf_data(body), body->len, &r->body, NULL) == 0 &&
            json_is_object(r->body))
                run(r, n);
        else
                service_refuse(r, 400, "SerializationException", "The body is not a JSON object.");
}

/* Nobody here serves the request. What has come of its body is in the state, if it is gathered. */
static void pass_on(struct api_request *r, const struct neighbour *n) {
        struct buf *body = r->state;

        if (upstream_exists(r->api)) {
                upstream_begin(r, body);
                if (body) {
                        buf_deinit(body);
                        free(body);
                }
        } else if (n) {
                service_refuse(
                        r, 501, n->protocol == PROTOCOL_JSON ? "NotImplementedException" : "NotImplemented",
                        "lambent does not implement %s of %s; with --upstream URL it passes on what it does not "
                        "know.",
                        *r->operation ? r->operation : "this operation", n->title);
        } else {
                service_refuse(
                        r, 501,
                        r->service.protocol == PROTOCOL_JSON || r->service.protocol == PROTOCOL_REST_JSON
                                ? "NotImplementedException"
                                : "NotImplemented",
                        "lambent is not the service %s: with --upstream URL it passes such requests on.",
                        *r->service.name ? r->service.name : "that this form is for");
        }
}

/* ---- the exchange ---- */

/* "Logs_20140328.CreateLogGroup": what is behind the dot. */
static const char *target_operation(const struct api_request *r) {
        const char *target = http_header(r->exchange, "x-amz-target");
        const char *dot = target ? strchr(target, '.') : NULL;

        return dot ? dot + 1 : "";
}

/* What a form without a signature and a telling host is for, its version says. */
static const struct neighbour *find_version(struct api_request *r, const struct form *form) {
        const char *version = form_value(form, "Version");

        for (size_t i = 0; version && i < ARRAY_SIZE(neighbours); i++) {
                const struct neighbour *n = neighbours[i];

                if (!n->version || !streq(n->version, version))
                        continue;
                str_fit(r->service.name, sizeof(r->service.name), n->name);
                return n;
        }
        return NULL;
}

static void serve_form(struct api_request *r, const struct buf *body, const struct neighbour *n) {
        AUTO(form) struct form form = {};
        const char *action;

        if (form_read(&form, r->exchange->query, strlen(r->exchange->query)) ||
            form_read(&form, buf_data(body), body->len)) {
                service_refuse(r, 400, "MalformedQueryString", "The form cannot be read.");
                return;
        }
        if (!n && !*r->service.name)
                n = find_version(r, &form);
        r->xmlns = n ? n->xmlns : NULL;
        action = form_value(&form, "Action");
        if (n && action && find_handler(n, action)) {
                r->operation = find_handler(n, action)->operation;
                run_form(r, &form, n);
                return;
        }
        if (n && !action && !upstream_exists(r->api)) {
                service_refuse(r, 400, "MissingAction", "The request must contain the parameter Action.");
                return;
        }
        r->operation = action ? action : "";
        pass_on(r, n);
        r->operation = "";
}

static void serve_whole(struct api_request *r) {
        const struct neighbour *n = find(&r->service);
        const struct buf *body = r->state;
        const struct neighbour_handler *handler;

        if (r->service.protocol == PROTOCOL_QUERY && (n || !*r->service.name)) {
                serve_form(r, body, n);
                return;
        }
        handler = n ? find_handler(n, target_operation(r)) : NULL;
        r->operation = handler ? handler->operation : target_operation(r);
        if (handler)
                run_json(r, body, n);
        else
                pass_on(r, n);
}

/* More than is gathered is for nobody here. */
static void take_large(struct api_request *r) {
        if (upstream_exists(r->api))
                pass_on(r, NULL);
        else
                service_refuse(r, 413, "RequestEntityTooLarge", "Request must be smaller than %zu bytes.",
                               BODY_MAX);
}

/* What goes on as it comes, or does not fit into what is gathered. */
static void on_body(struct http_exchange *x, const char *data, size_t len) {
        struct api_request *r = x->owner;

        if (!upstream_has(r) && !r->answered)
                take_large(r);
        if (upstream_has(r))
                upstream_body(r, data, len);
}

static void on_end(struct http_exchange *x) {
        struct api_request *r = x->owner;

        if (!upstream_has(r) && !r->answered)
                serve_whole(r);
        if (upstream_has(r))
                upstream_end(r);
}

static void on_drain(struct http_exchange *x) {
        struct api_request *r = x->owner;

        if (upstream_has(r))
                upstream_drained(r);
}

static const struct http_ops neighbour_ops = {
        .on_body = on_body, .on_end = on_end, .on_drain = on_drain, .on_done = api_request_done
};

/* Whether the head tells that nobody here serves the request. Forms tell who they are for by what is in them. */
static bool is_foreign(const struct api_request *r, const struct neighbour *n) {
        if (r->service.protocol == PROTOCOL_QUERY && (n || !*r->service.name))
                return false;
        return !n || !find_handler(n, target_operation(r));
}

void neighbour_begin(struct api_request *r) {
        const struct neighbour *n = find(&r->service);
        struct buf *body;

        /* A client that means a neighbour hears it in the neighbour's shape, however odd its request. */
        if (n)
                r->service.protocol = n->protocol;
        r->xmlns = n ? n->xmlns : NULL;
        if (!n && *r->service.name && !upstream_exists(r->api)) {
                pass_on(r, NULL);
                return;
        }
        r->exchange->ops = &neighbour_ops;
        if (is_foreign(r, n) && upstream_exists(r->api)) {
                pass_on(r, n);
                return;
        }
        if (r->exchange->content_length > (int64_t)BODY_MAX) {
                take_large(r);
                return;
        }
        body = xcalloc(1, sizeof(*body));
        *body = BUF_NULL(BODY_MAX);
        r->state = body;
        r->cancel = gathered_free;
        r->exchange->sink = body;
}
