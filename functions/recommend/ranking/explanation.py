"""The reasons of a ranked item: the loss of its score if one of the user's interactions had the weight 0.

The model itself computes it: its graph runs with that weight at 0. If its score is a sum over the history (transitions,
item-kNN, EASE, SLIST, content, buy again, distilled), the loss is the interaction's own addend, and the addends of all
make the score. Otherwise (SASRec; repurchase; a blend, which divides each part by its sum), leaving one out is the
definition: occlusion, M. Zeiler, R. Fergus, "Visualizing and understanding convolutional networks", ECCV 2014, section
4.2.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import orjson

from alsolike.profiles.profile import RecentInteraction
from functions.recommend.state.model import History, Model

EXPLAINED_INTERACTIONS = 50
"""Maximum number of interactions, the latest ones, that are left out in turn: each needs a run of the model."""

REASONS = 3
"""So many interactions at most are named of an item: those that counted most."""


def reasons(
    positions: Sequence[int], *, model: Model, history: History, recent: Sequence[RecentInteraction], now_ms: int
) -> dict[int, list[str]]:
    """Return the reasons of items that the model ranked: by position, JSON texts by descending contribution.

    Each has `itemId` and `eventType` of an interaction, its `timestamp` (seconds since 1970), and `contribution`, the
    loss of the item's score without it.

    Parameters
    ----------
    recent
        The interactions of `history`, in its order.
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
