# SPDX-License-Identifier: Apache-2.0
"""HTTP/1.1 for the Runtime API over one kept-alive TCP connection, on the bare `_socket` module.

`http.client` costs 20 ms to import; this costs nothing. One request is in flight at a time. A connection that the
peer closed while it was idle is replaced once, without the caller noticing.
"""

import _socket

_RECEIVE_SIZE = 65536
_HEAD_SIZE_MAX = 4 << 20
# Above this, joining head and body into one buffer costs more than a second system call.
_JOIN_SIZE_MAX = 65536


class Response:
    __slots__ = ("status", "headers", "body")

    def __init__(self, status, headers):
        self.status = status
        self.headers = headers
        self.body = b""


class Wire:
    def __init__(self, address):
        host, _, port = address.rpartition(":")
        self._peer = (host, int(port))
        self._host_line = ("Host: %s\r\n" % address).encode("latin-1")
        self._socket = None
        self._reused = False
        self._pending = None
        self._rest = b""

    def send(self, method, path, header_lines=b"", body=None):
        """Writes a request. `header_lines` are complete lines, each with its CRLF."""
        head = b"%s %s HTTP/1.1\r\n%s%s" % (method, path.encode("latin-1"), self._host_line, header_lines)
        if body is not None:
            head += b"Content-Length: %d\r\n" % len(body)
        self._pending = (head + b"\r\n", body)
        self._reused = self._socket is not None
        try:
            self._transmit()
        except OSError:
            if not self._reused:
                raise
            self._resend()

    def receive(self):
        """Waits for the answer to what `send` wrote."""
        try:
            response = self._receive_response()
        except ConnectionError:
            # Only an answer that has not begun may be asked for again.
            if not self._reused or self._rest:
                raise
            try:
                self._resend()
            except OSError:
                raise ConnectionResetError("the Runtime API is gone") from None
            response = self._receive_response()
        self._pending = None
        if response.headers.get("connection", "").lower() == "close":
            self.close()
        return response

    def close(self):
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        self._rest = b""

    def _resend(self):
        self.close()
        self._reused = False
        self._transmit()

    def _transmit(self):
        if self._socket is None:
            self._socket = _socket.socket(_socket.AF_INET, _socket.SOCK_STREAM)
            self._socket.connect(self._peer)
            self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        head, body = self._pending
        if body and len(body) <= _JOIN_SIZE_MAX:
            self._socket.sendall(head + body)
            return
        self._socket.sendall(head)
        if body:
            self._socket.sendall(body)

    def _more(self):
        data = self._socket.recv(_RECEIVE_SIZE)
        if not data:
            raise ConnectionResetError("the Runtime API closed the connection")
        return data

    def _receive_head(self):
        data = self._rest or self._more()
        end = data.find(b"\r\n\r\n")
        while end < 0:
            if len(data) > _HEAD_SIZE_MAX:
                raise ValueError("the Runtime API sent a header that is too large")
            self._rest = data
            data += self._more()
            end = data.find(b"\r\n\r\n")
        self._rest = data[end + 4:]
        lines = data[:end].decode("utf-8", "surrogateescape").split("\r\n")
        headers = {}
        for line in lines[1:]:
            name, _, value = line.partition(":")
            headers[name.lower()] = value.strip(" \t")
        return Response(int(lines[0].split(" ", 2)[1]), headers)

    def _receive_response(self):
        response = self._receive_head()
        while 100 <= response.status < 200:
            response = self._receive_head()
        length = response.headers.get("content-length")
        if "chunked" in response.headers.get("transfer-encoding", "").lower():
            response.body = self._receive_chunks()
        elif length is not None:
            response.body = self._take(int(length))
        elif response.status not in (204, 304):
            response.body = self._receive_rest()
        return response

    def _take(self, length):
        rest = self._rest
        if len(rest) >= length:
            self._rest = rest[length:]
            return rest[:length]
        body = bytearray(length)
        view = memoryview(body)
        got = len(rest)
        view[:got] = rest
        self._rest = b""
        while got < length:
            count = self._socket.recv_into(view[got:])
            if count == 0:
                raise ConnectionResetError("the Runtime API closed the connection within a body")
            got += count
        return body

    def _take_line(self):
        while b"\n" not in self._rest:
            self._rest += self._more()
        line, _, self._rest = self._rest.partition(b"\n")
        return line.rstrip(b"\r")

    def _receive_chunks(self):
        parts = []
        while True:
            size = int(self._take_line().partition(b";")[0], 16)
            if size == 0:
                break
            parts.append(self._take(size))
            self._take_line()
        while self._take_line():
            pass
        return b"".join(parts)

    def _receive_rest(self):
        parts = [self._rest]
        while parts[-1] or len(parts) == 1:
            parts.append(self._socket.recv(_RECEIVE_SIZE))
        self.close()
        return b"".join(parts)
