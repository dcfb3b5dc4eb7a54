"""Metrics of a training, stored in `metrics` of the bundle's manifest."""

from __future__ import annotations

import dataclasses

from alsolike.snapshot.sentences import SentenceModel
from model_export.data.interactions import Interactions
from model_export.evaluation.bootstrap import interval
from model_export.evaluation.selection import Candidate


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
