"""Recommendation of items unknown to the model.

After a pear, the model ranks a fig (2) and a plum (1). Fig and apple are from Greece, plum and kiwi are blue. The two
items that share a value with a new item are its neighbours, each with weight 1/2.
"""

import pytest

from alsolike.registry.champion_pointer_store import Registry
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import ARN

GREEK, BLUE = {"from": "Greece"}, {"kind": "blue"}
ITEMS = {"pear": {}, "apple": GREEK, "fig": GREEK, "plum": BLUE, "kiwi": BLUE}
FILTERS = {
    "cheap": "INCLUDE ItemID WHERE Items.PRICE < 2",
    "unbought": 'EXCLUDE ItemID WHERE Interactions.EVENT_TYPE IN ("purchase")',
}


@pytest.fixture
def cold_shop(shop):
    shop.publish(item_ids=list(ITEMS), properties=ITEMS)
    shop.remember("u#anna", "pear")
    return shop


def test_cold_item_is_ranked_by_its_neighbours(cold_shop):
    """The neighbours of the date are the fig (2) and the apple, which is not ranked. So its score is 1/2 * 2."""
    cold_shop.catalogue({"date": {"from": "Greece"}})

    items, headers = cold_shop.ask(numResults=3)

    assert items == [
        {"itemId": "fig", "score": 2.0},
        {"itemId": "plum", "score": 1.0},  # An item of the model precedes a cold item with an equal score.
        {"itemId": "date", "score": 1.0},
    ]
    assert headers["x-alsolike-cold-items"] == "1"
    assert headers["x-alsolike-source"] == "model"


def test_popular_items_follow_cold_items(cold_shop):
    cold_shop.catalogue({"sloe": {"kind": "blue"}})

    items, headers = cold_shop.ask(numResults=4)

    assert [item["itemId"] for item in items] == ["fig", "plum", "sloe", "pear"]
    assert headers["x-alsolike-filled"] == "1"
    assert items[2]["score"] == 0.5


def test_items_without_neighbours_follow_all_known_items(cold_shop):
    cold_shop.catalogue({"nut": {"kind": "nut"}})

    items, headers = cold_shop.ask()

    assert [item["itemId"] for item in items] == ["fig", "plum", "pear", "kiwi", "apple", "nut"]
    assert [item["score"] for item in items][-4:] == pytest.approx([1 / 2, 1 / 3, 1 / 4, 1 / 5])
    assert headers["x-alsolike-filled"] == "4"
    assert "x-alsolike-cold-items" not in headers


def test_only_ranked_cold_items_are_counted_with_rules(cold_shop):
    """Nuts resemble no item of the model. They are only in the list as fill items, by a promotion or by a pin."""
    spring = {"promotions": [{"filter": "cheap", "share": 0.2}], "pins": [{"item": "hazelnut", "position": 1}]}
    cold_shop.configure(filters=FILTERS, rules={"spring": spring}, recommenders={"for-you": {"rules": "spring"}})
    nuts = {"hazelnut": {"kind": "nut"}, "peanut": {"kind": "nut", "price": 1}, "walnut": {"kind": "nut"}}
    cold_shop.catalogue({"date": {"from": "Greece"}, **nuts})

    items, headers = cold_shop.ask(numResults=9)
    for_nobody, headers_of_nobody = cold_shop.ask(userId="unknown-user", numResults=9)

    assert {"date", *nuts} <= {item["itemId"] for item in items}
    assert headers["x-alsolike-cold-items"] == "1"  # The cold item is the date.
    assert {"date", *nuts} <= {item["itemId"] for item in for_nobody}
    assert "x-alsolike-cold-items" not in headers_of_nobody


def test_filter_passed_only_by_cold_items_returns_them_to_every_user(cold_shop):
    """Bert has no history, so the model cannot rank new items. The date was changed after the sloe."""
    cold_shop.configure(filters=FILTERS)
    cold_shop.catalogue({"sloe": {"kind": "blue", "price": 1}})
    cold_shop.catalogue({"date": {"from": "Greece", "price": 1}, "nut": {"price": 3}}, at_ms=NOW_MS + 1)

    items, headers = cold_shop.ask(userId="bert", filterArn=f"{ARN}:filter/cheap")

    assert [item["itemId"] for item in items] == ["date", "sloe"]
    assert headers["x-alsolike-source"] == "popular"


def test_seen_cold_item_does_not_fill_and_is_not_promoted(cold_shop):
    """Neither item resembles an item of the model. The promotion contains all items that pass its filter."""
    cold_shop.publish(item_ids=list(ITEMS), properties=ITEMS, exclude_seen=True)
    cold_shop.catalogue({"nut": {"kind": "nut", "price": 1}, "bolt": {"kind": "bolt", "price": 1}})
    promotion = {
        "filters": FILTERS,
        "rules": {"spring": {"promotions": [{"filter": "cheap", "share": 0.5}]}},
        "recommenders": {"for-you": {"rules": "spring"}},
    }
    cold_shop.configure(**promotion)
    assert {"nut", "bolt"} < set(cold_shop.items(numResults=4))

    cold_shop.remember("u#anna", "nut")

    promoted = cold_shop.items(numResults=4)
    assert ("bolt" in promoted, "nut" in promoted) == (True, False)
    cold_shop.configure()
    filled = cold_shop.items()
    assert (filled[-1], "nut" in filled) == ("bolt", False)


def test_deleted_cold_item_is_not_recommended(cold_shop):
    cold_shop.catalogue({"date": {"from": "Greece"}})
    cold_shop.catalogue({"date": None}, at_ms=NOW_MS + 1)

    assert "date" not in cold_shop.items()


def test_cold_items_of_another_model_are_not_recommended(cold_shop):
    cold_shop.catalogue({"date": {"from": "Greece"}})
    cold_shop.publish("v2", item_ids=list(ITEMS), properties=ITEMS)
    Registry(cold_shop.s3, cold_shop.bucket).promote("v2", reason="test", now_ms=NOW_MS)

    _, headers = cold_shop.ask()

    assert headers["x-alsolike-model-version"] == "v2"
    assert "x-alsolike-cold-items" not in headers


def test_filters_apply_to_cold_items_and_keep_their_scores(cold_shop):
    cold_shop.configure(items={"columns": {"price": "number"}}, filters=FILTERS)
    cold_shop.catalogue({"date": {"from": "Greece", "price": 1}, "ouzo": {"from": "Greece", "price": 9}})

    items, _ = cold_shop.ask(filterArn=f"{ARN}:filter/cheap")

    assert items == [{"itemId": "date", "score": 1.0}]


def test_filters_use_the_users_interactions_with_cold_items(cold_shop):
    cold_shop.configure(filters=FILTERS)
    cold_shop.catalogue({"date": {"from": "Greece"}})
    cold_shop.remember("u#anna", "date", "purchase")

    assert "date" not in cold_shop.items("unbought")
    assert "date" in cold_shop.items()


@pytest.mark.parametrize(("excluded", "event_type"), [("exclude_seen", "view"), ("exclude_bought", "purchase")])
def test_cold_item_is_excluded_like_an_item_of_the_model(cold_shop, excluded, event_type):
    cold_shop.publish(item_ids=list(ITEMS), properties=ITEMS, **{excluded: True})
    cold_shop.catalogue({"date": {"from": "Greece"}})
    if excluded == "exclude_bought":
        cold_shop.remember("u#anna", "date")
    assert "date" in cold_shop.items()

    cold_shop.remember("u#anna", "date", event_type)

    # The fig is popular, and the other items follow. The pear was viewed.
    pear = ["pear"] if excluded == "exclude_bought" else []
    assert cold_shop.items() == ["fig", "plum", *pear, "kiwi", "apple"]


def test_metadata_of_cold_items_comes_from_the_catalogue(cold_shop):
    cold_shop.catalogue({"date": {"from": "Greece", "title": "Date"}})

    items, _ = cold_shop.ask(metadataColumns={"ITEMS": ["TITLE"]})

    assert [item["metadata"] for item in items if item["itemId"] == "date"] == [{"TITLE": "Date"}]
