# SPDX-License-Identifier: Apache-2.0
"""Measures of containers, beside a raw client of the same engine.

The engine is Docker, a daemon of the tests' own (tests/containers/engines.py) with their image in AWS's layout. The raw client sends
nothing but create and start, with the settings of a container that lambent made (it is asked for them by inspect) and the same C
bootstrap as its first process. Both ends are the same event: the bootstrap's first GET …/next has arrived, here at the listener that
lambent's init handed over, there over the bridge at a listener of the raw client. So the floor has neither an init nor a link, nor the engine's attach.
"""

import concurrent.futures
import contextlib
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import time

import control
from harness import ROOT, Missing, guests, invoke_path, median, phases_usec, resident_kib
from measures import PIN, Row, cold_starts, measure, take_turns

for folder in ("containers", "tls"):
    sys.path.insert(0, str(ROOT / "tests" / folder))

SETTLE_SECONDS = 30
LINK_TARGET = "/lambent/link"
RIE_PORT = 8080


@contextlib.contextmanager
def engine():
    """A Docker with the image of provided.al2023; what keeps it from running is the row's note."""
    try:
        import engines
        import images
        import pytest
    except ImportError as error:
        raise Missing(f"{error}: run it in the tests' venv (./dev bench)") from error
    docker = None
    try:
        docker = engines.Docker().start()
        docker.image = docker.load(images.provided())
        docker.error = engines.EngineError
        yield docker
    except pytest.skip.Exception as skipped:
        raise Missing(str(skipped)) from skipped
    finally:
        if docker:
            docker.stop()


def daemon_on(bench, docker, *options, **more):
    return bench.daemon(options=["--sandbox", "docker", *options], env={"DOCKER_HOST": docker.host, "LAMBENT_CONTAINER_CLI": ""}, **more)


def containers_of(docker, function):
    return docker.containers(**{"dev.lambent.function": function})


def inspect_one(docker, function):
    """Its oldest container: a spare may already wait beside the one that serves."""
    oldest = min(containers_of(docker, function), key=lambda container: container["Created"])
    return docker.call("GET", f"/containers/{oldest['Id']}/json")


class Raw:
    """Creates and starts containers as lambent's are, and hears their first word."""

    def __init__(self, docker, like):
        self.docker = docker
        self.folder = tempfile.mkdtemp(prefix="bench-raw-")
        self.listener = socket.create_server((docker.gateway, 0), backlog=64)
        self.listener.settimeout(60)
        host = dict(like["HostConfig"])
        # The folder of the link is gone from our side: another one in its place.
        host["Mounts"] = [{**mount, "Source": self.folder} if mount["Target"] == LINK_TARGET else mount for mount in host["Mounts"]]
        self.settings = {**{name: like["Config"][name] for name in ("Image", "User", "Healthcheck")}, "HostConfig": host}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.listener.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def run(self, entrypoint, **env):
        """Its id, as soon as the engine says that it runs."""
        body = {**self.settings, "Entrypoint": entrypoint, "Env": [f"{name}={value}" for name, value in env.items()]}
        made = self.docker.call("POST", "/containers/create", body)["Id"]
        self.docker.call("POST", f"/containers/{made}/start")
        return made

    def bootstrap(self):
        return self.run(["/var/runtime/bootstrap"], AWS_LAMBDA_RUNTIME_API="%s:%d" % self.listener.getsockname(), _HANDLER="echo")

    def first_next(self):
        connection, _ = self.listener.accept()
        with connection:
            connection.recv(4096)

    def remove(self, container):
        with contextlib.suppress(self.docker.error):
            self.docker.call("DELETE", f"/containers/{container}", force="true", v="true")

    def cold(self, at_once=1):
        """Milliseconds until the last of them has asked for work."""
        began = time.monotonic()
        with concurrent.futures.ThreadPoolExecutor(at_once) as threads:
            starts = [threads.submit(self.bootstrap) for _ in range(at_once)]
            for _ in starts:
                self.first_next()
            took = time.monotonic() - began
            for container in [start.result() for start in starts]:
                self.remove(container)
        return took * 1e3


@contextlib.contextmanager
def prepared(bench, *options, **more):
    """An engine, a daemon on it that has had a container, and a raw client for the same."""
    with engine() as docker, daemon_on(bench, docker, *options, **more) as daemon:
        daemon.create("first", bench.tools.package())
        daemon.invoke("first")
        with Raw(docker, inspect_one(docker, "first")) as raw:
            yield docker, daemon, raw


@measure
def container_cold(bench):
    """One at a time, on functions that have never run, on the bridge network."""
    names = [f"cold-{i}" for i in range(bench.count(20, 5))]
    with prepared(bench, "--container-spares", "0") as (_, daemon, raw):
        for name in names:
            daemon.create(name, bench.tools.package())
        pairs = []
        for name in names:
            floor = raw.cold()
            pairs.append((cold_starts(daemon, [name])[0] / 1e3, floor))
    yield Row("container, cold start to the first next, C, p50", median([ours for ours, _ in pairs]),
              median([floor for _, floor in pairs]), median([ours / floor for ours, floor in pairs]), "ms", "ratio", 1.1)


def await_spare(docker, function):
    """A container of this function runs, and has had time to come to the door."""
    deadline = time.monotonic() + SETTLE_SECONDS
    while not any(container["State"] == "running" for container in containers_of(docker, function)):
        if time.monotonic() > deadline:
            raise Missing(f"no container was started beforehand for {function}")
        time.sleep(0.02)
    time.sleep(0.5)


@measure
def container_spare(bench):
    """The first invocation of a function whose container was started before anybody asked."""
    names = [f"spare-{i}" for i in range(bench.count(12, 4))]
    with prepared(bench) as (docker, daemon, _):
        took, floors = [], []
        for name in names:
            daemon.create(name, bench.tools.package())
            await_spare(docker, name)
            floors.append(bench.tools.floor_start(bench.tools.bootstrap, runs=3)["p50_us"] / 1e3)
            took += [start / 1e3 for start in cold_starts(daemon, [name])]
    ours, floor = median(took), median(floors)
    yield Row("container started beforehand, to the first next, p50", ours, floor, ours / floor, "ms", "ours", 8,
              "floor: the plain program")


@measure
def container_at_once(bench):
    """Twenty functions that have never run, invoked together; the raw client starts its twenty together, too."""
    count, rounds = 20, bench.count(5, 2)
    took = []
    with prepared(bench, "--container-spares", "0") as (docker, daemon, raw):
        for turn in range(rounds):
            for i in range(count):
                daemon.create(f"burst-{turn}-{i}", bench.tools.package())
            floor = raw.cold(count)
            figures = bench.tools.load(daemon.address, invoke_path(f"burst-{turn}-{{}}"), connections=count, requests=count)
            took.append((figures["max_us"] / 1e3, floor))
            # Containers that rest are no load, but their end is one.
            for i in range(count):
                daemon.delete(f"burst-{turn}-{i}")
            deadline = time.monotonic() + SETTLE_SECONDS
            while len(docker.containers()) > 1 and time.monotonic() < deadline:
                time.sleep(0.1)
    yield Row(f"{count} containers at once, until the last answer", median([ours for ours, _ in took]),
              median([floor for _, floor in took]), median([ours / floor for ours, floor in took]), "ms", "ratio", 1.2)


def pin_container(docker, container):
    """All of its processes on the CPU of the daemon, as a native environment inherits it."""
    top = docker.call("GET", f"/containers/{container}/top", ps_args="-eo pid")
    for [pid] in top["Processes"]:
        for task in os.listdir(f"/proc/{pid}/task"):
            os.sched_setaffinity(int(task), {PIN})


@measure
def container_warm(bench):
    """A warm invocation of a function in a container beside the same one natively, everything on one CPU; and beside AWS's emulator."""
    requests = bench.count(5000, 1000)
    with prepared(bench, "--container-spares", "0", cpu=PIN) as (docker, daemon, raw), bench.daemon(cpu=PIN, options=["--sandbox", "native"]) as native:
        native.create("first", bench.tools.package())
        native.invoke("first")
        pin_container(docker, inspect_one(docker, "first")["Id"])

        def once(address, function, body=100, number=requests):
            return bench.tools.load(address, invoke_path(function), cpu=PIN, body=body, requests=number, warmup=number // 10)["p50_us"]

        for body, name, number in ((100, "100 B", requests), (100 * 1024, "100 KB", requests // 4)):
            figures = take_turns(bench.count(7, 3), lambda: once(daemon.address, "first", body, number),  # noqa: B023
                                 lambda: once(native.address, "first", body, number))  # noqa: B023
            yield Row(f"container, warm invoke, {name}, pinned, p50", *figures, "µs", "ratio", 1.5, "floor: natively")

        emulator = raw.run(["/usr/local/bin/aws-lambda-rie", "/var/runtime/bootstrap", "echo"], _HANDLER="echo")
        address = await_emulator(docker, emulator)
        post(address)
        pin_container(docker, emulator)
        figures = take_turns(3, lambda: once(daemon.address, "first", number=requests // 5),
                             lambda: once(address, "function", number=requests // 5))
        yield Row("container, warm invoke, 100 B, pinned, against AWS's RIE", *figures, "µs", "ratio", 1)


def await_emulator(docker, container):
    """Its address, once it listens."""
    networks = docker.call("GET", f"/containers/{container}/json")["NetworkSettings"]["Networks"]
    where = (networks["bridge"]["IPAddress"], RIE_PORT)
    deadline = time.monotonic() + SETTLE_SECONDS
    while time.monotonic() < deadline:
        with contextlib.suppress(OSError), socket.create_connection(where, 1):
            return "%s:%d" % where
        time.sleep(0.001)
    raise Missing("aws-lambda-rie does not listen")


def post(address):
    import urllib.request

    request = urllib.request.Request(f"http://{address}{invoke_path('function')}", b"{}")
    with urllib.request.urlopen(request, timeout=60) as answer:
        return answer.read()


@measure
def container_peer_rie(bench):
    """From nothing to the first answer, beside AWS's emulator in the same image with the same bootstrap."""
    names = [f"cold-{i}" for i in range(bench.count(10, 3))]
    with prepared(bench, "--container-spares", "0") as (docker, daemon, raw):
        def theirs():
            began = time.monotonic()
            container = raw.run(["/usr/local/bin/aws-lambda-rie", "/var/runtime/bootstrap", "echo"], _HANDLER="echo")
            post(await_emulator(docker, container))
            took = time.monotonic() - began
            raw.remove(container)
            return took * 1e3

        def ours():
            began = time.monotonic()
            daemon.invoke(names.pop())
            return (time.monotonic() - began) * 1e3

        for name in names:
            daemon.create(name, bench.tools.package())
        yield Row("container, cold invoke, C, p50, against AWS's RIE", *take_turns(len(names), ours, theirs), "ms", "ratio", 1)


@measure
def container_peer_fakecloud(bench):
    """The first answer of a function, and those of a warm one, beside fakecloud on the same engine with the same image and bootstrap."""
    runs, requests = bench.count(10, 3), bench.count(2000, 300)
    package = bench.tools.package()
    with engine() as docker, daemon_on(bench, docker, "--container-spares", "0") as daemon, \
            contextlib.closing(control.Server(daemon.address)) as ours, \
            contextlib.closing(control.fakecloud(DOCKER_HOST=docker.host, FAKECLOUD_CONTAINER_CLI="docker")) as peer:
        for server in (ours, peer):
            for i in range(runs):
                server.create(f"cold-{i}", package)
                server.await_active(f"cold-{i}")

        def cold(server, name):
            began = time.monotonic()
            server.ask("POST", invoke_path(name), b"{}")
            return (time.monotonic() - began) * 1e3

        turns = [(cold(ours, f"cold-{i}"), cold(peer, f"cold-{i}")) for i in range(runs)]
        yield Row("container, cold invoke, C, p50, against fakecloud", median([a for a, _ in turns]), median([b for _, b in turns]),
                  median([a / b for a, b in turns]), "ms", "ratio", 1)

        def warm(server):
            return bench.tools.load(server.address, invoke_path("cold-0"), header=f"Authorization: {control.SIGNED}", requests=requests,
                                    warmup=requests // 10)["p50_us"]

        yield Row("container, warm invoke, 100 B, p50, against fakecloud", *take_turns(3, lambda: warm(ours), lambda: warm(peer)),
                  "µs", "ratio", 1)


@measure
def container_init(bench):
    """What lambent-init is in every container: its bytes, its memory there, and how soon it speaks."""
    program = bench.tools.build / "lambent-init"
    with tempfile.TemporaryDirectory() as folder:
        stripped = pathlib.Path(folder, "init")
        subprocess.run(["strip", "-o", str(stripped), str(program)], check=True)
        yield Row("lambent-init, stripped", stripped.stat().st_size / 1e6, unit="MB", limit_of="ours", limit=1)

        def greeting():
            path = os.path.join(folder, "link")
            took = bench.tools.floor_start(stripped, "--socket", path, runs=10, link=path)["p50_us"]
            os.unlink(path)
            return took / 1e3

        figures = take_turns(bench.count(10, 3), greeting,
                             lambda: bench.tools.floor_start(stripped, "--version", runs=10, whole=True)["p50_us"] / 1e3)
        yield Row("lambent-init, from spawn to its greeting, p50", *figures, "ms", "ours", 1, "floor: lambent-init --version")
    with prepared(bench) as (docker, _, _):
        pid = inspect_one(docker, "first")["State"]["Pid"]
        yield Row("lambent-init, RSS after an invocation", resident_kib(pid) / 1024, unit="MB", limit_of="ours", limit=1.5)
