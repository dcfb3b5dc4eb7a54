"""Rejected events, which are counted by reason and change no outcome."""

from typing import Any

import pytest

from alsolike.declarations.limits import MAX_EVENT_VALUE
from alsolike.declarations.times import DAY_MS
from functions.attribute_outcomes.attribution_rules import AttributionRules
from tests.builders.attribution import DAY, NOW_MS, PSEUDONYMS, SERVED_MS, answer, event


def changed(recommendation_id):
    return ("B" if recommendation_id[20] == "A" else "A").join((recommendation_id[:20], recommendation_id[21:]))


def test_forged_and_truncated_ids_are_rejected_as_forged(judged, given):
    made = given["recommendation_id"]

    assert judged(
        event(changed(made), "pear"), event(made[:39], "pear"), event("", "pear"), event("é" * 40, "pear"),
        event("A" * 40, "pear", "purchase", event_value=9.0),
    ) == {"forged": 5}  # fmt: skip


def test_id_without_log_row_is_rejected_as_unknown_answer(judged):
    assert judged(event(answer(["pear"]), "pear")) == {"unknown-answer": 1}


def test_events_of_other_shoppers_are_rejected(judged, given):
    others = [event(given, "pear", user_id="bob"), event(given, "pear", user_id=None, session_id="s9")]

    assert judged(*others) == {"other-shopper": 2}


def test_shopper_is_matched_by_user_or_session(judged, given):
    given["session"] = PSEUDONYMS.shopper("s1")
    given["item_ids"] = ["pear", "plum", "fig"]
    mine = [event(given, "pear", user_id=None, session_id="s1"), event(given, "fig", user_id="bob", session_id="s1")]

    assert judged(*mine, clicks=3) == {}


def test_response_with_unknown_shopper_hash_is_unverifiable(judged):
    unknown = answer(["pear"], shopper="unknown")

    assert judged(event(unknown, "pear"), answers=(unknown,)) == {"unverifiable": 1}


@pytest.mark.parametrize("value", [1.7e308, -1.0000001e9, float("inf"), float("-inf"), float("nan")])
def test_event_with_value_out_of_range_is_rejected(judged, given, value):
    kinds = ("purchase", "return", "click")
    events = [event(given, "pear", kind, event_value=value, impression=["pear"]) for kind in kinds]

    assert judged(*events) == {"value-out-of-range": 3}


def test_largest_event_values_are_summed_exactly(shop, given):
    other = answer(["pear"])
    shop.write_served([given, other])
    values = {"purchase": MAX_EVENT_VALUE, "return": -1.0}
    shop.write_events([event(of, "pear", kind, event_value=v) for of in (given, other) for kind, v in values.items()])

    shop.attribute()

    assert shop.engagement()["all", "all"].revenue == 2 * (1e9 - 1.0)


@pytest.mark.parametrize(
    ("after_ms", "reasons"),
    [(-300_001, {"before-served": 1}), (-300_000, {}), (7 * DAY_MS, {}), (7 * DAY_MS + 1, {"too-late": 1})],
)
def test_event_outside_the_attribution_window_is_rejected(judged, given, after_ms, reasons):
    assert judged(event(given, "pear", after_ms=after_ms), clicks=1 if reasons else 2) == reasons


@pytest.mark.parametrize(("after_days", "reason"), [(9, "too-late"), (-3, "before-served")])
def test_event_far_outside_the_window_is_rejected_on_its_own_day(shop, given, after_days, reason):
    shop.process(
        [given, answer(["pear"], served_ms=SERVED_MS - 5 * DAY_MS)],
        [event(given, "pear", after_ms=after_days * DAY_MS)],
        now_ms=NOW_MS + 20 * DAY_MS,
    )

    assert shop.rejected(DAY + after_days) == {reason: 1}
    assert shop.rejected() == {}


@pytest.mark.parametrize("after_days", [0, 2])
def test_event_for_day_without_responses_is_counted_as_unknown_answer(shop, given, after_days):
    other = answer(["pear"], served_ms=SERVED_MS - 3 * DAY_MS)

    shop.process([other], [event(given, "pear", after_ms=after_days * DAY_MS)], now_ms=NOW_MS + 20 * DAY_MS)
    assert shop.rejected(DAY + after_days) == {"unknown-answer": 1}

    shop.write_served([given])  # The response arrives later than the event.
    shop.attribute(now_ms=NOW_MS + 20 * DAY_MS)
    assert shop.outcomes()[given["recommendation_id"]]["clicks"] == 1
    assert [shop.rejected(DAY + days) for days in (0, after_days)] == [{}, {}]


@pytest.mark.parametrize(("early_days", "clicks", "reasons"), [(3, 1, {}), (4, 0, {"before-served": 1})])
def test_clock_skew_of_days_accepts_early_events(shop, given, early_days, clicks, reasons):
    shop.process(
        [given, answer(["pear"], served_ms=SERVED_MS - 5 * DAY_MS)],
        [event(given, "pear", after_ms=-early_days * DAY_MS)],
        rules=AttributionRules(clock_skew_ms=3 * DAY_MS),
    )

    assert shop.outcomes()[given["recommendation_id"]]["clicks"] == clicks
    assert shop.rejected(DAY - early_days) == reasons


@pytest.mark.parametrize(
    ("fields", "reason"),
    [
        ({"recommendation_id": "forged", "user_id": "bob", "after_ms": 7 * DAY_MS + 1}, "forged"),
        ({"user_id": "bob", "event_value": 1e300, "after_ms": 7 * DAY_MS + 1}, "too-late"),
        ({"user_id": "bob", "event_value": 1e300, "after_ms": -300_001}, "before-served"),
        ({"user_id": "bob", "event_value": 1e300}, "other-shopper"),
        ({"event_value": 1e300}, "value-out-of-range"),
        ({"impression": ["pear"], "after_ms": 1}, "not-served"),
    ],
)
def test_event_with_several_faults_is_counted_by_the_first_reason(shop, given, fields, reason):
    shop.process(
        [given, answer(["pear"], served_ms=SERVED_MS + 7 * DAY_MS)],
        [event(given, "kiwi", "purchase", **fields)],
        now_ms=NOW_MS + 20 * DAY_MS,
    )

    # A forged recommendation ID has no valid date, so the event counts on its own day.
    day_of_event = DAY + (7 if reason == "forged" else 0)
    assert shop.rejected(day_of_event) == {reason: 1}
    assert shop.outcomes()[given["recommendation_id"]]["purchases"] == 0


@pytest.mark.parametrize("kind", ["cart", "click", "purchase", "return", "view"])
def test_event_before_its_impression_is_rejected(judged, given, kind):
    shown = event(given, None, "search", query="fruit", after_ms=60_001, impression=["pear"])

    assert judged(event(given, "pear", kind, event_value=5.0), shown) == {"before-impression": 1}


def test_events_of_items_not_served_are_rejected(judged, given):
    events = [event(given, "kiwi"), event(given, "kiwi", "purchase", event_value=5.0), event(given, None, "click")]

    assert judged(*events) == {"not-served": 3}


def test_shown_items_not_served_are_counted_separately(shop, judged, given):
    shown = event(given, None, "search", query="fruit", impression=["pear", "kiwi", "fig", "pear"])

    assert judged(shown) == {"shown-not-served": 2}
    assert shop.outcomes()[given["recommendation_id"]]["impressions"] == 1


def test_click_with_impression_in_same_event_counts(judged, given):
    assert judged(event(given, "pear", impression=["pear"]), clicks=2) == {}


def test_two_equal_order_lines_in_one_second_are_two_purchases(shop, given):
    line = event(given, "pear", "purchase", event_value=10.0)
    clicks = [event(given, "pear", event_id=f"click-{n}") for n in range(2)]

    shop.process([given], [line, {**line, "event_id": "line-2"}, {**line, "event_id": "line-2"}, *clicks])

    row = shop.outcomes()[given["recommendation_id"]]
    assert (row["clicks"], row["purchases"], row["revenue"]) == (1, 1, 20.0)
    assert shop.rejected() == {}


def test_item_revenue_is_never_negative(shop, given):
    other = answer(["pear"])

    shop.process(
        [given, other],
        [
            event(given, "pear", "purchase", event_value=10.0),
            event(given, "plum", "purchase", event_value=3.0),
            event(given, "pear", "return", event_value=-40.0),
            event(other, "pear", "purchase", event_value=-5.0),
        ],
    )

    row = shop.outcomes()[given["recommendation_id"]]
    assert (row["purchases"], row["revenue"]) == (2, 3.0)
    assert shop.outcomes()[other["recommendation_id"]]["revenue"] == 0.0


def test_log_row_that_contradicts_its_id_is_rejected(shop, given):
    known: dict[str, Any] = {"arms": ["spring/new"]}
    wrong = [
        {**answer(["pear"], **known), "arms": ["spring/nonsense"]},
        {**answer(["pear"], **known), "arms": ["spring/new", "photo/big"]},
        {**answer(["pear"], **known), "arms": []},
        {**answer(["pear"]), "model_version": "m2"},
        {**answer(["pear"]), "recommender": "popular"},
        {**answer(["pear"]), "served_ms": SERVED_MS + 1},
        {**answer(["pear"]), "recommendation_id": "A" * 40},
    ]

    shop.process([given, *wrong], [event(wrong[0], "pear")])

    assert list(shop.outcomes()) == [given["recommendation_id"]]
    assert shop.rejected() == {"forged-answer": 7, "unknown-answer": 1}
