"""Recommendation lists for queries, from a champion's bundle as in serving, or from a fitted model.

A list contains positions of a `Part`, best first, padded with 0. Lower positions are first among equal scores, as in a
graph. Histories contain the latest interactions with items that the model knows, as in serving.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from alsolike.bundle.bundle import Bundle
from alsolike.bundle.features import EVENT_TYPE
from alsolike.bundle.files import GRAPH_FILE
from alsolike.bundle.manifest import HistoryParameters, Manifest
from alsolike.runtime.errors import InvalidBundle
from model_export.api import Model
from model_export.data.chunks import chunks
from model_export.data.interactions import Histories, Interactions, Ints
from model_export.data.top_n import best_items
from model_export.evaluation.ranking import Seen, hidden, history_parameters
from model_export.evaluation.splits import Part, Queries
from model_export.export.writer import open_session, recommend

NOT_HERE = -1
"""Position of items in a champion's list that are not in the data. They are never targets."""


def open_champion(directory: Path) -> ChampionBundle:
    """Open a bundle and verify its checksums."""
    bundle = Bundle(directory)
    try:
        return ChampionBundle(bundle, open_session(directory / GRAPH_FILE))
    except Exception as error:  # errors of ONNX Runtime have no narrower base class
        raise InvalidBundle(f"{GRAPH_FILE} of {bundle.manifest.version} cannot be opened: {error}") from error


class ChampionBundle:
    def __init__(self, bundle: Bundle, session: onnxruntime.InferenceSession) -> None:
        self._bundle = bundle
        self._session = session

    @property
    def manifest(self) -> Manifest:
        return self._bundle.manifest

    def answers(
        self, part: Part, item_ids: Sequence[str], *, event_weights: Mapping[str, float], k: int, seen: Seen
    ) -> Ints:
        """Return the bundle's list for each query, as item positions of the part, int64 `(queries, k)`.

        Items that the part lacks are `NOT_HERE`. A list with fewer than k items ends with 0. A list is all 0 if
        the history has no item of the bundle.

        Parameters
        ----------
        item_ids
            Item IDs of the part's positions 1..N.
        event_weights
            Weight by event type in the part. The champion's weights replace these weights.
        """
        manifest, queries = self.manifest, part.queries
        positions = np.append(0, self._bundle.positions(item_ids))
        own_weights = _translated(queries.source, event_weights, manifest.history.event_weights)
        histories = _histories(queries, positions, own_weights, manifest.history, items=manifest.items)
        local_positions = np.full(manifest.items + 1, NOT_HERE, np.int64)
        local_positions[0] = 0
        local_positions[positions[1:]] = np.where(positions[1:] > 0, np.arange(1, len(positions)), 0)
        found = np.zeros((len(queries), k), np.int64)
        length = manifest.history.length
        for rows in chunks(len(queries), items=manifest.items, length=length, pairs=True):
            exclude = _hidden(queries, rows, positions, seen)
            try:
                items, _ = recommend(self._session, histories.rows(rows), exclude=exclude, k=k)
            except Exception as error:  # see `open_champion`
                raise InvalidBundle(f"{GRAPH_FILE} of {manifest.version} does not run: {error}") from error
            found[rows, : items.shape[1]] = local_positions[items]
        return _with_history(found, histories)


def answers_of(model: Model, part: Part, *, k: int, seen: Seen) -> Ints:
    """Return the list of every query as the model's graph returns it, int64 `(queries, k)`.

    Histories and lists contain only items with interactions in the fit, because a bundle has no other items.
    """
    queries = part.queries
    known = part.fit.frequencies() > 0
    positions = np.where(known, np.arange(model.items + 1), 0)
    parameters = history_parameters(queries.source, model.settings.half_life_days)
    histories = _histories(queries, positions, queries.source.weight, parameters, items=model.items)
    found = np.zeros((len(queries), k), np.int64)
    length = parameters.length
    for rows in chunks(len(queries), items=model.items, length=length, pairs=False):
        for query, scores in enumerate(model.score(histories.rows(rows)), rows.start):
            scores[(scores <= 0) | ~known] = -np.inf
            scores[hidden(queries, query, seen)] = -np.inf
            best = best_items(scores, k)
            found[query, : len(best)] = best[np.lexsort((best, -scores[best]))]
    return _with_history(found, histories)


def _histories(
    queries: Queries,
    positions: Ints,
    weights: npt.NDArray[np.float32],
    parameters: HistoryParameters,
    *,
    items: int,
) -> Histories:
    """Return the histories of the queries with a model's positions. Unknown items and event types are omitted."""
    source = queries.source
    known = (positions[source.item] > 0) & ~np.isnan(weights)
    before = np.append(0, np.cumsum(known))
    known_interactions = Interactions(
        user=source.user[known],
        item=positions[source.item[known]].astype(np.int32),
        time_ms=source.time_ms[known],
        weight=weights[known],
        users=source.users,
        items=items,
        features={
            name: feature.recoded(tuple(parameters.features.get(name, feature.values))).take(known)
            for name, feature in source.features.items()
        },
    )
    return known_interactions.histories(
        starts=before[queries.starts], ends=before[queries.ends], now_ms=queries.now_ms, parameters=parameters
    )


def _translated(
    source: Interactions, ours: Mapping[str, float], theirs: Mapping[str, float]
) -> npt.NDArray[np.float32]:
    """Return the champion's weight of each interaction, or NaN for event types that the champion ignores.

    If a return has reduced a weight, the reduction is kept. Interactions without a type keep their weight.
    """
    types = source.feature(EVENT_TYPE)
    known = (theirs[name] / ours[name] if theirs.get(name, 0) > 0 else np.nan for name in types.values)
    factors = np.array([1.0, *known])[types.codes]
    weights: npt.NDArray[np.float32] = (source.weight * factors).astype(np.float32)
    return weights


def _hidden(queries: Queries, rows: slice, positions: Ints, seen: Seen) -> Ints:
    """Return the items of each query's history that may not be recommended, padded with 0."""
    past = [positions[hidden(queries, query, seen)] for query in range(rows.start, rows.stop)]
    padded = np.zeros((len(past), max(1, *map(len, past))), np.int64)
    for row, items in enumerate(past):
        padded[row, : len(items)] = items
    return padded


def _with_history(lists: Ints, histories: Histories) -> Ints:
    """Clear the lists of users with an empty history, because serving does not use the model for these users."""
    lists[~histories.items.any(axis=1)] = 0
    return lists
