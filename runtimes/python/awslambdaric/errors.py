# SPDX-License-Identifier: Apache-2.0
"""Exceptions as answers, as log lines and as X-Ray causes. Loaded at the first error."""

import os
import time
import traceback

from .lambda_runtime_marshaller import to_json

_INDENT = "\u00a0"


def make_error(error_message, error_type, stack_trace, invoke_id=None):
    result = {
        "errorMessage": error_message if error_message else "",
        "errorType": error_type if error_type else "",
        "requestId": invoke_id if invoke_id is not None else "",
        "stackTrace": stack_trace if stack_trace else [],
    }
    if os.environ.get("AWS_EXECUTION_ENV") == "AWS_Lambda_python3.8":
        # That runtime's client is older and has no request id in its errors (docs/aws.md, runtimes).
        del result["requestId"]
    return result


def extract_traceback(tb):
    """Frames as (file, line, function, source line), from the first that is not ours."""
    frames = [(frame.filename, frame.lineno, frame.name, frame.line) for frame in traceback.extract_tb(tb)]
    for i, frame in enumerate(frames):
        if "/bootstrap.py" not in frame[0]:
            return frames[i:]
    return frames


def _import_module_frame():
    """The frame of importlib.import_module, which AWS shows first when a handler's module raises.

    We enter the import machinery below it, because importing importlib costs time; the frame is put back here.
    """
    import importlib
    import linecache

    code = importlib.import_module.__code__
    for number in range(code.co_firstlineno, code.co_firstlineno + 60):
        line = linecache.getline(code.co_filename, number).strip()
        if "_gcd_import(" in line:
            return (code.co_filename, number, code.co_name, line)
    return None


def build_fault_result(exc_info, msg, importing=False):
    etype, value, tb = exc_info
    frames = extract_traceback(tb)
    if importing and frames and frames[0][0] == "<frozen importlib._bootstrap>":
        head = _import_module_frame()
        frames = ([head] if head else []) + frames
    return make_error(msg if msg else str(value), etype.__name__, traceback.format_list(frames))


def make_xray_fault(ex_type, ex_msg, working_dir, tb_tuples):
    stack = [{"label": name, "path": path, "line": line} for path, line, name, _ in tb_tuples]
    return {
        "working_directory": working_dir,
        "exceptions": [{"message": ex_msg, "type": ex_type, "stack": stack}],
        "paths": list({frame[0] for frame in tb_tuples}),
    }


def describe(exc_info, invoke_id):
    """An exception of the handler: (error for the caller, cause for X-Ray)."""
    etype, value, tb = exc_info
    frames = extract_traceback(tb)
    cause = make_xray_fault(etype.__name__, str(value), os.getcwd(), frames)
    return make_error(str(value), etype.__name__, traceback.format_list(frames), invoke_id), cause


def _indent_with_nbsp(line):
    text = line.lstrip(" ")
    return _INDENT * (len(line) - len(text)) + text


def _log_error_as_json(error_result, log_sink):
    now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
    log_sink.log_error([to_json({"timestamp": now, "level": "ERROR", **error_result})])


def log_error(error_result, log_sink, json_format):
    if json_format:
        _log_error_as_json(error_result, log_sink)
        return
    title = "[ERROR]"
    error_type = error_result.get("errorType")
    message = error_result.get("errorMessage")
    if error_type:
        title += " " + error_type
    if message:
        title += (": " if error_type else " ") + message
    lines = [title]
    stack_trace = error_result.get("stackTrace")
    if stack_trace is not None:
        lines.append("Traceback (most recent call last):")
        for element in stack_trace:
            lines += [_indent_with_nbsp(line) for line in element.splitlines()] or [""]
    log_sink.log_error(lines)
