"""Paired comparison of two models by the NDCG of the same users."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from model_export.data.interactions import Ints
from model_export.evaluation import metrics
from model_export.evaluation.bootstrap import CONFIDENCE, interval
from model_export.evaluation.ranking import Gains, Seen, hidden, mean
from model_export.evaluation.splits import Queries

MAX_TEST_USERS = 5_000
"""Maximum number of test users. Larger sets are sampled with the seed of the training."""


@dataclasses.dataclass(frozen=True, slots=True)
class Paired:
    """Mean NDCG of two models on the same users, and the confidence interval of the difference.

    Attributes
    ----------
    hit_users
        Number of users with a relevant item in the list of either model.
    ahead
        Confidence interval of the candidate's mean NDCG minus the champion's mean NDCG.
    """

    users: int
    hit_users: int
    candidate: float
    champion: float
    ahead: tuple[float, float]


def paired(own: Gains, other: Gains, *, confidence: float = CONFIDENCE) -> Paired:
    ahead = interval(own - other, confidence=confidence)
    return Paired(
        users=len(own), hit_users=hit_users(own, other), candidate=mean(own), champion=mean(other), ahead=ahead
    )


def hit_users(own: Gains, other: Gains) -> int:
    return int(np.count_nonzero((own > 0) | (other > 0)))


def drawn(queries: Queries, *, seed: int) -> Queries:
    """Return the queries, or a random sample of `MAX_TEST_USERS` if there are more."""
    if len(queries) <= MAX_TEST_USERS:
        return queries
    sample = np.random.default_rng(seed).choice(len(queries), MAX_TEST_USERS, replace=False)
    return queries.select(np.sort(sample).astype(np.int64))


def wanted_of(queries: Queries, seen: Seen) -> list[Ints]:
    found = []
    for query in range(len(queries)):
        targets = queries.targets_of(query)
        found.append(targets[~np.isin(targets, hidden(queries, query, seen))])
    return found


def gains_of(lists: Ints, wanted: Sequence[Ints]) -> Gains:
    """Return the NDCG@k of each query that has targets, float64 `(queries with targets,)`."""
    with_targets = [query for query, targets in enumerate(wanted) if len(targets)]
    hits = np.array([np.isin(lists[query], wanted[query]) for query in with_targets], np.bool_).reshape(
        -1, lists.shape[1]
    )
    return metrics.gains(hits, np.array([len(wanted[query]) for query in with_targets], np.int64))
