# SPDX-License-Identifier: Apache-2.0
"""Requests that are wrong below the members: sizes, percent-encoding, headers said twice, names of other accounts and regions, changes
that collide. Each is answered as AWS answers it, and changes nothing.

Broken JSON, wrong types and constraints: test_constraints.py; signatures: test_signatures.py; a full disk: test_full_disk.py.
"""

import concurrent.futures
import http.client
import json
import socket
import urllib.parse

import pytest
from botocore.exceptions import ClientError
from conftest import make_client
from test_constraints import ABSENT, OPERATIONS, SHAPES, base

ACCOUNT = "000000000000"
REGION = "us-east-1"
FUNCTIONS = "/2015-03-31/functions"


def exchange(lambent, data):
    """(status, fields, body) of what a raw request is answered; the connection is then closed by us."""
    with socket.create_connection(("127.0.0.1", lambent.port), timeout=30) as peer:
        try:
            peer.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the answer came before the rest was sent
        answer = http.client.HTTPResponse(peer)
        answer.begin()
        return answer.status, answer.headers, answer.read()


def head(method, target, *fields):
    return "\r\n".join([f"{method} {target} HTTP/1.1", "Host: localhost", *fields, "", ""]).encode()


@pytest.fixture
def name(function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}))


@pytest.fixture
def unchanged(client, name):
    """Whatever a test sends, its function is as it was before."""
    before = client.get_function(FunctionName=name)["Configuration"]
    yield name
    assert client.get_function(FunctionName=name)["Configuration"] == before


# Labels that a function's name will not do for: these are looked at before the body.
LABELS = {
    "{CallbackId}": "dG9rZW4",
    "{DurableExecutionArn}": urllib.parse.quote(f"arn:aws:lambda:{REGION}:{ACCOUNT}:function:f:1/durable-execution/e/i", safe=""),
}


def path_of(operation, name="x"):
    path, _, query = operation["http"]["requestUri"].partition("?")
    parts = []
    for part in path.split("/"):
        parts.append(LABELS.get(part, name) if part.startswith("{") else part)
    return "/".join(parts) + ("?" + query if query else "")


PRESENT = sorted(set(OPERATIONS) - ABSENT)
# What they are about is not there, whatever the body says.
NOT_READ = {"StopDurableExecution", "SendDurableExecutionCallbackFailure", "SendDurableExecutionCallbackSuccess"}
# What a request of this operation may be as large as is AWS's own (docs/aws.md, limits); all of them are below this.
GIANT = 1 << 30


@pytest.mark.parametrize("operation", PRESENT)
def test_giant_bodies_are_refused_by_their_length(lambent, unchanged, operation):
    """Also by operations that have none: they would wait for it in vain."""
    method = OPERATIONS[operation]["http"]["method"]
    status, fields, body = exchange(lambent, head(method, path_of(OPERATIONS[operation], unchanged), f"Content-Length: {GIANT}"))
    if operation in NOT_READ:
        assert (status, fields["x-amzn-ErrorType"]) == (404, "ResourceNotFoundException"), body
    else:
        assert status == 413 and fields["x-amzn-ErrorType"] in ("RequestEntityTooLargeException", "RequestTooLargeException"), body
    assert json.loads(body)


@pytest.mark.parametrize("operation", ["CreateFunction", "UpdateFunctionConfiguration", "CreateAlias", "TagResource", "Invoke",
                                       "SendDurableExecutionCallbackHeartbeat", "GetFunction", "DeleteFunction"])
def test_giant_bodies_without_a_length(lambent, unchanged, operation):
    """In chunks: refused when they grow too large, and the connection ends."""
    piece = b"100000\r\n" + b'{"a":"' + b"x" * ((1 << 20) - 6) + b"\r\n"
    data = head(OPERATIONS[operation]["http"]["method"], path_of(OPERATIONS[operation], unchanged), "Transfer-Encoding: chunked") + piece * 72
    status, fields, body = exchange(lambent, data)
    assert 400 <= status < 500 and fields["x-amzn-ErrorType"], body


@pytest.mark.parametrize("path", ["health", "environments", "doctor", "logs?function=x", "layers"])
def test_giant_bodies_for_lambent_itself(lambent, path):
    status, fields, body = exchange(lambent, head("GET", f"/_lambent/{path}", f"Content-Length: {GIANT}"))
    assert (status, fields["x-amzn-ErrorType"]) == (413, "RequestEntityTooLargeException"), body


def test_a_giant_layer_by_hand(lambent):
    arn = "arn:aws:lambda:us-east-1:999999999999:layer:giant:1"
    status, _, body = exchange(lambent, head("POST", f"/_lambent/layers?arn={arn}", f"Content-Length: {GIANT}"))
    assert status == 400 and json.loads(body)["message"] == "Unzipped size must be smaller than 262144000 bytes"


@pytest.mark.parametrize("fields", [
    ("Content-Type: application/x-amz-json-1.1", "X-Amz-Target: Logs_20140328.DescribeLogGroups"),
    ("Content-Type: application/x-www-form-urlencoded; charset=utf-8",),
], ids=["json", "form"])
def test_giant_bodies_for_the_services_beside(lambent, fields):
    status, _, body = exchange(lambent, head("POST", "/", *fields, f"Content-Length: {GIANT}"))
    assert status == 413 and b"RequestEntityTooLarge" in body


# No escapes at all, and escapes of what is no UTF-8.
MALFORMED = ["%", "%2", "%zz", "%0", "%00", "a%00b", "a%2fb%"]
BAD_ESCAPES = [*MALFORMED, "%ff", "%c3%28", "%ed%a0%80", "%c0%af"]


@pytest.mark.parametrize("escape", BAD_ESCAPES)
def test_bad_percent_encoding(lambent, unchanged, escape):
    """In the path of every operation that has a name there, and in the query of those that have one."""
    for operation_name, operation in OPERATIONS.items():
        if operation_name in ABSENT or "{" not in operation["http"]["requestUri"]:
            continue
        method = operation["http"]["method"]
        status, fields, body = exchange(lambent, head(method, path_of(operation, escape), "Content-Length: 2") + b"{}")
        assert 400 <= status < 500 and fields["x-amzn-ErrorType"], f"{operation_name}: {status} {body}"
    for method, target in (("GET", f"{FUNCTIONS}?Marker={escape}"), ("GET", f"/2015-03-31/event-source-mappings?FunctionName={escape}"),
                           ("DELETE", f"{FUNCTIONS}/{unchanged}?Qualifier={escape}"), ("GET", f"{FUNCTIONS}/{unchanged}?{escape}Qualifier=1")):
        if "?" + escape + "Q" in target and escape not in MALFORMED:
            continue  # the name of no parameter
        status, fields, body = exchange(lambent, head(method, target))
        assert 400 <= status < 500 and fields["x-amzn-ErrorType"], f"{target}: {status} {body}"


@pytest.mark.parametrize("fields", [
    ("Content-Length: 2", "Content-Length: 3"), ("Content-Length: 2", "Transfer-Encoding: chunked"), ("Content-Length: 2, 2",), ("Content-Length: -1",),
    ("Content-Length: 2x",), ("Transfer-Encoding: chunked, identity",),
], ids=str)
def test_bodies_whose_end_is_doubtful(lambent, unchanged, fields):
    """What two readers could understand in two ways is refused, and nothing after it is taken for a request."""
    smuggled = head("DELETE", f"{FUNCTIONS}/{unchanged}")
    status, _, _ = exchange(lambent, head("PUT", f"{FUNCTIONS}/{unchanged}/configuration", *fields) + b"{}" + smuggled)
    assert 400 <= status < 500


def test_headers_said_twice(lambent, unchanged):
    scope = "Authorization: AWS4-HMAC-SHA256 Credential={}/20260105/us-east-1/lambda/aws4_request, SignedHeaders=host, Signature=0"
    target = f"{FUNCTIONS}/nothing-here"
    one, other = scope.format("111111111111"), scope.format("222222222222")
    status, fields, body = exchange(lambent, head("GET", target, one, other))
    # One of them, and for the whole request the same.
    assert status == 404 and ("111111111111" in body.decode()) != ("222222222222" in body.decode())
    assert exchange(lambent, head("GET", target, "Host: evil.example"))[0] in (400, 403)
    assert exchange(lambent, head("GET", target, "Host: localhost"))[0] in (400, 404)
    for field in ("X-Amz-Invocation-Type: DryRun", "X-Amz-Log-Type: None", "X-Amz-Client-Context: e30="):
        status, fields, body = exchange(lambent, head("POST", f"{FUNCTIONS}/nothing-here/invocations", field, field, "Content-Length: 2") + b"{}")
        assert 400 <= status < 500 and fields["x-amzn-ErrorType"], body


def with_names():
    """Operations that name a function in their path, and what else each must be given."""
    for operation_name, operation in sorted(OPERATIONS.items()):
        members = SHAPES[operation["input"]["shape"]]["members"] if "input" in operation else {}
        if operation_name not in ABSENT and members.get("FunctionName", {}).get("location") == "uri":
            yield operation_name


# Members that "x" will not do for.
FINE = {"Action": "lambda:InvokeFunction", "FunctionVersion": "1", "Role": f"arn:aws:iam::{ACCOUNT}:role/r", "MaximumRetryAttempts": 1}


@pytest.fixture(scope="module")
def csc(client):
    publishers = {"SigningProfileVersionArns": [f"arn:aws:signer:{REGION}:{ACCOUNT}:/signing-profiles/p"]}
    arn = client.create_code_signing_config(AllowedPublishers=publishers)["CodeSigningConfig"]["CodeSigningConfigArn"]
    yield arn
    client.delete_code_signing_config(CodeSigningConfigArn=arn)


def ask(endpoint, operation_name, function, csc):
    operation = OPERATIONS[operation_name]
    given = {**base(operation), **FINE, "CodeSigningConfigArn": csc, "FunctionName": function}
    if "ScalingConfig" in operation_name:
        given["Qualifier"] = "1"
    shape = SHAPES[operation["input"]["shape"]]
    path, _, query = operation["http"]["requestUri"].partition("?")
    body, queries = {}, [query] if query else []
    for member in set(given) & set(shape["members"]):
        reference, value = shape["members"][member], given[member]
        wire = reference.get("locationName", member)
        if reference.get("location") == "uri":
            path = path.replace("{" + wire + "}", urllib.parse.quote(str(value), safe=""))
        elif reference.get("location") == "querystring":
            queries.append(f"{wire}={value}")
        elif not reference.get("location"):
            body[member] = value
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc, timeout=30)
    connection.request(operation["http"]["method"], path + ("?" + "&".join(queries) if queries else ""),
                       json.dumps(body) if operation["http"]["method"] in ("POST", "PUT") else None)
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    return answer.status, answer.headers.get("x-amzn-ErrorType"), text


@pytest.mark.parametrize("operation", list(with_names()))
def test_names_of_other_regions(lambent, unchanged, csc, operation):
    status, error, text = ask(lambent.endpoint, operation, f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:{unchanged}", csc)
    assert (status, error) == (404, "ResourceNotFoundException"), text
    assert f"Functions from 'eu-west-1' are not reachable in this region ('{REGION}')" in text


@pytest.mark.parametrize("operation", list(with_names()))
def test_names_of_other_accounts(lambent, unchanged, csc, operation):
    """Nothing there is of that name; ours, which has it, is not meant."""
    status, error, text = ask(lambent.endpoint, operation, f"arn:aws:lambda:{REGION}:999999999999:function:{unchanged}", csc)
    assert (status, error) in ((403, "AccessDeniedException"), (404, "ResourceNotFoundException")), f"{status} {error} {text}"


COLLIDING = 24


def together(calls):
    """What each of the calls, all made at once, comes to: None, or the refusal's status and code."""
    def outcome(call):
        try:
            call()
        except ClientError as error:
            return error.response["ResponseMetadata"]["HTTPStatusCode"], error.response["Error"]["Code"]
        return None

    with concurrent.futures.ThreadPoolExecutor(COLLIDING) as pool:
        return list(pool.map(outcome, calls))


def test_one_of_many_creations_wins(lambent, client, unique_name, zip_of):
    name, code = unique_name(), {"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}
    callers = [make_client(lambent.endpoint) for _ in range(COLLIDING)]
    outcomes = together([lambda caller=caller: caller.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Code=code,
                                                                     Role=f"arn:aws:iam::{ACCOUNT}:role/r") for caller in callers])
    assert sorted(outcomes, key=str) == [(409, "ResourceConflictException")] * (COLLIDING - 1) + [None]
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    outcomes = together([lambda caller=caller: caller.delete_function(FunctionName=name) for caller in callers])
    assert sorted(outcomes, key=str) == [(404, "ResourceNotFoundException")] * (COLLIDING - 1) + [None]


def test_one_of_many_with_the_same_revision_wins(lambent, client, name):
    """The precondition holds for exactly one, whatever it changes."""
    callers = [make_client(lambent.endpoint) for _ in range(COLLIDING)]
    revision = client.get_function_configuration(FunctionName=name)["RevisionId"]
    outcomes = together([lambda caller=caller, number=number: caller.update_function_configuration(FunctionName=name, Timeout=10 + number, RevisionId=revision)
                         for number, caller in enumerate(callers)])
    assert outcomes.count(None) == 1
    assert set(outcomes) <= {None, (412, "PreconditionFailedException"), (409, "ResourceConflictException")}
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    assert client.get_function_configuration(FunctionName=name)["Timeout"] == 10 + outcomes.index(None)

    client.publish_version(FunctionName=name)
    revision = client.create_alias(FunctionName=name, Name="a", FunctionVersion="1")["RevisionId"]
    outcomes = together([lambda caller=caller, number=number: caller.update_alias(FunctionName=name, Name="a", Description=str(number), RevisionId=revision)
                         for number, caller in enumerate(callers)])
    assert outcomes.count(None) == 1 and set(outcomes) == {None, (412, "PreconditionFailedException")}
    assert client.get_alias(FunctionName=name, Name="a")["Description"] == str(outcomes.index(None))


def test_permissions_added_at_once_are_all_there(lambent, client, name):
    callers = [make_client(lambent.endpoint) for _ in range(COLLIDING)]
    assert together([lambda caller=caller, number=number: caller.add_permission(FunctionName=name, StatementId=f"s{number}", Principal="*",
                                                                                Action="lambda:InvokeFunction")
                     for number, caller in enumerate(callers)]) == [None] * COLLIDING
    statements = json.loads(client.get_policy(FunctionName=name)["Policy"])["Statement"]
    assert {statement["Sid"] for statement in statements} == {f"s{number}" for number in range(COLLIDING)}
    outcomes = together([lambda caller=caller: caller.add_permission(FunctionName=name, StatementId="same", Principal="*", Action="lambda:InvokeFunction")
                         for caller in callers])
    assert outcomes.count(None) == 1 and set(outcomes) == {None, (409, "ResourceConflictException")}


def test_publishing_at_once_makes_one_version(lambent, client, name):
    callers = [make_client(lambent.endpoint) for _ in range(COLLIDING)]
    versions = []
    assert together([lambda caller=caller: versions.append(caller.publish_version(FunctionName=name)["Version"]) for caller in callers]) == [None] * COLLIDING
    assert set(versions) == {"1"}
