/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which containers the engine has, against which we know: when the engine is found, and whenever its events were
 * missed for a while. Those of lambents that have died are removed, ours that nobody knows too; one of ours that the
 * engine has no more is lost.
 */
#include "sandbox/engine/command_line.h"
#include "sandbox/engine/containers_private.h"
#include "sandbox/engine/lease.h"

static bool is_local(const struct containers *c) {
        return (str_starts(c->engine.address, "unix:") || command_line_is(c->engine.address)) &&
               c->same_kernel;
}

static struct container *find(struct containers *c, const char *id) {
        struct container *container;

        list_each(container, &c->live, link)
                if (container->id && streq(container->id, id))
                        return container;
        return NULL;
}

static bool is_nobodys(struct containers *c, const char *id, const json_t *labels) {
        const char *instance = json_tree_str(labels, LABEL "instance");
        const char *home = json_tree_str(labels, LABEL "home"), *lease = json_tree_str(labels, LABEL "lease");

        if (instance && streq(instance, c->instance))
                /* One being made is known by its name only, and the one that is tried out by nobody else. */
                return !find(c, id) && list_is_empty(&c->creations) && !docker_is_under_way(&c->trial_call);
        /* Whoever had our data dir before us has died: we have its lock. */
        if (home && streq(home, c->options.home))
                return true;
        return lease && lease_is_dead(lease, is_local(c));
}

static void on_list(struct docker_call *call, int r) {
        struct containers *c = container_of(call, struct containers, census_call);
        json_t *list = r ? NULL : docker_answer(call);
        struct container *container;
        const json_t *entry;
        size_t i;

        if (!json_is_array(list)) {
                json_decref(list);
                return; /* the events' next reconnection asks again */
        }
        list_each(container, &c->live, link)
                container->seen = !container->id || container->born > c->census_began;
        json_array_foreach(list, i, entry) {
                const char *id = json_tree_str(entry, "Id");
                struct container *known = id ? find(c, id) : NULL;

                if (known)
                        known->seen = true;
                else if (id && is_nobodys(c, id, json_tree_get(entry, "Labels")))
                        removal_add(c, id);
        }
        json_decref(list);
        list_each(container, &c->live, link)
                if (!container->seen)
                        container_on_missing(container);
}

void census_begin(struct containers *c) {
        AUTO(buf) struct buf target = BUF_NULL(KIB);

        if (docker_is_under_way(&c->census_call))
                docker_cancel(&c->census_call);
        c->census_began = loop_clock(c->loop);
        must(buf_append_str(&target, "/containers/json?all=1&filters=") == 0);
        docker_escape(&target, "{\"label\":[\"" LABEL "instance\"]}");
        must(buf_append(&target, "", 1) == 0);
        docker_begin(c->docker, &c->census_call,
                     &(struct docker_request){
                             .method = HTTP_GET_, .target = buf_data(&target), .done = on_list });
}
