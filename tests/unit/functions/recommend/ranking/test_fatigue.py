"""Demotion of items that a user has seen without a reaction."""

import time

import pytest

from alsolike.configuration.configuration import Fatigue
from alsolike.lake.served import read_line
from alsolike.profiles.impressions import Impressions, ImpressionStore
from tests.builders.lambda_events import NOW_MS
from tests.unit.functions.recommend.shop import invoke

FATIGUE = {"strength": 2, "half_life_hours": 24}


@pytest.fixture
def known(shop):
    """Return a shop in which figs, then plums, follow the pear of the user anna."""
    shop.publish()
    shop.remember("u#anna", "pear")
    shop.remember("s#visit", "pear")
    shop.configure(recommenders={"for-you": {"fatigue": FATIGUE}})
    return shop


@pytest.fixture
def see(shop, pseudonyms):
    """Return a function that stores lists of items that a user saw, each a millisecond earlier than the one before."""
    store = ImpressionStore(shop.dynamodb, shop.profiles_table)
    now_ms = time.time_ns() // 1_000_000

    def store_lists(*item_ids, user="anna", lists=4, ago_ms=0):
        made = [
            Impressions(pseudonyms.shopper(user), f"r{n}", f"r{n}", now_ms - ago_ms - n, item_ids, is_reported=True)
            for n in range(lists)
        ]
        store.add(made, Fatigue(2, 24))

    return store_lists


def test_seen_item_moves_down_and_other_scores_stay(known, see):
    before, _ = known.ask(numResults=2)
    see("fig")

    after, _ = known.ask(numResults=2)

    assert [item["itemId"] for item in before] == ["fig", "plum"]
    assert [item["itemId"] for item in after] == ["plum", "fig"]
    assert after[0]["score"] == before[1]["score"]
    assert after[1]["score"] == pytest.approx(before[0]["score"] / 4**2, rel=1e-2)


def test_log_has_the_scores_of_the_model_without_fatigue(known, see, capsys):
    see("fig")

    known.ask(numResults=2)

    (row,) = (read_line(line) for line in capsys.readouterr().out.splitlines() if line.startswith('{"served"'))
    assert row.item_ids == ("plum", "fig")
    assert row.scores == (1.0, 2.0)


def test_demoted_item_leaves_its_place_to_an_item_after_the_list(known, see):
    see("fig")

    assert known.items(numResults=1) == ["plum"]


@pytest.mark.parametrize("lists", [0, 1])
def test_list_is_unchanged_up_to_one_sighting(known, see, lists):
    before = known.ask(numResults=3)[0]
    see("fig", lists=lists)

    assert known.ask(numResults=3)[0] == before


def test_reaction_after_the_sightings_restores_the_item(known, see):
    see("fig", ago_ms=5_000)
    assert known.items(numResults=1) == ["plum"]
    now_ms = time.time_ns() // 1_000_000

    known.remember("u#anna", "fig", "click", before_ms=NOW_MS - now_ms + 2_000)
    known.remember("u#anna", "pear", before_ms=NOW_MS - now_ms)

    assert known.items(numResults=1) == ["fig"]


def test_sightings_of_another_user_have_no_effect(known, see):
    see("fig", user="bert")

    assert known.items(numResults=1) == ["fig"]


def test_sightings_of_an_anonymous_session_count(known, see):
    see("fig", user="visit")

    assert known.items(numResults=1, userId="visit") == ["plum"]


def test_impressions_are_not_read_without_the_setting(shop, see, cloud):
    shop.publish()
    shop.remember("u#anna", "pear")
    see("fig")
    shop.items(numResults=1)
    cloud.calls.clear()

    assert shop.items(numResults=1) == ["fig"]
    assert [call.operation for call in cloud.calls if call.operation == "dynamodb.Query"] == ["dynamodb.Query"]


def test_batches_are_not_affected_by_sightings(known, see):
    see("fig")

    answer = invoke(batch={"users": ["anna"], "numResults": 1})

    assert [item["itemId"] for item in answer["results"][0]["itemList"]] == ["fig"]


def test_unreadable_impressions_degrade_the_response(known, see, monkeypatch):
    see("fig")
    monkeypatch.setattr(ImpressionStore, "__init__", lambda self, client, table: _broken(self, client))

    items, headers = known.listed(numResults=1)

    assert items == ["fig"]
    assert headers["x-alsolike-degraded"] == "impressions-unavailable"


def _broken(store, client):
    store._client, store._table = client, "missing"
