"""Hooks of schemathesis with this deployment's names and tokens, and with rules that the description cannot state.

They run in the process of schemathesis. The environment variable `ALSOLIKE_API_TEST` (`GIVEN`) contains the path of
the output of `tests.slow.api.deployment.given`.
"""

from __future__ import annotations

import json
import os
import re
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import jsonschema
import schemathesis
from hypothesis import strategies as st
from schemathesis.core.failures import AcceptedNegativeData, Failure
from schemathesis.openapi.checks import RejectedPositiveData

from alsolike.api.path_ids import MARK
from alsolike.recommendations.request_fields import BOUGHT_TOGETHER
from tests.slow.api.deployment import GIVEN

_GIVEN = json.loads(Path(os.environ[GIVEN]).read_text())

_BETWEEN_FIELDS = re.compile(
    "|".join(
        (
            "numResults is [0-9]+, expected a whole number from 0 to 50",  # a query with metadata
            "itemId is missing, expected an item: (similar-items|bought-together) requires an item",  # a query
            "cart is given, expected none: only bought-together completes a cart, not .*",  # a query
            "window is .*, expected none: .* has no window, only trending has one",  # a query
            "filterValues is given without a filter, and .* has none",
            "filterValues[.].* is missing, expected a value",
            "model version .* is champion already",  # no other version could become champion
            r"^(draft\.)?(filters|recommenders|rules)\b",  # a draft has the form of the configuration document
            "nextToken belongs to another list",  # the description has one type for the tokens of all lists
        )
    )
)
"""Messages of rejected requests that are valid by the description. JSON Schema cannot express these rules."""

_DEEP = re.compile(r"(\w+)\[([^\[\]]*)\]")
"""Property of an object in a query, such as `filterValues[MOST]`."""

_KEYS = st.text(st.characters(codec="ascii", categories=["L"]), min_size=1, max_size=8)
_VALUES = st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8)
schemathesis.openapi.format(
    "json-object",
    st.dictionaries(_KEYS, _VALUES, max_size=4).map(lambda fields: json.dumps({**fields, "query": "pears"})),
)


@schemathesis.hook
def before_load_schema(context: schemathesis.HookContext, raw_schema: dict[str, Any]) -> None:
    """Insert this deployment's names into the schemas, and the schemas of JSON in strings."""
    for name, properties in _GIVEN["bodies"].items():
        raw_schema["components"]["schemas"][name]["properties"].update(properties)
    for path, operations in raw_schema["paths"].items():
        for operation in operations.values():
            for parameter in operation.get("parameters", ()):
                # `version` of a configuration is an integer, unlike that of a model.
                if parameter["schema"].get("type") != "integer":
                    parameter["schema"] = _GIVEN["parameters"].get(parameter["name"], parameter["schema"])
                if path.startswith("/session/") and parameter["name"] == "metadata":
                    parameter["schema"]["items"] = {"enum": _GIVEN["session_columns"]}
    _name_json(raw_schema)


@schemathesis.hook
def map_case(context: schemathesis.HookContext, case: schemathesis.Case[Any]) -> schemathesis.Case[Any]:
    """Set `bought-together` in valid queries with a cart. All other recommenders reject a cart."""
    modes = {} if case.meta is None else {place.name: each.mode for place, each in case.meta.components.items()}
    if case.query and case.query.get("cart") and "QUERY" in modes and not modes["QUERY"].is_negative:
        case.query["recommender"] = BOUGHT_TOGETHER
    return case


@schemathesis.hook
def filter_failure(
    context: schemathesis.HookContext,
    failure: Failure,
    case: schemathesis.Case[Any],
    response: schemathesis.Response,
) -> bool:
    """Return whether a failure is a defect.

    A rejection for a reason that the description cannot state is not a defect. The success of a request that was
    generated as invalid, but is valid as sent, is not a defect either.
    """
    if isinstance(failure, AcceptedNegativeData):
        return not _is_good_as_sent(case, response)
    if not isinstance(failure, RejectedPositiveData):
        return True
    ids = [unquote(str(value)) for value in case.path_parameters.values()]
    # An ID after `~` must be base64url of UTF-8, which the description cannot state. The API lists IDs with U+FFFD
    # unchanged, so requests send these IDs without the `~` that the description requires.
    no_ids = any(each.startswith(MARK) or "\ufffd" in each for each in ids)
    return not no_ids and not _BETWEEN_FIELDS.search(response.json()["message"])


@schemathesis.auth(refresh_interval=None)
class Tokens:
    def get(self, case: schemathesis.Case[Any], context: schemathesis.AuthContext) -> str:
        ((scheme, scopes),) = case.operation.definition.raw["security"][0].items()
        return str(_GIVEN["tokens"][scopes[0] if scopes else scheme])

    def set(self, case: schemathesis.Case[Any], data: str, context: schemathesis.AuthContext) -> None:
        case.headers["Authorization"] = f"Bearer {data}"


def _is_good_as_sent(case: schemathesis.Case[Any], response: schemathesis.Response) -> bool:
    """Return whether only the query was generated as invalid, and is valid as sent.

    `false` in place of a list is sent as a list of one text, and an object without properties is not sent.
    """
    meta = case.meta
    if meta is None or {place.name for place, made in meta.components.items() if made.mode.is_negative} != {"QUERY"}:
        return False
    schemas = {
        each["name"]: each["schema"] for each in case.operation.definition.raw["parameters"] if each["in"] == "query"
    }
    plain: dict[str, Any] = {}
    objects: dict[str, dict[str, str]] = {}
    for name, texts in parse_qs(urlsplit(str(response.request.url)).query, keep_blank_values=True).items():
        deep = _DEEP.fullmatch(name)
        outer, inner = deep.groups() if deep else (name, None)
        if len(texts) != 1 or outer not in schemas:
            return False
        if inner is None:
            plain[outer] = _read(texts[0], schemas[outer])
        else:
            objects.setdefault(outer, {})[inner] = texts[0]
    return all(
        jsonschema.Draft202012Validator(schemas[name]).is_valid(value)
        for name, value in (*plain.items(), *objects.items())
    )


def _read(text: str, schema: dict[str, Any]) -> Any:
    if schema.get("type") == "array":
        return text.split(",")
    if schema.get("type") == "integer" and re.fullmatch("-?[0-9]+", text):
        return int(text)
    return {"true": True, "false": False}.get(text, text) if schema.get("type") == "boolean" else text


def _name_json(node: Any) -> None:
    if isinstance(node, dict):
        if node.get("contentMediaType") == "application/json":
            del node["contentMediaType"], node["contentSchema"]
            node["format"] = "json-object"
        for child in node.values():
            _name_json(child)
    elif isinstance(node, list):
        for child in node:
            _name_json(child)
