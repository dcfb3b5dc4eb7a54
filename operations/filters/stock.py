"""Generator of a filter for items in stock. It recognises stock columns by name and type."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.filters import parser
from alsolike.filters.tree import ColumnDataset

FILTER = "in-stock"

_AVAILABLE = re.compile(r"(is)?(in|on)?stock(ed)?|(is)?(available|availability|buyable|purchasable|sellable)|lieferbar")
_UNAVAILABLE = re.compile(r"(is)?((out|no|not)(of|in)?stock|soldout|unavailable|notavailable|discontinued|ausverkauft)")
_AMOUNT = re.compile(
    r"(in)?(stock|inventory)(level|quantity|qty|count|amount|units)?|(quantity|qty|units|items)(in|on)?stock|bestand|"
    "lagerbestand"
)


def stock_filter(configuration: Configuration) -> str | None:
    """Return a filter expression on the first stock column.

    Return None if there is no stock column, or if a filter already reads the first one.
    """
    read = {
        column.key
        for expression in configuration.filters.values()
        for column in parser.parse(expression).columns
        if column.dataset is ColumnDataset.ITEMS
    }
    for name, expression in _expressions(configuration):
        return None if name in read else expression
    return None


def _expressions(configuration: Configuration) -> Iterator[tuple[str, str]]:
    """Yield each stock column with an expression that selects items in stock."""
    for name, type_ in configuration.item_columns.items():
        plain, column = name.lower().replace("_", ""), f"Items.{re.sub('(?<=[a-z0-9])(?=[A-Z])', '_', name).upper()}"
        if type_ is ColumnType.BOOLEAN and _AVAILABLE.fullmatch(plain):
            yield name, f"INCLUDE ItemID WHERE {column} = true"
        elif type_ is ColumnType.BOOLEAN and _UNAVAILABLE.fullmatch(plain):
            yield name, f"EXCLUDE ItemID WHERE {column} = true"
        elif type_ is ColumnType.NUMBER and _AMOUNT.fullmatch(plain):
            yield name, f"INCLUDE ItemID WHERE {column} > 0"
