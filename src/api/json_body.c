/* SPDX-License-Identifier: Apache-2.0 */
/* json_body - reads the body of a control-plane request, the ZipFile apart (body_scanner.h) */
#include "api/api_private.h"
#include "api/body_scanner.h"
#include "api/upload.h"

/* Everything in a body but the ZipFile. */
#define KEPT_MAX MIB

struct api_body {
        struct body_scanner scanner;
        int fault; /* of the scanner; the rest of the body is read and dropped */
};

static struct api_body *body_of(struct api_request *r) {
        return r->reading;
}

static int on_zip(void *owner, const char *text, size_t len) {
        struct api_request *r = owner;

        if (!r->upload)
                r->upload = api_upload_new(r);
        api_upload_write(r->upload, text, len);
        return 0;
}

static void fail_too_large(struct api_request *r) {
        api_fail(r, PROBLEM_ENTITY_TOO_LARGE, "Request must be smaller than %lld bytes for the %s operation",
                 (long long)API_BODY_MAX, r->operation);
}

bool api_body_fits(struct api_request *r, int64_t len) {
        if (len > API_BODY_MAX)
                fail_too_large(r);
        return len <= API_BODY_MAX;
}

bool api_body_came(struct api_request *r, size_t len) {
        r->body_len += (int64_t)len;
        return api_body_fits(r, r->body_len);
}

static void on_body(struct http_exchange *x, const char *data, size_t len) {
        struct api_request *r = x->owner;
        struct api_body *body = body_of(r);

        if (r->answered || !api_body_came(r, len))
                return;
        if (body->fault == 0)
                body->fault = body_scanner_feed(&body->scanner, data, len);
        if (r->upload && api_upload_is_behind(r->upload))
                http_pause(x);
}

static bool parse(struct api_request *r) {
        struct api_body *body = body_of(r);
        AUTO(str) char *reason = NULL;
        int result;

        if (body->fault == -E2BIG) {
                fail_too_large(r);
                return false;
        }
        if (body->fault) {
                api_fail(r, PROBLEM_SERIALIZATION, "ZipFile may be given once.");
                return false;
        }
        /* An empty body counts as an empty object where nothing is required: aws-cli sends {} for
         * PublishVersion, curl nothing. */
        if (r->body_len == 0)
                return true;
        result = json_tree_parse(buf_data(&body->scanner.kept), body->scanner.kept.len, &r->body, &reason);
        if (result || !json_is_object(r->body)) {
                api_fail(r, PROBLEM_INVALID_CONTENT, "Could not parse request body into json: %s",
                         reason ? reason : "the outermost value is not an object");
                return false;
        }
        return true;
}

static void on_end(struct http_exchange *x) {
        struct api_request *r = x->owner;

        if (!r->answered && parse(r) && api_validate(r))
                r->route->run(r);
}

static const struct http_ops body_ops = { .on_body = on_body, .on_end = on_end, .on_done = api_request_done };

bool api_body_begin(struct api_request *r) {
        struct api_body *body;

        if (!api_body_fits(r, r->exchange->content_length))
                return false;
        body = xcalloc(1, sizeof(*body));
        body_scanner_init(&body->scanner, r->route->zip_parent, KEPT_MAX, on_zip, r);
        r->reading = body;
        r->exchange->ops = &body_ops;
        return true;
}

void api_body_free(struct api_request *r) {
        struct api_body *body = body_of(r);

        if (!body)
                return;
        body_scanner_deinit(&body->scanner);
        free(body);
        r->reading = NULL;
}
