/* SPDX-License-Identifier: Apache-2.0 */
/* role_policies - what a role is allowed: inline policies, and managed ones attached by their ARN */
#include "api/neighbours/iam.h"

#define INLINE_BYTES_MAX 10240 /* of all of a role's inline policies, without white space */
#define ATTACHED_MAX 10

/* ---- inline ---- */

static size_t counted(const char *document) {
        size_t count = 0;

        for (; *document; document++)
                count += !strchr(" \t\r\n", *document);
        return count;
}

void iam_put_role_policy(struct api_request *r) {
        const char *name = neighbour_str(r, "PolicyName"), *document = neighbour_str(r, "PolicyDocument"),
                   *key;
        AUTO(json_tree) json_t *role = NULL;
        json_t *policies, *one;
        size_t bytes = 0;

        if (!iam_role(r, &role) || !iam_check_document(r, IAM_IDENTITY_POLICY, document))
                return;
        policies = json_object_get(role, "Inline");
        json_object_set_new(policies, name, json_string(document));
        json_object_foreach(policies, key, one) bytes += counted(json_string_value(one));
        if (bytes > INLINE_BYTES_MAX)
                service_refuse(r, 409, "LimitExceeded",
                               "Maximum policy size of %d bytes exceeded for role %s", INLINE_BYTES_MAX,
                               neighbour_str(r, "RoleName"));
        else if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

static bool find_inline(struct api_request *r, const json_t *role, const char **ret_document) {
        const char *name = neighbour_str(r, "PolicyName");

        *ret_document = json_tree_str(json_object_get(role, "Inline"), name);
        if (!*ret_document)
                service_refuse(r, 404, "NoSuchEntity", "The role policy with name %s cannot be found.", name);
        return *ret_document;
}

void iam_get_role_policy(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;
        const char *document;

        if (iam_role(r, &role) && find_inline(r, role, &document))
                neighbour_reply(r, json_pack("{s:s, s:s, s:o}", "RoleName", neighbour_str(r, "RoleName"),
                                             "PolicyName", neighbour_str(r, "PolicyName"), "PolicyDocument",
                                             iam_shown_document(document)));
}

void iam_delete_role_policy(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;
        const char *document;

        if (!iam_role(r, &role) || !find_inline(r, role, &document))
                return;
        json_object_del(json_object_get(role, "Inline"), neighbour_str(r, "PolicyName"));
        if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

static int by_text(const void *a, const void *b) {
        return strcmp(*(const char *const *)a, *(const char *const *)b);
}

/* A page of the object's names in their order. */
static void reply_names(struct api_request *r, json_t *object, const char *member,
                        json_t *(*item)(struct api_request *r, const char *name)) {
        size_t count = json_object_size(object), n = 0;
        const char **names = xcalloc(count + 1, sizeof(*names)), *key;
        AUTO(iam_page) struct iam_page page = {};
        json_t *value;

        json_object_foreach(object, key, value) names[n++] = key;
        qsort(names, count, sizeof(*names), by_text);
        if (iam_page_begin(r, &page)) {
                for (size_t i = 0; i < count; i++) {
                        json_t *one =
                                page.after && strcmp(names[i], page.after) <= 0 ? NULL : item(r, names[i]);

                        if (one && !iam_page_add(&page, names[i], one))
                                break;
                }
                iam_page_reply(r, &page, member);
        }
        free(names);
}

static json_t *bare_name(struct api_request *r, const char *name) {
        return json_string(name);
}

void iam_list_role_policies(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (iam_role(r, &role))
                reply_names(r, json_object_get(role, "Inline"), "PolicyNames", bare_name);
}

/* ---- attached ---- */

/* Whether it may be attached. False: answered. */
static bool may_attach(struct api_request *r, const json_t *attached, const char *arn) {
        AUTO(json_tree) json_t *policy = NULL;

        if (!iam_is_awss_policy(arn) && !api_stored(r, iam_find_policy(r, arn, &policy)))
                return false;
        if (!iam_is_awss_policy(arn) && !policy)
                service_refuse(r, 404, "NoSuchEntity", "Policy %s does not exist or is not attachable.", arn);
        else if (!json_object_get(attached, arn) && json_object_size(attached) >= ATTACHED_MAX)
                service_refuse(r, 409, "LimitExceeded", "Cannot exceed quota for PoliciesPerRole: %d",
                               ATTACHED_MAX);
        return !r->answered;
}

void iam_attach_role_policy(struct api_request *r) {
        const char *arn = neighbour_str(r, "PolicyArn");
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role) || !may_attach(r, json_object_get(role, "Attached"), arn))
                return;
        json_object_set_new(json_object_get(role, "Attached"), arn, json_true());
        if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

void iam_detach_role_policy(struct api_request *r) {
        const char *arn = neighbour_str(r, "PolicyArn");
        AUTO(json_tree) json_t *role = NULL;

        if (!iam_role(r, &role))
                return;
        if (json_object_del(json_object_get(role, "Attached"), arn))
                service_refuse(r, 404, "NoSuchEntity", "Policy %s was not found.", arn);
        else if (iam_save_role(r, role))
                neighbour_reply(r, NULL);
}

static json_t *attached_policy(struct api_request *r, const char *arn) {
        const char *prefix = neighbour_str(r, "PathPrefix"), *path = strchr(arn, '/');

        if (!path || (prefix && !str_starts(path, prefix)))
                return NULL;
        return json_pack("{s:s, s:s}", "PolicyName", strrchr(arn, '/') + 1, "PolicyArn", arn);
}

void iam_list_attached_role_policies(struct api_request *r) {
        AUTO(json_tree) json_t *role = NULL;

        if (iam_role(r, &role))
                reply_names(r, json_object_get(role, "Attached"), "AttachedPolicies", attached_policy);
}
