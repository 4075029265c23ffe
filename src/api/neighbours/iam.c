/* SPDX-License-Identifier: Apache-2.0 */
#include "api/neighbours/iam.h"

#include "api/api_private.h"
#include "base/base64.h"
#include "engine/engine.h"
#include "function/document.h"
#include "lib/sigv4.h"

#define PAGE_ITEMS 100
#define MARKER_MAX (2 * KIB)
#define TAGS_PER_ROLE 50

char *iam_time(nsec_t wall, char ret_text[static DATE_TEXT]) {
        char *point;

        date_text(wall, ret_text);
        point = strchr(ret_text, '.');
        if (point)
                memcpy(point, "Z", sizeof("Z"));
        return ret_text;
}

char *iam_now(const struct api_request *r, char ret_text[static DATE_TEXT]) {
        return iam_time(loop_wall(r->api->loop), ret_text);
}

void iam_new_id(const char *prefix, char ret_id[static IAM_ID_LEN + 1]) {
        static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        unsigned char raw[IAM_ID_LEN];
        size_t len = strlen(prefix);

        random_bytes(raw, sizeof(raw));
        for (size_t i = 0; i < IAM_ID_LEN; i++)
                ret_id[i] = i < len ? prefix[i] : letters[raw[i] % 32];
        ret_id[IAM_ID_LEN] = '\0';
}

json_t *iam_shown_document(const char *document) {
        AUTO(buf) struct buf text = BUF_NULL(MIB);

        must(sigv4_escape(&text, document, strlen(document), false) == 0);
        return json_stringn(buf_data(&text), text.len);
}

/* ---- roles and policies in the store ---- */

static struct document_name role_name(const char *account, const char *name) {
        return (struct document_name){ account, "", DOCUMENT_ROLE, name, NULL };
}

static int find(const struct api_request *r, const struct document_name *name, json_t **ret_document) {
        int result = document_get(engine_registry(r->engine), name, ret_document);

        return result == DOCUMENT_ABSENT ? 0 : result;
}

int iam_find_role(const struct api_request *r, const char *account, const char *name, json_t **ret_role) {
        const struct document_name document = role_name(account, name);

        return find(r, &document, ret_role);
}

bool iam_role(struct api_request *r, json_t **ret_role) {
        const char *name = neighbour_str(r, "RoleName");

        if (!api_stored(r, iam_find_role(r, r->account, name, ret_role)))
                return false;
        if (!*ret_role)
                service_refuse(r, 404, "NoSuchEntity", "The role with name %s cannot be found.", name);
        return *ret_role;
}

bool iam_save_role(struct api_request *r, const json_t *role) {
        const struct document_name name = role_name(r->account, json_tree_str(role, "RoleName"));

        return api_stored(r, document_put(engine_registry(r->engine), &name, role));
}

int iam_find_policy(const struct api_request *r, const char *arn, json_t **ret_policy) {
        const struct document_name name = { r->account, "", DOCUMENT_MANAGED_POLICY, arn, NULL };

        return find(r, &name, ret_policy);
}

bool iam_is_awss_policy(const char *arn) {
        return str_starts(arn, "arn:aws:iam::aws:policy/");
}

struct counting {
        const char *arn;
        size_t count;
};

static bool count_role(void *owner, const struct document_name *name, json_t *role) {
        struct counting *counting = owner;

        counting->count += json_object_get(json_object_get(role, "Attached"), counting->arn) != NULL;
        return true;
}

bool iam_count_attached(struct api_request *r, const char *arn, size_t *ret_count) {
        const struct document_name roles = role_name(r->account, NULL);
        struct counting counting = { arn, 0 };
        int result = document_each(engine_registry(r->engine), &roles, NULL, count_role, &counting);

        *ret_count = counting.count;
        return api_stored(r, result);
}

/* ---- pages ---- */

bool iam_page_begin(struct api_request *r, struct iam_page *ret_page) {
        const char *marker = neighbour_str(r, "Marker");
        AUTO(buf) struct buf text = BUF_NULL(MARKER_MAX);

        if (marker &&
            (base64_decode(marker, strlen(marker), &text) || memchr(buf_data(&text), 0, text.len))) {
                service_refuse(r, 400, "ValidationError", "Invalid Marker.");
                return false;
        }
        *ret_page = (struct iam_page){ .items = json_array() };
        ret_page->after = marker ? buf_take_str(&text, NULL) : NULL;
        ret_page->most = (size_t)json_tree_int(r->body, "MaxItems", PAGE_ITEMS);
        return true;
}

bool iam_page_add(struct iam_page *page, const char *name, json_t *item_consume) {
        AUTO(json_tree) json_t *item = item_consume;

        if (page->count == page->most) {
                page->more = true;
                return false;
        }
        page->count++;
        free(page->last);
        page->last = xstrdup(name);
        json_array_append(page->items, item);
        return true;
}

void iam_page_reply(struct api_request *r, struct iam_page *page, const char *member) {
        AUTO(buf) struct buf marker = BUF_NULL(2 * MARKER_MAX);
        AUTO(str) char *text = NULL;

        if (page->more) {
                must(base64_append(&marker, page->last, strlen(page->last)) == 0);
                text = buf_take_str(&marker, NULL);
        }
        neighbour_reply(r, json_pack("{s:O, s:b, s:s?}", member, page->items, "IsTruncated", page->more,
                                     "Marker", text));
}

void iam_page_clear(struct iam_page *page) {
        free(page->after);
        free(page->last);
        json_decref(page->items);
        *page = (struct iam_page){};
}

/* ---- tags ---- */

static json_t *tag_of(json_t *tags, const char *key) {
        json_t *tag;
        size_t i;

        json_array_foreach(tags, i, tag) if (streq(json_tree_str(tag, "Key"), key)) return tag;
        return NULL;
}

bool iam_add_tags(struct api_request *r, json_t *tags, const json_t *more) {
        json_t *tag;
        size_t i;

        json_array_foreach(more, i, tag) {
                json_t *old = tag_of(tags, json_tree_str(tag, "Key"));

                if (old)
                        json_object_update(old, tag);
                else
                        json_array_append_new(tags, json_deep_copy(tag));
        }
        if (json_array_size(tags) <= TAGS_PER_ROLE)
                return true;
        service_refuse(r, 409, "LimitExceeded", "The number of tags has reached the maximum limit.");
        return false;
}

static bool has_word(const json_t *words, const char *word) {
        const json_t *one;
        size_t i;

        json_array_foreach(words, i, one) if (streq(json_string_value(one), word)) return true;
        return false;
}

void iam_remove_tags(const struct api_request *r, json_t *document) {
        const json_t *keys = json_tree_get(r->body, "TagKeys");
        json_t *left = json_array(), *tag;
        size_t i;

        json_array_foreach(json_object_get(document, "Tags"), i, tag) {
                if (!has_word(keys, json_tree_str(tag, "Key")))
                        json_array_append(left, tag);
        }
        json_object_set_new(document, "Tags", left);
}

/* ---- the table ---- */

static const struct neighbour_handler handlers[] = {
        { "AttachRolePolicy", iam_attach_role_policy },
        { "CreatePolicy", iam_create_policy },
        { "CreatePolicyVersion", iam_create_policy_version },
        { "CreateRole", iam_create_role },
        { "DeletePolicy", iam_delete_policy },
        { "DeletePolicyVersion", iam_delete_policy_version },
        { "DeleteRole", iam_delete_role },
        { "DeleteRolePermissionsBoundary", iam_delete_role_permissions_boundary },
        { "DeleteRolePolicy", iam_delete_role_policy },
        { "DetachRolePolicy", iam_detach_role_policy },
        { "GetPolicy", iam_get_policy },
        { "GetPolicyVersion", iam_get_policy_version },
        { "GetRole", iam_get_role },
        { "GetRolePolicy", iam_get_role_policy },
        { "ListAttachedRolePolicies", iam_list_attached_role_policies },
        { "ListInstanceProfilesForRole", iam_list_instance_profiles_for_role },
        { "ListPolicies", iam_list_policies },
        { "ListPolicyTags", iam_list_policy_tags },
        { "ListPolicyVersions", iam_list_policy_versions },
        { "ListRolePolicies", iam_list_role_policies },
        { "ListRoleTags", iam_list_role_tags },
        { "ListRoles", iam_list_roles },
        { "PutRolePermissionsBoundary", iam_put_role_permissions_boundary },
        { "PutRolePolicy", iam_put_role_policy },
        { "SetDefaultPolicyVersion", iam_set_default_policy_version },
        { "TagPolicy", iam_tag_policy },
        { "TagRole", iam_tag_role },
        { "UntagPolicy", iam_untag_policy },
        { "UntagRole", iam_untag_role },
        { "UpdateAssumeRolePolicy", iam_update_assume_role_policy },
        { "UpdateRole", iam_update_role },
        { "UpdateRoleDescription", iam_update_role_description },
        {},
};

const struct neighbour neighbour_iam = {
        .name = "iam",
        .title = "IAM",
        .protocol = PROTOCOL_QUERY,
        .version = "2010-05-08",
        .xmlns = "https://iam.amazonaws.com/doc/2010-05-08/",
        .invalid = "ValidationError",
        .operations = iam_operations,
        .operation_count = &iam_operation_count,
        .handlers = handlers,
};
