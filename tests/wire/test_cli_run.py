# SPDX-License-Identifier: Apache-2.0
"""lambent run: one function from a folder or zip, no daemon to be seen."""

import json
import shutil

import pytest

from command import EXAMPLES, lambent


def run(*arguments, tmp_path, **settings):
    """Runs with a temporary folder of its own, and nothing may be left there."""
    tmp = tmp_path / "tmp"
    tmp.mkdir(exist_ok=True)
    done = lambent("run", *arguments, env={"TMPDIR": tmp}, **settings)
    assert list(tmp.iterdir()) == []
    return done


@pytest.mark.parametrize("example,tool", [("hello-python", "python3"), ("hello-node", "node"), ("hello-bash", "curl")])
def test_each_example_runs(example, tool, tmp_path):
    if not shutil.which(tool):
        pytest.skip(f"{tool} is not installed")
    done = run(EXAMPLES / example, "--event", '{"name": "run"}', tmp_path=tmp_path)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["message"].startswith("Hello")
    assert "START RequestId: " in done.stderr and "REPORT RequestId: " in done.stderr


def folder(tmp_path, **files):
    code = tmp_path / "code"
    code.mkdir()
    for name, text in files.items():
        (code / f"{name}.py").write_text(text)
    return code


def test_a_failure_is_status_1_with_the_error_as_answer(tmp_path):
    code = folder(tmp_path, app="def handler(e, c):\n    raise KeyError('gone')\n")
    done = run(code, tmp_path=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "KeyError"


def test_a_function_that_does_not_start_is_status_1(tmp_path):
    code = folder(tmp_path, app="import nothing_of_this_name\n\ndef handler(e, c):\n    pass\n")
    done = run(code, tmp_path=tmp_path)
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorType"] == "Runtime.ImportModuleError"


def test_settings_reach_the_function(tmp_path):
    code = folder(tmp_path, odd="import os\n\ndef entry(e, c):\n"
                                "    return [os.environ['AA'], os.environ['BB'], c.memory_limit_in_mb, e]\n")
    done = run(code, "--handler", "odd.entry", "-e", "AA=1", "--env", "BB=x=y, z", "--memory", "256", "--event", "-",
               stdin='"piped"', tmp_path=tmp_path)
    assert json.loads(done.stdout) == ["1", "x=y, z", "256", "piped"]


def test_the_whole_log_is_told_however_long(tmp_path):
    code = folder(tmp_path, app="def handler(e, c):\n    for i in range(5000):\n        print('line', i)\n")
    done = run(code, tmp_path=tmp_path)
    lines = [line for line in done.stderr.splitlines() if line.startswith("line ")]
    assert lines == [f"line {i}" for i in range(5000)]
    assert "line" not in run(code, "--quiet", tmp_path=tmp_path).stderr


def test_a_zip_runs_like_its_folder(tmp_path, zip_of):
    (tmp_path / "f.zip").write_bytes(zip_of({"lambda_function.py": "def lambda_handler(e, c):\n    return 'zip'\n"}))
    assert json.loads(run(tmp_path / "f.zip", tmp_path=tmp_path).stdout) == "zip"


def test_what_is_no_package_is_refused(tmp_path):
    (tmp_path / "text").write_text("no zip")
    assert run(tmp_path / "text", tmp_path=tmp_path).returncode == 2
    assert run(tmp_path / "absent", tmp_path=tmp_path).returncode == 2
