# SPDX-License-Identifier: Apache-2.0
"""examples/embed, built against an installed liblambent by the line that its comment gives."""

import os
import pathlib
import re
import shutil
import subprocess

import pytest

from daemon import ROOT, binary

EXAMPLE = ROOT / "examples" / "embed"


def _run(*command, **settings):
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **settings)
    assert done.returncode == 0, f"{command}: {done.stdout}"
    return done.stdout


def install(folder):
    """What `meson install` puts on a machine, below a folder; the environment in which pkg-config and the linker find it."""
    build = pathlib.Path(binary()).parent
    if not (build / "build.ninja").exists() or not shutil.which("meson") or not shutil.which("pkg-config"):
        pytest.skip("there is no build directory, meson or pkg-config")
    _run("meson", "install", "-C", str(build), "--no-rebuild", "--quiet", "--destdir", str(folder))
    [described] = folder.rglob("lambent.pc")
    return {**os.environ, "PKG_CONFIG_PATH": str(described.parent), "PKG_CONFIG_SYSROOT_DIR": str(folder),
            "LD_LIBRARY_PATH": str(described.parent.parent)}


def build_line():
    """As the example's comment says it."""
    return re.search(r"^ \* +(cc .*)$", (EXAMPLE / "embed.c").read_text(), re.MULTILINE)[1]


def build(folder):
    """The program, and the environment that it needs."""
    env = install(folder / "root")
    shutil.copy(EXAMPLE / "embed.c", folder)
    _run("sh", "-c", build_line(), cwd=folder, env=env)
    return folder / "embed", env


def build_leave(folder):
    """tests/library/leave.c, built by the same line."""
    env = install(folder / "root")
    shutil.copy(ROOT / "tests" / "library" / "leave.c", folder)
    _run("sh", "-c", build_line().replace("embed", "leave"), cwd=folder, env=env)
    return folder / "leave", env


def logged(data_dir):
    """Whatever functions have logged there."""
    return b"".join(path.read_bytes() for path in (data_dir / "logs").rglob("*") if path.is_file()).decode(errors="replace")


def run(program, env, *arguments, **more):
    return subprocess.run([str(program), *map(str, arguments)], env={**env, **more}, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True, timeout=120)
