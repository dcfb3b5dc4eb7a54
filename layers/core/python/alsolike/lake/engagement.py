"""Daily figures of answers: the lake's table `engagement`, aggregated from `outcomes`, and the receipts of its days."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterable
from enum import StrEnum
from typing import Any

import orjson

from alsolike.declarations.storage import ATTRIBUTION_PREFIX, ENGAGEMENT_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.s3 import scan


class Dimension(StrEnum):
    """The groupings of answers."""

    ALL = "all"
    RECOMMENDER = "recommender"
    MODEL_VERSION = "model_version"
    ARM = "arm"


@dataclasses.dataclass(frozen=True, slots=True)
class Engagement:
    """A row of the table; a rate is None if its denominator is 0."""

    dimension: str
    name: str
    answers: int
    shared_answers: int
    degraded: int
    items: int
    impressions: int
    clicks: int
    shown_clicks: int
    carts: int
    purchases: int
    clicked_answers: int
    bought_answers: int
    revenue: float
    shared_revenue: float
    new_items: int
    novelty: float
    novelty_answers: int
    covered_items: int
    catalogue_items: int

    def rates(self) -> dict[str, float | None]:
        """Return the rates, by the metric's name.

        The number of viewers of a shared answer is unknown, so rates per answer exclude shared ones.

        ==================== ===================================================================
        click_through        clicked items, of those that were reported as shown
        conversion           answers for a user with a purchase, of all answers for a user
        revenue_per_thousand revenue of answers for a user, per thousand of them
        coverage             recommended items of the catalogue, of all; the mean of several days
        novelty              mean of the answers' (`alsolike.lake.outcomes`), in bits
        new_item_share       of the recommended items
        degraded_share       of the answers
        ==================== ===================================================================
        """
        to_shoppers = self.answers - self.shared_answers
        return {
            "click_through": _ratio(self.shown_clicks, self.impressions),
            "conversion": _ratio(self.bought_answers, to_shoppers),
            "revenue_per_thousand": _ratio(1000 * (self.revenue - self.shared_revenue), to_shoppers),
            "coverage": _ratio(self.covered_items, self.catalogue_items),
            "novelty": _ratio(self.novelty, self.novelty_answers),
            "new_item_share": _ratio(self.new_items, self.items),
            "degraded_share": _ratio(self.degraded, self.answers),
        }


def total(rows: Iterable[Engagement]) -> list[Engagement]:
    """Return one row a dimension and name, in their order, that sums up those of several days.

    Items of the catalogue, covered and all, are sums over days, too: their ratio is the days' mean coverage.
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
    """Return the key prefix of one day."""
    return f"{ENGAGEMENT_PREFIX}{SERVED_PARTITION}={date}/"


def object_key(date: str) -> str:
    """Return the key of the one object of a day."""
    return f"{partition_prefix(date)}engagement.parquet"


def receipt_key(date: str) -> str:
    """Return the key of the receipt of a day: a JSON object whose `rejected` counts rejected events by reason."""
    return f"{ATTRIBUTION_PREFIX}{SERVED_PARTITION}={date}.json"


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


def read_rejected(client: Any, bucket: str, *, first: str, last: str) -> Counter[str]:
    """Return how many events that name answers did not count, by reason.

    Parameters
    ----------
    first, last
        Days (ISO 8601) on which the answers were served, both included.

    Raises
    ------
    InvalidInput
        If a receipt is unreadable.
    """
    rejected: Counter[str] = Counter()
    start = f"{ATTRIBUTION_PREFIX}{SERVED_PARTITION}={first}"
    for stored in scan(client, bucket, ATTRIBUTION_PREFIX, after=start):
        if stored.key > receipt_key(last):
            break
        if stored.body is not None:
            try:
                rejected.update({str(reason): int(count) for reason, count in _rejected(stored.body).items()})
            except (ValueError, TypeError, KeyError, AttributeError) as error:
                raise InvalidInput(
                    f"s3://{bucket}/{stored.key} is not a valid receipt: {error}; the next attribution replaces it"
                ) from error
    return rejected


def _rejected(receipt: bytes) -> dict[str, int]:
    rejected: dict[str, int] = orjson.loads(receipt)["rejected"]
    return rejected
