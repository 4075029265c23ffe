# SPDX-License-Identifier: Apache-2.0
"""The daemon killed at exactly its nth write to the database, amid two hundred changes of every kind that is kept.

strace does it: it counts the loop's and the worker's pwrite64 and sends SIGKILL with the nth, which has then been made or not.
"""

import json
import random
import re
import shutil
import signal
import sqlite3
import subprocess
import threading
import urllib.request

import pytest
from botocore.exceptions import BotoCoreError, ClientError
from conftest import ROLE, make_client, make_zip

ACCOUNT = "000000000000"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"
PUBLISHERS = {"SigningProfileVersionArns": [f"arn:aws:signer:us-east-1:{ACCOUNT}:/signing-profiles/p"]}
TRUST = json.dumps({"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]})
PACKAGES = [make_zip({"bootstrap*": "#!/bin/sh\n", "which": str(number)}) for number in range(3)]
NAMES = ("one-f", "two-f")
CHANGES = 200


def policy(number, resource="*", **more):
    return json.dumps({"Version": "2012-10-17", "Statement": [{"Sid": f"s{number}", "Effect": "Allow", "Action": "lambda:InvokeFunction", "Resource": resource, **more}]})


def kind_of(word):
    return re.sub(r"[-/]\d$", "", word)


class Changes:
    """step() makes one change, drawn from the seed; target is a word that all of its rows have."""

    def __init__(self, endpoint, seed):
        self.client, self.iam, self.logs = (make_client(endpoint, service=service) for service in ("lambda", "iam", "logs"))
        self.random, self.target, self.made = random.Random(seed), None, set()

    def settle(self, name):
        for waiter in ("function_active_v2", "function_updated_v2"):
            self.client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})

    def kinds(self, name, number):
        client, iam, logs, which = self.client, self.iam, self.logs, {"FunctionName": name}
        few, code = number % 5, {"ZipFile": PACKAGES[number % 3]}
        role, managed, group = f"role-{few}", f"arn:aws:iam::{ACCOUNT}:policy/policy-{few}", f"/group/{few}"
        mappings = lambda: client.list_event_source_mappings(**which)["EventSourceMappings"][0]["UUID"]  # noqa: E731
        signing = lambda: client.list_code_signing_configs()["CodeSigningConfigs"][0]["CodeSigningConfigArn"]  # noqa: E731
        version = lambda: client.list_layer_versions(LayerName="layer-l")["LayerVersions"][0]["Version"]  # noqa: E731
        return {
            "function": (
                lambda: client.create_function(FunctionName=f"{name}-{few}", Runtime="provided.al2023", Handler="h", Role=ROLE, Code=code),
                lambda: client.delete_function(FunctionName=f"{name}-{few}"),
                lambda: client.update_function_code(**which, **code), lambda: client.update_function_configuration(**which, Timeout=1 + number % 900),
                lambda: client.publish_version(**which), lambda: client.delete_function(**which, Qualifier=str(2 + number % 20)),
                lambda: client.tag_resource(Resource=f"{ARN}:function:{name}", Tags={f"k{few}": str(number)}),
                lambda: client.untag_resource(Resource=f"{ARN}:function:{name}", TagKeys=[f"k{few}"]),
                lambda: client.put_function_concurrency(**which, ReservedConcurrentExecutions=number % 400),
                lambda: client.delete_function_concurrency(**which),
                lambda: client.create_alias(**which, Name=f"a{few}", FunctionVersion="1"),
                lambda: client.update_alias(**which, Name=f"a{few}", Description=str(number)), lambda: client.delete_alias(**which, Name=f"a{few}"),
                lambda: client.add_permission(**which, StatementId=f"s{few}", Action="lambda:InvokeFunction", Principal="*"),
                lambda: client.remove_permission(**which, StatementId=f"s{few}"),
                lambda: client.put_resource_policy(ResourceArn=f"{ARN}:function:{name}", Policy=policy(number, f"{ARN}:function:{name}", Principal={"AWS": ACCOUNT})),
                lambda: client.delete_resource_policy(ResourceArn=f"{ARN}:function:{name}"),
                lambda: client.put_provisioned_concurrency_config(**which, Qualifier="1", ProvisionedConcurrentExecutions=1),
                lambda: client.delete_provisioned_concurrency_config(**which, Qualifier="1"),
                lambda: client.create_function_url_config(**which, AuthType="NONE"), lambda: client.update_function_url_config(**which, AuthType="AWS_IAM"),
                lambda: client.delete_function_url_config(**which),
                lambda: client.put_function_event_invoke_config(**which, MaximumRetryAttempts=number % 3),
                lambda: client.update_function_event_invoke_config(**which, MaximumEventAgeInSeconds=60 + number),
                lambda: client.delete_function_event_invoke_config(**which),
                lambda: client.put_function_recursion_config(**which, RecursiveLoop=("Allow", "Terminate")[number % 2]),
                lambda: client.put_runtime_management_config(**which, UpdateRuntimeOn=("FunctionUpdate", "Auto")[number % 2]),
                lambda: client.create_event_source_mapping(**which, EventSourceArn=f"{QUEUE}{number}", BatchSize=1 + number % 10),
                lambda: client.update_event_source_mapping(UUID=mappings(), BatchSize=1 + number % 10),
                lambda: client.delete_event_source_mapping(UUID=mappings()),
                lambda: client.put_function_code_signing_config(**which, CodeSigningConfigArn=signing()),
                lambda: client.delete_function_code_signing_config(**which),
            ),
            "layer-l": (
                lambda: client.publish_layer_version(LayerName="layer-l", Content=code, Description=str(number)),
                lambda: client.delete_layer_version(LayerName="layer-l", VersionNumber=version()),
                lambda: client.add_layer_version_permission(LayerName="layer-l", VersionNumber=version(), StatementId=f"s{few}", Principal="*",
                                                            Action="lambda:GetLayerVersion"),
                lambda: client.remove_layer_version_permission(LayerName="layer-l", VersionNumber=version(), StatementId=f"s{few}"),
            ),
            "csc-": (
                lambda: client.create_code_signing_config(AllowedPublishers=PUBLISHERS, Description=str(number)),
                lambda: client.update_code_signing_config(CodeSigningConfigArn=signing(), Description=str(number)),
                lambda: client.delete_code_signing_config(CodeSigningConfigArn=signing()),
            ),
            role: (
                lambda: iam.create_role(RoleName=role, AssumeRolePolicyDocument=TRUST), lambda: iam.update_role(RoleName=role, Description=str(number)),
                lambda: iam.tag_role(RoleName=role, Tags=[{"Key": "k", "Value": str(number)}]), lambda: iam.untag_role(RoleName=role, TagKeys=["k"]),
                lambda: iam.put_role_policy(RoleName=role, PolicyName=f"p{number % 3}", PolicyDocument=policy(number)),
                lambda: iam.delete_role_policy(RoleName=role, PolicyName=f"p{number % 3}"),
                lambda: iam.attach_role_policy(RoleName=role, PolicyArn=managed), lambda: iam.detach_role_policy(RoleName=role, PolicyArn=managed),
                lambda: iam.delete_role(RoleName=role),
            ),
            f"policy-{few}": (
                lambda: iam.create_policy(PolicyName=f"policy-{few}", PolicyDocument=policy(number)),
                lambda: iam.create_policy_version(PolicyArn=managed, PolicyDocument=policy(number), SetAsDefault=True),
                lambda: iam.delete_policy(PolicyArn=managed),
            ),
            group: (
                lambda: logs.create_log_group(logGroupName=group), lambda: logs.put_retention_policy(logGroupName=group, retentionInDays=7),
                lambda: logs.tag_resource(resourceArn=f"arn:aws:logs:us-east-1:{ACCOUNT}:log-group:{group}", tags={"k": str(number)}),
                lambda: logs.delete_retention_policy(logGroupName=group), lambda: logs.delete_log_group(logGroupName=group),
            ),
        }

    def step(self):
        name, number = self.random.choice(NAMES), self.random.randrange(1000)
        # Half of all changes are of functions, which have half of all kinds.
        kinds = self.kinds(name, number)
        word = self.random.choice(["function"] * (len(kinds) - 1) + [other for other in kinds if other != "function"])
        which = self.random.randrange(len(kinds[word]))
        self.target = name if word == "function" else word
        try:
            kinds[word][which]()
            self.made.add((kind_of(word), which))
        except (ClientError, IndexError) as error:  # the one that it would change is not there
            assert isinstance(error, IndexError) or error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
        if word == "function":
            for changed in (name, f"{name}-{number % 5}"):
                try:
                    self.settle(changed)
                except ClientError:
                    pass
                except Exception as error:
                    if "ResourceNotFound" not in str(error):
                        raise


def rows(data_dir):
    """All that the database holds."""
    [path] = data_dir.glob("*.db")
    connection = sqlite3.connect(f"file:{path}?mode=ro", uri=True)
    try:
        tables = [name for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'sqlite_%'")]
        return {(table, repr(row)) for table in tables for row in connection.execute(f"SELECT * FROM {table}")}
    finally:
        connection.close()


@pytest.fixture
def kill_at(request):
    """kill_at(pid, n): SIGKILL with the nth pwrite64 from now on, of any of its threads."""
    started = []

    def start(pid, nth):
        if not shutil.which("strace"):
            pytest.skip("strace is not installed")
        tracer = subprocess.Popen(["strace", "-f", "-p", str(pid), "-e", "trace=pwrite64", "-e", f"inject=pwrite64:signal=SIGKILL:when={nth}"],
                                  stderr=subprocess.PIPE, text=True)
        started.append(tracer)
        said = ""
        for line in tracer.stderr:
            said += line
            if "attached" in line:
                break
        else:
            pytest.skip(f"strace cannot attach here: {said}")
        threading.Thread(target=tracer.stderr.read, daemon=True).start()
        return tracer

    yield start
    for tracer in started:
        tracer.kill()
        tracer.wait()
        tracer.stderr.close()


@pytest.mark.parametrize("nth", [1, 2, 3, 5, 9, 20, 60, 140, 280])
def test_killed_at_the_nth_write(lambent_factory, kill_at, nth):
    daemon = lambent_factory()
    changes = Changes(daemon.endpoint, nth)
    for name in NAMES:
        changes.client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Publish=True, Code={"ZipFile": PACKAGES[0]})
        changes.settle(name)
    kill_at(daemon.pid, nth)
    last, killed = rows(daemon.data_dir), False
    for _ in range(CHANGES):
        try:
            changes.step()
        except (BotoCoreError, ConnectionError):
            killed = True
            break
        last = rows(daemon.data_dir)
    assert killed, "so many writes were not made"
    assert daemon.process.wait(30) == -signal.SIGKILL
    daemon.kill()  # what is left of it
    # The change that was under way is there or not; all others are as they were.
    for table, row in rows(daemon.data_dir) ^ last:
        assert changes.target in row, f"{table}: {row}, but it was {changes.target} that was changed"

    daemon.start()
    changes = Changes(daemon.endpoint, -nth)
    for page in changes.client.get_paginator("list_functions").paginate():
        for item in page["Functions"]:
            changes.settle(item["FunctionName"])
            code = changes.client.get_function(FunctionName=item["FunctionName"])["Code"]["Location"]
            assert urllib.request.urlopen(code).read() in PACKAGES
    for _ in range(20):
        changes.step()


def test_every_kind_is_drawn(lambent_factory):
    """Two hundred changes without a kill, again and again until each kind was made: one that is always refused would be no test."""
    daemon = lambent_factory()
    changes = Changes(daemon.endpoint, 0)
    for name in NAMES:
        changes.client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Publish=True, Code={"ZipFile": PACKAGES[0]})
        changes.settle(name)
    wanted = {(kind_of(word), number) for word, kinds in changes.kinds(NAMES[0], 0).items() for number in range(len(kinds))}
    for _ in range(10 * CHANGES):
        changes.step()
        if changes.made >= wanted:
            return
    assert changes.made >= wanted, wanted - changes.made
