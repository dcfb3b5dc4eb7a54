"""The published JSON Schema of the stream record agrees with `parse_record`."""

import functools
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from alsolike.configuration.configuration import Configuration, Limits
from alsolike.declarations.times import MAX_TIME_MS
from alsolike.events.interactions import parse_record
from alsolike.records.columns import newest_version
from alsolike.records.interaction import COLUMNS, READABLE_VERSIONS, SCHEMA_VERSION, Interaction, record_schema
from alsolike.runtime.errors import InvalidInput
from tests.unit.alsolike.records import TIME_MS, fields, interactions

DOCS = Path(__file__).parents[4] / "docs"
WRITTEN_BY_VERSION_1 = Path(__file__).parent / "stream_records" / "v1.jsonl"
"""Records as version 1 of the contract wrote them. The file is frozen, because producers may still send such
records."""

MISSING = object()

ANY_AGE = Configuration(limits=Limits(max_event_age_days=4_000_000))
"""Configuration without an effective age limit, because a schema does not contain the time of arrival."""

LITERALS = [MISSING, None, True, False]
NUMBERS = [0, 1, 2, -1, 1.5, TIME_MS, 253_402_300_799_999, 253_402_300_800_000, 2**63]
TEXTS = ["", " ", "x", "view", "1", "{}", "x" * 40, "x" * 41, "😀" * 256, "x" * 257, "x" * 16_384, "x" * 16_385]
LISTS = [[], {}, [""], ["x"], [1], [None], ["x"] * 25, ["x"] * 26, ["x" * 257]]


@functools.cache
def schema(version=SCHEMA_VERSION):
    return orjson.loads((DOCS / f"stream-record.v{version}.schema.json").read_bytes())


@functools.cache
def validator(version=SCHEMA_VERSION):
    Draft202012Validator.check_schema(schema(version))
    return Draft202012Validator(schema(version))


def is_readable(document):
    try:
        parse_record(orjson.dumps(document), arrived_ms=MAX_TIME_MS, configuration=ANY_AGE)
    except InvalidInput:
        return False
    return True


def test_every_readable_version_has_its_schema():
    constants = {version: schema(version)["properties"]["schema_version"]["const"] for version in READABLE_VERSIONS}

    assert constants == {version: version for version in READABLE_VERSIONS}


def test_published_schema_equals_the_declaration():
    assert schema() == record_schema(), "run `make docs WHAT=api`"


@pytest.mark.parametrize("version", READABLE_VERSIONS)
def test_published_schemas_have_the_fields_of_their_version(version):
    assert set(schema(version)["properties"]) == {name for name, each in COLUMNS.items() if each.since <= version}


def test_schema_version_is_that_of_the_latest_field():
    assert newest_version(Interaction) == SCHEMA_VERSION


@given(interactions())
def test_every_written_record_satisfies_the_schema(written):
    validator().validate(orjson.loads(written.to_record()))


CHANGES = st.dictionaries(
    st.sampled_from([*fields(), "colour"]), st.sampled_from([*LITERALS, *NUMBERS, *TEXTS, *LISTS]), max_size=3
)


@settings(max_examples=300)
@given(CHANGES)
def test_schema_and_parser_refuse_the_same_records(changes):
    _both_refuse_the_same(SCHEMA_VERSION, fields(**changes))


@pytest.mark.parametrize("version", READABLE_VERSIONS[:-1])
@settings(max_examples=300)
@given(changes=CHANGES)
def test_schema_and_parser_refuse_the_same_records_of_older_versions(version, changes):
    written = {name: value for name, value in fields(schema_version=version).items() if COLUMNS[name].since <= version}

    _both_refuse_the_same(version, {**written, **changes})


def _both_refuse_the_same(version, written):
    document = {name: value for name, value in written.items() if value is not MISSING}
    _remove_unchecked_values(document)
    stated = document.get("schema_version")
    if type(stated) is int and stated != version and stated in READABLE_VERSIONS:
        return  # Another schema describes this version.

    assert validator(version).is_valid(document) == is_readable(document)


def _remove_unchecked_values(document):
    """Replace values that only the parser checks."""
    if isinstance(properties := document.get("properties"), str) and properties:
        document["properties"] = "{" + " " * (len(properties) - 2) + "}"
    version, event_type = document.get("schema_version"), document.get("event_type")
    if version != 1 and isinstance(event_type, str) and event_type.strip() and len(event_type) <= 256:
        document["event_type"] = "search"  # This event type does not require an item.


@pytest.mark.parametrize("name", sorted(set(fields()) - {"user_id", "session_id", "item_id", "query"}))
def test_schema_and_parser_require_the_same_fields(name):
    document = fields()
    del document[name]

    assert validator().is_valid(document) == is_readable(document) == (name not in schema()["required"])


def test_records_of_version_1_are_parsed_as_before():
    """The expected values are literals, so that they do not depend on the current code."""
    plain: dict[str, Any] = dict.fromkeys(("user_id", "session_id", "event_value", "recommendation_id"))
    plain |= {"impression": (), "properties": "{}", "event_time_ms": TIME_MS, "received_time_ms": TIME_MS}
    plain |= {"schema_version": 1, "item_id": "i1"}

    def written(event_id, event_type, **changes):
        return Interaction(**{**plain, "event_id": event_id, "event_type": event_type, **changes})

    lines = WRITTEN_BY_VERSION_1.read_bytes().splitlines()
    found = [parse_record(line, arrived_ms=TIME_MS + 1000, configuration=ANY_AGE) for line in lines]

    properties = '{"query":"red shoes","eventAttributionSource":"mail"}'
    assert found == [
        written("e1", "purchase", user_id="u1", session_id="s1", event_value=12.5, recommendation_id="r1",
                impression=("i1", "i2"), properties='{"colour":"red"}', received_time_ms=TIME_MS + 250),
        written("e2", "view", session_id="s1", item_id="i/ü/😀", event_time_ms=TIME_MS - 1),
        written("e3", "cart", user_id="u1", item_id="../i1", event_value=0.0),
        written("e4", "cart", user_id="u1"),
        written("e5", "view", user_id="u1", event_value=3.0, event_time_ms=1),
        written("f3f044ea13d5e6d6268d299b2d9c16c0", "click", user_id="u1", session_id="s1", properties=properties),
    ]  # fmt: skip


def test_records_of_version_1_satisfy_their_schema():
    lines = [orjson.loads(line) for line in WRITTEN_BY_VERSION_1.read_bytes().splitlines()]
    in_any_case = [{**line, "event_type": line["event_type"].lower().replace("addto", "")} for line in lines]

    assert [validator(1).is_valid(line) for line in in_any_case] == [True] * 6


def test_records_of_version_2_are_parsed_as_before():
    """The record is frozen as version 2 of the contract wrote it."""
    line = (
        b'{"event_id":"e1","user_id":"u1","session_id":"s1","item_id":null,"event_type":"search","event_value":null,'
        b'"event_time_ms":1700000000000,"recommendation_id":null,"impression":[],"properties":"{}",'
        b'"received_time_ms":1700000000250,"schema_version":2,"query":"red shoes"}'
    )

    found = parse_record(line, arrived_ms=TIME_MS + 1000)

    assert validator(2).is_valid(orjson.loads(line))
    assert (found.query, found.correlation_id, found.schema_version) == ("red shoes", None, 2)
    assert parse_record(found.to_record(), arrived_ms=TIME_MS + 1000) == found
    with pytest.raises(InvalidInput, match="correlation_id"):
        parse_record(line.replace(b'"query"', b'"correlation_id":"c","query"'), arrived_ms=TIME_MS + 1000)
