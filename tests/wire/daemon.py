# SPDX-License-Identifier: Apache-2.0
"""A lambent daemon under test: started on a free port, waited for by its own word, and searched for leaks when it has stopped."""

import contextlib
import ctypes
import os
import pathlib
import select
import shutil
import signal
import subprocess
import tempfile
import threading

import places

ROOT = pathlib.Path(__file__).resolve().parents[2]
READY = "lambent listening on "
START_SECONDS = 30
STOP_SECONDS = 30
# What is killed by the kernel when a namespace or a life-line ends is gone a moment later.
VANISH_SECONDS = 5
PR_SET_CHILD_SUBREAPER = 36
# Where version 2 hangs on hosts that have both versions of cgroups.
UNIFIED = "unified" if pathlib.Path("/sys/fs/cgroup/unified").is_dir() else ""


def binary():
    path = pathlib.Path(os.environ.get("LAMBENT_TEST_BINARY") or ROOT / "build" / "lambent")
    if not path.exists():
        raise RuntimeError(f"{path} is not there: run ./dev build, or set LAMBENT_TEST_BINARY")
    return str(path)


def adopt_orphans():
    """From now on whatever a daemon leaves behind becomes our child, where leaks() finds it."""
    ctypes.CDLL(None, use_errno=True).prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def children(pid):
    found = []
    with contextlib.suppress(OSError):
        for task in os.listdir(f"/proc/{pid}/task"):
            with contextlib.suppress(OSError):
                found += map(int, pathlib.Path(f"/proc/{pid}/task/{task}/children").read_text().split())
    return found


def descendants(pid):
    found = []
    for child in children(pid):
        found += [child, *descendants(child)]
    return found


def describe(pid):
    with contextlib.suppress(OSError):
        words = pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
        return f"process {pid} ({words.strip() or pathlib.Path(f'/proc/{pid}/comm').read_text().strip()})"
    return f"process {pid}"


def cgroups_of(pids):
    """The folders of the daemon's own making that these processes are in."""
    found = set()
    for pid in pids:
        with contextlib.suppress(OSError):
            for line in pathlib.Path(f"/proc/{pid}/cgroup").read_text().splitlines():
                controllers, path = line.split(":", 2)[1:]
                parts = path.split("/")
                for end, part in enumerate(parts, 1):
                    if part.startswith("lambent-"):
                        mount = pathlib.Path("/sys/fs/cgroup") / (controllers.replace("name=", "") or UNIFIED)
                        found.add(str(mount) + "/".join(parts[:end]))
                        break
    return found


def has_vanished(pid, seconds):
    """Waits for a process to end, by its pidfd."""
    try:
        fd = os.pidfd_open(pid)
    except OSError:
        return True
    try:
        ended = bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)
    if ended:
        with contextlib.suppress(ChildProcessError):
            os.waitpid(pid, os.WNOHANG)
    return ended


class Daemon:
    """One `lambent serve`. `lines` is what it said on standard error so far."""

    def __init__(self, *options, env=None, data_dir=None, tier=None, place=None):
        self.place = place or places.Native()
        self.options = [*options, *self.place.options(options)]
        # Everything that it may leave in a file system lies below here.
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="lambent-test-"))
        os.chmod(self.folder, 0o755)
        self.tmp = self.folder / "tmp"
        self.tmp.mkdir()
        os.chmod(self.tmp, 0o1777)
        self.data_dir = pathlib.Path(data_dir) if data_dir else self.folder / "data"
        self.tier = tier or os.environ.get("LAMBENT_TEST_TIER")
        self.env = {**os.environ, "TMPDIR": str(self.tmp), "XDG_CONFIG_HOME": str(self.folder / "config"),
                    **self.place.env, **(env or {})}
        self.lines = []
        self.endpoint = None
        self.process = None
        self.binary = binary()
        self._cgroups = set()
        self._ready = threading.Event()
        self._said = threading.Condition()

    def start(self):
        """Returns when it listens. What it said is in the error when it did not."""
        if not any(option.startswith("--listen") for option in self.options):
            self.options += ["--listen", "127.0.0.1:0"]
        command = [self.binary, "serve", "--data-dir", str(self.data_dir), *self.options]
        if self.tier:
            command += ["--sandbox-tier", str(self.tier)]
        self.process = subprocess.Popen(command, env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
                                        stderr=subprocess.PIPE, text=True, errors="replace", start_new_session=True)
        self._ready.clear()
        self.endpoint = None
        self._reader = threading.Thread(target=self._read, args=(self.process.stderr,), daemon=True)
        self._reader.start()
        self._ready.wait(START_SECONDS)
        if not self.endpoint:
            self.kill()
            raise RuntimeError("the daemon did not start:\n" + "".join(self.lines))
        return self

    def _read(self, stream):
        for line in stream:
            with self._said:
                self.lines.append(line)
                self._said.notify_all()
            if line.startswith(READY):
                self.endpoint = line[len(READY):].strip()
                self._ready.set()
        self._ready.set()

    def await_lines(self, text, count=1):
        """Until it has said that many lines with the text."""
        with self._said:
            if not self._said.wait_for(lambda: sum(text in line for line in self.lines) >= count, START_SECONDS):
                raise RuntimeError(f'the daemon did not say "{text}":\n' + "".join(self.lines))

    @property
    def port(self):
        return int(self.endpoint.rsplit(":", 1)[1])

    @property
    def pid(self):
        return self.process.pid

    def stop(self, sig=signal.SIGTERM):
        """Stops it and answers its exit status. The folder stays, so that it can be started again."""
        family = descendants(self.process.pid)
        self._cgroups |= cgroups_of(family)
        self._family = family
        self._was_killed = False
        if self.process.poll() is None:
            self.process.send_signal(sig)
        try:
            status = self.process.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            self.kill()
            raise RuntimeError("the daemon did not stop:\n" + "".join(self.lines)) from None
        self._reader.join(STOP_SECONDS)
        return status

    def kill(self):
        """kill -9, as a crash would."""
        self._was_killed = True
        self._family = descendants(self.process.pid)
        self._cgroups |= cgroups_of(self._family)
        self.process.kill()
        self.process.wait()
        self._reader.join(STOP_SECONDS)

    def leaks(self):
        """Sentences about everything that the stopped daemon left behind."""
        found = [describe(pid) for pid in self._family if not has_vanished(pid, VANISH_SECONDS)]
        found += [f"cgroup {path}" for path in sorted(self._cgroups) if os.path.exists(path)]
        mounts = pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
        found += [f"mount {line}" for line in mounts if str(self.folder) in line]
        found += [f"temporary file {path}" for path in sorted(self.tmp.iterdir())]
        if self._was_killed and any(container["State"] == "created" for container in self.place.containers_of(self.data_dir)):
            # What the engine has made for a daemon that was killed before it could start it goes with the next start.
            self.start()
            found += self.place.leaks(self.data_dir)
            self.stop()
        return found + self.place.leaks(self.data_dir)

    def remove(self):
        shutil.rmtree(self.folder, ignore_errors=True)


class RunningDaemon:
    """The daemon that LAMBENT_TEST_ENDPOINT names: somebody else's to start, stop and look after."""

    def __init__(self, endpoint):
        self.endpoint = endpoint.rstrip("/")
        self.lines = []
