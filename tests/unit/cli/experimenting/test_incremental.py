"""`alsolike engagement --incremental`, compared with values computed by hand."""

import itertools
from functools import partial

import pytest

from alsolike.declarations.times import DAY_MS
from alsolike.lake import partitions
from alsolike.lake.partitions import event_date
from alsolike.runtime.errors import InvalidInput, NotFound
from operations import times
from tests.builders import world
from tests.builders.outcome_rows import Outcome, store
from tests.builders.parquet import parquet
from tests.unit.cli.command_line import run, run_json

START_MS = 1_772_323_200_000  # 2026-03-01T00:00:00Z
NOW_MS = START_MS + 10 * DAY_MS
USERS = 150
"""Number of users of each arm."""

ARMS = {"recommended": {"share": 0.5}, "popular": {"share": 0.5, "recommender": "popular"}}
_numbers = itertools.count()


def purchase(user, value=10.0, **fields):
    at_ms = fields.get("event_time_ms", START_MS + DAY_MS)
    defaults = {
        "event_id": f"event-{next(_numbers)}", "user_id": user, "session_id": f"session-{user}", "item_id": "pear",
        "event_type": "Purchase", "event_value": value, "event_time_ms": at_ms, "impression": [], "properties": "{}",
        "received_time_ms": at_ms, "schema_version": 1,
    }  # fmt: skip
    return {**defaults, **fields}


def write(shop, rows):
    by_day = itertools.groupby(sorted(rows, key=lambda row: row["event_time_ms"]), key=lambda row: row["event_time_ms"])
    for at_ms, day_rows in by_day:
        key = f"{partitions.partition_prefix(event_date(at_ms))}{next(_numbers)}.parquet"
        shop.client("s3").put_object(Bucket=shop.names.lake_bucket, Key=key, Body=parquet(day_rows))


def configure(shop, **experiments):
    world.configure(shop.client("s3"), shop.names.artefact_bucket, experiments=experiments)


@pytest.fixture
def shop(api_shop, pseudonyms, server, monkeypatch):
    """Return a deployment with a holdout of ten days, and one response to each user of both arms."""
    server.answers["/operator/cost"] = 200, {}, {"dollars": 73.0, "pricesOf": "2026-02-01"}
    monkeypatch.setattr(times, "now_ms", lambda: NOW_MS)
    configure(api_shop, holdout={"layer": "holdout", "start": "2026-03-01T00:00:00Z", "arms": ARMS})
    answers = [
        Outcome(pseudonyms.shopper(f"{arm}-{user}"), START_MS + DAY_MS, (f"holdout/{arm}",), revenue=1.5)
        for arm in ARMS
        for user in range(USERS)
    ]
    store(api_shop.client("s3"), api_shop.names.lake_bucket, answers)
    return api_shop


report = partial(run, "engagement", "--incremental")
document = partial(run_json, "engagement", "--incremental")


def test_all_orders_of_both_arms_are_compared(shop):
    """100 users with recommendations order twice, and 30 held-out users order once, at twice the price."""
    recommended = [purchase(f"recommended-{user}") for user in range(100) for _ in range(2)]
    write(shop, recommended + [purchase(f"popular-{user}", 20.0) for user in range(30)])

    compared = document()

    orders, revenue = compared["increments"]
    assert (compared["experiment"], compared["days"]) == ("holdout", 10.0)
    assert (compared["users"], compared["held_out_users"], compared["attributed_revenue"]) == (USERS, USERS, 225.0)
    assert (orders["with_recommendations"], orders["held_out"]) == (200 / USERS, 30 / USERS)
    assert (revenue["with_recommendations"], revenue["held_out"]) == (2_000 / USERS, 600 / USERS)
    assert orders["per_user"] == pytest.approx(170 / USERS)
    assert orders["total"] == pytest.approx(170)
    assert revenue["total"] == pytest.approx(1_400)
    assert 0 < orders["low"] < 170 / USERS < orders["high"]
    half = (orders["high"] - orders["low"]) / 2
    assert orders["days_until"]["0.1"] == pytest.approx(10 * (half / (0.1 * 30 / USERS)) ** 2)


def test_report_shows_both_arms_and_the_wait_for_precision(shop):
    write(shop, [purchase(f"{arm}-{user}") for arm in ARMS for user in range(40)])

    shown = report().stdout

    assert "holdout, 10.0 days: 150 users see recommendations, 150 see popular items" in shown
    assert "attributed revenue of the users with recommendations: 225.00\n" in shown
    assert f"bill of these days: about ${73 * 240 / 730:.2f}, estimated from the load of the last day" in shown
    assert "orders: the interval is ±10% after about " in shown


@pytest.mark.parametrize(
    "ignored",
    [
        purchase("recommended-0", event_type="view"),
        purchase("recommended-0", event_time_ms=START_MS - 40 * DAY_MS),
        purchase("recommended-0", event_time_ms=NOW_MS),
        purchase("recommended-0", agent="assistant"),
        purchase("stranger"),
        purchase("recommended-1", event_id="same"),
    ],
    ids=["view", "before the start", "future", "agent", "no response", "duplicate"],
)
def test_events_other_than_purchases_of_the_period_are_ignored(ignored, shop):
    write(shop, [purchase("recommended-1", event_id="same"), ignored])

    orders, _ = document()["increments"]

    assert (orders["with_recommendations"], orders["held_out"]) == (1 / USERS, 0)


def test_purchases_before_the_start_narrow_the_interval(shop):
    regular = [purchase(f"{arm}-{user}") for arm in ARMS for user in range(40) for _ in range(1 + user % 3)]
    write(shop, regular)
    wide, _ = document()["increments"]

    write(shop, [{**row, "event_id": f"{row['event_id']}-b", "event_time_ms": START_MS - DAY_MS} for row in regular])
    narrow, _ = document()["increments"]

    assert narrow["high"] - narrow["low"] < 0.2 * (wide["high"] - wide["low"])
    assert narrow["with_recommendations"] == wide["with_recommendations"]


@pytest.mark.parametrize(
    ("buyers", "wait"), [(["recommended"], "\n"), (["recommended", "popular"], ", after about 50 days\n")]
)
def test_too_few_orders_give_no_interval(buyers, wait, shop):
    """Each arm needs ten buyers. At two buyers in ten days, this takes 50 days."""
    write(shop, [purchase(f"{arm}-{user}") for arm in buyers for user in (1, 2)])

    shown = report().stdout

    assert f"orders: too little data; each arm needs 100 users, and 10 of them need an order{wait}" in shown


def test_report_without_a_bill_states_the_reason(shop, server):
    server.answers["/operator/cost"] = 503, {}, {"message": "CloudFormation does not answer"}

    shown = report().stdout

    assert "attributed revenue of the users with recommendations: 225.00\n" in shown
    assert "bill: unknown, " in shown
    assert "CloudFormation does not answer" in shown


def test_shop_without_a_holdout_gets_the_command_that_starts_one(shop):
    configure(shop, spring={"start": "2026-03-01T00:00:00Z", "arms": ARMS})

    with pytest.raises(NotFound, match="alsolike experiments start holdout --layer holdout"):
        report()


def test_holdout_with_three_arms_is_refused(shop):
    arms = {"recommended": {"share": 0.5}, "popular": {"share": 0.25}, "trending": {"share": 0.25}}
    configure(shop, holdout={"layer": "holdout", "start": "2026-03-01T00:00:00Z", "arms": arms})

    with pytest.raises(InvalidInput, match="holdout has 3 arms, expected 2 in the layer 'holdout'"):
        report()
