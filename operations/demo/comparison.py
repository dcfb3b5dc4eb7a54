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
class Shopper:
    """Rankings for one shopper before and after the replay."""

    user_id: str
    before: Ranking
    after: Ranking


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
