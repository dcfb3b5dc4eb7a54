"""The API's description is valid, complete and equal to the published file."""

from __future__ import annotations

import dataclasses
import re
import tomllib
from pathlib import Path
from typing import Any

import orjson
import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from alsolike.api.openapi import VERSION, description
from alsolike.api.responses import ANSWERS, HEADERS
from alsolike.api.routes import operations
from alsolike.configuration.configuration import DEFAULT, Configuration, Sessions

ROOT = Path(__file__).parents[4]
PUBLISHED = ROOT / "docs" / "openapi.json"

OPERATIONS = {operation.key: operation for operation in operations(DEFAULT)}


@pytest.fixture(scope="module")
def document() -> dict[str, Any]:
    read: dict[str, Any] = orjson.loads(orjson.dumps(description(DEFAULT)))
    return read


def test_description_is_valid_openapi_3_1(document: dict[str, Any]) -> None:
    OpenAPIV31SpecValidator(document).validate()

    assert document["openapi"].startswith("3.1.")


def test_published_file_equals_the_description(document: dict[str, Any]) -> None:
    assert orjson.loads(PUBLISHED.read_bytes()) == document, "run `alsolike openapi > docs/openapi.json`"


def test_description_has_the_version_of_the_product() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

    assert project["version"] == VERSION


@pytest.mark.parametrize("key", OPERATIONS)
def test_every_operation_declares_token_errors_and_parameters(document: dict[str, Any], key: str) -> None:
    method, path = key.split()

    described = document["paths"][path][method.lower()]

    (scheme,) = {name for alternative in described["security"] for name in alternative}
    assert scheme == ("session" if path.startswith("/session/") else "token")
    assert {"401", "403", "429", "503"} <= set(described["responses"])
    in_path = {each["name"] for each in described.get("parameters", []) if each["in"] == "path"}
    assert in_path == set(re.findall(r"{(\w+)}", path))
    assert ("requestBody" in described) == (method in ("POST", "PATCH"))


def test_operation_names_are_unique() -> None:
    assert len({operation.name for operation in OPERATIONS.values()}) == len(list(operations(DEFAULT)))


def test_every_described_schema_and_header_is_used() -> None:
    listed = {name for operation in OPERATIONS.values() for name in operation.headers}

    assert {operation.answer for operation in OPERATIONS.values()} | {"Error", "Item", "User"} == set(ANSWERS)
    assert listed | {"x-amzn-errortype", "www-authenticate", "x-correlation-id"} == set(HEADERS)


def test_correlation_id_is_described_on_every_response_that_has_it(document: dict[str, Any]) -> None:
    """Responses of functions have the header, except those for operators.

    Responses that API Gateway creates, such as 401, do not.
    """
    bearing = {
        (path, status)
        for path, methods in document["paths"].items()
        for operation in methods.values()
        for status, response in operation["responses"].items()
        if "x-correlation-id" in response.get("headers", {})
    }

    assert {("/events", "200"), ("/users/{userId}", "202"), ("/popular", "200"), ("/popular", "304")} < bearing
    assert not [path for path, _ in bearing if path.startswith("/operator/")]
    errors = document["components"]["responses"]
    assert {status for status, error in errors.items() if "x-correlation-id" in error["headers"]} == {
        "400", "404", "409", "413", "429", "503",
    }  # fmt: skip


def _event_types(configuration: Configuration, body: str) -> list[str]:
    """Return the spellings that the description accepts as event types."""
    event = description(configuration)["components"]["schemas"][body]["properties"]["eventList"]["items"]
    spellings = ("view", "VIEW", "AddToCart", "purchase", "purcHaSe", "return", "search", "stream")
    return [spelling for spelling in spellings if re.search(event["properties"]["eventType"]["pattern"], spelling)]


def test_browser_event_types_are_those_permitted_to_sessions() -> None:
    all_declared = ["view", "VIEW", "AddToCart", "purchase", "purcHaSe", "return", "search"]
    sales = dataclasses.replace(DEFAULT, sessions=Sessions(events=("purchase",)))
    none = dataclasses.replace(DEFAULT, sessions=Sessions(events=()))

    assert _event_types(DEFAULT, "Events") == _event_types(none, "Events") == all_declared
    assert _event_types(DEFAULT, "SessionEvents") == ["view", "VIEW", "AddToCart", "search"]
    assert _event_types(sales, "SessionEvents") == ["purchase", "purcHaSe"]
    assert _event_types(none, "SessionEvents") == []
