"""Lake with responses and events, and the results of attribution."""

from __future__ import annotations

import dataclasses
import itertools
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa

from alsolike.declarations.times import DAY_MS
from alsolike.lake import engagement, outcomes, partitions, served
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.records.engagement import Engagement
from alsolike.snapshot.snapshot import EMPTY
from functions.attribute_outcomes.attribution_rules import AttributionRules
from functions.attribute_outcomes.inputs import DayReceiptStore
from functions.attribute_outcomes.service import Attribution, AttributionResult
from tests.builders.parquet import INTERACTIONS, SERVED, parquet, table_of
from tests.builders.served_rows import served as served_row
from tests.builders.served_rows import stored

DATE = "2026-09-21"
DAY = 20_717
SERVED_MS = DAY * DAY_MS + 12 * 3_600_000
NOW_MS = (DAY + 1) * DAY_MS + 7_200_000
PSEUDONYMS = Pseudonyms(b"k" * 64)

Answer = dict[str, Any]

_numbers = itertools.count()


def answer(items: Sequence[str], *, user: str | None = "anna", **fields: Any) -> dict[str, Any]:
    """Return a row of `served`. Its recommendation ID matches the other fields, unless `fields` contains an ID."""
    values: dict[str, Any] = {
        "served_ms": SERVED_MS,
        "model_version": "m1",
        "arms": [],
        "shopper": None if user is None else PSEUDONYMS.shopper(user),
        "configuration": 1,
        "asked": len(items),
        "item_ids": list(items),
        "origins": ["ranked"] * len(items),
        "propensities": [None] * len(items),
        **fields,
    }
    return stored(served_row(**values))


def event(
    answered: Mapping[str, Any] | str | None, item: str | None, kind: str = "click", **fields: Any
) -> dict[str, Any]:
    """Return an interaction that references a response (a row or an ID), by default one minute after the response."""
    named = answered["recommendation_id"] if isinstance(answered, Mapping) else answered
    served_ms = answered["served_ms"] if isinstance(answered, Mapping) else SERVED_MS
    time_ms = served_ms + fields.pop("after_ms", 60_000)
    return {
        "event_id": f"e{next(_numbers)}",
        "user_id": "anna",
        "session_id": None,
        "item_id": item,
        "event_type": kind,
        "event_value": None,
        "event_time_ms": time_ms,
        "recommendation_id": named,
        "impression": [],
        "properties": "{}",
        "received_time_ms": time_ms,
        "schema_version": 2,
        **fields,
    }


@dataclasses.dataclass(frozen=True, slots=True)
class Lake:
    s3: Any
    bucket: str

    def write_served(self, rows: Sequence[Mapping[str, Any]], *, name: str = "a") -> None:
        """Write the rows, one object per day."""
        self._write(rows, SERVED, lambda row: served.partition_prefix(served.served_date(row["served_ms"])), name)

    def write_events(self, rows: Sequence[Mapping[str, Any]], *, name: str = "a") -> None:
        """Write the rows, one object per day."""
        self._write(
            rows,
            INTERACTIONS,
            lambda row: partitions.partition_prefix(partitions.event_date(row["event_time_ms"])),
            name,
        )

    def _write(self, rows: Sequence[Mapping[str, Any]], schema: pa.Schema, prefix: Any, name: str) -> None:
        for each, some in itertools.groupby(sorted(rows, key=prefix), key=prefix):
            self.s3.put_object(Bucket=self.bucket, Key=f"{each}{name}.parquet", Body=parquet(some, schema))

    def process(
        self, served: Sequence[Mapping[str, Any]], events: Sequence[Mapping[str, Any]] = (), **options: Any
    ) -> AttributionResult:
        self.write_served(served)
        self.write_events(events)
        return self.attribute(**options)

    def attribute(self, **options: Any) -> AttributionResult:
        with tempfile.TemporaryDirectory() as name:
            return Attribution(
                client=self.s3,
                bucket=self.bucket,
                **{
                    "catalogue": EMPTY,
                    "rules": AttributionRules(),
                    "shopper": PSEUDONYMS.shopper,
                    "report": lambda report: None,
                    "has_time": lambda: True,
                    "directory": Path(name),
                    "now_ms": NOW_MS,
                    **options,
                },
            ).run()

    def outcomes(self, date: str = DATE) -> dict[str, dict[str, Any]]:
        rows = self._rows(outcomes.object_key(date))
        assert len({row["recommendation_id"] for row in rows}) == len(rows)
        return {row["recommendation_id"]: row for row in rows}

    def engagement(self, date: str = DATE) -> dict[tuple[str, str], Engagement]:
        """Return the sums of a day by dimension and name."""
        rows = [Engagement(**row) for row in self._rows(engagement.object_key(date))]
        return {(row.dimension, row.name): row for row in rows}

    def _rows(self, key: str) -> list[dict[str, Any]]:
        body = self.s3.get_object(Bucket=self.bucket, Key=key)["Body"].read()
        rows: list[dict[str, Any]] = table_of(body).to_pylist()
        return rows

    def rejected(self, day: int = DAY) -> dict[str, int]:
        receipt = DayReceiptStore(self.s3, self.bucket).read(day)
        return {} if receipt is None else dict(receipt.rejected)
