import math
from typing import Any

import numpy as np
import pytest

from alsolike.arrays.tensors import write_tensors
from alsolike.bundle.action_model import (
    BIAS,
    FORMAT,
    PRIOR_SD,
    WINDOW_MS,
    ActionModel,
    Exposure,
    UserHistory,
    attributes,
    exposures,
    propensities,
)
from alsolike.events.action_events import ActionEvent, action_events, action_properties
from alsolike.events.interactions import ACTION_NOT_TAKEN, ACTION_TAKEN, ACTION_VIEWED
from alsolike.runtime.errors import InvalidBundle

HOUR_MS = 3_600_000
FEATURES = [
    BIAS, ("action", "app"), ("of action", "kind", "sign-up"), ("both", "plan", "gold", "app"), ("taken",),
]  # fmt: skip
MODEL = ActionModel(
    0.2,
    True,
    {feature: place for place, feature in enumerate(FEATURES)},
    np.array([-1.0, 0.5, 0.25, 1.0, 2.0]),
    np.array([0.0, 0.3, 0.4, 0.0, 0.0]),
)


def test_outcome_within_a_day_belongs_to_the_view():
    events = [ActionEvent(0, "app", ACTION_VIEWED), ActionEvent(HOUR_MS, "app", ACTION_TAKEN)]

    assert exposures(events, now_ms=10 * WINDOW_MS) == [Exposure(HOUR_MS, "app", True, HOUR_MS)]


@pytest.mark.parametrize("later_ms", [0, HOUR_MS, WINDOW_MS])
def test_view_within_a_day_after_an_outcome_belongs_to_the_outcome(later_ms):
    events = [ActionEvent(0, "app", ACTION_TAKEN), ActionEvent(later_ms, "app", ACTION_VIEWED)]

    assert exposures(events, now_ms=10 * WINDOW_MS) == [Exposure(0, "app", True, 0)]


def test_view_over_a_day_after_an_outcome_is_a_separate_exposure():
    events = [ActionEvent(0, "app", ACTION_TAKEN), ActionEvent(WINDOW_MS + 1, "app", ACTION_VIEWED)]

    assert exposures(events, now_ms=10 * WINDOW_MS)[1:] == [Exposure(WINDOW_MS + 1, "app", False, 2 * WINDOW_MS + 1)]


@pytest.mark.parametrize("apart_ms", [0, 2_000])
def test_outcomes_that_repeat_their_impression_count_once(apart_ms):
    outcomes = [("app", ACTION_TAKEN), ("mail", ACTION_NOT_TAKEN)]
    events = [
        event
        for place, (action, type_) in enumerate(outcomes)
        for event in action_events(place * apart_ms, type_, action_properties(action, ["app", "mail"]))
    ]

    found = exposures(events, now_ms=10 * WINDOW_MS)

    assert [(one.action_id, one.taken) for one in found] == [("app", True), ("mail", False)]


def test_view_without_an_outcome_counts_as_not_taken_after_a_day():
    events = [ActionEvent(0, "app", ACTION_VIEWED), ActionEvent(HOUR_MS, "app", ACTION_VIEWED)]

    assert exposures(events, now_ms=WINDOW_MS) == []
    assert exposures(events, now_ms=WINDOW_MS + 1) == [Exposure(0, "app", False, WINDOW_MS)]


def test_late_outcome_is_a_separate_exposure():
    late_ms = WINDOW_MS + HOUR_MS
    events = [ActionEvent(0, "app", ACTION_VIEWED), ActionEvent(late_ms, "app", ACTION_NOT_TAKEN)]

    assert exposures(events, now_ms=late_ms) == [
        Exposure(0, "app", False, WINDOW_MS),
        Exposure(late_ms, "app", False, late_ms),
    ]


def test_features_count_outcomes_of_the_action_and_the_user():
    history = UserHistory(0.5)
    history.add(Exposure(0, "app", True, 0))
    history.add(Exposure(0, "mail", False, 0))

    features = dict(history.features("app", now_ms=7 * WINDOW_MS))

    assert features == pytest.approx(
        {("taken",): math.log(2), ("recency",): 0.5, ("last taken",): 1.0, ("user shown",): math.log(3)}
    )


def test_attributes_are_short_strings_booleans_and_list_elements():
    properties = {"kind": "sign-up", "price": 3, "new": True, "tags": ["a", "b"], "text": "x" * 101, "value": "high"}

    assert attributes(properties) == [("kind", "sign-up"), ("new", "true"), ("tags", "a"), ("tags", "b")]


def test_logit_is_the_sum_of_feature_weights():
    logits, deviations = MODEL.logits(
        [("app", {"kind": "sign-up"}), ("new", {})],
        user={"plan": "gold"},
        events=[ActionEvent(0, "app", ACTION_TAKEN)],
        now_ms=WINDOW_MS,
    )

    assert logits == pytest.approx([-1 + 0.5 + 0.25 + 1 + 2 * math.log(2), -1])
    assert deviations == pytest.approx([0.5, PRIOR_SD])


def test_model_without_data_has_propensities_of_0():
    logits, deviations = ActionModel.none().logits([("app", {})], user={}, events=(), now_ms=0)

    assert propensities(logits).tolist() == [0]
    assert deviations.tolist() == [PRIOR_SD]


@pytest.mark.parametrize("model", [MODEL, ActionModel.none()])
def test_action_model_is_unchanged_after_write_and_read(model, tmp_path):
    model.write(tmp_path / "actions.tensors")

    read = ActionModel.read(tmp_path / "actions.tensors")

    assert (read.rate, read.fitted, read.index) == (model.rate, model.fitted, model.index)
    assert read.weights.tolist() == model.weights.tolist()
    assert read.sds.tolist() == model.sds.tolist()


GOOD = {"format": FORMAT, "rate": "0.2", "fitted": "1", "features": '[["bias"]]'}


@pytest.mark.parametrize(
    ("metadata", "weights", "sds"),
    [
        ({"format": "other"}, [1.0], [1.0]),
        ({"rate": "1.5"}, [1.0], [1.0]),
        ({"rate": "nan"}, [1.0], [1.0]),
        ({"features": '[["bias"], ["bias"]]'}, [1.0, 1.0], [1.0, 1.0]),
        ({"features": "["}, [1.0], [1.0]),
        ({}, [1.0, 2.0], [1.0, 1.0]),
        ({}, [1.0], [1.0, 1.0]),
        ({}, [math.inf], [1.0]),
        ({}, [1.0], [-1.0]),
    ],
)
def test_invalid_file_is_refused(metadata, weights, sds, tmp_path):
    arrays: dict[str, Any] = {"weights": np.array(weights), "sds": np.array(sds)}
    with (tmp_path / "actions.tensors").open("wb") as file:
        write_tensors(file, arrays, metadata={**GOOD, **metadata})

    with pytest.raises(InvalidBundle, match="holds no model of actions"):
        ActionModel.read(tmp_path / "actions.tensors")
