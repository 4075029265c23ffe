# SPDX-License-Identifier: Apache-2.0
"""Recorded answers of AWS: the calls that a recording's name describes, made here, and the answers compared, in two accounts and regions.

What else was recorded is replayed beside what it is about (grep for its name); why the rest is not, is said at the end, and a test
misses a recording that has neither.
"""

import json
import pathlib
import re

import pytest
from botocore.exceptions import ClientError
from recorded import Case, recordings

WORLDS = {"here": ("000000000000", "us-east-1"), "elsewhere": ("123456789012", "eu-central-1")}
# What CreateFunction takes and an answer echoes.
ECHOED = ("Runtime", "Handler", "Timeout", "MemorySize", "Description", "Environment", "Architectures", "EphemeralStorage", "TracingConfig")


class World:
    """A client of one account and region, and a case that is replayed there."""

    def __init__(self, client, account, region, zip_of, unique_name):
        self.client, self.account, self.region, self.zip_of, self.unique_name = client, account, region, zip_of, unique_name
        self.arn = f"arn:aws:lambda:{region}:{account}:function"
        self.made = []

    def case(self, name):
        return Case(name, self.account, self.region)

    def create(self, case, answer, name=None, content="1", **more):
        """A function with the settings of a recorded answer; compared with it."""
        name = name or self.unique_name()
        recorded = case.answers[answer].get("CreateFunctionResponse") or case.answers[answer]
        settings = {key: recorded[key] for key in ECHOED if key in recorded}
        logging = {key: value for key, value in recorded["LoggingConfig"].items() if key != "LogGroup"}
        if logging != {"LogFormat": "Text"}:
            settings["LoggingConfig"] = {"LogFormat": logging["LogFormat"]}
        made = self.client.create_function(FunctionName=name, Role=f"arn:aws:iam::{self.account}:role/r",
                                           Code={"ZipFile": self.package(content)}, **settings, **more)
        self.made.append(name)
        if "CreateFunctionResponse" in case.answers[answer]:
            made = {"CreateEventSourceMappingResponse": None, "CreateFunctionResponse": made}
            made["CreateFunctionResponse"]["ResponseMetadata"] = {"HTTPHeaders": {}, "HTTPStatusCode": 201}
        case.same(answer, made)
        return name

    def package(self, content):
        return self.zip_of({"handler.py": content, "index.py": content})

    def wait(self, name, updated=False):
        waiter = self.client.get_waiter("function_updated_v2" if updated else "function_active_v2")
        waiter.wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})

    def clean(self):
        for name in self.made:
            try:
                self.client.delete_function(FunctionName=name)
            except self.client.exceptions.ResourceNotFoundException:
                pass


@pytest.fixture(params=WORLDS.values(), ids=WORLDS)
def world(request, lambent, client_of, zip_of, unique_name):
    account, region = request.param
    here = World(client_of(lambent, region=region, access_key=account), account, region, zip_of, unique_name)
    yield here
    here.clean()


# ---- functions and versions ----


def test_lifecycle(world):
    case, client = world.case("TestLambdaFunction::test_function_lifecycle"), world.client
    name = world.create(case, "create_response")
    world.wait(name)
    case.same("get_function_response", client.get_function(FunctionName=name))
    case.same("update_func_conf_response", client.update_function_configuration(
        FunctionName=name, Runtime="python3.11", Description="Changed-Description", MemorySize=512, Timeout=10,
        Environment={"Variables": {"ENV_A": "a"}}))
    world.wait(name, updated=True)
    case.same("get_function_response_postupdate", client.get_function(FunctionName=name))
    case.same("update_code_response", client.update_function_code(FunctionName=name, ZipFile=world.package("2")))
    world.wait(name, updated=True)
    case.same("get_function_response_postcodeupdate", client.get_function(FunctionName=name))
    case.same("delete_response", {"StatusCode": 204, **client.delete_function(FunctionName=name)})
    case.refused("delete_postdelete", client.delete_function, FunctionName=name)
    assert not case.rest()


def test_redundant_updates(world):
    case, client = world.case("TestLambdaFunction::test_redundant_updates"), world.client
    name = world.create(case, "create_response")
    world.wait(name)
    change = {"FunctionName": name, "Description": "1st update description"}
    case.same("first_update_result", client.update_function_configuration(**change))
    world.wait(name, updated=True)
    case.same("get_fn_config_result", client.get_function_configuration(FunctionName=name))
    case.same("get_fn_result", client.get_function(FunctionName=name))
    case.same("redundant_update_result", client.update_function_configuration(**change))
    world.wait(name, updated=True)
    case.same("get_fn_result_after_redundant_update", client.get_function(FunctionName=name))
    assert not case.rest()


def test_revisions(world):
    case, client = world.case("TestLambdaRevisions::test_function_revisions_basic"), world.client
    name = world.create(case, "create_function_response_rev1")
    world.wait(name)
    revision = case.same("get_function_response_rev2", client.get_function(FunctionName=name))["Configuration"]["RevisionId"]
    package = world.package("1")
    case.refused("update_function_revision_exception", client.update_function_code, FunctionName=name, ZipFile=package, RevisionId="wrong")
    case.same("update_function_code_response_rev3", client.update_function_code(FunctionName=name, ZipFile=package, RevisionId=revision))
    world.wait(name, updated=True)
    revision = case.same("get_function_response_rev4", client.get_function(FunctionName=name))["Configuration"]["RevisionId"]
    case.refused("update_function_configuration_revision_exception", client.update_function_configuration,
                 FunctionName=name, Runtime="python3.8", RevisionId="wrong")
    case.same("update_function_configuration_response_rev5", client.update_function_configuration(
        FunctionName=name, Runtime="python3.8", RevisionId=revision))
    world.wait(name, updated=True)
    case.same("get_function_response_rev6", client.get_function(FunctionName=name))
    assert not case.rest()


def test_versions(world):
    case, client = world.case("TestLambdaVersions::test_publish_version_on_create"), world.client
    name = world.create(case, "create_response", Publish=True)
    client.get_waiter("published_version_active").wait(FunctionName=name, Qualifier="1", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    world.wait(name)
    case.same("get_function_result", client.get_function(FunctionName=name))
    case.same("get_function_version_result", client.get_function(FunctionName=name, Qualifier="1"))
    case.same("get_function_latest_result", client.get_function(FunctionName=name, Qualifier="$LATEST"))
    case.same("list_versions_result", client.list_versions_by_function(FunctionName=name))
    case.same("repeated_publish_response", client.publish_version(FunctionName=name))
    case.same("list_versions_result_after_publish", client.list_versions_by_function(FunctionName=name))
    assert not case.rest()


def test_publish_with_update(world):
    case, client = world.case("TestLambdaVersions::test_publish_with_update"), world.client
    name = world.create(case, "create_response")
    world.wait(name)
    case.same("get_function_result", client.get_function(FunctionName=name))
    case.same("update_function_code_result", client.update_function_code(FunctionName=name, ZipFile=world.package("2"), Publish=True))
    # The other two were looked at while the update was under way, which here it may no longer be.
    assert case.rest() == {"get_function_version_result", "get_function_latest_result"}


def test_lists(world):
    case, client = world.case("TestLambdaFunction::test_list_functions"), world.client
    first = world.create(case, "create_response_1", name=world.unique_name("a"), Publish=True)
    second = world.create(case, "create_response_2", name=world.unique_name("b"), content="2")
    for name in (first, second):
        world.wait(name)
    client.get_waiter("published_version_active").wait(FunctionName=first, Qualifier="1", WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    case.refused("list_functions_invalid_functionversion", client.list_functions, FunctionVersion="invalid")

    def ours(**arguments):
        pages = client.get_paginator("list_functions").paginate(**arguments)
        return {"Functions": [item for page in pages for item in page["Functions"] if item["FunctionName"] in (first, second)]}

    case.same("list_all", ours(FunctionVersion="ALL"))
    case.same("list_default", ours())
    assert not case.rest()


@pytest.mark.parametrize("switch", ["test_advanced_logging_configuration_format_switch", "test_function_advanced_logging_configuration"])
def test_logging(world, switch):
    case, client = world.case(f"TestLoggingConfig::{switch}"), world.client
    name = world.create(case, "create_response")
    world.wait(name)
    case.same("get_function_response", client.get_function(FunctionName=name))
    case.same("function_config", client.get_function_configuration(FunctionName=name))
    json_format = "format_switch" in switch
    changes = [({"LogFormat": "JSON"}, ""), ({"LogFormat": "Text"}, "_v2")] if json_format else [({"LogGroup": "cool_lambda"}, "")]
    for logging, suffix in changes:
        case.same(f"updated_config{suffix}", client.update_function_configuration(FunctionName=name, LoggingConfig=logging))
        world.wait(name, updated=True)
        case.same(f"received_config{suffix}", client.get_function_configuration(FunctionName=name))
    assert not case.rest()


@pytest.mark.parametrize("runtime", ["dotnet10", "dotnet8", "java11", "java17", "java21", "java25", "python3.12", "python3.13"])
def test_snapstart(world, runtime):
    case, client = world.case(f"TestLambdaSnapStart::test_snapstart_update_function_configuration[{runtime}]"), world.client
    if not runtime.startswith("python"):
        pytest.skip("its functions are not Active here: the runtime is not there")
    name = world.create(case, "create_function_response")
    world.wait(name)
    case.same("update_function_response", client.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"}))
    assert not case.rest()


# ---- what belongs to functions ----


def mappings():
    """Every recorded answer to CreateEventSourceMapping."""
    for name, recording in recordings().items():
        for answer, recorded in recording["responses"].items():
            if isinstance(recorded, dict) and recorded.get("State") == "Creating" and "EventSourceArn" in recorded:
                yield pytest.param(name, answer, id=f"{name.rpartition('::')[2]}-{answer}")


@pytest.mark.parametrize("name, answer", list(mappings()))
def test_event_source_mappings(world, name, answer):
    """The request follows from the answer, which echoes it; what AWS adds by itself must be added here."""
    case, client = world.case(name), world.client
    recorded = case.answers[answer]
    function = world.unique_name()
    world.made.append(function)
    client.create_function(FunctionName=function, Runtime="python3.12", Handler="h.h", Role=f"arn:aws:iam::{world.account}:role/r",
                           Code={"ZipFile": world.package("1")})
    case.values[recorded["FunctionArn"].rpartition(":")[2]] = function
    given = {key: recorded[key] for key in ("BatchSize", "StartingPosition", "MaximumBatchingWindowInSeconds") if key in recorded}
    if recorded.get("MaximumRetryAttempts", -1) != -1:
        given["MaximumRetryAttempts"] = recorded["MaximumRetryAttempts"]
    if recorded.get("MaximumRecordAgeInSeconds", -1) != -1:
        given["MaximumRecordAgeInSeconds"] = recorded["MaximumRecordAgeInSeconds"]
    if recorded["FunctionResponseTypes"]:
        given["FunctionResponseTypes"] = recorded["FunctionResponseTypes"]
    filters = recorded.get("FilterCriteria", {"Filters": []})["Filters"]
    given["FilterCriteria"] = {"Filters": [{"Pattern": json.dumps(item["Pattern"])} for item in filters]}
    source = recorded["EventSourceArn"]
    destination = recorded.get("DestinationConfig", {}).get("OnFailure", {}).get("Destination")
    for placeholder in re.findall(r"<[a-z_-]+(?::\d+)?>", source + (destination or "")):
        case.values.setdefault(placeholder, world.unique_name("of"))
    for placeholder, value in case.values.items():
        source, destination = source.replace(placeholder, value), destination and destination.replace(placeholder, value)
    if destination:
        given["DestinationConfig"] = {"OnFailure": {"Destination": destination}}
    made = client.create_event_source_mapping(FunctionName=function, EventSourceArn=source, **given)
    client.delete_event_source_mapping(UUID=made["UUID"])
    for item in made.get("FilterCriteria", {"Filters": []})["Filters"]:
        item["Pattern"] = json.loads(item["Pattern"])
    # Some were recorded before mappings had ARNs.
    without = () if "EventSourceMappingArn" in recorded else ("EventSourceMappingArn",)
    case.same(answer, {**made, "LastModified": recorded["LastModified"]}, without)


def test_reservations(world):
    case, client = world.case("TestLambdaConcurrency::test_lambda_concurrency_update"), world.client
    name = world.unique_name()
    world.made.append(name)
    recorded = case.answers["get_function_concurrency_info"]["Configuration"]
    client.create_function(FunctionName=name, Role=f"arn:aws:iam::{world.account}:role/r", Code={"ZipFile": world.package("1")},
                           **{key: recorded[key] for key in ECHOED if key in recorded})
    world.wait(name)
    case.same("put_function_concurrency", client.put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=3))
    case.same("get_function_concurrency_updated", client.get_function_concurrency(FunctionName=name))
    case.same("get_function_concurrency_info", client.get_function(FunctionName=name))
    client.delete_function_concurrency(FunctionName=name)
    case.same("get_function_concurrency_deleted", client.get_function_concurrency(FunctionName=name))
    assert not case.rest()
    case = world.case("TestLambdaReservedConcurrency::test_function_concurrency_limits")
    case.values["<min_unreserved_concurrency>"] = "100"
    for answer, number in (("put_function_concurrency_account_limit_exceeded", 1001), ("put_function_concurrency_below_unreserved_min_value", 901)):
        case.refused(answer, client.put_function_concurrency, FunctionName=name, ReservedConcurrentExecutions=number)


def test_routing(world):
    case, client = world.case("TestLambdaAliases::test_alias_routingconfig"), world.client
    name = world.unique_name()
    world.made.append(name)
    client.create_function(FunctionName=name, Runtime="python3.12", Handler="h.h", Role=f"arn:aws:iam::{world.account}:role/r",
                           Code={"ZipFile": world.package("1")}, Publish=True)
    world.wait(name)
    client.update_function_configuration(FunctionName=name, Timeout=9)
    world.wait(name, updated=True)
    client.publish_version(FunctionName=name)
    case.same("create_alias_response", client.create_alias(FunctionName=name, Name="alias1", FunctionVersion="1",
                                                           RoutingConfig={"AdditionalVersionWeights": {"2": 0.5}}))


# ---- refusals ----

ARN = "{arn}:my-function"
BAD = "arn:aws:lambda:invalid-region:{account}:function:my-function"
NAMES = {
    "full_arn_and_qualifier_too_long_and_invalid_region": (BAD + "-" + "a" * 170, "a" * 129),
    "full_arn_with_multiple_qualifiers": (ARN + ":1:2", None),
    "function_name_and_qualifier_too_long": ("my-function", "a" * 65),
    "function_name_is_single_invalid": ("*", None),
    "function_name_too_long": ("a" * 65, None),
    "function_name_too_long_and_invalid_region": (BAD + "a" * 170, None),
    "incomplete_arn": ("{arn}", None),
    "invalid_account_id_in_partial_arn": ("invalid-account:function:my-function", None),
    "invalid_characters_in_function_name": ("my-function!", None),
    "invalid_characters_in_qualifier": ("my-function", "invalid!"),
    "invalid_region_in_arn": (BAD, None),
    "latest_version_with_additional_qualifier": (ARN + ":$LATEST", "1"),
    "lowercase_latest_qualifier": (ARN, "$latest"),
    "missing_account_id_in_arn": ("arn:aws:lambda:{region}::function:my-function", None),
    "missing_region_in_arn": ("arn:aws:lambda::{account}:function:my-function", None),
    "misspelled_latest_in_arn": (ARN + ":$LATES", None),
    "non_lambda_arn": ("arn:aws:ec2:{region}:{account}:instance:i-1234567890abcdef0", None),
    "partial_arn_with_extra_qualifier": ("function:my-function:$LATEST:extra", None),
    "qualifier_too_long": ("my-function", "a" * 129), "qualifier_too_long0": ("my-function", "a" * 129),
    "qualifier_too_long1": ("my-function", "a" * 65),
}


@pytest.mark.parametrize("operation", ["create_function", "get_function", "delete_function", "invoke"])
@pytest.mark.parametrize("what", NAMES)
def test_names_and_qualifiers(world, what, operation):
    full = f"TestLambdaFunction::test_function_name_and_qualifier_validation[{what}-{operation}]"
    if full not in recordings():
        pytest.skip("not recorded")
    case = world.case(full)
    name, qualifier = NAMES[what]
    name = name.format(arn=world.arn, account=world.account, region=world.region)
    given = {"FunctionName": name, **({"Qualifier": qualifier} if qualifier else {})}
    if operation == "create_function":
        given = {"FunctionName": f"{name}:{qualifier}" if qualifier else name, "Runtime": "python3.12", "Handler": "h.h",
                 "Role": f"arn:aws:iam::{world.account}:role/r", "Code": {"ZipFile": world.package("1")}}
    with pytest.raises(ClientError) as error:
        getattr(world.client, operation)(**given)
    ours = error.value.response["Error"]
    (recorded,) = case.answers.values()

    def spelled(text):
        text = re.sub(r"<a:len\((\d+)\)>", lambda found: "a" * int(found[1]), text)
        for placeholder, value in case.values.items():
            text = text.replace(placeholder, value)
        return text

    assert ours["Code"] == recorded["Code"]
    if "Errors" in recorded:
        head, _, rest = ours["Message"].partition(" detected: ")
        assert head == f"{recorded['Count']} validation error{'s' if recorded['Count'] > 1 else ''}"
        assert sorted(rest.split("; ")) == sorted(spelled(text) for text in recorded["Errors"])
    else:
        assert ours["Message"] == spelled(recorded["Message"])


@pytest.mark.parametrize("operation", [
    "delete_function", "get_function", "get_function_code_signing_config", "get_function_concurrency", "get_function_configuration",
    "get_function_event_invoke_config", "get_function_url_config", "invoke",
])
def test_functions_of_another_region(world, operation):
    case = world.case(f"TestLambdaFunction::test_get_function_wrong_region[{operation}]")
    case.values["<wrong-region>"] = "ap-south-1"
    name = f"arn:aws:lambda:ap-south-1:{world.account}:function:fn"
    case.refused("wrong_region_exception", getattr(world.client, operation), FunctionName=name)


@pytest.mark.parametrize("operation", [
    "delete_function", "get_function", "get_function_code_signing_config", "get_function_concurrency", "get_function_configuration",
    "get_function_event_invoke_config", "get_function_url_config",
])
def test_functions_that_are_not_there(world, operation):
    case = world.case(f"TestLambdaFunction::test_ops_on_nonexisting_fn[{operation}]")
    case.refused("not_found_exception", getattr(world.client, operation), FunctionName="nothing-here")


def test_versions_that_are_not_there(world):
    name = world.unique_name()
    world.made.append(name)
    world.client.create_function(FunctionName=name, Runtime="python3.12", Handler="h.h", Role=f"arn:aws:iam::{world.account}:role/r",
                                 Code={"ZipFile": world.package("1")})
    for operation in ("get_function", "get_function_configuration", "get_function_event_invoke_config"):
        case = world.case(f"TestLambdaFunction::test_ops_on_nonexisting_version[{operation}]")
        case.refused("version_not_found_exception", getattr(world.client, operation), FunctionName=name, Qualifier="1221")
    case = world.case("TestLambdaFunction::test_delete_on_nonexisting_version")
    delete = world.client.delete_function
    case.refused("delete_function_response_non_existent", delete, FunctionName="nothing-here")
    case.refused("delete_function_response_non_existent_with_qualifier", delete, FunctionName="nothing-here", Qualifier="1")


@pytest.mark.parametrize("runtime", ["dotnetcore3.1", "go1.x", "java8", "nodejs12.x", "nodejs14.x", "provided", "python3.7", "ruby2.7"])
def test_runtimes_of_the_past(world, runtime):
    case = world.case(f"TestRuntimeValidation::test_create_deprecated_function_runtime_with_validation_enabled[{runtime}]")
    case.refused("deprecation_error", world.client.create_function, FunctionName="fn", Runtime=runtime, Handler="h.h",
                 Role=f"arn:aws:iam::{world.account}:role/r", Code={"ZipFile": world.package("1")})


def test_names_that_only_invoke_takes(world):
    case = world.case("TestLambdaFunction::test_invalid_invoke")
    for answer in case.answers:
        name = f"arn:aws:lambda:{world.region}:123400000000@function:myfn"
        case.refused(answer, world.client.invoke, FunctionName=name)


def test_security_groups(world):
    case = world.case("TestLambdaFunction::test_invalid_vpc_config_security_group")
    case.refused("create-response-invalid-format-security-group", world.client.create_function, FunctionName="fn", Runtime="python3.12",
                 Handler="h.h", Role=f"arn:aws:iam::{world.account}:role/r", Code={"ZipFile": world.package("1")},
                 VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-a_b"]})
    # That a group is there cannot be known here.
    assert case.rest() == {"create-response-non-existent-security-group"}


# ---- what runs ----


def test_versions_run_their_own_code(world):
    from guests import host_python_runtime

    case, client = world.case("TestLambdaVersions::test_lambda_versions_with_code_changes"), world.client
    name = world.unique_name()
    case.values["<function-name:1>"] = name
    source = """def handler(event, context):
    return {{"invoked_arn": context.invoked_function_arn, "version_from_ctx": context.function_version, "version_id": "{}"}}
"""

    def package(version):
        return world.zip_of({"app.py": source.format(version)})

    def compare(answer, **where):
        got = client.invoke(FunctionName=name, **where)
        case.same(answer, {**got, "Payload": json.load(got["Payload"])})

    client.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Publish=True,
                           Role=f"arn:aws:iam::{world.account}:role/r", Code={"ZipFile": package("version1")})
    world.made.append(name)
    world.wait(name)
    for version in ("version2", "version3"):
        client.update_function_code(FunctionName=name, ZipFile=package(version))
        world.wait(name, updated=True)
        if version == "version2":
            compare("invocation_result_latest")
            compare("invocation_result_v1", Qualifier="1")
        client.publish_version(FunctionName=name)
        if version == "version2":
            compare("invocation_result_v2", Qualifier="2")
    compare("invocation_result_latest_end")
    for number in ("1", "2"):
        compare(f"invocation_result_v{number}_end", Qualifier=number)
    compare("invocation_result_v3", Qualifier="3")
    assert not {answer for answer in case.rest() if answer.startswith("invocation")}


# ---- the rest ----

# Why a recording is compared with nothing, by a pattern of its name.
NOT_HERE = {
    r"TestDynamoDB|TestKinesis|TestSQSEventSourceMapping::test_(sqs_event_source_mapping|sqs_.*|event_.*)|test_esm_with|test_failing_lambda|"
    r"test_redrive|test_report_batch|test_sqs_queue_as|filter_criteria_validation":
        "reads event sources, which lambent does not; the mapping's creation is compared where it was recorded",
    r"TestLambdaDLQ|TestLambdaDestination|test_invocation_type_event_error|test_async_invoke": "is asynchronous, which lambent does not do",
    r"TestLambdaURL": "sends requests to function URLs, which lambent does not serve",
    r"TestLambdaRuntimesCommon|TestJavaRuntimes|TestNodeJSRuntimes|TestLambdaErrors|TestLambdaBehavior|TestLambdaFeatures|TestLambdaBaseFeatures|"
    r"test_lambda_handler_update|test_recreate_function|TestPython":
        "is about runtimes: tests/runtimes and the invocations' tests compare with AWS's own clients",
    r"test_adding_tags": "is CloudFormation's",
    r"TestLambdaImages": "is compared beside the images",
    r"test_vpc_config": "shows ids that EC2 gives",
    r"test_account_settings": "was masked; test_concurrency.py compares the figures",
    r"test_create_tag_on_esm_create|provisioned_concurrency_scheduling": "says what other recordings say that are compared",
    r"test_function_revisions_version_and_alias|test_lambda_permission_revisions": "is compared in part, beside what it is about",
}


def test_every_recording_is_replayed_or_has_a_reason():
    if not recordings():
        pytest.skip("no recordings")
    here = pathlib.Path(__file__).resolve().parent
    tests = "\n".join(path.read_text() for path in here.rglob("test_*.py"))
    replayed, reasoned, missed = [], [], []
    for name in recordings():
        base = name.partition("[")[0]
        if f"{base}" in tests or f"::{base.rpartition('::')[2]}" in tests:
            replayed.append(name)
        elif any(re.search(pattern, name) for pattern in NOT_HERE):
            reasoned.append(name)
        else:
            missed.append(name)
    print(f"{len(replayed)} replayed, {len(reasoned)} not applicable")
    assert missed == []
