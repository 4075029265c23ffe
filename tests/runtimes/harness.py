# SPDX-License-Identifier: Apache-2.0
"""Runs one function under a runtime client and collects everything that can be seen of it from outside.

The same function is run under our client and under AWS's own (`Client`), then the two `Outcome`s are compared after
`normalise` has replaced what must differ: times, and stack frames inside the clients.
"""

import json
import os
import queue
import re
import signal
import subprocess
import threading
from dataclasses import dataclass, field
from pathlib import Path

from fake_api import Event, FakeApi

ROOT = Path(__file__).resolve().parents[2]
RUNTIMES = ROOT / "runtimes"
REQUEST_ID = "00000000-1111-4222-8333-%012d"


@dataclass
class Client:
    """A way to run functions: `argv` gets the handler where it says {handler}."""

    name: str
    argv: list
    env: dict
    # Anything that matches is the client's own file in a stack frame.
    own_frames: str
    # Lines that only this client prints.
    own_lines: str = r"(?!)"


@dataclass
class Answer:
    kind: str
    body: bytes
    headers: dict
    trailers: dict

    def json(self):
        return json.loads(self.body)


@dataclass
class Outcome:
    answers: list = field(default_factory=list)
    output: str = ""
    # None when the client was asking for more work at the end, as it should.
    exit_code: int = None


def make_function(folder, files):
    folder.mkdir(parents=True, exist_ok=True)
    for name, text in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return folder


def base_env(folder, api):
    return {
        "PATH": "/usr/local/bin:/usr/bin:/bin",
        "LANG": "C.UTF-8",
        "TZ": ":UTC",
        "AWS_LAMBDA_RUNTIME_API": api.address,
        "AWS_LAMBDA_FUNCTION_NAME": "probe",
        "AWS_LAMBDA_FUNCTION_VERSION": "$LATEST",
        "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "128",
        "AWS_LAMBDA_LOG_GROUP_NAME": "/aws/lambda/probe",
        "AWS_LAMBDA_LOG_STREAM_NAME": "2026/01/01/[$LATEST]0",
        "AWS_LAMBDA_INITIALIZATION_TYPE": "on-demand",
        "LAMBDA_TASK_ROOT": str(folder),
        "PYTHONDONTWRITEBYTECODE": "1",
    }


def _as_event(number, given):
    event = given if isinstance(given, Event) else Event(json.dumps(given).encode())
    event.request_id = REQUEST_ID % number
    return event


def run(client, folder, handler, events, env=None, timeout=20, await_next=True, expected=None, post_status=202):
    """Feeds the events one by one; ends when all are answered and more is asked for, or when the process has ended."""
    api = FakeApi()
    api.post_status = post_status
    env = {**base_env(folder, api), **client.env, "_HANDLER": handler, **(env or {})}
    for number, event in enumerate(events):
        api.push(_as_event(number, event))
    argv = [part.replace("{handler}", handler) for part in client.argv]
    process = subprocess.Popen(
        argv, env=env, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    outcome = Outcome()
    output = []
    reader = threading.Thread(target=lambda: output.append(process.stdout.read()))
    reader.start()
    threading.Thread(target=lambda: (process.wait(), api.requests.put(None)), daemon=True).start()
    try:
        _collect(api, outcome, len(events) if expected is None else expected, timeout, await_next)
    finally:
        if outcome.exit_code is None:
            _kill_group(process)
        code = process.wait()
        reader.join()
        process.stdout.close()
        api.close()
    if outcome.exit_code is not None:
        outcome.exit_code = code
    outcome.output = output[0].decode("utf-8", "replace")
    return outcome


def _kill_group(process):
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _collect(api, outcome, expected, timeout, await_next):
    answered = 0
    while True:
        try:
            request = api.requests.get(timeout=timeout)
        except queue.Empty:
            raise AssertionError("no request for %d s; so far: %r" % (timeout, outcome)) from None
        if request is None:
            outcome.exit_code = -1
            return
        if request.kind == "next":
            if answered >= expected:
                return
            continue
        if request.kind in ("response", "error"):
            answered += 1
        outcome.answers.append(Answer(request.kind, request.body, request.headers, request.trailers))
        if answered >= expected and not await_next:
            return


_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")


def _drop_own_frames(client, text):
    own = r"(?:%s|node:internal)" % client.own_frames
    text = re.sub(r'(\[|, ?)"    at [^"]*%s[^"]*"(?=[,\]])' % own, lambda m: "[" if m.group(1) == "[" else "", text)
    text = re.sub(r'(\n|\r|\\n) +at (?:(?!\\n)[^\n\r"])*%s(?:(?!\\n)[^\n\r"{])*' % own, "", text)
    return text.replace("[,", "[")


def normalise(client, text):
    text = _TIME.sub("<time>", text)
    text = _drop_own_frames(client, text)
    text = re.sub(r'File (\\?")[^"]*/bootstrap\.py\\?", line \d+', r"File \1<client>\1", text)
    lines = text.split("\n")
    return "\n".join(line for line in lines if not re.fullmatch(client.own_lines, line))


def comparable(client, outcome, headers=("content-type", "lambda-runtime-function-response-mode")):
    """What must be equal between two clients, with readable names for failure messages."""
    answers = []
    for answer in outcome.answers:
        entry = {"kind": answer.kind, "body": normalise(client, answer.body.decode("utf-8", "replace"))}
        if "init" not in answer.kind:
            entry.update({name: answer.headers.get(name) for name in headers})
        else:
            # AWS's Python client sends no content type here.
            entry["error type"] = answer.headers.get("lambda-runtime-function-error-type")
        if answer.trailers:
            entry["error trailer"] = answer.trailers.get("lambda-runtime-function-error-type")
        answers.append(entry)
    return {"answers": answers, "output": normalise(client, outcome.output), "exit code": outcome.exit_code}
