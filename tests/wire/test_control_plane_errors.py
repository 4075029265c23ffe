# SPDX-License-Identifier: Apache-2.0
"""What the control plane refuses, in AWS's words. Expected texts are recorded answers of AWS (names of the cases in brackets)."""

import pytest
from botocore.exceptions import ClientError

ACCOUNT = "000000000000"
REGION = "us-east-1"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambent"
NAME_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_]+)(:(\$LATEST|[a-zA-Z0-9-_]+))?"
)
NAMESPACED_PATTERN = (
    r"(arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\d{1}:)?(\d{12}:)?(function:)?"
    r"([a-zA-Z0-9-_\.]+)(:(\$LATEST(\.PUBLISHED)?|[a-zA-Z0-9-_]+))?"
)
QUALIFIER_PATTERN = r"\$(LATEST(\.PUBLISHED)?)|[a-zA-Z0-9-_$]+"
ARN = f"arn:aws:lambda:{REGION}:{ACCOUNT}:function"


def refused(call, **arguments):
    """(status, code, message) of the error that the call must end in."""
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def violations(*texts):
    count = len(texts)
    return 400, "ValidationException", f"{count} validation error{'s' if count > 1 else ''} detected: " + "; ".join(texts)


def invalid(message):
    return 400, "InvalidParameterValueException", message


def not_found(message):
    return 404, "ResourceNotFoundException", message


def breaks(value, path, constraint):
    return f"Value '{value}' at '{path}' failed to satisfy constraint: {constraint}"


def pattern(value, pattern_text, path="functionName"):
    return breaks(value, path, f"Member must satisfy regular expression pattern: {pattern_text}")


@pytest.fixture
def settings(zip_of):
    return {"Runtime": "python3.12", "Role": ROLE, "Handler": "h.h", "Code": {"ZipFile": zip_of({"h.py": ""})}}


# [TestLambdaFunction::test_function_name_and_qualifier_validation]: name and qualifier given to all operations; what is wrong
# with the pattern is wrong everywhere.
BAD_NAMES = {
    "single_invalid": "*",
    "invalid_characters": "my-function!",
    "multiple_qualifiers": f"{ARN}:my-function:1:2",
    "invalid_account_in_partial_arn": "invalid-account:function:my-function",
    "invalid_region": f"arn:aws:lambda:invalid-region:{ACCOUNT}:function:my-function",
    "missing_account": f"arn:aws:lambda:{REGION}::function:my-function",
    "missing_region": f"arn:aws:lambda::{ACCOUNT}:function:my-function",
    "misspelled_latest": f"{ARN}:my-function:$LATES",
    "non_lambda_arn": f"arn:aws:ec2:{REGION}:{ACCOUNT}:instance:i-1234567890abcdef0",
    "partial_arn_with_extra_qualifier": "function:my-function:$LATEST:extra",
}


@pytest.mark.parametrize("name", BAD_NAMES.values(), ids=BAD_NAMES)
def test_names_that_no_pattern_takes(client, settings, name):
    assert refused(client.create_function, FunctionName=name, **settings) == violations(pattern(name, NAME_PATTERN))
    for call in (client.get_function, client.delete_function, client.get_function_configuration):
        assert refused(call, FunctionName=name) == violations(pattern(name, NAMESPACED_PATTERN))


@pytest.mark.parametrize("name", ["my-function:invalid!", f"{ARN}:my-function:$latest", f"{ARN}:my-function:$LATEST:1"])
def test_names_that_create_function_does_not_take(client, settings, name):
    assert refused(client.create_function, FunctionName=name, **settings) == violations(pattern(name, NAME_PATTERN))


def test_names_that_are_too_long(client, settings):
    long = "a" * 65
    text = breaks(long, "functionName", "Member must have length less than or equal to 64")
    status, code, message = refused(client.create_function, FunctionName=long, **settings)
    assert (status, code, message) == invalid(f"1 validation error detected: {text}")
    for call in (client.get_function, client.delete_function):
        assert refused(call, FunctionName=long) == not_found(f"Function not found: {ARN}:{long}")

    qualified = "my-function:" + "a" * 129
    text = breaks(qualified, "functionName", "Member must have length less than or equal to 140")
    assert refused(client.create_function, FunctionName=qualified, **settings) == violations(text)

    both = f"arn:aws:lambda:invalid-region:{ACCOUNT}:function:my-function-" + "a" * 170
    text = breaks(both, "functionName", "Member must have length less than or equal to 140")
    assert refused(client.create_function, FunctionName=both, **settings) == violations(text, pattern(both, NAME_PATTERN))
    assert refused(client.get_function, FunctionName=both) == violations(pattern(both, NAMESPACED_PATTERN))


def test_qualifiers(client):
    long = "a" * 129
    text = breaks(long, "qualifier", "Member must have length less than or equal to 128")
    for call in (client.get_function, client.delete_function):
        assert refused(call, FunctionName="my-function", Qualifier=long) == violations(text)
        assert refused(call, FunctionName="my-function", Qualifier="invalid!") == violations(
            pattern("invalid!", QUALIFIER_PATTERN, "qualifier")
        )
        assert refused(call, FunctionName=f"{ARN}:my-function:$LATEST", Qualifier="1") == invalid(
            "The derived qualifier from the function name does not match the specified qualifier."
        )
        # An ARN that ends at "function" names a function of that name.
        assert refused(call, FunctionName=ARN) == not_found(f"Function not found: {ARN}:function")
    alias = "a" * 65
    assert refused(client.get_function, FunctionName="my-function", Qualifier=alias) == not_found(
        f"Function not found: {ARN}:my-function:{alias}"
    )
    assert refused(client.delete_function, FunctionName="my-function", Qualifier=alias) == invalid(
        "Deletion of aliases is not currently supported."
    )
    assert refused(client.get_function, FunctionName="my-function", Qualifier="$latest") == not_found(
        f"Function not found: {ARN}:my-function:$latest"
    )
    assert refused(client.delete_function, FunctionName="my-function", Qualifier="$latest") == not_found(
        f"Function not found: {ARN}:my-function"
    )


def test_functions_that_are_not_there(client, function, zip_of, settings):
    """[TestLambdaFunction::test_ops_on_nonexisting_fn, ::test_ops_on_nonexisting_version, ::test_delete_on_nonexisting_version]"""
    missing = not_found(f"Function not found: {ARN}:nothing-here")
    for call in (client.get_function, client.get_function_configuration, client.delete_function, client.list_versions_by_function,
                 client.publish_version, client.update_function_configuration):
        assert refused(call, FunctionName="nothing-here") == missing
    assert refused(client.update_function_code, FunctionName="nothing-here", ZipFile=zip_of({"a": "b"})) == missing
    assert refused(client.delete_function, FunctionName="nothing-here", Qualifier="7") == missing
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    for call in (client.get_function, client.get_function_configuration):
        assert refused(call, FunctionName=name, Qualifier="1221") == not_found(f"Function not found: {ARN}:{name}:1221")
    assert refused(client.delete_function, FunctionName=name, Qualifier="$LATEST") == invalid(
        "$LATEST version cannot be deleted without deleting the function."
    )
    assert refused(client.create_function, **{"FunctionName": name, **settings}) == (
        409, "ResourceConflictException", f"Function already exist: {name}"
    )


def test_another_region(client):
    """[TestLambdaFunction::test_get_function_wrong_region]"""
    name = f"arn:aws:lambda:eu-west-1:{ACCOUNT}:function:fn"
    for call in (client.get_function, client.get_function_configuration, client.delete_function, client.list_versions_by_function):
        assert refused(call, FunctionName=name) == not_found(
            f"Functions from 'eu-west-1' are not reachable in this region ('{REGION}')"
        )


@pytest.mark.parametrize(
    "runtime", ["dotnetcore3.1", "go1.x", "java8", "nodejs12.x", "nodejs14.x", "provided", "python3.7", "ruby2.7"]
)
def test_runtimes_of_the_past(client, settings, runtime):
    """[TestRuntimeValidation::test_create_deprecated_function_runtime_with_validation_enabled]"""
    assert refused(client.create_function, **{"FunctionName": "fn", **settings, "Runtime": runtime}) == invalid(
        f"The runtime parameter of {runtime} is no longer supported for creating or updating AWS Lambda functions. "
        "We recommend you use a supported runtime while creating or updating functions."
    )


CREATABLE = (
    "[nodejs20.x, python3.14, provided.al2023, python3.12, python3.13, nodejs24.x, nodejs22.x, java25, python3.10, python3.11, java21, "
    "ruby3.3, ruby3.4, ruby3.2, python3.8, python3.9, java17, nodejs16.x, dotnet10, dotnet8, java11, dotnet6, nodejs18.x, "
    "provided.al2, java8.al2]"
)


def test_runtimes_that_never_were(client, settings):
    for runtime in ("non-existent-runtime", "PYTHON3.9"):
        assert refused(client.create_function, **{"FunctionName": "fn", **settings, "Runtime": runtime}) == invalid(
            f"Value {runtime} at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: {CREATABLE} or be a valid ARN"
        )


def test_constraints_of_the_model(client, settings):
    def create(**changes):
        return refused(client.create_function, **{"FunctionName": "fn", **settings, **changes})

    role = r"arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"
    assert create(Role="r1") == violations(pattern("r1", role, "role"))
    architectures = "Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"
    assert create(Architectures=["X86_64"]) == violations(breaks("[X86_64]", "architectures", architectures))
    assert create(SnapStart={"ApplyOn": "invalidOption"}) == violations(
        breaks("invalidOption", "snapStart.applyOn", "Member must satisfy enum value set: [PublishedVersions, None]")
    )
    groups = (
        "Member must satisfy constraint: [Member must have length less than or equal to 1024, Member must have length greater than or "
        "equal to 0, Member must satisfy regular expression pattern: sg-[0-9a-zA-Z]*]"
    )
    vpc = {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-a_b"]}
    assert create(VpcConfig=vpc) == violations(breaks("[sg-a_b]", "vpcConfig.securityGroupIds", groups))
    assert create(Timeout=0, MemorySize=64) == violations(
        breaks("0", "timeout", "Member must have value greater than or equal to 1"),
        breaks("64", "memorySize", "Member must have value greater than or equal to 128"),
    )
    assert create(Timeout=901) == violations(breaks("901", "timeout", "Member must have value less than or equal to 900"))
    assert create(Description="d" * 257) == violations(
        breaks("d" * 257, "description", "Member must have length less than or equal to 256")
    )
    assert create(EphemeralStorage={"Size": 511}) == violations(
        breaks("511", "ephemeralStorage.size", "Member must have value greater than or equal to 512")
    )
    assert create(EphemeralStorage={}) == violations(
        "Value null at 'ephemeralStorage.size' failed to satisfy constraint: Member must not be null"
    )
    arn = "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-" + "a" * 200
    access_point = create(FileSystemConfigs=[{"Arn": arn}])[2].rpartition("pattern: ")[2].partition("; ")[0]
    assert access_point.startswith("arn:aws[a-zA-Z-]*:elasticfilesystem:")
    assert create(FileSystemConfigs=[{"Arn": arn}]) == violations(
        breaks(arn, "fileSystemConfigs.1.member.arn", "Member must have length less than or equal to 256"),
        pattern(arn, access_point, "fileSystemConfigs.1.member.arn"),
        "Value null at 'fileSystemConfigs.1.member.localMountPath' failed to satisfy constraint: Member must not be null",
    )
    assert refused(client.list_functions, FunctionVersion="invalid") == violations(
        breaks("invalid", "functionVersion", "Member must satisfy enum value set: [ALL]")
    )
    assert refused(client.list_functions, MaxItems=0) == violations(
        breaks("0", "maxItems", "Member must have value greater than or equal to 1")
    )


def test_what_a_function_needs(client, settings):
    def create(**changes):
        given = {"FunctionName": "fn", **settings, **changes}
        return refused(client.create_function, **{key: value for key, value in given.items() if value is not None})

    mandatory = invalid("Runtime and Handler are mandatory parameters for functions created with deployment packages.")
    assert create(Runtime=None) == create(Handler=None) == mandatory
    assert create(Role=None) == violations("Value null at 'role' failed to satisfy constraint: Member must not be null")
    assert create(Code=None) == violations("Value null at 'code' failed to satisfy constraint: Member must not be null")
    assert create(Tags={f"{i}_key": "v" for i in range(51)}) == invalid("Number of tags exceeds resource tag limit.")
    assert create(SnapStart={"ApplyOn": "PublishedVersions"}, Runtime="nodejs22.x") == invalid(
        "nodejs22.x is not supported for SnapStart enabled functions."
    )


def test_environment_variables(client, settings):
    def create(**variables):
        return refused(client.create_function, FunctionName="fn", Environment={"Variables": variables}, **settings)

    text = "Lambda was unable to configure your environment variables because the environment variables you have provided "
    # [TestLambdaSizeLimits::test_large_environment_variables_fails, ::test_large_environment_fails_multiple_keys]
    large = "x" * (4 * 1024)
    assert create(LARGE_VAR=large) == invalid(f'{text}exceeded the 4KB limit. String measured: {{"LARGE_VAR":"{large}"}}')
    large = "x" * (4 * 1024 - len('{"SMALL_VAR":"ok","LARGE_VAR":""}') + 1)
    assert create(SMALL_VAR="ok", LARGE_VAR=large) == invalid(
        f'{text}exceeded the 4KB limit. String measured: {{"SMALL_VAR":"ok","LARGE_VAR":"{large}"}}'
    )
    assert create(AWS_REGION="x", FINE="y", AWS_LAMBDA_RUNTIME_API="z") == invalid(
        f"{text}contains reserved keys that are currently not supported for modification. "
        "Reserved keys used in this request: AWS_REGION, AWS_LAMBDA_RUNTIME_API"
    )
    for name in ("_LEADING", "A", "with-dash", "1ST"):
        status, code, message = create(**{name: "v"})
        assert (status, code) == (400, "ValidationException")
        assert "'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint" in message
        assert message.endswith("[a-zA-Z]([a-zA-Z0-9_])+]")


def test_an_environment_just_small_enough(client, function, zip_of):
    """[TestLambdaSizeLimits::test_large_environment_fails_multiple_keys, one character less]"""
    variables = {"SMALL_VAR": "ok", "LARGE_VAR": "x" * (4 * 1024 - len('{"SMALL_VAR":"ok","LARGE_VAR":""}'))}
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}), Environment={"Variables": variables})
    assert client.get_function_configuration(FunctionName=name)["Environment"]["Variables"] == variables


def test_packages(client, settings, zip_of):
    def create(package):
        return refused(client.create_function, **{"FunctionName": "fn", **settings, "Code": {"ZipFile": package}})

    broken = invalid("Could not unzip uploaded file. Please check your file, then try to upload again.")
    assert create(b"this is no zip") == broken
    assert create(zip_of({"a": "b" * 1000})[:-30]) == broken
    assert create(b"") == create(zip_of({})) == invalid("Uploaded file must be a non-empty zip")
    assert refused(client.create_function, **{"FunctionName": "fn", **settings, "Code": {}}) == invalid(
        "Please provide a source for function code."
    )
    assert refused(client.get_function, FunctionName="fn")[0] == 404


@pytest.mark.native("no engine")
def test_an_image_without_an_engine(client, settings):
    image = {"FunctionName": "fn", "Role": settings["Role"], "PackageType": "Image", "Code": {"ImageUri": "i"}}
    status, kind, message = refused(client.create_function, **image)
    assert (status, kind) == (501, "NotImplementedException")
    assert message.startswith("lambent does not implement CreateFunction with PackageType Image without a container engine")


def test_images_for_zip_functions(client, function, zip_of):
    """[TestLambdaImages::test_lambda_zip_file_to_image]"""
    name = function(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    assert refused(client.update_function_code, FunctionName=name, ImageUri="111111111111.dkr.ecr.us-east-1.amazonaws.com/i:t") == invalid(
        "Please don't provide ImageUri when updating a function with packageType Zip."
    )


def test_one_change_at_a_time(client, function, zip_of, unique_name):
    """[TestLambdaFunction::test_lambda_concurrent_code_updates, ::test_lambda_concurrent_config_updates]: an update is in progress
    while its layers, thousands of files, are laid over each other."""
    package = zip_of({"bootstrap*": "#!/bin/sh\n"})
    name = function(package)
    layers = []
    for number in range(2):
        content = zip_of({f"{number}/{i}": "" for i in range(4000)})
        layers.append(client.publish_layer_version(LayerName=unique_name("layer"), Content={"ZipFile": content})["LayerVersionArn"])
    assert client.update_function_configuration(FunctionName=name, Layers=layers)["LastUpdateStatus"] == "InProgress"
    busy = (
        409, "ResourceConflictException",
        f"The operation cannot be performed at this time. An update is in progress for resource: {ARN}:{name}",
    )
    assert refused(client.update_function_configuration, FunctionName=name, Timeout=4) == busy
    assert refused(client.update_function_code, FunctionName=name, ZipFile=package) == busy
    assert refused(client.publish_version, FunctionName=name) == busy
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    assert client.update_function_configuration(FunctionName=name, Timeout=4)["Timeout"] == 4


def test_a_marker_that_no_list_gave(client):
    assert refused(client.list_functions, Marker="nonsense")[:2] == (400, "InvalidParameterValueException")
