"""Check of filters for undeclared columns and event types, with suggestions of declared names."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.filters.tree import ITEM_ID, Column, ColumnDataset, Filter, Membership
from alsolike.runtime.errors import UnknownEventType
from alsolike.schema.document import closest


def unknown_event_types(filter_: Filter, configuration: Configuration) -> Iterator[tuple[int, str]]:
    """Yield the position of each condition with an undeclared event type, and the error message."""
    for column, text in texts(filter_):
        if column.dataset is not ColumnDataset.INTERACTIONS:
            continue
        try:
            configuration.canonical_event_type(text)
        except UnknownEventType as error:
            near = closest(text, configuration.events)
            yield column.offset, f"{error}" + (f"; did you mean {near}?" if near else "")


def texts(filter_: Filter) -> Iterator[tuple[Column, str]]:
    for expression in filter_.expressions:
        for leaf in expression.leaves():
            values = leaf.elements if isinstance(leaf, Membership) else (leaf.value,)
            if isinstance(values, tuple):
                yield from ((leaf.column, value) for value in values if isinstance(value, str))


def undeclared(
    filter_: Filter, *, item_columns: Mapping[str, ColumnType], user_columns: Mapping[str, ColumnType]
) -> Iterator[tuple[int, str]]:
    """Yield the position of each undeclared column, and the error message.

    Filters read only the declared columns of items, so conditions on other columns are false for every item. In
    contrast, users and the current item have all properties that clients sent, with values of any type.
    """
    known = {
        ColumnDataset.ITEMS: (*item_columns, ITEM_ID),
        ColumnDataset.CURRENT_ITEM: tuple(item_columns),
        ColumnDataset.CURRENT_USER: tuple(user_columns),
    }
    for column in filter_.columns:
        names = known.get(column.dataset)
        if names is None or column.key in names:
            continue
        near = closest(column.key, names)
        dataset = "users" if column.dataset is ColumnDataset.CURRENT_USER else "items"
        cure = f", did you mean {near}?" if near else f". Declare {column.key} in the configuration: {dataset}.columns"
        why = (
            "so no item has a value in it" if column.dataset is ColumnDataset.ITEMS else "so nothing checks its values"
        )
        yield column.offset, f"{column.dataset}.{column.name} is not declared, {why}{cure}"
