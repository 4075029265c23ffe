/* SPDX-License-Identifier: Apache-2.0 */
/*
 * iam - roles and policies, as far as tools make them around a function
 *
 * IAM has no regions: its documents are kept under the account and an empty one. A role is one document with its tags,
 * its inline policies and the ARNs of those attached to it; a managed policy is one document with its versions, of which one is the default. They are
 * kept and shown; nobody is authorized by them. AWS's own managed policies can be attached by their ARN, but what they
 * say is not known here.
 */
#pragma once
#include "api/neighbours/neighbour.h"
#include "base/date.h"

/* roles.c */
void iam_create_role(struct api_request *r);
void iam_get_role(struct api_request *r);
void iam_list_roles(struct api_request *r);
void iam_update_role(struct api_request *r);
void iam_update_role_description(struct api_request *r);
void iam_update_assume_role_policy(struct api_request *r);
void iam_put_role_permissions_boundary(struct api_request *r);
void iam_delete_role_permissions_boundary(struct api_request *r);
void iam_delete_role(struct api_request *r);
void iam_tag_role(struct api_request *r);
void iam_untag_role(struct api_request *r);
void iam_list_role_tags(struct api_request *r);
void iam_list_instance_profiles_for_role(struct api_request *r);

/* role_policies.c */
void iam_put_role_policy(struct api_request *r);
void iam_get_role_policy(struct api_request *r);
void iam_list_role_policies(struct api_request *r);
void iam_delete_role_policy(struct api_request *r);
void iam_attach_role_policy(struct api_request *r);
void iam_detach_role_policy(struct api_request *r);
void iam_list_attached_role_policies(struct api_request *r);

/* managed_policies.c */
void iam_create_policy(struct api_request *r);
void iam_get_policy(struct api_request *r);
void iam_list_policies(struct api_request *r);
void iam_delete_policy(struct api_request *r);
void iam_tag_policy(struct api_request *r);
void iam_untag_policy(struct api_request *r);
void iam_list_policy_tags(struct api_request *r);

/* policy_versions.c */
void iam_create_policy_version(struct api_request *r);
void iam_get_policy_version(struct api_request *r);
void iam_list_policy_versions(struct api_request *r);
void iam_set_default_policy_version(struct api_request *r);
void iam_delete_policy_version(struct api_request *r);

/* iam.c: what they share. "2026-01-05T10:00:00Z" of this moment or of another; returns ret_text. */
char *iam_time(nsec_t wall, char ret_text[static DATE_TEXT]);
char *iam_now(const struct api_request *r, char ret_text[static DATE_TEXT]);
/* "AROA" and 17 letters and digits. */
#define IAM_ID_LEN 21
void iam_new_id(const char *prefix, char ret_id[static IAM_ID_LEN + 1]);
/* A JSON text as IAM shows it: percent-encoded. A new reference. */
json_t *iam_shown_document(const char *document);
/* Of another account's role too. 0 with a new reference or NULL, -errno. */
int iam_find_role(const struct api_request *r, const char *account, const char *name, json_t **ret_role);
/* The role that the request names. False: answered. */
bool iam_role(struct api_request *r, json_t **ret_role);
/* False: answered. */
bool iam_save_role(struct api_request *r, const json_t *role);
/* 0 with a new reference or NULL, -errno. */
int iam_find_policy(const struct api_request *r, const char *arn, json_t **ret_policy);
bool iam_is_awss_policy(const char *arn);
/* The managed policy that the request names. False: answered. */
bool iam_policy(struct api_request *r, json_t **ret_policy);
bool iam_save_policy(struct api_request *r, const json_t *policy);
/* False: answered. */
bool iam_check_policy_document(struct api_request *r, const char *document);
/* How many roles have it. False: answered. */
bool iam_count_attached(struct api_request *r, const char *arn, size_t *ret_count);

/* Pages of a list in the order of names: Marker and MaxItems of the request. */
struct iam_page {
        char *after; /* NULL: from the start */
        char *last;  /* of what was taken last */
        size_t most, count;
        bool more;
        json_t *items;
};

/* False: answered. */
bool iam_page_begin(struct api_request *r, struct iam_page *ret_page);
/* False: the page is full; then the item is dropped. */
bool iam_page_add(struct iam_page *page, const char *name, json_t *item_consume);
/* {member: items, IsTruncated, Marker}. */
void iam_page_reply(struct api_request *r, struct iam_page *page, const char *member);
void iam_page_clear(struct iam_page *page);
static inline void iam_page_freep(struct iam_page *page) {
        iam_page_clear(page);
}

/* The tags of a list [{Key, Value}] laid over others; NULL: none. False: answered. */
bool iam_add_tags(struct api_request *r, json_t *tags, const json_t *more);
/* Takes those that the request names out of the document's. */
void iam_remove_tags(const struct api_request *r, json_t *document);

/* policy_document.c: whether a text is a policy as IAM takes it. False: answered. */
enum iam_policy_kind { IAM_IDENTITY_POLICY, IAM_TRUST_POLICY };
bool iam_check_document(struct api_request *r, enum iam_policy_kind kind, const char *text);
