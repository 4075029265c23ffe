/* SPDX-License-Identifier: Apache-2.0 */
/* capacity_providers - instances that functions are to run on: kept and shown, functions run on this machine */
#include "api/function_kind.h"
#include "api/names.h"
#include "api/operations.h"
#include "api/paging.h"
#include "api/tags.h"
#include "api/view.h"
#include "engine/engine.h"
#include "function/document.h"

/* What AWS grants an account in a region. */
#define PROVIDERS_MAX 1000
/* What a provider grows to when nobody says. */
#define VCPU_DEFAULT 400

/* ---- names ---- */

static char *arn_of(const struct api_request *r, const char *name) {
        return xasprintf("arn:%s:lambda:%s:%s:capacity-provider:%s", region_partition(r->region), r->region,
                         r->account, name);
}

/* A name or an ARN; the name is at its end. */
static const char *name_in(const char *text) {
        const char *last = strrchr(text, ':');

        return last ? last + 1 : text;
}

static struct document_name name_of(const struct api_request *r, const char *name) {
        return (struct document_name){ r->account, r->region, DOCUMENT_CAPACITY_PROVIDER, name, NULL };
}

/* One of another account or region has another ARN. 0, DOCUMENT_ABSENT, -errno. */
static int get(struct api_request *r, const char *text, json_t **ret_document) {
        const struct document_name name = name_of(r, name_in(text));
        AUTO(str) char *arn = arn_of(r, name.owner);

        if (strchr(text, ':') && !streq(text, arn))
                return DOCUMENT_ABSENT;
        return document_get(engine_registry(r->engine), &name, ret_document);
}

bool capacity_provider_check(struct api_request *r, const char *arn, struct problem *ret_problem) {
        AUTO(json_tree) json_t *document = NULL;
        int result = get(r, arn, &document);

        if (result == 0)
                return true;
        if (result == DOCUMENT_ABSENT)
                return problem_set(ret_problem, PROBLEM_NOT_FOUND, "Capacity provider not found: %s", arn);
        return problem_set(ret_problem, PROBLEM_SERVICE, "The capacity provider could not be read: %s.",
                           strerror(-result));
}

/* The one that the path names. False: answered. */
static bool read_provider(struct api_request *r, json_t **ret_document) {
        int result = get(r, r->labels[0], ret_document);

        if (!api_stored(r, result))
                return false;
        if (result == DOCUMENT_ABSENT) {
                AUTO(str) char *arn =
                        strchr(r->labels[0], ':') ? xstrdup(r->labels[0]) : arn_of(r, r->labels[0]);

                api_fail(r, PROBLEM_NOT_FOUND, "Capacity provider not found: %s", arn);
        }
        return result == 0;
}

static const char *arn_in(const json_t *document) {
        return json_tree_str(document, "CapacityProviderArn");
}

/* ---- checks ---- */

static bool check(struct api_request *r, const json_t *document) {
        const json_t *scaling = json_tree_get(document, "CapacityProviderScalingConfig");
        const json_t *instances = json_tree_get(document, "InstanceRequirements");

        if (json_tree_get(scaling, "ScalingPolicies") && streq(json_tree_str(scaling, "ScalingMode"), "Auto"))
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "A scaling policy can't be specified when the scalingMode is set to Auto");
        else if (json_array_size(json_tree_get(instances, "AllowedInstanceTypes")) > 0 &&
                 json_array_size(json_tree_get(instances, "ExcludedInstanceTypes")) > 0)
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "AllowedInstanceTypes and ExcludedInstanceTypes can't both be specified.");
        else
                return true;
        return false;
}

struct count {
        size_t count;
};

static bool count_one(void *owner, const struct document_name *name, json_t *document) {
        return ++((struct count *)owner)->count < PROVIDERS_MAX;
}

/* False: answered. */
static bool is_room(struct api_request *r) {
        const struct document_name all = name_of(r, NULL);
        struct count have = {};

        if (!api_stored(r, document_each(engine_registry(r->engine), &all, NULL, count_one, &have)))
                return false;
        if (have.count < PROVIDERS_MAX)
                return true;
        api_fail(r, PROBLEM_PROVIDER_LIMIT, "An account has at most %d capacity providers in a region.",
                 PROVIDERS_MAX);
        return false;
}

/* ---- one provider ---- */

/* PENDING and DELETING are passed through at once: only the answers that lead there tell of them. */
static void answer(struct api_request *r, int status, json_t *document, const char *state) {
        json_object_set_new(document, "State", json_string(state));
        api_reply_tree(r, status, json_pack("{s:O}", "CapacityProvider", document));
}

static void set_scaling(json_t *document, const json_t *given) {
        json_t *scaling = json_tree_get(document, "CapacityProviderScalingConfig");

        if (!scaling) {
                scaling = json_pack("{s:i, s:s}", "MaxVCpuCount", VCPU_DEFAULT, "ScalingMode", "Auto");
                json_object_set_new(document, "CapacityProviderScalingConfig", scaling);
        }
        /* Policies are of the mode that they came with. */
        if (json_tree_str(given, "ScalingMode") && streq(json_tree_str(given, "ScalingMode"), "Auto"))
                json_object_del(scaling, "ScalingPolicies");
        json_object_update(scaling, (json_t *)given);
}

static void set_from_body(json_t *document, const json_t *body, const char *const *members, size_t count) {
        for (size_t i = 0; i < count; i++)
                if (json_tree_get(body, members[i]))
                        json_object_set(document, members[i], json_tree_get(body, members[i]));
        set_scaling(document, json_tree_get(body, "CapacityProviderScalingConfig"));
}

static bool put(struct api_request *r, json_t *document) {
        const struct document_name name = name_of(r, name_in(arn_in(document)));
        char modified[32];

        view_time(loop_wall(engine_loop(r->engine)), modified);
        json_object_set_new(document, "LastModified", json_string(modified));
        json_object_set_new(document, "State", json_string("Active"));
        return api_stored(r, document_put(engine_registry(r->engine), &name, document));
}

static json_t *new_document(const char *arn, const json_t *body) {
        static const char *const members[] = { "VpcConfig", "PermissionsConfig", "InstanceRequirements",
                                               "KmsKeyArn", "PropagateTags",     "TelemetryConfig" };
        json_t *document = json_pack("{s:s, s:s}", "CapacityProviderArn", arn, "State", "Active");
        json_t *instances;

        set_from_body(document, body, members, ARRAY_SIZE(members));
        instances = json_tree_get(document, "InstanceRequirements");
        if (!instances)
                json_object_set_new(document, "InstanceRequirements", instances = json_object());
        if (!json_tree_get(instances, "Architectures"))
                json_object_set_new(instances, "Architectures", json_pack("[s]", "x86_64"));
        return document;
}

void api_create_capacity_provider(struct api_request *r) {
        const char *text = json_tree_str(r->body, "CapacityProviderName");
        AUTO(str) char *arn = arn_of(r, name_in(text));
        const json_t *tags = json_tree_get(r->body, "Tags");
        AUTO(problem) struct problem problem = PROBLEM_NULL;
        AUTO(json_tree) json_t *document = NULL;
        int result;

        if (!tags_check(tags, &problem)) {
                api_fail_with(r, &problem);
                return;
        }
        if (strchr(text, ':') && !streq(text, arn)) {
                api_fail(r, PROBLEM_INVALID_PARAMETER,
                         "The capacity provider %s is of another account or region.", text);
                return;
        }
        result = get(r, text, &document);
        if (!api_stored(r, result))
                return;
        if (result == 0) {
                api_fail(r, PROBLEM_CONFLICT, "Capacity provider already exists: %s", arn);
                return;
        }
        document = new_document(arn, r->body);
        if (check(r, document) && is_room(r) && put(r, document) && api_stored(r, tags_put(r, arn, tags)))
                answer(r, 202, document, "Pending");
}

void api_get_capacity_provider(struct api_request *r) {
        AUTO(json_tree) json_t *document = NULL;

        if (read_provider(r, &document))
                answer(r, 200, document, "Active");
}

void api_update_capacity_provider(struct api_request *r) {
        static const char *const members[] = { "PropagateTags", "TelemetryConfig" };
        AUTO(json_tree) json_t *document = NULL;

        if (!read_provider(r, &document))
                return;
        set_from_body(document, r->body, members, ARRAY_SIZE(members));
        if (check(r, document) && put(r, document))
                answer(r, 202, document, "Active");
}

/* ---- lists ---- */

struct listing {
        struct page page;
        const char *arn; /* only versions that run there */
        json_t *items;
};

static bool list_provider(void *owner, const struct document_name *name, json_t *document) {
        struct listing *l = owner;

        return page_take(&l->page, name->owner, 0) && json_array_append(l->items, document) == 0;
}

void api_list_capacity_providers(struct api_request *r) {
        AUTO(str) char *state = http_query_param(r->exchange, "State");
        const struct document_name name = name_of(r, NULL);
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;
        int result = 0;

        if (!page_begin(r, &l.page))
                return;
        /* All that can be listed are Active. */
        if (!state || streq(state, "Active"))
                result = document_each(engine_registry(r->engine), &name, l.page.after_name, list_provider,
                                       &l);
        if (api_stored(r, result))
                api_reply_tree(r, 200, page_tree(&l.page, "CapacityProviders", items));
        page_clear(&l.page);
}

static bool runs_there(const struct version *v, const char *arn) {
        AUTO(json_tree) json_t *kind = NULL;
        const char *own;

        if (!v->config.on_instances ||
            json_tree_parse(v->config.kind_json, strlen(v->config.kind_json), &kind, NULL))
                return false;
        own = json_tree_str(json_tree_get(json_tree_get(kind, "CapacityProviderConfig"),
                                          "LambdaManagedInstancesCapacityProviderConfig"),
                            "CapacityProviderArn");
        return own && streq(own, arn);
}

static bool list_version(struct listing *l, const struct version *v, uint64_t number) {
        AUTO(str) char *arn = NULL;

        if (!runs_there(v, l->arn))
                return true;
        if (!page_take(&l->page, v->name, number))
                return false;
        arn = function_arn(v->region, v->account, v->name, v->number);
        return json_array_append_new(l->items, json_pack("{s:s, s:s}", "FunctionArn", arn, "State",
                                                         function_state_name(v->status.state))) == 0;
}

/* The published versions behind a number: those with one, then the one that is called LATEST_PUBLISHED. */
static bool list_versions(struct listing *l, const struct function *f, uint64_t behind) {
        struct version *v;

        list_each(v, &f->versions, link) {
                uint64_t number = strtoull(v->number, NULL, 10);

                if (number > behind && !list_version(l, v, number))
                        return false;
        }
        return !f->latest_published || behind == INT64_MAX || list_version(l, f->latest_published, INT64_MAX);
}

static bool list_function(void *owner, struct function *f) {
        return list_versions(owner, f, 0);
}

/* From the page's marker on. */
static int list_all(struct api_request *r, struct listing *l) {
        struct registry *registry = engine_registry(r->engine);
        const char *after = l->page.after_name;
        struct function *f = after ? registry_find(registry, r->account, r->region, after) : NULL;

        if (f && !list_versions(l, f, l->page.after_number))
                return 0;
        return registry_each(registry, r->account, r->region, after, list_function, l);
}

void api_list_function_versions_by_capacity_provider(struct api_request *r) {
        struct listing l = { .items = json_array() };
        AUTO(json_tree) json_t *items = l.items;
        AUTO(json_tree) json_t *document = NULL;
        json_t *answered;

        if (!read_provider(r, &document) || !page_begin(r, &l.page))
                return;
        l.arn = arn_in(document);
        if (api_stored(r, list_all(r, &l))) {
                answered = page_tree(&l.page, "FunctionVersions", items);
                json_object_set_new(answered, "CapacityProviderArn", json_string(l.arn));
                api_reply_tree(r, 200, answered);
        }
        page_clear(&l.page);
}

/* ---- DeleteCapacityProvider ---- */

static bool find_user(void *owner, struct function *f) {
        struct listing *l = owner;

        if (runs_there(f->latest, l->arn))
                json_array_append_new(l->items, json_string(f->name));
        return json_array_size(l->items) == 0 && list_versions(l, f, 0);
}

void api_delete_capacity_provider(struct api_request *r) {
        struct listing users = { .page = { .most = 1 }, .items = json_array() };
        AUTO(json_tree) json_t *items = users.items;
        AUTO(json_tree) json_t *document = NULL;
        struct document_name name;

        if (!read_provider(r, &document))
                return;
        name = name_of(r, name_in(arn_in(document)));
        users.arn = arn_in(document);
        if (api_stored(r, registry_each(engine_registry(r->engine), r->account, r->region, NULL, find_user,
                                        &users))) {
                if (json_array_size(items) > 0)
                        api_fail(
                                r, PROBLEM_CONFLICT,
                                "The capacity provider %s is in use by functions. Delete them or move them to another first.",
                                users.arn);
                else if (api_stored(r, document_delete(engine_registry(r->engine), &name)) &&
                         api_stored(r, tags_put(r, users.arn, NULL)))
                        answer(r, 202, document, "Deleting");
        }
        page_clear(&users.page);
}
