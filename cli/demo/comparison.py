"""Answers before and after the replay, beside the reference's: which items moved, and as they should?"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence

from alsolike import recommendation_id
from alsolike.profiles import Profile
from cli.api import Api
from cli.demo.reference import ReferenceModel

LIST_LENGTH = 500
"""Items asked for: as many as the API gives."""


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """What the API's model ranked and, for the same history and moment, the reference; item ids, best first."""

    answered: tuple[str, ...]
    reference: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        """Whether both rank the same items in the same order."""
        return self.answered == self.reference


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """A never-bought item whose rank changed; ranks count from 1, None is below the list's end."""

    item_id: str
    before: int | None
    after: int | None
    reference_before: int | None
    reference_after: int | None

    @property
    def agrees(self) -> bool:
        """Whether it moved from where to where the reference says."""
        return (self.before, self.after) == (self.reference_before, self.reference_after)

    @property
    def distance(self) -> int:
        """By how many ranks it moved up; where it was below the list's end, from there."""
        end = LIST_LENGTH + 1
        return (self.before or end) - (self.after or end)


@dataclasses.dataclass(frozen=True, slots=True)
class Shopper:
    """One shopper's answers.

    Attributes
    ----------
    moves
        Of items that the shopper never bought, the furthest upwards first.
    """

    user_id: str
    before: Ranking
    after: Ranking
    moves: tuple[Move, ...]


def ask(
    user_ids: Sequence[str],
    profiles: Mapping[str, Profile],
    api: Api,
    reference: ReferenceModel,
    *,
    on_answer: Callable[[], None] = lambda: None,
) -> dict[str, Ranking]:
    """Ask the API for each user, and the reference for the same profile at the very time of the API's answer.

    Popular items that fill an answer up, and cold ones among it, are none of the model's and are not compared.
    """
    rankings = {}
    for user_id in user_ids:
        answer = api.recommendations(user_id, k=LIST_LENGTH)
        answered_ms = recommendation_id.parse(answer.recommendation_id).answered_ms
        ranked = answer.items[: len(answer.items) - answer.filled]
        answered = tuple(item.item_id for item in ranked if reference.knows(item.item_id))
        k = LIST_LENGTH - answer.cold
        expected = reference.rank(profiles[user_id], k=k, now_ms=answered_ms, answered=answered)
        rankings[user_id] = Ranking(answered, tuple(expected))
        on_answer()
    return rankings


def compare(user_id: str, *, before: Ranking, after: Ranking, bought: set[str]) -> Shopper:
    """Find the never-bought items that moved.

    Parameters
    ----------
    bought
        Every item that the shopper ever bought, also in the replay.
    """
    ranks = [_ranks(items) for items in (before.answered, after.answered, before.reference, after.reference)]
    items = dict.fromkeys(item_id for of in ranks for item_id in of if item_id not in bought)
    moves = [Move(item_id, *(of.get(item_id) for of in ranks)) for item_id in items]
    moved = [move for move in moves if move.before != move.after or move.reference_before != move.reference_after]
    return Shopper(user_id, before, after, tuple(sorted(moved, key=lambda move: -move.distance)))


def _ranks(item_ids: Sequence[str]) -> dict[str, int]:
    return {item_id: rank for rank, item_id in enumerate(item_ids, start=1)}
