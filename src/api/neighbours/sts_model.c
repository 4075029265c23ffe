/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/make_model.py from AWS's model of STS: change that, not this. */
/* clang-format off */
#include "api/neighbours/neighbour.h"

static const struct model_shape shape_arnType = { SHAPE_STRING, .has_min = true, .min = 20, .has_max = true, .max = 2048 };
static const struct model_shape shape_roleSessionNameType = { SHAPE_STRING, .has_min = true, .min = 2, .has_max = true, .max = 64, .pattern = "[\\w+=,.@-]*" };
static const struct model_member members_PolicyDescriptorType[] = {
        { "arn", &shape_arnType },
};
static const struct model_shape shape_PolicyDescriptorType = { SHAPE_STRUCTURE, .name = "PolicyDescriptorType", .members = members_PolicyDescriptorType, .member_count = 1 };
static const struct model_shape shape_policyDescriptorListType = { SHAPE_LIST, .item = &shape_PolicyDescriptorType };
static const struct model_shape shape_unrestrictedSessionPolicyDocumentType = { SHAPE_STRING, .has_min = true, .min = 1, .pattern = "[\\u0009\\u000A\\u000D\\u0020-\\u00FF]+" };
static const struct model_shape shape_roleDurationSecondsType = { SHAPE_INTEGER, .has_min = true, .min = 900, .has_max = true, .max = 43200 };
static const struct model_shape shape_tagKeyType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+" };
static const struct model_shape shape_tagValueType = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256, .pattern = "[\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*" };
static const struct model_member members_Tag[] = {
        { "Key", &shape_tagKeyType, .required = true },
        { "Value", &shape_tagValueType, .required = true },
};
static const struct model_shape shape_Tag = { SHAPE_STRUCTURE, .name = "Tag", .members = members_Tag, .member_count = 2 };
static const struct model_shape shape_tagListType = { SHAPE_LIST, .has_max = true, .max = 50, .item = &shape_Tag };
static const struct model_shape shape_tagKeyListType = { SHAPE_LIST, .has_max = true, .max = 50, .item = &shape_tagKeyType };
static const struct model_shape shape_externalIdType = { SHAPE_STRING, .has_min = true, .min = 2, .has_max = true, .max = 1224, .pattern = "[\\w+=,.@:\\/-]*" };
static const struct model_shape shape_serialNumberType = { SHAPE_STRING, .has_min = true, .min = 9, .has_max = true, .max = 256, .pattern = "[\\w+=/:,.@-]*" };
static const struct model_shape shape_tokenCodeType = { SHAPE_STRING, .has_min = true, .min = 6, .has_max = true, .max = 6, .pattern = "[\\d]*" };
static const struct model_shape shape_sourceIdentityType = { SHAPE_STRING, .has_min = true, .min = 2, .has_max = true, .max = 256, .pattern = "[\\w+=,.@-]*" };
static const struct model_shape shape_contextAssertionType = { SHAPE_STRING, .has_min = true, .min = 4, .has_max = true, .max = 3072 };
static const struct model_member members_ProvidedContext[] = {
        { "ProviderArn", &shape_arnType },
        { "ContextAssertion", &shape_contextAssertionType },
};
static const struct model_shape shape_ProvidedContext = { SHAPE_STRUCTURE, .name = "ProvidedContext", .members = members_ProvidedContext, .member_count = 2 };
static const struct model_shape shape_ProvidedContextsListType = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 5, .item = &shape_ProvidedContext };
static const struct model_shape shape_minimumSessionTokenSizeType = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 4096 };
static const struct model_member members_AssumeRoleRequest[] = {
        { "RoleArn", &shape_arnType, .required = true },
        { "RoleSessionName", &shape_roleSessionNameType, .required = true },
        { "PolicyArns", &shape_policyDescriptorListType },
        { "Policy", &shape_unrestrictedSessionPolicyDocumentType },
        { "DurationSeconds", &shape_roleDurationSecondsType },
        { "Tags", &shape_tagListType },
        { "TransitiveTagKeys", &shape_tagKeyListType },
        { "ExternalId", &shape_externalIdType },
        { "SerialNumber", &shape_serialNumberType },
        { "TokenCode", &shape_tokenCodeType },
        { "SourceIdentity", &shape_sourceIdentityType },
        { "ProvidedContexts", &shape_ProvidedContextsListType },
        { "MinimumSessionTokenSize", &shape_minimumSessionTokenSizeType },
};

const struct model_operation sts_operations[] = {
        { "AssumeRole", HTTP_POST_, "/", 200, members_AssumeRoleRequest, 13 },
        { "GetCallerIdentity", HTTP_POST_, "/", 200 },
};

const size_t sts_operation_count = 2;
