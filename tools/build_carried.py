#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Builds lambent-init, and with it the carried part (base, loop, http, runtime), alone and static, for x86-64 and arm64.

It travels into containers, so it may use libc and llhttp only and must stay below 1 MB.
Usage: build_carried.py BUILD_DIR. Prints TAP; a missing cross compiler fails the arm64 line with the package's name.
"""

import glob
import os
import re
import shutil
import subprocess
import sys

ROOMS = ["base", "loop", "http", "runtime", "init"]
LIMIT = 1_000_000
TARGETS = {
    "x86-64": (["x86_64-linux-gnu-gcc", "gcc", "cc"], ["x86_64-linux-gnu-strip", "strip"], "gcc"),
    "arm64": (["aarch64-linux-gnu-gcc"], ["aarch64-linux-gnu-strip"], "gcc-aarch64-linux-gnu"),
}
LLHTTP_SOURCES = "/usr/share/llhttp"
LLHTTP_HEADERS = "/usr/share/include/llhttp"

def first_tool(names):
    return next((found for found in map(shutil.which, names) if found), None)


def version(root):
    with open(f"{root}/meson.build") as f:
        return re.search(r"version: '([^']+)'", f.read())[1]


def build(root, out_dir, name):
    compilers, strips, package = TARGETS[name]
    compiler, strip = first_tool(compilers), first_tool(strips)
    if not compiler or not strip:
        return False, f"no compiler: install {package}"
    out = os.path.join(out_dir, f"lambent-init-{name}")
    sources = [c for room in ROOMS for c in sorted(glob.glob(f"{root}/src/{room}/*.c"))]
    foreign = sorted(glob.glob(f"{LLHTTP_SOURCES}/*.c"))
    command = [compiler, "-std=gnu17", "-Os", "-D_GNU_SOURCE", "-fvisibility=hidden", "-w", f"-I{root}/src",
               f"-isystem{LLHTTP_HEADERS}", "-DLLHTTP_STRICT_MODE=1", "-ffunction-sections", "-fdata-sections",
               "-fno-asynchronous-unwind-tables", f"-DLAMBENT_VERSION=\"{version(root)}\"", "-Wl,--gc-sections", "-Wl,--build-id=none",
               "-static", "-pthread", *sources, *foreign]
    if not foreign:
        command.append("-lllhttp")
    result = subprocess.run([*command, "-o", out], capture_output=True, text=True)
    if result.returncode:
        return False, result.stderr.strip()
    subprocess.run([strip, out], check=True)
    size = os.path.getsize(out)
    return size <= LIMIT, f"{size} bytes, limit {LIMIT}"


def main():
    out_dir = sys.argv[1]
    root = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
    print(f"1..{len(TARGETS)}")
    failed = 0
    for number, name in enumerate(TARGETS, 1):
        fine, what = build(root, out_dir, name)
        failed += not fine
        first, *rest = what.split("\n")
        print(f"{'ok' if fine else 'not ok'} {number} - lambent-init for {name}: {first}")
        for line in rest[:40]:
            print(f"# {line}")
    return 1 if failed else 0


sys.exit(main())
