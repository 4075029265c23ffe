# SPDX-License-Identifier: Apache-2.0
"""The calls of Terraform's AWS provider around a function, one resource after the other: apply, plan, change, destroy.

What it reads after each step has to be what it wrote, or its next plan would not be empty.
"""

import json

import pytest
from botocore.exceptions import ClientError
from conftest import make_client

TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Sid": ""}],
}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ACCOUNT = "888888888888"


def policy(action):
    return {"Version": "2012-10-17", "Statement": [{"Action": [action], "Effect": "Allow", "Resource": "*"}]}


class Provider:
    """Each resource has what the provider calls to create, read, change and delete it."""

    def __init__(self, endpoint, code):
        self.iam, self.sts, self.logs, self.client = (
            make_client(endpoint, service=service, access_key=ACCOUNT) for service in ("iam", "sts", "logs", "lambda"))
        self.account = self.sts.get_caller_identity()["Account"]
        self.code = code

    # aws_iam_role
    def create_role(self):
        role = self.iam.create_role(RoleName="tf", Path="/", AssumeRolePolicyDocument=json.dumps(TRUST), MaxSessionDuration=3600,
                                    Tags=[{"Key": "by", "Value": "terraform"}])["Role"]
        self.role = role["Arn"]

    def read_role(self):
        role = self.iam.get_role(RoleName="tf")["Role"]
        return (role["Arn"], role["AssumeRolePolicyDocument"], role["MaxSessionDuration"], role.get("Description", ""),
                {tag["Key"]: tag["Value"] for tag in role.get("Tags", [])},
                self.iam.list_role_policies(RoleName="tf")["PolicyNames"],
                [p["PolicyArn"] for p in self.iam.list_attached_role_policies(RoleName="tf")["AttachedPolicies"]])

    def delete_role(self):
        assert self.iam.list_instance_profiles_for_role(RoleName="tf")["InstanceProfiles"] == []
        self.iam.delete_role(RoleName="tf")

    # aws_iam_policy and aws_iam_role_policy_attachment
    def create_policy(self):
        self.policy = self.iam.create_policy(PolicyName="tf", Path="/", PolicyDocument=json.dumps(policy("s3:GetObject")))["Policy"]["Arn"]
        for arn in (self.policy, BASIC):
            self.iam.attach_role_policy(RoleName="tf", PolicyArn=arn)

    def read_policy(self):
        shown = self.iam.get_policy(PolicyArn=self.policy)["Policy"]
        version = self.iam.get_policy_version(PolicyArn=self.policy, VersionId=shown["DefaultVersionId"])["PolicyVersion"]
        return shown["PolicyName"], shown["Path"], version["Document"]

    def change_policy(self):
        old = self.iam.list_policy_versions(PolicyArn=self.policy)["Versions"]
        self.iam.create_policy_version(PolicyArn=self.policy, PolicyDocument=json.dumps(policy("s3:PutObject")), SetAsDefault=True)
        assert len(old) == 1

    def delete_policy(self):
        for arn in (self.policy, BASIC):
            self.iam.detach_role_policy(RoleName="tf", PolicyArn=arn)
        for version in self.iam.list_policy_versions(PolicyArn=self.policy)["Versions"]:
            if not version["IsDefaultVersion"]:
                self.iam.delete_policy_version(PolicyArn=self.policy, VersionId=version["VersionId"])
        self.iam.delete_policy(PolicyArn=self.policy)

    # aws_cloudwatch_log_group
    def create_group(self):
        self.logs.create_log_group(logGroupName="/aws/lambda/tf", tags={"by": "terraform"}, logGroupClass="STANDARD")
        self.logs.put_retention_policy(logGroupName="/aws/lambda/tf", retentionInDays=14)

    def read_group(self):
        [group] = self.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/tf")["logGroups"]
        return (group["logGroupName"], group["arn"], group["retentionInDays"],
                self.logs.list_tags_for_resource(resourceArn=group["logGroupArn"])["tags"])

    def delete_group(self):
        self.logs.delete_log_group(logGroupName="/aws/lambda/tf")

    # aws_lambda_function, aws_lambda_alias, aws_lambda_permission, aws_lambda_function_url
    def create_function(self):
        self.client.create_function(FunctionName="tf", Role=self.role, Runtime="provided.al2023", Handler="h", Code={"ZipFile": self.code},
                                    PackageType="Zip", Architectures=["x86_64"], MemorySize=128, Timeout=3, Publish=True,
                                    LoggingConfig={"LogFormat": "Text", "LogGroup": "/aws/lambda/tf"}, Tags={"by": "terraform"})
        self.client.get_waiter("function_active_v2").wait(FunctionName="tf", WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
        self.client.create_alias(FunctionName="tf", Name="live", FunctionVersion="1")
        self.client.add_permission(FunctionName="tf", StatementId="s", Action="lambda:InvokeFunction", Principal="events.amazonaws.com")
        self.client.create_function_url_config(FunctionName="tf", Qualifier="live", AuthType="NONE")

    def read_function(self):
        got = self.client.get_function(FunctionName="tf")
        settings = {name: got["Configuration"][name] for name in ("Role", "Runtime", "MemorySize", "CodeSha256", "LoggingConfig")}
        versions = [version["Version"] for version in self.client.list_versions_by_function(FunctionName="tf")["Versions"]]
        self.client.get_function_code_signing_config(FunctionName="tf")
        return (settings, got["Tags"], versions, self.client.get_alias(FunctionName="tf", Name="live")["FunctionVersion"],
                json.loads(self.client.get_policy(FunctionName="tf")["Policy"])["Statement"],
                self.client.get_function_url_config(FunctionName="tf", Qualifier="live")["FunctionUrl"])

    def delete_function(self):
        self.client.delete_function_url_config(FunctionName="tf", Qualifier="live")
        self.client.remove_permission(FunctionName="tf", StatementId="s")
        self.client.delete_alias(FunctionName="tf", Name="live")
        self.client.delete_function(FunctionName="tf")

    def plan(self):
        return [self.read_role(), self.read_policy(), self.read_group(), self.read_function()]


@pytest.fixture
def provider(lambent, zip_of):
    return Provider(lambent.endpoint, zip_of({"bootstrap*": "#!/bin/sh\n"}))


def test_apply_plan_change_destroy(provider):
    assert provider.account == ACCOUNT
    for create in (provider.create_role, provider.create_policy, provider.create_group, provider.create_function):
        create()
    role, managed, group, function = first = provider.plan()
    assert role == (f"arn:aws:iam::{ACCOUNT}:role/tf", TRUST, 3600, "", {"by": "terraform"}, [], sorted([provider.policy, BASIC]))
    assert managed == ("tf", "/", policy("s3:GetObject"))
    assert group == ("/aws/lambda/tf", f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:/aws/lambda/tf:*", 14, {"by": "terraform"})
    assert function[0]["Role"] == provider.role and function[1] == {"by": "terraform"} and function[2:4] == (["$LATEST", "1"], "1")
    assert provider.plan() == first

    provider.change_policy()
    provider.iam.update_role_description(RoleName="tf", Description="changed")
    provider.logs.put_retention_policy(logGroupName="/aws/lambda/tf", retentionInDays=30)
    changed = provider.plan()
    assert changed[0][3] == "changed" and changed[1][2] == policy("s3:PutObject") and changed[2][2] == 30
    assert provider.plan() == changed

    for delete in (provider.delete_function, provider.delete_group, provider.delete_policy, provider.delete_role):
        delete()
    for read, code in ((provider.read_role, "NoSuchEntity"), (provider.read_policy, "NoSuchEntity"),
                       (provider.read_function, "ResourceNotFoundException")):
        with pytest.raises(ClientError) as error:
            read()
        assert error.value.response["Error"]["Code"] == code
    assert provider.logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/tf")["logGroups"] == []
