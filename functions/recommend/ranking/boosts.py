"""Boosts and demotions, which change scores. Additional model runs find the items whose changed scores are best."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import numpy.typing as npt

from functions.recommend.ranking.inputs import Boost, RankingInputs
from functions.recommend.state.model import Mask, Model

MAX_GROUPS = 16
"""Maximum number of distinct factors over all items. Each requires a model run."""

_MAX_PARTS = 256


def boosted(score: float, factor: float) -> float:
    """Return a score with its boost or demotion.

    Negative scores are divided by the factor. So a boost never lowers a score, and items with equal factors keep their
    order.
    """
    return score * factor if score >= 0 else score / factor


def boosted_masks(inputs: RankingInputs, model: Model) -> list[Mask] | None:
    """Return one mask per distinct factor. None for too many factors, or without time to rank for each factor."""
    allowed = inputs.items.neutral() if inputs.mask is None else inputs.mask
    groups = factor_groups(inputs.boosts, allowed=allowed)
    expected_ms = model.expected_ms(with_bias=True) * len(groups)
    return groups if len(groups) <= MAX_GROUPS and inputs.budget.allows(expected_ms) else None


def factor_groups(boosts: Iterable[Boost], *, allowed: Mask) -> list[Mask]:
    """Return one mask per distinct product of factors, which allows the `allowed` items with this product.

    The best k boosted scores are among the best k of each group. The computation stops at more than `_MAX_PARTS`
    distinct products, and then returns more than `MAX_GROUPS` masks.
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
