"""The SQL in docs/served.md, executed on Parquet files with duplicate responses."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.declarations.storage import SERVED_PREFIX
from alsolike.declarations.tables import SERVED_PARTITION
from alsolike.lake import partitions, served
from alsolike.lake.arrow import arrow_schema
from alsolike.records.interaction import INTERACTIONS_ONCE_SQL
from alsolike.records.served_response import SERVED_COLUMNS, SERVED_ONCE_SQL
from tests.builders.lake_files import open_table, write_file
from tests.builders.served_rows import SERVED_MS
from tests.builders.served_rows import served as row
from tests.builders.served_rows import stored as as_stored

PAGE = Path(__file__).parents[4] / "docs" / "served.md"
QUERIES = dict(re.findall(r"^### (.+?)\n+```sql\n(.+?)```", PAGE.read_text(), flags=re.MULTILINE | re.DOTALL))
SCHEMA = arrow_schema(pa, SERVED_COLUMNS)

YESTERDAY = SERVED_MS - 86_400_000
ANSWERS = [
    row(),  # The row has the items fig and plum.
    row(item_ids=["plum", "fig"], degraded=["stale-model"]),
    row(recommender="popular", model_version="v2", item_ids=["kiwi", "fig"]),
    row(served_ms=YESTERDAY, item_ids=["pear", "kiwi"]),
]
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Responses by recommender and model version, with degraded ones": [
        ("for-you", "v1", 3, 1),
        ("popular", "v2", 1, 0),
    ],
    "Most recommended items, with counts in first position": [("fig", 3, 1), ("plum", 2, 1), ("kiwi", 1, 1)],
    "Responses with events, by recommender": [("for-you", 2, 1), ("popular", 1, 0)],
}


def write(directory, name, rows):
    for each in rows:
        folder = directory / served.partition_prefix(served.served_date(each.served_ms))
        folder.mkdir(parents=True, exist_ok=True)
        table = pa.Table.from_pylist([as_stored(each)], schema=SCHEMA)
        pq.write_table(table, folder / f"{name}-{each.recommendation_id}.parquet")


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    directory = tmp_path_factory.mktemp("lake")
    write(directory, "first", ANSWERS)
    write(directory, "again", ANSWERS)
    event = {"event_id": "e1", "recommendation_id": ANSWERS[0].recommendation_id, "event_time_ms": SERVED_MS}
    write_file([event], directory / partitions.partition_prefix(partitions.event_date(SERVED_MS)) / "e.parquet")
    with open_table(directory) as opened:
        pattern = str(directory / SERVED_PREFIX / "*" / "*.parquet")
        opened.execute(
            f"CREATE VIEW served AS SELECT * FROM read_parquet('{pattern}', union_by_name=true,"
            f" hive_partitioning=true, hive_types={{'{SERVED_PARTITION}': VARCHAR}})"
        )
        opened.execute(f"CREATE VIEW served_once AS {SERVED_ONCE_SQL}")
        opened.execute(f"CREATE VIEW interactions_once AS {INTERACTIONS_ONCE_SQL}")
        opened.execute("CREATE MACRO cardinality(elements) AS len(elements)")  # Athena's name for `len`.
        yield opened


def test_each_documented_query_is_tested():
    assert set(QUERIES) == set(EXPECTED)


@pytest.mark.parametrize("title", EXPECTED)
def test_documented_query_has_the_expected_result(connection, title):
    assert connection.execute(QUERIES[title]).fetchall() == EXPECTED[title]


def test_response_delivered_twice_counts_once(connection):
    def count(table):
        return connection.execute(f"SELECT count(*) FROM {table}").fetchall()[0][0]

    assert (count("served"), count("served_once")) == (8, 4)


def test_documented_columns_equal_the_written_ones():
    listed = re.findall(r"^\| (`[a-z_`, ]+`) \| [a-z]+[a-z&;]* \|", PAGE.read_text(), flags=re.MULTILINE)
    named = [name for cell in listed for name in re.findall(r"`(\w+)`", cell)]

    assert named == [*SERVED_COLUMNS, SERVED_PARTITION]
