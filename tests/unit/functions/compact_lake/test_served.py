"""Compaction of the recommendation log: one row per response, without erased users, while readers query the log."""

import io

import pyarrow.parquet as pq
import pytest

from alsolike.declarations.storage import COMPACTIONS_PREFIX, SERVED_PREFIX
from alsolike.lake import served
from functions.archive_served.service import to_parquet
from functions.compact_lake.tables import SERVED
from tests.builders.lakes import NoErasedUsers, keep_up, keys, row, write
from tests.builders.served_rows import SERVED_MS
from tests.builders.served_rows import served as answer
from tests.builders.served_rows import stored as as_stored

DAY = served.partition_prefix("2026-09-21")
HOUR_MS = 3_600_000


@pytest.fixture
def s3(aws):
    return aws("s3")


def put(s3, bucket, name, *rows):
    s3.put_object(Bucket=bucket, Key=f"{DAY}{name}.parquet", Body=to_parquet(rows))


def stored(s3, bucket):
    bodies = {key: s3.get_object(Bucket=bucket, Key=key)["Body"].read() for key in keys(s3, bucket, SERVED_PREFIX)}
    return {key: pq.read_table(io.BytesIO(body)).to_pylist() for key, body in bodies.items()}


def test_log_objects_are_merged_with_each_response_once(s3, lake_bucket):
    first, second, third = (answer(served_ms=SERVED_MS + n, propensities=[None, 0.5]) for n in range(3))
    put(s3, lake_bucket, "a", third, first)
    put(s3, lake_bucket, "b", first, second)
    put(s3, lake_bucket, "c", second)

    merging = keep_up(s3, lake_bucket, later_ms=2 * HOUR_MS, table=SERVED)
    (merged,) = [rows for key, rows in stored(s3, lake_bucket).items() if "compacted-" in key]
    assert (merging.merged, merging.written) == (3, 1)
    assert merged == [as_stored(first), as_stored(second), as_stored(third)]
    assert len(keys(s3, lake_bucket, f"{COMPACTIONS_PREFIX}served_date=2026-09-21/")) == 1

    settled = keep_up(s3, lake_bucket, later_ms=4 * HOUR_MS, table=SERVED)
    assert settled.removed == 3
    assert list(stored(s3, lake_bucket).values()) == [merged]
    assert keys(s3, lake_bucket, COMPACTIONS_PREFIX) == []


def test_log_rows_of_erased_users_are_dropped(s3, lake_bucket):
    class Ann(NoErasedUsers):
        def now(self):
            return {"a" * 32: 1}

    others = answer(shopper="b" * 32)
    put(s3, lake_bucket, "a", answer(shopper="a" * 32))
    put(s3, lake_bucket, "b", others)
    put(s3, lake_bucket, "c", answer(shopper=None, session="a" * 32))

    keep_up(s3, lake_bucket, later_ms=2 * HOUR_MS, table=SERVED, erased=Ann())

    (merged,) = [rows for key, rows in stored(s3, lake_bucket).items() if "compacted-" in key]
    assert merged == [as_stored(others)]


def test_compaction_of_one_table_leaves_other_tables_unchanged(s3, lake_bucket):
    for name in "abc":
        put(s3, lake_bucket, name, answer())
        write(s3, lake_bucket, name, [row(f"e-{name}")])
    answers = stored(s3, lake_bucket)

    keep_up(s3, lake_bucket, later_ms=2 * HOUR_MS)
    keep_up(s3, lake_bucket, later_ms=4 * HOUR_MS, table=SERVED)

    assert len([key for key in stored(s3, lake_bucket) if "compacted-" not in key]) == len(answers) == 3
    assert len([key for key in keys(s3, lake_bucket) if "compacted-" in key]) == 1
    assert {key.split("=")[0] for key in keys(s3, lake_bucket, COMPACTIONS_PREFIX)} == {
        f"{COMPACTIONS_PREFIX}event_date",
        f"{COMPACTIONS_PREFIX}served_date",
    }
