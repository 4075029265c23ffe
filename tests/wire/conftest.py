# SPDX-License-Identifier: Apache-2.0
"""What the wire tests share: a daemon, AWS's client for it, packages.

LAMBENT_TEST_ENDPOINT  test the daemon that runs there instead of starting one; tests that need their own are skipped
LAMBENT_TEST_BINARY    the lambent to start (default: build/lambent)
LAMBENT_TEST_TIER      --sandbox-tier of every daemon that the tests start; 2 and 3 stay root when root starts them
LAMBENT_TEST_SANDBOX   where functions run: native (the default), docker, podman, or several of them, as in "docker,podman"
"""

import io
import os
import pathlib
import sys
import tempfile
import uuid
import zipfile

import boto3
import pytest
from botocore.config import Config

sys.path.insert(0, str(pathlib.Path(__file__).parent))
sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tls"))

import certificates as tls_certificates  # noqa: E402
import places  # noqa: E402
from daemon import Daemon, RunningDaemon, adopt_orphans  # noqa: E402
from shapes import check_answers  # noqa: E402

# What the tests know of limits in the lower tiers they know of root's cgroups, which only root can use.
if os.geteuid() == 0 and os.environ.get("LAMBENT_TEST_TIER") in ("2", "3"):
    os.environ.setdefault("LAMBENT_USER", "root")

REGION = "us-east-1"
ROLE = "arn:aws:iam::000000000000:role/lambent"


SANDBOXES = (os.environ.get("LAMBENT_TEST_SANDBOX") or "native").split(",")


def pytest_configure(config):
    config.addinivalue_line("markers", "everywhere: run in containers too by ./dev test")
    config.addinivalue_line("markers", "native(reason): does not hold in containers, for a reason of places.py")


def pytest_generate_tests(metafunc):
    if "place" in metafunc.fixturenames and SANDBOXES != ["native"]:
        metafunc.parametrize("place", SANDBOXES, indirect=True, scope="session")


def pytest_collection_modifyitems(items):
    for item in items:
        mark = item.get_closest_marker("native")
        reason = mark and places.REASONS[mark.args[0]]
        if mark and getattr(item, "callspec", None) and item.callspec.params.get("place", "native") != "native":
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="session")
def place(request):
    """Where functions run, see places.py; one at a time."""
    place = places.start(getattr(request, "param", "native"))
    yield place
    place.stop()


@pytest.fixture(scope="session")
def lambent(place):
    """The daemon that most tests use. At the end nothing of it may be left."""
    endpoint = os.environ.get("LAMBENT_TEST_ENDPOINT")
    if endpoint:
        yield RunningDaemon(endpoint)
        return
    adopt_orphans()
    daemon = Daemon(place=place).start()
    yield daemon
    status = daemon.stop()
    leaks = daemon.leaks()
    daemon.remove()
    assert status == 0, "".join(daemon.lines[-50:])
    assert leaks == []


@pytest.fixture(scope="session")
def certificates():
    """The folder of tests/tls/certificates.py, which a daemon that gave root up can read, too."""
    with tempfile.TemporaryDirectory(prefix="lambent-test-") as folder:
        os.chmod(folder, 0o755)
        yield tls_certificates.make(folder)


@pytest.fixture
def lambent_factory(tmp_path, place):
    """make(*options, env={}, data_dir=…, tier=…) starts a daemon of the test's own; all are stopped and searched for leaks.

    tmp_path is asked for so that it goes after the daemons that keep their data there.
    """
    if os.environ.get("LAMBENT_TEST_ENDPOINT"):
        pytest.skip("needs a daemon of its own")
    adopt_orphans()
    daemons = []

    def make(*options, **settings):
        daemon = Daemon(*options, place=place, **settings)
        daemons.append(daemon)
        return daemon.start()

    yield make
    leaks = []
    for daemon in daemons:
        if daemon.process and daemon.process.poll() is None:
            daemon.stop()
        if daemon.process and hasattr(daemon, "_family"):
            leaks += daemon.leaks()
        daemon.remove()
    assert leaks == []


def make_client(endpoint, service="lambda", region=REGION, access_key="test", **config):
    """boto3 without retries, so that a test sees the first answer, and with every answer compared with AWS's model."""
    settings = {"retries": {"max_attempts": 0}, "read_timeout": 120, "connect_timeout": 5, "parameter_validation": False, **config}
    return check_answers(boto3.client(service, endpoint_url=endpoint, region_name=region, aws_access_key_id=access_key,
                                      aws_secret_access_key="test", config=Config(**settings)))


@pytest.fixture(scope="session")
def client(lambent):
    """boto3's Lambda client for the session's daemon."""
    return make_client(lambent.endpoint)


@pytest.fixture
def tmp_path():
    """Instead of pytest's, which is closed to the user that root's daemon becomes."""
    with tempfile.TemporaryDirectory(prefix="lambent-test-") as folder:
        os.chmod(folder, 0o1777)
        yield pathlib.Path(folder)


@pytest.fixture
def client_of():
    """client_of(daemon, **settings): boto3's Lambda client for another daemon, region or account."""
    return lambda daemon, **settings: make_client(daemon.endpoint, **settings)


def make_zip(files):
    """A zip of {name: text or bytes}; a name that ends in * is executable, and loses the star."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in files.items():
            info = zipfile.ZipInfo(name.rstrip("*"), date_time=(2020, 1, 1, 0, 0, 0))
            info.external_attr = (0o100755 if name.endswith("*") else 0o100644) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, content)
    return out.getvalue()


@pytest.fixture(scope="session")
def zip_of():
    return make_zip


@pytest.fixture
def unique_name():
    """unique_name("echo") is a function name that no other test has."""
    return lambda prefix="fn": f"{prefix}-{uuid.uuid4().hex[:12]}"


@pytest.fixture
def function(client, unique_name):
    """function(package, Runtime=…, Handler=…, …) creates a function, waits until it is Active, and deletes it after the test."""
    made = []

    def make(package, **settings):
        name = settings.pop("FunctionName", None) or unique_name()
        settings = {"Runtime": "provided.al2023", "Handler": "handler", "Role": ROLE, **settings}
        client.create_function(FunctionName=name, Code={"ZipFile": package}, **settings)
        made.append(name)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
        return name

    yield make
    for name in made:
        client.delete_function(FunctionName=name)


@pytest.fixture
def python_function(function, zip_of):
    """python_function(source, **settings): a function of the host's Python runtime whose handler is app.handler."""
    from guests import host_python_runtime

    def make(source, **settings):
        return function(zip_of({"app.py": source}), **{"Runtime": host_python_runtime(), "Handler": "app.handler", **settings})

    return make
