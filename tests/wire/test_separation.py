# SPDX-License-Identifier: Apache-2.0
"""The same names in two accounts and two regions: every kind of resource is there four times, and each shows its own."""

import json
import shutil
import urllib.request

import pytest
from botocore.exceptions import ClientError
from conftest import make_client
from guests import host_python_runtime

WORLDS = [(account, region) for account in ("111122223333", "444455556666") for region in ("us-east-1", "eu-central-1")]
SOURCE = """def handler(event, context):
    print("this is", event)
    return [event, context.invoked_function_arn]
"""
NAME = "same-name"


class World:
    """One account and region, with everything called by the same names and told apart by a mark."""

    def __init__(self, daemon, account, region, zip_of):
        self.account, self.region, self.mark = account, region, f"{account}/{region}"
        self.client = make_client(daemon.endpoint, region=region, access_key=account)
        self.logs = make_client(daemon.endpoint, service="logs", region=region, access_key=account)
        self.iam = make_client(daemon.endpoint, service="iam", region=region, access_key=account)
        self.arn = f"arn:aws:lambda:{region}:{account}"
        self.zip_of = zip_of

    @property
    def number(self):
        return WORLDS.index((self.account, self.region)) + 1

    def wait(self, **qualifier):
        waiter = self.client.get_waiter("published_version_active" if qualifier else "function_active_v2")
        waiter.wait(FunctionName=NAME, **qualifier, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})

    def make(self):
        client, number = self.client, self.number
        role = f"arn:aws:iam::{self.account}:role/r"
        layer = client.publish_layer_version(LayerName=NAME, Description=self.mark, Content={"ZipFile": self.zip_of({"l": self.mark})})
        client.add_layer_version_permission(LayerName=NAME, VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion",
                                            Principal=f"{number:012}")
        signing = client.create_code_signing_config(Description=self.mark, AllowedPublishers={
            "SigningProfileVersionArns": [f"arn:aws:signer:{self.region}:{self.account}:/signing-profiles/p"]})
        self.signing = signing["CodeSigningConfig"]["CodeSigningConfigArn"]
        provider = client.create_capacity_provider(CapacityProviderName=NAME, Tags={"mark": self.mark}, VpcConfig={
            "SubnetIds": [f"subnet-{number}"], "SecurityGroupIds": []}, PermissionsConfig={"CapacityProviderOperatorRoleArn": role})
        client.create_function(FunctionName=NAME, Runtime=host_python_runtime(), Handler="app.handler", Role=role, Description=self.mark,
                               Tags={"mark": self.mark}, Publish=True, Code={"ZipFile": self.zip_of({"app.py": SOURCE})},
                               Layers=[layer["LayerVersionArn"]], CodeSigningConfigArn=self.signing)
        client.create_function(FunctionName=f"{NAME}-instances", Runtime="provided.al2023", Handler="h", Role=role, Publish=True,
                               Code={"ZipFile": self.zip_of({"bootstrap*": "#!/bin/sh\n"})}, CapacityProviderConfig={
                                   "LambdaManagedInstancesCapacityProviderConfig": {"CapacityProviderArn": provider["CapacityProvider"]["CapacityProviderArn"]}})
        client.put_function_scaling_config(FunctionName=f"{NAME}-instances", Qualifier="1", FunctionScalingConfig={"MaxExecutionEnvironments": number})
        self.wait()
        self.wait(Qualifier="1")
        client.create_alias(FunctionName=NAME, Name="live", FunctionVersion="1", Description=self.mark)
        client.put_function_concurrency(FunctionName=NAME, ReservedConcurrentExecutions=10 * number)
        client.put_provisioned_concurrency_config(FunctionName=NAME, Qualifier="live", ProvisionedConcurrentExecutions=1)
        client.create_function_url_config(FunctionName=NAME, AuthType="NONE", Cors={"MaxAge": number})
        client.put_function_event_invoke_config(FunctionName=NAME, MaximumEventAgeInSeconds=60 * number)
        client.add_permission(FunctionName=NAME, StatementId="s", Action="lambda:InvokeFunction", Principal=f"{number:012}")
        client.put_function_recursion_config(FunctionName=NAME, RecursiveLoop="Allow" if number % 2 else "Terminate")
        client.put_runtime_management_config(FunctionName=NAME, UpdateRuntimeOn="Auto" if number % 2 else "FunctionUpdate")
        self.mapping = client.create_event_source_mapping(FunctionName=NAME, BatchSize=number, Tags={"mark": self.mark},
                                                          EventSourceArn=f"arn:aws:sqs:{self.region}:{self.account}:{NAME}")["UUID"]
        self.logs.create_log_group(logGroupName=f"/{NAME}", tags={"mark": self.mark})
        if self.region == WORLDS[0][1]:  # of an account, in no region
            self.iam.create_role(RoleName=NAME, Description=self.account, AssumeRolePolicyDocument=json.dumps({
                "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Principal": {"Service": "lambda.amazonaws.com"}, "Action": "sts:AssumeRole"}]}))
        self.invoked = json.load(client.invoke(FunctionName=NAME, Payload=json.dumps(self.mark))["Payload"])

    def see(self):
        """Everything there is, as this world sees it; what must differ is the mark."""
        client, group = self.client, f"/aws/lambda/{NAME}"
        got = client.get_function(FunctionName=NAME)
        events = self.logs.filter_log_events(logGroupName=group)["events"]
        return {
            "functions": [item["FunctionArn"] for item in client.list_functions()["Functions"]],
            "description": got["Configuration"]["Description"], "tags": got["Tags"], "concurrency": got["Concurrency"],
            "arn": got["Configuration"]["FunctionArn"], "layers": [item["Arn"] for item in got["Configuration"]["Layers"]],
            "versions": [item["FunctionArn"] for item in client.list_versions_by_function(FunctionName=NAME)["Versions"]],
            "aliases": [(item["AliasArn"], item["Description"]) for item in client.list_aliases(FunctionName=NAME)["Aliases"]],
            "provisioned": [item["FunctionArn"] for item in client.list_provisioned_concurrency_configs(FunctionName=NAME)["ProvisionedConcurrencyConfigs"]],
            "url": client.get_function_url_config(FunctionName=NAME)["Cors"],
            "urls": [item["FunctionArn"] for item in client.list_function_url_configs(FunctionName=NAME)["FunctionUrlConfigs"]],
            "event invoke": client.get_function_event_invoke_config(FunctionName=NAME)["MaximumEventAgeInSeconds"],
            "policy": [item["Principal"]["AWS"] for item in json.loads(client.get_policy(FunctionName=NAME)["Policy"])["Statement"]],
            "recursion": client.get_function_recursion_config(FunctionName=NAME)["RecursiveLoop"],
            "runtime": client.get_runtime_management_config(FunctionName=NAME)["UpdateRuntimeOn"],
            "mappings": [(item["BatchSize"], item["FunctionArn"]) for item in client.list_event_source_mappings()["EventSourceMappings"]],
            "signing": [item["Description"] for item in client.list_code_signing_configs()["CodeSigningConfigs"]],
            "signed": client.get_function_code_signing_config(FunctionName=NAME)["CodeSigningConfigArn"],
            "signed by": client.list_functions_by_code_signing_config(CodeSigningConfigArn=self.signing)["FunctionArns"],
            "layer": [(item["LayerVersionArn"], item["Description"]) for item in client.list_layer_versions(LayerName=NAME)["LayerVersions"]],
            "all layers": [item["LayerArn"] for item in client.list_layers()["Layers"]],
            "layer policy": [item["Principal"]["AWS"] for item in json.loads(
                client.get_layer_version_policy(LayerName=NAME, VersionNumber=1)["Policy"])["Statement"]],
            "providers": [(item["CapacityProviderArn"], item["VpcConfig"]["SubnetIds"]) for item in client.list_capacity_providers()["CapacityProviders"]],
            "provider's": [item["FunctionArn"] for item in client.list_function_versions_by_capacity_provider(CapacityProviderName=NAME)["FunctionVersions"]],
            "provider's tags": client.list_tags(Resource=f"{self.arn}:capacity-provider:{NAME}")["Tags"],
            "mapping's tags": client.list_tags(Resource=f"{self.arn}:event-source-mapping:{self.mapping}")["Tags"],
            "scaling": client.get_function_scaling_config(FunctionName=f"{NAME}-instances", Qualifier="1")["RequestedFunctionScalingConfig"],
            "account": client.get_account_settings()["AccountUsage"]["FunctionCount"],
            "unreserved": client.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"],
            "groups": {item["logGroupName"]: item["logGroupArn"] for item in self.logs.describe_log_groups()["logGroups"]},
            "group's tags": self.logs.list_tags_log_group(logGroupName=f"/{NAME}")["tags"],
            "said": [item["message"].strip() for item in events if "this is" in item["message"]],
            "roles": [item["Description"] for item in self.iam.list_roles()["Roles"]],
            "invoked": self.invoked,
        }

    def expected(self):
        number, function, mark = self.number, f"{self.arn}:function:{NAME}", {"mark": self.mark}
        return {
            "functions": [function, f"{function}-instances"], "description": self.mark, "tags": mark,
            "concurrency": {"ReservedConcurrentExecutions": 10 * number}, "arn": function, "layers": [f"{self.arn}:layer:{NAME}:1"],
            "versions": [f"{function}:$LATEST", f"{function}:1"], "aliases": [(f"{function}:live", self.mark)], "provisioned": [f"{function}:live"],
            "url": {"MaxAge": number}, "urls": [function], "event invoke": 60 * number, "policy": [f"arn:aws:iam::{number:012}:root"],
            "recursion": "Allow" if number % 2 else "Terminate", "runtime": "Auto" if number % 2 else "FunctionUpdate",
            "mappings": [(number, function)], "signing": [self.mark], "signed": self.signing, "signed by": [function],
            "layer": [(f"{self.arn}:layer:{NAME}:1", self.mark)], "all layers": [f"{self.arn}:layer:{NAME}"],
            "layer policy": [f"arn:aws:iam::{number:012}:root"],
            "providers": [(f"{self.arn}:capacity-provider:{NAME}", [f"subnet-{number}"])], "provider's": [f"{function}-instances:1"],
            "provider's tags": mark, "mapping's tags": mark, "scaling": {"MaxExecutionEnvironments": number},
            "account": 2, "unreserved": 1000 - 10 * number,
            "groups": {name: f"arn:aws:logs:{self.region}:{self.account}:log-group:{name}" for name in (f"/aws/lambda/{NAME}", f"/{NAME}")},
            "group's tags": mark, "said": [f"this is {self.mark}"], "roles": [self.account], "invoked": [self.mark, function],
        }

    def unmake(self):
        client = self.client
        client.delete_event_source_mapping(UUID=self.mapping)
        client.delete_function(FunctionName=NAME)
        client.delete_function(FunctionName=f"{NAME}-instances")
        client.delete_capacity_provider(CapacityProviderName=NAME)
        client.delete_code_signing_config(CodeSigningConfigArn=self.signing)
        client.delete_layer_version(LayerName=NAME, VersionNumber=1)
        for group in (f"/aws/lambda/{NAME}", f"/{NAME}"):
            self.logs.delete_log_group(logGroupName=group)


def test_accounts_and_regions_are_apart(lambent_factory, tmp_path, zip_of, unique_name):
    data = tmp_path / "data"
    daemon = lambent_factory(data_dir=data)
    worlds = [World(daemon, account, region, zip_of) for account, region in WORLDS]
    for world in worlds:
        world.make()
    for world in worlds:
        assert world.see() == world.expected()
    # After a restart, without one of them.
    worlds[0].unmake()
    daemon.stop()
    daemon = lambent_factory(data_dir=data)
    fresh = []
    for world in worlds[1:]:
        again = World(daemon, world.account, world.region, zip_of)
        again.mapping, again.signing, again.invoked = world.mapping, world.signing, world.invoked
        fresh.append(again)
    for world in fresh:
        assert world.see() == world.expected()
    gone = World(daemon, *WORLDS[0], zip_of)
    assert gone.client.list_functions()["Functions"] == [] and gone.client.list_layers()["Layers"] == []
    assert gone.client.get_account_settings()["AccountUsage"]["FunctionCount"] == 0
    assert gone.logs.describe_log_groups()["logGroups"] == []
    with pytest.raises(ClientError):
        gone.logs.filter_log_events(logGroupName=f"/aws/lambda/{NAME}")


def test_logs_that_were_kept_by_name_alone(lambent_factory, tmp_path, zip_of):
    """An older lambent's folder: a function's log goes to where the function is, the rest to where the daemon is."""
    data = tmp_path / "data"
    daemon = lambent_factory(data_dir=data)
    account, region = WORLDS[3]
    client = make_client(daemon.endpoint, region=region, access_key=account)
    role = f"arn:aws:iam::{account}:role/r"
    names = ["kept", "gone", "own"]
    for name in names:
        client.create_function(FunctionName=name, Runtime=host_python_runtime(), Handler="app.handler", Role=role,
                               Code={"ZipFile": zip_of({"app.py": SOURCE})}, **({"LoggingConfig": {"LogGroup": "/mine"}} if name == "own" else {}))
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
        client.invoke(FunctionName=name, Payload=json.dumps(name), LogType="Tail")
    client.delete_function(FunctionName="gone")
    daemon.stop()
    (scope,) = (data / "logs").iterdir()
    for folder in list(scope.iterdir()):
        shutil.move(folder, data / "logs" / folder.name)
    scope.rmdir()
    daemon = lambent_factory(data_dir=data)

    def said(name, **where):
        logs = make_client(daemon.endpoint, service="logs", **where)
        return [item["message"].strip() for item in logs.filter_log_events(logGroupName=name)["events"] if "this is" in item["message"]]

    there = {"region": region, "access_key": account}
    assert said("/aws/lambda/kept", **there) == ["this is kept"]
    assert said("/mine", **there) == ["this is own"]
    assert said("/aws/lambda/gone") == ["this is gone"]
    with pytest.raises(ClientError):
        said("/aws/lambda/kept")


def asked(daemon, path, body=None):
    data = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(daemon.endpoint + path, data)) as answer:
        return json.load(answer)


def test_our_own_ways_to_look(lambent_factory, zip_of):
    """Logs, invocations and evictions of one of them, named by its ARN, or by its name from where the daemon is."""
    import command

    daemon = lambent_factory()
    for account, region in WORLDS[:3]:
        client = make_client(daemon.endpoint, region=region, access_key=account)
        client.create_function(FunctionName=NAME, Runtime=host_python_runtime(), Handler="app.handler", Role=f"arn:aws:iam::{account}:role/r",
                               Code={"ZipFile": zip_of({"app.py": SOURCE})})
        client.get_waiter("function_active_v2").wait(FunctionName=NAME, WaiterConfig={"Delay": 0.02, "MaxAttempts": 1500})
        client.invoke(FunctionName=NAME, Payload=json.dumps(account + region))
        arn = f"arn:aws:lambda:{region}:{account}:function:{NAME}"
        answer = command.lambent("logs", arn, "--endpoint", daemon.endpoint)
        assert [line for line in answer.stdout.splitlines() if "this is" in line][-1].endswith(f"this is {account}{region}")
        assert answer.stdout.count("this is") == 1
        (record,) = asked(daemon, f"/_lambent/invocations?function={arn}")["invocations"]
        assert (record["account"], record["region"], record["function"]) == (account, region, NAME)
    assert asked(daemon, f"/_lambent/invocations?function={NAME}")["invocations"] == []
    assert len(asked(daemon, "/_lambent/invocations")["invocations"]) == 3
    for body, evicted in (({"function": NAME}, 0), ({"function": arn}, 1), ({"function": arn}, 0), ({}, 2)):
        assert asked(daemon, "/_lambent/environments/evict", body)["evicted"] == evicted
