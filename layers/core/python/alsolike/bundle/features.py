"""Categorical features of interactions as inputs of a graph, with one code per interaction and feature."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.profiles.profile import RecentInteraction

FEATURE_INPUT = "feature."

EVENT_TYPE = "event_type"
"""Feature with the type of the interaction. All other features are context properties of interactions, or columns of
users.
"""

USER = "user."
"""Prefix of features that are columns of users."""

UserColumns = Callable[[], Mapping[str, Any]]

FeatureCodes = Mapping[str, Mapping[str, int]]
"""Code of each known value, by feature. Unknown values have code 0."""
NO_CODES: FeatureCodes = MappingProxyType({})


def codes_of(features: Mapping[str, Sequence[str]]) -> FeatureCodes:
    return {name: {value: code for code, value in enumerate(values, start=1)} for name, values in features.items()}


def user_value(value: Any) -> str | None:
    return str(value).lower() if isinstance(value, bool) else value if isinstance(value, str) and value else None


def feature_codes(
    recent: Sequence[RecentInteraction], codes: FeatureCodes, *, user: UserColumns
) -> dict[str, npt.NDArray[np.int64]]:
    """Return the codes of the interactions by feature, int64 `(n,)`. `user` is called only if a feature is a column of
    users.
    """
    columns: dict[str, Sequence[str | None]] = {}
    user_features = {name for name in codes if name.startswith(USER)}
    if user_features:
        known = user()
        columns |= {name: [user_value(known.get(name.removeprefix(USER)))] * len(recent) for name in user_features}
    if EVENT_TYPE in codes:
        columns[EVENT_TYPE] = [entry.event_type for entry in recent]
    if names := codes.keys() - user_features - {EVENT_TYPE}:
        contexts = [orjson.loads(entry.context) if entry.context else {} for entry in recent]
        columns |= {name: [context.get(name) for context in contexts] for name in names}
    return {
        name: np.array([codes[name].get(value, 0) if value else 0 for value in values], np.int64)
        for name, values in columns.items()
    }
