"""Columns are encoded by every publisher according to the latest configuration."""

from alsolike.configuration.configuration import ColumnType
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.store import SnapshotStore
from tests.fakes.places import BUCKET
from tests.unit.alsolike.catalogue_columns import COLUMNS
from tests.unit.alsolike.snapshot.publications import NOW_MS, item, items


def test_columns_are_encoded_again_after_a_declaration_change(publisher, reader):
    publisher.publish([item("a", size="7", price="cheap"), item("b", price=2)], columns={}, version=0, now_ms=NOW_MS)
    assert reader.current(now_ms=NOW_MS).column("price") is None

    columns = {"price": ColumnType.NUMBER, "size": ColumnType.STRING}
    publisher.publish((), columns=columns, version=0, now_ms=NOW_MS)  # The configuration has changed, but no item has.

    found = reader.current(now_ms=NOW_MS)
    assert found.column_types == columns
    size = found.column("size")
    assert [size.value(row) for row in found.rows(["a", "b"]).tolist()] == ["7", None]
    assert dict(found.items()) == {"a": {"size": "7", "price": "cheap"}, "b": {"price": 2}}


SHADES = {"shade": ColumnType.STRING}


def test_publisher_with_an_older_configuration_keeps_newer_columns(publisher, reader):
    publisher.publish([item("a", shade="red")], columns=COLUMNS, version=1, now_ms=NOW_MS)
    publisher.publish((), columns=SHADES, version=2, now_ms=NOW_MS)

    for number in range(12):  # Some of these publications merge segments.
        publisher.publish([item(f"b{number}", shade="red")], columns=COLUMNS, version=1, now_ms=NOW_MS)

    assert reader.current(now_ms=NOW_MS).column_types == SHADES
    assert len(items(reader)) == 13


def test_configuration_version_without_column_changes_is_stored(publisher, reader):
    publisher.publish([item("a")], columns=SHADES, version=1, now_ms=NOW_MS)
    publisher.publish((), columns=SHADES, version=3, now_ms=NOW_MS)

    publisher.publish([item("b")], columns=COLUMNS, version=2, now_ms=NOW_MS)

    assert reader.current(now_ms=NOW_MS).column_types == SHADES


def test_column_change_succeeds_during_concurrent_publications(s3, reader, tmp_path):
    other = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "other"))
    other.publish([item("a")], columns=COLUMNS, version=1, now_ms=NOW_MS)
    interruptions = iter(range(3))

    class Overtaken(SnapshotStore):
        def upload(self, segment, *, now_ms):
            if (number := next(interruptions, None)) is not None:
                other.publish([item(f"b{number}")], columns=COLUMNS, version=1, now_ms=NOW_MS)
            return super().upload(segment, now_ms=now_ms)

    publisher = SnapshotPublisher(Overtaken(s3, BUCKET, tmp_path / "mine"))
    done = publisher.publish((), columns=SHADES, version=2, now_ms=NOW_MS)

    assert done.unmerged is None
    assert reader.current(now_ms=NOW_MS).column_types == SHADES
    assert sorted(items(reader)) == ["a", "b0", "b1", "b2"]


def test_rebuild_uses_the_columns_of_the_restored_configuration(publisher, reader):
    publisher.publish([item("a")], columns=COLUMNS, version=9, now_ms=NOW_MS)

    publisher.publish_all([item("a")], columns=SHADES, version=2, now_ms=NOW_MS)
    publisher.publish([item("b")], columns=SHADES, version=2, now_ms=NOW_MS)

    assert reader.current(now_ms=NOW_MS).column_types == SHADES
