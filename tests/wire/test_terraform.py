# SPDX-License-Identifier: Apache-2.0
"""Terraform's AWS provider around a function: apply, plan, change, destroy.

What it reads after each step has to be what it wrote, or its next plan is not empty. LAMBENT_TEST_TERRAFORM names the real
one, with its provider beside it (./dev terraform builds them): that of 2019. What today's calls is played, one resource after the other.
"""

import io
import json
import os
import pathlib
import subprocess
import zipfile

import pytest
from botocore.exceptions import ClientError
from conftest import make_client, make_zip

import guests

SECONDS = 300
TRUST = {
    "Version": "2012-10-17",
    "Statement": [{"Action": "sts:AssumeRole", "Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Sid": ""}],
}
BASIC = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
ACCOUNT, REAL = "888888888888", "777777777777"


def policy(action):
    return {"Version": "2012-10-17", "Statement": [{"Action": [action], "Effect": "Allow", "Resource": "*"}]}


# Steps: 1 makes, 2 changes settings, 3 the code (one update at a time), 4 takes away what can be left out.
CONFIGURATION = """
variable "step" { type = number }
variable "endpoint" {}
variable "package" {}
variable "layer" {}

provider "aws" {
  region                  = "us-east-1"
  access_key              = "777777777777"
  secret_key              = "test"
  skip_metadata_api_check = true
  skip_get_ec2_platforms  = true
  endpoints {
    cloudwatchlogs = var.endpoint
    iam            = var.endpoint
    lambda         = var.endpoint
    sts            = var.endpoint
  }
}

data "aws_caller_identity" "me" {}

data "aws_iam_policy_document" "trust" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["lambda.amazonaws.com"]
    }
  }
}

resource "aws_iam_policy" "read" {
  name        = "tf-read"
  path        = "/tf/"
  description = "kept"
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = var.step < 2 ? "s3:GetObject" : "s3:PutObject", Resource = "*" }]
  })
}

resource "aws_iam_role" "hello" {
  name                  = "tf"
  assume_role_policy    = data.aws_iam_policy_document.trust.json
  description           = var.step < 2 ? "first" : "changed"
  max_session_duration  = var.step < 2 ? 3600 : 7200
  permissions_boundary  = var.step < 4 ? aws_iam_policy.read.arn : null
  force_detach_policies = true
  tags                  = var.step < 2 ? { by = "terraform", old = "yes" } : { by = "terraform", new = "yes" }
}

resource "aws_iam_role_policy" "inline" {
  name = "inline"
  role = aws_iam_role.hello.id
  policy = jsonencode({
    Version   = "2012-10-17"
    Statement = [{ Effect = "Allow", Action = ["sqs:ReceiveMessage"], Resource = var.step < 2 ? "*" : "arn:aws:sqs:*:*:tf" }]
  })
}

resource "aws_iam_role_policy_attachment" "all" {
  for_each   = toset(["read", "basic"])
  role       = aws_iam_role.hello.name
  policy_arn = each.value == "basic" ? "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole" : aws_iam_policy.read.arn
}

resource "aws_cloudwatch_log_group" "hello" {
  name              = "/aws/lambda/tf"
  retention_in_days = var.step < 2 ? 14 : var.step < 4 ? 30 : 0
  tags              = var.step < 2 ? { by = "terraform", old = "yes" } : { by = "terraform" }
}

resource "aws_lambda_layer_version" "said" {
  layer_name          = "tf"
  filename            = var.layer
  source_code_hash    = filebase64sha256(var.layer)
  description         = var.step < 2 ? "first" : "changed"
  license_info        = "MIT"
  compatible_runtimes = ["provided.al2023"]
}

resource "aws_lambda_function" "hello" {
  function_name                  = "tf"
  filename                       = var.package
  source_code_hash               = filebase64sha256(var.package)
  role                           = aws_iam_role.hello.arn
  runtime                        = "provided.al2023"
  handler                        = "echo"
  publish                        = true
  description                    = var.step < 2 ? "first" : "changed"
  memory_size                    = var.step < 2 ? 128 : 256
  timeout                        = var.step < 2 ? 3 : 5
  kms_key_arn                    = var.step < 4 ? "arn:aws:kms:us-east-1:777777777777:key/k" : ""
  layers                         = var.step < 4 ? [aws_lambda_layer_version.said.layer_arn] : []
  reserved_concurrent_executions = var.step < 2 ? 5 : var.step < 4 ? 6 : null
  tags                           = var.step < 2 ? { by = "terraform", old = "yes" } : { by = "terraform" }

  tracing_config {
    mode = var.step < 2 ? "PassThrough" : "Active"
  }
  dynamic "environment" {
    for_each = var.step < 4 ? [1] : []
    content {
      variables = var.step < 2 ? { NAME = "first", OLD = "yes" } : { NAME = "changed" }
    }
  }
  dynamic "dead_letter_config" {
    for_each = var.step < 4 ? [1] : []
    content {
      target_arn = "arn:aws:sqs:us-east-1:777777777777:dead"
    }
  }
  dynamic "vpc_config" {
    for_each = var.step < 4 ? [1] : []
    content {
      subnet_ids         = ["subnet-1", "subnet-2"]
      security_group_ids = ["sg-1"]
    }
  }
  depends_on = [aws_cloudwatch_log_group.hello]
}

resource "aws_lambda_alias" "live" {
  name             = "live"
  description      = var.step < 2 ? "first" : "changed"
  function_name    = aws_lambda_function.hello.function_name
  function_version = "1"
  dynamic "routing_config" {
    for_each = var.step == 3 ? [1] : []
    content {
      additional_version_weights = { (aws_lambda_function.hello.version) = 0.5 }
    }
  }
}

resource "aws_lambda_permission" "events" {
  statement_id   = "events"
  action         = "lambda:InvokeFunction"
  function_name  = aws_lambda_function.hello.function_name
  principal      = "s3.amazonaws.com"
  source_arn     = "arn:aws:s3:::bucket"
  source_account = data.aws_caller_identity.me.account_id
}

resource "aws_lambda_permission" "account" {
  count               = var.step < 4 ? 1 : 0
  statement_id_prefix = "account-"
  action              = "lambda:InvokeFunction"
  function_name       = aws_lambda_function.hello.arn
  principal           = "arn:aws:iam::111122223333:root"
  qualifier           = aws_lambda_alias.live.name
}

resource "aws_lambda_permission" "skill" {
  statement_id       = "skill"
  action             = "lambda:InvokeFunction"
  function_name      = aws_lambda_function.hello.function_name
  principal          = "alexa-appkit.amazon.com"
  event_source_token = var.step < 2 ? "first" : "changed"
}

resource "aws_lambda_event_source_mapping" "queue" {
  event_source_arn = "arn:aws:sqs:us-east-1:777777777777:queue"
  function_name    = aws_lambda_function.hello.function_name
  enabled          = var.step < 2
}

resource "aws_lambda_event_source_mapping" "stream" {
  event_source_arn  = "arn:aws:kinesis:us-east-1:777777777777:stream/s"
  function_name     = aws_lambda_alias.live.arn
  starting_position = "LATEST"
  batch_size        = var.step < 2 ? 50 : 60
}

data "aws_lambda_function" "live" {
  function_name = aws_lambda_alias.live.function_name
  qualifier     = aws_lambda_alias.live.name
}

data "aws_lambda_invocation" "said" {
  function_name = aws_lambda_alias.live.function_name
  qualifier     = "1"
  input         = jsonencode({ word = "hello" })
}

output "account" { value = data.aws_caller_identity.me.account_id }
output "answer" { value = data.aws_lambda_invocation.said.result_map }
output "version" { value = aws_lambda_function.hello.version }
output "layer" { value = aws_lambda_layer_version.said.version }
output "live" { value = data.aws_lambda_function.live.version }
"""


class Terraform:
    def __init__(self, program, folder, endpoint):
        self.program, self.folder = program, folder
        (folder / "main.tf").write_text(CONFIGURATION)
        self.variables = {"endpoint": endpoint, "package": str(folder / "package.zip"), "layer": str(folder / "layer.zip")}
        self("init", "-get-plugins=false", f"-plugin-dir={self.program.parent}")

    def __call__(self, *words, status=0):
        """What it says, having ended so."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "TF_"))}
        env = {**kept, "CHECKPOINT_DISABLE": "1", "TF_IN_AUTOMATION": "1", "TF_INPUT": "0", "HOME": str(self.folder), "TMPDIR": str(self.folder)}
        done = subprocess.run([str(self.program), *words], cwd=self.folder, text=True, timeout=SECONDS, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=env)
        assert done.returncode == status, done.stdout
        return done.stdout

    def has_nothing_to_do(self):
        self("plan", "-no-color", "-detailed-exitcode")

    def plan(self):
        """There is something to do."""
        return self("plan", "-no-color", "-detailed-exitcode", status=2)

    def step(self, number):
        """Applies, plans again, which must find nothing to do, and tells the outputs."""
        (self.folder / "terraform.tfvars.json").write_text(json.dumps({**self.variables, "step": number}))
        self("apply", "-no-color", "-auto-approve")
        self.has_nothing_to_do()
        return {name: output["value"] for name, output in json.loads(self("output", "-json")).items()}


@pytest.fixture
def terraform(tmp_path):
    def make(daemon):
        program = pathlib.Path(os.environ.get("LAMBENT_TEST_TERRAFORM") or "")
        if not program.is_file():
            pytest.skip("Terraform is not there: ./dev terraform builds it")
        (tmp_path / "package.zip").write_bytes(guests.c_bootstrap())
        (tmp_path / "layer.zip").write_bytes(make_zip({"said": "hello"}))
        return Terraform(program, tmp_path, daemon.endpoint)

    return make


def test_terraform(terraform, lambent):
    terraform = terraform(lambent)
    client, iam, logs = (make_client(lambent.endpoint, service=service, access_key=REAL) for service in ("lambda", "iam", "logs"))

    def step(number):
        """The old provider does not wait until an update is taken, which today another has to."""
        client.get_waiter("function_updated_v2").wait(FunctionName="tf", WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
        return terraform.step(number)

    said = terraform.step(1)
    assert said == {"account": REAL, "answer": {"word": "hello"}, "version": "1", "layer": "1", "live": "1"}
    assert client.get_function_configuration(FunctionName="tf")["VpcConfig"]["SubnetIds"] == ["subnet-1", "subnet-2"]
    sids = {statement["Sid"] for statement in json.loads(client.get_policy(FunctionName="tf")["Policy"])["Statement"]}
    assert sids == {"events", "skill"}

    said = step(2)
    assert said["layer"] == "2"
    changed = client.get_function_configuration(FunctionName="tf")
    assert (changed["MemorySize"], changed["Timeout"], changed["Description"]) == (256, 5, "changed")
    assert changed["Environment"]["Variables"] == {"NAME": "changed"} and changed["Layers"][0]["Arn"].endswith(":layer:tf:2")
    assert client.get_function_concurrency(FunctionName="tf")["ReservedConcurrentExecutions"] == 6
    assert client.list_tags(Resource=changed["FunctionArn"])["Tags"] == {"by": "terraform"}
    mappings = client.list_event_source_mappings()["EventSourceMappings"]
    assert sorted((mapping["BatchSize"], mapping["State"]) for mapping in mappings) == [(10, "Disabled"), (60, "Enabled")]
    role = iam.get_role(RoleName="tf")["Role"]
    assert (role["Description"], role["MaxSessionDuration"]) == ("changed", 7200)

    # New code.
    package = io.BytesIO(guests.c_bootstrap())
    with zipfile.ZipFile(package, "a") as archive:
        archive.writestr("more", "x")
    (terraform.folder / "package.zip").write_bytes(package.getvalue())
    assert step(3)["version"] == "2"
    alias = client.get_alias(FunctionName="tf", Name="live")
    assert (alias["FunctionVersion"], alias["RoutingConfig"]["AdditionalVersionWeights"]) == ("1", {"2": 0.5})

    step(4)
    bare = client.get_function_configuration(FunctionName="tf")
    assert not {"Environment", "DeadLetterConfig", "KMSKeyArn", "Layers"} & set(bare)
    assert not bare.get("VpcConfig", {}).get("SubnetIds")
    assert "ReservedConcurrentExecutions" not in client.get_function_concurrency(FunctionName="tf")
    assert "PermissionsBoundary" not in iam.get_role(RoleName="tf")["Role"]
    assert "retentionInDays" not in logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/tf")["logGroups"][0]

    # What somebody else changed or deleted it sees, and mends. (A statement it would wait for, for a minute.)
    client.update_function_configuration(FunctionName="tf", MemorySize=512)
    client.delete_alias(FunctionName="tf", Name="live")
    logs.delete_log_group(logGroupName="/aws/lambda/tf")
    iam.delete_role_policy(RoleName="tf", PolicyName="inline")
    iam.detach_role_policy(RoleName="tf", PolicyArn=BASIC)
    planned = terraform.plan()
    for resource in ("aws_lambda_alias.live", "aws_cloudwatch_log_group.hello", "aws_iam_role_policy.inline",
                     'aws_iam_role_policy_attachment.all["basic"]'):
        assert f"# {resource} will be created" in planned, planned
    assert "# aws_lambda_function.hello will be updated in-place" in planned, planned
    step(4)
    assert client.get_function_configuration(FunctionName="tf")["MemorySize"] == 256

    # What it is told the name of it finds as it left it.
    [queue] = [mapping["UUID"] for mapping in mappings if mapping["BatchSize"] == 10]
    for resource, name in (("aws_iam_policy.read", role["PermissionsBoundary"]["PermissionsBoundaryArn"]), ("aws_iam_role_policy.inline", "tf:inline"),
                           ("aws_cloudwatch_log_group.hello", "/aws/lambda/tf"), ("aws_lambda_event_source_mapping.queue", queue)):
        terraform("state", "rm", resource)
        terraform("import", "-no-color", resource, name)
    terraform.has_nothing_to_do()

    terraform("destroy", "-no-color", "-auto-approve")
    assert client.list_functions()["Functions"] == [] and client.list_layers()["Layers"] == []
    assert iam.list_roles()["Roles"] == [] and iam.list_policies(Scope="Local")["Policies"] == []
    assert logs.describe_log_groups(logGroupNamePrefix="/aws/lambda/tf")["logGroups"] == []


def test_terraform_signs(terraform, lambent_factory, tmp_path):
    """With AWS's first SDK for Go; its keys are the daemon's."""
    keys = tmp_path / "keys"
    keys.write_text(f"{REAL} test\n")
    signed = terraform(lambent_factory("--verify-signatures", "--credentials", str(keys)))
    assert signed.step(1)["answer"] == {"word": "hello"}
    signed("destroy", "-no-color", "-auto-approve")


# ---- today's provider, played ----


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
