/* SPDX-License-Identifier: Apache-2.0 */
#include "api/api.h"

#include "api/api_private.h"
#include "api/credential.h"
#include "api/neighbours/neighbour.h"
#include "api/neighbours/upstream.h"
#include "api/routes.h"
#include "api/session.h"
#include "api/signature.h"
#include "engine/engine.h"
#include "http/guard.h"
#include "lib/tls.h"

struct api *api_new(struct loop *loop, struct engine *engine, const struct api_options *options) {
        struct api *api = xcalloc(1, sizeof(*api));

        api->loop = loop;
        api->engine = engine;
        api->options = *options;
        list_init(&api->followers);
        api->routes = routes_new();
        api->upstream = options->upstream ? upstream_new(loop, options->upstream) : NULL;
        pattern_cache_init(&api->patterns);
        api->tls = tls_new(loop, NULL);
        if (options->s3_endpoint)
                must(endpoint_parse(options->s3_endpoint, &api->s3_endpoint) == 0);
        if (options->lambda_endpoint)
                must(endpoint_parse(options->lambda_endpoint, &api->lambda_endpoint) == 0);
        random_bytes(api->secret, sizeof(api->secret));
        return api;
}

void api_free(struct api *api) {
        if (!api)
                return;
        routes_free(api->routes);
        upstream_free(api->upstream);
        pattern_cache_deinit(&api->patterns);
        endpoint_clear(&api->s3_endpoint);
        endpoint_clear(&api->lambda_endpoint);
        tls_free(api->tls);
        free(api);
}

static void ignore_body(struct http_exchange *x, const char *data, size_t len) {
}

/* What nobody reads is bounded all the same. */
static void measure_body(struct http_exchange *x, const char *data, size_t len) {
        api_body_came(x->owner, len);
}

static void run_at_end(struct http_exchange *x) {
        struct api_request *r = x->owner;

        if (!r->answered)
                r->route->run(r);
}

static void nothing_at_end(struct http_exchange *x) {
}

static const struct http_ops plain_ops = { .on_body = measure_body,
                                           .on_end = run_at_end,
                                           .on_done = api_request_done };
/* For requests that are refused with their head. */
static const struct http_ops refused_ops = { .on_body = ignore_body,
                                             .on_end = nothing_at_end,
                                             .on_done = api_request_done };

static void find_caller(struct api_request *r, struct credential *ret_credential) {
        const struct engine_options *options = engine_options(r->engine);
        const char *token = http_header(r->exchange, "x-amz-security-token");
        AUTO(str) char *scope = NULL, *query_token = NULL;
        struct credential *c = ret_credential;

        credential_from_header(http_header(r->exchange, "authorization"), c);
        if (!c->region[0] && (scope = http_query_param(r->exchange, "X-Amz-Credential")))
                credential_from_scope(scope, strlen(scope), c);
        if (!token && scope)
                query_token = http_query_param(r->exchange, "X-Amz-Security-Token");
        r->session = session_read(r->api, token ? token : query_token);
        str_fit(r->account, sizeof(r->account),
                r->session      ? r->session->account
                : c->account[0] ? c->account
                                : options->account);
        str_fit(r->region, sizeof(r->region), c->region[0] ? c->region : options->region);
        service_find(r->exchange, c, &r->service);
}

static bool decode_labels(struct api_request *r, const struct route_labels *labels) {
        for (size_t i = 0; i < labels->count; i++) {
                char room[KIB];
                AUTO(buf) struct buf text = BUF_LENT(room, 64 * KIB);

                if (http_percent_decode(labels->label[i].start, labels->label[i].len, false, &text))
                        return false;
                r->labels[r->label_count++] = xstrndup(buf_data(&text), text.len);
        }
        return true;
}

static bool pass_guard(struct api_request *r) {
        const struct api_options *options = &r->api->options;

        switch (guard_check(r->exchange, options->allowed_hosts, options->allowed_host_count)) {
        case GUARD_OK:
                return true;
        case GUARD_FOREIGN_HOST:
                api_fail(r, PROBLEM_FORBIDDEN,
                         "The Host header names another server. If this name is yours, start lambent with "
                         "--allow-host.");
                return false;
        case GUARD_FROM_PAGE:
                api_fail(r, PROBLEM_FORBIDDEN,
                         "Requests from web pages are refused (Origin or Sec-Fetch-Site header).");
                return false;
        }
        must(!"a verdict");
        return false;
}

static void dispatch(struct api_request *r) {
        switch (r->route->kind) {
        case ROUTE_PLAIN:
                if (api_body_fits(r, r->exchange->content_length) && api_validate(r))
                        r->exchange->ops = &plain_ops;
                break;
        case ROUTE_JSON:
                api_body_begin(r);
                break;
        case ROUTE_RAW:
                r->route->run(r);
                break;
        }
}

static void route_request(struct api_request *r) {
        struct route_labels labels;

        if (route_find(r->api->routes, r->exchange->method, r->exchange->path, r->exchange->query, &r->route,
                       &labels)) {
                api_fail(r, PROBLEM_UNKNOWN_OPERATION, "No operation has the path %.512s with the method %s.",
                         r->exchange->path, r->exchange->method_name);
                return;
        }
        r->operation = r->route->operation;
        if (r->route->internal && r->from_function) {
                api_fail(r, PROBLEM_FORBIDDEN, "This part of lambent is closed to functions.");
                return;
        }
        if (!decode_labels(r, &labels)) {
                api_fail(r, PROBLEM_SERIALIZATION, "The path holds a bad percent escape.");
                return;
        }
        /* Else a qualifier that cannot be read would be none, and all of a function would be deleted. */
        if (!http_query_is_sound(r->exchange)) {
                api_fail(r, PROBLEM_SERIALIZATION, "The query holds a bad percent escape.");
                return;
        }
        if (!r->route->run) {
                api_fail(r, PROBLEM_NOT_IMPLEMENTED, "lambent does not implement %s.", r->operation);
                return;
        }
        dispatch(r);
}

static void serve(struct api *api, struct http_exchange *x, bool from_function) {
        struct api_request *r = xcalloc(1, sizeof(*r));
        struct credential credential;

        r->api = api;
        r->engine = api->engine;
        r->exchange = x;
        r->operation = "";
        r->from_function = from_function;
        random_uuid(r->request_id);
        x->owner = r;
        x->ops = &refused_ops;
        find_caller(r, &credential);
        if (!pass_guard(r) || !signature_begin(r, &credential))
                return;
        if (service_is_lambda(&r->service))
                route_request(r);
        else
                neighbour_begin(r);
        signature_watch(r);
}

static void on_request(struct http_exchange *x) {
        serve(x->listener_owner, x, false);
}

const struct http_handler *api_handler(void) {
        static const struct http_handler handler = { .on_request = on_request };

        return &handler;
}

void api_serve_function(struct api *api, struct http_exchange *x) {
        serve(api, x, true);
}
