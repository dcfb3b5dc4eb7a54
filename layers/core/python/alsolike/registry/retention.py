"""Retention of model versions: the versions that stay, and the deletion of the others' files.

A version's decision, the report of its canary and its package stay; only its files under `models/<version>/` go.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType
from typing import Any

from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.domain.experiments import Experiment
from alsolike.registry.champion import Champion
from alsolike.runtime.s3 import delete_objects, listed

LAST_GOOD = 3
"""So many versions that rollbacks would return to stay."""

UNFINISHED_MS = 86_400_000
"""Files without a manifest are of an upload that broke off, once they are so old."""

_MANIFEST = "manifest.json"
_DAY_MS = 86_400_000
_AT_ONCE = 1_000  # https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html


@dataclasses.dataclass(frozen=True, slots=True)
class StoredVersion:
    """A version with files; `complete` is true if its manifest is among them."""

    version: str
    modified_ms: int
    complete: bool


def protected(champion: Champion | None, experiments: Iterable[Experiment], *, now_ms: int) -> Mapping[str, str]:
    """Return the versions whose files stay at any age, each with the reason.

    Parameters
    ----------
    experiments
        Of the configuration; arms of those that have not ended keep the versions that they name.
    """
    reasons: dict[str, str] = {}
    for experiment in experiments:
        if experiment.end_ms is None or experiment.end_ms > now_ms:
            for arm in experiment.arms:
                if arm.model is not None:
                    reasons[arm.model] = f"answers an arm of the experiment {experiment.name}"
    if champion is not None:
        reasons |= dict.fromkeys(champion.pinned, "is pinned")
        reasons |= dict.fromkeys(champion.predecessors[:LAST_GOOD], "is what a rollback returns to")
        if champion.canary is not None:
            reasons[champion.canary.version] = "is the canary"
        reasons[champion.version] = "is champion"
    return MappingProxyType(reasons)


def superfluous(
    stored: Iterable[StoredVersion], keeps: Mapping[str, str], *, others: int, now_ms: int
) -> Iterator[StoredVersion]:
    """Yield the versions whose files may be deleted: neither protected, nor among the latest others.

    A folder without a manifest is no version; it is deleted once no upload can still be writing it.
    """
    rest = sorted(
        (entry for entry in stored if entry.version not in keeps),
        key=lambda entry: (-entry.modified_ms, entry.version),
    )
    yield from [entry for entry in rest if entry.complete][others:]
    yield from (entry for entry in rest if not entry.complete and entry.modified_ms < now_ms - UNFINISHED_MS)


def expired(
    stored: Iterable[StoredVersion], keeps: Mapping[str, str], *, days: int, now_ms: int
) -> Iterator[StoredVersion]:
    """Yield the datasets older than `days` days; the dataset of a version has its name.

    The latest complete one stays, and those of `keeps`: monitoring compares with the champion's dataset, and an erasure
    finds there if the champion was trained with the user.
    """
    datasets = list(stored)
    complete = (dataset for dataset in datasets if dataset.complete)
    latest = max(complete, key=lambda dataset: dataset.modified_ms, default=None)
    for dataset in datasets:
        if dataset != latest and dataset.version not in keeps and dataset.modified_ms < now_ms - days * _DAY_MS:
            yield dataset


class ModelFiles:
    """The files of model versions, or of datasets, in one artefact bucket.

    Parameters
    ----------
    folder
        Prefix with a folder for each version, or for each dataset.
    """

    def __init__(self, client: Any, bucket: str, folder: str = MODELS_PREFIX) -> None:
        self._client, self._bucket, self._folder = client, bucket, folder

    def stored(self) -> list[StoredVersion]:
        """Return the versions that have files, by name."""
        manifests: dict[str, int] = {}
        latest: dict[str, int] = {}
        for entry in listed(self._client, self._bucket, self._folder):
            version, _, name = entry.key.removeprefix(self._folder).partition("/")
            latest[version] = max(entry.modified_ms, latest.get(version, 0))
            if name == _MANIFEST:
                manifests[version] = entry.modified_ms
        return [
            StoredVersion(version, manifests.get(version, latest[version]), version in manifests)
            for version in sorted(latest)
        ]

    def delete(self, version: str) -> int:
        """Delete a version's files and return how many: its manifest first, so that it is never there by half."""
        prefix = f"{self._folder}{version}/"
        keys = [entry.key for entry in listed(self._client, self._bucket, prefix)]
        delete_objects(self._client, self._bucket, [f"{prefix}{_MANIFEST}"])
        delete_objects(self._client, self._bucket, keys)
        return len(keys)
