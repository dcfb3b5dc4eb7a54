"""Trends, with and without a model: a burst of events leads within seconds and is counted once."""

import time

from alsolike.trends.store import TrendsReader
from operations.cost_measurement import CALLS
from tests.booted.shop import SECONDS_PER_DAY, eventually, kill

ITEMS = 8
DAYS = 20


def view(shop, session, *items):
    events = [
        {"eventType": "view", "itemId": item, "eventId": f"{session}-{number}", "sentAt": at}
        for number, (item, at) in enumerate(items)
    ]
    answer = shop.post_events(events, session=session)
    assert answer.status == 200, answer.document


def trends(shop):
    reader = TrendsReader(shop.cloud.client("s3"), shop.name("artefact-bucket"))
    return reader.current(now_ms=time.time_ns() // 1_000_000)


def best(shop):
    return dict(trends(shop).best("30m", now_ms=time.time_ns() // 1_000_000))


def test_trending_items_are_returned_without_a_model(shop):
    for visit in range(20):
        shop.send(f"visitor-{visit}", "item-77")

    answer = eventually(lambda: shop.get("/trending?window=30m"), holds=lambda found: "item-77" in found.items)

    assert "item-77" in answer.items
    assert answer.headers["x-alsolike-source"] == "trending"
    assert answer.headers["x-alsolike-degraded"] == "no-model"


def test_burst_leads_within_seconds_and_usual_items_do_not_trend(shop):
    now = time.time()
    for day in range(DAYS):  # each item once a day, at this hour
        view(shop, f"day-{day}", *((f"usual-{n}", now - (DAYS - day) * SECONDS_PER_DAY) for n in range(ITEMS)))
    view(shop, "today", *((f"usual-{n}", now) for n in range(ITEMS)))
    for visitor in range(3):
        view(shop, f"visitor-{visitor}", *[("news", time.time())] * 10)

    found = eventually(lambda: best(shop), holds=lambda scores: scores.get("news", 0) > 1.7)

    assert not [item for item in found if item.startswith("usual-")]
    assert found["news"] < 3  # The score is higher if each event counts twice.
    listed = [item["item_id"] for item in shop.alsolike("trends", "--window", "30m", "-k", "100")["items"]]
    assert "news" in listed
    assert not [item for item in listed if item.startswith("usual-")]


def test_restarted_process_continues_the_counts(shop):
    before = best(shop)["news"]
    kill(shop, "CountTrends")

    view(shop, "more", *[("news", time.time())] * 10)
    after = eventually(lambda: best(shop)["news"], holds=lambda score: score > before)

    # One view would gain less than the score decays while a busy machine starts the process again.
    assert before < after < 2 * before


def test_cost_is_measured_with_a_load_on_a_running_cloud(shop, assembly):
    bill = shop.alsolike("cost", "--assembly", assembly, "--measure", "--events-per-call", "10")

    measured = bill["measured"]["functions"]
    assert {"collect", "recommend", "update_profiles", "archive_events", "count_trends"} <= set(measured)
    assert measured["collect"]["calls"] == measured["recommend"]["calls"] == CALLS
    assert all(each["mean_ms"] > 0 and 0 < each["max_memory_mb"] < 2_048 for each in measured.values())
    (time_of_collect,) = (line for line in bill["lines"] if line["what"] == "time of collect")
    assert f"measured: {CALLS} call(s)" in time_of_collect["how"]
