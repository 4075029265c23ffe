# SPDX-License-Identifier: Apache-2.0
"""Two hundred mutations of everything around functions, and the daemon killed between any two of them."""

import json
import random
import threading

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROLE = "arn:aws:iam::000000000000:role/r"
NAMES = ("one", "two")
ARN = "arn:aws:lambda:us-east-1:000000000000:function"
QUEUE = "arn:aws:sqs:us-east-1:000000000000:queue"


def read(call, **arguments):
    try:
        answer = call(**arguments)
    except ClientError as error:
        return error.response["Error"]["Code"]
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def look(client, name):
    """All that a function has, as clients see it."""
    which = {"FunctionName": name}
    configuration = client.get_function(**which)
    return {
        "tags": configuration.get("Tags"), "reserved": configuration.get("Concurrency"),
        "revision": configuration["Configuration"]["RevisionId"],
        "aliases": read(client.list_aliases, **which), "policy": read(client.get_policy, **which),
        "url": read(client.get_function_url_config, **which), "event_invoke": read(client.list_function_event_invoke_configs, **which),
        "recursion": read(client.get_function_recursion_config, **which), "runtime": read(client.get_runtime_management_config, **which),
        "mappings": sorted(item["BatchSize"] for item in client.list_event_source_mappings(**which)["EventSourceMappings"]),
    }


class Mutations:
    """What one client does, drawn from a seed."""

    def __init__(self, client, seed):
        self.client, self.random, self.count = client, random.Random(seed), 0

    def step(self):
        draw, client = self.random, self.client
        name = draw.choice(NAMES)
        which = {"FunctionName": name}
        number = draw.randrange(1000)
        changes = [
            lambda: client.tag_resource(Resource=f"{ARN}:{name}", Tags={f"k{number % 7}": str(number)}),
            lambda: client.untag_resource(Resource=f"{ARN}:{name}", TagKeys=[f"k{number % 7}"]),
            lambda: client.put_function_concurrency(**which, ReservedConcurrentExecutions=number % 400),
            lambda: client.delete_function_concurrency(**which),
            lambda: client.create_alias(**which, Name=f"a{number % 5}", FunctionVersion="1"),
            lambda: client.update_alias(**which, Name=f"a{number % 5}", Description=str(number)),
            lambda: client.delete_alias(**which, Name=f"a{number % 5}"),
            lambda: client.add_permission(**which, StatementId=f"s{number % 9}", Action="lambda:InvokeFunction", Principal="*"),
            lambda: client.remove_permission(**which, StatementId=f"s{number % 9}"),
            lambda: client.create_function_url_config(**which, AuthType="NONE"),
            lambda: client.delete_function_url_config(**which),
            lambda: client.put_function_event_invoke_config(**which, MaximumRetryAttempts=number % 3),
            lambda: client.put_function_recursion_config(**which, RecursiveLoop="Allow"),
            lambda: client.put_runtime_management_config(**which, UpdateRuntimeOn="FunctionUpdate"),
            lambda: client.create_event_source_mapping(**which, EventSourceArn=f"{QUEUE}{number}", BatchSize=1 + number % 10),
        ]
        try:
            draw.choice(changes)()
        except ClientError as error:
            assert error.response["ResponseMetadata"]["HTTPStatusCode"] < 500, error
        self.count += 1


@pytest.mark.parametrize("kill_after", [1, 7, 40, 120, 200])
def test_kill_nine_between_any_two(lambent_factory, client_of, zip_of, kill_after):
    daemon = lambent_factory()
    client = client_of(daemon)
    for name in NAMES:
        client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=ROLE, Publish=True,
                               Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})})
        client.get_waiter("function_active_v2").wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})
    mutations = Mutations(client, kill_after)
    for _ in range(kill_after):
        mutations.step()
    acknowledged = {name: look(client, name) for name in NAMES}

    # Further changes are under way when it is killed; what was acknowledged before is there, and all of it is whole.
    ready = threading.Event()

    def go_on():
        other = Mutations(client_of(daemon), -kill_after)
        try:
            while True:
                other.step()
                ready.set()
        except (BotoCoreError, AssertionError):
            ready.set()

    daemon.kill()
    client = client_of(daemon.start())
    assert {name: look(client, name) for name in NAMES} == acknowledged

    worker = threading.Thread(target=go_on)
    worker.start()
    ready.wait()
    daemon.kill()
    worker.join()
    client = client_of(daemon.start())
    for name in NAMES:
        state = look(client, name)
        assert state["aliases"]["Aliases"] is not None
        if isinstance(state["policy"], dict):
            assert state["policy"]["RevisionId"] == state["revision"]
            assert json.loads(state["policy"]["Policy"])["Statement"]
        client.delete_function(FunctionName=name)
    client.create_function(FunctionName=NAMES[0], Runtime="provided.al2023", Handler="h", Role=ROLE,
                           Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})})
    assert look(client, NAMES[0])["policy"] == "ResourceNotFoundException"
