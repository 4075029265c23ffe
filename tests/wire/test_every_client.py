# SPDX-License-Identifier: Apache-2.0
"""Every operation of AWS's newest model through boto3, the SDK for JavaScript and the AWS CLI: one table (operations.py), three tellers.

What the daemon answers is taken down on the way and compared with the model, whoever asked.
"""

import base64
import http.client
import http.server
import json
import platform
import re
import string
import subprocess
import sys
import threading
import urllib.parse

import botocore.session
import guests
import pytest
from botocore.exceptions import ClientError
from conftest import make_client
from operations import LEFT_OUT, ROWS
from shapes import check_answer, check_refusal
from test_capacity_providers import settle
from test_constraints import ABSENT
from test_sdks import environment, javascript_sdk  # noqa: F401

MODEL = botocore.session.get_session().get_service_model("lambda")
DATES = ("StartingPositionTimestamp", "StartedAfter", "StartedBefore")
# What is newer in boto3's model than in theirs; the command line has no streams.
NEWER = {"DeleteDurableExecution", "PauseDurableExecution", "ResumeDurableExecution"}
NOT_OFFERED = {
    "boto3": set(),
    "javascript": NEWER,
    "cli": {"InvokeWithResponseStream", "DeleteResourcePolicy", "GetResourcePolicy", "PutResourcePolicy", *NEWER},
}

SCRIPT = """
import * as sdk from "@aws-sdk/client-lambda";
import { createInterface } from "node:readline";

const client = new sdk.LambdaClient({ endpoint: process.env.AWS_ENDPOINT_URL_LAMBDA, maxAttempts: 1 });
const dates = DATES;
const revive = (key, value) =>
  key === "ZipFile" ? Buffer.from(value, "base64") : dates.includes(key) ? new Date(value * 1000) : value;
for await (const line of createInterface({ input: process.stdin })) {
  const [operation, input] = JSON.parse(line, revive);
  try {
    const { $metadata, ...answer } = await client.send(new sdk[`${operation}Command`](input));
    if (answer.EventStream) {
      answer.events = [];
      for await (const event of answer.EventStream) answer.events.push(Object.keys(event)[0]);
      delete answer.EventStream;
    }
    console.log(JSON.stringify(answer));
  } catch (error) {
    console.log(JSON.stringify({ failed: error.name, message: error.message }));
  }
}
"""

# The AWS CLI's own entry, once for all lines: to start it anew for each would take most of the time.
CLI = """
import contextlib, io, json, sys
from awscli.clidriver import create_clidriver

driver = create_clidriver()
for line in sys.stdin:
    out, err = io.StringIO(), io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            status = driver.main(json.loads(line))
        except SystemExit as end:
            status = end.code
    print(json.dumps([status, out.getvalue(), err.getvalue()]), flush=True)
"""


class Refused(Exception):
    pass


def dashed(name):
    return re.sub(r"(?<!^)(?=[A-Z])", "-", name).lower()


class Boto:
    def __init__(self, endpoint):
        self.client = make_client(endpoint)

    def __call__(self, operation, given):
        given = {key: base64.b64decode(value) if key == "ZipFile" else value for key, value in given.items()}
        for holder in ("Code", "Content"):
            if holder in given:
                given[holder] = {"ZipFile": base64.b64decode(given[holder]["ZipFile"])}
        name = re.sub(r"(?<!^)(?=[A-Z])", "_", operation).lower()
        try:
            answer = getattr(self.client, name)(**given)
        except ClientError as error:
            raise Refused(error.response["Error"]["Code"]) from None
        if "EventStream" in answer:
            answer["events"] = [next(iter(event)) for event in answer.pop("EventStream")]
        return answer

    def close(self):
        pass


class Told:
    """A client in a process of its own, told what to call line by line."""

    def __init__(self, command, endpoint, folder):
        self.folder = folder
        self.process = subprocess.Popen(command, cwd=folder, env={**environment(RunningAt(endpoint)), "AWS_MAX_ATTEMPTS": "1"}, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def tell(self, line):
        self.process.stdin.write(json.dumps(line) + "\n")
        self.process.stdin.flush()
        return json.loads(self.process.stdout.readline())

    def close(self):
        self.process.stdin.close()
        self.process.wait(30)
        self.process.stdout.close()


class RunningAt:
    def __init__(self, endpoint):
        self.endpoint = endpoint


class JavaScript(Told):
    def __call__(self, operation, given):
        answer = self.tell([operation, given])
        if "failed" in answer:
            raise Refused(answer["failed"])
        return answer


class Cli(Told):
    def __call__(self, operation, given):
        words, all_of_it, holder = [], True, {"CreateFunction": "Code", "UpdateFunctionCode": None, "PublishLayerVersion": "Content"}
        if operation in holder:  # its JSON has no bytes
            given = dict(given)
            package = given.pop(holder[operation])["ZipFile"] if holder[operation] else given.pop("ZipFile")
            path = self.folder / "package.zip"
            path.write_bytes(base64.b64decode(package))
            words = ["--zip-file", f"fileb://{path}"]
        if operation == "Invoke":  # it takes no JSON
            words = [str(self.folder / "answer")]
            for key, value in given.items():
                words += ["--" + dashed(key), value]
            all_of_it = False
        if all_of_it:
            words += ["--cli-input-json", json.dumps(given)]
        status, out, err = self.tell(["lambda", dashed(operation), "--output", "json", *words])
        refusal = re.search(r"An error occurred \((\w+)\)", err)
        if status and refusal:
            raise Refused(refusal[1])
        assert status == 0, f"{operation}: {err}"
        return json.loads(out) if out.strip() else {}


class Between(http.server.ThreadingHTTPServer):
    """Passes requests on to the daemon and remembers the answers."""

    daemon_threads = True

    def __init__(self, daemon):
        super().__init__(("127.0.0.1", 0), Passing)
        self.behind = urllib.parse.urlsplit(daemon.endpoint).netloc
        self.answers = []
        self.endpoint = f"http://127.0.0.1:{self.server_address[1]}"
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


class Passing(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        # The SDK for JavaScript sends what has no length in chunks.
        body = b""
        if self.headers.get("Transfer-Encoding") == "chunked":
            while size := int(self.rfile.readline(), 16):
                body += self.rfile.read(size + 2)[:-2]
            self.rfile.readline()
        else:
            body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        headers = {name: value for name, value in self.headers.items()
                   if name.lower() not in ("transfer-encoding", "content-length", "connection", "expect")}
        connection = http.client.HTTPConnection(self.server.behind, timeout=60)
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        content = answer.read()
        connection.close()
        self.server.answers.append({"status_code": answer.status, "headers": {name.lower(): value for name, value in answer.getheaders()},
                                    "body": content})
        self.send_response(answer.status)
        for name, value in answer.getheaders():
            if name.lower() not in ("content-length", "transfer-encoding", "connection", "date"):
                self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    do_GET = do_POST = do_PUT = do_DELETE = serve

    def log_message(self, *_):
        pass


@pytest.fixture
def between(lambent):
    server = Between(lambent)
    yield server
    server.close()


@pytest.fixture(params=["boto3", "javascript", "cli"])
def call(request, between, tmp_path):
    if request.param == "boto3":
        teller = Boto(between.endpoint)
    elif request.param == "cli":
        teller = Cli([sys.executable, "-c", CLI], between.endpoint, tmp_path)
    else:
        folder = request.getfixturevalue("javascript_sdk")
        script = folder / f"every-{tmp_path.name}.mjs"
        script.write_text(SCRIPT.replace("DATES", json.dumps(DATES)))
        request.addfinalizer(script.unlink)
        teller = JavaScript(["node", script.name], between.endpoint, folder)
    teller.kind = request.param
    yield teller
    teller.close()


def fill(value, kept):
    if isinstance(value, dict):
        return {key: fill(item, kept) for key, item in value.items()}
    if isinstance(value, list):
        return [fill(item, kept) for item in value]
    return string.Template(value).substitute(kept) if isinstance(value, str) and "$" in value else value


def test_the_table_has_every_operation_and_every_member():
    """What AWS adds to its model is missed here."""
    given = {}
    for row in ROWS:
        given.setdefault(row.operation, set()).update(row.given)
    assert set(given) == set(MODEL.operation_names)
    for name in MODEL.operation_names:
        shape = MODEL.operation_model(name).input_shape
        members = set(shape.members) if shape else set()
        assert given[name] <= members, f"{name} has no {given[name] - members}"
        missing = members - given[name]
        reasons = {member for operation, member in LEFT_OUT if operation == name}
        assert missing == reasons, f"{name}: no row gives {missing - reasons}; left out in vain: {reasons - missing}"


def test_every_operation(call, between, client, unique_name, zip_of):
    name = unique_name()
    packages = {"package": guests.c_bootstrap(), "layer_package": zip_of({"x": "y"}), "other_package": zip_of({"bootstrap*": "#!/bin/sh\n"})}
    kept = {"name": name, "arn": f"arn:aws:lambda:us-east-1:000000000000:function:{name}",
            "architecture": {"aarch64": "arm64"}.get(platform.machine(), "x86_64"),
            **{key: base64.b64encode(package).decode() for key, package in packages.items()}}
    for row in ROWS:
        operation = MODEL.operation_model(row.operation)
        if row.operation in NOT_OFFERED.get(call.kind, ()):
            continue
        between.answers.clear()
        try:
            answer = call(row.operation, fill(row.given, kept))
        except Refused as refusal:
            # What belongs to nothing that is there may be refused, by an error that the model knows; of the rest nothing.
            [told] = between.answers
            if row.operation in ABSENT:
                assert told["status_code"] == 501 and str(refusal) == "NotImplementedException"
            else:
                assert not row.shows and not row.keep and "Durable" in row.operation, f"{row.operation}: {refusal} {told['body']}"
                check_refusal(operation, told)
            continue
        assert row.operation not in ABSENT
        [told] = between.answers
        check_answer(operation, told)
        for member, value in row.shows.items():
            assert answer[member] == fill(value, kept), f"{row.operation}: {member} is {answer[member]}"
        for word, path in row.keep.items():
            value = answer
            for step in path.split("."):
                value = value[step]
            kept[word] = value
        if row.waits:
            settled = settle(client, fill(row.given["FunctionName"], kept))
            assert settled["State"] in ("Active", "ActiveNonInvocable") and settled["LastUpdateStatus"] == "Successful", settled
    assert not [item for item in client.list_functions()["Functions"] if item["FunctionName"].startswith(name)]


def test_no_client_lacks_an_operation(javascript_sdk):  # noqa: F811
    """Those that NOT_OFFERED does not name."""
    script = "import * as sdk from '@aws-sdk/client-lambda'; console.log(JSON.stringify(Object.keys(sdk)))"
    done = subprocess.run(["node", "--input-type=module", "-e", script], cwd=javascript_sdk, capture_output=True, text=True, check=True)
    names = json.loads(done.stdout)
    assert {name for name in MODEL.operation_names if f"{name}Command" not in names} == NOT_OFFERED["javascript"]
    # It has a botocore of its own inside, which must not meet ours.
    script = ("import json; from awscli.clidriver import create_clidriver as c\n"
              "print(json.dumps(list(c().create_help_command().command_table['lambda'].create_help_command().command_table)))")
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    words = json.loads(done.stdout)
    assert {name for name in MODEL.operation_names if dashed(name) not in words} == NOT_OFFERED["cli"]
