"""Tools of `alsolike mcp`, called by the client of the protocol's own package."""

import asyncio
import json

import pytest
from mcp import Client

from alsolike.runtime.errors import InvalidInput
from cli.mcp import mcp
from operations import mcp_server
from operations.client.signed_api import SignedApi
from operations.keys import KeyPair

REASON = {"itemId": "c", "eventType": "purchase", "timestamp": 1_764_032_400.0, "contribution": 0.5}
ITEM = {"itemId": "b", "score": 0.75, "metadata": {"TITLE": "Bread"}}
FOUND = {"item_id": "b", "score": 0.75, "metadata": {"TITLE": "Bread"}}
ANSWER = {"items": [FOUND], "source": "model", "recommendation_id": "id-1"}
LIST = {"itemList": [ITEM], "recommendationId": "id-1"}
HEADERS = {"x-alsolike-source": "model"}
SEARCH = "/search?query=bread&metadata=TITLE&numResults=10"


@pytest.fixture
def endpoints(server):
    server.answers |= {
        "/recommendations": (200, HEADERS, LIST),
        SEARCH: (200, HEADERS, LIST),
        SEARCH.replace("&meta", "&userId=42&meta"): (200, HEADERS, LIST),
        "/personalize-ranking": (200, HEADERS, {"personalizedRanking": [{**ITEM, "reason": [json.dumps(REASON)]}]}),
    }
    return server


def call(endpoints, tool, *, user=None, **arguments):
    key, headers = KeyPair("ALSO1", "secret"), {"x-alsolike-agent": "assistant"}
    api = SignedApi(endpoints.url, lambda: key, region="eu-west-1", headers=headers)

    async def called():
        async with Client(mcp_server.server(api, metadata=["TITLE"], user=user)) as client:
            return await client.call_tool(tool, arguments)

    return asyncio.run(called())


def sent(endpoints):
    ((_, key_id, body),) = endpoints.requests
    assert (key_id, endpoints.agents) == ("ALSO1", ["assistant"])
    return json.loads(body)


@pytest.mark.parametrize(
    ("tool", "arguments", "user", "recommender", "expected"),
    [
        ("recommend", {}, "42", None, {"userId": "42"}),
        ("recommend", {}, None, "popular", {}),
        ("similar", {"item_id": "b"}, "42", "similar-items", {"itemId": "b"}),
        ("complete_cart", {"item_ids": ["b", "c"]}, "42", "bought-together", {"cart": ["b", "c"]}),
    ],
)
def test_tool_returns_the_items_of_its_recommender(tool, arguments, user, recommender, expected, endpoints):
    answer = call(endpoints, tool, user=user, limit=3, **arguments)

    assert not answer.is_error
    assert answer.structured_content == ANSWER
    if recommender:
        expected = {**expected, "recommenderArn": f"arn:aws:personalize:::recommender/{recommender}"}
    assert sent(endpoints) == {"numResults": 3, "metadataColumns": {"ITEMS": ["TITLE"]}, **expected}


@pytest.mark.parametrize("user", [None, "42"])
def test_search_ranks_for_the_user_of_the_server(user, endpoints):
    answer = call(endpoints, "search", user=user, query="bread")

    assert answer.structured_content == ANSWER
    assert [("userId=42" in path) for path, *_ in endpoints.requests] == [user is not None]


def test_explain_returns_the_interactions_of_the_user(endpoints):
    answer = call(endpoints, "explain", user="42", item_id="b")

    reason = {"item_id": "c", "event_type": "purchase", "timestamp": 1_764_032_400.0, "contribution": 0.5}
    assert answer.structured_content == {"item_id": "b", "score": 0.75, "reasons": [reason]}
    assert sent(endpoints)["inputList"] == ["b"]


@pytest.mark.parametrize(
    ("tool", "user", "arguments", "text"),
    [
        ("explain", None, {"item_id": "b"}, "no user is signed in"),
        ("similar", None, {"item_id": "b", "limit": 51}, "less than or equal to 50"),
        ("complete_cart", None, {"item_ids": []}, "at least 1 item"),
        ("recommend", None, {"user_id": "7", "limit": "x"}, "valid integer"),
    ],
)
def test_invalid_call_is_an_error_of_the_tool(tool, user, arguments, text, endpoints):
    answer = call(endpoints, tool, user=user, **arguments)

    assert answer.is_error
    assert text in answer.model_dump_json()
    assert endpoints.requests == []


@pytest.mark.parametrize("status", [400, 403, 503])
def test_refusal_of_the_api_is_an_error_of_the_tool(status, endpoints):
    endpoints.answers["/recommendations"] = status, {}, {"message": "itemId is unknown"}

    answer = call(endpoints, "similar", item_id="b")

    assert answer.is_error
    assert f"answered {status}: itemId is unknown" in answer.model_dump_json()


def test_excluded_item_has_no_explanation(endpoints):
    endpoints.answers["/personalize-ranking"] = 200, HEADERS, {"personalizedRanking": []}

    assert "item 'b' may not be recommended" in call(endpoints, "explain", user="42", item_id="b").model_dump_json()


def test_no_tool_has_a_user_and_all_are_read_only():
    async def listed():
        api = SignedApi("http://localhost", lambda: KeyPair("", ""), region="eu-west-1")
        async with Client(mcp_server.server(api, metadata=[])) as client:
            return (await client.list_tools()).tools

    tools = asyncio.run(listed())

    assert [tool.name for tool in tools] == ["search", "recommend", "similar", "complete_cart", "explain"]
    assert not [tool.name for tool in tools if "user" in json.dumps(tool.input_schema["properties"]).lower()]
    assert all(tool.annotations.read_only_hint for tool in tools)


def test_command_without_a_key_names_the_missing_variables(monkeypatch):
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_ENDPOINT_URL_PERSONALIZE_RUNTIME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("AWS_REGION", "eu-west-1")

    with pytest.raises(InvalidInput, match=r"AWS_ACCESS_KEY_ID, AWS_SECRET.*_RUNTIME are missing; set them with `eval"):
        mcp()
