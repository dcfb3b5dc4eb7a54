import math
from typing import Any

import numpy as np
import pytest

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.bundle.reranker import FEATURES, HOURS, ItemColumns, Reranker, log_price, write_reranker
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidBundle

COLUMNS = ItemColumns(
    np.array([np.nan, math.log(2), math.log(8), np.nan], np.float32),
    np.array([np.nan, 9, 10, np.nan], np.float32),
    np.array([0, 1, 2, 0], np.int32),
)
HOUR_MS = 3_600_000


def reranker(*, contexts=HOURS[:1]):
    weights = np.zeros((1 + len(contexts), len(FEATURES)))
    weights[0, FEATURES.index("price")] = 1.0
    weights[1:, FEATURES.index("price")] = -3.0
    return Reranker(contexts, np.ones(len(FEATURES)), np.full(len(FEATURES), 2.0), weights, COLUMNS)


def test_candidate_features_equal_values_computed_by_hand():
    scores = np.array([math.e**3, math.e, math.e**2])
    features = COLUMNS.features(np.array([1, 2, 3]), scores, history=np.array([1, 1, 2]), now_ms=10 * DAY_MS)

    usual = (2 * math.log(2) + math.log(8)) / 3
    deviation = math.sqrt(2 / 3)  # The log scores are 3, 1 and 2.
    expected = [
        [1 / deviation, 0, math.log(2), math.log(2), usual - math.log(2), 2 / 3],
        [-1 / deviation, -math.log(2), 0, math.log(8), math.log(8) - usual, 1 / 3],
        [0, -math.log(3), np.nan, np.nan, np.nan, np.nan],
    ]
    assert features == pytest.approx(np.array(expected), nan_ok=True, abs=1e-6)


def test_items_unknown_to_the_model_have_only_a_score_feature():
    features = COLUMNS.features(np.array([4]), np.array([2.0]), history=np.array([], np.int64), now_ms=0)

    assert features[0, 0] == 0
    assert np.isnan(features[0, 1:]).all()


def test_nearly_equal_scores_have_equal_features():
    scores = np.full(10, math.e**0.1)
    assert np.log(scores).std() > 0  # The deviation results from rounding.

    features = COLUMNS.features(np.arange(10), scores, history=np.array([], np.int64), now_ms=0)

    assert features[:, 0] == pytest.approx(np.zeros(10), abs=1e-9)


def test_unknown_values_count_as_the_mean():
    utilities = reranker().utilities(np.array([2, 3]), np.array([2.0, 1.0]), history=np.array([1]), now_ms=7 * HOUR_MS)

    assert utilities == pytest.approx([(math.log(8) - 1) / 2, 0])


def test_weights_depend_on_the_hour():
    by_night, by_day = (
        reranker().utilities(np.array([2]), np.array([1.0]), history=np.array([1]), now_ms=hour * HOUR_MS)
        for hour in (5, 6)
    )

    assert by_night == pytest.approx((1 - 3) * by_day)


def test_weights_depend_on_the_device():
    arguments: dict[str, Any] = {"history": np.array([1]), "now_ms": 0}
    model = reranker(contexts=("device phone",))

    without, on_phone, on_desktop = (
        model.utilities(np.array([2]), np.array([1.0]), device=device, **arguments)
        for device in (None, "phone", "desktop")
    )

    assert on_desktop == pytest.approx(without)
    assert on_phone == pytest.approx((1 - 3) * without)


def test_reranker_is_unchanged_after_write_and_read(tmp_path):
    write_reranker(reranker(), tmp_path / "reranker.tensors")
    write_reranker(None, tmp_path / "none.tensors")

    read = Reranker.read(tmp_path / "reranker.tensors", items=3)

    assert list(read.contexts) == [HOURS[0]]
    arguments: dict[str, Any] = {"history": np.array([1]), "now_ms": HOUR_MS}
    assert read.utilities(np.array([1, 2]), np.array([2.0, 1.0]), **arguments) == pytest.approx(
        reranker().utilities(np.array([1, 2]), np.array([2.0, 1.0]), **arguments)
    )
    assert Reranker.read(tmp_path / "none.tensors", items=3) is None


@pytest.mark.parametrize(
    ("metadata", "arrays"),
    [
        ({"format": "other"}, {}),
        ({"features": "[]"}, {}),
        ({"contexts": "["}, {}),
        ({}, {"weights": np.full(2 * len(FEATURES), np.nan)}),
        ({}, {"weights": np.zeros(3)}),
        ({}, {"deviations": np.zeros(len(FEATURES))}),
        ({}, {"log_price": np.zeros(3, np.float32)}),
    ],
)
def test_invalid_file_is_refused(metadata, arrays, tmp_path):
    path = tmp_path / "reranker.tensors"
    write_reranker(reranker(), path)
    good, described = map_tensors(path)
    with (tmp_path / "bad.tensors").open("wb") as file:
        write_tensors(file, {**good, **arrays}, metadata={**described, **metadata})

    with pytest.raises(InvalidBundle, match="holds no reranker"):
        Reranker.read(tmp_path / "bad.tensors", items=3)


def test_only_positive_numbers_are_prices():
    assert log_price(8) == math.log(8)
    assert all(math.isnan(log_price(value)) for value in (0, -1, True, "8", None, math.inf))
