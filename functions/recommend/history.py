"""A model's input from a profile: positions of items, and the weight of each interaction."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from alsolike.bundle.manifest import HistoryParameters
from alsolike.events.returns import net_weights
from alsolike.profiles.store import RecentInteraction
from alsolike.runtime.struct import struct

_NOTHING = np.zeros(0, np.int64)


@struct
class History:
    """A model's input from a profile.

    Attributes
    ----------
    items
        int64 `(n,)`, positions, oldest first.
    event_weights
        Per interaction, from its event type.
    event_time_ms
        Time of each interaction; empty if weights do not decay.
    indices
        Index of each interaction in the profile.
    returned
        int64 `(m,)`, positions of items that were returned completely; excluded like seen ones.
    """

    items: npt.NDArray[np.int64]
    event_weights: Sequence[float]
    event_time_ms: Sequence[int]
    returned: npt.NDArray[np.int64] = dataclasses.field(default_factory=lambda: _NOTHING)
    indices: Sequence[int] = ()

    @property
    def seen(self) -> npt.NDArray[np.int64]:
        """The positions that are not recommended again if the model excludes seen items."""
        return np.concatenate([self.items, self.returned]) if len(self.returned) else self.items

    def weights(self, parameters: HistoryParameters, *, now_ms: int) -> npt.NDArray[np.float32]:
        """Return the weight of each interaction at `now_ms`: float32 `(n,)`."""
        age_ms = now_ms - np.array(self.event_time_ms, np.int64) if parameters.decays else _NOTHING
        return parameters.weights(np.array(self.event_weights), age_ms)

    def __len__(self) -> int:
        return len(self.items)


NO_HISTORY = History(_NOTHING, (), ())


def known_history(
    recent: Sequence[RecentInteraction],
    positions: npt.NDArray[np.int64],
    *,
    parameters: HistoryParameters,
    items: int,
) -> History:
    """Return the latest interactions whose items and event types a model knows.

    Parameters
    ----------
    positions
        Of their items; 0 and positions after the model's last one are unknown items.
    parameters
        Provides the weights of event types, and the maximum number of interactions.
    items
        Number of items that the model knows.
    """
    weights: list[Any] = [parameters.event_weights.get(entry.event_type) for entry in recent]
    kept: Sequence[int] = range(len(recent))
    places = positions.tolist()
    if None in weights or (places and not 0 < min(places) <= max(places) <= items):
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
        event_time_ms=[recent[index].event_time_ms for index in kept] if parameters.decays else (),
        returned=returned,
        indices=kept,
    )
