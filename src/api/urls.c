/* SPDX-License-Identifier: Apache-2.0 */
/* urls - the configuration of function URLs; requests to them are not served yet (docs/settings.md) */
#include "api/operations.h"
#include "api/subject_document.h"
#include "api/view.h"
#include "engine/engine.h"

#define ID_LEN 32

static nsec_t now(const struct api_request *r) {
        return loop_wall(engine_loop(r->engine));
}

static void fail_no_function(struct api_request *r) {
        api_fail(r, PROBLEM_NOT_FOUND, "Function does not exist");
}

static void fail_no_url(struct api_request *r, const struct subject *s) {
        api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
}

static const struct subject_kind url = {
        .kind = DOCUMENT_URL,
        .listed = "FunctionUrlConfigs",
        .fail_absent = fail_no_url,
        .fail_no_function = fail_no_function,
};

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

static bool put(struct api_request *r, const struct subject *s, json_t *document) {
        const struct document_name name = subject_document(&url, s);

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
        result = subject_document_get(r, &url, &s, &document);
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
        subject_document_show(r, &url);
}

/* Unlike the others it tells a function that is not there from a URL that is not. */
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
        result = subject_document_get(r, &url, &s, &document);
        if (!api_stored(r, result))
                return;
        if (result == DOCUMENT_ABSENT) {
                fail_no_url(r, &s);
                return;
        }
        set_from_body(document, r->body);
        if (put(r, &s, document))
                answer_changed(r, 200, document, false);
}

void api_delete_function_url_config(struct api_request *r) {
        subject_document_delete(r, &url);
}

void api_list_function_url_configs(struct api_request *r) {
        subject_document_list(r, &url);
}
