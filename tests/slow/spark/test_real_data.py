"""Both engines on a year of a gift wholesaler's purchases and returns."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from alsolike.configuration.configuration import DEFAULT
from alsolike.privacy.tombstones import no_erased_users
from tests.slow.spark.lakes import SCHEMA, in_process, on_spark, read

FILE = Path(os.environ.get("ALSOLIKE_ONLINE_RETAIL", "online-retail.parquet"))
"""Interactions of Online Retail with Personalize's columns. They are not part of the repository."""


@pytest.mark.skipif(not FILE.is_file(), reason="ALSOLIKE_ONLINE_RETAIL names no file")
def test_both_engines_build_the_same_dataset_of_real_purchases(spark, tmp_path):
    purchases = pq.read_table(FILE)
    time_ms = pa.chunked_array([[1000 * second for second in purchases["TIMESTAMP"].to_pylist()]], pa.int64())
    rows = pa.table(
        {
            "event_id": [f"line-{number:06}" for number in range(len(purchases))],
            "user_id": purchases["USER_ID"],
            "session_id": purchases["ORDER_ID"],
            "item_id": purchases["ITEM_ID"],
            "event_type": purchases["EVENT_TYPE"],
            "event_time_ms": time_ms,
            "received_time_ms": time_ms,
        }
    ).cast(SCHEMA)
    for number in range(2):  # the two objects share rows, because batches are written again after failures
        half = rows.slice(number * 150_000, 200_000)
        pq.write_table(half, tmp_path / f"{number}.parquet", compression="snappy")

    found, dropped, repeats = in_process(read(tmp_path), DEFAULT, no_erased_users)

    assert on_spark(spark, tmp_path, DEFAULT, no_erased_users) == (found, dropped, repeats)
    assert len(found) > 250_000
    assert all(dropped[reason] for reason in ("duplicate_event", "taken_back", "rare_item"))
