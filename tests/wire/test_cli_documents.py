# SPDX-License-Identifier: Apache-2.0
"""What the program says about itself: help, manual page, completions, docs/options.md."""

import re
import shutil
import subprocess

import pytest

from command import lambent
from daemon import ROOT

COMMANDS = ["serve", "run", "exec", "deploy", "invoke", "logs", "functions", "ps", "evict", "rm", "layers", "layer", "doctor", "completions", "man"]


def test_docs_options_is_current():
    assert (ROOT / "docs" / "options.md").read_text() == lambent("man", "--markdown").stdout, \
        "run: build/lambent man --markdown > docs/options.md"


def test_help_lists_every_command():
    done = lambent("--help")
    assert done.returncode == 0
    assert re.findall(r"^  (\w+) ", done.stdout, re.M) == COMMANDS


@pytest.mark.parametrize("command", COMMANDS)
def test_each_command_has_help_and_refuses_what_it_does_not_know(command):
    done = lambent(command, "--help")
    assert done.returncode == 0 and done.stdout.startswith(f"lambent {command} - ")
    done = lambent(command, "--colour")
    assert done.returncode == 2 and "there is no option --colour" in done.stderr


def test_a_misspelt_command_is_guessed():
    done = lambent("invok", "x")
    assert done.returncode == 2 and "did you mean invoke?" in done.stderr


def test_nothing_said_is_a_usage_error_with_help():
    done = lambent()
    assert done.returncode == 2 and "usage: lambent COMMAND" in done.stderr and not done.stdout


def test_version():
    assert re.fullmatch(r"lambent \d+\.\d+\.\d+\n", lambent("--version").stdout)


def test_the_manual_page_is_clean_roff():
    if not shutil.which("groff"):
        pytest.skip("groff is not installed")
    page = lambent("man").stdout
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-z"], input=page, text=True, capture_output=True)
    assert done.returncode == 0 and done.stderr == ""


def bash_completes(*words):
    script = lambent("completions", "bash").stdout
    line = " ".join(f"'{word}'" for word in words)
    script += f"\nCOMP_WORDS=({line}); COMP_CWORD={len(words) - 1}; _lambent; printf '%s\\n' \"${{COMPREPLY[@]}}\""
    return subprocess.run(["bash", "-c", script], text=True, capture_output=True, check=True).stdout.split()


def test_bash_completes_commands_options_and_choices():
    assert bash_completes("lambent", "do") == ["doctor"]
    assert bash_completes("lambent", "invoke", "--st") == ["--stream"]
    assert bash_completes("lambent", "serve", "--sandbox", "") == ["auto", "native", "docker", "podman"]
    assert bash_completes("lambent", "completions", "z") == ["zsh"]


@pytest.mark.parametrize("shell", ["zsh", "fish"])
def test_other_shells_take_the_completions(shell):
    if not shutil.which(shell):
        pytest.skip(f"{shell} is not installed")
    script = lambent("completions", shell).stdout
    subprocess.run([shell, "-n", "/dev/stdin"], input=script, text=True, check=True)


def test_there_are_no_completions_for_other_shells():
    assert lambent("completions", "tcsh").returncode == 2
