"""What was served: one row an answer, from the log of `recommend` to the lake's table `served`.

`recommend` writes a line, JSON of `COLUMNS` below the key `LINE_KEY`; a subscription of its log carries it on. A row is
told from others by its recommendation id: what is delivered twice counts once.
"""

from __future__ import annotations

from types import MappingProxyType

from alsolike.lake import event_date

TABLE = "served"
PREFIX = f"{TABLE}/"
PARTITION_COLUMN = "served_date"

LINE_KEY = "served"
"""The key of a log line that has an answer, `{"served": {...}}`; no other line has it."""

RANKED, FILLED, PINNED, EXPLORED, PROMOTED = "ranked", "filled", "pinned", "explored", "promoted:"
"""Why an item has its place; after the last one comes the promotion's name."""

COLUMNS = MappingProxyType(
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
    }
)
"""Columns of the table with their Glue types; the partition column stands in the object key.

===================== ================================================================================================
column                what
===================== ================================================================================================
recommender           as it was asked for, also where an arm's other one answered
model_version         `none` without a model
arms                  `experiment/arm` of each experiment that the answer is part of; empty without
shopper, session      keyed hashes (`Pseudonyms.shopper`) of the user id and the session id as they are stored; null
                      where nobody was named. Where one id may be either's, both are given
source                the step of the ladder, or what else the items are from (`x-alsolike-source`)
degraded              why the answer is less than it should be; empty where it is not
configuration         version of the configuration
rules, filter         names of the rule set and the filter that applied; null without
page_item             the item that the request names
asked                 how many items were asked for
item_ids              what was answered, in the order of the places
origins               by place: `ranked`, `filled`, `promoted:<name>`, `pinned` or `explored`
propensities          by place: the chance with which this item came to this place, given those before it; null where
                      nothing was left to chance
===================== ================================================================================================
"""


def partition_prefix(date: str) -> str:
    """Return the key prefix of one day."""
    return f"{PREFIX}{PARTITION_COLUMN}={date}/"


def served_date(served_ms: int) -> str:
    """Return the partition of an answer."""
    return event_date(served_ms)
