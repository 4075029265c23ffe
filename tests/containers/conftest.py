# SPDX-License-Identifier: Apache-2.0
"""What the container tests share: engines of their own, images made here, a registry, and what the wire tests share.

LAMBENT_TEST_ENGINES          which engines to test, "docker,podman,nerdctl" without it; a module that says ALSO_BY_COMMAND is tested with the
                              commands of the first two as well ("docker-command", "podman-command"), one that says ONLY with what that names
LAMBENT_TEST_NERDCTL          the nerdctl to test; without it the one in PATH
LAMBENT_TEST_REQUIRE_ENGINES  an engine that does not run here is a failure
"""

import os
import pathlib
import sys

import pytest

HERE = pathlib.Path(__file__).resolve().parent
sys.path[:0] = [str(HERE), str(HERE.parent / "wire"), str(HERE.parent / "runtimes"), str(HERE.parent / "tls")]

import images  # noqa: E402
from engines import (  # noqa: E402
    Docker, DockerByCommand, DockerOnASmallDisk, DockerOverTls, NerdctlByCommand, Podman, PodmanByCommand, PodmanOnASmallDisk,
)
from registry import Registry  # noqa: E402

ENGINES = {"docker": Docker, "podman": Podman}
OVER_TLS = {"docker-tls": DockerOverTls}
SMALL = {"docker-small": DockerOnASmallDisk, "podman-small": PodmanOnASmallDisk}
BY_COMMAND = {"docker-command": DockerByCommand, "podman-command": PodmanByCommand, "nerdctl-command": NerdctlByCommand}


@pytest.fixture(scope="session")
def engine_of():
    """engine_of("docker"): the session's Docker, started when it is first asked for."""
    running = {}

    def get(name):
        if name not in running:
            running[name] = {**ENGINES, **BY_COMMAND, **OVER_TLS, **SMALL}[name]()
            running[name].start()
        return running[name]

    yield get
    for engine in running.values():
        engine.stop()


def pytest_generate_tests(metafunc):
    if "engine" in metafunc.fixturenames:
        chosen = (os.environ.get("LAMBENT_TEST_ENGINES") or "docker,podman,nerdctl").split(",")
        if only := getattr(metafunc.module, "ONLY", None):
            chosen = [name for name in only.split(",") if name.split("-")[0] in chosen]
        elif getattr(metafunc.module, "ALSO_BY_COMMAND", False):
            chosen = [name for name in chosen if name in ENGINES]
            chosen += [f"{name}-command" for name in chosen]
        else:
            chosen = [name for name in chosen if name in ENGINES]
        metafunc.parametrize("engine", chosen, indirect=True, scope="session")


@pytest.fixture(scope="session")
def engine(request, engine_of):
    """Each engine in turn. No container of a test outlives it."""
    return engine_of(request.param)


@pytest.fixture(autouse=True)
def no_containers_left(request):
    yield
    if "engine" in request.fixturenames:
        engine = request.getfixturevalue("engine")
        if engine.process and engine.process.poll() is None:
            engine.remove_containers()


@pytest.fixture(scope="session")
def aws_image():
    """aws_image("python") is an Image of images.py, made once; what cannot be made here skips the test."""
    made = {}

    def get(tag):
        if tag not in made:
            made[tag] = images.aws_images()[tag]()
        return made[tag]

    return get


@pytest.fixture
def registry():
    """A registry on a free port of loopback, without any image yet."""
    server = Registry()
    yield server
    server.close()
