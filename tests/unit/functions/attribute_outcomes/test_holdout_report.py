"""Daily report of the holdout."""

import orjson
import pytest

from alsolike.configuration.experiments import Arm, Experiment
from alsolike.declarations.storage import INCREMENTS_KEY
from alsolike.declarations.times import DAY_MS
from functions.attribute_outcomes.holdout_report import update_increments
from tests.builders.attribution import NOW_MS
from tests.builders.outcome_rows import Outcome, store

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
