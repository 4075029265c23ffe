/* SPDX-License-Identifier: Apache-2.0 */
#include "api/code_source.h"

#include "api/api_private.h"
#include "api/upload.h"
#include "base/log.h"
#include "lib/aws_get.h"
#include "lib/sigv4.h"

#define TARGET_MAX (64 * KIB)
#define WORD_MAX KIB /* of an error's code or message */

struct api_fetch {
        struct api_request *request;
        struct aws_get *get;
        char *bucket, *key;
        char *version; /* the one that is named; of a reference, once it has come, the one that came; NULL */
        bool references; /* REFERENCE */
        void (*ready)(struct api_request *r);
};

/* ---- checks ---- */

static bool names_object(const json_t *source) {
        return json_tree_get(source, "S3Bucket") || json_tree_get(source, "S3Key") ||
               json_tree_get(source, "S3ObjectVersion");
}

static bool wants_reference(const json_t *source) {
        const char *mode = json_tree_str(source, "S3ObjectStorageMode");

        return mode && streq(mode, "REFERENCE");
}

bool code_source_check(const struct api_request *r, const json_t *source, const char *missing,
                       struct problem *ret_problem) {
        if (json_tree_get(source, "ZipFile") && (names_object(source) || wants_reference(source)))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Please do not provide other FunctionCode parameters when providing a "
                                   "ZipFile.");
        if (json_tree_get(source, "ZipFile") && !r->upload)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Uploaded file must be a non-empty zip");
        if (r->upload)
                return true;
        if (!names_object(source))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER, "%s", missing);
        if (!json_tree_get(source, "S3Bucket") || !json_tree_get(source, "S3Key"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "S3 Bucket and Key are required for uploading with S3 parameters.");
        if (!r->api->s3_endpoint.host && !r->api->options.aws_keys)
                return problem_set(
                        ret_problem, PROBLEM_NOT_IMPLEMENTED,
                        "lambent does not implement %s with S3Bucket without an S3 to ask: start it "
                        "with --s3-endpoint http://HOST:PORT, or with credentials of AWS.",
                        r->operation);
        return true;
}

/* ---- what S3 answers when it does not give the object ---- */

static void append_character(struct buf *text, const char *name, size_t len) {
        static const struct {
                const char *name;
                char c;
        } known[] = { { "amp", '&' }, { "lt", '<' }, { "gt", '>' }, { "quot", '"' }, { "apos", '\'' } };

        for (size_t i = 0; i < ARRAY_SIZE(known); i++)
                if (len == strlen(known[i].name) && memcmp(name, known[i].name, len) == 0)
                        buf_append(text, &known[i].c, 1);
}

/* The text of the first element of that name; malloc'ed. NULL: there is none, or it does not end. */
static char *element(const char *xml, size_t len, const char *name) {
        AUTO(str) char *open = xstrcat("<", name, ">", NULL), *close = xstrcat("</", name, ">", NULL);
        const char *from = memmem(xml, len, open, strlen(open)), *to;
        AUTO(buf) struct buf text = BUF_NULL(WORD_MAX);

        if (!from)
                return NULL;
        from += strlen(open);
        to = memmem(from, len - (size_t)(from - xml), close, strlen(close));
        if (!to)
                return NULL;
        for (const char *s = from; s < to; s++) {
                const char *semicolon = *s == '&' ? memchr(s, ';', (size_t)(to - s)) : NULL;

                if (semicolon) {
                        append_character(&text, s + 1, (size_t)(semicolon - s - 1));
                        s = semicolon;
                } else if ((unsigned char)*s >= ' ') {
                        buf_append(&text, s, 1);
                }
        }
        /* It was cut at the cap. */
        return buf_take_str(&text, NULL);
}

static bool is_elsewhere(const struct aws_get_result *result, const char *code) {
        return result->region &&
               (result->status == 301 || result->status == 307 || streq(code, "PermanentRedirect") ||
                streq(code, "TemporaryRedirect") || streq(code, "AuthorizationHeaderMalformed"));
}

static void fail_denied(const struct api_fetch *f, const char *code, const char *message) {
        api_fail(
                f->request, PROBLEM_FORBIDDEN,
                "Your access has been denied by S3, please make sure your request credentials have permission to "
                "GetObject for %s/%s. S3 Error Code: %s. S3 Error Message: %s",
                f->bucket, f->key, code, message);
}

static void fail_object(const struct api_fetch *f, const struct aws_get_result *result) {
        AUTO(str) char *code = element(result->body, result->len, "Code");
        AUTO(str) char *message = element(result->body, result->len, "Message");
        const char *asked = f->version ? "GetObjectVersion" : "GetObject";
        const enum problem_kind kind =
                result->status >= 500 || result->status == 429 ? PROBLEM_SERVICE : PROBLEM_INVALID_PARAMETER;

        if (!code)
                code = xasprintf("%d", result->status);
        if (!message)
                message = xstrdup("The answer is not one of S3's.");
        if (is_elsewhere(result, code))
                api_fail(f->request, PROBLEM_INVALID_PARAMETER,
                         "Error occurred while %s. S3 Error Code: PermanentRedirect. S3 Error Message: The "
                         "bucket is in this region: %s. Please use this region to retry the request",
                         asked, result->region);
        else if (result->status == 403)
                fail_denied(f, code, message);
        else
                api_fail(f->request, kind, "Error occurred while %s. S3 Error Code: %s. S3 Error Message: %s",
                         asked, code, message);
}

/* ---- the object ---- */

static void resume(struct api_request *r) {
        aws_get_resume(r->fetch->get);
}

static void finish_upload(struct api_fetch *f) {
        api_upload_finish(f->request->upload, f->ready);
}

static bool on_begin(void *owner, int64_t length) {
        struct api_fetch *f = owner;
        struct api_upload **upload = &f->request->upload;

        if (!api_upload_may_fetch(f->request, length))
                return false;
        if (*upload)
                api_upload_restart(*upload);
        else
                *upload = api_upload_new_fetched(f->request, resume);
        return true;
}

static bool on_body(void *owner, const char *data, size_t len) {
        struct api_fetch *f = owner;

        if (!api_upload_write_bytes(f->request->upload, data, len)) {
                finish_upload(f); /* says why */
                return false;
        }
        if (api_upload_is_behind(f->request->upload))
                aws_get_pause(f->get);
        return true;
}

/* The object that came is one that can be found again. False: answered. */
static bool pin_version(struct api_fetch *f, const char *came) {
        if (f->version)
                return true;
        if (came && !streq(came, "null")) {
                f->version = xstrdup(came);
                return true;
        }
        api_fail(f->request, PROBLEM_INVALID_PARAMETER,
                 "S3ObjectStorageMode REFERENCE requires versioning to be enabled on the bucket %s. Enable "
                 "versioning, upload the object again and retry.",
                 f->bucket);
        return false;
}

static void on_end(void *owner, const struct aws_get_result *result) {
        struct api_fetch *f = owner;

        if (result->error || result->status != 200)
                log_info("api request=%s operation=%s s3://%s/%s not fetched: %s", f->request->request_id,
                         f->request->operation, f->bucket, f->key,
                         result->error ? result->problem : "S3 refused");
        if (result->error)
                api_fail(f->request, PROBLEM_SERVICE,
                         "The object %s of the bucket %s could not be fetched from %s: %s.", f->key,
                         f->bucket, f->request->api->s3_endpoint.host ?: "S3", result->problem);
        else if (result->status != 200)
                fail_object(f, result);
        else if (!f->references || pin_version(f, result->version))
                finish_upload(f);
}

/* AWS's own. A name with dots does not fit the certificate of its host. */
static void find_aws(const char *region, const char *bucket, struct endpoint *ret_endpoint,
                     bool *ret_in_host) {
        const char *end = str_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";

        *ret_in_host = strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789-") == strlen(bucket);
        ret_endpoint->tls = true;
        ret_endpoint->host =
                xstrcat(*ret_in_host ? bucket : "", *ret_in_host ? "." : "", "s3.", region, ".", end, NULL);
        ret_endpoint->address = xstrcat(ret_endpoint->host, ":443", NULL);
}

static int write_target(const char *bucket, const char *key, const char *version, struct buf *target) {
        int r = buf_append_str(target, "/");

        if (bucket)
                r = r ?: sigv4_escape(target, bucket, strlen(bucket), false) ?: buf_append_str(target, "/");
        r = r ?: sigv4_escape(target, key, strlen(key), true);
        if (version)
                r = r
                            ?: buf_append_str(target, "?versionId=")
                            ?: sigv4_escape(target, version, strlen(version), false);
        return r ?: buf_append(target, "", 1);
}

/* moto refuses a request without a signature, LocalStack and others take any; these are the words that are usual there. */
static const struct aws_keys anybody = { (char *)"test", (char *)"test", NULL };

static void fetch(struct api_request *r, const json_t *source, void (*ready)(struct api_request *r)) {
        static const struct aws_get_events events = { on_begin, on_body, on_end };
        const char *bucket = json_tree_str(source, "S3Bucket"), *key = json_tree_str(source, "S3Key"),
                   *version = json_tree_str(source, "S3ObjectVersion");
        AUTO(endpoint) struct endpoint aws = {};
        AUTO(buf) struct buf target = BUF_NULL(TARGET_MAX);
        const bool is_aws = !r->api->s3_endpoint.host;
        bool in_host = false;
        struct api_fetch *f = r->fetch = xcalloc(1, sizeof(*f));

        f->request = r;
        f->bucket = xstrdup(bucket);
        f->key = xstrdup(key);
        f->version = version ? xstrdup(version) : NULL;
        f->references = wants_reference(source);
        f->ready = ready;
        if (is_aws)
                find_aws(r->region, bucket, &aws, &in_host);
        must(write_target(in_host ? NULL : bucket, key, version, &target) == 0);
        f->get = aws_get_new(&(struct aws_get_request){ .loop = r->api->loop,
                                                        .tls = r->api->tls,
                                                        .endpoint = is_aws ? &aws : &r->api->s3_endpoint,
                                                        .target = buf_data(&target),
                                                        .service = "s3",
                                                        .region = r->region,
                                                        .keys = r->api->options.aws_keys ?: &anybody,
                                                        .limits = &aws_get_limits },
                             &events, f);
}

void code_source_take(struct api_request *r, const json_t *source, void (*ready)(struct api_request *r)) {
        if (r->upload)
                api_upload_finish(r->upload, ready);
        else
                fetch(r, source, ready);
}

char *code_source_reference(const struct api_request *r) {
        AUTO(json_tree) json_t *object = NULL;

        if (!r->fetch || !r->fetch->references)
                return NULL;
        object = json_object();
        json_object_set_new(object, "S3Bucket", json_string(r->fetch->bucket));
        json_object_set_new(object, "S3Key", json_string(r->fetch->key));
        json_object_set_new(object, "S3ObjectVersion", json_string(r->fetch->version));
        return json_tree_text(object);
}

void code_source_apply(const struct api_request *r, struct version_config *c) {
        api_upload_apply(r->upload, c);
        free(c->s3_object_json);
        c->s3_object_json = code_source_reference(r);
}

void api_fetch_free(struct api_fetch *f) {
        if (!f)
                return;
        aws_get_free(f->get);
        free(f->bucket);
        free(f->key);
        free(f->version);
        free(f);
}
