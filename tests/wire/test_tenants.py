# SPDX-License-Identifier: Apache-2.0
"""Tenant isolation, and the other settings that make a function one of a kind of its own."""

import base64
import json

import pytest
from botocore.exceptions import ClientError

PER_TENANT = {"TenantIsolationMode": "PER_TENANT"}
SOURCE = """import os, uuid
me = uuid.uuid4().hex
seen = []
def handler(event, context):
    seen.append(context.tenant_id)
    return {"me": me, "seen": seen, "tenant": context.tenant_id}
"""
NEEDED = (400, "InvalidParameterValueException",
          "The invoked function is enabled with tenancy configuration. Add a valid tenant ID in your request and try again.")


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.mark.everywhere
def test_tenants_never_meet(client, python_function):
    name = python_function(SOURCE, TenancyConfig=PER_TENANT)
    assert client.get_function_configuration(FunctionName=name)["TenancyConfig"] == PER_TENANT

    def invoke(tenant, **more):
        return json.load(client.invoke(FunctionName=name, TenantId=tenant, **more)["Payload"])

    answers = [invoke(tenant) for tenant in ("ann", "bob/2 @x", "ann", "bob/2 @x", "ann")]
    assert [answer["tenant"] for answer in answers] == ["ann", "bob/2 @x", "ann", "bob/2 @x", "ann"]
    assert len({answer["me"] for answer in answers}) == 2
    assert answers[-1]["seen"] == ["ann"] * 3 and answers[-2]["seen"] == ["bob/2 @x"] * 2
    client.publish_version(FunctionName=name)
    assert invoke("ann", Qualifier="1")["seen"] == ["ann"]
    assert refused(client.invoke, FunctionName=name) == NEEDED
    assert refused(client.invoke, FunctionName=name, InvocationType="DryRun") == NEEDED
    assert refused(client.invoke_with_response_stream, FunctionName=name) == NEEDED
    for tenant in ("a" * 257, "a,b"):
        status, code, message = refused(client.invoke, FunctionName=name, TenantId=tenant)
        assert (status, code) == (400, "ValidationException") and "'tenantId'" in message


def test_who_is_told(client, lambent, python_function):
    """The log's records and the list of environments name the tenant."""
    import urllib.request

    name = python_function("import logging\ndef handler(event, context):\n    logging.getLogger().warning('careful')\n",
                           TenancyConfig=PER_TENANT, LoggingConfig={"LogFormat": "JSON"})
    answer = client.invoke(FunctionName=name, TenantId="ann", LogType="Tail")
    records = [json.loads(line) for line in base64.b64decode(answer["LogResult"]).decode().splitlines()]
    (start,) = [item["record"] for item in records if item.get("type") == "platform.start"]
    (warning,) = [item for item in records if item.get("message") == "careful"]
    assert (start["tenantId"], warning["tenantId"]) == ("ann", "ann")
    with urllib.request.urlopen(f"{lambent.endpoint}/_lambent/environments") as listed:
        assert [item["tenant"] for item in json.load(listed)["environments"] if item["function"] == name] == ["ann"]


def test_a_function_without(client, python_function):
    name = python_function(SOURCE)
    assert "TenancyConfig" not in client.get_function_configuration(FunctionName=name)
    assert refused(client.invoke, FunctionName=name, TenantId="ann") == (
        400, "InvalidParameterValueException", "The invoked function is not enabled with tenancy configuration.")


def test_what_tenants_exclude(client, function, zip_of, unique_name):
    package = zip_of({"bootstrap*": "#!/bin/sh\n"})
    name = function(package, TenancyConfig=PER_TENANT, Publish=True)
    refusal = (400, "InvalidParameterValueException")
    assert refused(client.create_function_url_config, FunctionName=name, AuthType="NONE")[:2] == refusal
    assert refused(client.put_provisioned_concurrency_config, FunctionName=name, Qualifier="1", ProvisionedConcurrentExecutions=1)[:2] == refusal
    assert refused(client.create_function, FunctionName=unique_name(), Runtime="python3.12", Handler="h.h", Code={"ZipFile": package},
                   Role="arn:aws:iam::000000000000:role/r", SnapStart={"ApplyOn": "PublishedVersions"}, TenancyConfig=PER_TENANT)[:2] == refusal
    status, code, message = refused(client.create_function, FunctionName=unique_name(), Runtime="python3.12", Handler="h.h", Code={"ZipFile": package},
                                    Role="arn:aws:iam::000000000000:role/r", TenancyConfig={"TenantIsolationMode": "NONE"})
    assert (status, code) == (400, "ValidationException") and "[PER_TENANT]" in message


def test_settings_that_are_only_kept(client, function, zip_of):
    runtime = {"RuntimeArn": "arn:aws:lambda:us-east-1:000000000000:runtime/mine", "RuntimeAlias": "live"}
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}), RuntimeConfig=runtime, AcceleratorConfig={"AcceleratorMemorySize": 4})

    def shown(**where):
        got = client.get_function_configuration(FunctionName=name, **where)
        return got["RuntimeConfig"], got["AcceleratorConfig"]

    assert shown() == (runtime, {"AcceleratorMemorySize": 4})
    client.publish_version(FunctionName=name)
    client.update_function_configuration(FunctionName=name, AcceleratorConfig={"AcceleratorMemorySize": 8})
    assert shown() == (runtime, {"AcceleratorMemorySize": 8})
    assert shown(Qualifier="1") == (runtime, {"AcceleratorMemorySize": 4})
    status, code, message = refused(client.update_function_configuration, FunctionName=name, RuntimeConfig={"RuntimeArn": "x"})
    assert (status, code) == (400, "ValidationException") and "'runtimeConfig.runtimeAlias'" in message
