"""Configuration and catalogue refreshed between requests, and failures of the refresh."""

import dataclasses
import time
from pathlib import Path
from typing import Any, cast

import orjson
import pytest
from botocore.exceptions import ReadTimeoutError

from alsolike.configuration.configuration import DEFAULT
from alsolike.configuration.experiments import Arm, Experiment
from alsolike.declarations.storage import CHAMPION_KEY, CONFIGURATION_KEY, SNAPSHOT_KEY
from alsolike.runtime.errors import Unavailable
from alsolike.runtime.polling import PolledValue, Polling, unlimited
from alsolike.snapshot.snapshot import EMPTY
from functions.recommend.dependencies import current_dependencies
from functions.recommend.state.bundles import BundleCache
from functions.recommend.state.champion import NO_SERVING, VariantModels
from functions.recommend.state.serving_state import StateRefresher
from functions.recommend.timeouts import READ_MS
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import ARN

PRICES: dict[str, Any] = {"items": {"columns": {"price": "number"}}}
CHEAP = {**PRICES, "filters": {"cheap": "INCLUDE ItemID WHERE Items.PRICE < 2"}}
NAMED = {"filterArn": f"{ARN}:filter/cheap"}


def test_item_is_not_recommended_between_deletion_and_restoration(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.catalogue({"fig": {"price": 1}, "plum": {"price": 2}})
    assert shop.items(numResults=2) == ["fig", "plum"]

    shop.catalogue({"fig": None}, at_ms=NOW_MS + 1)

    assert shop.items(numResults=2) == ["plum", "pear"]
    # The popular items fig, pear and kiwi come first, and then other items.
    assert shop.items(userId="unknown-user") == ["pear", "kiwi", "plum"]

    shop.catalogue({"fig": {"price": 1}}, at_ms=NOW_MS + 2)

    assert shop.items(numResults=2) == ["fig", "plum"]


def test_item_missing_in_the_catalogue_is_recommended(shop):
    shop.publish()
    shop.catalogue({"fig": {"price": 1}})

    assert sorted(shop.items(userId="unknown-user")) == ["fig", "kiwi", "pear", "plum"]


def test_deleted_item_passes_no_filter(shop):
    shop.publish()
    shop.configure(**PRICES, filters={"all": "EXCLUDE ItemID WHERE Items.PRICE > 100"})
    shop.catalogue({"fig": None})

    assert "fig" not in shop.items("all", userId="unknown-user")


def test_metadata_comes_from_the_catalogue_or_else_the_model(shop):
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.catalogue({"fig": {"price": 9, "colour": "violet"}})

    items, _ = shop.ask(numResults=2, metadataColumns={"ITEMS": ["PRICE", "TITLE", "COLOUR"]})

    assert [item["metadata"] for item in items] == [{"PRICE": "9", "COLOUR": "violet"}, {"TITLE": "Plum"}]


def test_sources_are_not_read_before_their_interval_ends(shop, monkeypatch):
    for check in ("CONFIGURATION_CHECK_S", "SNAPSHOT_CHECK_S"):
        monkeypatch.setenv(check, "30")
    clock_s = 0
    monkeypatch.setattr(time, "time_ns", lambda: (NOW_MS + clock_s * 1000) * 1_000_000)
    shop.publish()
    shop.catalogue({"pear": {"price": 1}})
    shop.configure(**CHEAP)
    assert shop.items("cheap", userId="unknown-user") == ["pear"]

    shop.catalogue({"fig": {"price": 1}}, at_ms=NOW_MS + 1)
    shop.configure(**PRICES, filters={"cheap": "INCLUDE ItemID WHERE Items.PRICE < 0.5"})
    clock_s = 29
    assert shop.items("cheap", userId="unknown-user") == ["pear"]
    clock_s = 30
    assert shop.items("cheap", userId="unknown-user") == []


@pytest.mark.parametrize(
    ("key", "reason"), [(CONFIGURATION_KEY, "stale-configuration"), (SNAPSHOT_KEY, "stale-catalogue")]
)
def test_unreadable_source_keeps_the_previous_one_and_is_degraded(shop, counted, key, reason):
    shop.publish()
    shop.catalogue({"pear": {"price": 1}})
    shop.configure(**CHEAP)
    assert shop.items("cheap", userId="unknown-user") == ["pear"]
    shop.put(key, b"damaged")
    counted()

    items, headers = shop.ask(userId="unknown-user", **NAMED)

    assert [item["itemId"] for item in items] == ["pear"]
    assert headers["x-alsolike-degraded"] == reason
    assert counted()["RecommendationsDegraded"] == 1


def test_invalid_catalogue_manifest_keeps_the_previous_catalogue(shop, logged):
    """The manifest is readable, but `cold_model` is 5, which is not a model version."""
    shop.publish()
    shop.catalogue({"pear": {"price": 1}})
    shop.configure(**CHEAP)
    assert shop.items("cheap", userId="unknown-user") == ["pear"]
    manifest = orjson.loads(shop.s3.get_object(Bucket=shop.bucket, Key=SNAPSHOT_KEY)["Body"].read())
    shop.put(SNAPSHOT_KEY, orjson.dumps({**manifest, "cold_model": 5}))

    for _ in range(2):
        items, headers = shop.ask(userId="unknown-user", **NAMED)
        assert [item["itemId"] for item in items] == ["pear"]
        assert headers["x-alsolike-degraded"] == "stale-catalogue"
    assert "catalogue cannot be read" in logged()

    shop.put(SNAPSHOT_KEY, orjson.dumps(manifest))
    assert "x-alsolike-degraded" not in shop.ask(userId="unknown-user")[1]


def test_missing_configuration_is_degraded_and_named_filters_pass_no_items(shop, counted):
    shop.publish()
    shop.put(CONFIGURATION_KEY, b"damaged")

    items, headers = shop.listed(userId="unknown-user")
    barred, barred_headers = shop.ask(userId="unknown-user", **NAMED)

    assert items == ["fig", "pear", "kiwi", "plum"]
    assert headers["x-alsolike-degraded"] == barred_headers["x-alsolike-degraded"] == "no-configuration"
    assert (barred, barred_headers["x-alsolike-source"]) == ([], "none")
    assert counted()["RecommendationsDegraded"] == 2


def test_missing_catalogue_is_degraded_and_item_filters_pass_no_items(shop):
    shop.publish()
    shop.configure(**{**CHEAP, "filters": {**CHEAP["filters"], "not-dear": "EXCLUDE ItemID WHERE Items.PRICE > 2"}})
    shop.put(SNAPSHOT_KEY, b"damaged")

    items, headers = shop.ask(userId="unknown-user")
    barred = [shop.items(name, userId="unknown-user") for name in ("cheap", "not-dear")]

    assert [item["itemId"] for item in items] == ["fig", "pear", "kiwi", "plum"]
    assert headers["x-alsolike-degraded"] == "no-catalogue"
    assert barred == [[], []]


def test_timeout_of_one_source_skips_the_reads_of_the_others(shop, monkeypatch):
    read = []

    def time_out(**call):
        read.append(call["Key"])
        raise ReadTimeoutError(endpoint_url="https://s3")

    monkeypatch.setattr(current_dependencies().refresher._champion._registry._client, "get_object", time_out)

    assert shop.ask()[1]["x-alsolike-degraded"] == "no-model, no-configuration, no-catalogue, no-trends"
    assert read == [CHAMPION_KEY]


def test_sources_are_not_read_if_the_remaining_time_is_short(shop):
    shop.publish()
    shop.configure(**CHEAP)
    shop.catalogue({"pear": {"price": 1}})

    first = shop.post({"userId": "unknown"}, remaining_ms=READ_MS)
    assert first["headers"]["x-alsolike-degraded"] == "no-configuration, no-catalogue"
    assert shop.items("cheap", userId="unknown-user") == ["pear"]

    shop.catalogue({"pear": None}, at_ms=NOW_MS + 1)
    hurried = shop.post({"userId": "unknown", **NAMED}, remaining_ms=READ_MS)
    assert [item["itemId"] for item in orjson.loads(hurried["body"])["itemList"]] == ["pear"]
    assert "x-alsolike-degraded" not in hurried["headers"]
    assert shop.items("cheap", userId="unknown-user") == []


def test_new_model_keeps_the_current_catalogue(shop, monkeypatch):
    monkeypatch.setenv("CHAMPION_CHECK_S", "0")
    shop.publish("v1")
    shop.catalogue({"fig": None})
    assert "fig" not in shop.items(userId="unknown-user")

    shop.publish("v2")

    items, headers = shop.ask(userId="unknown-user")
    assert headers["x-alsolike-model-version"] == "v2"
    assert "fig" not in [item["itemId"] for item in items]


class Part:
    """Polled part of the state with reads that can fail."""

    def __init__(self, value):
        self.value = value
        self.error: Exception | None = None
        self.polled: Any = PolledValue(self._read, name="part", polling=Polling(0), default=value)

    def _read(self, _):
        if self.error is not None:
            raise self.error
        return self.value


def test_state_is_rebuilt_only_after_a_change():
    champion, configuration, snapshot = Part(NO_SERVING), Part(DEFAULT), Part(EMPTY)
    variants = VariantModels(BundleCache(cast("Any", None), "", Path()), retry_s=30)
    refresher = StateRefresher(
        champion.polled, variants=variants, configuration=configuration.polled, snapshot=snapshot.polled
    )

    def state():
        return refresher.state(now_ms=NOW_MS, remaining_ms=unlimited)

    first = state()
    assert state() is first
    configuration.value = dataclasses.replace(DEFAULT, version=2)
    assert state().configuration.version == 2
    snapshot.error = Unavailable()
    assert state().degraded == ("no-model", "stale-part")
    experiment = Experiment("e", "layer", NOW_MS + 1, None, (Arm("a", 0.5), Arm("b", 0.5)))
    configuration.value = dataclasses.replace(DEFAULT, experiments={"e": experiment})
    assert state() is not state()
