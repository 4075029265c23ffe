# SPDX-License-Identifier: Apache-2.0
"""The commands that ask a running daemon."""

import json
import re
import socket

import pytest

from command import EXAMPLES, lambent as run_lambent

FAILING = "def handler(event, context):\n    print('about to fail')\n    raise ValueError('no ' + event['what'])\n"


@pytest.fixture
def cli(lambent):
    """cli(*arguments) asks the session's daemon."""
    return lambda *arguments, **settings: run_lambent(*arguments, env={"LAMBENT_ENDPOINT": lambent.endpoint}, **settings)


@pytest.fixture
def deployed(cli, unique_name, tmp_path):
    """deployed({file: text}, *options): the name of a function made by `lambent deploy`, removed after the test."""
    names = []

    def deploy(files, *options):
        name = unique_name("cli")
        folder = tmp_path / name
        folder.mkdir()
        for file, text in files.items():
            (folder / file).write_text(text)
        done = cli("deploy", folder, "--name", name, *options)
        assert done.returncode == 0, done.stderr
        names.append(name)
        return name

    yield deploy
    for name in names:
        cli("rm", name)


@pytest.fixture
def hello(deployed):
    return deployed({"lambda_function.py": (EXAMPLES / "hello-python" / "lambda_function.py").read_text()})


def test_deploy_guesses_runtime_and_handler(cli, hello):
    functions = {f["FunctionName"]: f for f in json.loads(cli("functions", "--json").stdout)}
    assert functions[hello]["Handler"] == "lambda_function.lambda_handler"
    assert functions[hello]["Runtime"].startswith("python3.")
    assert hello in cli("functions", "--names").stdout.split()
    assert hello in cli("functions").stdout


def test_invoke_prints_the_answer_and_on_request_the_log(cli, hello):
    done = cli("invoke", hello, "--event", '{"name": "wire"}', "--log")
    assert done.returncode == 0
    assert json.loads(done.stdout)["message"] == "Hello, wire!"
    assert "greeting wire" in done.stderr and "REPORT RequestId: " in done.stderr
    assert cli("invoke", hello, "--event", "{}").stderr == ""


@pytest.mark.parametrize("how", ["file", "stdin"])
def test_an_event_comes_from_elsewhere(cli, hello, tmp_path, how):
    (tmp_path / "event.json").write_text('{"name": "elsewhere"}')
    if how == "file":
        done = cli("invoke", hello, "--event", f"@{tmp_path}/event.json")
    else:
        done = cli("invoke", hello, "--event", "-", stdin='{"name": "elsewhere"}')
    assert json.loads(done.stdout)["message"] == "Hello, elsewhere!"


def test_an_event_that_is_no_json_is_a_usage_error(cli, hello):
    done = cli("invoke", hello, "--event", '{"name": }')
    assert done.returncode == 2 and "line 1, column 10" in done.stderr
    assert cli("invoke", hello, "--event", "@/nonexistent").returncode == 2


def test_invoke_as_json(cli, hello):
    answer = json.loads(cli("invoke", hello, "--json", "--log").stdout)
    assert answer["StatusCode"] == 200 and answer["FunctionError"] is None and answer["LogResult"]
    assert answer["Payload"]["message"] == "Hello, world!"


def test_a_function_that_fails_is_status_1_with_its_error_as_answer(cli, deployed):
    name = deployed({"app.py": FAILING})
    done = cli("invoke", name, "--event", '{"what": "luck"}')
    assert done.returncode == 1
    assert json.loads(done.stdout)["errorMessage"] == "no luck"


def test_a_function_that_is_not_there(cli):
    done = cli("invoke", "no-such-function")
    assert done.returncode == 1 and not done.stdout
    assert done.stderr.startswith("lambent: ResourceNotFoundException: Function not found: ")


def test_a_streamed_answer_comes_as_bytes(cli, hello):
    done = cli("invoke", hello, "--stream", "--event", '{"name": "stream"}')
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["message"] == "Hello, stream!"


def test_a_failed_stream_is_status_1(cli, deployed):
    name = deployed({"app.py": FAILING})
    done = cli("invoke", name, "--stream", "--event", '{"what": "luck"}')
    assert done.returncode == 1 and "the function failed" in done.stderr


def test_a_second_deploy_updates_code_and_only_the_settings_that_are_said(cli, deployed, tmp_path):
    name = deployed({"app.py": "def handler(e, c):\n    return 1\n"}, "--memory", "256", "--env", "AA=b")
    (tmp_path / "next").mkdir()
    (tmp_path / "next" / "app.py").write_text("import os\n\ndef handler(e, c):\n    return [2, os.environ['AA']]\n")
    done = cli("deploy", tmp_path / "next", "--name", name, "--timeout", "7", "--json")
    configuration = json.loads(done.stdout)
    assert (configuration["MemorySize"], configuration["Timeout"]) == (256, 7)
    assert json.loads(cli("invoke", name).stdout) == [2, "b"]


def test_deploy_asks_where_the_files_do_not_tell(cli, tmp_path):
    (tmp_path / "data.txt").write_text("")
    done = cli("deploy", tmp_path, "--name", "undecided")
    assert done.returncode == 2 and "say --runtime" in done.stderr


def test_logs_tell_what_was_printed(cli, hello):
    cli("invoke", hello, "--event", '{"name": "logged"}', "--log")
    done = cli("logs", hello)
    assert done.returncode == 0 and "greeting logged" in done.stdout
    records = [json.loads(line) for line in cli("logs", hello, "--json").stdout.splitlines()]
    assert any("greeting logged" in record["message"] for record in records)
    assert all(record["time"] > 1.6e12 for record in records)


@pytest.mark.parametrize("options", [[], ["--follow"]])
def test_logs_of_a_misspelt_function(cli, hello, options):
    done = cli("logs", f"{hello}x", *options)
    assert done.returncode == 1 and "Function not found" in done.stderr and not done.stdout


def test_the_log_of_a_function_that_is_gone(cli):
    cli("deploy", EXAMPLES / "hello-python", "--name", "soon-gone")
    cli("invoke", "soon-gone", "--log")
    cli("rm", "soon-gone")
    done = cli("logs", "soon-gone")
    assert done.returncode == 0 and "REPORT RequestId" in done.stdout


def test_numbers_of_json_are_short(cli, hello):
    cli("invoke", hello)
    assert re.search(r'"ageSeconds": \d+\.\d{1,3},', cli("ps", "--json").stdout)


def test_ps_shows_the_environment_and_evict_ends_it(cli, hello):
    cli("invoke", hello)
    mine = [e for e in json.loads(cli("ps", "--json").stdout) if e["function"] == hello]
    assert len(mine) == 1 and mine[0]["invocations"] == 1
    assert hello in cli("ps").stdout
    done = cli("evict", hello, "--json")
    assert json.loads(done.stdout)["evicted"] == 1
    recent = json.loads(cli("ps", "--invocations", "100", "--json").stdout)
    assert [i["cold"] for i in recent if i["function"] == hello] == [True]
    assert hello in cli("ps", "--invocations", "100").stdout


def test_rm_removes_and_says_when_there_was_nothing(cli, deployed):
    name = deployed({"app.py": "def handler(e, c):\n    pass\n"})
    assert cli("rm", name).returncode == 0
    done = cli("rm", name)
    assert done.returncode == 1 and "ResourceNotFoundException" in done.stderr


def test_doctor_says_what_isolates_and_which_runtimes_there_are(cli):
    report = json.loads(cli("doctor", "--json").stdout)
    assert report["tier"] and any(r["runtime"].startswith("provided") for r in report["runtimes"])
    text = cli("doctor").stdout
    assert "sandbox tier" in text and "provided" in text


def test_a_daemon_that_is_not_there_is_told_with_the_remedy():
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    done = run_lambent("functions", "--endpoint", f"http://127.0.0.1:{port}")
    assert done.returncode == 1 and "lambent serve" in done.stderr and "--endpoint" in done.stderr


def test_an_endpoint_of_another_kind_is_a_usage_error():
    assert run_lambent("functions", "--endpoint", "https://127.0.0.1:1").returncode == 2
    assert run_lambent("functions", "--endpoint", "http://").returncode == 2


def test_region_decides_which_functions_are_meant(cli, hello, lambent):
    elsewhere = run_lambent("functions", "--names", "--region", "eu-west-1", env={"LAMBENT_ENDPOINT": lambent.endpoint})
    assert elsewhere.returncode == 0 and hello not in elsewhere.stdout.split()
