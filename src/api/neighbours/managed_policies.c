/* SPDX-License-Identifier: Apache-2.0 */
/* managed_policies - IAM's policies with an ARN of their own */
#include "api/neighbours/iam.h"
#include "engine/engine.h"
#include "function/document.h"

#define POLICY_SIZE_MAX 6144 /* without white space */

static json_t *shown(const json_t *policy, size_t attached, bool listed) {
        static const char *const members[] = { "PolicyName",       "PolicyId",   "Arn",       "Path",
                                               "DefaultVersionId", "CreateDate", "UpdateDate" };
        json_t *out = json_object();

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                json_object_set(out, members[i], json_object_get(policy, members[i]));
        json_object_set_new(out, "AttachmentCount", json_integer((json_int_t)attached));
        json_object_set_new(out, "PermissionsBoundaryUsageCount", json_integer(0));
        json_object_set_new(out, "IsAttachable", json_true());
        if (listed)
                return out;
        if (json_tree_get(policy, "Description"))
                json_object_set(out, "Description", json_object_get(policy, "Description"));
        if (json_array_size(json_object_get(policy, "Tags")))
                json_object_set(out, "Tags", json_object_get(policy, "Tags"));
        return out;
}

bool iam_check_policy_document(struct api_request *r, const char *document) {
        size_t size = 0;

        if (!iam_check_document(r, IAM_IDENTITY_POLICY, document))
                return false;
        for (; *document; document++)
                size += !strchr(" \t\r\n", *document);
        if (size > POLICY_SIZE_MAX)
                service_refuse(r, 409, "LimitExceeded", "Cannot exceed quota for PolicySize: %d",
                               POLICY_SIZE_MAX);
        return !r->answered;
}

bool iam_save_policy(struct api_request *r, const json_t *policy) {
        const struct document_name name = { r->account, "", DOCUMENT_MANAGED_POLICY,
                                            json_tree_str(policy, "Arn"), NULL };

        return api_stored(r, document_put(engine_registry(r->engine), &name, policy));
}

void iam_create_policy(struct api_request *r) {
        const char *name = neighbour_str(r, "PolicyName"), *path = neighbour_str(r, "Path") ?: "/",
                   *document = neighbour_str(r, "PolicyDocument");
        AUTO(str) char *arn = xstrcat("arn:aws:iam::", r->account, ":policy", path, name, NULL);
        AUTO(json_tree) json_t *policy = NULL, *tags = json_array();
        char id[IAM_ID_LEN + 1], date[DATE_TEXT];

        if (!iam_check_policy_document(r, document) ||
            !iam_add_tags(r, tags, json_tree_get(r->body, "Tags")) ||
            !api_stored(r, iam_find_policy(r, arn, &policy)))
                return;
        if (policy) {
                service_refuse(r, 409, "EntityAlreadyExists",
                               "A policy called %s already exists. Duplicate names are not allowed.", name);
                return;
        }
        iam_new_id("ANPA", id);
        iam_now(r, date);
        policy = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:s, s:i, s:{s:{s:s, s:s}}, s:O, s:s*}",
                           "PolicyName", name, "PolicyId", id, "Arn", arn, "Path", path, "DefaultVersionId",
                           "v1", "CreateDate", date, "UpdateDate", date, "LastVersion", 1, "Versions", "v1",
                           "Document", document, "CreateDate", date, "Tags", tags, "Description",
                           neighbour_str(r, "Description"));
        must(policy);
        if (iam_save_policy(r, policy))
                neighbour_reply(r, json_pack("{s:o}", "Policy", shown(policy, 0, false)));
}

bool iam_policy(struct api_request *r, json_t **ret_policy) {
        const char *arn = neighbour_str(r, "PolicyArn");

        if (!api_stored(r, iam_find_policy(r, arn, ret_policy)))
                return false;
        if (!*ret_policy)
                service_refuse(
                        r, 404, "NoSuchEntity", "Policy %s was not found.%s", arn,
                        iam_is_awss_policy(arn)
                                ? " lambent does not know what AWS's own policies say; it only attaches them."
                                : "");
        return *ret_policy;
}

void iam_get_policy(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL;
        size_t attached;

        if (iam_policy(r, &policy) && iam_count_attached(r, neighbour_str(r, "PolicyArn"), &attached))
                neighbour_reply(r, json_pack("{s:o}", "Policy", shown(policy, attached, false)));
}

struct listing {
        struct iam_page page;
        const char *prefix;
        json_t *attached; /* how often, by ARN */
        bool only_attached;
};

static bool count_attached(void *owner, const struct document_name *name, json_t *role) {
        json_t *counts = owner, *value;
        const char *arn;

        json_object_foreach(json_object_get(role, "Attached"), arn, value)
                json_object_set_new(counts, arn, json_integer(json_tree_int(counts, arn, 0) + 1));
        return true;
}

static bool list_policy(void *owner, const struct document_name *name, json_t *policy) {
        struct listing *l = owner;
        size_t attached = (size_t)json_tree_int(l->attached, name->owner, 0);

        if ((l->prefix && !str_starts(json_tree_str(policy, "Path"), l->prefix)) ||
            (l->only_attached && !attached))
                return true;
        return iam_page_add(&l->page, name->owner, shown(policy, attached, true));
}

void iam_list_policies(struct api_request *r) {
        const struct document_name roles = { r->account, "", DOCUMENT_ROLE, NULL, NULL },
                                   policies = { r->account, "", DOCUMENT_MANAGED_POLICY, NULL, NULL };
        const char *scope = neighbour_str(r, "Scope");
        struct registry *registry = engine_registry(r->engine);
        AUTO(json_tree) json_t *attached = json_object();
        struct listing l = { .prefix = neighbour_str(r, "PathPrefix"),
                             .attached = attached,
                             .only_attached = json_tree_bool(r->body, "OnlyAttached", false) };
        int result = 0;

        if (!iam_page_begin(r, &l.page))
                return;
        result = document_each(registry, &roles, NULL, count_attached, attached);
        if (!result && !(scope && streq(scope, "AWS")))
                result = document_each(registry, &policies, l.page.after, list_policy, &l);
        if (api_stored(r, result))
                iam_page_reply(r, &l.page, "Policies");
        iam_page_clear(&l.page);
}

void iam_delete_policy(struct api_request *r) {
        const char *arn = neighbour_str(r, "PolicyArn");
        const struct document_name name = { r->account, "", DOCUMENT_MANAGED_POLICY, arn, NULL };
        AUTO(json_tree) json_t *policy = NULL;
        size_t attached;

        if (!iam_policy(r, &policy) || !iam_count_attached(r, arn, &attached))
                return;
        if (attached)
                service_refuse(r, 409, "DeleteConflict", "Cannot delete a policy attached to entities.");
        else if (json_object_size(json_object_get(policy, "Versions")) > 1)
                service_refuse(
                        r, 409, "DeleteConflict",
                        "This policy has more than one version. Before you delete a policy, you must delete the "
                        "policy's versions. The default version is deleted with the policy.");
        else if (api_stored(r, document_delete(engine_registry(r->engine), &name)))
                neighbour_reply(r, NULL);
}

/* ---- tags ---- */

void iam_tag_policy(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL;

        if (iam_policy(r, &policy) &&
            iam_add_tags(r, json_object_get(policy, "Tags"), json_tree_get(r->body, "Tags")) &&
            iam_save_policy(r, policy))
                neighbour_reply(r, NULL);
}

void iam_untag_policy(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL;

        if (!iam_policy(r, &policy))
                return;
        iam_remove_tags(r, policy);
        if (iam_save_policy(r, policy))
                neighbour_reply(r, NULL);
}

void iam_list_policy_tags(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL;

        if (iam_policy(r, &policy))
                neighbour_reply(r, json_pack("{s:O, s:b}", "Tags", json_object_get(policy, "Tags"),
                                             "IsTruncated", 0));
}
