/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One deployment: the package goes to the store, or the image is resolved; then the function is recorded, and whoever
 * deploys it waits until it has been prepared.
 */
#include <ctype.h>

#include "archive/content.h"
#include "engine/lambent_private.h"
#include "oci/name.h"

#define ZIP_MAX ((size_t)52428800)       /* docs/aws.md, limits */
#define IMAGE_CONFIG_MAX ((size_t)16384) /* bytes of all its words, as for the API */
#define ROLE "arn:aws:iam::000000000000:role/lambent"

struct deploy {
        struct lambent *lambent;
        struct list link;
        struct content_upload *upload;
        struct defer resolve; /* an image's */
        struct image_wait image;
        struct version_config config;
        struct prepared_watch watch;
        char *name;
        lambent_deployed_fn deployed;
        void *ctx;
};

static void deploy_free(struct deploy *d) {
        list_unlink(&d->link);
        content_upload_abort(d->upload);
        defer_cancel(&d->resolve);
        image_wait_cancel(&d->image);
        engine_unwatch(&d->watch);
        version_config_clear(&d->config);
        free(d->name);
        free(d);
}

static void deploy_end(struct deploy *d, int r, const char *problem) {
        lambent_deployed_fn deployed = d->deployed;
        void *ctx = d->ctx;

        deploy_free(d);
        deployed(ctx, r, problem);
}

static void deploy_prepared(struct prepared_watch *watch, const struct version *v, const char *code,
                            const char *reason) {
        struct deploy *d = container_of(watch, struct deploy, watch);
        AUTO(str) char *problem = reason ? xstrdup(reason) : NULL;
        enum lambent_error error = reason ? lambent_error_of_state(d->lambent, v, code)
                                          : lambent_error_of_runtime(d->lambent, v, &problem);

        deploy_end(d, (int)error, problem ? problem : "");
}

/* The digest of its code is known: make the function, then wait until it is prepared. */
static void deploy_record(struct deploy *d) {
        struct engine *e = d->lambent->engine;
        struct registry *registry = engine_registry(e);
        const struct engine_options *o = engine_options(e);
        struct function *f = registry_find(registry, o->account, o->region, d->name);
        struct version *v = NULL;
        int r;

        if (f)
                r = registry_update(registry, f, &d->config, PUBLISH_NOTHING, &v);
        else
                r = registry_create(registry, o->account, o->region, d->name, &d->config, NULL,
                                    PUBLISH_NOTHING, &v);
        if (r == REGISTRY_BUSY)
                deploy_end(d, -EBUSY, "an update of this function is in progress");
        else if (r)
                deploy_end(d, r < 0 ? r : -EEXIST, "the function could not be recorded");
        else
                engine_watch(e, &d->watch, v, deploy_prepared);
}

/* ---- a package ---- */

static void deploy_uploaded(void *owner, int r, const struct content_blob *blob) {
        struct deploy *d = owner;

        d->upload = NULL;
        if (r) {
                deploy_end(d, r, "the package could not be stored");
                return;
        }
        memcpy(d->config.code_sha256, blob->hex, sizeof(d->config.code_sha256));
        d->config.code_size = blob->size;
        deploy_record(d);
}

static const struct content_upload_events deploy_upload_events = { .done = deploy_uploaded };

static int deploy_package(struct deploy *d, const void *zip, size_t len) {
        int r;

        d->upload = content_upload_new(engine_content(d->lambent->engine), ZIP_MAX, &deploy_upload_events, d);
        r = content_upload_write(d->upload, zip, len);
        if (!r)
                content_upload_finish(d->upload);
        return r;
}

/* ---- an image ---- */

static void deploy_resolved(struct image_wait *wait, const struct image_answer *answer) {
        struct deploy *d = container_of(wait, struct deploy, image);

        if (answer->outcome != IMAGE_FINE) {
                deploy_end(d, (int)lambent_error_of_image(answer->outcome), answer->reason);
                return;
        }
        must(strlen(answer->sha256) == SHA256_HEX_LEN);
        memcpy(d->config.code_sha256, answer->sha256, sizeof(d->config.code_sha256));
        deploy_record(d);
}

/* From the loop, because images may be known at once. */
static void deploy_resolve(struct defer *defer) {
        struct deploy *d = container_of(defer, struct deploy, resolve);
        const struct image_source *images = engine_images(d->lambent->engine);
        const struct image_request request = { d->config.image_uri, d->config.architecture, NULL };

        d->image.fn = deploy_resolved;
        images->resolve(images->owner, &request, &d->image);
}

/* ---- what the caller gives ---- */

static bool is_function_name(const char *name) {
        size_t len = name ? strlen(name) : 0;

        for (size_t i = 0; i < len; ++i)
                if (!isalnum((unsigned char)name[i]) && name[i] != '-' && name[i] != '_')
                        return false;
        return len >= 1 && len <= 64;
}

static bool in_range(uint32_t value, uint32_t least, uint32_t most) {
        return value >= least && value <= most;
}

static void fill_config(struct version_config *c, const struct lambent_function *f) {
        *c = (struct version_config){
                .role = xstrdup(ROLE),
                .description = xstrdup(""),
                .timeout_s = f->timeout_s ? f->timeout_s : 3,
                .memory_mb = f->memory_mb ? f->memory_mb : 128,
                .tmp_mb = f->tmp_mb ? f->tmp_mb : 512,
                .has_vars = f->variable_count > 0,
                .vars = xcalloc(f->variable_count, sizeof(*c->vars)),
                .var_count = f->variable_count,
#ifdef __aarch64__
                .architecture = xstrdup("arm64"),
#else
                .architecture = xstrdup("x86_64"),
#endif
                .package_type = xstrdup(f->image_uri ? "Image" : "Zip"),
                .tracing_mode = xstrdup("PassThrough"),
                .snap_start_apply_on = xstrdup("None"),
                .log_format = xstrdup("Text"),
        };
        for (size_t i = 0; i < f->variable_count; ++i)
                c->vars[i] =
                        (struct name_value){ xstrdup(f->variables[i].name), xstrdup(f->variables[i].value) };
        if (f->image_uri) {
                c->image_uri = xstrdup(f->image_uri);
                text_list_set(&c->entry_point, f->entry_point, f->entry_point_count);
                text_list_set(&c->command, f->command, f->command_count);
                c->working_directory = f->working_directory ? xstrdup(f->working_directory) : NULL;
        } else {
                c->runtime = xstrdup(f->runtime);
                c->handler = xstrdup(f->handler ? f->handler : "bootstrap");
        }
}

static size_t word_bytes(const char *const *words, size_t count) {
        size_t bytes = 0;

        for (size_t i = 0; i < count; ++i)
                bytes += strlen(words[i]);
        return bytes;
}

static bool is_image_config(const struct lambent_function *f) {
        size_t bytes = word_bytes(f->entry_point, f->entry_point_count) +
                       word_bytes(f->command, f->command_count) +
                       (f->working_directory ? strlen(f->working_directory) : 0);

        return bytes <= IMAGE_CONFIG_MAX;
}

/* An image has neither package, runtime nor handler. */
static int check_image(const struct lambent *l, const struct lambent_function *f) {
        AUTO(image_name) struct image_name name = {};

        if (f->zip || f->runtime || f->handler || !is_image_config(f) ||
            image_name_parse(f->image_uri, &name))
                return -EINVAL;
        return engine_images(l->engine) ? 0 : (int)LAMBENT_NO_ENGINE;
}

static int check_package(const struct lambent_function *f) {
        if (f->entry_point_count || f->command_count || f->working_directory || !f->runtime)
                return -EINVAL;
        if (f->zip_len > ZIP_MAX)
                return -E2BIG;
        return lambent_knows_runtime(f->runtime) ? 0 : (int)LAMBENT_UNSUPPORTED_RUNTIME;
}

static int check(const struct lambent *l, const struct lambent_function *f) {
        if (!is_function_name(f->name) || (f->timeout_s && !in_range(f->timeout_s, 1, 900)) ||
            (f->memory_mb && !in_range(f->memory_mb, 128, 10240)) ||
            (f->tmp_mb && !in_range(f->tmp_mb, 512, 10240)))
                return -EINVAL;
        if (f->image_uri)
                return check_image(l, f);
        return f->zip ? check_package(f) : (int)LAMBENT_NO_CODE;
}

int lambent_deploy(struct lambent *l, const struct lambent_function *function, lambent_deployed_fn deployed,
                   void *ctx) {
        struct lambent_function f;
        struct deploy *d;
        int r = lambent_take(&f, sizeof(f), function, function->size,
                             offsetof(struct lambent_function, image_uri));

        r = r ?: check(l, &f);
        if (r)
                return r;
        d = xcalloc(1, sizeof(*d));
        d->lambent = l;
        d->name = xstrdup(f.name);
        d->deployed = deployed;
        d->ctx = ctx;
        fill_config(&d->config, &f);
        list_push_back(&l->deploys, &d->link);
        if (f.image_uri)
                defer_call(l->loop, &d->resolve, deploy_resolve);
        else
                r = deploy_package(d, f.zip, f.zip_len);
        if (r)
                deploy_free(d);
        return r;
}

int lambent_remove(struct lambent *l, const char *name) {
        const struct engine_options *o = engine_options(l->engine);
        struct function *f = registry_find(engine_registry(l->engine), o->account, o->region, name);

        return f ? registry_delete(engine_registry(l->engine), f) : -ENOENT;
}

void lambent_deploys_cancel(struct lambent *l) {
        struct deploy *d;

        list_each(d, &l->deploys, link)
                deploy_free(d);
}
