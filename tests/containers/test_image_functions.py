# SPDX-License-Identifier: Apache-2.0
"""Functions of package type Image, and where images come from: a registry that serves, refuses, breaks off."""

import json
import os
import uuid

import pytest

import guests
import images
from test_environments import ROLE, Lambent, lambent_of, make_zip, wait_until  # noqa: F401

SHOW = ("import os\ndef handler(event, context):\n"
        "    return {'event': event, 'cwd': os.getcwd(), 'handler': os.environ.get('_HANDLER'), 'mine': os.environ.get('MINE')}\n"
        "other = handler\n")


@pytest.fixture
def lambent(lambent_of):  # noqa: F811
    return lambent_of()


@pytest.fixture
def tiny(engine):
    name = f"lambent-test/tiny-{uuid.uuid4().hex[:8]}:latest"
    engine.load(images.tiny(name))
    yield name
    engine.forget(name)


@pytest.fixture
def served(engine, registry):
    """served(image, "path:tag") puts it into the registry; nothing of that stays in the engine."""
    yield registry.serve
    engine.forget_from(registry.address)


def state_of(lambent, name):
    return lambent.client.get_function_configuration(FunctionName=name)


def test_an_image_that_is_only_here(lambent, tiny):
    name = lambent.function(tiny, PackageType="Image")

    assert lambent.invoke(name, {"a": 1})[0] == {"a": 1}
    assert lambent.environments()[0]["sandbox"] == lambent.engine.name


def test_a_name_that_it_has_here_only(lambent, engine, served, registry):
    """The image came from a registry under another name; the one that is used nobody has but this engine."""
    pulled = served(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1")
    engine.call("POST", "/images/create", fromImage=pulled)
    repository = f"lambent-test/renamed-{uuid.uuid4().hex[:8]}"
    engine.call("POST", f"/images/{pulled}/tag", repo=repository, tag="1")
    registry.withdraw(pulled.split("/", 1)[1])

    name = lambent.function(f"{repository}:1", PackageType="Image")

    assert lambent.invoke(name, 5)[0] == 5
    lambent.client.update_function_configuration(FunctionName=name, Timeout=7)
    lambent.client.get_waiter("function_updated_v2").wait(FunctionName=name)
    assert lambent.invoke(name, 6)[0] == 6


def test_an_entrypoint_that_is_not_there(lambent, tiny):
    broken = lambent.function(tiny, PackageType="Image", ImageConfig={"EntryPoint": ["/not/there"]})
    answer, meta = lambent.invoke(broken, {})
    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Runtime.InvalidEntrypoint"


def test_an_image_from_aws(lambent, engine, aws_image):
    image = images.function_image(aws_image("python"), f"lambent-test/own-{uuid.uuid4().hex[:8]}:1", "app.handler", files={"app.py": SHOW})
    engine.load(image)
    name = lambent.function(image.name, PackageType="Image", MemorySize=512, Timeout=30, Environment={"Variables": {"MINE": "yes"}})

    answer, _ = lambent.invoke(name, [1])
    assert answer == {"event": [1], "cwd": "/var/task", "handler": "app.handler", "mine": "yes"}

    lambent.client.update_function_configuration(FunctionName=name, ImageConfig={"Command": ["app.other"], "WorkingDirectory": "/tmp"})
    lambent.client.get_waiter("function_updated_v2").wait(FunctionName=name)
    answer, _ = lambent.invoke(name, [2])
    assert answer == {"event": [2], "cwd": "/tmp", "handler": "app.other", "mine": "yes"}


def test_a_moved_tag_changes_nothing(lambent, engine):
    name = f"lambent-test/moving-{uuid.uuid4().hex[:8]}:1"
    engine.load(images.tiny(name))
    function = lambent.function(name, PackageType="Image")
    assert lambent.invoke(function, "x")[0] == "x"
    engine.load(images.tiny(name, env={"_HANDLER": "count"}))

    fresh = lambent.function(name, PackageType="Image")

    lambent.client.update_function_configuration(FunctionName=function, Timeout=7)
    lambent.client.get_waiter("function_updated_v2").wait(FunctionName=function)
    assert lambent.invoke(fresh, "x")[0]["count"] == 1
    assert lambent.invoke(function, "x")[0] == "x"
    engine.forget(name)


def test_pulled(lambent, engine, served, registry):
    name = served(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1")

    function = lambent.function(name, PackageType="Image")

    assert lambent.invoke(function, 5)[0] == 5
    assert any(path.startswith("/v2/team/app") for _, path in registry.requests)


def test_a_pull_that_fails_once(lambent, engine, served, registry):
    name = served(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1")
    registry.fail("manifests", status=503, times=2)

    function = lambent.function(name, PackageType="Image")

    assert lambent.invoke(function, 5)[0] == 5


def test_credentials_of_the_user(lambent_of, engine, served, registry, tmp_path):  # noqa: F811
    name = served(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1")
    registry.require_basic("user", "secret")
    host = name.split("/")[0]
    helper = tmp_path / "docker-credential-ours"
    helper.write_text(f'#!/bin/sh\nread host\n[ "$1 $host" = "get {host}" ] && echo \'{{"Username":"user","Secret":"secret"}}\'\n')
    helper.chmod(0o755)
    (tmp_path / "config.json").write_text(json.dumps({"credHelpers": {host: "ours"}}))

    lambent = lambent_of(env={"DOCKER_CONFIG": str(tmp_path), "PATH": f"{tmp_path}:{os.environ['PATH']}"})
    function = lambent.function(name, PackageType="Image")

    assert lambent.invoke(function, 5)[0] == 5


def test_images_that_are_not_to_be_had(lambent, served, registry):
    missing = served(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1").replace(":v1", ":v2")
    with pytest.raises(lambent.client.exceptions.InvalidParameterValueException, match="does not exist"):
        lambent.function(missing, PackageType="Image")
    registry.require_basic("user", "secret")
    with pytest.raises(lambent.client.exceptions.ClientError, match="permission"):
        lambent.function(missing.replace(":v2", ":v1"), PackageType="Image")


def test_a_private_registry_of_aws(lambent_of, engine, served):  # noqa: F811
    name = served(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1")
    host, path = name.split("/", 1)
    lambent = lambent_of("--private-registry", host)

    function = lambent.function(f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{path}", PackageType="Image")

    assert lambent.invoke(function, 5)[0] == 5


def test_a_mirror(lambent_of, engine, served, aws_image):  # noqa: F811
    image = aws_image("provided:al2023")
    name = served(image, "mirror/provided:al2023")
    lambent = lambent_of("--image-mirror", name.rsplit("/", 1)[0])
    function = lambent.function(guests.c_bootstrap(), Handler="echo")

    assert lambent.invoke(function, 5)[0] == 5


def test_auto(lambent_of, engine, aws_image):  # noqa: F811
    """Natively what this machine has; in a container what it has not."""
    image = aws_image("python")
    engine.load(image)
    lambent = lambent_of("--user=root", sandbox="auto")
    native = lambent.function(guests.c_bootstrap(), Handler="echo")
    assert lambent.invoke(native, 1)[0] == 1
    assert [e["sandbox"] for e in lambent.environments()] == ["native"]

    # A Java that nobody has pulled cannot run at all; what is said names both reasons.
    none = lambent.function(make_zip({"a": "b"}), Runtime="java21", Handler="a.B")
    answer, _ = lambent.invoke(none)
    assert "java21" in answer["errorMessage"] and "public.ecr.aws/lambda/java:21" in answer["errorMessage"]
