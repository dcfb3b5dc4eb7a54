"""The receipts of attribution: a JSON object per day with the numbers of rejected events."""

from __future__ import annotations

from collections import Counter
from typing import Any

import orjson

from alsolike import engagement
from alsolike.errors import InvalidInput
from alsolike.scanning import scan


def read_rejected(client: Any, bucket: str, *, first: str, last: str) -> Counter[str]:
    """Return how many events that name answers did not count, by reason.

    Parameters
    ----------
    client
        A low-level S3 client.
    bucket
        The lake bucket.
    first, last
        Days (ISO 8601) on which the answers were served, both included.

    Raises
    ------
    InvalidInput
        If a receipt is unreadable.
    Unavailable
        If S3 does not answer.
    """
    rejected: Counter[str] = Counter()
    start = f"{engagement.RECEIPTS_PREFIX}{engagement.PARTITION_COLUMN}={first}"
    for found in scan(client, bucket, engagement.RECEIPTS_PREFIX, after=start):
        if found.key > engagement.receipt_key(last):
            break
        if found.body is not None:
            try:
                rejected.update({str(reason): int(count) for reason, count in _rejected(found.body).items()})
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InvalidInput(
                    f"s3://{bucket}/{found.key} is no receipt: {error}; the next attribution replaces it"
                ) from error
    return rejected


def _rejected(receipt: bytes) -> dict[str, int]:
    found: dict[str, int] = orjson.loads(receipt)["rejected"]
    return found
