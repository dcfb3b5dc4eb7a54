"""Recommendations of items and to users that the model does not contain.

Some tests need the state that earlier tests left.
"""

import json

from tests.booted.shop import eventually


def cold_items(answer):
    return int(answer.headers.get("x-alsolike-cold-items", 0))


def test_posted_item_is_recommended_to_users_of_similar_items(shop):
    """User 0 buys in aisle 0, and user 1 in aisle 1."""
    assert cold_items(shop.recommend("user-0")) == 0
    rows = [{"itemId": "new", "properties": json.dumps({"aisle": "aisle 0"})}]
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": rows}).status == 200

    answer = eventually(lambda: shop.recommend("user-0", k=25), holds=lambda found: "new" in found.items, within_s=60)

    assert "new" in answer.items
    assert cold_items(answer) == 1
    assert "new" not in shop.recommend("user-1", k=8).items


def test_item_with_a_synonymous_title_is_recommended(shop):
    """User 0 buys sofas."""
    rows = [{"itemId": "synonym", "properties": json.dumps({"title": "Couch"})}]
    assert shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": rows}).status == 200

    answer = eventually(lambda: shop.recommend("user-0", k=25), holds=lambda found: "synonym" in found.items)

    assert "synonym" in answer.items
    assert "synonym" not in shop.recommend("user-1", k=8).items


def test_deleted_items_are_not_recommended(shop):
    for item in ("new", "synonym"):
        assert shop.administer("DELETE", f"/items/{item}").status == 200

    answer = eventually(lambda: shop.recommend("user-0", k=25), holds=lambda found: cold_items(found) == 0)

    assert not {"new", "synonym"} & set(answer.items)


def test_new_user_gets_items_popular_in_the_users_group(shop):
    """The members of club 1 buy in aisle 1."""
    rows = [{"userId": "member", "properties": json.dumps({"club": "club 1"})}]
    assert shop.post("/users", {"datasetArn": shop.name("users-dataset-arn"), "users": rows}).status == 200

    stored = shop.recommend("member", k=10)
    response = shop.post("/recommendations", {"userId": "visitor", "numResults": 10, "context": {"CLUB": "club 2"}})
    unknown = shop.recommend("stranger", k=10)

    assert {item.removeprefix("item-")[0] for item in stored.items} == {"1"}
    assert stored.headers["x-alsolike-popular-within"] == "club"
    assert {item.removeprefix("item-")[0] for item in response.items} == {"2"}
    assert (unknown.status, len(unknown.items)) == (200, 10)
    assert "x-alsolike-popular-within" not in unknown.headers
