"""Models of generated shops, trained and compared one after the other."""

import pytest

from alsolike.bundle.bundle import Bundle
from tests.unit.functions.register_model.generations import (
    CHAMPIONS_DAYS,
    DAYS,
    USERS,
    failed,
    judged,
    random_walks,
    shuffled,
    trained,
)


@pytest.fixture(scope="module")
def walks():
    return random_walks(users=USERS, items=20, days=DAYS)


def against(manifest):
    return manifest.metrics["against_champion"]


def test_worse_candidate_is_rejected_and_a_better_one_passes(tmp_path, walks):
    early = {user: items[:CHAMPIONS_DAYS] for user, items in walks.items()}
    good = trained(tmp_path, early, version="good")
    poor = trained(tmp_path, shuffled(early, days=CHAMPIONS_DAYS), version="poor")
    lines: list[str] = []

    # The champion's last day is not shuffled, so that the evaluation uses the real last items of its users.
    garbled = shuffled(walks, days=CHAMPIONS_DAYS - 1)

    worse = trained(tmp_path, garbled, version="worse", champion=good, lines=lines)
    better = trained(tmp_path, walks, version="better", champion=poor)
    steady = trained(tmp_path, walks, version="steady", champion=good)

    assert failed(judged(good)) == []
    refused = judged(worse, good)["against the champion"]
    assert not refused.passed
    assert refused.values["ahead_interval"][1] < 0
    assert refused.values["asked_users"] > 70
    (comparison,) = [line for line in lines if line.startswith("against champion good, by ")]
    assert "ahead -" in comparison
    assert failed(judged(better, poor)) == []
    assert judged(better, poor)["against the champion"].figures.startswith("significantly better: ")
    # The lists are as good as those of the champion, and the candidate is newer.
    assert against(Bundle(steady).manifest)["difference"] == pytest.approx(0, abs=0.02)
    assert failed(judged(steady, good)) == []


def test_second_training_on_the_same_data_fails_as_not_newer(tmp_path, walks):
    first = trained(tmp_path, walks, version="first")
    second = trained(tmp_path, walks, version="second", champion=first)

    (refused,) = failed(judged(second, first))

    assert refused.endswith("it is not fresher, so there is nothing new to evaluate")
    assert against(Bundle(second).manifest)["asked_users"] == 0
