"""Everything that is known of one model version."""

from __future__ import annotations

import dataclasses
import datetime as dt
from typing import Any

from alsolike.bundle import Manifest
from alsolike.canary_report import CanaryReport
from alsolike.decision import Decision
from alsolike.errors import NotFound
from alsolike.registry import Promotion
from cli import console, model_versions
from cli.deployment import Deployment
from cli.model_versions import ModelVersion


@dataclasses.dataclass(frozen=True, slots=True)
class Story:
    """A version with all that is known of it; None where it is not kept, or was never made.

    Attributes
    ----------
    manifest
        What its bundle says of itself, as long as it has its files.
    decision
        What the gate found.
    canary
        What its latest trial found.
    """

    version: ModelVersion
    manifest: Manifest | None
    decision: Decision | None
    canary: CanaryReport | None
    promotions: tuple[Promotion, ...]

    def document(self) -> dict[str, Any]:
        """Return it as JSON values."""
        document = {**dataclasses.asdict(self.version), **dataclasses.asdict(self)}
        del document["version"]
        document = {"version": self.version.version, **document}
        if self.decision is not None:
            document["decision"]["verdict"] = self.decision.verdict
        if self.canary is not None:
            document["canary"] |= {"state": self.canary.state, "reasons": self.canary.reasons}
        return document


def story(where: Deployment, version: str) -> Story:
    """Return what is known of a version.

    Raises
    ------
    NotFound
        If it was never registered.
    Unavailable
        If S3 or SageMaker does not answer.
    InvalidBundle
        If something of it is unreadable.
    """
    champion = model_versions.pointer(where).champion()
    try:
        manifest = model_versions.manifest(where, version)
    except NotFound:
        manifest = None
    return Story(
        model_versions.registered(where, version),
        manifest,
        model_versions.decisions(where).get(version),
        model_versions.canaries(where).read(version),
        tuple(entry for entry in (champion.history if champion else ()) if entry.version == version),
    )


def print_story(found: Story) -> None:
    """Print it for people."""
    version, manifest = found.version, found.manifest
    if manifest:
        title = model_versions.holdout_title(manifest)
        model_versions.print_candidates(model_versions.candidates(manifest), title=title)
    else:
        model_versions.print_candidates(version.candidates)
    status = f"{version.status}, pinned" if version.pinned else version.status
    console.print_line(f"version    {version.version}, {status}, made {_time(version.created_ms)}")
    console.print_line(f"algorithm  {version.algorithm}, {version.items:,} items")
    if manifest:
        console.print_line(f"dataset    {manifest.dataset_id}, up to {_time(manifest.last_event_ms)}")
        console.print_line(f"code       {manifest.code_version}")
        for kind, related in manifest.metrics.get("related", {}).items():  # models of earlier versions have none
            console.print_line(
                f"{kind:10} HR@{manifest.metrics['k']} {related['hr']:.4f} of {related['asked']:,} items asked, "
                f"{related['popular_hr']:.4f} with the most frequent ones"
            )
    console.print_line(f"package    {version.package_arn}, {version.approval}")
    if found.decision is not None:
        _print_decision(found.decision)
    if found.canary is not None:
        _print_canary(found.canary)
    for promotion in found.promotions:
        console.print_line(f"promoted   {_time(promotion.promoted_ms)}: {promotion.reason}")


def _print_decision(decision: Decision) -> None:
    compared = f"beside {decision.champion}" if decision.champion else "without a champion"
    console.print_line(f"gate       {decision.verdict} {_time(decision.decided_ms)}, {compared}")
    for check in decision.checks:
        console.print_line(f"           {check}")
    if decision.forced:
        console.print_line(f"forced     {decision.forced}")


def _print_canary(canary: CanaryReport) -> None:
    looks = f"{len(canary.looks)} looks from {_time(canary.started_ms)} to {_time(canary.looks[-1].at_ms)}"
    beside = f", {canary.share:.0%} of the users beside {canary.champion}" if canary.champion else ""
    console.print_line(f"canary     {canary.state.replace('_', ' ')}{beside}, {looks}")
    if canary.reason:
        console.print_line(f"           started {canary.reason}")
    for reason in canary.reasons:
        console.print_line(f"           {reason}")


def _time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
