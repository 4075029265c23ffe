/* SPDX-License-Identifier: Apache-2.0 */
#include "api/image_code.h"

#include "base/json.h"
#include "base/log.h"
#include "engine/engine.h"
#include "function/images.h"
#include "oci/name.h"

#define IMAGE_CONFIG_MAX (16 * KIB) /* docs/aws.md, images */

struct api_image {
        struct api_request *request;
        struct image_wait wait;
        char *uri;
        char sha256[SHA256_HEX_LEN + 1];
        void (*ready)(struct api_request *r);
};

/* ---- checks ---- */

bool image_creation_check(const struct api_request *r, struct problem *ret_problem) {
        const json_t *body = r->body;

        if (json_tree_get(body, "Runtime") || json_tree_get(body, "Handler") ||
            json_array_size(json_tree_get(body, "Layers")) > 0)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Please don't provide Handler or Runtime or Layer when the intended "
                                   "function PackageType is Image.");
        if (!json_tree_get(json_tree_get(body, "Code"), "ImageUri"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Please provide a source for function code.");
        if (!engine_images(r->engine))
                return problem_set(ret_problem, PROBLEM_NOT_IMPLEMENTED,
                                   "lambent does not implement %s with PackageType Image without a container "
                                   "engine.",
                                   r->operation);
        return true;
}

static bool check_package_type(const json_t *body, const struct version_config *c,
                               struct problem *ret_problem) {
        if (!version_config_is_image(c))
                return !json_tree_get(body, "ImageConfig") ||
                       problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Please don't provide ImageConfig when the function PackageType is Zip.");
        if (json_tree_get(body, "Runtime") || json_tree_get(body, "Handler"))
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "The Runtime and Handler parameters are not supported for functions "
                                   "created with container images.");
        if (json_array_size(json_tree_get(body, "Layers")) > 0)
                return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                                   "Lambda layers are not supported for functions created with container "
                                   "images.");
        return true;
}

static void set_list(struct text_list *list, const json_t *items) {
        size_t count = json_array_size(items);
        const char **texts = xcalloc(count + 1, sizeof(*texts));

        for (size_t i = 0; i < count; i++)
                texts[i] = json_string_value(json_array_get(items, i));
        text_list_set(list, texts, count);
        free(texts);
}

static size_t list_bytes(const struct text_list *list) {
        size_t bytes = 0;

        for (size_t i = 0; i < list->count; i++)
                bytes += strlen(list->items[i]);
        return bytes;
}

bool image_config_apply(const json_t *body, struct version_config *c, struct problem *ret_problem) {
        const json_t *config = json_tree_get(body, "ImageConfig");
        const char *directory = json_tree_str(config, "WorkingDirectory");
        size_t bytes;

        if (!check_package_type(body, c, ret_problem))
                return false;
        if (!config)
                return true;
        /* As a whole: TestLambdaImages::test_lambda_image_and_image_config_crud. */
        set_list(&c->entry_point, json_tree_get(config, "EntryPoint"));
        set_list(&c->command, json_tree_get(config, "Command"));
        free(c->working_directory);
        c->working_directory = directory && *directory ? xstrdup(directory) : NULL;
        bytes = list_bytes(&c->entry_point) + list_bytes(&c->command) + (directory ? strlen(directory) : 0);
        return bytes <= IMAGE_CONFIG_MAX ||
               problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "The ImageConfig of a function may have at most %zu bytes; this one has %zu.",
                           IMAGE_CONFIG_MAX, bytes);
}

/* ---- which image that is ---- */

static void fail_image(struct api_request *r, const char *uri, const struct image_answer *answer) {
        log_info("api request=%s operation=%s image %s refused: %s", r->request_id, r->operation, uri,
                 answer->reason);
        switch (answer->outcome) {
        case IMAGE_NOT_FOUND:
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Source image %s does not exist. Provide a valid source image.", uri);
                break;
        case IMAGE_DENIED:
                api_fail(r, PROBLEM_FORBIDDEN,
                         "Lambda does not have permission to access the ECR image. Check the ECR "
                         "permissions.");
                break;
        case IMAGE_UNSUPPORTED:
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "The image manifest, config or layer media type for the source image %s is not "
                         "supported.",
                         uri);
                break;
        case IMAGE_NO_ENGINE:
                /* No client repeats a 501. */
                api_fail(
                        r, PROBLEM_NOT_IMPLEMENTED,
                        "lambent does not implement %s with PackageType Image without a container engine: %s",
                        r->operation, answer->reason);
                break;
        case IMAGE_UNREACHABLE:
        case IMAGE_FINE:
                api_fail(r, PROBLEM_SERVICE, "The image %s could not be looked up: %s", uri, answer->reason);
                break;
        }
}

static void on_resolved(struct image_wait *wait, const struct image_answer *answer) {
        struct api_image *image = container_of(wait, struct api_image, wait);

        if (answer->outcome != IMAGE_FINE) {
                fail_image(image->request, image->uri, answer);
                return;
        }
        must(strlen(answer->sha256) == SHA256_HEX_LEN);
        memcpy(image->sha256, answer->sha256, sizeof(image->sha256));
        image->ready(image->request);
}

void api_image_find(struct api_request *r, const struct version_config *c,
                    void (*ready)(struct api_request *r)) {
        const struct image_source *images = engine_images(r->engine);
        const struct image_request request = { c->image_uri, c->architecture, NULL };
        AUTO(image_name) struct image_name name = {};
        struct api_image *image;

        if (image_name_parse(c->image_uri, &name)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Source image %s is not valid. Provide a valid source image.", c->image_uri);
                return;
        }
        image = r->image = xcalloc(1, sizeof(*image));
        image->request = r;
        image->uri = xstrdup(c->image_uri);
        image->ready = ready;
        image->wait.fn = on_resolved;
        if (images)
                images->resolve(images->owner, &request, &image->wait);
        else
                on_resolved(&image->wait, &(struct image_answer){ IMAGE_NO_ENGINE, IMAGES_ABSENT, NULL });
}

void api_image_free(struct api_image *image) {
        if (!image)
                return;
        image_wait_cancel(&image->wait);
        free(image->uri);
        free(image);
}

void api_image_apply(const struct api_image *image, struct version_config *c) {
        char *uri = xstrdup(image->uri);

        free(c->image_uri);
        c->image_uri = uri;
        memcpy(c->code_sha256, image->sha256, sizeof(c->code_sha256));
        c->code_size = c->code_unzipped = 0;
}

/* ---- showing it ---- */

void image_code_write(struct json_writer *w, const struct version_config *c) {
        AUTO(image_name) struct image_name name = {};
        AUTO(str) char *resolved = NULL;

        json_str(w, "RepositoryType", "ECR");
        json_str(w, "ImageUri", c->image_uri);
        if (image_name_parse(c->image_uri, &name))
                return;
        resolved = image_name_pinned(&name, c->code_sha256);
        json_str(w, "ResolvedImageUri", resolved);
}
