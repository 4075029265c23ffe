/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/make_model.py from AWS's model of CloudWatch Logs: change that, not this. */
/* clang-format off */
#include "api/neighbours/neighbour.h"

static const struct model_shape shape_LogGroupName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512, .pattern = "[\\.\\-_/#A-Za-z0-9]+" };
static const struct model_shape shape_KmsKeyId = { SHAPE_STRING, .has_max = true, .max = 256 };
static const struct model_shape shape_TagKey = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]+)$" };
static const struct model_shape shape_TagValue = { SHAPE_STRING, .has_max = true, .max = 256, .pattern = "^([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)$" };
static const struct model_shape shape_Tags = { SHAPE_MAP, .has_min = true, .min = 1, .has_max = true, .max = 50, .key = &shape_TagKey, .item = &shape_TagValue };
static const struct model_shape shape_LogGroupClass = { SHAPE_STRING, .words = "INFREQUENT_ACCESS, ESSENTIALS, STANDARD, DELIVERY" };
static const struct model_shape shape_DeletionProtectionEnabled = { SHAPE_BOOLEAN };
static const struct model_member members_CreateLogGroupRequest[] = {
        { "logGroupName", &shape_LogGroupName, .required = true },
        { "kmsKeyId", &shape_KmsKeyId },
        { "tags", &shape_Tags },
        { "logGroupClass", &shape_LogGroupClass },
        { "deletionProtectionEnabled", &shape_DeletionProtectionEnabled },
};
static const struct model_member members_DeleteLogGroupRequest[] = {
        { "logGroupName", &shape_LogGroupName, .required = true },
};
static const struct model_shape shape_AccountId = { SHAPE_STRING, .has_min = true, .min = 12, .has_max = true, .max = 12, .pattern = "^\\d{12}$" };
static const struct model_shape shape_AccountIds = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 20, .item = &shape_AccountId };
static const struct model_shape shape_LogGroupNamePattern = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 512, .pattern = "[\\.\\-_/#A-Za-z0-9]*" };
static const struct model_shape shape_NextToken = { SHAPE_STRING, .has_min = true, .min = 1 };
static const struct model_shape shape_DescribeLimit = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50 };
static const struct model_shape shape_LogGroupIdentifier = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 2048, .pattern = "[\\w#+=/:,.@-]*" };
static const struct model_shape shape_DescribeLogGroupsLogGroupIdentifiers = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 50, .item = &shape_LogGroupIdentifier };
static const struct model_member members_DescribeLogGroupsRequest[] = {
        { "accountIdentifiers", &shape_AccountIds },
        { "logGroupNamePrefix", &shape_LogGroupName },
        { "logGroupNamePattern", &shape_LogGroupNamePattern },
        { "nextToken", &shape_NextToken },
        { "limit", &shape_DescribeLimit },
        { "includeLinkedAccounts", &shape_DeletionProtectionEnabled },
        { "logGroupClass", &shape_LogGroupClass },
        { "logGroupIdentifiers", &shape_DescribeLogGroupsLogGroupIdentifiers },
};
static const struct model_shape shape_LogStreamName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512, .pattern = "[^:*]*" };
static const struct model_shape shape_OrderBy = { SHAPE_STRING, .words = "LogStreamName, LastEventTime" };
static const struct model_member members_DescribeLogStreamsRequest[] = {
        { "logGroupName", &shape_LogGroupName },
        { "logGroupIdentifier", &shape_LogGroupIdentifier },
        { "logStreamNamePrefix", &shape_LogStreamName },
        { "orderBy", &shape_OrderBy },
        { "descending", &shape_DeletionProtectionEnabled },
        { "nextToken", &shape_NextToken },
        { "limit", &shape_DescribeLimit },
};
static const struct model_shape shape_InputLogStreamNames = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 100, .item = &shape_LogStreamName };
static const struct model_shape shape_Timestamp = { SHAPE_LONG, .has_min = true, .min = 0 };
static const struct model_shape shape_FilterPattern = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1024 };
static const struct model_shape shape_EventsLimit = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000 };
static const struct model_member members_FilterLogEventsRequest[] = {
        { "logGroupName", &shape_LogGroupName },
        { "logGroupIdentifier", &shape_LogGroupIdentifier },
        { "logStreamNames", &shape_InputLogStreamNames },
        { "logStreamNamePrefix", &shape_LogStreamName },
        { "startTime", &shape_Timestamp },
        { "endTime", &shape_Timestamp },
        { "filterPattern", &shape_FilterPattern },
        { "nextToken", &shape_NextToken },
        { "limit", &shape_EventsLimit },
        { "startFromHead", &shape_DeletionProtectionEnabled },
        { "interleaved", &shape_DeletionProtectionEnabled },
        { "unmask", &shape_DeletionProtectionEnabled },
};
static const struct model_member members_GetLogEventsRequest[] = {
        { "logGroupName", &shape_LogGroupName },
        { "logGroupIdentifier", &shape_LogGroupIdentifier },
        { "logStreamName", &shape_LogStreamName, .required = true },
        { "startTime", &shape_Timestamp },
        { "endTime", &shape_Timestamp },
        { "nextToken", &shape_NextToken },
        { "limit", &shape_EventsLimit },
        { "startFromHead", &shape_DeletionProtectionEnabled },
        { "unmask", &shape_DeletionProtectionEnabled },
};
static const struct model_shape shape_AmazonResourceName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1011, .pattern = "[\\w+=/:,.@-]*" };
static const struct model_member members_ListTagsForResourceRequest[] = {
        { "resourceArn", &shape_AmazonResourceName, .required = true },
};
static const struct model_shape shape_Days = { SHAPE_INTEGER };
static const struct model_member members_PutRetentionPolicyRequest[] = {
        { "logGroupName", &shape_LogGroupName, .required = true },
        { "retentionInDays", &shape_Days, .required = true },
};
static const struct model_member members_TagLogGroupRequest[] = {
        { "logGroupName", &shape_LogGroupName, .required = true },
        { "tags", &shape_Tags, .required = true },
};
static const struct model_member members_TagResourceRequest[] = {
        { "resourceArn", &shape_AmazonResourceName, .required = true },
        { "tags", &shape_Tags, .required = true },
};
static const struct model_shape shape_TagList = { SHAPE_LIST, .has_min = true, .min = 1, .item = &shape_TagKey };
static const struct model_member members_UntagLogGroupRequest[] = {
        { "logGroupName", &shape_LogGroupName, .required = true },
        { "tags", &shape_TagList, .required = true },
};
static const struct model_shape shape_TagKeyList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 50, .item = &shape_TagKey };
static const struct model_member members_UntagResourceRequest[] = {
        { "resourceArn", &shape_AmazonResourceName, .required = true },
        { "tagKeys", &shape_TagKeyList, .required = true },
};

const struct model_operation logs_operations[] = {
        { "CreateLogGroup", HTTP_POST_, "/", 200, members_CreateLogGroupRequest, 5 },
        { "DeleteLogGroup", HTTP_POST_, "/", 200, members_DeleteLogGroupRequest, 1 },
        { "DeleteRetentionPolicy", HTTP_POST_, "/", 200, members_DeleteLogGroupRequest, 1 },
        { "DescribeLogGroups", HTTP_POST_, "/", 200, members_DescribeLogGroupsRequest, 8 },
        { "DescribeLogStreams", HTTP_POST_, "/", 200, members_DescribeLogStreamsRequest, 7 },
        { "FilterLogEvents", HTTP_POST_, "/", 200, members_FilterLogEventsRequest, 12 },
        { "GetLogEvents", HTTP_POST_, "/", 200, members_GetLogEventsRequest, 9 },
        { "ListTagsForResource", HTTP_POST_, "/", 200, members_ListTagsForResourceRequest, 1 },
        { "ListTagsLogGroup", HTTP_POST_, "/", 200, members_DeleteLogGroupRequest, 1 },
        { "PutRetentionPolicy", HTTP_POST_, "/", 200, members_PutRetentionPolicyRequest, 2 },
        { "TagLogGroup", HTTP_POST_, "/", 200, members_TagLogGroupRequest, 2 },
        { "TagResource", HTTP_POST_, "/", 200, members_TagResourceRequest, 2 },
        { "UntagLogGroup", HTTP_POST_, "/", 200, members_UntagLogGroupRequest, 2 },
        { "UntagResource", HTTP_POST_, "/", 200, members_UntagResourceRequest, 2 },
};

const size_t logs_operation_count = 14;
