/* SPDX-License-Identifier: Apache-2.0 */
/* load - the registry as the last daemon left it */
#include "function/alias.h"
#include "function/concurrency.h"
#include "function/document.h"
#include "function/provisioned.h"
#include "function/registry_private.h"

#include <stdio.h>

static char *text_or_null(const char *s) {
        return s ? xstrdup(s) : NULL;
}

static int load_function(void *owner, const struct function_row *row) {
        struct function *f = function_new(owner, row->account, row->region, row->name);

        f->last_number = row->last_number;
        f->tags_json = text_or_null(row->tags);
        return 0;
}

static bool status_is_known(const struct version_row *row) {
        return row->state >= STATE_PENDING && row->state <= STATE_FAILED && row->update >= UPDATE_NONE &&
               row->update <= UPDATE_IN_PROGRESS && strlen(row->revision_id) == UUID_LEN;
}

static void load_status(struct version *v, const struct version_row *row) {
        v->status = (struct version_status){
                .state = (enum function_state)row->state,
                .state_reason = text_or_null(row->state_reason),
                .state_reason_code = text_or_null(row->state_reason_code),
                .update = (enum update_status)row->update,
                .update_reason = text_or_null(row->update_reason),
                .update_reason_code = text_or_null(row->update_reason_code),
                .last_modified = row->last_modified,
        };
        memcpy(v->status.revision_id, row->revision_id, UUID_LEN + 1);
        if (row->fingerprint && strlen(row->fingerprint) == SHA256_HEX_LEN)
                v->fingerprint = xstrdup(row->fingerprint);
}

/* Rows come in the order of their numbers: what is served, $LATEST, then the published ones ascending. */
static int load_version(void *owner, const struct version_row *row) {
        struct registry *r = owner;
        struct function *f = registry_find(r, row->account, row->region, row->name);
        AUTO(version_config) struct version_config config = {};
        char number[sizeof(LATEST_PUBLISHED) + 24] = "$LATEST";
        struct version *v;
        int result;

        if (!f || !status_is_known(row))
                return fault(-EUCLEAN);
        result = version_config_read(row->config, row->config_len, &config);
        if (result)
                return fault(result == -EINVAL ? -EUCLEAN : result);
        if (row->number == STORE_LATEST_PUBLISHED)
                str_fit(number, sizeof(number), LATEST_PUBLISHED);
        else if (row->number > 0)
                snprintf(number, sizeof(number), "%lld", (long long)row->number);
        v = version_new(r, f, number, &config);
        load_status(v, row);
        if (row->number == STORE_LATEST_PUBLISHED) {
                f->latest_published = v;
        } else if (row->number == STORE_SERVING) {
                f->serving = v;
        } else if (row->number == 0) {
                f->latest = v;
                if (!f->serving)
                        f->serving = version_ref(v);
        } else {
                list_push_back(&f->versions, &v->link);
        }
        /* One that failed for good (its code cannot be unpacked) is not tried again. */
        if (v->status.state != STATE_FAILED && v->status.update != UPDATE_FAILED)
                registry_want_prepared(r, v);
        return 0;
}

static int load_alias(void *owner, const struct alias_row *row) {
        struct function *f = registry_find(owner, row->account, row->region, row->name);

        return f ? alias_load(f, row) : fault(-EUCLEAN);
}

static bool load_reservation(void *owner, const struct document_row *row) {
        struct function *f = registry_find(owner, row->account, row->region, row->owner);
        AUTO(json_tree) json_t *number = NULL;

        if (f && json_tree_parse(row->text, strlen(row->text), &number, NULL) == 0 && json_is_integer(number))
                concurrency_reserve(f->concurrency, json_integer_value(number));
        return true;
}

static int load_layer_digest(void *owner, const char *sha256) {
        if (strlen(sha256) != SHA256_HEX_LEN)
                return fault(-EUCLEAN);
        registry_hold(owner, sha256);
        return 0;
}

struct functions {
        struct registry *registry;
        struct function **items;
        size_t count;
};

/* The store is not asked again while it answers. */
static bool note_provisioned(void *owner, const struct document_row *row) {
        struct functions *found = owner;
        struct function *f = registry_find(found->registry, row->account, row->region, row->owner);

        if (f && (found->count == 0 || found->items[found->count - 1] != f)) {
                found->items = xrealloc(found->items, (found->count + 1) * sizeof(f));
                found->items[found->count++] = f;
        }
        return true;
}

static int load_provisioned(struct registry *r) {
        struct functions found = { .registry = r };
        int result = store_each_document_of(r->store, DOCUMENT_PROVISIONED, note_provisioned, &found);

        for (size_t i = 0; result == 0 && i < found.count; i++)
                result = provisioned_apply(r, found.items[i]);
        free(found.items);
        return result;
}

int registry_load(struct registry *r) {
        int result = store_each_function(r->store, load_function, r);

        if (result == 0)
                result = store_each_version(r->store, load_version, r);
        if (result == 0)
                result = store_each_alias(r->store, load_alias, r);
        if (result == 0)
                result = store_each_document_of(r->store, DOCUMENT_RESERVED, load_reservation, r);
        if (result == 0)
                result = load_provisioned(r);
        if (result == 0)
                result = store_each_layer_digest(r->store, load_layer_digest, r);
        if (result)
                return fault(result);
        for (struct map_node *node = NULL; (node = map_next(&r->functions, node));)
                if (!map_entry(node, struct function, node)->latest)
                        return fault(-EUCLEAN);
        return 0;
}
