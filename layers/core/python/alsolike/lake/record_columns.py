"""A batch of stream records as columns of the lake's table, checked by the column.

`parse_record` defines a valid record, one at a time. Here the same checks run over whole columns, in C. That costs a
fraction for plain records. Other records, and those that may be invalid, go through `parse_record`, which is the only
source of reasons for rejection. A test compares both.
"""

from __future__ import annotations

import itertools
import math
import operator
from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any, TypeAlias

import orjson

from alsolike.contract import validation
from alsolike.declarations.tables import INTERACTIONS_COLUMNS
from alsolike.domain.configuration import Configuration
from alsolike.events.interactions import (
    LATER_FIELDS,
    MAX_CORRELATION_ID_CHARACTERS,
    MAX_ID_CHARACTERS,
    MAX_IMPRESSION_ITEMS,
    MAX_QUERY_CHARACTERS,
    MAX_RECOMMENDATION_ID_CHARACTERS,
    MAX_RECORD_PROPERTIES_CHARACTERS,
    MAX_TIME_MS,
    READABLE_VERSIONS,
    Interaction,
)
from alsolike.events.stream import ConfigurationSource, StreamRecord, parse_batch
from alsolike.runtime.errors import InvalidInput

Columns: TypeAlias = dict[str, Sequence[Any]]
"""The columns of `INTERACTIONS_COLUMNS`, of one length."""

FEW_RECORDS = 64
"""Number of records below which another bisection for the one that is not plain costs more than it saves."""

_OPTIONAL_TEXTS = (
    ("user_id", MAX_ID_CHARACTERS), ("session_id", MAX_ID_CHARACTERS), ("item_id", MAX_ID_CHARACTERS),
    ("recommendation_id", MAX_RECOMMENDATION_ID_CHARACTERS), ("query", MAX_QUERY_CHARACTERS),
    ("correlation_id", MAX_CORRELATION_ID_CHARACTERS),
)  # fmt: skip
_MS_PER_DAY = 86_400_000
_NOTHING = frozenset([type(None)])


def read_columns(
    records: Sequence[StreamRecord], *, configurations: ConfigurationSource, now_ms: int
) -> tuple[Columns, list[tuple[StreamRecord, InvalidInput]]]:
    """Return the readable records' interactions, in order, and the other records with their faults."""
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
            columns = {
                name: [getattr(interaction, name) for interaction in interactions] for name in INTERACTIONS_COLUMNS
            }
        parts.append(columns)
    if len(parts) == 1:
        return parts[0], refused
    chain = itertools.chain.from_iterable
    return {name: list(chain(part[name] for part in parts)) for name in INTERACTIONS_COLUMNS}, refused


def _pieces(
    records: Sequence[StreamRecord], configuration: Configuration
) -> Iterator[tuple[Sequence[StreamRecord], Columns | None]]:
    """Yield the records in pieces, each with its columns, or with None if `parse_record` must read them."""
    columns = plain_columns(records, configuration)
    if columns is not None or len(records) <= FEW_RECORDS:
        yield records, columns
        return
    middle = len(records) // 2
    yield from _pieces(records[:middle], configuration)
    yield from _pieces(records[middle:], configuration)


def plain_columns(records: Sequence[StreamRecord], configuration: Configuration) -> Columns | None:
    """Return the records' columns, or None if one of them is invalid or not plain."""
    try:
        rows = [orjson.loads(record.data) for record in records]
    except orjson.JSONDecodeError:
        return None
    if set(map(type, rows)) != {dict}:
        return None
    columns = _by_column(rows)
    if columns is None or not _are_versions(columns["schema_version"], rows):
        return None
    event_types = _canonical(columns["event_type"], configuration)
    checked = (
        event_types is not None
        and _are_texts(columns["event_id"], MAX_ID_CHARACTERS, optional=False)
        and all(_are_texts(columns[name], maximum, optional=True) for name, maximum in _OPTIONAL_TEXTS)
        and (None, None) not in zip(columns["user_id"], columns["session_id"], strict=True)
        and _are_about_something(columns, configuration)
        and all(_are_times(columns[name], records, configuration) for name in ("event_time_ms", "received_time_ms"))
        and _are_recent(columns["event_time_ms"], records, configuration)
    )
    values, impressions, properties = (
        _numbers(columns["event_value"]),
        _impressions(columns["impression"]),
        _properties(columns["properties"]),
    )
    if not checked or event_types is None or values is None or impressions is None or properties is None:
        return None
    names = columns["event_type"]
    return {
        **columns,
        "event_type": [event_types[name] for name in names],
        "event_value": values,
        "impression": impressions,
        "properties": properties,
    }


def _by_column(rows: Sequence[dict[str, Any]]) -> Columns | None:
    """Return the rows' values by the table's columns, or None if a row has another column."""
    shapes = set(map(tuple, rows))
    if not INTERACTIONS_COLUMNS.keys() >= set(itertools.chain.from_iterable(shapes)):
        return None
    if len(shapes) > 1:
        return {name: [row.get(name) for row in rows] for name in INTERACTIONS_COLUMNS}
    (names,) = shapes
    given = dict(zip(names, zip(*map(dict.values, rows), strict=True), strict=True))
    nothing = (None,) * len(rows)
    return {name: given.get(name, nothing) for name in INTERACTIONS_COLUMNS}


def _are_versions(column: Sequence[Any], rows: Sequence[Mapping[str, Any]]) -> bool:
    if set(map(type, column)) != {int} or not set(column) <= set(READABLE_VERSIONS):
        return False
    later = [(name, since) for name, since in LATER_FIELDS.items() if min(column) < since]
    return not any(name in row and row["schema_version"] < since for name, since in later for row in rows)


def _canonical(column: Sequence[Any], configuration: Configuration) -> dict[str, str] | None:
    """Return the canonical name of each event type in use."""
    if set(map(type, column)) != {str}:
        return None
    try:
        return {name: configuration.canonical_event_type(name) for name in set(column)}
    except InvalidInput:
        return None


def _are_texts(column: Collection[Any], maximum: int, *, optional: bool) -> bool:
    types = set(map(type, column))
    if optional and types == _NOTHING:
        return True
    if optional and len(types) == 2 and types > _NOTHING:
        column = [value for value in column if value is not None]
        types -= _NOTHING
    return types == {str} and _are_plain(column, maximum)


def _are_plain(texts: Collection[str], maximum: int) -> bool:
    """Return true if all texts are printable, neither empty nor blank, and short enough."""
    lengths = list(map(len, texts))
    return (
        min(lengths) > 0
        and max(lengths) <= maximum
        and all(map(str.isprintable, texts))
        and not any(map(str.isspace, texts))
    )


def _are_about_something(columns: Columns, configuration: Configuration) -> bool:
    items = columns["item_id"]
    if None not in items:
        return True
    if (None, None) in zip(items, columns["query"], strict=True):
        return False
    types = {name for name, item in zip(columns["event_type"], items, strict=True) if item is None}
    return not any(configuration.events[configuration.canonical_event_type(name)].item_required for name in types)


def _are_times(column: Sequence[Any], records: Sequence[StreamRecord], configuration: Configuration) -> bool:
    if set(map(type, column)) != {int} or min(column) <= 0 or max(column) > MAX_TIME_MS:
        return False
    skew_ms = configuration.limits.clock_skew_s * 1000
    return not any(map(operator.gt, column, [record.arrived_ms + skew_ms for record in records]))


def _are_recent(column: Sequence[int], records: Sequence[StreamRecord], configuration: Configuration) -> bool:
    age_ms = configuration.limits.max_event_age_days * _MS_PER_DAY
    return not any(map(operator.lt, column, [record.arrived_ms - age_ms for record in records]))


def _numbers(column: Sequence[Any]) -> Sequence[float | None] | None:
    types = set(map(type, column))
    if types == _NOTHING:
        return column
    if not types <= {float, int, type(None)}:
        return None
    numbers = [None if value is None else float(value) for value in column]
    return numbers if all(math.isfinite(value) for value in numbers if value is not None) else None


def _impressions(column: Sequence[Any]) -> list[Sequence[str]] | None:
    if not set(map(type, column)) <= {list, type(None)}:
        return None
    lists: list[Sequence[str]] = [value or () for value in column]
    if not any(lists):
        return lists
    items = list(itertools.chain.from_iterable(lists))
    if max(map(len, lists)) > MAX_IMPRESSION_ITEMS or not _are_texts(items, MAX_ID_CHARACTERS, optional=False):
        return None
    return lists


def _properties(column: Sequence[Any]) -> list[str] | None:
    if not set(map(type, column)) <= {str, type(None)}:
        return None
    texts = ["{}" if value is None else value for value in column]
    try:
        for text in set(texts) - {"{}"}:
            if len(text) > MAX_RECORD_PROPERTIES_CHARACTERS:
                return None
            validation.parse_object(text.encode())
    except InvalidInput:
        return None
    return texts
