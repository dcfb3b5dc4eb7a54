"""Impressions of events and of the recommendation log move seen items down within seconds."""

import time

from tests.booted.shop import eventually
from tests.system.trained.opened_shop import CONFIGURATION

USER = "user-31"
FATIGUE = "recommenders:\n  for-you:\n    fatigue: {strength: 5, half_life_hours: 48}\n"


def test_seen_item_leaves_the_first_place_within_seconds(shop, tmp_path):
    first = shop.recommend(USER).items[0]
    shop.configure(CONFIGURATION + FATIGUE, tmp_path)

    searches = [
        {"eventType": "search", "sentAt": time.time(), "eventId": f"seen-{number}", "impression": [first],
         "properties": '{"query": "sofa"}'}
        for number in range(3)
    ]  # fmt: skip

    def searched():
        assert shop.post_events(searches, session="seen", user=USER).status == 200  # A repeated event is stored once.
        return shop.recommend(USER).items[0]

    assert eventually(searched, holds=lambda item: item != first) != first
    table = shop.cloud.client("dynamodb"), shop.name("profiles-table")

    def sources():
        """Return the kinds of stored lists: `+` from events, `-` from the recommendation log."""
        items = table[0].scan(TableName=table[1])["Items"]
        return {item["sort_key"]["S"][16] for item in items if item["profile_id"]["S"].startswith("i#")}

    assert eventually(sources, holds=lambda kinds: kinds == {"+", "-"}) == {"+", "-"}
