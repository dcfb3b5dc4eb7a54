"""`alsolike trends`, which prints trending items."""

import json
import math
import time

import pytest
from typer.testing import CliRunner

from alsolike.runtime.errors import InvalidInput
from alsolike.trends.counters import CHANCE, KEPT_ITEMS, NOTHING_COUNTED, Event
from alsolike.trends.store import TrendsStore, trends_key
from cli import main as command


def run(*arguments):
    return CliRunner().invoke(command.app, ["trends", "--env", "shop", *arguments], catch_exceptions=False)


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
    found = json.loads(run("--json").stdout)

    assert found["window"] == "1h"
    assert [item["item_id"] for item in found["items"]] == ["pear", "fig"]
    recent, past = 32 + 600 * math.exp(-4), 600 * (math.exp(-4 / 168) - math.exp(-4))
    evidence = 20 * math.log((past + recent) / recent)
    assert found["items"][0]["score"] == pytest.approx(evidence / math.log(KEPT_ITEMS / CHANCE), rel=0.02)
    assert [item["item_id"] for item in json.loads(run("--window", "1d", "-k", "1", "--json").stdout)["items"]] == [
        "plum"
    ]
    rows = [line.strip("│").split() for line in run().stdout.splitlines() if line.startswith("│")]
    assert [[cell for cell in row if cell != "│"] for row in rows] == [["1", "pear", "5.0"], ["2", "fig", "3.0"]]


def test_empty_list_has_a_message(shop):
    assert run().stdout == "nothing trends in 1h\n"
    assert json.loads(run("--json").stdout) == {"window": "1h", "items": []}


def test_unknown_window_is_refused(shop):
    with pytest.raises(InvalidInput, match="expected one of 30m, 1h, 3h, 1d"):
        run("--window", "2h")
