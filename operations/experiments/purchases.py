"""Purchases of a shop by shopper, with or without a recommendation."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc

from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.lake import lake_objects
from alsolike.lake.duplicates import deduplicate
from alsolike.lake.partitions import event_date
from alsolike.records.interaction import COPY_ORDER
from alsolike.runtime.client_protocols import S3Client
from operations.recovery.lake_reader import LakeReader

PURCHASE = "purchase"
ORDERS, SPEND = "orders", "spend"
"""Columns with the number and the total value of a shopper's purchases."""

_COLUMNS = ("event_id", *COPY_ORDER[: COPY_ORDER.index("event_value") + 1])


def purchases_between(
    client: S3Client, bucket: str, *, shopper: Callable[[str], str], first_ms: int, last_ms: int
) -> Iterator[pa.Table]:
    """Yield the sums of purchases by shopper for each day, with the columns `shopper`, `ORDERS` and `SPEND`.

    A shopper is the keyed hash of the user, otherwise of the session, as in the table `outcomes`. Duplicates count once
    per day. Purchases by declared agents do not count.
    """
    reader = LakeReader(client, bucket, received_by_ms=None)
    for objects in _by_day(reader, event_date(first_ms), event_date(last_ms)):
        pieces = [
            _purchases(piece).to_pandas() for listed in objects for piece in reader.read(listed, (*_COLUMNS, "agent"))
        ]
        if not pieces:
            continue
        rows = pd.concat(pieces, ignore_index=True)
        rows = deduplicate(rows)
        rows = rows[rows["event_time_ms"].between(first_ms, last_ms - 1)]
        owners = rows["user_id"].fillna(rows["session_id"])
        sums = rows["event_value"].fillna(0.0).groupby(owners).agg(["count", "sum"])
        yield pa.table(
            {
                "shopper": pa.array([shopper(owner) for owner in sums.index], pa.string()),
                ORDERS: pa.array(sums["count"], pa.int64()),
                SPEND: pa.array(sums["sum"], pa.float64()),
            }
        )


def _purchases(interactions: pa.Table) -> pa.Table:
    # Arrow removes the rows of other event types faster than pandas.
    bought = pc.fill_null(pc.equal(pc.utf8_lower(interactions["event_type"]), PURCHASE), False)
    return interactions.filter(pc.and_(bought, pc.is_null(interactions["agent"]))).select(_COLUMNS)


def _by_day(reader: LakeReader, first: str, last: str) -> Iterator[list[lake_objects.LakeObject]]:
    days: dict[str, list[lake_objects.LakeObject]] = {}
    for listed in reader.objects():
        if listed.key.startswith(INTERACTIONS_PREFIX) and first <= listed.date <= last:
            days.setdefault(listed.date, []).append(listed)
    yield from days.values()
