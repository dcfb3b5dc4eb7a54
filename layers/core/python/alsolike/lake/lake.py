"""Object keys of interactions in the lake, and the deduplication of rows."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.records.interaction import COPY_ORDER

if TYPE_CHECKING:
    import pandas as pd

COMPRESSION = "snappy"
"""Compression of all Parquet objects that functions write or read. The pyarrow of AWS's layer does not support zstd.

https://github.com/aws/aws-sdk-pandas/blob/main/building/lambda/build-lambda-layer.sh
"""

AGENT = "agent"
"""Column of interactions and responses with the program that sent them. Readers for training, attribution and drift
skip rows with a value, because programs do not choose as people do."""

_BELOW_IDS = "\x1f"  # Separator that sorts before all characters of IDs, so that joined strings sort like lists.


def event_date(event_time_ms: int) -> str:
    """Return the UTC day (ISO 8601) of an interaction, which is its partition.

    Examples
    --------
    >>> event_date(1_500_000_000_000)
    '2017-07-14'
    """
    return dt.datetime.fromtimestamp(event_time_ms / 1000, dt.UTC).date().isoformat()


def partition_prefix(date: str) -> str:
    return f"{INTERACTIONS_PREFIX}{INTERACTIONS_PARTITION}={date}/"


def object_key(date: str, *, shard_id: str, first_sequence: str, last_sequence: str) -> str:
    """Return the key of the object with a batch's interactions of one day. A redelivered batch gets the same key."""
    return f"{partition_prefix(date)}{shard_id}-{first_sequence}-{last_sequence}.parquet"


def quarantine_key(date: str, *, shard_id: str, sequence: str) -> str:
    return f"{QUARANTINE_PREFIX}dt={date}/{shard_id}-{sequence}.json"


def deduplicate(rows: pd.DataFrame) -> pd.DataFrame:
    """Remove duplicates. For each event ID and owner (`COPY_KEY`), keep the first row by `COPY_ORDER`.

    Rows can be duplicates, because clients repeat events, a bisected batch is written again under other keys, and a
    compacted object exists next to its inputs for a while. The result keeps the order of `rows`.

    `rows` need event_id and the first columns of `COPY_ORDER`, at least up to session_id.
    """
    read = [name for name in COPY_ORDER if name in rows]
    if missing := [name for name in COPY_ORDER[: COPY_ORDER.index(read[-1])] if name not in read] if read else []:
        raise ValueError(f"rows of the lake have {read[-1]} without {', '.join(missing)}, which decide before it")
    rows = rows.reset_index(drop=True)
    repeated = rows[rows.duplicated("event_id", keep=False)]  # Sort only duplicates, because sorting strings is slow.
    if "impression" in repeated:
        lists = repeated["impression"].astype(object)
        repeated = repeated.assign(impression=lists.map(_BELOW_IDS.join, na_action="ignore").astype("str"))
    repeated = repeated.assign(owner=repeated["user_id"].fillna(repeated["session_id"]))
    ordered = repeated.sort_values(["event_id", *read])
    copies = ordered.index[ordered.duplicated(["event_id", "owner"])]
    return rows.drop(index=copies) if len(copies) else rows
