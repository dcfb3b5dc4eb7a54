"""Loaded model, the history that it reads, and the time budget of a request."""

from __future__ import annotations

import collections
import dataclasses
import functools
import itertools
import time
from collections.abc import Callable, Iterable, Mapping, Sequence, Set
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime
from onnxruntime.capi.onnxruntime_pybind11_state import (
    Fail,
    InvalidArgument,
    InvalidGraph,
    InvalidProtobuf,
    NoSuchFile,
    NotImplemented,
    RuntimeException,
)

from alsolike.bundle.bundle import Bundle, ages, history_weights
from alsolike.bundle.features import FEATURE_INPUT, NO_CODES, FeatureCodes, UserColumns, codes_of, feature_codes
from alsolike.bundle.files import BIAS_GRAPH_FILE, GRAPH_FILE
from alsolike.bundle.graph_tables import open_session, open_tables
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.configuration.configuration import HISTORY_LENGTH, PURCHASE
from alsolike.declarations.degraded_reasons import MODEL_SLOW
from alsolike.events.returns import net_weights
from alsolike.profiles.profile import RecentInteraction
from alsolike.records.served_response import FILLED, RANKED
from alsolike.runtime.errors import InvalidBundle
from alsolike.runtime.struct import struct
from functions.recommend.scored_item import ScoredItem

GRAPH_ERRORS = (
    Fail, InvalidArgument, InvalidBundle, InvalidGraph, InvalidProtobuf, MemoryError, NoSuchFile, NotImplemented,
    RuntimeException,
)  # fmt: skip
SAMPLED_HISTORY, SAMPLED_ITEMS = 10, 100
"""Number of items in the history, and number of items in the list of `Model.ranked_sample`."""

_NONE = np.zeros((1, 1), np.int64)
_NOTHING = np.zeros(0, np.int64)
_OUTPUTS = ("items", "scores")
_REMEMBERED_RUNS = 9
_BATCH_ABLATED, _ABLATED_PLACES = 16, 4_000_000
"""Maximum number of histories, and of pairs of positions, in one run of a graph by `Model.ablation_scores`.

Some graphs compare all positions of a history pairwise, with 16 bytes per pair.
"""

Mask = npt.NDArray[np.float32]
"""Mask by position, float32: 0 for an allowed item, -inf for an excluded item. It is the graph's input `bias`."""

ColdFilling = Callable[[int, Set[int]], list[int]]
"""Function of a maximum number and of excluded positions that returns positions of cold items; see
`ModelCatalogue.cold_filling`."""


UNLIMITED = 0
ALWAYS = 10
"""Steps that are expected to take at most 1 / ALWAYS of the budget always run, because skipping them would save little.
"""


class Budget:
    """Time budget of a request, from its start.

    `limit_ms` is 0 for no limit. `clock` returns seconds.
    """

    def __init__(self, limit_ms: float, *, clock: Callable[[], float] = time.perf_counter) -> None:
        self._limit_ms = limit_ms
        self._clock = clock
        self._start = clock()

    def allows(self, expected_ms: float) -> bool:
        if not self._limit_ms or expected_ms * ALWAYS <= self._limit_ms:
            return True
        return self.took_ms + expected_ms <= self._limit_ms

    @property
    def took_ms(self) -> float:
        return (self._clock() - self._start) * 1000


@struct
class History:
    """A model's input from a profile.

    Attributes
    ----------
    items
        Positions, oldest first, int64 `(n,)`.
    indices
        Index of each interaction in the profile.
    features
        Codes of the features that the model reads, by name, int64 `(n,)`.
    returned
        Positions of items without a remaining interaction after returns, int64 `(m,)`. They are excluded like seen
        items.
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
        """Model positions of the items in the history and of returned items."""
        return np.concatenate([self.items, self.returned]) if len(self.returned) else self.items

    def left_out(self, manifest: Manifest) -> npt.NDArray[np.int64]:
        """Return the positions that the manifest excludes from lists, including positions of unknown items."""
        if manifest.exclude_seen:
            return np.concatenate([self.seen, self.unknown]) if len(self.unknown) else self.seen
        return self.bought if manifest.exclude_bought else _NOTHING

    def weights(self, parameters: HistoryParameters, *, now_ms: int) -> npt.NDArray[np.float32]:
        age_ms = now_ms - np.array(self.event_time_ms, np.int64)
        return history_weights(parameters, np.array(self.event_weights), age_ms)

    def ages(self, *, now_ms: int) -> npt.NDArray[np.float32]:
        """Return the age of each interaction in days."""
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
    """Return the latest interactions whose items and event types the model contains, without returned purchases.

    Unknown items have the position 0 or a position after `items`, the model's last position. `user` returns the user's
    columns, and is called only if the model reads user columns.
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


class Model:
    """Bundle whose graphs are opened and were run once."""

    def __init__(self, directory: Path) -> None:
        """Raise `InvalidBundle` if the bundle is unreadable, or a graph does not run."""
        self.bundle = Bundle(directory, verify=False)
        self.version = self.bundle.manifest.version
        self._run_ms: dict[str, collections.deque[float]] = {}
        # Both graphs share the tables, so the tables are mapped only once.
        self._tables = open_tables(onnxruntime, directory)
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}
        self._has_ages = False
        self._codes = codes_of(self.bundle.manifest.history.features)
        for name in (GRAPH_FILE, BIAS_GRAPH_FILE):
            try:
                self._open(name)
            except InvalidBundle:
                raise
            except Exception as error:  # Errors of ONNX Runtime have no common base class.
                raise InvalidBundle(f"{name} of {self.version} does not run: {error}") from error

    def _open(self, name: str) -> None:
        """Open a graph and run it once with the longest history, so that a faulty or too large graph never serves."""
        length = min(self.bundle.manifest.history.length, HISTORY_LENGTH)
        feed: dict[str, npt.NDArray[Any]] = {
            "history": np.ones((1, length), np.int64),
            "weights": np.ones((1, length), np.float32),
            "exclude": _NONE,
            "k": np.ones(1, np.int64),
        }
        if name == BIAS_GRAPH_FILE:
            feed["bias"] = np.zeros(self.bundle.manifest.items + 1, np.float32)
        session = self._sessions[name] = open_session(onnxruntime, self.bundle.directory / name, self._tables)
        self._has_ages |= any(declared.name == "ages" for declared in session.get_inputs())
        longest = History(feed["history"][0], [1.0] * length, [0] * length)
        for input_name, values in self._optional_inputs(longest, now_ms=0).items():
            feed[input_name] = values[None, :]
        self._run(name, feed)
        self._run_ms[name] = collections.deque(maxlen=_REMEMBERED_RUNS)

    def _run(
        self, name: str, feed: Mapping[str, npt.NDArray[Any]]
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return positions and scores, shape `(len(history), at most k)`. Position 0 means no item.

        Raise `InvalidBundle` for invalid results. ONNX Runtime raises the other `GRAPH_ERRORS`.
        """
        items, scores = self._sessions[name].run(_OUTPUTS, feed)
        rows, k = len(feed["history"]), int(feed["k"][0])
        if items.dtype != np.int64 or items.shape != scores.shape or items.ndim != 2 or items.shape[0] != rows:
            raise InvalidBundle(
                f"{name} returns {items.dtype} {items.shape}, scores {scores.shape} for {rows} histories"
            )
        if items.shape[1] > k:
            raise InvalidBundle(f"{name} returns {items.shape[1]} items, expected at most {k}")
        known = items != 0
        if not (0 <= items.min(initial=0) <= items.max(initial=0) <= self.bundle.manifest.items):
            raise InvalidBundle(f"{name} returns positions {items.min()} to {items.max()}")
        if not np.isfinite(scores[known]).all():
            raise InvalidBundle(f"{name} returns a score that is not a number")
        return items, scores

    def history(
        self, recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64], *, user: UserColumns = dict
    ) -> History:
        manifest = self.bundle.manifest
        return known_history(
            recent, positions, parameters=manifest.history, items=manifest.items, codes=self._codes, user=user
        )

    def _optional_inputs(self, history: History, *, now_ms: int) -> dict[str, npt.NDArray[Any]]:
        """Return the inputs that only some graphs read, each `(n,)`."""
        inputs: dict[str, npt.NDArray[Any]] = {"ages": history.ages(now_ms=now_ms)} if self._has_ages else {}
        for name in self._codes:
            codes = history.features.get(name)
            inputs[f"{FEATURE_INPUT}{name}"] = np.zeros(len(history), np.int64) if codes is None else codes
        return inputs

    def expected_ms(self, *, with_bias: bool) -> float:
        """Return the expected duration of a run in ms: the minimum of the remembered runs, or 0 if there are none.

        The minimum excludes delays by other processes.
        """
        return min(self._run_ms[BIAS_GRAPH_FILE if with_bias else GRAPH_FILE], default=0.0)

    def delay(self, budget: Budget, *, masked: bool) -> tuple[str, ...]:
        """Return an empty tuple if there is time for a run. Otherwise forget the oldest duration and return the reason.

        So the model runs again after several skipped runs.
        """
        if budget.allows(self.expected_ms(with_bias=masked)):
            return ()
        runs = self._run_ms[BIAS_GRAPH_FILE if masked else GRAPH_FILE]
        if runs:
            runs.popleft()
        return (MODEL_SLOW,)

    def rank(
        self, history: History, *, k: int, now_ms: int, bias: Mask | None = None, leave_out_seen: bool | None = None
    ) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float32]]:
        """Return positions and scores of the k best items for a history of at least one interaction, best first.

        `bias` excludes items. If `leave_out_seen` is None, the manifest decides whether seen or purchased items are
        excluded. The list has fewer than k items if fewer items have a score and are not excluded.
        """
        manifest = self.bundle.manifest
        if leave_out_seen is None:
            left_out = history.left_out(manifest)
            left_out = left_out[left_out <= manifest.items]
        else:
            left_out = history.seen if leave_out_seen else NO_HISTORY.items
        feed: dict[str, npt.NDArray[Any]] = {
            "history": history.items[None, :],
            "weights": history.weights(manifest.history, now_ms=now_ms)[None, :],
            "exclude": left_out[None, :] if len(left_out) else _NONE,
            "k": np.array([k], np.int64),
        }
        for input_name, values in self._optional_inputs(history, now_ms=now_ms).items():
            feed[input_name] = values[None, :]
        name = GRAPH_FILE
        if bias is not None:
            feed["bias"], name = bias, BIAS_GRAPH_FILE
        start = time.perf_counter()
        positions, scores = self._run(name, feed)
        self._run_ms[name].append((time.perf_counter() - start) * 1000)
        known = positions[0] != 0
        return positions[0, known], scores[0, known]

    @functools.cached_property
    def ranked_sample(self) -> Sequence[int]:
        """Positions of the best items for a history of the most popular items. Empty if the model fails."""
        popular = self.bundle.popular[:SAMPLED_HISTORY].astype(np.int64)
        if not len(popular):
            return ()
        history = History(popular, [1.0] * len(popular), [0] * len(popular))
        try:
            positions, _ = self.rank(history, k=SAMPLED_ITEMS, now_ms=0)
        except GRAPH_ERRORS:
            return ()
        sample: list[int] = positions.tolist()
        return sample

    def ablation_scores(
        self, history: History, positions: npt.NDArray[np.int64], *, latest: int, now_ms: int
    ) -> npt.NDArray[np.float32]:
        """Return the scores of items, and their scores with the weight 0 for each of the latest interactions.

        Some graphs, for example of SASRec, drop an interaction with the weight 0, so that the places of other
        interactions change. The scores are float32 `(1 + min(latest, len(history)), len(positions))`. The first row has
        the actual scores. Each following row lacks one interaction, oldest first. 0 for items without a score.
        """
        weights = history.weights(self.bundle.manifest.history, now_ms=now_ms)
        first = max(len(history) - latest, 0)
        left_out = np.array([-1, *range(first, len(history))])
        bias = np.full(self.bundle.manifest.items + 1, -np.inf, np.float32)
        bias[positions] = 0
        column = {position: place for place, position in enumerate(positions.tolist())}
        scores_of = np.zeros((len(left_out), len(positions)), np.float32)
        at_once = min(max(_ABLATED_PLACES // len(history) ** 2, 1), _BATCH_ABLATED)
        for start in range(0, len(left_out), at_once):
            block = left_out[start : start + at_once]
            kept = np.arange(len(history))[None, :] != block[:, None]
            feed: dict[str, npt.NDArray[Any]] = {
                "history": np.broadcast_to(history.items, kept.shape),
                "weights": np.where(kept, weights, 0).astype(np.float32),
                "exclude": np.zeros((len(block), 1), np.int64),
                "k": np.array([len(positions)], np.int64),
                "bias": bias,
            }
            for input_name, values in self._optional_inputs(history, now_ms=now_ms).items():
                feed[input_name] = np.broadcast_to(values, kept.shape)
            for row, (items, scores) in enumerate(zip(*self._run(BIAS_GRAPH_FILE, feed), strict=True), start=start):
                for position, score in zip(items.tolist(), scores.tolist(), strict=True):
                    if position in column:
                        scores_of[row, column[position]] = score
        return scores_of

    def popular(
        self,
        k: int,
        *,
        history: History = NO_HISTORY,
        after: Sequence[ScoredItem] = (),
        within: Sequence[int] = (),
        mask: Mask | None = None,
        leave_out: Sequence[int] = (),
        cold: ColdFilling | None = None,
    ) -> list[ScoredItem]:
        """Return up to k popular items, best first, except excluded ones.

        Excluded are masked items, items of `after` and `leave_out`, and items that the manifest excludes for `history`.

        If there are too few popular items, other items follow by position, and then cold items. The score is the
        reciprocal of the rank. With `after`, the score of the last item in `after` is divided by 1 + rank, and the
        origin of the items is `filled`. Items of a group, `within`, precede popular items of all users.
        """
        if k <= 0:
            return []
        left_out = {item.position for item in after}.union(leave_out)
        left_out.update(history.left_out(self.bundle.manifest).tolist())
        positions = self._popular_first(k, left_out, self.part_of(mask), within)
        if cold is not None and len(positions) < k:
            positions += cold(k - len(positions), left_out)
        best, offset, origin = (after[-1].score, 1, FILLED) if after else (1.0, 0, RANKED)
        return [
            ScoredItem(position, best / (offset + rank), origin) for rank, position in enumerate(positions, start=1)
        ]

    def part_of(self, mask: Mask | None) -> Mask | None:
        """Return the part of a mask for the items of the model, without cold and unknown items."""
        return None if mask is None else mask[: self.bundle.manifest.items + 1]

    def _popular_first(self, k: int, left_out: Set[int], mask: Mask | None, within: Sequence[int]) -> list[int]:
        """Return up to k positions: popular items of the group, popular items, then others by position."""
        popular = self.bundle.popular
        if within:
            popular = np.array(list(dict.fromkeys([*within, *popular.tolist()])), np.int32)
        listed = (popular if mask is None else popular[mask[popular] > -np.inf]).tolist()
        selected = [position for position in listed if position not in left_out][:k]
        if len(selected) < k:
            left_out = {0, *left_out, *listed}
            count = k + len(left_out)
            others: Iterable[int] = range(1, self.bundle.manifest.items + 1)
            if mask is not None:
                others = np.flatnonzero(mask > -np.inf)[:count].tolist()
            rest = (position for position in others if position not in left_out)
            selected += itertools.islice(rest, k - len(selected))
        return selected
