"""Daily sums of outcomes per group of responses, in the lake's table `engagement`."""

from __future__ import annotations

from enum import StrEnum

from alsolike.records import columns
from alsolike.records.columns import AnyNumber, BigInt, Text, column, record

_NAME = Text(1_000)
_COUNT = BigInt(0, 2**63 - 1)


class Dimension(StrEnum):
    ALL = "all"
    RECOMMENDER = "recommender"
    MODEL_VERSION = "model_version"
    ARM = "arm"


@record
class Engagement:
    dimension: str = column(_NAME, "Grouping: `all`, `recommender`, `model_version` or `arm`.")
    name: str = column(
        _NAME, "Value of the dimension; `all` for all responses. A response in several arms counts for each."
    )
    answers: int = column(_COUNT, "Number of responses.")
    shared_answers: int = column(_COUNT, "Responses without a user, which many users may have seen.")
    degraded: int = column(_COUNT, "Degraded responses.")
    items: int = column(_COUNT, "Sum of the column of `outcomes`.")
    impressions: int = column(_COUNT, "Sum of the column of `outcomes`.")
    clicks: int = column(_COUNT, "Sum of the column of `outcomes`.")
    shown_clicks: int = column(_COUNT, "Sum of the column of `outcomes`.")
    carts: int = column(_COUNT, "Sum of the column of `outcomes`.")
    purchases: int = column(_COUNT, "Sum of the column of `outcomes`.")
    clicked_answers: int = column(_COUNT, "Responses to a shopper with a click.")
    bought_answers: int = column(_COUNT, "Responses to a shopper with a purchase.")
    revenue: float = column(AnyNumber(), "Sum of the column of `outcomes`.")
    shared_revenue: float = column(AnyNumber(), "Sum of the shared responses.")
    new_items: int = column(_COUNT, "Sum of the column of `outcomes`.")
    novelty: float = column(AnyNumber(), "Sum of the column of `outcomes`.")
    novelty_answers: int = column(_COUNT, "Responses with a novelty.")
    covered_items: int = column(_COUNT, "Distinct recommended items of the catalogue.")
    catalogue_items: int = column(_COUNT, "Number of items in the catalogue.")

    def rates(self) -> dict[str, float | None]:
        """Return the rates by metric name. A rate with the denominator 0 is None.

        The number of viewers of a shared response is unknown, so conversion and revenue exclude shared responses.

        ==================== ===================================================================
        click_through        share of clicked items among items that were reported as shown
        conversion           share of responses with a purchase among responses to shoppers
        revenue_per_thousand revenue per thousand responses to shoppers
        coverage             share of catalogue items that were recommended (mean over days)
        novelty              mean novelty of responses (`alsolike.records.outcome`), in bits
        new_item_share       share of new items among recommended items
        degraded_share       share of degraded responses
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


def _ratio(part: float, whole: float) -> float | None:
    return part / whole if whole else None


ENGAGEMENT_COLUMNS = columns.glue_columns(Engagement)
