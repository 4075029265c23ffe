# SPDX-License-Identifier: Apache-2.0
"""The registry is one for engines: they pull from it, are refused by it, and try again."""

import base64
import json
import threading

import pytest

import images
from engines import EngineError


@pytest.fixture
def served(engine, registry):
    """An image that the engine can only have from the registry, and its name there."""
    image = images.tiny().derive("lambent-test/pulled:latest", [images.files_layer({"only": "in the registry"})])
    name = registry.serve(image, "team/app:v1")
    yield image, name
    registry.release()
    engine.forget_from(registry.address)


def pull(engine, name, login=None):
    """Asks as a client does; what the engine said of trouble, or None."""
    headers = {}
    if login:
        user, password = login
        auth = {"username": user, "password": password, "serveraddress": name.split("/")[0]}
        headers["X-Registry-Auth"] = base64.urlsafe_b64encode(json.dumps(auth).encode()).decode()
    try:
        answer = engine.call("POST", "/images/create", headers=headers, fromImage=name)
    except EngineError as error:
        return str(error)
    text = answer.decode() if isinstance(answer, bytes) else json.dumps(answer)
    return next((line for line in text.splitlines() if '"error"' in line), None)


def test_pull(engine, registry, served):
    image, name = served
    assert pull(engine, name) is None
    about = engine.call("GET", f"/images/{name}/json")
    assert about["Id"].removeprefix("sha256:") == image.image_id
    assert f"{name.rsplit(':', 1)[0]}@sha256:{image.digest}" in about["RepoDigests"]


def test_pull_by_digest(engine, registry, served):
    image, name = served
    pinned = f"{name.rsplit(':', 1)[0]}@sha256:{image.digest}"
    assert pull(engine, pinned) is None
    assert engine.call("GET", f"/images/{pinned}/json")["Id"].removeprefix("sha256:") == image.image_id


def test_a_tag_that_moves(engine, registry, served):
    image, name = served
    other = image.derive(image.name, env={"OTHER": "1"})
    assert pull(engine, name) is None
    registry.serve(other, "team/app:v1")
    assert pull(engine, name) is None
    assert engine.call("GET", f"/images/{name}/json")["Id"].removeprefix("sha256:") == other.image_id


def test_one_name_for_two_architectures(engine, registry, served):
    image, name = served
    other = image.derive(image.name, architecture={"amd64": "arm64", "arm64": "amd64"}[image.architecture])
    registry.serve_index([other, image], "team/app:v1")
    assert pull(engine, name) is None
    assert engine.call("GET", f"/images/{name}/json")["Id"].removeprefix("sha256:") == image.image_id


def test_what_is_not_there(engine, registry, served):
    assert pull(engine, f"{registry.address}/team/app:v2")
    assert pull(engine, f"{registry.address}/other:v1")
    registry.withdraw("team/app:v1")
    assert pull(engine, served[1])


@pytest.mark.parametrize("scheme", ["basic", "token"])
def test_credentials(engine, registry, served, scheme):
    getattr(registry, f"require_{scheme}")("user", "secret")
    assert pull(engine, served[1])
    assert pull(engine, served[1], ("user", "wrong"))
    assert pull(engine, served[1], ("user", "secret")) is None


def test_trouble(engine, registry, served):
    """A registry that does not work is not one that lacks the image; afterwards it works again."""
    registry.fail("manifests", 500, times=100)
    assert pull(engine, served[1])
    registry.heal()
    assert pull(engine, served[1]) is None


def test_a_blob_that_breaks_off(engine, registry, served):
    """Engines go on where it broke off or begin again; either way the image is whole."""
    registry.truncate("blobs")
    pull(engine, served[1])
    assert pull(engine, served[1]) is None
    assert engine.call("GET", f"/images/{served[1]}/json")["Id"].removeprefix("sha256:") == served[0].image_id


def test_a_slow_one(engine, registry, served):
    registry.hold("blobs")
    answers = []
    puller = threading.Thread(target=lambda: answers.append(pull(engine, served[1])))
    puller.start()
    registry.wait_for("blobs")
    assert answers == []
    registry.release()
    puller.join(60)
    assert answers == [None]
