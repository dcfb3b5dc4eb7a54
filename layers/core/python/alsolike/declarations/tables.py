"""Tables of the lake: names, partition columns, and columns with their Glue types."""

from collections.abc import Iterable, Sequence
from types import MappingProxyType


def once_sql(table: str, columns: Iterable[str], *, key: Sequence[str], order: Sequence[str]) -> str:
    """Return the query that keeps the first copy of each row, for Athena and DuckDB.

    Parameters
    ----------
    key
        SQL expressions that are equal in all copies of a row.
    order
        Columns by which copies are ordered, ascending, nulls last.
    """
    listed = ", ".join(columns)
    ordered = ", ".join(f"{name} ASC NULLS LAST" for name in order)
    number = f"row_number() OVER (PARTITION BY {', '.join(key)} ORDER BY {ordered})"
    numbered = f"SELECT {listed}, {number} AS copy FROM {table}"  # noqa: S608  the names are the program's own
    return f"SELECT {listed} FROM ({numbered}) WHERE copy = 1"  # noqa: S608


INTERACTIONS_TABLE = "interactions"
INTERACTIONS_PARTITION = "event_date"
"""`alsolike.records.interaction` declares the columns."""

SERVED_TABLE = "served"
SERVED_PARTITION = "served_date"
"""Partition column of `served`, `outcomes` and `engagement`."""
SERVED_COLUMNS = MappingProxyType(
    {
        "recommendation_id": "string",
        "served_ms": "bigint",
        "recommender": "string",
        "model_version": "string",
        "arms": "array<string>",
        "shopper": "string",
        "session": "string",
        "source": "string",
        "degraded": "array<string>",
        "configuration": "int",
        "rules": "string",
        "filter": "string",
        "page_item": "string",
        "asked": "int",
        "item_ids": "array<string>",
        "origins": "array<string>",
        "propensities": "array<double>",
        "took_ms": "double",
        "top_score": "double",
        "correlation_id": "string",
        "scores": "array<double>",
        "device": "string",
    }
)
"""Columns of the table.

===================== ================================================================================================
column                content
===================== ================================================================================================
recommender           the requested one, even if an arm's other one answered
model_version         `none` without a model
arms                  `experiment/arm` of each experiment that the answer is part of; empty without
shopper, session      keyed hashes (`Pseudonyms.shopper`) of the stored user id and session id; null without an id. If
                      an id may be a user's or a session's, both columns have it, unless they are equal. `unknown` as
                      the shopper if the secret of the hashes could not be read
source                the step of the ladder, or another origin of the items (`x-alsolike-source`)
degraded              the reasons why the answer is degraded; empty if it is not
configuration         version of the configuration
rules, filter         names of the rule set and the filter that applied; null without
page_item             the item that the request names
asked                 the requested number of items
item_ids              the recommended items, in the order of the places
origins               by place: `ranked`, `filled`, `promoted:<name>`, `pinned` or `explored`
propensities          by place: the probability of this item at this place, given those before it; null for a
                      deterministic place
took_ms               duration of the answer in the function; null in answers from before this column
top_score             the highest score of an item whose origin is `ranked`; null without one, and before this column
correlation_id        of the request (`alsolike.runtime.observability`); null in answers from before this column
scores                by place: the model's score before the reranker and rules; null for items that it did not rank,
                      for other recommenders, and in answers from before this column
device                of the request's context; null without one, and in answers from before this column
===================== ================================================================================================
"""
SERVED_ONCE_SQL = once_sql(
    SERVED_TABLE, (*SERVED_COLUMNS, SERVED_PARTITION), key=["recommendation_id"], order=["served_ms"]
)
"""Query that keeps one row per answer; copies of a row are equal."""

OUTCOMES_TABLE = "outcomes"
OUTCOMES_COLUMNS = MappingProxyType(
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
"""Columns of the table.

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

ENGAGEMENT_TABLE = "engagement"
ENGAGEMENT_COLUMNS = MappingProxyType(
    {
        "dimension": "string",
        "name": "string",
        "answers": "bigint",
        "shared_answers": "bigint",
        "degraded": "bigint",
        "items": "bigint",
        "impressions": "bigint",
        "clicks": "bigint",
        "shown_clicks": "bigint",
        "carts": "bigint",
        "purchases": "bigint",
        "clicked_answers": "bigint",
        "bought_answers": "bigint",
        "revenue": "double",
        "shared_revenue": "double",
        "new_items": "bigint",
        "novelty": "double",
        "novelty_answers": "bigint",
        "covered_items": "bigint",
        "catalogue_items": "bigint",
    }
)
"""Columns of the table.

================================ =====================================================================================
column                           content
================================ =====================================================================================
dimension, name                  `all` with the name `all`; `recommender`, `model_version` or `arm` with its name. An
                                 answer in several arms is in the row of each
answers, degraded                number of answers, and of degraded ones
shared_answers                   number of answers without a user, which many users may have seen
items ... purchases, new_items   sums of the columns of `outcomes`
clicked_answers, bought_answers  answers for a user with a clicked, or bought, item
revenue, shared_revenue          the sum of the answers' revenue, and of the shared ones'
novelty, novelty_answers         the sum of the answers' novelty, and the number of answers with one
covered_items, catalogue_items   number of distinct recommended items of the catalogue, and its size
================================ =====================================================================================
"""

CHANGES_PARTITION = "change_date"
"""Partition column of the change logs of items and users."""

PROFILES_PARTITION_KEY, PROFILES_SORT_KEY = "profile_id", "sort_key"
"""Keys of DynamoDB's table of live profiles (`alsolike.profiles.profile`)."""
