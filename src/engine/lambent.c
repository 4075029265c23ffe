/* SPDX-License-Identifier: Apache-2.0 */
/* include/lambent.h on the engine: a loop of its own, values in, events out. */
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/json.h"
#include "base/log.h"
#include "engine/lambent_private.h"
#include "function/placement.h"

#define CONTAINER_SPARES 4
#define LEAVE_PATIENCE (4 * SECOND) /* SHUTDOWN's own two seconds, and the way there and back */

/* ---- life ---- */

int lambent_take(void *ret_ours, size_t ours, const void *theirs, size_t theirs_size, size_t least) {
        if (theirs_size < least || theirs_size > ours)
                return -EINVAL;
        memset(ret_ours, 0, ours);
        memcpy(ret_ours, theirs, theirs_size);
        return 0;
}

/* The folder of this library or executable, then PREFIX/… from PREFIX/lib or bin, and from Debian's PREFIX/lib/TRIPLET: the layout of
 * a build tree and of an installation. */
static char *find_dir(const char *here, const char *there, const char *probe) {
        AUTO(str) char *deeper = xasprintf("/..%s", there);
        char path[PATH_MAX];
        const char *places[] = { here, there, deeper };
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

static bool is_one_of(const char *word, const char *const *words) {
        for (; word && *words; ++words)
                if (streq(word, *words))
                        return true;
        return !word;
}

static bool are_options(const struct lambent_options *o) {
        static const char *const sandboxes[] = { "auto", "native", "docker", "podman", NULL };
        static const char *const pulls[] = { "missing", "always", "never", NULL };

        return o->data_dir && is_one_of(o->sandbox, sandboxes) && is_one_of(o->image_pull, pulls);
}

/* Whole: the engine of containers does not know where we were started. */
static int make_data_dir(const char *path, char **ret_path, char **ret_problem) {
        if (mkdir(path, 0700) == 0 || errno == EEXIST)
                *ret_path = realpath(path, NULL);
        if (*ret_path)
                return 0;
        *ret_problem = xasprintf("cannot make the data dir %s: %s", path, strerror(errno));
        return -errno;
}

static int open_engine(struct lambent *l, const struct lambent_options *o, char **ret_problem) {
        AUTO(str) char *data_dir = NULL;
        AUTO(str) char *libexec = o->libexec_dir ? xstrdup(o->libexec_dir)
                                                 : find_dir("", "/../libexec/lambent", "lambent-launcher");
        AUTO(str) char *runtimes = o->runtimes_dir
                                           ? xstrdup(o->runtimes_dir)
                                           : find_dir("/runtimes", "/../share/lambent/runtimes", "python");
        struct engine_options options = {
                .libexec_dir = libexec,
                .runtimes_dir = runtimes,
                .sandbox = o->sandbox ? o->sandbox : "auto",
                .region = o->region ? o->region : "us-east-1",
                .account = o->account ? o->account : "000000000000",
                .idle_ttl = (o->idle_ttl_s ? o->idle_ttl_s : 300) * SECOND,
                .freeze_after = (o->freeze_after_ms ? o->freeze_after_ms : 50) * MILLISECOND,
                .environments_max = o->environments_max,
                .strict_runtimes = o->strict_runtimes,
                .pull = o->image_pull,
                .image_mirror = o->image_mirror,
                .private_registry = o->private_registry,
                .container_network = o->container_network,
                .container_spares = o->container_spares < 0 ? 0
                                    : o->container_spares   ? (size_t)o->container_spares
                                                            : CONTAINER_SPARES,
                .log_bytes_max = 64 * MIB,
                .endpoint = "",
        };
        int r;

        if (!libexec || !runtimes) {
                *ret_problem = xstrdup(
                        "lambent-launcher or the runtime clients were not found; name libexec_dir and "
                        "runtimes_dir");
                return -ENOENT;
        }
        r = make_data_dir(o->data_dir, &data_dir, ret_problem);
        options.data_dir = data_dir;
        return r ?: engine_open(l->loop, &options, &l->engine, ret_problem);
}

int lambent_open(const struct lambent_options *options, struct lambent **ret_lambent, char **ret_problem) {
        struct lambent_options o;
        struct lambent *l;
        int r;

        *ret_problem = NULL;
        r = lambent_take(&o, sizeof(o), options, options->size, offsetof(struct lambent_options, sandbox));
        if (r || !are_options(&o))
                return -EINVAL;
        log_silence();
        l = xcalloc(1, sizeof(*l));
        list_init(&l->deploys);
        list_init(&l->invocations);
        r = loop_new(&l->loop);
        if (!r)
                r = open_engine(l, &o, ret_problem);
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
        static const struct {
                enum lambent_error error;
                const char *word, *sentence;
        } kinds[] = {
                [REFUSED_THROTTLED] = { LAMBENT_THROTTLED, "throttled",
                                        "every environment is busy, and no more may start" },
                [REFUSED_RESERVED] = { LAMBENT_THROTTLED, "throttled",
                                       "as many invocations as are reserved for the function are under way" },
                [REFUSED_PENDING] = { LAMBENT_PENDING, "pending", "the function is still being prepared" },
                [REFUSED_FAILED] = { LAMBENT_INTERNAL, "failed", "the function could not be prepared" },
                [REFUSED_SHUTDOWN] = { LAMBENT_STOPPING, "stopping", "lambent is stopping" },
        };
        struct lambent_invocation *i = owner;
        const struct version_status *status = &i->version->status;
        AUTO(str) char *problem = xstrdup(
                why == REFUSED_FAILED && status->state_reason ? status->state_reason : kinds[why].sentence);
        enum lambent_error error = why == REFUSED_FAILED ? lambent_error_of_state(i->lambent, i->version,
                                                                                  status->state_reason_code)
                                                         : kinds[why].error;

        tell(i, &(struct lambent_answer){ .refused = kinds[why].word,
                                          .payload = "",
                                          .log_tail = "",
                                          .error = error,
                                          .problem = problem });
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
        struct lambent_invocation *i = owner;
        enum lambent_error error = lambent_error_of_answer(i->lambent, i->version, answer);

        *answer->payload = BUF_NULL(payload.cap);
        tell(i, &(struct lambent_answer){
                        .function_error = answer->is_error,
                        .payload = payload.len ? buf_data(&payload) : "",
                        .payload_len = payload.len,
                        .log_tail = report && report->log_tail_len ? report->log_tail : "",
                        .log_tail_len = report ? report->log_tail_len : 0,
                        .error = error,
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
        const struct containers *containers; /* NULL: none */
        void (*each)(void *ctx, const struct lambent_environment *e);
        void *ctx;
};

static void show_member(void *ctx, const struct member_view *view) {
        struct each_context *each = ctx;
        const struct placement *placement = view->version->placement;
        AUTO(str) char *container = each->containers ? containers_find(each->containers, view->id) : NULL;

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
                                      .sandbox = placement ? placement->sandbox : "native",
                                      .container = container,
                                      .runtime = view->version->config.runtime,
                              });
}

void lambent_environments(struct lambent *l, void (*each)(void *ctx, const struct lambent_environment *e),
                          void *ctx) {
        struct each_context context = { l->engine->containers, each, ctx };

        pools_each(engine_pools(l->engine), true, show_member, &context);
}

size_t lambent_evict(struct lambent *l, const char *name, bool now) {
        return pools_evict(engine_pools(l->engine), NULL, NULL, name, NULL, now);
}

static void on_stopped(void *owner) {
        struct lambent *l = owner;

        l->stopped(l->stopped_ctx);
}

size_t lambent_stop_all(struct lambent *l, bool now, void (*stopped)(void *ctx), void *ctx) {
        size_t count = pools_evict(engine_pools(l->engine), NULL, NULL, NULL, NULL, now);

        l->stopped = stopped;
        l->stopped_ctx = ctx;
        engine_drain(l->engine, on_stopped, l);
        return count;
}

static void on_left(void *owner) {
        loop_quit(((struct lambent *)owner)->loop);
}

static void on_leave_limit(struct timer *timer) {
        loop_quit(timer->loop);
}

/* As at the end of a daemon: who has extensions is told. Nobody turns the loop any more but we. */
static void take_leave(struct lambent *l) {
        struct timer limit;

        pools_evict(engine_pools(l->engine), NULL, NULL, NULL, NULL, true);
        engine_drain(l->engine, on_left, l);
        timer_init(&limit, l->loop, on_leave_limit);
        timer_arm(&limit, loop_clock(l->loop) + LEAVE_PATIENCE);
        loop_run(l->loop);
        timer_disarm(&limit);
}

void lambent_close(struct lambent *l) {
        struct lambent_invocation *i;

        if (!l)
                return;
        list_each(i, &l->invocations, link)
                invocation_forget(i);
        lambent_deploys_cancel(l);
        if (l->engine)
                take_leave(l);
        engine_close(l->engine);
        loop_free(l->loop);
        free(l);
}
