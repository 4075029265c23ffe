/* SPDX-License-Identifier: Apache-2.0 */
#include "function/provisioned.h"

#include "function/alias.h"
#include "function/concurrency.h"
#include "function/registry_private.h"

bool provisioned_read(const json_t *document, struct provisioned *ret_provisioned) {
        *ret_provisioned = (struct provisioned){
                .requested = (uint64_t)json_tree_int(document, "requested", 0),
                .modified = (nsec_t)json_tree_int(document, "modified_ms", 0) * MILLISECOND,
        };
        return ret_provisioned->requested > 0;
}

int provisioned_get(struct registry *r, const struct function *f, const char *qualifier,
                    struct provisioned *ret_provisioned) {
        const struct document_name name = document_of(f, DOCUMENT_PROVISIONED, qualifier);
        AUTO(json_tree) json_t *document = NULL;
        int result = document_get(r, &name, &document);

        if (result == 0 && !provisioned_read(document, ret_provisioned))
                return fault(-EUCLEAN);
        return result;
}

/* ---- what is wanted of each version ---- */

struct sums {
        struct function *function;
        struct {
                struct version *version;
                uint64_t wanted;
        } * items;
        size_t count;
};

static bool add(void *owner, const struct document_name *name, json_t *document) {
        struct sums *sums = owner;
        struct version *v = function_version(sums->function, name->part);
        struct provisioned provisioned;

        if (!v || !provisioned_read(document, &provisioned))
                return true;
        sums->items = xrealloc(sums->items, (sums->count + 1) * sizeof(*sums->items));
        sums->items[sums->count].version = v;
        sums->items[sums->count++].wanted = provisioned.requested;
        return true;
}

static uint64_t wanted_of(const struct sums *sums, const struct version *v) {
        uint64_t wanted = 0;

        for (size_t i = 0; i < sums->count; i++)
                wanted += sums->items[i].version == v ? sums->items[i].wanted : 0;
        return wanted;
}

int provisioned_apply(struct registry *r, struct function *f) {
        const struct document_name all = document_of(f, DOCUMENT_PROVISIONED, NULL);
        struct sums sums = { .function = f };
        int result = document_each(r, &all, NULL, add, &sums);
        uint64_t total = 0;
        struct version *v;

        list_each(v, &f->versions, link) {
                uint64_t wanted = wanted_of(&sums, v);

                if (result)
                        break;
                total += wanted;
                if (v->provisioned == wanted)
                        continue;
                v->provisioned = wanted;
                if (r->ports.provision)
                        r->ports.provision(r->ports.owner, v, (size_t)wanted);
        }
        if (result == 0)
                concurrency_provision(f->concurrency, total);
        free(sums.items);
        return result;
}

/* ---- changing ---- */

static int check(struct registry *r, const struct function *f, const char *qualifier, uint64_t requested) {
        struct concurrency *c = f->concurrency;
        struct version *v = function_version(f, qualifier);
        struct provisioned before = {};
        int result = provisioned_get(r, f, qualifier, &before);
        uint64_t others;

        if (result < 0)
                return result;
        /* Only one of a version and its aliases has it. */
        if (v->provisioned > before.requested)
                return function_alias(f, qualifier) ? PROVISIONED_VERSION : PROVISIONED_ALIAS_OF;
        others = c->provisioned - before.requested;
        if (c->reserved != NOT_RESERVED && others + requested > (uint64_t)c->reserved)
                return PROVISIONED_RESERVED;
        if (c->reserved == NOT_RESERVED && !concurrency_may_reserve(c, (int64_t)(others + requested)))
                return PROVISIONED_UNRESERVED;
        return 0;
}

int provisioned_put(struct registry *r, struct function *f, const char *qualifier, uint64_t requested) {
        const struct document_name name = document_of(f, DOCUMENT_PROVISIONED, qualifier);
        AUTO(json_tree) json_t *document = json_object();
        int result = check(r, f, qualifier, requested);

        if (result)
                return result;
        json_object_set_new(document, "requested", json_integer((json_int_t)requested));
        json_object_set_new(document, "modified_ms",
                            json_integer((json_int_t)(loop_wall(r->loop) / MILLISECOND)));
        result = document_put(r, &name, document);
        return result ? result : provisioned_apply(r, f);
}

int provisioned_delete(struct registry *r, struct function *f, const char *qualifier) {
        const struct document_name name = document_of(f, DOCUMENT_PROVISIONED, qualifier);
        int result = document_delete(r, &name);

        return result ? result : provisioned_apply(r, f);
}
