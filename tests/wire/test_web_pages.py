# SPDX-License-Identifier: Apache-2.0
"""Pages in the developer's browser can reach a server on loopback; they must not be able to use it."""

import http.client
import json

import pytest

from guests import c_bootstrap

ROLE = "arn:aws:iam::000000000000:role/lambent"


def send(daemon, method, path, body=None, **headers):
    """(status, headers, body) of one request with exactly these headers."""
    connection = http.client.HTTPConnection(daemon.endpoint.removeprefix("http://"), timeout=10)
    connection.putrequest(method, path, skip_host=True, skip_accept_encoding=True)
    for key, value in {"Host": "localhost", **headers}.items():
        if value is not None:
            connection.putheader(key.replace("_", "-"), value)
    if body is not None:
        connection.putheader("Content-Length", str(len(body)))
    connection.endheaders(body)
    answer = connection.getresponse()
    status, fields, content = answer.status, answer.headers, answer.read()
    connection.close()
    return status, fields, content


@pytest.fixture(scope="module")
def echo(client, lambent):
    client.create_function(FunctionName="behind-the-guard", Runtime="provided.al2023", Handler="echo", Role=ROLE, Code={"ZipFile": c_bootstrap()})
    client.get_waiter("function_active_v2").wait(FunctionName="behind-the-guard", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    yield "/2015-03-31/functions/behind-the-guard/invocations"
    client.delete_function(FunctionName="behind-the-guard")


FOREIGN = ["example.com", "example.com:4566", "evil.localhost.example.com", "localhost.example.com", "127.0.0.1.nip.io", "amazonaws.com.example.com",
           "notamazonaws.com", "[::1].example.com", "localhost:port", ".", "example.com.", "0x7f.1"]
OURS = ["localhost", "localhost:4566", "LOCALHOST", "localhost.", "127.0.0.1", "127.0.0.1:4566", "[::1]", "[::1]:4566", "192.168.1.7:80", "lambent",
        "lambent:4566", "lambda.localhost", "x.y.localhost:1", "host.docker.internal", "host.containers.internal:4566",
        "lambda.us-east-1.amazonaws.com", "abc.lambda-url.us-east-1.on.aws", "lambda.cn-north-1.amazonaws.com.cn"]


@pytest.mark.parametrize("host", FOREIGN)
def test_foreign_names_are_refused(lambent, echo, host):
    """DNS rebinding: the page's own name leads to 127.0.0.1."""
    for method, path, body in (("POST", echo, b"1"), ("GET", "/2015-03-31/functions/", None), ("GET", "/_lambent/environments", None)):
        status, fields, answer = send(lambent, method, path, body, Host=host)
        assert status in (400, 403)
        assert b"behind-the-guard" not in answer
    assert send(lambent, "GET", "/_lambent/environments", Host="example.com")[0] == 403


@pytest.mark.parametrize("host", OURS)
def test_our_own_names_pass(lambent, echo, host):
    assert send(lambent, "POST", echo, b"1", Host=host)[::2] == (200, b"1")


PAGES = [
    {"Origin": "https://example.com"},
    {"Origin": "http://localhost:3000"},
    {"Origin": "null"},
    {"Sec_Fetch_Site": "cross-site"},
    {"Sec_Fetch_Site": "same-site"},
    {"Sec_Fetch_Site": "same-origin"},
    {"Origin": "https://example.com", "Sec_Fetch_Site": "none"},
]


@pytest.mark.parametrize("marks", PAGES, ids=str)
def test_what_a_page_sends_is_refused(lambent, client, echo, marks):
    package = json.dumps({"FunctionName": "from-a-page", "Runtime": "provided.al2023", "Handler": "h", "Role": ROLE, "Code": {"ZipFile": "UEs="}})
    for method, path, body in (("POST", echo, b"1"), ("POST", "/2015-03-31/functions", package.encode()),
                               ("DELETE", "/2015-03-31/functions/behind-the-guard", None), ("POST", "/_lambent/environments/evict", b"{}"),
                               ("GET", "/metrics", None), ("OPTIONS", echo, None)):
        status, fields, _ = send(lambent, method, path, body, Content_Type="text/plain", **marks)
        assert status == 403
        assert "Access-Control-Allow-Origin" not in fields
    assert send(lambent, "POST", echo, b"1")[0] == 200


def test_an_address_that_somebody_typed_passes(lambent):
    assert send(lambent, "GET", "/_lambent/health", Sec_Fetch_Site="none")[0] == 200


def test_a_refused_upload_does_not_break_the_connection_of_others(lambent, echo):
    status, _, _ = send(lambent, "POST", echo, b"1" * 1000000, Host="example.com")
    assert status == 403
    assert send(lambent, "POST", echo, b"2")[::2] == (200, b"2")


def test_names_that_are_allowed_by_an_option(lambent_factory):
    daemon = lambent_factory("--allow-host", "lambda.example.com", "--allow-host", ".dev.example.com")
    for host, expected in (("lambda.example.com", 200), ("LAMBDA.example.com:80", 200), ("x.dev.example.com", 200), ("x.y.dev.example.com:1", 200),
                           ("example.com", 403), ("other.example.com", 403), ("x.lambda.example.com", 403), ("xdev.example.com", 403),
                           ("localhost", 200)):
        assert (host, send(daemon, "GET", "/_lambent/health", Host=host)[0]) == (host, expected)
    assert send(daemon, "GET", "/_lambent/health", Host="lambda.example.com", Origin="https://lambda.example.com")[0] == 403
