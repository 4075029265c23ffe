# SPDX-License-Identifier: Apache-2.0
"""Functions in containers: cold and warm, how they look from inside, how they end, and that nothing is left."""

import base64
import concurrent.futures
import contextlib
import json
import pathlib
import socket
import threading
import time
import urllib.request
import uuid

import boto3
import pytest
from botocore.config import Config

import guests
from daemon import Daemon, adopt_orphans, binary
from engines import EngineError

ROLE = "arn:aws:iam::000000000000:role/lambent"
GONE_SECONDS = 20
LABEL = "dev.lambent.environment"
# Whatever is found here is found with an engine that is reached by its command.
ALSO_BY_COMMAND = True


def make_client(endpoint):
    settings = Config(retries={"max_attempts": 0}, read_timeout=120, connect_timeout=5)
    return boto3.client("lambda", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test",
                        config=settings)


def make_zip(files):
    return guests.zip_bytes({name: text.encode() for name, text in files.items()})


class Lambent:
    """A daemon on an engine, and its client."""

    def __init__(self, engine, *options, env=None, sandbox=None, hidden=False):
        self.engine = engine
        if not any(option.startswith("--container-spares") for option in options):
            options += ("--container-spares=0",)
        self.daemon = Daemon("--sandbox", sandbox or engine.name, *options,
                             env={**engine.lambent_env(), **(env or {})})
        if hidden:
            self.hide()
        self.start()

    def hide(self):
        """Its data lie on a file system that the engine does not have: as for one in a container, or with an engine elsewhere."""
        wrapper = self.daemon.folder / "hidden"
        wrapper.write_text("#!/bin/sh\n"
                           f"exec unshare --mount sh -c 'mkdir -p {self.daemon.data_dir} && mount -t tmpfs -o size=64m tmpfs {self.daemon.data_dir} && "
                           f'exec {binary()} "$@"\' lambent "$@"\n')
        wrapper.chmod(0o755)
        self.daemon.binary = str(wrapper)

    def inside(self, path):
        """A path as the daemon sees it."""
        return pathlib.Path(f"/proc/{self.daemon.pid}/root{path}")

    def start(self):
        self.daemon.start()
        self.client = make_client(self.daemon.endpoint)
        self.home = self.inside(self.daemon.data_dir / "home").read_text()

    def function(self, package, **settings):
        name = f"fn-{uuid.uuid4().hex[:12]}"
        settings = {"Runtime": "provided.al2023", "Handler": "by-event", "Role": ROLE, "MemorySize": 128, "Timeout": 10, **settings}
        code = {"ImageUri": package} if settings.get("PackageType") == "Image" else {"ZipFile": package}
        if "ImageUri" in code:
            del settings["Runtime"], settings["Handler"]
        self.client.create_function(FunctionName=name, Code=code, **settings)
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.05, "MaxAttempts": 600})
        return name

    def invoke(self, name, event=None, **settings):
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event), **settings)
        return json.load(answer["Payload"]), answer

    def environments(self):
        with urllib.request.urlopen(f"{self.daemon.endpoint}/_lambent/environments") as answer:
            return json.load(answer)["environments"]

    def containers(self):
        """Those of this daemon that are, or can become, environments."""
        return [c for c in self.everything() if LABEL in c["Labels"]]

    def lose(self, container):
        """Somebody else removes it. Docker, which removes it by itself as well, may stumble over that."""
        with contextlib.suppress(EngineError):
            self.engine.call("DELETE", f"/containers/{container['Id']}", force="true")

    def everything(self):
        return self.engine.containers(**{"dev.lambent.home": self.home})


def wait_until(claim, what):
    """The engine tells nobody but its own followers; what it does it does soon."""
    end = time.monotonic() + GONE_SECONDS
    while not claim():
        assert time.monotonic() < end, what
        threading.Event().wait(0.05)


def spare_of(lambent):
    """The one container there is, in the look that found it: the next may find that one gone which was evicted a moment ago."""
    found = []

    def is_alone():
        found[:] = lambent.containers()
        return [c["State"] for c in found] == ["running"]

    wait_until(is_alone, "a spare")
    return found[0]


@pytest.fixture
def lambent_of(engine):
    """lambent_of(*options): a daemon on this engine. At the end nothing of it may be left, there neither."""
    adopt_orphans()
    running = []

    def make(*options, **settings):
        running.append(Lambent(engine, *options, **settings))
        return running[-1]

    yield make
    for lambent in running:
        daemon = lambent.daemon
        if daemon.process.poll() is None:
            assert daemon.stop() == 0, "".join(daemon.lines[-50:])
        wait_until(lambda lambent=lambent: lambent.everything() == [], "the engine has removed what it was told to")
        leaks = daemon.leaks()
        daemon.remove()
        assert leaks == []


@pytest.fixture
def c_bootstrap():
    return guests.c_bootstrap()


@pytest.fixture
def provided(engine, aws_image):
    engine.load(aws_image("provided:al2023"))


@pytest.fixture
def lambent(lambent_of, provided):
    return lambent_of()


@pytest.fixture(params=["shared", "hidden"])
def near_and_far(request, lambent_of, provided):
    """An engine that shares our files, and one that does not."""
    return lambent_of(hidden=request.param == "hidden")


def test_cold_then_warm(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap, Handler="count")

    first, _ = lambent.invoke(name)
    second, _ = lambent.invoke(name)

    assert (first["count"], second["count"]) == (1, 2)
    assert first["process"] == second["process"]
    [environment] = lambent.environments()
    [container] = lambent.containers()
    assert environment["sandbox"] == lambent.engine.name
    assert environment["container"] == container["Id"]
    assert container["Labels"]["dev.lambent.function"] == name


def pid_of(lambent, container):
    return lambent.engine.call("GET", f"/containers/{container['Id']}/json")["State"]["Pid"]


def holds(pid, inode):
    """Whether one of the process's descriptors is this socket."""
    with contextlib.suppress(OSError):
        for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
            with contextlib.suppress(OSError):
                if str(fd.readlink()) == f"socket:[{inode}]":
                    return True
    return False


def listener_of(pid, port):
    """The inode of the socket that listens on 127.0.0.1 in the network of this process."""
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        fields = line.split()
        if fields[1] == f"0100007F:{port:04X}" and fields[3] == "0A":
            return fields[9]
    raise AssertionError(f"nobody listens on {port}")


def test_who_listens(near_and_far, c_bootstrap):
    """Where the engine shares our sockets the Runtime API's is the daemon's, and no invocation goes through init."""
    lambent = near_and_far
    name = lambent.function(c_bootstrap)
    lambent.invoke(name, "count")
    [container] = lambent.containers()
    init = pid_of(lambent, container)

    inode = listener_of(init, 9001)

    here = not lambent.daemon.binary.endswith("hidden")
    assert holds(lambent.daemon.pid, inode) is here
    assert holds(init, inode) is not here


@pytest.mark.parametrize("hidden", [False, True])
def test_the_hosts_network(lambent_of, provided, c_bootstrap, hidden):
    """There anybody of the machine can connect: only the function's processes are answered."""
    lambent = lambent_of("--container-network=host", hidden=hidden)
    name = lambent.function(c_bootstrap)
    host, port = lambent.invoke(name, "env")[0]["AWS_LAMBDA_RUNTIME_API"].split(":")
    [container] = lambent.containers()
    assert holds(lambent.daemon.pid, listener_of(pid_of(lambent, container), int(port))) is not hidden

    with socket.create_connection((host, int(port)), timeout=10) as stranger:
        with contextlib.suppress(ConnectionError):
            stranger.sendall(b"GET /2018-06-01/runtime/invocation/next HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert stranger.recv(100) == b""

    assert "AWS_LAMBDA_RUNTIME_API" in lambent.invoke(name, "env")[0]


def test_the_container_is_stopped(near_and_far, c_bootstrap):
    """By somebody else, and politely: what it runs is answered, and the next invocation gets another container."""
    lambent = near_and_far
    name = lambent.function(c_bootstrap, Timeout=60)
    lambent.invoke(name, "count")
    [container] = lambent.containers()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambent.invoke, name, "sleep-ms:50000")
        wait_until(lambda: lambent.environments()[0]["state"] == "busy", "it runs")
        lambent.engine.call("POST", f"/containers/{container['Id']}/stop", t="20")
        answer, meta = running.result()

    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Sandbox.Failure", answer
    assert "the execution environment was stopped" in answer["errorMessage"]
    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_the_sandbox_inside(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap, Environment={"Variables": {"MINE": "yes"}})

    uid, _ = lambent.invoke(name, "uid")
    env, _ = lambent.invoke(name, "env")
    root, _ = lambent.invoke(name, "make-file:/here")
    task, _ = lambent.invoke(name, "make-file:/var/task/here")
    tmp, _ = lambent.invoke(name, "make-file:/tmp/here")

    assert uid["uid"] == 993
    assert (root, tmp) == ("EROFS", "made")
    assert task in ("EROFS", "EACCES")  # a volume, where the code comes as an archive
    assert env["MINE"] == "yes"
    assert env["AWS_LAMBDA_FUNCTION_NAME"] == name


def test_no_secret_on_a_command_line(lambent, c_bootstrap):
    name = lambent.function(c_bootstrap, Environment={"Variables": {"TOKEN": "very-secret"}})
    lambent.invoke(name, "echo")

    [container] = lambent.containers()
    described = json.dumps(lambent.engine.call("GET", f"/containers/{container['Id']}/json"))
    assert "very-secret" not in described
    assert '"PortBindings": {}' in described or '"PortBindings": null' in described


def test_fates_of_a_runtime(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap, Timeout=1)

    exited, answer = lambent.invoke(name, "invoke-exit:3")
    assert answer["FunctionError"] == "Unhandled"
    assert exited["errorType"] == "Runtime.ExitError" and "exit status 3" in exited["errorMessage"]
    late, answer = lambent.invoke(name, "invoke-hang")
    assert answer["FunctionError"] == "Unhandled" and "Task timed out after 1.00 seconds" in late["errorMessage"]
    fine, answer = lambent.invoke(name, "count")
    assert fine["count"] == 1 and "FunctionError" not in answer


def test_out_of_memory(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap, Timeout=20)

    answer, meta = lambent.invoke(name, "oom")

    assert meta["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Runtime.OutOfMemory"
    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_logs_and_report(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap)

    _, answer = lambent.invoke(name, "log:2", LogType="Tail")

    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "START RequestId:" in tail and "REPORT RequestId:" in tail and "Init Duration" in tail


def test_a_streamed_answer(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap)

    stream = lambent.client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps("stream:3000000"))["EventStream"]

    assert sum(len(event["PayloadChunk"]["Payload"]) for event in stream if "PayloadChunk" in event) == 3000000


def test_cold_starts_in_parallel(lambent, c_bootstrap):
    name = lambent.function(c_bootstrap)

    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: lambent.invoke(name, "sleep-ms:1500")[0], range(4)))

    assert answers == ["slept"] * 4
    assert len(lambent.containers()) == 4


def test_somebody_removes_the_container(near_and_far, c_bootstrap):
    lambent = near_and_far
    name = lambent.function(c_bootstrap, Timeout=60)
    lambent.invoke(name, "count")
    [container] = lambent.containers()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambent.invoke, name, "sleep-ms:50000")
        wait_until(lambda: lambent.environments()[0]["state"] == "busy", "it runs")
        began = time.monotonic()
        lambent.lose(container)
        answer, meta = running.result()

    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Runtime.ExitError", answer
    assert time.monotonic() - began < 30, "known from events, not from the timeout"
    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_idle_and_removed(lambent, c_bootstrap):
    name = lambent.function(c_bootstrap)
    lambent.invoke(name, "count")
    [container] = lambent.containers()
    lambent.lose(container)
    wait_until(lambda: lambent.environments() == [], "the environment goes with it")

    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_evicted(lambent, c_bootstrap):
    name = lambent.function(c_bootstrap)
    lambent.invoke(name, "count")

    request = urllib.request.Request(f"{lambent.daemon.endpoint}/_lambent/environments/evict", json.dumps({"function": name}).encode())
    assert json.load(urllib.request.urlopen(request)) == {"evicted": 1}

    wait_until(lambda: lambent.containers() == [], "the container is removed")


def test_killed(lambent_of, provided, c_bootstrap):
    lambent = lambent_of()
    name = lambent.function(c_bootstrap)
    lambent.invoke(name, "count")
    assert len(lambent.containers()) == 1

    lambent.daemon.kill()

    wait_until(lambda: lambent.everything() == [], "containers end with their daemon")


def test_killed_in_mid_start(lambent_of, provided, c_bootstrap):
    """What the engine has made for a daemon that is no more goes when the next one looks."""
    lambent = lambent_of()
    name = lambent.function(c_bootstrap)
    threading.Thread(target=lambda: pytest.raises(Exception, lambent.invoke, name, "count"), daemon=True).start()
    wait_until(lambda: lambent.containers(), "a container is being made")
    lambent.daemon.kill()
    lambent.daemon.options = [option for option in lambent.daemon.options if not option.startswith(("--listen", "127."))]

    lambent.daemon.start()

    wait_until(lambda: lambent.everything() == [], "the next daemon removes what is left")


def test_strangers_containers_stay(lambent_of, engine, provided, aws_image, c_bootstrap):
    """Two daemons on one engine leave each other alone."""
    one, other = lambent_of(), lambent_of()
    name = one.function(c_bootstrap)
    first, _ = one.invoke(name, "count")

    assert other.invoke(other.function(c_bootstrap), "count")[0]["count"] == 1
    other.daemon.stop()

    assert one.invoke(name, "count")[0] == {**first, "count": 2}


def test_layers(near_and_far, c_bootstrap):
    lambent = near_and_far
    layer = lambent.client.publish_layer_version(LayerName=f"l-{uuid.uuid4().hex[:8]}", Content={"ZipFile": make_zip({"of-the-layer": "x"})})
    name = lambent.function(c_bootstrap, Layers=[layer["LayerVersionArn"]])

    assert "of-the-layer" in lambent.invoke(name, "list-dir:/opt")[0]
    assert "bootstrap" in lambent.invoke(name, "list-dir:/var/runtime")[0]


def test_aws_python(lambent_of, engine, aws_image):
    image = aws_image("python")
    engine.load(image)
    lambent = lambent_of()
    package = make_zip({"app.py": "import os, sys\ndef handler(event, context):\n    return {'event': event, 'id': context.aws_request_id, "
                                  "'root': os.environ['LAMBDA_TASK_ROOT'], 'path': os.environ['PATH'], 'arn': context.invoked_function_arn}\n"})
    name = lambent.function(package, Runtime=f"python{image.name.rsplit(':', 1)[1]}", Handler="app.handler", MemorySize=512, Timeout=30)

    answer, meta = lambent.invoke(name, {"x": 1})

    assert answer["event"] == {"x": 1} and answer["root"] == "/var/task"
    assert answer["id"] == meta["ResponseMetadata"]["RequestId"]
    assert answer["arn"].endswith(f":function:{name}")
    assert "/var/lang/bin" in answer["path"]


def test_output_by_its_name(near_and_far, engine, aws_image):
    """A process may open its standard output once more, whoever made it."""
    lambent = near_and_far
    image = aws_image("python")
    engine.load(image)
    code = make_zip({"app.py": """
def handler(event, context):
    for path in ("/dev/stdout", "/dev/stderr"):
        with open(path, "w") as out:
            out.write(f"said by the name of {path}\\n")
"""})
    name = lambent.function(code, Runtime=f"python{image.name.rsplit(':', 1)[1]}", Handler="app.handler", MemorySize=256, Timeout=30)

    _, answer = lambent.invoke(name, {}, LogType="Tail")

    tail = base64.b64decode(answer["LogResult"]).decode()
    assert "said by the name of /dev/stdout" in tail and "said by the name of /dev/stderr" in tail, tail


def test_no_image(lambent_of, engine):
    lambent = lambent_of("--pull", "never")
    name = f"fn-{uuid.uuid4().hex[:12]}"
    lambent.client.create_function(FunctionName=name, Runtime="java21", Handler="a.B", Role=ROLE, Code={"ZipFile": make_zip({"a": "b"})})

    wait_until(lambda: lambent.client.get_function_configuration(FunctionName=name)["State"] == "Failed", "it fails")
    assert "public.ecr.aws/lambda/java:21" in lambent.client.get_function_configuration(FunctionName=name)["StateReason"]


@pytest.mark.parametrize("hidden", [False, True])
def test_spares(lambent_of, provided, c_bootstrap, hidden):
    """A container that waits is taken, another comes in its place; an update brings new ones."""
    lambent = lambent_of("--container-spares=1", hidden=hidden)
    name = lambent.function(c_bootstrap)
    wait_until(lambda: len(lambent.containers()) == 1, "a spare is started before anything is invoked")
    [spare] = lambent.containers()

    assert lambent.invoke(name, "count")[0]["count"] == 1

    assert lambent.environments()[0]["container"] == spare["Id"]
    wait_until(lambda: len(lambent.containers()) == 2, "the next spare")
    lambent.client.update_function_configuration(FunctionName=name, MemorySize=256)
    lambent.client.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert lambent.invoke(name, "count")[0]["count"] == 1
    wait_until(lambda: len(lambent.containers()) == 2, "one that serves, and one of its kind")


def test_a_spare_that_dies(lambent_of, provided, c_bootstrap):
    lambent = lambent_of("--container-spares=1")
    name = lambent.function(c_bootstrap)

    lambent.lose(spare_of(lambent))

    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_a_spare_that_dies_when_it_is_taken(lambent_of, provided, c_bootstrap):
    """Whoever takes it in the moment of its death hears nothing of that."""
    lambent = lambent_of("--container-spares=1")
    name = lambent.function(c_bootstrap)
    for _ in range(5):
        spare = spare_of(lambent)
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            losing = pool.submit(lambent.lose, spare)
            answer, meta = pool.submit(lambent.invoke, name, "count").result()
            losing.result()
        # It may have been lost to the invocation itself, which is then told: what has begun is not begun again.
        assert "FunctionError" not in meta or answer["errorType"] == "Runtime.ExitError", answer
        urllib.request.urlopen(urllib.request.Request(f"{lambent.daemon.endpoint}/_lambent/environments/evict",
                                                      json.dumps({"function": name}).encode())).read()


class Echo(threading.Thread):
    """A service of the developer's, on the loopback of this machine only."""

    def __init__(self):
        super().__init__(daemon=True)
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.start()

    def run(self):
        while True:
            connection, _ = self.socket.accept()
            connection.close()


def test_localhost_is_the_developers(near_and_far, c_bootstrap):
    lambent = near_and_far
    service = Echo()
    name = lambent.function(c_bootstrap, Environment={"Variables": {"CACHE": f"redis://localhost:{service.port}/0"}})

    assert lambent.invoke(name, f"connect:127.0.0.1:{service.port}")[0] == "connected"
    assert lambent.invoke(name, "connect:127.0.0.1:1")[0] == "ECONNREFUSED"


def test_the_function_calls_lambda(lambent, aws_image):
    image = aws_image("python")
    lambent.engine.load(image)
    runtime = f"python{image.name.rsplit(':', 1)[1]}"
    package = make_zip({"app.py": "import os, urllib.request\ndef handler(event, context):\n"
                                  "    url = os.environ['AWS_ENDPOINT_URL_LAMBDA'] + '/2015-03-31/functions/'\n"
                                  "    return urllib.request.urlopen(url).read().decode()\n"})
    name = lambent.function(package, Runtime=runtime, Handler="app.handler", MemorySize=512, Timeout=30)

    assert name in lambent.invoke(name)[0]


def test_doctor_says_where_and_why(lambent, c_bootstrap):
    name = lambent.function(c_bootstrap)

    with urllib.request.urlopen(f"{lambent.daemon.endpoint}/_lambent/doctor?function={name}") as answer:
        report = json.load(answer)

    assert report["placement"] == lambent.engine.name and report["why"]
    assert report["containers"]["engine"] == lambent.engine.name
    assert report["containers"]["foundBy"] == lambent.engine.found_by


def test_the_engine_starts_again(lambent, c_bootstrap, aws_image):
    """Docker takes its containers along; the next invocation finds new ones."""
    if lambent.engine.name != "docker":
        pytest.skip("Podman's containers do not hang on its service")
    name = lambent.function(c_bootstrap)
    lambent.invoke(name, "count")

    lambent.engine.restart()

    wait_until(lambda: lambent.invoke(name, "count")[0].get("count") == 1, "it runs again")


@pytest.mark.parametrize("env, why", [
    ({"DOCKER_HOST": "unix:///nowhere/engine.sock", "LAMBENT_CONTAINER_CLI": ""}, "/nowhere/engine.sock"),
    ({"LAMBENT_CONTAINER_CLI": "/nowhere/docker"}, '"/nowhere/docker info" failed: No such file or directory'),
], ids=["socket", "command"])
def test_no_engine(lambent_of, provided, c_bootstrap, env, why):
    lambent = lambent_of(env=env)
    name = f"fn-{uuid.uuid4().hex[:12]}"
    lambent.client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="x", Role=ROLE, Code={"ZipFile": c_bootstrap})

    wait_until(lambda: lambent.client.get_function_configuration(FunctionName=name)["State"] == "Failed", "it fails")
    assert why in lambent.client.get_function_configuration(FunctionName=name)["StateReason"]
