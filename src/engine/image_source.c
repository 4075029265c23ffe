/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The images of functions (function/images.h), answered by the container engine: what a tag means is what the
 * engine has under it, else what the registry says; Podman has to pull for that.
 */
#include "engine/engine_private.h"
#include "function/images.h"
#include "oci/name.h"

struct question {
        struct engine *engine;
        struct list link;
        struct list waits; /* whoever asked, unless it has gone */
        struct containers_wait containers;
        struct image_ask image;
        char *uri, *architecture, *sha256; /* sha256 NULL: it is to be resolved */
};

/* A private registry of AWS stands for the one that is named instead. */
char *engine_image_name(const struct engine *e, const char *uri, const char *sha256) {
        AUTO(image_name) struct image_name name;

        if (image_name_parse(uri, &name))
                return xstrdup(uri);
        if (e->options.private_registry && image_name_is_private_ecr(&name)) {
                free(name.registry);
                name.registry = xstrdup(e->options.private_registry);
        }
        if (name.sha256)
                return image_name_pinned(&name, name.sha256);
        return sha256 ? image_name_pinned(&name, sha256) : image_name_tagged(&name);
}

/* What the engine is to call it as well: as the user wrote it. NULL: nothing, it has that name, or would have to have a digest. */
static char *alias_of(const struct engine *e, const char *uri) {
        AUTO(image_name) struct image_name name;

        if (image_name_parse(uri, &name))
                return NULL;
        if (!e->options.private_registry || !image_name_is_private_ecr(&name) || (name.sha256 && !name.tag))
                return NULL;
        return image_name_tagged(&name);
}

static void question_free(struct question *q) {
        list_unlink(&q->link);
        containers_wait_cancel(&q->containers);
        image_ask_cancel(&q->image);
        free(q->uri);
        free(q->architecture);
        free(q->sha256);
        free(q);
}

static void answer(struct question *q, const struct image_answer *a) {
        struct image_wait *wait = list_first(&q->waits, struct image_wait, link);

        if (wait)
                image_wait_answer(wait, a);
        question_free(q);
}

static enum image_outcome outcome_of(int r) {
        return r == -ENOENT                    ? IMAGE_NOT_FOUND
               : r == -EACCES                  ? IMAGE_DENIED
               : r == -ENOEXEC || r == -EINVAL ? IMAGE_UNSUPPORTED
                                               : IMAGE_UNREACHABLE;
}

/* Of the manifest where it came from a registry, else of its configuration. */
static const char *sha256_of(const struct image *image) {
        const char *digest = image->digest ? strstr(image->digest, "@sha256:") : NULL;

        return digest ? digest + strlen("@sha256:") : image->id + strlen("sha256:");
}

static void on_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        struct question *q = container_of(ask, struct question, image);
        AUTO(str) char *alias = image && q->sha256 ? alias_of(q->engine, q->uri) : NULL;

        if (alias)
                containers_tag(q->engine->containers, alias, image, q->sha256);
        if (image)
                answer(q, &(struct image_answer){ IMAGE_FINE, "", sha256_of(image) });
        else
                answer(q, &(struct image_answer){ outcome_of(r), problem, NULL });
}

static void on_engine(struct containers_wait *wait, const struct containers_engine *engine,
                      const char *problem) {
        struct question *q = container_of(wait, struct question, containers);
        AUTO(str) char *name = NULL;

        if (!engine) {
                answer(q, &(struct image_answer){ IMAGE_NO_ENGINE, problem, NULL });
                return;
        }
        name = engine_image_name(q->engine, q->uri, q->sha256);
        if (q->sha256)
                images_want(containers_images(q->engine->containers), name, q->sha256, q->architecture,
                            &q->image, on_image);
        else
                images_resolve(containers_images(q->engine->containers), name, q->architecture, &q->image,
                               on_image);
}

static void ask(void *owner, const struct image_request *request, struct image_wait *wait) {
        struct engine *e = owner;
        struct question *q = xcalloc(1, sizeof(*q));

        q->engine = e;
        q->uri = xstrdup(request->uri);
        q->architecture = xstrdup(request->architecture);
        q->sha256 = request->sha256 ? xstrdup(request->sha256) : NULL;
        list_init(&q->waits);
        list_push_back(&q->waits, &wait->link);
        list_push_back(&e->image_questions, &q->link);
        containers_want(e->containers, &q->containers, on_engine);
}

/* Images belong to the engine's user: only the names that we have added go. */
static void forget(void *owner, const char *sha256) {
        struct engine *e = owner;

        containers_untag(e->containers, sha256);
}

void image_source_open(struct engine *e) {
        e->image_source = (struct image_source){ .resolve = ask, .fetch = ask, .forget = forget, .owner = e };
        e->images = &e->image_source;
}

void image_source_close(struct engine *e) {
        struct question *q;

        while ((q = list_first(&e->image_questions, struct question, link))) {
                struct image_wait *wait = list_first(&q->waits, struct image_wait, link);

                if (wait)
                        image_wait_cancel(wait);
                question_free(q);
        }
}
