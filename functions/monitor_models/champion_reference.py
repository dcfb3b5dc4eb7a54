"""Champion's items, and the reference distributions of its dataset."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.arrays.mapped import UNREADABLE, parse_array
from alsolike.arrays.ragged import hashes_of
from alsolike.bundle.files import MANIFEST_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle, NotFound
from alsolike.runtime.s3 import S3Object
from alsolike.training.dataset import DatasetManifest, prefix


@dataclasses.dataclass(frozen=True, slots=True)
class Baseline:
    """Champion with the manifest of its dataset. `dataset` is None if the dataset was deleted.

    `id_hashes` are ascending. `ranks` contains the rank of each hash's item in the dataset, which equals the item's
    position in the model.
    """

    champion: Champion
    bundle: Manifest
    dataset: DatasetManifest | None
    id_hashes: npt.NDArray[np.uint64]
    ranks: npt.NDArray[np.int32]

    def ranks_of(self, item_ids: Iterable[str]) -> npt.NDArray[np.int64]:
        """Return the rank of each item, or 0 for items that the champion does not contain.

        Only hashes are compared. An unknown item matches one of ten million items with a probability of about 5e-13.
        """
        hashes = hashes_of([item_id.encode() for item_id in item_ids])
        if not len(hashes):
            return np.zeros(0, np.int64)
        slots = np.minimum(np.searchsorted(self.id_hashes, hashes), len(self.id_hashes) - 1)
        return np.where(self.id_hashes[slots] == hashes, self.ranks[slots], 0).astype(np.int64)


def read_baseline(client: S3Client, bucket: str) -> Baseline | None:
    """Return None if there is no champion.

    Raise `NotFound` if a file of the champion was deleted, `InvalidBundle` if the file is unreadable, and
    `InvalidDataset` if the dataset's manifest is unreadable.
    """
    champion = Registry(client, bucket).champion()
    if champion is None:
        return None
    directory = model_prefix(champion.version)
    bundle = Manifest.from_json(_read(client, bucket, f"{directory}{MANIFEST_FILE}"))
    try:
        described = _read(client, bucket, f"{prefix(bundle.dataset_id)}{MANIFEST_FILE}")
        dataset = DatasetManifest.from_json(described)
    except NotFound:
        dataset = None
    hashes = _array(client, bucket, f"{directory}ids.hash.npy", np.uint64)
    ranks = _array(client, bucket, f"{directory}ids.idx.npy", np.int32)
    if len(hashes) != len(ranks):
        raise InvalidBundle(f"s3://{bucket}/{directory} has {len(hashes)} hashes of ids and {len(ranks)} positions")
    return Baseline(champion, bundle, dataset, hashes, ranks)


def _array(client: S3Client, bucket: str, key: str, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    data = _read(client, bucket, key)
    try:
        return parse_array(data, dtype, name=key)
    except UNREADABLE as error:
        raise InvalidBundle(f"s3://{bucket}/{key} is unreadable: {error}") from error


def _read(client: S3Client, bucket: str, key: str) -> bytes:
    stored = S3Object(client, bucket, key)
    if (content := stored.read()) is None:
        raise NotFound(f"{stored.uri} does not exist")
    return content.body
