/* SPDX-License-Identifier: Apache-2.0 */
/*
 * A request to create a container cannot be taken back: the engine may have done it already. So whoever no longer
 * wants the container leaves the request alone, and what comes of it is removed.
 */
#include "sandbox/engine/containers_private.h"

#define PATIENCE (60 * SECOND)

static void creation_free(struct creation *creation) {
        list_unlink(&creation->link);
        docker_call_clear(&creation->call);
        free(creation->name);
        free(creation);
}

static char *take_id(const struct docker_call *call) {
        json_t *tree = docker_answer(call);
        const char *id = json_tree_str(tree, "Id");
        char *copy = id && *id ? xstrdup(id) : NULL;

        json_decref(tree);
        return copy;
}

static void on_created(struct docker_call *call, int r) {
        struct creation *creation = container_of(call, struct creation, call);
        struct containers *c = creation->containers;
        struct container *container = creation->container;
        bool unheard = r && !call->status; /* whether it was made nobody has said */
        AUTO(str) char *name = unheard ? TAKE(creation->name) : NULL;
        AUTO(str) char *id = r ? NULL : take_id(call);
        AUTO(str) char *problem = r    ? TAKE(call->problem)
                                  : id ? NULL
                                       : xstrdup("the container engine made a container without an id");

        creation_free(creation);
        if (unheard || (!container && id))
                removal_add(c, id ?: name);
        if (!container)
                return;
        container->creation = NULL;
        container->id = TAKE(id);
        container_on_created(container, problem ? r ?: -EPROTO : 0, problem);
}

void creation_begin(struct container *container, const char *json) {
        struct containers *c = container->containers;
        struct creation *creation = xcalloc(1, sizeof(*creation));
        AUTO(str) char *target = NULL;

        creation->containers = c;
        creation->container = container;
        container->creation = creation;
        creation->name = xasprintf("lambent-%s", container->environment_id);
        target = xasprintf("/containers/create?name=%s", creation->name);
        list_push_back(&c->creations, &creation->link);
        docker_begin(c->docker, &creation->call,
                     &(struct docker_request){
                             .method = HTTP_POST_,
                             .target = target,
                             .json = json,
                             .patience = PATIENCE,
                             .done = on_created,
                     });
}

void creation_disown(struct creation *creation) {
        creation->container = NULL;
}

void creations_cancel(struct containers *c) {
        struct creation *creation;

        while ((creation = list_first(&c->creations, struct creation, link)))
                creation_free(creation);
}
