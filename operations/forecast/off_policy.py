"""Off-policy estimates: expected outcomes of lists that were not shown, from logged lists and their outcomes.

The position-based model is assumed. The probability of an outcome of item i at place k of response r is

    χ(k) v(i, r)

χ is the propensity of the place, the probability that a shopper examines it. It is estimated from neighbours in random
order (`alsolike.bundle.position_bias`). v is the probability that the shopper reacts to an examined item. It
depends neither on the place nor on the other items. An item of a pair in random order has both places with
probability 1/2. So with p(i, k) as the probability that item i is logged at place k, and k' as the place of the item in
the other list (the present or the draft's), the weight of an outcome is

    w(i) = χ(k') / sum over k of χ(k) p(i, k)

(Li, Abbasi-Yadkori, Kveton, Muthukrishnan, Vinay, Wen, "Offline evaluation of ranking policies with click models", KDD
2018, section 4.4). An item that is not in the logged list has no support, and neither has an item with a weight above
`MAX_WEIGHT`.

With y as the outcomes and n as the number of responses, the estimates per response are

    SNIPS = (sum of w y) / (sum of w χ(k)) * (sum over places k' of χ(k')) / n

    DR = (sum over places k' of χ(k') q(i) + sum over logged items of w (y - χ(k) q(i))) / n

(Swaminathan, Joachims, "The self-normalized estimator for counterfactual learning", NIPS 2015, section 4; Dudik,
Langford, Li, "Doubly robust policy evaluation and learning", ICML 2011, equation 1). q is a model of v. It is fitted to
the other half of the users. Items without support have only q.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from alsolike.bundle.position_bias import MIN_PAIRS, fit
from alsolike.bundle.reranker import Floats, Ints
from alsolike.runtime.struct import struct

MAX_WEIGHT = 10.0
"""Maximum weight of an outcome. An item that needs a higher weight has no support."""

_MIN_SUPPORT = 0.9
"""Minimum share of the expected examinations of the draft's lists that concern items with support.

The module's docstring defines support.
"""

_MIN_OUTCOMES = 50
"""Minimum effective number of weighted outcomes, (sum w y)² / sum (w y)²."""

_MIN_USERS = 200
"""Minimum number of users."""

_REASON = "not enough evidence:"
_TOO_FEW_PAIRS = f"{_REASON} about {MIN_PAIRS} pairs in random order with a click, expected more"
"""Reason if the pairs are sufficient only with all groups. The jackknife leaves out one group of users at a time."""

GROUPS = 50
"""Number of groups of users for the jackknife."""

T = 2.0096
"""97.5% quantile of Student's t distribution with `GROUPS` - 1 degrees of freedom."""

NO_ITEM = -1
_SHRINKAGE = 10.0

Bools = npt.NDArray[np.bool_]


@struct
class LoggedLists:
    """Logged responses with their outcomes. `places` is the number of places of the longest list.

    Attributes
    ----------
    users
        Number of each response's user, from 0, int64 `(responses,)`.
    items
        Number of each item, padded with `NO_ITEM`, int64 `(responses, places)`.
    opens_pair
        True at the first place of a pair of neighbours in random order, bool `(responses, places)`.
    outcomes
        Sums of outcomes by name, float64 `(responses, places)`. `CLICKS` is required, because clicks determine χ.
    """

    users: Ints
    items: Ints
    opens_pair: Bools
    outcomes: Mapping[str, Floats]


CLICKS = "clicks"


class Estimate(NamedTuple):
    """Estimate with its 95% confidence interval."""

    value: float
    low: float
    high: float


@struct
class Outcome:
    """Expected outcome per response, by the present lists and by the draft's lists.

    Attributes
    ----------
    present, draft, difference
        Doubly robust estimates. None without enough evidence.
    self_normalised
        Difference by self-normalised inverse propensities. None without enough evidence.
    effective
        Effective number of outcomes of the draft's lists, (sum w y)² / sum (w y)².
    missing
        The evidence that is missing, or None.
    """

    name: str
    present: Estimate | None
    draft: Estimate | None
    difference: Estimate | None
    self_normalised: Estimate | None
    effective: float
    missing: str | None


@struct
class Forecast:
    """Expected outcomes of draft lists.

    Attributes
    ----------
    responses, users
        Number of logged responses and of their users.
    changed
        Share of the responses whose list the draft changes.
    support
        Share of the expected examinations of the draft's lists that concern items with support.
    pairs
        Number of pairs in random order with a click.
    """

    responses: int
    users: int
    changed: float
    support: float
    pairs: int
    outcomes: tuple[Outcome, ...]


def forecast(log: LoggedLists, *, present: Ints, draft: Ints, seed: int = 0) -> Forecast:
    """Return the expected outcomes of two lists per logged response, with 95% confidence intervals.

    Intervals are those of a jackknife over `GROUPS` random groups of users, so they account for the dependence between
    responses to a user and the uncertainty of χ and q. The part of an estimate that only q supports widens the
    intervals.

    Parameters
    ----------
    present, draft
        Items of the lists without and with the draft, padded with `NO_ITEM`, int64 `(responses, places)`.

    References
    ----------
    B. Efron, C. Stein, "The jackknife estimate of variance", Annals of Statistics 9, 1981.

    Examples
    --------
    >>> log = LoggedLists(
    ...     np.array([0]), np.array([[7, 8]]), np.array([[True, False]]), {"clicks": np.array([[1.0, 0.0]])}
    ... )
    >>> forecast(log, present=np.array([[7, 8]]), draft=np.array([[8, 7]])).outcomes[0].missing
    'not enough evidence: 1 user, expected at least 200'
    """
    width = max(each.shape[1] for each in (log.items, present, draft))
    log, present, draft = _padded(log, width), _wider(present, width), _wider(draft, width)
    numbers, user = np.unique(log.users, return_inverse=True)
    groups = np.random.default_rng(seed).permutation(len(numbers))[user] % GROUPS
    sample = _Sample(log, {"present": present, "draft": draft}, groups)
    full = sample.figures() if sample.has_propensities else None
    missing = _missing_evidence(users=len(numbers), support=None if full is None else full.support)
    parts = [] if full is None or missing else [sample.figures(without=group) for group in range(GROUPS)]
    complete = [part for part in parts if part is not None]
    if full is not None and len(complete) < len(parts):
        missing = _TOO_FEW_PAIRS
    outcomes = []
    for name in log.outcomes:
        effective = full.effective[name] if full else 0.0
        why = missing or _missing_outcomes(name, effective)
        now, after, difference, self_normalised = (
            None
            if why or full is None
            else _jackknife(
                full.values[name, kind],
                [part.values[name, kind] for part in complete],
                slack=full.slack[name, kind],
            )
            for kind in _KINDS
        )
        outcomes.append(Outcome(name, now, after, difference, self_normalised, effective, why))
    changed = float((present != draft).any(axis=1).mean()) if len(present) else 0.0
    return Forecast(len(present), len(numbers), changed, full.support if full else 0.0, sample.pairs, tuple(outcomes))


_KINDS = ("present", "draft", "difference", "self-normalised difference")
_ALONE, _FIRST, _SECOND = range(3)


@struct
class _Figures:
    """Estimates by outcome and kind of `_KINDS`, and `slack`, the part of an estimate that only q supports."""

    values: Mapping[tuple[str, str], float]
    slack: Mapping[tuple[str, str], float]
    effective: Mapping[str, float]
    support: float


def _jackknife(value: float, parts: Sequence[float], *, slack: float) -> Estimate:
    """Return an estimate with its interval. Each of the estimates `parts` leaves out one group."""
    variance = (len(parts) - 1) / len(parts) * float(np.square(np.array(parts) - np.mean(parts)).sum())
    half = T * math.sqrt(variance) + slack
    return Estimate(value, value - half, value + half)


class _List(NamedTuple):
    """Sums over responses, for one kind of list.

    Attributes
    ----------
    looks, without_support
        Number of items, and number of items without support, by group and place, float64 `(GROUPS, places)`.
    q, q_without_support, q_changed
        Sums of q by outcome, float64 `(GROUPS, places)` each: over all items, over items without support, and over
        items without support at changed places.
    """

    looks: Floats
    without_support: Floats
    q: Mapping[str, Floats]
    q_without_support: Mapping[str, Floats]
    q_changed: Mapping[str, Floats]


class _Sample:
    """Sums of logged lists, from which estimates without a group of users are computed.

    Estimates depend on χ and on the number, outcomes and q of the logged items in each cell. A cell is a logged place,
    the role in a random pair, and the place in the other list.
    """

    def __init__(self, log: LoggedLists, lists: Mapping[str, Ints], groups: Ints) -> None:
        self._names = tuple(log.outcomes)
        self._responses = np.bincount(groups, minlength=GROUPS).astype(np.float64)
        self._width = log.items.shape[1]
        is_second = np.zeros_like(log.opens_pair)
        is_second[:, 1:] = log.opens_pair[:, :-1]
        shown = log.items != NO_ITEM
        place = np.broadcast_to(np.arange(self._width), log.items.shape)
        role = np.select([log.opens_pair, is_second], [_FIRST, _SECOND], _ALONE)
        response, self._pair_places = np.nonzero(log.opens_pair)
        clicks = log.outcomes[CLICKS]
        self._pair_gains = np.stack([clicks[response, self._pair_places + side] for side in (0, 1)], axis=1)
        self._pair_groups = groups[response]
        self.pairs = int(np.count_nonzero(self._pair_gains.any(axis=1)))
        bias = fit(self._pair_places, self._pair_gains)
        self.has_propensities = bias is not None
        if bias is None:
            return
        chi = bias.propensities()[: self._width]
        rank = place - is_second  # Both items of a pair have the rank of its first place, because q ignores the order.
        looks = np.where(shown, chi[place], 0.0)
        models = {name: _models(y, log.items, rank, looks, folds=groups % 2) for name, y in log.outcomes.items()}
        group = np.broadcast_to(groups[:, None], log.items.shape)
        cells = np.arange(self._width * 3 * (self._width + 1))
        self._place, self._role, self._wanted = (
            cells // (3 * (self._width + 1)), cells // (self._width + 1) % 3, cells % (self._width + 1) - 1
        )  # fmt: skip
        is_changed = lists["present"] != lists["draft"]
        self._lists, self._cells = {}, {}
        self._supported = self._weights(chi) <= MAX_WEIGHT
        for kind, listed in lists.items():
            logged_places, listed_places = _places(log.items, listed)
            cell = (place * 3 + role) * (self._width + 1) + logged_places + 1
            has_support = (listed_places >= 0) & self._supported[
                np.take_along_axis(cell, np.maximum(listed_places, 0), 1)
            ]
            ranks = np.where(
                listed_places >= 0, np.take_along_axis(rank, np.maximum(listed_places, 0), 1), log.items.shape[1] - 1
            )
            index = group * len(cells) + cell

            def by_cell(values: Floats, index: Ints = index) -> Floats:
                sums = np.bincount(index[shown], values[shown], GROUPS * len(cells)).astype(np.float64)
                return sums.reshape(GROUPS, len(cells))

            slots = np.broadcast_to(groups[:, None] * listed.shape[1] + np.arange(listed.shape[1]), listed.shape)

            def by_place(values: Floats, at: Bools, slots: Ints = slots, size: int = listed.shape[1]) -> Floats:
                sums = np.bincount(slots[at], values[at], GROUPS * size).astype(np.float64).reshape(GROUPS, size)
                return sums

            is_item = listed != NO_ITEM
            is_lost = is_item & ~has_support
            ones = np.ones(listed.shape)
            q = {name: model(listed, ranks) for name, model in models.items()}
            self._lists[kind] = _List(
                by_place(ones, is_item),
                by_place(ones, is_lost),
                {name: by_place(values, is_item) for name, values in q.items()},
                {name: by_place(values, is_lost) for name, values in q.items()},
                {name: by_place(values, is_lost & is_changed) for name, values in q.items()},
            )
            self._cells[kind] = {
                "shown": by_cell(np.ones(log.items.shape)),
                **{name: by_cell(y) for name, y in log.outcomes.items()},
                **{f"{name} squared": by_cell(y**2) for name, y in log.outcomes.items()},
                **{f"{name} q": by_cell(models[name](log.items, rank)) for name in log.outcomes},
            }

    def _weights(self, chi: Floats) -> Floats:
        """Return the weight of an outcome by cell, float64 `(cells,)`. It is 0 if the item is not in the other list."""
        other = np.select(
            [self._role == _FIRST, self._role == _SECOND],
            [np.minimum(self._place + 1, self._width - 1), np.maximum(self._place - 1, 0)],
            self._place,
        )
        expected = (chi[self._place] + chi[other]) / 2
        return np.where(self._wanted >= 0, chi[self._wanted] / expected, 0.0)

    def figures(self, *, without: int | None = None) -> _Figures | None:
        """Return the estimates without a group of users, or None with too few pairs."""
        keep = np.arange(GROUPS) != without
        pairs = keep[self._pair_groups]
        bias = fit(self._pair_places[pairs], self._pair_gains[pairs])
        if bias is None:
            return None
        chi = bias.propensities()[: self._width]
        weights = np.where(self._supported, self._weights(chi), 0.0)
        responses = float(self._responses[keep].sum())
        looked = chi[self._place]
        values: dict[tuple[str, str], float] = {}
        slack: dict[tuple[str, str], float] = {}
        effective: dict[str, float] = {}

        def examined(by_place: Floats) -> float:
            return float((by_place[keep].sum(axis=0) * chi).sum())

        for name in self._names:
            estimates = {}
            for kind, sums in self._lists.items():
                cells = {key: table[keep].sum(axis=0) for key, table in self._cells[kind].items()}
                q_lost = examined(sums.q_without_support[name])
                gained = float((weights * cells[name]).sum())
                residual = gained - float((weights * looked * cells[f"{name} q"]).sum())
                rate = gained / max(float((weights * looked * cells["shown"]).sum()), 1e-12)
                estimates[kind] = (
                    (examined(sums.q[name]) + residual) / responses,
                    (rate * (examined(sums.looks) - examined(sums.without_support)) + q_lost) / responses,
                )
                values[name, kind], slack[name, kind] = estimates[kind][0], q_lost / responses
                if kind == "draft":
                    effective[name] = gained**2 / max(float((weights**2 * cells[f"{name} squared"]).sum()), 1e-12)
            for place, kind in enumerate(_KINDS[2:]):
                values[name, kind] = estimates["draft"][place] - estimates["present"][place]
                slack[name, kind] = sum(examined(sums.q_changed[name]) for sums in self._lists.values()) / responses
        lost = examined(self._lists["draft"].without_support)
        support = 1 - lost / max(examined(self._lists["draft"].looks), 1e-12)
        return _Figures(values, slack, effective, support)


Model = Callable[[Ints, Ints], Floats]
"""Function that returns q by item and rank, `(responses, places)`."""


def _models(y: Floats, items: Ints, ranks: Ints, looks: Floats, *, folds: Ints) -> Model:
    """Return q. The model of each response is fitted to the other fold's responses.

    q is the rate of the rank times the factor of the item. Both are shrunk towards the mean.
    """
    count = int(items.max(initial=0)) + 1
    width = items.shape[1]
    rates, factors = np.zeros((2, width)), np.ones((2, count + 1))
    for fold in (0, 1):
        fitted = (items != NO_ITEM) & (folds != fold)[:, None]
        of, at, gained, seen = items[fitted], ranks[fitted], y[fitted], looks[fitted]
        mean = max(gained.sum() / max(seen.sum(), 1e-12), 1e-12)
        prior = _SHRINKAGE * (gained[gained > 0].mean() if (gained > 0).any() else 1.0)
        rates[fold] = (np.bincount(at, gained, width) + prior) / (np.bincount(at, seen, width) + prior / mean)
        expected = np.bincount(of, rates[fold][at] * seen, count)
        factors[fold, :count] = (np.bincount(of, gained, count) + prior) / (expected + prior)

    def q(of: Ints, at: Ints) -> Floats:
        known = np.where((of >= 0) & (of < count), of, count)
        result: Floats = rates[folds[:, None], at] * factors[folds[:, None], known]
        return result

    return q


def _padded(log: LoggedLists, width: int) -> LoggedLists:
    return LoggedLists(
        log.users,
        _wider(log.items, width),
        _wider(log.opens_pair, width, fill=False),
        {name: _wider(values, width, fill=0.0) for name, values in log.outcomes.items()},
    )


def _wider(values: npt.NDArray[Any], width: int, *, fill: float = NO_ITEM) -> npt.NDArray[Any]:
    return np.pad(values, ((0, 0), (0, width - values.shape[1])), constant_values=fill)


def _places(logged: Ints, listed: Ints) -> tuple[Ints, Ints]:
    """Return the place of each logged item in the other list, and the reverse. Absent items have `NO_ITEM`."""
    logged_places, listed_places = np.full(logged.shape, NO_ITEM), np.full(listed.shape, NO_ITEM)
    for place in range(logged.shape[1]):
        same = (listed == logged[:, place, None]) & (logged[:, place, None] != NO_ITEM)
        has = same.any(axis=1)
        logged_places[has, place] = same[has].argmax(axis=1)
        listed_places[same] = place
    return logged_places, listed_places


def _missing_evidence(*, users: int, support: float | None) -> str | None:
    """Return a sentence on the evidence that is missing for all estimates.

    `support` is None if there are too few pairs in random order.
    """
    if users < _MIN_USERS:
        return f"{_REASON} {users:,} user{'' if users == 1 else 's'}, expected at least {_MIN_USERS}"
    if support is None:
        return f"{_REASON} fewer than {MIN_PAIRS} pairs in random order with a click"
    if support < _MIN_SUPPORT:
        # Rounded down, so that 89.97% is not printed as the expected 90.0%.
        share = f"{math.floor(1000 * support) / 10:.1f}% of the expected attention is for items that were shown"
        return f"{_REASON} {share}, expected at least {_MIN_SUPPORT:.0%}"
    return None


def _missing_outcomes(name: str, effective: float) -> str | None:
    """Return a sentence on the evidence that is missing for an outcome."""
    if effective < _MIN_OUTCOMES:
        return f"{_REASON} an effective number of {effective:.0f} {name}, expected at least {_MIN_OUTCOMES}"
    return None
