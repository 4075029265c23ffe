# SPDX-License-Identifier: Apache-2.0
"""Recursive loops and runtime management: kept and shown."""

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ARN = "arn:aws:lambda:us-east-1:000000000000:function"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def name(function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}))


def test_recursion(client, name):
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Terminate"
    assert client.put_function_recursion_config(FunctionName=name, RecursiveLoop="Allow")["RecursiveLoop"] == "Allow"
    assert client.get_function_recursion_config(FunctionName=name)["RecursiveLoop"] == "Allow"
    missing = (404, "ResourceNotFoundException", f"Function not found: {ARN}:nothing-here")
    assert refused(client.get_function_recursion_config, FunctionName="nothing-here") == missing
    assert refused(client.put_function_recursion_config, FunctionName="nothing-here", RecursiveLoop="Allow") == missing
    case = Case("TestLambdaRecursion::test_put_function_recursion_config_invalid_value")
    case.refused("put_recursion_invalid_value_error", client.put_function_recursion_config, FunctionName=name, RecursiveLoop="InvalidValue")


def test_runtime_management(client, name):
    runtime = "arn:aws:lambda:us-east-1::runtime:" + "a" * 64

    def got(**where):
        answer = client.get_runtime_management_config(FunctionName=name, **where)
        return answer["UpdateRuntimeOn"], answer.get("RuntimeVersionArn"), answer["FunctionArn"]

    assert got() == ("Auto", None, f"{ARN}:{name}:$LATEST")
    answer = client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="Manual", RuntimeVersionArn=runtime)
    assert (answer["UpdateRuntimeOn"], answer["RuntimeVersionArn"]) == ("Manual", runtime)
    assert got() == ("Manual", runtime, f"{ARN}:{name}:$LATEST")
    client.publish_version(FunctionName=name)
    assert got(Qualifier="1") == ("Auto", None, f"{ARN}:{name}:1")
    client.put_runtime_management_config(FunctionName=name, UpdateRuntimeOn="FunctionUpdate")
    assert got()[:2] == ("FunctionUpdate", None)
    assert refused(client.put_runtime_management_config, FunctionName=name, UpdateRuntimeOn="Manual")[:2] == (400, "InvalidParameterValueException")
    assert refused(client.get_runtime_management_config, FunctionName=name, Qualifier="7") == (
        404, "ResourceNotFoundException", f"Function not found: {ARN}:{name}:7"
    )
