# SPDX-License-Identifier: Apache-2.0
"""An engine that is reached over TLS: found as the docker command finds it, used as any other, and told from one that is not trusted."""

import base64
import hashlib
import json
import shutil
import uuid

import pytest

# Its fixtures, too.
from test_environments import ROLE, c_bootstrap, lambent_of, provided, wait_until  # noqa: F401

ONLY = "docker-tls"


def folder_with(engine, tmp_path, **files):
    """A folder of certificates: what a file is called there, and what it is."""
    for name, source in files.items():
        shutil.copy(engine.certificates / source, tmp_path / f"{name}.pem")
    return str(tmp_path)


def use_context(engine, folder, skip=False, **files):
    """A docker configuration whose current context leads to the engine; the environment for it."""
    digest = hashlib.sha256(b"over-tls").hexdigest()
    meta, tls = folder / "contexts" / "meta" / digest, folder / "contexts" / "tls" / digest / "docker"
    meta.mkdir(parents=True)
    endpoint = {"Host": f"tcp://127.0.0.1:{engine.port}", "SkipTLSVerify": skip}
    (meta / "meta.json").write_text(json.dumps({"Name": "over-tls", "Metadata": {}, "Endpoints": {"docker": endpoint}}))
    (folder / "config.json").write_text(json.dumps({"currentContext": "over-tls"}))
    tls.mkdir(parents=True)
    folder_with(engine, tls, **files)
    return {"DOCKER_HOST": "", "DOCKER_TLS_VERIFY": "", "DOCKER_CERT_PATH": "", "DOCKER_CONTEXT": "", "DOCKER_CONFIG": str(folder)}


OURS = {"ca": "ca.pem", "cert": "cert.pem", "key": "key.pem"}


@pytest.mark.parametrize("hidden", [False, True], ids=["shared", "hidden"])
def test_a_life(lambent_of, engine, provided, c_bootstrap, hidden):  # noqa: F811
    """An engine that has our files, and one elsewhere: there code goes as an archive, and the link is an attached stream."""
    lambent = lambent_of(hidden=hidden)
    name = lambent.function(c_bootstrap, Timeout=1)
    first, answer = lambent.invoke(name, "count", LogType="Tail")
    assert first["count"] == 1 and "REPORT RequestId:" in base64.b64decode(answer["LogResult"]).decode()
    assert lambent.invoke(name, "count")[0]["count"] == 2
    assert lambent.invoke(name, "make-file:/var/task/here")[0] == ("EACCES" if hidden else "EROFS")  # a volume, or a folder of ours
    stream = lambent.client.invoke_with_response_stream(FunctionName=name, Payload=json.dumps("stream:3000000"))["EventStream"]
    assert sum(len(event["PayloadChunk"]["Payload"]) for event in stream if "PayloadChunk" in event) == 3000000
    late, answer = lambent.invoke(name, "invoke-hang")
    assert answer["FunctionError"] == "Unhandled" and "Task timed out after 1.00 seconds" in late["errorMessage"]
    assert lambent.invoke(name, "count")[0]["count"] == 1


def test_large_payloads(lambent_of, engine, provided, c_bootstrap):  # noqa: F811
    lambent = lambent_of(hidden=True)
    name = lambent.function(c_bootstrap, Handler="echo")
    event = "x" * 5_000_000
    assert lambent.invoke(name, event)[0] == event


def test_the_connection_breaks(lambent_of, engine, provided, c_bootstrap):  # noqa: F811
    """The engine goes with its containers and comes again."""
    lambent = lambent_of(hidden=True)
    name = lambent.function(c_bootstrap)
    assert lambent.invoke(name, "count")[0]["count"] == 1
    engine.restart()
    wait_until(lambda: lambent.invoke(name, "count")[0].get("count") == 1, "it runs again")


@pytest.mark.parametrize("skip, files", [
    (False, OURS),
    (True, {**OURS, "ca": "other-ca.pem"}),
], ids=["verified", "any engine"])
def test_a_context(lambent_of, engine, provided, c_bootstrap, tmp_path, skip, files):  # noqa: F811
    lambent = lambent_of(env=use_context(engine, tmp_path, skip, **files))
    name = lambent.function(c_bootstrap)
    assert lambent.invoke(name, "count")[0]["count"] == 1
    assert f"127.0.0.1:{engine.port}" in "".join(lambent.daemon.lines)
    assert 'found="the current docker context"' in "".join(lambent.daemon.lines)


def test_variables_that_trust_any_engine(lambent_of, engine, provided, c_bootstrap, tmp_path):  # noqa: F811
    certificates = folder_with(engine, tmp_path, **{**OURS, "ca": "other-ca.pem"})
    lambent = lambent_of(env={"DOCKER_TLS_VERIFY": "", "DOCKER_TLS": "1", "DOCKER_CERT_PATH": certificates})
    assert lambent.invoke(lambent.function(c_bootstrap), "count")[0]["count"] == 1


@pytest.mark.parametrize("files, env, why", [
    ({**OURS, "ca": "other-ca.pem"}, {}, "certificate"),
    ({"ca": "ca.pem"}, {}, "certificate"),
    ({"ca": "ca.pem", "cert": "cert.pem", "key": "good.key"}, {}, ""),
    ({**OURS, "cert": "stranger.pem", "key": "stranger.key"}, {}, "certificate"),
    (OURS, {"LAMBENT_LIBCURL": "/nowhere/libcurl.so.4"}, "install the package libcurl4"),
    (OURS, {"DOCKER_TLS_VERIFY": ""}, "HTTPS"),
], ids=["another authority", "no certificate of ours", "another's key", "a stranger's certificate", "no libcurl", "without TLS"])
def test_what_is_not_trusted(lambent_of, engine, provided, c_bootstrap, tmp_path, files, env, why):  # noqa: F811
    lambent = lambent_of(env={"DOCKER_CERT_PATH": folder_with(engine, tmp_path, **files), **env})
    name = f"fn-{uuid.uuid4().hex[:12]}"
    lambent.client.create_function(FunctionName=name, Runtime="provided.al2023", Handler="x", Role=ROLE, Code={"ZipFile": c_bootstrap})
    wait_until(lambda: lambent.client.get_function_configuration(FunctionName=name)["State"] == "Failed", "it fails")
    reason = lambent.client.get_function_configuration(FunctionName=name)["StateReason"]
    assert f"127.0.0.1:{engine.port}" in reason and why in reason
