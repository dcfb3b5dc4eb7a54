"""Sums of outcomes over all responses, and by recommender, model version and arm."""

from __future__ import annotations

import dataclasses
from collections import Counter
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd
import pyarrow as pa

from alsolike.lake.arrow import arrow_schema
from alsolike.records.engagement import ENGAGEMENT_COLUMNS, Dimension, Engagement
from functions.attribute_outcomes.join import Joined
from functions.attribute_outcomes.response_items import Items, flat

ENGAGEMENT = arrow_schema(pa, ENGAGEMENT_COLUMNS)
ALL = "all"
_SUMS = ("items", "impressions", "clicks", "shown_clicks", "carts", "purchases", "new_items")
_MANTISSA_BITS, _LOW_BITS = 53, 26
# Novelty is summed as an integer multiple of 1/_NOVELTY_UNIT, because integer sums do not depend on the order.
_NOVELTY_UNIT = 2**20


@dataclasses.dataclass(slots=True)
class _Group:
    """Running sums. Revenue is an exact fraction, because sums of floats depend on the order."""

    counts: Counter[str] = dataclasses.field(default_factory=Counter)
    revenue: Fraction = Fraction()
    shared_revenue: Fraction = Fraction()
    seen: npt.NDArray[np.bool_] = dataclasses.field(default_factory=lambda: np.zeros(0, bool))


class DaySums:
    def __init__(self, items: Items) -> None:
        self._items = items
        self._groups: dict[tuple[Dimension, str], _Group] = {}

    def add(self, joined: Joined) -> None:
        outcomes = joined.outcomes
        numbers = outcomes.select([*_SUMS, "degraded", "revenue", "novelty"]).to_pandas()
        shared = outcomes["shopper"].is_null().to_numpy()
        frame = pd.DataFrame(
            {
                "answers": 1,
                "shared_answers": shared.astype(np.int64),
                **{name: numbers[name].to_numpy(np.int64) for name in (*_SUMS, "degraded")},
                "clicked_answers": ((numbers["clicks"] > 0) & ~shared).to_numpy(np.int64),
                "bought_answers": ((numbers["purchases"] > 0) & ~shared).to_numpy(np.int64),
                "novelty_answers": numbers["novelty"].notna().to_numpy(np.int64),
                "novelty_units": np.rint(numbers["novelty"].fillna(0.0) * _NOVELTY_UNIT).to_numpy(np.int64),
            }
        )
        starts = np.searchsorted(joined.answer, np.arange(len(outcomes) + 1))
        for dimension, name, rows in _groups(outcomes):
            group = self._groups.setdefault((dimension, name), _Group())
            group.counts.update({str(column): int(value) for column, value in frame.iloc[rows].sum().items()})
            revenue = numbers["revenue"].to_numpy()[rows]
            group.revenue += exact_sum(revenue)
            group.shared_revenue += exact_sum(revenue[shared[rows]])
            group.seen = np.pad(group.seen, (0, len(self._items) - len(group.seen)))
            selected = np.zeros(len(outcomes), bool)
            selected[rows] = True
            group.seen[joined.item[np.repeat(selected, np.diff(starts))]] = True

    def rows(self) -> list[Engagement]:
        """Return the sums. The row for all responses exists even for a day without responses."""
        known = self._items.in_catalogue()
        self._groups.setdefault((Dimension.ALL, ALL), _Group())
        rows = []
        for (dimension, name), group in sorted(self._groups.items()):
            values: dict[str, Any] = {field: group.counts[field] for field in ENGAGEMENT.names[2:]}
            values |= {"revenue": float(group.revenue), "shared_revenue": float(group.shared_revenue)}
            values["novelty"] = group.counts["novelty_units"] / _NOVELTY_UNIT
            values["covered_items"] = int(np.count_nonzero(group.seen & known[: len(group.seen)]))
            values["catalogue_items"] = self._items.catalogue_items
            rows.append(Engagement(dimension=str(dimension), name=name, **values))
        return rows


def to_table(rows: list[Engagement]) -> pa.Table:
    return pa.Table.from_pylist([dataclasses.asdict(row) for row in rows], schema=ENGAGEMENT)


def exact_sum(values: npt.NDArray[np.float64]) -> Fraction:
    """Return the sum without rounding.

    Examples
    --------
    >>> exact_sum(np.array([1e16, 0.5, -1e16]))
    Fraction(1, 2)
    """
    fractions, exponents = np.frexp(values)
    mantissas = (fractions * 2.0**_MANTISSA_BITS).astype(np.int64)
    # Split the mantissas, so that the partial sums do not overflow.
    high, low = mantissas >> _LOW_BITS, mantissas & ((1 << _LOW_BITS) - 1)
    total = Fraction()
    for exponent in np.unique(exponents).tolist():
        has_exponent = exponents == exponent
        units = (int(high[has_exponent].sum()) << _LOW_BITS) + int(low[has_exponent].sum())
        total += units * Fraction(2) ** (exponent - _MANTISSA_BITS)
    return total


def _groups(outcomes: pa.Table) -> Iterator[tuple[Dimension, str, npt.NDArray[np.int64]]]:
    everything = np.arange(len(outcomes))
    if len(outcomes):
        yield Dimension.ALL, ALL, everything
    arms, answer = flat(outcomes["arms"])
    for dimension, names, rows in (
        (Dimension.RECOMMENDER, outcomes["recommender"], everything),
        (Dimension.MODEL_VERSION, outcomes["model_version"], everything),
        (Dimension.ARM, arms, answer),
    ):
        codes, uniques = pd.factorize(names.to_pandas())
        for code, name in enumerate(uniques):
            yield dimension, str(name), np.unique(rows[codes == code])
