"""The SQL in docs/lake.md, executed on Parquet files with duplicate events."""

from __future__ import annotations

import datetime as dt
import re
from pathlib import Path
from typing import Any

import pytest

from alsolike.lake import partitions
from alsolike.records.interaction import INTERACTIONS_ONCE_SQL
from tests.builders.lake_files import OLD_SCHEMA, SCHEMA, open_table, write_file

PAGE = Path(__file__).parents[4] / "docs" / "lake.md"
QUERIES = dict(re.findall(r"^### (.+?)\n+```sql\n(.+?)```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL))

DAY = 1_789_948_800_000  # 2026-09-21
BEFORE = DAY - 86_400_000
MINUTE = 60_000


def event(event_id, kind, time_ms, *, user="anna", **fields):
    values = {
        "event_id": event_id, "event_type": kind, "event_time_ms": time_ms, "received_time_ms": time_ms + 1_000,
        "user_id": user, "session_id": "s1", "impression": [], "properties": "{}", "schema_version": 2,
    }  # fmt: skip
    return {**values, **fields}


EVENTS = [
    event("v1", "view", BEFORE, item_id="pear"),
    event("v2", "view", BEFORE, item_id="plum", user="bob"),
    event("p1", "purchase", BEFORE + 1, item_id="pear", event_value=2.5),
    event("p2", "purchase", BEFORE + 2, item_id="plum", event_value=1.5, recommendation_id="r1"),
    event("v3", "view", DAY, item_id="pear", user=None),
    event("s1", "search", DAY + MINUTE, query="Pears"),
    event("v4", "view", DAY + 31 * MINUTE, item_id="pear", recommendation_id="r2", received_time_ms=DAY + 120 * MINUTE),
    event("s2", "search", DAY + 2 * MINUTE, user="bob", query="pears"),
    event("s3", "search", DAY + 3 * MINUTE, user="bob", query="figs", correlation_id="order-17"),
]
EVENTS_PER_DAY = [
    ("2026-09-20", "purchase", 2), ("2026-09-20", "view", 2), ("2026-09-21", "search", 3), ("2026-09-21", "view", 2),
]  # fmt: skip
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Events per day and type": EVENTS_PER_DAY,
    "Events of a few days, reading only these days": EVENTS_PER_DAY,
    # Anna and Bob viewed items, and Anna bought two. On the next day, a session and Anna viewed items.
    "Conversion: share of a day's viewers who bought something": [
        ("2026-09-20", 2, 1, 1 / 2),
        ("2026-09-21", 2, 0, 0.0),
    ],
    "A user's history, latest first": [
        ("2026-09-21", DAY + 31 * MINUTE, "view", "pear", None, None),
        ("2026-09-21", DAY + MINUTE, "search", None, "Pears", None),
        ("2026-09-20", BEFORE + 2, "purchase", "plum", None, 1.5),
        ("2026-09-20", BEFORE + 1, "purchase", "pear", None, 2.5),
        ("2026-09-20", BEFORE, "view", "pear", None, None),
    ],
    # Anna viewed an item 30 minutes after her search. No item event follows Bob's two searches.
    "Searches without an item event in the next half hour": [("pears", 2, 1), ("figs", 1, 1)],
    "Events of a request, by correlation ID": [("2026-09-21", "s3", "search", None, DAY + 3 * MINUTE + 1_000)],
    "Delay of events": [("2026-09-20", 4, 1, 0), ("2026-09-21", 5, (120 - 31) * 60, 1)],
}
RECENT = "Top items of the last 30 days"


def write_twice(directory, events):
    """Write each event, and a later copy with another item, into two objects.

    The first object has the column `query` only if the event is a search.
    """
    for number, each in enumerate(events):
        folder = directory / partitions.partition_prefix(partitions.event_date(each["event_time_ms"]))
        write_file([each], folder / f"{number}.parquet", schema=SCHEMA if each.get("query") else OLD_SCHEMA)
        later = {**each, "received_time_ms": each["received_time_ms"] + 5_000_000, "item_id": "a later copy"}
        write_file([later], folder / f"{number}-again.parquet")


def open_lake(directory):
    connection = open_table(directory)
    connection.execute(f"CREATE VIEW interactions_once AS {INTERACTIONS_ONCE_SQL}")
    return connection


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lake")
    write_twice(directory, EVENTS)
    with open_lake(directory) as opened:
        yield opened


def test_each_documented_query_is_tested():
    assert set(QUERIES) == {*EXPECTED, RECENT}


@pytest.mark.parametrize("title", EXPECTED)
def test_documented_query_has_the_expected_result(connection, title):
    rows = connection.execute(QUERIES[title]).fetchall()

    assert rows == EXPECTED[title]


def test_top_items_are_those_of_the_last_days(tmp_path):
    now_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000)
    days = 86_400_000
    write_twice(
        tmp_path,
        [
            event("1", "view", now_ms - days, item_id="plum"),
            event("2", "purchase", now_ms - 2 * days, item_id="pear", event_value=2.0),
            event("3", "purchase", now_ms - 3 * days, item_id="pear", event_value=3.0),
            event("4", "purchase", now_ms - 40 * days, item_id="fig", event_value=9.0),
            event("5", "search", now_ms - days, query="pears"),
        ],
    )

    with open_lake(tmp_path) as opened:
        rows = opened.execute(QUERIES[RECENT]).fetchall()

    assert rows[:2] == [("pear", 2, 2, 5.0), ("plum", 1, 0, None)]
