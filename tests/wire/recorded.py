# SPDX-License-Identifier: Apache-2.0
"""Answers that AWS gave, beside ours.

LAMBENT_TEST_RECORDED is the folder of the recordings (one JSON object a file: {"Class::test": {"responses": {name: answer}}}); without
it the folder shared/recorded-aws beside the project is taken, and where there is none, what needs it is skipped.

In a recording, what differs from run to run is a placeholder: the same one stands for the same value, and two with the same name
and different numbers stand for different values.
"""

import functools
import json
import os
import pathlib
import re

import pytest
from botocore.exceptions import ClientError

ROOT = pathlib.Path(__file__).resolve().parents[2]
FOLDER = pathlib.Path(os.environ.get("LAMBENT_TEST_RECORDED") or ROOT.parent / "shared/recorded-aws")
PLACEHOLDER = re.compile(r"<[a-zA-Z0-9_-]+(?::\d+)?>")
# Values that are masked without a placeholder.
MASKED = {"date", "datetime", "code-sha256", "<code-size>", "<location>", "<layer-location>"}


@functools.cache
def recordings():
    found = {}
    for path in sorted(FOLDER.glob("*.json")):
        found.update(json.loads(path.read_text()))
    return found


class Case:
    """One recorded test: its answers by name, and the values that stand for its placeholders."""

    def __init__(self, name, account="000000000000", region="us-east-1"):
        if name not in recordings():
            pytest.skip(f"no recording of {name}")
        self.answers = recordings()[name]["responses"]
        self.values = {"111111111111": account, "<region>": region, "<partition>": "aws"}
        self.seen = set()

    def rest(self):
        """The names of the answers that nothing was compared with."""
        return set(self.answers) - self.seen

    def _text(self, expected, actual, path):
        if expected in MASKED:
            return []
        parts, names, at = [], [], 0
        for found in re.finditer(PLACEHOLDER.pattern + "|111111111111", expected):
            parts.append(re.escape(expected[at:found.start()]))
            if found[0] in self.values:
                parts.append(re.escape(self.values[found[0]]))
            elif found[0] in names:
                parts.append(f"(?P=v{names.index(found[0])})")
            else:
                parts.append(f"(?P<v{len(names)}>.+)")
                names.append(found[0])
            at = found.end()
        parts.append(re.escape(expected[at:]))
        match = re.fullmatch("".join(parts), actual, re.S) if isinstance(actual, str) else None
        if not match:
            return [f"{path}: {actual!r}, recorded {expected!r}"]
        for number, name in enumerate(names):
            value, kind = match[f"v{number}"], name.split(":")[0].strip("<>")
            twin = [other for other, known in self.values.items() if known == value and other.split(":")[0].strip("<>") == kind]
            if twin:
                return [f"{path}: {name} is {value}, as {twin[0]} is"]
            self.values[name] = value
        return []

    def differences(self, expected, actual, path=""):
        if isinstance(expected, dict) and isinstance(actual, dict):
            found = [f"{path}.{key} is missing" for key in expected.keys() - actual.keys() if expected[key] is not None]
            found += [f"{path}.{key} is too much" for key in actual.keys() - expected.keys()]
            for key in sorted(expected.keys() & actual.keys()):
                found += self.differences(expected[key], actual[key], f"{path}.{key}")
            return found
        if isinstance(expected, list) and isinstance(actual, list):
            if len(expected) != len(actual):
                return [f"{path} has {len(actual)} items, recorded {len(expected)}"]
            return [text for number, pair in enumerate(zip(expected, actual, strict=True))
                    for text in self.differences(*pair, f"{path}[{number}]")]
        if isinstance(expected, str) and (expected in MASKED or isinstance(actual, str)):
            return self._text(expected, actual, path)
        return [] if expected == actual and type(expected) is type(actual) else [f"{path}: {actual!r}, recorded {expected!r}"]

    def same(self, name, answer, without=()):
        """The answer is what was recorded under the name. without: members that the recording does not have."""
        self.seen.add(name)
        expected = plain(self.answers[name], with_metadata="ResponseMetadata" in self.answers[name])
        actual = plain(answer, with_metadata="ResponseMetadata" in self.answers[name])
        for member in without:
            for holder in (actual, actual.get("Configuration", {})):
                holder.pop(member, None)
        found = self.differences(expected, actual, name)
        assert not found, "\n".join(found)
        return answer

    def refused(self, name, call, /, without=(), **arguments):
        """The call ends in the error that was recorded under the name."""
        with pytest.raises(ClientError) as error:
            call(**arguments)
        return self.same(name, error.value.response, without)


def plain(answer, with_metadata=True):
    """Without what differs between clients; documents in strings are read, dates are masked as in the recordings."""
    result = {}
    for key, value in answer.items():
        if key == "ResponseMetadata":
            if with_metadata:
                result[key] = value["HTTPStatusCode"]
        elif key in ("Policy", "Statement") and isinstance(value, str):
            result[key] = json.loads(value)
        elif isinstance(value, (str, int, float, bool, dict, list, type(None))):
            result[key] = value
        else:
            result[key] = "date"
    return result
