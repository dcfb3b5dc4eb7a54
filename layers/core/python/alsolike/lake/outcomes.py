"""Outcomes of served answers: one row per answer, in the lake's table `outcomes`, by the day on which it was served.

A day is one object, always rewritten as a whole, so that readers get each answer once, as of one moment.
"""

from __future__ import annotations

from types import MappingProxyType

TABLE = "outcomes"
PREFIX = f"{TABLE}/"
PARTITION_COLUMN = "served_date"

COLUMNS = MappingProxyType(
    {
        "recommendation_id": "string",
        "served_ms": "bigint",
        "recommender": "string",
        "model_version": "string",
        "arms": "array<string>",
        "shopper": "string",
        "source": "string",
        "degraded": "boolean",
        "items": "int",
        "impressions": "int",
        "clicks": "int",
        "shown_clicks": "int",
        "carts": "int",
        "purchases": "int",
        "revenue": "double",
        "new_items": "int",
        "novelty": "double",
    }
)
"""Columns of the table with their Glue types; the partition column stands in the object key.

=========== ==========================================================================================================
column      content
=========== ==========================================================================================================
shopper     the hash of the user in `served`, else that of the session; null without either, `unknown` as there
items       number of recommended items
impressions how many of them were reported as shown, each once; if `shopper` is null, this and all that follow count
            an item once per viewer: the user of the event, else its session
clicks, carts, purchases
            how many of them were clicked, put into a cart and bought, each once
shown_clicks
            how many of the clicked ones were reported as shown, too
revenue     the sum of the values of the purchases, each event once, less returns
new_items   how many of them were new
novelty     mean self-information of the recommended items in bits; null for an empty answer, and without interactions
            to estimate it
=========== ==========================================================================================================
"""


def partition_prefix(date: str) -> str:
    """Return the key prefix of one day."""
    return f"{PREFIX}{PARTITION_COLUMN}={date}/"


def object_key(date: str) -> str:
    """Return the key of the one object of a day."""
    return f"{partition_prefix(date)}outcomes.parquet"
