/* SPDX-License-Identifier: Apache-2.0 */
#include "engine/engine_private.h"

#include <fcntl.h>
#include <stdio.h>
#include <sys/file.h>
#include <sys/stat.h>

#include "archive/content.h"
#include "base/log.h"
#include "function/images.h"
#include "http/http.h"
#include "logs/logs.h"
#include "sandbox/broker/broker.h"
#include "sandbox/engine/detect.h"
#include "store/store.h"

#define SPARE_CELLS 4
#define CONTAINERS_MOST 1000 /* as many as an engine serves well */

static const char *keep(struct engine *e, const char *s) {
        if (!s)
                return NULL;
        must(e->string_count < ARRAY_SIZE(e->strings));
        return e->strings[e->string_count++] = xstrdup(s);
}

static void copy_options(struct engine *e, const struct engine_options *o) {
        e->options = *o;
        e->options.data_dir = keep(e, o->data_dir);
        e->options.libexec_dir = keep(e, o->libexec_dir);
        e->options.runtimes_dir = keep(e, o->runtimes_dir);
        e->options.sandbox = keep(e, o->sandbox);
        e->options.region = keep(e, o->region);
        e->options.account = keep(e, o->account);
        e->options.endpoint = keep(e, o->endpoint);
        e->options.pull = keep(e, o->pull);
        e->options.image_mirror = keep(e, o->image_mirror);
        e->options.private_registry =
                keep(e, o->private_registry && *o->private_registry ? o->private_registry : NULL);
        e->options.container_network = keep(e, o->container_network);
        e->options.container_mode = keep(e, o->container_mode);
}

/* One daemon per data dir; the lock goes with the process, whatever ends it. */
static int lock_data_dir(struct engine *e, char **ret_problem) {
        AUTO(str) char *path = xasprintf("%s/lock", e->options.data_dir);
        int r;

        if (mkdir(e->options.data_dir, 0700) < 0 && errno != EEXIST) {
                r = -errno;
                *ret_problem = xasprintf("cannot make the data dir %s: %s; name another with --data-dir",
                                         e->options.data_dir, strerror(-r));
                return r;
        }
        e->lock_fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        if (e->lock_fd < 0) {
                r = -errno;
                *ret_problem = xasprintf("cannot write to the data dir %s: %s; name another with --data-dir",
                                         e->options.data_dir, strerror(-r));
                return r;
        }
        if (flock(e->lock_fd, LOCK_EX | LOCK_NB) < 0) {
                r = errno == EWOULDBLOCK ? -EBUSY : -errno;
                *ret_problem = xasprintf(
                        "another lambent uses the data dir %s; stop it, or name another with --data-dir",
                        e->options.data_dir);
                return r;
        }
        return 0;
}

/* Said aloud: a fork of this process may still have the descriptor. */
static void unlock_data_dir(struct engine *e) {
        if (e->lock_fd >= 0)
                flock(e->lock_fd, LOCK_UN);
        fd_close(e->lock_fd);
}

static int open_stores(struct engine *e, char **ret_problem) {
        AUTO(str) char *database = xasprintf("%s/lambent.db", e->options.data_dir);
        AUTO(str) char *content = xasprintf("%s/content", e->options.data_dir);
        AUTO(str) char *logs = xasprintf("%s/logs", e->options.data_dir);
        AUTO(str) char *helper = xasprintf("%s/lambent-archive", e->options.libexec_dir);
        struct content_options content_options = { .helper = helper };
        struct logs_options logs_options = { .group_bytes_max = e->options.log_bytes_max };
        int r;

        r = store_open(database, &e->store, ret_problem);
        if (r)
                return r;
        r = content_open(e->loop, content, &content_options, &e->content);
        if (r) {
                *ret_problem = xasprintf("cannot open the content store %s: %s", content, strerror(-r));
                return r;
        }
        r = logs_open(e->loop, logs, &logs_options, &e->logs);
        if (r)
                *ret_problem = xasprintf("cannot open the logs in %s: %s", logs, strerror(-r));
        return r;
}

static int begin_sandbox(struct engine *e, char **ret_problem) {
        AUTO(str) char *launcher = xasprintf("%s/lambent-launcher", e->options.libexec_dir);
        AUTO(str) char *state = xasprintf("%s/sandbox", e->options.data_dir);
        struct native_options native = {
                .launcher_path = launcher,
                .best_tier = e->options.sandbox_tier ? (enum native_tier)e->options.sandbox_tier : NATIVE_T1,
                .private_network = e->options.private_network,
                .cpu_share = e->options.cpu_share,
                .limit_memory = true,
                .state_dir = state,
                .hidden_dir = e->options.data_dir,
                .spare_cells = SPARE_CELLS,
        };

        return native_begin(e->loop, &native, &e->native, ret_problem);
}

/* After the launcher, which must not reach it. Functions run natively without it. */
static void begin_broker(struct engine *e) {
        AUTO(str) char *program = xasprintf("%s/lambent-broker", e->options.libexec_dir);
        const struct engine_user *user = e->options.user;
        int r = 0;

        if (user && user->leaves_root(user->owner) && !streq(e->options.sandbox, "native"))
                r = detect_start_broker(e->loop, program, e->options.sandbox, &e->broker);
        if (r)
                log_warn("cannot start %s: %s; a container engine that only root may use will not be found",
                         program, strerror(-r));
}

/* The launcher gets ready while we open the stores. The one of T1 keeps what we give up, the others must not have it. */
static int begin_as_user(struct engine *e, char **ret_problem) {
        AUTO(str) char *state = xasprintf("%s/sandbox", e->options.data_dir);
        const struct engine_user *user = e->options.user;
        bool first = e->options.sandbox_tier <= (int)NATIVE_T1;
        int r = 0;

        if (mkdir(state, 0711) < 0 && errno != EEXIST)
                return -errno;
        if (user)
                r = user->prepare(user->owner, ret_problem);
        if (!r && first)
                r = begin_sandbox(e, ret_problem);
        if (!r)
                begin_broker(e);
        if (!r && user)
                r = user->become(user->owner, ret_problem);
        if (!r && !first)
                r = begin_sandbox(e, ret_problem);
        e->options.user = NULL;
        return r;
}

/* A container of an engine may be a place where nothing of ours can be nested; containers beside it are still to be had. */
static int finish_sandbox(struct engine *e, char **ret_problem) {
        int r = native_finish(e->native, ret_problem);

        if (!r || !e->containers)
                return r;
        log_warn("functions run in containers only: %s", *ret_problem ? *ret_problem : strerror(-r));
        e->native_problem = TAKE(*ret_problem);
        native_free(TAKE(e->native));
        return 0;
}

static void open_pools(struct engine *e) {
        long cores = sysconf(_SC_NPROCESSORS_ONLN);
        struct pools_options options = {
                .environments_max = e->options.environments_max,
                .builders = (size_t)MAX(cores, 1L) + 1,
                .idle_ttl = e->options.idle_ttl,
                .freeze_after = e->options.freeze_after,
        };
        struct pools_ports ports = engine_pools_ports;
        size_t most = e->native ? native_report(e->native)->environments_max : CONTAINERS_MOST;

        if (!options.environments_max || options.environments_max > most)
                options.environments_max = most;
        ports.owner = e;
        e->pools = pools_new(e->loop, &options, &ports);
}

/* ---- containers ---- */

static void on_note(void *owner, const char *text) {
        log_info("%s", text);
}

static void serve_tunnel(void *owner, int fd) {
        struct engine *e = owner;

        if (!e->tunnelled || http_listener_adopt(e->tunnelled, fd))
                log_debug("a function's call of the API is not served");
}

/* What this data dir is called in the labels of containers, for as long as it exists. */
static int read_home(const struct engine *e, char ret_home[static HEX_ID_LEN + 1]) {
        AUTO(str) char *path = xasprintf("%s/home", e->options.data_dir);
        int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
        ssize_t n;

        if (fd < 0)
                return -errno;
        n = read(fd, ret_home, HEX_ID_LEN);
        ret_home[HEX_ID_LEN] = 0;
        if (n != HEX_ID_LEN || strspn(ret_home, "0123456789abcdef") != HEX_ID_LEN) {
                random_hex_id(ret_home);
                n = pwrite(fd, ret_home, HEX_ID_LEN, 0);
        }
        fd_close(fd);
        return n == HEX_ID_LEN ? 0 : -EIO;
}

static enum image_policy policy_of(const char *pull) {
        return pull && streq(pull, "always")  ? IMAGE_ALWAYS
               : pull && streq(pull, "never") ? IMAGE_NEVER
                                              : IMAGE_IF_MISSING;
}

static int open_containers(struct engine *e) {
        AUTO(str) char *state = xasprintf("%s/containers", e->options.data_dir);
        bool had_some = access(state, F_OK) == 0;
        char home[HEX_ID_LEN + 1];
        struct containers_options options = {
                .choice = e->options.sandbox,
                .init_dir = e->options.libexec_dir,
                .state_dir = state,
                .home = home,
                .network = e->options.container_network,
                .broker = e->broker,
                .pull = policy_of(e->options.pull),
                .spares = e->options.container_spares,
                .spare_ttl = e->options.idle_ttl,
                .cpu_share = e->options.cpu_share,
                .writable_root = e->options.container_writable,
                .keep_capabilities = e->options.container_privileges,
                .note = on_note,
                .serve = serve_tunnel,
                .owner = e,
        };
        int r;

        if (streq(e->options.sandbox, "native"))
                return 0;
        r = read_home(e, home);
        if (r)
                return r;
        e->containers = containers_new(e->loop, &options);
        image_source_open(e);
        /* The daemon before us may have left some. */
        if (had_some)
                containers_look(e->containers);
        return 0;
}

/* ---- what the registry asks for ---- */

static void retire(void *owner, struct version *v) {
        struct engine *e = owner;

        pools_retire(e->pools, v);
}

static void forget_code(void *owner, const char *sha256) {
        struct engine *e = owner;

        content_remove(e->content, sha256);
        if (e->images)
                e->images->forget(e->images->owner, sha256);
}

static void provision(void *owner, struct version *v, size_t wanted) {
        struct engine *e = owner;

        pools_provision(e->pools, v, wanted);
}

static bool is_in_use(const char *sha256, void *owner) {
        struct engine *e = owner;

        return registry_uses(e->registry, sha256);
}

char *engine_log_scope(const char *account, const char *region) {
        return xstrcat(account, ".", region, NULL);
}

char *engine_log_group(const char *account, const char *region, const char *group) {
        return xstrcat(account, ".", region, ":", group, NULL);
}

/* Of a group from the time when accounts and regions shared them: where it is used, or where the daemon is. */
static char *scope_of_old(void *owner, const char *group) {
        struct engine *e = owner;
        AUTO(str) char *account = NULL, *region = NULL;

        if (registry_log_home(e->registry, group, &account, &region) < 0 || !account)
                return engine_log_scope(e->options.account, e->options.region);
        return engine_log_scope(account, region);
}

static int open_registry(struct engine *e) {
        AUTO(str) char *logs = xasprintf("%s/logs", e->options.data_dir);
        struct registry_ports ports = {
                .prepare = engine_prepare,
                .retire = retire,
                .forget_code = forget_code,
                .owner = e,
                .provision = provision,
        };
        int r;

        e->registry = registry_new(e->loop, e->store, &ports);
        r = registry_load(e->registry);
        if (!r)
                r = logs_move_to_scopes(logs, scope_of_old, e);
        if (!r)
                content_sweep(e->content, is_in_use, e); /* what a kill left without an owner */
        return r;
}

int engine_open(struct loop *loop, const struct engine_options *options, struct engine **ret_engine,
                char **ret_problem) {
        struct engine *e = xcalloc(1, sizeof(*e));
        int r;

        *ret_problem = NULL;
        e->loop = loop;
        e->lock_fd = -1;
        list_init(&e->preparations);
        list_init(&e->watches);
        list_init(&e->image_questions);
        copy_options(e, options);
        e->interpreters = interpreters_new(loop);
        e->compiled = compiled_new(loop, e->options.runtimes_dir, e->options.data_dir);
        r = lock_data_dir(e, ret_problem);
        if (!r)
                r = begin_as_user(e, ret_problem);
        if (!r)
                r = open_stores(e, ret_problem);
        if (!r)
                r = open_containers(e);
        if (!r)
                r = finish_sandbox(e, ret_problem);
        if (!r) {
                if (e->native && native_report(e->native)->tier != NATIVE_T1)
                        interpreters_only_open(e->interpreters);
                open_pools(e);
                r = open_registry(e);
        }
        if (r) {
                if (!*ret_problem)
                        *ret_problem =
                                xasprintf("cannot open the data dir %s: %s", options->data_dir, strerror(-r));
                engine_close(e);
                return r;
        }
        *ret_engine = e;
        return 0;
}

void engine_drain(struct engine *e, void (*on_drained)(void *owner), void *owner) {
        pools_drain(e->pools, on_drained, owner);
}

/* From the top down: nobody is closed whom somebody still open may call. */
void engine_close(struct engine *e) {
        if (!e)
                return;
        engine_preparations_cancel(e);
        image_source_close(e);
        pools_free(e->pools);
        if (e->registry)
                registry_free(e->registry);
        http_listener_free(e->tunnelled);
        containers_close(e->containers);
        broker_free(e->broker);
        native_free(e->native);
        compiled_free(e->compiled);
        interpreters_free(e->interpreters);
        if (e->logs)
                logs_close(e->logs);
        if (e->content)
                content_close(e->content);
        store_free(e->store);
        unlock_data_dir(e);
        free(e->native_problem);
        for (size_t i = 0; i < e->string_count; ++i)
                free(e->strings[i]);
        free(e);
}

static void on_tunnelled(struct http_exchange *x) {
        struct engine *e = x->listener_owner;

        e->serve(x, e->serve_owner);
}

static const struct http_handler tunnelled_handler = { .on_request = on_tunnelled };

void engine_serve_functions(struct engine *e, void (*serve)(struct http_exchange *x, void *owner),
                            void *owner) {
        e->serve = serve;
        e->serve_owner = owner;
        if (e->containers && !e->tunnelled)
                must(http_listen(e->loop, -1, &tunnelled_handler, &http_limits_api, e, &e->tunnelled) == 0);
}

void engine_set_images(struct engine *e, const struct image_source *source) {
        e->images = source;
}

const struct image_source *engine_images(const struct engine *e) {
        return e->images;
}

const struct engine_options *engine_options(const struct engine *e) {
        return &e->options;
}

struct loop *engine_loop(const struct engine *e) {
        return e->loop;
}

struct registry *engine_registry(const struct engine *e) {
        return e->registry;
}

struct pools *engine_pools(const struct engine *e) {
        return e->pools;
}

struct content_store *engine_content(const struct engine *e) {
        return e->content;
}

struct logs *engine_logs(const struct engine *e) {
        return e->logs;
}

struct store *engine_store(const struct engine *e) {
        return e->store;
}

struct containers *engine_containers(const struct engine *e) {
        return e->containers;
}

struct native *engine_native(const struct engine *e, const char **ret_problem) {
        *ret_problem = e->native_problem;
        return e->native;
}

struct interpreters *engine_interpreters(const struct engine *e) {
        return e->interpreters;
}
