"""Forecast of a draft from responses and clicks of simulated users."""

import random
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

from tests.booted.shop import eventually
from tests.system.trained.opened_shop import CONFIGURATION

USERS = 240
SWAPS = "recommenders:\n  for-you:\n    swaps: 1\n"


def _event(kind, user, item, **fields):
    return {
        "eventType": kind, "sentAt": time.time(), "eventId": f"{kind} {user} {item}", "itemId": item, **fields
    }  # fmt: skip


def _sent(shop, user, *events):
    assert shop.post_events(events, session=user, user=user).status == 200


def test_forecast_uses_logged_responses_and_clicks(shop, tmp_path):
    """Users click on the first place in 90% of the visits, on the second in 45% and so on, whatever the item."""
    shop.configure(CONFIGURATION + SWAPS, tmp_path)
    seen = shop.recommend("user-0").items[0]
    users = [f"forecast-{number}" for number in range(USERS)]

    def visit(user):
        draws, answer = random.Random(user), shop.recommend(user)
        named = answer.document["recommendationId"]
        clicked = [item for place, item in enumerate(answer.items, 1) if draws.random() < 0.9 / place]
        if clicked:
            _sent(shop, user, *[_event("click", user, item, recommendationId=named) for item in clicked])
        return answer, len(clicked)

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda user: _sent(shop, user, _event("view", user, seen)), users))
        eventually(lambda: shop.recommend(users[-1]), holds=lambda each: each.headers["x-alsolike-source"] == "model")
        visits = list(pool.map(visit, users))
    pinned, _ = Counter(answer.items[5] for answer, _ in visits).most_common(1)[0]
    # Lists of other tests may lack the pinned item. Users rarely examine the third place, so all lists still have
    # enough support.
    draft = tmp_path / "draft.yaml"
    draft.write_text(
        f"{CONFIGURATION}rules: {{top: {{pins: [{{item: {pinned}, position: 3}}]}}}}\n"
        "recommenders: {for-you: {rules: top}}\n"
    )

    def forecast():
        found = shop.alsolike("rules", "forecast", "--file", draft)
        print(found)
        return found

    found = eventually(
        forecast, holds=lambda each: each["responses"] >= USERS and each["outcomes"][0]["effective"] > 200
    )
    clicks = found["outcomes"][0]
    assert (clicks["name"], clicks["missing"]) == ("clicks", None)
    assert found["changed"] > 0.5
    # All items are equally good, so only chance changes the clicks.
    assert abs(clicks["difference"]["value"]) < 0.5
    # The log also has the responses of other tests to the same shop, without clicks.
    assert abs(clicks["present"]["value"] - sum(count for _, count in visits) / found["responses"]) < 0.6
