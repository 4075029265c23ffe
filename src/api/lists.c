/* SPDX-License-Identifier: Apache-2.0 */
/* lists - ListFunctions, ListVersionsByFunction */
#include "api/operations.h"
#include "api/paging.h"
#include "api/view.h"
#include "engine/engine.h"

/* Fifty configurations of the greatest size. */
#define ANSWER_MAX_BYTES (256 * MIB)

/* Where LATEST_PUBLISHED, which has no number, is among those that have. */
#define BEHIND_ALL INT64_MAX

struct listing {
        struct page page;
        struct json_writer *writer;
        bool all_versions;
};

/* $LATEST, the published versions, the one that is called so: as far as they fit and are not behind us. */
static bool list_versions(struct listing *l, const struct function *f, bool resumed) {
        struct version *v;

        if (!resumed) {
                if (!page_take(&l->page, f->name, 0))
                        return false;
                view_version(l->writer, NULL, f->latest, "$LATEST", VIEW_LISTED);
        }
        list_each(v, &f->versions, link) {
                uint64_t number = strtoull(v->number, NULL, 10);

                if (resumed && number <= l->page.after_number)
                        continue;
                if (!page_take(&l->page, f->name, number))
                        return false;
                view_version(l->writer, NULL, v, v->number, VIEW_LISTED);
        }
        if (!f->latest_published || (resumed && l->page.after_number == BEHIND_ALL))
                return true;
        if (!page_take(&l->page, f->name, BEHIND_ALL))
                return false;
        view_version(l->writer, NULL, f->latest_published, LATEST_PUBLISHED, VIEW_LISTED);
        return true;
}

static bool list_function(void *owner, struct function *f) {
        struct listing *l = owner;

        if (l->all_versions)
                return list_versions(l, f, false);
        if (!page_take(&l->page, f->name, 0))
                return false;
        view_version(l->writer, NULL, f->latest, NULL, VIEW_LISTED);
        return true;
}

static void reply(struct api_request *r, struct listing *l, struct json_writer *w) {
        json_close_array(w);
        page_write_marker(&l->page, w);
        json_close_object(w);
        must(json_writer_end(w) == 0);
        api_reply_json(r, 200, w->buf);
        page_clear(&l->page);
}

void api_list_functions(struct api_request *r) {
        AUTO(str) char *version = http_query_param(r->exchange, "FunctionVersion");
        struct registry *registry = engine_registry(r->engine);
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        struct listing l = { .writer = &w };
        struct function *f;
        bool go_on = true;
        int result = 0;

        if (!page_begin(r, &l.page))
                return;
        l.all_versions = version != NULL;
        json_open_object(&w, NULL);
        json_open_array(&w, "Functions");
        if (l.all_versions && l.page.after_name &&
            (f = registry_find(registry, r->account, r->region, l.page.after_name)))
                go_on = list_versions(&l, f, true);
        if (go_on)
                result = registry_each(registry, r->account, r->region, l.page.after_name, list_function, &l);
        if (result) {
                page_clear(&l.page);
                api_fail(r, PROBLEM_SERVICE, "The functions could not be listed: %s.", strerror(-result));
                return;
        }
        reply(r, &l, &w);
}

void api_list_versions_by_function(struct api_request *r) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        struct listing l = { .writer = &w };
        struct function *f;

        if (!(f = api_function(r, NULL)) || !page_begin(r, &l.page))
                return;
        json_open_object(&w, NULL);
        json_open_array(&w, "Versions");
        list_versions(&l, f, l.page.after_name != NULL);
        reply(r, &l, &w);
}
