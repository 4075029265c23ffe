# SPDX-License-Identifier: Apache-2.0
"""Engines whose socket only root may open, for a daemon that has given root up: what root's helper is, and what it does not do.

That functions run in such an engine's containers is in tests/containers/test_roots_engine.py.
"""

import contextlib
import json
import os
import pathlib
import signal
import socket
import tempfile
import urllib.request

import pytest

from daemon import children, descendants
from test_user import CAPABILITIES, NOBODYS, SOMEBODY, add_counter, count, ids_of, status_of

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up"), pytest.mark.native("roots engine")]

IMAGE = {"PackageType": "Image", "Code": {"ImageUri": "lambent-test/none:1"}, "Role": "arn:aws:iam::000000000000:role/lambent"}


@pytest.fixture(autouse=True)
def no_user_is_named(monkeypatch):
    monkeypatch.delenv("LAMBENT_USER", raising=False)
    monkeypatch.delenv("LAMBENT_CONTAINER_CLI", raising=False)


@pytest.fixture
def roots_folder():
    """Closed to everybody else."""
    with tempfile.TemporaryDirectory(prefix="lambent-test-") as folder:
        yield pathlib.Path(folder)


@contextlib.contextmanager
def listening(path, backlog=16):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as server:
        server.bind(str(path))
        server.listen(backlog)
        yield server


def doctor(daemon):
    with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/doctor") as answer:
        return json.load(answer)


def broker_of(daemon):
    broker, = (pid for pid in children(daemon.pid) if status_of(pid)["Name"] == "lambent-broker")
    return broker


def why_no_engine(client):
    """What an image's function hears when there is none."""
    with pytest.raises(client.exceptions.ClientError) as error:
        client.create_function(FunctionName="image", **IMAGE)
    return str(error.value)


def sockets_of(pid):
    found = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(OSError):
            found |= {target for target in [os.readlink(fd)] if target.startswith("socket:")}
    return found


def test_it_has_roots_name_and_nothing_else(lambent_factory, roots_folder):
    daemon = lambent_factory(env={"DOCKER_HOST": f"unix://{roots_folder}/engine.sock"})
    broker = broker_of(daemon)
    doctor(daemon)  # it has begun to serve
    status = status_of(broker)
    assert ids_of(daemon.pid) == {NOBODYS} and ids_of(broker) == {0}
    assert status["Groups"].split() == [] and status["NoNewPrivs"] == "1"
    assert {key: int(status[key], 16) for key in CAPABILITIES} == dict.fromkeys(CAPABILITIES, 0)
    assert sorted(int(fd.name) for fd in pathlib.Path(f"/proc/{broker}/fd").iterdir()) == [0, 1, 2, 3]
    assert {os.readlink(f"/proc/{broker}/fd/{fd}") for fd in (0, 1, 2)} == {"/dev/null"}
    assert pathlib.Path(f"/proc/{broker}/environ").read_bytes() == b""
    assert pathlib.Path(f"/proc/{broker}/cmdline").read_bytes().split(b"\0")[1:-1] == [f"{roots_folder}/engine.sock".encode()]


def test_nobody_but_the_daemon_speaks_with_it(lambent_factory, client_of, roots_folder):
    """Who else had its end of the socket could have the engine."""
    daemon = lambent_factory("--freeze-after", "never", env={"DOCKER_HOST": f"unix://{roots_folder}/engine.sock"})
    client = client_of(daemon)
    add_counter(client)
    count(client)
    with listening(roots_folder / "engine.sock"), pytest.raises(client.exceptions.ClientError, match="timed out"):
        client.create_function(FunctionName="image", **IMAGE)
    broker = broker_of(daemon)
    family = [pid for pid in descendants(daemon.pid) if pid != broker]
    assert len(family) > 2
    # The kernel numbers the two ends of a pair one after the other.
    theirs, = (int(name[len("socket:["):-1]) for name in sockets_of(broker))
    ends = {f"socket:[{number}]" for number in (theirs - 1, theirs, theirs + 1)}
    assert len(ends & sockets_of(daemon.pid)) == 1
    assert [pid for pid in family if ends & sockets_of(pid)] == []


@pytest.mark.parametrize("options", [["--sandbox", "native"], ["--user", "root"], ["--sandbox", "docker"]], ids=" ".join)
def test_nobody_who_does_not_need_it_has_it(lambent_factory, options):
    daemon = lambent_factory(*options, env={"DOCKER_HOST": "unix:///run/docker.sock"})
    assert "lambent-broker" not in [status_of(pid)["Name"] for pid in children(daemon.pid)]


def test_a_socket_that_nobody_serves(lambent_factory, client_of, roots_folder):
    """Whoever wants an engine hears it in time, and all else goes on."""
    path = roots_folder / "engine.sock"
    daemon = lambent_factory(env={"DOCKER_HOST": f"unix://{path}"})
    client = client_of(daemon)
    assert "No such file" in why_no_engine(client)
    with listening(path, 0), socket.socket(socket.AF_UNIX) as first:
        first.connect(str(path))
        assert "nobody takes connections there" in why_no_engine(client)
        add_counter(client)
        assert count(client) == 1
    assert "Connection refused" in why_no_engine(client)
    path.unlink()
    with listening(path):
        assert "timed out" in why_no_engine(client)
    assert count(client) == 2
    assert f"unix:{path}" in doctor(daemon)["containers"]["problem"]


def test_what_is_not_there_is_not_told(lambent_factory, client_of, roots_folder):
    """Behind a closed folder only the helper sees that."""
    daemon = lambent_factory(env={"DOCKER_HOST": "", "DOCKER_CONTEXT": "", "HOME": str(roots_folder), "XDG_RUNTIME_DIR": str(roots_folder),
                                  "PATH": "/nowhere"})
    client = client_of(daemon)
    assert str(roots_folder) not in why_no_engine(client)
    folder = roots_folder / "podman"
    folder.mkdir()
    with listening(folder / "podman.sock"):
        assert f"unix:{folder}/podman.sock does not answer: timed out" in why_no_engine(client)


def test_when_it_is_killed(lambent_factory, client_of, roots_folder):
    daemon = lambent_factory(env={"DOCKER_HOST": f"unix://{roots_folder}/engine.sock"})
    client = client_of(daemon)
    os.kill(broker_of(daemon), signal.SIGKILL)
    daemon.await_lines("out of reach until lambent is started again")
    assert "start lambent again" in why_no_engine(client)
    add_counter(client)
    assert count(client) == 1


@pytest.mark.parametrize("sig", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGPIPE, signal.SIGUSR1])
def test_only_the_daemon_decides_when_it_ends(lambent_factory, client_of, roots_folder, sig):
    daemon = lambent_factory(env={"DOCKER_HOST": f"unix://{roots_folder}/engine.sock"})
    os.kill(broker_of(daemon), sig)
    assert "No such file" in why_no_engine(client_of(daemon))


def test_it_ends_with_the_daemon(lambent_factory, roots_folder):
    for end in ("stop", "kill"):
        daemon = lambent_factory(env={"DOCKER_HOST": f"unix://{roots_folder}/engine.sock"})
        broker_of(daemon)
        getattr(daemon, end)()
        assert daemon.leaks() == []


def test_what_others_have_a_say_in_it_does_not_open(lambent_factory, client_of, tmp_path):
    """As root's name would open more than root has chosen."""
    theirs, roots = tmp_path / "theirs", tmp_path / "roots"
    theirs.mkdir()
    roots.mkdir(mode=0o700)
    daemon = lambent_factory("--user", str(SOMEBODY), env={"DOCKER_HOST": f"unix://{theirs}/engine.sock"})
    client = client_of(daemon)
    with listening(roots / "engine.sock"):
        (theirs / "engine.sock").symlink_to(roots / "engine.sock")
        assert "timed out" in why_no_engine(client)
        os.chown(theirs, SOMEBODY, SOMEBODY)
        assert "others than root have a say in what is there" in why_no_engine(client)
