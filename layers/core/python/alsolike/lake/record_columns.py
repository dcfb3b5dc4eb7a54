"""Conversion of a batch of stream records to columns of the lake's table, with checks of whole columns.

`parse_record` defines which records are valid. For records with plain values, this module runs the same checks on whole
columns, which is several times faster. `parse_record` still parses all other records, and records that may be invalid,
to find the reason for the rejection. A test compares both implementations.
"""

from __future__ import annotations

import itertools
import operator
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from alsolike.configuration.configuration import Configuration
from alsolike.events.stream import ConfigurationSource, StreamRecord, parse_batch
from alsolike.records.interaction import COLUMNS, READABLE_VERSIONS, Interaction
from alsolike.runtime.errors import InvalidInput

Columns: TypeAlias = dict[str, Sequence[Any]]
"""Values by column name of `COLUMNS`. All columns have the same length."""

FEW_RECORDS = 64
"""Maximum number of records in a group that is not bisected further. If a record in it is not plain, `parse_record`
parses the group."""

_MS_PER_DAY = 86_400_000


def read_columns(
    records: Sequence[StreamRecord], *, configurations: ConfigurationSource, now_ms: int
) -> tuple[Columns, list[tuple[StreamRecord, InvalidInput]]]:
    """Return the interactions of valid records as columns in order, and the invalid records with their errors."""
    pieces = list(_pieces(records, configurations.current(now_ms=now_ms)))
    doubtful = [record for piece, columns in pieces if columns is None for record in piece]
    parsed = iter(parse_batch(doubtful, configurations=configurations, now_ms=now_ms) if doubtful else ())
    refused: list[tuple[StreamRecord, InvalidInput]] = []
    parts: list[Columns] = []
    for piece, columns in pieces:
        if columns is None:
            interactions = []
            for record, pair in zip(piece, itertools.islice(parsed, len(piece)), strict=True):
                if isinstance(pair, Interaction):
                    interactions.append(pair)
                else:
                    refused.append((record, pair))
            columns = {name: [getattr(interaction, name) for interaction in interactions] for name in COLUMNS}
        parts.append(columns)
    if len(parts) == 1:
        return parts[0], refused
    chain = itertools.chain.from_iterable
    return {name: list(chain(part[name] for part in parts)) for name in COLUMNS}, refused


def _pieces(
    records: Sequence[StreamRecord], configuration: Configuration
) -> Iterator[tuple[Sequence[StreamRecord], Columns | None]]:
    """Yield consecutive groups of records, each with its columns.

    The columns are None if `parse_record` must parse the group.
    """
    columns = plain_columns(records, configuration)
    if columns is not None or len(records) <= FEW_RECORDS:
        yield records, columns
        return
    middle = len(records) // 2
    yield from _pieces(records[:middle], configuration)
    yield from _pieces(records[middle:], configuration)


def plain_columns(records: Sequence[StreamRecord], configuration: Configuration) -> Columns | None:
    """Return the columns of the records, or None if any record is invalid or not plain."""
    try:
        rows = [orjson.loads(record.data) for record in records]
    except orjson.JSONDecodeError:
        return None
    if set(map(type, rows)) != {dict}:
        return None
    given = _by_column(rows)
    if given is None:
        return None
    columns: Columns = {}
    for name, column in COLUMNS.items():
        if column.required and None in given[name]:
            return None
        values = column.type.plain(given[name])
        if values is None:
            return None
        columns[name] = values
    if not _are_versions(columns["schema_version"], rows) or not _agree(columns, records, configuration):
        return None
    try:
        canonical = {name: configuration.canonical_event_type(name) for name in set(columns["event_type"])}
    except InvalidInput:
        return None
    columns["event_type"] = [canonical[name] for name in columns["event_type"]]
    return columns if _are_about_something(columns, configuration) else None


def _by_column(rows: Sequence[dict[str, Any]]) -> Columns | None:
    """Return the values of the rows by column, or None if a row has an unknown field."""
    shapes = set(map(tuple, rows))
    if not COLUMNS.keys() >= set(itertools.chain.from_iterable(shapes)):
        return None
    if len(shapes) > 1:
        return {name: [row.get(name) for row in rows] for name in COLUMNS}
    (names,) = shapes
    given = dict(zip(names, zip(*map(dict.values, rows), strict=True), strict=True))
    nothing = (None,) * len(rows)
    return {name: given.get(name, nothing) for name in COLUMNS}


def _are_versions(column: Sequence[int], rows: Sequence[Mapping[str, Any]]) -> bool:
    """Return true if all versions are readable, and no row has a field that its version does not define."""
    if not set(column) <= set(READABLE_VERSIONS):
        return False
    later = [field for field in COLUMNS.values() if min(column) < field.since]
    return not any(field.name in row and row["schema_version"] < field.since for row in rows for field in later)


def _agree(columns: Columns, records: Sequence[StreamRecord], configuration: Configuration) -> bool:
    """Return true if each row has a user or session, and its times are valid for the arrival of its record."""
    if (None, None) in zip(columns["user_id"], columns["session_id"], strict=True):
        return False
    arrived = [record.arrived_ms for record in records]
    skew_ms = configuration.limits.clock_skew_s * 1000
    latest = [time_ms + skew_ms for time_ms in arrived]
    if any(any(map(operator.gt, columns[name], latest)) for name in ("event_time_ms", "received_time_ms")):
        return False
    age_ms = configuration.limits.max_event_age_days * _MS_PER_DAY
    return not any(map(operator.lt, columns["event_time_ms"], [time_ms - age_ms for time_ms in arrived]))


def _are_about_something(columns: Columns, configuration: Configuration) -> bool:
    items = columns["item_id"]
    if None not in items:
        return True
    if (None, None) in zip(items, columns["query"], strict=True):
        return False
    types = {name for name, item in zip(columns["event_type"], items, strict=True) if item is None}
    return not any(configuration.events[name].item_required for name in types)
