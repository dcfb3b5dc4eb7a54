"""Splits of interactions into training data and queries.

Both protocols give three parts in time: learn, validate (settings are chosen there), test (figures come from there).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
import numpy.typing as npt

from alsolike.bundle.bundle import MS_PER_DAY
from alsolike.domain.configuration import MAX_HISTORY_LENGTH
from alsolike.runtime.errors import InvalidInput
from alsolike.training import dataset
from model_export.data.counts import Counts
from model_export.data.interactions import Interactions, Ints, distinct

NOTEWORTHY_SHARE = 0.1

MOST_DAYS = 36_500
"""Longest hold-out."""


@dataclasses.dataclass(frozen=True, slots=True)
class Queries:
    """Queries for a model: one history and its targets per user.

    Attributes
    ----------
    source
        The interactions that the rows below refer to.
    starts, ends
        int64 `(queries,)`, rows of each user's past in `source`.
    now_ms
        int64 `(queries,)`, time of the query.
    targets
        int64, target items of all queries one after another, each item once a query.
    target_offsets
        int64 `(queries + 1,)`, where each query's targets begin.
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
        """Return every item of a query's past."""
        return self.source.item[self.starts[query] : self.ends[query]]

    def bought(self, query: int) -> npt.NDArray[np.int32]:
        """Return the items of a query's past that the user purchased."""
        rows = slice(self.starts[query], self.ends[query])
        return self.source.item[rows][self.source.purchases(rows)]

    def targets_of(self, query: int) -> Ints:
        """Return the targets of a query."""
        return self.targets[self.target_offsets[query] : self.target_offsets[query + 1]]

    def repeat_share(self) -> float:
        """Return the share of targets that stand in their user's past already."""
        repeats = sum(int(np.isin(self.targets_of(query), self.seen(query)).sum()) for query in range(len(self)))
        return repeats / max(1, len(self.targets))

    def told_in_part(self) -> str | None:
        """Return a note on how many have pasts longer than a model's history; None if few do or it is at its limit."""
        length = self.source.history_length
        longer = int(np.count_nonzero(self.ends - self.starts > length))
        if length >= MAX_HISTORY_LENGTH or longer < NOTEWORTHY_SHARE * len(self) or not longer:
            return None
        return (
            f"{longer:,} of {len(self):,} users asked have more interactions than the latest {length:,}, which are all "
            f"that a model is told: limits.history_length takes {MAX_HISTORY_LENGTH:,}"
        )

    def sample(self, most: int) -> Queries:
        """Return at most `most` queries, evenly spaced, so that the choice is the same every time."""
        if len(self) <= most:
            return self
        return self.select(np.linspace(0, len(self) - 1, most).astype(np.int64))

    def select(self, chosen: Ints) -> Queries:
        """Return some of the queries, by their numbers."""
        counts = np.diff(self.target_offsets)[chosen]
        offsets = np.concatenate([[0], np.cumsum(counts)]).astype(np.int64)
        return Queries(
            source=self.source,
            starts=self.starts[chosen],
            ends=self.ends[chosen],
            now_ms=self.now_ms[chosen],
            targets=np.concatenate([np.zeros(0, np.int64), *(self.targets_of(int(query)) for query in chosen)]),
            target_offsets=offsets,
        )


@dataclasses.dataclass(frozen=True, slots=True)
class Part:
    """Interactions to fit on and queries to judge the fitted model with.

    Items are numbered by their frequency in `fit`, as a served model's are by their frequency in everything: among
    equal scores the lower position wins, and what is held out must not tell which item that is.

    Attributes
    ----------
    order
        Which item of the whole data stands at each position 1..items, int64 `(items,)`.
    """

    fit: Interactions
    queries: Queries
    order: Ints


@dataclasses.dataclass(frozen=True, slots=True)
class Split:
    """A protocol's validation and test part; `test.fit is validation.fit` says that no other fit is needed.

    Attributes
    ----------
    learned_until_ms
        What the validation part is fitted on ends there, and what it asks for begins; 0 where no time parts the two.
    chosen_until_ms
        The validation part ends there, and all that comes after it is only evaluated; 0 where no time parts the two.
    tested_until_ms
        End of the test part; 0 where no time parts the two.
    """

    protocol: str
    validation: Part
    test: Part
    learned_until_ms: int = 0
    chosen_until_ms: int = 0
    tested_until_ms: int = 0


@dataclasses.dataclass(frozen=True, slots=True)
class Windows:
    """Times that divide interactions for the temporal protocol.

    Attributes
    ----------
    learned_ms, validated_ms
        Start (exclusive) and end (inclusive) of the validation window.
    chosen_ms, tested_ms
        Start (exclusive) and end (inclusive) of the test window.
    """

    learned_ms: int
    validated_ms: int
    chosen_ms: int
    tested_ms: int


def holdout_ms(interactions: Interactions, *, days: float | None) -> int:
    """Return the length of the test window: `days`, by default 28 days or a tenth of the interactions' time.

    That time ends before a quiet period that only a few users follow; see `windows`.

    Raises
    ------
    InvalidInput
        If it is negative, or longer than any data are.
    """
    if days is not None:
        if not 0 <= days <= MOST_DAYS:
            raise InvalidInput(f"the hold-out is {days:g} days, expected 0 to {MOST_DAYS:,}")
        return int(days * MS_PER_DAY)
    start_ms = int(np.quantile(interactions.time_ms, dataset.START_QUANTILE, method="higher"))
    last_ms = int(interactions.time_ms.max())
    end_ms = _end_of_window(interactions, last_ms, lambda end_ms: dataset.holdout_ms(start_ms, end_ms))
    return dataset.holdout_ms(start_ms, end_ms)


def windows(interactions: Interactions, *, holdout_ms: int) -> Windows:
    """Return the last window of this length for the test and the one before for the validation.

    A window with fewer than `MINIMUM_ASKED_USERS` users is skipped, because a few events after a quiet period are no
    test. Without a window that has enough users, the windows end with the interactions.
    """
    last_ms = int(interactions.time_ms.max())
    tested_ms = _end_of_window(interactions, last_ms, lambda _: holdout_ms)
    chosen_ms = tested_ms - holdout_ms
    validated_ms = _end_of_window(interactions, chosen_ms, lambda _: holdout_ms)
    return Windows(validated_ms - holdout_ms, validated_ms, chosen_ms, tested_ms)


def _end_of_window(interactions: Interactions, latest_ms: int, length_ms: Callable[[int], int]) -> int:
    """Return the latest time, at most `latest_ms`, whose window has enough users with a past; else `latest_ms`."""
    present = np.diff(interactions.offsets) > 0
    first_ms = np.full(interactions.users, latest_ms, np.int64)
    first_ms[present] = interactions.time_ms[interactions.offsets[:-1][present]]

    def has_users(rows: Ints | npt.NDArray[np.bool_], start_ms: int) -> bool:
        users = np.unique(interactions.user[rows])
        return int(np.count_nonzero(first_ms[users] <= start_ms)) >= dataset.MINIMUM_ASKED_USERS

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
    """Hold out the last interaction of each user for the test and the one before for validation.

    Users with fewer than 3 interactions are learned from and not asked. Rows are in the order of time, and in the
    given order where times are equal. A query has the time of its target. Nothing held out is learned from:
    the model that is tested was fitted without the validation interactions, which stand in the test histories.
    """
    starts, ends = interactions.offsets[:-1], interactions.offsets[1:]
    asked = ends - starts >= 3
    starts, ends = starts[asked], ends[asked]
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
    """Hold out two windows of this length for test and validation; see `windows`.

    Asked are users with a past before the cut; their targets are the items of the window, each once. The tested
    model is fitted on everything before its cut, the validation window included.
    """
    times = windows(interactions, holdout_ms=holdout_ms)
    learned_ms, chosen_ms = times.learned_ms, times.chosen_ms
    return Split(
        protocol="temporal",
        learned_until_ms=learned_ms,
        chosen_until_ms=chosen_ms,
        tested_until_ms=times.tested_ms,
        validation=window(interactions, learned_ms=learned_ms, after_ms=learned_ms, until_ms=times.validated_ms),
        test=window(interactions, learned_ms=chosen_ms, after_ms=chosen_ms, until_ms=times.tested_ms),
    )


def counted(interactions: Interactions, counts: Counts) -> Split:
    """Hold out the same windows where interactions are of some users, and what is learned was counted of all.

    Both parts learn the counts up to the validation window; in the test part the histories include that window.
    """
    learned_ms, tested_ms = counts.manifest.learned_ms, counts.manifest.tested_ms
    chosen_ms = tested_ms - counts.manifest.holdout_ms
    whole, fit, order = _learned(interactions, learned_ms)
    return Split(
        protocol="temporal, counted",
        learned_until_ms=learned_ms,
        chosen_until_ms=chosen_ms,
        tested_until_ms=tested_ms,
        validation=_asked(whole, fit, order, after_ms=learned_ms, until_ms=chosen_ms),
        test=_asked(whole, fit, order, after_ms=chosen_ms, until_ms=tested_ms),
    )


def since(interactions: Interactions, *, after_ms: int) -> Part:
    """Fit on times <= after_ms; ask everybody once for all that they had later, new users included.

    The query of a user with a past is at `after_ms`; that of a later user follows their first interactions, which are
    the history then. Targets are the items of all that follows, each once.
    """
    interactions, fit, order = _learned(interactions, after_ms)
    offsets = interactions.offsets
    starts, ends = offsets[:-1], offsets[1:]
    present = starts < ends
    cut = np.full(interactions.users, after_ms, np.int64)
    cut[present] = np.maximum(after_ms, interactions.time_ms[starts[present]])
    later = interactions.time_ms > cut[interactions.user]
    key = interactions.user[later].astype(np.int64) * (interactions.items + 1) + interactions.item[later]
    users, targets = np.divmod(distinct(key), interactions.items + 1)
    asked, first = np.unique(users, return_index=True)
    queries = Queries(
        source=interactions,
        starts=starts[asked],
        ends=(ends - np.bincount(interactions.user[later], minlength=interactions.users))[asked],
        now_ms=cut[asked],
        targets=targets,
        target_offsets=np.append(first, len(targets)).astype(np.int64),
    )
    return Part(fit=fit, queries=queries, order=order)


def window(interactions: Interactions, *, learned_ms: int, after_ms: int, until_ms: int) -> Part:
    """Fit on times <= learned_ms, ask those with a past before after_ms for after_ms < time <= until_ms."""
    whole, fit, order = _learned(interactions, learned_ms)
    return _asked(whole, fit, order, after_ms=after_ms, until_ms=until_ms)


def _learned(interactions: Interactions, until_ms: int) -> tuple[Interactions, Interactions, Ints]:
    """Number items by their frequency up to a moment; return all, those up to it, and the order of the items."""
    order = interactions.until(until_ms).frequency_order()
    whole = interactions.renumber(order)
    return whole, whole.until(until_ms), order


def _asked(whole: Interactions, fit: Interactions, order: Ints, *, after_ms: int, until_ms: int) -> Part:
    past = whole.time_ms <= after_ms
    source = dataclasses.replace(whole.select(past), counts=fit.counts)
    inside = ~past & (whole.time_ms <= until_ms)
    key = whole.user[inside].astype(np.int64) * (whole.items + 1) + whole.item[inside]
    users, targets = np.divmod(distinct(key), whole.items + 1)
    offsets = source.offsets
    known = offsets[users + 1] > offsets[users]
    users, targets = users[known], targets[known]
    asked, first = np.unique(users, return_index=True)
    queries = Queries(
        source=source,
        starts=offsets[asked],
        ends=offsets[asked + 1],
        now_ms=np.full(len(asked), after_ms, np.int64),
        targets=targets,
        target_offsets=np.append(first, len(targets)).astype(np.int64),
    )
    return Part(fit=fit, queries=queries, order=order)
