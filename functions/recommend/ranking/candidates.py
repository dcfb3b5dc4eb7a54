"""The list of an answer: the model's ranking, with cold items by their scores, and popular items at its end."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt

from alsolike.bundle.popular_groups import Group
from alsolike.profiles.store import RecentInteraction
from alsolike.runtime.struct import struct
from alsolike.snapshot.cold_items import LISTED
from functions.recommend.state.catalogue import ModelCatalogue
from functions.recommend.state.model import Bias, Model, Ranked


@struct
class Ranking:
    """A list, best first.

    Attributes
    ----------
    ranked
        The ranking from the history, cold items included.
    filling
        Popular items that follow.
    cold
        Number of cold items in `ranked`.
    within
        The column of the group whose popular items are in `filling`; None for generally popular ones.
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
    catalogue: ModelCatalogue,
    bias: Bias | None,
    group: Callable[[], Group | None],
    k: int,
    now_ms: int,
    classes: Sequence[Bias] | None = None,
) -> Ranking:
    """Return up to k items for a user's interactions.

    Parameters
    ----------
    positions
        The result of `catalogue.positions` for the interactions' items.
    bias
        By position, cold items included.
    group
        Returns the user's group; called if the interactions give no ranking.
    classes
        Biases that divide the items that `bias` allows: the k best of each are ranked, instead of the k best of all.
    """
    history = model.history(recent, positions)
    best: list[Ranked] = []
    if len(history):
        speaking = None
        for allowed in (bias,) if classes is None else classes:
            of_class = None if allowed is None else allowed[: model.bundle.manifest.items + 1]
            listed = model.rank(history, k=max(k, LISTED) if catalogue.has_cold else k, now_ms=now_ms, bias=of_class)
            best += _first(*listed, k=k)
            if catalogue.has_cold:
                if speaking is None:  # evidence for cold items need not pass: a filter for new items bars all of it
                    speaking = listed if allowed is None else model.rank(history, k=LISTED, now_ms=now_ms)
                barred = _barred(recent, positions, model, allowed)
                best += _cold(catalogue.cold.scores(*speaking), barred, first=model.bundle.manifest.items + 1, k=k)
        if catalogue.has_cold or classes is not None:
            best = sorted(best, key=lambda item: -item.score)
        if classes is None:
            best = best[:k]
    within = None if best else group()
    filling = model.popular(
        k - len(best),
        history=history,
        after=best,
        within=within.items if within else (),
        bias=None if bias is None else bias[: model.bundle.manifest.items + 1],
        leave_out=seen_cold(recent, positions, model).tolist() if catalogue.has_cold else (),
        cold=catalogue.cold_filling(bias),
    )
    of_group = within is not None and bool(filling) and filling[0].position in within.items
    cold = sum(item.position > model.bundle.manifest.items for item in best) if catalogue.has_cold else 0
    return Ranking(best, filling, cold, within.column if within and of_group else None)


def _first(positions: npt.NDArray[np.int64], scores: npt.NDArray[np.float32], *, k: int) -> list[Ranked]:
    return list(map(Ranked, positions[:k].tolist(), scores[:k].tolist()))


def _cold(scores: npt.NDArray[np.float32], barred: npt.NDArray[np.int64], *, first: int, k: int) -> list[Ranked]:
    """Return the k best cold items, best first; `first` is the position of the first of them all."""
    scores[barred - first] = 0.0
    found = np.flatnonzero(scores > 0)
    if len(found) > k:
        found = found[scores[found] >= np.partition(scores[found], -k)[-k]]
    best = found[np.argsort(-scores[found], kind="stable")[:k]]
    return _first(first + best, scores[best], k=k)


def _barred(
    recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64], model: Model, bias: Bias | None
) -> npt.NDArray[np.int64]:
    """Return the positions of cold items that do not pass, and of seen ones if that counts."""
    first = model.bundle.manifest.items + 1
    barred = np.zeros(0, np.int64) if bias is None else first + np.flatnonzero(bias[first:] == -np.inf)
    return np.concatenate([barred, seen_cold(recent, positions, model)])


def seen_cold(
    recent: Sequence[RecentInteraction], positions: npt.NDArray[np.int64], model: Model
) -> npt.NDArray[np.int64]:
    """Return the positions of cold items that are left out since they were seen."""
    if not model.bundle.manifest.exclude_seen:
        return np.zeros(0, np.int64)
    weights = model.bundle.manifest.history.event_weights
    counts = np.array([interaction.event_type in weights for interaction in recent], bool)
    return positions[counts & (positions > model.bundle.manifest.items)]
