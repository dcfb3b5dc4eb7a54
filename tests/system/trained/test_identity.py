"""A visitor who logs in keeps the session's history."""

import time

from alsolike.profiles.profile_table import ProfileStore
from tests.booted.shop import eventually

SESSION, USER = "visit-7", "newcomer"
START = time.time() - 600


def post(shop, *visits, user=None):
    """Send purchases in the session. Each visit is an item and its time in minutes after `START`."""
    events = [
        {"eventType": "purchase", "itemId": item, "eventId": f"{SESSION}-{item}", "sentAt": START + 60 * minute}
        for item, minute in visits
    ]
    answer = shop.post_events(events, session=SESSION, user=user)
    assert answer.status == 200, answer.document


def items(shop, profile_id):
    store = ProfileStore(shop.cloud.client("dynamodb"), shop.name("profiles-table"))
    return [each.item_id for each in store.read(profile_id, consistent=True).recent]


def test_visitor_who_logs_in_gets_recommendations_from_the_visit(shop):
    post(shop, ("item-00", 1), ("item-01", 2))
    assert eventually(lambda: items(shop, f"s#{SESSION}"), holds=lambda found: len(found) == 2) == [
        "item-00",
        "item-01",
    ]
    stranger = eventually(lambda: shop.recommend(USER), holds=lambda found: bool(found.items))
    visitor = shop.recommend(SESSION)
    post(shop, ("item-02", 3), user=USER)
    expected = ["item-00", "item-01", "item-02"]
    assert eventually(lambda: items(shop, f"u#{USER}"), holds=lambda found: found == expected) == expected
    known = shop.recommend(USER)

    assert stranger.headers["x-alsolike-source"] == "popular"
    assert visitor.headers["x-alsolike-source"] == known.headers["x-alsolike-source"] == "model"
    assert known.items[0] == "item-03"  # part of the cycle that all users of the aisle buy
    assert eventually(lambda: items(shop, f"s#{SESSION}"), holds=lambda found: not found) == []


def test_session_events_are_assigned_by_their_time(shop):
    post(shop, ("item-03", 2.5), ("item-23", 4))
    post(shop, ("item-24", 5), user="somebody-else")

    late = ["item-00", "item-01", "item-03", "item-02"]
    assert eventually(lambda: items(shop, f"u#{USER}"), holds=lambda found: found == late) == late
    assert eventually(lambda: items(shop, "u#somebody-else")) == ["item-24"]
    assert eventually(lambda: items(shop, f"s#{SESSION}")) == ["item-23"]
