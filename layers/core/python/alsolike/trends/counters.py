"""Trending items: counters with exponential decay, and the score of an item.

An event adds the weight of its type to the counters of its item. Each counter decays with its time constant `tau`:
after a time t, the share e^(-t/tau) remains. Therefore at a steady rate, the counter of a window is about the number of
events in one window. The counter with the time constant of a week is the item's baseline. The score of an item in a
window compares its recent events with its past::

    past     = baseline + assumed - fast            the baseline's events before the window
    ratio    = min(1, sum of fast / sum of past)    the sums go over all items
    n, share = fast + past, ratio / (1 + ratio)
    evidence = fast ln(fast / (share n)) + past ln(past / ((1 - share) n)), or 0 if fast <= share n
    unit     = max(1, 2 median((fast - ratio past)^2 / (ratio past)) / MEDIAN)      of the window of a day
    score    = evidence / (unit ln(max(items, KEPT_ITEMS) / CHANCE))

An item with its usual share of events has the score 0, at any popularity and at any time of day. The ratio is limited
to 1, because the past of a new shop can be shorter than the window. In such a shop, the most popular items score
highest.

Without a trend, an item reaches an evidence with a probability of at most exp(-evidence), the Chernoff bound of the
binomial distribution. Therefore in a shop with constant shares, the probability that any item reaches the score 1 is at
most `CHANCE`. The number of items is at least `KEPT_ITEMS`, because items without a counter may be viewed next. The
bound applies to events with weight 1 that do not decay, and decayed sums have a smaller variance. Events of other
weights, and several events in a visit, increase the variance by the factor `unit`. This factor is a median over the
items with at least one expected event, so that a few trending items do not change it. With fewer than `MEASURED_ITEMS`
such items, and in a new shop whose ratio is limited, the factor is 1.

A shard keeps the counters of a limited number of items and deletes all others. A new item is assumed to have the
decayed past of the most popular deleted item. Otherwise, items just below the limit would trend at each event.

References
----------
H. Chernoff: A measure of asymptotic efficiency for tests of a hypothesis based on the sum of observations. Annals of
Mathematical Statistics 23 (1952).
"""

from __future__ import annotations

import dataclasses
import hashlib
import io
import itertools
from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alsolike.arrays.tensors import Array, parse_tensors, write_tensors
from alsolike.runtime.errors import InvalidInput, InvalidSnapshot, InvalidTrends
from alsolike.runtime.struct import struct
from alsolike.trends.windows import WINDOWS

BASELINE_S = 7 * 86_400
"""Time constant of the baseline, in seconds: one week, to cover all days of the week."""

KEPT_ITEMS = 2_000
"""Maximum number of items per shard, which takes about 65 KB with short IDs. A request may wait for the counters of all
shards.

About half of the items are kept because they trend, and the others because they are popular.
"""

MIN_SCORE = 1.0

CHANCE = 0.05
"""Maximum probability that at least one item reaches `MIN_SCORE` in a window although all items keep their shares of
the events.
"""

MEDIAN = 0.4549
"""Median of a chi-square variable with one degree of freedom."""

MEASURED_ITEMS = 20

REMEMBERED_EVENTS = 8_192
"""Number of latest events for deduplication, which takes 32 KB per shard."""

FORMAT = "alsolike-trends-1"

Counts = npt.NDArray[np.float64]

_COLUMNS = (*WINDOWS.values(), BASELINE_S, BASELINE_S)
_DAY, _BASELINE, _ASSUMED = len(WINDOWS) - 1, len(WINDOWS), len(WINDOWS) + 1
_TAU_MS = np.array(_COLUMNS, np.float64) * 1_000
_SEPARATOR = "\n"
"""Separator of item IDs. IDs contain no control characters."""
_DECIMALS = 6
"""Number of decimals of rounded scores. Rounding keeps the order of summation from breaking ties."""


class Event(NamedTuple):
    """Event to count.

    Attributes
    ----------
    sequence
        Sequence number of the event's record in the shard.
    time_ms
        Event time in epoch milliseconds, at most the arrival time of the record.
    """

    sequence: int
    item_id: str
    time_ms: int
    weight: float
    fingerprint: int | None = None
    """Result of `fingerprint_of`; None disables the deduplication."""


def fingerprint_of(profile: str, event_id: str) -> int:
    """Return 32 bits of a hash. An event collides with a remembered event with a probability of about 2e-6."""
    return int.from_bytes(hashlib.blake2b(f"{profile}\n{event_id}".encode(), digest_size=4).digest())


@struct
class ShardCounts:
    """Counters of a shard.

    Attributes
    ----------
    sequence
        Sequence number of the last counted record; -1 if there is none.
    as_of_ms
        Time in epoch milliseconds to which the counters have decayed.
    counts
        Counters of the windows in the order of `WINDOWS`, then the baseline and the assumed baseline, float64 `(items,
        windows + 2)`.
    totals
        Sums of the counters over all items, including deleted items, float64 `(windows + 2,)`. The assumed baseline is
        0.
    forgotten
        Largest baseline among deleted items, decayed to `as_of_ms`.
    recent
        Fingerprints of the last `REMEMBERED_EVENTS` counted events, oldest first, uint32.
    """

    sequence: int
    as_of_ms: int
    items: tuple[str, ...]
    counts: Counts
    totals: Counts
    forgotten: float = 0.0
    recent: npt.NDArray[np.uint32] = dataclasses.field(default_factory=lambda: np.zeros(0, np.uint32))

    def uncounted(self, events: Sequence[Event]) -> list[Event]:
        known: set[int | None] = set(self.recent.tolist())
        new = []
        for event in events:
            if event.sequence > self.sequence and event.fingerprint not in known:
                new.append(event)
                if event.fingerprint is not None:
                    known.add(event.fingerprint)
        return new

    def add(self, events: Sequence[Event], *, sequence: int, arrived_ms: int) -> ShardCounts:
        """Return the counters after adding events of the records up to `sequence`.

        Only `uncounted` events are added, so a repeated call has no effect.

        Parameters
        ----------
        arrived_ms
            Arrival time of the last record in epoch milliseconds. The counters decay to the latest arrival time, so
            they depend only on the records.
        """
        if sequence <= self.sequence:
            return self
        new = self.uncounted(events)
        as_of_ms = max([self.as_of_ms, arrived_ms, *(event.time_ms for event in new)])
        row_of = dict(zip(self.items, range(len(self.items)), strict=True))
        rows = np.array([row_of.setdefault(event.item_id, len(row_of)) for event in new], np.int64)
        ages_ms = np.array([as_of_ms - event.time_ms for event in new], np.float64)
        weights = np.array([event.weight for event in new], np.float64)
        added = weights[:, None] * np.exp(-ages_ms[:, None] / _TAU_MS)
        added[:, _ASSUMED] = 0
        faded = _faded(self, as_of_ms)
        counts = np.zeros((len(row_of), len(_COLUMNS)))
        counts[: len(self.items)] = faded.counts
        counts[len(self.items) :, _ASSUMED] = faded.forgotten
        np.add.at(counts, rows, added)
        totals = faded.totals + added.sum(axis=0)
        added_ids = np.array([event.fingerprint for event in new if event.fingerprint is not None], np.uint32)
        recent = np.concatenate([self.recent, added_ids])[-REMEMBERED_EVENTS:]
        return ShardCounts(sequence, as_of_ms, tuple(row_of), counts, totals, faded.forgotten, recent)._pruned()

    def to_bytes(self) -> bytes:
        file = io.BytesIO()
        tensors: dict[str, Array] = {
            "totals": self.totals,
            "counts": self.counts.astype(np.float32).ravel(),
            "items": np.frombuffer(_SEPARATOR.join(self.items).encode(), np.uint8),
            "recent": self.recent,
        }
        numbers = {"sequence": self.sequence, "as_of_ms": self.as_of_ms, "forgotten": self.forgotten}
        metadata = {"format": FORMAT, **{name: str(number) for name, number in numbers.items()}}
        write_tensors(file, tensors, metadata=metadata)
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes, *, name: str) -> ShardCounts:
        try:
            tensors, metadata = parse_tensors(data, FORMAT, name=name)
            text = tensors["items"].tobytes().decode()
            items = tuple(text.split(_SEPARATOR)) if text else ()
            counts = tensors["counts"].astype(np.float64).reshape(len(items), len(_COLUMNS))
            totals = tensors["totals"].astype(np.float64).reshape(len(_COLUMNS))
            forgotten = float(metadata["forgotten"])
            if not (np.isfinite(counts).all() and np.isfinite(totals).all() and np.isfinite(forgotten)):
                raise ValueError("a counter is not a number")
            # Objects of earlier versions have no fingerprints.
            recent = tensors.get("recent", np.zeros(0, np.uint32)).astype(np.uint32)
            return cls(int(metadata["sequence"]), int(metadata["as_of_ms"]), items, counts, totals, forgotten, recent)
        except (InvalidSnapshot, ValueError, KeyError, TypeError) as error:
            raise InvalidTrends(f"{name} has no trends that this version can read: {error}") from error

    def _pruned(self) -> ShardCounts:
        """Return the counters of the best `KEPT_ITEMS` items.

        An item has the better of its ranks by baseline and by its best score in any window.
        """
        if len(self.items) <= KEPT_ITEMS:
            return self
        best = np.max([_scores(self.counts, self.totals, column) for column in range(_BASELINE)], axis=0)
        rank = np.minimum(_ranks(best), _ranks(self.counts[:, _BASELINE]))
        order = np.argsort(rank, kind="stable")
        kept, dropped = np.sort(order[:KEPT_ITEMS]), order[KEPT_ITEMS:]
        return dataclasses.replace(
            self,
            items=tuple(map(self.items.__getitem__, kept.tolist())),
            counts=self.counts[kept],
            forgotten=max(self.forgotten, float(self.counts[dropped, _BASELINE].max())),
        )


NOTHING_COUNTED = ShardCounts(-1, 0, (), np.zeros((0, len(_COLUMNS))), np.zeros(len(_COLUMNS)))


class Trends:
    """Combined counters of all shards. Immutable.

    Parameters
    ----------
    shards
        Counters of the shards, always in the same order, so that rounding errors are reproducible.
    """

    def __init__(self, shards: Sequence[ShardCounts] = (), *, etags: Sequence[str] = ()) -> None:
        self.etags = tuple(etags)
        self._as_of_ms = max((shard.as_of_ms for shard in shards), default=0)
        faded = [_faded(shard, self._as_of_ms) for shard in shards]
        self._totals: Counts = sum((shard.totals for shard in faded), np.zeros(len(_COLUMNS)))
        if len(faded) == 1:
            self._items, self._counts = faded[0].items, faded[0].counts
            return
        items = dict.fromkeys(itertools.chain.from_iterable(shard.items for shard in faded))
        row_of = dict(zip(items, range(len(items)), strict=True))
        self._items, self._counts = tuple(items), np.zeros((len(items), len(_COLUMNS)))
        for shard in faded:
            self._counts[list(map(row_of.__getitem__, shard.items))] += shard.counts

    def best(self, window: str, *, now_ms: int, k: int | None = None) -> list[tuple[str, float]]:
        """Return the trending items with their scores, best first, then by ID.

        Trending items have a score of at least `MIN_SCORE`, so the list may be empty.

        Parameters
        ----------
        k
            Maximum number of items; None for all.
        """
        if window not in WINDOWS:
            raise InvalidInput(f"window is {window!r}, expected one of {', '.join(WINDOWS)}")
        left = _left(now_ms - self._as_of_ms)
        scores = _scores(self._counts * left, self._totals * left, list(WINDOWS).index(window)).round(_DECIMALS)
        rows = np.flatnonzero(scores >= MIN_SCORE)
        if k is not None and k < len(rows):
            minimum = np.partition(scores[rows], -k)[-k] if k > 0 else np.inf
            rows = rows[scores[rows] >= minimum]  # Include all ties for the last position.
        ranked = sorted((-float(scores[row]), self._items[row]) for row in rows.tolist())
        return [(item, -negated) for negated, item in ranked[:k]]


NO_TRENDS = Trends()


def _left(age_ms: float) -> Counts:
    """Return the share of each column's counters that remains after a time, which is 1 for a negative time."""
    return np.exp(-max(age_ms, 0) / _TAU_MS)


def _faded(shard: ShardCounts, as_of_ms: int) -> ShardCounts:
    left = _left(as_of_ms - shard.as_of_ms)
    return dataclasses.replace(
        shard,
        as_of_ms=as_of_ms,
        counts=shard.counts * left,
        totals=shard.totals * left,
        forgotten=shard.forgotten * float(left[_BASELINE]),
    )


def _scores(counts: Counts, totals: Counts, column: int) -> Counts:
    fast, past, ratio = _compared(counts, totals, column)
    share, n = ratio / (1 + ratio), fast + past
    evidence = np.where(fast > share * n, _divergence(fast, share * n) + _divergence(past, (1 - share) * n), 0)
    scores: Counts = evidence / (_unit(counts, totals) * np.log(max(len(counts), KEPT_ITEMS) / CHANCE))
    return scores


def _compared(counts: Counts, totals: Counts, column: int) -> tuple[Counts, Counts, float]:
    """Return the numbers of recent and of past events by item, and the expected ratio of recent to past events."""
    fast = counts[:, column]
    past = np.maximum(counts[:, _BASELINE] + counts[:, _ASSUMED] - fast, 0)  # Negative only because of rounding.
    sum_of_past = max(totals[_BASELINE] - totals[column], 0)
    return fast, past, min(1.0, float(totals[column] / sum_of_past)) if sum_of_past else 1.0


def _divergence(observed: Counts, expected: Counts) -> Counts:
    """Return ``observed ln(observed / expected)``, or 0 where `observed` is 0."""
    positive = observed > 0
    return observed * np.log(np.divide(observed, expected, out=np.ones_like(observed), where=positive))


def _unit(counts: Counts, totals: Counts) -> float:
    """Return the variance of an item's events relative to independent events with weight 1, at least 1."""
    fast, past, ratio = _compared(counts, totals, _DAY)
    expected = ratio * past
    is_measured = expected >= 1
    if ratio == 1 or np.count_nonzero(is_measured) < MEASURED_ITEMS:
        return 1.0
    apart = (fast[is_measured] - expected[is_measured]) ** 2 / expected[is_measured]
    return max(1.0, 2 * float(np.median(apart)) / MEDIAN)


def _ranks(values: Counts) -> npt.NDArray[Any]:
    """Return the rank of each value in descending order, from 0. Equal values keep their order."""
    ranks = np.empty(len(values), np.int64)
    ranks[np.argsort(-values, kind="stable")] = np.arange(len(values))
    return ranks
