/* SPDX-License-Identifier: Apache-2.0 */
/* log_groups - CloudWatch Logs' groups: their life, retention and tags */
#include "api/api_private.h"
#include "api/neighbours/cloudwatch.h"
#include "engine/engine.h"
#include "function/document.h"

#define PAGE_ITEMS 50
#define TAGS_MOST 50

/* ---- creating and deleting ---- */

struct creation {
        struct api_request *request;
        struct logs_request asking;
};

static void creation_free(struct api_request *r) {
        struct creation *c = r->state;

        logs_request_cancel(&c->asking);
        free(c);
        r->state = NULL;
}

static void fail_exists(struct api_request *r) {
        service_refuse(r, 400, "ResourceAlreadyExistsException", "The specified log group already exists");
}

static void on_created_check(struct logs_request *asking, int result, const struct logs_stream_info *streams,
                             size_t count) {
        struct api_request *r = container_of(asking, struct creation, asking)->request;
        const struct document_name name = { r->account, r->region, DOCUMENT_LOG_GROUP,
                                            neighbour_str(r, "logGroupName"), NULL };
        AUTO(json_tree) json_t *document = NULL, *there = NULL;
        int stored;

        if (result == 0) {
                fail_exists(r);
                return;
        }
        if (result && result != -ENOENT) {
                api_stored(r, result);
                return;
        }
        /* Another request may have been faster while the disk was asked. */
        stored = document_get(engine_registry(r->engine), &name, &there);
        if (stored == 0) {
                fail_exists(r);
                return;
        }
        document =
                json_pack("{s:I, s:O*, s:O*, s:O*, s:O*}", "creationTime",
                          (json_int_t)(loop_wall(r->api->loop) / MILLISECOND), "tags",
                          json_tree_get(r->body, "tags"), "kmsKeyId", json_tree_get(r->body, "kmsKeyId"),
                          "logGroupClass", json_tree_get(r->body, "logGroupClass"),
                          "deletionProtectionEnabled", json_tree_get(r->body, "deletionProtectionEnabled"));
        must(document);
        if (api_stored(r, stored) && api_stored(r, document_put(engine_registry(r->engine), &name, document)))
                neighbour_reply(r, NULL);
}

void logs_create_log_group(struct api_request *r) {
        AUTO(str) char *log = engine_log_group(r->account, r->region, neighbour_str(r, "logGroupName"));
        struct creation *c = xcalloc(1, sizeof(*c));

        c->request = r;
        r->state = c;
        r->cancel = creation_free;
        logs_list_streams(engine_logs(r->engine), log, &c->asking, on_created_check);
}

static void on_deleted(struct logs_request *asking, int result) {
        struct group_call *call = container_of(asking, struct group_call, asking);
        struct api_request *r = call->request;
        const struct document_name name = { r->account, r->region, DOCUMENT_LOG_GROUP, call->group, NULL };

        if (result && result != -ENOENT)
                api_stored(r, result);
        else if (api_stored(r, document_delete(engine_registry(r->engine), &name)))
                neighbour_reply(r, NULL);
}

static void delete_group(struct group_call *call) {
        if (json_tree_bool(call->document, "deletionProtectionEnabled", false)) {
                service_refuse(call->request, 400, "ValidationException",
                               "Log group cannot be deleted because deletion protection is enabled.");
                return;
        }
        logs_delete_group(engine_logs(call->request->engine), call->log, &call->asking, on_deleted);
}

void logs_delete_log_group(struct api_request *r) {
        group_find(r, delete_group);
}

/* ---- retention ---- */

static void store_and_reply(struct group_call *call) {
        if (api_stored(call->request, group_store(call)))
                neighbour_reply(call->request, NULL);
}

static void put_retention(struct group_call *call) {
        json_object_set(call->document, "retentionInDays",
                        json_tree_get(call->request->body, "retentionInDays"));
        store_and_reply(call);
}

void logs_put_retention_policy(struct api_request *r) {
        static const int64_t known[] = { 1,   3,   5,   7,   14,   30,   60,   90,   120,  150,  180,
                                         365, 400, 545, 731, 1096, 1827, 2192, 2557, 2922, 3288, 3653 };
        const int64_t days = json_tree_int(r->body, "retentionInDays", 0);
        AUTO(buf) struct buf list = BUF_NULL(KIB);

        for (size_t i = 0; i < ARRAY_SIZE(known); i++) {
                if (known[i] == days) {
                        group_find(r, put_retention);
                        return;
                }
                buf_printf(&list, "%s%lld", i ? ", " : "", (long long)known[i]);
        }
        service_refuse(
                r, 400, "InvalidParameterException",
                "1 validation error detected: Value '%lld' at 'retentionInDays' failed to satisfy constraint: "
                "Member must satisfy enum value set: [%.*s]",
                (long long)days, (int)list.len, buf_data(&list));
}

static void delete_retention(struct group_call *call) {
        json_object_del(call->document, "retentionInDays");
        store_and_reply(call);
}

void logs_delete_retention_policy(struct api_request *r) {
        group_find(r, delete_retention);
}

/* ---- tags ---- */

static void tag(struct group_call *call) {
        json_t *tags = json_object_get(call->document, "tags");

        if (!tags) {
                tags = json_object();
                json_object_set_new(call->document, "tags", tags);
        }
        json_object_update(tags, json_tree_get(call->request->body, "tags"));
        if (json_object_size(tags) > TAGS_MOST)
                service_refuse(call->request, 400, "TooManyTagsException",
                               "A resource can have no more than %d tags.", TAGS_MOST);
        else
                store_and_reply(call);
}

void logs_tag(struct api_request *r) {
        group_find(r, tag);
}

static void untag(struct group_call *call) {
        const json_t *keys = json_tree_get(call->request->body, "tagKeys")
                                     ?: json_tree_get(call->request->body, "tags"),
                     *key;
        json_t *tags = json_object_get(call->document, "tags");
        size_t i;

        json_array_foreach(keys, i, key) json_object_del(tags, json_string_value(key));
        store_and_reply(call);
}

void logs_untag(struct api_request *r) {
        group_find(r, untag);
}

static void list_tags(struct group_call *call) {
        json_t *tags = json_object_get(call->document, "tags");

        neighbour_reply(call->request, tags ? json_pack("{s:O}", "tags", tags) : json_pack("{s:{}}", "tags"));
}

void logs_list_tags(struct api_request *r) {
        group_find(r, list_tags);
}

/* ---- describing ---- */

struct description {
        struct api_request *request;
        struct logs_request asking;
        json_t *groups; /* documents by name */
};

static void description_free(struct api_request *r) {
        struct description *d = r->state;

        logs_request_cancel(&d->asking);
        json_decref(d->groups);
        free(d);
        r->state = NULL;
}

static json_t *shown(const struct api_request *r, const char *name, const json_t *document) {
        AUTO(str) char *arn = group_arn(r, name), *old_arn = xstrcat(arn, ":*", NULL);

        return json_pack("{s:s, s:O*, s:O*, s:i, s:s, s:O, s:O*, s:s, s:s, s:b}", "logGroupName", name,
                         "creationTime", json_object_get(document, "creationTime"), "retentionInDays",
                         json_object_get(document, "retentionInDays"), "metricFilterCount", 0, "arn", old_arn,
                         "storedBytes", json_object_get(document, "storedBytes"), "kmsKeyId",
                         json_object_get(document, "kmsKeyId"), "logGroupClass",
                         json_tree_str(document, "logGroupClass") ?: "STANDARD", "logGroupArn", arn,
                         "deletionProtectionEnabled",
                         (int)json_tree_bool(document, "deletionProtectionEnabled", false));
}

static bool is_wanted(const struct api_request *r, const char *name, const json_t *document) {
        const char *prefix = neighbour_str(r, "logGroupNamePrefix"),
                   *part = neighbour_str(r, "logGroupNamePattern"),
                   *class = neighbour_str(r, "logGroupClass"), *after = neighbour_str(r, "nextToken");
        const json_t *identifiers = json_tree_get(r->body, "logGroupIdentifiers"), *one;
        AUTO(str) char *arn = identifiers ? group_arn(r, name) : NULL;
        bool listed = !identifiers;
        size_t i;

        json_array_foreach(identifiers, i, one) listed =
                listed || streq(json_string_value(one), name) || streq(json_string_value(one), arn);
        return listed && (!prefix || str_starts(name, prefix)) && (!part || strstr(name, part)) &&
               (!class || streq(class, json_tree_str(document, "logGroupClass") ?: "STANDARD")) &&
               (!after || strcmp(name, after) > 0);
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* The token is the last name of the page before: it holds while groups come and go. */
static void reply_groups(struct description *d) {
        const size_t most = (size_t)json_tree_int(d->request->body, "limit", PAGE_ITEMS);
        size_t total = json_object_size(d->groups), n = 0, taken = 0;
        const char **names = xcalloc(total + 1, sizeof(*names)), *name, *token = NULL;
        json_t *document, *list = json_array();

        json_object_foreach(d->groups, name, document) if (is_wanted(d->request, name, document)) names[n++] =
                name;
        qsort(names, n, sizeof(*names), by_text);
        for (; taken < n && taken < most; taken++)
                json_array_append_new(
                        list, shown(d->request, names[taken], json_object_get(d->groups, names[taken])));
        if (taken < n)
                token = names[taken - 1];
        neighbour_reply(d->request, json_pack("{s:o, s:s*}", "logGroups", list, "nextToken", token));
        free(names);
}

static void on_groups(struct logs_request *asking, const struct logs_group_info *groups, size_t count) {
        struct description *d = container_of(asking, struct description, asking);

        for (size_t i = 0; i < count; i++) {
                json_t *document = json_object_get(d->groups, groups[i].name);

                if (!document) {
                        document = json_pack("{s:I}", "creationTime", (json_int_t)groups[i].created_ms);
                        json_object_set_new(d->groups, groups[i].name, document);
                }
                json_object_set_new(document, "storedBytes", json_integer((json_int_t)groups[i].bytes));
        }
        reply_groups(d);
}

static bool take_document(void *owner, const struct document_name *name, json_t *document) {
        struct description *d = owner;

        json_object_set_new(document, "storedBytes", json_integer(0));
        json_object_set(d->groups, name->owner, document);
        return true;
}

void logs_describe_log_groups(struct api_request *r) {
        const struct document_name name = { r->account, r->region, DOCUMENT_LOG_GROUP, NULL, NULL };
        AUTO(str) char *scope = engine_log_scope(r->account, r->region);
        struct description *d;

        if (neighbour_str(r, "logGroupNamePrefix") && neighbour_str(r, "logGroupNamePattern")) {
                service_refuse(
                        r, 400, "InvalidParameterException",
                        "LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters.");
                return;
        }
        d = xcalloc(1, sizeof(*d));
        d->request = r;
        d->groups = json_object();
        r->state = d;
        r->cancel = description_free;
        if (api_stored(r, document_each(engine_registry(r->engine), &name, NULL, take_document, d)))
                logs_list_groups(engine_logs(r->engine), scope, &d->asking, on_groups);
}
