"""Reader of a table stream's batch from Lambda, which yields changes of items and users.

The tables mark deleted rows, so a deletion is a record with a time. If a row itself is removed, by an erasure or in the
console, the time has a resolution of one second.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

import orjson

from alsolike.catalogue.change_log import ChangeKind
from alsolike.catalogue.changes import Change


@dataclasses.dataclass(frozen=True, slots=True)
class ChangeBatch:
    """Changes of one batch, which belong to one table.

    Records do not contain their shard, so `shard` is the first record's ID. `unreadable` is the number of records with
    an unknown format.
    """

    kind: ChangeKind
    shard: str
    first_sequence: str
    last_sequence: str
    changes: tuple[Change, ...]
    unreadable: int


def read_batch(event: Mapping[str, Any]) -> ChangeBatch | None:
    """Return None if the event contains no records of a table."""
    records = event.get("Records", [])
    if not records:
        return None
    kind = ChangeKind.USER if "user_id" in records[0]["dynamodb"]["Keys"] else ChangeKind.ITEM
    changes, unreadable = [], 0
    for record in records:
        try:
            change = _change(record, kind)
        except (KeyError, TypeError, ValueError, AttributeError):
            unreadable += 1
            continue
        if change is not None:
            changes.append(change)
    return ChangeBatch(
        kind=kind,
        shard=records[0]["eventID"],
        first_sequence=records[0]["dynamodb"]["SequenceNumber"],
        last_sequence=records[-1]["dynamodb"]["SequenceNumber"],
        changes=tuple(changes),
        unreadable=unreadable,
    )


def _change(record: Mapping[str, Any], kind: ChangeKind) -> Change | None:
    entity_id = record["dynamodb"]["Keys"][kind.id_column]["S"]
    if record["eventName"] == "REMOVE":
        if kind is ChangeKind.USER:
            return None  # An erased user's ID must not return to the lake.
        # The end of the second is used, so that the deletion supersedes changes of the same second.
        second = int(record["dynamodb"]["ApproximateCreationDateTime"])
        return Change(entity_id, second * 1000 + 999, None)
    image = record["dynamodb"]["NewImage"]
    updated_at_ms = int(image["updated_at_ms"]["N"])
    if image.get("deleted", {}).get("BOOL"):
        return Change(entity_id, updated_at_ms, None)
    properties = orjson.loads(image["properties"]["S"])
    if not isinstance(properties, dict):
        raise TypeError("properties are not an object")
    return Change(entity_id, updated_at_ms, properties)
