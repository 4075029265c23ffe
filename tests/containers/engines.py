# SPDX-License-Identifier: Apache-2.0
"""Docker and Podman of the tests' own: a daemon with its state in a temporary folder, waited for by its own word, that leaves nothing.

Neither touches what else runs on the machine: other data, other sockets, a bridge of its own name, and no firewall rules. An engine that
cannot run here is a skip with the reason, unless LAMBENT_TEST_REQUIRE_ENGINES is set.
"""

import contextlib
import ctypes
import http.client
import json
import os
import pathlib
import re
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import urllib.parse

import certificates
import pytest

PREFIX = "lmb-"
START_SECONDS = 60
STOP_SECONDS = 60
CALL_SECONDS = 300
PR_SET_PDEATHSIG = 1
# Subnets of the tests' bridges; what the machine routes already is left out.
SUBNETS = [f"10.213.{n}" for n in range(0, 250)]


def unavailable(reason):
    if os.environ.get("LAMBENT_TEST_REQUIRE_ENGINES"):
        pytest.fail(f"required by LAMBENT_TEST_REQUIRE_ENGINES: {reason}")
    pytest.skip(reason)


def _die_with_us():
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)


def _free_subnet():
    used = subprocess.run(["ip", "-o", "-4", "route", "show", "table", "all"], check=True, capture_output=True, text=True).stdout
    subnet = next(subnet for subnet in SUBNETS if f"{subnet}." not in used)
    SUBNETS.remove(subnet)  # a network without a container has no route yet
    return subnet


def _end_processes(folder):
    """containerd and the shims of a dockerd that was killed, conmon of podman's containers: they name the folder."""
    for entry in pathlib.Path("/proc").iterdir():
        with contextlib.suppress(OSError, ValueError):
            if f"{folder}/".encode() in (entry / "cmdline").read_bytes() and int(entry.name) != os.getpid():
                os.kill(int(entry.name), signal.SIGKILL)


def _remove(folder):
    """What a stopped engine had: processes, bridge, mounts, files."""
    _end_processes(folder)
    with contextlib.suppress(OSError):
        subprocess.run(["ip", "link", "delete", (folder / "bridge").read_text()], check=False, capture_output=True)
    mounts = [line.split()[4] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()]
    for mount in sorted((m for m in mounts if m.startswith(f"{folder}/")), reverse=True):
        subprocess.run(["umount", "-l", mount], check=False)
    shutil.rmtree(folder, ignore_errors=True)


def _sweep():
    """Tests that were killed could not clean up."""
    for folder in pathlib.Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        with contextlib.suppress(OSError, ValueError):
            if not pathlib.Path(f"/proc/{int((folder / 'owner').read_text())}").exists():
                _remove(folder)


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path):
        super().__init__("engine", timeout=CALL_SECONDS)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self.path))


class EngineError(Exception):
    def __init__(self, status, message):
        super().__init__(f"{status}: {message}")
        self.status = status


class Engine:
    """One running daemon: its socket, its command, and what tests do with both."""

    def __init__(self):
        _sweep()
        # Sockets have short paths.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix=PREFIX))
        (self.folder / "owner").write_text(str(os.getpid()))
        self.socket = self.folder / "engine.sock"
        self.lines = []
        self.process = None
        self._ready = threading.Event()
        self._loaded = set()

    # ---- life ----

    def _bridge_name(self):
        """At most 15 characters; noted, so that it goes whatever ends the engine."""
        name = f"lmb{os.getpid() % 100000}{self.folder.name[-4:]}"
        (self.folder / "bridge").write_text(name)
        return name

    def _start(self, command, env=None):
        self.process = subprocess.Popen(command, env={**os.environ, **(env or {})}, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True, cwd=self.folder,
                                        preexec_fn=_die_with_us)
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)
        if self.process.poll() is not None or not self._is_ready:
            reason = f"{self.name} does not run here: {self.words()}"
            self.stop()
            unavailable(reason)
        return self

    _is_ready = False

    def _read(self, stream):
        for line in stream:
            self.lines.append(line)
            if self.READY in line:
                self._is_ready = True
                self._ready.set()
        self._ready.set()

    def words(self):
        """The last it said that is of interest."""
        told = [line.strip() for line in self.lines if re.search(r"level=(error|fatal)|^failed|^Error", line)] or self.lines
        return " ".join(line.strip() for line in told[-3:]) or "it said nothing"

    def restart(self, sig=signal.SIGTERM):
        """As an update of its package does it, or with SIGKILL a crash; images and the records of containers stay."""
        self._stop_process(sig)
        # Of processes that the kill took along, and whose numbers may be somebody's soon.
        for name in ("pid", "exec/containerd/containerd.pid"):
            (self.folder / name).unlink(missing_ok=True)
        self.socket.unlink(missing_ok=True)
        self._ready.clear()
        self._is_ready = False
        return self.start()

    def _stop_process(self, sig=signal.SIGTERM):
        if self.process and self.process.poll() is None:
            self.process.send_signal(sig)
            try:
                self.process.wait(STOP_SECONDS)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        if self.process:
            self._reader.join(STOP_SECONDS)

    # ---- the API ----

    def call(self, method, path, body=None, headers=None, **query):
        """The engine's answer: JSON, or bytes. EngineError with the engine's words for a status of 400 and above."""
        connection = UnixConnection(self.socket)
        headers = dict(headers or {})
        try:
            if isinstance(body, (dict, list)):
                body, headers["Content-Type"] = json.dumps(body), "application/json"
            elif body is not None:
                headers["Content-Type"] = "application/x-tar"
            connection.request(method, f"/v1.40{path}" + (f"?{urllib.parse.urlencode(query)}" if query else ""), body, headers)
            response = connection.getresponse()
            data = response.read()
        finally:
            connection.close()
        if response.status >= 400:
            with contextlib.suppress(ValueError, KeyError, TypeError):
                data = json.loads(data)["message"]
            raise EngineError(response.status, data)
        with contextlib.suppress(ValueError):
            return json.loads(data)
        return data

    def load(self, image):
        """Makes an image of images.py known, under its name; again only when something has removed it since."""
        if (image.name, image.image_id) not in self._loaded or not self.has(image.name):
            with tempfile.TemporaryFile() as archive:
                image.write_archive(archive)
                archive.seek(0)
                answer = self.call("POST", "/images/load", archive, quiet="true")
            if isinstance(answer, bytes) and b'"error"' in answer or isinstance(answer, dict) and "error" in answer:
                raise EngineError(200, answer)
            self._loaded.add((image.name, image.image_id))
        return image.name

    def has(self, name):
        try:
            self.call("GET", f"/images/{urllib.parse.quote(name, safe='')}/json")
        except EngineError as error:
            if error.status != 404:
                raise
            return False
        return True

    def forget(self, name):
        """Removes an image's name."""
        self.call("DELETE", f"/images/{urllib.parse.quote(name, safe='')}", force="true")
        self._loaded = {(loaded, image_id) for loaded, image_id in self._loaded if loaded != name}

    def forget_from(self, registry):
        """Removes every image that was pulled from this registry, with its layers, whatever it is called, and what runs of them."""
        self.remove_containers()
        for image in self.call("GET", "/images/json", all="true"):
            if any(name.startswith(f"{registry}/") for name in [*(image.get("RepoTags") or []), *(image.get("RepoDigests") or [])]):
                self.call("DELETE", f"/images/{image['Id']}", force="true")

    def containers(self, **labels):
        """All there are with these labels, running or not."""
        filters = {"label": [f"{key}={value}" for key, value in labels.items()]} if labels else {}
        return self.call("GET", "/containers/json", all="true", filters=json.dumps(filters))

    def remove_containers(self):
        for container in self.containers():
            # Podman's removal by force asks politely first, and waits ten seconds.
            with contextlib.suppress(EngineError):
                self.call("POST", f"/containers/{container['Id']}/kill")
            with contextlib.suppress(EngineError):
                self.call("DELETE", f"/containers/{container['Id']}", force="true", v="true")

    def images(self):
        """The names that there are."""
        return sorted(name for image in self.call("GET", "/images/json") for name in image.get("RepoTags") or [])

    def run(self, *arguments, **settings):
        """The engine's own command line; answers what subprocess.run does."""
        return subprocess.run([*self.command, *arguments], env={**os.environ, **self.env}, text=True, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=CALL_SECONDS, **settings)

    def popen(self, *arguments):
        return subprocess.Popen([*self.command, *arguments], env={**os.environ, **self.env}, text=True, stdin=subprocess.DEVNULL,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    @property
    def host(self):
        """As DOCKER_HOST has it."""
        return f"unix://{self.socket}"

    # ---- how lambent finds it ----

    found_by = "DOCKER_HOST"

    def lambent_env(self):
        return {"DOCKER_HOST": self.host, "LAMBENT_CONTAINER_CLI": ""}


class Docker(Engine):
    name = "docker"
    READY = "API listen on"

    def __init__(self):
        super().__init__()
        self.bridge = None
        self.command = ["docker"]
        self.env = {"DOCKER_HOST": self.host, "DOCKER_CONFIG": str(self.folder / "config")}

    def _more_options(self):
        return []

    def start(self):
        if os.geteuid() != 0:
            unavailable("dockerd needs root")
        if not shutil.which("dockerd") or not shutil.which("ip"):
            unavailable("dockerd or ip is not installed")
        self._make_bridge()
        return self._start([
            "dockerd", "--host", self.host, "--data-root", str(self.folder / "data"), "--exec-root", str(self.folder / "exec"),
            "--pidfile", str(self.folder / "pid"), "--config-file", str(self._config()), "--bridge", self.bridge, "--iptables=false",
            "--ip6tables=false", "--ip-masq=false", "--ip-forward=false", "--group", "root", *self._more_options(),
        ])

    def _config(self):
        path = self.folder / "daemon.json"
        path.write_text("{}")
        return path

    def _make_bridge(self):
        if self.bridge:
            return
        subnet = _free_subnet()
        name = self._bridge_name()
        made = subprocess.run(["ip", "link", "add", "name", name, "type", "bridge"], capture_output=True, text=True, check=False)
        if made.returncode:
            unavailable(f"no bridge can be made here: {made.stderr.strip()}")
        self.bridge = name
        self.gateway = f"{subnet}.1"
        subprocess.run(["ip", "address", "add", f"{self.gateway}/24", "dev", name], check=True)
        subprocess.run(["ip", "link", "set", name, "up"], check=True)

    def stop(self):
        if self._is_ready and self.process.poll() is None:
            with contextlib.suppress(OSError, EngineError, http.client.HTTPException):
                self.remove_containers()
        self._stop_process()
        _remove(self.folder)


class DockerOverTls(Docker):
    """Listens on loopback too, for whoever shows a certificate of its authority. The tests look on through the socket."""

    READY = "API listen on 127.0.0.1:"

    def __init__(self):
        super().__init__()
        self.certificates = self.folder / "certificates"
        self.certificates.mkdir()
        certificates.make(self.certificates)
        self.port = 0

    def _more_options(self):
        """A port that is free, and the same when it starts again."""
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as probe:
                self.port = probe.getsockname()[1]
        files = {"tlscacert": "ca.pem", "tlscert": "good.pem", "tlskey": "good.key"}
        return ["--host", f"tcp://127.0.0.1:{self.port}", "--tlsverify",
                *(word for name, file in files.items() for word in (f"--{name}", str(self.certificates / file)))]

    def lambent_env(self):
        return {"DOCKER_HOST": f"tcp://127.0.0.1:{self.port}", "DOCKER_TLS_VERIFY": "1", "DOCKER_CERT_PATH": str(self.certificates),
                "LAMBENT_CONTAINER_CLI": ""}


class SmallDisk:
    """Of an engine whose data lie on a disk of its own, which is soon full."""

    SIZE = 192 << 20
    DATA = ""

    def start(self):
        disk = self.folder / self.DATA
        if not disk.exists():
            disk.mkdir()
            if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={self.SIZE},mode=711", "lambent-test", disk], check=False).returncode:
                unavailable("a tmpfs cannot be mounted here")
        return super().start()

    def fill(self, leave):
        """Nothing is left of its disk but so many bytes; answers how many."""
        with open(self.folder / self.DATA / "ballast", "wb") as ballast:
            os.posix_fallocate(ballast.fileno(), 0, self.room() - leave)
        return self.room()

    def make_room(self):
        (self.folder / self.DATA / "ballast").unlink(missing_ok=True)

    def room(self):
        disk = os.statvfs(self.folder / self.DATA)
        return disk.f_bfree * disk.f_frsize


class DockerOnASmallDisk(SmallDisk, Docker):
    DATA = "data"


class Podman(Engine):
    name = "podman"
    READY = "API service listening on"

    def __init__(self):
        super().__init__()
        self.env = {
            "CONTAINERS_CONF": str(self.folder / "containers.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.folder / "storage.conf"),
            "CONTAINERS_REGISTRIES_CONF": str(self.folder / "registries.conf"),
            "TMPDIR": str(self.folder / "tmp"),
        }
        self.command = ["podman"]

    def start(self):
        if os.geteuid() != 0:
            unavailable("the tests' podman needs root")
        if not shutil.which("podman"):
            unavailable("podman is not installed")
        self._configure()
        return self._start(["podman", "--log-level", "info", "system", "service", "--time", "0", self.host], env=self.env)

    def _define_network(self):
        """With an interface of its own name: podman0 may be another podman's, or a dead one's, with another subnet."""
        (self.folder / "networks" / f"{self.network}.json").write_text(json.dumps({
            "name": self.network, "id": secrets.token_hex(32), "driver": "bridge", "network_interface": self._bridge_name(),
            "created": "2026-01-01T00:00:00Z", "subnets": [{"subnet": f"{self.subnet}.0/24", "gateway": f"{self.subnet}.1"}],
            "ipv6_enabled": False, "internal": False, "dns_enabled": False, "ipam_options": {"driver": "host-local"},
        }))

    def _configure(self):
        """Limits of ours are at most what this machine allows; runc works with every arrangement of cgroups."""
        for name in ("root", "run", "tmp", "networks"):
            (self.folder / name).mkdir(exist_ok=True)
        self.subnet = getattr(self, "subnet", None) or _free_subnet()
        self.network = f"lambent-{self.folder.name[-8:]}"  # firewall chains are named after it
        self._define_network()
        runtime = 'runtime = "runc"' if shutil.which("runc") else ""
        (self.folder / "containers.conf").write_text(
            f'[containers]\ndefault_ulimits = ["nofile=1024:1024", "nproc=4096:4096"]\nlog_driver = "k8s-file"\n'
            f'[engine]\n{runtime}\ncgroup_manager = "cgroupfs"\nevents_logger = "file"\ntmp_dir = "{self.folder}/run"\n'
            f'[network]\nnetwork_config_dir = "{self.folder}/networks"\ndefault_subnet = "{self.subnet}.0/24"\n'
            f'default_network = "{self.network}"\n')
        (self.folder / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{self.folder}/root"\nrunroot = "{self.folder}/run"\n')
        # Without TLS on loopback, at any port, as Docker has it of itself.
        (self.folder / "registries.conf").write_text(
            'unqualified-search-registries = []\n[[registry]]\nprefix = "127.0.0.1"\nlocation = "127.0.0.1"\ninsecure = true\n')

    def stop(self):
        if self._is_ready and self.process.poll() is None:
            self.run("rm", "--all", "--force", "--time", "0")
        self._stop_process()
        _remove(self.folder)


class PodmanOnASmallDisk(SmallDisk, Podman):
    DATA = "root"


class ByCommand:
    """An engine without a socket, as lambent sees it: only the command leads to it. The tests look on through the socket."""

    # What would lead to a socket, or make one.
    HIDDEN = ""
    BESIDE = ""

    def _wrapper(self):
        path = self.folder / f"{self.name}-without-a-socket"
        if not path.exists():
            settings = "".join(f"export {key}={shlex.quote(value)}\n" for key, value in self.env.items())
            path.write_text(f'#!/bin/sh\n{settings}[ "$1" != {self.HIDDEN} ] || exit 125\nexec {self.BESIDE.format(os.getpid())}{self.name} "$@"\n')
            path.chmod(0o755)
        return path

    @property
    def found_by(self):
        return f"the command {self._wrapper()}"

    def lambent_env(self):
        return {"DOCKER_HOST": "", "LAMBENT_CONTAINER_CLI": str(self._wrapper())}


class DockerByCommand(ByCommand, Docker):
    HIDDEN = "context"


class PodmanByCommand(ByCommand, Podman):
    HIDDEN = "system"
    # Its mounts are everybody's, also where lambent's own are not.
    BESIDE = "nsenter --target {} --mount "


class NerdctlByCommand(Engine):
    """A containerd of the tests' own, which only nerdctl leads to, for lambent and the tests alike. To lambent it is a kind of Docker."""

    name = "docker"
    READY = "containerd successfully booted"
    # Where Debian has the plugins, and where everybody else.
    CNI = next((place for place in ("/usr/lib/cni", "/opt/cni/bin") if pathlib.Path(place, "bridge").exists()), None)
    # So nerdctl calls the network that it would else make itself.
    NETWORK = "bridge"

    def __init__(self):
        super().__init__()
        self.env = {"NERDCTL_TOML": str(self.folder / "nerdctl.toml")}
        self.command = [os.environ.get("LAMBENT_TEST_NERDCTL") or shutil.which("nerdctl") or "nerdctl"]

    def start(self):
        if os.geteuid() != 0:
            unavailable("the tests' containerd needs root")
        if not shutil.which(self.command[0]):
            unavailable("nerdctl is not installed: run ./dev setup, or set LAMBENT_TEST_NERDCTL")
        if not shutil.which("containerd") or not self.CNI:
            unavailable("containerd, or a plugin of CNI, is not installed")
        self._configure()
        return self._start(["containerd", "--config", str(self.folder / "containerd.toml")])

    def _configure(self):
        (self.folder / "containerd.toml").write_text(
            f'version = 2\nroot = "{self.folder}/data"\nstate = "{self.folder}/run"\ndisabled_plugins = ["io.containerd.grpc.v1.cri"]\n'
            f'[grpc]\naddress = "{self.socket}"\n[plugins."io.containerd.internal.v1.opt"]\npath = "{self.folder}/opt"\n')
        (self.folder / "nerdctl.toml").write_text(
            f'address = "{self.socket}"\nnamespace = "{self.folder.name}"\ndata_root = "{self.folder}/store"\ncni_path = "{self.CNI}"\n'
            f'cni_netconfpath = "{self.folder}/networks"\ncgroup_manager = "cgroupfs"\n')
        (self.folder / "networks").mkdir(exist_ok=True)
        self.subnet = getattr(self, "subnet", None) or _free_subnet()
        (self.folder / "networks" / "bridge.conflist").write_text(json.dumps({
            "cniVersion": "0.4.0", "name": self.NETWORK, "nerdctlID": secrets.token_hex(32), "nerdctlLabels": {"nerdctl/default-network": "true"},
            "plugins": [{"type": "bridge", "bridge": self._bridge_name(), "isGateway": True, "ipam": {
                "type": "host-local", "dataDir": str(self.folder / "addresses"), "routes": [{"dst": "0.0.0.0/0"}],
                "ranges": [[{"subnet": f"{self.subnet}.0/24", "gateway": f"{self.subnet}.1"}]]}}],
        }))

    def stop(self):
        if self._is_ready and self.process.poll() is None:
            self.remove_containers()
        self._stop_process()
        _remove(self.folder)
        # containerd leaves the cgroups of its namespace.
        for left in [*pathlib.Path("/sys/fs/cgroup").glob(self.folder.name), *pathlib.Path("/sys/fs/cgroup").glob(f"*/{self.folder.name}")]:
            with contextlib.suppress(OSError):
                left.rmdir()

    # ---- what the API is for others ----

    def _say(self, *arguments, **settings):
        """What the command says; EngineError with its words when it fails."""
        done = self.run(*arguments, **settings)
        if done.returncode:
            raise EngineError(404 if "no such" in done.stderr.lower() else 500, done.stderr.strip())
        return done.stdout

    def call(self, method, path, body=None, headers=None, **query):
        """Of the calls those that tests make of containers."""
        _, kind, name, *what = path.split("/")
        words = {
            ("GET", "containers", "json"): ["container", "inspect", name],
            ("POST", "containers", "stop"): ["stop", "--time", query.get("t", "10"), name],
            ("DELETE", "containers", ""): ["rm", "--force", "--volumes", name],
        }[method, kind, "".join(what)]
        said = self._say(*words)
        return json.loads(said)[0] if method == "GET" else said

    def load(self, image):
        if (image.name, image.image_id) not in self._loaded or not self.has(image.name):
            with tempfile.NamedTemporaryFile() as archive:
                image.write_archive(archive)
                archive.flush()
                self._say("load", "--input", archive.name)
            self._loaded.add((image.name, image.image_id))
        return image.name

    def has(self, name):
        return self.run("image", "inspect", name).returncode == 0

    def forget(self, name):
        self.remove_containers()  # with one that runs it keeps the image
        self._say("rmi", "--force", name)
        self._loaded = {(loaded, image_id) for loaded, image_id in self._loaded if loaded != name}

    def containers(self, **labels):
        filters = [word for key, value in labels.items() for word in ("--filter", f"label={key}={value}")]
        ids = self._say("ps", "--all", "--quiet", "--no-trunc", *filters).split()
        # One that has gone meanwhile is not there.
        found = [json.loads(done.stdout)[0] for done in (self.run("container", "inspect", known) for known in ids) if done.returncode == 0]
        return [{"Id": each["Id"], "Labels": each["Config"]["Labels"], "State": each["State"]["Status"]} for each in found]

    def remove_containers(self):
        if ids := self._say("ps", "--all", "--quiet", "--no-trunc").split():
            self._say("rm", "--force", "--volumes", *ids)

    def images(self):
        return sorted(self._say("images", "--format", "{{.Repository}}:{{.Tag}}").split())

    # ---- how lambent finds it ----

    @property
    def found_by(self):
        return f"the command {self._wrapper()}"

    def _wrapper(self):
        path = self.folder / "nerdctl"
        if not path.exists():
            path.write_text("#!/bin/sh\n" + "".join(f"export {key}={shlex.quote(value)}\n" for key, value in self.env.items()) +
                            f'exec {shlex.quote(self.command[0])} "$@"\n')
            path.chmod(0o755)
        return path

    def lambent_env(self):
        return {"DOCKER_HOST": "", "LAMBENT_CONTAINER_CLI": str(self._wrapper())}
