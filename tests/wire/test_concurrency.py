# SPDX-License-Identifier: Apache-2.0
"""Reserved concurrency: its operations, and what it does to invocations."""

import json

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
ECHO = "def handler(event, context):\n    return event\n"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def name(function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}))


def put(client, name, number):
    return client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=number)


def test_recorded_reservations(client, name):
    case = Case("TestLambdaConcurrency::test_lambda_concurrency_crud")
    case.same("get_function_concurrency_default", client.get_function_concurrency(FunctionName=name))
    case.same("put_function_concurrency", put(client, name, 0))
    case.same("get_function_concurrency_updated", client.get_function_concurrency(FunctionName=name))
    client.delete_function_concurrency(FunctionName=name)
    case.same("get_function_concurrency_deleted", client.get_function_concurrency(FunctionName=name))
    assert not case.rest()
    case = Case("TestLambdaReservedConcurrency::test_function_concurrency")
    case.same("put_function_concurrency_with_reserved_0", put(client, name, 0))
    case.same("put_function_concurrency_with_reserved_1", put(client, name, 1))
    case.same("get_function_concurrency", client.get_function_concurrency(FunctionName=name))
    case.same("delete_response", client.delete_function_concurrency(FunctionName=name))
    case.same("get_function_concurrency_after_delete", client.get_function_concurrency(FunctionName=name))
    assert not case.rest()
    assert "Concurrency" not in client.get_function(FunctionName=name)
    put(client, name, 3)
    assert client.get_function(FunctionName=name)["Concurrency"] == {"ReservedConcurrentExecutions": 3}


def test_recorded_refusals(client, name):
    case = Case("TestLambdaReservedConcurrency::test_function_concurrency_exceptions")
    missing = {"FunctionName": "doesnotexist"}
    case.refused("put_function_concurrency_with_function_name_doesnotexist", client.put_function_concurrency, **missing, ReservedConcurrentExecutions=1)
    case.refused("put_function_concurrency_with_function_name_doesnotexist_and_invalid_concurrency", client.put_function_concurrency,
                 **missing, ReservedConcurrentExecutions=1001)
    case.refused("put_function_concurrency_with_qualified_arn", client.put_function_concurrency, FunctionName=f"{ARN}:{name}:1", ReservedConcurrentExecutions=1)
    assert not case.rest()
    assert refused(client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=-1)[:2] == (400, "ValidationException")
    assert refused(client.put_function_concurrency, FunctionName=name) == (
        400, "ValidationException",
        "1 validation error detected: Value null at 'reservedConcurrentExecutions' failed to satisfy constraint: Member must not be null",
    )


def test_the_account_keeps_its_share(lambent_factory, client_of, zip_of):
    daemon = lambent_factory()
    client = client_of(daemon)
    settings = {"Runtime": "provided.al2023", "Handler": "h", "Role": "arn:aws:iam::000000000000:role/r",
                "Code": {"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}}
    for name in ("a", "b"):
        client.create_function(FunctionName=name, **settings)
    limits = client.get_account_settings()["AccountLimit"]
    assert limits["UnreservedConcurrentExecutions"] == limits["ConcurrentExecutions"] == 1000
    usage = client.get_account_settings()["AccountUsage"]
    assert usage["FunctionCount"] == 2 and usage["TotalCodeSize"] == 2 * len(settings["Code"]["ZipFile"])
    put(client, "a", 500)
    text = "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [100]."
    assert refused(client.put_function_concurrency, FunctionName="b", ReservedConcurrentExecutions=401) == (
        400, "InvalidParameterValueException", text
    )
    put(client, "b", 400)
    put(client, "b", 400)
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    other = client_of(daemon, access_key="123456789012")
    assert other.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 1000
    assert other.get_account_settings()["AccountUsage"] == {"FunctionCount": 0, "TotalCodeSize": 0}
    daemon.kill()
    client = client_of(daemon.start())
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 100
    client.delete_function(FunctionName="b")
    assert client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"] == 500


def test_nothing_runs_without_a_share(client, python_function):
    """[TestLambdaConcurrency::test_lambda_concurrency_block]"""
    name = python_function(ECHO)
    case = Case("TestLambdaConcurrency::test_lambda_concurrency_block")
    put(client, name, 0)
    for answer in ("invoke_latest_first_exc", "invoke_latest_second_exc"):
        error = case.refused(answer, client.invoke, without=("retryAfterSeconds",), FunctionName=name, Payload="{}")
        assert error["ResponseMetadata"]["HTTPHeaders"]["retry-after"] == "1"
    client.delete_function_concurrency(FunctionName=name)
    assert json.load(client.invoke(FunctionName=name, Payload='{"hello": "world"}')["Payload"]) == {"hello": "world"}


def test_one_at_a_time_is_one_after_another(client, python_function):
    name = python_function(ECHO)
    put(client, name, 1)
    for number in range(50):
        assert json.load(client.invoke(FunctionName=name, Payload=str(number))["Payload"]) == number


def test_a_share_counts_all_versions(client, python_function):
    """Who holds the only place is let go after the others have heard that there is none."""
    from test_pool import GATED, gate, held

    name = python_function(GATED, **gate())
    client.publish_version(FunctionName=name)
    put(client, name, 1)
    spent = (429, "TooManyRequestsException", "Rate Exceeded.")
    with held(client, name) as calls:
        calls.begin(1)
        for qualifier in ("$LATEST", "1"):
            assert refused(client.invoke, FunctionName=name, Qualifier=qualifier, Payload="0") == spent
        # At once, also for what runs already.
        put(client, name, 2)
        assert json.load(client.invoke(FunctionName=name, Qualifier="1", Payload="0")["Payload"])
        put(client, name, 1)
        assert refused(client.invoke, FunctionName=name, Payload="0") == spent
        calls.let_go()
        calls.join()
        assert not calls.errors
    assert json.load(client.invoke(FunctionName=name, Qualifier="1", Payload="0")["Payload"])
