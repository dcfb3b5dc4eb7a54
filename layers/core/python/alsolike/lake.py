"""The lake: where interactions lie, in which columns, and the one rule by which a reader counts each event once."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from alsolike.interactions import Interaction

if TYPE_CHECKING:
    import pandas as pd

INTERACTIONS_PREFIX = "interactions/"
QUARANTINE_PREFIX = "quarantine/"
PARTITION_COLUMN = "event_date"

COLUMNS = MappingProxyType(
    {
        "event_id": "string",
        "user_id": "string",
        "session_id": "string",
        "item_id": "string",
        "event_type": "string",
        "event_value": "double",
        "event_time_ms": "bigint",
        "recommendation_id": "string",
        "impression": "array<string>",
        "properties": "string",
        "received_time_ms": "bigint",
        "schema_version": "int",
        "query": "string",
    }
)
"""Columns of the interactions table with their Glue types; the partition column stands in the object key."""


def event_date(event_time_ms: int) -> str:
    """Return the partition of an interaction.

    Examples
    --------
    >>> event_date(1_500_000_000_000)
    '2017-07-14'
    """
    return dt.datetime.fromtimestamp(event_time_ms / 1000, dt.UTC).date().isoformat()


def partition_prefix(date: str) -> str:
    """Return the key prefix of one day."""
    return f"{INTERACTIONS_PREFIX}{PARTITION_COLUMN}={date}/"


def object_key(date: str, *, shard_id: str, first_sequence: str, last_sequence: str) -> str:
    """Return the key of one batch's interactions of one day: a redelivered batch overwrites itself."""
    return f"{partition_prefix(date)}{shard_id}-{first_sequence}-{last_sequence}.parquet"


def quarantine_key(date: str, *, shard_id: str, sequence: str) -> str:
    """Return the key of one record that could not be read."""
    return f"{QUARANTINE_PREFIX}dt={date}/{shard_id}-{sequence}.json"


def by_date(interactions: Iterable[Interaction]) -> dict[str, list[dict[str, Any]]]:
    """Return the interactions as rows of the table, by partition."""
    days: dict[str, list[dict[str, Any]]] = {}
    for interaction in interactions:
        row = {name: getattr(interaction, name) for name in COLUMNS}  # dataclasses.asdict copies deeply: 8x the time
        days.setdefault(event_date(interaction.event_time_ms), []).append(row)
    return days


def deduplicate(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep one row an event id: the first one received, and of those the first by content.

    Raw objects may overlap, since a bisected or retried batch is written again under another name. Every
    reader of the lake calls this, so that all of them count the same. Which rows stay does not depend on the
    order in which they were read; they keep that order.

    Parameters
    ----------
    rows
        Rows of the interactions table with at least event_id and received_time_ms.
    """
    rows = rows.reset_index(drop=True)
    repeated = rows[rows.duplicated("event_id", keep=False)]  # sorting these alone: few, and strings sort slowly
    if "impression" in repeated:
        repeated = repeated.assign(impression=repeated["impression"].map(str))  # lists have no order across nulls
    order = ["event_id", "received_time_ms", *(name for name in COLUMNS if name in repeated)]
    ordered = repeated.sort_values(list(dict.fromkeys(order)))
    return rows.drop(index=ordered.index[ordered.duplicated("event_id")])
