"""Checks of a filter against the configuration and the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.domain.configuration import Configuration
from alsolike.filters.evaluation import FilterInputs, refuse_unknown
from alsolike.filters.spelling import undeclared, unknown_event_types
from alsolike.filters.tree import ColumnDataset, Filter, Verb
from alsolike.filters.types import mismatches
from alsolike.snapshot.snapshot import Snapshot
from operations.filters import catalogue


def problems(filter_: Filter, configuration: Configuration) -> Iterator[tuple[int, str]]:
    """Yield place and text of each column, event type or value that the configuration contradicts."""
    yield from undeclared(filter_, item_columns=configuration.item_columns, user_columns=configuration.user_columns)
    yield from unknown_event_types(filter_, configuration)
    columns = {ColumnDataset.ITEMS: configuration.item_columns, ColumnDataset.CURRENT_USER: configuration.user_columns}
    yield from mismatches(filter_, columns)


def passing(filter_: Filter, snapshot: Snapshot, configuration: Configuration, asked: FilterInputs) -> int | None:
    """Return how many items pass; None where a request has to say more."""
    refuse_unknown(asked.values, filter_, name="the filter")
    if filter_.needs_item or _missing(filter_, asked):
        return None
    return catalogue.passing(filter_, snapshot, configuration, asked=asked)


def _missing(filter_: Filter, asked: FilterInputs) -> list[str]:
    """Return the parameters that the filter needs and that have no value."""
    included = [expression for expression in filter_.expressions if expression.verb is Verb.INCLUDE]
    needed = dict.fromkeys(name for expression in included for name in expression.parameters)
    return [name for name in needed if name not in asked.values]


def needed(filter_: Filter, asked: FilterInputs) -> str:
    """Return what a request has to say before the items that pass can be counted."""
    options = [f"--value {name}=..." for name in _missing(filter_, asked)]
    return " and ".join([*options, *(["the item of a request"] if filter_.needs_item else [])])


def for_whom(filter_: Filter | None, asked: FilterInputs) -> str:
    """Return a note on the user data that the count ignores; empty if it ignores none."""
    lacking = []
    if filter_ is not None and filter_.needs_user and not asked.user:
        lacking.append("properties")
    if filter_ is not None and filter_.needs_history:
        lacking.append("interactions")
    return f" for a user without {' and '.join(lacking)}" if lacking else ""
