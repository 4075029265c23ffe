# SPDX-License-Identifier: Apache-2.0
"""Event source mappings as configuration."""

import json

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ACCOUNT = "000000000000"
ARN = f"arn:aws:lambda:us-east-1:{ACCOUNT}:function"
QUEUE = f"arn:aws:sqs:us-east-1:{ACCOUNT}:queue"
STREAM = f"arn:aws:kinesis:us-east-1:{ACCOUNT}:stream/stream"
TABLE = f"arn:aws:dynamodb:us-east-1:{ACCOUNT}:table/table/stream/label"
NOT_READ = "PROBLEM: lambent does not read event sources yet; this mapping is only kept."


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


def invalid(text):
    return 400, "InvalidParameterValueException", text


@pytest.fixture
def name(function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}))


@pytest.fixture
def mapping(client, name):
    """mapping(EventSourceArn=…) is gone after the test."""
    made = []

    def make(**settings):
        answer = client.create_event_source_mapping(**{"FunctionName": name, **settings})
        made.append(answer["UUID"])
        return answer

    yield make
    for uuid in made:
        try:
            client.delete_event_source_mapping(UUID=uuid)
        except client.exceptions.ResourceNotFoundException:
            pass


def masked(answer):
    return {**answer, "LastModified": "datetime"}


def test_recorded_queue(mapping, name, client):
    case = Case("TestSQSEventSourceMapping::test_event_source_mapping_default_batch_size")
    case.values.update({"<resource:1>": "queue", "<resource:2>": name})
    answer = mapping(EventSourceArn=QUEUE)
    case.same("create-event-source-mapping", {**answer, "LastModified": "<datetime>"})
    batch = {"BatchSize": 15, "MaximumBatchingWindowInSeconds": 0}
    case.refused("invalid-create-event-source-mapping", client.create_event_source_mapping, EventSourceArn=QUEUE, FunctionName=name, **batch)
    case.refused("invalid-update-event-source-mapping", client.update_event_source_mapping, UUID=answer["UUID"], **batch)


def test_recorded_table(mapping, name, client):
    case = Case("TestLambdaEventSourceMappings::test_event_source_mapping_lifecycle_delete_function")
    case.values.update({"<resource:1>": "label", "<resource:2>": "table", "<resource:3>": "queue", "<resource:5>": name})
    destination = {"OnFailure": {"Destination": QUEUE}}
    answer = mapping(EventSourceArn=TABLE, StartingPosition="TRIM_HORIZON", BatchSize=1, MaximumBatchingWindowInSeconds=1,
                     MaximumRetryAttempts=1, DestinationConfig=destination)
    case.same("create_response", masked(answer))
    got = client.get_event_source_mapping(UUID=answer["UUID"])
    assert got.pop("LastProcessingResult") == NOT_READ
    case.same("get_response", masked({**got, "LastProcessingResult": "No records processed"}))
    deleted = client.delete_event_source_mapping(UUID=answer["UUID"])
    deleted["LastProcessingResult"] = "No records processed"
    case.same("delete_response", masked(deleted))
    assert refused(client.get_event_source_mapping, UUID=answer["UUID"]) == (
        404, "ResourceNotFoundException", "The resource you requested does not exist."
    )


def test_recorded_refusals(name, client, mapping):
    case = Case("TestLambdaEventSourceMappings::test_create_event_source_validation")
    case.values.update({"<table-name>": "table", "<stream-name>": "label"})

    def create(**settings):
        return client.create_event_source_mapping(**{"FunctionName": name, "EventSourceArn": TABLE, **settings})

    case.refused("no_starting_position", create)
    case.refused("invalid_starting_position", create, StartingPosition="invalid")
    case.refused("incompatible_starting_position", create, StartingPosition="AT_TIMESTAMP")
    case = Case("TestKinesisSource::test_duplicate_event_source_mappings")
    case.values.update({"<resource:1>": "stream", "<resource:2>": name})
    mapping(EventSourceArn=STREAM, StartingPosition="LATEST")
    case.refused("error", create, EventSourceArn=STREAM, StartingPosition="LATEST")
    uuid = mapping(EventSourceArn=QUEUE)["UUID"]
    assert refused(create, EventSourceArn=QUEUE) == (
        409, "ResourceConflictException",
        f'An event source mapping with SQS arn (" {QUEUE} ") and function (" {name} ") already exists. '
        f"Please update or delete the existing mapping with UUID {uuid}",
    )
    client.publish_version(FunctionName=name)
    assert mapping(EventSourceArn=QUEUE, FunctionName=f"{name}:1")["FunctionArn"] == f"{ARN}:{name}:1"
    assert refused(create, FunctionName="nothing-here", EventSourceArn=QUEUE) == invalid("Function does not exist")
    assert refused(client.create_event_source_mapping, FunctionName=name) == invalid("Unrecognized event source.")
    assert refused(create, EventSourceArn=QUEUE.replace("sqs", "s3")) == invalid("Unrecognized event source.")
    assert refused(create, EventSourceArn=QUEUE, DestinationConfig={"OnFailure": {"Destination": QUEUE}}) == invalid(
        "Unsupported DestinationConfig parameter for given event source mapping type."
    )
    kafka = {"SelfManagedEventSource": {"Endpoints": {"KAFKA_BOOTSTRAP_SERVERS": ["kafka:1000"]}}, "Topics": ["topic"], "FunctionName": name}
    assert refused(client.create_event_source_mapping, **kafka) == invalid("Required 'sourceAccessConfigurations' parameter is missing.")


@pytest.mark.parametrize("filter_", ["None", "simple string", "invalid_filter2", "invalid_filter3"])
def test_recorded_filters(name, client, filter_):
    case = Case(f"TestSQSEventSourceMapping::test_sqs_invalid_event_filter[{filter_}]")
    pattern = {"None": None, "simple string": "simple string", "invalid_filter2": {"eventSource": "aws:sqs"}, "invalid_filter3": {"eventSource": []}}
    criteria = {"Filters": [{"Pattern": json.dumps(pattern[filter_])}]}
    case.refused("create_event_source_mapping_exception", client.create_event_source_mapping,
                 FunctionName=name, EventSourceArn=QUEUE, FilterCriteria=criteria)


def test_life(client, mapping, name):
    criteria = {"Filters": [{"Pattern": json.dumps({"body": {"kind": ["a", {"prefix": "b"}]}})}]}
    made = mapping(EventSourceArn=QUEUE, FilterCriteria=criteria, Enabled=False, ScalingConfig={"MaximumConcurrency": 5},
                   Tags={"testtag": "value"})
    uuid = made["UUID"]
    assert made["EventSourceMappingArn"] == f"arn:aws:lambda:us-east-1:{ACCOUNT}:event-source-mapping:{uuid}"
    assert client.list_tags(Resource=made["EventSourceMappingArn"])["Tags"] == {"testtag": "value"}
    got = client.get_event_source_mapping(UUID=uuid)
    assert (got["State"], got["FilterCriteria"], got["LastProcessingResult"]) == ("Disabled", criteria, NOT_READ)
    assert client.update_event_source_mapping(UUID=uuid, Enabled=True)["State"] == "Enabling"
    assert client.update_event_source_mapping(UUID=uuid, BatchSize=5)["State"] == "Updating"
    assert client.update_event_source_mapping(UUID=uuid, Enabled=False)["State"] == "Disabling"
    got = client.get_event_source_mapping(UUID=uuid)
    assert (got["State"], got["BatchSize"], got["ScalingConfig"]) == ("Disabled", 5, {"MaximumConcurrency": 5})
    assert refused(client.update_event_source_mapping, UUID=uuid, FunctionName="nothing-here") == (
        404, "ResourceNotFoundException", "Function does not exist"
    )
    other = mapping(EventSourceArn=STREAM, StartingPosition="AT_TIMESTAMP", StartingPositionTimestamp=1700000000)
    assert other["StartingPositionTimestamp"].timestamp() == 1700000000

    def listed(**filters):
        return {item["UUID"] for item in client.list_event_source_mappings(**filters)["EventSourceMappings"]}

    assert listed(FunctionName=name) == {uuid, other["UUID"]}
    assert listed(FunctionName=name, EventSourceArn=QUEUE) == {uuid}
    assert listed(FunctionName=f"{name}:7") == set()
    page = client.list_event_source_mappings(FunctionName=name, MaxItems=1)
    rest = client.list_event_source_mappings(FunctionName=name, MaxItems=1, Marker=page["NextMarker"])
    assert {page["EventSourceMappings"][0]["UUID"], rest["EventSourceMappings"][0]["UUID"]} == {uuid, other["UUID"]}
    client.delete_event_source_mapping(UUID=uuid)
    assert refused(client.list_tags, Resource=made["EventSourceMappingArn"])[0] == 404


def test_mappings_outlive_their_function(client, mapping, unique_name, zip_of):
    name = unique_name()
    client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="h", Role=f"arn:aws:iam::{ACCOUNT}:role/r",
                           Code={"ZipFile": zip_of({"bootstrap*": "#!/bin/sh\n"})})
    uuid = mapping(EventSourceArn=QUEUE, FunctionName=name)["UUID"]
    client.delete_function(FunctionName=name)
    assert client.get_event_source_mapping(UUID=uuid)["FunctionArn"] == f"{ARN}:{name}"
