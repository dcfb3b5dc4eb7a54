"""Routes of the rule editor: rules, checks, publication, history and previews."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest

from alsolike.declarations.routes import READING, ROUTES
from functions.operate import handler
from operations.configuration.configuration_versions import ConfigurationStore
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.operate.shop import RECOMMEND, SUBJECT

ROUTE = "POST /operator/rules/preview"
DRAFT: dict[str, Any] = {
    "filters": {"all": 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("")'},
    "recommenders": {"for-you": {"rules": "spring", "swaps": 0.1}},
    "rules": {
        "spring": {
            "promotions": [{"filter": "all", "share": 0.2, "name": "sale", "from": "2026-01-01"}],
            "boosts": [{"filter": "all", "factor": 2}],
            "pins": [{"item": "fig", "position": 1, "until": "2199-12-30"}],
            "slate": [{"column": "brand", "at_most": 2}],
            "diversity": {"dial": 0.2, "columns": ["brand"]},
        }
    },
}
ARMS = {"a": {"share": 0.5}, "b": {"share": 0.5, "rules": "spring"}}
DOCUMENT: dict[str, Any] = {
    "format": 1,
    "items": {"columns": {"brand": "string"}},
    "experiments": {"e": {"start": "2026-01-01T00:00:00Z", "arms": ARMS}},
    **DRAFT,
}
FIG = {"itemId": "fig", "score": 2.0, "origin": "ranked"}
FOUND = {
    "recommender": "for-you", "rules": None, "before": [{**FIG, "metadata": {"TITLE": "Fig"}}],
    "after": [{**FIG, "propensity": 0.75}], "beforeIsLive": False, "unmetRules": ["pin:plum filtered"], "degraded": [],
    "source": "model", "modelVersion": "v1",
}  # fmt: skip


class Recommend:
    """Lambda client whose function returns a given response."""

    def __init__(self):
        self.answer: dict[str, Any] = {"document": FOUND}
        self.requests: list[Any] = []

    def invoke(self, *, FunctionName, Payload):  # noqa: N803
        assert FunctionName == RECOMMEND
        self.requests.append(json.loads(Payload))
        document = json.dumps(self.answer["document"]).encode()
        return {"Payload": io.BytesIO(document), **self.answer.get("more", {})}


@pytest.fixture
def recommend(empty, replace_clients):
    function = Recommend()
    replace_clients(handler, **{"lambda": function})
    return function


def test_preview_returns_the_response_of_the_function(empty, recommend):
    body = {"userId": "ann", "rules": "spring", "numResults": 5, "metadata": ["TITLE"]}

    assert empty.act(ROUTE, body) == FOUND
    assert recommend.requests == [{"preview": body}]


@pytest.mark.parametrize(
    ("refused", "status"), [("InvalidInput", 400), ("InvalidConfiguration", 400), ("NotFound", 404)]
)
def test_preview_refused_by_the_function_is_refused(empty, recommend, refused, status):
    recommend.answer = {"document": {"refused": {"type": refused, "message": "preview.rules is 'x'"}}}

    assert empty.refused(ROUTE, {"userId": "ann"}) == (status, "preview.rules is 'x'")


def test_preview_returns_503_if_the_function_fails(empty, recommend):
    recommend.answer = {
        "document": {"errorType": "Sandbox.Timedout", "errorMessage": "20 s"},
        "more": {"FunctionError": "Unhandled"},
    }

    assert empty.refused(ROUTE, {"userId": "ann"}) == (503, "Sandbox.Timedout: 20 s")


def test_preview_of_a_draft_sends_the_configuration_with_it(empty, recommend, store):
    draft = {**DRAFT, "rules": {"spring": {}}}

    empty.act(ROUTE, {"recommender": "bought-together", "cart": ["fig"], "draft": draft})

    (sent,) = recommend.requests
    assert sent["preview"]["cart"] == ["fig"]
    assert sent["preview"]["configuration"] == {**DOCUMENT, "rules": {"spring": {}}}


@pytest.fixture
def store(empty):
    store = ConfigurationStore(empty.s3, empty.bucket)
    store.apply(store.current(), DOCUMENT, text="", by="dev", reason="start", now_ms=1)
    return store


def test_rules_of_the_live_version_are_shown_with_their_uses(empty, store):
    document = empty.act("GET /operator/rules", b"")

    assert document["version"] == 1
    assert document["draft"] == DRAFT
    assert document["columns"] == {"brand": "string"}
    assert document["arms"] == {"spring": ["e/b"]}
    assert "bought-together" in document["recommenders"]
    assert document["readOnly"] is False


def test_rules_of_an_earlier_version_are_shown(empty, store):
    document = empty.call("GET /operator/rules", query={"version": "0"})["document"]

    assert (document["version"], document["draft"]["rules"]) == (0, {})
    assert empty.call("GET /operator/rules", query={"version": "7"})["statusCode"] == 404


def test_check_of_a_draft_returns_its_faults_and_differences(empty, store):
    changed = {"spring": {**DRAFT["rules"]["spring"], "pins": [{"item": "", "position": 1}]}}

    document = empty.act("POST /operator/rules/check", {"version": 1, "draft": {**DRAFT, "rules": changed}})

    assert [error["path"] for error in document["errors"]] == ["rules.spring.pins[0].item"]
    assert document["errors"][0]["message"].startswith('is "", expected an item')
    assert [change["path"] for change in document["changes"]] == ["rules.spring.pins"]
    assert (document["version"], document["meanwhile"]) == (1, [])


def test_check_compares_a_valid_draft_with_the_catalogue(empty, recommend, store):
    path = ["rules", "spring", "pins", 0, "item"]
    recommend.answer = {"document": {"warnings": [{"path": path, "message": "was deleted"}]}}

    document = empty.act("POST /operator/rules/check", {"version": 1, "draft": DRAFT})

    assert {"path": "rules.spring.pins[0].item", "message": "was deleted"} in document["warnings"]
    assert recommend.requests == [{"ruleCheck": {"configuration": DOCUMENT}}]


def test_failed_comparison_with_the_catalogue_is_a_warning(empty, recommend, store):
    recommend.answer = {"document": {"errorType": "Sandbox.Timedout"}, "more": {"FunctionError": "Unhandled"}}

    document = empty.act("POST /operator/rules/check", {"version": 1, "draft": DRAFT})

    (warning,) = (each for each in document["warnings"] if each["path"] == "rules")
    assert warning["message"].startswith("were not compared with the catalogue: Sandbox.Timedout")


def test_check_returns_the_changes_since_the_version_of_the_draft(empty, recommend, store):
    recommend.answer = {"document": {"warnings": []}}
    store.apply(store.current(), {**DOCUMENT, "recommenders": {}}, text="", by="dev", reason="", now_ms=2)

    document = empty.act("POST /operator/rules/check", {"version": 1, "draft": DRAFT})

    assert document["version"] == 2
    paths = ["recommenders.for-you.rules", "recommenders.for-you.swaps"]
    assert [(change["path"], change["added"]) for change in document["meanwhile"]] == [(path, []) for path in paths]


def test_published_draft_is_live_with_its_author_and_reason(empty, store, logged):
    draft = {**DRAFT, "rules": {"spring": {}}}

    assert empty.act("POST /operator/rules", {"version": 1, "draft": draft, "reason": "over"}) == {"version": 2}

    version = store.version(2)
    assert version.document == {**DOCUMENT, "rules": {"spring": {}}}
    assert (version.by, version.reason, version.applied_ms) == (f"operator {SUBJECT}", "over", NOW_MS)
    assert '"action":"publish rules"' in logged().replace(": ", ":")
    history = empty.act("GET /operator/rules/history", b"")
    assert [(entry["version"], entry["previous"]) for entry in history["versions"]] == [(2, 1), (1, 0)]


@pytest.mark.parametrize(
    ("version", "draft", "status"), [(0, DRAFT, 409), (1, {**DRAFT, "recommenders": {"for-you": {"rules": "x"}}}, 400)]
)
def test_draft_that_is_outdated_or_invalid_is_not_published(empty, store, version, draft, status):
    assert empty.refused("POST /operator/rules", {"version": version, "draft": draft, "reason": "x"})[0] == status
    assert store.current().version == 1


@pytest.mark.parametrize("groups", ["[read-only]", "[night read-only]"])
def test_read_only_operator_cannot_publish(empty, recommend, store, groups):
    recommend.answer = {"document": {"warnings": []}}
    empty.claims = {"cognito:groups": groups}

    status, message = empty.refused("POST /operator/rules", {"version": 1, "draft": DRAFT, "reason": "x"})

    assert status == 403
    assert message.startswith("POST /operator/rules is refused, because the operator is in the group read-only")
    assert store.current().version == 1
    assert empty.act("GET /operator/rules", b"")["readOnly"] is True
    assert empty.call("POST /operator/rules/check", {"version": 1, "draft": DRAFT})["statusCode"] == 200


@pytest.mark.parametrize("key", [key for key in ROUTES if ROUTES[key].function == "operate" and key not in READING])
def test_read_only_operator_can_call_only_reading_routes(empty, key):
    empty.claims = {"cognito:groups": "[read-only]"}

    refused = empty.call(key, b"{}", path={"version": "v1"})["statusCode"] == 403

    assert refused == (not key.startswith("GET "))


def test_operator_of_another_group_may_publish(empty, store):
    empty.claims = {"cognito:groups": "[read-only-friends]"}

    assert empty.act("POST /operator/rules", {"version": 1, "draft": DRAFT, "reason": "x"}) == {"version": 1}
