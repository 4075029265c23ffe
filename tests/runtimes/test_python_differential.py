# SPDX-License-Identifier: Apache-2.0
"""Our Python client against AWS's own: same function, same events, same answers and log lines."""

import pytest
from fake_api import Event
from harness import comparable, make_function, run

PLAIN = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.11"}
UNICODE = {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.13"}
JSON_LOGS = {**PLAIN, "AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}


def assert_same(pair, folder, files, handler, events, env=PLAIN):
    make_function(folder, files)
    ours, theirs = (comparable(client, run(client, folder, handler, events, env)) for client in pair)
    assert ours == theirs
    return ours


RESULTS = {
    "none": "None",
    "scalars": "[1, -2.5, 1e100, 1.0, True, False, 'text', 2**70, float('nan'), float('inf'), -float('inf')]",
    "unicode": r"{'é': 'snow ☃ \U0001f600 \u2028 \x7f \x00 \" \\ / \n'}",
    "top-level-text": "'plain ü'",
    "bytes": "b'raw \\x00 bytes'",
    "nested-bytes": "{'b': b'in', b'key': [b'x']}",
    "bad-bytes": "{'b': b'\\xff'}",
    "keys": "{1: 'a', 2.5: 'b', True: 'c', None: 'd', float('nan'): 'e'}",
    "bad-key": "{(1, 2): 3}",
    "set": "{1, 2}",
    "nested-set": "{'a': [{1}]}",
    "complex": "1j",
    "datetime": "__import__('datetime').datetime(2026, 1, 1)",
    "decimal": "[__import__('decimal').Decimal(x) for x in ('1.10', '1E+30', 'NaN', '-0', 'Infinity')]",
    "decimal-key": "{__import__('decimal').Decimal('1'): 1}",
    "tuple": "(1, (2, ()))",
    "namedtuple": "__import__('collections').namedtuple('P', 'x y')(1, [2])",
    "nested-namedtuple": "[__import__('collections').namedtuple('P', 'x y')(1, {})]",
    "ordered": "__import__('collections').OrderedDict(a=1, b={})",
    "int-enum": "__import__('enum').IntEnum('E', 'A B').B",
    "str-enum": "[__import__('enum').Enum('E', {'A': 'x'}, type=str).A]",
    "float-subclass": "type('F', (float,), {'__repr__': lambda s: 'odd'})(1.5)",
    "generator": "(i for i in range(3))",
    "object": "{'o': object()}",
    "empty": "[{}, [], '', ()]",
}


@pytest.mark.parametrize("env", [PLAIN, UNICODE], ids=["ascii", "unicode"])
@pytest.mark.parametrize("name", RESULTS)
def test_result_encoding(python_pair, tmp_path, name, env):
    code = "def handler(event, context):\n    return %s\n" % RESULTS[name]
    same = assert_same(python_pair, tmp_path, {"app.py": code}, "app.handler", [{}], env)
    assert len(same["answers"]) == 1


def test_circular_result(python_pair, tmp_path):
    code = "def handler(event, context):\n    a = {}\n    a['a'] = [a]\n    return a\n"
    same = assert_same(python_pair, tmp_path, {"app.py": code}, "app.handler", [{}, {}])
    assert "Circular reference detected" in same["answers"][0]["body"]


def test_lone_surrogate_ends_the_process(python_pair, tmp_path):
    make_function(tmp_path, {"app.py": "def handler(event, context):\n    return '\\ud800'\n"})
    for client in python_pair:
        outcome = run(client, tmp_path, "app.handler", [{}], UNICODE)
        assert (outcome.answers, outcome.exit_code) == ([], 1)
        assert "UnicodeEncodeError" in outcome.output


EVENTS = [
    {"a": [1, 2.5, None, True, "é☃"]},
    [],
    "text",
    12345678901234567890,
    Event(b' \n{"a" : 1, "a": 2}\t'),
    Event(b'{"s": "\\ud83d\\ude00 \\u0000"}'),
    Event(b'["a'),
    Event(b""),
    Event(b"nothing"),
    Event(b'\xff'),
    Event(b'{"a": 1}', {"Content-Type": "text/plain"}),
    Event(b'{"chunked": true}', chunked=True),
]


def test_event_decoding(python_pair, tmp_path):
    code = "def handler(event, context):\n    return repr(event)\n"
    same = assert_same(python_pair, tmp_path, {"app.py": code}, "app.handler", EVENTS)
    assert len(same["answers"]) == len(EVENTS)


FAILURES = """
class Custom(Exception):
    def __str__(self):
        return "custom text"

def inner(kind):
    if kind == "value": raise ValueError("boom é\\nsecond line")
    if kind == "empty": raise KeyError()
    if kind == "key": return {}["missing"]
    if kind == "custom": raise Custom("ignored")
    if kind == "chained":
        try:
            1 / 0
        except ZeroDivisionError as error:
            raise RuntimeError("outer") from error
    if kind == "import": import no_such_module
    if kind == "eval": return eval("1 +")
    if kind == "recursion": return inner(kind)
    if kind == "group": raise ExceptionGroup("many", [ValueError(1), TypeError(2)])
    if kind == "multi": return sum(
        [1, "x",
         2])

def handler(event, context):
    return inner(event)
"""
KINDS = ["value", "empty", "key", "custom", "chained", "import", "eval", "group", "multi"]


@pytest.mark.parametrize("env", [PLAIN, UNICODE, JSON_LOGS], ids=["text", "unicode", "json"])
def test_handler_errors(python_pair, tmp_path, env):
    same = assert_same(python_pair, tmp_path, {"app.py": FAILURES}, "app.handler", KINDS, env)
    assert [answer["kind"] for answer in same["answers"]] == ["error"] * len(KINDS)


def test_xray_cause(python_pair, tmp_path):
    make_function(tmp_path, {"app.py": FAILURES})
    name = "lambda-runtime-function-xray-error-cause"
    causes = [run(client, tmp_path, "app.handler", KINDS, PLAIN).answers for client in python_pair]
    assert [a.headers.get(name) for a in causes[0]] == [a.headers.get(name) for a in causes[1]]
    assert all("working_directory" in answer.headers[name] for answer in causes[0])


def test_too_large_xray_cause_is_left_out(python_pair, tmp_path):
    code = "def handler(event, context):\n    raise ValueError('x' * 1100000)\n"
    make_function(tmp_path, {"app.py": code})
    for client in python_pair:
        answer, = run(client, tmp_path, "app.handler", [{}], PLAIN).answers
        assert not answer.headers.get("lambda-runtime-function-xray-error-cause")
        assert len(answer.json()["errorMessage"]) == 1100000


INIT_FAILURES = {
    "no-module": ("missing.handler", {}),
    "no-function": ("app.missing", {"app.py": "x = 1\n"}),
    "no-dot": ("app", {"app.py": ""}),
    "syntax": ("app.handler", {"app.py": "def handler(:\n"}),
    "indent": ("app.handler", {"app.py": "def handler():\nreturn 1\n"}),
    "raises": ("app.handler", {"app.py": "def setup():\n    raise RuntimeError('at init')\n\nsetup()\n"}),
    "imports-missing": ("app.handler", {"app.py": "import no_such_module\n"}),
    "from-import": ("app.handler", {"app.py": "from json import no_such_name\n"}),
    "built-in": ("sys.handler", {"sys.py": ""}),
    "deep-missing": ("a/b.handler", {"a/c.py": ""}),
    "name-error": ("app.handler", {"app.py": "undefined_name\n"}),
}


@pytest.mark.parametrize("env", [PLAIN, JSON_LOGS], ids=["text", "json"])
@pytest.mark.parametrize("name", INIT_FAILURES)
def test_init_errors(python_pair, tmp_path, name, env):
    handler, files = INIT_FAILURES[name]
    same = assert_same(python_pair, tmp_path, files, handler, [], env)
    assert same["exit code"] == 1
    assert same["answers"][0]["kind"] == "init/error"


HANDLERS = {
    "plain": ("app.handler", {"app.py": "def handler(e, c): return __name__\n"}),
    "folder": ("src/app.handler", {"src/app.py": "def handler(e, c): return __name__\n"}),
    "dotted": ("src.app.handler", {"src/__init__.py": "", "src/app.py": "def handler(e, c): return __name__\n"}),
    "package": ("pkg.handler", {"pkg/__init__.py": "from .impl import handler\n",
                                "pkg/impl.py": "def handler(e, c): return __name__\n"}),
    "callable": ("app.handler", {"app.py": "class H:\n    def __call__(self, e, c): return 'called'\nhandler = H()\n"}),
    "not-callable": ("app.handler", {"app.py": "handler = 3\n"}),
    "async": ("app.handler", {"app.py": "async def handler(e, c): return 1\n"}),
    "one-argument": ("app.handler", {"app.py": "def handler(e): return 1\n"}),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_handler_forms(python_pair, tmp_path, name):
    handler, files = HANDLERS[name]
    make_function(tmp_path, files)
    ours, theirs = (comparable(client, run(client, tmp_path, handler, [{}], PLAIN)) for client in python_pair)
    for outcome in (ours, theirs):
        lines = [line for line in outcome["output"].split("\n") if "RuntimeWarning" not in line]
        # The warning about a coroutine nobody awaited names a line of the client.
        outcome["output"] = "\n".join(line for line in lines if "await" not in line and "Enable trace" not in line)
    if name == "async":
        import re

        for outcome in (ours, theirs):
            outcome["output"] = re.sub(r"\n  .*", "", outcome["output"])
    assert ours == theirs


LOGGING = """
import logging, sys
logger = logging.getLogger()
named = logging.getLogger("my.module")
def handler(event, context):
    print("plain", event)
    sys.stdout.write("partial "); sys.stdout.write("line\\n")
    print("to stderr", file=sys.stderr)
    logger.debug("debug %s", 1); logger.info("info"); logger.warning("warn %d", 2); logger.error("error é\\nline two")
    named.critical("critical"); logger.log(25, "between"); logger.log(5, "low")
    logger.warning({"a": 1, "when": object}); logger.warning("extra", extra={"user": "u", "n": None, "l": [1]})
    try:
        {}["x"]
    except KeyError:
        logger.exception("caught"); named.warning("with stack", stack_info=False)
    context.log("by context\\n")
    logger.setLevel("DEBUG"); logger.debug("now"); logging.basicConfig(level="INFO"); logging.info("module level")
    import warnings; warnings.warn("careful")
    return type(sys.stdout).__name__
"""
LEVELS = ["TRACE", "DEBUG", "INFO", "WARN", "ERROR", "FATAL", "bogus"]


@pytest.mark.parametrize("level", [None] + LEVELS)
@pytest.mark.parametrize("form", [None, "JSON", "Text"])
def test_logging(python_pair, tmp_path, form, level):
    env = dict(PLAIN)
    if form:
        env["AWS_LAMBDA_LOG_FORMAT"] = form
    if level:
        env["AWS_LAMBDA_LOG_LEVEL"] = level
    event = Event(b"{}", {"Lambda-Runtime-Aws-Tenant-Id": "tenant-a"})
    same = assert_same(python_pair, tmp_path, {"app.py": LOGGING}, "app.handler", [{}, event], env)
    assert "plain {}" in same["output"]


def test_logging_at_import(python_pair, tmp_path):
    code = "import logging\nlogging.warning('at import')\nprint('x')\ndef handler(e, c):\n    logging.error('now')\n"
    same = assert_same(python_pair, tmp_path, {"app.py": code}, "app.handler", [{}])
    assert "[WARNING]\t<time>\t\tat import\nx\n" in same["output"]


CONTEXT = """
import os
def handler(event, context):
    cc, ident = context.client_context, context.identity
    if event == "repr": return repr(context)
    return {
        "vars": sorted(k for k in vars(context) if not k.startswith("_")),
        "remaining": context.get_remaining_time_in_millis() > 10**9,
        "cc": cc and [cc.custom, cc.env, cc.client and [cc.client.installation_id, cc.client.app_title]],
        "identity": [ident.cognito_identity_id, ident.cognito_identity_pool_id],
        "tenant": context.tenant_id, "trace": os.environ.get("_X_AMZN_TRACE_ID"), "w3c": context.w3c(),
        "arn": context.invoked_function_arn, "id": context.aws_request_id, "group": context.log_group_name,
    }
"""
CLIENT = '{"custom": {"k": "é"}, "env": {"e": 1}, "client": {"installation_id": "i", "app_title": "t"}, "w3c": {"traceparent": "00-1"}}'


def test_context(python_pair, tmp_path):
    rich = {
        "Lambda-Runtime-Client-Context": CLIENT,
        "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId": "c", "cognitoIdentityPoolId": "p"}',
        "Lambda-Runtime-Trace-Id": "Root=1-2-3;Sampled=1",
        "Lambda-Runtime-Aws-Tenant-Id": "tenant-a",
    }
    broken = {"Lambda-Runtime-Client-Context": "{not json"}
    events = [Event(b"{}", rich), {}, Event(b'"repr"', rich), Event(b"{}", broken), {},
              Event(b"{}", {"Lambda-Runtime-Cognito-Identity": "null"})]
    same = assert_same(python_pair, tmp_path, {"app.py": CONTEXT}, "app.handler", events)
    assert [a["kind"] for a in same["answers"]] == ["response"] * 3 + ["error"] + ["response"] * 2


ENDINGS = {
    "sys-exit-0": ("import sys; sys.exit(0)", 0),
    "sys-exit-3": ("import sys; sys.exit(3)", 3),
    "sys-exit-text": ("import sys; sys.exit('bye')", 1),
    "exit-builtin": ("exit(4)", 4),
    "os-exit": ("import os; os._exit(5)", 5),
    "keyboard": ("raise KeyboardInterrupt", -2),
    "base": ("raise BaseException('x')", 1),
    "generator-exit": ("raise GeneratorExit", 1),
    "segfault": ("import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", -11),
}


@pytest.mark.parametrize("where", ["handler", "module"])
@pytest.mark.parametrize("name", ENDINGS)
def test_endings(python_pair, tmp_path, name, where):
    statement, code = ENDINGS[name]
    body = "def handler(e, c):\n    pass\n    %s\n" if where == "handler" else "%s\ndef handler(e, c): pass\n"
    make_function(tmp_path, {"app.py": body % statement})
    for client in python_pair:
        outcome = run(client, tmp_path, "app.handler", [{}], PLAIN)
        assert (outcome.answers, outcome.exit_code) == ([], code), client.name


def test_refused_result_ends_the_process(python_pair, tmp_path):
    make_function(tmp_path, {"app.py": "def handler(event, context):\n    return 1\n"})
    for client in python_pair:
        outcome = run(client, tmp_path, "app.handler", [{}, {}], PLAIN, post_status=413)
        assert ([answer.kind for answer in outcome.answers], outcome.exit_code) == (["response"], 1), client.name


def test_large_event_and_result(python_pair, tmp_path):
    code = "def handler(event, context):\n    return {'n': len(event['x']), 'y': event['x']}\n"
    event = Event(b'{"x": "' + b"a" * (6 << 20) + b'"}')
    make_function(tmp_path, {"app.py": code})
    bodies = [run(client, tmp_path, "app.handler", [event], PLAIN).answers[0].body for client in python_pair]
    assert bodies[0] == bodies[1] and len(bodies[0]) > 6 << 20
