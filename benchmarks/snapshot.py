"""Snapshot of a catalogue with a million items and ten columns: publish a change, open the snapshot, and find rows."""

from __future__ import annotations

import itertools
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

from alsolike.arrays.tensors import map_tensors
from alsolike.catalogue.changes import Change
from alsolike.configuration.configuration import ColumnType
from alsolike.snapshot.manifest import Manifest
from alsolike.snapshot.publisher import SnapshotPublisher
from alsolike.snapshot.segment import Segment
from alsolike.snapshot.snapshot import Snapshot
from alsolike.snapshot.store import SnapshotStore, StoredManifest
from benchmarks.measure import Result, cpu_medians_ms

ITEMS = 1_000_000
CANDIDATES = 500
"""Number of items that a request looks up."""
NOW_MS = 1_790_000_000_000
COLUMNS = {
    "title": ColumnType.TEXT,
    "brand": ColumnType.STRING,
    "categoryL1": ColumnType.STRING,
    "categoryL2": ColumnType.STRING,
    "tags": ColumnType.LIST,
    "price": ColumnType.NUMBER,
    "rating": ColumnType.NUMBER,
    "stock": ColumnType.NUMBER,
    "available": ColumnType.BOOLEAN,
    "creationTimestamp": ColumnType.TIMESTAMP,
}


class DiskStore(SnapshotStore):
    """Store with the manifest in memory and segments on disk. It excludes the cost of S3."""

    def __init__(self, directory: Path) -> None:
        super().__init__(cast("Any", None), "", directory)
        self.stored = StoredManifest(Manifest(), None)
        self._number = itertools.count()

    def manifest(self, *, known: StoredManifest | None = None) -> StoredManifest:
        return self.stored

    def replace(self, expected: StoredManifest, manifest: Manifest) -> StoredManifest:
        manifest.to_json()
        self.stored = StoredManifest(manifest, str(next(self._number)))
        return self.stored

    def delete(self, keys: Any) -> None:
        """Do nothing, because `keep_only` deletes the files."""

    def segment_keys(self, *, written_before_ms: int) -> list[str]:
        """Return an empty list, because no interrupted writer left files."""
        return []

    def _send(self, path: Path, key: str) -> None:
        """Do nothing, because the file is already on disk."""


def snapshot() -> Iterator[Result]:
    directory = Path(tempfile.mkdtemp(prefix="alsolike-bench-"))
    try:
        yield from _measure(directory)
    finally:
        shutil.rmtree(directory, ignore_errors=True)


def _measure(directory: Path) -> Iterator[Result]:
    store = DiskStore(directory / "catalog")
    publisher = SnapshotPublisher(store)
    publisher.publish_all((item(number) for number in range(ITEMS)), columns=COLUMNS, version=0, now_ms=NOW_MS)
    (large,) = store.stored.manifest.segments

    clock = itertools.count(1)

    def publish_one() -> None:
        at = next(clock)
        change = Change(f"item{at}", NOW_MS + at, {**(item(at).properties or {}), "price": at})
        publisher.publish([change], columns=COLUMNS, version=0, now_ms=NOW_MS)

    all_items = Segment.map(store.fetch(large))

    def rewrite_all() -> None:
        with (directory / "whole").open("wb") as file:
            Segment.merge([all_items, Segment.of([item(1)], COLUMNS)]).write(file)

    one_ms = cpu_medians_ms({"one": publish_one}, rounds=50)["one"]
    all_ms = cpu_medians_ms({"all": rewrite_all}, rounds=3)["all"]
    note = f"1/{all_ms / one_ms:,.0f}; {large.size_bytes / ITEMS:.0f} bytes an item; S3 left out"
    yield Result("snapshot", f"publish 1 change of {ITEMS:,} items", one_ms, "merge all items anew", all_ms, note=note)

    paths = [store.fetch(entry) for entry in store.stored.manifest.segments]
    found = Snapshot.open(paths, version="")
    yield _compared(
        f"open {len(paths)} segments",
        lambda: Snapshot.open(paths, version=""),
        "map the same arrays",
        lambda: [map_tensors(path) for path in paths],
    )
    ids = [f"item{number * 1_999 % ITEMS}" for number in range(CANDIDATES)]
    rows = {f"item{number}": number for number in range(ITEMS)}
    yield _compared(
        f"find the rows of {CANDIDATES} ids",
        lambda: found.rows(ids),
        f"look them up in a dict of {ITEMS:,}, which takes 100 MB",
        lambda: [rows[item_id] for item_id in ids],
        units=CANDIDATES,
        repeats=20,
    )


def _compared(
    work: str, product: Callable[[], object], floor_name: str, floor: Callable[[], object], *,
    units: int = 1, repeats: int = 5,
) -> Result:  # fmt: skip
    medians = cpu_medians_ms({"product": product, "floor": floor}, repeats=repeats)
    return Result("snapshot", work, medians["product"], floor_name, medians["floor"], units_per_call=units)


def item(number: int) -> Change:
    return Change(
        f"item{number}",
        NOW_MS - 1,
        {
            "title": f"A product of the shop with the number {number}",
            "brand": f"brand {number * 7 % 5_000}",
            "categoryL1": f"aisle {number % 20}",
            "categoryL2": f"shelf {number % 400}",
            "tags": [f"tag {number % 97}", f"tag {number % 89}"],
            "price": number % 10_000 / 100,
            "rating": number % 50 / 10,
            "stock": number % 300,
            "available": number % 5 != 0,
            "creationTimestamp": 1_600_000_000 + number,
        },
    )
