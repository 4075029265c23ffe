# SPDX-License-Identifier: Apache-2.0
"""Resource policies of functions, versions, aliases and layers."""

import json

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ACCOUNT = "000000000000"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
S3 = {"Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com", "SourceArn": "arn:aws:s3:::bucket"}
STALE = (
    412, "PreconditionFailedException",
    "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id",
)


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def name(client, function, zip_of):
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    return name


def statements(client, name, **arguments):
    return json.loads(client.get_policy(FunctionName=name, **arguments)["Policy"])["Statement"]


def test_recorded_permission(client, name):
    case = Case("TestLambdaPermissions::test_add_lambda_permission_aws")
    case.values.update({"<function-name:1>": name, "<resource:3>": "bucket"})
    case.same("add_permission", client.add_permission(FunctionName=name, StatementId="s3", **S3))
    case.same("get_policy", client.get_policy(FunctionName=name))


def test_recorded_versions(client, name):
    case = Case("TestLambdaPermissions::test_lambda_permission_versioning")
    case.values.update({"<resource:1>": name, "<resource:2>": "bucket"})
    case.same("add_permission", client.add_permission(FunctionName=name, StatementId="s3", **S3))
    case.same("get_policy", client.get_policy(FunctionName=name))
    client.update_function_configuration(FunctionName=name, Timeout=4)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    client.publish_version(FunctionName=name)
    case.refused("get_policy_after_publishing_new_version", client.get_policy, FunctionName=name, Qualifier="2")
    case.same("get_policy_after_publishing_latest", client.get_policy(FunctionName=name))
    client.add_permission(FunctionName=name, StatementId="s3", Qualifier="2", **S3)
    case.same("get_policy_after_adding_to_new_version", client.get_policy(FunctionName=name))
    client.add_permission(FunctionName=name, StatementId="s3_2", **S3)
    case.same("get_policy_after_adding_2", client.get_policy(FunctionName=name))


def test_recorded_removal(client, name):
    case = Case("TestLambdaPermissions::test_remove_multi_permissions")
    case.values.update({"<resource:1>": name, "<resource:2>": "queue"})
    action = {"FunctionName": name, "Action": "lambda:InvokeFunction"}
    case.same("add_permission_1", client.add_permission(**action, StatementId="s3", Principal="s3.amazonaws.com"))
    case.same("add_permission_2", client.add_permission(**action, StatementId="sqs", Principal="sqs.amazonaws.com",
                                                        SourceArn="arn:aws:s3:::queue"))
    case.same("policy_after_2_add", client.get_policy(FunctionName=name))
    case.refused("remove_permission_exception_nonexisting_sid", client.remove_permission, FunctionName=name, StatementId="non-existent")
    client.remove_permission(FunctionName=name, StatementId="sqs")
    case.same("policy_after_removal", client.get_policy(FunctionName=name))
    client.remove_permission(FunctionName=name, StatementId="s3", RevisionId=client.get_policy(FunctionName=name)["RevisionId"])
    case.refused("get_policy_exception_removed_all", client.get_policy, FunctionName=name)
    assert refused(client.remove_permission, FunctionName=name, StatementId="s3") == (
        404, "ResourceNotFoundException", "No policy is associated with the given resource."
    )


def test_revisions_are_those_of_what_the_policy_is_of(client, name):
    """[TestLambdaPermissions::test_lambda_permission_revisions]"""
    def revision(qualifier=None):
        where = {"Qualifier": qualifier} if qualifier else {}
        client.add_permission(FunctionName=name, StatementId=f"s{len(seen)}", **where, **S3)
        policy = client.get_policy(FunctionName=name, **where)["RevisionId"]
        if qualifier == "live":
            assert policy == client.get_alias(FunctionName=name, Name="live")["RevisionId"]
        else:
            assert policy == client.get_function_configuration(FunctionName=name, **where)["RevisionId"]
        return policy

    seen = []
    for qualifier in (None, "1", "live", None, "1", "live"):
        seen.append(revision(qualifier))
    assert len(set(seen)) == 6
    for qualifier, old in ((None, seen[0]), ("1", seen[1]), ("live", seen[2])):
        where = {"Qualifier": qualifier} if qualifier else {}
        assert refused(client.add_permission, FunctionName=name, StatementId="x", RevisionId=old, **where, **S3) == STALE
        number = {None: 0, "1": 1, "live": 2}[qualifier]
        assert refused(client.remove_permission, FunctionName=name, StatementId=f"s{number}", RevisionId=old, **where) == STALE
    client.remove_permission(FunctionName=name, StatementId="s0", RevisionId=seen[3])
    assert [statement["Sid"] for statement in statements(client, name)] == ["s3"]


def test_forms_of_statements(client, name):
    def add(number, **grant):
        answer = client.add_permission(FunctionName=name, StatementId=f"s{number}", **{"Action": "lambda:InvokeFunction", **grant})
        statement = json.loads(answer["Statement"])
        assert statement in statements(client, name)
        return statement["Principal"], statement.get("Condition")

    assert add(1, Principal="*") == ("*", None)
    assert add(2, Principal="123456789012") == ({"AWS": "arn:aws:iam::123456789012:root"}, None)
    user = "arn:aws:iam::123456789012:user/u"
    assert add(3, Principal=user) == ({"AWS": user}, None)
    assert add(4, Principal="events.amazonaws.com", SourceAccount="123456789012", SourceArn="arn:aws:events:us-east-1:123456789012:rule/r") == (
        {"Service": "events.amazonaws.com"},
        {"StringEquals": {"AWS:SourceAccount": "123456789012"}, "ArnLike": {"AWS:SourceArn": "arn:aws:events:us-east-1:123456789012:rule/r"}},
    )
    assert add(5, Principal="*", Action="lambda:InvokeFunctionUrl", FunctionUrlAuthType="NONE") == (
        "*", {"StringEquals": {"lambda:FunctionUrlAuthType": "NONE"}}
    )
    assert add(6, Principal="*", PrincipalOrgID="o-1234567890") == ("*", {"StringEquals": {"aws:PrincipalOrgID": "o-1234567890"}})
    assert add(7, Principal="alexa-appkit.amazon.com.amazonaws.com", EventSourceToken="token") == (
        {"Service": "alexa-appkit.amazon.com.amazonaws.com"}, {"StringEquals": {"lambda:EventSourceToken": "token"}}
    )
    assert add(8, Principal="*", InvokedViaFunctionUrl=True) == ("*", {"Bool": {"lambda:InvokedViaFunctionUrl": "true"}})
    alias = json.loads(client.add_permission(FunctionName=name, StatementId="a", Qualifier="live", **S3)["Statement"])
    assert alias["Resource"] == f"{ARN}:{name}:live"
    assert json.loads(client.get_policy(FunctionName=f"{name}:live")["Policy"]) == {"Version": "2012-10-17", "Id": "default", "Statement": [alias]}


def test_refusals(client, name):
    def add(**changes):
        return refused(client.add_permission, **{"FunctionName": name, "StatementId": "s3", **S3, **changes})

    client.add_permission(FunctionName=name, StatementId="s3", **S3)
    assert add() == (
        409, "ResourceConflictException",
        "The statement id (s3) provided already exists. Please provide a new statement id, or remove the existing statement.",
    )
    assert add(StatementId="x", Principal="nobody") == (
        400, "InvalidParameterValueException", "The provided principal was invalid. Please check the principal and try again."
    )
    assert add(Qualifier="$LATEST") == (400, "InvalidParameterValueException", "We currently do not support adding policies for $LATEST.")
    assert add(FunctionName="nothing-here") == (404, "ResourceNotFoundException", f"Function not found: {ARN}:nothing-here")
    assert add(Qualifier="7") == (404, "ResourceNotFoundException", f"Function not found: {ARN}:{name}:7")
    assert add(Qualifier="other") == (404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:{name}:other")
    missing = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert refused(client.get_policy, FunctionName="nothing-here") == missing
    assert refused(client.get_policy, FunctionName=name, Qualifier="live") == missing


def test_policies_have_a_limit(client, name):
    arn = "arn:aws:s3:::" + "b" * 6000
    for number in range(3):
        client.add_permission(FunctionName=name, StatementId=f"s{number}", **{**S3, "SourceArn": arn})
    status, code, text = refused(client.add_permission, FunctionName=name, StatementId="last", **{**S3, "SourceArn": arn})
    assert (status, code) == (400, "PolicyLengthExceededException") and "bigger than the limit (20480)" in text
    assert len(statements(client, name)) == 3


def test_policies_go_with_what_they_are_of(client, name, zip_of):
    for where in ({}, {"Qualifier": "1"}, {"Qualifier": "live"}):
        client.add_permission(FunctionName=name, StatementId="s3", **where, **S3)
    client.delete_alias(FunctionName=name, Name="live")
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    assert refused(client.get_policy, FunctionName=name, Qualifier="live")[0] == 404
    client.delete_alias(FunctionName=name, Name="live")
    client.delete_function(FunctionName=name, Qualifier="1")
    assert refused(client.get_policy, FunctionName=name, Qualifier="1")[0] == 404
    assert len(statements(client, name)) == 1
    settings = {"Runtime": "provided.al2023", "Handler": "h", "Role": f"arn:aws:iam::{ACCOUNT}:role/r"}
    client.delete_function(FunctionName=name)
    client.create_function(FunctionName=name, Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}, **settings)
    assert refused(client.get_policy, FunctionName=name)[0] == 404


def test_recorded_layers(client, unique_name, zip_of):
    case = Case("TestLambdaLayer::test_layer_policy_exceptions")
    name = unique_name("layer")
    layer = {"LayerName": name, "VersionNumber": 1}
    publish = {"CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"]}
    case.same("publish_result", client.publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({"a": "b"})}, **publish))
    missing = {**layer, "LayerName": f"{name}-doesnotexist"}
    grant = {"Action": "lambda:GetLayerVersion", "Principal": "*", "StatementId": "s1"}
    case.refused("layer_permission_nopolicy_get", client.get_layer_version_policy, **layer)
    result = case.same("add_layer_permission_result", client.add_layer_version_permission(**layer, **grant))
    case.refused("layer_permission_action_invalid", client.add_layer_version_permission, **layer, **{**grant, "Action": "*", "StatementId": "s2"})
    case.refused("layer_permission_duplicate_statement", client.add_layer_version_permission, **layer, **grant)
    case.refused("layer_permission_wrong_revision", client.add_layer_version_permission, **layer, **{**grant, "StatementId": "s2"}, RevisionId="wrong")
    case.refused("layer_permission_layername_doesnotexist_add", client.add_layer_version_permission, **missing, **grant)
    case.refused("layer_permission_layername_doesnotexist_get", client.get_layer_version_policy, **missing)
    case.refused("layer_permission_layername_doesnotexist_remove", client.remove_layer_version_permission, **missing, StatementId="s1")
    missing = {**layer, "VersionNumber": 2}
    case.refused("layer_permission_layerversion_doesnotexist_add", client.add_layer_version_permission, **missing, **grant)
    case.refused("layer_permission_layerversion_doesnotexist_get", client.get_layer_version_policy, **missing)
    case.refused("layer_permission_layerversion_doesnotexist_remove", client.remove_layer_version_permission, **missing, StatementId="s1")
    case.refused("layer_permission_wrong_revision_remove", client.remove_layer_version_permission, **layer, StatementId="s1", RevisionId="wrong")
    case.refused("layer_permission_statementid_doesnotexist_remove", client.remove_layer_version_permission, **layer, StatementId="doesnotexist")
    assert not case.rest()
    policy = client.get_layer_version_policy(**layer)
    assert policy["RevisionId"] == result["RevisionId"] and len(json.loads(policy["Policy"])["Statement"]) == 1
    client.remove_layer_version_permission(**layer, StatementId="s1", RevisionId=policy["RevisionId"])
    assert refused(client.get_layer_version_policy, **layer)[0] == 404
    client.delete_layer_version(**layer)


def test_whole_policies(client, name):
    arn = f"{ARN}:{name}:live"
    statement = {"Effect": "Allow", "Principal": {"AWS": "arn:aws:iam::123456789012:root"}, "Action": "lambda:InvokeFunction", "Resource": arn}
    policy = {"Version": "2012-10-17", "Statement": [{"Sid": "one", **statement}, statement]}
    missing = (404, "ResourceNotFoundException", "The resource you requested does not exist.")
    assert refused(client.get_resource_policy, ResourceArn=arn) == missing
    assert refused(client.delete_resource_policy, ResourceArn=arn) == missing
    put = client.put_resource_policy(ResourceArn=arn, Policy=json.dumps(policy))
    assert json.loads(put["Policy"])["Statement"] == policy["Statement"]
    assert put["RevisionId"] == client.get_alias(FunctionName=name, Name="live")["RevisionId"]
    assert client.get_resource_policy(ResourceArn=arn)["Policy"] == client.get_policy(FunctionName=name, Qualifier="live")["Policy"]
    client.add_permission(FunctionName=name, Qualifier="live", StatementId="two", **S3)
    client.remove_permission(FunctionName=name, Qualifier="live", StatementId="one")
    left = json.loads(client.get_resource_policy(ResourceArn=arn)["Policy"])["Statement"]
    assert [item.get("Sid") for item in left] == [None, "two"]
    stale = refused(client.put_resource_policy, ResourceArn=arn, Policy=json.dumps(policy), RevisionId=put["RevisionId"])
    assert stale == (STALE[0], STALE[1], STALE[2].replace("GetFunction/GetAlias", "GetResourcePolicy"))
    for bad in ("{", "7", "{}", '{"Statement": []}', '{"Statement": [{}]}', '{"Statement": "x"}'):
        assert refused(client.put_resource_policy, ResourceArn=arn, Policy=bad)[:2] == (400, "InvalidParameterValueException")
    client.put_resource_policy(ResourceArn=f"{ARN}:{name}", Policy=json.dumps({"Statement": {"Sid": "alone", **statement}}))
    assert [item["Sid"] for item in statements(client, name)] == ["alone"]
    client.delete_resource_policy(ResourceArn=arn)
    assert refused(client.get_resource_policy, ResourceArn=arn) == missing
    assert refused(client.put_resource_policy, ResourceArn=f"{ARN}:nothing-here", Policy=json.dumps(policy))[0] == 404
