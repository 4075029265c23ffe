/* SPDX-License-Identifier: Apache-2.0 */
#include "function/layers.h"

#include "function/document.h"
#include "function/registry_private.h"

void layer_version_clear(struct layer_version *l) {
        free(l->account);
        free(l->region);
        free(l->name);
        free(l->description);
        free(l->license);
        free(l->runtimes_json);
        free(l->architectures_json);
        free(l->s3_object_json);
        *l = (struct layer_version){};
}

char *layer_arn(const char *region, const char *account, const char *name, uint64_t number) {
        char *arn, *numbered;

        if (!*account)
                return xstrcat("arn:aws:lambda:::awslayer:", name, NULL);
        arn = xasprintf("arn:%s:lambda:%s:%s:layer:%s", region_partition(region), region, account, name);
        if (number == 0)
                return arn;
        numbered = xasprintf("%s:%llu", arn, (unsigned long long)number);
        free(arn);
        return numbered;
}

static int put(struct registry *r, const struct layer_version *l) {
        return store_put_layer(r->store, &(struct layer_row){ .account = l->account,
                                                              .region = l->region,
                                                              .name = l->name,
                                                              .number = l->number,
                                                              .description = l->description,
                                                              .license = l->license,
                                                              .runtimes = l->runtimes_json,
                                                              .architectures = l->architectures_json,
                                                              .sha256 = l->sha256,
                                                              .size = l->code_size,
                                                              .unzipped = l->unzipped,
                                                              .created = l->created });
}

/* ---- which object of S3 it is ---- */

static struct document_row reference_row(const char *account, const char *region, const char *name,
                                         uint64_t number, char part[static U64_TEXT]) {
        return (struct document_row){
                account, region, DOCUMENT_REFERENCED_LAYER, name, u64_text(number, part), NULL
        };
}

static int put_reference(struct registry *r, const struct layer_version *l) {
        char part[U64_TEXT];
        struct document_row row = reference_row(l->account, l->region, l->name, l->number, part);

        row.text = l->s3_object_json;
        return row.text ? store_put_document(r->store, &row) : 0;
}

static void copy_text(void *owner, const char *text) {
        *(char **)owner = xstrdup(text);
}

static int read_reference(struct registry *r, struct layer_version *l) {
        char part[U64_TEXT];
        struct document_row row = reference_row(l->account, l->region, l->name, l->number, part);
        int result = store_get_document(r->store, &row, copy_text, &l->s3_object_json);

        return result == -ENOENT ? 0 : result;
}

static int delete_reference(struct registry *r, const char *account, const char *region, const char *name,
                            uint64_t number) {
        char part[U64_TEXT];
        struct document_row row = reference_row(account, region, name, number, part);

        return store_delete_document(r->store, &row);
}

/* ---- the versions ---- */

static int save(struct registry *r, struct layer_version *l) {
        int result = store_begin(r->store);

        if (result == 0)
                result = store_next_layer_number(r->store, l->account, l->region, l->name, &l->number);
        if (result == 0)
                result = put(r, l);
        if (result == 0)
                result = put_reference(r, l);
        if (result == 0)
                result = registry_commit(r);
        if (result)
                store_rollback(r->store);
        return result;
}

int layers_publish(struct registry *r, struct layer_version *layer) {
        int result;

        layer->created = loop_wall(r->loop);
        result = save(r, layer);
        if (result)
                return fault(result);
        registry_hold(r, layer->sha256);
        return 0;
}

/* A view of the row: the strings stay the row's. */
static struct layer_version borrow(const struct layer_row *row) {
        struct layer_version l = {
                .account = (char *)row->account,
                .region = (char *)row->region,
                .name = (char *)row->name,
                .number = row->number,
                .description = (char *)row->description,
                .license = (char *)row->license,
                .runtimes_json = (char *)row->runtimes,
                .architectures_json = (char *)row->architectures,
                .code_size = row->size,
                .unzipped = row->unzipped,
                .created = row->created,
        };

        if (strlen(row->sha256) == SHA256_HEX_LEN)
                memcpy(l.sha256, row->sha256, SHA256_HEX_LEN + 1);
        return l;
}

static void copy_row(void *owner, const struct layer_row *row) {
        struct layer_version *l = owner;

        *l = borrow(row);
        l->account = xstrdup(l->account);
        l->region = xstrdup(l->region);
        l->name = xstrdup(l->name);
        l->description = xstrdup(l->description);
        l->license = l->license ? xstrdup(l->license) : NULL;
        l->runtimes_json = xstrdup(l->runtimes_json);
        l->architectures_json = xstrdup(l->architectures_json);
}

int layers_get(struct registry *r, const char *account, const char *region, const char *name, uint64_t number,
               struct layer_version *ret_layer) {
        int result = store_get_layer(r->store, account, region, name, number, copy_row, ret_layer);

        if (result == -ENOENT)
                return LAYERS_NOT_FOUND;
        if (result == 0)
                result = read_reference(r, ret_layer);
        if (result)
                layer_version_clear(ret_layer);
        return result;
}

/* ---- imported ones ---- */

static struct document_row imported_row(const char *region, const char *arn, const char *text) {
        return (struct document_row){ "", region, DOCUMENT_IMPORTED_LAYER, arn, "", text };
}

static int replace(struct registry *r, const struct layer_version *l, const char *from) {
        AUTO(str) char *arn = layer_arn(l->region, l->account, l->name, l->number);
        AUTO(str) char *text = xasprintf("\"%s\"", from);
        struct document_row row = imported_row(l->region, arn, text);
        int result = store_begin(r->store);

        if (result == 0)
                result = store_reserve_layer_number(r->store, l->account, l->region, l->name, l->number);
        if (result == 0)
                result = store_delete_layer(r->store, l->account, l->region, l->name, l->number);
        if (result == 0)
                result = delete_reference(r, l->account, l->region, l->name, l->number);
        if (result == 0)
                result = put(r, l);
        if (result == 0)
                result = store_put_document(r->store, &row);
        if (result == 0)
                result = registry_commit(r);
        if (result)
                store_rollback(r->store);
        return result;
}

int layers_import(struct registry *r, struct layer_version *layer, const char *from) {
        AUTO(layer_version) struct layer_version before = {};
        int result = layers_get(r, layer->account, layer->region, layer->name, layer->number, &before);
        bool replaces = result == 0;

        if (result < 0)
                return fault(result);
        layer->created = loop_wall(r->loop);
        result = replace(r, layer, from);
        if (result)
                return fault(result);
        registry_hold(r, layer->sha256);
        if (replaces)
                registry_release(r, before.sha256);
        return 0;
}

static void ignore_text(void *owner, const char *text) {
}

bool layers_is_imported(struct registry *r, const char *region, const char *arn) {
        struct document_row row = imported_row(region, arn, NULL);

        return store_get_document(r->store, &row, ignore_text, NULL) == 0;
}

static int delete_import(struct registry *r, const char *account, const char *region, const char *name,
                         uint64_t number) {
        AUTO(str) char *arn = layer_arn(region, account, name, number);
        struct document_row row = imported_row(region, arn, NULL);

        return store_delete_document(r->store, &row);
}

static int delete_policy(struct registry *r, const char *account, const char *region, const char *name,
                         uint64_t number) {
        char part[U64_TEXT];

        return store_delete_document(r->store, &(struct document_row){ account, region, DOCUMENT_LAYER_POLICY,
                                                                       name, u64_text(number, part), NULL });
}

int layers_delete(struct registry *r, const char *account, const char *region, const char *name,
                  uint64_t number) {
        AUTO(layer_version) struct layer_version l = {};
        int result = layers_get(r, account, region, name, number, &l);

        if (result)
                return result == LAYERS_NOT_FOUND ? 0 : fault(result);
        result = store_begin(r->store);
        if (result == 0)
                result = store_delete_layer(r->store, account, region, name, number);
        if (result == 0)
                result = delete_policy(r, account, region, name, number);
        if (result == 0)
                result = delete_import(r, account, region, name, number);
        if (result == 0)
                result = delete_reference(r, account, region, name, number);
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                return fault(result);
        }
        registry_release(r, l.sha256);
        return 0;
}

struct each {
        struct registry *registry;
        int result;
        bool (*visit)(void *owner, const struct layer_version *layer);
        void *owner;
};

static bool visit_row(void *owner, const struct layer_row *row) {
        struct each *each = owner;
        struct layer_version l = borrow(row);
        bool more;

        each->result = read_reference(each->registry, &l);
        more = each->result == 0 && each->visit(each->owner, &l);
        free(l.s3_object_json);
        return more;
}

int layers_each(struct registry *r, const char *account, const char *region, const char *name,
                const char *after, bool (*visit)(void *owner, const struct layer_version *layer),
                void *owner) {
        struct each each = { .registry = r, .visit = visit, .owner = owner };
        int result = store_each_layer(r->store, account, region, name, after, visit_row, &each);

        return result ? result : each.result;
}
