/* SPDX-License-Identifier: Apache-2.0 */
/* urls - the configuration of function URLs; requests to them are not served yet (docs/settings.md) */
#include "api/operations.h"
#include "api/paging.h"
#include "api/view.h"
#include "engine/engine.h"
#include "function/document.h"

#define ID_LEN 32

static nsec_t now(const struct api_request *r) {
        return loop_wall(engine_loop(r->engine));
}

static struct document_name name_of(const struct subject *s) {
        return document_of(s->function, DOCUMENT_URL, s->qualifier);
}

/* ---- what a configuration looks like ---- */

/* The document is what clients see, with times as text. */
static void set_from_body(json_t *document, const json_t *body) {
        static const char *const members[] = { "AuthType", "Cors", "InvokeMode" };

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (json_tree_get(body, members[i]))
                        json_object_set(document, members[i], json_tree_get(body, members[i]));
}

static void set_time(json_t *document, const char *member, nsec_t wall) {
        char text[32];

        view_zulu(wall, text);
        json_object_set_new(document, member, json_string(text));
}

/* The host is the function's alone, and says nothing about it. */
static json_t *new_document(struct api_request *r, const struct subject *s) {
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz234567";
        unsigned char drawn[ID_LEN];
        char id[ID_LEN + 1] = "";
        AUTO(str) char *arn = function_arn(s->ref.region, s->ref.account, s->ref.name, s->ref.qualifier);
        json_t *document;

        random_bytes(drawn, sizeof(drawn));
        for (size_t i = 0; i < ID_LEN; i++)
                id[i] = digits[drawn[i] % 32];
        document = json_object();
        json_object_set_new(document, "FunctionUrl",
                            json_sprintf("https://%s.lambda-url.%s.on.aws/", id, s->ref.region));
        json_object_set_new(document, "FunctionArn", json_string(arn));
        set_time(document, "CreationTime", now(r));
        set_from_body(document, r->body);
        return document;
}

/* The answers to creation and update show the mode only if the request had it. */
static void answer_changed(struct api_request *r, int status, json_t *document, bool created) {
        if (!json_tree_get(r->body, "InvokeMode"))
                json_object_del(document, "InvokeMode");
        if (created)
                json_object_del(document, "LastModifiedTime");
        api_reply_tree(r, status, json_incref(document));
}

/* ---- the operations ---- */

static void fail_no_function(struct api_request *r) {
        api_fail(r, PROBLEM_NOT_FOUND, "Function does not exist");
}

static void fail_no_url(struct api_request *r) {
        api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
}

/* 0, DOCUMENT_ABSENT, -errno. */
static int get(struct api_request *r, const struct subject *s, json_t **ret_document) {
        const struct document_name name = s->version ? name_of(s) : (struct document_name){};

        return s->version ? document_get(engine_registry(r->engine), &name, ret_document) : DOCUMENT_ABSENT;
}

static bool put(struct api_request *r, const struct subject *s, json_t *document) {
        const struct document_name name = name_of(s);

        set_time(document, "LastModifiedTime", now(r));
        if (!json_tree_get(document, "InvokeMode"))
                json_object_set_new(document, "InvokeMode", json_string("BUFFERED"));
        return api_stored(r, document_put(engine_registry(r->engine), &name, document));
}

void api_create_function_url_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        int result;

        if (!api_subject(r, &s))
                return;
        if (!s.version) {
                fail_no_function(r);
                return;
        }
        if (s.version->config.per_tenant) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "Function URLs are not supported for functions with TenancyConfig.");
                return;
        }
        result = get(r, &s, &document);
        if (!api_stored(r, result))
                return;
        if (result == 0) {
                api_fail(
                        r, PROBLEM_CONFLICT,
                        "Failed to create function url config for [functionArn = %s]. Error message:  FunctionUrlConfig "
                        "exists for this Lambda function",
                        json_tree_str(document, "FunctionArn"));
                return;
        }
        document = new_document(r, &s);
        if (put(r, &s, document))
                answer_changed(r, 201, document, true);
}

void api_get_function_url_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        int result;

        if (!api_subject(r, &s) || !api_stored(r, result = get(r, &s, &document)))
                return;
        if (result == DOCUMENT_ABSENT)
                fail_no_url(r);
        else
                api_reply_tree(r, 200, json_incref(document));
}

void api_update_function_url_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        int result;

        if (!api_subject(r, &s))
                return;
        if (!s.version) {
                fail_no_function(r);
                return;
        }
        result = get(r, &s, &document);
        if (!api_stored(r, result))
                return;
        if (result == DOCUMENT_ABSENT) {
                fail_no_url(r);
                return;
        }
        set_from_body(document, r->body);
        if (put(r, &s, document))
                answer_changed(r, 200, document, false);
}

void api_delete_function_url_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;
        AUTO(subject) struct subject s = {};
        struct document_name name;
        int result;

        if (!api_subject(r, &s) || !api_stored(r, result = get(r, &s, &document)))
                return;
        if (result == DOCUMENT_ABSENT) {
                fail_no_url(r);
                return;
        }
        name = name_of(&s);
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

void api_list_function_url_configs(struct api_request *r) {
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;
        AUTO(subject) struct subject s = {};
        struct document_name name;

        if (!api_subject(r, &s))
                return;
        if (!s.function) {
                fail_no_function(r);
                return;
        }
        name = document_of(s.function, DOCUMENT_URL, NULL);
        if (page_begin(r, &l.page) &&
            api_stored(r, document_each(engine_registry(r->engine), &name, l.page.after_name, list_one, &l)))
                api_reply_tree(r, 200, page_tree(&l.page, "FunctionUrlConfigs", items));
        page_clear(&l.page);
}
