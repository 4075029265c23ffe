# SPDX-License-Identifier: Apache-2.0
"""The API below the SDKs: routes, headers, error bodies, bodies in all shapes."""

import base64
import http.client
import json
import re
import socket
import uuid

import botocore.session
import pytest
from test_constraints import ABSENT

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambent"
FUNCTIONS = "/2015-03-31/functions"


class Answer:
    def __init__(self, response):
        self.status = response.status
        self.headers = {name.lower(): value for name, value in response.getheaders()}
        self.body = response.read()

    @property
    def json(self):
        return json.loads(self.body)


@pytest.fixture
def ask(lambent):
    """ask(method, path, body, headers) without any client between us and the daemon."""

    def send(method, path, body=None, headers=None, **more):
        connection = http.client.HTTPConnection("127.0.0.1", lambent.port, timeout=30)
        try:
            connection.request(method, path, body, headers or {}, **more)
            return Answer(connection.getresponse())
        finally:
            connection.close()

    return send


def creation(name, package, **changes):
    settings = {
        "FunctionName": name, "Runtime": "provided.al2023", "Role": ROLE, "Handler": "h",
        "Code": {"ZipFile": base64.b64encode(package).decode()}, **changes,
    }
    return json.dumps(settings)


@pytest.fixture
def package(zip_of):
    return zip_of({"bootstrap*": "#!/bin/sh\n"})


@pytest.fixture
def created(ask, package, unique_name):
    name = unique_name()
    assert ask("POST", FUNCTIONS, creation(name, package)).status == 201
    yield name
    ask("DELETE", f"{FUNCTIONS}/{name}")


def operations():
    model = botocore.session.get_session().get_service_model("lambda")
    return [model.operation_model(name) for name in model.operation_names]


@pytest.mark.parametrize("operation", operations(), ids=lambda operation: operation.name)
@pytest.mark.parametrize("slash", ["", "/"])
def test_every_operation_has_a_route(ask, operation, slash):
    """What is not done is refused by name with 501, which SDKs do not retry."""
    path, _, query = operation.http["requestUri"].partition("?")
    path = re.sub(r"\{[^}]+\}", "1", path).rstrip("/") + slash
    answer = ask(operation.http["method"], f"{path}?{query}" if query else path, b"{}" if operation.http["method"] != "GET" else None)
    if operation.name not in ABSENT:
        assert answer.status not in (404, 501) or answer.json.get("Message") or answer.json["message"]
        assert answer.headers.get("x-amzn-errortype") != "UnknownOperationException"
        return
    assert answer.status == 501
    assert answer.headers["x-amzn-errortype"] == "NotImplementedException"
    assert answer.json == {"Type": "Service", "message": f"lambent does not implement {operation.name}."}


def test_unknown_paths(ask):
    for method, path in (("GET", "/"), ("GET", "/2015-03-31/nothing"), ("PATCH", FUNCTIONS), ("GET", "/2015-03-31/functions//code")):
        answer = ask(method, path)
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (404, "UnknownOperationException")
        uuid.UUID(answer.headers["x-amzn-requestid"])


def test_headers_and_bodies_of_errors(ask):
    """docs/aws.md, errors: which key, and Type, depend on the exception."""
    answer = ask("GET", f"{FUNCTIONS}/nothing-here")
    assert answer.status == 404 and answer.headers["content-type"] == "application/json"
    assert answer.headers["x-amzn-errortype"] == "ResourceNotFoundException"
    missing = f"Function not found: arn:aws:lambda:us-east-1:{ACCOUNT}:function:nothing-here"
    assert answer.json == {"Type": "User", "Message": missing}
    answer = ask("GET", f"{FUNCTIONS}/a%3Ab?Qualifier=c")
    assert answer.json == {
        "Type": "User", "message": "The derived qualifier from the function name does not match the specified qualifier."
    }
    answer = ask("GET", f"{FUNCTIONS}?MaxItems=0")
    assert answer.headers["x-amzn-errortype"] == "ValidationException" and set(answer.json) == {"message"}


def test_request_ids_are_never_the_same(ask):
    ids = {ask("GET", f"{FUNCTIONS}/x").headers["x-amzn-requestid"] for _ in range(20)}
    assert len(ids) == 20
    for request_id in ids:
        assert uuid.UUID(request_id).version == 4


def test_labels_are_decoded(ask, created):
    arn = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{created}"
    for path in (arn, arn.replace(":", "%3A"), arn.replace(":", "%3a"), "%" + f"{ord(created[0]):02X}" + created[1:]):
        assert ask("GET", f"{FUNCTIONS}/{path}/configuration").json["FunctionArn"] == arn
    assert ask("GET", f"{FUNCTIONS}/%zz").status == 400
    assert ask("GET", f"{FUNCTIONS}/a%00b").status == 400
    assert ask("GET", f"{FUNCTIONS}/a%2Fcode").headers["x-amzn-errortype"] == "ValidationException"


def test_who_asks(ask):
    def caller(headers=None, query=""):
        answer = ask("GET", f"{FUNCTIONS}/nothing-here{query}", headers=headers)
        return re.search(r"lambda:([a-z0-9-]+):(\d+):", answer.json["Message"]).groups()

    scope = "{}/20260105/{}/lambda/aws4_request"
    signed = "AWS4-HMAC-SHA256 Credential={}, SignedHeaders=host, Signature=0"
    assert caller() == ("us-east-1", ACCOUNT)
    assert caller({"Authorization": signed.format(scope.format("111122223333", "eu-west-1"))}) == ("eu-west-1", "111122223333")
    assert caller({"Authorization": signed.format(scope.format("AKIAIOSFODNN7EXAMPLE", "eu-west-1"))}) == ("eu-west-1", ACCOUNT)
    assert caller({"Authorization": "Bearer nonsense"}) == ("us-east-1", ACCOUNT)
    presigned = scope.format("111122223333", "eu-west-1").replace("/", "%2F")
    assert caller(query=f"?X-Amz-Credential={presigned}") == ("eu-west-1", "111122223333")


def test_bodies_that_are_no_json(ask, package):
    for body in (b"", b"[]", b"{", b'{"FunctionName":', b"\xff\xfe", b'"text"'):
        answer = ask("POST", FUNCTIONS, body)
        assert answer.status == 400, body
    assert ask("POST", FUNCTIONS, b"{").headers["x-amzn-errortype"] == "InvalidRequestContentException"
    for changes in ({"Timeout": "3"}, {"Description": 7}, {"Layers": {}}, {"Publish": "yes"}, {"Environment": {"Variables": {"AA": 1}}}):
        answer = ask("POST", FUNCTIONS, creation("never", package, **changes))
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (400, "SerializationException"), changes
    body = creation("never", package).replace('"ZipFile": "', '"ZipFile": "*')
    assert ask("POST", FUNCTIONS, body).headers["x-amzn-errortype"] == "SerializationException"


def test_unknown_members_are_ignored(ask, package, unique_name):
    name = unique_name()
    extra = {"Unknown": {"Deep": [1, {"ZipFile": "bm90IHRoaXM="}]}, "Timeout": None}
    assert ask("POST", FUNCTIONS, creation(name, package, **extra)).json["CodeSize"] == len(package)
    assert ask("DELETE", f"{FUNCTIONS}/{name}/").status == 204


def test_a_body_in_chunks(ask, package, unique_name):
    name = unique_name()
    body = creation(name, package).encode()
    answer = ask("POST", FUNCTIONS, iter([body[i : i + 7] for i in range(0, len(body), 7)]), encode_chunked=True,
                 headers={"Transfer-Encoding": "chunked"})
    assert answer.status == 201 and answer.json["CodeSize"] == len(package)
    ask("DELETE", f"{FUNCTIONS}/{name}")


def test_base64_with_escapes(ask, package, unique_name):
    """PHP writes \\/ and some writers \\u003d: both are the same string."""
    name = unique_name()
    text = base64.b64encode(package).decode()
    body = creation(name, package).replace(text, text.replace("/", "\\/").replace("=", "\\u003D").replace("A", "\\u0041"))
    answer = ask("POST", FUNCTIONS, body)
    assert answer.status == 201 and answer.json["CodeSize"] == len(package)
    ask("DELETE", f"{FUNCTIONS}/{name}")


def test_a_request_too_large_is_refused_before_it_is_sent(lambent):
    """[TestLambdaSizeLimits::test_oversized_request_create_lambda]"""
    with socket.create_connection(("127.0.0.1", lambent.port), timeout=30) as peer:
        peer.sendall(f"POST {FUNCTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 70167212\r\n\r\n".encode())
        response = http.client.HTTPResponse(peer)
        response.begin()
        answer = Answer(response)
    assert answer.status == 413
    assert answer.headers["x-amzn-errortype"] == "RequestEntityTooLargeException"
    assert answer.json == {"Message": "Request must be smaller than 70167211 bytes for the CreateFunction operation"}


def test_a_zip_too_large(client, zip_of):
    """[TestLambdaSizeLimits::test_oversized_zipped_create_lambda]"""
    with pytest.raises(client.exceptions.ClientError) as error:
        client.create_function(
            FunctionName="never", Runtime="provided.al2023", Role=ROLE, Handler="h", Code={"ZipFile": bytes(50 * 1024 * 1024 + 1)}
        )
    assert error.value.response["ResponseMetadata"]["HTTPStatusCode"] == 413
    assert error.value.response["Error"] == {
        "Code": "RequestEntityTooLargeException", "Message": "Zipped size must be smaller than 52428800 bytes"
    }


def test_web_pages_are_kept_out(ask):
    for headers in ({"Origin": "http://evil.example"}, {"Host": "evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        answer = ask("GET", FUNCTIONS, headers=headers)
        assert (answer.status, answer.headers["x-amzn-errortype"]) == (403, "AccessDeniedException"), headers
        assert answer.json["Message"]


def test_health(ask):
    assert ask("GET", "/_lambent/health").json == {"status": "ok"}


def test_a_client_that_goes_away_in_mid_upload(lambent, ask):
    """Nothing is made, and the daemon serves on."""
    with socket.create_connection(("127.0.0.1", lambent.port), timeout=30) as peer:
        head = f"POST {FUNCTIONS} HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\n"
        peer.sendall((head + '{"FunctionName":"half","Code":{"ZipFile":"' + "A" * 100000).encode())
    assert ask("GET", f"{FUNCTIONS}/half").status == 404
