"""Boosts and demotions: they change scores, and further runs of the model find the best changed scores."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from functions.recommend.ranking.inputs import Boost, RankingInputs
from functions.recommend.state.model import Mask, Model

MAX_GROUPS = 16
"""Maximum number of distinct factors over all items; each needs a run of the model."""

_MAX_PARTS = 256
"""Maximum number of distinct factors while they are computed."""


def boosted(score: float, factor: float) -> float:
    """Return a score with its boost or demotion: multiplied by the factor if it is at least 0, else divided.

    So a boost always raises an item, and within the items of one factor the order stays. An item's factor is the
    product of those whose filters it passes.
    """
    return score * factor if score >= 0 else score / factor


def boosted_masks(inputs: RankingInputs, model: Model) -> list[Mask] | None:
    """Return the masks of the boosts' factors; None if there is no time to rank with each."""
    allowed = inputs.items.neutral() if inputs.mask is None else inputs.mask
    groups = factor_groups(inputs.boosts, allowed=allowed)
    expected_ms = model.expected_ms(with_bias=True) * len(groups)
    return groups if len(groups) <= MAX_GROUPS and inputs.budget.allows(expected_ms) else None


def factor_groups(boosts: Iterable[Boost], *, allowed: Mask) -> list[Mask]:
    """Return a mask for each product of factors that allowed items have: it excludes the items with another product.

    The best k boosted scores are among the best k of each group. There are more than `MAX_GROUPS` masks if the items
    have more products than can be told apart.
    """
    groups: dict[float, npt.NDArray[np.bool_]] = {1.0: allowed > -np.inf}
    for boost in boosts:
        passes = np.ones(len(allowed), bool) if boost.mask is None else boost.mask > -np.inf
        parts: dict[float, npt.NDArray[np.bool_]] = {}
        for product, members in groups.items():
            for factor, part in ((1.0, members & ~passes), (boost.factor, members & passes)):
                if part.any():
                    key = round(product * factor, 12)
                    parts[key] = parts[key] | part if key in parts else part
        groups = parts
        if len(groups) > _MAX_PARTS:
            break
    excluded = np.float32(-np.inf)
    return [np.where(members, np.float32(0), excluded) for members in groups.values()]
