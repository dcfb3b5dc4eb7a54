"""Lists of logged requests without and with a draft, by direct invocation."""

import json
import re
from typing import Any

import pytest

from alsolike.runtime.errors import InvalidInput
from functions.recommend import handler
from tests.builders.lambda_events import NOW_MS, LambdaContext

PINNED = {
    "format": 1,
    "recommenders": {"for-you": {"rules": "spring"}},
    "rules": {"spring": {"pins": [{"item": "kiwi", "position": 1}]}},
}


def request(user_id, *, seen, **fields):
    past = {"timeMs": NOW_MS - 1000, "eventId": f"e-{seen}", "itemId": seen, "eventType": "view"}
    return {"nowMs": NOW_MS, "recommender": "for-you", "numResults": 2, "userId": user_id, "history": [past], **fields}


def lists(*requests, configuration=PINNED):
    event = {"forecast": {"configuration": configuration, "requests": list(requests)}}
    document = handler.lambda_handler(json.loads(json.dumps(event)), LambdaContext())
    return document["lists"]


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


def test_invalid_draft_is_refused(shop):
    shop.publish()
    event = {"forecast": {"configuration": {"format": 1, "rules": 7}, "requests": []}}

    document = handler.lambda_handler(event, LambdaContext())

    assert document["refused"]["type"] == InvalidInput.__name__
    assert re.search("rules", document["refused"]["message"])


@pytest.mark.parametrize("missing", ["configuration", "requests"])
def test_forecast_without_a_field_is_refused(shop, missing):
    shop.publish()
    event: dict[str, Any] = {
        "forecast": {name: value for name, value in (("configuration", PINNED), ("requests", [])) if name != missing}
    }

    document = handler.lambda_handler(event, LambdaContext())

    assert document["refused"]["type"] == InvalidInput.__name__
