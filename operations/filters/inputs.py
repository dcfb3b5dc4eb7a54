"""Parser of command-line options for filter values and user properties."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

from alsolike.configuration.columns import as_declared, check_values, property_name
from alsolike.configuration.configuration import ColumnType, Configuration
from alsolike.filters.evaluation import FilterInputs
from alsolike.filters.values import parse_values
from alsolike.runtime.errors import InvalidInput
from operations.name_value_options import pairs
from operations.times import milliseconds, moment


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
        properties[key] = _number(text) if columns[key] in (ColumnType.NUMBER, ColumnType.TIMESTAMP) else text
    properties = as_declared(properties, columns)
    check_values(properties, columns, where="--user ")
    return properties


def _number(text: str) -> float | str:
    try:
        return float(text)
    except ValueError:
        return text  # The caller validates the text and reports errors.
