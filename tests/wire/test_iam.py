# SPDX-License-Identifier: Apache-2.0
"""IAM and STS, as far as tools need them around a function."""

import json
import os
import shutil
import subprocess
import urllib.request

import boto3
import pytest
from botocore.exceptions import ClientError
from conftest import make_client

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}],
}
ALLOW = {"Version": "2012-10-17", "Statement": {"Effect": "Allow", "Action": ["logs:*"], "Resource": "*"}}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture(scope="module")
def iam(lambent):
    return make_client(lambent.endpoint, service="iam")


@pytest.fixture(scope="module")
def sts(lambent):
    return make_client(lambent.endpoint, service="sts")


@pytest.fixture
def role(iam, unique_name):
    """role(**settings) creates a role; what a test leaves of it goes at the end."""
    made = []

    def make(**settings):
        name = unique_name("role")
        answer = iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST), **settings)["Role"]
        made.append(name)
        return answer

    yield make
    for name in made:
        try:
            for policy in iam.list_attached_role_policies(RoleName=name)["AttachedPolicies"]:
                iam.detach_role_policy(RoleName=name, PolicyArn=policy["PolicyArn"])
            for policy in iam.list_role_policies(RoleName=name)["PolicyNames"]:
                iam.delete_role_policy(RoleName=name, PolicyName=policy)
            iam.delete_role(RoleName=name)
        except iam.exceptions.NoSuchEntityException:
            pass


def test_a_roles_life(iam, role):
    made = role(Path="/service/", Description="ünïcode & <tags>", MaxSessionDuration=7200, Tags=[{"Key": "a", "Value": "1 + 2"}])
    name = made["RoleName"]
    assert made["Arn"] == f"arn:aws:iam::000000000000:role/service/{name}"
    assert made["RoleId"].startswith("AROA") and len(made["RoleId"]) == 21
    got = iam.get_role(RoleName=name)["Role"]
    assert got == made
    assert got["AssumeRolePolicyDocument"] == TRUST
    assert (got["Description"], got["MaxSessionDuration"]) == ("ünïcode & <tags>", 7200)
    assert got["Tags"] == [{"Key": "a", "Value": "1 + 2"}]

    iam.tag_role(RoleName=name, Tags=[{"Key": "a", "Value": "3"}, {"Key": "b", "Value": ""}])
    assert iam.list_role_tags(RoleName=name)["Tags"] == [{"Key": "a", "Value": "3"}, {"Key": "b", "Value": ""}]
    iam.untag_role(RoleName=name, TagKeys=["a", "nothing"])
    assert iam.get_role(RoleName=name)["Role"]["Tags"] == [{"Key": "b", "Value": ""}]

    iam.update_role(RoleName=name, Description="other")
    changed = {**TRUST, "Statement": [{**TRUST["Statement"][0], "Principal": {"Service": ["ec2.amazonaws.com"]}}]}
    iam.update_assume_role_policy(RoleName=name, PolicyDocument=json.dumps(changed, indent=4))
    got = iam.get_role(RoleName=name)["Role"]
    assert (got["Description"], got["MaxSessionDuration"], got["AssumeRolePolicyDocument"]) == ("other", 7200, changed)
    assert iam.list_instance_profiles_for_role(RoleName=name)["InstanceProfiles"] == []
    iam.delete_role(RoleName=name)
    assert refused(iam.get_role, RoleName=name) == (404, "NoSuchEntity", f"The role with name {name} cannot be found.")


def test_a_role_that_is_there_already(iam, role):
    name = role()["RoleName"]
    assert refused(iam.create_role, RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST)) == (
        409, "EntityAlreadyExists", f"Role with name {name} already exists.")


def test_inline_policies(iam, role):
    name = role()["RoleName"]
    iam.put_role_policy(RoleName=name, PolicyName="two", PolicyDocument=json.dumps(ALLOW))
    iam.put_role_policy(RoleName=name, PolicyName="one", PolicyDocument=json.dumps(ALLOW))
    assert iam.list_role_policies(RoleName=name)["PolicyNames"] == ["one", "two"]
    got = iam.get_role_policy(RoleName=name, PolicyName="one")
    assert (got["RoleName"], got["PolicyName"], got["PolicyDocument"]) == (name, "one", ALLOW)
    assert refused(iam.delete_role, RoleName=name) == (409, "DeleteConflict", "Cannot delete entity, must delete policies first.")
    iam.delete_role_policy(RoleName=name, PolicyName="one")
    assert refused(iam.get_role_policy, RoleName=name, PolicyName="one") == (
        404, "NoSuchEntity", "The role policy with name one cannot be found.")
    big = {**ALLOW, "Statement": {**ALLOW["Statement"], "Action": [f"logs:{i:01000}" for i in range(10)]}}
    assert refused(iam.put_role_policy, RoleName=name, PolicyName="big", PolicyDocument=json.dumps(big)) == (
        409, "LimitExceeded", f"Maximum policy size of 10240 bytes exceeded for role {name}")


def test_managed_policies(iam, role, unique_name):
    name, role_name = unique_name("policy"), role()["RoleName"]
    made = iam.create_policy(PolicyName=name, PolicyDocument=json.dumps(ALLOW), Description="d", Path="/x/")["Policy"]
    arn = made["Arn"]
    assert arn == f"arn:aws:iam::000000000000:policy/x/{name}"
    assert (made["DefaultVersionId"], made["AttachmentCount"]) == ("v1", 0)
    assert refused(iam.create_policy, PolicyName=name, PolicyDocument=json.dumps(ALLOW), Path="/x/") == (
        409, "EntityAlreadyExists", f"A policy called {name} already exists. Duplicate names are not allowed.")
    iam.attach_role_policy(RoleName=role_name, PolicyArn=arn)
    iam.attach_role_policy(RoleName=role_name, PolicyArn=BASIC)
    attached = iam.list_attached_role_policies(RoleName=role_name)["AttachedPolicies"]
    assert sorted(policy["PolicyName"] for policy in attached) == sorted(["AWSLambdaBasicExecutionRole", name])
    assert iam.get_policy(PolicyArn=arn)["Policy"] == {**made, "AttachmentCount": 1}
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v1")["PolicyVersion"]["Document"] == ALLOW
    assert [version["VersionId"] for version in iam.list_policy_versions(PolicyArn=arn)["Versions"]] == ["v1"]
    listed = [policy for policy in iam.list_policies(Scope="Local", OnlyAttached=True)["Policies"] if policy["Arn"] == arn]
    assert [policy["AttachmentCount"] for policy in listed] == [1]
    assert refused(iam.delete_policy, PolicyArn=arn) == (409, "DeleteConflict", "Cannot delete a policy attached to entities.")
    assert refused(iam.delete_role, RoleName=role_name) == (
        409, "DeleteConflict", "Cannot delete entity, must detach all policies first.")
    iam.detach_role_policy(RoleName=role_name, PolicyArn=arn)
    assert refused(iam.detach_role_policy, RoleName=role_name, PolicyArn=arn) == (404, "NoSuchEntity", f"Policy {arn} was not found.")
    iam.delete_policy(PolicyArn=arn)
    assert refused(iam.get_policy, PolicyArn=arn) == (404, "NoSuchEntity", f"Policy {arn} was not found.")
    assert refused(iam.attach_role_policy, RoleName=role_name, PolicyArn=arn) == (
        404, "NoSuchEntity", f"Policy {arn} does not exist or is not attachable.")


def test_versions_of_policies(iam, unique_name):
    arn = iam.create_policy(PolicyName=unique_name("policy"), PolicyDocument=json.dumps(ALLOW))["Policy"]["Arn"]
    others = [{**ALLOW, "Statement": {**ALLOW["Statement"], "Action": f"s3:Get{i}"}} for i in range(5)]
    made = iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(others[0]), SetAsDefault=True)["PolicyVersion"]
    assert (made["VersionId"], made["IsDefaultVersion"]) == ("v2", True)
    for other in others[1:4]:
        assert not iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(other))["PolicyVersion"]["IsDefaultVersion"]
    assert refused(iam.create_policy_version, PolicyArn=arn, PolicyDocument=json.dumps(others[4]))[:2] == (409, "LimitExceeded")
    listed = iam.list_policy_versions(PolicyArn=arn)["Versions"]
    assert [(v["VersionId"], v["IsDefaultVersion"]) for v in listed] == [
        ("v5", False), ("v4", False), ("v3", False), ("v2", True), ("v1", False)]
    assert iam.get_policy(PolicyArn=arn)["Policy"]["DefaultVersionId"] == "v2"
    assert iam.get_policy_version(PolicyArn=arn, VersionId="v2")["PolicyVersion"]["Document"] == others[0]
    assert refused(iam.delete_policy_version, PolicyArn=arn, VersionId="v2") == (
        409, "DeleteConflict", "Cannot delete the default version of a policy.")
    iam.set_default_policy_version(PolicyArn=arn, VersionId="v1")
    assert refused(iam.delete_policy, PolicyArn=arn)[:2] == (409, "DeleteConflict")
    for version in ("v2", "v3", "v4", "v5"):
        iam.delete_policy_version(PolicyArn=arn, VersionId=version)
    assert refused(iam.get_policy_version, PolicyArn=arn, VersionId="v5") == (
        404, "NoSuchEntity", f"Policy {arn} version v5 does not exist or is not attachable.")
    # A number is not used again.
    assert iam.create_policy_version(PolicyArn=arn, PolicyDocument=json.dumps(ALLOW))["PolicyVersion"]["VersionId"] == "v6"
    iam.delete_policy_version(PolicyArn=arn, VersionId="v6")
    iam.tag_policy(PolicyArn=arn, Tags=[{"Key": "a", "Value": "1"}, {"Key": "b", "Value": "2"}])
    iam.untag_policy(PolicyArn=arn, TagKeys=["a"])
    assert iam.list_policy_tags(PolicyArn=arn)["Tags"] == iam.get_policy(PolicyArn=arn)["Policy"]["Tags"] == [{"Key": "b", "Value": "2"}]
    iam.delete_policy(PolicyArn=arn)


def test_boundaries_and_descriptions(iam, role):
    name = role()["RoleName"]
    assert iam.update_role_description(RoleName=name, Description="new")["Role"]["Description"] == "new"
    iam.put_role_permissions_boundary(RoleName=name, PermissionsBoundary=BASIC)
    assert iam.get_role(RoleName=name)["Role"]["PermissionsBoundary"] == {
        "PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": BASIC}
    iam.delete_role_permissions_boundary(RoleName=name)
    assert "PermissionsBoundary" not in iam.get_role(RoleName=name)["Role"]


@pytest.mark.parametrize("document, text", [
    ("{", "This policy contains invalid Json"),
    ("[]", "Syntax errors in policy."),
    ({"Version": "2020-01-01", "Statement": TRUST["Statement"]}, "Syntax errors in policy."),
    ({"Statement": [{"Effect": "Allow", "Principal": "*"}]}, "Policy statement must contain actions."),
    ({"Statement": [{**TRUST["Statement"][0], "Resource": "*"}]}, "Has prohibited field Resource"),
    ({"Statement": [{**TRUST["Statement"][0], "Action": "s3:GetObject"}]},
     "AssumeRole policy may only specify STS AssumeRole actions."),
])
def test_malformed_trust_policies(iam, unique_name, document, text):
    document = document if isinstance(document, str) else json.dumps(document)
    assert refused(iam.create_role, RoleName=unique_name(), AssumeRolePolicyDocument=document) == (400, "MalformedPolicyDocument", text)


@pytest.mark.parametrize("change, text", [
    ({"Principal": "*"}, "Policy document should not specify a principal."),
    ({"Resource": "bucket"}, 'Resource must be in ARN format or "*".'),
    ({"Action": "everything"}, "Actions/Conditions must be prefaced by a vendor, e.g., iam, sdb, ec2, etc."),
    ({"Effect": "Perhaps"}, "Syntax errors in policy."),
    ({"Colour": "red"}, "Syntax errors in policy."),
])
def test_malformed_identity_policies(iam, unique_name, change, text):
    document = json.dumps({**ALLOW, "Statement": {**ALLOW["Statement"], **change}})
    assert refused(iam.create_policy, PolicyName=unique_name(), PolicyDocument=document) == (400, "MalformedPolicyDocument", text)


def test_violations_of_the_model(iam):
    status, code, text = refused(iam.get_role, RoleName="x" * 65)
    assert (status, code) == (400, "ValidationError")
    assert text.endswith("at 'roleName' failed to satisfy constraint: Member must have length less than or equal to 64")
    status, code, text = refused(iam.create_role, RoleName="r")
    assert (status, code) == (400, "ValidationError")
    assert "Value null at 'assumeRolePolicyDocument' failed to satisfy constraint: Member must not be null" in text
    assert refused(iam.list_roles, MaxItems=0)[:2] == (400, "ValidationError")
    assert refused(iam.list_roles, MaxItems="many")[:2] == (400, "MalformedInput")


def test_what_is_not_here_is_named(iam):
    status, code, text = refused(iam.list_users)
    assert (status, code) == (501, "NotImplemented") and "ListUsers of IAM" in text


def test_pages(lambent, unique_name):
    iam = make_client(lambent.endpoint, service="iam", access_key="777777777777")
    names = [f"page-{i}" for i in range(5)]
    for name in names:
        iam.create_role(RoleName=name, AssumeRolePolicyDocument=json.dumps(TRUST))
    first = iam.list_roles(MaxItems=2)
    assert [role["RoleName"] for role in first["Roles"]] == names[:2] and first["IsTruncated"]
    iam.delete_role(RoleName=names[1])
    pages = iam.get_paginator("list_roles").paginate(PaginationConfig={"PageSize": 2})
    assert [role["RoleName"] for page in pages for role in page["Roles"]] == [names[0], *names[2:]]
    rest = iam.list_roles(Marker=first["Marker"])
    assert [role["RoleName"] for role in rest["Roles"]] == names[2:] and not rest["IsTruncated"]
    for name in [names[0], *names[2:]]:
        iam.delete_role(RoleName=name)
    assert iam.list_roles()["Roles"] == []


def test_accounts_are_apart_and_regions_are_not(lambent, iam, role):
    name = role()["RoleName"]
    other_region = make_client(lambent.endpoint, service="iam", region="eu-west-1")
    assert other_region.get_role(RoleName=name)["Role"]["RoleName"] == name
    other_account = make_client(lambent.endpoint, service="iam", access_key="111111111111")
    assert refused(other_account.get_role, RoleName=name)[0] == 404


def test_they_outlive_the_daemon(lambent_factory, tmp_path):
    daemon = lambent_factory(data_dir=tmp_path / "data")
    iam = make_client(daemon.endpoint, service="iam")
    made = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(TRUST))["Role"]
    daemon.stop()
    again = lambent_factory(data_dir=tmp_path / "data")
    assert make_client(again.endpoint, service="iam").get_role(RoleName="r")["Role"] == made


def test_caller_identity(lambent, sts):
    got = sts.get_caller_identity()
    assert (got["Account"], got["UserId"], got["Arn"]) == ("000000000000", "000000000000", "arn:aws:iam::000000000000:root")
    other = make_client(lambent.endpoint, service="sts", access_key="123456789012")
    assert other.get_caller_identity()["Account"] == "123456789012"


def test_an_assumed_role_is_who_asks(lambent, iam, sts, role):
    made = role()
    other = make_client(lambent.endpoint, service="sts", access_key="222222222222")
    got = other.assume_role(RoleArn=made["Arn"], RoleSessionName="me", DurationSeconds=900)
    assert got["AssumedRoleUser"] == {
        "AssumedRoleId": f"{made['RoleId']}:me", "Arn": f"arn:aws:sts::000000000000:assumed-role/{made['RoleName']}/me"}
    keys = got["Credentials"]
    session = boto3.Session(aws_access_key_id=keys["AccessKeyId"], aws_secret_access_key=keys["SecretAccessKey"],
                            aws_session_token=keys["SessionToken"], region_name="us-east-1")
    identity = session.client("sts", endpoint_url=lambent.endpoint).get_caller_identity()
    assert (identity["Account"], identity["Arn"], identity["UserId"]) == (
        "000000000000", got["AssumedRoleUser"]["Arn"], f"{made['RoleId']}:me")
    assert session.client("iam", endpoint_url=lambent.endpoint).get_role(RoleName=made["RoleName"])["Role"]["Arn"] == made["Arn"]
    forged = boto3.client("sts", endpoint_url=lambent.endpoint, region_name="us-east-1", aws_access_key_id="333333333333",
                          aws_secret_access_key="x", aws_session_token=keys["SessionToken"][:-8] + "AAAAAAA=")
    assert forged.get_caller_identity()["Account"] == "333333333333"


def test_roles_that_cannot_be_assumed(sts, role):
    made = role()
    arn = made["Arn"] + "x"
    assert refused(sts.assume_role, RoleArn=arn, RoleSessionName="me") == (
        403, "AccessDenied",
        f"User: arn:aws:iam::000000000000:root is not authorized to perform: sts:AssumeRole on resource: {arn}")
    assert refused(sts.assume_role, RoleArn=made["Arn"], RoleSessionName="me", DurationSeconds=3601) == (
        400, "ValidationError", "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.")
    assert refused(sts.assume_role, RoleArn=made["Arn"], RoleSessionName="m")[:2] == (400, "ValidationError")


def test_unsigned_forms_are_known_by_their_version(lambent):
    body = b"Action=GetCallerIdentity&Version=2011-06-15"
    request = urllib.request.Request(lambent.endpoint + "/", body, {"Content-Type": "application/x-www-form-urlencoded"})
    with urllib.request.urlopen(request) as answer:
        assert b"<Account>000000000000</Account>" in answer.read()
    with urllib.request.urlopen(lambent.endpoint + "/?Action=GetCallerIdentity&Version=2011-06-15") as answer:
        assert b"<Account>000000000000</Account>" in answer.read()


@pytest.mark.skipif(not shutil.which("aws"), reason="needs the AWS CLI")
def test_aws_cli(lambent, iam, role):
    made = role()

    def aws(*words):
        return json.loads(subprocess.run(["aws", "--endpoint-url", lambent.endpoint, "--region", "us-east-1", "--output", "json", *words],
                                         check=True, capture_output=True, text=True,
                                         env={**os.environ, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test"}).stdout)

    assert aws("sts", "get-caller-identity")["Account"] == "000000000000"
    assert aws("iam", "get-role", "--role-name", made["RoleName"])["Role"]["AssumeRolePolicyDocument"] == TRUST
