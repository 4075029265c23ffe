# SPDX-License-Identifier: Apache-2.0
"""A data dir with no room left: what changes something is refused in AWS's form, what was there stays, and goes on when there is room.

The data dir is a small tmpfs, which takes root to mount.
"""

import functools
import json
import os
import subprocess
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import ROLE, make_client, make_zip
from test_durability import ARN, NAMES, QUEUE, look

from guests import host_python_runtime

MEGABYTE = 1 << 20
SIZE = 48 * MEGABYTE
CODE = "import json\ndef handler(event, context):\n    print('line')\n    return event\n"
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})


@pytest.fixture
def small(tmp_path):
    """A folder with SIZE bytes of room."""
    folder = tmp_path / "small"
    folder.mkdir()
    if os.geteuid() != 0 or subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={SIZE},mode=1777", "lambent-test", folder]).returncode:
        pytest.skip("a tmpfs cannot be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def fill(folder, leave=0):
    """All of the room but `leave` bytes."""
    ballast = folder / "ballast"
    with open(ballast, "ab", buffering=0) as out:
        for piece in (MEGABYTE, 4096):
            try:
                while True:
                    out.write(bytes(piece))
            except OSError:
                pass
        if leave:
            out.truncate(os.fstat(out.fileno()).st_size - leave)
    return ballast


def settle(client, name):
    for waiter in ("function_active_v2", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})


def mutations(daemon, number):
    """Everything that writes, by name."""
    client, iam, logs = clients(daemon.endpoint)
    which = {"FunctionName": NAMES[0]}
    package = make_zip({"app.py": CODE, "ballast": os.urandom(300000)})
    publishers = {"SigningProfileVersionArns": ["arn:aws:signer:us-east-1:000000000000:/signing-profiles/p"]}
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "s3:GetObject", "Resource": "*"}]}
    return {
        "CreateFunction": lambda: client.create_function(FunctionName=f"new{number}", Runtime="provided.al2023", Handler="h", Role=ROLE, Code={"ZipFile": package}),
        "UpdateFunctionCode": lambda: client.update_function_code(**which, ZipFile=package),
        "UpdateFunctionConfiguration": lambda: client.update_function_configuration(**which, Description="x" * 200),
        "PublishVersion": lambda: client.publish_version(**which, Description=str(number)),
        "PublishLayerVersion": lambda: client.publish_layer_version(LayerName="l", Content={"ZipFile": package}),
        "TagResource": lambda: client.tag_resource(Resource=f"{ARN}:{NAMES[0]}", Tags={f"k{number}": "v" * 200}),
        "PutFunctionConcurrency": lambda: client.put_function_concurrency(**which, ReservedConcurrentExecutions=1 + number),
        "CreateAlias": lambda: client.create_alias(**which, Name=f"a{number}", FunctionVersion="1", Description="d" * 200),
        "AddPermission": lambda: client.add_permission(**which, StatementId=f"s{number}", Action="lambda:InvokeFunction", Principal="*"),
        "CreateFunctionUrlConfig": lambda: client.create_function_url_config(**which, AuthType="NONE"),
        "PutFunctionEventInvokeConfig": lambda: client.put_function_event_invoke_config(**which, MaximumRetryAttempts=1),
        "PutFunctionRecursionConfig": lambda: client.put_function_recursion_config(**which, RecursiveLoop="Allow"),
        "PutRuntimeManagementConfig": lambda: client.put_runtime_management_config(**which, UpdateRuntimeOn="FunctionUpdate"),
        "PutProvisionedConcurrencyConfig": lambda: client.put_provisioned_concurrency_config(**which, Qualifier="1", ProvisionedConcurrentExecutions=1),
        "CreateEventSourceMapping": lambda: client.create_event_source_mapping(**which, EventSourceArn=f"{QUEUE}{number}"),
        "CreateCodeSigningConfig": lambda: client.create_code_signing_config(AllowedPublishers=publishers, Description="d" * 200),
        "CreateRole": lambda: iam.create_role(RoleName=f"r{number}", AssumeRolePolicyDocument=TRUST),
        "CreatePolicy": lambda: iam.create_policy(PolicyName=f"p{number}", PolicyDocument=json.dumps(policy)),
        "CreateLogGroup": lambda: logs.create_log_group(logGroupName=f"/group/{number}"),
        "DeleteFunction": lambda: client.delete_function(FunctionName=NAMES[1]),
    }


def everything(daemon):
    client, iam, logs = clients(daemon.endpoint)
    code = client.get_function(FunctionName=NAMES[0])["Code"]["Location"]
    return {
        "functions": sorted(item["FunctionName"] for item in client.list_functions()["Functions"]),
        "configurations": [client.get_function_configuration(FunctionName=name)["RevisionId"] for name in NAMES],
        "seen": [look(client, name) for name in NAMES], "code": urllib.request.urlopen(code).read(),
        "versions": [item["Version"] for item in client.list_versions_by_function(FunctionName=NAMES[0])["Versions"]],
        "layers": client.list_layers()["Layers"], "signing": client.list_code_signing_configs()["CodeSigningConfigs"],
        # Not how many are there already: that goes on by itself.
        "provisioned": [(item["FunctionArn"], item["RequestedProvisionedConcurrentExecutions"]) for item in
                        client.list_provisioned_concurrency_configs(FunctionName=NAMES[0])["ProvisionedConcurrencyConfigs"]],
        "roles": [role["RoleName"] for role in iam.list_roles()["Roles"]], "policies": [item["PolicyName"] for item in iam.list_policies(Scope="Local")["Policies"]],
        "groups": [group["logGroupName"] for group in logs.describe_log_groups(logGroupNamePrefix="/group")["logGroups"]],
    }


def contents(daemon):
    return sorted(str(path) for path in (daemon.data_dir / "content").rglob("*"))


@functools.cache
def clients(endpoint):
    return tuple(make_client(endpoint, service=service) for service in ("lambda", "iam", "logs"))


@pytest.fixture
def daemon(lambent_factory, small):
    daemon = lambent_factory(data_dir=small / "data")
    client = make_client(daemon.endpoint)
    for name in NAMES:
        client.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Role=ROLE, Publish=True,
                               Code={"ZipFile": make_zip({"app.py": CODE})})
        settle(client, name)
    client.update_function_configuration(FunctionName=NAMES[0], Timeout=9)  # so that there is something to publish
    settle(client, NAMES[0])
    return daemon


def refusal(call):
    """(status, code) of the refusal, None when it was done; what says that it is our fault says which."""
    try:
        call()
    except ClientError as error:
        answer = error.response
        assert answer["Error"]["Code"] and answer["Error"]["Message"], answer
        status, code = answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"]
        assert status < 500 or "No space left on device" in answer["Error"]["Message"], answer
        return status, code
    return None


def test_no_room_at_all(daemon, small):
    client = make_client(daemon.endpoint)
    before = everything(daemon)
    ballast = fill(small)
    for name, call in mutations(daemon, 1).items():
        answer = refusal(call)
        assert answer in ((500, "ServiceException"), (500, "InternalFailure")), f"{name}: {answer}"
    assert everything(daemon) == before
    # What needs no room works.
    assert json.load(client.invoke(FunctionName=NAMES[0], Payload=b'{"a": 1}')["Payload"]) == {"a": 1}

    # So does what was there, after a crash, when there is room again.
    ballast.unlink()
    daemon.kill()
    daemon.start()
    assert everything(daemon) == before
    for name, call in mutations(daemon, 2).items():
        assert refusal(call) is None, name
        if name.startswith(("UpdateFunction", "CreateFunction")):
            settle(make_client(daemon.endpoint), NAMES[0])
    assert json.load(make_client(daemon.endpoint).invoke(FunctionName=NAMES[0], Payload=b"[2]")["Payload"]) == [2]


def without_revisions(state):
    return {**state, "configurations": None, "seen": [{**one, "revision": None} for one in state["seen"]]}


@pytest.mark.parametrize("pages", [1, 8, 40, 120])
def test_room_that_runs_out(daemon, small, pages):
    """Some is done and some is refused; what is refused has changed nothing and left nothing."""
    ballast = fill(small, pages * 4096)
    state, files, refused = everything(daemon), contents(daemon), 0
    for number in (1, 2):
        for name, call in mutations(daemon, number).items():
            if name == "DeleteFunction":
                continue
            answer = refusal(call)
            if answer and answer[0] >= 500:
                refused += 1
                assert (everything(daemon), contents(daemon)) == (state, files), name
                continue
            if not answer and name in ("CreateFunction", "UpdateFunctionCode", "UpdateFunctionConfiguration"):
                settle(clients(daemon.endpoint)[0], f"new{number}" if name == "CreateFunction" else NAMES[0])
            state, files = everything(daemon), contents(daemon)
    assert refused

    ballast.unlink()
    daemon.kill()
    daemon.start()
    client = make_client(daemon.endpoint)
    for name in state["functions"]:
        settle(client, name)
    # The end of an update that could not be written is reached once more, with a revision of its own.
    assert without_revisions(everything(daemon)) == without_revisions(state)
    assert refusal(mutations(daemon, 3)["UpdateFunctionCode"]) is None
    settle(client, NAMES[0])
    assert json.load(client.invoke(FunctionName=NAMES[0], Payload=b"[2]")["Payload"]) == [2]


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_start_without_room(daemon, small, end):
    before = everything(daemon)
    fill(small)
    getattr(daemon, end)()
    daemon.start()
    assert everything(daemon) == before
    assert json.load(make_client(daemon.endpoint).invoke(FunctionName=NAMES[0], Payload=b"[3]")["Payload"]) == [3]


def test_the_log_goes_on(daemon, small):
    client, _, logs = clients(daemon.endpoint)

    def invoke(payload):
        answer = client.invoke(FunctionName=NAMES[0], Payload=payload, LogType="Tail")
        return answer["ResponseMetadata"]["RequestId"]

    invoke(b"1")
    ballast = fill(small)
    for _ in range(3):
        invoke(b"2")
    ballast.unlink()
    last = invoke(b"3")
    lines = [event["message"] for event in logs.filter_log_events(logGroupName=f"/aws/lambda/{NAMES[0]}")["events"]]
    assert any(line.startswith(f"REPORT RequestId: {last}") for line in lines)
