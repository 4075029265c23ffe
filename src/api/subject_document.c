/* SPDX-License-Identifier: Apache-2.0 */
#include "api/subject_document.h"

#include "api/paging.h"
#include "engine/engine.h"

struct document_name subject_document(const struct subject_kind *k, const struct subject *s) {
        return document_of(s->function, k->kind, s->qualifier);
}

int subject_document_get(struct api_request *r, const struct subject_kind *k, const struct subject *s,
                         json_t **ret_document) {
        struct document_name name;

        if (!s->version)
                return DOCUMENT_ABSENT;
        name = subject_document(k, s);
        return document_get(engine_registry(r->engine), &name, ret_document);
}

bool subject_document_read(struct api_request *r, const struct subject_kind *k, struct subject *ret_subject,
                           json_t **ret_document) {
        int result;

        if (!api_subject(r, ret_subject))
                return false;
        result = subject_document_get(r, k, ret_subject, ret_document);
        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT)
                k->fail_absent(r, ret_subject);
        return result == 0;
}

void subject_document_show(struct api_request *r, const struct subject_kind *k) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};

        if (subject_document_read(r, k, &s, &document))
                api_reply_tree(r, 200, json_incref(document));
}

void subject_document_delete(struct api_request *r, const struct subject_kind *k) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        struct document_name name;

        if (!subject_document_read(r, k, &s, &document))
                return;
        name = subject_document(k, &s);
        if (api_stored(r, document_delete(engine_registry(r->engine), &name)))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

struct listing {
        struct page page;
        json_t *items;
};

static bool list_one(void *owner, const struct document_name *name, json_t *document) {
        struct listing *l = owner;

        return page_take(&l->page, name->part, 0) && json_array_append(l->items, document) == 0;
}

void subject_document_list(struct api_request *r, const struct subject_kind *k) {
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;
        AUTO(subject) struct subject s = {};
        struct document_name name;

        if (!api_subject(r, &s))
                return;
        if (!s.function) {
                k->fail_no_function(r);
                return;
        }
        name = document_of(s.function, k->kind, NULL);
        if (page_begin(r, &l.page) &&
            api_stored(r, document_each(engine_registry(r->engine), &name, l.page.after_name, list_one, &l)))
                api_reply_tree(r, 200, page_tree(&l.page, k->listed, items));
        page_clear(&l.page);
}
