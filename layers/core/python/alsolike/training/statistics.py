"""Training statistics of a dataset: transitions and co-occurrences of items, counted where the interactions are.

The job that has all of a dataset's interactions (`functions.build_dataset` on Spark) writes them below the dataset. One
machine that could not hold the interactions reads them (`model_export.data.statistics`). Items are named by position:
1 for the item with the most interactions, at equal numbers the lowest id first.

They are counted several times, up to moments after which a training knows the interactions, because a model must not be
fitted on those that evaluate it. `StatisticsManifest.moments` lists the moments.
"""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType
from typing import Any

import orjson

from alsolike.runtime.errors import InvalidDataset
from alsolike.training.dataset import holdout_ms

STATISTICS = "statistics/"
"""Below a dataset."""

ITEMS, TRANSITIONS, GRAM = "items", "transitions", "gram"
"""Below that, for each moment, each a directory of Parquet parts."""

STATISTICS_MANIFEST = "manifest.json"
"""Written last."""

WEIGHTS = MappingProxyType({"weight": math.inf, "weight_7": 7.0, "weight_30": 30.0, "weight_90": 90.0})
"""Columns with the total weight of an item's interactions, and the half-life of a weight in days before the moment."""

ITEM_STATISTICS = ("position", "item_id", "interactions", "sessions", "transitions", *WEIGHTS)
"""Numbers of interactions and sessions with the item, and the sum of its row of transitions before the cut."""

PAIR_COLUMNS = ("source", "target", "value")
"""int, int, double. A pair of the Gram matrix, which is symmetric, may occur once or twice; its diagonal is absent."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Parameters of the counts.

    A user's pairs grow linearly with the length of the history: an interaction is paired with the `max_gap` after it,
    and with the others of its part of `session`.

    Attributes
    ----------
    gap_decay, max_gap, backward
        See `model_export.algorithms.transitions`.
    session
        Longest session; a longer history is split into several, one after the other.
    shrink
        In sessions. For each source, the Gram matrix keeps the targets with the largest cosine after this shrinkage.
    most
        Maximum number of a source's targets, in each matrix, without itself.
    """

    gap_decay: float = 0.8
    max_gap: int = 20
    backward: float = 0.1
    session: int = 50
    shrink: float = 10.0
    most: int = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsManifest:
    """The parameters and moments of a dataset's counts.

    Attributes
    ----------
    last_event_ms
        Of all interactions.
    tested_ms
        End of the last window. It is earlier than the last event if only a few users follow a quiet period.
    holdout_ms
        Length of each of the two last windows, which select and evaluate settings; the first count excludes both.
    since_ms
        Start of the comparison with a champion: the later of its last training event and of the first window's end;
        None without a champion or later interactions.
    half_ms
        The median time of the interactions after `since_ms`.
    """

    counting: Counting
    last_event_ms: int
    tested_ms: int
    holdout_ms: int
    since_ms: int | None = None
    half_ms: int | None = None

    @classmethod
    def of(
        cls, counting: Counting, *, start_ms: int, tested_ms: int, last_ms: int, champion_ms: int | None
    ) -> StatisticsManifest:
        """Return the moments of interactions up to `last_ms`, all but `half_ms`.

        Parameters
        ----------
        start_ms
            `dataset.START_QUANTILE` of the interactions are earlier.
        tested_ms
            End of the last window.
        champion_ms
            The last training event of the model that serves, if one does.
        """
        window_ms = holdout_ms(start_ms, tested_ms)
        since_ms = None if champion_ms is None else max(champion_ms, tested_ms - window_ms)
        if since_ms is not None and since_ms >= last_ms:
            since_ms = None
        return cls(
            counting=counting, last_event_ms=last_ms, tested_ms=tested_ms, holdout_ms=window_ms, since_ms=since_ms
        )

    @property
    def learned_ms(self) -> int:
        """The last moment before the windows that select and evaluate settings."""
        return self.tested_ms - 2 * self.holdout_ms

    @property
    def moments(self) -> tuple[int, ...]:
        """The moments up to which the interactions are counted, each once, in order."""
        times = (self.learned_ms, self.since_ms, self.half_ms, self.last_event_ms)
        return tuple(sorted({moment for moment in times if moment is not None}))

    def to_json(self) -> bytes:
        """Return the content of the file, which is written last."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, data: bytes) -> StatisticsManifest:
        """Read the manifest."""
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} is not JSON: {error}") from error
        counting = _fields(document, cls)["counting"]
        return cls(**{**document, "counting": Counting(**_fields(counting, Counting))})


def directory(moment_ms: int) -> str:
    """Return the folder below `STATISTICS` of the counts up to a moment."""
    return f"until-{moment_ms}/"


def _fields(document: Any, of: type[Counting] | type[StatisticsManifest]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(of)}
    if not isinstance(document, dict) or document.keys() != names:
        raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} has not the fields {', '.join(sorted(names))}")
    return document
