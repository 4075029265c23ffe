# SPDX-License-Identifier: Apache-2.0
"""What stands between lambent and its engine and counts the calls that change anything: at the one that a test names it does what the
test wants.

    relay = Relay(engine, folder)
    relay.at(7, before=daemon.kill)     when the seventh call comes, before the engine hears of it (which it then does)
    relay.at(7, after=daemon.kill)      when the engine has answered it, before lambent hears of that
    relay.hit                           an Event: it has come to that, and the engine has done what it was asked for
    relay.env()                         lambent finds the engine through it
"""

import contextlib
import socket
import threading

PIECE = 64 * 1024


class Relay:
    def __init__(self, engine, folder):
        self.engine = engine
        self.path = folder / "relay.sock"
        self.calls = []
        self.hit = threading.Event()
        self._number = 0
        self._before = self._after = None
        self._lock = threading.Lock()
        self._listener = socket.socket(socket.AF_UNIX)
        self._listener.bind(str(self.path))
        self._listener.listen(64)
        threading.Thread(target=self._accept, daemon=True).start()

    def env(self):
        return {"DOCKER_HOST": f"unix://{self.path}", "LAMBENT_CONTAINER_CLI": ""}

    def at(self, number, before=None, after=None):
        with self._lock:
            self.calls = []
            self.hit.clear()
            self._number, self._before, self._after = number, before, after

    def close(self):
        self._listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(client,), daemon=True).start()

    def _is_next(self, call):
        """Each call of lambent's has a connection of its own."""
        if call.startswith(("GET ", "HEAD ")):
            return False
        with self._lock:
            self.calls.append(call)
            return len(self.calls) == self._number and not self.hit.is_set()

    def _serve(self, client):
        with client, contextlib.suppress(OSError), socket.socket(socket.AF_UNIX) as server:
            head = b""
            while b"\r\n\r\n" not in head:
                piece = client.recv(PIECE)
                if not piece:
                    return
                head += piece
            chosen = self._is_next(head.split(b"\r\n", 1)[0].decode())
            if chosen and self._before:
                self._before()
            server.connect(str(self.engine.socket))
            server.sendall(head)
            threading.Thread(target=self._copy, args=(client, server), daemon=True).start()
            first = server.recv(PIECE)
            if chosen and self._after:
                self._after()
            if chosen:
                is_gone = self._is_gone(client)
                self.hit.set()
                if is_gone:
                    return
            client.sendall(first)
            self._copy(server, client)

    @staticmethod
    def _is_gone(client):
        """A process that was killed has nothing open, and its engine sees that too."""
        try:
            return not client.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT)
        except BlockingIOError:
            return False

    @staticmethod
    def _copy(source, target):
        with contextlib.suppress(OSError):
            while piece := source.recv(PIECE):
                target.sendall(piece)
        with contextlib.suppress(OSError):
            target.shutdown(socket.SHUT_WR)
