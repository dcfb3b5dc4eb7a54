import dataclasses
import re

import numpy as np
import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput
from model_export.data.interactions import Interactions
from model_export.evaluation import splits
from operations.ingest.interaction_file import read
from tests.unit.model_export.shops import interactions


def test_leave_one_out_tests_the_last_and_validates_the_previous_item():
    data = interactions([[1, 2, 5, 6], [3, 4]])

    split = splits.leave_one_out(data)

    assert split.test.fit.item.tolist() == [1, 2, 3, 4]
    assert len(split.test.queries) == 1
    assert split.validation.queries.targets.tolist() == [5]
    assert split.validation.queries.seen(0).tolist() == [1, 2]
    assert split.test.queries.targets.tolist() == [6]
    assert split.test.queries.seen(0).tolist() == [1, 2, 5]


def test_leave_one_out_shares_one_fit():
    split = splits.leave_one_out(interactions([[1, 2, 3, 4]]))

    assert split.test.fit is split.validation.fit


def test_temporal_queries_are_users_with_a_history_and_distinct_targets():
    # Times are 0, 1000, ... per user, and the window is (3000, 5000].
    data = interactions([[1, 2, 3, 4, 9, 9], [5], [6, 7, 8, 1, 2]])

    split = splits.temporal(data, holdout_ms=2000)

    queries = split.test.queries
    assert split.test.fit.item.tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 1]
    assert [queries.targets_of(query).tolist() for query in range(len(queries))] == [[9], [2]]
    assert [queries.seen(query).tolist() for query in range(len(queries))] == [[1, 2, 3, 4], [6, 7, 8, 1]]
    assert queries.now_ms.tolist() == [3000, 3000]


def test_temporal_validates_on_the_window_before_the_test():
    data = interactions([[1, 2, 3, 4, 5, 6]])

    split = splits.temporal(data, holdout_ms=2000)

    assert split.validation.fit.item.tolist() == [1, 2]
    assert split.validation.queries.targets.tolist() == [3, 4]
    assert split.test.queries.targets.tolist() == [5, 6]
    assert split.selected_until_ms == 3000


def test_temporal_excludes_users_without_a_history():
    data = interactions([[1, 2, 3, 4, 5, 6]])
    stranger = interactions([[1], [1, 2, 3, 4, 5, 6]])
    late = np.where(stranger.user == 0, 5000, stranger.time_ms)
    stranger = type(stranger)(stranger.user, stranger.item, late, stranger.weight, stranger.users, stranger.items)

    assert len(splits.temporal(data, holdout_ms=2000).test.queries) == 1
    assert len(splits.temporal(stranger, holdout_ms=2000).test.queries) == 1


def test_items_are_numbered_by_their_frequency_in_the_training_part():
    left_out = splits.leave_one_out(interactions([[3, 3, 1, 2, 2]]))
    in_time = splits.temporal(interactions([[3, 3, 3, 1, 2, 2, 2]]), holdout_ms=1000)

    # The training data is 3, 3 and 1, so item 3 has the position 1, and item 1 the position 2.
    assert left_out.test.fit.item.tolist() == [1, 1, 2]
    assert left_out.test.queries.targets.tolist() == [3]
    # The training data is the items 3, 3, 3, 1 and 2, and for the test another 2, which then precedes item 1.
    assert in_time.validation.fit.item.tolist() == [1, 1, 1, 2, 3]
    assert in_time.test.fit.item.tolist() == [1, 1, 1, 3, 2, 2]
    assert in_time.test.queries.targets.tolist() == [2]


@pytest.mark.parametrize("protocol", ["leave-one-out", "temporal"])
def test_held_out_items_do_not_decide_ties(tmp_path, protocol):
    def learned(last):
        """Return the trained positions of five users with a, b, c and d in turns, and the held-out item `last`."""
        rows = [f"{user},{'abcd'[(user + step) % 4]},{step}" for user in range(5) for step in range(5)]
        rows += [f"{user},{last},5" for user in range(5)]
        path = tmp_path / "rows.csv"
        path.write_text("USER_ID,ITEM_ID,TIMESTAMP\n" + "\n".join(rows) + "\n")
        data = read(path).interactions
        split = splits.temporal(data, holdout_ms=1000) if protocol == "temporal" else splits.leave_one_out(data)
        return split.test.fit.item.tolist()

    assert learned("a") == learned("c") == learned("d")


def test_repeat_share_counts_targets_in_the_history():
    data = interactions([[1, 2, 1], [1, 2, 3]])

    assert splits.leave_one_out(data).test.queries.repeat_share() == 1 / 2


@pytest.mark.parametrize(
    ("length", "long", "reported"),
    [(4, 2, True), (4, 1, False), (5, 20, False), (1_000, 20, False)],
    ids=["a tenth", "fewer", "as long", "no more can be told"],
)
def test_histories_longer_than_the_model_length_are_reported(length, long, reported):
    sequences = [
        [1 + item % 9 for item in range(2_000 if length == 1_000 else 6 if user < long else 5)] for user in range(20)
    ]
    data = dataclasses.replace(interactions(sequences), history_length=length)

    note = splits.leave_one_out(data).test.queries.note_on_long_histories()

    sentence = (
        f"{long} of 20 evaluated users have more interactions than the latest {length}, which are all that a model "
        "reads: limits.history_length takes 1,000"
    )
    assert note == (sentence if reported else None)


def test_sampled_queries_keep_their_targets():
    queries = splits.leave_one_out(interactions([[1, 2, item] for item in range(3, 9)])).test.queries

    sample = queries.sample(2)

    assert [sample.targets_of(query).tolist() for query in range(2)] == [[3], [8]]
    assert sample.seen(1).tolist() == [1, 2]


def test_default_holdout_is_a_tenth_of_the_period_up_to_28_days():
    short, long = (interactions([[1] * 101], step_ms=days * DAY_MS) for days in (1, 100))

    assert splits.holdout_ms(short, days=None) == 10 * DAY_MS
    assert splits.holdout_ms(long, days=None) == 28 * DAY_MS
    assert splits.holdout_ms(long, days=0.5) == DAY_MS // 2


@pytest.mark.parametrize("ancient", [1, 5])
def test_very_old_interactions_do_not_lengthen_the_default_holdout(ancient):
    recent = interactions([[1] * 101], step_ms=DAY_MS)
    time_ms = recent.time_ms + 20_000 * DAY_MS
    time_ms[:ancient] = 1
    mixed = dataclasses.replace(recent, time_ms=time_ms)

    assert splits.holdout_ms(mixed, days=None) == 10 * DAY_MS


def daily(*tail, users=8, days=40, closed=(0, 0)):
    """Return daily interactions of users except on the days `closed`, and the interactions `tail` of users and days."""
    rows = [(user, day) for user in range(users) for day in range(days) if not closed[0] <= day < closed[1]]
    user, day = np.array(sorted([*rows, *tail]), np.int64).T
    return Interactions(
        user=user.astype(np.int32),
        item=(1 + day % 7).astype(np.int32),
        weight=np.ones(len(user), np.float32),
        time_ms=day * DAY_MS,
        users=int(user.max()) + 1,
        items=7,
    )


@pytest.mark.parametrize(
    "tail",
    [
        [(0, 90)],
        [(0, 5_000)],
        [(0, 90), (1, 90), (2, 91), (2, 95)],
        [(user, 90) for user in range(8, 20)],
        [(0, 90), (0, 200)],
    ],
    ids=["one event", "one much later", "few users", "only new users", "twice"],
)
@pytest.mark.parametrize("days", [None, 4.0])
def test_time_window_ends_before_a_quiet_period(tail, days):
    expected, found = (
        splits.windows(data, holdout_ms=splits.holdout_ms(data, days=days)) for data in (daily(), daily(*tail))
    )

    assert found.tested_ms == 39 * DAY_MS
    # The tail changes the default length of the window slightly.
    assert abs(found.selected_ms - expected.selected_ms) <= DAY_MS


def test_interactions_after_a_quiet_period_are_excluded():
    split = splits.temporal(daily((0, 90)), holdout_ms=4 * DAY_MS)

    assert split.tested_until_ms == 39 * DAY_MS
    assert split.test.fit.time_ms.max() == 35 * DAY_MS
    assert [len(part.queries) for part in (split.validation, split.test)] == [8, 8]
    assert split.test.queries.now_ms.max() == 35 * DAY_MS


def test_many_interactions_after_a_quiet_period_are_the_test_part():
    data = daily(closed=(10, 38))

    split = splits.temporal(data, holdout_ms=4 * DAY_MS)

    assert split.tested_until_ms == 39 * DAY_MS
    assert split.selected_until_ms == 35 * DAY_MS
    # The validation window ends before the period without interactions.
    assert split.learned_until_ms == 5 * DAY_MS
    assert [len(part.queries) for part in (split.validation, split.test)] == [8, 8]


@pytest.mark.parametrize("holdout_days", [0, 4])
def test_time_windows_of_few_users_end_with_the_last_interaction(holdout_days):
    found = splits.windows(daily((0, 90), users=4), holdout_ms=holdout_days * DAY_MS)

    assert found.tested_ms == 90 * DAY_MS
    assert found.validated_ms == found.selected_ms == (90 - holdout_days) * DAY_MS


@pytest.mark.parametrize("days", [-1.0, 36_501.0, 1e300, float("inf"), float("nan")])
def test_holdout_out_of_range_is_refused(days):
    with pytest.raises(InvalidInput, match=re.escape(f"the hold-out is {days:g} days, expected 0 to 36,500")):
        splits.holdout_ms(interactions([[1, 2]]), days=days)


def test_queries_since_a_time_have_each_later_item_once_per_user():
    # Times are 0, 1000, ... per user. The last user starts at 5000.
    data = interactions([[1, 2, 3, 9, 9, 3], [5, 6], [7, 7, 8, 9, 1]])
    time_ms = np.where(data.user == 2, [0] * 8 + [5000, 5000, 6000, 7000, 8000], data.time_ms)
    data = dataclasses.replace(data, time_ms=time_ms)

    part = splits.since(data, after_ms=2000)

    order = part.order  # The array contains the item of each position.
    requested = [
        (
            [int(order[item - 1]) for item in part.queries.seen(query)],
            sorted(int(order[item - 1]) for item in part.queries.targets_of(query)),
            int(part.queries.now_ms[query]),
        )
        for query in range(len(part.queries))
    ]
    assert requested == [([1, 2, 3], [3, 9], 2000), ([7, 7], [1, 8, 9], 5000)]
    assert [int(order[item - 1]) for item in part.fit.item] == [1, 2, 3, 5, 6]


def test_time_without_later_interactions_has_no_queries():
    part = splits.since(interactions([[1, 2], [3]]), after_ms=1000)

    assert len(part.queries) == 0
    assert len(part.fit) == 3
    assert len(part.queries.sample(5)) == 0
