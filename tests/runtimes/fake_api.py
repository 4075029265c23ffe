# SPDX-License-Identifier: Apache-2.0
"""A Runtime API for tests: hands out prepared events, records whatever the runtime sends.

Deliberately independent of the daemon, so that the runtime clients can be compared with AWS's own clients against
the very same peer. Requests are parsed by hand because the trailers of a streamed answer must be seen.
"""

import queue
import socket
import threading
import uuid


class Request:
    def __init__(self, method, path, headers):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = b""
        self.trailers = {}
        self.chunks = []

    @property
    def kind(self):
        """`next`, `response`, `error`, `init/error`, `restore/next`, `restore/error`."""
        tail = self.path.split("/runtime/", 1)[1]
        return tail.rsplit("/", 1)[1] if tail.startswith("invocation/") else tail


class Event:
    def __init__(self, body=b"{}", headers=None, chunked=False):
        self.body = body
        self.headers = headers or {}
        self.chunked = chunked
        self.request_id = self.headers.get("Lambda-Runtime-Aws-Request-Id") or str(uuid.uuid4())


class FakeApi:
    """`next` answers the queued events in order; when they are used up it blocks until `close`."""

    def __init__(self):
        self.requests = queue.Queue()
        self._events = queue.Queue()
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._listener.getsockname()[1]
        self._connections = []
        self._lock = threading.Lock()
        self.connection_count = 0
        self.close_after_each = False
        self.post_status = 202
        threading.Thread(target=self._accept, daemon=True).start()

    def push(self, event):
        self._events.put(event)

    def take(self, kind=None, timeout=20):
        """The next recorded request; with `kind`, the next one of that kind."""
        while True:
            request = self.requests.get(timeout=timeout)
            if kind is None or request.kind == kind:
                return request

    def close(self):
        self._events.put(None)
        # A thread blocked in accept holds the listener; only shutdown wakes it.
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        with self._lock:
            for connection in self._connections:
                try:
                    connection.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
                connection.close()

    def _accept(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self._lock:
                self._connections.append(connection)
                self.connection_count += 1
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        try:
            while True:
                request = _read_request(stream)
                if request is None:
                    return
                self.requests.put(request)
                connection.sendall(self._answer(request))
                if self.close_after_each:
                    connection.shutdown(socket.SHUT_RDWR)
                    return
        except (OSError, ValueError):
            return
        finally:
            stream.close()

    def _answer(self, request):
        if request.kind == "next":
            event = self._events.get()
            if event is None:
                self._events.put(None)
                raise OSError("closed")
            return _event_bytes(event)
        if request.kind == "restore/next":
            return b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
        body = b'{"status":"OK"}\n'
        head = b"HTTP/1.1 %d Status\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"
        return head % (self.post_status, len(body)) + body


def _event_bytes(event):
    headers = {
        "Content-Type": "application/json",
        "Lambda-Runtime-Aws-Request-Id": event.request_id,
        "Lambda-Runtime-Deadline-Ms": "4102444800000",
        "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:us-east-1:000000000000:function:probe",
        **event.headers,
    }
    if event.chunked:
        headers["Transfer-Encoding"] = "chunked"
        middle = len(event.body) // 2
        parts = [part for part in (event.body[:middle], event.body[middle:]) if part]
        body = b"".join(b"%x\r\n%s\r\n" % (len(part), part) for part in parts) + b"0\r\n\r\n"
    else:
        headers["Content-Length"] = str(len(event.body))
        body = event.body
    lines = "".join("%s: %s\r\n" % item for item in headers.items() if item[1] is not None)
    return b"HTTP/1.1 200 OK\r\n" + lines.encode() + b"\r\n" + body


def _read_fields(stream):
    fields = {}
    while True:
        line = stream.readline().rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        if not line:
            return fields
        name, _, value = line.partition(":")
        fields[name.lower()] = value.strip()


def _read_request(stream):
    first = stream.readline()
    if not first:
        return None
    method, path, _ = first.decode().split(" ", 2)
    request = Request(method, path, _read_fields(stream))
    if request.headers.get("transfer-encoding", "").lower() == "chunked":
        while True:
            size = int(stream.readline().split(b";")[0], 16)
            if size == 0:
                break
            request.chunks.append(stream.read(size))
            stream.readline()
        request.trailers = _read_fields(stream)
        request.body = b"".join(request.chunks)
    else:
        request.body = stream.read(int(request.headers.get("content-length", "0")))
    return request
