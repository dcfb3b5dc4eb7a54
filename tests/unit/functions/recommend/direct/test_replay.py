"""Direct invocations that replay a response, or return the lists of a draft for the histories in the request."""

import json
import re
import time

import pytest

from alsolike.registry.canary import Canary
from alsolike.runtime.errors import InvalidInput, NotFound
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import ARN, invoke


def replay(**fields):
    pear = {"userId": "anna", "history": [interaction("pear")]}
    return invoke(replay={"nowMs": NOW_MS, "recommender": "for-you", "numResults": 2, **pear, **fields})


def items(answer):
    return [item["itemId"] for item in answer["items"]]


def interaction(item_id):
    return {"timeMs": NOW_MS - 1000, "eventId": f"e-{item_id}", "itemId": item_id, "eventType": "view"}


def test_replay_uses_the_given_history_instead_of_the_profile(shop):
    """The model ranks fig and plum after a pear, and nothing after a kiwi."""
    shop.publish()
    shop.remember("u#anna", "kiwi")

    answer = replay()

    assert items(answer) == ["fig", "plum"]
    assert (answer["source"], answer["modelVersion"], answer["configuration"]) == ("model", "v1", 0)
    (reason,) = answer["items"][0]["reason"]
    assert json.loads(reason)["itemId"] == "pear"


def test_replay_uses_the_time_of_the_response(shop):
    """The fig is launched after the response and before now, so the filter excludes it only at the response's time."""
    shop.configure(filters={"launched": "EXCLUDE ItemID WHERE Items.LAUNCHED > NOW"})
    shop.publish()
    shop.catalogue({"fig": {"launched": NOW_MS // 1000 + 3600}, "plum": {"launched": NOW_MS // 1000 - 3600}})
    assert time.time() * 1000 > NOW_MS + 3_600_000

    answer = replay(filter="launched")

    assert [item["itemId"] for item in answer["items"] if item["origin"] == "ranked"] == ["plum"]


def test_replayed_ranking_ranks_the_given_items(shop):
    shop.publish()

    answer = replay(recommender="personalized-ranking", inputList=["kiwi", "fig"])

    assert items(answer) == ["fig", "kiwi"]


@pytest.mark.parametrize(
    "rules", [{"boosts": [{"filter": "sour", "factor": 3}]}, {"diversity": {"dial": 0.1, "columns": ["TAGS"]}}, {}]
)
def test_replayed_ranking_ignores_promotions(shop, rules):
    shop.configure(
        items={"columns": {"TAGS": "list"}},
        filters={"sour": 'INCLUDE ItemID WHERE Items.TAGS IN ("sour")'},
        rules={"own": rules} if rules else {},
        recommenders={"personalized-ranking": {"rules": "own"}} if rules else {},
    )
    shop.publish()
    promotion = {"percentPromotedItems": 50, "filterArn": f"{ARN}:filter/sour"}

    answer = replay(
        recommender="personalized-ranking", inputList=["kiwi", "fig"],
        promotions=[promotion],
    )  # fmt: skip

    assert items(answer) == ["fig", "kiwi"]


def test_replay_applies_filter_values_and_excluded_items(shop):
    shop.configure(filters={"tagged": "INCLUDE ItemID WHERE Items.TAGS IN ($TAG)"})
    shop.publish()
    shop.catalogue({"fig": {"tags": ["sweet"]}, "plum": {"tags": ["sour"]}, "kiwi": {"tags": ["sour"]}})

    filtered = replay(filter="tagged", filterValues={"TAG": '"sour"'})
    without = replay(exclude=["fig"])

    assert filtered["items"][0]["itemId"] == "plum"
    assert without["items"][0]["itemId"] == "plum"


def test_replay_is_not_logged_or_counted_as_served(shop, capsys):
    shop.publish()

    replay(recommender="popular")

    out = capsys.readouterr().out
    assert '{"served"' not in out
    assert "RecommendationsServed" not in out


@pytest.mark.parametrize(
    ("fields", "kind", "message"),
    [
        ({"recommender": "best"}, InvalidInput, "replay.recommender is"),
        ({"history": [{"itemId": "pear"}]}, InvalidInput, r"replay.history\[0\].timeMs is missing"),
        ({"filter": "none"}, NotFound, "filter is 'none'"),
    ],
)
def test_invalid_replay_is_refused_with_a_message(shop, fields, kind, message):
    refused = replay(**fields)["refused"]

    assert refused["type"] == kind.__name__
    assert re.search(message, refused["message"])


@pytest.mark.parametrize(
    "configuration",
    [
        {"recommenders": {"for-you": {"swaps": 0.5}}},
        {
            "items": {"columns": {"CREATION_TIMESTAMP": "timestamp"}},
            "rules": {"home": {"exploration": {"share": 0.5, "new_for_days": 30}}},
            "recommenders": {"for-you": {"rules": "home"}},
        },
    ],
    ids=["swaps", "exploration"],
)
def test_replay_draws_the_same_items_as_its_response(shop, configuration):
    shop.configure(**configuration)
    shop.publish()
    now_s = time.time_ns() // 1_000_000_000
    shop.catalogue({item: {"creationTimestamp": now_s - 60} for item in ("kiwi", "plum", "quince", "melon")})
    shop.remember("u#anna", "pear")
    drawn = set()
    for _ in range(200):  # with `swaps`, one in eight responses swaps the first two items
        document = json.loads(shop.post({"userId": "anna", "numResults": 3})["body"])
        served = [item["itemId"] for item in document["itemList"]]
        drawn.add(tuple(served))

        again = replay(
            nowMs=time.time_ns() // 1_000_000, numResults=3,
            recommendationId=document["recommendationId"],
        )  # fmt: skip

        assert items(again) == served
        if len(drawn) > 1:
            break
    assert len(drawn) > 1


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
    """After a view of a pear, the model ranks fig before plum. The draft pins kiwi at position 1."""
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
