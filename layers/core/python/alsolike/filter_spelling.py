"""Whether the columns that a filter looks at are declared, and which ones were meant where they are not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from alsolike.configuration import ColumnType
from alsolike.filter_tree import ITEM_ID, Dataset, Filter


def undeclared(filter_: Filter, item_columns: Mapping[str, ColumnType]) -> Iterator[tuple[int, str]]:
    """Yield the character at which a column of items stands that is not declared, and what is wrong with it.

    The catalogue snapshot has values of declared columns only: what asks for another one finds none.

    Parameters
    ----------
    item_columns
        Declared types by property.
    """
    by_lower_case = {name.lower(): name for name in (*item_columns, ITEM_ID)}
    for column in filter_.columns:
        if column.dataset is not Dataset.ITEMS or column.key in item_columns or column.key == ITEM_ID:
            continue
        near = difflib.get_close_matches(column.key.lower(), by_lower_case, n=1)
        meant = f", did you mean {by_lower_case[near[0]]}?" if near else ""
        yield column.offset, f"Items.{column.name} is not declared, so no item has a value of it{meant}"
