"""The columnar parser of records gives the same results as the parser of single records."""

from __future__ import annotations

from typing import Any

import orjson
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from alsolike.configuration.configuration import DEFAULT
from alsolike.events.interactions import Interaction
from alsolike.events.stream import StreamRecord, parse_batch
from alsolike.lake import record_columns
from alsolike.lake.record_columns import FEW_RECORDS, plain_columns, read_columns
from alsolike.records.columns import Text
from alsolike.records.interaction import COLUMNS, INTERACTIONS_COLUMNS, SCHEMA_VERSION
from tests.unit.alsolike.records import TIME_MS, fields, interactions


class Built:
    """Source of the built-in configuration."""

    def current(self, *, now_ms):
        return DEFAULT

    refresh = current


def stream(*documents):
    return [
        StreamRecord("events", "shard", str(number), TIME_MS, each if isinstance(each, bytes) else orjson.dumps(each))
        for number, each in enumerate(documents)
    ]


def one_by_one(records):
    parsed = list(zip(records, parse_batch(records, configurations=Built(), now_ms=TIME_MS), strict=True))
    return (
        [
            {name: getattr(each, name) for name in INTERACTIONS_COLUMNS}
            for _, each in parsed
            if isinstance(each, Interaction)
        ],
        [(record.sequence, str(each)) for record, each in parsed if not isinstance(each, Interaction)],
    )


def by_column(records):
    columns, refused = read_columns(records, configurations=Built(), now_ms=TIME_MS)
    rows = [
        {**dict(zip(columns, values, strict=True)), "impression": tuple(values[list(columns).index("impression")])}
        for values in zip(*columns.values(), strict=True)
    ]
    return rows, [(record.sequence, str(error)) for record, error in refused]


ODD: dict[str, list[Any]] = {
    **{
        name: [None, "x", "", 7, "x" * column.type.maximum, "x" * (column.type.maximum + 1)]
        for name, column in COLUMNS.items()
        if isinstance(column.type, Text)
    },
    "event_id": [None, "", "  ", 7, "a" * 256, "a" * 257, "a\x00", "a\u200db", "\u2003", "é😀"],
    "user_id": [None, "", 7, True, "a" * 257, "u\n"],
    "session_id": [None, "\u00a0", ["s"]],
    "item_id": [None, " ", 7, {"a": 1}, "../i", "i\x7f"],
    "event_type": [None, "", "View", "AddToCart", "rating", "search", 7],
    "event_value": [None, 1, -2.5, 2**63, True, "3", 1e308],
    "event_time_ms": [
        None,
        0,
        -1,
        1,
        TIME_MS - 730 * 86_400_000,
        TIME_MS - 730 * 86_400_000 - 1,
        TIME_MS + 300_000,
        TIME_MS + 300_001,
        1.5,
        2.0,
        True,
        2**63,
        "7",
    ],
    "impression": [None, [], ["a"], ["a", ""], ["a", None], [7], "a", ["i"] * 25, ["i"] * 26, [["a"]], ["\x01"]],
    "properties": [None, "", "{}", '{"a":1}', "[]", "{", '{"a":' * 40 + "1" + "}" * 40, {}, "x" * 16_385],
    "received_time_ms": [None, TIME_MS + 300_001, False],
    "schema_version": [None, 1, SCHEMA_VERSION, SCHEMA_VERSION + 1, True, "2", 2.0],
    "surprise": [None, 1],
}
"""Valid and invalid values around every limit."""


TEXTS = [name for name, column in COLUMNS.items() if isinstance(column.type, Text)]


def _record_of_version(version, changed):
    """Return the fields of a record of an older version, with changes."""
    written = {name: value for name, value in fields(schema_version=version).items() if COLUMNS[name].since <= version}
    return {**written, **changed}


changes = st.dictionaries(st.sampled_from(sorted(ODD)), st.integers(0, 10), max_size=3).map(
    lambda picked: {name: ODD[name][index % len(ODD[name])] for name, index in picked.items()}
)
documents = (
    st.builds(lambda changed: _record_of_version(2, changed), changes)
    | st.builds(lambda changed: fields(**changed), changes)
    | st.builds(lambda changed, lost: {k: v for k, v in fields(**changed).items() if k not in lost}, changes,
                st.sets(st.sampled_from(sorted(fields())), max_size=2))
    | interactions().map(lambda each: each.to_record())
    | st.sampled_from([b"", b"null", b"[]", b"{", b"\xff", b'{"event_id": NaN}'])
)  # fmt: skip


@settings(max_examples=300)
@given(st.lists(documents, min_size=1, max_size=4))
def test_columnar_parser_accepts_and_refuses_the_same_records(batch):
    records = stream(*batch)

    assert by_column(records) == one_by_one(records)


@pytest.mark.parametrize("name", sorted(ODD))
def test_columnar_parser_checks_each_field_like_the_record_parser(name):
    """Each odd value is parsed next to a valid one, because a batch of odd values may already fail by its type."""
    for value in ODD[name]:
        for beside in (fields(query="q"), _record_of_version(2, {}), fields()):
            records = stream({**beside, name: value}, beside)

            assert by_column(records) == one_by_one(records), value


@given(st.lists(interactions(), min_size=1, max_size=3))
def test_collected_interactions_use_the_fast_path_if_printable(batch):
    records = [StreamRecord("events", "shard", "1", each.received_time_ms, each.to_record()) for each in batch]
    texts = [
        text
        for each in batch
        for text in (
            *(getattr(each, name) for name in TEXTS),
            *each.impression,
        )
        if text is not None
    ]

    assert (plain_columns(records, DEFAULT) is not None) == all(map(str.isprintable, texts))


def test_invalid_record_reparses_only_a_few_neighbours(monkeypatch):
    records = stream(*(fields(event_id=f"e{n}") for n in range(1000)))
    records[700] = StreamRecord("events", "shard", "700", TIME_MS, b"poison")
    seen: list[int] = []

    def counted(some, **rest):
        seen.append(len(some))
        return parse_batch(some, **rest)

    monkeypatch.setattr(record_columns, "parse_batch", counted)
    columns, refused = read_columns(records, configurations=Built(), now_ms=TIME_MS)

    assert list(columns["event_id"]) == [f"e{n}" for n in range(1000) if n != 700]
    assert [(record.sequence, str(error)[:24]) for record, error in refused] == [("700", "record is not valid JSON")]
    assert len(seen) == 1
    assert seen[0] <= FEW_RECORDS
