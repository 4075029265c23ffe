# SPDX-License-Identifier: Apache-2.0
"""Functions run by AWS's emulator, which their image brings (--container-mode rie): its answers, errors and logs become AWS's."""

import base64
import concurrent.futures
import json
import re
import urllib.request
import uuid

import pytest

import images
from test_environments import lambent_of, make_zip, wait_until  # noqa: F401

ALSO_BY_COMMAND = True

APP = """
import os, sys, threading

count = 0

def handler(event, context):
    global count
    count += 1
    what, _, rest = str(event).partition(":")
    if what == "fail":
        raise KeyError(rest)
    if what == "wait":
        threading.Event().wait(float(rest))
    if what == "exit":
        os._exit(int(rest))
    if what == "fill":
        hog = []
        while True:
            hog.append(bytearray(b"x" * (1 << 20)))
    if what == "print":
        print("to standard output", rest)
        print("to standard error", rest, file=sys.stderr)
        sys.stdout.write("without an end")
    if what == "big":
        return "x" * int(rest)
    if what == "env":
        return dict(os.environ)
    if what == "context":
        return {"id": context.aws_request_id, "client": context.client_context and context.client_context.custom}
    return {"event": event, "count": count, "process": open("/proc/1/cmdline").read()}
"""


class Emulated:
    def __init__(self, lambent, image):
        self.lambent = lambent
        self.runtime = f"python{image.name.rsplit(':', 1)[1]}"

    def function(self, app=APP, **settings):
        settings = {"Runtime": self.runtime, "Handler": "app.handler", "MemorySize": 256, "Timeout": 10, **settings}
        return self.lambent.function(make_zip({"app.py": app}), **settings)

    def count(self, name):
        """How many times the container that answers now has been called."""
        answer, _ = self.lambent.invoke(name, "x")
        assert "count" in answer, answer
        return answer["count"]


@pytest.fixture
def python(engine, aws_image):
    image = aws_image("python")
    if not images._rie():
        pytest.skip("the emulator cannot be built here")
    engine.load(image)
    return image


@pytest.fixture(params=["shared", "hidden"])
def emulated(request, lambent_of, python):  # noqa: F811
    return Emulated(lambent_of("--container-mode", "rie", "--rie-ready-time", "60s", hidden=request.param == "hidden"), python)


@pytest.fixture
def shared(lambent_of, python):  # noqa: F811
    return Emulated(lambent_of("--container-mode", "rie", "--rie-ready-time", "60s"), python)


def test_two_in_order(emulated):
    name = emulated.function(Environment={"Variables": {"MINE": "yes", "SERVICE": "http://localhost:9999/x"}})

    first, answer = emulated.lambent.invoke(name, {"a": 1})
    second, _ = emulated.lambent.invoke(name, {"a": 2})
    env, _ = emulated.lambent.invoke(name, "env")

    assert "FunctionError" not in answer, first
    assert (first["event"], first["count"], second["event"], second["count"]) == ({"a": 1}, 1, {"a": 2}, 2)
    assert "aws-lambda-rie" in first["process"]
    assert (env["MINE"], env["AWS_LAMBDA_FUNCTION_NAME"], env["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"]) == ("yes", name, "256")
    assert env["SERVICE"] == "http://host.docker.internal:9999/x"
    [environment] = emulated.lambent.environments()
    [container] = emulated.lambent.containers()
    assert environment["mode"] == "rie" and environment["container"] == container["Id"]


def test_published_on_loopback_alone(shared):
    name = shared.function()
    shared.count(name)

    [container] = shared.lambent.containers()
    ports = shared.lambent.engine.call("GET", f"/containers/{container['Id']}/json")["NetworkSettings"]["Ports"]
    assert {binding["HostIp"] for bindings in ports.values() for binding in bindings or []} == {"127.0.0.1"}


def test_what_the_function_is_told(shared):
    name = shared.function()
    context = base64.b64encode(json.dumps({"custom": {"k": "v"}}).encode()).decode()

    told, answer = shared.lambent.invoke(name, "context", ClientContext=context)

    assert told["id"] == answer["ResponseMetadata"]["RequestId"]
    assert told["client"] == {"k": "v"}


def test_a_handlers_error(shared):
    name = shared.function()

    error, answer = shared.lambent.invoke(name, "fail:why")

    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "KeyError" and "why" in error["errorMessage"] and error["stackTrace"]
    assert shared.count(name) == 2, "the container is kept"


def test_a_timeout(shared):
    name = shared.function(Timeout=1)

    error, answer = shared.lambent.invoke(name, "wait:30", LogType="Tail")

    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "Sandbox.Timedout"
    assert re.fullmatch(r"RequestId: [0-9a-f-]{36} Error: Task timed out after 1\.00 seconds", error["errorMessage"])
    assert "Status: timeout" in base64.b64decode(answer["LogResult"]).decode()
    assert shared.count(name) == 1, "in a new container"


def test_an_init_that_dies_once(emulated):
    """As AWS does, the first invocation begins INIT again; what has died has not seen the event."""
    once = 'import os\nif not os.path.exists("/tmp/dead"):\n    print("dying")\n    open("/tmp/dead", "w").close()\n    os._exit(1)\n'
    name = emulated.function(once + APP)

    answer, meta = emulated.lambent.invoke(name, "x", LogType="Tail")

    assert "FunctionError" not in meta and (answer["event"], answer["count"]) == ("x", 1), answer
    log = base64.b64decode(meta["LogResult"]).decode()
    assert log.count("START RequestId: ") == log.count("REPORT RequestId: ") == 1, log
    assert emulated.count(name) == 2


def test_an_init_that_dies_always(emulated):
    name = emulated.function('import os\nopen("/tmp/deaths", "a").write("x")\nos._exit(len(open("/tmp/deaths").read()))\n')

    for _ in range(2):
        error, meta = emulated.lambent.invoke(name, "x")
        assert meta["FunctionError"] == "Unhandled" and error["errorType"] == "Runtime.ExitError", error


def test_a_crash(shared):
    name = shared.function()

    error, answer = shared.lambent.invoke(name, "exit:3", LogType="Tail")

    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "Runtime.ExitError"
    assert re.fullmatch(r"RequestId: [0-9a-f-]{36} Error: Runtime exited with error: exit status 3", error["errorMessage"])
    assert "Status: error\tError Type: Runtime.ExitError" in base64.b64decode(answer["LogResult"]).decode()
    assert shared.count(name) == 1


def test_an_init_that_fails(shared):
    name = shared.function(Handler="absent.handler")

    error, answer = shared.lambent.invoke(name, "x")

    assert answer["FunctionError"] == "Unhandled"
    assert error["errorType"] == "Runtime.ImportModuleError" and "absent" in error["errorMessage"]


def test_out_of_memory(shared):
    name = shared.function(Timeout=60, MemorySize=128)

    error, answer = shared.lambent.invoke(name, "fill")

    assert answer["FunctionError"] == "Unhandled"
    # Podman tells nobody that memory ran out; the container's cgroup does.
    assert error["errorType"] == "Runtime.OutOfMemory" and "signal: killed" in error["errorMessage"]
    assert shared.count(name) == 1


def test_logs(shared):
    name = shared.function()

    _, answer = shared.lambent.invoke(name, "print:this", LogType="Tail")

    lines = base64.b64decode(answer["LogResult"]).decode().split("\n")
    request = answer["ResponseMetadata"]["RequestId"]
    assert lines.count(f"START RequestId: {request} Version: $LATEST") == 1
    assert lines.count(f"END RequestId: {request}") == 1
    assert "to standard output this" in lines and "to standard error this" in lines and "without an end" in lines
    [report] = [line for line in lines if line.startswith("REPORT")]
    assert re.match(rf"REPORT RequestId: {request}\tDuration: [\d.]+ ms\tBilled Duration: \d+ ms\tMemory Size: 256 MB\t", report)
    assert not any("(rapid)" in line for line in lines)


def test_one_at_a_time_in_each(shared):
    name = shared.function()

    with concurrent.futures.ThreadPoolExecutor(2) as pool:
        answers = list(pool.map(lambda _: shared.lambent.invoke(name, "wait:2")[0], range(2)))

    assert [answer["count"] for answer in answers] == [1, 1]
    assert len(shared.lambent.containers()) == 2


def test_a_streamed_answer(shared):
    name = shared.function()

    stream = shared.lambent.client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps("big:3000000"))["EventStream"]
    events = list(stream)

    assert sum(len(event["PayloadChunk"]["Payload"]) for event in events if "PayloadChunk" in event) == 3000002
    assert "ErrorCode" not in events[-1]["InvokeComplete"]
    stream = shared.lambent.client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps("fail:x"))["EventStream"]
    assert list(stream)[-1]["InvokeComplete"]["ErrorCode"] == "Unhandled"


def test_somebody_removes_the_container(shared):
    name = shared.function(Timeout=60)
    shared.count(name)
    [container] = shared.lambent.containers()

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(shared.lambent.invoke, name, "wait:50")
        wait_until(lambda: shared.lambent.environments()[0]["state"] == "busy", "it runs")
        shared.lambent.engine.call("DELETE", f"/containers/{container['Id']}", force="true")
        error, answer = running.result()

    assert answer["FunctionError"] == "Unhandled" and error["errorType"] == "Runtime.ExitError"
    assert shared.count(name) == 1


def test_evicted(shared):
    name = shared.function()
    shared.count(name)

    request = urllib.request.Request(f"{shared.lambent.daemon.endpoint}/_lambent/environments/evict", json.dumps({"function": name}).encode())
    assert json.load(urllib.request.urlopen(request)) == {"evicted": 1}

    wait_until(lambda: shared.lambent.containers() == [], "the container is removed")


def test_an_image_that_starts_it(lambent_of, engine, python):  # noqa: F811
    """By itself: whatever one says, this image begins with its emulator."""
    base = images.function_image(python, f"lambent-test/rie-{uuid.uuid4().hex[:8]}:1", "app.handler", files={"app.py": APP})
    image = base.derive(base.name, entrypoint=["/usr/local/bin/aws-lambda-rie", "/var/runtime/bootstrap"], env={"_HANDLER": "app.handler"})
    engine.load(image)
    lambent = lambent_of("--rie-ready-time", "60s")
    name = lambent.function(image.name, PackageType="Image", MemorySize=256)

    answer, _ = lambent.invoke(name, 7)
    assert answer.get("event") == 7, answer
    with urllib.request.urlopen(f"{lambent.daemon.endpoint}/_lambent/doctor?function={name}") as report:
        assert json.load(report)["mode"] == "rie"
    engine.forget(image.name)


def test_an_image_without_one(lambent_of, engine):  # noqa: F811
    name = f"lambent-test/tiny-{uuid.uuid4().hex[:8]}:latest"
    engine.load(images.tiny(name))
    lambent = lambent_of("--container-mode", "rie", "--rie-ready-time", "1s")
    function = lambent.function(name, PackageType="Image")

    error, answer = lambent.invoke(function, {})

    assert answer["FunctionError"] == "Unhandled" and error["errorType"] == "Sandbox.Failure"
    wait_until(lambda: lambent.everything() == [], "nothing is left of it")
    engine.forget(name)


def test_no_port_of_its_own(lambent_of, engine):  # noqa: F811
    """Every emulator listens on the same port, which in the host's network only one can have."""
    name = f"lambent-test/tiny-{uuid.uuid4().hex[:8]}:latest"
    engine.load(images.tiny(name))
    lambent = lambent_of("--container-mode", "rie", "--container-network", "host")
    function = lambent.function(name, PackageType="Image")

    error, answer = lambent.invoke(function, {})

    assert answer["FunctionError"] == "Unhandled" and error["errorType"] == "Sandbox.Failure"
    assert "needs a network of its own" in error["errorMessage"], error
    wait_until(lambda: lambent.everything() == [], "nothing is left of it")
    engine.forget(name)
