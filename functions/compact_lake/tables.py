"""Compacted tables: columns of their objects, and removal of duplicates and erased users."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping
from typing import TypeAlias

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.storage import INTERACTIONS_PREFIX, SERVED_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION, SERVED_PARTITION
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.duplicates import deduplicate
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS

Erased: TypeAlias = Mapping[str, int]
"""Times of erasures in epoch milliseconds, by keyed hash of the user."""


@dataclasses.dataclass(frozen=True, slots=True)
class Table:
    """A table of the lake.

    Attributes
    ----------
    unique
        Columns with mostly distinct values, for which dictionary encoding would waste space.
    order
        Sort order of a merged object.
    distinct
        Function that keeps one row per event or response.
    without
        Function that removes erased users. Its last argument returns the keyed hash of a user.
    """

    prefix: str
    partition: str
    schema: pa.Schema
    unique: tuple[str, ...]
    order: tuple[str, ...]
    distinct: Callable[[pa.Table], pa.Table]
    without: Callable[[pa.Table, Erased, Callable[[str], str]], pa.Table]

    def partition_prefix(self, date: str) -> str:
        return f"{self.prefix}{self.partition}={date}/"


def _distinct_events(rows: pa.Table) -> pa.Table:
    distinct = deduplicate(rows.to_pandas(types_mapper=pd.ArrowDtype))
    return rows if len(distinct) == len(rows) else rows.take(pa.array(distinct.index))


def _events_of_others(rows: pa.Table, erased: Erased, hash_of: Callable[[str], str]) -> pa.Table:
    users = [user for user in rows["user_id"].unique().to_pylist() if user is not None and hash_of(user) in erased]
    return _where_not(rows, pc.is_in(rows["user_id"], pa.array(users, pa.string()))) if users else rows


def _distinct_answers(rows: pa.Table) -> pa.Table:
    """Keep the first row of each response."""
    numbered = rows.select(["recommendation_id"]).append_column("row", pa.array(range(len(rows)), pa.int64()))
    first = numbered.group_by("recommendation_id").aggregate([("row", "min")])["row_min"]
    return rows if len(first) == len(rows) else rows.take(first)


def _answers_to_others(rows: pa.Table, erased: Erased, hash_of: Callable[[str], str]) -> pa.Table:
    """Remove responses to erased users. Tombstones include the hashes that the log uses."""
    hashes = pa.array(list(erased), pa.string())
    return _where_not(rows, pc.or_(pc.is_in(rows["shopper"], hashes), pc.is_in(rows["session"], hashes)))


def _where_not(rows: pa.Table, hits: pa.ChunkedArray) -> pa.Table:
    return rows.filter(pc.invert(hits))


INTERACTIONS = Table(
    INTERACTIONS_PREFIX,
    INTERACTIONS_PARTITION,
    arrow_schema(pa, INTERACTIONS_COLUMNS),
    unique=("event_id", "impression", "event_time_ms"),
    order=("event_time_ms", "event_id"),
    distinct=_distinct_events,
    without=_events_of_others,
)
SERVED = Table(
    SERVED_PREFIX,
    SERVED_PARTITION,
    arrow_schema(pa, SERVED_COLUMNS),
    unique=("recommendation_id", "served_ms", "shopper", "session", "propensities"),
    order=("served_ms", "recommendation_id"),
    distinct=_distinct_answers,
    without=_answers_to_others,
)
