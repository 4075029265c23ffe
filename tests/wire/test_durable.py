# SPDX-License-Identifier: Apache-2.0
"""Durable functions can be created; executions of them there are none."""

import pytest
from botocore.exceptions import ClientError

ARN = "arn:aws:lambda:us-east-1:000000000000:function"
EXECUTION = f"{ARN}:fn:1/durable-execution/order-1/0a1b2c3d"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def durable(function, zip_of):
    return lambda **settings: function(zip_of({"bootstrap*": "#!/bin/sh\n"}), **{"DurableConfig": {"ExecutionTimeout": 60}, **settings})


def test_configuration(client, durable, function, zip_of):
    name = durable()

    def config():
        return client.get_function_configuration(FunctionName=name)["DurableConfig"]

    def update(**config):
        client.update_function_configuration(FunctionName=name, DurableConfig=config)
        client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})

    assert config() == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 14}
    update(RetentionPeriodInDays=3, KMSKeyArn="arn:aws:kms:us-east-1:000000000000:key/k")
    assert config() == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 3, "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}
    update(KMSKeyArn="")
    assert config() == {"ExecutionTimeout": 60, "RetentionPeriodInDays": 3}
    assert client.publish_version(FunctionName=name)["DurableConfig"] == config()
    status, code, message = refused(client.update_function_configuration, FunctionName=name, DurableConfig={"ExecutionTimeout": 0})
    assert (status, code) == (400, "ValidationException") and "'durableConfig.executionTimeout'" in message
    plain = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    assert "DurableConfig" not in client.get_function_configuration(FunctionName=plain)
    assert refused(client.update_function_configuration, FunctionName=plain, DurableConfig={"ExecutionTimeout": 60})[:2] == (
        400, "InvalidParameterValueException")


def test_invocations_are_refused(client, durable):
    assert refused(client.invoke, FunctionName=durable()) == (
        501, "NotImplementedException", "lambent does not implement Invoke of durable functions.")


def test_a_name_for_an_execution_that_there_cannot_be(client, function, zip_of):
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    assert refused(client.invoke, FunctionName=name, DurableExecutionName="order-1")[:2] == (400, "InvalidParameterValueException")


def test_there_are_no_executions(client, durable):
    missing = (404, "ResourceNotFoundException", f"Durable execution not found: {EXECUTION}")
    for call in ("get_durable_execution", "get_durable_execution_history", "stop_durable_execution"):
        assert refused(getattr(client, call), DurableExecutionArn=EXECUTION) == missing
    assert refused(client.stop_durable_execution, DurableExecutionArn=EXECUTION, Error={"ErrorMessage": "enough"}) == missing
    for call in ("delete_durable_execution", "pause_durable_execution", "resume_durable_execution"):
        if hasattr(client, call):
            assert refused(getattr(client, call), DurableExecutionArn=EXECUTION) == missing
    missing = (404, "ResourceNotFoundException", "Callback not found: Y2FsbGJhY2s=")
    for call, more in (("success", {"Result": b"1"}), ("failure", {"Error": {"ErrorType": "E"}}), ("heartbeat", {})):
        assert refused(getattr(client, f"send_durable_execution_callback_{call}"), CallbackId="Y2FsbGJhY2s=", **more) == missing
    invalid = (400, "InvalidParameterValueException", "Invalid checkpoint token")
    for call in (client.checkpoint_durable_execution, client.get_durable_execution_state):
        assert refused(call, DurableExecutionArn=EXECUTION, CheckpointToken="dG9rZW4=") == invalid
    name = durable(Publish=True)
    for qualifier in ({}, {"Qualifier": "1"}, {"Qualifier": "$LATEST"}):
        assert client.list_durable_executions_by_function(FunctionName=name, **qualifier)["DurableExecutions"] == []
    assert refused(client.list_durable_executions_by_function, FunctionName=name, Qualifier="2") == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}:{name}:2")
    assert refused(client.list_durable_executions_by_function, FunctionName="nothing-here") == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}:nothing-here")


def test_what_no_execution_is_called(client):
    for call, more in (("get_durable_execution", {}), ("stop_durable_execution", {}), ("get_durable_execution_state", {"CheckpointToken": "dG9rZW4="})):
        status, code, message = refused(getattr(client, call), DurableExecutionArn="arn:aws:lambda:us-east-1:1:x", **more)
        assert (status, code) == (400, "ValidationException") and "'durableExecutionArn'" in message
    status, code, message = refused(client.send_durable_execution_callback_success, CallbackId="not base64!", Result=b"")
    assert (status, code) == (400, "ValidationException") and "'callbackId'" in message
