"""Trained candidate with changes by tests, and the gate's checks of the candidate."""

import dataclasses
from typing import Any

from alsolike.bundle.manifest import Manifest
from alsolike.declarations.times import DAY_MS
from alsolike.registry.decision import Check
from functions.register_model.gate import judge
from functions.register_model.limits import GateLimits
from tests.builders.bundles import MANIFEST, METRICS
from tests.builders.lambda_events import NOW_MS

CANDIDATES: list[dict[str, Any]] = METRICS["candidates"]  # type: ignore[assignment]
CHAMPION = dataclasses.replace(MANIFEST, version="v0", last_event_ms=NOW_MS - DAY_MS)
AGAINST = {
    "k": 10, "version": "v0", "since_ms": NOW_MS - DAY_MS, "refusal": None, "reason": None,
    "users": 80, "asked_users": 60, "hit_users": 40, "targets": 90,
    "candidate": {"ndcg": 0.22, "coverage": 0.9, "popularity": 0.01, "popularity_ratio": 1.5},
    "champion": {"ndcg": 0.20, "coverage": 0.8, "popularity": 0.02, "popularity_ratio": 2.5},
    "difference": 0.02, "ahead": [0.01, 0.03], "slices": {},
}  # fmt: skip


def checks(candidate: Manifest = MANIFEST, champion: Manifest | None = None, **limits: Any) -> dict[str, Check]:
    found = judge(
        candidate,
        run_id="v1",
        champion=champion.version if champion else None,
        champion_manifest=champion,
        limits=GateLimits(**{f"gate_{name}": value for name, value in limits.items()}),
        now_ms=NOW_MS + DAY_MS,
    )
    return {check.name: check for check in found}


def failed(candidate: Manifest = MANIFEST, champion: Manifest | None = None, **limits: Any) -> list[str]:
    return [name for name, check in checks(candidate, champion, **limits).items() if not check.passed]


def with_metrics(**metrics: Any) -> Manifest:
    return dataclasses.replace(MANIFEST, metrics={**METRICS, **metrics})


def without_metric(name: str) -> Manifest:
    return dataclasses.replace(MANIFEST, metrics={key: value for key, value in METRICS.items() if key != name})


def with_winner(**figures: Any) -> Manifest:
    *others, winner = CANDIDATES
    return with_metrics(candidates=[*others, {**winner, **figures}])


def compared(*, last_event_ms: int = NOW_MS, **found: Any) -> Manifest:
    """Return a candidate that was compared with champion v0. By default, its training data are one day newer."""
    candidate = with_metrics(against_champion={**AGAINST, **found})
    return dataclasses.replace(candidate, last_event_ms=last_event_ms)


def against(candidate: Manifest, champion: Manifest = CHAMPION, **limits: Any) -> Check:
    return checks(candidate, champion, **limits)["against the champion"]
