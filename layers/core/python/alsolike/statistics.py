"""Training statistics of a dataset: what follows what, and what goes together, counted where the interactions are.

They lie below a dataset, written by the job that has all of its interactions (`functions.build_dataset` on Spark) and
read by one machine that could not hold these (`model_export.statistics`). Items are named by position: 1 for the item
with the most interactions, of equal ones the first by id.

They are counted several times, up to moments of which a training knows what came after: what a model is asked about
must not be in what it is fitted from. `StatisticsManifest.moments` says which.
"""

from __future__ import annotations

import dataclasses
import math
from types import MappingProxyType
from typing import Any

import orjson

from alsolike.errors import InvalidDataset
from alsolike.holdout import holdout_ms

STATISTICS = "statistics/"
"""Below a dataset."""

ITEMS, TRANSITIONS, GRAM = "items", "transitions", "gram"
"""Below that, for each moment, each a directory of Parquet parts."""

STATISTICS_MANIFEST = "manifest.json"
"""Written last."""

WEIGHTS = MappingProxyType({"weight": math.inf, "weight_7": 7.0, "weight_30": 30.0, "weight_90": 90.0})
"""Columns with what an item's interactions weigh together, and the days before the moment at which one counts half."""

ITEM_STATISTICS = ("position", "item_id", "interactions", "sessions", "transitions", *WEIGHTS)
"""How many interactions and sessions have the item; what its row of transitions adds up to before any is dropped."""

PAIR_COLUMNS = ("source", "target", "value")
"""int, int, double. A pair of the Gram matrix, which is symmetric, may be there once or twice; its diagonal is not."""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """How the statistics are counted.

    Pairs of a user grow with the length of a history, not with its square: an interaction meets the `max_gap` after
    it, and the others of its piece of `session`.

    Attributes
    ----------
    gap_decay, max_gap, backward
        See `model_export.algorithms.transitions`.
    session
        Longest session; a longer history is several, one after the other.
    shrink
        In sessions: of a source's targets in the Gram matrix those stay whose cosine, shrunk by so many, is largest.
    most
        Targets of a source that stay, in each matrix, itself not counted.
    """

    gap_decay: float = 0.8
    max_gap: int = 20
    backward: float = 0.1
    session: int = 50
    shrink: float = 10.0
    most: int = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsManifest:
    """How and up to which moments the interactions of a dataset are counted.

    Attributes
    ----------
    last_event_ms
        Of all interactions.
    holdout_ms
        So long are the two last windows, by which settings are chosen and judged: neither is in the first count.
    since_ms
        Where a champion serves: the later of its last training event and of the first window's end; None without one,
        or where nothing came after.
    half_ms
        Half of the interactions after `since_ms` are not later.
    """

    counting: Counting
    last_event_ms: int
    holdout_ms: int
    since_ms: int | None = None
    half_ms: int | None = None

    @classmethod
    def of(cls, counting: Counting, *, start_ms: int, last_ms: int, champion_ms: int | None) -> StatisticsManifest:
        """Return the moments of interactions up to `last_ms`, all but `half_ms`.

        Parameters
        ----------
        start_ms
            `holdout.START_QUANTILE` of the interactions are earlier.
        champion_ms
            The last training event of the model that serves, if one does.
        """
        window_ms = holdout_ms(start_ms, last_ms)
        since_ms = None if champion_ms is None else max(champion_ms, last_ms - window_ms)
        if since_ms is not None and since_ms >= last_ms:
            since_ms = None
        return cls(counting=counting, last_event_ms=last_ms, holdout_ms=window_ms, since_ms=since_ms)

    @property
    def learned_ms(self) -> int:
        """What settings are chosen and judged by comes after it."""
        return self.last_event_ms - 2 * self.holdout_ms

    @property
    def moments(self) -> tuple[int, ...]:
        """Up to when the interactions are counted, each once, in order."""
        found = (self.learned_ms, self.since_ms, self.half_ms, self.last_event_ms)
        return tuple(sorted({moment for moment in found if moment is not None}))

    def to_json(self) -> bytes:
        """Return it for the file that is written last."""
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, data: bytes) -> StatisticsManifest:
        """Read the manifest.

        Raises
        ------
        InvalidDataset
            If it is no JSON object with these fields.
        """
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} is not JSON: {error}") from error
        counting = _fields(document, cls)["counting"]
        return cls(**{**document, "counting": Counting(**_fields(counting, Counting))})


def directory(moment_ms: int) -> str:
    """Return where, below `STATISTICS`, the counts up to a moment lie."""
    return f"until-{moment_ms}/"


def _fields(document: Any, of: type[Counting] | type[StatisticsManifest]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(of)}
    if not isinstance(document, dict) or document.keys() != names:
        raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} has not the fields {', '.join(sorted(names))}")
    return document
