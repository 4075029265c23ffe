# SPDX-License-Identifier: Apache-2.0
"""What a warm invocation costs in system calls: three reads and three writes on sockets, and nothing that opens, forks or connects."""

import collections
import contextlib
import http.client
import os
import re
import shutil
import signal
import socket
import subprocess

import pytest

from guests import c_bootstrap

INVOCATIONS = 1000
SECONDS = 30
ROLE = "arn:aws:iam::000000000000:role/lambent"
READS = {"read", "recv", "recvfrom", "recvmsg", "readv"}
WRITES = {"write", "send", "sendto", "sendmsg", "writev"}
NEVER = {"fork", "vfork", "clone", "clone3", "connect", "open", "openat", "openat2", "stat", "newfstatat", "statx", "access", "faccessat",
         "faccessat2", "unlink", "unlinkat", "rename", "renameat", "renameat2", "fsync", "fdatasync", "accept", "accept4", "socket", "mmap"}


@contextlib.contextmanager
def traced(pid, log):
    """strace on the loop's thread alone; the block runs once it is attached."""
    strace = shutil.which("strace")
    if not strace:
        pytest.skip("strace is not installed")
    tracer = subprocess.Popen([strace, "-p", str(pid), "-o", str(log), "-e", "signal=none"], stderr=subprocess.PIPE, text=True)
    try:
        if "attached" not in tracer.stderr.readline():
            pytest.skip("strace may not attach here")
        yield
    finally:
        if tracer.poll() is None:
            tracer.send_signal(signal.SIGINT)
        tracer.wait(SECONDS)
        tracer.stderr.close()


def is_socket(pid, fd):
    with contextlib.suppress(OSError):
        return os.readlink(f"/proc/{pid}/fd/{fd}").startswith("socket:")
    return False


def calls_of(log):
    """[(name, first argument)] of the finished and unfinished calls."""
    return re.findall(r"^(\w+)\(([^,)]*)", log.read_text(), re.MULTILINE)


def test_a_thousand_warm_invocations(lambent_factory, client_of, tmp_path):
    daemon = lambent_factory("--log-level", "error")
    client = client_of(daemon)
    client.create_function(FunctionName="warm", Runtime="provided.al2023", Handler="echo", Role=ROLE, Code={"ZipFile": c_bootstrap()})
    client.get_waiter("function_active_v2").wait(FunctionName="warm", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    host = daemon.endpoint.removeprefix("http://")
    connection = socket.create_connection(host.rsplit(":", 1), timeout=SECONDS)
    # In one piece: http.client sends the body by itself, which costs the daemon another read when it is fast enough to see that. The tail
    # makes the answer wait for the runtime's next poll, so that no two invocations meet.
    request = (f"POST /2015-03-31/functions/warm/invocations HTTP/1.1\r\nHost: {host}\r\nX-Amz-Log-Type: Tail\r\n"
               'Content-Length: 7\r\n\r\n{"a":1}').encode()

    def invoke():
        connection.sendall(request)
        answer = http.client.HTTPResponse(connection)
        answer.begin()
        assert (answer.status, answer.read()) == (200, b'{"a":1}')

    for _ in range(10):
        invoke()
    log = tmp_path / "trace"
    with traced(daemon.pid, log):
        for _ in range(INVOCATIONS):
            invoke()
        sockets = {fd for fd in os.listdir(f"/proc/{daemon.pid}/fd") if is_socket(daemon.pid, fd)}
    connection.close()
    counts = collections.Counter(name for name, argument in calls_of(log))
    on_sockets = collections.Counter(name for name, argument in calls_of(log) if argument in sockets)
    never = {name: count for name, count in counts.items() if name in NEVER}
    # What timers may do in a run of a second: a reading of the memory's highest use needs no open file either.
    assert sum(never.values()) <= 10, never
    reads, writes = (sum(on_sockets[name] for name in names) for names in (READS, WRITES))
    assert reads <= 3 * INVOCATIONS * 1.02, on_sockets
    assert writes <= 3 * INVOCATIONS * 1.02, on_sockets
    assert reads >= 2 * INVOCATIONS and writes >= 2 * INVOCATIONS, "the trace has missed something"
    assert sum(counts.values()) <= 14 * INVOCATIONS, counts
