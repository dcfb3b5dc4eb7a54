"""Lists that the users of a day had seen when they received their responses, for the replay of fatigue.

The log has a hash of the lists that a response counted. Lists come from earlier rows of the log and from events with
impressions. Both reach the profile table with a delay, and only while the configuration demotes seen items. So a
response may not have counted the latest lists, nor lists from before the configuration demoted seen items. The logged
hash identifies the counted lists.
"""

from __future__ import annotations

import bisect
import dataclasses
import functools
import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

import pyarrow as pa

from alsolike.lake import partitions
from alsolike.privacy.pseudonyms import Pseudonyms
from alsolike.profiles.impressions import MAX_ITEMS, MAX_LISTS, Impressions, source_digest
from alsolike.records.served_response import ServedResponse, state_hash
from operations.recovery.lake_reader import LakeReader

MAX_LATE = 10
"""Maximum number of latest lists per source that a response may not have counted, because they arrived too late."""
MAX_EARLY = 5
"""Maximum number of lists per source between the first list since the start of the demotion and the first counted list.
"""

_COLUMNS = (
    "user_id", "session_id", "event_id", "event_time_ms", "recommendation_id", "impression", "received_time_ms",
)  # fmt: skip


@dataclasses.dataclass(frozen=True, slots=True)
class SeenLists:
    """Lists from the log (`served`) and from events (`reported`), by shopper.

    Each list has its time of arrival in milliseconds. The earliest list comes first.
    """

    served: Mapping[str, Sequence[tuple[int, Impressions]]]
    reported: Mapping[str, Sequence[tuple[int, Impressions]]]

    def of(self, row: ServedResponse, *, lifetime_ms: int, first_ms: int) -> list[Impressions] | None:
        """Return the lists that a response counted, latest first, or None if they cannot be found.

        Lists count up to the age `lifetime_ms`. The configuration demotes seen items since `first_ms`.
        """
        if row.impressions is None:
            return []
        shopper = row.shopper or row.session or ""
        own = (self.served.get(shopper, ()), self.reported.get(shopper, ()))
        since_ms = row.served_ms - lifetime_ms
        early = MAX_EARLY if first_ms > since_ms else 0
        first_ms = max(first_ms, since_ms)
        parts = [list(_parts(lists, first_ms=first_ms, until_ms=row.served_ms, early=early)) for lists in own]
        for lists in itertools.product(*parts):
            counted = sorted(itertools.chain.from_iterable(lists), key=_key, reverse=True)
            counted = [each for each in counted if each.time_ms >= since_ms][:MAX_LISTS]
            if state_hash([each.source_id for each in counted]) == row.impressions:
                return counted
        return None


def _parts(
    lists: Sequence[tuple[int, Impressions]], *, first_ms: int, until_ms: int, early: int
) -> Iterator[Sequence[Impressions]]:
    """Yield the possible states of one source, the most probable ones first."""
    times = [time_ms for time_ms, _ in lists]
    first, last = bisect.bisect_left(times, first_ms), bisect.bisect_right(times, until_ms)
    starts = [first, *(first + step for n in range(1, early + 1) for step in (n, -n))]
    for end in range(last, max(last - MAX_LATE, -1) - 1, -1):
        for start in starts:
            if 0 <= start <= end:
                yield [each for _, each in lists[start:end]]


def read_seen(
    lake_reader: LakeReader, earlier: Iterable[ServedResponse], rows: Iterable[ServedResponse], *, hashes: Pseudonyms
) -> SeenLists:
    """Read the lists of the shoppers whose responses counted lists.

    `earlier` are the rows of the log since the oldest list that may count.
    """
    shoppers = {row.shopper or row.session or "" for row in rows if row.impressions is not None}
    first_ms = min((row.served_ms for row in earlier), default=0)
    served: dict[str, list[tuple[int, Impressions]]] = defaultdict(list)
    for row in earlier:
        shopper = row.shopper or row.session
        if shopper in shoppers and row.item_ids:
            list_id, items = row.recommendation_id, row.item_ids[:MAX_ITEMS]
            seen = Impressions(shopper, list_id, source_digest(list_id), row.served_ms, items, is_reported=False)
            served[shopper].append((row.served_ms, seen))
    reported: dict[str, list[tuple[int, Impressions]]] = defaultdict(list)
    shopper_of = functools.cache(hashes.shopper)
    for piece in lake_reader.scan("lists in events", _COLUMNS, first=partitions.event_date(first_ms)):
        for received_ms, seen in _reported(piece, shopper_of):
            if seen.shopper in shoppers:
                reported[seen.shopper].append((received_ms, seen))
    for lists in (*served.values(), *reported.values()):
        lists.sort(key=lambda each: (each[0], _key(each[1])))
    return SeenLists(served, {shopper: _once(lists) for shopper, lists in reported.items()})


def _reported(piece: pa.Table, shopper_of: Callable[[str], str]) -> Iterator[tuple[int, Impressions]]:
    for user_id, session_id, event_id, time_ms, response_id, items, received_ms in zip(
        *(piece[name].to_pylist() for name in _COLUMNS), strict=True
    ):
        if items:
            shopper, list_id = shopper_of(user_id or session_id or ""), response_id or event_id
            seen = Impressions(shopper, list_id, source_digest(event_id), time_ms, items, is_reported=True)
            yield received_ms, seen


def _once(lists: Sequence[tuple[int, Impressions]]) -> list[tuple[int, Impressions]]:
    """Return the first list of each event, because an event may arrive repeatedly."""
    first: dict[tuple[int, str], tuple[int, Impressions]] = {}
    for each in lists:
        first.setdefault((each[1].time_ms, each[1].source_id), each)
    return list(first.values())


def _key(seen: Impressions) -> tuple[int, bool, str]:
    """Return a key that sorts as in the profile table, where `+` of events precedes `-` of the log."""
    return seen.time_ms, not seen.is_reported, seen.source_id
