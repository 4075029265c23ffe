# SPDX-License-Identifier: Apache-2.0
"""Requests for services that lambent is not: refused by name, or passed on unchanged."""

import http.client
import http.server
import subprocess
import threading
import urllib.error
import urllib.parse
import urllib.request

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError
from conftest import make_client
from daemon import binary


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.mark.parametrize("service, call, arguments, code", [
    ("dynamodb", "list_tables", {}, "NotImplementedException"),  # JSON 1.0
    ("ecr", "describe_repositories", {}, "NotImplementedException"),  # JSON 1.1
    ("sns", "list_topics", {}, "NotImplemented"),  # Query
    ("ec2", "describe_instances", {}, "NotImplemented"),  # EC2's Query
    ("s3", "list_objects", {"Bucket": "bucket"}, "NotImplemented"),  # REST and XML
    ("apigatewayv2", "get_apis", {}, "NotImplementedException"),  # REST and JSON
])
def test_strangers_are_named_in_their_own_shape(lambent, service, call, arguments, code):
    names = {"apigatewayv2": "apigateway"}
    status, got, text = refused(getattr(make_client(lambent.endpoint, service=service), call), **arguments)
    assert (status, got) == (501, code)
    assert text == f"lambent is not the service {names.get(service, service)}: with --upstream URL it passes such requests on."


def test_hosts_name_services_too(lambent):
    """A request without a signature."""
    request = urllib.request.Request(lambent.endpoint + "/bucket/key", headers={"Host": "s3.us-east-1.amazonaws.com"})
    with pytest.raises(urllib.error.HTTPError) as error:
        urllib.request.urlopen(request)
    assert error.value.code == 501 and b"<Code>NotImplemented</Code>" in error.value.read()


class Upstream(http.server.ThreadingHTTPServer):
    """Remembers the requests that come, and answers by `answer`."""

    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.answer = (200, {"Content-Type": "application/x-amz-json-1.0", "X-Own": "kept"}, b'{"TableNames": ["t"]}')
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def serve(self):
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        self.server.requests.append((self.command, self.path, dict(self.headers.items()), body))
        status, headers, content = self.server.answer
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        if isinstance(content, bytes):
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            if self.command != "HEAD":
                self.wfile.write(content)
        else:
            self.send_header("Transfer-Encoding", "chunked")
            self.end_headers()
            for piece in content:
                self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
            self.wfile.write(b"0\r\n\r\n")

    do_GET = do_HEAD = do_POST = do_PUT = do_DELETE = serve

    def log_message(self, *_):
        pass


@pytest.fixture
def upstream():
    server = Upstream()
    yield server
    server.shutdown()
    server.server_close()
    server.thread.join()


def client_of(daemon, service, **settings):
    return boto3.client(service, endpoint_url=daemon.endpoint, region_name="eu-west-1", aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}, **settings))


def test_requests_go_on_unchanged(lambent_factory, upstream):
    daemon = lambent_factory("--upstream", upstream.url + "/")
    sent = []
    client = client_of(daemon, "dynamodb")
    client.meta.events.register("before-send.*", lambda request, **_: sent.append(request))
    answer = client.list_tables()
    assert answer["TableNames"] == ["t"] and answer["ResponseMetadata"]["HTTPHeaders"]["x-own"] == "kept"
    [(method, path, headers, body)] = upstream.requests
    assert (method, path, body) == ("POST", "/", sent[0].body)
    got = {name.lower(): value for name, value in headers.items()}
    for name, value in sent[0].headers.items():
        assert got[name.lower()] == (value.decode() if isinstance(value, bytes) else value)
    assert got["host"] == urllib.parse.urlsplit(daemon.endpoint).netloc
    # Lambda's own and what the neighbours do stay here.
    assert make_client(daemon.endpoint).list_functions()["Functions"] == []
    assert client_of(daemon, "sts").get_caller_identity()["Account"] == "000000000000"
    assert len(upstream.requests) == 1


def test_what_a_neighbour_does_not_do_goes_on(lambent_factory, upstream):
    daemon = lambent_factory("--upstream", upstream.url)
    upstream.answer = (200, {"Content-Type": "text/xml"},
                       b"<ListUsersResponse><ListUsersResult><Users/></ListUsersResult></ListUsersResponse>")
    assert client_of(daemon, "iam").list_users()["Users"] == []
    assert b"Action=ListUsers" in upstream.requests[0][3]


def test_objects_through_it(lambent_factory, upstream):
    daemon = lambent_factory("--upstream", upstream.url)
    s3 = client_of(daemon, "s3", s3={"addressing_style": "path"})
    data = bytes(range(256)) * 8192  # 2 MiB
    upstream.answer = (200, {"ETag": '"e"'}, b"")
    assert s3.put_object(Bucket="bucket", Key="a key/ü", Body=data)["ETag"] == '"e"'
    assert upstream.requests[-1][:2] == ("PUT", "/bucket/a%20key/%C3%BC") and data in upstream.requests[-1][3]
    upstream.answer = (200, {}, [data] * 8)
    assert s3.get_object(Bucket="bucket", Key="k")["Body"].read() == data * 8
    upstream.answer = (200, {"Content-Type": "text/plain"}, b"12345")
    assert s3.head_object(Bucket="bucket", Key="k")["ContentLength"] == 5
    upstream.answer = (404, {}, b"<Error><Code>NoSuchKey</Code><Message>m</Message></Error>")
    assert refused(s3.get_object, Bucket="bucket", Key="k")[:2] == (404, "NoSuchKey")
    upstream.answer = (204, {}, b"")
    s3.delete_object(Bucket="bucket", Key="k")


def test_an_upstream_that_is_not_there(lambent_factory, upstream):
    daemon = lambent_factory("--upstream", upstream.url)
    upstream.shutdown()
    upstream.server_close()
    status, code, text = refused(client_of(daemon, "dynamodb").list_tables)
    assert (status, code) == (502, "BadGateway") and "does not answer: Connection refused" in text
    assert refused(client_of(daemon, "sns").list_topics)[:2] == (502, "BadGateway")


def test_a_client_that_goes_away(lambent_factory, upstream):
    daemon = lambent_factory("--upstream", upstream.url)
    gone = threading.Event()

    def pieces():
        try:
            while True:
                yield b"x" * 65536
        finally:
            gone.set()

    upstream.answer = (200, {}, pieces())
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(daemon.endpoint).netloc)
    connection.request("GET", "/bucket/endless", headers={"Host": "s3.amazonaws.com"})
    with connection.getresponse() as answer:
        answer.read(1 << 20)
    connection.close()
    upstream.answer = None
    assert gone.wait(30)


@pytest.mark.parametrize("url, words", [
    ("https://example.com", "needs TLS"),
    ("localhost:4566", "http://HOST:PORT"),
    ("http://localhost:4566/path", "http://HOST:PORT"),
    ("http://user@localhost", "http://HOST:PORT"),
    ("http://", "http://HOST:PORT"),
])
def test_urls_that_will_not_do(url, words):
    done = subprocess.run([binary(), "serve", "--temporary", "--listen", "127.0.0.1:0", "--upstream", url], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode != 0 and words in done.stderr
