from typing import Any

import orjson
import pytest

from alsolike.configuration import recommendation_id
from functions.recommend.dependencies import current_dependencies
from tests.builders.bundles import ITEMS
from tests.unit.functions.recommend.shop import ARN


def test_known_user_gets_items_ranked_by_the_model(shop, counted):
    shop.publish()
    shop.remember("u#anna", "pear")

    items, headers = shop.ask(numResults=2)

    assert items == [{"itemId": "fig", "score": 2.0}, {"itemId": "plum", "score": 1.0}]
    assert headers == {
        "content-type": "application/json",
        "x-alsolike-source": "model",
        "x-alsolike-model-version": "v1",
        "x-correlation-id": "r1",
    }
    assert counted() == {"RecommendationsServed": 1}


def test_recommendation_id_has_the_model_version(shop):
    shop.publish()

    document = orjson.loads(shop.post({"userId": "anna"})["body"])

    assert recommendation_id.parse(document["recommendationId"]).version_tag == recommendation_id.version_tag("v1")
    assert len(document["recommendationId"]) <= 40


@pytest.mark.parametrize("length", [2, 120])
def test_history_length_is_limited_by_the_configuration(shop, cloud, length):
    shop.publish()
    shop.configure(limits={"history_length": length})
    for item in ("pear", "fig", "plum"):
        shop.remember("u#anna", item)
    cloud.calls.clear()

    arn = "arn:aws:personalize:eu-west-1:123456789012:recommender/recently-viewed"
    items, _ = shop.ask(recommenderArn=arn)

    (query,) = (call.request for call in cloud.calls if call.operation == "dynamodb.Query")
    assert query["Limit"] == length + 2  # Up to two marks may precede the interactions.
    assert len(items) == min(length, 3)


def test_anonymous_session_is_found_by_its_session_id(shop):
    shop.publish()
    shop.remember("s#anna", "pear")

    items, headers = shop.listed(numResults=1)

    assert items == ["fig"]
    assert headers["x-alsolike-source"] == "model"


def test_pseudonymised_profiles_are_found_by_their_hashes(shop, pseudonyms, monkeypatch):
    monkeypatch.setenv("PSEUDONYMISE_IDS", "1")
    shop.publish()
    shop.remember(f"u#{pseudonyms.user('anna')}", "pear")
    shop.remember(f"s#{pseudonyms.session('visit')}", "pear")
    shop.remember("u#ben", "pear")

    sources = {user: shop.ask(userId=user)[1]["x-alsolike-source"] for user in ("anna", "visit", "ben")}

    assert sources == {"anna": "model", "visit": "model", "ben": "popular"}


def test_user_precedes_a_session_with_the_same_id(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.remember("s#anna", "kiwi")

    items, _ = shop.ask(numResults=1)

    assert items == [{"itemId": "fig", "score": 2.0}]


@pytest.mark.parametrize("known_item", [None, "durian", "kiwi"])
def test_user_without_ranked_items_gets_popular_items(known_item, shop, counted):
    """The model knows no durian, and ranks no item after a kiwi."""
    shop.publish()
    if known_item is not None:
        shop.remember("u#anna", known_item)

    items, headers = shop.listed()

    assert items == ["fig", "pear", "kiwi", "plum"]
    assert headers["x-alsolike-source"] == "popular"
    assert not {"x-alsolike-degraded", "x-alsolike-filled"} & headers.keys()
    assert counted() == {"RecommendationsServed": 1, "RecommendationsPopular": 1, "RecommendationsShort": 1}


def test_popular_items_fill_a_short_list_and_are_counted(shop, counted):
    """After the pear, the model ranks fig and plum, but neither pear nor kiwi."""
    shop.publish()
    shop.remember("u#anna", "pear")

    items, headers = shop.ask(numResults=10)

    scores = {item["itemId"]: item["score"] for item in items}
    assert list(scores.items()) == [("fig", 2.0), ("plum", 1.0), ("pear", 1.0 / 2), ("kiwi", 1.0 / 3)]
    assert (headers["x-alsolike-source"], headers["x-alsolike-filled"]) == ("model", "2")
    assert "x-alsolike-degraded" not in headers
    assert counted()["RecommendationsFilled"] == 1


@pytest.mark.parametrize(
    ("bound", "num_results", "counts"),
    [
        (0, 2, {"RecommendationsEmpty": 1}),  # No price is below 0.
        (2, 2, {"RecommendationsShort": 1}),
        (2, 1, {}),
    ],
)
def test_response_with_too_few_items_is_counted_by_recommender_and_filter(bound, num_results, counts, shop, capsys):
    shop.publish()
    shop.catalogue({name: {"price": price} for price, name in enumerate(ITEMS, 1)})
    shop.configure(
        items={"columns": {"price": "number"}}, filters={"cheap": f"INCLUDE ItemID WHERE Items.PRICE < {bound}"}
    )

    items, headers = shop.ask(numResults=num_results, filterArn=f"{ARN}:filter/cheap")

    assert len(items) == min(bound // 2, num_results)  # One price is below 2.
    assert "x-alsolike-degraded" not in headers
    lines = [orjson.loads(line) for line in capsys.readouterr().out.splitlines()]
    found = [line for line in lines if "filter" in line and "_aws" in line]
    assert [(line["recommender"], line["filter"]) for line in found] == [("for-you", "cheap")] * len(counts)
    assert {name: line[name] for line in found for name in counts} == {name: [1] for name in counts}


@pytest.mark.parametrize("recommender", ["buy-again", "recently-viewed"])
def test_empty_list_of_a_recommender_without_fallback_is_not_counted(recommender, shop, counted):
    shop.publish()

    items, _ = shop.ask(recommenderArn=f"{ARN}:recommender/{recommender}")

    assert items == []
    assert "RecommendationsEmpty" not in counted()


def test_metadata_values_are_strings(shop):
    shop.publish()
    shop.remember("u#anna", "pear")

    items, _ = shop.ask(
        numResults=2, metadataColumns={"ITEMS": ["TITLE", "price", "tags", "organic", "CATEGORY_L1", "unknown"]}
    )

    assert [item["metadata"] for item in items] == [
        {"TITLE": "Fig", "price": "1.5", "tags": "sweet|soft", "organic": "true", "CATEGORY_L1": "fruit"},
        {"TITLE": "Plum"},
    ]


def test_s3_timeouts_are_shorter_than_the_function_timeout(shop):
    """Two reads have two attempts each, with 2 s to connect and 2 s to read: 16 s of 20 s in total."""
    shop.ask()
    champion = current_dependencies().refresher._champion

    for part in (champion._registry, champion._bundles):
        client: Any = part._client
        config = client.meta.config
        assert (config.connect_timeout, config.read_timeout) == (2, 2)
        assert config.retries["total_max_attempts"] == 2


@pytest.mark.parametrize(
    ("body", "status", "error_type", "reason"),
    [
        (b"{", 400, "InvalidInputException", "body is not valid JSON"),
        (
            {"userId": "a", "campaignArn": "arn:aws:personalize:eu-west-1:1:campaign/other"},
            404,
            "ResourceNotFoundException",
            "campaignArn ends in ",
        ),
    ],
)
def test_invalid_request_is_refused_with_its_reason(body, status, error_type, reason, shop, counted):
    answer = shop.post(body)

    assert answer["statusCode"] == status
    assert answer["headers"]["x-amzn-errortype"] == error_type
    assert orjson.loads(answer["body"])["message"].startswith(reason)
    assert counted() == {"RequestsRejected": 1}
