"""Reference model: the champion's algorithm, fitted again without ONNX. It verifies the API's rankings."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.bundle import files
from alsolike.bundle.bundle import Bundle
from alsolike.bundle.reranker import Ints, Reranker
from alsolike.catalogue.variants import ProductKey, product_key
from alsolike.configuration.configuration import DEFAULT, PURCHASE
from alsolike.profiles.profile import Profile
from alsolike.registry import champion_pointer_store
from alsolike.runtime.s3 import download
from alsolike.training import dataset
from model_export.export.reference import Reference, fit_reference
from operations.client.deployment import Deployment
from operations.ingest.items_file import read_items

TOLERANCE = 1e-5
"""Relative difference below which scores count as equal, because the ONNX graph sums in another order."""


class ReferenceModel:
    """Ranking of items for a profile by the champion's algorithm and reranker. Variants of a product share one rank.

    `items` are properties by item ID, including items that the model does not contain.
    """

    def __init__(
        self,
        reference: Reference,
        *,
        exclude_seen: bool,
        exclude_bought: bool = False,
        items: Mapping[str, Mapping[str, Any]],
        reranker: Reranker | None = None,
    ) -> None:
        self._reference = reference
        self._reranker = reranker
        self._items = items
        self._exclude_seen, self._exclude_bought = exclude_seen, exclude_bought
        self._index = {item_id: index for index, item_id in enumerate(reference.item_ids)}
        self._cold_products = {self._product(item_id) for item_id in items if not self.knows(item_id)}

    def knows(self, item_id: str) -> bool:
        return item_id in self._index

    def can_rank(self, answered: Sequence[str]) -> bool:
        """Return true if `rank` can score all candidates of a response.

        The reranker compares the candidates with each other, including cold items, which the reference model cannot
        score. A response may also hide a cold item that is a variant of a product in the response.
        """
        return self._reranker is None or all(
            self.knows(item_id) and self._product(item_id) not in self._cold_products for item_id in answered
        )

    def rank(
        self, profile: Profile, *, k: int, now_ms: int, answered: Sequence[str], device: str | None = None
    ) -> list[str]:
        """Return the k best items for a profile at the time `now_ms`. The list is shorter if fewer items have a score.

        Items with equal scores have the order of `answered`, so that a correct response matches exactly. Variants of
        the response's cold items are omitted.
        """
        recent = profile.recent
        scores = self._reference.scores(recent, now_ms=now_ms)
        left_out = {
            self._index[interaction.item_id]
            for interaction in recent
            if interaction.item_id in self._index
            and (self._exclude_seen or (self._exclude_bought and interaction.event_type == PURCHASE))
        }
        scores[list(left_out)] = -np.inf
        answered_rank = {self._index.get(item_id, -1): rank for rank, item_id in enumerate(answered)}
        ranked = _ordered(np.flatnonzero(scores > 0), scores, answered_rank)
        if self._reranker is not None and len(ranked):
            utilities = np.zeros(len(scores))
            utilities[ranked[:k]] = self._reranker.utilities(
                ranked[:k] + 1,
                scores[ranked[:k]],
                history=self._reference.items_of(recent),
                now_ms=now_ms,
                device=device,
            )
            ranked = np.concatenate([_ordered(ranked[:k], utilities, answered_rank), ranked[k:]])
        products = {self._product(item_id) for item_id in answered if not self.knows(item_id)}
        best: dict[ProductKey, str] = {}
        for index in ranked.tolist():
            item_id = self._reference.item_ids[index]
            if (product := self._product(item_id)) not in products:
                best.setdefault(product, item_id)
        return list(best.values())[:k]

    def _product(self, item_id: str) -> ProductKey:
        return product_key(item_id, self._items.get(item_id, {}), by=DEFAULT.variants)


def _ordered(indices: Ints, values: npt.NDArray[np.floating], answered_rank: Mapping[int, int]) -> Ints:
    """Return indices by descending value. Ties have the order of the response."""
    order = indices[np.argsort(-values[indices], kind="stable")]
    descending = values[order]
    ties = np.cumsum(descending[:-1] - descending[1:] > TOLERANCE * np.abs(descending[:-1]))
    ranks = [answered_rank.get(index, math.inf) for index in order.tolist()]
    result: Ints = order[np.lexsort((ranks, [0, *ties][: len(order)]))]
    return result


def fit(deployment: Deployment, version: str, directory: Path, *, items: Path) -> ReferenceModel:
    """Download a version's bundle and dataset into `directory`, and fit its algorithm again."""
    _download(
        deployment,
        champion_pointer_store.model_prefix(version),
        (*files.SERVED_FILES, files.MANIFEST_FILE),
        directory / "model",
    )
    served = Bundle(directory / "model")
    manifest = served.manifest
    names = (dataset.INTERACTIONS_FILE, dataset.ITEMS_FILE, dataset.MANIFEST_FILE)
    _download(deployment, dataset.prefix(manifest.dataset_id), names, directory / "dataset")
    return ReferenceModel(
        fit_reference(manifest, directory / "dataset"),
        exclude_seen=manifest.exclude_seen,
        exclude_bought=manifest.exclude_bought,
        items=read_items(items, columns=DEFAULT.item_columns).properties,
        reranker=served.reranker,
    )


def _download(deployment: Deployment, prefix: str, names: Sequence[str], directory: Path) -> None:
    directory.mkdir(parents=True, exist_ok=True)
    bucket = deployment.names.artefact_bucket
    for name in names:
        download(deployment.client("s3"), bucket, f"{prefix}{name}", directory / name)
