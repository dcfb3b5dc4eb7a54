"""Simulated comparisons of a candidate with the champion, with the NDCG of each user's list by both models."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import numpy.typing as npt

from model_export.evaluation.bootstrap import interval
from model_export.evaluation.paired_comparison import hit_users
from model_export.evaluation.ranking import mean

Gains = npt.NDArray[np.float64]

LENGTH = 10
_GAINS = 1 / np.log2(np.arange(LENGTH) + 2)
_OTHERS = {"coverage": 1.0, "popularity": 0.01, "popularity_ratio": 1.0}


@dataclasses.dataclass(frozen=True, kw_only=True)
class Lists:
    """Users with one relevant item each, and the lists of two models.

    Attributes
    ----------
    hit_rate
        Mean share of the champion's lists with the relevant item. It varies by user.
    same
        Share of users whose lists by both models are equal, before the loss `worse` is applied.
    worse
        True loss of the candidate, relative to the champion's NDCG.
    """

    users: int
    hit_rate: float = 0.3
    same: float = 0.0
    worse: float = 0.0

    def gains(self, draws: np.random.Generator) -> tuple[Gains, Gains]:
        """Return the users' NDCG of the candidate and of the champion."""
        chance = draws.beta(1, 1 / self.hit_rate - 1, self.users)
        ranks = np.minimum(draws.geometric(0.25, (2, self.users)) - 1, LENGTH - 1)
        own, champion = np.where(draws.random((2, self.users)) < chance, _GAINS[ranks], 0.0)
        own = np.where(draws.random(self.users) < self.same, champion, own)
        return np.where(draws.random(self.users) < self.worse, 0.0, own), champion

    def document(self, draws: np.random.Generator) -> dict[str, Any]:
        """Return the metrics that the training job records."""
        own, champion = self.gains(draws)
        return {
            "asked_users": self.users,
            "hit_users": hit_users(own, champion),
            "candidate": {"ndcg": mean(own), **_OTHERS},
            "champion": {"ndcg": mean(champion), **_OTHERS},
            "ahead": list(interval(own - champion)),
        }
