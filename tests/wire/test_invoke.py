# SPDX-License-Identifier: Apache-2.0
"""Invoke: names and qualifiers, what is answered, what is refused and in which words, and the log of an invocation.

Expected texts are recorded answers of AWS; the names of the recorded cases are in brackets.
"""

import base64
import http.client
import json
import re
import socket
import threading
import urllib.error
import urllib.request

import pytest
from botocore.exceptions import ClientError

from guests import c_bootstrap, host_python_runtime

ACCOUNT = "000000000000"
REGION = "us-east-1"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambent"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}"
PAYLOAD_MAX = 6 * 1024 * 1024


@pytest.fixture(scope="module")
def package():
    return c_bootstrap()


def call(client, name, event=b"{}", **settings):
    answer = client.invoke(FunctionName=name, Payload=event, **settings)
    answer["body"] = answer["Payload"].read()
    answer["id"] = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    if "LogResult" in answer:
        answer["log"] = base64.b64decode(answer["LogResult"]).decode()
    return answer


def refused(call, **arguments):
    """(status, code, message) of the error that the call must end in."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def raw(daemon, name, body=b"", method="POST", query="", **headers):
    """(status, headers, body) of one request, without a client's help."""
    connection = http.client.HTTPConnection(daemon.endpoint.removeprefix("http://"), timeout=30)
    connection.request(method, f"/2015-03-31/functions/{name}/invocations{query}", body=body,
                       headers={key.replace("_", "-"): value for key, value in headers.items()})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    return answer.status, answer.headers, body


# ---- names and qualifiers [TestLambdaFunction::test_function_name_and_qualifier_validation] ----


def test_all_forms_of_the_name_lead_to_the_function(client, function, package):
    name = function(package, Handler="headers")
    client.publish_version(FunctionName=name)
    forms = {
        name: None, f"{ACCOUNT}:function:{name}": None, f"{ARN}:{name}": None, f"function:{name}": None,
        f"{name}:$LATEST": "$LATEST", f"{ACCOUNT}:function:{name}:$LATEST": "$LATEST", f"{ARN}:{name}:$LATEST": "$LATEST",
        f"{name}:1": "1", f"{ACCOUNT}:function:{name}:1": "1", f"{ARN}:{name}:1": "1",
    }
    for form, qualifier in forms.items():
        answer = call(client, form)
        assert answer["ExecutedVersion"] == ("1" if qualifier == "1" else "$LATEST")
        arn = f"{ARN}:{name}" + (f":{qualifier}" if qualifier else "")
        assert json.loads(answer["body"])["lambda-runtime-invoked-function-arn"] == arn
    for form in (name, f"{ARN}:{name}", f"{name}:1"):
        answer = call(client, form, Qualifier="1")
        assert answer["ExecutedVersion"] == "1"
        assert json.loads(answer["body"])["lambda-runtime-invoked-function-arn"] == f"{ARN}:{name}:1"


def test_colons_of_the_name_may_be_escaped_or_not(lambent, function, package):
    name = function(package, Handler="echo")
    for path in (f"{ARN}:{name}", f"{ARN}:{name}".replace(":", "%3A"), f"{name}:$LATEST", f"{name}%3A%24LATEST"):
        assert raw(lambent, path, b"1")[::2] == (200, b"1")


NAMESPACED_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
BAD_NAMES = {
    "function_name_is_single_invalid": "*",
    "invalid_characters_in_function_name": "my-function!",
    "full_arn_with_multiple_qualifiers": f"{ARN}:my-function:1:2",
    "function_name_too_long_and_invalid_region": f"arn:aws:lambda:invalid-region:{ACCOUNT}:function:my-function" + "a" * 170,
    "invalid_account_id_in_partial_arn": "invalid-account:function:my-function",
    "invalid_region_in_arn": f"arn:aws:lambda:invalid-region:{ACCOUNT}:function:my-function",
    "missing_account_id_in_arn": f"arn:aws:lambda:{REGION}::function:my-function",
    "missing_region_in_arn": f"arn:aws:lambda::{ACCOUNT}:function:my-function",
    "misspelled_latest_in_arn": f"{ARN}:my-function:$LATES",
    "non_lambda_arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance:i-1234567890abcdef0",
    "partial_arn_with_extra_qualifier": "function:my-function:$LATEST:extra",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_names_that_the_pattern_does_not_take(client, name):
    assert refused(client.invoke, FunctionName=name) == (
        400, "ValidationException", f"1 validation error detected: Value '{name}' at 'functionName' failed to satisfy constraint: "
        f"Member must satisfy regular expression pattern: {NAMESPACED_PATTERN}")


MISSING = {
    "function_name_and_qualifier_too_long": ("my-function", "a" * 65, f"{ARN}:my-function:{'a' * 65}"),
    "function_name_too_long": ("a" * 65, None, f"{ARN}:{'a' * 65}:$LATEST"),
    "incomplete_arn": ("arn:aws:lambda:us-east-1:000000000000:function", None, f"{ARN}:function:$LATEST"),
    "lowercase_latest_qualifier": ("my-function", "$latest", f"{ARN}:my-function:$latest"),
}


@pytest.mark.parametrize("name, qualifier, arn", MISSING.values(), ids=MISSING)
def test_functions_that_are_not_there(client, name, qualifier, arn):
    wanted = {"Qualifier": qualifier} if qualifier else {}
    assert refused(client.invoke, FunctionName=name, **wanted) == (404, "ResourceNotFoundException", f"Function not found: {arn}")


def test_versions_that_are_not_there(client, function, package):
    name = function(package, Handler="echo")
    for qualifier in ("7", "prod"):
        expected = (404, "ResourceNotFoundException", f"Function not found: {ARN}:{name}:{qualifier}")
        assert refused(client.invoke, FunctionName=name, Qualifier=qualifier) == expected
        assert refused(client.invoke, FunctionName=f"{name}:{qualifier}") == expected


def test_qualifiers_that_contradict_or_break_the_rules(client, function, package):
    name = function(package, Handler="echo")
    differs = (400, "InvalidParameterValueException",
               "The derived qualifier from the function name does not match the specified qualifier.")
    assert refused(client.invoke, FunctionName=f"{name}:$LATEST", Qualifier="1") == differs
    assert refused(client.invoke, FunctionName=f"{ARN}:{name}:1", Qualifier="2") == differs
    long = "a" * 129
    assert refused(client.invoke, FunctionName=name, Qualifier=long) == (
        400, "ValidationException", f"1 validation error detected: Value '{long}' at 'qualifier' failed to satisfy constraint: "
        "Member must have length less than or equal to 128")
    assert refused(client.invoke, FunctionName=name, Qualifier="invalid!") == (
        400, "ValidationException", "1 validation error detected: Value 'invalid!' at 'qualifier' failed to satisfy constraint: "
        r"Member must satisfy regular expression pattern: \$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+")


def test_invocation_with_qualifier(client, python_function):
    """[TestLambdaFeatures::test_invocation_with_qualifier]"""
    name = python_function(
        "import logging\nlogging.getLogger().setLevel('INFO')\n\n"
        "def handler(event, context):\n"
        "    print('Lambda log message - print function')\n"
        "    logging.info('Lambda log message - logging module')\n"
        "    names = ('aws_request_id', 'client_context', 'function_name', 'function_version', 'invoked_function_arn',\n"
        "             'log_group_name', 'log_stream_name', 'memory_limit_in_mb')\n"
        "    return {'event': event, 'context': {n: getattr(context, n) for n in names}}\n", Timeout=10, Publish=True)
    event = {"foo": "bar with 'quotes\""}
    answer = call(client, name, json.dumps(event).encode(), Qualifier="1", LogType="Tail")
    told = json.loads(answer["body"])
    stream = told["context"].pop("log_stream_name")
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[1\][0-9a-f]{32}", stream)
    assert answer["ExecutedVersion"] == "1"
    assert told == {"event": event, "context": {
        "aws_request_id": answer["id"], "client_context": None, "function_name": name, "function_version": "1",
        "invoked_function_arn": f"{ARN}:{name}:1", "log_group_name": f"/aws/lambda/{name}", "memory_limit_in_mb": "128"}}
    lines = answer["log"].splitlines()
    start = lines.index(f"START RequestId: {answer['id']} Version: 1")
    assert lines[start + 1] == "Lambda log message - print function"
    assert re.fullmatch(r"\[INFO\]\t\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z\t" + answer["id"] + r"\tLambda log message - logging module",
                        lines[start + 2])
    assert lines[start + 3] == f"END RequestId: {answer['id']}"


# ---- the answer (facts: headers of each type) ----


def test_headers_of_an_answer(lambent, function, package):
    status, headers, body = raw(lambent, function(package, Handler="by-event"), b'"count"', X_Amz_Log_Type="None")
    assert status == 200 and json.loads(body)["count"] == 1
    assert headers["Content-Type"] == "application/json"
    assert headers["Content-Length"] == str(len(body))
    assert headers["X-Amz-Executed-Version"] == "$LATEST"
    assert headers["x-amzn-Remapped-Content-Length"] == "0"
    assert re.fullmatch(UUID, headers["x-amzn-RequestId"])
    assert re.match(r"Root=1-[0-9a-f]{8}-[0-9a-f]{24};Parent=[0-9a-f]{16};Sampled=[01]", headers["X-Amzn-Trace-Id"])
    assert headers["Date"].endswith(" GMT")
    assert "X-Amz-Function-Error" not in headers and "X-Amz-Log-Result" not in headers


def test_headers_of_an_error(lambent, function, package):
    _, headers, _ = raw(lambent, function(package, Handler="post-error"), b"{}", X_Amz_Log_Type="Tail")
    assert headers["X-Amz-Function-Error"] == "Unhandled"
    assert base64.b64decode(headers["X-Amz-Log-Result"], validate=True).endswith(b"\t\n")


def test_the_function_sees_the_request_id_that_the_caller_sees(client, function, package):
    name = function(package, Handler="headers")
    answers = [call(client, name) for _ in range(2)]
    for answer in answers:
        assert json.loads(answer["body"])["lambda-runtime-aws-request-id"] == answer["id"]
    assert answers[0]["id"] != answers[1]["id"]


def test_a_trace_is_continued(lambent, client, function, package):
    name = function(package, Handler="headers")
    trace = "Root=1-5759e988-bd862e3fe1be46a994272793;Parent=53995c3f42cd8ad8;Sampled=1"
    _, headers, body = raw(lambent, name, b"{}", X_Amzn_Trace_Id=trace)
    for seen in (json.loads(body)["lambda-runtime-trace-id"], headers["X-Amzn-Trace-Id"]):
        assert "Root=1-5759e988-bd862e3fe1be46a994272793" in seen and "Sampled=1" in seen
    assert "Parent=" in json.loads(body)["lambda-runtime-trace-id"]


def test_dry_run(client, lambent, function, package):
    """[TestLambdaFeatures::test_invocation_type_dry_run]"""
    name = function(package, Handler="invoke-exit:1")
    answer = client.invoke(FunctionName=name, InvocationType="DryRun")
    assert answer["StatusCode"] == 204 and answer["Payload"].read() == b""
    assert "FunctionError" not in answer and "ExecutedVersion" not in answer
    assert refused(client.invoke, FunctionName="no-such-function", InvocationType="DryRun")[:2] == (404, "ResourceNotFoundException")


def test_what_is_not_built_says_so(client, function, package):
    status, code, message = refused(client.invoke, FunctionName=function(package, Handler="echo"), InvocationType="Event")
    assert (status, code, message) == (501, "NotImplementedException", "lambent does not implement Invoke with InvocationType Event.")
    status, code, message = refused(client.invoke_async, FunctionName="anything", InvokeArgs=b"{}")
    assert (status, code, message) == (501, "NotImplementedException", "lambent does not implement InvokeAsync.")


@pytest.mark.parametrize("member, values", [("InvocationType", "RequestResponse"), ("LogType", "Tail")])
def test_words_that_no_enum_has(client, function, package, member, values):
    status, code, message = refused(client.invoke, FunctionName=function(package, Handler="echo"), **{member: "Loud"})
    path = member[0].lower() + member[1:]
    assert (status, code) == (400, "ValidationException")
    assert f"Value 'Loud' at '{path}' failed to satisfy constraint: Member must satisfy enum value set: [" in message
    assert values in message


# ---- the payload ----

PAYLOADS = [b"1", b"null", b'"x"', b"[]", b' {"b" : 1,\n"a":\t2 } ', '{"ü": "\U0001f600 \u2028"}'.encode(), b'"\\ud83d\\ude00"', b"[1e400, -0.0]"]


@pytest.mark.everywhere
def test_payloads_arrive_byte_for_byte(client, function, package):
    name = function(package, Handler="echo")
    for payload in PAYLOADS:
        assert call(client, name, payload)["body"] == payload


def test_no_payload_is_an_empty_object(client, lambent, function, package):
    name = function(package, Handler="echo")
    assert client.invoke(FunctionName=name)["Payload"].read() == b"{}"
    assert raw(lambent, name, b"")[::2] == (200, b"{}")


WHERE = "at [Source: REDACTED (`StreamReadFeature.INCLUDE_SOURCE_IN_LOCATION` disabled); line: "
BAD_JSON = [
    (b"xxx", "Unrecognized token 'xxx': "),
    (b'{"a": }', "Unexpected character ('}' (code 125)): "),
    (b'{"a": 1', "Unexpected end-of-input"),
    (b"\x87", "Invalid UTF-8 start byte 0x87"),
    (b"'a'", "Unexpected character (''' (code 39)): "),
]


@pytest.mark.parametrize("payload, words", BAD_JSON)
def test_payloads_that_are_no_json(lambent, function, package, payload, words):
    status, headers, body = raw(lambent, function(package, Handler="echo"), payload)
    error = json.loads(body)
    assert status == 400
    assert headers["x-amzn-ErrorType"] == "InvalidRequestContentException"
    assert error["Type"] == "User"
    assert error["message"].startswith("Could not parse request body into json: Could not parse payload into json: " + words)
    assert "\n " + WHERE in error["message"]


def test_six_megabytes_and_one_byte_more(client, lambent, function, package):
    name = function(package, Handler="echo", MemorySize=512)
    largest = b'"' + b"a" * (PAYLOAD_MAX - 2) + b'"'
    assert call(client, name, largest)["body"] == largest
    status, headers, body = raw(lambent, name, largest + b" ")
    assert status == 413
    assert headers["x-amzn-ErrorType"] == "RequestEntityTooLargeException"
    assert json.loads(body) == {"Message": "Request must be smaller than 6291456 bytes for the InvokeFunction operation"}


def test_a_chunked_body_is_held_to_the_limit_too(lambent, function, package):
    name = function(package, Handler="echo", MemorySize=512)
    chunk = b"a" * 65536
    for size, expected in ((PAYLOAD_MAX - 65536, 200), (PAYLOAD_MAX, 413)):
        body = iter([b'"', *[chunk] * (size // 65536), b'"'])
        connection = http.client.HTTPConnection(lambent.endpoint.removeprefix("http://"), timeout=30)
        connection.request("POST", f"/2015-03-31/functions/{name}/invocations", body=body, encode_chunked=True,
                           headers={"Transfer-Encoding": "chunked"})
        answer = connection.getresponse()
        assert answer.status == expected
        assert len(answer.read()) > 0
        connection.close()


@pytest.mark.everywhere
def test_client_context(client, function, package):
    name = function(package, Handler="headers")
    context = b'{"custom": {"a": "b"}, "env": {}}'
    answer = call(client, name, ClientContext=base64.b64encode(context).decode())
    assert json.loads(answer["body"])["lambda-runtime-client-context"].encode() == context
    assert "lambda-runtime-client-context" not in json.loads(call(client, name)["body"])


def test_a_client_context_of_several_lines(client, function, package):
    name = function(package, Handler="headers")
    context = {"custom": {"a": "b\nc"}, "env": {}}
    written = "\r\n " + json.dumps(context, indent=2)
    answer = call(client, name, ClientContext=base64.b64encode(written.encode()).decode())
    assert json.loads(json.loads(answer["body"])["lambda-runtime-client-context"]) == context


def test_client_contexts_that_are_refused(client, function, package):
    name = function(package, Handler="headers")
    large = base64.b64encode(b'{"custom": {"a": "' + b"x" * 3000 + b'"}}').decode()
    for context in ("%%%", base64.b64encode(b"not json").decode(), base64.b64encode(b" [1]").decode(), large):
        assert refused(client.invoke, FunctionName=name, ClientContext=context)[0] == 400


def test_a_stream_has_no_event_invocations(lambent, function, package):
    name = function(package, Handler="echo")
    request = urllib.request.Request(f"{lambent.endpoint}/2021-11-15/functions/{name}/response-streaming-invocations", data=b"{}",
                                     headers={"X-Amz-Invocation-Type": "Event"})
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(request)
    assert refusal.value.code == 400
    assert json.load(refusal.value)["message"].endswith("Member must satisfy enum value set: [RequestResponse, DryRun]")


# ---- states ----


def test_a_pending_function_is_not_invoked_yet(client, unique_name, zip_of):
    """A function is created before its layers are merged, and a few thousand files make that a while."""
    layers = []
    for part in range(2):
        content = zip_of({f"part-{part}/{n}": b"x" for n in range(3000)})
        layers.append(client.publish_layer_version(LayerName=unique_name("layer"), Content={"ZipFile": content}))
    name = unique_name()
    arns = [layer["LayerVersionArn"] for layer in layers]
    made = client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Layers=arns,
                                  Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})})
    answer = refused(client.invoke, FunctionName=name)
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    client.delete_function(FunctionName=name)
    for layer in layers:
        client.delete_layer_version(LayerName=layer["LayerArn"], VersionNumber=1)
    assert made["State"] == "Pending"
    assert answer == (409, "ResourceConflictException", "The operation cannot be performed at this time. "
                      "The function is currently in the following state: Pending")


@pytest.mark.everywhere
def test_an_update_lets_the_running_invocation_finish(client, function, zip_of):
    """The old code answers what it has begun; the next invocation is the new code's."""
    code = ("import os, socket\n\ndef handler(event, context):\n    if event:\n        with socket.create_connection(('127.0.0.1', event)) as s:\n"
            "            s.recv(1)\n    return '{}'\n")
    settings = {"Runtime": host_python_runtime(), "Handler": "app.handler", "Timeout": 30}
    answers = []
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = "%s:%d" % server.getsockname()
        port = address.split(":")[1].encode()
        # The variable opens the address to a container.
        name = function(zip_of({"app.py": code.format("old")}), Environment={"Variables": {"GATE": address}}, **settings)
        thread = threading.Thread(target=lambda: answers.append(call(client, name, port)["body"]))
        thread.start()
        gate, _ = server.accept()
        client.update_function_code(FunctionName=name, ZipFile=zip_of({"app.py": code.format("new")}))
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
        assert call(client, name, b"0")["body"] == b'"new"'
        assert answers == []
        gate.sendall(b"x")
        gate.close()
        thread.join()
    assert answers == [b'"old"']
    assert call(client, name, b"0")["body"] == b'"new"'
