"""Arrow types of the lake's columns. Callers pass the module `pyarrow`, because the core layer does not contain it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any


def arrow_type(pa: Any, glue_type: str) -> Any:
    if glue_type.startswith("array<"):
        return pa.list_(arrow_type(pa, glue_type.removeprefix("array<").removesuffix(">")))
    names = {"bigint": "int64", "int": "int32", "double": "float64", "boolean": "bool_"}
    return getattr(pa, names.get(glue_type, glue_type))()


def arrow_schema(pa: Any, columns: Mapping[str, str], *names: str) -> Any:
    """Return the schema of the columns `names` in this order, or of all `columns` if no names are given."""
    return pa.schema([(name, arrow_type(pa, columns[name])) for name in names or columns])
