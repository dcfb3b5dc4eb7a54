"""Repurchase: 28-day repurchase probability of each of the user's own items.

The model is a logistic regression on features of an item's interactions in a history. With ages in days,

    h120 = sum of 2 ** (-age / 120), h30 = sum of 2 ** (-age / 30), n = number of interactions, s = lowest age
    A = ln(h120 + 0.05), B = ln(h30 + 0.1), S = ln(s + 3), N = ln n
    score = sigmoid(c0 + c1 A + c2 B + c3 S + c4 B S + c5 S^2 + c6 N + c7 K + c8 K N + c9 D)

K is the logarithm of the repeat factor (`Windows.stick` in `model_export.algorithms.building_blocks.four_weeks`). D is
the logarithm of the demand (`model_export.algorithms.building_blocks.demand`).

The coefficients are learned at up to `CUTS` cuts, four weeks apart. The features come from the history before a cut,
and the answers from the interactions in the four weeks after it. If the data is shorter than eight weeks or has no
repeat purchases, `COEFFICIENTS` are used, which were learned from a year of groceries. With little data, the learned
coefficients stay close to `COEFFICIENTS`.

A model receives weights, not ages. It converts each weight to the age that an interaction of the most frequent weight
would have. Therefore, an event type with a lower weight, such as a view among purchases, counts as older. An event type
with a higher weight counts as newer, with an age of at least 0. If the half-life is infinite, all ages are 0.

References
----------
P. Fader, B. Hardie, K. Lee, "'Counting your customers' the easy way: an alternative to the Pareto/NBD model", Marketing
Science 2005 (the probability of another purchase, given recency and frequency); R. Bhagat, S. Muralidharan,
A. Lobzhanidze, S. Vishwanath, "Buy it again: modeling repeat purchase recommendations", KDD 2018 (recency and
frequency of one item, and the share of users with a repeat purchase of it).
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Sequence
from typing import ClassVar, Self

import numpy as np
import scipy.sparse as sp
from onnx import TensorProto

from alsolike.bundle.manifest import HistoryParameters
from model_export.algorithms.building_blocks.demand import demand
from model_export.algorithms.building_blocks.four_weeks import WINDOW_MS, Windows
from model_export.algorithms.building_blocks.logistic import logistic_regression
from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Histories, Interactions, Ints
from model_export.graph.contract import Graph

CUTS = 4

COEFFICIENTS = (-4.8, 0.33, 1.67, 1.41, -0.41, -0.25, 0.9, 0.82, -0.3, 0.31)
"""Coefficients c0 to c9 for shops with too little data to learn them."""

LONG_DAYS = 120.0
"""Half-life of h120 in days, four times the half-life of h30."""

AGE_DAYS = -LONG_DAYS / math.log(2)
"""Factor that converts the logarithm of a weight with the half-life `LONG_DAYS` to an age in days."""

MIN_WEIGHT = 1e-6
"""Minimum decayed weight: approximately the weight after twenty half-lives."""

TINY = float(np.finfo(np.float32).tiny)
"""Minimum argument of the logarithm: the smallest normal float32."""

MIN_LOGIT = -50.0
"""Minimum logit. Items with lower logits have equal probabilities. In float32, exp(-logit) overflows for logits below
-88.7.
"""

MAX_USERS, MAX_POSITIONS = 20_000, 8_000_000
"""Maximum number of users per cut for learning, and of positions in all their histories."""

ITEMS_A_USER = 50
"""Maximum number of items per user for learning: the items with the highest h120."""


@dataclasses.dataclass(frozen=True, kw_only=True)
class Repurchase(Algorithm):
    """Settings of the algorithm `repurchase`.

    Attributes
    ----------
    demand_days
        Length of the demand window in days. It is shorter if it would contain more than half of the interactions. With
        0, demand has no effect.
    max_interactions
        Maximum number of interactions. Each takes about 80 bytes of memory.
    """

    name: ClassVar[str] = "repurchase"
    half_life_days: float = LONG_DAYS
    demand_days: float = 7.0
    max_interactions: int = 100_000_000

    def unsupported_reason(self, interactions: Interactions) -> str | None:
        if len(interactions) <= self.max_interactions:
            return None
        maximum, found = f"{self.max_interactions:,}", f"{len(interactions):,}"
        return f"its limit is {maximum} interactions, and there are {found}; buy_again has no limit"

    def param_grid(self) -> Sequence[Self]:
        """Return these settings and settings without demand, because the demand of a week may not last."""
        return self, dataclasses.replace(self, demand_days=0.0)

    def fit(self, interactions: Interactions) -> RepurchaseModel:
        unit, windows = _most_frequent(interactions.weight), Windows.of(interactions)
        designs, answers = [], []
        for cut in range(1, min(CUTS, windows.complete - 1) + 1):
            past = interactions.select(windows.window >= cut)
            now_ms = windows.end_ms - cut * WINDOW_MS
            own, pair, controls = _own_at(past, now_ms=now_ms, unit=unit, half_life_days=self.half_life_days)
            stick, demand = np.log(windows.stick(cut))[own.item], self._log_demand(past)[own.item]
            log_n = np.log(own.n)
            designs.append(np.column_stack([own.terms(), log_n, stick, stick * log_n, demand, controls]))
            answers.append(np.isin(pair, windows.had(cut - 1)))
        c = logistic_regression(designs, answers, near=COEFFICIENTS)
        stick = np.log(windows.stick(0))
        return RepurchaseModel(
            settings=self,
            items=interactions.items,
            unit=unit,
            coefficients=tuple(c[:7].tolist()),
            constant=(c[7] * stick + c[9] * self._log_demand(interactions)).astype(np.float32),
            count_weight=(c[8] * stick).astype(np.float32),
        )

    def _log_demand(self, interactions: Interactions) -> Floats:
        if not self.demand_days:
            return np.zeros(interactions.items + 1, np.float32)
        logs: Floats = np.log(demand(interactions, days=self.demand_days))
        return logs


@dataclasses.dataclass(frozen=True, kw_only=True)
class RepurchaseModel(Model):
    """Fitted repurchase model.

    Attributes
    ----------
    unit
        Weight that counts as an age of 0: the most frequent weight.
    coefficients
        c0 to c6.
    constant, count_weight
        float32 `(items + 1,)`, c7 K + c9 D and c8 K of each item.
    """

    unit: float
    coefficients: tuple[float, ...]
    constant: Floats
    count_weight: Floats

    def score(self, histories: Histories) -> Floats:
        own, probability = self._own_items(histories)
        scores = np.zeros((len(histories), self.items + 1), np.float32)
        scores[own.row, own.item] = probability
        return scores

    def single_item_scores(self, *, maximum: int) -> sp.csr_array:
        items = np.arange(1, self.items + 1)[:, None]
        own, probability = self._own_items(Histories(items=items, weights=np.ones(items.shape, np.float32)))
        return sp.csr_array((probability, (own.item, own.item)), shape=(self.items + 1,) * 2)

    def _own_items(self, histories: Histories) -> tuple[_Own, Floats]:
        own = _Own.of(histories, unit=self.unit, half_life_days=self.settings.half_life_days, columns=self.items + 1)
        c, log_n = np.array(self.coefficients), np.log(own.n)
        logit = own.terms() @ c[:6] + self.constant[own.item] + (c[6] + self.count_weight[own.item]) * log_n
        return own, (1 / (1 + np.exp(-np.maximum(logit, MIN_LOGIT)))).astype(np.float32)

    def export(self, graph: Graph) -> str:
        """Give each position of a history 1 / n of the score of its item, because the graph sums scores by item."""
        op, number = graph.op, graph.number
        weights = graph.decayed_weights(1.0)  # [batch, length]
        counts = op("Sign", weights)
        relative = op("Clip", op("Div", weights, number(self.unit)), number(TINY), number(1.0))
        power = _power(self.settings.half_life_days)
        weights = op("Mul", op("Max", op("Pow", relative, number(power)), number(MIN_WEIGHT)), counts)
        row, column = (op("Unsqueeze", graph.history, graph.integers(axis)) for axis in (1, 2))
        same = op("Cast", op("Equal", row, column), to=TensorProto.FLOAT)  # [batch, length, length]
        parts = (weights, op("Pow", weights, number(4.0)), counts)
        stacked = op("Concat", *(op("Unsqueeze", part, graph.integers(2)) for part in parts), axis=2)
        sums = graph.ops("Split", op("MatMul", same, stacked), axis=2, num_outputs=3, outputs=3)
        long, short, n = (op("Squeeze", each, graph.integers(2)) for each in sums)
        relative = op("Mul", same, op("Unsqueeze", op("Mul", relative, counts), graph.integers(1)))
        newest = op("Max", op("ReduceMax", relative, graph.integers(2), keepdims=0), number(TINY))
        since = op(
            "Min", op("Mul", op("Log", newest), number(AGE_DAYS * power)), number(AGE_DAYS * math.log(MIN_WEIGHT))
        )
        n = op("Max", n, number(1.0))

        a, b = op("Log", op("Add", long, number(0.05))), op("Log", op("Add", short, number(0.1)))
        s = op("Log", op("Add", since, number(3.0)))
        constant, count_weight = (
            op("Gather", graph.weight(f"repurchase.{name}", getattr(self, name)), graph.history, axis=0)
            for name in ("constant", "count_weight")
        )
        c = [number(value) for value in self.coefficients]
        terms = [
            op("Mul", by, term) for by, term in zip(c[1:6], (a, b, s, op("Mul", b, s), op("Mul", s, s)), strict=True)
        ]
        count_term = op("Mul", op("Add", c[6], count_weight), op("Log", n))
        logit = op("Max", op("Sum", c[0], *terms, constant, count_term), number(MIN_LOGIT))
        odds = op("Exp", op("Neg", logit))  # ONNX Runtime's Sigmoid is exact to 1e-7, and 0 below -18
        score = op("Reciprocal", op("Add", odds, number(1.0)))
        return graph.add_by_item(graph.history, op("Mul", op("Div", score, n), counts))


@dataclasses.dataclass(frozen=True, slots=True)
class _Own:
    """Distinct items of each history.

    Attributes
    ----------
    row, item
        int64 `(n,)`, history and item, ascending.
    h120, h30, n, since
        float32 `(n,)`, the features h120, h30, n and s.
    """

    row: Ints
    item: Ints
    h120: Floats
    h30: Floats
    n: Floats
    since: Floats

    @classmethod
    def of(cls, histories: Histories, *, unit: float, half_life_days: float, columns: int) -> _Own:
        row, place = np.nonzero((histories.items != 0) & (histories.weights > 0))
        pair = row * columns + histories.items[row, place]
        order = np.argsort(pair, kind="stable")
        pair = pair[order]
        first = np.flatnonzero(np.diff(pair, prepend=-1))
        relative = np.clip(histories.weights[row, place][order] / np.float32(unit), np.float32(TINY), np.float32(1.0))
        power = _power(half_life_days)
        weights = np.maximum(relative ** np.float32(power), np.float32(MIN_WEIGHT))
        newest = np.maximum.reduceat(relative, first) if len(first) else relative
        return cls(
            *np.divmod(pair[first], columns),
            h120=np.add.reduceat(weights, first) if len(first) else weights,
            h30=np.add.reduceat(weights**4, first) if len(first) else weights,
            n=np.diff(first, append=len(weights)).astype(np.float32),
            since=np.minimum(
                np.log(newest) * np.float32(AGE_DAYS * power), np.float32(AGE_DAYS * math.log(MIN_WEIGHT))
            ),
        )

    def terms(self) -> Floats:
        a, b, s = np.log(self.h120 + np.float32(0.05)), np.log(self.h30 + np.float32(0.1)), np.log(self.since + 3)
        return np.column_stack([np.ones_like(a), a, b, s, b * s, s * s])

    def take(self, rows: Ints) -> _Own:
        return _Own(*(getattr(self, field.name)[rows] for field in dataclasses.fields(self)))


def _own_at(past: Interactions, *, now_ms: int, unit: float, half_life_days: float) -> tuple[_Own, Ints, Floats]:
    """Return items of a sample of users at `now_ms`, the key of each pair of user and item (`pairs`), and controls.

    Each user has at most `ITEMS_A_USER` items.

    The controls, float32 `(n, 2)`, are ln(1 + h120) and ln(1 + h30), with h120 and h30 summed over the items of a user.
    They separate the repeat rate of an item from the activity of the user.
    """
    offsets = past.offsets
    lengths = np.diff(offsets)
    users, length = np.flatnonzero(lengths), int(min(past.history_length, lengths.max()))
    users = users[:: -(-len(users) // max(1, min(MAX_USERS, MAX_POSITIONS // length)))]
    histories = past.histories(
        starts=offsets[users],
        ends=offsets[users + 1],
        now_ms=np.full(len(users), now_ms),
        parameters=HistoryParameters(length=length, half_life_days=half_life_days, event_weights={}),
    )
    own = _Own.of(histories, unit=unit, half_life_days=half_life_days, columns=past.items + 1)
    sums = np.column_stack([np.bincount(own.row, weights=each) for each in (own.h120, own.h30)])
    order = np.lexsort((-own.h120, own.row))
    place = np.arange(len(order)) - np.searchsorted(own.row, own.row)
    best = own.take(order[place < ITEMS_A_USER])
    return best, users[best.row] * (past.items + 1) + best.item, np.log1p(sums[best.row]).astype(np.float32)


def _most_frequent(weight: Floats) -> float:
    """Return the most frequent weight, or the largest of several equally frequent weights."""
    values, counts = np.unique(weight, return_counts=True)
    return float(values[counts == counts.max()].max()) if len(values) else 1.0


def _power(half_life_days: float) -> float:
    """Return the exponent that converts a decayed weight to the half-life `LONG_DAYS`.

    It is 0 for an infinite half-life.
    """
    return half_life_days / LONG_DAYS if math.isfinite(half_life_days) else 0.0
