# SPDX-License-Identifier: Apache-2.0
"""What one account may do with what belongs to another: what the policy of the resource says."""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import make_client
from guests import host_python_runtime

OWNER, OTHER, THIRD = "111122223333", "444455556666", "777788889999"
REGION = "us-east-1"
SOURCE = "def handler(event, context):\n    return context.invoked_function_arn\n"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def denied(action, resource, user=f"arn:aws:iam::{OTHER}:root"):
    return (403, "AccessDeniedException", f"User: {user} is not authorized to perform: lambda:{action} on resource: {resource} "
                                          f"because no resource-based policy allows the lambda:{action} action")


def forbidden(action, resource, user=f"arn:aws:iam::{OTHER}:root"):
    return (403, "AccessDeniedException", f"User: {user} is not authorized to perform: lambda:{action} on resource: {resource} "
                                          "with an explicit deny in a resource-based policy")


@pytest.fixture(scope="module")
def owner(lambent):
    return make_client(lambent.endpoint, access_key=OWNER)


@pytest.fixture(scope="module")
def other(lambent):
    return make_client(lambent.endpoint, access_key=OTHER)


@pytest.fixture(scope="module")
def third(lambent):
    return make_client(lambent.endpoint, access_key=THIRD)


@pytest.fixture
def arn(owner, zip_of, unique_name):
    """The ARN of a function of the owner's, with version 1 and an alias live for it."""
    name = unique_name()
    owner.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Role=f"arn:aws:iam::{OWNER}:role/r",
                          Code={"ZipFile": zip_of({"app.py": SOURCE})}, Publish=True)
    for qualifier in ({}, {"Qualifier": "1"}):
        owner.get_waiter("published_version_active" if qualifier else "function_active_v2").wait(
            FunctionName=name, **qualifier, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    owner.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    yield f"arn:aws:lambda:{REGION}:{OWNER}:function:{name}"
    owner.delete_function(FunctionName=name)


def put(owner, arn, *statements):
    owner.put_resource_policy(ResourceArn=arn, Policy=json.dumps({"Version": "2012-10-17", "Statement": statements}))


def allow(action="lambda:InvokeFunction", principal=OTHER, effect="Allow", **more):
    return {"Effect": effect, "Principal": "*" if principal == "*" else {"AWS": principal}, "Action": action, **more}


def invoke(client, name, **more):
    return json.load(client.invoke(FunctionName=name, **more)["Payload"])


def test_silence_is_a_refusal(owner, other, arn):
    for name in (arn, f"{OWNER}:function:{arn.rpartition(':')[2]}", f"{REGION}:{OWNER}:function:{arn.rpartition(':')[2]}"):
        assert refused(other.invoke, FunctionName=name) == denied("InvokeFunction", arn)
    assert refused(other.invoke, FunctionName=arn, InvocationType="DryRun") == denied("InvokeFunction", arn)
    assert refused(other.invoke_with_response_stream, FunctionName=arn) == denied("InvokeFunction", arn)
    assert refused(other.invoke, FunctionName=f"{arn}:live") == denied("InvokeFunction", f"{arn}:live")
    assert refused(other.invoke, FunctionName=arn, Qualifier="1") == denied("InvokeFunction", f"{arn}:1")
    # Nobody learns whether a function is there.
    assert refused(other.invoke, FunctionName=f"{arn}-not") == denied("InvokeFunction", f"{arn}-not")
    calls = {
        "GetFunction": {}, "GetFunctionConfiguration": {}, "DeleteFunction": {}, "UpdateFunctionConfiguration": {"Timeout": 9}, "GetPolicy": {},
        "PublishVersion": {}, "ListVersionsByFunction": {}, "ListAliases": {}, "CreateAlias": {"Name": "a", "FunctionVersion": "1"},
        "AddPermission": {"StatementId": "s", "Action": "lambda:*", "Principal": OTHER}, "RemovePermission": {"StatementId": "s"},
        "PutFunctionConcurrency": {"ReservedConcurrentExecutions": 1}, "GetFunctionConcurrency": {}, "GetFunctionCodeSigningConfig": {},
        "CreateFunctionUrlConfig": {"AuthType": "NONE"}, "ListFunctionUrlConfigs": {}, "PutFunctionEventInvokeConfig": {"MaximumRetryAttempts": 1},
        "GetFunctionRecursionConfig": {}, "GetRuntimeManagementConfig": {}, "ListProvisionedConcurrencyConfigs": {},
        "UpdateFunctionCode": {"ZipFile": b"x"},
    }
    for operation, more in calls.items():
        method = getattr(other, "".join("_" + c.lower() if c.isupper() else c for c in operation)[1:])
        assert refused(method, FunctionName=arn, **more) == denied(operation, arn), operation
    for operation, more in {"TagResource": {"Tags": {"a": "b"}}, "UntagResource": {"TagKeys": ["a"]}, "ListTags": {}}.items():
        method = getattr(other, {"TagResource": "tag_resource", "UntagResource": "untag_resource", "ListTags": "list_tags"}[operation])
        assert refused(method, Resource=arn, **more) == denied(operation, arn)
    for method, operation in ((other.get_resource_policy, "GetResourcePolicy"), (other.delete_resource_policy, "DeleteResourcePolicy")):
        assert refused(method, ResourceArn=arn) == denied(operation, arn)
    assert invoke(owner, arn) == arn


def test_each_resource_has_a_policy_of_its_own(owner, other, third, arn):
    owner.add_permission(FunctionName=arn, StatementId="s", Action="lambda:InvokeFunction", Principal=OTHER)
    assert invoke(other, arn) == arn
    assert other.invoke(FunctionName=arn, InvocationType="DryRun")["StatusCode"] == 204
    assert refused(other.get_function, FunctionName=arn) == denied("GetFunction", arn)
    assert refused(other.invoke, FunctionName=f"{arn}:1") == denied("InvokeFunction", f"{arn}:1")
    assert refused(third.invoke, FunctionName=arn) == denied("InvokeFunction", arn, f"arn:aws:iam::{THIRD}:root")
    owner.add_permission(FunctionName=arn, Qualifier="live", StatementId="s", Action="lambda:*", Principal=f"arn:aws:iam::{OTHER}:root")
    assert invoke(other, f"{arn}:live") == f"{arn}:live"
    assert other.get_function(FunctionName=f"{arn}:live")["Configuration"]["Version"] == "1"
    owner.remove_permission(FunctionName=arn, StatementId="s")
    assert refused(other.invoke, FunctionName=arn) == denied("InvokeFunction", arn)


def test_a_deny_wins(owner, other, arn):
    put(owner, arn, allow("lambda:*", "*"), allow("lambda:Get*", OTHER, "Deny"))
    assert invoke(other, arn) == arn
    assert refused(other.get_function, FunctionName=arn) == forbidden("GetFunction", arn)
    assert other.list_tags(Resource=arn)["Tags"] == {}
    # A policy says nothing to its owner's account.
    put(owner, arn, allow("lambda:*", "*", "Deny"))
    assert invoke(owner, arn) == arn
    assert refused(other.invoke, FunctionName=arn) == forbidden("InvokeFunction", arn)


def test_conditions(owner, other, arn):
    def asked(**condition):
        put(owner, arn, allow(principal="*", Condition=condition))
        try:
            return invoke(other, arn) == arn
        except ClientError as error:
            assert error.response["Error"]["Code"] == "AccessDeniedException"
            return False

    assert asked(StringEquals={"aws:PrincipalAccount": OTHER}) and not asked(StringEquals={"aws:PrincipalAccount": THIRD})
    assert asked(ArnLike={"aws:PrincipalArn": f"arn:aws:iam::{OTHER}:*"}) and asked(StringEquals={"aws:RequestedRegion": REGION})
    # Of an organization or of a service's source nothing is known: nobody gets in by them.
    assert not asked(StringEquals={"aws:PrincipalOrgID": "o-abcdefghij"})
    assert not asked(ArnLike={"aws:SourceArn": "*"}) and not asked(StringEquals={"aws:SourceAccount": OTHER})
    owner.delete_resource_policy(ResourceArn=arn)
    owner.add_permission(FunctionName=arn, StatementId="s3", Action="lambda:InvokeFunction", Principal="s3.amazonaws.com", SourceAccount=OTHER)
    assert refused(other.invoke, FunctionName=arn) == denied("InvokeFunction", arn)


def test_roles(lambent, owner, other, arn):
    iam, sts = (make_client(lambent.endpoint, service=service, access_key=OTHER) for service in ("iam", "sts"))
    trust = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"AWS": OTHER}, "Action": "sts:AssumeRole"}]}
    role = iam.create_role(RoleName="caller", Path="/team/", AssumeRolePolicyDocument=json.dumps(trust))["Role"]["Arn"]
    import boto3
    keys = sts.assume_role(RoleArn=role, RoleSessionName="me")["Credentials"]
    session = boto3.client("lambda", endpoint_url=lambent.endpoint, region_name=REGION, aws_access_key_id=keys["AccessKeyId"],
                           aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"])
    me = f"arn:aws:sts::{OTHER}:assumed-role/caller/me"
    assert refused(session.invoke, FunctionName=arn) == denied("InvokeFunction", arn, me)
    for principal in (role, me, OTHER):
        put(owner, arn, allow(principal=principal))
        assert invoke(session, arn) == arn
    put(owner, arn, allow(principal=role))
    assert refused(other.invoke, FunctionName=arn) == denied("InvokeFunction", arn)  # the account is not the role
    iam.delete_role(RoleName="caller")


def test_functions_call_as_their_account(owner, other, arn, zip_of, unique_name):
    name = unique_name()
    source = """import json, os, urllib.parse, urllib.request, urllib.error
def handler(arn, context):
    url = os.environ["AWS_ENDPOINT_URL_LAMBDA"] + "/2015-03-31/functions/" + urllib.parse.quote(arn, safe="") + "/invocations"
    key = os.environ["AWS_ACCESS_KEY_ID"]
    request = urllib.request.Request(url, b"{}", {"Authorization": f"AWS4-HMAC-SHA256 Credential={key}/20260101/us-east-1/lambda/aws4_request"})
    try:
        return json.load(urllib.request.urlopen(request))
    except urllib.error.HTTPError as error:
        return error.code
"""
    other.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Role=f"arn:aws:iam::{OTHER}:role/r",
                          Timeout=30, Code={"ZipFile": zip_of({"app.py": source})})
    other.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    assert invoke(other, name, Payload=json.dumps(arn)) == 403
    put(owner, arn, allow())
    assert invoke(other, name, Payload=json.dumps(arn)) == arn
    other.delete_function(FunctionName=name)


def test_layers(owner, other, third, zip_of, unique_name):
    name = unique_name("layer")
    layer = owner.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"l": "1"})})
    arn, version = layer["LayerArn"], layer["LayerVersionArn"]
    function = unique_name()

    def create(client=other, account=OTHER):
        client.create_function(FunctionName=function, Runtime="provided.al2023", Handler="h", Role=f"arn:aws:iam::{account}:role/r",
                               Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}, Layers=[version])

    with pytest.raises(ClientError) as error:
        create()
    assert error.value.response["Error"]["Message"] == denied("GetLayerVersion", version)[2]
    assert refused(other.get_layer_version, LayerName=arn, VersionNumber=1) == denied("GetLayerVersion", version)
    assert refused(other.get_layer_version_by_arn, Arn=version) == denied("GetLayerVersion", version)
    nothing = version.replace(name, "nothing")
    assert refused(other.get_layer_version_by_arn, Arn=nothing) == denied("GetLayerVersion", nothing)
    owner.add_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal=OTHER)
    assert other.get_layer_version(LayerName=arn, VersionNumber=1)["LayerVersionArn"] == version
    assert other.get_layer_version_by_arn(Arn=version)["LayerVersionArn"] == version
    create()
    # It grants no more than that, and to nobody else.
    assert refused(other.list_layer_versions, LayerName=arn) == denied("ListLayerVersions", arn)
    assert refused(other.delete_layer_version, LayerName=arn, VersionNumber=1) == denied("DeleteLayerVersion", version)
    assert refused(other.get_layer_version_policy, LayerName=arn, VersionNumber=1) == denied("GetLayerVersionPolicy", version)
    assert refused(other.publish_layer_version, LayerName=arn, Content={"ZipFile": zip_of({"l": "1"})}) == denied("PublishLayerVersion", arn)
    user = f"arn:aws:iam::{THIRD}:root"
    assert refused(third.get_layer_version, LayerName=arn, VersionNumber=1) == denied("GetLayerVersion", version, user)
    # What a function has it keeps when the permission goes.
    owner.remove_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="s")
    other.get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    other.update_function_configuration(FunctionName=function, Layers=[version], Timeout=9)
    # Everybody's, of an organization that nobody here is known to be in.
    owner.add_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="o", Action="lambda:GetLayerVersion", Principal="*",
                                       OrganizationId="o-abcdefghij")
    assert refused(third.get_layer_version, LayerName=arn, VersionNumber=1) == denied("GetLayerVersion", version, user)
    owner.add_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="a", Action="lambda:GetLayerVersion", Principal="*")
    assert third.get_layer_version(LayerName=arn, VersionNumber=1)["LayerVersionArn"] == version
    other.delete_function(FunctionName=function)
    owner.delete_layer_version(LayerName=name, VersionNumber=1)


def test_what_is_only_its_owner_s(owner, other, arn):
    mapping = owner.create_event_source_mapping(FunctionName=arn, EventSourceArn=f"arn:aws:sqs:{REGION}:{OWNER}:q")
    assert refused(other.list_tags, Resource=mapping["EventSourceMappingArn"]) == denied("ListTags", mapping["EventSourceMappingArn"])
    assert refused(other.get_event_source_mapping, UUID=mapping["UUID"])[:2] == (404, "ResourceNotFoundException")
    owner.delete_event_source_mapping(UUID=mapping["UUID"])
    assert refused(other.create_event_source_mapping, FunctionName=arn, EventSourceArn=f"arn:aws:sqs:{REGION}:{OTHER}:q") == denied(
        "CreateEventSourceMapping", arn)
