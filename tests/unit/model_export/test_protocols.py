import numpy as np

from alsolike.bundle import MS_PER_DAY
from model_export import protocols
from tests.unit.model_export.shops import interactions


def test_leave_one_out_tests_the_last_and_validates_the_one_before() -> None:
    data = interactions([[1, 2, 3, 4], [5, 6]])

    split = protocols.leave_one_out(data)

    assert split.test.fit.item.tolist() == [1, 2, 5, 6]
    assert len(split.test.queries) == 1
    assert split.validation.queries.targets.tolist() == [3]
    assert split.validation.queries.seen(0).tolist() == [1, 2]
    assert split.test.queries.targets.tolist() == [4]
    assert split.test.queries.seen(0).tolist() == [1, 2, 3]


def test_leave_one_out_needs_no_second_fit() -> None:
    split = protocols.leave_one_out(interactions([[1, 2, 3, 4]]))

    assert split.test.fit is split.validation.fit


def test_temporal_asks_users_with_a_past_for_the_items_of_the_window_each_once() -> None:
    # Times are 0, 1000, ... per user; the window is (3000, 5000].
    data = interactions([[1, 2, 3, 4, 5, 5], [6], [7, 8, 9, 1, 2]])

    split = protocols.temporal(data, holdout_ms=2000)

    queries = split.test.queries
    assert split.test.fit.item.tolist() == [1, 2, 3, 4, 6, 7, 8, 9, 1]
    assert [queries.targets_of(query).tolist() for query in range(len(queries))] == [[5], [2]]
    assert [queries.seen(query).tolist() for query in range(len(queries))] == [[1, 2, 3, 4], [7, 8, 9, 1]]
    assert queries.now_ms.tolist() == [3000, 3000]


def test_temporal_validates_on_the_window_before_the_test() -> None:
    data = interactions([[1, 2, 3, 4, 5, 6]])

    split = protocols.temporal(data, holdout_ms=2000)

    assert split.validation.fit.item.tolist() == [1, 2]
    assert split.validation.queries.targets.tolist() == [3, 4]
    assert split.test.queries.targets.tolist() == [5, 6]


def test_temporal_does_not_ask_users_without_a_past() -> None:
    data = interactions([[1, 2, 3, 4, 5, 6]])
    stranger = interactions([[1], [1, 2, 3, 4, 5, 6]])
    late = np.where(stranger.user == 0, 5000, stranger.time_ms)
    stranger = type(stranger)(stranger.user, stranger.item, late, stranger.weight, stranger.users, stranger.items)

    assert len(protocols.temporal(data, holdout_ms=2000).test.queries) == 1
    assert len(protocols.temporal(stranger, holdout_ms=2000).test.queries) == 1


def test_repeat_share_counts_targets_of_the_past() -> None:
    data = interactions([[1, 2, 1], [1, 2, 3]])

    assert protocols.leave_one_out(data).test.queries.repeat_share() == 1 / 2


def test_a_sample_of_queries_keeps_their_targets() -> None:
    queries = protocols.leave_one_out(interactions([[1, 2, item] for item in range(3, 9)])).test.queries

    sample = queries.sample(2)

    assert [sample.targets_of(query).tolist() for query in range(2)] == [[3], [8]]
    assert sample.seen(1).tolist() == [1, 2]


def test_the_default_holdout_is_a_tenth_of_the_time_and_28_days_at_most() -> None:
    short, long = (interactions([[1] * 11], step_ms=days * MS_PER_DAY) for days in (1, 100))

    assert protocols.holdout_ms(short, days=None) == 1 * MS_PER_DAY
    assert protocols.holdout_ms(long, days=None) == 28 * MS_PER_DAY
    assert protocols.holdout_ms(long, days=0.5) == MS_PER_DAY // 2
