"""Commands that call the API: recommendations, items and users."""

import dataclasses
import json

import pytest

from alsolike.runtime.errors import ConcurrentUpdate, InvalidInput, NotFound, Unavailable
from operations.client.api import Api
from operations.keys import COMMANDS, Keys
from tests.unit.cli.command_line import run, run_json
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
def api(api_shop, server):
    server.answers["/recommendations"] = 200, HEADERS, ANSWER
    return Api(api_shop)


def test_recommendations_have_the_values_of_the_headers(api, server):
    answer = api.recommendations("7", k=2, metadata=["TITLE"])

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


def test_throttled_request_is_sent_again(api, server):
    server.first_answers = [BUSY, BUSY]

    answer = api.recommendations("7", k=2)

    assert answer.source == "model"
    assert [json.loads(body)["userId"] for _, _, body in server.requests] == ["7", "7", "7"]


def test_continuously_throttled_request_raises_unavailable(api, server):
    server.first_answers = [BUSY] * 20

    with pytest.raises(Unavailable, match="answered 429: Too Many Requests"):
        api.recommendations("7", k=2)

    assert len(server.requests) == 5


@pytest.mark.parametrize(
    ("retry_after", "pause_s"),
    [("3", 3.0), ("0", 0.0), ("86400", 30.0), (None, 1.0), ("-1", 1.0), ("Fri, 31 Dec 2027 23:59:59 GMT", 1.0)],
)
def test_retry_delay_is_that_of_the_response(api, retry_after, pause_s, server, monkeypatch):
    server.first_answers = [(429, {"Retry-After": retry_after} if retry_after else {}, {})]
    pauses: list[float] = []
    monkeypatch.setattr("time.sleep", pauses.append)
    monkeypatch.setattr("random.uniform", lambda low, high: low)

    api.recommendations("7", k=2)

    assert pauses == [pause_s]


def test_request_options_have_the_format_of_personalize(api, server):
    explained = {**ANSWER, "itemList": [{"itemId": "b", "score": 0.75, "reason": [json.dumps(REASON)]}]}
    server.answers["/recommendations"] = 200, HEADERS, explained

    answer = api.recommendations(
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


def test_events_have_the_format_of_personalize(api, server):
    server.answers["/events"] = 200, {}, {}
    event = {"eventType": "view", "itemId": "a", "sentAt": 1_500_000_000}

    api.put_events("7", [event], session_id="s")

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
def test_refused_call_is_sent_once_and_has_the_message_of_the_api(api, server, status, kind):
    server.answers["/recommendations"] = status, {"Retry-After": "0"}, {"message": "userId is missing"}

    with pytest.raises(kind, match=f"^POST /recommendations answered {status}: userId is missing$"):
        api.recommendations("7", k=2)

    assert len(server.requests) == 1


def test_closed_connection_is_opened_again(api, server):
    server.answers["/recommendations"] = 200, {**HEADERS, "connection": "close"}, ANSWER

    api.recommendations("7", k=2)
    api.recommendations("7", k=2)

    assert len(server.requests) == 2


def test_unreachable_api_raises_unavailable(api, server):
    server.shutdown()
    server.server_close()

    with pytest.raises(Unavailable, match=f"{server.url}/personalize/recommendations"):
        api.recommendations("7", k=2)


def test_recommend_prints_titles_and_the_source(deployment, server):
    server.answers["/recommendations"] = 200, HEADERS, ANSWER
    key_arn = deployment.client("kms").create_key()["KeyMetadata"]["Arn"]
    names = dataclasses.replace(NAMES, api_url=server.url, keys_encryption_arn=key_arn)
    put_parameters(deployment.client("ssm"), "shop", names)

    result = run("recommend", "--user", "7", "-k", "2", "--env", "shop", exit_code=0)

    assert "Bread" in result.stdout
    assert "source model, the last 1 popular, model v1" in result.stdout
    assert "degraded: bundle-unreadable" in result.stdout
    (key,) = Keys(deployment.client, names).all()
    assert (server.requests[-1][1], key.client) == (key.key_id, COMMANDS)

    document = run_json("recommend", "--user", "7", "--env", "shop")
    assert [item["item_id"] for item in document["items"]] == ["b", "c"]


def test_recommend_without_data_has_the_next_step(api_shop, server):
    server.answers["/recommendations"] = 200, {"x-alsolike-model-version": "none"}, {"itemList": []}

    with pytest.raises(NotFound, match="there are no interactions yet"):
        run("recommend", "--user", "7")


def test_explained_recommendations_have_reasons_as_text(api_shop, server):
    reasons = [json.dumps(REASON), json.dumps(REASON | {"itemId": "d", "eventType": "view", "contribution": 0.1})]
    explained = {**ANSWER, "itemList": [{"itemId": "b", "score": 0.75, "reason": reasons}]}
    server.answers["/recommendations"] = 200, HEADERS, explained

    table = run("recommend", "--user", "7", "--explain").stdout
    document = run_json("recommend", "--user", "7", "--explain")

    assert "purchase c (0.512); view d (0.1)" in table
    assert document["items"][0]["reasons"][0] == REASON


ROW = {"itemId": "sku/7", "properties": {"price": 0.59, "tags": ["a"]}, "updatedAt": 1_764_032_400.5}


def test_row_with_any_id_is_shown(api_shop, server):
    server.answers["/items/~c2t1Lzc"] = 200, {}, ROW

    table = run("items", "show", "sku/7").stdout

    assert "sku/7" in table
    assert "0.59" in table
    assert run_json("items", "show", "sku/7") == ROW
    assert (server.methods, server.requests[0]) == (["GET", "GET"], ("/items/~c2t1Lzc", KEY.key_id, ""))


def test_columns_are_set_as_json_or_string(api_shop, server):
    server.answers["/users/anna"] = 200, {}, {"userId": "anna", "properties": {"age": 7}, "updatedAt": 1}

    row = run_json("users", "set", "anna", "age=7", "name=Anna = A", "old=null", 'tags=["a"]')

    assert row["properties"] == {"age": 7}
    assert server.methods == ["PATCH"]
    assert json.loads(server.requests[0][2]) == {"age": 7, "name": "Anna = A", "old": None, "tags": ["a"]}


def test_item_is_deleted(api_shop, server):
    server.answers["/items/a"] = 200, {}, {}

    assert run("items", "delete", "a").stderr == "deleted a\n"
    assert server.methods == ["DELETE"]


def test_pages_are_read_up_to_the_limit(api_shop, server):
    def rows(*numbers):
        return [{**ROW, "itemId": f"i{number}"} for number in numbers]

    server.answers["/items?limit=5"] = 200, {}, {"items": rows(1, 2), "nextToken": "a+b="}
    server.answers["/items?limit=3&nextToken=a%2Bb%3D"] = 200, {}, {"items": rows(3)}

    listed = run_json("items", "list", "--limit", "5")

    assert [row["itemId"] for row in listed] == ["i1", "i2", "i3"]
    assert "2025-11-25 01:00:00" in run("items", "list", "--limit", "5").stdout


def test_set_creates_a_missing_item(api_shop, server):
    server.answers["/items"] = 200, {}, {}
    server.answers["/items/fig"] = 404, {}, {"message": "there is no item 'fig'"}

    with pytest.raises(NotFound):  # The stand-in still has no item after the call.
        run("items", "set", "fig", "price=2", "old=null")

    assert server.methods == ["PATCH", "POST", "GET"]
    assert json.loads(server.requests[1][2]) == {
        "datasetArn": NAMES.items_dataset_arn,
        "items": [{"itemId": "fig", "properties": {"price": 2}}],
    }
