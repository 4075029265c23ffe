# SPDX-License-Identifier: Apache-2.0
"""kill -9 at every call that changes something, from the first to those of the end: whatever that leaves, the next start takes away."""

import threading
import urllib.parse
import uuid

import pytest

import guests
import images
from relay import Relay
from test_environments import Lambent, lambent_of, wait_until  # noqa: F401

CALLS_MOST = 40


def belongings(engine):
    """What an engine can be left with."""
    return {
        "containers": {container["Id"] for container in engine.containers()},
        "volumes": {volume["Name"] for volume in engine.call("GET", "/volumes")["Volumes"] or []},
        "networks": {network["Id"] for network in engine.call("GET", "/networks")},
        "images": set(engine.images()),
    }


def files(lambent):
    """Doors, trials, what is written down of tags."""
    return [path.name for path in (lambent.daemon.data_dir / "containers").glob("*")]


@pytest.fixture
def relay(engine, tmp_path):
    made = Relay(engine, tmp_path)
    yield made
    made.close()


def use(lambent, done):
    """One function of a zip and one of an image, from nothing to an answer; the kill may come at any time."""
    try:
        for package, settings in lambent.wanted:
            name = lambent.function(package, **settings)
            assert lambent.invoke(name, "count")[0]
        done.append(True)
    except Exception:  # noqa: BLE001 pylint: disable=broad-exception-caught
        pass
    lambent.ended.set()


def run_until_killed(lambent, relay, number, moment):
    """Whether it has come to that call."""
    done = []
    relay.at(number, **{moment: lambent.daemon.kill})
    lambent.daemon.options = [option for option in lambent.daemon.options if not option.startswith(("--listen", "127.0.0.1:0"))]
    try:
        lambent.start()
    except (RuntimeError, OSError):
        assert relay.hit.wait(60)
        return True
    lambent.ended = threading.Event()
    threading.Thread(target=use, args=(lambent, done), daemon=True).start()
    assert lambent.ended.wait(120)
    if done and lambent.daemon.stop() == 0:
        return False
    assert relay.hit.wait(60), "\n".join(relay.calls)
    return True


def start_with_nothing(lambent, relay):
    """In peace; and what has been made would still be wanted."""
    relay.at(0)
    lambent.start()
    for function in lambent.client.list_functions()["Functions"]:
        lambent.client.delete_function(FunctionName=function["FunctionName"])


@pytest.mark.parametrize("place, moment", [("near", "before"), ("near", "after"), ("far", "after")])
def test_at_every_call(lambent_of, engine, registry, relay, aws_image, moment, place):  # noqa: F811
    engine.load(aws_image("provided:al2023"))
    local = registry.serve(images.tiny(), f"team/app-{uuid.uuid4().hex[:8]}:v1")
    host, path = local.split("/", 1)
    aws = f"123456789012.dkr.ecr.eu-west-1.amazonaws.com/{path}"
    engine.call("POST", "/images/create", fromImage=local)
    before = belongings(engine)
    lambent = lambent_of("--private-registry", host, env=relay.env(), hidden=place == "far")
    # Which names it has added it does not know any more, when its data dir is lost.
    lambent.wanted = [(guests.c_bootstrap(), {"Handler": "count"}), (aws if place == "near" else local, {"PackageType": "Image"})]
    lambent.daemon.stop()

    number = 1
    while run_until_killed(lambent, relay, number, moment):
        assert number < CALLS_MOST
        calls = list(relay.calls)
        start_with_nothing(lambent, relay)
        if place == "far":  # its data dir has gone with it: who has none looks for an engine when one is wanted
            lambent.function(guests.c_bootstrap())
        wait_until(lambda: belongings(engine) == before and not files(lambent), f"it takes away what was left at {calls[-1:]}")
        assert lambent.daemon.stop() == 0
        assert belongings(engine) == before, calls
        assert files(lambent) == [], calls
        number += 1

    assert number > 10
    # Ended in peace it waits ten seconds for the engine at the most; what a busy one has not done then is for the next start.
    start_with_nothing(lambent, relay)
    wait_until(lambda: belongings(engine) == before, "it takes away what was left at its end")
    assert lambent.daemon.stop() == 0  # while there is a relay
    engine.forget_from(registry.address)
