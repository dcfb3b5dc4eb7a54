"""Similarity of items, and selection of the candidate with the best trade-off of score and dissimilarity (MMR)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from alsolike.configuration.rules import Diversity

Columns = Callable[[int], Mapping[str, Any]]


class MmrReranker:
    """Maximal marginal relevance over the candidates of one list. Lambda is 1 - `Diversity.dial`.

    The relevance of an item is its score divided by the best score, or 0 if the score is negative. The similarity of
    two items is the mean Jaccard index over the columns: the number of shared values divided by the number of distinct
    values, or 0 without values.

    References
    ----------
    J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998, section 2.
    """

    def __init__(
        self, diversity: Diversity, positions: Sequence[int], scores: Sequence[float], columns: Columns
    ) -> None:
        self._dial = diversity.dial
        self._columns = columns
        self._places = {position: place for place, position in enumerate(positions)}
        relevance = np.maximum(np.array(scores, np.float64), 0)
        best = relevance.max(initial=0.0)
        self._relevance = relevance / best if best > 0 else relevance
        self._relevance *= 1 - self._dial
        self._closest = np.zeros(len(positions))
        self._tables = [
            _Table(name, [values(columns(position).get(name)) for position in positions]) for name in diversity.columns
        ]

    def add(self, position: int) -> None:
        self.drop(position)
        has = self._columns(position)
        likeness = sum(table.likeness(values(has.get(table.name))) for table in self._tables)
        self._closest = np.maximum(self._closest, likeness / len(self._tables))

    def drop(self, position: int) -> None:
        """Exclude an item from later results of `best`. Items that are not candidates are ignored."""
        if position in self._places:
            self._relevance[self._places[position]] = -np.inf

    def best(self) -> int | None:
        """Return the index of the first candidate with the highest marginal relevance; None if no candidate remains."""
        if not len(self._relevance):
            return None
        marginal = self._relevance - self._dial * self._closest
        place = int(marginal.argmax())
        return place if marginal[place] > -np.inf else None


class _Table:
    def __init__(self, name: str, sets: Sequence[frozenset[str]]) -> None:
        self.name = name
        self._codes: dict[str, int] = {}
        for values in sets:
            for value in values:
                self._codes.setdefault(value, len(self._codes))
        self._has_code = np.zeros((len(sets), len(self._codes)), bool)
        for row, values in enumerate(sets):
            self._has_code[row, [self._codes[value] for value in values]] = True
        self._sizes = self._has_code.sum(axis=1)

    def likeness(self, has: frozenset[str]) -> Any:
        """Return the Jaccard index of the values `has` and the values of each candidate, float64 `(candidates,)`."""
        shared = self._has_code[:, [self._codes[value] for value in has if value in self._codes]].sum(axis=1)
        return shared / np.maximum(self._sizes + len(has) - shared, 1)


def values(value: Any) -> frozenset[str]:
    if isinstance(value, list):
        return frozenset(text for text in value if isinstance(text, str))
    if isinstance(value, bool):
        return frozenset((str(value).lower(),))
    return frozenset((value,)) if isinstance(value, str) else frozenset()
