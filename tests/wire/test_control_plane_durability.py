# SPDX-License-Identifier: Apache-2.0
"""What is acknowledged survives kill -9, and nothing half-made does."""

import sqlite3
import threading
import urllib.request

import pytest
from botocore.exceptions import BotoCoreError, ClientError

ROLE = "arn:aws:iam::000000000000:role/lambent"
COMMON = {"Runtime": "provided.al2023", "Role": ROLE, "Handler": "h"}


def whole(answer):
    return {key: value for key, value in answer.items() if key != "ResponseMetadata"}


def settle(client, name):
    for waiter in ("function_active_v2", "function_updated_v2"):
        client.get_waiter(waiter).wait(FunctionName=name, WaiterConfig={"Delay": 0.02, "MaxAttempts": 500})


def everything(client):
    """All that the API shows of functions and layers."""
    functions = {}
    for page in client.get_paginator("list_functions").paginate(FunctionVersion="ALL"):
        for item in page["Functions"]:
            got = client.get_function(FunctionName=item["FunctionArn"])
            code = urllib.request.urlopen(got["Code"]["Location"]).read()
            functions[item["FunctionArn"]] = (got["Configuration"], got.get("Tags"), code)
    layers = {}
    for page in client.get_paginator("list_layers").paginate():
        for layer in page["Layers"]:
            for item in client.list_layer_versions(LayerName=layer["LayerName"])["LayerVersions"]:
                got = client.get_layer_version_by_arn(Arn=item["LayerVersionArn"])
                code = urllib.request.urlopen(got["Content"].pop("Location")).read()
                layers[item["LayerVersionArn"]] = (whole(got), code)
    return functions, layers


def test_a_restart_shows_the_same(lambent_factory, client_of, zip_of):
    daemon = lambent_factory()
    client = client_of(daemon)
    layer = client.publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"x": "1"})}, Description="d")
    client.create_function(
        FunctionName="one", Code={"ZipFile": zip_of({"bootstrap*": "1"})}, Publish=True, Tags={"k": "v"}, Layers=[layer["LayerVersionArn"]],
        Environment={"Variables": {"ZZ": "\u00e9", "AA": ""}}, VpcConfig={"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]},
        LoggingConfig={"LogFormat": "JSON", "ApplicationLogLevel": "WARN"}, **COMMON,
    )
    settle(client, "one")
    client.update_function_code(FunctionName="one", ZipFile=zip_of({"bootstrap*": "2"}))
    settle(client, "one")
    client.publish_version(FunctionName="one", Description="second")
    client.create_function(FunctionName="two", Code={"ZipFile": zip_of({"bootstrap*": "1"})}, **COMMON)
    settle(client, "two")
    client.delete_function(FunctionName="one", Qualifier="1")
    before = everything(client)
    for stop in (daemon.kill, daemon.stop):
        stop()
        daemon.start()
        client = client_of(daemon)
        assert everything(client) == before
    # Numbers go on where they were.
    client.update_function_configuration(FunctionName="one", Timeout=9)
    settle(client, "one")
    assert client.publish_version(FunctionName="one")["Version"] == "3"
    assert client.publish_layer_version(LayerName="l", Content={"ZipFile": zip_of({"x": "2"})})["Version"] == 2


def change_until_killed(client, packages, acknowledged, enough):
    """Creates, updates, publishes and deletes; notes each change when its answer has come."""
    number = 0
    try:
        while True:
            name = f"f{number}"
            client.create_function(FunctionName=name, Code={"ZipFile": packages[number % 2]}, **COMMON)
            acknowledged[name] = 3
            settle(client, name)
            client.update_function_configuration(FunctionName=name, Timeout=100 + number)
            acknowledged[name] = 100 + number
            if number % 3 == 2:
                settle(client, name)
                acknowledged[name] = "deleting"
                client.delete_function(FunctionName=name)
                acknowledged[name] = "deleted"
            number += 1
            if number == enough:
                acknowledged["enough"] = True
                enough_reached.set()
    except (BotoCoreError, ClientError):
        pass


enough_reached = threading.Event()


@pytest.mark.parametrize("enough", [3, 10, 25])
def test_kill_nine_loses_nothing(lambent_factory, client_of, zip_of, enough):
    daemon = lambent_factory()
    packages = [zip_of({"bootstrap*": str(i), "ballast": "x" * 200000}) for i in range(2)]
    acknowledged = {}
    enough_reached.clear()
    worker = threading.Thread(target=change_until_killed, args=(client_of(daemon), packages, acknowledged, enough))
    worker.start()
    assert enough_reached.wait(60)
    daemon.kill()
    worker.join()
    assert acknowledged.pop("enough")

    daemon.start()
    client = client_of(daemon)
    names = {item["FunctionName"] for page in client.get_paginator("list_functions").paginate() for item in page["Functions"]}
    for name, state in acknowledged.items():
        if state == "deleted":
            assert name not in names
        elif state != "deleting":
            assert name in names
    # One change more than was acknowledged may have come through, and whatever is there is whole.
    assert len(names - set(acknowledged)) <= 1
    for name in names:
        settle(client, name)
        got = client.get_function(FunctionName=name)
        assert urllib.request.urlopen(got["Code"]["Location"]).read() in packages
        state = acknowledged.get(name)
        if isinstance(state, int) and state != 3:
            assert got["Configuration"]["Timeout"] == state
        client.delete_function(FunctionName=name)


def test_a_data_dir_of_a_newer_lambent_is_refused(lambent_factory):
    daemon = lambent_factory()
    daemon.stop()
    files = [path for path in daemon.data_dir.rglob("*") if path.is_file() and path.read_bytes()[:15] == b"SQLite format 3"]
    assert len(files) == 1
    with sqlite3.connect(files[0]) as database:
        (version,) = database.execute("PRAGMA user_version").fetchone()
        database.execute(f"PRAGMA user_version = {version + 1}")
    with pytest.raises(RuntimeError, match="newer lambent"):
        daemon.start()
    with sqlite3.connect(files[0]) as database:
        database.execute(f"PRAGMA user_version = {version}")
    daemon.start()
