"""Distribution of the best score per list, the reference for the drift of served responses."""

from __future__ import annotations

import collections
from pathlib import Path

import numpy as np

from alsolike.bundle.features import EVENT_TYPE
from alsolike.bundle.files import GRAPH_FILE
from alsolike.configuration.configuration import PURCHASE
from alsolike.declarations.times import DAY_MS
from alsolike.training.stability_index import WINDOW_DAYS, Histogram
from model_export.api import Model
from model_export.data.chunks import chunks
from model_export.data.interactions import Floats, Interactions
from model_export.evaluation.ranking import history_parameters
from model_export.export.writer import open_session, recommend

USERS = 1_000
BINS = 10


def top_scores(
    interactions: Interactions, model: Model, directory: Path, *, exclude_seen: bool, exclude_bought: bool = False
) -> Histogram:
    """Return the best score per list of recently active users, as a histogram of up to `BINS` bins of similar size.

    Up to `USERS` evenly spaced users with interactions in the last `WINDOW_DAYS` days are scored with the exported
    graph. The time of a user's request is that of the user's last interaction, because most requests follow an
    interaction. Users with an empty list are excluded.
    """
    last_ms = interactions.time_ms[interactions.offsets[1:] - 1]
    active = np.flatnonzero(last_ms > interactions.time_ms.max() - WINDOW_DAYS * DAY_MS)
    users = active[np.unique(np.linspace(0, len(active) - 1, min(USERS, len(active))).astype(np.int64))]
    histories = interactions.histories(
        starts=interactions.offsets[users],
        ends=interactions.offsets[users + 1],
        now_ms=last_ms[users],
        parameters=history_parameters(interactions, model.settings.half_life_days),
    )
    session = open_session(directory / GRAPH_FILE)
    length, purchase = histories.items.shape[1], interactions.feature(EVENT_TYPE).code(PURCHASE)
    found: list[Floats] = []
    for rows in chunks(len(histories), items=model.items, length=length, pairs=True):
        batch = histories.rows(rows)
        exclude = batch.items if exclude_seen else np.zeros((len(batch), 1), np.int64)
        if exclude_bought:
            exclude = np.where(batch.feature(EVENT_TYPE) == purchase, batch.items, 0)
        items, scores = recommend(session, batch, exclude=exclude, k=1)
        found.append(scores[items[:, 0] > 0, 0])
    best = np.concatenate(found).astype(np.float64)
    inner = np.unique(np.quantile(best, np.arange(1, BINS) / BINS, method="lower")) if len(best) else np.zeros(0)
    return Histogram.of(collections.Counter(best.tolist()), edges=inner[inner < best.max(initial=-np.inf)].tolist())
