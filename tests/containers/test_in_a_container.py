# SPDX-License-Identifier: Apache-2.0
"""lambent as a container beside its functions: the engine's socket is all that it is given."""

import json
import pathlib
import shutil
import urllib.error
import urllib.request
import uuid

import pytest

import guests
from daemon import ROOT, binary
from test_environments import ROLE, make_client, wait_until



@pytest.fixture
def neighbour(engine, aws_image, tmp_path):
    """lambent in a container of a network of its own; nothing of this machine's files is shared but the programs."""
    image = aws_image("provided:al2023")
    engine.load(image)
    programs = tmp_path / "lambent"
    programs.mkdir()
    for program in pathlib.Path(binary()).parent.glob("lambent*"):
        if program.is_file():
            shutil.copy(program, programs / program.name)
    shutil.copytree(ROOT / "runtimes", programs / "runtimes")
    network = f"lmb-{uuid.uuid4().hex[:8]}"
    assert engine.run("network", "create", network).returncode == 0
    name = f"lambent-{uuid.uuid4().hex[:8]}"
    # Its libraries are this machine's, which is Debian as the image is.
    done = engine.run("run", "--detach", "--rm", "--name", name, "--network", network, "--volume", "/usr:/usr:ro", "--volume",
                      f"{programs}:/lambent:ro", "--volume", f"{engine.socket}:/run/docker.sock", "--env", f"LAMBENT_SANDBOX={engine.name}",
                      "--env", "LAMBENT_CONTAINER_SPARES=0", "--entrypoint", "/lambent/lambent", image.name, "serve", "--listen", "0.0.0.0:4566",
                      "--data-dir", "/data", "--allow-host", ".")
    if done.returncode:
        engine.run("network", "rm", network)
        pytest.skip(f"lambent does not run in a container here: {done.stderr.strip()}")
    yield name, network
    engine.run("stop", "--time", "20", name)
    engine.run("network", "rm", network)


def address_of(engine, name, network):
    described = engine.call("GET", f"/containers/{name}/json")
    return described["NetworkSettings"]["Networks"][network]["IPAddress"]


def answers(url):
    try:
        return urllib.request.urlopen(f"{url}/_lambent/health", timeout=5).status == 200
    except (urllib.error.URLError, OSError):
        return False


def test_lambent_in_a_container(engine, neighbour):
    name, network = neighbour
    url = f"http://{address_of(engine, name, network)}:4566"
    wait_until(lambda: answers(url), engine.run("logs", name).stderr)
    client = make_client(url)
    function = f"fn-{uuid.uuid4().hex[:8]}"
    client.create_function(FunctionName=function, Runtime="provided.al2023", Handler="echo", Role=ROLE, Code={"ZipFile": guests.c_bootstrap()},
                           Timeout=10)
    client.get_waiter("function_active_v2").wait(FunctionName=function, WaiterConfig={"Delay": 0.1, "MaxAttempts": 300})

    assert json.load(client.invoke(FunctionName=function, Payload="7")["Payload"]) == 7

    [container] = engine.containers(**{"dev.lambent.function": function})
    assert list(engine.call("GET", f"/containers/{container['Id']}/json")["NetworkSettings"]["Networks"]) == [network]
    assert json.load(urllib.request.urlopen(f"{url}/_lambent/doctor"))["containers"]["shares"] == "nothing"
