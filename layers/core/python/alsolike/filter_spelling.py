"""Whether the columns that a filter looks at are declared, and which ones were meant where they are not."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping

from alsolike.configuration import ColumnType
from alsolike.filter_tree import ITEM_ID, Dataset, Filter


def undeclared(
    filter_: Filter, *, item_columns: Mapping[str, ColumnType], user_columns: Mapping[str, ColumnType]
) -> Iterator[tuple[int, str]]:
    """Yield the character at which a column stands that is not declared, and what is wrong with it.

    The catalogue snapshot has values of declared columns only: what asks for another one finds none. Users and the
    current item have all that they were sent with, of whatever type.

    Parameters
    ----------
    item_columns, user_columns
        Declared types by property.
    """
    known = {
        Dataset.ITEMS: (*item_columns, ITEM_ID),
        Dataset.CURRENT_ITEM: tuple(item_columns),
        Dataset.CURRENT_USER: tuple(user_columns),
    }
    for column in filter_.columns:
        names = known.get(column.dataset)
        if names is None or column.key in names:
            continue
        by_lower_case = {name.lower(): name for name in names}
        near = difflib.get_close_matches(column.key.lower(), by_lower_case, n=1)
        meant = f", did you mean {by_lower_case[near[0]]}?" if near else ""
        why = "so no item has a value of it" if column.dataset is Dataset.ITEMS else "so nothing checks its values"
        yield column.offset, f"{column.dataset}.{column.name} is not declared, {why}{meant}"
