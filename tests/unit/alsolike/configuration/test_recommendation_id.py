import base64
import hashlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration import recommendation_id
from alsolike.configuration.recommendation_id import MAX_ARMS, RECOMMENDER_CODES, RecommendationId, arm_tag, version_tag
from alsolike.declarations.limits import MAX_RECOMMENDATION_ID_CHARACTERS
from alsolike.declarations.times import MAX_TIME_MS
from alsolike.runtime.errors import InvalidInput

NOW_MS = 1_700_000_000_000


def create(version="v1", arms=()):
    return recommendation_id.create(answered_ms=NOW_MS, recommender="for-you", version=version, arms=arms)


def checked(content):
    return base64.urlsafe_b64encode(content + hashlib.blake2b(content, digest_size=4).digest()).decode()


@given(
    st.integers(0, MAX_TIME_MS),
    st.sampled_from(sorted(RECOMMENDER_CODES)),
    st.text(max_size=300),
    st.lists(st.text(max_size=130), max_size=MAX_ARMS),
)
def test_id_of_40_characters_has_time_recommender_version_and_arms(answered_ms, recommender, version, arms):
    made = recommendation_id.create(answered_ms=answered_ms, recommender=recommender, version=version, arms=arms)

    assert len(made) <= MAX_RECOMMENDATION_ID_CHARACTERS == 40
    assert recommendation_id.parse(made) == RecommendationId(
        answered_ms, recommender, version_tag(version), tuple(arm_tag(arm) for arm in arms)
    )


def test_two_responses_at_the_same_time_have_different_ids():
    assert len({create() for _ in range(100)}) == 100


def test_different_versions_and_arms_have_different_tags():
    assert recommendation_id.parse(create("v1")).version_tag != recommendation_id.parse(create("v2")).version_tag
    assert (
        recommendation_id.parse(create(arms=("test/a", "other/b"))).arm_tags
        != recommendation_id.parse(create(arms=("test/b", "other/b"))).arm_tags
    )


def test_more_than_three_arms_raise_value_error():
    with pytest.raises(ValueError, match="4 arms, expected 3 at most"):
        create(arms=("a/a", "b/b", "c/c", "d/d"))


def test_changed_or_truncated_id_is_refused():
    made = checked(b"\xa0" + NOW_MS.to_bytes(6, "big") + bytes(range(19)))
    recommendation_id.parse(made)
    changed = [made[:place] + other + made[place + 1 :] for place in range(len(made)) for other in "0z-"]
    cut = [made[:length] for length in range(len(made))]

    for wrong in {*changed, *cut, made + "0"} - {made}:
        with pytest.raises(InvalidInput, match="was not created by this service"):
            recommendation_id.parse(wrong)


@pytest.mark.parametrize(
    "content",
    [
        bytes(26),
        b"\xa8" + bytes(25),
        b"\xb0" + bytes(25),
        bytes(23),
        b"\xa0" + (MAX_TIME_MS + 1).to_bytes(6, "big") + bytes(19),
    ],
)
def test_invalid_content_with_valid_check_digits_is_refused(content):
    with pytest.raises(InvalidInput, match="was not created by this service"):
        recommendation_id.parse(checked(content))


@given(st.one_of(st.text(st.characters()), st.text("abcXYZ019_-", min_size=40, max_size=40)))
def test_any_other_string_is_refused(text):
    with pytest.raises(InvalidInput, match="was not created by this service"):
        recommendation_id.parse(text)


def test_unknown_recommender_raises_key_error():
    with pytest.raises(KeyError, match="other"):
        recommendation_id.create(answered_ms=NOW_MS, recommender="other", version="v1")
