"""Quarantined records grouped by reason, without values, read within limits of time and memory."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterator
from typing import Any

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, QUARANTINE_PREFIX
from alsolike.lake.quarantine import DeadLetter, read_dead_letter
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import StoredObject, folders, scan

MAX_OBJECTS = 2_000
MAX_BATCHES = 200
"""Maximum number of failed batches to read. It is low, because a batch may have Lambda's maximum size."""
_MAX_CONCURRENT_READS = 12


@dataclasses.dataclass(slots=True)
class _Group:
    records: int = 0
    oldest: DeadLetter | None = None
    latest: DeadLetter | None = None

    def add(self, dead_letter: DeadLetter) -> None:
        # An object that cannot be split into records counts as one record.
        self.records += len(dead_letter.records) or 1
        if self.oldest is None or dead_letter.time_ms < self.oldest.time_ms:
            self.oldest = dead_letter
        if self.latest is None or dead_letter.time_ms >= self.latest.time_ms:
            self.latest = dead_letter


def quarantine(client: S3Client, bucket: str, *, has_time: Callable[[], bool]) -> dict[str, Any]:
    """Return the response of `GET /operator/quarantine`.

    Failed batches are read first, then records of the latest days.
    """
    groups: dict[tuple[str, str], _Group] = {}
    objects, truncated = 0, False
    for prefixes, maximum in (
        (iter([FAILED_BATCHES_PREFIX]), MAX_BATCHES),
        (_days(client, bucket), MAX_OBJECTS),
    ):
        for stored in _objects(client, bucket, prefixes):
            if objects >= maximum or not has_time():
                truncated = True
                break
            if stored.body is None:
                continue
            objects += 1
            dead_letter = read_dead_letter(stored.key, stored.body, written_ms=stored.modified_ms)
            groups.setdefault((dead_letter.kind, dead_letter.reason_class), _Group()).add(dead_letter)
    ordered = sorted(groups.items(), key=lambda group: (-group[1].records, group[0]))
    return {
        "objects": objects,
        "records": sum(group.records for group in groups.values()),
        "truncated": truncated,
        "groups": [
            {
                "kind": kind,
                "reason": reason,
                "records": group.records,
                "oldestMs": group.oldest.time_ms,
                "latestMs": group.latest.time_ms,
                "exampleId": group.latest.id,
            }
            for (kind, reason), group in ordered
            if group.oldest and group.latest
        ],
    }


def _objects(client: S3Client, bucket: str, prefixes: Iterator[str]) -> Iterator[StoredObject]:
    for prefix in prefixes:
        yield from scan(client, bucket, prefix, at_once=_MAX_CONCURRENT_READS)


def _days(client: S3Client, bucket: str) -> Iterator[str]:
    yield from sorted(folders(client, bucket, QUARANTINE_PREFIX), reverse=True)
