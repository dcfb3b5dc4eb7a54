"""Synthetic outcomes of responses, and their objects in the lake."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Iterable
from typing import Any

import pyarrow as pa

from alsolike.lake import outcomes
from alsolike.lake.partitions import event_date
from tests.builders.parquet import OUTCOMES, parquet_of

_numbers = itertools.count()


@dataclasses.dataclass(frozen=True)
class Outcome:
    """Outcomes of a response. `row` fills the table's other columns with constants."""

    shopper: str | None
    served_ms: int
    arms: tuple[str, ...] = ()
    recommender: str = "for-you"
    impressions: int = 4
    shown_clicks: int = 0
    clicks: int = 0
    purchases: int = 0
    revenue: float = 0.0
    degraded: bool = False

    def row(self) -> dict[str, Any]:
        rest = {"recommendation_id": f"id-{next(_numbers)}", "model_version": "v1", "source": "model", "items": 10,
                "carts": 0, "new_items": 0, "novelty": 1.0}  # fmt: skip
        return {**rest, **dataclasses.asdict(self), "arms": list(self.arms)}


def table(answers: Iterable[Outcome]) -> pa.Table:
    return pa.Table.from_pylist([answer.row() for answer in answers], schema=OUTCOMES)


def store(s3: Any, bucket: str, answers: Iterable[Outcome]) -> None:
    for date, day_rows in itertools.groupby(
        sorted(answers, key=lambda answer: answer.served_ms), key=lambda answer: event_date(answer.served_ms)
    ):
        s3.put_object(Bucket=bucket, Key=outcomes.object_key(date), Body=parquet_of(table(day_rows)))
