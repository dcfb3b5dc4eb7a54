"""Files of import jobs that become interactions, items and users."""

from __future__ import annotations

import io
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from alsolike.runtime.errors import InvalidInput
from functions.import_data import handler
from tests.builders.lambda_events import LambdaContext
from tests.fakes.places import create_bucket

INTERACTIONS = b"USER_ID,ITEM_ID,TIMESTAMP,EVENT_TYPE\n1,a,1500000000,Watch\n1,b,1500086400,purchase\n,c,1500086400,\n"


@pytest.fixture
def uploads(
    aws: Callable[[str], Any],
    lake_bucket: str,
    artefact_bucket: str,
    profiles_table: str,
    catalogue_table: str,
    users_table: str,
    pseudonyms: Any,
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
) -> Callable[[str, bytes], None]:
    """Return a function that uploads a file."""
    for name, value in {
        "DEPLOYMENT": "shop",
        "LAKE_BUCKET": lake_bucket,
        "ARTEFACT_BUCKET": artefact_bucket,
        "PROFILES_TABLE": profiles_table,
        "CATALOGUE_TABLE": catalogue_table,
        "USERS_TABLE": users_table,
        "SECRET_ARN": "the-key",
    }.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setattr(handler, "session_clients", lambda: aws)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    create_bucket(aws("s3"), "uploads")

    def put(key: str, body: bytes) -> None:
        aws("s3").put_object(Bucket="uploads", Key=key, Body=body)

    return put


def run(dataset: str, key: str) -> dict[str, Any]:
    event = {"job": "first", "dataset": dataset, "location": f"s3://uploads/{key}"}
    return handler.lambda_handler(event, LambdaContext())


def test_undeclared_event_types_count_as_views(
    uploads: Callable[[str, bytes], None], aws: Callable[[str], Any], lake_bucket: str
) -> None:
    uploads("history/a.csv", INTERACTIONS)

    counts = run("INTERACTIONS", "history/")

    assert counts == {"imported": 2, "rejected": 1, "reasons": "USER_ID is missing (1)"}
    keys = [each["Key"] for each in aws("s3").list_objects_v2(Bucket=lake_bucket)["Contents"]]
    bodies = [aws("s3").get_object(Bucket=lake_bucket, Key=key)["Body"].read() for key in keys]
    rows = [row for body in bodies for row in pq.read_table(io.BytesIO(body)).to_pylist()]
    assert sorted((row["item_id"], row["event_type"]) for row in rows) == [("a", "view"), ("b", "purchase")]
    assert run("INTERACTIONS", "history/") == counts  # again, without writing


@pytest.mark.parametrize(
    ("dataset", "key", "table"), [("ITEMS", "ITEM_ID", "catalogue"), ("USERS", "USER_ID", "users")]
)
def test_items_and_users_are_rows_of_their_tables(
    uploads: Callable[[str, bytes], None], aws: Callable[[str], Any], dataset: str, key: str, table: str
) -> None:
    uploads("rows.csv", f"{key},PRICE\na,1.5\nb,2\n".encode())

    assert run(dataset, "rows.csv") == {"imported": 2, "rejected": 0, "reasons": ""}
    assert aws("dynamodb").scan(TableName=table)["Count"] == 2


def test_a_file_without_a_valid_row_fails_the_job(uploads: Callable[[str, bytes], None]) -> None:
    uploads("a.csv", b"USER_ID,ITEM_ID,TIMESTAMP\n,a,1500000000\n")

    with pytest.raises(InvalidInput, match="no valid row: USER_ID is missing"):
        run("INTERACTIONS", "a.csv")
