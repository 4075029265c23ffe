/* SPDX-License-Identifier: Apache-2.0 */
/* include/lambent.h on the engine: a loop of its own, values in, events out. */
#include "lambent.h"

#include <ctype.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>

#include "archive/content.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/engine_private.h"

#define ZIP_MAX ((size_t)52428800) /* facts/control-plane.md section 8 */
#define ROLE "arn:aws:iam::000000000000:role/lambent"

struct lambent {
        struct loop *loop;
        struct engine *engine;
        struct list deploys, invocations;
};

/* ---- life ---- */

/* The folder of this library or executable, then PREFIX/…: the layout of a build tree and of an installation. */
static char *find_dir(const char *here, const char *there, const char *probe) {
        char path[PATH_MAX];
        const char *places[] = { here, there };
        char *slash;
        Dl_info info;

        if (!dladdr((void *)lambent_open, &info) || !realpath(info.dli_fname, path) ||
            !(slash = strrchr(path, '/')))
                return NULL;
        *slash = 0;
        for (size_t i = 0; i < ARRAY_SIZE(places); ++i) {
                AUTO(str) char *dir = xasprintf("%s%s", path, places[i]);
                AUTO(str) char *file = xasprintf("%s/%s", dir, probe);

                if (access(file, F_OK) == 0)
                        return TAKE(dir);
        }
        return NULL;
}

int lambent_open(const struct lambent_options *o, struct lambent **ret_lambent, char **ret_problem) {
        AUTO(str) char *libexec = o->libexec_dir ? xstrdup(o->libexec_dir)
                                                 : find_dir("", "/../libexec/lambent", "lambent-launcher");
        AUTO(str) char *runtimes = o->runtimes_dir
                                           ? xstrdup(o->runtimes_dir)
                                           : find_dir("/runtimes", "/../share/lambent/runtimes", "python");
        struct engine_options options = {
                .data_dir = o->data_dir,
                .libexec_dir = libexec,
                .runtimes_dir = runtimes,
                .sandbox = "auto",
                .region = o->region ? o->region : "us-east-1",
                .account = o->account ? o->account : "000000000000",
                .idle_ttl = (o->idle_ttl_s ? o->idle_ttl_s : 300) * SECOND,
                .freeze_after = (o->freeze_after_ms ? o->freeze_after_ms : 50) * MILLISECOND,
                .environments_max = o->environments_max,
                .strict_runtimes = o->strict_runtimes,
                .log_bytes_max = 64 * MIB,
                .endpoint = "",
        };
        struct lambent *l;
        int r;

        *ret_problem = NULL;
        if (o->size != sizeof(*o) || !o->data_dir)
                return -EINVAL;
        if (!libexec || !runtimes) {
                *ret_problem = xstrdup(
                        "lambent-launcher or the runtime clients were not found; name libexec_dir and "
                        "runtimes_dir");
                return -ENOENT;
        }
        log_silence();
        l = xcalloc(1, sizeof(*l));
        list_init(&l->deploys);
        list_init(&l->invocations);
        r = loop_new(&l->loop);
        if (!r)
                r = engine_open(l->loop, &options, &l->engine, ret_problem);
        if (r) {
                lambent_close(l);
                return r;
        }
        *ret_lambent = l;
        return 0;
}

int lambent_fd(const struct lambent *l) {
        return loop_fd(l->loop);
}

int lambent_timeout_ms(const struct lambent *l) {
        nsec_t due = loop_next_due(l->loop), now = loop_clock(l->loop);

        if (due == NSEC_NEVER)
                return -1;
        return due <= now ? 0 : (int)MIN((due - now + MILLISECOND - 1) / MILLISECOND, (nsec_t)INT_MAX);
}

int lambent_turn(struct lambent *l) {
        return loop_turn(l->loop, 0);
}

/* ---- deploying ---- */

struct deploy {
        struct lambent *lambent;
        struct list link;
        struct content_upload *upload;
        struct version_config config;
        struct prepared_watch watch;
        char *name;
        lambent_deployed_fn deployed;
        void *ctx;
};

static void deploy_free(struct deploy *d) {
        list_unlink(&d->link);
        content_upload_abort(d->upload);
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

static void deploy_prepared(struct prepared_watch *watch, const char *reason) {
        struct deploy *d = container_of(watch, struct deploy, watch);

        deploy_end(d, reason ? -EBADMSG : 0, reason ? reason : "");
}

/* The zip is in the store: make the function, then wait until its code is unpacked. */
static void deploy_uploaded(void *owner, int r, const struct content_blob *blob) {
        struct deploy *d = owner;
        struct engine *e = d->lambent->engine;
        struct registry *registry = engine_registry(e);
        const struct engine_options *o = engine_options(e);
        struct function *f = registry_find(registry, o->account, o->region, d->name);
        struct version *v = NULL;

        d->upload = NULL;
        if (r) {
                deploy_end(d, r, "the package could not be stored");
                return;
        }
        memcpy(d->config.code_sha256, blob->hex, sizeof(d->config.code_sha256));
        d->config.code_size = blob->size;
        if (f)
                r = registry_update(registry, f, &d->config, false, &v);
        else
                r = registry_create(registry, o->account, o->region, d->name, &d->config, NULL, false, &v);
        if (r == REGISTRY_BUSY)
                deploy_end(d, -EBUSY, "an update of this function is in progress");
        else if (r)
                deploy_end(d, r < 0 ? r : -EEXIST, "the function could not be recorded");
        else
                engine_watch(e, &d->watch, v, deploy_prepared);
}

static const struct content_upload_events deploy_upload_events = { .done = deploy_uploaded };

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
                .runtime = xstrdup(f->runtime),
                .handler = xstrdup(f->handler ? f->handler : "bootstrap"),
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
                .package_type = xstrdup("Zip"),
                .tracing_mode = xstrdup("PassThrough"),
                .snap_start_apply_on = xstrdup("None"),
                .log_format = xstrdup("Text"),
        };
        for (size_t i = 0; i < f->variable_count; ++i)
                c->vars[i] =
                        (struct name_value){ xstrdup(f->variables[i].name), xstrdup(f->variables[i].value) };
}

int lambent_deploy(struct lambent *l, const struct lambent_function *f, lambent_deployed_fn deployed,
                   void *ctx) {
        struct deploy *d;
        int r;

        if (f->size != sizeof(*f) || !is_function_name(f->name) || !f->runtime || !f->zip ||
            (f->timeout_s && !in_range(f->timeout_s, 1, 900)) ||
            (f->memory_mb && !in_range(f->memory_mb, 128, 10240)) ||
            (f->tmp_mb && !in_range(f->tmp_mb, 512, 10240)))
                return -EINVAL;
        if (f->zip_len > ZIP_MAX)
                return -E2BIG;
        d = xcalloc(1, sizeof(*d));
        d->lambent = l;
        d->name = xstrdup(f->name);
        d->deployed = deployed;
        d->ctx = ctx;
        fill_config(&d->config, f);
        list_push_back(&l->deploys, &d->link);
        d->upload = content_upload_new(engine_content(l->engine), ZIP_MAX, &deploy_upload_events, d);
        r = content_upload_write(d->upload, f->zip, f->zip_len);
        if (r) {
                deploy_free(d);
                return r;
        }
        content_upload_finish(d->upload);
        return 0;
}

int lambent_remove(struct lambent *l, const char *name) {
        const struct engine_options *o = engine_options(l->engine);
        struct function *f = registry_find(engine_registry(l->engine), o->account, o->region, name);

        return f ? registry_delete(engine_registry(l->engine), f) : -ENOENT;
}

/* ---- invoking ---- */

/* Refusals and answers may come inside invocation_start; the caller hears of them from a later turn. */
struct lambent_invocation {
        struct lambent *lambent;
        struct list link;
        struct invocation *invocation;
        struct version *version;
        struct defer start;
        struct buf payload;
        const struct lambent_events *events;
        void *ctx;
        unsigned flags;
};

static void invocation_forget(struct lambent_invocation *i) {
        list_unlink(&i->link);
        defer_cancel(&i->start);
        if (i->invocation)
                invocation_abandon(i->invocation);
        version_unref(i->version);
        buf_deinit(&i->payload);
        free(i);
}

static void tell(struct lambent_invocation *i, const struct lambent_answer *answer) {
        const struct lambent_events *events = i->events;
        void *ctx = i->ctx;

        i->invocation = NULL;
        invocation_forget(i);
        events->answered(ctx, answer);
}

static void on_refused(void *owner, enum refusal why, const char *detail) {
        static const char *const words[] = {
                [REFUSED_THROTTLED] = "throttled",
                [REFUSED_RESERVED] = "throttled",
                [REFUSED_PENDING] = "pending",
                [REFUSED_FAILED] = "failed",
                [REFUSED_SHUTDOWN] = "stopping",
        };

        tell(owner, &(struct lambent_answer){ .refused = words[why], .payload = "", .log_tail = "" });
}

static void on_head(void *owner, const char *content_type) {
}

static void on_chunk(void *owner, const char *data, size_t len) {
        struct lambent_invocation *i = owner;

        i->events->chunk(i->ctx, data, len);
}

static void on_answered(void *owner, struct invocation_answer *answer,
                        const struct invocation_report *report) {
        AUTO(buf) struct buf payload = *answer->payload;

        *answer->payload = BUF_NULL(payload.cap);
        tell(owner, &(struct lambent_answer){
                            .function_error = answer->is_error,
                            .payload = payload.len ? buf_data(&payload) : "",
                            .payload_len = payload.len,
                            .log_tail = report && report->log_tail_len ? report->log_tail : "",
                            .log_tail_len = report ? report->log_tail_len : 0,
                    });
}

static const struct invocation_events library_events = {
        .refused = on_refused,
        .head = on_head,
        .chunk = on_chunk,
        .answered = on_answered,
};

static void start_invocation(struct defer *defer) {
        struct lambent_invocation *i = container_of(defer, struct lambent_invocation, start);
        char request_id[UUID_LEN + 1];
        struct invocation_request request = {
                .version = i->version,
                .request_id = request_id,
                .payload_consume = &i->payload,
                .stream = i->flags & LAMBENT_STREAM,
                .want_tail = i->flags & LAMBENT_TAIL,
        };
        struct invocation *started;

        random_uuid(request_id);
        started = invocation_start(engine_pools(i->lambent->engine), &request, &library_events, i);
        if (started)
                i->invocation = started; /* otherwise it was refused and i is gone */
}

int lambent_invoke(struct lambent *l, const char *name, const void *payload, size_t len, unsigned flags,
                   const struct lambent_events *events, void *ctx,
                   struct lambent_invocation **ret_invocation) {
        const struct engine_options *o = engine_options(l->engine);
        struct version *v = registry_resolve(engine_registry(l->engine), o->account, o->region, name, NULL);
        struct lambent_invocation *i;

        if (!v)
                return -ENOENT;
        if (len > PAYLOAD_MAX)
                return -E2BIG;
        if (len && json_validate(payload, len, NULL))
                return -EINVAL;
        i = xcalloc(1, sizeof(*i));
        i->lambent = l;
        i->version = version_ref(v);
        i->payload = BUF_NULL(PAYLOAD_MAX);
        i->events = events;
        i->ctx = ctx;
        i->flags = flags;
        list_push_back(&l->invocations, &i->link);
        if (buf_append(&i->payload, payload, len)) {
                invocation_forget(i);
                return -ENOMEM;
        }
        defer_call(l->loop, &i->start, start_invocation);
        if (ret_invocation)
                *ret_invocation = i;
        return 0;
}

void lambent_credit(struct lambent_invocation *i, size_t len) {
        if (i->invocation)
                invocation_credit(i->invocation, len);
}

void lambent_abandon(struct lambent_invocation *i) {
        invocation_forget(i);
}

/* ---- environments ---- */

struct each_context {
        void (*each)(void *ctx, const struct lambent_environment *e);
        void *ctx;
};

static void show_member(void *ctx, const struct member_view *view) {
        struct each_context *each = ctx;

        each->each(each->ctx, &(struct lambent_environment){
                                      .id = view->id,
                                      .function = view->version->name,
                                      .version = view->version->number,
                                      .state = member_state_name(view->state),
                                      .age_s = (double)view->age / 1e9,
                                      .idle_s = (double)view->idle / 1e9,
                                      .invocations = view->invocations,
                                      .pid = view->stats.pid,
                                      .memory_bytes = view->stats.memory,
                              });
}

void lambent_environments(struct lambent *l, void (*each)(void *ctx, const struct lambent_environment *e),
                          void *ctx) {
        struct each_context context = { each, ctx };

        pools_each(engine_pools(l->engine), true, show_member, &context);
}

size_t lambent_evict(struct lambent *l, const char *name, bool now) {
        return pools_evict(engine_pools(l->engine), NULL, NULL, name, NULL, now);
}

void lambent_close(struct lambent *l) {
        struct lambent_invocation *i;
        struct deploy *d;

        if (!l)
                return;
        list_each(i, &l->invocations, link)
                invocation_forget(i);
        list_each(d, &l->deploys, link)
                deploy_free(d);
        engine_close(l->engine);
        loop_free(l->loop);
        free(l);
}
