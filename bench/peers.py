# SPDX-License-Identifier: Apache-2.0
"""Measures beside other local Lambdas. The peer's figure stands in the floor's column; a ratio below one means that we are faster.

Peers are optional: `run.py --install-peers` gets them from their ordinary registries into the test cache, and a row says so where one is
not installed. What is found on PATH is taken, too.
"""

import contextlib
import json
import os
import pathlib
import shutil
import socket
import subprocess
import tempfile
import time

from harness import Missing, end, free_port, guests, invoke_path, median
from measures import PIN, Row, maybe_daemon, measure, take_turns

RIE_MODULE = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@latest"
FUN_PACKAGE = "@vercel/fun@1.3.6"
NODE_HANDLER = b"exports.handler = async (event) => event;\n"


def peers_dir():
    return guests.cache_dir() / "peers"


def install():
    """Tries to install every peer; says what could not be had."""
    place = peers_dir()
    (place / "bin").mkdir(parents=True, exist_ok=True)
    steps = [(["go", "install", RIE_MODULE], {"GOBIN": str(place / "bin"), "CGO_ENABLED": "0"}),
             (["npm", "install", "--no-audit", "--no-fund", "--prefix", str(place), FUN_PACKAGE], {})]
    for command, env in steps:
        try:
            done = subprocess.run(command, env={**os.environ, **env}, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
            problem = done.stdout.strip()[-300:] if done.returncode else None
        except OSError as error:
            problem = str(error)
        print(f"{' '.join(command[:2])} {command[-1]}: {problem or 'installed'}")


class Rie:
    """AWS's emulator around our C runtime, on the pinned CPU."""

    def __init__(self, tools):
        program = shutil.which("aws-lambda-rie", path=f"{peers_dir() / 'bin'}:{os.environ.get('PATH', '')}")
        if not program:
            raise Missing("not installed: aws-lambda-rie")
        self.where = ("127.0.0.1", free_port())
        self.address = "%s:%d" % self.where
        command = [program, "--runtime-interface-emulator-address", self.address, "--runtime-api-address",
                   f"127.0.0.1:{free_port()}", "--log-level", "error", str(tools.bootstrap), "echo"]
        self.process = subprocess.Popen(command, env={**os.environ, "_HANDLER": "echo"}, stdin=subprocess.DEVNULL,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        preexec_fn=lambda: os.sched_setaffinity(0, {PIN}))
        try:
            self._await_listener()
        except BaseException:
            self.close()
            raise

    def _await_listener(self):
        deadline = time.monotonic() + 10
        while time.monotonic() < deadline and self.process.poll() is None:
            with contextlib.suppress(OSError), socket.create_connection(self.where, 1):
                return
            time.sleep(0.01)
        raise Missing("aws-lambda-rie does not start")

    def close(self):
        end(self.process)


@measure
def peer_rie(bench):
    requests = bench.count(2000, 300)

    def prepare(daemon):
        daemon.create("warm", bench.tools.package())
        daemon.invoke("warm")

    with contextlib.closing(Rie(bench.tools)) as rie, maybe_daemon(bench, prepare, cpu=PIN) as (daemon, reason):
        def once(address, function):
            return bench.tools.load(address, invoke_path(function), cpu=PIN, requests=requests, warmup=50)["p50_us"]

        ours = (lambda: once(daemon.address, "warm")) if daemon else None
        figures = take_turns(3, ours, lambda: once(rie.address, "function"))
        yield Row("warm invoke, C, pinned, p50, against AWS's RIE", *figures, "µs", "ratio", 1, reason)


def run_fun(bench, folder):
    modules = peers_dir() / "node_modules"
    if not (modules / "@vercel" / "fun").exists():
        raise Missing("not installed: @vercel/fun")
    script = pathlib.Path(__file__).parent / "peers" / "fun.cjs"
    command = [guests.NODE, str(script), folder, str(bench.count(7, 3)), str(bench.count(1000, 200))]
    path = f"{os.path.dirname(guests.NODE)}:{os.environ.get('PATH', '')}"
    done = subprocess.run(command, env={**os.environ, "NODE_PATH": str(modules), "PATH": path}, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise Missing(f"@vercel/fun failed: {done.stderr.strip()[-200:]}")
    return json.loads(done.stdout)


@measure
def peer_fun(bench):
    runs, requests = bench.count(7, 3), bench.count(1000, 200)

    def prepare(daemon):
        package = guests.zip_bytes({"app.js": NODE_HANDLER})
        for i in range(runs):
            daemon.create(f"node-{i}", package, guests.host_node_runtime(), "app.handler")

    def timed_invoke(daemon, name):
        began = time.monotonic()
        daemon.invoke(name, b'"%s"' % (b"x" * 98))
        return (time.monotonic() - began) * 1e3

    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "app.js").write_bytes(NODE_HANDLER)
        fun = run_fun(bench, folder)
    with maybe_daemon(bench, prepare) as (daemon, reason):
        cold = median([timed_invoke(daemon, f"node-{i}") for i in range(runs)]) if daemon else None
        warm = bench.tools.load(daemon.address, invoke_path("node-0"), requests=requests)["p50_us"] if daemon else None
    for what, ours, theirs, unit in (("cold", cold, fun["cold_us"] / 1e3, "ms"), ("warm", warm, fun["warm_us"], "µs")):
        yield Row(f"{what} invoke, Node.js, p50, against @vercel/fun", ours, theirs, ours / theirs if ours else None, unit,
                  "ratio", 1, reason)
