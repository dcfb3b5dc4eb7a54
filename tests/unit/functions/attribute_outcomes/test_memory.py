"""Limits of the rows that attribution reads at once, for any number of responses and events."""

from collections import Counter

import pyarrow as pa
import pytest

from alsolike.lake import tables
from functions.attribute_outcomes import day_results, disk_partitions
from functions.attribute_outcomes.disk_partitions import Spill, parts_of
from functions.attribute_outcomes.join import join
from tests.builders.attribution import answer, event

ROWS = pa.schema([("key", pa.string()), ("number", pa.int64())])
KEYS = [f"key-{number}" for number in range(3_000)]


@pytest.fixture
def watched(monkeypatch):
    """Return two lists that record the number of rows of each join and of each removal of duplicates."""
    joined: list[int] = []
    reduced: list[int] = []
    once = day_results._once

    def watched_join(answers, events, known):
        joined.append(len(answers) + len(events))
        return join(answers, events, known)

    def watched_once(events):
        reduced.append(len(events))
        return once(events)

    monkeypatch.setattr(day_results, "join", watched_join)
    monkeypatch.setattr(day_results, "_once", watched_once)
    return joined, reduced


def spilled(directory, name, keys, *, parts):
    with Spill(directory, name, ROWS, key="key", parts=parts) as rows:
        rows.add(pa.table([keys, range(len(keys))], schema=ROWS))
    return rows


@pytest.mark.parametrize("parts", [1, 7])  # Both numbers of partitions are too low for the limit of rows.
def test_partition_rows_stay_below_the_limit_for_any_estimate(tmp_path, parts):
    answers, events = (spilled(tmp_path, name, KEYS * times, parts=parts) for name, times in (("a", 1), ("b", 2)))
    rows: list[int] = []
    found: list[str] = []
    for some in parts_of(answers, events, max_rows=300):
        keys = [Counter(part.table()["key"].to_pylist()) for part in some]
        rows.append(sum(part.rows for part in some))
        found += keys[0]
        assert keys[1] == dict.fromkeys(keys[0], 2)  # Both rows of a key are in the same partition.

    assert sorted(found) == sorted(KEYS)
    assert max(rows) <= 300
    assert sum(rows) == 9_000
    assert not list(tmp_path.iterdir())


def test_rows_of_one_key_stay_in_one_partition(tmp_path):
    keys = [*KEYS[:200], *["often"] * 500]
    large = []
    for (part,) in parts_of(spilled(tmp_path, "rows", keys, parts=1), max_rows=100):
        if part.rows > 100:
            large.append(Counter(part.table()["key"].to_pylist()))

    assert [keys.pop("often") for keys in large] == [500]
    assert len(large[0]) < 5


@pytest.mark.parametrize("answers", [400, 1_200])
def test_joined_rows_stay_below_the_limit(shop, watched, answers):
    joined, reduced = watched
    rows = [answer(["pear"]) for _ in range(answers)]

    shop.process(rows, [event(row, "pear") for row in rows], part_rows=100)

    assert sum(row["clicks"] for row in shop.outcomes().values()) == answers
    assert (sum(joined), sum(reduced)) == (2 * answers, answers)
    assert max(joined + reduced) <= 100


def test_copies_and_events_without_response_are_reduced_in_chunks(shop, watched, monkeypatch):
    joined, reduced = watched
    monkeypatch.setattr(disk_partitions, "PIECE_ROWS", 50)
    monkeypatch.setattr(tables, "BATCH_ROWS", 50)
    given, missing = answer(["pear"]), answer(["pear"])
    shop.write_served([given])
    copies = [event(given, "pear", event_id="again") for _ in range(400)]
    shop.write_events(copies + [event(missing, "pear") for _ in range(400)])

    shop.attribute(part_rows=100)

    assert shop.rejected() == {"unknown-answer": 400}
    assert shop.outcomes()[given["recommendation_id"]]["clicks"] == 1
    assert sum(joined) == 2
    assert max(reduced) <= 100 + 50
