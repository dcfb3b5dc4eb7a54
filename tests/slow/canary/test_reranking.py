"""Reranking on the embedded cloud, from the clicks of a simulated shop to reranked responses."""

import itertools
import math
import time

import numpy as np
import pytest

from alsolike.profiles.profile_table import ProfileStore
from alsolike.recommendations.request_fields import FOR_YOU
from operations.client.deployment import from_cloud
from operations.demo import reference
from tests.booted.assemblies import synthesized
from tests.booted.shop import SECONDS_PER_DAY, eventually, write_history
from tests.booted.trial_shop import SETTINGS, SHOPPERS, USERS, TrialShop

PRICES = {f"item-{aisle}{number}": 2 * 1.4 ** (7 * number % 10) for aisle in range(3) for number in range(10)}
"""Each aisle has the same ten prices, which are independent of the order in which its users buy the items."""

PREFERENCES = {"phone": -1.0, "desktop": 1.0}
"""Effect of the price on clicks by device."""

RESPONSES = 660
"""Number of responses with a click to collect. A reranker needs `MIN_RESPONSES / (1 - EVALUATED_SHARE)`."""


class ClickingShop(TrialShop):
    def __init__(self, *arguments):
        super().__init__(*arguments)
        self._random = np.random.default_rng(1)

    def open(self, directory):
        history, items = directory / "history.csv", directory / "items.csv"
        write_history(history, users=USERS, days=24, end=time.time() - 4 * SECONDS_PER_DAY)
        items.write_text(
            "ITEM_ID,CATEGORY,PRICE\n"
            + "".join(f"{item},aisle {item[-2]},{price:.2f}\n" for item, price in PRICES.items())
        )
        self.alsolike("import", "items", items)
        self.alsolike("import", "interactions", history)
        first = self.alsolike("train")
        assert first["reranker"] == "off, 0 responses with an outcome, at least 625 needed"
        eventually(
            lambda: self.recommend(SHOPPERS[0]), holds=lambda answer: answer.headers["x-alsolike-source"] == "model"
        )
        self.swap(1, directory)
        return items

    def swap(self, share, directory):
        """Set the share of responses whose neighbouring items are put in random order."""
        file = directory / "swaps.yaml"
        file.write_text(f"format: 1\nrecommenders:\n  for-you:\n    swaps: {share}\n")
        self.alsolike("config", "apply", file, "--reason", "learn how much users look at each place")

    def ask(self, user, device):
        answer = self.post("/recommendations", {"userId": user, "context": {"DEVICE": device} if device else {}})
        assert (answer.status, "x-alsolike-degraded" in answer.headers) == (200, False)
        return answer

    def browse(self):
        """Return whether a random user of a random device clicks.

        Users notice place k with probability 1 / k, and click a noticed item with a probability that depends on its
        price and the device.
        """
        user, device = SHOPPERS[self._random.integers(USERS)], ("phone", "desktop")[self._random.integers(2)]
        answer = self.ask(user, device)
        places = np.arange(1, 1 + len(answer.items))
        utility = 0.5 + PREFERENCES[device] * 1.5 * (np.log([PRICES[item] for item in answer.items]) - math.log(9))
        clicked = np.flatnonzero(self._random.random(len(places)) < 1 / (1 + np.exp(-utility)) / places)
        recommendation_id = answer.document["recommendationId"]
        events = [
            {"eventType": "click", "eventId": f"{recommendation_id}-{place}", "itemId": answer.items[place],
             "sentAt": time.time(), "recommendationId": recommendation_id}
            for place in clicked
        ]  # fmt: skip
        if events:
            call = {"trackingId": self.name("tracking-id"), "userId": user, "sessionId": user, "eventList": events}
            assert self.post("/events", call).status == 200
        return bool(events)

    def collect_clicks(self):
        clicked = (self.browse() for _ in range(2 * RESPONSES))
        return len(list(itertools.islice(filter(None, clicked), RESPONSES))) == RESPONSES

    def logged(self, answers):
        wanted = [answer.document["recommendationId"] for answer in answers]

        def rows():
            return {row["recommendation_id"]: row for row in self.lake_rows("served/")}

        found = eventually(rows, holds=lambda found: set(wanted) <= set(found))
        return [found[each] for each in wanted]


@pytest.fixture(scope="module")
def shop(tmp_path_factory):
    with ClickingShop.booted(synthesized(**SETTINGS), tmp_path_factory.mktemp("reranking")) as shop:
        yield shop


def test_reranker_learns_from_clicks_passes_the_canary_and_is_used(shop, tmp_path):
    items = shop.open(tmp_path)
    before = shop.serves
    assert shop.collect_clicks()
    shop.logged([shop.ask(SHOPPERS[0], "phone")])

    execution = shop.start()
    version = eventually(shop.on_trial)
    assert version is not None, shop.ended(execution)
    tried = {shop.ask(user, "phone").headers["x-alsolike-model-version"] for user in SHOPPERS}
    shop.ended(execution)

    assert tried == {before, version}
    assert shop.serves == version
    figures = shop.manifest(version)["metrics"]["reranker"]
    assert figures["on"], figures
    assert figures["responses"] >= 625
    assert figures["propensities"][1] == pytest.approx(1 / 2, abs=0.15)
    assert figures["weights"]["price, device phone"] < -0.3 < 0.3 < figures["weights"]["price, device desktop"]
    shown = shop.alsolike("models", "show", version)
    assert shown["canary"]["state"] == "promoted"
    (check,) = (check for check in shown["decision"]["checks"] if check["name"] == "reranker")
    assert (check["passed"], check["figures"]) == (True, figures["sentence"])
    eventually(
        lambda: {shop.ask(user, "phone").headers["x-alsolike-model-version"] for user in SHOPPERS[:10]},
        holds=lambda versions: versions == {version},
    )

    shop.swap(0, tmp_path)
    deployment = from_cloud(shop.cloud)
    model = reference.fit(deployment, version, tmp_path, items=items)
    profiles = ProfileStore(deployment.client("dynamodb"), deployment.names.profiles_table)
    for device in (*PREFERENCES, ""):
        answers = [shop.ask(user, device) for user in SHOPPERS[:15]]
        rows = shop.logged(answers)
        for user, row in zip(SHOPPERS, rows, strict=False):
            expected = model.rank(
                profiles.read(f"u#{user}"),
                k=row["asked"],
                now_ms=row["served_ms"],
                answered=row["item_ids"],
                device=device,
            )
            assert row["item_ids"][: len(expected)] == expected
        assert {row["recommender"] for row in rows} == {FOR_YOU}
        if device:
            assert PREFERENCES[device] * np.mean([dearer_than_by_score(row) for row in rows]) >= 0.3

    recommendation_id = rows[0]["recommendation_id"]
    explained = shop.alsolike("explain", recommendation_id, "--user", SHOPPERS[0])
    assert explained["replay"]["same"], explained["replay"]["differences"]
    places = [item["place_by_score"] for item in explained["items"] if item["origin"] == "ranked"]
    assert sorted(places) == list(range(1, 1 + len(places))) != places


def dearer_than_by_score(row):
    """Return the mean logarithm of the first five prices, minus that of the five items with the highest scores."""
    log_price = np.log([PRICES[item] for item in row["item_ids"]])
    scores = np.array([-math.inf if score is None else score for score in row["scores"]])
    return float(log_price[:5].mean() - log_price[np.argsort(-scores, kind="stable")][:5].mean())
