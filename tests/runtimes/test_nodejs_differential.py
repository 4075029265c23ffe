# SPDX-License-Identifier: Apache-2.0
"""Our Node.js client against AWS's own, in both of its generations."""

import re

import pytest
from fake_api import Event
from harness import comparable, make_function, run

TEXT = {}
JSON_LOGS = {"AWS_LAMBDA_LOG_FORMAT": "JSON", "AWS_LAMBDA_LOG_LEVEL": "INFO"}


@pytest.fixture(params=["classic", "modern"])
def pair(request):
    return request.getfixturevalue("node_pair" if request.param == "classic" else "node24_pair")


def is_modern(pair):
    return pair[0].env["AWS_EXECUTION_ENV"].endswith("24.x")


def assert_same(pair, folder, files, handler, events, env=TEXT):
    make_function(folder, files)
    ours, theirs = (comparable(client, run(client, folder, handler, events, env)) for client in pair)
    assert ours == theirs
    return ours


def assert_same_answers(pair, folder, files, handler, events, env=TEXT):
    """For endings whose last words on stderr are Node's own report of the client's source line."""
    make_function(folder, files)
    ours, theirs = (comparable(client, run(client, folder, handler, events, env)) for client in pair)
    assert (ours["answers"], ours["exit code"]) == (theirs["answers"], theirs["exit code"])
    return ours


RESULTS = {
    "undefined": "undefined",
    "null": "null",
    "text": "'é \\u2028 \\ud800'",
    "number": "-0",
    "nan": "NaN",
    "object": "({a: [1, undefined, () => 1, Symbol('x')], u: undefined, d: new Date(0), m: new Map([[1, 2]])})",
    "to-json": "({toJSON() { return 'mine'; }})",
    "bigint": "10n",
    "function": "() => 1",
    "buffer": "Buffer.from('ab')",
    "circular": "(() => { const a = {}; a.a = a; return a; })()",
    "throwing-to-json": "({toJSON() { throw new Error('no'); }})",
}


@pytest.mark.parametrize("name", RESULTS)
def test_result_encoding(pair, tmp_path, name):
    code = "exports.handler = async () => %s;\n" % RESULTS[name]
    assert_same(pair, tmp_path, {"app.js": code}, "app.handler", [{}, {}])


FAILURES = """
class Custom extends Error { constructor(m) { super(m); this.name = 'CustomName'; this.extra = {a: 1}; } }
const kinds = {
  error: () => { throw new Error('boom é\\nsecond'); },
  type: () => null.x,
  custom: () => { throw new Custom('c'); },
  coded: () => { const e = new Error('e'); e.code = 'E_CODE'; throw e; },
  string: () => { throw 'just text'; },
  number: () => { throw 42; },
  object: () => { throw {message: 'm', name: 'n'}; },
  nothing: () => { throw null; },
  undefined: () => { throw undefined; },
  cause: () => { throw new Error('outer', {cause: new Error('inner')}); },
  del: () => { throw new Error('a\\x7fb'); },
  nostack: () => { const e = new Error('ns'); e.stack = undefined; throw e; },
  empty: () => { throw new Error(); },
  range: () => { throw new RangeError('r'); },
};
exports.handler = async (event) => kinds[event]();
exports.sync = (event) => kinds[event]();
exports.kinds = kinds;
"""
KINDS = ["error", "type", "custom", "coded", "string", "number", "object", "cause", "del", "empty", "range"]
ODD_KINDS = ["nothing", "undefined", "nostack"]


@pytest.mark.parametrize("env", [TEXT, JSON_LOGS], ids=["text", "json"])
@pytest.mark.parametrize("handler", ["handler", "sync"])
def test_handler_errors(pair, tmp_path, handler, env):
    same = assert_same(pair, tmp_path, {"app.js": FAILURES}, "app." + handler, KINDS, env)
    assert [answer["kind"] for answer in same["answers"]] == ["error"] * len(KINDS)


@pytest.mark.parametrize("kind", ODD_KINDS)
def test_odd_errors(pair, tmp_path, kind):
    assert_same_answers(pair, tmp_path, {"app.js": FAILURES}, "app.handler", [kind])


def test_xray_cause(pair, tmp_path):
    make_function(tmp_path, {"app.js": FAILURES})
    name = "lambda-runtime-function-xray-error-cause"
    causes = []
    for client in pair:
        answers = run(client, tmp_path, "app.handler", KINDS, TEXT).answers
        own = r'\{"path":"(?:[^"]*(?:%s|node)[^"]*|file)","line":\w+,"label":"[^"]*"\},?' % client.own_frames
        texts = [re.sub(own, "", answer.headers[name]) for answer in answers]
        causes.append([re.sub(r'"paths":.*', "", text).replace(",]", "]") for text in texts])
    assert causes[0] == causes[1]


INIT_FAILURES = {
    "no-module": ("missing.handler", {}),
    "no-export": ("app.missing", {"app.js": "exports.x = 1;\n"}),
    "not-function": ("app.x", {"app.js": "exports.x = 1;\n"}),
    "no-dot": ("app", {"app.js": ""}),
    "dots": ("../app.handler", {"app.js": ""}),
    "syntax": ("app.handler", {"app.js": "exports.handler = async ( => 1;\n"}),
    "syntax-mjs": ("app.handler", {"app.mjs": "export const handler = async ( => 1;\n"}),
    "raises": ("app.handler", {"app.js": "throw new Error('at init');\n"}),
    "raises-mjs": ("app.handler", {"app.mjs": "throw new TypeError('at init');\n"}),
    "requires-missing": ("app.handler", {"app.js": "require('no-such-module');\n"}),
    "imports-missing": ("app.handler", {"app.mjs": "import x from 'no-such-module';\n"}),
    "await-fails": ("app.handler", {"app.mjs": "await Promise.reject(new Error('tla'));\n"}),
    "uncaught": ("app.handler", {"app.mjs": "setTimeout(() => { throw new Error('stray'); }, 1);\n"
                                 "await new Promise(() => setTimeout(() => {}, 100000));\n"}),
    "rejection": ("app.handler", {"app.mjs": "setTimeout(() => Promise.reject(new Error('stray')), 1);\n"
                                  "await new Promise(() => setTimeout(() => {}, 100000));\n"}),
    "esm-in-js": ("app.handler", {"app.js": "export const handler = async () => 1;\n"}),
    "bad-streaming": ("app.handler", {"app.js": "exports.handler = async () => 1;\n"
                                      "exports.handler[Symbol.for('aws.lambda.runtime.handler.streaming')] = 'odd';\n"}),
}


@pytest.mark.parametrize("name", INIT_FAILURES)
def test_init_errors(pair, tmp_path, name):
    if name == "bad-streaming" and not is_modern(pair):
        pytest.skip("AWS's older client trips over a name of its own here")
    handler, files = INIT_FAILURES[name]
    make_function(tmp_path, files)
    views = []
    for client in pair:
        outcome = run(client, tmp_path, handler, [], TEXT)
        bodies = [answer.json() for answer in outcome.answers]
        for body in bodies:
            # What is required is named with its requirers, the first of which is the client.
            body["errorMessage"] = re.sub(r"\nRequire stack:.*", "", body["errorMessage"], flags=re.S)
            del body["trace"]
        types = [answer.headers.get("lambda-runtime-function-error-type") for answer in outcome.answers]
        views.append((bodies, types, outcome.exit_code))
    assert views[0] == views[1]


HANDLERS = {
    "commonjs": ("app.handler", {"app.js": "exports.handler = async () => typeof require;\n"}),
    "cjs": ("app.handler", {"app.cjs": "exports.handler = async () => 'cjs';\n"}),
    "mjs": ("app.handler", {"app.mjs": "export const handler = async () => typeof require;\n"}),
    "module-package": ("app.handler", {"package.json": '{"type": "module"}',
                                       "app.js": "export const handler = async () => import.meta.url.slice(0, 5);\n"}),
    "module-parent": ("src/app.handler", {"package.json": '{"type": "module"}',
                                          "src/app.js": "export const handler = async () => 'esm';\n"}),
    "nested-commonjs-package": ("src/app.handler", {"package.json": '{"type": "module"}', "src/package.json": "{}",
                                                    "src/app.js": "exports.handler = async () => 'cjs';\n"}),
    "folder": ("a/b/app.handler", {"a/b/app.js": "exports.handler = async () => __filename.slice(-10);\n"}),
    "nested-export": ("app.a.b.handler", {"app.js": "exports.a = {b: {handler: async () => 'deep'}};\n"}),
    "default-export": ("app.default", {"app.mjs": "export default async () => 'default';\n"}),
    "top-level-await": ("app.handler", {"app.mjs": "const x = await new Promise((r) => setTimeout(r, 5, 'late'));\n"
                                        "export const handler = async () => x;\n"}),
    "from-node-modules": ("pkg.handler", {"node_modules/pkg/index.js": "exports.handler = async () => 'pkg';\n"}),
    "function-exports": ("app.handler", {"app.js": "module.exports = function () {}; "
                                         "module.exports.handler = async () => 'fn';\n"}),
    "sync-value": ("app.handler", {"app.js": "exports.handler = () => 'sync';\n"}),
    "thenable": ("app.handler", {"app.js": "exports.handler = () => ({then: (ok) => Promise.resolve(ok('then'))});\n"}),
    "class": ("app.handler", {"app.js": "exports.handler = class {};\n"}),
    "js-before-mjs": ("app.handler", {"app.js": "exports.handler = async () => 'js';\n",
                                      "app.mjs": "export const handler = async () => 'mjs';\n"}),
    "import-from-cjs": ("app.handler", {"app.js": "exports.handler = async () => (await import('./b.mjs')).x;\n",
                                        "b.mjs": "export const x = 'b';\n"}),
    "callback-arity": ("app.handler", {"app.js": "exports.handler = (e, c, cb) => cb(null, 'cb');\n"}),
}


@pytest.mark.parametrize("name", HANDLERS)
def test_handler_forms(pair, tmp_path, name):
    handler, files = HANDLERS[name]
    compare = assert_same_answers if is_modern(pair) else assert_same
    compare(pair, tmp_path, files, handler, [{}, {}])


CALLBACKS = {
    "later": "(e, c, cb) => { setTimeout(() => { console.log('late'); }, 30); cb(null, 'early'); }",
    "no-wait": "(e, c, cb) => { c.callbackWaitsForEmptyEventLoop = false; cb(null, 'now'); }",
    "error": "(e, c, cb) => cb(new Error('by callback'))",
    "error-text": "(e, c, cb) => cb('text')",
    "twice": "(e, c, cb) => { cb(null, 1); cb(null, 2); }",
    "never": "(e, c, cb) => { setTimeout(() => {}, 10); }",
    "timer": "(e, c, cb) => { setTimeout(cb, 10, null, 'timer'); }",
    "succeed": "(e, c) => c.succeed({a: 1})",
    "fail": "(e, c) => c.fail(new TypeError('f'))",
    "fail-empty": "(e, c) => c.fail()",
    "done": "(e, c) => c.done(null, 'd')",
    "done-error": "(e, c) => c.done(new Error('d'))",
    "succeed-then-callback": "(e, c, cb) => { c.succeed(1); cb(null, 2); }",
    "pending-forever": "async () => new Promise(() => {})",
    "sync-return": "() => 'ignored'",
}


@pytest.mark.parametrize("name", CALLBACKS)
def test_callbacks(node_pair, tmp_path, name):
    code = "exports.handler = %s;\n" % CALLBACKS[name]
    assert_same(node_pair, tmp_path, {"app.js": code}, "app.handler", [{}, {}])


STRAY = {
    "uncaught": "async () => { setTimeout(() => { throw new Error('stray'); }, 1); await new Promise(() => setTimeout(() => {}, 99)); }",
    "rejection": "async () => { Promise.reject(new Error('stray')); await new Promise((r) => setTimeout(r, 99)); }",
    "rejection-text": "async () => { Promise.reject('why'); await new Promise((r) => setTimeout(r, 99)); }",
    "exit-0": "async () => process.exit(0)",
    "exit-7": "async () => process.exit(7)",
    "abort": "async () => process.abort()",
    "exit-code-only": "async () => { process.exitCode = 3; return 1; }",
}


@pytest.mark.parametrize("name", STRAY)
def test_stray_errors_and_exits(pair, tmp_path, name):
    code = "exports.handler = %s;\n" % STRAY[name]
    compare = assert_same_answers if is_modern(pair) or name == "abort" else assert_same
    compare(pair, tmp_path, {"app.js": code}, "app.handler", [{}])


LOGGING = """
console.log('at init %d', 1);
exports.handler = async (event, context) => {
  console.log('plain', event, {a: {b: {c: {}}}}); console.info('%s-%j', 'x', {y: 1}); console.warn('two\\nlines');
  console.error(new TypeError('logged')); console.error('with', new Error('second')); console.debug({deep: [1]});
  console.trace('trace'); console.fatal('fatal'); console.log(); console.log(undefined); console.log(null, 1n);
  console.log({big: 1n}); console.log('é☃', Symbol('s')); const c = {}; c.c = c; console.log(c);
  process.stdout.write('raw line\\n'); console.log({e: new RangeError('inside')}); console.log(42); console.log([1, 'a']);
  return Object.keys(context);
};
"""


@pytest.mark.parametrize("level", [None, "TRACE", "debug", "INFO", "WARN", "ERROR", "FATAL", "bogus"])
@pytest.mark.parametrize("form", [None, "JSON", "Text"])
def test_logging(pair, tmp_path, form, level):
    env = {}
    if form:
        env["AWS_LAMBDA_LOG_FORMAT"] = form
    if level:
        env["AWS_LAMBDA_LOG_LEVEL"] = level
    event = Event(b"{}", {"Lambda-Runtime-Aws-Tenant-Id": "tenant-a"})
    same = assert_same(pair, tmp_path, {"app.js": LOGGING}, "app.handler", [{}, event], env)
    assert "raw line" in same["output"]


CONTEXT = """
exports.handler = async (event, context) => ({
  keys: Object.keys(context), remaining: context.getRemainingTimeInMillis() > 1e9, context,
  trace: process.env._X_AMZN_TRACE_ID, has: '_X_AMZN_TRACE_ID' in process.env,
});
"""


def test_context(pair, tmp_path):
    rich = {
        "Lambda-Runtime-Client-Context": '{"custom": {"k": "é"}}',
        "Lambda-Runtime-Cognito-Identity": '{"cognitoIdentityId":"c","cognitoIdentityPoolId":"p"}',
        "Lambda-Runtime-Trace-Id": "Root=1-2-3;Sampled=1",
        "Lambda-Runtime-Aws-Tenant-Id": "tenant-a",
    }
    assert_same(pair, tmp_path, {"app.js": CONTEXT}, "app.handler", [Event(b"{}", rich), {}])


STREAMS = {
    "simple": "async (e, s) => { s.write('a'); s.write(Buffer.from('b')); s.end('c'); }",
    "objects": "async (e, s) => { s.write({a: 1}); s.write([1]); s.write(5); s.end(); }",
    "content-type": "async (e, s) => { s.setContentType('text/html'); s.write('<p>'); s.end(); }",
    "too-late": "async (e, s) => { s.write('x'); s.setContentType('text/html'); }",
    "prelude": "async (e, s) => { s = awslambda.HttpResponseStream.from(s, {statusCode: 201, headers: {a: 'b'}}); "
               "s.write('body'); s.end(); }",
    "prelude-end-only": "async (e, s) => { s = awslambda.HttpResponseStream.from(s, {statusCode: 201}); s.end('body'); }",
    "empty": "async (e, s) => { s.end(); }",
    "error-first": "async (e, s) => { throw new Error('before'); }",
    "error-mid": "async (e, s) => { s.write('part'); throw new TypeError('mid'); }",
    "error-text": "async (e, s) => { s.write('part'); throw 'text'; }",
    "not-async": "(e, s) => { s.write('x'); s.end(); }",
    "returns": "async (e, s) => { s.write('x'); s.end(); return 1; }",
    "pipeline": "async (e, s) => { await require('stream/promises').pipeline(require('stream').Readable.from(['a', 'b']), s); }",
    "async-iterator": "async (e, s) => { await require('stream/promises').pipeline(async function* () { yield 'x'; yield 'y'; }, s); }",
    "transform": "async (e, s) => { await require('stream/promises').pipeline(require('stream').Readable.from([Buffer.alloc(1000)]), "
                 "require('zlib').createGzip(), s); }",
    "drain": "async (e, s) => { for (let i = 0; i < 64; i++) { if (!s.write('x'.repeat(65536))) "
             "await new Promise((r) => s.once('drain', r)); } s.end(); }",
    "finish-event": "async (e, s) => { s.write('a'); await new Promise((r) => { s.on('finish', r); s.end(); }); console.log('done'); }",
    "properties": "async (e, s) => { const k = ['writableEnded', 'writableFinished', 'writableObjectMode', 'writableCorked', 'destroyed'];"
                  "console.log(k.map((n) => s[n])); s.end('x'); console.log(s.writableEnded); }",
    "high-water-mark": None,
}


def run_patiently(client, folder, events, tries, **options):
    for left in reversed(range(tries)):
        try:
            return run(client, folder, "app.handler", events, TEXT, **options)
        except AssertionError:
            if not left:
                raise


@pytest.mark.parametrize("name", STREAMS)
def test_streaming(pair, tmp_path, name):
    handler, options = STREAMS[name], ""
    if name == "high-water-mark":
        handler, options = STREAMS["drain"], ", {highWaterMark: 4096}"
    code = "exports.handler = awslambda.streamifyResponse(%s%s);\n" % (handler, options)
    # After an error in a stream, AWS's newer client does not poll again.
    fails = is_modern(pair) and (name.startswith("error") or name == "too-late")
    make_function(tmp_path, {"app.js": code})
    events = [{}] if fails else [{}, {}]
    # Nor, one time in ten, after a handler that returned before its stream's end; ours always does.
    tries = {"aws": 5} if is_modern(pair) and name == "not-async" else {}
    outcomes = [run_patiently(client, tmp_path, events, tries.get(client.name, 1), await_next=not fails) for client in pair]
    same, theirs = (comparable(client, outcome) for client, outcome in zip(pair, outcomes))
    assert same == theirs
    assert same["answers"][0]["lambda-runtime-function-response-mode"] == "streaming"


@pytest.mark.parametrize("status", [400, 413])
def test_refused_result_is_passed_over(pair, tmp_path, status):
    make_function(tmp_path, {"app.js": "exports.handler = async (e) => { if (e.bad) throw new Error('x'); return 1; };\n"})
    for client in pair:
        outcome = run(client, tmp_path, "app.handler", [{}, {"bad": 1}, {}], TEXT, post_status=status)
        assert [answer.kind for answer in outcome.answers] == ["response", "error", "response"], client.name
        assert outcome.exit_code is None


def test_large_event_and_result(pair, tmp_path):
    code = "exports.handler = async (event) => ({n: event.x.length, y: event.x});\n"
    event = Event(b'{"x": "' + b"a" * (6 << 20) + b'"}')
    make_function(tmp_path, {"app.js": code})
    bodies = [run(client, tmp_path, "app.handler", [event], TEXT).answers[0].body for client in pair]
    assert bodies[0] == bodies[1] and len(bodies[0]) > 6 << 20
