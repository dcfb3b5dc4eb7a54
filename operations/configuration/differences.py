"""Differences between two configurations by value; formatting is ignored."""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Mapping
from typing import Any

from alsolike.config.document import to_document
from alsolike.contract.document import Path, dotted
from alsolike.domain.configuration import Configuration
from operations.configuration import yaml_document


def unified(before: Configuration, after: Configuration, *, names: tuple[str, str]) -> list[str]:
    """Return the lines of a unified diff of both as YAML with every value stated; none if they say the same."""
    was, is_now = (yaml_document.dump(to_document(configuration)).splitlines() for configuration in (before, after))
    return list(difflib.unified_diff(was, is_now, *names, lineterm=""))


def changes(before: Configuration, after: Configuration) -> list[dict[str, Any]]:
    """Return each value that differs: where, what it was and what it is; None where it is not stated."""
    return [
        {"path": dotted(path), "before": was, "after": is_now}
        for path, was, is_now in _different(to_document(before), to_document(after), ())
    ]


def _different(before: Any, after: Any, path: Path) -> Iterator[tuple[Path, Any, Any]]:
    if isinstance(before, Mapping) and isinstance(after, Mapping):
        for key in {**before, **after}:
            yield from _different(before.get(key), after.get(key), (*path, key))
    elif before != after:
        yield path, before, after
