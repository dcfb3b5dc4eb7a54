"""Publisher and reader on S3: what is published is read, whatever comes in between."""

from __future__ import annotations

import datetime as dt
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import EndpointConnectionError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from alsolike.catalogue_change import Change
from alsolike.cold_items import ColdItems
from alsolike.configuration import ColumnType
from alsolike.errors import ConcurrentUpdate, InvalidSnapshot, Unavailable
from alsolike.snapshot_manifest import CURRENT_KEY, SEGMENTS_PREFIX, Manifest
from alsolike.snapshot_publisher import TOMBSTONES_KEPT_MS, SnapshotPublisher
from alsolike.snapshot_reader import SnapshotReader
from alsolike.snapshot_segment import Segment
from alsolike.snapshot_store import GRACE_MS, SnapshotStore, StoredManifest
from tests.unit.alsolike.catalogue import CHANGES, COLUMNS, live

BUCKET = "artefacts"
NOW_MS = int(dt.datetime(2026, 11, 25, tzinfo=dt.UTC).timestamp() * 1000)


@pytest.fixture
def s3(client: Callable[[str], Any]) -> Any:
    made = client("s3")
    made.create_bucket(Bucket=BUCKET, CreateBucketConfiguration={"LocationConstraint": "eu-west-1"})
    return made


@pytest.fixture
def publisher(s3: Any, tmp_path: Path) -> SnapshotPublisher:
    return SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "publisher"), young_rows=4)


@pytest.fixture
def reader(s3: Any, tmp_path: Path) -> SnapshotReader:
    return SnapshotReader(s3, BUCKET, tmp_path / "reader", check_s=0)


def publish(publisher: SnapshotPublisher, *changes: Change, now_ms: int = NOW_MS) -> None:
    publisher.publish(changes, columns=COLUMNS, version=0, now_ms=now_ms)


def items(reader: SnapshotReader) -> dict[str, dict[str, Any]]:
    return dict(reader.current(now_ms=NOW_MS).items())


def item(item_id: str, at: int = 1, **properties: Any) -> Change:
    return Change(item_id, at, properties)


def segment_keys(s3: Any) -> set[str]:
    listing = s3.list_objects_v2(Bucket=BUCKET, Prefix=SEGMENTS_PREFIX)
    return {entry["Key"] for entry in listing.get("Contents", [])}


def manifest(s3: Any) -> Manifest:
    return Manifest.from_json(s3.get_object(Bucket=BUCKET, Key=CURRENT_KEY)["Body"].read())


def test_there_is_nothing_before_the_first_publication(reader: SnapshotReader) -> None:
    assert items(reader) == {}


def test_published_changes_are_read(publisher: SnapshotPublisher, reader: SnapshotReader) -> None:
    publish(publisher, item("a", price=1), item("b", price=2))
    first = reader.current(now_ms=NOW_MS)
    publish(publisher, item("a", 2, price=3), Change("b", 2, None))

    assert items(reader) == {"a": {"price": 3}}
    assert dict(first.items()) == {"a": {"price": 1}, "b": {"price": 2}}  # who still has it, has it whole
    assert first.version != reader.current(now_ms=NOW_MS).version


@settings(max_examples=20, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    changes=st.lists(CHANGES, min_size=1, max_size=8),
    repeated=st.lists(st.integers(0, 7), max_size=4),
    random=st.randoms(use_true_random=False),
)
def test_any_order_cut_and_repetition_gives_the_same_catalogue(
    s3: Any, changes: list[Change], repeated: list[int], random: Any
) -> None:
    delivered = [*changes, *(changes[place % len(changes)] for place in repeated)]
    random.shuffle(delivered)
    s3.delete_object(Bucket=BUCKET, Key=CURRENT_KEY)
    with tempfile.TemporaryDirectory() as directory:
        publisher = SnapshotPublisher(SnapshotStore(s3, BUCKET, Path(directory) / "p"), young_rows=2)
        while delivered:
            cut = random.randint(1, 4)
            batch, delivered = delivered[:cut], delivered[cut:]
            publisher.publish(batch, columns=COLUMNS, version=0, now_ms=10)
        found = SnapshotReader(s3, BUCKET, Path(directory) / "r").current(now_ms=0)

        assert dict(found.items()) == live(changes)


def test_one_change_among_many_items_writes_one_small_segment(s3: Any, publisher: SnapshotPublisher) -> None:
    publish(publisher, *(item(f"i{number}", price=number) for number in range(2_000)))
    (large,) = manifest(s3).segments

    done = publisher.publish([item("i7", 2, price=-1)], columns=COLUMNS, version=0, now_ms=NOW_MS)

    kept, small = manifest(s3).segments
    assert kept == large
    assert (small.rows, done.merged_rows) == (1, 0)
    assert small.size_bytes < large.size_bytes / 50


def test_many_publications_leave_few_segments(s3: Any, publisher: SnapshotPublisher, reader: SnapshotReader) -> None:
    for number in range(30):
        publish(publisher, item(f"i{number % 20}", number, price=number))

    assert len(manifest(s3).segments) <= 4
    assert items(reader) == {f"i{number % 20}": {"price": number} for number in range(10, 30)}


def test_declared_columns_are_encoded_again_when_they_change(
    publisher: SnapshotPublisher, reader: SnapshotReader
) -> None:
    publisher.publish([item("a", size="7", price="cheap"), item("b", price=2)], columns={}, version=0, now_ms=NOW_MS)
    assert reader.current(now_ms=NOW_MS).column("price") is None

    columns = {"price": ColumnType.NUMBER, "size": ColumnType.STRING}
    publisher.publish((), columns=columns, version=0, now_ms=NOW_MS)  # the configuration changed, no item did

    found = reader.current(now_ms=NOW_MS)
    assert found.column_types == columns
    size = found.column("size")
    assert size is not None
    assert [size.value(row) for row in found.rows(["a", "b"]).tolist()] == ["7", None]
    assert dict(found.items()) == {"a": {"size": "7", "price": "cheap"}, "b": {"price": 2}}


def test_deletion_is_forgotten_only_when_no_late_change_can_come(
    s3: Any, publisher: SnapshotPublisher, reader: SnapshotReader
) -> None:
    publish(publisher, Change("a", NOW_MS, None), now_ms=NOW_MS)
    publish(publisher, item("a", NOW_MS - 1, price=1), now_ms=NOW_MS + TOMBSTONES_KEPT_MS)
    assert items(reader) == {}

    publish(publisher, item("b"), now_ms=NOW_MS + TOMBSTONES_KEPT_MS + 1)

    assert [entry.rows for entry in manifest(s3).segments] == [1]


def test_merged_segments_are_deleted_after_the_grace_period(s3: Any, publisher: SnapshotPublisher) -> None:
    publish(publisher, item("a"))
    (first,) = segment_keys(s3)
    publish(publisher, item("b"))
    assert first in segment_keys(s3)  # somebody may be downloading it

    publish(publisher, item("c"), now_ms=NOW_MS + GRACE_MS + 1)

    assert first not in segment_keys(s3)
    assert segment_keys(s3) == {e.key for e in manifest(s3).segments} | {e.key for e in manifest(s3).retired}


class Killed(BaseException):
    """The process is no more."""


def test_writer_killed_before_the_manifest_loses_nothing_and_its_segment_is_collected(
    s3: Any, publisher: SnapshotPublisher, reader: SnapshotReader, monkeypatch: pytest.MonkeyPatch
) -> None:
    publish(publisher, item("a", price=1))
    with monkeypatch.context() as patch:
        patch.setattr(SnapshotStore, "replace", _killed)
        with pytest.raises(Killed):
            publish(publisher, item("a", 2, price=2))
    assert items(reader) == {"a": {"price": 1}}
    orphans = segment_keys(s3) - {entry.key for entry in manifest(s3).segments}
    assert len(orphans) == 1

    publish(publisher, item("a", 2, price=2))  # the batch comes again
    assert items(reader) == {"a": {"price": 2}}

    later_ms = int(dt.datetime.now(dt.UTC).timestamp() * 1000) + GRACE_MS + 1
    publish(publisher, *(item(f"i{number}") for number in range(9)), now_ms=later_ms)
    publish(publisher, *(item(f"j{number}") for number in range(9)), now_ms=later_ms)  # sizes ask for a merge
    assert not orphans & segment_keys(s3)
    assert len(items(reader)) == 19


def _killed(*_: Any, **__: Any) -> StoredManifest:
    raise Killed


def test_conflicting_writers_both_get_through(
    s3: Any, publisher: SnapshotPublisher, reader: SnapshotReader, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "other"), young_rows=4)
    publish(publisher, item("a"))
    replace = SnapshotStore.replace
    interrupted: list[bool] = []

    def interrupting(store: SnapshotStore, expected: StoredManifest, new: Manifest) -> StoredManifest:
        if not interrupted:
            interrupted.append(True)
            publish(other, item("b"))
        return replace(store, expected, new)

    monkeypatch.setattr(SnapshotStore, "replace", interrupting)
    publish(publisher, item("c"))

    assert sorted(items(reader)) == ["a", "b", "c"]


def test_writer_that_never_wins_says_so(publisher: SnapshotPublisher, monkeypatch: pytest.MonkeyPatch) -> None:
    def losing(*_: Any) -> StoredManifest:
        raise ConcurrentUpdate("somebody else")

    monkeypatch.setattr(SnapshotStore, "replace", losing)

    with pytest.raises(ConcurrentUpdate, match="changed 8 times"):
        publish(publisher, item("a"))


def test_whole_publication_replaces_everything_but_what_came_meanwhile(
    s3: Any, publisher: SnapshotPublisher, reader: SnapshotReader, tmp_path: Path
) -> None:
    other = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "other"), young_rows=0)
    publish(publisher, item("gone"), item("a", price=1))

    def catalogue() -> Iterator[Change]:
        yield item("a", 2, price=2)
        publish(other, item("meanwhile"), item("a", 3, price=3))
        yield item("a", 1, price=1)
        yield Change("b", NOW_MS, None)
        yield item("c", shade="x")

    publisher.publish_all(catalogue(), columns={"shade": ColumnType.STRING}, version=0, now_ms=NOW_MS)

    assert items(reader) == {"a": {"price": 3}, "c": {"shade": "x"}, "meanwhile": {}}
    assert reader.current(now_ms=NOW_MS).column_types == {"shade": ColumnType.STRING}


SHADES = {"shade": ColumnType.STRING}


def test_who_knows_an_earlier_configuration_leaves_the_columns_of_a_later_one(
    publisher: SnapshotPublisher, reader: SnapshotReader
) -> None:
    publisher.publish([item("a", shade="red")], columns=COLUMNS, version=1, now_ms=NOW_MS)
    publisher.publish((), columns=SHADES, version=2, now_ms=NOW_MS)

    for number in range(12):  # merges among them
        publisher.publish([item(f"b{number}", shade="red")], columns=COLUMNS, version=1, now_ms=NOW_MS)

    assert reader.current(now_ms=NOW_MS).column_types == SHADES
    assert len(items(reader)) == 13


def test_a_version_that_changes_no_column_is_remembered_too(
    publisher: SnapshotPublisher, reader: SnapshotReader
) -> None:
    publisher.publish([item("a")], columns=SHADES, version=1, now_ms=NOW_MS)
    publisher.publish((), columns=SHADES, version=3, now_ms=NOW_MS)

    publisher.publish([item("b")], columns=COLUMNS, version=2, now_ms=NOW_MS)

    assert reader.current(now_ms=NOW_MS).column_types == SHADES


def test_columns_are_brought_about_whoever_publishes_meanwhile(s3: Any, reader: SnapshotReader, tmp_path: Path) -> None:
    other = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "other"))
    other.publish([item("a")], columns=COLUMNS, version=1, now_ms=NOW_MS)
    interruptions = iter(range(3))

    class Overtaken(SnapshotStore):
        def upload(self, segment: Segment | ColdItems, *, now_ms: int) -> Any:
            if (number := next(interruptions, None)) is not None:
                other.publish([item(f"b{number}")], columns=COLUMNS, version=1, now_ms=NOW_MS)
            return super().upload(segment, now_ms=now_ms)

    done = SnapshotPublisher(Overtaken(s3, BUCKET, tmp_path / "mine")).publish(
        (), columns=SHADES, version=2, now_ms=NOW_MS
    )

    assert done.unmerged is None
    assert reader.current(now_ms=NOW_MS).column_types == SHADES
    assert sorted(items(reader)) == ["a", "b0", "b1", "b2"]


def test_a_rebuild_goes_by_the_configuration_that_was_restored(
    publisher: SnapshotPublisher, reader: SnapshotReader
) -> None:
    publisher.publish([item("a")], columns=COLUMNS, version=9, now_ms=NOW_MS)

    publisher.publish_all([item("a")], columns=SHADES, version=2, now_ms=NOW_MS)
    publisher.publish([item("b")], columns=SHADES, version=2, now_ms=NOW_MS)

    assert reader.current(now_ms=NOW_MS).column_types == SHADES


def damage(s3: Any, key: str) -> None:
    body = s3.get_object(Bucket=BUCKET, Key=key)["Body"].read()
    s3.put_object(Bucket=BUCKET, Key=key, Body=body[:-1] + bytes([body[-1] ^ 1]))


def test_damaged_segment_leaves_the_reader_with_what_it_had(
    s3: Any, publisher: SnapshotPublisher, reader: SnapshotReader, tmp_path: Path
) -> None:
    publish(publisher, item("a", price=1))
    assert items(reader) == {"a": {"price": 1}}
    publish(publisher, item("b"))
    damage(s3, manifest(s3).segments[0].key)

    assert items(reader) == {"a": {"price": 1}}
    with pytest.raises(Unavailable, match=r"no catalogue snapshot to go by: .* has SHA-256"):
        SnapshotReader(s3, BUCKET, tmp_path / "new").current(now_ms=NOW_MS)
    publisher.publish_all([item("a"), item("b")], columns=COLUMNS, version=0, now_ms=NOW_MS)  # what heals it
    assert sorted(items(reader)) == ["a", "b"]


def test_damaged_segment_does_not_keep_changes_back(s3: Any, reader: SnapshotReader, tmp_path: Path) -> None:
    publish(SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "first")), item("a"))
    damage(s3, manifest(s3).segments[0].key)

    done = SnapshotPublisher(SnapshotStore(s3, BUCKET, tmp_path / "second")).publish(
        [item("b")], columns=COLUMNS, version=0, now_ms=NOW_MS
    )

    assert (done.changes, done.segments) == (1, 2)
    assert done.unmerged is not None
    assert "has SHA-256" in done.unmerged


def test_missing_segment_is_named(s3: Any, publisher: SnapshotPublisher, tmp_path: Path) -> None:
    publish(publisher, item("a"))
    (entry,) = manifest(s3).segments
    s3.delete_object(Bucket=BUCKET, Key=entry.key)

    with pytest.raises(InvalidSnapshot, match=f"{entry.key} does not exist"):
        SnapshotStore(s3, BUCKET, tmp_path / "new").fetch(entry)


def test_reader_asks_only_after_its_interval_and_fetches_only_what_is_new(
    s3: Any, publisher: SnapshotPublisher, tmp_path: Path
) -> None:
    asked: list[str] = []
    s3.meta.events.register("before-call.s3.GetObject", lambda params, **_: asked.append(params["url_path"]))
    reader = SnapshotReader(s3, BUCKET, tmp_path / "reader", check_s=10)
    publish(publisher, *(item(f"i{number}") for number in range(20)))
    asked.clear()
    reader.current(now_ms=0)
    assert len(asked) == 2
    publish(publisher, item("a"))
    asked.clear()

    assert len(reader.current(now_ms=9_999)) == 20
    assert asked == []
    assert len(reader.current(now_ms=10_000)) == 21
    assert len(asked) == 2  # the manifest and the small segment
    asked.clear()
    reader.current(now_ms=20_000)
    assert len(asked) == 1  # nothing new
    assert len(list((tmp_path / "reader").iterdir())) == 2


def test_reader_drops_files_that_no_snapshot_needs(s3: Any, publisher: SnapshotPublisher, tmp_path: Path) -> None:
    reader = SnapshotReader(s3, BUCKET, tmp_path / "reader", check_s=0)
    (tmp_path / "reader").mkdir()
    (tmp_path / "reader" / ".unfinished-left-by-a-dead-process").write_bytes(b"x")
    for number in range(3):
        publish(publisher, item("a", number))
        reader.current(now_ms=0)

    (left,) = (tmp_path / "reader").iterdir()
    assert left.name == manifest(s3).segments[0].file_name


def test_outage_leaves_what_was_read(s3: Any, publisher: SnapshotPublisher, tmp_path: Path) -> None:
    publish(publisher, item("a"))
    reader = SnapshotReader(s3, BUCKET, tmp_path / "reader", check_s=0)
    late = SnapshotReader(s3, BUCKET, tmp_path / "late")
    reader.current(now_ms=0)

    def outage(**_: Any) -> None:
        raise EndpointConnectionError(endpoint_url="https://s3")

    s3.meta.events.register("before-call.s3.GetObject", outage)

    assert len(reader.current(now_ms=1)) == 1
    with pytest.raises(Unavailable, match="no catalogue snapshot to go by"):
        late.current(now_ms=0)


def test_too_large_a_snapshot_and_too_little_time_are_refused(
    s3: Any, publisher: SnapshotPublisher, tmp_path: Path
) -> None:
    publish(publisher, item("a"))
    small = SnapshotReader(s3, BUCKET, tmp_path / "small", max_bytes=100)

    with pytest.raises(Unavailable, match=r"the snapshot has \d+ bytes, expected at most 100"):
        small.current(now_ms=0)
    with pytest.raises(Unavailable, match="not here in time"):
        SnapshotReader(s3, BUCKET, tmp_path / "late").current(now_ms=0, remaining_ms=lambda: 4_999)
    assert list((tmp_path / "late").iterdir()) == []


def test_segment_that_cannot_be_stored_does_not_fill_the_disk(s3: Any, tmp_path: Path) -> None:
    publisher = SnapshotPublisher(SnapshotStore(s3, "no-such-bucket", tmp_path / "publisher"))

    with pytest.raises(Unavailable, match=r"^s3://no-such-bucket/catalog/segments/"):
        SnapshotStore(s3, "no-such-bucket", tmp_path / "store").upload(Segment.of([], {}), now_ms=NOW_MS)
    with pytest.raises(Unavailable):
        publish(publisher, item("a"))

    assert [path for path in tmp_path.rglob("*") if path.is_file()] == []
