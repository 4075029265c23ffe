# SPDX-License-Identifier: Apache-2.0
"""Python functions find their modules compiled, and see no other difference."""

import importlib.util
import json
import marshal
import shutil
import signal
import sys

import pytest

from command import lambent
from guests import host_python_runtime

pytestmark = pytest.mark.native("bytecode")

ROLE = "arn:aws:iam::000000000000:role/lambent"

# Notes what is compiled, which Python tells its audit hooks.
APP = """
import sys

compiled = []
sys.addaudithook(lambda event, args: event == "compile" and compiled.append(str(args[1])))

import package.module
import broken_later

def handler(event, context):
    trace = None
    try:
        package.module.fail()
    except ValueError:
        import traceback
        trace = traceback.format_exc()
    module = package.module
    return {"compiled": [path for path in compiled if path.endswith(".py") and "awslambdaric" not in path], "value": module.VALUE, "trace": trace,
            "file": module.__file__, "cached": module.__cached__, "code": module.fail.__code__.co_filename,
            "loader": type(module.__loader__).__name__}
"""

MODULE = """
VALUE = %r

def fail():
    raise ValueError("as it should be")
"""


def package_of(zip_of, value, **more):
    return zip_of({"app.py": APP, "package/__init__.py": "", "package/module.py": MODULE % value, "broken_later.py": "", **more})


class Function:
    def __init__(self, daemon, client, name="python"):
        self.daemon, self.client, self.name = daemon, client, name

    def create(self, package, **settings):
        settings = {"Runtime": host_python_runtime(), "Handler": "app.handler", "Timeout": 30, **settings}
        self.client.create_function(FunctionName=self.name, Role=ROLE, Code={"ZipFile": package}, **settings)
        self.wait("function_active_v2")
        return self

    def update(self, package):
        self.client.update_function_code(FunctionName=self.name, ZipFile=package)
        self.wait("function_updated_v2")

    def wait(self, waiter):
        self.client.get_waiter(waiter).wait(FunctionName=self.name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})

    def cold(self):
        """The answer of a new environment."""
        lambent("evict", self.name, "--now", env={"LAMBENT_ENDPOINT": self.daemon.endpoint})
        return json.loads(self.client.invoke(FunctionName=self.name)["Payload"].read())


@pytest.fixture
def daemon(lambent_factory):
    return lambent_factory("--log-level", "debug")


@pytest.fixture
def new_function(daemon, client_of):
    return lambda **more: Function(daemon, client_of(daemon), **more)


def await_bytecode(daemon, count=1):
    daemon.await_lines("bytecode=ready", count)


def bytecode(daemon):
    return sorted(folder for parent in ("trees", "opt") for folder in daemon.data_dir.glob(f"content/{parent}/*/bytecode-*"))


def own_modules(answer):
    return sorted(path.rsplit("/", 1)[-1] for path in answer["compiled"])


def test_a_start_compiles_nothing(daemon, new_function, zip_of):
    function = new_function().create(package_of(zip_of, "first"))
    await_bytecode(daemon)
    (folder,) = bytecode(daemon)
    shutil.rmtree(folder)
    first = function.cold()
    assert own_modules(first) == ["__init__.py", "broken_later.py", "module.py"]
    await_bytecode(daemon, 2)
    second = function.cold()
    assert second == {**first, "compiled": []}
    assert second["file"] == second["code"] and second["file"].endswith("/package/module.py")
    assert second["cached"].endswith("/package/__pycache__/module.cpython-%s.pyc" % host_python_runtime()[6:].replace(".", ""))


def test_an_update_runs_the_new_code(daemon, new_function, zip_of):
    function = new_function().create(package_of(zip_of, "old"))
    await_bytecode(daemon)
    assert function.cold()["compiled"] == []
    (old,) = bytecode(daemon)
    # The same sizes, the same times of modification: only the digest tells them apart.
    function.update(package_of(zip_of, "new"))
    await_bytecode(daemon, 2)
    answer = function.cold()
    assert (answer["value"], answer["compiled"]) == ("new", [])
    assert len([folder for folder in bytecode(daemon) if folder != old]) == 1


@pytest.mark.parametrize("damage", ["empty", "half", "zeros", "another"])
def test_damaged_bytecode_is_compiled_instead(daemon, new_function, zip_of, damage):
    function = new_function().create(package_of(zip_of, "whole"))
    await_bytecode(daemon)
    (file,) = daemon.data_dir.glob("content/trees/*/bytecode-*/package/module.pyc")
    data = file.read_bytes()
    file.write_bytes({
        "empty": b"",
        "half": data[:len(data) // 2],
        "zeros": data[:16] + bytes(len(data) - 16),
        "another": (file.parent / "__init__.pyc").read_bytes()[:16] + data[16:],
    }[damage])
    answer = function.cold()
    assert (answer["value"], own_modules(answer)) == ("whole", ["module.py"])


def test_layers(daemon, new_function, zip_of, client_of):
    layers = [client_of(daemon).publish_layer_version(LayerName=name, Content={"ZipFile": zip_of({f"python/{name}.py": "VALUE = 1"})})
              ["LayerVersionArn"] for name in ("one", "two")]
    app = APP.replace("import broken_later", "import one, two")
    function = new_function().create(zip_of({"app.py": app, "package/__init__.py": "", "package/module.py": MODULE % 1}), Layers=layers)
    await_bytecode(daemon, 2)
    assert function.cold()["compiled"] == []


def test_what_a_function_sets_wins(daemon, new_function, zip_of):
    settings = {"PYTHONOPTIMIZE": "2"}
    function = new_function().create(package_of(zip_of, 1, **{"broken_later.py": "assert False"}), Environment={"Variables": settings})
    await_bytecode(daemon)
    assert function.cold()["value"] == 1


def test_another_prefix_is_the_functions_own(daemon, new_function, zip_of):
    function = new_function().create(package_of(zip_of, 1), Environment={"Variables": {"PYTHONPYCACHEPREFIX": "/tmp/cache"}})
    await_bytecode(daemon)
    answer = function.cold()
    assert answer["cached"].startswith("/tmp/cache/")
    assert {"__init__.py", "module.py"} <= set(own_modules(answer))


def test_a_changed_loader_sees_the_sources(daemon, new_function, zip_of):
    app = """
import importlib.machinery
loader = importlib.machinery.SourceFileLoader
given = loader.source_to_code
loader.source_to_code = lambda self, data, path, **more: given(self, data.replace(b"old", b"new"), path, **more)
import package.module
def handler(event, context):
    return package.module.VALUE
"""
    function = new_function().create(package_of(zip_of, "old", **{"app.py": app}))
    await_bytecode(daemon)
    assert function.cold() == "new"


def test_warnings_and_errors_come_every_time(daemon, new_function, zip_of):
    app = """
import io, sys, traceback
sys.stderr = io.StringIO()
import warns
said = sys.stderr.getvalue()
sys.stderr = sys.__stderr__
def handler(event, context):
    try:
        import broken
    except SyntaxError:
        return [said, traceback.format_exc()]
"""
    function = new_function().create(zip_of({"app.py": app, "warns.py": "value = () is ()\n", "broken.py": "def (:\n"}))
    await_bytecode(daemon)
    said, trace = function.cold()
    assert "SyntaxWarning" in said and "SyntaxError" in trace and "importlib" not in trace


def test_packages_with_bytecode_of_their_own(daemon, new_function, zip_of):
    """Python takes it unseen when it says so itself: what is in the package decides, not what could be made of the source."""
    if host_python_runtime() != "python%d.%d" % sys.version_info[:2]:
        pytest.skip("needs to be run by the Python that runs the function")
    code = marshal.dumps(compile("VALUE = 2", "brought.py", "exec"))
    brought = importlib.util.MAGIC_NUMBER + b"\1\0\0\0" + bytes(8) + code
    tag = host_python_runtime()[6:].replace(".", "")
    app = "import brought\ndef handler(event, context):\n    return brought.VALUE\n"
    function = new_function().create(zip_of({"app.py": app, "brought.py": "VALUE = 1", f"__pycache__/brought.cpython-{tag}.pyc": brought}))
    await_bytecode(daemon)
    assert function.cold() == 2


def test_it_goes_with_the_function(daemon, new_function, zip_of):
    function = new_function().create(package_of(zip_of, 1))
    await_bytecode(daemon)
    assert len(bytecode(daemon)) == 1
    function.client.delete_function(FunctionName=function.name)
    assert daemon.stop() == 0
    assert bytecode(daemon) == []


def test_kill_amid_compiling_leaves_nothing_half_made(daemon, new_function, zip_of, client_of):
    many = {f"many/module_{n}.py": "".join(f"def f{i}(a, b):\n    return [a + b * {i}, {n}]\n" for i in range(60)) for n in range(100)}
    function = new_function().create(package_of(zip_of, 1, **many))
    daemon.await_lines("bytecode=begun")
    daemon.kill()
    assert daemon.leaks() == []
    assert bytecode(daemon) == []
    daemon.start()
    function.client = client_of(daemon)
    function.cold()
    await_bytecode(daemon)
    assert list((daemon.data_dir / "content" / "tmp").iterdir()) == []
    assert function.cold()["compiled"] == []
    (made,) = bytecode(daemon)
    assert len(list(made.rglob("*.pyc"))) == 100 + 4
    # The next daemon finds it.
    assert daemon.stop(signal.SIGTERM) == 0
    daemon.start()
    function.client = client_of(daemon)
    assert function.cold()["compiled"] == []
