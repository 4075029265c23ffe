/* SPDX-License-Identifier: Apache-2.0 */
/* tags - TagResource, UntagResource, ListTags */
#include "api/tags.h"

#include "api/access.h"
#include "api/names.h"
#include "api/operations.h"
#include "base/json.h"
#include "engine/engine.h"
#include "function/document.h"

/* Fifty tags of the greatest size, escaped. */
#define ANSWER_MAX_BYTES MIB

bool tags_check(const json_t *tags, struct problem *ret_problem) {
        if (json_object_size(tags) <= TAGS_MAX)
                return true;
        return problem_set(ret_problem, PROBLEM_INVALID_PARAMETER,
                           "Number of tags exceeds resource tag limit.");
}

/* What is tagged: a function, or something that is a document. */
struct tagged {
        struct function *function;
        const char *arn;
        json_t *tags;
};

static void tagged_freep(struct tagged *t) {
        json_decref(t->tags);
}

/* "arn:aws:lambda:REGION:ACCOUNT:KIND:NAME[:QUALIFIER]", cut; the model's pattern has seen it. */
struct arn_parts {
        char *text, *part[8];
        size_t count;
};

static void arn_parts_freep(struct arn_parts *p) {
        free(p->text);
}

static void split(const char *arn, struct arn_parts *ret_parts) {
        char *rest = ret_parts->text = xstrdup(arn), *part;

        while (ret_parts->count < ARRAY_SIZE(ret_parts->part) && (part = strsep(&rest, ":")))
                ret_parts->part[ret_parts->count++] = part;
}

static bool may_touch_function(struct api_request *r, const struct arn_parts *arn) {
        struct function_ref ref = { .region = arn->part[3], .name = arn->part[6] };

        str_fit(ref.account, sizeof(ref.account), arn->part[4]);
        return access_function(r, &ref);
}

static bool find_function(struct api_request *r, const struct arn_parts *arn, struct tagged *t) {
        if (arn->count > 7) {
                api_fail(
                        r, PROBLEM_INVALID_PARAMETER,
                        "Tags on function aliases and versions are not supported. Please specify a function ARN.");
                return false;
        }
        t->function = registry_find(engine_registry(r->engine), arn->part[4], arn->part[3], arn->part[6]);
        if (!t->function) {
                api_fail(r, PROBLEM_NOT_FOUND, "Function not found: %s", t->arn);
                return false;
        }
        if (t->function->tags_json)
                json_tree_parse(t->function->tags_json, strlen(t->function->tags_json), &t->tags, NULL);
        return true;
}

/* What is a document and has tags, by the sixth part of its ARN; and what is said around the ARN when there is none. */
static const struct kind {
        const char *name;
        enum document_kind kind;
        const char *before, *after; /* after NULL: without the ARN */
} kinds[] = {
        { "event-source-mapping", DOCUMENT_EVENT_SOURCE, "The resource you requested does not exist.", NULL },
        { "code-signing-config", DOCUMENT_CODE_SIGNING, "The Lambda code signing configuration ",
          " can not be found." },
        { "capacity-provider", DOCUMENT_CAPACITY_PROVIDER, "Capacity provider not found: ", "" },
};

static const struct kind *kind_of(const char *name) {
        for (size_t i = 0; i < ARRAY_SIZE(kinds); i++)
                if (streq(kinds[i].name, name))
                        return &kinds[i];
        return NULL;
}

static bool find_document(struct api_request *r, const struct arn_parts *arn, const struct kind *kind,
                          struct tagged *t) {
        const struct document_name name = { arn->part[4], arn->part[3], kind->kind, arn->part[6], NULL };
        const struct document_name tags = { arn->part[4], arn->part[3], DOCUMENT_TAGS, t->arn, NULL };
        AUTO(json_tree) json_t *document = NULL;
        int result = document_get(engine_registry(r->engine), &name, &document);

        if (result == DOCUMENT_ABSENT)
                api_fail(r, PROBLEM_NOT_FOUND, "%s%s%s", kind->before, kind->after ? t->arn : "",
                         kind->after ? kind->after : "");
        else if (result == 0)
                result = document_get(engine_registry(r->engine), &tags, &t->tags);
        return api_stored(r, result) && !r->answered;
}

/* The tags as they are. False: answered. */
static bool read_tagged(struct api_request *r, struct tagged *ret_tagged) {
        AUTO(arn_parts) struct arn_parts arn = {};
        struct tagged *t = ret_tagged;
        const struct kind *kind;

        t->arn = r->labels[0];
        split(t->arn, &arn);
        if (arn.count < 7) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "An error occurred and the request cannot be processed.");
                return false;
        }
        if (streq(arn.part[5], "function")) {
                if (!may_touch_function(r, &arn) || !find_function(r, &arn, t))
                        return false;
        } else if ((kind = kind_of(arn.part[5]))) {
                if (!access_own(r, arn.part[4], t->arn) || !find_document(r, &arn, kind, t))
                        return false;
        } else {
                /* A network connector: there are none. */
                api_fail(r, PROBLEM_NOT_FOUND, "The resource you requested does not exist.");
                return false;
        }
        if (!t->tags)
                t->tags = json_object();
        return true;
}

static void save(struct api_request *r, const struct tagged *t) {
        AUTO(str) char *text = json_object_size(t->tags) ? json_tree_text(t->tags) : NULL;
        int result;

        if (t->function)
                result = registry_set_tags(engine_registry(r->engine), t->function, text);
        else
                result = tags_put(r, t->arn, t->tags);
        if (api_stored(r, result))
                api_reply(r, 204, NULL, NULL, NULL, 0);
}

int tags_put(struct api_request *r, const char *arn, const json_t *tags) {
        AUTO(arn_parts) struct arn_parts parts = {};
        struct document_name name;

        split(arn, &parts);
        name = (struct document_name){ parts.part[4], parts.part[3], DOCUMENT_TAGS, arn, NULL };
        return json_object_size(tags) ? document_put(engine_registry(r->engine), &name, tags)
                                      : document_delete(engine_registry(r->engine), &name);
}

void api_tag_resource(struct api_request *r) {
        json_t *more = json_tree_get(r->body, "Tags");
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        AUTO(tagged) struct tagged t = {};

        if (json_object_size(more) == 0) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "An error occurred and the request cannot be processed.");
                return;
        }
        if (!read_tagged(r, &t))
                return;
        json_object_update(t.tags, more);
        if (tags_check(t.tags, &problem))
                save(r, &t);
        else
                api_fail_with(r, &problem);
}

void api_untag_resource(struct api_request *r) {
        AUTO(tagged) struct tagged t = {};
        char *key;

        if (!read_tagged(r, &t))
                return;
        for (size_t i = 0; (key = http_query_param_at(r->exchange, "tagKeys", i)); i++) {
                json_object_del(t.tags, key);
                free(key);
        }
        save(r, &t);
}

void api_list_tags(struct api_request *r) {
        AUTO(buf) struct buf body = BUF_NULL(ANSWER_MAX_BYTES);
        struct json_writer w = JSON_WRITER(&body);
        AUTO(tagged) struct tagged t = {};
        AUTO(str) char *text = NULL;

        if (!read_tagged(r, &t))
                return;
        text = json_tree_text(t.tags);
        json_open_object(&w, NULL);
        json_raw(&w, "Tags", text, strlen(text));
        json_close_object(&w);
        must(json_writer_end(&w) == 0);
        api_reply_json(r, 200, &body);
}
