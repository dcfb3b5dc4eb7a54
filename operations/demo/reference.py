"""The reference model: the champion's algorithm, fitted again without ONNX, to compare the API's answers with."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from alsolike.bundle import bundle
from alsolike.bundle.bundle import Bundle
from alsolike.profiles.store import Profile
from alsolike.registry import registry
from alsolike.runtime.s3 import download
from alsolike.training import dataset
from model_export.export.reference import Reference, fit_reference
from operations.client.deployment import Deployment

TOLERANCE = 1e-5
"""Relative difference below which scores are equal: the graph sums in another order."""


class ReferenceModel:
    """Ranking of items for a profile by the champion's algorithm."""

    def __init__(self, reference: Reference, *, exclude_seen: bool) -> None:
        self._reference = reference
        self._exclude_seen = exclude_seen
        self._index = {item_id: index for index, item_id in enumerate(reference.item_ids)}

    def knows(self, item_id: str) -> bool:
        """Return whether the model has the item."""
        return item_id in self._index

    def rank(self, profile: Profile, *, k: int, now_ms: int, answered: Sequence[str]) -> list[str]:
        """Return the k best items for a profile at the time `now_ms`; fewer if no other item has a score.

        Items of equal score come in the order of `answered`, so that a correct answer agrees exactly.
        """
        recent = profile.recent
        scores = self._reference.scores(
            [interaction.item_id for interaction in recent],
            [interaction.event_type for interaction in recent],
            [now_ms - interaction.event_time_ms for interaction in recent],
        )
        seen = {self._index[interaction.item_id] for interaction in recent if interaction.item_id in self._index}
        if self._exclude_seen:
            scores[list(seen)] = -np.inf
        order = np.argsort(-scores, kind="stable")
        order = order[scores[order] > 0]
        answered_rank = {self._index.get(item_id, -1): rank for rank, item_id in enumerate(answered)}
        ties = _ties(scores[order])
        ranked = sorted(
            zip(ties.tolist(), order.tolist(), strict=True),
            key=lambda entry: (entry[0], answered_rank.get(entry[1], len(answered))),
        )
        return [self._reference.item_ids[index] for _, index in ranked[:k]]


def _ties(descending: npt.NDArray[np.float32]) -> npt.NDArray[np.int64]:
    """Number the groups of equal scores, best group first."""
    apart = descending[:-1] - descending[1:] > TOLERANCE * np.abs(descending[:-1])
    return np.concatenate([[0], np.cumsum(apart)]).astype(np.int64)


def fit(deployment: Deployment, version: str, directory: Path) -> ReferenceModel:
    """Download a version's bundle and dataset into `directory`, verify the bundle and fit its algorithm again.

    Raises
    ------
    InvalidBundle
        If the bundle differs from its manifest.
    """
    _download(
        deployment, registry.model_prefix(version), (*bundle.SERVED_FILES, bundle.MANIFEST_FILE), directory / "model"
    )
    manifest = Bundle(directory / "model").manifest
    names = (dataset.INTERACTIONS_FILE, dataset.ITEMS_FILE, dataset.MANIFEST_FILE)
    _download(deployment, dataset.prefix(manifest.dataset_id), names, directory / "dataset")
    return ReferenceModel(fit_reference(manifest, directory / "dataset"), exclude_seen=manifest.exclude_seen)


def _download(deployment: Deployment, prefix: str, names: Sequence[str], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    bucket = deployment.names.artefact_bucket
    for name in names:
        download(deployment.client("s3"), bucket, f"{prefix}{name}", directory / name)
