/* SPDX-License-Identifier: Apache-2.0 */
#include "function/document.h"

#include "function/registry_private.h"

static struct document_row row_of(const struct document_name *name, const char *text) {
        return (struct document_row){
                name->account, name->region, name->kind, name->owner, name->part ? name->part : "", text
        };
}

static json_t *parse(const char *text) {
        json_t *document = NULL;

        json_tree_parse(text, strlen(text), &document, NULL);
        return document;
}

static void take_text(void *owner, const char *text) {
        *(json_t **)owner = parse(text);
}

int document_get(struct registry *r, const struct document_name *name, json_t **ret_document) {
        struct document_row row = row_of(name, NULL);
        int result = store_get_document(r->store, &row, take_text, ret_document);

        if (result == -ENOENT)
                return DOCUMENT_ABSENT;
        if (result == 0 && !*ret_document)
                result = -EUCLEAN;
        return result ? fault(result) : 0;
}

static int change(struct registry *r, const struct document_row *row) {
        int result = store_begin(r->store);

        if (result == 0)
                result = row->text ? store_put_document(r->store, row) : store_delete_document(r->store, row);
        if (result == 0)
                result = registry_commit(r);
        if (result) {
                store_rollback(r->store);
                return fault(result);
        }
        return 0;
}

int document_put(struct registry *r, const struct document_name *name, const json_t *document) {
        AUTO(str) char *text = json_tree_text(document);
        struct document_row row = row_of(name, text);

        return change(r, &row);
}

int document_delete(struct registry *r, const struct document_name *name) {
        struct document_row row = row_of(name, NULL);

        return change(r, &row);
}

struct each {
        bool (*visit)(void *owner, const struct document_name *name, json_t *document);
        void *owner;
        bool broken;
};

static bool visit_row(void *owner, const struct document_row *row) {
        const struct document_name name = { row->account, row->region, (enum document_kind)row->kind,
                                            row->owner, row->part };
        AUTO(json_tree) json_t *document = parse(row->text);
        struct each *each = owner;

        if (document)
                return each->visit(each->owner, &name, document);
        each->broken = true;
        return false;
}

int document_each(struct registry *r, const struct document_name *name, const char *after,
                  bool (*visit)(void *owner, const struct document_name *name, json_t *document),
                  void *owner) {
        struct each each = { visit, owner, false };
        struct document_row row = row_of(name, NULL);
        int result = store_each_document(r->store, &row, after, visit_row, &each);

        if (result == 0 && each.broken)
                result = -EUCLEAN;
        return result ? fault(result) : 0;
}
