# SPDX-License-Identifier: Apache-2.0
"""What a function finds around it: variables, limits, files, layers, the Lambda API, and the walls of its sandbox."""

import contextlib
import json
import os
import re
import socket
import tempfile
import urllib.request

import pytest

from guests import c_bootstrap, host_node_runtime, host_python_runtime

ROLE = "arn:aws:iam::000000000000:role/lambent"


@pytest.fixture(scope="module")
def package():
    return c_bootstrap()


@pytest.fixture(scope="module")
def tier(lambent):
    """1, 2 or 3: which walls there are."""
    with urllib.request.urlopen(f"{lambent.endpoint}/_lambent/doctor") as answer:
        return int(json.load(answer)["tier"][1])


@pytest.fixture
def walls(tier):
    if tier == 3:
        pytest.skip("plain processes have no walls of files and processes")


def ask(client, name, event=None, **settings):
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event if event is not None else {}).encode(), **settings)
    body = answer["Payload"].read()
    assert "FunctionError" not in answer, body
    return json.loads(body)


@pytest.fixture
def inside(client, function, package):
    """inside("list-dir:/") is what a process in an environment of its own is told."""
    name = function(package, Handler="by-event", Timeout=10)
    return lambda word: ask(client, name, word)


# ---- variables [TestLambdaRuntimesCommon::test_introspection_invoke] ----

# What the recorded functions of every runtime have; the address of the Runtime API and the credentials differ on every machine.
RECORDED = {
    "AWS_DEFAULT_REGION": "us-east-1",
    "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "1024",
    "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
    "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
    "AWS_REGION": "us-east-1",
    "AWS_XRAY_CONTEXT_MISSING": "LOG_ERROR",
    "AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1:2000",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LANG": "en_US.UTF-8",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "TEST_KEY": "TEST_VAL",
    "TZ": ":UTC",
    "_AWS_XRAY_DAEMON_ADDRESS": "169.254.100.1",
    "_AWS_XRAY_DAEMON_PORT": "2000",
}
CREDENTIALS = {"AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN"}
# Not on AWS: with it the SDKs find the Lambda API of this machine.
OURS = {"AWS_ENDPOINT_URL_LAMBDA"}


def check_variables(seen, name, handler, **more):
    seen = dict(seen)
    for credential in CREDENTIALS:
        assert seen.pop(credential)
    for home in OURS:
        assert re.fullmatch(r"http://\d+\.\d+\.\d+\.\d+:\d+", seen.pop(home))
    assert re.fullmatch(r"\d+\.\d+\.\d+\.\d+:\d+", seen.pop("AWS_LAMBDA_RUNTIME_API"))
    assert re.fullmatch(r"\d{4}/\d\d/\d\d/\[\$LATEST\][0-9a-f]{32}", seen.pop("AWS_LAMBDA_LOG_STREAM_NAME"))
    assert seen == {**RECORDED, "AWS_LAMBDA_FUNCTION_NAME": name, "AWS_LAMBDA_LOG_GROUP_NAME": f"/aws/lambda/{name}",
                    "_HANDLER": handler, **more}


SETTINGS = {"MemorySize": 1024, "Environment": {"Variables": {"TEST_KEY": "TEST_VAL"}}}


@pytest.mark.everywhere
def test_variables_of_a_custom_runtime(client, function, package, walls):
    """The recorded one has _X_AMZN_TRACE_ID too: its bootstrap sets that itself."""
    name = function(package, Handler="env", **SETTINGS)
    check_variables(ask(client, name), name, "env")


PYTHON_ENV = "import os\nat_start = dict(os.environ)\n\ndef handler(event, context):\n    return [at_start, dict(os.environ)]\n"
NODE_ENV = "const atStart = { ...process.env };\nexports.handler = async () => [atStart, { ...process.env }];\n"


@pytest.mark.parametrize("runtime, files, more", [
    (host_python_runtime, {"app.py": PYTHON_ENV}, lambda r: {"PYTHONPATH": "/var/runtime"}),
    (host_node_runtime, {"app.js": NODE_ENV}, lambda r: {
        "NODE_PATH": f"/opt/nodejs/node{r[6:].split('.')[0]}/node_modules:/opt/nodejs/node_modules:/var/runtime/node_modules:"
                     "/var/runtime:/var/task"}),
])
@pytest.mark.everywhere
def test_variables_of_a_managed_runtime(client, function, zip_of, walls, runtime, files, more):
    """PWD and SHLVL of the recorded ones are traces of a shell, and LC_CTYPE one of Python itself."""
    runtime = runtime()
    name = function(zip_of(files), Runtime=runtime, Handler="app.handler", **SETTINGS)
    before, during = ask(client, name)
    for seen in (before, during):
        for trace in ("PWD", "SHLVL", "LC_CTYPE"):
            seen.pop(trace, None)
    trace = during.pop("_X_AMZN_TRACE_ID")
    assert trace.startswith("Root=1-") and "_X_AMZN_TRACE_ID" not in before
    for seen in (before, during):
        check_variables(seen, name, "app.handler", AWS_EXECUTION_ENV=f"AWS_Lambda_{runtime}", **more(runtime))


def test_defaults_that_a_function_may_replace(client, function, package):
    own = {"PATH": "/var/task:/usr/bin:/bin", "LD_LIBRARY_PATH": "", "LANG": "C", "TZ": "Europe/Berlin", "AWS_XRAY_CONTEXT_MISSING": "IGNORE_ERROR",
           "AWS_LAMBDA_LOG_LEVEL": "DEBUG", "AWS_ENDPOINT_URL_LAMBDA": "http://127.0.0.1:1", "EMPTY": "", "HOME": "/tmp", "UNI": "ü=\n\"x\""}
    seen = ask(client, function(package, Handler="env", Environment={"Variables": own}))
    assert {key: seen.get(key) for key in own} == own


def test_names_that_a_function_may_not_set(client, function, package, unique_name):
    for name in ("AWS_REGION", "_HANDLER", "AWS_LAMBDA_RUNTIME_API", "AWS_SESSION_TOKEN", "LAMBDA_TASK_ROOT", "AWS_EXECUTION_ENV"):
        with pytest.raises(client.exceptions.ClientError) as caught:
            client.create_function(FunctionName=unique_name(), Runtime="provided.al2023", Handler="env", Role=ROLE, Code={"ZipFile": package},
                                   Environment={"Variables": {name: "mine"}})
        assert caught.value.response["ResponseMetadata"]["HTTPStatusCode"] == 400


def test_variables_of_json_logging(client, function, package):
    seen = ask(client, function(package, Handler="env"))
    assert not {"AWS_LAMBDA_LOG_FORMAT", "AWS_LAMBDA_LOG_LEVEL"} & set(seen)
    seen = ask(client, function(package, Handler="env", LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "DEBUG"}))
    assert (seen["AWS_LAMBDA_LOG_FORMAT"], seen["AWS_LAMBDA_LOG_LEVEL"]) == ("JSON", "DEBUG")


def test_a_log_group_of_ones_own(client, function, package):
    name = function(package, Handler="env", LoggingConfig={"LogGroup": "/my/group"})
    seen = ask(client, name)
    assert seen["AWS_LAMBDA_LOG_GROUP_NAME"] == "/my/group"
    assert re.fullmatch(rf"\d{{4}}/\d\d/\d\d/{name}\[\$LATEST\][0-9a-f]{{32}}", seen["AWS_LAMBDA_LOG_STREAM_NAME"])


# ---- limits and privileges ----


@pytest.mark.everywhere
def test_limits_and_privileges(inside, tier, place):
    """[TestLambdaBehavior::test_runtime_ulimits]. Processes of containers are counted by container, not by user: all have the same."""
    told = inside("uid")
    assert told["rlimits"]["nofile"] == [1024, 1024]
    assert told["rlimits"]["core"] == [10737418240, 10737418240] or tier != 1
    assert told["rlimits"]["memlock"] == [65536, 65536]
    assert told["rlimits"]["stack"] == [8388608, -1]
    assert told["rlimits"]["as"] == told["rlimits"]["data"] == told["rlimits"]["fsize"] == [-1, -1]
    if tier < 3 and not place.is_container:
        assert told["rlimits"]["nproc"] == [742, 742]
    assert told["status"]["NoNewPrivs"] == "1"
    for held in {1: ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"), 2: ("CapPrm", "CapEff"), 3: ()}[tier]:
        assert int(told["status"][held], 16) == 0
    if tier == 1:
        assert told["uid"] not in (0, os.getuid()) and told["uid"] == told["euid"] and told["gid"] not in (0, os.getgid())
        assert set(told["groups"]) <= {told["gid"]}


def log_of(lambent, name):
    with urllib.request.urlopen(f"{lambent.endpoint}/_lambent/logs?function={name}") as answer:
        return [json.loads(line)["message"] for line in answer]


@pytest.mark.native("every version")
def test_a_warning_when_the_interpreter_is_another_version(lambent, client, function, zip_of):
    with urllib.request.urlopen(f"{lambent.endpoint}/_lambent/doctor") as answer:
        here = [runtime["runtime"] for runtime in json.load(answer)["runtimes"]]
    absent = [runtime for runtime in ("python3.14", "python3.13", "python3.12", "python3.11", "python3.10") if runtime not in here]
    if not absent:
        pytest.skip("every version of Python is here")
    name = function(zip_of({"app.py": "def handler(event, context):\n    return 1\n"}), Runtime=absent[0], Handler="app.handler")
    assert json.load(client.invoke(FunctionName=name, LogType="Tail")["Payload"]) == 1
    (warning,) = [line for line in log_of(lambent, name) if line.startswith("LAMBENT_WARNING: ")]
    assert f"{absent[0]} is not installed on this machine; running on Python 3." in warning


@pytest.mark.native("emulated")
def test_a_warning_when_the_architecture_is_another(lambent, client, function):
    machine = os.uname().machine
    for architecture, fits in (("arm64", machine == "aarch64"), ("x86_64", machine == "x86_64")):
        name = function(c_bootstrap(), Handler="echo", Architectures=[architecture])
        client.invoke(FunctionName=name, LogType="Tail")
        warnings = [line for line in log_of(lambent, name) if line.startswith("LAMBENT_WARNING: ")]
        assert [f"for {architecture}, and this machine is {machine}" in line for line in warnings] == ([] if fits else [True])


@pytest.mark.native("one user")
def test_environments_have_different_users(client, function, package, tier):
    if tier != 1:
        pytest.skip("only root can give each environment a user of its own")
    uids = {ask(client, function(package, Handler="uid"))["uid"] for _ in range(2)}
    assert len(uids) == 2


# ---- files ----


@pytest.mark.everywhere
def test_writing_is_for_tmp_only(inside, walls, place):
    for folder in ("/", "/var/task", "/opt", "/var/runtime", "/etc", "/usr", "/var", "/mnt"):
        assert inside(f"make-file:{folder}/made-by-test") == "EROFS", folder
    # Engines make no /dev that cannot be written: it is root's.
    assert inside("make-file:/dev/made-by-test") == ("EACCES" if place.is_container else "EROFS")
    assert inside("make-file:/tmp/made-by-test") == "made"
    assert inside("make-file:/dev/shm/made-by-test") == "ENOENT"


def ways_to_interpreters(lambent, folder):
    with urllib.request.urlopen(lambent.endpoint + "/_lambent/doctor") as answer:
        paths = [runtime["interpreter"] for runtime in json.load(answer)["runtimes"]]
    return {path[len(folder) + 1:].split("/")[0] for path in paths if path.startswith(folder + "/")}


@pytest.mark.everywhere
def test_what_is_the_machines_is_out_of_sight(inside, walls, lambent, tmp_path):
    if not hasattr(lambent, "folder"):
        pytest.skip("needs to know where the daemon keeps its data")
    secret = tmp_path / "secret"
    secret.write_text("not for functions")
    for path in (lambent.data_dir, lambent.folder, tmp_path):
        assert inside(f"list-dir:{path}") in ("ENOENT", "EACCES")
    for path in (secret, lambent.data_dir / "lambent.db", "/etc/shadow"):
        assert inside(f"read-file:{path}") in ("ENOENT", "EACCES")
    assert inside("list-dir:/tmp") == []


@pytest.mark.native("image files")
def test_the_machines_folders_are_out_of_sight(inside, walls, lambent):
    home = os.environ.get("HOME", "/root")
    for path in ("/home", "/run", "/sys"):
        assert inside(f"list-dir:{path}") in ("ENOENT", "EACCES")
    # The way to an interpreter that a version manager keeps below the home folder is there, and nothing beside it.
    for path in (home, "/root"):
        seen = inside(f"list-dir:{path}")
        assert seen in ("ENOENT", "EACCES") or set(seen) <= ways_to_interpreters(lambent, path)
    assert inside(f"read-file:{home}/.bashrc") in ("ENOENT", "EACCES")


@pytest.mark.everywhere
def test_other_processes_are_out_of_sight(inside, walls, place):
    numbers = [name for name in inside("list-dir:/proc") if name.isdigit()]
    assert numbers == ["1", "2"] or (place.is_container and len(numbers) == 2 and numbers[0] == "1")  # engines use up some
    assert inside(f"read-file:/proc/{os.getpid()}/cmdline") == "ENOENT"
    assert inside("read-file:/proc/1/environ") == "EACCES"


def test_other_environments_have_another_tmp(client, function, package, walls):
    one, two = (function(package, Handler="by-event") for _ in range(2))
    assert ask(client, one, "write-tmp") == "written"
    assert ask(client, one, "list-dir:/tmp") == ["guest"]
    assert ask(client, two, "list-dir:/tmp") == []


def test_unix_sockets_of_the_machine_are_out_of_reach(inside, walls):
    name = f"lambent-test-{os.getpid()}"
    with tempfile.TemporaryDirectory(dir="/tmp") as folder, contextlib.ExitStack() as open_sockets:
        os.chmod(folder, 0o755)
        for address in (f"{folder}/host.socket", "\0" + name):
            listener = open_sockets.enter_context(contextlib.closing(socket.socket(socket.AF_UNIX)))
            listener.bind(address)
            listener.listen()
        os.chmod(f"{folder}/host.socket", 0o777)
        assert inside(f"connect:{folder}/host.socket") in ("ENOENT", "EACCES")
        assert inside(f"connect:@{name}") in ("ECONNREFUSED", "EPERM", "EACCES")


# ---- layers ----


def layer(client, unique_name, content):
    made = client.publish_layer_version(LayerName=unique_name("layer"), Content={"ZipFile": content})
    return made["LayerVersionArn"]


def test_later_layers_cover_earlier_ones(client, function, package, zip_of, unique_name, walls):
    layers = [layer(client, unique_name, zip_of(files)) for files in (
        {"both.txt": "first", "dir/first.txt": "first", "dir/both.txt": "first"},
        {"both.txt": "second", "dir/second.txt": "second", "dir/both.txt": "second"})]
    for order, winner in ((layers, "second"), (layers[::-1], "first")):
        name = function(package, Handler="by-event", Layers=order)
        assert sorted(ask(client, name, "list-dir:/opt")) == ["both.txt", "dir"]
        assert sorted(ask(client, name, "list-dir:/opt/dir")) == ["both.txt", "first.txt", "second.txt"]
        for file in ("both.txt", "dir/both.txt"):
            assert ask(client, name, f"read-file:/opt/{file}") == {"content": winner}


def test_a_bootstrap_in_a_layer(client, function, package, zip_of, unique_name):
    name = function(zip_of({"data.txt": "data"}), Handler="echo", Layers=[layer(client, unique_name, package)])
    assert ask(client, name, [1, 2]) == [1, 2]


def test_the_packages_bootstrap_goes_before_the_layers(client, function, package, zip_of, unique_name):
    broken = layer(client, unique_name, zip_of({"bootstrap*": "#!/bin/sh\nexit 9\n"}))
    assert ask(client, function(package, Handler="echo", Layers=[broken]), 7) == 7


def test_python_finds_modules_of_layers(client, function, zip_of, unique_name):
    runtime = host_python_runtime()
    content = zip_of({"python/plain.py": "name = 'plain'\n", f"python/lib/{runtime}/site-packages/deep.py": "name = 'deep'\n",
                      "python/both.py": "name = 'layer'\n"})
    source = "import both, deep, plain\n\ndef handler(event, context):\n    return [plain.name, deep.name, both.name]\n"
    name = function(zip_of({"app.py": source, "both.py": "name = 'package'\n"}), Runtime=runtime, Handler="app.handler",
                    Layers=[layer(client, unique_name, content)])
    assert ask(client, name) == ["plain", "deep", "package"]


def test_node_finds_modules_of_layers(client, function, zip_of, unique_name):
    runtime = host_node_runtime()
    major = runtime[6:].split(".")[0]
    content = zip_of({"nodejs/node_modules/plain/index.js": "module.exports = 'plain';\n",
                      f"nodejs/node{major}/node_modules/deep/index.js": "module.exports = 'deep';\n"})
    source = "exports.handler = async () => [require('plain'), require('deep')];\n"
    name = function(zip_of({"app.js": source}), Runtime=runtime, Handler="app.handler", Layers=[layer(client, unique_name, content)])
    assert ask(client, name) == ["plain", "deep"]


# ---- the Lambda API from inside ----

CALLER = """
import json, os, urllib.error, urllib.request

def call(path, data=None, base=os.environ["AWS_ENDPOINT_URL_LAMBDA"]):
    try:
        with urllib.request.urlopen(urllib.request.Request(base + path, data=data), timeout=5) as answer:
            return [answer.status, answer.read().decode()]
    except urllib.error.HTTPError as error:
        return [error.code, error.read().decode()]
    except OSError as error:
        return [0, str(error)]

def handler(event, context):
    if "path" in event:
        return call(event["path"], event.get("body", "").encode() or None, event.get("base", os.environ["AWS_ENDPOINT_URL_LAMBDA"]))
    if event.get("depth", 0):
        body = json.dumps({"depth": event["depth"] - 1}).encode()
        return [context.log_stream_name] + json.loads(call(f"/2015-03-31/functions/{context.function_name}/invocations", body)[1])
    return [context.log_stream_name]
"""


def test_a_function_invokes_another(client, function, package, python_function):
    echo = function(package, Handler="echo")
    caller = python_function(CALLER, Timeout=20)
    assert ask(client, caller, {"path": f"/2015-03-31/functions/{echo}/invocations", "body": "[1]"}) == [200, "[1]"]
    status, listed = ask(client, caller, {"path": "/2015-03-31/functions/"})
    assert status == 200 and echo in [f["FunctionName"] for f in json.loads(listed)["Functions"]]
    status, error = ask(client, caller, {"path": "/2015-03-31/functions/no-such-function/invocations", "body": "{}"})
    assert status == 404 and json.loads(error)["Message"].startswith("Function not found: ")


def test_a_function_invokes_itself(client, python_function):
    """Each call has an environment of its own, because the caller's is busy."""
    streams = ask(client, python_function(CALLER, Timeout=30), {"depth": 3})
    assert len(streams) == 4 == len(set(streams))


def test_what_is_not_for_functions_is_refused_inside(client, python_function):
    caller = python_function(CALLER, Timeout=20)
    for path in ("/_lambent/environments", "/_lambent/doctor", "/_lambent/logs?function=x", "/metrics"):
        status, _ = ask(client, caller, {"path": path})
        assert status in (403, 404)


@pytest.mark.native("loopback")
def test_the_runtime_api_of_another_environment_is_refused(client, python_function):
    one, two = python_function(CALLER, Timeout=20), python_function(PYTHON_ENV, Timeout=20)
    other = ask(client, two)[0]["AWS_LAMBDA_RUNTIME_API"]
    for path in ("/2018-06-01/runtime/invocation/next", "/2018-06-01/runtime/init/error", "/2018-06-01/ping"):
        status, _ = ask(client, one, {"path": path, "base": f"http://{other}", "body": "{}" if "error" in path else ""})
        assert status in (0, 403)
    assert ask(client, two)[0]["AWS_LAMBDA_RUNTIME_API"] == other


def test_the_runtime_api_is_refused_from_outside(client, function, package):
    """Only the environment's own processes may speak on its port."""
    api = ask(client, function(package, Handler="env"))["AWS_LAMBDA_RUNTIME_API"]
    with pytest.raises(OSError) as caught:
        urllib.request.urlopen(f"http://{api}/2018-06-01/runtime/invocation/next", timeout=5)
    assert not isinstance(caught.value, TimeoutError) and "timed out" not in str(caught.value)
