"""Selection of quarantined records."""

from __future__ import annotations

import dataclasses
import re
import time
from collections import Counter
from collections.abc import Iterator, Sequence

from alsolike.lake.dead_letters import DeadLetter
from alsolike.runtime.errors import InvalidInput, NotFound
from operations.quarantine.store import Entry, QuarantineStore
from operations.times import milliseconds, moment

_AGO = re.compile(r"(\d+)([mhd])")
_UNITS_S = {"m": 60, "h": 3_600, "d": 86_400}


@dataclasses.dataclass(frozen=True, slots=True)
class Selection:
    """Selection criteria; without names, everything that passes the filters.

    Attributes
    ----------
    names
        Keys, ids, or beginnings of ids.
    reason
        Text that a reason contains, in any case. The values in it may be given as `…`, as the totals print them.
    since_ms
        What arrived, or was given up, before is left out.
    """

    names: Sequence[str] = ()
    reason: str | None = None
    since_ms: int | None = None

    def entries(self, store: QuarantineStore) -> list[Entry]:
        """Return the objects that have to be looked into, the latest first; those that come later are not in it."""
        if self.names:
            return list(dict.fromkeys(store.find(name) for name in self.names))
        # Nothing is written before it arrives.
        return [entry for entry in store.entries() if self.since_ms is None or entry.written_ms >= self.since_ms]

    def read(self, store: QuarantineStore, entries: Sequence[Entry]) -> Iterator[DeadLetter | None]:
        """Yield the contents of each object, or None for an object that is not selected."""
        for held in store.read(entries):
            yield held if self.means(held) else None

    def means(self, held: DeadLetter) -> bool:
        """Return True if an object is selected."""
        if self.since_ms is not None and held.time_ms < self.since_ms:
            return False
        if self.reason is None:
            return True
        return any(self.reason.lower() in text.lower() for text in (held.reason, held.reason_class))

    def no_match(self, store: QuarantineStore) -> NotFound:
        """Return the error that nothing was selected, with the reasons that there are."""
        reasons = Counter(held.reason_class for held in store.read(store.entries()))
        if not reasons:
            return NotFound("Nothing was selected: the quarantine is empty.")
        listed = "".join(f"\n  {count:,} x {reason}" for reason, count in reasons.most_common())
        return NotFound(f"Nothing in quarantine was selected. Existing reasons:{listed}")


def since(text: str | None) -> int | None:
    """Return the time that --since names, in epoch milliseconds.

    Raises
    ------
    InvalidInput
        If it is neither a time nor an age.
    """
    if text is None:
        return None
    if ago := _AGO.fullmatch(text):
        return round(1000 * (time.time() - int(ago[1]) * _UNITS_S[ago[2]]))
    try:
        return milliseconds(moment(text, option="--since"))
    except InvalidInput as error:
        raise InvalidInput(f"{error}, or an age such as 90m, 6h or 3d") from error


def of_arguments(*, names: Sequence[str], everything: bool, reason: str | None, since_text: str | None) -> Selection:
    """Return the selection of a command that changes something, which needs explicit criteria.

    Raises
    ------
    InvalidInput
        If nothing, or one thing twice, was selected.
    """
    filtered = reason is not None or since_text is not None
    if names and (everything or filtered):
        raise InvalidInput("give ids, or --all, --reason and --since: not both")
    if not (names or everything or filtered):
        raise InvalidInput("nothing is selected: give ids, --reason, --since or --all")
    return Selection(names=tuple(names), reason=reason, since_ms=since(since_text))
