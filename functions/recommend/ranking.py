"""The list of an answer: what the model ranks, cold items among it by their scores, and popular items at its end."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.cold_items import LISTED
from alsolike.popular_groups import Group
from alsolike.profiles import RecentInteraction
from functions.recommend.catalogue import Catalogue
from functions.recommend.model import Bias, Model, Ranked


@dataclasses.dataclass(frozen=True, slots=True)
class Ranking:
    """A list, best first.

    Attributes
    ----------
    ranked
        What the history says, cold items included.
    filling
        Popular items that follow.
    cold
        How many of `ranked` are cold.
    within
        The column of the group that `filling` is popular in; None where it is of all.
    """

    ranked: Sequence[Ranked] = ()
    filling: Sequence[Ranked] = ()
    cold: int = 0
    within: str | None = None


def rank(
    recent: Sequence[RecentInteraction],
    positions: npt.NDArray[np.int64],
    *,
    model: Model,
    catalogue: Catalogue,
    bias: Bias | None,
    group: Callable[[], Group | None],
    k: int,
    now_ms: int,
) -> Ranking:
    """Return k items for a user's interactions, less where there are no more.

    Parameters
    ----------
    positions
        What `catalogue.positions` returns for the interactions' items.
    bias
        By position, cold items included.
    group
        Says what the user has in common with others; asked where the interactions say nothing.
    """
    history = model.history(recent, positions)
    of_model = None if bias is None else bias[: model.bundle.manifest.items + 1]
    ranked: list[Ranked] = []
    cold: list[Ranked] = []
    if len(history):
        ranked = model.rank(history, k=max(k, LISTED) if catalogue.cold else k, now_ms=now_ms, bias=of_model)
        if catalogue.cold:
            # What speaks for a cold item is not what the answer may hold: a filter for new items leaves nothing else.
            listed = ranked if bias is None else model.rank(history, k=LISTED, now_ms=now_ms)
            cold = _cold(listed, model, catalogue, barred=_barred(recent, positions, model, bias), k=k)
    best = sorted([*ranked[:k], *cold], key=lambda item: -item.score)[:k]
    within = None if best else group()
    filling = model.popular(
        k - len(best), history=history, after=best, within=within.items if within else (), bias=of_model
    )
    known = sum(item.position <= model.bundle.manifest.items for item in best)
    return Ranking(best, filling, len(best) - known, within.column if within else None)


def _cold(
    listed: Sequence[Ranked], model: Model, catalogue: Catalogue, *, barred: npt.NDArray[np.int64], k: int
) -> list[Ranked]:
    """Return the k best cold items, best first."""
    scores = catalogue.cold.scores(
        np.array([item.position for item in listed], np.int64), np.array([item.score for item in listed], np.float32)
    )
    first = model.bundle.manifest.items + 1
    scores[barred - first] = 0.0
    found = np.flatnonzero(scores)
    best = found[np.argsort(-scores[found], kind="stable")[:k]]
    return [Ranked(first + index, score) for index, score in zip(best.tolist(), scores[best].tolist(), strict=True)]


def _barred(
    recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64], model: Model, bias: Bias | None
) -> npt.NDArray[np.int64]:
    """Return the positions of cold items that do not pass, and of seen ones if that counts."""
    first = model.bundle.manifest.items + 1
    barred = np.zeros(0, np.int64) if bias is None else first + np.flatnonzero(bias[first:] == -np.inf)
    if model.bundle.manifest.exclude_seen:
        weights = model.bundle.manifest.history.event_weights
        counts = np.array([interaction.event_type in weights for interaction in recent], bool)
        barred = np.concatenate([barred, positions[counts & (positions >= first)]])
    return barred
