"""Previews of rules through the API."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from jsonschema import Draft202012Validator

from alsolike.api.openapi import description
from alsolike.configuration.configuration import DEFAULT
from alsolike.runtime.aws import client as of_aws
from functions.operate import handler
from tests.unit.functions.operate.shop import RECOMMEND, Operator

ROUTE = "POST /operator/rules/preview"
FOUND = {
    "recommender": "for-you",
    "rules": None,
    "before": [{"itemId": "fig", "score": 2.0, "origin": "ranked", "metadata": {"TITLE": "Fig"}}],
    "after": [{"itemId": "fig", "score": 2.0, "origin": "ranked", "propensity": 0.75}],
    "beforeIsLive": False,
    "unmetRules": ["pin:plum filtered"],
    "degraded": [],
    "source": "model",
    "modelVersion": "v1",
}


class Recommend:
    """Lambda client whose function returns a given response."""

    def __init__(self) -> None:
        self.answer: dict[str, Any] = {"document": FOUND}
        self.requests: list[Any] = []

    def invoke(self, *, FunctionName: str, Payload: bytes) -> dict[str, Any]:  # noqa: N803
        assert FunctionName == RECOMMEND
        self.requests.append(json.loads(Payload))
        document = json.dumps(self.answer["document"]).encode()
        return {"Payload": io.BytesIO(document), **self.answer.get("more", {})}


@pytest.fixture
def recommend(empty: Operator, monkeypatch: pytest.MonkeyPatch) -> Recommend:
    found = Recommend()
    monkeypatch.setattr(
        handler, "client", lambda service, **how: found if service == "lambda" else of_aws(service, **how)
    )
    return found


def test_preview_returns_the_response_of_the_function(empty: Operator, recommend: Recommend) -> None:
    body = {"userId": "ann", "rules": "spring", "numResults": 5, "metadata": ["TITLE"]}

    assert empty.act(ROUTE, body) == FOUND
    assert recommend.requests == [{"preview": body}]
    schema = description(DEFAULT)["components"]["schemas"]["RulesPreview"]
    Draft202012Validator(schema).validate(FOUND)


@pytest.mark.parametrize(
    ("refused", "status"), [("InvalidInput", 400), ("InvalidConfiguration", 400), ("NotFound", 404)]
)
def test_preview_refused_by_the_function_is_refused(
    empty: Operator, recommend: Recommend, refused: str, status: int
) -> None:
    recommend.answer = {"document": {"refused": {"type": refused, "message": "preview.rules is 'x'"}}}

    assert empty.refused(ROUTE, {"userId": "ann"}) == (status, "preview.rules is 'x'")


def test_preview_returns_503_if_the_function_fails(empty: Operator, recommend: Recommend) -> None:
    recommend.answer = {
        "document": {"errorType": "Sandbox.Timedout", "errorMessage": "20 s"},
        "more": {"FunctionError": "Unhandled"},
    }

    assert empty.refused(ROUTE, {"userId": "ann"}) == (503, "Sandbox.Timedout: 20 s")


def test_preview_with_a_configuration_is_refused(empty: Operator, recommend: Recommend) -> None:
    status, message = empty.refused(ROUTE, {"userId": "ann", "configuration": {"format": 1}})

    assert (status, "configuration" in message, recommend.requests) == (400, True, [])
