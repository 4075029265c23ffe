# SPDX-License-Identifier: Apache-2.0
"""The images behave as AWS's do before lambent runs them: plain `docker run` and `podman run`, and a Runtime API of the test."""

import json
import threading
import urllib.request

import pytest

import guests
import images
from fake_api import Event, FakeApi

NODE = "export const handler = async (event, context) => ({ echo: event, requestId: context.awsRequestId });\n"
PYTHON = "def handler(event, context):\n    return {'echo': event, 'requestId': context.aws_request_id}\n"
EVENT = {"name": "you"}
# What the platform sets beside the Runtime API, and the clients insist on.
PLATFORM = {
    "AWS_REGION": "us-east-1", "AWS_LAMBDA_FUNCTION_NAME": "fn", "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128", "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/fn", "AWS_LAMBDA_LOG_STREAM_NAME": "stream",
}
START_SECONDS = 60


@pytest.fixture
def runtime_api():
    api = FakeApi()
    yield api
    api.close()


class Ended:
    """In the queue of requests: the container has ended, and this is what it said."""

    kind = "ended"

    def __init__(self, output):
        self.body = output


@pytest.fixture
def invoke(engine, runtime_api):
    """invoke(image, event, options, arguments) runs the image as it is; answers the id and what its runtime posted."""
    watching = []

    def watch(process):
        runtime_api.requests.put(Ended(process.communicate()[0]))

    def call(image, event, options=(), arguments=()):
        engine.load(image)
        queued = Event(json.dumps(event).encode(), {"Lambda-Runtime-Deadline-Ms": "9999999999999", "Lambda-Runtime-Invoked-Function-Arn": "arn"})
        runtime_api.push(queued)
        variables = {**PLATFORM, "AWS_LAMBDA_RUNTIME_API": runtime_api.address}
        given = [word for name, value in variables.items() for word in ("--env", f"{name}={value}")]
        process = engine.popen("run", "--rm", "--network", "host", *given, *options, image.name, *arguments)
        watching.append(threading.Thread(target=watch, args=(process,)))
        watching[-1].start()
        while (posted := runtime_api.take(timeout=START_SECONDS)).kind != "response":
            assert posted.kind == "next", posted.body
        assert queued.request_id in posted.path
        return queued.request_id, json.loads(posted.body)

    yield call
    engine.remove_containers()
    for thread in watching:
        thread.join(START_SECONDS)


def test_provided_runs_a_program_of_go(invoke, aws_image):
    image = images.function_image(aws_image("provided:al2023"), "lambent-test/go:latest", "any", package=guests.go_handler(), folder="var/runtime")
    assert invoke(image, {"do": "echo", "payload": EVENT})[1] == EVENT


def test_provided_runs_a_program_of_rust(invoke, aws_image):
    image = images.function_image(aws_image("provided:al2023"), "lambent-test/rust:latest", "any", package=guests.rust_handler(), folder="var/runtime")
    assert invoke(image, {"do": "echo", "payload": EVENT})[1] == EVENT


def test_python(invoke, aws_image):
    image = images.function_image(aws_image("python"), "lambent-test/python:latest", "app.handler", {"app.py": PYTHON})
    request_id, answer = invoke(image, EVENT)
    assert answer == {"echo": EVENT, "requestId": request_id}


@pytest.mark.parametrize("tag", ["nodejs:24", "nodejs:20"])
def test_nodejs(invoke, aws_image, tag):
    image = images.function_image(aws_image(tag), f"lambent-test/{tag}", "app.handler", {"app.mjs": NODE})
    request_id, answer = invoke(image, EVENT)
    assert answer == {"echo": EVENT, "requestId": request_id}


def test_java(invoke, aws_image):
    image = aws_image("java").derive("lambent-test/java:latest", [images.java_function()], command=["Echo::handleRequest"])
    request_id, answer = invoke(image, EVENT)
    assert answer == {"echo": EVENT, "requestId": request_id}


def test_code_that_is_mounted(invoke, aws_image, tmp_path):
    """As a zip function runs on AWS's image: code at /var/task, the handler the only argument."""
    (tmp_path / "app.py").write_text(PYTHON)
    tmp_path.chmod(0o755)
    options = ["--volume", f"{tmp_path}:/var/task:ro", "--user", "993", "--read-only"]
    assert invoke(aws_image("python"), EVENT, options, ["app.handler"])[1]["echo"] == EVENT


def test_one_static_program(invoke):
    assert invoke(images.tiny(), EVENT)[1] == EVENT


def test_exactly_one_argument(engine, aws_image):
    name = engine.load(aws_image("provided:al2023"))
    for arguments in ([], ["a", "b"]):
        done = engine.run("run", "--rm", "--network", "none", "--env", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9", name, *arguments)
        assert (done.returncode, done.stdout) == (142, "")
        assert done.stderr == "entrypoint requires the handler name to be the first argument\n"


def test_the_emulator_inside(engine, aws_image):
    """Without a Runtime API the image brings its own."""
    image = images.function_image(aws_image("python"), "lambent-test/rie:latest", "app.handler", {"app.py": PYTHON})
    if not any("/rie-" in str(layer.path) for layer in image.layers):
        pytest.skip("AWS's emulator was not built: there is no Go here")
    engine.load(image)
    started = engine.run("run", "--detach", "--publish", "127.0.0.1::8080", image.name)
    assert started.returncode == 0, started.stderr
    port = engine.run("port", started.stdout.strip(), "8080").stdout.split()[0].rsplit(":", 1)[1]
    logs = engine.popen("logs", "--follow", started.stdout.strip())
    assert any("exec" in line for line in logs.stdout)
    url = f"http://127.0.0.1:{port}/2015-03-31/functions/function/invocations"
    with urllib.request.urlopen(url, json.dumps(EVENT).encode(), timeout=START_SECONDS) as answer:
        assert json.load(answer)["echo"] == EVENT
    engine.remove_containers()
    logs.communicate(timeout=START_SECONDS)


def test_the_user_of_aws_exists_nowhere(engine, aws_image):
    """Functions run as 993, which no image has a name for: nothing inside may depend on one."""
    name = engine.load(aws_image("provided:al2023"))
    done = engine.run("run", "--rm", "--network", "none", "--user", "993", "--entrypoint", "/bin/sh", name, "-c", "id -u; test -w /tmp && echo tmp")
    assert (done.returncode, done.stdout.split()) == (0, ["993", "tmp"]), done.stderr


def test_the_same_bytes_every_time(aws_image):
    """Digests are part of what is deployed, so building twice gives the same image."""
    again = images.provided()
    assert (again.digest, again.image_id) == (aws_image("provided:al2023").digest, aws_image("provided:al2023").image_id)
