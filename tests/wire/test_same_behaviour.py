# SPDX-License-Identifier: Apache-2.0
"""The same handlers under our runtime clients and under AWS's own: the same answers, errors and log lines."""

import base64
import io
import json
import re
import zipfile

import pytest

import guests

PYTHON = '''
import datetime, decimal, logging, sys

class GuestError(Exception):
    pass

def deep(n):
    if n:
        deep(n - 1)
    raise GuestError("deep")

def handler(event, context):
    what = event.get("do") if isinstance(event, dict) else event
    if what == "echo": return event.get("payload")
    if what == "raise": raise GuestError("the guest failed")
    if what == "chain":
        try:
            {}["key"]
        except KeyError as error:
            raise ValueError("no such thing") from error
    if what == "deep": deep(3)
    if what == "empty": raise GuestError()
    if what == "nonascii": return {"text": "\\u00fc\\u2028\\U0001f600"}
    if what == "nan": return float("nan")
    if what == "decimal": return decimal.Decimal("1.5")
    if what == "bytes": return b"x"
    if what == "set": return {1}
    if what == "date": return datetime.date(2020, 1, 1)
    if what == "exit": sys.exit(3)
    if what == "log":
        print("printed")
        print("to stderr", file=sys.stderr)
        logging.getLogger().setLevel("INFO")
        logging.info("informed %d", 1)
        logging.getLogger("own").warning("warned\\nin two lines")
        try:
            1 / 0
        except ZeroDivisionError:
            logging.exception("divided")
        return "logged"
    if what == "context":
        return [context.function_name is not None, context.function_version, context.memory_limit_in_mb, context.identity.cognito_identity_id,
                context.client_context, type(context.get_remaining_time_in_millis()).__name__, context.tenant_id]
    return None
'''

NODE = '''
class GuestError extends Error { constructor(m) { super(m); this.name = "GuestError"; } }

export async function handler(event, context) {
  switch (event.do) {
    case "echo": return event.payload;
    case "throw": throw new GuestError("the guest failed");
    case "plain": throw "a string";
    case "cause": throw new Error("outer", { cause: new GuestError("inner") });
    case "undefined": return undefined;
    case "nonascii": return { text: "\\u00fc\\u2028\\u{1f600}" };
    case "dates": return { date: new Date(0), map: new Map([[1, 2]]), nan: NaN };
    case "log":
      console.log("logged %s", "words", { a: 1 });
      console.error("complained");
      console.warn("warned\\nin two lines");
      console.info(new GuestError("as a value"));
      console.debug("debugged");
      process.stdout.write("raw\\n");
      return "logged";
    case "context": return [context.functionVersion, context.memoryLimitInMB, typeof context.getRemainingTimeInMillis(), context.clientContext];
  }
  return null;
}
'''


def normalise(text, answer, name):
    """Without what differs from one invocation or one client to the next: ids, times, the clients' own frames."""
    text = text.replace(answer["ResponseMetadata"]["HTTPHeaders"]["x-amzn-requestid"], "ID").replace(name, "NAME")
    text = re.sub(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", "TIME", text)
    # Plain processes (tier 3, docs/sandbox.md) see the real paths.
    text = re.sub(r"(/[^/\s\"()]+)+/content/trees/[0-9a-f]{64}/root/", "/var/task/", text)
    text = re.sub(r"(/[^/\s\"()]+)+/runtimes/(nodejs|python)/", "/var/runtime/", text)
    text = re.sub(r"(file://)?/var/(runtime|task/(vendor|node_modules))/[^\s\"\\)]*", "CLIENT", text)
    text = re.sub(r"at \w+\.handler \(", "at handler (", text)
    # Frames inside a log line stand between quotes or behind carriage returns.
    text = re.sub(r',"\s+at [^"]*(CLIENT|node:internal)[^"]*"', "", text)
    text = re.sub(r"\r\s+at [^\r\n]*(CLIENT|node:internal)[^\r\n]*", "", text)
    return text


def without_frames(error):
    if isinstance(error, dict):
        for key in ("stackTrace", "trace", "stack"):
            if key in error:
                error[key] = [line for line in error[key] if "CLIENT" not in line and "node:internal" not in line]
    return error


def outcome(client, name, event):
    """(whether it failed, the answer, the lines between START and END)."""
    answer = client.invoke(FunctionName=name, Payload=json.dumps(event).encode(), LogType="Tail")
    body = normalise(answer["Payload"].read().decode(), answer, name)
    log = normalise(base64.b64decode(answer["LogResult"]).decode(), answer, name)
    lines = log.split("\n")
    start, end = lines.index("START RequestId: ID Version: $LATEST"), lines.index("END RequestId: ID")
    lines = [line for line in lines[start + 1:end] if not re.match(r"\s+at .*(CLIENT|node:internal)", line)]
    try:
        body = without_frames(json.loads(body))
    except ValueError:
        pass
    return answer.get("FunctionError"), body, lines


def overlay(package, files):
    """The package with other files in it."""
    found = {}
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        for info in archive.infolist():
            found[info.filename] = (archive.read(info), info.external_attr >> 16 & 0o777)
    return guests.zip_bytes({**found, **files})


@pytest.fixture(scope="module")
def pair(client, lambent):
    """pair("python") is the names of two functions with the same handler: ours, AWS's."""
    made = {}

    def make(language):
        if language not in made:
            runtime, package, files = (
                (guests.host_python_runtime, guests.python_ric, {"app.py": PYTHON.encode()}) if language == "python" else
                (guests.host_node_runtime, guests.node_ric, {"app.mjs": NODE.encode()}))
            made[language] = f"same-{language}-ours", f"same-{language}-aws"
            role = "arn:aws:iam::000000000000:role/lambent"
            for name, its_runtime, code in ((made[language][0], runtime(), guests.zip_bytes(files)),
                                            (made[language][1], "provided.al2023", overlay(package(), files))):
                client.create_function(FunctionName=name, Runtime=its_runtime, Handler="app.handler", Role=role, Code={"ZipFile": code},
                                       MemorySize=256, Timeout=20)
                client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
                client.invoke(FunctionName=name, Payload=b"{}")
        return made[language]

    yield make
    for names in made.values():
        for name in names:
            client.delete_function(FunctionName=name)


EVENTS = [{"do": "echo", "payload": payload} for payload in (1, 1.0, 1e100, "x", None, [], {"a": {"b": [True]}}, "ü\u2028\U0001f600", 2 ** 70)]


@pytest.mark.parametrize("event", [*EVENTS, *({"do": word} for word in (
    "raise", "chain", "deep", "empty", "nonascii", "nan", "decimal", "bytes", "set", "date", "log", "context", "nothing"))], ids=str)
def test_python(client, pair, event):
    ours, awss = (outcome(client, name, event) for name in pair("python"))
    assert ours == awss


@pytest.mark.parametrize("event", [*EVENTS, *({"do": word} for word in (
    "throw", "plain", "cause", "undefined", "nonascii", "dates", "log", "context", "nothing"))], ids=str)
def test_node(client, pair, event):
    """Where AWS's clients before and after nodejs24.x differ, ours of an older runtime is like the older ones: callbacks in the context,
    and the type of the error for an answer that JSON cannot hold. Such events are not compared."""
    ours, awss = (outcome(client, name, event) for name in pair("node"))
    assert ours == awss


def test_python_that_exits(client, pair):
    results = [outcome(client, name, {"do": "exit"}) for name in pair("python")]
    assert results[0] == results[1]
    assert results[0][1]["errorType"] == "Runtime.ExitError"
