/* SPDX-License-Identifier: Apache-2.0 */
/*
 * From a digest to a folder: a version can serve once its code is unpacked, its layers are merged, or its image is
 * there, and it is decided where it runs (choice.h). Each step waits for the loop; nothing here blocks.
 */
#include "archive/content.h"
#include "base/log.h"
#include "engine/choice.h"
#include "engine/engine_private.h"
#include "function/images.h"

/* Unzipped code and layers together: docs/aws.md, limits. */
static const struct archive_limits limits = { .bytes = 262144000, .entries = 200000 };

struct preparation {
        struct engine *engine;
        struct version *version; /* a reference */
        struct list link;
        struct content_wait content;
        struct choice choice;
        struct image_wait image;
};

void engine_watch(struct engine *e, struct prepared_watch *watch, struct version *v,
                  void (*fn)(struct prepared_watch *watch, const struct version *v, const char *code,
                             const char *reason)) {
        *watch = (struct prepared_watch){ .version = version_ref(v), .fn = fn };
        list_push_back(&e->watches, &watch->link);
}

void engine_unwatch(struct prepared_watch *watch) {
        list_unlink(&watch->link);
        version_unref(TAKE(watch->version));
}

static void tell_watchers(struct engine *e, const struct version *v, const char *code, const char *reason) {
        struct prepared_watch *watch;

        list_each(watch, &e->watches, link)
                if (watch->version == v) {
                        engine_unwatch(watch);
                        watch->fn(watch, v, code, reason);
                }
}

static void cancel_waits(struct preparation *p) {
        content_wait_cancel(&p->content);
        choice_cancel(&p->choice);
        image_wait_cancel(&p->image);
}

static void finish(struct preparation *p, const char *code, const char *reason) {
        struct engine *e = p->engine;
        struct version *v = p->version;

        list_unlink(&p->link);
        cancel_waits(p);
        free(p);
        registry_prepared(e->registry, v, code, reason);
        pools_prepared(e->pools, v, reason);
        tell_watchers(e, v, code, reason);
        version_unref(v);
}

static bool tree_failed(struct preparation *p, const struct content_tree *tree, const char *what) {
        AUTO(str) char *reason = NULL;

        if (tree->outcome == ARCHIVE_FINE)
                return false;
        reason = xasprintf("%s could not be unpacked: %s", what, tree->reason);
        log_warn("function=%s %s", p->version->name, reason);
        if (tree->outcome == ARCHIVE_BROKE_OFF)
                finish(p, "InternalError", reason);
        else
                finish(p, "InvalidZipFileException", reason);
        return true;
}

/* The places are those of T1 and T2; in T3 the client puts the names in tracebacks right. What is gone after one run is
 * not worth it. */
void engine_bytecode(struct engine *e, const struct version *v, const struct interpreter *in, char **ret_task,
                     char **ret_opt) {
        const struct content_python python = { in->path, in->prefix, in->prefix_fd };
        bool wanted = in->language == LANGUAGE_PYTHON && !e->options.temporary;

        *ret_task = wanted && v->task_dir ? content_bytecode(e->content, v->task_dir, "/var/task", &python)
                                          : NULL;
        *ret_opt = wanted && v->opt_dir ? content_bytecode(e->content, v->opt_dir, "/opt", &python) : NULL;
}

/* So that the first start finds it, as a rule. */
static void compile(struct engine *e, const struct version *v) {
        AUTO(str) char *task = NULL, *opt = NULL, *problem = NULL;
        struct command command;

        if (!command_needs_interpreter(v->config.runtime) ||
            command_find(e->interpreters, v, e->options.strict_runtimes, &command, &problem))
                return;
        engine_bytecode(e, v, command.interpreter, &task, &opt);
        command_clear(&command);
}

static void on_chosen(struct choice *choice, struct placement *placement, const char *code,
                      const char *reason) {
        struct preparation *p = container_of(choice, struct preparation, choice);

        placement_unref(p->version->placement);
        p->version->placement = placement;
        if (placement && placement->image)
                engine_expect(p->engine, p->version);
        else if (placement)
                compile(p->engine, p->version);
        finish(p, code, reason);
}

static void choose(struct preparation *p) {
        choice_begin(&p->choice, p->engine, p->version, on_chosen);
}

static void on_layers(struct content_wait *wait, const struct content_tree *tree) {
        struct preparation *p = container_of(wait, struct preparation, content);

        if (tree_failed(p, tree, "the layers"))
                return;
        free(p->version->opt_dir);
        p->version->opt_dir = xstrdup(tree->path);
        choose(p);
}

static void on_code(struct content_wait *wait, const struct content_tree *tree) {
        struct preparation *p = container_of(wait, struct preparation, content);
        struct version *v = p->version;
        const char *hexes[FUNCTION_LAYERS_MAX];

        if (tree_failed(p, tree, "the deployment package"))
                return;
        free(v->task_dir);
        v->task_dir = xstrdup(tree->path);
        if (!v->config.layer_count) {
                choose(p);
                return;
        }
        for (size_t i = 0; i < v->config.layer_count; ++i)
                hexes[i] = v->config.layers[i].sha256;
        content_merge(p->engine->content, hexes, (unsigned)v->config.layer_count, &limits, &p->content,
                      on_layers);
}

/* AWS's codes for the state of a function: docs/aws.md, functions. */
static const char *const image_codes[] = {
        [IMAGE_NOT_FOUND] = "ImageDeleted",   [IMAGE_DENIED] = "ImageAccessDenied",
        [IMAGE_UNSUPPORTED] = "InvalidImage", [IMAGE_UNREACHABLE] = "InternalError",
        [IMAGE_NO_ENGINE] = "InternalError",
};

static void on_image(struct image_wait *wait, const struct image_answer *answer) {
        struct preparation *p = container_of(wait, struct preparation, image);
        AUTO(str) char *reason = NULL;

        if (answer->outcome == IMAGE_FINE) {
                choose(p);
                return;
        }
        reason = xasprintf("The image %s cannot be used: %s", p->version->config.image_uri, answer->reason);
        log_warn("function=%s %s", p->version->name, reason);
        finish(p, image_codes[answer->outcome], reason);
}

static void fetch_image(struct preparation *p) {
        const struct image_source *images = p->engine->images;
        const struct version_config *c = &p->version->config;
        const struct image_request request = { c->image_uri, c->architecture, c->code_sha256 };

        p->image.fn = on_image;
        if (images)
                images->fetch(images->owner, &request, &p->image);
        else
                on_image(&p->image, &(struct image_answer){ IMAGE_NO_ENGINE, IMAGES_ABSENT, NULL });
}

void engine_prepare(void *owner, struct version *v) {
        struct preparation *p = xcalloc(1, sizeof(*p));

        p->engine = owner;
        p->version = version_ref(v);
        list_push_back(&p->engine->preparations, &p->link);
        if (version_config_is_image(&v->config)) {
                fetch_image(p);
                return;
        }
        content_unpack(p->engine->content, v->config.code_sha256, &limits, &p->content, on_code);
}

void engine_preparations_cancel(struct engine *e) {
        struct preparation *p;

        list_each(p, &e->preparations, link) {
                list_unlink(&p->link);
                cancel_waits(p);
                version_unref(p->version);
                free(p);
        }
}
