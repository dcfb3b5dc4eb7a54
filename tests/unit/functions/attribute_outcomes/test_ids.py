import itertools
from fractions import Fraction

import numpy as np
import pyarrow as pa
from hypothesis import given
from hypothesis import strategies as st

from alsolike.configuration import recommendation_id
from alsolike.runtime.errors import InvalidInput
from functions.attribute_outcomes.ids import read
from functions.attribute_outcomes.summary import exact_sum

made = st.builds(
    lambda time_ms, recommender, arms: recommendation_id.create(
        answered_ms=time_ms, recommender=recommender, version="m1", arms=arms
    ),
    st.integers(0, 2**48 - 1),
    st.sampled_from(list(recommendation_id.RECOMMENDER_CODES)),
    st.lists(st.text(max_size=5), max_size=3),
)
cut = st.builds(lambda text, end: text[:end], made, st.integers(0, 39))
changed = st.builds(
    lambda text, at, by: text[:at] + by + text[at + 1 :],
    made,
    st.integers(0, 39),
    st.characters(exclude_categories=["Cs"]),
)


def answered_ms(text):
    try:
        return recommendation_id.parse(text or "").answered_ms
    except InvalidInput:
        return None


@given(st.lists(st.one_of(made, made, cut, changed, st.text(), st.none()), max_size=8))
def test_batch_read_of_ids_equals_single_reads(ids):
    found = read(pa.array(ids, pa.string()))

    times = [time if good else None for good, time in zip(found.genuine, found.answered_ms.tolist(), strict=True)]
    assert times == [answered_ms(each) for each in ids]


@given(st.lists(st.floats(-1e18, 1e18), max_size=20))
def test_exact_sum_equals_sum_of_fractions(values):
    assert exact_sum(np.array(values, np.float64)) == sum(map(Fraction, values), Fraction())


def test_exact_sum_does_not_overflow():
    assert exact_sum(np.full(100_000, 9007199254740991.0)) == 100_000 * 9007199254740991
    assert len({exact_sum(np.array(each)) for each in itertools.permutations((0.1, 0.2, 1e9))}) == 1
