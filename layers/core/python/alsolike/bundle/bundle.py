"""The model bundle, the interface between training and serving. It is independent of the algorithm.

A bundle is a directory. `manifest.json` is written last and contains the checksums of all other files, so a directory
with a manifest is complete. Item positions are 1..N, and 0 is padding. The large files are memory-mapped, so opening a
bundle of a million items without `verify` takes milliseconds.
"""

from __future__ import annotations

import dataclasses
import hashlib
import itertools
import math
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.arrays.mapped import UNREADABLE, MappedStrings, map_array, write_strings
from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.action_model import ActionModel
from alsolike.bundle.files import (
    ACTIONS_FILE,
    FILES,
    GROUPS_FILE,
    MANIFEST_FILE,
    POPULAR_FILE,
    RELATED_FILE,
    RERANKER_FILE,
    SERVED_FILES,
)
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.bundle.popular_groups import PopularGroups
from alsolike.bundle.related import NO_ROW, RelatedItems, Row
from alsolike.bundle.reranker import Reranker
from alsolike.declarations.times import DAY_MS
from alsolike.runtime.errors import InvalidBundle

KEPT = 50_000
"""Maximum number of cached IDs, and of cached positions. A few frequent items make up most requests and responses."""

_NOT_KEPT = -1
_CHECKED = 50_000  # Items per chunk of a check.
_SAMPLED = 1_000
"""Maximum number of items that are checked when a bundle is opened. Checking a million items would take a second."""

MAX_POPULAR = 500

K = TypeVar("K")
V = TypeVar("V")


def history_weights(
    parameters: HistoryParameters, event_weight: npt.ArrayLike, age_ms: npt.ArrayLike
) -> npt.NDArray[np.float32]:
    """Return event_weight * 0.5 ** (age / half life), or the event weight if the half-life is infinite. Negative ages
    count as 0.
    """
    if parameters.half_life_days == math.inf:
        return np.asarray(event_weight).astype(np.float32)
    age_days = np.maximum(np.asarray(age_ms, np.float64), 0.0) / DAY_MS
    decay = np.exp2(-age_days / parameters.half_life_days)
    return (np.asarray(event_weight, np.float64) * decay).astype(np.float32)


def ages(age_ms: npt.ArrayLike) -> npt.NDArray[np.float32]:
    """Return the graph's input `ages`, the ages in days. Negative ages are raised to 0."""
    return (np.maximum(np.asarray(age_ms, np.float64), 0.0) / DAY_MS).astype(np.float32)


def write_ids(directory: Path, item_ids: Sequence[str]) -> None:
    if not item_ids:
        raise InvalidBundle("a bundle needs at least one item")
    if "" in item_ids:
        raise InvalidBundle(f"the item at position {item_ids.index('') + 1} has an empty id")
    blobs = [item_id.encode() for item_id in item_ids]
    hashes = hashes_of(blobs)
    order = np.argsort(hashes, kind="stable")
    ordered = hashes[order]
    if len(twins := np.flatnonzero(ordered[1:] == ordered[:-1])):
        first, second = (item_ids[int(order[twins[0] + step])] for step in (0, 1))
        raise InvalidBundle(f"items {first!r} and {second!r} have the same hash; an id may stand only once")
    np.save(directory / "ids.hash.npy", ordered)
    np.save(directory / "ids.idx.npy", (order + 1).astype(np.int32))
    write_strings(directory, "ids", [b"", *blobs])


def write_meta(directory: Path, columns: Iterable[Mapping[str, Any]]) -> None:
    """Write one JSON object of metadata columns per position, in the order of positions 1..N."""
    write_strings(directory, "meta", [b"{}", *(orjson.dumps(dict(record)) for record in columns)])


def write_popular(directory: Path, positions: npt.NDArray[Any]) -> None:
    np.save(directory / POPULAR_FILE, np.asarray(positions[:MAX_POPULAR], np.int32))


def write_manifest(directory: Path, manifest: Manifest) -> Manifest:
    """Write the manifest with the checksums of all other files. The bundle is then complete."""
    complete = dataclasses.replace(manifest, files={name: _checksum(directory / name) for name in FILES})
    (directory / MANIFEST_FILE).write_bytes(complete.to_json())
    return complete


class Bundle:
    """Opened model bundle.

    Attributes
    ----------
    popular
        Positions of popular items, best first, int32.
    has_related
        False for bundles of earlier versions without related items.
    actions
        Action model. It has no data in bundles of earlier versions.
    reranker
        Reranker. None if the training chose none, for example because it did not improve the lists, and in bundles of
        earlier versions.
    id_hashes, id_positions
        Sorted hashes of the IDs, uint64 `(items,)`, and the position of each hash, int32 `(items,)`.
    """

    def __init__(self, directory: Path, *, verify: bool = True, files: Sequence[str] = SERVED_FILES) -> None:
        """Open a bundle. If `verify` is true, compare the checksums of `files` with the manifest."""
        if not (directory / MANIFEST_FILE).is_file():
            raise InvalidBundle(f"{directory} has no {MANIFEST_FILE}")
        self.directory = directory
        self.manifest = Manifest.from_json((directory / MANIFEST_FILE).read_bytes())
        for name in self.manifest.files_of(files):
            stated = self.manifest.files.get(name)
            if stated is None:
                raise InvalidBundle(f"{MANIFEST_FILE} states no checksum of {name}")
            if verify and stated != (checksum := _checksum(directory / name)):
                raise InvalidBundle(f"{name} is {checksum}, {MANIFEST_FILE} says {stated}")
        try:
            self.popular: npt.NDArray[np.int32] = map_array(directory / POPULAR_FILE, np.int32)
            self.groups = PopularGroups.read(directory / GROUPS_FILE)
            self.id_hashes = map_array(directory / "ids.hash.npy", np.uint64)
            self.id_positions = map_array(directory / "ids.idx.npy", np.int32)
            self._ids = MappedStrings(directory, "ids")
            self._meta = MappedStrings(directory, "meta")
        except UNREADABLE as error:
            raise InvalidBundle(f"{directory} is unreadable: {error}") from error
        items = self.manifest.items
        for name, count in (
            ("ids", len(self._ids)),
            ("meta", len(self._meta)),
            ("hashes", len(self.id_hashes) + 1),
            ("positions", len(self.id_positions) + 1),
        ):
            if count != items + 1:
                raise InvalidBundle(f"{name} hold {count - 1} items, {MANIFEST_FILE} says {items}")
        if len(self.popular) > MAX_POPULAR:
            raise InvalidBundle(f"{POPULAR_FILE} holds {len(self.popular)} items, expected at most {MAX_POPULAR}")
        for name, positions in (
            (POPULAR_FILE, self.popular),
            ("ids.idx.npy", self.id_positions),
            (GROUPS_FILE, np.array(self.groups.items, np.int64)),
        ):
            if len(positions) and not 1 <= positions.min() <= positions.max() <= items:
                raise InvalidBundle(
                    f"{name} has positions {positions.min()} to {positions.max()}, expected 1 to {items}"
                )
        if (self.id_hashes[1:] <= self.id_hashes[:-1]).any():
            raise InvalidBundle("ids.hash.npy is not ascending")
        self._check_items(np.linspace(1, items, min(items, _SAMPLED)).astype(np.int64))
        self._positions: dict[str, int] = {}
        self._ids_kept: dict[int, str] = {}
        self.has_related = RELATED_FILE in self.manifest.files
        self._related = RelatedItems.map(directory / RELATED_FILE, items=items) if self.has_related else None
        has_actions = ACTIONS_FILE in self.manifest.files
        self.actions = ActionModel.read(directory / ACTIONS_FILE) if has_actions else ActionModel.none()
        has_reranker = RERANKER_FILE in self.manifest.files
        self.reranker = Reranker.read(directory / RERANKER_FILE, items=items) if has_reranker else None

    def check_contents(self) -> None:
        """Check the IDs and metadata of all items, and the related items. Opening a bundle checks only a sample of the
        items.
        """
        items = self.manifest.items
        for first in range(1, items + 1, _CHECKED):
            self._check_items(np.arange(first, min(first + _CHECKED, items + 1)))
        if self._related is not None:
            self._related.check()

    def _check_items(self, positions: npt.NDArray[np.int64]) -> None:
        where = f"at positions {positions[0]} to {positions[-1]}"
        try:
            ids = [blob.decode() for blob in self._ids.many(positions)]
            columns = [orjson.loads(blob) for blob in self._meta.many(positions)]
        except ValueError as error:
            raise InvalidBundle(f"ids or metadata {where} are unreadable: {error}") from error
        if not np.array_equal(self._find(ids), positions):
            raise InvalidBundle(f"ids {where} are not found by their hashes")
        if not all(isinstance(record, dict) for record in columns):
            raise InvalidBundle(f"metadata {where} has a record that is no JSON object")

    def positions(self, item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        """Return the position of each ID, or 0 for an unknown item."""
        places = [self._positions.get(item_id, _NOT_KEPT) for item_id in item_ids]
        positions = np.array(places, np.int64)
        if _NOT_KEPT in places:
            new = [index for index, place in enumerate(places) if place == _NOT_KEPT]
            positions[new] = self._find([item_ids[index] for index in new])
            named = ((item_ids[index], place) for index in new if (place := int(positions[index])))
            self._positions = _with_some(self._positions, named)
        return positions

    def _find(self, item_ids: Sequence[str]) -> npt.NDArray[np.int64]:
        blobs = [item_id.encode() for item_id in item_ids]
        hashes = hashes_of(blobs)
        slots = np.minimum(np.searchsorted(self.id_hashes, hashes), len(self.id_hashes) - 1)
        positions = np.where(self.id_hashes[slots] == hashes, self.id_positions[slots], 0).astype(np.int64)
        stored = self._ids.many(positions)  # The hash of an unknown ID can equal the hash of a known ID.
        positions[[known != blob for known, blob in zip(stored, blobs, strict=True)]] = 0
        return positions

    def item_id(self, position: int) -> str:
        return self._ids[position].decode(errors="replace")

    def item_ids(self, positions: Sequence[int]) -> list[str]:
        """Return the IDs, faster than single calls of `item_id`."""
        kept = self._ids_kept
        new = [position for position in positions if position not in kept]
        if not new:
            return [kept[position] for position in positions]
        ids = {
            place: item_id.decode(errors="replace")
            for place, item_id in zip(new, self._ids.many(np.array(new)), strict=True)
        }
        self._ids_kept = _with_some(kept, ids.items())
        return [ids[position] if position in ids else kept[position] for position in positions]

    def metadata(self, position: int) -> dict[str, Any]:
        try:
            columns = orjson.loads(self._meta[position])
        except orjson.JSONDecodeError:
            return {}
        return columns if isinstance(columns, dict) else {}

    def related(self, kind: str, position: int) -> Row:
        return NO_ROW if self._related is None else self._related.row(kind, position)


def _with_some(kept: dict[K, V], pairs: Iterable[tuple[K, V]]) -> dict[K, V]:
    """Return the cache with additional entries, up to `KEPT`. If the cache is full, start from an empty one."""
    if len(kept) >= KEPT:
        kept = {}
    kept.update(itertools.islice(pairs, KEPT - len(kept)))
    return kept


def _checksum(path: Path) -> dict[str, Any]:
    if not path.is_file():
        raise InvalidBundle(f"{path.name} is missing from {path.parent}")
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
    return {"sha256": digest, "size_bytes": path.stat().st_size}
