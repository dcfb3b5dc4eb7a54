import dataclasses
import math

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from model_export.algorithms.popularity import Popularity
from model_export.api import Algorithm
from model_export.evaluation import splits
from model_export.evaluation.bootstrap import apart
from model_export.evaluation.fit_cache import EarlierFit
from model_export.job.new_data import judge_new_data
from model_export.job.response_lists import open_champion
from tests.unit.model_export.champions import START_MS, champion
from tests.unit.model_export.champions import shop as shop_of

SETTINGS = Popularity(trend_half_life_days=math.inf)
SINCE_MS = START_MS + 3 * DAY_MS
# The champion was trained on days 0 to 3, in which a has 10 + 2 interactions, b 10, c 10, d 8 and e none.
PAST = {f"old{user}": ["a", "b", "c", "d"] for user in range(8)} | {
    f"old{user}": ["a", "b", "c", "a"] for user in (8, 9)
}


RANDOM_NDCG = (1 + 1 / math.log2(3) + 1 / 2) / 5
"""A random list has the user's item at each of three ranks with probability 1/5."""


def counted_fits(monkeypatch):
    fits: list[Algorithm] = []
    fit = Popularity.fit

    def counted(settings, data):
        fits.append(settings)
        return fit(settings, data)

    monkeypatch.setattr(Popularity, "fit", counted)
    return fits


def shop(later):
    return shop_of(later, past=PAST)


def judged(folder, data, *, since_ms=SINCE_MS, earlier=()):
    options = {"since_ms": since_ms, "k": 3, "seen": "allowed", "earlier": earlier, "seed": 0}
    return judge_new_data(open_champion(folder), data, SETTINGS, **options)


def test_half_of_the_new_interactions_are_learned_and_the_rest_tested(tmp_path):
    data = shop({"old0": ["e", "c"], "old1": ["e", "c"]})
    folder = champion(tmp_path / "champion", {("e", "c"): 1.0})  # The champion ranks c first after e.

    found = judged(folder, data)

    assert (found.since_ms, found.half_ms, found.interactions) == (SINCE_MS, SINCE_MS + DAY_MS, 4)
    # Although e occurs twice on day 4, popularity still lists a, b, c. The target c is third for both users.
    assert (found.taught.users, found.taught.champion) == (2, 1.0)
    assert found.taught.candidate == pytest.approx(1 / 2)
    assert found.taught.ahead == pytest.approx((-0.5, -0.5))


def test_predictability_is_ndcg_above_random_lists(tmp_path):
    data = shop({"old0": ["e", "c"], "old1": ["e", "c"]})

    found = judged(champion(tmp_path / "champion", {("e", "c"): 1.0}), data)

    assert found is not None
    assert found.foreseen is not None
    # The first half of the new data is day 4, so day 5 is evaluated. c is third for old0 and old1.
    assert found.foreseen.users == 2
    assert found.foreseen.now == pytest.approx(1 / 2 - RANDOM_NDCG)
    # The equal period up to the champion's last event is day 3. Eight users have d and two have a, and the list is a,
    # b, c.
    assert (found.foreseen.before_after_ms, found.foreseen.before_until_ms) == (SINCE_MS - DAY_MS, SINCE_MS)
    assert found.foreseen.before_users == 10
    assert found.foreseen.before == pytest.approx(1 / 5 - RANDOM_NDCG)


def test_earlier_period_ends_at_the_champions_last_event(tmp_path):
    data = shop({user: ["e", "e", "e", "e", "e"] for user in PAST})  # The days are 4 to 8.

    # Settings were selected on data up to day 6. So the first half of the new data is day 7, and day 8 is evaluated.
    found = judged(champion(tmp_path / "champion", {}), data, since_ms=SINCE_MS + 3 * DAY_MS)

    assert found.half_ms == SINCE_MS + 4 * DAY_MS
    assert (found.foreseen.before_after_ms, found.foreseen.before_until_ms) == (SINCE_MS - DAY_MS, SINCE_MS)
    assert found.foreseen.before == pytest.approx(1 / 5 - RANDOM_NDCG)  # The earlier period is still day 3.


def test_earlier_period_leaves_half_of_the_champions_data_to_learn(tmp_path):
    # The first half of the new data is day 4, and days 5 to 8 are evaluated. An equal period before would start on day
    # -1.
    data = shop({**{user: ["e"] for user in PAST}, "old4": ["e", "e", "e", "e", "e"]})

    found = judged(champion(tmp_path / "champion", {}), data)

    assert (found.foreseen.before_after_ms, found.foreseen.before_until_ms) == (START_MS + DAY_MS, SINCE_MS)
    assert (found.foreseen.before_users, found.foreseen.users) == (10, 1)


@pytest.mark.parametrize(
    ("days", "after_day"),
    [((1, 2), 1), ((2, 1), 2), ((3, 1), 1), ((0,), 2), ((3,), 2)],
    ids=["first", "the first that can", "no time is left after it", "it knows too little", "none"],
)
def test_earlier_fit_predicts_the_earlier_period(days, after_day, tmp_path, monkeypatch):
    """Day 5 is evaluated, so the earlier period has one day: the day after the first usable one of `days`.

    Without a usable earlier fit, the earlier period is day 3, up to the champion's last event.
    """
    data = shop({"old0": ["e", "c"], "old1": ["e", "c"]})
    cuts = [START_MS + day * DAY_MS for day in days]
    earlier = [EarlierFit(SETTINGS.fit(splits.since(data.interactions, after_ms=cut).fit), cut) for cut in cuts]
    fits = counted_fits(monkeypatch)

    found = judged(champion(tmp_path / "champion", {}), data, earlier=earlier)

    assert found is not None
    assert found.foreseen is not None
    after_ms = START_MS + after_day * DAY_MS
    assert (found.foreseen.before_after_ms, found.foreseen.before_until_ms) == (after_ms, after_ms + DAY_MS)
    # One fit ends on day 4. Without an earlier fit, another one ends on day 2.
    assert len(fits) == (1 if after_ms in cuts else 2)
    alone = judged(champion(tmp_path / "again", {}), data)
    assert (alone.foreseen.now, alone.taught) == (found.foreseen.now, found.taught)
    if after_day == 2:
        assert alone.foreseen == found.foreseen


def test_earlier_period_is_omitted_without_earlier_data(tmp_path):
    data = shop({"old0": ["e", "c"], "old1": ["e", "c"]})

    found = judged(champion(tmp_path / "champion", {}, last_event_ms=START_MS - DAY_MS), data, since_ms=SINCE_MS)

    assert found.taught is not None
    assert found.foreseen is None
    assert "predictability was not compared with an earlier period" in found.sentence(k=3)


def test_new_interactions_at_one_time_are_all_tested(tmp_path):
    data = shop({user: ["e"] for user in PAST})  # All interactions are on day 4.

    found = judged(champion(tmp_path / "champion", {}), data)

    assert (found.since_ms, found.half_ms) == (SINCE_MS, SINCE_MS)
    assert (found.taught.users, found.taught.candidate) == (10, 0.0)  # e is not in the model.
    assert found.foreseen.users == 10


def test_missing_new_interactions_give_no_result(tmp_path):
    assert judged(champion(tmp_path / "champion", {}), shop({})) is None


def test_single_new_purchase_has_an_infinite_interval(tmp_path):
    found = judged(champion(tmp_path / "champion", {}), shop({"old0": ["e"]}))

    assert found.interactions == 1
    assert (found.taught.users, found.taught.ahead) == (1, (-math.inf, math.inf))
    assert "1 interactions are new" in found.sentence(k=3)


def test_new_data_result_has_a_document_and_a_sentence(tmp_path):
    found = judged(champion(tmp_path / "champion", {}), shop({"old0": ["e", "c"], "old1": ["e", "c"]}))

    assert found.document() == dataclasses.asdict(found)
    assert "trained on half of them, ndcg@3 is 0.5000 on the rest" in found.sentence(k=3)


def test_confidence_interval_of_two_samples_adds_both_variances():
    low, high = apart(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.2]))

    # The difference is 0.5 - 0.1, and the interval is 1.96 times the root of (1/3) / 4 + 0.02 / 2.
    assert (low + high) / 2 == pytest.approx(0.4)
    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(1 / 12 + 0.01), rel=1e-5)
    assert apart(np.array([1.0]), np.array([0.0, 1.0])) == (-np.inf, np.inf)
