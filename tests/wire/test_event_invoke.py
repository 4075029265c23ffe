# SPDX-License-Identifier: Apache-2.0
"""The configuration of asynchronous invocations."""

import pytest
from recorded import Case

ARN = "arn:aws:lambda:us-east-1:000000000000:function"


@pytest.fixture
def name(client, function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}))


def test_recorded_lifecycle(client, name):
    case = Case("TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_lifecycle")
    case.values["<function-name:1>"] = name
    put, get, update = client.put_function_event_invoke_config, client.get_function_event_invoke_config, client.update_function_event_invoke_config
    case.same("put_invokeconfig_retries_0", put(FunctionName=name, MaximumRetryAttempts=0))
    case.same("put_invokeconfig_eventage_60", put(FunctionName=name, MaximumEventAgeInSeconds=60))
    case.same("update_invokeconfig_eventage_nochange", update(FunctionName=name, MaximumEventAgeInSeconds=60))
    case.same("update_invokeconfig_retries", update(FunctionName=name, MaximumRetryAttempts=1))
    case.same("get_invokeconfig", get(FunctionName=name))
    case.same("get_invokeconfig_latest", get(FunctionName=name, Qualifier="$LATEST"))
    case.same("list_single_invokeconfig", client.list_function_event_invoke_configs(FunctionName=name))
    client.publish_version(FunctionName=name)
    case.refused("get_invokeconfig_postpublish", get, FunctionName=name, Qualifier="1")
    case.same("put_published_invokeconfig", put(FunctionName=name, Qualifier="1", MaximumEventAgeInSeconds=120))
    case.same("get_published_invokeconfig", get(FunctionName=name, Qualifier="1"))
    page = client.list_function_event_invoke_configs(FunctionName=name, MaxItems=1)
    rest = client.list_function_event_invoke_configs(FunctionName=name, MaxItems=1, Marker=page["NextMarker"])
    assert [len(answer["FunctionEventInvokeConfigs"]) for answer in (page, rest)] == [1, 1] and not rest.get("NextMarker")
    client.delete_function_event_invoke_config(FunctionName=name)
    case.same("list_paging_nolimit_postdelete", client.list_function_event_invoke_configs(FunctionName=name))
    assert case.rest() <= {"publish_version_result"}


def test_recorded_refusals(client, name, function, zip_of):
    case = Case("TestLambdaEventInvokeConfig::test_lambda_eventinvokeconfig_exceptions")
    other = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    case.values.update({"<function-name:1>": name, "<resource:5>": other})
    put, get, update, delete, list_ = (getattr(client, call) for call in (
        "put_function_event_invoke_config", "get_function_event_invoke_config", "update_function_event_invoke_config",
        "delete_function_event_invoke_config", "list_function_event_invoke_configs",
    ))
    client.publish_version(FunctionName=name)
    alias = "eventinvokealias"
    client.create_alias(FunctionName=name, Name=alias, FunctionVersion="1")
    one = {"MaximumRetryAttempts": 1}
    missing = {"FunctionName": "doesnotexist"}

    case.refused("put_functionname_name_notfound", put, **missing, **one)
    case.refused("put_functionname_arn_notfound", put, FunctionName=f"{ARN}:doesnotexist", **one)
    case.refused("put_functionname_nootherargs", put, FunctionName=name)
    for side in ("Success", "Failure"):
        answer = f"put_destination_{side.lower()}_no_destination_arn"
        case.same(answer, put(FunctionName=name, DestinationConfig={f"On{side}": {}}))
    bad = f"arn:aws:_-/!lambda:us-east-1:000000000000:function:{name}"
    case.refused("put_destination_invalid_arn_pattern", put, FunctionName=name, DestinationConfig={"OnFailure": {"Destination": bad}})
    for answer, arn in (("lambda_doesntexist", f"{ARN}:doesnotexist"), ("recursive", f"{ARN}:{name}"), ("invalid_service_arn", f"{ARN}:{name}".replace("lambda", "iam"))):
        case.refused(f"put_destination_{answer}", put, FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": arn}})
    case.same("put_destination_other_lambda", put(FunctionName=name, DestinationConfig={"OnSuccess": {"Destination": f"{ARN}:{other}"}}))

    case.refused("put_alias_doesnotexist", put, FunctionName=name, Qualifier="doesnotexist", **one)
    case.same("put_destination_latest", put(FunctionName=name, **one))
    case.same("put_destination_latest_explicit_qualifier", put(FunctionName=name, Qualifier="$LATEST", **one))
    case.same("put_shorthand_qualifier_match", put(FunctionName=f"{name}:$LATEST", Qualifier="$LATEST", **one))
    case.same("put_destination_version", put(FunctionName=name, Qualifier="1", **one))
    case.same("put_version_shorthand", put(FunctionName=f"{name}:1", **one))
    case.same("put_alias_functionname_qualifier", put(FunctionName=name, Qualifier=alias, **one))
    case.same("put_alias_qualifiedarn", put(FunctionName=f"{ARN}:{name}:{alias}", **one))
    case.same("put_alias_qualifiedarn_qualifier", put(FunctionName=f"{ARN}:{name}:{alias}", Qualifier=alias, **one))
    case.same("put_alias_shorthand", put(FunctionName=f"{name}:{alias}", **one))
    case.same("put_alias_shorthand_qualifier", put(FunctionName=f"{name}:{alias}", Qualifier=alias, **one))
    for answer, given, qualifier in (
        ("put_alias_qualifiedarn_qualifierconflict", f"{ARN}:{name}:{alias}", "$LATEST"), ("put_alias_shorthand_qualifierconflict", f"{name}:{alias}", "$LATEST"),
        ("put_shorthand_qualifier_mismatch_1", f"{name}:$LATEST", "1"), ("put_shorthand_qualifier_mismatch_2", f"{name}:$LATEST", alias),
        ("put_shorthand_qualifier_mismatch_3", f"{name}:1", alias),
    ):
        case.refused(answer, put, FunctionName=given, Qualifier=qualifier, **one)

    case.same("put_pre_overwrite", put(FunctionName=name, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60))
    case.same("put_post_overwrite", put(FunctionName=name, MaximumRetryAttempts=0))
    case.same("second_overwrite_existing_response", put(FunctionName=name, MaximumRetryAttempts=0))
    case.same("get_post_overwrite", get(FunctionName=name))
    case.same("pre_update_response", put(FunctionName=name, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=60))
    case.same("update_response", update(FunctionName=name, MaximumRetryAttempts=0))
    case.same("update_response_existing", update(FunctionName=name, MaximumRetryAttempts=0))
    case.same("list_configs", list_(FunctionName=name))
    case.refused("get_function_doesnotexist", get, **missing)
    case.refused("get_qualifier_doesnotexist", get, FunctionName=name, Qualifier="doesnotexist")
    case.refused("list_function_doesnotexist", list_, **missing)
    case.refused("update_eventinvokeconfig_function_doesnotexist", update, **missing, **one)
    case.same("delete_latest", delete(FunctionName=name))
    case.same("delete_version", delete(FunctionName=name, Qualifier="1"))
    case.same("delete_alias", delete(FunctionName=name, Qualifier=alias))
    case.same("list_configs_postdelete", list_(FunctionName=name))
    case.refused("delete_function_not_found", delete, FunctionName=name)
    case.refused("delete_function_doesnotexist", delete, **missing)
    case.refused("get_eventinvokeconfig_doesnotexist", get, FunctionName=name, Qualifier=alias)
    case.refused("update_eventinvokeconfig_config_doesnotexist_with_qualifier", update, FunctionName=name, Qualifier=alias, **one)
    case.refused("update_eventinvokeconfig_config_doesnotexist_without_qualifier", update, FunctionName=name, **one)
    case.same("put_maxevent_maxvalue_result", put(FunctionName=name, MaximumRetryAttempts=2, MaximumEventAgeInSeconds=21600))
    assert {answer for answer in case.rest() if "result" not in answer} == set(), case.rest()
