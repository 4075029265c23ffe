# SPDX-License-Identifier: Apache-2.0
"""The log of an invocation: its tail in the answer, its lines in text and as JSON, and what GET /_lambent/logs keeps."""

import base64
import json
import re
import urllib.request

import pytest

from guests import c_bootstrap, host_node_runtime, host_python_runtime

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z"
NUMBER = r"\d+\.\d\d"
ROLE = "arn:aws:iam::000000000000:role/lambent"


@pytest.fixture(scope="module")
def package():
    return c_bootstrap()


def tail_of(client, name, event=b"{}", **settings):
    """(request id, the log's tail) of an invocation."""
    answer = client.invoke(FunctionName=name, Payload=event, LogType="Tail", **settings)
    answer["Payload"].read()
    return answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], base64.b64decode(answer["LogResult"], validate=True).decode()


def kept(daemon, name, query=""):
    """The records of GET /_lambent/logs."""
    with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/logs?function={name}{query}") as answer:
        return [json.loads(line) for line in answer]


def messages(daemon, name, query=""):
    return [record["message"].rstrip("\n") for record in kept(daemon, name, query)]


def report_pattern(request_id, memory=128, init=False):
    return (rf"REPORT RequestId: {request_id}\tDuration: {NUMBER} ms\tBilled Duration: \d+ ms\tMemory Size: {memory} MB\t"
            rf"Max Memory Used: \d+ MB\t" + (rf"Init Duration: {NUMBER} ms\t" if init else ""))


@pytest.mark.parametrize("runtime, source, output", [
    (host_python_runtime, {"app.py": "def handler(event, context):\n    print(event)\n    return {}\n"}, "{}"),
    (host_node_runtime, {"app.js": "exports.handler = async (event) => { console.log(event); return {}; };\n"}, TIME + "\t{id}\tINFO\t{}"),
])
@pytest.mark.everywhere
def test_invocation_with_logs(client, function, zip_of, runtime, source, output):
    """[TestLambdaFeatures::test_invocation_with_logs]: the four lines of an invocation, and INIT_START before the first."""
    name = function(zip_of(source), Runtime=runtime(), Handler="app.handler")
    for init in (True, False):
        request_id, log = tail_of(client, name)
        lines = log.split("\n")
        assert lines.pop() == ""
        if init and lines[0].startswith("INIT_START"):
            start = lines.pop(0)
            assert re.fullmatch(r"INIT_START Runtime Version: \S+\tRuntime Version ARN: arn:aws:lambda:us-east-1::runtime:[0-9a-f]{64}", start)
        assert lines[0] == f"START RequestId: {request_id} Version: $LATEST"
        assert re.fullmatch(output.replace("{id}", request_id), lines[1])
        assert lines[2] == f"END RequestId: {request_id}"
        assert re.fullmatch(report_pattern(request_id, init=init), lines[3])
        assert len(lines) == 4


def test_the_duration_is_billed_with_the_init(client, function, package):
    _, log = tail_of(client, function(package, Handler="init-sleep-ms:200"))
    duration = float(re.search(r"\tDuration: (\S+) ms", log)[1])
    init = float(re.search(r"\tInit Duration: (\S+) ms", log)[1])
    billed = int(re.search(r"\tBilled Duration: (\S+) ms", log)[1])
    assert init >= 200
    assert duration + init <= billed + 0.01 and billed < duration + init + 1.01


@pytest.mark.everywhere
def test_the_tail_has_at_most_four_kilobytes(client, function, package):
    """[environment facts 5.4]: the last 4096 bytes, the newline of REPORT included."""
    request_id, log = tail_of(client, function(package, Handler="log:1000"))
    assert len(log.encode()) == 4096
    assert re.search(r"\n" + report_pattern(request_id, init=True) + r"\n\Z", log)
    assert "START" not in log


def test_no_tail_without_asking(client, function, package):
    assert "LogResult" not in client.invoke(FunctionName=function(package, Handler="echo"), Payload=b"{}")


@pytest.mark.everywhere
def test_every_line_of_stdout_and_stderr_is_kept_in_order(lambent, client, function, package):
    name = function(package, Handler="log:50")
    request_id, _ = tail_of(client, name)
    lines = messages(lambent, name)
    assert lines[0].startswith("INIT_START ") or lines[0].startswith("START ")
    start, end = lines.index(f"START RequestId: {request_id} Version: $LATEST"), lines.index(f"END RequestId: {request_id}")
    assert end - start - 1 == 100
    for stream in ("stdout", "stderr"):
        own = [line for line in lines[start + 1:end] if stream in line]
        assert len(own) == 50
        assert own == sorted(own, key=lambda line: int(re.findall(r"\d+", line)[-1]))


def test_the_time_and_the_stream_of_a_line(lambent, client, python_function):
    name = python_function("def handler(event, context):\n    print('here')\n    return context.log_stream_name\n")
    # With the tail the answer comes after REPORT, so everything is there.
    stream = json.loads(client.invoke(FunctionName=name, Payload=b"{}", LogType="Tail")["Payload"].read())
    records = kept(lambent, name)
    assert {record["stream"] for record in records} == {stream}
    times = [record["time"] for record in records]
    assert times == sorted(times) and times[-1] - times[0] < 60000
    assert kept(lambent, name, "&last=1") == records[-1:]
    assert kept(lambent, name, f"&since={times[-1] + 60000}") == []


def test_output_without_a_newline_and_beyond_utf8_is_kept(lambent, client, python_function):
    name = python_function("import sys\n\ndef handler(event, context):\n"
                           "    sys.stdout.buffer.write(b'caf\\xc3\\xa9\\n\\xff\\xfe\\nlast words')\n    sys.stdout.flush()\n")
    answer = client.invoke(FunctionName=name, Payload=b"{}", LogType="Tail")
    request_id, log = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], base64.b64decode(answer["LogResult"], validate=True)
    assert "café\n".encode() in log
    assert b"last words\nEND RequestId: " + request_id.encode() in log
    assert "café" in messages(lambent, name) and "last words" in messages(lambent, name)


@pytest.mark.everywhere
def test_json_logs(lambent, client, function, zip_of):
    """[environment facts 5.2]: events in place of the platform's lines; what the application logs is JSON too."""
    source = ("import logging\n\ndef handler(event, context):\n    logging.getLogger().info('quiet')\n    logging.getLogger().warning('loud')\n"
              "    print('plain')\n")
    name = function(zip_of({"app.py": source}), Runtime=host_python_runtime(), Handler="app.handler",
                    LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"})
    request_id, _ = tail_of(client, name)
    lines = messages(lambent, name)
    assert lines.count("plain") == 1
    events = [json.loads(line) for line in lines if line != "plain"]
    platform = {event["type"]: event for event in events if "type" in event}
    assert list(platform) == ["platform.initStart", "platform.start", "platform.report"]
    for event in platform.values():
        assert re.fullmatch(TIME, event["time"])
    start, report = platform["platform.start"]["record"], platform["platform.report"]["record"]
    assert start["requestId"] == report["requestId"] == request_id
    assert start["version"] == "$LATEST" and start["functionArn"].endswith(f":function:{name}")
    assert report["status"] == "success"
    assert set(report["metrics"]) == {"durationMs", "billedDurationMs", "memorySizeMB", "maxMemoryUsedMB", "initDurationMs"}
    assert platform["platform.initStart"]["record"]["initializationType"] == "on-demand"
    (own,) = [event for event in events if "type" not in event]
    assert own["level"] in ("WARN", "WARNING") and own["message"] == "loud" and own["requestId"] == request_id
    assert not any("quiet" in line for line in lines)


def test_json_logs_of_failures_only(lambent, client, function, package):
    name = function(package, Handler="by-event", LoggingConfig={"LogFormat": "JSON", "SystemLogLevel": "WARN"})
    tail_of(client, name, b'"echo"')
    assert messages(lambent, name) == []
    request_id, _ = tail_of(client, name, b'"invoke-exit:1"')
    reports = [json.loads(line) for line in messages(lambent, name) if line.startswith("{")]
    assert [report["type"] for report in reports] == ["platform.report"]
    record = reports[0]["record"]
    assert (record["requestId"], record["status"], record["errorType"]) == (request_id, "error", "Runtime.ExitError")


def test_logs_survive_a_restart(lambent_factory, client_of, package):
    daemon = lambent_factory()
    client = client_of(daemon)
    client.create_function(FunctionName="kept", Runtime="provided.al2023", Handler="log:2", Role=ROLE, Code={"ZipFile": package})
    client.get_waiter("function_active_v2").wait(FunctionName="kept", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    first, _ = tail_of(client, "kept")
    before = kept(daemon, "kept")
    assert daemon.stop() == 0
    assert daemon.leaks() == []
    daemon.start()
    assert kept(daemon, "kept") == before
    second, _ = tail_of(client_of(daemon), "kept")
    lines = messages(daemon, "kept")
    assert len(kept(daemon, "kept")) > len(before)
    assert lines.index(f"END RequestId: {first}") < lines.index(f"START RequestId: {second} Version: $LATEST")


def test_a_follower_hears_what_comes(lambent, client, function, package):
    name = function(package, Handler="echo")
    with urllib.request.urlopen(f"{lambent.endpoint}/_lambent/logs?function={name}&follow=1") as follower:
        request_id, _ = tail_of(client, name)
        for line in follower:
            if json.loads(line)["message"].startswith(f"REPORT RequestId: {request_id}"):
                break
        else:
            pytest.fail("the stream ended before the line came")
