# SPDX-License-Identifier: Apache-2.0
"""An engine whose socket only root may open, and a daemon that root has started and that gives root up: root's helper opens it."""

import json
import os
import pathlib
import signal
import urllib.request

import pytest

import guests
import images
from daemon import children
from test_environments import lambent_of, provided, wait_until  # noqa: F401

SOMEBODY = 1234567


@pytest.fixture(autouse=True)
def no_user_is_named(monkeypatch):
    monkeypatch.delenv("LAMBENT_USER", raising=False)


@pytest.fixture
def closed(engine):
    """Whatever mode the engine gives its socket: root's alone, in a folder that is root's alone."""
    mode = engine.socket.stat().st_mode
    engine.socket.chmod(0o600)
    assert engine.folder.stat().st_mode & 0o077 == 0 and engine.folder.stat().st_uid == 0
    yield
    engine.socket.chmod(mode)


@pytest.fixture
def image(engine):
    return engine.load(images.tiny("lambent-test/by-event:1", env={"_HANDLER": "by-event"}))


def uids_of(pid):
    status = pathlib.Path(f"/proc/{pid}/status").read_text()
    return {int(uid) for line in status.splitlines() if line.startswith("Uid:") for uid in line.split()[1:]}


def name_of(pid):
    return pathlib.Path(f"/proc/{pid}/comm").read_text().strip()


def broker_of(lambent):
    broker, = (pid for pid in children(lambent.daemon.pid) if name_of(pid) == "lambent-broker")
    return broker


def doctor(lambent):
    with urllib.request.urlopen(f"{lambent.daemon.endpoint}/_lambent/doctor") as answer:
        return json.load(answer)


def by_root(lambent_of, engine, **settings):  # noqa: F811
    """As `sudo lambent serve` does it, without a word about users or engines."""
    lambent = lambent_of(sandbox="auto", **settings)
    assert 0 not in uids_of(lambent.daemon.pid)
    return lambent


def test_it_is_found_and_used(lambent_of, engine, closed, image):  # noqa: F811
    lambent = by_root(lambent_of, engine)
    native = lambent.function(guests.c_bootstrap())
    function = lambent.function(image, PackageType="Image")

    assert [lambent.invoke(function, "count")[0]["count"] for _ in range(3)] == [1, 2, 3]
    assert lambent.invoke(native, "count")[0]["count"] == 1

    found = doctor(lambent)["containers"]
    assert (found["engine"], found["address"]) == (engine.name, f"unix:{engine.socket}")
    assert found["foundBy"] == "DOCKER_HOST, opened by root's helper" and found["shares"] == "files and sockets"
    assert {environment["sandbox"] for environment in lambent.environments()} == {"native", engine.name}


@pytest.mark.parametrize("hidden", [False, True], ids=["shared", "hidden"])
def test_code_and_link_of_another_user(lambent_of, engine, closed, provided, hidden):  # noqa: F811
    """Folders and sockets of the data dir, which is closed to others, are bound into containers; else all goes through attached streams."""
    lambent = lambent_of("--user", str(SOMEBODY), hidden=hidden)
    function = lambent.function(guests.c_bootstrap(), Environment={"Variables": {"MINE": "yes"}})

    assert lambent.invoke(function, "count")[0]["count"] == 1
    assert lambent.invoke(function, "uid")[0]["uid"] == 993
    assert lambent.invoke(function, "env")[0]["MINE"] == "yes"
    echo, event = lambent.function(guests.c_bootstrap(), Handler="echo"), "x" * 3000000
    assert lambent.invoke(echo, event)[0] == event

    assert uids_of(lambent.daemon.pid) == {SOMEBODY}
    assert doctor(lambent)["containers"]["shares"] == ("nothing" if hidden else "files and sockets")
    assert doctor(lambent)["user"] == f"uid {SOMEBODY}"


def test_the_engine_tells(lambent_of, engine, closed, image):  # noqa: F811
    """Its events come too: of a container that somebody removes."""
    lambent = by_root(lambent_of, engine)
    function = lambent.function(image, PackageType="Image")
    lambent.invoke(function, "count")
    [container] = lambent.containers()

    lambent.lose(container)

    wait_until(lambda: lambent.environments() == [], "it hears of that")
    assert lambent.invoke(function, "count")[0]["count"] == 1


def test_a_pull(lambent_of, engine, closed, registry):  # noqa: F811
    lambent = by_root(lambent_of, engine)
    name = registry.serve(images.tiny(), f"team/roots-{os.getpid()}:v1")
    function = lambent.function(name, PackageType="Image")
    assert lambent.invoke(function, 5)[0] == 5
    engine.forget_from(registry.address)


def test_kill(lambent_of, engine, closed, image):  # noqa: F811
    """Neither a container nor the helper outlives the daemon; lambent_of looks for the helper."""
    lambent = by_root(lambent_of, engine)
    function = lambent.function(image, PackageType="Image")
    lambent.invoke(function, "count")
    broker_of(lambent)

    lambent.daemon.kill()

    wait_until(lambda: lambent.everything() == [], "the container has gone")


def test_the_helper_is_killed(lambent_of, engine, closed, image):  # noqa: F811
    """What runs goes on. What needs the engine says what is to be done, and after that it works."""
    lambent = by_root(lambent_of, engine)
    function, other = (lambent.function(image, PackageType="Image") for _ in range(2))
    native = lambent.function(guests.c_bootstrap())
    lambent.invoke(function, "count")

    os.kill(broker_of(lambent), signal.SIGKILL)
    lambent.daemon.await_lines("out of reach until lambent is started again")

    assert lambent.invoke(function, "count")[0]["count"] == 2
    assert lambent.invoke(native, "count")[0]["count"] == 1
    answer, meta = lambent.invoke(other, "count")
    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Sandbox.Failure", answer
    assert f"unix:{engine.socket} does not answer: root's helper" in answer["errorMessage"]
    assert "start lambent again" in answer["errorMessage"] and "start lambent again" in doctor(lambent)["containers"]["problem"]
    assert lambent.daemon.stop() == 0
    lambent.daemon.options = [option for option in lambent.daemon.options if not option.startswith(("--listen", "127.0.0.1:0"))]
    lambent.start()
    assert lambent.invoke(other, "count")[0]["count"] == 1


def test_the_engine_starts_again(lambent_of, engine, image):  # noqa: F811
    """With a socket that is another one, and closed again."""
    engine.socket.chmod(0o600)
    lambent = by_root(lambent_of, engine)
    function = lambent.function(image, PackageType="Image")
    lambent.invoke(function, "count")

    engine.restart(signal.SIGKILL)
    engine.socket.chmod(0o600)

    wait_until(lambda: lambent.invoke(function, "count")[0].get("count"), "it runs again")
