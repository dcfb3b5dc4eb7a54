"""Lists after failures: items similar to the last viewed one, popular items, trending items, or no items."""

import contextlib
import itertools
import socket
import time
from typing import Any, cast

import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.bundle.popular_groups import Group
from functions.recommend.dependencies import current_dependencies
from functions.recommend.state.model import Budget, Model
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import ARN

RELATED = {"similar": {"pear": {"kiwi": 0.75, "fig": 0.5}}}


@pytest.fixture
def failing(shop, monkeypatch):
    """Return a shop whose model is loaded but fails to run."""
    shop.publish(related=RELATED)
    shop.ask()

    def fail(*_, **__):
        raise MemoryError

    monkeypatch.setattr(Model, "rank", fail)
    return shop


def test_failing_model_falls_back_to_items_similar_to_the_last_viewed(failing, counted):
    failing.remember("u#anna", "plum", before_ms=3000)
    failing.remember("u#anna", "pear", before_ms=2000)
    failing.remember("u#anna", "durian", before_ms=1000)
    counted()

    items, headers = failing.ask(numResults=3)

    assert [(item["itemId"], item["score"]) for item in items] == [("kiwi", 0.75), ("fig", 0.5), ("pear", 0.25)]
    assert (headers["x-alsolike-source"], headers["x-alsolike-filled"]) == ("similar", "1")
    assert headers["x-alsolike-degraded"] == "model-failed"
    counts = counted()
    assert (counts["RecommendationsDegraded"], counts["DegradedToSimilar"]) == (1, 1)


@pytest.mark.parametrize(
    ("excluded", "remembered", "items", "source"),
    [
        # The fig is similar to the pear, and the plum is the other unseen item.
        ("exclude_seen", [("kiwi", "view"), ("pear", "view")], ["fig", "plum"], "similar"),
        # The fig is similar to the pear, and popular items follow.
        ("exclude_bought", [("kiwi", "purchase"), ("pear", "view")], ["fig", "pear", "plum"], "similar"),
        ("exclude_seen", [("fig", "view")], ["pear", "kiwi", "plum"], "popular"),
    ],
)
def test_seen_or_bought_items_are_excluded_from_fallbacks(shop, monkeypatch, excluded, remembered, items, source):
    shop.publish(related=RELATED, **{excluded: True})
    for age, (item_id, event_type) in enumerate(reversed(remembered), start=1):
        shop.remember("u#anna", item_id, event_type, before_ms=1000 * age)
    monkeypatch.setattr(Budget, "allows", lambda *_: False)

    listed, headers = shop.listed(numResults=5)

    assert (listed, headers["x-alsolike-source"]) == (items, source)


def test_failing_model_falls_back_to_popular_items_without_similar_ones(failing, counted):
    failing.remember("u#anna", "plum")
    counted()

    items, headers = failing.listed(numResults=2)

    assert items == ["fig", "pear"]
    assert (headers["x-alsolike-source"], headers["x-alsolike-degraded"]) == ("popular", "model-failed")
    assert counted()["DegradedToPopular"] == 1


def test_missing_model_falls_back_to_trending_items(shop, counted):
    shop.count(durian=20)

    items, headers = shop.listed()

    assert items == ["durian"]
    assert (headers["x-alsolike-source"], headers["x-alsolike-degraded"]) == ("trending", "no-model")
    assert counted()["DegradedToTrending"] == 1


def test_fallback_items_are_filtered(failing):
    failing.configure(filters={"no-kiwi": 'EXCLUDE ItemID WHERE Items.ITEM_ID IN ("kiwi")'})
    failing.remember("u#anna", "pear")

    assert failing.items("no-kiwi", numResults=1) == ["fig"]


def test_model_slower_than_the_time_budget_is_skipped_and_retried(shop, monkeypatch, counted):
    """Each run took at least 2 s, with a budget of 100 ms.

    After as many skipped runs as recorded durations, the model runs again.
    """
    monkeypatch.setenv("TIME_BUDGET_MS", "100")
    shop.publish(related=RELATED)
    shop.remember("u#anna", "pear")
    cast(Any, current_dependencies().stores.profiles)._client.meta.config.read_timeout = 5
    shop.ask()
    model = current_dependencies().refresher.state(now_ms=0, remaining_ms=lambda: 10_000).model
    for runs in model._run_ms.values():
        runs.clear()
        runs.extend([2_000, 2_500])

    degraded = [shop.ask()[1].get("x-alsolike-degraded") for _ in range(3)]

    assert degraded == ["model-slow", "model-slow", None]


def test_profile_time_reduces_the_time_budget_of_the_model(shop, monkeypatch):
    """The profile takes 90 ms of 100 ms, and the model 20 ms. For a user without history, the model does not run."""
    shop.publish(related=RELATED)
    shop.remember("u#anna", "pear")
    shop.ask()
    monkeypatch.setattr(Model, "expected_ms", lambda *_, **__: 20.0)
    times_s = [0.0]
    monkeypatch.setattr("functions.recommend.dispatch.Budget", lambda _: Budget(100, clock=lambda: times_s[0]))
    profiles = current_dependencies().stores.profiles
    read = profiles.read

    def slowly(_, profile_id, **options):
        times_s[0] += 0.09
        return read(profile_id, **options)

    monkeypatch.setattr(type(profiles), "read", slowly)

    assert shop.ask()[1]["x-alsolike-degraded"] == "model-slow"
    assert "x-alsolike-degraded" not in shop.ask(userId="unknown-user")[1]


def test_expected_model_time_is_the_fastest_recent_run(shop, monkeypatch):
    shop.publish()
    shop.remember("u#anna", "pear")
    times_s = itertools.chain([0, 0.05], itertools.count(1, 0.02))  # The first run takes 50 ms and later ones 20 ms.
    monkeypatch.setattr(time, "perf_counter", lambda: next(times_s))
    shop.ask()
    shop.ask()
    model = current_dependencies().refresher.state(now_ms=0, remaining_ms=lambda: 10_000).model

    assert model.expected_ms(with_bias=False) == pytest.approx(20)
    assert model.expected_ms(with_bias=True) == 0


@pytest.mark.parametrize(
    ("limit_ms", "spent_ms", "expected_ms", "allowed"),
    [(100, 79, 20, True), (100, 81, 20, False), (100, 500, 10, True), (100, 500, 10.1, False), (0, 5_000, 5_000, True)],
)
def test_budget_allows_runs_within_remaining_time_or_a_tenth(limit_ms, spent_ms, expected_ms, allowed):
    times_s = iter([10.0, 10.0 + spent_ms / 1000])
    budget = Budget(limit_ms, clock=lambda: next(times_s))

    assert budget.allows(expected_ms) is allowed


def test_profile_read_has_half_of_the_time_budget_as_its_timeout(shop, monkeypatch):
    monkeypatch.setenv("TIME_BUDGET_MS", "60")
    shop.ask()

    config = cast(Any, current_dependencies().stores.profiles)._client.meta.config

    assert (config.connect_timeout, config.read_timeout) == (0.03, 0.03)
    assert config.retries["total_max_attempts"] == 1


def test_profile_connection_timeout_falls_back_to_popular_items(shop, monkeypatch):
    """The network drops packets, so a connection is neither accepted nor rejected."""
    with contextlib.ExitStack() as open_sockets:
        listener = open_sockets.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _ in range(4):  # These connections exceed the backlog. Linux does not respond to further ones.
            waiting = open_sockets.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(listener.getsockname())
        shop.publish(groups=[Group("plan", "gold", 20, [2])])
        monkeypatch.setenv("TIME_BUDGET_MS", "200")
        monkeypatch.setenv("AWS_ENDPOINT_URL_DYNAMODB", f"http://127.0.0.1:{listener.getsockname()[1]}")
        shop.ask(userId="unknown-user")  # This request loads the model.

        began_s = time.monotonic()
        items, headers = shop.ask(numResults=1)

        assert time.monotonic() - began_s < 60  # botocore's default connection timeout
    assert (headers["x-alsolike-source"], headers["x-alsolike-degraded"]) == ("popular", "profile-unavailable")
    assert [item["itemId"] for item in items] == ["fig"]


def test_similar_items_are_available_if_the_model_fails(failing):
    items, headers = failing.ask(recommenderArn=f"{ARN}:recommender/similar-items", itemId="pear", numResults=3)

    assert [item["itemId"] for item in items] == ["kiwi", "fig", "plum"]
    assert (headers["x-alsolike-filled"], headers["x-alsolike-degraded"]) == ("1", "model-failed")


def test_empty_list_is_returned_without_s3_and_the_model_after_recovery(shop, monkeypatch, counted):
    """In a new process without access to S3, requests still have a response."""
    monkeypatch.setattr(time, "time_ns", lambda: NOW_MS * 1_000_000)
    shop.publish()
    shop.remember("u#anna", "pear")
    calls = []

    def unreachable(**_):
        calls.append(1)
        raise EndpointConnectionError(endpoint_url="https://s3")

    champion = current_dependencies().refresher._champion
    with monkeypatch.context() as outage:
        for name in ("get_object", "list_objects_v2"):
            outage.setattr(champion._registry._client, name, unreachable)
        items, headers = shop.ask()
        requested = len(calls)
        shop.ask()

    assert (items, headers["x-alsolike-source"]) == ([], "none")
    assert headers["x-alsolike-degraded"] == "no-model, no-configuration, no-catalogue, no-trends"
    assert counted()["DegradedToNothing"] == 2
    assert len(calls) - requested < requested
    champion._next_ms = 0
    assert shop.items(numResults=1) == ["fig"]
