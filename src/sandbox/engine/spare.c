/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Starting a container takes the engine a tenth of a second or two; greeting one that runs takes nothing. So one is kept
 * ready for each kind of container that was wanted last: its code and limits are those of a version, what it is told by the
 * link (variables, credentials, the command) it does not know yet. They are started one at a time and in quiet moments,
 * so that those who wait for a container have the engine for themselves.
 */
#include "sandbox/engine/containers_private.h"

#define REFILL_AFTER (50 * MILLISECOND) /* of quiet */

struct wish {
        struct list link;
        struct container_kind kind;
};

static char *copy(const char *s) {
        return s ? xstrdup(s) : NULL;
}

void container_kind_copy(const struct container_kind *from, struct container_kind *ret_kind) {
        *ret_kind = *from;
        image_ref(from->image);
        ret_kind->function = copy(from->function);
        ret_kind->version = copy(from->version);
        ret_kind->task_dir = copy(from->task_dir);
        ret_kind->opt_dir = copy(from->opt_dir);
}

void container_kind_clear(struct container_kind *kind) {
        image_unref(kind->image);
        free(kind->function);
        free(kind->version);
        free(kind->task_dir);
        free(kind->opt_dir);
        *kind = (struct container_kind){};
}

static bool same(const char *a, const char *b) {
        return a && b ? streq(a, b) : a == b;
}

bool container_kind_is(const struct container_kind *a, const struct container_kind *b) {
        return streq(a->image->id, b->image->id) && same(a->function, b->function) &&
               same(a->version, b->version) && same(a->task_dir, b->task_dir) &&
               same(a->opt_dir, b->opt_dir) && a->memory_mb == b->memory_mb && a->tmp_mb == b->tmp_mb &&
               a->runtime_is_task == b->runtime_is_task && a->low_ports == b->low_ports;
}

/* ---- wishes ---- */

static void wish_free(struct wish *wish) {
        list_unlink(&wish->link);
        container_kind_clear(&wish->kind);
        free(wish);
}

static struct wish *find_wish(struct containers *c, const struct container_kind *kind) {
        struct wish *wish;

        list_each(wish, &c->wishes, link)
                if (container_kind_is(&wish->kind, kind))
                        return wish;
        return NULL;
}

static struct container *find_spare(struct containers *c, const struct container_kind *kind) {
        struct container *spare;

        list_each(spare, &c->spares, spare_link)
                if (container_kind_is(&spare->kind, kind))
                        return spare;
        return NULL;
}

/* The oldest wish beyond the number goes, and its spare. */
static void drop_oldest(struct containers *c) {
        struct container *spare;
        struct wish *wish;
        size_t count = 0;

        list_each(wish, &c->wishes, link)
                ++count;
        if (count <= c->options.spares)
                return;
        wish = list_last(&c->wishes, struct wish, link);
        spare = find_spare(c, &wish->kind);
        if (spare)
                container_free(spare);
        wish_free(wish);
}

void spares_consider(struct containers *c) {
        if (!list_is_empty(&c->wishes))
                timer_arm(&c->refill, loop_now(c->loop) + REFILL_AFTER);
}

void spare_wish(struct containers *c, const struct container_kind *kind) {
        struct wish *wish = find_wish(c, kind);

        if (!c->options.spares)
                return;
        if (!wish) {
                wish = xcalloc(1, sizeof(*wish));
                container_kind_copy(kind, &wish->kind);
        }
        list_unlink(&wish->link);
        list_push_front(&c->wishes, &wish->link);
        drop_oldest(c);
        spares_consider(c);
}

/* ---- spares ---- */

static void on_rest(struct timer *timer) {
        spare_has_failed(container_of(timer, struct container, rest));
}

static bool engine_is_busy(struct containers *c) {
        struct container *container;

        list_each(container, &c->live, link)
                if (flow_is_active(&container->flow))
                        return true;
        return false;
}

static void begin_spare(struct containers *c, const struct container_kind *kind) {
        char id[HEX_ID_LEN + 1];
        struct container *spare;

        random_hex_id(id);
        spare = container_new(c, kind, id);
        timer_init(&spare->rest, c->loop, on_rest);
        timer_arm(&spare->rest, loop_now(c->loop) + c->options.spare_ttl);
        list_push_front(&c->spares, &spare->spare_link);
        container_begin(spare);
}

static void refill(struct timer *timer) {
        struct containers *c = container_of(timer, struct containers, refill);
        struct wish *wish;

        if (engine_is_busy(c))
                return; /* the end of what it is busy with brings us here again */
        list_each(wish, &c->wishes, link)
                if (!find_spare(c, &wish->kind)) {
                        begin_spare(c, &wish->kind);
                        return;
                }
}

/* Or has waited too long. Nobody tries again until the next one is wanted. */
void spare_has_failed(struct container *spare) {
        struct wish *wish = find_wish(spare->containers, &spare->kind);

        if (wish)
                wish_free(wish);
        container_free(spare);
}

struct container *spare_take(struct containers *c, const struct container_kind *kind) {
        struct container *spare = find_spare(c, kind);

        if (spare) {
                list_unlink(&spare->spare_link);
                timer_disarm(&spare->rest);
        }
        return spare;
}

void spares_init(struct containers *c) {
        list_init(&c->spares);
        list_init(&c->wishes);
        timer_init(&c->refill, c->loop, refill);
}

void spares_close(struct containers *c) {
        struct wish *wish;

        timer_disarm(&c->refill);
        while ((wish = list_first(&c->wishes, struct wish, link)))
                wish_free(wish);
}
