"""Comparison of two model versions."""

from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from alsolike.arrays.mapped import MappedStrings
from alsolike.bundle.manifest import Manifest
from alsolike.registry.champion_pointer_store import model_prefix
from alsolike.runtime.aws_errors import MISSING
from alsolike.runtime.errors import NotFound, Unavailable
from alsolike.runtime.s3 import S3Object, download
from alsolike.training import dataset
from alsolike.training.dataset import DatasetManifest
from operations.client.deployment import Deployment
from operations.models import versions as model_versions

_IDS = ("ids.off.npy", "ids.blob")
_DATASET = (
    "interactions",
    "users",
    "items",
    "catalogue_items",
    "rows_read",
    "repeat_share",
    "first_event_ms",
    "last_event_ms",
)


@dataclasses.dataclass(frozen=True, slots=True)
class FigureChange:
    """Value of a metric or parameter in both versions. None for a version without the value."""

    name: str
    before: Any
    after: Any

    @property
    def delta(self) -> float | int | None:
        both = (self.before, self.after)
        if any(isinstance(value, bool) or not isinstance(value, int | float) for value in both):
            return None
        delta: float | int = self.after - self.before
        return delta


@dataclasses.dataclass(frozen=True, slots=True)
class Difference:
    """Differences of the metrics, training datasets and items of two versions. Equal values are omitted.

    `figures` are values of the manifest and the selected algorithm, with nested names joined by dots. `dataset` is
    empty if a dataset has expired.
    """

    before: str
    after: str
    figures: tuple[FigureChange, ...]
    dataset: tuple[FigureChange, ...]
    items_added: tuple[str, ...]
    items_gone: tuple[str, ...]


def difference(deployment: Deployment, before: str, after: str) -> Difference:
    manifests = [model_versions.manifest(deployment, version) for version in (before, after)]
    datasets = [_dataset(deployment, manifest.dataset_id) for manifest in manifests]
    known = [_items(deployment, version) for version in (before, after)]
    return Difference(
        before,
        after,
        figures=_changes(*map(_figures, manifests)),
        dataset=_changes(*map(_counts, datasets)) if all(datasets) else (),
        items_added=tuple(sorted(known[1] - known[0])),
        items_gone=tuple(sorted(known[0] - known[1])),
    )


def _changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> tuple[FigureChange, ...]:
    return tuple(
        FigureChange(name, before.get(name), after.get(name))
        for name in dict.fromkeys((*before, *after))
        if before.get(name) != after.get(name)
    )


def _figures(manifest: Manifest) -> dict[str, Any]:
    selected: dict[str, Any] = next(
        (
            candidate
            for candidate in manifest.metrics.get("candidates", ())
            if candidate.get("algorithm") == manifest.algorithm
        ),
        {},
    )
    rest = {name: value for name, value in manifest.metrics.items() if name not in ("candidates", "k")}
    own = {
        "algorithm": manifest.algorithm,
        "items": manifest.items,
        "code_version": manifest.code_version,
        "exclude_seen": manifest.exclude_seen,
        "exclude_bought": manifest.exclude_bought,
        "history": dataclasses.asdict(manifest.history),
    }
    return dict(_flat({**own, **selected, **rest}))


def _flat(values: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for name, value in values.items():
        if isinstance(value, Mapping):
            yield from _flat(value, f"{prefix}{name}.")
        elif value is None or isinstance(value, str | int | float | bool):
            yield f"{prefix}{name}", value


def _counts(manifest: DatasetManifest | None) -> dict[str, Any]:
    if manifest is None:
        return {}
    counts = {name: getattr(manifest, name) for name in _DATASET}
    return dict(_flat({**counts, "dropped": manifest.dropped, "event_weights": manifest.event_weights}))


def _dataset(deployment: Deployment, dataset_id: str) -> DatasetManifest | None:
    """Return the manifest of a dataset, or None if the dataset has expired."""
    key = f"{dataset.prefix(dataset_id)}{dataset.MANIFEST_FILE}"
    stored = S3Object(deployment.client("s3"), deployment.names.artefact_bucket, key).read()
    return DatasetManifest.from_json(stored.body) if stored else None


def _items(deployment: Deployment, version: str) -> set[str]:
    """Return the item IDs of a version. Only the two files with IDs are downloaded."""
    bucket = deployment.names.artefact_bucket
    with tempfile.TemporaryDirectory(prefix="alsolike-") as name:
        for file in _IDS:
            key = f"{model_prefix(version)}{file}"
            try:
                download(deployment.client("s3"), bucket, key, Path(name) / file)
            except Unavailable as error:
                if error.code in MISSING:
                    raise NotFound(f"model version {version!r} misses {file}: s3://{bucket}/{key}") from error
                raise
        strings = MappedStrings(Path(name), "ids")
        return {strings[position].decode() for position in range(1, len(strings))}
