"""The schemas of put calls accept the same bodies as their parsers."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.api.put_events import EVENT, parse_put_events, put_events
from alsolike.catalogue.items import ITEMS
from alsolike.catalogue.rows import RowKind, changes_schema, described_put, parse_changes, parse_put
from alsolike.catalogue.users import USERS
from alsolike.configuration.configuration import ColumnType, Configuration, EventType
from alsolike.runtime.errors import InvalidInput
from tests.builders.field_values import ANYTHING, judge, near
from tests.unit.alsolike.records import TIME_MS

CONFIGURATION = Configuration(
    events={
        "view": EventType("view", 1.0),
        "gift-wrap": EventType("gift-wrap", 1.0, aliases=("wrap (paid)",)),
        "search": EventType("search", 0.0, item_required=False),
    }
)
COLUMNS = {
    "title": ColumnType.STRING,
    "about": ColumnType.TEXT,
    "price": ColumnType.NUMBER,
    "isNew": ColumnType.BOOLEAN,
    "tags": ColumnType.LIST,
    "soldAt": ColumnType.TIMESTAMP,
}
EVENTS = put_events(CONFIGURATION)
EVENTS_JUDGE = judge(EVENTS.schema())
KINDS: tuple[RowKind[Any], ...] = (ITEMS, USERS)
PUTS = {kind.name: (kind, described_put(kind, COLUMNS)) for kind in KINDS}
PUT_JUDGES = {name: judge(fields.schema()) for name, (_, fields) in PUTS.items()}
CHANGES_JUDGE = judge(changes_schema(ITEMS, COLUMNS))


def takes_events(call):
    try:
        return not parse_put_events(orjson.dumps(call), now_ms=TIME_MS, configuration=CONFIGURATION).refused
    except InvalidInput:
        return False


def takes_rows(call, kind):
    try:
        return not parse_put(orjson.dumps(call), kind, columns=COLUMNS).refused
    except InvalidInput:
        return False


def takes_changes(changes):
    try:
        parse_changes(orjson.dumps(changes), ITEMS, columns=COLUMNS)
    except InvalidInput:
        return False
    return True


def event(**fields):
    return {
        "trackingId": "t", "sessionId": "s", "eventList": [{"eventType": "view", "sentAt": 1, "itemId": "i", **fields}]
    }  # fmt: skip


@given(near(EVENTS))
def test_event_parser_accepts_the_same_calls_as_the_schema(call):
    assert takes_events(call) == EVENTS_JUDGE.is_valid(call)


NEAR_FIELDS = {name: near(field) for name, field in EVENT.fields.items()}


@pytest.mark.parametrize("name", EVENT.fields)
@given(data=st.data())
def test_event_field_parser_accepts_the_same_values_as_the_schema(name, data):
    call = event(**{name: data.draw(NEAR_FIELDS[name])})

    assert takes_events(call) == EVENTS_JUDGE.is_valid(call)


@pytest.mark.parametrize(
    ("fields", "taken"),
    [
        ({"eventType": "VIEW"}, True),
        ({"eventType": "Wrap (Paid)"}, True),
        ({"eventType": "views"}, False),
        ({"itemId": None}, False),
        ({"eventType": "search", "itemId": None}, False),
        ({"eventType": "search", "itemId": None, "properties": '{"query": " "}'}, False),
        ({"eventType": "search", "itemId": None, "properties": '{"query": "pears"}'}, True),
        ({"eventType": "Search", "itemId": None, "properties": {"query": "pears"}}, True),
        ({"properties": '{"query": ""}'}, True),
        ({"properties": "[]"}, False),
        ({"sentAt": 0.0005}, False),
        ({"sentAt": 253_402_300_799.999}, True),
        ({"sentAt": 999_999_999_999}, False),
        ({"sentAt": 1e12}, True),
        ({"sentAt": 253_402_300_800_000}, False),
    ],
)
def test_event_parser_and_schema_agree_on_examples(fields, taken):
    call = event(**fields)

    assert (takes_events(call), EVENTS_JUDGE.is_valid(call)) == (taken, taken)


NEAR_ROWS = {name: near(fields) for name, (_, fields) in PUTS.items()}


@pytest.mark.parametrize("name", PUTS)
@given(data=st.data())
def test_row_parser_accepts_the_same_calls_as_the_schema(name, data):
    kind, _ = PUTS[name]
    call = data.draw(NEAR_ROWS[name])

    assert takes_rows(call, kind) == PUT_JUDGES[name].is_valid(call)


@pytest.mark.parametrize("name", PUTS)
@given(properties=st.dictionaries(st.sampled_from([*COLUMNS, "creationTimestamp", "other"]), ANYTHING, max_size=3))
def test_column_parser_accepts_the_same_properties_as_the_schema(name, properties):
    kind, _ = PUTS[name]
    call = {"datasetArn": "a", kind.list_field: [{kind.id_field: "i", "properties": properties}]}

    assert takes_rows(call, kind) == PUT_JUDGES[name].is_valid(call)


@given(st.dictionaries(st.sampled_from([*COLUMNS, "creationTimestamp", "other", ""]), ANYTHING, max_size=3))
def test_change_parser_accepts_the_same_changes_as_the_schema(changes):
    assert takes_changes(changes) == CHANGES_JUDGE.is_valid(changes)


@pytest.mark.parametrize(("columns", "taken"), [(100, True), (101, False)])
def test_row_parser_and_schema_have_the_same_column_limit(columns, taken):
    properties = {f"c{number}": 1 for number in range(columns)}
    call = {"datasetArn": "a", "items": [{"itemId": "i", "properties": properties}]}

    assert (takes_rows(call, ITEMS), PUT_JUDGES["item"].is_valid(call)) == (taken, taken)
