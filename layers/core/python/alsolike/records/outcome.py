"""Outcome of a served response, in the lake's table `outcomes`."""

from __future__ import annotations

from alsolike.records import columns
from alsolike.records.columns import AnyNumber, Flag, Int, Milliseconds, Text, Texts, column, record

_NAME = Text(1_000)
_COUNT = Int(0, 2**31 - 1)


@record
class Outcome:
    """Events that are attributed to a response.

    For a shared response (without a shopper), `impressions` to `purchases` count an item once per viewer.
    """

    recommendation_id: str = column(_NAME, "ID of the response.")
    served_ms: int = column(Milliseconds(), "Time of the response in milliseconds since 1970 UTC.")
    recommender: str = column(_NAME, "The requested recommender.")
    model_version: str = column(_NAME, "Version of the model.")
    arms: tuple[str, ...] = column(Texts(_NAME, 0, 1_000), "`experiment/arm` of each experiment.")
    shopper: str | None = column(_NAME, "Keyed hash of the user, otherwise of the session; null for shared responses.")
    source: str = column(_NAME, "Source of the items, as in [`served`](served.md).")
    degraded: bool = column(Flag(), "True if the response was degraded.")
    items: int = column(_COUNT, "Number of recommended items.")
    impressions: int = column(_COUNT, "Items that were reported as shown.")
    clicks: int = column(_COUNT, "Clicked items.")
    shown_clicks: int = column(_COUNT, "Clicked items that were also reported as shown.")
    carts: int = column(_COUNT, "Items that were put into a cart.")
    purchases: int = column(_COUNT, "Purchased items.")
    revenue: float = column(AnyNumber(), "Sum of the values of purchases, less returns.")
    new_items: int = column(_COUNT, "Recommended items that were new.")
    novelty: float | None = column(
        AnyNumber(),
        "Mean self-information of the items in bits; null for an empty response, and without interactions to estimate "
        "it.",
    )


OUTCOMES_COLUMNS = columns.glue_columns(Outcome)
