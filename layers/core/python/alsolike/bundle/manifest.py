"""Manifest of a model bundle, `manifest.json`. This module does not import numpy."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping, Sequence
from typing import Any

import orjson

from alsolike.bundle.files import LATER_FILES, MANIFEST_FILE
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.struct import struct
from alsolike.training.stability_index import Histogram

FORMAT_VERSION = 1
LATER_FIELDS = frozenset({"exclude_bought", "top_scores"})
"""Optional fields, which manifests of earlier versions lack."""

_JSON_TYPES = {
    "version": str,
    "algorithm": str,
    "items": int,
    "exclude_seen": bool,
    "dataset_id": str,
    "last_event_ms": int,
    "created_ms": int,
    "code_version": str,
    "metrics": dict,
    "files": dict,
}


@struct
class HistoryParameters:
    """Parameters that convert a history to the graph's inputs `history`, `weights` and features.

    Attributes
    ----------
    length
        Maximum number of interactions in a history. The latest are kept.
    half_life_days
        Age at which the weight of an interaction is halved. Infinity for no decay, null in JSON.
    event_weights
        Weight by canonical event type, below 0 for returns. Missing types have weight 0.
    features
        Known values by feature of the graph. Their codes are numbered from 1.
    """

    length: int
    half_life_days: float
    event_weights: Mapping[str, float]
    features: Mapping[str, Sequence[str]] = dataclasses.field(default_factory=dict)

    def __post_init__(self) -> None:
        if type(self.length) is not int or self.length < 1:
            raise ValueError(f"length is {self.length!r}, expected at least 1")
        if not self.half_life_days > 0:
            raise ValueError(f"half_life_days is {self.half_life_days!r}, expected more than 0")
        for event_type, weight in self.event_weights.items():
            if not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ValueError(f"the weight of {event_type} is {weight!r}, expected a number")


def _fields(described: HistoryParameters | Manifest) -> dict[str, Any]:
    return {field.name: getattr(described, field.name) for field in dataclasses.fields(described)}


@struct
class Manifest:
    """Manifest of a bundle.

    Attributes
    ----------
    version
        Model version, which is the ID of the training run.
    exclude_seen
        True if items of the history are not recommended.
    exclude_bought
        True if purchased items of the history are not recommended. False in bundles of earlier versions.
    last_event_ms
        Time of the latest training interaction.
    metrics
        Results of the training. `candidates` has the hold-out results of each algorithm: hr, ndcg, mrr and more.
    files
        SHA-256 and size in bytes of each file in the bundle except the manifest.
    top_scores
        Distribution of the best score per list, for recently active users at their last interaction. None in bundles of
        earlier versions.
    """

    version: str
    algorithm: str
    items: int
    history: HistoryParameters
    exclude_seen: bool
    dataset_id: str
    last_event_ms: int
    created_ms: int
    code_version: str
    metrics: Mapping[str, Any]
    files: Mapping[str, Mapping[str, Any]] = dataclasses.field(default_factory=dict)
    exclude_bought: bool = False
    top_scores: Histogram | None = None
    format_version: int = FORMAT_VERSION

    def files_of(self, names: Sequence[str]) -> list[str]:
        return [name for name in names if name in self.files or name not in LATER_FILES]

    def to_json(self) -> bytes:
        """Return the manifest as indented JSON, with null for infinity."""
        option = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS | orjson.OPT_SERIALIZE_NUMPY
        history = _fields(self.history)
        if not history["features"]:
            del history["features"]
        return orjson.dumps({**_fields(self), "history": history}, default=dict, option=option)

    @classmethod
    def from_json(cls, data: bytes) -> Manifest:
        try:
            document: dict[str, Any] = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidBundle(f"{MANIFEST_FILE} is not JSON: {error}") from error
        if not isinstance(document, dict) or document.get("format_version") != FORMAT_VERSION:
            version = document.get("format_version") if isinstance(document, dict) else type(document).__name__
            raise InvalidBundle(f"{MANIFEST_FILE} has format_version {version!r}, expected {FORMAT_VERSION}")
        names = {field.name for field in dataclasses.fields(cls)}
        if missing := names - document.keys() - LATER_FIELDS:
            raise InvalidBundle(f"{MANIFEST_FILE} misses {', '.join(sorted(missing))}")
        values = {name: document[name] for name in names & document.keys()}
        for name, kind in _JSON_TYPES.items():
            if type(values[name]) is not kind:
                raise InvalidBundle(f"{MANIFEST_FILE} has {name} {values[name]!r}, expected {kind.__name__}")
        try:
            history = dict(values["history"])
            if history["half_life_days"] is None:
                history["half_life_days"] = float("inf")
            history["event_weights"] = dict(history["event_weights"])
            history["features"] = {name: tuple(known) for name, known in dict(history.get("features", {})).items()}
            values["history"] = HistoryParameters(**history)
        except (KeyError, TypeError, ValueError) as error:
            raise InvalidBundle(f"{MANIFEST_FILE} has an unreadable history: {error}") from error
        if values.get("top_scores") is not None:
            try:
                values["top_scores"] = Histogram.from_document(values["top_scores"])
            except (KeyError, TypeError, ValueError) as error:
                raise InvalidBundle(f"{MANIFEST_FILE} has unreadable top_scores: {error}") from error
        return cls(**values)
