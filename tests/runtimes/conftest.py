# SPDX-License-Identifier: Apache-2.0
"""Clients under test. AWS's own clients are optional: their tests are skipped, with the reason, when absent.

LAMBENT_TEST_PYTHON        interpreter for our Python client (default: this one)
LAMBENT_TEST_VENV          a virtual environment with `awslambdaric`
LAMBENT_TEST_NODE          interpreter for our Node.js client (default: node)
LAMBENT_TEST_NODE_MODULES  a node_modules folder with aws-lambda-ric 3.x
LAMBENT_TEST_NODE24, LAMBENT_TEST_NODE24_MODULES  the same for Node.js 24 and aws-lambda-ric 4.x
"""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))

from harness import RUNTIMES, Client  # noqa: E402


def our_python(interpreter):
    runtime = RUNTIMES / "python"
    return Client(
        "ours", [interpreter, "-S", str(runtime / "bootstrap.py")],
        {"LAMBDA_RUNTIME_DIR": str(runtime), "LAMBENT_OPT_DIR": "/nonexistent"}, re.escape(str(runtime)),
    )


def our_node(interpreter, runtime_name):
    runtime = RUNTIMES / "nodejs"
    env = {
        "LAMBDA_RUNTIME_DIR": str(runtime), "LAMBENT_OPT_DIR": "/nonexistent",
        "AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime_name,
    }
    flags = ["--expose-gc", "--no-experimental-require-module", "--no-experimental-detect-module"]
    return Client("ours", [interpreter, *flags, str(runtime / "index.cjs")], env, re.escape(str(runtime)))


def require_node(variable, default):
    node = shutil.which(os.environ.get(variable, default))
    if node is None:
        pytest.skip("no Node.js: set %s" % variable)
    return node


@pytest.fixture(scope="session")
def python_client():
    return our_python(os.environ.get("LAMBENT_TEST_PYTHON", sys.executable))


@pytest.fixture(scope="session")
def node_client():
    return our_node(require_node("LAMBENT_TEST_NODE", "node"), "nodejs20.x")


@pytest.fixture(scope="session")
def modern_node_client():
    return our_node(require_node("LAMBENT_TEST_NODE", "node"), "nodejs24.x")


@pytest.fixture(scope="session")
def python_pair():
    """(ours, AWS's), both on the interpreter of LAMBENT_TEST_VENV."""
    venv = os.environ.get("LAMBENT_TEST_VENV")
    python = Path(venv or "/nonexistent") / "bin" / "python"
    if not python.exists():
        pytest.skip("set LAMBENT_TEST_VENV to a virtual environment with awslambdaric")
    if subprocess.run([python, "-c", "import awslambdaric"], capture_output=True).returncode != 0:
        pytest.skip("awslambdaric is not installed in LAMBENT_TEST_VENV")
    theirs = Client("aws", [str(python), "-m", "awslambdaric", "{handler}"], {}, "/awslambdaric/")
    return our_python(str(python)), theirs


def _their_node(node, modules, entry, runtime_name, with_handler):
    package = Path(modules) / "aws-lambda-ric"
    argv = [node, "--expose-gc", "--no-experimental-require-module", "--no-experimental-detect-module"]
    argv += [str(package / entry)] + (["{handler}"] if with_handler else [])
    env = {"AWS_EXECUTION_ENV": "AWS_Lambda_" + runtime_name}
    return Client("aws", argv, env, "/aws-lambda-ric/", r".*\tExecuting '.*|Executing '.*")


@pytest.fixture(scope="session")
def node_pair():
    """(ours, AWS's 3.x), as nodejs20.x."""
    modules = os.environ.get("LAMBENT_TEST_NODE_MODULES")
    if not modules or not (Path(modules) / "aws-lambda-ric/dist/rapid-client.node").exists():
        pytest.skip("set LAMBENT_TEST_NODE_MODULES to a node_modules folder with aws-lambda-ric 3.x, built")
    node = require_node("LAMBENT_TEST_NODE", "node")
    return our_node(node, "nodejs20.x"), _their_node(node, modules, "bin/index.mjs", "nodejs20.x", True)


@pytest.fixture(scope="session")
def node24_pair():
    """(ours, AWS's 4.x), as nodejs24.x."""
    modules = os.environ.get("LAMBENT_TEST_NODE24_MODULES")
    if not modules or not (Path(modules) / "aws-lambda-ric/rapid-client.node").exists():
        pytest.skip("set LAMBENT_TEST_NODE24_MODULES to a node_modules folder with aws-lambda-ric 4.x, built")
    node = require_node("LAMBENT_TEST_NODE24", "node24")
    return our_node(node, "nodejs24.x"), _their_node(node, modules, "index.mjs", "nodejs24.x", False)
