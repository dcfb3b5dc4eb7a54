"""Deletion of days beyond the configured retention."""

from __future__ import annotations

import itertools

from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions
from alsolike.lake.lake_objects import list_objects
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import delete_objects, listed
from functions.compact_lake.receipts import day_prefix


def oldest_kept(retention_days: int, *, now_ms: int) -> str:
    """Return the oldest date with events within the retention.

    Examples
    --------
    >>> oldest_kept(30, now_ms=1_790_000_000_000)
    '2026-08-22'
    """
    return partitions.event_date(max(0, now_ms - retention_days * DAY_MS))


def remove_before(client: S3Client, bucket: str, oldest: str) -> int:
    """Delete the days before `oldest` with their merge receipts, and return the number of deleted days.

    A late event may create a deleted day again. The next call deletes this day.
    """
    # Keys are sorted, so expired days come first.
    expired = itertools.takewhile(lambda stored: stored.date < oldest, list_objects(client, bucket))
    days = 0
    for date, objects in itertools.groupby(expired, key=lambda stored: stored.date):
        delete_objects(client, bucket, [stored.key for stored in objects])
        delete_objects(client, bucket, [receipt.key for receipt in listed(client, bucket, day_prefix(date))])
        days += 1
    return days
