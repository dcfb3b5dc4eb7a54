"""Permissions of a session, and cache headers of GET responses."""

from typing import Any

import orjson
import pytest

from alsolike.declarations.storage import CONFIGURATION_KEY


def test_session_token_decides_the_profile_that_is_read(stocked):
    """The token of a session does not grant access to a user with the same ID."""
    stocked.remember("u#visit", "kiwi")
    stocked.remember("s#visit", "pear")
    stocked.remember("u#anna", "plum")
    route = "GET /session/recommendations"

    def seen(**token):
        return stocked.got(route, token=token, recommender="recently-viewed")[0]

    assert seen(sessionId="visit") == ["pear"]
    assert seen(sessionId="visit", userId="anna") == ["plum"]
    assert seen(sessionId="visit", userId="ben") == ["pear"]
    assert stocked.got(
        "GET /session/items/{itemId}/similar", path={"itemId": "pear"}, token={"sessionId": "visit"}, numResults="1"
    ) == (["kiwi"], "similar")


def test_session_request_is_limited_to_permitted_columns_and_filters(stocked):
    """Every visitor has a session token, so confidential columns such as costs must not be readable by default."""
    dear, permits = "INCLUDE ItemID WHERE Items.PRICE > 2", "the configuration permits sessions"
    stocked.catalogue({"fig": {"title": "Fig", "price": 3}})
    route = "GET /session/recommendations"

    def answered(metadata="title", filter="dear"):
        answer = stocked.get(route, token={"sessionId": "visit"}, numResults="1", metadata=metadata, filter=filter)
        return answer["statusCode"], orjson.loads(answer["body"])

    assert answered(metadata="TITLE") == (
        400,
        {"message": f'metadata is "TITLE", expected none: {permits} no columns (sessions.columns)'},
    )
    stocked.configure(filters={"dear": dear, "other": dear}, sessions={"columns": ["TITLE"], "filters": ["dear"]})

    assert answered()[1]["itemList"][0]["metadata"] == {"title": "Fig"}
    assert answered(metadata="TITLE,PRICE") == (
        400,
        {"message": f'metadata is "PRICE", expected one that {permits} (sessions.columns): title'},
    )
    assert answered(filter="other") == (
        400,
        {"message": f'filter is "other", expected one that {permits} (sessions.filters): dear'},
    )
    assert stocked.get("GET /popular", metadata="PRICE", filter="other")["statusCode"] == 200


def test_operators_session_reads_all_columns_and_filters(stocked):
    stocked.catalogue({"fig": {"title": "Fig", "price": 3}})
    stocked.configure(filters={"dear": "INCLUDE ItemID WHERE Items.PRICE > 2"}, sessions={})
    token = {"sessionId": "visit", "operator": "true"}

    answer = stocked.get("GET /session/recommendations", token=token, metadata="TITLE,PRICE", filter="dear")

    assert [item["metadata"] for item in orjson.loads(answer["body"])["itemList"]] == [{"TITLE": "Fig", "PRICE": "3"}]


def test_session_completes_a_cart(stocked):
    route, token = "GET /session/recommendations", {"sessionId": "visit"}

    items, _ = stocked.got(route, token=token, recommender="bought-together", cart="pear,kiwi")

    assert items
    assert not {"pear", "kiwi"} & set(items)
    assert stocked.get(route, token=token, cart="pear")["statusCode"] == 400
    assert stocked.get(route, token=token, recommender="bought-together")["statusCode"] == 400


def test_site_key_reads_only_its_recommenders(stocked):
    stocked.configure(sessions={"sites": {"www": {"origins": [], "recommenders": ["popular", "similar-items"]}}})
    token = {"sessionId": "visit", "site": "www"}

    def answered(route="GET /session/recommendations", **query):
        answer = stocked.get(route, token=token, path={"itemId": "pear"}, **query)
        return answer["statusCode"], orjson.loads(answer["body"]).get("message", "")

    assert answered(recommender="popular") == (200, "")
    assert answered("GET /session/items/{itemId}/similar") == (200, "")
    assert answered() == (
        400,
        'recommender is "for-you", expected one that the site key permits (sessions.sites.www): popular, similar-items',
    )
    assert answered("GET /session/items/{itemId}/similar", recommender="bought-together")[0] == 400


@pytest.mark.parametrize("status", [400, 503])
def test_site_key_without_its_configuration_reads_nothing(stocked, status):
    stocked.configure(sessions={})
    if status == 503:
        stocked.put(CONFIGURATION_KEY, b"damaged")

    answer = stocked.get("GET /session/recommendations", token={"sessionId": "visit", "site": "www"})

    assert answer["statusCode"] == status
    assert status == 503 or "site key" in orjson.loads(answer["body"])["message"]


def test_session_without_a_configuration_gets_no_columns(stocked):
    stocked.catalogue({"fig": {"title": "Fig"}})
    stocked.configure(sessions={"columns": ["TITLE"]})
    stocked.put(CONFIGURATION_KEY, b"damaged")

    answer = stocked.get("GET /session/recommendations", token={"sessionId": "visit"}, metadata="TITLE")

    assert "no-configuration" in answer["headers"]["x-alsolike-degraded"]
    assert [item.keys() for item in orjson.loads(answer["body"])["itemList"]] == [{"itemId", "score"}] * 4


SIMILAR = "GET /items/{itemId}/similar"
SESSION_SIMILAR = "GET /session/items/{itemId}/similar"
FOR_USER = "GET /users/{userId}/recommendations"


@pytest.fixture
def annas(stocked):
    stocked.remember("u#anna", "pear")
    return stocked


@pytest.mark.parametrize(
    ("route", "arguments", "cache_control"),
    [
        ("GET /popular", {}, "public, max-age=60"),
        ("GET /trending", {}, "public, max-age=60"),
        (SIMILAR, {"path": {"itemId": "pear"}}, "public, max-age=60"),
        (SIMILAR, {"path": {"itemId": "pear"}, "metadata": "TITLE"}, "private, max-age=60"),
        (FOR_USER, {"path": {"userId": "anna"}}, "private, no-cache"),
        (FOR_USER, {"path": {"userId": "anna"}, "recommender": "popular"}, "private, no-cache"),
        ("GET /session/recommendations", {"token": {"sessionId": "s"}}, "private, no-cache"),
        (SESSION_SIMILAR, {"path": {"itemId": "pear"}, "token": {"sessionId": "s"}}, "private, no-cache"),
    ],
)
def test_response_without_user_has_a_public_cache_lifetime(route, arguments, cache_control, annas):
    assert annas.get(route, **arguments)["headers"]["cache-control"] == cache_control


def test_matching_etag_returns_304(annas):
    first = annas.get(FOR_USER, path={"userId": "anna"})
    etag = first["headers"]["etag"]

    def again(tag):
        return annas.get(FOR_USER, path={"userId": "anna"}, headers={"if-none-match": tag})

    for tag in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = again(tag)
        assert (answer["statusCode"], answer.get("body")) == (304, None)
        assert answer["headers"]["etag"] == etag
    assert again('"other"')["statusCode"] == 200


def test_etag_depends_on_items_and_not_on_scores(annas):
    def etag():
        answer = annas.get(FOR_USER, path={"userId": "anna"}, numResults="2")
        found.append(orjson.loads(answer["body"])["itemList"])
        return answer["headers"]["etag"]

    found: list[list[dict[str, Any]]] = []
    first = etag()
    annas.remember("u#anna", "pear", "purchase")
    assert etag() == first
    assert found[0] != found[1]
    annas.catalogue({"fig": None})
    assert etag() != first


def test_head_request_has_the_headers_of_get(annas):
    get = annas.get(FOR_USER, path={"userId": "anna"})
    head = annas.get(FOR_USER.replace("GET", "HEAD"), path={"userId": "anna"})

    assert (head["statusCode"], head["headers"]["etag"]) == (200, get["headers"]["etag"])
