"""Environment and outputs of publish_catalog."""

import tempfile

import pytest

from alsolike.runtime.polling import Polling
from alsolike.snapshot.reader import SnapshotReader
from tests.unit.functions.publish_catalog.changes import NOW_MS


@pytest.fixture(autouse=True)
def environment(lake_bucket, artefact_bucket, monkeypatch, tmp_path):
    monkeypatch.setenv("LAKE_BUCKET", lake_bucket)
    monkeypatch.setenv("ARTEFACT_BUCKET", artefact_bucket)
    monkeypatch.setenv("SECRET_ARN", "the-key")
    monkeypatch.setenv("MAX_SNAPSHOT_MB", "1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def snapshot(aws, artefact_bucket, tmp_path):
    reader = SnapshotReader(aws("s3"), artefact_bucket, tmp_path / "reader", polling=Polling(0))
    return lambda: reader.current(now_ms=NOW_MS)


@pytest.fixture
def logged_objects(aws, lake_bucket):
    def read():
        s3 = aws("s3")
        keys = [entry["Key"] for entry in s3.list_objects_v2(Bucket=lake_bucket).get("Contents", [])]
        return {key: s3.get_object(Bucket=lake_bucket, Key=key)["Body"].read() for key in keys}

    return read
