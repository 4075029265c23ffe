/* SPDX-License-Identifier: Apache-2.0 */
/* roles - IAM's roles themselves, and their tags */
#include "api/neighbours/iam.h"
#include "engine/engine.h"
#include "function/document.h"

#define SESSION_DEFAULT 3600

/* What clients see of it. listed: as ListRoles shows it, without tags and boundary. */
static json_t *shown(const json_t *role, bool listed) {
        static const char *const members[] = { "Path", "RoleName",   "RoleId",
                                               "Arn",  "CreateDate", "Description" };
        json_t *out = json_object(), *boundary = json_tree_get(role, "PermissionsBoundary");

        for (size_t i = 0; i < ARRAY_SIZE(members); i++)
                json_object_set(out, members[i], json_object_get(role, members[i]));
        json_object_set_new(out, "AssumeRolePolicyDocument",
                            iam_shown_document(json_tree_str(role, "AssumeRolePolicyDocument")));
        json_object_set(out, "MaxSessionDuration", json_object_get(role, "MaxSessionDuration"));
        if (listed)
                return out;
        if (boundary)
                json_object_set_new(out, "PermissionsBoundary",
                                    json_pack("{s:s, s:O}", "PermissionsBoundaryType", "Policy",
                                              "PermissionsBoundaryArn", boundary));
        if (json_array_size(json_object_get(role, "Tags")))
                json_object_set(out, "Tags", json_object_get(role, "Tags"));
        json_object_set_new(out, "RoleLastUsed", json_object());
        return out;
}

void iam_create_role(struct api_request *r) {
        const char *name = neighbour_str(r, "RoleName"), *path = neighbour_str(r, "Path") ?: "/",
                   *document = neighbour_str(r, "AssumeRolePolicyDocument");
        AUTO(str) char *arn = xstrcat("arn:aws:iam::", r->account, ":role", path, name, NULL);
        AUTO(json_tree) json_t *role = NULL, *tags = json_array();
        char id[IAM_ID_LEN + 1], date[DATE_TEXT];

        if (!iam_check_document(r, IAM_TRUST_POLICY, document) ||
            !iam_add_tags(r, tags, json_tree_get(r->body, "Tags")) ||
            !api_stored(r, iam_find_role(r, r->account, name, &role)))
                return;
        if (role) {
                service_refuse(r, 409, "EntityAlreadyExists", "Role with name %s already exists.", name);
                return;
        }
        iam_new_id("AROA", id);
        role = json_pack("{s:s, s:s, s:s, s:s, s:s, s:s, s:I, s:O, s:s*, s:s*, s:{}, s:{}}", "Path", path,
                         "RoleName", name, "RoleId", id, "Arn", arn, "CreateDate", iam_now(r, date),
                         "AssumeRolePolicyDocument", document, "MaxSessionDuration",
                         (json_int_t)json_tree_int(r->body, "MaxSessionDuration", SESSION_DEFAULT), "Tags",
                         tags, "Description", neighbour_str(r, "Description"), "PermissionsBoundary",
                         neighbour_str(r, "PermissionsBoundary"), "Inline", "Attached");
        must(role);
        if (iam_save_role(r, role))
                neighbour_reply(r, json_pack("{s:o}", "Role", shown(role, false)));
}

void iam_get_role(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (iam_role(r, &role))
                neighbour_reply(r, json_pack("{s:o}", "Role", shown(role, false)));
}

struct listing {
        struct iam_page page;
        const char *prefix;
};

static bool list_role(void *owner, const struct document_name *name, json_t *role) {
        struct listing *l = owner;

        if (l->prefix && !str_starts(json_tree_str(role, "Path"), l->prefix))
                return true;
        return iam_page_add(&l->page, name->owner, shown(role, true));
}

void iam_list_roles(struct api_request *r) {
        const struct document_name roles = { r->account, "", DOCUMENT_ROLE, NULL, NULL };
        struct listing l = { .prefix = neighbour_str(r, "PathPrefix") };

        if (!iam_page_begin(r, &l.page))
                return;
        if (api_stored(r, document_each(engine_registry(r->engine), &roles, l.page.after, list_role, &l)))
                iam_page_reply(r, &l.page, "Roles");
        iam_page_clear(&l.page);
}

void iam_update_role(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;
        static const char *const members[] = { "Description", "MaxSessionDuration" };

        if (!iam_role(r, &role))
                return;
        for (size_t i = 0; i < ARRAY_SIZE(members); i++) {
                json_t *value = json_tree_get(r->body, members[i]);

                if (value)
                        json_object_set(role, members[i], value);
        }
        if (iam_save_role(r, role))
                neighbour_reply(r, json_object());
}

void iam_update_role_description(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role))
                return;
        json_object_set(role, "Description", json_tree_get(r->body, "Description"));
        if (iam_save_role(r, role))
                neighbour_reply(r, json_pack("{s:o}", "Role", shown(role, false)));
}

void iam_put_role_permissions_boundary(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role))
                return;
        json_object_set(role, "PermissionsBoundary", json_tree_get(r->body, "PermissionsBoundary"));
        if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

void iam_delete_role_permissions_boundary(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role))
                return;
        json_object_del(role, "PermissionsBoundary");
        if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

void iam_update_assume_role_policy(struct api_request *r) {
        const char *document = neighbour_str(r, "PolicyDocument");
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role) || !iam_check_document(r, IAM_TRUST_POLICY, document))
                return;
        json_object_set_new(role, "AssumeRolePolicyDocument", json_string(document));
        if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

void iam_delete_role(struct api_request *r) {
        const struct document_name name = { r->account, "", DOCUMENT_ROLE, neighbour_str(r, "RoleName"),
                                            NULL };
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role))
                return;
        if (json_object_size(json_object_get(role, "Attached")))
                service_refuse(r, 409, "DeleteConflict",
                               "Cannot delete entity, must detach all policies first.");
        else if (json_object_size(json_object_get(role, "Inline")))
                service_refuse(r, 409, "DeleteConflict", "Cannot delete entity, must delete policies first.");
        else if (api_stored(r, document_delete(engine_registry(r->engine), &name)))
                neighbour_reply(r, NULL);
}

/* ---- tags ---- */

void iam_tag_role(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (iam_role(r, &role) &&
            iam_add_tags(r, json_object_get(role, "Tags"), json_tree_get(r->body, "Tags")) &&
            iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

void iam_untag_role(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role))
                return;
        iam_remove_tags(r, role);
        if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

void iam_list_role_tags(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (iam_role(r, &role))
                neighbour_reply(
                        r, json_pack("{s:O, s:b}", "Tags", json_object_get(role, "Tags"), "IsTruncated", 0));
}

/* Instance profiles are EC2's; nobody can make one here. Terraform asks before it deletes a role. */
void iam_list_instance_profiles_for_role(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (iam_role(r, &role))
                neighbour_reply(r, json_pack("{s:[], s:b}", "InstanceProfiles", "IsTruncated", 0));
}
