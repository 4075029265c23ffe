# SPDX-License-Identifier: Apache-2.0
"""How the clients are started: search paths, the wrapper script, fast start, and what an older AWS answer shows."""

import json
import os
import subprocess
import sys
from dataclasses import replace

import pytest
from fake_api import Event, FakeApi
from harness import RUNTIMES, base_env, make_function, run

PATHS = "import sys\ndef handler(e, c): return sys.path\n"


def test_python_search_path(python_client, tmp_path):
    code, extra, opt = tmp_path / "code", tmp_path / "extra", tmp_path / "opt"
    make_function(code, {"app.py": PATHS})
    env = {"LAMBENT_OPT_DIR": str(opt), "PYTHONPATH": "%s:%s" % (python_client.env["LAMBDA_RUNTIME_DIR"], extra)}
    path = run(python_client, code, "app.handler", [{}], env).answers[0].json()
    version = "python%d.%d" % sys.version_info[:2]
    runtime = python_client.env["LAMBDA_RUNTIME_DIR"]
    layers = ["%s/python/lib/%s/site-packages" % (opt, version), "%s/python" % opt]
    assert path[:5] == [str(code), *layers, runtime, str(extra)]
    assert not [entry for entry in path[5:] if entry.endswith("-packages")]


def test_python_layer_order(python_client, tmp_path):
    code, opt = tmp_path / "code", tmp_path / "opt"
    version = "python%d.%d" % sys.version_info[:2]
    make_function(code, {"app.py": "import m1, m2, m3\ndef handler(e, c): return [m1.x, m2.x, m3.x]\n",
                         "m1.py": "x = 'code'\n"})
    make_function(opt, {"python/m1.py": "x = 'layer'\n", "python/m2.py": "x = 'layer'\n", "python/m3.py": "x = 'layer'\n",
                        "python/lib/%s/site-packages/m2.py" % version: "x = 'site'\n"})
    outcome = run(python_client, code, "app.handler", [{}], {"LAMBENT_OPT_DIR": str(opt)})
    assert outcome.answers[0].json() == ["code", "site", "layer"]


def test_python_sitecustomize_comes_by_pythonpath(python_client, tmp_path):
    code, extra = tmp_path / "code", tmp_path / "extra"
    make_function(code, {"app.py": "import builtins\ndef handler(e, c): return builtins.marked\n"})
    make_function(extra, {"sitecustomize.py": "import builtins, logging\nbuiltins.marked = 'yes'\n"})
    outcome = run(python_client, code, "app.handler", [{}], {"PYTHONPATH": str(extra)})
    assert outcome.answers[0].json() == "yes"


def test_python_shadowed_logging_is_the_standard_one(python_client, tmp_path):
    code = "import logging\ndef handler(e, c):\n    logging.warning('real')\n    return 1\n"
    make_function(tmp_path, {"app.py": code, "logging.py": "raise RuntimeError('shadow')\n"})
    outcome = run(python_client, tmp_path, "app.handler", [{}])
    assert outcome.answers[0].body == b"1" and "[WARNING]" in outcome.output


def test_python_imports_little_before_the_first_poll(python_client, tmp_path):
    code = "import sys\nloaded = sorted(sys.modules)\ndef handler(e, c): return loaded\n"
    make_function(tmp_path, {"app.py": code})
    loaded = run(python_client, tmp_path, "app.handler", [{}]).answers[0].json()
    assert not {"json", "logging", "traceback", "re", "http", "socket", "importlib", "typing"} & set(loaded)


def test_python_module_error_begins_in_importlib(python_client, tmp_path):
    make_function(tmp_path, {"app.py": "raise Exception('Runtime startup fails')\n"})
    answer, = run(python_client, tmp_path, "app.handler", []).answers
    error = answer.json()
    assert (error["errorType"], error["requestId"]) == ("Exception", "")
    assert 'importlib/__init__.py", line' in error["stackTrace"][0]
    assert error["stackTrace"][0].endswith("in import_module\n    return _bootstrap._gcd_import(name[level:], package, level)\n")
    assert all("frozen importlib" in entry for entry in error["stackTrace"][1:-1])
    assert error["stackTrace"][-1].endswith("app.py\", line 1, in <module>\n    raise Exception('Runtime startup fails')\n")


def test_python38_errors_have_no_request_id(python_client, tmp_path):
    make_function(tmp_path, {"app.py": "def handler(e, c): raise ValueError('x')\n"})
    answer, = run(python_client, tmp_path, "app.handler", [{}], {"AWS_EXECUTION_ENV": "AWS_Lambda_python3.8"}).answers
    assert list(answer.json()) == ["errorMessage", "errorType", "stackTrace"]


HOOKS = """
from snapshot_restore_py import register_before_snapshot, register_after_restore
seen = []
register_before_snapshot(seen.append, "b1"); register_before_snapshot(seen.append, "b2")
register_after_restore(seen.append, "a1")
@register_after_restore
def last(): seen.append("a2")
def handler(e, c): return seen
"""


def test_python_snapshot_hooks(python_client, tmp_path):
    make_function(tmp_path, {"app.py": HOOKS})
    outcome = run(python_client, tmp_path, "app.handler", [{}], {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
    assert [answer.kind for answer in outcome.answers] == ["restore/next", "response"]
    assert outcome.answers[1].json() == ["b2", "b1", "a1", "a2"]


@pytest.mark.parametrize("phase,kind,status", [("before_snapshot", "init/error", 64), ("after_restore", "restore/error", 65)])
def test_python_failing_snapshot_hook(python_client, tmp_path, phase, kind, status):
    code = "import snapshot_restore_py as s\n@s.register_%s\ndef f(): raise ValueError('h')\ndef handler(e, c): pass\n"
    make_function(tmp_path, {"app.py": code % phase})
    outcome = run(python_client, tmp_path, "app.handler", [], {"AWS_LAMBDA_INITIALIZATION_TYPE": "snap-start"})
    last = outcome.answers[-1]
    name = {"init/error": "Runtime.BeforeSnapshotError", "restore/error": "Runtime.AfterRestoreError"}[kind]
    assert (last.kind, last.headers["lambda-runtime-function-error-type"], outcome.exit_code) == (kind, name, status)


@pytest.fixture(params=["python", "nodejs"])
def wrapped(request):
    """A client started through its wrapper script, with a function that answers its environment's MARK."""
    if request.param == "python":
        client = request.getfixturevalue("python_client")
        files = {"app.py": "import os\ndef handler(e, c): return os.environ.get('MARK')\n"}
    else:
        client = request.getfixturevalue("node_client")
        files = {"app.js": "exports.handler = async () => process.env.MARK;\n"}
    script = RUNTIMES / request.param / "bootstrap"
    return replace(client, argv=[str(script), *client.argv]), files


def write_wrapper(folder, text, mode=0o755):
    wrapper = folder / "wrapper"
    wrapper.write_text(text)
    wrapper.chmod(mode)
    return {"AWS_LAMBDA_EXEC_WRAPPER": str(wrapper)}


def test_wrapper_runs_the_interpreter(wrapped, tmp_path):
    client, files = wrapped
    make_function(tmp_path, files)
    env = write_wrapper(tmp_path, '#!/bin/sh\nexport MARK="$#:$(basename "$1")"\nexec "$@"\n')
    mark = run(client, tmp_path, "app.handler", [{}], env).answers[0].json()
    assert mark == "%d:%s" % (len(client.argv) - 1, os.path.basename(client.argv[1]))


def test_no_wrapper(wrapped, tmp_path):
    client, files = wrapped
    make_function(tmp_path, files)
    assert run(client, tmp_path, "app.handler", [{}], {"MARK": "m"}).answers[0].json() == "m"


def test_missing_wrapper(wrapped, tmp_path):
    client, files = wrapped
    make_function(tmp_path, files)
    outcome = run(client, tmp_path, "app.handler", [], {"AWS_LAMBDA_EXEC_WRAPPER": "/nonexistent/w"})
    assert (outcome.exit_code, outcome.output) == (127, "/nonexistent/w: does not exist\n")


def test_wrapper_without_execute_permission(wrapped, tmp_path):
    client, files = wrapped
    make_function(tmp_path, files)
    env = write_wrapper(tmp_path, "#!/bin/sh\n", 0o644)
    outcome = run(client, tmp_path, "app.handler", [], env)
    assert (outcome.exit_code, outcome.output) == (126, env["AWS_LAMBDA_EXEC_WRAPPER"] + ": is not an executable\n")


def test_node_layers(node_client, tmp_path):
    code, opt = tmp_path / "code", tmp_path / "opt"
    make_function(code, {"app.js": "exports.handler = async () => [require('one'), require('two')];\n"})
    make_function(opt, {"nodejs/node_modules/one/index.js": "module.exports = 'any';\n",
                        "nodejs/node_modules/two/index.js": "module.exports = 'any';\n",
                        "nodejs/node20/node_modules/two/index.js": "module.exports = '20';\n"})
    outcome = run(node_client, code, "app.handler", [{}], {"LAMBENT_OPT_DIR": str(opt)})
    assert outcome.answers[0].json() == ["any", "20"]


def test_node_missing_module_names_awss_entry(node_client, tmp_path):
    env = {"LAMBDA_RUNTIME_DIR": "/var/runtime"}
    answer, = run(node_client, tmp_path, "index.handler", [], env).answers
    assert answer.json()["errorMessage"] == "Error: Cannot find module 'index'\nRequire stack:\n- /var/runtime/index.mjs"


def test_node_callback_is_refused_from_24_on(modern_node_client, tmp_path):
    make_function(tmp_path, {"app.js": "exports.handler = (e, c, cb) => cb();\n"})
    outcome = run(modern_node_client, tmp_path, "app.handler", [])
    assert outcome.answers[0].json()["errorType"] == "Runtime.CallbackHandlerDeprecated"
    assert outcome.exit_code == 1


def test_node_invoke_store(modern_node_client, tmp_path):
    code = "const s = awslambda.InvokeStore;\nexports.handler = async () => [s.getRequestId(), s.getXRayTraceId()];\n"
    make_function(tmp_path, {"app.js": code})
    event = Event(b"{}", {"Lambda-Runtime-Trace-Id": "Root=1"})
    answer, = run(modern_node_client, tmp_path, "app.handler", [event]).answers
    assert answer.json() == [event.request_id, "Root=1"]


@pytest.mark.parametrize("client_name,files", [
    ("python_client", {"app.py": "import logging\ndef handler(e, c): logging.error('two\\nlines')\n"}),
    ("node_client", {"app.js": "exports.handler = async () => console.error('two\\nlines');\n"}),
])
def test_framed_logs(request, tmp_path, client_name, files):
    client = request.getfixturevalue(client_name)
    make_function(tmp_path, files)
    api = FakeApi()
    api.push(Event())
    read_end, write_end = os.pipe()
    env = {**base_env(tmp_path, api), **client.env, "_HANDLER": "app.handler", "AWS_LAMBDA_LOG_LEVEL": "INFO",
           "_LAMBDA_TELEMETRY_LOG_FD": str(write_end)}
    process = subprocess.Popen(client.argv, env=env, cwd=tmp_path, pass_fds=[write_end], stdin=subprocess.DEVNULL)
    os.close(write_end)
    try:
        assert api.take("response").body == b"null"
    finally:
        process.kill()
        process.wait()
        api.close()
    with os.fdopen(read_end, "rb") as stream:
        frames = stream.read()
    assert frames[:4] == bytes.fromhex("a55a0017")
    assert int.from_bytes(frames[4:8], "big") == len(frames) - 16
    assert b"\ttwo\nlines\n" in frames[16:]


@pytest.mark.parametrize("client_name,files", [
    ("python_client", {"app.py": "def handler(e, c): return e\n"}),
    ("node_client", {"app.js": "exports.handler = async (e) => e;\n"}),
])
def test_connection_is_kept_and_replaced(request, tmp_path, client_name, files):
    client = request.getfixturevalue(client_name)
    make_function(tmp_path, files)
    for close_after_each in (False, True):
        api = FakeApi()
        api.close_after_each = close_after_each
        for number in range(3):
            api.push(Event(json.dumps(number).encode()))
        env = {**base_env(tmp_path, api), **client.env, "_HANDLER": "app.handler"}
        process = subprocess.Popen(client.argv, env=env, cwd=tmp_path, stdin=subprocess.DEVNULL)
        try:
            assert [api.take("response").body for _ in range(3)] == [b"0", b"1", b"2"]
            assert (api.connection_count == 1) is not close_after_each
        finally:
            process.kill()
            process.wait()
            api.close()


def test_node_back_pressure(node_client, tmp_path):
    """A caller that does not read must stop the function from producing: `write` says so and `drain` does not come."""
    code = """
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  let written = 0;
  while (stream.write('x'.repeat(65536))) written += 1;
  require('fs').writeFileSync(event.file, String(written));
  stream.end();
});
"""
    make_function(tmp_path, {"app.js": code})
    written = tmp_path / "written"
    answer, = run(node_client, tmp_path, "app.handler", [{"file": str(written)}]).answers
    assert len(answer.body) == (int(written.read_text()) + 1) * 65536
    assert len(answer.body) < 1 << 20


def test_node_broken_pipeline_cuts_the_connection(node_client, tmp_path):
    code = """
const { pipeline } = require('stream/promises');
exports.handler = awslambda.streamifyResponse(async (event, stream) => {
  if (event.good) { stream.end('fine'); return; }
  await pipeline(async function* () { yield 'part'; throw new Error('source'); }, stream);
});
"""
    make_function(tmp_path, {"app.js": code})
    # The truncated request never becomes complete at the peer, so only the second one is recorded.
    outcome = run(node_client, tmp_path, "app.handler", [{}, {"good": 1}], await_next=False, timeout=10,
                  expected=1)
    assert [answer.body for answer in outcome.answers] == [b"fine"]
    assert "source" in outcome.output


def test_node_parallel_invocations(modern_node_client, tmp_path):
    # The first invocation is answered only if the second one runs beside it.
    code = """
const met = new Promise((resolve) => { globalThis.meet = resolve; });
exports.handler = async (event) => {
  if (event.first) await met; else globalThis.meet();
  return awslambda.InvokeStore.getRequestId();
};
"""
    make_function(tmp_path, {"app.js": code})
    env = {"AWS_LAMBDA_MAX_CONCURRENCY": "4", "AWS_LAMBDA_NODEJS_WORKER_COUNT": "1"}
    events = [Event(b'{"first": true}'), Event(b"{}")]
    outcome = run(modern_node_client, tmp_path, "app.handler", events, env, await_next=False)
    assert {answer.json() for answer in outcome.answers} == {event.request_id for event in events}


def test_python_parallel_invocations(python_client, tmp_path):
    # Opening either end of the pipe waits for the other end.
    code = "def handler(e, c):\n    open(e['pipe'], e['mode']).close()\n    return c.aws_request_id\n"
    make_function(tmp_path, {"app.py": code})
    pipe = str(tmp_path / "pipe")
    os.mkfifo(pipe)
    events = [Event(json.dumps({"pipe": pipe, "mode": mode}).encode()) for mode in "rw"]
    outcome = run(python_client, tmp_path, "app.handler", events, {"AWS_LAMBDA_MAX_CONCURRENCY": "2"}, await_next=False)
    assert {answer.json() for answer in outcome.answers} == {event.request_id for event in events}


@pytest.mark.parametrize("thrower,status", [("throw new Error('late')", 129), ("Promise.reject(new Error('late'))", 128)])
def test_node_stray_error_while_polling(node_client, tmp_path, thrower, status):
    """Reported beside the pending poll; AWS's own client blocks for ever here."""
    code = "exports.handler = async () => { setTimeout(() => { %s; }, 50); return 1; };\n" % thrower
    make_function(tmp_path, {"app.js": code})
    # One answer more than can come: only the end of the process ends this.
    outcome = run(node_client, tmp_path, "app.handler", [{}], expected=3)
    assert [answer.kind for answer in outcome.answers] == ["response", "error"]
    assert outcome.exit_code == status
