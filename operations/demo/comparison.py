"""Comparison of the API's responses, before and after the replay, with rankings of the reference model."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from alsolike.configuration import recommendation_id

if TYPE_CHECKING:
    from alsolike.profiles.profile import Profile
    from operations.client.api import Api
    from operations.demo.reference import ReferenceModel

LIST_LENGTH = 500
"""Number of requested items, which is the API's maximum."""


@dataclasses.dataclass(frozen=True, slots=True)
class Answer:
    """Response of the API to one request for a profile.

    `item_ids` exclude the popular items that fill up a short list. `cold` is the number of items that the model does
    not contain. The scores depend on the time `answered_ms`.
    """

    profile: Profile
    item_ids: tuple[str, ...]
    cold: int
    answered_ms: int


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """Item IDs ranked by the API and by the reference model for the same history and time, best first."""

    answered: tuple[str, ...]
    reference: tuple[str, ...]

    @property
    def agrees(self) -> bool:
        return self.answered == self.reference


@dataclasses.dataclass(frozen=True, slots=True)
class Move:
    """Never-bought item whose rank changed in the list of the API or of the reference model.

    Ranks count from 1. None means that the item is not in the list.
    """

    item_id: str
    before: int | None
    after: int | None
    reference_before: int | None
    reference_after: int | None

    @property
    def agrees(self) -> bool:
        return (self.before, self.after) == (self.reference_before, self.reference_after)

    @property
    def distance(self) -> int:
        """Number of ranks by which the item rose.

        An item that is not in the list counts as if it had the rank `LIST_LENGTH` + 1.
        """
        end = LIST_LENGTH + 1
        return (self.before or end) - (self.after or end)


@dataclasses.dataclass(frozen=True, slots=True)
class Shopper:
    """Comparison for one shopper. `moves` are of items that the shopper never bought, largest rise first."""

    user_id: str
    before: Ranking
    after: Ranking
    moves: tuple[Move, ...]


def fetch_answers(
    user_ids: Sequence[str],
    profiles: Mapping[str, Profile],
    api: Api,
    *,
    on_answer: Callable[[], None] = lambda: None,
) -> dict[str, Answer]:
    answers = {}
    for user_id in user_ids:
        answer = api.recommendations(user_id, k=LIST_LENGTH)
        ranked = answer.items[: len(answer.items) - answer.filled]
        answers[user_id] = Answer(
            profiles[user_id],
            tuple(item.item_id for item in ranked),
            cold=answer.cold,
            answered_ms=recommendation_id.parse(answer.recommendation_id).answered_ms,
        )
        on_answer()
    return answers


def rank(answer: Answer, reference: ReferenceModel) -> Ranking:
    """Return the items of a response that the model contains, and the ranking of the reference model."""
    answered = tuple(item_id for item_id in answer.item_ids if reference.knows(item_id))
    k = LIST_LENGTH - answer.cold
    expected = reference.rank(answer.profile, k=k, now_ms=answer.answered_ms, answered=answer.item_ids)
    return Ranking(answered, tuple(expected))


def compare(user_id: str, *, before: Ranking, after: Ranking, bought: set[str]) -> Shopper:
    """Compare the ranks of the items that the shopper never bought. `bought` includes the replay."""
    ranks = [_ranks(items) for items in (before.answered, after.answered, before.reference, after.reference)]
    items = dict.fromkeys(item_id for rank_by_item in ranks for item_id in rank_by_item if item_id not in bought)
    moves = [Move(item_id, *(rank_by_item.get(item_id) for rank_by_item in ranks)) for item_id in items]
    moved = [move for move in moves if move.before != move.after or move.reference_before != move.reference_after]
    return Shopper(user_id, before, after, tuple(sorted(moved, key=lambda move: -move.distance)))


def _ranks(item_ids: Sequence[str]) -> dict[str, int]:
    return {item_id: rank for rank, item_id in enumerate(item_ids, start=1)}
