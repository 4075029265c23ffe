# SPDX-License-Identifier: Apache-2.0
"""AWS's own clients besides boto3: the command line and the SDKs for JavaScript, Go and Rust. Those that are not here are
skipped."""

import io
import json
import os
import pathlib
import shutil
import subprocess
import sys
import zipfile

import pytest

import guests

ROLE = "arn:aws:iam::000000000000:role/lambent"
SECONDS = 60


def environment(daemon):
    kept = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    return {**kept, "AWS_ENDPOINT_URL_LAMBDA": daemon.endpoint, "AWS_REGION": "us-east-1", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test", "AWS_EC2_METADATA_DISABLED": "true", "AWS_PAGER": "", "NODE_NO_WARNINGS": "1"}


@pytest.fixture
def aws(lambent):
    """aws("list-functions", …) runs `aws lambda …` and answers what it printed."""
    beside = pathlib.Path(sys.executable).parent / "aws"
    program = str(beside) if beside.exists() else shutil.which("aws")
    if not program:
        pytest.skip("the AWS CLI is not installed")

    def run(*words, fails=False):
        done = subprocess.run([program, "lambda", *map(str, words), "--output", "json"], env=environment(lambent), text=True, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        assert (done.returncode != 0) == fails, done.stderr
        if fails:
            return done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_the_command_line(aws, unique_name, zip_of, tmp_path):
    name, package, answer = unique_name(), tmp_path / "package.zip", tmp_path / "answer"
    package.write_bytes(zip_of({"app.py": "def handler(event, context):\n    print('hello from the handler')\n    return event\n"}))
    made = aws("create-function", "--function-name", name, "--runtime", guests.host_python_runtime(), "--handler", "app.handler", "--role", ROLE,
               "--zip-file", f"fileb://{package}")
    assert made["FunctionName"] == name and made["State"] == "Pending"
    aws("wait", "function-active-v2", "--function-name", name)
    event = tmp_path / "event.json"
    event.write_text('{"a": "ü"}')
    told = aws("invoke", "--function-name", name, "--payload", f"fileb://{event}", "--log-type", "Tail", answer)
    assert told["StatusCode"] == 200 and told["ExecutedVersion"] == "$LATEST" and told["LogResult"]
    assert json.loads(answer.read_text()) == {"a": "ü"}
    assert name in [f["FunctionName"] for f in aws("list-functions")["Functions"]]
    assert aws("update-function-configuration", "--function-name", name, "--timeout", "9")["Timeout"] == 9
    aws("wait", "function-updated-v2", "--function-name", name)
    assert aws("publish-version", "--function-name", name)["Version"] == "1"
    aws("delete-function", "--function-name", name)
    assert "ResourceNotFoundException" in aws("invoke", "--function-name", name, answer, fails=True)


SCRIPT = """
import * as sdk from "@aws-sdk/client-lambda";
import { readFileSync } from "node:fs";

const client = new sdk.LambdaClient({ endpoint: process.env.AWS_ENDPOINT_URL_LAMBDA, maxAttempts: 1 });
const [name, path] = process.argv.slice(2);
const text = (bytes) => new TextDecoder().decode(bytes);
const told = {};

const make = (FunctionName, Handler) => client.send(new sdk.CreateFunctionCommand({
  FunctionName, Handler, Runtime: "provided.al2023", Role: "ROLE", Code: { ZipFile: readFileSync(path) },
})).then(() => sdk.waitUntilFunctionActiveV2({ client, maxWaitTime: 30, minDelay: 0.05, maxDelay: 0.1 }, { FunctionName }));

await make(name, "echo");
await make(`${name}-stream`, "stream:200000");
const answer = await client.send(new sdk.InvokeCommand({ FunctionName: name, Payload: '{"a":1}', LogType: "Tail" }));
told.answer = [answer.StatusCode, text(answer.Payload), answer.ExecutedVersion, atob(answer.LogResult).includes("REPORT RequestId")];
const stream = await client.send(new sdk.InvokeWithResponseStreamCommand({ FunctionName: `${name}-stream`, Payload: "{}", LogType: "Tail" }));
told.bytes = 0;
for await (const event of stream.EventStream) {
  if (event.PayloadChunk) told.bytes += event.PayloadChunk.Payload.length;
  if (event.InvokeComplete) told.complete = Object.keys(event.InvokeComplete);
}
for (const Handler of ["bad json", "missing"]) {
  try {
    await client.send(new sdk.InvokeCommand({ FunctionName: Handler === "missing" ? "no-such-function" : name, Payload: "xxx" }));
  } catch (error) {
    told[Handler] = [error.name, error.$metadata.httpStatusCode];
  }
}
for (const FunctionName of [name, `${name}-stream`]) await client.send(new sdk.DeleteFunctionCommand({ FunctionName }));
console.log(JSON.stringify(told));
"""


@pytest.fixture(scope="module")
def javascript_sdk():
    """The folder with @aws-sdk/client-lambda in node_modules: that of ./dev setup, else one beside the guests."""
    for tool in ("node", "npm"):
        if not shutil.which(tool):
            pytest.skip(f"{tool} is not installed")
    modules = pathlib.Path(os.environ.get("LAMBENT_TEST_NODE_SDK") or "/nowhere")
    if (modules / "@aws-sdk" / "client-lambda").exists():
        return modules.parent
    folder = guests.cache_dir() / "sdk-javascript"
    if not (folder / "node_modules" / "@aws-sdk" / "client-lambda").exists():
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "package.json").write_text('{"private": true, "type": "module"}\n')
        done = subprocess.run(["npm", "install", "--no-audit", "--no-fund", "@aws-sdk/client-lambda@3"], cwd=folder, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=300)
        if done.returncode:
            pytest.skip(f"@aws-sdk/client-lambda cannot be installed: {done.stdout[-300:]}")
    return folder


def test_the_sdk_for_javascript(lambent, javascript_sdk, unique_name, tmp_path):
    package, name = tmp_path / "package.zip", unique_name()
    package.write_bytes(guests.c_bootstrap())
    script = javascript_sdk / f"{name}.mjs"
    script.write_text(SCRIPT.replace("ROLE", ROLE))
    try:
        done = subprocess.run(["node", script.name, name, package], cwd=javascript_sdk, env=environment(lambent), text=True, timeout=SECONDS,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    finally:
        script.unlink()
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "answer": [200, '{"a":1}', "$LATEST", True], "bytes": 200000, "complete": ["LogResult"],
        "bad json": ["InvalidRequestContentException", 400], "missing": ["ResourceNotFoundException", 404]}


@pytest.mark.parametrize("build", [guests.go_client, guests.rust_client], ids=["go", "rust"])
def test_the_compiled_sdks(lambent, build, unique_name, tmp_path):
    package = tmp_path / "package.zip"
    package.write_bytes(guests.c_bootstrap())
    client = tmp_path / "client"
    with zipfile.ZipFile(io.BytesIO(build())) as archive:
        client.write_bytes(archive.read("client"))
    client.chmod(0o755)
    done = subprocess.run([client, unique_name(), package], env=environment(lambent), text=True, timeout=SECONDS,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "invoke": {"status": 200, "payload": '{"a":1}', "version": "$LATEST", "error": None, "tail": True},
        "stream": {"bytes": 200000, "tail": True, "error": None},
        "bad json": {"typed": True, "code": "InvalidRequestContentException", "message": True, "status": 400},
        "missing": {"typed": True, "code": "ResourceNotFoundException", "message": True, "status": 404}}
