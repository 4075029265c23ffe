# SPDX-License-Identifier: Apache-2.0
"""Code that a request names by bucket and key: moto's S3 through real clients, and an S3 that misbehaves in every way."""

import base64
import concurrent.futures
import hashlib
import http.client
import io
import json
import os
import pathlib
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import urllib.parse
import urllib.request
import zipfile

import boto3
import pytest
from botocore.auth import S3SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from command import lambent
from conftest import REGION, ROLE, make_client, make_zip
from fake_s3 import FakeS3, answer, error
from guests import host_python_runtime
from moto_server import Moto
from recorded import Case

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "tls"))

import certificates  # noqa: E402

BUCKET = "code-bucket"
CODE = make_zip({"bootstrap*": "#!/bin/sh\n"})
SETTINGS = {"Runtime": "provided.al2023", "Handler": "handler", "Role": ROLE}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI", "AWS_SESSION_TOKEN": "",
        "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent", "AWS_ENDPOINT_URL_S3": ""}
NOBODY = {**KEYS, "AWS_ACCESS_KEY_ID": "", "AWS_SECRET_ACCESS_KEY": ""}
UNZIPPED_MAX = 262144000


@pytest.fixture(scope="module")
def moto():
    server = Moto()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def s3(moto):
    client = boto3.client("s3", endpoint_url=moto.url, region_name=REGION, aws_access_key_id="test", aws_secret_access_key="test")
    client.create_bucket(Bucket=BUCKET)
    return client


@pytest.fixture
def daemon(lambent_factory, moto):
    return lambent_factory("--s3-endpoint", moto.url, env=KEYS)


@pytest.fixture
def fake():
    server = FakeS3()
    yield server
    server.stop()


@pytest.fixture
def hostile(lambent_factory, fake):
    return lambent_factory("--s3-endpoint", fake.url, env=KEYS)


def refused(call, **arguments):
    with pytest.raises(ClientError) as failure:
        call(**arguments)
    response = failure.value.response
    return response["ResponseMetadata"]["HTTPStatusCode"], response["Error"]["Code"], response["Error"]["Message"]


def create(client, key, name="fn", bucket=BUCKET, version=None, **settings):
    code = {"S3Bucket": bucket, "S3Key": key, **({"S3ObjectVersion": version} if version else {})}
    return client.create_function(FunctionName=name, Code=code, **SETTINGS, **settings)


def sha256(data):
    return base64.b64encode(hashlib.sha256(data).digest()).decode()


def wait(client, name="fn", what="function_active_v2"):
    client.get_waiter(what).wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})


def fetched(client, name="fn"):
    with urllib.request.urlopen(client.get_function(FunctionName=name)["Code"]["Location"]) as body:
        return body.read()


def left_over(daemon):
    """Files of the content store that belong to nothing yet."""
    return sorted(path.name for path in (daemon.data_dir / "content" / "tmp").iterdir())


# ---- moto ----

def test_a_function_is_created_and_updated(daemon, s3):
    """With DryRun, Publish and RevisionId as for a ZipFile."""
    client = make_client(daemon.endpoint)
    other = make_zip({"bootstrap*": "#!/bin/sh\nexit 1\n"})
    s3.put_object(Bucket=BUCKET, Key="a b/c+d=é&~$.zip", Body=CODE)
    s3.put_object(Bucket=BUCKET, Key="other.zip", Body=other)
    created = create(client, "a b/c+d=é&~$.zip", Publish=True)
    assert (created["CodeSize"], created["CodeSha256"], created["Version"]) == (len(CODE), sha256(CODE), "1")
    wait(client)
    assert fetched(client) == CODE
    source = {"FunctionName": "fn", "S3Bucket": BUCKET, "S3Key": "other.zip"}
    dry = client.update_function_code(**source, DryRun=True)
    # As for a ZipFile, a dry run shows what there is.
    assert dry["CodeSha256"] == sha256(CODE) == client.get_function_configuration(FunctionName="fn")["CodeSha256"]
    assert refused(client.update_function_code, **source, RevisionId="r")[:2] == (412, "PreconditionFailedException")
    updated = client.update_function_code(**source, Publish=True, RevisionId=dry["RevisionId"])
    assert (updated["CodeSha256"], updated["Version"]) == (sha256(other), "2")
    wait(client, what="function_updated_v2")
    assert fetched(client) == other


def test_a_version_of_an_object(daemon, s3):
    client = make_client(daemon.endpoint)
    s3.create_bucket(Bucket="versioned")
    s3.put_bucket_versioning(Bucket="versioned", VersioningConfiguration={"Status": "Enabled"})
    first = s3.put_object(Bucket="versioned", Key="k", Body=CODE)["VersionId"]
    s3.put_object(Bucket="versioned", Key="k", Body=make_zip({"b": "newer"}))
    assert create(client, "k", bucket="versioned", version=first)["CodeSha256"] == sha256(CODE)
    status, kind, text = refused(create, client=client, key="k", name="other", bucket="versioned", version="none-such")
    assert (status, kind) == (400, "InvalidParameterValueException") and text.startswith("Error occurred while GetObjectVersion. S3 Error Code: ")


def test_a_layer(daemon, s3):
    client = make_client(daemon.endpoint)
    layer = make_zip({"python/lib.py": "x = 1\n"})
    s3.put_object(Bucket=BUCKET, Key="layer.zip", Body=layer)
    published = client.publish_layer_version(LayerName="l", Content={"S3Bucket": BUCKET, "S3Key": "layer.zip"})
    assert (published["Content"]["CodeSize"], published["Content"]["CodeSha256"]) == (len(layer), sha256(layer))
    with urllib.request.urlopen(published["Content"]["Location"]) as body:
        assert body.read() == layer
    missing = {"LayerName": "l", "Content": {"S3Bucket": BUCKET, "S3Key": "none"}}
    assert refused(client.publish_layer_version, **missing)[:2] == (400, "InvalidParameterValueException")
    assert [v["Version"] for v in client.list_layer_versions(LayerName="l")["LayerVersions"]] == [1]


# ---- code that stays in S3 ----

@pytest.fixture(scope="module")
def versioned(s3):
    s3.create_bucket(Bucket="kept")
    s3.put_bucket_versioning(Bucket="kept", VersioningConfiguration={"Status": "Enabled"})

    def put(key, body):
        version = s3.put_object(Bucket="kept", Key=key, Body=body)["VersionId"]
        return {"S3Bucket": "kept", "S3Key": key, "S3ObjectVersion": version}

    return put


def reference(source, *without):
    return {**{name: value for name, value in source.items() if name not in without}, "S3ObjectStorageMode": "REFERENCE"}


def used(client):
    return client.get_account_settings()["AccountUsage"]["TotalCodeSize"]


def test_a_function_whose_code_stays_in_s3(daemon, s3, versioned):
    client = make_client(daemon.endpoint)
    first, second = (make_zip({"app.py": f"def handler(event, context):\n    return {word!r}\n"}) for word in ("first", "second"))
    old, new = versioned("fn.zip", first), versioned("fn.zip", second)

    def resolved(qualifier="$LATEST"):
        code = client.get_function(FunctionName="fn", Qualifier=qualifier)["Code"]
        assert set(code) == {"RepositoryType", "ResolvedS3Object"} and code["RepositoryType"] == "S3"
        return code["ResolvedS3Object"]

    def invoke(qualifier="$LATEST"):
        return json.load(client.invoke(FunctionName="fn", Qualifier=qualifier)["Payload"])

    created = client.create_function(FunctionName="fn", Code=reference(old), Publish=True,
                                     **{**SETTINGS, "Runtime": host_python_runtime(), "Handler": "app.handler"})
    assert (created["CodeSize"], created["CodeSha256"]) == (len(first), sha256(first))
    wait(client)
    assert resolved() == resolved("1") == old and invoke("1") == "first"
    # The newest is meant where none is named, and is remembered.
    client.update_function_code(FunctionName="fn", **reference(new, "S3ObjectVersion"))
    wait(client, what="function_updated_v2")
    assert resolved() == new and resolved("1") == old
    client.update_function_configuration(FunctionName="fn", Description="d")
    wait(client, what="function_updated_v2")
    daemon.stop()
    daemon.start()
    client = make_client(daemon.endpoint)
    assert resolved() == new and resolved("1") == old and used(client) == 0
    # What runs does not need the object.
    for source in (old, new):
        s3.delete_object(Bucket="kept", Key="fn.zip", VersionId=source["S3ObjectVersion"])
    assert (invoke(), invoke("1")) == ("second", "first")
    # Who does not say it again gets a copy; published versions stay what they are.
    client.update_function_code(FunctionName="fn", ZipFile=second)
    wait(client, what="function_updated_v2")
    assert fetched(client) == second and set(client.get_function(FunctionName="fn")["Code"]) == {"RepositoryType", "Location"}
    assert resolved("1") == old and used(client) == len(second)


def test_a_layer_that_stays_in_s3(daemon, versioned, tmp_path):
    client = make_client(daemon.endpoint)
    layer = make_zip({"python/lib.py": "word = 'kept'\n"})
    source = versioned("layer.zip", layer)
    content = {"CodeSha256": sha256(layer), "CodeSize": len(layer), "ResolvedS3Object": source}
    published = client.publish_layer_version(LayerName="l", Content=reference(source, "S3ObjectVersion"))
    arn = published["LayerVersionArn"]
    assert published["Content"] == content
    assert client.get_layer_version(LayerName="l", VersionNumber=1)["Content"] == content
    assert client.get_layer_version_by_arn(Arn=arn)["Content"] == content
    code = make_zip({"app.py": "import lib\ndef handler(event, context):\n    return lib.word\n"})
    client.create_function(FunctionName="fn", Code={"ZipFile": code}, Layers=[arn], Runtime=host_python_runtime(), Handler="app.handler", Role=ROLE)
    wait(client)
    assert json.load(client.invoke(FunctionName="fn")["Payload"]) == "kept"
    assert used(client) == len(code)
    assert "Location" in client.publish_layer_version(LayerName="l", Content=source)["Content"]
    assert used(client) == len(code) + len(layer)
    # An import takes its place as a copy.
    path = tmp_path / "layer.zip"
    path.write_bytes(layer)
    assert lambent("layer", "import", arn, path, "--endpoint", daemon.endpoint).returncode == 0
    assert "ResolvedS3Object" not in client.get_layer_version_by_arn(Arn=arn)["Content"]


def test_a_bucket_without_versions_cannot_be_referenced(daemon, s3):
    client = make_client(daemon.endpoint)
    s3.put_object(Bucket=BUCKET, Key="plain", Body=CODE)
    status, kind, text = refused(client.create_function, FunctionName="fn", Code=reference({"S3Bucket": BUCKET, "S3Key": "plain"}), **SETTINGS)
    assert (status, kind) == (400, "InvalidParameterValueException") and "requires versioning to be enabled on the bucket code-bucket" in text
    assert client.list_functions()["Functions"] == [] and left_over(daemon) == []


def test_which_version_came(hostile, fake):
    """Of an object that is another one when it is asked for again."""
    client = make_client(hostile.endpoint)
    source = reference({"S3Bucket": BUCKET, "S3Key": "k"})
    path = f"/{BUCKET}/k"
    for version in ({}, {"x_amz_version_id": "null"}, {"x_amz_version_id": ""}, {"x_amz_version_id": "v" * 1025}, {"x_amz_version_id": "\u00e9"}):
        fake.paths[path] = answer(200, CODE, **version)
        assert refused(client.create_function, FunctionName="fn", Code=source, **SETTINGS)[:2] == (400, "InvalidParameterValueException")
    fake.requests.clear()
    fake.paths[path] = lambda c, number: c.send(answer(200, CODE, x_amz_version_id=f"v{number}")[:-(number == 1) or None])
    client.create_function(FunctionName="fn", Code=source, **SETTINGS)
    wait(client)
    assert client.get_function(FunctionName="fn")["Code"]["ResolvedS3Object"] == {"S3Bucket": BUCKET, "S3Key": "k", "S3ObjectVersion": "v2"}


# ---- moto, and what AWS answered ----

def test_what_aws_answers_for_what_is_not_there(daemon, s3):
    """[TestLambdaFunction::test_lambda_code_location_s3_errors]"""
    case = Case("TestLambdaFunction::test_lambda_code_location_s3_errors")
    client = make_client(daemon.endpoint)
    s3.put_object(Bucket=BUCKET, Key="there", Body=CODE)
    case.refused("create-error-wrong-bucket", create, client=client, bucket="some-random-non-existent-bucket", key="there")
    case.refused("create-error-wrong-key", create, client=client, key="wrong-key")
    create(client, "there")
    wait(client)
    case.refused("update-error-wrong-bucket", client.update_function_code, FunctionName="fn", S3Bucket="some-random-bucket", S3Key="k")
    case.refused("update-error-wrong-key", client.update_function_code, FunctionName="fn", S3Bucket=BUCKET, S3Key="wrong-key")
    assert not case.rest()


def test_what_aws_answers_for_what_is_there(daemon, s3):
    """[TestLambdaFunction::test_lambda_code_location_s3]"""
    case = Case("TestLambdaFunction::test_lambda_code_location_s3")
    client = make_client(daemon.endpoint)
    recorded = case.answers["create_response_s3"]
    s3.put_object(Bucket=BUCKET, Key="one", Body=make_zip({"handler.py": "1"}))
    s3.put_object(Bucket=BUCKET, Key="two", Body=make_zip({"handler.py": "2"}))
    settings = {"FunctionName": "fn", "Runtime": recorded["Runtime"], "Handler": recorded["Handler"], "Role": ROLE}
    # Masked by its name only.
    case.values["<resource:1>"] = "lambent"
    case.same("create_response_s3", client.create_function(Code={"S3Bucket": BUCKET, "S3Key": "one"}, **settings))
    wait(client)
    case.same("get-function-response", client.get_function(FunctionName="fn"))
    updated = client.update_function_code(FunctionName="fn", S3Bucket=BUCKET, S3Key="two")
    case.same("update-function-response", updated)
    wait(client, what="function_updated_v2")
    got = client.get_function(FunctionName="fn")
    # AWS was asked before its update had ended.
    got["Configuration"].update({key: value for key, value in updated.items() if key.startswith("LastUpdate") or key == "RevisionId"})
    case.same("get-function-response-updated", got)
    assert not case.rest()


@pytest.mark.skipif(not shutil.which("aws"), reason="needs the AWS CLI")
def test_the_aws_cli(daemon, s3, tmp_path):
    env = {**os.environ, "AWS_ENDPOINT_URL_LAMBDA": daemon.endpoint, "AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test",
           "AWS_DEFAULT_REGION": REGION, "AWS_CONFIG_FILE": str(tmp_path / "none"), "AWS_PAGER": ""}

    def aws(*words):
        done = subprocess.run(["aws", "lambda", *words, "--output", "json"], env=env, capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout) if done.stdout.strip() else None

    s3.put_object(Bucket=BUCKET, Key="cli.zip", Body=CODE)
    layer = aws("publish-layer-version", "--layer-name", "l", "--content", f"S3Bucket={BUCKET},S3Key=cli.zip")
    created = aws("create-function", "--function-name", "cli", "--runtime", "provided.al2023", "--handler", "h", "--role", ROLE,
                  "--code", f"S3Bucket={BUCKET},S3Key=cli.zip", "--layers", layer["LayerVersionArn"])
    assert created["CodeSha256"] == sha256(CODE)
    aws("wait", "function-active-v2", "--function-name", "cli")
    updated = aws("update-function-code", "--function-name", "cli", "--s3-bucket", BUCKET, "--s3-key", "cli.zip")
    assert updated["CodeSha256"] == sha256(CODE)


def test_the_upstream_and_the_usual_variable_stand_for_s3(lambent_factory, moto, s3):
    s3.put_object(Bucket=BUCKET, Key="k", Body=CODE)
    for options, env in ((["--upstream", moto.url], NOBODY), ([], {**NOBODY, "AWS_ENDPOINT_URL_S3": moto.url})):
        client = make_client(lambent_factory(*options, env=env).endpoint)
        assert create(client, "k")["CodeSha256"] == sha256(CODE)


def test_without_an_s3_the_refusal_says_what_to_do(lambent_factory):
    client = make_client(lambent_factory(env=NOBODY).endpoint)
    status, kind, text = refused(create, client=client, key="k")
    assert (status, kind) == (501, "NotImplementedException") and "--s3-endpoint" in text
    assert refused(client.publish_layer_version, LayerName="l", Content={"S3Bucket": BUCKET, "S3Key": "k"})[:2] == (status, kind)


def test_a_wrong_endpoint_is_refused_at_the_start():
    for url in ("127.0.0.1:9000", "ftp://host", "http://", "http://host/path", "http://user@host"):
        done = lambent("serve", "--temporary", "--listen", "127.0.0.1:0", "--s3-endpoint", url)
        assert done.returncode == 2 and f'--s3-endpoint: "{url}" is not of the form' in done.stderr


# ---- what is checked before anything is fetched ----

def test_sources_that_contradict_each_other(hostile, fake):
    client = make_client(hostile.endpoint)
    both = {"ZipFile": CODE, "S3Bucket": BUCKET, "S3Key": "k"}
    refusal = (400, "InvalidParameterValueException", "Please do not provide other FunctionCode parameters when providing a ZipFile.")
    assert refused(client.create_function, FunctionName="fn", Code=both, **SETTINGS) == refusal
    half = (400, "InvalidParameterValueException", "S3 Bucket and Key are required for uploading with S3 parameters.")
    for code in ({"S3Bucket": BUCKET}, {"S3Key": "k"}, {"S3ObjectVersion": "v"}):
        assert refused(client.create_function, FunctionName="fn", Code=code, **SETTINGS) == half
    nothing = (400, "InvalidParameterValueException", "Please provide a source for function code.")
    assert refused(client.create_function, FunctionName="fn", Code={}, **SETTINGS) == nothing
    assert refused(client.create_function, FunctionName="fn", Code={"ZipFile": CODE, "S3ObjectStorageMode": "REFERENCE"}, **SETTINGS) == refusal
    fake.paths[f"/{BUCKET}/k"] = answer(200, CODE)
    assert refused(create, client=client, key="k", MemorySize=1)[1] == "ValidationException"
    assert fake.requests == []
    client.create_function(FunctionName="fn", Code={"S3Bucket": BUCKET, "S3Key": "k", "S3ObjectStorageMode": "COPY"}, **SETTINGS)
    wait(client)
    assert refused(client.update_function_code, FunctionName="fn", **both) == refusal
    assert refused(client.update_function_code, FunctionName="fn", S3Bucket=BUCKET) == half
    assert refused(client.update_function_code, FunctionName="fn") == nothing


# ---- the request ----

@pytest.mark.parametrize("token", ["", "a/token+of=some length"])
def test_requests_are_signed(lambent_factory, fake, token):
    """With what botocore computes for the same request."""
    daemon = lambent_factory("--s3-endpoint", fake.url, env={**KEYS, "AWS_SESSION_TOKEN": token})
    path = "/code-bucket/a%20b//c%2Bd/%C3%A9~.zip?versionId=v%2F1%3D"
    fake.paths[path] = answer(200, CODE)
    create(make_client(daemon.endpoint, region="eu-west-1"), "a b//c+d/é~.zip", version="v/1=")
    [(_, sent)] = fake.requests
    request = AWSRequest("GET", fake.url + path, headers={name: value for name, value in sent.items() if name.startswith("x-amz")})
    request.context["timestamp"] = sent["x-amz-date"]
    signer = S3SigV4Auth(Credentials(KEYS["AWS_ACCESS_KEY_ID"], KEYS["AWS_SECRET_ACCESS_KEY"]), "s3", "eu-west-1")
    wanted = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    assert sent["authorization"].endswith(f"Signature={wanted}")
    assert f"Credential=AKIDEXAMPLE/{sent['x-amz-date'][:8]}/eu-west-1/s3/aws4_request" in sent["authorization"]
    assert sent.get("x-amz-security-token", "") == token and sent["host"] == fake.url.partition("//")[2]


def test_credentials_of_the_file(lambent_factory, fake, tmp_path):
    file = tmp_path / "credentials"
    file.write_text("[default]\naws_access_key_id = AKIDDEFAULT\naws_secret_access_key = s\n"
                    "[work]\n# a comment = x\naws_access_key_id=AKIDWORK\r\naws_secret_access_key=t\naws_session_token= u\n")
    fake.paths[f"/{BUCKET}/k"] = answer(200, CODE)
    for profile, key in (("", "AKIDDEFAULT"), ("work", "AKIDWORK")):
        env = {**NOBODY, "AWS_SHARED_CREDENTIALS_FILE": str(file), "AWS_PROFILE": profile}
        create(make_client(lambent_factory("--s3-endpoint", fake.url, env=env).endpoint), "k")
        assert f"Credential={key}/" in fake.requests[-1][1]["authorization"]
        assert fake.requests[-1][1].get("x-amz-security-token") == ("u" if profile else None)
    # Who stands for S3 wants to be asked by somebody, and most do not mind by whom.
    create(make_client(lambent_factory("--s3-endpoint", fake.url, env=NOBODY).endpoint), "k")
    assert "Credential=test/" in fake.requests[-1][1]["authorization"]


# ---- an S3 that fails ----

def test_errors_in_awss_words(hostile, fake):
    client = make_client(hostile.endpoint)
    said = "Error occurred while GetObject. S3 Error Code: {}. S3 Error Message: {}"
    denied = ("Your access has been denied by S3, please make sure your request credentials have permission to GetObject for "
              f"{BUCKET}/{{}}. S3 Error Code: {{}}. S3 Error Message: {{}}")
    there = "The bucket is in this region: eu-west-1. Please use this region to retry the request"
    region = {"x_amz_bucket_region": "eu-west-1"}
    no_s3 = "The answer is not one of S3's."
    invalid, forbidden, service = (400, "InvalidParameterValueException"), (403, "AccessDeniedException"), (500, "ServiceException")
    for key, reply, expected in (
        ("key", error(404, "NoSuchKey", "The specified key does not exist."),
         (*invalid, said.format("NoSuchKey", "The specified key does not exist."))),
        ("marked", error(400, "A&amp;B", "&lt;x&gt; &quot;q&quot;\n&#0;&unknown;"), (*invalid, said.format("A&B", '<x> "q"'))),
        ("denied", error(403, "AccessDenied", "Access Denied"), (*forbidden, denied.format("denied", "AccessDenied", "Access Denied"))),
        ("moved", error(301, "PermanentRedirect", "m", **region), (*invalid, said.format("PermanentRedirect", there))),
        ("malformed", error(400, "AuthorizationHeaderMalformed", "m", **region), (*invalid, said.format("PermanentRedirect", there))),
        ("html", answer(404, b"<html><title>no</title></html>"), (*invalid, said.format("404", no_s3))),
        ("bare", answer(403), (*forbidden, denied.format("bare", "403", no_s3))),
        ("endless-code", error(400, "C" * 5000, "m"), (*invalid, said.format("C" * 1024, "m"))),
        ("not-utf-8", error(400, "C", "m").replace(b"m</M", b"\xff</M"), (*invalid, said.format("C", "\ufffd"))),
        ("partial", answer(206, CODE), (*invalid, said.format("206", no_s3))),
        ("broken", error(501, "NotImplemented", "m"), (*service, said.format("NotImplemented", "m"))),
    ):
        fake.paths[f"/{BUCKET}/{key}"] = reply
        assert refused(create, client=client, key=key) == expected, key
        assert fake.count(f"/{BUCKET}/{key}") == 1, key
    assert client.list_functions()["Functions"] == [] and left_over(hostile) == []


def test_redirects_are_not_followed(hostile, fake):
    fake.paths[f"/{BUCKET}/a"] = answer(307, b"", Location=f"{fake.url}/{BUCKET}/b")
    fake.paths[f"/{BUCKET}/b"] = answer(200, CODE)
    assert refused(create, client=make_client(hostile.endpoint), key="a")[:2] == (400, "InvalidParameterValueException")
    assert fake.count(f"/{BUCKET}/b") == 0


@pytest.mark.parametrize("reply", [
    error(503, "SlowDown", "Please reduce your request rate."),
    error(500, "InternalError", "m"),
    answer(200, CODE)[:-1],
    answer(200, CODE).replace(b"Content-Length", b"X-Length"),
    b"this is no HTTP\r\n\r\n",
    b"",
], ids=["slow-down", "internal", "short", "no-length", "nonsense", "silence"])
def test_what_may_pass_is_tried_again(hostile, fake, reply):
    client = make_client(hostile.endpoint)
    fake.paths[f"/{BUCKET}/once"] = lambda c, number: c.send(reply if number == 1 else answer(200, CODE))
    fake.paths[f"/{BUCKET}/always"] = reply
    assert create(client, "once")["CodeSha256"] == sha256(CODE)
    assert refused(create, client=client, key="always", name="other")[:2] == (500, "ServiceException")
    assert fake.count(f"/{BUCKET}/always") == 4
    assert [f["FunctionName"] for f in client.list_functions()["Functions"]] == ["fn"] and left_over(hostile) == []


def test_broken_off_at_every_byte(hostile, fake):
    """The second attempt is whole, and nothing of the first is in it."""
    client = make_client(hostile.endpoint, max_pool_connections=40)
    whole = answer(200, CODE)

    def cut_at(byte):
        def reply(connection, number):
            connection.send(whole[:byte] if number == 1 else whole)
            if byte % 2 and number == 1:
                connection.cut()
        return reply

    def check(byte):
        fake.paths[f"/{BUCKET}/{byte}"] = cut_at(byte)
        return create(client, str(byte), name=f"fn-{byte}")["CodeSha256"]

    with concurrent.futures.ThreadPoolExecutor(40) as threads:
        assert set(threads.map(check, range(len(whole)))) == {sha256(CODE)}
    assert left_over(hostile) == []


def test_nobody_there(lambent_factory):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    client = make_client(lambent_factory("--s3-endpoint", f"http://127.0.0.1:{port}", env=KEYS).endpoint)
    status, kind, text = refused(create, client=client, key="k")
    assert (status, kind) == (500, "ServiceException") and f"127.0.0.1:{port}: Connection refused" in text


def test_what_is_no_zip(hostile, fake):
    client = make_client(hostile.endpoint)
    broken = (400, "InvalidParameterValueException", "Could not unzip uploaded file. Please check your file, then try to upload again.")
    fake.paths[f"/{BUCKET}/text"] = answer(200, b"this is no zip")
    fake.paths[f"/{BUCKET}/short"] = answer(200, CODE[:-30]) + CODE[-30:]  # more comes than was said
    fake.paths[f"/{BUCKET}/empty"] = answer(200)
    assert refused(create, client=client, key="text") == broken
    assert refused(create, client=client, key="short") == broken
    assert refused(create, client=client, key="empty")[:2] == broken[:2]
    assert client.list_functions()["Functions"] == []


def test_what_is_too_large(hostile, fake):
    """Said beforehand, and found out on the way; a direct upload's 50 MB do not count here."""
    client = make_client(hostile.endpoint)
    too_large = (400, "InvalidParameterValueException", f"Unzipped size must be smaller than {UNZIPPED_MAX} bytes")
    gone = threading.Event()

    def announced(connection, number):
        connection.send(b"HTTP/1.1 200 x\r\nContent-Length: %d\r\n\r\nPK" % (UNZIPPED_MAX + 1))
        connection.wait_gone()
        gone.set()

    def endless(connection, number):
        connection.send(b"HTTP/1.1 200 x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(b"100000\r\n" + bytes(1 << 20) + b"\r\n")

    fake.paths[f"/{BUCKET}/announced"] = announced
    fake.paths[f"/{BUCKET}/endless"] = endless
    assert refused(create, client=client, key="announced") == too_large
    assert gone.wait(30)
    assert refused(create, client=client, key="endless") == too_large
    stored = io.BytesIO()
    with zipfile.ZipFile(stored, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("bootstrap", os.urandom(60 << 20))
    fake.paths[f"/{BUCKET}/large"] = answer(200, stored.getvalue())
    assert create(client, "large")["CodeSize"] == len(stored.getvalue())
    wait(client)
    assert left_over(hostile) == []


def test_endless_errors_are_not_heard_to_the_end(hostile, fake):
    client = make_client(hostile.endpoint)

    def endless(connection, number):
        connection.send(b"HTTP/1.1 404 x\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            connection.send(b"1000\r\n" + b"<Error><Code>NoSuchKey</Code><Message>m</Message>".ljust(4096) + b"\r\n")

    fake.paths[f"/{BUCKET}/k"] = endless
    assert refused(create, client=client, key="k")[:2] == (400, "InvalidParameterValueException")


# ---- TLS, and AWS itself ----

@pytest.fixture(scope="module")
def authority():
    """A folder with an authority's certificate, and one of it for AWS."""
    with tempfile.TemporaryDirectory(prefix="lambent-test-") as name:
        folder = certificates.make(name)
        hosts = ("s3.us-east-1.amazonaws.com", "*.s3.us-east-1.amazonaws.com", "lambda.us-east-1.amazonaws.com", "s3.cn-north-1.amazonaws.com.cn")
        certificates.signed(folder, "aws", names="subjectAltName=" + ",".join(f"DNS:{host}" for host in hosts))
        os.chmod(folder, 0o755)
        yield folder


def test_an_endpoint_with_tls(lambent_factory, authority):
    for certificate, expected in (("good", None), ("expired", "certificate"), ("stranger", "certificate")):
        fake = FakeS3(authority / f"{certificate}.pem")
        fake.paths[f"/{BUCKET}/k"] = answer(200, CODE)
        url = f"https://localhost:{fake.server_address[1]}"
        daemon = lambent_factory("--s3-endpoint", url, env={**KEYS, "AWS_CA_BUNDLE": str(authority / "ca.pem")})
        client = make_client(daemon.endpoint)
        if expected:
            status, kind, text = refused(create, client=client, key="k")
            assert (status, kind) == (500, "ServiceException") and expected in text
            assert fake.requests == []
        else:
            assert create(client, "k")["CodeSha256"] == sha256(CODE)
        fake.stop()


def test_aws_itself(lambent_factory, authority):
    """Behind a proxy that is AWS, which is where its names lead then."""
    layer = "arn:aws:lambda:us-east-1:123456789012:layer:l:1"
    location = {"Location": "https://prod.s3.us-east-1.amazonaws.com/snapshots/l?X-Amz-Signature=s"}
    aws = FakeS3(authority / "aws.pem", proxy=True)
    aws.paths.update({
        "/a/k": answer(200, CODE),
        "/with.dots/k": answer(200, CODE),
        "/k": error(301, "PermanentRedirect", "m", x_amz_bucket_region="eu-west-1"),
        "/2018-10-31/layers?find=LayerVersion&Arn=" + urllib.parse.quote(layer, safe=""): answer(200, json.dumps({"Content": location}).encode()),
        "/snapshots/l?X-Amz-Signature=s": answer(200, CODE),
    })
    env = {**KEYS, "AWS_CA_BUNDLE": str(authority / "ca.pem"), "HTTPS_PROXY": aws.url, "https_proxy": aws.url, "NO_PROXY": "", "no_proxy": ""}
    daemon = lambent_factory("--layers-from-aws", env=env)
    client = make_client(daemon.endpoint)
    create(client, "a/k", Layers=[layer])
    create(client, "k", bucket="with.dots", name="dots")
    create(make_client(daemon.endpoint, region="cn-north-1"), "k", bucket="with.dots")
    assert refused(create, client=client, key="k", bucket="elsewhere", name="other") == (
        400, "InvalidParameterValueException", "Error occurred while GetObject. S3 Error Code: PermanentRedirect. S3 Error Message: "
        "The bucket is in this region: eu-west-1. Please use this region to retry the request")
    end = "us-east-1.amazonaws.com"
    assert [headers["host"] for _, headers in aws.requests] == [
        f"lambda.{end}", f"prod.s3.{end}", f"code-bucket.s3.{end}", f"s3.{end}", "s3.cn-north-1.amazonaws.com.cn", f"elsewhere.s3.{end}"]
    assert aws.connects == [headers["host"] + ":443" for _, headers in aws.requests]
    assert ["authorization" in headers for _, headers in aws.requests] == [True, False, True, True, True, True]
    aws.stop()


# ---- time ----

class Held:
    """Half an object, and the rest when it is let go."""

    def __init__(self):
        self.begun, self.free, self.gone = threading.Event(), threading.Event(), threading.Event()

    def __call__(self, connection, number):
        whole = answer(200, CODE)
        connection.send(whole[:-20])
        self.begun.set()
        if self.free.wait(60):
            connection.send(whole[-20:])
        connection.wait_gone()
        self.gone.set()


def test_a_slow_s3_holds_up_nobody_else(hostile, fake):
    client = make_client(hostile.endpoint)
    held = fake.paths[f"/{BUCKET}/k"] = Held()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        slow = threads.submit(create, client, "k")
        assert held.begun.wait(30)
        client.create_function(FunctionName="quick", Code={"ZipFile": CODE}, **SETTINGS)
        wait(client, "quick")
        # What was taken in the meantime is taken.
        client.create_function(FunctionName="fn", Code={"ZipFile": CODE}, **SETTINGS)
        held.free.set()
        with pytest.raises(ClientError, match="Function already exist: fn"):
            slow.result()


def test_a_client_that_goes_away_leaves_nothing(hostile, fake):
    client = make_client(hostile.endpoint)
    begun, gone = threading.Event(), threading.Event()

    def half(connection, number):
        connection.send(answer(200, CODE)[:-20])
        begun.set()
        connection.wait_gone()
        gone.set()

    fake.paths[f"/{BUCKET}/k"] = half
    body = json.dumps({"FunctionName": "fn", "Code": {"S3Bucket": BUCKET, "S3Key": "k"}, **SETTINGS})
    connection = http.client.HTTPConnection(hostile.endpoint.partition("//")[2])
    connection.request("POST", "/2015-03-31/functions", body)
    assert begun.wait(30)
    connection.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()
    assert gone.wait(30)
    # The store's worker does one thing after the other, so what was to be removed is by then.
    client.create_function(FunctionName="after", Code={"ZipFile": CODE}, **SETTINGS)
    assert [f["FunctionName"] for f in client.list_functions()["Functions"]] == ["after"]
    assert left_over(hostile) == []


def test_a_daemon_that_stops_in_mid_fetch(hostile, fake):
    client = make_client(hostile.endpoint)
    held = fake.paths[f"/{BUCKET}/k"] = Held()
    with concurrent.futures.ThreadPoolExecutor(1) as threads:
        threads.submit(create, client, "k")
        assert held.begun.wait(30)
        hostile.kill()
        held.free.set()
    hostile.start()
    client = make_client(hostile.endpoint)
    assert client.list_functions()["Functions"] == []
    client.create_function(FunctionName="after", Code={"ZipFile": CODE}, **SETTINGS)
    assert left_over(hostile) == []
