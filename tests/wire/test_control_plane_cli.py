# SPDX-License-Identifier: Apache-2.0
"""The control plane through AWS's own command line tool."""

import json
import os
import shutil
import subprocess
import urllib.request

import pytest

ROLE = "arn:aws:iam::000000000000:role/lambent"

pytestmark = pytest.mark.skipif(not shutil.which("aws"), reason="needs the AWS CLI")


@pytest.fixture
def aws(lambent, tmp_path):
    """aws("get-function", "--function-name", …) → its output as JSON; a failure's text is raised."""
    env = {
        **os.environ,
        "AWS_ENDPOINT_URL": lambent.endpoint,
        "AWS_ACCESS_KEY_ID": "test",
        "AWS_SECRET_ACCESS_KEY": "test",
        "AWS_DEFAULT_REGION": "us-east-1",
        "AWS_CONFIG_FILE": str(tmp_path / "none"),
        "AWS_PAGER": "",
    }

    def run(*words):
        done = subprocess.run(["aws", "lambda", *words, "--output", "json"], env=env, capture_output=True, text=True, timeout=120)
        if done.returncode:
            raise RuntimeError(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else None

    return run


def test_a_function_and_its_layer(aws, tmp_path, zip_of, unique_name):
    name, layer = unique_name(), unique_name("layer")
    package = tmp_path / "fn.zip"
    package.write_bytes(zip_of({"bootstrap*": "#!/bin/sh\n"}))
    published = aws("publish-layer-version", "--layer-name", layer, "--zip-file", f"fileb://{package}")
    created = aws(
        "create-function", "--function-name", name, "--runtime", "provided.al2023", "--handler", "h", "--role", ROLE,
        "--zip-file", f"fileb://{package}", "--environment", "Variables={KEY=value}", "--layers", published["LayerVersionArn"],
    )
    assert created["State"] == "Pending" and created["Layers"][0]["Arn"] == published["LayerVersionArn"]
    aws("wait", "function-active-v2", "--function-name", name)
    # The tool encodes the colons of the ARN in the path.
    got = aws("get-function", "--function-name", created["FunctionArn"])
    assert got["Configuration"]["State"] == "Active"
    with urllib.request.urlopen(got["Code"]["Location"]) as answer:
        assert answer.read() == package.read_bytes()
    aws("update-function-configuration", "--function-name", name, "--timeout", "9")
    aws("wait", "function-updated-v2", "--function-name", name)
    assert aws("publish-version", "--function-name", name)["Version"] == "1"
    versions = aws("list-versions-by-function", "--function-name", name, "--max-items", "1")
    assert len(versions["Versions"]) == 1 and versions["NextToken"]
    aws("delete-function", "--function-name", name)
    with pytest.raises(RuntimeError, match="ResourceNotFoundException.*Function not found"):
        aws("get-function", "--function-name", name)
    assert aws("list-capacity-providers")["CapacityProviders"] == []
