/* SPDX-License-Identifier: Apache-2.0 */
/* layers - the six operations on layers (docs/aws.md, layers) */
#include "function/layers.h"

#include "api/access.h"
#include "api/code_source.h"
#include "api/configuration.h"
#include "api/download.h"
#include "api/names.h"
#include "api/operations.h"
#include "api/paging.h"
#include "api/runtimes.h"
#include "api/upload.h"
#include "api/view.h"
#include "engine/engine.h"

#define ANSWER_MAX_BYTES (64 * MIB)

/* ---- names ---- */

struct layer_ref_parts {
        char *account, *region, *name;
};

static void layer_ref_parts_freep(struct layer_ref_parts *p) {
        free(p->account);
        free(p->region);
        free(p->name);
}

static void take_parts(const struct api_request *r, const struct layer_name *name,
                       struct layer_ref_parts *ret_parts) {
        ret_parts->account =
                name->account.start ? xstrndup(name->account.start, name->account.len) : xstrdup(r->account);
        ret_parts->region =
                name->region.start ? xstrndup(name->region.start, name->region.len) : xstrdup(r->region);
        ret_parts->name = xstrndup(name->name.start, name->name.len);
}

/* False: answered. */
static bool read_name(struct api_request *r, struct layer_ref_parts *ret_parts) {
        struct layer_name name;

        if (!layer_name_parse(r->labels[0], &name)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER, "Invalid Layer name: %s", r->labels[0]);
                return false;
        }
        take_parts(r, &name, ret_parts);
        return true;
}

static bool read_number(struct api_request *r, uint64_t *ret_number) {
        const char *text = r->labels[1];

        if (str_to_u64(text, INT64_MAX, ret_number) == 0 && *ret_number > 0)
                return true;
        if (text[0] == '-' || strspn(text, "0") == strlen(text))
                api_fail(r, PROBLEM_INVALID_PARAMETER, "Layer Version Cannot be less than 1");
        else
                api_fail(r, PROBLEM_SERIALIZATION, "STRING_VALUE can not be converted to a Long");
        return false;
}

/* Of another account as its policy says. False: answered. */
static bool may_touch(struct api_request *r, const struct layer_ref_parts *parts, uint64_t number) {
        return access_layer(r, parts->account, parts->region, parts->name, number);
}

/* ---- what a layer looks like ---- */

static void write_traits(struct json_writer *w, const struct layer_version *l) {
        AUTO(str) char *arn = layer_arn(l->region, l->account, l->name, l->number);
        char created[32];

        view_time(l->created, created);
        json_str(w, "LayerVersionArn", arn);
        json_uint(w, "Version", l->number);
        json_str(w, "Description", l->description);
        json_str(w, "CreatedDate", created);
        json_raw(w, "CompatibleRuntimes", l->runtimes_json, strlen(l->runtimes_json));
        json_raw(w, "CompatibleArchitectures", l->architectures_json, strlen(l->architectures_json));
        if (l->license)
                json_str(w, "LicenseInfo", l->license);
}

static void answer_layer(struct api_request *r, int status, const struct layer_version *l) {
        AUTO(str) char *location = l->s3_object_json ? NULL : api_download_location(r, l->sha256);
        AUTO(str) char *arn = layer_arn(l->region, l->account, l->name, 0);
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        char sha256[48];

        view_sha256(l->sha256, sha256);
        json_open_object(&w, NULL);
        json_open_object(&w, "Content");
        if (l->s3_object_json)
                json_raw(&w, "ResolvedS3Object", l->s3_object_json, strlen(l->s3_object_json));
        else
                json_str(&w, "Location", location);
        json_str(&w, "CodeSha256", sha256);
        json_uint(&w, "CodeSize", l->code_size);
        json_close_object(&w);
        json_str(&w, "LayerArn", arn);
        write_traits(&w, l);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, status, &body);
}

/* ---- PublishLayerVersion ---- */

static char *list_text(const json_t *list) {
        return list ? json_tree_text(list) : xstrdup("[]");
}

static void publish(struct api_request *r) {
        AUTO(layer_version) struct layer_version l = {};
        const char *license = json_tree_str(r->body, "LicenseInfo"),
                   *description = json_tree_str(r->body, "Description");
        struct layer_ref_parts parts;
        struct layer_name name;
        int result;

        must(layer_name_parse(r->labels[0], &name));
        take_parts(r, &name, &parts);
        l = (struct layer_version){
                .account = parts.account,
                .region = parts.region,
                .name = parts.name,
                .description = xstrdup(description ? description : ""),
                .license = license ? xstrdup(license) : NULL,
                .runtimes_json = list_text(json_tree_get(r->body, "CompatibleRuntimes")),
                .architectures_json = list_text(json_tree_get(r->body, "CompatibleArchitectures")),
                .code_size = api_upload_size(r->upload),
                .unzipped = api_upload_unzipped(r->upload),
                .s3_object_json = code_source_reference(r),
        };
        snprintf(l.sha256, sizeof(l.sha256), "%s", api_upload_sha256(r->upload));
        result = layers_publish(engine_registry(r->engine), &l);
        if (result)
                api_fail(r, PROBLEM_SERVICE, "The layer could not be stored: %s.", strerror(-result));
        else
                answer_layer(r, 201, &l);
}

void api_publish_layer_version(struct api_request *r) {
        const json_t *content = json_tree_get(r->body, "Content");
        AUTO(layer_ref_parts) struct layer_ref_parts parts = {};
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        if (!read_name(r, &parts) || !may_touch(r, &parts, 0))
                return;
        if (!streq(parts.region, r->region))
                api_fail(r, PROBLEM_FORBIDDEN,
                         "User is not authorized to perform: lambda:PublishLayerVersion on resource: %s",
                         r->labels[0]);
        else if (!code_source_check(r, content, "Uploaded file must be a non-empty zip", &problem))
                api_fail_with(r, &problem);
        else
                code_source_take(r, content, publish);
}

/* ---- GetLayerVersion, GetLayerVersionByArn, DeleteLayerVersion ---- */

static void get(struct api_request *r, const struct layer_ref_parts *parts, uint64_t number) {
        AUTO(layer_version) struct layer_version l = {};
        int result;

        if (!may_touch(r, parts, number))
                return;
        result = layers_get(engine_registry(r->engine), parts->account, parts->region, parts->name, number,
                            &l);
        if (result == LAYERS_NOT_FOUND)
                api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
        else if (result)
                api_fail(r, PROBLEM_SERVICE, "The layer could not be read: %s.", strerror(-result));
        else
                answer_layer(r, 200, &l);
}

void api_get_layer_version(struct api_request *r) {
        AUTO(layer_ref_parts) struct layer_ref_parts parts = {};
        uint64_t number;

        if (read_name(r, &parts) && read_number(r, &number))
                get(r, &parts, number);
}

void api_get_layer_version_by_arn(struct api_request *r) {
        AUTO(str) char *arn = http_query_param(r->exchange, "Arn");
        AUTO(layer_ref_parts) struct layer_ref_parts parts = {};
        unsigned long long number = 0;
        struct layer_name name;

        if (!layer_version_arn_parse(arn, &name, &number)) {
                api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
                return;
        }
        take_parts(r, &name, &parts);
        get(r, &parts, number);
}

void api_delete_layer_version(struct api_request *r) {
        AUTO(layer_ref_parts) struct layer_ref_parts parts = {};
        uint64_t number;
        int result;

        if (!read_name(r, &parts) || !read_number(r, &number) || !may_touch(r, &parts, number))
                return;
        result = layers_delete(engine_registry(r->engine), parts.account, parts.region, parts.name, number);
        if (result)
                api_fail(r, PROBLEM_SERVICE, "The layer could not be deleted: %s.", strerror(-result));
        else
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

/* ---- ListLayers, ListLayerVersions ---- */

struct listing {
        struct page page;
        struct json_writer *writer;
        char *runtime, *architecture; /* filters */
        char *done_name;              /* ListLayers: its newest matching version is written */
};

static void listing_freep(struct listing *l) {
        page_clear(&l->page);
        free(l->runtime);
        free(l->architecture);
        free(l->done_name);
}

static bool has_item(const char *json, const char *wanted) {
        AUTO(json_tree) json_t *list = NULL;
        const json_t *item;
        size_t i;

        if (!wanted)
                return true;
        if (json_tree_parse(json, strlen(json), &list, NULL))
                return false;
        json_array_foreach(list, i, item) if (json_is_string(item) &&
                                              streq(json_string_value(item), wanted)) return true;
        return false;
}

static bool passes(const struct listing *l, const struct layer_version *layer) {
        return has_item(layer->runtimes_json, l->runtime) &&
               has_item(layer->architectures_json, l->architecture);
}

static bool list_layer(void *owner, const struct layer_version *layer) {
        struct listing *l = owner;
        AUTO(str) char *arn = NULL;

        if ((l->done_name && streq(l->done_name, layer->name)) || !passes(l, layer))
                return true;
        if (!page_take(&l->page, layer->name, 0))
                return false;
        free(l->done_name);
        l->done_name = xstrdup(layer->name);
        arn = layer_arn(layer->region, layer->account, layer->name, 0);
        json_open_object(l->writer, NULL);
        json_str(l->writer, "LayerName", layer->name);
        json_str(l->writer, "LayerArn", arn);
        json_open_object(l->writer, "LatestMatchingVersion");
        write_traits(l->writer, layer);
        json_close_object(l->writer);
        json_close_object(l->writer);
        return true;
}

static bool list_version(void *owner, const struct layer_version *layer) {
        struct listing *l = owner;

        if ((l->page.after_name && layer->number >= l->page.after_number) || !passes(l, layer))
                return true;
        if (!page_take(&l->page, layer->name, layer->number))
                return false;
        json_open_object(l->writer, NULL);
        write_traits(l->writer, layer);
        json_close_object(l->writer);
        return true;
}

static void read_filters(struct api_request *r, struct listing *l) {
        l->runtime = http_query_param(r->exchange, "CompatibleRuntime");
        l->architecture = http_query_param(r->exchange, "CompatibleArchitecture");
}

/* parts NULL: all layers of the caller. */
static void list(struct api_request *r, struct listing *l, const struct layer_ref_parts *parts) {
        struct registry *registry = engine_registry(r->engine);
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        int result;

        if (!page_begin(r, &l->page))
                return;
        l->writer = &w;
        json_open_object(&w, NULL);
        json_open_array(&w, parts ? "LayerVersions" : "Layers");
        if (parts)
                result = layers_each(registry, parts->account, parts->region, parts->name, NULL, list_version,
                                     l);
        else
                result =
                        layers_each(registry, r->account, r->region, NULL, l->page.after_name, list_layer, l);
        if (result) {
                api_fail(r, PROBLEM_SERVICE, "The layers could not be listed: %s.", strerror(-result));
                return;
        }
        json_close_array(&w);
        page_write_marker(&l->page, &w);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, 200, &body);
}

void api_list_layers(struct api_request *r) {
        AUTO(listing) struct listing l = {};

        read_filters(r, &l);
        list(r, &l, NULL);
}

void api_list_layer_versions(struct api_request *r) {
        AUTO(layer_ref_parts) struct layer_ref_parts parts = {};
        AUTO(listing) struct listing l = {};

        read_filters(r, &l);
        if (read_name(r, &parts) && may_touch(r, &parts, 0))
                list(r, &l, &parts);
}
