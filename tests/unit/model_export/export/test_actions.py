import numpy as np
import pytest

from alsolike.bundle.action_model import WINDOW_MS, ActionModel
from alsolike.events.action_events import ActionEvent
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN
from benchmarks.actions import measure, simulate
from model_export.data.action_samples import samples
from model_export.export.actions import fit, fit_actions, predict, rates


def shop(*, users, outcomes):
    """Return exposures. The string `outcomes` has one character per exposure of a user: T (taken) or N (not taken)."""
    events = [
        (
            f"u#{user}",
            ActionEvent(
                2 * WINDOW_MS * day + user, f"action{day % 2}", ACTION_TAKEN if mark == "T" else ACTION_NOT_TAKEN
            ),
        )
        for user in range(users)
        for day, mark in enumerate(outcomes)
    ]
    found = samples(events, actions={}, users={})
    assert found is not None
    return found


def test_model_is_close_to_true_propensities_and_better_than_rates():
    found = measure(simulate(1_000, seed=7), users=1_000)

    assert found.model - found.true < 0.03
    assert found.actions - found.model > 0.03
    assert found.constant - found.model > 0.05
    assert found.calibration_error < 0.03


def test_few_outcomes_give_shrunken_action_rates():
    few = shop(users=20, outcomes="TN")

    model, quality = fit_actions(few)

    logits, _ = model.logits([("action0", {}), ("action1", {}), ("new", {})], user={}, events=(), now_ms=0)
    assert (model.fitted, quality) == (False, None)
    # The total rate, 21 / 42, counts as 20 exposures: (20 + 10) / 40 and (0 + 10) / 40.
    assert 1 / (1 + np.exp(-logits)) == pytest.approx([0.75, 0.25, 0.5])


def test_model_not_better_than_rates_is_not_used():
    rng = np.random.default_rng(3)
    events = [
        (f"u#{user}", ActionEvent(2 * WINDOW_MS * day + user, "app", (ACTION_TAKEN, ACTION_NOT_TAKEN)[rng.integers(2)]))
        for user in range(100)
        for day in range(10)
    ]

    model, quality = fit_actions(samples(events, actions={}, users={}))

    assert model.fitted == quality.is_better
    assert not model.fitted


def test_missing_interactions_give_the_empty_model():
    assert samples([], actions={}, users={}) is None
    assert fit_actions(None)[0].rate == ActionModel.none().rate == 0


def test_serving_scores_equal_training_scores():
    found = shop(users=30, outcomes="TNTTNNTN")
    model = fit(found)
    events = [
        ActionEvent(2 * WINDOW_MS * day, f"action{day % 2}", ACTION_TAKEN if mark == "T" else ACTION_NOT_TAKEN)
        for day, mark in enumerate("TNTTNNT")
    ]

    logits, _ = model.logits([("action1", {})], user={}, events=events, now_ms=2 * WINDOW_MS * 7)

    last_of_first_user = len(found) - 30
    assert found.action_ids[last_of_first_user] == "action1"
    assert 1 / (1 + np.exp(-logits)) == pytest.approx([predict(model, found)[last_of_first_user]])


def test_deviation_falls_with_the_number_of_exposures():
    few, many = rates(shop(users=20, outcomes="TN")), rates(shop(users=2_000, outcomes="TN"))

    assert many.sds[1] < few.sds[1] < 1
