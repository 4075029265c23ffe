# SPDX-License-Identifier: Apache-2.0
"""Real programs on AWS's own runtime clients: they answer, fail, stream and log here as there."""

import base64
import json
import re

import pytest

import guests

ARN = "arn:aws:lambda:us-east-1:000000000000:function"


@pytest.fixture(scope="module")
def packages():
    """packages("go") is the guest's zip; built once a session, or the test is skipped."""
    return lambda name: guests.GUESTS[name]()


HANDLERS = {"go": "bootstrap", "rust": "bootstrap", "python-ric": "app.handler", "node-ric": "app.handler", "bash": "function.handler"}
PROGRAMS = ["go", "rust", "python-ric", "node-ric"]


@pytest.fixture
def guest(function, packages):
    def make(name, **settings):
        return function(packages(name), **{"Handler": HANDLERS[name], "Timeout": 15, "MemorySize": 512, **settings})

    return make


def call(client, name, event, **settings):
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail", **settings)
    answer["id"] = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    answer["body"] = json.loads(answer["Payload"].read())
    answer["log"] = base64.b64decode(answer["LogResult"]).decode()
    return answer


def stream(client, name, event):
    answer = client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps(event).encode())
    events = list(answer["EventStream"])
    return b"".join(e["PayloadChunk"]["Payload"] for e in events if "PayloadChunk" in e), events[-1]["InvokeComplete"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_echo(client, guest, program):
    name = guest(program)
    for payload in ({"a": [1, "ü\u2028\U0001f600", None, True]}, "text", 7, None, [], {}):
        answer = call(client, name, {"do": "echo", "payload": payload})
        assert "FunctionError" not in answer, answer["body"]
        assert answer["body"] == payload


@pytest.mark.parametrize("program", PROGRAMS)
def test_the_context(client, guest, program):
    name = guest(program)
    answer = call(client, name, {"do": "context"})
    assert answer["body"]["requestId"] == answer["id"]
    assert answer["body"]["arn"] == f"{ARN}:{name}"
    assert answer["body"]["function"] == name
    assert str(answer["body"].get("memory", 512)) == "512"
    assert answer["body"].get("version", "$LATEST") == "$LATEST"
    assert answer["body"].get("logGroup", f"/aws/lambda/{name}") == f"/aws/lambda/{name}"
    assert 0 < answer["body"].get("remainingMs", 1) <= 15000


@pytest.mark.parametrize("program", ["python-ric", "node-ric"])
def test_the_client_context(client, guest, program):
    context = base64.b64encode(b'{"custom": {"a": "b"}}').decode()
    told = call(client, guest(program), {"do": "context"}, ClientContext=context)["body"]["clientContext"]
    assert told == {"a": "b"} or told["custom"] == {"a": "b"}


# The keys and types are those of AWS (facts: error body shapes).
ERRORS = [
    ("go", "error", "errorString", "the guest failed", {"errorMessage", "errorType"}),
    ("go", "typed-error", "GuestError", "the guest failed with a type", {"errorMessage", "errorType"}),
    ("go", "panic", "string", "the guest panicked", {"errorMessage", "errorType", "stackTrace"}),
    ("rust", "error", None, "the guest failed", {"errorType", "errorMessage"}),
    ("rust", "panic", None, "the guest panicked", {"errorType", "errorMessage"}),
    ("python-ric", "error", "GuestError", "the guest failed", {"errorMessage", "errorType", "requestId", "stackTrace"}),
    ("node-ric", "error", "GuestError", "the guest failed", {"errorType", "errorMessage", "trace"}),
]


@pytest.mark.parametrize("program, what, error_type, message, keys", ERRORS, ids=[f"{e[0]}-{e[1]}" for e in ERRORS])
def test_errors(client, guest, program, what, error_type, message, keys):
    name = guest(program)
    answer = call(client, name, {"do": what})
    assert answer["StatusCode"] == 200 and answer["FunctionError"] == "Unhandled"
    assert set(answer["body"]) == keys
    assert message in answer["body"]["errorMessage"]
    if error_type:
        assert answer["body"]["errorType"] == error_type
    if "requestId" in keys:
        assert answer["body"]["requestId"] == answer["id"]
    if "stackTrace" in keys and program == "go":
        assert set(answer["body"]["stackTrace"][0]) == {"path", "line", "label"}
    assert call(client, name, {"do": "echo", "payload": 1})["body"] == 1


def test_a_panic_ends_a_go_process_after_its_report(client, guest):
    name = guest("go")
    assert call(client, name, {"do": "panic"})["body"]["errorMessage"] == "the guest panicked"
    assert call(client, name, {"do": "echo", "payload": 2})["body"] == 2


@pytest.mark.parametrize("program", ["python-ric", "node-ric"])
def test_exit_in_mid_invocation(client, guest, program):
    name = guest(program)
    answer = call(client, name, {"do": "exit"})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["body"]["errorType"] in ("Runtime.ExitError", "Runtime.NodeJsExit")
    if answer["body"]["errorType"] == "Runtime.ExitError":
        assert answer["body"]["errorMessage"] == f"RequestId: {answer['id']} Error: Runtime exited with error: exit status 3"
    assert call(client, name, {"do": "echo", "payload": 3})["body"] == 3


def test_a_forgotten_promise(client, guest):
    """AWS's client leaves it to Node.js, which ends the process."""
    answer = call(client, guest("node-ric"), {"do": "reject"})
    assert answer["body"] == {"errorType": "Runtime.ExitError",
                              "errorMessage": f"RequestId: {answer['id']} Error: Runtime exited with error: exit status 1"}
    assert "GuestError: the guest forgot a promise" in answer["log"]


def test_an_answer_that_python_cannot_write_as_json(client, guest):
    answer = call(client, guest("python-ric"), {"do": "set"})
    assert answer["body"]["errorType"] == "Runtime.MarshalError"


PRELUDE = b'{"statusCode":200,"headers":{"content-type":"application/octet-stream"},"cookies":[]}' + b"\0" * 8


@pytest.mark.parametrize("program, prelude", [("go", b""), ("rust", PRELUDE)])
def test_streams(client, guest, program, prelude):
    """Rust's client puts the prelude of function URLs before every stream."""
    name = guest(program)
    assert stream(client, name, {"do": "stream"}) == (prelude + b"one two three", {})
    assert client.invoke(FunctionName=name, Payload=b'{"do": "stream"}')["Payload"].read() == prelude + b"one two three"
    assert stream(client, name, {"do": "echo", "payload": [1]})[0].replace(b" ", b"") == b"[1]"


def test_streams_of_node(client, guest):
    name = guest("node-ric", Handler="app.stream")
    pieces = ["one ", "two ", "x" * 200000]
    assert stream(client, name, {"pieces": pieces}) == ("".join(pieces).encode(), {})
    data, complete = stream(client, name, {"pieces": ["one "], "fail": True})
    assert data.startswith(b"one ")
    assert complete["ErrorCode"] and "the guest failed in mid-stream" in complete["ErrorDetails"]
    assert stream(client, name, {"pieces": ["again"]}) == (b"again", {})


def test_a_page_of_node(client, guest):
    """The prelude, eight zero bytes, the body (Runtime API facts 2.4)."""
    data, complete = stream(client, guest("node-ric", Handler="app.page"), {})
    prelude, body = data.split(b"\0" * 8)
    assert json.loads(prelude) == {"statusCode": 201, "headers": {"content-type": "text/plain", "x-guest": "node"}, "cookies": ["a=1", "b=2"]}
    assert body == b"streamed page" and complete == {}


@pytest.mark.parametrize("program, words", [
    ("go", "go guest: echo"), ("rust", "rust guest: echo"),
])
def test_what_is_written_to_stderr_is_log(client, guest, program, words):
    answer = call(client, guest(program), {"do": "echo", "payload": 1})
    assert answer["log"].count(words + "\n") == 1
    assert answer["log"].index("START ") < answer["log"].index(words) < answer["log"].index("END ")


@pytest.mark.parametrize("program, patterns", [
    ("python-ric", ["printed by the guest\n", r"\[WARNING\]\t[0-9T:.-]+Z\t{id}\twarned by the guest"]),
    ("node-ric", [r"[0-9T:.-]+Z\t{id}\tINFO\tlogged by the guest\n", r"[0-9T:.-]+Z\t{id}\tERROR\tcomplained by the guest\n"]),
])
def test_log_lines_of_the_clients(client, guest, program, patterns):
    answer = call(client, guest(program), {"do": "log"})
    for pattern in patterns:
        assert len(re.findall(pattern.replace("{id}", answer["id"]), answer["log"])) == 1


def test_bash(client, guest):
    name = guest("bash")
    for n in range(3):
        answer = call(client, name, {"n": n})
        assert answer["body"] == {"echo": {"n": n}}
        assert "bash guest: " in answer["log"]
    answer = call(client, guest("bash", Handler="function.fail"), {})
    assert answer["FunctionError"] == "Unhandled"
    assert answer["body"] == {"errorMessage": "the guest failed", "errorType": "Function.Failed"}
    assert "bash guest fails\n" in answer["log"]
    answer = call(client, guest("bash", Handler="missing.handler"), {})
    assert answer["body"] == {"errorMessage": "cannot load missing.sh", "errorType": "Runtime.NoSuchFile"}


def json_lines(log):
    return [json.loads(line) for line in log.splitlines() if line.startswith("{")]


def test_powertools_for_typescript(client, function, packages):
    name = function(packages("powertools-typescript"), Runtime=guests.host_node_runtime(), Handler="app.handler", Timeout=15, MemorySize=512)
    answer = call(client, name, {"name": "world"})
    assert answer["body"] == {"hello": "world"}
    lines = json_lines(answer["log"])
    (logged,) = [line for line in lines if line.get("message") == "hello was asked for"]
    assert logged["function_request_id"] == answer["id"] and logged["name"] == "world" and logged["cold_start"] is True
    assert any(line.get("Hellos") == 1 for line in lines) and any(line.get("ColdStart") == 1 for line in lines)
    failed = call(client, name, {"fail": True})
    assert failed["FunctionError"] == "Unhandled"
    assert set(failed["body"]) == {"errorType", "errorMessage", "trace"}
    assert (failed["body"]["errorType"], failed["body"]["errorMessage"]) == ("RangeError", "the guest failed")


def test_powertools_for_python(client, function, packages):
    name = function(packages("powertools-python"), Runtime=guests.host_python_runtime(), Handler="app.handler", Timeout=15, MemorySize=512)
    answer = call(client, name, url_event("GET", "/hello/world"))
    assert answer["body"]["statusCode"] == 200 and json.loads(answer["body"]["body"]) == {"hello": "world"}
    lines = json_lines(answer["log"])
    (logged,) = [line for line in lines if line.get("message") == "hello was asked for"]
    assert logged["function_request_id"] == answer["id"] and logged["function_name"] == name and logged["cold_start"] is True
    assert logged["function_arn"] == f"{ARN}:{name}" and logged["function_memory_size"] == "512"
    metrics = [line for line in lines if "_aws" in line]
    assert any(line.get("Hellos") == [1.0] for line in metrics) and any(line.get("ColdStart") == [1.0] for line in metrics)
    again = call(client, name, url_event("POST", "/echo", '{"a": 1}'))
    assert json.loads(again["body"]["body"]) == {"a": 1}
    assert not any("ColdStart" in line for line in json_lines(again["log"]))
    assert call(client, name, url_event("GET", "/missing"))["body"]["statusCode"] == 404


def url_event(method, path, body=None):
    return {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "", "headers": {"content-type": "application/json"},
            "requestContext": {"accountId": "anonymous", "apiId": "x", "domainName": "x", "domainPrefix": "x", "requestId": "x", "routeKey": "$default",
                               "stage": "$default", "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1"}},
            "body": body, "isBase64Encoded": False}
