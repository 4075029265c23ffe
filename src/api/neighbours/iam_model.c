/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/make_model.py from AWS's model of IAM: change that, not this. */
/* clang-format off */
#include "api/neighbours/neighbour.h"

static const struct model_shape shape_roleNameType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 64, .pattern = "[\\w+=,.@-]+" };
static const struct model_shape shape_arnType = { SHAPE_STRING, .has_min = true, .min = 20, .has_max = true, .max = 2048 };
static const struct model_member members_AttachRolePolicyRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "PolicyArn", &shape_arnType, .required = true },
};
static const struct model_shape shape_policyNameType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "[\\w+=,.@-]+" };
static const struct model_shape shape_policyPathType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512, .pattern = "((/[A-Za-z0-9\\.,\\+@=_-]+)*)/" };
static const struct model_shape shape_policyDocumentType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 131072, .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+" };
static const struct model_shape shape_policyDescriptionType = { SHAPE_STRING, .has_max = true, .max = 1000 };
static const struct model_shape shape_tagKeyType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+" };
static const struct model_shape shape_tagValueType = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256, .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*" };
static const struct model_member members_Tag[] = {
        { "Key", &shape_tagKeyType, .required = true },
        { "Value", &shape_tagValueType, .required = true },
};
static const struct model_shape shape_Tag = { SHAPE_STRUCTURE, .name = "Tag", .members = members_Tag, .member_count = 2 };
static const struct model_shape shape_tagListType = { SHAPE_LIST, .has_max = true, .max = 50, .item = &shape_Tag };
static const struct model_member members_CreatePolicyRequest[] = {
        { "PolicyName", &shape_policyNameType, .required = true },
        { "Path", &shape_policyPathType },
        { "PolicyDocument", &shape_policyDocumentType, .required = true },
        { "Description", &shape_policyDescriptionType },
        { "Tags", &shape_tagListType },
};
static const struct model_shape shape_booleanType = { SHAPE_BOOLEAN };
static const struct model_member members_CreatePolicyVersionRequest[] = {
        { "PolicyArn", &shape_arnType, .required = true },
        { "PolicyDocument", &shape_policyDocumentType, .required = true },
        { "SetAsDefault", &shape_booleanType },
};
static const struct model_shape shape_pathType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512, .pattern = "(\\u002F)|(\\u002F[\\u0021-\\u007E]+\\u002F)" };
static const struct model_shape shape_roleDescriptionType = { SHAPE_STRING, .has_max = true, .max = 1000, .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u007E\\u00A1-\\u00FF]*" };
static const struct model_shape shape_roleMaxSessionDurationType = { SHAPE_INTEGER, .has_min = true, .min = 3600, .has_max = true, .max = 43200 };
static const struct model_shape shape_maxSigninSessionDurationType = { SHAPE_INTEGER, .has_min = true, .min = 3600, .has_max = true, .max = 7776000 };
static const struct model_member members_CreateRoleRequest[] = {
        { "Path", &shape_pathType },
        { "RoleName", &shape_roleNameType, .required = true },
        { "AssumeRolePolicyDocument", &shape_policyDocumentType, .required = true },
        { "Description", &shape_roleDescriptionType },
        { "MaxSessionDuration", &shape_roleMaxSessionDurationType },
        { "MaxSigninSessionDuration", &shape_maxSigninSessionDurationType },
        { "PermissionsBoundary", &shape_arnType },
        { "Tags", &shape_tagListType },
};
static const struct model_member members_DeletePolicyRequest[] = {
        { "PolicyArn", &shape_arnType, .required = true },
};
static const struct model_shape shape_policyVersionIdType = { SHAPE_STRING, .pattern = "v[1-9][0-9]*(\\.[A-Za-z0-9-]*)?" };
static const struct model_member members_DeletePolicyVersionRequest[] = {
        { "PolicyArn", &shape_arnType, .required = true },
        { "VersionId", &shape_policyVersionIdType, .required = true },
};
static const struct model_member members_DeleteRoleRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
};
static const struct model_member members_DeleteRolePolicyRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "PolicyName", &shape_policyNameType, .required = true },
};
static const struct model_shape shape_markerType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 320, .pattern = "[\\u0020-\\u00FF]+" };
static const struct model_shape shape_maxItemsType = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 1000 };
static const struct model_member members_ListAttachedRolePoliciesRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "PathPrefix", &shape_policyPathType },
        { "Marker", &shape_markerType },
        { "MaxItems", &shape_maxItemsType },
};
static const struct model_member members_ListInstanceProfilesForRoleRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "Marker", &shape_markerType },
        { "MaxItems", &shape_maxItemsType },
};
static const struct model_shape shape_policyScopeType = { SHAPE_STRING, .words = "All, Local, AWS" };
static const struct model_shape shape_PolicyUsageType = { SHAPE_STRING, .words = "PermissionsPolicy, PermissionsBoundary" };
static const struct model_member members_ListPoliciesRequest[] = {
        { "Scope", &shape_policyScopeType },
        { "OnlyAttached", &shape_booleanType },
        { "PathPrefix", &shape_policyPathType },
        { "PolicyUsageFilter", &shape_PolicyUsageType },
        { "Marker", &shape_markerType },
        { "MaxItems", &shape_maxItemsType },
};
static const struct model_member members_ListPolicyTagsRequest[] = {
        { "PolicyArn", &shape_arnType, .required = true },
        { "Marker", &shape_markerType },
        { "MaxItems", &shape_maxItemsType },
};
static const struct model_shape shape_pathPrefixType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512, .pattern = "\\u002F[\\u0021-\\u007F]*" };
static const struct model_member members_ListRolesRequest[] = {
        { "PathPrefix", &shape_pathPrefixType },
        { "Marker", &shape_markerType },
        { "MaxItems", &shape_maxItemsType },
};
static const struct model_member members_PutRolePermissionsBoundaryRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "PermissionsBoundary", &shape_arnType, .required = true },
};
static const struct model_member members_PutRolePolicyRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "PolicyName", &shape_policyNameType, .required = true },
        { "PolicyDocument", &shape_policyDocumentType, .required = true },
};
static const struct model_member members_TagPolicyRequest[] = {
        { "PolicyArn", &shape_arnType, .required = true },
        { "Tags", &shape_tagListType, .required = true },
};
static const struct model_member members_TagRoleRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "Tags", &shape_tagListType, .required = true },
};
static const struct model_shape shape_tagKeyListType = { SHAPE_LIST, .has_max = true, .max = 50, .item = &shape_tagKeyType };
static const struct model_member members_UntagPolicyRequest[] = {
        { "PolicyArn", &shape_arnType, .required = true },
        { "TagKeys", &shape_tagKeyListType, .required = true },
};
static const struct model_member members_UntagRoleRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "TagKeys", &shape_tagKeyListType, .required = true },
};
static const struct model_member members_UpdateAssumeRolePolicyRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "PolicyDocument", &shape_policyDocumentType, .required = true },
};
static const struct model_member members_UpdateRoleRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "Description", &shape_roleDescriptionType },
        { "MaxSessionDuration", &shape_roleMaxSessionDurationType },
        { "MaxSigninSessionDuration", &shape_maxSigninSessionDurationType },
        { "ResetMaxSigninSessionDuration", &shape_booleanType },
};
static const struct model_member members_UpdateRoleDescriptionRequest[] = {
        { "RoleName", &shape_roleNameType, .required = true },
        { "Description", &shape_roleDescriptionType, .required = true },
};

const struct model_operation iam_operations[] = {
        { "AttachRolePolicy", HTTP_POST_, "/", 200, members_AttachRolePolicyRequest, 2 },
        { "CreatePolicy", HTTP_POST_, "/", 200, members_CreatePolicyRequest, 5 },
        { "CreatePolicyVersion", HTTP_POST_, "/", 200, members_CreatePolicyVersionRequest, 3 },
        { "CreateRole", HTTP_POST_, "/", 200, members_CreateRoleRequest, 8 },
        { "DeletePolicy", HTTP_POST_, "/", 200, members_DeletePolicyRequest, 1 },
        { "DeletePolicyVersion", HTTP_POST_, "/", 200, members_DeletePolicyVersionRequest, 2 },
        { "DeleteRole", HTTP_POST_, "/", 200, members_DeleteRoleRequest, 1 },
        { "DeleteRolePermissionsBoundary", HTTP_POST_, "/", 200, members_DeleteRoleRequest, 1 },
        { "DeleteRolePolicy", HTTP_POST_, "/", 200, members_DeleteRolePolicyRequest, 2 },
        { "DetachRolePolicy", HTTP_POST_, "/", 200, members_AttachRolePolicyRequest, 2 },
        { "GetPolicy", HTTP_POST_, "/", 200, members_DeletePolicyRequest, 1 },
        { "GetPolicyVersion", HTTP_POST_, "/", 200, members_DeletePolicyVersionRequest, 2 },
        { "GetRole", HTTP_POST_, "/", 200, members_DeleteRoleRequest, 1 },
        { "GetRolePolicy", HTTP_POST_, "/", 200, members_DeleteRolePolicyRequest, 2 },
        { "ListAttachedRolePolicies", HTTP_POST_, "/", 200, members_ListAttachedRolePoliciesRequest, 4 },
        { "ListInstanceProfilesForRole", HTTP_POST_, "/", 200, members_ListInstanceProfilesForRoleRequest, 3 },
        { "ListPolicies", HTTP_POST_, "/", 200, members_ListPoliciesRequest, 6 },
        { "ListPolicyTags", HTTP_POST_, "/", 200, members_ListPolicyTagsRequest, 3 },
        { "ListPolicyVersions", HTTP_POST_, "/", 200, members_ListPolicyTagsRequest, 3 },
        { "ListRolePolicies", HTTP_POST_, "/", 200, members_ListInstanceProfilesForRoleRequest, 3 },
        { "ListRoleTags", HTTP_POST_, "/", 200, members_ListInstanceProfilesForRoleRequest, 3 },
        { "ListRoles", HTTP_POST_, "/", 200, members_ListRolesRequest, 3 },
        { "PutRolePermissionsBoundary", HTTP_POST_, "/", 200, members_PutRolePermissionsBoundaryRequest, 2 },
        { "PutRolePolicy", HTTP_POST_, "/", 200, members_PutRolePolicyRequest, 3 },
        { "SetDefaultPolicyVersion", HTTP_POST_, "/", 200, members_DeletePolicyVersionRequest, 2 },
        { "TagPolicy", HTTP_POST_, "/", 200, members_TagPolicyRequest, 2 },
        { "TagRole", HTTP_POST_, "/", 200, members_TagRoleRequest, 2 },
        { "UntagPolicy", HTTP_POST_, "/", 200, members_UntagPolicyRequest, 2 },
        { "UntagRole", HTTP_POST_, "/", 200, members_UntagRoleRequest, 2 },
        { "UpdateAssumeRolePolicy", HTTP_POST_, "/", 200, members_UpdateAssumeRolePolicyRequest, 2 },
        { "UpdateRole", HTTP_POST_, "/", 200, members_UpdateRoleRequest, 5 },
        { "UpdateRoleDescription", HTTP_POST_, "/", 200, members_UpdateRoleDescriptionRequest, 2 },
};

const size_t iam_operation_count = 32;
