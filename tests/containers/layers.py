# SPDX-License-Identifier: Apache-2.0
"""Layers of images, made on the machine from its own package mirrors and kept in the tests' cache.

A layer is a gzip'ed tar file with two digests: of the tar (what an image's configuration names) and of the file (what a manifest names).
"""

import contextlib
import gzip
import hashlib
import io
import json
import os
import pathlib
import platform
import shutil
import subprocess
import tarfile
import tempfile

from guests import GuestBroken, GuestUnavailable, _locked, cache_dir

STEP_SECONDS = 900
# Bulk that no function needs, out of every layer of packages.
LEFT_OUT = ("dev", "proc", "sys", "run", "boot", "var/cache/apt", "var/lib/apt/lists", "var/log", "usr/share/doc", "usr/share/man", "usr/share/info",
            "usr/share/locale", "usr/share/lintian", "usr/share/bug")
# Of folders that are links in the base.
MERGED = ("bin/", "sbin/", "lib/", "lib32/", "lib64/", "libx32/")


class Layer:
    """A file in the cache, and what it is called."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        about = json.loads(self.path.with_suffix(".json").read_text())
        self.diff_id = about["diff_id"]
        self.digest = about["digest"]
        self.size = about["size"]


class _Hashing(io.RawIOBase):
    def __init__(self, to):
        self.to = to
        self.hash = hashlib.sha256()
        self.size = 0

    def writable(self):
        return True

    def write(self, data):
        self.hash.update(data)
        self.size += len(data)
        self.to.write(data)
        return len(data)


class LayerWriter:
    """Collects members. A folder may be named again; engines take no file twice."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        self._file = open(self.path, "wb")
        self._packed = _Hashing(self._file)
        self._gzip = gzip.GzipFile(fileobj=self._packed, mode="wb", compresslevel=1, mtime=0)
        self._plain = _Hashing(self._gzip)
        self._tar = tarfile.open(fileobj=self._plain, mode="w|", format=tarfile.PAX_FORMAT)
        self._names = set()

    def _add(self, info, data=None):
        if info.name in self._names:
            if info.isdir():
                return
            raise GuestBroken(f"/{info.name} is twice in a layer")
        self._names.add(info.name)
        self._tar.addfile(info, data)

    def _member(self, name, kind, mode):
        info = tarfile.TarInfo(name.strip("/"))
        info.type, info.mode, info.mtime = kind, mode, 1577836800
        return info

    def folder(self, name, mode=0o755):
        name = name.strip("/")
        if name and name not in self._names:
            self.folder(os.path.dirname(name))
            self._add(self._member(name, tarfile.DIRTYPE, mode))

    def file(self, name, data, mode=0o644):
        self.folder(os.path.dirname(name))
        info = self._member(name, tarfile.REGTYPE, mode)
        data = data.encode() if isinstance(data, str) else data
        info.size = len(data)
        self._add(info, io.BytesIO(data))

    def link(self, name, target):
        self.folder(os.path.dirname(name))
        info = self._member(name, tarfile.SYMTYPE, 0o777)
        info.linkname = target
        self._add(info)

    def copy(self, name, path):
        """A file or a folder of the machine with all below it, owned by root."""
        path = pathlib.Path(path)
        if path.is_symlink():
            self.link(name, os.readlink(path))
        elif path.is_dir():
            self.folder(name)
            for child in sorted(path.iterdir()):
                self.copy(f"{name}/{child.name}", child)
        else:
            self.file(name, path.read_bytes(), 0o755 if os.access(path, os.X_OK) else 0o644)

    def tar(self, stream):
        """What a tar file of packages holds, without bulk, and where the base has it."""
        with tarfile.open(fileobj=stream, mode="r|*") as source:
            for info in source:
                info.name = info.name.removeprefix("./").strip("/")
                if not info.name or any(info.name == bulk or info.name.startswith(f"{bulk}/") for bulk in LEFT_OUT):
                    continue
                if info.name.startswith(MERGED):
                    info.name = f"usr/{info.name}"
                if info.islnk():
                    info.linkname = info.linkname.removeprefix("./")
                    info.linkname = f"usr/{info.linkname}" if info.linkname.startswith(MERGED) else info.linkname
                if info.isdir() and f"{info.name}/" in MERGED:
                    continue
                self._add(info, source.extractfile(info) if info.isreg() else None)

    def close(self):
        self._tar.close()
        self._gzip.close()
        self._file.close()
        about = {"diff_id": self._plain.hash.hexdigest(), "digest": self._packed.hash.hexdigest(), "size": self._packed.size}
        self.path.with_suffix(".json").write_text(json.dumps(about))


def images_dir():
    folder = cache_dir() / "images"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def kept(name, key, make):
    """The layer that make(writer) fills, made once for each key; older ones of the name go."""
    digest = hashlib.sha256(json.dumps(key, sort_keys=True).encode()).hexdigest()[:24]
    path = images_dir() / f"{name}-{digest}.tar.gz"
    with _locked(images_dir() / f"{name}.lock"):
        # The description is written last.
        if not path.with_suffix(".json").exists():
            for old in images_dir().glob(f"{name}-{'[0-9a-f]' * 24}.*"):
                old.unlink()
            with tempfile.TemporaryDirectory(dir=images_dir(), prefix="new-") as scratch:
                fresh = pathlib.Path(scratch) / path.name
                writer = LayerWriter(fresh)
                try:
                    make(writer)
                finally:
                    writer.close()
                os.replace(fresh, path)
                os.replace(fresh.with_suffix(".json"), path.with_suffix(".json"))
    return Layer(path)


def run(*command, **settings):
    """Runs a step; the machine lacks something if it fails."""
    try:
        return subprocess.run(command, check=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              timeout=STEP_SECONDS, **settings).stdout
    except subprocess.CalledProcessError as error:
        raise GuestUnavailable(f"{' '.join(map(str, command[:3]))} failed: {error.stderr.decode(errors='replace')[-1500:].strip()}") from None
    except (OSError, subprocess.TimeoutExpired) as error:
        raise GuestUnavailable(str(error)) from None


def release():
    """The machine's release of Debian or Ubuntu: images are made of the same, so that what the machine compiles runs in them."""
    lines = dict(line.split("=", 1) for line in pathlib.Path("/etc/os-release").read_text().splitlines() if "=" in line)
    name = lines.get("VERSION_CODENAME", "").strip('"')
    if not name or not shutil.which("apt-get"):
        raise GuestUnavailable("images are made from the packages of Debian or Ubuntu, and this is neither")
    return name


def _mirror():
    """Where this machine's own packages come from."""
    targets = run("apt-get", "indextargets", "--format", "$(REPO_URI) $(RELEASE) $(COMPONENT)", "Created-By: Packages").decode()
    for line in targets.splitlines():
        uri, suite, component = line.split()
        if (suite, component) == (release(), "main"):
            return uri
    raise GuestUnavailable("apt has no list of packages: run apt-get update")


def _status():
    """What dpkg knows of the base. It has a folder of its own, because apt puts its locks beside it."""
    folder = images_dir() / "dpkg"
    folder.mkdir(exist_ok=True)
    return folder / "status"


def _make_base(writer):
    if os.geteuid() != 0:
        raise GuestUnavailable("debootstrap needs root")
    with tempfile.TemporaryDirectory(prefix="lambent-test-base-") as folder:
        root = pathlib.Path(folder) / "root"
        run("debootstrap", "--variant=minbase", release(), str(root), _mirror())
        _status().write_bytes((root / "var/lib/dpkg/status").read_bytes())
        packed = pathlib.Path(folder) / "root.tar"
        run("tar", "-C", str(root), "--numeric-owner", "--one-file-system", "-cf", str(packed), ".")
        with open(packed, "rb") as stream:
            writer.tar(stream)
    for name in ("dev", "proc", "sys", "run", "var/log"):
        writer.folder(name)
    writer.folder("tmp", 0o1777)


def base():
    """The smallest Debian that there is."""
    return kept("base", ["base", release(), platform.machine(), LEFT_OUT], _make_base)


def _fetch_packages(names, folder):
    """The packages, and all they need that the base lacks."""
    base()
    (folder / "partial").mkdir()
    command = ["apt-get", "-qq", "-y", "--download-only", "--no-install-recommends", "-o", f"Dir::State::status={_status()}",
               "-o", f"Dir::Cache::archives={folder}", "install", *names]
    try:
        run(*command)
    except GuestUnavailable:
        # The lists are too old, or there are none yet.
        run("apt-get", "-qq", "update")
        run(*command)
    return sorted(folder.glob("*.deb"))


def add_packages(writer, *names):
    """Puts packages into a layer: unpacked, their scripts not run."""
    with tempfile.TemporaryDirectory(prefix="lambent-test-debs-") as folder:
        for package in _fetch_packages(names, pathlib.Path(folder)):
            with subprocess.Popen(["dpkg-deb", "--fsys-tarfile", str(package)], stdout=subprocess.PIPE) as unpacking:
                writer.tar(unpacking.stdout)
            if unpacking.returncode:
                raise GuestBroken(f"{package.name} cannot be unpacked")


def has_package(name):
    with contextlib.suppress(GuestUnavailable):
        return bool(run("apt-cache", "show", name))
    return False
