"""Lists of logged requests without and with a draft, by direct invocation."""

import time

import pytest

from alsolike.registry.canary import Canary
from alsolike.runtime.errors import InvalidInput, NotFound
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import invoke

PINNED = {
    "format": 1,
    "recommenders": {"for-you": {"rules": "spring"}},
    "rules": {"spring": {"pins": [{"item": "kiwi", "position": 1}]}},
}


def request(user_id, *, seen, **fields):
    past = {"timeMs": NOW_MS - 1000, "eventId": f"e-{seen}", "itemId": seen, "eventType": "view"}
    return {"nowMs": NOW_MS, "recommender": "for-you", "numResults": 2, "userId": user_id, "history": [past], **fields}


def lists(*requests, configuration=PINNED):
    return invoke(forecast={"configuration": configuration, "requests": list(requests)})["lists"]


def test_draft_changes_the_lists_of_logged_requests(shop):
    """The model ranks fig and plum after a pear."""
    shop.publish()
    shop.remember("u#anna", "kiwi")

    (found,) = lists(request("anna", seen="pear"))

    assert found == {"present": ["fig", "plum"], "draft": ["kiwi", "fig"], "degraded": []}


def test_lists_have_no_random_order(shop):
    shop.publish()
    shop.configure(recommenders={"for-you": {"swaps": 1.0}})

    found = lists(*[request("anna", seen="pear")] * 5)

    assert {tuple(each["present"]) for each in found} == {("fig", "plum")}


def test_request_without_its_filter_values_is_refused_alone(shop):
    shop.publish()
    shop.configure(filters={"cheap": "INCLUDE ItemID WHERE Items.PRICE < $MAX"})

    refused, answered = lists(request("anna", seen="pear", filter="cheap"), request("anna", seen="pear"))

    assert "MAX" in refused["refused"]
    assert answered["present"] == ["fig", "plum"]


@pytest.mark.parametrize(
    ("fields", "message"), [({"configuration": {"format": 1, "rules": 7}, "requests": []}, "rules"), ({}, "requests")]
)
def test_invalid_forecast_is_refused(shop, fields, message):
    shop.publish()

    refused = invoke(forecast={"configuration": PINNED, **fields})["refused"]

    assert refused["type"] == InvalidInput.__name__
    assert message in refused["message"]


def test_draft_may_have_the_model_of_a_canary(shop, monkeypatch):
    """The canary v2 recommends kiwis after a pear. Without a canary, the version is not loaded."""
    monkeypatch.setenv("CHAMPION_CHECK_S", "0")
    shop.publish_beside("v2")
    forecast = {"model": "v2", "requests": [request("anna", seen="pear")]}

    refused = invoke(forecast=forecast)["refused"]
    now_ms = time.time_ns() // 1_000_000
    canary = Canary("v2", "v1", 0.5, now_ms - 1_000, now_ms + 3_600_000, 1_000, "run")
    shop.registry.start_canary(shop.champion, canary)
    (found,) = invoke(forecast=forecast)["lists"]

    assert refused["type"] == NotFound.__name__
    assert "expected a loaded version: none" in refused["message"]
    assert found["present"] == ["fig", "plum"]
    assert found["draft"][0] == "kiwi"


def test_model_of_an_experiment_replaces_the_champion_of_all_users(shop):
    """Half of the users have the model v2 in the experiment."""
    shop.publish_beside("v2")
    arms = {"control": {"share": 0.5, "model": "v1"}, "new": {"share": 0.5, "model": "v2"}}
    start = {"start": "2020-01-01T00:00:00Z", "end": "2100-01-01T00:00:00Z"}
    shop.configure(experiments={"spring": {**start, "arms": arms}})
    requests = [request(f"user-{number}", seen="pear") for number in range(10)]

    found = invoke(forecast={"model": "v2", "requests": requests})["lists"]

    assert {(each["present"][0], each["draft"][0], *each["degraded"]) for each in found} == {("fig", "kiwi")}
