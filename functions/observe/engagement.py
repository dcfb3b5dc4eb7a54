"""Daily outcomes of responses, from the lake's table `engagement`."""

from __future__ import annotations

import datetime as dt
import io
from collections import defaultdict
from collections.abc import Iterator
from typing import Any

from alsolike.api.documents import fields_of
from alsolike.configuration.columns import column_name
from alsolike.declarations.storage import ENGAGEMENT_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION
from alsolike.lake.engagement import read_rejected, total
from alsolike.records.engagement import ENGAGEMENT_COLUMNS, Dimension, Engagement
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable
from alsolike.runtime.s3 import scan

_DIMENSIONS = {"model": Dimension.MODEL_VERSION}


def engagement(client: S3Client, bucket: str, *, days: int, by: str, now_ms: int) -> dict[str, Any]:
    """Return the response of `GET /operator/engagement` for the last days, including today."""
    last = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date()
    dates = [(last - dt.timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]
    dimension = _DIMENSIONS.get(by) or Dimension(by)
    rows: defaultdict[str, list[Engagement]] = defaultdict(list)
    for date, row in _read(client, bucket, first=dates[0], last=dates[-1]):
        if row.dimension == dimension:
            rows[date].append(row)
    return {
        "from": dates[0],
        "to": dates[-1],
        "by": by,
        "totals": [_document(row) for row in total(row for day_rows in rows.values() for row in day_rows)],
        "days": [
            {"date": date, "rows": [_document(row) for row in sorted(rows[date], key=lambda row: row.name)]}
            for date in dates
        ],
        "rejected": _rejected(client, bucket, first=dates[0], last=dates[-1]),
    }


def _rejected(client: S3Client, bucket: str, *, first: str, last: str) -> dict[str, int]:
    try:
        return dict(read_rejected(client, bucket, first=first, last=last))
    except InvalidInput as error:
        raise Unavailable(str(error)) from error


def _read(client: S3Client, bucket: str, *, first: str, last: str) -> Iterator[tuple[str, Engagement]]:
    import pyarrow as pa  # requests without pyarrow must not wait for its import
    import pyarrow.parquet as pq

    for stored in scan(client, bucket, ENGAGEMENT_PREFIX, after=f"{ENGAGEMENT_PREFIX}{SERVED_PARTITION}={first}"):
        date = stored.key.split("/")[1].partition("=")[2]
        if date > last:
            return
        if stored.body is None:
            continue
        try:
            rows = pq.read_table(io.BytesIO(stored.body), columns=list(ENGAGEMENT_COLUMNS)).to_pylist()
            yield from ((date, Engagement(**row)) for row in rows)
        except (pa.ArrowException, TypeError, ValueError) as error:
            raise Unavailable(f"s3://{bucket}/{stored.key} is not an object of the table: {error}") from error


def _document(row: Engagement) -> dict[str, Any]:
    rates = {column_name(name): rate for name, rate in row.rates().items()}
    return fields_of(row, "name", "answers", "impressions", "clicks", "carts", "purchases", "revenue") | rates
