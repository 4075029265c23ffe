# SPDX-License-Identifier: Apache-2.0
"""Every operation on functions and what belongs to them, through boto3, the SDK for JavaScript and the AWS CLI: one story, three tellers."""

import base64
import json
import re
import subprocess

import pytest
from test_sdks import aws, environment, javascript_sdk  # noqa: F401

ROLE = "arn:aws:iam::000000000000:role/r"
ARN = "arn:aws:lambda:us-east-1:000000000000"

SCRIPT = """
import * as sdk from "@aws-sdk/client-lambda";
import { createInterface } from "node:readline";

const client = new sdk.LambdaClient({ endpoint: process.env.AWS_ENDPOINT_URL_LAMBDA, maxAttempts: 1 });
for await (const line of createInterface({ input: process.stdin })) {
  const [operation, input] = JSON.parse(line, (key, value) => key === "ZipFile" ? Buffer.from(value, "base64") : value);
  try {
    const { $metadata, ...answer } = await client.send(new sdk[`${operation}Command`](input));
    console.log(JSON.stringify(answer));
  } catch (error) {
    console.log(JSON.stringify({ failed: error.name, message: error.message }));
  }
}
"""


class Boto:
    def __init__(self, client):
        self.client = client

    def __call__(self, operation, **given):
        if "ZipFile" in given.get("Code", {}):
            given["Code"]["ZipFile"] = base64.b64decode(given["Code"]["ZipFile"])
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        answer = getattr(self.client, name)(**given)
        return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


class Cli:
    def __init__(self, run, folder):
        self.run, self.folder = run, folder

    def __call__(self, operation, **given):
        name = re.sub(r"(?<!^)(?=[A-Z])", "-", operation).lower()
        more = []
        if "Code" in given:  # its input has no bytes
            package = self.folder / "package.zip"
            package.write_bytes(base64.b64decode(given.pop("Code")["ZipFile"]))
            more = ["--zip-file", f"fileb://{package}"]
        return self.run(name, "--cli-input-json", json.dumps(given), *more) or {}


class JavaScript:
    def __init__(self, process):
        self.process = process

    def __call__(self, operation, **given):
        self.process.stdin.write(json.dumps([operation, given]) + "\n")
        self.process.stdin.flush()
        answer = json.loads(self.process.stdout.readline())
        assert "failed" not in answer, f"{operation}: {answer}"
        return answer


@pytest.fixture(params=["boto3", "javascript", "cli"])
def call(request, client, lambent, tmp_path):
    if request.param == "boto3":
        yield Boto(client)
    elif request.param == "cli":
        yield Cli(request.getfixturevalue("aws"), tmp_path)
    else:
        folder = request.getfixturevalue("javascript_sdk")
        script = folder / f"every-{tmp_path.name}.mjs"
        script.write_text(SCRIPT)
        process = subprocess.Popen(["node", script.name], cwd=folder, env=environment(lambent), text=True, stdin=subprocess.PIPE,
                                   stdout=subprocess.PIPE)
        try:
            yield JavaScript(process)
        finally:
            process.stdin.close()
            process.wait(30)
            process.stdout.close()
            script.unlink()


def test_the_story(call, client, unique_name, zip_of):
    name = unique_name()
    arn = f"{ARN}:function:{name}"
    package = base64.b64encode(zip_of({"bootstrap*": "#!/bin/sh\n"})).decode()
    csc = call("CreateCodeSigningConfig", AllowedPublishers={"SigningProfileVersionArns": [f"arn:aws:signer:us-east-1:{'0' * 12}:/signing-profiles/p"]})
    csc = csc["CodeSigningConfig"]["CodeSigningConfigArn"]
    made = call("CreateFunction", FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Code={"ZipFile": package}, Tags={"a": "b"})
    assert made["FunctionArn"] == arn
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    which = {"FunctionName": name}
    assert call("PublishVersion", **which)["Version"] == "1"

    assert call("CreateAlias", **which, Name="live", FunctionVersion="1")["AliasArn"] == f"{arn}:live"
    assert call("UpdateAlias", **which, Name="live", Description="d")["Description"] == "d"
    assert call("GetAlias", **which, Name="live")["FunctionVersion"] == "1"
    assert [alias["Name"] for alias in call("ListAliases", **which)["Aliases"]] == ["live"]

    call("TagResource", Resource=arn, Tags={"c": "d"})
    call("UntagResource", Resource=arn, TagKeys=["a"])
    assert call("ListTags", Resource=arn)["Tags"] == {"c": "d"}

    grant = {"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com"}
    assert json.loads(call("AddPermission", **which, Qualifier="live", **grant)["Statement"])["Resource"] == f"{arn}:live"
    assert json.loads(call("GetPolicy", **which, Qualifier="live")["Policy"])["Statement"][0]["Sid"] == "s"
    call("RemovePermission", **which, Qualifier="live", StatementId="s")

    assert call("PutFunctionConcurrency", **which, ReservedConcurrentExecutions=5) == {"ReservedConcurrentExecutions": 5}
    assert call("GetFunctionConcurrency", **which) == {"ReservedConcurrentExecutions": 5}
    call("DeleteFunctionConcurrency", **which)
    assert call("GetAccountSettings")["AccountLimit"]["ConcurrentExecutions"] == 1000

    assert call("PutProvisionedConcurrencyConfig", **which, Qualifier="live", ProvisionedConcurrentExecutions=1)["Status"] == "IN_PROGRESS"
    assert call("GetProvisionedConcurrencyConfig", **which, Qualifier="live")["RequestedProvisionedConcurrentExecutions"] == 1
    assert len(call("ListProvisionedConcurrencyConfigs", **which)["ProvisionedConcurrencyConfigs"]) == 1
    call("DeleteProvisionedConcurrencyConfig", **which, Qualifier="live")

    url = call("CreateFunctionUrlConfig", **which, AuthType="NONE", Cors={"AllowOrigins": ["*"]})["FunctionUrl"]
    assert call("UpdateFunctionUrlConfig", **which, AuthType="AWS_IAM")["AuthType"] == "AWS_IAM"
    assert call("GetFunctionUrlConfig", **which)["FunctionUrl"] == url
    assert len(call("ListFunctionUrlConfigs", **which)["FunctionUrlConfigs"]) == 1
    call("DeleteFunctionUrlConfig", **which)

    assert call("PutFunctionEventInvokeConfig", **which, MaximumRetryAttempts=1)["MaximumRetryAttempts"] == 1
    assert call("UpdateFunctionEventInvokeConfig", **which, MaximumEventAgeInSeconds=60)["MaximumRetryAttempts"] == 1
    assert call("GetFunctionEventInvokeConfig", **which)["MaximumEventAgeInSeconds"] == 60
    assert len(call("ListFunctionEventInvokeConfigs", **which)["FunctionEventInvokeConfigs"]) == 1
    call("DeleteFunctionEventInvokeConfig", **which)

    mapping = call("CreateEventSourceMapping", **which, EventSourceArn=f"arn:aws:sqs:us-east-1:{'0' * 12}:{name}")["UUID"]
    assert call("UpdateEventSourceMapping", UUID=mapping, BatchSize=3)["BatchSize"] == 3
    assert call("GetEventSourceMapping", UUID=mapping)["State"] == "Enabled"
    assert len(call("ListEventSourceMappings", **which)["EventSourceMappings"]) == 1
    assert call("DeleteEventSourceMapping", UUID=mapping)["State"] == "Deleting"

    assert call("PutFunctionCodeSigningConfig", **which, CodeSigningConfigArn=csc)["FunctionName"] == name
    assert call("GetFunctionCodeSigningConfig", **which)["CodeSigningConfigArn"] == csc
    assert call("ListFunctionsByCodeSigningConfig", CodeSigningConfigArn=csc)["FunctionArns"] == [arn]
    call("DeleteFunctionCodeSigningConfig", **which)
    assert call("UpdateCodeSigningConfig", CodeSigningConfigArn=csc, Description="d")["CodeSigningConfig"]["Description"] == "d"
    assert call("GetCodeSigningConfig", CodeSigningConfigArn=csc)["CodeSigningConfig"]["CodeSigningConfigArn"] == csc
    assert csc in [item["CodeSigningConfigArn"] for item in call("ListCodeSigningConfigs")["CodeSigningConfigs"]]
    call("DeleteCodeSigningConfig", CodeSigningConfigArn=csc)

    assert call("PutFunctionRecursionConfig", **which, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert call("GetFunctionRecursionConfig", **which)["RecursiveLoop"] == "Allow"
    assert call("PutRuntimeManagementConfig", **which, UpdateRuntimeOn="FunctionUpdate")["UpdateRuntimeOn"] == "FunctionUpdate"
    assert call("GetRuntimeManagementConfig", **which)["UpdateRuntimeOn"] == "FunctionUpdate"

    call("DeleteAlias", **which, Name="live")
    call("DeleteFunction", **which)
