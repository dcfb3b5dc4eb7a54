"""Days that the configuration does not keep any longer."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from typing import Any

from alsolike.lake import lake
from alsolike.lake.lake_objects import list_objects
from alsolike.runtime.errors import Unavailable
from functions.compact_lake.receipts import day_prefix

DAY_MS = 86_400_000
_MAX_KEYS = 1_000


def oldest_kept(retention_days: int, *, now_ms: int) -> str:
    """Return the oldest day with events younger than the retention.

    Examples
    --------
    >>> oldest_kept(30, now_ms=1_790_000_000_000)
    '2026-08-22'
    """
    return lake.event_date(max(0, now_ms - retention_days * DAY_MS))


def remove_before(client: Any, bucket: str, oldest: str) -> int:
    """Delete the days before `oldest` with their receipts; return how many there were.

    An archived event that comes later than that makes such a day again, until the next call.
    """
    # Keys are in order, so expired ones come first.
    listed = itertools.takewhile(lambda each: each.date < oldest, list_objects(client, bucket))
    days = 0
    for date, objects in itertools.groupby(listed, key=lambda each: each.date):
        _delete(client, bucket, (each.key for each in objects))
        pages = client.get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=day_prefix(date))
        _delete(client, bucket, (entry["Key"] for page in pages for entry in page.get("Contents", [])))
        days += 1
    return days


def _delete(client: Any, bucket: str, keys: Iterable[str]) -> None:
    keys = iter(keys)
    while some := list(itertools.islice(keys, _MAX_KEYS)):
        answer = client.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": key} for key in some], "Quiet": True})
        for error in answer.get("Errors", []):
            raise Unavailable(f"s3://{bucket}/{error['Key']} could not be deleted: {error['Code']} {error['Message']}")
