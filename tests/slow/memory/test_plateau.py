"""Growth of the embedded cloud's memory per request, under traffic that adds no data."""

import itertools
import json
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import psutil

from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import Shop

REQUESTS = 14_400
"""Number of requests in an hour at four per second."""
QUARTER = REQUESTS // 4
USERS = ITEMS = 40
GROWTH_BYTES = 1_500
"""Maximum growth per request in the last quarter, in which caches and log groups are already full."""


def memory_bytes(shop):
    shop.cloud.flush()
    return psutil.Process(shop.cloud.state.pid).memory_info().rss


def put_item(shop, number):
    item = {"itemId": f"item-{number % ITEMS}", "properties": json.dumps({"price": number, "title": f"Title {number}"})}
    return shop.post("/items", {"datasetArn": shop.name("items-dataset-arn"), "items": [item]}).status


def call(shop, number):
    return put_item(shop, number) if number % 10 == 0 else shop.recommend(f"user-{number % USERS}").status


def test_memory_stays_level_during_an_hour_of_traffic(tmp_path):
    with (
        Shop.booted(synthesized(**QUICK), tmp_path, data=tmp_path / "data") as shop,
        ThreadPoolExecutor(6) as threads,
    ):
        for number in range(ITEMS):
            assert put_item(shop, number) == 200
        for number in range(USERS):
            assert shop.send(f"user-{number}", *(f"item-{item}" for item in range(10))).status == 200

        statuses: Counter[int] = Counter()
        used = []
        for quarter in range(4):
            numbers = range(quarter * QUARTER, (quarter + 1) * QUARTER)
            statuses.update(threads.map(call, itertools.repeat(shop), numbers))
            used.append(memory_bytes(shop))

    assert statuses == {200: REQUESTS}
    assert used[-1] - used[-2] < QUARTER * GROWTH_BYTES, used
