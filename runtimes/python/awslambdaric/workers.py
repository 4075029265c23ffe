# SPDX-License-Identifier: Apache-2.0
"""Parallel invocations (managed instances): one process for each of them, all polling on their own."""

import os
import sys


def _connect_output():
    """Each worker has a log stream of its own, where the platform offers one."""
    path = os.environ.get("_LAMBDA_TELEMETRY_LOG_FD_PROVIDER_SOCKET")
    if not path:
        return
    import socket

    for fd in (1, 2):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as stream:
            stream.connect(path)
            os.dup2(stream.fileno(), fd)


def become_worker(count):
    """Returns in the workers only; the parent waits for all of them and ends."""
    for _ in range(count):
        if os.fork() == 0:
            _connect_output()
            return
    for _ in range(count):
        os.wait()
    sys.exit(0)
