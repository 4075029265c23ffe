# SPDX-License-Identifier: Apache-2.0
"""Code signing configurations and the functions that have them."""

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ROLE = "arn:aws:iam::000000000000:role/r"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def name(function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}))


def settings(warn="Enforce"):
    return {
        "Description": "Testing CodeSigning Config",
        "AllowedPublishers": {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/test"]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": warn},
    }


@pytest.fixture
def made(client):
    """made(…) makes a configuration that is gone after the test."""
    arns = []

    def make(**changes):
        answer = client.create_code_signing_config(**{**settings(), **changes})
        arns.append(answer["CodeSigningConfig"]["CodeSigningConfigArn"])
        return answer

    yield make
    for arn in arns:
        try:
            for user in client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"]:
                client.delete_function_code_signing_config(FunctionName=user)
            client.delete_code_signing_config(CodeSigningConfigArn=arn)
        except client.exceptions.ResourceNotFoundException:
            pass


def test_recorded_life(client, name, made):
    case = Case("TestCodeSigningConfig::test_function_code_signing_config")
    case.values["<function-name:1>"] = name
    arn = case.same("create_code_signing_config", made())["CodeSigningConfig"]["CodeSigningConfigArn"]
    case.same("update_code_signing_config", client.update_code_signing_config(
        CodeSigningConfigArn=arn, CodeSigningPolicies={"UntrustedArtifactOnDeployment": "Warn"}))
    case.same("get_code_signing_config", client.get_code_signing_config(CodeSigningConfigArn=arn))
    case.same("put_function_code_signing_config", client.put_function_code_signing_config(FunctionName=name, CodeSigningConfigArn=arn))
    case.same("get_function_code_signing_config", client.get_function_code_signing_config(FunctionName=name))
    listed = [item for item in client.list_code_signing_configs()["CodeSigningConfigs"] if item["CodeSigningConfigArn"] == arn]
    case.same("list_code_signing_configs", listed[0])
    case.same("list_functions_by_code_signing_config", client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn))
    assert refused(client.delete_code_signing_config, CodeSigningConfigArn=arn)[:2] == (409, "ResourceConflictException")
    case.same("delete_function_code_signing_config", client.delete_function_code_signing_config(FunctionName=name))
    case.same("delete_code_signing_config", client.delete_code_signing_config(CodeSigningConfigArn=arn))
    assert not case.rest()


def test_recorded_refusals(client, name, made):
    case = Case("TestCodeSigningConfig::test_code_signing_not_found_excs")
    case.values["<function-name:1>"] = name
    arn = case.same("create_code_signing_config", made())["CodeSigningConfig"]["CodeSigningConfigArn"]
    bad = arn[:-17] + "0" * 17
    case.values["<csc_arn_invalid>"] = bad
    of, missing = {"CodeSigningConfigArn": bad}, {"FunctionName": "csc-test-doesnotexist"}
    case.refused("delete_csc_notfound", client.delete_code_signing_config, **of)
    case.refused("get_csc_invalid", client.get_code_signing_config, **of)
    case.refused("update_csc_invalid_csc_arn", client.update_code_signing_config, **of, Description="new")
    case.refused("update_csc_noupdates", client.update_code_signing_config, **of)
    case.same("update_csc_noupdate_response", client.update_code_signing_config(CodeSigningConfigArn=arn))
    case.refused("put_function_csc_invalid_csc_arn", client.put_function_code_signing_config, FunctionName=name, **of)
    case.refused("put_function_csc_invalid_fnname", client.put_function_code_signing_config, **missing, CodeSigningConfigArn=arn)
    case.refused("put_function_csc_invalid_both", client.put_function_code_signing_config, **missing, **of)
    case.same("get_function_csc_fnwithoutcsc", client.get_function_code_signing_config(FunctionName=name))
    case.refused("get_function_csc_nonexistingfn", client.get_function_code_signing_config, **missing)
    case.same("list_functions_by_csc_fnwithoutcsc", client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn))
    case.refused("list_functions_by_csc_invalid_cscarn", client.list_functions_by_code_signing_config, **of)
    case.same("nothing_to_delete_response", client.delete_function_code_signing_config(FunctionName=name))
    case.refused("delete_function_csc_fnnotfound", client.delete_function_code_signing_config, **missing)
    assert not case.rest()


def test_tags(client, made):
    arn = made(Tags={"a": "b"})["CodeSigningConfig"]["CodeSigningConfigArn"]
    assert client.list_tags(Resource=arn)["Tags"] == {"a": "b"}
    client.tag_resource(Resource=arn, Tags={"c": "d"})
    client.untag_resource(Resource=arn, TagKeys=["a"])
    assert client.list_tags(Resource=arn)["Tags"] == {"c": "d"}
    client.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert refused(client.list_tags, Resource=arn)[0] == 404


def test_functions_are_created_with_one(client, made, unique_name, zip_of):
    arn = made()["CodeSigningConfig"]["CodeSigningConfigArn"]
    name = unique_name()
    create = {"FunctionName": name, "Runtime": "provided.al2023", "Handler": "h", "Role": ROLE,
              "Code": {"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}}
    assert refused(client.create_function, **create, CodeSigningConfigArn=arn[:-17] + "0" * 17)[:2] == (
        404, "CodeSigningConfigNotFoundException"
    )
    client.create_function(**create, CodeSigningConfigArn=arn)
    assert client.get_function_code_signing_config(FunctionName=name)["CodeSigningConfigArn"] == arn
    client.delete_function(FunctionName=name)
    assert client.list_functions_by_code_signing_config(CodeSigningConfigArn=arn)["FunctionArns"] == []
