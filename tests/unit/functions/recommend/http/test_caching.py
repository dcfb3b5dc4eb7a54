"""GET responses without a user: cache lifetime, shared caches and revalidation."""

from typing import Any

import orjson
import pytest

SIMILAR = "GET /items/{itemId}/similar"
SESSION_SIMILAR = "GET /session/items/{itemId}/similar"
FOR_USER = "GET /users/{userId}/recommendations"


@pytest.fixture
def stocked(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    return shop


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
def test_response_without_user_has_a_public_cache_lifetime(route, arguments, cache_control, stocked):
    assert stocked.get(route, **arguments)["headers"]["cache-control"] == cache_control


def test_matching_etag_returns_304(stocked):
    first = stocked.get(FOR_USER, path={"userId": "anna"})
    etag = first["headers"]["etag"]

    def again(tag):
        return stocked.get(FOR_USER, path={"userId": "anna"}, headers={"if-none-match": tag})

    for tag in (etag, f"W/{etag}", f'"other", {etag}', "*"):
        answer = again(tag)
        assert (answer["statusCode"], answer.get("body")) == (304, None)
        assert answer["headers"]["etag"] == etag
    assert again('"other"')["statusCode"] == 200


def test_etag_depends_on_items_and_not_on_scores(stocked):
    def etag():
        answer = stocked.get(FOR_USER, path={"userId": "anna"}, numResults="2")
        found.append(orjson.loads(answer["body"])["itemList"])
        return answer["headers"]["etag"]

    found: list[list[dict[str, Any]]] = []
    first = etag()
    stocked.remember("u#anna", "pear", "purchase")
    assert etag() == first
    assert found[0] != found[1]
    stocked.catalogue({"fig": None})
    assert etag() != first


def test_post_responses_have_no_cache_headers(stocked):
    assert not {"etag", "cache-control"} & stocked.ask()[1].keys()


def test_head_request_has_the_headers_of_get(stocked):
    get = stocked.get(FOR_USER, path={"userId": "anna"})
    head = stocked.get(FOR_USER.replace("GET", "HEAD"), path={"userId": "anna"})

    assert (head["statusCode"], head["headers"]["etag"]) == (200, get["headers"]["etag"])
