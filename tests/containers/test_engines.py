# SPDX-License-Identifier: Apache-2.0
"""The tests' engines come, go and leave nothing; two of a kind do not know of each other."""

import os
import pathlib
import signal
import subprocess

import pytest

import images
from conftest import ENGINES
from engines import EngineError


@pytest.fixture
def second(engine):
    """Another engine of the same kind beside the session's."""
    made = ENGINES[engine.name]()
    made.start()
    yield made
    made.stop()


def run_idle(engine):
    """A container that waits for events for ever: nobody is at the Runtime API that it is told of."""
    name = engine.load(images.tiny(command=["idle"]))
    done = engine.run("run", "--detach", "--label", "lambent-test=idle", "--entrypoint", "/bootstrap", "--env", "AWS_LAMBDA_RUNTIME_API=127.0.0.1:9",
                      name)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def traces(folder, bridge):
    """What the machine still has of an engine."""
    found = [line for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines() if str(folder) in line]
    for entry in pathlib.Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            try:
                found += [line for line in [(entry / "cmdline").read_bytes().replace(b"\0", b" ").decode()] if f"{folder}/" in line]
            except OSError:
                pass
    if bridge:
        found += [line for line in subprocess.run(["ip", "-o", "link"], capture_output=True, text=True, check=True).stdout.splitlines()
                  if f" {bridge}:" in line]
    return found + ([str(folder)] if folder.exists() else [])


def test_nothing_is_left(second):
    run_idle(second)
    folder, bridge = second.folder, getattr(second, "bridge", None)
    assert traces(folder, bridge)
    second.stop()
    assert traces(folder, bridge) == []


def test_two_of_a_kind(engine, second):
    ours, theirs = run_idle(engine), run_idle(second)
    assert [container["Id"] for container in engine.containers(**{"lambent-test": "idle"})] == [ours]
    assert [container["Id"] for container in second.containers(**{"lambent-test": "idle"})] == [theirs]


def test_what_is_wrong_is_said(engine):
    with pytest.raises(EngineError) as error:
        engine.call("GET", "/containers/none/json")
    assert error.value.status == 404 and "none" in str(error.value).lower()


@pytest.mark.parametrize("sig", [signal.SIGTERM, signal.SIGKILL])
def test_an_engine_that_starts_again(second, sig):
    """Its images outlive it."""
    name = second.load(images.tiny())
    second.restart(sig)
    assert any(name in known for known in second.images())
    run_idle(second)
