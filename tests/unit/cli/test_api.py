import dataclasses
import json

import pytest

from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound, Unavailable
from operations.client.api import Api
from operations.client.deployment import Deployment
from operations.keys import COMMANDS, Keys
from tests.unit.cli.command_line import run, run_json
from tests.unit.cli.endpoints import serving
from tests.unit.cli.shop import KEY, NAMES, put_parameters

HEADERS = {
    "X-Alsolike-Source": "model",
    "x-alsolike-filled": "1",
    "x-alsolike-model-version": "v1",
    "x-alsolike-degraded": "bundle-unreadable",
    "x-alsolike-rules": "spring",
    "x-alsolike-rules-unmet": "pin:7 filtered",
}
ANSWER = {
    "itemList": [
        {"itemId": "b", "score": 0.75, "metadata": {"TITLE": "Bread"}},
        {"itemId": "c", "score": 0.25, "metadata": {}},
    ],
    "recommendationId": "id-1",
}
REASON = {"itemId": "c", "eventType": "purchase", "timestamp": 1_764_032_400.0, "contribution": 0.51239}


BUSY = (429, {"Retry-After": "0"}, {"message": "Too Many Requests"})


@pytest.fixture
def server():
    with serving() as server:
        server.answers["/recommendations"] = 200, HEADERS, ANSWER
        yield server


def api(server):
    names = dataclasses.replace(NAMES, api_url=server.url)
    return Api(Deployment("shop", names, lambda service: None, lambda: KEY, is_local=False))


def test_recommendations_have_the_values_of_the_headers(server):
    answer = api(server).recommendations("7", k=2, metadata=["TITLE"])

    assert [(item.item_id, item.score, dict(item.metadata)) for item in answer.items] == [
        ("b", 0.75, {"TITLE": "Bread"}),
        ("c", 0.25, {}),
    ]
    assert (answer.source, answer.filled, answer.model_version) == ("model", 1, "v1")
    assert answer.degraded == "bundle-unreadable"
    assert (answer.rules, answer.unmet_rules) == ("spring", "pin:7 filtered")
    path, key_id, body = server.requests[0]
    assert (path, key_id) == ("/recommendations", KEY.key_id)
    assert json.loads(body) == {"userId": "7", "numResults": 2, "metadataColumns": {"ITEMS": ["TITLE"]}}


def test_throttled_request_is_sent_again(server):
    server.first_answers = [BUSY, BUSY]

    answer = api(server).recommendations("7", k=2)

    assert answer.source == "model"
    assert [json.loads(body)["userId"] for _, _, body in server.requests] == ["7", "7", "7"]


def test_continuously_throttled_request_raises_unavailable(server):
    server.first_answers = [BUSY] * 20

    with pytest.raises(Unavailable, match="answered 429: Too Many Requests"):
        api(server).recommendations("7", k=2)

    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("retry_after", "pause_s"),
    [("3", 3.0), ("0", 0.0), ("86400", 30.0), (None, 1.0), ("-1", 1.0), ("Fri, 31 Dec 2027 23:59:59 GMT", 1.0)],
)
def test_retry_delay_is_that_of_the_response(retry_after, pause_s, server, monkeypatch):
    server.first_answers = [(429, {"Retry-After": retry_after} if retry_after else {}, {})]
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("random.uniform", lambda low, high: low)

    api(server).recommendations("7", k=2)

    assert pauses == [pause_s]


def test_request_options_have_the_format_of_personalize(server):
    explained = {**ANSWER, "itemList": [{"itemId": "b", "score": 0.75, "reason": [json.dumps(REASON)]}]}
    server.answers["/recommendations"] = 200, HEADERS, explained

    answer = api(server).recommendations(
        None, k=2, recommender="similar-items", item_id="pear", cart=["fig"], filter_name="cheap",
        filter_values={"PRICE": "20"}, explain=True,
    )  # fmt: skip

    assert answer.items[0].reasons == (REASON,)
    assert json.loads(server.requests[0][2]) == {
        "numResults": 2,
        "itemId": "pear",
        "cart": ["fig"],
        "recommenderArn": "arn:aws:personalize:::recommender/similar-items",
        "filterArn": "arn:aws:personalize:::filter/cheap",
        "filterValues": {"PRICE": "20"},
        "explain": True,
    }


def test_events_have_the_format_of_personalize(server):
    server.answers["/events"] = 200, {}, {}
    event = {"eventType": "view", "itemId": "a", "sentAt": 1_500_000_000}

    api(server).put_events("7", [event], session_id="s")

    path, key_id, body = server.requests[0]
    assert (path, key_id) == ("/events", KEY.key_id)
    assert json.loads(body) == {
        "trackingId": "alsolike-shop", "userId": "7", "sessionId": "s", "eventList": [event],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (400, InvalidInput),
        (404, NotFound),
        (409, ConcurrentUpdate),
        (401, Unavailable),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_refused_call_is_sent_once_and_has_the_message_of_the_api(server, status, kind):
    server.answers["/recommendations"] = status, {"Retry-After": "0"}, {"message": "userId is missing"}

    with pytest.raises(kind, match=f"^POST /recommendations answered {status}: userId is missing$"):
        api(server).recommendations("7", k=2)

    assert len(server.requests) == 1


def test_closed_connection_is_opened_again(server):
    server.answers["/recommendations"] = 200, {**HEADERS, "connection": "close"}, ANSWER
    caller = api(server)

    caller.recommendations("7", k=2)
    caller.recommendations("7", k=2)

    assert len(server.requests) == 2


def test_unreachable_api_raises_unavailable(server):
    caller = api(server)
    server.shutdown()
    server.server_close()

    with pytest.raises(Unavailable, match=f"{server.url}/personalize/recommendations"):
        caller.recommendations("7", k=2)


def test_recommend_prints_titles_and_the_source(deployment, server):
    key_arn = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
    names = dataclasses.replace(NAMES, api_url=server.url, keys_encryption_arn=key_arn)
    put_parameters(deployment.client("ssm"), "shop", names)

    result = run("recommend", "--user", "7", "-k", "2", "--env", "shop")

    assert result.exit_code == 0
    assert "Bread" in result.stdout
    assert "source model, the last 1 popular, model v1" in result.stdout
    assert "degraded: bundle-unreadable" in result.stdout
    (key,) = Keys(deployment.client, names).all()
    assert (server.requests[-1][1], key.client) == (key.key_id, COMMANDS)

    document = run_json("recommend", "--user", "7", "--env", "shop")
    assert [item["item_id"] for item in document["items"]] == ["b", "c"]


def test_recommend_without_data_has_the_next_step(deployment, server, monkeypatch):
    server.answers["/recommendations"] = 200, {"x-alsolike-model-version": "none"}, {"itemList": []}
    names = dataclasses.replace(deployment.names, api_url=server.url)
    shop = dataclasses.replace(deployment, names=names, key=lambda: KEY)
    monkeypatch.setattr("operations.client.deployment.resolve", lambda **_: shop)

    with pytest.raises(NotFound, match="there are no interactions yet"):
        run("recommend", "--user", "7")


def test_explained_recommendations_have_reasons_as_text(server, shop, monkeypatch):
    reasons = [json.dumps(REASON), json.dumps(REASON | {"itemId": "d", "eventType": "view", "contribution": 0.1})]
    explained = {**ANSWER, "itemList": [{"itemId": "b", "score": 0.75, "reason": reasons}]}
    server.answers["/recommendations"] = 200, HEADERS, explained
    deployment = dataclasses.replace(shop, names=dataclasses.replace(NAMES, api_url=server.url))
    monkeypatch.setattr("operations.client.deployment.resolve", lambda **_: deployment)

    table = run("recommend", "--user", "7", "--explain").stdout
    document = run("recommend", "--user", "7", "--explain", "--json")

    assert "purchase c (0.512); view d (0.1)" in table
    assert json.loads(document.stdout)["items"][0]["reasons"][0] == REASON
