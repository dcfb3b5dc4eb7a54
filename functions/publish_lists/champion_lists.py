"""The champion's public lists, read from its bundle."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from alsolike.arrays.mapped import UNREADABLE, MappedStrings
from alsolike.bundle.files import MANIFEST_FILE, PUBLIC_FILE
from alsolike.bundle.manifest import Manifest
from alsolike.bundle.public_lists import PublicLists
from alsolike.registry.champion_pointer_store import Registry, model_prefix
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.s3 import S3Object, download

ID_FILES = ("ids.off.npy", "ids.blob")


class ChampionLists:
    """Public lists of the champion.

    `item_ids` are the IDs of the positions 1..N, most frequent first. `popular` are IDs, best first.
    """

    def __init__(self, manifest: Manifest, lists: PublicLists, item_ids: Sequence[str]) -> None:
        self.manifest, self.lists, self.item_ids = manifest, lists, item_ids
        self.popular = [item_ids[position - 1] for position in lists.popular.tolist()]
        self._positions = {item_id: position for position, item_id in enumerate(item_ids, start=1)}

    def next_items(self, item_id: str) -> dict[str, np.float32]:
        """Return the items that often follow an item, with their scores, best first. Empty for unknown items."""
        targets, scores = self.lists.table.row(self._positions.get(item_id, 0))
        return {self.item_ids[target - 1]: score for target, score in zip(targets.tolist(), scores, strict=True)}


def read_champion(client: S3Client, bucket: str, directory: Path) -> ChampionLists | None:
    """Return the public lists of the current champion, or None if there is no champion.

    The lists are empty if the bundle has no file of public lists.
    """
    champion = Registry(client, bucket).champion()
    if champion is None:
        return None
    prefix = model_prefix(champion.version)
    stored = S3Object(client, bucket, f"{prefix}{MANIFEST_FILE}").read()
    if stored is None:
        raise InvalidBundle(f"s3://{bucket}/{prefix}{MANIFEST_FILE} does not exist")
    manifest = Manifest.from_json(stored.body)
    names = [*ID_FILES, PUBLIC_FILE] if PUBLIC_FILE in manifest.files else ID_FILES
    for name in names:
        download(client, bucket, f"{prefix}{name}", directory / name)
    try:
        ids = MappedStrings(directory, "ids")
        item_ids = [blob.decode() for blob in ids.many(np.arange(1, manifest.items + 1))]
    except (*UNREADABLE, IndexError) as error:
        raise InvalidBundle(f"the ids of model {manifest.version} are unreadable: {error}") from error
    lists = PublicLists.none(manifest.items)
    if PUBLIC_FILE in names:
        lists = PublicLists.map(directory / PUBLIC_FILE, items=manifest.items)
    return ChampionLists(manifest, lists, item_ids)
