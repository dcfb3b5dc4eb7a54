"""Slow reads from S3. Except for the first read of a source, requests wait no longer than their time budget."""

import math
import threading
import time

import pytest
from botocore.exceptions import ReadTimeoutError

from alsolike.runtime.polling import WaitBudget
from functions.recommend.dependencies import current_dependencies
from functions.recommend.state.bundles import BundleCache, load
from functions.recommend.state.champion import VariantModels
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.deployment import CHECK_S

SILENT_S = 60
"""Time in seconds after which a blocked call fails. A request that waited for it would be degraded."""


def until(condition):
    deadline_s = time.monotonic() + SILENT_S
    while not condition():
        assert time.monotonic() < deadline_s
        time.sleep(0.005)


def test_version_of_an_arm_is_loaded_in_the_background(deployment, monkeypatch):
    for version in ("v2", "v3", "v1"):
        deployment.publish(version)
    deployment.serving()
    responds = threading.Event()

    def load_slowly(*arguments, **options):
        assert responds.wait(SILENT_S)
        return load(*arguments, **options)

    monkeypatch.setattr("functions.recommend.state.champion.load", load_slowly)
    # The clock stands still, because requests wait without a limit for reads that exceed `STARVED_S`.
    budget = WaitBudget(50, clock=lambda: 0.0)
    bundles = BundleCache(deployment.s3, deployment.bucket, deployment.cache)
    variants = VariantModels(bundles, retry_s=CHECK_S, budget=budget)

    def loaded(*wanted):
        budget.begin_request(limited=True)
        champion = deployment.loader.latest.model
        return set(variants.current(wanted, champion=champion, now_ms=NOW_MS, remaining_ms=lambda: 20_000))

    assert loaded("v2", "v3") == set()
    assert loaded("v3") == set()  # v2 is no longer requested when its download ends.
    responds.set()
    until(lambda: loaded("v3") == {"v3"})
    assert deployment.cached() == ["v1", "v3"]


@pytest.mark.parametrize("route", ["GET /users/{userId}/recommendations", "GET /trending"])
def test_slow_store_keeps_responses_within_the_time_budget(shop, monkeypatch, route):
    for name in ("CONFIGURATION", "SNAPSHOT", "TRENDS", "CHAMPION"):
        monkeypatch.setenv(f"{name}_CHECK_S", "0")
    monkeypatch.setenv("TIME_BUDGET_MS", "200")
    monkeypatch.setattr("alsolike.runtime.polling.STARVED_S", math.inf)
    shop.publish()
    shop.catalogue({"fig": {"price": 1}})
    path = {"userId": "anna"} if "user" in route else None
    shop.get(route, path=path)
    refresher = current_dependencies().refresher
    silent = threading.Event()
    try:
        _breaker(monkeypatch, refresher._champion._registry._client, silent)
        for _ in range(3):
            answer = shop.get(route, path=path)

            assert answer["statusCode"] == 200
            assert "x-alsolike-degraded" not in answer["headers"]
            assert answer["headers"]["x-alsolike-model-version"] == "v1"
    finally:
        silent.set()


def test_slow_download_of_an_arm_keeps_responses_within_the_time_budget(shop, monkeypatch):
    monkeypatch.setenv("CONFIGURATION_CHECK_S", "0")
    monkeypatch.setenv("TIME_BUDGET_MS", "200")
    monkeypatch.setattr("alsolike.runtime.polling.STARVED_S", math.inf)
    shop.publish_beside("v2")
    shop.get("GET /trending")
    arms = {"control": {"share": 0.5}, "new": {"share": 0.5, "model": "v2"}}
    shop.configure(experiments={"spring": {"start": "2020-01-01T00:00:00Z", "arms": arms}})
    started, silent, ended = threading.Event(), threading.Event(), threading.Event()

    def download(*_, **__):
        started.set()
        silent.wait(SILENT_S)
        ended.set()
        raise ReadTimeoutError(endpoint_url="https://s3")

    monkeypatch.setattr("functions.recommend.state.champion.load", download)
    try:
        until(lambda: shop.get("GET /trending")["statusCode"] == 200 and started.is_set())

        assert not ended.is_set()
    finally:
        silent.set()


def test_first_request_of_a_process_waits_for_its_sources(shop, monkeypatch):
    monkeypatch.setenv("TIME_BUDGET_MS", "1")
    shop.publish()
    shop.count(kiwi=50)

    answer = shop.get("GET /trending")

    assert answer["headers"]["x-alsolike-source"] == "trending"
    assert "x-alsolike-degraded" not in answer["headers"] or "trends" not in answer["headers"]["x-alsolike-degraded"]


def test_first_trending_request_waits_for_trends(shop, monkeypatch):
    monkeypatch.setenv("TIME_BUDGET_MS", "1")
    shop.publish()
    shop.count(kiwi=50)
    shop.get("GET /popular")
    trends = current_dependencies().trends
    until(lambda: trends._reading is not None and trends._reading.done())

    assert shop.get("GET /trending")["headers"]["x-alsolike-source"] == "trending"


def _breaker(monkeypatch, client, until):
    def wait(**_):
        until.wait(SILENT_S)
        raise ReadTimeoutError(endpoint_url="https://s3")

    for name in ("get_object", "list_objects_v2", "head_object"):
        monkeypatch.setattr(client, name, wait)
