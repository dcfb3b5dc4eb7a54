import datetime as dt
import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.declarations.retention import ITEM_TOMBSTONE_DAYS
from alsolike.declarations.storage import SNAPSHOT_KEY
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import ConcurrentUpdate, InvalidSnapshot, Unavailable
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.store import GRACE_MS, SnapshotStore
from tests.fakes.interruptions import Killed
from tests.fakes.places import BUCKET
from tests.unit.alsolike.catalogue_columns import CHANGES, COLUMNS, live
from tests.unit.alsolike.snapshot.publications import NOW_MS, damage, item, items, manifest, publish, segment_keys


def test_published_changes_are_read(publisher, reader):
    publish(publisher, item("a", price=1), item("b", price=2))
    first = reader.current(now_ms=NOW_MS)
    publish(publisher, item("a", 2, price=3), Change("b", 2, None))

    assert items(reader) == {"a": {"price": 3}}
    assert dict(first.items()) == {"a": {"price": 1}, "b": {"price": 2}}  # An older snapshot remains complete.
    assert first.version != reader.current(now_ms=NOW_MS).version


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(CHANGES, min_size=1, max_size=8),
    repeated=st.lists(st.integers(0, 7), max_size=4),
    random=st.randoms(use_true_random=False),
)
def test_catalogue_does_not_depend_on_order_batching_or_repetition(s3, changes, repeated, random):
    delivered = [*changes, *(changes[place % len(changes)] for place in repeated)]
    random.shuffle(delivered)
    s3.delete_object(Bucket=BUCKET, Key=SNAPSHOT_KEY)
    with tempfile.TemporaryDirectory() as directory:
        publisher = SnapshotPublisher(SnapshotStore(s3, BUCKET, Path(directory) / "p"), young_rows=2)
        while delivered:
            cut = random.randint(1, 4)
            batch, delivered = delivered[:cut], delivered[cut:]
            publisher.publish(batch, columns=COLUMNS, version=0, now_ms=10)
        found = SnapshotReader(s3, BUCKET, Path(directory) / "r").current(now_ms=0)

        assert dict(found.items()) == live(changes)


def test_one_change_writes_one_small_segment(s3, publisher):
    publish(publisher, *(item(f"i{number}", price=number) for number in range(2_000)))
    (large,) = manifest(s3).segments

    done = publisher.publish([item("i7", 2, price=-1)], columns=COLUMNS, version=0, now_ms=NOW_MS)

    kept, small = manifest(s3).segments
    assert kept == large
    assert (small.rows, done.merged_rows) == (1, 0)
    assert small.size_bytes < large.size_bytes / 50


def test_many_publications_leave_few_segments(s3, publisher, reader):
    for number in range(30):
        publish(publisher, item(f"i{number % 20}", number, price=number))

    assert len(manifest(s3).segments) <= 4
    assert items(reader) == {f"i{number % 20}": {"price": number} for number in range(10, 30)}


def test_deletion_mark_is_removed_after_its_retention(s3, publisher, reader):
    publish(publisher, Change("a", NOW_MS, None), now_ms=NOW_MS)
    publish(publisher, item("a", NOW_MS - 1, price=1), now_ms=NOW_MS + ITEM_TOMBSTONE_DAYS * DAY_MS)
    assert items(reader) == {}

    publish(publisher, item("b"), now_ms=NOW_MS + ITEM_TOMBSTONE_DAYS * DAY_MS + 1)

    assert [entry.rows for entry in manifest(s3).segments] == [1]


def test_merged_segments_are_deleted_after_the_grace_period(s3, publisher):
    publish(publisher, item("a"))
    (first,) = segment_keys(s3)
    publish(publisher, item("b"))
    assert first in segment_keys(s3)  # A reader may be downloading this segment.

    publish(publisher, item("c"), now_ms=NOW_MS + GRACE_MS + 1)

    assert first not in segment_keys(s3)
    assert segment_keys(s3) == {e.key for e in manifest(s3).segments} | {e.key for e in manifest(s3).retired}


def test_writer_killed_before_the_manifest_loses_no_rows_and_no_file_stays(s3, publisher, reader, monkeypatch):
    publish(publisher, item("a", price=1))
    with monkeypatch.context() as patch:
        patch.setattr(SnapshotStore, "replace", _killed)
        with pytest.raises(Killed):
            publish(publisher, item("a", 2, price=2))
    assert items(reader) == {"a": {"price": 1}}
    orphans = segment_keys(s3) - {entry.key for entry in manifest(s3).segments}
    assert len(orphans) == 1

    publish(publisher, item("a", 2, price=2))  # The batch is delivered again.
    assert items(reader) == {"a": {"price": 2}}

    later_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000) + GRACE_MS + 1
    publish(publisher, *(item(f"i{number}") for number in range(9)), now_ms=later_ms)
    # The second publication leads to a merge, which also deletes old orphans.
    publish(publisher, *(item(f"j{number}") for number in range(9)), now_ms=later_ms)
    assert not orphans & segment_keys(s3)
    assert len(items(reader)) == 19


def _killed(*_, **__):
    raise Killed


def test_conflicting_writers_both_succeed(s3, publisher, reader, tmp_path, monkeypatch):
    other = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "other"), young_rows=4)
    publish(publisher, item("a"))
    replace = SnapshotStore.replace
    interrupted: list[bool] = []

    def interrupting(store, expected, new):
        if not interrupted:
            interrupted.append(True)
            publish(other, item("b"))
        return replace(store, expected, new)

    monkeypatch.setattr(SnapshotStore, "replace", interrupting)
    publish(publisher, item("c"))

    assert sorted(items(reader)) == ["a", "b", "c"]


def test_writer_overtaken_at_every_attempt_raises_concurrent_update(publisher, monkeypatch):
    def losing(*_):
        raise ConcurrentUpdate("another writer")

    monkeypatch.setattr(SnapshotStore, "replace", losing)

    with pytest.raises(ConcurrentUpdate, match="changed 8 times"):
        publish(publisher, item("a"))


def test_complete_publication_replaces_all_but_concurrent_changes(s3, publisher, reader, tmp_path):
    other = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "other"), young_rows=0)
    publish(publisher, item("gone"), item("a", price=1))

    def catalogue():
        yield item("a", 2, price=2)
        publish(other, item("meanwhile"), item("a", 3, price=3))
        yield item("a", 1, price=1)
        yield Change("b", NOW_MS, None)
        yield item("c", shade="x")

    publisher.publish_all(catalogue(), columns={"shade": ColumnType.STRING}, version=0, now_ms=NOW_MS)

    assert items(reader) == {"a": {"price": 3}, "c": {"shade": "x"}, "meanwhile": {}}
    assert reader.current(now_ms=NOW_MS).column_types == {"shade": ColumnType.STRING}


def test_complete_publication_replaces_an_unreadable_manifest(s3, publisher, reader):
    publish(publisher, item("gone"))
    s3.put_object(Bucket=BUCKET, Key=SNAPSHOT_KEY, Body=b"{")
    with pytest.raises(InvalidSnapshot):
        publish(publisher, item("b"))

    publisher.publish_all([item("a"), item("b")], columns=COLUMNS, version=0, now_ms=NOW_MS)

    assert items(reader).keys() == {"a", "b"}


def test_damaged_segment_does_not_prevent_a_publication(s3, reader, tmp_path):
    publish(SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "first")), item("a"))
    damage(s3, manifest(s3).segments[0].key)

    second = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "second"))
    done = second.publish([item("b")], columns=COLUMNS, version=0, now_ms=NOW_MS)

    assert (done.changes, done.segments) == (1, 2)
    assert done.unmerged is not None
    assert "has SHA-256" in done.unmerged


def test_missing_segment_error_names_the_segment(s3, publisher, tmp_path):
    publish(publisher, item("a"))
    (entry,) = manifest(s3).segments
    s3.delete_object(Bucket=BUCKET, Key=entry.key)

    with pytest.raises(InvalidSnapshot, match=f"{entry.key} does not exist"):
        SnapshotStore(s3, BUCKET, tmp_path / "new").fetch(entry)


def test_failed_segment_upload_leaves_no_files(s3, tmp_path):
    publisher = SnapshotPublisher(SnapshotStore(s3, "no-such-bucket", tmp_path / "publisher"))

    with pytest.raises(Unavailable, match=r"^s3://no-such-bucket/catalog/segments/"):
        SnapshotStore(s3, "no-such-bucket", tmp_path / "store").upload(Segment.of([], {}), now_ms=NOW_MS)
    with pytest.raises(Unavailable):
        publish(publisher, item("a"))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
