# SPDX-License-Identifier: Apache-2.0
"""Every constraint of AWS's model, broken: each member of each operation, and each answered as AWS answers it.

The requests are made from botocore's model, not from our table, and are sent without an SDK, which would refuse some of them.
"""

import gzip
import http.client
import json
import pathlib
import re
import urllib.parse

import botocore
import pytest

MODEL = json.loads(gzip.decompress((pathlib.Path(botocore.__file__).parent / "data/lambda/2015-03-31/service-2.json.gz").read_bytes()))
SHAPES, OPERATIONS = MODEL["shapes"], MODEL["operations"]

# What lambent does not do yet.
ABSENT = {"InvokeAsync"}
# Where the answer differs from the model (tools/make_model.py, DIFFERENCES) or from this way of asking.
ELSEWHERE = {
    "Runtime": "Lambda checks it itself, with another text",
    "Timeout": "lower than in the model", "MemorySize": "lower than in the model",
}
# Something that satisfies a shape, for members that must be there.
FINE = {
    "Architecture": "arm64", "FunctionUrlAuthType": "NONE", "Role": "arn:aws:iam::000000000000:role/r", "LayerVersionNumber": 1,
}


def lower(name):
    return name[:1].lower() + name[1:]


def matches(pattern, text):
    """Whether Python agrees that the text matches; its classes lack Java's \\p{…}."""
    python = pattern.replace(r"\p{L}\p{Z}\p{N}", r"\w\s").replace("(?<!\\.)", r"(?<!\.)")
    return re.fullmatch(python, text, re.S if pattern in (r"[\s\S]*", r"[\s\S]+") else 0) is not None


# Texts that some pattern does not take; none of them with what cannot travel in a path or a header.
ODD = ["!", "*", "a b", "a,b", "-", "1", "x" * 3, "arn", "^", "a\u20acb", "a:b:c:d:e:f:g:h:i:j"]


def breaks(shape, in_path):
    """(value, phrase) for each constraint of a shape itself."""
    kind = shape["type"]
    if kind == "string":
        if "max" in shape and shape["max"] <= 20000:
            yield "a" * (shape["max"] + 1), f"Member must have length less than or equal to {shape['max']}"
        if shape.get("min", 0) > 0 and not (in_path and shape["min"] == 1):
            yield "a" * (shape["min"] - 1), f"Member must have length greater than or equal to {shape['min']}"
        if "pattern" in shape:
            odd = next((text for text in ODD if not matches(shape["pattern"], text)), None)
            if odd is not None:
                yield odd, f"Member must satisfy regular expression pattern: {shape['pattern']}"
        if "enum" in shape:
            yield "NoSuchWord", "Member must satisfy enum value set: ["
    elif kind in ("integer", "long", "double"):
        point = ".0" if kind == "double" else ""
        if "max" in shape:
            yield int(shape["max"]) + 1, f"Member must have value less than or equal to {int(shape['max'])}{point}"
        if "min" in shape:
            yield int(shape["min"]) - 1, f"Member must have value greater than or equal to {int(shape['min'])}{point}"


def demands_of(shape):
    return any(key in shape for key in ("max", "pattern", "enum")) or shape.get("min", 0) > 0


def violations(name, path, in_path=False, seen=()):
    """(value, the end of AWS's sentence) for everything that can be broken at and below a value of the shape."""
    shape = SHAPES[name]
    if name in ELSEWHERE or name in seen:
        return
    if shape["type"] == "list":
        item = shape["member"]["shape"]
        if "max" in shape and SHAPES[item]["type"] == "string":
            yield ["a"] * (shape["max"] + 1), f"at '{path}' failed to satisfy constraint: Member must have length less than or equal to {shape['max']}"
        if shape.get("min", 0) > 0:
            yield [], f"at '{path}' failed to satisfy constraint: Member must have length greater than or equal to {shape['min']}"
        if SHAPES[item]["type"] == "structure":
            for value, end in violations(item, f"{path}.1.member", seen=(*seen, name)):
                yield [value], end
        elif item not in ELSEWHERE:
            for value, _ in breaks(SHAPES[item], False):
                yield [value], f"at '{path}' failed to satisfy constraint: Member must satisfy constraint: ["
    elif shape["type"] == "map":
        key, value = SHAPES[shape["key"]["shape"]], SHAPES[shape["value"]["shape"]]
        for bad, _ in breaks(key, False):
            yield {bad: "v"} if value["type"] == "string" else {bad: 0.5} if value["type"] == "double" else {bad: []}, \
                f"at '{path}' failed to satisfy constraint: Map keys must satisfy constraint: ["
        for bad, _ in breaks(value, False):
            yield {"a": bad}, f"at '{path}' failed to satisfy constraint: Map value must satisfy constraint: ["
    elif shape["type"] == "structure":
        for member, reference in shape["members"].items():
            for value, end in violations(reference["shape"], f"{path}.{lower(member)}", seen=(*seen, name)):
                yield {member: value}, end
        for member in shape.get("required", []):
            yield {}, f"Value null at '{path}.{lower(member)}' failed to satisfy constraint: Member must not be null"
    else:
        for value, phrase in breaks(shape, in_path):
            yield value, f"at '{path}' failed to satisfy constraint: {phrase}"


WRONG = {
    "string": [7, True, {}, []], "integer": ["x", 1.5, {}, [], 2**40], "long": ["x", {}], "double": ["x", {}], "boolean": ["true", 1],
    "list": ["x", {}], "map": ["x", []], "structure": ["x", []], "timestamp": ["soon", {}],
}


class Door:
    """Requests of an operation, as they travel."""

    def __init__(self, endpoint):
        self.connection = http.client.HTTPConnection(urllib.parse.urlsplit(endpoint).netloc, timeout=30)

    def ask(self, operation, values, body=None):
        shape = SHAPES[operation["input"]["shape"]] if "input" in operation else {"members": {}}
        path, _, fixed = operation["http"]["requestUri"].partition("?")
        query, headers, members = [fixed] if fixed else [], {}, {}
        for name, value in values.items():
            reference = shape["members"][name]
            place, wire = reference.get("location"), reference.get("locationName", name)
            texts = [str(item) for item in (value if isinstance(value, list) else [value])]
            if place == "uri":
                path = path.replace("{" + wire + "}", urllib.parse.quote(texts[0], safe=""))
            elif place == "querystring":
                query += [f"{wire}={urllib.parse.quote(text, safe='')}" for text in texts]
            elif place == "header":
                headers[wire] = texts[0]
            elif name != shape.get("payload"):
                members[name] = value
        path = re.sub(r"\{[^}]*\}", "x", path)
        if body is None and operation["http"]["method"] in ("POST", "PUT"):
            body = json.dumps(members)
        self.connection.request(operation["http"]["method"], path + ("?" + "&".join(query) if query else ""), body, headers)
        answer = self.connection.getresponse()
        return answer.status, answer.headers.get("x-amzn-ErrorType"), answer.read().decode()


@pytest.fixture(scope="session")
def door(lambent):
    return Door(lambent.endpoint)


def fine(name):
    """A value that breaks nothing, or the next best: what is wrong with others does not hide what is tested."""
    shape = SHAPES[name]
    if name in FINE:
        return FINE[name]
    if "enum" in shape:
        return shape["enum"][0]
    kinds = {"string": "x", "integer": shape.get("min", 1), "long": 1, "double": 0.5, "boolean": True, "list": [], "map": {}, "structure": {}, "timestamp": 0}
    return kinds.get(shape["type"], "x")


def base(operation):
    shape = SHAPES[operation["input"]["shape"]] if "input" in operation else {"members": {}}
    return {name: fine(shape["members"][name]["shape"]) for name in shape.get("required", []) if name != shape.get("payload")}


def test_what_is_absent_is_known(door):
    refused = {name for name, operation in OPERATIONS.items() if door.ask(operation, base(operation))[0] == 501}
    assert refused == ABSENT


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - ABSENT))
def test_every_constraint(door, name):
    operation = OPERATIONS[name]
    if "input" not in operation:
        return
    shape = SHAPES[operation["input"]["shape"]]
    invocation = shape.get("payload") is not None
    for member, reference in shape["members"].items():
        place = reference.get("location")
        # Invocations look at what routes them; the rest of their headers is tested beside them.
        if member == shape.get("payload") or (invocation and place == "header"):
            continue
        cases = list(violations(reference["shape"], lower(member), place == "uri"))
        if member in shape.get("required", []) and place != "uri":
            cases.append((None, f"Value null at '{lower(member)}' failed to satisfy constraint: Member must not be null"))
        for value, end in cases:
            if place == "querystring" and value == [] and member not in shape.get("required", []):
                continue  # looks like none on the wire
            given = {**base(operation), member: value}
            if value is None or (place == "querystring" and value == []):
                del given[member]
            status, error, text = door.ask(operation, given)
            assert (status, error) == (400, "ValidationException"), f"{given}: {status} {error} {text[:500]}"
            message = json.loads(text)["message"]
            assert re.match(r"\d+ validation errors? detected: ", message), message
            if reference["shape"] == "CompatibleRuntimes" or "LayerVersionArn" in (reference["shape"], SHAPES[reference["shape"]].get("member", {}).get("shape")):
                end = end.partition("pattern: ")[0].replace("Member must satisfy constraint: [", "Member must ")
            if SHAPES[reference["shape"]].get("sensitive"):
                assert str(value) not in message
            if value is not None or place != "querystring":
                assert end.replace("constraint: Member must satisfy constraint: [", "constraint: Member must ") in message.replace(
                    "constraint: Member must satisfy constraint: [", "constraint: Member must "), f"{end}\n not in\n{message}"


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - ABSENT))
def test_every_wrong_type(door, name):
    operation = OPERATIONS[name]
    shape = SHAPES[operation["input"]["shape"]] if "input" in operation else {"members": {}}
    if shape.get("payload"):
        return
    for member, reference in shape["members"].items():
        kind = SHAPES[reference["shape"]]["type"]
        if reference.get("location"):
            continue
        for wrong in WRONG.get(kind, []):
            status, error, text = door.ask(operation, {**base(operation), member: wrong})
            assert (status, error) == (400, "SerializationException"), f"{member}={wrong}: {status} {error} {text[:300]}"
            assert "can not be converted to" in json.loads(text)["message"]


@pytest.mark.parametrize("name", sorted(set(OPERATIONS) - ABSENT))
def test_every_broken_body(door, name):
    operation = OPERATIONS[name]
    if operation["http"]["method"] not in ("POST", "PUT"):
        return
    for body in ("{", "[]", "7", '"x"', "nul", '{"a":}', '{"a":1,}', b"\xff\xfe", "{" * 5000, "[" * 100000):
        status, error, text = door.ask(operation, base(operation), body)
        assert 400 <= status < 500 and error, f"{body[:20]}: {status} {text[:300]}"


def test_nothing_was_changed(client, function, zip_of):
    """After all that, what there is still answers."""
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    assert client.get_function(FunctionName=name)["Configuration"]["State"] == "Active"
