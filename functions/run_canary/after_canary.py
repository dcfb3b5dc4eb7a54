"""Tasks after a canary: approval of the package, and deletion of old versions."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator

from alsolike.configuration.experiments import Experiment
from alsolike.registry.approvals import APPROVED, REJECTED, Approvals
from alsolike.registry.canary_report import PROMOTED, ROLLED_BACK, CanaryLook
from alsolike.registry.champion_pointer_store import Registry
from alsolike.registry.retention import ModelFiles, protected, superfluous


def approve(approvals: Approvals, registry: Registry, version: str, look: CanaryLook) -> None:
    """Approve the package of a promoted version. Reject the package after a breach.

    Do not change the package after a rollback without a breach, for example by an operator, or if an operator has
    promoted the version since its rollback.
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
) -> Iterator[str]:
    """Delete the files of unprotected versions except the latest ones. Yield each version after its deletion.

    An unreadable pointer or configuration raises an error.
    """
    named = list(experiments())
    keeps = protected(registry.champion(), named, now_ms=now_ms)
    for version in list(superfluous(files.stored(), keeps, others=others, now_ms=now_ms)):
        # Another caller may have promoted or pinned the version.
        if version.version not in protected(registry.champion(), named, now_ms=now_ms):
            files.delete(version.version)
            yield version.version
