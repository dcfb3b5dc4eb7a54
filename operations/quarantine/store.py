"""Access to quarantined records and failed batches in the lake bucket."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, QUARANTINE_PREFIX
from alsolike.lake.quarantine import DeadLetter, read_dead_letter, short_id
from alsolike.runtime.errors import NotFound
from alsolike.runtime.s3 import S3Object, delete_objects, listed
from operations.concurrent_map import in_order

if TYPE_CHECKING:
    from operations.client.deployment import Deployment

_NUMBER = re.compile(r"\d+")
_CONNECTIONS = 12


@dataclasses.dataclass(frozen=True, slots=True)
class Entry:
    """Listed object with quarantined records or a failed batch."""

    written_ms: int
    key: str

    @property
    def age(self) -> tuple[int, str]:
        """Sort key by age. S3's times have whole seconds, so the sequence numbers in the key break ties."""
        return self.written_ms, _NUMBER.sub(lambda number: number[0].zfill(64), self.key)


class QuarantineStore:
    def __init__(self, deployment: Deployment) -> None:
        self._client: Any = deployment.client("s3")
        self._bucket = deployment.names.lake_bucket

    def entries(self) -> list[Entry]:
        entries = (
            Entry(entry.modified_ms, entry.key)
            for prefix in (QUARANTINE_PREFIX, FAILED_BATCHES_PREFIX)
            for entry in listed(self._client, self._bucket, prefix)
        )
        return sorted(entries, key=lambda entry: entry.age, reverse=True)

    def find(self, name: str) -> Entry:
        """Return the object with a key, an ID or an unambiguous prefix of an ID."""
        entries = self.entries()
        if exact := [entry for entry in entries if entry.key == name]:
            return exact[0]
        matching = [entry for entry in entries if short_id(entry.key).startswith(name)] if name else []
        if len(matching) > 1:
            raise NotFound(f"{name!r} is the prefix of {len(matching)} IDs; pass a longer prefix")
        if not matching:
            raise NotFound(f"no object with the ID or key {name!r} is in quarantine; see `alsolike quarantine list`")
        return matching[0]

    def read(self, entries: Iterable[Entry]) -> Iterator[DeadLetter]:
        """Yield the contents of objects in order. Deleted objects are skipped."""
        for _, letter in in_order(entries, self._read, parallel=_CONNECTIONS):
            if letter is not None:
                yield letter

    def delete(self, letters: Iterable[DeadLetter]) -> None:
        delete_objects(self._client, self._bucket, [letter.key for letter in letters])

    def _read(self, entry: Entry) -> DeadLetter | None:
        stored = S3Object(self._client, self._bucket, entry.key).read()
        return read_dead_letter(entry.key, stored.body, written_ms=entry.written_ms) if stored else None
