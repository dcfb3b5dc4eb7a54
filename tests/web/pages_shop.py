"""Small shop with all data that its pages show: a catalogue, a champion, and the version before it.

``python -m tests.web.pages_shop build/shop`` runs the shop until an interrupt. The tests of the pages use this shop if
``ALSOLIKE_STATE=build/shop/cloud.json`` is set.
"""

from __future__ import annotations

import contextlib
import json
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from alsolike.declarations.storage import LISTS_KEY
from alsolike.registry.champion_pointer_store import Registry
from local_cloud.client import Cloud
from operations import embedded_cloud, pages
from operations.client import deployment
from tests.booted.assemblies import QUICK, synthesized
from tests.booted.shop import SECONDS_PER_DAY, Shop, eventually, write_history
from tests.booted.versions import publish_copy

USERS, DAYS = 60, 30
PACKED_S = 1_242_691_200
"""Time of the first packing, 19 May 2009, in seconds."""
AISLES = (("Bakery", "Loaf"), ("Dairy", "Cheese"), ("Garden", "Seed"))
CONFIGURATION = """\
format: 1
items:
  columns:
    title: text
    categoryL1: string
    categoryL2: string
    brand: string
    price: number
    origin: string
    packed: timestamp
    inStock: boolean
sessions:
  columns: [title, price, imageUrl, handle, url]
  sites:
    www:
      origins: ["http://localhost:8000"]
      recommenders: [for-you, recently-viewed, popular, similar-items]
"""


class PagesShop(Shop):
    def __init__(self, cloud: Cloud, state: Path) -> None:
        super().__init__(cloud, state)
        self.deployment = deployment.from_cloud(cloud)
        names = self.deployment.names
        self.url, self.sign_in_url = names.web_url, names.sign_in_url
        pages.publish(self.deployment, embedded_cloud.PAGES)

    def stock(self, directory: Path) -> None:
        """Fill the shop. The trained version is the previous champion, and the champion is a copy of this version."""
        configuration = directory / "alsolike.yaml"
        configuration.write_text(CONFIGURATION)
        self.alsolike("config", "apply", configuration, "--reason", "the shop's columns")
        rows = [
            {"itemId": item_id, "properties": json.dumps(properties)} for item_id, properties in catalogue().items()
        ]
        for first in range(0, len(rows), 10):  # the maximum of one call
            answer = self.post(
                "/items", {"datasetArn": self.name("items-dataset-arn"), "items": rows[first : first + 10]}
            )
            assert answer.status == 200, answer.document
        history = directory / "history.csv"
        write_history(history, users=USERS, days=DAYS, end=time.time() - SECONDS_PER_DAY)
        self.alsolike("import", "interactions", history)
        trained = self.alsolike("train")["version"]
        version = "of-the-opening"
        publish_copy(self, trained, version, passed=True)
        registry = Registry(self.cloud.client("s3"), self.name("artefact-bucket"))
        registry.promote(version, reason="the shop opens", now_ms=time.time_ns() // 1_000_000)
        served = eventually(
            lambda: self.recommend("user-0").headers.get("x-alsolike-model-version"),
            holds=lambda answering: answering == version,
        )
        assert served == version
        self.send("first", "item-00")  # starts the functions, so that lists follow the events of the tests at once
        assert eventually(lambda: self.get("/users/first/recommendations?recommender=recently-viewed").items)
        listed = eventually(lambda: self.static_lists().get("model"), holds=lambda model: model == version)
        assert listed == version

    def static_lists(self) -> dict[str, Any]:
        body = self.cloud.client("s3").get_object(Bucket=self.deployment.names.web_bucket, Key=LISTS_KEY)["Body"]
        lists: dict[str, Any] = json.loads(body.read())
        return lists


def catalogue() -> dict[str, dict[str, object]]:
    """Return the properties of the items that `write_history` sells."""
    return {
        f"item-{aisle}{number}": {
            "title": f"{kind} No. {number}",
            "categoryL1": category,
            "categoryL2": kind,
            "brand": "Private" if number % 2 else "National",
            "price": round(1.5 + aisle + number / 4, 2),
            "origin": ("Austria", "France", "Greece")[number % 3],
            "packed": PACKED_S + number * SECONDS_PER_DAY,
            "inStock": True,
        }
        for aisle, (category, kind) in enumerate(AISLES)
        for number in range(10)
    }


@contextlib.contextmanager
def stocked_shop(directory: Path, state: Path) -> Iterator[PagesShop]:
    settings = {**QUICK, "static_lists_schedule": "rate(1 day)"}
    with Cloud.start(synthesized(**settings), state=state) as cloud:
        shop = PagesShop(cloud, state)
        shop.stock(directory)
        yield shop


if __name__ == "__main__":
    place = Path(sys.argv[1])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    with stocked_shop(place, place / "cloud.json") as found:
        print(found.url, flush=True)
        embedded_cloud.wait_for_interrupt(found.cloud)
