"""Repetitions of a comparison with several seeds, and interactions whose order within equal timestamps is random."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from model_export.api import Algorithm
from model_export.data.interactions import Interactions
from model_export.evaluation.ranking import Quality, Seen

POSITIONS_PER_TIME = 4
"""Number of successive positions that count as one timestamp in files of sequences, which have no timestamps."""


@dataclasses.dataclass(frozen=True, slots=True)
class QualityRow:
    """Quality with items of the history masked and allowed."""

    model: str
    masked: Quality | None
    allowed: Quality | None
    fit_s: float

    @property
    def has_hits(self) -> bool:
        return any(quality and quality.hr for quality in (self.masked, self.allowed))


def with_seed(algorithms: Mapping[str, Algorithm], seed: int) -> dict[str, Algorithm]:
    return {
        name: dataclasses.replace(algorithm, **{"seed": seed} if hasattr(algorithm, "seed") else {})
        for name, algorithm in algorithms.items()
    }


def with_random_item_numbers(interactions: Interactions, *, seed: int) -> Interactions:
    """Renumber the items at random, because ties go to the lower number.

    Seed 0 keeps the numbers.
    """
    if seed == 0:
        return interactions
    return interactions.renumber(np.random.default_rng(seed).permutation(interactions.items) + 1)


def with_shuffled_ties(interactions: Interactions, *, seed: int, positions: int = 1) -> Interactions:
    """Order each user's interactions of equal timestamps at random.

    If the timestamps are positions, `positions` successive interactions of a user count as one timestamp.
    """
    times = interactions.time_ms
    if positions > 1:
        times = (np.arange(len(interactions)) - interactions.offsets[interactions.user]) // positions
    chance = np.random.default_rng(seed).random(len(interactions))
    order = np.lexsort((chance, times, interactions.user))
    return dataclasses.replace(
        interactions,
        item=interactions.item[order],
        weight=interactions.weight[order],
        features={name: feature.take(order) for name, feature in interactions.features.items()},
    )


def tied_share(interactions: Interactions, *, positions: int = 1) -> float:
    """Return the share of interactions with the timestamp of another interaction of the same user."""
    times = interactions.time_ms
    if positions > 1:
        times = (np.arange(len(interactions)) - interactions.offsets[interactions.user]) // positions
    same = (np.diff(times) == 0) & (np.diff(interactions.user) == 0)
    return float(np.mean(np.append(same, False) | np.append(False, same)))


def seeds_table(runs: Sequence[Sequence[QualityRow]], *, k: int, users_of: Seen) -> Iterator[str]:
    """Yield the lines of a table with the mean over the seeds, and its standard error, for each model with hits.

    The last column is the standard error of the NDCG over the test users.
    """
    yield (
        f"| model | seeds | HR@{k} | NDCG@{k} | HR@{k}, past allowed | NDCG@{k}, past allowed "
        f"| error over users, past {users_of} |"
    )
    yield "|---|---|---|---|---|---|---|"
    by_model: dict[str, list[QualityRow]] = {}
    for row in (row for run in runs for row in run):
        by_model.setdefault(row.model, []).append(row)
    for model, rows in by_model.items():
        if not any(row.has_hits for row in rows):
            continue
        cells = [
            mean_and_error([getattr(quality, figure) for quality in found if quality])
            for found in ([row.masked for row in rows], [row.allowed for row in rows])
            for figure in ("hr", "ndcg")
        ]
        error = np.mean([_error_over_users(getattr(row, users_of)) for row in rows])
        yield f"| {model} | {len(rows)} | {' | '.join(cells)} | {error:.4f} |"


def mean_and_error(figures: Sequence[float]) -> str:
    """Return "" without figures, and no standard error for a single figure."""
    if not figures:
        return ""
    mean = f"{np.mean(figures):.4f}"
    return mean if len(figures) < 2 else f"{mean} ± {np.std(figures, ddof=1) / len(figures) ** 0.5:.4f}"


def _error_over_users(quality: Quality) -> float:
    return float(np.std(quality.gains, ddof=1) / len(quality.gains) ** 0.5)
