"""Gate: checks that a candidate must pass before its canary. docs/gate.md explains them.

If the training did not record a required metric, the check fails, because the gate cannot evaluate it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

from alsolike.bundle.manifest import Manifest
from alsolike.declarations.times import DAY_MS
from alsolike.registry.decision import LATEST_EVENT, Check
from functions.register_model import champion_checks
from functions.register_model.champion_checks import new_data
from functions.register_model.limits import GateLimits, format_time, format_value

BASELINE = "popularity"
ALGORITHMS, COVERAGE, POPULARITY_BIAS = "algorithms", "coverage", "popularity bias"
RERANKER = "reranker"
_HOLD_OUT = " on the hold-out"
_NOT_RECORDED = "the training recorded none; it ran an earlier version, train again"


def judge(
    candidate: Manifest,
    *,
    run_id: str,
    champion: str | None,
    champion_manifest: Manifest | None,
    limits: GateLimits,
    now_ms: int,
) -> tuple[Check, ...]:
    """Return the checks of the candidate's manifest.

    `champion_manifest` is None if there is no champion, or its manifest is unreadable.
    """
    return (
        Check("version", candidate.version == run_id, f"the bundle says {candidate.version}, the run is {run_id}"),
        _parity(candidate.metrics.get("parity")),
        _enough_data(candidate.metrics.get("dataset"), limits),
        _fresh(candidate, champion=champion_manifest, limits=limits, now_ms=now_ms),
        _algorithms(candidate, champion_manifest),
        _better_than_baseline(candidate),
        *_against(candidate, champion=champion, manifest=champion_manifest, limits=limits),
        _coverage(candidate, limits),
        _popularity_bias(candidate, limits),
        _reranker(candidate),
    )


def is_of_hold_out(name: str) -> bool:
    """Return true for the name of the check that compares NDCG on the hold-out, which starts with `ndcg@<length>`."""
    return name.endswith(_HOLD_OUT)


def _against(
    candidate: Manifest, *, champion: str | None, manifest: Manifest | None, limits: GateLimits
) -> tuple[Check, ...]:
    if champion is None:
        return (Check(champion_checks.NDCG, True, "there is no champion yet"),)
    if manifest is None:
        reason = f"champion {champion} has no readable manifest, so there is no comparison"
        return (Check(champion_checks.NDCG, True, reason),)
    return (
        champion_checks.against_champion(candidate, manifest, limits=limits),
        champion_checks.no_slice_falls(candidate, manifest, limits=limits),
        new_data(candidate, limits=limits),
    )


def _parity(parity: Any) -> Check:
    """Check that the exported graph was compared with its source model."""
    figures = parity if isinstance(parity, Mapping) else {}
    numbers = [value for value in figures.values() if isinstance(value, int | float)]
    shown = ", ".join(f"{name.replace('_', ' ')} {format_value(value)}" for name, value in figures.items())
    return Check("parity", bool(numbers) and all(map(math.isfinite, numbers)), shown or "none recorded", figures)


def _enough_data(dataset: Any, limits: GateLimits) -> Check:
    if not isinstance(dataset, Mapping):
        return Check("enough data", False, _NOT_RECORDED)
    interactions, users = int(dataset["interactions"]), int(dataset["users"])
    return Check(
        "enough data",
        interactions >= limits.gate_min_interactions and users >= limits.gate_min_users,
        f"{interactions} interactions of {users} users, "
        f"at least {limits.gate_min_interactions} of {limits.gate_min_users}",
        {
            "interactions": interactions,
            "users": users,
            "min_interactions": limits.gate_min_interactions,
            "min_users": limits.gate_min_users,
        },
    )


def _fresh(candidate: Manifest, *, champion: Manifest | None, limits: GateLimits, now_ms: int) -> Check:
    name, latest = LATEST_EVENT, format_time(candidate.last_event_ms)
    age_days = (now_ms - candidate.last_event_ms) / DAY_MS
    values = {"last_event_ms": candidate.last_event_ms, "age_days": round(age_days, 2)}
    if champion is not None:
        values["champion_last_event_ms"] = champion.last_event_ms
    if limits.gate_max_age_days:
        values["max_age_days"] = limits.gate_max_age_days
        if age_days > limits.gate_max_age_days:
            return Check(name, False, f"{latest}, {age_days:.1f} days ago, at most {limits.gate_max_age_days}", values)
    if champion is None:
        return Check(name, True, f"{latest}, without a champion", values)
    fresh = candidate.last_event_ms >= champion.last_event_ms
    age, champions = "not older" if fresh else "older", format_time(champion.last_event_ms)
    return Check(name, fresh, f"{latest}, {age} than champion {champion.version}'s of {champions}", values)


def _algorithms(candidate: Manifest, champion: Manifest | None) -> Check:
    """List the algorithms that the training skipped, and warn if the champion uses one. This check never fails."""
    left_out: Mapping[str, str] = candidate.metrics.get("left_out") or {}
    needed = _names(champion.metrics.get("settings")) & left_out.keys() if champion else set[str]()
    reasons = "; ".join(f"{name} ({reason})" for name, reason in left_out.items())
    start = f"warning: the champion uses {', '.join(sorted(needed))}; " if needed else ""
    figures = f"{start}left out: {reasons}" if left_out else "none was left out"
    return Check(ALGORITHMS, True, figures, {"left_out": len(left_out), "of_champion": sorted(needed)})


def _names(settings: Any) -> set[str]:
    """Return the names of the algorithms in a model's settings, including the components of a blend."""
    if isinstance(settings, Mapping):
        own = {settings["algorithm"]} if "algorithm" in settings else set[str]()
        return own.union(*map(_names, settings.values()))
    return set[str]().union(*map(_names, settings)) if isinstance(settings, list) else set()


def _better_than_baseline(candidate: Manifest) -> Check:
    own, baseline = (_figures(candidate, name).get("ndcg") for name in (candidate.algorithm, BASELINE))
    name = f"ndcg@{candidate.metrics.get('k', '?')}{_HOLD_OUT}"
    if not isinstance(own, int | float) or not isinstance(baseline, int | float):
        return Check(name, False, f"{candidate.algorithm} {own}, {BASELINE} {baseline}")
    values = {"ndcg": own, "popularity_ndcg": baseline}
    return Check(name, own >= baseline, f"{candidate.algorithm} {own:.4f}, {BASELINE} {baseline:.4f}", values)


def _figures(candidate: Manifest, algorithm: str) -> Mapping[str, Any]:
    results = candidate.metrics.get("candidates", ())
    return next((result for result in results if result.get("algorithm") == algorithm), {})


def _coverage(candidate: Manifest, limits: GateLimits) -> Check:
    """Check the number of distinct items in the hold-out's lists, relative to the greatest possible number."""
    coverage, users = _figures(candidate, candidate.algorithm).get("coverage"), candidate.metrics.get("asked_users")
    k = candidate.metrics.get("k")
    if not isinstance(coverage, int | float) or not isinstance(users, int) or not isinstance(k, int):
        return Check(COVERAGE, False, _NOT_RECORDED)
    items, maximum = round(coverage * candidate.items), min(candidate.items, users * k)
    percent = 100 * items / max(1, maximum)
    return Check(
        COVERAGE,
        percent >= limits.gate_min_coverage_percent,
        f"{items} of {candidate.items} items are recommended, {percent:.1f}% of the {maximum} that {users} lists of "
        f"{k} could hold, at least {limits.gate_min_coverage_percent}%",
        {
            "recommended_items": items,
            "possible_items": maximum,
            "percent": percent,
            "min_coverage_percent": limits.gate_min_coverage_percent,
            **_compared_metrics(candidate, "coverage"),
        },
    )


def _popularity_bias(candidate: Manifest, limits: GateLimits) -> Check:
    ratio, popularity = (_figures(candidate, name).get("popularity_ratio") for name in (candidate.algorithm, BASELINE))
    if not isinstance(ratio, int | float):
        return Check(POPULARITY_BIAS, False, _NOT_RECORDED)
    return Check(
        POPULARITY_BIAS,
        ratio <= limits.gate_max_popularity_ratio,
        f"lists are {ratio:.2f} times as popular as the histories, at most {limits.gate_max_popularity_ratio}"
        + (f"; those of popularity {popularity:.2f} times" if popularity is not None else ""),
        {
            "popularity_ratio": ratio,
            "of_popularity": popularity,
            "max_popularity_ratio": limits.gate_max_popularity_ratio,
            **_compared_metrics(candidate, "popularity_ratio"),
        },
    )


def _reranker(candidate: Manifest) -> Check:
    """Check that a reranker is significantly better than the first stage on later responses.

    A candidate without a reranker passes the check.
    """
    figures: Mapping[str, Any] = candidate.metrics.get("reranker") or {}
    if not figures.get("on"):
        return Check(RERANKER, True, figures.get("sentence") or "off")
    quality: Mapping[str, Any] = figures.get("quality") or {}
    interval = quality.get("lead_interval") or [None]
    passed = isinstance(interval[0], int | float) and interval[0] > 0
    return Check(RERANKER, passed, figures.get("sentence") or _NOT_RECORDED, quality)


def _compared_metrics(candidate: Manifest, name: str) -> dict[str, Any]:
    """Return a metric of the candidate and the champion from their comparison, or {} if they were not compared."""
    comparison = candidate.metrics.get("against_champion") or {}
    if not comparison.get("candidate") or not comparison.get("champion"):
        return {}
    return {"since_champion": {"candidate": comparison["candidate"][name], "champion": comparison["champion"][name]}}
