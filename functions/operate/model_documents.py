"""Model versions as the API answers them."""

from __future__ import annotations

from typing import Any

from alsolike.registry.canary_report import CanaryReport
from alsolike.registry.champion import Champion, Promotion
from alsolike.registry.decision import Decision
from alsolike.registry.history import VersionHistory
from alsolike.registry.versions import AlgorithmFigures, ModelVersion, candidates


def champion_document(champion: Champion) -> dict[str, Any]:
    """Return the pointer."""
    canary = champion.canary
    return {
        "etag": champion.etag,
        "version": champion.version,
        "previous": champion.previous,
        "history": [{"version": promotion.version, **_promotion(promotion)} for promotion in champion.history],
        "canary": canary and {"version": canary.version, "share": canary.share, "startedMs": canary.started_ms},
        "held": champion.held and champion.held.reason,
        "pinned": list(champion.pinned),
    }


def version_document(version: ModelVersion) -> dict[str, Any]:
    """Return a version, with the figures of the algorithm that won."""
    winner = version.winner
    return {
        "version": version.version,
        "status": version.status,
        "algorithm": version.algorithm,
        "createdMs": version.created_ms,
        "items": version.items,
        "pinned": version.pinned,
        "forced": version.forced,
        "approval": version.approval,
        "hr": winner and winner.hr,
        "ndcg": winner and winner.ndcg,
        "coverage": winner and winner.coverage,
    }


def story_document(story: VersionHistory) -> dict[str, Any]:
    """Return the document of a version's history."""
    manifest = story.manifest
    figures = candidates(manifest) if manifest else story.version.candidates
    return {
        "version": version_document(story.version),
        "datasetId": manifest and manifest.dataset_id,
        "lastEventMs": manifest and manifest.last_event_ms,
        "candidates": [_candidate(figure) for figure in figures],
        "decision": story.decision and _decision(story.decision),
        "canary": story.canary and _canary(story.canary),
        "promotions": [_promotion(promotion) for promotion in story.promotions],
    }


def _promotion(promotion: Promotion) -> dict[str, Any]:
    return {"promotedMs": promotion.promoted_ms, "reason": promotion.reason}


def _candidate(figure: AlgorithmFigures) -> dict[str, Any]:
    return {
        "algorithm": figure.algorithm,
        "hr": figure.hr,
        "ndcg": figure.ndcg,
        "mrr": figure.mrr,
        "coverage": figure.coverage,
        "fitS": figure.fit_s,
        "winner": figure.winner,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "verdict": decision.verdict,
        "decidedMs": decision.decided_ms,
        "champion": decision.champion,
        "forced": decision.forced,
        "checks": [{"name": check.name, "passed": check.passed, "figures": check.figures} for check in decision.checks],
    }


def _canary(report: CanaryReport) -> dict[str, Any]:
    return {
        "state": report.state,
        "champion": report.champion,
        "share": report.share,
        "startedMs": report.started_ms,
        "endsMs": report.ends_ms,
        "reasons": list(report.reasons),
        "looks": [{"atMs": look.at_ms, "state": look.state, "reasons": list(look.reasons)} for look in report.looks],
    }
