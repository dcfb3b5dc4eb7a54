"""Differences between a replay and the original response, with their reasons."""

import dataclasses

import pytest

from operations.explanation.replay_differences import Replay, differences
from tests.builders.served_rows import served as served_row

NOTHING_KEPT = "no logged value differs: the replay uses the current catalogue"


@pytest.mark.parametrize(
    ("row", "replay", "message"),
    [
        ({}, {"model_version": "v2"}, "the model version is v2 now, it was v1"),
        ({}, {"configuration": 4}, "the configuration is 4 now, it was 3"),
        ({"rules": "spring"}, {}, "the rule set is none now, it was spring"),
        ({}, {"arms": ()}, "the arm is none now, it was menu/short"),
        ({"degraded": ["profile-unavailable"]}, {}, "the degradation is nothing now, it was profile-unavailable"),
        ({"propensities": [None, 0.5]}, {}, "chance chose for place 2"),
        ({}, {}, "the log has no promotions of the request"),
        ({"origins": ["ranked", "ranked"], "propensities": [None, None]}, {}, NOTHING_KEPT),
        ({"filter": "cheap"}, {}, "the log has no values for the parameters of filter cheap"),
        ({"recommender": "bought-together"}, {}, "the log has no cart: if the request had one"),
        ({"source": "trending"}, {"source": "trending"},
         "trending items are counted over the latest hour, not over the hour before the response"),
    ],
)  # fmt: skip
def test_differences_have_their_reasons(row, replay, message):
    same = Replay(("fig", "plum"), {}, "model", "v1", 3, None, ("menu/short",), ())
    other = dataclasses.replace(same, **{"item_ids": ("plum",), **replay})

    assert differences(served_row(**row), same) == []
    assert message in " / ".join(differences(served_row(**row), other))
