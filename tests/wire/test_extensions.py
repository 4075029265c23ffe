# SPDX-License-Identifier: Apache-2.0
"""Extensions as users write them: external ones in Bash and Python from layers, internal ones from inside the runtime."""

import base64
import contextlib
import json
import queue
import re
import signal
import socket
import socketserver
import threading
import urllib.request

import pytest

from conftest import ROLE
from guests import go_handler, host_python_runtime, web_adapter

SECONDS = 30

# Prints what it is told. What it gets as an answer it tells the caller of the function through the log.
BASH = """#!/bin/bash
base=http://${AWS_LAMBDA_RUNTIME_API}/2020-01-01/extension
head=$(curl -sS -o /dev/null -D - "$base/register" -H "Lambda-Extension-Name: ${0##*/}" -d '{"events":["INVOKE","SHUTDOWN"]}')
id=$(sed -n 's/^lambda-extension-identifier: *\\([0-9a-f-]*\\).*/\\1/pI' <<<"$head")
echo "bash: handler variable '${_HANDLER-unset}', region $AWS_REGION, arguments $#"
while :; do
        event=$(curl -sS "$base/event/next" -H "Lambda-Extension-Identifier: $id")
        echo "bash: $event"
        [[ $event == *SHUTDOWN* ]] && exit 0
done
"""

# Tells each event to the test and does what the test answers: go on, or exit with a status, or say exit/error first.
WITNESS = """#!/usr/bin/python3
import http.client, json, os, socket, sys

host, port = os.environ["WITNESS"].split(":")
lines = socket.create_connection((host, int(port))).makefile("rw")
api = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])

def call(method, path, body=None, **fields):
    api.request(method, "/2020-01-01/extension/" + path, body, fields)
    answer = api.getresponse()
    return answer, answer.read()

def tell(what):
    lines.write(json.dumps(what) + "\\n")
    lines.flush()
    word = lines.readline().split()
    if word[0] == "error":
        call("POST", word[1], "{}", **{**me, "Lambda-Extension-Function-Error-Type": "Extension.Told"})
    if word[0] in ("error", "exit"):
        sys.exit(int(word[-1]))

tell({"eventType": "START"})
answer, body = call("POST", "register", json.dumps({"events": os.environ.get("EVENTS", "INVOKE SHUTDOWN").split()}),
                    **{"Lambda-Extension-Name": os.path.basename(sys.argv[0])})
me = {"Lambda-Extension-Identifier": answer.getheader("Lambda-Extension-Identifier")}
tell({"eventType": "REGISTERED"})
while True:
    answer, event = call("GET", "event/next", **me)
    tell(json.loads(event))
"""

ECHO = "def handler(event, context):\n    return event\n"

# Never ends, unless it is called again.
STUCK = """
import threading

def handler(event, context):
    return event if event == "again" else threading.Event().wait()
"""


class Desk:
    """Where witnesses report. Each report waits for its answer."""

    def __init__(self):
        self.reports = queue.Queue()
        desk = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self):
                for line in self.rfile:
                    answer = queue.Queue()
                    desk.reports.put((json.loads(line), answer))
                    self.wfile.write(answer.get().encode() + b"\n")

        class Server(socketserver.ThreadingTCPServer):
            daemon_threads = True

        self.server = Server(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def next(self, kind=None):
        """The next report, not answered yet."""
        report, answer = self.reports.get(timeout=SECONDS)
        assert kind is None or report["eventType"] == kind, report
        return report, answer

    def let(self, kind, answer="on"):
        report, to = self.next(kind)
        to.put(answer)
        return report

    @contextlib.contextmanager
    def rule(self, answers):
        """Meanwhile every report is answered by its kind; "on" without a rule."""
        ends = object()

        def answer_all():
            while (report := self.reports.get()) is not ends:
                report[1].put(answers.get(report[0]["eventType"], "on"))

        thread = threading.Thread(target=answer_all, daemon=True)
        thread.start()
        yield
        self.reports.put(ends)
        thread.join()


@pytest.fixture
def desk():
    desk = Desk()
    yield desk
    desk.server.shutdown()
    desk.server.server_close()


class Place:
    """A daemon with functions that have extensions."""

    def __init__(self, daemon, client, zip_of):
        self.daemon, self.client, self.zip_of = daemon, client, zip_of

    def layer(self, name, files):
        made = self.client.publish_layer_version(LayerName=name, Content={"ZipFile": self.zip_of(files)})
        return made["LayerVersionArn"]

    def function(self, name, layers, source=ECHO, package=None, variables=None, ready=(), **settings):
        self.client.create_function(FunctionName=name, Code={"ZipFile": package or self.zip_of({"app.py": source})},
                                    Layers=[self.layer(f"{name}-{i}", files) for i, files in enumerate(layers)] + [*ready],
                                    Environment={"Variables": variables or {}},
                                    **{"Runtime": host_python_runtime(), "Handler": "app.handler", "Role": ROLE, "Timeout": 20,
                                       **settings})
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})

    def invoke(self, name, event=1):
        answer = self.client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail")
        answer["id"] = answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
        answer["body"] = json.loads(answer["Payload"].read())
        answer["log"] = base64.b64decode(answer["LogResult"]).decode()
        return answer

    def start(self, name, event=1):
        """The answer comes later; without its log, which would have to wait for the extensions."""
        answers = queue.Queue()
        threading.Thread(target=lambda: answers.put(self.client.invoke(FunctionName=name, Payload=json.dumps(event).encode())),
                         daemon=True).start()
        return answers

    def evict(self, name):
        request = urllib.request.Request(f"{self.daemon.endpoint}/_lambent/environments/evict",
                                         data=json.dumps({"function": name}).encode(),
                                         headers={"Content-Type": "application/json"})
        urllib.request.urlopen(request).close()

    def log_until(self, name, pattern):
        """All lines so far up to the first that matches, which may still have to be written."""
        text = ""
        with urllib.request.urlopen(f"{self.daemon.endpoint}/_lambent/logs?function={name}&since=0&follow=1",
                                    timeout=SECONDS) as follower:
            for line in follower:
                text += json.loads(line)["message"].rstrip("\n") + "\n"
                if re.search(pattern, text):
                    return text
        raise AssertionError(text)


@pytest.fixture
def here(lambent, client, zip_of):
    return Place(lambent, client, zip_of)


@pytest.fixture
def elsewhere(lambent_factory, client_of, zip_of):
    """elsewhere(*options, **settings): a daemon of the test's own."""

    def make(*options, **settings):
        daemon = lambent_factory(*options, **settings)
        return Place(daemon, client_of(daemon), zip_of)

    return make


def check_bash(place, name):
    place.function(name, [{"extensions/told*": BASH, "extensions/folder/inner*": "#!/bin/false\n"}])
    first = place.invoke(name, "a")
    assert (first["body"], first.get("FunctionError")) == ("a", None)
    second = place.invoke(name, "b")
    place.evict(name)
    log = place.log_until(name, "SHUTDOWN\",\"deadlineMs")
    assert "bash: handler variable 'unset', region us-east-1, arguments 0\n" in log
    assert "EXTENSION\tName: told\tState: Ready\tEvents: [INVOKE, SHUTDOWN]\n" in log
    for answer in (first, second):
        arn = f"arn:aws:lambda:us-east-1:000000000000:function:{name}"
        told = rf'bash: {{"eventType":"INVOKE","deadlineMs":\d{{13}},"requestId":"{answer["id"]}","invokedFunctionArn":"{arn}"'
        assert re.search(told, log)
        # It is part of the invocation: told inside it.
        assert re.search(rf"START RequestId: {answer['id']}(.|\n)*{told}(.|\n)*END RequestId: {answer['id']}", log)
    assert re.search(r'bash: {"eventType":"SHUTDOWN","deadlineMs":\d{13},"shutdownReason":"spindown"}', log)


def test_bash_and_curl(here, unique_name):
    check_bash(here, unique_name("bash-ext"))


@pytest.mark.parametrize("tier", [2, 3])
@pytest.mark.native("tiers")
def test_in_every_tier(elsewhere, unique_name, tier):
    check_bash(elsewhere(tier=tier), unique_name("tier-ext"))


@pytest.fixture
def witnessed(here, unique_name, desk):
    """A function with the witness, in the middle of its INIT: the witness waits to register."""

    def make(place=here, **settings):
        name = unique_name("witness")
        variables = {"WITNESS": "127.0.0.1:%d" % desk.server.server_address[1], **settings.pop("variables", {})}
        place.function(name, [{"extensions/witness*": WITNESS}], variables=variables, **settings)
        return name

    return make


def test_the_answer_does_not_wait_for_extensions(here, witnessed, desk):
    name = witnessed()
    answers = here.start(name, "early")
    desk.let("START")
    desk.let("REGISTERED")
    invoke, go_on = desk.next("INVOKE")
    answer = answers.get(timeout=SECONDS)  # and the witness still holds its event
    assert json.loads(answer["Payload"].read()) == "early"
    assert invoke["requestId"] == answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    with urllib.request.urlopen(f"{here.daemon.endpoint}/_lambent/environments") as listed:
        states = [e["state"] for e in json.load(listed)["environments"] if e["function"] == name]
    assert states == ["busy"]
    go_on.put("on")
    here.log_until(name, "REPORT RequestId")
    here.evict(name)
    assert desk.let("SHUTDOWN")["shutdownReason"] == "spindown"


@pytest.mark.parametrize("at,answer,kind", [("START", "exit 3", "Crash"), ("REGISTERED", "error init/error 3", "InitError"),
                                            ("INVOKE", "exit 3", "Crash"), ("INVOKE", "error exit/error 3", "ExitError")])
def test_an_extension_that_fails(here, witnessed, desk, at, answer, kind):
    name = witnessed(source=STUCK)
    answers = here.start(name)
    # Its first failure may be in an INIT that nobody has asked for; the caller's is the next one.
    with desk.rule({at: answer, "SHUTDOWN": "exit 0"}):
        failed = answers.get(timeout=SECONDS)
    assert failed["FunctionError"] == "Unhandled"
    request_id = failed["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"]
    assert json.loads(failed["Payload"].read()) == {
        "errorType": f"Extension.{kind}", "errorMessage": f"RequestId: {request_id} Error: exit status 3"
    }
    log = here.log_until(name, f"REPORT RequestId: {request_id}")
    assert f"RequestId: {request_id} Error: exit status 3\nExtension.{kind}\n" in log
    assert f"Status: error\tError Type: Extension.{kind}" in log
    # The environment is kept, and begins again.
    answers = here.start(name, "again")
    desk.let("START")
    desk.let("REGISTERED")
    desk.let("INVOKE")
    assert json.loads(answers.get(timeout=SECONDS)["Payload"].read()) == "again"
    here.evict(name)
    desk.let("SHUTDOWN", "exit 0")


def test_a_timeout_is_told(here, witnessed, desk):
    name = witnessed(Timeout=1, source=STUCK)
    answers = here.start(name)
    desk.let("START")
    desk.let("REGISTERED")
    desk.let("INVOKE")
    assert desk.let("SHUTDOWN", "exit 0")["shutdownReason"] == "timeout"
    assert json.loads(answers.get(timeout=SECONDS)["Payload"].read())["errorType"] == "Sandbox.Timedout"


def test_a_crash_is_told(here, witnessed, desk):
    name = witnessed(source="import os\ndef handler(event, context):\n    os._exit(1)\n")
    answers = here.start(name)
    desk.let("START")
    desk.let("REGISTERED")
    desk.let("INVOKE")
    assert desk.let("SHUTDOWN", "exit 0")["shutdownReason"] == "failure"
    assert json.loads(answers.get(timeout=SECONDS)["Payload"].read())["errorType"] == "Runtime.ExitError"


def test_the_daemon_lets_them_take_leave(elsewhere, unique_name, witnessed, desk):
    place = elsewhere("--freeze-after", "0s")
    name = witnessed(place)
    answers = place.start(name)
    for kind in ("START", "REGISTERED", "INVOKE"):
        desk.let(kind)
    answers.get(timeout=SECONDS)
    stopped = threading.Thread(target=place.daemon.stop)
    stopped.start()
    shutdown, answer = desk.next("SHUTDOWN")
    assert shutdown["shutdownReason"] == "spindown"
    assert place.daemon.process.poll() is None
    answer.put("exit 0")
    stopped.join(SECONDS)
    assert place.daemon.process.returncode == 0


def test_a_second_signal_waits_for_nobody(elsewhere, witnessed, desk):
    place = elsewhere()
    name = witnessed(place)
    answers = place.start(name)
    for kind in ("START", "REGISTERED", "INVOKE"):
        desk.let(kind)
    answers.get(timeout=SECONDS)
    place.daemon.process.send_signal(signal.SIGTERM)
    desk.next("SHUTDOWN")  # and it never goes on
    assert place.daemon.stop() == 0
    assert any("stopping at once" in line for line in place.daemon.lines)


INTERNAL = """
import json, os, threading, urllib.request

BASE = "http://" + os.environ["AWS_LAMBDA_RUNTIME_API"] + "/2020-01-01/extension/"

def call(path, body=None, **fields):
    answer = urllib.request.urlopen(urllib.request.Request(BASE + path, body, {k.replace("_", "-"): v for k, v in fields.items()}))
    return answer, json.load(answer)

answer, metadata = call("register", b'{"events":["INVOKE"]}', Lambda_Extension_Name="inside",
                        Lambda_Extension_Accept_Feature="accountId")
print("inside:", json.dumps(metadata))
me = answer.headers["Lambda-Extension-Identifier"]

def run():
    while True:
        _, event = call("event/next", Lambda_Extension_Identifier=me)
        print("inside:", event["eventType"], event["requestId"], flush=True)

threading.Thread(target=run, daemon=True).start()

def handler(event, context):
    return event
"""


def test_an_internal_extension(here, unique_name):
    name = unique_name("inside")
    here.function(name, [], source=INTERNAL)
    answer = here.invoke(name, "x")
    assert answer["body"] == "x"
    log = here.log_until(name, f"REPORT RequestId: {answer['id']}")
    metadata = json.loads(re.search("inside: ({.*})", log)[1])
    assert metadata == {"accountId": "000000000000", "functionName": name, "functionVersion": "$LATEST", "handler": "app.handler"}
    assert f"inside: INVOKE {answer['id']}\n" in log
    assert "EXTENSION\tName: inside\tState: Ready\tEvents: [INVOKE]\n" in log


def test_gos_sigterm(here, unique_name):
    """aws-lambda-go registers an extension without events and parks it for ever; so the function gets SIGTERM."""
    name = unique_name("go-sigterm")
    here.function(name, [], package=go_handler(), Runtime="provided.al2023", Handler="bootstrap", variables={"TAKE_LEAVE": "1"})
    for _ in range(3):
        assert here.invoke(name, {"do": "echo", "payload": 7})["body"] == 7
    here.evict(name)
    log = here.log_until(name, "go guest: farewell")
    assert "EXTENSION\tName: GoLangEnableSIGTERM\tState: Ready\tEvents: []\n" in log


def test_the_web_adapter(here, unique_name):
    """AWS's own extension: it polls the Runtime API in the place of the application, which is a plain web server."""
    name = unique_name("web")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    layer = here.client.publish_layer_version(LayerName=name, Content={"ZipFile": web_adapter()})["LayerVersionArn"]
    here.function(name, [], package=here.zip_of({"none": ""}), Runtime="provided.al2023", Handler="any", ready=[layer],
                  variables={"AWS_LWA_PORT": str(port)})
    for method, path, status in (("GET", "/hello", 200), ("POST", "/send", 200), ("GET", "/missing", 404)):
        event = {"version": "2.0", "routeKey": "$default", "rawPath": path, "rawQueryString": "a=1&b=2",
                 "headers": {"x-agent": "test", "host": "example.com"}, "isBase64Encoded": False,
                 "body": "text" if method == "POST" else None,
                 "requestContext": {"accountId": "0", "apiId": "a", "domainName": "example.com", "domainPrefix": "example",
                                    "requestId": "r", "routeKey": "$default", "stage": "$default", "time": "t", "timeEpoch": 1,
                                    "http": {"method": method, "path": path, "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1",
                                             "userAgent": "test"}}}
        answer = here.invoke(name, event)["body"]
        assert answer["statusCode"] == status
        assert json.loads(answer["body"]) == {
            "method": method, "path": f"{path}?a=1&b=2", "body": "text" if method == "POST" else "", "agent": "test"
        }
        assert answer["cookies"] == ["seen=yes"]
    log = here.log_until(name, "REPORT RequestId")
    assert "EXTENSION\tName: lambda-adapter\tState: Ready\tEvents: []\n" in log


def test_a_layer_switches_them_off(here, unique_name):
    name = unique_name("off")
    here.function(name, [{"extensions/fails*": "#!/bin/false\n"}, {"disable-extensions-jwigqn8j": ""}])
    assert here.invoke(name, "fine")["body"] == "fine"


def test_a_file_that_cannot_be_started(here, unique_name):
    name = unique_name("launch")
    here.function(name, [{"extensions/readme.txt": "no program"}])
    answer = here.invoke(name)
    assert answer["body"] == {
        "errorType": "Extension.LaunchError",
        "errorMessage": f"RequestId: {answer['id']} Error: fork/exec /opt/extensions/readme.txt: permission denied",
    }
    log = here.log_until(name, f"REPORT RequestId: {answer['id']}")
    assert "EXTENSION\tName: readme.txt\tState: LaunchError\tEvents: []\tError Type: PermissionDenied\n" in log
