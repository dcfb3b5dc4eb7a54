"""What follows from the end of a canary: the package's approval, and files of versions that nobody needs any more."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from alsolike.approvals import APPROVED, REJECTED, Approvals
from alsolike.canary_report import PROMOTED, ROLLED_BACK, CanaryLook
from alsolike.experiments import Experiment
from alsolike.registry import Registry
from alsolike.retention import ModelFiles, protected, superfluous


def approve(approvals: Approvals, registry: Registry, version: str, look: CanaryLook) -> None:
    """Set the package's approval to what the canary came to.

    Where a person ended the canary, or nobody could look after it, nothing was found: the package stays as it is. So
    does that of a version that a person promoted after its canary took it back.

    Raises
    ------
    Unavailable
        If SageMaker or S3 does not answer.
    InvalidBundle
        If the pointer is unreadable.
    """
    if look.state == PROMOTED:
        approvals.decide(version, APPROVED, reason="; ".join(look.reasons))
    elif look.state == ROLLED_BACK and look.breached:
        champion = registry.champion()
        if champion is not None and champion.version == version:
            return
        approvals.decide(version, REJECTED, reason="; ".join(look.reasons))


def retire(
    files: ModelFiles,
    registry: Registry,
    experiments: Callable[[], Iterable[Experiment]],
    *,
    others: int,
    now_ms: int,
) -> list[str]:
    """Delete the files of the versions that nothing keeps, but for the latest so many; return those versions.

    Raises
    ------
    Unavailable
        If S3 does not answer.
    InvalidBundle, InvalidConfiguration
        If the pointer or the configuration is unreadable: nothing goes that may be needed.
    """
    retired = []
    named = list(experiments())
    keeps = protected(registry.champion(), named, now_ms=now_ms)
    for each in list(superfluous(files.stored(), keeps, others=others, now_ms=now_ms)):
        # Somebody may have promoted or pinned it since.
        if each.version not in protected(registry.champion(), named, now_ms=now_ms):
            files.delete(each.version)
            retired.append(each.version)
    return retired
