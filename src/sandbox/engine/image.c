/* SPDX-License-Identifier: Apache-2.0 */
#include "sandbox/engine/image.h"

#include <stdarg.h>
#include <stdio.h>

#include "oci/credentials.h"
#include "oci/name.h"
#include "sandbox/engine/docker.h"
#include "sandbox/engine/pull.h"

#define PULL_TRIES 3
#define PULL_WAIT (1 * SECOND)      /* before the second try; three times as long before the next */
#define PULL_SILENCE (120 * SECOND) /* unpacking a large layer says nothing for a while */
#define NOTE_EVERY (2 * SECOND)
#define WORDS_MAX 64 /* of an entrypoint or a command */

struct images {
        struct loop *loop;
        struct docker *docker;
        struct images_options options;
        struct list fetches;
};

struct fetch {
        struct images *images;
        struct list link, asks;
        struct image_name reference;
        char *name, *architecture;
        char *id;              /* of an image that will do; NULL: none, or it is not there */
        struct image *present; /* what the engine has, where it fits */
        struct docker_call call;
        struct credentials_wait credentials;
        struct pull pull;
        struct timer retry;
        struct defer soon;
        nsec_t noted;
        unsigned tries;
        bool pulled, id_missing;
        bool peeks; /* only the digest is wanted */
        int result;
        char *problem;
};

struct image *image_ref(struct image *image) {
        ++image->refs;
        return image;
}

static void free_words(char **words) {
        for (char **word = words; word && *word; ++word)
                free(*word);
        free(words);
}

void image_unref(struct image *image) {
        if (!image || --image->refs)
                return;
        free(image->name);
        free(image->id);
        free(image->digest);
        free(image->architecture);
        free_words(image->entrypoint);
        free_words(image->command);
        free(image->working_dir);
        free(image);
}

/* ---- the end of a fetch ---- */

static void fetch_free(struct fetch *f) {
        list_unlink(&f->link);
        docker_call_clear(&f->call);
        credentials_cancel(&f->credentials);
        pull_deinit(&f->pull);
        timer_disarm(&f->retry);
        defer_cancel(&f->soon);
        image_unref(f->present);
        image_name_clear(&f->reference);
        free(f->name);
        free(f->id);
        free(f->architecture);
        free(f->problem);
        free(f);
}

static void tell(struct defer *defer) {
        struct fetch *f = container_of(defer, struct fetch, soon);
        struct image_ask *ask;

        /* Whoever asks from now on begins a fetch of its own. */
        list_unlink(&f->link);
        while ((ask = list_first(&f->asks, struct image_ask, link))) {
                list_unlink(&ask->link);
                ask->fn(ask, f->result ? NULL : f->present, f->result, f->problem);
        }
        fetch_free(f);
}

static void fetch_end(struct fetch *f, int r, char *problem_consume) {
        free(f->problem);
        f->problem = problem_consume;
        f->result = r;
        defer_call(f->images->loop, &f->soon, tell);
}

static void PRINTF_LIKE(2, 3) note(struct fetch *f, const char *format, ...) {
        AUTO(str) char *text = NULL;
        va_list args;

        if (!f->images->options.note)
                return;
        va_start(args, format);
        must(vasprintf(&text, format, args) >= 0);
        va_end(args);
        f->images->options.note(f->images->options.owner, text);
}

/* ---- looking ---- */

static char **words_of(const json_t *array) {
        char **words = xcalloc(MIN(json_array_size(array), (size_t)WORDS_MAX) + 1, sizeof(*words));
        const json_t *word;
        size_t i;

        json_array_foreach(array, i, word) {
                if (i == WORDS_MAX)
                        break;
                words[i] = xstrdup(json_string_value(word) ?: "");
        }
        return words;
}

static const char *lambda_architecture(const char *name) {
        return streq(name, "amd64") ? "x86_64" : streq(name, "arm64") ? "arm64" : name;
}

static const char *engine_architecture(const char *name) {
        return streq(name, "x86_64") ? "amd64" : name;
}

/* Of the digests that the engine knows the image by, one in the repository that was asked for. An image that came from elsewhere and
 * was only given this name here has none: the registry that the name speaks of may never have heard of it. */
static const char *digest_of(const struct fetch *f, const json_t *digests) {
        const char *found = NULL;
        const json_t *digest;
        size_t i;

        json_array_foreach(digests, i, digest) {
                const char *text = json_string_value(digest) ?: "";
                AUTO(image_name) struct image_name name;

                if (image_name_parse(text, &name) || !name.sha256 ||
                    !image_name_same_repository(&name, &f->reference))
                        continue;
                if (!found || (f->reference.sha256 && streq(name.sha256, f->reference.sha256)))
                        found = text;
        }
        return found;
}

static struct image *read_image(const struct fetch *f, const json_t *tree) {
        const json_t *config = json_tree_get(tree, "Config");
        const char *id = json_tree_str(tree, "Id"), *architecture = json_tree_str(tree, "Architecture");
        const char *digest = digest_of(f, json_tree_get(tree, "RepoDigests"));
        struct image *image;

        if (!id || !architecture)
                return NULL;
        image = xcalloc(1, sizeof(*image));
        image->refs = 1;
        image->name = xstrdup(f->name);
        /* Podman leaves the algorithm out in some answers. */
        image->id = str_starts(id, "sha256:") ? xstrdup(id) : xasprintf("sha256:%s", id);
        image->digest = digest ? xstrdup(digest) : NULL;
        image->architecture = xstrdup(lambda_architecture(architecture));
        image->entrypoint = words_of(json_tree_get(config, "Entrypoint"));
        image->command = words_of(json_tree_get(config, "Cmd"));
        image->working_dir = xstrdup(json_tree_str(config, "WorkingDir") ?: "");
        image->size = (uint64_t)MAX(json_tree_int(tree, "Size", 0), (int64_t)0);
        return image;
}

static void begin_inspect(struct fetch *f);
static void begin_pull(struct fetch *f);

static void wrong_architecture(struct fetch *f, const struct image *image) {
        fetch_end(f, -ENOEXEC,
                  xasprintf("the image %s is made for %s, the function for %s", f->name, image->architecture,
                            f->architecture));
}

static void take_found(struct fetch *f, struct image *image) {
        enum image_policy policy = f->images->options.policy;
        bool by_id = f->id && !f->id_missing;

        if (!streq(image->architecture, f->architecture)) {
                if (f->pulled || policy == IMAGE_NEVER || f->reference.sha256)
                        wrong_architecture(f, image);
                else
                        begin_pull(f);
                return;
        }
        image_unref(f->present);
        f->present = image_ref(image);
        if (policy == IMAGE_ALWAYS && !f->pulled && !by_id)
                begin_pull(f);
        else
                fetch_end(f, 0, NULL);
}

static void take_missing(struct fetch *f) {
        if (f->id && !f->id_missing) {
                f->id_missing = true;
                begin_inspect(f);
        } else if (f->pulled) {
                fetch_end(f, -ENOENT, xasprintf("the image %s was pulled, and is not there", f->name));
        } else if (f->images->options.policy == IMAGE_NEVER) {
                fetch_end(f, -ENOENT,
                          xasprintf("the image %s is not there, and the pull policy is never: pull it, or "
                                    "choose another policy with --pull",
                                    f->name));
        } else {
                begin_pull(f);
        }
}

static void on_inspected(struct docker_call *call, int r) {
        struct fetch *f = container_of(call, struct fetch, call);
        json_t *tree = r ? NULL : docker_answer(call);
        struct image *image = tree ? read_image(f, tree) : NULL;

        json_decref(tree);
        if (image)
                take_found(f, image);
        else if (r == -ENOENT)
                take_missing(f);
        else
                fetch_end(f, r ? r : -EPROTO,
                          r ? xstrdup(call->problem)
                            : xasprintf("the container engine describes %s in a way that makes no sense",
                                        f->name));
        image_unref(image);
}

static void begin_inspect(struct fetch *f) {
        AUTO(buf) struct buf target = BUF_NULL(8 * KIB);
        AUTO(str) char *id = f->id && !f->id_missing ? xasprintf("sha256:%s", f->id) : NULL;

        must(buf_append_str(&target, "/images/") == 0);
        docker_escape(&target, id ?: f->name);
        must(buf_append(&target, "/json", sizeof("/json")) == 0);
        docker_begin(f->images->docker, &f->call,
                     &(struct docker_request){
                             .method = HTTP_GET_, .target = buf_data(&target), .done = on_inspected });
}

/* ---- pulling ---- */

static int judge(const struct docker_call *call, int r, const char *error) {
        if (error)
                return pull_judge(error);
        return r == -EIO || r == -ENOENT || r == -EACCES ? pull_judge(call->problem) : r;
}

/* The registry was of no use, this time. */
static void failed(struct fetch *f, int r, const char *error) {
        AUTO(str) char *problem =
                xasprintf("the image %s cannot be had: %s", f->name, error ?: f->call.problem);
        int verdict = judge(&f->call, r, error);
        bool may_pass = verdict == -EAGAIN || (verdict == -EHOSTUNREACH && !f->present);

        if (may_pass && f->tries < PULL_TRIES) {
                nsec_t wait = f->tries == 1 ? PULL_WAIT : 3 * PULL_WAIT;

                note(f, "image=%s try=%u problem=\"%s\"", f->name, f->tries, problem);
                timer_arm(&f->retry, loop_now(f->images->loop) + wait);
        } else if (f->present) {
                note(f, "%s; the copy that is there is used", problem);
                fetch_end(f, 0, NULL);
        } else {
                fetch_end(f, verdict, TAKE(problem));
        }
}

static void on_pull_line(struct docker_call *call, const char *data, size_t len) {
        struct fetch *f = container_of(call, struct fetch, call);
        nsec_t now = loop_now(f->images->loop);
        uint64_t current, total;

        pull_feed(&f->pull, data, len);
        if (now - f->noted < NOTE_EVERY)
                return;
        f->noted = now;
        pull_progress(&f->pull, &current, &total);
        if (total)
                note(f, "image=%s pulled=%llu of=%llu bytes", f->name, (unsigned long long)current,
                     (unsigned long long)total);
}

static void on_retry(struct timer *timer) {
        begin_pull(container_of(timer, struct fetch, retry));
}

static void on_pulled(struct docker_call *call, int r) {
        struct fetch *f = container_of(call, struct fetch, call);

        pull_feed(&f->pull, "\n", 1); /* the last line, where its end is missing */
        if (r || f->pull.error) {
                failed(f, r, f->pull.error);
                return;
        }
        note(f, "image=%s is pulled", f->name);
        f->pulled = true;
        begin_inspect(f);
}

/* ---- only looking at the registry ---- */

static void on_peeked(struct docker_call *call, int r) {
        struct fetch *f = container_of(call, struct fetch, call);
        json_t *tree = r ? NULL : docker_answer(call);
        const char *digest = json_tree_str(json_tree_get(tree, "Descriptor"), "digest");
        AUTO(str) char *repository = image_name_repository(&f->reference);

        if (r) {
                failed(f, r, NULL);
        } else if (!digest) {
                fetch_end(f, -EPROTO, xasprintf("the container engine says nothing of %s", f->name));
        } else {
                image_unref(f->present);
                f->present = xcalloc(1, sizeof(*f->present));
                f->present->refs = 1;
                f->present->name = xstrdup(f->name);
                f->present->digest = xasprintf("%s@%s", repository, digest);
                fetch_end(f, 0, NULL);
        }
        json_decref(tree);
}

static void begin_peek(struct fetch *f, const char *fields) {
        AUTO(buf) struct buf target = BUF_NULL(8 * KIB);

        must(buf_append_str(&target, "/distribution/") == 0);
        docker_escape(&target, f->name);
        must(buf_append(&target, "/json", sizeof("/json")) == 0);
        docker_begin(f->images->docker, &f->call,
                     &(struct docker_request){ .method = HTTP_GET_,
                                               .target = buf_data(&target),
                                               .fields = fields,
                                               .done = on_peeked });
}

static void on_credentials(struct credentials_wait *wait, const char *token) {
        struct fetch *f = container_of(wait, struct fetch, credentials);
        AUTO(buf) struct buf target = BUF_NULL(8 * KIB);
        AUTO(str) char *repository = image_name_repository(&f->reference);
        AUTO(str) char *digest = f->reference.sha256 ? xasprintf("sha256:%s", f->reference.sha256) : NULL;
        AUTO(str) char *fields = token ? xasprintf("X-Registry-Auth: %s\r\n", token) : NULL;

        if (f->peeks) {
                begin_peek(f, fields);
                return;
        }
        must(buf_append_str(&target, "/images/create?fromImage=") == 0);
        docker_escape(&target, repository);
        must(buf_append_str(&target, "&tag=") == 0);
        docker_escape(&target, digest ?: f->reference.tag ?: "latest");
        must(buf_append_str(&target, "&platform=linux/") == 0);
        docker_escape(&target, engine_architecture(f->architecture));
        must(buf_append(&target, "", 1) == 0);
        pull_deinit(&f->pull);
        pull_init(&f->pull);
        docker_begin(f->images->docker, &f->call,
                     &(struct docker_request){
                             .method = HTTP_POST_,
                             .target = buf_data(&target),
                             .fields = fields,
                             .patience = PULL_SILENCE,
                             .on_stream = on_pull_line,
                             .done = on_pulled,
                     });
}

static void begin_pull(struct fetch *f) {
        if (!f->tries++ && !f->peeks)
                note(f, "image=%s is being pulled", f->name);
        credentials_want(f->images->loop, f->reference.registry ?: "docker.io", &f->credentials,
                         on_credentials);
}

/* ---- asking ---- */

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

static struct fetch *find_fetch(struct images *images, const char *name, const char *id,
                                const char *architecture, bool peeks) {
        struct fetch *f;

        list_each(f, &images->fetches, link)
                if (streq(f->name, name) && same(f->id, id) && streq(f->architecture, architecture) &&
                    f->peeks == peeks)
                        return f;
        return NULL;
}

static struct fetch *fetch_new(struct images *images, const char *name, const char *id,
                               const char *architecture) {
        struct fetch *f = xcalloc(1, sizeof(*f));

        f->images = images;
        f->name = xstrdup(name);
        f->id = id ? xstrdup(id) : NULL;
        f->architecture = xstrdup(architecture);
        list_init(&f->asks);
        list_push_back(&images->fetches, &f->link);
        timer_init(&f->retry, images->loop, on_retry);
        return f;
}

static char *full_name(const struct image_name *name) {
        return name->sha256 ? image_name_pinned(name, name->sha256) : image_name_tagged(name);
}

static void ask_for(struct images *images, const char *name, const char *id, const char *architecture,
                    bool peeks, struct image_ask *ask,
                    void (*fn)(struct image_ask *ask, struct image *image, int r, const char *problem)) {
        AUTO(image_name) struct image_name reference;
        int r = image_name_parse(name, &reference);
        AUTO(str) char *full = r ? xstrdup(name) : full_name(&reference);
        struct fetch *f = find_fetch(images, full, id, architecture, peeks);

        *ask = (struct image_ask){ .fn = fn };
        if (!f) {
                f = fetch_new(images, full, id, architecture);
                f->peeks = peeks;
                f->reference = reference;
                reference = (struct image_name){};
                if (r)
                        fetch_end(f, r, xasprintf("\"%s\" is not the name of an image", name));
                else
                        begin_inspect(f);
        }
        list_push_back(&f->asks, &ask->link);
}

void images_want(struct images *images, const char *name, const char *id, const char *architecture,
                 struct image_ask *ask,
                 void (*fn)(struct image_ask *ask, struct image *image, int r, const char *problem)) {
        ask_for(images, name, id, architecture, false, ask, fn);
}

void images_resolve(struct images *images, const char *name, const char *architecture, struct image_ask *ask,
                    void (*fn)(struct image_ask *ask, struct image *image, int r, const char *problem)) {
        ask_for(images, name, NULL, architecture, images->options.has_distribution, ask, fn);
}

void image_ask_cancel(struct image_ask *ask) {
        list_unlink(&ask->link);
}

struct images *images_new(struct loop *loop, struct docker *docker, const struct images_options *options) {
        struct images *images = xcalloc(1, sizeof(*images));

        images->loop = loop;
        images->docker = docker;
        images->options = *options;
        list_init(&images->fetches);
        return images;
}

void images_free(struct images *images) {
        struct fetch *f;

        if (!images)
                return;
        while ((f = list_first(&images->fetches, struct fetch, link))) {
                struct image_ask *ask;

                while ((ask = list_first(&f->asks, struct image_ask, link)))
                        list_unlink(&ask->link);
                fetch_free(f);
        }
        free(images);
}
