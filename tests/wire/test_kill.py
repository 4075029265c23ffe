# SPDX-License-Identifier: Apache-2.0
"""kill -9 of the daemon at bad moments: nothing stays behind, and what was acknowledged is there after a restart."""

import base64
import contextlib
import json
import os
import pathlib
import socket
import threading
import urllib.request

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from daemon import descendants
from guests import c_bootstrap

ROLE = "arn:aws:iam::000000000000:role/lambent"
SECONDS = 30


def cgroup_names(pids):
    """The names of the cgroups that the daemon has made for these processes."""
    names = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
                names |= {part for part in line.split("/") if part.startswith("lambent-")}
    return names


def cgroup_folders(names):
    """Where such a cgroup is, in all trees of version 1 and 2."""
    return [folder for folder, _, _ in os.walk("/sys/fs/cgroup") if pathlib.Path(folder).name in names]


def mounts():
    return {line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if "lambent" in line}


@pytest.fixture
def victim(lambent_factory, client_of):
    """(daemon, client, add, crash): add(name) makes a function, crash() kills the daemon and checks what it leaves."""
    before = mounts()
    daemon = lambent_factory("--freeze-after", "never")
    client = client_of(daemon, max_pool_connections=80)
    package = c_bootstrap()

    def add(name, mode="by-event", **settings):
        client.create_function(FunctionName=name, Runtime="provided.al2023", Handler=mode, Role=ROLE, Timeout=SECONDS, Code={"ZipFile": package},
                               **settings)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
        return name

    def crash():
        names = cgroup_names(descendants(daemon.pid))
        daemon.kill()
        assert daemon.leaks() == []
        assert cgroup_folders(names) == []
        assert mounts() <= before

    yield daemon, client, add, crash


def restart(daemon, client_of, functions):
    """Starts it on the same data: all functions must serve at once."""
    daemon.start()
    client = client_of(daemon)
    listed = {f["FunctionName"] for page in client.get_paginator("list_functions").paginate() for f in page["Functions"]}
    assert functions <= listed
    for name in sorted(functions):
        assert json.loads(client.invoke(FunctionName=name, Payload=b'"count"')["Payload"].read())["count"] == 1
    assert list((daemon.data_dir / "content" / "tmp").iterdir()) == []
    return client


def in_background(count, work):
    threads = [threading.Thread(target=work, args=(n,)) for n in range(count)]
    for thread in threads:
        thread.start()
    return threads


def ask(client, name, event="count"):
    return json.loads(client.invoke(FunctionName=name, Payload=json.dumps(event).encode())["Payload"].read())


@pytest.mark.everywhere
def test_when_idle(victim, client_of):
    daemon, client, add, crash = victim
    for name in ("one", "two"):
        ask(client, add(name))
    crash()
    restart(daemon, client_of, {"one", "two"})


def test_again_and_again(victim, client_of):
    daemon, client, add, crash = victim
    ask(client, add("survivor"))
    for _ in range(5):
        crash()
        client = restart(daemon, client_of, {"survivor"})


def test_amid_fifty_cold_starts(victim, client_of):
    daemon, client, add, crash = victim
    add("cold")
    begun = threading.Barrier(51)

    def call(_):
        begun.wait()
        try:
            ask(client, "cold", "sleep-ms:20000")
        except (BotoCoreError, ClientError):
            pass  # the daemon is gone

    threads = in_background(50, call)
    begun.wait()
    wait_for_environments(daemon, 10)
    crash()
    for thread in threads:
        thread.join(SECONDS)
    restart(daemon, client_of, {"cold"})


def wait_for_environments(daemon, count, state=None):
    """Asks until there are so many."""
    for _ in range(20000):
        with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/environments") as answer:
            found = [e for e in json.load(answer)["environments"] if state in (None, e["state"])]
        if len(found) >= count:
            return
    pytest.fail(f"only {len(found)} environments")


def test_while_twenty_invocations_run(victim, client_of):
    daemon, client, add, crash = victim
    add("busy")
    failed = []

    def call(_):
        try:
            ask(client, "busy", "sleep-ms:20000")
        except (BotoCoreError, ClientError) as error:
            failed.append(error)

    threads = in_background(20, call)
    wait_for_environments(daemon, 20, "busy")
    crash()
    for thread in threads:
        thread.join(SECONDS)
    assert len(failed) == 20
    restart(daemon, client_of, {"busy"})


def test_in_mid_upload(victim, client_of):
    """Half of 50 MB is there when it ends; nobody was told anything, so nothing may remain."""
    daemon, client, add, crash = victim
    add("before")
    code = base64.b64encode(os.urandom(3 << 18)) * 66
    body = (b'{"FunctionName": "uploading", "Runtime": "provided.al2023", "Handler": "h", "Role": "' + ROLE.encode() +
            b'", "Code": {"ZipFile": "' + code)
    with socket.create_connection(("127.0.0.1", daemon.port)) as upload:
        upload.sendall(b"POST /2015-03-31/functions HTTP/1.1\r\nHost: localhost\r\nContent-Length: %d\r\n\r\n" % (len(body) + 3))
        upload.sendall(body[:len(body) // 2])
        # The daemon has read all of it but what fits into the buffers of the sockets.
        assert any((daemon.data_dir / "content" / "tmp").iterdir())
        crash()
    client = restart(daemon, client_of, {"before"})
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName="uploading")


def test_amid_changes(victim, client_of, zip_of):
    """Functions come, change and go in three threads; every acknowledgement is still true after the crash."""
    daemon, client, add, crash = victim
    known, lock, enough = {}, threading.Lock(), threading.Event()

    def change(n):
        own = client_of(daemon)
        try:
            for round_ in range(100000):
                name = f"changing-{n}-{round_ % 7}"
                with lock:
                    known.pop(name, None)  # while a change is under way both states are right
                if round_ >= 7:
                    own.delete_function(FunctionName=name)
                own.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Description=str(round_),
                                    Code={"ZipFile": zip_of({"bootstrap*": f"#!/bin/sh\n# {n} {round_}\n"})})
                own.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
                own.update_function_configuration(FunctionName=name, MemorySize=128 + round_, Description=f"updated {round_}")
                with lock:
                    known[name] = (128 + round_, f"updated {round_}")
                    if len(known) >= 15 and round_ >= 9:
                        enough.set()
        except (BotoCoreError, ClientError):
            enough.set()  # the daemon is gone

    threads = in_background(3, change)
    assert enough.wait(SECONDS)
    crash()
    for thread in threads:
        thread.join(SECONDS)
    assert known
    client = restart(daemon, client_of, set())
    for name, expected in known.items():
        found = client.get_function_configuration(FunctionName=name)
        assert (found["MemorySize"], found["Description"]) == expected
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})


def test_what_dies_with_the_daemon_alone(victim):
    """The launcher and every environment hear of the daemon's end from the kernel: nobody tells them."""
    daemon, client, add, crash = victim
    add("orphan")
    ask(client, "orphan", "fork-child")
    ask(client, "orphan", "count")
    crash()
    assert daemon._family
