"""History of one model version, printed as text; see `alsolike.registry.history`."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any

from alsolike.registry import history
from alsolike.registry.canary_report import CanaryReport
from alsolike.registry.decision import Decision
from alsolike.registry.history import VersionHistory
from cli import candidates_table, console
from operations.client.deployment import Deployment
from operations.models import versions as model_versions


def story(where: Deployment, version: str) -> VersionHistory:
    """Return what is known of a version; see `alsolike.registry.history.version_history`."""
    return history.version_history(model_versions.of(where), version)


def print_story(found: VersionHistory) -> None:
    """Print it for people."""
    version, manifest = found.version, found.manifest
    if manifest:
        title, left_out = model_versions.holdout_title(manifest), model_versions.left_out(manifest)
        candidates_table.print_candidates(
            model_versions.candidates(manifest), title=title, left_out=left_out,
            selection=model_versions.selection(manifest),
        )  # fmt: skip
    else:
        candidates_table.print_candidates(version.candidates)
    status = model_versions.status(version) + (", pinned" if version.pinned else "")
    console.print_line(f"version    {version.version}, {status}, made {_time(version.created_ms)}")
    console.print_line(f"algorithm  {version.algorithm}, {version.items:,} items")
    if manifest:
        console.print_line(f"dataset    {manifest.dataset_id}, up to {_time(manifest.last_event_ms)}")
        console.print_line(f"code       {manifest.code_version}")
        for kind, related in manifest.metrics.get("related", {}).items():  # models of earlier versions have none
            console.print_line(
                f"{kind:10} HR@{manifest.metrics['k']} {related['hr']:.4f} of {related['asked']:,} queries, "
                f"{related['popular_hr']:.4f} with the most frequent items"
            )
        if cold := manifest.metrics.get("cold_start"):
            console.print_line(f"cold items {_scales(cold['with_'])}")
    console.print_line(f"package    {version.package_arn}, {version.approval}")
    if found.decision is not None:
        _print_decision(found.decision)
    if found.canary is not None:
        _print_canary(found.canary)
    for promotion in found.promotions:
        console.print_line(f"promoted   {_time(promotion.promoted_ms)}: {promotion.reason}")


def _print_decision(decision: Decision) -> None:
    compared = f"compared with {decision.champion}" if decision.champion else "without a champion"
    console.print_line(f"gate       {decision.verdict} {_time(decision.decided_ms)}, {compared}")
    for check in decision.checks:
        console.print_line(f"           {check}")
    if decision.forced:
        console.print_line(f"forced     {decision.forced}")


def _print_canary(canary: CanaryReport) -> None:
    looks = f"{len(canary.looks)} looks from {_time(canary.started_ms)} to {_time(canary.looks[-1].at_ms)}"
    share = f", {canary.share:.0%} of the users next to {canary.champion}" if canary.champion else ""
    console.print_line(f"canary     {canary.state.replace('_', ' ')}{share}, {looks}")
    if canary.reason:
        console.print_line(f"           started {canary.reason}")
    for reason in canary.reasons:
        console.print_line(f"           {reason}")


def _scales(figures: Mapping[str, Any]) -> str:
    """Say how much items count that the model does not know; models of earlier versions have one scale for all."""
    scales = figures.get("scales")
    if scales is None:
        return f"score {figures['scale']:g} times what is like them"
    return f"score {scales['new']:g} times what is like them where they are new, {scales['rare']:g} times where rare"


def _time(time_ms: int) -> str:
    return f"{dt.datetime.fromtimestamp(time_ms / 1000, dt.UTC):%Y-%m-%d %H:%M:%S} UTC"
