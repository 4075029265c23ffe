# SPDX-License-Identifier: Apache-2.0
"""Where log lines go: standard output, or frames on a descriptor of the platform.

A frame is type (4 bytes), length (4), microseconds since 1970 (8), all big-endian, then the message. Frames keep
a message of many lines together.
"""

import sys
import time

_TEXT_UNKNOWN = 0xA55A0003
_TEXT_ERROR = 0xA55A0017
_JSON_ERROR = 0xA55A0016


class StandardLogSink:
    def log(self, msg, frame_type=None):
        sys.stdout.write(msg)

    def log_error(self, message_lines):
        # A carriage return keeps a traceback one event where lines are events.
        sys.stdout.write("\r".join(message_lines) + "\n")


class FramedTelemetryLogSink:
    def __init__(self, fd, json_format):
        self.file = open(int(fd), "wb", 0)
        self._error_type = _JSON_ERROR if json_format else _TEXT_ERROR

    def log(self, msg, frame_type=None):
        message = msg.encode("utf-8", "surrogatepass")
        if not isinstance(frame_type, bytes):
            frame_type = (frame_type or _TEXT_UNKNOWN).to_bytes(4, "big")
        micros = time.time_ns() // 1000
        self.file.write(frame_type + len(message).to_bytes(4, "big") + micros.to_bytes(8, "big") + message)

    def log_error(self, message_lines):
        self.log("\n".join(message_lines), self._error_type)


class Unbuffered:
    """A stream whose writes are seen at once, so that output of one invocation is never charged to the next."""

    def __init__(self, stream):
        self.stream = stream

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, exc_tb):
        pass

    def __getattr__(self, attr):
        return getattr(self.stream, attr)

    def write(self, msg):
        self.stream.write(msg)
        self.stream.flush()

    def writelines(self, msgs):
        self.stream.writelines(msgs)
        self.stream.flush()
