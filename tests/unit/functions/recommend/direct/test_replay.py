"""Replays of a response with reasons, at its time and with the given history."""

import json
import re
import time

import pytest

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
        ({"numResults": 501}, InvalidInput, "replay.numResults is 501"),
        ({"history": [{"itemId": "pear"}]}, InvalidInput, r"replay.history\[0\].timeMs is missing"),
        ({"filter": "none"}, NotFound, "filter is 'none'"),
        ({"colour": "red"}, InvalidInput, "colour is not a known field"),
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
