import dataclasses
import math
from pathlib import Path

import numpy as np
import pytest

from model_export.algorithms.popularity import Popularity
from model_export.answer_lists import open_champion
from model_export.bootstrap import apart
from model_export.new_data import Learned, NewData, judge_new_data
from model_export.training_data import TrainingData
from tests.unit.model_export.test_against_champion import DAY_MS, START_MS, champion, shop

SETTINGS = Popularity(trend_half_life_days=math.inf)
SINCE_MS = START_MS + 3 * DAY_MS


def learned(data: TrainingData, *, day: int) -> Learned:
    """Popularity up to a day, items by what is frequent then."""
    until = data.interactions.until(START_MS + day * DAY_MS)
    return Learned(SETTINGS.fit(until.renumber(until.frequency_order())), START_MS + day * DAY_MS)


def judged(folder: Path, data: TrainingData, *, before: bool = True) -> NewData | None:
    return judge_new_data(
        open_champion(folder), data, SETTINGS, since_ms=SINCE_MS, before=learned(data, day=1) if before else None,
        k=3, seen="allowed", seed=0,
    )  # fmt: skip


def test_half_of_what_is_new_is_learned_and_the_rest_asked_for(tmp_path: Path) -> None:
    data = shop({"old0": ["e", "c"], "old1": ["e", "c"]})
    folder = champion(tmp_path / "champion", {("e", "c"): 1.0})  # who had e has c next: its list begins with it

    found = judged(folder, data)

    assert found is not None
    assert (found.since_ms, found.half_ms, found.interactions) == (SINCE_MS, SINCE_MS + DAY_MS, 4)
    assert found.taught is not None
    # With e twice on day 4 popularity still lists a, b, c; their c stands third.
    assert (found.taught.users, found.taught.champion) == (2, 1.0)
    assert found.taught.candidate == pytest.approx(1 / 2)
    assert found.taught.ahead == pytest.approx((-0.5, -0.5))


def test_what_is_foreseen_is_counted_above_a_list_drawn_by_lot(tmp_path: Path) -> None:
    data = shop({"old0": ["e", "c"], "old1": ["e", "c"]})

    found = judged(champion(tmp_path / "champion", {("e", "c"): 1.0}), data)

    assert found is not None
    assert found.foreseen is not None
    discounts = 1 + 1 / math.log2(3) + 1 / 2
    by_lot = discounts / 1 * 1 / 5  # each of three ranks holds the one of five items that a user had
    # Half of what is new is day 4, so that day 5 is asked for: c stands third for old0 and old1.
    assert found.foreseen.users == 2
    assert found.foreseen.now == pytest.approx(1 / 2 - by_lot)
    # As long a time after day 1 is day 2: everybody had c, and the list is a and b.
    assert found.foreseen.before_users == 5
    assert found.foreseen.before == pytest.approx(0 - by_lot)


def test_where_no_time_parts_what_is_learned_nothing_is_foreseen(tmp_path: Path) -> None:
    found = judged(champion(tmp_path / "champion", {}), shop({"old0": ["e", "c"]}), before=False)

    assert found is not None
    assert found.foreseen is None


def test_nothing_new_is_not_judged(tmp_path: Path) -> None:
    assert judged(champion(tmp_path / "champion", {}), shop({})) is None


def test_one_purchase_says_only_that_it_is_new(tmp_path: Path) -> None:
    found = judged(champion(tmp_path / "champion", {}), shop({"old0": ["e"]}))

    assert found is not None
    assert (found.interactions, found.taught) == (1, None)  # half of one is one, and nothing comes after
    assert "1 interactions are new" in found.sentence(k=3)


def test_the_document_has_what_was_found(tmp_path: Path) -> None:
    found = judged(champion(tmp_path / "champion", {}), shop({"old0": ["e", "c"], "old1": ["e", "c"]}))

    assert found is not None
    assert found.document() == dataclasses.asdict(found)
    assert "half of them taught ndcg@3 0.5000 on the rest" in found.sentence(k=3)


def test_means_of_different_users_are_apart_by_what_both_vary() -> None:
    low, high = apart(np.array([0.0, 1.0, 0.0, 1.0]), np.array([0.0, 0.2]))

    # 0.5 - 0.1, and 1.96 times the root of (1/3) / 4 + 0.02 / 2
    assert (low + high) / 2 == pytest.approx(0.4)
    assert (high - low) / 2 == pytest.approx(1.959964 * math.sqrt(1 / 12 + 0.01), rel=1e-5)
    assert apart(np.array([1.0]), np.array([0.0, 1.0])) == (-np.inf, np.inf)
