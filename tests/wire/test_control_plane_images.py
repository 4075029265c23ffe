# SPDX-License-Identifier: Apache-2.0
"""Functions of package type Image through boto3, with a source of images that the test plays (image_server.c). Expected answers are
what AWS gave to the same calls (names of the recorded cases in brackets)."""

import json
import pathlib
import queue
import shutil
import socket
import struct
import subprocess
import tempfile
import threading
import urllib.parse

import botocore.exceptions
import pytest

from conftest import make_client
from daemon import ROOT, binary

ACCOUNT = "000000000000"
ROLE = f"arn:aws:iam::{ACCOUNT}:role/lambent"
REPOSITORY = f"{ACCOUNT}.dkr.ecr.us-east-1.amazonaws.com/app"
FIRST = "1" * 64
SECOND = "2" * 64
WAIT_SECONDS = 30
REASON = "The function is being created."
PENDING = {"State": "Pending", "StateReason": REASON, "StateReasonCode": "Creating"}
ACTIVE = {"State": "Active", "LastUpdateStatus": "Successful"}
IN_PROGRESS = {
    "State": "Active", "LastUpdateStatus": "InProgress", "LastUpdateStatusReason": REASON, "LastUpdateStatusReasonCode": "Creating",
}


class Source:
    """The server and its questions."""

    def __init__(self, folder):
        self.folder = folder
        self.process = None

    def start(self):
        program = pathlib.Path(binary()).parent / "tests" / "wire" / "image_server"
        if not program.exists():
            pytest.skip("image_server lies only beside a lambent in its build folder")
        self.process = subprocess.Popen([program, program.parents[2], ROOT / "runtimes", self.folder], text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self._said = queue.SimpleQueue()
        threading.Thread(target=self._read, args=(self.process.stdout,), daemon=True).start()
        self.client = make_client(self.asked("listening"))
        return self

    def _read(self, stream):
        for line in stream:
            self._said.put(line.split())

    def asked(self, what):
        """The next thing it says, which is this one; what belongs to it."""
        word, *rest = self._said.get(timeout=WAIT_SECONDS)
        assert word == what
        return rest[0] if len(rest) == 1 else tuple(rest)

    def answer(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()

    def stop(self):
        self.process.stdin.close()
        assert self.process.wait(WAIT_SECONDS) == 0

    def call(self, operation, answer, **settings):
        """Makes a call for which the source is asked to resolve, and answers that."""
        result = queue.SimpleQueue()

        def run():
            try:
                result.put(whole(getattr(self.client, operation)(**settings)))
            except botocore.exceptions.ClientError as error:
                result.put(error)

        thread = threading.Thread(target=run)
        thread.start()
        question = self.asked("resolve")
        self.answer(answer)
        thread.join(WAIT_SECONDS)
        return question, result.get(timeout=0)

    def fetched(self, answer):
        question = self.asked("fetch")
        self.answer(answer)
        return question

    def settled(self, name, **more):
        self.client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}, **more)
        self.client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500}, **more)
        return whole(self.client.get_function_configuration(FunctionName=name, **more))


@pytest.fixture
def source():
    folder = tempfile.mkdtemp(prefix="lambent-test-images-")
    try:
        source = Source(folder).start()
        yield source
        source.stop()
    finally:
        shutil.rmtree(folder)


class Any:
    def __eq__(self, other):
        return bool(other)


ANY = Any()


def whole(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def creation(uri=f"{REPOSITORY}:latest", **changes):
    return {
        "FunctionName": "fn", "Role": ROLE, "PackageType": "Image", "Code": {"ImageUri": uri},
        "Environment": {"Variables": {"CUSTOM_ENV": "test"}}, **changes,
    }


def recorded(digest=FIRST, name="fn", **changes):
    """A configuration as AWS shows it [TestLambdaImages::test_lambda_image_crud]; values that differ from run to run are ANY."""
    return {
        "FunctionName": name,
        "FunctionArn": f"arn:aws:lambda:us-east-1:{ACCOUNT}:function:{name}",
        "Role": ROLE,
        "CodeSize": 0,
        "CodeSha256": digest,
        "Description": "",
        "Timeout": 3,
        "MemorySize": 128,
        "Version": "$LATEST",
        "Environment": {"Variables": {"CUSTOM_ENV": "test"}},
        "TracingConfig": {"Mode": "PassThrough"},
        "PackageType": "Image",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": f"/aws/lambda/{name}"},
        "LastModified": ANY,
        "RevisionId": ANY,
        **changes,
    }


def code(uri=f"{REPOSITORY}:latest", resolved=f"{REPOSITORY}@sha256:{FIRST}"):
    return {"RepositoryType": "ECR", "ImageUri": uri, "ResolvedImageUri": resolved}


def refused(call, **settings):
    with pytest.raises(botocore.exceptions.ClientError) as error:
        call(**settings)
    return problem(error.value)


def problem(error):
    body = error.response
    return body["ResponseMetadata"]["HTTPStatusCode"], body["Error"]["Code"], body["Error"]["Message"]


def invalid(message):
    return 400, "InvalidParameterValueException", message


def test_image_crud(source):
    """[TestLambdaImages::test_lambda_image_crud]"""
    question, created = source.call("create_function", f"fine {FIRST}", **creation())
    assert question == (f"{REPOSITORY}:latest", "x86_64")
    assert created == recorded(**PENDING)
    assert whole(source.client.get_function(FunctionName="fn")) == {"Configuration": recorded(**PENDING), "Code": code()}

    assert source.fetched(f"fine {FIRST}") == (f"{REPOSITORY}:latest", "x86_64", FIRST)
    assert source.settled("fn") == recorded(**ACTIVE)
    assert whole(source.client.get_function(FunctionName="fn")) == {"Configuration": recorded(**ACTIVE), "Code": code()}

    zip_file = {"FunctionName": "fn", "ZipFile": b"PK"}
    assert refused(source.client.update_function_code, **zip_file) == invalid(
        "Please provide ImageUri when updating a function with packageType Image."
    )

    second = f"{REPOSITORY}2:latest"
    question, updated = source.call("update_function_code", f"fine {SECOND}", FunctionName="fn", ImageUri=second)
    assert question == (second, "x86_64")
    assert updated == recorded(SECOND, **IN_PROGRESS)
    assert source.fetched(f"fine {SECOND}") == (second, "x86_64", SECOND)
    assert source.asked("forget") == FIRST
    assert source.settled("fn") == recorded(SECOND, **ACTIVE)
    assert whole(source.client.get_function(FunctionName="fn"))["Code"] == code(second, f"{REPOSITORY}2@sha256:{SECOND}")

    source.client.delete_function(FunctionName="fn")
    assert source.asked("forget") == SECOND


def test_image_config_crud(source):
    """[TestLambdaImages::test_lambda_image_and_image_config_crud]"""
    config = {"EntryPoint": ["sh"], "Command": ["-c", "echo test"], "WorkingDirectory": "/app1"}
    shown = {"ImageConfigResponse": {"ImageConfig": config}}
    _, created = source.call("create_function", f"fine {FIRST}", **creation(ImageConfig=config))
    assert created == recorded(**PENDING, **shown)
    source.fetched(f"fine {FIRST}")
    assert source.settled("fn") == recorded(**ACTIVE, **shown)

    config = {"Command": ["-c", "echo test1"], "WorkingDirectory": "/app1"}
    shown = {"ImageConfigResponse": {"ImageConfig": config}}
    updated = whole(source.client.update_function_configuration(FunctionName="fn", ImageConfig=config))
    assert updated == recorded(**IN_PROGRESS, **shown)
    source.fetched(f"fine {FIRST}")
    assert source.settled("fn") == recorded(**ACTIVE, **shown)

    updated = whole(source.client.update_function_configuration(FunctionName="fn", ImageConfig={}))
    assert updated == recorded(**IN_PROGRESS)
    source.fetched(f"fine {FIRST}")
    assert source.settled("fn") == recorded(**ACTIVE)
    assert whole(source.client.get_function(FunctionName="fn")) == {"Configuration": recorded(**ACTIVE), "Code": code()}


def test_image_versions(source):
    """[TestLambdaImages::test_lambda_image_versions]"""
    first = {"Version": "1"}
    _, created = source.call("create_function", f"fine {FIRST}", **creation(Publish=True))
    assert created == recorded(**first, **PENDING)
    source.fetched(f"fine {FIRST}")
    source.fetched(f"fine {FIRST}")
    source.settled("fn")
    source.settled("fn", Qualifier="1")
    assert refused(source.client.publish_version, FunctionName="fn", CodeSha256="a" * 64) == invalid(
        f"CodeSHA256 ({'a' * 64}) is different from current CodeSHA256 in $LATEST ({FIRST}). Please try again with the CodeSHA256 in $LATEST."
    )
    listed = source.client.list_versions_by_function(FunctionName="fn")["Versions"]
    arn = recorded()["FunctionArn"]
    assert listed == [recorded(FunctionArn=f"{arn}:$LATEST"), recorded(**first, FunctionArn=f"{arn}:1")]

    source.client.update_function_configuration(FunctionName="fn", Description="Second version :)")
    source.fetched(f"fine {FIRST}")
    source.settled("fn")
    published = whole(source.client.publish_version(FunctionName="fn", CodeSha256=FIRST, Description="Second version description :)"))
    assert published == recorded(Version="2", FunctionArn=f"{arn}:2", Description="Second version description :)", **ACTIVE)


def test_a_tag_that_moves_changes_nothing_until_it_is_updated(source):
    """A new version of the same tag is another image: the old one stays as long as a version names it."""
    source.call("create_function", f"fine {FIRST}", **creation(Publish=True))
    source.fetched(f"fine {FIRST}")
    source.fetched(f"fine {FIRST}")
    source.settled("fn")
    source.call("update_function_code", f"fine {SECOND}", FunctionName="fn", ImageUri=f"{REPOSITORY}:latest")
    source.fetched(f"fine {SECOND}")
    assert source.settled("fn")["CodeSha256"] == SECOND
    assert whole(source.client.get_function(FunctionName="fn", Qualifier="1"))["Code"] == code()
    source.client.delete_function(FunctionName="fn", Qualifier="1")
    assert source.asked("forget") == FIRST


def test_what_is_no_image(source):
    """Texts as AWS's users report them; a refused function does not exist."""
    uri = f"{REPOSITORY}:latest"
    missing = invalid(f"Source image {uri} does not exist. Provide a valid source image.")
    unsupported = invalid(f"The image manifest, config or layer media type for the source image {uri} is not supported.")
    denied = 403, "AccessDeniedException", "Lambda does not have permission to access the ECR image. Check the ECR permissions."
    down = 500, "ServiceException", f"The image {uri} could not be looked up: the test says so"
    cases = {"missing": missing, "unsupported": unsupported, "denied": denied, "unreachable": down}
    for answer, expected in cases.items():
        _, error = source.call("create_function", answer, **creation())
        assert problem(error) == expected
    assert source.client.list_functions()["Functions"] == []
    for uri in ("App", "https://example.com/app", "app:", f"app@sha256:{FIRST[1:]}", "a" * 1200):
        assert refused(source.client.create_function, **creation(uri)) == invalid(
            f"Source image {uri} is not valid. Provide a valid source image."
        )


def test_what_does_not_fit_an_image(source):
    create = source.client.create_function
    neither = invalid("Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image.")
    layer = f"arn:aws:lambda:us-east-1:{ACCOUNT}:layer:l:1"
    assert refused(create, **creation(Runtime="python3.12")) == neither
    assert refused(create, **creation(Handler="a.b")) == neither
    assert refused(create, **creation(Layers=[layer])) == neither
    assert refused(create, **creation(Code={})) == invalid("Please provide a source for function code.")
    assert refused(create, **creation(Code={"ZipFile": b"PK"})) == invalid("Please provide a source for function code.")
    assert refused(create, **creation(SnapStart={"ApplyOn": "PublishedVersions"})) == invalid(
        "ContainerImage is not supported for SnapStart enabled functions."
    )
    assert refused(create, **creation(ImageConfig={"WorkingDirectory": "/" * 1001})) == (
        400, "ValidationException",
        f"1 validation error detected: Value '{'/' * 1001}' at 'imageConfig.workingDirectory' failed to satisfy constraint: "
        "Member must have length less than or equal to 1000",
    )
    code, name, message = refused(create, **creation(ImageConfig={"Command": ["x"] * 1501}))
    assert (code, name) == (400, "ValidationException")
    assert message.endswith(
        "at 'imageConfig.command' failed to satisfy constraint: Member must have length less than or equal to 1500"
    )
    assert refused(create, **creation(ImageConfig={"Command": ["x" * 20000]}))[:2] == (400, "InvalidParameterValueException")
    # Without PackageType an image is not looked at [AWS: boto3 issue 2705].
    as_zip = {**creation(Runtime="python3.12", Handler="a.b"), "PackageType": "Zip"}
    assert refused(create, **as_zip) == invalid("Please provide a source for function code.")

    source.call("create_function", f"fine {FIRST}", **creation())
    source.fetched(f"fine {FIRST}")
    source.settled("fn")
    update = source.client.update_function_configuration
    runtime = invalid("The Runtime and Handler parameters are not supported for functions created with container images.")
    assert refused(update, FunctionName="fn", Runtime="python3.12") == runtime
    assert refused(update, FunctionName="fn", Handler="a.b") == runtime
    assert refused(update, FunctionName="fn", Layers=[layer]) == invalid(
        "Lambda layers are not supported for functions created with container images."
    )


@pytest.mark.parametrize(
    "answer, code", [("missing", "ImageDeleted"), ("denied", "ImageAccessDenied"), ("unsupported", "InvalidImage"), ("unreachable", "InternalError")]
)
def test_an_image_that_cannot_be_fetched(source, answer, code):
    """Failed with AWS's code and the cause, and it can be repaired by an update."""
    uri = f"{REPOSITORY}:latest"
    source.call("create_function", f"fine {FIRST}", **creation())
    source.fetched(answer)
    with pytest.raises(botocore.exceptions.WaiterError):
        source.settled("fn")
    got = source.client.get_function_configuration(FunctionName="fn")
    assert (got["State"], got["StateReasonCode"]) == ("Failed", code)
    assert got["StateReason"] == f"The image {uri} cannot be used: the test says so"
    source.call("update_function_code", f"fine {SECOND}", FunctionName="fn", ImageUri=uri)
    source.fetched(f"fine {SECOND}")
    while source.asked("forget") != FIRST:
        pass
    assert source.settled("fn")["CodeSha256"] == SECOND


def test_one_that_fails_leaves_the_old_image_in_use(source):
    source.call("create_function", f"fine {FIRST}", **creation())
    source.fetched(f"fine {FIRST}")
    source.settled("fn")
    source.call("update_function_code", f"fine {SECOND}", FunctionName="fn", ImageUri=f"{REPOSITORY}:next")
    assert refused(source.client.update_function_code, FunctionName="fn", ImageUri="x")[:2] == (409, "ResourceConflictException")
    source.fetched("missing")
    with pytest.raises(botocore.exceptions.WaiterError):
        source.settled("fn")
    got = source.client.get_function_configuration(FunctionName="fn")
    assert (got["State"], got["LastUpdateStatus"], got["LastUpdateStatusReasonCode"]) == ("Active", "Failed", "ImageDeleted")


def test_the_other_architecture(source):
    question, created = source.call("create_function", f"fine {FIRST}", **creation(Architectures=["arm64"]))
    assert question == (f"{REPOSITORY}:latest", "arm64")
    assert created["Architectures"] == ["arm64"]
    source.fetched(f"fine {FIRST}")
    source.settled("fn")
    update = {"FunctionName": "fn", "ImageUri": f"{REPOSITORY}:next", "Architectures": ["x86_64"], "DryRun": True}
    question, dry = source.call("update_function_code", f"fine {SECOND}", **update)
    assert question == (f"{REPOSITORY}:next", "x86_64")
    assert dry == recorded(**ACTIVE, Architectures=["arm64"])


def test_a_client_that_breaks_off(source):
    """Its function is not made, and its question is called off: the next answer is for the next question."""
    address = urllib.parse.urlsplit(source.client.meta.endpoint_url)
    body = json.dumps(creation())
    head = f"POST /2015-03-31/functions HTTP/1.1\r\nHost: {address.netloc}\r\nContent-Length: {len(body)}\r\n\r\n"
    with socket.create_connection((address.hostname, address.port)) as client:
        client.sendall((head + body).encode())
        source.asked("resolve")
        client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    source.call("create_function", f"fine {FIRST}", **creation(FunctionName="other"))
    assert [f["FunctionName"] for f in source.client.list_functions()["Functions"]] == ["other"]


def test_after_a_restart(source):
    """Everything is found again: the source is asked to fetch by what was stored."""
    config = {"EntryPoint": ["sh"], "Command": ["-c", "", "é"], "WorkingDirectory": "/app"}
    source.call("create_function", f"fine {FIRST}", **creation(ImageConfig=config))
    source.fetched(f"fine {FIRST}")
    before = source.settled("fn")
    source.stop()
    source.start()
    assert source.asked("fetch") == (f"{REPOSITORY}:latest", "x86_64", FIRST)
    assert whole(source.client.get_function_configuration(FunctionName="fn")) == before
    source.answer(f"fine {FIRST}")
    assert before["ImageConfigResponse"] == {"ImageConfig": config}
