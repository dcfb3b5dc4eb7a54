"""Quarantined records and failed batches in the lake bucket: access, selection and deletion."""

from __future__ import annotations

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from alsolike.declarations.storage import FAILED_BATCHES_PREFIX, QUARANTINE_PREFIX
from alsolike.lake.quarantine import DeadLetter, read_dead_letter, short_id
from alsolike.runtime.errors import InvalidInput, NotFound
from alsolike.runtime.s3 import S3Object, delete_objects, listed
from operations.concurrent_map import in_order
from operations.times import milliseconds, moment

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


_AGO = re.compile(r"(\d+)([mhd])")
_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """Selection criteria. Without names, all objects that pass the filters are selected.

    `names` are keys, IDs or prefixes of IDs. `reason` is a substring of the reason, or of the reason with `…` for each
    value as in the printed totals, ignoring case.
    """

    names: Sequence[str] = ()
    reason: str | None = None
    since_ms: int | None = None

    def entries(self, store: QuarantineStore) -> list[Entry]:
        """Return the named objects in the order of the names, or those written since `since_ms`, latest first."""
        if self.names:
            return list(dict.fromkeys(store.find(name) for name in self.names))
        # An object is written after its records arrived, so objects that were written before the second of `since_ms`
        # cannot match. S3's times are whole seconds.
        since_ms = (self.since_ms or 0) // 1000 * 1000
        return [entry for entry in store.entries() if entry.written_ms >= since_ms]

    def read(self, store: QuarantineStore, entries: Sequence[Entry]) -> Iterator[DeadLetter | None]:
        """Yield the content of each entry that still exists, or None if the entry is not selected."""
        for letter in store.read(entries):
            yield letter if self.includes(letter) else None

    def includes(self, letter: DeadLetter) -> bool:
        if self.since_ms is not None and letter.time_ms < self.since_ms:
            return False
        if self.reason is None:
            return True
        return any(self.reason.lower() in text.lower() for text in (letter.reason, letter.reason_class))

    def no_match(self, store: QuarantineStore) -> NotFound:
        reasons = Counter(letter.reason_class for letter in store.read(store.entries()))
        if not reasons:
            return NotFound("Nothing was selected: the quarantine is empty.")
        listed = "".join(f"\n  {count:,} x {reason}" for reason, count in reasons.most_common())
        return NotFound(f"Nothing in quarantine was selected. Existing reasons:{listed}")


def milliseconds_since(text: str | None) -> int | None:
    """Parse the option --since, a time or an age such as 90m. Return epoch milliseconds."""
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return round(1000 * (time.time() - int(ago[1]) * _UNITS_S[ago[2]]))
    try:
        return milliseconds(moment(text, option="--since"))
    except InvalidInput as error:
        raise InvalidInput(f"{error}, or an age such as 90m, 6h or 3d") from error


def from_arguments(*, names: Sequence[str], everything: bool, reason: str | None, since_text: str | None) -> Selection:
    """Return the selection of a command that changes objects. Such commands require explicit criteria."""
    filtered = reason is not None or since_text is not None
    if names and (everything or filtered):
        raise InvalidInput("pass either IDs, or --all, --reason and --since")
    if not (names or everything or filtered):
        raise InvalidInput("nothing is selected: pass IDs, --reason, --since or --all")
    return Selection(names=tuple(names), reason=reason, since_ms=milliseconds_since(since_text))
