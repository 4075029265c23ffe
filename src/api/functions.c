/* SPDX-License-Identifier: Apache-2.0 */
/* functions - CreateFunction, GetFunction, GetFunctionConfiguration, DeleteFunction */
#include "api/code_signing.h"
#include "api/code_source.h"
#include "api/configuration.h"
#include "api/download.h"
#include "api/foreign_layers.h"
#include "api/function_kind.h"
#include "api/image_code.h"
#include "api/names.h"
#include "api/operations.h"
#include "api/runtimes.h"
#include "api/tags.h"
#include "api/view.h"
#include "engine/engine.h"
#include "function/alias.h"
#include "function/concurrency.h"

/* A configuration is small: environment variables are limited to 4 KB, everything else by the model. */
#define ANSWER_MAX_BYTES (16 * MIB)

/* ---- CreateFunction ---- */

struct creation {
        struct function_ref ref;
        struct version_config config;
        char *tags_json;
        const char *code_signing; /* an ARN, of the body; NULL: none */
        enum publication publish;
};

static void creation_release(struct api_request *r) {
        struct creation *creation = TAKE(r->state);

        function_ref_clear(&creation->ref);
        version_config_clear(&creation->config);
        free(creation->tags_json);
        free(creation);
}

static bool is_image(const json_t *body) {
        const char *package_type = json_tree_str(body, "PackageType");

        return package_type && streq(package_type, "Image");
}

static bool check_zip(struct api_request *r, const json_t *body, struct problem *ret_problem) {
        if (!json_tree_get(body, "Runtime") || !json_tree_get(body, "Handler"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Runtime and Handler are mandatory parameters for functions created with "
                                   "deployment packages.");
        return code_source_check(r, json_tree_get(body, "Code"), "Please provide a source for function code.",
                                 ret_problem);
}

static bool check_code(struct api_request *r, const json_t *body, struct problem *ret_problem) {
        return is_image(body) ? image_creation_check(r, ret_problem) : check_zip(r, body, ret_problem);
}

static void answer_created(struct api_request *r) {
        struct creation *creation = r->state;
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        struct json_writer w = JSON_WRITER(&body);
        struct function_ref *ref = &creation->ref;
        struct version *v;
        int result;

        if (r->image)
                api_image_apply(r->image, &creation->config);
        else
                code_source_apply(r, &creation->config);
        if (!configuration_fits(&creation->config, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        result = registry_create(engine_registry(r->engine), ref->account, ref->region, ref->name,
                                 &creation->config, creation->tags_json, creation->publish, &v);
        if (result == REGISTRY_EXISTS) {
                api_fail(r, PROBLEM_CONFLICT, "Function already exist: %s", ref->name);
        } else if (result) {
                api_fail(r, PROBLEM_SERVICE, "The function could not be stored: %s.", strerror(-result));
        } else if (!creation->code_signing ||
                   api_stored(r, code_signing_use(r, v->function, creation->code_signing))) {
                /* Also with Publish the ARN is the function's:
                 * TestLambdaVersions::test_publish_version_on_create. */
                view_version(&w, NULL, v, NULL, VIEW_WHOLE);
                must(json_writer_end(&w) == 0);
                api_reply_json(r, 201, &body);
        }
}

/* Name, region and the limit that Lambda itself holds a plain name to. */
static bool name_new_function(struct api_request *r, struct function_ref *ref) {
        if (!api_name_ref(r, json_tree_str(r->body, "FunctionName"), NULL, ref))
                return false;
        if (strlen(ref->name) > 64) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "1 validation error detected: Value '%s' at 'functionName' failed to satisfy "
                         "constraint: Member must have "
                         "length less than or equal to 64",
                         ref->name);
                return false;
        }
        if (registry_find(engine_registry(r->engine), ref->account, ref->region, ref->name)) {
                api_fail(r, PROBLEM_CONFLICT, "Function already exist: %s", ref->name);
                return false;
        }
        return true;
}

static void use_image(const json_t *body, struct version_config *c) {
        free(c->package_type);
        c->package_type = xstrdup("Image");
        c->image_uri = xstrdup(json_tree_str(json_tree_get(body, "Code"), "ImageUri"));
}

void api_create_function(struct api_request *r) {
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        const json_t *architectures, *tags;
        struct creation *creation;

        if (foreign_layers_fetch(r, api_create_function))
                return;
        creation = r->state = xcalloc(1, sizeof(*creation));
        r->cancel = creation_release;
        tags = json_tree_get(r->body, "Tags");
        configuration_default(&creation->config);
        if (!check_code(r, r->body, &problem) || !tags_check(tags, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        if (!name_new_function(r, &creation->ref))
                return;
        if (is_image(r->body))
                use_image(r->body, &creation->config);
        if (!configuration_apply(r, creation->ref.region, r->body, &creation->config, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        architectures = json_tree_get(r->body, "Architectures");
        if (architectures) {
                free(creation->config.architecture);
                creation->config.architecture = xstrdup(json_string_value(json_array_get(architectures, 0)));
        }
        creation->tags_json = json_object_size(tags) ? json_tree_text(tags) : NULL;
        if (!function_kind_publication(r->body, &creation->config, &creation->publish, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        creation->code_signing = json_tree_str(r->body, "CodeSigningConfigArn");
        if (creation->code_signing && !code_signing_exists(r, creation->code_signing))
                return;
        if (!version_config_is_image(&creation->config))
                code_source_take(r, json_tree_get(r->body, "Code"), answer_created);
        else
                api_image_find(r, &creation->config, answer_created);
}

/* ---- GetFunction, GetFunctionConfiguration ---- */

static struct version *find_version(struct api_request *r, struct function_ref *ret_ref) {
        struct function *f;
        struct version *v;

        if (!api_function_ref(r, REF_QUALIFIER, ret_ref))
                return NULL;
        f = registry_find(engine_registry(r->engine), ret_ref->account, ret_ref->region, ret_ref->name);
        v = f ? function_version(f, ret_ref->qualifier) : NULL;
        if (!v)
                api_fail_no_function(r, ret_ref, ret_ref->qualifier);
        return v;
}

static void reply_written(struct api_request *r, struct json_writer *w, int status) {
        must(json_writer_end(w) == 0);
        api_reply_json(r, status, w->buf);
}

/* What its owner keeps is not to be had here. */
static void write_location(struct api_request *r, struct json_writer *w, const struct version_config *c) {
        AUTO(str) char *location = NULL;

        json_str(w, "RepositoryType", "S3");
        if (c->s3_object_json) {
                json_raw(w, "ResolvedS3Object", c->s3_object_json, strlen(c->s3_object_json));
                return;
        }
        location = api_download_location(r, c->code_sha256);
        json_str(w, "Location", location);
}

void api_get_function(struct api_request *r) {
        AUTO(function_ref) struct function_ref ref = {};
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct version *v = find_version(r, &ref);
        struct json_writer w = JSON_WRITER(&body);

        if (!v)
                return;
        json_open_object(&w, NULL);
        view_version(&w, "Configuration", v, ref.qualifier, VIEW_WHOLE);
        json_open_object(&w, "Code");
        if (version_config_is_image(&v->config))
                image_code_write(&w, &v->config);
        else
                write_location(r, &w, &v->config);
        json_close_object(&w);
        if (v->function->concurrency->reserved != NOT_RESERVED) {
                json_open_object(&w, "Concurrency");
                json_int(&w, "ReservedConcurrentExecutions", v->function->concurrency->reserved);
                json_close_object(&w);
        }
        if (v->function->tags_json)
                json_raw(&w, "Tags", v->function->tags_json, strlen(v->function->tags_json));
        json_close_object(&w);
        reply_written(r, &w, 200);
}

void api_get_function_configuration(struct api_request *r) {
        AUTO(function_ref) struct function_ref ref = {};
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct version *v = find_version(r, &ref);
        struct json_writer w = JSON_WRITER(&body);

        if (!v)
                return;
        view_version(&w, NULL, v, ref.qualifier, VIEW_WHOLE);
        reply_written(r, &w, 200);
}

/* ---- DeleteFunction ---- */

void api_delete_function(struct api_request *r) {
        struct registry *registry = engine_registry(r->engine);
        AUTO(function_ref) struct function_ref ref = {};
        struct version *v = NULL;
        struct function *f;
        int result = 0;

        if (!api_function_ref(r, REF_QUALIFIER, &ref))
                return;
        /* Before the function is looked for:
         * test_function_name_and_qualifier_validation[qualifier_too_long1-delete_function]. */
        if (ref.qualifier && qualifier_is_alias(ref.qualifier)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER, "Deletion of aliases is not currently supported.");
                return;
        }
        if (ref.qualifier && streq(ref.qualifier, "$LATEST")) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "$LATEST version cannot be deleted without deleting the function.");
                return;
        }
        f = registry_find(registry, ref.account, ref.region, ref.name);
        if (!f) {
                api_fail_no_function(r, &ref, NULL);
                return;
        }
        if (!ref.qualifier)
                result = registry_delete(registry, f);
        else if ((v = function_version(f, ref.qualifier)))
                result = registry_delete_version(registry, f, v);
        if (result == REGISTRY_ALIASED)
                api_fail(r, PROBLEM_CONFLICT,
                         "Version %s is pointed to by alias %s. Please delete or change the alias first.",
                         ref.qualifier, alias_of_version(f, ref.qualifier)->name);
        else if (result)
                api_fail(r, PROBLEM_SERVICE, "The function could not be deleted: %s.", strerror(-result));
        else
                api_reply(r, 204, NULL, NULL, NULL, 0);
}
