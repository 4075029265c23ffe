# SPDX-License-Identifier: Apache-2.0
"""CloudWatch Logs: groups that tools create, and what functions logged."""

import functools
import json
import os
import shutil
import subprocess

import pytest
from botocore.exceptions import ClientError
from conftest import make_client

SOURCE = """
def handler(event, context):
    for line in event["lines"]:
        print(line)
    return context.log_stream_name
"""


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


NO_GROUP = (404, "ResourceNotFoundException", "The specified log group does not exist.")


@pytest.fixture(scope="module")
def logs(lambent):
    return make_client(lambent.endpoint, service="logs")


@pytest.fixture
def group(logs, unique_name):
    """group(**settings) creates a log group and deletes it after the test."""
    made = []

    def make(**settings):
        name = "/tests/" + unique_name("group")
        logs.create_log_group(logGroupName=name, **settings)
        made.append(name)
        return name

    yield make
    for name in made:
        try:
            logs.delete_log_group(logGroupName=name)
        except logs.exceptions.ResourceNotFoundException:
            pass


@pytest.fixture
def logged(logs, client, python_function):
    """logged(*lines): the group and the stream of a function that has printed them."""
    made = []

    def make(*lines):
        name = python_function(SOURCE)
        answer = client.invoke(FunctionName=name, Payload=json.dumps({"lines": lines}))
        made.append(f"/aws/lambda/{name}")
        return made[-1], json.load(answer["Payload"])

    yield make
    for name in made:
        logs.delete_log_group(logGroupName=name)


def test_a_groups_life(logs, group):
    name = group(tags={"a": "1"})
    [shown] = logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"]
    arn = f"arn:aws:logs:us-east-1:000000000000:log-group:{name}"
    assert (shown["logGroupName"], shown["arn"], shown["logGroupArn"], shown["logGroupClass"], shown["storedBytes"]) == (
        name, arn + ":*", arn, "STANDARD", 0)
    assert "retentionInDays" not in shown
    assert refused(logs.create_log_group, logGroupName=name) == (
        400, "ResourceAlreadyExistsException", "The specified log group already exists")
    logs.put_retention_policy(logGroupName=name, retentionInDays=14)
    [shown] = logs.describe_log_groups(logGroupNamePattern=name[7:])["logGroups"]
    assert shown["retentionInDays"] == 14
    logs.delete_retention_policy(logGroupName=name)
    [shown] = logs.describe_log_groups(logGroupIdentifiers=[arn])["logGroups"]
    assert "retentionInDays" not in shown
    assert refused(logs.put_retention_policy, logGroupName=name, retentionInDays=2)[:2] == (400, "InvalidParameterException")

    logs.tag_resource(resourceArn=arn, tags={"b": "2"})
    logs.tag_log_group(logGroupName=name, tags={"c": "3"})
    assert logs.list_tags_for_resource(resourceArn=arn)["tags"] == {"a": "1", "b": "2", "c": "3"}
    logs.untag_resource(resourceArn=arn, tagKeys=["a"])
    logs.untag_log_group(logGroupName=name, tags=["b"])
    assert logs.list_tags_log_group(logGroupName=name)["tags"] == {"c": "3"}

    assert logs.describe_log_streams(logGroupName=name)["logStreams"] == []
    assert logs.filter_log_events(logGroupName=name)["events"] == []
    logs.delete_log_group(logGroupName=name)
    assert logs.describe_log_groups(logGroupNamePrefix=name)["logGroups"] == []
    for call in (logs.delete_log_group, logs.delete_retention_policy, logs.describe_log_streams, logs.filter_log_events):
        assert refused(call, logGroupName=name) == NO_GROUP
    assert refused(logs.list_tags_for_resource, resourceArn=arn) == NO_GROUP
    assert refused(logs.list_tags_for_resource, resourceArn=arn.replace("us-east-1", "eu-west-1")) == NO_GROUP


def test_violations(logs):
    status, code, text = refused(logs.create_log_group, logGroupName="with space")
    assert (status, code) == (400, "InvalidParameterException")
    assert text == ("1 validation error detected: Value 'with space' at 'logGroupName' failed to satisfy constraint: "
                    r"Member must satisfy regular expression pattern: [\.\-_/#A-Za-z0-9]+")
    assert refused(logs.describe_log_groups, limit=51)[:2] == (400, "InvalidParameterException")
    status, code, text = refused(logs.create_log_stream, logGroupName="g", logStreamName="s")
    assert (status, code) == (501, "NotImplementedException") and "CreateLogStream" in text


def test_groups_in_pages(lambent):
    logs = make_client(lambent.endpoint, service="logs", access_key="444444444444")
    names = [f"group-{i:02}" for i in range(7)]
    for name in names:
        logs.create_log_group(logGroupName=name)
    pages = logs.get_paginator("describe_log_groups").paginate(PaginationConfig={"PageSize": 3})
    listed = [[group["logGroupName"] for group in page["logGroups"]] for page in pages]
    assert listed == [names[:3], names[3:6], names[6:]]
    elsewhere = make_client(lambent.endpoint, service="logs", access_key="444444444444", region="eu-west-1")
    assert elsewhere.describe_log_groups()["logGroups"] == []
    for name in names:
        logs.delete_log_group(logGroupName=name)


def test_what_a_function_logged(logs, logged):
    group, stream = logged("first", "second line", "third")
    [shown] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert shown["storedBytes"] > 0 and shown["creationTime"] > 0
    assert refused(logs.create_log_group, logGroupName=group)[1] == "ResourceAlreadyExistsException"
    logs.put_retention_policy(logGroupName=group, retentionInDays=7)
    [shown] = logs.describe_log_groups(logGroupNamePrefix=group)["logGroups"]
    assert shown["retentionInDays"] == 7 and shown["storedBytes"] > 0

    [described] = logs.describe_log_streams(logGroupName=group, orderBy="LastEventTime", descending=True)["logStreams"]
    assert described["logStreamName"] == stream
    assert described["arn"] == f"arn:aws:logs:us-east-1:000000000000:log-group:{group}:log-stream:{stream}"
    assert described["creationTime"] <= described["firstEventTimestamp"] <= described["lastEventTimestamp"]

    events = logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]
    messages = [event["message"] for event in events]
    assert [message for message in messages if message.rstrip("\n") in ("first", "second line", "third")] == [
        "first\n", "second line\n", "third\n"]
    assert any(message.startswith("START RequestId: ") for message in messages)
    assert refused(logs.get_log_events, logGroupName=group, logStreamName="other") == (
        404, "ResourceNotFoundException", "The specified log stream does not exist.")


def test_events_forwards_and_back(logs, logged):
    group, stream = logged(*[f"line {i}" for i in range(20)])

    def read(**arguments):
        answer = logs.get_log_events(logGroupName=group, logStreamName=stream, limit=7, **arguments)
        return [event["message"] for event in answer["events"]], answer["nextForwardToken"], answer["nextBackwardToken"]

    whole = [event["message"] for event in logs.get_log_events(logGroupName=group, logStreamName=stream, startFromHead=True)["events"]]
    seen, token, before = [], None, None
    while token != before or token is None:
        before = token
        messages, token, _ = read(startFromHead=True, **({"nextToken": token} if token else {}))
        seen += messages
    assert seen == whole

    messages, forward, token = read()
    assert messages == whole[-7:]
    assert read(nextToken=forward)[0] == []
    seen, before = messages, None
    while token != before:
        before = token
        messages, _, token = read(nextToken=token)
        seen = messages + seen
    assert seen == whole
    assert refused(logs.get_log_events, logGroupName=group, logStreamName=stream, nextToken="x")[:2] == (
        400, "InvalidParameterException")


def test_filtered_events(logs, logged):
    group, stream = logged("ERROR one", "ERROR two, harmless", "WARN three", "a quoted \"phrase here\"")

    def find(pattern, **arguments):
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group, filterPattern=pattern, **arguments)
        return [event["message"].rstrip("\n") for page in pages for event in page["events"]]

    assert find("ERROR") == ["ERROR one", "ERROR two, harmless"]
    assert find("ERROR -harmless") == ["ERROR one"]
    assert find("?one ?WARN") == ["ERROR one", "WARN three"]
    assert find('"WARN three"') == ["WARN three"]
    assert find("ERROR", logStreamNames=["other"]) == []
    assert find("ERROR", logStreamNamePrefix=stream[:10], PaginationConfig={"PageSize": 1}) == ["ERROR one", "ERROR two, harmless"]
    [event] = logs.filter_log_events(logGroupName=group, filterPattern="WARN")["events"]
    assert event["logStreamName"] == stream
    assert find("WARN", startTime=event["timestamp"], endTime=event["timestamp"]) == ["WARN three"]
    assert find("WARN", startTime=event["timestamp"] + 1) == []
    assert refused(logs.filter_log_events, logGroupName=group, filterPattern="{ $.a = 1 }")[:2] == (501, "NotImplementedException")
    assert refused(logs.filter_log_events, logGroupName=group, filterPattern='"open')[:2] == (400, "InvalidParameterException")


def test_groups_of_functions_are_their_accounts(lambent, logs, logged):
    group, _ = logged("x")
    other = make_client(lambent.endpoint, service="logs", access_key="555555555555")
    assert other.describe_log_groups(logGroupNamePrefix=group)["logGroups"] == []
    assert refused(other.filter_log_events, logGroupName=group) == NO_GROUP


@pytest.mark.skipif(not shutil.which("aws"), reason="needs the AWS CLI")
def test_aws_cli(lambent, logged):
    group, _ = logged("for the command line")
    keys = {"AWS_ACCESS_KEY_ID": "test", "AWS_SECRET_ACCESS_KEY": "test", "AWS_DEFAULT_REGION": "us-east-1", "AWS_ENDPOINT_URL": lambent.endpoint}
    aws = functools.partial(subprocess.run, check=True, capture_output=True, text=True, env={**os.environ, **keys})
    shown = json.loads(aws(["aws", "logs", "describe-log-groups", "--log-group-name-prefix", group, "--output", "json"]).stdout)
    assert [g["logGroupName"] for g in shown["logGroups"]] == [group]
    found = aws(["aws", "logs", "filter-log-events", "--log-group-name", group, "--filter-pattern", "command", "--output", "json"]).stdout
    assert [event["message"] for event in json.loads(found)["events"]] == ["for the command line\n"]
