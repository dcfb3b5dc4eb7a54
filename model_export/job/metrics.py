"""Metrics of a training, stored in `metrics` of the bundle's manifest."""

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
    """Metrics of a training.

    Attributes
    ----------
    protocol
        Split of the interactions: `temporal`, `temporal, counted` or `leave-one-out`.
    seen
        Treatment of items in a user's history: `masked`, `masked if bought` or `allowed`.
    repeat_share
        Share of the validation's targets that are in the user's history.
    repurchase_share
        Share of repeat purchases among the purchases after users' first orders, or None if there are no purchases.
    against_champion, new_data
        Comparison with the champion, and check of the data since its training. Each is None if it was not made.
    dataset
        Number of interactions and users, before sampling.
    train_s
        Duration in seconds, without the export.
    peak_mb
        Peak memory in 10^6 bytes, without the export.
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
    imported: Mapping[str, Any] | None
    seed: int
    train_s: float
    peak_mb: float

    def document(self) -> dict[str, Any]:
        return {field.name: getattr(self, field.name) for field in dataclasses.fields(self)}


def count_figures(interactions: Interactions) -> dict[str, object] | None:
    if interactions.counts is None:
        return None
    return {
        "moments_ms": interactions.counts.manifest.moments,
        "asked_of_interactions": len(interactions),
        "asked_of_users": interactions.users,
    }


def sentence_figures(model: SentenceModel | None) -> dict[str, object] | None:
    return None if model is None else {"columns": model.columns, "tokens": len(model.table)}


def summary(candidate: Candidate, winner: Candidate) -> dict[str, object]:
    """Return the metrics of a candidate, with 95% bootstrap intervals of the winner's lead in NDCG."""
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
