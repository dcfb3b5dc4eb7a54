import orjson
import pytest

from alsolike.configuration import recommendation_id
from alsolike.declarations.times import DAY_MS
from functions.recommend import handler
from functions.recommend.dependencies import current_dependencies
from tests.builders.lambda_events import LambdaContext, http_event
from tests.unit.functions.recommend.shop import ARN

SIMILAR = "GET /items/{itemId}/similar"


def request(recommender, **fields):
    return {"recommenderArn": f"{ARN}:recommender/{recommender}", **fields}


def ids(answer):
    assert answer["statusCode"] == 200, answer["body"]
    return [item["itemId"] for item in orjson.loads(answer["body"])["itemList"]]


def test_similar_items_come_from_the_table_then_the_model(stocked):
    items, headers = stocked.ask(**request("similar-items", userId=None, itemId="pear", numResults=3))

    assert [(item["itemId"], item["score"]) for item in items] == [("kiwi", 0.75), ("fig", 0.5), ("plum", 0.25)]
    assert headers["x-alsolike-source"] == "similar"
    assert "x-alsolike-filled" not in headers


def test_similar_items_follow_bought_together_items(stocked):
    items, headers = stocked.ask(**request("bought-together", userId=None, itemId="pear", numResults=3))

    assert [(item["itemId"], item["score"]) for item in items] == [("plum", 0.5), ("kiwi", 0.25), ("fig", 1 / 6)]
    assert "x-alsolike-filled" not in headers


def test_cart_is_completed_by_the_strongest_link_to_any_cart_item(stocked):
    items, headers = stocked.ask(**request("bought-together", userId=None, cart=["kiwi", "pear"], numResults=2))

    assert [item["itemId"] for item in items] == ["plum", "fig"]
    assert items[0]["score"] == 0.5
    assert headers["x-alsolike-source"] == "similar"


def test_cart_is_not_completed_by_substitutes_of_its_items(stocked):
    pear = {"title": "Pear, 1 lb", "categoryL1": "fruit", "categoryL2": "pome"}
    stocked.catalogue(
        {"pear": pear, "plum": {**pear, "title": "Pear, 2 lb"}, "fig": {**pear, "categoryL2": "fig"}, "kiwi": {}}
    )

    items, _ = stocked.listed(**request("bought-together", userId=None, cart=["pear"], numResults=3))

    assert items == ["fig", "kiwi"]


def test_similar_items_exclude_the_item_itself(stocked):
    assert stocked.got(SIMILAR, path={"itemId": "pear"}) == (["kiwi", "fig", "plum"], "similar")
    assert stocked.got(SIMILAR, path={"itemId": "plum"}) == (["fig", "pear", "kiwi"], "popular")


def test_similar_items_continue_with_the_model_under_a_filter(stocked):
    stocked.configure(items={"columns": {"price": "number"}}, filters={"dear": "INCLUDE ItemID WHERE Items.PRICE > 2"})
    stocked.catalogue({"plum": {"price": 3}, "fig": {"price": 1}, "kiwi": {"price": 2}})

    assert stocked.got(SIMILAR, path={"itemId": "pear"}, filter="dear") == (["plum"], "model")


def test_similar_items_of_an_unknown_item_are_popular_items(stocked):
    assert stocked.got(SIMILAR, path={"itemId": "durian"}, numResults="2") == (["fig", "pear"], "popular")


def test_similar_items_of_a_bundle_without_tables_come_from_the_model(shop):
    shop.publish()

    assert shop.got(SIMILAR, path={"itemId": "pear"}, numResults="2") == (["fig", "plum"], "model")


def test_recently_viewed_has_each_latest_item_once(stocked):
    """A return does not count as a view. Neither the catalogue nor the model contains the durian."""
    for before_ms, (item_id, event_type) in enumerate(
        [("durian", "view"), ("pear", "purchase"), ("fig", "view"), ("durian", "cart"), ("plum", "return")]
    ):
        stocked.remember("u#anna", item_id, event_type, before_ms=1000 + before_ms)

    items, headers = stocked.ask(**request("recently-viewed"))

    assert [(item["itemId"], item["score"]) for item in items] == [("pear", 1.0), ("fig", 1 / 2)]
    assert headers["x-alsolike-source"] == "recent"


def test_deleted_items_are_not_recently_viewed(stocked):
    for item_id in ("durian", "pear", "fig"):
        stocked.remember("u#anna", item_id)
    stocked.catalogue({"durian": None, "pear": None})

    assert [item["itemId"] for item in stocked.ask(**request("recently-viewed"))[0]] == ["fig"]


def test_filters_apply_to_items_unknown_to_the_model(stocked):
    stocked.configure(
        items={"columns": {"price": "number"}},
        filters={
            "cheap": "INCLUDE ItemID WHERE Items.PRICE < 2",
            "no-durian": 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("durian")',
            "unbought": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
        },
    )
    stocked.catalogue({"durian": {"price": 1}, "rambutan": {"price": 3}, "salak": {}})
    for item_id in ("durian", "rambutan", "salak"):
        stocked.remember("u#anna", item_id)
    stocked.remember("u#anna", "rambutan", "purchase")

    assert set(stocked.items(**request("recently-viewed"))) == {"durian", "rambutan", "salak"}
    assert set(stocked.items("cheap", **request("recently-viewed"))) == {"durian"}
    assert set(stocked.items("no-durian", **request("recently-viewed"))) == {"rambutan", "salak"}
    assert set(stocked.items("unbought", **request("recently-viewed"))) == {"durian", "salak"}


def test_buy_again_ranks_kept_purchases_by_the_model(stocked):
    """After the pear, the model ranks the fig.

    The plum was returned. The kiwi was only viewed, so it cannot be bought again.
    """
    stocked.remember("u#anna", "fig", "purchase", before_ms=3000)
    stocked.remember("u#anna", "durian", "purchase", before_ms=2500)
    stocked.remember("u#anna", "plum", "purchase", before_ms=2000)
    stocked.remember("u#anna", "plum", "return", before_ms=1500)
    stocked.remember("u#anna", "kiwi", before_ms=1200)
    stocked.remember("u#anna", "pear", before_ms=1000)

    items, headers = stocked.ask(**request("buy-again"))

    assert [(item["itemId"], item["score"]) for item in items] == [("fig", 2.0), ("durian", 0.0)]
    assert headers["x-alsolike-source"] == "model"


def test_buy_again_without_a_model_ranks_by_frequency_and_recency(shop):
    shop.remember("u#anna", "durian", "purchase", before_ms=400 * DAY_MS)
    shop.remember("u#anna", "salak", "purchase", before_ms=2 * DAY_MS)
    shop.remember("u#anna", "salak", "purchase", before_ms=3 * DAY_MS)
    shop.remember("u#anna", "rambutan", "purchase", before_ms=1 * DAY_MS)

    items, headers = shop.listed(**request("buy-again"))

    assert items == ["salak", "rambutan", "durian"]
    assert (headers["x-alsolike-source"], headers["x-alsolike-degraded"]) == ("recent", "no-model")


def test_popular_items_follow_trending_items(stocked):
    stocked.count(durian=30, plum=20)

    answer = stocked.get("GET /trending", window="30m", numResults="4")

    assert ids(answer) == ["durian", "plum", "fig", "pear"]
    assert answer["headers"]["x-alsolike-source"] == "trending"
    assert answer["headers"]["x-alsolike-filled"] == "2"


@pytest.mark.parametrize("recommender", [None, "popular", "similar-items"])
def test_window_is_refused_except_for_trending(recommender, stocked):
    query = {"window": "3h"} | ({"recommender": recommender, "itemId": "fig"} if recommender else {})
    event = http_event("GET /users/{userId}/recommendations", path={"userId": "anna"}, query=query)

    answer = handler.lambda_handler(event, LambdaContext())

    assert (answer["statusCode"], orjson.loads(answer["body"])["message"]) == (
        400,
        f'window is "3h", expected none: {recommender or "for-you"} has no window, only trending has one',
    )


def test_trending_items_of_a_user_use_the_window(stocked):
    stocked.count(durian=30)

    answer = stocked.get(
        "GET /users/{userId}/recommendations", path={"userId": "anna"}, recommender="trending", window="3h"
    )

    assert ids(answer)[0] == "durian"


@pytest.mark.parametrize("name", ["trending", "trending-30m", "trending-1d"])
def test_window_can_be_the_suffix_of_a_personalize_arn(name, stocked):
    stocked.count(plum=20)

    assert stocked.ask(**request(name, numResults=1))[0][0]["itemId"] == "plum"


def test_unreadable_trends_are_reported_as_degraded(stocked):
    stocked.ask()
    dependencies = current_dependencies()
    dependencies.trends._store._bucket = "gone"  # type: ignore[attr-defined]

    answer = stocked.get("GET /trending")

    assert ids(answer) == ["fig", "pear", "kiwi", "plum"]
    assert answer["headers"]["x-alsolike-degraded"] == "no-trends"
    assert answer["headers"]["cache-control"] == "private, no-cache"


def test_user_routes_accept_any_recommender(stocked):
    stocked.remember("u#anna", "pear")
    route, path = "GET /users/{userId}/recommendations", {"userId": "anna"}

    assert stocked.got(route, path=path, numResults="2") == (["fig", "plum"], "model")
    assert stocked.got(route, path=path, recommender="recently-viewed") == (["pear"], "recent")
    assert stocked.got(route, path=path, recommender="similar-items", itemId="pear", numResults="1") == (
        ["kiwi"],
        "similar",
    )


def test_every_recommender_has_a_fallback_without_a_model(shop, counted):
    shop.count(plum=20)
    shop.remember("u#anna", "pear", "purchase")

    for recommender, expected in {
        "for-you": "trending", "similar-items": "trending", "bought-together": "trending", "popular": "trending",
        "trending": "trending", "recently-viewed": "recent", "buy-again": "recent",
    }.items():  # fmt: skip
        _, headers = shop.ask(**request(recommender, itemId="pear"))
        assert headers["x-alsolike-source"] == expected, recommender
        assert headers["x-alsolike-degraded"] == "no-model"
        counted()


def test_unknown_metadata_columns_are_reported(stocked):
    items, headers = stocked.ask(metadataColumns={"ITEMS": ["TITLE", "NO, PE"]})
    _, known = stocked.ask(metadataColumns={"ITEMS": ["TITLE"]})

    assert all("NO, PE" not in item["metadata"] for item in items)
    assert headers["x-alsolike-unknown-columns"] == "NO%2C%20PE"
    assert "x-alsolike-unknown-columns" not in known


@pytest.mark.parametrize(
    ("query", "user", "expected"),
    [
        ("fruit", None, (["pear", "plum", "fig", "kiwi", "durian"], "popular")),
        ("fruit", "anna", (["fig", "plum", "pear", "kiwi", "durian"], "model")),
        ("fruit stone", "anna", (["plum"], "model")),
        ("bread", "anna", ([], "none")),
        ("-&-", "anna", ([], "none")),
    ],
)
def test_search_ranks_the_items_with_all_words(query, user, expected, stocked):
    stocked.remember("u#anna", "pear")
    fruit = {"kind": "Fruit"}
    stocked.catalogue({"durian": fruit, "fig": fruit, "pear": fruit, "kiwi": fruit, "plum": {**fruit, "a": "stone"}})

    assert stocked.got("GET /search", query=query, **({"userId": user} if user else {})) == expected


def test_search_returns_the_requested_number_of_allowed_items(stocked):
    stocked.catalogue({name: {"kind": "Fruit"} for name in ("fig", "pear", "kiwi")})

    assert stocked.got("GET /search", query="fru", exclude="fig", numResults="1")[0] == ["pear"]


def test_ranking_orders_the_given_items(stocked):
    """After the pear, the model ranks fig and plum.

    The model also contains the kiwi, but neither the durian nor the salak.
    """
    stocked.remember("u#anna", "pear")
    stocked.catalogue({"gone": None})

    document = rank(stocked, ["durian", "kiwi", "gone", "plum", "salak", "fig", "plum"])

    assert [(item["itemId"], item["score"]) for item in document["personalizedRanking"]] == [
        ("fig", 2.0), ("plum", 1.0), ("kiwi", 0.0), ("durian", 0.0), ("salak", 0.0),
    ]  # fmt: skip
    assert recommendation_id.parse(document["recommendationId"]).recommender == "personalized-ranking"


def test_ranking_includes_seen_items(shop):
    shop.publish(exclude_seen=True)
    shop.remember("u#anna", "fig")
    shop.remember("u#anna", "pear")

    assert [item["itemId"] for item in rank(shop, ["plum", "fig"])["personalizedRanking"]] == ["fig", "plum"]


def test_ranking_omits_filtered_items(stocked):
    stocked.configure(filters={"no-fig": 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("fig")'})
    stocked.remember("u#anna", "pear")

    document = rank(stocked, ["plum", "fig"], filterArn=f"{ARN}:filter/no-fig")

    assert [item["itemId"] for item in document["personalizedRanking"]] == ["plum"]


def rank(shop, items, **fields):
    body = {"campaignArn": f"{ARN}:campaign/personalized-ranking", "userId": "anna", "inputList": items, **fields}
    answer = shop.post(body, route="POST /personalize-ranking")
    assert answer["statusCode"] == 200, answer["body"]
    return orjson.loads(answer["body"])
