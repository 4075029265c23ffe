# SPDX-License-Identifier: Apache-2.0
"""Execution environments as their users see them: how many, which one, how long, and what ends them."""

import contextlib
import functools
import json
import os
import select
import signal
import socket
import threading
import time
import urllib.request

import pytest
from botocore.exceptions import BotoCoreError, ClientError

from command import lambent
from daemon import children, has_vanished
from guests import c_bootstrap, host_python_runtime

ROLE = "arn:aws:iam::000000000000:role/lambent"
SECONDS = 20

# Connects to the port in the event and answers when the test says so; 0 answers at once.
GATED = """
import socket, uuid

process = uuid.uuid4().hex

def handler(event, context):
    if event:
        with socket.create_connection(("127.0.0.1", event)) as gate:
            gate.recv(1)
    return process
"""


@functools.lru_cache(maxsize=None)
def gatehouse():
    """Where the functions connect. They have its address in a variable, which opens it to those in containers."""
    server = socket.create_server(("127.0.0.1", 0), backlog=128)
    server.settimeout(SECONDS)
    return server


def gate():
    """Settings of a gated function."""
    return {"Environment": {"Variables": {"GATE": "%s:%d" % gatehouse().getsockname()}}}


class Calls:
    """Invocations of a gated function that are held open until the test lets them go."""

    def __init__(self, client, name):
        self.client, self.name, self.threads, self.gates = client, name, [], []
        self.answers, self.errors = [], []
        self.server = gatehouse()

    def _call(self):
        try:
            answer = self.client.invoke(FunctionName=self.name, Payload=str(self.server.getsockname()[1]).encode(), LogType="Tail")
            self.answers.append(json.loads(answer["Payload"].read()))
        except Exception as error:
            self.errors.append(error)

    def begin(self, count, seen=True):
        """count more; returns when all of them are inside their handlers."""
        for _ in range(count):
            thread = threading.Thread(target=self._call)
            thread.start()
            self.threads.append(thread)
        for _ in range(count if seen else 0):
            self.gates.append(self.server.accept()[0])

    def let_go(self, count=None):
        for _ in range(len(self.gates) if count is None else count):
            self.gates.pop(0).close()

    def join(self):
        for thread in self.threads:
            thread.join(SECONDS)
        return self.answers


@contextlib.contextmanager
def held(client, name):
    calls = Calls(client, name)
    try:
        yield calls
    finally:
        calls.let_go()
        calls.join()


@pytest.fixture
def own(lambent_factory, client_of, zip_of):
    """own(*options) is (daemon, client, add); add(name) adds a gated function, add(name, mode) one of the C guest."""

    def make(*options, **settings):
        daemon = lambent_factory(*options)
        client = client_of(daemon, max_pool_connections=60, **settings)

        def add(name, mode=None, **more):
            what = {"Runtime": "provided.al2023", "Handler": mode, "Code": {"ZipFile": c_bootstrap()}} if mode else {
                "Runtime": host_python_runtime(), "Handler": "app.handler", "Code": {"ZipFile": zip_of({"app.py": GATED})}, **gate()}
            client.create_function(**{"FunctionName": name, "Role": ROLE, "Timeout": SECONDS, **what, **more})
            client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
            return name

        return daemon, client, add

    return make


def environments(daemon, name=None):
    with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/environments") as answer:
        return [e for e in json.load(answer)["environments"] if name in (None, e["function"])]


def until(daemon, name, wanted):
    """The function's environments, once wanted(them) is true: its last chance is SECONDS from now."""
    end = time.monotonic() + SECONDS
    while True:
        found = environments(daemon, name)
        if wanted(found):
            return found
        assert time.monotonic() < end, found
        select.select([], [], [], 0.01)


def cold_starts(daemon, name):
    with urllib.request.urlopen(f"{daemon.endpoint}/_lambent/invocations?function={name}&limit=1000") as answer:
        return sum(record["cold"] for record in json.load(answer)["invocations"])


def evict(daemon, **what):
    request = urllib.request.Request(f"{daemon.endpoint}/_lambent/environments/evict", data=json.dumps(what).encode(),
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["evicted"]


def ask(client, name, event=0):
    """With the tail an answer comes when the environment is free again, which otherwise is a moment later."""
    return json.loads(client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail")["Payload"].read())


def answer_of(client, name, event):
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode())
    return answer.get("FunctionError"), json.loads(answer["Payload"].read())


# ---- how many, and which one ----


@pytest.mark.everywhere
def test_parallel_invocations_have_environments_of_their_own(own):
    daemon, client, add = own()
    name = add("many")
    with held(client, name) as calls:
        calls.begin(10)
        assert [e["state"] for e in environments(daemon, name)] == ["busy"] * 10
        calls.let_go()
        assert len(set(calls.join())) == 10
    with held(client, name) as calls:
        calls.begin(10)
        calls.let_go()
        calls.join()
    assert len(environments(daemon, name)) == 10
    assert cold_starts(daemon, name) == 10


def test_one_after_the_other_needs_one(own):
    daemon, client, add = own()
    name = add("one", "by-event")
    counts = [ask(client, name, "count")["count"] for _ in range(50)]
    assert counts == list(range(1, 51))
    assert len(environments(daemon, name)) == 1


def test_the_one_that_rested_last_is_taken_first(own):
    daemon, client, add = own()
    name = add("newest")
    with held(client, name) as calls:
        calls.begin(3)
        for done in range(1, 4):
            calls.let_go(1)
            # The answer, too: a client that is slow to read it would change places with the next one.
            until(daemon, name, lambda found: sum(e["state"] in ("idle", "frozen") for e in found) == done == len(calls.answers))
        order = calls.join()
    assert [ask(client, name) for _ in range(3)] == [order[-1]] * 3
    assert len(environments(daemon, name)) == 3


def test_a_waiting_invocation_takes_what_is_free_first(own):
    """While its own start is under way another environment may come free; the start is not wasted either."""
    daemon, client, add = own()
    name = add("slow-start", "init-sleep-ms:300", Timeout=10)
    threads = [threading.Thread(target=client.invoke, kwargs={"FunctionName": name, "Payload": b"{}"}) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(environments(daemon, name)) <= 4
    for _ in range(8):
        client.invoke(FunctionName=name, Payload=b"{}")
    assert len(environments(daemon, name)) <= 4


# ---- the limit ----


def test_an_idle_environment_of_another_function_makes_room(own):
    daemon, client, add = own("--max-environments", "2")
    names = [add(f"f{n}", "echo") for n in range(3)]
    for name in names[:2]:
        ask(client, name)
    assert ask(client, names[2], 7) == 7
    left = [e["function"] for e in until(daemon, None, lambda found: len(found) == 2)]
    assert sorted(left) == names[1:]


def test_429_only_when_all_are_busy(own):
    """[invoke facts 1.4: TooManyRequestsException 429 with Reason, Type and message]"""
    daemon, client, add = own("--max-environments", "2")
    name, other = add("busy"), add("other", "echo")
    with held(client, name) as calls:
        calls.begin(2)
        for function in (name, other):
            with pytest.raises(client.exceptions.TooManyRequestsException) as caught:
                client.invoke(FunctionName=function, Payload=b"0")
            answer = caught.value.response
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 429
            assert answer["Reason"] == "ConcurrentInvocationLimitExceeded" and answer["Type"] == "User"
            assert answer["Error"]["Message"] == "Rate Exceeded."
            assert int(answer["ResponseMetadata"]["HTTPHeaders"]["retry-after"]) >= 1
        calls.let_go()
        assert len(calls.join()) == 2 and not calls.errors
    assert ask(client, other, 5) == 5


# ---- how long ----


def test_an_idle_environment_ends_after_its_time(own):
    daemon, client, add = own("--idle-ttl", "300ms")
    name = add("ttl", "by-event")
    first = ask(client, name, "count")
    (environment,) = environments(daemon, name)
    assert environment["pid"] == 0 or has_vanished(environment["pid"], SECONDS)
    until(daemon, name, lambda found: not found)
    assert ask(client, name, "count")["process"] != first["process"]


def freezer_state(pid):
    """True when the kernel has frozen this process's cgroup, or stopped the process."""
    for line in open(f"/proc/{pid}/cgroup"):
        _, controllers, path = line.strip().split(":", 2)
        for root in ("/sys/fs/cgroup", "/sys/fs/cgroup/unified") if not controllers else ():
            with contextlib.suppress(OSError):
                if "frozen 1" in open(f"{root}{path}/cgroup.events").read():
                    return True
        if controllers == "freezer":
            with contextlib.suppress(OSError):
                if open(f"/sys/fs/cgroup/freezer{path}/freezer.state").read().strip() == "FROZEN":
                    return True
    return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] == "T"


def processes_of(environment, place):
    """Of a container the daemon knows the first, which stops the others and goes on itself."""
    return children(environment["pid"]) if place.is_container else [environment["pid"]]


@pytest.mark.everywhere
def test_an_idle_environment_is_frozen_and_thaws(own, place):
    daemon, client, add = own("--freeze-after", "20ms")
    name = add("cold", "by-event")
    first = ask(client, name, "count")
    # The kernel's word comes a moment after ours: each process has to stop first.
    (environment,) = until(daemon, name, lambda found: found[0]["state"] == "frozen")
    pids = processes_of(environment, place)
    assert pids
    until(daemon, name, lambda found: all(freezer_state(pid) for pid in pids))
    assert ask(client, name, "count") == {**first, "count": 2}


def test_it_is_not_frozen_when_that_is_not_wanted(own, place):
    daemon, client, add = own("--freeze-after", "never")
    name = add("warm", "by-event")
    ask(client, name, "sleep-ms:200")
    (environment,) = until(daemon, name, lambda found: found[0]["state"] != "busy" and found[0]["pid"])
    assert environment["state"] == "idle"
    pids = processes_of(environment, place)
    assert pids and not any(freezer_state(pid) for pid in pids)


# ---- eviction ----


@pytest.mark.everywhere
def test_eviction_lets_running_invocations_finish(own):
    daemon, client, add = own()
    name, other = add("evicted"), add("stays", "by-event")
    stays = ask(client, other, "count")
    with held(client, name) as calls:
        calls.begin(2)
        calls.let_go(1)
        until(daemon, name, lambda found: {e["state"] for e in found} >= {"busy"} and len({e["state"] for e in found}) == 2)
        assert evict(daemon, function=name) == 2
        until(daemon, name, lambda found: [e["state"] for e in found] == ["busy"])
        calls.let_go()
        assert len(calls.join()) == 2 and not calls.errors
    until(daemon, name, lambda found: not found)
    assert ask(client, other, "count") == {**stays, "count": 2}


def test_eviction_at_once(own):
    daemon, client, add = own()
    name = add("evicted", "by-event")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(answer_of(client, name, "sleep-ms:15000")))
    began = time.monotonic()
    thread.start()
    until(daemon, name, lambda found: [e["state"] for e in found] == ["busy"])
    assert evict(daemon, function=name, now=True) == 1
    thread.join()
    assert time.monotonic() - began < 10
    assert answers[0][0] == "Unhandled"
    assert answer_of(client, name, "echo") == (None, "echo")


def evict_by_path(daemon, identity, body=b""):
    request = urllib.request.Request(f"{daemon.endpoint}/_lambent/environments/{identity}/evict", data=body,
                                     headers={"Content-Type": "application/json"})
    with urllib.request.urlopen(request) as answer:
        return json.load(answer)["evicted"]


def evict_by_command(daemon, identity, *options):
    done = lambent("evict", "--environment", identity, "--endpoint", daemon.endpoint, "--json", *options)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)["evicted"]


def evict_by_beginning(daemon, identity):
    return evict_by_command(daemon, identity[:12])


@pytest.mark.parametrize("how", [evict_by_path, evict_by_command, evict_by_beginning])
def test_one_environment_is_evicted_by_its_id(own, how):
    daemon, client, add = own()
    name = add("evicted")
    with held(client, name) as calls:
        calls.begin(2)
        until(daemon, name, lambda found: [e["state"] for e in found] == ["busy"] * 2)
        calls.let_go()
        assert len(calls.join()) == 2 and not calls.errors
    one, other = until(daemon, name, lambda found: all(e["state"] != "busy" for e in found))
    assert how(daemon, one["id"]) == 1
    assert [e["id"] for e in until(daemon, name, lambda found: len(found) == 1)] == [other["id"]]
    assert how(daemon, "0" * 32) == 0
    assert [e["id"] for e in environments(daemon, name)] == [other["id"]]


@pytest.mark.parametrize("how", [lambda daemon, identity: evict_by_path(daemon, identity, b'{"now": true}'),
                                 lambda daemon, identity: evict_by_command(daemon, identity, "--now")])
def test_one_busy_environment_is_evicted_by_its_id(own, how):
    daemon, client, add = own()
    name = add("evicted")
    with held(client, name) as calls:
        calls.begin(2)
        one, other = until(daemon, name, lambda found: [e["state"] for e in found] == ["busy"] * 2)
        assert evict_by_path(daemon, one["id"]) == 1  # drains: its invocation goes on
        assert {e["id"] for e in environments(daemon, name)} == {one["id"], other["id"]}
        assert how(daemon, other["id"]) == 1
        until(daemon, name, lambda found: [e["id"] for e in found] == [one["id"]])
        calls.let_go()
        answers = calls.join()
    assert not calls.errors and sorted("errorType" in str(answer) for answer in answers) == [False, True]
    until(daemon, name, lambda found: not found)


def test_evict_wants_to_know_what(own):
    daemon, client, add = own()
    for words in ([], ["function", "--environment", "0" * 32], ["--environment", ""]):
        done = lambent("evict", *words, "--endpoint", daemon.endpoint)
        assert done.returncode == 2 and "name a function, or one of its environments" in done.stderr


# ---- death from outside ----


def runtime_of(daemon, name, state):
    """The runtime process of the only environment, once that is in this state."""
    (environment,) = until(daemon, name, lambda found: len(found) == 1 and found[0]["state"] in state and found[0]["pid"] > 1)
    return environment["pid"]


def parent_of(pid):
    return int(open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[1])


def test_a_killed_idle_runtime_is_noticed(own):
    daemon, client, add = own()
    name = add("killed", "by-event")
    first = ask(client, name, "count")
    pid = runtime_of(daemon, name, ("idle", "frozen"))
    os.kill(pid, signal.SIGKILL)
    assert has_vanished(pid, SECONDS)
    second = ask(client, name, "count")
    assert second["count"] == 1 and second["process"] != first["process"]


@pytest.mark.parametrize("whom", ["runtime", "first process"])
def test_the_caller_hears_at_once_of_a_killed_environment(own, whom):
    daemon, client, add = own()
    name = add("killed", "by-event")
    ask(client, name, "count")
    answers = []
    thread = threading.Thread(target=lambda: answers.append(answer_of(client, name, "sleep-ms:15000")))
    began = time.monotonic()
    until(daemon, name, lambda found: found[0]["state"] != "busy")
    thread.start()
    pid = runtime_of(daemon, name, ("busy",))
    # Of a container lambent knows the first process.
    first, runtime = (pid, children(pid)[0]) if daemon.place.is_container else (parent_of(pid), pid)
    os.kill(runtime if whom == "runtime" else first, signal.SIGKILL)
    thread.join()
    assert time.monotonic() - began < 10
    (error, body), = answers
    assert error == "Unhandled"
    if whom == "runtime":
        assert body["errorType"] in ("Runtime.ExitError", "Runtime.OutOfMemory")
        assert body["errorMessage"].endswith("Error: Runtime exited with error: signal: killed")
    assert answer_of(client, name, "echo") == (None, "echo")


# ---- the daemon's own end ----


def test_a_stopping_daemon_lets_invocations_finish(own):
    daemon, client, add = own("--drain-time", "30s")
    name = add("drained")
    with held(client, name) as calls:
        calls.begin(3)
        daemon.process.send_signal(signal.SIGTERM)
        with pytest.raises((BotoCoreError, ClientError)):
            for _ in range(1000):
                client.invoke(FunctionName=name, Payload=b"0")
        assert daemon.process.poll() is None
        calls.let_go()
        assert len(calls.join()) == 3 and not calls.errors
    assert daemon.stop() == 0


def test_a_second_signal_stops_at_once(own):
    daemon, client, add = own("--drain-time", "60s")
    name = add("cut")
    with held(client, name) as calls:
        calls.begin(2)
        daemon.process.send_signal(signal.SIGTERM)
        with pytest.raises((BotoCoreError, ClientError)):
            for _ in range(1000):
                client.invoke(FunctionName=name, Payload=b"0")
        began = time.monotonic()
        daemon.stop()
        assert time.monotonic() - began < 10
        calls.join()
        assert len(calls.answers) + len(calls.errors) == 2
