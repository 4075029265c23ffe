# SPDX-License-Identifier: Apache-2.0
"""Functions that turn against what runs them: whatever one does, the others and the daemon go on."""

import io
import json
import stat
import time
import zipfile

import pytest

RUN = """
def handler(event, context):
    scope = {"event": event, "context": context}
    exec(event["code"], scope)
    return scope.get("result")
"""


@pytest.fixture
def hostile(python_function):
    """A function that does what the event's code says; it has three seconds."""
    return python_function(RUN, Timeout=3, MemorySize=256)


@pytest.fixture
def run(client):
    """run(function, code): the answer's payload and whether it is an error."""
    def call(name, code):
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"code": code}))
        return json.load(answer["Payload"]), answer.get("FunctionError")
    return call


def test_output_without_end_does_not_hold_the_daemon(hostile, run):
    # Lines of one byte are the most work; four processes are always faster than one reader.
    began = time.monotonic()
    body, error = run(hostile, r"""
import os, time
os.fork(), os.fork()
end = time.monotonic() + 20
while time.monotonic() < end:
    os.write(1, b"\n" * 65536)
""")
    assert error == "Unhandled"
    assert body["errorType"] == "Sandbox.Timedout"
    assert time.monotonic() - began < 8
    assert run(hostile, "result = 1") == (1, None)


def link(name, target):
    info = zipfile.ZipInfo(name)
    info.create_system = 3
    info.external_attr = (stat.S_IFLNK | 0o777) << 16
    return info, target


def package_of_links(*links):
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        for info, target in links:
            archive.writestr(info, target)
    return out.getvalue()


def test_a_link_to_bootstrap_is_followed_inside(function, client):
    package = package_of_links(link("bootstrap", "/var/task/second"), link("second", "/usr/bin/false"))
    answer = client.invoke(FunctionName=function(package), Payload=b"{}")
    assert json.load(answer["Payload"])["errorMessage"].endswith("Runtime exited with error: exit status 1")


def test_a_link_tells_nothing_about_the_host(function, client, tmp_path):
    there = tmp_path / "there"
    there.touch()
    said = [json.load(client.invoke(FunctionName=function(package_of_links(link("bootstrap", str(path)))), Payload=b"{}")["Payload"])
            for path in (there, tmp_path / "not")]
    assert [body["errorType"] for body in said] == ["Runtime.InvalidEntrypoint"] * 2
    assert said[0]["errorMessage"].split("Error: ")[1] == said[1]["errorMessage"].split("Error: ")[1]


def test_a_full_tmp_does_not_spoil_the_function(hostile, run):
    # dd is smaller than the runtime: what it leaves free is too little for the next one, and files outlive a reset.
    body, error = run(hostile, r"""
import os
os.execv("/bin/dd", ["dd", "if=/dev/zero", "of=/tmp/full", "bs=64k"])
""")
    assert (body["errorType"], error) == ("Runtime.OutOfMemory", "Unhandled")
    run(hostile, "result = 1")
    assert run(hostile, "result = 1") == (1, None)
