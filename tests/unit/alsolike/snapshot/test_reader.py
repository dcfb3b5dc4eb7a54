import pytest
from botocore.exceptions import EndpointConnectionError

from alsolike.runtime.errors import Unavailable
from alsolike.runtime.polling import Polling
from alsolike.snapshot.reader import SnapshotReader
from tests.fakes.places import BUCKET
from tests.unit.alsolike.catalogue_columns import COLUMNS
from tests.unit.alsolike.snapshot.publications import NOW_MS, damage, item, items, manifest, publish


def test_snapshot_is_empty_before_the_first_publication(reader):
    assert items(reader) == {}


def test_damaged_segment_keeps_the_previous_snapshot(s3, publisher, reader, tmp_path):
    publish(publisher, item("a", price=1))
    assert items(reader) == {"a": {"price": 1}}
    publish(publisher, item("b"))
    damage(s3, manifest(s3).segments[0].key)

    assert items(reader) == {"a": {"price": 1}}
    with pytest.raises(Unavailable, match=r"the catalogue cannot be read: .* has SHA-256"):
        SnapshotReader(s3, BUCKET, tmp_path / "new").current(now_ms=NOW_MS)
    # The publication repairs the object.
    publisher.publish_all([item("a"), item("b")], columns=COLUMNS, version=0, now_ms=NOW_MS)
    assert sorted(items(reader)) == ["a", "b"]


def test_reader_checks_after_its_interval_and_downloads_only_new_files(s3, publisher, tmp_path, cloud):
    reader = SnapshotReader(s3, BUCKET, tmp_path / "reader", polling=Polling(10))
    publish(publisher, *(item(f"i{number}") for number in range(20)))
    cloud.calls.clear()
    reader.current(now_ms=0)
    assert len(cloud.calls) == 2
    publish(publisher, item("a"))
    cloud.calls.clear()

    assert len(reader.current(now_ms=9_999)) == 20
    assert cloud.calls == []
    assert len(reader.current(now_ms=10_000)) == 21
    assert len(cloud.calls) == 2  # The calls read the manifest and the small segment.
    cloud.calls.clear()
    reader.current(now_ms=20_000)
    assert len(cloud.calls) == 1  # Only the manifest is read, because nothing has changed.
    assert len(list((tmp_path / "reader").iterdir())) == 2


def test_reader_deletes_unused_files(s3, publisher, tmp_path):
    reader = SnapshotReader(s3, BUCKET, tmp_path / "reader", polling=Polling(0))
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / ".unfinished-left-by-a-dead-process").write_bytes(b"x")
    for number in range(3):
        publish(publisher, item("a", number))
        reader.current(now_ms=0)

    (left,) = (tmp_path / "reader").iterdir()
    assert left.name == manifest(s3).segments[0].file_name


def test_outage_keeps_the_previous_snapshot(s3, publisher, tmp_path, cloud):
    publish(publisher, item("a"))
    reader = SnapshotReader(s3, BUCKET, tmp_path / "reader", polling=Polling(0))
    late = SnapshotReader(s3, BUCKET, tmp_path / "late")
    reader.current(now_ms=0)

    cloud.outages["s3.GetObject"] = EndpointConnectionError(endpoint_url="https://s3")

    assert len(reader.current(now_ms=1)) == 1
    with pytest.raises(Unavailable, match="the catalogue cannot be read"):
        late.current(now_ms=0)


def test_large_snapshot_or_too_little_time_raises_unavailable(s3, publisher, tmp_path):
    publish(publisher, item("a"))
    small = SnapshotReader(s3, BUCKET, tmp_path / "small", max_bytes=100)

    with pytest.raises(Unavailable, match=r"the snapshot has \d+ bytes, expected at most 100"):
        small.current(now_ms=0)
    with pytest.raises(Unavailable, match="not downloaded in time"):
        SnapshotReader(s3, BUCKET, tmp_path / "late").current(now_ms=0, remaining_ms=lambda: 4_999)
    assert list((tmp_path / "late").iterdir()) == []
