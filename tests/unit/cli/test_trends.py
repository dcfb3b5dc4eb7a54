"""`alsolike trends`, which prints trending items."""

import math
import time

import pytest

from alsolike.runtime.errors import InvalidInput
from alsolike.trends.counters import CHANCE, KEPT_ITEMS, NOTHING_COUNTED, Event
from alsolike.trends.store import TrendsStore, trends_key
from tests.unit.cli.command_line import cells, run, run_json

TRENDS = ("trends", "--env", "shop")


@pytest.fixture
def burst(shop):
    """Store 600 views of plums four hours ago, and 20 views of pears and 12 of figs now."""
    now_ms = time.time_ns() // 1_000_000
    ages = [("plum", 4 * 3_600_000)] * 600 + [("pear", 0)] * 20 + [("fig", 0)] * 12
    events = [Event(n, item, now_ms - age_ms, 1.0) for n, (item, age_ms) in enumerate(ages)]
    counts = NOTHING_COUNTED.add(events, sequence=len(events), arrived_ms=now_ms)
    TrendsStore(shop.client("s3"), "artefacts").write(trends_key("shardId-0"), counts, replaces=None)


@pytest.mark.usefixtures("burst")
def test_items_are_listed_by_score_descending():
    document = run_json(*TRENDS)

    assert document["window"] == "1h"
    assert [item["item_id"] for item in document["items"]] == ["pear", "fig"]
    recent, past = 32 + 600 * math.exp(-4), 600 * (math.exp(-4 / 168) - math.exp(-4))
    evidence = 20 * math.log((past + recent) / recent)
    assert document["items"][0]["score"] == pytest.approx(evidence / math.log(KEPT_ITEMS / CHANCE), rel=0.02)
    (first,) = run_json(*TRENDS, "--window", "1d", "-k", "1")["items"]
    assert first["item_id"] == "plum"
    assert cells(run(*TRENDS).stdout) == [["1", "pear", "5.0"], ["2", "fig", "3.0"]]


def test_empty_list_has_a_message(shop):
    assert run(*TRENDS).stdout == "nothing trends in 1h\n"
    assert run_json(*TRENDS) == {"window": "1h", "items": []}


def test_unknown_window_is_refused(shop):
    with pytest.raises(InvalidInput, match="expected one of 30m, 1h, 3h, 1d"):
        run(*TRENDS, "--window", "2h")
