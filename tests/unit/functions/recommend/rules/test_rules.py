"""Rules of the configuration and of requests in responses."""

from __future__ import annotations

import time
from typing import Any

import orjson
import pytest

from alsolike.configuration.rules import RuleSet
from alsolike.configuration_document.document import parse
from functions.recommend.http.request import RecommendationRequest
from functions.recommend.resolve import OWN_RULES, rule_set
from tests.unit.functions.recommend.shop import ARN, invoke

COLUMNS = {
    "price": "number", "title": "string", "categoryL1": "string", "tags": "list", "CREATION_TIMESTAMP": "timestamp",
}  # fmt: skip
FILTERS = {
    "dear": "INCLUDE ItemID WHERE Items.PRICE >= 4",
    "cheap": "INCLUDE ItemID WHERE Items.PRICE < 4",
    "up-to": "INCLUDE ItemID WHERE Items.PRICE <= $PRICE",
    "liked": "INCLUDE ItemID WHERE Items.TAGS IN CurrentUser.LIKES",
    "cheaper": "INCLUDE ItemID WHERE Items.PRICE < CurrentItem.PRICE",
}
DAY_S = 86_400
CATALOGUE: dict[str, dict[str, Any]] = {
    "pear": {"price": 1, "categoryL1": "fruit"},
    "plum": {"price": 2, "categoryL1": "stone"},
    "fig": {"price": 3, "categoryL1": "fruit"},
    "kiwi": {"price": 4, "categoryL1": "fruit"},
}


@pytest.fixture
def ruled(shop):
    """Return a function that applies rules to a shop in which Anna viewed a pear.

    The model ranks fig (2) and plum (1), and pear and kiwi fill the list.
    """

    def with_rules(*, on="for-you", **rules):
        shop.publish()
        shop.remember("u#anna", "pear")
        shop.catalogue(CATALOGUE)
        shop.configure(
            items={"columns": COLUMNS},
            users={"columns": {"likes": "list"}},
            filters=FILTERS,
            rules={"spring": rules} if rules else {},
            recommenders={on: {"rules": "spring"}} if rules else {},
        )
        return shop

    return with_rules


def promoted(filter_name, percent, **more):
    return [{"percentPromotedItems": percent, "filterArn": f"{ARN}:filter/{filter_name}", **more}]


def items(answer):
    return [item["itemId"] for item in answer]


def test_pins_and_a_promotion_of_the_configuration_apply(ruled, counted):
    shop = ruled(
        pins=[{"item": "plum", "position": 1}, {"item": "no-such", "position": 2}, {"item": "pear", "position": 9}],
        promotions=[{"filter": "dear", "share": 0.25, "name": "premium"}],
    )

    found, headers = shop.ask(numResults=4)

    assert items(found) == ["plum", "fig", "kiwi", "pear"]
    assert [item.get("promotionName") for item in found] == [None, None, "premium", None]
    assert headers["x-alsolike-rules"] == "spring"
    assert headers["x-alsolike-rules-unmet"] == "pin:no-such unknown, pin:pear past-end"
    assert headers["x-alsolike-filled"] == "1"
    assert {name: number for name, number in counted().items() if "Rules" in name} == {
        "RulesApplied": 1,
        "RulesUnmet": 1,
    }


def test_expired_pin_has_no_effect(ruled):
    ended, running = ("2020-01-01", "2199-01-01")
    pins = [{"item": "kiwi", "position": 1, "until": ended}, {"item": "pear", "position": 2, "until": running}]

    assert ruled(pins=pins).items(numResults=2) == ["fig", "pear"]


def test_boost_raises_and_demotion_lowers_items_in_lists_and_rankings(ruled):
    """The boosted score of the plum, 1 * 3, is above the score of the fig, 2."""
    shop = ruled(boosts=[{"filter": "cheap", "factor": 1.5}], demotions=[{"filter": "dear", "factor": 0.5}])
    assert items(shop.ask()[0])[:2] == ["fig", "plum"]

    shop.configure(
        items={"columns": COLUMNS},
        filters={"stone": 'INCLUDE ItemID WHERE Items.CATEGORY_L1 = "stone"'},
        rules={"spring": {"boosts": [{"filter": "stone", "factor": 3}]}},
        recommenders={"for-you": {"rules": "spring"}, "personalized-ranking": {"rules": "spring"}},
    )
    found, _ = shop.ask(numResults=2)
    assert [(item["itemId"], item["score"]) for item in found] == [("plum", 3.0), ("fig", 2.0)]

    ranking = shop.post(
        {"userId": "anna", "campaignArn": f"{ARN}:campaign/for-you", "inputList": ["kiwi", "fig", "plum"]},
        route="POST /personalize-ranking",
    )
    assert items(orjson.loads(ranking["body"])["personalizedRanking"]) == ["plum", "fig", "kiwi"]


def test_slate_rule_shortens_the_list_and_is_reported(ruled):
    found, headers = ruled(slate=[{"column": "categoryL1", "at_most": 1}]).ask(numResults=3)

    assert items(found) == ["fig", "plum"]
    assert headers["x-alsolike-rules-unmet"] == "slate:categoryL1 starved"


def test_diversity_reorders_the_candidates(ruled):
    """Kiwi and pear are fruit like the fig, so the plum follows the fig."""
    shop = ruled(on="popular", diversity={"dial": 0.9, "columns": ["categoryL1"]})

    assert shop.got("GET /popular")[0][:2] == ["fig", "plum"]
    assert shop.got("GET /trending")[0][:2] == ["fig", "pear"]


def test_promotion_of_a_request_replaces_that_of_the_configuration(ruled):
    shop = ruled(promotions=[{"filter": "dear", "share": 0.5}], pins=[{"item": "pear", "position": 1}])

    found, headers = shop.ask(numResults=2, promotions=promoted("up-to", 50, name="sale", filterValues={"PRICE": "2"}))
    none, _ = shop.ask(numResults=2, promotions=[])

    assert items(found) == ["pear", "plum"]
    assert [item.get("promotionName") for item in found] == [None, "sale"]
    assert headers["x-alsolike-rules"] == "spring"
    assert items(none) == ["pear", "fig"]


def test_promoted_item_must_pass_only_the_filter_of_its_promotion(ruled):
    named = {"filterArn": f"{ARN}:filter/cheap", "numResults": 2}
    shop = ruled()

    found, headers = shop.ask(**named, promotions=promoted("dear", 50))
    excluded, gave = shop.ask(**named, promotions=promoted("dear", 50), exclude=["kiwi"])

    assert items(found) == ["fig", "kiwi"]
    assert found[1]["promotionName"] == "dear"
    assert "x-alsolike-rules" not in headers
    assert items(excluded) == ["fig", "plum"]
    assert gave["x-alsolike-rules-unmet"] == "promotion:dear starved"


def test_deleted_item_is_not_promoted_or_pinned(ruled):
    shop = ruled(promotions=[{"filter": "dear", "share": 0.5}], pins=[{"item": "kiwi", "position": 1}])
    shop.catalogue({**CATALOGUE, "kiwi": None}, at_ms=1_800_000_000_000)

    found, headers = shop.ask(numResults=2)

    assert items(found) == ["fig", "plum"]
    assert headers["x-alsolike-rules-unmet"] == "pin:kiwi filtered, promotion:dear starved"


@pytest.mark.parametrize(
    ("promotions", "status", "says"),
    [
        (promoted("no-such", 20), 404, "promotions[0].filterArn ends in 'no-such', expected cheap"),
        (promoted("up-to", 20), 400, "filterValues.PRICE is missing"),
        (promoted("up-to", 1), 400, "filterValues.PRICE is missing"),
        (promoted("up-to", 20, filterValues={"PRICE": "x"}), 400, 'filterValues.PRICE is "x", expected a number'),
        (promoted("cheaper", 20), 400, "itemId is missing, expected an item"),
    ],
)
def test_invalid_promotion_of_a_request_is_refused_with_its_reason(ruled, promotions, status, says):
    found, message = ruled().refusal(promotions=promotions)

    assert (found, message[: len(says)]) == (status, says)


def test_excluded_items_are_not_recommended(ruled):
    shop = ruled(on="buy-again", pins=[{"item": "plum", "position": 1}])

    assert items(shop.ask(exclude=["fig", "kiwi", "no-such"])[0]) == ["plum", "pear"]
    assert items(shop.ask(exclude=["fig"], filterArn=f"{ARN}:filter/cheap")[0]) == ["plum", "pear"]
    assert shop.got("GET /popular", exclude="fig,kiwi")[0] == ["pear", "plum"]
    assert shop.got("GET /items/{itemId}/similar", path={"itemId": "pear"}, exclude="fig")[0][0] == "plum"
    found, headers = shop.ask(recommenderArn=f"{ARN}:recommender/buy-again", exclude=["plum"])
    assert (items(found), headers["x-alsolike-rules-unmet"]) == ([], "pin:plum excluded")


def test_exploration_inserts_new_items_and_disables_shared_caching(ruled):
    shop = ruled(on="popular", exploration={"share": 1, "new_for_days": 3})
    now_s = time.time()
    created = {"pear": now_s - DAY_S, "kiwi": now_s - 4 * DAY_S, "fig": now_s + DAY_S}
    shop.catalogue(
        {item_id: {**CATALOGUE[item_id], "creationTimestamp": at} for item_id, at in created.items()},
        at_ms=1_800_000_000_000,
    )

    answer = shop.get("GET /popular", numResults="2")

    assert items(orjson.loads(answer["body"])["itemList"]) == ["pear", "fig"]
    assert answer["headers"]["cache-control"] == "private, no-cache"
    assert answer["headers"]["x-alsolike-rules-unmet"] == "exploration starved"


def test_rule_with_an_unreadable_user_is_reported_and_not_applied(ruled, monkeypatch):
    shop = ruled(boosts=[{"filter": "liked", "factor": 2}], promotions=[{"filter": "liked", "share": 0.5}])
    shop.register("anna", likes=["soft"])
    monkeypatch.setenv("USERS_TABLE", "no-such-table")

    found, headers = shop.ask(numResults=2)

    assert items(found) == ["fig", "plum"]
    assert headers["x-alsolike-rules-unmet"] == "boost:liked unreadable, promotion:liked unreadable"
    assert "user-unavailable" in headers["x-alsolike-degraded"]


def test_browser_response_has_no_rule_headers(ruled):
    shop = ruled(pins=[{"item": "plum", "position": 1}, {"item": "secret", "position": 2}])

    answer = shop.get("GET /session/recommendations", token={"sessionId": "s1", "userId": "anna"})

    assert items(orjson.loads(answer["body"])["itemList"])[0] == "plum"
    assert not [name for name in answer["headers"] if "rules" in name]


def test_promotion_name_changes_the_etag(ruled):
    """The response has the same items under another promotion name, so a cached response is outdated."""
    shop = ruled(on="popular", promotions=[{"filter": "dear", "share": 0.25}])
    first = shop.get("GET /popular")
    shop.configure(
        items={"columns": COLUMNS},
        filters=FILTERS,
        rules={"spring": {"promotions": [{"filter": "dear", "share": 0.25, "name": "sale"}]}},
        recommenders={"popular": {"rules": "spring"}},
    )

    again = shop.get("GET /popular", headers={"if-none-match": first["headers"]["etag"]})

    assert again["statusCode"] == 200
    assert orjson.loads(again["body"])["itemList"][2]["promotionName"] == "sale"


def test_promotion_on_an_item_page_is_ranked_for_the_item(ruled):
    """After a pear, the model ranks the fig and then the plum, which is not popular.

    The item of the page is not promoted.
    """
    shop = ruled(on="similar-items", promotions=[{"filter": "cheap", "share": 0.5}])

    found, headers = shop.ask(recommenderArn=f"{ARN}:recommender/similar-items", itemId="pear", numResults=4)

    assert items(found) == ["fig", "plum", "kiwi"]
    assert [item.get("promotionName") for item in found] == [None, "cheap", None]
    assert "x-alsolike-rules-unmet" not in headers


def test_promotion_on_an_item_page_has_the_items_that_follow_the_item(ruled):
    """The plum is less popular than the fig, but follows a pear more often."""
    shop = ruled(on="similar-items", promotions=[{"filter": "cheap", "share": 0.5}])
    after_pear = {("pear", "plum"): 2.0, ("pear", "fig"): 1.0}
    shop.publish(related={"similar": {"pear": {"kiwi": 0.9}}}, transitions=after_pear)

    request = {"recommenderArn": f"{ARN}:recommender/similar-items", "itemId": "pear"}
    assert shop.items(**request, numResults=2) == ["kiwi", "plum"]


def test_rules_apply_to_trending_items_without_a_model(ruled):
    shop = ruled(
        promotions=[{"filter": "dear", "share": 0.5}],
        pins=[{"item": "pear", "position": 1}],
        boosts=[{"filter": "cheap", "factor": 50}],
    )
    shop.s3.delete_object(Bucket=shop.bucket, Key="registry/champion.json")
    shop.count(fig=40, plum=30, kiwi=90)

    found, headers = shop.ask(numResults=4)

    assert headers["x-alsolike-source"] == "trending"
    assert items(found) == ["pear", "kiwi", "fig", "plum"]
    assert headers["x-alsolike-rules-unmet"] == "promotion:dear starved"


def test_rules_apply_to_batches(ruled):
    ruled(pins=[{"item": "kiwi", "position": 1}, {"item": "no-such", "position": 2}])

    answer = invoke(batch={"users": ["anna"], "numResults": 2})

    assert items(answer["results"][0]["itemList"]) == ["kiwi", "fig"]
    assert list(answer["results"][0]["unmetRules"]) == ["pin:no-such unknown"]


@pytest.mark.parametrize(
    ("recommender", "name", "expected"),
    [
        ("for-you", OWN_RULES, "spring"),
        ("for-you", "plain", None),
        ("for-you", None, None),
        ("for-you", "autumn", "autumn"),
        ("popular", OWN_RULES, None),
        ("popular", "spring", "spring"),
    ],
)
def test_named_rule_set_replaces_that_of_the_recommender(recommender, name, expected):
    """An empty rule set counts as no rules."""
    pins = {"pins": [{"item": "fig", "position": 1}]}
    document = {
        "format": 1,
        "rules": {"spring": pins, "autumn": pins, "plain": {}},
        "recommenders": {"for-you": {"rules": "spring"}},
    }

    found = rule_set(RecommendationRequest("anna", 5, recommender), parse(document), now_ms=0, name=name)

    assert (found and found.name) == expected


def test_ranking_uses_only_boosts_and_diversity():
    document = {
        "format": 1,
        "items": {"columns": {"brand": "string", "creationTimestamp": "timestamp"}},
        "filters": {"f": 'EXCLUDE ItemID WHERE Items.BRAND = "x"'},
        "rules": {
            "all": {
                "pins": [{"item": "fig", "position": 1}],
                "promotions": [{"filter": "f", "share": 0.2}],
                "boosts": [{"filter": "f", "factor": 2}],
                "slate": [{"column": "brand", "at_most": 1}],
                "diversity": {"dial": 0.5, "columns": ["brand"]},
                "exploration": {"share": 0.5, "new_for_days": 1},
            }
        },
        "recommenders": {"personalized-ranking": {"rules": "all"}},
    }

    found = rule_set(
        RecommendationRequest("anna", 2, "personalized-ranking", to_rank=("fig", "kiwi")), parse(document), now_ms=0
    )

    assert found == RuleSet("all", boosts=found.boosts, diversity=found.diversity)
