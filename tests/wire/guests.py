# SPDX-License-Identifier: Apache-2.0
"""Deployment packages of real programs, and clients on AWS's compiled SDKs, built on the machine from tests/guests/ with the
ordinary tools.

One function per guest returns the bytes of a zip. What was built is kept in $LAMBENT_TEST_CACHE (default ~/.cache/lambent-tests) under a key
made of everything it was built from: the guest's files, the recipe's code in this file and the versions of the tools.

A guest whose toolchain or packages cannot be had raises GuestUnavailable, which pytest takes for a skip, unless
LAMBENT_TEST_REQUIRE_GUESTS is set, as a CI job that has everything does. A guest that does not compile is an error always.

As a program: `guests.py [-o DIR] [NAME...]` builds guests (all of them without a name) and tells where the zips are.
"""

import argparse
import contextlib
import fcntl
import functools
import hashlib
import inspect
import io
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import zipfile

try:
    from pytest import skip as _pytest_skip
    _Skipped = _pytest_skip.Exception
except ImportError:
    _Skipped = Exception

SOURCES = pathlib.Path(__file__).resolve().parent.parent / "guests"
# The interpreters that the bootstrap scripts of the guests try first.
PYTHON = "/usr/bin/python3"
NODE = "/usr/bin/node"
STEP_SECONDS = 900


class GuestUnavailable(_Skipped):
    """The machine lacks what it takes to build this guest."""


class GuestBroken(Exception):
    """The guest does not build although everything is there."""


def zip_bytes(files):
    """A zip of {name: bytes or (bytes, mode)}, the same for the same input."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in sorted(files.items()):
            data, mode = content if isinstance(content, tuple) else (content, 0o644)
            info = zipfile.ZipInfo(name, date_time=(2020, 1, 1, 0, 0, 0))
            info.external_attr = (0o100000 | mode) << 16
            info.compress_type = zipfile.ZIP_DEFLATED
            archive.writestr(info, data)
    return out.getvalue()


def c_bootstrap():
    """The static C runtime that does what the word in Handler says; see tests/guests/README.md."""
    return _built("c-bootstrap", _build_c, _version(_tool("cc"), "--version"))


def go_handler():
    """aws-lambda-go for provided.al2023; any Handler."""
    return _built("go", _build_go, _version(_tool("go"), "version"))


def rust_handler():
    """lambda_runtime for provided.al2023; any Handler."""
    return _built("rust", _build_rust, _version(_tool("cargo"), "--version"))


WEB_ADAPTER = "1.0.0-rc1"


def web_adapter():
    """AWS's Lambda Web Adapter as an extension, and a web application as bootstrap: a layer for provided.al2023."""
    return _built("web-adapter", _build_web_adapter, f"{WEB_ADAPTER} {_version(_tool('cargo'), '--version')}")


def python_ric():
    """awslambdaric for provided.al2023 on the host's Python; Handler app.handler."""
    return _built("python-ric", _build_python, _version(_python(), "--version"))


def node_ric():
    """aws-lambda-ric for provided.al2023 on the host's Node.js; Handler app.handler, app.stream or app.page."""
    for needed in ("npm", "make", "c++", "cmake"):
        _tool(needed)
    return _built("node-ric", _build_node_ric, _version(_node(), "--version"))


def bash_curl():
    """A custom runtime in Bash and curl for provided.al2023; Handler function.handler or function.fail."""
    _tool("bash")
    _tool("curl")
    return _built("bash", _build_copy, "1")


def powertools_python():
    """Powertools for a managed Python runtime (the one of the host: host_python_runtime()); Handler app.handler."""
    return _built("powertools-python", _build_python, _version(_python(), "--version"))


def powertools_typescript():
    """Powertools in TypeScript, bundled, for a managed Node.js runtime (host_node_runtime()); Handler app.handler."""
    _tool("npm")
    return _built("powertools-typescript", _build_typescript, _version(_node(), "--version"))


def go_client():
    """A program on aws-sdk-go-v2, `client` in the zip."""
    return _built("client-go", _build_go_client, _version(_tool("go"), "version"))


def rust_client():
    """A program on aws-sdk-rust, `client` in the zip."""
    return _built("client-rust", _build_rust_client, _version(_tool("cargo"), "--version"))


GUESTS = {
    "c-bootstrap": c_bootstrap,
    "go": go_handler,
    "rust": rust_handler,
    "web-adapter": web_adapter,
    "python-ric": python_ric,
    "node-ric": node_ric,
    "bash": bash_curl,
    "powertools-python": powertools_python,
    "powertools-typescript": powertools_typescript,
    "client-go": go_client,
    "client-rust": rust_client,
}


def host_python_runtime():
    """The Runtime identifier that fits the host's interpreter, such as python3.11."""
    code = "import sys; print('python%d.%d' % sys.version_info[:2])"
    return _run([_python(), "-c", code], None, GuestUnavailable).strip()


def host_node_runtime():
    """The Runtime identifier that fits the host's interpreter, such as nodejs20.x."""
    return f"nodejs{_version(_node(), '--version').lstrip('v').split('.')[0]}.x"


# Recipes: each takes a scratch copy of the guest's folder and returns {name: (bytes, mode)}.


def _build_c(folder):
    sources = sorted(str(path) for path in folder.glob("*.c"))
    flags = ["-std=gnu17", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Werror", "-D_GNU_SOURCE", "-static", "-s"]
    _run([_tool("cc"), *flags, "-o", "bootstrap", *sources], folder, GuestBroken)
    return _files_of(folder, only=["bootstrap"])


def _build_go(folder):
    return _go_program(folder, "bootstrap", "-tags", "lambda.norpc")


def _build_go_client(folder):
    return _go_program(folder, "client")


def _go_program(folder, name, *options):
    env = {"CGO_ENABLED": "0", "GOOS": "linux", "GOFLAGS": "-mod=readonly -buildvcs=false"}
    # The packages are there, and this Go is not too old for them.
    _run(["go", "list", *options, "-deps", "."], folder, GuestUnavailable, env)
    _run(["go", "build", "-p", "2", "-trimpath", *options, "-ldflags=-s", "-o", name, "."], folder, GuestBroken, env)
    return _files_of(folder, only=[name])


def _build_web_adapter(folder):
    env = {"CARGO_TARGET_DIR": str(cache_dir() / "web-adapter-target")}
    _run(["cargo", "info", "--quiet", f"lambda_web_adapter@{WEB_ADAPTER}"], folder, GuestUnavailable)
    _run(["cargo", "install", "--quiet", "--locked", "--debug", "--no-track", "--jobs", "2", "--root", ".",
          f"lambda_web_adapter@{WEB_ADAPTER}"], folder, GuestBroken, env)
    _run([_tool("strip"), "bin/lambda-adapter"], folder, GuestBroken)
    return {"extensions/lambda-adapter": ((folder / "bin" / "lambda-adapter").read_bytes(), 0o755),
            "bootstrap": ((folder / "bootstrap").read_bytes(), 0o755)}


def _build_rust(folder):
    return _rust_program(folder, "bootstrap", cache_dir() / "rust-target", "--release")


def _build_rust_client(folder):
    # Not optimized: it is more to compile than all other guests together, and runs for a moment.
    return _rust_program(folder, "client", cache_dir() / "client-rust-target", "--locked")


def _rust_program(folder, name, target, *options):
    """The compiled dependencies, in target, outlive a change of the program itself."""
    _run(["cargo", "fetch", "--quiet"], folder, GuestUnavailable)
    try:
        _run(["cargo", "build", "--quiet", "--jobs", "2", *options], folder, GuestBroken, {"CARGO_TARGET_DIR": str(target)})
    except GuestBroken as error:
        if "is not supported by the following package" in str(error):
            raise _unavailable(f"this Rust is too old: {error}") from None
        raise
    shutil.copy2(target / ("release" if "--release" in options else "debug") / name, folder / name)
    return _files_of(folder, only=[name])


def _build_python(folder):
    # Where a guest brings its own bootstrap the packages lie beside the code, which a managed runtime could not find.
    vendor = "vendor" if (folder / "bootstrap").exists() else "."
    _run([_python(), "-m", "pip", "install", "--quiet", "--no-compile", "--no-deps", "--disable-pip-version-check",
          "--root-user-action=ignore", "--target", vendor, "-r", "requirements.txt"], folder, GuestUnavailable)
    return _files_of(folder, without=["requirements.txt", "bin"])


def _build_node_ric(folder):
    # The package compiles its native client when it is installed.
    _run(["npm", "ci", "--no-audit", "--no-fund"], folder, GuestUnavailable)
    client = folder / "node_modules" / "aws-lambda-ric"
    if not (client / "rapid-client.node").exists():
        raise GuestUnavailable("aws-lambda-ric was installed without its native part")
    runtime = [f"node_modules/aws-lambda-ric/{name}" for name in ("index.mjs", "package.json", "rapid-client.node")]
    return _files_of(folder, only=["bootstrap", "app.mjs", *runtime])


def _build_typescript(folder):
    _run(["npm", "ci", "--no-audit", "--no-fund"], folder, GuestUnavailable)
    _run(["npx", "--no-install", "esbuild", "app.ts", "--bundle", "--platform=node", "--target=node20", "--format=cjs", "--sourcemap",
          "--external:@aws-sdk/*", "--outfile=app.js"], folder, GuestBroken)
    return _files_of(folder, only=["app.js", "app.js.map"])


def _build_copy(folder):
    return _files_of(folder)


def _files_of(folder, only=None, without=()):
    found = {}
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_dir() or (only and name not in only) or name.split("/")[0] in without or "__pycache__" in name:
            continue
        found[name] = (path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)
    return found


# Tools, the cache, and the way from a folder to a zip.


def cache_dir():
    return pathlib.Path(os.environ.get("LAMBENT_TEST_CACHE") or "~/.cache/lambent-tests").expanduser()


def _unavailable(reason):
    if os.environ.get("LAMBENT_TEST_REQUIRE_GUESTS"):
        return GuestBroken(f"required by LAMBENT_TEST_REQUIRE_GUESTS: {reason}")
    return GuestUnavailable(reason)


def _tool(name):
    path = shutil.which(name)
    if not path:
        raise _unavailable(f"{name} is not installed")
    return path


def _python():
    return PYTHON if os.access(PYTHON, os.X_OK) else _tool("python3")


def _node():
    return NODE if os.access(NODE, os.X_OK) else _tool("node")


@functools.lru_cache(maxsize=None)
def _version(tool, flag):
    return _run([tool, flag], None, GuestUnavailable).strip()


def _run(command, folder, failure, env=None):
    """Runs a step; if it fails, that is a `failure`."""
    try:
        done = subprocess.run(command, cwd=folder, env={**os.environ, **(env or {})}, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=STEP_SECONDS)
        problem = None if done.returncode == 0 else done.stderr[-2000:] + done.stdout[-2000:]
    except (OSError, subprocess.TimeoutExpired) as error:
        problem = str(error)
    if problem is None:
        return done.stdout
    reason = f"{' '.join(map(str, command[:3]))} failed: {problem.strip()}"
    raise _unavailable(reason) if failure is GuestUnavailable else failure(reason)


def _key(name, recipe, version):
    digest = hashlib.sha256(f"{name}\0{version}\0{os.uname().machine}\0".encode())
    digest.update(inspect.getsource(recipe).encode())
    for path in sorted((SOURCES / name).rglob("*")):
        if path.is_file():
            digest.update(f"{path.relative_to(SOURCES)}\0{os.access(path, os.X_OK)}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:24]


@contextlib.contextmanager
def _locked(path):
    """Two test processes that want the same guest build it once."""
    with open(path, "w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _built(name, recipe, version):
    cache = cache_dir()
    cache.mkdir(parents=True, exist_ok=True)
    kept = cache / f"{name}-{_key(name, recipe, version)}.zip"
    if kept.exists():
        return kept.read_bytes()
    with _locked(cache / f"{name}.lock"):
        if not kept.exists():
            _build(name, recipe, kept)
    return kept.read_bytes()


def _build(name, recipe, kept):
    with tempfile.TemporaryDirectory(dir=kept.parent) as scratch:
        folder = pathlib.Path(scratch) / name
        shutil.copytree(SOURCES / name, folder)
        fresh = pathlib.Path(scratch) / "fresh.zip"
        fresh.write_bytes(zip_bytes(recipe(folder)))
        for old in kept.parent.glob(f"{name}-{'[0-9a-f]' * 24}.zip"):
            old.unlink()
        os.replace(fresh, kept)


def main():
    parser = argparse.ArgumentParser(description="Build the guests of the wire tests.")
    parser.add_argument("-o", "--output", type=pathlib.Path, help="put NAME.zip there")
    parser.add_argument("names", nargs="*", metavar="NAME", help=", ".join(GUESTS))
    options = parser.parse_args()
    worst = 0
    for name in options.names or GUESTS:
        if name not in GUESTS:
            parser.error(f"unknown guest {name}")
        try:
            package = GUESTS[name]()
        except (GuestUnavailable, GuestBroken) as error:
            print(f"{name}: {type(error).__name__}: {error}")
            worst = 1
            continue
        if options.output:
            options.output.mkdir(parents=True, exist_ok=True)
            (options.output / f"{name}.zip").write_bytes(package)
        print(f"{name}: {len(package)} bytes")
    return worst


if __name__ == "__main__":
    sys.exit(main())
