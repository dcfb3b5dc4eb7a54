"""Splits of interactions into training data, validation queries and test queries, in time order."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from alsolike.configuration.configuration import MAX_HISTORY_LENGTH
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput
from alsolike.training import dataset
from model_export.data.interactions import Interactions, Ints, distinct
from model_export.data.statistics import Counts

NOTEWORTHY_SHARE = 0.1

MAX_DAYS = 36_500
"""Maximum length of the hold-out, in days."""


@dataclasses.dataclass(frozen=True, slots=True)
class Queries:
    """Queries for a model: a history and its targets per user.

    Attributes
    ----------
    source
        Interactions with the histories.
    starts, ends
        First row of each history in `source`, and the row after its last, int64 `(queries,)`.
    now_ms
        Time of each query, int64 `(queries,)`.
    targets
        Concatenated distinct target items of all queries, int64.
    target_offsets
        Start of each query's targets, and the end, int64 `(queries + 1,)`.
    """

    source: Interactions
    starts: Ints
    ends: Ints
    now_ms: Ints
    targets: Ints
    target_offsets: Ints

    def __len__(self) -> int:
        return len(self.starts)

    def seen(self, query: int) -> npt.NDArray[np.int32]:
        """Return the items of a query's complete history."""
        return self.source.item[self.starts[query] : self.ends[query]]

    def bought(self, query: int) -> npt.NDArray[np.int32]:
        rows = slice(self.starts[query], self.ends[query])
        return self.source.item[rows][self.source.purchases(rows)]

    def targets_of(self, query: int) -> Ints:
        return self.targets[self.target_offsets[query] : self.target_offsets[query + 1]]

    def repeat_share(self) -> float:
        """Return the share of targets that are in the history of their query's user."""
        repeats = sum(int(np.isin(self.targets_of(query), self.seen(query)).sum()) for query in range(len(self)))
        return repeats / max(1, len(self.targets))

    def note_on_long_histories(self) -> str | None:
        """Return a note if many users have more interactions than `history_length`, unless it is at its maximum."""
        length = self.source.history_length
        longer = int(np.count_nonzero(self.ends - self.starts > length))
        if length >= MAX_HISTORY_LENGTH or longer < NOTEWORTHY_SHARE * len(self) or not longer:
            return None
        return (
            f"{longer:,} of {len(self):,} evaluated users have more interactions than the latest {length:,}, which are "
            f"all that a model reads: limits.history_length takes {MAX_HISTORY_LENGTH:,}"
        )

    def sample(self, maximum: int) -> Queries:
        """Return at most `maximum` queries. They are evenly spaced, so the result is deterministic."""
        if len(self) <= maximum:
            return self
        return self.select(np.linspace(0, len(self) - 1, maximum).astype(np.int64))

    def select(self, selected: Ints) -> Queries:
        counts = np.diff(self.target_offsets)[selected]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Queries(
            source=self.source,
            starts=self.starts[selected],
            ends=self.ends[selected],
            now_ms=self.now_ms[selected],
            targets=np.concatenate([np.zeros(0, np.int64), *(self.targets_of(int(query)) for query in selected)]),
            target_offsets=offsets,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Training interactions, and queries to evaluate the fitted model.

    Lower positions win ties, so items are numbered by their frequency in `fit`: held-out data does not leak into the
    order. The items of a served model are numbered by their frequency in all data.

    Attributes
    ----------
    order
        Item number in the full dataset of each position 1..items, int64 `(items,)`.
    """

    fit: Interactions
    queries: Queries
    order: Ints


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """Validation and test part of a protocol. If `test.fit is validation.fit`, the parts share a fit.

    Attributes
    ----------
    learned_until_ms
        End of the validation's training data and start of its targets, or 0 for the protocol leave-one-out.
    selected_until_ms
        End of the data that selects settings, and start of the test targets, or 0 for the protocol leave-one-out.
    tested_until_ms
        End of the test targets, or 0 for the protocol leave-one-out.
    """

    protocol: str
    validation: Part
    test: Part
    learned_until_ms: int = 0
    selected_until_ms: int = 0
    tested_until_ms: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Windows:
    """Times that divide interactions for the temporal protocol.

    Attributes
    ----------
    learned_ms, validated_ms
        Start (exclusive) and end (inclusive) of the validation window.
    selected_ms, tested_ms
        Start (exclusive) and end (inclusive) of the test window.
    """

    learned_ms: int
    validated_ms: int
    selected_ms: int
    tested_ms: int


def holdout_ms(interactions: Interactions, *, days: float | None) -> int:
    """Return the length of the test window in ms: `days`, or the shorter of 28 days and a tenth of the data's period.

    The period excludes outliers at the start (`dataset.START_QUANTILE`), and a quiet time at the end (see `windows`).
    """
    if days is not None:
        if not 0 <= days <= MAX_DAYS:
            raise InvalidInput(f"the hold-out is {days:g} days, expected 0 to {MAX_DAYS:,}")
        return int(days * DAY_MS)
    start_ms = int(np.quantile(interactions.time_ms, dataset.START_QUANTILE, method="higher"))
    last_ms = int(interactions.time_ms.max())
    end_ms = _end_of_window(interactions, last_ms, lambda end_ms: dataset.holdout_ms(start_ms, end_ms))
    return dataset.holdout_ms(start_ms, end_ms)


def windows(interactions: Interactions, *, holdout_ms: int) -> Windows:
    """Return the last window of this length for the test, and the preceding window for the validation.

    Windows in which fewer than `MIN_TEST_USERS` users have a history are skipped, because a few events after a quiet
    period are too few for a test. If no window has enough users, the test window ends with the last interaction.
    """
    last_ms = int(interactions.time_ms.max())
    tested_ms = _end_of_window(interactions, last_ms, lambda _: holdout_ms)
    selected_ms = tested_ms - holdout_ms
    validated_ms = _end_of_window(interactions, selected_ms, lambda _: holdout_ms)
    return Windows(validated_ms - holdout_ms, validated_ms, selected_ms, tested_ms)


def _end_of_window(interactions: Interactions, latest_ms: int, length_ms: Callable[[int], int]) -> int:
    """Return the end of a window in which enough users have a history, or `latest_ms` if there is none.

    The search moves back from `latest_ms` by complete windows and returns the first match.
    """
    present = np.diff(interactions.offsets) > 0
    first_ms = np.full(interactions.users, latest_ms, np.int64)
    first_ms[present] = interactions.time_ms[interactions.offsets[:-1][present]]

    def has_users(rows: Ints | npt.NDArray[np.bool_], start_ms: int) -> bool:
        users = np.unique(interactions.user[rows])
        return int(np.count_nonzero(first_ms[users] <= start_ms)) >= dataset.MIN_TEST_USERS

    start_ms = latest_ms - length_ms(latest_ms)
    if has_users((interactions.time_ms > start_ms) & (interactions.time_ms <= latest_ms), start_ms):
        return latest_ms
    order = np.argsort(interactions.time_ms, kind="stable")
    sorted_ms = interactions.time_ms[order]
    end_ms = latest_ms
    while (length := length_ms(end_ms)) > 0 and (begin := int(np.searchsorted(sorted_ms, end_ms - length, "right"))):
        end_ms = int(sorted_ms[begin - 1])
        start_ms = end_ms - length_ms(end_ms)
        if has_users(order[np.searchsorted(sorted_ms, start_ms, "right") : begin], start_ms):
            return end_ms
    return latest_ms


def leave_one_out(interactions: Interactions) -> Split:
    """Hold out the last interaction of each user for the test and the last but one for the validation.

    Users with fewer than 3 interactions are only in the training data. Interactions at the same time keep their order.
    The time of a query is the time of its target. Both parts are fitted without any held-out interaction, but test
    histories include the validation interaction.
    """
    starts, ends = interactions.offsets[:-1], interactions.offsets[1:]
    has_three = ends - starts >= 3
    starts, ends = starts[has_three], ends[has_three]
    learned = np.ones(len(interactions), np.bool_)
    learned[ends - 1] = False
    learned[ends - 2] = False
    order = interactions.select(learned).frequency_order()
    interactions = interactions.renumber(order)
    fit = interactions.select(learned)

    def part(target_rows: Ints) -> Part:
        queries = Queries(
            source=interactions,
            starts=starts,
            ends=target_rows,
            now_ms=interactions.time_ms[target_rows],
            targets=interactions.item[target_rows].astype(np.int64),
            target_offsets=np.arange(len(starts) + 1),
        )
        return Part(fit=fit, queries=queries, order=order)

    return Split(protocol="leave-one-out", validation=part(ends - 2), test=part(ends - 1))


def temporal(interactions: Interactions, *, holdout_ms: int) -> Split:
    """Hold out two windows of this length for validation and test, see `windows`.

    Each user with interactions before and in the window has a query. Targets are the distinct items of the window. The
    tested model is fitted on all interactions before the test window, including the validation window.
    """
    times = windows(interactions, holdout_ms=holdout_ms)
    learned_ms, selected_ms = times.learned_ms, times.selected_ms
    return Split(
        protocol="temporal",
        learned_until_ms=learned_ms,
        selected_until_ms=selected_ms,
        tested_until_ms=times.tested_ms,
        validation=window(interactions, learned_ms=learned_ms, after_ms=learned_ms, until_ms=times.validated_ms),
        test=window(interactions, learned_ms=selected_ms, after_ms=selected_ms, until_ms=times.tested_ms),
    )


def counted(interactions: Interactions, counts: Counts) -> Split:
    """Hold out the windows that `counts` determines. `interactions` are from a sample of the counted users.

    Both parts are fitted from the counts up to the validation window. Test histories include the validation window.
    """
    learned_ms, tested_ms = counts.manifest.learned_ms, counts.manifest.tested_ms
    selected_ms = tested_ms - counts.manifest.holdout_ms
    interactions_of_all, fit, order = _learned(interactions, learned_ms)
    return Split(
        protocol="temporal, counted",
        learned_until_ms=learned_ms,
        selected_until_ms=selected_ms,
        tested_until_ms=tested_ms,
        validation=_hold_out(interactions_of_all, fit, order, after_ms=learned_ms, until_ms=selected_ms),
        test=_hold_out(interactions_of_all, fit, order, after_ms=selected_ms, until_ms=tested_ms),
    )


def since(interactions: Interactions, *, after_ms: int) -> Part:
    """Return a part with training data up to `after_ms`, and a query of each user with later interactions.

    The query of a user with a history is at `after_ms`. The history of a new user contains the interactions at the
    user's first time, which is the time of the query. A new user without interactions after this time has no query.
    Targets are the distinct items of all interactions after the query.
    """
    interactions, fit, order = _learned(interactions, after_ms)
    offsets = interactions.offsets
    starts, ends = offsets[:-1], offsets[1:]
    present = starts < ends
    cut = np.full(interactions.users, after_ms, np.int64)
    cut[present] = np.maximum(after_ms, interactions.time_ms[starts[present]])
    later = interactions.time_ms > cut[interactions.user]
    users, targets = _targets(interactions, later)
    query_users, first = np.unique(users, return_index=True)
    queries = Queries(
        source=interactions,
        starts=starts[query_users],
        ends=(ends - np.bincount(interactions.user[later], minlength=interactions.users))[query_users],
        now_ms=cut[query_users],
        targets=targets,
        target_offsets=np.append(first, len(targets)).astype(np.int64),
    )
    return Part(fit=fit, queries=queries, order=order)


def window(interactions: Interactions, *, learned_ms: int, after_ms: int, until_ms: int) -> Part:
    """Return a part with training data up to `learned_ms`, and targets in `after_ms < time <= until_ms`.

    Each user with a history up to `after_ms` and a target has a query.
    """
    complete, fit, order = _learned(interactions, learned_ms)
    return _hold_out(complete, fit, order, after_ms=after_ms, until_ms=until_ms)


def _learned(interactions: Interactions, until_ms: int) -> tuple[Interactions, Interactions, Ints]:
    """Number items by their frequency up to a time.

    Return all interactions, the interactions up to the time, and the order of the items.
    """
    order = interactions.until(until_ms).frequency_order()
    complete = interactions.renumber(order)
    return complete, complete.until(until_ms), order


def _hold_out(complete: Interactions, fit: Interactions, order: Ints, *, after_ms: int, until_ms: int) -> Part:
    past = complete.time_ms <= after_ms
    source = dataclasses.replace(complete.select(past), counts=fit.counts)
    inside = ~past & (complete.time_ms <= until_ms)
    users, targets = _targets(complete, inside)
    offsets = source.offsets
    known = offsets[users + 1] > offsets[users]
    users, targets = users[known], targets[known]
    query_users, first = np.unique(users, return_index=True)
    queries = Queries(
        source=source,
        starts=offsets[query_users],
        ends=offsets[query_users + 1],
        now_ms=np.full(len(query_users), after_ms, np.int64),
        targets=targets,
        target_offsets=np.append(first, len(targets)).astype(np.int64),
    )
    return Part(fit=fit, queries=queries, order=order)


def _targets(interactions: Interactions, rows: npt.NDArray[np.bool_]) -> tuple[Ints, Ints]:
    """Return the users and items of the distinct (user, item) pairs in the selected rows, sorted by user and item."""
    key = interactions.user[rows].astype(np.int64) * (interactions.items + 1) + interactions.item[rows]
    return np.divmod(distinct(key), interactions.items + 1)
