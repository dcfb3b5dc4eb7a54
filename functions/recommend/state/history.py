"""The history of a request: a model's input from a profile."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.bundle.bundle import ages, history_weights
from alsolike.bundle.features import NO_CODES, FeatureCodes, UserColumns, feature_codes
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.configuration.configuration import PURCHASE
from alsolike.events.returns import net_weights
from alsolike.profiles.profile import RecentInteraction
from alsolike.runtime.struct import struct

_NOTHING = np.zeros(0, np.int64)


@struct
class History:
    """A model's input from a profile.

    Attributes
    ----------
    items
        Positions, oldest first, int64 `(n,)`.
    event_weights
        Weight of each interaction by its event type.
    event_time_ms
        Time of each interaction in epoch milliseconds.
    indices
        Index of each interaction in the profile.
    features
        Codes of the features that the model reads, by name, int64 `(n,)`.
    returned
        Positions of items whose purchases were all returned, int64 `(m,)`. They are excluded like seen items.
    unknown
        Positions after the model's last position, int64 `(m,)`. They are excluded like seen items.
    bought
        Positions of purchased items, int64 `(m,)`, including unknown and returned items.
    """

    items: npt.NDArray[np.int64]
    event_weights: Sequence[float]
    event_time_ms: Sequence[int]
    returned: npt.NDArray[np.int64] = dataclasses.field(default_factory=lambda: _NOTHING)
    unknown: npt.NDArray[np.int64] = dataclasses.field(default_factory=lambda: _NOTHING)
    bought: npt.NDArray[np.int64] = dataclasses.field(default_factory=lambda: _NOTHING)
    indices: Sequence[int] = ()
    features: Mapping[str, npt.NDArray[np.int64]] = dataclasses.field(default_factory=dict)

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """Positions that lists exclude if the model excludes seen items."""
        return np.concatenate([self.items, self.returned]) if len(self.returned) else self.items

    def left_out(self, manifest: Manifest) -> npt.NDArray[np.int64]:
        """Return the positions that the manifest excludes from lists, including positions of unknown items."""
        if manifest.exclude_seen:
            return np.concatenate([self.seen, self.unknown]) if len(self.unknown) else self.seen
        return self.bought if manifest.exclude_bought else _NOTHING

    def weights(self, parameters: HistoryParameters, *, now_ms: int) -> npt.NDArray[np.float32]:
        """Return the weight of each interaction at `now_ms`: float32 `(n,)`."""
        age_ms = now_ms - np.array(self.event_time_ms, np.int64)
        return history_weights(parameters, np.array(self.event_weights), age_ms)

    def ages(self, *, now_ms: int) -> npt.NDArray[np.float32]:
        """Return the age of each interaction at `now_ms` in days: float32 `(n,)`."""
        return ages(now_ms - np.array(self.event_time_ms, np.int64))

    def __len__(self) -> int:
        return len(self.items)


NO_HISTORY = History(_NOTHING, (), ())


def bought_positions(recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Return the positions of purchased items, without position 0."""
    purchases = np.array([entry.event_type == PURCHASE for entry in recent], bool)
    return positions[purchases & (positions > 0)]


def known_history(
    recent: Sequence[RecentInteraction],
    positions: npt.NDArray[np.int64],
    *,
    parameters: HistoryParameters,
    items: int,
    codes: FeatureCodes = NO_CODES,
    user: UserColumns = dict,
) -> History:
    """Return the latest interactions whose items and event types the model contains.

    Parameters
    ----------
    positions
        Positions of the interactions' items. 0 and positions after the model's last one are unknown items.
    parameters
        Parameters with the weights of event types, and the maximum number of interactions.
    items
        Number of items in the model.
    codes
        Code of each value, by feature that the model reads.
    user
        Function that returns the user's columns. Called only if the model reads them.
    """
    weights: list[Any] = [parameters.event_weights.get(entry.event_type) for entry in recent]
    kept: Sequence[int] = range(len(recent))
    unknown = _NOTHING
    bought = bought_positions(recent, positions)
    places = positions.tolist()
    if None in weights or (places and not 0 < min(places) <= max(places) <= items):
        counted = np.array([weight is not None for weight in weights], bool)
        unknown = positions[counted & (positions > items)]
        kept = [
            index
            for index, (weight, place) in enumerate(zip(weights, places, strict=True))
            if weight is not None and 0 < place <= items
        ]
        weights, positions = [weights[index] for index in kept], positions[kept]
    returned = _NOTHING
    if weights and min(weights) < 0:
        rest = net_weights(positions, np.array(weights, np.float64)).tolist()
        left = [number for number, weight in enumerate(rest) if weight > 0]
        returned = np.setdiff1d(positions, positions[left])
        kept, weights, positions = [kept[n] for n in left], [rest[n] for n in left], positions[left]
    kept = kept[-parameters.length :]
    return History(
        items=positions[-parameters.length :],
        event_weights=weights[-parameters.length :],
        event_time_ms=[recent[index].event_time_ms for index in kept],
        returned=returned,
        unknown=unknown,
        bought=bought,
        indices=kept,
        features=feature_codes([recent[index] for index in kept], codes, user=user) if codes else {},
    )
