"""Training statistics of a large dataset: numbers of transitions between items, and of co-occurrences of items.

`functions.build_dataset` computes the statistics on Spark and writes them below the dataset.
`model_export.data.statistics` reads them on a machine whose memory could not hold all interactions. Items are
identified by position: 1 is the item with the most interactions, and ties are in the order of IDs. Interactions are
counted up to each of several times (`StatisticsManifest.moments`), because a model must not be fitted on the
interactions that evaluate it.
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
"""Key prefix of the statistics below a dataset."""

ITEMS, TRANSITIONS, GRAM = "items", "transitions", "gram"
"""Folders with Parquet parts, below the folder of each time."""

STATISTICS_MANIFEST = "manifest.json"
"""File name of the manifest, which is written last."""

WEIGHTS = MappingProxyType({"weight": math.inf, "weight_7": 7.0, "weight_30": 30.0, "weight_90": 90.0})
"""Columns with the total weight of an item's interactions, each with the half-life of the weights in days."""

ITEM_STATISTICS = ("position", "item_id", "interactions", "sessions", "transitions", *WEIGHTS)
"""Columns of item statistics. `transitions` is the sum of the item's row in the matrix of transitions before
truncation.
"""

PAIR_COLUMNS = ("source", "target", "value")
"""Columns of transitions and of the Gram matrix (int, int, double).

The Gram matrix is symmetric, so a pair may occur once or twice. The diagonal is absent.
"""


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Counting:
    """Parameters of the statistics.

    The number of pairs grows linearly with the length of a history. An interaction is paired with the next `max_gap`
    interactions, and with the other interactions of its session.

    Attributes
    ----------
    gap_decay, max_gap, backward
        See `model_export.algorithms.transitions`.
    session
        Maximum number of interactions in a session. Longer histories are split into consecutive sessions.
    shrink
        Shrinkage of cosines, in sessions. The Gram matrix keeps each source's targets with the largest shrunk cosines.
    maximum
        Maximum number of targets per source in each matrix, excluding the source itself.
    """

    gap_decay: float = 0.8
    max_gap: int = 20
    backward: float = 0.1
    session: int = 50
    shrink: float = 10.0
    maximum: int = 200


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class StatisticsManifest:
    """Parameters and times of a dataset's statistics. All times are in epoch milliseconds.

    Attributes
    ----------
    tested_ms
        End of the last window. It is earlier than the last interaction if only a few users have later interactions
        after a quiet period.
    holdout_ms
        Length in milliseconds of each of the last two windows, which select and evaluate settings. The statistics up to
        `learned_ms` exclude both.
    since_ms
        Start of the comparison with a champion. It is the later of the champion's last training event and the start of
        the last window; None if there is no champion or no later interaction.
    half_ms
        Approximate median time of the interactions after `since_ms`.
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
        """Return the manifest for interactions up to `last_ms`, without `half_ms`.

        Parameters
        ----------
        start_ms
            `dataset.START_QUANTILE` quantile of the interactions' times.
        champion_ms
            Time of the champion's last training event; None if there is no champion.
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
        """Start of the two windows that select and evaluate settings."""
        return self.tested_ms - 2 * self.holdout_ms

    @property
    def moments(self) -> tuple[int, ...]:
        """Distinct times up to which interactions are counted, ascending."""
        times = (self.learned_ms, self.since_ms, self.half_ms, self.last_event_ms)
        return tuple(sorted({moment for moment in times if moment is not None}))

    def to_json(self) -> bytes:
        return orjson.dumps(self, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS)

    @classmethod
    def from_json(cls, data: bytes) -> StatisticsManifest:
        try:
            document = orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} is not JSON: {error}") from error
        counting = _fields(document, cls)["counting"]
        return cls(**{**document, "counting": Counting(**_fields(counting, Counting))})


def directory(moment_ms: int) -> str:
    return f"until-{moment_ms}/"


def _fields(document: Any, record_type: type[Counting] | type[StatisticsManifest]) -> dict[str, Any]:
    names = {field.name for field in dataclasses.fields(record_type)}
    if not isinstance(document, dict) or document.keys() != names:
        raise InvalidDataset(f"{STATISTICS}{STATISTICS_MANIFEST} lacks some of the fields {', '.join(sorted(names))}")
    return document
