# SPDX-License-Identifier: Apache-2.0
"""The measures: each prints rows of what was measured, ours, its floor in the same run, and the goal.

Ours and the floor take turns, round by round, so that a machine that is slower for a while is so for both; a ratio is the median of the
rounds' ratios. A measure is a function of a Bench that yields rows, registered in MEASURES by its name.
"""

import contextlib
import os
import threading
import time
from dataclasses import dataclass

from harness import (Daemon, Missing, Relay, cpu_seconds, create_body, guests, invoke_path, median, phases_usec,
                     resident_kib, tree_cpu_seconds)

MEASURES = {}
PIN = 0


@dataclass
class Row:
    what: str
    ours: float | None = None
    floor: float | None = None
    ratio: float | None = None
    unit: str = ""
    # "ratio" or "ours": which figure the limit is for.
    limit_of: str = ""
    limit: float | None = None
    note: str = ""

    @property
    def met(self):
        value = {"ratio": self.ratio, "ours": self.ours}.get(self.limit_of)
        return None if value is None or self.limit is None else value <= self.limit


@dataclass
class Bench:
    tools: object
    quick: bool

    def count(self, full, quick):
        return quick if self.quick else full

    def daemon(self, **options):
        return Daemon(self.tools, **options)


def measure(function):
    MEASURES[function.__name__.replace("_", "-")] = function
    return function


def take_turns(rounds, ours, floor):
    """Figures of both, and the median ratio. Where ours cannot be had the floor is measured alone."""
    pairs = [(ours() if ours else None, floor() if floor else None) for _ in range(rounds)]
    left = median([pair[0] for pair in pairs]) if ours else None
    right = median([pair[1] for pair in pairs]) if floor else None
    ratio = median([a / b for a, b in pairs]) if ours and floor else None
    return left, right, ratio


@contextlib.contextmanager
def maybe_daemon(bench, prepare, **options):
    """A prepared daemon, or None with the reason why there is none."""
    with contextlib.ExitStack() as stack:
        daemon, reason = None, ""
        try:
            daemon = stack.enter_context(bench.daemon(**options))
            prepare(daemon)
        except Missing as missing:
            daemon, reason = None, str(missing)
        yield daemon, reason


@measure
def warm(bench):
    """One client, everything on one CPU: the price of what we do between two sockets."""
    requests = bench.count(10000, 2000)

    def prepare(daemon):
        daemon.create("warm", bench.tools.package())
        daemon.invoke("warm")

    relay = Relay(bench.tools, cpu=PIN)
    try:
        with maybe_daemon(bench, prepare, cpu=PIN) as (daemon, reason):
            for body, name, number in ((100, "100 B", requests), (100 * 1024, "100 KB", requests // 4)):
                def once(to):
                    return bench.tools.load(to, invoke_path("warm"), cpu=PIN, body=body, requests=number,
                                            warmup=number // 10)["p50_us"]
                ours = (lambda: once(daemon.address)) if daemon else None
                figures = take_turns(bench.count(7, 3), ours, lambda: once(relay.address))
                yield Row(f"warm invoke, 1 client, {name}, pinned, p50", *figures, "µs", "ratio", 1.15, reason)
    finally:
        relay.close()


@measure
def cpu_per_invoke(bench):
    """Processor time of the daemon alone, with eight clients on eight environments."""
    requests = bench.count(40000, 8000)

    def prepare(daemon):
        daemon.create("busy", bench.tools.package())
        load(daemon, 400)

    def load(server, number):
        bench.tools.load(server.address, invoke_path("busy"), connections=8, requests=number)

    def once(server):
        before = cpu_seconds(server.pid)
        load(server, requests)
        return (cpu_seconds(server.pid) - before) / requests * 1e6

    relay = Relay(bench.tools, pairs=8)
    try:
        with maybe_daemon(bench, prepare) as (daemon, reason):
            ours = (lambda: once(daemon)) if daemon else None
            figures = take_turns(bench.count(5, 3), ours, lambda: once(relay))
            yield Row("daemon CPU per invoke, 8 clients", *figures, "µs", "ours", 35, reason)
    finally:
        relay.close()


def bulky_package(bench, size):
    """A package of incompressible bytes, as a bundled application is."""
    files = {f"data/{i:03}.bin": os.urandom(1 << 20) for i in range(size >> 20)}
    return guests.zip_bytes({"bootstrap": (bench.tools.bootstrap.read_bytes(), 0o755), **files})


@measure
def warm_while_creating(bench):
    """The slow requests of a warm function while large packages come in: does the loop wait for disk or zip?"""
    body_size = 48 << 20
    number = bench.count(4, 2)

    with bench.daemon() as daemon:
        daemon.create("warm", bench.tools.package())
        daemon.invoke("warm")
        bulk = bulky_package(bench, body_size)
        bodies = [create_body(f"bulk-{i}", bulk) for i in range(number)]
        del bulk

        def load(seconds):
            return bench.tools.load(daemon.address, invoke_path("warm"), seconds=seconds, warmup=200)["p99_us"]

        def create_all():
            for i, body in enumerate(bodies):
                daemon.create_raw(body)
                daemon.await_active(f"bulk-{i}")

        quiet_before = load(2)
        creator = threading.Thread(target=create_all)
        creator.start()
        samples = []
        while creator.is_alive():
            samples.append(load(0.5))
        creator.join()
        quiet = median([quiet_before, load(2)])
        busy = median(samples)
        yield Row("warm invoke p99 while 50 MB functions are created", busy, quiet, busy / quiet, "µs", "ratio", 2,
                  "floor: the same without")


def cold_starts(daemon, names, between=None):
    """Invokes functions that have never run, with quiet between them, and returns their start in µs.

    The quiet matters: what the kernel does only after 150 ms without (RCU) is what a user meets, and a tight loop hides it.
    """
    for name in names:
        if between:
            between()
        time.sleep(0.2)
        daemon.invoke(name)
    # An invocation is on record when its runtime asks for more, a moment after its answer.
    deadline = time.monotonic() + 2
    found = {}
    while not found.keys() >= set(names):
        if time.monotonic() > deadline:
            raise Missing("the daemon does not list the invocations")
        found = {record["function"]: record for record in daemon.records() if record["cold"]}
    return [phases_usec(found[name], "queue", "start", "init") for name in names]


def cold_row(bench, what, limit, package, runtime, handler, floor):
    names = [f"cold-{i}" for i in range(bench.count(20, 5))]
    least = []

    def prepare(daemon):
        for name in names:
            daemon.create(name, package, runtime, handler)

    def measure_floor():
        least.append(floor()["p50_us"] / 1e3)

    with maybe_daemon(bench, prepare) as (daemon, reason):
        if daemon:
            ours = median(cold_starts(daemon, names, measure_floor)) / 1e3
        else:
            ours = None
            measure_floor()
    return Row(f"cold start to the first next, {what}, p50", ours, median(least), ours / median(least) if ours else None, "ms",
               "ours", limit, reason)


@measure
def cold(bench):
    """From the request to the runtime's first next, one at a time, on functions that have never run."""
    tools = bench.tools
    python = guests.zip_bytes({"app.py": b"def handler(event, context):\n    return event\n"})
    node = guests.zip_bytes({"app.js": b"exports.handler = async (event) => event;\n"})
    yield cold_row(bench, "C", 1.5, tools.package(), "provided.al2023", "echo",
                   lambda: tools.floor_start(tools.bootstrap, runs=3))
    yield cold_row(bench, "Python", 8, python, guests.host_python_runtime(), "app.handler",
                   lambda: tools.floor_start(guests.PYTHON, "-IS", "-c", "pass", runs=3, whole=True))
    yield cold_row(bench, "Node.js", 70, node, guests.host_node_runtime(), "app.handler",
                   lambda: tools.floor_start(guests.NODE, "-e", "0", runs=3, whole=True))


@measure
def cold_at_once(bench):
    """Fifty functions that have never run, invoked together; they should take the CPU time of fifty, on all cores."""
    count, alone = 50, bench.count(20, 10)
    cores = len(os.sched_getaffinity(0))

    with bench.daemon() as daemon:
        for i in range(count):
            daemon.create(f"burst-{i}", bench.tools.package())
        for i in range(alone):
            daemon.create(f"alone-{i}", bench.tools.package())
        before = tree_cpu_seconds(daemon.pid)
        cold_starts(daemon, [f"alone-{i}" for i in range(alone)])
        one = (tree_cpu_seconds(daemon.pid) - before) / alone
        took = bench.tools.load(daemon.address, invoke_path("burst-{}"), connections=count, requests=count)["max_us"] / 1e3
        ideal = count * one / cores * 1e3
        yield Row(f"{count} cold starts at once, until the last answer", took, ideal, took / ideal, "ms", "ratio", 1.2,
                  f"floor: {count} × {one * 1e3:.2f} ms of CPU / {cores} cores")


@measure
def start(bench):
    """From exec to the first healthy answer, on an empty data directory; and the memory it then holds."""
    def once():
        with bench.daemon() as daemon:
            time.sleep(0.2)
            return daemon.ready_seconds * 1e3, resident_kib(daemon.pid) / 1024

    runs = [once() for _ in range(bench.count(15, 5))]
    least = bench.tools.floor_start(bench.tools.lambent, "--version", runs=len(runs), whole=True)["p50_us"] / 1e3
    ready = median([run[0] for run in runs])
    yield Row("start to ready", ready, least, ready / least, "ms", "ours", 10, "floor: lambent --version")
    yield Row("idle RSS", median([run[1] for run in runs]), unit="MB", limit_of="ours", limit=6)


@measure
def idle_environments(bench):
    """A thousand idle environments: what each costs the daemon, and whether a warm invocation notices them."""
    count = bench.count(1000, 100)
    requests = bench.count(5000, 1000)
    package = bench.tools.package()

    with bench.daemon(cpu=PIN) as few, bench.daemon(cpu=PIN) as many:
        few.create("warm", package)
        few.invoke("warm")
        for i in range(count):
            many.create(f"idle-{i}", package, wait=False)
        for i in range(count):
            many.await_active(f"idle-{i}")
        many.create("warm", package)
        many.invoke("warm")
        before = resident_kib(many.pid)
        for i in range(count):
            many.invoke(f"idle-{i}")
        grown = (resident_kib(many.pid) - before) / count
        yield Row(f"memory in the daemon per idle environment, of {count}", grown, unit="KB", limit_of="ours", limit=16)

        def once(daemon):
            return bench.tools.load(daemon.address, invoke_path("warm"), cpu=PIN, requests=requests,
                                    warmup=requests // 10)["p50_us"]

        figures = take_turns(bench.count(7, 3), lambda: once(many), lambda: once(few))
        yield Row(f"warm invoke with {count} idle environments, p50", *figures, "µs", "ratio", 1.05,
                  "floor: with one")


@measure
def create_among_many(bench):
    """CreateFunction with ten thousand functions present against ten."""
    count = bench.count(10000, 1000)
    package = guests.zip_bytes({"bootstrap": (b"#!/bin/sh\nexit 1\n", 0o755)})

    def once(daemon):
        body = create_body("another", package)
        began = time.monotonic()
        daemon.create_raw(body)
        took = time.monotonic() - began
        daemon.await_active("another")
        daemon.delete("another")
        return took * 1e3

    with bench.daemon() as few, bench.daemon() as many:
        for daemon, number in ((few, 10), (many, count)):
            for i in range(number):
                daemon.create(f"present-{i}", package, wait=False)
            for i in range(number):
                daemon.await_active(f"present-{i}")
        figures = take_turns(bench.count(101, 31), lambda: once(many), lambda: once(few))
        yield Row(f"CreateFunction with {count} functions present", *figures, "ms", "ratio", 1.2, "floor: with 10")
