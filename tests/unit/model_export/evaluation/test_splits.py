import dataclasses
import re
from pathlib import Path

import numpy as np
import pytest

from alsolike.bundle.bundle import MS_PER_DAY
from alsolike.runtime.errors import InvalidInput
from model_export.evaluation import splits
from operations.ingest.interaction_file import read
from tests.unit.model_export.shops import interactions


def test_leave_one_out_tests_the_last_and_validates_the_one_before() -> None:
    data = interactions([[1, 2, 5, 6], [3, 4]])

    split = splits.leave_one_out(data)

    assert split.test.fit.item.tolist() == [1, 2, 3, 4]
    assert len(split.test.queries) == 1
    assert split.validation.queries.targets.tolist() == [5]
    assert split.validation.queries.seen(0).tolist() == [1, 2]
    assert split.test.queries.targets.tolist() == [6]
    assert split.test.queries.seen(0).tolist() == [1, 2, 5]


def test_leave_one_out_needs_no_second_fit() -> None:
    split = splits.leave_one_out(interactions([[1, 2, 3, 4]]))

    assert split.test.fit is split.validation.fit


def test_temporal_asks_users_with_a_past_for_the_items_of_the_window_each_once() -> None:
    # Times are 0, 1000, ... per user; the window is (3000, 5000].
    data = interactions([[1, 2, 3, 4, 9, 9], [5], [6, 7, 8, 1, 2]])

    split = splits.temporal(data, holdout_ms=2000)

    queries = split.test.queries
    assert split.test.fit.item.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 1]
    assert [queries.targets_of(query).tolist() for query in range(len(queries))] == [[9], [2]]
    assert [queries.seen(query).tolist() for query in range(len(queries))] == [[1, 2, 3, 4], [6, 7, 8, 1]]
    assert queries.now_ms.tolist() == [3000, 3000]


def test_temporal_validates_on_the_window_before_the_test() -> None:
    data = interactions([[1, 2, 3, 4, 5, 6]])

    split = splits.temporal(data, holdout_ms=2000)

    assert split.validation.fit.item.tolist() == [1, 2]
    assert split.validation.queries.targets.tolist() == [3, 4]
    assert split.test.queries.targets.tolist() == [5, 6]
    assert split.chosen_until_ms == 3000


def test_temporal_does_not_ask_users_without_a_past() -> None:
    data = interactions([[1, 2, 3, 4, 5, 6]])
    stranger = interactions([[1], [1, 2, 3, 4, 5, 6]])
    late = np.where(stranger.user == 0, 5000, stranger.time_ms)
    stranger = type(stranger)(stranger.user, stranger.item, late, stranger.weight, stranger.users, stranger.items)

    assert len(splits.temporal(data, holdout_ms=2000).test.queries) == 1
    assert len(splits.temporal(stranger, holdout_ms=2000).test.queries) == 1


def test_items_are_numbered_by_their_frequency_in_what_is_learned() -> None:
    left_out = splits.leave_one_out(interactions([[3, 3, 1, 2, 2]]))
    in_time = splits.temporal(interactions([[3, 3, 3, 1, 2, 2, 2]]), holdout_ms=1000)

    # Learned from are 3, 3 and 1.
    assert left_out.test.fit.item.tolist() == [1, 1, 2]
    assert left_out.test.queries.targets.tolist() == [3]
    # Learned from are 3, 3, 3, 1 and 2; for the test one more 2.
    assert in_time.validation.fit.item.tolist() == [1, 1, 1, 2, 3]
    assert in_time.test.fit.item.tolist() == [1, 1, 1, 3, 2, 2]
    assert in_time.test.queries.targets.tolist() == [2]


@pytest.mark.parametrize("protocol", ["leave-one-out", "temporal"])
def test_what_is_held_out_does_not_decide_between_equal_scores(tmp_path: Path, protocol: str) -> None:
    def learned(last: str) -> list[int]:
        """Give five users a, b, c and d in turns, then everybody the same last item."""
        rows = [f"{user},{'abcd'[(user + step) % 4]},{step}" for user in range(5) for step in range(5)]
        rows += [f"{user},{last},5" for user in range(5)]
        path = tmp_path / "rows.csv"
        path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "\n".join(rows) + "\n")
        data = read(path).interactions
        split = splits.temporal(data, holdout_ms=1000) if protocol == "temporal" else splits.leave_one_out(data)
        items: list[int] = split.test.fit.item.tolist()
        return items

    assert learned("a") == learned("c") == learned("d")


def test_repeat_share_counts_targets_of_the_past() -> None:
    data = interactions([[1, 2, 1], [1, 2, 3]])

    assert splits.leave_one_out(data).test.queries.repeat_share() == 1 / 2


@pytest.mark.parametrize(
    ("length", "long", "said"),
    [(4, 2, True), (4, 1, False), (5, 20, False), (1_000, 20, False)],
    ids=["a tenth", "fewer", "as long", "no more can be told"],
)
def test_longer_pasts_than_a_model_is_told_are_said(length: int, long: int, said: bool) -> None:
    sequences = [
        [1 + item % 9 for item in range(2_000 if length == 1_000 else 6 if user < long else 5)] for user in range(20)
    ]
    data = dataclasses.replace(interactions(sequences), history_length=length)

    told = splits.leave_one_out(data).test.queries.told_in_part()

    sentence = (
        f"{long} of 20 users asked have more interactions than the latest {length}, which are all that a model is "
        "told: limits.history_length takes 1,000"
    )
    assert told == (sentence if said else None)


def test_a_sample_of_queries_keeps_their_targets() -> None:
    queries = splits.leave_one_out(interactions([[1, 2, item] for item in range(3, 9)])).test.queries

    sample = queries.sample(2)

    assert [sample.targets_of(query).tolist() for query in range(2)] == [[3], [8]]
    assert sample.seen(1).tolist() == [1, 2]


def test_the_default_holdout_is_a_tenth_of_the_time_and_28_days_at_most() -> None:
    short, long = (interactions([[1] * 101], step_ms=days * MS_PER_DAY) for days in (1, 100))

    assert splits.holdout_ms(short, days=None) == 10 * MS_PER_DAY
    assert splits.holdout_ms(long, days=None) == 28 * MS_PER_DAY
    assert splits.holdout_ms(long, days=0.5) == MS_PER_DAY // 2


@pytest.mark.parametrize("ancient", [1, 5])
def test_a_few_ancient_interactions_do_not_lengthen_the_default_holdout(ancient: int) -> None:
    recent = interactions([[1] * 101], step_ms=MS_PER_DAY)
    time_ms = recent.time_ms + 20_000 * MS_PER_DAY
    time_ms[:ancient] = 1
    mixed = dataclasses.replace(recent, time_ms=time_ms)

    assert splits.holdout_ms(mixed, days=None) == 10 * MS_PER_DAY


@pytest.mark.parametrize("days", [-1.0, 36_501.0, 1e300, float("inf"), float("nan")])
def test_a_holdout_is_no_longer_than_any_data(days: float) -> None:
    with pytest.raises(InvalidInput, match=re.escape(f"the hold-out is {days:g} days, expected 0 to 36,500")):
        splits.holdout_ms(interactions([[1, 2]]), days=days)


def test_since_a_moment_everybody_is_asked_once_for_what_came_later() -> None:
    # Times are 0, 1000, ... per user; the last user comes at 5000.
    data = interactions([[1, 2, 3, 9, 9, 3], [5, 6], [7, 7, 8, 9, 1]])
    time_ms = np.where(data.user == 2, [0] * 8 + [5000, 5000, 6000, 7000, 8000], data.time_ms)
    data = dataclasses.replace(data, time_ms=time_ms)

    part = splits.since(data, after_ms=2000)

    of = part.order  # item id of each position
    asked = [
        (
            [int(of[item - 1]) for item in part.queries.seen(query)],
            sorted(int(of[item - 1]) for item in part.queries.targets_of(query)),
            int(part.queries.now_ms[query]),
        )
        for query in range(len(part.queries))
    ]
    assert asked == [([1, 2, 3], [3, 9], 2000), ([7, 7], [1, 8, 9], 5000)]
    assert [int(of[item - 1]) for item in part.fit.item] == [1, 2, 3, 5, 6]


def test_nothing_since_a_moment_asks_nobody() -> None:
    part = splits.since(interactions([[1, 2], [3]]), after_ms=1000)

    assert len(part.queries) == 0
    assert len(part.fit) == 3
    assert len(part.queries.sample(5)) == 0
