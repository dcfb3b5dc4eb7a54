"""Environment and outputs of publish_catalog."""

import tempfile

import pytest

from alsolike.runtime.polling import Polling
from alsolike.snapshot.reader import SnapshotReader
from tests.fakes.places import objects
from tests.unit.functions.publish_catalog.changes import NOW_MS


@pytest.fixture(autouse=True)
def environment(lake_bucket, artefact_bucket, set_variables, monkeypatch, tmp_path):
    set_variables(MAX_SNAPSHOT_MB="1")
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))


@pytest.fixture
def snapshot(aws, artefact_bucket, tmp_path):
    reader = SnapshotReader(aws("s3"), artefact_bucket, tmp_path / "reader", polling=Polling(0))
    return lambda: reader.current(now_ms=NOW_MS)


@pytest.fixture
def logged_objects(aws, lake_bucket):
    return lambda: objects(aws("s3"), lake_bucket)
