# SPDX-License-Identifier: Apache-2.0
"""An engine whose disk is full: whoever needs room hears why, nothing is left of it, and when there is room again it goes on."""

import io
import os
import random
import uuid
import zipfile

import pytest
from botocore.exceptions import ClientError

import guests
import images
from test_environments import ROLE, lambent_of, wait_until  # noqa: F401
from test_killed import belongings

ONLY = "docker-small,podman-small"
MIB = 1 << 20
FULL = "no space left on device"


@pytest.fixture(autouse=True)
def room(engine):
    yield
    engine.make_room()


@pytest.fixture
def provided(engine):
    """Small enough, with AWS's name."""
    engine.load(images.tiny("public.ecr.aws/lambda/provided:al2023"))


def test_code_that_does_not_fit(lambent_of, engine, provided):  # noqa: F811
    """It goes into the container as an archive."""
    lambent = lambent_of("--pull", "never", hidden=True)
    with zipfile.ZipFile(io.BytesIO(guests.c_bootstrap())) as package:
        code = {"bootstrap": (package.read("bootstrap"), 0o755), "ballast": os.urandom(6 * MIB)}
    name = lambent.function(guests.zip_bytes(code), Handler="count")
    answer, _ = lambent.invoke(name)
    assert answer.get("count") == 1, answer
    lambent.client.update_function_configuration(FunctionName=name, MemorySize=256)
    lambent.client.get_waiter("function_updated_v2").wait(FunctionName=name)
    wait_until(lambda: lambent.everything() == [], "what ran before the update is gone")
    before = belongings(engine)
    engine.fill(leave=4 * MIB)

    answer, meta = lambent.invoke(name)

    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Sandbox.Failure", answer
    assert FULL in answer["errorMessage"], answer
    if engine.name == "podman":
        engine.make_room()  # without any it cannot even write down that something is gone
    wait_until(lambda: belongings(engine) == before, "nothing is left of it")
    engine.make_room()
    assert lambent.invoke(name)[0]["count"] == 1


def create(lambent, function, uri):
    """Why there is no such function, or why it does not work; None: it does."""
    try:
        lambent.client.create_function(FunctionName=function, PackageType="Image", Code={"ImageUri": uri}, Role=ROLE)
    except ClientError as error:
        assert error.response["Error"]["Code"] == "ServiceException", error
        return str(error)
    wait_until(lambda: lambent.client.get_function_configuration(FunctionName=function)["State"] != "Pending", "it is decided")
    settings = lambent.client.get_function_configuration(FunctionName=function)
    lambent.client.delete_function(FunctionName=function)
    assert settings["State"] == "Active" or settings["StateReasonCode"] == "InternalError", settings
    return settings.get("StateReason")


def test_an_image_that_does_not_fit(lambent_of, engine, registry):  # noqa: F811
    ballast = images.files_layer({"ballast": random.Random(1).randbytes(16 * MIB)})
    uri = registry.serve(images.tiny().derive("lambent-test/large:1", [ballast]), f"team/app-{uuid.uuid4().hex[:8]}:v1")
    lambent = lambent_of()
    before = belongings(engine)
    free = engine.fill(leave=8 * MIB)

    why = create(lambent, "first", uri)

    assert FULL in why and uri.rsplit(":", 1)[0] in why, why
    assert belongings(engine) == before
    assert engine.room() > free - MIB, "what was pulled of it is gone as well"
    engine.make_room()
    assert lambent.invoke(lambent.function(uri, PackageType="Image"), 5)[0] == 5
    engine.forget_from(registry.address)
