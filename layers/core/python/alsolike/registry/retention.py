"""Retention of model versions and datasets: selection of expired ones, and deletion of their files.

Deletion of a model version removes only the files under `models/<version>/`. Decision, canary report and package are
kept. The setting `models_kept` (`infra_cdk/training_settings.py`) is the maximum number of unprotected versions
with complete files.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Iterator, Mapping
from types import MappingProxyType

from alsolike.bundle.files import MANIFEST_FILE
from alsolike.configuration.experiments import Experiment
from alsolike.declarations.storage import MODELS_PREFIX
from alsolike.declarations.times import DAY_MS
from alsolike.registry.champion_pointer import Champion
from alsolike.runtime.client_protocols import S3Client
from alsolike.runtime.s3 import delete_objects, listed

LAST_GOOD = 3
"""Maximum number of the champion's predecessors whose files are kept for rollbacks."""

UNFINISHED_MS = DAY_MS
"""Age in milliseconds from which files without a manifest count as an interrupted upload."""


@dataclasses.dataclass(frozen=True, slots=True)
class StoredVersion:
    """Version with files. `complete` is true if the manifest is among them."""

    version: str
    modified_ms: int
    complete: bool


def protected(champion: Champion | None, experiments: Iterable[Experiment], *, now_ms: int) -> Mapping[str, str]:
    """Return the versions whose files are kept at any age, with the reason by version."""
    reasons: dict[str, str] = {}
    for experiment in experiments:
        if experiment.end_ms is None or experiment.end_ms > now_ms:
            for arm in experiment.arms:
                if arm.model is not None:
                    reasons[arm.model] = f"serves an arm of the experiment {experiment.name}"
    if champion is not None:
        reasons |= dict.fromkeys(champion.pinned, "is pinned")
        reasons |= dict.fromkeys(champion.predecessors[:LAST_GOOD], "can be restored by a rollback")
        if champion.canary is not None:
            reasons[champion.canary.version] = "is the canary"
        reasons[champion.version] = "is champion"
    return MappingProxyType(reasons)


def superfluous(
    stored: Iterable[StoredVersion], keeps: Mapping[str, str], *, others: int, now_ms: int
) -> Iterator[StoredVersion]:
    """Yield all versions whose files may be deleted.

    Protected versions and the latest `others` complete versions are kept. Folders without a manifest are included if
    they are older than `UNFINISHED_MS`.
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
    """Yield the datasets that are older than `days` days. A dataset has the name of the version that was trained on it.

    The latest complete dataset and the datasets of protected versions (`keeps`) are kept, for monitoring and erasures.
    """
    datasets = list(stored)
    complete = (dataset for dataset in datasets if dataset.complete)
    latest = max(complete, key=lambda dataset: dataset.modified_ms, default=None)
    for dataset in datasets:
        if dataset != latest and dataset.version not in keeps and dataset.modified_ms < now_ms - days * DAY_MS:
            yield dataset


class ModelFiles:
    """Store of the files of model versions or datasets in an artefact bucket."""

    def __init__(self, client: S3Client, bucket: str, folder: str = MODELS_PREFIX) -> None:
        self._client, self._bucket, self._folder = client, bucket, folder

    def stored(self) -> list[StoredVersion]:
        manifests: dict[str, int] = {}
        latest: dict[str, int] = {}
        for entry in listed(self._client, self._bucket, self._folder):
            version, _, name = entry.key.removeprefix(self._folder).partition("/")
            latest[version] = max(entry.modified_ms, latest.get(version, 0))
            if name == MANIFEST_FILE:
                manifests[version] = entry.modified_ms
        return [
            StoredVersion(version, manifests.get(version, latest[version]), version in manifests)
            for version in sorted(latest)
        ]

    def delete(self, version: str) -> int:
        """Delete the files of a version, manifest first, and return their number."""
        prefix = f"{self._folder}{version}/"
        keys = [entry.key for entry in listed(self._client, self._bucket, prefix)]
        delete_objects(self._client, self._bucket, [f"{prefix}{MANIFEST_FILE}"])
        delete_objects(self._client, self._bucket, keys)
        return len(keys)
