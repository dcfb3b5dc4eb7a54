"""Checks of a candidate against the champion, from metrics that the training job recorded.

For the comparison, the training job fits the candidate without the latest interactions, and evaluates the candidate and
the champion on these interactions; see `model_export.job.champion_comparison`. The exported model is fitted on all
interactions, so none remain for its evaluation. `new_data` therefore checks whether the interactions since the
champion's training are suitable for training.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from alsolike.bundle.manifest import Manifest
from alsolike.registry.decision import Check
from functions.register_model.limits import MIN_HIT_USERS, GateLimits, falls, format_time

NDCG, SLICES, NEW_DATA = "against the champion", "slices", "new data"
BROKEN = "broken"


def against_champion(candidate: Manifest, champion: Manifest, *, limits: GateLimits) -> Check:
    """Check that the candidate is significantly better than the champion, or newer and worse by at most the margin.

    A candidate is newer if its last training event is later. It is worse by at most the margin if the confidence
    interval of the difference excludes more. The check passes if the champion's bundle did not run, and fails if the
    training compared the candidate with no champion or with another version. A newer or imported candidate waits
    (`Check.waits`) if too few users can be compared. If the comparison has no clear result, a newer candidate passes if
    `_learns` is true, and otherwise waits.
    """
    comparison = candidate.metrics.get("against_champion") or {"version": "no champion"}
    version = comparison.get("version")
    if version not in (champion.version, None):
        reason = f"the candidate was compared with {version}, the champion is {champion.version}; train again"
        return Check(NDCG, False, reason, {"compared_with": version, "champion": champion.version})
    if comparison.get("refusal") == BROKEN:
        reason = f"the bundle of champion {champion.version} did not run, so there is no comparison"
        return Check(NDCG, True, f"{reason}: {comparison.get('reason')}")
    fresher = candidate.last_event_ms > champion.last_event_ms
    lack = _lack_of_users(comparison, limits)
    if lack is not None:
        why, values = lack
        if not fresher and not candidate.metrics.get("imported"):
            return Check(NDCG, False, f"{why}; it is not fresher, so there is nothing new to evaluate", values)
        return Check(NDCG, False, f"{why}; {_waits(candidate)}", values, waits=True)
    return _compared(candidate, comparison, champion=champion, fresher=fresher, limits=limits)


def _lack_of_users(comparison: Mapping[str, Any], limits: GateLimits) -> tuple[str, dict[str, int]] | None:
    """Return the reason and the counts of a comparison with too few users, otherwise None."""
    users, minimum = int(comparison.get("asked_users") or 0), limits.gate_min_compared_users
    if not comparison.get("candidate") or not comparison.get("champion") or users < minimum:
        why = comparison.get("reason") or f"{users} users have new interactions, {minimum} are needed for a comparison"
        return why, {"asked_users": users, "min_compared_users": minimum}
    hit = int(comparison.get("hit_users") or 0)
    if hit < MIN_HIT_USERS:
        why = f"{hit} of {users} users have a relevant item in either list, {MIN_HIT_USERS} are needed"
        return why, {"asked_users": users, "hit_users": hit}
    return None


def _waits(candidate: Manifest) -> str:
    return f"it waits for more interactions, or for `alsolike models promote {candidate.version}`"


def _compared(
    candidate: Manifest, comparison: Mapping[str, Any], *, champion: Manifest, fresher: bool, limits: GateLimits
) -> Check:
    own, other = comparison["candidate"]["ndcg"], comparison["champion"]["ndcg"]
    low, high = comparison.get("ahead") or (None, None)
    better = low is not None and low > 0
    equal = low is not None and not falls(low, other, percent=limits.gate_margin_percent)
    worse = high is not None and falls(high, other, percent=limits.gate_margin_percent)
    passed, waits = better or (equal and fresher), False
    if better:
        end = "significantly better"
    elif not fresher:
        end = "neither significantly better nor fresher"
    elif equal:
        end = f"fresher, and a fall of more than {limits.gate_margin_percent}% is excluded"
    elif worse:
        end = f"significantly more than {limits.gate_margin_percent}% below"
    elif _learns(candidate, limits):
        passed = True
        end = (
            "fresher, and with half of the new interactions a fall of more than "
            f"{limits.gate_margin_percent}% is excluded"
        )
    else:
        waits, end = True, f"a fall of more than {limits.gate_margin_percent}% is not excluded, so {_waits(candidate)}"
    values = {
        "ndcg": own,
        "champion_ndcg": other,
        "ahead": comparison.get("difference"),
        "ahead_interval": [low, high],
        "asked_users": comparison["asked_users"],
        "hit_users": comparison["hit_users"],
        "targets": comparison.get("targets"),
        "since_ms": comparison.get("since_ms"),
        "margin_percent": limits.gate_margin_percent,
        "fresher": fresher,
    }
    interval = "" if low is None or high is None else f", ahead by {low:+.4f} to {high:+.4f}"
    return Check(
        NDCG,
        passed,
        f"{end}: ndcg@{comparison.get('k', '?')} {own:.4f}, champion {champion.version} {other:.4f}{interval}, "
        f"by {comparison['asked_users']} users since {format_time(champion.last_event_ms)}",
        values,
        waits=waits,
    )


def _learns(candidate: Manifest, limits: GateLimits) -> bool:
    """Return true if the model that was fitted on half of the new interactions is not much worse than the champion.

    The confidence interval of the difference on the other half must exclude a fall by more than the margin. Return
    false if too few users, or too few users with a relevant item in either list, were compared.
    """
    taught = (candidate.metrics.get("new_data") or {}).get("taught") or {}
    enough = taught.get("users", 0) >= limits.gate_min_compared_users and taught.get("hit_users", 0) >= MIN_HIT_USERS
    if not enough or (low := taught["ahead"][0]) is None:
        return False
    return not falls(low, taught["champion"], percent=limits.gate_margin_percent)


def no_slice_falls(candidate: Manifest, champion: Manifest, *, limits: GateLimits) -> Check:
    """Check that no slice with enough users falls significantly and by more than the limit."""
    comparison = candidate.metrics.get("against_champion") or {}
    slices = (comparison.get("slices") or {}) if comparison.get("version") == champion.version else {}
    minimum, maximum = limits.gate_min_compared_users, limits.gate_max_slice_drop_percent
    compared = {name: figures for name, figures in slices.items() if figures["users"] >= minimum}
    if not compared:
        return Check(SLICES, True, f"no segment has {minimum} users")
    fallen = [
        name
        for name, figures in compared.items()
        if _falls_significantly(figures["candidate"], figures["champion"], figures["ahead"], maximum)
    ]
    values = {"max_slice_drop_percent": maximum, "slices": compared}
    if not fallen:
        few = len(slices) - len(compared)
        reason = f"none of {len(compared)} segments falls significantly by more than {maximum}%"
        return Check(SLICES, True, f"{reason}; {few} have too few users", values)
    shown = "; ".join(
        f"{name}: ndcg {figures['candidate']:.4f}, champion {figures['champion']:.4f}, {figures['users']} users"
        for name, figures in compared.items()
        if name in fallen
    )
    return Check(SLICES, False, f"segments fall significantly by more than {maximum}%: {shown}", values)


def new_data(candidate: Manifest, *, limits: GateLimits) -> Check:
    """Check that new interactions do not lower a model's quality, and are not much less predictable than earlier ones.

    A model that was fitted on half of the new interactions is compared with the champion on the other half. Only
    significant falls by more than the limits fail the check, or a training without these metrics. The check passes
    without new interactions, and with too few users.
    """
    if "new_data" not in candidate.metrics:
        return Check(
            NEW_DATA, False, "the training did not check new data, because it ran an earlier version; train again"
        )
    figures = candidate.metrics["new_data"]
    if figures is None:
        return Check(NEW_DATA, True, "there are no new interactions to check")
    values = {**figures, "margin_percent": limits.gate_margin_percent, "max_fall_percent": limits.gate_max_fall_percent}
    minimum = limits.gate_min_compared_users
    taught = _with_enough_users(figures, "taught", ["users"], minimum=minimum)
    foreseen = _with_enough_users(figures, "foreseen", ["users", "before_users"], minimum=minimum)
    reasons = [f"{figures['interactions']} interactions are new"]
    if taught is not None:
        reasons.append(
            f"trained on half of them, ndcg is {taught['candidate']:.4f} on the rest, "
            f"champion {taught['champion']:.4f}, {taught['users']} users"
        )
    if foreseen is not None:
        reasons.append(
            f"ndcg above random lists is {foreseen['now']:.4f}, "
            f"in an earlier period of the same length {foreseen['before']:.4f}"
        )
    if taught is None and foreseen is None:
        reasons.append(f"fewer than {minimum} users could be compared")
    elif foreseen is None:
        reasons.append(
            f"predictability was not compared with an earlier period: fewer than {minimum} users in one of them, or "
            "too little data before the champion's last event"
        )
    failures = []
    if taught is not None and _falls_significantly(
        taught["candidate"], taught["champion"], taught["ahead"], limits.gate_margin_percent
    ):
        failures.append(f"training on them lowers ndcg significantly by more than {limits.gate_margin_percent}%")
    if foreseen is not None and _falls_significantly(
        foreseen["now"], foreseen["before"], foreseen["difference"], limits.gate_max_fall_percent
    ):
        failures.append(f"predictability falls significantly by more than {limits.gate_max_fall_percent}%")
    return Check(NEW_DATA, not failures, "; ".join([*reasons, *failures]), values)


def _with_enough_users(
    figures: Mapping[str, Any], name: str, counts: Sequence[str], *, minimum: int
) -> Mapping[str, Any] | None:
    """Return the metrics `name` if each of their periods has enough users, otherwise None."""
    answers: Mapping[str, Any] = figures.get(name) or {}
    return answers if all(answers.get(count, 0) >= minimum for count in counts) else None


def _falls_significantly(own: float, other: float, interval: Any, max_percent: int) -> bool:
    high = interval[1]
    return other > 0 and falls(own - other, other, percent=max_percent) and high is not None and bool(high < 0)
