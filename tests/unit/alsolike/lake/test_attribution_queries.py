"""SQL and columns in docs/attribution.md."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import duckdb
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.lake import engagement, outcomes
from alsolike.lake.arrow import arrow_schema
from alsolike.records.engagement import ENGAGEMENT_COLUMNS
from alsolike.records.outcome import OUTCOMES_COLUMNS

PAGE = (Path(__file__).parents[4] / "docs" / "attribution.md").read_text()
QUERIES = dict(re.findall(r"^### ([^\n]+)\n+```sql\n(.+?)```", PAGE, flags=re.MULTILINE | re.DOTALL))

OUTCOMES: list[dict[str, Any]] = [
    {"model_version": "m1", "arms": ["spring/new", "photo/big"], "shopper": "a", "impressions": 10, "shown_clicks": 2,
     "clicks": 3, "purchases": 1},
    {"model_version": "m1", "arms": ["spring/new"], "shopper": "b", "impressions": 10, "shown_clicks": 1, "clicks": 1,
     "purchases": 0},
    {"model_version": "m2", "arms": ["spring/old"], "shopper": "c", "impressions": 0, "shown_clicks": 0, "clicks": 5,
     "purchases": 1},
    {"model_version": "m2", "arms": ["spring/new"], "shopper": "a", "impressions": 4, "shown_clicks": 1, "clicks": 1,
     "purchases": 0},
    {"model_version": "m2", "arms": [], "shopper": None, "impressions": 6, "shown_clicks": 1, "clicks": 1,
     "purchases": 3},
]  # fmt: skip
ENGAGEMENT: list[dict[str, Any]] = [
    {"dimension": "all", "name": "all", "answers": 10, "shown_clicks": 9, "impressions": 9, "revenue": 9.0,
     "shared_answers": 4, "shared_revenue": 7.0},
    {"dimension": "recommender", "name": "popular", "answers": 4, "shown_clicks": 0, "impressions": 0, "revenue": 7.0,
     "shared_answers": 4, "shared_revenue": 7.0},
    {"dimension": "recommender", "name": "for-you", "answers": 6, "shown_clicks": 1, "impressions": 4, "revenue": 4.0,
     "shared_answers": 1, "shared_revenue": 2.0},
]  # fmt: skip
EXPECTED: dict[str, list[tuple[Any, ...]]] = {
    "Click-through and revenue by recommender and day": [
        ("2026-09-21", "for-you", 6, 1 / 4, 1000 * 2.0 / 5),
        ("2026-09-21", "popular", 4, None, None),
    ],
    "One model version against another within one recommender": [("m1", 2, 3 / 20, 1 / 2), ("m2", 3, 2 / 10, 1 / 2)],
    "Clicks per shopper, by arm": [("photo/big", 1, 3.0), ("spring/new", 2, (3 + 1 + 1) / 2), ("spring/old", 1, 5.0)],
}


def write(root, rows, columns, key):
    path = root / key
    path.parent.mkdir(parents=True)
    schema = arrow_schema(pa, columns)
    pq.write_table(pa.Table.from_pylist([{name: row.get(name) for name in columns} for row in rows], schema), path)


@pytest.fixture(scope="module")
def connection(tmp_path_factory):
    root = tmp_path_factory.mktemp("lake")
    rows = [{"recommender": "for-you", **row} for row in OUTCOMES]
    write(root, rows, OUTCOMES_COLUMNS, outcomes.object_key("2026-09-21"))
    write(root, ENGAGEMENT, ENGAGEMENT_COLUMNS, engagement.object_key("2026-09-21"))
    with duckdb.connect() as opened:
        for table in ("outcomes", "engagement"):
            opened.execute(
                f"CREATE VIEW {table} AS SELECT * FROM read_parquet('{root}/{table}/*/*.parquet',"
                " hive_partitioning=true, hive_types={'served_date': VARCHAR})"
            )
        yield opened


def test_each_documented_query_is_tested():
    assert set(QUERIES) == set(EXPECTED)


@pytest.mark.parametrize("title", EXPECTED)
def test_documented_query_has_the_expected_result(connection, title):
    assert connection.execute(QUERIES[title]).fetchall() == EXPECTED[title]
