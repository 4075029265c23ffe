/* SPDX-License-Identifier: Apache-2.0 */
/*
 * One container: from nothing to a link with its init, and what becomes of it. Read the table of the cold start
 * first; its undo leaves nothing behind but a removal.
 */
#include <stdio.h>

#include "sandbox/engine/containers_private.h"
#include "sandbox/engine/localhost.h"
#include "sandbox/engine/shape.h"

#define WORDS_CAP ((size_t)2048) /* of what init says when it fails */
#define GREETING_CAP ((size_t)1024)
#define START_PATIENCE (60 * SECOND)
#define PUT_PATIENCE (120 * SECOND)
#define LINK_PATIENCE (15 * SECOND) /* from the engine's "started" to init's connection */
#define FIRST_FREE_PORT 1024        /* below it only root may listen, unless the kernel is told otherwise */
#define CANNOT_EXECUTE 126          /* as shells and engines tell it */
#define NOT_FOUND 127
#define KILLED 137 /* 128 + SIGKILL, as engines tell it */

static bool has_door(const struct container *c) {
        return c->sharing == SHARING_SOCKETS && !c->guest;
}

static bool shares_files(const struct container *c) {
        return c->sharing >= SHARING_FILES;
}

static bool shares_network(const struct containers *all) {
        return all->options.network && streq(all->options.network, "host");
}

void container_complain(struct container *c, const char *problem) {
        if (!c->problem)
                c->problem = xstrdup(problem);
}

static int complain(struct container *c, int r, const char *problem) {
        container_complain(c, problem);
        return r;
}

/* ---- the cold start ---- */

static int cold_find_init(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);
        AUTO(str) char *path = containers_init_path(c->containers, c->kind.image);
        AUTO(str) char *problem = NULL;

        if (c->guest || access(path, X_OK) == 0)
                return FLOW_NEXT;
        problem = xasprintf("there is no init for images of %s: %s is missing", c->kind.image->architecture,
                            path);
        return complain(c, -ENOENT, problem);
}

static int cold_learn_sharing(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        if (!containers_know_sharing(c->containers, c))
                return FLOW_WAIT;
        c->sharing = c->containers->sharing;
        return FLOW_NEXT;
}

static void cold_forget_sharing(struct flow *flow) {
        list_unlink(&container_of(flow, struct container, flow)->wait_link);
}

void container_on_sharing(struct container *c, enum sharing sharing) {
        c->sharing = sharing;
        flow_go_on(&c->flow, 0);
}

/* What listens on a port that is chosen by the image cannot do so twice. */
static int cold_check_network(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        if (!c->guest || !shares_network(c->containers))
                return FLOW_NEXT;
        return complain(c, -EADDRINUSE,
                        "an image with its own emulator needs a network of its own, and "
                        "--container-network host is none");
}

static int cold_open_door(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);
        int r = has_door(c) ? door_open(c) : 0;

        if (r) {
                AUTO(str) char *problem = xasprintf("the link's socket cannot be made: %s", strerror(-r));

                complain(c, r, problem);
        }
        return r;
}

static void cold_close_door(struct flow *flow) {
        door_close(container_of(flow, struct container, flow));
}

static void begin_creation(struct container *c) {
        struct containers *all = c->containers;
        AUTO(str) char *init = containers_init_path(all, c->kind.image);
        const char *const by_door[] = { "--socket", SHAPE_LINK_DIR "/link", NULL };
        const char *const by_streams[] = { "--stdio", NULL };
        const struct shape_label labels[] = {
                { LABEL "instance", all->instance },    { LABEL "home", all->options.home },
                { LABEL "lease", all->lease },          { LABEL "environment", c->environment_id },
                { LABEL "function", c->kind.function }, { LABEL "version", c->kind.version },
                { LABEL "image", c->kind.image->name },
        };
        struct shape shape = {
                .image = c->kind.image->id,
                .command = has_door(c) ? by_door : by_streams,
                .labels = labels,
                .label_count = ARRAY_SIZE(labels),
                .memory_mb = c->kind.memory_mb,
                .tmp_mb = c->kind.tmp_mb,
                .cpu_share = all->options.cpu_share,
                .network = all->options.network,
                .host_gateway = all->gateway,
                .limit_files = streq(all->engine.kind, "docker"),
                .selinux = access("/sys/fs/selinux/enforce", F_OK) == 0,
                .writable_root = all->options.writable_root,
                .keep_capabilities = all->options.keep_capabilities,
                .by_archive = !shares_files(c),
                .init_path = c->guest ? NULL : init,
                .link_dir = c->link_dir,
                .task_dir = c->kind.task_dir,
                .opt_dir = c->kind.opt_dir,
                .runtime_is_task = c->kind.runtime_is_task,
                .low_ports = c->kind.low_ports,
        };
        AUTO(buf) struct buf json = BUF_NULL(MIB);

        if (c->guest)
                guest_shape(c, &shape);
        must(shape_write(&shape, &json) == 0 && buf_append(&json, "", 1) == 0);
        creation_begin(c, buf_data(&json));
}

static int cold_create(struct flow *flow) {
        begin_creation(container_of(flow, struct container, flow));
        return FLOW_WAIT;
}

/* Somebody removed the image meanwhile. */
static void on_image(struct image_ask *ask, struct image *image, int r, const char *problem) {
        struct container *c = container_of(ask, struct container, image_ask);

        if (!image) {
                flow_go_on(&c->flow, complain(c, r, problem));
                return;
        }
        image_unref(c->kind.image);
        c->kind.image = image_ref(image);
        begin_creation(c);
}

void container_on_created(struct container *c, int r, const char *problem) {
        if (r == -ENOENT && !c->fetched_again) {
                c->fetched_again = true;
                images_want(c->containers->images, c->kind.image->name, NULL, c->kind.image->architecture,
                            &c->image_ask, on_image);
                return;
        }
        if (r)
                complain(c, r, problem);
        c->born = loop_clock(c->containers->loop);
        flow_go_on(&c->flow, r);
}

static void cold_discard(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        image_ask_cancel(&c->image_ask);
        if (c->creation)
                creation_disown(TAKE(c->creation));
        if (c->id)
                removal_add(c->containers, c->id);
        free(TAKE(c->id));
}

static void put_next(struct container *c);

static void on_put(struct docker_call *call, int r) {
        struct container *c = container_of(call, struct container, put_call);

        if (r)
                flow_go_on(&c->flow, complain(c, r, call->problem));
        else
                put_next(c);
}

static void put_next(struct container *c) {
        AUTO(buf) struct buf target = BUF_NULL(KIB);
        const char *where;
        const void *bytes;
        size_t len;

        if (!archives_next(c, &where, &bytes, &len)) {
                archives_free(c);
                flow_go_on(&c->flow, 0);
                return;
        }
        must(buf_printf(&target, "/containers/%s/archive?path=%s", c->id, where) == 0 &&
             buf_append(&target, "", 1) == 0);
        docker_begin(c->containers->docker, &c->put_call,
                     &(struct docker_request){
                             .method = HTTP_PUT_,
                             .target = buf_data(&target),
                             .tar = bytes,
                             .tar_len = len,
                             .patience = PUT_PATIENCE,
                             .done = on_put,
                     });
}

static void on_archives(struct container *c, int r) {
        if (r) {
                AUTO(str) char *problem =
                        xasprintf("the code cannot be packed for the container: %s", strerror(-r));

                flow_go_on(&c->flow, complain(c, r, problem));
        } else {
                put_next(c);
        }
}

static int cold_copy(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        if (shares_files(c))
                return FLOW_NEXT;
        archives_begin(c, on_archives);
        return FLOW_WAIT;
}

static void cold_stop_copying(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        docker_cancel(&c->put_call);
        archives_free(c);
}

static void on_attached(struct docker_call *call) {
        struct container *c = container_of(call, struct container, attach_call);

        c->attached = true;
        flow_go_on(&c->flow, 0);
}

static int cold_attach(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);
        bool by_streams = !has_door(c) && !c->guest;
        AUTO(str) char *target =
                xasprintf("/containers/%s/attach?stream=1&stdin=%d&stdout=1&stderr=1", c->id, by_streams);

        docker_begin(c->containers->docker, &c->attach_call,
                     &(struct docker_request){
                             .method = HTTP_POST_,
                             .target = target,
                             .fields = "Connection: Upgrade\r\nUpgrade: tcp\r\n",
                             .silence = NSEC_NEVER,
                             .on_open = on_attached,
                             .on_stream = container_on_stream,
                             .done = container_on_stream_end,
                     });
        return FLOW_WAIT;
}

static void cold_detach(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        c->attached = false;
        docker_cancel(&c->attach_call);
}

static void on_started(struct docker_call *call, int r) {
        struct container *c = container_of(call, struct container, start_call);

        flow_go_on(&c->flow, r ? complain(c, r, call->problem) : 0);
}

static int cold_start(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);
        AUTO(str) char *target = xasprintf("/containers/%s/start", c->id);

        docker_begin(c->containers->docker, &c->start_call,
                     &(struct docker_request){
                             .method = HTTP_POST_,
                             .target = target,
                             .patience = START_PATIENCE,
                             .done = on_started,
                     });
        return FLOW_WAIT;
}

static void cold_stop_starting(struct flow *flow) {
        docker_cancel(&container_of(flow, struct container, flow)->start_call);
}

/* Init may well connect before the engine has said that it has started it. */
static int cold_await_link(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        return c->linked || !has_door(c) ? FLOW_NEXT : FLOW_WAIT;
}

static const struct flow_step cold_steps[] = {
        /* step                 begins with         taken back by         budget */
        { "find init", cold_find_init, NULL, 0 },
        { "check the network", cold_check_network, NULL, 0 },
        { "learn what is shared", cold_learn_sharing, cold_forget_sharing, START_PATIENCE },
        { "open the door", cold_open_door, cold_close_door, 0 },
        { "create", cold_create, cold_discard, 0 }, /* bounded by its calls: a pull may take long */
        { "copy", cold_copy, cold_stop_copying, 0 },
        { "attach", cold_attach, cold_detach, 0 },
        { "start", cold_start, cold_stop_starting, 0 },
        { "await the link", cold_await_link, NULL, LINK_PATIENCE },
        { "find the port", guest_find_port, guest_stop_finding, 0 },
        {},
};

/* The last thing that is done with a spare. */
static void lose(struct container *c, enum remote_loss loss, const char *why) {
        if (c->guest) {
                c->guest->ops->lost(c->guest->owner, loss, why);
        } else if (c->environment) {
                remote_lost(c->environment, loss, why);
        } else {
                containers_note(c->containers, "a spare container is lost: %s", why);
                spare_has_failed(c);
        }
}

/* "…: its last words" */
static char *with_last_words(const struct container *c, const char *text) {
        const char *words = buf_data(&c->last_words);
        size_t len = c->last_words.len;

        while (len && strchr("\r\n ", words[len - 1]))
                --len;
        return len ? xasprintf("%s; its last words: %.*s", text, (int)len, words) : xstrdup(text);
}

static void end_by_event(struct container *c);

/* The environment and its init meet. */
static void join(struct container *c) {
        if (has_door(c))
                remote_connected(c->environment, TAKE_FD(c->link_fd));
        else
                container_link_streams(c);
}

/* The engine says of init that it cannot be started, or it ended as what cannot be executed does. */
static bool init_cannot_run(const struct container *c) {
        if (c->guest)
                return false;
        if (c->ended)
                return c->exit_code == CANNOT_EXECUTE || c->exit_code == NOT_FOUND;
        return c->flow.step->begin == cold_start && c->problem && strstr(c->problem, SHAPE_INIT);
}

static void cold_failed(struct container *c, int r) {
        AUTO(str) char *why = NULL;
        AUTO(str) char *whole = NULL;

        why = c->problem ? xstrdup(c->problem)
                         : xasprintf("the container could not be started (%s): %s", c->flow.step->name,
                                     r == -ETIMEDOUT ? "timed out" : strerror(-r));
        c->kind.image->refuses_init |= init_cannot_run(c);
        whole = with_last_words(c, why);
        lose(c, REMOTE_BROKEN, whole);
}

static void cold_done(struct flow *flow, int r) {
        struct container *c = container_of(flow, struct container, flow);

        spares_consider(c->containers);
        if (r)
                cold_failed(c, r);
        else if (c->ended)
                end_by_event(c);
        else if (c->guest)
                c->guest->ops->running(c->guest->owner);
        else if (c->opened && (c->link_fd >= 0 || !has_door(c)))
                join(c);
}

void container_begin(struct container *c) {
        c->begun = true;
        flow_start(&c->flow, c->containers->loop, cold_steps, cold_done);
}

/* ---- what the environment asks for ---- */

static int port_open(void *owner) {
        struct container *c = owner;

        c->opened = true;
        if (!c->begun)
                container_begin(c);
        else if (!flow_is_active(&c->flow))
                join(c); /* it was a spare */
        return 0;
}

static void port_serve(void *owner, int fd) {
        struct containers *all = ((struct container *)owner)->containers;

        all->options.serve(all->options.owner, fd);
}

static void port_link_lost(void *owner) {
        /* The engine's events say why in a moment. */
}

static void port_remove(void *owner) {
        container_free(owner);
}

static const struct remote_ports ports = { port_open, port_link_lost, port_serve, port_remove };
static const struct remote_ports ports_without_api = { port_open, port_link_lost, NULL, port_remove };

void container_on_link(struct container *c, int fd) {
        c->linked = true;
        c->link_fd = fd;
        docker_has_happened(&c->start_call);
        if (c->opened)
                join(c);
        /* Only what waits for it hears it: before, it is seen when the turn comes. */
        if (flow_is_active(&c->flow) && c->flow.step->begin == cold_await_link)
                flow_go_on(&c->flow, 0);
}

/* ---- what happens to it ---- */

static char *how_it_ended(const struct container *c) {
        return c->exit_code < 0         ? xstrdup("the container was removed")
               : c->exit_code == KILLED ? xstrdup("the container was killed")
                                        : xasprintf("the container ended with status %d", c->exit_code);
}

static void end_by_event(struct container *c) {
        AUTO(str) char *text = how_it_ended(c);
        AUTO(str) char *why = with_last_words(c, text);

        lose(c,
             c->exit_code != KILLED && c->exit_code >= 0 ? REMOTE_BROKEN
             : c->out_of_memory                          ? REMOTE_OUT_OF_MEMORY
                                                         : REMOTE_EXITED,
             why);
}

void container_on_event(struct container *c, enum engine_event_kind event, int exit_code) {
        AUTO(str) char *text = NULL;

        if (event == ENGINE_EVENT_OOM)
                c->out_of_memory = true;
        if (c->ended || event == ENGINE_EVENT_OTHER || event == ENGINE_EVENT_OOM)
                return;
        c->ended = true;
        c->exit_code = exit_code;
        if (!flow_is_active(&c->flow)) {
                end_by_event(c);
                return;
        }
        /* In mid-start; when that has just succeeded, its end tells. */
        text = how_it_ended(c);
        complain(c, -ECHILD, text);
        flow_go_on(&c->flow, -ECHILD);
}

void container_on_missing(struct container *c) {
        container_on_event(c, ENGINE_EVENT_REMOVED, -1);
}

void container_keep_words(struct container *c, const char *data, size_t len) {
        size_t room = WORDS_CAP - c->last_words.len;

        if (len > WORDS_CAP) {
                data += len - WORDS_CAP;
                len = WORDS_CAP;
        }
        if (len > room)
                buf_consume(&c->last_words, len - room);
        must(buf_append(&c->last_words, data, len) == 0);
}

/* ---- life ---- */

void container_free(struct container *c) {
        flow_cancel(&c->flow);
        guest_clear(c);
        door_close(c);
        archives_free(c);
        list_unlink(&c->link);
        list_unlink(&c->wait_link);
        if (c->creation)
                creation_disown(TAKE(c->creation));
        if (c->id)
                removal_add(c->containers, c->id);
        docker_call_clear(&c->attach_call);
        docker_call_clear(&c->start_call);
        docker_call_clear(&c->put_call);
        image_ask_cancel(&c->image_ask);
        timer_disarm(&c->rest);
        list_unlink(&c->spare_link);
        fd_close(c->link_fd);
        container_kind_clear(&c->kind);
        buf_deinit(&c->last_words);
        buf_deinit(&c->early);
        free(c->id);
        free(c->problem);
        free(c);
}

struct container *container_new(struct containers *all, const struct container_kind *kind, const char *id) {
        struct container *c = xcalloc(1, sizeof(*c));

        c->containers = all;
        c->listen_fd = c->link_fd = -1;
        container_kind_copy(kind, &c->kind);
        str_fit(c->environment_id, sizeof(c->environment_id), id);
        c->last_words = BUF_NULL(WORDS_CAP);
        c->early = BUF_NULL(GREETING_CAP);
        list_push_back(&all->live, &c->link);
        return c;
}

/* Everything in it is borrowed. Answers how many ports of our own loopback the function speaks of. */
static size_t describe(const struct containers *all, const struct container_spec *spec,
                       struct container_kind *ret_kind, uint16_t ports_[static TUNNEL_PORTS_MAX]) {
        const struct environment_spec *e = spec->environment;
        size_t count =
                shares_network(all) ? 0 : localhost_ports(e->vars, e->var_count, ports_, TUNNEL_PORTS_MAX);

        *ret_kind = (struct container_kind){
                .image = spec->image,
                .function = (char *)e->function,
                .version = (char *)e->version,
                .task_dir = (char *)e->task_dir,
                .opt_dir = (char *)e->opt_dir,
                .memory_mb = e->memory_mb,
                .tmp_mb = e->tmp_mb,
                .runtime_is_task = spec->runtime_is_task,
        };
        for (size_t i = 0; i < count; ++i)
                ret_kind->low_ports = ret_kind->low_ports || ports_[i] < FIRST_FREE_PORT;
        return count;
}

void containers_expect(struct containers *all, const struct container_spec *spec) {
        uint16_t local[TUNNEL_PORTS_MAX];
        struct container_kind kind;

        if (!all->found)
                return;
        describe(all, spec, &kind, local);
        spare_wish(all, &kind);
}

struct environment *containers_environment_new(struct containers *all, const struct container_spec *spec) {
        uint16_t local[TUNNEL_PORTS_MAX];
        struct container_kind kind;
        struct container *c;
        struct remote_options options = {
                .loop = all->loop,
                .spec = spec->environment,
                .command = spec->command,
                .ports = all->options.serve ? &ports : &ports_without_api,
                .shared_network = shares_network(all),
                .localhost_ports = local,
                .uid = SHAPE_UID,
                .gid = SHAPE_GID,
        };

        if (!all->found)
                return NULL;
        options.localhost_port_count = describe(all, spec, &kind, local);
        c = spare_take(all, &kind);
        options.waited = c != NULL;
        c = c ?: container_new(all, &kind, spec->environment->id);
        memcpy(c->environment_id, spec->environment->id, sizeof(c->environment_id));
        spare_wish(all, &kind);
        options.owner = c;
        c->environment = remote_new(&options);
        return c->environment;
}
