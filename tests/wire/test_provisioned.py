# SPDX-License-Identifier: Apache-2.0
"""Provisioned concurrency: its operations, and the environments that are there before anybody asks."""

import json

import pytest
from botocore.exceptions import ClientError
from recorded import Case
from test_pool import GATED, gate, held

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
SOURCE = "import os, uuid\nprocess = uuid.uuid4().hex\ndef handler(event, context):\n    return [os.environ['AWS_LAMBDA_INITIALIZATION_TYPE'], process]\n"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def put(client, name, qualifier, number):
    return client.put_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier, ProvisionedConcurrentExecutions=number)


def get(client, name, qualifier="1"):
    return client.get_provisioned_concurrency_config(FunctionName=name, Qualifier=qualifier)


def settled(client, name, qualifier="1"):
    """What there is when it is no longer in progress: each look gives the starts their turn."""
    while (answer := get(client, name, qualifier))["Status"] == "IN_PROGRESS":
        pass
    return answer


def environments(lambent, name):
    import urllib.request

    with urllib.request.urlopen(f"{lambent.endpoint}/_lambent/environments") as answer:
        return [item for item in json.load(answer)["environments"] if item["function"] == name]


@pytest.fixture
def published(client, python_function):
    def make(source=SOURCE, **settings):
        name = python_function(source, **settings)
        client.publish_version(FunctionName=name)
        return name

    return make


def test_recorded_lifecycle(client, published):
    case = Case("TestLambdaProvisionedConcurrency::test_lambda_provisioned_lifecycle")
    name = published()
    case.values.update({"<function-name:1>": name, "<alias-name>": "live"})
    case.same("create_alias_result", client.create_alias(FunctionName=name, Name="live", FunctionVersion="1"))
    case.same("put_provisioned_on_version", put(client, name, "1", 1))
    case.refused("put_provisioned_on_alias_versionconflict", put, client=client, name=name, qualifier="live", number=1)
    delete = client.delete_provisioned_concurrency_config
    case.same("delete_provisioned_version", delete(FunctionName=name, Qualifier="1"))
    case.refused("get_provisioned_version_postdelete", get, client=client, name=name, qualifier="1")
    case.same("put_provisioned_on_alias", put(client, name, "live", 1))
    case.refused("put_provisioned_on_version_conflict", put, client=client, name=name, qualifier="1", number=1)
    listed = client.list_provisioned_concurrency_configs(FunctionName=name)["ProvisionedConcurrencyConfigs"]
    assert [item["FunctionArn"] for item in listed] == [f"{ARN}:{name}:live"]
    case.same("delete_alias_result", client.delete_alias(FunctionName=name, Name="live"))
    case.refused("get_provisioned_alias_postaliasdelete", get, client=client, name=name, qualifier="live")
    case.same("list_response_postdeletes", client.list_provisioned_concurrency_configs(FunctionName=name))
    assert {answer for answer in case.rest() if not answer.startswith(("create", "publish"))} == set()


def test_recorded_overlap(client, published):
    case = Case("TestLambdaConcurrency::test_reserved_provisioned_overlap")
    name = published()
    client.update_function_configuration(FunctionName=name, Timeout=4)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    client.publish_version(FunctionName=name)
    case.same("put_provisioned_5", put(client, name, "1", 2))
    case.same("get_provisioned_postwait", settled(client, name))
    case.refused("reserved_lower_than_provisioned_exc", client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=1)
    client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=2)
    case.same("get_concurrency", client.get_function_concurrency(FunctionName=name))
    case.refused("reserved_equals_provisioned_latest_invoke_exc", client.invoke, without=("retryAfterSeconds",), FunctionName=name)
    case.refused("reserved_equals_provisioned_increase_provisioned_exc", put, client=client, name=name, qualifier="1", number=3)
    case.refused("reserved_equals_provisioned_another_provisioned_exc", put, client=client, name=name, qualifier="2", number=1)
    assert json.load(client.invoke(FunctionName=name, Qualifier="1")["Payload"])[0] == "provisioned-concurrency"


def test_environments_are_there_before_anybody_asks(client, lambent, published):
    name = published()
    put(client, name, "1", 2)
    answer = settled(client, name)
    assert (answer["Status"], answer["AllocatedProvisionedConcurrentExecutions"], answer["AvailableProvisionedConcurrentExecutions"]) == ("READY", 2, 2)
    there = environments(lambent, name)
    assert len(there) == 2 and all(item["invocations"] == 0 for item in there)
    kind, _ = json.load(client.invoke(FunctionName=name, Qualifier="1")["Payload"])
    assert kind == "provisioned-concurrency" and len(environments(lambent, name)) == 2
    # Other versions start when they are asked.
    assert json.load(client.invoke(FunctionName=name)["Payload"])[0] == "on-demand"
    client.delete_provisioned_concurrency_config(FunctionName=name, Qualifier="1")
    assert json.load(client.invoke(FunctionName=name, Qualifier="1")["Payload"])[0] == "provisioned-concurrency"  # it idles still


def test_more_invocations_than_places(client, published):
    name = published(GATED, **gate())
    put(client, name, "1", 1)
    settled(client, name)
    with held(client, f"{name}:1") as calls:
        calls.begin(2)
        answer = get(client, name)
        assert (answer["AllocatedProvisionedConcurrentExecutions"], answer["AvailableProvisionedConcurrentExecutions"]) == (1, 0)
        calls.let_go()
        assert len(set(calls.join())) == 2 and not calls.errors


def test_they_stay(lambent_factory, client_of, python_source_zip):
    """Neither the end of the idle time nor another function's need takes them; a killed one is replaced; they come back."""
    daemon = lambent_factory("--idle-ttl", "300ms", "--max-environments", "2")
    client = client_of(daemon)
    for name in ("kept", "other"):
        client.create_function(FunctionName=name, Publish=True, **python_source_zip)
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    put(client, "kept", "1", 1)
    assert settled(client, "kept")["Status"] == "READY"
    process = json.load(client.invoke(FunctionName="kept", Qualifier="1")["Payload"])
    # Each of these idles until it has ended or made room, so more than the idle time passes.
    for number in range(3):
        json.load(client.invoke(FunctionName="other", Qualifier="1" if number % 2 else "$LATEST")["Payload"])
    while [item for item in environments(daemon, "other")]:
        pass
    assert json.load(client.invoke(FunctionName="kept", Qualifier="1")["Payload"]) == process
    daemon.kill()
    client = client_of(daemon.start())
    assert settled(client, "kept")["Status"] == "READY"
    assert [item["invocations"] for item in environments(daemon, "kept")] == [0]


@pytest.fixture
def python_source_zip(zip_of):
    from guests import host_python_runtime

    return {"Runtime": host_python_runtime(), "Handler": "app.handler", "Role": "arn:aws:iam::000000000000:role/r",
            "Code": {"ZipFile": zip_of({"app.py": SOURCE})}}


def test_a_function_that_cannot_start(client, published):
    """[TestLambdaConcurrency::test_provisioned_concurrency_init_failure]"""
    case = Case("TestLambdaConcurrency::test_provisioned_concurrency_init_failure")
    name = published("raise RuntimeError('no')\n")
    case.same("put_provisioned", put(client, name, "1", 1))
    case.same("get_provisioned_postwait", settled(client, name))


def test_an_alias_takes_its_environments_along(client, lambent, published):
    name = published()
    client.update_function_configuration(FunctionName=name, Timeout=4)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="live", FunctionVersion="1")
    put(client, name, "live", 1)
    assert settled(client, name, "live")["Status"] == "READY"
    assert {item["version"] for item in environments(lambent, name)} == {"1"}
    client.update_alias(FunctionName=name, Name="live", FunctionVersion="2")
    assert settled(client, name, "live")["Status"] == "READY"
    assert "2" in {item["version"] for item in environments(lambent, name)}
    assert json.load(client.invoke(FunctionName=name, Qualifier="live")["Payload"])[0] == "provisioned-concurrency"


def test_refusals(client, published):
    name = published()
    assert refused(put, client=client, name=name, qualifier="$LATEST", number=1) == (
        400, "InvalidParameterValueException", "Provisioned Concurrency Configs cannot be applied to unpublished function versions."
    )
    assert refused(get, client=client, name=name, qualifier="$LATEST") == (
        400, "InvalidParameterValueException", "The function resource provided must be an alias or a published version."
    )
    assert refused(put, client=client, name=name, qualifier="7", number=1) == (404, "ResourceNotFoundException", f"Function not found: {ARN}:{name}:7")
    assert refused(put, client=client, name=name, qualifier="other", number=1) == (
        404, "ResourceNotFoundException", f"Cannot find alias arn: {ARN}:{name}:other"
    )
    assert refused(get, client=client, name=name, qualifier="1") == (
        404, "ProvisionedConcurrencyConfigNotFoundException", "No Provisioned Concurrency Config found for this function"
    )
    assert refused(put, client=client, name=name, qualifier="1", number=100000)[1] == "InvalidParameterValueException"
    assert refused(put, client=client, name=name, qualifier="1", number=950)[1] == "InvalidParameterValueException"


def test_what_it_takes_from_the_account(lambent_factory, client_of, zip_of):
    """Of a function without a reservation it is taken from what is unreserved; a reservation covers it."""
    daemon = lambent_factory("--max-environments", "5")
    client = client_of(daemon)
    settings = {"Runtime": "provided.al2023", "Handler": "h", "Role": "arn:aws:iam::000000000000:role/r", "Publish": True,
                "Code": {"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}}
    for name in ("a", "b"):
        client.create_function(FunctionName=name, **settings)

    def left():
        return client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]

    put(client, "a", "1", 600)
    assert left() == 400
    greater = "Specified ConcurrentExecutions for function is greater than account's unreserved concurrency [{}]."
    below = "Specified ConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    code = (400, "InvalidParameterValueException")
    assert refused(put, client=client, name="b", qualifier="1", number=401) == (*code, greater.format(400))
    assert refused(put, client=client, name="b", qualifier="1", number=301) == (*code, below)
    assert refused(client.put_function_concurrency, FunctionName="b", ReservedConcurrentExecutions=301)[:2] == code
    # What it has itself is no hindrance to more of it.
    assert refused(put, client=client, name="a", qualifier="1", number=1001) == (*code, greater.format(1000))
    assert refused(put, client=client, name="a", qualifier="1", number=901) == (*code, below)
    put(client, "a", "1", 900)
    assert left() == 100
    put(client, "a", "1", 300)
    client.put_function_concurrency(FunctionName="a", ReservedConcurrentExecutions=400)
    assert left() == 600
    put(client, "b", "1", 500)
    assert left() == 100
    daemon.kill()
    client = client_of(daemon.start())
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    client.delete_function_concurrency(FunctionName="a")
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 200
    client.delete_provisioned_concurrency_config(FunctionName="a", Qualifier="1")
    client.delete_function(FunctionName="b")
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000
