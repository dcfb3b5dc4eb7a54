"""The champion run here, in this process, on a given history: what the API's answers are compared with."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from alsolike import registry
from alsolike.bundle import FILES, GRAPH_FILE, MANIFEST_FILE, Bundle
from alsolike.profiles import Profile
from cli.aws import asking
from cli.deployment import Deployment
from model_export.interactions import Histories
from model_export.onnx_file import open_session, recommend

_NOTHING = np.zeros((1, 1), np.int64)


class ReferenceModel:
    """A bundle opened without any of the serving code; training compared its graph with the fitted model itself."""

    def __init__(self, directory: Path) -> None:
        self.bundle = Bundle(directory)
        self._session = open_session(directory / GRAPH_FILE)

    def rank(self, profile: Profile, *, k: int, now_ms: int) -> list[str]:
        """Return the k best items for what a profile holds, asked at `now_ms`."""
        manifest = self.bundle.manifest
        weight = manifest.history.event_weights
        kept = [
            (position, weight[recent.event_type], now_ms - recent.event_time_ms)
            for recent, position in zip(profile.recent, self._positions(profile), strict=True)
            if position and recent.event_type in weight
        ][-manifest.history.length :]
        if not kept:
            return [self.bundle.item_id(position) for position in self.bundle.popular[:k].tolist()]
        items, event_weights, ages = (np.array(column) for column in zip(*kept, strict=True))
        histories = Histories(
            items=items.astype(np.int64)[None, :], weights=manifest.history.weights(event_weights, ages)[None, :]
        )
        best, _ = recommend(
            self._session, histories, exclude=histories.items if manifest.exclude_seen else _NOTHING, k=k
        )
        return [self.bundle.item_id(position) for position in best[0].tolist() if position]

    def _positions(self, profile: Profile) -> Iterator[int]:
        yield from self.bundle.positions([recent.item_id for recent in profile.recent]).tolist()


def download(deployment: Deployment, version: str, directory: Path) -> ReferenceModel:
    """Download a version's bundle into `directory`, verify it, and open it.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    InvalidBundle
        If the bundle is not what its manifest says.
    """
    directory.mkdir(parents=True, exist_ok=True)
    bucket, prefix = deployment.names.artefact_bucket, registry.model_prefix(version)
    for name in (*FILES, MANIFEST_FILE):
        with asking(f"s3://{bucket}/{prefix}{name}"):
            deployment.client("s3").download_file(bucket, f"{prefix}{name}", str(directory / name))
    return ReferenceModel(directory)
