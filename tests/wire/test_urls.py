# SPDX-License-Identifier: Apache-2.0
"""The configuration of function URLs."""

import re

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
def name(client, function, zip_of):
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    client.publish_version(FunctionName=name)
    client.create_alias(FunctionName=name, Name="urlalias", FunctionVersion="1")
    return name


def test_recorded_lists(client, name):
    case = Case("TestLambdaUrl::test_url_config_list_paging")
    case.values["<function-name:1>"] = name
    masked = {"FunctionUrl": "lambda-url", "CreationTime": "date", "LastModifiedTime": "date"}

    def mask(answer):
        assert re.fullmatch(r"https://[a-z0-9]{32}\.lambda-url\.us-east-1\.on\.aws/", answer["FunctionUrl"])
        return {**answer, **{key: masked[key] for key in masked.keys() & answer.keys()}}

    case.refused("list_function_notfound", client.list_function_url_configs, FunctionName="nothing-here")
    case.same("list_all_empty", client.list_function_url_configs(FunctionName=name))
    case.same("url_config_fn", mask(client.create_function_url_config(FunctionName=name, AuthType="NONE")))
    case.same("url_config_alias", mask(client.create_function_url_config(FunctionName=name, Qualifier="urlalias", AuthType="NONE")))
    answer = client.list_function_url_configs(FunctionName=name)
    answer["FunctionUrlConfigs"] = [mask(item) for item in answer["FunctionUrlConfigs"]]
    case.same("list_all", answer)
    page = client.list_function_url_configs(FunctionName=name, MaxItems=1)
    assert len(page["FunctionUrlConfigs"]) == 1
    rest = client.list_function_url_configs(FunctionName=name, MaxItems=1, Marker=page["NextMarker"])
    assert rest["FunctionUrlConfigs"][0]["FunctionArn"] == f"{ARN}:{name}:urlalias" and not rest.get("NextMarker")


def test_recorded_refusals(client, name):
    case = Case("TestLambdaUrl::test_url_config_exceptions")
    case.values["<function-name:1>"] = name
    calls = {
        "create": (client.create_function_url_config, {"AuthType": "NONE"}), "get": (client.get_function_url_config, {}),
        "update": (client.update_function_url_config, {"AuthType": "NONE"}), "delete": (client.delete_function_url_config, {}),
    }
    arguments = {
        "name_doesnotexist": {"FunctionName": "doesnotexist"},
        "arn_doesnotexist": {"FunctionName": f"{ARN}:doesnotexist"},
        "name_doesnotexist_qualifier": {"FunctionName": "doesnotexist", "Qualifier": "1"},
        "qualifier_version": {"FunctionName": name, "Qualifier": "1"},
        "qualifier_version_doesnotexist": {"FunctionName": name, "Qualifier": "2"},
        "qualifier_latest": {"FunctionName": name, "Qualifier": "$LATEST"},
        "qualifier_alias_doesnotexist": {"FunctionName": name, "Qualifier": "doesnotexist"},
        "qualifier_alias_doesnotmatch_arn": {"FunctionName": f"{ARN}:{name}:urlalias-x", "Qualifier": "urlalias"},
        "config_doesnotexist": {"FunctionName": name},
    }
    for verb, (call, more) in calls.items():
        for what, given in arguments.items():
            answer = f"{verb}_function_url_config_{what}"
            if isinstance(case.answers.get(answer), dict):  # AWS failed inside at one of them
                case.refused(answer, call, **given, **more)
    assert case.rest() == {"create_alias_result", "fn_version_result", "delete_function_url_config_qualifier_alias_doesnotmatch_arn"}


def test_life(client, name):
    cors = {"AllowOrigins": ["https://example.com"], "AllowMethods": ["GET", "POST"], "AllowHeaders": ["x-a"], "MaxAge": 60, "AllowCredentials": True}
    made = client.create_function_url_config(FunctionName=name, AuthType="AWS_IAM", Cors=cors, InvokeMode="RESPONSE_STREAM")
    assert made["InvokeMode"] == "RESPONSE_STREAM" and "LastModifiedTime" not in made
    assert refused(client.create_function_url_config, FunctionName=name, AuthType="NONE") == (
        409, "ResourceConflictException",
        f"Failed to create function url config for [functionArn = {ARN}:{name}]. Error message:  FunctionUrlConfig exists for this Lambda function",
    )
    got = client.get_function_url_config(FunctionName=name)
    assert got["Cors"] == cors and got["AuthType"] == "AWS_IAM" and got["FunctionUrl"] == made["FunctionUrl"]
    changed = client.update_function_url_config(FunctionName=name, AuthType="NONE")
    assert "InvokeMode" not in changed and changed["Cors"] == cors
    got = client.get_function_url_config(FunctionName=name)
    assert got["AuthType"] == "NONE" and got["InvokeMode"] == "RESPONSE_STREAM" and got["CreationTime"] == made["CreationTime"]
    client.delete_function_url_config(FunctionName=name)
    assert refused(client.get_function_url_config, FunctionName=name)[0] == 404
    assert client.create_function_url_config(FunctionName=name, AuthType="NONE")["FunctionUrl"] != made["FunctionUrl"]
