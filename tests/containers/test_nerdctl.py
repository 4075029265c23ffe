# SPDX-License-Identifier: Apache-2.0
"""containerd, which only nerdctl leads to: a selection of what is found of environments, and what is different."""

import json
import signal
import uuid

import pytest

import images
from test_emulated import Emulated, python  # noqa: F401
from test_environments import (  # noqa: F401
    c_bootstrap, lambent, lambent_of, provided, test_cold_starts_in_parallel, test_cold_then_warm,
    test_doctor_says_where_and_why, test_evicted, test_fates_of_a_runtime, test_idle_and_removed, test_layers,
    test_localhost_is_the_developers, test_out_of_memory,
    test_somebody_removes_the_container, test_strangers_containers_stay, test_the_container_is_stopped,
    test_the_sandbox_inside, test_who_listens, wait_until,
)
from test_environments import test_spares as spares
from test_image_functions import test_an_entrypoint_that_is_not_there, test_an_image_that_is_only_here, tiny  # noqa: F401

ONLY = "nerdctl-command"


@pytest.fixture
def near_and_far(lambent_of, provided):  # noqa: F811
    """It copies nothing into a container that it reads from its standard input, and attaches no input: only near."""
    return lambent_of()


def test_spares(lambent_of, provided, c_bootstrap):  # noqa: F811
    spares(lambent_of, provided, c_bootstrap, hidden=False)


def test_no_secret_on_a_command_line(lambent, c_bootstrap):  # noqa: F811
    name = lambent.function(c_bootstrap, Environment={"Variables": {"TOKEN": "very-secret"}})
    lambent.invoke(name, "echo")

    [container] = lambent.containers()
    assert "very-secret" not in json.dumps(lambent.engine.call("GET", f"/containers/{container['Id']}/json"))


def test_killed(lambent_of, provided, c_bootstrap):  # noqa: F811
    """Its containers end with their daemon; nobody but the next one removes them."""
    lambent = lambent_of()
    name = lambent.function(c_bootstrap)
    lambent.invoke(name, "count")

    lambent.daemon.kill()

    wait_until(lambda: [c["State"] for c in lambent.containers()] == ["exited"], "containers end with their daemon")
    lambent.daemon.options = [option for option in lambent.daemon.options if not option.startswith(("--listen", "127."))]
    lambent.start()
    wait_until(lambda: lambent.everything() == [], "the next daemon removes what is left")
    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_containerd_starts_again(lambent_of, engine, provided, c_bootstrap):  # noqa: F811
    """Its containers go on meanwhile; what happens to them afterwards is heard of."""
    lambent = lambent_of()
    name = lambent.function(c_bootstrap)
    first, _ = lambent.invoke(name, "count")

    engine.restart(signal.SIGKILL)

    second, _ = lambent.invoke(name, "count")
    assert (second["process"], second["count"]) == (first["process"], 2)
    other = lambent.function(c_bootstrap, MemorySize=256)
    wait_until(lambda: lambent.invoke(other, "count")[0].get("count"), "it starts new ones")
    for container in lambent.containers():
        lambent.lose(container)
    wait_until(lambda: lambent.environments() == [], "the environments go with them")


def test_a_container_that_cannot_be_started(lambent_of, engine, provided, c_bootstrap):  # noqa: F811
    network = {"cniVersion": "0.4.0", "name": "broken", "plugins": [{"type": "no-such-plugin"}]}
    (engine.folder / "networks" / "broken.conflist").write_text(json.dumps(network))
    lambent = lambent_of("--container-network", "broken")

    answer, meta = lambent.invoke(lambent.function(c_bootstrap), "count")

    assert meta["FunctionError"] == "Unhandled" and answer["errorType"] == "Sandbox.Failure", answer
    assert "no-such-plugin" in answer["errorMessage"], answer
    wait_until(lambda: lambent.containers() == [], "nothing is left of it")


def test_an_emulator(lambent_of, python):  # noqa: F811
    emulated = Emulated(lambent_of("--container-mode", "rie", "--rie-ready-time", "60s"), python)
    name = emulated.function(Environment={"Variables": {"MINE": "yes"}})

    assert [emulated.count(name), emulated.count(name)] == [1, 2]
    assert emulated.lambent.invoke(name, "env")[0]["MINE"] == "yes"


def test_an_image_of_a_registry(lambent_of, engine, registry):  # noqa: F811
    """By its digest it is found again when its name is gone, here and there."""
    path = f"team/app-{uuid.uuid4().hex[:8]}:v1"
    uri = registry.serve(images.tiny(), path)
    lambent = lambent_of()
    name = lambent.function(uri, PackageType="Image")
    assert lambent.invoke(name, 5)[0] == 5

    engine.forget(uri)
    registry.withdraw(path)

    wait_until(lambda: lambent.environments() == [], "its container is removed")
    assert lambent.invoke(name, 6)[0] == 6


def test_an_image_that_is_not_to_be_had(lambent_of, engine):  # noqa: F811
    lambent = lambent_of("--pull", "never")
    with pytest.raises(lambent.client.exceptions.InvalidParameterValueException, match="does not exist"):
        lambent.function(f"lambent-test/none-{uuid.uuid4().hex[:8]}:1", PackageType="Image")
