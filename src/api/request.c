/* SPDX-License-Identifier: Apache-2.0 */
#include "api/request.h"

#include <stdarg.h>
#include <stdio.h>

#include "api/api_private.h"
#include "api/code_source.h"
#include "api/foreign_layers.h"
#include "api/image_code.h"
#include "api/session.h"
#include "api/signature.h"
#include "api/upload.h"

#define JSON_TYPE "application/json"
/* A message quotes at most the kept part of a body (1 MiB), and escapes grow a byte to six. */
#define ANSWER_MAX_BYTES (16 * MIB)

void api_request_free(struct api_request *r) {
        if (!r)
                return;
        if (r->cancel)
                r->cancel(r);
        api_body_free(r);
        api_fetch_free(r->fetch);
        api_layers_free(r->layers);
        api_upload_free(r->upload);
        api_image_free(r->image);
        json_decref(r->body);
        session_free(r->session);
        signature_free(r->signature);
        for (size_t i = 0; i < r->label_count; i++)
                free(r->labels[i]);
        free(r);
}

void api_common_fields(const struct api_request *r, struct buf *fields) {
        must(buf_append_str(fields, "x-amzn-RequestId: ") == 0 &&
             buf_append(fields, r->request_id, UUID_LEN) == 0 && buf_append_str(fields, "\r\n") == 0);
}

void api_reply(struct api_request *r, int status, const char *content_type, const char *fields,
               const void *body, size_t len) {
        AUTO(buf) struct buf head = BUF_NULL(16 * KIB);

        must(!r->answered);
        r->answered = true;
        api_common_fields(r, &head);
        if (content_type)
                must(buf_printf(&head, "Content-Type: %s\r\n", content_type) == 0);
        must(buf_append_str(&head, fields ? fields : "") == 0 && buf_append(&head, "", 1) == 0);
        http_respond(r->exchange, status, buf_data(&head), body, len);
}

void api_reply_json(struct api_request *r, int status, struct buf *body) {
        AUTO(buf) struct buf head = BUF_NULL(KIB);

        must(!r->answered);
        r->answered = true;
        api_common_fields(r, &head);
        must(buf_append(&head, "Content-Type: " JSON_TYPE "\r\n",
                        sizeof("Content-Type: " JSON_TYPE "\r\n")) == 0);
        http_respond_buf_consume(r->exchange, status, buf_data(&head), body);
}

void api_reply_tree(struct api_request *r, int status, json_t *tree_consume) {
        AUTO(json_tree) json_t *tree = tree_consume;
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);

        if (json_tree_append(tree, &body))
                api_fail(r, PROBLEM_SERVICE, "The answer is too large.");
        else
                api_reply_json(r, status, &body);
}

bool api_stored(struct api_request *r, int result) {
        if (result < 0)
                api_fail(r, PROBLEM_SERVICE, "The change could not be stored, or what there is not read: %s.",
                         strerror(-result));
        return result >= 0;
}

/* What goes wrong below all services is no service's own exception. */
static void fail_neighbour(struct api_request *r, struct problem *problem_consume) {
        const int status = problem_status(problem_consume->kind);

        service_refuse(r, status, status >= 500 ? "InternalFailure" : "ValidationError", "%s",
                       problem_consume->message);
        problem_clear(problem_consume);
}

void api_fail_with(struct api_request *r, struct problem *problem_consume) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        bool throttled = problem_consume->kind == PROBLEM_TOO_MANY_REQUESTS;
        AUTO(str) char *fields = NULL;

        if (!service_is_lambda(&r->service)) {
                fail_neighbour(r, problem_consume);
                return;
        }
        fields = xasprintf("x-amzn-ErrorType: %s\r\n%s", problem_exception(problem_consume->kind),
                           throttled ? "Retry-After: 1\r\n" : "");
        problem_write(problem_consume, &body);
        api_reply(r, problem_status(problem_consume->kind), JSON_TYPE, fields, buf_data(&body), body.len);
        problem_clear(problem_consume);
}

void api_fail(struct api_request *r, enum problem_kind kind, const char *format, ...) {
        struct problem problem = PROBLEM_NULL;
        char *message = NULL;
        va_list ap;

        va_start(ap, format);
        must(vasprintf(&message, format, ap) >= 0);
        va_end(ap);
        problem_set_consume(&problem, kind, message);
        api_fail_with(r, &problem);
}

void api_throttle(struct api_request *r, const char *reason) {
        struct problem problem = PROBLEM_NULL;

        problem_set(&problem, PROBLEM_TOO_MANY_REQUESTS, "Rate Exceeded.");
        problem.reason = reason;
        api_fail_with(r, &problem);
}

void api_request_done(struct http_exchange *x, bool complete) {
        api_request_free(x->owner);
}

char *api_endpoint_of(const struct api_request *r) {
        const char *host = http_header(r->exchange, "host");

        /* A function's own listener cannot serve Locations: it refuses /_lambent/. */
        return host && *host && !r->from_function ? xasprintf("http://%s", host) : NULL;
}
