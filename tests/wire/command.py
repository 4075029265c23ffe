# SPDX-License-Identifier: Apache-2.0
"""Runs the lambent program as a user does."""

import os
import subprocess

from daemon import ROOT, binary

EXAMPLES = ROOT / "examples"
SECONDS = 60


def environment(**extra):
    """The test's own, without what would lead a command to somebody else's daemon or account."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(("AWS_", "LAMBENT_"))}
    if os.environ.get("LAMBENT_TEST_TIER"):
        kept["LAMBENT_SANDBOX_TIER"] = os.environ["LAMBENT_TEST_TIER"]
    return {**kept, **{name: str(value) for name, value in extra.items()}}


def lambent(*arguments, stdin=None, env=None, **settings):
    """The finished process; standard output and standard error as text."""
    return subprocess.run([binary(), *map(str, arguments)], input=stdin, env=environment(**(env or {})), text=True,
                          stdin=subprocess.DEVNULL if stdin is None else None, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=SECONDS, **settings)
