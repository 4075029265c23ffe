# SPDX-License-Identifier: Apache-2.0
"""lambent exec: a command with a Lambda of its own."""

import json
import os
import signal
import subprocess
import sys

import pytest

from command import environment, lambent
from daemon import adopt_orphans, binary, children, describe, has_vanished

LISTS = "import boto3; print(boto3.client('lambda').list_functions()['Functions'])"


@pytest.fixture
def tmp(tmp_path):
    """TMPDIR for a command; nothing may be left there."""
    folder = tmp_path / "tmp"
    folder.mkdir()
    folder.chmod(0o1777)
    yield folder
    assert list(folder.iterdir()) == []


def test_the_exit_status_is_the_commands(tmp):
    done = lambent("exec", "--", "sh", "-c", "echo out; echo err >&2; exit 7", env={"TMPDIR": tmp})
    assert (done.returncode, done.stdout) == (7, "out\n")
    assert done.stderr.startswith("err\n") or done.stderr.endswith("err\n")
    assert lambent("exec", "--", "sh", "-c", "kill -KILL $$", env={"TMPDIR": tmp}).returncode == 128 + signal.SIGKILL


def test_the_exit_status_is_known_to_one_whose_parent_wants_none(tmp):
    """An ignored SIGCHLD is inherited."""
    done = lambent("exec", "--", "sh", "-c", "exit 7", env={"TMPDIR": tmp},
                   preexec_fn=lambda: signal.signal(signal.SIGCHLD, signal.SIG_IGN))
    assert done.returncode == 7, done.stderr


def test_an_ordinary_client_finds_it(tmp):
    done = lambent("exec", "--", sys.executable, "-c", LISTS, env={"TMPDIR": tmp})
    assert (done.returncode, done.stdout) == (0, "[]\n"), done.stderr


def test_nothing_of_the_callers_account_is_passed_on(tmp):
    real = {"AWS_ACCESS_KEY_ID": "AKIAREAL", "AWS_SECRET_ACCESS_KEY": "real", "AWS_SESSION_TOKEN": "real", "AWS_PROFILE": "real",
            "AWS_REGION": "eu-central-1", "TMPDIR": tmp}
    done = lambent("exec", "--", sys.executable, "-c", "import json, os; print(json.dumps(dict(os.environ)))", env=real)
    seen = json.loads(done.stdout)
    assert seen["AWS_ACCESS_KEY_ID"] == seen["AWS_SECRET_ACCESS_KEY"] == "test"
    assert "AWS_SESSION_TOKEN" not in seen and "AWS_PROFILE" not in seen
    assert seen["AWS_REGION"] == seen["AWS_DEFAULT_REGION"] == "eu-central-1"
    assert seen["AWS_ENDPOINT_URL"] == seen["AWS_ENDPOINT_URL_LAMBDA"] == seen["LAMBENT_ENDPOINT"]


def test_the_program_itself_works_in_it(tmp):
    script = f"'{binary()}' functions --json && '{binary()}' ps --json"
    assert lambent("exec", "--", "sh", "-c", script, env={"TMPDIR": tmp}).stdout.split() == ["[]", "[]"]


def test_options_behind_the_command_are_the_commands(tmp):
    assert lambent("exec", "printf", "%s", "--help", env={"TMPDIR": tmp}).stdout == "--help"


def test_a_command_that_is_not_there(tmp):
    done = lambent("exec", "--", "/nonexistent/command", env={"TMPDIR": tmp})
    assert done.returncode == 127 and "/nonexistent/command: No such file" in done.stderr


def test_what_the_command_leaves_running_is_told(tmp):
    done = lambent("exec", "--", "sh", "-c", "tail -f /dev/null >/dev/null 2>&1 & echo $!", env={"TMPDIR": tmp})
    left = int(done.stdout)
    os.kill(left, signal.SIGKILL)
    assert f"left running: process {left} (tail)" in done.stderr


def start_exec(tmp, *command):
    return subprocess.Popen([binary(), "exec", "--", *command], env=environment(TMPDIR=tmp), text=True, stdin=subprocess.PIPE,
                            stdout=subprocess.PIPE)


def test_sigterm_is_handed_on(tmp):
    process = start_exec(tmp, "sh", "-c", "trap 'echo told; exit 3' TERM; echo ready; read line")
    assert process.stdout.readline() == "ready\n"
    process.send_signal(signal.SIGTERM)
    assert process.stdout.readline() == "told\n"
    assert process.wait(30) == 3
    process.communicate()


def test_kill_9_leaves_nothing_behind(tmp):
    adopt_orphans()
    process = start_exec(tmp, "sh", "-c", "echo ready; read line")
    assert process.stdout.readline() == "ready\n"
    family = children(process.pid)
    process.kill()
    process.wait()
    process.communicate()
    assert [describe(pid) for pid in family if not has_vanished(pid, 15)] == []
