# SPDX-License-Identifier: Apache-2.0
"""lambent serve: settings, addresses, signals."""

import ctypes
import http.client
import json
import os
import signal
import socket
import struct
import subprocess
import threading

import pytest

from command import environment, lambent
from daemon import Daemon, binary

SLOW = """
import threading

def handler(event, context):
    print("running", flush=True)
    threading.Event().wait(event)
    return "done"
"""


def get(host, port, path):
    connection = http.client.HTTPConnection(host, port, timeout=10)
    connection.request("GET", path)
    answer = connection.getresponse()
    return answer.status, answer.read()


def has_ipv6():
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


def test_loopback_means_both_families(lambent_factory):
    daemon = lambent_factory()
    assert get("127.0.0.1", daemon.port, "/_lambent/health")[0] == 200
    if has_ipv6():
        assert get("::1", daemon.port, "/_lambent/health")[0] == 200


def test_several_addresses(lambent_factory):
    with socket.create_server(("127.0.0.2", 0)) as free:
        port = free.getsockname()[1]
    daemon = lambent_factory("--listen", "127.0.0.1:0", "--listen", f"127.0.0.2:{port}")
    assert get("127.0.0.2", port, "/_lambent/health")[0] == 200
    assert get("127.0.0.1", daemon.port, "/_lambent/health")[0] == 200


def test_a_taken_port_is_told_with_the_remedy(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        done = lambent("serve", "--listen", f"127.0.0.1:{port}", "--data-dir", tmp_path / "data")
    assert done.returncode == 1
    assert f"127.0.0.1:{port} is taken by another program" in done.stderr and "--listen" in done.stderr
    assert not (tmp_path / "data").exists()


def test_a_data_dir_has_one_daemon(lambent_factory):
    daemon = lambent_factory()
    done = lambent("serve", "--listen", "127.0.0.1:0", "--data-dir", daemon.data_dir)
    assert done.returncode == 1 and str(daemon.data_dir) in done.stderr
    assert get("127.0.0.1", daemon.port, "/_lambent/health")[0] == 200


@pytest.mark.parametrize("option,problem", [
    (["--listen", "nowhere"], '"nowhere" is not HOST:PORT'),
    (["--listen", "127.0.0.1:99999"], "is not HOST:PORT"),
    (["--listen", "192.0.2.1:0"], "192.0.2.1:0"),
    (["--account", "123"], "is not 12 digits"),
    (["--region", "Mars"], "is not a region's name"),
    (["--allow-host", "http://lambent.example"], "is not the name of a host"),
    (["--sandbox-tier", "4"], "at most 3"),
    (["--idle-ttl", "soon"], "is not a time span"),
    (["--log-level", "loud"], "is not one of error|warn|info|debug"),
    (["operand"], 'does not take "operand"'),
])
def test_a_wrong_option_is_told(option, problem, tmp_path):
    done = lambent("serve", "--data-dir", tmp_path / "data", *option)
    assert done.returncode in (1, 2) and problem in done.stderr


def test_settings_come_from_the_command_line_the_environment_and_files(lambent_factory, tmp_path):
    file = tmp_path / "settings"
    file.write_text("# a comment\naccount = 111111111111\nregion = eu-west-1\nendpoint = http://127.0.0.1:1\n")
    daemon = lambent_factory("--config", str(file), env={"LAMBENT_REGION": "eu-north-1"})
    status, body = get("127.0.0.1", daemon.port, "/2015-03-31/functions/f")
    assert status == 404 and b"arn:aws:lambda:eu-north-1:111111111111:function:f" in body


def test_a_mistake_in_a_file_is_told_with_its_line(tmp_path):
    file = tmp_path / "settings"
    file.write_text("region = eu-west-1\nidle-tll = 5s\n")
    done = lambent("serve", "--config", file)
    assert done.returncode == 2 and f'{file}:2: there is no setting "idle-tll"' in done.stderr
    done = lambent("serve", "--config", tmp_path / "absent")
    assert done.returncode == 2 and "No such file" in done.stderr


def test_temporary_takes_no_folder_that_is_in_use(lambent_factory, tmp_path):
    (tmp_path / "precious").write_text("")
    done = lambent("serve", "--temporary", "--listen", "127.0.0.1:0", "--data-dir", tmp_path)
    assert done.returncode == 2 and f"{tmp_path} is not empty" in done.stderr
    assert (tmp_path / "precious").exists()
    daemon = lambent_factory()
    done = lambent("serve", "--listen", "127.0.0.1:0", "--data-dir", daemon.data_dir, env={"LAMBENT_TEMPORARY": "1"})
    assert done.returncode == 2 and (daemon.data_dir / "lambent.db").exists()


def test_a_wrong_option_leaves_no_temporary_folder(tmp_path):
    done = lambent("serve", "--temporary", "--account", "1", env={"TMPDIR": tmp_path})
    assert done.returncode == 2 and list(tmp_path.iterdir()) == []


def test_the_endpoint_is_written_to_the_ready_fd(tmp_path):
    reader, writer = os.pipe()
    process = subprocess.Popen([binary(), "serve", "--listen", "127.0.0.1:0", "--temporary", "--ready-fd", str(writer)],
                               pass_fds=[writer], env=environment(TMPDIR=tmp_path), stderr=subprocess.DEVNULL)
    os.close(writer)
    with open(reader) as ready:
        endpoint = ready.read().strip()
    assert get("127.0.0.1", int(endpoint.rsplit(":", 1)[1]), "/_lambent/health")[0] == 200
    assert len(list(tmp_path.iterdir())) == 1
    process.terminate()
    assert process.wait(30) == 0
    assert list(tmp_path.iterdir()) == []


def test_closed_standard_descriptors_are_nobodys(tmp_path):
    reader, writer = os.pipe()
    process = subprocess.Popen(["/bin/sh", "-c", f'exec "$0" "$@" --ready-fd {writer} <&- >&- 2>&-', binary(), "serve", "--listen", "127.0.0.1:0",
                                "--temporary"], pass_fds=[writer], env=environment(TMPDIR=tmp_path))
    os.close(writer)
    try:
        with open(reader) as ready:
            assert ready.read().startswith("http://")
        assert [os.readlink(f"/proc/{process.pid}/fd/{fd}") for fd in range(3)] == ["/dev/null"] * 3
    finally:
        process.terminate()
    assert process.wait(30) == 0


def test_descriptors_are_raised_to_the_hard_limit(lambent_factory):
    daemon = lambent_factory()
    with open(f"/proc/{daemon.pid}/limits") as limits:
        soft, hard = next(line.split()[3:5] for line in limits if line.startswith("Max open files"))
    assert soft == hard


def test_too_few_descriptors_are_told_with_the_remedy(tmp_path):
    done = subprocess.run(["/bin/sh", "-c", 'ulimit -n 512; exec "$0" "$@"', binary(), "serve", "--listen", "127.0.0.1:0", "--data-dir", tmp_path / "data"],
                          env=environment(), text=True, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == 1 and "only 512 files may be open" in done.stderr and "ulimit -n" in done.stderr


def deploy_slow(client, package):
    client.create_function(FunctionName="slow", Runtime=package[0], Handler="app.handler", Timeout=60, Code={"ZipFile": package[1]},
                           Role="arn:aws:iam::000000000000:role/r")
    client.get_waiter("function_active_v2").wait(FunctionName="slow", WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})


class Invocation(threading.Thread):
    """An invocation of `slow` that is known to be running when this returns."""

    def __init__(self, daemon, client, seconds):
        super().__init__()
        self.client, self.seconds, self.outcome = client, seconds, None
        self.start()
        log = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
        log.request("GET", "/_lambent/logs?function=slow&since=0&follow=1")
        for line in log.getresponse():
            if b"running" in line:
                break
        log.close()

    def run(self):
        try:
            self.outcome = json.load(self.client.invoke(FunctionName="slow", Payload=str(self.seconds))["Payload"])
        except Exception as error:  # the test looks at it
            self.outcome = error


@pytest.fixture
def slow_package(zip_of):
    from guests import host_python_runtime

    return host_python_runtime(), zip_of({"app.py": SLOW})


def test_sigterm_lets_a_running_invocation_end(lambent_factory, client_of, slow_package):
    daemon = lambent_factory()
    client = client_of(daemon)
    deploy_slow(client, slow_package)
    invocation = Invocation(daemon, client, 1)
    assert daemon.stop(signal.SIGTERM) == 0
    invocation.join(30)
    assert invocation.outcome == "done"
    with pytest.raises(OSError):
        get("127.0.0.1", daemon.port, "/_lambent/health")


def test_the_drain_time_is_the_most_that_it_waits(lambent_factory, client_of, slow_package):
    daemon = lambent_factory("--drain-time", "100ms")
    client = client_of(daemon)
    deploy_slow(client, slow_package)
    invocation = Invocation(daemon, client, 50)
    assert daemon.stop(signal.SIGINT) == 0
    invocation.join(30)
    assert isinstance(invocation.outcome, Exception) or invocation.outcome != "done"


def test_a_second_signal_stops_at_once(lambent_factory, client_of, slow_package):
    daemon = lambent_factory("--drain-time", "never")
    client = client_of(daemon)
    deploy_slow(client, slow_package)
    invocation = Invocation(daemon, client, 50)
    daemon.process.send_signal(signal.SIGTERM)
    assert daemon.stop(signal.SIGINT) == 0
    invocation.join(30)
    assert invocation.outcome != "done"


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGINT])
def test_an_ignored_signal_stays_ignored(lambent_factory, number):
    """nohup, and `serve &` in a script."""
    before = signal.signal(number, signal.SIG_IGN)
    try:
        daemon = lambent_factory()
    finally:
        signal.signal(number, before)
    daemon.process.send_signal(number)
    assert get("127.0.0.1", daemon.port, "/_lambent/health")[0] == 200
    assert not any("no new work" in line for line in daemon.lines)
    assert daemon.stop(signal.SIGTERM) == 0


def test_a_drain_time_without_end(lambent_factory, client_of, slow_package):
    daemon = lambent_factory("--drain-time", "never")
    client = client_of(daemon)
    deploy_slow(client, slow_package)
    invocation = Invocation(daemon, client, 1)
    assert daemon.stop(signal.SIGTERM) == 0
    invocation.join(30)
    assert invocation.outcome == "done"


def test_followers_of_logs_are_told_of_the_end(lambent_factory, client_of, slow_package):
    daemon = lambent_factory()
    client = client_of(daemon)
    deploy_slow(client, slow_package)
    invocation = Invocation(daemon, client, 1)
    log = http.client.HTTPConnection("127.0.0.1", daemon.port, timeout=30)
    log.request("GET", "/_lambent/logs?function=slow&since=0&follow=1")
    answer = log.getresponse()
    daemon.process.send_signal(signal.SIGTERM)
    assert b"REPORT RequestId" in answer.read()  # whole: an IncompleteRead would be raised
    assert daemon.stop() == 0
    invocation.join(30)


def test_functions_are_there_after_a_restart_even_after_kill_9(lambent_factory, client_of, slow_package, tmp_path):
    daemon = lambent_factory(data_dir=tmp_path / "data")
    deploy_slow(client_of(daemon), slow_package)
    daemon.kill()
    daemon.start()
    assert json.load(client_of(daemon).invoke(FunctionName="slow", Payload="0")["Payload"]) == "done"


def test_a_daemon_that_cannot_start_leaves_nothing(tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        daemon = Daemon("--listen", f"127.0.0.1:{taken.getsockname()[1]}")
        with pytest.raises(RuntimeError, match="did not start"):
            daemon.start()
    assert daemon.leaks() == []
    daemon.remove()


def slice_of(pid):
    """What the kernel gives a thread at a time, in nanoseconds; 0 before Linux 6.12. sched_getattr(2) has no wrapper."""
    number = {"x86_64": 315, "aarch64": 275}.get(os.uname().machine)
    if number is None:
        pytest.skip("no number of sched_getattr for this machine")
    attributes = ctypes.create_string_buffer(48)
    assert ctypes.CDLL(None, use_errno=True).syscall(number, pid, attributes, 48, 0) == 0
    return struct.unpack_from("Q", attributes.raw, 24)[0]


def test_only_the_loop_has_short_slices(lambent_factory):
    ordinary = slice_of(os.getpid())
    if not ordinary:
        pytest.skip("this kernel has no slices of a thread's own")
    daemon = lambent_factory()
    with open(f"/proc/{daemon.pid}/task/{daemon.pid}/children") as file:
        launcher = int(file.read().split()[0])
    assert slice_of(daemon.pid) < ordinary
    assert slice_of(launcher) == ordinary
