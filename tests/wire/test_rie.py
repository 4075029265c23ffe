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
import random
import re
import shutil
import signal
import socket
import subprocess
import sys
import tarfile
import threading
import time
import zipfile

import pytest

import guests
from conftest import make_client

INIT = pathlib.Path(os.environ.get("LAMBENT_TEST_BINARY", "build/lambent")).resolve().parent / "lambent-init"
# The same for the machine's other architecture, made by the step before these tests, and what runs it here.
OTHER = INIT.with_name("lambent-init-" + ("x86-64" if os.uname().machine == "aarch64" else "arm64"))
INTERPRETER = "qemu-x86_64" if os.uname().machine == "aarch64" else "qemu-aarch64"
PATH = "/2015-03-31/functions/function/invocations"


class Emulator:
    """A lambent-init --rie that serves on a port of its own choice."""

    def __init__(self, *command, program=(INIT,), env=None, cwd=None):
        self.process = subprocess.Popen(
            [*program, "--rie", "--address", "127.0.0.1:0", "--runtime-api-address", "127.0.0.1:0", *command],
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


@pytest.fixture(params=["own", "other"])
def program(request):
    """lambent-init of this machine's architecture, and of the other one."""
    if request.param == "own":
        return (INIT,)
    interpreter = shutil.which(INTERPRETER)
    if not interpreter or not OTHER.exists():
        pytest.skip(f"needs {INTERPRETER} and {OTHER.name} (tools/build_carried.py)")
    return (interpreter, OTHER)


@pytest.fixture
def emulate(bootstrap, program):
    """emulate(word, env={}, …) starts an emulator for the guest; all are stopped, and must end well."""
    running = []

    def start(word="by-event", env=None, command=None):
        running.append(Emulator(*(command or [str(bootstrap)]), program=program, env={"_HANDLER": word, **(env or {})}))
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
                            "AWS_LAMBDA_FUNCTION_HANDLER": "env", "AWS_REGION": "eu-west-1", "IMAGE": "yes", "HOME": "/root",
                            "AWS_ACCESS_KEY_ID": "mine"})
    seen = json.loads(emulator.invoke({})[2])
    assert seen["AWS_LAMBDA_FUNCTION_NAME"] == "mine" and seen["AWS_LAMBDA_FUNCTION_VERSION"] == "7"
    assert seen["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"] == "256" and seen["AWS_REGION"] == "eu-west-1"
    assert seen["IMAGE"] == "yes" and seen["_HANDLER"] == "env" and seen["AWS_ACCESS_KEY_ID"] == "mine" and "HOME" not in seen
    assert "AWS_ENDPOINT_URL_LAMBDA" not in seen


def test_who_calls_names_the_invocation(emulate):
    emulator = emulate("headers")
    mine = "12345678-1234-1234-1234-123456789ABC"
    for name, is_taken in ((mine, True), ("my own", False), (mine + "0", False)):
        _, headers, body = emulator.invoke({}, {"X-Amzn-RequestId": name, "X-Amz-Cognito-Identity": '{"cognitoIdentityId":"me"}'})
        seen = json.loads(body)
        assert seen["lambda-runtime-aws-request-id"] == headers["x-amzn-RequestId"]
        assert (headers["x-amzn-RequestId"] == name) == is_taken
        assert json.loads(seen["lambda-runtime-cognito-identity"])["cognitoIdentityId"] == "me"


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


# ---- beside AWS's emulator ----


def free_port():
    """Of those that the kernel gives to nobody who wants just any: the original takes one of its ports late."""
    while True:
        with contextlib.suppress(OSError), socket.create_server(("127.0.0.1", random.randrange(10000, 30000))) as free:
            return free.getsockname()[1]


class Original(Emulator):
    """AWS's own, built from its Go module."""

    def __init__(self, program, command, env):
        self.port, api = free_port(), free_port()
        self.process = subprocess.Popen(
            [program, "--runtime-interface-emulator-address", f"127.0.0.1:{self.port}", "--runtime-api-address", f"127.0.0.1:{api}", *command],
            env={"PATH": os.environ["PATH"], **env}, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        end = time.monotonic() + 60
        while True:  # it says nothing when it listens
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port)):
                return
            assert self.process.poll() is None and time.monotonic() < end
            threading.Event().wait(0.02)

    def invoke(self, *arguments, **settings):
        try:
            return super().invoke(*arguments, **settings)
        except (OSError, http.client.HTTPException):
            return None, {}, b""

    def stop(self):
        """With what it has started: that survives it."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@pytest.fixture(scope="module")
def original_program(tmp_path_factory):
    sys.path.insert(1, str(pathlib.Path(__file__).resolve().parents[1] / "containers"))
    import images

    layer = images._rie()
    if not layer:
        pytest.skip("AWS's emulator cannot be built here")
    folder = tmp_path_factory.mktemp("original")
    with tarfile.open(layer.path) as archive:
        (folder / "rie").write_bytes(archive.extractfile("usr/local/bin/aws-lambda-rie").read())
    (folder / "rie").chmod(0o755)
    return folder / "rie"


@pytest.fixture
def both(emulate, original_program, bootstrap):
    """both(word): AWS's emulator and ours, with the same function."""
    running = []
    # Theirs starts the runtime a moment before it listens for it.
    patient = bootstrap.parent / "patient"
    patient.write_text(f'#!/bin/bash\nuntil (exec 3<>"/dev/tcp/${{AWS_LAMBDA_RUNTIME_API/://}}") 2>&-; do :; done\nexec env -u PWD -u SHLVL -u OLDPWD -u _ {bootstrap}\n')
    patient.chmod(0o755)

    def start(word="by-event"):
        env = {"AWS_LAMBDA_FUNCTION_TIMEOUT": "2"}
        running.append(Original(original_program, [patient], {"_HANDLER": word, **env}))
        return running[-1], emulate(word, env=env)

    yield start
    for original in running:
        original.stop()


def told(answer):
    """Status and body, whatever the invocation is called."""
    status, _, body = answer
    return status, re.sub(rb"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", b"ID", body)


CONTEXT = {"X-Amz-Client-Context": base64.b64encode(b'{"custom":{"k":"v"}}').decode()}


@pytest.mark.parametrize("word, event, settings", [
    ("by-event", "echo", {}),
    ("by-event", "post-error", {}),
    ("by-event", "stream:3000000", {}),
    ("by-event", "echo", {"path": PATH + "?Qualifier=1"}),
    ("by-event", "echo", {"path": "/"}),
    ("by-event", "echo", {"path": PATH + "/"}),
    ("by-event", "echo", {"headers": {"X-Amz-Invocation-Type": "DryRun", "X-Amz-Log-Type": "Tail"}}),
    ("echo", b"", {}),
    ("by-event", "big:6291000", {}),
    ("echo", '\u00fc\u2028\U0001f600\\"', {"headers": CONTEXT}),
])
def test_the_same_as_aws(both, word, event, settings):
    theirs, ours = (told(emulator.invoke(event, **settings)) for emulator in both(word))
    assert theirs == ours


def test_the_function_is_told_the_same(both):
    fields = {**CONTEXT, "X-Amzn-Trace-Id": "Root=1-5759e988-bd862e3fe1be46a994272793;Sampled=1", "X-Amz-Tenant-Id": "blue",
              "X-Amzn-RequestId": "12345678-1234-1234-1234-123456789abc", "X-Amz-Cognito-Identity": '{"cognitoIdentityId":"i","cognitoIdentityPoolId":"p"}'}
    theirs, ours = (json.loads(emulator.invoke({}, fields)[2]) for emulator in both("headers"))
    for seen in (theirs, ours):
        assert int(seen.pop("lambda-runtime-deadline-ms")) > time.time() * 1000
        seen.pop("date")
    # They write it anew.
    assert theirs.pop("lambda-runtime-trace-id", fields["X-Amzn-Trace-Id"]).startswith("Root=1-5759e988-bd862e3fe1be46a994272793")
    assert ours.pop("lambda-runtime-trace-id") == fields["X-Amzn-Trace-Id"]
    assert theirs == ours


def test_the_environments_differ_as_documented(both):
    theirs, ours = (json.loads(emulator.invoke({})[2]) for emulator in both("env"))
    more = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN"}
    assert set(theirs) - set(ours) <= more
    assert {name: theirs[name] for name in more if not name.startswith("AWS_LAMBDA_")} == dict.fromkeys(more - {
        "AWS_LAMBDA_METADATA_API", "AWS_LAMBDA_METADATA_TOKEN"}, "")
    differ = {name for name in set(theirs) & set(ours) if theirs[name] != ours[name]}
    assert differ <= {"AWS_LAMBDA_RUNTIME_API", "AWS_LAMBDA_LOG_GROUP_NAME", "AWS_LAMBDA_LOG_STREAM_NAME"}


ERROR = re.compile(rb'\{"errorType":"Sandbox.Timedout","errorMessage":"RequestId: ID Error: Task timed out after 2.00 seconds"\}')


@pytest.mark.parametrize("word, event, settings, status, ours_status", [
    ("by-event", "invoke-exit:3", {}, 502, 200),  # AWS's Invoke answers 200 and X-Amz-Function-Error
    ("init-error", {}, {}, 502, 200),
    ("by-event", "echo", {"path": PATH.replace("/function/", "/other/")}, 404, 200),
    ("by-event", "stream:10", {"path": "/2021-11-15/functions/function/response-streaming-invocations"}, 404, 200),
    ("by-event", "echo", {"method": "GET"}, 200, 404),
    ("by-event", "echo", {"method": "PUT"}, 200, 404),
    ("echo", b"{not json", {}, 200, 400),
    ("echo", {}, {"headers": {"X-Amz-Client-Context": "not base64"}}, 500, 400),
])
def test_another_status_than_theirs(both, word, event, settings, status, ours_status):
    """The differences that docs/emulator.md names."""
    theirs, ours = (told(emulator.invoke(event, **settings)) for emulator in both(word))
    assert (theirs[0], ours[0]) == (status, ours_status)
    if status == 502:
        assert theirs[1] == ours[1]


def test_a_timeout_beside_theirs(both):
    theirs, ours = (told(emulator.invoke("invoke-hang")) for emulator in both())
    assert theirs == (200, b"Task timed out after 2.00 seconds")
    assert ours[0] == 200 and ERROR.fullmatch(ours[1])


def test_an_init_that_exits(both):
    theirs, ours = both("init-exit:7")
    for _ in range(2):
        answer = told(ours.invoke({}))
        assert answer == (200, b'{"errorType":"Runtime.ExitError","errorMessage":"RequestId: ID Error: Runtime exited with error: exit status 7"}')
    assert theirs.invoke({})[0] == 502  # and with another it may be gone


def test_several_at_once_beside_theirs(both):
    """Theirs refuses, or is gone: which one is a race of its own."""
    theirs, ours = both()
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        statuses = {emulator: sorted(status or 0 for status, _, _ in pool.map(emulator.invoke, ["sleep-ms:500"] * 3)) for emulator in (theirs, ours)}
    assert statuses[ours] == [200] * 3
    assert statuses[theirs] != [200] * 3
