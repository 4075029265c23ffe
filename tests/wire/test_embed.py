# SPDX-License-Identifier: Apache-2.0
"""The engine inside a program of somebody else's: examples/embed on an installed library."""

import json
import os

import pytest

import embedding
import guests

HELLO = embedding.ROOT / "examples" / "hello-python" / "lambda_function.py"


@pytest.fixture(scope="module")
def embed(tmp_path_factory):
    folder = tmp_path_factory.mktemp("embed")
    os.chmod(folder, 0o755)
    return embedding.build(folder)


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "hello.zip"
    path.write_bytes(guests.zip_bytes({"lambda_function.py": HELLO.read_bytes()}))
    return path


def test_deploys_and_invokes(embed, package, tmp_path):
    program, env = embed

    done = embedding.run(program, env, tmp_path / "data", guests.host_python_runtime(), "lambda_function.lambda_handler", package,
                         '{"name": "Ada"}', '{"name": "Grace"}')

    assert done.returncode == 0, done.stderr
    answers = [json.loads(line) for line in done.stdout.splitlines()]
    assert [answer["message"] for answer in answers] == ["Hello, Ada!", "Hello, Grace!"]
    assert "greeting Ada" in done.stderr and "REPORT RequestId: " in done.stderr
    assert "runs in native, invoked 2 times" in done.stderr


def test_says_what_is_wrong(embed, package, tmp_path):
    program, env = embed
    bad = tmp_path / "bad.zip"
    bad.write_bytes(b"no zip")
    runtime = guests.host_python_runtime()

    broken = embedding.run(program, env, tmp_path / "data", runtime, "lambda_function.lambda_handler", bad, "{}")
    unknown = embedding.run(program, env, tmp_path / "data", "cobol85", "a.b", package, "{}")
    raising = embedding.run(program, env, tmp_path / "data", runtime, "lambda_function.lambda_handler", package, "[]")

    assert (broken.returncode, unknown.returncode, raising.returncode) == (1, 1, 1)
    assert "not deployed (bad-zip)" in broken.stderr
    assert "not deployed (unsupported-runtime)" in unknown.stderr
    assert json.loads(raising.stdout)["errorType"] == "AttributeError"


def test_close_takes_leave(tmp_path):
    """As the end of a daemon: aws-lambda-go has an extension, so the function gets SIGTERM."""
    package = tmp_path / "go.zip"
    package.write_bytes(guests.go_handler())
    program, env = embedding.build_leave(tmp_path)

    done = embedding.run(program, env, tmp_path / "data", package, LAMBENT_SANDBOX="native")

    assert (done.returncode, done.stdout) == (0, "7\n"), done.stderr
    assert "go guest: farewell\n" in embedding.logged(tmp_path / "data")
