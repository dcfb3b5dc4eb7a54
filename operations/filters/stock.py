"""Filter that passes items in stock, found by the name and type of a column."""

from __future__ import annotations

import re
from collections.abc import Iterator

from alsolike.domain.configuration import ColumnType, Configuration
from alsolike.filters import parser
from alsolike.filters.tree import ColumnDataset

FILTER = "in-stock"
"""Name of the filter."""

_AVAILABLE = re.compile(r"(is)?(in|on)?stock(ed)?|(is)?(available|availability|buyable|purchasable|sellable)|lieferbar")
_UNAVAILABLE = re.compile(r"(is)?((out|no|not)(of|in)?stock|soldout|unavailable|notavailable|discontinued|ausverkauft)")
_AMOUNT = re.compile(
    r"(in)?(stock|inventory)(level|quantity|qty|count|amount|units)?|(quantity|qty|units|items)(in|on)?stock|bestand|"
    "lagerbestand"
)


def stock_filter(configuration: Configuration) -> str | None:
    """Return the expression of the filter; None without a column of stock, or if a filter reads it already."""
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
    """Yield the columns of stock, each with an expression."""
    for name, type_ in configuration.item_columns.items():
        plain, column = name.lower().replace("_", ""), f"Items.{re.sub('(?<=[a-z0-9])(?=[A-Z])', '_', name).upper()}"
        if type_ is ColumnType.BOOLEAN and _AVAILABLE.fullmatch(plain):
            yield name, f"INCLUDE ItemID WHERE {column} = true"
        elif type_ is ColumnType.BOOLEAN and _UNAVAILABLE.fullmatch(plain):
            yield name, f"EXCLUDE ItemID WHERE {column} = true"
        elif type_ is ColumnType.NUMBER and _AMOUNT.fullmatch(plain):
            yield name, f"INCLUDE ItemID WHERE {column} > 0"
