"""Selection of quarantined records."""

from __future__ import annotations

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from alsolike.lake.quarantine import DeadLetter
from alsolike.runtime.errors import InvalidInput, NotFound
from operations.quarantine.store import Entry, QuarantineStore
from operations.times import milliseconds, moment

_AGO = re.compile(r"(\d+)([mhd])")
_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """Selection criteria. Without names, all objects that pass the filters are selected.

    `names` are keys, IDs or prefixes of IDs. `reason` is a substring of the reason, ignoring case. `…` stands for a
    value, as in the printed totals.
    """

    names: Sequence[str] = ()
    reason: str | None = None
    since_ms: int | None = None

    def entries(self, store: QuarantineStore) -> list[Entry]:
        """Return the current candidates: the named objects in the order of the names, else the latest object first."""
        if self.names:
            return list(dict.fromkeys(store.find(name) for name in self.names))
        # An object is written after its records arrived, so objects that were written before `since_ms` cannot match.
        return [entry for entry in store.entries() if self.since_ms is None or entry.written_ms >= self.since_ms]

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


def since(text: str | None) -> int | None:
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
    return Selection(names=tuple(names), reason=reason, since_ms=since(since_text))
