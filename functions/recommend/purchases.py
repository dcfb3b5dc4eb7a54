"""A shopper's purchases in the live profile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

import numpy as np

from alsolike.domain.configuration import Configuration
from alsolike.events.returns import net_weights
from alsolike.profiles.store import RecentInteraction

PURCHASE = "purchase"
HALF_LIFE_MS = 90 * 86_400_000


def purchases(
    recent: Sequence[RecentInteraction], configuration: Configuration, *, now_ms: int
) -> list[tuple[str, float]]:
    """Return the items that were bought and not returned, with a score each, best first.

    The score is the number of purchases, with a half-life of 90 days. The event type `purchase` marks purchases;
    without that type, the one with the highest weight does.
    """
    weights = configuration.event_weights
    purchase = PURCHASE if PURCHASE in weights else max(weights, key=lambda name: weights[name], default=PURCHASE)
    if purchase not in weights:
        return []
    told = [each for each in recent if each.event_type == purchase or weights.get(each.event_type, 0) < 0]
    items = {item_id: number for number, item_id in enumerate(dict.fromkeys(each.item_id for each in told))}
    left = net_weights(
        np.array([items[each.item_id] for each in told], np.int64),
        np.array([weights[each.event_type] for each in told], np.float64),
    )
    scores: defaultdict[str, float] = defaultdict(float)
    for each, weight in zip(told, left.tolist(), strict=True):
        if weight > 0:
            age_ms = max(now_ms - each.event_time_ms, 0)
            scores[each.item_id] += weight / weights[purchase] * 0.5 ** (age_ms / HALF_LIFE_MS)
    return sorted(scores.items(), key=lambda item: -item[1])
