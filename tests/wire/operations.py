# SPDX-License-Identifier: Apache-2.0
"""A valid call of every operation of the Lambda API, in an order in which each finds what it needs.

Between them the rows of an operation give all of its members, but for those in LEFT_OUT, each with its reason. "$word" in a value
stands for what an earlier row kept, or for what the test began with (name, arn, account, package…).
"""

import dataclasses

ROLE = "arn:aws:iam::000000000000:role/r"
SERVICES = {name: f"arn:aws:{name}:us-east-1:000000000000:" for name in ("kinesis", "sqs", "kafka", "mq", "rds", "kms", "secretsmanager")}
QUEUE = SERVICES["sqs"] + "queue"
KEY = SERVICES["kms"] + "key/k"
SECRET = SERVICES["secretsmanager"] + "secret:s"
PUBLISHER = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p"
STREAM = SERVICES["kinesis"] + "stream/s"
CLUSTER = SERVICES["kafka"] + "cluster/c/0a1b2c3d-0000-0000-0000-000000000000-1"
EXECUTION = "$arn:1/durable-execution/e/0a1b2c3d-0000-0000-0000-000000000000"
TOKEN = "dG9rZW4="


@dataclasses.dataclass
class Row:
    operation: str
    given: dict
    keep: dict = dataclasses.field(default_factory=dict)  # name: path in the answer
    shows: dict = dataclasses.field(default_factory=dict)  # members of the answer, as the client reads it
    waits: bool = False  # until its function is Active and updated


def of(**given):
    return {"FunctionName": "$name", **given}


# Functions of a kind of their own: on instances of a capacity provider, with tenants, durable.
def on_instances(**given):
    return {"FunctionName": "$name-there", **given}


def with_tenants(**given):
    return {"FunctionName": "$name-tenants", **given}


def durable(**given):
    return {"FunctionName": "$name-durable", **given}


DESTINATIONS = {"OnSuccess": {"Destination": QUEUE}, "OnFailure": {"Destination": QUEUE}}
FILTERS = {"Filters": [{"Pattern": '{"a": ["b"]}'}]}
REGISTRY = {
    "SchemaRegistryURI": "https://registry.example", "EventRecordFormat": "JSON", "SchemaValidationConfigs": [{"Attribute": "KEY"}],
    "AccessConfigs": [{"Type": "BASIC_AUTH", "URI": SECRET}],
}
CORS = {"AllowCredentials": True, "AllowHeaders": ["a"], "AllowMethods": ["GET"], "AllowOrigins": ["*"], "ExposeHeaders": ["b"], "MaxAge": 5}
POLICY = (
    '{"Version": "2012-10-17", "Statement": [{"Sid": "w", "Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::000000000000:root"}, '
    '"Action": "lambda:InvokeFunction", "Resource": "$arn"}]}'
)
SETTINGS = {
    "Role": ROLE, "Runtime": "provided.al2023", "Handler": "echo", "Timeout": 10, "MemorySize": 256, "KMSKeyArn": KEY,
    "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"], "Ipv6AllowedForDualStack": False},
    "DeadLetterConfig": {"TargetArn": QUEUE}, "Environment": {"Variables": {"NAME": "value"}}, "TracingConfig": {"Mode": "Active"},
    "Layers": ["$layer"], "EphemeralStorage": {"Size": 600}, "SnapStart": {"ApplyOn": "None"},
    "FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0", "LocalMountPath": "/mnt/x"}],
    "LoggingConfig": {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": "/aws/lambda/$name"},
}
STREAM_READING = {
    "MaximumBatchingWindowInSeconds": 1, "ParallelizationFactor": 2, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}, "BatchSize": 7,
    "MaximumRecordAgeInSeconds": 60, "BisectBatchOnFunctionError": True, "MaximumRetryAttempts": 1, "TumblingWindowInSeconds": 30,
    "FunctionResponseTypes": ["ReportBatchItemFailures"], "FilterCriteria": FILTERS, "KMSKeyArn": KEY, "Enabled": False,
    "MetricsConfig": {"Metrics": ["EventCount"]},
}
KAFKA_ACCESS = [{"Type": "SASL_SCRAM_512_AUTH", "URI": SECRET}]
SMALL = {"Role": ROLE, "Runtime": "provided.al2023", "Handler": "echo", "Code": {"ZipFile": "$package"}}
INSTANCES = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": "$provider", "PerExecutionEnvironmentMaxConcurrency": 2}}
POLLERS = {"MinimumPollers": 1, "MaximumPollers": 2}
SCALING = {"MaxVCpuCount": 30, "ScalingMode": "Manual", "ScalingPolicies": [{"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 50.0}]}
TAGS_ON = {"Mode": "Explicit", "ExplicitTags": {"c": "d"}}
TELEMETRY = {"LoggingConfig": {"SystemLogLevel": "INFO", "LogGroup": "/aws/lambda/capacity"}}
FAILURE = {"ErrorMessage": "m", "ErrorType": "t", "ErrorData": "d", "StackTrace": ["line"]}

ROWS = [
    Row("GetAccountSettings", {}),
    # Code signing and layers come before the function that has them.
    Row("CreateCodeSigningConfig", {"Description": "d", "AllowedPublishers": {"SigningProfileVersionArns": [PUBLISHER]}, "Tags": {"a": "b"},
                                    "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}},
        keep={"csc": "CodeSigningConfig.CodeSigningConfigArn"}),
    Row("UpdateCodeSigningConfig", {"CodeSigningConfigArn": "$csc", "Description": "e",
                                    "AllowedPublishers": {"SigningProfileVersionArns": [PUBLISHER]},
                                    "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}}),
    Row("GetCodeSigningConfig", {"CodeSigningConfigArn": "$csc"}),
    Row("ListCodeSigningConfigs", {"MaxItems": 10}),
    Row("PublishLayerVersion", {"LayerName": "$name", "Description": "d", "Content": {"ZipFile": "$layer_package"}, "LicenseInfo": "MIT",
                                "CompatibleArchitectures": ["x86_64", "arm64"], "CompatibleRuntimes": ["provided.al2023"]},
        keep={"layer": "LayerVersionArn"}, shows={"Version": 1, "Description": "d"}),
    Row("GetLayerVersion", {"LayerName": "$name", "VersionNumber": 1}, shows={"LicenseInfo": "MIT"}),
    Row("GetLayerVersionByArn", {"Arn": "$layer"}, shows={"Version": 1}),
    Row("ListLayers", {"CompatibleArchitecture": "arm64", "CompatibleRuntime": "provided.al2023", "MaxItems": 10}),
    Row("ListLayerVersions", {"LayerName": "$name", "CompatibleArchitecture": "x86_64", "CompatibleRuntime": "provided.al2023", "MaxItems": 10}),
    Row("AddLayerVersionPermission", {"LayerName": "$name", "VersionNumber": 1, "StatementId": "s", "Action": "lambda:GetLayerVersion",
                                      "Principal": "*", "OrganizationId": "o-0123456789"}, keep={"revision": "RevisionId"}),
    Row("AddLayerVersionPermission", {"LayerName": "$name", "VersionNumber": 1, "StatementId": "t", "Action": "lambda:GetLayerVersion",
                                      "Principal": "111122223333", "RevisionId": "$revision"}),
    Row("GetLayerVersionPolicy", {"LayerName": "$name", "VersionNumber": 1}, keep={"revision": "RevisionId"}),
    Row("RemoveLayerVersionPermission", {"LayerName": "$name", "VersionNumber": 1, "StatementId": "s", "RevisionId": "$revision"}),

    Row("CreateFunction", of(**SETTINGS, Code={"ZipFile": "$package"}, Description="d", Publish=True, PackageType="Zip", Tags={"a": "b"},
                             Architectures=["$architecture"], CodeSigningConfigArn="$csc"),
        shows={"FunctionArn": "$arn", "Version": "1", "State": "Pending"}, waits=True),
    Row("GetFunction", of(Qualifier="1"), shows={"Tags": {"a": "b"}}),
    Row("GetFunctionConfiguration", of(Qualifier="$$LATEST"), keep={"revision": "RevisionId"}, shows={"MemorySize": 256, "Version": "$$LATEST"}),
    Row("UpdateFunctionConfiguration", of(**{**SETTINGS, "Timeout": 20}, Description="e", RevisionId="$revision"), shows={"Timeout": 20}, waits=True),
    Row("GetFunctionConfiguration", of(), keep={"revision": "RevisionId"}),
    Row("UpdateFunctionCode", of(ZipFile="$other_package", Architectures=["$architecture"], Publish=False, DryRun=False, RevisionId="$revision"),
        keep={"sha": "CodeSha256"}, waits=True),
    Row("GetFunctionConfiguration", of(), keep={"revision": "RevisionId"}),
    Row("PublishVersion", of(CodeSha256="$sha", Description="v", RevisionId="$revision"), shows={"Version": "2", "Description": "v"}, waits=True),
    Row("ListVersionsByFunction", of(MaxItems=10)),
    Row("ListFunctions", {"MasterRegion": "ALL", "FunctionVersion": "ALL", "MaxItems": 10}),

    Row("CreateAlias", of(Name="live", FunctionVersion="1", Description="d", RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}),
        keep={"alias_revision": "RevisionId"}, shows={"AliasArn": "$arn:live"}),
    Row("UpdateAlias", of(Name="live", FunctionVersion="1", Description="e", RoutingConfig={"AdditionalVersionWeights": {}}, RevisionId="$alias_revision"),
        shows={"Description": "e"}),
    Row("GetAlias", of(Name="live"), shows={"FunctionVersion": "1"}),
    Row("ListAliases", of(FunctionVersion="1", MaxItems=10)),

    Row("Invoke", of(InvocationType="RequestResponse", LogType="Tail", ClientContext="e30=", Payload='{"a":1}', Qualifier="live"),
        shows={"StatusCode": 200, "ExecutedVersion": "1"}),
    Row("InvokeWithResponseStream", of(InvocationType="RequestResponse", LogType="Tail", ClientContext="e30=", Payload='{"a":1}', Qualifier="live"),
        shows={"StatusCode": 200, "ExecutedVersion": "1"}),
    Row("InvokeAsync", of(InvokeArgs='{"a":1}')),

    Row("TagResource", {"Resource": "$arn", "Tags": {"c": "d"}}),
    Row("UntagResource", {"Resource": "$arn", "TagKeys": ["a"]}),
    Row("ListTags", {"Resource": "$arn"}, shows={"Tags": {"c": "d"}}),

    Row("GetAlias", of(Name="live"), keep={"alias_revision": "RevisionId"}),
    Row("AddPermission", of(StatementId="s", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceArn="arn:aws:s3:::b",
                            SourceAccount="000000000000", Qualifier="live", RevisionId="$alias_revision")),
    Row("AddPermission", of(StatementId="u", Action="lambda:InvokeFunctionUrl", Principal="*", FunctionUrlAuthType="NONE", Qualifier="live")),
    Row("AddPermission", of(StatementId="v", Action="lambda:InvokeFunction", Principal="*", InvokedViaFunctionUrl=True, Qualifier="live",
                            PrincipalOrgID="o-0123456789")),
    Row("AddPermission", of(StatementId="x", Action="lambda:InvokeFunction", Principal="alexa-appkit.amazon.com", EventSourceToken="t", Qualifier="live")),
    Row("GetPolicy", of(Qualifier="live"), keep={"revision": "RevisionId"}),
    Row("RemovePermission", of(StatementId="s", Qualifier="live", RevisionId="$revision")),
    Row("PutResourcePolicy", {"ResourceArn": "$arn", "Policy": POLICY}, keep={"revision": "RevisionId"}),
    Row("PutResourcePolicy", {"ResourceArn": "$arn", "Policy": POLICY, "RevisionId": "$revision"}),
    Row("GetResourcePolicy", {"ResourceArn": "$arn"}, keep={"revision": "RevisionId"}),
    Row("DeleteResourcePolicy", {"ResourceArn": "$arn", "RevisionId": "$revision"}),

    Row("PutFunctionConcurrency", of(ReservedConcurrentExecutions=5), shows={"ReservedConcurrentExecutions": 5}),
    Row("GetFunctionConcurrency", of(), shows={"ReservedConcurrentExecutions": 5}),
    Row("PutProvisionedConcurrencyConfig", of(Qualifier="live", ProvisionedConcurrentExecutions=1), shows={"RequestedProvisionedConcurrentExecutions": 1}),
    Row("GetProvisionedConcurrencyConfig", of(Qualifier="live"), shows={"RequestedProvisionedConcurrentExecutions": 1}),
    Row("ListProvisionedConcurrencyConfigs", of(MaxItems=10)),
    Row("DeleteProvisionedConcurrencyConfig", of(Qualifier="live")),
    Row("DeleteFunctionConcurrency", of()),

    Row("CreateFunctionUrlConfig", of(Qualifier="live", AuthType="NONE", Cors=CORS, InvokeMode="BUFFERED"), keep={"url": "FunctionUrl"},
        shows={"FunctionArn": "$arn:live"}),
    Row("UpdateFunctionUrlConfig", of(Qualifier="live", AuthType="AWS_IAM", Cors=CORS, InvokeMode="RESPONSE_STREAM"), shows={"AuthType": "AWS_IAM"}),
    Row("GetFunctionUrlConfig", of(Qualifier="live"), shows={"FunctionUrl": "$url"}),
    Row("ListFunctionUrlConfigs", of(MaxItems=10)),
    Row("DeleteFunctionUrlConfig", of(Qualifier="live")),

    Row("PutFunctionEventInvokeConfig", of(Qualifier="live", MaximumRetryAttempts=1, MaximumEventAgeInSeconds=60, DestinationConfig=DESTINATIONS)),
    Row("UpdateFunctionEventInvokeConfig", of(Qualifier="live", MaximumRetryAttempts=0, MaximumEventAgeInSeconds=70, DestinationConfig=DESTINATIONS),
        shows={"MaximumEventAgeInSeconds": 70}),
    Row("GetFunctionEventInvokeConfig", of(Qualifier="live"), shows={"MaximumRetryAttempts": 0}),
    Row("ListFunctionEventInvokeConfigs", of(MaxItems=10)),
    Row("DeleteFunctionEventInvokeConfig", of(Qualifier="live")),

    # No source takes all of the settings.
    Row("CreateEventSourceMapping", of(EventSourceArn=STREAM, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1700000000, Tags={"a": "b"},
                                       **STREAM_READING), keep={"stream": "UUID"}, shows={"BatchSize": 7}),
    Row("UpdateEventSourceMapping", {"UUID": "$stream", "FunctionName": "$name", **STREAM_READING, "BatchSize": 8}, shows={"BatchSize": 8}),
    Row("CreateEventSourceMapping", of(EventSourceArn=QUEUE, ScalingConfig={"MaximumConcurrency": 2}), keep={"queue": "UUID"}),
    Row("UpdateEventSourceMapping", {"UUID": "$queue", "ScalingConfig": {"MaximumConcurrency": 3}}),
    Row("CreateEventSourceMapping", of(EventSourceArn=CLUSTER, StartingPosition="LATEST", Topics=["topic"], SourceAccessConfigurations=KAFKA_ACCESS,
                                       AmazonManagedKafkaEventSourceConfig={"ConsumerGroupId": "g", "SchemaRegistryConfig": REGISTRY},
                                       ProvisionedPollerConfig=POLLERS, LoggingConfig={"SystemLogLevel": "INFO"}), keep={"kafka": "UUID"}),
    Row("UpdateEventSourceMapping", {"UUID": "$kafka", "SourceAccessConfigurations": KAFKA_ACCESS, "ProvisionedPollerConfig": POLLERS,
                                     "LoggingConfig": {"SystemLogLevel": "DEBUG"},
                                     "AmazonManagedKafkaEventSourceConfig": {"ConsumerGroupId": "g", "SchemaRegistryConfig": REGISTRY}}),
    Row("CreateEventSourceMapping", of(SelfManagedEventSource={"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["b.example:9092"]}}, Topics=["topic"],
                                       StartingPosition="LATEST", SourceAccessConfigurations=KAFKA_ACCESS,
                                       SelfManagedKafkaEventSourceConfig={"ConsumerGroupId": "g", "SchemaRegistryConfig": REGISTRY}), keep={"own": "UUID"}),
    Row("UpdateEventSourceMapping", {"UUID": "$own", "SelfManagedKafkaEventSourceConfig": {"SchemaRegistryConfig": REGISTRY}}),
    Row("CreateEventSourceMapping", of(EventSourceArn=SERVICES["mq"] + "broker:b:1", Queues=["q"], SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": SECRET}]),
        keep={"broker": "UUID"}),
    Row("CreateEventSourceMapping", of(EventSourceArn=SERVICES["rds"] + "cluster:c", StartingPosition="LATEST",
                                       SourceAccessConfigurations=[{"Type": "BASIC_AUTH", "URI": SECRET}],
                                       DocumentDBEventSourceConfig={"DatabaseName": "d", "CollectionName": "c", "FullDocument": "Default"}),
        keep={"documents": "UUID"}),
    Row("UpdateEventSourceMapping", {"UUID": "$documents", "DocumentDBEventSourceConfig": {"DatabaseName": "d", "FullDocument": "UpdateLookup"}}),
    Row("GetEventSourceMapping", {"UUID": "$stream"}, shows={"BatchSize": 8}),
    Row("ListEventSourceMappings", of(EventSourceArn=STREAM, MaxItems=10)),
    *(Row("DeleteEventSourceMapping", {"UUID": f"${kept}"}, shows={"State": "Deleting"})
      for kept in ("stream", "queue", "kafka", "own", "broker", "documents")),

    Row("PutFunctionRecursionConfig", of(RecursiveLoop="Allow"), shows={"RecursiveLoop": "Allow"}),
    Row("GetFunctionRecursionConfig", of(), shows={"RecursiveLoop": "Allow"}),
    Row("PutRuntimeManagementConfig", of(Qualifier="1", UpdateRuntimeOn="Manual", RuntimeVersionArn="arn:aws:lambda:us-east-1::runtime:0123"),
        shows={"UpdateRuntimeOn": "Manual"}),
    Row("GetRuntimeManagementConfig", of(Qualifier="1"), shows={"UpdateRuntimeOn": "Manual"}),

    Row("GetFunctionCodeSigningConfig", of(), shows={"CodeSigningConfigArn": "$csc"}),
    Row("PutFunctionCodeSigningConfig", of(CodeSigningConfigArn="$csc"), shows={"FunctionName": "$name"}),
    Row("ListFunctionsByCodeSigningConfig", {"CodeSigningConfigArn": "$csc", "MaxItems": 10}, shows={"FunctionArns": ["$arn"]}),
    Row("DeleteFunctionCodeSigningConfig", of()),
    Row("DeleteCodeSigningConfig", {"CodeSigningConfigArn": "$csc"}),

    Row("CreateCapacityProvider", {"CapacityProviderName": "$name", "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
                                   "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE},
                                   "InstanceRequirements": {"Architectures": ["x86_64"], "AllowedInstanceTypes": ["m5.large"]},
                                   "CapacityProviderScalingConfig": SCALING, "KmsKeyArn": KEY, "Tags": {"a": "b"}, "PropagateTags": TAGS_ON,
                                   "TelemetryConfig": TELEMETRY}, keep={"provider": "CapacityProvider.CapacityProviderArn"}),
    Row("UpdateCapacityProvider", {"CapacityProviderName": "$name", "CapacityProviderScalingConfig": SCALING, "PropagateTags": TAGS_ON,
                                   "TelemetryConfig": TELEMETRY}),
    Row("GetCapacityProvider", {"CapacityProviderName": "$name"}),
    Row("ListCapacityProviders", {"State": "Active", "MaxItems": 10}),
    Row("ListFunctionVersionsByCapacityProvider", {"CapacityProviderName": "$name", "MaxItems": 10}),
    # A function that runs there.
    Row("CreateFunction", on_instances(**SMALL, Publish=True, PublishTo="LATEST_PUBLISHED", CapacityProviderConfig=INSTANCES),
        shows={"Version": "$$LATEST.PUBLISHED"}, waits=True),
    Row("UpdateFunctionConfiguration", on_instances(CapacityProviderConfig=INSTANCES), waits=True),
    Row("UpdateFunctionCode", on_instances(ZipFile="$package", PublishTo="LATEST_PUBLISHED"), waits=True),
    Row("PublishVersion", on_instances(PublishTo="LATEST_PUBLISHED"), shows={"Version": "$$LATEST.PUBLISHED"}),
    Row("PublishVersion", on_instances(), shows={"Version": "1"}),
    Row("PutFunctionScalingConfig", on_instances(
        Qualifier="1", FunctionScalingConfig={"MinExecutionEnvironments": 1, "MaxExecutionEnvironments": 2})),
    Row("GetFunctionScalingConfig", on_instances(Qualifier="1")),
    Row("DeleteFunction", on_instances()),
    Row("DeleteCapacityProvider", {"CapacityProviderName": "$name"}),

    Row("CreateFunction", with_tenants(**SMALL, TenancyConfig={"TenantIsolationMode": "PER_TENANT"}),
        shows={"TenancyConfig": {"TenantIsolationMode": "PER_TENANT"}}, waits=True),
    Row("Invoke", with_tenants(TenantId="t", Payload='{"a":1}'), shows={"StatusCode": 200}),
    Row("InvokeWithResponseStream", with_tenants(TenantId="t", Payload='{"a":1}'), shows={"StatusCode": 200}),
    Row("DeleteFunction", with_tenants()),

    Row("CreateFunction", durable(**SMALL, DurableConfig={"ExecutionTimeout": 60}),
        shows={"DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 14}}, waits=True),
    Row("UpdateFunctionConfiguration", durable(DurableConfig={"RetentionPeriodInDays": 3}),
        shows={"DurableConfig": {"ExecutionTimeout": 60, "RetentionPeriodInDays": 3}}, waits=True),
    Row("DeleteFunction", durable()),
    # Of a function that has no executions.
    Row("ListDurableExecutionsByFunction", of(Qualifier="1", DurableExecutionName="e", Statuses=["RUNNING"], StartedAfter=1700000000,
                                              StartedBefore=1800000000, ReverseOrder=True, MaxItems=10)),
    Row("GetDurableExecution", {"DurableExecutionArn": EXECUTION, "IncludeExecutionData": True}),
    Row("GetDurableExecutionHistory", {"DurableExecutionArn": EXECUTION, "IncludeExecutionData": True, "MaxItems": 10, "ReverseOrder": True}),
    Row("GetDurableExecutionState", {"DurableExecutionArn": EXECUTION, "CheckpointToken": TOKEN, "MaxItems": 10}),
    Row("CheckpointDurableExecution", {"DurableExecutionArn": EXECUTION, "CheckpointToken": TOKEN, "ClientToken": "t",
                                       "Updates": [{"Id": "1", "Type": "STEP", "Action": "START"}]}),
    Row("PauseDurableExecution", {"DurableExecutionArn": EXECUTION, "ClientToken": "t", "Reason": "r", "ExecutionTimeoutPaused": True}),
    Row("ResumeDurableExecution", {"DurableExecutionArn": EXECUTION, "ClientToken": "t", "Reason": "r"}),
    Row("StopDurableExecution", {"DurableExecutionArn": EXECUTION, "Error": FAILURE}),
    Row("DeleteDurableExecution", {"DurableExecutionArn": EXECUTION}),
    Row("SendDurableExecutionCallbackSuccess", {"CallbackId": TOKEN, "Result": "{}"}),
    Row("SendDurableExecutionCallbackFailure", {"CallbackId": TOKEN, "Error": FAILURE}),
    Row("SendDurableExecutionCallbackHeartbeat", {"CallbackId": TOKEN}),

    Row("DeleteAlias", of(Name="live")),
    Row("DeleteLayerVersion", {"LayerName": "$name", "VersionNumber": 1}),
    Row("DeleteFunction", of(Qualifier="2")),
    Row("DeleteFunction", of()),
]

# Members that no row gives, with the reason.
PAGES = "the tests of each list turn its pages"
LEFT_OUT = {
    **{(operation, "Marker"): PAGES for operation in {
        "GetDurableExecutionHistory", "GetDurableExecutionState", "ListAliases", "ListCapacityProviders", "ListCodeSigningConfigs",
        "ListDurableExecutionsByFunction", "ListEventSourceMappings", "ListFunctionEventInvokeConfigs", "ListFunctionUrlConfigs",
        "ListFunctionVersionsByCapacityProvider", "ListFunctions", "ListFunctionsByCodeSigningConfig", "ListLayerVersions", "ListLayers",
        "ListProvisionedConcurrencyConfigs", "ListVersionsByFunction"}},
    **{(operation, member): "newer than JavaScript's client and the command line, see test_tenants.py"
       for operation in ("CreateFunction", "UpdateFunctionConfiguration") for member in ("RuntimeConfig", "AcceleratorConfig")},
    ("Invoke", "DurableExecutionName"): "of durable functions, which are not invoked here: test_durable.py",
    **{(operation, "ImageConfig"): "of functions that are images, see test_control_plane_images.py"
       for operation in ("CreateFunction", "UpdateFunctionConfiguration")},
    ("UpdateFunctionCode", "ImageUri"): "of functions that are images, see test_control_plane_images.py",
    **{("UpdateFunctionCode", member): "the package is in the request, see test_s3_sources.py"
       for member in ("S3Bucket", "S3Key", "S3ObjectVersion", "S3ObjectStorageMode", "SourceKMSKeyArn")},
}
