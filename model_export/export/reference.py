"""Reference model: the settings of a bundle's manifest, fitted again on its dataset, without ONNX.

A bundle does not hold its model, only graphs that were checked against it. Fitting again from the settings in the
manifest gives the very model, so that an answer of the running service can be compared with the algorithm itself.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.bundle.bundle import ages, history_weights
from alsolike.bundle.features import UserColumns, codes_of, feature_codes
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.bundle.reranker import Ints
from alsolike.events.returns import net_weights
from alsolike.profiles.profile import RecentInteraction
from alsolike.runtime.errors import InvalidBundle
from model_export.algorithms import known
from model_export.api import Algorithm, Model
from model_export.data.interactions import Floats, Histories
from model_export.data.training_data import load
from model_export.evaluation.fit_cache import fitted


def document(settings: Algorithm) -> dict[str, Any]:
    """Return settings as JSON: the algorithm's name and every field, combined algorithms nested."""
    fields = {field.name: _encode(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    return {"algorithm": settings.name, **fields}


def settings_from(described: Mapping[str, Any]) -> Algorithm:
    """Read what `document` wrote.

    Raises
    ------
    InvalidBundle
        If the algorithm or a setting is unknown here.
    """
    fields = dict(described)
    name = fields.pop("algorithm", None)
    try:
        return dataclasses.replace(known()[name], **{field: _decode(value) for field, value in fields.items()})
    except (KeyError, TypeError) as error:
        raise InvalidBundle(f"the settings of algorithm {name!r} cannot be read: {error}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    """A model with the ids of its items and the way it reads a history."""

    model: Model
    item_ids: Sequence[str]
    history: HistoryParameters

    def scores(self, recent: Sequence[RecentInteraction], *, now_ms: int, user: UserColumns = dict) -> Floats:
        """Score every item for one history, oldest first; unknown items are left out.

        Returns
        -------
        float32 `(items,)`, in the order of `item_ids`.
        """
        kept, items, left = self._known(recent)
        age_ms = now_ms - np.array([entry.event_time_ms for entry in kept], np.int64)
        features = feature_codes(kept, codes_of(self.history.features), user=user)
        histories = Histories(
            items=items[None, :],
            weights=history_weights(self.history, left, age_ms)[None, :],
            ages=ages(age_ms)[None, :],
            features={name: codes[None, :] for name, codes in features.items()},
        )
        return self.model.score(histories)[0, 1:]

    def items_of(self, recent: Sequence[RecentInteraction]) -> Ints:
        """Return the positions of the items that the model reads of a history, int64 `(n,)`."""
        return self._known(recent)[1]

    def _known(
        self, recent: Sequence[RecentInteraction]
    ) -> tuple[list[RecentInteraction], Ints, npt.NDArray[np.float64]]:
        """Return the latest interactions that count, their items and their weights after returns."""
        position = {item_id: index for index, item_id in enumerate(self.item_ids, start=1)}
        known = [entry for entry in recent if entry.item_id in position]
        items = np.array([position[entry.item_id] for entry in known], np.int64)
        left = net_weights(items, np.array([self.history.event_weights[entry.event_type] for entry in known]))
        latest = np.flatnonzero(left)[-self.history.length :]
        return [known[place] for place in latest], items[latest], left[latest]


def fit_reference(manifest: Manifest, dataset: Path) -> Reference:
    """Fit the model of a manifest again.

    Parameters
    ----------
    dataset
        The directory of the dataset that the manifest names.

    Raises
    ------
    InvalidBundle
        If the manifest's settings cannot be read or the dataset is another one.
    """
    data = load(dataset).by_frequency()
    if data.dataset_id != manifest.dataset_id:
        raise InvalidBundle(f"{dataset} is dataset {data.dataset_id}, the model was trained on {manifest.dataset_id}")
    model = fitted(settings_from(manifest.metrics["settings"]), data.interactions)
    return Reference(model, data.item_ids, manifest.history)


def _encode(value: Any) -> Any:
    if isinstance(value, Algorithm):
        return document(value)
    if isinstance(value, tuple):
        return [_encode(element) for element in value]
    if isinstance(value, float) and math.isinf(value):
        return None  # JSON has no infinity; no setting is None
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return settings_from(value)
    if isinstance(value, list):
        return tuple(_decode(element) for element in value)
    return math.inf if value is None else value
