"""What does not count for an answer: a reason and a number for each, and no outcome that it changes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from alsolike import served
from alsolike.errors import DaysFailed
from alsolike.interactions import MAX_EVENT_VALUE
from functions.attribute_outcomes import day
from functions.attribute_outcomes.answers import genuine as really
from functions.attribute_outcomes.rules import DAY_MS, Rules
from tests.unit.functions.attribute_outcomes.shops import (
    DATE,
    DAY,
    NOW_MS,
    PSEUDONYMS,
    SERVED_MS,
    answer,
    attribute,
    engagement_of,
    event,
    outcomes_of,
    rejected,
    write_events,
    write_served,
)

Answer = dict[str, Any]


@pytest.fixture
def s3(aws: Callable[[str], Any]) -> Any:
    return aws("s3")


@pytest.fixture
def given() -> Answer:
    return answer(["pear", "plum"])


@pytest.fixture
def judged(s3: Any, lake_bucket: str, given: Answer) -> Callable[..., dict[str, int]]:
    """Return what is rejected of events beside a click that counts; that one is all that the answer led to."""

    def judge(*events: dict[str, Any], answers: tuple[Answer, ...] = (), clicks: int = 1) -> dict[str, int]:
        write_served(s3, lake_bucket, [given, *answers])
        write_events(s3, lake_bucket, [event(given, "plum"), *events])
        attribute(s3, lake_bucket)
        row = outcomes_of(s3, lake_bucket)[given["recommendation_id"]]
        assert (row["clicks"], row["carts"], row["purchases"], row["revenue"]) == (clicks, 0, 0, 0.0)
        return rejected(s3, lake_bucket)

    return judge


def changed(recommendation_id: str) -> str:
    return ("B" if recommendation_id[20] == "A" else "A").join((recommendation_id[:20], recommendation_id[21:]))


def test_forged_and_truncated_ids_are_forged(judged: Callable[..., dict[str, int]], given: Answer) -> None:
    made = given["recommendation_id"]

    assert judged(
        event(changed(made), "pear"), event(made[:39], "pear"), event("", "pear"), event("é" * 40, "pear"),
        event("A" * 40, "pear", "purchase", event_value=9.0),
    ) == {"forged": 5}  # fmt: skip


def test_id_without_a_row_is_an_unknown_answer(judged: Callable[..., dict[str, int]]) -> None:
    assert judged(event(answer(["pear"]), "pear")) == {"unknown-answer": 1}


def test_others_cannot_click(judged: Callable[..., dict[str, int]], given: Answer) -> None:
    others = [event(given, "pear", user_id="bob"), event(given, "pear", user_id=None, session_id="s9")]

    assert judged(*others) == {"other-shopper": 2}


def test_shopper_may_be_told_by_user_or_session(judged: Callable[..., dict[str, int]], given: Answer) -> None:
    given["session"] = PSEUDONYMS.shopper("s1")
    given["item_ids"] = ["pear", "plum", "fig"]
    mine = [event(given, "pear", user_id=None, session_id="s1"), event(given, "fig", user_id="bob", session_id="s1")]

    assert judged(*mine, clicks=3) == {}


def test_anybody_may_click_what_was_answered_to_nobody(judged: Callable[..., dict[str, int]]) -> None:
    for_all = answer(["pear"], user=None)

    assert judged(event(for_all, "pear", user_id="bob"), answers=(for_all,)) == {}


def test_answer_to_a_shopper_whose_hash_is_missing_cannot_be_verified(judged: Callable[..., dict[str, int]]) -> None:
    unknown = answer(["pear"], shopper="unknown")

    assert judged(event(unknown, "pear"), answers=(unknown,)) == {"unverifiable": 1}


@pytest.mark.parametrize("value", [1.7e308, -1.0000001e9, float("inf"), float("-inf"), float("nan")])
def test_event_with_a_value_that_nothing_is_worth_does_not_count_at_all(
    judged: Callable[..., dict[str, int]], given: Answer, value: float
) -> None:
    kinds = ("purchase", "return", "click")
    events = [event(given, "pear", kind, event_value=value, impression=["pear"]) for kind in kinds]

    assert judged(*events) == {"value-out-of-range": 3}


def test_largest_values_add_up(s3: Any, lake_bucket: str, given: Answer) -> None:
    other = answer(["pear"])
    write_served(s3, lake_bucket, [given, other])
    values = {"purchase": MAX_EVENT_VALUE, "return": -1.0}
    write_events(
        s3, lake_bucket, [event(of, "pear", kind, event_value=v) for of in (given, other) for kind, v in values.items()]
    )

    attribute(s3, lake_bucket)

    assert engagement_of(s3, lake_bucket)["all", "all"].revenue == 2 * (1e9 - 1.0)


@pytest.mark.parametrize(
    ("after_ms", "reasons"),
    [
        (-300_001, {"before-served": 1}),
        (-300_000, {}),
        (7 * DAY_MS, {}),
        (7 * DAY_MS + 1, {"too-late": 1}),
    ],
)
def test_time_has_to_be_between_the_answer_and_the_windows_end(
    judged: Callable[..., dict[str, int]], given: Answer, after_ms: int, reasons: dict[str, int]
) -> None:
    assert judged(event(given, "pear", after_ms=after_ms), clicks=1 if reasons else 2) == reasons


@pytest.mark.parametrize(("after_days", "reason"), [(9, "too-late"), (-3, "before-served")])
def test_what_is_days_off_is_counted_on_its_own_day(
    s3: Any, lake_bucket: str, given: Answer, after_days: int, reason: str
) -> None:
    write_served(s3, lake_bucket, [given, answer(["pear"], served_ms=SERVED_MS - 5 * DAY_MS)])
    write_events(s3, lake_bucket, [event(given, "pear", after_ms=after_days * DAY_MS)])

    attribute(s3, lake_bucket, now_ms=NOW_MS + 20 * DAY_MS)

    assert rejected(s3, lake_bucket, DAY + after_days) == {reason: 1}
    assert rejected(s3, lake_bucket) == {}


@pytest.mark.parametrize("after_days", [0, 2])
def test_id_of_a_day_without_answers_is_an_unknown_answer_of_the_day_of_the_event(
    s3: Any, lake_bucket: str, given: Answer, after_days: int
) -> None:
    other = answer(["pear"], served_ms=SERVED_MS - 3 * DAY_MS)
    write_served(s3, lake_bucket, [other])
    write_events(s3, lake_bucket, [event(given, "pear", after_ms=after_days * DAY_MS)])

    attribute(s3, lake_bucket, now_ms=NOW_MS + 20 * DAY_MS)
    assert rejected(s3, lake_bucket, DAY + after_days) == {"unknown-answer": 1}

    write_served(s3, lake_bucket, [given])  # it comes later
    attribute(s3, lake_bucket, now_ms=NOW_MS + 20 * DAY_MS)
    assert outcomes_of(s3, lake_bucket)[given["recommendation_id"]]["clicks"] == 1
    assert [rejected(s3, lake_bucket, DAY + days) for days in (0, after_days)] == [{}, {}]


@pytest.mark.parametrize(("early_days", "clicks", "reasons"), [(3, 1, {}), (4, 0, {"before-served": 1})])
def test_clock_skew_may_be_days(
    s3: Any, lake_bucket: str, given: Answer, early_days: int, clicks: int, reasons: dict[str, int]
) -> None:
    write_served(s3, lake_bucket, [given, answer(["pear"], served_ms=SERVED_MS - 5 * DAY_MS)])
    write_events(s3, lake_bucket, [event(given, "pear", after_ms=-early_days * DAY_MS)])

    attribute(s3, lake_bucket, rules=Rules(clock_skew_ms=3 * DAY_MS))

    assert outcomes_of(s3, lake_bucket)[given["recommendation_id"]]["clicks"] == clicks
    assert rejected(s3, lake_bucket, DAY - early_days) == reasons


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
def test_first_reason_that_holds_is_counted(
    s3: Any, lake_bucket: str, given: Answer, fields: dict[str, Any], reason: str
) -> None:
    write_served(s3, lake_bucket, [given, answer(["pear"], served_ms=SERVED_MS + 7 * DAY_MS)])
    write_events(s3, lake_bucket, [event(given, "kiwi", "purchase", **fields)])

    attribute(s3, lake_bucket, now_ms=NOW_MS + 20 * DAY_MS)

    day_of_event = DAY + (7 if reason == "forged" else 0)  # a forged one is counted with its own day
    assert rejected(s3, lake_bucket, day_of_event) == {reason: 1}
    assert outcomes_of(s3, lake_bucket)[given["recommendation_id"]]["purchases"] == 0


@pytest.mark.parametrize("kind", ["cart", "purchase", "return", "view"])
def test_whatever_is_done_with_an_item_before_its_impression_does_not_count(
    judged: Callable[..., dict[str, int]], given: Answer, kind: str
) -> None:
    shown = event(given, None, "search", query="fruit", after_ms=60_001, impression=["pear"])

    assert judged(event(given, "pear", kind, event_value=5.0), shown) == {"before-impression": 1}


def test_items_that_were_not_served_do_not_count(judged: Callable[..., dict[str, int]], given: Answer) -> None:
    events = [event(given, "kiwi"), event(given, "kiwi", "purchase", event_value=5.0), event(given, None, "click")]

    assert judged(*events) == {"not-served": 3}


def test_items_that_are_shown_but_were_not_served_are_counted_apart(
    s3: Any, lake_bucket: str, judged: Callable[..., dict[str, int]], given: Answer
) -> None:
    shown = event(given, None, "search", query="fruit", impression=["pear", "kiwi", "fig", "pear"])

    assert judged(shown) == {"shown-not-served": 2}
    assert outcomes_of(s3, lake_bucket)[given["recommendation_id"]]["impressions"] == 1


def test_click_before_the_impression_does_not_count(judged: Callable[..., dict[str, int]], given: Answer) -> None:
    events = [
        event(given, "pear", after_ms=60_000),
        event(given, None, "search", query="fruit", after_ms=60_001, impression=["pear"]),
    ]

    assert judged(*events) == {"before-impression": 1}


def test_click_that_brings_its_impression_counts(judged: Callable[..., dict[str, int]], given: Answer) -> None:
    assert judged(event(given, "pear", impression=["pear"]), clicks=2) == {}


def test_event_that_is_sent_again_counts_once(
    s3: Any, lake_bucket: str, judged: Callable[..., dict[str, int]], given: Answer
) -> None:
    bought = event(given, "pear", "return", event_value=5.0)
    assert judged(bought, bought) == {}

    other = answer(["pear"], user="bob")
    purchase = event(other, "pear", "purchase", user_id="bob", event_value=10.0)
    write_served(s3, lake_bucket, [other], name="b")
    write_events(
        s3, lake_bucket, [purchase, {**purchase, "received_time_ms": purchase["received_time_ms"] + 5}], name="b"
    )
    write_events(s3, lake_bucket, [purchase], name="c")
    attribute(s3, lake_bucket)

    row = outcomes_of(s3, lake_bucket)[other["recommendation_id"]]
    assert (row["purchases"], row["revenue"]) == (1, 10.0)


def test_event_cannot_be_sent_again_for_another_answer(s3: Any, lake_bucket: str, given: Answer) -> None:
    other = answer(["pear"])
    first = event(given, "pear", "purchase", event_value=10.0)
    again = {
        **first,
        "recommendation_id": other["recommendation_id"],
        "received_time_ms": first["received_time_ms"] + 1,
    }
    write_served(s3, lake_bucket, [given, other])
    write_events(s3, lake_bucket, [again, first])

    attribute(s3, lake_bucket)

    rows = outcomes_of(s3, lake_bucket)
    assert rows[given["recommendation_id"]]["revenue"] == 10.0
    assert rows[other["recommendation_id"]]["revenue"] == 0.0


def test_two_order_lines_alike_within_a_second_are_two_purchases(s3: Any, lake_bucket: str, given: Answer) -> None:
    line = event(given, "pear", "purchase", event_value=10.0)
    clicks = [event(given, "pear", event_id=f"click-{n}") for n in range(2)]
    write_served(s3, lake_bucket, [given])
    write_events(s3, lake_bucket, [line, {**line, "event_id": "line-2"}, {**line, "event_id": "line-2"}, *clicks])

    attribute(s3, lake_bucket)

    row = outcomes_of(s3, lake_bucket)[given["recommendation_id"]]
    assert (row["clicks"], row["purchases"], row["revenue"]) == (1, 1, 20.0)
    assert rejected(s3, lake_bucket) == {}


def test_item_never_brings_less_than_nothing(s3: Any, lake_bucket: str, given: Answer) -> None:
    other = answer(["pear"])
    write_served(s3, lake_bucket, [given, other])
    write_events(
        s3,
        lake_bucket,
        [
            event(given, "pear", "purchase", event_value=10.0),
            event(given, "plum", "purchase", event_value=3.0),
            event(given, "pear", "return", event_value=-40.0),
            event(other, "pear", "purchase", event_value=-5.0),
        ],
    )

    attribute(s3, lake_bucket)

    row = outcomes_of(s3, lake_bucket)[given["recommendation_id"]]
    assert (row["purchases"], row["revenue"]) == (2, 3.0)
    assert outcomes_of(s3, lake_bucket)[other["recommendation_id"]]["revenue"] == 0.0


def test_row_that_is_not_what_its_id_says_is_no_answer(s3: Any, lake_bucket: str, given: Answer) -> None:
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
    write_served(s3, lake_bucket, [given, *wrong])
    write_events(s3, lake_bucket, [event(wrong[0], "pear")])

    attribute(s3, lake_bucket)

    assert list(outcomes_of(s3, lake_bucket)) == [given["recommendation_id"]]
    assert rejected(s3, lake_bucket) == {"forged-answer": 7, "unknown-answer": 1}


def test_object_that_is_no_parquet_fails_its_day_alone(s3: Any, lake_bucket: str, given: Answer) -> None:
    write_served(s3, lake_bucket, [given, answer(["pear"], served_ms=SERVED_MS + DAY_MS)])
    s3.put_object(Bucket=lake_bucket, Key=f"{served.partition_prefix(DATE)}broken.parquet", Body=b"PAR1")

    outcome = attribute(s3, lake_bucket)

    assert (outcome.days, outcome.complete) == (1, False)
    assert len(outcomes_of(s3, lake_bucket, "2026-09-22")) == 1
    with pytest.raises(DaysFailed, match=rf"1 days .*: {DATE}: InvalidDataset: .*broken\.parquet is not an object of"):
        outcome.raise_failures()


def test_whatever_fails_a_day_fails_it_alone_and_is_told_without_data(
    s3: Any, lake_bucket: str, given: Answer, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_served(s3, lake_bucket, [given, answer(["pear"], served_ms=SERVED_MS + DAY_MS)])

    def genuine(rows: Any, of: int) -> Any:
        if of == DAY:
            raise OverflowError("anna's order")
        return really(rows, of)

    monkeypatch.setattr(day, "genuine", genuine)
    outcome = attribute(s3, lake_bucket)

    assert len(outcomes_of(s3, lake_bucket, "2026-09-22")) == 1
    assert list(outcome.failed) == [DATE]
    assert outcome.failed[DATE].startswith("OverflowError in genuine, line ")
    monkeypatch.undo()
    assert attribute(s3, lake_bucket).failed == {}
    assert len(outcomes_of(s3, lake_bucket)) == 1
