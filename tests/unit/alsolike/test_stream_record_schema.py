"""The published JSON Schema of the stream record says what `parse_record` does."""

from __future__ import annotations

import dataclasses
import functools
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from alsolike import interactions as contract
from alsolike.configuration import EVENT_WEIGHTS
from alsolike.errors import InvalidInput
from alsolike.interactions import Interaction, parse_record
from tests.unit.alsolike.records import TIME_MS, fields, interactions

SCHEMA_FILE = Path(__file__).parents[3] / "docs" / f"stream-record.v{contract.SCHEMA_VERSION}.schema.json"

MISSING = object()

LITERALS = [MISSING, None, True, False]
NUMBERS = [0, 1, 2, -1, 1.5, TIME_MS, 253_402_300_799_999, 253_402_300_800_000, 2**63]
TEXTS = ["", " ", "x", "view", "1", "{}", "x" * 40, "x" * 41, "😀" * 256, "x" * 257, "x" * 16_384, "x" * 16_385]
LISTS = [[], {}, [""], ["x"], [1], [None], ["x"] * 25, ["x"] * 26, ["x" * 257]]


@functools.cache
def schema() -> dict[str, Any]:
    document: dict[str, Any] = orjson.loads(SCHEMA_FILE.read_bytes())
    return document


@functools.cache
def validator() -> Any:
    Draft202012Validator.check_schema(schema())
    return Draft202012Validator(schema())


def is_readable(document: dict[str, Any]) -> bool:
    try:
        parse_record(orjson.dumps(document), arrived_ms=contract.MAX_TIME_MS)  # no schema knows a record's arrival
    except InvalidInput:
        return False
    return True


def test_the_schema_has_the_records_fields_in_order() -> None:
    assert list(schema()["properties"]) == [field.name for field in dataclasses.fields(Interaction)]


def test_the_schema_has_the_contracts_limits() -> None:
    properties = schema()["properties"]

    assert {name: rule["maxLength"] for name, rule in properties.items() if "maxLength" in rule} == {
        "event_id": contract.MAX_ID_CHARACTERS,
        "user_id": contract.MAX_ID_CHARACTERS,
        "session_id": contract.MAX_ID_CHARACTERS,
        "item_id": contract.MAX_ID_CHARACTERS,
        "recommendation_id": contract.MAX_RECOMMENDATION_ID_CHARACTERS,
        "properties": contract.MAX_RECORD_PROPERTIES_CHARACTERS,
    }
    assert properties["impression"]["maxItems"] == contract.MAX_IMPRESSION_ITEMS
    assert properties["impression"]["items"]["maxLength"] == contract.MAX_ID_CHARACTERS
    assert properties["event_type"]["enum"] == list(EVENT_WEIGHTS)
    assert properties["event_time_ms"]["maximum"] == properties["received_time_ms"]["maximum"] == contract.MAX_TIME_MS
    assert properties["schema_version"]["const"] == contract.SCHEMA_VERSION


@given(interactions())
def test_every_record_that_is_written_satisfies_the_schema(written: Interaction) -> None:
    validator().validate(orjson.loads(written.to_record()))


@settings(max_examples=300)
@given(
    st.dictionaries(
        st.sampled_from([*fields(), "colour"]),
        st.sampled_from([*LITERALS, *NUMBERS, *TEXTS, *LISTS]),
        max_size=3,
    )
)
def test_schema_and_reader_refuse_the_same_records(changes: dict[str, Any]) -> None:
    document = {name: value for name, value in fields(**changes).items() if value is not MISSING}
    _remove_what_no_schema_can_say(document)

    assert validator().is_valid(document) == is_readable(document)


def _remove_what_no_schema_can_say(document: dict[str, Any]) -> None:
    """Make every text of properties a JSON object of the same length."""
    if isinstance(properties := document.get("properties"), str) and properties:
        document["properties"] = "{" + " " * (len(properties) - 2) + "}"


@pytest.mark.parametrize("name", sorted(set(fields()) - {"user_id", "session_id"}))
def test_schema_and_reader_require_the_same_fields(name: str) -> None:
    document = fields()
    del document[name]

    assert validator().is_valid(document) == is_readable(document) == (name not in schema()["required"])
