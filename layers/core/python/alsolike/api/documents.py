"""JSON documents of records in the operator API."""

from __future__ import annotations

from typing import Any

from alsolike.configuration.columns import column_name


def fields_of(record: object, *names: str) -> dict[str, Any]:
    """Return the attributes `names` of a record, by their names in camelCase."""
    return {column_name(name): getattr(record, name) for name in names}
