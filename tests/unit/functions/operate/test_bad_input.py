"""Invalid requests. Their responses have status 400, 404 or 413 and a message. They change nothing."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from alsolike.recommendations.request_fields import PREVIEW
from alsolike.runtime.errors import InvalidInput
from functions.operate import handler
from functions.recommend.http.request import parse_preview
from tests.builders.api_description import described
from tests.builders.bad_input import (
    UNREADABLE,
    body_faults,
    is_refusal,
    path_faults,
    path_parameters,
    query_faults,
)
from tests.unit.functions.operate.shop import RECOMMEND

DRAFT: dict[str, Any] = {"filters": {}, "recommenders": {}, "rules": {"spring": {}}}
GOOD: dict[str, Any] = {
    "GET /operator/models": None,
    "GET /operator/models/{version}": None,
    "POST /operator/models/{version}/promotion": {"reason": "spring", "canary": False, "force": False, "etag": "x"},
    "POST /operator/models/{version}/pin": {"etag": "x"},
    "POST /operator/models/{version}/unpin": {"etag": "x"},
    "POST /operator/models/resume": {"etag": "x"},
    "POST /operator/rollbacks": {"reason": "worse", "canary": False, "champion": True, "etag": "x"},
    "GET /operator/trainings": None,
    "POST /operator/trainings": {"reason": "spring", "clientToken": "t"},
    "POST /operator/engagement": {},
    "POST /operator/drift": {},
    "POST /operator/session-tokens": {"sessionId": "s-1", "userId": "ann"},
    "GET /operator/rules": None,
    "POST /operator/rules": {"version": 0, "draft": DRAFT, "reason": "spring"},
    "GET /operator/rules/history": None,
    "POST /operator/rules/check": {"version": 0, "draft": DRAFT},
    "POST /operator/rules/preview": {
        "userId": "ann", "itemId": "fig", "recommender": "bought-together", "rules": "spring", "numResults": 5,
        "metadata": ["TITLE"], "cart": ["fig"], "draft": DRAFT,
    },
    "POST /operator/rules/forecasts": {"recommender": "for-you", "draft": DRAFT},
    "GET /operator/rules/forecasts/{forecastId}": None,
}  # fmt: skip


class Recommend:
    """Lambda client whose function parses previews as recommend does, and rejects all of them."""

    def invoke(self, *, FunctionName, Payload):  # noqa: N803
        assert FunctionName == RECOMMEND
        try:
            parse_preview(PREVIEW.read(json.loads(Payload)["preview"], "preview"))
            message = "this client shows no preview"
        except InvalidInput as error:
            message = str(error)
        refused = {"type": "InvalidInput", "message": message}
        return {"Payload": io.BytesIO(json.dumps({"refused": refused}).encode())}


@pytest.fixture(autouse=True)
def recommend(empty, replace_clients):
    replace_clients(handler, **{"lambda": Recommend()})


def answer_to(operator, key, fault):
    body = GOOD[key] if fault.body is None else fault.body
    path = fault.path or dict.fromkeys(path_parameters(key), "v4")
    return operator.call(key, b"" if body is None else body, path=path, query=fault.query)


def test_every_route_has_a_valid_request_to_vary(empty):
    empty.call("GET /operator/models")

    assert set(handler._routes()) == set(GOOD)


@pytest.mark.parametrize("key", GOOD)
def test_invalid_field_is_refused_with_a_message(empty, key):
    faults = [*path_faults(key), *query_faults(key), *(() if GOOD[key] is None else body_faults(key, GOOD[key]))]

    answers = [(fault, answer_to(empty, key, fault)) for fault in faults]

    assert [(str(fault), answer["body"]) for fault, answer in answers if not is_refusal(answer, says=fault.says)] == []
    assert bool(faults) == ("parameters" in described(key) or "requestBody" in described(key))


@pytest.mark.parametrize("key", [key for key in GOOD if GOOD[key]])
@pytest.mark.parametrize("name", UNREADABLE)
def test_unreadable_body_is_refused(empty, key, name):
    path = dict.fromkeys(path_parameters(key), "v4")

    answer = empty.call(key, UNREADABLE[name], base64_encoded=True, path=path)

    assert is_refusal(answer, says=())
