# SPDX-License-Identifier: Apache-2.0
"""Tools that change a deployed function by themselves, past CloudFormation: `sam sync --code`, `cdk deploy --hotswap`,
`serverless deploy function`.

LAMBENT_TEST_SAM, LAMBENT_TEST_CDK, LAMBENT_TEST_SERVERLESS are their programs; ./dev setup installs them. What is not there is skipped.
What they ask of CloudFormation goes through --upstream to a stack that stands for an earlier deployment.
"""

import json
import os
import pathlib
import subprocess

import boto3
import pytest
from cloudformation import CloudFormation
from conftest import ROLE, make_client, make_zip
from moto_server import Moto

import guests

SECONDS = 300
# Code and a layer's file, each in two states.
CODE = """import os, pathlib
def handler(event, context):
    layer = pathlib.Path("/opt/said")
    return ["WORD", layer.read_text() if layer.exists() else None, os.environ.get("NAME")]
"""
OLD, NEW = (CODE.replace("WORD", word) for word in ("old", "new"))


def program(name):
    path = os.environ.get(f"LAMBENT_TEST_{name.upper()}")
    if not path or not pathlib.Path(path).exists():
        pytest.skip(f"{name} is not installed: ./dev setup does it where the registry has it")
    return path


class Deployed:
    """A daemon with a function as an earlier deployment would have left it: version 1, an alias for it, a layer."""

    def __init__(self, make_daemon, name, file):
        self.make_daemon, self.name, self.file = make_daemon, name, file
        self.stack = None

    def deploy(self, template, logical, *options):
        """logical: what the template calls function, layer and alias. options: the daemon's."""
        function, layer, alias = logical
        arn = "arn:aws:lambda:us-east-1:000000000000"
        resources = {function: ("AWS::Lambda::Function", self.name), layer: ("AWS::Lambda::LayerVersion", f"{arn}:layer:{self.name}:1"),
                     alias: ("AWS::Lambda::Alias", f"{arn}:function:{self.name}:live")}
        self.stack = CloudFormation("stack", template, resources)
        self.daemon = self.make_daemon("--upstream", self.stack.url, *options)
        self.client = make_client(self.daemon.endpoint)
        layer = self.client.publish_layer_version(LayerName=self.name, Content={"ZipFile": make_zip({"said": "old"})})["LayerVersionArn"]
        self.client.create_function(FunctionName=self.name, Runtime=guests.host_python_runtime(), Role=ROLE, Publish=True, Layers=[layer],
                                    Handler=f"{self.file}.handler", Code={"ZipFile": make_zip({f"{self.file}.py": OLD})})
        self.settle()
        self.client.create_alias(FunctionName=self.name, Name="live", FunctionVersion="1")
        assert self.says() == self.says(Qualifier="live") == ["old", "old", None]

    def settle(self):
        for waiter in ("function_active_v2", "function_updated_v2"):
            self.client.get_waiter(waiter).wait(FunctionName=self.name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})

    def says(self, **which):
        return json.load(self.client.invoke(FunctionName=self.name, **which)["Payload"])

    def run(self, *words, cwd, **more):
        kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        env = {**kept, "AWS_ENDPOINT_URL": self.daemon.endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1",
               "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "HOME": str(cwd), "CI": "1",
               "TMPDIR": str(cwd), **more}
        # SAM asks whether this is a stack for development.
        done = subprocess.run([str(word) for word in words], cwd=cwd, text=True, timeout=SECONDS, input="y\n", stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env=env)
        assert done.returncode == 0, done.stdout
        self.settle()
        return done.stdout


@pytest.fixture
def bucket():
    """The bucket `assets` of an S3 of the test's own, and where that S3 is."""
    server = Moto()
    client = boto3.client("s3", endpoint_url=server.url, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test")
    client.create_bucket(Bucket="assets")
    yield lambda: [item["Key"] for item in client.list_objects_v2(Bucket="assets").get("Contents", [])], server.url
    server.stop()


@pytest.fixture
def deployed(lambent_factory):
    made = []

    def make(name, file="app"):
        made.append(Deployed(lambent_factory, name, file))
        return made[-1]

    yield make
    for one in made:
        if one.stack:
            one.stack.close()


def test_sam_sync_code(deployed, tmp_path):
    """Function, layer and alias: the code of both, the function's reference to the new layer, a new version for the alias."""
    sam, one = program("sam"), deployed("sam")
    template = {
        "AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {
            "Hello": {"Type": "AWS::Serverless::Function", "Properties": {
                "Runtime": guests.host_python_runtime(), "Handler": "app.handler", "CodeUri": "code/", "Role": ROLE, "AutoPublishAlias": "live",
                "Layers": [{"Ref": "Said"}]}},
            "Said": {"Type": "AWS::Serverless::LayerVersion", "Properties": {"LayerName": "sam", "ContentUri": "layer/"}}}}
    one.deploy(template, ("Hello", "Said", "HelloAliaslive"))
    for path, text in (("code/app.py", NEW), ("code/requirements.txt", ""), ("layer/said", "new"), ("template.yaml", json.dumps(template))):
        (tmp_path / path).parent.mkdir(exist_ok=True)
        (tmp_path / path).write_text(text)
    out = one.run(sam, "sync", "--code", "--stack-name", "stack", "--s3-bucket", "bucket", "--no-dependency-layer", cwd=tmp_path, SAM_CLI_TELEMETRY="0")
    assert one.says() == ["new", "new", None], out
    assert one.client.get_alias(FunctionName="sam", Name="live")["FunctionVersion"] != "1"
    assert one.says(Qualifier="live")[0] == "new"
    assert one.client.get_function_configuration(FunctionName="sam")["Layers"][0]["Arn"].endswith(":layer:sam:2")
    assert one.stack.unknown == [], one.stack.asked


def test_sam_sync_code_through_s3(deployed, bucket, tmp_path):
    """A package too large for a request, which SAM puts into the bucket."""
    sam, one = program("sam"), deployed("large")
    keys, s3 = bucket
    template = {
        "AWSTemplateFormatVersion": "2010-09-09", "Transform": "AWS::Serverless-2016-10-31",
        "Resources": {"Hello": {"Type": "AWS::Serverless::Function", "Properties": {
            "Runtime": guests.host_python_runtime(), "Handler": "app.handler", "CodeUri": "code/", "Role": ROLE}}}}
    one.deploy(template, ("Hello", "Said", "Live"), "--s3-endpoint", s3)
    (tmp_path / "code").mkdir()
    (tmp_path / "code" / "app.py").write_text(NEW)
    (tmp_path / "code" / "requirements.txt").write_text("")
    (tmp_path / "code" / "data").write_bytes(os.urandom(51 << 20))
    (tmp_path / "template.yaml").write_text(json.dumps(template))
    out = one.run(sam, "sync", "--code", "--stack-name", "stack", "--s3-bucket", "assets", "--no-dependency-layer", cwd=tmp_path,
                  SAM_CLI_TELEMETRY="0", AWS_ENDPOINT_URL_S3=s3)
    assert one.says() == ["new", "old", None], out
    assert len(keys()) == 1
    assert one.stack.unknown == [], one.stack.asked


def cdk_template(code, variables, version):
    return {"Resources": {
        "Hello": {"Type": "AWS::Lambda::Function", "Metadata": {"aws:cdk:path": "stack/Hello/Resource"},
                  "Properties": {"Code": code, "Handler": "index.handler", "Role": ROLE, "Runtime": guests.host_python_runtime(),
                                 "Environment": {"Variables": variables}}},
        version: {"Type": "AWS::Lambda::Version", "Metadata": {"aws:cdk:path": "stack/Hello/CurrentVersion/Resource"},
                  "Properties": {"FunctionName": {"Ref": "Hello"}}},
        "Live": {"Type": "AWS::Lambda::Alias", "Metadata": {"aws:cdk:path": "stack/Live/Resource"},
                 "Properties": {"FunctionName": {"Ref": "Hello"}, "Name": "live", "FunctionVersion": {"Fn::GetAtt": [version, "Version"]}}}}}


def cdk_hotswap(cdk, one, folder, template, assets=None, **env):
    """The assembly that a CDK app would synthesize, and the tool's output. assets: {id: folder or file in the assembly}."""
    assembly = folder / "cdk.out"
    assembly.mkdir(exist_ok=True)
    artifacts = {"stack": {
        "type": "aws:cloudformation:stack", "environment": "aws://000000000000/us-east-1", "dependencies": ["stack.assets"] if assets else [],
        "properties": {"templateFile": "stack.template.json", "stackName": "stack", "validateOnSynth": False}}}
    if assets:
        artifacts["stack.assets"] = {"type": "cdk:asset-manifest", "properties": {"file": "stack.assets.json"}}
        files = {name: {"source": {"path": path, "packaging": "zip"},
                        "destinations": {"here": {"bucketName": "assets", "objectKey": f"{name}.zip", "region": "us-east-1"}}}
                 for name, path in assets.items()}
        (assembly / "stack.assets.json").write_text(json.dumps({"version": "36.0.0", "files": files, "dockerImages": {}}))
    (assembly / "stack.template.json").write_text(json.dumps(template))
    (assembly / "manifest.json").write_text(json.dumps({"version": "36.0.0", "artifacts": artifacts}))
    return one.run(cdk, "deploy", "--app", "cdk.out", "--hotswap", "--require-approval", "never", "--no-notices", "stack", cwd=folder,
                   CDK_DISABLE_VERSION_CHECK="1", CDK_DISABLE_CLI_TELEMETRY="1", **env)


def test_cdk_hotswap(deployed, tmp_path):
    """Code in the template, a variable, the current version and its alias."""
    cdk, one = program("cdk"), deployed("cdk", "index")
    one.deploy(cdk_template({"ZipFile": OLD}, {}, "HelloVersionOld"), ("Hello", "Said", "Live"))
    out = cdk_hotswap(cdk, one, tmp_path, cdk_template({"ZipFile": NEW}, {"NAME": "value"}, "HelloVersionNew"))
    assert one.says() == ["new", "old", "value"], out
    assert one.client.get_alias(FunctionName="cdk", Name="live")["FunctionVersion"] == "2"
    assert one.says(Qualifier="live") == ["new", "old", "value"]
    assert set(one.stack.unknown) <= {("DescribeStacks", "CDKToolkit")}, one.stack.asked


def test_cdk_hotswap_of_an_asset(deployed, bucket, tmp_path):
    """Code in a folder, which CDK puts into the bucket."""
    cdk, one = program("cdk"), deployed("cdk", "index")
    keys, s3 = bucket
    one.deploy(cdk_template({"S3Bucket": "assets", "S3Key": "old.zip"}, {}, "HelloVersionOld"), ("Hello", "Said", "Live"), "--s3-endpoint", s3)
    (tmp_path / "cdk.out" / "asset.new").mkdir(parents=True)
    (tmp_path / "cdk.out" / "asset.new" / "index.py").write_text(NEW)
    template = cdk_template({"S3Bucket": "assets", "S3Key": "new.zip"}, {}, "HelloVersionNew")
    out = cdk_hotswap(cdk, one, tmp_path, template, {"new": "asset.new"}, AWS_ENDPOINT_URL_S3=s3)
    assert one.says() == one.says(Qualifier="live") == ["new", "old", None], out
    assert keys() == ["new.zip"]


def test_serverless_deploy_function(deployed, tmp_path):
    serverless, one = program("serverless"), deployed("svc-dev-hello")
    one.deploy({}, ("HelloLambdaFunction", "Said", "Live"))
    (tmp_path / "app.py").write_text(NEW)
    (tmp_path / "serverless.yml").write_text(json.dumps({
        "service": "svc", "frameworkVersion": "3", "plugins": ["./endpoint"],
        "provider": {"name": "aws", "runtime": guests.host_python_runtime(), "iam": {"role": ROLE}, "environment": {"NAME": "value"}},
        "functions": {"hello": {"handler": "app.handler", "timeout": 7}}}))
    # Its SDK is older than AWS_ENDPOINT_URL.
    (tmp_path / "endpoint.js").write_text(
        "module.exports = class { constructor(s) { s.getProvider('aws').sdk.config.update({ endpoint: process.env.AWS_ENDPOINT_URL }) } }\n")
    out = one.run(serverless, "deploy", "function", "--function", "hello", cwd=tmp_path, SLS_TELEMETRY_DISABLED="1", SLS_NOTIFICATIONS_MODE="off")
    assert one.says() == ["new", None, "value"], out  # it says that there are no layers
    assert one.client.get_function_configuration(FunctionName=one.name)["Timeout"] == 7
    assert one.says(Qualifier="live") == ["old", "old", None]
    assert one.stack.unknown == [], one.stack.asked
