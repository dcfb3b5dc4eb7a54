"""Recommendation ids say who answered what, in 40 characters."""

from __future__ import annotations

import hashlib
import secrets

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike import recommendation_id
from alsolike.errors import InvalidInput
from alsolike.interactions import MAX_RECOMMENDATION_ID_CHARACTERS, MAX_TIME_MS
from alsolike.recommendation_id import RECOMMENDER_CODES, RecommendationId

NOW_MS = 1_700_000_000_000


def create(version: str = "v1") -> str:
    return recommendation_id.create(answered_ms=NOW_MS, recommender="for-you", version=version)


@given(st.integers(0, MAX_TIME_MS), st.sampled_from(sorted(RECOMMENDER_CODES)), st.text(max_size=300))
def test_an_id_says_who_answered_in_40_characters(answered_ms: int, recommender: str, version: str) -> None:
    made = recommendation_id.create(answered_ms=answered_ms, recommender=recommender, version=version)

    assert len(made) <= MAX_RECOMMENDATION_ID_CHARACTERS == 40
    assert recommendation_id.parse(made) == RecommendationId(
        answered_ms, recommender, recommendation_id.version_tag(version)
    )


def test_two_answers_of_one_moment_have_two_ids() -> None:
    assert len({create() for _ in range(100)}) == 100


def test_versions_are_told_apart() -> None:
    assert recommendation_id.parse(create("v1")).version_tag != recommendation_id.parse(create("v2")).version_tag


def test_a_changed_or_cut_id_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(secrets, "token_hex", lambda _: "abcdef")  # chance would meet the check digits now and then
    made = create()
    changed = [made[:place] + other + made[place + 1 :] for place in range(len(made)) for other in "0z-"]
    cut = [made[:length] for length in range(len(made))]

    for wrong in {*changed, *cut, made + "0"} - {made}:
        with pytest.raises(InvalidInput, match="was not made by this service"):
            recommendation_id.parse(wrong)


@pytest.mark.parametrize(
    "text",
    [
        "-fy-00000000-000000",
        "!-fy-00000000-000000",
        "0-zz-00000000-000000",
        "0-fy-x-y",
        "z" * 5000 + "-fy-00000000-000000",
    ],
)
def test_right_check_digits_alone_are_not_enough(text: str) -> None:
    check = hashlib.blake2b(text.encode(), digest_size=2).hexdigest()

    with pytest.raises(InvalidInput, match="was not made by this service"):
        recommendation_id.parse(f"{text}-{check}")


@given(st.text(st.characters()))
def test_any_text_is_an_id_or_refused(text: str) -> None:
    with pytest.raises(InvalidInput, match="was not made by this service"):
        recommendation_id.parse(text)


def test_a_recommender_without_code_is_a_mistake_of_the_caller() -> None:
    with pytest.raises(KeyError, match="other"):
        recommendation_id.create(answered_ms=NOW_MS, recommender="other", version="v1")
