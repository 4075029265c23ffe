# SPDX-License-Identifier: Apache-2.0
"""As whom the daemon serves: root starts it, and it gives up root."""

import json
import os
import pathlib
import pwd
import socket
import subprocess
import urllib.request

import pytest

from command import EXAMPLES, environment, lambent
from daemon import binary, children, descendants
from guests import c_bootstrap

pytestmark = [pytest.mark.skipif(os.geteuid() != 0, reason="only root has something to give up"), pytest.mark.native("roots engine")]

ROLE = "arn:aws:iam::000000000000:role/lambent"
# src/sandbox/native/uids.h
NOBODYS = 1980000000 + 64 * 16384
SOMEBODY = 1234567
CAPABILITIES = ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")


@pytest.fixture(autouse=True)
def no_user_is_named(monkeypatch):
    monkeypatch.delenv("LAMBENT_USER", raising=False)


def status_of(pid):
    return dict(line.split(":\t", 1) for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines())


def ids_of(pid):
    status = status_of(pid)
    return {int(n) for key in ("Uid", "Gid") for n in status[key].split()}


def owners(folder):
    """Of a data dir, but for what the launcher has for itself."""
    return {path.lstat().st_uid for path in [folder, *folder.rglob("*")] if "t1" not in path.parts}


def doctor(daemon):
    with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/doctor") as answer:
        return json.load(answer)


def count(client, name="counter"):
    return json.load(client.invoke(FunctionName=name, Payload=b'"count"')["Payload"])["count"]


def add_counter(client, name="counter"):
    client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="by-event", Role=ROLE, Code={"ZipFile": c_bootstrap()})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})


def warnings(daemon):
    return [line for line in daemon.lines if " warn " in line]


def expect_unprivileged(pid, uid):
    status = status_of(pid)
    assert ids_of(pid) == {uid}
    assert status["Groups"].split() == [] and status["NoNewPrivs"] == "1"
    assert {key: int(status[key], 16) for key in CAPABILITIES} == dict.fromkeys(CAPABILITIES, 0)


def test_the_daemon_keeps_nothing_and_functions_run(lambent_factory, client_of):
    daemon = lambent_factory()
    client = client_of(daemon)
    add_counter(client)
    assert [count(client), count(client)] == [1, 2]
    expect_unprivileged(daemon.pid, NOBODYS)
    for thread in os.listdir(f"/proc/{daemon.pid}/task"):
        expect_unprivileged(thread, NOBODYS)
    assert owners(daemon.data_dir) == {NOBODYS}
    assert doctor(daemon)["user"] == f"uid {NOBODYS}" and doctor(daemon)["whyRoot"] == ""
    assert warnings(daemon) == []


def test_an_environment_is_seen_as_before(lambent_factory, client_of):
    daemon = lambent_factory("--freeze-after", "never")
    client = client_of(daemon)
    add_counter(client)
    seen = {"pid": 0}
    while not seen["pid"]:  # it is told when the processor allows, after the process has begun
        count(client)
        with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/environments") as answer:
            seen, = json.load(answer)["environments"]
    assert seen["pid"] in descendants(daemon.pid) and seen["memoryBytes"] > 0


def test_foreign_archives_are_opened_without_privileges(lambent_factory, client_of, zip_of):
    """The helper makes each file with its own ids."""
    daemon = lambent_factory()
    client = client_of(daemon)
    client.create_function(FunctionName="f", Runtime="provided.al2023", Handler="h", Role=ROLE,
                           Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n", "folder/file": "text"})})
    client.get_waiter("function_active_v2").wait(FunctionName="f", WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    unpacked = list((daemon.data_dir / "content" / "trees").rglob("file"))
    assert [path.stat().st_uid for path in unpacked] == [NOBODYS]


def test_a_port_below_1024(lambent_factory):
    port = next(port for port in range(1023, 600, -1) if is_free(port))
    daemon = lambent_factory("--listen", f"127.0.0.1:{port}")
    assert doctor(daemon)["user"] == f"uid {NOBODYS}"


def is_free(port):
    try:
        with socket.create_server(("127.0.0.1", port)):
            return True
    except OSError:
        return False


def test_root_stays_root_when_told_so(lambent_factory, client_of):
    daemon = lambent_factory("--user", "root")
    client = client_of(daemon)
    add_counter(client)
    assert count(client) == 1
    assert ids_of(daemon.pid) == {0} and owners(daemon.data_dir) == {0}
    assert doctor(daemon)["user"] == "root (uid 0)" and doctor(daemon)["whyRoot"] == "" and warnings(daemon) == []


def test_a_user_is_named_by_the_environment(lambent_factory):
    nobody = pwd.getpwnam("nobody")
    daemon = lambent_factory(env={"LAMBENT_USER": "nobody"})
    assert ids_of(daemon.pid) == {nobody.pw_uid, nobody.pw_gid}
    assert doctor(daemon)["user"] == f"nobody (uid {nobody.pw_uid})"


def test_a_data_dir_keeps_its_user(lambent_factory, client_of, tmp_path):
    """Whoever had it has it again; root's turn in between changes hands twice, and nothing is lost."""
    data = tmp_path / "data"
    first = lambent_factory("--user", str(SOMEBODY), data_dir=data)
    add_counter(client_of(first))
    assert count(client_of(first)) == 1
    assert first.stop() == 0 and owners(data) == {SOMEBODY}
    for options, uid in (((), SOMEBODY), (("--user", "root"), 0), ((), NOBODYS), (("--user", str(SOMEBODY)), SOMEBODY)):
        daemon = lambent_factory(*options, data_dir=data)
        assert ids_of(daemon.pid) == {uid}
        assert count(client_of(daemon)) == 1
        daemon.kill() if uid else daemon.stop()
        assert owners(data) == {uid}


def test_handing_over_follows_no_link_and_gives_away_nothing_of_others(lambent_factory, tmp_path):
    data, outside, others = tmp_path / "data", tmp_path / "outside", tmp_path / "data" / "content" / "others"
    outside.mkdir()
    (outside / "file").write_text("root's")
    (data / "content").mkdir(parents=True)
    (data / "content" / "link").symlink_to(outside / "file")
    (data / "logs").symlink_to(outside)
    others.write_text("somebody's")
    os.chown(others, 4711, 4711)
    lambent_factory("--user", str(SOMEBODY), data_dir=data)
    assert (outside / "file").stat().st_uid == outside.stat().st_uid == 0
    assert others.stat().st_uid == 4711
    assert {(data / "content" / "link").lstat().st_uid, (data / "logs").lstat().st_uid} == {SOMEBODY}


def test_a_folder_that_is_not_lambents_alone_is_not_given_away(lambent_factory, tmp_path):
    data = tmp_path / "data"
    data.mkdir()
    (data / "letter").write_text("dear")
    daemon = lambent_factory(data_dir=data)
    assert ids_of(daemon.pid) == {0} and (data / "letter").stat().st_uid == data.stat().st_uid == 0
    assert "holds more than lambent's own" in doctor(daemon)["whyRoot"]


def closed(tmp_path):
    folder = tmp_path / "closed"
    folder.mkdir(mode=0o700)
    return folder


def test_behind_a_closed_folder_root_stays_root_and_says_so(lambent_factory, client_of, tmp_path):
    folder = closed(tmp_path)
    daemon = lambent_factory(data_dir=folder / "data")
    add_counter(client_of(daemon))
    assert count(client_of(daemon)) == 1
    assert ids_of(daemon.pid) == {0} and owners(folder / "data") == {0}
    told = warnings(daemon)
    assert len(told) == 1 and "serving as root" in told[0]
    for remedy in (f"may not pass through {folder} ", "--data-dir", f"chmod o+x {folder}", "--user root"):
        assert remedy in told[0]
    assert doctor(daemon)["user"] == "root (uid 0)" and str(folder) in doctor(daemon)["whyRoot"]
    shown = lambent("doctor", "--endpoint", daemon.endpoint).stdout
    assert "serves as" in shown and "why as root" in shown


@pytest.mark.parametrize("user,problem", [
    ("nobody", "may not pass through"),
    ("no-such-user", 'there is no user "no-such-user"'),
])
def test_who_was_asked_for_and_cannot_be_had_is_an_error(user, problem, tmp_path):
    done = lambent("serve", "--listen", "127.0.0.1:0", "--data-dir", closed(tmp_path) / "data", "--user", user)
    assert done.returncode == 1 and "--user: " in done.stderr and problem in done.stderr


def test_only_root_becomes_somebody_else(tmp_path):
    command = ["setpriv", "--reuid", str(SOMEBODY), "--regid", str(SOMEBODY), "--clear-groups", binary(), "serve", "--data-dir",
               str(tmp_path / "data"), "--listen", "127.0.0.1:0", "--user", "nobody"]
    done = subprocess.run(command, env=environment(), stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 1 and "only root can serve as another user" in done.stderr


def guard_of(daemon):
    """Beside it there may be a helper that brings code to the disk."""
    guard, = (pid for pid in children(daemon.pid) if status_of(pid)["Name"].startswith("lambent-launch"))
    return guard


def test_a_killed_launcher_is_replaced_and_a_killed_guard_told(lambent_factory, client_of):
    daemon = lambent_factory()
    if not doctor(daemon)["tier"].startswith("T1"):
        pytest.skip("lower tiers can start their guard again")
    client = client_of(daemon)
    add_counter(client)
    guard = guard_of(daemon)
    for kills in (1, 2, 3):
        assert count(client) == 1
        launcher, = children(guard)
        os.kill(launcher, 9)
        daemon.await_lines("the launcher has ended", kills)
    assert count(client) == 1 and guard_of(daemon) == guard
    os.kill(guard, 9)
    daemon.await_lines("was killed; ")
    answer = client.invoke(FunctionName="counter", Payload=b'"count"')
    assert answer["FunctionError"] == "Unhandled" and b"restart lambent to run functions again" in answer["Payload"].read()
    assert "restart lambent" in doctor(daemon)["whyNotBetter"]
    assert [f["FunctionName"] for f in client.list_functions()["Functions"]] == ["counter"]
    assert daemon.stop() == 0
    assert count(client_of(lambent_factory(data_dir=daemon.data_dir))) == 1


def test_run_does_not_become_anybody(tmp_path):
    """What it runs is the caller's own, wherever it lies."""
    done = lambent("run", EXAMPLES / "hello-python", "--event", "{}", env={"TMPDIR": closed(tmp_path)})
    assert done.returncode == 0 and "serving as root" not in done.stderr


def test_exec_gives_up_root_and_leaves_nothing(tmp_path):
    done = lambent("exec", "--", binary(), "doctor", "--json", env={"TMPDIR": tmp_path})
    assert json.loads(done.stdout)["user"] == f"uid {NOBODYS}" and done.stderr == ""
    assert list(tmp_path.iterdir()) == []
