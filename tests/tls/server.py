# SPDX-License-Identifier: Apache-2.0
"""Servers that speak TLS well, badly or not at all, and a proxy: `server.py FOLDER`, for tests in C; it ends with its standard input.

FOLDER gets its certificates (certificates.py). Each server says "NAME PORT" on standard output, then comes "ready".
Over TLS, by path: /bytes/N, /until-close/N, /torn (the connection is cut in mid-body, without a word of TLS), /echo (the
body), /raw (what comes goes back, until the peer's end), /close, /names (the certificate that the client showed).
"""

import pathlib
import socket
import ssl
import sys
import threading
import warnings

import certificates

PATTERN = bytes(range(251)) * 4096


def content(count):
    for at in range(0, count, len(PATTERN)):
        yield PATTERN[: min(len(PATTERN), count - at)]


def read_head(stream):
    head = stream.readline()
    fields = {}
    while (line := stream.readline()) not in (b"\r\n", b""):
        name, _, value = line.partition(b":")
        fields[name.strip().lower()] = value.strip()
    return head.split(), fields


def chunks(stream):
    while size := int(stream.readline(), 16):
        yield stream.read(size)
        stream.readline()
    stream.readline()


def body_of(stream, fields):
    if fields.get(b"transfer-encoding") == b"chunked":
        yield from chunks(stream)
        return
    left = int(fields.get(b"content-length", 0))
    while left:
        piece = stream.read1(min(left, 1 << 16))
        if not piece:
            return
        left -= len(piece)
        yield piece


def serve_one(connection, stream):
    """False when the connection ends."""
    words, fields = read_head(stream)
    if len(words) < 2:
        return False
    _, what, *number = words[1].decode().split("/")
    send = connection.sendall
    if what == "bytes":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % int(number[0]))
        for piece in content(int(number[0])):
            send(piece)
    elif what == "until-close":
        send(b"HTTP/1.0 200 OK\r\n\r\n")
        for piece in content(int(number[0])):
            send(piece)
        return False
    elif what == "torn":
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\nten bytes.")
        connection.detach_and_cut()
    elif what == "echo":
        # The answer begins when the body has, so neither side may wait for the other's whole.
        send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        for piece in body_of(stream, fields):
            send(b"%x\r\n%s\r\n" % (len(piece), piece))
        send(b"0\r\n\r\n")
    elif what == "raw":
        send(b"HTTP/1.1 101 UPGRADED\r\nConnection: Upgrade\r\nUpgrade: tcp\r\n\r\n")
        while piece := stream.read1(1 << 16):
            send(piece)
        return False
    elif what == "names":
        subject = (connection.getpeercert() or {}).get("subject", ())
        text = ",".join(value for part in subject for _, value in part).encode()
        send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%s" % (len(text), text))
    else:
        send(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\nConnection: close\r\n\r\nbye")
        return False
    return True


class Cut(Exception):
    pass


class Connection(ssl.SSLSocket):
    def detach_and_cut(self):
        raise Cut


def serve_tls(plain, context):
    context.sslsocket_class = Connection
    with context.wrap_socket(plain, server_side=True) as connection:
        stream = connection.makefile("rb")
        try:
            while serve_one(connection, stream):
                pass
            connection.unwrap()
        except Cut:
            socket.socket(fileno=connection.detach()).close()


def serve_ssh(plain, _):
    plain.sendall(b"SSH-2.0-OpenSSH_9.2\r\n")
    plain.recv(1 << 16)
    plain.close()


def serve_silence(plain, _):
    while plain.recv(1 << 16):
        pass
    plain.close()


def pump(source, sink):
    try:
        while data := source.recv(1 << 16):
            sink.sendall(data)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        pass


def serve_proxy(plain, answer):
    """CONNECT tls.example:PORT leads to that port here; answer: what it refuses with instead."""
    head = plain.makefile("rb")
    (method, target, *_), _ = read_head(head)
    assert method == b"CONNECT"
    if answer:
        plain.sendall(answer)
        plain.close()
        return
    other = socket.create_connection(("127.0.0.1", int(target.rsplit(b":", 1)[1])))
    plain.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
    threading.Thread(target=pump, args=(other, plain), daemon=True).start()
    pump(plain, other)


def context_of(folder, name, client=None, **settings):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.pem", folder / f"{name}.key")
    if client:
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(folder / client)
    for attribute, value in settings.items():
        setattr(context, attribute, value)
    return context


def guarded(serve, connection, argument):
    try:
        serve(connection, argument)
    except (OSError, ValueError, AssertionError):
        pass


def listen(name, serve, argument=None):
    listener = socket.create_server(("127.0.0.1", 0), backlog=64)

    def accept():
        while True:
            connection, _ = listener.accept()
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=guarded, args=(serve, connection, argument), daemon=True).start()

    threading.Thread(target=accept, daemon=True).start()
    print(name, listener.getsockname()[1])


def main():
    folder = certificates.make(pathlib.Path(sys.argv[1]))
    for name in ("good", "expired", "wrong-name", "self-signed", "stranger"):
        listen(name, serve_tls, context_of(folder, name))
    listen("mutual", serve_tls, context_of(folder, "good", client="ca.pem"))
    listen("mutual12", serve_tls, context_of(folder, "good", client="ca.pem", maximum_version=ssl.TLSVersion.TLSv1_2))
    listen("tls12", serve_tls, context_of(folder, "good", maximum_version=ssl.TLSVersion.TLSv1_2))
    warnings.simplefilter("ignore", DeprecationWarning)  # that is what it is here for
    old = context_of(folder, "good")
    old.set_ciphers("ALL:@SECLEVEL=0")
    old.minimum_version = old.maximum_version = ssl.TLSVersion.TLSv1_1
    listen("old", serve_tls, old)
    listen("ssh", serve_ssh)
    listen("silent", serve_silence)
    listen("proxy", serve_proxy)
    listen("refusing-proxy", serve_proxy, b"HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n")
    print("ready", 0, flush=True)
    sys.stdin.read()


if __name__ == "__main__":
    main()
