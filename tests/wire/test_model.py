# SPDX-License-Identifier: Apache-2.0
"""The table of the Lambda API's requests and the model that it is made from."""

import importlib.util
import pathlib

import botocore
import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
MODELS = pathlib.Path(botocore.__file__).parent / "data"
MODEL = MODELS / "lambda/2015-03-31/service-2.json.gz"


@pytest.fixture(scope="session")
def make_model():
    spec = importlib.util.spec_from_file_location("make_model", ROOT / "tools/make_model.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_is_fresh(make_model):
    """After a change of the model: tools/make_model.py MODEL src/api/model_table.c"""
    assert make_model.make(make_model.read(MODEL)) == (ROOT / "src/api/model_table.c").read_text()


@pytest.mark.parametrize("name, version", [("iam", "2010-05-08"), ("sts", "2011-06-15"), ("logs", "2014-03-28")])
def test_the_neighbours_tables_are_fresh(make_model, name, version):
    """After a change of a model: tools/make_model.py MODEL src/api/neighbours/NAME_model.c"""
    model = make_model.read(MODELS / name / version / "service-2.json.gz")
    assert make_model.make(model) == (ROOT / f"src/api/neighbours/{name}_model.c").read_text()


def test_an_operation_that_aws_adds_is_in_the_table(make_model):
    model = make_model.read(MODEL)
    model["operations"]["PaintFunction"] = {
        "name": "PaintFunction",
        "http": {"method": "PUT", "requestUri": "/2030-01-01/functions/{FunctionName}/colour", "responseCode": 202},
        "input": {"shape": "PaintFunctionRequest"},
    }
    model["shapes"]["PaintFunctionRequest"] = {
        "type": "structure", "required": ["FunctionName", "Colour"],
        "members": {
            "FunctionName": {"shape": "FunctionName", "location": "uri", "locationName": "FunctionName"},
            "Colour": {"shape": "Colour"},
        },
    }
    model["shapes"]["Colour"] = {"type": "string", "enum": ["Red", "Green"]}
    table = make_model.make(model)
    assert '{ "PaintFunction", HTTP_PUT_, "/2030-01-01/functions/{}/colour", 202, members_PaintFunctionRequest, 2 }' in table
    assert '{ "Colour", &shape_Colour, .required = true }' in table
    assert "const size_t model_operation_count = 92;" in table


def test_sets_of_words_are_ordered_as_java_orders_them(make_model):
    """[TestLambdaRecursion::test_put_function_recursion_config_invalid_value, TestLambdaSnapStart::test_snapstart_exceptions]"""
    assert make_model.enumeration(["Allow", "Terminate"]) == "Terminate, Allow"
    assert make_model.enumeration(["None", "PublishedVersions"]) == "PublishedVersions, None"
    assert make_model.enumeration(["arm64", "x86_64"]) == "x86_64, arm64"


def test_every_setting_of_functions_is_in_the_documentation(make_model):
    """docs/settings.md says of each whether it has an effect: one that AWS adds is missed here."""
    shapes = make_model.read(MODEL)["shapes"]
    text = (ROOT / "docs/settings.md").read_text()
    for request in ("CreateFunctionRequest", "UpdateFunctionConfigurationRequest", "UpdateFunctionCodeRequest", "FunctionCode"):
        assert [member for member in shapes[request]["members"] if f"`{member}`" not in text] == []
