"""Recommended actions with propensities."""

import dataclasses
import time
from collections import Counter
from typing import Any

import numpy as np
import orjson
import pytest

from alsolike.bundle.action_model import BIAS, ActionModel
from alsolike.catalogue.actions import Action, ActionStore
from alsolike.declarations.storage import ACTIONS_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.events.action_events import action_properties
from alsolike.events.interactions import ACTION_TAKEN
from alsolike.profiles.profile_table import ProfileStore
from alsolike.runtime.errors import InvalidInput
from functions.recommend import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext, http_event, interaction
from tests.unit.functions.recommend.shop import ARN, invoke

MODEL = ActionModel(
    0.2,
    True,
    {BIAS: 0, ("action", "app"): 1, ("action", "mail"): 2, ("both", "plan", "gold", "mail"): 3, ("taken",): 4},
    np.array([-1.0, 0.5, -0.5, 3.0, 2.0]),
    np.array([0.0, 0.1, 0.1, 0.0, 0.0]),
)


@pytest.fixture
def shop(shop):
    shop.serve(actions=MODEL)
    put(shop, Action("app", {}), Action("mail", {}))
    aliases: dict[str, Any] = {
        name: {"name": name, "recommender": recommender, "hides": [], "filter": None, "recipe": None,
               "exploration": None if share is None else {"share": share, "new_for_days": 30}}
        for name, recommender, share in (
            ("exact", "next-best-action", 0.0), ("curious", "next-best-action", 1.0), ("home", "for-you", None),
        )
    }  # fmt: skip
    shop.put("config/own-names.json", orjson.dumps({"aliases": aliases, "filters": {}}))
    return shop


def put(shop, *actions):
    ActionStore(shop.s3, shop.bucket).put(actions, now_ms=NOW_MS)


def took(shop, action_id, *, before_ms):
    event = interaction(
        f"e{before_ms}",
        item_id=None,
        event_type=ACTION_TAKEN,
        event_time_ms=now_ms() - before_ms,
        properties=action_properties(action_id),
    )
    ProfileStore(shop.dynamodb, shop.profiles_table).add_actions([event], now_ms=NOW_MS)


def now_ms():
    return time.time_ns() // 1_000_000


def recommend(*, campaign="exact", **fields):
    body = {"campaignArn": f"{ARN}:campaign/{campaign}", "userId": "anna", **fields}
    answer = handler.lambda_handler(http_event("POST /action-recommendations", body), LambdaContext())
    return {**answer, "document": orjson.loads(answer["body"])}


def actions(**fields):
    return [action["actionId"] for action in recommend(**fields)["document"]["actionList"]]


def test_actions_are_ranked_by_propensity(shop):
    answer = recommend()

    assert answer["statusCode"] == 200
    assert answer["document"]["actionList"] == [
        {"actionId": "app", "score": pytest.approx(1 / (1 + np.exp(0.5)))},
        {"actionId": "mail", "score": pytest.approx(1 / (1 + np.exp(1.5)))},
    ]
    assert answer["headers"]["x-alsolike-model-version"] == "v1"
    assert "x-alsolike-degraded" not in answer["headers"]
    assert len(answer["document"]["recommendationId"]) <= 40


def test_number_of_actions_is_limited(shop):
    put(shop, *(Action(f"other {number}", {}) for number in range(10)))

    assert len(actions()) == len(actions(numResults=0)) == 5
    assert actions(numResults=1) == ["app"]


def test_user_columns_and_earlier_outcomes_change_action_scores(shop):
    shop.configure(users={"columns": {"plan": "string"}})
    took(shop, "app", before_ms=DAY_MS)
    with_history = recommend()["document"]["actionList"]
    shop.register("anna", plan="gold")

    assert with_history[0]["actionId"] == "app"
    assert with_history[0]["score"] == pytest.approx(1 / (1 + np.exp(0.5 - 2 * np.log(2))))
    assert actions() == ["mail", "app"]


def test_expired_actions_are_omitted(shop):
    put(shop, Action("app", {"actionExpirationTimestamp": now_ms() / 1000 - 1}))

    assert actions() == ["mail"]


def test_action_is_not_repeated_before_its_repeat_frequency(shop):
    put(shop, Action("app", {"repeatFrequency": 2}), Action("mail", {"repeatFrequency": 1}))
    took(shop, "app", before_ms=DAY_MS + 60_000)
    took(shop, "mail", before_ms=DAY_MS + 60_001)

    assert actions() == ["mail"]


def test_action_without_repeat_frequency_is_repeated_after_a_future_event(shop):
    took(shop, "app", before_ms=-60_000)

    assert actions() == ["app", "mail"]


def test_value_multiplies_the_propensity(shop):
    put(shop, Action("mail", {"value": 10}))

    assert actions() == ["mail", "app"]


def test_exploration_changes_the_order_and_not_the_scores(shop):
    put(shop, Action("new", {}))

    answers = [recommend(campaign="curious")["document"]["actionList"] for _ in range(60)]

    first = Counter(answer[0]["actionId"] for answer in answers)
    assert first["app"] > 10
    assert first["new"] > 3
    assert len({action["score"] for answer in answers for action in answer}) == 3
    assert {tuple(actions()) for _ in range(10)} == {("app", "new", "mail")}


def test_untrained_action_model_is_reported_as_degraded(shop, counted):
    shop.serve("v2", actions=dataclasses.replace(MODEL, fitted=False))

    answer = recommend()

    assert answer["headers"]["x-alsolike-degraded"] == "action-rates"
    assert counted() == {"ActionAnswers": 1, "ActionAnswersDegraded": 1}


@pytest.mark.parametrize(
    ("body", "reason", "readable"),
    [
        (b'{"app": {}, "mail": null}', "stale-actions", ["app"]),
        (b'{"app": {}, "mail": ["x"]}', "stale-actions", ["app"]),
        (b"null", "no-actions", []),
        (b"[1]", "no-actions", []),
    ],
)
def test_damaged_actions_are_omitted_and_reported_as_degraded(shop, body, reason, readable):
    shop.put(ACTIONS_KEY, body)

    answer = recommend()

    assert answer["statusCode"] == 200
    assert answer["headers"]["x-alsolike-degraded"] == reason
    assert [action["actionId"] for action in answer["document"]["actionList"]] == readable


def test_erased_user_has_no_history(shop):
    took(shop, "app", before_ms=DAY_MS)
    ProfileStore(shop.dynamodb, shop.profiles_table).erase("u#anna", now_ms=NOW_MS)

    assert recommend()["document"]["actionList"][0]["score"] == pytest.approx(1 / (1 + np.exp(0.5)))


@pytest.mark.parametrize(
    ("fields", "status", "message"),
    [
        ({"campaign": "home"}, 404, "/next-best-action or /exact or /curious"),
        ({"campaign": "unknown"}, 404, "/next-best-action or /exact or /curious"),
        ({"filterArn": f"{ARN}:filter/cheap"}, 400, "filterArn is given, expected none"),
    ],
)
def test_request_for_actions_is_refused_with_its_reason(shop, fields, status, message):
    answer = recommend(**fields)

    assert answer["statusCode"] == status
    assert message in answer["document"]["message"]


def test_batch_of_actions_equals_single_requests_and_refuses_invalid_users(shop):
    took(shop, "app", before_ms=DAY_MS)
    batch = {"users": ["anna", "", "ben"], "recommender": "next-best-action", "numResults": 2}

    results = invoke(batch=batch)["results"]

    assert results[1] == {"error": 'userId is "", expected a non-empty string'}
    for result, user in ((results[0], "anna"), (results[2], "ben")):
        single = {one["actionId"]: one["score"] for one in recommend(userId=user)["document"]["actionList"]}
        assert {one["itemId"]: one["score"] for one in result["itemList"]} == pytest.approx(single)
        assert (result["userId"], result["source"], result["modelVersion"]) == (user, "actions", "v1")
    scores = [{one["itemId"]: one["score"] for one in results[number]["itemList"]} for number in (0, 2)]
    assert scores[0] != scores[1]  # Only Anna took an action.


def test_batch_of_actions_refuses_a_filter(shop):
    batch = {"users": ["anna"], "recommender": "next-best-action", "filter": "cheap"}

    with pytest.raises(InvalidInput, match=r"batch\.filter is 'cheap', expected none: next-best-action has no filters"):
        invoke(batch=batch)
