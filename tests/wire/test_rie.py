# SPDX-License-Identifier: Apache-2.0
"""lambent-init --rie beside what AWS's Runtime Interface Emulator is used for: any HTTP client, and AWS's own SDK."""

import base64
import concurrent.futures
import contextlib
import http.client
import io
import json
import os
import pathlib
import signal
import socket
import subprocess
import zipfile

import pytest

import guests
from conftest import make_client

INIT = pathlib.Path(os.environ.get("LAMBENT_TEST_BINARY", "build/lambent")).resolve().parent / "lambent-init"
PATH = "/2015-03-31/functions/function/invocations"


class Emulator:
    """A lambent-init --rie that serves on a port of its own choice."""

    def __init__(self, *command, env=None, cwd=None):
        self.process = subprocess.Popen(
            [INIT, "--rie", "--address", "127.0.0.1:0", "--runtime-api-address", "127.0.0.1:0", *command],
            env={"PATH": os.environ["PATH"], **(env or {})}, cwd=cwd, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
        self.lines = []
        for line in self.process.stderr:
            self.lines.append(line)
            if "POST http://" in line:
                break
        else:
            raise AssertionError("".join(self.lines))
        self.port = int(line.split("/2015")[0].rsplit(":", 1)[1])

    def invoke(self, event, headers=None, path=PATH, method="POST"):
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)
        with contextlib.closing(connection):
            connection.request(method, path, event if isinstance(event, bytes) else json.dumps(event), headers or {})
            response = connection.getresponse()
            return response.status, dict(response.getheaders()), response.read()

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        rest = self.process.communicate(timeout=30)[1]
        self.lines += rest.splitlines(keepends=True)
        return self.process.returncode


@pytest.fixture(scope="module")
def bootstrap(tmp_path_factory):
    path = tmp_path_factory.mktemp("rie") / "bootstrap"
    with zipfile.ZipFile(io.BytesIO(guests.c_bootstrap())) as archive:
        path.write_bytes(archive.read("bootstrap"))
    path.chmod(0o755)
    return path


@pytest.fixture
def emulate(bootstrap):
    """emulate(word, env={}, …) starts an emulator for the guest; all are stopped, and must end well."""
    running = []

    def start(word="by-event", env=None, command=None):
        running.append(Emulator(*(command or [str(bootstrap)]), env={"_HANDLER": word, **(env or {})}))
        return running[-1]

    yield start
    for emulator in running:
        if emulator.process.poll() is None:
            assert emulator.stop() == 0, "".join(emulator.lines)


def test_invocations(emulate):
    emulator = emulate()
    for _ in range(3):
        status, headers, body = emulator.invoke("echo")
        assert (status, body) == (200, b'"echo"')
        assert "X-Amz-Function-Error" not in headers
    first, second = (json.loads(emulator.invoke("count")[2]) for _ in range(2))
    assert second["process"] == first["process"] and second["count"] == first["count"] + 1


def test_errors_are_aws_errors(emulate):
    emulator = emulate()
    status, headers, body = emulator.invoke("post-error")
    assert status == 200 and headers["X-Amz-Function-Error"] == "Unhandled"
    assert json.loads(body)["errorType"] == "GuestError"
    status, headers, body = emulator.invoke("invoke-exit:3")
    assert status == 200 and headers["X-Amz-Function-Error"] == "Unhandled"
    request_id = headers["x-amzn-RequestId"]
    assert json.loads(body) == {"errorType": "Runtime.ExitError",
                                "errorMessage": f"RequestId: {request_id} Error: Runtime exited with error: exit status 3"}
    assert emulator.invoke("echo")[2] == b'"echo"'


def test_a_timeout_is_an_error_and_the_next_works(emulate):
    emulator = emulate(env={"AWS_LAMBDA_FUNCTION_TIMEOUT": "1"})
    status, headers, body = emulator.invoke("invoke-hang")
    assert status == 200 and headers["X-Amz-Function-Error"] == "Unhandled"
    assert json.loads(body) == {"errorType": "Sandbox.Timedout",
                                "errorMessage": f"RequestId: {headers['x-amzn-RequestId']} Error: Task timed out after 1.00 seconds"}
    assert emulator.invoke("echo")[2] == b'"echo"'


def test_an_init_error(emulate):
    status, headers, body = emulate("init-error").invoke({})
    assert status == 200 and headers["X-Amz-Function-Error"] == "Unhandled"
    assert json.loads(body)["errorType"] == "Runtime.GuestInit"


def test_many_at_once_are_served_one_after_the_other(emulate):
    """AWS's emulator ends when a second request comes while the first runs."""
    emulator = emulate(env={"AWS_LAMBDA_FUNCTION_TIMEOUT": "1"})
    events = ["count"] * 4 + ["invoke-hang"] + ["sleep-ms:300"] * 4 + ["count"]
    with concurrent.futures.ThreadPoolExecutor(len(events)) as pool:
        answers = list(pool.map(emulator.invoke, events))
    assert [status for status, _, _ in answers] == [200] * len(events)
    # Four sleeps take longer than one timeout together: each has its own.
    assert [body for _, _, body in answers[5:9]] == [b'"slept"'] * 4
    assert [i for i, (_, headers, _) in enumerate(answers) if "X-Amz-Function-Error" in headers] == [4]


def test_what_the_function_sees(emulate, bootstrap):
    emulator = emulate(env={"AWS_LAMBDA_FUNCTION_NAME": "mine", "AWS_LAMBDA_FUNCTION_VERSION": "7", "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
                            "AWS_LAMBDA_FUNCTION_HANDLER": "env", "AWS_REGION": "eu-west-1", "IMAGE": "yes"})
    seen = json.loads(emulator.invoke({})[2])
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "mine" and seen["AWS_LAMBDA_FUNCTION_VERSION"] == "7"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256" and seen["AWS_REGION"] == "eu-west-1"
    assert seen["IMAGE"] == "yes" and seen["_HANDLER"] == "env"
    assert "AWS_ENDPOINT_URL_LAMBDA" not in seen


def test_headers_are_forwarded(emulate):
    emulator = emulate("headers", env={"AWS_LAMBDA_FUNCTION_NAME": "mine"})
    context = {"custom": {"key": "value"}}
    _, headers, body = emulator.invoke({}, {
        "X-Amz-Client-Context": base64.b64encode(json.dumps(context).encode()).decode(),
        "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793", "X-Amz-Tenant-Id": "blue"})
    seen = json.loads(body)
    assert json.loads(seen["lambda-runtime-client-context"]) == context
    assert seen["lambda-runtime-trace-id"] == "Root=1-5759e988-bd862e3fe1be46a994272793"
    assert seen["lambda-runtime-aws-tenant-id"] == "blue"
    assert seen["lambda-runtime-aws-request-id"] == headers["x-amzn-RequestId"]
    assert seen["lambda-runtime-invoked-function-arn"] == "arn:aws:lambda:us-east-1:012345678912:function:mine"


def test_the_handler_is_the_last_argument(emulate, bootstrap):
    """As an image's entrypoint and command: lambent-init --rie SCRIPT HANDLER."""
    script = bootstrap.parent / "entrypoint.sh"
    script.write_text(f'#!/bin/sh\n[ -n "$AWS_LAMBDA_RUNTIME_API" ] || exit 1\nexec {bootstrap}\n')
    script.chmod(0o755)
    emulator = emulate(word="", command=[str(script), "count"])
    assert json.loads(emulator.invoke({})[2])["count"] == 1


def test_a_stream_through_the_sdk(emulate):
    client = make_client(f"http://127.0.0.1:{emulate().port}")
    response = client.invoke_with_response_stream(FunctionName="function", Payload=b'"stream:1000000"')
    events = list(response["EventStream"])
    assert sum(len(event["PayloadChunk"]["Payload"]) for event in events[:-1]) == 1000000
    assert len(events) > 2 and "ErrorCode" not in events[-1]["InvokeComplete"]
    *_, last = client.invoke_with_response_stream(FunctionName="function", Payload=b'"stream-error"')["EventStream"]
    assert last["InvokeComplete"]["ErrorCode"] == "Unhandled"
    response = client.invoke(FunctionName="function", Payload=b'"echo"')
    assert response["Payload"].read() == b'"echo"' and response["ExecutedVersion"] == "$LATEST"


def test_a_client_that_goes_away(emulate):
    emulator = emulate()
    for event in ("sleep-ms:200", "stream:20000000"):
        with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
            body = json.dumps(event)
            path = PATH if event.startswith("sleep") else "/2021-11-15/functions/function/response-streaming-invocations"
            connection.sendall(f"POST {path} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        assert emulator.invoke("echo")[2] == b'"echo"'


def test_requests_that_are_refused(emulate):
    emulator = emulate()
    status, headers, body = emulator.invoke(b"{not json")
    assert status == 400 and headers["X-Amzn-ErrorType"] == "InvalidRequestContentException" and json.loads(body)["Type"] == "User"
    assert emulator.invoke(b'"' + b"x" * 6291455 + b'"')[0] == 413
    assert emulator.invoke({}, {"X-Amz-Client-Context": "not base64"})[0] == 400
    assert emulator.invoke({}, path="/2015-03-31/functions")[0] == 404
    assert emulator.invoke({}, method="GET")[0] == 404
    assert emulator.invoke({}, {"Origin": "http://evil.example"})[0] == 403
    assert emulator.invoke("echo", path="/2015-03-31/functions/any-name/invocations")[2] == b'"echo"'


def test_the_log_is_on_standard_error(emulate):
    emulator = emulate()
    emulator.invoke("log:3")
    assert emulator.stop() == 0
    text = "".join(emulator.lines)
    start, end, report = text.index("START RequestId: "), text.index("END RequestId: "), text.index("REPORT RequestId: ")
    assert start < end < report and text[start:end].count("\n") == 7
    assert "Memory Size: 3008 MB" in text


def test_stopped_under_an_invocation_nothing_is_left(emulate):
    emulator = emulate()
    process = json.loads(emulator.invoke("count")[2])["pid"]
    with socket.create_connection(("127.0.0.1", emulator.port)) as connection:
        body = '"invoke-hang"'
        connection.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        starts = 0
        while starts < 2:
            starts += emulator.process.stderr.readline().startswith("START")
        waiting = socket.create_connection(("127.0.0.1", emulator.port))  # and one that waits behind it
        waiting.sendall(f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode())
        assert emulator.stop() == 0, "".join(emulator.lines)
        assert b"the execution environment was stopped" in connection.recv(4096)
        waiting.close()
    assert not pathlib.Path(f"/proc/{process}").exists()


@pytest.mark.parametrize("env, options", [
    ({"AWS_LAMBDA_FUNCTION_TIMEOUT": "soon"}, []),
    ({"AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "0"}, []),
    ({}, ["--address", "nowhere"]),
    ({}, ["--no-such-option"]),
])
def test_settings_that_make_no_sense(bootstrap, env, options):
    done = subprocess.run([INIT, "--rie", *options, str(bootstrap)], env={**os.environ, **env}, capture_output=True, text=True, timeout=30)
    assert done.returncode == 2 and done.stderr
