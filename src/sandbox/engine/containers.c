/* SPDX-License-Identifier: Apache-2.0 */
/* The engine as the daemon keeps it: finding it, following it, finding out what it shares with us, letting go of it. */
#include "sandbox/engine/containers_private.h"

#include <dirent.h>
#include <fcntl.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/stat.h>
#include <sys/utsname.h>

#include "sandbox/broker/broker.h"
#include "sandbox/engine/command_line.h"
#include "sandbox/engine/lease.h"
#include "sandbox/engine/shape.h"

#define CLOSE_PATIENCE (10 * SECOND)
#define TAGS_FILE "tags"

void containers_note(struct containers *c, const char *format, ...) {
        AUTO(str) char *text = NULL;
        va_list args;

        if (!c->options.note)
                return;
        va_start(args, format);
        must(vasprintf(&text, format, args) >= 0);
        va_end(args);
        c->options.note(c->options.owner, text);
}

char *containers_init_path(const struct containers *c, const struct image *image) {
        struct utsname host;
        const char *own = uname(&host) == 0 && streq(host.machine, "aarch64") ? "arm64" : "x86_64";

        if (streq(image->architecture, own))
                return xasprintf("%s/lambent-init", c->options.init_dir);
        return xasprintf("%s/lambent-init-%s", c->options.init_dir, image->architecture);
}

bool containers_init_is_impossible(const struct containers *c, const struct image *image) {
        AUTO(str) char *path = containers_init_path(c, image);

        return image->refuses_init || access(path, X_OK) < 0;
}

/* ---- finding the engine ---- */

static void tell_waiting(struct defer *defer) {
        struct containers *c = container_of(defer, struct containers, tell);
        struct list waits;
        struct containers_wait *wait;

        list_init(&waits);
        while ((wait = list_first(&c->waits, struct containers_wait, link))) {
                list_unlink(&wait->link);
                list_push_back(&waits, &wait->link);
        }
        while ((wait = list_first(&waits, struct containers_wait, link))) {
                list_unlink(&wait->link);
                wait->fn(wait, c->found ? &c->engine : NULL, c->found ? NULL : c->problem);
        }
}

static void on_engine_event(struct engine_events *events, const struct engine_event *event) {
        struct containers *c = container_of(events, struct containers, events);
        struct container *container;

        if (event->kind == ENGINE_EVENT_CREATED) {
                /* Asked for by a daemon of this data dir that was killed before the engine came to it. */
                if (*event->instance && !streq(event->instance, c->instance))
                        removal_add(c, event->id);
                return;
        }
        list_each(container, &c->live, link)
                if (container->id && streq(container->id, event->id)) {
                        container_on_event(container, event->kind, event->exit_code);
                        return;
                }
}

static void on_events_open(struct engine_events *events) {
        census_begin(container_of(events, struct containers, events));
}

static void follow(struct containers *c) {
        AUTO(str) char *label = xasprintf("%shome=%s", LABEL, c->options.home);

        c->events.on_event = on_engine_event;
        c->events.on_open = on_events_open;
        engine_events_follow(&c->events, c->loop, c->docker, label);
}

static void open_tags(struct containers *c) {
        AUTO(str) char *path = xasprintf("%s/" TAGS_FILE, c->options.state_dir);

        c->tags = tags_new(&(struct tags_options){ .loop = c->loop,
                                                   .docker = c->docker,
                                                   .path = path,
                                                   .note = c->options.note,
                                                   .owner = c->options.owner });
}

void containers_tag(struct containers *c, const char *name, const struct image *image, const char *sha256) {
        if (c->tags)
                tags_add(c->tags, name, image->id, sha256);
}

void containers_untag(struct containers *c, const char *sha256) {
        if (c->tags)
                tags_forget(c->tags, sha256);
}

static void engine_is_known(struct containers *c) {
        c->found = true;
        follow(c);
        open_tags(c);
        defer_call(c->loop, &c->tell, tell_waiting);
}

static void ask_gateway(struct containers *c);

/* The first network of the container that we are in ourselves. */
static void on_own_container(struct docker_call *call, int r) {
        struct containers *c = container_of(call, struct containers, gateway_call);
        json_t *own = r ? NULL : docker_answer(call);
        json_t *networks = json_tree_get(json_tree_get(own, "NetworkSettings"), "Networks");
        const char *name = json_object_iter_key(json_object_iter(networks));

        /* Its default one all get anyway, and only in one of the user's own do containers know each other by name. */
        if (name && !streq(name, "bridge") && !streq(name, "podman") && !streq(name, "none")) {
                c->options.network = xstrdup(name);
                containers_note(c, "engine=%s network=%s because lambent is in a container there",
                                c->engine.kind, name);
        }
        json_decref(own);
        ask_gateway(c);
}

/* A container's hostname is its id unless somebody has chosen another. */
static void ask_own_network(struct containers *c) {
        char name[HOST_NAME_MAX + 1] = "";
        AUTO(buf) struct buf target = BUF_NULL(KIB);
        bool contained = access("/.dockerenv", F_OK) == 0 || access("/run/.containerenv", F_OK) == 0;

        if (c->options.network || !contained || gethostname(name, sizeof(name) - 1) < 0 || !*name) {
                ask_gateway(c);
                return;
        }
        must(buf_append_str(&target, "/containers/") == 0);
        docker_escape(&target, name);
        must(buf_append(&target, "/json", sizeof("/json")) == 0);
        docker_begin(c->docker, &c->gateway_call,
                     &(struct docker_request){
                             .method = HTTP_GET_, .target = buf_data(&target), .done = on_own_container });
}

static const char *gateway_of(const json_t *network) {
        const json_t *config;
        size_t i;

        json_array_foreach(json_tree_get(json_tree_get(network, "IPAM"), "Config"), i, config) {
                const char *gateway = json_tree_str(config, "Gateway");

                if (gateway && strchr(gateway, '.'))
                        return gateway;
        }
        return NULL;
}

/* Of a plain Linux bridge the gateway is this machine; where the engine lives in a machine of its own it knows better. */
static void on_network(struct docker_call *call, int r) {
        struct containers *c = container_of(call, struct containers, gateway_call);
        json_t *network = r ? NULL : docker_answer(call);
        const char *gateway = gateway_of(network);

        if (gateway && c->same_kernel)
                c->gateway = xstrdup(gateway);
        else if (streq(c->engine.kind, "docker"))
                c->gateway = xstrdup("host-gateway");
        json_decref(network);
        engine_is_known(c);
}

static void ask_gateway(struct containers *c) {
        AUTO(buf) struct buf target = BUF_NULL(4 * KIB);
        const char *network = c->options.network ?: streq(c->engine.kind, "podman") ? "podman" : "bridge";

        must(buf_append_str(&target, "/networks/") == 0);
        docker_escape(&target, network);
        must(buf_append(&target, "", 1) == 0);
        docker_begin(c->docker, &c->gateway_call,
                     &(struct docker_request){
                             .method = HTTP_GET_, .target = buf_data(&target), .done = on_network });
}

static void on_detected(struct detect *detect, const struct engine_facts *facts, const char *problem) {
        struct containers *c = container_of(detect, struct containers, detect);
        /* Docker's command has no way to look without pulling that it promises to keep. */
        struct images_options images = { .policy = c->options.pull,
                                         .has_distribution = facts && streq(facts->kind, "docker") &&
                                                             !command_line_is(facts->endpoint.address),
                                         .note = c->options.note,
                                         .owner = c->options.owner };
        struct utsname host;

        free(TAKE(c->problem));
        if (!facts) {
                c->problem = xstrdup(problem);
                defer_call(c->loop, &c->tell, tell_waiting);
                return;
        }
        c->engine = (struct containers_engine){
                .kind = facts->kind,
                .address = facts->endpoint.address,
                .found_by = facts->endpoint.found_by,
                .version = facts->version,
                .architecture = facts->architecture,
        };
        mkdir(c->options.state_dir, 0711);
        c->same_kernel = uname(&host) == 0 && streq(host.release, facts->kernel);
        c->by_broker = facts->endpoint.by_broker;
        c->docker = docker_new(c->loop, facts->endpoint.address, &facts->endpoint.tls,
                               c->by_broker ? c->options.broker : NULL);
        c->images = images_new(c->loop, c->docker, &images);
        containers_note(c, "engine=%s version=%s address=%s found=\"%s\"", facts->kind, facts->version,
                        facts->endpoint.address, facts->endpoint.found_by);
        ask_own_network(c);
}

void containers_look(struct containers *c) {
        if (!detect_is_under_way(&c->detect) && !c->docker)
                detect_begin(&c->detect, c->loop, c->options.choice, c->options.state_dir, c->options.broker,
                             on_detected);
}

void containers_want(struct containers *c, struct containers_wait *wait,
                     void (*fn)(struct containers_wait *wait, const struct containers_engine *engine,
                                const char *problem)) {
        *wait = (struct containers_wait){ .fn = fn };
        list_push_back(&c->waits, &wait->link);
        if (c->found)
                defer_call(c->loop, &c->tell, tell_waiting);
        else
                containers_look(c);
}

void containers_wait_cancel(struct containers_wait *wait) {
        list_unlink(&wait->link);
}

const struct containers_engine *containers_engine(const struct containers *c, const char **ret_problem) {
        if (ret_problem)
                *ret_problem = c->found && c->by_broker ? broker_problem(c->options.broker) : c->problem;
        return c->found ? &c->engine : NULL;
}

struct images *containers_images(struct containers *c) {
        return c->images;
}

/* ---- what it shares with us ---- */

/*
 * A file that has just been made under a name that nobody can guess: an engine that finds it below a folder bound into a
 * container sees our file system. Sockets work only where both are one kernel, too: a virtual machine that shares folders
 * shows the file as well. The container is never started.
 */
const char *containers_shares(const struct containers *c) {
        static const char *const names[] = {
                [SHARING_UNKNOWN] = "",
                [SHARING_ASKED] = "",
                [SHARING_NOTHING] = "nothing",
                [SHARING_FILES] = "files",
                [SHARING_SOCKETS] = "files and sockets",
        };

        return names[c->sharing];
}

/* problem: why it could not be found out; NULL: it is so. */
static void sharing_is_known(struct containers *c, enum sharing sharing, const char *problem) {
        struct container *container;

        c->sharing = sharing;
        if (c->trial_id)
                removal_add(c, c->trial_id);
        free(TAKE(c->trial_id));
        unlink(c->trial_file);
        free(TAKE(c->trial_file));
        containers_note(c, "engine=%s shares=\"%s\"%s%s", c->engine.kind, containers_shares(c),
                        problem ? ", as far as can be said: " : "", problem ?: "");
        while ((container = list_first(&c->sharing_waits, struct container, wait_link))) {
                list_unlink(&container->wait_link);
                container_on_sharing(container, sharing);
        }
}

static void on_looked(struct docker_call *call, int r) {
        struct containers *c = container_of(call, struct containers, trial_call);

        sharing_is_known(c,
                         r                ? SHARING_NOTHING
                         : c->same_kernel ? SHARING_SOCKETS
                                          : SHARING_FILES,
                         r && r != -ENOENT ? call->problem : NULL);
        if (r && r != -ENOENT)
                c->sharing = SHARING_UNKNOWN;
}

static size_t top_folder(const char *path) {
        return 1 + strcspn(path + 1, "/");
}

static void on_trial_made(struct docker_call *call, int r) {
        struct containers *c = container_of(call, struct containers, trial_call);
        AUTO(buf) struct buf target = BUF_NULL(16 * KIB);
        json_t *made = r ? NULL : docker_answer(call);
        const char *id = json_tree_str(made, "Id");

        c->trial_id = id ? xstrdup(id) : !call->status ? TAKE(c->trial_name) : NULL;
        if (!id) {
                json_decref(made);
                sharing_is_known(c, SHARING_NOTHING, call->problem);
                /* What is wrong has nothing to do with files: the next one asks again. */
                if (r != -EINVAL)
                        c->sharing = SHARING_UNKNOWN;
                return;
        }
        json_decref(made);
        must(buf_printf(&target, "/containers/%s/archive?path=" SHAPE_INIT, c->trial_id) == 0);
        docker_escape(&target, c->trial_file + top_folder(c->trial_file));
        must(buf_append(&target, "", 1) == 0);
        docker_begin(c->docker, &c->trial_call,
                     &(struct docker_request){
                             .method = HTTP_HEAD_, .target = buf_data(&target), .done = on_looked });
}

static int make_trial_file(struct containers *c) {
        char name[HEX_ID_LEN + 1];
        int fd;

        random_hex_id(name);
        c->trial_file = xasprintf("%s/trial-%s", c->options.state_dir, name);
        fd = open(c->trial_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644);
        if (fd < 0)
                return -errno;
        fd_close(fd);
        return 0;
}

/* Of the whole path only the first folder is bound: some engines make what is missing. */
static void begin_trial(struct containers *c, const struct image *image) {
        const char *unique = strrchr(c->trial_file, '-') + 1;
        AUTO(str) char *target = xasprintf("/containers/create?name=lambent-trial-%s", unique);
        AUTO(str) char *top = xstrndup(c->trial_file, top_folder(c->trial_file));
        const struct shape_label labels[] = {
                { LABEL "instance", c->instance },
                { LABEL "home", c->options.home },
                { LABEL "lease", c->lease },
                { LABEL "purpose", "trial" },
        };
        struct shape shape = {
                .image = image->id,
                .labels = labels,
                .label_count = ARRAY_SIZE(labels),
                .memory_mb = 128,
                .network = "none",
                .init_path = top,
        };
        AUTO(buf) struct buf json = BUF_NULL(64 * KIB);

        must(shape_write(&shape, &json) == 0 && buf_append(&json, "", 1) == 0);
        free(c->trial_name);
        c->trial_name = xasprintf("lambent-trial-%s", unique);
        docker_begin(c->docker, &c->trial_call,
                     &(struct docker_request){
                             .method = HTTP_POST_,
                             .target = target,
                             .json = buf_data(&json),
                             .done = on_trial_made,
                     });
}

void containers_learn(struct containers *c, const struct image *image) {
        if (c->sharing != SHARING_UNKNOWN)
                return;
        c->sharing = SHARING_ASKED;
        if (make_trial_file(c) == 0)
                begin_trial(c, image);
        else
                sharing_is_known(c, SHARING_NOTHING, NULL);
}

bool containers_know_sharing(struct containers *c, struct container *container) {
        containers_learn(c, container->kind.image);
        if (c->sharing > SHARING_ASKED)
                return true;
        list_push_back(&c->sharing_waits, &container->wait_link);
        return false;
}

/* ---- life ---- */

/* Doors and trials of a daemon that was killed: whoever opens the state dir has it alone. What is written down in it stays. */
static void sweep(const char *state_dir) {
        DIR *folder = opendir(state_dir);
        struct dirent *entry;

        while (folder && (entry = readdir(folder))) {
                AUTO(str) char *path = xasprintf("%s/%s", state_dir, entry->d_name);
                AUTO(str) char *link = xasprintf("%s/link", path);

                if (*entry->d_name == '.' || streq(entry->d_name, TAGS_FILE))
                        continue;
                if (unlink(path) < 0) {
                        unlink(link);
                        rmdir(path);
                }
        }
        if (folder)
                closedir(folder);
}

static char *absolute(const char *path) {
        AUTO(str) char *here = *path == '/' ? NULL : realpath(".", NULL);

        return here ? xasprintf("%s/%s", here, path) : xstrdup(path);
}

struct containers *containers_new(struct loop *loop, const struct containers_options *options) {
        struct containers *c = xcalloc(1, sizeof(*c));

        c->loop = loop;
        c->options = *options;
        c->options.choice = xstrdup(options->choice);
        c->options.init_dir = realpath(options->init_dir, NULL) ?: xstrdup(options->init_dir);
        c->options.state_dir = absolute(options->state_dir);
        c->options.home = xstrdup(options->home);
        c->options.network = options->network && *options->network ? xstrdup(options->network) : NULL;
        sweep(c->options.state_dir);
        c->lease = lease_make();
        random_hex_id(c->instance);
        list_init(&c->waits);
        list_init(&c->sharing_waits);
        list_init(&c->live);
        spares_init(c);
        list_init(&c->creations);
        list_init(&c->removals);
        return c;
}

/* What was begun is brought to its end: a container that is being made would else stay. */
static void settle(struct containers *c) {
        nsec_t end = loop_clock(c->loop) + CLOSE_PATIENCE;

        while (!list_is_empty(&c->creations) || !list_is_empty(&c->removals) ||
               docker_is_under_way(&c->trial_call) || (c->tags && !tags_are_quiet(c->tags))) {
                nsec_t now = loop_clock(c->loop);

                if (now >= end || loop_turn(c->loop, end - now))
                        break;
        }
}

void containers_close(struct containers *c) {
        struct container *container;

        if (!c)
                return;
        engine_events_stop(&c->events);
        spares_close(c);
        while ((container = list_first(&c->live, struct container, link)))
                container_free(container);
        if (c->tags)
                tags_forget_all(c->tags);
        settle(c);
        tags_free(c->tags);
        creations_cancel(c);
        removals_cancel(c);
        docker_call_clear(&c->trial_call);
        docker_call_clear(&c->gateway_call);
        docker_call_clear(&c->census_call);
        defer_cancel(&c->tell);
        detect_clear(&c->detect);
        images_free(c->images);
        docker_free(c->docker);
        if (c->trial_file)
                unlink(c->trial_file);
        free(c->trial_file);
        free(c->trial_id);
        free(c->trial_name);
        free(c->gateway);
        free(c->lease);
        free(c->problem);
        free((char *)c->options.choice);
        free((char *)c->options.init_dir);
        free((char *)c->options.state_dir);
        free((char *)c->options.home);
        free((char *)c->options.network);
        free(c);
}

char *containers_find(const struct containers *c, const char *environment) {
        struct container *container;

        list_each(container, &c->live, link)
                if (streq(container->environment_id, environment))
                        return container->id ? xstrdup(container->id) : NULL;
        return NULL;
}
