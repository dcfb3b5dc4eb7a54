"""Figures of a training, as the manifest of its bundle keeps them in `metrics`."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.snapshot.sentences import SentenceModel
from model_export.data.interactions import Interactions
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.selection import Candidate


@dataclasses.dataclass(frozen=True, kw_only=True)
class TrainingFigures:
    """Figures of a training.

    Attributes
    ----------
    protocol
        Split of the interactions: `temporal` or `leave-one-out`.
    k
        Length of the evaluated lists.
    seen
        Treatment of items that a user has had: `masked`, `masked if bought` or `allowed`.
    asked_users
        Number of users of the test set.
    repeat_share
        Share of the interactions that repeat an item of the same user.
    repurchase_share
        Share of the purchases that repeat a purchase of the same user; None without purchases.
    settings
        The winner and its settings.
    selection
        Sentence on the selection of the winner.
    candidates
        Compared algorithms, see `summary`.
    left_out
        Reasons by algorithm that was not compared.
    slices
        Figures of the winner by segment of users and items.
    cold_start
        Figures of items without interactions.
    sentences, statistics
        See `sentence_figures` and `count_figures`.
    against_champion, new_data
        Comparison with the champion, on all data and on the data since its training; None without one.
    dataset
        Number of interactions and users before any sample.
    related
        Figures of related items by kind.
    actions, reranker
        Figures of the action model and of the reranker.
    train_s
        Duration in seconds.
    peak_mb
        Peak memory in megabytes.
    """

    protocol: str
    k: int
    seen: str
    asked_users: int
    repeat_share: float
    repurchase_share: float | None
    settings: Mapping[str, Any]
    selection: str
    candidates: Sequence[Mapping[str, object]]
    left_out: Mapping[str, str]
    slices: Mapping[str, Mapping[str, float]]
    cold_start: Mapping[str, Any]
    sentences: Mapping[str, object] | None
    against_champion: Mapping[str, Any] | None
    new_data: Mapping[str, Any] | None
    dataset: Mapping[str, int]
    statistics: Mapping[str, object] | None
    related: Mapping[str, Mapping[str, Any]]
    actions: Mapping[str, Any] | None
    reranker: Mapping[str, Any]
    seed: int
    train_s: float
    peak_mb: float

    def document(self) -> dict[str, Any]:
        """Return the figures by name."""
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def count_figures(interactions: Interactions) -> dict[str, object] | None:
    """Return a description of the counts that models were fitted from, or None without counts."""
    if interactions.counts is None:
        return None
    return {
        "moments_ms": interactions.counts.manifest.moments,
        "asked_of_interactions": len(interactions),
        "asked_of_users": interactions.users,
    }


def sentence_figures(model: SentenceModel | None) -> dict[str, object] | None:
    """Return columns and number of tokens of a sentence model, or None without one."""
    return None if model is None else {"columns": model.columns, "tokens": len(model.table)}


def summary(candidate: Candidate, winner: Candidate) -> dict[str, object]:
    """Return the figures of a candidate, with 95% bootstrap intervals of the winner's lead."""
    return {
        "algorithm": candidate.settings.name,
        "settings": candidate.settings.describe(),
        "validation_ndcg": candidate.validation_ndcg,
        "hr": candidate.quality.hr,
        "ndcg": candidate.quality.ndcg,
        "winner_ahead_validation": list(interval(winner.validation_gains - candidate.validation_gains)),
        "winner_ahead_test": list(interval(winner.quality.gains - candidate.quality.gains)),
        "mrr": candidate.quality.mrr,
        "coverage": candidate.quality.coverage,
        "popularity_ratio": candidate.quality.popularity_ratio,
        "products": None if candidate.quality.products is None else dataclasses.asdict(candidate.quality.products),
        "fit_s": candidate.fit_s,
        "peak_mb": candidate.peak_mb,
    }
