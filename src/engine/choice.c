/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/choice.h"

#include "base/log.h"
#include "engine/engine_private.h"
#include "oci/name.h"
#include "oci/runtime_image.h"

static void release_image(void *image) {
        image_unref(image);
}

static void finish(struct choice *c, struct placement *placement, const char *code, const char *reason) {
        c->engine = NULL;
        c->done(c, placement, code, reason);
}

static void take_native(struct choice *c, char *why_consume) {
        finish(c, placement_new("native", why_consume, NULL, NULL), NULL, NULL);
}

static bool is_auto(const struct choice *c) {
        return streq(c->engine->options.sandbox, "auto");
}

static bool brings_runtime(const struct version *v) {
        return str_starts(v->config.runtime, "provided");
}

/* ---- natively ---- */

/* What the function's interpreter is here: NULL with a sentence when there is none. */
static const struct interpreter *find_interpreter(struct choice *c, bool *ret_exact, char **ret_problem) {
        struct command command;
        const struct interpreter *found = NULL;

        *ret_exact = false;
        if (command_find(c->engine->interpreters, c->version, c->engine->options.strict_runtimes, &command,
                         ret_problem))
                return NULL;
        found = command.interpreter;
        *ret_exact = !command.base.notice;
        if (!c->engine->options.temporary)
                compiled_want(c->engine->compiled, found);
        command_clear(&command);
        return found;
}

/* auto, and no container is to be had. What natively cannot run either is told when an environment is made. */
static void fall_back(struct choice *c, const char *problem) {
        AUTO(str) char *missing = NULL;
        bool exact;
        const struct interpreter *in = find_interpreter(c, &exact, &missing);

        if (in)
                take_native(c, xasprintf("%s is not on this machine, and not to be had as a container (%s): "
                                         "it runs on %s",
                                         c->version->config.runtime, problem, in->path));
        else
                take_native(c, xasprintf("no container is to be had: %s", problem));
}

/* ---- in a container ---- */

static const char *code_of(int r) {
        return r == -ENOENT                    ? "ImageDeleted"
               : r == -EACCES                  ? "ImageAccessDenied"
               : r == -ENOEXEC || r == -EINVAL ? "InvalidImage"
                                               : "InternalError";
}

static void no_container(struct choice *c, const char *code, const char *problem) {
        struct version *v = c->version;

        if (version_config_is_image(&v->config) || !is_auto(c) || !c->engine->native) {
                log_warn("function=%s %s", v->name, problem);
                finish(c, NULL, code, problem);
        } else {
                fall_back(c, problem);
        }
}

static void on_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        struct choice *c = container_of(ask, struct choice, image);
        const struct containers_engine *engine = containers_engine(c->engine->containers, NULL);
        const char *because;

        if (!image) {
                no_container(c, code_of(r), problem);
                return;
        }
        containers_learn(c->engine->containers, image);
        because = version_config_is_image(&c->version->config) ? "an image runs in a container"
                  : is_auto(c)                                 ? "this machine has not exactly this runtime"
                                                               : "--sandbox says so";
        finish(c,
               placement_new(engine->kind,
                             xasprintf("%s: %s of %s %s", because, image->name,
                                       streq(engine->kind, "podman") ? "Podman" : "Docker", engine->version),
                             image_ref(image), release_image),
               NULL, NULL);
}

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        struct choice *c = container_of(wait, struct choice, containers);
        const struct version_config *config = &c->version->config;
        AUTO(str) char *name = NULL;
        AUTO(str) char *missing = NULL;

        if (!engine) {
                no_container(c, "InternalError", problem);
                return;
        }
        name = version_config_is_image(config)
                       ? engine_image_name(c->engine, config->image_uri, config->code_sha256)
                       : runtime_image(config->runtime, c->engine->options.image_mirror);
        if (!name) {
                missing = xasprintf("AWS has no image for %s", config->runtime);
                no_container(c, "InvalidImage", missing);
                return;
        }
        images_want(containers_images(c->engine->containers), name,
                    version_config_is_image(config) ? config->code_sha256 : NULL, config->architecture,
                    &c->image, on_image);
}

static void take_container(struct choice *c) {
        containers_want(c->engine->containers, &c->containers, on_engine);
}

/* ---- deciding ---- */

static void on_interpreters(struct interpreters_wait *wait) {
        struct choice *c = container_of(wait, struct choice, interpreters);
        AUTO(str) char *problem = NULL;
        bool exact;
        const struct interpreter *in = find_interpreter(c, &exact, &problem);

        if (!is_auto(c))
                take_native(c, xstrdup("--sandbox says so"));
        else if (in && exact)
                take_native(c, xasprintf("this machine has %s: %s", c->version->config.runtime, in->path));
        else
                take_container(c);
}

void choice_begin(struct choice *c, struct engine *e, struct version *v,
                  void (*done)(struct choice *choice, struct placement *placement, const char *code,
                               const char *reason)) {
        bool native = streq(e->options.sandbox, "native");
        bool may_be_native;

        *c = (struct choice){ .engine = e, .version = v, .done = done };
        may_be_native = (native || is_auto(c)) && e->native;
        if (version_config_is_image(&v->config)) {
                if (e->containers)
                        take_container(c);
                else
                        finish(c, NULL, NULL, NULL);
        } else if (may_be_native && brings_runtime(v)) {
                take_native(c, xstrdup(native ? "--sandbox says so" : "the package brings its own runtime"));
        } else if (may_be_native && command_needs_interpreter(v->config.runtime)) {
                interpreters_await(e->interpreters, &c->interpreters, on_interpreters);
        } else if (may_be_native && native) {
                take_native(c, xstrdup("--sandbox says so"));
        } else {
                take_container(c);
        }
}

void choice_cancel(struct choice *c) {
        interpreters_wait_cancel(&c->interpreters);
        containers_wait_cancel(&c->containers);
        image_ask_cancel(&c->image);
        c->engine = NULL;
}
