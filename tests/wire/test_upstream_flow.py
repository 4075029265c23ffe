# SPDX-License-Identifier: Apache-2.0
"""Bodies that flow through --upstream: no faster than the other side, unchanged, and in no memory of the daemon's."""

import hashlib
import http.client
import pathlib
import socket
import ssl
import threading
import urllib.parse

import boto3
import pytest
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest

HOST = {"Host": "s3.us-east-1.amazonaws.com"}  # whom a request without a signature is for
GIGABYTE = 1 << 30
PIECE = bytes(range(256)) * 1024  # 256 KiB


class Peer:
    """A server whose connections are handled by serve(connection, file for reading), in a thread each."""

    def __init__(self, certificates, serve):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.context, self.env = None, {}
        if certificates:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificates / "good.pem", certificates / "good.key")
            self.env = {"AWS_CA_BUNDLE": str(certificates / "ca.pem")}
        self.serve, self.problem = serve, None
        self.threads = [threading.Thread(target=self._accept)]
        self.threads[0].start()

    @property
    def url(self):
        return f"{'https' if self.context else 'http'}://127.0.0.1:{self.listener.getsockname()[1]}"

    def _accept(self):
        while True:
            try:
                plain, _ = self.listener.accept()
            except OSError:
                return
            self.threads.append(threading.Thread(target=self._handle, args=(plain,)))
            self.threads[-1].start()

    def _handle(self, plain):
        # As servers do: else an answer waits behind TLS' tickets for the client's word, and is lost when the connection is closed.
        plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            connection = self.context.wrap_socket(plain, server_side=True) if self.context else plain
            with connection, connection.makefile("rb") as reader:
                self.serve(connection, reader)
        except (OSError, EOFError):
            pass
        except Exception as problem:  # the test's end tells
            self.problem = problem

    def close(self):
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive()
        assert self.problem is None


@pytest.fixture(params=["http", "https"])
def peer(request, certificates):
    """peer(serve): the upstream."""
    peers = []

    def make(serve):
        peers.append(Peer(certificates if request.param == "https" else None, serve))
        return peers[-1]

    yield make
    for each in peers:
        each.close()


def behind(lambent_factory, upstream, *options):
    return lambent_factory("--upstream", upstream.url, *options, env=upstream.env)


def read_head(reader):
    """The request line and the fields, names in lower case; EOFError when nobody asks any more."""
    line = reader.readline()
    if not line:
        raise EOFError
    fields = {}
    while (field := reader.readline().decode().rstrip("\r\n")):
        name, _, value = field.partition(":")
        fields[name.lower()] = value.strip()
    return line.decode().split(), fields


def read_body(reader, fields):
    """The pieces of a body."""
    if fields.get("transfer-encoding") == "chunked":
        while (size := int(reader.readline(), 16)):
            yield reader.read(size)
            reader.readline()
        reader.readline()
        return
    left = int(fields.get("content-length", 0))
    while left:
        piece = reader.read1(min(left, 1 << 18))
        if not piece:
            raise EOFError
        left -= len(piece)
        yield piece


def connect(daemon):
    return http.client.HTTPConnection(urllib.parse.urlsplit(daemon.endpoint).netloc, timeout=120)


def highest_memory(daemon):
    """In bytes, since its start."""
    for line in pathlib.Path(f"/proc/{daemon.process.pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024
    raise AssertionError("no VmHWM")


def test_a_gigabyte_each_way(lambent_factory, peer):
    digests = {}

    def serve(connection, reader):
        while True:
            (method, path, _), fields = read_head(reader)
            if method == "PUT":
                digest = hashlib.sha1()
                for piece in read_body(reader, fields):
                    digest.update(piece)
                digests[path] = digest.hexdigest()
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
            else:
                size = int(path.rsplit("/", 1)[1])
                connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % size)
                for at in range(0, size, len(PIECE)):
                    connection.sendall(PIECE[:size - at])

    daemon = behind(lambent_factory, peer(serve))
    client = connect(daemon)

    def put(path, count, **fields):
        client.request("PUT", path, body=(PIECE for _ in range(count)), headers={**HOST, **fields})
        with client.getresponse() as answer:
            assert answer.status == 200 and answer.read() == b""

    def get(size):
        digest = hashlib.sha1()
        client.request("GET", f"/bucket/{size}", headers=HOST)
        with client.getresponse() as answer:
            while (piece := answer.read(len(PIECE))):
                digest.update(piece)
        return digest.hexdigest()

    # What is there once, libcurl above all, is there before.
    put("/bucket/first", 8)
    get(8 * len(PIECE))
    before = highest_memory(daemon)
    count = GIGABYTE // len(PIECE)
    put("/bucket/whole", count, **{"Content-Length": str(GIGABYTE)})
    put("/bucket/chunks", count // 8)
    down = get(GIGABYTE)
    whole = hashlib.sha1()
    for _ in range(count):
        whole.update(PIECE)
    assert digests["/bucket/whole"] == down == whole.hexdigest()
    assert highest_memory(daemon) - before < 8 << 20


def test_both_bodies_at_once(lambent_factory, peer):
    """Each piece comes out before the next goes in, so neither body can be waited for."""

    def serve(connection, reader):
        _, fields = read_head(reader)
        connection.sendall(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in read_body(reader, fields):
            connection.sendall(b"%x\r\n%s\r\n" % (len(piece), piece))
        connection.sendall(b"0\r\n\r\n")

    daemon = behind(lambent_factory, peer(serve))
    # http.client has no connection any more once an answer says that it will close.
    with socket.create_connection(("127.0.0.1", daemon.port), timeout=120) as client, client.makefile("rb") as reader:
        client.sendall(b"PUT /bucket/key HTTP/1.1\r\nHost: s3.amazonaws.com\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        (_, status, *_), fields = read_head(reader)
        assert status == "200"
        pieces = read_body(reader, fields)
        assert next(pieces) == b"first"
        client.sendall(b"6\r\nsecond\r\n")
        assert next(pieces) == b"second"
        client.sendall(b"0\r\n\r\n")
        assert list(pieces) == []


def test_a_slow_side_holds_the_other_back(lambent_factory, peer):
    """The upstream reads no body and the client no answer, until they are told to: neither may finish before."""
    told, finished = threading.Event(), threading.Event()

    def serve(connection, reader):
        (method, _, _), fields = read_head(reader)
        if method == "PUT":
            assert told.wait(60)
            for _ in read_body(reader, fields):
                pass
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        else:
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (GIGABYTE // 4))
            for _ in range(GIGABYTE // 4 // len(PIECE)):
                connection.sendall(PIECE)
            finished.set()

    daemon = behind(lambent_factory, peer(serve))
    client = connect(daemon)
    sent = []

    def pieces():
        for number in range(GIGABYTE // 8 // len(PIECE)):
            sent.append(number)
            yield PIECE

    sender = threading.Thread(target=lambda: client.request("PUT", "/bucket/key", body=pieces(), headers=HOST))
    sender.start()
    sender.join(1)
    assert sender.is_alive() and len(sent) < GIGABYTE // 8 // len(PIECE)
    told.set()
    sender.join(60)
    with client.getresponse() as answer:
        assert answer.status == 200
    client.close()
    client = connect(daemon)
    client.request("GET", "/bucket/key", headers=HOST)
    with client.getresponse() as answer:
        left = len(answer.read(1 << 20))
        assert not finished.is_set()
        while (piece := answer.read(1 << 20)):
            left += len(piece)
        assert left == GIGABYTE // 4
    assert finished.wait(60)


SIGNED_PIECES = (b"400;chunk-signature=ad80c730a21e5b8d04586a2213dd63b9a0e99e0e2307b0ade35a65485a288648\r\n" + b"a" * 1024 + b"\r\n"
                 b"0;chunk-signature=b6c6ea8a5354eaf15b3cb7646744f4275b71ea724fed81ceb9323e279d449df9\r\n"
                 b"x-amz-checksum-crc32c:sOO8/Q==\r\n"
                 b"x-amz-trailer-signature:63bddb248ad2590c92712055f51b8e78ab024eead08276b24f010b0efd74843f\r\n\r\n")


@pytest.mark.parametrize("framing", ["length", "chunked"])
def test_pieces_that_are_signed_pass_unchanged(lambent_factory, peer, framing):
    got = []

    def serve(connection, reader):
        _, fields = read_head(reader)
        got.append((fields, b"".join(read_body(reader, fields))))
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    daemon = behind(lambent_factory, peer(serve))
    fields = {
        **HOST, "Content-Encoding": "aws-chunked", "x-amz-decoded-content-length": "1024", "x-amz-trailer": "x-amz-checksum-crc32c",
        "x-amz-content-sha256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER",
        "Authorization": "AWS4-HMAC-SHA256 Credential=test/20261129/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=abc",
    }
    client = connect(daemon)
    body = iter([SIGNED_PIECES]) if framing == "chunked" else SIGNED_PIECES
    client.request("PUT", "/bucket/key", body=body, headers=fields, encode_chunked=framing == "chunked")
    with client.getresponse() as answer:
        assert answer.status == 200
    [(arrived, content)] = got
    assert content == SIGNED_PIECES
    for name, value in fields.items():
        assert arrived[name.lower()] == value
    assert ("content-length" in arrived) == (framing == "length")


# ---- what breaks ----


def test_a_kept_connection_that_closes(lambent_factory, peer):
    """It answers once and closes when it has read the next request. A client that begins never meets such a connection; one that goes
    on finds its own closed, as it would there, and nothing is sent twice."""
    heads = []

    def serve(connection, reader):
        for answered in (False, True):
            line, fields = read_head(reader)
            heads.append(line[:2])
            list(read_body(reader, fields))
            if answered:
                return
            connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")

    def ask(client, method, path):
        client.request(method, path, body=b"body" if method == "POST" else None, headers=HOST)
        with client.getresponse() as answer:
            return answer.status, answer.read()

    daemon = behind(lambent_factory, peer(serve))
    one = connect(daemon)
    assert ask(one, "POST", "/b/1") == (200, b"ok")
    assert ask(connect(daemon), "POST", "/b/2") == (200, b"ok")
    one = connect(daemon)
    assert ask(one, "POST", "/b/3") == (200, b"ok")
    with pytest.raises(ConnectionError):
        ask(one, "POST", "/b/4")
    # What may be sent twice is.
    assert ask(connect(daemon), "GET", "/b/5") == (200, b"ok")
    assert ask(connect(daemon), "GET", "/b/6") == (200, b"ok")
    assert [path for method, path in heads if method == "POST"] == ["/b/1", "/b/2", "/b/3", "/b/4"]


def test_answered_before_the_body_has_come(lambent_factory, peer):
    """A refusal is read although the sender is not done, and nothing waits for the rest."""

    def serve(connection, reader):
        read_head(reader)
        connection.sendall(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 6\r\nConnection: close\r\n\r\nrefuse")

    daemon = behind(lambent_factory, peer(serve))
    client = connect(daemon)
    client.putrequest("PUT", "/bucket/key", skip_host=True)
    for name, value in {**HOST, "Content-Length": str(GIGABYTE)}.items():
        client.putheader(name, value)
    client.endheaders()
    client.send(PIECE)
    with client.getresponse() as answer:
        assert (answer.status, answer.read()) == (403, b"refuse")


def test_gone_before_the_head(lambent_factory, peer):
    def serve(connection, reader):
        _, fields = read_head(reader)
        next(read_body(reader, fields), None)

    daemon = behind(lambent_factory, peer(serve))
    client = connect(daemon)
    for body in (b"small", (PIECE for _ in range(4096))):
        try:
            client.request("PUT", "/bucket/key", body=body, headers=HOST)
        except OSError:
            pass  # the answer is there, whatever became of the rest of the question
        with client.getresponse() as answer:
            text = answer.read()
            assert answer.status == 502 and b"<Code>BadGateway</Code>" in text and b"does not answer" in text
        client.close()


@pytest.mark.parametrize("framing, head", [
    ("length", b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nsome of it"),
    ("chunked", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nsome of it\r\n"),
    ("nonsense", b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nsome of it\r\nnonsense\r\n"),
])
def test_gone_in_the_body(lambent_factory, peer, framing, head):
    def serve(connection, reader):
        read_head(reader)
        connection.sendall(head)

    daemon = behind(lambent_factory, peer(serve))
    client = connect(daemon)
    client.request("GET", "/bucket/key", headers=HOST)
    answer = client.getresponse()
    with pytest.raises((http.client.IncompleteRead, ConnectionError)):
        answer.read()
    client.close()


def test_a_sender_that_goes_away(lambent_factory, peer):
    """Half a body must not look like a whole one over there."""
    begun, broken = threading.Event(), threading.Event()

    def serve(connection, reader):
        _, fields = read_head(reader)
        begun.set()
        try:
            for _ in read_body(reader, fields):
                pass
        except (OSError, EOFError, ValueError):
            broken.set()

    daemon = behind(lambent_factory, peer(serve))
    for fields in ({"Content-Length": "1000000"}, {"Transfer-Encoding": "chunked"}):
        begun.clear()
        broken.clear()
        client = connect(daemon)
        client.putrequest("PUT", "/bucket/key", skip_host=True)
        for name, value in {**HOST, **fields}.items():
            client.putheader(name, value)
        client.endheaders()
        client.send(b"3e8\r\n" + b"x" * 1000 + b"\r\n")
        assert begun.wait(60)
        client.close()
        assert broken.wait(60)


def test_a_body_that_was_not_signed_never_arrives_whole(lambent_factory, peer, tmp_path):
    keys = tmp_path / "keys"
    keys.write_text("AKID SECRET\n")
    arrived, broken = [], threading.Event()

    def serve(connection, reader):
        _, fields = read_head(reader)
        try:
            arrived.append(b"".join(read_body(reader, fields)))
        except (OSError, EOFError, ValueError):
            broken.set()
            return
        connection.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    daemon = behind(lambent_factory, peer(serve), "--verify-signatures", "--credentials", str(keys))
    signed = PIECE * 8

    def send(body):
        request = AWSRequest("POST", daemon.endpoint + "/", data=signed, headers={"X-Amz-Target": "DynamoDB_20120810.PutItem"})
        SigV4Auth(boto3.Session(aws_access_key_id="AKID", aws_secret_access_key="SECRET").get_credentials(), "dynamodb",
                  "us-east-1").add_auth(request)
        client = connect(daemon)
        client.request("POST", "/", body=body, headers=dict(request.headers.items()))
        with client.getresponse() as answer:
            return answer.status, answer.read()

    assert send(signed)[0] == 200 and arrived == [signed]
    status, text = send(signed[:-1] + b"!")
    assert status in (400, 403) and b"signature" in text.lower()
    assert broken.wait(60) and arrived == [signed]
