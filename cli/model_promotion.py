"""What promoting, trying, pinning and retiring a version takes."""

from __future__ import annotations

import uuid

import orjson

from alsolike import champion_notes
from alsolike.approvals import APPROVED, Approvals
from alsolike.configuration_reader import read_current
from alsolike.decision import REJECTED
from alsolike.errors import InvalidInput, NotFound
from alsolike.registry import Champion
from alsolike.retention import protected
from cli import model_versions
from cli.aws import asking
from cli.deployment import Deployment

MAX_REASON = 500
"""Characters of a reason, as `start_training` takes them."""


def check_reason(reason: str) -> None:
    """Refuse a reason that is blank, or longer than the workflow takes.

    Raises
    ------
    InvalidInput
        If it is.
    """
    champion_notes.check_reason(reason)
    if len(reason) > MAX_REASON:
        raise InvalidInput(f"the reason has {len(reason)} characters, expected at most {MAX_REASON}")


def promote(where: Deployment, version: str, *, reason: str, force: bool, now_ms: int) -> Champion:
    """Make a version champion, then keep why where it was forced, and approve its package.

    Raises
    ------
    NotFound
        If it has no bundle.
    InvalidInput
        If the gate rejected the version and nobody forces it, or no reason lets it pass.
    ConcurrentUpdate
        If somebody else wrote the pointer or the decision meanwhile.
    Unavailable
        If S3 or SageMaker does not answer.
    """
    forces = _forces(where, version, reason=reason, force=force)
    champion = model_versions.pointer(where).promote(version, reason=reason, now_ms=now_ms)
    if forces:
        model_versions.decisions(where).force(version, reason=reason)
    Approvals(where.client("sagemaker"), where.names.model_package_group).decide(version, APPROVED, reason=reason)
    return champion


def _forces(where: Deployment, version: str, *, reason: str, force: bool) -> bool:
    """Return whether promoting a version takes force; refuse it where it cannot be, or is not, forced."""
    decision = model_versions.decisions(where).get(version)
    if decision is None or decision.verdict != REJECTED:
        return False
    if not force:
        failed = "; ".join(str(found) for found in decision.checks if not found.passed)
        raise InvalidInput(
            f"the gate rejected model version {version!r} ({failed}); --force promotes it all the same, and keeps the "
            "reason with the version"
        )
    decision.force(reason)
    return True


def start_canary(where: Deployment, version: str, *, reason: str, force: bool) -> str:
    """Start the training workflow at the canary of a version; return the execution's ARN.

    Raises
    ------
    NotFound
        If the version has no bundle.
    InvalidInput
        If it is champion, or the gate rejected it and nobody forces it, or no reason lets it pass.
    Unavailable
        If Step Functions does not take it.
    """
    model_versions.manifest(where, version)
    champion = model_versions.pointer(where).champion()
    if champion is not None and champion.version == version:
        raise InvalidInput(f"model version {version!r} is champion already")
    if _forces(where, version, reason=reason, force=force):  # the workflow looks at it before the trial
        model_versions.decisions(where).force(version, reason=reason)
    arn = where.names.state_machine_arn
    with asking(f"state machine {arn}"):
        answer = where.client("stepfunctions").start_execution(
            stateMachineArn=arn,
            name=str(uuid.uuid4()),
            input=orjson.dumps({"version": version, "reason": reason}).decode(),
        )
    return str(answer["executionArn"])


def end_canary(where: Deployment, *, reason: str) -> Champion:
    """Let the champion answer everybody again; the workflow sees it at its next look.

    Raises
    ------
    NotFound
        If no version is on trial.
    InvalidInput
        If the reason is blank.
    ConcurrentUpdate
        If somebody else wrote the pointer meanwhile.
    """
    pointer = model_versions.pointer(where)
    champion = pointer.champion()
    if champion is None or champion.canary is None:
        raise NotFound("no version is on trial")
    return pointer.end_canary(champion, reason=f"somebody took it back: {reason}")


def resume(where: Deployment) -> Champion:
    """Let new versions become champion by themselves again.

    Raises
    ------
    NotFound
        If nothing holds them.
    ConcurrentUpdate
        If somebody else wrote the pointer meanwhile.
    """
    pointer = model_versions.pointer(where)
    champion = pointer.champion()
    if champion is None or champion.held is None:
        raise NotFound("nothing holds new versions: they become champion as gate and trial let them")
    return pointer.resume(champion)


def pin(where: Deployment, version: str, *, pinned: bool) -> Champion:
    """Keep a version's files, or let them go when their time comes.

    Raises
    ------
    NotFound
        If it has no bundle, is to be let go and is not pinned, or there is no champion yet.
    ConcurrentUpdate
        If somebody else wrote the pointer meanwhile.
    """
    pointer = model_versions.pointer(where)
    champion = pointer.champion()
    if champion is None:
        raise NotFound("there is no champion yet; a version is pinned beside one")
    if pinned == (version in champion.pinned):
        if pinned:
            return champion
        raise NotFound(f"model version {version!r} is not pinned; pinned: {', '.join(champion.pinned) or 'nothing'}")
    if pinned:
        model_versions.manifest(where, version)
    kept = tuple(each for each in champion.pinned if each != version)
    return pointer.pin(champion, (*kept, version) if pinned else kept)


def retire(where: Deployment, version: str, *, now_ms: int) -> int:
    """Delete a version's files and return how many.

    Raises
    ------
    NotFound
        If it has none.
    InvalidInput
        If something needs them.
    Unavailable
        If S3 does not answer.
    """
    bucket = where.names.artefact_bucket
    experiments = read_current(where.client("s3"), bucket).configuration().experiments.values()
    keeps = protected(model_versions.pointer(where).champion(), experiments, now_ms=now_ms)
    if version in keeps:
        raise InvalidInput(f"model version {version!r} {keeps[version]}; its files stay")
    deleted = model_versions.files(where).delete(version)
    if not deleted:
        raise NotFound(f"model version {version!r} has no files; `alsolike models list` shows which have")
    return deleted
