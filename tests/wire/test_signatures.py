# SPDX-License-Identifier: Apache-2.0
"""--verify-signatures: SigV4 by botocore's own signers, right and wrong."""

import datetime
import hashlib
import http.client
import json
import subprocess
import urllib.parse
from unittest import mock

import boto3
import pytest
from botocore.auth import SigV4Auth, SigV4QueryAuth
from botocore.awsrequest import AWSRequest
from botocore.config import Config
from botocore.credentials import Credentials
from botocore.exceptions import ClientError
from command import lambent
from conftest import REGION, ROLE
from daemon import binary
from guests import host_python_runtime

KEYS = {"AKIDEXAMPLE": "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY", "123456789012": "secretOfAnAccount"}
NOT_THE_SAME = (
    "The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and "
    "signing method. Consult the service documentation for details.")
FUNCTIONS = "/2015-03-31/functions"


@pytest.fixture(scope="module")
def keys_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("keys") / "credentials"
    path.write_text("# the keys of these tests\n\n" + "".join(f"{key}\t {secret}  # one of them\n" for key, secret in KEYS.items()))
    return path


@pytest.fixture
def daemon(lambent_factory, keys_file):
    return lambent_factory("--verify-signatures", "--credentials", str(keys_file))


def client_of(daemon, service="lambda", key="AKIDEXAMPLE", secret=None, **settings):
    return boto3.client(service, endpoint_url=daemon.endpoint, region_name=REGION, aws_access_key_id=key,
                        aws_secret_access_key=secret or KEYS[key], config=Config(retries={"max_attempts": 0}), **settings)


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def send(daemon, method, target, body=None, headers=None):
    """One raw request: its status, its error's name, its text."""
    connection = http.client.HTTPConnection(urllib.parse.urlsplit(daemon.endpoint).netloc, timeout=30)
    connection.request(method, target, body, headers or {})
    answer = connection.getresponse()
    text = answer.read().decode()
    connection.close()
    name = answer.headers.get("x-amzn-ErrorType")
    return answer.status, name, json.loads(text).get("message") if name else text


def signed(daemon, method, target, body=b"", skew=None, signer=SigV4Auth, headers=None, service="lambda"):
    """(target, body, headers) as botocore signs them; skew: how far the signer's clock is off."""
    request = AWSRequest(method, daemon.endpoint + target, data=body, headers=headers or {})
    auth = signer(Credentials("AKIDEXAMPLE", KEYS["AKIDEXAMPLE"]), service, REGION)

    def clock(remove_tzinfo=False):
        now = datetime.datetime.now(datetime.timezone.utc) + (skew or datetime.timedelta())
        return now.replace(tzinfo=None) if remove_tzinfo else now

    with mock.patch("botocore.auth.get_current_datetime", clock):
        auth.add_auth(request)
    prepared = request.prepare()
    url = urllib.parse.urlsplit(prepared.url)
    return url.path + ("?" + url.query if url.query else ""), body, dict(prepared.headers.items())


def test_signed_clients_do_everything(daemon, zip_of, unique_name):
    client = client_of(daemon)
    name = unique_name("signed")
    code = zip_of({"bootstrap*": '#!/bin/sh\nexit 1\n', "data": "x" * 300000})
    client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Code={"ZipFile": code},
                           Tags={"a key": "ünïcode/+="})
    client.get_waiter("function_active_v2").wait(FunctionName=name)
    arn = f"arn:aws:lambda:{REGION}:000000000000:function:{name}"
    assert client.get_function(FunctionName=arn)["Tags"] == {"a key": "ünïcode/+="}
    client.untag_resource(Resource=arn, TagKeys=["a key", "b+c /=é"])
    assert [f["FunctionName"] for f in client.list_functions(MaxItems=50)["Functions"]] == [name]
    assert client.invoke(FunctionName=name, Payload=b'{"x": 1}', InvocationType="DryRun")["StatusCode"] == 204
    client.delete_function(FunctionName=name)
    assert client_of(daemon, "sts", "123456789012").get_caller_identity()["Account"] == "123456789012"
    assert client_of(daemon, "logs").describe_log_groups()["logGroups"] == []
    assert client_of(daemon, "iam").list_roles(PathPrefix="/a b/".replace(" ", "+"))["Roles"] == []


@pytest.mark.parametrize("service, call, codes", [
    ("lambda", "list_functions", ("UnrecognizedClientException", "InvalidSignatureException")),
    ("logs", "describe_log_groups", ("UnrecognizedClientException", "InvalidSignatureException")),
    ("iam", "list_roles", ("InvalidClientTokenId", "SignatureDoesNotMatch")),
    ("sts", "get_caller_identity", ("InvalidClientTokenId", "SignatureDoesNotMatch")),
])
def test_unknown_keys_and_wrong_secrets(daemon, service, call, codes):
    unknown = client_of(daemon, service, "AKIDNOBODY", "x")
    assert refused(getattr(unknown, call)) == (403, codes[0], "The security token included in the request is invalid.")
    wrong = client_of(daemon, service, secret="not the secret")
    assert refused(getattr(wrong, call)) == (403, codes[1], NOT_THE_SAME)


def test_nothing_wrongly_signed_has_an_effect(daemon, zip_of, unique_name):
    name, code = unique_name(), {"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})}
    wrong = client_of(daemon, secret="not the secret")
    assert refused(wrong.create_function, FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Code=code)[1] == (
        "InvalidSignatureException")
    assert client_of(daemon).list_functions()["Functions"] == []
    role = {"RoleName": "r", "AssumeRolePolicyDocument": "{}"}
    assert refused(client_of(daemon, "iam", secret="not the secret").create_role, **role)[1] == "SignatureDoesNotMatch"


def test_unsigned_requests(daemon):
    assert send(daemon, "GET", FUNCTIONS) == (403, "MissingAuthenticationTokenException", "Missing Authentication Token")
    assert send(daemon, "GET", FUNCTIONS, headers={"Authorization": "Basic eDp5"})[:2] == (403, "IncompleteSignatureException")
    status, name, text = send(daemon, "GET", FUNCTIONS, headers={"Authorization": "AWS4-HMAC-SHA256 Credential=A/20200101/r/lambda/aws4_request"})
    assert (status, name) == (403, "IncompleteSignatureException")
    assert text == (
        "Authorization header requires 'Signature' parameter. Authorization header requires 'SignedHeaders' parameter. "
        "Authorization header requires existence of either a 'X-Amz-Date' or a 'Date' header. Authorization=AWS4-HMAC-SHA256")
    # What is lambent's own and not AWS's.
    assert send(daemon, "GET", "/_lambent/health")[0] == 200


def test_headers_and_query_by_botocores_signer(daemon):
    assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS))[0] == 200
    assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS + "?MaxItems=5&FunctionVersion=ALL"))[0] == 200
    spaced = {"X-Amz-Meta": "  many   blanks  here "}
    assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, headers=spaced))[0] == 200
    assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, signer=SigV4QueryAuth))[0] == 200
    target, body, headers = signed(daemon, "GET", FUNCTIONS, signer=SigV4QueryAuth)
    assert send(daemon, "GET", target + "&MaxItems=1", body, headers)[:2] == (403, "InvalidSignatureException")


def test_a_body_that_was_changed(daemon):
    target, body, headers = signed(daemon, "POST", FUNCTIONS, b'{"FunctionName": "a"}')
    assert send(daemon, "POST", target, body, headers)[:2] == (400, "ValidationException")
    assert send(daemon, "POST", target, body.replace(b"a", b"b"), headers) == (403, "InvalidSignatureException", NOT_THE_SAME)
    said = {"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()}
    target, body, headers = signed(daemon, "POST", FUNCTIONS, body, headers=said)
    assert send(daemon, "POST", target, body, headers)[:2] == (400, "ValidationException")
    assert send(daemon, "POST", target, body.replace(b"a", b"b"), headers) == (403, "InvalidSignatureException", NOT_THE_SAME)


def test_bodies_that_are_not_covered(daemon):
    unsigned = {"X-Amz-Content-SHA256": "UNSIGNED-PAYLOAD"}
    target, body, headers = signed(daemon, "POST", FUNCTIONS, b'{"FunctionName": "a"}', headers=unsigned)
    assert send(daemon, "POST", target, body.replace(b"a", b"b"), headers)[:2] == (400, "ValidationException")
    streaming = {"X-Amz-Content-SHA256": "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"}
    status, name, text = send(daemon, "POST", *signed(daemon, "POST", FUNCTIONS, b"{}", headers=streaming))
    assert (status, name) == (501, "NotImplemented") and "signed in pieces" in text


def test_clocks_that_are_off(daemon):
    minute = datetime.timedelta(minutes=1)
    for skew in (-14 * minute, 14 * minute):
        assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, skew=skew))[0] == 200
    status, name, text = send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, skew=-16 * minute))
    assert (status, name) == (403, "InvalidSignatureException")
    assert text.startswith("Signature expired: ") and " is now earlier than " in text and text.endswith(" - 15 min.)")
    status, name, text = send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, skew=16 * minute))
    assert (status, name) == (403, "InvalidSignatureException")
    assert text.startswith("Signature not yet current: ") and " is still later than " in text and text.endswith(" + 15 min.)")
    # A presigned one holds as long as it says: an hour, by botocore's default.
    assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, skew=-50 * minute, signer=SigV4QueryAuth))[0] == 200
    assert send(daemon, "GET", *signed(daemon, "GET", FUNCTIONS, skew=-70 * minute, signer=SigV4QueryAuth))[:2] == (
        403, "InvalidSignatureException")


def test_what_must_be_signed(daemon):
    target, body, headers = signed(daemon, "GET", FUNCTIONS)
    authorization = headers["Authorization"].replace("host;", "")
    assert send(daemon, "GET", target, body, {**headers, "Authorization": authorization})[1:] == (
        "InvalidSignatureException", "'Host' or ':authority' must be a 'SignedHeader' in the AWS Authorization.")
    assert send(daemon, "GET", target, body, {**headers, "X-Amz-Target": "x.y"})[1:] == (
        "InvalidSignatureException", "'x-amz-target' must be a 'SignedHeader' in the AWS Authorization.")
    authorization = headers["Authorization"].replace("aws4_request", "aws5_request")
    assert send(daemon, "GET", target, body, {**headers, "Authorization": authorization})[1] == "InvalidSignatureException"


def test_sessions_are_checked_too(daemon):
    iam, sts = client_of(daemon, "iam"), client_of(daemon, "sts")
    trust = {"Statement": {"Effect": "Allow", "Principal": "*", "Action": "sts:AssumeRole"}}
    role = iam.create_role(RoleName="r", AssumeRolePolicyDocument=json.dumps(trust))["Role"]
    keys = sts.assume_role(RoleArn=role["Arn"], RoleSessionName="me")["Credentials"]
    token = {"aws_session_token": keys["SessionToken"]}
    assert client_of(daemon, "lambda", keys["AccessKeyId"], keys["SecretAccessKey"], **token).list_functions()["Functions"] == []
    assert client_of(daemon, "sts", keys["AccessKeyId"], keys["SecretAccessKey"], **token).get_caller_identity()["Arn"].endswith("/r/me")
    assert refused(client_of(daemon, "lambda", keys["AccessKeyId"], "x", **token).list_functions)[1] == "InvalidSignatureException"
    assert refused(client_of(daemon, "lambda", keys["AccessKeyId"], keys["SecretAccessKey"]).list_functions)[1] == (
        "UnrecognizedClientException")


def test_functions_call_through_their_own_listener(daemon, zip_of, unique_name):
    source = (
        "import os, urllib.request\n"
        "def handler(event, context):\n"
        "    url = os.environ['AWS_ENDPOINT_URL_LAMBDA'] + '/2015-03-31/functions'\n"
        "    return urllib.request.urlopen(url).status\n"
    )
    client, name = client_of(daemon), unique_name()
    client.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Role=ROLE,
                           Code={"ZipFile": zip_of({"app.py": source})})
    client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
    assert json.load(client.invoke(FunctionName=name)["Payload"]) == 200
    client.delete_function(FunctionName=name)


def test_our_own_commands_sign(daemon):
    keys = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": KEYS["AKIDEXAMPLE"], "AWS_REGION": REGION}
    done = lambent("functions", "--json", "--endpoint", daemon.endpoint, env=keys)
    assert (done.returncode, json.loads(done.stdout)) == (0, [])
    done = lambent("functions", "--endpoint", daemon.endpoint, env={**keys, "AWS_SECRET_ACCESS_KEY": "other"})
    assert done.returncode == 1 and "InvalidSignatureException" in done.stderr
    assert "MissingAuthenticationTokenException" in lambent("functions", "--endpoint", daemon.endpoint).stderr


@pytest.mark.parametrize("options, content, words", [
    (["--verify-signatures"], "", "say --credentials FILE"),
    (["--verify-signatures", "--credentials", "FILE"], "AKID\n", "line 1"),
    (["--verify-signatures", "--credentials", "FILE"], "A b\nA c\n", "line 2"),
    (["--verify-signatures", "--credentials", "/nowhere/at/all"], "", "cannot read the credentials in /nowhere/at/all"),
])
def test_options_that_do_not_fit(tmp_path, options, content, words):
    (tmp_path / "keys").write_text(content)
    options = [str(tmp_path / "keys") if option == "FILE" else option for option in options]
    done = subprocess.run([binary(), "serve", "--temporary", "--listen", "127.0.0.1:0", *options], capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and words in done.stderr
