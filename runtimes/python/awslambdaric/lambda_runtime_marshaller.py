# SPDX-License-Identifier: Apache-2.0
"""Events and results as JSON.

AWS encodes with simplejson, whose rules are wider than the standard library's: bytes count as UTF-8 text,
anything with `_asdict()` is an object, Decimal is written with all its digits. Results made of exact built-in
types, which is nearly all of them, go through the interpreter's C encoder; `marshal` tells the two apart at C
speed because it accepts exact types only. `json` itself is not imported, as it brings `re` along (5 ms).
"""

import marshal
import math
import os
import sys

from .lambda_runtime_exception import FaultException

try:
    from _json import encode_basestring, encode_basestring_ascii, make_encoder, make_scanner
except ImportError:
    from json.encoder import py_encode_basestring as encode_basestring
    from json.encoder import py_encode_basestring_ascii as encode_basestring_ascii

    make_encoder = make_scanner = None

_UNICODE_RUNTIMES = {"AWS_Lambda_python3.%d" % minor for minor in range(12, 16)}
_CONSTANTS = {"NaN": math.nan, "Infinity": math.inf, "-Infinity": -math.inf}
_SPACE = " \t\n\r"


class _Raw:
    """Text that goes into the result as it is."""

    __slots__ = ("text",)

    def __init__(self, text):
        self.text = text


def _refuse(obj):
    raise TypeError("Object of type %s is not JSON serializable" % obj.__class__.__name__)


def _plain_default(obj):
    """What marshal accepts and JSON does not know: bytes are text, the rest has no meaning."""
    if isinstance(obj, bytes):
        return str(obj, "utf-8")
    return _refuse(obj)


def _float_text(value):
    if value != value:
        return "NaN"
    if value in (math.inf, -math.inf):
        return "Infinity" if value > 0 else "-Infinity"
    return float.__repr__(value)


class _WideEncoder:
    """One encoding by simplejson's rules: slow, complete, and the one that words the errors."""

    def __init__(self, quote):
        self._quote = quote
        self._open = set()
        self._parts = []

    def encode(self, obj):
        self._value(obj)
        return "".join(self._parts)

    def _scalar(self, obj):
        if isinstance(obj, str):
            return self._quote(str.__str__(obj))
        if isinstance(obj, bytes):
            return self._quote(str(obj, "utf-8"))
        if isinstance(obj, _Raw):
            return obj.text
        if obj is None:
            return "null"
        if obj is True:
            return "true"
        if obj is False:
            return "false"
        if isinstance(obj, int):
            return str(int(obj))
        if isinstance(obj, float):
            return _float_text(obj)
        return None

    def _value(self, obj):
        text = self._scalar(obj)
        if text is not None:
            self._parts.append(text)
            return
        if id(obj) in self._open:
            raise ValueError("Circular reference detected")
        self._open.add(id(obj))
        as_dict = getattr(obj, "_asdict", None)
        if callable(as_dict):
            obj_dict = as_dict()
            if not isinstance(obj_dict, dict):
                raise TypeError("_asdict() must return a dict, not %s" % type(obj_dict).__name__)
            self._dict(obj_dict)
        elif isinstance(obj, (list, tuple)):
            self._list(obj)
        elif isinstance(obj, dict):
            self._dict(obj)
        else:
            self._value(self._default(obj))
        self._open.discard(id(obj))

    def _list(self, items):
        separator = "["
        for item in items:
            self._parts.append(separator)
            self._value(item)
            separator = ", "
        self._parts.append("]" if separator != "[" else "[]")

    def _dict(self, items):
        separator = "{"
        for key, value in items.items():
            self._parts.append(separator)
            self._parts.append(self._quote(self._key(key)))
            self._parts.append(": ")
            self._value(value)
            separator = ", "
        self._parts.append("}" if separator != "{" else "{}")

    def _key(self, key):
        if isinstance(key, str):
            return str.__str__(key)
        if isinstance(key, bytes):
            return str(key, "utf-8")
        if key is None or isinstance(key, (int, float)):
            return self._scalar(key)
        raise TypeError("keys must be str, int, float, bool or None, not %s" % key.__class__.__name__)

    @staticmethod
    def _default(obj):
        decimal = sys.modules.get("decimal")
        if decimal is not None and isinstance(obj, decimal.Decimal):
            return math.nan if obj.is_nan() else _Raw(str(obj))
        return _refuse(obj)


class Encoder:
    def __init__(self):
        unicode_kept = os.environ.get("AWS_EXECUTION_ENV") in _UNICODE_RUNTIMES
        self._quote = encode_basestring if unicode_kept else encode_basestring_ascii

    def encode(self, obj):
        if make_encoder is not None:
            try:
                marshal.dumps(obj)
                encode = make_encoder({}, _plain_default, self._quote, None, ": ", ", ", False, False, True)
                return "".join(encode(obj, 0))
            except Exception:
                # Whatever is special here, the wide encoder has the final say.
                pass
        return _WideEncoder(self._quote).encode(obj)


def to_json(obj):
    return Encoder().encode(obj)


class _ScanRules:
    """What the C scanner wants to know about the dialect."""

    strict = True
    object_hook = None
    object_pairs_hook = None
    parse_float = float
    parse_int = int
    parse_constant = _CONSTANTS.__getitem__
    array_hook = None


_scan = make_scanner(_ScanRules) if make_scanner is not None else None


def _parse(text):
    if text.startswith("\ufeff"):
        text = text[1:]
    if _scan is not None:
        stripped = text.strip(_SPACE)
        try:
            value, end = _scan(stripped, 0)
            if end == len(stripped):
                return value
        except (StopIteration, ValueError, SystemError):
            # The scanner alone does not word its errors (SystemError: json.decoder is not loaded); json does.
            pass
    import json

    return json.loads(text)


class LambdaMarshaller:
    def __init__(self):
        self.jsonEncoder = Encoder()

    def unmarshal_request(self, request, content_type="application/json"):
        if content_type != "application/json":
            return bytes(request) if isinstance(request, bytearray) else request
        try:
            return _parse(request if isinstance(request, str) else str(request, "utf-8"))
        except Exception as error:
            raise FaultException(FaultException.UNMARSHAL_ERROR, "Unable to unmarshal input: {}".format(error))

    def marshal_response(self, response):
        if isinstance(response, bytes):
            return response, "application/unknown"
        try:
            return self.jsonEncoder.encode(response), "application/json"
        except Exception as error:
            raise FaultException(FaultException.MARSHAL_ERROR, "Unable to marshal response: {}".format(error))
