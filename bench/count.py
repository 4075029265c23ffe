#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Counts what the daemon's own code does for a warm invocation, with valgrind's callgrind.

    bench/count.py [--build build] [--body 100] [--requests 2000] [--keep FILE]

Times on a busy machine tell little about a change of a few percent; these counts hardly vary from run to run. The kernel's part is
not in them. --keep leaves callgrind's file, for callgrind_annotate.
"""

import argparse
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from harness import Daemon, Missing, Tools, invoke_path

WARMUP = 200
ALLOCATORS = ("malloc", "calloc", "realloc")


def control(daemon, *command):
    subprocess.run(["callgrind_control", *command, str(daemon.pid)], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def measure(tools, folder, body, requests):
    """The dump of `requests` invocations. The function is made by an ordinary daemon: valgrind may lack calls that unpacking needs."""
    out = folder / "callgrind"
    data_dir = str(folder / "data")
    with Daemon(tools, data_dir=data_dir) as daemon:
        daemon.create("warm", tools.package())
    wrapper = ("valgrind", "--tool=callgrind", "--instr-atstart=no", f"--callgrind-out-file={out}")
    with Daemon(tools, data_dir=data_dir, wrapper=wrapper) as daemon:
        daemon.invoke("warm")
        tools.load(daemon.address, invoke_path("warm"), body=body, requests=WARMUP)
        control(daemon, "-i", "on")
        tools.load(daemon.address, invoke_path("warm"), body=body, requests=requests)
        control(daemon, "-i", "off")
        control(daemon, "-d")
    return folder / "callgrind.1"


def allocations(text):
    """Calls of the allocator, whoever made them. Callgrind writes a function's name once and its number from then on."""
    names, callee, total = {}, None, 0
    for line in text.splitlines():
        if match := re.match(r"c?fn=\((\d+)\)(?: (.*))?", line):
            if match[2]:
                names[match[1]] = match[2]
            callee = names[match[1]]
        elif match := re.match(r"calls=(\d+)", line):
            total += int(match[1]) if callee in ALLOCATORS else 0
    return total


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--build", default="build", help="the build directory (default: build)")
    parser.add_argument("--body", type=int, default=100, help="bytes of the event (default: 100)")
    parser.add_argument("--requests", type=int, default=2000)
    parser.add_argument("--keep", metavar="FILE", help="where callgrind's output shall go")
    options = parser.parse_args()
    if not shutil.which("valgrind"):
        print("count: valgrind is missing: apt-get install valgrind", file=sys.stderr)
        return 1
    with tempfile.TemporaryDirectory(prefix="bench-") as folder:
        try:
            dump = measure(Tools(options.build), pathlib.Path(folder), options.body, options.requests)
        except Missing as missing:
            print(f"count: {missing}", file=sys.stderr)
            return 1
        text = dump.read_text()
        if options.keep:
            shutil.copy(dump, options.keep)
    instructions = int(re.search(r"^totals: (\d+)", text, re.MULTILINE)[1])
    print(f"{instructions / options.requests:.0f} instructions, {allocations(text) / options.requests:.1f} allocations for each invocation")
    return 0


if __name__ == "__main__":
    sys.exit(main())
