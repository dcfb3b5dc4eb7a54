"""Promotion, canary, rollback and pinning of model versions, with their checks.

Each write of the champion pointer fails if the pointer has changed since the caller read it.
"""

from __future__ import annotations

from alsolike.declarations.limits import MAX_REASON_CHARACTERS
from alsolike.registry import champion_pointer as champion_notes
from alsolike.registry.approvals import APPROVED
from alsolike.registry.champion_pointer import Champion
from alsolike.registry.decision import REJECTED
from alsolike.registry.versions import ModelVersions
from alsolike.runtime.errors import InvalidInput, NotFound, Unavailable
from alsolike.training.runs import TrainingRuns


def check_change_reason(reason: str) -> None:
    champion_notes.check_reason(reason)
    if len(reason) > MAX_REASON_CHARACTERS:
        raise InvalidInput(f"the reason has {len(reason)} characters, expected at most {MAX_REASON_CHARACTERS}")


def promote(
    versions: ModelVersions,
    version: str,
    *,
    expected: Champion | None,
    reason: str,
    force: str | None,
    how_to_force: str,
    now_ms: int,
) -> Champion:
    """Promote a version to champion. The caller must then call `approve`.

    The reason for an override is stored before the promotion, so that every forced champion has a reason. If the
    pointer has changed since the caller read it, the version is not promoted, but the stored reason remains.

    Parameters
    ----------
    force
        Reason for overriding the gate's rejection; None to respect a rejection.
    how_to_force
        Option that overrides the gate, for error messages, such as `--force`.
    """
    if expected is not None and expected.version == version and expected.canary is None:
        raise _champion_already(expected)
    _check_bundle(versions, version)
    forced = _forces(versions, version, force=force, how_to_force=how_to_force)
    champion_notes.check_reason(reason)
    if forced is not None:
        versions.decisions.force(version, reason=forced)
    return versions.registry.replace(expected, version, reason=reason, now_ms=now_ms, forced=forced is not None)


def approve(versions: ModelVersions, version: str, *, reason: str) -> tuple[str, ...]:
    """Approve the package of a new champion.

    A failure is returned as a warning, because the promotion is already done.
    """
    try:
        versions.approvals.decide(version, APPROVED, reason=reason)
    except Unavailable as error:
        return (
            f"model version {version!r} is champion, but its package in the SageMaker Model Registry could not be "
            f"approved: {error}",
        )
    return ()


def _champion_already(champion: Champion) -> InvalidInput:
    held = "; promotions are paused, and `resume` ends the pause" if champion.held is not None else ""
    return InvalidInput(f"model version {champion.version!r} is champion already{held}")


def _check_bundle(versions: ModelVersions, version: str) -> None:
    try:
        versions.manifest(version)
    except NotFound as error:
        versions.registered(version)
        raise NotFound(f"model version {version!r} no longer has a bundle, so it cannot serve") from error


def _forces(versions: ModelVersions, version: str, *, force: str | None, how_to_force: str) -> str | None:
    """Return the reason for overriding the gate, or None if the gate did not reject the version."""
    decision = versions.decisions.get(version)
    if decision is None or decision.verdict != REJECTED:
        return None
    if force is None:
        failed = "; ".join(str(check) for check in decision.checks if not check.passed)
        raise InvalidInput(
            f"the gate rejected model version {version!r} ({failed}); {how_to_force} overrides the rejection "
            "once and stores the reason with the version"
        )
    decision.force(force)
    return force


def start_canary(
    versions: ModelVersions,
    runs: TrainingRuns,
    version: str,
    *,
    champion: Champion | None,
    reason: str,
    force: str | None,
    how_to_force: str,
) -> str:
    """Start the training workflow at its canary step, and return the ARN of the execution.

    If the gate rejected the version, the reason for the override is stored before.
    """
    if champion is not None and champion.version == version:
        raise _champion_already(champion)
    _check_bundle(versions, version)
    forced = _forces(versions, version, force=force, how_to_force=how_to_force)
    if forced is not None:  # The workflow reads the override before the canary starts.
        versions.decisions.force(version, reason=forced)
    return runs.start({"version": version, "reason": reason})


def end_canary(versions: ModelVersions, expected: Champion | None, *, reason: str) -> Champion:
    """End the canary, so that the champion serves all users. The workflow notices the end at its next look."""
    if expected is None or expected.canary is None:
        raise NotFound("no canary is running")
    return versions.registry.end_canary(expected, reason=f"rolled back by a user: {reason}")


def resume(versions: ModelVersions, expected: Champion | None) -> Champion:
    if expected is None or expected.held is None:
        raise NotFound("promotions are not paused: a version becomes champion if it passes gate and canary")
    return versions.registry.resume(expected)


def pin(versions: ModelVersions, expected: Champion | None, version: str, *, pinned: bool) -> Champion:
    """Pin a version, which protects its files from deletion, or unpin it."""
    if expected is None:
        raise NotFound("there is no champion yet; promote a version before you pin another")
    if pinned == (version in expected.pinned):
        if pinned:
            return expected
        raise NotFound(
            f"model version {version!r} is not pinned; pinned versions: {', '.join(expected.pinned) or 'none'}"
        )
    if pinned:
        _check_bundle(versions, version)
    kept = tuple(other for other in expected.pinned if other != version)
    return versions.registry.pin(expected, (*kept, version) if pinned else kept)
