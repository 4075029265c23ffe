# SPDX-License-Identifier: Apache-2.0
"""What the measures drive: our daemon, the raw relay, the load client; and what /proc knows about processes."""

import base64
import contextlib
import http.client
import json
import os
import pathlib
import shutil
import signal
import socket
import statistics
import subprocess
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "tests" / "wire"))

import guests  # noqa: E402

ROLE = "arn:aws:iam::000000000000:role/bench"
TARGETS = [f"bench/bench_{name}" for name in ("client", "floor_relay", "floor_start", "bootstrap")]
READY_SECONDS = 10


class Missing(Exception):
    """Something that this measure needs is not there; the reason is printed in its row."""


class Tools:
    """The programs of a build directory."""

    def __init__(self, build):
        self.build = pathlib.Path(build)
        if not (self.build / "build.ninja").exists():
            raise Missing(f"{self.build} is not a build directory: meson setup {self.build}")
        subprocess.run(["ninja", "-C", str(self.build), *TARGETS], check=True, stdout=subprocess.DEVNULL)
        self.client, self.relay, self.start, self.bootstrap = (self.build / target for target in TARGETS)
        self.lambent = self.build / "lambent"

    def package(self):
        """The C runtime as a deployment package."""
        return guests.zip_bytes({"bootstrap": (self.bootstrap.read_bytes(), 0o755)})

    def load(self, to, path, cpu=None, **options):
        """Runs the load client and returns its figures."""
        command = [str(self.client), "--to", to, "--path", path]
        for name, value in options.items():
            command += [f"--{name}", str(value)]
        if cpu is not None:
            command += ["--cpu", str(cpu)]
        done = subprocess.run(command, stdout=subprocess.PIPE, text=True)
        if done.returncode not in (0, 3):
            raise Missing("the load client failed")
        figures = json.loads(done.stdout)
        if figures["bad_status"] or figures["function_errors"]:
            raise Missing(f"{figures['bad_status']} refusals and {figures['function_errors']} errors "
                          f"in {figures['done']} requests")
        return figures

    def floor_start(self, *command, runs=20, whole=False, at_once=1, link=None):
        options = ["--runs", str(runs), "--at-once", str(at_once), *(["--whole"] if whole else []), *(["--link", link] if link else [])]
        done = subprocess.run([str(self.start), *options, *map(str, command)], stdout=subprocess.PIPE, text=True)
        if done.returncode:
            raise Missing(f"{command[0]} could not be started")
        return json.loads(done.stdout)


def _pinned(cpu):
    return None if cpu is None else lambda: os.sched_setaffinity(0, {cpu})


def end(process, seconds=10):
    """Ends a process that we have started, politely first."""
    if process.poll() is None:
        process.send_signal(signal.SIGTERM)
        try:
            process.wait(seconds)
        except subprocess.TimeoutExpired:
            process.kill()
    process.wait()
    for stream in (process.stdin, process.stdout):
        if stream:
            stream.close()


class Relay:
    """The raw relay with its runtimes, the floor of a warm invocation."""

    def __init__(self, tools, pairs=1, cpu=None):
        self.process = subprocess.Popen([str(tools.relay), "--pairs", str(pairs)], stdin=subprocess.DEVNULL,
                                        stdout=subprocess.PIPE, preexec_fn=_pinned(cpu))
        ports = json.loads(self.process.stdout.readline())
        self.address = f"127.0.0.1:{ports['client']}"
        env = {"AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{ports['runtime']}", "_HANDLER": "echo"}
        self.runtimes = [subprocess.Popen([str(tools.bootstrap)], env=env, preexec_fn=_pinned(cpu),
                                          stderr=subprocess.DEVNULL) for _ in range(pairs)]

    @property
    def pid(self):
        return self.process.pid

    def close(self):
        for process in [self.process, *self.runtimes]:
            end(process)


class Daemon:
    """One `lambent serve`, with a data directory of its own unless it is given one; use it as a context.

    wrapper: a command that runs it, valgrind as a rule.
    """

    def __init__(self, tools, cpu=None, options=(), wrapper=(), data_dir=None, env=None):
        if not tools.lambent.exists():
            raise Missing(f"{tools.lambent} has not been built")
        self.folder = tempfile.mkdtemp(prefix="bench-")
        os.chmod(self.folder, 0o755)  # for the user that root's daemon becomes
        self.port = free_port()
        self.address = f"127.0.0.1:{self.port}"
        self.log = open(os.path.join(self.folder, "log"), "wb")
        command = [*wrapper, str(tools.lambent), "serve", "--listen", self.address,
                   "--data-dir", data_dir or os.path.join(self.folder, "data"), *options]
        began = time.monotonic()
        self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log,
                                        env={**os.environ, **(env or {})}, preexec_fn=_pinned(cpu))
        try:
            self._await_health(began, READY_SECONDS * (10 if wrapper else 1))
        except BaseException:
            self.close()
            raise
        self.ready_seconds = time.monotonic() - began
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=120)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @property
    def pid(self):
        return self.process.pid

    def _await_health(self, began, patience):
        request = f"GET /_lambent/health HTTP/1.1\r\nHost: {self.address}\r\nConnection: close\r\n\r\n".encode()
        while time.monotonic() - began < patience:
            if self.process.poll() is not None:
                raise Missing(f"lambent ended at start: {self._last_words()}")
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 1) as sock:
                sock.sendall(request)
                if b" 200 " in sock.recv(64):
                    return
            time.sleep(0.0002)
        raise Missing("lambent does not become healthy")

    def _last_words(self):
        self.log.flush()
        return pathlib.Path(self.folder, "log").read_text(errors="replace").strip()[-300:]

    def close(self):
        if hasattr(self, "connection"):
            self.connection.close()
        end(self.process)
        self.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)

    def request(self, method, path, body=None, expect=(200,)):
        headers = {"Content-Type": "application/json"} if body is not None else {}
        try:
            self.connection.request(method, path, body, headers)
            answer = self.connection.getresponse()
            data = answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.connection.close()
            raise Missing(f"{method} {path}: {error or type(error).__name__}") from error
        if answer.status not in expect:
            raise Missing(f"{method} {path}: {answer.status} {data[:200].decode(errors='replace')}")
        return answer, data

    def create(self, name, package, runtime="provided.al2023", handler="echo", wait=True, **more):
        self.create_raw(create_body(name, package, runtime, handler, **more))
        if wait:
            self.await_active(name)

    def create_raw(self, body):
        self.request("POST", "/2015-03-31/functions", body, (201,))

    def await_active(self, name):
        while True:
            _, data = self.request("GET", f"/2015-03-31/functions/{name}/configuration")
            state = json.loads(data)["State"]
            if state == "Active":
                return
            if state != "Pending":
                raise Missing(f"{name} became {state}")
            time.sleep(0.001)

    def delete(self, name):
        self.request("DELETE", f"/2015-03-31/functions/{name}", None, (200, 204))

    def invoke(self, name, payload=b"{}"):
        answer, data = self.request("POST", invoke_path(name), payload)
        if answer.getheader("X-Amz-Function-Error"):
            raise Missing(f"{name} failed: {data[:200].decode(errors='replace')}")
        return data

    def records(self):
        """The invocations that the daemon remembers, newest first."""
        return json.loads(self.request("GET", "/_lambent/invocations?limit=1000")[1])["invocations"]


def phases_usec(record, *names):
    return sum(record["phases"][name] for name in names)


def invoke_path(name):
    return f"/2015-03-31/functions/{name}/invocations"


def create_body(name, package, runtime="provided.al2023", handler="echo", **more):
    return json.dumps({"FunctionName": name, "Runtime": runtime, "Role": ROLE, "Handler": handler, "Timeout": 30,
                       "Code": {"ZipFile": base64.b64encode(package).decode()}, **more}).encode()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def cpu_seconds(pid):
    """Processor time of all threads of a process; the scheduler's nanoseconds where the kernel keeps them."""
    total = 0
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        try:
            total += int((task / "schedstat").read_text().split()[0]) / 1e9
        except FileNotFoundError:
            fields = (task / "stat").read_text().rsplit(")", 1)[1].split()
            total += (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    return total


def descendants(pid):
    """The process and all its children's children, dead ones left out."""
    children = {}
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                parent = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
                children.setdefault(parent, []).append(int(entry.name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def tree_cpu_seconds(pid):
    total = 0
    for one in descendants(pid):
        with contextlib.suppress(OSError):
            total += cpu_seconds(one)
    return total


def resident_kib(pid):
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise Missing("no VmRSS")


def median(values):
    return statistics.median(values)
