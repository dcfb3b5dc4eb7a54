"""Cold items in the snapshot after changes, a new champion and concurrent writes."""

from collections.abc import Sequence

import pytest

from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.files import CONTENT_FILE
from alsolike.catalogue.changes import Change
from alsolike.registry.champion_pointer_store import Registry
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.polling import Polling
from alsolike.snapshot.cold_items import ColdItems
from alsolike.snapshot.content_index import Scales
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.reader import SnapshotReader
from alsolike.snapshot.store import GRACE_MS, SnapshotStore
from functions.publish_catalog.cold_publisher import ChampionContents, ColdPublished, ColdPublisher
from tests.fakes.places import BUCKET
from tests.unit.alsolike.content import ITEMS, index_of
from tests.unit.alsolike.snapshot.publications import NOW_MS


class Catalogue:
    def __init__(self, s3, directory, *, store=SnapshotStore):
        directory.mkdir(exist_ok=True)
        self.s3 = s3
        self._directory = directory
        self._store = store(s3, BUCKET, directory / "publisher")
        self._publisher = SnapshotPublisher(self._store)
        self._contents = ChampionContents(s3, BUCKET, directory / "champion")
        self._reader = SnapshotReader(s3, BUCKET, directory / "reader", polling=Polling(0))

    def change(self, *changes):
        self._publisher.publish(changes, columns={}, version=0, now_ms=NOW_MS)

    def publish(self, *changes, maximum=100, now_ms=NOW_MS):
        return ColdPublisher(self._store, self._contents, maximum=maximum).publish(changes, now_ms=now_ms)

    def make_champion(self, version, *item_ids, rare=()):
        path = self._directory / "index"
        known = {item_id: ITEMS[item_id] for item_id in item_ids or ITEMS}
        index_of(known, scales=Scales(new=2.0, rare=0.5), rare=rare).write(path)
        self.s3.put_object(Bucket=BUCKET, Key=f"models/{version}/{CONTENT_FILE}", Body=path.read_bytes())
        self.s3.put_object(Bucket=BUCKET, Key=f"models/{version}/manifest.json", Body=b"{}")
        Registry(self.s3, BUCKET).promote(version, reason="test", now_ms=NOW_MS)

    def cold(self, *item_ids):
        cold = self._reader.current(now_ms=NOW_MS).cold
        hashes = set() if cold is None else set(cold.hashes.tolist())
        return [item_id for item_id in item_ids if hashes_of([item_id.encode()])[0] in hashes]

    def scale(self):
        """Return the scale of the only cold item, which is the sum of its weights."""
        return float(self._reader.current(now_ms=NOW_MS).cold.weights.sum())

    @property
    def cold_model(self):
        return self._reader.current(now_ms=NOW_MS).cold_model


def item(item_id, at=1, **properties):
    return Change(item_id, at, properties or {"colour": "red"})


@pytest.fixture
def catalogue(s3, tmp_path):
    return Catalogue(s3, tmp_path)


def test_snapshot_without_a_champion_has_no_cold_items(catalogue):
    catalogue.change(item("new"))

    assert catalogue.publish(item("new")) is None
    assert catalogue.cold("new") == []


def test_first_champion_makes_unknown_items_cold(catalogue):
    catalogue.change(item("vase"), item("new"), Change("gone", 1, None))
    catalogue.make_champion("v1")

    assert catalogue.publish() == ColdPublished(items=1, compared=1)
    assert catalogue.cold("vase", "new", "gone") == ["new"]
    assert catalogue.cold_model == "v1"


def test_changed_item_is_the_only_one_compared(catalogue):
    catalogue.make_champion("v1")
    catalogue.change(item("old"))
    catalogue.publish()
    catalogue.change(item("new"), item("vase", 2))

    assert catalogue.publish(item("new"), item("vase", 2)) == ColdPublished(items=2, compared=1)
    assert catalogue.cold("old", "new", "vase") == ["old", "new"]


def test_change_of_known_items_writes_nothing(catalogue):
    catalogue.make_champion("v1")
    catalogue.publish()
    before = catalogue.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"]

    assert catalogue.publish(item("vase")) == ColdPublished(items=0, compared=0)
    assert catalogue.s3.list_objects_v2(Bucket=BUCKET)["KeyCount"] == before


def test_repeated_and_late_changes_give_the_same_result(catalogue):
    catalogue.make_champion("v1")
    catalogue.publish()
    for change in (item("new", 2), item("new", 1, colour="blue"), item("new", 2)):
        catalogue.change(change)
        catalogue.publish(change)

    reader = SnapshotReader(catalogue.s3, BUCKET, catalogue._directory / "again", polling=Polling(0))
    assert reader.current(now_ms=0).cold.neighbours[0].tolist() == [1, 2]  # These are the red items.


def test_new_champion_recomputes_all_cold_items(catalogue):
    catalogue.change(item("vase"), item("new"))
    catalogue.make_champion("v1")
    catalogue.publish()
    catalogue.make_champion("v2", "bowl", "cup", "jug")

    assert catalogue.publish() == ColdPublished(items=2, compared=2)
    assert (catalogue.cold("vase", "new"), catalogue.cold_model) == (["vase", "new"], "v2")


def test_item_known_but_not_learned_by_a_training_is_rare(catalogue):
    catalogue.make_champion("v1")
    catalogue.change(item("new"))
    catalogue.publish(item("new"))
    before = catalogue.scale()
    catalogue.make_champion("v2", rare=["new"])

    catalogue.publish()

    assert (before, catalogue.scale()) == (2.0, 0.5)
    catalogue.change(item("new", 2, kind="clay"))
    catalogue.publish(item("new", 2, kind="clay"))
    assert catalogue.scale() == 0.5


def test_cold_items_above_the_limit_are_those_changed_last(catalogue):
    catalogue.change(item("a", 1), item("b", 2), item("c", 3))
    catalogue.make_champion("v1")

    assert catalogue.publish(maximum=2) == ColdPublished(items=2, compared=2, left_out=1)
    catalogue.change(item("d", 4))
    assert catalogue.publish(item("d", 4), maximum=2) == ColdPublished(items=2, compared=1, left_out=1)
    assert catalogue.cold("a", "b", "c", "d") == ["c", "d"]


def test_deleted_items_free_capacity_for_others(catalogue):
    catalogue.make_champion("v1")
    catalogue.change(item("new1", 5), item("new2", 6))
    catalogue.publish(item("new1", 5), item("new2", 6), maximum=2)
    catalogue.change(Change("new1", 7, None), Change("new2", 7, None))
    catalogue.change(item("late", 1))

    assert catalogue.publish(item("late", 1), maximum=2) == ColdPublished(items=1, compared=1)
    assert catalogue.cold("new1", "new2", "late") == ["late"]


def test_lost_file_is_recreated_and_the_catalogue_is_read_without_it(catalogue):
    catalogue.make_champion("v1")
    catalogue.change(item("old"))
    catalogue.publish()
    stored = catalogue._store.manifest().manifest.cold
    catalogue.s3.delete_object(Bucket=BUCKET, Key=stored.key)
    (catalogue._directory / "publisher").rename(catalogue._directory / "lost")

    assert catalogue.cold("old") == []
    assert len(catalogue._reader.current(now_ms=NOW_MS)) == 1
    catalogue.change(item("new"))
    assert catalogue.publish(item("new")) == ColdPublished(items=2, compared=2)
    assert catalogue.cold("old", "new") == ["old", "new"]


def test_concurrent_writers_keep_all_cold_items(s3, tmp_path):
    other = Catalogue(s3, tmp_path / "other")
    other.make_champion("v1")
    other.publish()
    interruptions: list[Change] = [item("b")]

    class Overtaken(SnapshotStore):
        def upload(self, segment, *, now_ms):
            if isinstance(segment, ColdItems) and interruptions:
                change = interruptions.pop()
                other.change(change)
                other.publish(change)
            return super().upload(segment, now_ms=now_ms)

    mine = Catalogue(s3, tmp_path / "mine", store=Overtaken)
    mine.change(item("a"))

    mine.publish(item("a"))

    assert mine.cold("a", "b") == ["a", "b"]


def test_champion_changed_during_a_publication_is_used(s3, tmp_path):
    promotions: Sequence[str] = ["v2"]

    class Overtaken(SnapshotStore):
        def upload(self, segment, *, now_ms):
            nonlocal promotions
            for version in promotions:
                promotions = ()
                mine.make_champion(version, "bowl", "cup", "jug")
            return super().upload(segment, now_ms=now_ms)

    mine = Catalogue(s3, tmp_path / "mine")
    mine.change(item("vase"))
    mine.make_champion("v1")
    mine = Catalogue(s3, tmp_path / "mine", store=Overtaken)

    mine.publish()

    assert (mine.cold("vase"), mine.cold_model) == (["vase"], "v2")


def test_champion_without_a_content_index_raises_invalid_bundle(catalogue):
    catalogue.make_champion("v1")
    catalogue.s3.delete_object(Bucket=BUCKET, Key=f"models/v1/{CONTENT_FILE}")

    with pytest.raises(InvalidBundle, match=r"models/v1/content\.tensors does not exist"):
        catalogue.publish()


def test_invalid_index_is_downloaded_again_only_after_a_change(catalogue, monkeypatch):
    key, get, fetched = f"models/v1/{CONTENT_FILE}", catalogue.s3.get_object, []

    def recording(**call):
        fetched.extend([call["Key"]] if call["Key"] == key else [])
        return get(**call)

    monkeypatch.setattr(catalogue.s3, "get_object", recording)
    catalogue.make_champion("v1")
    index = get(Bucket=BUCKET, Key=key)["Body"].read()
    catalogue.s3.put_object(Bucket=BUCKET, Key=key, Body=b"damaged")

    for _ in range(3):
        with pytest.raises(InvalidBundle, match=r"model v1: content\.tensors"):
            catalogue.publish()

    assert fetched == [key]
    catalogue.s3.put_object(Bucket=BUCKET, Key=key, Body=index)
    assert catalogue.publish() == ColdPublished(items=0, compared=0)
    assert fetched == [key, key]


def test_replaced_files_are_deleted_after_the_grace_period(catalogue):
    def is_stored(entry):
        return "Contents" in catalogue.s3.list_objects_v2(Bucket=BUCKET, Prefix=entry.key)

    catalogue.make_champion("v1")
    catalogue.change(item("a"))
    catalogue.publish()
    first = catalogue._store.manifest().manifest.cold
    catalogue.publish(item("a", 2))
    assert is_stored(first)

    catalogue.publish(item("a", 3), now_ms=NOW_MS + GRACE_MS + 1)

    assert not is_stored(first)
