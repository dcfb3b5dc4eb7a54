"""Exposures of users to actions with outcomes, as rows of a sparse matrix."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import scipy.sparse as sp

from alsolike.bundle.action_model import (
    Exposure,
    Key,
    UserHistory,
    attribute_features,
    attributes,
    exposures,
)
from alsolike.events.action_events import ActionEvent
from alsolike.runtime.struct import struct
from alsolike.training import dataset
from model_export.data.training_data import properties_by_id, read_table

MAX_SAMPLES = 500_000
"""Approximate maximum number of exposures. If there are more, the earliest are omitted."""

MIN_COUNT = 20
"""Minimum number of exposures with a property value, or a pair of value and action, for a feature of its own."""

MAX_FEATURES = 4_000

Matrix = sp.csr_array
Bools = npt.NDArray[np.bool_]


@struct
class ActionSamples:
    """Exposures with known outcomes, in time order.

    `rate` is the smoothed share of taken exposures in all data. Features of histories are relative to it.
    """

    rows: Sequence[Sequence[tuple[Key, float]]]
    taken: Bools
    action_ids: Sequence[str]
    rate: float

    def __len__(self) -> int:
        return len(self.taken)

    def part(self, begin: int, end: int) -> ActionSamples:
        return ActionSamples(self.rows[begin:end], self.taken[begin:end], self.action_ids[begin:end], self.rate)

    def features(self) -> dict[Key, int]:
        """Return the column of each feature in `matrix`."""
        counts = Counter(key for row in self.rows for key, _ in row)
        kept = [key for key, count in counts.most_common() if count >= MIN_COUNT or not _is_value(key)]
        kept.sort(key=_is_value)  # Values of properties are last, so that the limit removes them first
        return {key: position for position, key in enumerate(kept[:MAX_FEATURES])}

    def matrix(self, features: Mapping[Key, int]) -> Matrix:
        found = [[(features[key], value) for key, value in row if key in features] for row in self.rows]
        ends = np.cumsum([0, *map(len, found)])
        entries = list(itertools.chain.from_iterable(found))
        positions = np.array([position for position, _ in entries], np.int64)
        values = np.array([value for _, value in entries], np.float64)
        return sp.csr_array((values, positions, ends), shape=(len(self), len(features)))


def load_samples(directory: Path, users: Mapping[str, Mapping[str, Any]]) -> ActionSamples | None:
    path = directory / dataset.ACTION_INTERACTIONS_FILE
    if not path.exists():
        return None
    table = read_table(path, dataset.ACTION_INTERACTION_COLUMNS)
    columns = (table[name].to_pylist() for name in dataset.ACTION_INTERACTION_COLUMNS)
    events = [
        (profile, ActionEvent(time_ms, action, type_)) for profile, action, type_, time_ms in zip(*columns, strict=True)
    ]
    actions = properties_by_id(read_table(directory / dataset.ACTIONS_FILE, dataset.ACTION_COLUMNS), "action_id")
    return samples(events, actions=actions, users={f"u#{user_id}": values for user_id, values in users.items()})


def samples(
    events: Iterable[tuple[str, ActionEvent]],
    *,
    actions: Mapping[str, Mapping[str, Any]],
    users: Mapping[str, Mapping[str, Any]],
) -> ActionSamples | None:
    """Return the samples, or None if no exposure has a known outcome. `users` are properties by profile ID."""
    by_user: dict[str, list[ActionEvent]] = {}
    for profile, event in events:
        by_user.setdefault(profile, []).append(event)
    now_ms = max((event.event_time_ms for own in by_user.values() for event in own), default=0)
    exposures_by_user = {profile: exposures(own, now_ms=now_ms) for profile, own in sorted(by_user.items())}
    times = sorted(itertools.chain.from_iterable((one.time_ms for one in own) for own in exposures_by_user.values()))
    if not times:
        return None
    min_ms = times[-MAX_SAMPLES] if len(times) > MAX_SAMPLES else times[0]
    taken = sum(one.taken for own in exposures_by_user.values() for one in own)
    rate = (taken + 1) / (len(times) + 2)
    attributes_by_action = {action_id: attributes(properties) for action_id, properties in actions.items()}
    found = [
        (exposure.time_ms, profile, exposure, row)
        for profile, own in exposures_by_user.items()
        for exposure, row in _rows(own, rate, attributes_by_action, attributes(users.get(profile, {})))
        if exposure.time_ms >= min_ms
    ]
    found.sort(key=lambda entry: entry[:3])
    return ActionSamples(
        [row for *_, row in found],
        np.array([exposure.taken for _, _, exposure, _ in found], np.bool_),
        [exposure.action_id for _, _, exposure, _ in found],
        rate,
    )


def _rows(
    own: Sequence[Exposure],
    rate: float,
    attributes_by_action: Mapping[str, Sequence[tuple[str, str]]],
    user_attributes: Sequence[tuple[str, str]],
) -> Iterator[tuple[Exposure, list[tuple[Key, float]]]]:
    """Compute features of the history only from outcomes that are known at the exposure."""
    history = UserHistory(rate)
    known = iter(sorted(own, key=lambda exposure: exposure.known_ms))
    following = next(known, None)
    for exposure in own:
        while following is not None and following.known_ms < exposure.time_ms:
            history.add(following)
            following = next(known, None)
        action_id = exposure.action_id
        ones = attribute_features(action_id, attributes_by_action.get(action_id, ()), user_attributes)
        yield (
            exposure,
            [*((key, 1.0) for key in ones), *history.features(action_id, now_ms=exposure.time_ms)],
        )


def _is_value(key: Key) -> bool:
    return len(key) > 2
