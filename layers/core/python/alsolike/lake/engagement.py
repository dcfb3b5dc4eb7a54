"""Lake table `engagement` with daily sums over the rows of `outcomes`, and the receipts of attributed days."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from typing import Any

import orjson

from alsolike.declarations.storage import ATTRIBUTION_PREFIX, ENGAGEMENT_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION
from alsolike.records.engagement import Engagement
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import scan


def total(rows: Iterable[Engagement]) -> list[Engagement]:
    """Return the sums over several days, one row per dimension and name, sorted by both.

    The numbers of covered items and of all items are summed, too. Their ratio is the mean coverage over the days,
    weighted by the number of items.
    """
    sums: dict[tuple[str, str], dict[str, Any]] = {}
    for row in rows:
        values = dataclasses.asdict(row)
        key = (values.pop("dimension"), values.pop("name"))
        held = sums.setdefault(key, dict.fromkeys(values, 0))
        for name, value in values.items():
            held[name] += value
    return [Engagement(*key, **sums[key]) for key in sorted(sums)]


def partition_prefix(date: str) -> str:
    return f"{ENGAGEMENT_PREFIX}{SERVED_PARTITION}={date}/"


def object_key(date: str) -> str:
    return f"{partition_prefix(date)}engagement.parquet"


def receipt_key(date: str) -> str:
    """Return the key of a day's receipt. The receipt's field `rejected` counts rejected events by reason."""
    return f"{ATTRIBUTION_PREFIX}{SERVED_PARTITION}={date}.json"


def read_rejected(client: S3Client, bucket: str, *, first: str, last: str) -> Counter[str]:
    """Return the number of events that were not attributed to the response that they reference, by reason.

    The result is the sum over the receipts of the days from `first` to `last` (inclusive).
    """
    rejected: Counter[str] = Counter()
    start = f"{ATTRIBUTION_PREFIX}{SERVED_PARTITION}={first}"
    for stored in scan(client, bucket, ATTRIBUTION_PREFIX, after=start):
        if stored.key > receipt_key(last):
            break
        if stored.body is not None:
            try:
                counts = orjson.loads(stored.body)["rejected"]
                rejected.update({str(reason): int(count) for reason, count in counts.items()})
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InvalidInput(
                    f"s3://{bucket}/{stored.key} is not a valid receipt: {error}; the next attribution replaces it"
                ) from error
    return rejected
