# SPDX-License-Identifier: Apache-2.0
"""Images in AWS's layout, with AWS's names, made without any pull: Debian, AWS's own runtime clients, and scripts in the place of AWS's.

    aws_images()["python:3.11"]()   what public.ecr.aws/lambda/python:3.11 is in the tests
    tiny()                          one static program on nothing
    function_image(base, …)         a user's image, FROM one of these

An image is a list of layers and a configuration; its archive is what `docker load` and `podman load` take, and registry.py serves it. Its
bytes, and so its digests, are the same whenever the cache is. As a program: builds all and says what could not be had.
"""

import functools
import hashlib
import io
import json
import os
import pathlib
import platform
import sys
import tarfile
import tempfile
import zipfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "wire"))

import guests  # noqa: E402
from guests import GuestBroken, GuestUnavailable  # noqa: E402
from layers import add_packages, base, has_package, kept, release, run  # noqa: E402

PUBLIC = "public.ecr.aws/lambda"
RIE_MODULE = "github.com/aws/aws-lambda-runtime-interface-emulator/cmd/aws-lambda-rie@v0.0.0-20261030222936-bef5c4ba774d"
JAVA_CLIENT = "com.amazonaws:aws-lambda-java-runtime-interface-client:2.6.0"
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}
MANIFEST_TYPE = "application/vnd.docker.distribution.manifest.v2+json"
CONFIG_TYPE = "application/vnd.docker.container.image.v1+json"
LAYER_TYPE = "application/vnd.docker.image.rootfs.diff.tar.gzip"
# facts of AWS's images: /var/lang before everything, the task's and /opt's libraries last.
AWS_ENV = {
    "LANG": "en_US.UTF-8",
    "TZ": ":/etc/localtime",
    "PATH": "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin",
    "LD_LIBRARY_PATH": "/var/lang/lib:/lib64:/usr/lib64:/var/runtime:/var/runtime/lib:/var/task:/var/task/lib:/opt/lib",
    "LAMBDA_TASK_ROOT": "/var/task",
    "LAMBDA_RUNTIME_DIR": "/var/runtime",
}


def _digest(data):
    return hashlib.sha256(data).hexdigest()


class Image:
    """`name` is what it is tagged with; the digests are hex."""

    def __init__(self, name, layers, env=None, entrypoint=(), command=(), directory="", user="", architecture=None):
        self.name = name
        self.layers = list(layers)
        self.settings = {"env": dict(env or {}), "entrypoint": list(entrypoint), "command": list(command), "directory": directory, "user": user}
        self.architecture = architecture or ARCHITECTURES[platform.machine()]

    def derive(self, name, layers=(), architecture=None, **changes):
        """FROM this one."""
        env = {**self.settings["env"], **changes.pop("env", {})}
        settings = {**self.settings, **changes, "env": env}
        return Image(name, [*self.layers, *layers], architecture=architecture or self.architecture, **settings)

    @functools.cached_property
    def config(self):
        s = self.settings
        return json.dumps({
            "architecture": self.architecture,
            "os": "linux",
            "created": "2020-01-01T00:00:00Z",
            "config": {
                "Env": [f"{name}={value}" for name, value in s["env"].items()], "Entrypoint": s["entrypoint"] or None,
                "Cmd": s["command"] or None, "WorkingDir": s["directory"], "User": s["user"],
            },
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{layer.diff_id}" for layer in self.layers]},
        }).encode()

    @functools.cached_property
    def manifest(self):
        return json.dumps({
            "schemaVersion": 2,
            "mediaType": MANIFEST_TYPE,
            "config": {"mediaType": CONFIG_TYPE, "size": len(self.config), "digest": f"sha256:{self.image_id}"},
            "layers": [{"mediaType": LAYER_TYPE, "size": layer.size, "digest": f"sha256:{layer.digest}"} for layer in self.layers],
        }).encode()

    @property
    def image_id(self):
        """What engines call it."""
        return _digest(self.config)

    @property
    def digest(self):
        """What registries call it."""
        return _digest(self.manifest)

    def write_archive(self, stream):
        """The file that engines load."""
        with tarfile.open(fileobj=stream, mode="w|", format=tarfile.USTAR_FORMAT) as out:
            names = []
            for layer in self.layers:
                name = f"{layer.digest}.tar.gz"
                if name not in names:
                    out.add(layer.path, arcname=name)
                names.append(name)
            listing = json.dumps([{"Config": f"{self.image_id}.json", "RepoTags": [self.name], "Layers": names}]).encode()
            for name, data in ((f"{self.image_id}.json", self.config), ("manifest.json", listing)):
                info = tarfile.TarInfo(name)
                info.size = len(data)
                out.addfile(info, io.BytesIO(data))


# ---- layers ----


def _source(name, **values):
    text = (HERE / "aws" / name).read_text()
    for key, value in values.items():
        text = text.replace(f"@{key}@", value)
    return text


@functools.lru_cache(maxsize=None)
def _rie():
    """AWS's emulator, from its Go module; None without Go."""
    with tempfile.TemporaryDirectory(prefix="lambent-test-rie-") as folder:
        def make(writer):
            run("go", "install", "-trimpath", "-ldflags=-s", RIE_MODULE, env={**os.environ, "GOBIN": folder, "CGO_ENABLED": "0", "GOFLAGS": ""})
            writer.copy("usr/local/bin/aws-lambda-rie", pathlib.Path(folder) / "aws-lambda-rie")

        try:
            return kept("rie", [RIE_MODULE, platform.machine()], make)
        except GuestUnavailable:
            return None


@functools.lru_cache(maxsize=None)
def _aws_files():
    entrypoint = _source("lambda-entrypoint.sh")

    def make(writer):
        writer.file("lambda-entrypoint.sh", entrypoint, 0o755)
        for name in ("var/task", "var/runtime", "var/lang/bin", "opt"):
            writer.folder(name)

    return kept("aws", [entrypoint], make)


def _aws_image(tag, *layers):
    rie = _rie()
    return Image(f"{PUBLIC}/{tag}", [base(), _aws_files(), *([rie] if rie else []), *layers], env=AWS_ENV,
                 entrypoint=["/lambda-entrypoint.sh"], directory="/var/task")


def provided():
    return _aws_image("provided:al2023")


def _vendored(package):
    """{name: bytes} of AWS's Python client, which guests.py has compiled for the release's own Python."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return {name.removeprefix("vendor/"): archive.read(name) for name in archive.namelist() if name.startswith("vendor/")}


def python_version():
    return guests.host_python_runtime().removeprefix("python")


def python():
    version = python_version()
    package = guests.python_ric()
    bootstrap, paths = _source("bootstrap-python", VERSION=version), _source("bootstrap.py")

    def make(writer):
        add_packages(writer, f"python{version}")
        writer.link(f"var/lang/bin/python{version}", f"/usr/bin/python{version}")
        writer.link("var/lang/bin/python3", f"/usr/bin/python{version}")
        for name, data in sorted(_vendored(package).items()):
            writer.file(f"var/runtime/{name}", data)
        writer.file("var/runtime/bootstrap", bootstrap, 0o755)
        writer.file("var/runtime/bootstrap.py", paths)

    return _aws_image(f"python:{version}", kept("python", [version, release(), platform.machine(), _digest(package), bootstrap, paths], make))


def workbenches():
    """provided:al2023 and python, with what scripts of the wire tests use besides: Python, also where Debian has it, Node.js 20, and curl."""
    version = python_version()
    node = os.environ.get("LAMBENT_TEST_NODE20")

    def make(writer):
        add_packages(writer, "curl", "libstdc++6")
        writer.link("usr/bin/python3", f"python{version}")
        if node:
            writer.copy("var/lang/bin/node", pathlib.Path(node))

    tools = kept("workbench", [version, node and _digest(pathlib.Path(node).read_bytes()), release(), platform.machine()], make)
    return [python().derive(f"{PUBLIC}/{tag}", [tools]) for tag in ("provided:al2023", f"python:{version}")]


def _required_folder(variable, what):
    path = os.environ.get(variable)
    if not path or not pathlib.Path(path).exists():
        raise GuestUnavailable(f"{what} is not installed: run ./dev test, or set {variable}")
    return pathlib.Path(path)


def _nodejs(version, node, client, entry):
    """node: the program; client: AWS's package; entry: its main file in there."""
    bootstrap = _source("bootstrap-nodejs", VERSION=version, CLIENT=f"node_modules/aws-lambda-ric/{entry}")
    about = (client / "package.json").read_text()

    def make(writer):
        add_packages(writer, "libstdc++6")
        writer.copy("var/lang/bin/node", node)
        for name in ("index.mjs", "package.json", "rapid-client.node", "bin", "dist"):
            if (client / name).exists():
                writer.copy(f"var/runtime/node_modules/aws-lambda-ric/{name}", client / name)
        writer.file("var/runtime/bootstrap", bootstrap, 0o755)

    key = [version, release(), platform.machine(), _digest(node.read_bytes()), about, bootstrap]
    return _aws_image(f"nodejs:{version}", kept(f"nodejs{version}", key, make))


def nodejs24():
    node = _required_folder("LAMBENT_TEST_NODE24", "Node.js 24")
    return _nodejs("24", node, _required_folder("LAMBENT_TEST_NODE24_MODULES", "AWS's client for it") / "aws-lambda-ric", "index.mjs")


def nodejs20():
    node = _required_folder("LAMBENT_TEST_NODE20", "Node.js 20")
    return _nodejs("20", node, _required_folder("LAMBENT_TEST_NODE_MODULES", "AWS's client for it") / "aws-lambda-ric", "bin/index.mjs")


def java_version():
    for version in ("21", "17"):
        if has_package(f"openjdk-{version}-jre-headless"):
            return version
    raise GuestUnavailable("there is no package of Java 21 or 17")


def _java_client(folder):
    """AWS's client for Java and what it needs, by Maven."""
    group, artifact, version = JAVA_CLIENT.split(":")
    (folder / "pom.xml").write_text(
        "<project><modelVersion>4.0.0</modelVersion><groupId>lambent</groupId><artifactId>tests</artifactId><version>1</version>"
        f"<dependencies><dependency><groupId>{group}</groupId><artifactId>{artifact}</artifactId><version>{version}</version></dependency>"
        "</dependencies></project>")
    run("mvn", "-q", "-B", "-f", str(folder / "pom.xml"), "dependency:copy-dependencies", f"-DoutputDirectory={folder}/lib")
    return sorted((folder / "lib").glob("*.jar"))


def java():
    version = java_version()
    bootstrap = _source("bootstrap-java", VERSION=version)
    arch = ARCHITECTURES[platform.machine()]

    def make(writer):
        with tempfile.TemporaryDirectory(prefix="lambent-test-java-") as folder:
            for jar in _java_client(pathlib.Path(folder)):
                writer.copy(f"var/runtime/lib/{jar.name}", jar)
        add_packages(writer, f"openjdk-{version}-jre-headless")
        writer.link("var/lang/bin/java", f"/usr/lib/jvm/java-{version}-openjdk-{arch}/bin/java")
        writer.file("var/runtime/bootstrap", bootstrap, 0o755)

    return _aws_image(f"java:{version}", kept("java", [version, release(), platform.machine(), JAVA_CLIENT, bootstrap], make))


def java_function():
    """The class of the tests' Java function, compiled: {name: bytes}."""
    source = HERE / "aws" / "Echo.java"

    def make(writer):
        with tempfile.TemporaryDirectory(prefix="lambent-test-javac-") as folder:
            jars = _java_client(pathlib.Path(folder))
            run("javac", "--release", "17", "-cp", ":".join(map(str, jars)), "-d", f"{folder}/classes", str(source))
            writer.copy("var/task", pathlib.Path(folder) / "classes")

    return kept("java-function", [source.read_text(), JAVA_CLIENT], make)


def aws_images():
    """{tag: how to make it}, for what this machine may be able to make."""
    return {"provided:al2023": provided, "python": python, "nodejs:24": nodejs24, "nodejs:20": nodejs20, "java": java}


# ---- images of users ----


def files_layer(files):
    """A layer of {name: bytes or text, or (bytes, mode)}."""
    parts = {name: content if isinstance(content, tuple) else (content, 0o644) for name, content in files.items()}
    key = [[name, mode, _digest(data.encode() if isinstance(data, str) else data)] for name, (data, mode) in sorted(parts.items())]
    name = f"files-{_digest(json.dumps(key).encode())[:16]}"

    def make(writer):
        for path, (data, mode) in sorted(parts.items()):
            writer.file(path, data, mode)

    return kept(name, key, make)


def package_layer(package, folder="var/task"):
    """A deployment package, unzipped."""
    with zipfile.ZipFile(io.BytesIO(package)) as archive:
        return files_layer({f"{folder}/{info.filename}": (archive.read(info), info.external_attr >> 16 & 0o777 or 0o644)
                            for info in archive.infolist() if not info.is_dir()})


def function_image(base_image, name, handler, files=None, package=None, folder="var/task"):
    """What a Dockerfile of AWS's documentation makes: FROM, COPY, CMD."""
    layer = package_layer(package, folder) if package else files_layer({f"{folder}/{path}": data for path, data in (files or {}).items()})
    return base_image.derive(name, [layer], command=[handler])


def tiny(name="lambent-test/tiny:latest", **changes):
    """A static bootstrap on nothing at all: the C guest of the wire tests. `changes` are those of derive."""
    with zipfile.ZipFile(io.BytesIO(guests.c_bootstrap())) as archive:
        program = archive.read("bootstrap")

    def make(writer):
        writer.file("bootstrap", program, 0o755)
        writer.folder("tmp", 0o1777)

    image = Image(name, [kept("tiny", [_digest(program)], make)], env={"PATH": "/"}, entrypoint=["/bootstrap"], command=["echo"], directory="/")
    return image.derive(name, **changes)


def main():
    worst = 0
    for tag, make in {**aws_images(), "tiny": tiny}.items():
        try:
            image = make()
        except (GuestUnavailable, GuestBroken) as error:
            print(f"{tag}: {type(error).__name__}: {error}")
            worst = 1
            continue
        print(f"{image.name}: {sum(layer.size for layer in image.layers) >> 20} MiB, sha256:{image.digest}")
    return worst


if __name__ == "__main__":
    sys.exit(main())
