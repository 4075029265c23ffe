/* SPDX-License-Identifier: Apache-2.0 */
/* updates - UpdateFunctionCode, UpdateFunctionConfiguration, PublishVersion */
#include "api/code_source.h"
#include "api/configuration.h"
#include "api/foreign_layers.h"
#include "api/function_kind.h"
#include "api/image_code.h"
#include "api/operations.h"
#include "api/view.h"
#include "engine/engine.h"

#define ANSWER_MAX_BYTES (16 * MIB)

/* ---- what the three share ---- */

static bool is_busy(const struct function *f) {
        return f->latest->status.state == STATE_PENDING || f->latest->status.update == UPDATE_IN_PROGRESS;
}

static void fail_busy(struct api_request *r, const struct function *f) {
        AUTO(str) char *arn = function_arn(f->region, f->account, f->name, NULL);

        api_fail(r, PROBLEM_CONFLICT,
                 "The operation cannot be performed at this time. An update is in progress for resource: %s",
                 arn);
}

/* No other change under way, and the one that the client knows is the last. */
static bool may_change(struct api_request *r, const struct function *f) {
        const char *revision = json_tree_str(r->body, "RevisionId");

        if (is_busy(f)) {
                fail_busy(r, f);
                return false;
        }
        if (revision && !streq(revision, f->latest->status.revision_id)) {
                api_fail_revision(r, "GetFunction/GetAlias");
                return false;
        }
        return true;
}

static void answer(struct api_request *r, int status, const struct version *v, const char *qualifier) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);

        view_version(&w, NULL, v, qualifier, VIEW_WHOLE);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, status, &body);
}

static void change(struct api_request *r, struct function *f, struct version_config *config_consume,
                   enum publication publish) {
        struct version *v;
        int result = registry_update(engine_registry(r->engine), f, config_consume, publish, &v);

        if (result == REGISTRY_BUSY)
                fail_busy(r, f);
        else if (result)
                api_fail(r, PROBLEM_SERVICE, "The change could not be stored: %s.", strerror(-result));
        else
                answer(r, 200, v, version_is_latest(v) ? NULL : v->number);
}

/* ---- UpdateFunctionCode ---- */

static bool check_image_source(struct api_request *r) {
        if (json_tree_get(r->body, "ImageUri") && !json_tree_get(r->body, "ZipFile") &&
            !json_tree_get(r->body, "S3Bucket"))
                return true;
        api_fail(r, PROBLEM_INVALID_PARAMETER,
                 "Please provide ImageUri when updating a function with packageType Image.");
        return false;
}

static bool check_zip_source(struct api_request *r) {
        AUTO(problem) struct problem problem = PROBLEM_NULL;

        if (json_tree_get(r->body, "ImageUri"))
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Please don't provide ImageUri when updating a function with packageType Zip.");
        else if (!code_source_check(r, r->body, "Please provide a source for function code.", &problem))
                api_fail_with(r, &problem);
        else
                return true;
        return false;
}

static void set_architecture(struct version_config *c, const json_t *architectures) {
        if (!architectures)
                return;
        free(c->architecture);
        c->architecture = xstrdup(json_string_value(json_array_get(architectures, 0)));
}

static void use_new_code(struct api_request *r) {
        AUTO(version_config) struct version_config config = {};
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        enum publication publish;
        struct function *f;

        /* The function may have been changed or deleted while the package was unpacked or the image looked up. */
        if (!(f = api_function(r, NULL)) || !may_change(r, f))
                return;
        version_config_copy(&f->latest->config, &config);
        if (r->image)
                api_image_apply(r->image, &config);
        else
                code_source_apply(r, &config);
        set_architecture(&config, json_tree_get(r->body, "Architectures"));
        if (!configuration_fits(&config, &problem) ||
            !function_kind_publication(r->body, &config, &publish, &problem))
                api_fail_with(r, &problem);
        else if (json_tree_bool(r->body, "DryRun", false))
                answer(r, 200, f->latest, NULL);
        else
                change(r, f, &config, publish);
}

static void find_new_image(struct api_request *r, const struct function *f) {
        AUTO(version_config) struct version_config asked = {
                .image_uri = xstrdup(json_tree_str(r->body, "ImageUri")),
                .architecture = xstrdup(f->latest->config.architecture),
        };

        set_architecture(&asked, json_tree_get(r->body, "Architectures"));
        api_image_find(r, &asked, use_new_code);
}

void api_update_function_code(struct api_request *r) {
        struct function *f;

        if (!(f = api_function(r, NULL)))
                return;
        if (version_config_is_image(&f->latest->config)) {
                if (check_image_source(r) && may_change(r, f))
                        find_new_image(r, f);
        } else if (check_zip_source(r) && may_change(r, f)) {
                code_source_take(r, r->body, use_new_code);
        }
}

/* ---- UpdateFunctionConfiguration ---- */

void api_update_function_configuration(struct api_request *r) {
        AUTO(version_config) struct version_config config = {};
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        struct function *f;

        if (!(f = api_function(r, NULL)) || !may_change(r, f) ||
            foreign_layers_fetch(r, api_update_function_configuration))
                return;
        version_config_copy(&f->latest->config, &config);
        if (configuration_apply(r, f->region, r->body, &config, &problem) &&
            configuration_fits(&config, &problem))
                change(r, f, &config, PUBLISH_NOTHING);
        else
                api_fail_with(r, &problem);
}

/* ---- PublishVersion ---- */

void api_publish_version(struct api_request *r) {
        const char *wanted = json_tree_str(r->body, "CodeSha256");
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        struct function *f;
        enum publication to;
        struct version *v;
        char sha256[SHA256_HEX_LEN + 1];
        int result;

        if (!(f = api_function(r, NULL)) || !may_change(r, f))
                return;
        if (!function_kind_publication(r->body, &f->latest->config, &to, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        view_code_sha256(&f->latest->config, sha256);
        if (wanted && *wanted && !streq(wanted, sha256)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "CodeSHA256 (%s) is different from current CodeSHA256 in $LATEST (%s). Please try "
                         "again with the CodeSHA256 in "
                         "$LATEST.",
                         wanted, sha256);
                return;
        }
        result = registry_publish(engine_registry(r->engine), f, json_tree_str(r->body, "Description"),
                                  to == PUBLISH_LATEST ? to : PUBLISH_VERSION, &v);
        if (result == REGISTRY_BUSY)
                fail_busy(r, f);
        else if (result)
                api_fail(r, PROBLEM_SERVICE, "The version could not be stored: %s.", strerror(-result));
        else
                answer(r, 201, v, v->number);
}
