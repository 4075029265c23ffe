# SPDX-License-Identifier: Apache-2.0
"""The control plane: operations per second beside other local Lambdas, and what a function costs the daemon.

A peer is a server of its own on a loopback port and is asked the same requests by the same client, one after the other on one connection.
Its time for an operation stands in the floor's column, so a ratio of 0.1 is ten times its operations per second. moto's server is in the
tests' Python environment; fakecloud is taken from PATH (`cargo install fakecloud` takes most of an hour).
"""

import contextlib
import http.client
import json
import os
import shutil
import subprocess
import sys
import time
import urllib.parse

from harness import ROLE, Missing, create_body, end, free_port, guests, median, resident_kib
from measures import Row, measure
from peers import peers_dir

FUNCTIONS = "/2015-03-31/functions"
# Which service and region a request is for is what a server reads from its signature; nobody here checks the rest.
SIGNED = ("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/20260101/us-east-1/lambda/aws4_request, SignedHeaders=host;x-amz-date, "
          "Signature=0000000000000000000000000000000000000000000000000000000000000000")
ROLE_NAME = ROLE.rsplit("/", 1)[1]
START_SECONDS = 60


def tiny_package(number=0):
    """Of the size of a small script; each number's is another package."""
    return guests.zip_bytes({"bootstrap": (b"#!/bin/sh\n# %d\nexit 1\n" % number, 0o755)})


class Server:
    """A control plane behind one connection. Ours and the peers' differ only in how they are started."""

    def __init__(self, address):
        self.address = address
        self.connection = http.client.HTTPConnection(address, timeout=120)

    def ask(self, method, path, body=None, expect=(200,)):
        headers = {"Authorization": SIGNED, "X-Amz-Date": "20260101T000000Z", "Content-Type": "application/json"}
        self.connection.request(method, path, body, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status not in expect:
            raise Missing(f"{method} {path}: {answer.status} {data[:200].decode(errors='replace')}")
        return data

    def create(self, name, package):
        self.ask("POST", FUNCTIONS, create_body(name, package), (201,))

    def await_active(self, name):
        while json.loads(self.ask("GET", f"{FUNCTIONS}/{name}"))["Configuration"]["State"] == "Pending":
            time.sleep(0.01)

    def middle_page(self):
        """The path of ListFunctions' page in the middle, found by going through all."""
        paths = [f"{FUNCTIONS}?MaxItems=50"]
        while marker := json.loads(self.ask("GET", paths[-1])).get("NextMarker"):
            paths.append(f"{FUNCTIONS}?MaxItems=50&Marker={urllib.parse.quote(marker, safe='')}")
        return paths[len(paths) // 2]

    def close(self):
        self.connection.close()


class Peer(Server):
    """A peer's process. The role of the functions is made first: some look for it."""

    def __init__(self, command, env):
        self.process = subprocess.Popen(command, env={**os.environ, **env}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.DEVNULL)
        super().__init__(env["ADDRESS"])
        try:
            self._await_listener()
            self._make_role()
        except BaseException:
            self.close()
            raise

    def _await_listener(self):
        deadline = time.monotonic() + START_SECONDS
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError, http.client.HTTPException, Missing):
                self.ask("GET", FUNCTIONS)
                return
            self.connection.close()
            time.sleep(0.05)
        raise Missing("the peer does not start")

    def _make_role(self):
        trust = json.dumps({"Version": "2012-10-17", "Statement": []})
        form = f"Action=CreateRole&Version=2010-05-08&RoleName={ROLE_NAME}&AssumeRolePolicyDocument={trust}"
        headers = {"Authorization": SIGNED.replace("/lambda/", "/iam/"), "Content-Type": "application/x-www-form-urlencoded"}
        self.connection.request("POST", "/", form, headers)
        answer = self.connection.getresponse()
        data = answer.read()
        if answer.status != 200:
            raise Missing(f"CreateRole: {answer.status} {data[:200].decode(errors='replace')}")

    def close(self):
        super().close()
        end(self.process)


def moto():
    port = free_port()
    if not shutil.which("moto_server", path=os.path.dirname(sys.executable)):
        raise Missing("not installed: moto (it is in the tests' Python environment)")
    command = [os.path.join(os.path.dirname(sys.executable), "moto_server"), "-H", "127.0.0.1", "-p", str(port)]
    return Peer(command, {"ADDRESS": f"127.0.0.1:{port}", "MOTO_ACCOUNT_ID": "000000000000"})


def fakecloud(**env):
    port = free_port()
    program = shutil.which("fakecloud", path=f"{peers_dir() / 'bin'}:{os.environ.get('PATH', '')}")
    if not program:
        raise Missing("not installed: fakecloud")
    return Peer([program, "--addr", f"127.0.0.1:{port}", "--account-id", "000000000000", "--log-level", "error"],
                {"ADDRESS": f"127.0.0.1:{port}", **env})


def get_usec(bench, server, path, requests):
    """A GET, answered; microseconds at the median, by the load client."""
    return bench.tools.load(server.address, path, method="GET", body=0, header=f"Authorization: {SIGNED}", requests=requests,
                            warmup=requests // 10)["p50_us"]


def create_msec(server, prefix, count, package):
    began = time.monotonic()
    for i in range(count):
        server.create(f"{prefix}-{i}", package(i))
    return (time.monotonic() - began) * 1e3 / count


def beside(bench, name, start_peer):
    """The rows beside one peer. Both have the same functions, made through the API, when they are measured."""
    count, some = bench.count(10000, 1000), bench.count(200, 50)
    with bench.daemon() as daemon, contextlib.closing(Server(daemon.address)) as ours, contextlib.closing(start_peer()) as peer:
        servers = (ours, peer)
        for server in servers:
            create_msec(server, "present", count, lambda _: tiny_package())
        pages = {server: server.middle_page() for server in servers}
        measures = {
            "CreateFunction, one package": ("ms", lambda server, turn: create_msec(server, f"same-{turn}", some, lambda _: tiny_package())),
            "CreateFunction, each its own": ("ms", lambda server, turn: create_msec(server, f"own-{turn}", some,
                                                                                     lambda i: tiny_package(1 + turn * some + i))),
            "GetFunction": ("µs", lambda server, _: get_usec(bench, server, f"{FUNCTIONS}/present-7", bench.count(3000, 500))),
            f"ListFunctions, 50 of {count}": ("µs", lambda server, _: get_usec(bench, server, pages[server], bench.count(300, 50))),
        }
        for what, (unit, once) in measures.items():
            turns = [[once(server, turn) for server in servers] for turn in range(3)]
            left, right = (median([turn[side] for turn in turns]) for side in (0, 1))
            yield Row(f"{what}, against {name}", left, right, median([a / b for a, b in turns]), unit, "ratio", 0.1)


@measure
def control_moto(bench):
    yield from beside(bench, "moto", moto)


@measure
def control_fakecloud(bench):
    yield from beside(bench, "fakecloud", fakecloud)


@measure
def idle_functions(bench):
    """What a function costs the daemon that nobody invokes."""
    count = bench.count(10000, 2000)
    for what, package in (("of one package", lambda _: tiny_package()), ("each its own package", tiny_package)):
        with bench.daemon() as daemon, contextlib.closing(Server(daemon.address)) as ours:
            create_msec(ours, "warm", 200, lambda _: tiny_package())
            ours.await_active("warm-199")
            before = resident_kib(daemon.pid)
            create_msec(ours, "idle", count, package)
            ours.await_active(f"idle-{count - 1}")
            grown = (resident_kib(daemon.pid) - before) / count
            yield Row(f"memory in the daemon per function, {count} {what}", grown, unit="KB", limit_of="ours", limit=2)
