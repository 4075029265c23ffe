/* SPDX-License-Identifier: Apache-2.0 */
/* aliases - CreateAlias, GetAlias, UpdateAlias, DeleteAlias, ListAliases */
#include "function/alias.h"

#include "api/constraints.h"
#include "api/operations.h"
#include "api/paging.h"
#include "engine/engine.h"

/* Fifty aliases. */
#define ANSWER_MAX_BYTES MIB

static void write_alias(struct json_writer *w, const struct function *f, const struct alias *a) {
        AUTO(str) char *arn = function_arn(f->region, f->account, f->name, a->name);
        char weight[REAL_TEXT];

        json_open_object(w, NULL);
        json_str(w, "AliasArn", arn);
        json_str(w, "Name", a->name);
        json_str(w, "FunctionVersion", a->version);
        json_str(w, "Description", a->description);
        if (a->other) {
                real_text(a->weight, weight);
                json_open_object(w, "RoutingConfig");
                json_open_object(w, "AdditionalVersionWeights");
                json_raw(w, a->other, weight, strlen(weight));
                json_close_object(w);
                json_close_object(w);
        }
        json_str(w, "RevisionId", a->revision_id);
        json_close_object(w);
}

static void answer(struct api_request *r, int status, const struct function *f, const struct alias *a) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);

        write_alias(&w, f, a);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, status, &body);
}

/* ---- the request ---- */

/* What the body changes. False: answered. */
static bool read_change(struct api_request *r, struct alias_change *ret_change) {
        json_t *routing = json_tree_get(r->body, "RoutingConfig");
        json_t *weights = json_tree_get(routing, "AdditionalVersionWeights");
        void *entry = json_object_iter(weights);

        *ret_change = (struct alias_change){
                .version = json_tree_str(r->body, "FunctionVersion"),
                .description = json_tree_str(r->body, "Description"),
                .routed = routing,
        };
        if (json_object_size(weights) > 1) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Number of items in AdditionalVersionWeights cannot be greater than 1");
                return false;
        }
        if (entry) {
                ret_change->other = json_object_iter_key(entry);
                ret_change->weight = json_number_value(json_object_iter_value(entry));
        }
        return true;
}

static void fail(struct api_request *r, const struct function_ref *ref, const char *name,
                 const struct alias_change *change, int result, const char *version) {
        AUTO(str) char *arn = function_arn(ref->region, ref->account, ref->name, name);

        if (result == ALIAS_EXISTS)
                api_fail(r, PROBLEM_CONFLICT, "Alias already exists: %s", arn);
        else if (result == ALIAS_NO_VERSION)
                api_fail_no_function(r, ref, version);
        else if (result == ALIAS_LATEST_WITH_OTHER)
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "$LATEST is not supported for an alias pointing to more than 1 version");
        else if (result == ALIAS_SAME_VERSION)
                api_fail(
                        r, PROBLEM_INVALID_PARAMETER,
                        "Invalid function version %s. Function version %s is already included in routing configuration.",
                        change->version ? change->version : change->other,
                        change->version ? change->version : change->other);
        else
                api_fail(r, PROBLEM_SERVICE, "The alias could not be stored: %s.", strerror(-result));
}

/* ---- the operations ---- */

void api_create_alias(struct api_request *r) {
        const char *name = json_tree_str(r->body, "Name"), *version;
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f = api_function(r, &ref);
        struct alias_change change;
        struct alias *a;
        int result;

        if (!f || !read_change(r, &change))
                return;
        result = alias_create(engine_registry(r->engine), f, name, &change, &a, &version);
        if (result)
                fail(r, &ref, name, &change, result, version);
        else
                answer(r, 201, f, a);
}

void api_get_alias(struct api_request *r) {
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f = api_function(r, &ref);
        struct alias *a = f ? function_alias(f, r->labels[1]) : NULL;

        if (a)
                answer(r, 200, f, a);
        else if (f)
                api_fail_no_alias(r, &ref, r->labels[1]);
}

static bool is_last_revision(struct api_request *r, const struct alias *a) {
        const char *revision = json_tree_str(r->body, "RevisionId");

        if (!revision || streq(revision, a->revision_id))
                return true;
        api_fail_revision(r, "GetFunction/GetAlias");
        return false;
}

void api_update_alias(struct api_request *r) {
        AUTO(function_ref) struct function_ref ref = {};
        struct function *f = api_function(r, &ref);
        struct alias *a = f ? function_alias(f, r->labels[1]) : NULL;
        struct alias_change change;
        const char *version;
        int result;

        if (!f)
                return;
        if (!a) {
                AUTO(str) char *arn = function_arn(ref.region, ref.account, ref.name, r->labels[1]);

                api_fail(r, PROBLEM_NOT_FOUND, "Alias not found: %s", arn);
                return;
        }
        if (!is_last_revision(r, a) || !read_change(r, &change))
                return;
        result = alias_update(engine_registry(r->engine), f, a, &change, &version);
        if (result)
                fail(r, &ref, a->name, &change, result, version);
        else
                answer(r, 200, f, a);
}

void api_delete_alias(struct api_request *r) {
        struct function *f = api_function(r, NULL);
        struct alias *a = f ? function_alias(f, r->labels[1]) : NULL;
        int result = 0;

        if (!f)
                return;
        if (a)
                result = alias_delete(engine_registry(r->engine), f, a);
        if (result)
                api_fail(r, PROBLEM_SERVICE, "The alias could not be deleted: %s.", strerror(-result));
        else
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

static bool points_to(const struct alias *a, const char *version) {
        return !version || streq(a->version, version) || (a->other && streq(a->other, version));
}

void api_list_aliases(struct api_request *r) {
        AUTO(str) char *version = http_query_param(r->exchange, "FunctionVersion");
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        struct function *f = api_function(r, NULL);
        AUTO(page) struct page page = {};
        struct alias *a;

        if (!f || !page_begin(r, &page))
                return;
        json_open_object(&w, NULL);
        json_open_array(&w, "Aliases");
        list_each(a, &f->aliases, link) {
                if (!points_to(a, version) || (page.after_name && strcmp(a->name, page.after_name) <= 0))
                        continue;
                if (!page_take(&page, a->name, 0))
                        break;
                write_alias(&w, f, a);
        }
        json_close_array(&w);
        page_write_marker(&page, &w);
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, 200, &body);
}
