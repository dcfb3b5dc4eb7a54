"""Reference model: the algorithm of a bundle, fitted again on its dataset with the settings of its manifest.

A bundle contains only ONNX graphs, not the model. Because fits are deterministic, responses of the service can be
compared with the scores of the algorithm.
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
    """Return settings as JSON values: the algorithm's name and all fields, with combined algorithms nested."""
    fields = {field.name: _encode(getattr(settings, field.name)) for field in dataclasses.fields(settings)}
    return {"algorithm": settings.name, **fields}


def settings_from(described: Mapping[str, Any]) -> Algorithm:
    """Return the settings of a result of `document`."""
    fields = dict(described)
    name = fields.pop("algorithm", None)
    try:
        return dataclasses.replace(known()[name], **{field: _decode(value) for field, value in fields.items()})
    except (KeyError, TypeError) as error:
        raise InvalidBundle(f"the settings of algorithm {name!r} cannot be read: {error}") from error


@dataclasses.dataclass(frozen=True, slots=True)
class Reference:
    model: Model
    item_ids: Sequence[str]
    history: HistoryParameters

    def scores(self, recent: Sequence[RecentInteraction], *, now_ms: int, user: UserColumns = dict) -> Floats:
        """Score every item for a history, oldest first. Unknown items of the history are ignored.

        Returns
        -------
        numpy.ndarray
            Scores in the order of `item_ids`, float32 `(items,)`.
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
        """Return the positions of those items in a history that the model uses, int64 `(n,)`."""
        return self._known(recent)[1]

    def _known(
        self, recent: Sequence[RecentInteraction]
    ) -> tuple[list[RecentInteraction], Ints, npt.NDArray[np.float64]]:
        """Return the latest interactions with known items, the items, and the weights after subtraction of returns."""
        position = {item_id: index for index, item_id in enumerate(self.item_ids, start=1)}
        known = [entry for entry in recent if entry.item_id in position]
        items = np.array([position[entry.item_id] for entry in known], np.int64)
        left = net_weights(items, np.array([self.history.event_weights[entry.event_type] for entry in known]))
        latest = np.flatnonzero(left)[-self.history.length :]
        return [known[place] for place in latest], items[latest], left[latest]


def fit_reference(manifest: Manifest, dataset: Path) -> Reference:
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
        return None  # JSON has no infinity. It is stored as None, because no setting has the value None.
    return value


def _decode(value: Any) -> Any:
    if isinstance(value, Mapping):
        return settings_from(value)
    if isinstance(value, list):
        return tuple(_decode(element) for element in value)
    return math.inf if value is None else value
