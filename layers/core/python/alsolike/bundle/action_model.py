"""Propensity of a user to take an action: a Bayesian logistic regression over named features.

One model serves all actions. A feature is a constant, an action, a column value of the action or user, a pair of an
action and a user's column value, or a number from the user's history. The weight of each feature has a normal posterior
with a diagonal covariance (Laplace approximation). `recommend` explores by Thompson sampling: it draws the logit of
each action independently from the normal distribution that follows from this posterior (Chapelle and Li, 2011).
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, Self

import numpy as np
import numpy.typing as npt
import orjson

from alsolike.arrays.tensors import map_tensors, write_tensors
from alsolike.declarations.times import DAY_MS
from alsolike.events.action_events import ActionEvent
from alsolike.events.interactions import ACTION_TAKEN, ACTION_VIEWED
from alsolike.runtime.errors import InvalidBundle, InvalidSnapshot
from alsolike.runtime.struct import struct

FORMAT = "alsolike-actions-1"

WINDOW_MS = DAY_MS
"""Maximum time in ms between a view and its outcome, which may also precede the view (`exposures`). A view without an
outcome counts as not taken.
"""

PRIOR_SD = 1.0
"""Standard deviation of the weight of an action without data, in logits."""

USER_PRIOR = 5.0
"""Weight of the overall rate in a user's rate, as a number of exposures."""

MAX_VALUE_CHARACTERS = 100

NOT_CATEGORIES = frozenset({"value", "actionExpirationTimestamp", "repeatFrequency", "creationTimestamp"})

_MAX_LOGIT = 30.0
_HALF_RECENCY_MS = 7 * DAY_MS
_COUNTS = ("taken", "not taken", "recency", "last taken", "user rate", "user shown")

Key = tuple[str, ...]
Floats = npt.NDArray[np.float64]
BIAS: Key = ("bias",)


class Exposure(NamedTuple):
    """Exposure of a user to an action, with its outcome. Tuples sort by `time_ms`.

    Attributes
    ----------
    time_ms
        Time of the outcome, or of the view if no outcome followed.
    known_ms
        Time from which the outcome is known.
    """

    time_ms: int
    action_id: str
    taken: bool
    known_ms: int


def exposures(events: Iterable[ActionEvent], *, now_ms: int) -> list[Exposure]:
    """Return the exposures of one user with known outcomes, in time order.

    Views of an action within `WINDOW_MS` after a view without an outcome are merged with this view.

    A view within `WINDOW_MS` after an outcome also belongs to this outcome, because several outcomes can report the
    same impression, and clients may round times to seconds.
    """
    viewed: dict[str, int] = {}
    decided: dict[str, int] = {}
    found: list[Exposure] = []

    def ignored(action_id: str, view_ms: int) -> None:
        found.append(Exposure(view_ms, action_id, False, view_ms + WINDOW_MS))

    for time_ms, action_id, event_type in sorted(events):
        view_ms = viewed.pop(action_id, None)
        if view_ms is not None and time_ms - view_ms > WINDOW_MS:
            ignored(action_id, view_ms)
            view_ms = None
        if event_type == ACTION_VIEWED:
            if view_ms is not None:
                viewed[action_id] = view_ms
            elif action_id not in decided or time_ms - decided[action_id] > WINDOW_MS:
                viewed[action_id] = time_ms
        else:
            decided[action_id] = time_ms
            found.append(Exposure(time_ms, action_id, event_type == ACTION_TAKEN, time_ms))
    for action_id, view_ms in viewed.items():
        if now_ms - view_ms > WINDOW_MS:
            ignored(action_id, view_ms)
    return sorted(found)


class UserHistory:
    """Counts of the outcomes of one user. `rate` is the `ActionModel.rate`."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._shown, self._taken = 0, 0
        self._counts_by_action: dict[str, tuple[int, int, int, bool]] = {}

    def add(self, exposure: Exposure) -> None:
        shown, taken, last_ms, last_taken = self._counts_by_action.get(exposure.action_id, (0, 0, 0, False))
        if exposure.time_ms >= last_ms:
            last_ms, last_taken = exposure.time_ms, exposure.taken
        self._counts_by_action[exposure.action_id] = (shown + 1, taken + exposure.taken, last_ms, last_taken)
        self._shown += 1
        self._taken += exposure.taken

    def features(self, action_id: str, *, now_ms: int) -> Iterator[tuple[Key, float]]:
        shown, taken, last_ms, last_taken = self._counts_by_action.get(action_id, (0, 0, now_ms, False))
        rate, prior = self._rate, USER_PRIOR
        values = (
            math.log1p(taken),
            math.log1p(shown - taken),
            math.exp2(-max(now_ms - last_ms, 0) / _HALF_RECENCY_MS) if shown else 0.0,
            float(last_taken),
            math.log1p(self._taken / (prior * rate)) - math.log1p((self._shown - self._taken) / (prior * (1 - rate))),
            math.log1p(self._shown),
        )
        return (((name,), value) for name, value in zip(_COUNTS, values, strict=True) if value)


def attributes(properties: Mapping[str, Any]) -> list[tuple[str, str]]:
    """Return the pairs of column and value for booleans and short strings, also in lists, without `NOT_CATEGORIES`."""
    found: list[tuple[str, str]] = []
    for name, value in properties.items():
        if name in NOT_CATEGORIES:
            continue
        for element in value if isinstance(value, list) else (value,):
            text = str(element).lower() if isinstance(element, bool) else element
            if isinstance(text, str) and 0 < len(text) <= MAX_VALUE_CHARACTERS:
                found.append((name, text))
    return found


def attribute_features(
    action_id: str, action_attributes: Sequence[tuple[str, str]], user_attributes: Sequence[tuple[str, str]]
) -> list[Key]:
    """Return the features with the value 1 for a user and an action."""
    return [
        BIAS,
        ("action", action_id),
        *(("of action", *pair) for pair in action_attributes),
        *(("of user", *pair) for pair in user_attributes),
        *(("both", *pair, action_id) for pair in user_attributes),
    ]


@struct
class ActionModel:
    """Fitted model of propensities, or only a rate per action.

    Attributes
    ----------
    rate
        Smoothed share of taken exposures among the exposures of all users, or 0 for a model without data.
    fitted
        True for a fitted regression, false for rates per action and without data.
    weights, sds
        Mean and standard deviation of each weight, float64 `(features,)`.
    """

    rate: float
    fitted: bool
    index: Mapping[Key, int]
    weights: Floats
    sds: Floats

    @classmethod
    def none(cls) -> Self:
        """Return the model without data. Its propensities are 0."""
        return cls(0.0, False, {}, np.zeros(0), np.zeros(0))

    def logits(
        self,
        actions: Sequence[tuple[str, Mapping[str, Any]]],
        *,
        user: Mapping[str, Any],
        events: Iterable[ActionEvent],
        now_ms: int,
    ) -> tuple[Floats, Floats]:
        """Return the logits of the actions' propensities, and their standard deviations, float64 `(actions,)` each."""
        if not self.rate:
            return np.full(len(actions), -_MAX_LOGIT), np.full(len(actions), PRIOR_SD)
        history = UserHistory(self.rate)
        for exposure in exposures(events, now_ms=now_ms):
            history.add(exposure)
        user_attributes = attributes(user)
        means, variances = [], []
        for action_id, properties in actions:
            mean = 0.0
            variance = 0.0 if ("action", action_id) in self.index else PRIOR_SD**2
            ones = ((key, 1.0) for key in attribute_features(action_id, attributes(properties), user_attributes))
            for key, value in (*ones, *history.features(action_id, now_ms=now_ms)):
                if (position := self.index.get(key)) is not None:
                    mean += value * float(self.weights[position])
                    variance += (value * float(self.sds[position])) ** 2
            means.append(mean)
            variances.append(variance)
        return np.clip(means, -_MAX_LOGIT, _MAX_LOGIT), np.sqrt(variances)

    def write(self, path: Path) -> None:
        metadata = {
            "format": FORMAT,
            "rate": repr(self.rate),
            "fitted": str(int(self.fitted)),
            "features": orjson.dumps(list(self.index)).decode(),
        }
        with path.open("wb") as file:
            write_tensors(file, {"weights": self.weights, "sds": self.sds}, metadata=metadata)

    @classmethod
    def read(cls, path: Path) -> Self:
        try:
            arrays, metadata = map_tensors(path, FORMAT)
            rate, keys = float(metadata["rate"]), [tuple(key) for key in orjson.loads(metadata["features"])]
            weights, sds = (np.array(arrays[name]) for name in ("weights", "sds"))
            index = {key: position for position, key in enumerate(keys)}
            if not (len(index) == len(keys) == len(weights) == len(sds)):
                raise ValueError(f"{len(index)} features, {len(weights)} weights and {len(sds)} deviations")
            if {str(weights.dtype), str(sds.dtype)} != {"float64"}:
                raise ValueError(f"types {weights.dtype} and {sds.dtype}, expected float64")
            if not (0 <= rate < 1 and np.isfinite(weights).all() and np.isfinite(sds).all() and (sds >= 0).all()):
                raise ValueError("a rate, weight or deviation is out of range")
        except (InvalidSnapshot, KeyError, TypeError, ValueError) as error:
            raise InvalidBundle(f"{path.name} holds no model of actions: {error!r}") from error
        return cls(rate, metadata.get("fitted") == "1", index, weights, sds)


def propensities(logits: Floats) -> Floats:
    """Return the probability of each logit. The minimum `-_MAX_LOGIT`, the logit of a model without data, gives 0."""
    return np.where(logits <= -_MAX_LOGIT, 0.0, 1 / (1 + np.exp(-logits)))
