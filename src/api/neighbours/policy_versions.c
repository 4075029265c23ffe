/* SPDX-License-Identifier: Apache-2.0 */
/* policy_versions - what a managed policy says, and said: at most five versions, whose numbers are never used again */
#include <stdio.h>

#include "api/neighbours/iam.h"

#define VERSIONS_MAX 5

static json_t *shown(const json_t *policy, const char *id, bool with_document) {
        const json_t *version = json_object_get(json_object_get(policy, "Versions"), id);
        const char *by_default = json_tree_str(policy, "DefaultVersionId");
        json_t *out = json_pack("{s:s, s:b, s:O}", "VersionId", id, "IsDefaultVersion", streq(id, by_default),
                                "CreateDate", json_object_get(version, "CreateDate"));

        if (with_document)
                json_object_set_new(out, "Document", iam_shown_document(json_tree_str(version, "Document")));
        return out;
}

/* The policy, and in it the version that the request names. False: answered. */
static bool find_version(struct api_request *r, json_t **ret_policy) {
        const char *id = neighbour_str(r, "VersionId");

        if (!iam_policy(r, ret_policy))
                return false;
        if (json_object_get(json_object_get(*ret_policy, "Versions"), id))
                return true;
        service_refuse(r, 404, "NoSuchEntity", "Policy %s version %s does not exist or is not attachable.",
                       neighbour_str(r, "PolicyArn"), id);
        return false;
}

static void make_default(struct api_request *r, json_t *policy, const char *id) {
        char date[DATE_TEXT];

        json_object_set_new(policy, "DefaultVersionId", json_string(id));
        json_object_set_new(policy, "UpdateDate", json_string(iam_now(r, date)));
}

void iam_create_policy_version(struct api_request *r) {
        const char *document = neighbour_str(r, "PolicyDocument");
        AUTO(json_tree) json_t *policy = NULL;
        char id[U64_TEXT + 1], date[DATE_TEXT];
        json_t *versions;
        int64_t number;

        if (!iam_policy(r, &policy) || !iam_check_policy_document(r, document))
                return;
        versions = json_object_get(policy, "Versions");
        if (json_object_size(versions) >= VERSIONS_MAX) {
                service_refuse(
                        r, 409, "LimitExceeded",
                        "A managed policy can have up to %d versions. Before you create a new version, you must "
                        "delete an existing version.",
                        VERSIONS_MAX);
                return;
        }
        number = json_tree_int(policy, "LastVersion", 0) + 1;
        snprintf(id, sizeof(id), "v%lld", (long long)number);
        json_object_set_new(policy, "LastVersion", json_integer(number));
        json_object_set_new(versions, id,
                            json_pack("{s:s, s:s}", "Document", document, "CreateDate", iam_now(r, date)));
        if (json_tree_bool(r->body, "SetAsDefault", false))
                make_default(r, policy, id);
        if (iam_save_policy(r, policy))
                neighbour_reply(r, json_pack("{s:o}", "PolicyVersion", shown(policy, id, false)));
}

void iam_get_policy_version(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL;

        if (find_version(r, &policy))
                neighbour_reply(r, json_pack("{s:o}", "PolicyVersion",
                                             shown(policy, neighbour_str(r, "VersionId"), true)));
}

/* The newest first. */
void iam_list_policy_versions(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL, *list = json_array();
        const char *id;
        json_t *version;

        if (!iam_policy(r, &policy))
                return;
        json_object_foreach(json_object_get(policy, "Versions"), id, version)
                json_array_insert_new(list, 0, shown(policy, id, false));
        neighbour_reply(r, json_pack("{s:O, s:b}", "Versions", list, "IsTruncated", 0));
}

void iam_set_default_policy_version(struct api_request *r) {
        AUTO(json_tree) json_t *policy = NULL;

        if (!find_version(r, &policy))
                return;
        make_default(r, policy, neighbour_str(r, "VersionId"));
        if (iam_save_policy(r, policy))
                neighbour_reply(r, NULL);
}

void iam_delete_policy_version(struct api_request *r) {
        const char *id = neighbour_str(r, "VersionId");
        AUTO(json_tree) json_t *policy = NULL;

        if (!find_version(r, &policy))
                return;
        if (streq(id, json_tree_str(policy, "DefaultVersionId"))) {
                service_refuse(r, 409, "DeleteConflict", "Cannot delete the default version of a policy.");
                return;
        }
        json_object_del(json_object_get(policy, "Versions"), id);
        if (iam_save_policy(r, policy))
                neighbour_reply(r, NULL);
}
