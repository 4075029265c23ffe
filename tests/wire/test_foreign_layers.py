# SPDX-License-Identifier: Apache-2.0
"""Layers of other accounts: imported with the command, or fetched from AWS, for which another lambent or a fake stands."""

import base64
import concurrent.futures
import hashlib
import json
import threading
import urllib.parse
import urllib.request

import pytest
from botocore.exceptions import ClientError
from command import lambent as command
from conftest import ROLE, make_client, make_zip
from fake_s3 import FakeS3, answer
from guests import host_python_runtime

OTHER = "123456789012"
PUBLIC = "arn:aws:lambda:::awslayer:Kept"
ARN = f"arn:aws:lambda:us-east-1:{OTHER}:layer:shared:7"
LAYER = make_zip({"python/shared.py": "word = 'imported'\n"})
CODE = make_zip({"app.py": "import shared\ndef handler(event, context):\n    return shared.word\n"})
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret", "AWS_SESSION_TOKEN": ""}


@pytest.fixture
def fake():
    server = FakeS3()
    yield server
    server.stop()


@pytest.fixture
def package(tmp_path):
    path = tmp_path / "layer.zip"
    path.write_bytes(LAYER)
    return path


def refused(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    response = failure.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def create(client, name="fn", layers=(ARN,), **settings):
    return client.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Role=ROLE,
                                  Code={"ZipFile": CODE}, Layers=list(layers), **settings)


def invoke(client, name="fn"):
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    client.get_waiter("function_updated_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    return json.load(client.invoke(FunctionName=name)["Payload"])


def layers(daemon):
    done = command("layers", "--json", "--endpoint", daemon.endpoint)
    assert done.returncode == 0, done.stderr
    return [(layer["arn"], layer["from"]) for layer in json.loads(done.stdout)]


def import_layer(daemon, arn, path, *options):
    return command("layer", "import", arn, path, "--endpoint", daemon.endpoint, *options)


# ---- by hand ----

def test_an_imported_layer_is_used(lambent_factory, package):
    daemon = lambent_factory()
    client = make_client(daemon.endpoint)
    status, kind, text = refused(create, client=client)
    assert (status, kind) == (403, "AccessDeniedException")
    assert text.startswith("User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetLayerVersion on resource: "
                           f"{ARN} because no resource-based policy allows the lambda:GetLayerVersion action. ")
    assert f"lambent layer import {ARN} " in text
    done = import_layer(daemon, ARN, package, "--runtimes", "python3.12", "--runtimes", "python3.13", "--architectures", "arm64",
                        "--description", "a & b", "--license", "MIT")
    assert (done.returncode, done.stdout) == (0, f"imported {ARN} ({len(LAYER)} bytes)\n")
    got = client.get_layer_version_by_arn(Arn=ARN)
    assert (got["Version"], got["Description"], got["LicenseInfo"]) == (7, "a & b", "MIT")
    assert (got["CompatibleRuntimes"], got["CompatibleArchitectures"]) == (["python3.12", "python3.13"], ["arm64"])
    assert got["Content"]["CodeSha256"] == base64.b64encode(hashlib.sha256(LAYER).digest()).decode()
    with urllib.request.urlopen(got["Content"]["Location"]) as body:
        assert body.read() == LAYER
    assert create(client)["Layers"] == [{"Arn": ARN, "CodeSize": len(LAYER)}]
    assert invoke(client) == "imported"
    # It is not the caller's own, but is listed here.
    own = client.publish_layer_version(LayerName="mine", Content={"ZipFile": LAYER})["LayerVersionArn"]
    assert [layer["LayerName"] for layer in client.list_layers()["Layers"]] == ["mine"]
    assert layers(daemon) == [(own, "published"), (ARN, "file")]
    table = command("layers", "--endpoint", daemon.endpoint)
    assert table.returncode == 0 and ARN in table.stdout and "python3.12 python3.13" in table.stdout
    # It outlives the daemon, and a function keeps it when it is deleted.
    daemon.stop()
    daemon.start()
    client = make_client(daemon.endpoint)
    assert layers(daemon) == [(own, "published"), (ARN, "file")] and invoke(client) == "imported"
    assert command("layer", "rm", ARN, own, "--endpoint", daemon.endpoint).returncode == 0
    assert layers(daemon) == [] and invoke(client) == "imported"
    assert refused(create, client=client, name="other")[1] == "AccessDeniedException"


def test_an_import_replaces_and_takes_its_number(lambent_factory, package):
    daemon = lambent_factory()
    client, theirs = make_client(daemon.endpoint), make_client(daemon.endpoint, access_key=OTHER)
    assert import_layer(daemon, ARN, package).returncode == 0
    create(client)
    assert invoke(client) == "imported"
    package.write_bytes(make_zip({"python/shared.py": "word = 'again'\n"}))
    assert import_layer(daemon, ARN, package).returncode == 0
    # As on AWS, a function has what it was given.
    assert invoke(client) == "imported"
    create(client, "second")
    assert invoke(client, "second") == "again"
    assert layers(daemon) == [(ARN, "file")]
    # The other account is here too.
    assert theirs.publish_layer_version(LayerName="shared", Content={"ZipFile": LAYER})["Version"] == 8
    assert [v["Version"] for v in theirs.list_layer_versions(LayerName="shared")["LayerVersions"]] == [8, 7]


def test_imports_that_are_refused(lambent_factory, tmp_path, package):
    daemon = lambent_factory()
    for arn in ("shared", ARN[:-2], f"{ARN[:-1]}0", f"{ARN}x", f"{PUBLIC}:1", PUBLIC[:-4], "arn:aws:lambda:us-east-1::awslayer:Kept", ""):
        done = import_layer(daemon, arn, package)
        assert done.returncode == 1 and "is not of the form arn:aws:lambda:REGION:ACCOUNT:layer:NAME:VERSION" in done.stderr, arn
    text, empty, nothing = tmp_path / "text", tmp_path / "empty", tmp_path / "nothing"
    text.write_text("this is no zip")
    empty.write_bytes(b"")
    nothing.write_bytes(make_zip({}))
    for path, said in ((text, "Could not unzip uploaded file"), (empty, "is not a zip"), (nothing, "Uploaded file must be a non-empty zip"),
                       (tmp_path / "missing", "No such file"), (tmp_path, "is not a zip")):
        done = import_layer(daemon, ARN, path)
        assert done.returncode == 1 and said in done.stderr, path
    assert command("layer", "import", ARN).returncode == 2 and command("layer", "list", ARN).returncode == 2
    assert command("layer", "rm", "shared", "--endpoint", daemon.endpoint).returncode == 1
    assert layers(daemon) == [] and list((daemon.data_dir / "content" / "tmp").iterdir()) == []


# ---- AWS's own, of no account and in no region ----

def test_an_imported_layer_of_awss_own(lambent_factory, package):
    daemon = lambent_factory()
    client, other, elsewhere = (make_client(daemon.endpoint, **settings) for settings in ({}, {"access_key": OTHER}, {"region": "eu-west-1"}))
    missing = (400, "InvalidParameterValueException",
               f'Layer version {PUBLIC} does not exist. lambent can be given a copy with "lambent layer import {PUBLIC} FILE.zip".')
    assert refused(create, client=client, layers=[PUBLIC]) == missing
    create(client, layers=[])
    client.get_waiter("function_active_v2").wait(FunctionName="fn", WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    assert refused(client.update_function_configuration, FunctionName="fn", Layers=[PUBLIC]) == missing
    assert refused(client.get_layer_version_by_arn, Arn=PUBLIC)[:2] == (404, "ResourceNotFoundException")
    done = import_layer(daemon, PUBLIC, package, "--runtimes", "python3.12", "--description", "kept")
    assert (done.returncode, done.stdout) == (0, f"imported {PUBLIC} ({len(LAYER)} bytes)\n")
    updated = client.update_function_configuration(FunctionName="fn", Layers=[PUBLIC])
    assert updated["Layers"] == [{"Arn": PUBLIC, "CodeSize": len(LAYER)}] and invoke(client) == "imported"
    # For every account, in every region, beside layers of an account.
    for asker in (other, elsewhere):
        own = asker.publish_layer_version(LayerName="own", Content={"ZipFile": make_zip({"x": "y"})})["LayerVersionArn"]
        create(asker, layers=[PUBLIC, own])
        assert invoke(asker) == "imported"
        got = asker.get_layer_version_by_arn(Arn=PUBLIC)
        assert (got["LayerVersionArn"], got["LayerArn"], got["Description"]) == (PUBLIC, PUBLIC, "kept")
    assert layers(daemon) == [(PUBLIC, "file")] and client.list_layers()["Layers"] == []
    daemon.stop()
    daemon.start()
    client = make_client(daemon.endpoint)
    assert layers(daemon) == [(PUBLIC, "file")] and invoke(client) == "imported"
    assert command("layer", "rm", PUBLIC, "--endpoint", daemon.endpoint).returncode == 0
    gone = command("layer", "rm", PUBLIC, "--endpoint", daemon.endpoint)
    assert gone.returncode == 1 and f"There is no imported layer {PUBLIC}." in gone.stderr
    assert layers(daemon) == [] and invoke(client) == "imported"
    assert refused(create, client=client, name="other", layers=[PUBLIC]) == missing


# ---- from AWS ----

def test_layers_are_fetched_once(lambent_factory, tmp_path):
    """Another lambent stands for AWS."""
    aws = lambent_factory()
    theirs = make_client(aws.endpoint, access_key=OTHER)
    arns = [theirs.publish_layer_version(LayerName=name, Content={"ZipFile": make_zip({f"python/{name}.py": f"word = '{name}'\n"})},
                                         CompatibleRuntimes=["python3.12"], Description=name)["LayerVersionArn"]
            for name in ("shared", "second", "third")]
    for name in ("shared", "second", "third"):
        theirs.add_layer_version_permission(LayerName=name, VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion", Principal="*")
    daemon = lambent_factory("--layers-from-aws", "--layers-endpoint", aws.endpoint, env=KEYS)
    client = make_client(daemon.endpoint)
    assert [layer["Arn"] for layer in create(client, layers=arns[:2])["Layers"]] == arns[:2]
    assert invoke(client) == "shared"
    assert sorted(layers(daemon)) == sorted((arn, "aws") for arn in arns[:2])
    got = client.get_layer_version_by_arn(Arn=arns[0])
    assert (got["Description"], got["CompatibleRuntimes"]) == ("shared", ["python3.12"])
    client.update_function_configuration(FunctionName="fn", Layers=[arns[0], arns[2]])
    assert invoke(client) == "shared" and len(layers(daemon)) == 3
    missing = f"{arns[0][:-1]}9"
    status, kind, text = refused(create, client=client, name="other", layers=[missing])
    assert (status, kind) == (403, "AccessDeniedException") and "not authorized to perform: lambda:GetLayerVersion" in text
    # What is here needs nobody.
    aws.stop()
    create(client, "other", layers=arns)
    assert invoke(client, "other") == "shared"
    status, kind, text = refused(create, client=client, name="third", layers=[missing])
    assert (status, kind) == (500, "ServiceException") and "Connection refused" in text


def traits(fake, **changes):
    content = {"Location": f"{fake.url}/package?token=a%2Fb", "CodeSha256": base64.b64encode(hashlib.sha256(LAYER).digest()).decode(),
               "CodeSize": len(LAYER)}
    return json.dumps({"LayerVersionArn": ARN, "Version": 7, "Content": {**content, **changes}}).encode()


ASKED = "/2018-10-31/layers?find=LayerVersion&Arn=" + urllib.parse.quote(ARN, safe="")
PACKAGE = "/package?token=a%2Fb"


@pytest.fixture
def hostile(lambent_factory, fake):
    fake.paths.update({ASKED: answer(200, traits(fake)), PACKAGE: answer(200, LAYER)})
    return lambent_factory("--layers-from-aws", "--layers-endpoint", fake.url, env=KEYS)


def test_who_is_asked_and_how(hostile, fake):
    client = make_client(hostile.endpoint)
    create(client)
    assert invoke(client) == "imported"
    [(first, asked), (second, fetched)] = fake.requests
    assert (first, second) == (ASKED, PACKAGE)
    assert "/us-east-1/lambda/aws4_request" in asked["authorization"]
    # The Location is signed itself.
    assert "authorization" not in fetched


def test_what_nobody_has_to_be_asked_for(hostile, fake):
    client = make_client(hostile.endpoint)
    for arns in (["arn:aws:lambda:us-east-1:000000000000:layer:own:1"], [ARN.replace("us-east-1", "eu-west-1")], ["nonsense"],
                 [f"{ARN[:-1]}{number}" for number in range(1, 7)], [PUBLIC]):
        assert refused(create, client=client, layers=arns)[0] == 400
    assert fake.requests == []


def test_what_goes_wrong(hostile, fake):
    client = make_client(hostile.endpoint)
    service, unfit = (500, "ServiceException"), (400, "InvalidParameterValueException")
    said = f"Layer version {ARN} could not be fetched from AWS: "
    denied = "User: u is not authorized to perform: lambda:GetLayerVersion on resource: r"
    for path, reply, expected, words in (
        (ASKED, answer(403, json.dumps({"Message": denied}).encode()), (403, "AccessDeniedException"), denied),
        (ASKED, answer(404, b"{}"), unfit, f"Layer version {ARN} does not exist."),
        (ASKED, answer(400, b'{"message": "m"}'), unfit, "status 400: m"),
        (ASKED, answer(400, b"<html>"), unfit, "status 400: the answer says nothing"),
        (ASKED, answer(501, b"{}"), service, "status 501"),
        (ASKED, answer(200, b""), service, "not one of GetLayerVersionByArn"),
        (ASKED, answer(200, b"[1]"), service, "not one of GetLayerVersionByArn"),
        (ASKED, answer(200, b" " * (1 << 20) + b"{}"), service, "the answer is too long"),
        (ASKED, answer(200, traits(fake, Location="file:///etc/passwd")), service, "not one of GetLayerVersionByArn"),
        (ASKED, answer(200, traits(fake, Location=f"{fake.url}/a b")), service, "not one of GetLayerVersionByArn"),
        (ASKED, answer(200, traits(fake, Location="http://127.0.0.1")), service, "not one of GetLayerVersionByArn"),
        (ASKED, answer(200, traits(fake, Location=None, ResolvedS3Object={"S3Bucket": "b"})), service, "its owner keeps it in a bucket of S3"),
        (ASKED, answer(200, traits(fake, CodeSha256="x")), service, "another digest"),
        (PACKAGE, answer(404), service, "its Location answered with status 404"),
        (PACKAGE, answer(200, LAYER)[:-1], service, said),
        (PACKAGE, answer(200, LAYER[:-40]), unfit, "Could not unzip uploaded file"),
        (PACKAGE, b"HTTP/1.1 200 x\r\nContent-Length: 262144001\r\n\r\n", service, "larger than a layer may be"),
    ):
        kept, fake.paths[path] = fake.paths[path], reply
        status, kind, text = refused(create, client=client)
        assert (status, kind) == expected and words in text, (path, reply[:200], text)
        fake.paths[path] = kept
    assert client.list_functions()["Functions"] == [] and layers(hostile) == []
    assert list((hostile.data_dir / "content" / "tmp").iterdir()) == []
    create(client)
    assert invoke(client) == "imported"


def test_two_at_once_and_what_breaks_off(hostile, fake):
    """Both begin to fetch; the first package breaks off and comes again."""
    both = threading.Barrier(2)
    whole = answer(200, LAYER)

    def reply(connection, number):
        if number <= 2:
            both.wait(60)
        connection.send(whole[:-10] if number == 1 else whole)

    fake.paths[PACKAGE] = reply
    client = make_client(hostile.endpoint)
    with concurrent.futures.ThreadPoolExecutor(2) as threads:
        assert len(list(threads.map(lambda name: create(client, name), ["one", "two"]))) == 2
    assert invoke(client, "one") == invoke(client, "two") == "imported"
    assert layers(hostile) == [(ARN, "aws")]


def test_a_layer_of_a_neighbour_needs_its_permission(lambent_factory):
    """It is here, so an import is not what helps."""
    daemon = lambent_factory()
    client, theirs = make_client(daemon.endpoint), make_client(daemon.endpoint, access_key=OTHER)
    arn = theirs.publish_layer_version(LayerName="shared", Content={"ZipFile": LAYER})["LayerVersionArn"]
    status, kind, text = refused(create, client=client, layers=[arn])
    assert (status, kind) == (403, "AccessDeniedException") and "lambent layer import" not in text
