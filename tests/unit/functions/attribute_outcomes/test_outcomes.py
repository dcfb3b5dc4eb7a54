"""Outcomes of responses, compared with values computed by hand, and the daily report of the holdout."""

from typing import Any

import orjson
import pytest

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.configuration.experiments import Arm, Experiment
from alsolike.declarations.storage import INCREMENTS_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from functions.attribute_outcomes.holdout_report import update_increments
from tests.builders.attribution import NOW_MS, SERVED_MS, answer, event
from tests.builders.outcome_rows import Outcome, store


def test_outcomes_equal_values_computed_by_hand(shop):
    arm = "spring/new"
    first = answer(["pear", "plum", "fig"], arms=[arm])
    second = answer(["pear", "kiwi"], user="bob", recommender="similar-items", degraded=["model"])
    third = answer([], user=None, model_version="none")

    shop.process(
        [first, second, third],
        [
            event(first, "pear", "view", impression=["pear", "plum"]),
            event(first, "pear", "click", after_ms=70_000),
            event(first, "plum", "cart", after_ms=80_000),
            event(first, "plum", "purchase", after_ms=90_000, event_value=20.5),
            event(first, "plum", "purchase", after_ms=95_000, event_value=4.0),
            event(first, "plum", "return", after_ms=3 * DAY_MS, event_value=4.5),
            event(first, "fig", "click", after_ms=6 * DAY_MS),
            event(second, "kiwi", "click", user_id="bob"),
            event(None, "pear", "view", after_ms=-DAY_MS),
            event(None, "pear", "view", after_ms=-DAY_MS),
        ],
    )

    found = shop.outcomes()
    # Until the end of the day, there were 4 events about pears, 3 about plums, 1 about kiwis and 0 about figs.
    pear, plum, fig, kiwi = 1.0, 1.4150375, 3.0, 3.0  # log2 of 8/4, 8/3, 8/1 and 8/1.
    assert found[first["recommendation_id"]] == {
        **{name: first[name] for name in ("recommendation_id", "served_ms", "recommender", "model_version", "shopper")},
        "arms": [arm], "source": "model", "degraded": False, "items": 3, "impressions": 2, "clicks": 2,
        "shown_clicks": 1, "carts": 1, "purchases": 1, "revenue": 20.5 + 4.0 - 4.5, "new_items": 0,
        "novelty": pytest.approx((pear + plum + fig) / 3),
    }  # fmt: skip
    other = found[second["recommendation_id"]]
    assert (other["clicks"], other["impressions"], other["degraded"]) == (1, 0, True)
    assert other["novelty"] == pytest.approx((pear + kiwi) / 2)
    assert found[third["recommendation_id"]]["novelty"] is None
    assert shop.rejected() == {}


def test_shopper_is_the_user_or_else_the_session(shop):
    answers = [
        answer(["pear"], user="anna", session="the session"),
        answer(["pear"], user=None, session="the session"),
        answer(["pear"], user=None),
    ]

    shop.process(answers)

    found = shop.outcomes()
    assert [found[each["recommendation_id"]]["shopper"] for each in answers] == [
        answers[0]["shopper"], "the session", None,
    ]  # fmt: skip


def test_sums_are_grouped_by_recommender_model_and_arm(shop):
    answers = [
        answer(["pear", "plum"], arms=["spring/new", "photo/big"]),
        answer(["pear"], arms=["spring/old"], recommender="similar-items"),
        answer(["fig"], arms=["spring/new"], model_version="m2", degraded=["profile"]),
    ]

    shop.process(
        answers,
        [
            event(answers[0], "pear", impression=["pear", "plum"]),
            event(answers[0], "pear", "purchase", after_ms=90_000, event_value=30),
            event(answers[2], "fig", "purchase", event_value=0.5),
        ],
    )

    sums = shop.engagement()
    assert {key: (row.answers, row.items, row.clicks, row.revenue) for key, row in sums.items()} == {
        ("all", "all"): (3, 4, 1, 30.5),
        ("recommender", "for-you"): (2, 3, 1, 30.5),
        ("recommender", "similar-items"): (1, 1, 0, 0.0),
        ("model_version", "m1"): (2, 3, 1, 30.0),
        ("model_version", "m2"): (1, 1, 0, 0.5),
        ("arm", "spring/new"): (2, 3, 1, 30.5),
        ("arm", "spring/old"): (1, 1, 0, 0.0),
        ("arm", "photo/big"): (1, 2, 1, 30.0),
    }
    rates = sums["all", "all"].rates()
    assert rates["click_through"] == 1 / 2
    assert rates["conversion"] == 2 / 3
    assert rates["revenue_per_thousand"] == 1000 * 30.5 / 3
    assert rates["degraded_share"] == 1 / 3
    assert rates["coverage"] is None


@pytest.mark.parametrize("declared", [True, False])
def test_catalogue_gives_new_item_share_and_coverage(shop, declared):
    days = {"pear": 31, "plum": 30, "fig": 1, "kiwi": None, "date": 400}
    changes = [
        Change(item, 0, {} if age is None else {"creationTimestamp": (SERVED_MS - age * DAY_MS) // 1000})
        for item, age in days.items()
    ]
    columns = {"creationTimestamp": ColumnType.TIMESTAMP} if declared else {}
    first = answer(["pear", "plum", "fig", "kiwi", "gone"])
    second = answer(["pear"], recommender="popular")

    shop.process([first, second], catalogue=Snapshot([Segment.of(changes, columns)], version="1"))

    found = shop.outcomes()
    assert [found[each["recommendation_id"]]["new_items"] for each in (first, second)] == [2, 0]
    sums = shop.engagement()
    assert sums["all", "all"].rates()["coverage"] == 4 / 5
    assert sums["recommender", "popular"].rates()["coverage"] == 1 / 5
    assert sums["all", "all"].rates()["new_item_share"] == 2 / 6


def test_response_without_user_counts_per_viewer(shop):
    shared, own = answer(["pear", "plum"], user=None, recommender="popular"), answer(["pear"])
    viewers: list[dict[str, Any]] = [{"user_id": None, "session_id": f"s{n}"} for n in range(18)] + [
        {"user_id": "bob", "session_id": "s18"},
        {"user_id": "bob", "session_id": "s19"},  # Bob is one viewer in both sessions.
    ]
    seen = [event(shared, None, "search", query="fruit", impression=["pear", "plum"], **each) for each in viewers]
    events = [
        event(shared, "pear", after_ms=70_000, **viewers[0]),
        event(shared, "pear", "view", after_ms=71_000, **viewers[0]),
        event(shared, "pear", after_ms=70_000, **viewers[1]),
        event(shared, "plum", after_ms=70_000, user_id="bob"),
        event(shared, "plum", user_id="eve"),  # Eve reported no impressions.
        event(shared, "pear", "cart", after_ms=72_000, **viewers[0]),
        event(shared, "pear", "purchase", after_ms=75_000, event_value=8.0, **viewers[0]),
        event(shared, "pear", "purchase", after_ms=75_000, event_value=8.0, **viewers[1]),
        # The same viewer returns the pear for more than its price.
        event(shared, "pear", "return", after_ms=80_000, event_value=20.0, **viewers[1]),
        event(own, "pear", "purchase", event_value=5.0),
    ]

    shop.process([shared, own], [*seen, *events])

    row = shop.outcomes()[shared["recommendation_id"]]
    counts = ("items", "impressions", "clicks", "shown_clicks", "carts", "purchases", "revenue")
    assert [row[name] for name in counts] == [2, 19 * 2, 4, 3, 1, 2, 8.0]
    sums = shop.engagement()
    popular, everything = sums["recommender", "popular"], sums["all", "all"]
    assert (popular.answers, popular.shared_answers, popular.clicked_answers, popular.bought_answers) == (1, 1, 0, 0)
    assert (popular.revenue, popular.shared_revenue) == (8.0, 8.0)
    rates = popular.rates()
    assert (rates["click_through"], rates["conversion"], rates["revenue_per_thousand"]) == (3 / 38, None, None)
    assert (everything.answers, everything.revenue) == (2, 13.0)
    assert everything.rates()["conversion"] == 1 / 1
    assert everything.rates()["revenue_per_thousand"] == 1000 * 5.0 / 1


def test_click_before_impression_of_one_viewer_counts_for_another(shop):
    shared = answer(["pear"], user=None)

    shop.process(
        [shared],
        [
            event(shared, None, "search", query="fruit", impression=["pear"], after_ms=1_000),
            event(shared, "pear", after_ms=2_000, user_id="bob"),
            event(shared, None, "search", query="fruit", impression=["pear"], after_ms=3_000, user_id="bob"),
            event(shared, "pear", after_ms=4_000),
        ],
    )

    row = shop.outcomes()[shared["recommendation_id"]]
    assert (row["impressions"], row["clicks"]) == (2, 1)
    assert shop.rejected() == {"before-impression": 1}


def test_responses_and_events_of_agents_are_not_attributed(shop):
    agent_response, user_response = answer(["pear"], agent="assistant"), answer(["pear"])

    shop.process(
        [agent_response, user_response],
        [
            event(agent_response, "pear", agent="assistant"),
            event(user_response, "pear", "purchase", event_value=2.0, agent="assistant"),
            event(user_response, "pear"),
        ],
    )

    (outcome,) = shop.outcomes().values()
    assert (outcome["recommendation_id"], outcome["clicks"]) == (user_response["recommendation_id"], 1)
    assert (outcome["purchases"], outcome["novelty"]) == (0, 0.0)
    assert shop.rejected() == {}


START_MS = NOW_MS - 3 * DAY_MS
RECOMMENDED, POPULAR = Arm("recommended", 0.5), Arm("popular", 0.5, recommender="popular")


def holdout(**fields):
    values = {"name": "holdout", "layer": "holdout", "start_ms": START_MS, "end_ms": None}
    return Experiment(**{**values, "arms": (RECOMMENDED, POPULAR), **fields})


@pytest.fixture
def answered(shop):
    def answer(users):
        arms = [(arm, user) for arm in ("recommended", "popular") for user in range(users)]
        rows = [Outcome(f"{arm}-{user}", START_MS, (f"holdout/{arm}",), revenue=1.5) for arm, user in arms]
        store(shop.s3, shop.bucket, rows)

    return answer


def update(shop, *experiments, now_ms=NOW_MS):
    update_increments(shop.s3, shop.bucket, experiments, shopper=str, now_ms=now_ms)


def report(shop):
    keys = [each["Key"] for each in shop.s3.list_objects_v2(Bucket=shop.bucket).get("Contents", ())]
    if INCREMENTS_KEY not in keys:
        return None
    return orjson.loads(shop.s3.get_object(Bucket=shop.bucket, Key=INCREMENTS_KEY)["Body"].read())


def test_report_counts_users_and_attributed_revenue(shop, answered):
    answered(20)

    update(shop, holdout())

    found = report(shop) or {}
    assert (found["users"], found["heldOutUsers"], found["attributedRevenue"]) == (20, 20, 30.0)
    assert [each["metric"] for each in found["increments"]] == ["orders", "revenue"]


@pytest.mark.parametrize(
    ("later", "users"),
    [
        ({"now_ms": NOW_MS + 1_000}, 20),
        ({"now_ms": NOW_MS + DAY_MS}, 30),
        ({"start_ms": START_MS - 1}, 30),
        ({"name": "other"}, 0),
        ({"end_ms": NOW_MS - 9 * DAY_MS, "now_ms": NOW_MS + DAY_MS}, 20),
        ({"end_ms": NOW_MS, "now_ms": NOW_MS + DAY_MS}, 30),
    ],
    ids=["same day", "next day", "other start", "other holdout", "settled", "just ended"],
)
def test_report_is_replaced_once_a_day(later, users, shop, answered):
    answered(20)
    update(shop, holdout())
    answered(30)

    now_ms = later.pop("now_ms", NOW_MS)
    update(shop, holdout(**later), now_ms=now_ms)

    assert (report(shop) or {})["users"] == users


@pytest.mark.parametrize(
    "experiments",
    [
        [],
        [holdout(layer="other")],
        [holdout(start_ms=NOW_MS + 1)],
        [holdout(arms=(RECOMMENDED, POPULAR, Arm("third", 0.1)))],
    ],
    ids=["none", "other layer", "planned", "three arms"],
)
def test_shop_without_a_running_holdout_has_no_report(experiments, shop, answered):
    answered(20)

    update(shop, *experiments)

    assert report(shop) is None
