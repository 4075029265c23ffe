# SPDX-License-Identifier: Apache-2.0
"""Layers through boto3. Expected answers are recorded ones of AWS (names of the cases in brackets)."""

import base64
import hashlib
import urllib.request

import pytest
from test_control_plane_errors import CREATABLE, breaks, invalid, not_found, pattern, refused, violations

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambent"


def layer_arn(name, version=None):
    return f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:{name}" + (f":{version}" if version else "")


@pytest.fixture
def content(zip_of):
    return zip_of({"python/lib.py": "x = 1\n"})


def whole(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def test_publish_get_and_list(client, unique_name, content):
    """[TestLambdaLayer::test_layer_exceptions: publish_result, publish_empty_result]"""
    name = unique_name("layer")
    traits = {"CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"]}
    answer = client.publish_layer_version(LayerName=name, Content={"ZipFile": content}, **traits)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 201
    published = whole(answer)
    location = published["Content"].pop("Location")
    created = published.pop("CreatedDate")
    assert published == {
        **traits,
        "Content": {
            "CodeSha256": base64.b64encode(hashlib.sha256(content).digest()).decode(),
            "CodeSize": len(content),
        },
        "Description": "",
        "LayerArn": layer_arn(name),
        "LayerVersionArn": layer_arn(name, 1),
        "Version": 1,
    }
    with urllib.request.urlopen(location) as body:
        assert body.read() == content
    for got in (
        client.get_layer_version(LayerName=name, VersionNumber=1),
        client.get_layer_version(LayerName=layer_arn(name), VersionNumber=1),
        client.get_layer_version_by_arn(Arn=layer_arn(name, 1)),
    ):
        got = whole(got)
        assert got["Content"].pop("Location")
        assert got == {**published, "CreatedDate": created}

    second = client.publish_layer_version(
        LayerName=name, Content={"ZipFile": content}, Description="d", LicenseInfo="MIT", CompatibleArchitectures=["arm64"]
    )
    assert (second["Version"], second["Description"], second["LicenseInfo"]) == (2, "d", "MIT")
    assert (second["CompatibleRuntimes"], second["CompatibleArchitectures"]) == ([], ["arm64"])
    listed = client.list_layer_versions(LayerName=name)["LayerVersions"]
    assert [item["Version"] for item in listed] == [2, 1]
    assert set(listed[1]) == {
        "LayerVersionArn", "Version", "Description", "CreatedDate", "CompatibleRuntimes", "CompatibleArchitectures"
    }
    only = client.list_layer_versions(LayerName=name, CompatibleRuntime="python3.12")["LayerVersions"]
    assert [item["Version"] for item in only] == [1]
    pages = client.get_paginator("list_layer_versions").paginate(LayerName=name, PaginationConfig={"PageSize": 1})
    assert [page["LayerVersions"][0]["Version"] for page in pages] == [2, 1]


def test_list_layers(lambent, client_of, content):
    caller = client_of(lambent, access_key="555555555555")
    assert caller.list_layers()["Layers"] == []
    for name, architecture in (("one", "x86_64"), ("one", "arm64"), ("two", "x86_64")):
        caller.publish_layer_version(LayerName=name, Content={"ZipFile": content}, CompatibleArchitectures=[architecture])

    def listed(**filters):
        return [(item["LayerName"], item["LatestMatchingVersion"]["Version"]) for item in caller.list_layers(**filters)["Layers"]]

    assert listed() == [("one", 2), ("two", 1)]
    assert listed(CompatibleArchitecture="x86_64") == [("one", 1), ("two", 1)]
    assert listed(CompatibleArchitecture="arm64") == [("one", 2)]
    pages = caller.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 1})
    assert [page["Layers"][0]["LayerName"] for page in pages] == ["one", "two"]


def test_versions_are_numbered_once(client, unique_name, content):
    name = unique_name("layer")
    for expected in (1, 2):
        assert client.publish_layer_version(LayerName=name, Content={"ZipFile": content})["Version"] == expected
        # [delete_layer_response, delete_layer_again_response]
        for _ in range(2):
            answer = client.delete_layer_version(LayerName=name, VersionNumber=expected)
            assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert client.list_layer_versions(LayerName=name)["LayerVersions"] == []
    assert client.publish_layer_version(LayerName=name, Content={"ZipFile": content})["Version"] == 3


def test_refusals(client, unique_name, content):
    """[TestLambdaLayer::test_layer_exceptions]"""
    name = unique_name("layer")
    missing = not_found("The resource you requested does not exist.")
    below = invalid("Layer Version Cannot be less than 1")
    client.publish_layer_version(LayerName=name, Content={"ZipFile": content})
    assert refused(client.get_layer_version, LayerName=name + "-not", VersionNumber=1) == missing
    assert refused(client.get_layer_version, LayerName=name, VersionNumber=2) == missing
    for number in (0, -1):
        assert refused(client.get_layer_version, LayerName=name, VersionNumber=number) == below
    assert refused(client.delete_layer_version, LayerName=name, VersionNumber=-1) == below
    assert refused(client.get_layer_version_by_arn, Arn=layer_arn(name, 2)) == missing
    arn_pattern = (
        r"(arn:(aws[a-zA-Z-]*)?:lambda:(eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:\d{12}:layer:[a-zA-Z0-9-_]+:[0-9]+)"
        r"|(arn:[a-zA-Z0-9-]+:lambda:::awslayer:[a-zA-Z0-9-_]+)"
    )
    assert refused(client.get_layer_version_by_arn, Arn=layer_arn(name)) == violations(pattern(layer_arn(name), arn_pattern, "arn"))
    assert client.list_layer_versions(LayerName="nothing-here")["LayerVersions"] == []

    architectures = "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    assert refused(
        client.publish_layer_version, LayerName=name, Content={"ZipFile": content},
        CompatibleRuntimes=["invalidruntime", "invalidruntime2", "nodejs20.x"], CompatibleArchitectures=["invalidarch", "x86_64"],
    ) == violations(
        breaks("[invalidruntime, invalidruntime2, nodejs20.x]", "compatibleRuntimes", f"Member must satisfy enum value set: {CREATABLE}"),
        breaks("[invalidarch, x86_64]", "compatibleArchitectures", architectures),
    )
    status, code, message = refused(client.list_layers, CompatibleRuntime="runtimedoesnotexist")
    assert (status, code) == (400, "ValidationException")
    assert message.startswith(
        "1 validation error detected: Value 'runtimedoesnotexist' at 'compatibleRuntime' failed to satisfy constraint: "
        "Member must satisfy enum value set: [ruby3.5, ruby2.6, dotnetcore1.0, python3.7, nodejs8.10, nasa, "
    )
    assert refused(client.list_layers, CompatibleArchitecture="archdoesnotexist") == violations(
        breaks("archdoesnotexist", "compatibleArchitecture", "Member must satisfy enum value set: [x86_64, arm64]")
    )


def test_layers_on_functions(client, function, zip_of, unique_name, content):
    names = [unique_name("layer") for _ in range(2)]
    arns = [client.publish_layer_version(LayerName=name, Content={"ZipFile": content})["LayerVersionArn"] for name in names]
    package = zip_of({"bootstrap*": "#!/bin/sh\n"})
    name = function(package, Layers=arns)
    shown = [{"Arn": arn, "CodeSize": len(content)} for arn in arns]
    assert client.get_function_configuration(FunctionName=name)["Layers"] == shown
    # A deleted version serves on where it is used, also through an update, and nowhere else.
    client.delete_layer_version(LayerName=names[0], VersionNumber=1)
    assert client.update_function_configuration(FunctionName=name, Layers=arns[::-1])["Layers"] == shown[::-1]
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    other = function(package)
    assert refused(client.update_function_configuration, FunctionName=other, Layers=arns) == invalid(
        f"Layer version {arns[0]} does not exist."
    )
    assert "Layers" not in client.update_function_configuration(FunctionName=name, Layers=[])


def test_what_functions_refuse_of_layers(client, zip_of, unique_name, content):
    name = unique_name("layer")
    arns = [client.publish_layer_version(LayerName=name, Content={"ZipFile": content})["LayerVersionArn"] for _ in range(2)]

    def create(layers):
        return refused(
            client.create_function, FunctionName="fn", Runtime="python3.12", Role=ROLE, Handler="h.h", Layers=layers,
            Code={"ZipFile": zip_of({"h.py": ""})},
        )

    # [TestLambdaLayer::test_layer_function_quota_exception]
    assert create([layer_arn(f"l{i}", 1) for i in range(6)]) == invalid("Cannot reference more than 5 layers.")
    assert create(arns) == invalid(
        "Two different versions of the same layer are not allowed to be referenced in the same function. "
        f"{arns[0]} and {arns[1]} are versions of the same layer."
    )
    assert create([arns[0].replace("us-east-1", "eu-west-1")]) == invalid(
        "Layers are not in the same region as the function. Layers are expected to be in region us-east-1."
    )
    assert create([layer_arn(name, 77)]) == invalid(f"Layer version {layer_arn(name, 77)} does not exist.")
