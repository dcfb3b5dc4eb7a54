"""The written tables, with their column types in Arrow."""

from __future__ import annotations

from types import MappingProxyType

import pyarrow as pa

from alsolike.declarations.tables import ENGAGEMENT_COLUMNS, OUTCOMES_COLUMNS

ARROW_TYPES = MappingProxyType(
    {
        "string": pa.string(),
        "double": pa.float64(),
        "bigint": pa.int64(),
        "int": pa.int32(),
        "boolean": pa.bool_(),
        "array<string>": pa.list_(pa.string()),
    }
)
OUTCOMES = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in OUTCOMES_COLUMNS.items()])
ENGAGEMENT = pa.schema([(name, ARROW_TYPES[kind]) for name, kind in ENGAGEMENT_COLUMNS.items()])
