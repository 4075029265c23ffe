# SPDX-License-Identifier: Apache-2.0
"""Answers against the shapes of AWS's model: no member that the model does not know, all that it requires, the right status."""

import json

# The wire differs from the model: the status is bound to a member there (docs/aws.md, requests).
STATUSES = {"DeleteFunction": {204}, "Invoke": {200, 202, 204}, "InvokeWithResponseStream": {200, 204}}

# AWS says Creating of an update too, which is none of the model's words (TestLambdaAlias::test_alias_lifecycle and others).
LOOSE = {"LastUpdateStatusReasonCode"}
# Of a function without one AWS answers an empty object (TestCodeSigningConfig::test_code_signing_not_found_excs).
MAY_BE_EMPTY = {"GetFunctionCodeSigningConfigResponse"}

KINDS = {
    "string": str, "integer": int, "long": int, "double": (int, float), "float": (int, float), "boolean": bool, "blob": str,
    "timestamp": (int, float, str), "structure": dict, "list": list, "map": dict,
}


def check_value(shape, value, path):
    if value is None:
        return
    assert isinstance(value, KINDS[shape.type_name]) and isinstance(value, bool) <= (shape.type_name == "boolean"), f"{path} is {value!r}"
    if shape.type_name == "structure":
        known = {member.serialization.get("name", name): member for name, member in shape.members.items()
                 if member.serialization.get("location") is None}
        assert set(value) <= set(known), f"{path} has {sorted(set(value) - set(known))}, which the model does not know"
        required = {shape.members[name].serialization.get("name", name) for name in shape.required_members
                    if shape.members[name].serialization.get("location") is None}
        missing = {name for name in required if value.get(name) is None}
        assert not missing or (not value and shape.name in MAY_BE_EMPTY), f"{path} lacks {sorted(missing)}"
        for name, member in value.items():
            check_value(known[name], member, f"{path}.{name}")
    elif shape.type_name == "list":
        for number, item in enumerate(value):
            check_value(shape.member, item, f"{path}[{number}]")
    elif shape.type_name == "map":
        for key, item in value.items():
            check_value(shape.value, item, f"{path}[{key}]")
    elif getattr(shape, "enum", None) and value and shape.name not in LOOSE:
        assert value in shape.enum, f"{path} is {value}, which is none of {shape.enum}"


def check_answer(operation_model, response_dict, **_):
    """A handler of botocore's before-parse event."""
    status, body, name = response_dict["status_code"], response_dict["body"], operation_model.name
    if status >= 300:
        return
    assert status in STATUSES.get(name, {operation_model.http.get("responseCode", 200)}), f"{name} answered {status}"
    output = operation_model.output_shape
    if output is not None:
        check_headers(output, {key.lower(): value for key, value in response_dict.get("headers", {}).items()}, name)
    if operation_model.has_streaming_output:
        return
    if output is None or status == 204:
        assert not body, f"{name} has no body"
    elif not output.serialization.get("payload"):
        check_value(output, json.loads(body or b"{}"), name)


def check_headers(shape, headers, path):
    """Members that travel in headers: those that are required, and none in a form that its type has not."""
    for name, member in shape.members.items():
        if member.serialization.get("location") != "header":
            continue
        value = headers.get(member.serialization.get("name", name).lower())
        assert value is not None or name not in shape.required_members, f"{path} lacks the header of {name}"
        if value is not None and member.type_name in ("integer", "long"):
            assert value.isdigit(), f"{path}.{name} is {value}"
        if value is not None and getattr(member, "enum", None):
            assert value in member.enum, f"{path}.{name} is {value}, which is none of {member.enum}"


def check_refusal(operation_model, response_dict):
    """The refusal is one of the operation's own, with its status and nothing that its shape does not know."""
    name = response_dict["headers"].get("x-amzn-errortype")
    shapes = {shape.name: shape for shape in operation_model.error_shapes}
    assert name in shapes, f"{operation_model.name} has no {name}"
    shape = shapes[name]
    assert response_dict["status_code"] == shape.metadata.get("error", {}).get("httpStatusCode"), f"{name} has {response_dict['status_code']}"
    # AWS writes message and Message, whatever the model says (docs/aws.md, errors).
    body = {"message" if key == "Message" else key: value for key, value in json.loads(response_dict["body"]).items()}
    known = {"message" if key == "Message" else key: member for key, member in shape.members.items()}
    assert set(body) <= set(known), f"{name} has {sorted(set(body) - set(known))}, which the model does not know"


def check_answers(client):
    client.meta.events.register("before-parse.lambda", check_answer)
    return client
