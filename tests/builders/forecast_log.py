"""Log of responses with two items in random order, and events of their users."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa

from alsolike.lake import partitions, served
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.records.served_response import SERVED_COLUMNS, ServedResponse, state_hash
from tests.builders.parquet import INTERACTIONS, SERVED, parquet
from tests.builders.served_rows import served as served_row

HOUR_MS = 3_600_000
USERS = 240


class ForecastLog:
    """Lake with a log. Responses were served an hour before `now_ms`, each after the view of a pear."""

    def __init__(self, s3: Any, bucket: str, pseudonyms: Pseudonyms, *, now_ms: int) -> None:
        self.s3, self.bucket, self.pseudonyms, self.now_ms = s3, bucket, pseudonyms, now_ms

    def row(self, user: int, **fields: Any) -> ServedResponse:
        view = f"user-{user} pear view {self.now_ms - 2 * HOUR_MS}"
        return served_row(
            **{
                "served_ms": self.now_ms - HOUR_MS, "shopper": self.pseudonyms.shopper(f"user-{user}"), "arms": [],
                "catalogue": "1", "history": state_hash([view]),
                "item_ids": ["fig", "plum"] if user % 2 else ["plum", "fig"],
                "origins": ["paired", "paired"], "propensities": [0.5, 1.0], **fields,
            }
        )  # fmt: skip

    def view(self, user: int) -> dict[str, Any]:
        return event(f"user-{user}", "pear", "view", at_ms=self.now_ms - 2 * HOUR_MS)

    def fill(self) -> None:
        """Store 240 responses.

        Three of four items at the first place are clicked and bought for 10. Two of four at the second place are
        viewed, which counts as a click.
        """
        rows = [self.row(user) for user in range(USERS)]
        events = []
        for user, row in enumerate(rows):
            name, named = f"user-{user}", row.recommendation_id
            events.append(self.view(user))
            first, second = row.item_ids
            if user // 2 % 4 < 3:
                events.append(event(name, first, "click", at_ms=row.served_ms + 1000, named=named))
                events.append(event(name, first, "purchase", at_ms=row.served_ms + 2000, named=named, value=10.0))
            if user // 2 % 4 >= 2:
                events.append(event(name, second, "view", at_ms=row.served_ms + 1500, named=named))
        self.store_rows(*rows)
        self.store_events(*events)

    def key(self, served_ms: int) -> str:
        return f"{served.partition_prefix(served.served_date(served_ms))}log.parquet"

    def store_rows(self, *rows: ServedResponse) -> None:
        values = [{name: getattr(row, name) for name in SERVED_COLUMNS} for row in rows]
        self._write(self.key(rows[0].served_ms), values, SERVED)

    def store_events(self, *events: Mapping[str, Any]) -> None:
        prefix = partitions.partition_prefix(partitions.event_date(self.now_ms))
        self._write(f"{prefix}events.parquet", events, INTERACTIONS)

    def _write(self, key: str, rows: Sequence[Mapping[str, Any]], schema: pa.Schema) -> None:
        self.s3.put_object(Bucket=self.bucket, Key=key, Body=parquet(rows, schema))


def event(
    user: str, item: str, event_type: str, *, at_ms: int, named: str | None = None, value: float | None = None
) -> dict[str, Any]:
    return {
        "event_id": f"{user} {item} {event_type} {at_ms}", "user_id": user, "item_id": item, "event_type": event_type,
        "event_value": value, "event_time_ms": at_ms, "received_time_ms": at_ms, "schema_version": 2,
        "recommendation_id": named,
    }  # fmt: skip


def swapped(event: Mapping[str, Any], *, other: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """Return a result of `recommend`: fig before plum, or plum before fig for a draft that contains `spring`.

    Parameters
    ----------
    other
        Results by user ID, which replace the default result.
    """
    forecast = event["forecast"]
    changes = "spring" in str(forecast.get("configuration"))
    result = {"present": ["fig", "plum"], "draft": ["plum", "fig"] if changes else ["fig", "plum"], "degraded": []}
    return {"lists": [(other or {}).get(request.get("userId"), result) for request in forecast["requests"]]}
