# SPDX-License-Identifier: Apache-2.0
"""What the caller of a failing function sees (facts of AWS: Runtime API and invocation behaviour), byte for byte where AWS fixes the bytes."""

import base64
import json
import os
import re

import pytest

from guests import c_bootstrap

LIMIT = 6291556


@pytest.fixture(scope="module")
def package():
    return c_bootstrap()


def invoke(client, name, event=b"{}", **settings):
    answer = client.invoke(FunctionName=name, Payload=event, LogType="Tail", **settings)
    answer["id"] = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    answer["body"] = answer["Payload"].read()
    answer["log"] = base64.b64decode(answer["LogResult"]).decode()
    return answer


def paths_of_aws(text):
    """Plain processes (tier 3, docs/sandbox.md) see the real path of their code; that is all that may differ."""
    if os.environ.get("LAMBENT_TEST_TIER") == "3":
        return re.sub(r"/[^ \"]*/content/trees/[0-9a-f]{64}/root/", "/var/task/", text)
    return text


def check_error(answer, error_type, text):
    assert answer["StatusCode"] == 200
    assert answer["FunctionError"] == "Unhandled"
    assert answer["ExecutedVersion"] == "$LATEST"
    assert json.loads(answer["body"]) == {"errorType": error_type, "errorMessage": text.format(id=answer["id"])}
    assert list(json.loads(answer["body"])) == ["errorType", "errorMessage"]


EXITS = [
    ("invoke-exit:0", "Runtime.ExitError", "Runtime exited without providing a reason"),
    ("invoke-exit:1", "Runtime.ExitError", "Runtime exited with error: exit status 1"),
    ("invoke-exit:127", "Runtime.ExitError", "Runtime exited with error: exit status 127"),
    ("invoke-abort", "Runtime.ExitError", "Runtime exited with error: signal: aborted"),
    ("invoke-segv", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
    ("init-exit:0", "Runtime.ExitError", "Runtime exited without providing a reason"),
    ("init-exit:1", "Runtime.ExitError", "Runtime exited with error: exit status 1"),
    ("init-abort", "Runtime.ExitError", "Runtime exited with error: signal: aborted"),
    ("init-segv", "Runtime.ExitError", "Runtime exited with error: signal: segmentation fault"),
]


@pytest.mark.parametrize("mode, error_type, text", EXITS)
@pytest.mark.everywhere
def test_the_end_of_the_runtime_is_told_as_go_tells_it(client, function, package, mode, error_type, text):
    name = function(package, Handler=mode)
    for _ in range(2):
        answer = invoke(client, name)
        check_error(answer, error_type, "RequestId: {id} Error: " + text)
        assert f"RequestId: {answer['id']} Error: {text}\n{error_type}\n" in answer["log"]
        assert f"START RequestId: {answer['id']} Version: $LATEST\n" in answer["log"]
        assert f"END RequestId: {answer['id']}\n" in answer["log"]
        assert f"\tStatus: error\tError Type: {error_type}" in answer["log"].splitlines()[-1]


@pytest.mark.everywhere
def test_out_of_memory_is_told_apart_from_other_kills(client, function, package):
    answer = invoke(client, function(package, Handler="oom", MemorySize=128, Timeout=20))
    check_error(answer, "Runtime.OutOfMemory", "RequestId: {id} Error: Runtime exited with error: signal: killed")
    assert "Max Memory Used: 128 MB" in answer["log"]


@pytest.mark.parametrize("mode", ["invoke-hang", "by-event"])
@pytest.mark.everywhere
def test_a_timeout_in_the_invocation(client, function, package, mode):
    name = function(package, Handler=mode, Timeout=1)
    answer = invoke(client, name, b'"sleep-ms:60000"')
    check_error(answer, "Sandbox.Timedout", "RequestId: {id} Error: Task timed out after 1.00 seconds")
    report = answer["log"].splitlines()[-1]
    assert f"{answer['id']} Task timed out after 1.00 seconds" in answer["log"]
    assert "\tDuration: 1000.00 ms\t" in report and "\tStatus: timeout" in report


def test_a_runtime_that_never_asks_for_work_times_out_twice(client, function, package):
    """INIT has ten seconds; then it is repeated inside the invocation, under the function's timeout."""
    answer = invoke(client, function(package, Handler="never-poll", Timeout=1))
    check_error(answer, "Sandbox.Timedout", "RequestId: {id} Error: Task timed out after 1.00 seconds")
    assert "Phase: invoke\tStatus: timeout" in answer["log"]


@pytest.mark.everywhere
def test_an_init_error_is_answered_as_it_was_posted(client, function, package):
    answer = invoke(client, function(package, Handler="init-error"))
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["body"]) == {"errorMessage": "the guest cannot start", "errorType": "Runtime.GuestInit", "stackTrace": []}


def test_a_handler_error_keeps_the_environment(client, function, package):
    name = function(package, Handler="by-event")
    first = json.loads(invoke(client, name, b'"count"')["body"])
    answer = invoke(client, name, b'"post-error"')
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["body"])["errorType"] == "GuestError"
    assert "Status:" not in answer["log"].splitlines()[-1]
    third = json.loads(invoke(client, name, b'"count"')["body"])
    assert third == {**first, "count": first["count"] + 2}


@pytest.mark.parametrize("fate", ["invoke-exit:1", "invoke-segv", "sleep-ms:60000"])
@pytest.mark.everywhere
def test_a_crash_or_timeout_resets_the_processes_and_keeps_tmp(client, function, package, fate):
    name = function(package, Handler="by-event", Timeout=1)
    before = json.loads(invoke(client, name, b'"count"')["body"])
    invoke(client, name, b'"write-tmp"')
    assert invoke(client, name, json.dumps(fate).encode())["FunctionError"] == "Unhandled"
    after = json.loads(invoke(client, name, b'"count"')["body"])
    assert after["count"] == 1 and after["process"] != before["process"]
    assert json.loads(invoke(client, name, b'"read-tmp"')["body"]) == {"content": '"write-tmp"'}


def test_a_returned_error_object_is_a_success(client, function, package):
    answer = invoke(client, function(package, Handler="echo"), b'{"errorType": "Sandbox.Timedout"}')
    assert "FunctionError" not in answer
    assert answer["body"] == b'{"errorType": "Sandbox.Timedout"}'


@pytest.mark.everywhere
def test_an_answer_at_the_limit_and_one_byte_above(client, function, package):
    fine = invoke(client, function(package, Handler=f"big:{LIMIT}"))
    assert "FunctionError" not in fine and len(fine["body"]) == LIMIT
    check_error(invoke(client, function(package, Handler=f"big:{LIMIT + 1}")), "Function.ResponseSizeTooLarge",
                "Response payload size exceeded maximum allowed payload size (6291556 bytes).")


def test_a_runtime_whose_answer_was_too_large_goes_on(client, function, package):
    name = function(package, Handler="by-event")
    first = json.loads(invoke(client, name, b'"count"')["body"])
    assert invoke(client, name, json.dumps(f"big:{LIMIT + 1}").encode())["FunctionError"] == "Unhandled"
    assert json.loads(invoke(client, name, b'"count"')["body"])["process"] == first["process"]


def test_two_answers_and_an_unknown_id_are_refused(client, function, package):
    name = function(package, Handler="answer-twice")
    assert invoke(client, name)["body"] == b"null"
    told = json.loads(invoke(client, name)["body"])
    assert told["status"] in (400, 403)
    told = json.loads(invoke(client, function(package, Handler="wrong-id"))["body"])
    assert told["status"] == 400
    assert json.loads(told["body"]) == {"errorMessage": "Invalid request ID", "errorType": "InvalidRequestID"}


def test_asking_twice_gets_the_same_event(client, function, package):
    assert json.loads(invoke(client, function(package, Handler="poll-twice"))["body"]) == {"same": True}


def test_an_exit_after_the_answer_costs_the_caller_nothing(client, function, package):
    name = function(package, Handler="answer-exit:1")
    for _ in range(3):
        answer = client.invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer


# Ends as soon as the kernel has the answer, and leaves a child that has the connection, too.
IN_A_HURRY = """#!/usr/bin/python3
import os, signal, socket

host, port = os.environ["AWS_LAMBDA_RUNTIME_API"].split(":")
api = socket.create_connection((host, int(port)))
api.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\\r\\nHost: x\\r\\n\\r\\n")
head = b""
while b"\\r\\n\\r\\n" not in head:
    head += api.recv(1)
words = [line.split(b": ")[1] for line in head.split(b"\\r\\n") if line.lower().startswith(b"lambda-runtime-aws-request-id: ")]
if os.fork():
    api.sendall(b"POST /2018-06-01/runtime/invocation/%s/response HTTP/1.1\\r\\nHost: x\\r\\nContent-Length: 6000002\\r\\n\\r\\n" % words[0]
                + b'"' + b"x" * 6000000 + b'"')
    os._exit(0)
signal.pause()
"""


@pytest.mark.everywhere
def test_an_exit_in_the_same_breath_costs_the_caller_nothing(client, function, zip_of):
    name = function(zip_of({"bootstrap*": IN_A_HURRY}), MemorySize=512, Timeout=10)
    for _ in range(10):
        answer = client.invoke(FunctionName=name, Payload=b"{}")
        assert "FunctionError" not in answer and len(answer["Payload"].read()) == 6000002


@pytest.mark.everywhere
def test_a_truncated_answer(client, function, package):
    answer = invoke(client, function(package, Handler="stream-cut"))
    assert answer["FunctionError"] == "Unhandled"
    assert json.loads(answer["body"])["errorType"] == "Runtime.TruncatedResponse"


@pytest.mark.everywhere
def test_no_bootstrap(client, function, zip_of):
    answer = invoke(client, function(zip_of({"readme.txt": "nothing to run"})))
    check_error(answer, "Runtime.InvalidEntrypoint",
                "RequestId: {id} Error: Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]")


@pytest.mark.parametrize("files, words", [
    ({"bootstrap": "#!/bin/sh\nexit 0\n"}, "permission denied"),
    ({"bootstrap*": "#!/no/such/interpreter\n"}, "no such file or directory"),
    ({"bootstrap*": b"\x7fELF\x02\x01\x01" + bytes(9) + b"\x02\x00\xf3\x00" + bytes(44)}, "exec format error"),
])
def test_a_bootstrap_that_cannot_be_executed(client, function, zip_of, files, words):
    answer = invoke(client, function(zip_of(files)))
    answer["body"] = paths_of_aws(answer["body"].decode())
    check_error(answer, "Runtime.InvalidEntrypoint", "RequestId: {id} Error: fork/exec /var/task/bootstrap: " + words)


def test_a_child_that_holds_the_output_open_holds_nobody_up(client, function, package):
    name = function(package, Handler="by-event")
    assert "child" in json.loads(invoke(client, name, b'"fork-child"')["body"])
    assert invoke(client, name, b'"invoke-exit:0"')["FunctionError"] == "Unhandled"
    assert json.loads(invoke(client, name, b'"count"')["body"])["count"] == 1


@pytest.mark.everywhere
def test_stack_traces_of_python(client, python_function):
    name = python_function("def handler(event, context):\n    raise ValueError('wrong ' + event['what'])\n")
    answer = invoke(client, name, b'{"what": "number"}')
    error = json.loads(answer["body"])
    assert error["errorType"] == "ValueError" and error["errorMessage"] == "wrong number"
    assert error["requestId"] == answer["id"]
    assert [paths_of_aws(line) for line in error["stackTrace"]] == ['  File "/var/task/app.py", line 2, in handler\n    raise ValueError(\'wrong \' + event[\'what\'])\n']
    assert "[ERROR] ValueError: wrong number" in answer["log"]


@pytest.mark.parametrize("source, handler, error_type, message", [
    ("import nonexistent_thing\n", "app.handler", "Runtime.ImportModuleError",
     "Unable to import module 'app': No module named 'nonexistent_thing'"),
    ("def handler(event, context)\n    pass\n", "app.handler", "Runtime.UserCodeSyntaxError", "Syntax error in module 'app': "),
    ("x = 1\n", "app.handler", "Runtime.HandlerNotFound", "Handler 'handler' missing on module 'app'"),
    ("x = 1\n", "handler", "Runtime.MalformedHandlerName",
     "Bad handler 'handler': not enough values to unpack (expected 2, got 1)"),
    ("x = 1\n", "other.handler", "Runtime.ImportModuleError", "Unable to import module 'other': No module named 'other'"),
])
def test_python_that_cannot_start(client, python_function, source, handler, error_type, message):
    answer = invoke(client, python_function(source, Handler=handler))
    error = json.loads(answer["body"])
    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == error_type
    assert error["errorMessage"].startswith(message)
    assert f"Error Type: {error_type}" in answer["log"]
