/* SPDX-License-Identifier: Apache-2.0 */
#include "api/foreign_layers.h"

#include <stdio.h>

#include "api/api_private.h"
#include "api/names.h"
#include "api/operations.h"
#include "api/upload.h"
#include "api/view.h"
#include "engine/engine.h"
#include "function/document.h"
#include "function/layers.h"
#include "lib/aws_get.h"
#include "lib/sigv4.h"

#define TARGET_MAX (64 * KIB)
#define ANSWER_MAX_BYTES MIB
#define LIST_MAX_BYTES (64 * MIB)

/* ---- what both ways end with ---- */

static char *list_text(const json_t *list) {
        return json_is_array(list) ? json_tree_text(list) : xstrdup("[]");
}

/* False: answered. */
static bool keep_layer(struct api_request *r, const char *arn, const json_t *traits,
                       const struct api_upload *upload, const char *from) {
        AUTO(layer_version) struct layer_version l = {};
        const char *description = json_tree_str(traits, "Description"),
                   *license = json_tree_str(traits, "LicenseInfo");
        unsigned long long number = 0;
        struct layer_name name;
        int result;

        must(layer_version_arn_parse(arn, &name, &number));
        l.account = xstrndup(name.account.start, name.account.len);
        l.region = xstrndup(name.region.start, name.region.len);
        l.name = xstrndup(name.name.start, name.name.len);
        l.number = number;
        l.description = xstrdup(description ? description : "");
        l.license = license ? xstrdup(license) : NULL;
        l.runtimes_json = list_text(json_tree_get(traits, "CompatibleRuntimes"));
        l.architectures_json = list_text(json_tree_get(traits, "CompatibleArchitectures"));
        l.code_size = api_upload_size(upload);
        l.unzipped = api_upload_unzipped(upload);
        str_fit(l.sha256, sizeof(l.sha256), api_upload_sha256(upload));
        result = layers_import(engine_registry(r->engine), &l, from);
        if (result)
                api_fail(r, PROBLEM_SERVICE, "The layer could not be stored: %s.", strerror(-result));
        return !result;
}

/* ---- from AWS ---- */

struct api_layers {
        struct api_request *request;
        void (*run)(struct api_request *r);
        struct aws_get *get;
        struct api_upload *upload;
        const char *arn; /* which one is under way; the body's */
        struct buf answer;
        json_t *traits; /* GetLayerVersionByArn's answer */
        size_t next;
        bool done;
};

static void fetch_next(struct api_layers *l);

static bool is_here(const struct api_request *r, const struct layer_name *name, unsigned long long number) {
        AUTO(layer_version) struct layer_version layer = {};
        AUTO(str) char *account = xstrndup(name->account.start, name->account.len);
        AUTO(str) char *layer_name = xstrndup(name->name.start, name->name.len);

        return layers_get(engine_registry(r->engine), account, r->region, layer_name, number, &layer) == 0;
}

/* What the operation itself refuses is left to it. */
static bool is_wanted(const struct api_request *r, const char *arn) {
        unsigned long long number = 0;
        struct layer_name name;

        return arn && layer_version_arn_parse(arn, &name, &number) && number > 0 &&
               name.region.len == strlen(r->region) &&
               memcmp(name.region.start, r->region, name.region.len) == 0 &&
               (name.account.len != strlen(r->account) ||
                memcmp(name.account.start, r->account, name.account.len) != 0) &&
               !is_here(r, &name, number);
}

static void fail_unreachable(struct api_layers *l, const char *problem) {
        api_fail(l->request, PROBLEM_SERVICE, "Layer version %s could not be fetched from AWS: %s.", l->arn,
                 problem);
}

/* ---- its package ---- */

static void resume(struct api_request *r) {
        aws_get_resume(r->layers->get);
}

static void on_stored(struct api_request *r) {
        struct api_layers *l = r->layers;
        const char *wanted = json_tree_str(json_tree_get(l->traits, "Content"), "CodeSha256");
        char sha256[48];

        view_sha256(api_upload_sha256(l->upload), sha256);
        if (wanted && !streq(wanted, sha256)) {
                fail_unreachable(l, "what came has another digest than it should");
                return;
        }
        if (!keep_layer(r, l->arn, l->traits, l->upload, "aws"))
                return;
        api_upload_free(TAKE(l->upload));
        fetch_next(l);
}

static bool package_begin(void *owner, int64_t length) {
        struct api_layers *l = owner;

        if (length > UNZIPPED_SIZE_MAX) {
                fail_unreachable(l, "it is larger than a layer may be");
                return false;
        }
        if (l->upload)
                api_upload_restart(l->upload);
        else
                l->upload = api_upload_new_fetched(l->request, resume);
        return true;
}

static bool package_body(void *owner, const char *data, size_t len) {
        struct api_layers *l = owner;

        if (!api_upload_write_bytes(l->upload, data, len)) {
                api_upload_finish(l->upload, on_stored); /* says why */
                return false;
        }
        if (api_upload_is_behind(l->upload))
                aws_get_pause(l->get);
        return true;
}

static void package_end(void *owner, const struct aws_get_result *result) {
        struct api_layers *l = owner;
        AUTO(str) char *status = xasprintf("its Location answered with status %d", result->status);

        if (result->error)
                fail_unreachable(l, result->problem);
        else if (result->status != 200)
                fail_unreachable(l, status);
        else
                api_upload_finish(l->upload, on_stored);
}

static void get_from(struct api_layers *l, const struct endpoint *endpoint, const char *target,
                     const struct aws_keys *keys, const struct aws_get_events *events) {
        struct api *api = l->request->api;

        aws_get_free(TAKE(l->get));
        l->get = aws_get_new(&(struct aws_get_request){ .loop = api->loop,
                                                        .tls = api->tls,
                                                        .endpoint = endpoint,
                                                        .target = target,
                                                        .service = "lambda",
                                                        .region = l->request->region,
                                                        .keys = keys,
                                                        .limits = &aws_get_limits },
                             events, l);
}

/* The Location signs itself. False: it is no URL. */
static bool get_package(struct api_layers *l, const char *location) {
        static const struct aws_get_events events = { package_begin, package_body, package_end };
        const char *host = location ? strstr(location, "://") : NULL,
                   *path = host ? strchr(host + 3, '/') : NULL;
        AUTO(endpoint) struct endpoint endpoint = {};
        AUTO(str) char *base = path ? xstrndup(location, (size_t)(path - location)) : NULL;

        if (!path || endpoint_parse(base, &endpoint))
                return false;
        for (const char *s = path; *s; s++)
                if ((unsigned char)*s <= ' ' || *s == 127 || *s == '#')
                        return false;
        get_from(l, &endpoint, path, NULL, &events);
        return true;
}

/* ---- what it is ---- */

static bool traits_begin(void *owner, int64_t length) {
        struct api_layers *l = owner;

        buf_clear(&l->answer);
        return true;
}

static bool traits_body(void *owner, const char *data, size_t len) {
        struct api_layers *l = owner;

        if (buf_append(&l->answer, data, len) == 0)
                return true;
        fail_unreachable(l, "the answer is too long");
        return false;
}

static void fail_refused(struct api_layers *l, const struct aws_get_result *result) {
        AUTO(json_tree) json_t *body = NULL;
        const char *message;

        json_tree_parse(result->body, result->len, &body, NULL);
        message = json_tree_str(body, "Message") ?: json_tree_str(body, "message");
        if (result->status == 404)
                api_fail(l->request, PROBLEM_INVALID_PARAMETER, "Layer version %s does not exist.", l->arn);
        else
                api_fail(l->request,
                         result->status == 403  ? PROBLEM_FORBIDDEN
                         : result->status < 500 ? PROBLEM_INVALID_PARAMETER
                                                : PROBLEM_SERVICE,
                         "Layer version %s could not be fetched from AWS: status %d: %.1024s", l->arn,
                         result->status, message ? message : "the answer says nothing");
}

static void traits_end(void *owner, const struct aws_get_result *result) {
        struct api_layers *l = owner;
        const json_t *content;

        if (result->error) {
                fail_unreachable(l, result->problem);
                return;
        }
        if (result->status != 200) {
                fail_refused(l, result);
                return;
        }
        json_decref(TAKE(l->traits));
        json_tree_parse(l->answer.len ? buf_data(&l->answer) : "", l->answer.len, &l->traits, NULL);
        content = json_tree_get(l->traits, "Content");
        if (json_tree_get(content, "ResolvedS3Object") && !json_tree_get(content, "Location"))
                fail_unreachable(l, "its owner keeps it in a bucket of S3, from where it can be imported");
        else if (!get_package(l, json_tree_str(content, "Location")))
                fail_unreachable(l, "the answer is not one of GetLayerVersionByArn");
}

static void get_traits(struct api_layers *l) {
        static const struct aws_get_events events = { traits_begin, traits_body, traits_end };
        static const struct aws_keys anybody = { (char *)"test", (char *)"test", NULL };
        const struct api *api = l->request->api;
        const char *region = l->request->region;
        const char *end = str_starts(region, "cn-") ? "amazonaws.com.cn" : "amazonaws.com";
        AUTO(endpoint) struct endpoint aws = {};
        AUTO(buf) struct buf target = BUF_NULL(TARGET_MAX);

        if (!api->lambda_endpoint.host) {
                aws.tls = true;
                aws.host = xstrcat("lambda.", region, ".", end, NULL);
                aws.address = xstrcat(aws.host, ":443", NULL);
        }
        must(buf_append_str(&target, "/2018-10-31/layers?find=LayerVersion&Arn=") == 0 &&
             sigv4_escape(&target, l->arn, strlen(l->arn), false) == 0 && buf_append(&target, "", 1) == 0);
        get_from(l, aws.host ? &aws : &api->lambda_endpoint, buf_data(&target),
                 api->options.aws_keys ?: &anybody, &events);
}

static void fetch_next(struct api_layers *l) {
        const json_t *list = json_tree_get(l->request->body, "Layers");

        while (l->next < json_array_size(list)) {
                l->arn = json_string_value(json_array_get(list, l->next++));
                if (is_wanted(l->request, l->arn)) {
                        get_traits(l);
                        return;
                }
        }
        l->done = true;
        l->run(l->request);
}

bool foreign_layers_fetch(struct api_request *r, void (*run)(struct api_request *r)) {
        const json_t *list = json_tree_get(r->body, "Layers");
        bool wanted = false;

        if (!r->api->options.layers_from_aws || r->layers || json_array_size(list) > FUNCTION_LAYERS_MAX)
                return false;
        for (size_t i = 0; i < json_array_size(list); i++)
                wanted = wanted || is_wanted(r, json_string_value(json_array_get(list, i)));
        if (!wanted)
                return false;
        r->layers = xcalloc(1, sizeof(*r->layers));
        r->layers->request = r;
        r->layers->run = run;
        r->layers->answer = BUF_NULL(ANSWER_MAX_BYTES);
        fetch_next(r->layers);
        return true;
}

void api_layers_free(struct api_layers *l) {
        if (!l)
                return;
        aws_get_free(l->get);
        api_upload_free(l->upload);
        json_decref(l->traits);
        buf_deinit(&l->answer);
        free(l);
}

/* ---- by hand: POST /_lambent/layers?arn=…, the zip is the body ---- */

static json_t *words_of(const char *text) {
        json_t *list = json_array();

        for (const char *s = text ? text : ""; *s;) {
                size_t len = strcspn(s, ",");

                if (len)
                        json_array_append_new(list, json_stringn(s, len));
                s += len + (s[len] == ',');
        }
        return list;
}

static void take_import(struct api_request *r) {
        AUTO(str) char *arn = http_query_param(r->exchange, "arn");
        AUTO(str) char *runtimes = http_query_param(r->exchange, "runtimes");
        AUTO(str) char *architectures = http_query_param(r->exchange, "architectures");
        AUTO(str) char *description = http_query_param(r->exchange, "description");
        AUTO(str) char *license = http_query_param(r->exchange, "license");
        AUTO(json_tree) json_t *traits = json_object();
        char sha256[48];

        json_object_set_new(traits, "CompatibleRuntimes", words_of(runtimes));
        json_object_set_new(traits, "CompatibleArchitectures", words_of(architectures));
        if (description)
                json_object_set_new(traits, "Description", json_string(description));
        if (license)
                json_object_set_new(traits, "LicenseInfo", json_string(license));
        if (!keep_layer(r, arn, traits, r->upload, "file"))
                return;
        view_sha256(api_upload_sha256(r->upload), sha256);
        api_reply_tree(r, 201,
                       json_pack("{s:s, s:s, s:I, s:I}", "arn", arn, "sha256", sha256, "size",
                                 (json_int_t)api_upload_size(r->upload), "unzipped",
                                 (json_int_t)api_upload_unzipped(r->upload)));
}

static void resume_client(struct api_request *r) {
        http_resume(r->exchange);
}

static void import_body(struct http_exchange *x, const char *data, size_t len) {
        struct api_request *r = x->owner;

        if (r->answered)
                return;
        if (!api_upload_write_bytes(r->upload, data, len))
                api_upload_finish(r->upload, take_import); /* says why */
        else if (api_upload_is_behind(r->upload))
                http_pause(x);
}

static void import_end(struct http_exchange *x) {
        struct api_request *r = x->owner;

        if (!r->answered)
                api_upload_finish(r->upload, take_import);
}

/* False: answered. */
static bool read_arn(struct api_request *r, const char *arn, struct layer_name *ret_name,
                     unsigned long long *ret_number) {
        if (arn && layer_version_arn_parse(arn, ret_name, ret_number) &&
            (*ret_number > 0 || layer_name_is_awslayer(ret_name)))
                return true;
        api_fail(r, PROBLEM_INVALID_PARAMETER,
                 "\"%.512s\" is not of the form arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION or "
                 "arn:aws:lambda:::awslayer:NAME.",
                 arn ? arn : "");
        return false;
}

void api_import_layer(struct api_request *r) {
        static const struct http_ops ops = { .on_body = import_body,
                                             .on_end = import_end,
                                             .on_done = api_request_done };
        AUTO(str) char *arn = http_query_param(r->exchange, "arn");
        unsigned long long number = 0;
        struct layer_name name;

        if (!read_arn(r, arn, &name, &number) || !api_upload_may_fetch(r, r->exchange->content_length))
                return;
        r->upload = api_upload_new_fetched(r, resume_client);
        r->exchange->ops = &ops;
}

/* ---- DELETE /_lambent/layers?arn=…: what DeleteLayerVersion has no name for ---- */

void api_forget_layer(struct api_request *r) {
        AUTO(str) char *arn = http_query_param(r->exchange, "arn");
        AUTO(str) char *account = NULL, *region = NULL, *layer = NULL, *known_as = NULL;
        struct registry *registry = engine_registry(r->engine);
        unsigned long long number = 0;
        struct layer_name name;

        if (!read_arn(r, arn, &name, &number))
                return;
        account = xstrndup(name.account.start, name.account.len);
        region = xstrndup(name.region.start, name.region.len);
        layer = xstrndup(name.name.start, name.name.len);
        known_as = layer_arn(region, account, layer, number);
        if (!layers_is_imported(registry, region, known_as))
                api_fail(r, PROBLEM_NOT_FOUND, "There is no imported layer %s.", known_as);
        else if (api_stored(r, layers_delete(registry, account, region, layer, number)))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

/* ---- GET /_lambent/layers ---- */

struct listing {
        struct api_request *request;
        struct json_writer *writer;
};

static void write_layer(struct json_writer *w, const struct layer_version *l, const char *from) {
        AUTO(str) char *arn = layer_arn(l->region, l->account, l->name, l->number);
        char created[32];

        view_time(l->created, created);
        json_open_object(w, NULL);
        json_str(w, "arn", arn);
        json_str(w, "from", from);
        json_uint(w, "size", l->code_size);
        json_uint(w, "unzipped", l->unzipped);
        json_raw(w, "runtimes", l->runtimes_json, strlen(l->runtimes_json));
        json_str(w, "created", created);
        json_close_object(w);
}

static bool list_own(void *owner, const struct layer_version *layer) {
        struct listing *l = owner;
        AUTO(str) char *arn = layer_arn(layer->region, layer->account, layer->name, layer->number);

        if (!layers_is_imported(engine_registry(l->request->engine), layer->region, arn))
                write_layer(l->writer, layer, "published");
        return true;
}

static bool list_imported(void *owner, const struct document_name *name, json_t *document) {
        AUTO(layer_version) struct layer_version layer = {};
        AUTO(str) char *account = NULL, *layer_name = NULL;
        struct listing *l = owner;
        unsigned long long number = 0;
        struct layer_name parts;

        if (!layer_version_arn_parse(name->owner, &parts, &number))
                return true;
        account = xstrndup(parts.account.start, parts.account.len);
        layer_name = xstrndup(parts.name.start, parts.name.len);
        if (layers_get(engine_registry(l->request->engine), account, name->region, layer_name, number,
                       &layer) == 0)
                write_layer(l->writer, &layer, json_string_value(document) ?: "");
        return true;
}

void api_list_all_layers(struct api_request *r) {
        struct registry *registry = engine_registry(r->engine);
        const struct document_name imported = { "", r->region, DOCUMENT_IMPORTED_LAYER, NULL, NULL },
                                   everywhere = { "", "", DOCUMENT_IMPORTED_LAYER, NULL, NULL };
        AUTO(buf) struct buf body = BUF_NULL(LIST_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        struct listing l = { r, &w };

        json_open_object(&w, NULL);
        json_open_array(&w, "layers");
        if (!api_stored(r, layers_each(registry, r->account, r->region, NULL, NULL, list_own, &l)) ||
            !api_stored(r, document_each(registry, &imported, NULL, list_imported, &l)) ||
            !api_stored(r, document_each(registry, &everywhere, NULL, list_imported, &l)))
                return;
        json_close_array(&w);
        json_close_object(&w);
        if (json_writer_end(&w))
                api_fail(r, PROBLEM_SERVICE, "There are too many layers for one answer.");
        else
                api_reply_json(r, 200, &body);
}
