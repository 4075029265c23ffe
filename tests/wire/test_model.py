# SPDX-License-Identifier: Apache-2.0
"""The table of the Lambda API's requests and the model that it is made from."""

import importlib.util
import pathlib

import botocore
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODEL = pathlib.Path(botocore.__file__).parent / "data/lambda/2015-03-31/service-2.json.gz"


@pytest.fixture(scope="session")
def make_model():
    spec = importlib.util.spec_from_file_location("make_model", ROOT / "tools/make_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_fresh(make_model):
    """After a change of the model: tools/make_model.py MODEL src/api/model_table.c"""
    assert make_model.make(make_model.read(MODEL)) == (ROOT / "src/api/model_table.c").read_text()
