"""Interactions of the window, selected by the rules of a dataset."""

from __future__ import annotations

import dataclasses

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import ACTION_TYPES
from alsolike.events.logins import owners
from alsolike.events.returns import net_weights
from alsolike.lake import partitions
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.lake_objects import LakeObject
from alsolike.lake.partitions import event_date
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import UnknownEventType
from functions.monitor_models.lake_reader import read_sample

SCHEMA = arrow_schema(
    pa, INTERACTIONS_COLUMNS, "event_id", "user_id", "session_id", "item_id", "event_type", "event_value",
    "event_time_ms", "received_time_ms",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class Window:
    """Events of several days.

    Attributes
    ----------
    events
        Distinct events of the sampled users, except events of agents and events with actions. The canonical `type` is
        null for unknown types.
    counted
        Interactions with items and weighted types, without returned purchases and events in the future.
    one_of
        Inverse of the sampled share of users.
    last_ms
        Time of the last event that is not in the future; None if there are no events.
    """

    events: pd.DataFrame
    counted: pd.DataFrame
    one_of: int
    last_ms: int | None


def read_window(
    client: S3Client,
    bucket: str,
    objects: list[LakeObject],
    *,
    configuration: Configuration,
    from_ms: int,
    now_ms: int,
) -> Window:
    """Read the window's days. `from_ms` is exclusive. Events after `now_ms` plus the clock skew do not count."""
    first = partitions.event_date(from_ms)
    days = [stored for stored in objects if stored.date >= first]
    sample = read_sample(client, bucket, days, schema=SCHEMA, user=_user)
    rows = deduplicate(sample.rows.to_pandas(types_mapper=pd.ArrowDtype))
    rows = rows.assign(profile_id=owners(rows))
    rows = rows[(rows["event_time_ms"] > from_ms) & ~rows["event_type"].isin(ACTION_TYPES)].reset_index(drop=True)
    types = {name: _canonical(name, configuration) for name in rows["event_type"].dropna().unique()}
    rows = rows.assign(type=rows["event_type"].map(types))
    past = rows[rows["event_time_ms"] <= now_ms + configuration.limits.clock_skew_s * 1000]
    return Window(
        events=rows,
        counted=_counted(past, configuration),
        one_of=sample.one_of,
        last_ms=int(past["event_time_ms"].max()) if len(past) else None,
    )


def _user(rows: pa.Table) -> pa.ChunkedArray:
    return pc.coalesce(rows["user_id"], rows["session_id"])


def _canonical(name: str, configuration: Configuration) -> str | None:
    try:
        return configuration.canonical_event_type(name)
    except UnknownEventType:
        return None


def _counted(rows: pd.DataFrame, configuration: Configuration) -> pd.DataFrame:
    """Return interactions with items and weighted types, without returned purchases."""
    weight = rows["type"].map(dict(configuration.event_weights)).astype("float64")
    counts = rows["item_id"].notna() & weight.notna()
    rows, weight = rows[counts], weight[counts]
    rows = rows.assign(weight=weight).sort_values(["event_time_ms", "event_id"])
    if (rows["weight"] < 0).any():
        users, items = (pd.factorize(rows[name])[0].astype(np.int64) for name in ("profile_id", "item_id"))
        rows = rows[net_weights(users * (items.max() + 1) + items, rows["weight"].to_numpy(np.float64)) > 0]
    return rows[["profile_id", "item_id", "event_time_ms", "type"]].reset_index(drop=True)


def counts_by_day(window: Window, *, since_ms: int) -> dict[str, int]:
    """Return the number of `window.counted` after `since_ms` by UTC day, extrapolated if the window is a sample."""
    times = window.counted["event_time_ms"]
    times = times[times > since_ms]
    counts = times.astype("int64").floordiv(DAY_MS).value_counts()
    return {
        event_date(day * DAY_MS): count * window.one_of
        for day, count in zip(counts.index.tolist(), counts.tolist(), strict=True)
    }
