/* SPDX-License-Identifier: Apache-2.0 */
/* Made by tools/make_model.py from AWS's model of the Lambda API: change that, not this. */
/* clang-format off */
#include "api/model.h"

#include "api/runtimes.h"

static const struct model_shape shape_LayerNameOrArn = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 2048, .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]{1,140}|[a-zA-Z0-9-_]{1,140})" };
static const struct model_shape shape_LayerVersionNumber = { SHAPE_LONG };
static const struct model_shape shape_StatementId = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 100, .pattern = "([a-zA-Z0-9-_]+)" };
static const struct model_shape shape_LayerPermissionAllowedAction = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 22, .pattern = "lambda:GetLayerVersion" };
static const struct model_shape shape_LayerPermissionAllowedPrincipal = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 10000, .pattern = "\\d{12}|\\*|arn:(aws[a-zA-Z-]*):iam::\\d{12}:root" };
static const struct model_shape shape_OrganizationId = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 34, .pattern = "o-[a-z0-9]{10,32}" };
static const struct model_shape shape_String = { SHAPE_STRING };
static const struct model_member members_AddLayerVersionPermissionRequest[] = {
        { "RevisionId", &shape_String, AT_QUERY },
        { "LayerName", &shape_LayerNameOrArn, AT_LABEL, .label = 0, .required = true },
        { "VersionNumber", &shape_LayerVersionNumber, AT_LABEL, .label = 1, .required = true },
        { "StatementId", &shape_StatementId, .required = true },
        { "Action", &shape_LayerPermissionAllowedAction, .required = true },
        { "Principal", &shape_LayerPermissionAllowedPrincipal, .required = true },
        { "OrganizationId", &shape_OrganizationId },
};
static const struct model_shape shape_NamespacedFunctionName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 256, .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_\\.]+)(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_]+))?" };
static const struct model_shape shape_Action = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 10000, .pattern = "(lambda:[*]|lambda:[a-zA-Z]+|[*])" };
static const struct model_shape shape_Principal = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 2048, .pattern = "[^\\s]+" };
static const struct model_shape shape_Arn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 10000, .pattern = "arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)" };
static const struct model_shape shape_FunctionUrlAuthType = { SHAPE_STRING, .words = "AWS_IAM, NONE" };
static const struct model_shape shape_InvokedViaFunctionUrl = { SHAPE_BOOLEAN };
static const struct model_shape shape_SourceOwner = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 12, .pattern = "\\d{12}" };
static const struct model_shape shape_EventSourceToken = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256, .pattern = "[a-zA-Z0-9._\\-]+" };
static const struct model_shape shape_NumericLatestPublishedOrAliasQualifier = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "\\$(LATEST(\\.PUBLISHED)?)|[a-zA-Z0-9-_$]+" };
static const struct model_shape shape_PrincipalOrgID = { SHAPE_STRING, .has_min = true, .min = 12, .has_max = true, .max = 34, .pattern = "o-[a-z0-9]{10,32}" };
static const struct model_member members_AddPermissionRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "StatementId", &shape_StatementId, .required = true },
        { "Action", &shape_Action, .required = true },
        { "Principal", &shape_Principal, .required = true },
        { "SourceArn", &shape_Arn },
        { "FunctionUrlAuthType", &shape_FunctionUrlAuthType },
        { "InvokedViaFunctionUrl", &shape_InvokedViaFunctionUrl },
        { "SourceAccount", &shape_SourceOwner },
        { "EventSourceToken", &shape_EventSourceToken },
        { "RevisionId", &shape_String },
        { "PrincipalOrgID", &shape_PrincipalOrgID },
};
static const struct model_shape shape_DurableExecutionArn = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024, .pattern = "arn:([a-zA-Z0-9-]+):lambda:([a-zA-Z0-9-]+):(\\d{12}):function:([a-zA-Z0-9_-]+):(\\$LATEST(?:\\.PUBLISHED)?|[0-9]+)/durable-execution/([a-zA-Z0-9_-]+)/([a-zA-Z0-9_-]+)" };
static const struct model_shape shape_CheckpointToken = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 2048, .pattern = "[A-Za-z0-9+/]+={0,2}" };
static const struct model_shape shape_OperationId = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 64, .pattern = "[a-zA-Z0-9-_]+" };
static const struct model_shape shape_OperationName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 256, .pattern = "[\\x20-\\x7E]+" };
static const struct model_shape shape_OperationType = { SHAPE_STRING, .words = "CALLBACK, CHAINED_INVOKE, EXECUTION, STEP, CONTEXT, WAIT" };
static const struct model_shape shape_OperationSubType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 32, .pattern = "[a-zA-Z0-9-_]+" };
static const struct model_shape shape_OperationAction = { SHAPE_STRING, .words = "SUCCEED, CANCEL, START, RETRY, FAIL" };
static const struct model_shape shape_OperationPayload = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 6291456, .secret = true };
static const struct model_shape shape_ErrorMessage = { SHAPE_STRING, .secret = true };
static const struct model_shape shape_StackTraceEntries = { SHAPE_LIST, .item = &shape_ErrorMessage };
static const struct model_member members_ErrorObject[] = {
        { "ErrorMessage", &shape_ErrorMessage },
        { "ErrorType", &shape_ErrorMessage },
        { "ErrorData", &shape_ErrorMessage },
        { "StackTrace", &shape_StackTraceEntries },
};
static const struct model_shape shape_ErrorObject = { SHAPE_STRUCTURE, .name = "ErrorObject", .members = members_ErrorObject, .member_count = 4 };
static const struct model_member members_ContextOptions[] = {
        { "ReplayChildren", &shape_InvokedViaFunctionUrl },
};
static const struct model_shape shape_ContextOptions = { SHAPE_STRUCTURE, .name = "ContextOptions", .members = members_ContextOptions, .member_count = 1 };
static const struct model_shape shape_StepOptionsNextAttemptDelaySecondsInteger = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 31622400 };
static const struct model_member members_StepOptions[] = {
        { "NextAttemptDelaySeconds", &shape_StepOptionsNextAttemptDelaySecondsInteger },
};
static const struct model_shape shape_StepOptions = { SHAPE_STRUCTURE, .name = "StepOptions", .members = members_StepOptions, .member_count = 1 };
static const struct model_member members_WaitOptions[] = {
        { "WaitSeconds", &shape_StepOptionsNextAttemptDelaySecondsInteger },
};
static const struct model_shape shape_WaitOptions = { SHAPE_STRUCTURE, .name = "WaitOptions", .members = members_WaitOptions, .member_count = 1 };
static const struct model_shape shape_CallbackOptionsTimeoutSecondsInteger = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 99999999 };
static const struct model_member members_CallbackOptions[] = {
        { "TimeoutSeconds", &shape_CallbackOptionsTimeoutSecondsInteger },
        { "HeartbeatTimeoutSeconds", &shape_CallbackOptionsTimeoutSecondsInteger },
};
static const struct model_shape shape_CallbackOptions = { SHAPE_STRUCTURE, .name = "CallbackOptions", .members = members_CallbackOptions, .member_count = 2 };
static const struct model_shape shape_TenantId = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 256, .pattern = "[a-zA-Z0-9\\._:\\/=+\\-@ ]+" };
static const struct model_shape shape_XAmznTraceId = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 8192 };
static const struct model_member members_ChainedInvokeOptions[] = {
        { "FunctionName", &shape_NamespacedFunctionName, .required = true },
        { "TenantId", &shape_TenantId },
        { "XAmznTraceId", &shape_XAmznTraceId },
};
static const struct model_shape shape_ChainedInvokeOptions = { SHAPE_STRUCTURE, .name = "ChainedInvokeOptions", .members = members_ChainedInvokeOptions, .member_count = 3 };
static const struct model_member members_OperationUpdate[] = {
        { "Id", &shape_OperationId, .required = true },
        { "ParentId", &shape_OperationId },
        { "Name", &shape_OperationName },
        { "Type", &shape_OperationType, .required = true },
        { "SubType", &shape_OperationSubType },
        { "Action", &shape_OperationAction, .required = true },
        { "Payload", &shape_OperationPayload },
        { "Error", &shape_ErrorObject },
        { "ContextOptions", &shape_ContextOptions },
        { "StepOptions", &shape_StepOptions },
        { "WaitOptions", &shape_WaitOptions },
        { "CallbackOptions", &shape_CallbackOptions },
        { "ChainedInvokeOptions", &shape_ChainedInvokeOptions },
};
static const struct model_shape shape_OperationUpdate = { SHAPE_STRUCTURE, .name = "OperationUpdate", .members = members_OperationUpdate, .member_count = 13 };
static const struct model_shape shape_OperationUpdates = { SHAPE_LIST, .item = &shape_OperationUpdate };
static const struct model_shape shape_ClientToken = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 64, .pattern = "[\\x21-\\x7E]+" };
static const struct model_member members_CheckpointDurableExecutionRequest[] = {
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
        { "CheckpointToken", &shape_CheckpointToken, .required = true },
        { "Updates", &shape_OperationUpdates },
        { "ClientToken", &shape_ClientToken },
};
static const struct model_shape shape_FunctionName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 140, .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?" };
static const struct model_shape shape_Alias = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "(?!^[0-9]+$)([a-zA-Z0-9-_]+)" };
static const struct model_shape shape_VersionWithLatestPublished = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024, .pattern = "(\\$LATEST(\\.PUBLISHED)?|[0-9]+)" };
static const struct model_shape shape_Description = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256 };
static const struct model_shape shape_AdditionalVersion = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024, .pattern = "[0-9]+" };
static const struct model_shape shape_Weight = { SHAPE_DOUBLE, .has_min = true, .min = 0, .has_max = true, .max = 1 };
static const struct model_shape shape_AdditionalVersionWeights = { SHAPE_MAP, .key = &shape_AdditionalVersion, .item = &shape_Weight };
static const struct model_member members_AliasRoutingConfiguration[] = {
        { "AdditionalVersionWeights", &shape_AdditionalVersionWeights },
};
static const struct model_shape shape_AliasRoutingConfiguration = { SHAPE_STRUCTURE, .name = "AliasRoutingConfiguration", .members = members_AliasRoutingConfiguration, .member_count = 1 };
static const struct model_member members_CreateAliasRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "Name", &shape_Alias, .required = true },
        { "FunctionVersion", &shape_VersionWithLatestPublished, .required = true },
        { "Description", &shape_Description },
        { "RoutingConfig", &shape_AliasRoutingConfiguration },
};
static const struct model_shape shape_CapacityProviderName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 140, .pattern = "(arn:aws[a-zA-Z-]*:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:capacity-provider:[a-zA-Z0-9-_]+)|[a-zA-Z0-9-_]+" };
static const struct model_shape shape_SubnetId = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1024, .pattern = "subnet-[0-9a-z]*" };
static const struct model_shape shape_CapacityProviderSubnetIds = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 16, .item = &shape_SubnetId };
static const struct model_shape shape_SecurityGroupId = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1024, .pattern = "sg-[0-9a-zA-Z]*" };
static const struct model_shape shape_CapacityProviderSecurityGroupIds = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 5, .item = &shape_SecurityGroupId };
static const struct model_member members_CapacityProviderVpcConfig[] = {
        { "SubnetIds", &shape_CapacityProviderSubnetIds, .required = true },
        { "SecurityGroupIds", &shape_CapacityProviderSecurityGroupIds, .required = true },
};
static const struct model_shape shape_CapacityProviderVpcConfig = { SHAPE_STRUCTURE, .name = "CapacityProviderVpcConfig", .members = members_CapacityProviderVpcConfig, .member_count = 2 };
static const struct model_shape shape_RoleArn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 10000, .pattern = "arn:(aws[a-zA-Z-]*)?:iam::\\d{12}:role/?[a-zA-Z_0-9+=,.@\\-_/]+" };
static const struct model_member members_CapacityProviderPermissionsConfig[] = {
        { "CapacityProviderOperatorRoleArn", &shape_RoleArn, .required = true },
};
static const struct model_shape shape_CapacityProviderPermissionsConfig = { SHAPE_STRUCTURE, .name = "CapacityProviderPermissionsConfig", .members = members_CapacityProviderPermissionsConfig, .member_count = 1 };
static const struct model_shape shape_Architecture = { SHAPE_STRING, .words = "x86_64, arm64" };
static const struct model_shape shape_ArchitecturesList = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 1, .item = &shape_Architecture };
static const struct model_shape shape_InstanceType = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 30, .pattern = "[a-zA-Z0-9\\.\\*\\-]+" };
static const struct model_shape shape_InstanceTypeSet = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 400, .item = &shape_InstanceType };
static const struct model_member members_InstanceRequirements[] = {
        { "Architectures", &shape_ArchitecturesList },
        { "AllowedInstanceTypes", &shape_InstanceTypeSet },
        { "ExcludedInstanceTypes", &shape_InstanceTypeSet },
};
static const struct model_shape shape_InstanceRequirements = { SHAPE_STRUCTURE, .name = "InstanceRequirements", .members = members_InstanceRequirements, .member_count = 3 };
static const struct model_shape shape_CapacityProviderMaxVCpuCount = { SHAPE_INTEGER, .has_min = true, .min = 2, .has_max = true, .max = 15000 };
static const struct model_shape shape_CapacityProviderScalingMode = { SHAPE_STRING, .words = "Auto, Manual" };
static const struct model_shape shape_CapacityProviderPredefinedMetricType = { SHAPE_STRING, .words = "LambdaCapacityProviderAverageGPUUtilization, LambdaCapacityProviderAverageCPUUtilization" };
static const struct model_shape shape_MetricTargetValue = { SHAPE_DOUBLE, .has_min = true, .min = 0, .has_max = true, .max = 100 };
static const struct model_member members_TargetTrackingScalingPolicy[] = {
        { "PredefinedMetricType", &shape_CapacityProviderPredefinedMetricType, .required = true },
        { "TargetValue", &shape_MetricTargetValue, .required = true },
};
static const struct model_shape shape_TargetTrackingScalingPolicy = { SHAPE_STRUCTURE, .name = "TargetTrackingScalingPolicy", .members = members_TargetTrackingScalingPolicy, .member_count = 2 };
static const struct model_shape shape_CapacityProviderScalingPoliciesList = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 10, .item = &shape_TargetTrackingScalingPolicy };
static const struct model_member members_CapacityProviderScalingConfig[] = {
        { "MaxVCpuCount", &shape_CapacityProviderMaxVCpuCount },
        { "ScalingMode", &shape_CapacityProviderScalingMode },
        { "ScalingPolicies", &shape_CapacityProviderScalingPoliciesList },
};
static const struct model_shape shape_CapacityProviderScalingConfig = { SHAPE_STRUCTURE, .name = "CapacityProviderScalingConfig", .members = members_CapacityProviderScalingConfig, .member_count = 3 };
static const struct model_shape shape_KMSKeyArnNonEmpty = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 10000, .pattern = "arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*" };
static const struct model_shape shape_TagKey = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)" };
static const struct model_shape shape_TagValue = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256, .pattern = "([\\p{L}\\p{Z}\\p{N}_.:/=+\\-@]*)" };
static const struct model_shape shape_Tags = { SHAPE_MAP, .key = &shape_TagKey, .item = &shape_TagValue };
static const struct model_shape shape_PropagateTagsMode = { SHAPE_STRING, .words = "Explicit, None" };
static const struct model_shape shape_PropagateTagsExplicitTagsMap = { SHAPE_MAP, .has_min = true, .min = 0, .has_max = true, .max = 40, .key = &shape_TagKey, .item = &shape_TagValue };
static const struct model_member members_PropagateTags[] = {
        { "Mode", &shape_PropagateTagsMode },
        { "ExplicitTags", &shape_PropagateTagsExplicitTagsMap },
};
static const struct model_shape shape_PropagateTags = { SHAPE_STRUCTURE, .name = "PropagateTags", .members = members_PropagateTags, .member_count = 2 };
static const struct model_shape shape_SystemLogLevel = { SHAPE_STRING, .words = "INFO, DEBUG, WARN" };
static const struct model_shape shape_LogGroup = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 512, .pattern = "[\\.\\-_/#A-Za-z0-9]+" };
static const struct model_member members_CapacityProviderLoggingConfig[] = {
        { "SystemLogLevel", &shape_SystemLogLevel },
        { "LogGroup", &shape_LogGroup },
};
static const struct model_shape shape_CapacityProviderLoggingConfig = { SHAPE_STRUCTURE, .name = "CapacityProviderLoggingConfig", .members = members_CapacityProviderLoggingConfig, .member_count = 2 };
static const struct model_member members_CapacityProviderTelemetryConfig[] = {
        { "LoggingConfig", &shape_CapacityProviderLoggingConfig },
};
static const struct model_shape shape_CapacityProviderTelemetryConfig = { SHAPE_STRUCTURE, .name = "CapacityProviderTelemetryConfig", .members = members_CapacityProviderTelemetryConfig, .member_count = 1 };
static const struct model_member members_CreateCapacityProviderRequest[] = {
        { "CapacityProviderName", &shape_CapacityProviderName, .required = true },
        { "VpcConfig", &shape_CapacityProviderVpcConfig, .required = true },
        { "PermissionsConfig", &shape_CapacityProviderPermissionsConfig, .required = true },
        { "InstanceRequirements", &shape_InstanceRequirements },
        { "CapacityProviderScalingConfig", &shape_CapacityProviderScalingConfig },
        { "KmsKeyArn", &shape_KMSKeyArnNonEmpty },
        { "Tags", &shape_Tags },
        { "PropagateTags", &shape_PropagateTags },
        { "TelemetryConfig", &shape_CapacityProviderTelemetryConfig },
};
static const struct model_shape shape_SigningProfileVersionArns = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 20, .item = &shape_Arn };
static const struct model_member members_AllowedPublishers[] = {
        { "SigningProfileVersionArns", &shape_SigningProfileVersionArns, .required = true },
};
static const struct model_shape shape_AllowedPublishers = { SHAPE_STRUCTURE, .name = "AllowedPublishers", .members = members_AllowedPublishers, .member_count = 1 };
static const struct model_shape shape_CodeSigningPolicy = { SHAPE_STRING, .words = "Enforce, Warn" };
static const struct model_member members_CodeSigningPolicies[] = {
        { "UntrustedArtifactOnDeployment", &shape_CodeSigningPolicy },
};
static const struct model_shape shape_CodeSigningPolicies = { SHAPE_STRUCTURE, .name = "CodeSigningPolicies", .members = members_CodeSigningPolicies, .member_count = 1 };
static const struct model_member members_CreateCodeSigningConfigRequest[] = {
        { "Description", &shape_Description },
        { "AllowedPublishers", &shape_AllowedPublishers, .required = true },
        { "CodeSigningPolicies", &shape_CodeSigningPolicies },
        { "Tags", &shape_Tags },
};
static const struct model_shape shape_BatchSize = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10000 };
static const struct model_shape shape_Pattern = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 4096, .pattern = "[\\s\\S]*" };
static const struct model_member members_Filter[] = {
        { "Pattern", &shape_Pattern },
};
static const struct model_shape shape_Filter = { SHAPE_STRUCTURE, .name = "Filter", .members = members_Filter, .member_count = 1 };
static const struct model_shape shape_FilterList = { SHAPE_LIST, .item = &shape_Filter };
static const struct model_member members_FilterCriteria[] = {
        { "Filters", &shape_FilterList },
};
static const struct model_shape shape_FilterCriteria = { SHAPE_STRUCTURE, .name = "FilterCriteria", .members = members_FilterCriteria, .member_count = 1 };
static const struct model_shape shape_KMSKeyArn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 10000, .pattern = "(arn:(aws[a-zA-Z-]*)?:[a-z0-9-.]+:.*)|()" };
static const struct model_shape shape_EventSourceMappingMetric = { SHAPE_STRING, .words = "EventCount, ErrorCount, KafkaMetrics" };
static const struct model_shape shape_EventSourceMappingMetricList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 3, .item = &shape_EventSourceMappingMetric };
static const struct model_member members_EventSourceMappingMetricsConfig[] = {
        { "Metrics", &shape_EventSourceMappingMetricList },
};
static const struct model_shape shape_EventSourceMappingMetricsConfig = { SHAPE_STRUCTURE, .name = "EventSourceMappingMetricsConfig", .members = members_EventSourceMappingMetricsConfig, .member_count = 1 };
static const struct model_member members_EventSourceMappingLoggingConfig[] = {
        { "SystemLogLevel", &shape_SystemLogLevel },
};
static const struct model_shape shape_EventSourceMappingLoggingConfig = { SHAPE_STRUCTURE, .name = "EventSourceMappingLoggingConfig", .members = members_EventSourceMappingLoggingConfig, .member_count = 1 };
static const struct model_shape shape_MaximumConcurrency = { SHAPE_INTEGER, .has_min = true, .min = 2, .has_max = true, .max = 1000 };
static const struct model_member members_ScalingConfig[] = {
        { "MaximumConcurrency", &shape_MaximumConcurrency },
};
static const struct model_shape shape_ScalingConfig = { SHAPE_STRUCTURE, .name = "ScalingConfig", .members = members_ScalingConfig, .member_count = 1 };
static const struct model_shape shape_MaximumBatchingWindowInSeconds = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 300 };
static const struct model_shape shape_ParallelizationFactor = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 10 };
static const struct model_shape shape_EventSourcePosition = { SHAPE_STRING, .words = "LATEST, AT_TIMESTAMP, TRIM_HORIZON" };
static const struct model_shape shape_Date = { SHAPE_TIMESTAMP };
static const struct model_shape shape_DestinationArn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 350, .pattern = "$|kafka://([^.]([a-zA-Z0-9\\-_.]{0,248}))|arn:(aws[a-zA-Z0-9-]*):([a-zA-Z0-9\\-])+:((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1})?:(\\d{12})?:(.*)" };
static const struct model_member members_OnSuccess[] = {
        { "Destination", &shape_DestinationArn },
};
static const struct model_shape shape_OnSuccess = { SHAPE_STRUCTURE, .name = "OnSuccess", .members = members_OnSuccess, .member_count = 1 };
static const struct model_shape shape_OnFailure = { SHAPE_STRUCTURE, .name = "OnFailure", .members = members_OnSuccess, .member_count = 1 };
static const struct model_member members_DestinationConfig[] = {
        { "OnSuccess", &shape_OnSuccess },
        { "OnFailure", &shape_OnFailure },
};
static const struct model_shape shape_DestinationConfig = { SHAPE_STRUCTURE, .name = "DestinationConfig", .members = members_DestinationConfig, .member_count = 2 };
static const struct model_shape shape_MaximumRecordAgeInSeconds = { SHAPE_INTEGER, .has_min = true, .min = -1, .has_max = true, .max = 604800 };
static const struct model_shape shape_MaximumRetryAttemptsEventSourceMapping = { SHAPE_INTEGER, .has_min = true, .min = -1, .has_max = true, .max = 10000 };
static const struct model_shape shape_TumblingWindowInSeconds = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 900 };
static const struct model_shape shape_Topic = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 249, .pattern = "[^.]([a-zA-Z0-9\\-_.]+)" };
static const struct model_shape shape_Topics = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 1, .item = &shape_Topic };
static const struct model_shape shape_Queue = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1000, .pattern = "[\\s\\S]*" };
static const struct model_shape shape_Queues = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 1, .item = &shape_Queue };
static const struct model_shape shape_SourceAccessType = { SHAPE_STRING, .words = "SASL_SCRAM_512_AUTH, OAUTHBEARER_SCOPE, OAUTHBEARER_AUDIENCE, IAM_OAUTHBEARER_AUTH, OAUTHBEARER_AUTH, OAUTHBEARER_IDENTITY_POOL, VPC_SECURITY_GROUP, VPC_SUBNET, SERVER_ROOT_CA_CERTIFICATE, CLIENT_CERTIFICATE_TLS_AUTH, OAUTHBEARER_LOGICAL_CLUSTER, VIRTUAL_HOST, IAM_AUTH, SASL_SCRAM_256_AUTH, BASIC_AUTH" };
static const struct model_shape shape_URI = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 200, .pattern = "[ a-zA-Z0-9-\\/*:_+=.@-]*" };
static const struct model_member members_SourceAccessConfiguration[] = {
        { "Type", &shape_SourceAccessType },
        { "URI", &shape_URI },
};
static const struct model_shape shape_SourceAccessConfiguration = { SHAPE_STRUCTURE, .name = "SourceAccessConfiguration", .members = members_SourceAccessConfiguration, .member_count = 2 };
static const struct model_shape shape_SourceAccessConfigurations = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 23, .item = &shape_SourceAccessConfiguration };
static const struct model_shape shape_EndPointType = { SHAPE_STRING, .words = "KAFKA_BOOTSTRAP_SERVERS" };
static const struct model_shape shape_Endpoint = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 300, .pattern = "(([a-zA-Z0-9]|[a-zA-Z0-9][a-zA-Z0-9\\-]*[a-zA-Z0-9])\\.)*([A-Za-z0-9]|[A-Za-z0-9][A-Za-z0-9\\-]*[A-Za-z0-9]):[0-9]{1,5}" };
static const struct model_shape shape_EndpointLists = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 10, .item = &shape_Endpoint };
static const struct model_shape shape_Endpoints = { SHAPE_MAP, .has_min = true, .min = 1, .has_max = true, .max = 2, .key = &shape_EndPointType, .item = &shape_EndpointLists };
static const struct model_member members_SelfManagedEventSource[] = {
        { "Endpoints", &shape_Endpoints },
};
static const struct model_shape shape_SelfManagedEventSource = { SHAPE_STRUCTURE, .name = "SelfManagedEventSource", .members = members_SelfManagedEventSource, .member_count = 1 };
static const struct model_shape shape_FunctionResponseType = { SHAPE_STRING, .words = "ReportBatchItemFailures" };
static const struct model_shape shape_FunctionResponseTypeList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 1, .item = &shape_FunctionResponseType };
static const struct model_shape shape_SchemaRegistryUri = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 10000, .pattern = "[a-zA-Z0-9-\\/*:_+=.@-]*" };
static const struct model_shape shape_SchemaRegistryEventRecordFormat = { SHAPE_STRING, .words = "SOURCE, JSON" };
static const struct model_shape shape_KafkaSchemaRegistryAuthType = { SHAPE_STRING, .words = "CLIENT_CERTIFICATE_TLS_AUTH, OAUTHBEARER_AUTH, BASIC_AUTH, SERVER_ROOT_CA_CERTIFICATE" };
static const struct model_member members_KafkaSchemaRegistryAccessConfig[] = {
        { "Type", &shape_KafkaSchemaRegistryAuthType },
        { "URI", &shape_Arn },
};
static const struct model_shape shape_KafkaSchemaRegistryAccessConfig = { SHAPE_STRUCTURE, .name = "KafkaSchemaRegistryAccessConfig", .members = members_KafkaSchemaRegistryAccessConfig, .member_count = 2 };
static const struct model_shape shape_KafkaSchemaRegistryAccessConfigList = { SHAPE_LIST, .item = &shape_KafkaSchemaRegistryAccessConfig };
static const struct model_shape shape_KafkaSchemaValidationAttribute = { SHAPE_STRING, .words = "VALUE, KEY" };
static const struct model_member members_KafkaSchemaValidationConfig[] = {
        { "Attribute", &shape_KafkaSchemaValidationAttribute },
};
static const struct model_shape shape_KafkaSchemaValidationConfig = { SHAPE_STRUCTURE, .name = "KafkaSchemaValidationConfig", .members = members_KafkaSchemaValidationConfig, .member_count = 1 };
static const struct model_shape shape_KafkaSchemaValidationConfigList = { SHAPE_LIST, .item = &shape_KafkaSchemaValidationConfig };
static const struct model_member members_KafkaSchemaRegistryConfig[] = {
        { "SchemaRegistryURI", &shape_SchemaRegistryUri },
        { "EventRecordFormat", &shape_SchemaRegistryEventRecordFormat },
        { "AccessConfigs", &shape_KafkaSchemaRegistryAccessConfigList },
        { "SchemaValidationConfigs", &shape_KafkaSchemaValidationConfigList },
};
static const struct model_shape shape_KafkaSchemaRegistryConfig = { SHAPE_STRUCTURE, .name = "KafkaSchemaRegistryConfig", .members = members_KafkaSchemaRegistryConfig, .member_count = 4 };
static const struct model_member members_AmazonManagedKafkaEventSourceConfig[] = {
        { "ConsumerGroupId", &shape_URI },
        { "SchemaRegistryConfig", &shape_KafkaSchemaRegistryConfig },
};
static const struct model_shape shape_AmazonManagedKafkaEventSourceConfig = { SHAPE_STRUCTURE, .name = "AmazonManagedKafkaEventSourceConfig", .members = members_AmazonManagedKafkaEventSourceConfig, .member_count = 2 };
static const struct model_shape shape_KafkaEventSourceMappingConsumptionMode = { SHAPE_STRING, .words = "Stream, Queue" };
static const struct model_member members_SelfManagedKafkaEventSourceConfig[] = {
        { "ConsumerGroupId", &shape_URI },
        { "SchemaRegistryConfig", &shape_KafkaSchemaRegistryConfig },
        { "ConsumptionMode", &shape_KafkaEventSourceMappingConsumptionMode },
};
static const struct model_shape shape_SelfManagedKafkaEventSourceConfig = { SHAPE_STRUCTURE, .name = "SelfManagedKafkaEventSourceConfig", .members = members_SelfManagedKafkaEventSourceConfig, .member_count = 3 };
static const struct model_shape shape_DatabaseName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 63, .pattern = "[^ /\\.$\\x22]*" };
static const struct model_shape shape_CollectionName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 57, .pattern = "(^(?!(system\\x2e)))(^[_a-zA-Z0-9])([^$]*)" };
static const struct model_shape shape_FullDocument = { SHAPE_STRING, .words = "UpdateLookup, Default" };
static const struct model_member members_DocumentDBEventSourceConfig[] = {
        { "DatabaseName", &shape_DatabaseName },
        { "CollectionName", &shape_CollectionName },
        { "FullDocument", &shape_FullDocument },
};
static const struct model_shape shape_DocumentDBEventSourceConfig = { SHAPE_STRUCTURE, .name = "DocumentDBEventSourceConfig", .members = members_DocumentDBEventSourceConfig, .member_count = 3 };
static const struct model_shape shape_MinimumNumberOfPollers = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 200 };
static const struct model_shape shape_ProvisionedPollerGroupName = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 128, .pattern = "[a-zA-Z0-9-_]*" };
static const struct model_member members_ProvisionedPollerConfig[] = {
        { "MinimumPollers", &shape_MinimumNumberOfPollers },
        { "MaximumPollers", &shape_BatchSize },
        { "PollerGroupName", &shape_ProvisionedPollerGroupName },
};
static const struct model_shape shape_ProvisionedPollerConfig = { SHAPE_STRUCTURE, .name = "ProvisionedPollerConfig", .members = members_ProvisionedPollerConfig, .member_count = 3 };
static const struct model_member members_CreateEventSourceMappingRequest[] = {
        { "EventSourceArn", &shape_Arn },
        { "FunctionName", &shape_NamespacedFunctionName, .required = true },
        { "Enabled", &shape_InvokedViaFunctionUrl },
        { "BatchSize", &shape_BatchSize },
        { "FilterCriteria", &shape_FilterCriteria },
        { "KMSKeyArn", &shape_KMSKeyArn },
        { "MetricsConfig", &shape_EventSourceMappingMetricsConfig },
        { "LoggingConfig", &shape_EventSourceMappingLoggingConfig },
        { "ScalingConfig", &shape_ScalingConfig },
        { "MaximumBatchingWindowInSeconds", &shape_MaximumBatchingWindowInSeconds },
        { "ParallelizationFactor", &shape_ParallelizationFactor },
        { "StartingPosition", &shape_EventSourcePosition },
        { "StartingPositionTimestamp", &shape_Date },
        { "DestinationConfig", &shape_DestinationConfig },
        { "MaximumRecordAgeInSeconds", &shape_MaximumRecordAgeInSeconds },
        { "BisectBatchOnFunctionError", &shape_InvokedViaFunctionUrl },
        { "MaximumRetryAttempts", &shape_MaximumRetryAttemptsEventSourceMapping },
        { "Tags", &shape_Tags },
        { "TumblingWindowInSeconds", &shape_TumblingWindowInSeconds },
        { "Topics", &shape_Topics },
        { "Queues", &shape_Queues },
        { "SourceAccessConfigurations", &shape_SourceAccessConfigurations },
        { "SelfManagedEventSource", &shape_SelfManagedEventSource },
        { "FunctionResponseTypes", &shape_FunctionResponseTypeList },
        { "AmazonManagedKafkaEventSourceConfig", &shape_AmazonManagedKafkaEventSourceConfig },
        { "SelfManagedKafkaEventSourceConfig", &shape_SelfManagedKafkaEventSourceConfig },
        { "DocumentDBEventSourceConfig", &shape_DocumentDBEventSourceConfig },
        { "ProvisionedPollerConfig", &shape_ProvisionedPollerConfig },
};
static const struct model_shape shape_Handler = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 128, .pattern = "[^\\s]+" };
static const struct model_shape shape_Blob = { SHAPE_BLOB, .secret = true };
static const struct model_shape shape_S3Bucket = { SHAPE_STRING, .has_min = true, .min = 3, .has_max = true, .max = 63, .pattern = "[0-9A-Za-z\\.\\-_]*(?<!\\.)" };
static const struct model_shape shape_S3Key = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024, .pattern = ".*" };
static const struct model_shape shape_S3ObjectStorageMode = { SHAPE_STRING, .words = "REFERENCE, COPY" };
static const struct model_member members_FunctionCode[] = {
        { "ZipFile", &shape_Blob },
        { "S3Bucket", &shape_S3Bucket },
        { "S3Key", &shape_S3Key },
        { "S3ObjectVersion", &shape_S3Key },
        { "S3ObjectStorageMode", &shape_S3ObjectStorageMode },
        { "ImageUri", &shape_String },
        { "SourceKMSKeyArn", &shape_KMSKeyArn },
};
static const struct model_shape shape_FunctionCode = { SHAPE_STRUCTURE, .name = "FunctionCode", .members = members_FunctionCode, .member_count = 7 };
static const struct model_shape shape_Timeout = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 900, .wide_max = 5400 };
static const struct model_shape shape_MemorySize = { SHAPE_INTEGER, .has_min = true, .min = 128, .has_max = true, .max = 10240, .wide_max = 32768 };
static const struct model_shape shape_FunctionVersionLatestPublished = { SHAPE_STRING, .words = "LATEST_PUBLISHED" };
static const struct model_shape shape_SubnetIds = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 16, .tacit_null = true, .item = &shape_SubnetId };
static const struct model_shape shape_SecurityGroupIds = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 5, .tacit_null = true, .item = &shape_SecurityGroupId };
static const struct model_member members_VpcConfig[] = {
        { "SubnetIds", &shape_SubnetIds },
        { "SecurityGroupIds", &shape_SecurityGroupIds },
        { "Ipv6AllowedForDualStack", &shape_InvokedViaFunctionUrl },
};
static const struct model_shape shape_VpcConfig = { SHAPE_STRUCTURE, .name = "VpcConfig", .members = members_VpcConfig, .member_count = 3 };
static const struct model_shape shape_PackageType = { SHAPE_STRING, .words = "Zip, Image" };
static const struct model_member members_DeadLetterConfig[] = {
        { "TargetArn", &shape_KMSKeyArn },
};
static const struct model_shape shape_DeadLetterConfig = { SHAPE_STRUCTURE, .name = "DeadLetterConfig", .members = members_DeadLetterConfig, .member_count = 1 };
static const struct model_shape shape_EnvironmentVariableName = { SHAPE_STRING, .pattern = "[a-zA-Z]([a-zA-Z0-9_])+", .secret = true };
static const struct model_shape shape_EnvironmentVariables = { SHAPE_MAP, .tacit_null = true, .secret = true, .key = &shape_EnvironmentVariableName, .item = &shape_ErrorMessage };
static const struct model_member members_Environment[] = {
        { "Variables", &shape_EnvironmentVariables },
};
static const struct model_shape shape_Environment = { SHAPE_STRUCTURE, .name = "Environment", .members = members_Environment, .member_count = 1 };
static const struct model_shape shape_TracingMode = { SHAPE_STRING, .words = "Active, PassThrough" };
static const struct model_member members_TracingConfig[] = {
        { "Mode", &shape_TracingMode },
};
static const struct model_shape shape_TracingConfig = { SHAPE_STRUCTURE, .name = "TracingConfig", .members = members_TracingConfig, .member_count = 1 };
static const struct model_shape shape_LayerVersionArn = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 2048, .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)" };
static const struct model_shape shape_LayerList = { SHAPE_LIST, .item = &shape_LayerVersionArn };
static const struct model_shape shape_FileSystemArn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 256, .pattern = "arn:aws[a-zA-Z-]*:elasticfilesystem:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:access-point/fsap-[a-f0-9]{17}$|^arn:aws[-a-z]*:s3files:[0-9a-z-:]+:file-system/fs-[0-9a-f]{17,40}/access-point/fsap-[0-9a-f]{17,40}" };
static const struct model_shape shape_LocalMountPath = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 160, .pattern = "/mnt/[a-zA-Z0-9-_.]+" };
static const struct model_shape shape_DirectS3Read = { SHAPE_STRING, .words = "DISABLED, AUTO, ENABLED" };
static const struct model_member members_S3FilesConfig[] = {
        { "DirectS3Read", &shape_DirectS3Read },
};
static const struct model_shape shape_S3FilesConfig = { SHAPE_STRUCTURE, .name = "S3FilesConfig", .members = members_S3FilesConfig, .member_count = 1 };
static const struct model_member members_FileSystemConfig[] = {
        { "Arn", &shape_FileSystemArn, .required = true },
        { "LocalMountPath", &shape_LocalMountPath, .required = true },
        { "S3FilesConfig", &shape_S3FilesConfig },
};
static const struct model_shape shape_FileSystemConfig = { SHAPE_STRUCTURE, .name = "FileSystemConfig", .members = members_FileSystemConfig, .member_count = 3 };
static const struct model_shape shape_FileSystemConfigList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 1, .item = &shape_FileSystemConfig };
static const struct model_shape shape_CodeSigningConfigArn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 200, .pattern = "arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:code-signing-config:csc-[a-z0-9]{17}" };
static const struct model_shape shape_StringList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 1500, .item = &shape_String };
static const struct model_shape shape_WorkingDirectory = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1000 };
static const struct model_member members_ImageConfig[] = {
        { "EntryPoint", &shape_StringList },
        { "Command", &shape_StringList },
        { "WorkingDirectory", &shape_WorkingDirectory },
};
static const struct model_shape shape_ImageConfig = { SHAPE_STRUCTURE, .name = "ImageConfig", .members = members_ImageConfig, .member_count = 3 };
static const struct model_shape shape_EphemeralStorageSize = { SHAPE_INTEGER, .has_min = true, .min = 512, .has_max = true, .max = 32768 };
static const struct model_member members_EphemeralStorage[] = {
        { "Size", &shape_EphemeralStorageSize, .required = true },
};
static const struct model_shape shape_EphemeralStorage = { SHAPE_STRUCTURE, .name = "EphemeralStorage", .members = members_EphemeralStorage, .member_count = 1 };
static const struct model_shape shape_SnapStartApplyOn = { SHAPE_STRING, .words = "PublishedVersions, None" };
static const struct model_member members_SnapStart[] = {
        { "ApplyOn", &shape_SnapStartApplyOn },
};
static const struct model_shape shape_SnapStart = { SHAPE_STRUCTURE, .name = "SnapStart", .members = members_SnapStart, .member_count = 1 };
static const struct model_shape shape_LogFormat = { SHAPE_STRING, .words = "JSON, Text" };
static const struct model_shape shape_ApplicationLogLevel = { SHAPE_STRING, .words = "TRACE, ERROR, INFO, DEBUG, FATAL, WARN" };
static const struct model_member members_LoggingConfig[] = {
        { "LogFormat", &shape_LogFormat },
        { "ApplicationLogLevel", &shape_ApplicationLogLevel },
        { "SystemLogLevel", &shape_SystemLogLevel },
        { "LogGroup", &shape_LogGroup },
};
static const struct model_shape shape_LoggingConfig = { SHAPE_STRUCTURE, .name = "LoggingConfig", .members = members_LoggingConfig, .member_count = 4 };
static const struct model_shape shape_TenantIsolationMode = { SHAPE_STRING, .words = "PER_TENANT" };
static const struct model_member members_TenancyConfig[] = {
        { "TenantIsolationMode", &shape_TenantIsolationMode, .required = true },
};
static const struct model_shape shape_TenancyConfig = { SHAPE_STRUCTURE, .name = "TenancyConfig", .members = members_TenancyConfig, .member_count = 1 };
static const struct model_shape shape_CapacityProviderArn = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 140, .pattern = "arn:aws[a-zA-Z-]*:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:capacity-provider:[a-zA-Z0-9-_]+" };
static const struct model_shape shape_PerExecutionEnvironmentMaxConcurrency = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 1600 };
static const struct model_shape shape_ExecutionEnvironmentMemoryGiBPerVCpu = { SHAPE_DOUBLE, .has_min = true, .min = 2, .has_max = true, .max = 8 };
static const struct model_member members_LambdaManagedInstancesCapacityProviderConfig[] = {
        { "CapacityProviderArn", &shape_CapacityProviderArn, .required = true },
        { "PerExecutionEnvironmentMaxConcurrency", &shape_PerExecutionEnvironmentMaxConcurrency },
        { "ExecutionEnvironmentMemoryGiBPerVCpu", &shape_ExecutionEnvironmentMemoryGiBPerVCpu },
};
static const struct model_shape shape_LambdaManagedInstancesCapacityProviderConfig = { SHAPE_STRUCTURE, .name = "LambdaManagedInstancesCapacityProviderConfig", .members = members_LambdaManagedInstancesCapacityProviderConfig, .member_count = 3 };
static const struct model_member members_CapacityProviderConfig[] = {
        { "LambdaManagedInstancesCapacityProviderConfig", &shape_LambdaManagedInstancesCapacityProviderConfig, .required = true },
};
static const struct model_shape shape_CapacityProviderConfig = { SHAPE_STRUCTURE, .name = "CapacityProviderConfig", .members = members_CapacityProviderConfig, .member_count = 1 };
static const struct model_shape shape_RetentionPeriodInDays = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 90 };
static const struct model_member members_DurableConfig[] = {
        { "KMSKeyArn", &shape_KMSKeyArn },
        { "RetentionPeriodInDays", &shape_RetentionPeriodInDays },
        { "ExecutionTimeout", &shape_StepOptionsNextAttemptDelaySecondsInteger },
};
static const struct model_shape shape_DurableConfig = { SHAPE_STRUCTURE, .name = "DurableConfig", .members = members_DurableConfig, .member_count = 3 };
static const struct model_shape shape_FunctionRuntimeArn = { SHAPE_STRING, .has_min = true, .min = 48, .has_max = true, .max = 2048, .pattern = "arn:[a-z-]+:lambda:[a-z0-9-]+:\\d{12}:runtime/.+" };
static const struct model_shape shape_FunctionRuntimeAlias = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128 };
static const struct model_member members_FunctionRuntimeConfig[] = {
        { "RuntimeArn", &shape_FunctionRuntimeArn, .required = true },
        { "RuntimeAlias", &shape_FunctionRuntimeAlias, .required = true },
};
static const struct model_shape shape_FunctionRuntimeConfig = { SHAPE_STRUCTURE, .name = "FunctionRuntimeConfig", .members = members_FunctionRuntimeConfig, .member_count = 2 };
static const struct model_shape shape_AcceleratorMemoryGB = { SHAPE_INTEGER };
static const struct model_member members_AcceleratorConfig[] = {
        { "AcceleratorMemorySize", &shape_AcceleratorMemoryGB, .required = true },
};
static const struct model_shape shape_AcceleratorConfig = { SHAPE_STRUCTURE, .name = "AcceleratorConfig", .members = members_AcceleratorConfig, .member_count = 1 };
static const struct model_member members_CreateFunctionRequest[] = {
        { "FunctionName", &shape_FunctionName, .required = true },
        { "Runtime", &shape_String },
        { "Role", &shape_RoleArn, .required = true },
        { "Handler", &shape_Handler },
        { "Code", &shape_FunctionCode, .required = true },
        { "Description", &shape_Description },
        { "Timeout", &shape_Timeout },
        { "MemorySize", &shape_MemorySize },
        { "Publish", &shape_InvokedViaFunctionUrl },
        { "PublishTo", &shape_FunctionVersionLatestPublished },
        { "VpcConfig", &shape_VpcConfig },
        { "PackageType", &shape_PackageType },
        { "DeadLetterConfig", &shape_DeadLetterConfig },
        { "Environment", &shape_Environment },
        { "KMSKeyArn", &shape_KMSKeyArn },
        { "TracingConfig", &shape_TracingConfig },
        { "Tags", &shape_Tags },
        { "Layers", &shape_LayerList },
        { "FileSystemConfigs", &shape_FileSystemConfigList },
        { "CodeSigningConfigArn", &shape_CodeSigningConfigArn },
        { "ImageConfig", &shape_ImageConfig },
        { "Architectures", &shape_ArchitecturesList },
        { "EphemeralStorage", &shape_EphemeralStorage },
        { "SnapStart", &shape_SnapStart },
        { "LoggingConfig", &shape_LoggingConfig },
        { "TenancyConfig", &shape_TenancyConfig },
        { "CapacityProviderConfig", &shape_CapacityProviderConfig },
        { "DurableConfig", &shape_DurableConfig },
        { "RuntimeConfig", &shape_FunctionRuntimeConfig },
        { "AcceleratorConfig", &shape_AcceleratorConfig },
};
static const struct model_shape shape_FunctionUrlFunctionName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 140, .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]{1,64})(:((?!\\d+$)[0-9a-zA-Z-_]+))?" };
static const struct model_shape shape_FunctionUrlQualifier = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "((?!^\\d+$)^[0-9a-zA-Z-_]+$)" };
static const struct model_shape shape_Header = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1024, .pattern = ".*" };
static const struct model_shape shape_HeadersList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 100, .item = &shape_Header };
static const struct model_shape shape_Method = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 6, .pattern = ".*" };
static const struct model_shape shape_AllowMethodsList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 6, .item = &shape_Method };
static const struct model_shape shape_Origin = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 253, .pattern = ".*" };
static const struct model_shape shape_AllowOriginsList = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 100, .item = &shape_Origin };
static const struct model_shape shape_MaxAge = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 86400 };
static const struct model_member members_Cors[] = {
        { "AllowCredentials", &shape_InvokedViaFunctionUrl },
        { "AllowHeaders", &shape_HeadersList },
        { "AllowMethods", &shape_AllowMethodsList },
        { "AllowOrigins", &shape_AllowOriginsList },
        { "ExposeHeaders", &shape_HeadersList },
        { "MaxAge", &shape_MaxAge },
};
static const struct model_shape shape_Cors = { SHAPE_STRUCTURE, .name = "Cors", .members = members_Cors, .member_count = 6 };
static const struct model_shape shape_InvokeMode = { SHAPE_STRING, .words = "BUFFERED, RESPONSE_STREAM" };
static const struct model_member members_CreateFunctionUrlConfigRequest[] = {
        { "Qualifier", &shape_FunctionUrlQualifier, AT_QUERY },
        { "FunctionName", &shape_FunctionUrlFunctionName, AT_LABEL, .label = 0, .required = true },
        { "AuthType", &shape_FunctionUrlAuthType, .required = true },
        { "Cors", &shape_Cors },
        { "InvokeMode", &shape_InvokeMode },
};
static const struct model_member members_DeleteAliasRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "Name", &shape_Alias, AT_LABEL, .label = 1, .required = true },
};
static const struct model_member members_DeleteCapacityProviderRequest[] = {
        { "CapacityProviderName", &shape_CapacityProviderName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteCodeSigningConfigRequest[] = {
        { "CodeSigningConfigArn", &shape_CodeSigningConfigArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteDurableExecutionRequest[] = {
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_UUIDString = { SHAPE_STRING, .has_min = true, .min = 36, .has_max = true, .max = 36 };
static const struct model_member members_DeleteEventSourceMappingRequest[] = {
        { "UUID", &shape_UUIDString, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteFunctionRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteFunctionCodeSigningConfigRequest[] = {
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteFunctionConcurrencyRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteFunctionUrlConfigRequest[] = {
        { "Qualifier", &shape_FunctionUrlQualifier, AT_QUERY },
        { "FunctionName", &shape_FunctionUrlFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_DeleteLayerVersionRequest[] = {
        { "LayerName", &shape_LayerNameOrArn, AT_LABEL, .label = 0, .required = true },
        { "VersionNumber", &shape_LayerVersionNumber, AT_LABEL, .label = 1, .required = true },
};
static const struct model_shape shape_Qualifier = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "(|[a-zA-Z0-9$_-]+)" };
static const struct model_member members_DeleteProvisionedConcurrencyConfigRequest[] = {
        { "Qualifier", &shape_Qualifier, AT_QUERY, .required = true },
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_PolicyResourceArn = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 512, .pattern = "arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST(\\.PUBLISHED)?|[a-zA-Z0-9-_])+)?|runtime/[a-zA-Z0-9-_./]+)" };
static const struct model_shape shape_RevisionId = { SHAPE_STRING, .has_min = true, .min = 36, .has_max = true, .max = 36, .pattern = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}" };
static const struct model_member members_DeleteResourcePolicyRequest[] = {
        { "RevisionId", &shape_RevisionId, AT_QUERY },
        { "ResourceArn", &shape_PolicyResourceArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_GetDurableExecutionRequest[] = {
        { "IncludeExecutionData", &shape_InvokedViaFunctionUrl, AT_QUERY },
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_ItemCount = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 1000 };
static const struct model_member members_GetDurableExecutionHistoryRequest[] = {
        { "IncludeExecutionData", &shape_InvokedViaFunctionUrl, AT_QUERY },
        { "MaxItems", &shape_ItemCount, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "ReverseOrder", &shape_InvokedViaFunctionUrl, AT_QUERY },
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_GetDurableExecutionStateRequest[] = {
        { "CheckpointToken", &shape_CheckpointToken, AT_QUERY, .required = true },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_ItemCount, AT_QUERY },
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_UnqualifiedFunctionName = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 140, .pattern = "(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)" };
static const struct model_member members_GetFunctionRecursionConfigRequest[] = {
        { "FunctionName", &shape_UnqualifiedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_PublishedFunctionQualifier = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 128, .pattern = "(\\$LATEST\\.PUBLISHED|[0-9]+)" };
static const struct model_member members_GetFunctionScalingConfigRequest[] = {
        { "Qualifier", &shape_PublishedFunctionQualifier, AT_QUERY, .required = true },
        { "FunctionName", &shape_UnqualifiedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_GetLayerVersionByArnRequest[] = {
        { "Arn", &shape_LayerVersionArn, AT_QUERY, .required = true },
};
static const struct model_member members_GetResourcePolicyRequest[] = {
        { "ResourceArn", &shape_PolicyResourceArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_InvocationType = { SHAPE_STRING, .words = "DryRun, Event, RequestResponse" };
static const struct model_shape shape_LogType = { SHAPE_STRING, .words = "Tail, None" };
static const struct model_member members_InvocationRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "x-amz-invocation-type", &shape_InvocationType, AT_HEADER, .shown = "InvocationType" },
        { "x-amz-log-type", &shape_LogType, AT_HEADER, .shown = "LogType" },
        { "x-amz-client-context", &shape_String, AT_HEADER, .shown = "ClientContext" },
        { "x-amz-durable-execution-name", &shape_OperationId, AT_HEADER, .shown = "DurableExecutionName" },
        { "x-amz-tenant-id", &shape_TenantId, AT_HEADER, .shown = "TenantId" },
        { "Payload", &shape_Blob, AT_PAYLOAD },
};
static const struct model_shape shape_BlobStream = { SHAPE_BLOB };
static const struct model_member members_InvokeAsyncRequest[] = {
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "InvokeArgs", &shape_BlobStream, AT_PAYLOAD, .required = true },
};
static const struct model_shape shape_ResponseStreamingInvocationType = { SHAPE_STRING, .words = "DryRun, RequestResponse" };
static const struct model_member members_InvokeWithResponseStreamRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "x-amz-log-type", &shape_LogType, AT_HEADER, .shown = "LogType" },
        { "x-amz-client-context", &shape_String, AT_HEADER, .shown = "ClientContext" },
        { "x-amz-tenant-id", &shape_TenantId, AT_HEADER, .shown = "TenantId" },
        { "x-amz-invocation-type", &shape_ResponseStreamingInvocationType, AT_HEADER, .shown = "InvocationType" },
        { "Payload", &shape_Blob, AT_PAYLOAD },
};
static const struct model_member members_ListAliasesRequest[] = {
        { "FunctionVersion", &shape_VersionWithLatestPublished, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_BatchSize, AT_QUERY },
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_CapacityProviderState = { SHAPE_STRING, .words = "Active, Failed, Pending, Deleting" };
static const struct model_shape shape_MaxFiftyListItems = { SHAPE_INTEGER, .has_min = true, .min = 1, .has_max = true, .max = 50 };
static const struct model_member members_ListCapacityProvidersRequest[] = {
        { "State", &shape_CapacityProviderState, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
};
static const struct model_member members_ListCodeSigningConfigsRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_BatchSize, AT_QUERY },
};
static const struct model_shape shape_ExecutionStatus = { SHAPE_STRING, .words = "PAUSING, PAUSED, FAILED, RUNNING, TIMED_OUT, STOPPED, SUCCEEDED, DELETING" };
static const struct model_shape shape_ExecutionStatusList = { SHAPE_LIST, .has_min = true, .min = 1, .has_max = true, .max = 10, .item = &shape_ExecutionStatus };
static const struct model_member members_ListDurableExecutionsByFunctionRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "DurableExecutionName", &shape_OperationId, AT_QUERY },
        { "Statuses", &shape_ExecutionStatusList, AT_QUERY },
        { "StartedAfter", &shape_Date, AT_QUERY },
        { "StartedBefore", &shape_Date, AT_QUERY },
        { "ReverseOrder", &shape_InvokedViaFunctionUrl, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_ItemCount, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_ListEventSourceMappingsRequest[] = {
        { "EventSourceArn", &shape_Arn, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_BatchSize, AT_QUERY },
};
static const struct model_member members_ListFunctionEventInvokeConfigsRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_ListFunctionUrlConfigsRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
        { "FunctionName", &shape_FunctionUrlFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_ListFunctionVersionsByCapacityProviderRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
        { "CapacityProviderName", &shape_CapacityProviderName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_MasterRegion = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 50, .pattern = "ALL|(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}" };
static const struct model_shape shape_FunctionVersion = { SHAPE_STRING, .words = "ALL" };
static const struct model_member members_ListFunctionsRequest[] = {
        { "MasterRegion", &shape_MasterRegion, AT_QUERY },
        { "FunctionVersion", &shape_FunctionVersion, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_BatchSize, AT_QUERY },
};
static const struct model_member members_ListFunctionsByCodeSigningConfigRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_BatchSize, AT_QUERY },
        { "CodeSigningConfigArn", &shape_CodeSigningConfigArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_ListLayerVersionsRequest_CompatibleRuntime = { SHAPE_STRING, .words = runtimes_known, .tacit = runtimes_newer };
static const struct model_member members_ListLayerVersionsRequest[] = {
        { "CompatibleArchitecture", &shape_Architecture, AT_QUERY },
        { "CompatibleRuntime", &shape_ListLayerVersionsRequest_CompatibleRuntime, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
        { "LayerName", &shape_LayerNameOrArn, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_ListLayersRequest[] = {
        { "CompatibleArchitecture", &shape_Architecture, AT_QUERY },
        { "CompatibleRuntime", &shape_ListLayerVersionsRequest_CompatibleRuntime, AT_QUERY },
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
};
static const struct model_member members_ListProvisionedConcurrencyConfigsRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_MaxFiftyListItems, AT_QUERY },
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_TaggableResource = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 10000, .pattern = "arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:(function:[a-zA-Z0-9-_]+(:(\\$LATEST|[a-zA-Z0-9-_]+))?|code-signing-config:csc-[a-z0-9]{17}|event-source-mapping:[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}|(capacity-provider|network-connector):[a-zA-Z0-9-_]{1,64})" };
static const struct model_member members_ListTagsRequest[] = {
        { "Resource", &shape_TaggableResource, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_ListVersionsByFunctionRequest[] = {
        { "Marker", &shape_String, AT_QUERY },
        { "MaxItems", &shape_BatchSize, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_PauseReason = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 1024, .secret = true };
static const struct model_member members_PauseDurableExecutionRequest[] = {
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
        { "ClientToken", &shape_ClientToken },
        { "Reason", &shape_PauseReason },
        { "ExecutionTimeoutPaused", &shape_InvokedViaFunctionUrl },
};
static const struct model_member members_LayerVersionContentInput[] = {
        { "S3Bucket", &shape_S3Bucket },
        { "S3Key", &shape_S3Key },
        { "S3ObjectVersion", &shape_S3Key },
        { "S3ObjectStorageMode", &shape_S3ObjectStorageMode },
        { "ZipFile", &shape_Blob },
};
static const struct model_shape shape_LayerVersionContentInput = { SHAPE_STRUCTURE, .name = "LayerVersionContentInput", .members = members_LayerVersionContentInput, .member_count = 5 };
static const struct model_shape shape_CompatibleArchitectures = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 2, .item = &shape_Architecture };
static const struct model_shape shape_CompatibleRuntimes_member = { SHAPE_STRING, .words = runtimes_creatable, .tacit = runtimes_newer };
static const struct model_shape shape_CompatibleRuntimes = { SHAPE_LIST, .has_min = true, .min = 0, .has_max = true, .max = 15, .bare = true, .item = &shape_CompatibleRuntimes_member };
static const struct model_shape shape_LicenseInfo = { SHAPE_STRING, .has_min = true, .min = 0, .has_max = true, .max = 512, .pattern = ".*" };
static const struct model_member members_PublishLayerVersionRequest[] = {
        { "LayerName", &shape_LayerNameOrArn, AT_LABEL, .label = 0, .required = true },
        { "Description", &shape_Description },
        { "Content", &shape_LayerVersionContentInput, .required = true },
        { "CompatibleRuntimes", &shape_CompatibleRuntimes },
        { "LicenseInfo", &shape_LicenseInfo },
        { "CompatibleArchitectures", &shape_CompatibleArchitectures },
};
static const struct model_member members_PublishVersionRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "CodeSha256", &shape_String },
        { "Description", &shape_Description },
        { "RevisionId", &shape_String },
        { "PublishTo", &shape_FunctionVersionLatestPublished },
};
static const struct model_member members_PutFunctionCodeSigningConfigRequest[] = {
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "CodeSigningConfigArn", &shape_CodeSigningConfigArn, .required = true },
};
static const struct model_shape shape_ReservedConcurrentExecutions = { SHAPE_INTEGER, .has_min = true, .min = 0 };
static const struct model_member members_PutFunctionConcurrencyRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "ReservedConcurrentExecutions", &shape_ReservedConcurrentExecutions, .required = true },
};
static const struct model_shape shape_MaximumRetryAttempts = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 2 };
static const struct model_shape shape_MaximumEventAgeInSeconds = { SHAPE_INTEGER, .has_min = true, .min = 60, .has_max = true, .max = 21600 };
static const struct model_member members_PutFunctionEventInvokeConfigRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "MaximumRetryAttempts", &shape_MaximumRetryAttempts },
        { "MaximumEventAgeInSeconds", &shape_MaximumEventAgeInSeconds },
        { "DestinationConfig", &shape_DestinationConfig },
};
static const struct model_shape shape_RecursiveLoop = { SHAPE_STRING, .words = "Terminate, Allow" };
static const struct model_member members_PutFunctionRecursionConfigRequest[] = {
        { "FunctionName", &shape_UnqualifiedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "RecursiveLoop", &shape_RecursiveLoop, .required = true },
};
static const struct model_shape shape_FunctionScalingConfigExecutionEnvironments = { SHAPE_INTEGER, .has_min = true, .min = 0, .has_max = true, .max = 15000 };
static const struct model_member members_FunctionScalingConfig[] = {
        { "MinExecutionEnvironments", &shape_FunctionScalingConfigExecutionEnvironments },
        { "MaxExecutionEnvironments", &shape_FunctionScalingConfigExecutionEnvironments },
};
static const struct model_shape shape_FunctionScalingConfig = { SHAPE_STRUCTURE, .name = "FunctionScalingConfig", .members = members_FunctionScalingConfig, .member_count = 2 };
static const struct model_member members_PutFunctionScalingConfigRequest[] = {
        { "Qualifier", &shape_PublishedFunctionQualifier, AT_QUERY, .required = true },
        { "FunctionName", &shape_UnqualifiedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "FunctionScalingConfig", &shape_FunctionScalingConfig },
};
static const struct model_shape shape_PositiveInteger = { SHAPE_INTEGER, .has_min = true, .min = 1 };
static const struct model_member members_PutProvisionedConcurrencyConfigRequest[] = {
        { "Qualifier", &shape_Qualifier, AT_QUERY, .required = true },
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "ProvisionedConcurrentExecutions", &shape_PositiveInteger, .required = true },
};
static const struct model_shape shape_ResourcePolicy = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 20480, .pattern = "[\\s\\S]+" };
static const struct model_member members_PutResourcePolicyRequest[] = {
        { "ResourceArn", &shape_PolicyResourceArn, AT_LABEL, .label = 0, .required = true },
        { "Policy", &shape_ResourcePolicy, .required = true },
        { "RevisionId", &shape_RevisionId },
};
static const struct model_shape shape_UpdateRuntimeOn = { SHAPE_STRING, .words = "Auto, Manual, FunctionUpdate" };
static const struct model_shape shape_RuntimeVersionArn = { SHAPE_STRING, .has_min = true, .min = 26, .has_max = true, .max = 2048, .pattern = "((arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}::runtime:.+)|(arn:(aws[a-zA-Z-]*):lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:\\d{12}:runtime/[A-Za-z0-9_.-]{1,128}/version/[A-Za-z0-9_.-]{1,128}))" };
static const struct model_member members_PutRuntimeManagementConfigRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "UpdateRuntimeOn", &shape_UpdateRuntimeOn, .required = true },
        { "RuntimeVersionArn", &shape_RuntimeVersionArn },
};
static const struct model_member members_RemoveLayerVersionPermissionRequest[] = {
        { "RevisionId", &shape_String, AT_QUERY },
        { "LayerName", &shape_LayerNameOrArn, AT_LABEL, .label = 0, .required = true },
        { "VersionNumber", &shape_LayerVersionNumber, AT_LABEL, .label = 1, .required = true },
        { "StatementId", &shape_StatementId, AT_LABEL, .label = 2, .required = true },
};
static const struct model_shape shape_NamespacedStatementId = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 100, .pattern = "([a-zA-Z0-9-_.]+)" };
static const struct model_member members_RemovePermissionRequest[] = {
        { "Qualifier", &shape_NumericLatestPublishedOrAliasQualifier, AT_QUERY },
        { "RevisionId", &shape_String, AT_QUERY },
        { "FunctionName", &shape_NamespacedFunctionName, AT_LABEL, .label = 0, .required = true },
        { "StatementId", &shape_NamespacedStatementId, AT_LABEL, .label = 1, .required = true },
};
static const struct model_member members_ResumeDurableExecutionRequest[] = {
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
        { "ClientToken", &shape_ClientToken },
        { "Reason", &shape_PauseReason },
};
static const struct model_shape shape_CallbackId = { SHAPE_STRING, .has_min = true, .min = 1, .has_max = true, .max = 1024, .pattern = "[A-Za-z0-9+/]+={0,2}" };
static const struct model_member members_SendDurableExecutionCallbackFailureRequest[] = {
        { "CallbackId", &shape_CallbackId, AT_LABEL, .label = 0, .required = true },
        { "Error", &shape_ErrorObject, AT_PAYLOAD },
};
static const struct model_member members_SendDurableExecutionCallbackHeartbeatRequest[] = {
        { "CallbackId", &shape_CallbackId, AT_LABEL, .label = 0, .required = true },
};
static const struct model_shape shape_BinaryOperationPayload = { SHAPE_BLOB, .has_min = true, .min = 0, .has_max = true, .max = 1048576, .secret = true };
static const struct model_member members_SendDurableExecutionCallbackSuccessRequest[] = {
        { "CallbackId", &shape_CallbackId, AT_LABEL, .label = 0, .required = true },
        { "Result", &shape_BinaryOperationPayload, AT_PAYLOAD },
};
static const struct model_member members_StopDurableExecutionRequest[] = {
        { "DurableExecutionArn", &shape_DurableExecutionArn, AT_LABEL, .label = 0, .required = true },
        { "Error", &shape_ErrorObject, AT_PAYLOAD },
};
static const struct model_member members_TagResourceRequest[] = {
        { "Resource", &shape_TaggableResource, AT_LABEL, .label = 0, .required = true },
        { "Tags", &shape_Tags, .required = true },
};
static const struct model_shape shape_TagKeyList = { SHAPE_LIST, .item = &shape_TagKey };
static const struct model_member members_UntagResourceRequest[] = {
        { "tagKeys", &shape_TagKeyList, AT_QUERY, .shown = "TagKeys", .required = true },
        { "Resource", &shape_TaggableResource, AT_LABEL, .label = 0, .required = true },
};
static const struct model_member members_UpdateAliasRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "Name", &shape_Alias, AT_LABEL, .label = 1, .required = true },
        { "FunctionVersion", &shape_VersionWithLatestPublished },
        { "Description", &shape_Description },
        { "RoutingConfig", &shape_AliasRoutingConfiguration },
        { "RevisionId", &shape_String },
};
static const struct model_member members_UpdateCapacityProviderRequest[] = {
        { "CapacityProviderName", &shape_CapacityProviderName, AT_LABEL, .label = 0, .required = true },
        { "CapacityProviderScalingConfig", &shape_CapacityProviderScalingConfig },
        { "PropagateTags", &shape_PropagateTags },
        { "TelemetryConfig", &shape_CapacityProviderTelemetryConfig },
};
static const struct model_member members_UpdateCodeSigningConfigRequest[] = {
        { "CodeSigningConfigArn", &shape_CodeSigningConfigArn, AT_LABEL, .label = 0, .required = true },
        { "Description", &shape_Description },
        { "AllowedPublishers", &shape_AllowedPublishers },
        { "CodeSigningPolicies", &shape_CodeSigningPolicies },
};
static const struct model_member members_UpdateEventSourceMappingRequest[] = {
        { "UUID", &shape_UUIDString, AT_LABEL, .label = 0, .required = true },
        { "FunctionName", &shape_NamespacedFunctionName },
        { "Enabled", &shape_InvokedViaFunctionUrl },
        { "BatchSize", &shape_BatchSize },
        { "FilterCriteria", &shape_FilterCriteria },
        { "KMSKeyArn", &shape_KMSKeyArn },
        { "MetricsConfig", &shape_EventSourceMappingMetricsConfig },
        { "LoggingConfig", &shape_EventSourceMappingLoggingConfig },
        { "ScalingConfig", &shape_ScalingConfig },
        { "MaximumBatchingWindowInSeconds", &shape_MaximumBatchingWindowInSeconds },
        { "ParallelizationFactor", &shape_ParallelizationFactor },
        { "DestinationConfig", &shape_DestinationConfig },
        { "MaximumRecordAgeInSeconds", &shape_MaximumRecordAgeInSeconds },
        { "BisectBatchOnFunctionError", &shape_InvokedViaFunctionUrl },
        { "MaximumRetryAttempts", &shape_MaximumRetryAttemptsEventSourceMapping },
        { "TumblingWindowInSeconds", &shape_TumblingWindowInSeconds },
        { "SourceAccessConfigurations", &shape_SourceAccessConfigurations },
        { "FunctionResponseTypes", &shape_FunctionResponseTypeList },
        { "AmazonManagedKafkaEventSourceConfig", &shape_AmazonManagedKafkaEventSourceConfig },
        { "SelfManagedKafkaEventSourceConfig", &shape_SelfManagedKafkaEventSourceConfig },
        { "DocumentDBEventSourceConfig", &shape_DocumentDBEventSourceConfig },
        { "ProvisionedPollerConfig", &shape_ProvisionedPollerConfig },
};
static const struct model_member members_UpdateFunctionCodeRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "ZipFile", &shape_Blob },
        { "S3Bucket", &shape_S3Bucket },
        { "S3Key", &shape_S3Key },
        { "S3ObjectVersion", &shape_S3Key },
        { "S3ObjectStorageMode", &shape_S3ObjectStorageMode },
        { "ImageUri", &shape_String },
        { "Architectures", &shape_ArchitecturesList },
        { "Publish", &shape_InvokedViaFunctionUrl },
        { "PublishTo", &shape_FunctionVersionLatestPublished },
        { "DryRun", &shape_InvokedViaFunctionUrl },
        { "RevisionId", &shape_String },
        { "SourceKMSKeyArn", &shape_KMSKeyArn },
};
static const struct model_member members_UpdateFunctionConfigurationRequest[] = {
        { "FunctionName", &shape_FunctionName, AT_LABEL, .label = 0, .required = true },
        { "Role", &shape_RoleArn },
        { "Handler", &shape_Handler },
        { "Description", &shape_Description },
        { "Timeout", &shape_Timeout },
        { "MemorySize", &shape_MemorySize },
        { "VpcConfig", &shape_VpcConfig },
        { "Environment", &shape_Environment },
        { "Runtime", &shape_String },
        { "DeadLetterConfig", &shape_DeadLetterConfig },
        { "KMSKeyArn", &shape_KMSKeyArn },
        { "TracingConfig", &shape_TracingConfig },
        { "RevisionId", &shape_String },
        { "Layers", &shape_LayerList },
        { "FileSystemConfigs", &shape_FileSystemConfigList },
        { "ImageConfig", &shape_ImageConfig },
        { "EphemeralStorage", &shape_EphemeralStorage },
        { "SnapStart", &shape_SnapStart },
        { "LoggingConfig", &shape_LoggingConfig },
        { "CapacityProviderConfig", &shape_CapacityProviderConfig },
        { "DurableConfig", &shape_DurableConfig },
        { "RuntimeConfig", &shape_FunctionRuntimeConfig },
        { "AcceleratorConfig", &shape_AcceleratorConfig },
};
static const struct model_member members_UpdateFunctionUrlConfigRequest[] = {
        { "Qualifier", &shape_FunctionUrlQualifier, AT_QUERY },
        { "FunctionName", &shape_FunctionUrlFunctionName, AT_LABEL, .label = 0, .required = true },
        { "AuthType", &shape_FunctionUrlAuthType },
        { "Cors", &shape_Cors },
        { "InvokeMode", &shape_InvokeMode },
};

const struct model_operation model_operations[] = {
        { "AddLayerVersionPermission", HTTP_POST_, "/2018-10-31/layers/{}/versions/{}/policy", 201, members_AddLayerVersionPermissionRequest, 7 },
        { "AddPermission", HTTP_POST_, "/2015-03-31/functions/{}/policy", 201, members_AddPermissionRequest, 12 },
        { "CheckpointDurableExecution", HTTP_POST_, "/2025-12-01/durable-executions/{}/checkpoint", 200, members_CheckpointDurableExecutionRequest, 4 },
        { "CreateAlias", HTTP_POST_, "/2015-03-31/functions/{}/aliases", 201, members_CreateAliasRequest, 5 },
        { "CreateCapacityProvider", HTTP_POST_, "/2025-11-30/capacity-providers", 202, members_CreateCapacityProviderRequest, 9 },
        { "CreateCodeSigningConfig", HTTP_POST_, "/2020-04-22/code-signing-configs", 201, members_CreateCodeSigningConfigRequest, 4 },
        { "CreateEventSourceMapping", HTTP_POST_, "/2015-03-31/event-source-mappings", 202, members_CreateEventSourceMappingRequest, 28 },
        { "CreateFunction", HTTP_POST_, "/2015-03-31/functions", 201, members_CreateFunctionRequest, 30 },
        { "CreateFunctionUrlConfig", HTTP_POST_, "/2021-10-31/functions/{}/url", 201, members_CreateFunctionUrlConfigRequest, 5 },
        { "DeleteAlias", HTTP_DELETE_, "/2015-03-31/functions/{}/aliases/{}", 204, members_DeleteAliasRequest, 2 },
        { "DeleteCapacityProvider", HTTP_DELETE_, "/2025-11-30/capacity-providers/{}", 202, members_DeleteCapacityProviderRequest, 1 },
        { "DeleteCodeSigningConfig", HTTP_DELETE_, "/2020-04-22/code-signing-configs/{}", 204, members_DeleteCodeSigningConfigRequest, 1 },
        { "DeleteDurableExecution", HTTP_DELETE_, "/2025-12-01/durable-executions/{}", 202, members_DeleteDurableExecutionRequest, 1 },
        { "DeleteEventSourceMapping", HTTP_DELETE_, "/2015-03-31/event-source-mappings/{}", 202, members_DeleteEventSourceMappingRequest, 1 },
        { "DeleteFunction", HTTP_DELETE_, "/2015-03-31/functions/{}", 200, members_DeleteFunctionRequest, 2 },
        { "DeleteFunctionCodeSigningConfig", HTTP_DELETE_, "/2020-06-30/functions/{}/code-signing-config", 204, members_DeleteFunctionCodeSigningConfigRequest, 1 },
        { "DeleteFunctionConcurrency", HTTP_DELETE_, "/2017-10-31/functions/{}/concurrency", 204, members_DeleteFunctionConcurrencyRequest, 1 },
        { "DeleteFunctionEventInvokeConfig", HTTP_DELETE_, "/2019-09-25/functions/{}/event-invoke-config", 204, members_DeleteFunctionRequest, 2 },
        { "DeleteFunctionUrlConfig", HTTP_DELETE_, "/2021-10-31/functions/{}/url", 204, members_DeleteFunctionUrlConfigRequest, 2 },
        { "DeleteLayerVersion", HTTP_DELETE_, "/2018-10-31/layers/{}/versions/{}", 204, members_DeleteLayerVersionRequest, 2 },
        { "DeleteProvisionedConcurrencyConfig", HTTP_DELETE_, "/2019-09-30/functions/{}/provisioned-concurrency", 204, members_DeleteProvisionedConcurrencyConfigRequest, 2 },
        { "DeleteResourcePolicy", HTTP_DELETE_, "/2026-07-09/resource-policy/{}", 204, members_DeleteResourcePolicyRequest, 2 },
        { "GetAccountSettings", HTTP_GET_, "/2016-08-19/account-settings", 200 },
        { "GetAlias", HTTP_GET_, "/2015-03-31/functions/{}/aliases/{}", 200, members_DeleteAliasRequest, 2 },
        { "GetCapacityProvider", HTTP_GET_, "/2025-11-30/capacity-providers/{}", 200, members_DeleteCapacityProviderRequest, 1 },
        { "GetCodeSigningConfig", HTTP_GET_, "/2020-04-22/code-signing-configs/{}", 200, members_DeleteCodeSigningConfigRequest, 1 },
        { "GetDurableExecution", HTTP_GET_, "/2025-12-01/durable-executions/{}", 200, members_GetDurableExecutionRequest, 2 },
        { "GetDurableExecutionHistory", HTTP_GET_, "/2025-12-01/durable-executions/{}/history", 200, members_GetDurableExecutionHistoryRequest, 5 },
        { "GetDurableExecutionState", HTTP_GET_, "/2025-12-01/durable-executions/{}/state", 200, members_GetDurableExecutionStateRequest, 4 },
        { "GetEventSourceMapping", HTTP_GET_, "/2015-03-31/event-source-mappings/{}", 200, members_DeleteEventSourceMappingRequest, 1 },
        { "GetFunction", HTTP_GET_, "/2015-03-31/functions/{}", 200, members_DeleteFunctionRequest, 2 },
        { "GetFunctionCodeSigningConfig", HTTP_GET_, "/2020-06-30/functions/{}/code-signing-config", 200, members_DeleteFunctionCodeSigningConfigRequest, 1 },
        { "GetFunctionConcurrency", HTTP_GET_, "/2019-09-30/functions/{}/concurrency", 200, members_DeleteFunctionConcurrencyRequest, 1 },
        { "GetFunctionConfiguration", HTTP_GET_, "/2015-03-31/functions/{}/configuration", 200, members_DeleteFunctionRequest, 2 },
        { "GetFunctionEventInvokeConfig", HTTP_GET_, "/2019-09-25/functions/{}/event-invoke-config", 200, members_DeleteFunctionRequest, 2 },
        { "GetFunctionRecursionConfig", HTTP_GET_, "/2024-08-31/functions/{}/recursion-config", 200, members_GetFunctionRecursionConfigRequest, 1 },
        { "GetFunctionScalingConfig", HTTP_GET_, "/2025-11-30/functions/{}/function-scaling-config", 200, members_GetFunctionScalingConfigRequest, 2 },
        { "GetFunctionUrlConfig", HTTP_GET_, "/2021-10-31/functions/{}/url", 200, members_DeleteFunctionUrlConfigRequest, 2 },
        { "GetLayerVersion", HTTP_GET_, "/2018-10-31/layers/{}/versions/{}", 200, members_DeleteLayerVersionRequest, 2 },
        { "GetLayerVersionByArn", HTTP_GET_, "/2018-10-31/layers?find=LayerVersion", 200, members_GetLayerVersionByArnRequest, 1 },
        { "GetLayerVersionPolicy", HTTP_GET_, "/2018-10-31/layers/{}/versions/{}/policy", 200, members_DeleteLayerVersionRequest, 2 },
        { "GetPolicy", HTTP_GET_, "/2015-03-31/functions/{}/policy", 200, members_DeleteFunctionRequest, 2 },
        { "GetProvisionedConcurrencyConfig", HTTP_GET_, "/2019-09-30/functions/{}/provisioned-concurrency", 200, members_DeleteProvisionedConcurrencyConfigRequest, 2 },
        { "GetResourcePolicy", HTTP_GET_, "/2026-07-09/resource-policy/{}", 200, members_GetResourcePolicyRequest, 1 },
        { "GetRuntimeManagementConfig", HTTP_GET_, "/2021-07-20/functions/{}/runtime-management-config", 200, members_DeleteFunctionRequest, 2 },
        { "Invoke", HTTP_POST_, "/2015-03-31/functions/{}/invocations", 200, members_InvocationRequest, 8 },
        { "InvokeAsync", HTTP_POST_, "/2014-11-13/functions/{}/invoke-async", 202, members_InvokeAsyncRequest, 2 },
        { "InvokeWithResponseStream", HTTP_POST_, "/2021-11-15/functions/{}/response-streaming-invocations", 200, members_InvokeWithResponseStreamRequest, 7 },
        { "ListAliases", HTTP_GET_, "/2015-03-31/functions/{}/aliases", 200, members_ListAliasesRequest, 4 },
        { "ListCapacityProviders", HTTP_GET_, "/2025-11-30/capacity-providers", 200, members_ListCapacityProvidersRequest, 3 },
        { "ListCodeSigningConfigs", HTTP_GET_, "/2020-04-22/code-signing-configs", 200, members_ListCodeSigningConfigsRequest, 2 },
        { "ListDurableExecutionsByFunction", HTTP_GET_, "/2025-12-01/functions/{}/durable-executions", 200, members_ListDurableExecutionsByFunctionRequest, 9 },
        { "ListEventSourceMappings", HTTP_GET_, "/2015-03-31/event-source-mappings", 200, members_ListEventSourceMappingsRequest, 4 },
        { "ListFunctionEventInvokeConfigs", HTTP_GET_, "/2019-09-25/functions/{}/event-invoke-config/list", 200, members_ListFunctionEventInvokeConfigsRequest, 3 },
        { "ListFunctionUrlConfigs", HTTP_GET_, "/2021-10-31/functions/{}/urls", 200, members_ListFunctionUrlConfigsRequest, 3 },
        { "ListFunctionVersionsByCapacityProvider", HTTP_GET_, "/2025-11-30/capacity-providers/{}/function-versions", 200, members_ListFunctionVersionsByCapacityProviderRequest, 3 },
        { "ListFunctions", HTTP_GET_, "/2015-03-31/functions", 200, members_ListFunctionsRequest, 4 },
        { "ListFunctionsByCodeSigningConfig", HTTP_GET_, "/2020-04-22/code-signing-configs/{}/functions", 200, members_ListFunctionsByCodeSigningConfigRequest, 3 },
        { "ListLayerVersions", HTTP_GET_, "/2018-10-31/layers/{}/versions", 200, members_ListLayerVersionsRequest, 5 },
        { "ListLayers", HTTP_GET_, "/2018-10-31/layers", 200, members_ListLayersRequest, 4 },
        { "ListProvisionedConcurrencyConfigs", HTTP_GET_, "/2019-09-30/functions/{}/provisioned-concurrency?List=ALL", 200, members_ListProvisionedConcurrencyConfigsRequest, 3 },
        { "ListTags", HTTP_GET_, "/2017-03-31/tags/{}", 200, members_ListTagsRequest, 1 },
        { "ListVersionsByFunction", HTTP_GET_, "/2015-03-31/functions/{}/versions", 200, members_ListVersionsByFunctionRequest, 3 },
        { "PauseDurableExecution", HTTP_POST_, "/2025-12-01/durable-executions/{}/pause", 202, members_PauseDurableExecutionRequest, 4 },
        { "PublishLayerVersion", HTTP_POST_, "/2018-10-31/layers/{}/versions", 201, members_PublishLayerVersionRequest, 6 },
        { "PublishVersion", HTTP_POST_, "/2015-03-31/functions/{}/versions", 201, members_PublishVersionRequest, 5 },
        { "PutFunctionCodeSigningConfig", HTTP_PUT_, "/2020-06-30/functions/{}/code-signing-config", 200, members_PutFunctionCodeSigningConfigRequest, 2 },
        { "PutFunctionConcurrency", HTTP_PUT_, "/2017-10-31/functions/{}/concurrency", 200, members_PutFunctionConcurrencyRequest, 2 },
        { "PutFunctionEventInvokeConfig", HTTP_PUT_, "/2019-09-25/functions/{}/event-invoke-config", 200, members_PutFunctionEventInvokeConfigRequest, 5 },
        { "PutFunctionRecursionConfig", HTTP_PUT_, "/2024-08-31/functions/{}/recursion-config", 200, members_PutFunctionRecursionConfigRequest, 2 },
        { "PutFunctionScalingConfig", HTTP_PUT_, "/2025-11-30/functions/{}/function-scaling-config", 202, members_PutFunctionScalingConfigRequest, 3 },
        { "PutProvisionedConcurrencyConfig", HTTP_PUT_, "/2019-09-30/functions/{}/provisioned-concurrency", 202, members_PutProvisionedConcurrencyConfigRequest, 3 },
        { "PutResourcePolicy", HTTP_PUT_, "/2026-07-09/resource-policy/{}", 200, members_PutResourcePolicyRequest, 3 },
        { "PutRuntimeManagementConfig", HTTP_PUT_, "/2021-07-20/functions/{}/runtime-management-config", 200, members_PutRuntimeManagementConfigRequest, 4 },
        { "RemoveLayerVersionPermission", HTTP_DELETE_, "/2018-10-31/layers/{}/versions/{}/policy/{}", 204, members_RemoveLayerVersionPermissionRequest, 4 },
        { "RemovePermission", HTTP_DELETE_, "/2015-03-31/functions/{}/policy/{}", 204, members_RemovePermissionRequest, 4 },
        { "ResumeDurableExecution", HTTP_POST_, "/2025-12-01/durable-executions/{}/resume", 202, members_ResumeDurableExecutionRequest, 3 },
        { "SendDurableExecutionCallbackFailure", HTTP_POST_, "/2025-12-01/durable-execution-callbacks/{}/fail", 200, members_SendDurableExecutionCallbackFailureRequest, 2 },
        { "SendDurableExecutionCallbackHeartbeat", HTTP_POST_, "/2025-12-01/durable-execution-callbacks/{}/heartbeat", 200, members_SendDurableExecutionCallbackHeartbeatRequest, 1 },
        { "SendDurableExecutionCallbackSuccess", HTTP_POST_, "/2025-12-01/durable-execution-callbacks/{}/succeed", 200, members_SendDurableExecutionCallbackSuccessRequest, 2 },
        { "StopDurableExecution", HTTP_POST_, "/2025-12-01/durable-executions/{}/stop", 200, members_StopDurableExecutionRequest, 2 },
        { "TagResource", HTTP_POST_, "/2017-03-31/tags/{}", 204, members_TagResourceRequest, 2 },
        { "UntagResource", HTTP_DELETE_, "/2017-03-31/tags/{}", 204, members_UntagResourceRequest, 2 },
        { "UpdateAlias", HTTP_PUT_, "/2015-03-31/functions/{}/aliases/{}", 200, members_UpdateAliasRequest, 6 },
        { "UpdateCapacityProvider", HTTP_PUT_, "/2025-11-30/capacity-providers/{}", 202, members_UpdateCapacityProviderRequest, 4 },
        { "UpdateCodeSigningConfig", HTTP_PUT_, "/2020-04-22/code-signing-configs/{}", 200, members_UpdateCodeSigningConfigRequest, 4 },
        { "UpdateEventSourceMapping", HTTP_PUT_, "/2015-03-31/event-source-mappings/{}", 202, members_UpdateEventSourceMappingRequest, 22 },
        { "UpdateFunctionCode", HTTP_PUT_, "/2015-03-31/functions/{}/code", 200, members_UpdateFunctionCodeRequest, 13 },
        { "UpdateFunctionConfiguration", HTTP_PUT_, "/2015-03-31/functions/{}/configuration", 200, members_UpdateFunctionConfigurationRequest, 23 },
        { "UpdateFunctionEventInvokeConfig", HTTP_POST_, "/2019-09-25/functions/{}/event-invoke-config", 200, members_PutFunctionEventInvokeConfigRequest, 5 },
        { "UpdateFunctionUrlConfig", HTTP_PUT_, "/2021-10-31/functions/{}/url", 200, members_UpdateFunctionUrlConfigRequest, 5 },
};

const size_t model_operation_count = 91;
