/* SPDX-License-Identifier: Apache-2.0 */
/* code_signing - configurations of code signing, and which functions have which; no signature is checked */
#include "api/code_signing.h"

#include "api/operations.h"
#include "api/paging.h"
#include "api/tags.h"
#include "api/view.h"
#include "engine/engine.h"
#include "function/document.h"

#define ID_LEN 17

/* ---- names ---- */

static const char *id_of(const char *arn) {
        const char *last = strrchr(arn, ':');

        return last ? last + 1 : arn;
}

/* The configuration of an ARN is looked for where the caller is. */
static struct document_name name_of(const struct api_request *r, const char *arn) {
        return (struct document_name){ r->account, r->region, DOCUMENT_CODE_SIGNING, id_of(arn), NULL };
}

static int get(struct api_request *r, const char *arn, json_t **ret_document) {
        const struct document_name name = name_of(r, arn);
        int result = document_get(engine_registry(r->engine), &name, ret_document);

        /* One of another account or region has another ARN. */
        if (result == 0 && !streq(json_tree_str(*ret_document, "CodeSigningConfigArn"), arn))
                return DOCUMENT_ABSENT;
        return result;
}

/* The configuration that the path names. False: answered. */
static bool read_config(struct api_request *r, json_t **ret_document) {
        int result = get(r, r->labels[0], ret_document);

        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT)
                api_fail(r, PROBLEM_NOT_FOUND_BARE,
                         "The Lambda code signing configuration %s can not be found.", r->labels[0]);
        return result == 0;
}

bool code_signing_exists(struct api_request *r, const char *arn) {
        AUTO(json_tree) json_t *document = NULL;
        int result = get(r, arn, &document);

        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT)
                api_fail(
                        r, PROBLEM_NO_CODE_SIGNING,
                        "The code signing configuration cannot be found. Check that the provided configuration is not "
                        "deleted: %s.",
                        arn);
        return result == 0;
}

/* ---- configurations ---- */

static void set_from_body(json_t *document, const json_t *body) {
        static const char *const members[] = { "Description", "AllowedPublishers", "CodeSigningPolicies" };

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                if (json_tree_get(body, members[i]))
                        json_object_set(document, members[i], json_tree_get(body, members[i]));
}

static void answer(struct api_request *r, int status, json_t *document) {
        api_reply_tree(r, status, json_pack("{s:O}", "CodeSigningConfig", document));
}

static bool put(struct api_request *r, const char *arn, json_t *document) {
        const struct document_name name = name_of(r, arn);
        char modified[32];

        view_time(loop_wall(engine_loop(r->engine)), modified);
        json_object_set_new(document, "LastModified", json_string(modified));
        return api_stored(r, document_put(engine_registry(r->engine), &name, document));
}

void api_create_code_signing_config(struct api_request *r) {
        static const char digits[] = "abcdefghijklmnopqrstuvwxyz0123456789";
        const json_t *tags = json_tree_get(r->body, "Tags");
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        AUTO(json_tree) json_t *document = json_object();
        AUTO(str) char *arn = NULL;
        unsigned char drawn[ID_LEN];
        char id[ID_LEN + 1] = "";

        if (!tags_check(tags, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        random_bytes(drawn, sizeof(drawn));
        for (size_t i = 0; i < ID_LEN; i++)
                id[i] = digits[drawn[i] % (sizeof(digits) - 1)];
        arn = xasprintf("arn:%s:lambda:%s:%s:code-signing-config:csc-%s", region_partition(r->region),
                        r->region, r->account, id);
        json_object_set_new(document, "CodeSigningConfigId", json_string(id_of(arn)));
        json_object_set_new(document, "CodeSigningConfigArn", json_string(arn));
        json_object_set_new(document, "CodeSigningPolicies",
                            json_pack("{s:s}", "UntrustedArtifactOnDeployment", "Warn"));
        set_from_body(document, r->body);
        if (put(r, arn, document) && api_stored(r, tags_put(r, arn, tags)))
                answer(r, 201, document);
}

void api_get_code_signing_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;

        if (read_config(r, &document))
                answer(r, 200, document);
}

void api_update_code_signing_config(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;

        if (!read_config(r, &document))
                return;
        set_from_body(document, r->body);
        if (put(r, r->labels[0], document))
                answer(r, 200, document);
}

struct listing {
        struct page page;
        json_t *items;
        const char *arn; /* only functions that have this one */
};

static bool list_config(void *owner, const struct document_name *name, json_t *document) {
        struct listing *l = owner;

        return page_take(&l->page, name->owner, 0) && json_array_append(l->items, document) == 0;
}

static bool list_function(void *owner, const struct document_name *name, json_t *document) {
        struct listing *l = owner;
        AUTO(str) char *arn = NULL;

        if (!streq(json_string_value(document), l->arn))
                return true;
        if (!page_take(&l->page, name->owner, 0))
                return false;
        arn = function_arn(name->region, name->account, name->owner, NULL);
        return json_array_append_new(l->items, json_string(arn)) == 0;
}

void api_list_code_signing_configs(struct api_request *r) {
        const struct document_name name = { r->account, r->region, DOCUMENT_CODE_SIGNING, NULL, NULL };
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;

        if (page_begin(r, &l.page) && api_stored(r, document_each(engine_registry(r->engine), &name,
                                                                  l.page.after_name, list_config, &l)))
                api_reply_tree(r, 200, page_tree(&l.page, "CodeSigningConfigs", items));
        page_clear(&l.page);
}

/* False: answered. */
static bool list_functions(struct api_request *r, struct listing *l) {
        const struct document_name name = { r->account, r->region, DOCUMENT_SIGNED_BY, NULL, NULL };

        l->arn = r->labels[0];
        return api_stored(
                r, document_each(engine_registry(r->engine), &name, l->page.after_name, list_function, l));
}

void api_list_functions_by_code_signing_config(struct api_request *r) {
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;
        AUTO(json_tree) json_t *document = NULL;

        if (read_config(r, &document) && page_begin(r, &l.page) && list_functions(r, &l))
                api_reply_tree(r, 200, page_tree(&l.page, "FunctionArns", items));
        page_clear(&l.page);
}

void api_delete_code_signing_config(struct api_request *r) {
        struct listing users = { .page = { .most = 1 }, .items = json_array() };
        AUTO(json_tree) json_t *items = users.items;
        AUTO(json_tree) json_t *document = NULL;
        const struct document_name name = name_of(r, r->labels[0]);

        if (!read_config(r, &document) || !list_functions(r, &users))
                return;
        page_clear(&users.page);
        if (json_array_size(items) > 0)
                api_fail(
                        r, PROBLEM_CONFLICT,
                        "The code signing configuration %s is in use by functions. Take it away from them first.",
                        r->labels[0]);
        else if (api_stored(r, document_delete(engine_registry(r->engine), &name)) &&
                 api_stored(r, tags_put(r, r->labels[0], NULL)))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

/* ---- of functions ---- */

static void answer_function(struct api_request *r, const struct function *f, const char *arn) {
        api_reply_tree(r, 200, json_pack("{s:s, s:s}", "CodeSigningConfigArn", arn, "FunctionName", f->name));
}

int code_signing_use(struct api_request *r, const struct function *f, const char *arn) {
        const struct document_name name = document_of(f, DOCUMENT_SIGNED_BY, NULL);
        AUTO(json_tree) json_t *document = json_string(arn);

        return document_put(engine_registry(r->engine), &name, document);
}

void api_put_function_code_signing_config(struct api_request *r) {
        const char *arn = json_tree_str(r->body, "CodeSigningConfigArn");
        struct function *f;

        if (!code_signing_exists(r, arn) || !(f = api_function(r, NULL)))
                return;
        if (api_stored(r, code_signing_use(r, f, arn)))
                answer_function(r, f, arn);
}

void api_get_function_code_signing_config(struct api_request *r) {
        struct function *f = api_function(r, NULL);
        AUTO(json_tree) json_t *document = NULL;
        struct document_name name;
        int result;

        if (!f)
                return;
        name = document_of(f, DOCUMENT_SIGNED_BY, NULL);
        result = document_get(engine_registry(r->engine), &name, &document);
        if (!api_stored(r, result))
                return;
        if (result == 0)
                answer_function(r, f, json_string_value(document));
        else
                api_reply_tree(r, 200, json_object());
}

void api_delete_function_code_signing_config(struct api_request *r) {
        struct function *f = api_function(r, NULL);
        struct document_name name;

        if (!f)
                return;
        name = document_of(f, DOCUMENT_SIGNED_BY, NULL);
        if (api_stored(r, document_delete(engine_registry(r->engine), &name)))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}
