"""Addition of a stream batch to the trend counters. A redelivered record is not counted again.

One object per shard contains the counters and the last sequence number of the last counted batch. Writes are
conditional on the object that was read. So a record counts once, however often and in whatever batch size it is
delivered. Two concurrent processes on one shard count disjoint records.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

from alsolike.events.interactions import profile_id
from alsolike.events.stream_records import ConfigurationSource, StreamRecord, parse_batch
from alsolike.privacy.tombstones import IsErased, no_erased_users
from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, InvalidTrends
from alsolike.runtime.observability import logger
from alsolike.trends.counters import NOTHING_COUNTED, Event, ShardCounts, fingerprint_of
from alsolike.trends.store import TrendsStore, trends_key

MAX_ATTEMPTS = 5
REMEMBERED_SHARDS = 16
"""Maximum number of cached shards. A shard takes about 1 MB, and a process rarely reads more shards."""


@dataclasses.dataclass(frozen=True, slots=True)
class CountResult:
    """Result of a batch.

    `repeated` is the number of events that were counted by an earlier delivery, or had the ID of an earlier event.
    `erased` is the number of records of erased users and sessions.
    """

    counted: int
    repeated: int
    unreadable: int
    erased: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class _Known:
    """Counters of a shard at the last read or write."""

    counts: ShardCounts
    etag: str | None


class Counters:
    """Counters of the shards that this process has read, cached between batches.

    A stale cache costs one rejected write, after which the object is read again.
    """

    def __init__(self, store: TrendsStore) -> None:
        self._store = store
        self._known: dict[str, _Known] = {}

    def add(self, shard_id: str, events: Sequence[Event], *, sequence: int, arrived_ms: int) -> int:
        """Add the events of records up to `sequence` that are not yet counted, and return their number."""
        key = trends_key(shard_id)
        for _ in range(MAX_ATTEMPTS):
            known = self._known.pop(key, None) or self._read(key)
            new = len(known.counts.uncounted(events))
            if new:
                counts = known.counts.add(events, sequence=sequence, arrived_ms=arrived_ms)
                try:
                    known = _Known(counts, self._store.write(key, counts, replaces=known.etag))
                except ConcurrentUpdate:
                    continue
            self._remember(key, known)
            return new
        raise ConcurrentUpdate(f"{self._store.uri(key)} changed {MAX_ATTEMPTS} times while it was updated")

    def _read(self, key: str) -> _Known:
        stored = self._store.read(key)
        if stored is None:
            return _Known(NOTHING_COUNTED, None)
        try:
            return _Known(ShardCounts.from_bytes(stored.body, name=self._store.uri(key)), stored.etag)
        except InvalidTrends as error:
            # The counters cannot be repaired and would soon expire, so the shard starts from zero.
            logger.error("trends of a shard restart", reason=str(error))
            return _Known(NOTHING_COUNTED, stored.etag)

    def _remember(self, key: str, known: _Known) -> None:
        self._known[key] = known
        while len(self._known) > REMEMBERED_SHARDS:
            del self._known[next(iter(self._known))]


def count_trends(
    records: Sequence[StreamRecord],
    *,
    counters: Counters,
    configurations: ConfigurationSource,
    now_ms: int,
    erased: IsErased = no_erased_users,
) -> CountResult:
    """Add a batch's events to the counters of their items. `records` are one batch of one shard, in order.

    An event counts with the weight of its type, at the earlier of its own time and the record's arrival. Unreadable
    events, events without an item or a positive weight, and events of erased users and agents do not count. Nor do
    events that repeat a recent event ID of the same user or session.
    """
    parsed = parse_batch(records, configurations=configurations, now_ms=now_ms)
    readable = [
        (record, event) for record, event in zip(records, parsed, strict=True) if not isinstance(event, InvalidInput)
    ]
    pairs = [(event.user_id, event.session_id) for _, event in readable]
    erased_pairs = {ids for ids in set(pairs) if erased(*ids)}
    weights = configurations.current(now_ms=now_ms).event_weights
    events = [
        Event(
            int(record.sequence),
            event.item_id,
            min(event.event_time_ms, record.arrived_ms),
            weight,
            fingerprint_of(profile_id(user_id=event.user_id, session_id=event.session_id), event.event_id),
        )
        for record, event in readable
        if event.item_id is not None
        and event.agent is None
        and (weight := weights.get(event.event_type, 0)) > 0
        and (event.user_id, event.session_id) not in erased_pairs
    ]
    counted = 0
    if events:
        last = records[-1]
        counted = counters.add(last.shard_id, events, sequence=int(last.sequence), arrived_ms=last.arrived_ms)
    erased_count = sum(ids in erased_pairs for ids in pairs) if erased_pairs else 0
    return CountResult(counted, len(events) - counted, len(records) - len(readable), erased_count)
