# SPDX-License-Identifier: Apache-2.0
"""Aliases: what they answer, and where invocations of them go."""

import json

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ACCOUNT = "000000000000"
REGION = "us-east-1"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"
SOURCE = "import os\ndef handler(event, context):\n    return [os.environ.get('STAGE'), context.function_version, context.invoked_function_arn]\n"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def update(client, name, **changes):
    client.update_function_configuration(FunctionName=name, **changes)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})


@pytest.fixture
def staged(client, python_function):
    """A function with two versions that know their stage."""
    name = python_function(SOURCE, Environment={"Variables": {"STAGE": "one"}})
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    update(client, name, Environment={"Variables": {"STAGE": "two"}})
    assert client.publish_version(FunctionName=name)["Version"] == "2"
    return name


def test_recorded_lifecycle(client, zip_of, unique_name):
    case = Case("TestLambdaAlias::test_alias_lifecycle")
    name = unique_name()
    settings = {"Runtime": "python3.12", "Handler": "index.handler", "Role": f"arn:aws:iam::{ACCOUNT}:role/r",
                "Code": {"ZipFile": zip_of({"index.py": ""})}, "Environment": {"Variables": {"testenv": "staging"}}}
    case.same("create_response", client.create_function(FunctionName=name, **settings))
    try:
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
        case.same("publish_v1", client.publish_version(FunctionName=name))
        update(client, name, Environment={"Variables": {"testenv": "prod"}})
        case.same("publish_v2", client.publish_version(FunctionName=name))

        def create(alias, version, **more):
            return client.create_alias(FunctionName=name, Name=alias, FunctionVersion=version, **more)

        weights = {"AdditionalVersionWeights": {"2": 0.2}}
        case.same("create_alias_1_1", create("aliasname1_1", "1", Description="custom-alias", RoutingConfig=weights))
        case.same("create_alias_1_2", create("aliasname1_2", "1", Description="custom-alias"))
        case.same("create_alias_1_3", create("aliasname1_3", "1"))
        case.same("create_alias_2", create("aliasname2", "2", Description="custom-alias"))
        for alias in ("1_1", "1_2", "1_3", "2"):
            case.same(f"get_alias_{alias}", client.get_alias(FunctionName=name, Name=f"aliasname{alias}"))
        case.same("list_aliases_for_fnname", client.list_aliases(FunctionName=name))
        case.same("get_function_alias_1_1", client.get_function(FunctionName=name, Qualifier="aliasname1_1"))
        case.same("get_function_byarn_alias_1_1", client.get_function(FunctionName=f"{ARN}:{name}:aliasname1_1"))
        case.refused("get_function_alias_notfound_exc", client.get_function, FunctionName=name, Qualifier="aliasdoesnotexist")
        case.refused("get_function_alias_byarn_notfound_exc", client.get_function, FunctionName=f"{ARN}:{name}:aliasdoesnotexist")

        none = {"AdditionalVersionWeights": {}}
        case.same("update_alias_1_1", client.update_alias(FunctionName=name, Name="aliasname1_1", RoutingConfig=none))
        case.same("get_alias_1_1_after_update", client.get_alias(FunctionName=name, Name="aliasname1_1"))
        case.same("list_aliases_for_fnname_after_update", client.list_aliases(FunctionName=name))
        case.same("update_alias_1_2", client.update_alias(FunctionName=name, Name="aliasname1_2", RoutingConfig=none))
        case.same("get_alias_1_2_after_update", client.get_alias(FunctionName=name, Name="aliasname1_2"))
        case.same("list_aliases_for_fnname_after_update_2", client.list_aliases(FunctionName=name))
        case.same("list_aliases_for_version", client.list_aliases(FunctionName=name, FunctionVersion="1"))
        case.same("delete_alias_response", client.delete_alias(FunctionName=name, Name="aliasname1_1"))
        case.same("list_aliases_for_fnname_afterdelete", client.list_aliases(FunctionName=name))
        assert not case.rest()
    finally:
        client.delete_function(FunctionName=name)


def test_recorded_names_and_deletions(client, function, zip_of):
    case = Case("TestLambdaAlias::test_alias_naming")
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    case.values["<function-name:1>"] = name
    client.publish_version(FunctionName=name)

    def create(alias):
        return client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1", Description="custom-alias")

    case.refused("create_alias_number_exception", lambda: create("2024"))
    case.same("create_alias_date", create("2024-01-02"))
    case.same("get_alias_date", client.get_alias(FunctionName=name, Name="2024-01-02"))
    case = Case("TestLambdaAlias::test_non_existent_alias_deletion")
    case.same("delete_alias_response", client.delete_alias(FunctionName=name, Name="non-existent"))


def test_recorded_revisions(client, function, zip_of):
    case = Case("TestLambdaRevisions::test_function_revisions_version_and_alias")
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    case.values["<function-name:1>"] = name
    old = client.get_function_configuration(FunctionName=name)["RevisionId"]
    client.publish_version(FunctionName=name)
    case.refused("publish_version_revision_exception", client.publish_version, FunctionName=name, RevisionId=old)
    latest = client.get_function_configuration(FunctionName=name)["RevisionId"]
    alias = case.same("create_alias_response_rev_a1", client.create_alias(FunctionName=name, Name="revision_alias", FunctionVersion="1"))
    assert client.get_function_configuration(FunctionName=name)["RevisionId"] == latest
    change = {"FunctionName": name, "Name": "revision_alias", "Description": "something changed"}
    case.refused("update_alias_revision_exception", client.update_alias, **change, RevisionId="wrong")
    case.same("update_alias_response_rev_a2", client.update_alias(**change, RevisionId=alias["RevisionId"]))


def test_refusals(client, staged):
    def create(alias="blue", version="1", weights=None, name=staged):
        routing = {"RoutingConfig": {"AdditionalVersionWeights": weights}} if weights is not None else {}
        return refused(client.create_alias, FunctionName=name, Name=alias, FunctionVersion=version, **routing)

    def invalid(text):
        return 400, "InvalidParameterValueException", text

    def violation(constraint, weights):
        text = f"Value '{weights}' at 'routingConfig.additionalVersionWeights' failed to satisfy constraint: {constraint}"
        return 400, "ValidationException", f"1 validation error detected: {text}"

    assert create(name="nothing-here") == (404, "ResourceNotFoundException", f"Function not found: {ARN}:nothing-here")
    assert create(version="10") == (404, "ResourceNotFoundException", f"Function not found: {ARN}:{staged}:10")
    assert create(weights={"10": 0.5}) == (404, "ResourceNotFoundException", f"Function not found: {ARN}:{staged}:10")
    assert create(weights={"1": 0.5, "2": 0.5}) == invalid("Number of items in AdditionalVersionWeights cannot be greater than 1")
    assert create(weights={"1": 0.5}) == invalid(
        "Invalid function version 1. Function version 1 is already included in routing configuration."
    )
    assert create(version="$LATEST", weights={"1": 0.5}) == invalid(
        "$LATEST is not supported for an alias pointing to more than 1 version"
    )
    demands = "[Member must have value less than or equal to 1.0, Member must have value greater than or equal to 0.0, Member must not be null]"
    assert create(weights={"2": 1.5}) == violation(f"Map value must satisfy constraint: {demands}", "{2=1.5}")
    client.create_alias(FunctionName=staged, Name="blue", FunctionVersion="1")
    assert create() == (409, "ResourceConflictException", f"Alias already exists: {ARN}:{staged}:blue")
    missing = {"FunctionName": staged, "Name": "green"}
    assert refused(client.get_alias, **missing) == (404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:{staged}:green")
    assert refused(client.update_alias, **missing) == (404, "ResourceNotFoundException", f"Alias not found: {ARN}:{staged}:green")
    status, code, text = refused(client.delete_function, FunctionName=staged, Qualifier="1")
    assert (status, code) == (409, "ResourceConflictException") and "blue" in text
    client.delete_alias(FunctionName=staged, Name="blue")
    client.delete_function(FunctionName=staged, Qualifier="1")


def invoke(client, name, **arguments):
    answer = client.invoke(FunctionName=name, **arguments)
    return answer["ExecutedVersion"], json.load(answer["Payload"])


def test_invocations_go_where_the_alias_points(client, staged):
    client.create_alias(FunctionName=staged, Name="live", FunctionVersion="1")
    arn = f"{ARN}:{staged}:live"
    assert invoke(client, staged, Qualifier="live") == ("1", ["one", "1", arn])
    client.update_alias(FunctionName=staged, Name="live", FunctionVersion="2")
    assert invoke(client, arn) == ("2", ["two", "2", arn])
    client.update_alias(FunctionName=staged, Name="live", FunctionVersion="$LATEST")
    assert invoke(client, f"{staged}:live") == ("$LATEST", ["two", "$LATEST", arn])
    status, code, text = refused(client.invoke, FunctionName=staged, Qualifier="other")
    assert (status, code, text) == (404, "ResourceNotFoundException", f"Function not found: {ARN}:{staged}:other")


def test_weights_share_invocations(client, staged):
    def share(weight):
        client.update_alias(FunctionName=staged, Name="live", RoutingConfig={"AdditionalVersionWeights": {"2": weight}})
        answers = [invoke(client, staged, Qualifier="live") for _ in range(200)]
        assert all((version, stage) in (("1", "one"), ("2", "two")) for version, (stage, _, _) in answers)
        return sum(version == "2" for version, _ in answers)

    client.create_alias(FunctionName=staged, Name="live", FunctionVersion="1")
    assert share(0.0) == 0
    assert share(1.0) == 200
    # A fair draw leaves these bounds once in 10^19 runs.
    assert 36 < share(0.5) < 164


def test_aliases_outlive_the_daemon(lambent_factory, client_of, zip_of):
    daemon = lambent_factory()
    client = client_of(daemon)
    client.create_function(FunctionName="fn", Runtime="provided.al2023", Handler="h", Role=f"arn:aws:iam::{ACCOUNT}:role/r",
                           Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}, Publish=True)
    client.get_waiter("function_active_v2").wait(FunctionName="fn", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    update(client, "fn", Timeout=9)
    client.publish_version(FunctionName="fn")
    weights = {"AdditionalVersionWeights": {"2": 0.3}}
    for alias in ("b", "a"):
        client.create_alias(FunctionName="fn", Name=alias, FunctionVersion="1", RoutingConfig=weights, Description="kept")
    client.delete_alias(FunctionName="fn", Name="b")
    before = client.list_aliases(FunctionName="fn")["Aliases"]
    daemon.kill()
    client = client_of(daemon.start())
    assert client.list_aliases(FunctionName="fn")["Aliases"] == before and before[0]["RoutingConfig"] == weights
    assert client_of(daemon, region="eu-west-1").list_functions()["Functions"] == []
    client.delete_function(FunctionName="fn")
    client.create_function(FunctionName="fn", Runtime="provided.al2023", Handler="h", Role=f"arn:aws:iam::{ACCOUNT}:role/r",
                           Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})})
    assert client.list_aliases(FunctionName="fn")["Aliases"] == []


def test_lists_come_in_pages(client, staged):
    for number in range(5):
        client.create_alias(FunctionName=staged, Name=f"alias{number}", FunctionVersion="1")
    pages = client.get_paginator("list_aliases").paginate(FunctionName=staged, PaginationConfig={"PageSize": 2})
    assert [[alias["Name"] for alias in page["Aliases"]] for page in pages] == [["alias0", "alias1"], ["alias2", "alias3"], ["alias4"]]
