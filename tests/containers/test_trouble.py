# SPDX-License-Identifier: Apache-2.0
"""What goes wrong around containers: the caller hears why, nothing is left, and the next call works."""

import concurrent.futures
import contextlib
import pathlib
import shutil
import signal
import socket
import threading
import urllib.request
import uuid

import pytest
from botocore.exceptions import ClientError

import guests
import images
from daemon import binary
from relay import Relay
from test_environments import lambent_of, provided, wait_until  # noqa: F401

GIB = 1 << 30
LOST = ("Sandbox.Failure", "Runtime.ExitError")


@pytest.fixture
def relay(engine, tmp_path):
    made = Relay(engine, tmp_path)
    yield made
    made.close()


@pytest.fixture
def named(engine):
    """named(image): an image of this name is in the engine, for one test."""
    names = []

    def load(**changes):
        names.append(engine.load(images.tiny(f"lambent-test/bad-{uuid.uuid4().hex[:8]}:1", **changes)))
        return names[-1]

    yield load
    for name in names:
        engine.forget(name)


def expect_to_work(lambent, name=None):
    name = name or lambent.function(guests.c_bootstrap())
    answer, _ = lambent.invoke(name, "count")
    assert answer.get("count"), answer


def test_another_architecture(lambent_of, provided, named):  # noqa: F811
    lambent = lambent_of("--pull", "never")
    ours = images.tiny().architecture
    name = named(architecture={"amd64": "arm64", "arm64": "amd64"}[ours])

    with pytest.raises(ClientError, match="not supported"):
        lambent.function(name, PackageType="Image")

    expect_to_work(lambent)


def test_it_exits_at_once(lambent_of, provided, named):  # noqa: F811
    lambent = lambent_of()
    name = lambent.function(named(env={"_HANDLER": "init-exit:3"}), PackageType="Image")

    answer, meta = lambent.invoke(name, 1)

    assert meta["FunctionError"] == "Unhandled"
    assert answer["errorType"] == "Runtime.ExitError" and "exit status 3" in answer["errorMessage"], answer
    expect_to_work(lambent)


def test_an_init_that_cannot_run(lambent_of, engine, provided, tmp_path):  # noqa: F811
    """Once it is whole again functions run: no image is blamed for it for ever, when it must be init."""
    for path in pathlib.Path(binary()).parent.glob("lambent-*"):
        if path.is_file():
            shutil.copy2(path, tmp_path)
    init = tmp_path / "lambent-init"
    whole = tmp_path / "whole"
    init.rename(whole)
    init.write_text("this is no program")
    init.chmod(0o755)
    lambent = lambent_of("--container-mode", "init", env={"LAMBENT_LIBEXEC_DIR": str(tmp_path)})
    name = lambent.function(guests.c_bootstrap())

    answer, meta = lambent.invoke(name, "count")

    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Sandbox.Failure", answer
    assert "init" in answer["errorMessage"] or "exec format error" in answer["errorMessage"], answer
    wait_until(lambda: lambent.containers() == [], "nothing is left of it")
    init.unlink()
    answer, meta = lambent.invoke(name, "count")
    assert "there is no init for images of" in answer["errorMessage"], answer
    whole.rename(init)
    expect_to_work(lambent, name)


def test_a_full_disk(lambent_of, provided):  # noqa: F811
    """Code goes into the container as an archive, for which there is no room."""
    lambent = lambent_of(hidden=True)
    name = lambent.function(guests.c_bootstrap())
    filler = lambent.inside(lambent.daemon.data_dir / "filler")
    with contextlib.suppress(OSError), open(filler, "wb", buffering=0) as file:
        while True:
            file.write(b"x" * 4096)

    answer, meta = lambent.invoke(name, "count")

    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Sandbox.Failure", answer
    assert "No space left on device" in answer["errorMessage"], answer
    wait_until(lambda: lambent.containers() == [], "nothing is left of it")
    filler.unlink()
    expect_to_work(lambent, name)


@pytest.mark.parametrize("call", [1, 2, 3], ids=["create", "attach", "start"])
@pytest.mark.parametrize("moment", ["before", "after"])
def test_the_engine_starts_again_in_mid_start(lambent_of, engine, relay, provided, call, moment):  # noqa: F811
    lambent = lambent_of(env=relay.env())
    expect_to_work(lambent)
    name = lambent.function(guests.c_bootstrap())
    wait_until(lambda: len(lambent.everything()) == 1, "the one that was tried out is gone")
    reached, go_on = threading.Event(), threading.Event()
    relay.at(call, **{moment: lambda: (reached.set(), go_on.wait(60))})

    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambent.invoke, name, "count")
        assert reached.wait(60)
        engine.restart(signal.SIGKILL)
        go_on.set()
        answer, meta = running.result()

    assert answer.get("count") == 1 or ("FunctionError" in meta and answer["errorType"] in LOST), answer
    wait_until(lambda: lambent.invoke(name, "count")[0].get("count"), "it runs again")


def test_the_engine_starts_again_in_mid_invoke(lambent_of, engine, provided):  # noqa: F811
    """Docker's containers do not outlive it, Podman's do not care."""
    lambent = lambent_of()
    name = lambent.function(guests.c_bootstrap(), Timeout=60)
    lambent.invoke(name, "count")
    with concurrent.futures.ThreadPoolExecutor(1) as pool:
        running = pool.submit(lambent.invoke, name, "sleep-ms:20000" if engine.name == "docker" else "sleep-ms:3000")
        wait_until(lambda: lambent.environments()[0]["state"] == "busy", "it runs")
        engine.restart(signal.SIGKILL)
        answer, meta = running.result()

    if engine.name == "docker":
        assert meta["FunctionError"] == "Unhandled" and answer["errorType"] in LOST, answer
    else:
        assert answer == "slept"
    wait_until(lambda: lambent.invoke(name, "count")[0].get("count"), "it runs again")


def test_the_client_goes_away_in_mid_start(lambent_of, relay, provided):  # noqa: F811
    lambent = lambent_of(env=relay.env())
    expect_to_work(lambent)
    name = lambent.function(guests.c_bootstrap())
    client = socket.create_connection(("127.0.0.1", lambent.daemon.port))
    relay.at(1, before=client.close)
    client.sendall(f"POST /2015-03-31/functions/{name}/invocations HTTP/1.1\r\nHost: localhost\r\nContent-Length: 7\r\n\r\n\"count\"".encode())

    assert relay.hit.wait(60)

    expect_to_work(lambent, name)
    request = urllib.request.Request(f"{lambent.daemon.endpoint}/_lambent/environments/evict", b"{}")
    urllib.request.urlopen(request).close()
    wait_until(lambda: lambent.everything() == [], "nothing is left of any")


def test_a_vast_image_that_breaks_off(lambent_of, engine, registry, provided):  # noqa: F811
    """Others do not wait for it; what cannot be had is told, and the same name can be had later."""
    lambent = lambent_of()
    path = f"team/vast-{uuid.uuid4().hex[:8]}:v1"
    name, layer = registry.serve_vast(path, images.tiny(), 10 * GIB)
    outcome = []

    def create():
        try:
            outcome.append(lambent.function(name, PackageType="Image"))
        except Exception as error:  # noqa: BLE001 pylint: disable=broad-exception-caught
            outcome.append(error)

    creating = threading.Thread(target=create)
    creating.start()
    assert layer.begun.wait(60)
    expect_to_work(lambent)
    assert not outcome

    registry.lose(layer)
    creating.join()
    assert isinstance(outcome[0], Exception), outcome
    # Podman has to pull it to know what it is; where there is a function, its state tells.
    names = [function["FunctionName"] for function in lambent.client.list_functions()["Functions"]]
    words = [str(outcome[0])] + [lambent.client.get_function_configuration(FunctionName=known).get("StateReason", "") for known in names]
    assert any(name.rsplit(":", 1)[0] in said for said in words), words
    registry.serve(images.tiny(), path)
    fine = lambent.function(name, PackageType="Image")
    assert lambent.invoke(fine, 5)[0] == 5
    engine.forget_from(registry.address)
