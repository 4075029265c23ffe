# SPDX-License-Identifier: Apache-2.0
"""Where the functions of the wire tests run: natively, or in containers of an engine that the tests start for themselves.

A test that does not hold everywhere says so with a reason of REASONS:

    @pytest.mark.native("tiers")     skipped in containers

and @pytest.mark.everywhere marks those that ./dev test runs in containers too, which is a selection for speed and nothing else.
"""

import contextlib
import pathlib
import sys
import threading
import time

CONTAINERS = pathlib.Path(__file__).resolve().parents[1] / "containers"
HOME = "dev.lambent.home"
# An engine removes containers soon after it was told, or after their first process ended, and tells nobody but its followers.
GONE_SECONDS = 20

# Runtimes of which tests make functions without running them: any image will do.
NAMED = ["python:3.7", "python:3.8", "python:3.9", "python:3.10", "python:3.12", "python:3.13", "python:3.14", "nodejs:18", "nodejs:22", "nodejs:24",
         "java:11", "java:17", "java:21", "java:25", "java:8", "java:8.al2", "ruby:3.2", "ruby:3.3", "ruby:3.4", "dotnet:6", "dotnet:8", "dotnet:10",
         "provided:al2", "provided:alami"]

# What is different in a container, and no fault of anybody's.
REASONS = {
    "bytecode": "what is compiled beforehand is for the interpreters of this machine; an image's compile for themselves",
    "every version": "an image has the version that it is named after, so no other is taken in its place",
    "loopback": "each container has a loopback of its own: another's address leads to oneself, and from outside nowhere",
    "image files": "what is to be seen is the image's, and nothing of this machine",
    "one user": "every container has the same user, in namespaces of its own",
    "roots engine": "who may use an engine has root's power, so a daemon that root starts with one stays root",
    "tiers": "tiers are of the native sandbox",
    "emulated": "whether the engine has images and runs programs of another architecture is the machine's matter",
    "no engine": "there is one",
}


class Native:
    """This machine itself."""

    name = "native"
    is_container = False

    def options(self, _given):
        return []

    env = {}

    def containers_of(self, _data_dir):
        return []

    def leaks(self, _data_dir):
        return []

    def stop(self):
        pass


class Container(Native):
    """An engine with images of AWS's layout."""

    is_container = True

    def __init__(self, name):
        sys.path.insert(1, str(CONTAINERS))
        import images
        from engines import Docker, Podman

        self.name = name
        self.engine = {"docker": Docker, "podman": Podman}[name]()
        self.engine.start()
        self.env = {"DOCKER_HOST": self.engine.host, "LAMBENT_CONTAINER_CLI": ""}
        provided, python = images.workbenches()
        for image in (provided, python):
            self.engine.load(image)
        for name in NAMED:
            repository, tag = name.split(":")
            self.engine.call("POST", f"/images/{provided.image_id}/tag", repo=f"{images.PUBLIC}/{repository}", tag=tag)
        with contextlib.suppress(images.GuestUnavailable):
            self.engine.load(images.nodejs20())

    def options(self, given):
        words = {option.split("=")[0] for option in given}
        ours = [] if "--sandbox" in words else ["--sandbox", self.name]
        # Of tests that count environments; tests/containers has those of spares.
        return ours + ([] if "--container-spares" in words else ["--container-spares", "0"])

    def leaks(self, data_dir):
        """Containers of the daemon's, when the engine has had the time to remove what it was told to."""
        end = time.monotonic() + GONE_SECONDS
        while (left := self.containers_of(data_dir)) and time.monotonic() < end:
            threading.Event().wait(0.05)
        return [f"container {container['Names']} {container['Status']}" for container in left]

    def containers_of(self, data_dir):
        if not (data_dir / "home").exists():
            return []
        return self.engine.containers(**{HOME: (data_dir / "home").read_text()})

    def stop(self):
        self.engine.stop()


def start(name):
    return Native() if name == "native" else Container(name)
