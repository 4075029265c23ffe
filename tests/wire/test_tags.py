# SPDX-License-Identifier: Apache-2.0
"""Tags: of functions here, of other things where those are tested."""

import pytest
from botocore.exceptions import ClientError
from recorded import Case

ARN = "arn:aws:lambda:us-east-1:000000000000:function"


def refused(call, **arguments):
    with pytest.raises(ClientError) as error:
        call(**arguments)
    answer = error.value.response
    return answer["ResponseMetadata"]["HTTPStatusCode"], answer["Error"]["Code"], answer["Error"]["Message"]


@pytest.fixture
def tagged(client, function, zip_of):
    return function(zip_of({"bootstrap*": "#!/bin/sh\n"}), Tags={"key_a": "value_a"})


def test_recorded_lifecycle(client, tagged):
    case = Case("TestLambdaTags::test_tag_lifecycle")
    arn = f"{ARN}:{tagged}"
    revisions = set()

    def check(name):
        answer = client.get_function(FunctionName=tagged)
        assert answer.get("Tags") == case.answers[f"get_fn_response_{name}"].get("Tags")
        revisions.add(answer["Configuration"]["RevisionId"])
        case.same(f"list_tags_response_{name}", client.list_tags(Resource=arn))

    check("postfncreate")
    more = {"key_b": "value_b", "key_c": "value_c", "key_d": "value_d", "key_e": "value_e"}
    case.same("tag_resource_response", client.tag_resource(Resource=arn, Tags=more))
    check("postaddtags")
    case.same("tag_resource_overwrite", client.tag_resource(Resource=arn, Tags={"key_c": "value_x"}))
    check("overwrite")
    client.untag_resource(Resource=arn, TagKeys=["key_c", "key_d"])
    check("postuntag")
    client.untag_resource(Resource=arn, TagKeys=["key_a", "key_b", "key_e"])
    check("postuntagall")
    assert len(revisions) == 5
    case.values["<function-name:1>"] = "nothing-here"
    case.refused("list_tags_postdelete", client.list_tags, Resource=f"{ARN}:nothing-here")


def test_recorded_limits(client, tagged):
    case = Case("TestLambdaTags::test_tag_limits")
    arn = f"{ARN}:{tagged}"
    client.untag_resource(Resource=arn, TagKeys=["key_a"])
    case.refused("tag_lambda_too_many_tags", client.tag_resource, Resource=arn, Tags={f"{i}_key": "v" for i in range(51)})
    case.same("tag_response", client.tag_resource(Resource=arn, Tags={f"{i}_key": f"{i}_value" for i in range(50)}))
    case.same("list_tags_response", client.list_tags(Resource=arn))
    case.refused("tag_lambda_too_many_tags_additional", client.tag_resource, Resource=arn, Tags={"a_key": "a"})
    case = Case("TestLambdaTags::test_tag_versions")
    client.publish_version(FunctionName=tagged)
    case.refused("tag_resource_exception", client.tag_resource, Resource=f"{arn}:1", Tags={"a": "b"})
    case.refused("tag_resource_latest_exception", client.tag_resource, Resource=f"{arn}:$LATEST", Tags={"a": "b"})


def test_refusals(client, tagged):
    arn = f"{ARN}:{tagged}"
    assert refused(client.tag_resource, Resource=arn, Tags={})[:2] == (400, "InvalidParameterValueException")
    status, code, text = refused(client.untag_resource, Resource=arn, TagKeys=[])
    assert (status, code, text) == (
        400, "ValidationException",
        "1 validation error detected: Value null at 'tagKeys' failed to satisfy constraint: Member must not be null",
    )
    assert refused(client.list_tags, Resource="arn:aws:s3:::bucket")[:2] == (400, "ValidationException")
    assert refused(client.tag_resource, Resource=arn, Tags={"bad,key": "v"})[:2] == (400, "ValidationException")
    missing = "arn:aws:lambda:us-east-1:000000000000:event-source-mapping:" + "0" * 8 + "-0000-4000-8000-" + "0" * 12
    assert refused(client.list_tags, Resource=missing) == (
        404, "ResourceNotFoundException", "The resource you requested does not exist."
    )
    # Another account's function of the same name has tags of its own, which that account must give to see.
    assert refused(client.list_tags, Resource=arn.replace("0" * 12, "1" * 12))[:2] == (403, "AccessDeniedException")


def test_letters_of_all_languages(client, tagged):
    arn = f"{ARN}:{tagged}"
    tags = {"Straße 1": "日本 + ünïcode=@/", "a": ""}
    client.tag_resource(Resource=arn, Tags=tags)
    assert client.list_tags(Resource=arn)["Tags"] == {"key_a": "value_a", **tags}
