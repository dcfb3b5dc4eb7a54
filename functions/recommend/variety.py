"""How alike items are, and which one of a list's candidates is both good and unlike what the list has (MMR)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol, TypeVar

from alsolike.rules import Diversity
from functions.recommend.slate_rules import values

Columns = Callable[[str], Mapping[str, Any]]


class Scored(Protocol):
    """An item with a score."""

    @property
    def item_id(self) -> str: ...  # noqa: D102

    @property
    def score(self) -> float: ...  # noqa: D102


S = TypeVar("S", bound=Scored)


class Variety:
    """Maximal marginal relevance over the candidates of one list.

    The relevance of an item is its score by the best one's, 0 for one below 0. The likeness of two is the mean, over
    the columns, of the Jaccard index of their values: how many they share by how many they have together, 0 where they
    have none.

    References
    ----------
    J. Carbonell, J. Goldstein, "The use of MMR, diversity-based reranking for reordering documents and producing
    summaries", SIGIR 1998, section 2.
    """

    def __init__(self, diversity: Diversity, candidates: Sequence[Scored], columns: Columns) -> None:
        self._dial = diversity.dial
        self._names = diversity.columns
        self._columns = columns
        self._codes: dict[tuple[str, str], int] = {}
        self._sets: dict[str, tuple[int, ...]] = {}
        best = max((candidate.score for candidate in candidates), default=0.0)
        self._best = best if best > 0 else float("inf")
        self._closest = {candidate.item_id: 0.0 for candidate in candidates}

    def add(self, item_id: str) -> None:
        """Take an item into the list."""
        self._closest.pop(item_id, None)
        added = self._values(item_id)
        for other, closest in self._closest.items():
            self._closest[other] = max(closest, self._likeness(added, self._values(other)))

    def choose(self, candidates: Sequence[S]) -> S:
        """Return the candidate whose marginal relevance is the greatest, of several the first."""
        return max(candidates, key=self._marginal_relevance)

    def _marginal_relevance(self, candidate: Scored) -> float:
        relevance = max(candidate.score, 0.0) / self._best
        return (1 - self._dial) * relevance - self._dial * self._closest[candidate.item_id]

    def _likeness(self, one: tuple[int, ...], other: tuple[int, ...]) -> float:
        shares = (
            (mine & theirs).bit_count() / (mine | theirs).bit_count()
            for mine, theirs in zip(one, other, strict=True)
            if mine & theirs
        )
        return sum(shares) / len(self._names)

    def _values(self, item_id: str) -> tuple[int, ...]:
        """Return the item's values of each column, as the bits of a number."""
        if item_id not in self._sets:
            has = self._columns(item_id)
            self._sets[item_id] = tuple(
                sum(self._bit(name, value) for value in values(has.get(name))) for name in self._names
            )
        return self._sets[item_id]

    def _bit(self, name: str, value: str) -> int:
        return 1 << self._codes.setdefault((name, value), len(self._codes))
