"""The change log of items and users in the lake: each change with its time; the newest wins.

Objects are gzipped JSON lines, named after the records of a table's stream that they hold. A repeated batch overwrites
its own object; after a bisected retry, objects may overlap. Readers select the change with the highest precedence per
id (`newest`). Any set of objects that has every change at least once gives the same result.
"""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator
from enum import StrEnum
from typing import Any

import orjson

from alsolike.catalogue.changes import Change
from alsolike.declarations.storage import ITEM_CHANGES_PREFIX, USER_CHANGES_PREFIX
from alsolike.declarations.tables import CHANGES_PARTITION
from alsolike.lake.lake import event_date
from alsolike.runtime.errors import InvalidInput

_COMPRESSION = 3
"""Level of gzip: a fifth of the time of the highest one, for a fifth more bytes."""


class ChangeKind(StrEnum):
    """The kind of entity that changed."""

    ITEM = "item"
    USER = "user"

    @property
    def prefix(self) -> str:
        """The key prefix of this kind's log in the lake."""
        return ITEM_CHANGES_PREFIX if self is ChangeKind.ITEM else USER_CHANGES_PREFIX

    @property
    def id_column(self) -> str:
        """The column with the id, in the log as in the table."""
        return f"{self}_id"


def partition_prefix(kind: ChangeKind, date: str) -> str:
    """Return the key prefix of one day."""
    return f"{kind.prefix}{CHANGES_PARTITION}={date}/"


def object_key(kind: ChangeKind, date: str, *, shard: str, first_sequence: str, last_sequence: str) -> str:
    """Return the key of one batch's changes of one day.

    Examples
    --------
    >>> object_key(ChangeKind.ITEM, "2026-11-25", shard="0", first_sequence="17", last_sequence="21")
    'catalogue/change_date=2026-11-25/0-17-21.jsonl.gz'
    """
    return f"{partition_prefix(kind, date)}{shard}-{first_sequence}-{last_sequence}.jsonl.gz"


def by_date(changes: Iterable[Change]) -> dict[str, list[Change]]:
    """Return the changes by partition: the UTC day of each."""
    days: dict[str, list[Change]] = {}
    for change in changes:
        days.setdefault(event_date(change.updated_at_ms), []).append(change)
    return days


def encode(kind: ChangeKind, changes: Iterable[Change]) -> bytes:
    """Return an object's content; the same changes make the same bytes."""
    lines = []
    for change in changes:
        row: dict[str, Any] = {kind.id_column: change.entity_id, "updated_at_ms": change.updated_at_ms}
        if change.properties is None:
            row["deleted"] = True
        else:
            row |= {"deleted": False, "properties": orjson.dumps(dict(change.properties)).decode()}
        lines.append(orjson.dumps(row) + b"\n")
    return gzip.compress(b"".join(lines), _COMPRESSION, mtime=0)


def decode(kind: ChangeKind, data: bytes, *, name: str = "the object") -> Iterator[Change]:
    """Yield the changes of an object.

    Parameters
    ----------
    name
        Name of the object in errors.

    Raises
    ------
    InvalidInput
        If it is truncated or has another form than that of `encode`.
    """
    try:
        lines = gzip.decompress(data).splitlines()
    except (OSError, EOFError, zlib.error) as error:
        raise InvalidInput(f"{name} is not a complete gzip file: {error}") from error
    for number, line in enumerate(lines, start=1):
        try:
            row = orjson.loads(line)
            properties = None if row["deleted"] else _object(orjson.loads(row["properties"]))
            yield Change(str(row[kind.id_column]), int(row["updated_at_ms"]), properties)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidInput(f"{name}, line {number}: expected a change of one {kind}: {error!r}") from error


def newest(changes: Iterable[Change]) -> dict[str, Change]:
    """Return of each id the change that takes precedence, deletions too."""
    latest: dict[str, Change] = {}
    for change in changes:
        known = latest.get(change.entity_id)
        if known is None or change.precedence > known.precedence:
            latest[change.entity_id] = change
    return latest


def _object(value: object) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise TypeError(f"properties are a {type(value).__name__}")
    return value
