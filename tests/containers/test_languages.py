# SPDX-License-Identifier: Apache-2.0
"""AWS's runtime clients in the containers that lambent makes, as packages and as images: answers, errors, and a second call to the same process."""

import pathlib
import tarfile
import uuid

import pytest

import guests
import images
from test_environments import lambent_of, make_zip, wait_until  # noqa: F401

NODE = """
let count = 0;
export const handler = async (event, context) => {
  if (event.fail) throw new TypeError(event.fail);
  return { echo: event, requestId: context.awsRequestId, count: ++count };
};
"""
PYTHON = """
count = 0

def handler(event, context):
    global count
    count += 1
    if "fail" in event:
        raise TypeError(event["fail"])
    return {"echo": event, "requestId": context.aws_request_id, "count": count}
"""


def java_zip():
    """The classes of the layer, as a package."""
    with tarfile.open(images.java_function().path) as layer:
        return guests.zip_bytes({str(pathlib.PurePath(member.name).relative_to("var/task")): layer.extractfile(member).read()
                                 for member in layer.getmembers() if member.isfile()})


# image, Runtime, handler, package
LANGUAGES = {
    "python": ("python", lambda: f"python{images.python_version()}", "app.handler", lambda: make_zip({"app.py": PYTHON})),
    "nodejs20": ("nodejs:20", lambda: "nodejs20.x", "app.handler", lambda: make_zip({"app.mjs": NODE})),
    "nodejs24": ("nodejs:24", lambda: "nodejs24.x", "app.handler", lambda: make_zip({"app.mjs": NODE})),
    "java": ("java", lambda: f"java{images.java_version()}", "Echo::handleRequest", java_zip),
}
PROGRAMS = {"go": guests.go_handler, "rust": guests.rust_handler}


@pytest.fixture
def lambent(lambent_of):  # noqa: F811
    return lambent_of()


@pytest.fixture
def image_of(engine):
    """image_of(base, handler, package, folder) is the name of a user's image, while the test runs."""
    made = []

    def make(base, handler, package, folder):
        image = images.function_image(base, f"lambent-test/language-{uuid.uuid4().hex[:8]}:1", handler, package=package, folder=folder)
        made.append(engine.load(image))
        return image.name

    yield make
    for name in made:
        engine.forget(name)


def rests(lambent):
    """Its environment may be called again: the answer comes before the runtime asks for more."""
    wait_until(lambda: {environment["state"] for environment in lambent.environments()} <= {"idle", "frozen"}, "the environment rests")


def check(lambent, name):
    event = {"name": "ü"}
    for count in (1, 2):
        answer, meta = lambent.invoke(name, event)
        assert "FunctionError" not in meta, answer
        assert answer["echo"] == event and answer["requestId"] == meta["ResponseMetadata"]["RequestId"]
        assert answer.get("count", count) == count
        rests(lambent)
    error, meta = lambent.invoke(name, {"fail": "on purpose"})
    assert meta["FunctionError"] == "Unhandled" and "on purpose" in error["errorMessage"]
    assert error["errorType"] in ("TypeError", "java.lang.IllegalStateException")
    assert [environment["invocations"] for environment in lambent.environments()] == [3]


@pytest.mark.parametrize("language", LANGUAGES)
def test_a_package(lambent, engine, aws_image, language):
    tag, runtime, handler, package = LANGUAGES[language]
    engine.load(aws_image(tag))
    check(lambent, lambent.function(package(), Runtime=runtime(), Handler=handler, MemorySize=512, Timeout=60))


@pytest.mark.parametrize("language", LANGUAGES)
def test_an_image(lambent, aws_image, image_of, language):
    tag, _, handler, package = LANGUAGES[language]
    name = image_of(aws_image(tag), handler, package(), "var/task")
    check(lambent, lambent.function(name, PackageType="Image", MemorySize=512, Timeout=60))


def check_program(lambent, name):
    for _ in range(2):
        assert lambent.invoke(name, {"do": "echo", "payload": {"name": "ü"}})[0] == {"name": "ü"}
        rests(lambent)
    error, meta = lambent.invoke(name, {"do": "error"})
    assert meta["FunctionError"] == "Unhandled" and "the guest failed" in error["errorMessage"]
    assert [environment["invocations"] for environment in lambent.environments()] == [3]


@pytest.mark.parametrize("language", PROGRAMS)
def test_a_program(lambent, engine, aws_image, language):
    engine.load(aws_image("provided:al2023"))
    check_program(lambent, lambent.function(PROGRAMS[language](), Handler="any", Timeout=60))


@pytest.mark.parametrize("language", PROGRAMS)
def test_an_image_of_a_program(lambent, aws_image, image_of, language):
    name = image_of(aws_image("provided:al2023"), "any", PROGRAMS[language](), "var/runtime")
    check_program(lambent, lambent.function(name, PackageType="Image", Timeout=60))
