/* SPDX-License-Identifier: Apache-2.0 */
/* What is different in a container without our init: what is in its configuration, and how to reach what runs in it. */
#include "sandbox/engine/guest.h"

#include <arpa/inet.h>
#include <ifaddrs.h>
#include <stdio.h>

#include "sandbox/engine/containers_private.h"
#include "sandbox/engine/oom_kills.h"
#include "sandbox/engine/shape.h"

void guest_shape(const struct container *c, struct shape *shape) {
        const struct guest *g = c->guest;

        shape->entrypoint = (const char *const *)g->argv;
        shape->vars = (const char *const *)g->vars;
        shape->working_dir = g->working_dir;
        shape->port = g->port;
}

/* ---- where its port is ---- */

static bool is_in_network(const struct sockaddr *own, const struct in_addr *mask, struct in_addr address) {
        const struct sockaddr_in *in = (const struct sockaddr_in *)(const void *)own;

        return own && own->sa_family == AF_INET &&
               (in->sin_addr.s_addr & mask->s_addr) == (address.s_addr & mask->s_addr);
}

/* One of our interfaces is in this network: the host's end of a bridge, or our own in a network that we share. What looks
 * like a container's address elsewhere may be anybody's. */
static bool is_neighbour(const char *address, int64_t prefix) {
        struct in_addr other, mask;
        struct ifaddrs *all;
        bool found = false;

        if (prefix < 8 || prefix > 32 || inet_pton(AF_INET, address, &other) != 1 || getifaddrs(&all) < 0)
                return false;
        mask.s_addr = htonl((uint32_t)(UINT64_C(0xffffffff) << (32 - prefix)));
        for (const struct ifaddrs *at = all; at && !found; at = at->ifa_next)
                found = is_in_network(at->ifa_addr, &mask, other);
        freeifaddrs(all);
        return found;
}

static char *published(const struct guest *g, const json_t *settings) {
        char name[16];
        const json_t *bindings, *binding;
        size_t i;

        snprintf(name, sizeof(name), "%u/tcp", g->port);
        bindings = json_tree_get(json_tree_get(settings, "Ports"), name);
        json_array_foreach(bindings, i, binding) {
                const char *host = json_tree_str(binding, "HostIp"),
                           *port = json_tree_str(binding, "HostPort");

                if (host && port && streq(host, "127.0.0.1"))
                        return xasprintf("127.0.0.1:%s", port);
        }
        return NULL;
}

static char *own_address(const struct guest *g, const json_t *settings) {
        const char *name;
        json_t *network;

        json_object_foreach(json_tree_get(settings, "Networks"), name, network) {
                const char *address = json_tree_str(network, "IPAddress");

                if (address && is_neighbour(address, json_tree_int(network, "IPPrefixLen", 0)))
                        return xasprintf("%s:%u", address, g->port);
        }
        return NULL;
}

static int keep_addresses(struct guest *g, const json_t *described) {
        const json_t *settings = json_tree_get(described, "NetworkSettings");
        size_t n = 0;

        g->addresses[n] = published(g, settings);
        n += g->addresses[n] != NULL;
        g->addresses[n] = own_address(g, settings);
        return g->addresses[0] ? 0 : -EADDRNOTAVAIL;
}

static void on_inspected(struct docker_call *call, int r) {
        struct guest *g = container_of(call, struct guest, inspect_call);
        json_t *described = r ? NULL : docker_answer(call);

        if (r && call->problem)
                container_complain(g->container, call->problem);
        if (!r) {
                g->oom_kills_fd = oom_kills_open(json_tree_int(json_tree_get(described, "State"), "Pid", 0),
                                                 g->container->id);
                r = keep_addresses(g, described);
                if (r)
                        container_complain(g->container, "the container engine has published no port of the "
                                                         "container on 127.0.0.1");
        }
        json_decref(described);
        flow_go_on(&g->container->flow, r);
}

int guest_find_port(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);
        AUTO(str) char *target = NULL;

        if (!c->guest)
                return FLOW_NEXT;
        target = xasprintf("/containers/%s/json", c->id);
        docker_begin(c->containers->docker, &c->guest->inspect_call,
                     &(struct docker_request){ .method = HTTP_GET_, .target = target, .done = on_inspected });
        return FLOW_WAIT;
}

void guest_stop_finding(struct flow *flow) {
        struct container *c = container_of(flow, struct container, flow);

        if (c->guest)
                docker_cancel(&c->guest->inspect_call);
}

const char *guest_address(const struct container *c, size_t n) {
        return n < ARRAY_SIZE(c->guest->addresses) ? c->guest->addresses[n] : NULL;
}

bool guest_has_starved(const struct container *c) {
        return oom_kills(c->guest->oom_kills_fd) > 0;
}

bool guest_has_output(const struct container *c) {
        return c->attached;
}

/* ---- life ---- */

/* Its events tell what came of it; an engine that refuses has none, and removal tries again in its own way. */
static void on_killed(struct docker_call *call, int r) {
}

void guest_kill(struct container *c) {
        AUTO(str) char *target = c->id ? xasprintf("/containers/%s/kill", c->id) : NULL;

        if (target && !docker_is_under_way(&c->guest->kill_call))
                docker_begin(c->containers->docker, &c->guest->kill_call,
                             &(struct docker_request){
                                     .method = HTTP_POST_, .target = target, .done = on_killed });
}

static char **copy_words(const char *const *words) {
        size_t count = 0;
        char **copy;

        while (words[count])
                ++count;
        copy = xcalloc(count + 1, sizeof(*copy));
        for (size_t i = 0; i < count; ++i)
                copy[i] = xstrdup(words[i]);
        return copy;
}

static void free_words(char **words) {
        for (char **at = words; *at; ++at)
                free(*at);
        free(words);
}

struct container *guest_new(struct containers *all, const struct guest_spec *spec,
                            const struct guest_ops *ops, void *owner) {
        const struct environment_spec *e = spec->environment;
        const struct container_kind kind = {
                .image = spec->image,
                .function = (char *)e->function,
                .version = (char *)e->version,
                .task_dir = (char *)e->task_dir,
                .opt_dir = (char *)e->opt_dir,
                .memory_mb = e->memory_mb,
                .tmp_mb = e->tmp_mb,
                .runtime_is_task = spec->runtime_is_task,
        };
        struct container *c;
        struct guest *g;

        if (!all->found)
                return NULL;
        c = container_new(all, &kind, e->id);
        c->guest = g = xcalloc(1, sizeof(*g));
        g->container = c;
        g->ops = ops;
        g->owner = owner;
        g->argv = copy_words(spec->argv);
        g->vars = copy_words(spec->vars);
        g->working_dir = xstrdup(spec->working_dir);
        g->port = spec->port;
        g->oom_kills_fd = -1;
        return c;
}

void guest_begin(struct container *c) {
        container_begin(c);
}

void guest_free(struct container *c) {
        container_free(c);
}

void guest_clear(struct container *c) {
        struct guest *g = TAKE(c->guest);

        if (!g)
                return;
        docker_call_clear(&g->inspect_call);
        docker_call_clear(&g->kill_call);
        free_words(g->argv);
        free_words(g->vars);
        for (size_t i = 0; i < ARRAY_SIZE(g->addresses); ++i)
                free(g->addresses[i]);
        free(g->working_dir);
        if (g->oom_kills_fd >= 0)
                fd_close(g->oom_kills_fd);
        free(g);
}
