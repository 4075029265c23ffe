# SPDX-License-Identifier: Apache-2.0
"""The life of functions through boto3. Expected answers are what AWS gave to the same calls (names of the recorded cases in brackets)."""

import base64
import hashlib
import urllib.error
import urllib.request

import pytest

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambent"
REASON = "The function is being created."
PENDING = {"State": "Pending", "StateReason": REASON, "StateReasonCode": "Creating"}
ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}
IN_PROGRESS = {
    "State": "Active",
    "LastUpdateStatus": "InProgress",
    "LastUpdateStatusReason": REASON,
    "LastUpdateStatusReasonCode": "Creating",
}


def arn(name, qualifier=None, region="us-east-1", account=ACCOUNT):
    return f"arn:aws:lambda:{region}:{account}:function:{name}" + (f":{qualifier}" if qualifier else "")


def whole(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def recorded(name, package, listed=False, **changes):
    """A configuration as AWS shows it [TestLambdaFunction::test_function_lifecycle]; values that differ from run to run are ANY."""
    expected = {
        "FunctionName": name,
        "FunctionArn": arn(name),
        "Runtime": "python3.12",
        "Role": ROLE,
        "Handler": "handler.handler",
        "CodeSize": len(package),
        "CodeSha256": base64.b64encode(hashlib.sha256(package).digest()).decode(),
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        "LastModified": ANY,
        "RevisionId": ANY,
    }
    if not listed:
        expected["RuntimeVersionConfig"] = {"RuntimeVersionArn": ANY}
    return {**expected, **changes}


class Any:
    def __eq__(self, other):
        return bool(other)

    def __repr__(self):
        return "ANY"


ANY = Any()


@pytest.fixture
def package(zip_of):
    return zip_of({"handler.py": "def handler(event, context):\n    return event\n"})


@pytest.fixture
def create(client, unique_name, package):
    """create(**settings) → name and answer; python3.12 is never started here, only described."""
    names = []

    def make(**settings):
        name = settings.pop("FunctionName", None) or unique_name()
        code = settings.pop("Code", {"ZipFile": package})
        answer = client.create_function(
            **{"FunctionName": name, "Runtime": "python3.12", "Role": ROLE, "Handler": "handler.handler", "Code": code, **settings}
        )
        names.append(name)
        return name, answer

    yield make
    for name in names:
        try:
            client.delete_function(FunctionName=name)
        except client.exceptions.ResourceNotFoundException:
            pass


def settle(client, name, **more):
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}, **more)
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}, **more)
    return whole(client.get_function_configuration(FunctionName=name, **more))


def test_function_lifecycle(client, create, package, zip_of):
    """[TestLambdaFunction::test_function_lifecycle]"""
    name, created = create(MemorySize=256, Timeout=5, Environment={"Variables": {}})
    base = {"MemorySize": 256, "Timeout": 5, "Environment": {"Variables": {}}}
    assert created["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert whole(created) == recorded(name, package, **base, **PENDING)

    settle(client, name)
    got = whole(client.get_function(FunctionName=name))
    assert got == {
        "Configuration": recorded(name, package, **base, **ACTIVE),
        "Code": {"RepositoryType": "S3", "Location": ANY},
    }

    changed = {"Runtime": "python3.11", "Description": "Changed-Description", "MemorySize": 512, "Timeout": 10}
    changed["Environment"] = {"Variables": {"ENV_A": "a"}}
    updated = client.update_function_configuration(FunctionName=name, **changed)
    assert whole(updated) == recorded(name, package, **changed, **IN_PROGRESS)
    assert settle(client, name) == recorded(name, package, **changed, **ACTIVE)

    second = zip_of({"handler.py": "def handler(event, context):\n    return 2\n"})
    updated = client.update_function_code(FunctionName=name, ZipFile=second)
    assert whole(updated) == recorded(name, second, **changed, **IN_PROGRESS)
    assert settle(client, name) == recorded(name, second, **changed, **ACTIVE)

    deleted = client.delete_function(FunctionName=name)
    assert deleted["ResponseMetadata"]["HTTPStatusCode"] == 204
    with pytest.raises(client.exceptions.ResourceNotFoundException) as gone:
        client.delete_function(FunctionName=name)
    assert gone.value.response["Message"] == f"Function not found: {arn(name)}"
    assert gone.value.response["Type"] == "User"


def test_variables_that_an_update_takes_away(client, create):
    """The recorded lifecycle begins with an empty Environment. After an update to none there is none: Terraform's plan would not be empty."""
    name, _ = create(Environment={"Variables": {"ENV_A": "a"}})
    settle(client, name)
    client.update_function_configuration(FunctionName=name, Environment={})
    assert settle(client, name)["Environment"] == {"Variables": {"ENV_A": "a"}}
    assert "Environment" not in client.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    assert "Environment" not in settle(client, name)


def test_revisions(client, create, package):
    """[TestLambdaRevisions::test_function_revisions_basic, ::test_function_revisions_version_and_alias]"""
    name, created = create()
    revisions = [created["RevisionId"], settle(client, name)["RevisionId"]]
    for change in (
        lambda revision: client.update_function_code(FunctionName=name, ZipFile=package, RevisionId=revision),
        lambda revision: client.update_function_configuration(FunctionName=name, Runtime="python3.11", RevisionId=revision),
    ):
        with pytest.raises(client.exceptions.PreconditionFailedException) as stale:
            change("wrong")
        assert stale.value.response["message"] == (
            "The Revision Id provided does not match the latest Revision Id. "
            "Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
        )
        assert stale.value.response["ResponseMetadata"]["HTTPStatusCode"] == 412
        revisions += [change(revisions[-1])["RevisionId"], settle(client, name)["RevisionId"]]
    with pytest.raises(client.exceptions.PreconditionFailedException):
        client.publish_version(FunctionName=name, RevisionId=revisions[0])
    published = client.publish_version(FunctionName=name, RevisionId=revisions[-1])
    latest = client.get_function_configuration(FunctionName=name)
    assert client.get_function_configuration(FunctionName=name, Qualifier="1")["RevisionId"] == published["RevisionId"]
    revisions += [published["RevisionId"], latest["RevisionId"]]
    assert len(set(revisions)) == len(revisions) == 8


def test_publish_version_on_create(client, create, package):
    """[TestLambdaVersions::test_publish_version_on_create]"""
    name, created = create(Publish=True)
    assert whole(created) == recorded(name, package, Version="1", **PENDING)
    settle(client, name)
    settle(client, name, Qualifier="1")
    of_version = recorded(name, package, Version="1", FunctionArn=arn(name, "1"), **ACTIVE)
    assert whole(client.get_function(FunctionName=name, Qualifier="1"))["Configuration"] == of_version
    latest = recorded(name, package, FunctionArn=arn(name, "$LATEST"), **ACTIVE)
    assert whole(client.get_function(FunctionName=name, Qualifier="$LATEST"))["Configuration"] == latest
    versions = [
        recorded(name, package, listed=True, FunctionArn=arn(name, "$LATEST")),
        recorded(name, package, listed=True, FunctionArn=arn(name, "1"), Version="1"),
    ]
    assert client.list_versions_by_function(FunctionName=name)["Versions"] == versions
    # Nothing has changed: the same version again, and no new one.
    again = client.publish_version(FunctionName=name)
    assert again["ResponseMetadata"]["HTTPStatusCode"] == 201
    assert whole(again) == of_version
    assert client.list_versions_by_function(FunctionName=name)["Versions"] == versions


def test_publish_with_update(client, create, package, zip_of):
    """[TestLambdaVersions::test_publish_with_update]"""
    name, _ = create()
    settle(client, name)
    second = zip_of({"handler.py": "2"})
    updated = client.update_function_code(FunctionName=name, ZipFile=second, Publish=True)
    assert whole(updated) == recorded(name, second, Version="1", FunctionArn=arn(name, "1"), **PENDING)
    assert settle(client, name) == recorded(name, second, **ACTIVE)
    assert settle(client, name, Qualifier="1")["State"] == "Active"


def test_versions_are_numbered_once(client, create, zip_of):
    """[TestLambdaVersions::test_lambda_versions_with_code_changes]"""
    name, _ = create(Description="No version :(")
    settle(client, name)
    first = client.publish_version(FunctionName=name, Description="First version description :)")
    assert (first["Version"], first["Description"]) == ("1", "First version description :)")
    # Published under another description, but $LATEST is still what it was.
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    client.update_function_code(FunctionName=name, ZipFile=zip_of({"handler.py": "2"}))
    assert settle(client, name)["Description"] == "No version :("
    assert client.publish_version(FunctionName=name)["Version"] == "2"
    client.delete_function(FunctionName=name, Qualifier="2")
    with pytest.raises(client.exceptions.ResourceNotFoundException):
        client.get_function(FunctionName=name, Qualifier="2")
    assert client.publish_version(FunctionName=name)["Version"] == "3"
    client.update_function_configuration(FunctionName=name, Timeout=7)
    settle(client, name)
    assert client.get_function_configuration(FunctionName=f"{name}:1")["Timeout"] == 3


def test_publish_with_wrong_digest(client, create):
    name, created = create()
    settle(client, name)
    with pytest.raises(client.exceptions.InvalidParameterValueException) as wrong:
        client.publish_version(FunctionName=name, CodeSha256="somenonexistentsha256")
    assert wrong.value.response["message"] == (
        f"CodeSHA256 (somenonexistentsha256) is different from current CodeSHA256 in $LATEST ({created['CodeSha256']}). "
        "Please try again with the CodeSHA256 in $LATEST."
    )
    assert client.publish_version(FunctionName=name, CodeSha256=created["CodeSha256"])["Version"] == "1"


def test_redundant_updates(client, create, package):
    """[TestLambdaFunction::test_redundant_updates]: an update that changes nothing is an update all the same."""
    name, _ = create(Description="Initial description")
    settle(client, name)
    seen = set()
    for _ in range(2):
        answer = client.update_function_configuration(FunctionName=name, Description="1st update description")
        assert whole(answer) == recorded(name, package, Description="1st update description", **IN_PROGRESS)
        seen |= {answer["RevisionId"], settle(client, name)["RevisionId"]}
    assert len(seen) == 4


def test_logging_config(client, create):
    """[TestLoggingConfig::test_advanced_logging_configuration_format_switch, ::test_function_advanced_logging_configuration]"""
    name, created = create()
    group = f"/aws/lambda/{name}"
    json_config = {"LogFormat": "JSON", "ApplicationLogLevel": "INFO", "SystemLogLevel": "INFO", "LogGroup": group}
    settle(client, name)
    updated = client.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "JSON"})
    assert updated["LoggingConfig"] == json_config
    settle(client, name)
    updated = client.update_function_configuration(FunctionName=name, LoggingConfig={"LogGroup": "cool_lambda"})
    assert updated["LoggingConfig"] == {**json_config, "LogGroup": "cool_lambda"}
    settle(client, name)
    updated = client.update_function_configuration(FunctionName=name, LoggingConfig={"LogFormat": "Text", "LogGroup": group})
    assert updated["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": group}
    assert settle(client, name)["LoggingConfig"] == {"LogFormat": "Text", "LogGroup": group}


def test_vpc_config(client, create):
    """[TestLambdaFunction::test_vpc_config]"""
    vpc = {"SubnetIds": ["subnet-0a1b"], "SecurityGroupIds": ["sg-0c1d"]}
    name, created = create(VpcConfig=vpc)
    assert created["VpcConfig"] == {**vpc, "Ipv6AllowedForDualStack": False, "VpcId": ANY}
    settle(client, name)
    cleared = {"SubnetIds": [], "SecurityGroupIds": [], "VpcId": "", "Ipv6AllowedForDualStack": False}
    updated = client.update_function_configuration(FunctionName=name, VpcConfig={"SubnetIds": [], "SecurityGroupIds": []})
    assert updated["VpcConfig"] == cleared
    assert settle(client, name)["VpcConfig"] == cleared


def test_snap_start(client, create):
    """[TestLambdaSnapStart::test_snapstart_update_function_configuration]"""
    name, created = create()
    settle(client, name)
    updated = client.update_function_configuration(FunctionName=name, SnapStart={"ApplyOn": "PublishedVersions"})
    assert updated["SnapStart"] == {"ApplyOn": "PublishedVersions", "OptimizationStatus": "Off"}


@pytest.mark.native("emulated")
def test_what_is_kept_and_shown(client, create):
    settings = {
        "DeadLetterConfig": {"TargetArn": "arn:aws:sqs:us-east-1:000000000000:q"},
        "FileSystemConfigs": [
            {
                "Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0",
                "LocalMountPath": "/mnt/efs",
            }
        ],
        "KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k",
        "TracingConfig": {"Mode": "Active"},
        "EphemeralStorage": {"Size": 1024},
        "Architectures": ["arm64"],
        "Environment": {"Variables": {"ZZ": "\u00e9\n\"", "AA": ""}},
    }
    name, created = create(**settings)
    assert {key: created[key] for key in settings} == settings
    settle(client, name)
    answer = client.update_function_configuration(FunctionName=name, DeadLetterConfig={"TargetArn": ""}, KMSKeyArn="", FileSystemConfigs=[])
    assert not {"DeadLetterConfig", "KMSKeyArn", "FileSystemConfigs"} & set(answer)
    assert answer["Environment"] == settings["Environment"] and answer["Architectures"] == ["arm64"]
    assert settle(client, name)["EphemeralStorage"] == {"Size": 1024}


def test_tags(client, create):
    name, created = create(Tags={"key_a": "value_a"})
    assert "Tags" not in created
    assert client.get_function(FunctionName=name)["Tags"] == {"key_a": "value_a"}


def test_dry_run_changes_nothing(client, create, zip_of):
    name, _ = create()
    before = settle(client, name)
    assert whole(client.update_function_code(FunctionName=name, ZipFile=zip_of({"a": "b"}), DryRun=True)) == before
    assert settle(client, name) == before


def test_all_name_forms(client, create):
    name, _ = create(Publish=True)
    settle(client, name)
    for form in (name, f"{ACCOUNT}:function:{name}", f"function:{name}", arn(name)):
        assert client.get_function_configuration(FunctionName=form)["FunctionArn"] == arn(name)
        assert client.get_function_configuration(FunctionName=f"{form}:1")["FunctionArn"] == arn(name, "1")
        assert client.get_function_configuration(FunctionName=form, Qualifier="1")["Version"] == "1"
        assert client.get_function_configuration(FunctionName=f"{form}:1", Qualifier="1")["Version"] == "1"
    assert client.update_function_configuration(FunctionName=arn(name), Timeout=4)["Timeout"] == 4


def test_the_code_can_be_downloaded(client, create, package):
    name, _ = create()
    location = client.get_function(FunctionName=name)["Code"]["Location"]
    with urllib.request.urlopen(location) as answer:
        assert answer.headers["Content-Type"] == "application/zip"
        assert answer.read() == package
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(location[:-1] + ("0" if location[-1] != "0" else "1"))
    assert refused.value.code == 403
    with pytest.raises(urllib.error.HTTPError) as refused:
        urllib.request.urlopen(location.replace("expires=1", "expires=2"))
    assert refused.value.code == 403


def test_accounts_and_regions_are_apart(lambent, client_of, package, unique_name):
    name = unique_name()
    callers = [("111111111111", "us-east-1"), ("222222222222", "us-east-1"), ("111111111111", "eu-west-1")]
    clients = [client_of(lambent, access_key=account, region=region) for account, region in callers]
    for caller, (account, region) in zip(clients, callers):
        answer = caller.create_function(
            FunctionName=name, Runtime="python3.12", Role=ROLE, Handler="h.h", Code={"ZipFile": package}
        )
        assert answer["FunctionArn"] == arn(name, region=region, account=account)
    for caller in clients:
        assert [f["FunctionName"] for f in caller.list_functions()["Functions"]] == [name]
        caller.delete_function(FunctionName=name)
        assert caller.list_functions()["Functions"] == []


def test_list_functions(lambent, client_of, package, zip_of):
    """[TestLambdaFunction::test_list_functions], in an account of its own."""
    caller = client_of(lambent, access_key="333333333333")
    second = zip_of({"a": "b"})
    common = {"Runtime": "python3.12", "Role": ROLE, "Handler": "handler.handler"}
    caller.create_function(FunctionName="one", Code={"ZipFile": package}, Publish=True, **common)
    caller.create_function(FunctionName="two", Code={"ZipFile": second}, **common)

    def listed(name, code, qualifier=None, version="$LATEST"):
        return recorded(name, code, listed=True, Version=version, FunctionArn=arn(name, qualifier, account="333333333333"))

    assert caller.list_functions()["Functions"] == [listed("one", package), listed("two", second)]
    everything = [listed("one", package, "$LATEST"), listed("one", package, "1", "1"), listed("two", second, "$LATEST")]
    assert caller.list_functions(FunctionVersion="ALL")["Functions"] == everything
    pages = caller.get_paginator("list_functions").paginate(FunctionVersion="ALL", PaginationConfig={"PageSize": 1})
    assert [page["Functions"] for page in pages] == [[item] for item in everything]
    pages = caller.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 1})
    assert [page["Functions"][0]["FunctionName"] for page in pages] == ["one", "two"]
    pages = caller.get_paginator("list_versions_by_function").paginate(FunctionName="one", PaginationConfig={"PageSize": 1})
    assert [page["Versions"][0]["Version"] for page in pages] == ["$LATEST", "1"]
    for name in ("one", "two"):
        caller.delete_function(FunctionName=name)


def test_a_page_ends_at_fifty(lambent, client_of, package):
    caller = client_of(lambent, access_key="444444444444")
    names = [f"f{i:03}" for i in range(53)]
    for name in names:
        caller.create_function(FunctionName=name, Runtime="python3.12", Role=ROLE, Handler="h.h", Code={"ZipFile": package})
    first = caller.list_functions(MaxItems=10000)
    assert len(first["Functions"]) == 50
    # The marker holds also when the function it stands on is gone.
    caller.delete_function(FunctionName="f049")
    rest = caller.list_functions(Marker=first["NextMarker"])
    assert [f["FunctionName"] for f in rest["Functions"]] == names[50:]
    assert not rest.get("NextMarker")
    for name in names[:49] + names[50:]:
        caller.delete_function(FunctionName=name)


def test_delete_takes_versions_along(client, create):
    """[TestLambdaCleanup::test_recreate_function]"""
    name, first = create(Publish=True)
    client.delete_function(FunctionName=name)
    _, again = create(FunctionName=name)
    assert again["Version"] == "$LATEST" and again["RevisionId"] != first["RevisionId"]
    settle(client, name)
    assert len(client.list_versions_by_function(FunctionName=name)["Versions"]) == 1
    assert client.publish_version(FunctionName=name)["Version"] == "1"
    # A version that is not there: nothing to do.
    assert client.delete_function(FunctionName=name, Qualifier="17")["ResponseMetadata"]["HTTPStatusCode"] == 204
