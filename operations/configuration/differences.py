"""Differences between the values of two configurations. Formatting is ignored."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from alsolike.catalogue.users import UserStore
from alsolike.configuration.configuration import Configuration
from alsolike.configuration_document.document import to_document
from alsolike.filters import parser
from alsolike.filters.tree import ColumnDataset
from alsolike.schema.document import Path, dotted
from operations.client.deployment import Deployment
from operations.configuration import yaml_document


def unified(before: Configuration, after: Configuration, *, names: tuple[str, str]) -> list[str]:
    """Return a unified diff of two configurations as YAML, including defaults."""
    old, new = (yaml_document.dump(to_document(configuration)).splitlines() for configuration in (before, after))
    return list(difflib.unified_diff(old, new, *names, lineterm=""))


def changes(before: Configuration, after: Configuration) -> list[dict[str, Any]]:
    return [
        {"path": dotted(path), "before": old, "after": new}
        for path, old, new in _different(to_document(before), to_document(after), ())
    ]


def _different(before: Any, after: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            yield from _different(before.get(key), after.get(key), (*path, key))
    elif before != after:
        yield path, before, after


def new_columns(before: Configuration, after: Configuration) -> Iterator[str]:
    # The catalogue contains a new column only after its next publication.
    new = dict(after.item_columns.items() - before.item_columns.items())
    read: dict[str, list[str]] = {}
    for name, expression in after.filters.items():
        for column in parser.parse(expression).columns:
            if column.dataset is ColumnDataset.ITEMS and column.key in new:
                read.setdefault(column.name, []).append(name)
    for column_name, names in read.items():
        yield (
            f"{column_name} is new: for up to two minutes, the filters {', '.join(dict.fromkeys(names))} find no "
            "values in it; apply columns first, and then filters that read them"
        )


def contradictions(deployment: Deployment, before: Configuration, after: Configuration) -> list[str]:
    """Return sentences on columns with stored values that do not have the column's new type."""
    from operations.filters import catalogue

    items = dict(after.item_columns.items() - before.item_columns.items())
    users = dict(after.user_columns.items() - before.user_columns.items())
    sentences: list[str] = []
    if items:
        rows = (properties for _, properties in catalogue.read_snapshot(deployment).items())
        sentences += catalogue.contradictions(rows, items, noun="item")
    if users:
        stored = UserStore(deployment.client("dynamodb"), deployment.names.users_table).scan()
        sentences += catalogue.contradictions((user.properties for user in stored), users, noun="user")
    return sentences
