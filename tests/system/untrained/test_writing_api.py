"""Writes of a shop and an administrator through the API of the embedded cloud."""

import functools
import time
from urllib.parse import quote

import pytest

from alsolike.api.path_ids import path_segment
from alsolike.declarations.storage import INTERACTIONS_PREFIX
from alsolike.profiles.profile_table import ProfileStore
from tests.booted.shop import eventually

STRANGE_IDS = ["a/b", "../../items", "50%", "%2F", "a?b#c", "ü ö", "😀" * 256, "~x", "..", "a+b"]


@pytest.fixture
def personalize(shop):
    """Return the client of a shop that migrates from Personalize. Only endpoint and key pair change."""
    return shop.personalize("personalize-events")


def lake_rows(shop, user):
    return [row for row in shop.lake_rows(INTERACTIONS_PREFIX) if row["user_id"] == user]


def test_unchanged_personalize_client_can_send_all_data(shop, personalize):
    now = time.time()

    personalize.put_items(
        datasetArn=shop.name("items-dataset-arn"), items=[{"itemId": "boto-item", "properties": '{"price": 2.5}'}]
    )
    personalize.put_users(
        datasetArn=shop.name("users-dataset-arn"), users=[{"userId": "boto", "properties": '{"membership": "gold"}'}]
    )
    personalize.put_events(
        trackingId=shop.name("tracking-id"),
        userId="boto",
        sessionId="boto-session",
        eventList=[
            {
                "eventType": "Purchase",
                "sentAt": now,
                "eventId": "boto-1",
                "itemId": "boto-item",
                "eventValue": 2.5,
                "properties": '{"colour": "red"}',
                "recommendationId": "r1",
                "impression": ["boto-item", "other"],
                "metricAttribution": {"eventAttributionSource": "mail"},
            },
            {"eventType": "Search", "sentAt": now, "eventId": "boto-2", "properties": '{"query": "red pears"}'},
        ],
    )

    assert shop.administer("GET", "/items/boto-item").document["properties"] == {"price": 2.5}
    assert shop.administer("GET", "/users/boto").document["properties"] == {"membership": "gold"}
    rows = {row["event_id"]: row for row in eventually(lambda: lake_rows(shop, "boto"), holds=lambda r: len(r) == 2)}
    bought, searched = rows["boto-1"], rows["boto-2"]
    assert (bought["item_id"], bought["event_type"], bought["event_value"]) == ("boto-item", "purchase", 2.5)
    assert (bought["recommendation_id"], bought["impression"]) == ("r1", ["boto-item", "other"])
    assert bought["properties"] == '{"colour":"red","eventAttributionSource":"mail"}'
    assert (searched["item_id"], searched["event_type"], searched["query"]) == (None, "search", "red pears")
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    found = eventually(lambda: store.read("u#boto", consistent=True).recent)
    assert [interaction.item_id for interaction in found] == ["boto-item"]


@pytest.mark.parametrize("item_id", STRANGE_IDS)
def test_row_with_any_id_is_reached_by_its_path(shop, item_id):
    path = f"/items/{path_segment(item_id)}"
    put = {"datasetArn": shop.name("items-dataset-arn"), "items": [{"itemId": item_id, "properties": {"n": 1, "m": 1}}]}

    assert shop.post("/items", put).status == 200
    assert shop.administer("PATCH", path, {"n": 2, "m": None}).document["properties"] == {"n": 2}
    shown = shop.administer("GET", path)
    assert (shown.document["itemId"], shown.document["properties"]) == (item_id, {"n": 2})
    assert shop.administer("DELETE", path).status == 200
    assert shop.administer("GET", path).status == 404


@pytest.mark.parametrize("item_id", ["ü ö", "a.b", "a:b@c"])
def test_plain_ids_may_be_percent_encoded(shop, item_id):
    shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": [{"itemId": item_id}]})

    assert shop.administer("GET", f"/items/{quote(item_id)}").document["itemId"] == item_id


def test_all_rows_are_listed_in_pages(shop):
    users = [{"userId": f"listed-{number}"} for number in range(5)]
    shop.post("/users", {"datasetArn": shop.name("users-dataset-arn"), "users": users})

    found, path = [], "/users?limit=2"
    while path:
        page = shop.administer("GET", path).document
        found += [user["userId"] for user in page["users"]]
        path = f"/users?limit=2&nextToken={quote(page['nextToken'])}" if "nextToken" in page else ""

    assert {user["userId"] for user in users} <= set(found)
    assert len(found) == len(set(found))


@pytest.mark.parametrize(
    "route",
    ["GET /items", "GET /items/a", "PATCH /items/a", "DELETE /items/a", "GET /users", "GET /operator/models"],
)
def test_shop_token_cannot_read_or_change_rows(shop, route):
    method, path = route.split()
    token = shop.cloud.token(["alsolike/events.write", "alsolike/recommendations.read"])

    assert shop._call(method, path, {"a": 1} if method == "PATCH" else None, token=token).status == 403


def test_declared_event_type_is_accepted_until_its_rollback(shop, tmp_path):
    file = tmp_path / "shop.yaml"
    file.write_text("format: 1\nevents:\n  wishlist: {weight: 2, aliases: [wish]}\n")
    wish = {"eventType": "Wish", "itemId": "lamp", "sentAt": time.time(), "eventId": "wish-1"}
    post = functools.partial(shop.post_events, [wish], session="wishing", user="wishful")
    refused = post()

    applied = shop.alsolike("config", "apply", file, "--reason", "wishes count")
    taken = post()

    assert refused.status == 400
    assert "events.wishlist" in [change["path"] for change in applied["changes"]]
    assert taken.status == 200
    (row,) = eventually(lambda: lake_rows(shop, "wishful"))
    assert row["event_type"] == "wishlist"

    rolled = shop.alsolike("config", "rollback", "--reason", "not yet")
    again = eventually(post, holds=lambda answer: answer.status == 400)

    assert again.status == 400
    history = shop.alsolike("config", "history", "--limit", "2")
    assert [(entry["version"], entry["reason"]) for entry in history] == [
        (rolled["version"], "not yet"),
        (applied["version"], "wishes count"),
    ]
