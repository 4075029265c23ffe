# SPDX-License-Identifier: Apache-2.0
"""Capacity providers, the functions that run on them, and how these are to scale: kept and shown."""

import json

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "arn:aws:lambda:us-east-1:000000000000"
ROLE = "arn:aws:iam::000000000000:role/r"
VPC = {"SubnetIds": ["subnet-0a1b"], "SecurityGroupIds": ["sg-0a1b"]}
PERMISSIONS = {"CapacityProviderOperatorRoleArn": ROLE}
SCRIPT = """#!/bin/sh
while :; do
    id=$(curl -sSD - "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/next" -o /dev/null |
         tr -d '\\r' | sed -n 's/^lambda-runtime-aws-request-id: //Ip')
    curl -sS -d "\\"$AWS_LAMBDA_FUNCTION_VERSION\\"" "http://$AWS_LAMBDA_RUNTIME_API/2018-06-01/runtime/invocation/$id/response"
done
"""


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def provider(client, unique_name):
    """provider(**settings): the answer to the creation of a provider that is gone after the test."""
    made = []

    def make(name=None, **settings):
        name = name or unique_name("cp")
        answer = client.create_capacity_provider(**{"CapacityProviderName": name, "VpcConfig": VPC, "PermissionsConfig": PERMISSIONS, **settings})
        made.append(name)
        return answer["CapacityProvider"]

    yield make
    for name in made:
        try:
            client.delete_capacity_provider(CapacityProviderName=name)
        except client.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def on_instances(client, provider, unique_name, zip_of):
    """on_instances(**settings): (name, answer) of a function with a capacity provider."""
    made = []

    def make(arn=None, **settings):
        name = unique_name()
        answer = client.create_function(**{
            "FunctionName": name, "Runtime": "provided.al2023", "Handler": "h", "Role": ROLE, "Code": {"ZipFile": zip_of({"bootstrap*": SCRIPT})},
            "CapacityProviderConfig": {"LambdaManagedInstancesCapacityProviderConfig": {
                "CapacityProviderArn": arn or provider()["CapacityProviderArn"]}}, **settings})
        made.append(name)
        return name, answer

    yield make
    for name in made:
        client.delete_function(FunctionName=name)


def wait(client, name, qualifier):
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier=qualifier, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})


def settle(client, name):
    """Until $LATEST, which never becomes Active, is no longer Pending and not being updated."""
    for _ in range(10000):
        got = client.get_function_configuration(FunctionName=name)
        if got["State"] != "Pending" and got.get("LastUpdateStatus") != "InProgress":
            return got
    raise AssertionError(got)


def test_life(client, provider, unique_name):
    name = unique_name("cp")
    arn = f"{ACCOUNT}:capacity-provider:{name}"
    made = provider(name, Tags={"a": "b"}, InstanceRequirements={"Architectures": ["arm64"], "AllowedInstanceTypes": ["m7g.large"]},
                    CapacityProviderScalingConfig={"MaxVCpuCount": 30})
    assert (made["CapacityProviderArn"], made["State"]) == (arn, "Pending")
    assert made["CapacityProviderScalingConfig"] == {"MaxVCpuCount": 30, "ScalingMode": "Auto"}
    for named in (name, arn):
        got = client.get_capacity_provider(CapacityProviderName=named)["CapacityProvider"]
        assert got == {**made, "State": "Active"}
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "b"}
    policies = [{"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 50.0}]
    changed = client.update_capacity_provider(CapacityProviderName=name, CapacityProviderScalingConfig={
        "ScalingMode": "Manual", "ScalingPolicies": policies})
    assert changed["ResponseMetadata"]["HTTPStatusCode"] == 202
    scaling = {"MaxVCpuCount": 30, "ScalingMode": "Manual", "ScalingPolicies": policies}
    assert changed["CapacityProvider"]["CapacityProviderScalingConfig"] == scaling
    listed = client.list_capacity_providers(State="Active")["CapacityProviders"]
    assert [item["CapacityProviderScalingConfig"] for item in listed if item["CapacityProviderArn"] == arn] == [scaling]
    assert client.list_capacity_providers(State="Failed")["CapacityProviders"] == []
    gone = client.delete_capacity_provider(CapacityProviderName=name)
    assert (gone["ResponseMetadata"]["HTTPStatusCode"], gone["CapacityProvider"]["State"]) == (202, "Deleting")
    missing = (404, "ResourceNotFoundException", f"Capacity provider not found: {arn}")
    for call in (client.get_capacity_provider, client.update_capacity_provider, client.delete_capacity_provider,
                 client.list_function_versions_by_capacity_provider):
        assert refused(call, CapacityProviderName=name) == missing
    assert refused(client.list_tags, Resource=arn)[:2] == (404, "ResourceNotFoundException")


def test_pages(client, provider):
    ours = sorted(provider()["CapacityProviderArn"] for _ in range(3))
    pages = list(client.get_paginator("list_capacity_providers").paginate(PaginationConfig={"PageSize": 1}))
    assert [arn for arn in (page["CapacityProviders"][0]["CapacityProviderArn"] for page in pages) if arn in ours] == ours


def test_what_a_provider_may_not_be(client, provider, unique_name):
    def creation(**settings):
        return refused(client.create_capacity_provider, **{"CapacityProviderName": unique_name("cp"), "VpcConfig": VPC,
                                                           "PermissionsConfig": PERMISSIONS, **settings})

    policies = [{"PredefinedMetricType": "LambdaCapacityProviderAverageCPUUtilization", "TargetValue": 50.0}]
    assert creation(CapacityProviderScalingConfig={"ScalingMode": "Auto", "ScalingPolicies": policies}) == (
        400, "InvalidParameterValueException", "A scaling policy can't be specified when the scalingMode is set to Auto")
    types = {"AllowedInstanceTypes": ["m7g.*"], "ExcludedInstanceTypes": ["m7g.large"]}
    assert creation(InstanceRequirements=types)[:2] == (400, "InvalidParameterValueException")
    assert creation(Tags={str(i): "" for i in range(51)})[:2] == (400, "InvalidParameterValueException")
    taken = provider()["CapacityProviderArn"]
    assert creation(CapacityProviderName=taken.rpartition(":")[2]) == (
        409, "ResourceConflictException", f"Capacity provider already exists: {taken}")
    elsewhere = taken.replace("us-east-1", "eu-west-1")
    assert creation(CapacityProviderName=elsewhere)[:2] == (400, "InvalidParameterValueException")
    assert refused(client.get_capacity_provider, CapacityProviderName=elsewhere) == (
        404, "ResourceNotFoundException", f"Capacity provider not found: {elsewhere}")


def test_a_function_on_instances(client, provider, on_instances):
    arn = provider()["CapacityProviderArn"]
    name, made = on_instances(arn)
    config = {"CapacityProviderArn": arn, "PerExecutionEnvironmentMaxConcurrency": 16, "ExecutionEnvironmentMemoryGiBPerVCpu": 2.0}
    assert made["CapacityProviderConfig"]["LambdaManagedInstancesCapacityProviderConfig"] == config
    assert (made["MemorySize"], made["State"], made["LoggingConfig"]["LogFormat"]) == (2048, "Pending", "JSON")
    assert settle(client, name)["State"] == "ActiveNonInvocable"
    # Nothing is published yet, and what is not published does not run.
    assert refused(client.invoke, FunctionName=name)[:2] == (400, "NoPublishedVersionException")
    assert refused(client.invoke, FunctionName=name, Qualifier="$LATEST") == (
        409, "ResourceConflictException",
        "The operation cannot be performed at this time. The function is currently in the following state: ActiveNonInvocable")
    published = client.publish_version(FunctionName=name, PublishTo="LATEST_PUBLISHED")
    assert (published["Version"], published["FunctionArn"]) == ("$LATEST.PUBLISHED", f"{ACCOUNT}:function:{name}:$LATEST.PUBLISHED")
    wait(client, name, "$LATEST.PUBLISHED")
    answer = client.invoke(FunctionName=name)
    assert answer["ExecutedVersion"] == "$LATEST.PUBLISHED" and json.load(answer["Payload"]) == "$LATEST.PUBLISHED"
    # Again without a change: the same. With one: in its place.
    assert client.publish_version(FunctionName=name, PublishTo="LATEST_PUBLISHED")["RevisionId"] == client.get_function(
        FunctionName=name, Qualifier="$LATEST.PUBLISHED")["Configuration"]["RevisionId"]
    client.update_function_configuration(FunctionName=name, Description="changed")
    settle(client, name)
    client.publish_version(FunctionName=name, PublishTo="LATEST_PUBLISHED")
    assert client.get_function_configuration(FunctionName=name, Qualifier="$LATEST.PUBLISHED")["Description"] == "changed"
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    wait(client, name, "1")
    assert json.load(client.invoke(FunctionName=name, Qualifier="1")["Payload"]) == "1"
    assert [item["Version"] for page in client.get_paginator("list_versions_by_function").paginate(
        FunctionName=name, PaginationConfig={"PageSize": 1}) for item in page["Versions"]] == ["$LATEST", "1", "$LATEST.PUBLISHED"]
    there = [{"FunctionArn": f"{ACCOUNT}:function:{name}:{version}", "State": "Active"} for version in ("1", "$LATEST.PUBLISHED")]
    pages = list(client.get_paginator("list_function_versions_by_capacity_provider").paginate(
        CapacityProviderName=arn, PaginationConfig={"PageSize": 1}))
    assert [item for page in pages for item in page["FunctionVersions"]] == there
    assert {page["CapacityProviderArn"] for page in pages} == {arn}
    assert refused(client.delete_capacity_provider, CapacityProviderName=arn)[:2] == (409, "ResourceConflictException")
    # It may have what other versions have, and takes that along.
    client.add_permission(FunctionName=name, Qualifier="$LATEST.PUBLISHED", StatementId="s", Action="lambda:*", Principal="111122223333")
    assert client.create_alias(FunctionName=name, Name="live", FunctionVersion="$LATEST.PUBLISHED")["FunctionVersion"] == "$LATEST.PUBLISHED"
    assert json.load(client.invoke(FunctionName=name, Qualifier="live")["Payload"]) == "$LATEST.PUBLISHED"
    assert refused(client.delete_function, FunctionName=name, Qualifier="$LATEST.PUBLISHED")[:2] == (409, "ResourceConflictException")
    client.delete_alias(FunctionName=name, Name="live")
    client.delete_function(FunctionName=name, Qualifier="$LATEST.PUBLISHED")
    assert refused(client.invoke, FunctionName=name)[:2] == (400, "NoPublishedVersionException")
    client.publish_version(FunctionName=name, PublishTo="LATEST_PUBLISHED")
    assert refused(client.get_policy, FunctionName=name, Qualifier="$LATEST.PUBLISHED")[:2] == (404, "ResourceNotFoundException")


def test_published_on_creation(client, on_instances):
    name, made = on_instances(Publish=True, PublishTo="LATEST_PUBLISHED")
    assert made["Version"] == "$LATEST.PUBLISHED"
    wait(client, name, "$LATEST.PUBLISHED")
    package = client.update_function_code(FunctionName=name, ZipFile=zip_of_text("#!/bin/sh\n"), PublishTo="LATEST_PUBLISHED")
    assert package["Version"] == "$LATEST.PUBLISHED"
    settle(client, name)
    shown = client.get_function_configuration(FunctionName=name, Qualifier="$LATEST.PUBLISHED")
    assert shown["CodeSha256"] == package["CodeSha256"] != made["CodeSha256"]


def zip_of_text(text):
    from conftest import make_zip
    return make_zip({"bootstrap*": text})


def test_what_instances_do_not_take(client, provider, function, zip_of, on_instances):
    def creation(**settings):
        with pytest.raises(ClientError) as error:
            on_instances(**settings)
        answer = error.value.response
        return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]

    nowhere = f"{ACCOUNT}:capacity-provider:nowhere"
    assert creation(arn=nowhere) == (404, "ResourceNotFoundException", f"Capacity provider not found: {nowhere}")
    assert creation(MemorySize=1024) == (400, "ValidationException",
                                         "Lambda Managed Instance functions must have memory size greater than or equal to 2048")
    assert creation(LoggingConfig={"LogFormat": "Text"})[:2] == (400, "InvalidParameterValueException")
    assert creation(SnapStart={"ApplyOn": "PublishedVersions"})[:2] == (400, "InvalidParameterValueException")
    assert creation(TenancyConfig={"TenantIsolationMode": "PER_TENANT"})[:2] == (400, "InvalidParameterValueException")
    name, _ = on_instances()
    settle(client, name)
    assert refused(client.update_function_configuration, FunctionName=name, MemorySize=128)[:2] == (400, "ValidationException")
    client.publish_version(FunctionName=name)
    assert refused(client.put_provisioned_concurrency_config, FunctionName=name, Qualifier="1",
                   ProvisionedConcurrentExecutions=1)[:2] == (400, "InvalidParameterValueException")
    # A function that has been created without cannot be moved to one, and has nothing to publish to.
    plain = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    config = {"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": provider()["CapacityProviderArn"]}}
    assert refused(client.update_function_configuration, FunctionName=plain, CapacityProviderConfig=config) == (
        400, "InvalidParameterValueException", "CapacityProviderConfig isn't supported for Lambda Default functions.")
    for call, more in ((client.publish_version, {}), (client.update_function_code, {"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})})):
        assert refused(call, FunctionName=plain, PublishTo="LATEST_PUBLISHED", **more)[:2] == (400, "InvalidParameterValueException")


def test_wider_limits(client, function, zip_of, on_instances):
    name, made = on_instances(MemorySize=32768, Timeout=5400)
    assert (made["MemorySize"], made["Timeout"]) == (32768, 5400)
    settle(client, name)
    assert client.update_function_configuration(FunctionName=name, MemorySize=20480)["MemorySize"] == 20480
    text = "1 validation error detected: Value '{}' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to {}"
    settle(client, name)
    assert refused(client.update_function_configuration, FunctionName=name, MemorySize=32769) == (
        400, "ValidationException", text.format(32769, 32768))
    plain = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    assert refused(client.update_function_configuration, FunctionName=plain, MemorySize=20480) == (
        400, "ValidationException", text.format(20480, 10240))


def test_another_provider(client, provider, on_instances):
    first, second = provider()["CapacityProviderArn"], provider()["CapacityProviderArn"]
    name, _ = on_instances(first)
    settle(client, name)
    config = {"CapacityProviderArn": second, "PerExecutionEnvironmentMaxConcurrency": 4}
    changed = client.update_function_configuration(FunctionName=name, CapacityProviderConfig={"LambdaManagedInstancesCapacityProviderConfig": config})
    assert changed["CapacityProviderConfig"]["LambdaManagedInstancesCapacityProviderConfig"] == {
        **config, "ExecutionEnvironmentMemoryGiBPerVCpu": 2.0}
    client.delete_capacity_provider(CapacityProviderName=first)


def test_scaling(client, function, zip_of, on_instances):
    name, _ = on_instances(Publish=True)
    wait(client, name, "1")
    arn = f"{ACCOUNT}:function:{name}:1"
    bare = client.get_function_scaling_config(FunctionName=name, Qualifier="1")
    assert bare["FunctionArn"] == arn and "RequestedFunctionScalingConfig" not in bare
    config = {"MinExecutionEnvironments": 2, "MaxExecutionEnvironments": 7}
    put = client.put_function_scaling_config(FunctionName=name, Qualifier="1", FunctionScalingConfig=config)
    assert (put["ResponseMetadata"]["HTTPStatusCode"], put["FunctionState"]) == (202, "Active")
    got = client.get_function_scaling_config(FunctionName=name, Qualifier="1")
    assert (got["AppliedFunctionScalingConfig"], got["RequestedFunctionScalingConfig"]) == (config, config)
    client.put_function_scaling_config(FunctionName=name, Qualifier="1")
    assert "RequestedFunctionScalingConfig" not in client.get_function_scaling_config(FunctionName=name, Qualifier="1")
    upside_down = {"MinExecutionEnvironments": 8, "MaxExecutionEnvironments": 7}
    put = client.put_function_scaling_config
    assert refused(put, FunctionName=name, Qualifier="1", FunctionScalingConfig=upside_down)[:2] == (400, "InvalidParameterValueException")
    assert refused(put, FunctionName=name, Qualifier="7", FunctionScalingConfig=config) == (
        404, "ResourceNotFoundException", f"Function not found: {ACCOUNT}:function:{name}:7")
    plain = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    client.publish_version(FunctionName=plain)
    for call in (put, client.get_function_scaling_config):
        assert refused(call, FunctionName=plain, Qualifier="1")[:2] == (400, "InvalidParameterValueException")


def test_restart(lambent_factory, tmp_path, client_of, zip_of):
    data = tmp_path / "data"
    daemon = lambent_factory(data_dir=data)
    client = client_of(daemon)
    arn = client.create_capacity_provider(CapacityProviderName="cp", VpcConfig=VPC, PermissionsConfig=PERMISSIONS)["CapacityProvider"]["CapacityProviderArn"]
    client.create_function(FunctionName="fn", Runtime="provided.al2023", Handler="h", Role=ROLE, Publish=True, PublishTo="LATEST_PUBLISHED",
                           Code={"ZipFile": zip_of({"bootstrap*": SCRIPT})},
                           CapacityProviderConfig={"LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": arn}})
    wait(client, "fn", "$LATEST.PUBLISHED")
    before = [client.get_capacity_provider(CapacityProviderName="cp")["CapacityProvider"],
              client.get_function(FunctionName="fn", Qualifier="$LATEST.PUBLISHED")["Configuration"]]
    daemon.stop()
    client = client_of(lambent_factory(data_dir=data))
    assert [client.get_capacity_provider(CapacityProviderName="cp")["CapacityProvider"],
            client.get_function(FunctionName="fn", Qualifier="$LATEST.PUBLISHED")["Configuration"]] == before
    assert json.load(client.invoke(FunctionName="fn")["Payload"]) == "$LATEST.PUBLISHED"
