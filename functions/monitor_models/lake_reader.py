"""Reader of the window: interactions by the rules of a dataset, and scores of the champion's responses.

Only the required columns are read. If there are many rows, only a sample of the users is read.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet  # for `read_tables`

from alsolike.configuration.configuration import Configuration
from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.events.interactions import ACTION_TYPES
from alsolike.events.logins import owners
from alsolike.events.returns import net_weights
from alsolike.lake import served
from alsolike.lake.arrow import arrow_schema
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.lake_objects import LakeObject, list_objects
from alsolike.lake.partitions import event_date
from alsolike.lake.tables import read_tables
from alsolike.records.interaction import INTERACTIONS_COLUMNS
from alsolike.records.served_response import SERVED_COLUMNS
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import UnknownEventType

BATCH_BYTES = 128 * 2**20
MAX_ROWS = 2_000_000
"""Maximum number of kept rows. If there are more, the sampled share of users is halved repeatedly."""

RECOMMENDER, SOURCE = "for-you", "model"
_SERVED = arrow_schema(
    pa, SERVED_COLUMNS, "recommendation_id", "served_ms", "recommender", "model_version", "shopper", "source", "rules",
    "filter", "top_score",
)  # fmt: skip
_EVENTS = arrow_schema(
    pa, INTERACTIONS_COLUMNS, "event_id", "user_id", "session_id", "item_id", "event_type", "event_value",
    "event_time_ms", "received_time_ms",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class UserSample:
    """All rows of one in `one_of` users."""

    rows: pa.Table
    one_of: int


def read_sample(
    client: S3Client,
    bucket: str,
    objects: Sequence[LakeObject],
    *,
    schema: pa.Schema,
    user: Callable[[pa.Table], pa.ChunkedArray],
    keep: Callable[[pa.Table], pa.Table] = lambda rows: rows,
) -> UserSample:
    """Return the rows of objects, or if there are too many, only rows of users with an ID hash that ends in zeros.

    The sample depends on the rows, but not on the order of reading. Rows of agents are skipped, as in training
    data. A column that an object lacks is null. `keep` removes unnecessary rows.
    """
    tables, rows, one_of = [schema.empty_table()], 0, 1
    for table in read_tables(pa, client, bucket, objects, schema=schema, max_bytes=BATCH_BYTES):
        tables.append(_user_sample(keep(table), user, one_of))
        rows += len(tables[-1])
        while rows > MAX_ROWS:
            one_of *= 2
            tables = [_user_sample(table, user, one_of) for table in tables]
            rows = sum(map(len, tables))
    return UserSample(pa.concat_tables(tables), one_of)


def hashes_of(texts: pd.Series[str]) -> npt.NDArray[np.uint64]:
    """Return a 64-bit hash per text, equal in all processes."""
    hashes: npt.NDArray[np.uint64] = pd.util.hash_array(np.asarray(texts, object), categorize=False)
    return hashes


def _user_sample(rows: pa.Table, user: Callable[[pa.Table], pa.ChunkedArray], one_of: int) -> pa.Table:
    if one_of == 1 or not len(rows):
        return rows
    kept = hashes_of(user(rows).to_pandas()) % np.uint64(one_of) == 0
    return rows.filter(pa.array(kept))


def read_scores(client: S3Client, bucket: str, *, version: str, from_ms: int) -> pd.Series[float]:
    """Return the best score in each sampled user's latest response of `for-you` that the champion ranked.

    Responses with rules or filters are skipped, because their best item may not be the model's best.
    """

    def keep(rows: pa.Table) -> pa.Table:
        condition = (
            (pc.field("recommender") == RECOMMENDER)
            & (pc.field("source") == SOURCE)
            & (pc.field("model_version") == version)
            & (pc.field("served_ms") > from_ms)
            & pc.field("rules").is_null()
            & pc.field("filter").is_null()
            & pc.field("shopper").is_valid()
            & (pc.field("shopper") != served.UNKNOWN)
            & pc.field("top_score").is_valid()
        )
        return rows.filter(condition)

    first = event_date(from_ms)
    objects = [stored for stored in list_objects(client, bucket, prefix=SERVED_PREFIX) if stored.date >= first]
    sample = read_sample(client, bucket, objects, schema=_SERVED, user=lambda rows: rows["shopper"], keep=keep)
    rows: pd.DataFrame = sample.rows.to_pandas(types_mapper=pd.ArrowDtype)
    latest = rows.sort_values(["served_ms", "recommendation_id"]).drop_duplicates("shopper", keep="last")
    return latest["top_score"]


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
    first = event_date(from_ms)
    days = [stored for stored in objects if stored.date >= first]
    sample = read_sample(
        client, bucket, days, schema=_EVENTS, user=lambda rows: pc.coalesce(rows["user_id"], rows["session_id"])
    )
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
    """Return the number of counted interactions after `since_ms` by UTC day, extrapolated if users were sampled."""
    times = window.counted["event_time_ms"]
    times = times[times > since_ms]
    counts = times.astype("int64").floordiv(DAY_MS).value_counts()
    return {
        event_date(day * DAY_MS): count * window.one_of
        for day, count in zip(counts.index.tolist(), counts.tolist(), strict=True)
    }
