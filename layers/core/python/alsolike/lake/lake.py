"""The lake: object keys of interactions, and the only rule by which readers count each event once."""

from __future__ import annotations

import datetime as dt
from typing import TYPE_CHECKING

from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION
from alsolike.records.interaction import COPY_ORDER

if TYPE_CHECKING:
    import pandas as pd

COMPRESSION = "snappy"
"""Compression of each Parquet object that a function writes or reads. The Arrow in AWS's layer has no zstd.

https://github.com/aws/aws-sdk-pandas/blob/main/building/lambda/build-lambda-layer.sh
"""


_BELOW_IDS = "\x1f"  # lower than any character of an id, so joined lists sort as lists do


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
    return f"{INTERACTIONS_PREFIX}{INTERACTIONS_PARTITION}={date}/"


def object_key(date: str, *, shard_id: str, first_sequence: str, last_sequence: str) -> str:
    """Return the key of one batch's interactions of one day: a redelivered batch overwrites itself."""
    return f"{partition_prefix(date)}{shard_id}-{first_sequence}-{last_sequence}.parquet"


def quarantine_key(date: str, *, shard_id: str, sequence: str) -> str:
    """Return the key of one record that could not be read."""
    return f"{QUARANTINE_PREFIX}dt={date}/{shard_id}-{sequence}.json"


def deduplicate(rows: pd.DataFrame) -> pd.DataFrame:
    """Keep one row per event ID and owner (`COPY_KEY`): the first by `COPY_ORDER`.

    Raw objects may overlap, because a bisected or retried batch is written again under another name, and a compacted
    object exists next to its inputs for a while. Every reader of the lake calls this function, so that all count the
    same. The rows that stay do not depend on the order of reading; they keep that order.

    Parameters
    ----------
    rows
        Rows of the interactions table: event_id, and the columns of `COPY_ORDER` up to session_id or a later one.

    Raises
    ------
    ValueError
        If a column is present without one that precedes it in `COPY_ORDER`.
    """
    read = [name for name in COPY_ORDER if name in rows]
    if missing := [name for name in COPY_ORDER[: COPY_ORDER.index(read[-1])] if name not in read] if read else []:
        raise ValueError(f"rows of the lake have {read[-1]} without {', '.join(missing)}, which decide before it")
    rows = rows.reset_index(drop=True)
    repeated = rows[rows.duplicated("event_id", keep=False)]  # sort only these few: strings sort slowly
    if "impression" in repeated:
        lists = repeated["impression"].astype(object)
        repeated = repeated.assign(impression=lists.map(_BELOW_IDS.join, na_action="ignore").astype("str"))
    repeated = repeated.assign(owner=repeated["user_id"].fillna(repeated["session_id"]))
    ordered = repeated.sort_values(["event_id", *read])
    copies = ordered.index[ordered.duplicated(["event_id", "owner"])]
    return rows.drop(index=copies) if len(copies) else rows
