# SPDX-License-Identifier: Apache-2.0
"""Images of AWS's private registries, had from another one, are known by AWS's names as long as a function is made of them."""

import urllib.parse
import uuid

import pytest

import images
from engines import EngineError
from test_environments import lambent_of, wait_until  # noqa: F401

ALSO_BY_COMMAND = True


class Served:
    """One image: as the registry has it, as the user writes it, and what the engine says of both."""

    def __init__(self, engine, registry):
        self.engine = engine
        self.image = images.tiny()
        self.local = registry.serve(self.image, f"team/app-{uuid.uuid4().hex[:8]}:v1")
        self.host, path = self.local.split("/", 1)
        self.aws = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{path}"

    def id_of(self, name):
        try:
            described = self.engine.call("GET", f"/images/{urllib.parse.quote(name, safe='')}/json")
        except EngineError as error:
            assert error.status == 404
            return None
        return described["Id"].removeprefix("sha256:")

    def is_known(self):
        return self.id_of(self.aws) == self.image.image_id

    def is_kept(self):
        """What was pulled is still there."""
        return self.id_of(self.image.image_id) == self.image.image_id


@pytest.fixture
def served(engine, registry):
    made = Served(engine, registry)
    yield made
    engine.forget_from(registry.address)


def start_again(lambent, *without):
    daemon = lambent.daemon
    options = iter(daemon.options)
    daemon.options = []
    for option in options:
        if option in (*without, "--listen"):
            next(options)
        else:
            daemon.options.append(option)
    lambent.start()


def test_as_long_as_a_function_is_made_of_it(lambent_of, served):  # noqa: F811
    lambent = lambent_of("--private-registry", served.host)
    name = lambent.function(served.aws, PackageType="Image")
    wait_until(served.is_known, "it is known by the name that the user wrote")
    assert lambent.invoke(name, 5)[0] == 5

    lambent.client.delete_function(FunctionName=name)

    wait_until(lambda: served.id_of(served.aws) is None, "the name goes with the function")
    assert served.is_kept()


def test_until_the_end(lambent_of, served):  # noqa: F811
    lambent = lambent_of("--private-registry", served.host)
    name = lambent.function(served.aws, PackageType="Image")
    wait_until(served.is_known, "it is known by the name that the user wrote")

    assert lambent.daemon.stop() == 0
    assert served.id_of(served.aws) is None and served.is_kept()

    start_again(lambent)
    assert lambent.invoke(name, 5)[0] == 5
    wait_until(served.is_known, "and again")


def test_after_a_kill(lambent_of, served):  # noqa: F811
    lambent = lambent_of("--private-registry", served.host)
    name = lambent.function(served.aws, PackageType="Image")
    wait_until(served.is_known, "it is known by the name that the user wrote")
    lambent.daemon.kill()
    assert served.is_known()

    start_again(lambent)
    assert lambent.invoke(name, 5)[0] == 5
    wait_until(served.is_known, "it is still wanted")
    lambent.daemon.kill()

    start_again(lambent, "--private-registry")
    wait_until(lambda: served.id_of(served.aws) is None, "nobody wants it any more")
    assert served.is_kept()


def test_a_name_that_is_somebody_elses(lambent_of, engine, served):  # noqa: F811
    other = engine.load(images.tiny(f"lambent-test/other-{uuid.uuid4().hex[:8]}:1", env={"OTHER": "1"}))
    repository, tag = served.aws.rsplit(":", 1)
    engine.call("POST", f"/images/{urllib.parse.quote(other, safe='')}/tag", repo=repository, tag=tag)
    others = served.id_of(served.aws)
    assert others and others != served.image.image_id
    lambent = lambent_of("--private-registry", served.host)

    name = lambent.function(served.aws, PackageType="Image")

    assert lambent.invoke(name, 5)[0] == 5
    assert served.id_of(served.aws) == others
    lambent.client.delete_function(FunctionName=name)
    assert lambent.daemon.stop() == 0
    assert served.id_of(served.aws) == others
    engine.forget(served.aws)
    engine.forget(other)
