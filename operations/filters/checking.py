"""Checks of a filter against the configuration and the catalogue."""

from __future__ import annotations

from collections.abc import Iterator

from alsolike.configuration.configuration import Configuration
from alsolike.filters.evaluation import FilterInputs, refuse_unknown
from alsolike.filters.spelling import undeclared, unknown_event_types
from alsolike.filters.tree import ColumnDataset, Filter, Verb
from alsolike.filters.types import mismatches
from alsolike.snapshot.snapshot import Snapshot
from operations.filters import catalogue


def problems(filter_: Filter, configuration: Configuration) -> Iterator[tuple[int, str]]:
    """Yield the character position and an error message for each mismatch with the configuration."""
    yield from undeclared(filter_, item_columns=configuration.item_columns, user_columns=configuration.user_columns)
    yield from unknown_event_types(filter_, configuration)
    columns = {ColumnDataset.ITEMS: configuration.item_columns, ColumnDataset.CURRENT_USER: configuration.user_columns}
    yield from mismatches(filter_, columns)


def passing(filter_: Filter, snapshot: Snapshot, configuration: Configuration, inputs: FilterInputs) -> int | None:
    """Return the number of items that pass, or None if the number depends on missing inputs."""
    refuse_unknown(inputs.values, filter_, name="the filter")
    if filter_.needs_item or _missing(filter_, inputs):
        return None
    return catalogue.passing(filter_, snapshot, configuration, inputs=inputs)


def _missing(filter_: Filter, inputs: FilterInputs) -> list[str]:
    """Return the filter's required parameters that have no value."""
    included = [expression for expression in filter_.expressions if expression.verb is Verb.INCLUDE]
    needed = dict.fromkeys(name for expression in included for name in expression.parameters)
    return [name for name in needed if name not in inputs.values]


def needed(filter_: Filter, inputs: FilterInputs) -> str:
    """Return the inputs that are missing for a count of passing items."""
    options = [f"--value {name}=..." for name in _missing(filter_, inputs)]
    return " and ".join([*options, *(["the item of a request"] if filter_.needs_item else [])])


def user_data_note(filter_: Filter | None, inputs: FilterInputs) -> str:
    """Return a note on user data that the count ignores."""
    lacking = []
    if filter_ is not None and filter_.needs_user and not inputs.user:
        lacking.append("properties")
    if filter_ is not None and filter_.needs_history:
        lacking.append("interactions")
    return f" for a user without {' and '.join(lacking)}" if lacking else ""
