"""Reasons of a ranked item: the interactions that contribute most to its score.

The contribution of an interaction is the loss of the score if the model's graph runs with the weight 0 for the
interaction. If the score is a sum over the history, as for item-kNN, the loss is the interaction's term. For other
models, such as SASRec and blends, the loss defines the contribution: occlusion, M. Zeiler, R. Fergus, "Visualizing and
understanding convolutional networks", ECCV 2014, section 4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from alsolike.profiles.profile import RecentInteraction
from functions.recommend.state.model import History, Model

EXPLAINED_INTERACTIONS = 50
"""Maximum number of interactions with a computed contribution, latest first."""

REASONS = 3
"""Maximum number of interactions in an explanation, highest contribution first."""


def reasons(
    positions: Sequence[int], *, model: Model, history: History, recent: Sequence[RecentInteraction], now_ms: int
) -> dict[int, list[str]]:
    """Return up to `REASONS` reasons per position of the model, JSON strings by descending contribution above 0.

    Each string contains `itemId` and `eventType` of an interaction, its `timestamp` (seconds since 1970), and
    `contribution`, the loss of the item's score without the interaction. `recent` are the interactions of `history`, in
    the same order.
    """
    places = np.array(positions, np.int64)
    scores = model.ablation_scores(history, places, latest=EXPLAINED_INTERACTIONS, now_ms=now_ms)
    lost = scores[0] - scores[1:]
    explained = recent[len(recent) - len(lost) :]
    reasons_of = {}
    for column, position in enumerate(positions):
        best = np.argsort(-lost[:, column], kind="stable")[:REASONS]
        reasons_of[position] = [
            _reason(explained[row], float(lost[row, column])) for row in best if lost[row, column] > 0
        ]
    return reasons_of


def _reason(interaction: RecentInteraction, contribution: float) -> str:
    return orjson.dumps(
        {
            "itemId": interaction.item_id,
            "eventType": interaction.event_type,
            "timestamp": interaction.event_time_ms / 1000,
            "contribution": contribution,
        }
    ).decode()
