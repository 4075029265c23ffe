# SPDX-License-Identifier: Apache-2.0
"""An S3 that behaves as it is told, byte by byte; the paths decide, and what came is kept."""

import contextlib
import socket
import socketserver
import ssl
import threading


def answer(status, body=b"", **headers):
    """A whole answer of S3's."""
    lines = [f"HTTP/1.1 {status} x", *(f"{name.replace('_', '-')}: {value}" for name, value in headers.items())]
    return "\r\n".join([*lines, f"Content-Length: {len(body)}", "", ""]).encode() + body


def error(status, code, message, **headers):
    xml = f'<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>R</RequestId></Error>'
    return answer(status, xml.encode(), Content_Type="application/xml", **headers)


class FakeS3(socketserver.ThreadingTCPServer):
    """paths[path] is what is sent: bytes, or a function of (connection, number of this request of the path, from 1).

    certificate, a file with its key beside it: it speaks TLS. proxy: it is asked as one, and is then itself whatever it shall connect to.
    """

    daemon_threads = True
    allow_reuse_address = True
    request_queue_size = 128

    def __init__(self, certificate=None, proxy=False):
        super().__init__(("127.0.0.1", 0), Connection)
        self.context = None
        if certificate:
            self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            self.context.load_cert_chain(certificate, certificate.with_suffix(".key"))
        self.proxy = proxy
        self.connects = []  # what the proxy was to connect to
        self.paths = {}
        self.requests = []  # (path with query, headers in lower case)
        self.lock = threading.Lock()
        self.thread = threading.Thread(target=self.serve_forever, kwargs={"poll_interval": 0.05})
        self.thread.start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_address[1]}"

    def count(self, path):
        with self.lock:
            return sum(1 for seen, _ in self.requests if seen == path)

    def stop(self):
        self.shutdown()
        self.thread.join()
        self.server_close()

    def handle_error(self, request, client_address):
        """A peer that has gone is what some tests are about."""


class Connection(socketserver.StreamRequestHandler):
    def read_head(self):
        line = self.rfile.readline().decode().split()
        headers = {}
        while (field := self.rfile.readline().decode("latin-1").rstrip("\r\n")):
            name, _, value = field.partition(":")
            headers[name.lower()] = value.strip()
        return line, headers

    def handle(self):
        if self.server.proxy:
            self.server.connects.append(self.read_head()[0][1])
            self.send(b"HTTP/1.1 200 x\r\n\r\n")
        if self.server.context:
            with contextlib.suppress(OSError), self.server.context.wrap_socket(self.request, server_side=True) as self.request:
                self.rfile = self.request.makefile("rb")
                self.serve()
        else:
            self.serve()

    def serve(self):
        line, headers = self.read_head()
        if len(line) != 3:
            return
        with self.server.lock:
            self.server.requests.append((line[1], headers))
            number = sum(1 for seen, _ in self.server.requests if seen == line[1])
        reply = self.server.paths.get(line[1], error(404, "NoSuchKey", "The specified key does not exist."))
        with contextlib.suppress(OSError):
            if callable(reply):
                reply(self, number)
            else:
                self.send(reply)

    def send(self, data):
        self.request.sendall(data)

    def wait_gone(self):
        """Until the peer has closed its end."""
        with contextlib.suppress(OSError):
            while self.request.recv(4096):
                pass

    def cut(self):
        """Ends the connection with a reset."""
        self.request.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
