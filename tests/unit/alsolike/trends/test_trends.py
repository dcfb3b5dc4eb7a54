import dataclasses
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidInput, InvalidTrends
from alsolike.trends import counters
from alsolike.trends.counters import (
    BASELINE_S,
    CHANCE,
    KEPT_ITEMS,
    NO_TRENDS,
    NOTHING_COUNTED,
    Event,
    ShardCounts,
    Trends,
)
from alsolike.trends.windows import WINDOWS

NOW_MS = 1_790_000_000_000
HOUR_MS = 3_600_000
LIST = list(WINDOWS)
BASELINE = len(WINDOWS)
"""Column of the baseline. The next column contains assumed events."""


def counted(*events, by=NOTHING_COUNTED, now_ms=NOW_MS):
    """Add events to the counts `by`. An event is a tuple of item, age in milliseconds and weight."""
    first = by.sequence + 1
    made = [Event(first + n, item, int(now_ms - age_ms), weight) for n, (item, age_ms, weight) in enumerate(events)]
    return by.add(made, sequence=first + len(made), arrived_ms=now_ms)


def standing(items, *, fast, baseline):
    """Return trends from each item's counts in the hour and in the baseline.

    `fast` and `baseline` are the sums of both counts over all items.
    """
    column = LIST.index("1h")
    counts = np.zeros((len(items), len(WINDOWS) + 2))
    totals = np.zeros(len(WINDOWS) + 2)
    counts[:, column], counts[:, BASELINE] = zip(*items.values(), strict=True)
    totals[column], totals[BASELINE] = fast, baseline
    return Trends([ShardCounts(1, NOW_MS, tuple(items), counts, totals)])


def test_counters_decay_by_their_windows():
    counts = counted(("pear", HOUR_MS, 3.0))

    assert counts.counts[0] == pytest.approx(
        [3 * math.exp(-2), 3 * math.exp(-1), 3 * math.exp(-1 / 3), 3 * math.exp(-1 / 24), 3 * math.exp(-1 / 168), 0]
    )
    assert counts.totals == pytest.approx(counts.counts[0])


def test_counter_of_a_steady_rate_equals_the_events_of_its_window():
    every_minute = [("pear", 60_000.0 * minute, 1.0) for minute in range(60 * 24 * 60)]

    counts = counted(*every_minute)

    assert counts.counts[0] == pytest.approx([*(s / 60 for s in (*WINDOWS.values(), BASELINE_S)), 0], rel=0.02)


def test_old_event_counts_in_the_baseline_only():
    counts = counted(("pear", 14 * DAY_MS, 100.0))

    assert counts.counts[0, LIST.index("1d")] == pytest.approx(100 * math.exp(-14), abs=1e-9)
    assert counts.counts[0, BASELINE] == pytest.approx(100 * math.exp(-2))
    assert [Trends([counts]).best(window, now_ms=NOW_MS) for window in WINDOWS] == [[]] * len(WINDOWS)


def test_late_event_counts_like_a_timely_one():
    in_time = counted(("plum", 0, 1.0), by=counted(("pear", 0, 1.0), now_ms=NOW_MS - HOUR_MS))
    late = counted(("plum", 0, 1.0), ("pear", HOUR_MS, 1.0))

    assert in_time.items == ("pear", "plum")
    np.testing.assert_allclose(late.counts[::-1], in_time.counts)
    np.testing.assert_allclose(late.totals, in_time.totals)


def test_trend_score_equals_the_likelihood_ratio_over_its_bound():
    # The ratio of the hour's events to past events is 100 / (16_900 - 100) = 1 / 168.
    shop = standing(
        {
            "popular": (50, 8_450),  # The expected count is (8_450 - 50) / 168 = 50.
            "rising": (30, 870),  # The expected count is (870 - 30) / 168 = 5.
            "unknown": (12, 12),  # The expected count is 0.
            "looked at once": (1, 1),
            "sinking": (1, 1_681),  # The expected count is 10.
        },
        fast=100,
        baseline=16_900,
    )

    found = shop.best("1h", now_ms=NOW_MS)

    assert [item for item, _ in found] == ["unknown", "rising"]
    rising = 30 * math.log(30 * 169 / 870) + 840 * math.log(840 * 169 / (168 * 870))
    bound = math.log(KEPT_ITEMS / CHANCE)
    assert dict(found) == pytest.approx({"unknown": 12 * math.log(169) / bound, "rising": rising / bound}, abs=1e-6)


def test_busy_hour_with_usual_shares_has_no_trends():
    # All items have three times their usual number of events: 300 instead of 100, with the usual shares.
    shop = standing({"a": (150, 8_550), "b": (90, 5_130), "c": (60, 3_420)}, fast=300, baseline=17_100)

    assert shop.best("1h", now_ms=NOW_MS) == []


def test_most_viewed_items_of_a_new_shop_trend():
    # Ten minutes after the first event, the baseline contains little more than the hour does.
    shop = standing({"a": (40, 42), "b": (20, 20), "c": (1, 1)}, fast=61, baseline=64)

    found = shop.best("1h", now_ms=NOW_MS)

    assert [item for item, _ in found] == ["a", "b"]
    bound = math.log(KEPT_ITEMS / CHANCE)
    expected = {"a": (40 * math.log(40 / 21) + 2 * math.log(2 / 21)) / bound, "b": 20 * math.log(20 / 10) / bound}
    assert dict(found) == pytest.approx(expected, abs=1e-6)


def test_equal_scores_are_sorted_by_item_id():
    shop = standing({"c": (9, 9), "a": (9, 9), "b": (9, 9), "d": (20, 20)}, fast=1, baseline=1_000)

    assert [item for item, _ in shop.best("1h", now_ms=NOW_MS)] == ["d", "a", "b", "c"]
    assert [item for item, _ in shop.best("1h", now_ms=NOW_MS, k=3)] == ["d", "a", "b"]
    assert shop.best("1h", now_ms=NOW_MS, k=0) == []


def test_empty_counters_have_an_empty_list():
    assert NO_TRENDS.best("30m", now_ms=NOW_MS) == []
    assert Trends([NOTHING_COUNTED]).best("30m", now_ms=NOW_MS) == []


def test_unknown_window_is_refused():
    with pytest.raises(InvalidInput, match="window is '2h', expected one of 30m, 1h, 3h, 1d"):
        NO_TRENDS.best("2h", now_ms=NOW_MS)


@pytest.mark.parametrize("window", WINDOWS)
def test_burst_leads_within_one_batch_and_ends_after_silence(window):
    # One month of events of twenty items. One item is as popular as the other items together.
    usual = counted(
        *((f"item-{n}", age * HOUR_MS, 19.0 if n == 0 else 1.0) for n in range(20) for age in range(30 * 24)),
        now_ms=NOW_MS - 1,
    )
    burst = counted(*(("news", second * 1_000, 1.0) for second in range(20)), by=usual)

    assert [item for item, _ in Trends([usual]).best(window, now_ms=NOW_MS) if item == "news"] == []
    assert Trends([burst]).best(window, now_ms=NOW_MS)[0][0] == "news"
    assert Trends([burst]).best(window, now_ms=NOW_MS + 7 * 1_000 * WINDOWS[window]) == []


@given(st.lists(st.tuples(st.integers(0, 3), st.floats(HOUR_MS, 30 * DAY_MS), st.floats(0.1, 10)), max_size=30))
def test_events_of_two_shards_equal_those_of_one(events):
    named = [(f"i{item}", age_ms, weight) for item, age_ms, weight in events]
    an_hour_ago = [(item, age_ms - HOUR_MS, weight) for item, age_ms, weight in named[1::2]]

    one = Trends([counted(*named)])
    two = Trends([counted(*named[::2]), counted(*an_hour_ago, now_ms=NOW_MS - HOUR_MS)])

    for window in WINDOWS:
        expected = dict(one.best(window, now_ms=NOW_MS))
        assert dict(two.best(window, now_ms=NOW_MS)) == pytest.approx(expected, abs=1e-5)


def test_popular_and_trending_items_are_kept():
    month = 30 * DAY_MS
    rng = np.random.default_rng(7)
    popular = [(f"popular-{n}", age, 1.0) for n in range(200) for age in rng.uniform(0, month, 100)]
    seldom = [(f"seldom-{n}", age, 1.0) for n, age in enumerate(rng.uniform(0, month, 3 * KEPT_ITEMS))]
    news = [("news", age, 1.0) for age in rng.uniform(0, HOUR_MS, 10)]

    counts = counted(*popular, *seldom, *news)

    assert len(counts.items) == KEPT_ITEMS
    assert {"news", *(f"popular-{n}" for n in range(200))} <= set(counts.items)
    assert counts.totals[BASELINE] > counts.counts[:, BASELINE].sum()  # The sums include dropped items.
    assert Trends([counts]).best("1h", now_ms=NOW_MS)[0][0] == "news"


def test_repeated_burst_of_a_dropped_item_trends():
    rng = np.random.default_rng(7)
    counts = counted(*((f"seldom-{n % 20_000}", age, 1.0) for n, age in enumerate(rng.uniform(0, 30 * DAY_MS, 60_000))))
    for minute in range(15):  # One event per minute, among events of other items.
        others = [(f"seldom-{n}", 0.0, 1.0) for n in rng.integers(0, 20_000, 20)]
        counts = counted(("news", 0, 1.0), *others, by=counts, now_ms=NOW_MS + 60_000 * minute)

    assert Trends([counts]).best("30m", now_ms=NOW_MS + 60_000 * 15)[0][0] == "news"


def test_dropped_item_has_an_assumed_baseline(monkeypatch):
    monkeypatch.setattr(counters, "KEPT_ITEMS", 2)
    events = ("a", 2 * DAY_MS, 100.0), ("b", 2 * DAY_MS, 60.0), ("c", 4 * DAY_MS, 30.0)
    before = counted(*events, now_ms=NOW_MS - DAY_MS)
    monkeypatch.setattr(counters, "KEPT_ITEMS", 3)

    after = counted(("c", 0, 2.0), by=before)

    assert before.items == ("a", "b")
    assert before.forgotten == pytest.approx(30 * math.exp(-4 / 7))
    assert after.items == ("a", "b", "c")
    assert after.counts[2] == pytest.approx([2] * 5 + [30 * math.exp(-5 / 7)])
    assert after.totals[BASELINE] == pytest.approx(160 * math.exp(-3 / 7) + 30 * math.exp(-5 / 7) + 2)
    # The past of c is 30 e^(-5/7) of 160 e^(-3/7) + 30 e^(-5/7). The hour has 2 events.
    past = 30 * math.exp(-5 / 7)
    share = 2 / (160 * math.exp(-3 / 7) + past + 2)
    evidence = 2 * math.log(2 / (share * (past + 2))) + past * math.log(past / ((1 - share) * (past + 2)))
    monkeypatch.setattr(counters, "MIN_SCORE", 0)
    best = dict(Trends([after]).best("1h", now_ms=NOW_MS))
    assert best["c"] == pytest.approx(evidence / math.log(3 / CHANCE), abs=1e-6)  # KEPT_ITEMS is 3.


def test_usual_traffic_with_many_dropped_items_has_no_trends(monkeypatch):
    monkeypatch.setattr(counters, "KEPT_ITEMS", 50)
    rng = np.random.default_rng(1)
    popularity = 1 / np.arange(1, 2_001)
    counts, now_ms = NOTHING_COUNTED, NOW_MS
    for _ in range(14 * 24):
        now_ms += HOUR_MS
        items = rng.choice(2_000, 120, p=popularity / popularity.sum())
        hour = [(f"i{item}", age_ms, 1.0) for item, age_ms in zip(items, rng.uniform(0, HOUR_MS, 120), strict=True)]
        counts = counted(*hour, by=counts, now_ms=now_ms)

    found = Trends([counts]).best("1d", now_ms=now_ms)

    assert found == []  # Without assumed events, several items would trend.


def test_counters_are_unchanged_after_write_and_read():
    counts = counted(("pear", 0, 1.0), ("größe 42", HOUR_MS, 0.3), ("🍐", DAY_MS, 5.0))
    counts = dataclasses.replace(counts, forgotten=0.1)

    read = ShardCounts.from_bytes(counts.to_bytes(), name="x")

    assert (read.sequence, read.as_of_ms, read.items) == (counts.sequence, NOW_MS, counts.items)
    assert read.forgotten == 0.1
    np.testing.assert_allclose(read.counts, counts.counts, rtol=1e-7)
    np.testing.assert_array_equal(read.totals, counts.totals)
    assert read.to_bytes() == counts.to_bytes()


def test_empty_counters_are_unchanged_after_write_and_read():
    read = ShardCounts.from_bytes(NOTHING_COUNTED.to_bytes(), name="x")

    assert (read.sequence, read.items, read.counts.shape) == (-1, (), (0, len(WINDOWS) + 2))


def damaged(field, value):
    counts = counted(("pear", 0, 1.0))
    getattr(counts, field)[..., 0] = value
    return counts.to_bytes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff" * 100,
        counted(("pear", 0, 1.0)).to_bytes()[:-1],
        counted(("pear", 0, 1.0)).to_bytes().replace(b"alsolike-trends-1", b"alsolike-trends-2"),
        counted(("pear", 0, 1.0)).to_bytes().replace(b"pear", b"pe\nr"),
        counted(("pear", 0, 1.0)).to_bytes().replace(b"pear", b"pea\xff"),
        damaged("counts", math.nan),
        damaged("totals", math.inf),
        dataclasses.replace(counted(("pear", 0, 1.0)), forgotten=math.nan).to_bytes(),
    ],
)
def test_damaged_object_is_refused(data):
    with pytest.raises(InvalidTrends, match="the object has no trends that this version can read: "):
        ShardCounts.from_bytes(data, name="the object")


def test_unknown_item_trends_from_three_views_on():
    """If the hour has a share of 1/169, each view is evidence of ln(169) = 5.13.

    A trend requires ln(2,000 / 0.05) = 10.6.
    """
    found = {}
    for views in (2, 3):
        items = {"new": (views, views), **{f"usual-{n}": (0.0, 16_900 / 499) for n in range(499)}}
        found[views] = standing(items, fast=100, baseline=16_900).best("1h", now_ms=NOW_MS)

    assert found[2] == []
    assert [item for item, _ in found[3]] == ["new"]


def stationary(*, weights, per_visit, seed, items=200, hours=12 * 24):
    """Return the trends of a shop whose items keep their shares of 400 visits per hour."""
    draws = np.random.default_rng(seed)
    shares = 1 / np.arange(1, items + 1)
    visits = 400 * hours
    ages_ms = draws.uniform(0, hours * HOUR_MS, visits)
    items_of = draws.choice(items, visits, p=shares / shares.sum())
    events = [
        (f"i{item}", age_ms, weight)
        for item, age_ms in zip(items_of.tolist(), ages_ms.tolist(), strict=True)
        for weight in draws.choice(weights, per_visit).tolist()
    ]
    return Trends([counted(*events)])


@pytest.mark.parametrize(("weights", "per_visit"), [((1,), 1), ((1, 1, 1, 3, 5), 1), ((1,), 3)])
def test_stationary_shop_has_no_trends(weights, per_visit):
    shop = stationary(weights=weights, per_visit=per_visit, seed=3)

    assert not any(shop.best(window, now_ms=NOW_MS) for window in WINDOWS)
