"""Evaluation of a filter on the catalogue of a deployment, without a model, and checks against the configuration."""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.configuration.columns import as_declared, check_values, fits, property_name
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.filters import parser
from alsolike.filters.evaluation import FilterEvaluator, FilterInputs, refuse_unknown
from alsolike.filters.tree import ITEM_ID, ColumnDataset, Filter, Verb
from alsolike.filters.types import mismatches
from alsolike.filters.undeclared_names import texts, undeclared, unknown_event_types
from alsolike.filters.values import parse_values
from alsolike.runtime.errors import InvalidInput
from alsolike.runtime.observability import logger
from alsolike.schema.document import closest
from alsolike.schema.validation import describe
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.snapshot import ListColumn, Snapshot, StringColumn
from operations.client.deployment import Deployment
from operations.configuration.deployed_configuration import live_configuration
from operations.name_value_options import pairs
from operations.progress import counted
from operations.times import milliseconds, moment


def read_snapshot(deployment: Deployment) -> Snapshot:
    level = logger.log_level
    logger.setLevel("CRITICAL")  # The reader would log to standard output, which is reserved for results.
    try:
        with tempfile.TemporaryDirectory() as directory:  # The deleted file stays readable through the memory mapping.
            reader = SnapshotReader(deployment.client("s3"), deployment.names.artefact_bucket, Path(directory))
            return reader.current(now_ms=0)
    finally:
        logger.setLevel(level)


def column_names(snapshot: Snapshot, configuration: Configuration) -> set[str]:
    return {*configuration.item_columns, *(name for _, properties in snapshot.items() for name in properties)}


def check_columns(deployment: Deployment, names: Iterable[str], *, option: str) -> None:
    known = column_names(read_snapshot(deployment), live_configuration(deployment))
    if unknown := [name for name in names if property_name(name) not in known and name not in known]:
        listed = ", ".join(sorted(known))
        raise InvalidInput(f"{option} names {', '.join(unknown)}, expected columns of the catalogue: {listed}")


def contradictions_of(deployment: Deployment, filter_name: str) -> list[str]:
    configuration = live_configuration(deployment)
    expression = configuration.filters.get(filter_name)
    if expression is None:
        return []
    return filter_contradictions(parser.parse(expression), read_snapshot(deployment), configuration)


def filter_contradictions(filter_: Filter, snapshot: Snapshot, configuration: Configuration) -> list[str]:
    columns = {
        column.key: configuration.item_columns[column.key]
        for column in filter_.columns
        if column.dataset is ColumnDataset.ITEMS and column.key in configuration.item_columns
    }
    return contradictions((properties for _, properties in snapshot.items()), columns, noun="item")


def contradictions(rows: Iterable[Mapping[str, Any]], columns: Mapping[str, ColumnType], *, noun: str) -> list[str]:
    """Return a sentence for each column and type of stored values that contradicts the declared type."""
    if not columns:
        return []
    counts = Counter(
        (name, _STORED.get(type(properties[name]), "another type"))
        for properties in rows
        for name, declared in columns.items()
        if properties.get(name) is not None and not fits(properties[name], declared)
    )
    return [
        f"{counted(count, noun)} {'stores' if count == 1 else 'store'} {name} as {stored}, "
        f"declared as {columns[name]}; import the {noun}s again"
        for (name, stored), count in counts.items()
    ]


_STORED = {str: "text", bool: "boolean", int: "number", float: "number", list: "list"}


def unmatched_values(filter_: Filter, snapshot: Snapshot) -> Iterator[tuple[int, str]]:
    """Yield the position of a column, and a hint for the user.

    This concerns each declared column without values, and each column that is compared with a text that no item has.
    """
    if not len(snapshot):
        return
    empty = set()
    for column in dict.fromkeys(column for column in filter_.columns if column.dataset is ColumnDataset.ITEMS):
        if (type_ := snapshot.column_types.get(column.key)) and not _has_values(snapshot, column.key):
            empty.add(column)
            yield column.offset, f"no item has a {type_} in {column.dataset}.{column.name}"
    for column, text in texts(filter_):
        if column.dataset is not ColumnDataset.ITEMS or column in empty:
            continue
        if column.key == ITEM_ID:
            if snapshot.rows([text])[0] < 0:
                yield column.offset, f"no item has the ID {describe(text)}"
            continue
        values = snapshot.column(column.key)
        if isinstance(values, StringColumn | ListColumn) and values.dictionary.code(text) < 0:
            near = closest(text, values.dictionary)
            meant = f", did you mean {describe(near)}?" if near else ""
            yield column.offset, f"no item has {describe(text)} in {column.dataset}.{column.name}{meant}"


def _has_values(snapshot: Snapshot, name: str) -> bool:
    column = snapshot.column(name)
    return column is not None and any(column.value(row) is not None for row in snapshot.live_rows().tolist())


def _passing(filter_: Filter, snapshot: Snapshot, configuration: Configuration, *, inputs: FilterInputs) -> int:
    """Return the number of items that pass the filter."""
    rows = snapshot.live_rows()
    place = np.zeros(snapshot.row_count + 1, np.int64)
    place[rows] = np.arange(1, len(rows) + 1)

    def positions(item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        return place[snapshot.rows(item_ids)]  # An unknown item has the row -1, which selects the last element: 0.

    evaluator = FilterEvaluator(
        snapshot, np.concatenate([[-1], rows]), positions=positions, canonical=configuration.canonical_event_type
    )
    bias = evaluator.bias(filter_, inputs, name="the filter")
    return int(np.count_nonzero(bias[1:] == 0))


def problems(filter_: Filter, configuration: Configuration) -> Iterator[tuple[int, str]]:
    """Yield the character position and an error message for each mismatch with the configuration."""
    yield from undeclared(filter_, item_columns=configuration.item_columns, user_columns=configuration.user_columns)
    yield from unknown_event_types(filter_, configuration)
    columns = {ColumnDataset.ITEMS: configuration.item_columns, ColumnDataset.CURRENT_USER: configuration.user_columns}
    yield from mismatches(filter_, columns)


def passing(filter_: Filter, snapshot: Snapshot, configuration: Configuration, inputs: FilterInputs) -> int | None:
    """Return the number of items that pass.

    Return None if the filter reads the current item, or if a parameter of an INCLUDE expression has no value. Missing
    user data counts as empty.
    """
    refuse_unknown(inputs.values, filter_, name="the filter")
    if filter_.needs_item or _missing(filter_, inputs):
        return None
    return _passing(filter_, snapshot, configuration, inputs=inputs)


def _missing(filter_: Filter, inputs: FilterInputs) -> list[str]:
    """Return the filter's required parameters that have no value."""
    included = [expression for expression in filter_.expressions if expression.verb is Verb.INCLUDE]
    needed = dict.fromkeys(name for expression in included for name in expression.parameters)
    return [name for name in needed if name not in inputs.values]


def needed(filter_: Filter, inputs: FilterInputs) -> str:
    """Return a text on the missing inputs if `passing` returns None."""
    options = [f"--value {name}=..." for name in _missing(filter_, inputs)]
    return " and ".join([*options, *(["the item of a request"] if filter_.needs_item else [])])


def user_data_note(filter_: Filter | None, inputs: FilterInputs) -> str:
    """Return a text on the user data that the filter reads and the count treats as empty."""
    lacking = []
    if filter_ is not None and filter_.needs_user and not inputs.user:
        lacking.append("properties")
    if filter_ is not None and filter_.needs_history:
        lacking.append("interactions")
    return f" for a user without {' and '.join(lacking)}" if lacking else ""


def filter_inputs(
    user: Sequence[str], values: Sequence[str], *, at: str | None, configuration: Configuration
) -> FilterInputs:
    return FilterInputs(
        now_ms=time.time_ns() // 1_000_000 if at is None else milliseconds(moment(at, option="--at")),
        values={name: parse_values(name, text) for name, text in pairs(values, "--value", "PARAMETER")},
        user=_properties(user, configuration),
    )


def _properties(user: Sequence[str], configuration: Configuration) -> dict[str, Any]:
    columns = configuration.user_columns
    properties: dict[str, Any] = {}
    for name, text in pairs(user, "--user", "COLUMN"):
        key = property_name(name)
        if key not in columns:
            known = ", ".join(columns) or "none: the configuration declares no columns of users"
            raise InvalidInput(f"--user names {name}, expected {known}")
        properties[key] = _number_or_text(text) if columns[key] in (ColumnType.NUMBER, ColumnType.TIMESTAMP) else text
    properties = as_declared(properties, columns)
    check_values(properties, columns, where="--user ")
    return properties


def _number_or_text(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # The caller validates the text and reports errors.
