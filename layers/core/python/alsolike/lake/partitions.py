"""Days, prefixes and object keys of interactions in the lake."""

from __future__ import annotations

import datetime as dt

from alsolike.declarations.storage import INTERACTIONS_PREFIX, QUARANTINE_PREFIX
from alsolike.declarations.tables import INTERACTIONS_PARTITION

COMPRESSION = "snappy"
"""Compression of all Parquet objects that functions write or read. The pyarrow of AWS's layer does not support zstd.

https://github.com/aws/aws-sdk-pandas/blob/main/building/lambda/build-lambda-layer.sh
"""


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
