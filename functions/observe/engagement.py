"""Daily outcomes of responses, from the lake's table `engagement`."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from typing import Any

from alsolike.api.documents import fields_of
from alsolike.configuration.columns import column_name
from alsolike.lake.engagement import read_rejected, total
from alsolike.records.engagement import Dimension, Engagement
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidInput, Unavailable

_DIMENSIONS = {"model": Dimension.MODEL_VERSION}


def engagement(client: S3Client, bucket: str, *, days: int, by: str, now_ms: int) -> dict[str, Any]:
    """Return the response of `GET /operator/engagement` for the last days, including today."""
    from operations.experiments.lake_tables import read_engagement  # imports pyarrow, which other routes do not need

    last = dt.datetime.fromtimestamp(now_ms / 1000, dt.UTC).date()
    dates = [(last - dt.timedelta(days=back)).isoformat() for back in range(days - 1, -1, -1)]
    dimension = _DIMENSIONS.get(by) or Dimension(by)
    rows: defaultdict[str, list[Engagement]] = defaultdict(list)
    try:
        for date, row in read_engagement(client, bucket, first=dates[0], last=dates[-1]):
            if row.dimension == dimension:
                rows[date].append(row)
        rejected = dict(read_rejected(client, bucket, first=dates[0], last=dates[-1]))
    except InvalidInput as error:
        raise Unavailable(str(error)) from error
    return {
        "from": dates[0],
        "to": dates[-1],
        "by": by,
        "totals": [_document(row) for row in total(row for day_rows in rows.values() for row in day_rows)],
        "days": [
            {"date": date, "rows": [_document(row) for row in sorted(rows[date], key=lambda row: row.name)]}
            for date in dates
        ],
        "rejected": rejected,
    }


def _document(row: Engagement) -> dict[str, Any]:
    rates = {column_name(name): rate for name, rate in row.rates().items()}
    return fields_of(row, "name", "answers", "impressions", "clicks", "carts", "purchases", "revenue") | rates
