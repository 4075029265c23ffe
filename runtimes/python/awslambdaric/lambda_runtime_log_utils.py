# SPDX-License-Identifier: Apache-2.0
"""The root logger as AWS sets it up. Loaded right after `logging` itself, whoever imports that first."""

import logging
import time

from . import bootstrap

_TEXT_FORMAT = "[%(levelname)s]\t%(asctime)s.%(msecs)03dZ\t%(aws_request_id)s\t%(message)s\n"
# What every record carries; other attributes come from `extra=` and are part of the JSON line.
_RESERVED_FIELDS = {
    "name", "msg", "args", "levelname", "levelno", "pathname", "filename", "module", "exc_info", "exc_text",
    "stack_info", "lineno", "funcName", "created", "msecs", "relativeCreated", "thread", "threadName",
    "processName", "process", "aws_request_id", "tenant_id", "_frame_type",
}
_FRAME_LEVELS = {0: 0x02, 10: 0x0A, 20: 0x0E, 30: 0x12, 40: 0x16, 50: 0x1A}
_encode_json = None


def _frame_type(level, text):
    return 0xA55A0000 + _FRAME_LEVELS[level] + (1 if text else 0)


def _format_log_level(record):
    return min(50, max(0, record.levelno)) // 10 * 10


def _encode(obj):
    global _encode_json
    if _encode_json is None:
        import json

        _encode_json = json.JSONEncoder(ensure_ascii=False, default=str).encode
    return _encode_json(obj)


class JsonFormatter(logging.Formatter):
    def __init__(self):
        super().__init__(datefmt="%Y-%m-%dT%H:%M:%SZ")

    @staticmethod
    def _exception_fields(record):
        if not record.exc_info:
            return None, None, None, None
        import traceback

        kind, value, tb = record.exc_info
        location = "{}:{}:{}".format(record.pathname, record.funcName, record.lineno)
        return traceback.format_tb(tb), kind.__name__, str(value), location

    def format(self, record):
        record.levelno = _format_log_level(record)
        record.levelname = logging.getLevelName(record.levelno)
        record._frame_type = _frame_type(record.levelno, text=False)
        whole_dict = isinstance(record.msg, dict) and not record.args
        stack_trace, error_type, error_message, location = self._exception_fields(record)
        result = {
            "timestamp": self.formatTime(record, self.datefmt),
            "level": record.levelname,
            "message": record.msg if whole_dict else record.getMessage(),
            "logger": record.name,
            "stackTrace": stack_trace,
            "errorType": error_type,
            "errorMessage": error_message,
            "requestId": getattr(record, "aws_request_id", None),
            "location": location,
        }
        if getattr(record, "tenant_id", None) is not None:
            result["tenantId"] = record.tenant_id
        for key, value in record.__dict__.items():
            if key not in _RESERVED_FIELDS and key not in result:
                result[key] = value
        return _encode({key: value for key, value in result.items() if value is not None}) + "\n"


class LambdaLoggerHandler(logging.Handler):
    def __init__(self, log_sink):
        logging.Handler.__init__(self)
        self.log_sink = log_sink

    def emit(self, record):
        self.log_sink.log(self.format(record))


class LambdaLoggerHandlerWithFrameType(LambdaLoggerHandler):
    def emit(self, record):
        # Formatting comes first: the JSON formatter leaves the frame type in the record.
        message = self.format(record)
        frame_type = getattr(record, "_frame_type", None) or _frame_type(_format_log_level(record), text=True)
        self.log_sink.log(message, frame_type=frame_type)


class LambdaLoggerFilter(logging.Filter):
    def filter(self, record):
        record.aws_request_id = bootstrap._GLOBAL_AWS_REQUEST_ID or ""
        record.tenant_id = bootstrap._GLOBAL_TENANT_ID
        return True


def setup(log_sink, json_format, log_level):
    logging.Formatter.converter = time.gmtime
    if json_format or log_level:
        handler = LambdaLoggerHandlerWithFrameType(log_sink)
    else:
        handler = LambdaLoggerHandler(log_sink)
    if json_format:
        handler.setFormatter(JsonFormatter())
    else:
        handler.setFormatter(logging.Formatter(_TEXT_FORMAT, "%Y-%m-%dT%H:%M:%S"))
    root = logging.getLogger()
    if log_level in logging._nameToLevel:
        root.setLevel(log_level)
    handler.addFilter(LambdaLoggerFilter())
    root.addHandler(handler)
