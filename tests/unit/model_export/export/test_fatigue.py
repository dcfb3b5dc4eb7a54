"""Strength of fatigue in simulated logs with a known strength."""

import numpy as np
import pytest

from model_export.data.impressions import Impressions
from model_export.export.fatigue import MIN_CLICKED, estimate_strength

PLACES = 5
LOOKS = 1 / np.arange(1, PLACES + 1)


def log(strength, *, responses=4_000, scale=1.0, pairs=True, seed=7):
    """Return responses in which items with higher scores were seen more often."""
    rng = np.random.default_rng(seed)
    values = np.sort(rng.normal(0, 1, (responses, PLACES)))[:, ::-1].copy()
    sightings = rng.gamma(2.0, np.exp(values / 2))
    opens = np.zeros((responses, PLACES), np.bool_)
    if pairs:
        opens[: responses // 2, 0] = True
        swapped = np.flatnonzero(opens[:, 0] & (rng.random(responses) < 0.5))
        for array in (values, sightings):
            array[swapped, :2] = array[swapped, 1::-1]
    weights = LOOKS * np.exp(values) * np.maximum(sightings, 1.0) ** -strength
    chosen = (weights.cumsum(axis=1) / weights.sum(axis=1, keepdims=True) > rng.random((responses, 1))).argmax(axis=1)
    data = Impressions(
        np.arange(responses + 1) * PLACES,
        np.zeros((responses * PLACES, 0)),
        (),
        np.zeros((responses, 0), np.bool_),
        np.tile(np.arange(PLACES), responses),
        np.exp(scale * values).ravel(),
        np.eye(PLACES)[chosen].ravel(),
        opens.ravel(),
    )
    return data, sightings.ravel(), np.arange(responses) // 4


def interval(found):
    assert found.low is not None
    assert found.high is not None
    return found.low, found.high


@pytest.mark.parametrize("strength", [0.3, 1.0])
@pytest.mark.parametrize("scale", [1.0, 0.5])
def test_strength_of_the_log_is_in_the_interval(strength, scale):
    found = estimate_strength(*log(strength, scale=scale))

    low, high = interval(found)
    assert found.has_signal
    assert low < strength < high < low + 0.4
    assert "no fatigue" not in found.sentence()


@pytest.mark.parametrize("seed", range(5))
def test_log_without_fatigue_has_no_signal(seed):
    found = estimate_strength(*log(0.0, seed=seed))

    low, high = interval(found)
    assert low < 0 < high
    assert not found.has_signal
    assert found.sentence().endswith("clicked responses, no fatigue was found")


def test_items_that_are_clicked_more_after_sightings_have_no_signal():
    found = estimate_strength(*log(-0.5))

    assert interval(found)[1] < 0
    assert not found.has_signal


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"responses": 100}, f"at least {MIN_CLICKED} needed"),
        ({"pairs": False}, "0 clicked pairs of neighbours in random order, at least 50 needed: set recommenders"),
    ],
)
def test_too_little_data_gives_no_strength(options, sentence):
    found = estimate_strength(*log(1.0, **options))

    assert (found.strength, found.has_signal) == (None, False)
    assert sentence in found.sentence()


def test_empty_log_gives_no_strength():
    data, sightings, users = log(1.0, responses=1)

    found = estimate_strength(data.part(0, 0), sightings[:0], users[:0])

    assert (found.responses, found.strength) == (0, None)
