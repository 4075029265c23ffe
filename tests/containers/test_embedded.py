# SPDX-License-Identifier: Apache-2.0
"""The engine as a library, with functions in containers: examples/embed, which lists what it has and leaves nothing."""

import json
import os
import re

import pytest

import embedding
import guests
import images
from test_environments import wait_until


@pytest.fixture(scope="module")
def embed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    os.chmod(folder, 0o755)
    return embedding.build(folder)


def test_a_program_with_containers(engine, aws_image, embed, tmp_path):
    engine.load(aws_image("provided:al2023"))
    package = tmp_path / "echo.zip"
    package.write_bytes(guests.c_bootstrap())
    data = tmp_path / "data"
    program, env = embed

    done = embedding.run(program, env, data, "provided.al2023", "echo", package, '{"a": 1}', "2",
                         LAMBENT_SANDBOX=engine.name, DOCKER_HOST=engine.host, LAMBENT_CONTAINER_CLI="")

    assert done.returncode == 0, done.stderr
    assert [json.loads(line) for line in done.stdout.splitlines()] == [{"a": 1}, 2]
    assert re.search(rf"runs in {engine.name} container [0-9a-f]{{12}}, invoked 2 times", done.stderr)
    home = (data / "home").read_text()
    wait_until(lambda: engine.containers(**{"dev.lambent.home": home}) == [], "its containers are gone")


def test_a_function_that_is_an_image(engine, embed, tmp_path):
    """The command that the program gives, in the place of the image's own (which would answer otherwise)."""
    image = images.tiny(command=["by-event"])
    engine.load(image)
    program, env = embed

    done = embedding.run(program, env, tmp_path / "data", "--image", image.name, "echo", '"as it is"',
                         LAMBENT_SANDBOX=engine.name, DOCKER_HOST=engine.host, LAMBENT_CONTAINER_CLI="")

    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == "as it is"


def test_an_image_that_is_not_there(engine, embed, tmp_path):
    """The image of the runtime: the engine cannot have it, and the program is told."""
    package = tmp_path / "echo.zip"
    package.write_bytes(guests.c_bootstrap())
    program, env = embed

    done = embedding.run(program, env, tmp_path / "data", "ruby3.4", "a.b", package, "{}",
                         LAMBENT_SANDBOX=engine.name, DOCKER_HOST=engine.host, LAMBENT_CONTAINER_CLI="")

    assert done.returncode == 1
    assert "not deployed (image-unavailable)" in done.stderr, done.stderr


def test_close_takes_leave(engine, aws_image, tmp_path):
    engine.load(aws_image("provided:al2023"))
    package = tmp_path / "go.zip"
    package.write_bytes(guests.go_handler())
    program, env = embedding.build_leave(tmp_path)

    done = embedding.run(program, env, tmp_path / "data", package, LAMBENT_SANDBOX=engine.name, DOCKER_HOST=engine.host, LAMBENT_CONTAINER_CLI="")

    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr
    assert "go guest: farewell\n" in embedding.logged(tmp_path / "data")
    home = (tmp_path / "data" / "home").read_text()
    wait_until(lambda: engine.containers(**{"dev.lambent.home": home}) == [], "its containers are gone")
