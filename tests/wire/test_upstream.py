# SPDX-License-Identifier: Apache-2.0
"""Requests for services that lambent is not: refused by name, or passed on unchanged."""

import http.client
import http.server
import ssl
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

    def __init__(self, certificates=None, name="good"):
        """certificates: their folder, for TLS."""
        super().__init__(("127.0.0.1", 0), Handler)
        self.requests = []
        self.connections = 0
        self.scheme, self.env = "http", {}
        if certificates:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificates / f"{name}.pem", certificates / f"{name}.key")
            # The handshake is for the connection's own thread.
            self.socket = context.wrap_socket(self.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme, self.env = "https", {"AWS_CA_BUNDLE": str(certificates / "ca.pem")}
        self.answer = (200, {"Content-Type": "application/x-amz-json-1.0", "X-Own": "kept"}, b'{"TableNames": ["t"]}')
        self.thread = threading.Thread(target=self.serve_forever)
        self.thread.start()

    @property
    def url(self):
        return f"{self.scheme}://127.0.0.1:{self.server_address[1]}"

    def process_request(self, request, client_address):
        self.connections += 1
        super().process_request(request, client_address)

    def handle_error(self, request, client_address):
        pass  # a client that goes, or does not like the certificate

    def close(self):
        self.shutdown()
        self.server_close()
        self.thread.join()


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


@pytest.fixture(params=["http", "https"])
def upstream(request, certificates):
    server = Upstream(certificates if request.param == "https" else None)
    yield server
    server.close()


def behind(lambent_factory, upstream, *options, **env):
    return lambent_factory("--upstream", upstream.url, *options, env={**upstream.env, **env})


def client_of(daemon, service, **settings):
    return boto3.client(service, endpoint_url=daemon.endpoint, region_name="eu-west-1", aws_access_key_id="test",
                        aws_secret_access_key="test", config=Config(retries={"max_attempts": 0}, **settings))


def test_requests_go_on_unchanged(lambent_factory, upstream):
    daemon = lambent_factory("--upstream", upstream.url + "/", env=upstream.env)
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
    daemon = behind(lambent_factory, upstream)
    upstream.answer = (200, {"Content-Type": "text/xml"},
                       b"<ListUsersResponse><ListUsersResult><Users/></ListUsersResult></ListUsersResponse>")
    assert client_of(daemon, "iam").list_users()["Users"] == []
    assert b"Action=ListUsers" in upstream.requests[0][3]


def test_objects_through_it(lambent_factory, upstream):
    daemon = behind(lambent_factory, upstream)
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
    daemon = behind(lambent_factory, upstream)
    upstream.close()
    status, code, text = refused(client_of(daemon, "dynamodb").list_tables)
    assert (status, code) == (502, "BadGateway") and f"The upstream {upstream.url} does not answer: " in text
    assert "Connection refused" in text or "Couldn't connect to server" in text
    assert refused(client_of(daemon, "sns").list_topics)[:2] == (502, "BadGateway")


def test_a_client_that_goes_away(lambent_factory, upstream):
    daemon = behind(lambent_factory, upstream)
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


@pytest.mark.parametrize("name, words", [
    ("expired", "expired"), ("wrong-name", "127.0.0.1"), ("self-signed", "certificate"), ("stranger", "certificate"),
])
def test_an_upstream_that_is_not_trusted(lambent_factory, certificates, name, words):
    upstream = Upstream(certificates, name)
    try:
        status, code, text = refused(client_of(behind(lambent_factory, upstream), "dynamodb").list_tables)
        assert (status, code) == (502, "BadGateway") and words in text
        assert upstream.requests == []
    finally:
        upstream.close()


def test_no_libcurl(lambent_factory, certificates):
    upstream = Upstream(certificates)
    try:
        daemon = behind(lambent_factory, upstream, LAMBENT_LIBCURL="/nowhere/libcurl.so.4")
        for _ in range(2):
            status, code, text = refused(client_of(daemon, "dynamodb").list_tables)
            assert (status, code) == (502, "BadGateway") and "install the package libcurl4" in text
    finally:
        upstream.close()


def test_connections_are_kept(lambent_factory, upstream):
    daemon = behind(lambent_factory, upstream)
    client = client_of(daemon, "dynamodb")
    for _ in range(5):
        assert client.list_tables()["TableNames"] == ["t"]
    assert upstream.connections == 1
    # One that the other side closes is not used again.
    upstream.answer = (200, {"Connection": "close"}, b"{}")
    for _ in range(3):
        client.list_tables()
    assert upstream.connections == 3


@pytest.mark.parametrize("url, words", [
    ("ftp://localhost", "http://HOST:PORT"),
    ("https://localhost:0", "https://HOST:PORT"),
    ("https://localhost:https", "https://HOST:PORT"),
    ("http://[::1", "http://HOST:PORT"),
    ("localhost:4566", "http://HOST:PORT"),
    ("http://localhost:4566/path", "http://HOST:PORT"),
    ("http://user@localhost", "http://HOST:PORT"),
    ("http://", "http://HOST:PORT"),
])
def test_urls_that_will_not_do(url, words):
    done = subprocess.run([binary(), "serve", "--temporary", "--listen", "127.0.0.1:0", "--upstream", url], capture_output=True, text=True,
                          timeout=60)
    assert done.returncode != 0 and words in done.stderr
