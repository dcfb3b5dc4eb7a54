"""The API's description is valid, complete and equal to the published file."""

import dataclasses
import re
import tomllib
from pathlib import Path

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from alsolike.api.openapi import VERSION, description
from alsolike.api.openapi_operations import operations
from alsolike.api.response_schemas import ANSWERS, HEADERS
from alsolike.configuration.configuration import DEFAULT, Sessions

ROOT = Path(__file__).parents[4]
PUBLISHED = ROOT / "docs" / "openapi.json"

OPERATIONS = operations(DEFAULT)


@pytest.fixture(scope="module")
def document():
    return orjson.loads(orjson.dumps(description(DEFAULT)))


def test_description_is_valid_openapi_3_1(document):
    OpenAPIV31SpecValidator(document).validate()

    assert document["openapi"].startswith("3.1.")


def test_published_file_equals_the_description(document):
    assert orjson.loads(PUBLISHED.read_bytes()) == document, "run `alsolike openapi > docs/openapi.json`"


def test_description_has_the_version_of_the_product():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == VERSION


@pytest.mark.parametrize("key", OPERATIONS)
def test_every_operation_declares_token_errors_and_parameters(document, key):
    method, path = key.split()

    described = document["paths"][path][method.lower()]

    (scheme,) = {name for alternative in described["security"] for name in alternative}
    assert scheme == ("session" if path.startswith("/session/") else "token")
    assert {"401", "403", "429", "503"} <= set(described["responses"])
    in_path = {each["name"] for each in described.get("parameters", []) if each["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))
    assert ("requestBody" in described) == (method in ("POST", "PATCH"))


def test_operation_names_are_unique():
    assert len({operation.name for operation in OPERATIONS.values()}) == len(OPERATIONS)


def test_every_described_schema_and_header_is_used():
    listed = {name for operation in OPERATIONS.values() for name in operation.headers}

    assert {operation.answer for operation in OPERATIONS.values()} | {"Error", "Item", "User"} == set(ANSWERS)
    assert listed | {"x-amzn-errortype", "www-authenticate", "x-correlation-id"} == set(HEADERS)


def test_correlation_id_is_described_on_every_response_that_has_it(document):
    """Responses of functions have the header. Responses that API Gateway creates, such as 401, do not."""
    bearing = {
        (path, status)
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if "x-correlation-id" in response.get("headers", {})
    }

    assert {("/events", "200"), ("/users/{userId}", "202"), ("/popular", "200"), ("/popular", "304")} < bearing
    assert {("/operator/models", "200"), ("/operator/drift", "202")} < bearing
    errors = document["components"]["responses"]
    assert {status for status, error in errors.items() if "x-correlation-id" in error["headers"]} == {
        "400", "404", "409", "413", "429", "503",
    }  # fmt: skip


def _event_types(configuration, body):
    event = description(configuration)["components"]["schemas"][body]["properties"]["eventList"]["items"]
    spellings = ("view", "VIEW", "AddToCart", "purchase", "purcHaSe", "return", "search", "stream")
    return [spelling for spelling in spellings if re.search(event["properties"]["eventType"]["pattern"], spelling)]


def test_browser_event_types_are_those_permitted_to_sessions():
    all_declared = ["view", "VIEW", "AddToCart", "purchase", "purcHaSe", "return", "search"]
    sales = dataclasses.replace(DEFAULT, sessions=Sessions(events=("purchase",)))
    none = dataclasses.replace(DEFAULT, sessions=Sessions(events=()))

    assert _event_types(DEFAULT, "Events") == _event_types(none, "Events") == all_declared
    assert _event_types(DEFAULT, "SessionEvents") == ["view", "VIEW", "AddToCart", "search"]
    assert _event_types(sales, "SessionEvents") == ["purchase", "purcHaSe"]
    assert _event_types(none, "SessionEvents") == []
